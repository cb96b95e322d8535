/*
 * migrations_table: which table is the bookkeeping, whose is it, and what are its rows?
 *
 * A name proves nothing (four frameworks call theirs schema_migrations), so a table counts only
 * when its columns and their types are the framework's. What is still ambiguous then, Rails and
 * dbmate for one, is decided by the files: a framework that finds none of its own is out. Two that
 * both find some are not guessed between.
 */
#include "audits/migrations.h"

#include <string.h>
#include <strings.h>

#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/model/kind.h"

#define MAX_COLUMNS 16

/* ---- recognising ---- */

static bool has_word(const char *type, const char *word)
{
	size_t n = strlen(word);

	for (; *type; type++)
		if (strncasecmp(type, word, n) == 0)
			return true;
	return false;
}

static bool is_of_class(const char *type, enum column_class class)
{
	switch (class) {
	case COLUMN_ANY:
		break;
	case COLUMN_TEXT:
		return has_word(type, "char") || has_word(type, "text") || has_word(type, "string");
	case COLUMN_INTEGER:
		return has_word(type, "int") || has_word(type, "serial") ||
		       has_word(type, "numeric") || has_word(type, "number");
	}
	return true;
}

const struct db_column *migrations_column(const struct db_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (strcasecmp(t->columns[i].name, name) == 0)
			return &t->columns[i];
	return NULL;
}

/* Why the table is not the framework's; NULL = it is. */
static const char *mismatch(const struct world *w, const struct framework *f,
			    const struct db_table *t)
{
	size_t n_found = 0;

	for (const struct column_shape *s = f->columns; s->name; s++) {
		const struct db_column *c = migrations_column(t, s->name);

		n_found += c != NULL;
		if (!c && !s->is_optional)
			return arena_printf(w->arena, "it has no column %s", s->name);
		if (c && !is_of_class(c->type, s->class))
			return arena_printf(w->arena, "its column %s is of type %s", s->name,
					    c->type);
	}
	if (f->is_exact && n_found < t->n_columns)
		return arena_printf(w->arena, "it has %zu columns more than %s gives it",
				    t->n_columns - n_found, f->title);
	return NULL;
}

/* ---- finding ---- */

struct candidate {
	const struct framework *framework;
	const char *table;
	size_t n_migrations;
};

struct search {
	struct world *world;
	struct db_object *objects;
	size_t n_objects;
	struct candidate found[64];
	size_t n;
	const char *near_miss; /* a table of the right name and the wrong shape */
};

/* Two of a framework's names may be one table where case does not count. */
static bool is_found(const struct search *s, const struct framework *f, const char *table)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->found[i].framework == f &&
		    db_same_name(db_engine(s->world->db), s->found[i].table, table))
			return true;
	return false;
}

/* Is there such a table? A name with a schema is asked for by itself. */
static bool exists(const struct search *s, const char *name)
{
	for (size_t i = 0; i < s->n_objects; i++)
		if (db_same_name(db_engine(s->world->db), s->objects[i].name, name))
			return true;
	return strchr(name, '.') && db_engine(s->world->db) != DB_SQLITE;
}

static int try_table(struct search *s, const struct framework *f, const char *name, struct err *e)
{
	struct world *w = s->world;
	struct err failure = {0};
	struct db_table t;
	const char *why, *unused;

	if (!exists(s, name) || is_found(s, f, name))
		return 0;
	if (db_describe(w->db, w->arena, name, w->probe->deadline_ms, &t, &failure) != 0) {
		if (db_missing(w->db, &unused) == DB_ABSENT_TABLE)
			return 0;
		*e = failure;
		return -1;
	}
	why = mismatch(w, f, &t);
	if (why)
		s->near_miss =
			arena_printf(w->arena, "table %s is not %s's: %s", name, f->title, why);
	else if (s->n < sizeof(s->found) / sizeof(s->found[0]))
		s->found[s->n++] = (struct candidate){.framework = f, .table = t.name};
	/* The name asked for keeps its schema, which the engine's own may lack. */
	if (!why && s->n > 0 && strchr(name, '.'))
		s->found[s->n - 1].table = name;
	return 0;
}

static int try_framework(struct search *s, const struct framework *f, struct err *e)
{
	char *rest = arena_strdup(s->world->arena, f->tables);

	if (s->world->spec->table)
		return try_table(s, f, s->world->spec->table, e);
	for (char *name = strtok_r(rest, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		if (try_table(s, f, name, e) != 0)
			return -1;
	return 0;
}

/* Which of the candidates have files of their own? The others go. */
static int look_at_files(struct search *s, struct err *e)
{
	struct world *w = s->world;
	struct migration *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct candidate *c = &s->found[i];

		w->framework = c->framework;
		w->table = c->table;
		if (migrations_of_files(w, e) != 0)
			return -1;
		c->n_migrations = w->n_migrations;
		if (c->n_migrations == 0)
			continue;
		if (n == 0) {
			first = w->migrations;
			w->migrations = NULL;
		}
		s->found[n++] = *c;
	}
	if (n > 0)
		s->n = n;
	w->migrations = first;
	w->n_migrations = s->found[0].n_migrations;
	return 0;
}

static int no_table(const struct search *s, const struct framework *one, struct err *e)
{
	const struct world *w = s->world;

	if (s->near_miss)
		err_set(e, ERR_MEASURE, "%s", s->near_miss);
	else if (w->spec->table)
		err_set(e, ERR_MEASURE, "there is no table \"%s\"", w->spec->table);
	else if (one)
		err_set(e, ERR_MEASURE, "there is no table %s: %s was never run on this database",
			one->tables, one->title);
	else
		err_set(e, ERR_MEASURE,
			"no table of this database is the bookkeeping of a "
			"migration framework");
	return err_help(e, "name the one there is with `table:`, or apply the migrations once; "
			   "`assize kinds migrations` lists what is looked for");
}

static int ambiguous(const struct search *s, struct err *e)
{
	struct buf b;

	buf_init(&b, 512);
	for (size_t i = 0; i < s->n; i++)
		buf_printf(&b, "%s%s (table %s, %zu files)", i > 0 ? ", " : "",
			   s->found[i].framework->name, s->found[i].table,
			   s->found[i].n_migrations);
	err_set(e, ERR_MEASURE, "tables and files fit several frameworks: %s", b.data);
	buf_release(&b);
	return err_help(e, "name it: `framework: %s`", s->found[0].framework->name);
}

static int no_files(const struct search *s, struct err *e)
{
	const struct world *w = s->world;
	struct buf paths, titles;

	buf_init(&paths, 512); /* longer than that is cut, as the message would be */
	buf_init(&titles, 512);
	for (size_t i = 0; i < w->spec->paths.n; i++)
		buf_printf(&paths, "%s\"%s\"", i > 0 ? ", " : "", w->spec->paths.items[i]);
	for (size_t i = 0; i < s->n; i++)
		buf_printf(&titles, "%s%s", i > 0 ? " or " : "", s->found[i].framework->title);
	err_set(e, ERR_MEASURE, "no file in %s looks like a migration of %s%s%s", paths.data,
		titles.data, w->spec->ref ? " at " : "", w->spec->ref ? w->spec->ref : "");
	buf_release(&paths);
	buf_release(&titles);
	return err_help(e, "%s: %s", s->found[0].framework->name, s->found[0].framework->compares);
}

int migrations_detect(struct world *w, struct err *e)
{
	const struct framework *one =
		w->spec->framework > 0 ? migrations_frameworks[w->spec->framework - 1] : NULL;
	struct search s = {.world = w};

	if (db_objects(w->db, w->arena, w->probe->deadline_ms, &s.objects, &s.n_objects, e) != 0)
		return -1;
	for (size_t i = 0; i < migrations_n_frameworks; i++)
		if ((!one || one == migrations_frameworks[i]) &&
		    try_framework(&s, migrations_frameworks[i], e) != 0)
			return -1;
	if (s.n == 0)
		return no_table(&s, one, e);
	if (look_at_files(&s, e) != 0)
		return -1;
	if (s.found[0].n_migrations == 0)
		return no_files(&s, e);
	if (s.n > 1)
		return ambiguous(&s, e);
	w->framework = s.found[0].framework;
	w->table = s.found[0].table;
	return 0;
}

/* ---- reading ---- */

struct reading {
	struct world *world;
	const char *names[MAX_COLUMNS]; /* the table's own; NULL = it has no such column */
	size_t n;
};

const char *migrations_cell(struct arena *a, const struct db_value *v)
{
	char *hex;

	switch (v->type) {
	case DB_NULL:
		break;
	case DB_INT:
		return arena_printf(a, "%lld", (long long)v->integer);
	case DB_REAL:
		return arena_printf(a, "%.17g", v->real);
	case DB_TEXT:
		return arena_strndup(a, v->text + (str_starts(v->text, "\\x") ? 2 : 0),
				     v->len - (str_starts(v->text, "\\x") ? 2 : 0));
	case DB_BLOB:
		hex = arena_alloc(a, 2 * v->len + 1);
		migrations_hex((const unsigned char *)v->text, v->len, hex);
		return hex;
	}
	return NULL;
}

/* Most texts of a row are those of its migration, or of one another: such a text is kept once. */
static const char *keep(struct world *w, const char *text, const char *const *known, size_t n)
{
	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (known[i] && strcmp(known[i], text) == 0)
			return known[i];
	return arena_strdup(w->arena, text);
}

static void keep_row(struct world *w, struct applied *row)
{
	const struct migration *m = map_get(&w->by_key, row->key);
	const char *known[] = {m ? m->key : NULL, m ? m->name : NULL, NULL, NULL};

	row->key = known[2] = keep(w, row->key, known, 2);
	row->version = row->version ? keep(w, row->version, known, 3) : row->key;
	known[3] = row->version;
	row->name = row->name ? keep(w, row->name, known, 4) : row->key;
	row->checksum = keep(w, row->checksum, NULL, 0);
	row->remark = keep(w, row->remark, NULL, 0);
}

static int take_row(void *ctx, const struct db_row *row, struct err *e)
{
	struct reading *r = ctx;
	struct world *w = r->world;
	const char *values[MAX_COLUMNS] = {NULL};
	struct applied applied = {0};
	size_t at = 0;

	if (w->n_rows == MIGRATIONS_MAX)
		return err_set(e, ERR_MEASURE, "table %s has more than %d rows", w->table,
			       MIGRATIONS_MAX);
	for (size_t i = 0; i < r->n; i++)
		if (r->names[i])
			values[i] = migrations_cell(w->scratch, &row->values[at++]);
	if (w->framework->take(w, values, &applied)) {
		keep_row(w, &applied);
		w->rows = migrations_grow(w, w->rows, w->n_rows, sizeof(applied));
		w->rows[w->n_rows++] = applied;
	}
	migrations_end_scratch(w);
	return migrations_check_size(w, e);
}

/* The statement, in the table's own spelling of the columns. */
static const char *statement(struct reading *r, const struct db_table *t)
{
	struct world *w = r->world;
	enum db_engine engine = db_engine(w->db);
	const struct db_column *order = migrations_column(t, w->framework->order_by);
	struct buf sql;
	const char *text, *comma = "";

	buf_init(&sql, BUF_UNBOUNDED); /* names of the catalog */
	buf_puts(&sql, "SELECT ");
	for (const struct column_shape *s = w->framework->columns; s->name; s++) {
		const struct db_column *c = migrations_column(t, s->name);

		r->names[r->n++] = c ? c->name : NULL;
		if (!c)
			continue;
		buf_puts(&sql, comma);
		db_quote(engine, &sql, c->name);
		comma = ", ";
	}
	buf_puts(&sql, " FROM ");
	db_quote_table(engine, &sql, w->table);
	if (order) {
		buf_puts(&sql, " ORDER BY ");
		db_quote(engine, &sql, order->name);
	}
	text = arena_strndup(w->arena, sql.data, sql.len);
	buf_release(&sql);
	return text;
}

int migrations_read_rows(struct world *w, struct err *e)
{
	struct reading r = {.world = w};
	struct db_table t;

	if (db_describe(w->db, w->arena, w->table, w->probe->deadline_ms, &t, e) != 0)
		return -1;
	w->query = statement(&r, &t);
	if (db_query(w->db, w->query, NULL, 0, w->probe->deadline_ms, take_row, &r, e) != 0)
		return database_explain(w->probe, w->db, w->table, e);
	return 0;
}

/* ---- the lock ---- */

static int take_lock(void *ctx, const struct db_row *row, struct err *e)
{
	bool *is_held = ctx;
	const struct db_value *v = &row->values[0];

	(void)e;
	/* A bit of MySQL comes as a byte, a boolean of PostgreSQL as a letter. */
	*is_held = *is_held || (v->type == DB_INT && v->integer != 0) ||
		   (v->type == DB_BLOB && v->len > 0 && v->text[v->len - 1] != 0) ||
		   (v->type == DB_TEXT && migrations_is_true(v->text));
	return 0;
}

/* The lock's table as the engine spells it; NULL = there is none. */
static const char *find_lock(struct world *w, struct err *e)
{
	const char *name = arena_printf(w->arena, "%s%s", w->table, w->framework->lock_suffix);
	struct db_object *objects;
	size_t n;

	if (db_objects(w->db, w->arena, w->probe->deadline_ms, &objects, &n, e) != 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(objects[i].name, name) == 0)
			return objects[i].name;
	return NULL;
}

static int read_lock(struct world *w, const char *table, bool *is_held, struct err *e)
{
	enum db_engine engine = db_engine(w->db);
	const struct db_column *c;
	struct db_table t;
	struct buf sql;
	int rc;

	if (db_describe(w->db, w->arena, table, w->probe->deadline_ms, &t, e) != 0)
		return -1;
	c = migrations_column(&t, w->framework->lock_column);
	if (!c)
		return err_set(e, ERR_MEASURE, "it has no column %s", w->framework->lock_column);
	buf_init(&sql, BUF_UNBOUNDED); /* names of the catalog */
	buf_puts(&sql, "SELECT ");
	db_quote(engine, &sql, c->name);
	buf_puts(&sql, " FROM ");
	db_quote_table(engine, &sql, table);
	rc = db_query(w->db, sql.data, NULL, 0, w->probe->deadline_ms, take_lock, is_held, e);
	buf_release(&sql);
	return rc;
}

void migrations_read_lock(struct world *w)
{
	struct err e = {0};
	bool is_held = false;

	if (!w->framework->lock_suffix)
		return;
	const char *table = find_lock(w, &e);

	if (e.class != ERR_NONE || (table && read_lock(w, table, &is_held, &e) != 0))
		w->untold[FOUND_FAILED] =
			arena_printf(w->arena, "the lock could not be read: %s", e.message);
	if (is_held)
		migrations_found(w, FOUND_FAILED, table,
				 "the lock is held: a migration is running, or one was killed; %s",
				 w->framework->repair);
}
