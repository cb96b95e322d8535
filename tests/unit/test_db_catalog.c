/* db_sqlite_catalog: what the engine enforces, and tables that cannot be read. */
#include "tests/unit/database_world.h"

static const char shop_sql[] =
	"CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT NOT NULL, total REAL DEFAULT 0,"
	" state VARCHAR(10) DEFAULT 'new', UNIQUE (email, state));"
	"CREATE TABLE lines (order_id INT REFERENCES orders (id) ON DELETE CASCADE, n INT,"
	" twice INT AS (n * 2), PRIMARY KEY (order_id, n)) WITHOUT ROWID;"
	"CREATE INDEX orders_total ON orders (total, lower(email)) WHERE total > 0;"
	"CREATE VIEW big AS SELECT id FROM orders WHERE total > 100;"
	"INSERT INTO orders VALUES (1, 'a@x', 10.5, 'paid'), (2, 'b@x', 200, 'new');"
	"INSERT INTO lines (order_id, n) VALUES (1, 1), (1, 2), (2, 1);";

static struct world *shop(void **state)
{
	struct world *w = *state;

	execute(w, shop_sql);
	return w;
}

static int64_t soon(const struct world *w)
{
	return clock_monotonic_ms(&w->clock) + 10000;
}

static struct db *acquire(struct world *w)
{
	struct err e = {0};
	struct db *db = NULL;

	if (db_acquire(
		    w->probe_world.dbs,
		    &(struct db_source){.name = "shop", .location = w->path, .max_connections = 2},
		    soon(w), &db, &e) != 0)
		fail_msg("%s", e.message);
	return db;
}

static int keep_first(void *ctx, const struct db_row *row, struct err *e)
{
	char *out = ctx;

	(void)e;
	if (row->values[0].type == DB_INT)
		snprintf(out, 64, "%lld", (long long)row->values[0].integer);
	else
		snprintf(out, 64, "%s", row->values[0].text);
	return 1;
}

static const char *ask(struct world *w, struct db *db, const char *sql)
{
	char *out = arena_alloc(w->arena, 64);
	struct err e = {0};

	if (db_query(db, sql, NULL, 0, soon(w), keep_first, out, &e) != 0)
		fail_msg("%s: %s", sql, e.message);
	return out;
}

static void test_db_catalog_says_what_is_enforced(void **state)
{
	struct world *w = shop(state);
	struct db *db = acquire(w);
	struct db_object *objects;
	struct db_table t;
	struct err e = {0};
	size_t n;

	assert_int_equal(db_objects(db, w->arena, soon(w), &objects, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(objects[0].name, "big");
	assert_true(objects[0].is_view);
	assert_int_equal(db_describe(db, w->arena, "ORDERS", soon(w), &t, &e), 0);
	assert_string_equal(t.name, "orders");
	assert_int_equal(t.n_columns, 4);
	assert_false(t.columns[0].is_nullable); /* the rowid, though nothing says NOT NULL */
	assert_false(t.columns[1].is_nullable);
	assert_true(t.columns[2].is_nullable);
	assert_string_equal(t.columns[3].type, "VARCHAR(10)");
	assert_string_equal(t.columns[3].def, "'new'");
	assert_null(t.columns[1].def);
	assert_int_equal(t.n_indexes, 2);
	assert_string_equal(t.indexes[0].name, "orders_total");
	assert_string_equal(t.indexes[0].where, "total > 0");
	assert_string_equal(t.indexes[0].columns[1], "(lower(email))");
	assert_true(t.indexes[1].is_unique && t.indexes[1].is_automatic);

	assert_int_equal(db_describe(db, w->arena, "main.lines", soon(w), &t, &e), 0);
	assert_int_equal(t.columns[1].key, 2);
	assert_false(t.columns[0].is_nullable);
	assert_int_equal(t.columns[2].generation, DB_VIRTUAL);
	assert_string_equal(t.columns[2].expression, "n * 2");
	assert_int_equal(t.n_foreign_keys, 1);
	assert_string_equal(t.foreign_keys[0].table, "orders");
	assert_string_equal(t.foreign_keys[0].targets[0], "id");
	assert_string_equal(t.foreign_keys[0].on_delete, "CASCADE");

	assert_int_equal(db_describe(db, w->arena, "order", soon(w), &t, &e), -1);
	assert_int_equal(db_missing(db, NULL), DB_ABSENT_TABLE);
	assert_string_equal(e.message, "no such table: order");
	db_release(w->probe_world.dbs, db);
}

static void test_db_catalog_survives_what_cannot_be_read(void **state)
{
	struct world *w = shop(state);
	struct db_object *objects;
	struct db_table t;
	struct err e = {0};
	size_t n;

	execute(w, "CREATE VIEW broken AS SELECT nosuch FROM orders;"
		   "CREATE VIRTUAL TABLE places USING rtree (id, x0, x1);"
		   "CREATE VIRTUAL TABLE notes USING fts5 (body);"
		   "CREATE VIRTUAL TABLE old_notes USING fts4 (body);"
		   "INSERT INTO notes VALUES ('hello world');"
		   "INSERT INTO old_notes VALUES ('hello world')");
	struct db *db = acquire(w);

	assert_int_equal(db_objects(db, w->arena, soon(w), &objects, &n, &e), 0);
	assert_int_equal(db_describe(db, w->arena, "places", soon(w), &t, &e), 0);
	assert_int_equal(t.n_columns, 3);
	assert_int_equal(db_describe(db, w->arena, "orders", soon(w), &t, &e), 0);
	assert_int_equal(db_describe(db, w->arena, "broken", soon(w), &t, &e), -1);
	assert_non_null(strstr(e.message, "nosuch"));
	assert_string_equal(ask(w, db, "SELECT count(*) FROM notes WHERE notes MATCH 'hello'"),
			    "1");
	assert_string_equal(ask(w, db, "SELECT count(*) FROM old_notes WHERE body MATCH 'world'"),
			    "1");
	db_release(w->probe_world.dbs, db);
}

static void test_db_catalog_quotes_names(void **state)
{
	struct world *w = shop(state);
	struct db *db = acquire(w);
	struct buf b;

	buf_init(&b, 256);
	db_quote(DB_SQLITE, &b, "a\"b.c");
	buf_putc(&b, ' ');
	db_quote_table(DB_SQLITE, &b, "main.orders");
	buf_putc(&b, ' ');
	db_quote_table(DB_SQLITE, &b, "odd.name");
	assert_string_equal(b.data, "\"a\"\"b.c\" \"main\".\"orders\" \"odd.name\"");
	buf_release(&b);
	assert_true(db_same_name(DB_SQLITE, "Orders", "oRDERS"));
	assert_false(db_same_name(DB_SQLITE, "orders", "order"));
	db_release(w->probe_world.dbs, db);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_db_catalog_says_what_is_enforced),
		WORLD_TEST(test_db_catalog_survives_what_cannot_be_read),
		WORLD_TEST(test_db_catalog_quotes_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
