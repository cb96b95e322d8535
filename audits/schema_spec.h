/*
 * schema_spec: what a definition says about a schema; private to this room.
 *
 * What is not said is not compared. Booleans and choices that may be left out have a has_ beside
 * them, filled by schema_spec_check().
 */
#ifndef ASSIZE_AUDITS_SCHEMA_SPEC_H
#define ASSIZE_AUDITS_SCHEMA_SPEC_H

#include <stdbool.h>

#include "runner/model/keys.h"

struct arena;
struct check;

enum schema_key { SCHEMA_KEY_PRIMARY, SCHEMA_KEY_UNIQUE };
enum schema_generated {
	SCHEMA_GENERATED_NO,
	SCHEMA_GENERATED_VIRTUAL,
	SCHEMA_GENERATED_STORED,
	SCHEMA_GENERATED_IDENTITY,
	SCHEMA_GENERATED_ALWAYS
};

struct schema_column {
	const char *type, *declared, *def, *expression, *collation, *comment, *references;
	int key, generated;
	bool is_nullable, is_unique, is_exact;
	bool has_key, has_nullable, has_unique, has_generated;
};

struct schema_index {
	struct texts columns, include;
	const char *where, *method;
	bool is_unique, has_unique;
	bool is_valid;
	bool is_any_name;
};

struct schema_check_constraint {
	const char *condition;
	bool is_valid;
};

struct schema_foreign_key {
	struct texts columns;
	const char *references; /* "owners(id)" or "owners" */
	const char *name, *on_delete, *on_update;
	bool is_deferrable, has_deferrable;
	bool is_valid;
};

struct schema_partition {
	const char *bounds;
};

struct schema_table {
	const char *name;	    /* of the key `table`; NULL in `tables` */
	struct groups columns;	    /* struct schema_column */
	struct groups indexes;	    /* struct schema_index */
	struct groups checks;	    /* struct schema_check_constraint */
	struct groups foreign_keys; /* struct schema_foreign_key */
	struct groups partitions;   /* struct schema_partition */
	struct texts primary_key, unique, triggers;
	const char *primary_key_name;
	const char *partition_by, *parent, *storage, *charset, *collation, *comment;
	bool has_row_security, says_row_security;
	bool is_exact;
};

struct schema_view {
	const char *definition;
	bool is_materialized, has_materialized;
};

struct schema_sequence {
	const char *type, *start, *increment, *minimum, *maximum, *owner;
	bool is_cycle, has_cycle;
};

struct schema_extension {
	const char *version;
};

struct schema_enum {
	struct texts values;
};

struct schema_spec {
	struct schema_table table; /* name NULL = no single table */
	struct groups tables;	   /* names or globs: struct schema_table */
	struct groups views;	   /* struct schema_view */
	struct groups sequences;   /* struct schema_sequence */
	struct groups extensions;  /* struct schema_extension */
	struct groups enums;	   /* struct schema_enum */
	struct texts absent;
	const char *snapshot;
};

extern const struct key_row schema_keys[];

/* struct audit_kind's check(). */
void schema_spec_check(struct keys_context *ctx, struct check *c);

/* Takes "table(a, b)" apart; n = 0 without columns. false: not of that form. */
bool schema_reference(struct arena *a, const char *references, const char **table,
		      const char ***columns, size_t *n);

/* "a, b" as names. */
struct texts schema_names(struct arena *a, const char *list);

/* Is it a pattern (* or ?) rather than a name? */
bool schema_is_glob(const char *name);

#endif
