#include "runner/status_notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"
#include "runner/show.h"

#define GIVEN_UP_MS (INT64_C(7) * 24 * 3600 * 1000)
#define MAX_SHOWN   20

int status_find_undelivered(struct app *app, struct record *record, int64_t now_ms,
			    struct status_notices *out, struct err *e)
{
	return record_undelivered(record, app->arena, now_ms - GIVEN_UP_MS, MAX_SHOWN, &out->items,
				  &out->n, e);
}

int status_find_gone(struct app *app, struct record *record, const struct definition *d,
		     struct status_notices *out, struct err *e)
{
	if (record_still_told(record, app->arena, &out->gone, &out->n_gone, e) != 0)
		return -1;
	size_t kept = 0;
	for (size_t i = 0; i < out->n_gone; i++) {
		const struct still_told *x = &out->gone[i];

		if (definition_check(d, x->name) == NULL && definition_gate(d, x->name) == NULL &&
		    (x->definition[0] == '\0' || strcmp(x->definition, d->root_file) == 0))
			out->gone[kept++] = *x;
	}
	out->n_gone = kept;
	return 0;
}

/* The gravest of what stands. */
static const char *told_as(const struct still_told *x)
{
	for (int k = 0; k <= TRANSITION_LAST; k++)
		if ((x->open & TRANSITION_BIT(k)) != 0)
			return transition_name((enum transition_kind)k);
	return "";
}

static void print_gone(struct app *app, const struct status_notices *s, int64_t now_ms)
{
	static const char *const headers[] = {"told and gone", "as", "since", "run", "to end it"};
	struct arena *a = app->arena;
	struct table t;

	if (s->n_gone == 0)
		return;
	table_init(&t, a, headers, 5, "lllll");
	for (size_t i = 0; i < s->n_gone && i < MAX_SHOWN; i++) {
		const struct still_told *x = &s->gone[i];

		table_row(&t, arena_printf(a, "%s%s", x->name, x->series), told_as(x),
			  show_ago(a, x->since_ms, now_ms),
			  x->run_id != 0 ? arena_printf(a, "%" PRId64, x->run_id) : "",
			  arena_printf(a, "assize notify --end %s", str_as_word(a, x->name)));
	}
	(void)fputc('\n', app->out);
	table_print(&t, app->out);
	if (s->n_gone > MAX_SHOWN)
		(void)fprintf(app->out, "... and %zu more\n", s->n_gone - MAX_SHOWN);
}

static const char *what_next(struct arena *a, const struct undelivered *x, int64_t now_ms)
{
	if (!x->is_waiting)
		return arena_printf(a, "given up %s", show_ago(a, x->end_ms, now_ms));
	if (x->next_ms <= now_ms)
		return "the next run tries again";
	return arena_printf(a, "tried again %s", show_ago(a, x->next_ms, now_ms));
}

void status_print_undelivered(struct app *app, const struct status_notices *s, int64_t now_ms)
{
	static const char *const headers[] = {"not notified", "run", "when", "attempts", "", ""};
	struct arena *a = app->arena;
	struct table t;

	print_gone(app, s, now_ms);
	if (s->n == 0)
		return;
	table_init(&t, a, headers, 6, "llllll");
	for (size_t i = 0; i < s->n; i++) {
		const struct notice *x = &s->items[i].notice;

		table_row(&t, x->sink, x->run_id != 0 ? arena_printf(a, "%" PRId64, x->run_id) : "",
			  show_ago(a, x->at_ms, now_ms), arena_printf(a, "%" PRId64, x->attempts),
			  what_next(a, &s->items[i], now_ms), x->why);
	}
	(void)fputc('\n', app->out);
	table_print(&t, app->out);
}

void status_put_undelivered(struct json_writer *w, const struct status_notices *s)
{
	json_open(w, "undelivered", '[');
	for (size_t i = 0; i < s->n; i++) {
		const struct notice *x = &s->items[i].notice;

		json_open(w, NULL, '{');
		json_put_text(w, "id", x->key);
		json_put_text(w, "name", x->sink);
		json_put_int(w, "run", x->run_id);
		json_put_int(w, "at_ms", x->at_ms);
		json_put_int(w, "attempts", x->attempts);
		json_put_text(w, "why", x->why);
		json_put_bool(w, "given_up", !s->items[i].is_waiting);
		json_close(w, '}');
	}
	json_close(w, ']');
	json_open(w, "gone", '[');
	for (size_t i = 0; i < s->n_gone; i++) {
		json_open(w, NULL, '{');
		json_put_text(w, "name", s->gone[i].name);
		json_put_text(w, "series", s->gone[i].series);
		json_put_text(w, "told", told_as(&s->gone[i]));
		json_put_int(w, "since_ms", s->gone[i].since_ms);
		json_put_int(w, "run", s->gone[i].run_id);
		json_close(w, '}');
	}
	json_close(w, ']');
}
