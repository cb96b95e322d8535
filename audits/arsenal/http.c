/*
 * A check of kind http is attacked where it looks: what it expects of the status, of times, of the
 * certificate and of the body decides which damage is fair. One that expects a status alone is
 * never asked to notice a body.
 */
#include "audits/kind_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "audits/arsenal/replay.h"
#include "audits/arsenal/value.h"
#include "audits/http_kind.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/http.h"

#define SECONDS_A_DAY 86400
#define MOST	      1e6 /* times as large */
#define SHORTEST_S    0.001
#define LARGEST_BYTES ((int64_t)64 << 20) /* that any answer may have */

enum {
	HTTP_MEMBER_ADDED = REPLAY_N_ROWS,
	HTTP_LATER,
	HTTP_EXPIRY,
	HTTP_LARGER,
	HTTP_SMALLER,
	HTTP_OLDER_VERSION,
	HTTP_VALUES
};

static const struct attack_row rows[] = {
	REPLAY_ROWS,
	[HTTP_MEMBER_ADDED] = {.name = "member-added",
			       .help = "the JSON of the body has a member more",
			       .is_control = true},
	[HTTP_LATER] = {.name = "later", .help = "one phase of the request takes longer"},
	[HTTP_EXPIRY] = {.name = "expiring", .help = "the certificate expires sooner"},
	[HTTP_LARGER] = {.name = "larger", .help = "the body is larger"},
	[HTTP_SMALLER] = {.name = "smaller",
			  .help = "the body is smaller, and its end is marked as ever"},
	[HTTP_OLDER_VERSION] = {.name = "older-http", .help = "the answer comes in HTTP/1.0"},
	VALUE_ROWS(HTTP_VALUES),
	[HTTP_VALUES + VALUE_N_ROWS] = {.name = NULL},
};

static const char *const times[] = {"dns", "connect", "tls", "first_byte", "total"};
#define N_TIMES (sizeof(times) / sizeof(times[0]))

static int begin(struct challenge *c, struct err *e)
{
	(void)e; /* nothing can fail */
	c->state = replay_new(c);
	return 0;
}

/* ---- what the check looks at ---- */

static bool expects_time(const struct check *c)
{
	for (size_t i = 0; i < N_TIMES; i++)
		if (http_is_expected(c, times[i]))
			return true;
	return false;
}

static bool has_body(const struct check *c)
{
	return strcmp(http_methods[((const struct http_spec *)c->spec)->method], "HEAD") != 0;
}

/* Does it look at what the body says? */
static bool reads_body(const struct check *c)
{
	const struct http_spec *spec = c->spec;

	if (!has_body(c))
		return false;
	for (size_t i = 0; i < spec->n_captures; i++)
		if (capture_is_of_body(&spec->captures[i].from) &&
		    http_is_expected(c, spec->captures[i].name))
			return true;
	return http_is_expected(c, "body") || http_is_expected(c, "size");
}

/* Or only whether it is whole? Of another page, which is, it says nothing. */
static bool reads_end(const struct check *c)
{
	const struct http_spec *spec = c->spec;

	return spec->end.min_body > 0 || spec->end.ends_with != NULL;
}

/* Would it select a member of the document that nobody named? */
static bool selects_any(const char *path)
{
	const char *begin = str_starts(path, "count(") ? path + 6 : path;

	return strstr(begin, "..") != NULL || str_starts(begin, "$.*") ||
	       str_starts(begin, "$[*") || str_starts(begin, "$[?");
}

/* Is there JSON, and is a member that nobody names no business of the check's? */
static bool bears_member(const struct check *c, const struct http_taped *x)
{
	const struct http_spec *spec = c->spec;
	size_t space = 0;
	bool is_json = false;

	for (size_t i = 0; i < spec->n_captures; i++) {
		const struct capture *from = &spec->captures[i].from;

		if (!http_is_expected(c, spec->captures[i].name))
			continue;
		if (from->source == CAPTURE_PATTERN ||
		    (capture_is_of_json(from) && selects_any(from->text)))
			return false;
		is_json = is_json || capture_is_of_json(from);
	}
	while (space < x->n_body && strchr(" \t\r\n", x->body[space]) != NULL &&
	       x->body[space] != '\0')
		space++;
	return is_json && space < x->n_body && x->body[space] == '{' &&
	       !http_is_expected(c, "body") && !http_is_expected(c, "size");
}

static double baseline_of(const struct challenge *c, const char *series)
{
	for (size_t i = 0; i < c->n_baseline; i++)
		if (strcmp(c->baseline[i].series, series) == 0 &&
		    c->baseline[i].value.type == VALUE_REAL)
			return c->baseline[i].value.real;
	return NAN;
}

/* ---- survey ---- */

/* A status that the check names as one it takes is no damage; one that it has is none either. */
static bool is_damage(const struct check *c, long has, long status)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%ld", status); /* fits */
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, "status") == 0 && c->expects[i].has_expect)
			return has == status || strstr(c->expects[i].expect.text, text) == NULL;
	return false;
}

static bool reads_location(const struct check *c)
{
	const struct http_spec *spec = c->spec;

	for (size_t i = 0; i < spec->n_captures; i++)
		if (spec->captures[i].from.source == CAPTURE_HEADER &&
		    strcasecmp(spec->captures[i].from.name, "Location") == 0 &&
		    http_is_expected(c, spec->captures[i].name))
			return true;
	return false;
}

/* Is it damage that the answer leads to a login page? Of one redirect for another only then. */
static bool fears_redirect(const struct check *c, long status)
{
	const struct http_spec *spec = c->spec;

	if (spec->redirects > 0)
		return reads_body(c) || http_is_expected(c, "url") ||
		       http_is_expected(c, "redirects");
	return reads_location(c) || (status != 302 && is_damage(c, status, 302));
}

static unsigned wanted_of(const struct check *c, long status)
{
	unsigned wanted = 1u << REPLAY_IDENTITY | 1u << REPLAY_HEADER_ADDED;
	bool is_read = reads_body(c);

	if (!expects_time(c))
		wanted |= 1u << REPLAY_TWICE_AS_LONG;
	if (is_damage(c, status, 500))
		wanted |= 1u << REPLAY_STATUS_500;
	if (is_damage(c, status, 204))
		wanted |= 1u << REPLAY_STATUS_204;
	if (fears_redirect(c, status))
		wanted |= 1u << REPLAY_LOGIN_REDIRECT;
	if (is_read)
		wanted |= 1u << REPLAY_LOGIN_PAGE;
	if (is_read || reads_end(c))
		wanted |= 1u << REPLAY_EMPTY | 1u << REPLAY_CUT;
	return wanted;
}

/* As long as the timeout allows: how long is too long is what the bound says. */
static void survey_times(struct challenge *c, const struct http_response *res)
{
	double most = (double)c->check->timeout_ms / 1000 - res->total_s;

	for (size_t i = 0; i < N_TIMES; i++) {
		double now = baseline_of(c, times[i]);
		struct attack *a;

		if (!http_is_expected(c->check, times[i]) || isnan(now) || most <= SHORTEST_S)
			continue;
		a = challenge_add(c, &rows[HTTP_LATER], times[i]);
		a->dose = a->most = most;
		a->least = SHORTEST_S;
	}
}

static void survey_expiry(struct challenge *c)
{
	double days = baseline_of(c, "tls_days_left");
	struct attack *a;

	if (!http_is_expected(c->check, "tls_days_left") || !(days > 1))
		return;
	a = challenge_add(c, &rows[HTTP_EXPIRY], "");
	a->dose = days - 1;
	a->least = 0.01;
	a->most = days;
}

static void survey_size(struct challenge *c, const struct http_taped *x)
{
	const struct http_spec *spec = c->check->spec;
	double n = (double)x->n_body, most;
	struct attack *a;

	if (!http_is_expected(c->check, "size") || x->n_body == 0)
		return;
	most = (double)(spec->max_body > LARGEST_BYTES ? spec->max_body : LARGEST_BYTES) / n - 1;
	if (most > 1 / n) {
		a = challenge_add(c, &rows[HTTP_LARGER], "");
		a->dose = fmin(9, most);
		a->least = 1 / n;
		a->most = fmin(most, MOST);
	}
	a = challenge_add(c, &rows[HTTP_SMALLER], "");
	a->dose = 9;
	a->least = 1 / n;
	a->most = fmin(n, MOST);
}

static void survey_value(struct challenge *c, const struct capture *from)
{
	const struct value_wanted wanted = {
		.rows = &rows[HTTP_VALUES],
		.capture = from,
		.name = replay_shown(c, from->text),
		.is_judged = true,
	};

	value_survey(c, c->state, &wanted);
}

static int survey(struct challenge *c, struct err *e)
{
	const struct replay *r = c->state;
	const struct http_spec *spec = c->check->spec;
	const struct http_taped *x = &r->tape.items[0];

	(void)e; /* nothing can fail */
	replay_survey(c, r, rows, wanted_of(c->check, x->response.status));
	if (bears_member(c->check, x))
		(void)challenge_add(c, &rows[HTTP_MEMBER_ADDED], "");
	survey_times(c, &x->response);
	survey_expiry(c);
	survey_size(c, x);
	if (http_is_expected(c->check, "http_version") &&
	    strcmp(x->response.http_version, "1.0") != 0)
		(void)challenge_add(c, &rows[HTTP_OLDER_VERSION], "");
	for (size_t i = 0; i < spec->n_captures; i++)
		if (http_is_expected(c->check, spec->captures[i].name))
			survey_value(c, &spec->captures[i].from);
	return 0;
}

/* ---- damage ---- */

/* The redirect is followed: what comes is the page behind it. */
static void follow_to_login(struct damage *d)
{
	struct http_response *res = &d->answer->response;
	const char *host = strstr(res->url, "://");
	size_t n = host != NULL ? (size_t)(host - res->url) + 3 : 0;

	n += strcspn(res->url + n, "/?#");
	res->url = arena_printf(d->arena, "%.*s/login", (int)n, res->url);
	res->n_redirects++;
	damage_login_page(d);
}

/* Everything from the phase on. */
static void delay(struct http_response *res, const char *phase, double s)
{
	double *const moments[N_TIMES] = {&res->dns_s, &res->connect_s, &res->tls_s,
					  &res->first_byte_s, &res->total_s};
	bool is_from_here = false;

	for (size_t i = 0; i < N_TIMES; i++) {
		is_from_here = is_from_here || strcmp(times[i], phase) == 0;
		if (is_from_here && (i != 2 || res->tls_s > 0))
			*moments[i] += s;
	}
}

static void expire(struct damage *d)
{
	struct http_response *res = &d->answer->response;
	struct http_certificate *chain = arena_array(d->arena, res->n_chain, sizeof(*chain));
	size_t first = 0;

	memcpy(chain, res->chain, res->n_chain * sizeof(*chain));
	for (size_t i = 1; i < res->n_chain; i++)
		if (chain[i].not_after_s < chain[first].not_after_s)
			first = i;
	chain[first].not_after_s -= (int64_t)llround(d->dose * SECONDS_A_DAY);
	res->chain = chain;
}

static void resize(struct damage *d, double factor)
{
	const struct http_taped *x = d->answer;
	size_t n = (size_t)llround((double)x->n_body * factor), kept = n;
	char *body;

	if (n < x->n_body)
		n = kept = replay_cut(d->replay, x->body, n);
	else
		kept = x->n_body;
	body = arena_alloc(d->arena, n + 1);
	memcpy(body, x->body, kept);
	memset(body + kept, ' ', n - kept);
	damage_body(d, body, n);
}

static void damage(struct damage *d)
{
	const struct http_spec *spec = d->challenge->check->spec;
	size_t row = (size_t)(d->attack->row - rows);

	if (row == REPLAY_LOGIN_REDIRECT && spec->redirects > 0)
		follow_to_login(d);
	else if (replay_damage(d, row, false))
		return;
	else if (row == HTTP_MEMBER_ADDED)
		damage_add_member(d);
	else if (row == HTTP_LATER)
		delay(&d->answer->response, d->attack->object, d->dose);
	else if (row == HTTP_EXPIRY)
		expire(d);
	else if (row == HTTP_LARGER)
		resize(d, 1 + d->dose);
	else if (row == HTTP_SMALLER)
		resize(d, 1 / (1 + d->dose));
	else if (row == HTTP_OLDER_VERSION)
		d->answer->response.http_version = "1.0";
	else
		value_damage(d);
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	const struct strike s = {c, a, dose, p};

	return replay_strike(c->state, &s, damage, e);
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	size_t row = (size_t)(a->row - rows);
	const char *common = replay_words(c, row, dose);

	if (common != NULL)
		return common;
	switch (row) {
	case HTTP_MEMBER_ADDED:
		return "the JSON of the body has a member more";
	case HTTP_LATER:
		return replay_printf(c, "%s takes %.3g s longer", a->object, dose);
	case HTTP_EXPIRY:
		return replay_printf(c, "the first certificate expires in %.3g days",
				     baseline_of(c, "tls_days_left") - dose);
	case HTTP_LARGER:
		return replay_printf(c, "the body is %.4g times as large", 1 + dose);
	case HTTP_SMALLER:
		return replay_printf(c, "the body is 1/%.4g of what it was", 1 + dose);
	case HTTP_OLDER_VERSION:
		return "the answer comes in HTTP/1.0";
	default: /* those of values */
		return value_words(c, a, dose);
	}
}

const struct arsenal arsenal_http = {
	.rows = rows,
	.open = begin,
	.survey = survey,
	.strike = strike,
	.words = words,
};
