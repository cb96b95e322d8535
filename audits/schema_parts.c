/*
 * schema_parts: columns, constraints, indexes and keys of a table that is there on both sides.
 *
 * The risks are those of going from what was to what is on a table with rows; they name the lock
 * where the engine takes one for long. Sources: PostgreSQL 15 ALTER TABLE (Notes), CREATE INDEX
 * (Building Indexes Concurrently); MariaDB 10.11 InnoDB Online DDL.
 */
#include <string.h>

#include "audits/schema_changes.h"
#include "audits/schema_compare.h"
#include "audits/schema_expression.h"
#include "audits/schema_type.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

static const char *or_none(const char *text)
{
	return text && *text ? text : "none";
}

/* ---- columns ---- */

static const char *generation_words(enum db_generation g)
{
	switch (g) {
	case DB_PLAIN:
		break;
	case DB_VIRTUAL:
		return "virtual";
	case DB_STORED:
		return "stored";
	case DB_IDENTITY:
		return "identity";
	case DB_IDENTITY_ALWAYS:
		return "identity (always)";
	}
	return "none";
}

const char *schema_column_words(struct arena *a, const struct db_column *c)
{
	return arena_printf(a, "%s%s%s%s", or_none(c->type), c->is_nullable ? "" : " not null",
			    c->def ? " default " : "", c->def ? c->def : "");
}

static const char *type_risk(const struct schema_changes *c, const struct db_column *was,
			     const struct db_column *is)
{
	bool is_server = c->engine == DB_POSTGRES || c->engine == DB_MYSQL;

	switch (schema_type_change(c->arena, c->engine, was->type, is->type)) {
	case SCHEMA_TYPE_WIDER:
		return is_server && !str_starts(is->type, "character varying") &&
				       !str_starts(is->type, "varchar")
			       ? "may rewrite the table under a lock"
			       : NULL;
	case SCHEMA_TYPE_NARROWER:
		return "values that do not fit are cut or refused";
	case SCHEMA_TYPE_OTHER:
		break;
	}
	return "values are converted or refused";
}

static void compare_column(struct schema_changes *c, const struct db_table *t,
			   const struct db_column *was, const struct db_column *is)
{
	struct arena *a = c->arena;
	struct schema_place p = {c, t->is_view ? "view" : "table", t->name,
				 arena_printf(a, "column %s", is->name)};
	bool is_type = schema_type_is(a, c->engine, was->type, is->type);
	const char *expression = schema_expression_is(a, was->expression, is->expression)
					 ? was->expression
					 : is->expression;
	const char *def = schema_expression_is(a, was->def, is->def) ? was->def : is->def;

	schema_compare_fact(&p, SCHEMA_RULES, "type", or_none(was->type),
			    is_type ? or_none(was->type) : or_none(is->type),
			    type_risk(c, was, is));
	schema_compare_fact(&p, SCHEMA_RULES, "null", was->is_nullable ? "allowed" : "refused",
			    is->is_nullable ? "allowed" : "refused",
			    is->is_nullable ? NULL
					    : "fails while a row holds NULL; reads every row");
	if (c->engine == DB_SQLITE)
		schema_compare_fact(&p, SCHEMA_RULES, "on conflict of not null", was->on_conflict,
				    is->on_conflict, NULL);
	schema_compare_fact(&p, SCHEMA_CHANGED, "default", was->def, def, NULL);
	schema_compare_fact(&p, SCHEMA_RULES, "generation", generation_words(was->generation),
			    generation_words(is->generation), NULL);
	if (c->engine == DB_MYSQL)
		schema_compare_fact(&p, SCHEMA_RULES, "options", was->options, is->options, NULL);
	if (c->engine == DB_POSTGRES)
		schema_compare_fact(&p, SCHEMA_CHANGED, "sequence", was->sequence, is->sequence,
				    NULL);
	schema_compare_fact(&p, SCHEMA_RULES, "expression", was->expression, expression,
			    "values are computed anew");
	schema_compare_fact(&p, SCHEMA_RULES, "collation", was->collation, is->collation,
			    "indexes on it are built anew");
	schema_compare_fact(&p, SCHEMA_CHANGED, "comment", was->comment, is->comment, NULL);
	schema_compare_fact(&p, SCHEMA_RULES, "place in the primary key",
			    was->key ? arena_printf(a, "%lld", (long long)was->key) : NULL,
			    is->key ? arena_printf(a, "%lld", (long long)is->key) : NULL,
			    is->key ? "fails while there are duplicates; locks the table" : NULL);
}

/* A column that went, alike in everything but its name; NULL when none or several are. */
static const char *maybe_from(struct schema_changes *c, const struct db_table *was,
			      const struct db_table *is, const struct db_column *column)
{
	const char *from = NULL;

	for (size_t i = 0; i < was->n_columns; i++) {
		const struct db_column *w = &was->columns[i];

		if (schema_find_column(c->engine, is, w->name) ||
		    !schema_type_is(c->arena, c->engine, w->type, column->type) ||
		    w->is_nullable != column->is_nullable || w->key != column->key ||
		    w->generation != column->generation ||
		    !schema_expression_is(c->arena, w->def, column->def))
			continue;
		if (from)
			return NULL;
		from = w->name;
	}
	return from;
}

void schema_column_changes(struct schema_changes *c, const struct db_table *was,
			   const struct db_table *is)
{
	struct schema_place p = {c, is->is_view ? "view" : "table", is->name, NULL};

	for (size_t i = 0; i < was->n_columns; i++) {
		const struct db_column *w = &was->columns[i];
		const struct db_column *column = schema_find_column(c->engine, is, w->name);

		c->n_facts++;
		p.part = arena_printf(c->arena, "column %s", w->name);
		if (column)
			compare_column(c, is, w, column);
		else
			schema_note(&p, SCHEMA_REMOVED, SCHEMA_GONE,
				    schema_column_words(c->arena, w),
				    is->is_view ? NULL : "its values are lost");
	}
	for (size_t i = 0; i < is->n_columns; i++) {
		const struct db_column *column = &is->columns[i];
		bool needs_value = !column->is_nullable && !column->def &&
				   column->generation == DB_PLAIN && !is->is_view;

		c->n_facts++;
		p.part = arena_printf(c->arena, "column %s", column->name);
		if (schema_find_column(c->engine, was, column->name))
			continue;
		schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA, schema_column_words(c->arena, column),
			    needs_value ? "fails while the table has rows: no default" : NULL);
		c->items[c->n - 1].maybe_from = maybe_from(c, was, is, column);
	}
}

/* ---- things told apart by a key, compared by their words ---- */

struct item {
	const char *key;	  /* what it is called, or what it says */
	const char *part;	  /* "index orders_owner" */
	const char *words;	  /* all there is to compare */
	const char *adds, *drops; /* risks of its coming and going; NULL = none */
	enum schema_weight weight;
};

struct items {
	struct item *items;
	size_t n;
};

static const struct item *find_item(enum db_engine engine, const struct items *in, const char *key)
{
	for (size_t i = 0; i < in->n; i++)
		if (db_same_name(engine, in->items[i].key, key))
			return &in->items[i];
	return NULL;
}

static void compare_items(struct schema_changes *c, const struct db_table *t, const char *fact,
			  const struct items *was, const struct items *is)
{
	struct schema_place p = {c, t->is_view ? "view" : "table", t->name, NULL};

	for (size_t i = 0; i < was->n; i++) {
		const struct item *w = &was->items[i];
		const struct item *now = find_item(c->engine, is, w->key);

		p.part = w->part;
		if (now) {
			schema_compare_fact(&p, w->weight, fact, w->words, now->words, now->adds);
			continue;
		}
		c->n_facts++;
		schema_note(&p, SCHEMA_REMOVED, w->weight, w->words, w->drops);
	}
	for (size_t i = 0; i < is->n; i++) {
		const struct item *now = &is->items[i];

		c->n_facts++;
		p.part = now->part;
		if (!find_item(c->engine, was, now->key))
			schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA, now->words, now->adds);
	}
}

/* ---- constraints ---- */

/* "owner, state DESC": columns of a key with what is said of each. */
static const char *key_words(struct arena *a, const char *const *columns,
			     const char *const *options, size_t n)
{
	const char **words = arena_array(a, n, sizeof(*words));

	for (size_t i = 0; i < n; i++)
		words[i] = options && options[i] ? arena_printf(a, "%s %s", columns[i], options[i])
						 : columns[i];
	return schema_list(a, words, n);
}

static const char *constraint_words(struct arena *a, const struct db_constraint *k)
{
	static const char *const types[] = {"primary key", "unique", "check", "exclude"};
	const char *what = k->type == DB_CHECK || k->type == DB_EXCLUDE
				   ? schema_expression(a, or_none(k->expression))
				   : key_words(a, k->columns, k->options, k->n_columns);

	return arena_printf(
		a, "%s%s (%s)%s%s%s%s%s%s", types[k->type],
		k->has_equal_nulls ? " nulls not distinct" : "", what,
		k->is_no_inherit ? " no inherit" : "", k->is_deferrable ? " deferrable" : "",
		k->is_deferred ? " deferred" : "",
		k->is_unvalidated ? ", rows that exist not checked" : "",
		k->on_conflict ? " on conflict " : "", k->on_conflict ? k->on_conflict : "");
}

static struct items constraints_of(struct arena *a, const struct db_table *t)
{
	struct items list = {arena_array(a, t->n_constraints, sizeof(*list.items)), 0};

	for (size_t i = 0; i < t->n_constraints; i++) {
		const struct db_constraint *k = &t->constraints[i];
		const char *words = constraint_words(a, k);
		bool is_key = k->type == DB_PRIMARY_KEY || k->type == DB_UNIQUE;

		/* the columns say it, where nothing else is to be said of the primary key */
		if (k->type == DB_PRIMARY_KEY && !k->name && !k->on_conflict && !k->options)
			continue;
		list.items[list.n++] = (struct item){
			.key = k->name ? k->name : words,
			.part = arena_printf(a, "constraint %s", k->name ? k->name : words),
			.words = words,
			.adds = is_key ? "fails while there are duplicates; locks the table"
				       : "fails while a row breaks it; reads every row",
			.drops = "lets in what was refused",
			.weight = SCHEMA_RULES,
		};
	}
	return list;
}

/* ---- indexes ---- */

const char *schema_index_words(struct arena *a, const struct db_index *x)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the catalog is bounded */
	(void)buf_printf(&b, "%s%s%s(%s)", x->is_unique ? "unique " : "",
			 x->method ? x->method : "", x->method ? " " : "",
			 key_words(a, x->columns, x->options, x->n_columns));
	if (x->n_include > 0)
		(void)buf_printf(&b, " include (%s)", schema_list(a, x->include, x->n_include));
	if (x->where)
		(void)buf_printf(&b, "%s%s", *x->where ? " where " : " partial", x->where);
	if (x->has_equal_nulls)
		(void)buf_puts(&b, " nulls not distinct");
	if (x->is_invalid)
		(void)buf_puts(&b, ", not valid");
	const char *text = arena_strndup(a, b.data, b.len);

	buf_release(&b);
	return text;
}

/*
 * Those made by hand; and those a constraint made, where constraints are unknown (a snapshot of
 * version 1), told apart by their columns since their names are numbers in disguise.
 */
static struct items indexes_of(const struct schema_changes *c, const struct db_table *t)
{
	struct arena *a = c->arena;
	struct items list = {arena_array(a, t->n_indexes, sizeof(*list.items)), 0};

	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];
		const char *words = schema_index_words(a, x);

		if (x->is_automatic && c->knows_constraints && !x->is_invalid)
			continue;
		list.items[list.n++] = (struct item){
			.key = x->is_automatic ? words : x->name,
			.part = x->is_automatic ? arena_printf(a, "constraint %s", words)
						: arena_printf(a, "index %s", x->name),
			.words = words,
			.adds = x->is_unique ? "fails while there are duplicates; locks the table"
				: c->engine == DB_POSTGRES
					? "blocks writes while it is built, unless CONCURRENTLY"
					: NULL,
			.drops = x->is_unique ? "lets in what was refused" : "queries may get slow",
			.weight = x->is_unique ? SCHEMA_RULES : SCHEMA_CHANGED,
		};
	}
	return list;
}

/* ---- foreign keys ---- */

/* "(owner_id) to owners(id) on update NO ACTION on delete CASCADE": all there is to compare. */
const char *schema_foreign_key_words(struct arena *a, const struct db_foreign_key *k)
{
	const char *set = k->set_columns ? arena_printf(a, " (%s)", k->set_columns) : "";

	return arena_printf(a, "(%s) to %s(%s)%s on update %s on delete %s%s%s%s%s%s",
			    schema_list(a, k->columns, k->n_columns), k->table,
			    schema_list(a, k->targets, k->n_columns),
			    k->is_match_full ? " match full" : "", k->on_update, k->on_delete, set,
			    k->is_deferrable ? " deferrable" : "",
			    k->is_deferred ? " deferred" : "",
			    k->is_unvalidated ? ", rows that exist not checked" : "",
			    k->is_disabled ? ", disabled" : "");
}

static struct items foreign_keys_of(struct arena *a, const struct db_table *t)
{
	struct items list = {arena_array(a, t->n_foreign_keys, sizeof(*list.items)), 0};

	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		const struct db_foreign_key *k = &t->foreign_keys[i];
		const char *words = schema_foreign_key_words(a, k);

		list.items[list.n++] = (struct item){
			.key = k->name ? k->name : words,
			.part = arena_printf(a, "foreign key %s", k->name ? k->name : words),
			.words = words,
			.adds = "fails while a row breaks it; reads every row",
			.drops = "lets in what was refused",
			.weight = SCHEMA_RULES,
		};
	}
	return list;
}

/* ---- triggers, partitions ---- */

static const char *firing_words(struct arena *a, const struct db_trigger *t)
{
	if (t->place > 0)
		return arena_printf(a, ", in place %lld", (long long)t->place);
	if (!t->enabled)
		return t->is_disabled ? ", disabled" : "";
	return t->is_disabled ? ", enabled for replicas only" : ", enabled always";
}

static struct items triggers_of(struct arena *a, const char *kind, const struct db_trigger *items,
				size_t n, enum schema_weight weight)
{
	struct items list = {arena_array(a, n, sizeof(*list.items)), 0};

	for (size_t i = 0; i < n; i++)
		list.items[list.n++] = (struct item){
			.key = items[i].name,
			.part = arena_printf(a, "%s %s", kind, items[i].name),
			.words = arena_printf(a, "%s%s", or_none(items[i].definition),
					      firing_words(a, &items[i])),
			.weight = weight,
		};
	return list;
}

static struct items partitions_of(struct arena *a, const struct db_table *t)
{
	struct items list = {arena_array(a, t->n_partitions, sizeof(*list.items)), 0};

	for (size_t i = 0; i < t->n_partitions; i++)
		list.items[list.n++] = (struct item){
			.key = t->partitions[i].name,
			.part = arena_printf(a, "partition %s", t->partitions[i].name),
			.words = or_none(t->partitions[i].bounds),
			.drops = "its rows are lost",
			.weight = SCHEMA_GONE,
		};
	return list;
}

void schema_part_changes(struct schema_changes *c, const struct db_table *was,
			 const struct db_table *is)
{
	struct arena *a = c->arena;
	struct items before = constraints_of(a, was), now = constraints_of(a, is);

	compare_items(c, is, "definition", &before, &now);
	before = indexes_of(c, was);
	now = indexes_of(c, is);
	compare_items(c, is, "definition", &before, &now);
	before = foreign_keys_of(a, was);
	now = foreign_keys_of(a, is);
	compare_items(c, is, "definition", &before, &now);
	before = triggers_of(a, "trigger", was->triggers, was->n_triggers, SCHEMA_RULES);
	now = triggers_of(a, "trigger", is->triggers, is->n_triggers, SCHEMA_RULES);
	compare_items(c, is, "definition", &before, &now);
	before = triggers_of(a, "rule", was->rules, was->n_rules, SCHEMA_RULES);
	now = triggers_of(a, "rule", is->rules, is->n_rules, SCHEMA_RULES);
	compare_items(c, is, "definition", &before, &now);
	before = triggers_of(a, "statistics", was->statistics, was->n_statistics, SCHEMA_CHANGED);
	now = triggers_of(a, "statistics", is->statistics, is->n_statistics, SCHEMA_CHANGED);
	compare_items(c, is, "definition", &before, &now);
	before = triggers_of(a, "policy", was->policies, was->n_policies, SCHEMA_RULES);
	now = triggers_of(a, "policy", is->policies, is->n_policies, SCHEMA_RULES);
	compare_items(c, is, "definition", &before, &now);
	before = partitions_of(a, was);
	now = partitions_of(a, is);
	compare_items(c, is, "bounds", &before, &now);
}
