/*
 * tap_read: the Test Anything Protocol, versions 12, 13 and 14 (specification of version 14).
 *
 * A stream counts only as a whole: its plan must be there, once, at the begin or the end, and agree
 * with the test points; a bail-out, a number outside the plan or told twice, a second stream behind
 * the first make it no report at all, and problem says so. A test point that is ok while its
 * subtest failed or is torn is such a contradiction too. What is no TAP is passed over, as the
 * specification wants it, unless the stream is strict (pragma +strict).
 *
 * Pure: text in, counts out; texts are in the arena given. At most TAP_MAX_TESTS test points.
 */
#ifndef ASSIZE_AUDITS_TAP_READ_H
#define ASSIZE_AUDITS_TAP_READ_H

#include <stddef.h>
#include <stdint.h>

struct arena;

#define TAP_MAX_TESTS 1000000
#define TAP_MAX_SHOWN 20

struct tap_report {
	/* Of the outermost stream. A skipped test is neither passed nor failed, nor is one to do.
	 */
	int64_t planned, passed, failed, skipped, todo;
	const char *skip_reason; /* of a plan 1..0: why; "" when it gives none; else NULL */
	const char *problem;	 /* NULL, or why the counts mean nothing */
	const char *failures[TAP_MAX_SHOWN]; /* first ones, as written, escaped */
	size_t n_failures;
};

void tap_read(struct arena *a, const char *s, size_t n, struct tap_report *out);

/* What follows a test point's number, split; for tests of the rules of escaping. */
enum tap_directive { TAP_NONE = 0, TAP_TODO, TAP_SKIP };
struct tap_point {
	_Bool is_ok;
	int64_t number; /* 0 = none written */
	const char *description;
	enum tap_directive directive;
	const char *reason;
};
/* False: the line is no test point. */
_Bool tap_point_parse(struct arena *a, const char *s, size_t n, struct tap_point *out);

#endif
