/*
 * schema_snapshot: write, read. Reading trusts nothing: a fact that is absent or of another type is
 * an error with its place in the file, because a snapshot with a hole would compare less than it
 * says.
 */
#include "audits/schema_snapshot.h"

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/db.h"
#include "runner/io/file.h"
#include "runner/io/json.h"

int schema_capture(struct db *db, struct arena *a, int64_t deadline_ms, struct db_table **out,
		   size_t *n, struct err *e)
{
	struct db_object *objects;
	size_t n_objects;

	if (db_objects(db, a, deadline_ms, &objects, &n_objects, e) != 0)
		return -1;
	struct db_table *tables = arena_array(a, n_objects, sizeof(*tables));

	for (size_t i = 0; i < n_objects; i++)
		if (db_describe(db, a, objects[i].name, deadline_ms, &tables[i], e) != 0)
			return -1;
	*out = tables;
	*n = n_objects;
	return 0;
}

/* ---- writing ---- */

static void write_texts(struct json_writer *w, const char *key, const char *const *items, size_t n)
{
	json_open(w, key, '[');
	for (size_t i = 0; i < n; i++)
		json_put_text(w, NULL, items[i]); /* NULL: the other table's primary key */
	json_close(w, ']');
}

static void write_columns(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "columns", '[');
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];

		json_open(w, NULL, '{');
		json_put_text(w, "name", c->name);
		json_put_text(w, "type", c->type);
		json_put_bool(w, "nullable", c->is_nullable);
		json_put_bool(w, "generated", c->generation != DB_PLAIN);
		json_put_text(w, "default", c->def);
		json_put_int(w, "key", c->key);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_indexes(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "indexes", '[');
	for (size_t i = 0; i < t->n_indexes; i++) {
		const struct db_index *x = &t->indexes[i];

		json_open(w, NULL, '{');
		json_put_text(w, "name", x->name);
		json_put_bool(w, "unique", x->is_unique);
		json_put_bool(w, "partial", x->where != NULL);
		json_put_bool(w, "automatic", x->is_automatic);
		write_texts(w, "columns", x->columns, x->n_columns);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void write_foreign_keys(struct json_writer *w, const struct db_table *t)
{
	json_open(w, "foreign_keys", '[');
	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		const struct db_foreign_key *k = &t->foreign_keys[i];

		json_open(w, NULL, '{');
		write_texts(w, "columns", k->columns, k->n_columns);
		json_put_text(w, "table", k->table);
		write_texts(w, "targets", k->targets, k->n_columns);
		json_put_text(w, "on_update", k->on_update);
		json_put_text(w, "on_delete", k->on_delete);
		json_close(w, '}');
	}
	json_close(w, ']');
}

void schema_snapshot_write(struct buf *out, const struct db_table *tables, size_t n)
{
	struct json_writer w;

	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_int(&w, "assize_schema", 1);
	json_put_text(&w, "engine", "sqlite");
	json_open(&w, "tables", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&w, NULL, '{');
		json_put_text(&w, "name", tables[i].name);
		json_put_bool(&w, "view", tables[i].is_view);
		write_columns(&w, &tables[i]);
		write_indexes(&w, &tables[i]);
		write_foreign_keys(&w, &tables[i]);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	buf_putc(out, '\n');
}

/* ---- reading ---- */

struct reader {
	struct arena *arena;
	const char *path;
	const struct json_doc *doc;
	struct err *e;
	bool has_failed; /* e is set; everything read since is worthless */
};

static void fail(struct reader *r, const char *pointer, const char *what)
{
	if (!r->has_failed)
		err_set(r->e, ERR_MEASURE, "cannot use snapshot \"%s\": %s is not %s", r->path,
			pointer, what);
	r->has_failed = true;
}

static struct json_value get(struct reader *r, const char *at, const char *key)
{
	const char *pointer = arena_printf(r->arena, "%s/%s", at, key);
	struct json_value v = {.type = JSON_ABSENT};

	if (!r->has_failed && json_pointer(r->doc, pointer, &v, r->e) != 0)
		r->has_failed = true;
	return v;
}

static const char *get_text(struct reader *r, const char *at, const char *key, bool may_be_null)
{
	struct json_value v = get(r, at, key);

	if (may_be_null && v.type == JSON_IS_NULL)
		return NULL;
	if (v.type == JSON_IS_TEXT)
		return arena_strdup(r->arena, v.text);
	fail(r, arena_printf(r->arena, "%s/%s", at, key), "a text");
	return "";
}

static bool get_bool(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type != JSON_IS_BOOL)
		fail(r, arena_printf(r->arena, "%s/%s", at, key), "true or false");
	return v.boolean;
}

static int64_t get_int(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type != JSON_IS_INT)
		fail(r, arena_printf(r->arena, "%s/%s", at, key), "a whole number");
	return v.integer;
}

static size_t get_length(struct reader *r, const char *at, const char *key)
{
	struct json_value v = get(r, at, key);

	if (v.type == JSON_IS_ARRAY)
		return v.n;
	fail(r, arena_printf(r->arena, "%s/%s", at, key), "a list");
	return 0;
}

static const char *item(struct reader *r, const char *at, const char *key, size_t i)
{
	return arena_printf(r->arena, "%s/%s/%zu", at, key, i);
}

static const char **get_texts(struct reader *r, const char *at, const char *key, bool may_be_null,
			      size_t *n)
{
	*n = get_length(r, at, key);
	const char **items = arena_array(r->arena, *n, sizeof(*items));
	const char *list = arena_printf(r->arena, "%s/%s", at, key);

	for (size_t i = 0; i < *n; i++)
		items[i] = get_text(r, list, arena_printf(r->arena, "%zu", i), may_be_null);
	return items;
}

static void read_columns(struct reader *r, const char *at, struct db_table *t)
{
	t->n_columns = get_length(r, at, "columns");
	t->columns = arena_array(r->arena, t->n_columns, sizeof(*t->columns));
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *c = item(r, at, "columns", i);

		t->columns[i] = (struct db_column){
			.name = get_text(r, c, "name", false),
			.type = get_text(r, c, "type", false),
			.is_nullable = get_bool(r, c, "nullable"),
			.generation = get_bool(r, c, "generated") ? DB_VIRTUAL : DB_PLAIN,
			.def = get_text(r, c, "default", true),
			.key = get_int(r, c, "key"),
		};
	}
}

static void read_indexes(struct reader *r, const char *at, struct db_table *t)
{
	t->n_indexes = get_length(r, at, "indexes");
	t->indexes = arena_array(r->arena, t->n_indexes, sizeof(*t->indexes));
	for (size_t i = 0; i < t->n_indexes; i++) {
		const char *x = item(r, at, "indexes", i);
		struct db_index *index = &t->indexes[i];

		*index = (struct db_index){
			.name = get_text(r, x, "name", false),
			.is_unique = get_bool(r, x, "unique"),
			.where = get_bool(r, x, "partial") ? "" : NULL,
			.is_automatic = get_bool(r, x, "automatic"),
		};
		index->columns = get_texts(r, x, "columns", false, &index->n_columns);
	}
}

static void read_foreign_keys(struct reader *r, const char *at, struct db_table *t)
{
	t->n_foreign_keys = get_length(r, at, "foreign_keys");
	t->foreign_keys = arena_array(r->arena, t->n_foreign_keys, sizeof(*t->foreign_keys));
	for (size_t i = 0; i < t->n_foreign_keys; i++) {
		const char *k = item(r, at, "foreign_keys", i);
		struct db_foreign_key *key = &t->foreign_keys[i];
		size_t n_targets;

		*key = (struct db_foreign_key){
			.table = get_text(r, k, "table", false),
			.on_update = get_text(r, k, "on_update", false),
			.on_delete = get_text(r, k, "on_delete", false),
		};
		key->columns = get_texts(r, k, "columns", false, &key->n_columns);
		key->targets = get_texts(r, k, "targets", true, &n_targets);
		if (n_targets != key->n_columns)
			fail(r, arena_printf(r->arena, "%s/targets", k), "as long as columns");
	}
}

static int read_tables(struct reader *r, struct db_table **out, size_t *n)
{
	if (get_int(r, "", "assize_schema") != 1)
		fail(r, "/assize_schema", "1, the only form there is");
	size_t n_tables = get_length(r, "", "tables");
	struct db_table *tables = arena_array(r->arena, n_tables, sizeof(*tables));

	for (size_t i = 0; i < n_tables && !r->has_failed; i++) {
		const char *t = item(r, "", "tables", i);

		tables[i].name = get_text(r, t, "name", false);
		tables[i].is_view = get_bool(r, t, "view");
		read_columns(r, t, &tables[i]);
		read_indexes(r, t, &tables[i]);
		read_foreign_keys(r, t, &tables[i]);
	}
	if (r->has_failed)
		return -1;
	*out = tables;
	*n = n_tables;
	return 0;
}

int schema_snapshot_read(struct arena *a, const char *path, struct db_table **out, size_t *n,
			 struct err *e)
{
	struct reader r = {.arena = a, .path = path, .e = e};
	struct json_doc *doc = NULL;
	struct buf text;
	int rc = -1;

	buf_init(&text, SCHEMA_SNAPSHOT_MAX_BYTES);
	if (file_read(path, &text, e) != 0) {
		err_context(e, "snapshot");
	} else if (json_parse(text.data, text.len, &doc, e) != 0) {
		err_context(e, "snapshot \"%s\"", path);
	} else {
		r.doc = doc;
		rc = read_tables(&r, out, n);
		json_free(doc);
	}
	buf_release(&text);
	return rc;
}
