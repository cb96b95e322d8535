/* record: how far checks have read is for runs to say that something may rest on. */
#include "record_world.h"

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* NULL = there is none. */
static void is_at(struct world *w, const struct check_info *check, const char *own,
		  const char *other)
{
	struct record_cursor at;
	struct err e = {0};

	assert_ok(record_cursor(w->record, w->arena, check->name, check->hash, &at, &e), e);
	assert_string_equal(at.own != NULL ? at.own : "none", own != NULL ? own : "none");
	assert_string_equal(at.other != NULL ? at.other : "none", other != NULL ? other : "none");
}

static void move(struct world *w, const struct run_info *run, const struct check_info *check,
		 const char *to)
{
	struct result r = world_result(w, check, "", OUTCOME_PASS, world_int(1));

	r.cursor = to;
	world_add(w, run, &r, 1);
}

static void test_record_moves_cursors_forward(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info first = world_begin(w, "v1"), second = world_begin(w, "v1");
	struct err e = {0};

	is_at(w, c, NULL, NULL);
	move(w, &second, c, "two");
	is_at(w, c, NULL, NULL); /* it may yet be stopped */
	world_end(w, &second, OUTCOME_FAIL);
	is_at(w, c, "two", "two");
	move(w, &first, c, "one"); /* it began before */
	world_end(w, &first, OUTCOME_PASS);
	is_at(w, c, "two", "two");
	second = world_begin(w, "v2");
	move(w, &second, c, NULL);
	world_end(w, &second, OUTCOME_PASS);
	is_at(w, c, "two", "two");
	second = world_begin(w, "v2");
	move(w, &second, c, "three");
	second.end_ms = w->now_ms + 1;
	second.state = RUN_INTERRUPTED;
	assert_ok(record_end(w->record, &second, &e), e);
	is_at(w, c, "two", "two");
	is_at(w, world_check(w, "a/other"), NULL, NULL);
}

static void test_record_cursors_are_of_one_definition(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b"), *looser = world_check(w, "a/b");
	struct run_info run = world_begin(w, "v1");

	memset(looser->hash, 0x22, sizeof(looser->hash));
	move(w, &run, c, "one");
	world_end(w, &run, OUTCOME_PASS);
	run = world_begin(w, "v1");
	move(w, &run, looser, "two");
	world_end(w, &run, OUTCOME_PASS);
	is_at(w, c, "one", "two");
	is_at(w, looser, "two", "two");
	memset(looser->hash, 0x33, sizeof(looser->hash));
	is_at(w, looser, NULL, "two");
}

static void test_record_cursors_of_parts_wait_for_the_whole(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_shard shard = {.index = 1, .total = 2};
	struct run_info one, two;

	memset(shard.manifest, 0x44, sizeof(shard.manifest));
	one = world_begin_part(w, "v1", shard);
	move(w, &one, c, "one");
	world_end(w, &one, OUTCOME_PASS);
	is_at(w, c, NULL, NULL);
	shard.index = 2;
	two = world_begin_part(w, "v1", shard);
	is_at(w, c, NULL, NULL);
	world_end(w, &two, OUTCOME_PASS);
	is_at(w, c, "one", "one");
}

static void test_record_moves_no_cursor_without_its_results(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct run_info run = world_begin(w, "v1"), next;
	struct result r = world_result(w, c, "", OUTCOME_PASS, world_int(1));
	struct err e = {0};

	needs_file("a table is exchanged behind its back");
	move(w, &run, c, "one");
	world_end(w, &run, OUTCOME_PASS);
	/* The results can be written, the cursor cannot; then the other way round. */
	execute(w->path, "CREATE TABLE kept AS SELECT * FROM cursor_moves; DROP TABLE "
			 "cursor_moves; CREATE TABLE cursor_moves(id INTEGER PRIMARY KEY, seq "
			 "INTEGER, check_id INTEGER, run INTEGER, state TEXT CHECK (state <> "
			 "'two')); INSERT INTO cursor_moves SELECT * FROM kept");
	next = world_begin(w, "v1");
	r.cursor = "two";
	assert_int_equal(record_results(w->record, next.id, &r, 1, NULL, 0, &e), -1);
	assert_int_equal(e.class, ERR_RECORD);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM results"), 1);
	execute(w->path, "CREATE UNIQUE INDEX one ON results(value)");
	r.cursor = "three";
	assert_int_equal(record_results(w->record, next.id, &r, 1, NULL, 0, &e), -1);
	is_at(w, c, "one", "one");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_moves_cursors_forward),
		TEST(test_record_cursors_are_of_one_definition),
		TEST(test_record_cursors_of_parts_wait_for_the_whole),
		TEST(test_record_moves_no_cursor_without_its_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
