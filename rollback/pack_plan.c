/*
 * pack_plan: where the tag's blobs are, and which of them are made from which.
 *
 * Names are looked up in their own order and headers read in that of the packs, so that neighbours
 * are read together; both by the crew. Bases are then followed from delta to delta, each once.
 * Damage ends here as a node that no root leads to (a cycle of deltas, too), and is not handed out.
 */
#include "rollback/pack.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"

/* A family of more than that is begun before all that are smaller. */
#define LARGE_BYTES ((uint64_t)1 << 20)

/* Nodes by their place: open addressing, at most half full. */
struct places {
	uint32_t *slots;
	size_t mask;
};

static int by_name(const void *a, const void *b)
{
	const struct pack_node *x = a, *y = b;

	if (x->store != y->store)
		return x->store < y->store ? -1 : 1;
	return git_oid_cmp(&x->owner->id, &y->owner->id);
}

static int by_place(const void *a, const void *b)
{
	const struct pack_node *x = a, *y = b;

	if (x->store != y->store)
		return x->store < y->store ? -1 : 1;
	if (x->entry.pack != y->entry.pack)
		return x->entry.pack < y->entry.pack ? -1 : 1;
	return (x->entry.offset > y->entry.offset) - (x->entry.offset < y->entry.offset);
}

static int by_place_of(const void *a, const void *b)
{
	const struct pack_node *const *left = a, *const *right = b;

	return by_place(*left, *right);
}

static struct pack_node new_node(size_t store, struct entry *owner)
{
	return (struct pack_node){
		.store = (uint32_t)store,
		.owner = owner,
		.first_child = PACK_NONE,
		.next_sibling = PACK_NONE,
	};
}

/* All blobs of stores that have packs. */
static void list_wanted(struct verification *v)
{
	const struct entries *blobs = &v->plan.blobs;
	struct pack_plan *plan = v->packs;

	for (size_t i = 0; i < v->n_stores; i++)
		plan->packs[i] = git_packs_open(
			v->a, arena_printf(v->a, "%sobjects",
					   git_repository_commondir(v->stores[i].repo)));
	plan->cap = blobs->n < PACK_MAX_NODES ? blobs->n : PACK_MAX_NODES;
	plan->nodes = xmalloc((plan->cap + 1) * sizeof(*plan->nodes));
	for (size_t i = 0; i < plan->cap; i++) {
		struct entry *owner = blobs->items[i];

		if (git_packs_count(plan->packs[owner->store]) > 0)
			plan->nodes[plan->n++] = new_node(owner->store, owner);
	}
	qsort(plan->nodes, plan->n, sizeof(*plan->nodes), by_name);
}

static void find_task(struct worker *w, size_t i)
{
	struct pack_node *node = &w->v->packs->nodes[i];

	node->is_usable = git_pack_find(pack_reader(w, node->store), node->owner->id.id,
					&node->entry.pack, &node->entry.offset);
}

static bool is_possible(const struct git_pack_entry *entry)
{
	return git_pack_is_delta(entry) || entry->type == GIT_PACK_BLOB;
}

static void head_task(struct worker *w, size_t i)
{
	struct pack_node *node = &w->v->packs->nodes[i];
	struct git_pack_reader *reader = pack_reader(w, node->store);

	node->is_usable =
		git_pack_entry(reader, node->entry.pack, node->entry.offset, &node->entry) == 0 &&
		is_possible(&node->entry) &&
		git_pack_object_size(reader, &node->entry, &node->size) == 0 &&
		node->size <= INT64_MAX / 2;
	if (!node->is_usable)
		return;
	for (struct entry *entry = node->owner; entry; entry = entry->next_same) {
		entry->size_bytes = (int64_t)node->size;
		entry->is_sized = true;
	}
}

static void keep_usable(struct pack_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->n; i++)
		if (plan->nodes[i].is_usable)
			plan->nodes[kept++] = plan->nodes[i];
	plan->n = kept;
}

static uint32_t *find_slot(const struct pack_plan *plan, const struct places *places,
			   const struct pack_node *at)
{
	/* Fibonacci hashing: offsets are anything but even in their low bits. */
	uint64_t key =
		at->entry.offset ^ (uint64_t)at->entry.pack << 48 ^ (uint64_t)at->store << 40;
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = (size_t)(hash >> 32) & places->mask;; i = (i + 1) & places->mask) {
		uint32_t *slot = &places->slots[i];

		if (*slot == PACK_NONE || by_place(&plan->nodes[*slot], at) == 0)
			return slot;
	}
}

static void fill_places(const struct pack_plan *plan, struct places *places)
{
	size_t n_slots = 1024;

	while (n_slots < 2 * plan->cap)
		n_slots *= 2;
	free(places->slots);
	places->slots = xmalloc(n_slots * sizeof(*places->slots));
	for (size_t i = 0; i < n_slots; i++)
		places->slots[i] = PACK_NONE;
	places->mask = n_slots - 1;
	for (size_t i = 0; i < plan->n; i++)
		*find_slot(plan, places, &plan->nodes[i]) = (uint32_t)i;
}

/* Adds a node; PACK_NONE when there is no room for it. Nodes may move. */
static uint32_t add_node(struct pack_plan *plan, struct places *places,
			 const struct pack_node *node)
{
	if (plan->n == PACK_MAX_NODES)
		return PACK_NONE;
	if (plan->n >= plan->cap) {
		plan->cap = 2 * plan->cap + 64;
		plan->nodes = xrealloc(plan->nodes, plan->cap * sizeof(*plan->nodes));
		fill_places(plan, places);
	}
	plan->nodes[plan->n] = *node;
	*find_slot(plan, places, node) = (uint32_t)plan->n;
	return (uint32_t)plan->n++;
}

/* The node a delta is made from, found or added; PACK_NONE when there cannot be one. */
static uint32_t base_of(struct verification *v, struct places *places,
			const struct pack_node *delta)
{
	struct git_pack_reader *reader = pack_reader(crew_first(v), delta->store);
	struct pack_node base = new_node(delta->store, NULL);
	uint32_t found;

	base.entry.pack = delta->entry.pack;
	base.entry.offset = delta->entry.base;
	found = *find_slot(v->packs, places, &base);
	if (found != PACK_NONE)
		return found;
	base.is_usable = true;
	if (git_pack_entry(reader, base.entry.pack, base.entry.offset, &base.entry) < 0 ||
	    !is_possible(&base.entry))
		return PACK_NONE;
	if (!git_pack_is_delta(&base.entry))
		base.size = base.entry.size;
	return add_node(v->packs, places, &base);
}

/* Hangs every delta below its base. Nodes that are added on the way are met later in the loop. */
static void link_bases(struct verification *v)
{
	struct pack_plan *plan = v->packs;
	struct places places = {0};

	fill_places(plan, &places);
	for (size_t i = 0; i < plan->n && !room_is_late(v); i++) {
		uint32_t base;

		if (!git_pack_is_delta(&plan->nodes[i].entry))
			continue;
		base = base_of(v, &places, &plan->nodes[i]);
		if (base == PACK_NONE)
			continue;
		plan->nodes[i].next_sibling = plan->nodes[base].first_child;
		plan->nodes[base].first_child = (uint32_t)i;
	}
	free(places.slots);
}

/* The stream of a node ends before the next one begins. */
static void find_ends(struct pack_plan *plan)
{
	struct pack_node **sorted = xmalloc((plan->n + 1) * sizeof(struct pack_node *));

	for (size_t i = 0; i < plan->n; i++)
		sorted[i] = &plan->nodes[i];
	qsort(sorted, plan->n, sizeof(struct pack_node *), by_place_of);
	for (size_t i = 0; i < plan->n; i++) {
		const struct pack_node *next = i + 1 < plan->n ? sorted[i + 1] : NULL;
		bool is_neighbour = next && next->store == sorted[i]->store &&
				    next->entry.pack == sorted[i]->entry.pack;

		sorted[i]->next = is_neighbour ? next->entry.offset : GIT_PACK_NOWHERE;
	}
	free(sorted);
}

struct family {
	uint64_t bytes;
	uint32_t root;
};

/* Large ones first, the largest of them before the others; the rest as they lie in the packs. */
static int by_order(const void *a, const void *b)
{
	const struct family *x = a, *y = b;

	if (x->bytes > LARGE_BYTES || y->bytes > LARGE_BYTES)
		return (x->bytes < y->bytes) - (x->bytes > y->bytes);
	return (x->root > y->root) - (x->root < y->root);
}

/* Bytes to make of a family; its children's children are visited without recursion. */
static uint64_t weigh(const struct pack_plan *plan, uint32_t root, uint32_t *stack)
{
	uint64_t bytes = 0;
	size_t n = 0;

	stack[n++] = root;
	while (n > 0) {
		const struct pack_node *node = &plan->nodes[stack[--n]];

		bytes += node->size > 0 ? node->size : node->entry.size;
		for (uint32_t i = node->first_child; i != PACK_NONE;
		     i = plan->nodes[i].next_sibling)
			stack[n++] = i;
	}
	return bytes;
}

static void list_families(struct pack_plan *plan)
{
	struct family *families = xmalloc((plan->n + 1) * sizeof(*families));
	uint32_t *stack = xmalloc((plan->n + 1) * sizeof(*stack));

	plan->roots = xmalloc((plan->n + 1) * sizeof(*plan->roots));
	for (uint32_t i = 0; i < plan->n; i++)
		if (!git_pack_is_delta(&plan->nodes[i].entry))
			families[plan->n_roots++] = (struct family){weigh(plan, i, stack), i};
	qsort(families, plan->n_roots, sizeof(*families), by_order);
	for (size_t i = 0; i < plan->n_roots; i++)
		plan->roots[i] = families[i].root;
	free(stack);
	free(families);
}

int pack_prepare(struct verification *v, struct step *s)
{
	struct pack_plan *plan = v->packs = arena_alloc(v->a, sizeof(*plan));

	plan->packs = arena_array(v->a, v->n_stores, sizeof(*plan->packs));
	list_wanted(v);
	if (crew_run(v, plan->n, 1, find_task, s, NULL) < 0)
		return -1;
	keep_usable(plan);
	qsort(plan->nodes, plan->n, sizeof(*plan->nodes), by_place);
	if (crew_run(v, plan->n, 1, head_task, s, NULL) < 0)
		return -1;
	keep_usable(plan);
	link_bases(v);
	find_ends(plan);
	list_families(plan);
	return room_is_late(v) ? room_late(v, s) : 0;
}

void pack_release(struct verification *v)
{
	if (!v->packs)
		return;
	free(v->packs->nodes);
	free(v->packs->roots);
	v->packs = NULL;
}
