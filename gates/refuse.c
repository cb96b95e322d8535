/*
 * Whether evidence counts. Written so that every doubt refuses: what is missing, unknown or out of
 * range is a reason, never a default. Ages are compared as unsigned differences, which cannot
 * overflow.
 */
#include "gates/refuse.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

bool refuse_is_future(int64_t at_ms, int64_t now_ms)
{
	return at_ms > now_ms && (uint64_t)at_ms - (uint64_t)now_ms > GATE_MAX_CLOCK_SKEW_MS;
}

bool refuse_has_future(const struct gate_past *past, int64_t now_ms)
{
	for (size_t i = 0; i < past->n; i++)
		if (refuse_is_future(past->results[i].measured_ms, now_ms))
			return true;
	return false;
}

bool refuse_is_stale(int64_t at_ms, int64_t now_ms, int64_t max_age_ms)
{
	if (max_age_ms < 0 || at_ms < 0)
		return true;
	return now_ms > at_ms && (uint64_t)now_ms - (uint64_t)at_ms > (uint64_t)max_age_ms;
}

static bool is_about(const struct gate *g, const struct evidence *e, const char *subject)
{
	if (g->is_any_subject)
		return true;
	if (e->subject == NULL)
		return false;
	/* "any" is measured where no release is to be told apart: a production database */
	return strcmp(e->subject, "any") == 0 ||
	       (subject != NULL && subject[0] != '\0' && strcmp(e->subject, subject) == 0);
}

bool refuse_is_moved(const struct gate_input *in, const char *subject, const char *commit)
{
	if (commit == NULL || !str_equal(subject, in->subject))
		return false;
	if (in->subject_commit == NULL)
		return !gate_is_before_edition(in, 5);
	return strcmp(commit, in->subject_commit) != 0;
}

const char *refuse_moved_what(const struct gate_input *in)
{
	return in->subject_commit != NULL ? "another commit" : "what may be another commit";
}

const char *refuse_moved_text(struct arena *a, const struct gate_input *in, const char *commit)
{
	if (in->subject_error != NULL)
		return arena_printf(a, "was %.12s then, and cannot be told now", commit);
	if (in->subject_commit == NULL)
		return arena_printf(a, "was %.12s then, and is no tag here now", commit);
	return arena_printf(a, "was %.12s then, and is %.12s now", commit, in->subject_commit);
}

enum refusal refuse_evidence(const struct gate_input *in, const struct gate_item *item,
			     const struct evidence *e)
{
	const struct check_info *info = e->result.check;

	if (!is_about(in->gate, e, in->subject))
		return REFUSE_SUBJECT;
	if (refuse_is_moved(in, e->subject, e->subject_commit))
		return REFUSE_MOVED;
	if (info == NULL || !str_equal(info->name, item->check->name))
		return REFUSE_CHECK;
	if (memcmp(info->hash, item->check->hash, sizeof(info->hash)) != 0)
		return REFUSE_DEFINITION;
	if (e->run_state == RUN_INTERRUPTED)
		return REFUSE_INTERRUPTED;
	if (e->run_state != RUN_COMPLETE)
		return REFUSE_INCOMPLETE;
	if (refuse_is_future(e->result.measured_ms, in->now_ms))
		return REFUSE_FUTURE;
	if (refuse_is_stale(e->result.measured_ms, in->now_ms, item->max_age_ms))
		return REFUSE_STALE;
	return REFUSE_NOTHING;
}

/* As a gate would that takes any subject and any age. */
const char *refuse_known(struct arena *a, const struct check *check, const struct evidence *x,
			 int64_t now_ms)
{
	const struct gate gate = {.is_any_subject = true};
	const struct gate_input in = {.gate = &gate, .now_ms = now_ms};
	const struct gate_item item = {.check = check, .max_age_ms = INT64_MAX};

	switch (refuse_evidence(&in, &item, x)) {
	case REFUSE_NOTHING:
	case REFUSE_N:
		break;
	case REFUSE_SUBJECT:
	case REFUSE_MOVED:
	case REFUSE_CHECK:
	case REFUSE_DEFINITION:
		return "measured under another definition of the check";
	case REFUSE_INCOMPLETE:
		return arena_printf(a, "run %" PRId64 " did not come to its end", x->run_id);
	case REFUSE_INTERRUPTED:
		return arena_printf(a, "run %" PRId64 " was interrupted", x->run_id);
	case REFUSE_FUTURE:
	case REFUSE_STALE:
		return "the time it was measured at is wrong";
	}
	return NULL;
}
