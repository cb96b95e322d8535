/*
 * db_dialect: the text of each engine; and, on SQLite, that the text means what the header says.
 * The other engines' meaning is compared with SQLite's in tests/t/engines.t.
 */
#include "tests/unit/database_world.h"

#include "runner/io/db_dialect.h"

typedef void fragment(enum db_engine engine, struct buf *out, const char *x);
typedef int fallible(enum db_engine engine, struct buf *out, const char *x, const char *with,
		     struct err *e);

static const char *taken(struct world *w, struct buf *b)
{
	const char *text = arena_strndup(w->arena, b->data, b->len);

	buf_release(b);
	return text;
}

static const char *literal(struct world *w, enum db_engine engine, const char *text)
{
	struct buf b;

	buf_init(&b, 1000);
	w->err = (struct err){0};
	if (dialect_literal(engine, &b, text, &w->err) != 0) {
		buf_release(&b);
		return w->err.message;
	}
	return taken(w, &b);
}

static const char *write_x(struct world *w, fragment *fn, enum db_engine engine)
{
	struct buf b;

	buf_init(&b, 1000);
	fn(engine, &b, "x");
	return taken(w, &b);
}

static const char *write_with(struct world *w, fallible *fn, enum db_engine engine, const char *x,
			      const char *with)
{
	struct buf b;

	buf_init(&b, 2000);
	w->err = (struct err){0};
	if (fn(engine, &b, x, with, &w->err) != 0) {
		buf_release(&b);
		return w->err.message;
	}
	return taken(w, &b);
}

static void length(enum db_engine engine, struct buf *out, const char *x)
{
	dialect_length(engine, out, x, DIALECT_ANYTHING);
}

static void length_of_text(enum db_engine engine, struct buf *out, const char *x)
{
	dialect_length(engine, out, x, DIALECT_TEXT);
}

static int is_below(enum db_engine engine, struct buf *out, const char *x, const char *bound,
		    struct err *e)
{
	return dialect_is_below(engine, out, x, DIALECT_ANYTHING, bound, e);
}

static int is_above(enum db_engine engine, struct buf *out, const char *x, const char *bound,
		    struct err *e)
{
	return dialect_is_above(engine, out, x, DIALECT_ANYTHING, bound, e);
}

static int is_number_below(enum db_engine engine, struct buf *out, const char *x, const char *bound,
			   struct err *e)
{
	return dialect_is_below(engine, out, x, DIALECT_NUMBER, bound, e);
}

static int take_value(void *ctx, const struct db_row *row, struct err *e)
{
	(void)e;
	*(char *)ctx = row->values[0].type == DB_INT ? (row->values[0].integer ? 't' : 'f') : 'n';
	return 0;
}

/* 't', 'f' or 'n' (NULL): what SQLite says of the condition. */
static char holds(struct world *w, const char *condition)
{
	struct db_source source = {.name = "shop", .location = w->path, .max_connections = 1};
	struct db *db;
	char said = '?';

	w->err = (struct err){0};
	if (db_acquire(w->probe_world.dbs, &source, clock_monotonic_ms(&w->clock) + 10000, &db,
		       &w->err) != 0)
		fail_msg("%s", w->err.message);
	/* Failing leaves '?'. */
	(void)db_query(db, arena_printf(w->arena, "SELECT %s", condition), NULL, 0,
		       clock_monotonic_ms(&w->clock) + 10000, take_value, &said, &w->err);
	db_release(w->probe_world.dbs, db);
	return said;
}

static char matches(struct world *w, const char *x, const char *pattern)
{
	return holds(w, write_with(w, dialect_matches, DB_SQLITE, x, pattern));
}

static char is_all(struct world *w, const char *x, const char *pattern)
{
	return holds(w, write_with(w, dialect_is_all, DB_SQLITE, x, pattern));
}

static struct world *world(void **state)
{
	struct world *w = *state;

	execute(w, "CREATE TABLE t (a)");
	return w;
}

static void test_dialect_literal_survives_quotes_and_backslashes(void **state)
{
	struct world *w = world(state);

	for (int i = DB_SQLITE; i <= DB_ODBC; i++)
		assert_string_equal(literal(w, (enum db_engine)i, "it's"), "'it''s'");
	assert_string_equal(literal(w, DB_SQLITE, "a\\'b"), "'a\\''b'");
	assert_string_equal(literal(w, DB_POSTGRES, "a\\'b"), "E'a\\\\''b'");
	assert_string_equal(literal(w, DB_MYSQL, "a\\'b"), "_utf8mb4 X'615c2762'");
	assert_string_equal(
		literal(w, DB_ODBC, "a\\"),
		"cannot write \"a\\\" through ODBC: what a backslash means there is unknown");
}

static void test_dialect_writes_each_engines_words(void **state)
{
	struct world *w = world(state);

	assert_string_equal(write_x(w, dialect_text, DB_SQLITE), "CAST(x AS text)");
	assert_string_equal(write_x(w, dialect_exact, DB_POSTGRES),
			    "CAST(x AS text) COLLATE \"C\"");
	assert_string_equal(write_x(w, dialect_exact, DB_MYSQL),
			    "CAST(CONVERT(x USING utf8mb4) AS BINARY)");
	assert_string_equal(write_x(w, dialect_exact_ascii, DB_MYSQL), "CAST(x AS BINARY)");
	assert_string_equal(write_x(w, dialect_exact_ascii, DB_SQLITE),
			    "CAST(x AS text) COLLATE BINARY");
	assert_string_equal(write_x(w, length, DB_ODBC), "char_length(CAST(x AS VARCHAR(4000)))");
	assert_string_equal(write_x(w, length, DB_MYSQL), "char_length(CONVERT(x USING utf8mb4))");
	assert_string_equal(write_x(w, length_of_text, DB_MYSQL), "char_length(x)");
	assert_string_equal(write_with(w, is_number_below, DB_MYSQL, "x", "5"), "x < 5");
	assert_string_equal(write_with(w, dialect_matches, DB_POSTGRES, "x", "^a"),
			    "CAST(x AS text) COLLATE \"C\" ~ '^a'");
	assert_string_equal(write_with(w, dialect_is_all, DB_MYSQL, "x", "a|b"),
			    "CONVERT(x USING utf8mb4) COLLATE utf8mb4_bin REGEXP "
			    "'(?s)^(?:a|b)(?!.)'");
	assert_has(write_with(w, dialect_matches, DB_ODBC, "x", "a"),
		   "cannot match a pattern through ODBC");
	assert_string_equal(write_with(w, is_below, DB_POSTGRES, "x", "5"),
			    "x < 5 OR CAST(x AS text) = 'NaN'");
	assert_string_equal(write_with(w, is_above, DB_POSTGRES, "x", "5"), "x > 5");
	assert_string_equal(write_with(w, is_above, DB_POSTGRES, "x", "2026-01-31"),
			    "x > '2026-01-31'");
}

static void test_dialect_patterns_mean_the_whole_text(void **state)
{
	struct world *w = world(state);

	assert_int_equal(is_all(w, "'ab'", "a|ab"), 't');
	assert_int_equal(is_all(w, "'ab' || char(10)", "ab"), 'f');
	assert_int_equal(is_all(w, "'abc'", "ab"), 'f');
	assert_int_equal(is_all(w, "'AB'", "ab"), 'f');
	assert_int_equal(is_all(w, "''", "a*"), 't');
	assert_int_equal(is_all(w, "NULL", "a"), 'n');
	assert_int_equal(is_all(w, "12", "[0-9]+"), 't');
	assert_int_equal(matches(w, "'a' || char(10) || 'b'", "a.b"), 't');
	assert_int_equal(matches(w, "'ab' || char(10)", "ab$"), 'f');
	assert_int_equal(matches(w, "'x\\y'", "x\\\\y"), 't');
	assert_int_equal(matches(w, "'it''s'", "t's"), 't');
	assert_int_equal(matches(w, "CAST(X'ff61' AS text)", "a"), 't');
	assert_int_equal(matches(w, "CAST(X'ff' AS text)", "."), 'f');
}

static void test_dialect_pattern_without_an_answer_is_an_error(void **state)
{
	struct world *w = world(state);

	assert_int_equal(matches(w, "printf('%.*c', 40, 'a') || 'b'", "^(a+)+$"), '?');
	assert_has(w->err.message, "could not match the pattern: ");
	assert_int_equal(matches(w, "'a'", "("), '?');
	assert_has(w->err.message, "cannot compile the pattern: ");
}

static void test_dialect_bounds_take_numbers_for_numbers(void **state)
{
	struct world *w = world(state);
	static const struct {
		const char *x, *bound;
		char is_below, is_above;
	} cases[] = {
		{"4", "5", 't', 'f'},
		{"5", "5", 'f', 'f'},
		{"5.5", "5", 'f', 't'},
		{"'10'", "9", 'f', 't'},
		{"'10'", "10", 'f', 'f'},
		{"'1e3'", "10", 'f', 't'},
		{"'ten'", "9", 't', 't'}, /* no number: outside of any bound */
		{"''", "0", 't', 't'},
		{"NULL", "0", 'n', 'n'},
		{"'2026-01-01'", "2026-01-31", 't', 'f'},
		{"20260101", "2026-01-31", 't', 't'},
		{"NULL", "2026-01-31", 'n', 'n'},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *x = cases[i].x, *bound = cases[i].bound;

		if (holds(w, write_with(w, is_below, DB_SQLITE, x, bound)) != cases[i].is_below ||
		    holds(w, write_with(w, is_above, DB_SQLITE, x, bound)) != cases[i].is_above)
			fail_msg("%s and %s: %s", x, bound, w->err.message);
	}
}

static void test_dialect_length_counts_all_of_a_value(void **state)
{
	struct world *w = world(state);
	static const struct {
		const char *x, *length;
	} cases[] = {
		{"'abc'", "3"},
		{"'h\u00e9'", "2"},
		{"12.5", "4"},
		{"''", "0"},
		{"x'00ff00'", "3"},
		{"x'c3a9'", "2"},
		{"'abc' || char(0) || 'def'", "7"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b;

		buf_init(&b, 1000);
		dialect_length(DB_SQLITE, &b, arena_printf(w->arena, "(%s)", cases[i].x),
			       DIALECT_ANYTHING);
		(void)buf_printf(&b, " = %s", cases[i].length);
		if (holds(w, taken(w, &b)) != 't')
			fail_msg("%s: %s", cases[i].x, w->err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_dialect_literal_survives_quotes_and_backslashes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dialect_writes_each_engines_words, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_dialect_patterns_mean_the_whole_text, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_dialect_pattern_without_an_answer_is_an_error,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dialect_bounds_take_numbers_for_numbers,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dialect_length_counts_all_of_a_value, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
