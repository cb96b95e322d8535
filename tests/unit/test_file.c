/* test_file: the door to the file system, and scratch directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/random.h"

/* Each test has an arena and a scratch directory. */
struct place {
	struct arena *arena;
	const char *dir;
};

static int enter(void **state)
{
	static struct place place;

	place.arena = arena_new();
	*state = &place;
	return scratch_create(place.arena, "/tmp", &place.dir, NULL);
}

static int leave(void **state)
{
	struct place *p = *state;
	int rc = scratch_remove(p->dir, NULL);

	arena_free(p->arena);
	return rc;
}

static const char *in(const struct place *p, const char *name)
{
	return arena_printf(p->arena, "%s/%s", p->dir, name);
}

static void put(const char *path, const char *text)
{
	assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
}

static const char *get(const struct place *p, const char *path)
{
	struct buf b;

	buf_init(&b, 1024);
	assert_int_equal(file_read(path, &b, NULL), 0);

	const char *text = arena_strdup(p->arena, b.data);
	buf_release(&b);
	return text;
}

static void expect_error(const struct err *e, const char *part)
{
	assert_int_equal(e->class, ERR_MEASURE);
	if (!strstr(e->message, part))
		fail_msg("\"%s\" lacks \"%s\"", e->message, part);
}

static void test_file_write_replaces_whole_content(void **state)
{
	const struct place *p = *state;
	const char *path = in(p, "a");
	struct stat st;

	put(path, "long content");
	put(path, "short");
	assert_string_equal(get(p, path), "short");
	/* A replaced file keeps its mode. */
	assert_int_equal(chmod(path, 0640), 0);
	put(path, "again");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_file_write_leaves_nothing_behind_on_failure(void **state)
{
	const struct place *p = *state;
	const char **found;
	struct rlimit saved, small;
	size_t n;
	struct err e = {.class = ERR_NONE};

	put(in(p, "a"), "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	small = saved;
	small.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(file_write_atomic(in(p, "a"), "more than ten bytes", 19, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	expect_error(&e, "File too large");
	assert_string_equal(get(p, in(p, "a")), "old");
	assert_int_equal(file_glob(p->arena, in(p, "*"), &found, &n, NULL), 0);
	assert_int_equal(n, 1);

	e = (struct err){.class = ERR_NONE};
	assert_int_equal(file_write_atomic(in(p, "no/such"), "x", 1, &e), -1);
	expect_error(&e, "there is no directory");
	e = (struct err){.class = ERR_NONE};
	assert_int_equal(file_write_atomic(p->dir, "x", 1, &e), -1);
	expect_error(&e, "a directory");
}

static void test_file_append_keeps_what_is_there(void **state)
{
	struct place *p = *state;
	struct err e = {.class = ERR_NONE};

	assert_int_equal(file_append(in(p, "a"), "one\n", 4, NULL), 0); /* made */
	assert_int_equal(file_append(in(p, "a"), "two\n", 4, NULL), 0);
	assert_string_equal(get(p, in(p, "a")), "one\ntwo\n");
	assert_int_equal(file_append(in(p, "no/such"), "x", 1, &e), -1);
	expect_error(&e, "could not write");
	e = (struct err){.class = ERR_NONE};
	assert_int_equal(file_append(p->dir, "x", 1, &e), -1);
	expect_error(&e, "s a directory");
}

static void test_random_hex_is_never_the_same(void **state)
{
	struct place *p = *state;
	const char *one, *other;

	assert_int_equal(random_hex(p->arena, 16, &one, NULL), 0);
	assert_int_equal(random_hex(p->arena, 16, &other, NULL), 0);
	assert_int_equal(strlen(one), 32);
	assert_int_equal(strspn(one, "0123456789abcdef"), 32);
	assert_string_not_equal(one, other);
}

static void test_file_write_goes_through_links_and_into_devices(void **state)
{
	const struct place *p = *state;
	struct stat st;

	put(in(p, "real"), "1");
	assert_int_equal(symlink("real", in(p, "link")), 0);
	put(in(p, "link"), "2");
	assert_string_equal(get(p, in(p, "real")), "2");
	assert_int_equal(lstat(in(p, "link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));

	put("/dev/null", "gone");
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void test_file_open_takes_only_files(void **state)
{
	const struct place *p = *state;
	struct stat st;
	struct err e = {.class = ERR_NONE};

	assert_int_equal(mkfifo(in(p, "fifo"), 0600), 0);
	assert_int_equal(file_open(in(p, "fifo"), &st, &e),
			 -1); /* and does not wait for a writer */
	expect_error(&e, "a named pipe, not a file");
	e = (struct err){.class = ERR_NONE};
	assert_int_equal(file_open(p->dir, &st, &e), -1);
	expect_error(&e, "a directory, not a file");
	e = (struct err){.class = ERR_NONE};
	assert_int_equal(file_open("/dev/null", &st, &e), -1);
	expect_error(&e, "a device, not a file");
	e = (struct err){.class = ERR_NONE};
	assert_int_equal(file_open(in(p, "none"), &st, &e), -1);
	expect_error(&e, "No such file");

	put(in(p, "a"), "abc");
	int fd = file_open(in(p, "a"), &st, NULL);
	assert_true(fd >= 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
}

static void test_file_read_stops_at_the_ceiling(void **state)
{
	const struct place *p = *state;
	struct err e = {.class = ERR_NONE};
	struct buf b;

	put(in(p, "a"), "0123456789");
	buf_init(&b, 10);
	assert_int_equal(file_read(in(p, "a"), &b, &e), 0);
	assert_int_equal(b.len, 10);
	buf_release(&b);
	buf_init(&b, 9);
	assert_int_equal(file_read(in(p, "a"), &b, &e), -1);
	expect_error(&e, "larger than the limit of 9 bytes");
	buf_release(&b);
}

static void test_file_open_refuses_open_databases(void **state)
{
	const struct place *p = *state;
	struct stat st;
	struct err e = {.class = ERR_NONE};

	put(in(p, "db"), "x");
	put(in(p, "db-shm"), "x");
	put(in(p, "other-shm"), "x");
	assert_int_equal(link(in(p, "db"), in(p, "alias")), 0);
	file_register_database(in(p, "none")); /* nothing there: nothing happens */
	file_register_database(in(p, "db"));
	file_register_database(in(p, "db"));
	assert_int_equal(file_open(in(p, "db"), &st, &e), -1);
	expect_error(&e, "a database this run has open");
	assert_int_equal(file_open(in(p, "alias"), &st, &e), -1);
	assert_int_equal(file_open(in(p, "db-shm"), &st, &e), -1);

	int fd = file_open(in(p, "other-shm"), &st, NULL);
	assert_true(fd >= 0);
	(void)close(fd);

	file_unregister_database(in(p, "db"));
	assert_int_equal(file_open(in(p, "db"), &st, &e), -1); /* still registered once */
	/* Known by the name it was registered under, also when the file is gone. */
	assert_int_equal(unlink(in(p, "db")), 0);
	file_unregister_database(in(p, "db"));
	fd = file_open(in(p, "alias"), &st, NULL);
	assert_true(fd >= 0);
	(void)close(fd);
	file_unregister_database(in(p, "never"));
}

static void test_file_absolute_resolves_by_text(void **state)
{
	static const char *const cases[][3] = {
		{"/a/b", "c", "/a/b/c"},
		{"/a/b", "/c", "/c"},
		{"/a/b", "../c", "/a/c"},
		{"/a/b", "./c/.", "/a/b/c"},
		{"/a/b", "../../../c", "/c"},
		{"/a", "..", "/"},
		{"/", "a", "/a"},
		{"/a/", "b//c/", "/a/b/c"},
		{"/a", "", "/a"},
		{"/a", "..b/.c", "/a/..b/.c"},
		{"/a", "b/..", "/a"},
	};
	const struct place *p = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(file_absolute(p->arena, cases[i][0], cases[i][1]), cases[i][2]);
}

static void test_file_shown_is_relative_below_the_working_directory(void **state)
{
	static const char *const cases[][3] = {
		{"/a/b", "/a/b/c", "c"},    {"/a/b", "/a/bc", "/a/bc"}, {"/a/b", "/a", "/a"},
		{"/a/b", "/a/b", "/a/b"},   {"/", "/a", "/a"},		{"/a/", "/a/c", "c"},
		{"/a/b", "/a/b/", "/a/b/"},
	};
	const struct place *p = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(file_shown(p->arena, cases[i][0], cases[i][1]), cases[i][2]);
}

static void test_file_glob_sorts_and_skips_directories(void **state)
{
	const struct place *p = *state;
	const char **found;
	size_t n;

	put(in(p, "b.yaml"), "");
	put(in(p, "a.yaml"), "");
	put(in(p, "B.yaml"), "");
	put(in(p, "c.txt"), "");
	assert_int_equal(mkdir(in(p, "d.yaml"), 0700), 0);
	assert_int_equal(file_glob(p->arena, in(p, "*.yaml"), &found, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_string_equal(found[0], in(p, "B.yaml"));
	assert_string_equal(found[1], in(p, "a.yaml"));
	assert_string_equal(found[2], in(p, "b.yaml"));
	assert_int_equal(file_glob(p->arena, in(p, "none/*.yaml"), &found, &n, NULL), 0);
	assert_int_equal(n, 0);
}

static void test_scratch_is_private_and_goes_completely(void **state)
{
	const struct place *p = *state;
	const char *path;
	struct stat st;

	assert_int_equal(scratch_create(p->arena, in(p, "deep/parent"), &path, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	const char *sub = arena_printf(p->arena, "%s/sub", path);
	assert_int_equal(mkdir(sub, 0700), 0);
	put(arena_printf(p->arena, "%s/file", sub), "x");
	put(in(p, "precious"), "x");
	assert_int_equal(symlink(p->dir, arena_printf(p->arena, "%s/out", sub)), 0);
	assert_int_equal(chmod(sub, 0), 0);
	assert_int_equal(scratch_remove(path, NULL), 0);
	assert_int_equal(lstat(path, &st), -1);
	assert_string_equal(get(p, in(p, "precious")), "x"); /* the link was not followed */
	assert_int_equal(scratch_remove(path, NULL), 0);     /* gone already: nothing to do */
}

static void test_scratch_goes_however_deep(void **state)
{
	const struct place *p = *state;
	const char *path;
	char *sub;

	assert_int_equal(scratch_create(p->arena, p->dir, &path, NULL), 0);
	sub = arena_strdup(p->arena, path);
	for (int i = 0; i < 400; i++) {
		sub = arena_printf(p->arena, "%s/d", sub);
		assert_int_equal(mkdir(sub, 0700), 0);
	}
	assert_int_equal(scratch_remove(path, NULL), 0);
}

/* So large that a second thread takes files away from behind. */
static void test_scratch_goes_however_large(void **state)
{
	const struct place *p = *state;
	const char *path, *dir = NULL;
	struct stat st;

	put(in(p, "precious"), "x");
	for (int round = 0; round < 5; round++) {
		assert_int_equal(scratch_create(p->arena, p->dir, &path, NULL), 0);
		for (int i = 0; i < 1500; i++) {
			if (i % 100 == 0) {
				dir = arena_printf(p->arena, "%s/d%d", i % 300 ? dir : path, i);
				assert_int_equal(mkdir(dir, 0700), 0);
				assert_int_equal(
					symlink(p->dir, arena_printf(p->arena, "%s/out", dir)), 0);
			}
			put(arena_printf(p->arena, "%s/f%d", dir, i), "x");
		}
		assert_int_equal(chmod(dir, 0), 0);
		assert_int_equal(scratch_remove(path, NULL), 0);
		assert_int_equal(lstat(path, &st), -1);
	}
	assert_string_equal(get(p, in(p, "precious")), "x"); /* no link was followed */
}

static void test_scratch_remove_refuses_what_it_did_not_make(void **state)
{
	const struct place *p = *state;
	struct err e = {.class = ERR_NONE};

	assert_int_equal(mkdir(in(p, "mine"), 0700), 0);
	assert_int_equal(scratch_remove(in(p, "mine"), &e), -1);
	assert_int_equal(e.class, ERR_INTERNAL);
	assert_int_equal(scratch_remove("/", &e), -1);
	assert_int_equal(access(in(p, "mine"), F_OK), 0);
	e = (struct err){.class = ERR_NONE};
	assert_int_equal(scratch_create(p->arena, "/proc/none", &(const char *){NULL}, &e), -1);
	expect_error(&e, "could not create a scratch directory below \"/proc/none\"");
}

/* A child that makes a held directory with something in it and dies without farewell. */
static void die_holding(const struct place *p)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct scratch held;

		if (scratch_hold(p->arena, p->dir, &held, NULL) != 0 ||
		    mkdir(arena_printf(p->arena, "%s/tree", held.path), 0) != 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

static void test_scratch_of_the_dead_is_swept(void **state)
{
	const struct place *p = *state;
	struct scratch mine, other;

	assert_int_equal(scratch_hold(p->arena, p->dir, &mine, NULL), 0);
	assert_int_equal(scratch_sweep(p->dir), 0);
	die_holding(p);
	assert_int_equal(mkdir(in(p, "assize-held-foreign"), 0755), 0); /* not private: not ours */
	assert_int_equal(symlink("/", in(p, "assize-held-link")), 0);
	assert_int_equal(count_entries(p->dir), 4);
	assert_int_equal(scratch_sweep(p->dir), 1);
	assert_int_equal(count_entries(p->dir), 3);
	assert_int_equal(access(mine.path, F_OK), 0);
	assert_int_equal(scratch_hold(p->arena, p->dir, &other, NULL), 0);
	assert_int_equal(scratch_release(&other, NULL), 0);
	assert_int_equal(scratch_release(&mine, NULL), 0);
	assert_int_equal(scratch_release(&mine, NULL), 0); /* nothing to do */
	assert_int_equal(count_entries(p->dir), 2);
	assert_int_equal(scratch_sweep(in(p, "none")), 0);
}

static void test_file_knows_its_file_system(void **state)
{
	const struct place *p = *state;
	int64_t bytes = -1, inodes = -1;
	struct err e = {.class = ERR_NONE};

	assert_int_equal(file_free_space(p->dir, &bytes, &inodes, NULL), 0);
	assert_true(bytes >= 0 && inodes >= 0);
	assert_int_equal(file_free_space(in(p, "none"), &bytes, &inodes, &e), -1);
	expect_error(&e, "could not ask for the free space");
	assert_null(file_network_fs("/proc"));
	assert_null(file_network_fs(in(p, "none")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	const struct CMUnitTest tests[] = {
		TEST(test_file_write_replaces_whole_content),
		TEST(test_file_write_leaves_nothing_behind_on_failure),
		TEST(test_file_write_goes_through_links_and_into_devices),
		TEST(test_file_append_keeps_what_is_there),
		TEST(test_random_hex_is_never_the_same),
		TEST(test_file_open_takes_only_files),
		TEST(test_file_read_stops_at_the_ceiling),
		TEST(test_file_open_refuses_open_databases),
		TEST(test_file_absolute_resolves_by_text),
		TEST(test_file_shown_is_relative_below_the_working_directory),
		TEST(test_file_glob_sorts_and_skips_directories),
		TEST(test_scratch_is_private_and_goes_completely),
		TEST(test_scratch_goes_however_deep),
		TEST(test_scratch_goes_however_large),
		TEST(test_scratch_remove_refuses_what_it_did_not_make),
		TEST(test_scratch_of_the_dead_is_swept),
		TEST(test_file_knows_its_file_system),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
