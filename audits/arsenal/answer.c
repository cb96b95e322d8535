/*
 * What can happen to any answer, whatever is in it: another status, no body, half of one, somebody
 * else's page. Each is what a proxy, a crashed worker or an expired session really sends.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "audits/arsenal/replay.h"
#include "runner/base/arena.h"
#include "runner/model/definition.h"

static const char login[] = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>\n"
			    "<form method=\"post\" action=\"/login\"><input name=\"user\">"
			    "<input name=\"password\" type=\"password\"></form>\n</body></html>\n";

/* ---- parts of an answer ---- */

void damage_body(struct damage *d, const char *body, size_t n)
{
	d->answer->body = body;
	d->answer->n_body = n;
}

void damage_status(struct damage *d, long status)
{
	d->answer->response.status = status;
}

void damage_drop_header(struct damage *d, const char *name)
{
	struct http_response *res = &d->answer->response;
	struct http_header *kept = arena_array(d->arena, res->n_headers + 1, sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; i < res->n_headers; i++)
		if (strcasecmp(res->headers[i].name, name) != 0)
			kept[n++] = res->headers[i];
	res->headers = kept;
	res->n_headers = n;
	if (strcasecmp(name, "Content-Type") == 0)
		res->content_type = "";
}

void damage_add_header(struct damage *d, const char *name, const char *value)
{
	struct http_response *res = &d->answer->response;
	struct http_header *more = arena_array(d->arena, res->n_headers + 1, sizeof(*more));

	if (res->n_headers > 0)
		memcpy(more, res->headers, res->n_headers * sizeof(*more));
	more[res->n_headers++] = (struct http_header){name, value};
	res->headers = more;
}

void damage_type(struct damage *d, const char *type)
{
	damage_drop_header(d, "Content-Type");
	damage_add_header(d, "Content-Type", type);
	d->answer->response.content_type = type;
}

void damage_login_page(struct damage *d)
{
	damage_status(d, 200);
	damage_type(d, "text/html; charset=utf-8");
	damage_body(d, login, sizeof(login) - 1);
	d->answer->response.is_length_known = true;
}

void damage_add_member(struct damage *d)
{
	const char *body = d->answer->body, *open = strchr(body, '{');
	size_t n = (size_t)(open - body) + 1;
	const char *rest = body + n;
	bool is_empty = rest[strspn(rest, " \t\r\n")] == '}';
	const char *text = arena_printf(d->arena, "%.*s\"assize_challenge\":0%s%s", (int)n, body,
					is_empty ? "" : ",", rest);

	damage_body(d, text, strlen(text));
}

static void redirect(struct damage *d)
{
	damage_status(d, 302);
	damage_drop_header(d, "Location");
	damage_add_header(d, "Location", "/login");
	damage_drop_header(d, "Content-Type");
	damage_body(d, "", 0);
	d->answer->response.is_length_known = true;
}

static void no_content(struct damage *d)
{
	damage_status(d, 204);
	damage_drop_header(d, "Content-Type");
	damage_body(d, "", 0);
	d->answer->response.is_length_known = true;
}

static void empty(struct damage *d)
{
	damage_body(d, "", 0);
	d->answer->response.is_length_known = true;
}

static void slow_down(struct http_response *res)
{
	res->dns_s *= 2;
	res->connect_s *= 2;
	res->tls_s *= 2;
	res->request_s *= 2;
	res->first_byte_s *= 2;
	res->total_s *= 2;
}

/* A body whose end is marked would not have come torn. */
static void cut(struct damage *d, bool at_line)
{
	const struct http_taped *x = d->answer;
	size_t n = (size_t)floor((1 - d->dose) * (double)x->n_body);

	if (x->response.is_length_known)
		return;
	if (at_line)
		while (n > 0 && x->body[n - 1] != '\n')
			n--;
	n = replay_cut(d->replay, x->body, n);
	damage_body(d, memcpy(arena_alloc(d->arena, n + 1), x->body, n), n);
}

bool replay_damage(struct damage *d, size_t row, bool at_line)
{
	switch (row) {
	case REPLAY_IDENTITY:
		return true;
	case REPLAY_HEADER_ADDED:
		damage_add_header(d, "X-Assize-Challenge", "unrelated");
		return true;
	case REPLAY_TWICE_AS_LONG:
		slow_down(&d->answer->response);
		return true;
	case REPLAY_STATUS_500:
		damage_status(d, 500);
		return true;
	case REPLAY_STATUS_204:
		no_content(d);
		return true;
	case REPLAY_LOGIN_REDIRECT:
		redirect(d);
		return true;
	case REPLAY_LOGIN_PAGE:
		damage_login_page(d);
		return true;
	case REPLAY_EMPTY:
		empty(d);
		return true;
	case REPLAY_CUT:
		cut(d, at_line);
		return true;
	default: /* a row of the arsenal's own */
		return false;
	}
}

/* ---- survey ---- */

static void settle(struct attack *a, enum attack_outcome outcome, const char *reason)
{
	a->settled = outcome;
	a->reason = reason;
}

/* Has every answer this status? */
static bool has_status(const struct http_taped *items, size_t n, long status)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].response.status != status)
			return false;
	return true;
}

static size_t longest_body(const struct http_taped *items, size_t n, bool is_unmarked)
{
	size_t longest = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].n_body > longest &&
		    !(is_unmarked && items[i].response.is_length_known))
			longest = items[i].n_body;
	return longest;
}

static void survey_cut(struct attack *a, const struct http_taped *items, size_t n)
{
	size_t longest = longest_body(items, n, true);

	a->dose = 0.5;
	if (longest == 0) {
		settle(a, ATTACK_GUARDED,
		       "the length of the answer is marked: a torn one is an error");
		return;
	}
	a->least = 1 / (double)longest;
	a->most = 1;
}

static bool is_in_time(const struct challenge *c, const struct http_taped *items, size_t n)
{
	double s = 0;

	for (size_t i = 0; i < n; i++)
		s += 2 * items[i].response.total_s;
	return s < (double)c->check->timeout_ms / 1000;
}

struct attack *replay_add(struct challenge *c, const struct attack_row *rows, size_t i,
			  const struct http_taped *items, size_t n)
{
	bool has_body = longest_body(items, n, false) > 0;
	struct attack *a;

	if ((i == REPLAY_TWICE_AS_LONG && !is_in_time(c, items, n)) ||
	    (i == REPLAY_CUT && !has_body))
		return NULL;
	a = challenge_add(c, &rows[i], "");
	if (i == REPLAY_CUT)
		survey_cut(a, items, n);
	else if (i == REPLAY_EMPTY && !has_body)
		settle(a, ATTACK_NO_EFFECT, "it is empty as it is");
	else if ((i == REPLAY_STATUS_500 && has_status(items, n, 500)) ||
		 (i == REPLAY_STATUS_204 && has_status(items, n, 204)))
		settle(a, ATTACK_NO_EFFECT, "it has this status as it is");
	return a;
}

void replay_survey(struct challenge *c, const struct replay *r, const struct attack_row *rows,
		   unsigned wanted)
{
	for (size_t i = 0; i < REPLAY_N_ROWS; i++)
		if ((wanted & 1u << i) != 0)
			(void)replay_add(c, rows, i, r->tape.items, r->tape.n);
}

const char *replay_words(const struct challenge *c, size_t row, double dose)
{
	static const char *const words[REPLAY_N_ROWS] = {
		[REPLAY_IDENTITY] = "the answer is the one that came",
		[REPLAY_HEADER_ADDED] = "the answer has a header more",
		[REPLAY_TWICE_AS_LONG] = "the answer takes twice as long",
		[REPLAY_STATUS_500] = "the answer has status 500, with the same body",
		[REPLAY_STATUS_204] = "the answer has status 204 and no body",
		[REPLAY_LOGIN_REDIRECT] = "the answer leads to a login page",
		[REPLAY_LOGIN_PAGE] = "the answer is a login page, with status 200",
		[REPLAY_EMPTY] = "the body is empty",
	};

	if (row == REPLAY_CUT)
		return replay_printf(c, "%.3g %% of the body are missing at its end", dose * 100);
	return row < REPLAY_N_ROWS ? words[row] : NULL;
}
