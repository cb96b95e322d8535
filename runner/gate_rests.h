/*
 * gate_rests: the runs a gate rests on, whatever the rule: those of its evidence, of the past that
 * streaks, budgets and baselines look back at, and of its restorations.
 */
#ifndef ASSIZE_RUNNER_GATE_RESTS_H
#define ASSIZE_RUNNER_GATE_RESTS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct err;
struct gate_input;
struct record;

/*
 * One run may be given several times. is_hard: what it says must hold for the gate to open;
 * is_absolute: of a check that is absolute as well.
 */
typedef void gate_rest_fn(void *ctx, int64_t run_id, bool is_hard, bool is_absolute);
void gate_rests_on(const struct gate_input *in, gate_rest_fn *rest, void *ctx);

/*
 * Fills in in->not_signed by what in->ledger found. A function of the rest of the input and of the
 * record before in->before_seq: the same when a decision is made again.
 */
int gate_rests_on_unsigned(struct record *record, struct arena *a, struct gate_input *in,
			   struct err *e);

#endif
