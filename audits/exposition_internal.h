/*
 * exposition_internal: what the files of the exposition reader share; private to exposition*.c.
 *
 * exposition.c cuts the stream into lines; exposition_line.c knows the syntax of a sample, which
 * both formats have nearly in common; exposition_number.c reads numbers; exposition_prometheus.c
 * and exposition_openmetrics.c hold the rules of each format; exposition_groups.c those OpenMetrics
 * has about the samples of one metric.
 */
#ifndef ASSIZE_AUDITS_EXPOSITION_INTERNAL_H
#define ASSIZE_AUDITS_EXPOSITION_INTERNAL_H

#include "audits/exposition.h"
#include "audits/hash_table.h"
#include "runner/base/buf.h"

enum metric_type {
	METRIC_NONE = 0, /* nothing said yet */
	METRIC_UNKNOWN,	 /* "untyped" in Prometheus text */
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_SUMMARY,
	METRIC_HISTOGRAM,
	METRIC_GAUGEHISTOGRAM,
	METRIC_STATESET,
	METRIC_INFO,
};

/* A label as it stands in the line. */
struct raw_label {
	struct exposition_text name, value; /* between the quotes */
	bool has_escape, is_name_quoted;
};

#define KNOWN_LABELS 16
#define KNOWN_BYTES  32 /* of a name and =" */

/*
 * How labels began in the line before, `name="`, as many as were found to be names and different.
 * Most lines have those of their neighbour: then nothing of that has to be found out again.
 */
struct known_labels {
	size_t n;
	unsigned char lengths[KNOWN_LABELS];
	char begins[KNOWN_LABELS][KNOWN_BYTES];
};

struct raw_labels {
	struct raw_label items[EXPOSITION_MAX_LABELS];
	size_t n;
	struct known_labels known;
	bool is_known; /* all before n are */
};

struct exemplar {
	bool is_present;
	size_t n_chars; /* of its label names and values */
};

/* The line under the finger. */
struct line {
	const struct exposition *of;
	const char *begin, *at, *end; /* without the newline */
	int64_t number;
	bool is_strict; /* OpenMetrics: single spaces, no quoted names */
};

/* One sample, taken apart. */
struct sample {
	struct exposition_text name;
	struct raw_labels *labels;
	const char *value_at;
	double value;
	bool has_timestamp;
	double timestamp_s;
	struct exemplar exemplar;
};

struct group {
	uint64_t hash;
	bool is_open;
	bool has_timestamp;
	double timestamp_s;
	/* histograms */
	bool has_bucket, has_negative_bucket, has_count, has_sum, has_negative_sum;
	double last_bound, last_count, count;
};

/* The metric OpenMetrics is in. */
struct family {
	struct buf name;
	struct buf unit;
	enum metric_type type;
	bool is_open, has_help, has_type, has_unit, has_samples;
	struct group group;
	struct hash_table seen_groups;
};

struct exposition {
	enum exposition_format format;
	struct exposition_handler handler;
	void *ctx;
	struct buf carry; /* the beginning of a line whose end has not come */
	int64_t n_lines, n_samples;
	bool is_ended;		 /* "# EOF" was read */
	struct hash_table names; /* Prometheus: to type and flags; OpenMetrics: names taken */
	/* the previous sample's name, and what is known about it */
	struct buf last_name;
	bool last_is_wanted;
	enum metric_type last_type;
	struct family family;
	struct raw_labels labels, exemplar_labels;
	struct exposition_label out_labels[EXPOSITION_MAX_LABELS];
	struct buf unescaped;
};

/* Sets "LINE:COL: what", the column that of at; returns -1. Offending text is shown escaped. */
int line_error(const struct line *l, const char *at, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * The same with the text from at to the next blank, in quotes, before the words. A piece of a line
 * that holds a secret could be a part of it, which nobody recognises later: it is not shown.
 */
int line_error_token(const struct line *l, const char *at, struct err *e, const char *what);

/* exposition_number.c: only the syntax, when the value does not matter. */
int exposition_real_check(const char *s, size_t n);

/* exposition_line.c */
size_t scan_metric_name(const char *s, const char *end); /* length; 0 = none */
int parse_sample(struct line *l, struct exposition *x, bool wants_value, struct sample *out,
		 struct err *e);
/* Undoes the escapes of one value into b (appended). */
void unescape(const struct raw_label *label, struct buf *b);
const struct raw_label *find_label(const struct raw_labels *labels, const char *name);

/* The rules: one line without its newline. */
int prometheus_line(struct exposition *x, struct line *l, struct err *e);
int openmetrics_line(struct exposition *x, struct line *l, struct err *e);
int openmetrics_end(struct exposition *x, struct line *l, struct err *e);

/* exposition.c: hands a sample to the handler when its name is wanted. */
bool sample_name_is_new(struct exposition *x, const struct exposition_text *name);
int sample_deliver(struct exposition *x, const struct line *l, const struct sample *s,
		   struct err *e);

/* exposition_groups.c */
void family_close(struct family *f);
/* Does the name belong to f, and as what? suffix is "" for the name itself. */
bool family_takes(const struct family *f, const struct exposition_text *name, const char **suffix);
const char *const *metric_type_suffixes(enum metric_type type); /* NULL terminated */
int family_sample(struct family *f, const struct line *l, const struct sample *s,
		  const char *suffix, struct err *e);
/* The present group is over: are its buckets complete? */
int group_end(const struct family *f, const struct line *l, struct err *e);

#endif
