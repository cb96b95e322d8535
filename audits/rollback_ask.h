/*
 * rollback_ask: a question put to another kind, as if a definition had a check for it.
 *
 * The check's mapping is built key by key, read by the kind's own rows, probed on the asking
 * thread and judged like any other; nothing of it is recorded. Everything lives in the arena given.
 * Private to this room.
 */
#ifndef ASSIZE_AUDITS_ROLLBACK_ASK_H
#define ASSIZE_AUDITS_ROLLBACK_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/kind.h"

struct node;

struct ask {
	struct arena *arena;
	const struct probe_world *world;
	int64_t deadline_ms;
	const char *name; /* of the check, for messages */
	const char *kind;
	struct node *spec;
	const struct target *target; /* NULL = none */
};

struct ask_value {
	const char *name;
	const char *expect; /* NULL = it is only read */
};

struct ask_answer {
	enum outcome outcome;
	const char *reason, *help, *evidence; /* of what is not passing; NULL = none */
	bool is_unreadable;		      /* nothing was measured: reason says why */
	const struct emitted *emitted;
	size_t n_emitted;
};

struct node *ask_mapping(struct arena *a);
/* text NULL: nothing is added. */
void ask_put(struct arena *a, struct node *map, const char *key, const char *text);
void ask_put_node(struct arena *a, struct node *map, const char *key, struct node *value);

void ask_kind(const struct ask *q, const struct ask_value *values, size_t n,
	      struct ask_answer *out);
/* The text of the first measurement of that name; NULL = there is none, *reason says why. */
const char *ask_text(const struct ask_answer *answer, const char *name, const char **reason);

#endif
