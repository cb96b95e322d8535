/*
 * The journey itself. Everything shown of it passes a redactor of its own first, which knows the
 * captured secrets, and cookies; and those of the definition, because what is cut can be masked
 * once only. The value of a capture is judged: of it only what was declared a secret is masked.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "audits/journey.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/spelling.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/http.h"
#include "runner/io/http_fetch.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"
#include "runner/model/unit.h"

#define SNIPPET_BYTES 200

struct journey {
	struct probe *probe;
	const struct journey_spec *spec;
	struct http_session *session;
	struct captures captures;
	struct redactor
		*shown;	     /* of all that is said: captures.secrets, and what is not captured */
	const char *stopped; /* why the steps behind are not made; NULL = go on */
	double total_s;
	struct buf times; /* "login 12 ms", a line a step */
};

/* One step, under way. */
struct visit {
	struct journey *journey;
	const struct group *group;
	const struct journey_step *step;
	int64_t deadline_ms;
	const char *shown; /* "POST http://host/path" */
	const char *evidence;
	struct http_response res;
	struct buf body;
	bool has_answer;
};

static const char *masked(const struct journey *j, const char *text)
{
	return redact_text(j->shown, j->probe->arena, text);
}

static const char *shown_head(const struct journey *j, const struct buf *body, size_t most)
{
	return redact_head(j->shown, j->probe->arena, body->data, body->len, most);
}

static void hide(struct journey *j, const char *secret)
{
	if (strlen(secret) >= JOURNEY_MIN_SECRET)
		redactor_add(j->shown, secret);
}

/* A cookie, as it was sent and as a page would write what it stands for. */
static void hide_cookie(void *ctx, const char *value)
{
	struct journey *j = ctx;
	char *plain = arena_strdup(j->probe->arena, value), *to = plain;

	hide(j, value);
	for (const char *at = value; *at != '\0'; at++) {
		int high = *at == '%' ? spelling_hex(at[1]) : -1;
		int low = high >= 0 ? spelling_hex(at[2]) : -1;

		if (low >= 0)
			at += 2;
		*to++ = low >= 0 ? (char)(high * 16 + low) : *at;
	}
	*to = '\0'; /* at a %00, too: a page would not go on behind it either */
	hide(j, plain);
}

/*
 * What the server gave a visitor to be known by is a secret, whether or not a step captures it. A
 * page that is not as it should be often quotes it.
 */
static void hide_given(struct journey *j, const struct http_response *res)
{
	http_session_cookies(j->session, hide_cookie, j);
	for (size_t i = 0; res != NULL && i < res->n_headers; i++) {
		const char *value = res->headers[i].value, *equals = strchr(value, '=');
		const char *token = strchr(value, ' ');

		if (strcasecmp(res->headers[i].name, "Authorization") == 0)
			hide(j, token != NULL ? token + 1 : value);
		else if (strcasecmp(res->headers[i].name, "Set-Cookie") == 0 && equals != NULL)
			hide_cookie(j, arena_strndup(j->probe->arena, equals + 1,
						     strcspn(equals + 1, "; \t")));
	}
}

/* ---- what is emitted ---- */

static void emit(struct visit *v, struct measurement m, bool is_of_step)
{
	struct journey *j = v->journey;

	if (is_of_step) {
		struct label *label = arena_alloc(j->probe->arena, sizeof(*label));

		*label = (struct label){"step", v->step->id};
		m.labels = label;
		m.n_labels = 1;
	}
	m.reason = masked(j, m.reason);
	m.evidence = masked(j, v->evidence);
	m.query = v->shown;
	probe_emit(j->probe, 0, &m);
}

/* The step was not made, or not to its end: nothing of it is a measurement. */
static void emit_none(struct visit *v, const char *reason, bool is_cleanup)
{
	emit(v, measurement_none("ok", reason), true);
	if (is_cleanup)
		return;
	if (!v->has_answer) {
		emit(v, measurement_none("steps", reason), true);
		emit(v, measurement_none("status", reason), true);
	}
}

static void emit_answer(struct visit *v)
{
	emit(v, measurement_real("steps", v->res.total_s, "s"), true);
	emit(v, measurement_int("status", v->res.status, ""), true);
}

/* A value for every capture, also of steps that were not made. */
static void emit_captures(struct visit *v)
{
	struct journey *j = v->journey;

	for (size_t i = 0; i < v->step->capture.n; i++) {
		const char *name = v->step->capture.items[i].name;
		const struct journey_capture *capture = v->step->capture.items[i].value;
		const struct captured *c = captures_find(&j->captures, name, strlen(name));
		struct measurement m;

		if (capture->is_secret)
			continue;
		if (c == NULL) {
			v->evidence = NULL; /* it stands with the step that ended the journey */
			emit(v, measurement_none(name, j->stopped), false);
			continue;
		}
		m = measurement_none(name, NULL);
		m.value = c->value;
		if (m.value.type == VALUE_TEXT) /* another capture's secret may be in it */
			m.value.text =
				redact_text(j->captures.secrets, j->probe->arena, m.value.text);
		m.is_rounded = c->is_rounded;
		m.reason = c->is_rounded ? "an integer beyond 2^63: its last digits are not kept"
					 : NULL;
		emit(v, m, false);
	}
}

/* ---- one request ---- */

static const char *shown_request(struct visit *v)
{
	struct journey *j = v->journey;
	const char *path = v->step->path, *url;
	struct err none = {0};

	/* Too long: as written. */
	(void)journey_place(&j->captures, v->step->path, PLACE_SHOWN, j->probe->arena, &path,
			    &none);
	url = http_join(j->probe->arena, j->probe->checks[0]->target->location, path);
	return masked(j, arena_printf(j->probe->arena, "%s %s", journey_method(v->group),
				      url != NULL ? url : path));
}

static int request(struct visit *v, struct err *e)
{
	struct journey *j = v->journey;
	const struct http_sink sink = {http_sink_buf, &v->body};
	struct http_request req;

	if (journey_request(j->probe, v->group, &j->captures, &req, e) != 0)
		return -1;
	req.deadline_ms = v->deadline_ms;
	v->has_answer = http_fetch(j->session, &req, &sink, &v->res, e) == 0;
	hide_given(j, v->has_answer ? &v->res : NULL);
	return v->has_answer ? 0 : -1;
}

/* ---- its answer ---- */

static bool has_secret(const struct journey_step *step)
{
	for (size_t i = 0; i < step->capture.n; i++)
		if (((const struct journey_capture *)step->capture.items[i].value)->is_secret)
			return true;
	return false;
}

static const char *evidence_of(struct visit *v, const char *why, bool has_body)
{
	const struct http_response *res = &v->res;
	/* Where the secret is nobody knows when it is not where it should be. */
	bool is_hidden = has_body && has_secret(v->step);
	const char *text;
	struct buf b;

	buf_init(&b, EVIDENCE_MAX_BYTES);
	if (why != NULL)
		(void)buf_printf(&b, "%s\n", why); /* a full one is cut */
	(void)buf_printf(&b, "%s: HTTP/%s %ld", v->shown, res->http_version, res->status);
	if (res->content_type[0] != '\0') {
		(void)buf_puts(&b, ", ");
		str_escape(&b, res->content_type, strlen(res->content_type));
	}
	(void)buf_printf(&b, ", %" PRId64 " bytes", res->n_body_bytes);
	for (size_t i = 0; i < res->n_headers; i++) {
		if (is_hidden || strcasecmp(res->headers[i].name, "Location") != 0)
			continue;
		(void)buf_puts(&b, "\nlocation: ");
		str_escape(&b, res->headers[i].value, strlen(res->headers[i].value));
	}
	if (is_hidden) {
		(void)buf_puts(&b, "\nthe body is not shown, the step captures a secret");
	} else if (has_body && v->body.len > 0) {
		const char *head = shown_head(v->journey, &v->body, SNIPPET_BYTES);

		(void)buf_puts(&b, "\nbody: ");
		str_escape(&b, head, strlen(head));
		if (v->body.len > SNIPPET_BYTES)
			(void)buf_puts(&b, " ...");
	}
	text = arena_strndup(v->journey->probe->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *wanted_status(struct visit *v)
{
	const struct journey_step *step = v->step;
	struct arena *a = v->journey->probe->arena;
	const char *words = "2xx";

	for (size_t i = 0; i < step->status.n; i++)
		words = i == 0 ? step->status.items[i]
			       : arena_printf(a, "%s or %s", words, step->status.items[i]);
	return words;
}

/* 1 as it should be, 0 not, with the reason; -1 cannot be told. */
static int look_at(struct visit *v, const char **why, struct err *e)
{
	struct arena *a = v->journey->probe->arena;
	const char *problem;
	int found;

	if (!journey_takes_status(v->step, v->res.status)) {
		*why = arena_printf(a, "status %ld, not %s", v->res.status, wanted_status(v));
		return 0;
	}
	if (v->step->matches == NULL)
		return 1;
	if (!v->res.is_length_known && v->body.len > 0)
		return err_set(e, ERR_MEASURE,
			       "nothing marked the end of the body, so it may be torn");
	problem = capture_no_text(a, v->res.content_type, v->body.data, v->body.len);
	if (problem != NULL)
		return err_set(e, ERR_MEASURE, "%s", problem);
	found = pattern_search(v->step->matches, v->body.data, v->body.len, e);
	if (found == 0)
		*why = "the body does not match";
	return found;
}

static bool wants_json(const struct journey_step *step)
{
	for (size_t i = 0; i < step->capture.n; i++) {
		const struct journey_capture *c = step->capture.items[i].value;

		if (capture_is_of_json(&c->source))
			return true;
	}
	return step->rpc != NULL;
}

static int capture_all(struct visit *v, struct err *e)
{
	struct journey *j = v->journey;
	struct journey_answer answer = {.arena = j->probe->arena};
	int rc = 0;

	journey_answer_init(&answer, &v->res, &v->body,
			    has_secret(v->step) ? NULL
						: shown_head(j, &v->body, JOURNEY_HEAD_BYTES),
			    wants_json(v->step));
	if (v->step->rpc != NULL)
		rc = journey_rpc_check(&answer, e);
	for (size_t i = 0; i < v->step->capture.n && rc == 0; i++) {
		const struct group *g = &v->step->capture.items[i];
		struct captured c;

		rc = journey_capture_take(g->value, g->name, &answer, &c, e);
		if (rc != 0)
			break;
		j->captures.items[j->captures.n++] = c;
		if (c.is_secret) {
			redactor_add(j->captures.secrets, c.text);
			redactor_add(j->shown, c.text);
		}
	}
	journey_answer_release(&answer);
	return rc;
}

/* ---- one step ---- */

static void stop(struct visit *v, const char *why)
{
	struct journey *j = v->journey;

	if (j->stopped == NULL)
		j->stopped = masked(
			j, arena_printf(j->probe->arena, "step \"%s\": %s", v->step->id, why));
}

static void judge_visit(struct visit *v, bool is_cleanup)
{
	struct arena *a = v->journey->probe->arena;
	const char *why = NULL;
	struct err e = {0};
	int is_ok = look_at(v, &why, &e);

	if (is_ok > 0 && capture_all(v, &e) != 0)
		is_ok = -1;
	v->evidence = evidence_of(v, is_ok == 0 ? why : NULL, is_ok != 1);
	if (!is_cleanup)
		emit_answer(v);
	if (is_ok < 0) {
		why = arena_strdup(a, e.message);
		emit_none(v, why, is_cleanup);
	} else {
		emit(v, measurement_int("ok", is_ok, ""), true);
	}
	if (is_ok != 1 && !is_cleanup) {
		stop(v, why);
		v->journey->probe->retry_after_ms = http_retry_after_ms(
			&v->res, clock_wall_ms(v->journey->probe->world->clock));
	}
}

static void note_time(struct journey *j, const struct visit *v)
{
	j->total_s += v->res.total_s;
	(void)buf_printf(&j->times, "%s%s ", j->times.len > 0 ? "\n" : "", v->step->id);
	unit_format(&j->times, v->res.total_s, "s"); /* cut when full */
}

static void make_step(struct journey *j, const struct group *g, int64_t deadline_ms,
		      bool is_cleanup)
{
	struct visit v = {.journey = j, .group = g, .step = g->value};
	const struct clock *clock = j->probe->world->clock;
	int64_t own_ms = v.step->timeout_ms;
	struct err e = {0};

	v.shown = shown_request(&v);
	v.deadline_ms = deadline_ms;
	if (own_ms > 0 && clock_monotonic_ms(clock) + own_ms < deadline_ms)
		v.deadline_ms = clock_monotonic_ms(clock) + own_ms;
	buf_init(&v.body, (size_t)j->spec->max_body);
	if (!is_cleanup && j->stopped != NULL) {
		emit_none(&v, j->stopped, is_cleanup);
	} else if (request(&v, &e) != 0) {
		const char *why = arena_strdup(j->probe->arena, e.message);

		emit_none(&v, why, is_cleanup);
		if (!is_cleanup)
			stop(&v, why);
	} else {
		judge_visit(&v, is_cleanup);
		if (!is_cleanup) {
			note_time(j, &v);
		}
	}
	if (!is_cleanup)
		emit_captures(&v);
	buf_release(&v.body);
}

static void emit_total(struct journey *j)
{
	struct measurement m = j->stopped != NULL ? measurement_none("total", j->stopped)
						  : measurement_real("total", j->total_s, "s");

	m.n = (int64_t)j->spec->steps.n;
	m.evidence = arena_strndup(j->probe->arena, j->times.data, j->times.len);
	probe_emit(j->probe, 0, &m);
}

static size_t count_captures(const struct groups *steps)
{
	size_t n = 0;

	for (size_t i = 0; i < steps->n; i++)
		n += ((const struct journey_step *)steps->items[i].value)->capture.n;
	return n;
}

static void clean_up(struct journey *j)
{
	const struct groups *steps = &j->spec->cleanup;
	int64_t deadline_ms =
		clock_monotonic_ms(j->probe->world->clock) + j->spec->cleanup_timeout_ms;

	http_session_ignore_cancel(j->session);
	for (size_t i = 0; i < steps->n; i++)
		make_step(j, &steps->items[i], deadline_ms, true);
}

int journey_probe(struct probe *p, struct err *e)
{
	const struct journey_spec *spec = p->checks[0]->spec;
	const struct http_session_options options = {
		.clock = p->world->clock,
		.turns = p->world->turns,
		.is_cancelled = &p->world->is_interrupted,
		.has_cookies = true,
		.tape = p->tape,
	};
	struct journey j = {.probe = p, .spec = spec};

	(void)e; /* what goes wrong is said of the step it happens in */
	j.captures.secrets = redactor_new(p->arena);
	redactor_add_all(j.captures.secrets, p->world->definition->redactor);
	j.shown = redactor_new(p->arena);
	redactor_add_all(j.shown, p->world->definition->redactor);
	j.captures.items = arena_array(
		p->arena, count_captures(&spec->steps) + count_captures(&spec->cleanup) + 1,
		sizeof(*j.captures.items));
	buf_init(&j.times, EVIDENCE_MAX_BYTES);
	j.session = http_session_new(&options);
	for (size_t i = 0; i < spec->steps.n; i++)
		make_step(&j, &spec->steps.items[i], p->deadline_ms, false);
	emit_total(&j);
	clean_up(&j);
	http_session_free(j.session);
	buf_release(&j.times);
	return 0;
}
