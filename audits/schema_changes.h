/*
 * schema_changes: what differs between a schema as it was and as it is, every fact, both ways.
 *
 * Private to this room but for `assize schema diff`. Things are told apart by name; what has no
 * name of its own (constraints and foreign keys of SQLite) by what it says. An automatic index is
 * not compared where constraints are known, since the one that made it is.
 *
 * Renames are guessed, never assumed: a thing that came is still a thing that came, with the name
 * of the one that went and looks like it.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_CHANGES_H
#define ASSIZE_AUDITS_SCHEMA_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/schema_differences.h"
#include "runner/io/db.h"

struct arena;
struct buf;

enum schema_how { SCHEMA_REMOVED = 0, SCHEMA_ALTERED, SCHEMA_ADDED };

struct schema_change {
	enum schema_how how;
	enum schema_weight weight;
	const char *kind, *object; /* "table", its name */
	const char *part;	   /* "column price"; NULL = the object itself */
	const char *fact;	   /* ALTERED: "type"; NULL = the whole of it */
	const char *was, *is;	   /* ALTERED: both; else what it is in words, or NULL */
	const char *risk;	   /* what it costs to go there; NULL = nothing known */
	const char *maybe_from;	   /* ADDED: what it may have been called before; NULL = nothing */
};

struct schema_changes {
	struct arena *arena;
	enum db_engine engine;
	bool knows_constraints; /* both sides list them: version 1 of a snapshot did not */
	struct schema_change *items;
	size_t n, cap;
	int64_t n_facts; /* compared, equal or not */
};

struct schema_changes schema_changes(struct arena *a, const struct db_catalog *was,
				     const struct db_catalog *is, bool knows_constraints);

/* As lines of evidence: "column t.c: type is TEXT, was INT". */
void schema_changes_tell(const struct schema_changes *c, struct differences *d);

/* As a review: by object, what goes, what changes, what comes, with what it costs. */
void schema_changes_review(const struct schema_changes *c, struct buf *out);

/* As a JSON list of objects, the same facts. */
void schema_changes_json(const struct schema_changes *c, struct buf *out);

/* ---- for the files that find changes ---- */

/* What a change is about. */
struct schema_place {
	struct schema_changes *changes;
	const char *kind, *object, *part;
};

void schema_note(const struct schema_place *p, enum schema_how how, enum schema_weight weight,
		 const char *words, const char *risk);
/* Counts a fact; when both texts differ (NULL = none), adds the change. */
void schema_compare_fact(const struct schema_place *p, enum schema_weight weight, const char *fact,
			 const char *was, const char *is, const char *risk);
void schema_compare_flag(const struct schema_place *p, enum schema_weight weight, const char *fact,
			 bool was, bool is, const char *risk);

/* Columns of a table; keys, constraints, indexes, triggers and partitions of it. */
void schema_column_changes(struct schema_changes *c, const struct db_table *was,
			   const struct db_table *is);
void schema_part_changes(struct schema_changes *c, const struct db_table *was,
			 const struct db_table *is);

/* Facts in words, for what comes and goes. */
const char *schema_index_words(struct arena *a, const struct db_index *x);
const char *schema_foreign_key_words(struct arena *a, const struct db_foreign_key *k);
const char *schema_column_words(struct arena *a, const struct db_column *c);

#endif
