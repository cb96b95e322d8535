/*
 * gate_merged: what a gate rests on of runs that were merged though nobody trusted vouched for
 * them.
 *
 * A function of the rest of the input and of the record before in->before_seq: the same when a
 * decision is made again.
 */
#ifndef ASSIZE_RUNNER_GATE_MERGED_H
#define ASSIZE_RUNNER_GATE_MERGED_H

struct arena;
struct err;
struct gate_input;
struct record;

/* Fills in in->merged. */
int gate_merged_find(struct record *record, struct arena *a, struct gate_input *in, struct err *e);

#endif
