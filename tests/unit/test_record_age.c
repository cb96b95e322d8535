/* record: what appending costs does not depend on how much is in it. */
#include "record_world.h"

#include "runner/history/store.h"

#define N_USUAL 60
#define N_NEW	500

static struct result usual[N_USUAL], noise[N_NEW];

static void define(struct world *w)
{
	const struct check_info *other = world_check(w, "other/noise");

	for (size_t i = 0; i < N_USUAL; i++)
		usual[i] = world_result(w, world_check(w, arena_printf(w->arena, "usual/%zu", i)),
					"", OUTCOME_PASS, world_int(1));
	for (size_t i = 0; i < N_NEW; i++)
		noise[i] = world_result(w, other, arena_printf(w->arena, "{n=\"%zu\"}", i),
					OUTCOME_FAIL, world_int(11));
}

/* Pages that are read to add the usual results, by a handle that has seen none. */
static int misses(struct world *w)
{
	struct run_info run;
	struct err e = {0};
	int now, most;

	record_close(w->record);
	assert_ok(record_open(w->path, RECORD_WRITE, &w->record, &e), e);
	w->now_ms += WORLD_HOUR;
	run = world_begin(w, "any");
	assert_int_equal(
		sqlite3_db_status(w->record->db, SQLITE_DBSTATUS_CACHE_MISS, &now, &most, 1),
		SQLITE_OK);
	world_add(w, &run, usual, N_USUAL);
	assert_int_equal(
		sqlite3_db_status(w->record->db, SQLITE_DBSTATUS_CACHE_MISS, &now, &most, 0),
		SQLITE_OK);
	world_end(w, &run, OUTCOME_PASS);
	return now;
}

static void test_record_appending_does_not_grow(void **state)
{
	struct world *w = *state;
	int young, old;

	needs_file("a copy of a shared record is written otherwise");
	define(w);
	(void)misses(w);
	young = misses(w);
	for (int i = 0; i < 40; i++) { /* 20,000 failures, each in its own words */
		struct run_info run = world_begin(w, "any");

		for (size_t k = 0; k < N_NEW; k++)
			noise[k].evidence = arena_printf(w->arena, "row %d.%zu", i, k);
		world_add(w, &run, noise, N_NEW);
		world_end(w, &run, OUTCOME_FAIL);
	}
	assert_true(ask(w->path, "SELECT count(*) FROM facts") > 20000);
	old = misses(w);
	if (old > young + 30)
		fail_msg("%d pages are read where %d were when the record was new", old, young);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_record_appending_does_not_grow, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
