/*
 * gate_chain: the decisions a decision rests on through its dependencies, and theirs.
 */
#ifndef ASSIZE_RUNNER_GATE_CHAIN_H
#define ASSIZE_RUNNER_GATE_CHAIN_H

struct arena;
struct decision;
struct err;
struct record;

/*
 * Of all that are below `d`, the one that an override or waivers let through until the earliest
 * moment; NULL = nothing was let through. What an override opened rests on nothing else. A function
 * of the record before d: the same when a decision is made again.
 */
int gate_chain_lender(struct record *record, struct arena *a, const struct decision *d,
		      const struct decision **out, struct err *e);

#endif
