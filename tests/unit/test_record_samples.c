/* record: repetitions behind results, and which runs are history for which. */
#include "record_world.h"

#include <sqlite3.h>

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int64_t run_of(struct world *w, const struct check_info *c, enum outcome outcome,
		      const double *values, size_t n)
{
	struct result r = world_result(w, c, "time", outcome, world_real(values[0]));

	r.samples = values;
	r.n_samples = n;
	return world_run(w, "", r);
}

static size_t history(struct world *w, const struct check_info *c, int64_t before, size_t limit,
		      bool is_any_host, struct sample_run **out)
{
	const struct sample_query q = {.check = c->name,
				       .series = "time",
				       .hash = c->hash,
				       .before_run_id = before,
				       .is_any_host = is_any_host,
				       .limit = limit};
	struct err e = {0};
	size_t n;

	assert_ok(record_sample_runs(w->record, w->arena, &q, out, &n, &e), e);
	return n;
}

static void test_record_samples_come_back_exactly(void **state)
{
	static const double values[] = {0.1, -0.0, 5e-324, 1.7976931348623157e308, 3, 1.0 / 3};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/time");
	struct run_info run = world_begin(w, "");
	struct result r[] = {world_result(w, c, "time", OUTCOME_PASS, world_real(1)),
			     world_result(w, c, "p95", OUTCOME_PASS, world_real(1))};
	struct result *out;
	struct err e = {0};
	size_t n;

	r[0].samples = values;
	r[0].n_samples = 6;
	world_add(w, &run, r, 2);
	assert_ok(record_run_results(w->record, w->arena, run.id, &out, &n, &e), e);
	assert_int_equal(n, 2);
	assert_null(out[0].samples); /* not read unless asked for */
	assert_ok(record_run_samples(w->record, w->arena, run.id, out, n, &e), e);
	assert_int_equal(out[0].n_samples, 6);
	assert_memory_equal(out[0].samples, values, sizeof(values));
	assert_int_equal(out[1].n_samples, 0);
	assert_null(out[1].samples);
}

static void test_record_history_is_what_passed_before(void **state)
{
	static const double v[] = {1, 2, 3};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/time");
	struct check_info *other = world_check(w, "b/time"); /* defined otherwise */
	struct sample_run *runs;
	int64_t ids[6], before;

	other->hash[31] ^= 1;
	assert_int_equal(history(w, c, 1, 9, false, &runs), 0);
	ids[0] = run_of(w, c, OUTCOME_UNDECIDED, v, 1);
	ids[1] = run_of(w, c, OUTCOME_PASS, v, 3);
	ids[2] = run_of(w, c, OUTCOME_FAIL, v, 2);
	ids[3] = run_of(w, other, OUTCOME_PASS, v, 2);
	ids[4] = run_of(w, c, OUTCOME_WARN, &v[1], 2);
	ids[5] = run_of(w, c, OUTCOME_PASS, &v[2], 1);
	before = ids[5];
	assert_int_equal(history(w, c, before, 9, false, &runs), 3);
	assert_int_equal(runs[0].run_id, ids[0]);
	assert_int_equal(runs[1].run_id, ids[1]);
	assert_int_equal(runs[1].n, 3);
	assert_memory_equal(runs[1].values, v, sizeof(v));
	assert_int_equal(runs[2].run_id, ids[4]);
	assert_int_equal(runs[2].outcome, OUTCOME_WARN);
	/* the newest ones, oldest first */
	assert_int_equal(history(w, c, before, 2, false, &runs), 2);
	assert_int_equal(runs[0].run_id, ids[1]);
	assert_int_equal(history(w, other, before, 9, false, &runs), 1);
	assert_int_equal(runs[0].run_id, ids[3]);
}

static void test_record_history_is_of_the_same_host(void **state)
{
	static const double v[] = {1, 2};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/time");
	struct sample_run *runs;
	int64_t last;

	needs_file("rows are changed behind its back");
	(void)run_of(w, c, OUTCOME_PASS, v, 2);
	(void)run_of(w, c, OUTCOME_PASS, v, 2);
	last = run_of(w, c, OUTCOME_PASS, v, 2);
	execute(w->path, "UPDATE runs SET host = (SELECT id FROM texts WHERE body = 'audit') "
			 "WHERE id = 1");
	assert_int_equal(history(w, c, last, 9, false, &runs), 1);
	assert_int_equal(history(w, c, last, 9, true, &runs), 2);
}

static void test_record_damaged_samples_are_refused(void **state)
{
	static const char *const damages[] = {"x''", "x'0102030405060708ff'", "x'00'"};
	static const double v[] = {1, 2};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "b/time");
	int64_t id = run_of(w, c, OUTCOME_PASS, v, 2);
	const struct sample_query q = {.check = "b/time",
				       .series = "time",
				       .hash = c->hash,
				       .before_run_id = id + 1,
				       .is_any_host = true,
				       .limit = 9};
	struct result *results;
	struct sample_run *runs;
	struct err e = {0};
	size_t n;

	needs_file("rows are changed behind its back");
	assert_ok(record_run_results(w->record, w->arena, id, &results, &n, &e), e);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		execute(w->path,
			arena_printf(w->arena, "UPDATE samples SET body = %s", damages[i]));
		assert_int_equal(record_sample_runs(w->record, w->arena, &q, &runs, &n, &e), -1);
		assert_int_equal(e.class, ERR_RECORD);
		assert_non_null(strstr(e.message, "repetitions of a result are damaged"));
		assert_int_equal(record_run_samples(w->record, w->arena, id, results, 1, &e), -1);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_samples_come_back_exactly),
		TEST(test_record_history_is_what_passed_before),
		TEST(test_record_history_is_of_the_same_host),
		TEST(test_record_damaged_samples_are_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
