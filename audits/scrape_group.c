/*
 * NaN in a group makes its sum, average, minimum and maximum NaN, which is no measurement: an
 * aggregate that skips what it cannot use would hide exactly the broken series.
 */
#include "audits/scrape_group.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "audits/exposition.h"
#include "audits/hash_table.h"
#include "runner/base/arena.h"
#include "runner/base/pairs.h"
#include "runner/base/str.h"

#define MAX_KEY	   (64 * 1024)
#define MAX_OTHERS 64 /* label names kept to suggest one */

const char *const scrape_aggregates[] = {"none", "sum", "avg", "min", "max", "count", NULL};

struct scrape_group {
	size_t at;
	const struct label *labels;
	int64_t n;
	double sum, min, max;
	bool has_nan;
};

uint64_t scrape_series_hash(const struct exposition_sample *s, const char *without)
{
	size_t n_without = without != NULL ? strlen(without) : 0;
	uint64_t sum = HASH_SEED;

	for (size_t i = 0; i < s->n_labels; i++) {
		const struct exposition_label *l = &s->labels[i];
		uint64_t h = hash_bytes(HASH_SEED, l->name.s, l->name.n);

		if (without != NULL && l->name.n == n_without &&
		    memcmp(l->name.s, without, n_without) == 0)
			continue;
		if (l->value.n > 0) /* an empty label is none */
			sum += hash_mix(hash_bytes(h ^ 1, l->value.s, l->value.n));
	}
	return sum;
}

void scrape_groups_init(struct scrape_groups *g, struct arena *a, const struct texts *by)
{
	g->arena = a;
	g->by = by;
	g->is_seen = arena_array(a, by->n, sizeof(*g->is_seen));
	g->n_unseen = by->n;
	map_init(&g->others, a);
	map_init(&g->map, a);
	buf_init(&g->key, MAX_KEY);
}

void scrape_groups_release(struct scrape_groups *g)
{
	buf_release(&g->key);
}

static struct exposition_text value_of(const struct exposition_sample *s, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < s->n_labels; i++)
		if (s->labels[i].name.n == n && memcmp(s->labels[i].name.s, name, n) == 0)
			return s->labels[i].value;
	return (struct exposition_text){"", 0};
}

/* The values of the labels in one text; a length before each keeps them apart. */
static const char *make_key(struct scrape_groups *g, const struct exposition_sample *s)
{
	const struct texts *by = g->by;

	buf_reset(&g->key);
	g->key.is_full = false;
	for (size_t i = 0; i < by->n; i++) {
		struct exposition_text v = value_of(s, by->items[i]);

		if (memchr(v.s, '\0', v.n) != NULL)
			return arena_printf(g->arena,
					    "line %" PRId64 ": label \"%s\" holds a NUL byte",
					    s->line, by->items[i]);
		(void)buf_printf(&g->key, "%zu:", v.n); /* looked at once, below */
		(void)buf_add(&g->key, v.s, v.n);
	}
	if (g->key.is_full)
		return arena_printf(g->arena,
				    "line %" PRId64 ": the labels of by are longer than %d bytes",
				    s->line, MAX_KEY);
	return NULL;
}

static struct scrape_group *new_group(struct scrape_groups *g, const struct exposition_sample *s)
{
	const struct texts *by = g->by;
	struct scrape_group *group = arena_alloc(g->arena, sizeof(*group));
	struct label *labels = arena_array(g->arena, by->n, sizeof(*labels));

	for (size_t i = 0; i < by->n; i++) {
		struct exposition_text v = value_of(s, by->items[i]);

		labels[i] = (struct label){by->items[i], arena_strndup(g->arena, v.s, v.n)};
	}
	group->labels = labels;
	group->at = g->map.n;
	group->min = INFINITY;
	group->max = -INFINITY;
	(void)map_put(&g->map, arena_strdup(g->arena, g->key.data), group); /* known to be new */
	return group;
}

static bool is_known(const struct scrape_groups *g, struct exposition_text name)
{
	for (size_t i = 0; i < g->others.n; i++)
		if (strlen(g->others.entries[i].key) == name.n &&
		    memcmp(g->others.entries[i].key, name.s, name.n) == 0)
			return true;
	return false;
}

/* Which labels of by does this series have, and which others? */
static void look_for_labels(struct scrape_groups *g, const struct exposition_sample *s)
{
	for (size_t i = 0; i < g->by->n; i++) {
		if (!g->is_seen[i] && value_of(s, g->by->items[i]).n > 0) {
			g->is_seen[i] = true;
			g->n_unseen--;
		}
	}
	for (size_t i = 0; i < s->n_labels && g->others.n < MAX_OTHERS; i++) {
		struct exposition_text name = s->labels[i].name;

		if (!is_known(g, name))
			(void)map_put(&g->others, arena_strndup(g->arena, name.s, name.n), g);
	}
}

const char *scrape_groups_problem(const struct scrape_groups *g, const char **help)
{
	const char *names[MAX_OTHERS];
	size_t missing = 0;
	int close;

	if (g->n_unseen == 0)
		return NULL;
	while (g->is_seen[missing])
		missing++;
	for (size_t i = 0; i < g->others.n; i++)
		names[i] = g->others.entries[i].key;
	close = str_closest(g->by->items[missing], names, g->others.n);
	*help = close >= 0 ? arena_printf(g->arena, "did you mean \"%s\"?", names[close])
			   : "take it out of by, or select series that have it";
	return arena_printf(g->arena, "no selected series has the label \"%s\" of by",
			    g->by->items[missing]);
}

const char *scrape_groups_place(struct scrape_groups *g, const struct exposition_sample *s,
				size_t *at)
{
	struct scrape_group *group;
	const char *problem = make_key(g, s);

	if (problem != NULL)
		return problem;
	if (g->n_unseen > 0)
		look_for_labels(g, s);
	group = map_get(&g->map, g->key.data);
	if (group == NULL) {
		if (g->map.n == SCRAPE_MAX_GROUPS)
			return arena_printf(g->arena,
					    "more than %d combinations of the labels in by",
					    SCRAPE_MAX_GROUPS);
		group = new_group(g, s);
	}
	*at = group->at;
	return NULL;
}

void scrape_groups_take(struct scrape_groups *g, size_t at, double value)
{
	struct scrape_group *group = g->map.entries[at].value;

	group->n++;
	group->sum += value;
	group->has_nan = group->has_nan || isnan(value);
	group->min = value < group->min ? value : group->min;
	group->max = value > group->max ? value : group->max;
}

const struct label *scrape_groups_labels(const struct scrape_groups *g, size_t i)
{
	const struct scrape_group *group = g->map.entries[i].value;

	return group->labels;
}

size_t scrape_groups_count(const struct scrape_groups *g)
{
	return g->map.n;
}

static double value_of_group(const struct scrape_group *g, enum scrape_aggregate agg)
{
	if (g->has_nan)
		return NAN;
	switch (agg) {
	case SCRAPE_NONE: /* one series: its value */
	case SCRAPE_SUM:
		return g->sum;
	case SCRAPE_AVG:
		return g->sum / (double)g->n;
	case SCRAPE_MIN:
		return g->min;
	case SCRAPE_MAX:
		return g->max;
	case SCRAPE_COUNT:
		return (double)g->n;
	}
	return NAN;
}

struct measurement scrape_groups_measure(const struct scrape_groups *g, size_t i, int agg)
{
	const struct scrape_group *group = g->map.entries[i].value;
	struct measurement m;

	if (group->n == 0) /* of a rate */
		m = measurement_none("", "every counter was reset, new or gone");
	else if (agg == SCRAPE_COUNT)
		m = measurement_int("", group->n, "");
	else if (agg == SCRAPE_NONE && group->n > 1)
		m = measurement_none(
			"", arena_printf(g->arena,
					 "%" PRId64
					 " series selected and one is wanted: name labels in "
					 "by, or say agg: sum, avg, min, max or count",
					 group->n));
	else
		m = measurement_real("", value_of_group(group, (enum scrape_aggregate)agg), "");
	m.n = group->n;
	m.labels = group->labels;
	m.n_labels = g->by->n;
	return m;
}
