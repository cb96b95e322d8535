/*
 * gate_shards: the wholes that runs a gate rests on are parts of, as the record had them then.
 *
 * A function of the rest of the input and of the record before in->before_seq: the same when a
 * decision is made again.
 */
#ifndef ASSIZE_RUNNER_GATE_SHARDS_H
#define ASSIZE_RUNNER_GATE_SHARDS_H

struct arena;
struct err;
struct gate_input;
struct record;

/* Fills in in->shards. */
int gate_shards_find(struct record *record, struct arena *a, struct gate_input *in, struct err *e);

#endif
