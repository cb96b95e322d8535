/*
 * challenge: a check must prove that it can fail.
 *
 * `assize challenge` damages the world a check looks at, never the world itself: a table is
 * shadowed in the check's own query, an answer is replayed damaged, a file is a private copy. Each
 * damage is an attack; the check is asked again in the damaged world and must notice. This is
 * mutation testing (DeMillo, Lipton, Sayward 1978: hints on test data selection) of audits, and its
 * whole worth is fairness: what the schema forbids, what changes nothing, what the check does not
 * read and what it does not claim is not counted, and no damage that could not be made counts as
 * noticed.
 *
 * Here are the nouns and the pure judgement. How each family of kinds is attacked is its arsenal
 * (audits/arsenal), the loop is runner/challenge.c.
 */
#ifndef ASSIZE_MODEL_CHALLENGE_H
#define ASSIZE_MODEL_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/result.h"

struct arena;
struct check;
struct err;
struct probe;
struct probe_world;

/* What became of one attack. The zero value counts for nothing. */
enum attack_outcome {
	ATTACK_INCONCLUSIVE = 0, /* the damage could not be made, or there was no time for it */
	/* not counted either */
	ATTACK_GUARDED,	     /* what is attacked forbids this damage itself (NOT NULL, a key) */
	ATTACK_NO_EFFECT,    /* the damaged world is the real one */
	ATTACK_OUT_OF_REACH, /* the check does not read what was damaged */
	ATTACK_OUT_OF_CLAIM, /* the check says what it claims to notice, and this is not there */
	/* noticed */
	ATTACK_FAILED,	 /* it was disproved */
	ATTACK_NO_VALUE, /* nothing could be measured of some series */
	ATTACK_ERROR,	 /* nothing could be measured at all */
	/* survived */
	ATTACK_BLIND,	  /* no value moved */
	ATTACK_TOLERATED, /* values moved, and stay inside their bounds */
	ATTACK_WRONG_WAY, /* values moved away from their bounds: it looks like an improvement */
	/* harmless changes */
	ATTACK_STEADY,	    /* the check passes, as it must */
	ATTACK_FALSE_ALARM, /* it does not */
};
#define ATTACK_LAST ATTACK_FALSE_ALARM

const char *attack_outcome_name(enum attack_outcome o); /* "no effect", "wrong way", ... */
bool attack_outcome_from_name(const char *name, enum attack_outcome *out);
bool attack_is_noticed(enum attack_outcome o);
bool attack_is_survivor(enum attack_outcome o);

/* An operator of an arsenal: its name, and what it does, for the manual. Ended by a NULL name. */
struct attack_row {
	const char *name; /* "rows-lost"; also what `claims:` says */
	const char *help; /* "a share of the rows is gone" */
	bool is_control;  /* a harmless change, which must not be noticed */
	/* A control that is the way of damaging without a damage: if the check notices it, or
	 * cannot be asked that way, no attack would mean anything. Surveyed first. */
	bool is_proof;
	/* That no answer ever comes is the damage: the deadline is nearer than the check's. */
	bool is_late;
};

/* One damage that can be done, found by an arsenal's survey. */
struct attack {
	const struct attack_row *row;
	const char *object; /* what is damaged: "orders", "orders.total"; "" = all there is */
	double dose;	    /* how much of it, in the operator's own measure; 0 = all or nothing */
	/* Between them the smallest dose that is noticed can be looked for; most 0 = it cannot. */
	double least, most;
	/*
	 * Known without striking: guarded, no effect, out of reach or inconclusive, with the
	 * reason; reason NULL = it is to be tried.
	 */
	enum attack_outcome settled;
	const char *reason;
	const void *state; /* the arsenal's own */
};

/* One check while it is challenged. Everything is allocated from arena. */
struct challenge {
	struct arena *arena;
	const struct probe_world *world; /* the wall clock stands still in it */
	const struct check *check;
	const char *scratch; /* absolute: a private directory, removed afterwards */
	void *state;	     /* the arsenal's own */
	/* what survey() finds */
	struct attack *attacks;
	size_t n_attacks, cap_attacks;
	/* filled before survey(): what the check said of the world as it is */
	const struct result *baseline;
	size_t n_baseline;
	const struct measurement *const *measured; /* of baseline[i]; NULL = not measured */
};

/* Adds one, to be filled on. */
struct attack *challenge_add(struct challenge *c, const struct attack_row *row, const char *object);

/*
 * How the kinds of a family are attacked. The order of calls is open, strike without an attack
 * (which gives the baseline), survey, strikes, close; close also after an open that failed. All on
 * one thread. An arsenal only reads what it attacks.
 */
struct arsenal {
	const struct attack_row *rows;
	/* MAY be NULL. -1: the check cannot be challenged, and why. */
	int (*open)(struct challenge *c, struct err *e);
	/* What there is to damage: challenge_add(). Only when the baseline passed. -1 as above. */
	int (*survey)(struct challenge *c, struct err *e);
	/*
	 * Makes the check's measurements in the world as the attack damages it; attack NULL = as it
	 * is, seen in the same way. p is fresh, of c->check, with its deadline set; a check that
	 * has to be another one there (another path) is put in its place by the arsenal.
	 * 0 and -1 as audit_kind.probe; 1 = the damage could not be made, e says why.
	 */
	int (*strike)(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		      struct err *e);
	/* The damage as a sentence without a verb's end: "half of the rows of orders are gone". */
	const char *(*words)(const struct challenge *c, const struct attack *a, double dose);
	void (*close)(struct challenge *c); /* MAY be NULL */
};

/* What is kept of an attack: text and numbers only. */
struct attack_result {
	const char *name, *object, *words;
	enum attack_outcome outcome;
	const char
		*reason; /* the verdict's, why it is not counted, or what survived; NULL = none */
	const char *series;	    /* of before and after, the one that tells most */
	const char *before, *after; /* as shown; NULL = no value */
	const char *bound;	    /* of that series, as shown; NULL = nothing is expected of it */
	const char *advice;	    /* what would notice it; NULL = nothing is known */
	bool is_control;	    /* a harmless change */
	bool is_planned;	    /* it would be made: of a survey, which makes none */
	/* Of an attack whose smallest noticed dose was looked for: 0 = none, or not looked for. */
	double turns_red;
	const char *turns_red_words;
	bool is_erratic; /* a smaller dose is noticed and a larger one is not */
	int64_t duration_us;
};

/* What is kept of the challenge of one check. */
struct challenged {
	const struct check_info *check;
	int64_t at_ms, duration_us;
	const char *reason; /* why it was not challenged; NULL = it was */
	const char *help;   /* with reason, what to do; NULL = nothing known */
	const char *subject;
	struct attack_result *attacks; /* in the order of the survey */
	size_t n_attacks;
	/* of the attacks */
	int64_t n_noticed, n_survived, n_uncounted, n_steady, n_false_alarms;
};

/* Counts its attacks. */
void challenged_count(struct challenged *c);
/* Noticed of those that count; -1 = none was executed: it is unchallenged, never whole. */
double challenged_score(const struct challenged *c);

/* A check's results without an attack and with it; there is one of each at least. */
struct attack_sides {
	const struct check *check; /* whose expectations judged them */
	const struct result *before, *after;
	size_t n_before, n_after;
	bool is_measured; /* the probe could measure after the attack */
};

/*
 * What the results after an attack say beside those before it. Series are matched by name. Fills
 * outcome, reason, series, before, after, bound and advice; of out, name and object are read.
 */
void attack_judge(struct arena *a, const struct attack_sides *s, struct attack_result *out);

/* Is the series how long the check itself took? It differs every time. */
bool attack_is_timed(const struct check *c, const char *series);

/*
 * challenge_advice.c: what would notice an attack that the check survives: a bound, which the
 * series' values before meet and the one after does not, or a check of another kind. NULL = nothing
 * is known. series: the one that moved, NULL = none did.
 */
const char *attack_advice(struct arena *a, const struct attack_sides *s,
			  const struct attack_result *of, const char *series);
/*
 * Row i of what is known of kinds: the operator's name in kinds of a family, and the kind whose
 * checks notice it. False behind the last one.
 */
bool attack_advice_row(size_t i, const char **family, const char **operator, const char ** kind);

#endif
