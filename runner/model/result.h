/*
 * result: one judged series, and the run and decision it belongs to, as the record keeps them.
 *
 * This is what the runner hands to the record and what the record hands back to gates and reports:
 * text and numbers only, no pointers into a definition, so that a page rendered today from a run of
 * last year needs nothing but the record. All text is borrowed from an arena named by the function
 * that fills it. Times are Unix milliseconds UTC, durations microseconds.
 */
#ifndef ASSIZE_MODEL_RESULT_H
#define ASSIZE_MODEL_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/measurement.h"
#include "runner/model/outcome.h"

struct buf;

/* What is recorded once per distinct definition of a check (content-addressed by hash). */
struct check_info {
	const char *name; /* audit/check */
	const char *kind;
	const char *title, *why, *owner; /* NULL = none */
	const char *target;		 /* NULL = none */
	const char *file;		 /* definition file, as shown */
	int64_t line, col;
	int64_t severity;
	const char *tags;    /* space separated, sorted; "" = none */
	const char *expects; /* of its values (runner/expects.h); NULL = not recorded */
	unsigned char hash[32];
};

struct result {
	int64_t ordinal; /* place of the check among those planned, from 0: definition order */
	const struct check_info *check;
	const char *series; /* measurement_series() */
	enum outcome outcome;
	struct value value;
	const char *unit;
	const char *bound; /* "" = nothing expected */
	bool has_limit;
	double limit;		       /* base unit */
	double room;		       /* NaN = unknown */
	const char *reason;	       /* NULL on pass */
	int64_t bound_line, bound_col; /* in check->file; 0 = as the check */
	int64_t n, n_total;	       /* -1 = does not apply */
	double share;		       /* NaN = does not apply */
	const char *evidence, *query;  /* NULL = none */
	/* Repetitions behind the value, in the order they were measured; NULL = none, or not read.
	 */
	const double *samples;
	size_t n_samples;
	int64_t measured_ms; /* when this series was measured */
	int64_t duration_us;
	int64_t attempts; /* 1 = no retry */
	bool is_flaky;	  /* passed only after a retry */
	/*
	 * How far the check has read, recorded with the result in one transaction and kept for the
	 * check's next run alone; NULL = nothing to keep, or read back.
	 */
	const char *cursor;
};

enum run_state { RUN_INCOMPLETE = 0, RUN_COMPLETE, RUN_INTERRUPTED };

/* One of several runs that share the checks of a selection among them (runner/shard.h). */
struct run_shard {
	int64_t index, total;	    /* index from 1; 0 = the run is no part of others */
	unsigned char manifest[32]; /* what all of them agree on */
};

struct run_info {
	int64_t id;
	int64_t begin_ms, end_ms; /* end_ms -1 while there is no end */
	enum run_state state;
	enum outcome outcome; /* joined; UNDECIDED without an end */
	const char *subject;  /* "" = none given, "any" = belongs to no release */
	/* that a tag of the subject's name led to when the run began; NULL = not known */
	const char *subject_commit;
	const char *selection; /* SELECT words joined by space; "" = all */
	const char *command;   /* run, gate, rollback */
	const char *definition_file;
	unsigned char definition_digest[32];
	const char *commit; /* of the work tree the definition is in; "" unknown */
	bool is_dirty;
	const char *host, *user, *version, *job_url, *boot_id;
	int64_t begin_monotonic_ms;
	int64_t n_planned; /* checks that should have a result */
	int64_t n_pass, n_warn, n_fail, n_undecided,
		n_skip; /* checks, not series; 0 before the end */
	int exit_status;
	struct run_shard shard;
	/* Made in another record: by which merge it came, and its number there; 0 = made here. */
	int64_t merge_id, source_id;
};

/* The waiver that let a failure through, as the definition had it then. */
struct waived {
	const char *id, *owner, *reason, *ticket;
	int64_t granted_ms, expires_ms;
};

/* Why a gate is shut (or what it rests on), one line each, hard ones first. */
struct decision_line {
	const char *check; /* audit/check, "rollback/SET", the key of another rule, or "" for a rule
			      about the gate itself */
	const char *series;
	enum outcome
		outcome; /* PASS lines are evidence; FAIL/UNDECIDED shut the gate when is_hard */
	bool is_hard;
	const char *text;   /* "98.70 %, bound >= 99.9 %" or "measured 3 h ago, limit 30 min" */
	const char *remedy; /* NULL or a command */
	const char *file;   /* of the selector or check; NULL */
	int64_t line, col;
	int64_t run_id;	     /* evidence; 0 = none */
	int64_t measured_ms; /* -1 = never */
	/* A FAIL that does not keep the gate shut, though it stays one; NULL = none lets it
	 * through. */
	const struct waived *waived;
	/* What it doubts is the evidence of an absolute check, so that no override lets it through.
	 * Of the moment it is decided: it is not recorded. */
	bool is_absolute;
};

/*
 * Break-glass: somebody decided beforehand that one gate lets one subject through whatever it says,
 * for some hours.
 */
struct override {
	int64_t id;
	int64_t seq; /* its number in the record */
	const char *gate, *subject;
	const char *subject_commit; /* that it stood for then; NULL = not known */
	/* Whose gate it is: the digest of the definition then (hex), and where it is written, from
	 * the top of its repository if it is in one; NULL = recorded before that was. */
	const char *definition, *definition_file;
	const char *actor, *reason;
	int64_t at_ms, until_ms;
	const char *host, *user; /* where and as whom it was recorded */
};

struct decision {
	int64_t id;
	const char *gate, *subject;
	int64_t at_ms;
	int64_t run_id; /* the run made for this decision; 0 = none */
	bool is_open;
	/* PASS/WARN = open (WARN also with waived lines), else shut, or overridden */
	enum outcome outcome;
	/* What opened it against its outcome, whose lines all stay; NULL = nothing. */
	const struct override *override;
	struct decision_line *lines;
	size_t n_lines;
	unsigned char definition_digest[32];
	int64_t oldest_ms; /* oldest evidence it rests on; -1 none */
	/* What it was a function of (gates/policy.h), so that it can be made again; NULL = unknown
	 */
	const char *policy, *basis;
};

/* Does the line keep the gate shut? */
bool decision_line_shuts(const struct decision_line *l);
/* What the line comes to at the gate: "waived", or its outcome's name. */
const char *decision_line_state(const struct decision_line *l);
/* Is it open against its outcome? */
bool decision_is_overridden(const struct decision *d);
/* How many requirements are not met, and waived. */
size_t decision_waived(const struct decision *d);
/* What the decision comes to: "overridden", "waived" when it is open with waived requirements, or
 * its outcome's name. */
const char *decision_state(const struct decision *d);

/*
 * "noted" of a pass without a bound, for nobody expects anything of the value: it is kept for the
 * eye, decides nothing, and is in no count of what passes. Else the outcome's name.
 */
bool result_is_noted(enum outcome o, const char *bound);
const char *result_state(enum outcome o, const char *bound);

/* When it had been measured. A record that was changed may say anything. */
int64_t result_known_ms(const struct result *r);
/* Was the share judged (`<= 0.1 %`) of something that was counted? */
bool result_is_share(const struct result *r);
/* The number that is judged: share or value. False: there is none. */
bool result_number(const struct result *r, double *out);
/* What was judged, for people: "0.24 %" where the share was, else value_format(). */
void result_format(struct buf *out, const struct result *r);

#endif
