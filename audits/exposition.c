/*
 * Cuts the stream into lines. A line that lies whole in the piece at hand is read where it is; only
 * the one at the end of a piece is copied. memchr() finds line ends faster than any loop here
 * could.
 */
#include "audits/exposition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/exposition_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

struct exposition *exposition_new(enum exposition_format format,
				  const struct exposition_handler *handler, void *ctx)
{
	struct exposition *x = xmalloc(sizeof(*x));

	/* Not zeroed as a whole: the label tables are large and always written before they are
	 * read. */
	x->format = format;
	x->handler = *handler;
	x->ctx = ctx;
	x->n_lines = x->n_samples = 0;
	x->is_ended = false;
	x->names = (struct hash_table){0};
	x->last_is_wanted = false;
	x->last_type = METRIC_NONE;
	x->family = (struct family){0};
	x->labels.n = x->exemplar_labels.n = 0;
	x->labels.known.n = x->exemplar_labels.known.n = 0;
	buf_init(&x->carry, EXPOSITION_MAX_LINE);
	buf_init(&x->last_name, EXPOSITION_MAX_LINE);
	buf_init(&x->family.name, EXPOSITION_MAX_LINE);
	buf_init(&x->family.unit, EXPOSITION_MAX_LINE);
	buf_init(&x->unescaped, EXPOSITION_MAX_LINE);
	return x;
}

void exposition_free(struct exposition *x)
{
	if (x == NULL)
		return;
	hash_table_release(&x->names);
	hash_table_release(&x->family.seen_groups);
	buf_release(&x->carry);
	buf_release(&x->last_name);
	buf_release(&x->family.name);
	buf_release(&x->family.unit);
	buf_release(&x->unescaped);
	free(x);
}

int64_t exposition_samples(const struct exposition *x)
{
	return x->n_samples;
}

/* Eight bytes at a time: most lines are plain ASCII and need no closer look. */
static bool is_ascii(const char *s, size_t n)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	uint64_t word, all = 0;
	size_t i = 0;

	for (; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, s + i, sizeof(word));
		all |= word;
	}
	if ((all & high) != 0)
		return false;
	for (; i < n; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

static struct line line_of(struct exposition *x, const char *s, size_t n)
{
	return (struct line){
		.of = x,
		.begin = s,
		.at = s,
		.end = s + n,
		.number = ++x->n_lines,
		.is_strict = x->format == EXPOSITION_OPENMETRICS,
	};
}

static int read_line(struct exposition *x, const char *s, size_t n, struct err *e)
{
	struct line l = line_of(x, s, n);

	if (!is_ascii(s, n) && !str_is_utf8(s, n))
		return line_error(&l, s, e, "the line is not valid UTF-8");
	switch (x->format) {
	case EXPOSITION_PROMETHEUS:
		return prometheus_line(x, &l, e);
	case EXPOSITION_OPENMETRICS:
		return openmetrics_line(x, &l, e);
	}
	return -1;
}

static int keep(struct exposition *x, const char *s, size_t n, struct err *e)
{
	if (buf_add(&x->carry, s, n) == 0)
		return 0;
	return err_set(e, ERR_MEASURE, "line %lld is longer than %u bytes",
		       (long long)x->n_lines + 1, EXPOSITION_MAX_LINE);
}

int exposition_feed(struct exposition *x, const char *data, size_t n, struct err *e)
{
	const char *at = data, *end = data + n;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline != NULL ? newline : end) - at);

		if (newline == NULL)
			return keep(x, at, len, e);
		if (x->carry.len > 0) {
			if (keep(x, at, len, e) != 0 ||
			    read_line(x, x->carry.data, x->carry.len, e) != 0)
				return -1;
			buf_reset(&x->carry);
		} else if (read_line(x, at, len, e) != 0) {
			return -1;
		}
		at = newline + 1;
	}
	return 0;
}

int exposition_end(struct exposition *x, struct err *e)
{
	struct line l;

	if (x->format == EXPOSITION_OPENMETRICS) {
		/* "# EOF" needs no newline behind it; any other line is followed by one. */
		if (x->carry.len > 0 && read_line(x, x->carry.data, x->carry.len, e) != 0)
			return -1;
		l = line_of(x, "", 0);
		return openmetrics_end(x, &l, e);
	}
	if (strspn(x->carry.data, " \t") == x->carry.len)
		return 0;
	l = line_of(x, x->carry.data, x->carry.len);
	return line_error_token(&l, l.begin, e,
				"begins the last line, which is torn: no newline ends it");
}

bool sample_name_is_new(struct exposition *x, const struct exposition_text *name)
{
	if (x->last_name.len == name->n && memcmp(x->last_name.data, name->s, name->n) == 0 &&
	    name->n > 0)
		return false;
	buf_reset(&x->last_name);
	(void)buf_add(&x->last_name, name->s, name->n); /* part of a line, which fits */
	x->last_is_wanted = x->handler.wants(x->ctx, name->s, name->n);
	return true;
}

/* A quoted metric name may hold escapes as well; they are left as written. */
static void unescape_labels(struct exposition *x, const struct sample *s)
{
	struct buf *b = &x->unescaped;

	/* Values with escapes move into b; it must not move itself while they do. */
	buf_reset(b);
	for (size_t i = 0; i < s->labels->n; i++)
		if (s->labels->items[i].has_escape)
			unescape(&s->labels->items[i], b);
	buf_reset(b);
	for (size_t i = 0; i < s->labels->n; i++) {
		const struct raw_label *raw = &s->labels->items[i];
		struct exposition_label *out = &x->out_labels[i];

		out->name = raw->name;
		out->value = raw->value;
		if (raw->has_escape) {
			size_t from = b->len;

			unescape(raw, b);
			out->value = (struct exposition_text){b->data + from, b->len - from};
		}
	}
}

/* Of a summary the quantiles are levels; what has no type may count. */
static bool is_level(enum metric_type type, const struct raw_labels *labels)
{
	switch (type) {
	case METRIC_GAUGE:
	case METRIC_GAUGEHISTOGRAM:
	case METRIC_STATESET:
	case METRIC_INFO:
		return true;
	case METRIC_SUMMARY:
		return find_label(labels, "quantile") != NULL;
	case METRIC_NONE:
	case METRIC_UNKNOWN:
	case METRIC_COUNTER:
	case METRIC_HISTOGRAM:
		return false;
	}
	return false;
}

int sample_deliver(struct exposition *x, const struct line *l, const struct sample *s,
		   struct err *e)
{
	struct exposition_sample out = {
		.name = s->name,
		.labels = x->out_labels,
		.n_labels = s->labels->n,
		.value = s->value,
		.has_timestamp = s->has_timestamp,
		.timestamp_s = s->timestamp_s,
		.line = l->number,
	};

	x->n_samples++;
	if (!x->last_is_wanted)
		return 0;
	out.is_level = is_level(x->format == EXPOSITION_OPENMETRICS ? x->family.type : x->last_type,
				s->labels);
	unescape_labels(x, s);
	return x->handler.on_sample(x->ctx, &out, e);
}
