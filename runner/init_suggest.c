/*
 * What is suggested, and why: that a table has rows (an empty table is the failure nobody notices),
 * that what was never NULL stays so, that the newest row is young, that references hold where the
 * engine declares them (SQLite does not enforce them by default).
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/init_draft.h"
#include "runner/model/result.h"

static struct suggestion *add(struct arena *a, struct init_target *t, enum suggestion_type type,
			      const struct db_table *table)
{
	struct suggestion *s;

	if ((t->n & (t->n - 1)) == 0) { /* full at powers of two */
		struct suggestion *grown = arena_array(a, t->n ? t->n * 2 : 1, sizeof(*grown));

		if (t->n > 0)
			memcpy(grown, t->items, t->n * sizeof(*grown));
		t->items = grown;
	}
	s = &t->items[t->n];
	*s = (struct suggestion){
		.type = type,
		.id = arena_printf(a, "c%zu", t->n),
		.table = table,
		.share = NAN,
	};
	t->n++;
	return s;
}

static bool holds_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text; text++)
		if (strncasecmp(text, word, n) == 0)
			return true;
	return false;
}

/* A moment, by its type; where types say little (SQLite), by its name. */
static bool is_moment(const struct db_column *c)
{
	static const char *const endings[] = {"_at", "_date", "_time", "_on", "timestamp"};

	if (holds_word(c->type, "timestamp") || holds_word(c->type, "datetime") ||
	    strcasecmp(c->type, "date") == 0)
		return true;
	if (c->type[0] && !holds_word(c->type, "text") && !holds_word(c->type, "char") &&
	    !holds_word(c->type, "int"))
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (str_ends(c->name, endings[i]))
			return true;
	return false;
}

static bool is_computed(const struct db_column *c)
{
	return c->generation == DB_VIRTUAL || c->generation == DB_STORED;
}

/* SQLite: a key that names no columns is to the primary key. NULL = the table has no such key. */
static const struct db_foreign_key *whole_key(struct arena *a, const struct db_catalog *c,
					      const struct db_foreign_key *key)
{
	const struct db_table *to = schema_find_table(c, key->table);
	struct db_foreign_key *whole;

	if (key->n_columns > 0 && key->targets[0])
		return key;
	if (!to)
		return NULL;
	whole = arena_alloc(a, sizeof(*whole));
	*whole = *key;
	size_t n;

	whole->targets = schema_primary_key(a, to, &n);
	return n == key->n_columns ? whole : NULL;
}

static void suggest_fresh(struct arena *a, struct init_target *t, const struct db_table *table)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct db_column *c = &table->columns[i];
		bool lacks_zone = init_lacks_zone(t->catalog.engine, c);
		struct suggestion *s;

		if (!is_moment(c))
			continue;
		if (lacks_zone && t->unnamed_zone) { /* by a guess it would be off by hours */
			t->n_zoneless++;
			continue;
		}
		s = add(a, t, SUGGEST_FRESH, table);
		s->column = c->name;
		s->lacks_zone = lacks_zone;
		s->zone = lacks_zone ? t->zone : NULL;
	}
}

static void suggest_table(struct arena *a, struct init_target *t, const struct db_table *table)
{
	(void)add(a, t, SUGGEST_ROWS, table);
	for (size_t i = 0; i < table->n_columns && i < INIT_MAX_COLUMNS; i++) {
		const struct db_column *c = &table->columns[i];

		if (c->is_nullable && !is_computed(c))
			add(a, t, SUGGEST_MISSING, table)->column = c->name;
	}
	suggest_fresh(a, t, table);
	for (size_t i = 0; i < table->n_foreign_keys; i++) {
		const struct db_foreign_key *key =
			whole_key(a, &t->catalog, &table->foreign_keys[i]);

		if (key)
			add(a, t, SUGGEST_ORPHANS, table)->key = key;
	}
}

void init_suggest(struct arena *a, struct init_target *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->catalog.n_tables && n < INIT_MAX_TABLES; i++) {
		const struct db_table *table = &t->catalog.tables[i];

		if (table->is_view || table->error || table->parent)
			continue; /* a partition's rows are its parent's */
		suggest_table(a, t, table);
		n++;
	}
}

static void take(struct suggestion *s, const struct result *r)
{
	if (r->value.type == VALUE_INT) {
		s->value = r->value.integer;
		s->age_s = (double)r->value.integer;
	} else if (r->value.type == VALUE_REAL) {
		s->age_s = r->value.real;
	} else {
		return;
	}
	s->is_measured = true;
	s->n_total = r->n_total;
	s->share = r->share;
}

void init_take(struct init_target *t, const struct init_subject *s)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *reason = NULL;
		const struct result *r = init_value(s, 0, t->items[i].id, NULL, &reason);

		if (r)
			take(&t->items[i], r);
		else
			t->items[i].reason = reason;
	}
}
