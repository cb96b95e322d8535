/*
 * links: symbolic links of the tag, read and judged before any of them exists.
 *
 * They are restored as links and never followed. One that leads out of the tree is disproof: what
 * it shows is not part of the tag, and what is written through it lands elsewhere. Leading out is
 * decided by walking the target through the tag's own tree, links on the way included, as a kernel
 * would; an absolute target always leads out. Links to nothing are content like any other.
 */
#include "rollback/room.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

#define MAX_HOPS 40 /* as the kernel: more is a loop, and a loop leads nowhere */

static bool leads_out(struct arena *a, const struct entry *root, const struct entry *link)
{
	const struct entry *at = link->parent;
	const char *rest = link->target;
	size_t n_below = 0; /* levels under something that is not a directory of the tree */
	int hops = 0;

	if (*rest == '/')
		return true;
	while (*rest) {
		size_t n = strcspn(rest, "/");
		const struct entry *child;

		if (n == 2 && memcmp(rest, "..", 2) == 0) {
			if (n_below > 0)
				n_below--;
			else if (at == root)
				return true;
			else
				at = at->parent;
		} else if (n > 1 || (n == 1 && *rest != '.')) {
			child = n_below > 0 ? NULL : entry_child(at, rest, n);
			if (child && child->type == ENTRY_SYMLINK) {
				if (*child->target == '/')
					return true;
				if (++hops > MAX_HOPS)
					return false;
				rest = arena_printf(a, "%s/%s", child->target, rest + n);
				continue;
			}
			if (child && child->type == ENTRY_DIRECTORY)
				at = child;
			else
				n_below++;
		}
		rest += n;
		rest += strspn(rest, "/");
	}
	return false;
}

static int read_target(struct verification *v, struct step *s, struct entry *link)
{
	const char *path = str_escaped(v->a, link->path), *text;
	const struct wanted w = room_wanted(v, link);
	git_odb_object *blob;
	size_t n;

	s->order = link->order;
	if (room_read(v, &w, s, &blob) < 0)
		return -1;
	text = git_odb_object_data(blob);
	n = git_odb_object_size(blob);
	content_note(v, &link->id, text, n);
	link->target = n <= ROOM_MAX_PATH ? arena_strndup(v->a, text, n) : "";
	git_odb_object_free(blob);
	if (n == 0 || n > ROOM_MAX_PATH)
		return step_find(s, OUTCOME_FAIL, NULL, "the symbolic link \"%s\" %s", path,
				 n == 0 ? "has no target" : "has a target longer than 4095 bytes");
	if (strlen(link->target) != n)
		return step_find(s, OUTCOME_FAIL, NULL,
				 "the symbolic link \"%s\" has a NUL byte in its target", path);
	link->size_bytes = (int64_t)n;
	return 0;
}

int links_read(struct verification *v, struct step *s)
{
	const struct entries *links = &v->plan.links;

	for (size_t i = 0; i < links->n && !step_is_full(s); i++) {
		if (room_is_late(v))
			return room_late(v, s);
		(void)read_target(v, s, links->items[i]); /* its finding is in s */
	}
	if (!step_is_passing(s))
		return -1;
	for (size_t i = 0; i < links->n && !step_is_full(s); i++) {
		s->order = links->items[i]->order;
		if (leads_out(v->a, v->plan.root, links->items[i]))
			step_find(s, OUTCOME_FAIL, NULL,
				  "the symbolic link \"%s\" leads out of the tree: \"%s\"",
				  str_escaped(v->a, links->items[i]->path),
				  str_escaped(v->a, links->items[i]->target));
	}
	return step_is_passing(s) ? 0 : -1;
}
