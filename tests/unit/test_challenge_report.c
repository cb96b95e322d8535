/* challenge reports: what a challenge comes to, and that nothing foreign gets out as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "reports/challenge.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/json.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define HOSTILE "a\n::error::b\x1b[31m \xE2\x80\xAE \xff <b> \"'\\ \t."

static const struct check_info plain = {
	.name = "a/b", .kind = "rows", .file = "assize.yaml", .line = 7, .col = 9, .tags = ""};

static struct attack_result attack(const char *name, enum attack_outcome o)
{
	return (struct attack_result){
		.name = name, .object = "", .words = "it is gone", .outcome = o};
}

struct sum {
	const char *what;
	enum attack_outcome outcomes[4];
	size_t n;
	const char *reason;
	double at_least;
	bool is_interrupted;
	int status;
};

static const struct sum sums[] = {
	{"all noticed", {ATTACK_FAILED, ATTACK_STEADY}, 2, NULL, 1, false, 0},
	{"one survives", {ATTACK_FAILED, ATTACK_BLIND}, 2, NULL, 1, false, 1},
	{"which is enough", {ATTACK_ERROR, ATTACK_BLIND}, 2, NULL, 0.5, false, 0},
	{"or is not", {ATTACK_NO_VALUE, ATTACK_WRONG_WAY}, 2, NULL, 0.51, false, 1},
	{"a false alarm", {ATTACK_FAILED, ATTACK_FALSE_ALARM}, 2, NULL, 0, false, 1},
	{"nothing that counts", {ATTACK_GUARDED, ATTACK_INCONCLUSIVE}, 2, NULL, 0, false, 2},
	{"harmless changes alone", {ATTACK_STEADY}, 1, NULL, 0, false, 2},
	{"no attack", {ATTACK_STEADY}, 0, NULL, 0, false, 2},
	{"not challenged", {ATTACK_FAILED}, 0, "it fails", 0, false, 2},
	{"a proof that failed", {ATTACK_FALSE_ALARM}, 1, "it answers otherwise", 0, false, 2},
	{"interrupted", {ATTACK_FAILED}, 1, NULL, 1, true, 2},
	{"interrupted behind a survivor", {ATTACK_TOLERATED}, 1, NULL, 1, true, 1},
};

static void test_challenge_exit_status_is_what_it_comes_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(sums); i++) {
		struct attack_result r[4];
		struct challenged c = {.check = &plain, .reason = sums[i].reason, .attacks = r};
		struct challenge_report report = {.items = &c,
						  .n = 1,
						  .at_least = sums[i].at_least,
						  .is_interrupted = sums[i].is_interrupted};

		for (size_t k = 0; k < sums[i].n; k++)
			r[c.n_attacks++] = attack("x", sums[i].outcomes[k]);
		challenged_count(&c);
		if (challenge_exit_status(&report) != sums[i].status)
			fail_msg("%s: %d", sums[i].what, challenge_exit_status(&report));
	}
}

/* Of several the worst counts: what survives before what is not known. */
static void test_challenge_exit_status_is_that_of_the_worst(void **state)
{
	struct attack_result good = attack("x", ATTACK_FAILED), bad = attack("x", ATTACK_BLIND);
	struct challenged c[3] = {{.check = &plain, .attacks = &good, .n_attacks = 1},
				  {.check = &plain, .reason = "it fails"},
				  {.check = &plain, .attacks = &bad, .n_attacks = 1}};
	struct challenge_report report = {.items = c, .n = 2, .at_least = 1};

	(void)state;
	for (size_t i = 0; i < N(c); i++)
		challenged_count(&c[i]);
	assert_int_equal(challenge_exit_status(&report), 2);
	assert_int_equal(challenge_unchallenged(&report), 1);
	report.n = 3;
	assert_int_equal(challenge_exit_status(&report), 1);
	report.n = 0; /* nothing was asked of anything */
	assert_int_equal(challenge_exit_status(&report), 2);
}

/* By score, then by how much survives, then by severity. */
static void test_challenge_ranking_has_the_worst_first(void **state)
{
	const struct check_info infos[] = {
		{.name = "whole", .severity = 9}, {.name = "mild", .severity = 3},
		{.name = "more", .severity = 1},  {.name = "severe", .severity = 8},
		{.name = "worst", .severity = 1},
	};
	const int64_t counts[][2] = {{2, 0}, {1, 1}, {2, 2}, {1, 1}, {0, 1}};
	struct challenged c[N(infos)];
	struct challenge_report report = {.items = c, .n = N(infos), .at_least = 1};
	struct arena *a = arena_new();
	char text[2000] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	const char *at = text;

	(void)state;
	for (size_t i = 0; i < N(c); i++)
		c[i] = (struct challenged){
			.check = &infos[i], .n_noticed = counts[i][0], .n_survived = counts[i][1]};
	challenge_ranking(a, &report, out);
	(void)fclose(out);
	for (size_t i = 0; i < N(c); i++) {
		static const char *const order[] = {"worst", "more", "severe", "mild", "whole"};

		at = strstr(at, order[i]);
		if (at == NULL)
			fail_msg("%s is not in its place:\n%s", order[i], text);
	}
	arena_free(a);
}

static struct attack_result hostile(enum attack_outcome o, bool is_planned)
{
	return (struct attack_result){
		.name = HOSTILE,
		.object = HOSTILE,
		.words = HOSTILE,
		.outcome = o,
		.reason = HOSTILE,
		.series = HOSTILE,
		.before = HOSTILE,
		.after = HOSTILE,
		.bound = HOSTILE,
		.advice = HOSTILE,
		.turns_red = 1,
		.turns_red_words = HOSTILE,
		.is_erratic = true,
		.is_planned = is_planned,
	};
}

static void check_visible(const struct buf *b)
{
	assert_true(str_is_utf8(b->data, b->len));
	assert_null(strstr(b->data, "\xE2\x80\xAE"));
	assert_null(strstr(b->data, "\n::error"));
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20 && b->data[i] != '\n')
			fail_msg("byte %d gets out", b->data[i]);
}

static void test_challenge_text_is_visible(void **state)
{
	const struct check_info info = {.name = HOSTILE,
					.kind = HOSTILE,
					.title = HOSTILE,
					.owner = HOSTILE,
					.file = HOSTILE,
					.line = 1,
					.col = 1,
					.tags = ""};
	struct attack_result r[ATTACK_LAST + 2];
	struct challenged c = {.check = &info, .attacks = r};
	struct challenge_report report = {
		.items = &c, .n = 1, .at_least = 1, .definition_file = HOSTILE};
	struct json_doc *doc;
	struct err e = {0};
	struct buf b;

	(void)state;
	for (size_t i = 0; i <= ATTACK_LAST; i++)
		r[c.n_attacks++] = hostile((enum attack_outcome)i, false);
	r[c.n_attacks++] = hostile(ATTACK_INCONCLUSIVE, true);
	challenged_count(&c);
	for (int i = 0; i < 2; i++) { /* then as one that was not challenged */
		buf_init(&b, BUF_UNBOUNDED);
		challenge_text(&b, &c, NULL, false);
		check_visible(&b);
		buf_reset(&b);
		challenge_json(&b, &report);
		if (json_parse(b.data, b.len, &doc, &e) != 0)
			fail_msg("%s", e.message);
		json_free(doc);
		buf_release(&b);
		c.reason = c.help = HOSTILE;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenge_exit_status_is_what_it_comes_to),
		cmocka_unit_test(test_challenge_exit_status_is_that_of_the_worst),
		cmocka_unit_test(test_challenge_ranking_has_the_worst_first),
		cmocka_unit_test(test_challenge_text_is_visible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
