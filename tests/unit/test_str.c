/* str: questions about text that comes from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_str_word_is_what_a_shell_reads(void **state)
{
	static const char *const rows[][2] = {
		{"tasks/missing", "tasks/missing"},
		{"-f", "-f"},
		{"", "''"},
		{"a b", "'a b'"},
		{"$(id)", "'$(id)'"},
		{"it's", "'it'\\''s'"},
		{"\\n", "'\\n'"},
		{"\xC3\xA4", "'\xC3\xA4'"},
		{"a\nb", "$'a\\012b'"},
		{"\t1'\\", "$'\\0111\\'\\\\'"},
		{"\x7F\xFF", "$'\\177\\377'"},
		{"\xE2\x80\xAE", "$'\\342\\200\\256'"}, /* right-to-left override */
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;

		buf_init(&out, 100);
		str_word(&out, rows[i][0]);
		assert_string_equal(out.data, rows[i][1]);
		assert_string_equal(str_as_word(a, rows[i][0]), rows[i][1]);
		buf_release(&out);
	}
	arena_free(a);
}

static void test_str_knows_utf8(void **state)
{
	static const char *const good[] = {"",
					   "abc",
					   "\xC3\xA4",
					   "\xE2\x82\xAC",
					   "\xF0\x9F\x98\x80",
					   "\xEF\xBF\xBF",
					   "\xF4\x8F\xBF\xBF",
					   "\xED\x9F\xBF"};
	static const char *const bad[] = {
		"\x80",		    /* continuation alone */
		"\xC3",		    /* cut */
		"\xE2\x82",	    /* cut */
		"\xC0\x80",	    /* overlong NUL */
		"\xC1\xBF",	    /* overlong */
		"\xE0\x9F\xBF",	    /* overlong */
		"\xF0\x8F\xBF\xBF", /* overlong */
		"\xED\xA0\x80",	    /* surrogate */
		"\xF4\x90\x80\x80", /* above U+10FFFF */
		"\xF5\x80\x80\x80",
		"\xFF",
		"a\xE4z",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_true(str_is_utf8("a\0b", 3));
}

/* Every code point there is, encoded by hand here, and nothing else. */
static void test_str_decodes_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x110000; c++) {
		char s[4];
		size_t n;
		uint32_t got = 0;
		bool is_character = c < 0xD800 || (c > 0xDFFF && c <= 0x10FFFF);

		if (c < 0x80) {
			s[0] = (char)c;
			n = 1;
		} else if (c < 0x800) {
			s[0] = (char)(0xC0 | c >> 6);
			n = 2;
		} else if (c < 0x10000) {
			s[0] = (char)(0xE0 | c >> 12);
			n = 3;
		} else {
			s[0] = (char)(0xF0 | c >> 18);
			n = 4;
		}
		for (size_t i = 1; i < n; i++)
			s[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3F));
		if (utf8_decode(s, n, &got) != (is_character ? n : 0) || (is_character && got != c))
			fail_msg("U+%04X", c);
		if (n > 1 && utf8_decode(s, n - 1, &got) != 0)
			fail_msg("U+%04X, cut", c);
	}
}

static void test_str_knows_names(void **state)
{
	char longest[130];

	(void)state;
	assert_true(str_is_name("a"));
	assert_true(str_is_name("_x-1.b"));
	assert_false(str_is_name(""));
	assert_false(str_is_name("1a"));
	assert_false(str_is_name("-a"));
	assert_false(str_is_name("a b"));
	assert_false(str_is_name("a/b"));
	assert_false(str_is_name("\xC3\xA4"));
	memset(longest, 'a', sizeof(longest));
	longest[129] = '\0';
	assert_false(str_is_name(longest));
	longest[128] = '\0';
	assert_true(str_is_name(longest));
}

static void test_str_compares(void **state)
{
	(void)state;
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("ab", "abc"));
	assert_true(str_ends("abc", "bc"));
	assert_true(str_ends("abc", ""));
	assert_false(str_ends("bc", "abc"));
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal("", NULL));
	assert_false(str_equal(NULL, ""));
	assert_true(str_equal("a", "a"));
	assert_false(str_equal("a", "b"));
}

static void test_str_globs(void **state)
{
	static const struct {
		const char *pattern, *s;
		bool want;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbb", false},
		{"a*b*c", "axxbyybzzc", true},
		{"a**c", "ac", true},
		{"?", "", false},
		{"?", "\xC3\xA4", true},
		{"?\?", "\xC3\xA4", false},
		{"v?.?.*", "v1.2.10", true},
		{"v?.?.*", "v10.2.10", false},
		{"*.yaml", "a.yaml.bak", false},
		{"*.yaml", ".yaml.yaml", true},
		{"[a]", "a", false},
		{"[a]", "[a]", true},
		{"\\*", "\\x", true},
	};
	char text[2001], pattern[2001];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (str_glob(rows[i].pattern, rows[i].s) != rows[i].want)
			fail_msg("\"%s\" on \"%s\"", rows[i].pattern, rows[i].s);
	}
	/* Exponential where every star is tried again. */
	memset(text, 'a', 2000);
	text[2000] = '\0';
	for (size_t i = 0; i < 2000; i++)
		pattern[i] = i % 2 == 0 ? 'a' : '*';
	pattern[1999] = 'b';
	pattern[2000] = '\0';
	assert_false(str_glob(pattern, text));
}

static void test_str_makes_deceptive_text_visible(void **state)
{
	static const struct {
		const char *s, *want;
	} rows[] = {
		{"plain text", "plain text"},
		{"\xC3\xA4\xE2\x82\xAC", "\xC3\xA4\xE2\x82\xAC"},
		{"a\nb\tc\\d", "a\\nb\\tc\\\\d"},
		{"\x1B[31mred", "\\x1b[31mred"},
		{"\x7F\r", "\\x7f\\x0d"},
		{"\xC2\x9B"
		 "31m",
		 "\\u{009B}31m"},	       /* C1: a CSI in one character */
		{"\xE2\x80\xAE", "\\u{202E}"}, /* right-to-left override */
		{"a\xE2\x80\x8B"
		 "b",
		 "a\\u{200B}b"},		     /* zero width space */
		{"\xE2\x81\xA6", "\\u{2066}"},	     /* isolate */
		{"\xEF\xBB\xBF", "\\u{FEFF}"},	     /* byte order mark */
		{"\xE2\x80\xA8", "\\u{2028}"},	     /* line separator */
		{"\xF3\xA0\x81\x81", "\\u{E0041}"},  /* tag letter */
		{"\xE3\x85\xA4", "\\u{3164}"},	     /* filler */
		{"\x80\xC3", "\\x80\\xc3"},	     /* not UTF-8 */
		{"\xC0\xAF", "\\xc0\\xaf"},	     /* overlong slash */
		{"\xED\xA0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
	};
	struct arena *a = arena_new();
	struct buf out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(str_escaped(a, rows[i].s), rows[i].want);
	buf_init(&out, BUF_UNBOUNDED);
	str_escape(&out, "a\0b", 3);
	assert_string_equal(out.data, "a\\x00b");
	buf_release(&out);
	arena_free(a);
}

static void test_str_escapes_any_bytes_into_one_line_of_utf8(void **state)
{
	uint64_t x = 12345;
	struct buf out;
	char s[64];

	(void)state;
	buf_init(&out, BUF_UNBOUNDED);
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(s); k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			s[k] = (char)(x >> 56);
		}
		buf_reset(&out);
		str_escape(&out, s, sizeof(s));
		assert_true(str_is_utf8(out.data, out.len));
		for (size_t k = 0; k < out.len; k++)
			assert_false((unsigned char)out.data[k] < 0x20 || out.data[k] == 0x7F);
	}
	buf_release(&out);
}

static void test_str_measures_columns(void **state)
{
	(void)state;
	assert_int_equal(str_width(""), 0);
	assert_int_equal(str_width("abc"), 3);
	assert_int_equal(str_width("\xC3\xA4\xE2\x82\xAC"), 2);
	assert_int_equal(str_width("e\xCC\x81"), 1);		    /* combining acute */
	assert_int_equal(str_width("\xE2\x9C\x93\xEF\xB8\x8F"), 1); /* selector */
	assert_int_equal(str_width("\xFF\xFE"), 2);
}

static void test_str_finds_what_was_meant(void **state)
{
	static const char *const keys[] = {"expect", "schema", "schedule", "table", "rows", "warn"};
	static const struct {
		const char *word;
		int want;
	} rows[] = {
		{"expct", 0}, {"exepct", 0}, {"schma", 1},  {"shedule", 2},
		{"tabel", 3}, {"row", 4},    {"wran", 5},   {"xyz", -1},
		{"", -1},     {"rows", 4},   {"roxyz", -1},
	};
	char huge[200];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int got = str_closest(rows[i].word, keys, COUNT(keys));

		if (got != rows[i].want)
			fail_msg("\"%s\" gave %d", rows[i].word, got);
	}
	memset(huge, 'a', sizeof(huge));
	huge[199] = '\0';
	assert_int_equal(str_closest(huge, keys, COUNT(keys)), -1);
	assert_int_equal(str_closest("rows", (const char *const[]){huge, "rowss"}, 2), 1);
	assert_int_equal(str_closest("rows", keys, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str_knows_utf8),
		cmocka_unit_test(test_str_word_is_what_a_shell_reads),
		cmocka_unit_test(test_str_decodes_every_character),
		cmocka_unit_test(test_str_knows_names),
		cmocka_unit_test(test_str_compares),
		cmocka_unit_test(test_str_globs),
		cmocka_unit_test(test_str_makes_deceptive_text_visible),
		cmocka_unit_test(test_str_escapes_any_bytes_into_one_line_of_utf8),
		cmocka_unit_test(test_str_measures_columns),
		cmocka_unit_test(test_str_finds_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
