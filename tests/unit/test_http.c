/*
 * The HTTP door against tests/tools/testd: caps, stopping, redirects, what is sent where. How
 * hostile answers are called is tested through the whole program, in tests/t/hostile_http.t.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/pairs.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "tests/unit/testd_server.h"

#define DEADLINE_MS 10000

/* What happened to the transfers of one loop. */
struct fetched {
	struct clock clock;
	struct http_loop *loop;
	size_t n, n_done, n_failed;
	size_t stop_after; /* 0 = when all are done */
	struct http_request request;
	const char *const *urls;
	long status;
	bool is_length_known;
	double total_s;
	struct buf body;
	char url[256], error[1024];
};

static int on_body(void *ctx, const char *data, size_t n, struct err *e)
{
	struct fetched *f = ctx;

	(void)e;
	return buf_add(&f->body, data, n);
}

static void on_done(void *ctx, const struct http_response *res, struct err *e)
{
	struct fetched *f = ctx;

	f->n_done++;
	if (res == NULL) {
		f->n_failed++;
		snprintf(f->error, sizeof(f->error), "%s", e->message);
	} else {
		f->status = res->status;
		f->is_length_known = res->is_length_known;
		f->total_s = res->total_s;
		snprintf(f->url, sizeof(f->url), "%s", res->url);
	}
	if (f->n_done == (f->stop_after > 0 ? f->stop_after : f->n))
		http_loop_stop(f->loop);
}

static void on_wake(void *ctx)
{
	static const struct http_handler handler = {.on_body = on_body, .done = on_done};
	struct fetched *f = ctx;

	for (size_t i = 0; i < f->n; i++) {
		struct err e = {0};

		if (f->urls != NULL)
			f->request.url = f->urls[i];
		if (http_start(f->loop, &f->request, &handler, f, &e) != 0) {
			f->n_failed++;
			snprintf(f->error, sizeof(f->error), "%s", e.message);
			http_loop_stop(f->loop);
			return;
		}
	}
}

static void fetch(struct fetched *f, size_t n, long max_total, long max_per_host)
{
	f->clock = clock_system();
	f->n = n;
	f->loop = http_loop_new(&f->clock, max_total, max_per_host);
	if (f->request.deadline_ms == 0 && f->request.timeout_ms == 0)
		f->request.deadline_ms = clock_monotonic_ms(&f->clock) + DEADLINE_MS;
	buf_init(&f->body, 1 << 20);
	http_loop_wake(f->loop);
	http_loop_run(f->loop, on_wake, f);
	http_loop_free(f->loop);
}

static void test_http_fetches(void **state)
{
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();
	struct http_preview preview = {0};
	struct fetched f = {.request = {.url = url_of(a, s, "/mode/good"), .preview = &preview}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_string_equal(f.error, "");
	assert_int_equal(f.status, 200);
	assert_true(f.is_length_known);
	assert_int_equal(f.body.len, 75);
	assert_int_equal(preview.status, 200);
	assert_string_equal(preview.content_type, "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(f.url, f.request.url);
	buf_release(&f.body);
	arena_free(a);
	stop_server(s);
}

static void test_http_knows_an_unmarked_end(void **state)
{
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();
	struct fetched f = {.request = {.url = url_of(a, s, "/mode/good-close")}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_int_equal(f.status, 200);
	assert_false(f.is_length_known);
	buf_release(&f.body);
	arena_free(a);
	stop_server(s);
}

/* Eight answers of 50 ms: two at a time take four rounds. */
static void test_http_caps_connections(void **state)
{
	static const struct {
		long total, per_host, of_request;
	} caps[] = {{2, 64, 0}, {64, 2, 0}, {64, 64, 2}};
	struct server s = start_server("--delay-ms", "50");
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct fetched f = {.request = {.url = url_of(a, s, "/"),
						.max_connections = caps[i].of_request}};
		int64_t begin;

		f.clock = clock_system();
		begin = clock_monotonic_ms(&f.clock);
		fetch(&f, 8, caps[i].total, caps[i].per_host);
		assert_int_equal(f.n_done, 8);
		assert_int_equal(f.n_failed, 0);
		assert_true(clock_monotonic_ms(&f.clock) - begin >= 190);
		/* Waiting for a turn is not the server's time. */
		assert_true(f.total_s < 5);
		buf_release(&f.body);
	}
	arena_free(a);
	stop_server(s);
}

/* One at a time take two seconds, two after a redirect; each has one second and takes a moment. */
static void test_http_waits_for_a_turn_without_its_time(void **state)
{
	static const char *const paths[] = {"/", "/mode/redirect-good"};
	struct server s = start_server("--delay-ms", "100");
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fetched f = {.request = {.url = url_of(a, s, paths[i]),
						.max_redirects = 1,
						.timeout_ms = 1000,
						.max_connections = 1}};
		int64_t begin;

		f.clock = clock_system();
		begin = clock_monotonic_ms(&f.clock);
		fetch(&f, i == 0 ? 20 : 10, 64, 64);
		assert_string_equal(f.error, "");
		assert_true(clock_monotonic_ms(&f.clock) - begin >= 1900);
		assert_true(f.total_s < 1);
		buf_release(&f.body);
	}
	arena_free(a);
	stop_server(s);
}

static void test_http_stops_and_cancels(void **state)
{
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();
	const char *urls[20];
	struct fetched f = {.urls = urls, .stop_after = 1};

	(void)state;
	urls[0] = url_of(a, s, "/");
	for (size_t i = 1; i < 20; i++)
		urls[i] = url_of(a, s, "/mode/hang-before");
	fetch(&f, 20, 10, 4);
	assert_int_equal(f.n_done, 20);
	assert_int_equal(f.n_failed, 19);
	assert_non_null(strstr(f.error, "/mode/hang-before: stopped before it ended"));
	buf_release(&f.body);
	arena_free(a);
	stop_server(s);
}

static void test_http_gives_up_before_the_start(void **state)
{
	struct arena *a = arena_new();
	struct fetched f = {.request = {.url = "http://127.0.0.1:1/", .deadline_ms = 1}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_string_equal(f.error,
			    "GET http://127.0.0.1:1/: its time was over before it could begin");
	buf_release(&f.body);
	arena_free(a);
}

static void test_http_refuses_what_cannot_be_sent(void **state)
{
	struct pair evil[] = {{.name = "X-A", .value = "b\r\nX-C: d"}};
	struct pairs headers = {evil, 1};
	struct fetched f = {.request = {.url = "http://127.0.0.1:1/", .headers = &headers}};
	struct fetched g = {.request = {.url = "file:///etc/passwd"}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_non_null(strstr(f.error, "cannot send header \"X-A\""));
	evil[0] = (struct pair){.name = "X:A", .value = "b"};
	f = (struct fetched){.request = f.request};
	fetch(&f, 1, 10, 10);
	assert_non_null(strstr(f.error, "cannot send header \"X:A\""));
	fetch(&g, 1, 10, 10);
	assert_non_null(strstr(g.error, "not an http or https URL"));
	buf_release(&f.body);
	buf_release(&g.body);
}

static void test_http_sends_headers(void **state)
{
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();
	struct pair of_target[] = {{.name = "X-Who", .value = "target"},
				   {.name = "X-Secret", .value = "s"},
				   {.name = "X-Empty", .value = ""}};
	struct pair of_check[] = {{.name = "x-who", .value = "check"},
				  {.name = "accept", .value = "text/html"}};
	struct pairs headers = {of_target, 3}, extra = {of_check, 2};
	struct fetched f = {.request = {.url = url_of(a, s, "/echo"),
					.method = "POST",
					.body = "hello",
					.accept = "text/plain",
					.headers = &headers,
					.extra_headers = &extra}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_non_null(strstr(f.body.data, "POST /echo HTTP/1.1\r\n"));
	assert_non_null(strstr(f.body.data, "\r\nX-Secret: s\r\n"));
	assert_non_null(strstr(f.body.data, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(f.body.data, "\r\nx-who: check\r\n"));
	assert_null(strstr(f.body.data, "target"));
	assert_non_null(strstr(f.body.data, "\r\naccept: text/html\r\n"));
	assert_null(strstr(f.body.data, "text/plain"));
	assert_non_null(strstr(f.body.data, "\r\n\r\nhello"));
	buf_release(&f.body);
	arena_free(a);
	stop_server(s);
}

/* One connection, one answer: a redirect to the URL given. */
static struct server start_redirector(const char *status, const char *location)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct server s = {0};
	char text[2048];

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &n), 0);
	s.port = ntohs(sa.sin_port);
	s.pid = fork();
	if (s.pid == 0) {
		int fd = accept(listener, NULL, NULL);

		if (read(fd, text, sizeof(text)) <= 0)
			_exit(1);
		n = (socklen_t)snprintf(
			text, sizeof(text),
			"HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 7\r\n\r\nmoved..", status,
			location);
		if (write(fd, text, n) < 0)
			_exit(1);
		pause(); /* the client decides when it is over */
	}
	close(listener);
	return s;
}

static void test_http_keeps_headers_at_their_origin(void **state)
{
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();
	struct server r = start_redirector("302 Found", url_of(a, s, "/echo"));
	struct pair secret[] = {{.name = "X-Secret", .value = "hunter2"}};
	struct pairs headers = {secret, 1};
	struct fetched f = {.request = {.url = url_of(a, r, "/"),
					.headers = &headers,
					.extra_headers = &headers,
					.max_redirects = 3}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_string_equal(f.error, "");
	assert_string_equal(f.url, url_of(a, s, "/echo"));
	assert_non_null(strstr(f.body.data, "GET /echo"));
	assert_null(strstr(f.body.data, "hunter2"));
	assert_null(strstr(f.body.data, "moved"));
	buf_release(&f.body);
	stop_server(r);
	arena_free(a);
	stop_server(s);
}

static void test_http_changes_the_method_as_told(void **state)
{
	static const struct {
		const char *status, *want;
	} cases[] = {
		{"301 Moved", "GET /echo"},
		{"302 Found", "GET /echo"},
		{"303 See", "GET /echo"},
	};
	static const char *const kept[] = {"/mode/redirect-307", "/mode/redirect-308"};
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server r = start_redirector(cases[i].status, url_of(a, s, "/echo"));
		struct fetched f = {.request = {.url = url_of(a, r, "/"),
						.method = "POST",
						.body = "hello",
						.max_redirects = 1}};

		fetch(&f, 1, 10, 10);
		assert_int_equal(strncmp(f.body.data, cases[i].want, strlen(cases[i].want)), 0);
		assert_null(strstr(f.body.data, "hello"));
		buf_release(&f.body);
		stop_server(r);
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct fetched f = {.request = {.url = url_of(a, s, kept[i]),
						.method = "POST",
						.body = "hello",
						.max_redirects = 1}};

		fetch(&f, 1, 10, 10);
		assert_int_equal(strncmp(f.body.data, "POST /echo", 10), 0);
		assert_non_null(strstr(f.body.data, "hello"));
		buf_release(&f.body);
	}
	arena_free(a);
	stop_server(s);
}

static void test_http_keeps_bodies_at_their_origin(void **state)
{
	static const char *const statuses[] = {"307 Temporary", "308 Permanent"};
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct server r = start_redirector(statuses[i], url_of(a, s, "/echo"));
		struct fetched f = {.request = {.url = url_of(a, r, "/"),
						.method = "POST",
						.body = "hunter2",
						.max_redirects = 1}};

		fetch(&f, 1, 10, 10);
		assert_int_equal(f.n_failed, 1);
		assert_int_equal(f.body.len, 0);
		assert_string_equal(f.error,
				    arena_printf(a,
						 "POST %s: redirected to \"%s\": the body is "
						 "not sent to another origin",
						 url_of(a, r, "/"), url_of(a, s, "/echo")));
		buf_release(&f.body);
		stop_server(r);
	}
	arena_free(a);
	stop_server(s);
}

static void test_http_shows_no_credentials(void **state)
{
	struct server s = start_server("--delay-ms", "0");
	struct arena *a = arena_new();
	struct server r = start_redirector(
		"302 Found",
		arena_printf(a, "http://user:hunter2@127.0.0.1:%d/status/503", s.port));
	struct fetched f = {.request = {.url = url_of(a, r, "/"), .max_redirects = 3}};

	(void)state;
	fetch(&f, 1, 10, 10);
	assert_int_equal(f.status, 503);
	assert_string_equal(f.url, url_of(a, s, "/status/503"));
	buf_release(&f.body);
	stop_server(r);
	arena_free(a);
	stop_server(s);
}

static void test_http_finds_credentials(void **state)
{
	static const struct {
		const char *url;
		size_t at, n;
	} cases[] = {
		{"http://user:pass@host/", 7, 10},
		{"HTTPS://u:p@ss@host?a@b", 8, 7},
		{"//u:p@host/", 2, 4},
		{"http:/u:p@host/", 6, 4},
		{"http:\\\\u:p@host/", 7, 4},
		{"http://u:p@host:port/x", 7, 4},
		{"http://u:p@", 7, 4},
		{"http://host/a@b", 7, 0},
		{"http://host", 7, 0},
		{"/a@b", 0, 0},
		{"a@b", 0, 0},
		{"mailto:a@b", 7, 0},
		{"?to=http://a@b", 0, 0},
		{"", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at, n = http_url_credentials(cases[i].url, &at);

		assert_int_equal(n, cases[i].n);
		assert_int_equal(at, cases[i].at);
	}
}

static void test_http_refuses_redirects_without_credentials(void **state)
{
	static const struct {
		const char *location;
		const char *want;
	} cases[] = {
		{"ftp://user:hunter2@host/x", "\"ftp://host/x\": only http and https are"},
		{"http://user:hunter2@host:port/", "redirected to \"...\", which is no URL"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct server r = start_redirector("302 Found", cases[i].location);
		struct fetched f = {.request = {.url = url_of(a, r, "/"), .max_redirects = 3}};

		fetch(&f, 1, 10, 10);
		assert_non_null(strstr(f.error, cases[i].want));
		assert_null(strstr(f.error, "hunter2"));
		buf_release(&f.body);
		stop_server(r);
		arena_free(a);
	}
}

static void test_http_join_puts_one_slash(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(http_join(a, "http://h:1", "/a"), "http://h:1/a");
	assert_string_equal(http_join(a, "http://h:1/", "a"), "http://h:1/a");
	assert_string_equal(http_join(a, "http://h:1/b//", "//a?x=/"), "http://h:1/b/a?x=/");
	assert_string_equal(http_join(a, "http://h:1", "/"), "http://h:1/");
	assert_string_equal(http_join(a, "http://h/b", "http://H:80/a"), "http://H:80/a");
	assert_null(http_join(a, "http://h", "https://h/a"));
	assert_null(http_join(a, "http://h", "http://h:81/a"));
	assert_null(http_join(a, "http://h", "http://h.example/a"));
	arena_free(a);
}

static void test_http_check_url_says_what_is_wrong(void **state)
{
	static const char *const bad[][2] = {
		{"ftp://h/", "is not an http or https URL"},
		{"127.0.0.1:9100", "is not an http or https URL"},
		{"http://a b/", "holds a space or a control byte"},
		{"http://a\n/", "holds a space or a control byte"},
		{"http://", "cannot use URL"},
		{"http://h:99999/", "cannot use URL"},
		{"http://user@h/", "must not carry a user name"},
		{"https://user:hunter2@h/", "must not carry a user name"},
	};

	(void)state;
	assert_int_equal(http_check_url("http://127.0.0.1:9100", NULL), 0);
	assert_int_equal(http_check_url("https://[::1]/x?y=z", NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};

		assert_int_equal(http_check_url(bad[i][0], &e), -1);
		if (strstr(e.message, bad[i][1]) == NULL)
			fail_msg("%s: %s", bad[i][0], e.message);
		assert_null(strstr(e.message, "hunter2"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_fetches),
		cmocka_unit_test(test_http_knows_an_unmarked_end),
		cmocka_unit_test(test_http_caps_connections),
		cmocka_unit_test(test_http_waits_for_a_turn_without_its_time),
		cmocka_unit_test(test_http_stops_and_cancels),
		cmocka_unit_test(test_http_gives_up_before_the_start),
		cmocka_unit_test(test_http_refuses_what_cannot_be_sent),
		cmocka_unit_test(test_http_sends_headers),
		cmocka_unit_test(test_http_keeps_headers_at_their_origin),
		cmocka_unit_test(test_http_changes_the_method_as_told),
		cmocka_unit_test(test_http_keeps_bodies_at_their_origin),
		cmocka_unit_test(test_http_shows_no_credentials),
		cmocka_unit_test(test_http_finds_credentials),
		cmocka_unit_test(test_http_refuses_redirects_without_credentials),
		cmocka_unit_test(test_http_join_puts_one_slash),
		cmocka_unit_test(test_http_check_url_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
