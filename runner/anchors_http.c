#include "runner/anchors_http.h"

#include "runner/app.h"
#include "runner/base/err.h"
#include "runner/base/pairs.h"
#include "runner/io/clock.h"
#include "runner/io/http_fetch.h"

int anchor_post(struct app *app, struct anchor_exchange *x, struct err *e)
{
	struct pair type = {.name = "Content-Type", .value = x->type};
	struct pairs headers = {.items = &type, .n = 1};
	const struct http_request req = {
		.method = "POST",
		.url = x->url,
		.headers = &headers,
		.body = x->body,
		.n_body = x->n,
		.deadline_ms = clock_monotonic_ms(&app->clock) + x->timeout_ms,
		.max_body_bytes = ANCHOR_MAX_ANSWER,
	};
	struct http_session *session =
		http_session_new(&(struct http_session_options){.clock = &app->clock});
	struct http_sink sink = {http_sink_buf, &x->answer};
	struct http_response res;
	int rc;

	buf_reset(&x->answer);
	rc = http_fetch(session, &req, &sink, &res, e);
	if (rc == 0)
		x->status = res.status;
	http_session_free(session);
	return rc;
}
