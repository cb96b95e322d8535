/*
 * A counter stands with the time it was made, where the page tells one (X_created of OpenMetrics):
 * a histogram has one for all its buckets.
 */
#include "audits/scrape_rate.h"

#include <inttypes.h>
#include <math.h>

#include "audits/exposition.h"
#include "audits/scrape_group.h"
#include "runner/base/arena.h"

void scrape_rate_init(struct scrape_rate *r, struct arena *a)
{
	r->arena = a;
	series_map_init(&r->counters, sizeof(struct scrape_counter));
	series_map_init(&r->births, sizeof(struct scrape_birth));
}

void scrape_rate_release(struct scrape_rate *r)
{
	series_map_release(&r->counters);
	series_map_release(&r->births);
}

static const char *too_many(struct arena *a)
{
	return arena_printf(a, "more than %d counters selected for a rate", SERIES_MAP_MAX);
}

/* The counter of the sample, made when it is new; NULL and why not. */
static struct scrape_counter *
counter_of(struct scrape_rate *r, const struct exposition_sample *sample, const char **problem)
{
	struct scrape_counter *c = NULL;

	*problem = NULL;
	if (sample->is_level) {
		*problem = arena_printf(r->arena,
					"line %" PRId64 ": its TYPE says that \"%.*s\" is no "
					"counter: it may fall, so it has no rate",
					sample->line, (int)sample->name.n, sample->name.s);
		return NULL;
	}
	c = series_map_put(&r->counters, scrape_series_hash(sample, NULL));
	if (c == NULL)
		*problem = too_many(r->arena);
	else
		c->birth = scrape_series_hash(sample, "le");
	return c;
}

const char *scrape_rate_birth(struct scrape_rate *r, const struct exposition_sample *sample,
			      bool is_second)
{
	struct scrape_birth *b = series_map_put(&r->births, scrape_series_hash(sample, "le"));

	if (b == NULL)
		return too_many(r->arena);
	if (is_second) {
		b->is_second_known = true;
		b->second_s = sample->value;
	} else {
		b->is_first_known = true;
		b->first_s = sample->value;
	}
	return NULL;
}

const char *scrape_rate_first(struct scrape_rate *r, const struct exposition_sample *sample)
{
	const char *problem;
	struct scrape_counter *c = counter_of(r, sample, &problem);

	if (c == NULL)
		return problem;
	c->was_there = true;
	c->before = sample->value;
	c->before_s = sample->has_timestamp ? sample->timestamp_s : NAN;
	return NULL;
}

const char *scrape_rate_second(struct scrape_rate *r, const struct exposition_sample *sample,
			       size_t group, double bound)
{
	const char *problem;
	struct scrape_counter *c = counter_of(r, sample, &problem);

	if (c == NULL)
		return problem;
	c->is_there = true;
	c->now = sample->value;
	c->now_s = sample->has_timestamp ? sample->timestamp_s : NAN;
	c->group = group;
	c->bound = bound;
	return NULL;
}

/* How many counters had what happen to them. */
struct tally {
	int64_t gone, new, reset, stuck, coarse, taken;
};

/*
 * Beyond 2^53 a double keeps no single steps: is the increase so small that what both ends lost is
 * a thousandth of it, as much as the clock may be wrong by?
 */
static bool is_coarse(double from, double now)
{
	double most = fmax(fabs(from), fabs(now));

	return most >= 0x1p53 && (nextafter(most, INFINITY) - most) * 1000 > now - from;
}

static bool is_reset(const struct scrape_rate *r, const struct scrape_counter *c,
		     const struct scrape_interval *interval)
{
	const struct scrape_birth *b = series_map_get(&r->births, c->birth);
	bool is_reborn = b != NULL && b->is_first_known && b->is_second_known &&
			 (b->first_s < b->second_s || b->first_s > b->second_s);

	return interval->is_new_process || is_reborn || c->now < c->before;
}

/* Does the counter count, and from where? */
static bool begins_at(const struct scrape_rate *r, const struct scrape_counter *c,
		      const struct scrape_interval *interval, struct tally *t, double *from)
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
	if (is_reset(r, c, interval)) {
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
	if (t->coarse > 0)
		return arena_printf(a,
				    "%" PRId64 " of %zu counters stand beyond 2^53, where single "
				    "steps are not kept: how far they came is not known",
				    t->coarse, n);
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
	const struct scrape_counter *counters = r->counters.items;
	struct tally t = {0};
	int64_t left;

	for (size_t i = 0; i < r->counters.n; i++) {
		const struct scrape_counter *c = &counters[i];
		double seconds = interval->seconds, from;

		if (!begins_at(r, c, interval, &t, &from))
			continue;
		if (c->was_there && !isnan(c->before_s) && !isnan(c->now_s))
			seconds = c->now_s - c->before_s;
		if (!(seconds > 0)) {
			t.stuck++;
			continue;
		}
		if (is_coarse(from, c->now)) {
			t.coarse++;
			continue;
		}
		t.taken++;
		take(ctx, c, c->now - from, seconds);
	}
	left = interval->reset == RESET_IGNORE ? t.reset + t.new + t.gone : 0;
	*remark = left > 0	? arena_printf(r->arena,
					       "%" PRId64 " of %zu counters were reset, new or gone, "
						    "and left out",
					       left, r->counters.n)
		  : t.reset > 0 ? arena_printf(r->arena,
					       "%" PRId64 " of %zu counters were reset, and "
					       "counted from 0",
					       t.reset, r->counters.n)
				: NULL;
	return tally_problem(r->arena, &t, r->counters.n, interval->reset);
}
