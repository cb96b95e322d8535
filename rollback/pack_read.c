/*
 * pack_read: one family after the other, depth first, each base inflated once.
 *
 * A worker holds the objects on the way from the root to where it is, one behind the other in one
 * piece of memory, which therefore stays in its caches. The last child of a node takes its parent's
 * place: a chain, however long, needs room for two objects.
 *
 * A name is proven by libgit2's SHA-1, which notices the known collision attacks and takes no lock;
 * or, where the record knows the content of all objects, by that in the end (content.c).
 */
#include "rollback/pack.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/clock.h"
#include "runner/io/git_delta.h"

/* An object that is held, and the first of its children that was not made yet. */
struct held {
	uint32_t next_child;
	size_t begin, size;
};

struct pack_worker {
	struct git_pack_reader **readers; /* of each store, made when needed */
	size_t n_readers;
	unsigned char *objects, *delta;
	size_t max_objects, max_delta;
	struct held *stack;
	size_t n, cap;
};

/* A quarter for streams, a quarter for deltas, the rest for objects; memory is touched as used. */
static struct pack_worker *worker_of(struct worker *w)
{
	size_t share = PACK_MAX_BYTES / crew_size(w->v);

	if (w->packs)
		return w->packs;
	w->packs = arena_alloc(w->a, sizeof(*w->packs));
	w->packs->n_readers = w->v->n_stores;
	w->packs->readers = arena_array(w->a, w->v->n_stores, sizeof(*w->packs->readers));
	w->packs->max_delta = share / 4;
	w->packs->max_objects = share / 2;
	return w->packs;
}

struct git_pack_reader *pack_reader(struct worker *w, size_t store)
{
	struct pack_worker *p = worker_of(w);

	if (!p->readers[store])
		p->readers[store] = git_pack_reader_new(w->v->packs->packs[store], p->max_delta);
	return p->readers[store];
}

void pack_worker_release(struct worker *w)
{
	struct pack_worker *p = w->packs;

	if (!p)
		return;
	for (size_t i = 0; i < p->n_readers; i++)
		git_pack_reader_free(p->readers[i]);
	free(p->objects);
	free(p->delta);
	free(p->stack);
	w->packs = NULL;
}

static void hold(struct pack_worker *p, const struct held *object)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->stack = xrealloc(p->stack, p->cap * sizeof(*p->stack));
	}
	p->stack[p->n++] = *object;
}

static int read_root(struct worker *w, const struct pack_node *node, struct held *out)
{
	struct pack_worker *p = w->packs;

	if (node->size > p->max_objects ||
	    git_pack_inflate(pack_reader(w, node->store), &node->entry, node->next, p->objects) < 0)
		return -1;
	*out = (struct held){.next_child = node->first_child, .size = (size_t)node->size};
	return 0;
}

/* Makes a child of the object on top, behind it. */
static int make_child(struct worker *w, const struct pack_node *node, struct held *out)
{
	struct pack_worker *p = w->packs;
	const struct held *base = &p->stack[p->n - 1];
	struct git_delta delta = {.p = p->delta, .n = (size_t)node->entry.size};
	size_t begin = base->begin + base->size;

	if (node->entry.size > p->max_delta ||
	    git_pack_inflate(pack_reader(w, node->store), &node->entry, node->next, p->delta) < 0 ||
	    git_delta_parse(&delta) < 0)
		return -1;
	if (delta.base_size != base->size || delta.size > p->max_objects - begin ||
	    git_delta_apply(&delta, p->objects + base->begin, p->objects + begin) < 0)
		return -1;
	*out = (struct held){
		.next_child = node->first_child, .begin = begin, .size = (size_t)delta.size};
	return 0;
}

static bool has_name(const void *data, size_t size, const git_oid *name)
{
	git_oid id;

	return git_odb_hash(&id, data, size, GIT_OBJECT_BLOB) == 0 && git_oid_equal(&id, name);
}

/* Sizes were announced before: a blob that has another one by now is left to read.c as well. */
static void hand_out(struct worker *w, const struct pack_node *node, const struct held *object)
{
	const unsigned char *data = w->packs->objects + object->begin;
	struct entry *owner = node->owner;

	if (!owner || object->size != node->size)
		return;
	if (!w->v->content && !has_name(data, object->size, &owner->id))
		return;
	owner->is_read = true;
	w->v->packs->fn(w, owner, data, object->size);
}

static void make_descendants(struct worker *w)
{
	struct pack_worker *p = w->packs;
	const struct pack_node *nodes = w->v->packs->nodes;

	while (p->n > 0 && !room_is_late(w->v)) {
		struct held *top = &p->stack[p->n - 1], made;
		const struct pack_node *child;
		bool is_last, is_made;

		if (top->next_child == PACK_NONE) {
			p->n--;
			continue;
		}
		child = &nodes[top->next_child];
		top->next_child = child->next_sibling;
		is_last = top->next_child == PACK_NONE;
		is_made = make_child(w, child, &made) == 0;
		if (is_made)
			hand_out(w, child, &made);
		if (!is_made || made.next_child == PACK_NONE)
			continue;
		if (is_last) {
			memmove(p->objects + top->begin, p->objects + made.begin, made.size);
			made.begin = top->begin;
			p->n--;
		}
		hold(p, &made);
	}
	p->n = 0;
}

static void family_task(struct worker *w, size_t i)
{
	const struct pack_plan *plan = w->v->packs;
	const struct pack_node *root = &plan->nodes[plan->roots[i]];
	struct pack_worker *p = worker_of(w);
	struct held object;

	if (!p->objects) {
		p->objects = xmalloc(p->max_objects);
		p->delta = xmalloc(p->max_delta);
	}
	if (read_root(w, root, &object) < 0)
		return;
	hand_out(w, root, &object);
	if (object.next_child == PACK_NONE)
		return;
	hold(p, &object);
	make_descendants(w);
}

int pack_run(struct verification *v, pack_blob_fn *fn, struct step *first, struct step *second)
{
	if (!v->packs)
		return 0;
	v->packs->fn = fn;
	return crew_run(v, v->packs->n_roots, 1, family_task, first, second);
}
