/* test_signature: base64 with one reading, OpenSSH's times, patterns, lines and blobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/err.h"
#include "runner/io/signature_ssh_format.h"

static void test_base64_both_ways(void **state)
{
	static const char *const pairs[][2] = {
		{"", ""},	 {"f", "Zg=="},	       {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t n;
		const unsigned char *p = base64_decode(a, pairs[i][1], strlen(pairs[i][1]), &n);

		assert_non_null(p);
		assert_int_equal(n, strlen(pairs[i][0]));
		assert_memory_equal(p, pairs[i][0], n);
		assert_string_equal(base64_encode(a, pairs[i][0], n), pairs[i][1]);
	}
	arena_free(a);
}

static void test_base64_refuses(void **state)
{
	static const char *const bad[] = {"Zg",	  "Zg=",      "Zg== ", "Zh==",	 "Zm9=", "====",
					  "Z===", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm-_", "=m9v"};
	struct arena *a = arena_new();
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_decode(a, bad[i], strlen(bad[i]), &n))
			fail_msg("\"%s\" was taken", bad[i]);
	arena_free(a);
}

static int64_t time_of(const char *s)
{
	int64_t ms = -1;

	return ssh_time_parse(s, strlen(s), &ms) == 0 ? ms : -1;
}

static void test_ssh_times(void **state)
{
	(void)state;
	assert_int_equal(time_of("20260102Z"), INT64_C(1767312000000));
	assert_int_equal(time_of("202601020304Z"), INT64_C(1767323040000));
	assert_int_equal(time_of("20260102030405Z"), INT64_C(1767323045000));
	assert_true(time_of("20260102") > 0); /* the machine's zone */
	assert_int_equal(time_of("19700101000001Z"), 1000);
	assert_int_equal(time_of("19700101Z"), -1); /* 0 would be no bound */
	assert_int_equal(time_of("19691231Z"), -1);
	assert_int_equal(time_of("20260230Z"), -1);
	assert_int_equal(time_of("20261301Z"), -1);
	assert_int_equal(time_of("2026-01-02"), -1);
	assert_int_equal(time_of("2026010203Z"), -1);
	assert_int_equal(time_of("202601022460Z"), -1);
	assert_int_equal(time_of("Z"), -1);
	assert_int_equal(time_of(""), -1);
}

static void test_ssh_patterns(void **state)
{
	(void)state;
	assert_true(ssh_list_matches("a@x,b@x", "b@x"));
	assert_true(ssh_list_matches("*@x", "b@x"));
	assert_false(ssh_list_matches("!b@x,*@x", "b@x"));
	assert_false(ssh_list_matches("*@x,!b@x", "b@x"));
	assert_false(ssh_list_matches("!b@x", "a@x")); /* only exclusions let nobody in */
	assert_false(ssh_list_matches("", "a"));
	assert_false(ssh_list_matches("a", "ab"));
}

static void refuses(const char *line, const char *words)
{
	struct arena *a = arena_new();
	struct ssh_signer s = {.line = 1};
	struct err e = {.class = ERR_NONE};

	assert_int_equal(ssh_signer_parse(a, line, strlen(line), &s, &e), -1);
	if (!strstr(e.message, words))
		fail_msg("\"%s\" does not say \"%s\"", e.message, words);
	arena_free(a);
}

/* string "ssh-ed25519", string of three bytes: enough of a key for a list */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAA2FiYw=="

static void test_ssh_signers(void **state)
{
	static const char line[] =
		"\"a@x,b@x\" namespaces=\"git,file\",valid-before=\"20260102Z\" " KEY " comment";
	struct arena *a = arena_new();
	struct ssh_signer s = {.line = 1};
	struct err e = {.class = ERR_NONE};

	(void)state;
	assert_int_equal(ssh_signer_parse(a, line, strlen(line), &s, &e), 0);
	assert_string_equal(s.principals, "a@x,b@x");
	assert_string_equal(s.namespaces, "git,file");
	assert_int_equal(s.before_ms, INT64_C(1767312000000));
	assert_int_equal(s.after_ms, 0);
	assert_false(s.is_authority);
	assert_int_equal(s.key.n, 22);
	assert_int_equal(ssh_signer_parse(a, "* cert-authority " KEY,
					  strlen("* cert-authority " KEY), &s, &e),
			 0);
	assert_true(s.is_authority);
	assert_int_equal(ssh_signer_parse(a, "  # " KEY, 6, &s, &e), 0);
	assert_int_equal(s.key.n, 0);
	arena_free(a);

	refuses("a@x", "no public key");
	refuses("a@x ssh-ed25519", "no public key");
	refuses("a@x ssh-ed25519 !", "damaged");
	refuses("a@x ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAA2FiYw==", "damaged");
	refuses("a@x valid-before=\"soon\" " KEY, "valid-before is no time");
	refuses("a@x verify-required " KEY, "no option of allowed_signers");
	refuses("a@x namespaces=\"file " KEY, "no public key");
}

static void test_ssh_blobs_end_where_they_say(void **state)
{
	static const unsigned char torn[] = "SSHSIG\0\0\0\1\0\0\0\x7f"
					    "key";
	static const unsigned char version[] = "SSHSIG\0\0\0\2";
	struct arena *a = arena_new();
	struct ssh_blob blob;

	(void)state;
	assert_string_equal(
		ssh_blob_parse(a, (struct bytes){.p = torn, .n = sizeof(torn) - 1}, &blob),
		"it is malformed");
	assert_string_equal(
		ssh_blob_parse(a, (struct bytes){.p = version, .n = sizeof(version) - 1}, &blob),
		"it is of a version that is not known");
	assert_non_null(ssh_blob_parse(a, (struct bytes){.p = version, .n = 3}, &blob));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64_both_ways),
		cmocka_unit_test(test_base64_refuses),
		cmocka_unit_test(test_ssh_times),
		cmocka_unit_test(test_ssh_patterns),
		cmocka_unit_test(test_ssh_signers),
		cmocka_unit_test(test_ssh_blobs_end_where_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
