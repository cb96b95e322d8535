/*
 * schema_former: what a release would no longer get along with though all it names is there.
 *
 * A column that was added since, may not be null and has no default refuses the rows that the old
 * release writes: it does not know the column. A definition that lists only some columns of a table
 * cannot tell an added one from one that it left out, so a migration that was applied since has to
 * name it (former.h).
 */
#include <string.h>

#include "audits/schema_compare.h"
#include "runner/model/former.h"

static bool is_filled(const struct db_column *c)
{
	return c->is_nullable || c->def || c->generation != DB_PLAIN || c->key > 0;
}

static bool is_listed(enum db_engine engine, const struct db_table *t,
		      const struct schema_table *expected, const struct db_column *c)
{
	for (size_t i = 0; i < expected->columns.n; i++)
		if (schema_find_column(engine, t, expected->columns.items[i].name) == c)
			return true;
	return false;
}

static const struct former_migration *added_by(const struct former *f, const struct db_table *t,
					       const struct db_column *c)
{
	for (size_t i = f->n_migrations; i-- > 0;) {
		const struct former_migration *m = &f->migrations[i];

		if (former_names(m, c->name, strlen(c->name)) &&
		    former_names(m, t->name, strlen(t->name)))
			return m;
	}
	return NULL;
}

static void compare(struct differences *d, const struct schema_table *expected,
		    const struct db_table *t, const struct former *f)
{
	differences_begin(d, t->name);
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];

		if (is_filled(c) || is_listed(d->engine, t, expected, c) || !added_by(f, t, c))
			continue;
		differences_expect(d, false, SCHEMA_RULES,
				   "column %s of table %s was added since %s, not null and without "
				   "a default: rows as that release writes them are refused",
				   c->name, t->name, f->tag);
	}
}

void schema_compare_former(struct differences *d, const struct schema_spec *spec,
			   const struct db_catalog *actual, const struct former *f)
{
	const struct db_table *t;

	if (spec->table.name && (t = schema_find_table(actual, spec->table.name)))
		compare(d, &spec->table, t, f);
	for (size_t i = 0; i < spec->tables.n; i++) {
		const struct group *g = &spec->tables.items[i];

		if (!schema_is_glob(g->name) && (t = schema_find_table(actual, g->name)))
			compare(d, g->value, t, f);
	}
}
