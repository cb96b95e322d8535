/*
 * scan: all checks of table quality on one table, asked in as few passes over it as possible.
 *
 * A kind adds the aggregates it needs; equal questions are asked once and two different questions
 * never share an answer, because a question is its aggregate and the whole text of its expression.
 * The scan fuses them into one statement (split only at the engine's limit on result columns;
 * distinct values are GROUP BY queries of their own), and the kind turns the answers into
 * measurements, once for each segment. A bad expression costs its own answer only: 199 good ones
 * and a bad one are 199 answers and one error. Everything lives in the arena of the probe.
 *
 * A kind that compiles to a scan puts struct scan_spec first in its spec, SCAN_KEYS first in its
 * rows, calls scan_check() from check(), and uses scan_merge_key, scan_describe and scan_probe.
 */
#ifndef ASSIZE_AUDITS_SCAN_H
#define ASSIZE_AUDITS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/io/db.h"
#include "runner/io/db_dialect.h"
#include "runner/model/keys.h"

struct arena;
struct buf;
struct check;
struct label;
struct measurement;
struct probe;
struct scan;

enum scan_aggregate {
	SCAN_COUNT,    /* rows where the expression is not NULL; of "*": all rows */
	SCAN_COUNT_IF, /* rows where the condition holds */
	SCAN_OTHERS,   /* values that are no numbers, to an engine whose columns may hold both */
	SCAN_SUM,      /* an integer when all values are and it fits; NULL without values */
	SCAN_MIN,      /* by the engine's comparison */
	SCAN_MAX,
	SCAN_AVG,
	SCAN_STDDEV, /* of the sample (n - 1); NULL below two values */
	/* Queries of their own, but for distinct values on MySQL; percentiles one for all of an
	 * expression. */
	SCAN_DISTINCT,	 /* number of distinct values that are not NULL */
	SCAN_REPEATED,	 /* scan_add_repeated() */
	SCAN_PERCENTILE, /* scan_add_percentile() */
};

/* What one kind adds to a scan and makes of it; check is an index into the probe's checks. */
struct scan_part {
	void (*add)(struct scan *s, const struct check *c);
	/* Called for each segment (once when there are none): adds the same terms again to have
	 * them, and emits. */
	void (*emit)(struct probe *p, size_t check, struct scan *s);
	bool can_sample; /* its values mean the same of a sample of the rows */
	bool asks_types; /* s->table is looked at before add() */
};

struct scan_spec {
	const char *table, *where;
	struct texts by;
	const char *sample;
	const struct scan_part *part;
};

/* The rows every such kind begins with. */
#define SCAN_KEYS                                                                                  \
	{.name = "table",                                                                          \
	 .type = KEY_TEXT,                                                                         \
	 .flags = KEY_REQUIRED,                                                                    \
	 .offset = offsetof(struct scan_spec, table),                                              \
	 .help = "table or view, schema.table for one of another schema; a name with a dot in "    \
		 "the quotes of the engine: '\"a.b\"', '`a.b`'",                                   \
	 .example = "orders"},                                                                     \
		{.name = "where",                                                                  \
		 .type = KEY_TEXT,                                                                 \
		 .offset = offsetof(struct scan_spec, where),                                      \
		 .help = "only rows for which this SQL condition holds",                           \
		 .example = "state = 'paid'"},                                                     \
		{.name = "sample",                                                                 \
		 .type = KEY_TEXT,                                                                 \
		 .offset = offsetof(struct scan_spec, sample),                                     \
		 .help = "only a sample: a share of the rows, or about so many; for shares, "      \
			 "means and percentiles",                                                  \
		 .example = "\"10%\""},                                                            \
	{                                                                                          \
		.name = "by", .type = KEY_TEXTS, .offset = offsetof(struct scan_spec, by),         \
		.help = "columns that tell segments apart: every series once per segment, at "     \
			"most 1,000 segments; NULL is named (null), and the text that says so "    \
			"'(null)', in quotes",                                                     \
		.example = "[state, country]"                                                      \
	}

/* What questions are about: all terms of one expression share it. */
struct scan_operand {
	size_t index;			/* in order of appearance */
	bool is_numbers;		/* somebody asks what only numbers have */
	bool has_deviation;		/* SCAN_STDDEV is asked */
	int64_t center;			/* of it: see scan_center.c */
	const struct db_column *column; /* that it is; NULL = not one, or not known */
	enum dialect_content content;	/* of it, where that matters */
};

/* One question and, by segment, its answers. */
struct scan_term {
	enum scan_aggregate how;
	const char *expression;
	struct scan_operand *operand;
	const struct texts *columns; /* SCAN_REPEATED */
	int percent;		     /* SCAN_PERCENTILE */
	/* SCAN_COUNT_IF: what the condition is about, and its cheaper forms; NULL = none. */
	const struct scan_operand *about;
	const char *cheaper[DIALECT_N_CONTENTS];
	size_t index;		 /* among the answers of a segment */
	const struct err *error; /* could not be asked, and why; NULL = it was */
	const char *query;	 /* the statement that asks it alone, once somebody wanted it */
	bool is_whole;		 /* its parts could not be made into one: asked as it stands */
};

struct scan_answer {
	struct db_value value;
	int64_t n_rows; /* rows in the same snapshot; -1 = not counted, there are some */
};

struct scan_segment {
	const char *key;	     /* of all labels; "" without by: */
	size_t index;		     /* in order of appearance */
	const struct label *labels;  /* as many as columns in by: */
	struct scan_answer *answers; /* one a term */
};

struct scan_key;

struct scan {
	struct probe *probe;
	enum db_engine engine;
	const struct scan_spec *spec; /* table, where, by, sample: those all checks share */
	struct scan_term **terms;
	size_t n, cap;
	struct map by_question, by_expression;
	size_t n_operands;
	bool is_asked;		      /* no term can be added any more */
	bool has_only_extremes;	      /* of the whole table: indexes may answer them */
	bool is_plain;		      /* in SQL that every client understands */
	const struct scan_key *key;   /* what it is divided by; NULL = it is asked whole */
	const struct db_table *table; /* as far as it was looked at; NULL = not at all */
	const char *sample_source, *sample_condition; /* what makes it one; NULL = nothing does */
	struct scan_segment **segments;
	size_t n_segments;
	struct map by_key;
	struct scan_segment *present; /* the one that is emitted */
};

/* A name quoted for the engine, in the arena. */
const char *scan_column(const struct scan *s, const char *name);

/* Borrows the expression. The same question again is the same term. */
struct scan_term *scan_add(struct scan *s, enum scan_aggregate how, const char *expression);

/*
 * As scan_add() of SCAN_COUNT_IF, of a condition about the column x, which was added before.
 * cheaper: the same condition by what the column is declared to hold; NULL = nothing cheaper.
 */
struct scan_term *scan_add_condition(struct scan *s, const char *condition, const char *x,
				     const char *const cheaper[static DIALECT_N_CONTENTS]);

/*
 * Rows beyond the first of each combination of the columns in which none is NULL, by the engine's
 * comparison. Borrows the columns.
 */
struct scan_term *scan_add_repeated(struct scan *s, const struct texts *columns);

/* The value below which percent of the values lie, interpolated between two of them. */
struct scan_term *scan_add_percentile(struct scan *s, const char *expression, int percent);

/*
 * Of the present segment. The text of a value is cut at DATABASE_MAX_TEXT_BYTES. NULL is the answer
 * of a term that is bad, too: look at t->error, or leave it to scan_emit().
 */
const struct db_value *scan_value(const struct scan *s, const struct scan_term *t);
/* Rows of the present segment in the same snapshot as the value; -1 = there are some. */
int64_t scan_rows(const struct scan *s, const struct scan_term *t);
/* "table "t" has no rows": the reason when a segment's rows are 0. */
const char *scan_no_rows(const struct scan *s);

/*
 * Emits a copy of m with the labels of the present segment behind its own, and with the statement
 * that asks t as its query. A bad term makes it no measurement, with the reason.
 */
void scan_emit(struct scan *s, size_t check, const struct measurement *m,
	       const struct scan_term *t);

/* To be called from a kind's check(). */
void scan_check(struct keys_context *ctx, struct check *c, const struct scan_part *part);

/* A kind's check_bounds(), when its part can_sample. */
void scan_check_bounds(struct keys_context *ctx, const struct check *c);

const char *scan_merge_key(struct arena *a, const struct check *c);
void scan_describe(struct probe *p, struct buf *out);
int scan_probe(struct probe *p, struct err *e);

#endif
