/*
 * http_tape: the answers a session got, kept, to be given again.
 *
 * While it records, requests are made as ever and each whole answer is kept beside what was asked.
 * While it plays, nothing is sent: the answer is the first kept one to the very same request that
 * was not given yet, changed as alter has it. What was not asked then has no answer: the request
 * fails, and is_off says that from there on nothing can be known.
 *
 * Requests are kept as they were sent and hold secrets: nothing of a tape is ever shown. It belongs
 * to one thread at a time.
 */
#ifndef ASSIZE_IO_HTTP_TAPE_H
#define ASSIZE_IO_HTTP_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"
#include "runner/io/http.h"

struct arena;
struct err;
struct http_sink;

/* One answer; everything it points to lives in the tape's arena, or in that of who alters it. */
struct http_taped {
	const char *request; /* n_request bytes */
	size_t n_request;
	struct http_response response;
	const char *body; /* decoded, a NUL behind it */
	size_t n_body;
	int64_t first_us; /* monotonic: when the first byte of the body came, or the end without one
			   */
	const char **cookies; /* values the session held afterwards */
	size_t n_cookies;
	bool is_given;
};

struct http_tape {
	struct arena *arena;
	bool is_playing;
	struct http_taped *items;
	size_t n, cap;
	/* MAY be NULL: answer is a copy of items[i], to be changed. */
	void (*alter)(void *ctx, size_t i, struct http_taped *answer);
	void *alter_ctx;
	size_t last; /* of items, the one that was given last */
	bool is_off;
	/* while one answer is under way */
	struct buf body;
	int64_t first_us;
};

void http_tape_init(struct http_tape *t, struct arena *a);
/* From now on it plays, from its beginning. */
void http_tape_rewind(struct http_tape *t);

/* ---- for http_fetch.c ---- */

void http_tape_begin(struct http_tape *t, int64_t max_body_bytes);
int http_tape_body(struct http_tape *t, const char *data, size_t n, int64_t now_us, struct err *e);
/* The answer is whole. */
struct http_taped *http_tape_keep(struct http_tape *t, const struct http_request *req,
				  const struct http_response *res, int64_t now_us);
void http_tape_cookie(void *ctx, const char *value); /* ctx is the tape: of the one kept last */
/* In place of a request; *res is the tape's, or of who alters. */
int http_tape_give(struct http_tape *t, const struct http_request *req,
		   const struct http_sink *sink, struct http_response *res, struct err *e);

/* The response with its text and lists in a. */
struct http_response http_response_copy(const struct http_response *res, struct arena *a);

#endif
