/*
 * A waiver that is over is shown as well: it is still in the definition, and somebody may believe
 * in it.
 */
#include "runner/status_grants.h"

#include <inttypes.h>
#include <stdio.h>

#include "gates/gate.h"
#include "gates/refuse.h"
#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/history/newest.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/result.h"
#include "runner/show.h"

/* What was not measured may have had it. */
static bool lacks_series(const struct evidence *items, size_t n, const char *series)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(items[i].result.series, series) ||
		    (items[i].result.outcome != OUTCOME_FAIL &&
		     !outcome_is_passing(items[i].result.outcome)))
			return false;
	return n > 0;
}

static const char *state_of(const struct waiver *w, int64_t now_ms)
{
	if (now_ms >= w->expires_ms)
		return "expired";
	return now_ms < w->granted_ms ? "not yet" : "in force";
}

/* Of one series that the check was last measured without nothing is in force. */
static int read_states(struct app *app, struct record *record, struct status_grants *g,
		       struct err *e)
{
	const struct definition *d = g->definition;
	struct newest newest;

	newest_init(&newest, app->arena, record);
	g->states = arena_array(app->arena, d->n_waivers + 1, sizeof(*g->states));
	for (size_t i = 0; i < d->n_waivers; i++) {
		const struct waiver *w = d->waivers[i];
		bool is_now = g->now_ms >= w->granted_ms && g->now_ms < w->expires_ms;
		struct evidence *items;
		size_t n = 0;

		g->states[i] = state_of(w, g->now_ms);
		if (!is_now || w->series == NULL || record == NULL)
			continue;
		if (newest_evidence(&newest, w->check, NULL, &items, &n, e) != 0)
			return -1;
		if (lacks_series(items, n, w->series))
			g->states[i] = "no such series";
	}
	return 0;
}

/* Those that are over are not read. */
static const char *state_of_override(const struct override *o, int64_t now_ms)
{
	if (refuse_is_future(o->at_ms, now_ms))
		return "not yet";
	return override_is_too_long(o) ? "too long" : "in force";
}

static const char *gates_of(struct arena *a, const struct waiver *w)
{
	const char *text = "";

	for (size_t i = 0; i < w->gates.n; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? ", " : "", w->gates.items[i]);
	return text;
}

static void print_waivers(struct app *app, const struct status_grants *g)
{
	const struct definition *d = g->definition;
	static const char *const headers[] = {"waiver", "check", "gates",
					      "state",	"ends",	 "owner, ticket"};
	struct arena *a = app->arena;
	struct table t;

	if (d->n_waivers == 0)
		return;
	table_init(&t, a, headers, 6, "llllll");
	for (size_t i = 0; i < d->n_waivers; i++) {
		const struct waiver *w = d->waivers[i];

		table_row(&t, w->id,
			  arena_printf(a, "%s%s%s", w->check->name, w->series != NULL ? " " : "",
				       w->series != NULL ? w->series : ""),
			  gates_of(a, w), g->states[i], show_ago(a, w->expires_ms, g->now_ms),
			  arena_printf(a, "%s, %s", w->owner, w->ticket));
	}
	(void)fputc('\n', app->out);
	table_print(&t, app->out);
}

static void put_time(struct json_writer *w, const char *key, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 1, text); /* its length */
	json_put_text(w, key, text);
}

static void put_waivers(struct json_writer *w, const struct status_grants *g)
{
	const struct definition *d = g->definition;

	json_open(w, "waivers", '[');
	for (size_t i = 0; i < d->n_waivers; i++) {
		const struct waiver *x = d->waivers[i];

		json_open(w, NULL, '{');
		json_put_text(w, "id", x->id);
		json_put_text(w, "check", x->check->name);
		json_put_text(w, "series", x->series);
		json_open(w, "gates", '[');
		for (size_t k = 0; k < x->gates.n; k++)
			json_put_text(w, NULL, x->gates.items[k]);
		json_close(w, ']');
		json_put_text(w, "owner", x->owner);
		json_put_text(w, "reason", x->reason);
		json_put_text(w, "ticket", x->ticket);
		put_time(w, "granted", x->granted_ms);
		put_time(w, "expires", x->expires_ms);
		json_put_text(w, "state", g->states[i]);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void print_overrides(struct app *app, const struct override *o, size_t n, int64_t now_ms)
{
	static const char *const headers[] = {"override", "gate", "subject", "state",
					      "ends",	  "by",	  "reason"};
	struct arena *a = app->arena;
	struct table t;

	if (n == 0)
		return;
	table_init(&t, a, headers, 7, "lllllll");
	for (size_t i = 0; i < n; i++)
		table_row(&t, arena_printf(a, "%" PRId64, o[i].id), o[i].gate, o[i].subject,
			  state_of_override(&o[i], now_ms), show_ago(a, o[i].until_ms, now_ms),
			  o[i].actor, o[i].reason);
	(void)fputc('\n', app->out);
	table_print(&t, app->out);
}

static void put_overrides(struct json_writer *w, const struct override *o, size_t n, int64_t now_ms)
{
	json_open(w, "overrides", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(w, NULL, '{');
		json_put_int(w, "id", o[i].id);
		json_put_text(w, "gate", o[i].gate);
		json_put_text(w, "subject", o[i].subject);
		json_put_text(w, "actor", o[i].actor);
		json_put_text(w, "reason", o[i].reason);
		put_time(w, "at", o[i].at_ms);
		put_time(w, "until", o[i].until_ms);
		json_put_text(w, "state", state_of_override(&o[i], now_ms));
		json_close(w, '}');
	}
	json_close(w, ']');
}

#define MAX_OVERRIDES 100 /* shown */

int status_grants_read(struct app *app, struct record *record, const struct definition *d,
		       struct status_grants *out, struct err *e)
{
	const struct override_query q = {
		.until_after_ms = clock_wall_ms(&app->clock),
		.limit = MAX_OVERRIDES,
	};

	*out = (struct status_grants){.definition = d, .now_ms = q.until_after_ms};
	if (read_states(app, record, out, e) != 0)
		return -1;
	if (record == NULL)
		return 0; /* there is none yet */
	return record_overrides(record, app->arena, &q, &out->overrides, &out->n_overrides, e);
}

void status_grants_print(struct app *app, const struct status_grants *g)
{
	print_waivers(app, g);
	print_overrides(app, g->overrides, g->n_overrides, g->now_ms);
}

void status_grants_put(struct json_writer *w, const struct status_grants *g)
{
	put_waivers(w, g);
	put_overrides(w, g->overrides, g->n_overrides, g->now_ms);
}
