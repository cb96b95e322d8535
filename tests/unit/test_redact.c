/* redact: secrets never leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"

struct world {
	struct arena *arena;
	struct redactor *redactor;
};

static int set_up(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));

	*w = (struct world){.arena = a, .redactor = redactor_new(a)};
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	arena_free(w->arena);
	return 0;
}

static void check(struct world *w, const char *text, const char *want)
{
	assert_string_equal(redact_text(w->redactor, w->arena, text), want);
}

static void test_redact_leaves_clean_text_alone(void **state)
{
	struct world *w = *state;
	static const char text[] = "nothing to hide";

	assert_true(redactor_is_empty(w->redactor));
	redactor_add(w->redactor, "");
	assert_true(redactor_is_empty(w->redactor));
	assert_ptr_equal(redact_text(w->redactor, w->arena, text), text);
	redactor_add(w->redactor, "hunter2");
	assert_false(redactor_is_empty(w->redactor));
	assert_ptr_equal(redact_text(w->redactor, w->arena, text), text);
	assert_null(redact_text(w->redactor, w->arena, NULL));
}

static void test_redact_masks_every_occurrence(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "hunter2");
	redactor_add(w->redactor, "hunter2");
	check(w, "hunter2", "***");
	check(w, "a hunter2, hunter2 and hunter", "a ***, *** and hunter");
	check(w, "hunter2hunter2", "***");
	check(w, "Hunter2", "Hunter2");
}

static void test_redact_masks_what_was_escaped(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "a\\b\nc\x1b");
	check(w, "x a\\b\nc\x1b x", "x *** x");
	check(w, "x a\\\\b\\nc\\x1b x", "x *** x");
	check(w, "a\\\\b", "a\\\\b");
}

static void check_cut(struct world *w, const char *text, const char *want)
{
	assert_string_equal(redact_cut(w->redactor, w->arena, text), want);
}

static void test_redact_knows_a_secret_that_was_cut(void **state)
{
	struct world *w = *state;

	check_cut(w, "x", "x");
	redactor_add(w->redactor, "hunter2");
	redactor_add(w->redactor, "er 3");
	redactor_add(w->redactor, "2abc");
	check_cut(w, "", "");
	check_cut(w, "x", "x");
	check_cut(w, "x hunter", "x ***");
	check_cut(w, "x hunter2", "x ***");
	check_cut(w, "x hunter2a", "x ***");
	check_cut(w, "x hunter3", "x hunter3");
	check_cut(w, "x hunt%65", "x ***");
	check_cut(w, "x hunt%6", "x ***");
	check_cut(w, "x h%", "x ***");
	check_cut(w, "x er+", "x ***");
	check_cut(w, "hunter hunt", "hunter ***");
	check(w, "x hunter", "x hunter");
}

/* An error has room for so much, and is masked when it is shown. */
static void test_redact_knows_an_error_that_was_cut(void **state)
{
	struct world *w = *state;
	struct err e;
	const char *shown;

	redactor_add(w->redactor, "hunter2");
	for (int before = (int)sizeof(e.message) - 16; before < (int)sizeof(e.message); before++) {
		(void)err_set(&e, ERR_MEASURE, "%0*d hunter2 and more", before, 0);
		shown = redact_text(w->redactor, w->arena, e.message);
		assert_null(strstr(shown, " h"));
		assert_string_equal(shown + strlen(shown) - strlen(ERR_ELLIPSIS), ERR_ELLIPSIS);
	}
	check(w, "x hunter\xE2\x80\xA6 x", "x hunter\xE2\x80\xA6 x");
}

static void test_redact_takes_over_secrets(void **state)
{
	struct world *w = *state;
	struct redactor *both = redactor_new(w->arena);

	redactor_add(w->redactor, "hunter2");
	redactor_add(both, "e-token");
	redactor_add_all(both, w->redactor);
	assert_string_equal(redact_cut(both, w->arena, "a e-token hunte"), "a *** ***");
}

static void test_redact_masks_overlapping_secrets_whole(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "abcd");
	redactor_add(w->redactor, "cdef");
	redactor_add(w->redactor, "b");
	check(w, "xabcdefx", "x***x");
	check(w, "bob", "***o***");
	check(w, "ababcd", "a***");
}

static void test_redact_masks_percent_encoding_in_any_mixture(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "p@ss w\xC3\xB6rd/");
	check(w, "u=p%40ss%20w%C3%B6rd%2F&x", "u=***&x");
	check(w, "u=p@ss+w%c3%b6rd/&x", "u=***&x");
	check(w, "u=%70%40%73%73%20w%C3%b6rd%2f", "u=***");
	check(w, "u=p%4", "u=p%4");
	check(w, "100%", "100%");
}

/* Not shared with the code under test: byte by byte, the way RFC 4648 describes it. */
static void base64(const char *in, size_t n, char *out)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned a = (unsigned char)in[i];
		unsigned b = i + 1 < n ? (unsigned char)in[i + 1] : 0;
		unsigned c = i + 2 < n ? (unsigned char)in[i + 2] : 0;

		*out++ = set[a >> 2];
		*out++ = set[(a & 3) << 4 | b >> 4];
		*out++ = i + 1 < n ? set[(b & 15) << 2 | c >> 6] : '=';
		*out++ = i + 2 < n ? set[c & 63] : '=';
	}
	*out = '\0';
}

static void test_redact_masks_base64_wherever_it_begins(void **state)
{
	struct world *w = *state;
	static const char secret[] = "correct-horse";

	redactor_add(w->redactor, secret);
	for (size_t before = 0; before < 9; before++) {
		for (size_t after = 0; after < 7; after++) {
			char plain[64], encoded[100], text[160];
			const char *got;
			size_t first = before * 8 / 6; /* characters wholly before the secret */

			(void)snprintf(plain, sizeof(plain), "%.*s%s%.*s", (int)before, "user:user",
				       secret, (int)after, "@suffix");
			base64(plain, strlen(plain), encoded);
			(void)snprintf(text, sizeof(text), "Basic %s.", encoded);
			got = redact_text(w->redactor, w->arena, text);
			if (strstr(got, "***") == NULL ||
			    strlen(got) > 6 + first + 3 + after * 2 + 4)
				fail_msg("%zu before, %zu after: %s", before, after, got);
			/* All that is left before the mask belongs to what was before the secret.
			 */
			assert_int_equal(strstr(got, "***") - got, 6 + first);
		}
	}
}

static void test_redact_has_no_base64_of_short_secrets(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "abc"); /* YWJj */
	check(w, "YWJj", "YWJj");
	check(w, "abc", "***");
}

static void test_redact_masks_escapes_of_json(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "a\"b\\c/d\xC3\xB6\xF0\x9F\x94\x91\tz");
	check(w, "{\"k\":\"a\\\"b\\\\c\\/d\xC3\xB6\xF0\x9F\x94\x91\\tz\"}", "{\"k\":\"***\"}");
	check(w, "a\\u0022b\\u005Cc/d\\u00f6\\ud83d\\uDD11\\u0009z!", "***!");
	check(w, "\\u0061\\u0022\\u0062\\u005cc\\u002Fd\\u00F6\\uD83D\\udd11\\tz!", "***!");
	/* As str_escape() writes the same once more, and as JSON within JSON. */
	check(w, "a\\\\\"b\\\\\\\\c\\\\/d\\\\u00f6\\\\ud83d\\\\udd11\\\\tz!", "***!");
	check(w, "a\\\\\\\"b\\\\\\\\c/d\xC3\xB6\xF0\x9F\x94\x91\\\\tz!", "***!");
	check(w, "a\\u0023b\\u005cc", "a\\u0023b\\u005cc");
	check(w, "a\\u002", "a\\u002");
	check_cut(w, "x a\\u002", "x ***");
	check_cut(w, "x a\\", "x ***");
}

static void test_redact_masks_references_of_html(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "a&b<c>\"d'\xC3\xB6");
	check(w, "<p>a&amp;b&lt;c&gt;&quot;d&apos;\xC3\xB6</p>", "<p>***</p>");
	check(w, "a&b&#60;c&#x3E;&#34;d&#39;&#246;!", "***!");
	check(w, "&#97;&#038;b&#x3c;c>\"d&#X27;&#xF6;!", "***!");
	check(w, "a&amp;amp;b&amp;lt;c&amp;gt;&amp;#34;d'\xC3\xB6!", "***!");
	check(w, "a&amp;b&lt;", "a&amp;b&lt;");
	check_cut(w, "x a&am", "x ***");
}

static void test_redact_tries_both_readings(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "%41%25x");
	redactor_add(w->redactor, "&amp;y&z");
	redactor_add(w->redactor, "c:\\\\d\\e\\");
	check(w, "1 %41%25x!", "1 ***!");
	check(w, "2 %2541%2525x!", "2 ***!");
	check(w, "3 &amp;y&z!", "3 ***!");
	check(w, "4 &amp;amp;y&amp;z!", "4 ***!");
	check(w, "5 c:\\\\d\\e\\!", "5 ***!");
	check(w, "6 c:\\\\\\\\d\\\\e\\\\!", "6 ***!");
}

static void test_redact_bounds_the_work_on_hostile_text(void **state)
{
	struct world *w = *state;
	enum { N = 100000 };
	char *text = arena_alloc(w->arena, N + 1);
	static const char repeated[] = "\\&%0";

	redactor_add(w->redactor, "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\x");
	for (size_t i = 0; i + 1 < sizeof(repeated); i++) {
		memset(text, repeated[i], N);
		assert_non_null(redact_text(w->redactor, w->arena, text));
		assert_non_null(redact_cut(w->redactor, w->arena, text));
	}
}

static void test_redact_masks_base64url(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "\xFB\xEF\xBE\xFF\xFF\xFF");
	check(w, "a ++++//// b", "a *** b");
	check(w, "a ----____ b", "a *** b");
	check(w, "a %2B%2b++\\/\\///. b", "a ***. b");
	redactor_add(w->redactor, "hunter22~?>");
	check(w, "t=aHVudGVyMjJ-Pz4.x", "t=***.x");
	check(w, "t=aHVudGVyMjJ+Pz4=.x", "t=***=.x");
}

static void test_redact_masks_hex(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "Jolly");
	redactor_add(w->redactor, "ab");
	check(w, "x 4a6f6c6c79 4A6F6C6C79 x", "x *** *** x");
	check(w, "004a6F6c6C7900", "00***00");
	check(w, "4a6f6c6c7", "4a6f6c6c7");
	check(w, "6162", "6162");
	check_cut(w, "x 4a6f6", "x ***");
}

static void test_redact_masks_lines_of_a_secret(void **state)
{
	struct world *w = *state;

	redactor_add(w->redactor, "--KEY--\r\n  firstline \r\nshort\nsecondline\n");
	check(w, "a firstline, b secondline", "a ***, b ***");
	check(w, "a Zmlyc3RsaW5l b", "a *** b");
	check(w, "short", "short");
	redactor_add(w->redactor, "one\ntwo\n3");
	check(w, "x one two 3", "x ***");
	check(w, "x one\\ntwo\\\\n3", "x ***");
	check(w, "x one&#10;two%0A3", "x ***");
}

static void test_redact_masks_what_is_cut(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *text;
		size_t most;
		const char *is;
	} cases[] = {
		{"token hunter2 ok", 100, "token *** ok"},
		{"token hunter2 ok", 13, "token ***"},
		{"token hunter2 ok", 12, "token ***"},
		{"token hunter2 ok", 8, "token ***"},
		{"token hunter2 ok", 7, "token ***"},
		{"token hu", 8, "token hu"}, /* all of it: nothing follows */
		{"token %68unter2", 9, "token ***"},
		{"token h%75nter2", 10, "token ***"},
		{"token hu%6eter2", 10, "token ***"},
		{"token hu%6eter2", 9, "token ***"},
		{"Basic YWRhOmh1bnRlcjI=", 16, "Basic YWRhO***"},
		{"gr\xc3\xbc\xc3\x9f", 5, "gr\xc3\xbc"},
		{"nothing to hide", 7, "nothing"},
	};

	redactor_add(w->redactor, "hunter2");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(redact_head(w->redactor, w->arena, cases[i].text,
						strlen(cases[i].text), cases[i].most),
				    cases[i].is);
	assert_string_equal(redact_head(NULL, w->arena, "hunter2", 7, 5), "hunte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_redact_leaves_clean_text_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_every_occurrence, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_what_was_escaped, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_knows_a_secret_that_was_cut, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_overlapping_secrets_whole, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_percent_encoding_in_any_mixture,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_base64_wherever_it_begins, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_has_no_base64_of_short_secrets, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_takes_over_secrets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_what_is_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_escapes_of_json, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_references_of_html, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_knows_an_error_that_was_cut, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_tries_both_readings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_redact_bounds_the_work_on_hostile_text, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_base64url, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_hex, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_redact_masks_lines_of_a_secret, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
