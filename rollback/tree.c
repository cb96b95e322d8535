/*
 * tree: reads every tree object under the tag and lays out what is to be restored.
 *
 * Trees are parsed here, from the re-hashed bytes, because libgit2's parser accepts what must be
 * noticed: duplicate and unsorted entries, unknown modes. Ceilings on entries, depth and bytes are
 * checked while walking, before anything is written: ten objects can describe 10^7 files.
 *
 * Names that differ only in ASCII case are remarked, not refused: large clean trees have them (the
 * Linux kernel does), and on a file system that folds case the restoration itself fails.
 */
#include "rollback/room.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

#define MAX_MODE_DIGITS 7

void entries_add(struct arena *a, struct entries *list, struct entry *entry)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		struct entry **items = arena_array(a, cap, sizeof(struct entry *));

		if (list->n > 0)
			memcpy(items, list->items, list->n * sizeof(struct entry *));
		list->items = items;
		list->cap = cap;
	}
	list->items[list->n++] = entry;
}

struct entry *entry_child(const struct entry *directory, const char *name, size_t n)
{
	size_t low = 0, high = directory->n_children;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct entry *child = directory->children[middle];
		int order = strncmp(name, child->name, n);

		if (order == 0 && child->name[n] == '\0')
			return child;
		if (order < 0 || (order == 0 && child->name[n] != '\0'))
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void tree_add_id(struct verification *v, const git_oid *id)
{
	struct tree_plan *plan = &v->plan;

	if (plan->n_ids == plan->cap_ids) {
		size_t cap = plan->cap_ids ? 2 * plan->cap_ids : 256;
		git_oid *ids = arena_array(v->a, cap, sizeof(*ids));

		if (plan->n_ids > 0)
			memcpy(ids, plan->ids, plan->n_ids * sizeof(*ids));
		plan->ids = ids;
		plan->cap_ids = cap;
	}
	plan->ids[plan->n_ids++] = *id;
}

static const char *shown(struct verification *v, const struct entry *entry)
{
	return str_escaped(v->a, *entry->path ? entry->path : "/");
}

static bool type_of_mode(unsigned long mode, enum entry_type *type)
{
	switch (mode) {
	case 040000:
		*type = ENTRY_DIRECTORY;
		return true;
	case 0100644:
	case 0100664: /* written by git before 2005, restored as 0644 by every git since */
		*type = ENTRY_FILE;
		return true;
	case 0100755:
		*type = ENTRY_EXECUTABLE;
		return true;
	case 0120000:
		*type = ENTRY_SYMLINK;
		return true;
	case 0160000:
		*type = ENTRY_SUBMODULE;
		return true;
	default:
		return false;
	}
}

static void file_entry(struct verification *v, struct entry *entry)
{
	struct tree_plan *plan = &v->plan;

	switch (entry->type) {
	case ENTRY_DIRECTORY:
		entries_add(v->a, &plan->directories, entry);
		break;
	case ENTRY_FILE:
	case ENTRY_EXECUTABLE:
		entries_add(v->a, &plan->files, entry);
		if (strcmp(entry->name, ".gitattributes") == 0)
			entries_add(v->a, &plan->attributes, entry);
		break;
	case ENTRY_SYMLINK:
		entries_add(v->a, &plan->links, entry);
		break;
	case ENTRY_SUBMODULE:
		entries_add(v->a, &plan->submodules, entry);
		return; /* its commit is an object of another repository */
	}
	tree_add_id(v, &entry->id);
}

static struct entry *new_entry(struct verification *v, struct entry *parent, const char *name,
			       size_t n)
{
	struct entry *entry = arena_alloc(v->a, sizeof(*entry));
	size_t base = strlen(parent->path);
	char *path = arena_alloc(v->a, base + n + 2);

	if (base > 0) {
		memcpy(path, parent->path, base);
		path[base++] = '/';
	}
	memcpy(path + base, name, n);
	entry->path = path;
	entry->name = path + base;
	entry->parent = parent;
	entry->store = parent->store;
	entry->order = (size_t)v->plan.n_entries;
	return entry;
}

/* Parses "mode SP name NUL id" at *p, which it moves; -1 with a finding. */
static int parse_entry(struct verification *v, struct step *s, struct entry *dir, const char **p,
		       const char *end, struct entry **out)
{
	unsigned long mode = 0;
	const char *at = *p, *name;
	size_t digits = 0, n;

	while (at < end && *at >= '0' && *at <= '7' && digits++ < MAX_MODE_DIGITS)
		mode = mode * 8 + (unsigned long)(*at++ - '0');
	if (digits == 0 || at == end || *at != ' ')
		return step_find(s, OUTCOME_FAIL, NULL, "tree \"%s\" cannot be parsed",
				 shown(v, dir));
	name = at + 1;
	n = (size_t)(end - name);
	at = memchr(name, '\0', n);
	if (!at || end - at - 1 < GIT_OID_RAWSZ)
		return step_find(s, OUTCOME_FAIL, NULL, "tree \"%s\" is cut short", shown(v, dir));
	n = (size_t)(at - name);

	struct entry *entry = new_entry(v, dir, name, n);
	git_oid_fromraw(&entry->id, (const unsigned char *)at + 1);
	*p = at + 1 + GIT_OID_RAWSZ;
	if (!type_of_mode(mode, &entry->type))
		return step_find(s, OUTCOME_FAIL, NULL,
				 "\"%s\" has mode %06lo, which means nothing", shown(v, entry),
				 mode);
	*out = entry;
	return 0;
}

/* A remark: the release runs here, and whoever checks it out there finds out at once. */
static void note_elsewhere(struct verification *v, const struct entry *entry)
{
	struct tree_plan *plan = &v->plan;
	const char *why = name_elsewhere(entry->name);

	if (why && plan->n_elsewhere++ == 0)
		plan->elsewhere = arena_printf(v->a, "the name \"%s\" %s", shown(v, entry), why);
}

static int check_name(struct verification *v, struct step *s, const struct entry *entry)
{
	const char *why = name_refused(entry->name);

	if (why)
		return step_find(s, OUTCOME_FAIL, NULL, "the name \"%s\" in \"%s\" %s",
				 str_escaped(v->a, entry->name), shown(v, entry->parent), why);
	if (strlen(entry->path) > ROOM_MAX_PATH)
		return step_find(s, OUTCOME_FAIL, NULL, "a path below \"%.60s\" is longer than %d",
				 shown(v, entry->parent), ROOM_MAX_PATH);
	why = name_doubtful(entry->name);
	if (why)
		step_find(s, OUTCOME_WARN, NULL, "the name \"%s\" %s", shown(v, entry), why);
	note_elsewhere(v, entry);
	if (entry->type == ENTRY_SYMLINK && strncasecmp(entry->name, ".gitmodules", 12) == 0)
		return step_find(s, OUTCOME_FAIL, NULL, "\"%s\" is a symbolic link",
				 shown(v, entry));
	return 0;
}

/* git's order: as if the names of directories ended in a slash. */
static int git_order(const struct entry *a, const struct entry *b)
{
	size_t n = strlen(a->name), m = strlen(b->name), common = n < m ? n : m;
	int order = memcmp(a->name, b->name, common);
	unsigned char left, right;

	if (order != 0)
		return order;
	left = (unsigned char)a->name[common];
	right = (unsigned char)b->name[common];
	if (left == '\0' && a->type == ENTRY_DIRECTORY)
		left = '/';
	if (right == '\0' && b->type == ENTRY_DIRECTORY)
		right = '/';
	return (int)left - (int)right;
}

static int by_name(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int by_folded_name(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;

	return strcasecmp((*left)->name, (*right)->name);
}

/* Are two children the same, or the same to a file system that folds ASCII case? */
static int check_collisions(struct verification *v, struct step *s, const struct entry *dir)
{
	struct entry **folded;
	size_t n = dir->n_children;

	for (size_t i = 1; i < n; i++)
		if (strcmp(dir->children[i - 1]->name, dir->children[i]->name) == 0)
			return step_find(s, OUTCOME_FAIL, NULL, "there are two entries \"%s\"",
					 shown(v, dir->children[i]));
	if (n < 2)
		return 0;
	folded = xmalloc(n * sizeof(struct entry *));
	memcpy(folded, dir->children, n * sizeof(struct entry *));
	qsort(folded, n, sizeof(struct entry *), by_folded_name);
	for (size_t i = 1; i < n; i++)
		if (strcasecmp(folded[i - 1]->name, folded[i]->name) == 0)
			step_find(s, OUTCOME_WARN, NULL,
				  "\"%s\" and \"%s\" differ only in case: one file where names "
				  "fold case",
				  shown(v, folded[i - 1]), str_escaped(v->a, folded[i]->name));
	free(folded);
	return 0;
}

static int check_ceilings(struct verification *v, struct step *s)
{
	int64_t most = v->set->max_entries > 0 ? v->set->max_entries : ROOM_DEFAULT_FILES;

	if (v->plan.n_entries > most)
		return step_find(s, OUTCOME_UNDECIDED, "raise limits: { entries: } of the set",
				 "the tree has more than %lld entries", (long long)most);
	if (room_is_late(v))
		return room_late(v, s);
	return 0;
}

/* Entries of one tree into dir->children; what is wrong with a single entry does not hide others.
 */
static int parse_tree(struct verification *v, struct step *s, struct entry *dir, const char *data,
		      size_t size)
{
	const char *p = data, *end = data + size;
	struct entries children = {0};
	int rc = 0;

	while (p < end) {
		struct entry *entry = NULL;

		v->plan.n_entries++;
		if (check_ceilings(v, s) < 0 || parse_entry(v, s, dir, &p, end, &entry) < 0)
			return -1;
		if (children.n > 0 && git_order(children.items[children.n - 1], entry) > 0)
			rc = step_find(s, OUTCOME_FAIL, NULL, "entries of \"%s\" are out of order",
				       shown(v, dir));
		if (git_oid_is_zero(&entry->id))
			rc = step_find(s, OUTCOME_FAIL, NULL, "\"%s\" names the null object",
				       shown(v, entry));
		if (check_name(v, s, entry) < 0)
			rc = -1;
		entries_add(v->a, &children, entry);
	}
	dir->children = children.items;
	dir->n_children = children.n;
	for (size_t i = 0; i < children.n; i++)
		file_entry(v, children.items[i]);
	if (children.n > 0)
		qsort(dir->children, dir->n_children, sizeof(struct entry *), by_name);
	if (check_collisions(v, s, dir) < 0)
		rc = -1;
	return rc;
}

int tree_walk_from(struct verification *v, struct step *s, struct entry *dir, int depth)
{
	const struct wanted w = room_wanted(v, dir);
	git_odb_object *object;
	int rc;

	if (depth > ROOM_MAX_DEPTH)
		return step_find(s, OUTCOME_UNDECIDED, NULL,
				 "the tree is more than %d directories deep", ROOM_MAX_DEPTH);
	if (room_read(v, &w, s, &object) < 0)
		return -1;
	content_note(v, &dir->id, git_odb_object_data(object), git_odb_object_size(object));
	rc = parse_tree(v, s, dir, git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	if (room_is_late(v))
		return -1;
	for (size_t i = 0; i < dir->n_children && !step_is_full(s); i++)
		if (dir->children[i]->type == ENTRY_DIRECTORY &&
		    tree_walk_from(v, s, dir->children[i], depth + 1) < 0)
			rc = -1;
	return rc;
}

int tree_by_id(const void *a, const void *b)
{
	return git_oid_cmp(a, b);
}

static int by_blob(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;
	int order = git_oid_cmp(&(*left)->id, &(*right)->id);

	if (order != 0)
		return order;
	return (*left)->order < (*right)->order ? -1 : (*left)->order > (*right)->order;
}

static void unique_ids(struct tree_plan *plan)
{
	size_t kept = 0;

	if (plan->n_ids > 0)
		qsort(plan->ids, plan->n_ids, sizeof(*plan->ids), tree_by_id);
	for (size_t i = 0; i < plan->n_ids; i++)
		if (kept == 0 || !git_oid_equal(&plan->ids[kept - 1], &plan->ids[i]))
			plan->ids[kept++] = plan->ids[i];
	plan->n_ids = kept;
}

/* Chains the paths of each blob, so that it is read once; owners stay in tree order. */
static void share_blobs(struct verification *v)
{
	struct tree_plan *plan = &v->plan;
	size_t n = plan->files.n;
	struct entry **sorted;
	bool *is_follower;

	if (n == 0)
		return;
	sorted = xmalloc(n * sizeof(struct entry *));
	memcpy(sorted, plan->files.items, n * sizeof(struct entry *));
	qsort(sorted, n, sizeof(struct entry *), by_blob);
	is_follower = arena_array(v->a, (size_t)plan->n_entries + 1, sizeof(bool));
	for (size_t i = 1; i < n; i++) {
		if (git_oid_equal(&sorted[i - 1]->id, &sorted[i]->id)) {
			sorted[i - 1]->next_same = sorted[i];
			is_follower[sorted[i]->order] = true;
		}
	}
	free(sorted);
	for (size_t i = 0; i < n; i++)
		if (!is_follower[plan->files.items[i]->order])
			entries_add(v->a, &plan->blobs, plan->files.items[i]);
}

int tree_walk(struct verification *v, struct step *s)
{
	struct tree_plan *plan = &v->plan;

	plan->root = arena_alloc(v->a, sizeof(*plan->root));
	plan->root->path = plan->root->name = "";
	plan->root->id = v->tree_id;
	plan->root->type = ENTRY_DIRECTORY;
	entries_add(v->a, &plan->directories, plan->root);
	tree_add_id(v, &v->tree_id);
	v->stores[0].root = plan->root;
	int rc = tree_walk_from(v, s, plan->root, 1);

	if (rc == 0)
		rc = submodules_walk(v, s);
	if (plan->n_elsewhere > 1)
		step_note(s, "%s (and %zu more)", plan->elsewhere, plan->n_elsewhere - 1);
	else if (plan->n_elsewhere > 0)
		step_note(s, "%s", plan->elsewhere);
	if (rc < 0)
		return -1;
	unique_ids(plan);
	content_begin(v);
	share_blobs(v);
	v->out->n_objects += (int64_t)plan->n_ids;
	v->out->n_files = (int64_t)(plan->files.n + plan->links.n);
	return 0;
}

static void size_task(struct worker *w, size_t i)
{
	struct entry *owner = w->v->plan.blobs.items[i];
	struct wanted wanted = room_wanted(w->v, owner);
	int64_t size;

	if (owner->is_sized)
		return;
	w->first.order = owner->order;
	wanted.odb = worker_odb(w, owner);
	if (!wanted.odb || room_read_size(w->v, &wanted, &w->first, &size) < 0)
		return;
	for (struct entry *entry = owner; entry; entry = entry->next_same)
		entry->size_bytes = size;
}

int tree_check_bytes(struct verification *v, struct step *s)
{
	int64_t most = v->set->max_bytes > 0 ? v->set->max_bytes : ROOM_DEFAULT_BYTES;

	if (v->plan.n_bytes <= most)
		return 0;
	return step_find(s, OUTCOME_UNDECIDED, "raise limits: { bytes: } of the set",
			 "the files of the tree come to more than %lld bytes", (long long)most);
}

int tree_sizes(struct verification *v, struct step *s)
{
	struct tree_plan *plan = &v->plan;

	if (crew_run(v, plan->blobs.n, 1, size_task, s, NULL) < 0)
		return -1;
	for (size_t i = 0; i < plan->files.n; i++) {
		/* Sizes are at most INT64_MAX / 2 and the sum is checked each time: no overflow. */
		plan->n_bytes += plan->files.items[i]->size_bytes;
		if (tree_check_bytes(v, s) < 0)
			return -1;
	}
	return 0;
}
