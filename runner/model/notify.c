/*
 * What is news. The table of transition_of(): rows are what is open, columns the outcome.
 *
 *	open                pass        fail               undecided         skip
 *	nothing             -           failure            undecided         -
 *	failure             recovery    -                  undecided         -
 *	undecided           recovery    failure            -                 -
 *	failure, undecided  recovery    failure (again)    -                 -
 *
 * A failure stays open while its check cannot be measured: nobody has seen it end. Whoever was told
 * that it could not be measured is told that it can be again (the last row); whoever only asked for
 * failures knows it already. A skipped check was not looked at, for a reason that is told of the
 * check it needs.
 */
#include "runner/model/notify.h"

#include <string.h>

#include "runner/model/definition.h"

#define FAILURE	  TRANSITION_BIT(TRANSITION_FAILURE)
#define UNDECIDED TRANSITION_BIT(TRANSITION_UNDECIDED)

const char *transition_name(enum transition_kind kind)
{
	switch (kind) {
	case TRANSITION_FAILURE:
		return "failure";
	case TRANSITION_UNDECIDED:
		return "undecided";
	case TRANSITION_INCOMPLETE:
		return "incomplete";
	case TRANSITION_OVERDUE:
		return "overdue";
	case TRANSITION_GATE_SHUT:
		return "gate_shut";
	case TRANSITION_GATE_OPEN:
		return "gate_open";
	case TRANSITION_RECOVERY:
		return "recovery";
	case TRANSITION_TEST:
		return "test";
	}
	return "";
}

const char *notify_type_name(enum notify_type type)
{
	switch (type) {
	case NOTIFY_WEBHOOK:
		return "webhook";
	case NOTIFY_SLACK:
		return "slack";
	case NOTIFY_ALERTMANAGER:
		return "alertmanager";
	case NOTIFY_SMTP:
		return "smtp";
	case NOTIFY_COMMAND:
		return "command";
	case NOTIFY_PING:
		return "ping";
	}
	return "";
}

struct transition_step transition_of(unsigned open, enum outcome now)
{
	switch (now) {
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		return (struct transition_step){open != 0, TRANSITION_RECOVERY, 0};
	case OUTCOME_FAIL:
		return (struct transition_step){!(open & FAILURE) || (open & UNDECIDED),
						TRANSITION_FAILURE, FAILURE};
	case OUTCOME_UNDECIDED:
		return (struct transition_step){!(open & UNDECIDED), TRANSITION_UNDECIDED,
						(open & FAILURE) | UNDECIDED};
	case OUTCOME_SKIP:
		break;
	}
	return (struct transition_step){false, TRANSITION_RECOVERY, open};
}

struct transition_step transition_gone(unsigned open, bool is_check_measured)
{
	return transition_of(open, is_check_measured ? OUTCOME_PASS : OUTCOME_SKIP);
}

static bool is_selected(const struct notify_sink *s, const struct check *c)
{
	if (s->n_select == 0)
		return true;
	for (size_t i = 0; c != NULL && i < s->n_select; i++)
		if (selector_matches(&s->select[i], c))
			return true;
	return false;
}

static bool is_about_check(enum transition_kind kind)
{
	switch (kind) {
	case TRANSITION_FAILURE:
	case TRANSITION_UNDECIDED:
	case TRANSITION_OVERDUE:
	case TRANSITION_RECOVERY:
		return true;
	case TRANSITION_INCOMPLETE:
	case TRANSITION_GATE_SHUT:
	case TRANSITION_GATE_OPEN:
	case TRANSITION_TEST:
		return false;
	}
	return false;
}

bool notify_wants(const struct notify_sink *s, const struct transition *t, const struct check *c)
{
	unsigned beginnings = s->on & TRANSITION_STANDING;

	if (s->type == NOTIFY_PING || !(s->on & TRANSITION_BIT(t->kind)))
		return false;
	if (is_about_check(t->kind) && (t->severity < s->severity || !is_selected(s, c)))
		return false;
	if (t->kind == TRANSITION_RECOVERY && beginnings != 0)
		return (beginnings & t->was) != 0;
	if (t->kind == TRANSITION_FAILURE && !t->is_repeat && (t->was & FAILURE))
		return (s->on & UNDECIDED) != 0;
	return true;
}

bool transition_is_of_gate(const struct transition *t)
{
	return t->kind == TRANSITION_GATE_SHUT || t->kind == TRANSITION_GATE_OPEN ||
	       (t->kind == TRANSITION_RECOVERY && t->was == TRANSITION_BIT(TRANSITION_GATE_SHUT));
}

bool notify_wants_end(const struct notify_sink *s, const struct transition *t)
{
	unsigned ends = TRANSITION_BIT(t->kind);

	if (transition_is_of_gate(t))
		ends |= TRANSITION_BIT(TRANSITION_GATE_OPEN);
	return s->type != NOTIFY_PING && (s->on & ends) != 0;
}

int transition_compare(const void *a, const void *b)
{
	const struct transition *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (strcmp(x->check, y->check) != 0)
		return strcmp(x->check, y->check);
	return strcmp(x->series, y->series);
}
