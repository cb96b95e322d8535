/*
 * test_log_rotation: what becomes of files between two looks. Rotations are made by hand here, by
 * logrotate(8) in tests/kinds/log.t.
 */
#include "log_world.h"

#include "audits/log_place.h"

static void test_log_follows_a_renamed_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR unread\n");
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\nnew\n");
	expect_look(w, 3, 1, 0);
	expect_evidence(w, "lines",
			"app.log is now app.log.1: 13 bytes more in it\n"
			"app.log is new: 8 bytes in it");
	add(w, "app.log.1", "ERROR late\n"); /* its writer does not know yet */
	add(w, "app.log", "new\n");
	expect_look(w, 2, 1, 0);
	expect_look(w, 0, 0, 0);
	erase(w, "app.log.1"); /* done with: nothing is lost */
	expect_look(w, 0, 0, 0);
}

static void test_log_follows_a_copied_and_cut_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR unread\n");
	copy_to(w, "app.log", "app.log.1", false);
	cut(w, "app.log", "new\n");
	expect_look(w, 2, 1, 0);
	expect_look(w, 0, 0, 0);
	/* And when it has grown beyond the place before the next look. */
	copy_to(w, "app.log", "app.log.1", false);
	cut(w, "app.log", "longer than what there was, by far\nERROR\n");
	expect_look(w, 2, 1, 0);
}

static void test_log_follows_a_packed_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "unread\nERROR half");
	copy_to(w, "app.log", "app.log.1.gz", true);
	erase(w, "app.log");
	add(w, "app.log", "new\n");
	expect_look(w, 3, 1, 0); /* nothing is added to a packed file: its last line is one */
	expect_look(w, 0, 0, 0);
	rename_to(w, "app.log.1.gz", "app.log.2.gz");
	expect_look(w, 0, 0, 0);
	copy_to(w, "app.log", "app.log.1.gz", true);
	erase(w, "app.log");
	add(w, "app.log", "newer\n");
	expect_look(w, 1, 0, 0);
	erase(w, "app.log.1.gz");
	erase(w, "app.log.2.gz");
	expect_look(w, 0, 0, 0);
}

static void test_log_waits_for_a_file_that_is_being_packed(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "unread\n");
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\n");
	copy_to(w, "app.log.1", "app.log.1.gz", true);
	assert_int_equal(truncate(at(w, "app.log.1.gz"), 20), 0);
	expect_look(w, 2, 0, 0);
	add(w, "app.log.1", "ERROR late\n");
	copy_to(w, "app.log.1", "app.log.1.gz", true);
	erase(w, "app.log.1");
	expect_look(w, 1, 1, 0);
}

static void test_log_reads_what_it_never_saw_before(void **state)
{
	struct world *w = *state;

	define(w, APP);
	add(w, "app.log.7", "ERROR before the first look\n");
	copy_to(w, "app.log.7", "app.log.8.gz", true);
	add(w, "app.log", "one\ntwo\nERROR three\n");
	expect_look(w, 3, 1, 0);
	add(w, "app.log", "unread\n");
	rename_to(w, "app.log", "app.log.2");
	add(w, "app.log.1", "ERROR between two looks\n");
	copy_to(w, "app.log.1", "app.log.0.gz", true);
	add(w, "app.log.0.gz", "");
	add(w, "app.log", "new\n");
	expect_look(w, 4, 2, 0);
	expect_look(w, 0, 0, 0);
}

static void test_log_keeps_the_end_of_a_line_for_the_renamed_file(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR ha");
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\n");
	expect_look(w, 1, 0, 0);
	add(w, "app.log.1", "lf\nERROR no end");
	expect_look(w, 1, 1, 0);
	expect_look(w, 1, 1, 0); /* it does not grow any more */
	expect_look(w, 0, 0, 0);
}

static void test_log_counts_last_words_that_stay_without_an_end(void **state)
{
	struct world *w = *state;

	intact(w);
	add(w, "app.log", "ERROR last wor");
	age(w, "app.log", -100000); /* written since the look before */
	expect_look(w, 0, 0, 0);
	age(w, "app.log", 0);
	expect_look(w, 1, 1, 0);
	expect_look(w, 0, 0, 0);
	add(w, "app.log", "ds\nno match");
	age(w, "app.log", 0);
	expect_look(w, 1, 0, 0);
	expect_look(w, 0, 0, 0); /* it may become one yet */
	add(w, "app.log", " but an ERROR\n");
	age(w, "app.log", 0);
	expect_look(w, 1, 1, 0);
	define(w, "{ path: app.log, pattern: ERROR, except: harmless, from: begin, min_lines: 0 }");
	look(w);
	add(w, "app.log", "ERROR harmless");
	age(w, "app.log", 0);
	expect_look(w, 0, 0, 0);
}

static void test_log_knows_a_reused_inode(void **state)
{
	struct world *w = *state;
	const struct log_mark *m;
	struct log_place place;
	struct err e = {.class = ERR_NONE};
	struct stat st;

	intact(w);
	add(w, "app.log", "unread\n");
	copy_to(w, "app.log", "app.log.1.gz", true);
	cut(w, "app.log", "ERROR, in the same inode\n"); /* as if it had been made anew there */
	expect_look(w, 2, 1, 0);
	assert_int_equal(log_place_parse(w->arena, w->cursor, &place, &e), 0);
	assert_int_equal(place.n, 2);
	m = &place.marks[1]; /* what is live is behind what is not */
	assert_int_equal(stat(at(w, "app.log"), &st), 0);
	assert_true(m->inode == (uint64_t)st.st_ino && m->role == LOG_IS_LIVE);
	assert_int_equal(m->offset, 25);
	assert_int_equal(place.marks[0].role, LOG_IS_PACKED);
}

static void test_log_waits_for_a_log_that_is_gone(void **state)
{
	struct world *w = *state;

	intact(w);
	rename_to(w, "app.log", "app.log.1");
	look(w);
	assert_string_equal(w->reason, "there is no \"app.log\", only files it was rotated to");
	add(w, "app.log.1", "ERROR late\n");
	add(w, "app.log", "new\n");
	expect_look(w, 2, 1, 0);
}

/* ---- losses ---- */

static void test_log_tells_what_is_lost(void **state)
{
	struct world *w = *state;

	intact(w);
	cut(w, "app.log", "ERROR\n");
	expect_look(w, 1, 1, 1);
	expect_evidence(w, "lost",
			"app.log was cut or written anew: it was read as far as byte "
			"20, and no copy of that was found");
	expect_look(w, 0, 0, 0); /* said once */
	cut(w, "app.log", "longer than before, without a copy\n");
	expect_look(w, 1, 0, 1);
	cut(w, "app.log", "");
	expect_look(w, 0, 0, 1);
	add(w, "app.log", "x\n"); /* nothing had been read of it */
	expect_look(w, 1, 0, 0);
	cut(w, "new", "another\n");
	rename_to(w, "new", "app.log");
	expect_look(w, 1, 0, 1);
	expect_evidence(w, "lost",
			"app.log is another file than the one that was read as far as "
			"byte 2, and that was not found");
}

static void test_log_tells_a_rotated_file_that_is_gone_too_soon(void **state)
{
	struct world *w = *state;

	intact(w);
	rename_to(w, "app.log", "app.log.1");
	add(w, "app.log", "new\n");
	expect_look(w, 1, 0, 0);
	erase(w, "app.log.1"); /* its writer may have gone on */
	expect_look(w, 0, 0, 1);
	expect_evidence(w, "lost", "app.log.1, read as far as byte 20, is gone");
}

static void test_log_refuses_a_packed_file_that_is_not_whole(void **state)
{
	struct world *w = *state;
	const char *before;

	intact(w);
	before = w->cursor;
	add(w, "app.log", "unread\n");
	copy_to(w, "app.log", "app.log.1.gz", true);
	assert_int_equal(truncate(at(w, "app.log.1.gz"), 30), 0);
	erase(w, "app.log");
	add(w, "app.log", "new\n");
	look(w);
	assert_non_null(strstr(w->reason, "app.log.1.gz: its gzip stream is not whole"));
	assert_ptr_equal(w->cursor, before);
}

static void test_log_follows_several_files(void **state)
{
	struct world *w = *state;

	define(w, "{ path: 'w-*.log', from: begin, pattern: ERROR, min_lines: 0 }");
	add(w, "w-1.log", "one\n");
	add(w, "w-2.log", "two\n");
	age(w, "w-1.log", 2);
	age(w, "w-2.log", 1);
	expect_look(w, 2, 0, 0);
	add(w, "w-1.log", "ERROR\n");
	add(w, "w-3.log", "three\n");
	age(w, "w-1.log", 3);
	expect_look(w, 2, 1, 0);
	expect_look(w, 0, 0, 0);
	erase(w, "w-1.log"); /* an old one that did not grow */
	expect_look(w, 0, 0, 0);
	erase(w, "w-3.log"); /* the one that is written to */
	expect_look(w, 0, 0, 1);
	assert_int_equal(symlink(at(w, "w-2.log"), at(w, "w-0.log")), 0);
	add(w, "w-2.log", "once\n");
	expect_look(w, 1, 0, 0);
	erase(w, "w-0.log");
	erase(w, "w-2.log");
	look(w);
	assert_string_equal(w->reason, "there is no \"w-*.log\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_log_follows_a_renamed_file),
		TEST(test_log_follows_a_copied_and_cut_file),
		TEST(test_log_follows_a_packed_file),
		TEST(test_log_waits_for_a_file_that_is_being_packed),
		TEST(test_log_reads_what_it_never_saw_before),
		TEST(test_log_keeps_the_end_of_a_line_for_the_renamed_file),
		TEST(test_log_counts_last_words_that_stay_without_an_end),
		TEST(test_log_knows_a_reused_inode),
		TEST(test_log_waits_for_a_log_that_is_gone),
		TEST(test_log_tells_what_is_lost),
		TEST(test_log_tells_a_rotated_file_that_is_gone_too_soon),
		TEST(test_log_refuses_a_packed_file_that_is_not_whole),
		TEST(test_log_follows_several_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
