/*
 * schema_sight: is what a definition asks for shown to the role? MySQL leaves out of its catalog
 * what a role has no privilege for, without a word; what is not seen is neither there nor missing.
 */
#include <string.h>
#include <strings.h>

#include "audits/schema_compare.h"
#include "runner/base/err.h"

static int fail_table(const struct db_table *t, const char *what, struct err *e)
{
	err_set(e, ERR_MEASURE, "cannot see %s of %s \"%s\": the role may not", what,
		t->is_view ? "view" : "table", t->name);
	return err_help(e, "GRANT SELECT, SHOW VIEW on the whole database shows everything "
			   "but triggers");
}

static int fail_tables(const char *what, struct err *e)
{
	err_set(e, ERR_MEASURE, "cannot see %s: the role is only shown what it has a privilege on",
		what);
	return err_help(e, "GRANT SELECT, SHOW VIEW on the whole database shows everything "
			   "but triggers");
}

/* MySQL shows triggers only to who may make them: that none is seen does not say there is none. */
static bool hides_triggers(const struct db_catalog *c)
{
	for (size_t i = 0; i < c->n_tables; i++)
		if (c->tables[i].n_triggers > 0)
			return false;
	return c->engine == DB_MYSQL;
}

static int fail_triggers(struct err *e)
{
	err_set(e, ERR_MEASURE, "cannot see triggers: the role is shown none");
	return err_help(e, "the privilege TRIGGER shows them, and lets the role write: "
			   "allow_writable_role");
}

static int see_triggers(const struct schema_spec *spec, const struct db_catalog *c, struct err *e)
{
	bool asks = spec->table.triggers.n > 0;

	for (size_t i = 0; i < spec->tables.n; i++)
		asks = asks ||
		       ((const struct schema_table *)spec->tables.items[i].value)->triggers.n > 0;
	return asks && hides_triggers(c) ? fail_triggers(e) : 0;
}

int schema_see_triggers(const struct db_catalog *was, const struct db_catalog *actual,
			struct err *e)
{
	if (!hides_triggers(actual))
		return 0;
	for (size_t i = 0; i < was->n_tables; i++)
		if (was->tables[i].n_triggers > 0)
			return fail_triggers(e);
	return 0;
}

/* Are columns asked for that are not seen, or what is made of several? */
static bool asks_columns(enum db_engine engine, const struct schema_table *x,
			 const struct db_table *t)
{
	if (x->is_exact || x->primary_key.n > 0 || x->unique.n > 0 || x->indexes.n > 0 ||
	    x->foreign_keys.n > 0)
		return true;
	for (size_t i = 0; i < x->columns.n; i++) {
		const struct schema_column *c = x->columns.items[i].value;

		if (c->has_key || c->has_unique || c->references ||
		    !schema_find_column(engine, t, x->columns.items[i].name))
			return true;
	}
	return false;
}

/* MariaDB keeps json as a longtext with a CHECK. */
static bool asks_checks(const struct schema_table *x)
{
	if (x->checks.n > 0)
		return true;
	for (size_t i = 0; i < x->columns.n; i++) {
		const struct schema_column *c = x->columns.items[i].value;

		if (c->type && strcasecmp(c->type, "json") == 0)
			return true;
	}
	return false;
}

static bool asks_actions(const struct schema_table *x)
{
	for (size_t i = 0; i < x->foreign_keys.n; i++) {
		const struct schema_foreign_key *k = x->foreign_keys.items[i].value;

		if (k->on_delete || k->on_update)
			return true;
	}
	return false;
}

static int see_table(enum db_engine engine, const struct schema_table *x, const struct db_table *t,
		     struct err *e)
{
	if ((t->hidden & DB_HIDES_COLUMNS) && asks_columns(engine, x, t))
		return fail_table(t, "all columns", e);
	if ((t->hidden & DB_HIDES_CHECKS) && asks_checks(x))
		return fail_table(t, "the checks", e);
	if ((t->hidden & DB_HIDES_ACTIONS) && asks_actions(x))
		return fail_table(t, "the actions of foreign keys", e);
	return 0;
}

static int see_tables(const struct schema_spec *spec, const struct db_catalog *c, struct err *e)
{
	for (size_t i = 0; i < spec->tables.n; i++) {
		const struct group *g = &spec->tables.items[i];

		for (size_t k = 0; k < c->n_tables; k++)
			if (schema_matches(c, &c->tables[k], g->name) &&
			    see_table(c->engine, g->value, &c->tables[k], e) != 0)
				return -1;
	}
	for (size_t i = 0; i < spec->views.n; i++) {
		const struct schema_view *w = spec->views.items[i].value;
		const struct db_table *t = schema_find_table(c, spec->views.items[i].name);

		if (t && w->definition && (t->hidden & DB_HIDES_QUERY))
			return fail_table(t, "the query", e);
	}
	return 0;
}

/* With nothing said of what is not listed, a table that is not seen is one that is missing. */
static int see_all(const struct schema_spec *spec, const struct db_catalog *c, struct err *e)
{
	if (!c->hides_tables)
		return 0;
	if (spec->absent.n > 0)
		return fail_tables("whether tables are absent", e);
	if (spec->table.is_exact && (spec->tables.n > 0 || spec->views.n > 0))
		return fail_tables("whether there are other tables", e);
	for (size_t i = 0; i < spec->tables.n; i++)
		if (schema_is_glob(spec->tables.items[i].name))
			return fail_tables("whether other tables match", e);
	return 0;
}

int schema_see(const struct schema_spec *spec, const struct db_catalog *c, struct err *e)
{
	const struct db_table *t = spec->table.name ? schema_find_table(c, spec->table.name) : NULL;

	if (see_triggers(spec, c, e) != 0 || see_all(spec, c, e) != 0)
		return -1;
	if (t && see_table(c->engine, &spec->table, t, e) != 0)
		return -1;
	return see_tables(spec, c, e);
}

int schema_see_whole(const struct db_catalog *c, struct err *e)
{
	static const struct {
		unsigned bit;
		const char *what;
	} parts[] = {
		{DB_HIDES_COLUMNS, "all columns"},
		{DB_HIDES_CHECKS, "the checks"},
		{DB_HIDES_ACTIONS, "the actions of foreign keys"},
		{DB_HIDES_QUERY, "the query"},
	};

	if (c->hides_tables)
		return fail_tables("all tables", e);
	for (size_t i = 0; i < c->n_tables; i++)
		for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
			if (c->tables[i].hidden & parts[k].bit)
				return fail_table(&c->tables[i], parts[k].what, e);
	return 0;
}
