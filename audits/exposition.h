/*
 * exposition: reads what a metrics endpoint says, as it arrives, in constant memory.
 *
 * Two formats. Prometheus text 0.0.4, as prometheus/common expfmt reads it (quoted UTF-8 names
 * included). OpenMetrics 1.0 text, strictly: order of metadata, names reserved by a type's
 * suffixes, values a type allows, grouping, histogram buckets, exemplars, "# EOF". The syntax of
 * every line is checked whether anybody asked for its metric or not; labels are only taken apart
 * for those.
 *
 * Memory: one line (at most 1 MiB), nine bytes for each metric name, in OpenMetrics also for each
 * series of the metric being read. Errors are ERR_MEASURE and name line and column. After an error
 * the reader must not be fed again.
 *
 * Sources: https://prometheus.io/docs/instrumenting/exposition_formats/ and the OpenMetrics 1.0
 * specification.
 */
#ifndef ASSIZE_AUDITS_EXPOSITION_H
#define ASSIZE_AUDITS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct exposition;

enum exposition_format { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };

#define EXPOSITION_MAX_LINE   (1u << 20)
#define EXPOSITION_MAX_LABELS 256
#define EXPOSITION_MAX_NAMES  1000000

/* Not NUL terminated; valid during the callback. */
struct exposition_text {
	const char *s;
	size_t n;
};

struct exposition_label {
	struct exposition_text name, value; /* escapes undone */
};

struct exposition_sample {
	struct exposition_text name;
	const struct exposition_label *labels; /* as written, no name twice */
	size_t n_labels;
	double value; /* may be NaN or infinite */
	bool has_timestamp;
	double timestamp_s; /* Unix time */
	int64_t line;
	bool is_level; /* its TYPE says that it does not count: it may fall */
};

struct exposition_handler {
	/* Is anybody interested in this metric? Asked once for each run of equal names. */
	bool (*wants)(void *ctx, const char *name, size_t n);
	/* -1 stops the reading with *e. */
	int (*on_sample)(void *ctx, const struct exposition_sample *s, struct err *e);
	/* MAY be NULL: does the line hold a secret? Then an error shows nothing of it. */
	bool (*is_secret)(void *ctx, const char *s, size_t n);
};

struct exposition *exposition_new(enum exposition_format format,
				  const struct exposition_handler *handler, void *ctx);
void exposition_free(struct exposition *x); /* NULL is allowed */
int exposition_feed(struct exposition *x, const char *data, size_t n, struct err *e);
/* No more will come: -1 when the last line or the end mark is missing. */
int exposition_end(struct exposition *x, struct err *e);
/* Samples read so far. */
int64_t exposition_samples(const struct exposition *x);

/* Is the whole of [s, s+n) a number as these formats (and query APIs) write it, NaN and Inf too? */
int exposition_real(const char *s, size_t n, double *out);

#endif
