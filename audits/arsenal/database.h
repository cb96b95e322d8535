/*
 * arsenal_database: how the checks on tables are attacked; private to arsenal_database*.c and, for
 * the arsenal itself, to the kinds that it is for.
 *
 * A damage is the body of a shadow (runner/io/db_shadow.h): a query that reads the real table and
 * gives a damaged one. Nothing is written, and the check's own statements see it.
 *
 * database.c holds the session of a challenge and strikes, _rows.c lists the attacks,
 * _names.c finds the tables that a statement names, _look.c what of them the check reads, _column.c
 * what columns hold, _claims.c what a kind claims to notice, _survey.c which damages there are,
 * _body.c writes them as SQL, _guard.c finds those that the schema forbids or that change nothing,
 * and _words.c tells them.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_DATABASE_H
#define ASSIZE_AUDITS_ARSENAL_DATABASE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/pairs.h"
#include "runner/io/db.h"
#include "runner/model/challenge.h"
#include "runner/model/keys.h"

struct buf;
struct db_shadow;
struct emitted;
struct probe;

/* Their names are in database_rows.c. */
enum damage_op {
	DAMAGE_NONE, /* the way of asking */
	DAMAGE_ORDER,
	DAMAGE_EXTRA,
	DAMAGE_EMPTY,
	DAMAGE_LOST,
	DAMAGE_NEWEST_LOST,
	DAMAGE_GROUP_LOST,
	DAMAGE_DUP,
	DAMAGE_DROPPED,
	DAMAGE_NULLED,
	DAMAGE_EMPTIED,
	DAMAGE_UNKNOWN,
	DAMAGE_CASE_SPACE,
	DAMAGE_CONSTANT,
	DAMAGE_ZEROED,
	DAMAGE_SCALED_UP,
	DAMAGE_SCALED_DOWN,
	DAMAGE_NEGATED,
	DAMAGE_ORPHANED,
	DAMAGE_STALE,
	DAMAGE_AHEAD,
	DAMAGE_OPS
};
#define DAMAGE_BIT(op) (1u << (op))
/* Of what is claimed: NULL in all rows or none, half of them would change nothing that is. */
#define WHOLE_NULL (1u << DAMAGE_OPS)
#define TEXT_BITS                                                                                  \
	(DAMAGE_BIT(DAMAGE_EMPTIED) | DAMAGE_BIT(DAMAGE_UNKNOWN) | DAMAGE_BIT(DAMAGE_CASE_SPACE))
#define SCALE_BITS (DAMAGE_BIT(DAMAGE_SCALED_UP) | DAMAGE_BIT(DAMAGE_SCALED_DOWN))
#define TIME_BITS                                                                                  \
	(DAMAGE_BIT(DAMAGE_NEWEST_LOST) | DAMAGE_BIT(DAMAGE_STALE) | DAMAGE_BIT(DAMAGE_AHEAD))

enum column_class {
	CLASS_OTHER = 0,
	CLASS_INTEGER,
	CLASS_REAL,
	CLASS_TEXT,
	CLASS_TIME, /* and SQLite's texts that are times */
	CLASS_BOOL,
	CLASS_ENUM, /* its type lists its values */
};

#define NO_COLUMN SIZE_MAX

/* What a column is to the check. */
enum column_use {
	COLUMN_UNREAD = 0,
	COLUMN_GIVEN,	/* SELECT * gives it; who reads it is not known yet */
	COLUMN_FILTER,	/* only its filter reads it: not what the check is about */
	COLUMN_SEGMENT, /* it tells segments apart */
	COLUMN_SUBJECT,
};

struct seen_column {
	enum column_use use;
	enum column_class class;
	unsigned claimed;   /* DAMAGE_BITs that the check claims to notice of it */
	int64_t time_scale; /* of a number that is a time: its units in a second; 0 = it is none */
};

/* A database that the check asks. */
struct seen_source {
	struct db_source source;
	const char *label; /* before a table's name, "ledger: "; "" where there is one source */
	struct db_catalog catalog;
};

struct seen_table {
	struct seen_source *of;
	const struct db_table *facts;
	const char *schema, *name; /* as db_shadow wants them */
	const char *shown;	   /* "orders", with the label */
	const char *quoted;	   /* with the schema: what a body reads */
	const char *rank;	   /* condition's left side: from 0 to rank_end, by the row */
	double rank_end;
	bool is_numbered; /* rank needs rows that are numbered: see body.c */
	struct seen_column *columns;
	int64_t n_rows;
	bool is_subject;   /* what the check is about, not only its filter */
	unsigned claimed;  /* DAMAGE_BITs of the table */
	const char *where; /* of the rows that are looked at; NULL = all */
	const char *scope; /* only rows for which it holds are damaged; NULL = all */
};

/* A statement that the check asked of the world as it is. */
struct heard {
	const struct seen_source *of;
	const char *sql;
	bool is_usable;	  /* it can be asked through shadows; the check can do without the others */
	size_t n_columns; /* that it gives */
};

struct hearing {
	struct heard *items;
	size_t n, cap;
};

struct siege {
	struct challenge *challenge;
	const struct check *check; /* as it is asked */
	struct seen_source sources[2];
	size_t n_sources;
	struct hearing heard;		/* of the world as it is */
	struct hearing *present;	/* what is listened to now goes here */
	pthread_mutex_t lock;		/* of it: two sides are asked by two threads */
	const struct emitted *baseline; /* what was measured of the world as it is */
	size_t n_baseline;
	struct seen_table **tables;
	size_t n_tables, cap_tables;
};

/* The state of an attack. */
struct damage {
	enum damage_op op;
	const struct seen_table *table; /* NULL = all of them */
	size_t column;			/* with a table; NO_COLUMN = none */
	const char *literal;		/* GROUP_LOST, UNKNOWN, CONSTANT: SQL */
	const char *told;		/* GROUP_LOST: the value, where it may be told */
};

/* ---- database_rows.c ---- */

/* Of the check's kind, which has it. */
const struct attack_row *siege_row(const struct check *c, enum damage_op op);

/* ---- database.c ---- */

/* What every arsenal of this family consists of, beside siege_words(). */
int siege_open(struct challenge *c, struct err *e);
int siege_lead(struct challenge *c, struct err *e);
int siege_attack(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		 struct err *e);
void siege_close(struct challenge *c);

/* A session on a source until siege_release(), and a deadline for what is asked over it. */
int siege_acquire(const struct siege *s, const struct seen_source *of, struct db **out,
		  struct err *e);
void siege_release(const struct siege *s, struct db *db);
bool siege_is_interrupted(const struct siege *s); /* nothing more is to be asked */
int64_t siege_deadline_ms(const struct siege *s);
/* The first value of a row; text is in the challenge's arena. DB_NULL where there is no row. */
int siege_ask(const struct siege *s, const struct seen_source *of, const char *sql,
	      struct db_value *out, struct err *e);
/* As a whole number; NULL is 0. */
int siege_count(const struct siege *s, const struct seen_source *of, const char *sql, int64_t *out,
		struct err *e);
struct siege_shadows {
	struct db_shadow *items;
	size_t n;
};

/* The damage as shadows on a source. Needs a session: whoever holds the only one waits for it. */
int siege_shadows(const struct siege *s, const struct seen_source *of, const struct damage *d,
		  double dose, struct siege_shadows *out, struct err *e);
/* The check's measurements in the damaged world; dose and p as arsenal.strike. */
int siege_strike(struct siege *s, const struct damage *d, double dose, struct probe *p,
		 struct err *e);
/*
 * The check asked in the damaged world: does it measure anything else than in the real one? What
 * cannot be made moves nothing.
 */
bool siege_moves(struct siege *s, const struct damage *d, double dose);
/* buf as text in the challenge's arena; releases it. */
const char *siege_keep(const struct siege *s, struct buf *b);

/* What the check's keys say, whatever its kind is: NULL or none where it has no such key. group:
 * of a mapping in it; NULL = its own. */
const char *siege_text(const struct check *c, const char *group, const char *key);
const struct texts *siege_texts(const struct check *c, const char *group, const char *key);
const struct groups *siege_groups(const struct check *c, const char *key);
const char *siege_choice(const struct check *c, const char *key);

/* ---- database_names.c ---- */

struct table_name {
	const char *schema, *name; /* as the engine folds them; schema NULL = none was written */
};

/* Tables that a statement may read: names behind FROM and JOIN. May hold what is none. */
struct table_name *siege_names(struct arena *a, enum db_engine engine, const char *sql, size_t *n);
/* Is there "one = other", in either order, of columns with or without their table's name? */
bool siege_equates(struct arena *a, enum db_engine engine, const char *sql, const char *one,
		   const char *other);

/* ---- database_look.c ---- */

/* Which tables are read, and which of their columns, and what they hold. */
int siege_look(struct siege *s, struct err *e);
/*
 * Are the check's statements accepted where the damage is? One that the damaged column's type does
 * not suit would fail for a reason that no damage has.
 */
bool siege_is_accepted(const struct siege *s, const struct damage *d, double dose);
/* Was the statement asked of the world as it is, and cannot see a shadow? */
bool siege_is_spared(const struct siege *s, const struct heard *h);
/* Is it the table that a definition calls so? written NULL = no. */
bool siege_is_table(const struct siege *s, const struct seen_table *t, const char *written);
/* NO_COLUMN = it has none of that name. */
size_t siege_find_column(const struct seen_table *t, const char *name);

/* ---- database_column.c ---- */

/* Tells rows apart by numbers that are the same in every strike: fills t->rank and its friends. */
void siege_rank(const struct siege *s, struct seen_table *t);
enum column_class siege_class(const struct siege *s, const struct seen_table *t, size_t column);

/* ---- database_survey.c ---- */

int siege_survey(struct siege *s, struct err *e);

/* ---- database_claims.c ---- */

/* Fills what is claimed of a table that the check is about, and of its columns. */
void siege_claim(const struct siege *s, struct seen_table *t);
/* Is the kind about columns at all? Then those that it does not read are worth a word. */
bool siege_is_of_columns(const struct siege *s);

/* ---- database_body.c ---- */

/* In the challenge's arena. dose as of the attack's row. Only NEWEST_LOST asks the database. */
int siege_body(const struct siege *s, const struct damage *d, const struct seen_table *t,
	       double dose, const char **out, struct err *e);
/* The rows that the damage would change, as a condition on the table; NULL = all. */
const char *siege_changes(const struct siege *s, const struct damage *d, double dose);
/* What the damage's rows are read from, whose columns are the table's. */
const char *siege_from(const struct siege *s, const struct seen_table *t);
const char *siege_column(const struct siege *s, const struct damage *d);
/* SQL of a value that an engine told as it is, or as text. */
int siege_literal(enum db_engine engine, const struct db_value *v, struct buf *out, struct err *e);
/* " AND (...)": only rows that the check looks at; "" = all are. */
const char *siege_also(const struct siege *s, const struct seen_table *t);

/* ---- database_guard.c ---- */

/* Settles an attack that is guarded, without effect, or cannot be made. */
void siege_settle(struct siege *s, struct attack *a);

/* ---- database_words.c ---- */

const char *siege_words(const struct challenge *c, const struct attack *a, double dose);

#endif
