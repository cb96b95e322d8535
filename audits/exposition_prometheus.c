/*
 * The rules of the Prometheus text format 0.0.4 beyond the syntax of samples, as expfmt has them:
 * comments are free, except that HELP and TYPE may each come once for a metric and TYPE before its
 * samples; `le` of a histogram and `quantile` of a summary are numbers; a histogram counts nothing
 * negative. Samples of different metrics may be mixed.
 */
#include <string.h>
#include <strings.h>

#include "audits/exposition_internal.h"
#include "runner/base/err.h"

/* What the table of names remembers: the type in the low bits. */
#define TYPE_BITS 0x0f
#define HAS_HELP  0x10

static bool ends_with(const struct exposition_text *name, const char *suffix, size_t *base)
{
	size_t n = strlen(suffix);

	if (name->n <= n || memcmp(name->s + name->n - n, suffix, n) != 0)
		return false;
	*base = name->n - n;
	return true;
}

static uint8_t *entry(struct exposition *x, const char *s, size_t n)
{
	return hash_table_get(&x->names, hash_bytes(HASH_SEED, s, n));
}

/* x_count belongs to x when x is known as a summary or histogram and x_count itself is not known.
 */
static uint8_t *owner(struct exposition *x, const struct exposition_text *name)
{
	size_t base;
	uint8_t *at;

	if (ends_with(name, "_count", &base) || ends_with(name, "_sum", &base)) {
		at = entry(x, name->s, base);
		if (at != NULL && (*at & TYPE_BITS) == METRIC_SUMMARY)
			return at;
	} else if (!ends_with(name, "_bucket", &base)) {
		return NULL;
	}
	at = entry(x, name->s, base);
	if (at == NULL)
		return NULL;
	return (*at & TYPE_BITS) == METRIC_HISTOGRAM || (*at & TYPE_BITS) == METRIC_GAUGEHISTOGRAM
		       ? at
		       : NULL;
}

/* The entry of the metric this name belongs to; made when it is not there. */
static uint8_t *metric_of(struct exposition *x, const struct line *l,
			  const struct exposition_text *name, struct err *e)
{
	uint8_t *at = entry(x, name->s, name->n);
	bool is_new;

	if (at == NULL)
		at = owner(x, name);
	if (at != NULL)
		return at;
	if (x->names.n >= EXPOSITION_MAX_NAMES) {
		(void)line_error(l, l->begin, e, "more than %d metric names", EXPOSITION_MAX_NAMES);
		return NULL;
	}
	return hash_table_put(&x->names, hash_bytes(HASH_SEED, name->s, name->n), &is_new);
}

static enum metric_type type_named(const char *s, size_t n)
{
	static const struct {
		const char *name;
		enum metric_type type;
	} types[] = {
		{"counter", METRIC_COUNTER},
		{"gauge", METRIC_GAUGE},
		{"untyped", METRIC_UNKNOWN},
		{"summary", METRIC_SUMMARY},
		{"histogram", METRIC_HISTOGRAM},
		{"gaugehistogram", METRIC_GAUGEHISTOGRAM},
		{"gauge_histogram", METRIC_GAUGEHISTOGRAM},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == n && strncasecmp(types[i].name, s, n) == 0)
			return types[i].type;
	return METRIC_NONE;
}

static void skip_blanks(struct line *l)
{
	while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
		l->at++;
}

/* The metric a HELP or TYPE is about, plain or quoted. Empty at the end of the line. */
static int comment_name(struct line *l, struct exposition_text *name, struct err *e)
{
	const char *begin = l->at;

	if (begin < l->end && *begin == '"') {
		const char *p = begin + 1;

		for (; p < l->end && *p != '"'; p++) {
			if (*p != '\\')
				continue;
			if (p + 1 == l->end || strchr("\\\"n", p[1]) == NULL)
				return line_error_token(l, p, e, "begins with an unknown escape");
			p++;
		}
		if (p >= l->end)
			return line_error(l, begin, e, "the line ends inside a quoted text");
		*name = (struct exposition_text){begin + 1, (size_t)(p - begin - 1)};
		l->at = p + 1;
	} else {
		*name = (struct exposition_text){begin, scan_metric_name(begin, l->end)};
		l->at += name->n;
	}
	if (l->at < l->end && *l->at != ' ' && *l->at != '\t')
		return line_error_token(l, begin, e, "is not a metric name");
	return 0;
}

static int read_type(const struct line *l, uint8_t *metric, struct err *e)
{
	const char *end = l->end;
	enum metric_type type;

	while (end > l->at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if ((*metric & TYPE_BITS) != METRIC_NONE)
		return line_error(l, l->begin, e,
				  "a second TYPE of this metric, or TYPE behind its samples");
	type = type_named(l->at, (size_t)(end - l->at));
	if (type == METRIC_NONE)
		return line_error_token(l, l->at, e, "is not a metric type");
	*metric = (uint8_t)((*metric & HAS_HELP) | (unsigned)type);
	return 0;
}

static int read_comment(struct exposition *x, struct line *l, struct err *e)
{
	const char *word;
	size_t n_word;
	bool is_help;
	struct exposition_text name;
	uint8_t *metric;

	l->at++;
	skip_blanks(l);
	word = l->at;
	while (l->at < l->end && *l->at != ' ' && *l->at != '\t')
		l->at++;
	n_word = (size_t)(l->at - word);
	is_help = n_word == 4 && memcmp(word, "HELP", 4) == 0;
	if (!is_help && (n_word != 4 || memcmp(word, "TYPE", 4) != 0))
		return 0;
	skip_blanks(l);
	if (l->at == l->end)
		return 0;
	if (comment_name(l, &name, e) != 0)
		return -1;
	skip_blanks(l);
	if (l->at == l->end)
		return 0; /* a name and nothing about it */
	metric = metric_of(x, l, &name, e);
	if (metric == NULL)
		return -1;
	/* The table may have moved, and a type may have become known. */
	buf_reset(&x->last_name);
	if (!is_help)
		return read_type(l, metric, e);
	if (*metric & HAS_HELP)
		return line_error(l, l->begin, e, "a second HELP of this metric");
	*metric |= HAS_HELP;
	return 0;
}

static int check_bound(const struct line *l, const struct sample *s, const char *label,
		       struct err *e)
{
	const struct raw_label *bound = find_label(s->labels, label);
	double ignored;

	if (bound == NULL || exposition_real(bound->value.s, bound->value.n, &ignored) == 0)
		return 0;
	return line_error(l, bound->value.s, e, "the label %s is not a number", label);
}

static int check_histogram(const struct line *l, const struct sample *s, struct err *e)
{
	size_t base;

	if (check_bound(l, s, "le", e) != 0)
		return -1;
	if (s->value < 0 && (ends_with(&s->name, "_count", &base) || find_label(s->labels, "le")))
		return line_error_token(l, s->value_at, e, "is a negative count in a histogram");
	return 0;
}

static int check_by_type(enum metric_type type, const struct line *l, const struct sample *s,
			 struct err *e)
{
	switch (type) {
	case METRIC_SUMMARY:
		return check_bound(l, s, "quantile", e);
	case METRIC_HISTOGRAM:
	case METRIC_GAUGEHISTOGRAM:
		return check_histogram(l, s, e);
	case METRIC_NONE:
	case METRIC_UNKNOWN:
	case METRIC_COUNTER:
	case METRIC_GAUGE:
	case METRIC_STATESET:
	case METRIC_INFO:
		return 0;
	}
	return 0;
}

/* The first sample of a run with this name: what is it? */
static int learn_name(struct exposition *x, const struct line *l,
		      const struct exposition_text *name, struct err *e)
{
	uint8_t *metric;

	if (!sample_name_is_new(x, name))
		return 0;
	metric = metric_of(x, l, name, e);
	if (metric == NULL)
		return -1;
	if ((*metric & TYPE_BITS) == METRIC_NONE)
		*metric |= METRIC_UNKNOWN;
	x->last_type = (enum metric_type)(*metric & TYPE_BITS);
	return 0;
}

static bool is_counting(enum metric_type type)
{
	return type == METRIC_HISTOGRAM || type == METRIC_GAUGEHISTOGRAM;
}

int prometheus_line(struct exposition *x, struct line *l, struct err *e)
{
	struct sample s;
	bool is_named, wants_value = true;

	skip_blanks(l);
	if (l->at == l->end)
		return 0;
	if (*l->at == '#')
		return read_comment(x, l, e);
	s.name = (struct exposition_text){l->at, scan_metric_name(l->at, l->end)};
	is_named = s.name.n > 0;
	if (!is_named && *l->at != '{')
		return line_error_token(l, l->at, e, "is not a metric name");
	if (is_named) {
		if (learn_name(x, l, &s.name, e) != 0)
			return -1;
		wants_value = x->last_is_wanted || is_counting(x->last_type);
	}
	if (parse_sample(l, x, wants_value, &s, e) != 0)
		return -1;
	/* {"name"} shows its name only now. */
	if (!is_named && learn_name(x, l, &s.name, e) != 0)
		return -1;
	if (check_by_type(x->last_type, l, &s, e) != 0)
		return -1;
	return sample_deliver(x, l, &s, e);
}
