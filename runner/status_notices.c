#include "runner/status_notices.h"

#include <inttypes.h>
#include <stdio.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/show.h"

#define GIVEN_UP_MS (INT64_C(7) * 24 * 3600 * 1000)
#define MAX_SHOWN   20

int status_find_undelivered(struct app *app, struct record *record, int64_t now_ms,
			    struct status_notices *out, struct err *e)
{
	return record_undelivered(record, app->arena, now_ms - GIVEN_UP_MS, MAX_SHOWN, &out->items,
				  &out->n, e);
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
}
