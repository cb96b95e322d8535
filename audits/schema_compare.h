/*
 * schema_compare: differences between what a table should be and what it is; private to this room.
 *
 * Pure functions over the facts of runner/io/db.h. A difference is one line that names the table,
 * the thing and both sides; all of them are counted, and as many are kept as evidence has room.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_COMPARE_H
#define ASSIZE_AUDITS_SCHEMA_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/io/db.h"
#include "runner/model/keys.h"

struct arena;

struct differences {
	struct arena *arena; /* for what a line needs while it is made */
	struct buf lines;    /* with a ceiling; lines past it are only counted */
	int64_t n;
	int64_t n_facts; /* compared, equal or not */
};

void differences_init(struct differences *d, struct arena *a);
void differences_release(struct differences *d);
/* Counts a fact; when it does not hold, adds the line. */
void differences_expect(struct differences *d, bool holds, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A column as a definition describes it; what is not said is not compared. */
struct schema_column {
	const char *type, *declared, *def;
	int key; /* enum schema_key, when has_key */
	bool is_nullable;
	bool has_key, has_nullable;
};
enum schema_key { SCHEMA_KEY_PRIMARY, SCHEMA_KEY_UNIQUE };

struct schema_index {
	struct texts columns;
	bool is_unique, has_unique;
	bool is_any_name;
};

struct schema_foreign_key {
	struct texts columns;
	const char *references; /* "owners(id)" or "owners" */
};

struct schema_table {
	const char *name;
	struct groups columns;	    /* struct schema_column */
	struct groups indexes;	    /* struct schema_index */
	struct groups foreign_keys; /* struct schema_foreign_key */
	struct texts primary_key;
	bool is_exact;
};

/* Is references of the form table or table(column, ...)? */
bool schema_reference_is_valid(const char *references);

void schema_compare_table(struct differences *d, const struct schema_table *expected,
			  const struct db_table *actual);

/* Every fact of a captured table against the present one, in both directions. */
void schema_compare_captured(struct differences *d, const struct db_table *captured,
			     const struct db_table *actual);

/*
 * Does a declared type satisfy an expected one? The words integer, text, real, blob and numeric
 * stand for every type of that affinity (https://sqlite.org/datatype3.html, 3.1): integer takes INT
 * and BIGINT. Anything else must be the declared type itself, case and spacing apart.
 */
bool schema_type_matches(struct arena *a, const char *expected, const char *declared);
/* The declared type itself, case and spacing apart. */
bool schema_type_is(struct arena *a, const char *expected, const char *declared);

#endif
