#include <string.h>
#include <strings.h>

#include "runner/base/num.h"
#include "runner/io/http.h"
#include "runner/io/http_library.h"

static int64_t bounded(int64_t ms)
{
	if (ms < 0)
		return 0;
	return ms < HTTP_RETRY_MAX_MS ? ms : HTTP_RETRY_MAX_MS;
}

/* Digits alone are seconds; more of them than a number holds are a long time. */
static int64_t wish_ms(const char *value, int64_t now_ms)
{
	size_t n = strlen(value);
	int64_t seconds;
	time_t at;

	if (n > 0 && strspn(value, "0123456789") == n) {
		if (num_parse_int(value, n, &seconds) != 0 || seconds > HTTP_RETRY_MAX_MS / 1000)
			return HTTP_RETRY_MAX_MS;
		return seconds * 1000;
	}
	/* All dates of RFC 9110 begin with a day's name; curl would read much more as a date. */
	if (n < 3 || strchr("MTWFS", value[0]) == NULL)
		return 0;
	at = curl_getdate(value, NULL);
	return at < 0 ? 0 : bounded((int64_t)at * 1000 - now_ms);
}

int64_t http_date_ms(const struct http_response *res)
{
	for (size_t i = 0; i < res->n_headers; i++) {
		time_t at;

		if (strcasecmp(res->headers[i].name, "Date") != 0)
			continue;
		at = curl_getdate(res->headers[i].value, NULL);
		return at < 0 ? -1 : (int64_t)at * 1000;
	}
	return -1;
}

int64_t http_retry_wish_ms(long status, const char *retry_after, int64_t now_ms)
{
	return status == 429 || status == 503 ? wish_ms(retry_after, now_ms) : 0;
}

int64_t http_retry_after_ms(const struct http_response *res, int64_t now_ms)
{
	int64_t longest = 0;

	for (size_t i = 0; i < res->n_headers; i++) {
		int64_t wish;

		if (strcasecmp(res->headers[i].name, "Retry-After") != 0)
			continue;
		wish = http_retry_wish_ms(res->status, res->headers[i].value, now_ms);
		longest = wish > longest ? wish : longest;
	}
	return longest;
}
