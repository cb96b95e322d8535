/*
 * OpenMetrics 1.0: the order of lines. Metadata opens a metric, its samples follow, and what is
 * over is over: neither the metric nor any name its type reserves may come again. What is wrong
 * inside a metric is found in exposition_groups.c.
 */
#include <string.h>

#include "audits/exposition_internal.h"
#include "runner/base/err.h"

static bool is_text(const struct buf *b, const struct exposition_text *t)
{
	return b->len == t->n && memcmp(b->data, t->s, t->n) == 0;
}

/* Takes name + suffix; false when it was taken. */
static bool take_name(struct exposition *x, const char *suffix)
{
	const struct buf *name = &x->family.name;
	uint64_t h = hash_bytes(HASH_SEED, name->data, name->len);
	bool is_new;

	hash_table_put(&x->names, hash_bytes(h, suffix, strlen(suffix)), &is_new);
	return is_new;
}

/* The metric at hand is over: complete? And are its names free? */
static int end_family(struct exposition *x, const struct line *l, struct err *e)
{
	struct family *f = &x->family;
	const char *const *suffix;

	if (!f->is_open)
		return 0;
	if (group_end(f, l, e) != 0)
		return -1;
	if (x->names.n + 8 > EXPOSITION_MAX_NAMES)
		return line_error(l, l->begin, e, "more than %d metric names before this line",
				  EXPOSITION_MAX_NAMES);
	if (!take_name(x, ""))
		return line_error(l, l->begin, e,
				  "the metric before this line, \"%.200s\", was there "
				  "already, or its name clashes with another one's",
				  f->name.data);
	for (suffix = metric_type_suffixes(f->type); *suffix != NULL; suffix++)
		if (**suffix != '\0' && !take_name(x, *suffix))
			return line_error(
				l, l->begin, e,
				"the metric before this line clashes with an earlier one: "
				"both may have \"%.200s%s\"",
				f->name.data, *suffix);
	family_close(f);
	return 0;
}

static int begin_family(struct exposition *x, const struct line *l,
			const struct exposition_text *name, struct err *e)
{
	struct family *f = &x->family;

	if (end_family(x, l, e) != 0)
		return -1;
	f->is_open = true;
	buf_reset(&f->name);
	(void)buf_add(&f->name, name->s, name->n); /* part of a line, which fits */
	return 0;
}

static enum metric_type type_named(const struct exposition_text *t)
{
	static const struct {
		const char *name;
		enum metric_type type;
	} types[] = {
		{"unknown", METRIC_UNKNOWN},	 {"counter", METRIC_COUNTER},
		{"gauge", METRIC_GAUGE},	 {"summary", METRIC_SUMMARY},
		{"histogram", METRIC_HISTOGRAM}, {"gaugehistogram", METRIC_GAUGEHISTOGRAM},
		{"stateset", METRIC_STATESET},	 {"info", METRIC_INFO},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == t->n && memcmp(types[i].name, t->s, t->n) == 0)
			return types[i].type;
	return METRIC_NONE;
}

static int note_type(struct family *f, const struct line *l, const struct exposition_text *text,
		     struct err *e)
{
	if (f->has_type)
		return line_error(l, l->begin, e, "a second TYPE of this metric");
	f->has_type = true;
	f->type = type_named(text);
	if (f->type == METRIC_NONE)
		return line_error_token(l, text->s, e, "is not a metric type");
	return 0;
}

static int note_unit(struct family *f, const struct line *l, const struct exposition_text *text,
		     struct err *e)
{
	if (f->has_unit)
		return line_error(l, l->begin, e, "a second UNIT of this metric");
	f->has_unit = true;
	buf_reset(&f->unit);
	(void)buf_add(&f->unit, text->s, text->n); /* part of a line, which fits */
	if (text->n == 0)
		return 0;
	if (f->name.len < text->n + 2 || f->name.data[f->name.len - text->n - 1] != '_' ||
	    memcmp(f->name.data + f->name.len - text->n, text->s, text->n) != 0)
		return line_error_token(l, text->s, e,
					"is a unit the metric's name does not end in");
	return 0;
}

static int check_unit_and_type(const struct family *f, const struct line *l, struct err *e)
{
	if (f->has_unit && f->unit.len > 0 &&
	    (f->type == METRIC_INFO || f->type == METRIC_STATESET))
		return line_error(l, l->begin, e, "a metric of this type has no unit");
	return 0;
}

/* "# KEYWORD name text", exactly one space between; text may be empty for HELP and UNIT. */
static int split_metadata(struct line *l, struct exposition_text *name,
			  struct exposition_text *text, struct err *e)
{
	l->at = l->begin + 7;
	name->s = l->at;
	name->n = scan_metric_name(l->at, l->end);
	if (name->n == 0)
		return line_error_token(l, l->at, e, "is not a metric name");
	l->at += name->n;
	if (l->at == l->end || *l->at != ' ')
		return line_error_token(l, l->at, e, "stands where a single space should");
	*text = (struct exposition_text){l->at + 1, (size_t)(l->end - l->at - 1)};
	return 0;
}

static bool begins(const struct line *l, const char *prefix)
{
	size_t n = strlen(prefix);

	return (size_t)(l->end - l->begin) >= n && memcmp(l->begin, prefix, n) == 0;
}

static int read_metadata(struct exposition *x, struct line *l, struct err *e)
{
	struct family *f = &x->family;
	struct exposition_text name, text = {"", 0};
	bool is_help = begins(l, "# HELP "), is_type = begins(l, "# TYPE ");

	if (!is_help && !is_type && !begins(l, "# UNIT "))
		return line_error(l, l->begin, e,
				  "a line with # must be HELP, TYPE, UNIT or EOF in OpenMetrics");
	if (split_metadata(l, &name, &text, e) != 0)
		return -1;
	buf_reset(&x->last_name);
	if (!f->is_open || !is_text(&f->name, &name)) {
		if (begin_family(x, l, &name, e) != 0)
			return -1;
	} else if (f->has_samples) {
		return line_error(l, l->begin, e, "metadata behind the samples of its metric");
	}
	if (is_help) {
		if (f->has_help)
			return line_error(l, l->begin, e, "a second HELP of this metric");
		f->has_help = true;
		return 0;
	}
	if ((is_type ? note_type(f, l, &text, e) : note_unit(f, l, &text, e)) != 0)
		return -1;
	return check_unit_and_type(f, l, e);
}

static int read_sample(struct exposition *x, struct line *l, struct err *e)
{
	struct sample s;
	const char *suffix;

	s.name = (struct exposition_text){l->at, scan_metric_name(l->at, l->end)};
	if (s.name.n == 0)
		return line_error_token(l, l->at, e, "is not a metric name");
	if (parse_sample(l, x, true, &s, e) != 0)
		return -1;
	(void)sample_name_is_new(x, &s.name); /* tells who wants it */
	if (!family_takes(&x->family, &s.name, &suffix)) {
		if (begin_family(x, l, &s.name, e) != 0)
			return -1;
		suffix = "";
	}
	if (family_sample(&x->family, l, &s, suffix, e) != 0)
		return -1;
	return sample_deliver(x, l, &s, e);
}

int openmetrics_line(struct exposition *x, struct line *l, struct err *e)
{
	if (x->is_ended)
		return line_error(l, l->begin, e, "there is a line behind # EOF");
	if (l->at == l->end)
		return line_error(l, l->begin, e, "an empty line is not allowed in OpenMetrics");
	if (*l->at != '#')
		return read_sample(x, l, e);
	if (l->end - l->begin == 5 && begins(l, "# EOF")) {
		x->is_ended = true;
		return end_family(x, l, e);
	}
	return read_metadata(x, l, e);
}

int openmetrics_end(struct exposition *x, struct line *l, struct err *e)
{
	if (x->is_ended)
		return 0;
	return line_error(l, l->begin, e, "the exposition is torn: it does not end in # EOF");
}
