/*
 * The identity of a check's definition: SHA-256 over what decides its outcome, in a form that does
 * not depend on how it was written down. Secrets count as the references they came from, so that a
 * hash says nothing about them and a rotated password changes nothing.
 *
 * Not in it: title, why, owner, schedule, severity, tags, retries, needs. They change who hears of
 * a result, not what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/io/digest.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"

/* A mark before, NUL after, which no text holds: none can pretend to be structure. */
static void add_text(struct buf *b, const char *s)
{
	(void)buf_putc(b, '"');
	(void)buf_add(b, s, strlen(s) + 1);
}

static int compare_keys(const void *x, const void *y)
{
	const struct node *const *a = x, *const *b = y;

	return strcmp((*a)->text, (*b)->text);
}

/* Depth is bounded by the YAML door. */
static void add_node(struct arena *a, struct buf *b, const struct node *node)
{
	struct node **keys;

	switch (node->type) {
	case NODE_SCALAR:
		add_text(b, node->written ? node->written : node->text);
		return;
	case NODE_SEQUENCE:
		(void)buf_putc(b, '[');
		for (size_t i = 0; i < node->n; i++)
			add_node(a, b, node->items[i]);
		(void)buf_putc(b, ']');
		return;
	case NODE_MAPPING:
		keys = arena_array(a, node->n, sizeof(struct node *));
		if (node->n > 0)
			memcpy(keys, node->keys, node->n * sizeof(struct node *));
		qsort(keys, node->n, sizeof(struct node *), compare_keys);
		(void)buf_putc(b, '{');
		for (size_t i = 0; i < node->n; i++) {
			add_text(b, keys[i]->text);
			add_node(a, b, node_get(node, keys[i]->text));
		}
		(void)buf_putc(b, '}');
		return;
	}
}

/* Name and location: the same name may come to stand for another database. */
static void add_target(struct loader *l, struct buf *b, const struct target *t)
{
	const struct node *location = t ? map_get(&l->target_nodes, t->name) : NULL;

	add_text(b, t ? t->name : "");
	if (location)
		add_node(l->arena, b, location);
}

void load_hash(struct loader *l, struct check *c)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* a file's size bounds it */
	(void)buf_puts(&b, "assize check 1\n");
	add_text(&b, c->kind->name);
	add_node(l->arena, &b, c->spec_node);
	add_target(l, &b, c->target);
	if (c->other_target)
		add_target(l, &b, c->other_target);
	(void)buf_printf(&b, "timeout %lld\n", (long long)c->timeout_ms);
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *e = &c->expects[i];

		add_text(&b, e->name);
		add_text(&b, e->has_expect && e->expect.text ? e->expect.text : "");
		add_text(&b, e->has_warn && e->warn.text ? e->warn.text : "");
	}
	sha256_of(b.data, b.len, c->hash);
	buf_release(&b);
}
