/*
 * expect: the expectation language and the one function that judges.
 *
 *   < <= > >= == !=          number with optional unit; == and != also take quoted text
 *   between A and B          inclusive
 *   in [a, b, "c"]
 *   matches /re/             PCRE2, UTF; / inside is written \/ ; flag i allowed after the last /
 *   within 10% of median(28d), within 3 sigma of mean(28d)
 *   not worse than history, not worse than control   for values measured several times in a run
 *
 * Units: unit.h. An expectation is a list of terms which all must hold. Judging is pure: the
 * measurement, the terms and (for `within` and `not worse than`) a baseline already fetched by the
 * caller are the only inputs. No measurement is UNDECIDED for every operator including !=.
 *
 * Parsed expectations live in the arena given; compiled patterns are freed with it.
 */
#ifndef ASSIZE_MODEL_EXPECT_H
#define ASSIZE_MODEL_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/err.h"
#include "runner/model/measurement.h"
#include "runner/model/outcome.h"

struct arena;

enum expect_statistic { EXPECT_MEDIAN, EXPECT_MEAN };

/* History a `within` term is measured against; minimum EXPECT_MIN_BASELINE values that did not
 * fail. */
#define EXPECT_MIN_BASELINE 7
struct baseline {
	size_t n; /* values found in the window, the present run excluded */
	double median, mean, sigma;
	const struct comparison *history, *control; /* NULL = the value has none */
};

/*
 * What a `not worse than` term is judged by, worked out from the repetitions. The value is worse
 * when it is so by more than the floor and chance does not explain it; one of the two alone is not
 * enough.
 */
struct comparison {
	const char *reason; /* why nothing can be said; NULL = the rest is set */
	const char *help;   /* with a reason: what to do about it */
	double centre;	    /* of what it is compared with; centre + floor is the limit */
	double change;	    /* above 0 = worse */
	double floor;
	double p_value, level;
	const char *words; /* "4.1 % above the median of 40 runs, p = 0.024" */
	const char *rule;  /* "worse is more than 5 %, with a p of at most 0.05" */
};

#define EXPECT_MAX_SET 1000 /* values of one `in [...]` */

struct expect_term;

struct expectation {
	const char *text;	  /* as written, terms joined by ", " */
	const char *const *texts; /* each term as written */
	struct pos pos;
	struct expect_term *terms;
	size_t n_terms;
	int64_t window_ms; /* longest `within` window, 0 = none: the caller must supply a baseline
			    */
	bool has_history, has_control; /* `not worse than`: the caller must supply a comparison */
	bool has_share;		       /* some bound carries % */
	bool has_text;		       /* some bound is text or a pattern */
	const char *plain;	       /* a number without a unit, 0 apart; NULL = there is none */
	const char
		*unit; /* base unit of the first bound that has one, "" = none: definition check */
};

/*
 * texts: one or several terms in words. Errors carry pos moved to the column inside the text when
 * the scalar was plain or quoted on one line.
 */
int expect_parse(struct arena *a, const char *const *texts, const struct pos *positions, size_t n,
		 struct expectation *out, struct err *e);

/*
 * expect_suggest.c: an expectation that could not be read as its author most likely meant it ("5"
 * is "== 5"); NULL = no idea. The result can be read.
 */
const char *expect_suggest(struct arena *a, const char *text);
/* Does s[i] stand between thousands, as in 1,000? */
bool expect_is_separator(const char *s, size_t i);
/* As YAML, in quotes. */
const char *expect_quoted(struct arena *a, const char *text);

/*
 * expect_sides.c: on which sides the terms keep a number, as bits; 0 = on none (!=, text), and
 * of x NULL.
 */
enum expect_side { EXPECT_FLOOR = 1, EXPECT_CEILING = 2 };
unsigned expect_sides(const struct expectation *x);
/*
 * As YAML, in quotes: the terms of x (NULL = there are none) and one more, a comparison that keeps
 * that side; comparisons of x that only do the same are left out.
 */
const char *expect_with(struct arena *a, const struct expectation *x, enum expect_side side,
			const char *added);

/* What a value that is never below 0 can be. */
struct expect_range {
	double most; /* the largest; INFINITY = there is none */
	bool is_whole;
	bool has_total; /* a bound with % is about a share of it, of 1 at most */
};

/* Does every such value meet every term? */
bool expect_holds_always(const struct expectation *x, const struct expect_range *range);

/* The reason of a verdict on a value that is_rounded and reads as its bound. */
#define EXPECT_TOO_CLOSE "the value has more digits than are kept, too close to the bound to tell"

struct verdict {
	enum outcome outcome;
	const char *bound;  /* as shown: "<= 0.1 %"; "" when nothing was expected */
	const char *reason; /* one sentence: why not pass; NULL on pass */
	double room;	    /* share of the allowed room used, 1 = at the bound; NaN unknown */
	bool has_limit;	    /* limit holds the numeric bound nearest to the value, base unit */
	double limit;
	struct pos pos; /* of the bound, or of the check */
	bool is_no_measurement;
};

/*
 * Judges one measurement. expect must hold, else FAIL; if it holds and warn (may be NULL) does not,
 * WARN. baseline may be NULL when window_ms is 0. A bound with % uses m->share for kinds that
 * count; a bound without uses the count. Text of the verdict is in a.
 */
void expect_judge(struct arena *a, const struct expectation *expect, const struct expectation *warn,
		  const struct measurement *m, const struct baseline *baseline,
		  struct verdict *out);

#endif
