/*
 * arsenal_database_look: what the check reads, found by experiment.
 *
 * A column is read when a statement of the check is not accepted without it. Where the check has a
 * filter, the statement is tried once more with 1 = 1 in the filter's place: a column that is then
 * not missed is read by the filter only, and is not what the check is about. A column that is
 * missed by nobody but would be given (SELECT *) is read when the check itself comes to another
 * answer without it.
 *
 * What the engine does not miss (a name that then means a column of another table, DISTINCT *, a
 * NATURAL join) counts as unread: the attack is not made, which is unfair to nobody.
 */
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_dialect.h"
#include "runner/io/db_shadow.h"
#include "runner/model/kind.h"

/* Names of tables tell case apart where the catalog says so, whatever those of columns do. */
static bool is_same_table(const struct seen_source *of, const char *a, const char *b)
{
	return of->catalog.tells_case ? strcmp(a, b) == 0 : db_same_name(of->source.engine, a, b);
}

bool siege_is_table(const struct siege *s, const struct seen_table *t, const char *written)
{
	enum db_engine engine = t->of->source.engine;
	const char *schema, *name;

	if (written == NULL)
		return false;
	name = db_split_table(engine, s->challenge->arena, written, &schema);
	if (!is_same_table(t->of, name, t->name))
		return false;
	if (schema == NULL) /* one of the search path, which the catalog calls by its bare name */
		return strcmp(t->facts->name, t->name) == 0;
	return t->schema == NULL || db_same_name(engine, schema, t->schema);
}

size_t siege_find_column(const struct seen_table *t, const char *name)
{
	for (size_t i = 0; name != NULL && i < t->facts->n_columns; i++)
		if (db_same_name(t->of->source.engine, t->facts->columns[i].name, name))
			return i;
	return NO_COLUMN;
}

/* ---- tables ---- */

static const char *bare_name(const struct db_table *t)
{
	size_t n = t->schema != NULL ? strlen(t->schema) : 0;

	return n > 0 && strncmp(t->name, t->schema, n) == 0 && t->name[n] == '.' ? t->name + n + 1
										 : t->name;
}

static bool is_named(const struct seen_source *of, const struct db_table *t,
		     const struct table_name *name)
{
	if (!is_same_table(of, bare_name(t), name->name))
		return false;
	if (name->schema == NULL)
		return bare_name(t) == t->name;
	return t->schema == NULL || db_same_name(of->source.engine, t->schema, name->schema);
}

static const char *quoted(const struct siege *s, const struct seen_table *t)
{
	enum db_engine engine = t->of->source.engine;
	const char *schema = t->schema;
	struct buf b;

	/* Without a schema the name would be the shadow's. */
	if (schema == NULL && engine == DB_SQLITE)
		schema = "main";
	buf_init(&b, BUF_UNBOUNDED); /* two names */
	if (schema != NULL) {
		db_quote(engine, &b, schema);
		(void)buf_putc(&b, '.');
	}
	db_quote(engine, &b, t->name);
	return siege_keep(s, &b);
}

static void add_table(struct siege *s, struct seen_source *of, const struct db_table *facts)
{
	struct arena *a = s->challenge->arena;
	struct seen_table *t = arena_alloc(a, sizeof(*t));

	if (s->n_tables == s->cap_tables) {
		size_t cap = s->cap_tables == 0 ? 4 : s->cap_tables * 2;
		struct seen_table **grown = arena_array(a, cap, sizeof(struct seen_table *));

		if (s->n_tables > 0)
			memcpy(grown, s->tables, s->n_tables * sizeof(struct seen_table *));
		s->tables = grown;
		s->cap_tables = cap;
	}
	*t = (struct seen_table){
		.of = of,
		.facts = facts,
		.schema = facts->schema,
		.name = bare_name(facts),
		.shown = arena_printf(a, "%s%s", of->label, facts->name),
		.columns = arena_array(a, facts->n_columns, sizeof(*t->columns)),
	};
	t->quoted = quoted(s, t);
	s->tables[s->n_tables++] = t;
}

static bool has_text(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->items[i], text) == 0)
			return true;
	return false;
}

struct wanted {
	struct table_name *names;
	size_t n, cap;
	struct db_wanted db;
};

static void want(const struct siege *s, struct wanted *w, const struct table_name *name)
{
	struct arena *a = s->challenge->arena;

	if (w->n == w->cap) {
		size_t cap = w->cap == 0 ? 16 : w->cap * 2;
		struct table_name *names = arena_array(a, cap, sizeof(*names));
		const char **tables = arena_array(a, cap, sizeof(char *));
		const char **schemas = arena_array(a, cap, sizeof(char *));

		if (w->n > 0) {
			memcpy(names, w->names, w->n * sizeof(*names));
			memcpy(tables, w->db.tables.items, w->db.tables.n * sizeof(char *));
		}
		if (w->db.schemas.n > 0)
			memcpy(schemas, w->db.schemas.items, w->db.schemas.n * sizeof(char *));
		w->names = names;
		w->db.tables.items = tables;
		w->db.schemas.items = schemas;
		w->cap = cap;
	}
	w->names[w->n++] = *name;
	if (!has_text(&w->db.tables, name->name))
		w->db.tables.items[w->db.tables.n++] = name->name;
	if (name->schema != NULL && !has_text(&w->db.schemas, name->schema))
		w->db.schemas.items[w->db.schemas.n++] = name->schema;
}

static int read_catalog(struct siege *s, struct seen_source *of, const struct wanted *w,
			struct err *e)
{
	struct arena *a = s->challenge->arena;
	struct db *db;
	int rc;

	if (siege_acquire(s, of, &db, e) != 0)
		return -1;
	rc = db_catalog(db, a, &w->db, siege_deadline_ms(s), &of->catalog, e);
	siege_release(s, db);
	return rc;
}

/* How many columns of the table, in PostgreSQL, meet the condition; 0 also where it cannot be told.
 */
static int64_t count_columns(const struct siege *s, const struct seen_table *t,
			     const char *condition)
{
	struct arena *a = s->challenge->arena;
	int64_t n = 0;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* a name */
	if (dialect_literal(DB_POSTGRES, &b, t->quoted, NULL) != 0 ||
	    siege_count(s, t->of,
			arena_printf(a,
				     "SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid "
				     "= CAST(%s AS pg_catalog.regclass) AND attnum > 0 AND NOT "
				     "attisdropped AND %s",
				     b.data, condition),
			&n, NULL) != 0)
		n = 0;
	buf_release(&b);
	return n;
}

/*
 * A role may be let read some of the columns only, of which PostgreSQL's catalog says nothing:
 * those are all that the check can read, and all that a shadow may name.
 */
static void leave_hidden(const struct siege *s, struct seen_table *t)
{
	static const char may_read[] =
		"pg_catalog.has_column_privilege(attrelid, attnum, 'SELECT')";
	struct arena *a = s->challenge->arena;
	struct db_column *kept = arena_array(a, t->facts->n_columns, sizeof(*kept));
	struct db_table *facts = arena_alloc(a, sizeof(*facts));

	if (t->of->source.engine != DB_POSTGRES ||
	    count_columns(s, t, arena_printf(a, "NOT %s", may_read)) == 0)
		return;
	*facts = *t->facts;
	facts->columns = kept;
	facts->n_columns = 0;
	for (size_t i = 0; i < t->facts->n_columns; i++) {
		struct buf name;

		buf_init(&name, BUF_UNBOUNDED); /* a name */
		if (dialect_literal(DB_POSTGRES, &name, t->facts->columns[i].name, NULL) == 0 &&
		    count_columns(s, t,
				  arena_printf(a, "attname = %s AND %s", name.data, may_read)) > 0)
			kept[facts->n_columns++] = t->facts->columns[i];
		buf_release(&name);
	}
	t->facts = facts;
}

static int find_tables(struct siege *s, struct seen_source *of, struct err *e)
{
	struct wanted w = {.n = 0};
	enum db_engine engine = of->source.engine;

	w.db.facts =
		DB_FACTS_CONSTRAINTS | DB_FACTS_INDEXES | DB_FACTS_FOREIGN_KEYS | DB_FACTS_TYPES;
	for (size_t i = 0; i < s->heard.n; i++) {
		size_t n = 0;
		const struct table_name *names;

		if (s->heard.items[i].of != of)
			continue;
		names = siege_names(s->challenge->arena, engine, s->heard.items[i].sql, &n);
		for (size_t k = 0; k < n; k++)
			want(s, &w, &names[k]);
	}
	if (w.n == 0)
		return 0;
	if (read_catalog(s, of, &w, e) != 0)
		return -1;
	for (size_t i = 0; i < of->catalog.n_tables; i++)
		for (size_t k = 0; k < w.n; k++) {
			if (!is_named(of, &of->catalog.tables[i], &w.names[k]))
				continue;
			add_table(s, of, &of->catalog.tables[i]);
			leave_hidden(s, s->tables[s->n_tables - 1]);
			break;
		}
	return 0;
}

/* ---- columns ---- */

/* Is the statement accepted over the shadows? n_columns may be NULL. */
static int prepare(const struct siege *s, struct db *db, const struct heard *h,
		   const struct siege_shadows *shadows, size_t *n_columns)
{
	struct db_pool *pool = s->challenge->world->dbs;
	size_t ignored;
	int rc;

	db_pool_shadow(pool, h->of->source.name, shadows->items, shadows->n);
	rc = db_prepare(db, h->sql, n_columns != NULL ? n_columns : &ignored, NULL);
	db_pool_shadow(pool, h->of->source.name, NULL, 0);
	return rc;
}

bool siege_is_spared(const struct siege *s, const struct heard *h)
{
	for (size_t i = 0; i < s->heard.n; i++)
		if (s->heard.items[i].of == h->of && strcmp(s->heard.items[i].sql, h->sql) == 0)
			return !s->heard.items[i].is_usable;
	return false;
}

bool siege_is_accepted(const struct siege *s, const struct damage *d, double dose)
{
	struct siege_shadows shadows;
	bool is_accepted = true;
	struct db *db;

	if (siege_shadows(s, d->table->of, d, dose, &shadows, NULL) != 0 ||
	    siege_acquire(s, d->table->of, &db, NULL) != 0)
		return false;
	for (size_t i = 0; i < s->heard.n && is_accepted; i++)
		if (s->heard.items[i].is_usable && s->heard.items[i].of == d->table->of)
			is_accepted = prepare(s, db, &s->heard.items[i], &shadows, NULL) == 0;
	siege_release(s, db);
	return is_accepted;
}

/*
 * The statement with 1 = 1 where the filter stands, alone between a parenthesis or the beginning of
 * its line and its end; NULL = it is not in it.
 */
static const char *without_filter(const struct siege *s, const char *sql, const char *filter)
{
	size_t n = filter != NULL ? strlen(filter) : 0;
	const char *from = sql;
	bool is_any = false;
	struct buf b;

	if (n == 0)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED); /* shorter than the statement, or little longer */
	for (const char *at = strstr(sql, filter); at != NULL; at = strstr(at + 1, filter)) {
		if (at == sql || at < from || (at[-1] != '(' && at[-1] != '\n') || at[n] != '\n')
			continue;
		(void)buf_add(&b, from, (size_t)(at - from));
		(void)buf_puts(&b, "1 = 1");
		from = at + n;
		is_any = true;
	}
	(void)buf_puts(&b, from);
	if (is_any)
		return siege_keep(s, &b);
	buf_release(&b);
	return NULL;
}

static const char *unfiltered(const struct siege *s, const char *sql)
{
	static const struct {
		const char *group, *key;
	} filters[] = {
		{NULL, "where"}, {NULL, "baseline_where"}, {"left", "where"}, {"right", "where"}};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		const char *filter =
			siege_text(s->challenge->check, filters[i].group, filters[i].key);
		const char *shorter = without_filter(s, sql, filter);

		sql = shorter != NULL ? shorter : sql;
	}
	return sql;
}

/* What the statements without their filters are, side by side with s->heard. */
static struct heard *unfiltered_all(const struct siege *s)
{
	struct heard *out = arena_array(s->challenge->arena, s->heard.n, sizeof(*out));

	for (size_t i = 0; i < s->heard.n; i++) {
		out[i] = s->heard.items[i];
		out[i].sql = unfiltered(s, s->heard.items[i].sql);
	}
	return out;
}

static enum column_use use_of(struct siege *s, struct db *db, const struct heard *plain,
			      const struct damage *d)
{
	enum column_use use = COLUMN_UNREAD;
	struct siege_shadows shadows;
	bool is_given = false;

	if (siege_shadows(s, d->table->of, d, 0, &shadows, NULL) != 0)
		return COLUMN_UNREAD;
	for (size_t i = 0; i < s->heard.n && use < COLUMN_SUBJECT; i++) {
		const struct heard *h = &s->heard.items[i];
		size_t n_columns = h->n_columns;

		if (!h->is_usable || h->of != d->table->of)
			continue;
		if (prepare(s, db, h, &shadows, &n_columns) == 0)
			is_given = is_given || n_columns != h->n_columns;
		else if (plain[i].sql != h->sql && prepare(s, db, &plain[i], &shadows, NULL) == 0)
			use = COLUMN_FILTER;
		else
			use = COLUMN_SUBJECT;
	}
	return use == COLUMN_UNREAD && is_given ? COLUMN_GIVEN : use;
}

static void refine_use(struct siege *s, struct seen_table *t, size_t column)
{
	const struct texts *by = siege_texts(s->challenge->check, NULL, "by");
	struct damage d = {DAMAGE_DROPPED, t, column, NULL, NULL};
	enum column_use *use = &t->columns[column].use;

	/* The ends of a key are asked for the division of labour, and can be done without. */
	if (*use == COLUMN_GIVEN || (*use == COLUMN_SUBJECT && t->facts->columns[column].key > 0))
		*use = siege_moves(s, &d, 0) ? COLUMN_SUBJECT : COLUMN_UNREAD;
	for (size_t i = 0; *use == COLUMN_SUBJECT && i < by->n; i++)
		if (siege_find_column(t, by->items[i]) == column)
			*use = COLUMN_SEGMENT;
}

static int find_uses(struct siege *s, const struct seen_source *of, const struct heard *plain,
		     struct err *e)
{
	struct db *db;

	if (siege_acquire(s, of, &db, e) != 0)
		return -1;
	for (size_t i = 0; i < s->n_tables; i++)
		for (size_t k = 0; s->tables[i]->of == of && k < s->tables[i]->facts->n_columns;
		     k++) {
			struct damage d = {DAMAGE_DROPPED, s->tables[i], k, NULL, NULL};

			if (!siege_is_interrupted(s))
				s->tables[i]->columns[k].use = use_of(s, db, plain, &d);
		}
	siege_release(s, db); /* the check needs it: there is no other one, see db_pool_hold() */
	for (size_t i = 0; i < s->n_tables; i++)
		for (size_t k = 0; s->tables[i]->of == of && k < s->tables[i]->facts->n_columns;
		     k++)
			refine_use(s, s->tables[i], k);
	return 0;
}

static int find_usable(struct siege *s, const struct seen_source *of, struct err *e)
{
	const struct damage same = {DAMAGE_NONE, NULL, NO_COLUMN, NULL, NULL};
	struct siege_shadows shadows;
	struct db *db;

	if (siege_shadows(s, of, &same, 0, &shadows, e) != 0 || siege_acquire(s, of, &db, e) != 0)
		return -1;
	for (size_t i = 0; i < s->heard.n; i++)
		if (s->heard.items[i].of == of)
			s->heard.items[i].is_usable = prepare(s, db, &s->heard.items[i], &shadows,
							      &s->heard.items[i].n_columns) == 0;
	siege_release(s, db);
	return 0;
}

static int look_at(struct siege *s, struct seen_table *t, struct err *e)
{
	const char *sql = arena_printf(s->challenge->arena, "SELECT count(*) FROM %s", t->quoted);

	if (siege_count(s, t->of, sql, &t->n_rows, e) != 0)
		return -1;
	for (size_t i = 0; i < t->facts->n_columns; i++)
		if (t->columns[i].use >= COLUMN_SEGMENT)
			t->columns[i].class = siege_class(s, t, i);
	return 0;
}

int siege_look(struct siege *s, struct err *e)
{
	const struct heard *plain = unfiltered_all(s);

	for (size_t i = 0; i < s->n_sources; i++) {
		struct seen_source *of = &s->sources[i];

		if (find_tables(s, of, e) != 0)
			return -1;
	}
	if (s->n_tables == 0)
		return err_set(e, ERR_MEASURE, "no table is found in what it asks");
	for (size_t i = 0; i < s->n_tables; i++)
		siege_rank(s, s->tables[i]);
	for (size_t i = 0; i < s->n_sources; i++)
		if (find_usable(s, &s->sources[i], e) != 0 ||
		    find_uses(s, &s->sources[i], plain, e) != 0)
			return -1;
	for (size_t i = 0; i < s->n_tables; i++)
		if (look_at(s, s->tables[i], e) != 0)
			return -1;
	return 0;
}
