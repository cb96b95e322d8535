/* record: many writers, full disks, killed writers, damaged pages. */
#include "record_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void wait_for(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A child's whole life; any failure is its exit status. */
static int write_as_child(const char *path, int number)
{
	struct check_info check = {.name = "a/b", .kind = "rows", .file = "f", .tags = ""};
	struct run_info run = {.command = "run", .begin_ms = WORLD_T0};
	struct record *r;
	struct err e = {0};

	if (record_open(path, RECORD_WRITE, &r, &e) != 0)
		return 1;
	for (int i = 0; i < 5; i++) {
		char series[32];
		struct result x = {.check = &check, .series = series, .unit = "", .bound = ""};

		x.value = world_int(number * 100 + i);
		if (record_begin(r, &run, &e) != 0)
			return 2;
		for (int k = 0; k < 3; k++) {
			(void)snprintf(series, sizeof(series), "p%d-%d", number, k);
			if (record_results(r, run.id, &x, 1, NULL, 0, &e) != 0)
				return 3;
		}
		run.state = RUN_COMPLETE;
		if (record_end(r, &run, &e) != 0)
			return 4;
	}
	record_close(r);
	return 0;
}

static void test_record_loses_nothing_among_writers(void **state)
{
	struct world *w = *state;
	pid_t children[8];

	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(write_as_child(w->path, i));
	}
	for (int i = 0; i < 8; i++)
		wait_for(children[i]);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM runs"), 40);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM run_ends"), 40);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM results"), 120);
	assert_int_equal(ask(w->path, "SELECT count(DISTINCT value) FROM results"), 40);
	assert_int_equal(ask(w->path, "SELECT next_seq FROM head"), 1 + 40 + 40 + 120 + 1);
}

static void test_record_refuses_a_forked_handle(void **state)
{
	struct world *w = *state;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct run_info run = {.command = "run"};
		struct err e = {0};

		_exit(record_begin(w->record, &run, &e) == -1 && e.class == ERR_INTERNAL ? 0 : 1);
	}
	wait_for(child);
}

/* A file that may not grow: every write fails, the last commit too. */
static int write_until_full(const char *path)
{
	struct check_info check = {.name = "a/b", .kind = "rows", .file = "f", .tags = ""};
	struct result x = {.check = &check, .series = "", .unit = "", .bound = ""};
	struct run_info run = {.command = "run", .begin_ms = WORLD_T0};
	struct rlimit limit = {0, 0};
	char *evidence = calloc(1, 300001);
	struct record *r;
	struct stat st;
	struct err e = {0};

	if (evidence == NULL || record_open(path, RECORD_WRITE, &r, &e) != 0 ||
	    record_begin(r, &run, &e) != 0 || stat(path, &st) != 0)
		return 1;
	(void)signal(SIGXFSZ, SIG_IGN); /* then writes fail with EFBIG */
	limit.rlim_cur = limit.rlim_max = (rlim_t)st.st_size;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 2;
	memset(evidence, 'x', 300000);
	x.evidence = evidence;
	if (record_results(r, run.id, &x, 1, NULL, 0, &e) != -1)
		return 3;
	if (e.class != ERR_RECORD || strstr(e.message, "could not write record") == NULL)
		return 4;
	free(evidence);
	record_close(r);
	return 0;
}

static void test_record_says_when_a_commit_fails(void **state)
{
	struct world *w = *state;
	int64_t id = world_run(
		w, "v1",
		world_result(w, world_check(w, "a/b"), "kept", OUTCOME_PASS, world_int(1)));
	struct result *out;
	struct err e = {0};
	pid_t child;
	size_t n;

	needs_file("a file that may not grow");
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(write_until_full(w->path));
	wait_for(child);
	assert_ok(record_run_results(w->record, w->arena, id, &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM results"), 1);
	assert_int_equal(ask(w->path, "SELECT count(*) = 1 FROM pragma_integrity_check "
				      "WHERE integrity_check = 'ok'"),
			 1);
}

/* Killed in the middle of a transaction whose pages already reached the file. */
static void die_with_hot_journal(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(
		    db,
		    "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE; DELETE FROM "
		    "results; WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i "
		    "WHERE n < 3000) INSERT INTO texts(hash, body) SELECT n, hex(zeroblob(99)) "
		    "FROM i",
		    NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
	(void)raise(SIGKILL); /* does not return */
}

static void test_record_reads_after_a_killed_writer(void **state)
{
	struct world *w = *state;
	int64_t id = world_run(
		w, "v1", world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1)));
	char journal[520];
	struct record *r;
	struct result *out;
	struct err e = {0};
	struct stat st;
	pid_t child;
	int status;
	size_t n;

	needs_file("its journal");
	record_close(w->record);
	w->record = NULL;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		die_with_hot_journal(w->path);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	(void)snprintf(journal, sizeof(journal), "%s-journal", w->path);
	assert_int_equal(stat(journal, &st), 0);
	assert_true(st.st_size > 0);
	assert_ok(record_open(w->path, RECORD_READ, &r, &e), e);
	assert_ok(record_run_results(r, w->arena, id, &out, &n, &e), e);
	assert_int_equal(n, 1);
	record_close(r);
}

static void test_record_notices_a_damaged_page(void **state)
{
	struct world *w = *state;
	int64_t id = world_run(
		w, "v1", world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1)));
	int64_t page = ask(w->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'results'");
	struct result *out;
	struct record *r;
	struct err e = {0};
	size_t n;
	int fd;

	needs_file("its pages");
	record_close(w->record);
	w->record = NULL;
	fd = open(w->path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "\xde\xad\xbe\xef", 4, (off_t)((page - 1) * 4096)), 4);
	assert_int_equal(close(fd), 0);
	assert_ok(record_open(w->path, RECORD_READ, &r, &e), e);
	assert_int_equal(record_run_results(r, w->arena, id, &out, &n, &e), -1);
	assert_int_equal(e.class, ERR_RECORD);
	assert_non_null(strstr(e.message, "cannot trust record"));
	record_close(r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_loses_nothing_among_writers),
		TEST(test_record_refuses_a_forked_handle),
		TEST(test_record_says_when_a_commit_fails),
		TEST(test_record_reads_after_a_killed_writer),
		TEST(test_record_notices_a_damaged_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
