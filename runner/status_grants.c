/*
 * A waiver that is over is shown as well: it is still in the definition, and somebody may believe
 * in it.
 */
#include "runner/status_grants.h"

#include <stdio.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/utc.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/show.h"

static const char *state_of(const struct waiver *w, int64_t now_ms)
{
	if (now_ms >= w->expires_ms)
		return "expired";
	return now_ms < w->granted_ms ? "not yet" : "in force";
}

static const char *gates_of(struct arena *a, const struct waiver *w)
{
	const char *text = "";

	for (size_t i = 0; i < w->gates.n; i++)
		text = arena_printf(a, "%s%s%s", text, i > 0 ? ", " : "", w->gates.items[i]);
	return text;
}

void status_print_waivers(struct app *app, const struct definition *d, int64_t now_ms)
{
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
			  gates_of(a, w), state_of(w, now_ms), show_ago(a, w->expires_ms, now_ms),
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

void status_put_waivers(struct json_writer *w, const struct definition *d, int64_t now_ms)
{
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
		json_put_text(w, "state", state_of(x, now_ms));
		json_close(w, '}');
	}
	json_close(w, ']');
}
