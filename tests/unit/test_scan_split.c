/*
 * scan: a table read in parts by several sessions gives what it gives when it is read whole, by
 * SQLite's own aggregates as well as by ours.
 */
#include "tests/unit/database_world.h"

#include <math.h>

#include "audits/scan_internal.h"

#define N_SESSIONS 4

/* Every aggregate of these. */
static const char *const expressions[] = {"i", "r", "big", "mixed", "i * r", "1", "far", "few"};
#define N_EXPRESSIONS (sizeof(expressions) / sizeof(*expressions))

static const char numbers_sql[] =
	"CREATE TABLE t (id INTEGER PRIMARY KEY, i INT, r REAL, big INT, mixed, word TEXT COLLATE "
	"NOCASE, far REAL, few INT, state TEXT, odd);"
	"WITH RECURSIVE n (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < 20000)"
	" INSERT INTO t SELECT k * 9 - 60000, (k * 7919) % 1000 - 300,"
	" iif(k % 10, 1.0 / (1 + k % 977), NULL), iif(k % 100, NULL, 9007199254740993 + k % 7),"
	" iif(k % 2, k % 50, 0.1 * (k % 50)), char(97 + k % 2 * -32 + k % 20),"
	" 1e9 + k % 2, iif(k = 77, 5, NULL), iif(k % 3, 'a', NULL), iif(k % 7, k, 'x' || k) FROM n";

/* A scan of the spec with all the terms, asked over n sessions; 1 = whole; 0 = that, plainly. */
static void ask(struct world *w, struct scan *s, const struct scan_spec *spec, size_t n)
{
	struct db_source source = {
		.name = "shop", .location = w->path, .max_connections = N_SESSIONS};
	static const struct check *checks[1];
	struct probe *p = arena_alloc(w->arena, sizeof(*p));
	struct db *dbs[N_SESSIONS];

	*p = (struct probe){
		.world = &w->probe_world,
		.arena = w->arena,
		.checks = checks,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 60000,
	};
	*s = (struct scan){.probe = p, .spec = spec, .is_plain = n == 0};
	n = n == 0 ? 1 : n;
	map_init(&s->by_question, w->arena);
	map_init(&s->by_expression, w->arena);
	for (size_t i = 0; i < N_EXPRESSIONS; i++)
		for (int how = SCAN_COUNT; how <= SCAN_DISTINCT; how++)
			(void)scan_add(s, (enum scan_aggregate)how, expressions[i]);
	(void)scan_add(s, SCAN_MAX, "\"word\"");
	for (int how = SCAN_OTHERS; how <= SCAN_MAX; how++)
		if (how != SCAN_SUM) /* text is 0 to SQLite, and no number to us */
			(void)scan_add(s, (enum scan_aggregate)how, "odd");
	(void)scan_add(s, SCAN_MIN, "\"i\"");
	(void)scan_add(s, SCAN_MAX, "\"r\"");
	(void)scan_add(s, SCAN_SUM, "json_extract(iif(i = 500, '{', '{}'), '$')");
	if (db_acquire(w->probe_world.dbs, &source, p->deadline_ms, &dbs[0], &w->err) != 0)
		fail_msg("%s", w->err.message);
	if (n > 1) {
		s->key = scan_find_key(s, dbs[0]);
		assert_non_null(s->key);
		assert_int_equal(db_acquire_more(w->probe_world.dbs, &source, p->deadline_ms,
						 dbs + 1, n - 1),
				 n - 1);
	}
	assert_int_equal(db_begin_read(dbs, n, p->deadline_ms, &w->err), 0);
	if (scan_run(s, dbs, n, &w->err) != 0)
		fail_msg("%s", w->err.message);
	scan_sort_segments(s);
	db_end_read(dbs, n);
	while (n > 0)
		db_release(w->probe_world.dbs, dbs[--n]);
}

static double real_of(const struct db_value *v)
{
	return v->type == DB_INT ? (double)v->integer : v->real;
}

static void assert_same(const struct scan_term *t, const struct db_value *a,
			const struct db_value *b)
{
	double x = real_of(a), y = real_of(b);
	bool is_exact = t->how != SCAN_AVG && t->how != SCAN_STDDEV && a->type != DB_REAL;

	if (a->type != b->type)
		fail_msg("aggregate %d of %s: type %d, whole %d", (int)t->how, t->expression,
			 (int)b->type, (int)a->type);
	if (a->type == DB_TEXT)
		assert_string_equal(a->text, b->text);
	else if (is_exact ? a->integer != b->integer : fabs(x - y) > 1e-12 * fabs(x))
		fail_msg("aggregate %d of %s: %.17g, whole %.17g", (int)t->how, t->expression, y,
			 x);
}

/* b has the same answers as a, and all of them but the last term's, which nobody can ask. */
static void assert_same_scan(const struct scan *a, const struct scan *b)
{
	assert_int_equal(a->n_segments, b->n_segments);
	for (size_t k = 0; k < a->n_segments; k++) {
		assert_string_equal(a->segments[k]->key, b->segments[k]->key);
		for (size_t i = 0; i < a->n; i++) {
			const struct scan_answer *x = &a->segments[k]->answers[i];
			const struct scan_answer *y = &b->segments[k]->answers[i];

			if (!a->terms[i]->error != !b->terms[i]->error)
				fail_msg("%s: %s", a->terms[i]->expression,
					 (a->terms[i]->error ? a : b)->terms[i]->error->message);
			assert_int_equal(x->n_rows, y->n_rows);
			assert_same(a->terms[i], &x->value, &y->value);
		}
	}
	assert_non_null(b->terms[b->n - 1]->error);
	assert_has(b->terms[b->n - 1]->error->message, "malformed JSON");
	for (size_t i = 0; i + 1 < b->n; i++)
		if (b->terms[i]->error)
			fail_msg("%s: %s", b->terms[i]->expression, b->terms[i]->error->message);
}

static void compare(struct world *w, const struct scan_spec *spec)
{
	struct scan plain, whole, split;

	ask(w, &plain, spec, 0);
	ask(w, &whole, spec, 1);
	ask(w, &split, spec, N_SESSIONS);
	/* A double is too coarse for the mean that the plain deviation of "big" is taken from. */
	for (size_t i = 0; i < plain.n; i++)
		if (plain.terms[i]->how == SCAN_STDDEV &&
		    strcmp(plain.terms[i]->expression, "big") == 0)
			for (size_t k = 0; k < plain.n_segments; k++)
				plain.segments[k]->answers[i] = whole.segments[k]->answers[i];
	assert_same_scan(&plain, &whole);
	assert_same_scan(&whole, &split);
}

static void test_scan_split_is_the_whole(void **state)
{
	execute(*state, numbers_sql);
	compare(*state, &(struct scan_spec){.table = "t"});
}

static void test_scan_split_keeps_the_filter(void **state)
{
	execute(*state, numbers_sql);
	compare(*state, &(struct scan_spec){.table = "t", .where = "i > 0 OR i = -5 OR few = 5"});
}

static void test_scan_split_keeps_the_segments(void **state)
{
	const char *columns[] = {"state", "few"};
	struct scan_spec spec = {.table = "t", .by = {.items = columns, .n = 2}};

	execute(*state, numbers_sql);
	compare(*state, &spec);
}

static const struct scan_key *key_of(struct world *w, const char *table, const char *where)
{
	struct scan_spec spec = {.table = table, .where = where};
	struct probe *p = arena_alloc(w->arena, sizeof(*p));
	struct scan *s = arena_alloc(w->arena, sizeof(*s));
	struct db_source source = {.name = "shop", .location = w->path, .max_connections = 1};
	struct db *db;

	*p = (struct probe){.world = &w->probe_world,
			    .arena = w->arena,
			    .deadline_ms = clock_monotonic_ms(&w->clock) + 10000};
	*s = (struct scan){.probe = p, .spec = &spec};
	if (db_acquire(w->probe_world.dbs, &source, p->deadline_ms, &db, &w->err) != 0)
		fail_msg("%s", w->err.message);
	const struct scan_key *key = scan_find_key(s, db);

	db_release(w->probe_world.dbs, db);
	return key;
}

static void test_scan_split_needs_a_key_of_all_rows(void **state)
{
	struct world *w = *state;

	execute(w, numbers_sql);
	execute(w, "CREATE TABLE small (a); INSERT INTO small (rowid) VALUES (1), (99999);"
		   "CREATE TABLE large (a); INSERT INTO large (rowid) VALUES (1), (100000);"
		   "CREATE TABLE wide (a);"
		   "INSERT INTO wide (rowid) VALUES (-9223372036854775808), (9223372036854775807);"
		   "CREATE TABLE taken (rowid); INSERT INTO taken (oid) VALUES (1), (200000);"
		   "CREATE TABLE without (a INT PRIMARY KEY) WITHOUT ROWID;"
		   "INSERT INTO without VALUES (1), (200000);"
		   "CREATE TABLE empty (a); CREATE VIEW v AS SELECT * FROM t");
	assert_string_equal(key_of(w, "t", NULL)->sql, "\"rowid\"");
	assert_null(key_of(w, "small", NULL));
	assert_non_null(key_of(w, "large", NULL));
	assert_non_null(key_of(w, "wide", NULL));
	assert_string_equal(key_of(w, "taken", NULL)->sql, "\"_rowid_\"");
	assert_null(key_of(w, "without", NULL));
	assert_null(key_of(w, "empty", NULL));
	assert_null(key_of(w, "v", NULL));
	assert_null(key_of(w, "nosuch", NULL));
}

static void test_scan_split_needs_a_filter_that_is_one(void **state)
{
	static const char *const closed[] = {"a = ')'", "(a) OR (b)", "x = 'it''s (' AND (1)"};
	static const char *const open[] = {"1) OR (1", "1 -- all", "a = 1 /* ( */", "(1",
					   "'a",       "1; 2",	   "a = '\\'')'"};
	struct world *w = *state;

	execute(w, numbers_sql);
	for (size_t i = 0; i < sizeof(closed) / sizeof(*closed); i++)
		assert_non_null(key_of(w, "t", closed[i]));
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		assert_null(key_of(w, "t", open[i]));
}

static void test_scan_ranges_hold_every_key_once(void **state)
{
	struct world *w = *state;
	struct probe p = {.arena = w->arena};
	struct scan_key key = {.sql = "k", .min = INT64_MIN, .max = INT64_MAX};
	struct scan s = {.probe = &p, .key = &key};
	const char **ranges = scan_ranges(&s, 4);

	assert_string_equal(ranges[0], "k < -4611686018427387904");
	assert_string_equal(ranges[1], "k >= -4611686018427387904 AND k < 0");
	assert_string_equal(ranges[2], "k >= 0 AND k < 4611686018427387904");
	assert_string_equal(ranges[3], "k >= 4611686018427387904");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_scan_split_is_the_whole),
		WORLD_TEST(test_scan_split_keeps_the_filter),
		WORLD_TEST(test_scan_split_keeps_the_segments),
		WORLD_TEST(test_scan_split_needs_a_key_of_all_rows),
		WORLD_TEST(test_scan_split_needs_a_filter_that_is_one),
		WORLD_TEST(test_scan_ranges_hold_every_key_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
