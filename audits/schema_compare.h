/*
 * schema_compare: a catalog against what a definition says; private to this room, but that `assize
 * init` writes types as they will be compared.
 *
 * Pure functions over the facts of runner/io/db_catalog.h.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_COMPARE_H
#define ASSIZE_AUDITS_SCHEMA_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/schema_differences.h"
#include "audits/schema_spec.h"
#include "runner/io/db.h"

/* ---- facts, asked by several of these files ---- */

/* A table or view by the name a definition uses: also "public.orders" for a bare one. */
const struct db_table *schema_find_table(const struct db_catalog *c, const char *name);
/* Is it what a name or a pattern means? A pattern is compared as written: names that differ in case
 * only are rare enough. */
bool schema_matches(const struct db_catalog *c, const struct db_table *t, const char *pattern);
const struct db_column *schema_find_column(enum db_engine engine, const struct db_table *t,
					   const char *name);
/* Is the table that the key refers to the one a definition writes so? */
bool schema_refers_to(enum db_engine engine, const struct db_foreign_key *k, const char *written);
/* The type as it is to be compared: MariaDB's json is a longtext that a CHECK holds to it. */
const char *schema_column_type(enum db_engine engine, const struct db_table *t,
			       const struct db_column *c);
/* The primary key's columns in key order. */
const char **schema_primary_key(struct arena *a, const struct db_table *t, size_t *n);
/* The same names, in whatever order; schema_same_columns() minds it. */
bool schema_same_set(enum db_engine engine, const char *const *a, size_t n_a, const char *const *b,
		     size_t n_b);
bool schema_same_columns(enum db_engine engine, const char *const *a, size_t n_a,
			 const char *const *b, size_t n_b);
/* Is this set of columns unique, whatever their order: a whole unique index, a key? */
bool schema_is_unique(struct arena *a, enum db_engine engine, const struct db_table *t,
		      const char *const *columns, size_t n);
/* "a, b"; a NULL is "primary key", nothing is "none". */
const char *schema_list(struct arena *a, const char *const *names, size_t n);
/* "; did you mean x?" when a candidate is close, else "". */
const char *schema_hint(struct arena *a, const char *word, const char *const *names, size_t n);
/* Two texts that mean one action: RESTRICT and NO ACTION are one to MySQL. */
bool schema_same_action(enum db_engine engine, const char *a, const char *b);
/* Are two queries the same, case, spacing and a semicolon apart? */
bool schema_same_query(struct arena *a, const char *one, const char *other);

/* Only what is in the search path: other schemas were read because some check names them. */
struct db_catalog schema_in_path(struct arena *a, const struct db_catalog *c);

/* ---- definitions ---- */

void schema_compare_columns(struct differences *d, const struct schema_table *expected,
			    const struct db_table *actual);
/* Triggers, partitions, storage, comment and what else a table has beside columns and keys. */
void schema_compare_traits(struct differences *d, const struct schema_table *expected,
			   const struct db_table *actual);
void schema_compare_table(struct differences *d, const struct schema_table *expected,
			  const struct db_table *actual);
/* Everything of a definition but its snapshot. -1: `table` is there but cannot be read. */
int schema_compare(struct differences *d, const struct schema_spec *spec,
		   const struct db_catalog *actual, struct err *e);

/* ---- schema_sight.c: -1 = the role is not shown what would have to be compared ---- */

int schema_see(const struct schema_spec *spec, const struct db_catalog *actual, struct err *e);
/* All there is, for a snapshot; triggers apart, which a role that only reads is never shown. */
int schema_see_whole(const struct db_catalog *actual, struct err *e);
/* Those triggers, then, where a snapshot has some. */
int schema_see_triggers(const struct db_catalog *was, const struct db_catalog *actual,
			struct err *e);

/* ---- schema_former.c ---- */

struct former;

/* What the check of a released tag finds besides. */
void schema_compare_former(struct differences *d, const struct schema_spec *spec,
			   const struct db_catalog *actual, const struct former *f);

#endif
