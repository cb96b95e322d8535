/*
 * test_proc: programs that behave badly, and the proof that nothing of them is left.
 *
 * The programs are this binary itself, started as `test_proc --child MODE MARKER`; the marker is
 * unique, and a process that carries it in /proc is a survivor.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/proc.h"
#include "tests/unit/proc_programs.h"

/* --- helpers -----------------------------------------------------------------------------------
 */

static char self[4096];

static bool has_marker(const char *pid, const char *marker)
{
	char path[300], text[4096];

	(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);

	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;

	ssize_t n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(text + i) + 1) {
		text[n] = '\0';
		if (strcmp(text + i, marker) == 0)
			return true;
	}
	return false;
}

static int count_marked(const char *marker)
{
	DIR *dir = opendir("/proc");
	int n = 0;

	for (const struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] >= '0' && d->d_name[0] <= '9' && has_marker(d->d_name, marker);
	(void)closedir(dir);
	return n;
}

static bool wait_for_marked(const char *marker, int min, int max)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	for (int i = 0; i < 5000; i++) {
		int n = count_marked(marker);

		if (n >= min && n <= max)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

struct run {
	struct arena *arena;
	struct proc_result result;
	struct err err;
	char marker[64];
	int rc;
};

static int64_t deadline_in(int64_t ms)
{
	struct clock clock = clock_system();

	return clock_monotonic_ms(&clock) + ms;
}

static void run_argv(struct run *r, const char *const *argv, const char *const *env, int64_t ms,
		     size_t max)
{
	struct clock clock = clock_system();
	struct proc_request req = {
		.argv = argv,
		.env = env,
		.cwd = "/",
		.deadline_ms = deadline_in(ms),
		.limit_ms = ms,
		.max_output_bytes = max,
	};

	r->arena = arena_new();
	r->err = (struct err){.class = ERR_NONE};
	r->rc = proc_run(r->arena, &clock, &req, &r->result, &r->err);
}

static void run_child(struct run *r, const char *mode, int64_t ms, size_t max)
{
	static const char *const env[] = {"A=1", NULL};
	const char *argv[] = {self, "--child", mode, r->marker, NULL};

	(void)snprintf(r->marker, sizeof(r->marker), "marker-%ld-%s", (long)getpid(), mode);
	run_argv(r, argv, env, ms, max);
}

static void release(struct run *r)
{
	arena_free(r->arena);
}

#define LONG 60000
#define MUCH 65536

/* --- claims ------------------------------------------------------------------------------------
 */

static void test_proc_returns_status_and_both_outputs(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "hello", LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_status, 0);
	assert_int_equal(r.result.signal, 0);
	assert_string_equal(r.result.out, "out\n");
	assert_string_equal(r.result.err, "err\n");
	assert_true(r.result.duration_us > 0);
	assert_true(r.result.peak_bytes > 0);
	assert_true(r.result.cpu_us > 0);
	release(&r);
}

static void test_proc_takes_127_for_a_status(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "exit127", LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_status, 127);
	assert_int_equal(r.result.out_len, 0);
	release(&r);
}

static void test_proc_names_the_signal(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "killed", LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_status, -1);
	assert_int_equal(r.result.signal, SIGKILL);
	release(&r);
}

static void expect_no_start(const char *program, const char *message)
{
	const char *argv[] = {program, NULL};
	static const char *const env[] = {NULL};
	struct run r;

	run_argv(&r, argv, env, LONG, MUCH);
	assert_int_equal(r.rc, -1);
	assert_string_equal(r.err.message, message);
	assert_int_equal(r.err.class, ERR_MEASURE);
	assert_string_equal(r.result.out, "");
	release(&r);
}

static void test_proc_says_why_a_program_cannot_start(void **state)
{
	(void)state;
	expect_no_start("no-such-program",
			"could not run \"no-such-program\": No such file or directory");
	expect_no_start("/no/such", "could not run \"/no/such\": No such file or directory");
	expect_no_start("/etc/passwd", "could not run \"/etc/passwd\": Permission denied");
	expect_no_start("", "could not run \"\": No such file or directory");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void test_proc_never_uses_a_shell(void **state)
{
	char dir[] = "/tmp/assize-proc-XXXXXX", plain[64], lost[64], message[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(plain, sizeof(plain), "%s/plain", dir);
	(void)snprintf(lost, sizeof(lost), "%s/lost", dir);
	write_file(plain, "echo a shell ran this\n");
	write_file(lost, "#!/no/such/interpreter\n");

	(void)snprintf(message, sizeof(message),
		       "could not run \"%s\": not a program this machine can run", plain);
	expect_no_start(plain, message);
	(void)snprintf(message, sizeof(message),
		       "could not run \"%s\": the interpreter or loader it names does not exist",
		       lost);
	expect_no_start(lost, message);
	(void)unlink(plain);
	(void)unlink(lost);
	(void)rmdir(dir);
}

static void test_proc_names_a_missing_directory(void **state)
{
	const char *argv[] = {"true", NULL};
	static const char *const env[] = {NULL};
	struct clock clock = clock_system();
	struct proc_request req = {
		.argv = argv,
		.env = env,
		.cwd = "/no/such",
		.deadline_ms = deadline_in(LONG),
		.max_output_bytes = MUCH,
	};
	struct arena *a = arena_new();
	struct proc_result result;
	struct err e = {.class = ERR_NONE};

	(void)state;
	assert_int_equal(proc_run(a, &clock, &req, &result, &e), -1);
	assert_string_equal(e.message,
			    "could not run \"true\": directory \"/no/such\": No such file "
			    "or directory");
	arena_free(a);
}

static void test_proc_passes_only_the_environment_named(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "environment", LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_string_equal(r.result.out, "A=1\n");
	release(&r);
}

static void test_proc_searches_the_path_of_the_environment(void **state)
{
	const char *argv[] = {"sh", "-c", "echo $0 $PATH", NULL};
	static const char *const env[] = {"PATH=/no/such::/etc/passwd:/bin", NULL};
	static const char *const bad[] = {"PATH=/no/such", NULL};
	struct run r;

	(void)state;
	run_argv(&r, argv, env, LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_string_equal(r.result.out, "sh /no/such::/etc/passwd:/bin\n");
	release(&r);
	run_argv(&r, argv, bad, LONG, MUCH);
	assert_int_equal(r.rc, -1);
	release(&r);
}

static void test_proc_starts_from_a_clean_state(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "state", LONG, MUCH);
	/* in "/", standard input empty, no descriptor left over, leader of its session */
	assert_string_equal(r.result.out, "/ 0 0 1\n");
	release(&r);
}

static void test_proc_ends_what_outlives_its_program(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "daemon", LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.exit_status, 0);
	assert_int_equal(count_marked(r.marker), 0);
	release(&r);
}

static void test_proc_ends_everything_at_the_deadline(void **state)
{
	static const char *const modes[] = {
		"daemon_and_hang", "ignore_term", "close_outputs", "stop", "tree", "comet"};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct run r;

		run_child(&r, modes[i], 300, MUCH);
		assert_int_equal(r.rc, -1);
		assert_non_null(strstr(r.err.message, "\" did not end within 300 ms"));
		assert_int_equal(count_marked(r.marker), 0);
		release(&r);
	}
}

static void test_proc_stops_at_the_output_ceiling(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "flood", LONG, 65536);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.err.message, "wrote more than 64 KiB to its standard output"));
	assert_int_equal(r.result.out_len, 65536);
	assert_int_equal(count_marked(r.marker), 0);
	release(&r);

	run_child(&r, "flood_errors", LONG, 1000);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.err.message, "to its standard error"));
	assert_int_equal(r.result.err_len, 1000);
	assert_int_equal(count_marked(r.marker), 0);
	release(&r);
}

static void test_proc_reads_10_mb_whole(void **state)
{
	struct run r;

	(void)state;
	run_child(&r, "flood", LONG, 10 * 1024 * 1024);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.result.out_len, 10 * 1024 * 1024);
	release(&r);
}

static void test_proc_keeps_output_of_a_late_program(void **state)
{
	const char *argv[] = {"sh", "-c", "echo so far; exec sleep 1000", NULL};
	static const char *const env[] = {NULL};
	struct run r;

	(void)state;
	run_argv(&r, argv, env, 300, MUCH);
	assert_int_equal(r.rc, -1);
	assert_string_equal(r.result.out, "so far\n");
	release(&r);
}

static void test_proc_passes_large_arguments(void **state)
{
	const char *argv[32] = {"sh", "-c", "echo $#", "sh"};
	static const char *const env[] = {NULL};
	char *large = malloc(100001);
	struct run r;

	(void)state;
	memset(large, 'a', 100000);
	large[100000] = '\0';
	for (size_t i = 4; i < 14; i++)
		argv[i] = large;
	run_argv(&r, argv, env, LONG, MUCH);
	assert_int_equal(r.rc, 0);
	assert_string_equal(r.result.out, "10\n");
	release(&r);
	free(large);
}

static void *run_in_thread(void *p)
{
	long n = *(const long *)p;
	char number[32];
	const char *argv[] = {"sh", "-c", "echo $0; sleep 1000 & exit $0", number, NULL};
	static const char *const env[] = {NULL};
	char want[40];

	(void)snprintf(number, sizeof(number), "%ld", n);
	(void)snprintf(want, sizeof(want), "%ld\n", n);
	for (int i = 0; i < 5; i++) {
		struct run r;

		run_argv(&r, argv, env, LONG, MUCH);
		bool is_good =
			r.rc == 0 && r.result.exit_status == n && strcmp(r.result.out, want) == 0;
		release(&r);
		if (!is_good)
			return p;
	}
	return NULL;
}

static void test_proc_runs_many_at_once(void **state)
{
	pthread_t threads[16];
	long numbers[16];

	(void)state;
	for (long i = 0; i < 16; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, run_in_thread, &numbers[i]), 0);
	}
	for (size_t i = 0; i < 16; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

/* `test_proc --main MARKER`: a stand-in for assize, to be killed. */
static int main_to_be_killed(const char *marker)
{
	struct run r;
	const char *argv[] = {self, "--child", "daemon_and_hang", marker, NULL};
	static const char *const env[] = {NULL};

	if (proc_start_helper(NULL) < 0)
		return 1;
	run_argv(&r, argv, env, LONG, MUCH);
	return 0;
}

static pid_t start_main(char *marker)
{
	char *argv[] = {self, (char[]){"--main"}, marker, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		(void)execv(self, argv);
		_exit(127);
	}
	return pid;
}

static void test_proc_leaves_nothing_when_killed(void **state)
{
	char marker[64];

	(void)state;
	(void)snprintf(marker, sizeof(marker), "marker-%ld-main", (long)getpid());

	pid_t pid = start_main(marker);
	/* itself, the program and its daemon; helper and supervisor are started anew */
	assert_true(wait_for_marked(marker, 3, 3));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(wait_for_marked(marker, 0, 0));
}

/* The parent of a process, from /proc. */
static long parent_of(long pid)
{
	char path[64];
	long parent = -1;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);

	FILE *f = fopen(path, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%*d (%*[^)]) %*c %ld", &parent) != 1)
		parent = -1;
	(void)fclose(f);
	return parent;
}

/* A process that carries both words. */
static long find_marked(const char *marker, const char *word)
{
	DIR *dir = opendir("/proc");
	long found = -1;

	for (const struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] >= '0' && d->d_name[0] <= '9' && has_marker(d->d_name, marker) &&
		    has_marker(d->d_name, word) && found < 0)
			found = strtol(d->d_name, NULL, 10);
	(void)closedir(dir);
	return found;
}

static void *run_hanging(void *p)
{
	struct run *r = p;

	run_child(r, "daemon_and_hang", LONG, MUCH);
	return NULL;
}

static void test_proc_survives_a_killed_supervisor(void **state)
{
	struct run r = {.rc = 0};
	pthread_t thread;
	char marker[64];

	(void)state;
	(void)snprintf(marker, sizeof(marker), "marker-%ld-daemon_and_hang", (long)getpid());
	assert_int_equal(pthread_create(&thread, NULL, run_hanging, &r), 0);
	assert_true(wait_for_marked(marker, 2, 2));

	/* Program and daemon are both children of the supervisor by now, or will be. */
	long supervisor = parent_of(find_marked(marker, "--child"));
	assert_true(supervisor > 1);
	assert_int_equal(kill((pid_t)supervisor, SIGKILL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.err.message, "its supervisor went away"));
	assert_true(wait_for_marked(marker, 0, 0));
	release(&r);

	/* and the helper still serves */
	run_child(&r, "hello", LONG, MUCH);
	assert_int_equal(r.rc, 0);
	release(&r);
}

static int start(void **state)
{
	(void)state;
	return proc_start_helper(NULL);
}

static int stop(void **state)
{
	(void)state;
	proc_stop_helper();
	proc_stop_helper(); /* once more is allowed */
	return 0;
}

int main(int argc, char **argv)
{
	proc_become_helper(argc, argv);

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_returns_status_and_both_outputs),
		cmocka_unit_test(test_proc_takes_127_for_a_status),
		cmocka_unit_test(test_proc_names_the_signal),
		cmocka_unit_test(test_proc_says_why_a_program_cannot_start),
		cmocka_unit_test(test_proc_never_uses_a_shell),
		cmocka_unit_test(test_proc_names_a_missing_directory),
		cmocka_unit_test(test_proc_passes_only_the_environment_named),
		cmocka_unit_test(test_proc_searches_the_path_of_the_environment),
		cmocka_unit_test(test_proc_starts_from_a_clean_state),
		cmocka_unit_test(test_proc_ends_what_outlives_its_program),
		cmocka_unit_test(test_proc_ends_everything_at_the_deadline),
		cmocka_unit_test(test_proc_stops_at_the_output_ceiling),
		cmocka_unit_test(test_proc_reads_10_mb_whole),
		cmocka_unit_test(test_proc_keeps_output_of_a_late_program),
		cmocka_unit_test(test_proc_passes_large_arguments),
		cmocka_unit_test(test_proc_runs_many_at_once),
		cmocka_unit_test(test_proc_leaves_nothing_when_killed),
		cmocka_unit_test(test_proc_survives_a_killed_supervisor),
	};

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	if (argc == 4 && strcmp(argv[1], "--child") == 0)
		return child_main(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--main") == 0)
		return main_to_be_killed(argv[2]);
	return cmocka_run_group_tests(tests, start, stop);
}
