/*
 * An open hash table of places in a list, so that what is said of the counters follows the page.
 */
#include "audits/scrape_rate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/exposition.h"
#include "runner/base/arena.h"

void scrape_rate_init(struct scrape_rate *r, struct arena *a)
{
	*r = (struct scrape_rate){.arena = a};
}

void scrape_rate_release(struct scrape_rate *r)
{
	free(r->counters);
	free(r->slots);
}

/* The slot of the key: taken by it, or free. */
static uint32_t *slot_of(const struct scrape_rate *r, uint64_t key)
{
	size_t i = (size_t)key & (r->n_slots - 1);

	while (r->slots[i] != 0 && r->counters[r->slots[i] - 1].key != key)
		i = (i + 1) & (r->n_slots - 1);
	return &r->slots[i];
}

static void grow(struct scrape_rate *r)
{
	r->cap = r->cap > 0 ? 2 * r->cap : 16;
	r->counters = xrealloc(r->counters, r->cap * sizeof(*r->counters));
	r->n_slots = 2 * r->cap; /* a power of two, at most half full */
	r->slots = xrealloc(r->slots, r->n_slots * sizeof(*r->slots));
	memset(r->slots, 0, r->n_slots * sizeof(*r->slots));
	for (size_t i = 0; i < r->n; i++)
		*slot_of(r, r->counters[i].key) = (uint32_t)(i + 1);
}

/* The counter of the key, made when it is new; NULL when there are too many. */
static struct scrape_counter *counter_of(struct scrape_rate *r, uint64_t key)
{
	uint32_t *slot;

	if (r->n == SCRAPE_MAX_COUNTERS)
		return NULL;
	if (r->n == r->cap)
		grow(r);
	slot = slot_of(r, key);
	if (*slot == 0) {
		r->counters[r->n] = (struct scrape_counter){.key = key};
		*slot = (uint32_t)++r->n;
	}
	return &r->counters[*slot - 1];
}

static const char *too_many(struct arena *a)
{
	return arena_printf(a, "more than %d counters selected for a rate", SCRAPE_MAX_COUNTERS);
}

const char *scrape_rate_first(struct scrape_rate *r, uint64_t key,
			      const struct exposition_sample *sample)
{
	struct scrape_counter *c = counter_of(r, key);

	if (c == NULL)
		return too_many(r->arena);
	c->was_there = true;
	c->before = sample->value;
	c->before_s = sample->has_timestamp ? sample->timestamp_s : NAN;
	return NULL;
}

const char *scrape_rate_second(struct scrape_rate *r, uint64_t key,
			       const struct exposition_sample *sample, size_t group, double bound)
{
	struct scrape_counter *c = counter_of(r, key);

	if (c == NULL)
		return too_many(r->arena);
	c->is_there = true;
	c->now = sample->value;
	c->now_s = sample->has_timestamp ? sample->timestamp_s : NAN;
	c->group = group;
	c->bound = bound;
	return NULL;
}

/* How many counters had what happen to them. */
struct tally {
	int64_t gone, new, reset, stuck, taken;
};

static bool is_reset(const struct scrape_counter *c, const struct scrape_interval *interval)
{
	return interval->is_new_process || c->now < c->before;
}

/* Does the counter count, and from where? */
static bool begins_at(const struct scrape_counter *c, const struct scrape_interval *interval,
		      struct tally *t, double *from)
{
	*from = 0;
	if (!c->is_there) {
		t->gone++;
		return false;
	}
	if (!c->was_there) {
		t->new ++;
		return interval->reset == RESET_REBASELINE;
	}
	if (is_reset(c, interval)) {
		t->reset++;
		return interval->reset == RESET_REBASELINE;
	}
	*from = c->before;
	return true;
}

static const char *tally_problem(struct arena *a, const struct tally *t, size_t n,
				 enum scrape_reset reset)
{
	if (t->stuck > 0)
		return arena_printf(a,
				    "%" PRId64 " of %zu counters have the timestamp they had "
				    "the first time: nothing was measured between",
				    t->stuck, n);
	if (t->gone > 0 && reset != RESET_IGNORE)
		return arena_printf(a, "%" PRId64 " of %zu counters were gone the second time",
				    t->gone, n);
	if (t->reset > 0 && reset == RESET_FAIL)
		return arena_printf(a,
				    "%" PRId64 " of %zu counters were reset between the two "
				    "scrapes: how far they came is not known (reset)",
				    t->reset, n);
	if (t->new > 0 && reset == RESET_FAIL)
		return arena_printf(a,
				    "%" PRId64 " of %zu counters were not there the first time "
				    "(reset: rebaseline counts them from 0)",
				    t->new, n);
	if (t->taken == 0)
		return "every counter was reset, new or gone: nothing is left to make a rate of";
	return NULL;
}

const char *scrape_rate_settle(const struct scrape_rate *r, const struct scrape_interval *interval,
			       void (*take)(void *ctx, const struct scrape_counter *c,
					    double increase, double seconds),
			       void *ctx, const char **remark)
{
	struct tally t = {0};
	int64_t left;

	for (size_t i = 0; i < r->n; i++) {
		const struct scrape_counter *c = &r->counters[i];
		double seconds = interval->seconds, from;

		if (!begins_at(c, interval, &t, &from))
			continue;
		if (c->was_there && !isnan(c->before_s) && !isnan(c->now_s))
			seconds = c->now_s - c->before_s;
		if (!(seconds > 0)) {
			t.stuck++;
			continue;
		}
		t.taken++;
		take(ctx, c, c->now - from, seconds);
	}
	left = interval->reset == RESET_IGNORE ? t.reset + t.new + t.gone : 0;
	*remark = left > 0	? arena_printf(r->arena,
					       "%" PRId64 " of %zu counters were reset, new or gone, "
						    "and left out",
					       left, r->n)
		  : t.reset > 0 ? arena_printf(r->arena,
					       "%" PRId64 " of %zu counters were reset, and "
					       "counted from 0",
					       t.reset, r->n)
				: NULL;
	return tally_problem(r->arena, &t, r->n, interval->reset);
}
