/*
 * The clock: what the record holds was written before this decision. Where it is dated later, this
 * clock is behind or the other one ahead, and nobody can tell how old evidence is, or whether a
 * waiver or a freeze is over: undecided, since edition 5.
 *
 * An override opens the gate nevertheless, if it was recorded after that: by somebody who saw it. A
 * clock that is set back must not bring one to life that was over.
 */
#include <inttypes.h>

#include "gates/lines.h"
#include "gates/refuse.h"
#include "runner/base/arena.h"
#include "runner/base/utc.h"

bool clock_rule_is_broken(const struct gate_input *in)
{
	return in->latest.at_ms >= 0 && refuse_is_future(in->latest.at_ms, in->now_ms) &&
	       !gate_is_before_edition(in, 5);
}

void clock_rule_decide(struct lines *l, const struct gate_input *in)
{
	const struct record_latest *x = &in->latest;
	char at[UTC_MAX], now[UTC_MAX];

	if (!clock_rule_is_broken(in))
		return;
	(void)utc_format(x->at_ms, 0, at);
	(void)utc_format(in->now_ms, 0, now);
	(void)lines_add(l, "clock", OUTCOME_UNDECIDED, true,
			arena_printf(l->arena,
				     "%s %" PRId64
				     " is dated %s%s%s, and it is %s here: nobody can tell how "
				     "old anything is; set the clock that is wrong",
				     x->what, x->id, at, x->host != NULL ? " by the clock of " : "",
				     x->host != NULL ? x->host : "", now));
}
