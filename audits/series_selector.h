/*
 * series_selector: which series of an exposition a check means.
 *
 *	name
 *	name{label="x", other!="y", le=~"0\\.[0-9]+", path!~'/internal/.*'}
 *	{"name.in.utf-8", "label.too"="x"}
 *
 * As in PromQL: all matchers must hold, a label that is not there counts as empty, a regular
 * expression must match the whole value, text in "" or '' knows the escapes \\ \" \' \n \t. Unlike
 * PromQL the metric must be named. Immutable once parsed; lives in the arena given.
 */
#ifndef ASSIZE_AUDITS_SERIES_SELECTOR_H
#define ASSIZE_AUDITS_SERIES_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct exposition_label;
struct pattern;

enum series_operator { SERIES_EQUAL, SERIES_NOT_EQUAL, SERIES_MATCHES, SERIES_NOT_MATCHES };

struct series_matcher {
	const char *label;
	enum series_operator op;
	const char *value;
	struct pattern *pattern; /* of the last two */
};

struct series_selector {
	const char *text; /* as written */
	const char *name;
	size_t n_name;
	struct series_matcher *matchers;
	size_t n_matchers;
};

/* Errors (ERR_DEFINITION) say at which column of text they are. */
int series_selector_parse(struct arena *a, const char *text, struct series_selector *out,
			  struct err *e);
bool series_selector_is_named(const struct series_selector *s, const char *name, size_t n);
/* Do the labels fit? 1 yes, 0 no, -1 a pattern came to its limit (e set). */
int series_selector_matches(const struct series_selector *s, const struct exposition_label *labels,
			    size_t n, struct err *e);

#endif
