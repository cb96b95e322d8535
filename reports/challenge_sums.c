/*
 * What the challenge of several checks comes to. A check whose challenge gave no answer adds
 * nothing to the counts, whatever was tried on the way.
 */
#include "reports/challenge.h"

int64_t challenge_planned(const struct challenged *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->n_attacks; i++)
		n += c->attacks[i].is_planned && !c->attacks[i].is_control ? 1 : 0;
	return n;
}

bool challenge_is_met(const struct challenged *c, double at_least)
{
	return c->n_false_alarms == 0 && (c->n_survived == 0 || challenged_score(c) >= at_least);
}

bool challenge_is_challenged(const struct challenge_report *r, const struct challenged *c)
{
	return c->reason == NULL &&
	       (r->is_survey ? challenge_planned(c) > 0 : challenged_score(c) >= 0);
}

int challenge_exit_status(const struct challenge_report *r)
{
	int status = r->is_interrupted || r->n == 0 ? 2 : 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct challenged *c = &r->items[i];

		if (c->reason == NULL && !challenge_is_met(c, r->at_least))
			return 1;
		if (!challenge_is_challenged(r, c))
			status = 2;
	}
	return status;
}

int64_t challenge_unchallenged(const struct challenge_report *r)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += challenge_is_challenged(r, &r->items[i]) ? 0 : 1;
	return n;
}

void challenge_total(const struct challenge_report *r, struct challenged *out)
{
	*out = (struct challenged){.check = NULL};
	for (size_t i = 0; i < r->n; i++) {
		const struct challenged *c = &r->items[i];

		if (c->reason != NULL)
			continue;
		out->n_noticed += c->n_noticed;
		out->n_survived += c->n_survived;
		out->n_uncounted += c->n_uncounted;
		out->n_steady += c->n_steady;
		out->n_false_alarms += c->n_false_alarms;
	}
}
