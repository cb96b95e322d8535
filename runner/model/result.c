/*
 * A result shows the number that was judged: a count against a bound in per cent was judged as a
 * share. What a gate made of a line or of all of them is said here once for all reports.
 */
#include "runner/model/result.h"

#include <math.h>
#include <string.h>

#include "runner/model/unit.h"

int64_t result_known_ms(const struct result *r)
{
	int64_t took_ms = r->duration_us > 0 ? r->duration_us / 1000 : 0;

	return r->measured_ms > INT64_MAX - took_ms ? INT64_MAX : r->measured_ms + took_ms;
}

/* The % of `within 10 % of median(28d)` is a distance, not a share. */
bool result_is_share(const struct result *r)
{
	if (isnan(r->share) || r->bound == NULL || (r->unit != NULL && strcmp(r->unit, "%") == 0))
		return false;
	for (const char *p = strchr(r->bound, '%'); p != NULL; p = strchr(p + 1, '%'))
		if (strncmp(p + 1, " of ", 4) != 0)
			return true;
	return false;
}

bool result_number(const struct result *r, double *out)
{
	if (r->value.type != VALUE_NONE && result_is_share(r)) {
		*out = r->share;
		return true;
	}
	return value_number(&r->value, out);
}

void result_format(struct buf *out, const struct result *r)
{
	const char *unit = r->unit != NULL ? r->unit : "";
	bool is_number = r->value.type == VALUE_INT || r->value.type == VALUE_REAL;
	bool is_share = r->value.type != VALUE_NONE && result_is_share(r);
	double v = is_share			 ? r->share
		   : r->value.type == VALUE_REAL ? r->value.real
						 : (double)r->value.integer;

	bool is_exact = r->value.type == VALUE_INT && fabs(v) >= 9007199254740992; /* 2^53 */

	if ((!is_number || is_exact) && !is_share)
		value_format(out, &r->value, unit);
	else if (r->has_limit)
		unit_format_beside(out, v, r->limit, is_share ? "%" : unit);
	else
		unit_format(out, v, is_share ? "%" : unit);
}

bool result_is_noted(enum outcome o, const char *bound)
{
	return o == OUTCOME_PASS && (bound == NULL || bound[0] == '\0');
}

const char *result_state(enum outcome o, const char *bound)
{
	return result_is_noted(o, bound) ? "noted" : outcome_name(o);
}

bool decision_line_shuts(const struct decision_line *l)
{
	return l->is_hard && !outcome_is_passing(l->outcome) && l->waived == NULL;
}

const char *decision_line_state(const struct decision_line *l)
{
	return l->waived != NULL ? "waived" : outcome_name(l->outcome);
}

bool decision_is_overridden(const struct decision *d)
{
	return d->is_open && d->override != NULL;
}

size_t decision_waived(const struct decision *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_lines; i++)
		n += d->lines[i].is_hard && d->lines[i].waived != NULL ? 1 : 0;
	return n;
}

const char *decision_state(const struct decision *d)
{
	if (decision_is_overridden(d))
		return "overridden";
	return d->is_open && decision_waived(d) > 0 ? "waived" : outcome_name(d->outcome);
}
