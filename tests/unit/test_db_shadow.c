/* db_shadow on SQLite: what statements see of a shadowed table, and what is never answered. */
#include "tests/unit/database_world.h"

#include "runner/io/db_shadow.h"

/* Five orders and three customers; the shadow has two of the orders. */
#define SCHEMA                                                                                     \
	"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT, total REAL, state TEXT);"      \
	"INSERT INTO orders VALUES (1, 1, 10, 'new'), (2, 1, 20, 'paid'), (3, 2, 30, 'paid'),"     \
	" (4, 2, 40, 'sent'), (5, 3, 50, 'sent');"                                                 \
	"CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);"                              \
	"INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c');"                               \
	"CREATE INDEX by_total ON orders (total); CREATE VIEW sent AS SELECT * FROM orders;"       \
	"CREATE TABLE strange (rowid TEXT, x INT); INSERT INTO strange VALUES ('r', 1);"

static const struct db_shadow few = {"main", "orders",
				     "SELECT * FROM main.orders WHERE id <= 2 -- two"};

static struct db_source source_of(const struct world *w, int64_t max)
{
	return (struct db_source){.name = "shop", .location = w->path, .max_connections = max};
}

static int64_t soon(struct world *w)
{
	return clock_monotonic_ms(&w->clock) + 10000;
}

static struct db *acquire(struct world *w, int64_t max)
{
	struct db_source source = source_of(w, max);
	struct db *db = NULL;

	if (db_acquire(w->probe_world.dbs, &source, soon(w), &db, &w->err) != 0)
		fail_msg("%s", w->err.message);
	return db;
}

static int take(void *ctx, const struct db_row *row, struct err *e)
{
	int64_t *out = ctx;

	(void)e;
	*out = row->values[0].integer;
	return 0;
}

static void gives(struct world *w, struct db *db, const char *sql, int64_t wanted)
{
	int64_t got = -1;

	if (db_query(db, sql, NULL, 0, soon(w), take, &got, &w->err) != 0)
		fail_msg("%s: %s", sql, w->err.message);
	if (got != wanted)
		fail_msg("%s: %lld, not %lld", sql, (long long)got, (long long)wanted);
}

static void fails(struct world *w, struct db *db, const char *sql, const char *reason,
		  bool is_unshadowed)
{
	struct err e = {0};

	if (db_query(db, sql, NULL, 0, soon(w), NULL, NULL, &e) == 0)
		fail_msg("%s: answered", sql);
	if (!strstr(e.message, reason))
		fail_msg("%s\nexpected: %s\ngot: %s", sql, reason, e.message);
	if (db_is_unshadowed(w->probe_world.dbs) != is_unshadowed)
		fail_msg("%s: %s", sql, is_unshadowed ? "not said to be unshadowed" : "unshadowed");
}

static struct db *begin(struct world *w, const struct db_shadow *shadow)
{
	execute(w, SCHEMA);
	db_pool_shadow(w->probe_world.dbs, "shop", shadow, shadow ? 1 : 0);
	return acquire(w, 1);
}

static void test_shadow_is_seen(void **state)
{
	struct world *w = *state;
	struct db *db = begin(w, &few);
	static const struct {
		const char *sql;
		int64_t wanted;
	} rows[] = {
		{"SELECT count(*) FROM orders", 2},
		{"SELECT count(*) FROM main.orders;", 2},
		{"SELECT count(*) FROM \"main\".[Orders] -- all", 2},
		{"SELECT count(*) FROM customers WHERE id IN (SELECT customer FROM orders)", 1},
		{"SELECT 5 IN (SELECT id FROM main.orders)", 0},
		{"SELECT sum(EXISTS (SELECT 1 FROM orders o WHERE o.customer = c.id))"
		 " FROM customers c",
		 1},
		{"SELECT count(*) FROM customers c JOIN main.orders ON c.id = main.orders.customer",
		 2},
		{"SELECT count(*) FROM customers c LEFT JOIN orders o ON o.customer = c.id", 4},
		{"SELECT count(*) FROM customers NATURAL JOIN (SELECT id FROM orders)", 2},
		{"SELECT count(*) FROM (SELECT id FROM orders UNION ALL SELECT id FROM main.orders"
		 " UNION ALL SELECT id FROM customers)",
		 7},
		{"WITH r AS (SELECT * FROM orders), q AS (SELECT * FROM r) SELECT count(*) FROM q",
		 2},
		{"WITH orders AS (SELECT * FROM main.orders WHERE id > 1) SELECT count(*) FROM "
		 "orders",
		 1},
		{"WITH orders AS (SELECT 7 AS id) SELECT id FROM orders", 7},
		{"SELECT count(*) FROM (WITH orders AS (SELECT * FROM main.orders WHERE id > 1)"
		 " SELECT * FROM orders)",
		 1},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)"
		 " SELECT count(*) FROM n JOIN orders ON id = i",
		 2},
		{"VALUES ((SELECT count(*) FROM orders))", 2},
		{"SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY total) AS r FROM orders)",
		 2},
		{"SELECT id FROM orders ORDER BY total LIMIT 1", 1},
		{"SELECT (SELECT count(*) FROM main.orders o WHERE o.customer = c.id)"
		 " FROM customers c ORDER BY c.id DESC",
		 2},
		{"SELECT count(*) FROM orders NOT INDEXED", 2},
		{"SELECT count(*) FROM 'orders'", 2},
		{"SELECT count(*) FROM customers", 3},
		{"SELECT rowid FROM strange", 0},
		{"SELECT count(*) FROM sqlite_schema WHERE name = 'orders'", 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		gives(w, db, rows[i].sql, rows[i].wanted);
	assert_false(db_is_unshadowed(w->probe_world.dbs));
	db_release(w->probe_world.dbs, db);
}

static int check_names(void *ctx, const struct db_row *row, struct err *e)
{
	(void)ctx;
	(void)e;
	assert_int_equal(row->n, 4);
	assert_string_equal(row->names[0], "id");
	assert_string_equal(row->names[1], "id");
	assert_string_equal(row->names[2], "Total");
	assert_string_equal(row->names[3], "count(*)");
	return 0;
}

static void test_shadow_keeps_the_result(void **state)
{
	struct world *w = *state;
	struct db *db = begin(w, &few);
	const char *const param = "2";
	int64_t got = -1;
	size_t n = 0;

	if (db_query(db, "SELECT id, id, total AS Total, count(*) FROM orders", NULL, 0, soon(w),
		     check_names, NULL, &w->err) != 0)
		fail_msg("%s", w->err.message);
	assert_int_equal(db_query(db, "SELECT count(*) FROM main.orders WHERE id = ?1", &param, 1,
				  soon(w), take, &got, &w->err),
			 0);
	assert_int_equal(got, 1);
	assert_int_equal(db_prepare(db, "SELECT *, 1 FROM main.orders", &n, &w->err), 0);
	assert_int_equal(n, 5);
	db_release(w->probe_world.dbs, db);
}

/* One statement each, because the answer is kept until shadows are set again. */
static void test_shadow_refuses(void **state)
{
	struct world *w = *state;
	struct db *db = begin(w, &few);
	static const struct {
		const char *sql, *reason;
	} rows[] = {
		{"SELECT rowid FROM orders", "number of a row"},
		{"SELECT o.rowid FROM orders o", "no such column: o.rowid"},
		{"SELECT (SELECT rowid FROM orders LIMIT 1) FROM customers", "number of a row"},
		{"SELECT oid FROM main.orders", "number of a row"},
		{"SELECT total FROM orders INDEXED BY by_total", "no such index"},
		{"PRAGMA table_info(orders)", "no query"},
		{"SELECT count(*) FROM pragma_table_info('orders')", "in a text"},
		{"SELECT main.orders FROM main.orders, customers AS main", "name of its schema"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		db_pool_shadow(w->probe_world.dbs, "shop", &few, 1);
		fails(w, db, rows[i].sql, rows[i].reason, true);
	}
	db_pool_shadow(w->probe_world.dbs, "shop", NULL, 0);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(db_query(db, rows[i].sql, NULL, 0, soon(w), NULL, NULL, NULL), 0);
	assert_false(db_is_unshadowed(w->probe_world.dbs));
	db_release(w->probe_world.dbs, db);
}

/* What the damage does, and what was wrong before, is the statement's own error. */
static void test_shadow_passes_errors_on(void **state)
{
	static const struct db_shadow narrow = {NULL, "orders",
						"SELECT id, customer, state FROM main.orders"};
	struct world *w = *state;
	struct db *db = begin(w, &narrow);
	const char *name;

	fails(w, db, "SELECT sum(total) FROM orders", "no such column: total", false);
	assert_int_equal(db_missing(db, &name), DB_ABSENT_COLUMN);
	assert_string_equal(name, "total");
	/* never the text 'total' */
	fails(w, db, "SELECT count(\"total\") FROM main.orders", "no such column: total", false);
	fails(w, db, "SELECT nosuch FROM orders", "no such column: nosuch", false);
	fails(w, db, "SELECT count(*) FROM orders JOIN nosuch USING (id)", "no such table: nosuch",
	      false);
	fails(w, db, "SELECT 1 FROM orders; SELECT 2", "several statements", false);
	fails(w, db, "WITH x AS (SELECT 1 FROM orders) DELETE FROM orders", "an audit only reads",
	      false);
	gives(w, db, "SELECT count(*) FROM orders", 5);
	db_release(w->probe_world.dbs, db);
}

/* A column that is called like a rowid is one. */
static void test_shadow_knows_columns(void **state)
{
	static const struct db_shadow none = {"main", "strange",
					      "SELECT * FROM main.strange WHERE 0"};
	struct world *w = *state;
	struct db *db = begin(w, &none);

	gives(w, db, "SELECT count(rowid) FROM strange", 0);
	assert_false(db_is_unshadowed(w->probe_world.dbs));
	fails(w, db, "SELECT oid FROM strange", "number of a row", true);
	db_release(w->probe_world.dbs, db);
}

static void note(void *ctx, const char *source, const char *sql)
{
	struct buf *b = ctx;

	assert_string_equal(source, "shop");
	(void)buf_printf(b, "%s|", sql);
}

static void test_shadow_listens(void **state)
{
	struct world *w = *state;
	struct db *db = begin(w, &few);
	struct buf heard;
	size_t n;

	buf_init(&heard, BUF_UNBOUNDED);
	db_pool_listen(w->probe_world.dbs, note, &heard);
	gives(w, db, "SELECT count(*) FROM orders", 2);
	assert_int_equal(db_prepare(db, "SELECT nosuch FROM orders", &n, NULL), -1);
	db_pool_listen(w->probe_world.dbs, NULL, NULL);
	gives(w, db, "SELECT count(*) FROM orders", 2);
	assert_string_equal(heard.data, "SELECT count(*) FROM orders|SELECT nosuch FROM orders|");
	buf_release(&heard);
	db_release(w->probe_world.dbs, db);
}

static void test_shadow_holds(void **state)
{
	struct world *w = *state;
	struct db_pool *pool = w->probe_world.dbs;
	struct db_source source = source_of(w, 4);
	struct db *db, *more[4];

	execute(w, "PRAGMA journal_mode = wal;" SCHEMA);
	db_pool_hold(pool, "shop", true);
	db = acquire(w, 4);
	assert_int_equal(db_acquire_more(pool, &source, soon(w), more, 4), 0);
	execute(w, "DELETE FROM orders WHERE id > 3");
	gives(w, db, "SELECT count(*) FROM orders", 5);
	assert_int_equal(db_query(db, "SELECT nosuch", NULL, 0, soon(w), NULL, NULL, NULL), -1);
	assert_int_equal(db_begin_read(&db, 1, soon(w), &w->err), 0);
	db_end_read(&db, 1);
	db_release(pool, db);
	assert_ptr_equal(acquire(w, 4), db);
	db_pool_shadow(pool, "shop", &few, 1);
	gives(w, db, "SELECT count(*) FROM orders", 2);
	db_pool_shadow(pool, "shop", NULL, 0);
	gives(w, db, "SELECT count(*) FROM orders", 5);
	/* nobody else gets one, and nobody waits for ever */
	assert_int_equal(
		db_acquire(pool, &source, clock_monotonic_ms(&w->clock), &more[0], &w->err), -1);
	assert_non_null(strstr(w->err.message, "all 1 are in use"));
	db_release(pool, db);
	db_pool_hold(pool, "shop", false);
	db = acquire(w, 4);
	gives(w, db, "SELECT count(*) FROM orders", 3);
	assert_int_equal(db_acquire_more(pool, &source, soon(w), more, 4), 3);
	for (size_t i = 0; i < 3; i++)
		db_release(pool, more[i]);
	db_release(pool, db);
}

/* Without WAL a transaction would keep the writer out. */
static void test_shadow_watches(void **state)
{
	struct world *w = *state;
	struct db_pool *pool = w->probe_world.dbs;
	struct db_source source = source_of(w, 4);
	struct db *db;

	execute(w, "PRAGMA journal_mode = delete;" SCHEMA);
	db_pool_hold(pool, "shop", true);
	db = acquire(w, 4);
	gives(w, db, "SELECT count(*) FROM orders", 5);
	assert_int_equal(db_begin_read(&db, 1, soon(w), &w->err), 0);
	gives(w, db, "SELECT count(*) FROM orders", 5);
	db_end_read(&db, 1);
	db_release(pool, db);
	db = acquire(w, 4);
	gives(w, db, "SELECT count(*) FROM orders", 5);
	execute(w, "DELETE FROM orders WHERE id > 3");
	fails(w, db, "SELECT count(*) FROM orders", "somebody wrote to it", true);
	db_release(pool, db);
	db_pool_shadow(pool, "shop", NULL, 0);
	assert_int_equal(db_acquire(pool, &source, soon(w), &db, &w->err), -1);
	assert_non_null(strstr(w->err.message, "its snapshot with it"));
	assert_true(db_is_unshadowed(pool));
	db_pool_hold(pool, "shop", false);
	db_pool_hold(pool, "shop", true);
	db = acquire(w, 4);
	gives(w, db, "SELECT count(*) FROM orders", 3);
	db_release(pool, db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_shadow_is_seen),	 TEST(test_shadow_keeps_the_result),
		TEST(test_shadow_refuses),	 TEST(test_shadow_passes_errors_on),
		TEST(test_shadow_knows_columns), TEST(test_shadow_listens),
		TEST(test_shadow_holds),	 TEST(test_shadow_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
