/* scan: every aggregate, and segments, seen through a kind that asks for anything. */
#include "tests/unit/database_world.h"

#include "audits/scan.h"

/* asking: one series per aggregate of one expression, and the rows. */
struct asking_spec {
	struct scan_spec scan;
	const char *expression, *condition;
};

static const struct key_row asking_keys[] = {
	SCAN_KEYS,
	{.name = "of", .type = KEY_TEXT, .offset = offsetof(struct asking_spec, expression)},
	{.name = "if", .type = KEY_TEXT, .offset = offsetof(struct asking_spec, condition)},
	KEY_END,
};

static const char *const names[] = {"count", "",    "others", "sum",	 "min",
				    "max",   "avg", "stddev", "distinct"};

static void asking_add(struct scan *s, const struct check *c)
{
	const struct asking_spec *spec = c->spec;

	for (int how = SCAN_COUNT; how <= SCAN_DISTINCT; how++)
		if (how != SCAN_COUNT_IF)
			(void)scan_add(s, (enum scan_aggregate)how, spec->expression);
	(void)scan_add(s, SCAN_COUNT_IF, spec->condition ? spec->condition : "1 = 1");
}

static struct measurement measure(struct world *w, const char *name, const struct db_value *v)
{
	switch (v->type) {
	case DB_INT:
		return measurement_int(name, v->integer, "");
	case DB_REAL:
		return measurement_real(name, v->real, "");
	case DB_TEXT:
		return measurement_text(name, arena_strndup(w->arena, v->text, v->len));
	case DB_BLOB:
	case DB_NULL:
		break;
	}
	return measurement_none(name, "NULL");
}

static void asking_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct asking_spec *spec = p->checks[check]->spec;
	struct world w = {.arena = p->arena};

	for (int how = SCAN_COUNT; how <= SCAN_DISTINCT; how++) {
		struct scan_term *t =
			how == SCAN_COUNT_IF
				? scan_add(s, SCAN_COUNT_IF,
					   spec->condition ? spec->condition : "1 = 1")
				: scan_add(s, (enum scan_aggregate)how, spec->expression);
		struct measurement m =
			measure(&w, how == SCAN_COUNT_IF ? "if" : names[how], scan_value(s, t));

		m.n = scan_rows(s, t);
		scan_emit(s, check, &m, t);
	}
}

static const struct scan_part asking_part = {.add = asking_add, .emit = asking_emit};

static void asking_check(struct keys_context *ctx, struct check *c)
{
	scan_check(ctx, c, &asking_part);
}

static const struct audit_kind asking = {
	.name = "asking",
	.spec_size = sizeof(struct asking_spec),
	.keys = asking_keys,
	.targets = TARGET_DATABASES,
	.check = asking_check,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
};

/* "count 3; if 3; sum 6; ..." and, with labels, those. */
static const char *answers(struct world *w, const char *yaml)
{
	const struct check *c = check(w, &asking, yaml);
	struct probe p;
	struct buf b;

	if (run_checks(w, &c, 1, &p) != 0)
		return arena_printf(w->arena, "error: %s%s%s", w->err.message,
				    w->err.help[0] ? " | " : "", w->err.help);
	buf_init(&b, BUF_UNBOUNDED);
	for (size_t i = 0; i < p.n_emitted; i++) {
		const struct measurement *m = &p.emitted[i].measurement;

		buf_printf(&b, "%s%s ", i > 0 ? "; " : "", measurement_series(w->arena, m));
		if (m->value.type == VALUE_NONE)
			buf_puts(&b, m->reason);
		else if (m->value.type == VALUE_REAL)
			buf_printf(&b, "%.15g", m->value.real);
		else
			value_format(&b, &m->value, "");
	}
	const char *text = arena_strdup(w->arena, b.data);

	buf_release(&b);
	return text;
}

static void test_scan_answers_every_aggregate(void **state)
{
	struct world *w = *state;

	execute(w, "CREATE TABLE t (a INT, b REAL, c TEXT);"
		   "INSERT INTO t VALUES (1, 0.5, 'x'), (2, 0.25, 'y'), (6, NULL, 'x'),"
		   " (NULL, NULL, NULL), (2, 0.25, 'Z')");
	assert_string_equal(answers(w, "{table: t, of: a, if: a > 1}"),
			    "count 4; if 3; others 0; sum 11; min 1; max 6; avg 2.75; "
			    "stddev 2.21735578260835; distinct 3");
	assert_string_equal(answers(w, "{table: t, of: b, where: a = 2}"),
			    "count 2; if 2; others 0; sum 0.5; min 0.25; max 0.25; avg 0.25; "
			    "stddev 0; distinct 1");
	assert_has(answers(w, "{table: t, of: c}"), "count 4; if 5; others 4; sum NULL;");
	assert_has(answers(w, "{table: t, of: c}"), "min \"Z\"; max \"y\";");
	assert_has(answers(w, "{table: t, of: c}"), "distinct 3");
	assert_has(answers(w, "{table: t, of: 'a + 1 -- one more'}"), "sum 15; min 2; max 7");
	/* a number as expression is a value, not the place of a column */
	assert_has(answers(w, "{table: t, of: '1'}"), "distinct 1");
	assert_string_equal(answers(w, "{table: t, of: a, where: a > 9}"),
			    "count 0; if 0; others 0; sum NULL; min NULL; max NULL; avg NULL; "
			    "stddev NULL; distinct 0");
	assert_has(answers(w, "{table: t, of: a, where: a = 1}"), "avg 1; stddev NULL; distinct 1");
}

/* Two spellings are two questions; one text is one. */
static void test_scan_questions_never_share_an_answer(void **state)
{
	struct world *w = *state;
	struct check *c = read_check(w, &asking, "{table: t, of: a}");
	struct probe p = {.world = &w->probe_world, .arena = w->arena, .n_checks = 1};
	const struct check *checks[] = {c};
	struct scan s = {.probe = &p, .spec = c->spec};

	p.checks = checks;
	map_init(&s.by_question, w->arena);
	map_init(&s.by_expression, w->arena);
	struct scan_term *first = scan_add(&s, SCAN_SUM, "a");

	assert_ptr_equal(scan_add(&s, SCAN_SUM, "a"), first);
	assert_ptr_not_equal(scan_add(&s, SCAN_COUNT, "a"), first);
	assert_ptr_not_equal(scan_add(&s, SCAN_SUM, "a "), first);
	assert_ptr_not_equal(scan_add(&s, SCAN_SUM, "A"), first);
	assert_int_equal(s.n, 4);
}

static void test_scan_stddev_does_not_cancel(void **state)
{
	struct world *w = *state;

	execute(w, "CREATE TABLE t (a REAL); WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT "
		   "i + 1 FROM n WHERE i < 9999) INSERT INTO t SELECT 1e9 + i % 2 FROM n");
	/* sqrt(10000 / 9999) / 2 */
	assert_has(answers(w, "{table: t, of: a}"), "stddev 0.50002500187");
}

static void test_scan_a_bad_expression_costs_its_own_answers(void **state)
{
	struct world *w = *state;
	const char *s;

	execute(w, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)");
	s = answers(w, "{table: t, of: nosuch, if: a = 1}");
	assert_has(s, "count table \"t\": could not run the query: no such column: nosuch; if 1;");
	assert_has(s, "distinct table \"t\": could not run the query: no such column: nosuch");
	s = answers(w, "{table: t, of: 'a), (a', if: a = 1}");
	assert_has(s, "if 1;");
	assert_has(s, "distinct table \"t\": ");
}

static void test_scan_by_gives_a_series_a_segment(void **state)
{
	struct world *w = *state;
	const struct audit_kind *rows = &audit_kind_rows, *missing = &audit_kind_missing;

	execute(w, "CREATE TABLE t (state TEXT COLLATE NOCASE, n INT, a INT);"
		   "INSERT INTO t VALUES ('new', 1, NULL), ('done', 2, 5), ('done', 2, NULL),"
		   " (NULL, NULL, 7), ('Done', 3, 1)");
	assert_string_equal(
		measure_one(w, rows, "{table: t, by: state}"),
		"{state=\"(null)\"} 1 rows; {state=\"Done\"} 1 rows; {state=\"done\"} 2 rows; "
		"{state=\"new\"} 1 rows");
	assert_string_equal(measure_one(w, rows, "{table: t, by: [state, n], where: n = 2}"),
			    "{state=\"done\",n=\"2\"} 2 rows");
	assert_string_equal(
		measure_one(w, missing, "{table: t, by: state, columns: [a], where: n > 0}"),
		"{column=\"a\",state=\"Done\"} 0 rows of 1; {column=\"a\",state=\"done\"} 1 rows "
		"of 2; {column=\"a\",state=\"new\"} 1 rows of 1");
	assert_has(answers(w, "{table: t, of: a, by: n, where: n = 2}"),
		   "count{n=\"2\"} 1; if{n=\"2\"} 2; others{n=\"2\"} 0; sum{n=\"2\"} 5; "
		   "min{n=\"2\"} 5; max{n=\"2\"} 5; avg{n=\"2\"} 5; stddev{n=\"2\"} NULL; "
		   "distinct{n=\"2\"} 1");
	assert_has(answers(w, "{table: t, of: a, by: n, where: n = 1}"), "distinct{n=\"1\"} 0");
}

static void test_scan_by_without_segments_is_no_measurement(void **state)
{
	struct world *w = *state;
	const struct audit_kind *rows = &audit_kind_rows;

	execute(w, "CREATE TABLE t (state TEXT, b BLOB); CREATE TABLE u (state TEXT);"
		   "INSERT INTO u VALUES ('x')");
	assert_string_equal(measure_one(w, rows, "{table: t, by: state}"),
			    "error: table \"t\" has no rows, hence no segment");
	assert_has(measure_one(w, rows, "{table: u, by: state, where: state = 'y'}"),
		   "no rows for which the condition holds, hence no segment");
	assert_has(measure_one(w, rows, "{table: u, by: stat}"),
		   "no such column: stat | did you mean \"state\"?");
	assert_has(measure_one(w, &audit_kind_missing, "{table: u, by: state, columns: nosuch}"),
		   "{column=\"nosuch\",state=\"x\"} none: table \"u\": ");
	refuse(w, rows, "{table: t, by: [state, state]}", "written twice in by:");
}

static void test_scan_by_has_a_ceiling(void **state)
{
	struct world *w = *state;
	const struct audit_kind *rows = &audit_kind_rows;

	execute(w, "CREATE TABLE t (a INT, b); WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT "
		   "i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i, x'ff' FROM n");
	assert_string_equal(measure_one(w, rows, "{table: t, by: a}"),
			    "error: table \"t\": by: gives more than 1000 segments | segment by "
			    "fewer or coarser columns, or narrow the rows with where:");
	assert_has(measure_one(w, rows, "{table: t, by: a, where: a > 0}"), "{a=\"999\"} 1 rows");
	assert_has(measure_one(w, rows, "{table: t, by: b}"),
		   "column \"b\" of by: holds values that are not text");
	execute(w, "UPDATE t SET b = printf('%.300c', 'x')");
	assert_has(measure_one(w, rows, "{table: t, by: b}"), "longer than 256 bytes");
}

/* "{column="a"} 2000 rows of 20000": the two numbers. */
static void share_of(struct world *w, const char *yaml, long long *n, long long *total)
{
	const char *s = measure_one(w, &audit_kind_missing, yaml);

	if (sscanf(s, "{column=\"a\"} %lld rows of %lld", n, total) != 2)
		fail_msg("%s", s);
}

static void test_scan_sample_is_a_part_that_is_like_the_whole(void **state)
{
	struct world *w = *state;
	long long n, total, first;

	execute(w,
		"CREATE TABLE t (id INTEGER PRIMARY KEY, a INT); WITH RECURSIVE n (i) AS (SELECT "
		"1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, "
		"iif(i % 10, i, NULL) FROM n");
	for (int k = 0; k < 5; k++) {
		w->clock = clock_fixed(WORLD_NOW_MS + k * 1000);
		share_of(w, "{table: t, columns: a, sample: '10%'}", &n, &total);
		assert_in_range(total, 1900, 2200);
		assert_in_range(n, total / 12, total / 8);
		share_of(w, "{table: t, columns: a, sample: 1000, where: 'a > 0 OR a IS NULL'}", &n,
			 &total);
		assert_in_range(total, 950, 1100);
	}
	/* every row has its chance: NULLs at the one end are in the sample at the other seed */
	execute(w, "UPDATE t SET a = iif(id % 625 < 320, 1, NULL)");
	share_of(w, "{table: t, columns: a, sample: '50%'}", &first, &total);
	w->clock = clock_fixed(WORLD_NOW_MS + 7);
	share_of(w, "{table: t, columns: a, sample: '50%'}", &n, &total);
	assert_int_not_equal(n, first);
	/* more than there are: all */
	share_of(w, "{table: t, columns: a, sample: 30000}", &n, &total);
	assert_int_equal(total, 20000);
}

static void test_scan_sample_says_that_it_is_one(void **state)
{
	struct world *w = *state;
	struct probe p;

	execute(w, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2), (NULL);"
		   "CREATE VIEW v AS SELECT * FROM t");
	const struct check *c =
		check(w, &audit_kind_missing, "{table: t, columns: a, sample: '90%'}");

	assert_int_equal(run_checks(w, &c, 1, &p), 0);
	assert_has(p.emitted[0].measurement.evidence, "a sample of 90%: ");
	assert_has(p.emitted[0].measurement.query, " BETWEEN ");
	assert_has(measure_one(w, &audit_kind_missing, "{table: v, columns: a, sample: '9%'}"),
		   "error: table \"v\": cannot take a sample: it has no integer key to choose by");
	assert_has(measure_one(w, &audit_kind_missing,
			       "{table: t, columns: a, sample: '9%', where: '1) OR (1'}"),
		   "the filter cannot be told from what would stand beside it");
	refuse(w, &audit_kind_missing, "{table: t, columns: a, sample: lots}",
	       "a sample is a share");
	refuse(w, &audit_kind_missing, "{table: t, columns: a, sample: 100%}",
	       "a sample is a share");
	refuse(w, &audit_kind_missing, "{table: t, columns: a, sample: 0}", "a sample is a share");
	refuse(w, &audit_kind_rows, "{table: t, sample: 9%}",
	       "kind \"rows\" asks of all rows, not of a sample");
	refuse(w, &audit_kind_freshness, "{table: t, column: a, sample: 9%}", "not of a sample");
	refuse(w, &audit_kind_duplicates, "{table: t, columns: a, sample: 9%}", "not of a sample");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_scan_answers_every_aggregate),
		WORLD_TEST(test_scan_questions_never_share_an_answer),
		WORLD_TEST(test_scan_stddev_does_not_cancel),
		WORLD_TEST(test_scan_a_bad_expression_costs_its_own_answers),
		WORLD_TEST(test_scan_by_gives_a_series_a_segment),
		WORLD_TEST(test_scan_by_without_segments_is_no_measurement),
		WORLD_TEST(test_scan_by_has_a_ceiling),
		WORLD_TEST(test_scan_sample_is_a_part_that_is_like_the_whole),
		WORLD_TEST(test_scan_sample_says_that_it_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
