/*
 * challenge_self: what it says of a program depends on that program alone, so the real one is put
 * behind scripts that lose its exit status or its words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/challenge_self.h"
#include "runner/io/file.h"
#include "runner/io/proc.h"

struct world {
	struct app app;
	const char *dir, *real;
	struct challenged out;
};

static const char *no_variable(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "TMPDIR") == 0 ? getenv("TMPDIR") : NULL;
}

static int setup(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));
	struct err e = {0};

	assert_non_null(getenv("BUILD"));
	*w = (struct world){.app = {.arena = a, .clock = clock_system(), .env = no_variable}};
	w->real = arena_printf(a, "%s/assize", getenv("BUILD"));
	assert_int_equal(scratch_create(a, app_temporary(&w->app), &w->dir, &e), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	(void)scratch_remove(w->dir, &e);
	arena_free(w->app.arena);
	return 0;
}

/* script NULL = the program itself; else it finds the program in $real. */
static void challenge(struct world *w, const char *script)
{
	struct self_request req = {.app = &w->app, .program = w->real};
	struct err e = {0};

	if (script != NULL) {
		const char *text =
			arena_printf(w->app.arena, "#!/bin/sh\nreal='%s'\n%s\n", w->real, script);

		req.program = arena_printf(w->app.arena, "%s/program", w->dir);
		assert_int_equal(file_write_atomic(req.program, text, strlen(text), &e), 0);
		assert_int_equal(chmod(req.program, 0700), 0);
	}
	if (challenge_self(&req, &w->out, &e) != 0)
		fail_msg("%s", e.message);
	assert_true(w->out.n_attacks >= 26);
	for (size_t i = 0; i < w->out.n_attacks; i++)
		assert_non_null(w->out.attacks[i].reason);
}

/* Every one has this outcome; prints those that have not. */
static void all_are(const struct world *w, enum attack_outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < w->out.n_attacks; i++) {
		const struct attack_result *r = &w->out.attacks[i];

		if (r->outcome == outcome)
			continue;
		print_message("# %s: %s: %s\n", r->name, attack_outcome_name(r->outcome),
			      r->reason);
		n++;
	}
	assert_int_equal(n, 0);
}

static void test_challenge_self_is_noticed_by_the_program_itself(void **state)
{
	struct world *w = *state;

	challenge(w, NULL);
	for (size_t i = 0; i < w->out.n_attacks; i++)
		if (!attack_is_noticed(w->out.attacks[i].outcome))
			fail_msg("%s: %s", w->out.attacks[i].name, w->out.attacks[i].reason);
	assert_int_equal(w->out.n_noticed, w->out.n_attacks);
	assert_true(challenged_score(&w->out) == 1);
}

static void test_challenge_self_is_survived_by_what_always_exits_with_0(void **state)
{
	struct world *w = *state;

	challenge(w, "\"$real\" \"$@\"\nexit 0");
	all_are(w, ATTACK_BLIND);
	assert_int_equal(w->out.n_survived, w->out.n_attacks);
	assert_true(challenged_score(&w->out) == 0);
}

static void test_challenge_self_counts_nothing_when_the_unharmed_world_is_red(void **state)
{
	struct world *w = *state;

	challenge(w, "\"$real\" \"$@\"\nexit 1");
	all_are(w, ATTACK_INCONCLUSIVE);
	assert_true(challenged_score(&w->out) < 0);
	assert_non_null(strstr(w->out.attacks[0].reason, "the unharmed world does not pass"));
}

static void test_challenge_self_counts_nothing_that_turns_red_for_another_reason(void **state)
{
	struct world *w = *state;

	challenge(w, "\"$real\" \"$@\" >/dev/null 2>&1 || { echo 'no idea' >&2; exit 2; }\n"
		     "[ \"$1\" != check ] || \"$real\" \"$@\"");
	for (size_t i = 0; i < w->out.n_attacks; i++)
		assert_false(attack_is_noticed(w->out.attacks[i].outcome));
	assert_non_null(strstr(w->out.attacks[0].reason, "not for that reason: no idea"));
}

static void test_challenge_self_counts_no_crash_as_an_answer(void **state)
{
	struct world *w = *state;

	challenge(w, "\"$real\" \"$@\" || kill -SEGV $$\n");
	for (size_t i = 0; i < w->out.n_attacks; i++)
		assert_false(attack_is_noticed(w->out.attacks[i].outcome));
	assert_non_null(strstr(w->out.attacks[0].reason, "killed instead of answering"));
}

static int start(void **state)
{
	struct err e = {0};

	(void)state;
	return proc_start_helper(&e);
}

static int stop(void **state)
{
	(void)state;
	proc_stop_helper();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_challenge_self_is_noticed_by_the_program_itself),
		TEST(test_challenge_self_is_survived_by_what_always_exits_with_0),
		TEST(test_challenge_self_counts_nothing_when_the_unharmed_world_is_red),
		TEST(test_challenge_self_counts_nothing_that_turns_red_for_another_reason),
		TEST(test_challenge_self_counts_no_crash_as_an_answer),
	};

	proc_become_helper(argc, argv);
	return cmocka_run_group_tests(tests, start, stop);
}
