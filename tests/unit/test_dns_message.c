/*
 * Answers of name servers as bytes: what is cut or changed anywhere is never taken for the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/dns_message.h"

/* a.test MX: "a.test" by a pointer, 10 "m" in front of a pointer to "test". */
static const unsigned char good[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1a\4test\0\0\x0f\0\1\xc0\x0c"
				    "\0\x0f\0\1\0\0\0\x3c\0\6\0\x0a\1m\xc0\x0e";
#define N_GOOD (sizeof(good) - 1)

static const struct dns_question question = {.name = "a.test", .type = DNS_MX, .id = 0x1234};

static void test_dns_message_reads_an_answer(void **state)
{
	struct arena *a = arena_new();
	struct dns_answer answer;
	struct err e = {0};

	(void)state;
	assert_int_equal(dns_answer_read(a, good, N_GOOD, &question, &answer, &e), 0);
	assert_int_equal(answer.n, 1);
	assert_string_equal(answer.records[0].data, "10 m.test");
	assert_int_equal(answer.records[0].ttl_s, 60);
	assert_false(answer.is_missing);
	assert_false(answer.is_truncated);
	arena_free(a);
}

/* RFC 2181, 8: resolvers keep nothing for so long, but take it for 0. */
static void test_dns_message_takes_a_negative_ttl_for_none(void **state)
{
	struct arena *a = arena_new();
	unsigned char bytes[N_GOOD];
	struct dns_answer answer;
	struct err e = {0};

	(void)state;
	memcpy(bytes, good, N_GOOD);
	bytes[N_GOOD - 12] = 0x80;
	assert_int_equal(dns_answer_read(a, bytes, N_GOOD, &question, &answer, &e), 0);
	assert_int_equal(answer.records[0].ttl_s, 0);
	bytes[N_GOOD - 12] = 0x7f;
	assert_int_equal(dns_answer_read(a, bytes, N_GOOD, &question, &answer, &e), 0);
	assert_int_equal(answer.records[0].ttl_s, 0x7f00003c);
	arena_free(a);
}

static void test_dns_message_cut_anywhere_is_none(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t n = 0; n < N_GOOD; n++) {
		struct dns_answer answer;
		struct err e = {0};

		assert_int_not_equal(dns_answer_read(a, good, n, &question, &answer, &e), 0);
	}
	arena_free(a);
}

/* Whatever one byte is changed to: no other mail server is read out of it than one spelled there.
 */
static void test_dns_message_survives_any_byte(void **state)
{
	(void)state;
	for (size_t at = 0; at < N_GOOD; at++) {
		struct arena *a = arena_new();

		for (unsigned value = 0; value < 256; value++) {
			unsigned char bytes[N_GOOD];
			struct dns_answer answer = {.n = 0};
			struct err e = {0};

			memcpy(bytes, good, N_GOOD);
			bytes[at] = (unsigned char)value;
			if (dns_answer_read(a, bytes, N_GOOD, &question, &answer, &e) == 0)
				assert_true(answer.n <= 1);
		}
		arena_free(a);
	}
}

/* Of a.test it says only that it is called something else: the name whose place is told by `at`. */
static int read_alias(struct arena *a, unsigned char at, struct dns_answer *answer, struct err *e)
{
	unsigned char alias[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1a\4test\0\0\x0f\0\1\xc0\x0c"
				"\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c";

	alias[sizeof(alias) - 2] = at;
	return dns_answer_read(a, alias, sizeof(alias) - 1, &question, answer, e);
}

static void test_dns_message_follows_no_circle(void **state)
{
	struct arena *a = arena_new();
	struct dns_answer answer;
	struct err e = {0};

	(void)state;
	assert_int_equal(read_alias(a, 14, &answer, &e), 0); /* "test", of which nothing is said */
	assert_int_equal(answer.n, 0);
	assert_int_not_equal(read_alias(a, 12, &answer, &e), 0); /* itself */
	assert_non_null(strstr(e.message, "its aliases lead in a circle"));
	e = (struct err){0};
	assert_int_not_equal(read_alias(a, 200, &answer, &e), 0);
	assert_string_equal(e.message, "the answer holds a malformed record");
	arena_free(a);
}

/* "There is none" of a server that has said neither that it is an authority nor that it asks one.
 */
static void test_dns_message_none_has_to_be_known(void **state)
{
	static const struct {
		unsigned char high, low;
		const char *words; /* NULL = it is believed */
	} cases[] = {
		{0x84, 0x00, NULL}, /* an authority */
		{0x80, 0x80, NULL}, /* a resolver */
		{0x84, 0x03, NULL}, /* an authority: no such name */
		{0x80, 0x00, "is no authority"},
		{0x80, 0x03, "is no authority"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char none[] = "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\4test\0\0\x0f\0\1";
		struct dns_answer answer;
		struct err e = {0};
		int rc;

		none[2] = cases[i].high;
		none[3] = cases[i].low;
		rc = dns_answer_read(a, none, sizeof(none) - 1, &question, &answer, &e);
		assert_int_equal(rc, cases[i].words ? -1 : 0);
		if (cases[i].words)
			assert_non_null(strstr(e.message, cases[i].words));
	}
	arena_free(a);
}

static void test_dns_message_contradiction_is_none(void **state)
{
	unsigned char bytes[N_GOOD];
	struct arena *a = arena_new();
	struct dns_answer answer;
	struct err e = {0};

	(void)state;
	memcpy(bytes, good, N_GOOD);
	bytes[3] |= 3; /* NXDOMAIN, and a record */
	assert_int_equal(dns_answer_read(a, bytes, N_GOOD, &question, &answer, &e), -1);
	assert_non_null(strstr(e.message, "contradicts itself"));
	arena_free(a);
}

static void test_dns_message_asks_what_it_reads(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 512);
	dns_question_write(&b, &question);
	assert_int_equal(b.len, 24);
	assert_memory_equal(b.data, "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\x0f\0\1", 24);
	buf_release(&b);
}

static void test_dns_message_knows_names(void **state)
{
	static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "a b", "caf\xc3\xa9.test"};
	char label[65];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dns_name_is_valid(bad[i]));
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_false(dns_name_is_valid(label));
	label[63] = '\0';
	assert_true(dns_name_is_valid(label));
	assert_true(dns_name_is_valid("_sip._tcp.shop.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns_message_reads_an_answer),
		cmocka_unit_test(test_dns_message_takes_a_negative_ttl_for_none),
		cmocka_unit_test(test_dns_message_cut_anywhere_is_none),
		cmocka_unit_test(test_dns_message_survives_any_byte),
		cmocka_unit_test(test_dns_message_follows_no_circle),
		cmocka_unit_test(test_dns_message_none_has_to_be_known),
		cmocka_unit_test(test_dns_message_contradiction_is_none),
		cmocka_unit_test(test_dns_message_asks_what_it_reads),
		cmocka_unit_test(test_dns_message_knows_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
