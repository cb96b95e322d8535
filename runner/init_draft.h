/*
 * init_draft: what the catalog of a database suggests to check, measured, and written as YAML.
 *
 * A suggestion is a check without its bound. `assize init` lets the very kinds it suggests measure
 * the database, so that a baseline is what a run will see; then each suggestion gets a bound that
 * holds now, with some room, or is left out: a table without rows, a column that is always NULL, a
 * newest row from the future say nothing a check could hold on to.
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
struct result;

#define INIT_MAX_TABLES	 100 /* of one database; the others are named in a comment */
#define INIT_MAX_COLUMNS 200 /* of one table that are looked at for NULLs */

enum suggestion_type { SUGGEST_ROWS, SUGGEST_MISSING, SUGGEST_FRESH, SUGGEST_ORPHANS };

struct suggestion {
	enum suggestion_type type;
	const char *id; /* of its check in the draft */
	const struct db_table *table;
	const char *column;		  /* MISSING, FRESH */
	const struct db_foreign_key *key; /* ORPHANS */
	bool is_measured;
	int64_t value, n_total;
	double share; /* NaN = does not apply */
	double age_s; /* FRESH */
};

/* One database on its way into the definition. */
struct init_target {
	const char *name; /* also of its audit */
	enum target_type type;
	const char *location;	  /* as it shall be written */
	const char *absolute;	  /* as the draft writes it */
	const char *password_env; /* NULL = none */
	struct db_catalog catalog;
	struct suggestion *items;
	size_t n;
};

/* Fills items from the catalog. */
void init_suggest(struct arena *a, struct init_target *t);

/* The draft: targets, and unless is_targets_only a check for each suggestion, without a bound. */
void init_write_draft(struct buf *out, const struct init_target *targets, size_t n,
		      bool is_targets_only);

/* Takes what a run of the draft measured. */
void init_take_results(struct init_target *targets, size_t n, const struct result *results,
		       size_t n_results);

/* The definition; day is "2026-11-26". Returns how many checks it has. */
size_t init_write(struct arena *a, struct buf *out, const struct init_target *targets, size_t n,
		  const char *day);

#endif
