/* db_lens: every door to the catalog is looked through, of one source, until the lens is gone. */
#include "tests/unit/database_world.h"

#include "runner/io/db_lens.h"

static void without_owners(void *ctx, struct arena *a, struct db_catalog *c)
{
	size_t n = 0;

	(void)a;
	++*(int *)ctx;
	for (size_t i = 0; i < c->n_tables; i++)
		if (strcmp(c->tables[i].name, "owners") != 0)
			c->tables[n++] = c->tables[i];
	c->n_tables = n;
}

static void with_another(void *ctx, struct arena *a, struct db_catalog *c)
{
	struct db_table *more = arena_array(a, c->n_tables + 1, sizeof(*more));

	(void)ctx;
	if (c->n_tables > 0)
		memcpy(more, c->tables, c->n_tables * sizeof(*more));
	more[c->n_tables] = (struct db_table){.name = "another"};
	c->tables = more;
	c->n_tables++;
}

/* The names that each door gives: "orders owners". */
static const char *names(struct world *w, struct db *db)
{
	struct db_object *objects;
	struct db_catalog c;
	const char *text = "";
	size_t n;

	assert_int_equal(db_objects(db, w->arena, INT64_MAX, &objects, &n, &w->err), 0);
	assert_int_equal(db_catalog(db, w->arena, NULL, INT64_MAX, &c, &w->err), 0);
	assert_int_equal(c.n_tables, n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(objects[i].name, c.tables[i].name);
		text = arena_printf(w->arena, "%s%s%s", text, i > 0 ? " " : "", objects[i].name);
	}
	return text;
}

static struct db *open_shop(struct world *w)
{
	const struct db_source source = {
		.engine = DB_SQLITE,
		.name = w->target.name,
		.location = w->target.location,
		.max_connections = 1,
	};
	struct db *db;

	execute(w, "CREATE TABLE owners (id INTEGER); CREATE TABLE orders (id INTEGER)");
	assert_int_equal(db_acquire(w->probe_world.dbs, &source, INT64_MAX, &db, &w->err), 0);
	return db;
}

static void test_what_a_lens_takes_away_does_not_exist(void **state)
{
	struct world *w = *state;
	struct db_pool *pool = w->probe_world.dbs;
	struct db *db = open_shop(w);
	struct db_table t;
	const char *missing;
	int n = 0;

	assert_string_equal(names(w, db), "orders owners");
	db_pool_lens(pool, "other", without_owners, &n);
	assert_string_equal(names(w, db), "orders owners");
	assert_int_equal(n, 0);
	db_pool_lens(pool, "shop", without_owners, &n);
	assert_string_equal(names(w, db), "orders");
	assert_int_equal(n, 2);
	assert_int_equal(db_describe(db, w->arena, "orders", INT64_MAX, &t, &w->err), 0);
	assert_string_equal(t.name, "orders");
	assert_int_equal(db_describe(db, w->arena, "owners", INT64_MAX, &t, &w->err), -1);
	assert_string_equal(w->err.message, "there is no table \"owners\"");
	assert_int_equal(db_missing(db, &missing), DB_ABSENT_TABLE);
	db_pool_lens(pool, "shop", NULL, NULL);
	assert_string_equal(names(w, db), "orders owners");
	db_release(pool, db);
}

static void test_what_a_lens_adds_stands_in_order(void **state)
{
	struct world *w = *state;
	struct db_pool *pool = w->probe_world.dbs;
	struct db *db = open_shop(w);
	struct db_table t;

	db_pool_lens(pool, "shop", with_another, NULL);
	assert_string_equal(names(w, db), "another orders owners");
	/* and does not come before the table that is asked for */
	assert_int_equal(db_describe(db, w->arena, "owners", INT64_MAX, &t, &w->err), 0);
	assert_string_equal(t.name, "owners");
	db_release(pool, db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_a_lens_takes_away_does_not_exist, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_a_lens_adds_stands_in_order, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
