/* test_manifest: lines of SHA256SUMS files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audits/manifest.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

#define HEX	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define UPPER_HEX "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"

static void expect_names(const char *text, const char *names)
{
	struct arena *a = arena_new();
	struct manifest m;
	struct err e = {.class = ERR_NONE};
	char *joined = arena_strdup(a, "");

	if (manifest_parse(a, text, strlen(text), &m, &e) < 0)
		fail_msg("%s", e.message);
	for (size_t i = 0; i < m.by_name.n; i++) {
		const struct manifest_entry *entry = m.by_name.entries[i].value;

		assert_int_equal(entry->digest[0], 0xba);
		assert_int_equal(entry->digest[31], 0xad);
		joined = arena_printf(a, "%s%s|", joined, entry->name);
	}
	assert_string_equal(joined, names);
	arena_free(a);
}

static void test_manifest_reads_every_form(void **state)
{
	(void)state;
	expect_names(HEX "  a\n" HEX " *b\n" HEX " c\nSHA256 (d) = " HEX "\n", "a|b|c|d|");
	expect_names(UPPER_HEX "  a", "a|"); /* upper case, no newline at the end */
	expect_names("# made by hand\n\n" HEX "  a\n", "a|");
	expect_names(HEX "   two spaces first\n", " two spaces first|");
	expect_names("SHA256 (a (1) = b) = " HEX "\n", "a (1) = b|");
}

static void test_manifest_unescapes_names(void **state)
{
	(void)state;
	expect_names("\\" HEX "  a\\nb\\\\c\\rd\n", "a\nb\\c\rd|");
	expect_names("\\SHA256 (a\\nb) = " HEX "\n", "a\nb|");
	expect_names(HEX "  a\\nb\n", "a\\nb|"); /* without the mark a backslash is a backslash */
}

static void test_manifest_normalises_names(void **state)
{
	(void)state;
	expect_names(HEX "  ./a\n" HEX "  b//c/./d\n" HEX "  ..e\n" HEX "  f/..g/...\n",
		     "a|b/c/d|..e|f/..g/...|");
}

static void expect_refused(const char *text, const char *part)
{
	struct arena *a = arena_new();
	struct manifest m;
	struct err e = {.class = ERR_NONE};
	/* An exact copy, so that a sanitizer sees any read past its end. */
	size_t n = strlen(text);
	char *copy = malloc(n > 0 ? n : 1);

	memcpy(copy, text, n);
	assert_int_equal(manifest_parse(a, copy, n, &m, &e), -1);
	assert_int_equal(e.class, ERR_MEASURE);
	if (!strstr(e.message, part))
		fail_msg("\"%s\" lacks \"%s\"", e.message, part);
	free(copy);
	arena_free(a);
}

static void test_manifest_refuses_malformed_lines(void **state)
{
	(void)state;
	expect_refused("hello\n", "line 1 is not a checksum: \"hello\"");
	expect_refused(HEX "  a\n" HEX "\n", "line 2 is not a checksum");
	expect_refused(HEX "  \n", "line 1 is not a checksum");
	expect_refused(HEX "x  a\n", "line 1 is not a checksum");
	expect_refused(HEX "\ta\n", "line 1 is not a checksum");
	expect_refused("-----BEGIN PGP SIGNED MESSAGE-----\n", "line 1 is not a checksum");
	expect_refused("SHA256 () = " HEX "\n", "line 1 is not a checksum");
	expect_refused("MD5 (a) = d41d8cd98f00b204e9800998ecf8427e\n", "line 1 is not a checksum");
	expect_refused("\\" HEX "  a\\tb\n", "line 1 is not a checksum");
	expect_refused("\\" HEX "  a\\\n", "line 1 is not a checksum");
	expect_refused("ba7816bf  a\n", "line 1 is not a checksum");
	expect_refused("\\\n", "line 1 is not a checksum");
}

static void test_manifest_refuses_nul_in_a_name(void **state)
{
	static const char text[] = HEX "  a\0b\n";
	struct arena *a = arena_new();
	struct manifest m;
	struct err e = {.class = ERR_NONE};

	(void)state;
	assert_int_equal(manifest_parse(a, text, sizeof(text) - 1, &m, &e), -1);
	assert_non_null(strstr(e.message, "line 1 is not a checksum"));
	arena_free(a);
}

static void test_manifest_refuses_carriage_returns(void **state)
{
	(void)state;
	expect_refused(HEX "  a\n" HEX "  b\r\n", "line 2 ends with CR LF");
	expect_refused("\r\n", "line 1 ends with CR LF");
}

static void test_manifest_refuses_names_outside_the_root(void **state)
{
	(void)state;
	expect_refused(HEX "  /etc/passwd\n", "line 1: name \"/etc/passwd\" leads out of the root");
	expect_refused(HEX "  ../a\n", "leads out");
	expect_refused(HEX "  a/../../b\n", "leads out");
	expect_refused(HEX "  a/..\n", "leads out");
	expect_refused(HEX "  .\n", "leads out");
	expect_refused("SHA256 (../a) = " HEX "\n", "leads out");
	expect_refused("\\" HEX "  ..\\n/../a\n", "leads out");
}

static void test_manifest_refuses_duplicates_and_nothing(void **state)
{
	(void)state;
	expect_refused(HEX "  a\n\n" HEX " *./a\n", "line 3: \"./a\" is listed in line 1 already");
	expect_refused("", "it lists no files");
	expect_refused("# nothing\n\n", "it lists no files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest_reads_every_form),
		cmocka_unit_test(test_manifest_unescapes_names),
		cmocka_unit_test(test_manifest_normalises_names),
		cmocka_unit_test(test_manifest_refuses_malformed_lines),
		cmocka_unit_test(test_manifest_refuses_nul_in_a_name),
		cmocka_unit_test(test_manifest_refuses_carriage_returns),
		cmocka_unit_test(test_manifest_refuses_names_outside_the_root),
		cmocka_unit_test(test_manifest_refuses_duplicates_and_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
