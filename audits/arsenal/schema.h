/*
 * arsenal_schema: what the catalog of a database may lose, and who would have to notice; private to
 * this room.
 *
 * The facts of a catalog are a table (schema_facts.c): where each is kept, how it is
 * damaged, and what a definition must say so that its damage has to be noticed. A snapshot claims
 * whatever `assize schema capture` would write otherwise of the damaged catalog.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_SCHEMA_H
#define ASSIZE_AUDITS_ARSENAL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/schema_spec.h"
#include "runner/io/db.h"

struct arena;

enum schema_operator {
	/* controls */
	OP_IDENTITY = 0,
	OP_TABLE_UNRELATED,
	OP_COLUMN_UNRELATED,
	OP_COLUMNS_REORDERED,
	/* attacks */
	OP_TABLE_DROPPED,
	OP_TABLE_CHANGED,
	OP_ROW_SECURITY_LOST,
	OP_COMMENT_LOST,
	OP_COLUMN_DROPPED,
	OP_COLUMN_RENAMED,
	OP_COLUMN_CHANGED,
	OP_TYPE_CHANGED,
	OP_TYPE_NARROWED,
	OP_NULL_ALLOWED,
	OP_NULL_FORBIDDEN,
	OP_DEFAULT_LOST,
	OP_DEFAULT_CHANGED,
	OP_DEFAULT_GAINED,
	OP_GENERATED_LOST,
	OP_GENERATED_CHANGED,
	OP_PRIMARY_KEY_LOST,
	OP_PRIMARY_KEY_REORDERED,
	OP_UNIQUE_LOST,
	OP_CHECK_LOST,
	OP_EXCLUSION_LOST,
	OP_CONSTRAINT_CHANGED,
	OP_FOREIGN_KEY_LOST,
	OP_FOREIGN_KEY_CHANGED,
	OP_INDEX_LOST,
	OP_INDEX_INVALID,
	OP_INDEX_CHANGED,
	OP_TRIGGER_LOST,
	OP_TRIGGER_DISABLED,
	OP_TRIGGER_CHANGED,
	OP_RULE_LOST,
	OP_RULE_CHANGED,
	OP_PARTITION_LOST,
	OP_PARTITION_CHANGED,
	OP_VIEW_DROPPED,
	OP_VIEW_BROKEN,
	OP_VIEW_CHANGED,
	OP_SEQUENCE_LOST,
	OP_SEQUENCE_CHANGED,
	OP_EXTENSION_LOST,
	OP_EXTENSION_CHANGED,
	OP_TYPE_LOST,
	OP_VALUE_LOST,
	OP_VALUES_REORDERED,
	OP_TYPE_REDEFINED,
	OP_TABLE_RETURNED,
	OP_UNLISTED_ADDED,
	OP_N
};

enum schema_part {
	PART_CATALOG = 0, /* one: all there is */
	PART_ABSENT,	  /* patterns of `absent` */
	PART_TABLE,
	PART_VIEW,
	/* of a table or view */
	PART_COLUMN,
	PART_CONSTRAINT,
	PART_INDEX,
	PART_FOREIGN_KEY,
	PART_TRIGGER,
	PART_RULE,
	PART_STATISTICS,
	PART_POLICY,
	PART_PARTITION,
	/* of the catalog */
	PART_SEQUENCE,
	PART_EXTENSION,
	PART_ENUM,
	PART_TYPE,
	PART_N
};

/* A place in one catalog. */
struct schema_spot {
	struct arena *arena;
	struct db_catalog *catalog;
	struct db_table *table; /* NULL = it is in none */
	const struct schema_spec *spec;
	enum schema_part part;
	size_t i;   /* among those of its part */
	void *item; /* struct db_column and so on; PART_ABSENT: its pattern */
	/* what the damage says of itself */
	const char *was, *is; /* a fact before and after; both NULL = what is there is gone */
	const char *words;    /* instead */
	const char *guard;    /* why what is attacked forbids it */
	const char *unseen;   /* why the check's role would not be shown it */
};

/* What a definition says, while it is asked about one place. */
struct schema_said {
	struct arena *arena;
	const struct schema_spec *spec;
	const struct db_catalog *catalog;
	const struct schema_table *table; /* one that describes the place's table; NULL = none */
	const char *name;		  /* by which it is described: a name, or a pattern */
};

struct schema_fact {
	enum schema_operator op;
	enum schema_part part;
	const char *label; /* "default": what of it; NULL = the whole */
	unsigned engines;  /* bits of those that have it; 0 = all */
	size_t offset;	   /* of the fact in the item */
	const char *to[2]; /* what it becomes: the second where it is the first; of a flag: the
			      words for yes and no */
	/* In the catalog of the spot, which it may change; false = there is nothing to damage. */
	bool (*damage)(const struct schema_fact *f, struct schema_spot *s);
	/* Does the definition say it? NULL = no definition can. */
	bool (*says)(const struct schema_said *k, const struct schema_spot *s);
};

/* Ended by one without damage. */
extern const struct schema_fact schema_facts[];

/* ---- schema_place.c ---- */

size_t schema_part_count(const struct db_catalog *c, const struct db_table *t,
			 const struct schema_spec *spec, enum schema_part part);
/* Is there such a place? Then fills item. table, catalog, spec, part and i are given. */
bool schema_spot_fill(struct schema_spot *s);
/* "column orders.total", "unique (a, b) of orders"; also tells that it is still the same place. */
const char *schema_spot_what(const struct schema_spot *s);
/* "orders.total", as attacks name it. */
const char *schema_spot_object(const struct schema_spot *s, const struct schema_fact *f);
/* A copy of which one table's arrays, and the catalog's own, may be changed. */
struct db_catalog schema_copy(struct arena *a, const struct db_catalog *c, const char *table);
/* Takes item i out of the array of its part. */
void schema_spot_remove(struct schema_spot *s);
/* Room for one more item of the part, zeroed, behind the others. */
void *schema_spot_add(struct schema_spot *s, enum schema_part part);

/* ---- schema_damage.c, schema_loss.c: values of schema_fact.damage ---- */

typedef bool schema_damage_fn(const struct schema_fact *f, struct schema_spot *s);
schema_damage_fn schema_drop, schema_lose_text, schema_other_text, schema_append_text, schema_flip,
	schema_set, schema_clear;
schema_damage_fn schema_rename_column, schema_other_type, schema_narrow_type, schema_allow_null,
	schema_forbid_null, schema_other_default, schema_gain_default, schema_lose_generation,
	schema_other_generation, schema_reorder_columns;
schema_damage_fn schema_lose_primary_key, schema_reorder_primary_key, schema_lose_unique,
	schema_lose_check, schema_lose_exclusion, schema_fewer_columns, schema_lose_options,
	schema_lose_include, schema_other_condition, schema_lose_index, schema_break_view,
	schema_fewer_values, schema_reverse_values, schema_other_name, schema_unvalidate,
	schema_disinherit, schema_defer, schema_invalidate, schema_other_method, schema_other_place,
	schema_depopulate, schema_other_columns, schema_other_targets, schema_fewer_unique;
schema_damage_fn schema_add_table, schema_add_view, schema_add_column, schema_add_index,
	schema_add_check, schema_add_foreign_key, schema_add_trigger, schema_add_sequence,
	schema_add_extension, schema_add_enum, schema_return_table;

/* The name of what is added, which nothing else has. */
#define SCHEMA_ADDED_NAME "assize_unlisted"

/* ---- schema_said.c: values of schema_fact.says ---- */

typedef bool schema_says_fn(const struct schema_said *k, const struct schema_spot *s);
schema_says_fn schema_says_table, schema_says_storage, schema_says_charset, schema_says_collation,
	schema_says_comment, schema_says_parent, schema_says_partitioning, schema_says_row_security;
schema_says_fn schema_says_column, schema_says_type, schema_says_width, schema_says_null,
	schema_says_default, schema_says_generated, schema_says_mode, schema_says_expression,
	schema_says_column_collation, schema_says_column_comment;
schema_says_fn schema_says_primary_key, schema_says_key_order, schema_says_unique,
	schema_says_check, schema_says_condition, schema_says_check_valid, schema_says_name;
schema_says_fn schema_says_index, schema_says_index_columns, schema_says_index_options,
	schema_says_include, schema_says_where, schema_says_method, schema_says_index_valid;
schema_says_fn schema_says_foreign_key, schema_says_targets, schema_says_on_delete,
	schema_says_on_update, schema_says_deferrable, schema_says_key_valid;
schema_says_fn schema_says_trigger, schema_says_partition, schema_says_bounds, schema_says_view,
	schema_says_resolves, schema_says_query, schema_says_materialized;
schema_says_fn schema_says_sequence, schema_says_sequence_type, schema_says_start,
	schema_says_increment, schema_says_minimum, schema_says_maximum, schema_says_cycle,
	schema_says_owner, schema_says_extension, schema_says_version, schema_says_enum,
	schema_says_values, schema_says_absent;
schema_says_fn schema_forbids_tables, schema_forbids_views, schema_forbids_columns,
	schema_forbids_indexes, schema_forbids_checks, schema_forbids_foreign_keys,
	schema_forbids_triggers, schema_forbids_sequences, schema_forbids_extensions,
	schema_forbids_enums;

#endif
