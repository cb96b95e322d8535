/*
 * cases: a run as the cases a CI system counts, the same ones in every format that counts.
 *
 * A case is a series, a gate's decision, or the run itself. The last is there only when something
 * keeps the run from passing that no series tells (report_problem()): whoever counts cases sees one
 * that does not pass whenever the exit status is not 0, and none that stops a pipeline when it is.
 * Of a gate that was asked twice about one subject the newer decision counts.
 *
 * All text is one line and visible (text.h) except `file` and `details`; an emitter only escapes
 * what its own format gives a meaning. Lives in the arena given, borrows from the report.
 */
#ifndef ASSIZE_REPORTS_CASES_H
#define ASSIZE_REPORTS_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reports/report.h"
#include "reports/ruling.h"
#include "runner/io/digest.h"

enum case_kind { CASE_SERIES, CASE_GATE, CASE_RUN };

struct report_case {
	enum case_kind kind;
	enum outcome outcome; /* a decision's: pass or warn when open, also against its outcome */
	/* What the decision makes of a failure (ruling.h): it stays one, and counts as none. */
	struct ruling ruling;
	bool is_failure;     /* disproved or undecided, and without a ruling */
	bool is_let_through; /* waived, or overridden: shown, and never as a pass */
	bool is_aside;	     /* nothing the decision is about: counts as skipped */
	bool is_noted;	     /* nothing is expected of it: counts as skipped, too */
	const char *state;   /* the outcome's name, "waived", "overridden", or "noted" */
	const char *group;   /* "tasks" (the audit), "gates", "run" */
	const char *rule;    /* "tasks/missing", "gates/release", "run/complete" */
	const char *name;    /* the rule and the series: tasks/missing{column="owner"} */
	const char *title;   /* of the check, NULL = none */
	const char *message; /* what was found against what was expected */
	const char *details; /* lines, each ended: evidence, query, what to do; "" = none */
	const char *file;    /* where it is written, report_place(); "" = unknown */
	int64_t line, col;   /* from 1; 0 = unknown */
	int64_t start_ms, duration_us;
	int64_t severity;		 /* 0 to 10; a gate's and the run's is 10 */
	char fingerprint[SHA256_HEX];	 /* of rule and series: the same from run to run */
	const struct result *result;	 /* CASE_SERIES, else NULL */
	const struct decision *decision; /* CASE_GATE, else NULL */
};

/* The run if it has a case, the gates, then the series in definition order. Never empty. */
struct report_case *report_cases(struct arena *a, const struct report *r, size_t *n);

/*
 * The same by how much they matter: what is disproved, what is undecided, what was skipped,
 * waived or warned of, what passes; the run and the gates first, then by severity, then as above.
 */
struct report_case **report_cases_ranked(struct arena *a, struct report_case *cases, size_t n);

/* Neither passed nor failed, to whoever counts both. */
bool case_is_skipped(const struct report_case *c);

/* The state as it is written for people: "FAIL". */
const char *case_word(const struct report_case *c);

/* One sentence about all of it: "gate release is shut for v2.31.0", "run 12 passed: 12 checks". */
const char *report_verdict(struct arena *a, const struct report *r);

#endif
