/*
 * show: rows that failed, as evidence; private to this room.
 *
 * Nothing is fetched unless the check names columns, and nothing but those columns: a database
 * under audit holds other people's data. A masked column tells only whether there is a value.
 * Values are redacted, then cut, so that no half of a secret gets through, and escaped; one row is
 * one line.
 *
 * A kind puts SHOW_KEY into its keys, show_check() into its check(), and calls show_rows() from its
 * evidence().
 */
#ifndef ASSIZE_AUDITS_SHOW_H
#define ASSIZE_AUDITS_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/io/db.h"
#include "runner/model/keys.h"

struct buf;
struct check;
struct err;
struct probe;

struct show {
	struct texts columns, mask;
	int64_t limit;
};

/* The rows of the group. A kind with keys of its own beside them puts struct show first. */
#define SHOW_ROWS                                                                                  \
	{.name = "columns",                                                                        \
	 .type = KEY_TEXTS,                                                                        \
	 .flags = KEY_REQUIRED,                                                                    \
	 .offset = offsetof(struct show, columns),                                                 \
	 .help = "columns shown of a row that failed; no others are fetched",                      \
	 .example = "[id, email]"},                                                                \
		{.name = "mask",                                                                   \
		 .type = KEY_TEXTS,                                                                \
		 .offset = offsetof(struct show, mask),                                            \
		 .help = "those of them whose values are hidden",                                  \
		 .example = "email"},                                                              \
	{                                                                                          \
		.name = "limit", .type = KEY_INT, .offset = offsetof(struct show, limit),          \
		.min = 1, .max = 50, .def = "5", .help = "most rows shown of a series"             \
	}

#define SHOW_KEY(struct_type, field, its_rows)                                                     \
	{                                                                                          \
		.name = "show", .type = KEY_GROUP, .offset = offsetof(struct_type, field),         \
		.sub = (its_rows),                                                                 \
		.help = "rows that failed, as evidence; none unless columns are named",            \
		.example = "{ columns: [id, email], mask: email }"                                 \
	}

extern const struct key_row show_rows_only[]; /* SHOW_ROWS, ended */

/* Did the check ask for rows? */
bool show_is_wanted(const struct show *s);

/* Definition errors: a column twice, a mask that is no column. */
void show_check(struct keys_context *ctx, const struct check *c, const struct show *s);

/* The columns, as column_put_compared() writes them, separated by commas. table may be NULL. */
void show_columns(enum db_engine engine, struct buf *out, const struct show *s,
		  const struct db_table *table);

/* One line for a row whose columns, in this order, are those of s. */
void show_row(struct probe *p, const struct show *s, const struct db_value *values,
	      struct buf *out);

/* Runs a query that gives those columns; at most s->limit of its rows become lines. */
int show_query(struct probe *p, const struct show *s, const char *sql, struct buf *out,
	       struct err *e);

#endif
