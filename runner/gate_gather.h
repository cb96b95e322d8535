/*
 * gate_gather: everything a gate's decision is a function of, as the record has it now.
 *
 * All of it is in the arena given. The record is to be held (record_hold()): what passed in
 * different moments never passed together. -1 only when the record cannot be read; a repository
 * whose tags cannot be listed is part of what is gathered.
 */
#ifndef ASSIZE_RUNNER_GATE_GATHER_H
#define ASSIZE_RUNNER_GATE_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "gates/gate.h"

struct arena;
struct definition;
struct err;
struct record;

struct gate_gather {
	struct arena *arena;
	struct record *record;
	const struct definition *definition;
	const struct gate *gate;
	const char *subject;
	int64_t now_ms;
	struct gate_item *items; /* of gate_items(); what the record has about them is filled in */
	size_t n_items;
};

int gate_gather(const struct gate_gather *g, struct gate_input *out, struct err *e);

#endif
