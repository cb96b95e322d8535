/*
 * http_fetch: one request after another, for threads that may block.
 *
 * What happens to a request is the same as on the loop (http.h): redirects, what is sent to which
 * origin, torn and over-long bodies, TLS, the words of every failure. A session keeps its
 * connections and, when told to, its cookies from one request to the next. It belongs to one thread
 * at a time.
 *
 *	struct http_session *s = http_session_new(&(struct http_session_options){
 *		.clock = p->world->clock, .turns = p->world->turns,
 *		.is_cancelled = &p->world->is_interrupted, .has_cookies = true});
 *	struct http_sink sink = {http_sink_buf, &body};
 *	struct http_response res;
 *	if (http_fetch(s, &req, &sink, &res, e) != 0) ...
 *
 * Time: the request's deadline bounds all of it, redirects and the wait for a turn at the host
 * included; that wait is not part of the response's times. A set cancel flag ends it within 100 ms.
 */
#ifndef ASSIZE_IO_HTTP_FETCH_H
#define ASSIZE_IO_HTTP_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "runner/io/http.h"

struct http_session;
struct http_tape;
struct http_turns;

struct http_session_options {
	const struct clock *clock;
	struct http_turns *turns;	 /* shared with all others; NULL = this session is alone */
	const atomic_bool *is_cancelled; /* NULL = never */
	bool has_cookies;
	struct http_tape *tape; /* keeps every answer, or gives it (http_tape.h); NULL = none */
};

/* Where a body goes, decoded, in pieces; -1 stops the transfer. */
struct http_sink {
	int (*on_body)(void *ctx, const char *data, size_t n, struct err *e);
	void *ctx;
};

/* Everything in options is borrowed while the session lives. */
struct http_session *http_session_new(const struct http_session_options *options);
void http_session_free(struct http_session *s); /* NULL is allowed */

/*
 * Makes the request. *res and its text are the session's until its next request. sink may be NULL:
 * the body is counted and forgotten. What sink got before a failure is not to be trusted.
 */
int http_fetch(struct http_session *s, const struct http_request *req, const struct http_sink *sink,
	       struct http_response *res, struct err *e);

/* on_body for a buffer: ctx is a struct buf. A full one fails the transfer. */
int http_sink_buf(void *ctx, const char *data, size_t n, struct err *e);

/* Calls it with the value of each cookie the session holds, those of redirects among them. */
void http_session_cookies(struct http_session *s, void (*each)(void *ctx, const char *value),
			  void *ctx);

/* From now on only deadlines end a request: for what must be put back after an interrupt. */
void http_session_ignore_cancel(struct http_session *s);

#endif
