/*
 * arsenal_migrations: what the attacks on migrations checks share; private to
 * arsenal_migrations*.c.
 *
 * A check compares two sides, and either is damaged: the rows of the framework's table through a
 * shadow (db_shadow.h), the table itself through a lens (db_lens.h), the files in a private copy.
 * Everything lives in the arena of the challenge.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_MIGRATIONS_H
#define ASSIZE_AUDITS_ARSENAL_MIGRATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/migrations.h"
#include "runner/io/db.h"
#include "runner/model/challenge.h"
#include "runner/model/kind.h"

#define BOOKS_MAX_COLUMNS 16

enum books_operator {
	BOOKS_IDENTITY = 0,
	BOOKS_ROWS_REORDERED,
	BOOKS_NEWEST_LOST,
	BOOKS_OLDEST_LOST,
	BOOKS_ALL_LOST,
	BOOKS_TABLE_GONE,
	BOOKS_CHECKSUM_CHANGED,
	BOOKS_FAILED,
	BOOKS_ROLLED_BACK,
	BOOKS_LOCK_HELD,
	BOOKS_UNKNOWN_ADDED,
	BOOKS_ORDER_SWAPPED,
	BOOKS_FILE_LOST,
	BOOKS_FILE_EDITED,
	BOOKS_FILE_ADDED,
	BOOKS_FILE_RENAMED,
	BOOKS_N
};

extern const struct attack_row books_rows[];

enum books_side { BOOKS_ROWS = 0, BOOKS_TABLE, BOOKS_FILES };

/* An attack's state. */
struct books_damage {
	enum books_side side;
	const char *words;
	/* ROWS: what is seen in place of the table; TABLE: which one is gone */
	const struct db_table *table;
	const char *body;
	/* FILES: below the copy; both NULL: as it is. to alone: a copy of `like`. */
	const char *path, *to, *like;
	bool is_edit; /* of path, which gets a byte more */
};

/* A row as the table has it, and as the framework takes it. */
struct books_row {
	bool is_taken;
	struct applied applied;		   /* key, state and checksum only */
	const struct migration *migration; /* that it is about, once and simply applied; or NULL */
	enum db_type types[BOOKS_MAX_COLUMNS];
	const char *texts[BOOKS_MAX_COLUMNS]; /* as read; blobs in hex; NULL */
	const char *cells[BOOKS_MAX_COLUMNS]; /* as the framework sees them */
};

struct books {
	struct challenge *challenge;
	struct arena *arena;
	const struct migrations_spec *spec;
	struct probe probe;
	struct world *world;
	enum db_engine engine;
	struct db_table table;
	struct db_table lock; /* name NULL = there is none */
	struct books_row *rows;
	size_t n_rows;
	const char *unshadowed; /* why rows cannot be damaged; NULL = they can */
	/* the check that reads the copy of the files */
	const struct check *copy;
	const char *tree;
	const char *uncopied; /* why files cannot be damaged, or not any more; NULL = they can */
};

/*
 * Adds one that damages what gives findings of these classes: where the framework cannot tell them,
 * or the check allows them, it is settled so.
 */
struct attack *books_add(struct books *b, enum books_operator op, const char *object,
			 unsigned classes, const struct books_damage *d);

/* ---- migrations_rows.c ---- */

/* Reads the rows; the world's session is held. */
int books_read_rows(struct books *b, struct err *e);
void books_survey_rows(struct books *b);
/* Of those about a simply applied migration, the one that the framework applies last or first. */
const struct books_row *books_newest(const struct books *b);

/* ---- migrations_sql.c ---- */

size_t books_n_columns(const struct books *b); /* the framework's, of which column i ... */
const struct db_column *books_column(const struct books *b, size_t i); /* NULL = it has none */
const char *books_literal(struct books *b, const struct db_column *c, enum db_type type,
			  const char *text);
const char *books_boolean(const struct books *b, const struct db_column *c, bool is_true);
const char *books_name(struct books *b, const char *column);
/* With its schema, so that the shadow finds the table itself. */
const char *books_from(struct books *b, const struct db_table *t);
/* Conditions: the row, and all rows about its migration. */
const char *books_is_row(struct books *b, const struct books_row *r);
const char *books_is_key(struct books *b, const struct books_row *of);
/* Every column of the table, one with another value: in the rows meant, or in all (where NULL). */
const char *books_with(struct books *b, const struct db_table *t, const struct db_column *changed,
		       const char *value, const char *where);

/* ---- migrations_files.c ---- */

/* Copies the files; what goes wrong is in uncopied. */
void books_copy_files(struct books *b);
void books_survey_files(struct books *b);
/* Does it to the copy, or undoes it. */
int books_do(struct books *b, const struct books_damage *d, struct err *e);
int books_undo(struct books *b, const struct books_damage *d, struct err *e);

#endif
