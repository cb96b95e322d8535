/*
 * record: the durable history of runs, results, restorations and decisions (one SQLite file, or one
 * on a server).
 *
 * Acknowledged means committed: a function that returns 0 has made its rows durable (rollback
 * journal, synchronous=EXTRA, BEGIN IMMEDIATE, busy timeout 30 s). A failed commit is "not
 * recorded" (ERR_RECORD, exit status 4). One struct record belongs to one thread. The file is never
 * opened outside SQLite; network file systems are refused.
 *
 * Text returned by queries is copied into the arena given. Challenges have a header of their own
 * (challenges.h): they are no results.
 */
#ifndef ASSIZE_HISTORY_RECORD_H
#define ASSIZE_HISTORY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/expect.h"
#include "runner/model/past.h"
#include "runner/model/restoration.h"
#include "runner/model/result.h"

struct arena;
struct definition;
struct err;
struct newest;
struct record;
struct transition;

enum record_mode { RECORD_READ, RECORD_WRITE /* creates and migrates */ };

/*
 * path: a file, or the postgresql:// URL of a record on a server, of which every machine keeps a
 * copy (shared.h). There acknowledged means that the server has committed.
 */
int record_open(const char *path, enum record_mode mode, struct record **out, struct err *e);
/* For writing; a file that is not there is not made. */
int record_open_there(const char *path, struct record **out, struct err *e);
void record_close(struct record *r);
/*
 * What is read until it is let go is of one moment, whoever writes meanwhile. Nothing can be
 * written through it then. rc is what the reading came to; so is what letting go returns, or -1.
 */
int record_hold(struct record *r, struct err *e);
int record_let_go(struct record *r, int rc, struct err *e);
/* The first change a server has behind the head of r, which keeps all from writing; 0 = none. */
int record_find_behind(struct record *r, int64_t *first, struct err *e);
/*
 * "has what was committed until .." where the server that was read from follows another one; NULL:
 * it leads, or the record is a file. Borrowed from r.
 */
const char *record_standby(const struct record *r);
const char *record_path(const struct record *r); /* to be shown: without secrets; borrowed from r */
const char *record_file(const struct record *r); /* the file read from: it, or the copy; the same */

/* Writing. run->id is set by record_begin, which is durable before it returns. */
int record_begin(struct record *r, struct run_info *run, struct err *e);
/*
 * One transaction. Batches arrive in the order work finished; result.ordinal is the definition
 * order, series of one check stand together in emission order.
 */
int record_results(struct record *r, int64_t run_id, const struct result *results, size_t n,
		   const struct restoration *restorations, size_t n_restorations, struct err *e);
int record_end(struct record *r, const struct run_info *run, struct err *e);
/* The last results and the end, in one transaction: all of it is recorded or nothing. */
int record_last(struct record *r, const struct run_info *run, const struct result *results,
		size_t n, const struct restoration *restorations, size_t n_restorations,
		struct err *e);
int record_decision(struct record *r, struct decision *d, struct err *e);

/*
 * A measurement of somebody else's. One with an id that its name has already is kept once: 1 = it
 * was there, the same in all but when it was recorded; -1 with ERR_USAGE = it was another.
 */
int record_external(struct record *r, const struct external *x, struct err *e);

/*
 * Overlap lock of a schedule: one live holder a name. Taken with the host, boot id and pid so that
 * a holder that died is noticed. 0 taken, 1 held by somebody alive (*holder describes it), -1
 * error. When a dead holder was taken over, the result is 0 and *holder says so; else it is NULL.
 */
int record_lock(struct record *r, const char *name, struct arena *a, const char **holder,
		struct err *e);
int record_unlock(struct record *r, const char *name, struct err *e);

/*
 * Notices: who is told of what (runner/model/notify.h). After record_tell(), the transaction that
 * ends a run also writes what is news in it, one notice for each sink of the definition that wants
 * some of it: told exactly when recorded. The news of a run of command "gate" waits for the
 * decision. early: what was found before the run, told with it; at_ms of what is overdue is when it
 * was last measured, -1 = never. All is borrowed until the record is closed; text for the record's
 * own use goes to a.
 */
void record_tell(struct record *r, struct arena *a, const struct definition *d,
		 const struct transition *early, size_t n_early);
/*
 * Of a scheduled check that was never measured: the last moment before it was first seen, or the
 * one it was told to be late for. -1 in *out: it was not seen before.
 */
int record_first_due(struct record *r, const char *check, int64_t *out, struct err *e);
/* The early ones alone: nothing is to be run. */
int record_tell_early(struct record *r, int64_t now_ms, struct err *e);
/* Runs that began under record_tell(), have no end and never will: their process is gone. */
int record_dead_runs(struct record *r, struct arena *a, struct run_info **out, size_t *n,
		     struct err *e);

/* Told and not over, the oldest first: series, checks that are overdue, gates. */
struct still_told {
	const char *name, *series; /* of the check, or of the gate */
	unsigned open;		   /* TRANSITION_BITs */
	int64_t series_id, since_ms;
	int64_t run_id;		/* 0 = none is known */
	const char *definition; /* of that run; "" = unknown */
};
int record_still_told(struct record *r, struct arena *a, struct still_told **out, size_t *n,
		      struct err *e);
/*
 * After record_tell(): all of that name is over. *n: how much of it stood. Who was told of it is
 * told that, and why.
 */
int record_end_told(struct record *r, const char *name, const char *reason, int64_t now_ms,
		    size_t *n, struct err *e);

#define NOTICE_MAX_LINES 500 /* kept of one notice, the gravest */

struct notice {
	int64_t id;	 /* 0 = not recorded */
	const char *key; /* tells it from every other of every record: "ORIGIN/ID" */
	const char *sink;
	int64_t at_ms, run_id; /* run 0 = none */
	const struct transition *items;
	size_t n;
	int64_t n_total; /* more than n once some were not kept */
	/* Of earlier processes. */
	int64_t attempts, tried_ms; /* -1 = never */
	int64_t next_ms;	    /* when its turn is */
	const char *why;	    /* the last attempt failed; NULL = there was none */
};
#define NOTICE_MAX_TAKEN 20 /* of one sink, at once */
/*
 * Takes notices for delivery by this process alone: those of sinks the definition has, and any
 * older than before_ms. A sink gets its own in the order they were written: once the turn of one
 * has come, those before it are taken with it, and while another process has the oldest nothing is
 * taken. Each is given back by record_notice_end() or record_notice_wait(); a process that dies
 * gives back what it has.
 */
int record_notices_take(struct record *r, struct arena *a, int64_t now_ms, int64_t before_ms,
			struct notice **out, size_t *n, struct err *e);
/* It is delivered, or given up; attempts: in all. */
int record_notice_end(struct record *r, const struct notice *x, int64_t now_ms, bool is_delivered,
		      struct err *e);
int record_notice_wait(struct record *r, const struct notice *x, int64_t next_ms, struct err *e);
/* One that was tried before it was recorded and is not tried again: given up from its beginning. */
int record_notice_lost(struct record *r, const struct notice *x, struct err *e);
/* Not delivered: those that wait (*is_waiting), and those given up since since_ms; newest first. */
struct undelivered {
	struct notice notice; /* without items */
	bool is_waiting;
	int64_t next_ms, end_ms;
};
int record_undelivered(struct record *r, struct arena *a, int64_t since_ms, size_t limit,
		       struct undelivered **out, size_t *n, struct err *e);

/* Reading: runs. */
int record_run(struct record *r, struct arena *a, int64_t id, struct run_info *out, struct err *e);
/* Newest first, at most limit. before_id 0 = from the newest. */
int record_runs(struct record *r, struct arena *a, int64_t before_id, size_t limit,
		struct run_info **out, size_t *n, struct err *e);
/* The newest complete run before id with the same command and selection; 1 = there is none. */
int record_previous_run(struct record *r, struct arena *a, const struct run_info *of,
			struct run_info *out, struct err *e);

/* Results of a run in definition order (the order they were planned), series in emission order. */
int record_run_results(struct record *r, struct arena *a, int64_t run_id, struct result **out,
		       size_t *n, struct err *e);
int record_run_restorations(struct record *r, struct arena *a, int64_t run_id,
			    struct restoration **out, size_t *n, struct err *e);
/* Decisions made on this run, oldest first. */
int record_run_decisions(struct record *r, struct arena *a, int64_t run_id, struct decision **out,
			 size_t *n, struct err *e);

/* How the results of a check came out, all its series together; of one day, or since some day. */
struct check_rate {
	const char *check;
	struct outcome_counts outcomes;
};
struct day_rate {
	int64_t begin_ms; /* midnight, UTC */
	struct outcome_counts outcomes;
};
/* By name; since the day since_ms is in. */
int record_rates(struct record *r, struct arena *a, int64_t since_ms, struct check_rate **out,
		 size_t *n, struct err *e);
/* Oldest first, days without results left out. series NULL = all of the check. */
int record_days(struct record *r, struct arena *a, const char *check, const char *series,
		int64_t since_ms, struct day_rate **out, size_t *n, struct err *e);

/* One run that is a part of several (struct run_shard). */
struct shard_run {
	int64_t run_id;				/* 0 = there is none: the rest says nothing */
	int64_t index, total, begin_ms, end_ms; /* -1 = it has not ended */
	enum run_state run_state;
	const char *subject;
	unsigned char manifest[32], definition_digest[32];
	unsigned char origin[16]; /* of the record it was merged from; zero = it was made here */
};
/* What the record has about all parts of the whole that one run is a part of. */
struct shard_set {
	unsigned char manifest[32], definition_digest[32];
	const char *subject, *selection;
	int64_t total; /* 0 = what the run says of itself cannot be */
	/* Of each part, `total` of them: the newest run of this manifest, and of those without one
	 * the newest with the same words under another. */
	const struct shard_run *runs, *others;
	/* Of each part: the run that began last of those that are complete as well and that its
	 * newest one does not replace: of another record, or not over when that one began. */
	const struct shard_run *duplicates;
	/* The newest run that is a part of anything with this subject and these words. */
	struct shard_run newest;
};
#define RECORD_MAX_SHARDS 1000
/* What a run says of itself; index 0 = it is no part of others, or there is no such run. */
int record_run_shard(struct record *r, int64_t run_id, struct run_shard *out, struct err *e);
/*
 * Of a run that is a part. As the record was before before_seq: what was recorded since is not
 * there, a run that ended since has not ended.
 */
int record_shard_set(struct record *r, struct arena *a, int64_t run_id, int64_t before_seq,
		     struct shard_set *out, struct err *e);

/* A run that was merged though no key that was trusted then had signed for it. */
struct merged_run {
	int64_t run_id, merge_id;
	const char *origin; /* of the record it is from */
	bool is_own_key;    /* that record's own key has signed; false = nobody has */
};
/* Those recorded before before_seq, ascending. */
int record_unvouched_runs(struct record *r, struct arena *a, int64_t before_seq,
			  struct merged_run **out, size_t *n, struct err *e);

/* What was recorded from from_seq on, before before_seq: runs that had anything then, ascending,
 * and the first decision (0 = none). */
struct recorded_since {
	const int64_t *runs;
	size_t n_runs;
	int64_t first_decision;
};
int record_since(struct record *r, struct arena *a, int64_t from_seq, int64_t before_seq,
		 struct recorded_since *out, struct err *e);

/* Evidence for a gate: the newest result of every series of a check in complete AND incomplete
 * runs. */
struct evidence {
	struct result result;
	int64_t run_id;
	enum run_state run_state;
	const char *subject;
	const char *subject_commit;	     /* that it stood for then; NULL = not known */
	unsigned char definition_digest[32]; /* of the run */
};
/*
 * Of the newest run that has any result of this check for this subject (NULL = any subject), all
 * series. n = 0: never measured.
 */
int record_evidence(struct record *r, struct arena *a, const char *check, const char *subject,
		    struct evidence **out, size_t *n, struct err *e);

/* The same of one run that is named. */
int record_run_evidence(struct record *r, struct arena *a, const char *check, int64_t run_id,
			struct evidence **out, size_t *n, struct err *e);

/* The newest run that has a series of the check other than ""; 0 = none ever had. */
int record_run_with_series(struct record *r, const char *check, int64_t *run_id, struct err *e);

/* Is run a the older one? Of runs that were merged their numbers do not tell. */
int record_is_before(struct record *r, int64_t a, int64_t b, bool *out, struct err *e);

/*
 * Runs that were under way while this one was, for as long as they are known; unordered. Of those
 * made here the order in which the record took their begin and end says so, whatever the clocks of
 * their hosts said; of merged ones only these can.
 */
struct overlapping {
	int64_t run_id;
	/* Measured on another clock: its times and those of the run cannot be compared. */
	bool is_other_clock;
	bool is_later; /* some results of it were recorded after the run had begun */
};
int record_overlapping(struct record *r, struct arena *a, int64_t run_id, struct overlapping **out,
		       size_t *n, struct err *e);

/*
 * One series through time, oldest first, numeric or not. Where a run has of its check nothing but
 * the series "" (it could not be measured, or was skipped), that one; and of the series "" of a
 * check that has others, what they came to together, without a value.
 */
struct point {
	int64_t run_id;
	int64_t measured_ms;
	enum outcome outcome;
	struct value value;
	double share;
	bool has_limit;
	double limit;
	double room;
	const char *bound;
	const char *unit; /* of the value */
	const char *subject;
};
/* At most limit, the newest ones; 0 = all. */
int record_series(struct record *r, struct arena *a, const char *check, const char *series,
		  int64_t since_ms, size_t limit, struct point **out, size_t *n, struct err *e);
/*
 * The same of the series of n_results results at once, in runs up to and including up_to_run_id:
 * what a page about that run may show. out[i] and n[i] are of results[i]; both hold n_results.
 */
int record_trails(struct record *r, struct arena *a, int64_t up_to_run_id,
		  const struct result *results, size_t n_results, size_t limit, struct point **out,
		  size_t *n, struct err *e);

/*
 * All results of one check through time, for rules that look back: newest run first, series of a
 * run together. A record that goes on growing is looked at as it was: what was recorded from
 * before_seq on is not there, and a run that ended later has not ended.
 */
struct past_result {
	int64_t run_id, measured_ms;
	int64_t known_ms; /* when it had been measured */
	enum run_state run_state;
	enum outcome outcome;
	bool is_same_definition; /* of the check, as past_query.hash has it */
	bool has_value;		 /* that is finite, if it is a number */
	double number;		 /* NaN = the value is none */
	const char *series, *subject, *unit;
	const char *subject_commit; /* that it stood for then; NULL = not known */
};
struct past_query {
	const char *check;
	const unsigned char *hash; /* of the check's definition, 32 bytes */
	const char *subject;	   /* of the runs, or "any"; NULL = whatever they are about */
	int64_t since_ms;	   /* of measured_ms; INT64_MIN = all */
	size_t limit;		   /* runs, the newest */
	/*
	 * Behind them come failures of older runs that were known when the first of those had begun
	 * to be measured, or later. NULL = they do not. It knows which runs those are.
	 */
	struct newest *newest;
	int64_t before_seq;
	/* Runs without an end then that had results of the check; NULL = all that have some now. */
	const int64_t *open;
	size_t n_open;
};
#define RECORD_MAX_PAST 2000000 /* results of one query; more are an error */
int record_past(struct record *r, struct arena *a, const struct past_query *q,
		struct past_result **out, size_t *n, struct err *e);

/* The latest moment among what was made here before number before_seq, and what has it. */
struct record_latest {
	int64_t at_ms;	  /* -1 = nothing was made */
	int64_t seq;	  /* its number */
	const char *what; /* "run" or "decision" */
	int64_t id;
	const char *host; /* whose clock it was; NULL = not known */
};
int record_latest(struct record *r, struct arena *a, int64_t before_seq, struct record_latest *out,
		  struct err *e);

/* The number the next record of its own will take: a point in the record's own time. */
int record_next_seq(struct record *r, int64_t *out, struct err *e);

/*
 * Values since since_ms of runs before before_run_id that came to their end, for `within`: those
 * that passed, and those that were measured but had too little history to be judged. Of this
 * definition of the check only: another one may let pass what this one would not, or measure
 * something else.
 */
int record_baseline(struct record *r, const struct check_info *check, const char *series,
		    int64_t since_ms, int64_t before_run_id, struct baseline *out, struct err *e);

/* Repetitions of a series in one earlier run. */
struct sample_run {
	int64_t run_id;
	enum outcome outcome;
	const double *values; /* in the order they were measured */
	size_t n;
};
struct sample_query {
	const char *check, *series;
	const unsigned char
		*hash; /* of the check's definition, 32 bytes: another one is another history */
	int64_t before_run_id;
	bool is_any_host; /* else only runs of the host that made run before_run_id */
	size_t limit;	  /* runs */
};
/*
 * The newest runs before one in which the series passed, or was measured but had too little history
 * to be judged; oldest first.
 */
int record_sample_runs(struct record *r, struct arena *a, const struct sample_query *q,
		       struct sample_run **out, size_t *n, struct err *e);
/* Fills in the samples of a run's results, for those that have some. */
int record_run_samples(struct record *r, struct arena *a, int64_t run_id, struct result *results,
		       size_t n, struct err *e);

/* Names of all checks ever recorded, with their newest outcome and time. */
struct check_state {
	const char *name;
	enum outcome outcome;
	int64_t measured_ms;
	int64_t run_id;
	int64_t since_ms; /* first measured_ms of the present stretch of the same outcome */
};
int record_check_states(struct record *r, struct arena *a, struct check_state **out, size_t *n,
			struct err *e);

/*
 * When did this check last finish being measured (any outcome but skip)? -1 never. Where that was
 * after now_ms, a clock was wrong, and what the newest run says counts.
 */
int record_last_measured(struct record *r, const char *check, int64_t now_ms, int64_t *out,
			 struct err *e);

/*
 * When did this check last give a verdict that counts, all of its series passing (or warning) or
 * one of them failing, in a run that came to its end, under this definition of the check? -1 never,
 * as far as the record goes back. What is undecided or skipped is none; the future as above.
 */
int record_last_verdict(struct record *r, const struct check_info *check, int64_t now_ms,
			int64_t *out, struct err *e);

/*
 * How far the check has read, as its kind wrote it (result.cursor), in a run that came to its end,
 * of several parts all of them. NULL = in none. own: in one of this definition of the check;
 * other: of whichever.
 */
struct record_cursor {
	const char *own, *other;
};
int record_cursor(struct record *r, struct arena *a, const char *check,
		  const unsigned char hash[static 32], struct record_cursor *out, struct err *e);

/*
 * What others measured under the name: everything from since_ms on, the newest `limit` of it, and
 * the newest of every series whatever its age.
 */
int record_externals(struct record *r, struct arena *a, const char *name, int64_t since_ms,
		     size_t limit, struct past_externals *out, struct err *e);

/* The newest `limit` of them, oldest first. */
struct external_query {
	const char *name, *series; /* series NULL = all of the name */
	int64_t since_ms;
	size_t limit;
};
int record_external_values(struct record *r, struct arena *a, const struct external_query *q,
			   struct external **out, size_t *n, struct err *e);
/* All names with all their series, those of a name together. */
struct external_series {
	struct external newest;
	int64_t n, first_ms; /* how many there are, and when the first was true */
};
int record_external_series(struct record *r, struct arena *a, struct external_series **out,
			   size_t *n, struct err *e);

/* Pins and restorations. */
int record_pins(struct record *r, struct arena *a, struct pin **out, size_t *n, struct err *e);
struct restoration_row {
	struct restoration restoration;
	int64_t run_id, at_ms;
	enum run_state run_state;
	unsigned char definition_digest[32]; /* of the run */
	const char *definition_file;	     /* the same */
	const char *pinned;		     /* commit the tag was first recorded as; NULL = none */
};
/* The newest restoration of every tag of the set. */
int record_restorations(struct record *r, struct arena *a, const char *set,
			struct restoration_row **out, size_t *n, struct err *e);

/* What was waived of a run's results, at whatever gate; oldest decision first. */
struct waived_line {
	int64_t decision, at_ms;
	const char *gate, *subject, *check, *series;
	struct waived by;
};
int record_run_waived(struct record *r, struct arena *a, int64_t run_id, struct waived_line **out,
		      size_t *n, struct err *e);

/* One decision; none with the id is ERR_USAGE. */
int record_decision_of(struct record *r, struct arena *a, int64_t id, struct decision **out,
		       struct err *e);
/* Overrides. o->id is set by record_override, which is durable before it returns. */
int record_override(struct record *r, struct override *o, struct err *e);
struct override_query {
	const char *gate, *subject; /* NULL = all */
	int64_t until_after_ms;	    /* only those that end later */
	int64_t before_seq;	    /* only those recorded before; 0 = all */
	size_t limit;
};
/* Newest first. */
int record_overrides(struct record *r, struct arena *a, const struct override_query *q,
		     struct override **out, size_t *n, struct err *e);

/* One override; an ERR_RECORD where there is none. */
int record_override_of(struct record *r, struct arena *a, int64_t id, const struct override **out,
		       struct err *e);

/* What a subject was the last time a run knew it, whatever it is now; NULL = never. */
int record_subject_commit(struct record *r, struct arena *a, const char *subject,
			  const char **commit, struct err *e);

/* The newest decision of a gate about a subject, recorded before before_seq; 1 = there is none. */
int record_last_decision(struct record *r, struct arena *a, const char *gate, const char *subject,
			 int64_t before_seq, struct decision *out, struct err *e);

/* Decisions, newest first. gate NULL = all. */
int record_decisions(struct record *r, struct arena *a, const char *gate, size_t limit,
		     struct decision **out, size_t *n, struct err *e);

#endif
