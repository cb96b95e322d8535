/* shard: every check in one part, whatever the order; what need one another together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/selection.h"
#include "runner/shard.h"

#define N 200

struct house {
	struct arena *arena;
	struct check checks[N];
	const struct check *list[N], *needed[N];
	struct definition definition;
};

static int setup(void **state)
{
	struct arena *a = arena_new();
	struct house *h = arena_alloc(a, sizeof(*h));

	*h = (struct house){.arena = a};
	h->definition.checks = arena_array(a, N, sizeof(struct check *));
	h->definition.n_checks = N;
	for (size_t i = 0; i < N; i++) {
		h->checks[i] = (struct check){.index = i, .name = arena_printf(a, "a/c%zu", i)};
		h->definition.checks[i] = &h->checks[i];
		h->list[i] = &h->checks[i];
	}
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	arena_free(h->arena);
	return 0;
}

/* One check needs one other. */
static void need(struct house *h, size_t check, size_t other)
{
	h->needed[check] = &h->checks[other];
	h->checks[check].needs = &h->needed[check];
	h->checks[check].n_needs = 1;
}

/* The part of every check by its index; 0 = in none. */
static void split(struct house *h, size_t n, int64_t total, int64_t out[N])
{
	const struct check **checks;
	int64_t *parts;
	size_t count = shard_split(h->arena, &h->definition, h->list, n, total, &checks, &parts);

	memset(out, 0, N * sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		assert_in_range(parts[i], 1, total);
		assert_int_equal(out[checks[i]->index], 0); /* each once */
		assert_true(i == 0 || checks[i - 1]->index < checks[i]->index);
		out[checks[i]->index] = parts[i];
	}
}

static void test_shard_parts_have_every_check_once(void **state)
{
	struct house *h = *state;
	int64_t parts[N];

	for (int64_t total = 1; total <= 7; total++) {
		size_t sizes[8] = {0};

		split(h, N, total, parts);
		for (size_t i = 0; i < N; i++) {
			assert_in_range(parts[i], 1, total);
			sizes[parts[i]]++;
		}
		for (int64_t i = 1; i <= total; i++) /* 200 balls: none is far from its share */
			assert_in_range(sizes[i], N / total / 2, 2 * N / total);
	}
}

static void test_shard_is_a_matter_of_names_alone(void **state)
{
	struct house *h = *state;
	int64_t all[N], some[N];

	split(h, N, 5, all);
	for (size_t i = 0; i < N / 2; i++) { /* another order, and half as many */
		const struct check *c = h->list[i];

		h->list[i] = h->list[N - 1 - i];
		h->list[N - 1 - i] = c;
	}
	split(h, N / 2, 5, some);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(some[i], i < N / 2 ? 0 : all[i]);
}

/* Written down once: machines of today and of next year must agree. */
static void test_shard_of_a_name_never_changes(void **state)
{
	struct house *h = *state;
	int64_t parts[N];

	split(h, N, 7, parts);
	assert_int_equal(parts[0], 2); /* as Python has it: 1 + int(sha256("a/c0")[:8]) % 7 */
	assert_int_equal(parts[1], 4);
	assert_int_equal(parts[199], 6);
}

static void test_shard_keeps_together_what_need_each_other(void **state)
{
	struct house *h = *state;
	int64_t before[8][N], parts[N];

	for (int64_t total = 2; total <= 7; total++)
		split(h, N, total, before[total]);
	need(h, 1, 0);
	need(h, 2, 1);
	need(h, 9, 0);
	for (int64_t total = 2; total <= 7; total++) {
		split(h, N, total, parts);
		for (size_t i = 0; i < N; i++) /* no other one moves, nor does what they need */
			assert_int_equal(parts[i],
					 before[total][i == 1 || i == 2 || i == 9 ? 0 : i]);
	}
}

/* A check that needs two brings two groups together, into one of the places they had. */
static void test_shard_joins_groups(void **state)
{
	struct house *h = *state;
	const struct check *both[] = {&h->checks[10], &h->checks[20]};
	int64_t before[N], parts[N];

	need(h, 11, 10);
	need(h, 21, 20);
	split(h, N, 7, before);
	h->checks[30].needs = both;
	h->checks[30].n_needs = 2;
	split(h, N, 7, parts);
	assert_true(parts[10] == before[10] || parts[10] == before[20]);
	for (size_t i = 0; i < N; i++) {
		bool is_of_group = i == 10 || i == 11 || i == 20 || i == 21 || i == 30;

		assert_int_equal(parts[i], is_of_group ? parts[10] : before[i]);
	}
}

static void test_shard_takes_what_is_needed_along(void **state)
{
	struct house *h = *state;
	int64_t parts[N];

	need(h, 0, 199);
	split(h, 1, 4, parts);
	assert_true(parts[0] != 0 && parts[0] == parts[199]);
	for (size_t i = 1; i < 199; i++)
		assert_int_equal(parts[i], 0);
}

static void test_shard_words(void **state)
{
	static const char *const bad[] = {"",	  "1",	    "/",     "1/",
					  "/2",	  "0/4",    "5/4",   "1/0",
					  "-1/4", "1/1001", "a/b",   "1/2/3",
					  "1 /2", "1/2 ",   "1.0/2", "99999999999999999999/2"};
	struct run_shard s;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err){0};
		if (shard_parse(bad[i], &s, &e) == 0 || e.class != ERR_USAGE)
			fail_msg("\"%s\"", bad[i]);
	}
	assert_int_equal(shard_parse("1000/1000", &s, &e), 0);
	assert_int_equal(s.index, 1000);
	assert_int_equal(s.total, 1000);
	assert_int_equal(shard_parse("1/1", &s, &e), 0);
}

/* ---- manifests ---- */

static struct run_shard take(struct house *h, const char *shard, const char *subject,
			     struct pairs vars)
{
	struct app app = {.arena = h->arena};
	struct options o = {.shard = shard, .vars = vars};
	struct selection s = {.checks = arena_array(h->arena, N, sizeof(*s.checks)),
			      .n_checks = N,
			      .text = "tag:x"};
	struct run_shard out;
	struct err e = {0};

	memcpy(s.checks, h->list, sizeof(h->list));
	assert_int_equal(shard_take(&app, &h->definition, &o, subject, &s, &out, &e), 0);
	return out;
}

static bool same(struct run_shard a, struct run_shard b)
{
	return memcmp(a.manifest, b.manifest, sizeof(a.manifest)) == 0;
}

static void test_shard_manifest_is_what_all_agree_on(void **state)
{
	struct house *h = *state;
	struct pair ab[] = {{.name = "a", .value = "1"}, {.name = "b", .value = "2"}},
		    ba[] = {{.name = "b", .value = "2"}, {.name = "a", .value = "1"}},
		    other[] = {{.name = "a", .value = "1"}, {.name = "b", .value = "3"}},
		    shifted[] = {{.name = "a", .value = "1b"}, {.name = "", .value = "2"}};
	struct pairs none = {.n = 0};
	struct run_shard first = take(h, "1/4", "v1", none);

	assert_true(same(first, take(h, "4/4", "v1", none)));
	assert_false(same(first, take(h, "1/5", "v1", none)));
	assert_false(same(first, take(h, "1/4", "v2", none)));
	assert_false(same(first, take(h, "1/4", "v1", (struct pairs){ab, 2})));
	assert_true(same(take(h, "1/4", "v1", (struct pairs){ab, 2}),
			 take(h, "2/4", "v1", (struct pairs){ba, 2})));
	assert_false(same(take(h, "1/4", "v1", (struct pairs){ab, 2}),
			  take(h, "1/4", "v1", (struct pairs){other, 2})));
	assert_false(same(take(h, "1/4", "v1", (struct pairs){ab, 2}),
			  take(h, "1/4", "v1", (struct pairs){shifted, 2})));
	h->checks[7].hash[31] = 1;
	assert_false(same(first, take(h, "1/4", "v1", none)));
	h->checks[7].hash[31] = 0;
	assert_true(same(first, take(h, "1/4", "v1", none)));
	h->definition.digest[0] = 1;
	assert_false(same(first, take(h, "1/4", "v1", none)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_shard_parts_have_every_check_once),
		TEST(test_shard_is_a_matter_of_names_alone),
		TEST(test_shard_of_a_name_never_changes),
		TEST(test_shard_keeps_together_what_need_each_other),
		TEST(test_shard_joins_groups),
		TEST(test_shard_takes_what_is_needed_along),
		TEST(test_shard_words),
		TEST(test_shard_manifest_is_what_all_agree_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
