/*
 * gate: decide from recorded evidence whether a release may pass. Pure: no clock, no record, no
 * I/O.
 *
 * Only an explicit, fresh, complete, recorded pass about the right subject under the present
 * definitions counts for a required check. Everything else (no evidence, error, skip, stale, from
 * the future, another subject, an incomplete run, another definition of the check, no checks at
 * all) is undecided and keeps the gate shut. There is no setting that turns either into a pass.
 */
#ifndef ASSIZE_GATES_GATE_H
#define ASSIZE_GATES_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/history/record.h"
#include "runner/model/definition.h"
#include "runner/model/result.h"

struct arena;

/* A rule about the last runs of a check: gates/streak_rule.c. */
struct gate_streak {
	const struct selector *selector;
	bool is_hard;
};

/* A check the gate requires or advises, and what the record has about it. */
struct gate_item {
	const struct check *check;
	const struct selector *selector; /* the one that applies: the strictest max_age */
	bool is_hard;
	int64_t max_age_ms;
	const struct evidence *evidence; /* series of the newest run; NULL/0 = never */
	size_t n_evidence;
	/* newest evidence about any other subject, for the message only; -1 none */
	int64_t other_subject_ms;
	const char *other_subject;
	const struct gate_streak *streaks;
	size_t n_streaks;
	const struct past_result *past; /* what the streaks are about; newest run first */
	size_t n_past;
};

/* The past of one check that a rule about history reads; newest run first. */
struct gate_past {
	const struct check *check;
	const struct past_result *results;
	size_t n;
};

/* A rule about history and the pasts of the checks it selects, in definition order. */
struct gate_pasts {
	const struct gate_past *items;
	size_t n;
};
struct gate_budget {
	const struct budget_rule *rule;
	struct gate_pasts past;
};
struct gate_baseline {
	const struct baseline_rule *rule;
	struct gate_pasts past;
};

/* The one window of a freeze that matters now: it is, was last, or will be. */
struct gate_window {
	const struct freeze *freeze;
	int64_t from_ms, to_ms;
	const char *error; /* it could not be told when: why; NULL */
};

#define GATE_NOBODY_TRUSTED (-1)
/* What a verification of the record found, and whether it is anchored. */
struct gate_ledger {
	struct pos pos;
	int64_t anchored_within_ms; /* 0 = it need not be */
	const char *error;	    /* it could not be verified: why; NULL */
	int64_t n_broken, n_doubts;
	const char *finding; /* the gravest; NULL = none but notes */
	int64_t size;	     /* records */
	/* of them, those a trusted key has signed for; GATE_NOBODY_TRUSTED = no key is trusted */
	int64_t signed_size;
	int64_t anchored;    /* of them, those that an anchor vouches for which holds; 0 = none */
	int64_t anchored_ms; /* when the newest such anchor was put there; 0 = not known */
};

/* What the record has about a gate another one depends on. */
struct gate_opened {
	const struct gate_dependency *on;
	const struct decision *newest; /* about the subject; NULL = never decided */
	bool is_other_policy;	       /* its rules or checks were others: other --var, say */
	const char *subject_commit;    /* that the subject stood for then; NULL = not known */
	/* of the decisions newest rests on the one that was let through for the shortest time; NULL
	 * = none was */
	const struct decision *lender;
};

/* When what let the decision through is over; INT64_MAX = nothing was let through. */
int64_t gate_opened_until(const struct decision *d);

/* A whole that runs the gate rests on are parts of: gates/shards_rule.c. */
struct gate_shards {
	struct shard_set set;
	const int64_t *runs; /* those runs */
	size_t n_runs;
};

/* Of one merge that nobody trusted vouched for, the runs the gate rests on: gates/merged_rule.c. */
struct gate_merged {
	int64_t merge_id, run_id; /* one of the runs */
	size_t n_runs;
	const char *origin;
	bool is_own_key, is_hard;
	bool is_absolute; /* an absolute check is among what rests on them */
};

/* What must hold for the gate to open, and no trusted key has signed for. */
struct gate_unsigned {
	int64_t run_id; /* one of the runs; the newest */
	size_t n_runs;
	const char *decided; /* a gate it depends on, whose decision that is; NULL = none */
	bool is_absolute;    /* an absolute check is among what rests on the runs */
};

struct gate_input {
	const struct gate *gate;
	/*
	 * Where the definitions are from, when that is a commit: "git:origin/main:assize.yaml at
	 * ID"; NULL = the file system. From a commit, restorations count under its definitions
	 * only.
	 */
	const char *policy;
	unsigned char definition_digest[32];
	/* Where it is written, as overrides have it; NULL = decided before they had */
	const char *definition_file;
	const char *subject; /* as given; "any" allowed where the gate says so */
	/* that a tag of that name leads to in the definition's repository; NULL = no such tag */
	const char *subject_commit;
	const char *subject_error; /* that repository could not be read: why; NULL */
	int64_t now_ms;
	const struct gate_item *items;
	size_t n_items;
	const struct restoration_row
		*restorations; /* of the gate's rollback set, tags that are its targets */
	size_t n_restorations;
	const char *const *rollback_tags; /* targets as they stand in the repository now */
	size_t n_rollback_tags;
	/* commits they lead to now, in the same order; NULL = leads to none, or could not be told
	 */
	const char *const *rollback_commits;
	const char *const *rollback_trees; /* and the trees of those; NULL likewise, or all */
	/* The commit that the subject stands for in the set's repository; "" = nothing it knows,
	 * NULL = none of the targets. And its tree; NULL = not known. */
	const char *rollback_subject, *rollback_subject_tree;
	const char *const *rollback_gone; /* deleted: they would be targets */
	size_t n_rollback_gone;
	/* no targets any more, disproved when last verified; and the commits they lead to now */
	const char *const *rollback_left, *const *rollback_left_commits;
	size_t n_rollback_left;
	const char *rollback_error;    /* the tags could not be listed: why; NULL */
	struct waiver *const *waivers; /* of the definition, for whatever gate */
	size_t n_waivers;
	const struct gate_budget *budgets; /* one for each rule of the gate */
	size_t n_budgets;
	const struct gate_baseline *baselines;
	size_t n_baselines;
	int64_t before_seq; /* what the record had from it on was not looked at by rules of history
			     */
	struct record_latest latest;	   /* of what the record had by then */
	const struct gate_window *windows; /* of the gate's freezes, in their order */
	size_t n_windows;
	const struct gate_opened *depends; /* of the gate's dependencies, in their order */
	size_t n_depends;
	const struct gate_ledger *ledger; /* NULL = the gate does not ask */
	struct gate_unsigned not_signed;  /* of nothing where the gate does not ask */
	const struct override *overrides; /* recorded for the gate, newest first */
	size_t n_overrides;
	const struct gate_shards *shards; /* none of two has one manifest */
	size_t n_shards;
	const struct gate_merged *merged;
	size_t n_merged;
	bool is_trust_named; /* the definition says whose signature counts */
	int64_t edition;     /* of the rules it is decided by; 0 = the present one */
};

/*
 * Editions of the rules, so that a decision is made again by those it was made by. Since the second
 * one a streak sees a failure when it was known, each series of a candidate has its own age, and a
 * dependency that was let through counts for as long as it was; what an absolute check rests on is
 * no less absolute. Since the third a baseline that holds is nothing to open on where all that is
 * required is waived, and a dependency ends with what was let through however many gates below it.
 * Since the fourth durations are told in two units. Since the fifth what was measured, decided or
 * let through for a commit is not for a tag of which nobody can tell what it is now, a clock that
 * is behind what the record holds decides nothing, times to restore are told in microseconds, and a
 * tag that is gone is brought back as it was first recorded.
 */
#define GATE_EDITION 5
bool gate_is_before_edition(const struct gate_input *in, int64_t edition);

/* Which checks the gate reads: union of selectors, each with the strictest max_age, definition
 * order. */
struct gate_item *gate_items(struct arena *a, const struct definition *d, const struct gate *g,
			     size_t *n);

/*
 * Is this item in need of a run (never, stale, incomplete, other subject or another commit of it,
 * other definition, or not measured: undecided and skipped)? A failure was measured and stands
 * until it is stale. Of the input, what evidence is held against: gate, subject, time.
 */
bool gate_item_is_stale(const struct gate_input *in, const struct gate_item *item);

/* Runs a streak looks back at, at most, however many of them are too close to count. */
#define GATE_MAX_STREAK_RUNS 1000
/* Runs a rule about history looks back at, at most, and how far a baseline's do. */
#define GATE_MAX_PAST_RUNS     100000
#define GATE_BASELINE_REACH_MS (INT64_C(366) * 86400000)
/* How many runs of the item's past its streaks need; 0 = it has none. */
size_t gate_item_past_runs(const struct gate_item *item);

/* Was it verified under definitions that count here? */
bool rollback_row_counts(const struct gate_input *in, const struct restoration_row *row);
/* Is target i the release that is to go out, or the very tree of it? */
bool rollback_is_release(const struct gate_input *in, size_t i);
/* Are two targets one commit, or one tree? */
bool rollback_is_same(const struct gate_input *in, size_t i, size_t k);
/* Is the release called by its tag, and the tag known as another commit, or disproved to be its
 * own? */
bool rollback_is_moved_release(const struct gate_input *in, size_t i);

void gate_decide(struct arena *a, const struct gate_input *in, struct decision *out);

/* Evidence measured more than this far in the future is refused. */
#define GATE_MAX_CLOCK_SKEW_MS 60000
/* An override lasts no longer. */
#define GATE_MAX_OVERRIDE_MS (24 * INT64_C(3600000))
/* Longer than that, or over before it began: it does not count. */
bool override_is_too_long(const struct override *o);

#endif
