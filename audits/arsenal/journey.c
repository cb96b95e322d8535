/*
 * A journey is attacked step by step. The answer to a step is damaged and the journey goes on as it
 * would: where it stops, it noticed; where it goes on and asks what it asked before, it gets the
 * answers it got; where it asks for something else, nobody knows what the server would say, and
 * nothing is concluded. Nothing is ordered, and nothing cancelled, a second time.
 */
#include <math.h>
#include <string.h>

#include "audits/arsenal/replay.h"
#include "audits/arsenal/value.h"
#include "audits/kind_rows.h"
#include "audits/http_kind.h"
#include "audits/journey.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"

#define SHORTEST_S 0.001

enum { JOURNEY_LATER = REPLAY_N_ROWS, JOURNEY_RPC_ERROR, JOURNEY_VALUES };

static const struct attack_row rows[] = {
	REPLAY_ROWS,
	[JOURNEY_LATER] = {.name = "later", .help = "a step takes longer"},
	[JOURNEY_RPC_ERROR] = {.name = "rpc-error",
			       .help = "a JSON-RPC call fails, with status 200"},
	VALUE_ROWS(JOURNEY_VALUES),
	[JOURNEY_VALUES + VALUE_N_ROWS] = {.name = NULL},
};

/* The id is that of every call a journey makes. */
static const char rpc_error[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":"
				"{\"code\":-32000,\"message\":\"the node is behind\"}}";

/* Which answer is meant; the state of attacks on a step. */
struct aim {
	size_t item;
};

static int begin(struct challenge *c, struct err *e)
{
	(void)e; /* nothing can fail */
	c->state = replay_new(c);
	return 0;
}

/* ---- what a step looks at ---- */

static bool reads_body(const struct journey_step *step)
{
	for (size_t i = 0; i < step->capture.n; i++) {
		const struct journey_capture *x = step->capture.items[i].value;

		if (capture_is_of_body(&x->source))
			return true;
	}
	return step->matches != NULL || step->rpc != NULL;
}

static unsigned wanted_of(const struct journey_step *step)
{
	bool is_read = reads_body(step);
	unsigned wanted = 0;

	if (!journey_takes_status(step, 500))
		wanted |= 1u << REPLAY_STATUS_500;
	if (!journey_takes_status(step, 204) || is_read)
		wanted |= 1u << REPLAY_STATUS_204;
	if (step->redirects > 0 ? is_read : !journey_takes_status(step, 302))
		wanted |= 1u << REPLAY_LOGIN_REDIRECT;
	if (is_read)
		wanted |= 1u << REPLAY_LOGIN_PAGE | 1u << REPLAY_EMPTY | 1u << REPLAY_CUT;
	return wanted;
}

/* ---- survey ---- */

static void aim_at(struct challenge *c, struct attack *a, size_t item, const char *id)
{
	struct aim *aim = arena_alloc(c->arena, sizeof(*aim));

	aim->item = item;
	a->object = id;
	a->state = aim;
}

/* As long as the timeout allows: how long is too long is what the bound says. */
static void survey_time(struct challenge *c, const struct journey_step *step, size_t item)
{
	const struct replay *r = c->state;
	double took = r->tape.items[item].response.total_s, all = 0, most;
	struct attack *a;

	for (size_t i = 0; i < r->tape.n; i++)
		all += r->tape.items[i].response.total_s;
	most = (double)c->check->timeout_ms / 1000 - all;
	if (step->timeout_ms > 0)
		most = fmin(most, (double)step->timeout_ms / 1000 - took);
	if (most <= SHORTEST_S)
		return;
	a = challenge_add(c, &rows[JOURNEY_LATER], "");
	a->dose = a->most = most;
	a->least = SHORTEST_S;
	aim_at(c, a, item, step->id);
}

static void survey_captures(struct challenge *c, const struct journey_step *step, size_t item)
{
	for (size_t i = 0; i < step->capture.n; i++) {
		const struct journey_capture *x = step->capture.items[i].value;
		const struct value_wanted wanted = {
			.rows = &rows[JOURNEY_VALUES],
			.item = item,
			.capture = &x->source,
			.name = replay_printf(c, "%s %s", step->id, x->from),
			.is_judged = http_is_expected(c->check, step->capture.items[i].name),
			.is_hex = x->is_hex,
		};

		value_survey(c, c->state, &wanted);
	}
}

static void survey_step(struct challenge *c, const struct journey_step *step, size_t item)
{
	const struct replay *r = c->state;
	unsigned wanted = wanted_of(step);

	for (size_t i = 0; i < REPLAY_N_ROWS; i++) {
		struct attack *a = NULL;

		if ((wanted & 1u << i) != 0)
			a = replay_add(c, rows, i, &r->tape.items[item], 1);
		if (a != NULL)
			aim_at(c, a, item, step->id);
	}
	if (step->rpc != NULL)
		aim_at(c, challenge_add(c, &rows[JOURNEY_RPC_ERROR], ""), item, step->id);
	if (http_is_expected(c->check, "total") || http_is_expected(c->check, "steps"))
		survey_time(c, step, item);
	survey_captures(c, step, item);
}

/* What is captured as a secret, and what the server gave, must not be cut in two. */
static void learn_secrets(struct challenge *c, const struct journey_step *step, size_t item)
{
	struct replay *r = c->state;
	const struct http_taped *x = &r->tape.items[item];

	for (size_t i = 0; i < step->capture.n; i++) {
		const struct journey_capture *capture = step->capture.items[i].value;
		const char *secret =
			capture->is_secret ? value_text(c->arena, &capture->source, x) : NULL;

		if (secret != NULL)
			redactor_add(r->secrets, secret);
	}
	for (size_t i = 0; i < x->n_cookies; i++)
		if (strlen(x->cookies[i]) >= JOURNEY_MIN_SECRET)
			redactor_add(r->secrets, x->cookies[i]);
}

static int survey(struct challenge *c, struct err *e)
{
	const struct journey_spec *spec = c->check->spec;
	struct replay *r = c->state;
	unsigned controls = 1u << REPLAY_IDENTITY | 1u << REPLAY_HEADER_ADDED;
	const struct groups *steps = &spec->steps, *cleanup = &spec->cleanup;

	if (r->tape.n != steps->n + cleanup->n)
		return err_set(e, ERR_MEASURE, "it made %zu requests in %zu steps", r->tape.n,
			       steps->n + cleanup->n);
	for (size_t i = 0; i < steps->n; i++)
		learn_secrets(c, steps->items[i].value, i);
	if (!http_is_expected(c->check, "total") && !http_is_expected(c->check, "steps"))
		controls |= 1u << REPLAY_TWICE_AS_LONG;
	replay_survey(c, r, rows, controls);
	for (size_t i = 0; i < steps->n; i++)
		survey_step(c, steps->items[i].value, i);
	for (size_t i = 0; i < cleanup->n; i++) {
		const struct journey_step *step = cleanup->items[i].value;

		if (!journey_takes_status(step, 500))
			aim_at(c,
			       replay_add(c, rows, REPLAY_STATUS_500, &r->tape.items[steps->n + i],
					  1),
			       steps->n + i, step->id);
	}
	return 0;
}

/* ---- damage ---- */

static void damage(struct damage *d)
{
	const struct journey_spec *spec = d->challenge->check->spec;
	size_t row = (size_t)(d->attack->row - rows);
	const struct aim *aim = d->attack->state;

	if (row >= JOURNEY_VALUES) {
		value_damage(d);
		return;
	}
	if (aim != NULL && aim->item != d->i)
		return;
	if (row == JOURNEY_LATER) {
		d->answer->response.first_byte_s += d->dose;
		d->answer->response.total_s += d->dose;
	} else if (row == JOURNEY_RPC_ERROR) {
		damage_body(d, rpc_error, sizeof(rpc_error) - 1);
	} else if (row == REPLAY_LOGIN_REDIRECT &&
		   ((const struct journey_step *)spec->steps.items[d->i].value)->redirects > 0) {
		damage_login_page(d);
	} else {
		(void)replay_damage(d, row, false); /* it is one of them */
	}
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	const struct strike s = {c, a, dose, p};

	return replay_strike_probe(c->state, &s, damage, e);
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	size_t row = (size_t)(a->row - rows);
	const char *common = replay_words(c, row, dose);

	if (row >= JOURNEY_VALUES)
		return value_words(c, a, dose);
	if (row == JOURNEY_RPC_ERROR)
		return replay_printf(c, "step %s: the call fails, with status 200", a->object);
	if (row == JOURNEY_LATER)
		return replay_printf(c, "step %s takes %.3g s longer", a->object, dose);
	return a->state == NULL ? common : replay_printf(c, "step %s: %s", a->object, common);
}

const struct arsenal arsenal_journey = {
	.rows = rows,
	.open = begin,
	.survey = survey,
	.strike = strike,
	.words = words,
};
