/*
 * judge: from a finished job to the results that are recorded.
 *
 * Here, and only here, measurements meet expectations, absent values become undecided, and every
 * text that will leave the program passes the redactor.
 */
#ifndef ASSIZE_RUNNER_JUDGE_H
#define ASSIZE_RUNNER_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "runner/model/result.h"

struct arena;
struct baseline;
struct check;
struct err;
struct job;
struct measurement;
struct named_expectation;
struct record;
struct redactor;
struct verdict;

struct judge {
	struct record *record; /* for `within`; NULL = nothing was measured before */
	int64_t run_id;
	const struct redactor *redactor;
	const struct check_info *const *infos; /* by slot */
};

struct judged {
	struct result *results; /* at least one */
	/* results[k] is of measured[k]; NULL = of something that was not measured */
	const struct measurement **measured;
	size_t n;
	enum outcome outcome; /* joined */
};

/* What is recorded once about a check. Lives in a. */
const struct check_info *judge_check_info(struct arena *a, const struct check *c,
					  const struct redactor *redactor);

/*
 * Judges a measured value by what is expected of it; the same again when a record is replayed.
 * baseline is for `within` and `not worse than`.
 */
void judge_value(struct arena *a, const struct named_expectation *expected,
		 const struct measurement *m, const struct baseline *baseline, struct verdict *out);

/* Was the result left undecided by judge_give_up()? */
bool judge_is_given_up(const struct result *r);

/*
 * Results of checks[i] of a finished job, in the job's arena. -1 only when the record cannot be
 * read.
 */
int judge_job(const struct judge *j, struct job *job, size_t i, struct judged *out, struct err *e);

/*
 * A retry would have to wait longer than the check may take, because the server asks for it: what
 * is not passing becomes undecided, with that reason.
 */
void judge_give_up(const struct job *job, size_t i, struct judged *judged);

/*
 * Adds to job->findings the failed series of checks[i] that its kind can show something of, up to a
 * ceiling for the job.
 */
void judge_find(struct job *job, size_t i, const struct judged *judged);
/* Puts what was found into the evidence of the results. */
void judge_add_evidence(const struct judge *j, struct job *job);

/* The one result of a check that was not executed: OUTCOME_SKIP or OUTCOME_UNDECIDED with a reason.
 */
void judge_unexecuted(const struct judge *j, struct arena *a, const struct check *c, size_t slot,
		      enum outcome outcome, const char *reason, int64_t now_ms, struct judged *out);

#endif
