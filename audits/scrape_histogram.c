/*
 * Two series with bounds that are written differently and mean the same number ("0.5" and "5e-1")
 * are the same bucket twice: which of the two counts nobody knows. (PromQL adds them up.)
 */
#include "audits/scrape_histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/exposition.h"
#include "audits/scrape_group.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"
#include "runner/base/pairs.h"
#include "runner/stats/quantile.h"

/* What one histogram says of how many observations there were. */
struct scrape_total {
	bool has_infinity, has_count;
	double infinity, count; /* of the bucket +Inf; of NAME_count */
	int64_t line;		/* of NAME_count */
};

struct scrape_histogram {
	struct quantile_bucket *buckets; /* owned; the bounds rise */
	int64_t *n_of;			 /* owned: histograms that have this bound */
	size_t n, cap;
	int64_t n_histograms;
};

void scrape_histograms_init(struct scrape_histograms *h, struct arena *a, struct scrape_groups *g)
{
	*h = (struct scrape_histograms){.arena = a, .groups = g};
	series_map_init(&h->totals, sizeof(struct scrape_total));
}

void scrape_histograms_release(struct scrape_histograms *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->items[i].buckets);
		free(h->items[i].n_of);
	}
	free(h->items);
	series_map_release(&h->totals);
	hash_table_release(&h->histograms);
	hash_table_release(&h->buckets);
}

static bool is_bound(const struct exposition_label *l)
{
	return l->name.n == 2 && memcmp(l->name.s, "le", 2) == 0;
}

static const char *read_bound(struct arena *a, const struct exposition_sample *sample, double *out)
{
	for (size_t i = 0; i < sample->n_labels; i++) {
		struct exposition_text v = sample->labels[i].value;

		if (!is_bound(&sample->labels[i]))
			continue;
		if (exposition_real(v.s, v.n, out) != 0 || isnan(*out))
			return arena_printf(a, "line %" PRId64 ": the label le is no number",
					    sample->line);
		if (*out == 0)
			*out = 0; /* -0 is the same bound */
		return NULL;
	}
	return arena_printf(a, "line %" PRId64 ": the series has no label le: it is no bucket",
			    sample->line);
}

static struct scrape_histogram *histogram_at(struct scrape_histograms *h, size_t i)
{
	while (h->n <= i) {
		if (h->n == h->cap) {
			h->cap = h->cap > 0 ? 2 * h->cap : 8;
			h->items = xrealloc(h->items, h->cap * sizeof(*h->items));
		}
		h->items[h->n++] = (struct scrape_histogram){0};
	}
	return &h->items[i];
}

/* The place of the bound, made when it is new. */
static size_t bucket_at(struct scrape_histogram *g, double bound)
{
	size_t at = g->n;

	while (at > 0 && g->buckets[at - 1].bound > bound) /* nearly always they come in order */
		at--;
	if (at > 0 && g->buckets[at - 1].bound == bound)
		return at - 1;
	if (g->n == g->cap) {
		g->cap = g->cap > 0 ? 2 * g->cap : 16;
		g->buckets = xrealloc(g->buckets, g->cap * sizeof(*g->buckets));
		g->n_of = xrealloc(g->n_of, g->cap * sizeof(*g->n_of));
	}
	memmove(g->buckets + at + 1, g->buckets + at, (g->n - at) * sizeof(*g->buckets));
	memmove(g->n_of + at + 1, g->n_of + at, (g->n - at) * sizeof(*g->n_of));
	g->buckets[at] = (struct quantile_bucket){.bound = bound};
	g->n_of[at] = 0;
	g->n++;
	return at;
}

static const char *number_text(struct arena *a, double value)
{
	char text[NUM_REAL_MAX];

	if (isnan(value))
		return "NaN";
	if (isinf(value))
		return value > 0 ? "+Inf" : "-Inf";
	(void)num_format_real(value, text); /* finite: cannot fail */
	return arena_strdup(a, text);
}

static const char *too_many(struct arena *a)
{
	return arena_printf(a, "more than %d histograms", SERIES_MAP_MAX);
}

const char *scrape_histograms_note(struct scrape_histograms *h,
				   const struct exposition_sample *sample)
{
	const char *problem;
	double bound;
	struct scrape_total *t;

	problem = read_bound(h->arena, sample, &bound);
	if (problem != NULL || !isinf(bound) || bound < 0)
		return problem;
	t = series_map_put(&h->totals, scrape_series_hash(sample, "le"));
	if (t == NULL)
		return too_many(h->arena);
	t->has_infinity = true;
	t->infinity = sample->value;
	return NULL;
}

const char *scrape_histograms_count(struct scrape_histograms *h,
				    const struct exposition_sample *sample)
{
	struct scrape_total *t = series_map_put(&h->totals, scrape_series_hash(sample, NULL));

	if (t == NULL)
		return too_many(h->arena);
	t->has_count = true;
	t->count = sample->value;
	t->line = sample->line;
	return NULL;
}

const char *scrape_histograms_end(struct scrape_histograms *h)
{
	const struct scrape_total *totals = h->totals.items;
	const char *problem = NULL;

	for (size_t i = 0; i < h->totals.n && problem == NULL; i++) {
		const struct scrape_total *t = &totals[i];

		if (!t->has_infinity || !t->has_count || !isfinite(t->infinity) ||
		    t->infinity == t->count)
			continue;
		problem = arena_printf(h->arena,
				       "line %" PRId64 ": the histogram's count is %s, its bucket "
				       "+Inf holds %s: one of them is wrong",
				       t->line, number_text(h->arena, t->count),
				       number_text(h->arena, t->infinity));
	}
	series_map_clear(&h->totals);
	return problem;
}

const char *scrape_histograms_place(struct scrape_histograms *h,
				    const struct exposition_sample *sample, size_t *at,
				    double *bound)
{
	uint64_t histogram = scrape_series_hash(sample, "le");
	struct scrape_histogram *g;
	const char *problem;
	bool is_new;
	size_t in;

	problem = read_bound(h->arena, sample, bound);
	if (problem == NULL)
		problem = scrape_groups_place(h->groups, sample, at);
	if (problem != NULL)
		return problem;
	g = histogram_at(h, *at);
	(void)hash_table_put(&h->buckets,
			     hash_bytes(histogram, (const char *)bound, sizeof(*bound)), &is_new);
	if (!is_new)
		return arena_printf(h->arena,
				    "line %" PRId64 ": the histogram has this bucket twice",
				    sample->line);
	(void)hash_table_put(&h->histograms, histogram, &is_new);
	g->n_histograms += is_new;
	in = bucket_at(g, *bound); /* moves the buckets when it makes one */
	g->n_of[in]++;
	return g->n > SCRAPE_MAX_BUCKETS
		       ? arena_printf(h->arena, "more than %d buckets", SCRAPE_MAX_BUCKETS)
		       : NULL;
}

void scrape_histograms_take(struct scrape_histograms *h, size_t at, double bound, double count)
{
	struct scrape_histogram *g = &h->items[at];
	size_t in = bucket_at(g, bound); /* was placed: it is there */

	g->buckets[in].count += count;
}

/* Is it one histogram, or a sum of such as have the same bounds? */
static const char *sum_problem(struct arena *a, const struct scrape_histogram *g, bool is_sum)
{
	if (g->n_histograms > 1 && !is_sum)
		return arena_printf(a,
				    "%" PRId64 " histograms selected and one is wanted: name "
				    "labels in by, or say agg: sum",
				    g->n_histograms);
	for (size_t i = 0; i < g->n; i++)
		if (g->n_of[i] != g->n_histograms)
			return arena_printf(a,
					    "the bucket le=\"%s\" is in %" PRId64 " of %" PRId64
					    " histograms: with different bounds they have no sum",
					    number_text(a, g->buckets[i].bound), g->n_of[i],
					    g->n_histograms);
	return NULL;
}

static const char *quantile_problem(struct arena *a, const struct scrape_histogram *g,
				    enum quantile_state state, const struct quantile *found)
{
	const char *bound = number_text(a, g->buckets[found->at < g->n ? found->at : 0].bound);

	switch (state) {
	case QUANTILE_FOUND:
		return NULL;
	case QUANTILE_BEYOND:
		return arena_printf(a,
				    "the quantile lies beyond the last bound, %s: nobody knows how "
				    "far (beyond: bound takes the bound)",
				    number_text(a, found->value));
	case QUANTILE_EMPTY:
		return "the histogram holds no observation";
	case QUANTILE_NO_BOUND:
		return "the histogram has no bucket but +Inf";
	case QUANTILE_NO_INFINITY:
		return "the histogram has no bucket +Inf: how many observations there were is not "
		       "known";
	case QUANTILE_FALLS:
		return arena_printf(a,
				    "the bucket le=\"%s\" counts less than the one before it, but "
				    "should hold its observations too",
				    bound);
	case QUANTILE_NO_COUNT:
		return arena_printf(a, "the bucket le=\"%s\" does not hold a count", bound);
	case QUANTILE_NONE:
		break;
	}
	return "the histogram has no bucket";
}

struct measurement scrape_histograms_measure(const struct scrape_histograms *h, size_t i,
					     const struct scrape_quantile *wanted)
{
	const struct scrape_histogram *g = &h->items[i];
	const char *problem = sum_problem(h->arena, g, wanted->is_sum);
	enum quantile_state state = QUANTILE_NONE;
	struct quantile found = {.value = NAN};
	struct measurement m;

	if (problem == NULL) {
		state = stats_histogram_quantile(wanted->q, g->buckets, g->n, &found);
		problem = quantile_problem(h->arena, g, state, &found);
	}
	if (state == QUANTILE_BEYOND && wanted->is_bound_allowed) {
		m = measurement_real("", found.value, "");
		m.reason = "the quantile lies beyond the last bound, which stands for it";
	} else if (problem != NULL) {
		m = measurement_none("", problem);
	} else {
		m = measurement_real("", found.value, "");
	}
	if (state != QUANTILE_NONE && found.n < 9e15)
		m.n = (int64_t)found.n;
	m.labels = scrape_groups_labels(h->groups, i);
	m.n_labels = h->groups->by->n;
	return m;
}
