/* A check that nobody challenged, and one that changed since, are counted before any score is. */
#include "runner/status_challenge.h"

#include <inttypes.h>
#include <stdio.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/history/challenges.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/show.h"

static void add_scored(struct status_challenge *s, const struct challenged *c)
{
	int64_t counted = c->n_noticed + c->n_survived;

	s->n_scored++;
	s->n_noticed += c->n_noticed;
	s->n_counted += counted;
	s->n_false_alarms += c->n_false_alarms;
	if (s->oldest_ms < 0 || c->at_ms < s->oldest_ms)
		s->oldest_ms = c->at_ms;
	if (c->at_ms > s->newest_ms)
		s->newest_ms = c->at_ms;
	if (c->n_survived == 0 ||
	    (s->worst != NULL && c->n_noticed * s->n_worst_counted >= s->n_worst_noticed * counted))
		return;
	s->worst = c->check->name;
	s->n_worst_noticed = c->n_noticed;
	s->n_worst_counted = counted;
}

static void add_check(struct status_challenge *s, const struct check *check,
		      const struct recorded_challenge *items, size_t n)
{
	const struct recorded_challenge *any = challenge_find(items, n, check->name, NULL);
	const struct recorded_challenge *now = challenge_find(items, n, check->name, check->hash);

	s->n_checks++;
	s->has_any = s->has_any || any != NULL;
	if (any == NULL)
		s->n_never++;
	else if (now == NULL)
		s->n_changed++;
	else if (now->challenged.reason != NULL || challenged_score(&now->challenged) < 0)
		s->n_refused++;
	else
		add_scored(s, &now->challenged);
}

int status_challenge_read(struct app *app, struct record *record, const struct definition *d,
			  struct status_challenge *out, struct err *e)
{
	struct recorded_challenge *items = NULL;
	size_t n = 0;

	*out = (struct status_challenge){.oldest_ms = -1, .newest_ms = -1};
	if (record != NULL && record_challenges_newest(record, app->arena, &items, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < d->n_checks; i++)
		if (!d->checks[i]->is_hidden)
			add_check(out, d->checks[i], items, n);
	return 0;
}

static const char *add_note(struct arena *a, const char *note, int64_t n, const char *what)
{
	if (n == 0)
		return note;
	return arena_printf(a, "%s%s%" PRId64 " %s", note, note[0] != '\0' ? ", " : "", n, what);
}

static const char *notes(struct arena *a, const struct status_challenge *s)
{
	const char *note = "";

	note = add_note(a, note, (int64_t)s->n_never, "never challenged");
	note = add_note(a, note, (int64_t)s->n_changed, "changed since");
	note = add_note(a, note, (int64_t)s->n_refused, "unchallenged");
	return add_note(a, note, s->n_false_alarms,
			s->n_false_alarms == 1 ? "false alarm" : "false alarms");
}

void status_challenge_print(struct app *app, const struct status_challenge *s, int64_t now_ms)
{
	static const char *const headers[] = {"challenge", "oldest", "attacks noticed", "worst",
					      ""};
	struct arena *a = app->arena;
	struct table t;

	if (!s->has_any)
		return;
	table_init(&t, a, headers, 5, "lllll");
	table_row(&t, arena_printf(a, "%zu of %zu checks", s->n_scored, s->n_checks),
		  show_ago(a, s->oldest_ms, now_ms),
		  arena_printf(a, "%" PRId64 " of %" PRId64, s->n_noticed, s->n_counted),
		  s->worst == NULL ? ""
				   : arena_printf(a, "%s %" PRId64 " of %" PRId64, s->worst,
						  s->n_worst_noticed, s->n_worst_counted),
		  notes(a, s));
	(void)fputc('\n', app->out);
	table_print(&t, app->out);
}

void status_challenge_put(struct json_writer *w, const struct status_challenge *s)
{
	if (!s->has_any) {
		json_put_null(w, "challenge");
		return;
	}
	json_open(w, "challenge", '{');
	json_put_int(w, "checks", (int64_t)s->n_checks);
	json_put_int(w, "scored", (int64_t)s->n_scored);
	json_put_int(w, "never", (int64_t)s->n_never);
	json_put_int(w, "changed", (int64_t)s->n_changed);
	json_put_int(w, "unchallenged", (int64_t)s->n_refused);
	json_put_int(w, "noticed", s->n_noticed);
	json_put_int(w, "counted", s->n_counted);
	json_put_int(w, "false_alarms", s->n_false_alarms);
	json_put_int(w, "oldest_ms", s->oldest_ms);
	json_put_int(w, "newest_ms", s->newest_ms);
	if (s->worst == NULL) {
		json_put_null(w, "worst");
	} else {
		json_open(w, "worst", '{');
		json_put_text(w, "check", s->worst);
		json_put_int(w, "noticed", s->n_worst_noticed);
		json_put_int(w, "counted", s->n_worst_counted);
		json_close(w, '}');
	}
	json_close(w, '}');
}
