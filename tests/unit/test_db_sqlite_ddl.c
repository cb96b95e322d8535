/* db_sqlite_ddl: what the statements say, however they are written; and that they cannot mislead.
 */
#include "tests/unit/database_world.h"

#include "runner/io/db_sqlite_ddl.h"

static struct db_catalog catalog_of(struct world *w, const char *sql)
{
	struct db_catalog c = {.n_tables = 0};
	struct db *db;
	struct err e = {0};
	int64_t deadline_ms = clock_monotonic_ms(&w->clock) + 10000;

	execute(w, sql);
	if (db_acquire(
		    w->probe_world.dbs,
		    &(struct db_source){.name = "shop", .location = w->path, .max_connections = 1},
		    deadline_ms, &db, &e) != 0 ||
	    db_catalog(db, w->arena, NULL, deadline_ms, &c, &e) != 0)
		fail_msg("%s", e.message);
	db_release(w->probe_world.dbs, db);
	return c;
}

/* "P(a, b) name; C(x > 0); ..." */
static const char *constraints(struct world *w, const struct db_table *t)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	for (size_t i = 0; i < t->n_constraints; i++) {
		const struct db_constraint *c = &t->constraints[i];

		buf_printf(&b, "%s%c(", i > 0 ? "; " : "", "PUCX"[c->type]);
		for (size_t k = 0; k < c->n_columns; k++)
			buf_printf(&b, "%s%s", k > 0 ? ", " : "", c->columns[k]);
		buf_printf(&b, "%s)%s%s", c->expression ? c->expression : "", c->name ? " " : "",
			   c->name ? c->name : "");
	}
	const char *text = arena_strdup(w->arena, b.data);

	buf_release(&b);
	return text;
}

static void test_db_sqlite_ddl_reads_constraints_in_every_form(void **state)
{
	static const struct {
		const char *sql, *expected;
	} rows[] = {
		{"CREATE TABLE t (a INTEGER PRIMARY KEY)", "P(a)"},
		{"CREATE TABLE t (a INTEGER CONSTRAINT k PRIMARY KEY DESC ON CONFLICT FAIL)",
		 "P(a) k"},
		{"CREATE TABLE t (a, b, CONSTRAINT k PRIMARY KEY (a, b DESC) ON CONFLICT IGNORE, "
		 "UNIQUE (b))",
		 "P(a, b) k; U(b)"},
		{"CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE NOT NULL CHECK (a > 0), b)",
		 "U(a); C(a > 0)"},
		{"CREATE TABLE t (a, CHECK (a IN (1, 2) AND (a > 0)))",
		 "C(a IN (1, 2) AND (a > 0))"},
		{"CREATE TABLE t (a, CONSTRAINT \"odd )(, name\" CHECK (a <> ')(,'))",
		 "C(a <> ')(,') odd )(, name"},
		{"CREATE TABLE t (a DEFAULT (1 + (2)) CHECK (a > 0), b DEFAULT -1 UNIQUE, c "
		 "DEFAULT "
		 "'x, CHECK (' UNIQUE)",
		 "U(b); U(c); C(a > 0)"},
		{"CREATE TABLE t (a, -- CHECK (no), \n b /* UNIQUE, */ CHECK (b /* , */ > 0))",
		 "C(b > 0)"},
		{"CREATE TABLE t (\"check\", [primary], `unique` UNIQUE)", "U(unique)"},
		{"CREATE TABLE \"t\"(a CHECK(a>0)CHECK(a<9)UNIQUE)", "U(a); C(a<9); C(a>0)"},
		{"CREATE TABLE t (a, b, UNIQUE (a) CHECK (b > 0))", "U(a); C(b > 0)"},
		{"CREATE TABLE t (x, a AS (1) STORED UNIQUE, b GENERATED ALWAYS AS (a + 1) CHECK "
		 "(b))",
		 "U(a); C(b)"},
		{"CREATE TABLE t (a VARCHAR(20) NOT NULL, b DOUBLE PRECISION UNIQUE)", "U(b)"},
		{"CREATE TABLE t AS SELECT 1 AS a, 2 AS b", ""},
		{"CREATE TABLE virtual (a UNIQUE)", "U(a)"},
		{"CREATE TABLE t (a); ALTER TABLE t ADD COLUMN b CHECK (b > 0); "
		 "ALTER TABLE t RENAME COLUMN b TO \"c d\"",
		 "C(\"c d\" > 0)"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		db_pool_free(w->probe_world.dbs);
		w->probe_world.dbs = db_pool_new(&w->clock);
		(void)remove(w->path); /* it may not be there yet */
		struct db_catalog c = catalog_of(w, rows[i].sql);

		assert_int_equal(c.n_tables, 1);
		if (strcmp(constraints(w, &c.tables[0]), rows[i].expected) != 0)
			fail_msg("%s: %s", rows[i].sql, constraints(w, &c.tables[0]));
	}
}

static void test_db_sqlite_ddl_knows_the_rest(void **state)
{
	struct world *w = *state;
	struct db_catalog c = catalog_of(
		w, "CREATE TABLE o (id INTEGER PRIMARY KEY AUTOINCREMENT);"
		   "CREATE TABLE t (k TEXT PRIMARY KEY COLLATE NOCASE, b TEXT AS (k || 'x'), c INT "
		   "REFERENCES o ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, d INT, "
		   "CONSTRAINT f "
		   "FOREIGN KEY (d) REFERENCES o (id) ON UPDATE NO ACTION NOT DEFERRABLE) "
		   "STRICT, WITHOUT ROWID;"
		   "CREATE UNIQUE INDEX i ON t (lower(k) COLLATE NOCASE DESC, (c + d) ASC, c) "
		   "WHERE c IS NOT NULL AND d > 0;"
		   "CREATE VIEW v (x, \"as\") AS SELECT k, c FROM t -- why not\n WHERE  c > 0");
	const struct db_table *o = &c.tables[0], *t = &c.tables[1], *v = &c.tables[2];
	const struct db_index *x = &t->indexes[0];

	assert_int_equal(c.n_tables, 3);
	assert_int_equal(o->columns[0].generation, DB_IDENTITY);
	assert_string_equal(t->columns[0].collation, "NOCASE");
	assert_string_equal(t->columns[1].expression, "k || 'x'");
	assert_string_equal(t->storage, "STRICT, WITHOUT ROWID");
	assert_int_equal(t->n_foreign_keys, 2);
	assert_null(t->foreign_keys[0].name);
	assert_true(t->foreign_keys[0].is_deferred && t->foreign_keys[0].is_deferrable);
	assert_string_equal(t->foreign_keys[0].on_delete, "SET NULL");
	assert_string_equal(t->foreign_keys[1].name, "f");
	assert_false(t->foreign_keys[1].is_deferrable);
	assert_string_equal(x->name, "i");
	assert_string_equal(x->columns[0], "(lower(k))");
	assert_string_equal(x->options[0], "COLLATE NOCASE DESC");
	assert_string_equal(x->columns[1], "(c + d)");
	assert_null(x->options[1]);
	assert_string_equal(x->columns[2], "c");
	assert_string_equal(x->where, "c IS NOT NULL AND d > 0");
	assert_string_equal(v->definition, "SELECT k, c FROM t WHERE c > 0");
}

/* A text that breaks off anywhere is read to its end and no further. */
static void test_db_sqlite_ddl_survives_text_that_breaks_off(void **state)
{
	static const char sql[] = "CREATE TABLE \"t\" (a TEXT CONSTRAINT c CHECK (a <> 'it''s') "
				  "COLLATE [x] REFERENCES o "
				  "(id) ON DELETE SET NULL, PRIMARY KEY (a DESC), FOREIGN KEY (a) "
				  "REFERENCES o /* x */) "
				  "WITHOUT ROWID";
	struct world *w = *state;

	for (size_t n = 0; n < sizeof(sql); n++) {
		/* of its own, so that a sanitizer sees the end */
		char *text = malloc(n + 1);
		struct db_table t = {.name = "t"};
		struct db_index x = {.name = "i"};

		assert_non_null(text);
		memcpy(text, sql, n);
		text[n] = '\0';
		sqlite_ddl_table(w->arena, text, &t);
		sqlite_ddl_index(w->arena, text, &x);
		assert_non_null(sqlite_ddl_view(w->arena, text));
		free(text);
	}
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_db_sqlite_ddl_reads_constraints_in_every_form),
		WORLD_TEST(test_db_sqlite_ddl_knows_the_rest),
		WORLD_TEST(test_db_sqlite_ddl_survives_text_that_breaks_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
