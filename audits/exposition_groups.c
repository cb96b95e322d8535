/*
 * OpenMetrics 1.0: what the samples of one metric owe each other. Samples of one group (equal
 * labels, but for le, quantile or the state) stand together; their time never goes back; values are
 * what the type allows; a histogram's buckets rise to +Inf, which agrees with its count. Groups are
 * told apart by hash: should two collide, the exposition is refused, never misread.
 */
#include <math.h>
#include <string.h>

#include "audits/exposition_internal.h"
#include "runner/base/err.h"

const char *const *metric_type_suffixes(enum metric_type type)
{
	static const char *const plain[] = {"", NULL};
	static const char *const counter[] = {"_total", "_created", NULL};
	static const char *const summary[] = {"", "_count", "_sum", "_created", NULL};
	static const char *const histogram[] = {"_bucket", "_count", "_sum", "_created", NULL};
	static const char *const gaugehistogram[] = {"_bucket", "_gcount", "_gsum", NULL};
	static const char *const info[] = {"_info", NULL};

	switch (type) {
	case METRIC_NONE:
	case METRIC_UNKNOWN:
	case METRIC_GAUGE:
	case METRIC_STATESET:
		return plain;
	case METRIC_COUNTER:
		return counter;
	case METRIC_SUMMARY:
		return summary;
	case METRIC_HISTOGRAM:
		return histogram;
	case METRIC_GAUGEHISTOGRAM:
		return gaugehistogram;
	case METRIC_INFO:
		return info;
	}
	return plain;
}

void family_close(struct family *f)
{
	f->type = METRIC_NONE;
	f->is_open = f->has_help = f->has_type = f->has_unit = f->has_samples = false;
	f->group = (struct group){0};
	hash_table_clear(&f->seen_groups);
}

bool family_takes(const struct family *f, const struct exposition_text *name, const char **suffix)
{
	const char *rest;
	size_t n;

	if (!f->is_open || name->n < f->name.len || memcmp(name->s, f->name.data, f->name.len) != 0)
		return false;
	rest = name->s + f->name.len;
	n = name->n - f->name.len;
	for (const char *const *s = metric_type_suffixes(f->type); *s != NULL; s++) {
		if (strlen(*s) == n && memcmp(*s, rest, n) == 0) {
			*suffix = *s;
			return true;
		}
	}
	return false;
}

static bool is(const char *suffix, const char *name)
{
	return strcmp(suffix, name) == 0;
}

static bool is_histogram(const struct family *f)
{
	return f->type == METRIC_HISTOGRAM || f->type == METRIC_GAUGEHISTOGRAM;
}

/* The label that tells samples of one group apart; NULL = none does. */
static bool is_inner_label(const struct family *f, const struct exposition_text *name)
{
	if (is_histogram(f))
		return name->n == 2 && memcmp(name->s, "le", 2) == 0;
	if (f->type == METRIC_SUMMARY)
		return name->n == 8 && memcmp(name->s, "quantile", 8) == 0;
	if (f->type == METRIC_STATESET)
		return name->n == f->name.len && memcmp(name->s, f->name.data, name->n) == 0;
	return false;
}

/* The same whatever order the labels stand in. */
static uint64_t group_hash(const struct family *f, const struct raw_labels *labels)
{
	uint64_t sum = HASH_SEED;

	for (size_t i = 0; i < labels->n; i++) {
		const struct raw_label *l = &labels->items[i];
		uint64_t h;

		if (is_inner_label(f, &l->name))
			continue;
		h = hash_bytes(HASH_SEED, l->name.s, l->name.n);
		sum += hash_mix(hash_bytes(h ^ 1, l->value.s, l->value.n));
	}
	return sum;
}

int group_end(const struct family *f, const struct line *l, struct err *e)
{
	const struct group *g = &f->group;
	const char *what = NULL;

	if (!g->is_open || !is_histogram(f))
		return 0;
	if (!g->has_bucket || isfinite(g->last_bound))
		what = "a histogram without a bucket le=\"+Inf\" at its end";
	else if (g->has_count != g->has_sum)
		what = "a histogram with a count and no sum, or a sum and no count";
	else if (g->has_count && g->count != g->last_count)
		what = "a histogram whose count is not that of its last bucket";
	else if (f->type == METRIC_HISTOGRAM && g->has_negative_bucket && g->has_sum)
		what = "a histogram with a bucket below zero and a sum";
	else if (g->has_negative_sum && !g->has_negative_bucket)
		what = "a histogram with a negative sum and no bucket below zero";
	if (what == NULL)
		return 0;
	return line_error(l, l->begin, e, "before this line stands %s", what);
}

static int enter_group(struct family *f, const struct line *l, uint64_t hash, struct err *e)
{
	bool is_new;

	if (group_end(f, l, e) != 0)
		return -1;
	(void)hash_table_put(&f->seen_groups, hash, &is_new);
	if (!is_new)
		return line_error(
			l, l->begin, e,
			"samples with these labels stood further up: they are not together");
	f->group = (struct group){.hash = hash, .is_open = true};
	return 0;
}

static int check_time(struct family *f, const struct line *l, const struct sample *s, struct err *e)
{
	struct group *g = &f->group;

	if (s->has_timestamp != g->has_timestamp)
		return line_error(l, l->begin, e,
				  "samples of one group with and without a timestamp");
	if (s->has_timestamp && s->timestamp_s < g->timestamp_s && f->type != METRIC_INFO)
		return line_error(l, l->begin, e, "the timestamp goes back");
	g->timestamp_s = s->timestamp_s;
	return 0;
}

static int group_sample(struct family *f, const struct line *l, const struct sample *s,
			struct err *e)
{
	uint64_t hash = group_hash(f, s->labels);

	if (f->group.is_open && f->group.hash == hash) {
		/* A histogram at a later time is a histogram of its own. */
		if (is_histogram(f) && s->has_timestamp && f->group.has_timestamp &&
		    s->timestamp_s > f->group.timestamp_s) {
			if (group_end(f, l, e) != 0)
				return -1;
			f->group = (struct group){.hash = hash,
						  .is_open = true,
						  .has_timestamp = true,
						  .timestamp_s = s->timestamp_s};
		}
		return check_time(f, l, s, e);
	}
	if (enter_group(f, l, hash, e) != 0)
		return -1;
	f->group.has_timestamp = s->has_timestamp;
	f->group.timestamp_s = s->timestamp_s;
	return 0;
}

static int check_exemplar(const struct family *f, const struct line *l, const struct sample *s,
			  const char *suffix, struct err *e)
{
	if (!s->exemplar.is_present || (f->type == METRIC_COUNTER && is(suffix, "_total")) ||
	    (is_histogram(f) && is(suffix, "_bucket")))
		return 0;
	return line_error(l, s->value_at, e, "this sample may not have an exemplar");
}

static int check_bucket(struct family *f, const struct line *l, const struct sample *s,
			struct err *e)
{
	struct group *g = &f->group;
	const struct raw_label *le = find_label(s->labels, "le");
	double bound;

	if (le == NULL)
		return line_error(l, l->begin, e, "a bucket has no label le");
	if (exposition_real(le->value.s, le->value.n, &bound) != 0 || isnan(bound) ||
	    (isinf(bound) && (le->value.n != 4 || memcmp(le->value.s, "+Inf", 4) != 0)))
		return line_error(l, le->value.s, e, "the label le is neither a number nor +Inf");
	if (g->has_bucket && bound <= g->last_bound)
		return line_error(l, le->value.s, e, "the buckets are not in order");
	if (g->has_bucket && s->value < g->last_count)
		return line_error_token(l, s->value_at, e, "is less than the bucket before has");
	g->has_bucket = true;
	g->has_negative_bucket = g->has_negative_bucket || bound < 0;
	g->last_bound = bound;
	g->last_count = s->value;
	return 0;
}

/* Counts: not negative, and whole except for a counter's total. */
static int check_count(const struct line *l, const struct sample *s, bool is_whole, struct err *e)
{
	if (isnan(s->value) || s->value < 0)
		return line_error_token(l, s->value_at, e, "is not allowed as a count");
	if (is_whole && s->value != floor(s->value))
		return line_error_token(l, s->value_at, e, "is not a whole number");
	return 0;
}

static int check_histogram(struct family *f, const struct line *l, const struct sample *s,
			   const char *suffix, struct err *e)
{
	struct group *g = &f->group;

	if (is(suffix, "_created"))
		return 0;
	if (is(suffix, "_sum") || is(suffix, "_gsum")) {
		if (isnan(s->value) || (f->type == METRIC_HISTOGRAM && s->value < 0))
			return line_error_token(l, s->value_at, e, "is not allowed as a sum");
		g->has_sum = true;
		g->has_negative_sum = s->value < 0;
		return 0;
	}
	if (check_count(l, s, true, e) != 0)
		return -1;
	if (is(suffix, "_bucket"))
		return check_bucket(f, l, s, e);
	g->has_count = true;
	g->count = s->value;
	return 0;
}

static int check_summary(const struct line *l, const struct sample *s, const char *suffix,
			 struct err *e)
{
	const struct raw_label *quantile;
	double q;

	if (is(suffix, "_created"))
		return 0;
	if (!is(suffix, ""))
		return check_count(l, s, is(suffix, "_count"), e);
	quantile = find_label(s->labels, "quantile");
	if (quantile == NULL)
		return line_error(l, l->begin, e, "a sample of a summary has no label quantile");
	if (exposition_real(quantile->value.s, quantile->value.n, &q) != 0 || !(q >= 0 && q <= 1))
		return line_error(l, quantile->value.s, e,
				  "the label quantile is not a number from 0 to 1");
	if (s->value < 0)
		return line_error_token(l, s->value_at, e, "is a negative quantile");
	return 0;
}

static int check_stateset(const struct family *f, const struct line *l, const struct sample *s,
			  struct err *e)
{
	if (find_label(s->labels, f->name.data) == NULL)
		return line_error(l, l->begin, e, "a state has no label named like its metric");
	if (s->value != 0 && s->value != 1)
		return line_error_token(l, s->value_at, e, "is not a state: it must be 0 or 1");
	return 0;
}

static int check_value(struct family *f, const struct line *l, const struct sample *s,
		       const char *suffix, struct err *e)
{
	switch (f->type) {
	case METRIC_NONE:
	case METRIC_UNKNOWN:
	case METRIC_GAUGE:
		return 0;
	case METRIC_COUNTER:
		return is(suffix, "_total") ? check_count(l, s, false, e) : 0;
	case METRIC_SUMMARY:
		return check_summary(l, s, suffix, e);
	case METRIC_HISTOGRAM:
	case METRIC_GAUGEHISTOGRAM:
		return check_histogram(f, l, s, suffix, e);
	case METRIC_STATESET:
		return check_stateset(f, l, s, e);
	case METRIC_INFO:
		if (s->value != 1)
			return line_error_token(l, s->value_at, e,
						"is not 1, which an info must be");
		return 0;
	}
	return -1;
}

int family_sample(struct family *f, const struct line *l, const struct sample *s,
		  const char *suffix, struct err *e)
{
	f->has_samples = true;
	if (group_sample(f, l, s, e) != 0 || check_exemplar(f, l, s, suffix, e) != 0)
		return -1;
	return check_value(f, l, s, suffix, e);
}
