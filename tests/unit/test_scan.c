/* rows, missing, freshness and the scan they share; sql. */
#include "tests/unit/database_world.h"

static const char tasks_sql[] =
	"CREATE TABLE tasks (id INTEGER PRIMARY KEY, ai_model TEXT, state TEXT, at TEXT, unix INT,"
	" unix_ms INT, \"odd \"\"name\" INT);"
	"INSERT INTO tasks VALUES"
	" (1, 'a', 'done', '2026-11-25 11:00:00', 1795604400, 1795604400000, 1),"
	" (2, NULL, 'done', '2026-11-25T09:00:00', 1795600800, 1795600800000, NULL),"
	" (3, 'b', 'new', NULL, NULL, NULL, NULL),"
	" (4, 'c', NULL, '2026-11-24', 1795521600, 1795521600000, NULL);"
	"CREATE TABLE voids (a INT, at TEXT);";

static struct world *shop(void **state)
{
	struct world *w = *state;

	execute(w, tasks_sql);
	return w;
}

static void test_scan_rows_counts(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_rows;

	assert_string_equal(measure_one(w, k, "{table: tasks}"), "4 rows");
	assert_string_equal(measure_one(w, k, "{table: main.tasks}"), "4 rows");
	assert_string_equal(measure_one(w, k, "{table: voids}"), "0 rows");
	assert_string_equal(measure_one(w, k, "{table: tasks, where: state = 'done'}"), "2 rows");
	assert_string_equal(measure_one(w, k, "{table: tasks, where: \"1 -- all\"}"), "4 rows");
	assert_string_equal(measure_one(w, k, "{table: tasks, where: \"id = 1 OR id = 2\"}"),
			    "2 rows");
}

static void test_scan_names_what_is_gone(void **state)
{
	struct world *w = shop(state);
	const char *s = measure_one(w, &audit_kind_rows, "{table: taks}");

	assert_has(s, "error: table \"taks\": could not run the query: no such table: taks");
	assert_has(s, "did you mean \"tasks\"?");
	s = measure_one(w, &audit_kind_rows, "{table: zzz}");
	assert_has(s, "tables there are: tasks, voids");
	s = measure_one(w, &audit_kind_rows, "{table: tasks, where: stat = 1}");
	assert_has(s, "no such column: stat");
	assert_has(s, "did you mean \"state\"?");
}

static void test_scan_filter_cannot_leave_its_place(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_rows;

	assert_has(measure_one(w, k, "{table: tasks, where: \"1; DROP TABLE tasks\"}"), "error: ");
	assert_has(measure_one(w, k, "{table: tasks, where: \"1); SELECT (1\"}"),
		   "several statements");
	assert_has(measure_one(w, k, "{table: tasks, where: \"1) GROUP BY (id\"}"),
		   "the filter is not one condition");
	assert_has(measure_one(w, k, "{table: tasks, where: \"1) LIMIT (0\"}"),
		   "the filter is not one condition");
	assert_has(measure_one(w, k, "{table: tasks, where: \"1) UNION ALL SELECT (7\"}"),
		   "error: ");
	assert_has(measure_one(w, k, "{table: 'tasks\" WHERE 0 --'}"), "no such table");
	assert_string_equal(measure_one(w, k, "{table: tasks}"), "4 rows");
}

static void test_scan_missing_counts_and_shares(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_missing;

	assert_string_equal(measure_one(w, k, "{table: tasks, columns: [ai_model, state, id]}"),
			    "{column=\"ai_model\"} 1 rows of 4; {column=\"state\"} 1 rows of 4;"
			    " {column=\"id\"} 0 rows of 4");
	assert_string_equal(measure_one(w, k, "{table: tasks, columns: [ai_model], where: id = 2}"),
			    "{column=\"ai_model\"} 1 rows of 1");
	assert_string_equal(measure_one(w, k, "{table: tasks, columns: 'odd \"name'}"),
			    "{column=\"odd \\\"name\"} 3 rows of 4");
	assert_string_equal(measure_one(w, k, "{table: voids, columns: a}"),
			    "{column=\"a\"} none: table \"voids\" has no rows");
	assert_has(measure_one(w, k, "{table: tasks, columns: state, where: id > 9}"),
		   "has no rows for which the condition holds");
	refuse(w, k, "{table: tasks, columns: [a, a]}", "column \"a\" is written twice");
}

static void test_scan_dropped_column_is_no_measurement(void **state)
{
	struct world *w = shop(state);
	const struct check *c =
		check(w, &audit_kind_missing, "{table: tasks, columns: [state, ai_mdel]}");
	struct probe p;

	assert_int_equal(run_checks(w, &c, 1, &p), 0);
	assert_string_equal(
		show(w, &p, 0),
		"{column=\"state\"} 1 rows of 4; {column=\"ai_mdel\"} none: table \"tasks\": "
		"could not run the query: no such column: ai_mdel");
	assert_string_equal(p.emitted[1].measurement.evidence, "help: did you mean \"ai_model\"?");
	execute(w, "ALTER TABLE tasks DROP COLUMN state");
	assert_has(measure_one(w, &audit_kind_missing, "{table: tasks, columns: state}"),
		   "no such column: state");
}

static void test_scan_one_bad_of_two_hundred(void **state)
{
	struct world *w = *state;
	const struct check *checks[200];
	struct probe p;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_puts(&b, "CREATE TABLE wide (c0");
	for (int i = 1; i < 200; i++)
		buf_printf(&b, ", c%d", i);
	buf_puts(&b, "); INSERT INTO wide (c0, c7) VALUES (1, 1), (2, 2)");
	execute(w, b.data);
	buf_release(&b);
	for (int i = 0; i < 200; i++)
		checks[i] = check(w, &audit_kind_missing,
				  arena_printf(w->arena, "{table: wide, columns: %s%d}",
					       i == 100 ? "nosuch" : "c", i));
	assert_int_equal(run_checks(w, checks, 200, &p), 0);
	assert_int_equal(p.n_emitted, 200);
	for (size_t i = 0; i < 200; i++) {
		if (i == 100)
			assert_has(show(w, &p, i), "none: table \"wide\": could not run the query: "
						   "no such column: nosuch100");
		else
			assert_has(show(w, &p, i),
				   i == 0 || i == 7 ? " 0 rows of 2" : " 2 rows of 2");
	}
}

/* A generated column that fails while it is computed: only running finds out. */
static void test_scan_isolates_what_fails_while_running(void **state)
{
	struct world *w = *state;
	struct probe p;

	execute(w, "CREATE TABLE t (a, b, doc TEXT);"
		   "INSERT INTO t VALUES (1, NULL, '{\"x\": 1}'), (2, 2, 'not json');"
		   "ALTER TABLE t ADD COLUMN x AS (json_extract(doc, '$.x'))");
	const struct check *c = check(w, &audit_kind_missing, "{table: t, columns: [a, x, b]}");

	if (run_checks(w, &c, 1, &p) != 0)
		fail_msg("%s", w->err.message);
	assert_string_equal(
		show(w, &p, 0),
		"{column=\"a\"} 0 rows of 2; {column=\"x\"} none: table \"t\": could not run "
		"the query: malformed JSON; {column=\"b\"} 1 rows of 2");
	assert_has(measure_one(w, &audit_kind_rows, "{table: t, where: x = 1}"), "malformed JSON");
}

static void test_scan_splits_at_the_column_limit(void **state)
{
	struct world *w = *state;
	const struct check *checks[3];
	struct probe p;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_puts(&b, "CREATE TABLE wide (c0");
	for (int i = 1; i < 1990; i++)
		buf_printf(&b, ", c%d", i);
	buf_puts(&b, "); INSERT INTO wide (c0) VALUES (1), (2)");
	execute(w, b.data);
	buf_reset(&b);
	buf_puts(&b, "{table: wide, columns: [c0");
	for (int i = 1; i < 1990; i++)
		buf_printf(&b, ", c%d", i);
	buf_puts(&b, "]}");
	checks[0] = check(w, &audit_kind_missing, b.data);
	checks[1] = check(w, &audit_kind_rows, "{table: wide}");
	checks[2] = check(w, &audit_kind_freshness, "{table: wide, column: c0, format: unix}");
	assert_int_equal(run_checks(w, checks, 3, &p), 0);
	assert_int_equal(p.n_emitted, 1992);
	assert_has(show(w, &p, 0), "{column=\"c0\"} 0 rows of 2; {column=\"c1\"} 2 rows of 2");
	assert_has(show(w, &p, 0), "{column=\"c1989\"} 2 rows of 2");
	assert_string_equal(show(w, &p, 1), "2 rows");
	buf_reset(&b);
	checks[0]->kind->describe(&p, &b);
	size_t n_statements = 0;

	for (const char *s = b.data; (s = strstr(s, "SELECT count(*)")) != NULL; s++)
		n_statements++;
	assert_int_equal(n_statements, 2);
	buf_release(&b);
}

static void test_scan_three_kinds_share_one_statement(void **state)
{
	struct world *w = shop(state);
	const struct check *checks[] = {
		check(w, &audit_kind_rows, "{table: tasks}"),
		check(w, &audit_kind_missing, "{table: tasks, columns: [state, ai_model]}"),
		check(w, &audit_kind_missing, "{table: tasks, columns: state}"),
		check(w, &audit_kind_freshness, "{table: tasks, column: unix, format: unix}"),
	};
	const char *key = checks[0]->kind->merge_key(w->arena, checks[0]);
	struct probe p;
	struct buf b;

	for (size_t i = 1; i < 4; i++) {
		assert_string_equal(checks[i]->kind->merge_key(w->arena, checks[i]), key);
		assert_ptr_equal(checks[i]->kind->probe, checks[0]->kind->probe);
	}
	assert_int_equal(run_checks(w, checks, 4, &p), 0);
	assert_string_equal(show(w, &p, 0), "4 rows");
	assert_string_equal(show(w, &p, 2), "{column=\"state\"} 1 rows of 4");
	assert_string_equal(show(w, &p, 3), "3600 s");
	buf_init(&b, BUF_UNBOUNDED);
	checks[0]->kind->describe(&p, &b);
	assert_string_equal(b.data, "SELECT count(*), count(\"state\"), count(\"ai_model\"), "
				    "max(\"unix\"), min(\"unix\") FROM \"tasks\"\n");
	buf_release(&b);
}

static void test_scan_merge_key_tells_filters_apart(void **state)
{
	struct world *w = *state;
	static const char *const yaml[] = {
		"{table: t}",		"{table: u}",  "{table: t, where: a}",
		"{table: t, where: b}", "{table: ta}", "{table: t, where: ''}",
	};
	const char *keys[6];

	for (size_t i = 0; i < 6; i++) {
		const struct check *c = check(w, &audit_kind_rows, yaml[i]);

		keys[i] = c->kind->merge_key(w->arena, c);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
	}
}

static void test_scan_freshness_reads_every_notation(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_freshness;

	execute(w, "UPDATE tasks SET at = '2026-11-25T11:00:00' WHERE id = 1");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: at}"), "3600 s");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: unix, format: unix}"),
			    "3600 s");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: unix_ms, format: unix_ms}"),
			    "3600 s");
	execute(w, "UPDATE tasks SET at = '2026-11-25T11:59:59.500Z' WHERE id = 1");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: at}"), "0.5 s");
	execute(w, "UPDATE tasks SET at = '2026-11-25T12:30:00+01:00' WHERE id = 1");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: at}"), "1800 s");
	/* a zone in the text wins over the check's */
	assert_string_equal(measure_one(w, k, "{table: tasks, column: at, zone: Asia/Tokyo}"),
			    "1800 s");
	execute(w, "UPDATE tasks SET at = '2026-11-25 12:30:00' WHERE id IN (1, 2)");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: at, zone: Europe/Berlin}"),
			    "1800 s");
	assert_has(measure_one(w, k, "{table: tasks, column: at}"),
		   "none: the largest value of \"at\", \"2026-11-25 12:30:00\", is 30 min in the "
		   "future");
}

static void test_scan_freshness_refuses_what_is_no_time(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_freshness;

	assert_string_equal(measure_one(w, k, "{table: voids, column: at}"),
			    "none: table \"voids\" has no rows");
	assert_has(measure_one(w, k, "{table: tasks, column: at, where: id > 9}"),
		   "none: table \"tasks\" has no rows for which the condition holds");
	assert_string_equal(measure_one(w, k, "{table: tasks, column: at, where: id = 3}"),
			    "none: \"at\" is NULL in every row of \"tasks\"");
	assert_has(measure_one(w, k, "{table: tasks, column: state}"),
		   "none: the largest value of \"state\", \"new\", is not an ISO 8601 time");
	assert_has(measure_one(w, k, "{table: tasks, column: unix}"),
		   "is not text; say format: unix or unix_ms");
	assert_has(measure_one(w, k, "{table: tasks, column: at, format: unix}"),
		   "is not a number");
	assert_has(measure_one(w, k, "{table: tasks, column: unix_ms, format: unix}"),
		   "is no time a row could have; is it format: unix_ms?");
	assert_has(measure_one(w, k, "{table: tasks, column: nosuch}"), "no such column: nosuch");
	execute(w, "UPDATE tasks SET at = '' WHERE id = 4");
	assert_has(measure_one(w, k, "{table: tasks, column: at}"),
		   "none: the smallest value of \"at\", \"\", is not an ISO 8601 time");
	execute(w, "UPDATE tasks SET at = 12 WHERE id = 4");
	assert_has(measure_one(w, k, "{table: tasks, column: at}"), "the smallest value");
	execute(w, "UPDATE tasks SET at = 'never' WHERE id = 4");
	assert_has(measure_one(w, k, "{table: tasks, column: at}"), "the largest value");
	refuse(w, k, "{table: t, column: c, zone: Mars/Base}", "Mars/Base");
	refuse(w, k, "{table: t, column: c, zone: UTC, format: unix}", "has no zone");
	refuse(w, k, "{table: t, column: c, format: epoch}", "");
}

/* Mixed notations: the age may be too high, never too low. */
static void test_scan_freshness_errs_on_the_stale_side(void **state)
{
	struct world *w = shop(state);

	execute(w, "UPDATE tasks SET at = '2026-11-25 11:59:00' WHERE id = 1;"
		   "UPDATE tasks SET at = '2026-11-25T09:00:00' WHERE id = 2");
	assert_string_equal(measure_one(w, &audit_kind_freshness, "{table: tasks, column: at}"),
			    "10800 s");
}

static void test_scan_extremes_alone_use_an_index(void **state)
{
	struct world *w = shop(state);
	const struct check *c = check(w, &audit_kind_freshness, "{table: tasks, column: at}");
	struct probe p = {.world = &w->probe_world, .arena = w->arena, .checks = &c, .n_checks = 1};
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	c->kind->describe(&p, &b);
	assert_string_equal(
		b.data,
		"SELECT CASE WHEN EXISTS (SELECT 1 FROM \"tasks\") THEN 1 ELSE 0 "
		"END, (SELECT max(\"at\") FROM \"tasks\"), (SELECT min(\"at\") FROM \"tasks\")\n");
	buf_release(&b);
}

static void test_sql_scalar_is_one_row_and_one_column(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_sql;

	assert_string_equal(measure_one(w, k, "{query: SELECT count(*) FROM tasks}"), "4");
	assert_string_equal(measure_one(w, k, "{query: SELECT 0.5}"), "0.5");
	assert_string_equal(measure_one(w, k, "{query: \"SELECT '9'\"}"), "'9'");
	assert_string_equal(measure_one(w, k, "{query: SELECT 250, unit: ms}"), "0.25 s");
	assert_string_equal(measure_one(w, k, "{query: 'SELECT 12.5', unit: '%'}"), "0.125 %");
	assert_string_equal(measure_one(w, k, "{query: SELECT 3, unit: orders}"), "3 orders");
	assert_string_equal(measure_one(w, k, "{query: 'SELECT 1 AS a, 2 AS b', value: b}"), "2");
	assert_string_equal(measure_one(w, k, "{query: SELECT NULL}"), "none: the value is NULL");
	assert_string_equal(measure_one(w, k, "{query: SELECT x'00'}"),
			    "none: the value is a blob");
	assert_has(measure_one(w, k, "{query: SELECT CAST(x'ff' AS TEXT)}"), "not valid UTF-8");
	assert_has(measure_one(w, k, "{query: \"SELECT printf('%.9999c', 'x')\"}"), "9999 bytes");
	assert_has(measure_one(w, k, "{query: SELECT 9e999}"), "infinity");
	assert_has(measure_one(w, k, "{query: SELECT 1 WHERE 0}"), "error: the query gave no rows");
	assert_has(measure_one(w, k, "{query: SELECT id FROM tasks}"),
		   "error: the query gave several rows where one value is expected");
	assert_has(measure_one(w, k, "{query: 'SELECT 1, 2'}"),
		   "error: the query gives 2 columns where one is to be judged");
	assert_has(measure_one(w, k, "{query: 'SELECT 1 AS a, 2 AS a', value: a}"),
		   "2 columns called \"a\"");
	assert_has(measure_one(w, k, "{query: SELECT 1 AS a, value: c}"), "no column called \"c\"");
	assert_has(measure_one(w, k, "{query: DELETE FROM tasks}"), "an audit only reads");
	refuse(w, k, "{query: ' '}", "the query is empty");
	refuse(w, k, "{value: x}", "query");
}

static void test_sql_labels_make_series(void **state)
{
	struct world *w = shop(state);
	const struct audit_kind *k = &audit_kind_sql;

	assert_string_equal(measure_one(w, k,
					"{query: 'SELECT state, count(*) FROM tasks GROUP BY "
					"state', labels: state}"),
			    "{state=\"NULL\"} 1; {state=\"done\"} 2; {state=\"new\"} 1");
	assert_string_equal(
		measure_one(w, k, "{query: 'SELECT 1 AS a, 2.5 AS b, 3 AS v', labels: [b, a]}"),
		"{b=\"2.5\",a=\"1\"} 3");
	assert_has(measure_one(w, k, "{query: 'SELECT state, 1 FROM tasks', labels: state}"),
		   "error: two rows have the same labels {state=\"done\"}");
	assert_has(measure_one(w, k, "{query: 'SELECT state FROM tasks', labels: state}"),
		   "error: the query gives 0 columns beside the labels");
	assert_has(measure_one(w, k, "{query: 'SELECT 1, 2', labels: state}"),
		   "no column called \"state\"");
	assert_has(
		measure_one(w, k, "{query: 'SELECT state, 1 FROM tasks WHERE 0', labels: state}"),
		"error: the query gave no rows");
	assert_has(
		measure_one(
			w, k,
			"{query: 'WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c"
			" WHERE x < 10001) SELECT x, 1 AS v FROM c', labels: x}"),
		"error: the query gave more than 10000 rows");
	refuse(w, k, "{query: SELECT 1, value: a, labels: [a]}", "label and value at once");
	refuse(w, k, "{query: SELECT 1, labels: [a, a]}", "written twice");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_scan_rows_counts),
		WORLD_TEST(test_scan_names_what_is_gone),
		WORLD_TEST(test_scan_filter_cannot_leave_its_place),
		WORLD_TEST(test_scan_missing_counts_and_shares),
		WORLD_TEST(test_scan_dropped_column_is_no_measurement),
		WORLD_TEST(test_scan_one_bad_of_two_hundred),
		WORLD_TEST(test_scan_isolates_what_fails_while_running),
		WORLD_TEST(test_scan_splits_at_the_column_limit),
		WORLD_TEST(test_scan_three_kinds_share_one_statement),
		WORLD_TEST(test_scan_merge_key_tells_filters_apart),
		WORLD_TEST(test_scan_freshness_reads_every_notation),
		WORLD_TEST(test_scan_freshness_refuses_what_is_no_time),
		WORLD_TEST(test_scan_freshness_errs_on_the_stale_side),
		WORLD_TEST(test_scan_extremes_alone_use_an_index),
		WORLD_TEST(test_sql_scalar_is_one_row_and_one_column),
		WORLD_TEST(test_sql_labels_make_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
