/*
 * gate_again: a recorded decision made once more, from the record alone, by the same function.
 */
#ifndef ASSIZE_RUNNER_GATE_AGAIN_H
#define ASSIZE_RUNNER_GATE_AGAIN_H

struct arena;
struct decision;
struct err;
struct record;

/*
 * What `recorded` was a function of must have been recorded (policy and basis are not NULL). -1:
 * the record cannot be read, or says what this program does not understand.
 */
int gate_decide_again(struct record *record, struct arena *a, const struct decision *recorded,
		      struct decision *out, struct err *e);

#endif
