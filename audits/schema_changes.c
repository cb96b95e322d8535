/* schema_changes: objects that came, went and changed, and the lines that say so. */
#include "audits/schema_changes.h"

#include <stdlib.h>
#include <string.h>

#include "audits/schema_compare.h"
#include "audits/schema_type.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

static struct schema_change *add(const struct schema_place *p, enum schema_how how,
				 enum schema_weight weight)
{
	struct schema_changes *c = p->changes;

	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16;
		struct schema_change *items = arena_array(c->arena, cap, sizeof(*items));

		if (c->n > 0)
			memcpy(items, c->items, c->n * sizeof(*items));
		c->items = items;
		c->cap = cap;
	}
	c->items[c->n] = (struct schema_change){
		.how = how,
		.weight = weight,
		.kind = p->kind,
		.object = p->object,
		.part = p->part,
	};
	return &c->items[c->n++];
}

void schema_note(const struct schema_place *p, enum schema_how how, enum schema_weight weight,
		 const char *words, const char *risk)
{
	struct schema_change *c = add(p, how, weight);

	c->is = words;
	c->risk = risk;
}

void schema_compare_fact(const struct schema_place *p, enum schema_weight weight, const char *fact,
			 const char *was, const char *is, const char *risk)
{
	p->changes->n_facts++;
	if (str_equal(was, is))
		return;
	struct schema_change *c = add(p, SCHEMA_ALTERED, weight);

	c->fact = fact;
	c->was = was ? was : "none";
	c->is = is ? is : "none";
	c->risk = risk;
}

void schema_compare_flag(const struct schema_place *p, enum schema_weight weight, const char *fact,
			 bool was, bool is, const char *risk)
{
	schema_compare_fact(p, weight, fact, was ? "yes" : "no", is ? "yes" : "no", risk);
}

/* ---- tables and views ---- */

static const char *kind_of(const struct db_table *t)
{
	return t->is_view ? "view" : "table";
}

static const struct db_table *find_table(const struct db_catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_tables; i++)
		if (db_same_name(c->engine, c->tables[i].name, name))
			return &c->tables[i];
	return NULL;
}

static void compare_traits(const struct schema_place *p, const struct db_table *was,
			   const struct db_table *is)
{
	const char *definition =
		schema_same_query(p->changes->arena, was->definition, is->definition)
			? was->definition
			: is->definition;

	schema_compare_fact(p, SCHEMA_RULES, "kind", kind_of(was), kind_of(is), NULL);
	schema_compare_flag(p, SCHEMA_RULES, "materialized", was->is_materialized,
			    is->is_materialized, NULL);
	schema_compare_fact(p, SCHEMA_RULES, "query", was->definition, definition, NULL);
	schema_compare_fact(p, SCHEMA_CHANGED, "storage", was->storage, is->storage,
			    "rewrites the table");
	schema_compare_fact(p, SCHEMA_RULES, "character set", was->charset, is->charset,
			    "new columns only, unless converted");
	schema_compare_fact(p, SCHEMA_RULES, "collation", was->collation, is->collation,
			    "new columns only, unless converted");
	schema_compare_fact(p, SCHEMA_CHANGED, "comment", was->comment, is->comment, NULL);
	schema_compare_flag(p, SCHEMA_RULES, "row-level security", was->has_row_security,
			    is->has_row_security, NULL);
	schema_compare_flag(p, SCHEMA_RULES, "row-level security for the owner",
			    was->forces_row_security, is->forces_row_security, NULL);
	schema_compare_fact(p, SCHEMA_RULES, "parent", was->parent, is->parent, NULL);
	schema_compare_fact(p, SCHEMA_RULES, "partitioning", was->partition_by, is->partition_by,
			    "the table is built anew");
	schema_compare_fact(p, is->is_view ? SCHEMA_RULES : SCHEMA_CHANGED, "options", was->options,
			    is->options, NULL);
	if (p->changes->engine != DB_POSTGRES)
		return;
	schema_compare_fact(p, SCHEMA_RULES, "other parents", was->other_parents, is->other_parents,
			    NULL);
	schema_compare_flag(p, SCHEMA_RULES, "unpopulated", was->is_unpopulated, is->is_unpopulated,
			    NULL);
	schema_compare_fact(p, SCHEMA_RULES, "replica identity", was->replica_identity,
			    is->replica_identity, "changes what subscribers are sent");
}

/* The share of a table's columns that the other has by name and type, in percent. */
static size_t likeness(struct schema_changes *c, const struct db_table *a, const struct db_table *b)
{
	size_t n = 0, most = a->n_columns > b->n_columns ? a->n_columns : b->n_columns;

	for (size_t i = 0; i < a->n_columns; i++) {
		const struct db_column *other =
			schema_find_column(c->engine, b, a->columns[i].name);

		if (other && schema_type_is(c->arena, c->engine, a->columns[i].type, other->type))
			n++;
	}
	return most == 0 ? 0 : n * 100 / most;
}

/* The table that went and is most like this one, at least four fifths of it. */
static const char *maybe_from(struct schema_changes *c, const struct db_catalog *was,
			      const struct db_catalog *is, const struct db_table *t)
{
	const char *best = NULL;
	size_t most = 80;

	for (size_t i = 0; i < was->n_tables; i++) {
		const struct db_table *old = &was->tables[i];
		size_t like = likeness(c, old, t);

		if (old->is_view != t->is_view || like < most || find_table(is, old->name))
			continue;
		best = old->name;
		most = like + 1;
	}
	return best;
}

static const char *table_words(struct arena *a, const struct db_table *t)
{
	return t->is_view ? NULL : arena_printf(a, "%zu columns", t->n_columns);
}

static void compare_tables(struct schema_changes *c, const struct db_catalog *was,
			   const struct db_catalog *is)
{
	for (size_t i = 0; i < was->n_tables; i++) {
		const struct db_table *w = &was->tables[i], *t = find_table(is, w->name);
		struct schema_place p = {c, kind_of(w), w->name, NULL};

		c->n_facts++;
		if (!t) {
			schema_note(&p, SCHEMA_REMOVED, SCHEMA_GONE, table_words(c->arena, w),
				    w->is_view && !w->is_materialized ? NULL : "its rows are lost");
			continue;
		}
		if (t->error) {
			schema_compare_fact(&p, SCHEMA_GONE, NULL, "readable",
					    arena_printf(c->arena, "broken: %s", t->error), NULL);
			continue;
		}
		p.object = t->name;
		p.kind = kind_of(t);
		compare_traits(&p, w, t);
		schema_column_changes(c, w, t);
		schema_part_changes(c, w, t);
	}
	for (size_t i = 0; i < is->n_tables; i++) {
		const struct db_table *t = &is->tables[i];
		struct schema_place p = {c, kind_of(t), t->name, NULL};

		c->n_facts++;
		if (find_table(was, t->name))
			continue;
		schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA, table_words(c->arena, t), NULL);
		c->items[c->n - 1].maybe_from = maybe_from(c, was, is, t);
	}
}

/* ---- sequences, extensions, enums ---- */

static void compare_sequences(struct schema_changes *c, const struct db_catalog *was,
			      const struct db_catalog *is)
{
	for (size_t i = 0; i < was->n_sequences; i++) {
		const struct db_sequence *w = &was->sequences[i], *s = NULL;
		struct schema_place p = {c, "sequence", w->name, NULL};

		for (size_t k = 0; k < is->n_sequences && !s; k++)
			if (db_same_name(c->engine, is->sequences[k].name, w->name))
				s = &is->sequences[k];
		c->n_facts++;
		if (!s) {
			schema_note(&p, SCHEMA_REMOVED, SCHEMA_GONE, NULL, "its position is lost");
			continue;
		}
		schema_compare_fact(&p, SCHEMA_RULES, "type", w->type, s->type, NULL);
		schema_compare_fact(&p, SCHEMA_CHANGED, "start", w->start, s->start, NULL);
		schema_compare_fact(&p, SCHEMA_CHANGED, "increment", w->increment, s->increment,
				    NULL);
		schema_compare_fact(&p, SCHEMA_CHANGED, "minimum", w->minimum, s->minimum, NULL);
		schema_compare_fact(&p, SCHEMA_CHANGED, "maximum", w->maximum, s->maximum, NULL);
		schema_compare_fact(&p, SCHEMA_CHANGED, "owner", w->owner, s->owner, NULL);
		schema_compare_flag(&p, SCHEMA_RULES, "begins again", w->is_cycle, s->is_cycle,
				    NULL);
		if (c->engine == DB_POSTGRES)
			schema_compare_flag(&p, SCHEMA_RULES, "unlogged", w->is_unlogged,
					    s->is_unlogged, NULL);
	}
	for (size_t i = 0; i < is->n_sequences; i++) {
		struct schema_place p = {c, "sequence", is->sequences[i].name, NULL};
		size_t k = 0;

		while (k < was->n_sequences &&
		       !db_same_name(c->engine, was->sequences[k].name, p.object))
			k++;
		c->n_facts++;
		if (k == was->n_sequences)
			schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA, NULL, NULL);
	}
}

static void compare_extensions(struct schema_changes *c, const struct db_catalog *was,
			       const struct db_catalog *is)
{
	for (size_t i = 0; i < was->n_extensions; i++) {
		const struct db_extension *w = &was->extensions[i];
		struct schema_place p = {c, "extension", w->name, NULL};
		size_t k = 0;

		while (k < is->n_extensions && strcmp(is->extensions[k].name, w->name) != 0)
			k++;
		c->n_facts++;
		if (k == is->n_extensions)
			schema_note(&p, SCHEMA_REMOVED, SCHEMA_GONE, w->version, NULL);
		else
			schema_compare_fact(&p, SCHEMA_CHANGED, "version", w->version,
					    is->extensions[k].version, NULL);
	}
	for (size_t i = 0; i < is->n_extensions; i++) {
		struct schema_place p = {c, "extension", is->extensions[i].name, NULL};
		size_t k = 0;

		while (k < was->n_extensions && strcmp(was->extensions[k].name, p.object) != 0)
			k++;
		c->n_facts++;
		if (k == was->n_extensions)
			schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA, is->extensions[i].version,
				    NULL);
	}
}

static const char *enum_words(struct arena *a, const struct db_enum *x)
{
	return schema_list(a, x->values, x->n_values);
}

static void compare_enums(struct schema_changes *c, const struct db_catalog *was,
			  const struct db_catalog *is)
{
	for (size_t i = 0; i < was->n_enums; i++) {
		struct schema_place p = {c, "enum", was->enums[i].name, NULL};
		const char *words = enum_words(c->arena, &was->enums[i]);
		size_t k = 0;

		while (k < is->n_enums && !db_same_name(c->engine, is->enums[k].name, p.object))
			k++;
		c->n_facts++;
		if (k == is->n_enums)
			schema_note(&p, SCHEMA_REMOVED, SCHEMA_GONE, words, NULL);
		else
			schema_compare_fact(&p, SCHEMA_RULES, "values", words,
					    enum_words(c->arena, &is->enums[k]), NULL);
	}
	for (size_t i = 0; i < is->n_enums; i++) {
		struct schema_place p = {c, "enum", is->enums[i].name, NULL};
		size_t k = 0;

		while (k < was->n_enums && !db_same_name(c->engine, was->enums[k].name, p.object))
			k++;
		c->n_facts++;
		if (k == was->n_enums)
			schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA,
				    enum_words(c->arena, &is->enums[i]), NULL);
	}
}

static const struct db_user_type *find_type(const struct db_catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_types; i++)
		if (db_same_name(c->engine, c->types[i].name, name))
			return &c->types[i];
	return NULL;
}

static void compare_types(struct schema_changes *c, const struct db_catalog *was,
			  const struct db_catalog *is)
{
	for (size_t i = 0; i < was->n_types; i++) {
		const struct db_user_type *w = &was->types[i], *t = find_type(is, w->name);
		struct schema_place p = {c, "type", w->name, NULL};

		c->n_facts++;
		if (!t) {
			schema_note(&p, SCHEMA_REMOVED, SCHEMA_GONE, w->definition, NULL);
			continue;
		}
		schema_compare_fact(&p, SCHEMA_RULES, "definition", w->definition, t->definition,
				    "changes what its columns accept");
		schema_compare_fact(&p, SCHEMA_RULES, "collation", w->collation, t->collation,
				    "indexes on its columns are built anew");
	}
	for (size_t i = 0; i < is->n_types; i++) {
		struct schema_place p = {c, "type", is->types[i].name, NULL};

		c->n_facts++;
		if (!find_type(was, p.object))
			schema_note(&p, SCHEMA_ADDED, SCHEMA_EXTRA, is->types[i].definition, NULL);
	}
}

struct schema_changes schema_changes(struct arena *a, const struct db_catalog *was,
				     const struct db_catalog *is, bool knows_constraints)
{
	struct schema_changes c = {
		.arena = a, .engine = is->engine, .knows_constraints = knows_constraints};

	compare_tables(&c, was, is);
	compare_sequences(&c, was, is);
	compare_extensions(&c, was, is);
	compare_enums(&c, was, is);
	compare_types(&c, was, is);
	return c;
}

/* ---- as evidence ---- */

/* "column price" of a table is "column tasks.price". */
static const char *full_name(struct arena *a, const struct schema_change *c)
{
	if (!c->part)
		return arena_printf(a, "%s %s", c->kind, c->object);
	if (str_starts(c->part, "column "))
		return arena_printf(a, "column %s.%s", c->object, c->part + strlen("column "));
	return arena_printf(a, "%s of %s %s", c->part, c->kind, c->object);
}

static const char *line(struct arena *a, const struct schema_change *c)
{
	switch (c->how) {
	case SCHEMA_REMOVED:
		if (!c->part)
			return arena_printf(a, "%s %s is missing", c->kind, c->object);
		return arena_printf(a, "%s is missing from %s %s", c->part, c->kind, c->object);
	case SCHEMA_ADDED:
		if (!c->part)
			return arena_printf(a, "unexpected %s %s%s%s", c->kind, c->object,
					    c->maybe_from ? "; maybe renamed from " : "",
					    c->maybe_from ? c->maybe_from : "");
		return arena_printf(a, "unexpected %s in %s %s%s%s", c->part, c->kind, c->object,
				    c->maybe_from ? "; maybe renamed from " : "",
				    c->maybe_from ? c->maybe_from : "");
	case SCHEMA_ALTERED:
		break;
	}
	if (!c->fact)
		return arena_printf(a, "%s is %s", full_name(a, c), c->is);
	return arena_printf(a, "%s: %s is %s, was %s", full_name(a, c), c->fact, c->is, c->was);
}

void schema_changes_tell(const struct schema_changes *c, struct differences *d)
{
	d->n_facts += c->n_facts - (int64_t)c->n;
	for (size_t i = 0; i < c->n; i++) {
		differences_begin(
			d, arena_printf(d->arena, "%s %s", c->items[i].kind, c->items[i].object));
		differences_expect(d, false, c->items[i].weight, "%s",
				   line(d->arena, &c->items[i]));
	}
}
