/*
 * measurement: what a kind saw, before anybody judges it.
 *
 * Everything is borrowed from the arena of the probe that made it. A value of VALUE_NONE means "no
 * measurement"; reason then says why in one sentence (lower case, no full stop). NaN and infinities
 * are normalised by the emitter (probe_emit) to VALUE_NONE with a reason.
 */
#ifndef ASSIZE_MODEL_MEASUREMENT_H
#define ASSIZE_MODEL_MEASUREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct arena;

enum value_type { VALUE_NONE = 0, VALUE_INT, VALUE_REAL, VALUE_TEXT };

struct value {
	enum value_type type;
	union {
		int64_t integer;
		double real;
		const char *text; /* NUL terminated UTF-8 */
	};
};

struct label {
	const char *name;
	const char *value;
};

#define EVIDENCE_MAX_BYTES 8192

/*
 * The repetitions behind a value that was measured several times in one run, and what `not worse
 * than` means for it. Larger is worse.
 */
struct sampling {
	const double *values; /* finite, base unit, in the order they were measured */
	size_t n;
	/* ln of each repetition over that of the control beside it; NULL = there was no control. */
	const double *paired;
	size_t n_pairs;
	double effect; /* a difference up to here does not count: base unit, or a share */
	bool is_effect_share;
	double level;	  /* the largest p-value that counts as worse */
	size_t max_runs;  /* of history to look at */
	bool is_any_host; /* runs of other hosts count as history too */
	uint64_t seed;
};

struct measurement {
	/*
	 * Which of the kind's values this is ("total", "status"; "" for a kind with one value):
	 * picks the expectation. Labels tell series of the same value apart, in a fixed order.
	 */
	const char *name;
	const struct label *labels;
	size_t n_labels;
	struct value value;
	const char *reason; /* VALUE_NONE: why; else NULL, or a remark kept with the result */
	const char *unit;   /* base unit, "" for none (unit.h) */
	/*
	 * The real stands for an integer beyond 2^63 (an integer that a real can hold as itself,
	 * any other as one not on its far side), for a decimal with more digits than it keeps, or
	 * for what was reckoned beyond 2^53: no bound it equals can be judged.
	 */
	bool is_rounded;
	int64_t n;	 /* sample size: rows, series, files looked at; -1 = does not apply */
	int64_t n_total; /* for shares: of how many; -1 = does not apply */
	double share;	 /* for counts with n_total: value / n_total, else NaN */
	/* Bounded plain text, one finding a line, worst first; NULL = none. */
	const char *evidence;
	/* What was asked: SQL, URL, argv. NULL = none. */
	const char *query;
	const struct sampling *sampling; /* NULL = measured once */
};

/* A measurement with every optional field saying "does not apply". */
struct measurement measurement_none(const char *name, const char *reason);
struct measurement measurement_int(const char *name, int64_t v, const char *unit);
struct measurement measurement_real(const char *name, double v, const char *unit);
struct measurement measurement_text(const char *name, const char *text);

/*
 * The series key, unique inside a check and stable between runs: name, then labels as
 * {a="x",b="y"} with \ and " escaped; "" for the only series of a one-value kind.
 */
const char *measurement_series(struct arena *a, const struct measurement *m);

/* Type and value; two that are none are the same. */
bool value_is_same(const struct value *a, const struct value *b);

/* False: it is no finite number. */
bool value_number(const struct value *v, double *out);
/* "98.70 %", "283 ms", text quoted and cut at 60 columns, "no value". */
void value_format(struct buf *out, const struct value *v, const char *unit);

#endif
