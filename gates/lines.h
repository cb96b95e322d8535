/*
 * lines: the lines of a decision under construction. Private to gates.
 *
 * Lines are added in definition order and sorted once at the end: hard before soft, what shuts the
 * gate before what does not. Everything is in the arena.
 */
#ifndef ASSIZE_GATES_LINES_H
#define ASSIZE_GATES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gates/gate.h"
#include "runner/model/result.h"

struct lines {
	struct arena *arena;
	struct decision_line *items;
	size_t n, cap;
	/* Until sorted: lines of streaks, then of budgets and baselines, are those between. */
	size_t first_streak, end_streak, end_history;
	int64_t oldest_ms; /* of the evidence that counts and passes; -1 none */
	bool has_one_unit; /* durations as they were told before edition 4 */
};

/* Adds a line; check, outcome, is_hard and text are the caller's, the rest says "none". */
struct decision_line *lines_add(struct lines *l, const char *check, enum outcome outcome,
				bool is_hard, const char *text);
void lines_rest_on(struct lines *l, int64_t measured_ms);
void lines_sort(struct lines *l);

/* "3 h ago" or "2 min ahead". */
const char *lines_age(struct lines *l, int64_t at_ms, int64_t now_ms);
/* "2 h 24 min"; cut, not rounded: what is told as the limit has reached it. */
const char *lines_duration(struct lines *l, int64_t ms);
/* A word as a shell would have it. */
const char *lines_word(struct lines *l, const char *word);

/* The run that would bring evidence about the check that counts. */
const char *lines_run(struct lines *l, const struct gate_input *in, const struct check *check);

/* What an item's streaks say about its past (streak_rule.c). */
void streak_rule_decide(struct lines *l, const struct gate_input *in, const struct gate_item *item);

/* waiver_rule.c: lets the line of a series through, or says why a waiver of it does not. */
void waiver_rule_apply(struct lines *l, const struct gate_input *in, const struct gate_item *item,
		       struct decision_line *line);
/* After all lines: what waivers came to, and that something is left to open on. */
void waiver_rule_close(struct lines *l, const struct gate_input *in);
/* Error budgets (budget_rule.c). */
void budget_rule_decide(struct lines *l, const struct gate_input *in, const struct gate_budget *b);
/* Candidate against baseline (baseline_rule.c). */
void baseline_rule_decide(struct lines *l, const struct gate_input *in,
			  const struct gate_baseline *b);

/* freeze_rule.c, depends_rule.c, ledger_rule.c */
void ledger_rule_decide(struct lines *l, const struct gate_input *in);
void freeze_rule_decide(struct lines *l, const struct gate_input *in);
void depends_rule_decide(struct lines *l, const struct gate_input *in);
/* clock_rule.c */
void clock_rule_decide(struct lines *l, const struct gate_input *in);
bool clock_rule_is_broken(const struct gate_input *in);
/* shards_rule.c */
void shards_rule_decide(struct lines *l, const struct gate_input *in);
/* merged_rule.c */
void merged_rule_decide(struct lines *l, const struct gate_input *in);
/* Does the gate ask for evidence of anything (decide.c)? */
bool gate_requires(const struct gate_input *in);
/* override_rule.c: after all lines, of a decision that is shut: what opens it nevertheless, or why
 * that does not. */
void override_rule_apply(struct lines *l, const struct gate_input *in, struct decision *out);
/* The rule about the rollback set (rollback_rule.c). */
void rollback_rule_decide(struct lines *l, const struct gate_input *in);

#endif
