/*
 * rollback_ask: the way of a check from its mapping to its verdict, without a definition around it.
 * What the definition's loader would refuse, and what could not be measured, leaves the question
 * open.
 */
#include "audits/rollback_ask.h"

#include <string.h>

#include "audits/kinds.h"
#include "audits/policy.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/io/clock.h"

#define MAX_KEYS 32 /* of a mapping that is built here; no kind has as many */

struct node *ask_mapping(struct arena *a)
{
	struct node *map = arena_alloc(a, sizeof(*map));

	map->type = NODE_MAPPING;
	map->keys = arena_array(a, MAX_KEYS, sizeof(struct node *));
	map->items = arena_array(a, MAX_KEYS, sizeof(struct node *));
	return map;
}

static struct node *scalar(struct arena *a, const char *text)
{
	struct node *node = arena_alloc(a, sizeof(*node));

	node->type = NODE_SCALAR;
	node->text = text;
	node->len = strlen(text);
	return node;
}

void ask_put_node(struct arena *a, struct node *map, const char *key, struct node *value)
{
	if (map->n == MAX_KEYS)
		return; /* a mistake of this room, and the kind will miss the key */
	map->keys[map->n] = scalar(a, key);
	map->items[map->n++] = value;
}

void ask_put(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		ask_put_node(a, map, key, scalar(a, text));
}

static void unmeasured(struct ask_answer *out, const char *reason, const char *help)
{
	out->outcome = OUTCOME_UNDECIDED;
	out->reason = reason;
	out->help = help && *help ? help : NULL;
	out->is_unreadable = true;
}

struct asked {
	const struct ask *q;
	struct diags *diags;
};

/* keys_context.policy: names of a tag's own are complete only now. */
static const char *policy_of(void *ctx, const struct key_row *row, const struct node *node,
			     const char *path)
{
	const struct asked *x = ctx;
	struct err e = {.class = ERR_NONE};
	const char *name;

	(void)row; /* one of the keys an artifact takes: a list of digests */
	name = policy_name(x->q->arena, x->q->world->definition, path, &e);
	if (!name) {
		e.class = ERR_DEFINITION;
		e.pos = node->pos;
		diags_add(x->diags, &e);
	}
	return name;
}

/* The spec and what is expected of it. -1: it cannot be asked, out says why. */
static int make_check(const struct ask *q, const struct ask_value *values, size_t n,
		      struct check *c, struct ask_answer *out)
{
	struct diags diags;
	struct asked asked = {.q = q, .diags = &diags};
	struct keys_context keys = {
		.arena = q->arena,
		.root_dir = q->world->definition->root_dir,
		.policy = policy_of,
		.policy_ctx = &asked,
		.diags = &diags,
		.what = q->name,
	};
	struct err e = {.class = ERR_NONE};
	const struct pos nowhere = {.file = NULL};

	diags_init(&diags, q->arena);
	c->spec = arena_alloc(q->arena, c->kind->spec_size);
	if (keys_read(&keys, c->kind->keys, q->spec, c->spec) == 0 && c->kind->check)
		c->kind->check(&keys, c);
	if (diags.n > 0) {
		unmeasured(out, diags.items[0].message, diags.items[0].help);
		return -1;
	}
	c->expects = arena_array(q->arena, n, sizeof(*c->expects));
	for (c->n_expects = 0; c->n_expects < n; c->n_expects++) {
		const struct ask_value *value = &values[c->n_expects];
		struct named_expectation *x = &c->expects[c->n_expects];

		*x = (struct named_expectation){.name = value->name};
		if (!value->expect)
			continue;
		x->has_expect = true;
		if (expect_parse(q->arena, &value->expect, &nowhere, 1, &x->expect, &e) < 0) {
			unmeasured(out, arena_strdup(q->arena, e.message), NULL);
			return -1;
		}
	}
	return 0;
}

/* Worse than what was found before? Then it is what is told. */
static void take(struct ask_answer *out, enum outcome outcome, const char *reason,
		 const char *evidence)
{
	enum outcome joined = outcome_join(out->outcome, outcome);

	if (joined != out->outcome) {
		out->reason = reason;
		out->evidence = evidence;
	}
	out->outcome = joined;
}

static void judge(const struct ask *q, const struct check *c, const struct probe *p,
		  struct ask_answer *out)
{
	out->outcome = OUTCOME_PASS;
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];
		bool is_seen = false;

		for (size_t k = 0; k < p->n_emitted; k++) {
			const struct measurement *m = &p->emitted[k].measurement;
			struct verdict verdict;

			if (strcmp(m->name, x->name) != 0)
				continue;
			is_seen = true;
			if (!x->has_expect)
				continue;
			expect_judge(q->arena, &x->expect, NULL, m, NULL, &verdict);
			take(out, verdict.outcome, verdict.reason ? verdict.reason : m->reason,
			     m->evidence);
		}
		if (!is_seen && x->has_expect)
			take(out, OUTCOME_UNDECIDED,
			     arena_printf(q->arena, "it gave no value \"%s\"", x->name), NULL);
	}
}

void ask_kind(const struct ask *q, const struct ask_value *values, size_t n, struct ask_answer *out)
{
	int64_t left_ms = q->deadline_ms - clock_monotonic_ms(q->world->clock);
	struct check *c = arena_alloc(q->arena, sizeof(*c));
	const struct check **checks = arena_array(q->arena, 1, sizeof(*checks));
	struct probe *p = arena_alloc(q->arena, sizeof(*p));
	struct err e = {.class = ERR_NONE};

	*out = (struct ask_answer){.outcome = OUTCOME_UNDECIDED};
	*c = (struct check){
		.id = q->name,
		.name = q->name,
		.audit = "rollback",
		.kind = audit_kind_find(q->kind),
		.spec_node = q->spec,
		.target = q->target,
		.timeout_ms = left_ms > 0 ? left_ms : 1,
	};
	if (make_check(q, values, n, c, out) < 0)
		return;
	checks[0] = c;
	*p = (struct probe){
		.world = q->world,
		.arena = q->arena,
		.checks = checks,
		.n_checks = 1,
		.deadline_ms = q->deadline_ms,
	};
	if (c->kind->probe(p, &e) < 0) {
		unmeasured(out, arena_strdup(q->arena, e.message), arena_strdup(q->arena, e.help));
		return;
	}
	judge(q, c, p, out);
	out->emitted = p->emitted;
	out->n_emitted = p->n_emitted;
}

const char *ask_text(const struct ask_answer *answer, const char *name, const char **reason)
{
	for (size_t i = 0; i < answer->n_emitted; i++) {
		const struct measurement *m = &answer->emitted[i].measurement;

		if (strcmp(m->name, name) != 0)
			continue;
		*reason = m->reason;
		return m->value.type == VALUE_TEXT ? m->value.text : NULL;
	}
	*reason = "it was not measured";
	return NULL;
}
