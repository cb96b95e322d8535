/*
 * arsenal_schema_listed: what a definition lists beside tables, and what it forbids beside that.
 */
#include <string.h>

#include "audits/arsenal/schema.h"
#include "audits/schema_compare.h"
#include "runner/base/str.h"

static const void *find(const struct schema_said *k, const struct groups *in, const char *name)
{
	for (size_t i = 0; i < in->n; i++)
		if (db_same_name(k->catalog->engine, in->items[i].name, name))
			return in->items[i].value;
	return NULL;
}

static const char *name_at(const struct schema_spot *s)
{
	const char *name;

	memcpy(&name, s->item, sizeof(name)); /* every such item begins with it */
	return name;
}

/* ---- of a table ---- */

bool schema_says_trigger(const struct schema_said *k, const struct schema_spot *s)
{
	for (size_t i = 0; k->table && i < k->table->triggers.n; i++)
		if (db_same_name(k->catalog->engine, k->table->triggers.items[i], name_at(s)))
			return true;
	return false;
}

bool schema_says_partition(const struct schema_said *k, const struct schema_spot *s)
{
	return k->table && find(k, &k->table->partitions, name_at(s));
}

bool schema_says_bounds(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_partition *w =
		k->table ? find(k, &k->table->partitions, name_at(s)) : NULL;

	return w && w->bounds;
}

/* ---- views ---- */

static const struct schema_view *view_at(const struct schema_said *k, const struct schema_spot *s)
{
	for (size_t i = 0; i < k->spec->views.n; i++)
		if (schema_find_table(k->catalog, k->spec->views.items[i].name) == s->table)
			return k->spec->views.items[i].value;
	return NULL;
}

static bool is_the_table(const struct schema_said *k, const struct schema_spot *s)
{
	return k->spec->table.name &&
	       schema_find_table(k->catalog, k->spec->table.name) == s->table;
}

bool schema_says_view(const struct schema_said *k, const struct schema_spot *s)
{
	return is_the_table(k, s) || view_at(k, s);
}

bool schema_says_resolves(const struct schema_said *k, const struct schema_spot *s)
{
	return view_at(k, s) != NULL;
}

bool schema_says_query(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_view *w = view_at(k, s);

	return w && w->definition;
}

bool schema_says_materialized(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_view *w = view_at(k, s);

	return w && w->has_materialized;
}

/* ---- of the catalog ---- */

static const struct schema_sequence *sequence_at(const struct schema_said *k,
						 const struct schema_spot *s)
{
	const struct groups *in = &k->spec->sequences;

	for (size_t i = 0; i < in->n; i++)
		if (db_same_name(k->catalog->engine, in->items[i].name, name_at(s)) ||
		    db_names_table(k->catalog->engine, in->items[i].name, NULL, name_at(s)))
			return in->items[i].value;
	return NULL;
}

#define SEQUENCE_SAYS(function_, condition_)                                                       \
	bool function_(const struct schema_said *k, const struct schema_spot *s)                   \
	{                                                                                          \
		const struct schema_sequence *w = sequence_at(k, s);                               \
                                                                                                   \
		return w && (condition_);                                                          \
	}

SEQUENCE_SAYS(schema_says_sequence, true)
SEQUENCE_SAYS(schema_says_sequence_type, w->type &&strcmp(w->type, "integer") != 0)
SEQUENCE_SAYS(schema_says_start, w->start)
SEQUENCE_SAYS(schema_says_increment, w->increment)
SEQUENCE_SAYS(schema_says_minimum, w->minimum)
SEQUENCE_SAYS(schema_says_maximum, w->maximum)
SEQUENCE_SAYS(schema_says_cycle, w->has_cycle)
SEQUENCE_SAYS(schema_says_owner, w->owner)

bool schema_says_extension(const struct schema_said *k, const struct schema_spot *s)
{
	return find(k, &k->spec->extensions, name_at(s)) != NULL;
}

bool schema_says_version(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_extension *w = find(k, &k->spec->extensions, name_at(s));

	return w && w->version;
}

bool schema_says_enum(const struct schema_said *k, const struct schema_spot *s)
{
	return find(k, &k->spec->enums, name_at(s)) != NULL;
}

bool schema_says_values(const struct schema_said *k, const struct schema_spot *s)
{
	const struct schema_enum *w = find(k, &k->spec->enums, name_at(s));

	return w && w->values.n > 0;
}

/* A name in the engine's quotes is left to whoever writes one. */
bool schema_says_absent(const struct schema_said *k, const struct schema_spot *s)
{
	(void)k;
	return !strpbrk(s->item, "\"`");
}

/* ---- exact ---- */

/* Does a pattern of the definition want, or allow, what would be added? */
static bool matches_added(const struct schema_said *k)
{
	for (size_t i = 0; i < k->spec->tables.n; i++)
		if (str_glob(k->spec->tables.items[i].name, SCHEMA_ADDED_NAME))
			return true;
	return false;
}

#define FORBIDS(function_, condition_)                                                             \
	bool function_(const struct schema_said *k, const struct schema_spot *s)                   \
	{                                                                                          \
		(void)s;                                                                           \
		return (condition_);                                                               \
	}
#define FORBIDS_IN_TABLE(function_, list_)                                                         \
	FORBIDS(function_, k->table && k->table->is_exact && k->table->list_.n > 0)
#define FORBIDS_OBJECTS(function_, list_)                                                          \
	FORBIDS(function_, k->spec->table.is_exact && k->spec->list_.n > 0)

FORBIDS(schema_forbids_tables,
	k->spec->table.is_exact && k->spec->tables.n > 0 && !matches_added(k))
FORBIDS_OBJECTS(schema_forbids_views, views)
FORBIDS_OBJECTS(schema_forbids_sequences, sequences)
FORBIDS_OBJECTS(schema_forbids_extensions, extensions)
FORBIDS_OBJECTS(schema_forbids_enums, enums)
FORBIDS_IN_TABLE(schema_forbids_columns, columns)
FORBIDS_IN_TABLE(schema_forbids_indexes, indexes)
FORBIDS_IN_TABLE(schema_forbids_checks, checks)
FORBIDS_IN_TABLE(schema_forbids_foreign_keys, foreign_keys)
FORBIDS_IN_TABLE(schema_forbids_triggers, triggers)
