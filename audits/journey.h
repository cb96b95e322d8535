/*
 * journey: what the files of that kind share; private to audits/journey*.c.
 *
 * journey.c has the rows and what is said of a journey without making it, journey_check.c finds
 * what is wrong with one, journey_text.c puts captured values into what is sent,
 * journey_request.c makes the request of a step, journey_capture.c takes values out of its answer,
 * journey_run.c makes the journey.
 */
#ifndef ASSIZE_AUDITS_JOURNEY_H
#define ASSIZE_AUDITS_JOURNEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audits/capture.h"
#include "runner/base/pairs.h"
#include "runner/base/redact.h"
#include "runner/model/keys.h"
#include "runner/model/measurement.h"

struct arena;
struct buf;
struct check;
struct err;
struct http_response;
struct json_doc;
struct node;
struct pattern;

/* Of a request, what the definition may say; texts may hold placeholders. */
#define JOURNEY_MAX_SENT  ((size_t)4 << 20)
#define JOURNEY_MAX_DEPTH 24 /* of a JSON body */
/* A secret below this would be found, and masked, everywhere. */
#define JOURNEY_MIN_SECRET 4

struct journey_capture {
	const char *from;
	bool is_secret, is_hex;
	struct capture source; /* from, taken apart by journey_check() */
};

struct journey_step {
	const char *id, *path, *body;
	int method;
	struct pairs headers, form;
	const struct node *json, *rpc;
	struct texts status;
	struct pattern *matches;
	struct groups capture; /* struct journey_capture each */
	int64_t redirects, timeout_ms;
};

struct journey_spec {
	struct groups steps, cleanup; /* struct journey_step each */
	int64_t cleanup_timeout_ms, max_body;
};

/* The method as sent: as written, else POST when there is something to send, else GET. */
const char *journey_method(const struct group *step);
/* Does the step take the status? A step without `status` takes 200 to 299. */
bool journey_takes_status(const struct journey_step *step, long status);
/* Is this one status ("204") or a hundred ("2xx")? */
bool journey_status_is_valid(const char *text);

/* journey_check.c */
void journey_check(struct keys_context *ctx, struct check *c);

/* ---- captured values ---- */

struct captured {
	const char *name;
	struct value value;
	const char *text; /* as it is sent */
	bool is_secret;
	bool is_hex;	 /* sent as the text it was, whatever its value is */
	bool is_rounded; /* see struct measurement */
};

struct captures {
	struct captured *items;
	size_t n;
	struct redactor *secrets; /* those of items and of the definition */
};

const struct captured *captures_find(const struct captures *c, const char *name, size_t n);

/*
 * The next placeholder of s: {name}, or {+name} for a text that is put into a path as it is.
 * Returns its beginning and what is behind it through *rest; NULL when there is none.
 */
const char *placeholder_next(const char *s, const char **name, size_t *n_name, const char **rest);

enum placing {
	PLACE_RAW,     /* header, body */
	PLACE_ENCODED, /* path, form: percent-encoded, {+name} in a path apart */
	PLACE_SHOWN,   /* as PLACE_ENCODED, secrets by their names; what is missing too */
};

/* Appends s with its placeholders replaced. -1: one was not captured, or out is full. */
int captures_place(const struct captures *c, const char *s, enum placing how, struct buf *out,
		   struct err *e);
/* The name of a field, percent-encoded. */
const char *journey_encoded(struct arena *a, const char *s);
/* The whole body of a request, its content type through *type (NULL = none of its own). */
int journey_body(const struct group *step, const struct captures *c, struct arena *a,
		 const char **body, const char **type, struct err *e);

/* journey_request.c */
struct http_request;
struct planned_request;
struct probe;
/* s with its placeholders replaced, in a. */
int journey_place(const struct captures *c, const char *s, enum placing how, struct arena *a,
		  const char **out, struct err *e);
/* Everything of a step's request but its time; text is in the probe's arena. */
int journey_request(const struct probe *p, const struct group *step, const struct captures *c,
		    struct http_request *req, struct err *e);
int journey_plan(struct probe *p, size_t i, struct planned_request *out, struct err *e);

/* journey_capture.c */

#define JOURNEY_HEAD_BYTES 60 /* of a body, in a message */

/* An answer, as captures see it. */
struct journey_answer {
	struct capture_view view;
	struct json_doc *doc; /* owned: journey_answer_release() */
	struct arena *arena;
};

/* head: how the body begins, for messages; NULL = it may be a secret. wants_json: somebody will
 * look there. */
void journey_answer_init(struct journey_answer *x, const struct http_response *res,
			 const struct buf *body, const char *head, bool wants_json);
void journey_answer_release(struct journey_answer *x);
/* 0 and *out; -1: e says in one sentence why there is no value. */
int journey_capture_take(const struct journey_capture *c, const char *name,
			 const struct journey_answer *answer, struct captured *out, struct err *e);
/* Is this the answer to a JSON-RPC call that succeeded? */
int journey_rpc_check(const struct journey_answer *answer, struct err *e);

/* journey_run.c */
int journey_probe(struct probe *p, struct err *e);

#endif
