/*
 * challenge_parts: what the files of the challenge loop share; private to them.
 *
 * challenge.c leads a check from its baseline to its last attack, challenge_dose.c looks for the
 * smallest dose that is noticed.
 */
#ifndef ASSIZE_RUNNER_CHALLENGE_PARTS_H
#define ASSIZE_RUNNER_CHALLENGE_PARTS_H

#include "runner/challenge.h"
#include "runner/judge.h"
#include "runner/model/kind.h"
#include "runner/plan.h"

/* The challenge of one check. */
struct bout {
	struct challenger *challenger;
	struct challenge challenge;
	const struct arsenal *arsenal;
	struct judge judge;
	struct judged baseline;
};

/* One execution of the check in a damaged world. */
struct attempt {
	struct arena *arena; /* everything of it */
	struct job job;
	struct judged judged; /* unless it is refused */
	bool is_measured;
	const char *refusal; /* why the damage could not be made, in the arena; NULL = it was */
};

/* a NULL = in the world as it is. -1: the record failed; attempt_release() in any case. */
int bout_attempt(struct bout *b, const struct attack *a, double dose, struct attempt *out,
		 struct err *e);
void attempt_release(struct attempt *t);
/* What came of it; out's texts are in the request's arena. */
void bout_judge(const struct bout *b, const struct attack *a, const struct attempt *t,
		struct attack_result *out);

/* What an arsenal says may hold what it read: without secrets, in the request's arena. NULL = NULL.
 */
const char *bout_keep(const struct bout *b, const char *text);

/*
 * The smallest dose between a->least and a->most at which the attack is noticed, to 5 %; was it at
 * a->dose? Fills turns_red, turns_red_words and is_erratic.
 */
int bout_find_dose(struct bout *b, const struct attack *a, bool is_noticed,
		   struct attack_result *out, struct err *e);

#endif
