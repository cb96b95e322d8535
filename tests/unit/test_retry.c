/*
 * When a check that did not pass is tried again: by the definition, and by what a server asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/io/http.h"
#include "runner/model/definition.h"
#include "runner/retry.h"

static void test_retry_waits_as_written(void **state)
{
	const struct check c = {.name = "a/b", .retry_delay_ms = 1000, .retry_backoff = 1};

	(void)state;
	for (int attempt = 1; attempt <= 10; attempt++)
		assert_int_equal(retry_pause_ms(&c, attempt, attempt), 1000);
}

static void test_retry_waits_longer_each_time(void **state)
{
	const struct check c = {.name = "a/b", .retry_delay_ms = 1000, .retry_backoff = 2};
	const struct check long_one = {
		.name = "a/b", .retry_delay_ms = 3600000, .retry_backoff = 10};
	const struct check at_once = {.name = "a/b", .retry_delay_ms = 0, .retry_backoff = 2};
	int64_t least = 1000;

	(void)state;
	for (int attempt = 1; attempt <= 10; attempt++) {
		int64_t pause = retry_pause_ms(&c, 7, attempt);

		assert_in_range(pause, least, least + least / 4);
		assert_int_equal(pause, retry_pause_ms(&c, 7, attempt));
		least = least * 2 < RETRY_MAX_PAUSE_MS ? least * 2 : RETRY_MAX_PAUSE_MS;
	}
	assert_in_range(retry_pause_ms(&long_one, 7, 10), 3600000, 3600000 / 4 * 5);
	assert_int_equal(retry_pause_ms(&at_once, 7, 10), 0);
}

/* Of a hundred checks that failed together, few come back in the same 25 ms. */
static void test_retry_spreads_checks(void **state)
{
	char name[] = "a/xx";
	struct check c = {.name = name, .retry_delay_ms = 10000, .retry_backoff = 2};
	int n[100] = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		int64_t more;

		name[2] = (char)('0' + i / 10);
		name[3] = (char)('0' + i % 10);
		more = retry_pause_ms(&c, 1764151200000, 1) - 10000;
		assert_in_range(more, 0, 2500);
		n[more / 26]++;
	}
	for (int i = 0; i < 100; i++)
		assert_in_range(n[i], 0, 6);
	c.name = "a/b";
	assert_int_not_equal(retry_pause_ms(&c, 1, 1), retry_pause_ms(&c, 2, 1));
}

static void test_retry_heeds_the_server(void **state)
{
	/* Thu, 26 Nov 2026 10:00:00 GMT */
	const int64_t now_ms = INT64_C(1795687200000);
	static const struct {
		const char *value;
		int64_t ms;
	} cases[] = {
		{"120", 120000},
		{"0", 0},
		{"Thu, 26 Nov 2026 10:00:07 GMT", 7000},
		{"Thu, 26 Nov 2026 09:59:59 GMT", 0},
		{"Thursday, 26-Nov-26 10:01:00 GMT", 60000},
		{"Thu Nov 26 11:00:00 2026", 3600000},
		{"31622400", HTTP_RETRY_MAX_MS},
		{"31622401", HTTP_RETRY_MAX_MS},
		{"99999999999999999999999", HTTP_RETRY_MAX_MS},
		{"Fri, 26 Nov 2060 10:00:00 GMT", HTTP_RETRY_MAX_MS},
		{"", 0},
		{"-5", 0},
		{"1.5", 0},
		{"soon", 0},
		{"Tomorrow", 0},
	};
	struct http_header headers[] = {
		{"Server", "x"}, {"retry-after", "9"}, {"Retry-After", "8"}};
	struct http_response res = {.status = 503, .headers = headers, .n_headers = 3};

	(void)state;
	assert_int_equal(http_retry_after_ms(&res, now_ms), 9000); /* the longer one */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		headers[1].value = headers[2].value = cases[i].value;
		assert_int_equal(http_retry_after_ms(&res, now_ms), cases[i].ms);
	}
	headers[1].value = "9";
	res.status = 429;
	assert_int_equal(http_retry_after_ms(&res, now_ms), 9000);
	res.status = 200;
	assert_int_equal(http_retry_after_ms(&res, now_ms), 0);
	res.status = 503;
	res.n_headers = 1;
	assert_int_equal(http_retry_after_ms(&res, now_ms), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_waits_as_written),
		cmocka_unit_test(test_retry_waits_longer_each_time),
		cmocka_unit_test(test_retry_spreads_checks),
		cmocka_unit_test(test_retry_heeds_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
