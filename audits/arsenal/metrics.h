/*
 * arsenal_metrics: what can happen to the series of an answer, whether it is the page of an
 * exporter or the answer of a query API. Where they stand in it is the business of each arsenal.
 */
#ifndef ASSIZE_AUDITS_ARSENAL_METRICS_H
#define ASSIZE_AUDITS_ARSENAL_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "audits/arsenal/replay.h"

enum {
	/* values */
	METRIC_DOUBLED = REPLAY_N_ROWS,
	METRIC_TEN_TIMES,
	METRIC_TENTH,
	METRIC_ZEROED,
	METRIC_NONZERO,
	METRIC_NAN,
	METRIC_INFINITE,
	METRIC_NEGATED,
	METRIC_UNIT_SMALLER,
	METRIC_UNIT_LARGER,
	METRIC_LOCALE,
	METRIC_LAST_VALUE = METRIC_LOCALE,
	/* counters, seen twice */
	METRIC_FROZEN,
	METRIC_RESET,
	/* series */
	METRIC_MISSING,
	METRIC_LOST,
	METRIC_LABEL_MISSING,
	METRIC_DUPLICATE,
	METRIC_RENAMED,
	METRIC_OTHER_TARGET,
	/* time */
	METRIC_STALE,
	METRIC_NEWEST_LOST,
	/* controls */
	METRIC_UNRELATED,
	METRIC_REORDERED,
	METRIC_COMMENT,
	METRIC_MEMBER_ADDED,
	METRIC_N_ROWS
};

/* By the numbers above, those of the replay before them; ended by a NULL name. */
extern const struct attack_row metric_rows[];
/* Of these, what can happen to the page of an exporter, and to the answer to a query. */
extern const struct attack_row metric_rows_of_pages[], metric_rows_of_queries[];

/* What the attacks on series know of theirs; the state of the attack. */
struct metric_object {
	const char *label, *value; /* LABEL_MISSING, OTHER_TARGET */
	size_t n;		   /* LOST: of how many; NEWEST_LOST: points of a series */
};

/* x is copied; NULL = nothing of it. */
struct attack *metric_add(struct challenge *c, size_t row, const char *object,
			  const struct metric_object *x);
size_t metric_row(const struct attack *a);
/* Adds the operators on values from METRIC_DOUBLED on whose bit (row - METRIC_DOUBLED) is set. */
void metric_survey_values(struct challenge *c, const char *object, unsigned wanted);
/* Row LOST of n series, or NEWEST_LOST of n points; row STALE, with s seconds. */
void metric_survey_lost(struct challenge *c, size_t row, const char *object, size_t n);
struct attack *metric_survey_stale(struct challenge *c, const char *object, double s);

/* What stands there in place of v; row is one on values. */
const char *metric_value(struct arena *a, size_t row, double dose, double v);
/* By what a row that scales does so; NaN: it does something else. */
double metric_factor(size_t row, double dose);
/* How many of the n series of METRIC_LOST stay. */
size_t metric_kept(size_t n, double dose);

const char *metric_words(const struct challenge *c, const struct attack *a, double dose);

/* Settles what leaves every answer as it is; NONZERO is of values that nothing scales alone. */
void metric_settle(struct challenge *c, const struct replay *r, damage_fn *damage);

#endif
