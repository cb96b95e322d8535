/*
 * Whether evidence counts. Written so that every doubt refuses: what is missing, unknown or out of
 * range is a reason, never a default. Ages are compared as unsigned differences, which cannot
 * overflow.
 */
#include "gates/refuse.h"

#include <string.h>

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

enum refusal refuse_evidence(const struct gate *g, const struct gate_item *item,
			     const struct evidence *e, const char *subject, int64_t now_ms)
{
	const struct check_info *info = e->result.check;

	if (!is_about(g, e, subject))
		return REFUSE_SUBJECT;
	if (info == NULL || !str_equal(info->name, item->check->name))
		return REFUSE_CHECK;
	if (memcmp(info->hash, item->check->hash, sizeof(info->hash)) != 0)
		return REFUSE_DEFINITION;
	if (e->run_state == RUN_INTERRUPTED)
		return REFUSE_INTERRUPTED;
	if (e->run_state != RUN_COMPLETE)
		return REFUSE_INCOMPLETE;
	if (refuse_is_future(e->result.measured_ms, now_ms))
		return REFUSE_FUTURE;
	if (refuse_is_stale(e->result.measured_ms, now_ms, item->max_age_ms))
		return REFUSE_STALE;
	return REFUSE_NOTHING;
}
