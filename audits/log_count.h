/*
 * log_count: lines of a stream, and which of them match.
 *
 * A line ends with a newline; a carriage return before it belongs to the end. What has no newline
 * yet is no line: log_count_pending() says how much that is, log_count_end() takes it for one. A
 * line longer than max_line is looked at as far as that and counted; where no pattern was found in
 * that much of it nobody can say that it does not match: it is unjudged, as is a line a pattern
 * gave up on. Bytes that are no UTF-8 are looked at with U+FFFD in their place.
 *
 * Memory is bounded by max_line and the evidence. Borrows the rules.
 */
#ifndef ASSIZE_AUDITS_LOG_COUNT_H
#define ASSIZE_AUDITS_LOG_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/buf.h"

struct arena;
struct err;
struct pattern;
struct redactor;

#define LOG_SHOWN_LINES 5 /* the first ones, and as many of the last */
#define LOG_SHOWN_BYTES 200
#define LOG_MAX_TEXTS	16
#define LOG_KEPT_BYTES	(LOG_SHOWN_BYTES + 4) /* one character more than what is shown */

struct log_rules {
	const struct pattern *const *patterns;
	size_t n;
	const struct pattern *except; /* NULL = none */
	size_t max_line;	      /* at least LOG_KEPT_BYTES, or half a secret could be shown */
	const struct redactor *redactor;
	/* A line without any of these texts matches no pattern; none = every line is tried. */
	const char *texts[LOG_MAX_TEXTS];
	size_t n_texts;
};

/* Fills in the texts, when all patterns have some. */
void log_rules_hasten(struct log_rules *rules);

/* A line to be shown. */
struct log_line {
	const char *name; /* of its file */
	int64_t position;
	int64_t bytes;
	char text[LOG_KEPT_BYTES]; /* its beginning */
	size_t n_text;
};

struct log_count {
	const struct log_rules *rules;
	int64_t lines, bytes; /* of whole lines */
	int64_t matching;     /* lines that match any pattern */
	int64_t *matches;     /* lines that match each */
	int64_t unjudged;
	const char *why_unjudged; /* the first of them */
	/* the present file */
	const char *name;
	int64_t position; /* of the next byte */
	struct buf carry; /* the beginning of a line, at most max_line of it */
	int64_t carried;  /* its length so far */
	struct log_line first[LOG_SHOWN_LINES], last[LOG_SHOWN_LINES];
	struct arena *arena;
};

void log_count_init(struct log_count *c, struct arena *a, const struct log_rules *rules);
void log_count_release(struct log_count *c);

/* A file begins, at this byte. */
void log_count_begin(struct log_count *c, const char *name, int64_t position);
/* log_sink() of a log_count. */
int log_count_add(void *c, const char *p, size_t n, struct err *e);
int64_t log_count_pending(const struct log_count *c);
void log_count_end(struct log_count *c);
/* The same, if what there is of the line matches: whatever comes behind cannot take that back. */
void log_count_end_match(struct log_count *c);

/* Appends the first and the last matching lines, as far as they are shown, masked and escaped. */
void log_count_show(const struct log_count *c, struct buf *out);

#endif
