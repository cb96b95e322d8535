/*
 * Selection: each segment makes a list of places from the one before. Descendants are walked with
 * a stack of our own, because a document may be nested deeper than a thread's stack likes.
 */
#include "audits/jsonpath.h"

#include <stdlib.h>
#include <string.h>

#include "audits/jsonpath_internal.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

void json_nodes_release(struct json_nodes *nodes)
{
	free(nodes->items);
	*nodes = (struct json_nodes){.items = NULL};
}

/* Each place added was paid for, so there are never more than the budget allows. */
static void add(struct json_nodes *nodes, struct json_t *node)
{
	if (nodes->n == nodes->cap) {
		nodes->cap = nodes->cap == 0 ? 16 : nodes->cap * 2;
		nodes->items = xrealloc(nodes->items, nodes->cap * sizeof(*nodes->items));
	}
	nodes->items[nodes->n++] = node;
}

int jsonpath_spend(struct jsonpath_run *run, int64_t steps)
{
	run->steps_left -= steps;
	if (run->steps_left >= 0)
		return 0;
	return err_set(run->e, ERR_MEASURE,
		       "the query looked at more than %lld nodes and was given up",
		       (long long)JSONPATH_MAX_STEPS);
}

/* Adds all children of node. */
static int add_children(struct jsonpath_run *run, struct json_t *node, struct json_nodes *out)
{
	struct json_value v;
	struct json_t *child;
	const char *name;
	void *at = NULL;

	json_read(run->doc, node, &v);
	if (v.type != JSON_IS_ARRAY && v.type != JSON_IS_OBJECT)
		return 0;
	if (jsonpath_spend(run, (int64_t)v.n) != 0)
		return -1;
	for (size_t i = 0; v.type == JSON_IS_ARRAY && i < v.n; i++)
		add(out, json_item(node, i));
	if (v.type == JSON_IS_ARRAY)
		return 0;
	while (json_member_next(node, &at, &name, &child))
		add(out, child);
	return 0;
}

/* RFC 9535, 2.3.4.2.2: from the end when negative, and never outside of 0..n. */
static int64_t bound(int64_t i, int64_t n, int64_t least, int64_t most)
{
	if (i < 0)
		i += n;
	return i < least ? least : i > most ? most : i;
}

static int select_slice(struct jsonpath_run *run, const struct jsonpath_selector *s,
			struct json_t *node, int64_t n, struct json_nodes *out)
{
	int64_t from, to;

	if (s->step == 0)
		return 0;
	if (s->step > 0) {
		from = s->has_start ? bound(s->start, n, 0, n) : 0;
		to = s->has_end ? bound(s->end, n, 0, n) : n;
	} else {
		from = s->has_start ? bound(s->start, n, -1, n - 1) : n - 1;
		to = s->has_end ? bound(s->end, n, -1, n - 1) : -1;
	}
	for (int64_t i = from; s->step > 0 ? i < to : i > to; i += s->step) {
		if (jsonpath_spend(run, 1) != 0)
			return -1;
		add(out, json_item(node, (size_t)i));
	}
	return 0;
}

static int select_filter(struct jsonpath_run *run, const struct jsonpath_selector *s,
			 struct json_t *node, struct json_nodes *out)
{
	struct json_nodes children = {.items = NULL};
	int code = add_children(run, node, &children);

	for (size_t i = 0; code == 0 && i < children.n; i++) {
		int is_true = jsonpath_decide(run, s->filter, children.items[i]);

		if (is_true > 0)
			add(out, children.items[i]);
		else if (is_true < 0)
			code = -1;
	}
	json_nodes_release(&children);
	return code;
}

static int select_one(struct jsonpath_run *run, const struct jsonpath_selector *s,
		      struct json_t *node, struct json_nodes *out)
{
	struct json_t *found = NULL;
	struct json_value v;

	json_read(run->doc, node, &v);
	switch (s->type) {
	case JSONPATH_NAME:
		/* No document holds a name with NUL in it. */
		if (strlen(s->name) == s->n_name)
			found = json_member(node, s->name);
		break;
	case JSONPATH_INDEX:
		if (v.type == JSON_IS_ARRAY && s->start >= -(int64_t)v.n)
			found = json_item(
				node, (size_t)(s->start < 0 ? s->start + (int64_t)v.n : s->start));
		break;
	case JSONPATH_SLICE:
		if (v.type != JSON_IS_ARRAY)
			return 0;
		return select_slice(run, s, node, (int64_t)v.n, out);
	case JSONPATH_WILDCARD:
		return add_children(run, node, out);
	case JSONPATH_FILTER:
		return select_filter(run, s, node, out);
	}
	if (found != NULL)
		add(out, found);
	return jsonpath_spend(run, 1);
}

static int select_all(struct jsonpath_run *run, const struct jsonpath_segment *segment,
		      struct json_t *node, struct json_nodes *out)
{
	for (const struct jsonpath_selector *s = segment->selectors; s != NULL; s = s->next)
		if (select_one(run, s, node, out) != 0)
			return -1;
	return 0;
}

/* The node and everything below it, parents before children, children in their order. */
static int descend(struct jsonpath_run *run, const struct jsonpath_segment *segment,
		   struct json_t *node, struct json_nodes *out)
{
	struct json_nodes stack = {.items = NULL};
	int code = 0;

	add(&stack, node);
	while (code == 0 && stack.n > 0) {
		struct json_t *next = stack.items[--stack.n];
		size_t first = stack.n;

		code = select_all(run, segment, next, out);
		if (code == 0)
			code = add_children(run, next, &stack);
		/* The last one put on the stack comes off first. */
		for (size_t i = first, j = stack.n; i + 1 < j; i++) {
			struct json_t *swapped = stack.items[i];

			stack.items[i] = stack.items[--j];
			stack.items[j] = swapped;
		}
	}
	json_nodes_release(&stack);
	return code;
}

int jsonpath_evaluate(struct jsonpath_run *run, const struct jsonpath *p, struct json_t *current,
		      struct json_nodes *out)
{
	struct json_nodes from = {.items = NULL}, to = {.items = NULL};
	int code = jsonpath_spend(run, 1);

	add(&from, p->is_relative ? current : json_root(run->doc));
	for (const struct jsonpath_segment *s = p->segments; code == 0 && s != NULL; s = s->next) {
		struct json_nodes spent = from;

		for (size_t i = 0; code == 0 && i < from.n; i++)
			code = s->is_descendant ? descend(run, s, from.items[i], &to)
						: select_all(run, s, from.items[i], &to);
		from = to;
		spent.n = 0;
		to = spent;
	}
	for (size_t i = 0; code == 0 && i < from.n; i++)
		add(out, from.items[i]);
	json_nodes_release(&from);
	json_nodes_release(&to);
	return code;
}

int jsonpath_select(const struct jsonpath *p, const struct json_doc *d, struct json_nodes *out,
		    struct err *e)
{
	struct jsonpath_run run = {
		.doc = d,
		.steps_left = JSONPATH_MAX_STEPS,
		.e = e,
		.arena = arena_new(),
	};
	int code = jsonpath_evaluate(&run, p, json_root(d), out);

	arena_free(run.arena);
	return code;
}
