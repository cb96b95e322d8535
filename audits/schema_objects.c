/*
 * schema_objects: which objects there are, and what is said of those that are no tables.
 *
 * An object that is gone is the most serious difference there is, one that nobody listed the least;
 * `exact` forbids the latter for each kind of object that is listed at all.
 */
#include <string.h>
#include <strings.h>

#include "audits/database.h"
#include "audits/schema_compare.h"
#include "audits/schema_expression.h"
#include "audits/schema_type.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

/* ---- the rest of a table ---- */

static void compare_text(struct differences *d, const struct db_table *t, const char *what,
			 const char *wanted, const char *found)
{
	if (wanted)
		differences_expect(d, found && strcasecmp(wanted, found) == 0, SCHEMA_CHANGED,
				   "table %s: %s is %s, expected %s", t->name, what,
				   found ? found : "none", wanted);
}

static void compare_triggers(struct differences *d, const struct schema_table *expected,
			     const struct db_table *t)
{
	for (size_t i = 0; i < expected->triggers.n; i++) {
		const char *name = expected->triggers.items[i];
		size_t k = 0;

		while (k < t->n_triggers && !db_same_name(d->engine, t->triggers[k].name, name))
			k++;
		differences_expect(d, k < t->n_triggers, SCHEMA_RULES,
				   "trigger %s is missing from table %s", name, t->name);
		if (k < t->n_triggers)
			differences_expect(d, !t->triggers[k].is_disabled, SCHEMA_RULES,
					   "trigger %s of table %s is disabled", name, t->name);
	}
	if (!expected->is_exact || expected->triggers.n == 0)
		return;
	for (size_t k = 0; k < t->n_triggers; k++) {
		size_t i = 0;

		while (i < expected->triggers.n &&
		       !db_same_name(d->engine, t->triggers[k].name, expected->triggers.items[i]))
			i++;
		differences_expect(d, i < expected->triggers.n, SCHEMA_EXTRA,
				   "unexpected trigger %s on table %s", t->triggers[k].name,
				   t->name);
	}
}

static void compare_partitions(struct differences *d, const struct schema_table *expected,
			       const struct db_table *t)
{
	const struct groups *wanted = &expected->partitions;

	for (size_t i = 0; i < wanted->n; i++) {
		const struct schema_partition *w = wanted->items[i].value;
		const char *name = wanted->items[i].name;
		size_t k = 0;

		while (k < t->n_partitions && !db_same_name(d->engine, t->partitions[k].name, name))
			k++;
		differences_expect(d, k < t->n_partitions, SCHEMA_GONE,
				   "partition %s is missing from table %s", name, t->name);
		if (k < t->n_partitions && w->bounds)
			differences_expect(
				d, schema_same_query(d->arena, w->bounds, t->partitions[k].bounds),
				SCHEMA_RULES,
				"partition %s of table %s: bounds are %s, expected %s", name,
				t->name, t->partitions[k].bounds ? t->partitions[k].bounds : "none",
				w->bounds);
	}
	if (!expected->is_exact || wanted->n == 0)
		return;
	for (size_t k = 0; k < t->n_partitions; k++) {
		size_t i = 0;

		while (i < wanted->n &&
		       !db_same_name(d->engine, t->partitions[k].name, wanted->items[i].name))
			i++;
		differences_expect(d, i < wanted->n, SCHEMA_EXTRA,
				   "unexpected partition %s of table %s", t->partitions[k].name,
				   t->name);
	}
}

void schema_compare_traits(struct differences *d, const struct schema_table *expected,
			   const struct db_table *t)
{
	if (expected->partition_by)
		differences_expect(
			d, schema_same_query(d->arena, expected->partition_by, t->partition_by),
			SCHEMA_RULES, "table %s: is partitioned by %s, expected %s", t->name,
			t->partition_by ? t->partition_by : "nothing", expected->partition_by);
	if (expected->says_row_security)
		differences_expect(d, t->has_row_security == expected->has_row_security,
				   SCHEMA_RULES, "table %s: row-level security is %s, expected %s",
				   t->name, t->has_row_security ? "on" : "off",
				   expected->has_row_security ? "on" : "off");
	compare_text(d, t, "parent", expected->parent, t->parent);
	compare_text(d, t, "storage", expected->storage, t->storage);
	compare_text(d, t, "character set", expected->charset, t->charset);
	compare_text(d, t, "collation", expected->collation, t->collation);
	compare_text(d, t, "comment", expected->comment, t->comment);
	compare_triggers(d, expected, t);
	compare_partitions(d, expected, t);
}

/* ---- tables and views ---- */

static const char *table_hint(struct differences *d, const struct db_catalog *c, const char *name)
{
	const char **names = arena_array(d->arena, c->n_tables, sizeof(*names));
	const char *meant = database_full_name(c->engine, c->others, c->n_others, name);

	if (c->hides_tables)
		return ", or hidden from the role";
	if (meant)
		return arena_printf(
			d->arena, "; did you mean %s? Its schema is not in the search path", meant);
	for (size_t i = 0; i < c->n_tables; i++)
		names[i] = c->tables[i].name;
	return schema_hint(d->arena, name, names, c->n_tables);
}

bool schema_matches(const struct db_catalog *c, const struct db_table *t, const char *pattern)
{
	if (schema_is_glob(pattern))
		return c->engine == DB_POSTGRES || c->tells_case ? str_glob(pattern, t->name)
								 : str_glob_fold(pattern, t->name);
	return schema_find_table(c, pattern) == t;
}

static void compare_named(struct differences *d, const struct db_catalog *c, const struct group *g,
			  bool *is_listed)
{
	size_t n = 0;

	differences_begin(d, g->name);
	for (size_t i = 0; i < c->n_tables; i++) {
		const struct db_table *t = &c->tables[i];

		if (!schema_matches(c, t, g->name) || (schema_is_glob(g->name) && t->is_view))
			continue;
		n++;
		is_listed[i] = true;
		differences_begin(d, t->name);
		differences_expect(d, !t->is_view, SCHEMA_GONE, "table %s is a view", t->name);
		differences_expect(d, t->is_view || !t->error, SCHEMA_GONE,
				   "table %s is broken: %s", t->name, t->error ? t->error : "");
		if (!t->is_view && !t->error)
			schema_compare_table(d, g->value, t);
	}
	if (schema_is_glob(g->name))
		differences_expect(d, n > 0, SCHEMA_GONE, "no table matches %s", g->name);
	else
		differences_expect(d, n > 0, SCHEMA_GONE, "table %s is missing%s", g->name,
				   n > 0 ? "" : table_hint(d, c, g->name));
}

static void compare_tables(struct differences *d, const struct schema_spec *spec,
			   const struct db_catalog *c)
{
	bool *is_listed = arena_array(d->arena, c->n_tables, sizeof(*is_listed));

	for (size_t i = 0; i < spec->tables.n; i++)
		compare_named(d, c, &spec->tables.items[i], is_listed);
	if (!spec->table.is_exact || spec->tables.n == 0)
		return;
	for (size_t i = 0; i < c->n_tables; i++) {
		differences_begin(d, c->tables[i].name);
		if (!c->tables[i].is_view)
			differences_expect(d, is_listed[i], SCHEMA_EXTRA, "unexpected table %s",
					   c->tables[i].name);
	}
}

/* A view whose query no longer resolves is as good as missing, and says why. */
static void compare_view(struct differences *d, const struct db_catalog *c, const struct group *g)
{
	const struct schema_view *w = g->value;
	const struct db_table *t = schema_find_table(c, g->name);

	differences_begin(d, t ? t->name : g->name);
	differences_expect(d, t && t->is_view, SCHEMA_GONE, "view %s is %s%s", g->name,
			   t ? "a table" : "missing", t ? "" : table_hint(d, c, g->name));
	if (!t)
		return;
	differences_expect(d, !t->error, SCHEMA_GONE, "view %s is broken: %s", g->name,
			   t->error ? t->error : "");
	differences_expect(d, !t->is_unpopulated, SCHEMA_GONE,
			   "view %s has not been populated: reading it is refused until REFRESH "
			   "MATERIALIZED VIEW",
			   g->name);
	if (w->has_materialized)
		differences_expect(d, t->is_materialized == w->is_materialized, SCHEMA_RULES,
				   "view %s is %smaterialized, expected %smaterialized", g->name,
				   t->is_materialized ? "" : "not ",
				   w->is_materialized ? "" : "not ");
	if (w->definition && !t->error)
		differences_expect(d, schema_same_query(d->arena, w->definition, t->definition),
				   SCHEMA_RULES, "view %s: query is %s, expected %s", g->name,
				   t->definition ? t->definition : "unknown", w->definition);
}

static void compare_views(struct differences *d, const struct schema_spec *spec,
			  const struct db_catalog *c)
{
	for (size_t i = 0; i < spec->views.n; i++)
		compare_view(d, c, &spec->views.items[i]);
	if (!spec->table.is_exact || spec->views.n == 0)
		return;
	for (size_t i = 0; i < c->n_tables; i++) {
		size_t k = 0;

		while (k < spec->views.n &&
		       schema_find_table(c, spec->views.items[k].name) != &c->tables[i])
			k++;
		differences_begin(d, c->tables[i].name);
		if (c->tables[i].is_view)
			differences_expect(d, k < spec->views.n, SCHEMA_EXTRA, "unexpected view %s",
					   c->tables[i].name);
	}
}

static void compare_absent(struct differences *d, const struct schema_spec *spec,
			   const struct db_catalog *c)
{
	for (size_t i = 0; i < spec->absent.n; i++) {
		const char *pattern = spec->absent.items[i];
		size_t n = 0;

		for (size_t k = 0; k < c->n_tables; k++) {
			const struct db_table *t = &c->tables[k];

			if (!schema_matches(c, t, pattern))
				continue;
			n++;
			differences_begin(d, t->name);
			differences_expect(d, false, SCHEMA_EXTRA, "%s %s must not exist",
					   t->is_view ? "view" : "table", t->name);
		}
		if (n == 0)
			differences_expect(d, true, SCHEMA_EXTRA, "%s", pattern);
	}
}

/* ---- sequences, extensions, enums ---- */

static void compare_fact(struct differences *d, const char *what, const char *fact,
			 const char *wanted, const char *found)
{
	if (wanted)
		differences_expect(d, found && strcmp(wanted, found) == 0, SCHEMA_CHANGED,
				   "%s: %s is %s, expected %s", what, fact, found ? found : "none",
				   wanted);
}

static const struct db_sequence *find_sequence(const struct db_catalog *c, const char *name)
{
	for (size_t i = 0; i < c->n_sequences; i++)
		if (db_same_name(c->engine, c->sequences[i].name, name) ||
		    db_names_table(c->engine, name, NULL, c->sequences[i].name))
			return &c->sequences[i];
	return NULL;
}

static void compare_sequence(struct differences *d, const struct db_catalog *c,
			     const struct group *g)
{
	const struct schema_sequence *w = g->value;
	const struct db_sequence *s = find_sequence(c, g->name);
	const char *what = arena_printf(d->arena, "sequence %s", g->name);

	differences_begin(d, what);
	differences_expect(d, s != NULL, SCHEMA_GONE, "%s is missing", what);
	if (!s)
		return;
	if (w->type)
		differences_expect(
			d, s->type && schema_type_matches(d->arena, d->engine, w->type, s->type),
			SCHEMA_RULES, "%s: type is %s, expected %s", what,
			s->type ? s->type : "none", w->type);
	compare_fact(d, what, "start", w->start, s->start);
	compare_fact(d, what, "increment", w->increment, s->increment);
	compare_fact(d, what, "minimum", w->minimum, s->minimum);
	compare_fact(d, what, "maximum", w->maximum, s->maximum);
	compare_fact(d, what, "owner", w->owner, s->owner);
	if (w->has_cycle)
		differences_expect(d, s->is_cycle == w->is_cycle, SCHEMA_RULES,
				   "%s: %s, expected %s", what,
				   s->is_cycle ? "begins again" : "ends",
				   w->is_cycle ? "that it begins again" : "that it ends");
}

static void compare_extension(struct differences *d, const struct db_catalog *c,
			      const struct group *g)
{
	const struct schema_extension *w = g->value;
	const char *what = arena_printf(d->arena, "extension %s", g->name);
	size_t i = 0;

	while (i < c->n_extensions && strcmp(c->extensions[i].name, g->name) != 0)
		i++;
	differences_begin(d, what);
	differences_expect(d, i < c->n_extensions, SCHEMA_GONE, "%s is missing", what);
	if (i < c->n_extensions)
		compare_fact(d, what, "version", w->version, c->extensions[i].version);
}

static void compare_enum(struct differences *d, const struct db_catalog *c, const struct group *g)
{
	const struct schema_enum *w = g->value;
	const char *what = arena_printf(d->arena, "enum %s", g->name);
	size_t i = 0;

	while (i < c->n_enums && !db_same_name(c->engine, c->enums[i].name, g->name))
		i++;
	differences_begin(d, what);
	differences_expect(d, i < c->n_enums, SCHEMA_GONE, "%s is missing", what);
	if (i == c->n_enums || w->values.n == 0)
		return;
	const struct db_enum *found = &c->enums[i];
	bool is_same = found->n_values == w->values.n;

	for (size_t k = 0; is_same && k < w->values.n; k++)
		is_same = strcmp(found->values[k], w->values.items[k]) == 0;
	differences_expect(d, is_same, SCHEMA_RULES, "%s: values are %s, expected %s", what,
			   schema_list(d->arena, found->values, found->n_values),
			   schema_list(d->arena, w->values.items, w->values.n));
}

/* Objects of a kind that is listed, but not this one. */
static void forbid(struct differences *d, const struct groups *listed, const char *kind,
		   const char *name)
{
	size_t i = 0;

	while (i < listed->n && !db_same_name(d->engine, listed->items[i].name, name))
		i++;
	differences_begin(d, arena_printf(d->arena, "%s %s", kind, name));
	differences_expect(d, i < listed->n, SCHEMA_EXTRA, "unexpected %s %s", kind, name);
}

static void compare_others(struct differences *d, const struct schema_spec *spec,
			   const struct db_catalog *c)
{
	bool is_exact = spec->table.is_exact;

	for (size_t i = 0; i < spec->sequences.n; i++)
		compare_sequence(d, c, &spec->sequences.items[i]);
	for (size_t i = 0; is_exact && spec->sequences.n > 0 && i < c->n_sequences; i++)
		forbid(d, &spec->sequences, "sequence", c->sequences[i].name);
	for (size_t i = 0; i < spec->extensions.n; i++)
		compare_extension(d, c, &spec->extensions.items[i]);
	for (size_t i = 0; is_exact && spec->extensions.n > 0 && i < c->n_extensions; i++)
		forbid(d, &spec->extensions, "extension", c->extensions[i].name);
	for (size_t i = 0; i < spec->enums.n; i++)
		compare_enum(d, c, &spec->enums.items[i]);
	for (size_t i = 0; is_exact && spec->enums.n > 0 && i < c->n_enums; i++)
		forbid(d, &spec->enums, "enum", c->enums[i].name);
}

int schema_compare(struct differences *d, const struct schema_spec *spec,
		   const struct db_catalog *c, struct err *e)
{
	const char *name = spec->table.name;

	if (schema_see(spec, c, e) != 0)
		return -1;
	if (name) {
		const struct db_table *t = schema_find_table(c, name);

		differences_begin(d, t ? t->name : name);
		differences_expect(d, t != NULL, SCHEMA_GONE, "table %s is missing%s", name,
				   t ? "" : table_hint(d, c, name));
		if (t && t->error)
			return err_set(e, ERR_MEASURE, "%s \"%s\": %s",
				       t->is_view ? "view" : "table", t->name, t->error);
		if (t)
			schema_compare_table(d, &spec->table, t);
	}
	compare_tables(d, spec, c);
	compare_views(d, spec, c);
	compare_absent(d, spec, c);
	compare_others(d, spec, c);
	return 0;
}
