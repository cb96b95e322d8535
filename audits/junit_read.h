/*
 * junit_read: JUnit XML as Ant, Maven (surefire), Gradle, pytest, GoogleTest and others write it.
 *
 *	<testsuites> <testsuite name tests failures errors skipped time>
 *		<testcase classname name time> <failure message/> | <error/> | <skipped/>
 *
 * There is no standard, so the test cases are counted, and what a suite says of itself (tests,
 * failures, errors, skipped) must agree with them: a report that contradicts itself is none. Suites
 * may be nested. So is a test case that says failed of itself (status, result) without a failure in
 * it. A test that GoogleTest did not run (status="notrun") is skipped, not passed. What
 * passed only when it was run again (flakyFailure, flakyError) is counted as passed and as flaky. A
 * failure or error outside of all test cases is in no count, so a report with one is refused.
 *
 * The time is that of the outermost suite; a <testsuites> that does not say it took as long as what
 * is in it, as far as all of that says.
 *
 * Texts are in the arena given. Several documents may be added up in one report.
 */
#ifndef ASSIZE_AUDITS_JUNIT_READ_H
#define ASSIZE_AUDITS_JUNIT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

#define JUNIT_MAX_SUITES 1000
#define JUNIT_MAX_SHOWN	 20

struct junit_suite {
	const char *name;
	int64_t tests, failed; /* of its own, nested suites are suites themselves */
	double time;	       /* seconds; NaN when it does not say, or not as a number */
};

struct junit_report {
	int64_t tests, passed, failed, skipped, flaky; /* failed: failures and errors */
	double time;				       /* NaN: not told */
	struct junit_suite *suites;		       /* the first JUNIT_MAX_SUITES */
	size_t n_suites, cap_suites;
	int64_t n_left_out; /* suites behind them, which are counted in the sums alone */
	int64_t n_documents;
	const char *failures[JUNIT_MAX_SHOWN]; /* "class.test: message", escaped */
	size_t n_failures;
};

/* Adds one document to *out, which is zeroed before the first. -1: it is no report to count on. */
int junit_read(struct arena *a, const char *text, size_t n, struct junit_report *out,
	       struct err *e);
/* Do the attributes of a test case (xml.h) say that it did not run? */
bool junit_is_not_run(const char *const *attributes);

#endif
