/*
 * A session has one easy handle in a multi handle of its own. The multi handle keeps the
 * connections and, unlike curl_easy_perform(), lets the thread look up now and then: has the run
 * been interrupted? Resetting the easy handle between requests spares its cookies.
 */
#include "runner/io/http_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"
#include "runner/io/http_internal.h"
#include "runner/io/http_tape.h"
#include "runner/io/http_turns.h"

#define BUFFER_BYTES (64L << 10)
#define MOST_AT_ONCE 64

struct http_session {
	struct http_session_options options;
	CURLM *multi;
	CURL *easy;
	struct arena *answer; /* text of the last response */
};

/* One call of http_fetch(). */
struct fetch {
	struct http_session *session;
	const struct http_sink *sink;
	struct http_response *res;
	struct err *err;
	bool is_whole;
};

/* Nothing is sent: answers are there already. */
static bool is_playing(const struct http_session *s)
{
	return s->options.tape != NULL && s->options.tape->is_playing;
}

struct http_session *http_session_new(const struct http_session_options *options)
{
	struct http_session *s = xmalloc(sizeof(*s));

	*s = (struct http_session){.options = *options};
	if (is_playing(s) || http_library(NULL) < 0)
		return s; /* http_fetch() says why, if need be */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		oom();
	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	if (s->multi == NULL || s->easy == NULL)
		oom();
	/* A line without a cookie switches cookies on; resets keep them, and leak COOKIEFILE's. */
	if (options->has_cookies &&
	    (curl_easy_setopt(s->easy, CURLOPT_COOKIELIST, "Set-Cookie:") != CURLE_OK ||
	     curl_easy_setopt(s->easy, CURLOPT_COOKIELIST, "ALL") != CURLE_OK))
		oom();
	return s;
}

void http_session_free(struct http_session *s)
{
	if (s == NULL)
		return;
	if (s->multi != NULL) {
		curl_easy_cleanup(s->easy);
		(void)curl_multi_cleanup(
			s->multi); /* ours: nothing could be done about a failure */
		curl_global_cleanup();
	}
	if (s->answer != NULL)
		arena_free(s->answer);
	free(s);
}

/* A line a cookie: domain, subdomains, path, secure, expiry, name, value; tabs between. */
void http_session_cookies(struct http_session *s, void (*each)(void *ctx, const char *value),
			  void *ctx)
{
	struct curl_slist *lines = NULL;

	if (is_playing(s) && s->options.tape->n > 0) {
		const struct http_taped *x = &s->options.tape->items[s->options.tape->last];

		for (size_t i = 0; i < x->n_cookies; i++)
			each(ctx, x->cookies[i]);
		return;
	}
	if (s->easy == NULL || curl_easy_getinfo(s->easy, CURLINFO_COOKIELIST, &lines) != CURLE_OK)
		return; /* no library: then there was no answer either */
	for (const struct curl_slist *line = lines; line != NULL; line = line->next) {
		const char *tab = strrchr(line->data, '\t');

		if (tab != NULL)
			each(ctx, tab + 1);
	}
	curl_slist_free_all(lines);
}

void http_session_ignore_cancel(struct http_session *s)
{
	s->options.is_cancelled = NULL;
}

int http_sink_buf(void *ctx, const char *data, size_t n, struct err *e)
{
	struct buf *b = ctx;
	char size[NUM_REAL_MAX];

	if (buf_add(b, data, n) == 0)
		return 0;
	(void)num_format_size((int64_t)b->ceiling_bytes, size); /* cannot fail */
	return err_set(e, ERR_MEASURE, "the body is larger than %s", size);
}

/* ---- the answer ---- */

static int on_body(void *ctx, const char *data, size_t n, struct err *e)
{
	struct fetch *f = ctx;
	const struct http_session_options *o = &f->session->options;

	if (o->tape != NULL &&
	    http_tape_body(o->tape, data, n, clock_monotonic_us(o->clock), e) != 0)
		return -1;
	return f->sink != NULL ? f->sink->on_body(f->sink->ctx, data, n, e) : 0;
}

static void on_done(void *ctx, const struct http_response *res, struct err *e)
{
	struct fetch *f = ctx;

	f->is_whole = res != NULL;
	if (res == NULL) {
		*f->err = *e;
		return;
	}
	*f->res =
		http_response_copy(res, f->session->answer); /* the transfer's text ends with it */
}

/* ---- one request ---- */

static bool is_cancelled(const struct http_session *s)
{
	return s->options.is_cancelled != NULL && atomic_load(s->options.is_cancelled);
}

static int refuse_cancelled(struct err *e)
{
	return err_set(e, ERR_MEASURE, "stopped, the run was interrupted");
}

/* Is it http and can it be taken apart? Then *origin is the caller's. */
static int origin_of(const char *url, char **origin, struct err *e)
{
	*origin = http_url_is_http(url) ? http_url_origin(url) : NULL;
	if (*origin == NULL)
		return err_set(e, ERR_MEASURE,
			       "cannot request \"%.200s\": not an http or https URL", url);
	return 0;
}

static int wait_for_turn(struct http_session *s, const struct http_transfer *t, const char *origin,
			 struct err *e)
{
	const struct http_patience patience = {
		.clock = s->options.clock,
		.until_ms = t->deadline_ms,
		.is_cancelled = s->options.is_cancelled,
	};
	long most = t->max_connections > 0 ? t->max_connections : MOST_AT_ONCE;

	if (s->options.turns == NULL || http_turns_wait(s->options.turns, origin, most, &patience))
		return 0;
	if (is_cancelled(s))
		return refuse_cancelled(e);
	return err_set(e, ERR_MEASURE,
		       "no turn at this host in time: its %ld connections are in use "
		       "(max_connections)",
		       most);
}

/* Runs the transfer that was added to its end; *code is curl's. */
static int drive(struct http_session *s, CURLcode *code, struct err *e)
{
	int n_running = 1;

	while (n_running > 0) {
		CURLMsg *msg;
		int left;

		/* Failures of the transfer arrive as its message, not here. */
		(void)curl_multi_perform(s->multi, &n_running);
		while ((msg = curl_multi_info_read(s->multi, &left)) != NULL) {
			if (msg->msg != CURLMSG_DONE)
				continue;
			*code = msg->data.result;
			return 0;
		}
		if (is_cancelled(s))
			return refuse_cancelled(e);
		if (n_running > 0)
			(void)curl_multi_poll(s->multi, NULL, 0, HTTP_CANCEL_MS, NULL);
	}
	return err_set(e, ERR_INTERNAL, "libcurl lost the transfer");
}

static int send_and_receive(struct http_session *s, struct http_transfer *t, CURLcode *code,
			    struct err *e)
{
	int64_t now_us = clock_monotonic_us(s->options.clock);
	int rc;

	curl_easy_reset(s->easy);
	t->easy = s->easy;
	t->request_us = now_us;
	if (t->begin_us == 0)
		t->begin_us = now_us;
	if (http_transfer_prepare(t, now_us / 1000, BUFFER_BYTES, e) != 0)
		return -1;
	if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK)
		return err_set(e, ERR_INTERNAL, "libcurl refused the transfer");
	rc = drive(s, code, e);
	(void)curl_multi_remove_handle(s->multi, s->easy); /* it is ours: cannot fail */
	return rc;
}

/* One request of a transfer, at its turn. */
static int take_turn(struct http_session *s, struct http_transfer *t, CURLcode *code, struct err *e)
{
	int64_t asked_us = clock_monotonic_us(s->options.clock);
	char *origin;
	int rc = -1;

	if (origin_of(t->url, &origin, e) != 0)
		return -1;
	if (wait_for_turn(s, t, origin, e) == 0) {
		/* After a redirect: the wait is not the server's time. */
		if (t->begin_us > 0)
			t->begin_us += clock_monotonic_us(s->options.clock) - asked_us;
		rc = send_and_receive(s, t, code, e);
		if (s->options.turns != NULL)
			http_turns_give(s->options.turns, origin);
	}
	free(origin);
	return rc;
}

static int make(struct http_session *s, const struct http_request *req, struct fetch *f)
{
	static const struct http_handler handler = {.on_body = on_body, .done = on_done};
	struct http_transfer *t = http_transfer_new(NULL, req, &handler, f);
	struct err failure = {0};
	bool is_followed;
	CURLcode code;

	do {
		is_followed = false;
		code = CURLE_OK;
		if (take_turn(s, t, &code, &failure) != 0)
			break;
		if (code == CURLE_OK && t->failure == NULL &&
		    http_transfer_redirect(t, &is_followed, &failure) != 0)
			break;
	} while (is_followed);
	if (failure.class != ERR_NONE)
		http_transfer_fail(t, &failure);
	else
		http_transfer_finish(t, code, clock_monotonic_us(s->options.clock));
	http_transfer_free(t);
	return f->is_whole ? 0 : -1;
}

int http_fetch(struct http_session *s, const struct http_request *req, const struct http_sink *sink,
	       struct http_response *res, struct err *e)
{
	struct fetch f = {.session = s, .sink = sink, .res = res, .err = e};
	struct http_tape *tape = s->options.tape;

	if (is_playing(s))
		return http_tape_give(tape, req, sink, res, e);
	if (http_library(e) < 0)
		return -1;
	if (s->answer != NULL)
		arena_free(s->answer);
	s->answer = arena_new();
	if (tape != NULL)
		http_tape_begin(tape, req->max_body_bytes);
	if (make(s, req, &f) != 0)
		return -1;
	if (tape != NULL) {
		(void)http_tape_keep(tape, req, res, clock_monotonic_us(s->options.clock));
		http_session_cookies(s, http_tape_cookie, tape);
	}
	return 0;
}
