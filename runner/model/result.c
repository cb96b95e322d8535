/*
 * A result shows the number that was judged: a count against a bound in per cent was judged as a
 * share.
 */
#include "runner/model/result.h"

#include <math.h>
#include <string.h>

#include "runner/model/unit.h"

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

void result_format(struct buf *out, const struct result *r)
{
	if (r->value.type != VALUE_NONE && result_is_share(r))
		unit_format(out, r->share, "%");
	else
		value_format(out, &r->value, r->unit != NULL ? r->unit : "");
}
