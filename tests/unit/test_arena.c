/* arena: memory that lives as long as its owner, and oom: the one place where it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/arena.h"

static void test_arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t size = 0; size < 5000; size += 7) {
		unsigned char *p = arena_alloc(a, size);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xAA, size);
	}
	arena_free(a);
}

static void test_arena_keeps_neighbours_apart(void **state)
{
	enum { N = 3000 };
	struct arena *a = arena_new();
	unsigned char *p[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		p[i] = arena_alloc(a, i % 97);
		memset(p[i], (int)(i & 0xFF), i % 97);
	}
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < i % 97; k++)
			assert_int_equal(p[i][k], i & 0xFF);
	}
	arena_free(a);
}

static void test_arena_counts_what_it_holds(void **state)
{
	struct arena *a = arena_new();
	size_t before = arena_size(a);

	(void)state;
	(void)arena_alloc(a, 1000000);
	assert_true(arena_size(a) >= before + 1000000);
	assert_true(arena_size(a) < before + 1100000);
	arena_free(a);
}

static void test_arena_copies_and_prints(void **state)
{
	struct arena *a = arena_new();
	char text[600];

	(void)state;
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strdup(a, "abc"), "abc");
	assert_string_equal(arena_strndup(a, "abc", 2), "ab");
	assert_string_equal(arena_strndup(a, NULL, 0), "");
	assert_string_equal(arena_printf(a, "%s-%d", "x", 7), "x-7");
	/* On both sides of the size that fits without asking twice. */
	for (size_t n = 250; n < sizeof(text); n++) {
		memset(text, 'y', n);
		text[n] = '\0';
		assert_string_equal(arena_printf(a, "%s", text), text);
	}
	arena_free(a);
}

struct trace {
	char text[8];
	size_t n;
};

struct step {
	struct arena *arena;
	struct trace *trace;
	char name;
	struct step *later; /* deferred by this one */
};

static void leave_trace(void *ptr)
{
	struct step *s = ptr;

	s->trace->text[s->trace->n++] = s->name;
	if (s->later != NULL)
		arena_defer(s->arena, leave_trace, s->later);
}

static void test_arena_runs_deferred_newest_first(void **state)
{
	struct trace trace = {.n = 0};
	struct arena *a = arena_new();
	struct step late = {.arena = a, .trace = &trace, .name = 'l'};
	struct step first = {.arena = a, .trace = &trace, .name = '1'};
	struct step second = {.arena = a, .trace = &trace, .name = '2', .later = &late};

	(void)state;
	arena_defer(a, leave_trace, &first);
	arena_defer(a, leave_trace, &second);
	assert_int_equal(trace.n, 0);
	arena_free(a);
	assert_string_equal(trace.text, "2l1");
	arena_free(NULL);
}

/* Runs fn in a child whose standard error is read; returns its exit status. */
static int status_of(void (*fn)(void), char *err, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fds[1], STDERR_FILENO); /* or the text is missed below */
		fn();
		_exit(0);
	}
	(void)close(fds[1]); /* so that the read ends with the child */
	n = read(fds[0], err, size - 1);
	err[n > 0 ? n : 0] = '\0';
	(void)close(fds[0]); /* read to its end */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void overflow_array(void)
{
	(void)arena_array(arena_new(), SIZE_MAX / 2, 3);
}

static void overflow_alloc(void)
{
	(void)arena_alloc(arena_new(), SIZE_MAX - 3);
}

static void test_arena_ends_the_program_when_memory_ends(void **state)
{
	char err[100];

	(void)state;
	assert_int_equal(status_of(overflow_array, err, sizeof(err)), 70);
	assert_string_equal(err, "assize: out of memory\n");
	assert_int_equal(status_of(overflow_alloc, err, sizeof(err)), 70);
	assert_string_equal(err, "assize: out of memory\n");
	assert_int_equal(status_of(oom, err, sizeof(err)), 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(test_arena_keeps_neighbours_apart),
		cmocka_unit_test(test_arena_counts_what_it_holds),
		cmocka_unit_test(test_arena_copies_and_prints),
		cmocka_unit_test(test_arena_runs_deferred_newest_first),
		cmocka_unit_test(test_arena_ends_the_program_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
