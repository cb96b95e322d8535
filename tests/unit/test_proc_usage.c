/*
 * test_proc_usage: what a program took, told apart from what the process that started it holds.
 *
 * The programs are this binary itself, as in test_proc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/proc.h"
#include "tests/unit/proc_programs.h"

static struct proc_result run_child(const char *mode)
{
	static const char *const env[] = {NULL};
	const char *const argv[] = {"/proc/self/exe", "--child", mode, NULL};
	struct arena *a = arena_new();
	struct clock clock = clock_system();
	struct proc_request req = {
		.argv = argv,
		.env = env,
		.cwd = "/",
		.deadline_ms = clock_monotonic_ms(&clock) + 60000,
		.max_output_bytes = 4096,
	};
	struct proc_result result;
	struct err e = {.class = ERR_NONE};

	if (proc_run(a, &clock, &req, &result, &e) < 0)
		fail_msg("%s", e.message);
	arena_free(a);
	return result; /* its numbers */
}

/* This process is large when the helper starts, which must not show in what programs take. */
static void test_proc_tells_the_peak_of_the_program_alone(void **state)
{
	int64_t small = run_child("hello").peak_bytes, grown = run_child("grow").peak_bytes;

	(void)state;
	assert_true(small > 0 && small < 3 * (int64_t)GROWN_BYTES / 2);
	assert_true(grown >= small + (int64_t)GROWN_BYTES * 9 / 10);
	assert_true(grown < small + 2 * (int64_t)GROWN_BYTES);
}

static void test_proc_tells_processor_time(void **state)
{
	(void)state;
	assert_true(run_child("work").cpu_us >= 90000);
}

static int start(void **state)
{
	*state = fill_memory(3 * GROWN_BYTES);
	return proc_start_helper(NULL);
}

static int stop(void **state)
{
	proc_stop_helper();
	free(*state);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc_tells_the_peak_of_the_program_alone),
		cmocka_unit_test(test_proc_tells_processor_time),
	};

	proc_become_helper(argc, argv);
	if (argc == 3 && strcmp(argv[1], "--child") == 0)
		return child_main(argv[2]);
	return cmocka_run_group_tests(tests, start, stop);
}
