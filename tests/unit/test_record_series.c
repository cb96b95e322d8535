/* record: series through time, one and many at once. */
#include "record_world.h"

#include <sqlite3.h>

static void test_record_series_through_time(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct point *out;
	struct err e = {0};
	int64_t runs[6];
	size_t n;

	for (int i = 0; i < 6; i++) {
		struct result r =
			world_result(w, c, "s", i == 3 ? OUTCOME_FAIL : OUTCOME_PASS, world_int(i));

		r.limit = 10 + i; /* a moving bound */
		r.room = r.value.type == VALUE_INT ? i / r.limit : NAN;
		r.unit = "s";
		runs[i] = world_run(w, i < 2 ? "v1" : "v2", r);
	}
	assert_ok(record_series(w->record, w->arena, "a/b", "s", 0, 0, &out, &n, &e), e);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(out[i].run_id, runs[i]);
		assert_int_equal(out[i].value.integer, i);
		assert_int_equal(out[i].measured_ms, WORLD_T0 + (int64_t)(i + 1) * WORLD_HOUR);
		assert_int_equal(out[i].outcome, i == 3 ? OUTCOME_FAIL : OUTCOME_PASS);
		assert_true(out[i].has_limit && out[i].limit == 10 + (double)i);
		assert_true(out[i].room == (double)i / (10 + (double)i));
		assert_string_equal(out[i].bound, "<= 10");
		assert_string_equal(out[i].unit, "s");
		assert_string_equal(out[i].subject, i < 2 ? "v1" : "v2");
	}
	assert_ok(record_series(w->record, w->arena, "a/b", "s", 0, 2, &out, &n, &e), e);
	assert_int_equal(n, 2);
	assert_int_equal(out[0].run_id, runs[4]);
	assert_ok(record_series(w->record, w->arena, "a/b", "s", WORLD_T0 + 4 * WORLD_HOUR, 0, &out,
				&n, &e),
		  e);
	assert_int_equal(n, 3);
	assert_int_equal(out[0].run_id, runs[3]);
	assert_ok(record_series(w->record, w->arena, "a/b", "t", 0, 0, &out, &n, &e), e);
	assert_int_equal(n, 0);
}

/* Does series measure in the run of this number (from 1)? One always, others seldom or no more. */
static bool is_measured(size_t series, int64_t run)
{
	switch (series) {
	case 0:
		return true;
	case 1:
		return run % 3 == 0;
	case 2:
		return run <= 100;
	case 3:
		return run % 50 == 7;
	default:
		return false;
	}
}

#define TRAIL_RUNS   200
#define TRAIL_SERIES 5
#define CROWD	     40 /* series of others, in the older half */

static void assert_trail(size_t series, int64_t up_to, size_t limit, const struct point *points,
			 size_t n)
{
	size_t seen = 0;

	for (int64_t run = up_to; run > 0 && (limit == 0 || seen < limit); run--) {
		const struct point *p;

		if (!is_measured(series, run))
			continue;
		seen++;
		assert_true(seen <= n);
		p = &points[n - seen];
		assert_int_equal(p->run_id, run);
		assert_int_equal(p->value.integer, run * 10 + (int64_t)series);
		assert_int_equal(p->outcome, run % 4 == 0 ? OUTCOME_FAIL : OUTCOME_PASS);
		assert_string_equal(p->subject, run % 2 == 0 ? "even" : "odd");
	}
	assert_int_equal(n, seen);
}

/* wanted[k] is of series TRAIL_SERIES - 1 - k. */
static void assert_trails(struct world *w, const struct result wanted[static TRAIL_SERIES])
{
	static const size_t limits[] = {0, 1, 3, 50, 64, 65, 150, 1000};
	static const int64_t ends[] = {TRAIL_RUNS, 131, 64, 1};
	struct point *out[TRAIL_SERIES];
	size_t n[TRAIL_SERIES];
	struct err e = {0};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		for (size_t k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
			assert_ok(record_trails(w->record, w->arena, ends[k], wanted, TRAIL_SERIES,
						limits[i], out, n, &e),
				  e);
			for (size_t x = 0; x < TRAIL_SERIES; x++)
				assert_trail(TRAIL_SERIES - 1 - x, ends[k], limits[i], out[x],
					     n[x]);
		}
}

/* Where something was merged, numbers of runs do not tell their order: another way is taken. */
static void note_merge(struct world *w)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "INSERT INTO merges(seq, identity, first, size, root, vouched, "
			     "at_ms, host, user) VALUES (1, x'', 0, 0, x'', 2, 0, 0, 0)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_record_trails_are_those_of_each_series(void **state)
{
	static const char *const names[TRAIL_SERIES] = {"s0", "s1", "s2", "s3", "never"};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct result wanted[TRAIL_SERIES], r[TRAIL_SERIES + CROWD];

	for (size_t k = 0; k < TRAIL_SERIES; k++)
		wanted[k] =
			world_result(w, c, names[TRAIL_SERIES - 1 - k], OUTCOME_PASS, world_int(0));
	for (int64_t run = 1; run <= TRAIL_RUNS; run++) {
		struct run_info begun = world_begin(w, run % 2 == 0 ? "even" : "odd");
		size_t count = 0;

		assert_int_equal(begun.id, run);
		for (size_t k = 0; k < TRAIL_SERIES; k++)
			if (is_measured(k, run))
				r[count++] = world_result(
					w, c, names[k], run % 4 == 0 ? OUTCOME_FAIL : OUTCOME_PASS,
					world_int(run * 10 + (int64_t)k));
		for (size_t k = 0; run <= TRAIL_RUNS / 2 && k < CROWD; k++)
			r[count++] = world_result(w, c, arena_printf(w->arena, "crowd %zu", k),
						  OUTCOME_PASS, world_int(1));
		world_add(w, &begun, r, count);
	}
	assert_trails(w, wanted);
	note_merge(w);
	assert_trails(w, wanted);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_series_through_time),
		TEST(test_record_trails_are_those_of_each_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
