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

#define TRAIL_RUNS 200
#define CROWD	   40 /* series of another check, in the older half */

enum { ALWAYS, THIRDS, NO_MORE, SELDOM, NEVER, WHOLE, TRAIL_SERIES };
static const char *const trail_names[TRAIL_SERIES] = {"s0", "s1", "s2", "s3", "never", ""};

/* In these runs the check could not be measured at all. */
static bool is_out(int64_t run)
{
	return run % 29 == 0 || (run > 120 && run < 124);
}

static bool is_measured(size_t series, int64_t run)
{
	switch (series) {
	case ALWAYS:
		return !is_out(run);
	case THIRDS:
		return !is_out(run) && run % 3 == 0;
	case NO_MORE:
		return !is_out(run) && run <= 100;
	case SELDOM:
		return !is_out(run) && run % 50 == 7;
	default:
		return false;
	}
}

static void assert_point(size_t series, int64_t run, const struct point *p)
{
	enum outcome outcome = run % 4 == 0 ? OUTCOME_FAIL : OUTCOME_PASS;

	assert_int_equal(p->run_id, run);
	assert_int_equal(p->outcome, is_out(run) ? OUTCOME_UNDECIDED : outcome);
	assert_int_equal(p->measured_ms, WORLD_T0 + run * WORLD_HOUR);
	assert_string_equal(p->subject, run % 2 == 0 ? "even" : "odd");
	if (is_out(run) || series == WHOLE) {
		assert_int_equal(p->value.type, VALUE_NONE);
		return;
	}
	assert_int_equal(p->value.integer, run * 10 + (int64_t)series);
}

static void assert_trail(size_t series, int64_t up_to, size_t limit, const struct point *points,
			 size_t n)
{
	size_t seen = 0;

	for (int64_t run = up_to; run > 0 && (limit == 0 || seen < limit); run--) {
		if (series == NEVER ||
		    (series != WHOLE && !is_out(run) && !is_measured(series, run)))
			continue;
		seen++;
		assert_true(seen <= n);
		assert_point(series, run, &points[n - seen]);
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
	for (size_t x = 0; x < TRAIL_SERIES; x++) {
		assert_ok(record_series(w->record, w->arena, "a/b", trail_names[x], 0, 150, out, n,
					&e),
			  e);
		assert_trail(x, TRAIL_RUNS, 150, out[0], n[0]);
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

/* What the run of this number has, in r. */
static size_t results_of(struct world *w, int64_t run, struct result *r)
{
	const struct check_info *c = world_check(w, "a/b");
	const struct check_info *other = world_check(w, "z/crowd");
	enum outcome outcome = run % 4 == 0 ? OUTCOME_FAIL : OUTCOME_PASS;
	size_t n = 0;

	for (size_t k = 0; k < TRAIL_SERIES; k++)
		if (is_measured(k, run))
			r[n++] = world_result(w, c, trail_names[k], outcome,
					      world_int(run * 10 + (int64_t)k));
	if (is_out(run))
		r[n++] = world_result(w, c, "", OUTCOME_UNDECIDED, (struct value){0});
	for (size_t k = 0; run <= TRAIL_RUNS / 2 && k < CROWD; k++)
		r[n++] = world_result(w, other, arena_printf(w->arena, "crowd %zu", k),
				      OUTCOME_PASS, world_int(1));
	return n;
}

static void test_record_trails_are_those_of_each_series(void **state)
{
	struct world *w = *state;
	struct result wanted[TRAIL_SERIES], r[TRAIL_SERIES + CROWD];

	for (size_t k = 0; k < TRAIL_SERIES; k++)
		wanted[k] =
			world_result(w, world_check(w, "a/b"), trail_names[TRAIL_SERIES - 1 - k],
				     OUTCOME_PASS, world_int(0));
	for (int64_t run = 1; run <= TRAIL_RUNS; run++) {
		struct run_info begun;

		w->now_ms += WORLD_HOUR;
		begun = world_begin(w, run % 2 == 0 ? "even" : "odd");
		assert_int_equal(begun.id, run);
		world_add(w, &begun, r, results_of(w, run, r));
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
