/*
 * promql: what the files of the kind share; private to audits/promql*.c.
 *
 * promql.c asks: keys, request. promql_answer.c decides whether what came is an answer at all, and
 * to what was asked. promql_measure.c makes measurements of its series.
 */
#ifndef ASSIZE_AUDITS_PROMQL_H
#define ASSIZE_AUDITS_PROMQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/pairs.h"

struct arena;
struct err;
struct json_doc;
struct json_t;
struct probe;

enum promql_reduce {
	PROMQL_REDUCE_NONE,
	PROMQL_REDUCE_LAST,
	PROMQL_REDUCE_MIN,
	PROMQL_REDUCE_MAX,
	PROMQL_REDUCE_AVG,
	PROMQL_REDUCE_COUNT,
};

/* Which annotations of an answer are no reason to refuse it. */
enum promql_warnings { PROMQL_WARNINGS_REFUSE, PROMQL_WARNINGS_INFOS, PROMQL_WARNINGS_ALLOW };

struct promql_range {
	int64_t last_ms, step_ms; /* both 0 = an instant query */
};

struct promql_spec {
	const char *query, *unit;
	struct texts by;
	struct promql_range range;
	int64_t ago_ms, stale_ms, max_gap_ms;
	int64_t min_points, min_series, max_series, max_size;
	int reduce, warnings, partial; /* partial: 0 refuse, 1 allow */
};

/* The moment or the range that was asked for, Unix time; step 0 = a moment. */
struct promql_moment {
	double from_s, to_s, step_s;
};

/* What came back from url. */
struct promql_reply {
	const char *text, *content_type, *url;
	size_t n;
	long status;
};

struct promql_answer {
	struct json_doc *doc; /* in the arena's care */
	struct json_t *result;
	const char *type;   /* "vector", "matrix", "scalar" */
	const char *remark; /* what was allowed although it weakens the answer; NULL = nothing */
};

/* -1 when it is none that may be judged (ERR_MEASURE). */
int promql_answer_read(struct probe *p, const struct promql_reply *r,
		       const struct promql_spec *spec, struct promql_answer *out, struct err *e);

/* Emits a measurement for each series, or -1 when there is no telling which is which. */
int promql_measure(struct probe *p, const struct promql_answer *answer,
		   const struct promql_moment *moment, struct err *e);

#endif
