/* test_pattern_literals: what is said to be in every match is in every match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/pattern.h"
#include "runner/model/pattern_literals.h"

static void expect(const char *re, const char *want)
{
	struct arena *a = arena_new();
	const char *texts[PATTERN_MAX_LITERALS];
	size_t n = pattern_literals(a, re, strlen(re), texts);
	const char *got = "";

	for (size_t i = 0; i < n; i++)
		got = arena_printf(a, "%s%s%s", got, i > 0 ? " " : "", texts[i]);
	if (strcmp(got, want) != 0)
		fail_msg("/%s/ holds \"%s\", not \"%s\"", re, got, want);
	arena_free(a);
}

static void test_pattern_literals_are_the_longest_runs(void **state)
{
	(void)state;
	expect("ERROR", "ERROR");
	expect("ERROR|FATAL|a panic:", "ERROR FATAL a panic:");
	expect("^\\[ERROR\\] .* code=\\d+$", "[ERROR] ");
	expect("ab+cde", "cde");
	expect("abc?de", "ab");
	expect("abc{0,2}d", "ab");
	expect("abc*?d", "ab");
	expect("[a-z]+timeout[^]x]\\.", "timeout");
	expect("(a|b)(c[)](d))?not here", "not here");
	expect("10\\.0\\.0\\.1", "10.0.0.1");
	expect("caf\xc3\xa9* au lait", " au lait");
}

static void test_pattern_literals_are_none_in_doubt(void **state)
{
	static const char *const doubtful[] = {
		"",
		"a",
		"abc|",
		"abc|d?",
		"(?i)error",
		"(?:error)",
		"(x(?i)error)",
		"error(*ACCEPT)",
		"\\Qerror\\E",
		"\\x{41}bcd",
		"error\\",
		"error[a",
		"error(a",
		"error)a",
		"error{2",
		"error{x}",
		"[[:alpha:]]error",
		"error\n",
		"aa|bb|cc|dd|ee|ff|gg|hh|ii",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(doubtful) / sizeof(*doubtful); i++)
		expect(doubtful[i], "");
}

static uint32_t draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

static void put_random(char *out, uint32_t *seed, const char *const *parts, size_t n_parts,
		       uint32_t n)
{
	*out = '\0';
	for (uint32_t i = 0; i < n; i++)
		(void)strcat(out, parts[draw(seed, (uint32_t)n_parts)]);
}

/* Random patterns, random texts: what matches holds one of the literals. */
static void test_pattern_literals_are_in_every_match(void **state)
{
	static const char *const parts[] = {
		"a", "b", "ab", "?",   "*",   "+",   "{0,1}", "{2}", "(",   ")",   "[ab]", "[^b",
		"]", "|", ".",	"\\.", "\\d", "\\w", "^",     "$",   "\\b", "bb.", "aba"};
	static const char *const letters[] = {"a", "b", ".", "ab", "ba", "1", " "};
	struct arena *a = arena_new();
	uint32_t seed = 7;
	int n_with = 0, n_matched = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char re[128], text[64];
		struct pattern *p;
		struct err e = {.class = ERR_NONE};
		const char *const *texts;
		size_t n;

		put_random(re, &seed, parts, sizeof(parts) / sizeof(*parts), 1 + draw(&seed, 8));
		if (pattern_compile(a, re, strlen(re), false, &p, &e) < 0)
			continue;
		n = pattern_texts(p, &texts);
		n_with += n > 0;
		for (int k = 0; k < 10 && n > 0; k++) {
			bool is_there = false;

			put_random(text, &seed, letters, sizeof(letters) / sizeof(*letters), 8);
			if (pattern_search(p, text, strlen(text), &e) <= 0)
				continue;
			n_matched++;
			for (size_t t = 0; t < n; t++)
				is_there = is_there || strstr(text, texts[t]);
			if (!is_there)
				fail_msg("/%s/ matches \"%s\" without %s", re, text, texts[0]);
		}
	}
	assert_true(n_with > 1000 && n_matched > 1000);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_literals_are_the_longest_runs),
		cmocka_unit_test(test_pattern_literals_are_none_in_doubt),
		cmocka_unit_test(test_pattern_literals_are_in_every_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
