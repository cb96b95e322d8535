/*
 * schema_wanted: what has to be read of a catalog for what definitions say.
 *
 * Tables are read by name where every check names its own; a pattern, `exact` on a list, partitions
 * (tables of their own) and a snapshot need all of them. So does telling what a name that is not
 * there might have meant: then it is read again.
 */
#include "audits/schema_wanted.h"

#include <string.h>

#include "audits/database.h"
#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/model/kind.h"

struct wanting {
	struct arena *arena;
	enum db_engine engine;
	struct db_wanted wanted;
	bool needs_all; /* tables */
};

static void add_text(struct arena *a, struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->items[i], text) == 0)
			return;
	const char **items = arena_array(a, t->n + 1, sizeof(*items));

	if (t->n > 0)
		memcpy(items, t->items, t->n * sizeof(*items));
	items[t->n] = text;
	t->items = items;
	t->n++;
}

/*
 * Of "audit.log": schema "audit", table "log", and "audit.log" that is a table's whole name. The
 * schema of patterns is looked for as well.
 */
static void want_table(struct wanting *w, const char *name)
{
	const char *schema = NULL;

	if (!name)
		return;
	const char *bare = db_split_table(w->engine, w->arena, name, &schema);

	if (schema && !schema_is_glob(schema))
		add_text(w->arena, &w->wanted.schemas, schema);
	w->needs_all = w->needs_all || schema_is_glob(name);
	add_text(w->arena, &w->wanted.tables, bare);
	add_text(w->arena, &w->wanted.tables, name);
}

static unsigned facts_of_column(const struct schema_column *c)
{
	unsigned facts = 0;

	if (c->is_exact || c->has_unique || (c->has_key && c->key == SCHEMA_KEY_UNIQUE))
		facts |= DB_FACTS_INDEXES;
	if (c->is_exact || c->references)
		facts |= DB_FACTS_FOREIGN_KEYS;
	if (c->is_exact || c->collation || c->comment)
		facts |= DB_FACTS_TRAITS;
	return facts;
}

static void want_facts(struct wanting *w, const struct schema_table *t)
{
	unsigned facts = 0;

	for (size_t i = 0; i < t->columns.n; i++)
		facts |= facts_of_column(t->columns.items[i].value);
	if (t->primary_key_name || t->checks.n > 0 || (t->is_exact && t->unique.n > 0))
		facts |= DB_FACTS_CONSTRAINTS;
	if (t->unique.n > 0 || t->indexes.n > 0)
		facts |= DB_FACTS_INDEXES;
	if (t->foreign_keys.n > 0)
		facts |= DB_FACTS_FOREIGN_KEYS;
	if (t->triggers.n > 0)
		facts |= DB_FACTS_TRIGGERS;
	if (t->parent || t->partition_by || t->comment || t->partitions.n > 0)
		facts |= DB_FACTS_TRAITS;
	w->needs_all = w->needs_all || t->partitions.n > 0;
	w->wanted.facts |= facts;
}

static void want_others(struct wanting *w, const struct schema_spec *spec)
{
	if (spec->sequences.n > 0) {
		w->wanted.facts |= DB_FACTS_SEQUENCES;
		w->needs_all = true; /* names of owners */
	}
	if (spec->extensions.n > 0)
		w->wanted.facts |= DB_FACTS_EXTENSIONS;
	if (spec->enums.n > 0)
		w->wanted.facts |= DB_FACTS_TYPES;
	for (size_t i = 0; i < spec->sequences.n; i++)
		want_table(w, spec->sequences.items[i].name);
	for (size_t i = 0; i < spec->views.n; i++) {
		const struct schema_view *v = spec->views.items[i].value;

		want_table(w, spec->views.items[i].name);
		if (v->definition)
			w->wanted.facts |= DB_FACTS_TRAITS;
	}
	for (size_t i = 0; i < spec->absent.n; i++)
		want_table(w, spec->absent.items[i]);
}

static void want(struct wanting *w, const struct schema_spec *spec)
{
	want_table(w, spec->table.name);
	want_facts(w, &spec->table);
	for (size_t i = 0; i < spec->tables.n; i++) {
		want_table(w, spec->tables.items[i].name);
		want_facts(w, spec->tables.items[i].value);
	}
	want_others(w, spec);
	if (spec->table.is_exact && (spec->tables.n > 0 || spec->views.n > 0))
		w->needs_all = true;
	if (spec->snapshot) {
		w->wanted.facts = ~0u;
		w->needs_all = true;
	}
}

struct db_wanted schema_wanted(const struct probe *p)
{
	struct wanting w = {.arena = p->arena, .engine = database_engine(p->checks[0]->target)};

	for (size_t i = 0; i < p->n_checks; i++)
		want(&w, p->checks[i]->spec);
	if (w.needs_all)
		w.wanted.tables.n = 0;
	return w.wanted;
}

static bool lacks(const struct schema_spec *spec, const struct db_catalog *c)
{
	if (spec->table.name && !schema_find_table(c, spec->table.name))
		return true;
	for (size_t i = 0; i < spec->tables.n; i++)
		if (!schema_is_glob(spec->tables.items[i].name) &&
		    !schema_find_table(c, spec->tables.items[i].name))
			return true;
	for (size_t i = 0; i < spec->views.n; i++)
		if (!schema_find_table(c, spec->views.items[i].name))
			return true;
	return false;
}

bool schema_lacks(const struct probe *p, const struct db_catalog *c)
{
	for (size_t i = 0; i < p->n_checks; i++)
		if (lacks(p->checks[i]->spec, c))
			return true;
	return false;
}
