/*
 * db_mysql_sight: what these servers leave out of their catalog for a role that may not see it.
 *
 * Nothing in information_schema says that a row was left out, so the role's grants do. A table it
 * has no privilege on is not listed; with privileges on columns only, the other columns are not,
 * nor the keys they are in; MariaDB lists the checks of a table only to who has a privilege on the
 * whole database, or on all of them. What a listed thing lacks is told by itself: an action of a
 * foreign key and the query of a view are NULL to who may only SELECT.
 *
 * Of the grants on databases that fit a name, only the most specific one of each grantee counts:
 * SELECT on `shop%`.* is nothing in `shop` to who has SHOW VIEW on `shop`.*. Which one that is
 * depends on hosts too, so a fitting grant that does not let read is taken for it. MySQL's partial
 * revokes take what is granted on everything away from one database.
 */
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_mysql_catalog.h"

enum level { LEVEL_NOTHING = 0, LEVEL_COLUMNS, LEVEL_TABLE, LEVEL_DATABASE };

struct grant {
	const char *database, *table; /* NULL = all */
	const char *grantee;
	bool is_reading;
	bool is_revoke;
	bool is_whole; /* not of columns only */
};

struct sight {
	struct mysql_read *read;
	struct grant *items;
	size_t n;
};

/* A quoted name; leaves s behind it. "*" is NULL. */
static const char *take_name(struct arena *a, const char **s)
{
	char quote = **s, *name = arena_alloc(a, strlen(*s) + 1);
	size_t n = 0;

	if (quote != '`' && quote != '"') {
		*s += strcspn(*s, ". ");
		return NULL;
	}
	for ((*s)++; **s && (**s != quote || (*s)[1] == quote); (*s)++) {
		if (**s == quote)
			(*s)++;
		name[n++] = **s;
	}
	name[n] = '\0';
	*s += **s ? 1 : 0;
	return name;
}

/* Does "GRANT a, SELECT (`x`), b ON" let it SELECT, and more than columns? */
static bool is_select(const char *grant, const char *on, bool *is_whole)
{
	const char *select = strstr(grant, "SELECT");

	*is_whole = true;
	if (str_starts(grant, "GRANT ALL PRIVILEGES ON "))
		return true;
	if (!select || select > on)
		return false;
	*is_whole = !str_starts(select, "SELECT (");
	return true;
}

static int take_grant(void *ctx, const struct db_row *row, struct err *e)
{
	struct sight *s = ctx;
	struct arena *a = s->read->arena;
	const char *text = row->n > 0 && row->values[0].type == DB_TEXT ? row->values[0].text : "";
	bool is_grant = str_starts(text, "GRANT ");
	const char *on = strstr(text, " ON ");
	struct grant g = {.is_revoke = !is_grant};

	(void)e;
	if ((!is_grant && !str_starts(text, "REVOKE ")) || !on)
		return 0;
	g.is_reading = is_grant && is_select(text, on, &g.is_whole);
	on += strlen(" ON ");
	if (str_starts(on, "TABLE "))
		on += strlen("TABLE ");
	g.database = take_name(a, &on);
	if (*on++ != '.')
		return 0;
	g.table = take_name(a, &on);
	if (!g.is_reading && (!g.database || g.table))
		return 0;
	on += str_starts(on, " TO ") ? strlen(" TO ") : strlen(" FROM ");
	g.grantee = take_name(a, &on);
	s->items = db_array_grow(a, s->items, s->n, sizeof(*s->items));
	s->items[s->n++] = g;
	return 0;
}

/* The name of a database in a grant on all of it is a pattern: "shop\_%". */
static bool is_like(const char *pattern, const char *name)
{
	for (; *pattern; pattern++, name++) {
		if (*pattern == '%') {
			for (; *name; name++)
				if (is_like(pattern + 1, name))
					return true;
			return is_like(pattern + 1, name);
		}
		if (*pattern == '\\' && pattern[1])
			pattern++;
		else if (*pattern == '_' && *name)
			continue;
		if (*pattern != *name)
			return false;
	}
	return !*name;
}

/* Does another grant say less of this database? */
static bool is_narrowed(const struct sight *s, const struct grant *g, const char *database)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct grant *other = &s->items[i];

		if (!other->is_reading && is_like(other->database, database) &&
		    (!g->grantee || !other->grantee || strcmp(g->grantee, other->grantee) == 0) &&
		    (g->database || other->is_revoke))
			return true;
	}
	return false;
}

/* What the role sees of a table, or of those of a database it has no privilege on by name. */
static enum level level_of(const struct sight *s, const char *database, const char *table)
{
	bool folds = of_session(s->read)->folds_tables;
	enum level most = LEVEL_NOTHING;

	for (size_t i = 0; i < s->n; i++) {
		const struct grant *g = &s->items[i];
		enum level level = LEVEL_DATABASE;

		if (!g->is_reading)
			continue;
		if (g->table) {
			if (!table || strcmp(g->database, database) != 0 ||
			    (folds ? strcasecmp(g->table, table) : strcmp(g->table, table)) != 0)
				continue;
			level = g->is_whole ? LEVEL_TABLE : LEVEL_COLUMNS;
		} else if ((g->database && !is_like(g->database, database)) ||
			   is_narrowed(s, g, database)) {
			continue;
		}
		if (level > most)
			most = level;
	}
	return most;
}

static unsigned hidden_of(const struct mysql_db *s, const struct db_table *t, enum level level)
{
	unsigned hidden = level < LEVEL_TABLE ? DB_HIDES_COLUMNS : 0;

	if (level < LEVEL_DATABASE && s->is_mariadb)
		hidden |= DB_HIDES_CHECKS;
	for (size_t i = 0; i < t->n_foreign_keys; i++)
		if (!t->foreign_keys[i].on_delete)
			hidden |= DB_HIDES_ACTIONS;
	if (t->is_view && !t->definition && !t->error)
		hidden |= DB_HIDES_QUERY;
	return hidden;
}

int mysql_read_sight(struct mysql_read *r, struct err *e)
{
	struct sight s = {.read = r};
	struct db_catalog *c = r->catalog;

	if (mysql_read_grants(of_session(r), r->deadline_ms, take_grant, &s, e) != 0)
		return err_context(e, "could not see what the role may see");
	for (size_t i = 0; i < r->n_schemas; i++)
		c->hides_tables |= level_of(&s, r->params[i], NULL) < LEVEL_DATABASE;
	for (size_t i = 0; i < c->n_tables; i++) {
		struct db_table *t = &c->tables[i];
		bool is_current = strcmp(t->schema, r->params[0]) == 0;
		const char *bare = is_current ? t->name : t->name + strlen(t->schema) + 1;

		t->hidden = hidden_of(of_session(r), t, level_of(&s, t->schema, bare));
	}
	return 0;
}
