/*
 * Sessions of the HTTP door against tests/tools/testd: what is kept between requests, what the loop
 * and a session share, how a wait ends.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/unit/testd_server.h"

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/pairs.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/io/http_fetch.h"
#include "runner/io/http_turns.h"

struct scene {
	struct server server;
	struct arena *arena;
	struct clock clock;
	atomic_bool is_cancelled;
	struct http_turns *turns;
	struct http_session *session;
	struct http_response res;
	struct buf body;
	struct err err;
};

static void begin(struct scene *sc, const char *delay_ms)
{
	*sc = (struct scene){
		.server = start_server("--delay-ms", delay_ms),
		.arena = arena_new(),
		.clock = clock_system(),
		.turns = http_turns_new(),
	};
	buf_init(&sc->body, 1 << 16);
	sc->session = http_session_new(&(struct http_session_options){
		.clock = &sc->clock,
		.turns = sc->turns,
		.is_cancelled = &sc->is_cancelled,
		.has_cookies = true,
	});
}

static void end(struct scene *sc)
{
	http_session_free(sc->session);
	http_turns_free(sc->turns);
	buf_release(&sc->body);
	arena_free(sc->arena);
	stop_server(sc->server);
}

static int fetch_request(struct scene *sc, struct http_request req, const char *path)
{
	const struct http_sink sink = {http_sink_buf, &sc->body};

	req.url = url_of(sc->arena, sc->server, path);
	if (req.deadline_ms == 0)
		req.deadline_ms = clock_monotonic_ms(&sc->clock) + 10000;
	buf_reset(&sc->body);
	sc->err = (struct err){0};
	return http_fetch(sc->session, &req, &sink, &sc->res, &sc->err);
}

static int fetch(struct scene *sc, const char *path)
{
	return fetch_request(sc, (struct http_request){0}, path);
}

static int64_t elapsed_ms(struct scene *sc, int64_t since)
{
	return clock_monotonic_ms(&sc->clock) - since;
}

static void test_fetch_gets_a_body_and_keeps_the_connection(void **state)
{
	struct scene sc;

	(void)state;
	begin(&sc, "0");
	assert_int_equal(fetch(&sc, "/mode/good"), 0);
	assert_int_equal(sc.res.status, 200);
	assert_true(sc.res.is_length_known);
	assert_int_equal(sc.body.len, 75);
	assert_int_equal(sc.res.n_body_bytes, 75);
	assert_true(sc.res.connect_s > 0);
	assert_string_equal(sc.res.content_type, "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(sc.res.headers[0].name, "Content-Type");
	assert_int_equal(fetch(&sc, "/mode/json"), 0);
	assert_string_equal(sc.res.content_type, "application/json");
	assert_true(sc.res.connect_s == 0);
	assert_true(sc.res.total_s > 0);
	end(&sc);
}

static void test_fetch_keeps_cookies(void **state)
{
	const struct http_request login = {.method = "POST",
					   .body = "user=ada&password=love+lace%26"};
	struct scene sc;

	(void)state;
	begin(&sc, "0");
	assert_int_equal(fetch(&sc, "/session/form"), 0);
	assert_int_equal(sc.res.status, 403);
	assert_int_equal(fetch_request(&sc, login, "/session/login"), 0);
	assert_int_equal(sc.res.status, 200);
	assert_int_equal(fetch(&sc, "/session/form"), 0);
	assert_int_equal(sc.res.status, 200);
	/* The other cookie belongs to a path. */
	assert_int_equal(fetch(&sc, "/echo"), 0);
	assert_non_null(strstr(sc.body.data, "\r\nCookie: sid=c00k1e-of-ada\r\n"));
	end(&sc);
}

static void test_fetch_without_cookies_forgets_them(void **state)
{
	struct scene sc;

	(void)state;
	begin(&sc, "0");
	http_session_free(sc.session);
	sc.session = http_session_new(&(struct http_session_options){.clock = &sc.clock});
	assert_int_equal(
		fetch_request(&sc,
			      (struct http_request){.method = "POST",
						    .body = "user=ada&password=love+lace%26"},
			      "/session/login"),
		0);
	assert_int_equal(sc.res.status, 200);
	assert_int_equal(fetch(&sc, "/session/form"), 0);
	assert_int_equal(sc.res.status, 403);
	end(&sc);
}

/* The rules are the loop's; these prove that they are asked. */
static void test_fetch_fails_with_the_words_of_the_loop(void **state)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{"/mode/torn-length",
		 "/mode/torn-length: the body is torn: it ended after 75 of 120"},
		{"/mode/torn-chunk", "the body is torn: its chunks ended"},
		{"/mode/torn-gzip", "the gzip stream ends early"},
		{"/mode/reset", "the connection was reset before an answer"},
		{"/mode/not-http", "the answer is not HTTP"},
		{"/mode/redirect-loop", "more than 3 redirects"},
		{"/mode/redirect-file", "only http and https are followed"},
		{"/mode/endless", "the body is larger than 64 KiB"},
		{"/mode/hang-body", "in the middle of the body, with 75 bytes of it"},
	};
	struct scene sc;

	(void)state;
	begin(&sc, "0");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_request req = {.max_redirects = 3,
					   .max_body_bytes = 1 << 20,
					   .deadline_ms = clock_monotonic_ms(&sc.clock) + 300};

		if (strstr(cases[i].path, "hang") == NULL)
			req.deadline_ms += 10000;
		sc.res.status = -7;
		assert_int_equal(fetch_request(&sc, req, cases[i].path), -1);
		assert_int_equal(sc.err.class, ERR_MEASURE);
		if (strstr(sc.err.message, cases[i].want) == NULL)
			fail_msg("%s: \"%s\"", cases[i].path, sc.err.message);
		assert_int_equal(sc.res.status, -7); /* untouched */
		/* And the session still works. */
		assert_int_equal(fetch(&sc, "/mode/good"), 0);
		assert_int_equal(sc.body.len, 75);
	}
	assert_int_equal(fetch_request(&sc, (struct http_request){.deadline_ms = 1}, "/"), -1);
	assert_non_null(strstr(sc.err.message, "its time was over before it could begin"));
	end(&sc);
}

static void test_fetch_follows_a_redirect(void **state)
{
	struct scene sc;

	(void)state;
	begin(&sc, "0");
	assert_int_equal(fetch_request(&sc, (struct http_request){.max_redirects = 1},
				       "/mode/redirect-good"),
			 0);
	assert_int_equal(sc.res.status, 200);
	assert_string_equal(sc.res.url, url_of(sc.arena, sc.server, "/mode/good"));
	assert_null(strstr(sc.body.data, "moved"));
	assert_int_equal(fetch(&sc, "/mode/redirect-good"), 0);
	assert_int_equal(sc.res.status, 302);
	end(&sc);
}

static void test_fetch_refuses_what_is_not_http(void **state)
{
	struct http_response res;
	struct scene sc;

	(void)state;
	begin(&sc, "0");
	assert_int_equal(http_fetch(sc.session,
				    &(struct http_request){.url = "file:///etc/passwd",
							   .deadline_ms = INT64_MAX},
				    NULL, &res, &sc.err),
			 -1);
	assert_non_null(strstr(sc.err.message, "not an http or https URL"));
	end(&sc);
}

/* Cancels once the request is under way: the only turn at its host is taken then. */
static void *cancel_soon(void *ctx)
{
	struct scene *sc = ctx;
	const char *origin = url_of(sc->arena, sc->server, "");

	while (http_turns_take(sc->turns, origin, 1)) {
		http_turns_give(sc->turns, origin);
		(void)sched_yield();
	}
	atomic_store(&sc->is_cancelled, true);
	return NULL;
}

static void test_fetch_ends_soon_after_a_cancel(void **state)
{
	struct http_request req = {0};
	struct scene sc;
	pthread_t thread;
	int64_t start;

	(void)state;
	begin(&sc, "0");
	start = clock_monotonic_ms(&sc.clock);
	req.deadline_ms = start + 10000;
	req.url = url_of(sc.arena, sc.server, "/mode/hang-before");
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &sc), 0);
	assert_int_equal(http_fetch(sc.session, &req, NULL, &sc.res, &sc.err), -1);
	assert_true(elapsed_ms(&sc, start) < 1000);
	assert_non_null(strstr(sc.err.message, "stopped, the run was interrupted"));
	pthread_join(thread, NULL);
	/* Also while it waits for a turn. */
	start = clock_monotonic_ms(&sc.clock);
	assert_true(http_turns_take(sc.turns, url_of(sc.arena, sc.server, ""), 1));
	assert_int_equal(fetch_request(&sc, (struct http_request){.max_connections = 1}, "/"), -1);
	assert_true(elapsed_ms(&sc, start) < 1000);
	assert_non_null(strstr(sc.err.message, "stopped, the run was interrupted"));
	/* What must be put back is asked for all the same. */
	http_session_ignore_cancel(sc.session);
	assert_int_equal(fetch(&sc, "/mode/good"), 0);
	end(&sc);
}

static void test_fetch_waits_for_its_turn(void **state)
{
	struct scene sc;
	struct http_request req = {.max_connections = 2};
	const char *origin;

	(void)state;
	begin(&sc, "0");
	origin = url_of(sc.arena, sc.server, "");
	assert_true(http_turns_take(sc.turns, origin, 2));
	assert_int_equal(fetch_request(&sc, req, "/"), 0);
	assert_true(http_turns_take(sc.turns, origin, 2)); /* it gave its turn back */
	assert_false(http_turns_take(sc.turns, origin, 2));
	req.deadline_ms = clock_monotonic_ms(&sc.clock) + 100;
	assert_int_equal(fetch_request(&sc, req, "/"), -1);
	assert_non_null(strstr(sc.err.message, "its 2 connections are in use (max_connections)"));
	http_turns_give(sc.turns, origin);
	req.deadline_ms = 0;
	assert_int_equal(fetch_request(&sc, req, "/"), 0);
	http_turns_give(sc.turns, origin);
	end(&sc);
}

struct looped {
	struct scene *scene;
	struct http_loop *loop;
	const char *url;
	int n_started, n_done;
	bool is_failed;
};

static void on_loop_done(void *ctx, const struct http_response *res, struct err *e)
{
	struct looped *l = ctx;

	(void)e;
	l->is_failed = l->is_failed || res == NULL;
	if (++l->n_done == 4)
		http_loop_stop(l->loop);
}

static void on_loop_wake(void *ctx)
{
	static const struct http_handler handler = {.done = on_loop_done};
	struct looped *l = ctx;

	while (l->n_started < 4) {
		const struct http_request req = {
			.url = l->url,
			.max_connections = 1,
			.deadline_ms = clock_monotonic_ms(&l->scene->clock) + 10000};
		struct err e = {0};

		assert_int_equal(http_start(l->loop, &req, &handler, l, &e), 0);
		l->n_started++;
	}
}

static void *run_loop(void *ctx)
{
	struct looped *l = ctx;

	http_loop_run(l->loop, on_loop_wake, l);
	return NULL;
}

/* One connection for a loop and a session: eight answers of 30 ms, one after the other. */
static void test_fetch_shares_turns_with_the_loop(void **state)
{
	struct looped l = {0};
	struct scene sc;
	pthread_t thread;
	int64_t start;

	(void)state;
	begin(&sc, "30");
	l.scene = &sc;
	l.url = url_of(sc.arena, sc.server, "/");
	l.loop = http_loop_new(&sc.clock, 10, 10);
	http_loop_share(l.loop, sc.turns);
	http_loop_wake(l.loop);
	start = clock_monotonic_ms(&sc.clock);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, &l), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(
			fetch_request(&sc, (struct http_request){.max_connections = 1}, "/"), 0);
		assert_true(sc.res.total_s < 1);
	}
	pthread_join(thread, NULL);
	assert_true(elapsed_ms(&sc, start) >= 8 * 30);
	assert_int_equal(l.n_done, 4);
	assert_false(l.is_failed);
	http_loop_free(l.loop);
	end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch_gets_a_body_and_keeps_the_connection),
		cmocka_unit_test(test_fetch_keeps_cookies),
		cmocka_unit_test(test_fetch_without_cookies_forgets_them),
		cmocka_unit_test(test_fetch_fails_with_the_words_of_the_loop),
		cmocka_unit_test(test_fetch_follows_a_redirect),
		cmocka_unit_test(test_fetch_refuses_what_is_not_http),
		cmocka_unit_test(test_fetch_ends_soon_after_a_cancel),
		cmocka_unit_test(test_fetch_waits_for_its_turn),
		cmocka_unit_test(test_fetch_shares_turns_with_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
