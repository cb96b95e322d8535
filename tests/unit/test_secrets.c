/* test_secrets: the same secrets whatever the pieces they come in, and content made to be slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audits/secrets_scan.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/model/pattern.h"

/* Put together here, so that this file is not a finding itself. */
#define AWS                                                                                        \
	"AKI"                                                                                      \
	"A"                                                                                        \
	"Q3EGU7R2XKZPVN5D"
#define STRIPE                                                                                     \
	"sk_"                                                                                      \
	"live_"                                                                                    \
	"q8Zr3LmX0vTnY6KdWc2HsB4e"

struct seen {
	struct arena *arena;
	const char *text;
};

static void on_found(void *context, const struct secret_finding *f)
{
	struct seen *s = context;

	s->text = arena_printf(s->arena, "%s%s:%lld|", s->text, f->rule, (long long)f->line);
}

static const char *scan(struct arena *a, const char *name, const char *p, size_t n, size_t piece,
			const struct secret_pattern *patterns, size_t n_patterns)
{
	struct seen seen = {a, ""};
	struct err e = {.class = ERR_NONE};
	struct secret_scan s = {.patterns = patterns,
				.n_patterns = n_patterns,
				.context = &seen,
				.found = on_found};

	secret_scan_init(&s);
	secret_scan_begin(&s, name);
	for (size_t at = 0; at < n; at += piece)
		assert_int_equal(secret_scan_add(&s, p + at, n - at < piece ? n - at : piece, &e),
				 0);
	assert_int_equal(secret_scan_end(&s, &e), 0);
	secret_scan_release(&s);
	return seen.text;
}

static void test_secrets_pieces_do_not_matter(void **state)
{
	static const size_t pieces[] = {1, 7, 4096, 8192, 16383, 16384, 100000};
	struct arena *a = arena_new();
	struct secret_pattern pattern = {.name = "word"};
	struct pattern *compiled = NULL;
	struct err e = {.class = ERR_NONE};
	size_t n = 60000;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	assert_int_equal(pattern_compile(a, "w[o]rd$", 7, false, &compiled, &e), 0);
	pattern.pattern = compiled;
	memset(text, ' ', n);
	for (size_t i = 99; i < n; i += 100)
		text[i] = '\n';
	memcpy(text + 8178, AWS, strlen(AWS));	      /* line 82, across 8192 */
	memcpy(text + 24510, STRIPE, strlen(STRIPE)); /* line 246 */
	memcpy(text + 40095, "word", 4);	      /* line 401, at its end */
	memcpy(text + n - 1 - strlen(AWS), AWS, strlen(AWS));
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		const char *got = scan(a, "file", text, n, pieces[i], &pattern, 1);

		assert_non_null(strstr(got, "AWS access key:82|"));
		assert_non_null(strstr(got, "Stripe key:246|"));
		assert_non_null(strstr(got, "word:401|"));
		assert_non_null(strstr(got, "AWS access key:600|"));
		assert_int_equal(strlen(got), strlen("AWS access key:82|Stripe key:246|word:401|"
						     "AWS access key:600|"));
	}
	free(text);
	arena_free(a);
}

static void test_secrets_utf16_in_pieces(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 4095, 8191, 100000};
	struct arena *a = arena_new();
	size_t n = 60000;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	for (size_t big = 0; big < 2; big++) {
		memset(text, 0, n);
		text[big] = (char)0xFF;
		text[!big] = (char)0xFE;
		for (size_t i = 2; i < n; i += 2)
			text[i + big] = i % 100 == 0 ? '\n' : ' ';
		for (size_t i = 0; i < strlen(AWS); i++)
			text[16380 + 2 * i + big] = AWS[i];
		for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
			assert_string_equal(scan(a, "file", text, n, pieces[i], NULL, 0),
					    "AWS access key:164|");
	}
	free(text);
	arena_free(a);
}

static void on_fingerprint(void *context, const struct secret_finding *f)
{
	struct seen *s = context;

	s->text = arena_printf(s->arena, "%s%s|", s->text, f->fingerprint);
}

/* It is that of the whole key, as far as a rule looks ahead, and not of what lies behind. */
static void test_secrets_fingerprint_is_that_of_the_key(void **state)
{
	static const size_t pieces[] = {7, 8192, 16384, 100000};
	struct arena *a = arena_new();
	size_t n = 40000;
	char *text = malloc(n);
	const char *known = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, 'A', n); /* a key without an end */
	memcpy(text, "-----BEGIN PRIVATE KEY-----", 27);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		for (size_t changed = 0; changed < 3; changed++) {
			struct seen seen = {a, ""};
			struct err e = {.class = ERR_NONE};
			struct secret_scan s = {.context = &seen, .found = on_fingerprint};

			text[SECRET_WINDOW - 1] = changed == 1 ? 'B' : 'A';
			text[SECRET_WINDOW] = changed == 2 ? 'B' : 'A';
			secret_scan_init(&s);
			secret_scan_begin(&s, "file");
			for (size_t at = 0; at < n; at += pieces[i])
				assert_int_equal(
					secret_scan_add(&s, text + at,
							n - at < pieces[i] ? n - at : pieces[i],
							&e),
					0);
			assert_int_equal(secret_scan_end(&s, &e), 0);
			secret_scan_release(&s);
			if (!known)
				known = seen.text;
			assert_int_equal(strlen(seen.text), SECRET_FINGERPRINT);
			assert_int_equal(strcmp(seen.text, known) == 0, changed != 1);
		}
	}
	free(text);
	arena_free(a);
}

static void test_secrets_ends_are_ends(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(scan(a, "x", "", 0, 1, NULL, 0), "");
	assert_string_equal(scan(a, "d/.env", "", 0, 1, NULL, 0), "file of secrets:0|");
	assert_string_equal(scan(a, "x", AWS, strlen(AWS), 3, NULL, 0), "AWS access key:1|");
	/* Part of a longer word, too short, too long: something else. */
	assert_string_equal(scan(a, "x", "x" AWS, strlen(AWS) + 1, 3, NULL, 0), "");
	assert_string_equal(scan(a, "x", AWS, strlen(AWS) - 1, 3, NULL, 0), "");
	assert_string_equal(scan(a, "x", AWS "A", strlen(AWS) + 1, 3, NULL, 0), "");
	arena_free(a);
}

/* Beginnings of everything, again and again: the time is that of the bytes. */
static void test_secrets_beginnings_cost_little(void **state)
{
	static const char *const beginnings[] = {
		"://a:", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
		"AKIA",	 "ghp_",	"client-key-data: ",
	};
	struct arena *a = arena_new();
	size_t n = 1 << 20;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	for (size_t k = 0; k < sizeof(beginnings) / sizeof(beginnings[0]); k++) {
		size_t len = strlen(beginnings[k]);

		for (size_t i = 0; i < n; i++)
			text[i] = beginnings[k][i % len];
		assert_string_equal(scan(a, "x", text, n, 65536, NULL, 0), "");
	}
	/* Content without a line end, and without a character that is one. */
	memset(text, 0xff, n);
	assert_string_equal(scan(a, "x", text, n, 65536, NULL, 0), "");
	free(text);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets_pieces_do_not_matter),
		cmocka_unit_test(test_secrets_utf16_in_pieces),
		cmocka_unit_test(test_secrets_fingerprint_is_that_of_the_key),
		cmocka_unit_test(test_secrets_ends_are_ends),
		cmocka_unit_test(test_secrets_beginnings_cost_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
