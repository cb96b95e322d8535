/*
 * Since the last run: what somebody who read yesterday's page needs to know. A loosened bound and a
 * check that is gone come with the failures, because that is how a failure is made to go away.
 */
#include "reports/html.h"

#include <inttypes.h>
#include <string.h>

#include "reports/text.h"

#define MAX_ITEMS 12 /* of one kind; the rest is counted */

enum change {
	CHANGE_NEWLY_FAILING,
	CHANGE_STILL_FAILING,
	CHANGE_NEWLY_UNDECIDED,
	CHANGE_STILL_UNDECIDED,
	CHANGE_SKIPPED,
	CHANGE_LOOSENED,
	CHANGE_GONE,
	CHANGE_RECOVERED,
	CHANGE_TIGHTENED,
	CHANGE_BOUND,
	CHANGE_DEFINITION,
	CHANGE_NEW,
	N_CHANGES
};

static const struct {
	const char *label, *class;
} changes[N_CHANGES] = {
	[CHANGE_NEWLY_FAILING] = {"Newly failing", "bad"},
	[CHANGE_STILL_FAILING] = {"Still failing", "bad"},
	[CHANGE_NEWLY_UNDECIDED] = {"Newly undecided", "wv"},
	[CHANGE_STILL_UNDECIDED] = {"Still undecided", "wv"},
	[CHANGE_SKIPPED] = {"Newly skipped", "wv"},
	[CHANGE_LOOSENED] = {"Bound loosened", "wv"},
	[CHANGE_GONE] = {"No longer checked", "wv"},
	[CHANGE_RECOVERED] = {"Recovered", ""},
	[CHANGE_TIGHTENED] = {"Bound tightened", ""},
	[CHANGE_BOUND] = {"Bound changed", "wv"},
	[CHANGE_DEFINITION] = {"Definition changed", ""},
	[CHANGE_NEW] = {"New", ""},
};

static bool is_passing(const struct result *s)
{
	return outcome_is_passing(s->outcome);
}

static bool is_now(const struct result *now, const struct result *then, enum outcome o)
{
	return now->outcome == o && then->outcome != o;
}

static bool is_still(const struct result *now, const struct result *then, enum outcome o)
{
	return now->outcome == o && then->outcome == o;
}

/* Of several terms the limit may belong to any. */
static bool is_one_term(const char *bound)
{
	return strstr(bound, ", ") == NULL;
}

/* Which way a numeric bound moved: its operator is the first thing in its text. */
static enum change bound_change(const struct result *now, const struct result *then)
{
	bool is_comparable = now->has_limit && then->has_limit && now->bound[0] == then->bound[0] &&
			     is_one_term(now->bound) && is_one_term(then->bound);

	if (is_comparable && now->bound[0] == '<' && now->limit != then->limit)
		return now->limit > then->limit ? CHANGE_LOOSENED : CHANGE_TIGHTENED;
	if (is_comparable && now->bound[0] == '>' && now->limit != then->limit)
		return now->limit < then->limit ? CHANGE_LOOSENED : CHANGE_TIGHTENED;
	return CHANGE_BOUND;
}

/* Does this series, compared with its last run, belong under this heading? */
static bool applies(enum change c, const struct result *now, const struct result *then)
{
	switch (c) {
	case CHANGE_NEWLY_FAILING:
		return then != NULL && is_now(now, then, OUTCOME_FAIL);
	case CHANGE_NEWLY_UNDECIDED:
		return then != NULL && is_now(now, then, OUTCOME_UNDECIDED);
	case CHANGE_SKIPPED:
		return then != NULL && is_now(now, then, OUTCOME_SKIP);
	case CHANGE_STILL_FAILING:
		return then != NULL && is_still(now, then, OUTCOME_FAIL);
	case CHANGE_STILL_UNDECIDED:
		return then != NULL && is_still(now, then, OUTCOME_UNDECIDED);
	case CHANGE_RECOVERED:
		return then != NULL && is_passing(now) && !is_passing(then);
	case CHANGE_LOOSENED:
	case CHANGE_TIGHTENED:
	case CHANGE_BOUND:
		return then != NULL && strcmp(now->bound, then->bound) != 0 &&
		       bound_change(now, then) == c;
	case CHANGE_DEFINITION:
		return then != NULL && strcmp(now->bound, then->bound) == 0 &&
		       memcmp(now->check->hash, then->check->hash, sizeof(now->check->hash)) != 0;
	case CHANGE_NEW:
		return then == NULL;
	case CHANGE_GONE:
	case N_CHANGES:
		return false;
	}
	return false;
}

static void put_values(const struct page *p, const struct result *then, const struct result *now)
{
	html_value(p, then);
	html_puts(p, " → ");
	html_value(p, now);
}

static void put_detail(const struct page *p, enum change c, const struct result *now,
		       const struct result *then, size_t index)
{
	struct stretch s = {0};

	switch (c) {
	case CHANGE_NEWLY_FAILING:
	case CHANGE_NEWLY_UNDECIDED:
	case CHANGE_SKIPPED:
	case CHANGE_RECOVERED:
		put_values(p, then, now);
		if (now->reason != NULL && now->value.type == VALUE_NONE) {
			html_puts(p, ": ");
			html_text(p, now->reason);
		}
		return;
	case CHANGE_STILL_FAILING:
	case CHANGE_STILL_UNDECIDED:
		put_values(p, then, now);
		if (p->r->trails != NULL)
			s = stretch(p->r->trails[index], p->r->n_trails[index]);
		if (s.n_runs > 1) {
			html_printf(p, ", for %zu runs, %s ", s.n_runs,
				    s.before != NULL ? "since" : "at least since");
			html_minute(p, s.first->measured_ms);
			html_puts(p, " UTC");
		}
		return;
	case CHANGE_LOOSENED:
	case CHANGE_TIGHTENED:
	case CHANGE_BOUND:
		html_puts(p, "from ");
		html_bound(p, then->bound[0] != '\0' ? then->bound : "none");
		html_puts(p, " to ");
		html_bound(p, now->bound[0] != '\0' ? now->bound : "none");
		html_puts(p, ", written at ");
		html_position(p, now);
		return;
	case CHANGE_DEFINITION:
		html_puts(p, "with the same bound, at ");
		html_position(p, now);
		return;
	case CHANGE_NEW:
		html_value(p, now);
		return;
	case CHANGE_GONE:
	case N_CHANGES:
		return;
	}
}

static void put_label(const struct page *p, enum change c)
{
	html_printf(p, "<li><b%s%s%s>%s</b> ", changes[c].class[0] != '\0' ? " class=\"" : "",
		    changes[c].class, changes[c].class[0] != '\0' ? "\"" : "", changes[c].label);
}

static void put_rest(const struct page *p, enum change c, size_t n)
{
	if (n <= MAX_ITEMS)
		return;
	put_label(p, c);
	html_printf(p, "and %zu more.</li>\n", n - MAX_ITEMS);
}

static size_t put_changed(const struct page *p, enum change c)
{
	size_t n = 0;

	for (size_t i = 0; i < p->r->n_results; i++) {
		const struct result *now = &p->r->results[i];
		const struct result *then =
			result_index_get(&p->previous, p->a, now->check->name, now->series);

		if (!applies(c, now, then) || ++n > MAX_ITEMS)
			continue;
		put_label(p, c);
		html_series(p, now->check->name, now->series);
		html_puts(p, " ");
		put_detail(p, c, now, then, i);
		html_puts(p, ".</li>\n");
	}
	put_rest(p, c, n);
	return n;
}

/* Checks of the last run that this run, with the same selection, has nothing about. */
static size_t put_gone(const struct page *p)
{
	struct result_index present;
	size_t n = 0;

	result_index_init(&present, p->a, p->r->results, p->r->n_results);
	for (size_t i = 0; i < p->r->n_previous_results; i++) {
		const struct result *then = &p->r->previous_results[i];

		if (result_index_get(&present, p->a, then->check->name, then->series) != NULL ||
		    ++n > MAX_ITEMS)
			continue;
		put_label(p, CHANGE_GONE);
		html_series(p, then->check->name, then->series);
		html_puts(p, " was ");
		html_printf(p, "%s with ", outcome_word(then->outcome));
		html_value(p, then);
		html_puts(p, ".</li>\n");
	}
	put_rest(p, CHANGE_GONE, n);
	return n;
}

void html_changes(const struct page *p)
{
	bool is_same = memcmp(p->r->run.definition_digest, p->r->previous.definition_digest,
			      sizeof(p->r->run.definition_digest)) == 0;
	size_t n = 0;

	if (!p->r->has_previous)
		return;
	html_printf(p,
		    "<section id=\"changed\" class=\"two\">\n<h2>Since run %" PRId64
		    "<span class=\"on\">",
		    p->r->previous.id);
	html_minute(p, p->r->previous.begin_ms);
	html_puts(p, " UTC</span></h2>\n<ol class=\"chg\">\n");
	for (enum change c = 0; c < N_CHANGES; c++)
		n += c == CHANGE_GONE ? put_gone(p) : put_changed(p, c);
	if (is_same)
		html_printf(p, "<li><b>Definitions unchanged.</b>%s</li>\n",
			    n == 0 ? " Every check came out as before." : "");
	else
		html_puts(p, "<li><b>Definition files changed</b> since then.</li>\n");
	html_puts(p, "</ol>\n</section>\n");
}
