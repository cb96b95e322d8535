/*
 * The syntax of one sample line:
 *
 *	name{label="value",...} value [timestamp] [# {labels} value [timestamp]]
 *
 * OpenMetrics has exactly one space where the other format has any run of blanks or none, and knows
 * exemplars; Prometheus text knows quoted names ({"name", "label"="value"}). Bytes are classified
 *by a table: this runs over every byte of a scrape.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audits/exposition_internal.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"

#define SHOWN_BYTES 60

enum { NAME_FIRST = 1, NAME_REST = 2, LABEL_FIRST = 4, LABEL_REST = 8, IN_VALUE = 16 };

/* ['a'..'z'] and ['A'..'Z'] and '_' may stand anywhere, digits not first, ':' in metric names. */
#define LETTER (NAME_FIRST | NAME_REST | LABEL_FIRST | LABEL_REST | IN_VALUE)
#define DIGIT  (NAME_REST | LABEL_REST | IN_VALUE)
#define COLON  (NAME_FIRST | NAME_REST | IN_VALUE)
#define L4     LETTER, LETTER, LETTER, LETTER
#define L26    L4, L4, L4, L4, L4, L4, LETTER, LETTER
#define V      IN_VALUE
#define V8     V, V, V, V, V, V, V, V
#define V32    V8, V8, V8, V8

static const unsigned char
	classes[256] =
		{
			V8,    V,     V,      0,     V,	    V,	   V,	  V,	 V,	V8,
			V8, /* 00: all but the newline */
			V,     V,     0,      V,     V,	    V,	   V,	  V,	 V8, /* 20: all but
											the quote */
			DIGIT, DIGIT, DIGIT,  DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT, DIGIT,
			COLON, V,     V,      V,     V,	    V,	   V,	  L26,	 V,	0,
			V,     V,     LETTER, /* 40: all but the backslash */
			V,     L26,   V,      V,     V,	    V,	   V, /* 60 */
			V32,   V32,   V32,    V32, /* 80: UTF-8, checked for the whole line */
};

static bool is(const char *p, int class)
{
	return (classes[(unsigned char)*p] & class) != 0;
}

static int set_error(const struct line *l, const char *at, struct err *e, const char *what)
{
	return err_set(e, ERR_MEASURE, "line %lld:%lld: %s", (long long)l->number,
		       (long long)(at - l->begin) + 1, what);
}

int line_error(const struct line *l, const char *at, struct err *e, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut when too long */
	va_end(ap);
	return set_error(l, at, e, what);
}

int line_error_token(const struct line *l, const char *at, struct err *e, const char *what)
{
	const struct exposition_handler *h = &l->of->handler;
	bool is_secret =
		h->is_secret && h->is_secret(l->of->ctx, l->begin, (size_t)(l->end - l->begin));
	size_t n = 0;
	struct buf b;

	while (at + n < l->end && n < SHOWN_BYTES && at[n] != ' ' && at[n] != '\t')
		n++;
	if (n == 0)
		n = at < l->end ? 1 : 0;
	buf_init(&b, SHOWN_BYTES * 8 + 512);
	if (n > 0) {
		(void)buf_putc(&b, '"'); /* the ceiling holds the longest escapes */
		if (is_secret)
			(void)buf_puts(&b, REDACT_MASK);
		else
			str_escape(&b, at, n);
		(void)buf_puts(&b, "\" ");
	} else {
		(void)buf_puts(&b, "the end of the line ");
	}
	(void)buf_puts(&b, what);
	(void)set_error(l, at, e, b.data); /* always -1 */
	buf_release(&b);
	return -1;
}

size_t scan_metric_name(const char *s, const char *end)
{
	const char *p = s;

	if (p == end || !is(p, NAME_FIRST))
		return 0;
	while (p < end && is(p, NAME_REST))
		p++;
	return (size_t)(p - s);
}

static void skip_blanks(struct line *l)
{
	if (l->is_strict)
		return;
	while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
		l->at++;
}

/* The text up to the closing quote; at stands behind the opening one. */
static int parse_quoted(struct line *l, struct exposition_text *out, bool *has_escape,
			struct err *e)
{
	const char *p = l->at;

	*has_escape = false;
	for (;;) {
		while (p < l->end && is(p, IN_VALUE))
			p++;
		if (p == l->end)
			return line_error(l, p, e, "the line ends inside a quoted text");
		if (*p == '"')
			break;
		*has_escape = true;
		if (p + 1 == l->end)
			return line_error(l, p, e, "the line ends inside a quoted text");
		/* OpenMetrics takes an unknown escape as it stands. */
		if (!l->is_strict && p[1] != '\\' && p[1] != '"' && p[1] != 'n')
			return line_error_token(l, p, e, "begins with an unknown escape");
		p += 2;
	}
	*out = (struct exposition_text){l->at, (size_t)(p - l->at)};
	l->at = p + 1;
	return 0;
}

/* A label's name, or the metric's own in {"name"}; quoted ones only in Prometheus text. */
static int parse_label_name(struct line *l, struct raw_label *out, struct err *e)
{
	const char *p = l->at;

	out->is_name_quoted = false;
	if (!l->is_strict && p < l->end && *p == '"') {
		l->at++;
		out->is_name_quoted = true;
		if (parse_quoted(l, &out->name, &out->has_escape, e) != 0)
			return -1;
		return out->name.n > 0 ? 0 : line_error(l, p, e, "a name is empty");
	}
	if (p == l->end || !is(p, LABEL_FIRST))
		return line_error_token(l, p, e, "is not a label name");
	while (p < l->end && is(p, LABEL_REST))
		p++;
	out->name = (struct exposition_text){l->at, (size_t)(p - l->at)};
	l->at = p;
	return 0;
}

static bool equal(const struct exposition_text *a, const char *s, size_t n)
{
	return a->n == n && memcmp(a->s, s, n) == 0;
}

static int check_label_name(const struct line *l, const struct raw_labels *labels,
			    const struct raw_label *label, struct err *e)
{
	if (equal(&label->name, "__name__", 8))
		return line_error(l, label->name.s, e, "the label name \"__name__\" is reserved");
	for (size_t i = 0; i < labels->n; i++)
		if (equal(&labels->items[i].name, label->name.s, label->name.n))
			return line_error_token(l, label->name.s, e,
						"begins with a label name that was there before");
	return 0;
}

/* Does the next label begin as that of the line before did? Then at stands in its value. */
static bool take_known(struct line *l, struct raw_labels *labels)
{
	const struct known_labels *known = &labels->known;
	size_t i = labels->n, n;

	if (!labels->is_known || i >= known->n)
		return false;
	n = known->lengths[i];
	if ((size_t)(l->end - l->at) < n || memcmp(l->at, known->begins[i], n) != 0)
		return false;
	labels->items[i].name = (struct exposition_text){l->at, n - 2};
	labels->items[i].is_name_quoted = false;
	l->at += n;
	return true;
}

/* The label at n, whose value begins at end, is good. */
static void keep_known(struct raw_labels *labels, const char *end)
{
	struct known_labels *known = &labels->known;
	const struct exposition_text *name = &labels->items[labels->n].name;
	size_t i = labels->n, n = name->n + 2;

	labels->is_known = labels->is_known && i < KNOWN_LABELS && n <= KNOWN_BYTES &&
			   name->s + n == end && !labels->items[i].is_name_quoted;
	if (!labels->is_known)
		return;
	memcpy(known->begins[i], name->s, n);
	known->lengths[i] = (unsigned char)n;
	known->n = i + 1;
}

/* One `name="value"`, or with name != NULL the quoted metric name among the labels. */
static int parse_label(struct line *l, struct raw_labels *labels, struct exposition_text *name,
		       struct err *e)
{
	struct raw_label *label;
	const char *begin = l->at;

	if (labels->n == EXPOSITION_MAX_LABELS)
		return line_error(l, begin, e, "more than %d labels", EXPOSITION_MAX_LABELS);
	label = &labels->items[labels->n];
	if (take_known(l, labels)) {
		if (parse_quoted(l, &label->value, &label->has_escape, e) != 0)
			return -1;
		labels->n++;
		return 0;
	}
	if (parse_label_name(l, label, e) != 0)
		return -1;
	skip_blanks(l);
	if (name != NULL && label->is_name_quoted && l->at < l->end && *l->at != '=') {
		if (name->n > 0)
			return line_error(l, begin, e, "a second metric name");
		*name = label->name;
		return 0;
	}
	if (l->at == l->end || *l->at != '=')
		return line_error_token(l, l->at, e, "stands where = should follow a label name");
	if (check_label_name(l, labels, label, e) != 0)
		return -1;
	l->at++;
	skip_blanks(l);
	if (l->at == l->end || *l->at != '"')
		return line_error_token(l, l->at, e, "stands where a quoted label value should");
	l->at++;
	keep_known(labels, l->at);
	if (parse_quoted(l, &label->value, &label->has_escape, e) != 0)
		return -1;
	labels->n++;
	return 0;
}

/* at stands behind the brace; name is NULL when the metric has one already. */
static int parse_labels(struct line *l, struct raw_labels *labels, struct exposition_text *name,
			struct err *e)
{
	labels->n = 0;
	labels->is_known = true;
	skip_blanks(l);
	while (l->at < l->end && *l->at != '}') {
		if (parse_label(l, labels, name, e) != 0)
			return -1;
		skip_blanks(l);
		if (l->at == l->end || *l->at == '}')
			break;
		if (*l->at != ',')
			return line_error_token(l, l->at, e, "stands where , or } should");
		l->at++;
		skip_blanks(l);
		if (l->is_strict && l->at < l->end && *l->at == '}')
			return line_error(l, l->at, e, "a comma without a label behind it");
	}
	if (l->at == l->end)
		return line_error(l, l->at, e, "the line ends inside the labels");
	l->at++;
	return 0;
}

/* Blanks that must or may separate two parts; in OpenMetrics exactly one space. */
static int separate(struct line *l, struct err *e)
{
	if (!l->is_strict) {
		skip_blanks(l);
		return 0;
	}
	if (l->at == l->end || *l->at != ' ')
		return line_error_token(l, l->at, e, "stands where a single space should");
	l->at++;
	return 0;
}

static size_t token_length(const struct line *l)
{
	const char *p = l->at;

	while (p < l->end && *p != ' ' && *p != '\t')
		p++;
	return (size_t)(p - l->at);
}

static int parse_value(struct line *l, bool wants_value, double *out, struct err *e)
{
	size_t n = token_length(l);
	int code;

	if (n == 0)
		return line_error(l, l->at, e, "a value is missing");
	code = wants_value ? exposition_real(l->at, n, out) : exposition_real_check(l->at, n);
	if (code != 0)
		return line_error_token(l, l->at, e, "is not a number");
	l->at += n;
	return 0;
}

/* Prometheus text: whole milliseconds. OpenMetrics: seconds. */
static int parse_timestamp(struct line *l, double *out, struct err *e)
{
	size_t n = token_length(l), i = 0;
	double t;

	if (n == 0)
		return line_error_token(l, l->at, e, "stands where a timestamp should");
	if (!l->is_strict)
		for (i = l->at[0] == '-' || l->at[0] == '+'; i < n; i++)
			if (l->at[i] < '0' || l->at[i] > '9')
				return line_error_token(l, l->at, e,
							"is not a timestamp in whole milliseconds");
	if (exposition_real(l->at, n, &t) != 0 || !(t > -1e300 && t < 1e300))
		return line_error_token(l, l->at, e, "is not a timestamp");
	*out = l->is_strict ? t : t / 1000;
	l->at += n;
	return 0;
}

static size_t count_chars(const struct raw_label *label)
{
	size_t n = 0;

	for (size_t i = 0; i < label->name.n; i++)
		n += ((unsigned char)label->name.s[i] & 0xC0) != 0x80;
	for (size_t i = 0; i < label->value.n; i++) {
		/* An escape stands for one character. */
		if (label->value.s[i] == '\\' && i + 1 < label->value.n &&
		    strchr("\\\"n", label->value.s[i + 1]) != NULL)
			i++;
		n += ((unsigned char)label->value.s[i] & 0xC0) != 0x80;
	}
	return n;
}

/* at stands on the '#'. */
static int parse_exemplar(struct line *l, struct raw_labels *labels, struct exemplar *out,
			  struct err *e)
{
	const char *begin = l->at++;
	double ignored;

	if (separate(l, e) != 0)
		return -1;
	if (l->at == l->end || *l->at != '{')
		return line_error_token(l, l->at, e, "stands where an exemplar's labels should");
	l->at++;
	if (parse_labels(l, labels, NULL, e) != 0 || separate(l, e) != 0 ||
	    parse_value(l, true, &ignored, e) != 0)
		return -1;
	if (l->at < l->end && (separate(l, e) != 0 || parse_timestamp(l, &ignored, e) != 0))
		return -1;
	out->is_present = true;
	out->n_chars = 0;
	for (size_t i = 0; i < labels->n; i++)
		out->n_chars += count_chars(&labels->items[i]);
	if (out->n_chars > 128)
		return line_error(l, begin, e,
				  "the exemplar's labels have %zu characters, 128 are allowed",
				  out->n_chars);
	return 0;
}

/* What follows the value. */
static int parse_rest(struct line *l, struct exposition *x, struct sample *out, struct err *e)
{
	if (!l->is_strict) {
		skip_blanks(l);
		if (l->at == l->end)
			return 0;
		out->has_timestamp = true;
		if (parse_timestamp(l, &out->timestamp_s, e) != 0)
			return -1;
		skip_blanks(l);
		if (l->at < l->end)
			return line_error_token(l, l->at, e, "stands behind the timestamp");
		return 0;
	}
	if (l->at == l->end)
		return 0;
	if (separate(l, e) != 0)
		return -1;
	if (l->at == l->end || *l->at != '#') {
		out->has_timestamp = true;
		if (parse_timestamp(l, &out->timestamp_s, e) != 0)
			return -1;
		if (l->at == l->end)
			return 0;
		if (separate(l, e) != 0)
			return -1;
		if (l->at == l->end || *l->at != '#')
			return line_error_token(l, l->at, e, "stands behind the timestamp");
	}
	if (parse_exemplar(l, &x->exemplar_labels, &out->exemplar, e) != 0)
		return -1;
	if (l->at < l->end)
		return line_error_token(l, l->at, e, "stands behind the exemplar");
	return 0;
}

int parse_sample(struct line *l, struct exposition *x, bool wants_value, struct sample *out,
		 struct err *e)
{
	const char *begin = l->at;

	out->has_timestamp = false;
	out->exemplar.is_present = false;
	out->value = 0;
	out->labels = &x->labels;
	x->labels.n = 0;
	if (out->name.n > 0) {
		l->at += out->name.n;
		skip_blanks(l);
		if (l->at < l->end && *l->at == '{') {
			l->at++;
			if (parse_labels(l, &x->labels, NULL, e) != 0)
				return -1;
		} else if (!l->is_strict && l->at < l->end && l->at == begin + out->name.n) {
			return line_error_token(l, begin, e, "is not a metric name");
		}
	} else {
		l->at++; /* {"name", ...} */
		if (parse_labels(l, &x->labels, &out->name, e) != 0)
			return -1;
		if (out->name.n == 0)
			return line_error(l, begin, e, "the metric has no name");
	}
	if (separate(l, e) != 0)
		return -1;
	out->value_at = l->at;
	if (parse_value(l, wants_value, &out->value, e) != 0)
		return -1;
	return parse_rest(l, x, out, e);
}

void unescape(const struct raw_label *label, struct buf *b)
{
	const char *s = label->value.s;

	for (size_t i = 0; i < label->value.n; i++) {
		char c = s[i];

		if (c == '\\' && i + 1 < label->value.n && strchr("\\\"n", s[i + 1]) != NULL &&
		    s[i + 1] != '\0') {
			i++;
			c = s[i];
			if (c == 'n')
				c = '\n';
		}
		(void)buf_putc(b, c); /* never longer than the line, which has a ceiling */
	}
}

const struct raw_label *find_label(const struct raw_labels *labels, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < labels->n; i++)
		if (equal(&labels->items[i].name, name, n))
			return &labels->items[i];
	return NULL;
}
