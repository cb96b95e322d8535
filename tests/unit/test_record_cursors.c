/* record: how far checks have read goes forward, with the results it was read for. */
#include "record_world.h"

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static const char *cursor_of(struct world *w, const char *check)
{
	const char *state = NULL;
	struct err e = {0};

	assert_ok(record_cursor(w->record, w->arena, check, &state, &e), e);
	return state;
}

static void move(struct world *w, const struct run_info *run, const char *to)
{
	struct result r = world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));

	r.cursor = to;
	world_add(w, run, &r, 1);
}

static void test_record_moves_cursors_forward(void **state)
{
	struct world *w = *state;
	struct run_info first = world_begin(w, "v1"), second = world_begin(w, "v1");

	assert_null(cursor_of(w, "a/b"));
	move(w, &second, "two");
	assert_string_equal(cursor_of(w, "a/b"), "two");
	move(w, &first, "one"); /* it began before */
	assert_string_equal(cursor_of(w, "a/b"), "two");
	second = world_begin(w, "v2");
	move(w, &second, NULL);
	assert_string_equal(cursor_of(w, "a/b"), "two");
	second = world_begin(w, "v2");
	move(w, &second, "three");
	assert_string_equal(cursor_of(w, "a/b"), "three");
	assert_null(cursor_of(w, "a/other"));
	assert_int_equal(ask(w->path, "SELECT count(*) FROM cursors"), 1);
}

static void test_record_moves_no_cursor_without_its_results(void **state)
{
	struct world *w = *state;
	struct run_info run = world_begin(w, "v1"), next;
	struct result r = world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));
	struct err e = {0};

	needs_file("a table is exchanged behind its back");
	move(w, &run, "one");
	/* The results can be written, the cursor cannot; then the other way round. */
	execute(w->path, "CREATE TABLE kept AS SELECT * FROM cursors; DROP TABLE cursors; "
			 "CREATE TABLE cursors(check_id INTEGER PRIMARY KEY, run INTEGER, "
			 "state TEXT CHECK (state <> 'two')); "
			 "INSERT INTO cursors SELECT * FROM kept");
	next = world_begin(w, "v1");
	r.cursor = "two";
	assert_int_equal(record_results(w->record, next.id, &r, 1, NULL, 0, &e), -1);
	assert_int_equal(e.class, ERR_RECORD);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM results"), 1);
	execute(w->path, "CREATE UNIQUE INDEX one ON results(value)");
	r.cursor = "three";
	assert_int_equal(record_results(w->record, next.id, &r, 1, NULL, 0, &e), -1);
	assert_string_equal(cursor_of(w, "a/b"), "one");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_moves_cursors_forward),
		TEST(test_record_moves_no_cursor_without_its_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
