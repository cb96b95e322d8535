/*
 * http_tape: what was asked once is answered again without the server, in the same order and with
 * the same bytes; what was not asked has no answer.
 */
#include <string.h>

#include "tests/unit/testd_server.h"

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/io/http_fetch.h"
#include "runner/io/http_tape.h"

struct scene {
	struct server server;
	struct arena *arena;
	struct clock clock;
	struct http_tape tape;
	struct http_session *session;
	struct http_response res;
	struct buf body;
	struct err err;
};

static void begin_session(struct scene *sc)
{
	http_session_free(sc->session);
	sc->session = http_session_new(&(struct http_session_options){
		.clock = &sc->clock, .has_cookies = true, .tape = &sc->tape});
}

static void begin(struct scene *sc)
{
	*sc = (struct scene){.server = start_server("--delay-ms", "0"),
			     .arena = arena_new(),
			     .clock = clock_system()};
	buf_init(&sc->body, 1 << 16);
	http_tape_init(&sc->tape, sc->arena);
	begin_session(sc);
}

static void end(struct scene *sc)
{
	http_session_free(sc->session);
	buf_release(&sc->body);
	arena_free(sc->arena);
}

static int fetch(struct scene *sc, const char *method, const char *path, const char *body)
{
	const struct http_sink sink = {http_sink_buf, &sc->body};
	struct http_request req = {
		.method = method,
		.url = url_of(sc->arena, sc->server, path),
		.body = body,
		.deadline_ms = clock_monotonic_ms(&sc->clock) + 10000,
	};

	buf_reset(&sc->body);
	sc->err = (struct err){0};
	return http_fetch(sc->session, &req, &sink, &sc->res, &sc->err);
}

/* From here on there is no server. */
static void rewind_without_server(struct scene *sc)
{
	stop_server(sc->server);
	http_tape_rewind(&sc->tape);
	begin_session(sc);
}

static void test_tape_answers_without_a_server(void **state)
{
	struct scene sc;
	double took;

	(void)state;
	begin(&sc);
	assert_int_equal(fetch(&sc, "GET", "/mode/good", NULL), 0);
	took = sc.res.total_s;
	assert_int_equal(fetch(&sc, "GET", "/status/404", NULL), 0);
	rewind_without_server(&sc);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fetch(&sc, "GET", "/mode/good", NULL), 0);
		assert_int_equal(sc.res.status, 200);
		assert_int_equal(sc.body.len, 75);
		assert_int_equal(sc.res.n_body_bytes, 75);
		assert_true(sc.res.total_s > 0 && !(sc.res.total_s < took) &&
			    !(sc.res.total_s > took));
		assert_string_equal(sc.res.headers[0].name, "Content-Type");
		assert_int_equal(fetch(&sc, "GET", "/status/404", NULL), 0);
		assert_int_equal(sc.res.status, 404);
		http_tape_rewind(&sc.tape);
	}
	end(&sc);
}

static void test_tape_knows_no_answer_to_what_was_not_asked(void **state)
{
	struct scene sc;

	(void)state;
	begin(&sc);
	assert_int_equal(fetch(&sc, "POST", "/echo", "a=1"), 0);
	rewind_without_server(&sc);
	assert_int_equal(fetch(&sc, "POST", "/echo", "a=2"), -1);
	assert_non_null(strstr(sc.err.message, "not known"));
	assert_true(sc.tape.is_off);
	http_tape_rewind(&sc.tape);
	assert_false(sc.tape.is_off);
	assert_int_equal(fetch(&sc, "PUT", "/echo", "a=1"), -1);
	assert_int_equal(fetch(&sc, "POST", "/echo", "a=1"), 0);
	/* It was asked once. */
	assert_int_equal(fetch(&sc, "POST", "/echo", "a=1"), -1);
	end(&sc);
}

static void note_cookie(void *ctx, const char *value)
{
	*(size_t *)ctx += strcmp(value, "c00k1e-of-ada") == 0;
}

static void test_tape_keeps_cookies(void **state)
{
	struct scene sc;
	size_t n = 0;

	(void)state;
	begin(&sc);
	assert_int_equal(fetch(&sc, "POST", "/session/login", "user=ada&password=love+lace%26"), 0);
	rewind_without_server(&sc);
	assert_int_equal(fetch(&sc, "POST", "/session/login", "user=ada&password=love+lace%26"), 0);
	http_session_cookies(sc.session, note_cookie, &n);
	assert_int_equal(n, 1);
	end(&sc);
}

static void alter(void *ctx, size_t i, struct http_taped *answer)
{
	assert_int_equal(i, *(size_t *)ctx);
	answer->response.status = 503;
	answer->body = "short";
	answer->n_body = 5;
}

static void test_tape_gives_altered_copies(void **state)
{
	struct scene sc;
	size_t at = 0;

	(void)state;
	begin(&sc);
	assert_int_equal(fetch(&sc, "GET", "/mode/good", NULL), 0);
	rewind_without_server(&sc);
	sc.tape.alter = alter;
	sc.tape.alter_ctx = &at;
	assert_int_equal(fetch(&sc, "GET", "/mode/good", NULL), 0);
	assert_int_equal(sc.res.status, 503);
	assert_int_equal(sc.res.n_body_bytes, 5);
	assert_int_equal(sc.body.len, 5);
	sc.tape.alter = NULL;
	http_tape_rewind(&sc.tape);
	assert_int_equal(fetch(&sc, "GET", "/mode/good", NULL), 0);
	assert_int_equal(sc.res.status, 200);
	assert_int_equal(sc.body.len, 75);
	end(&sc);
}

static void test_tape_keeps_no_failure(void **state)
{
	struct scene sc;

	(void)state;
	begin(&sc);
	assert_int_equal(fetch(&sc, "GET", "/mode/torn-length", NULL), -1);
	assert_int_equal(sc.tape.n, 0);
	rewind_without_server(&sc);
	assert_int_equal(fetch(&sc, "GET", "/mode/torn-length", NULL), -1);
	assert_true(sc.tape.is_off);
	end(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tape_answers_without_a_server),
		cmocka_unit_test(test_tape_knows_no_answer_to_what_was_not_asked),
		cmocka_unit_test(test_tape_keeps_cookies),
		cmocka_unit_test(test_tape_gives_altered_copies),
		cmocka_unit_test(test_tape_keeps_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
