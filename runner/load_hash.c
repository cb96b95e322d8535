/*
 * The identity of a check's definition: SHA-256 over what decides its outcome, in a form that does
 * not depend on how it was written down. Secrets count as the references they came from, so that a
 * hash says nothing about them and a rotated password changes nothing.
 *
 * Files that are policy (a snapshot, who may sign) count by their content: evidence measured
 * against another snapshot under the same name is evidence for another definition.
 *
 * Not in it: title, why, owner, schedule, severity, tags, retries, needs, claims. They change who
 * hears of a result, not what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "audits/rollback.h"
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

/* The content of a file that is policy: of the same name, another one is another definition. */
static void add_policy(struct buf *b, const struct policy_file *f)
{
	char hex[SHA256_HEX] = "absent";

	if (f->is_there)
		sha256_hex(f->digest, hex);
	(void)buf_printf(b, "policy %s\n", hex);
}

static void add_named(struct loader *l, struct buf *b, const char *name)
{
	const struct policy_file *f = name ? map_get(&l->policies, name) : NULL;

	if (f)
		add_policy(b, f);
}

/* Texts of ${file:} that came from a commit, each under its reference. */
static void add_referred(struct loader *l, struct buf *b, const char *written)
{
	const char *end;

	for (const char *s = written; (s = strstr(s, "${file:")) && (end = strchr(s, '}')); s = end)
		add_named(l, b, arena_strndup(l->arena, s, (size_t)(end - s) + 1));
}

static int compare_keys(const void *x, const void *y)
{
	const struct node *const *a = x, *const *b = y;

	return strcmp((*a)->text, (*b)->text);
}

/* Depth is bounded by the YAML door. */
static void add_node(struct loader *l, struct buf *b, const struct node *node)
{
	struct node **keys;

	switch (node->type) {
	case NODE_SCALAR:
		add_text(b, node->written ? node->written : node->text);
		if (node->written)
			add_referred(l, b, node->written);
		return;
	case NODE_SEQUENCE:
		(void)buf_putc(b, '[');
		for (size_t i = 0; i < node->n; i++)
			add_node(l, b, node->items[i]);
		(void)buf_putc(b, ']');
		return;
	case NODE_MAPPING:
		keys = arena_array(l->arena, node->n, sizeof(struct node *));
		if (node->n > 0)
			memcpy(keys, node->keys, node->n * sizeof(struct node *));
		qsort(keys, node->n, sizeof(struct node *), compare_keys);
		(void)buf_putc(b, '{');
		for (size_t i = 0; i < node->n; i++) {
			add_text(b, keys[i]->text);
			add_node(l, b, node_get(node, keys[i]->text));
		}
		(void)buf_putc(b, '}');
		return;
	}
}

/*
 * Name and location: the same name may come to stand for another database. So may what the
 * environment says, of which the part that is no secret counts.
 */
static void add_target(struct loader *l, struct buf *b, const struct target *t)
{
	const struct node *location = t ? map_get(&l->target_nodes, t->name) : NULL;

	add_text(b, t ? t->name : "");
	if (location)
		add_node(l, b, location);
	if (t && t->place)
		add_text(b, t->place);
	if (t) {
		add_named(l, b, t->ca_file);
		add_named(l, b, t->route.proxy_ca_file);
	}
}

/* All a set says is what its verification is held to: pins, signers, artifacts, smoke test, ... */
static void add_set(struct loader *l, struct buf *b, const struct check *c)
{
	const struct rollback_spec *spec = c->spec;
	const struct rollback_set *set;

	if (strcmp(c->kind->name, "rollback") != 0 || !spec || !spec->set)
		return;
	set = definition_rollback(l->definition, spec->set);
	if (!set)
		return;
	add_node(l, b, map_get(&l->set_nodes, set->name));
	add_target(l, b, set->repo);
	add_named(l, b, set->signature.allowed_signers);
	add_named(l, b, set->signature.revoked);
	add_named(l, b, set->signature.keyring);
}

void load_hash(struct loader *l, struct check *c)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* a file's size bounds it */
	(void)buf_puts(&b, "assize check 1\n");
	add_text(&b, c->kind->name);
	add_node(l, &b, c->spec_node);
	for (size_t i = l->first_use; i < l->n_uses; i++)
		add_policy(&b, l->uses[i]);
	add_set(l, &b, c);
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
