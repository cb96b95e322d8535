/*
 * init_draft: what the catalog of a database suggests to check, measured, and written as YAML;
 * private to the source of databases (init.h).
 *
 * A suggestion is a check without its bound. Once measured it gets one that holds now, with some
 * room, or is left out: a table without rows, a column that is always NULL, a newest row from the
 * future say nothing a check could hold on to.
 *
 * Everything lives in the arena given; catalogs are borrowed.
 */
#ifndef ASSIZE_RUNNER_INIT_DRAFT_H
#define ASSIZE_RUNNER_INIT_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/io/db_catalog.h"
#include "runner/model/definition.h"

struct arena;
struct buf;
struct clock;
struct db;
struct err;
struct init_subject;
struct init_writer;

#define INIT_MAX_TABLES	 100 /* of one database; the others are said */
#define INIT_MAX_COLUMNS 200 /* of one table that are looked at for NULLs */

enum suggestion_type { SUGGEST_ROWS, SUGGEST_MISSING, SUGGEST_FRESH, SUGGEST_ORPHANS };

struct suggestion {
	enum suggestion_type type;
	const char *id; /* of its check in the draft */
	const struct db_table *table;
	const char *column;		  /* MISSING, FRESH */
	const char *zone;		  /* FRESH: of its times; NULL = UTC, or they carry one */
	const struct db_foreign_key *key; /* ORPHANS */
	bool is_measured;
	int64_t value, n_total;
	double share;	    /* NaN = does not apply */
	double age_s;	    /* FRESH */
	bool lacks_zone;    /* FRESH: by its type */
	const char *reason; /* why it was not measured; NULL = it was */
};

/* One database on its way into the definition. */
struct init_target {
	enum target_type type;
	const char *location;	  /* as it shall be written */
	const char *absolute;	  /* as the draft writes it */
	const char *password_env; /* NULL = none */
	struct db_catalog catalog;
	const char *zone;	  /* the server's, for times that carry none; NULL = UTC */
	const char *unnamed_zone; /* what the server calls a zone that no name is known of */
	size_t n_zoneless;	  /* columns left out because of that */
	struct suggestion *items;
	size_t n;
};

/*
 * Fills zone or unnamed_zone: by which clock `now()` is written into a column whose type has no
 * zone. -1: the server did not say.
 */
int init_ask_zone(struct db *db, const struct clock *clock, struct arena *a, int64_t deadline_ms,
		  struct init_target *t, struct err *e);
/* Is a time of the column read in the zone of whoever reads it? False where types say little. */
bool init_lacks_zone(enum db_engine engine, const struct db_column *c);

/* Fills items from the catalog, zones included. */
void init_suggest(struct arena *a, struct init_target *t);
/* A check for each item, without a bound. */
void init_put_suggestions(struct buf *out, const struct init_target *t);
/* Takes what a run of the draft measured. */
void init_take(struct init_target *t, const struct init_subject *s);
/* The checks of the definition. */
void init_put_tables(struct init_writer *w, const struct init_target *t);

#endif
