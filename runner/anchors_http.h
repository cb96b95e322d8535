/*
 * anchors_http: one request to an anchor that speaks HTTP. Private to runner/anchors.c.
 */
#ifndef ASSIZE_RUNNER_ANCHORS_HTTP_H
#define ASSIZE_RUNNER_ANCHORS_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"

struct app;
struct err;

#define ANCHOR_MAX_ANSWER 65536 /* bytes */

struct anchor_exchange {
	int64_t timeout_ms;
	const char *url, *type;
	const void *body;
	size_t n;
	long status;
	struct buf answer; /* made by the caller, with that ceiling */
};

/* Posts the body; any status is an answer. */
int anchor_post(struct app *app, struct anchor_exchange *x, struct err *e);

#endif
