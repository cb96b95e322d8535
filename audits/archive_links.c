/*
 * archive_links: a walk through names in two bounded texts, what was resolved and what is still to
 * come. A ".." at the top of the archive, or an absolute target, leaves it.
 */
#include "audits/archive_links.h"

#include <stdio.h>
#include <string.h>

#include "audits/archive_rules.h"
#include "runner/base/arena.h"
#include "runner/base/str.h"

#define MAX_HOPS   40 /* as Linux */
#define MAX_LENGTH 4096

enum leads { LEADS_INSIDE, LEADS_OUT, LEADS_ROUND, LEADS_TOO_FAR };

struct way {
	const struct archive_review *review;
	char done[MAX_LENGTH];	    /* resolved, without slash at its ends */
	char ahead[2 * MAX_LENGTH]; /* still to be walked */
	int hops;
};

/* One name further. Takes it from w->ahead; a link puts its target there instead. */
static enum leads step(struct way *w, const char *name, size_t n)
{
	size_t len = strlen(w->done);
	const struct archive_item *item;

	if (n == 0 || (n == 1 && name[0] == '.'))
		return LEADS_INSIDE;
	if (n == 2 && name[0] == '.' && name[1] == '.') {
		char *slash = strrchr(w->done, '/');

		if (len == 0)
			return LEADS_OUT;
		*(slash ? slash : w->done) = '\0';
		return LEADS_INSIDE;
	}
	if (len + n + 2 > sizeof(w->done))
		return LEADS_TOO_FAR;
	(void)snprintf(w->done + len, sizeof(w->done) - len, "%s%.*s", len > 0 ? "/" : "", (int)n,
		       name);
	item = map_get(&w->review->by_path, w->done);
	if (!item || item->type != MEMBER_SYMLINK || !item->link)
		return LEADS_INSIDE;
	if (item->link[0] == '/')
		return LEADS_OUT;
	if (++w->hops > MAX_HOPS)
		return LEADS_ROUND;

	size_t n_link = strlen(item->link), n_ahead = strlen(w->ahead);
	if (n_link + n_ahead + 2 > sizeof(w->ahead))
		return LEADS_TOO_FAR;
	w->done[len] = '\0';
	memmove(w->ahead + n_link + 1, w->ahead, n_ahead + 1);
	memcpy(w->ahead, item->link, n_link);
	w->ahead[n_link] = '/';
	return LEADS_INSIDE;
}

/* w->done is where it ends, when that is inside. */
static enum leads follow(struct way *w, const struct archive_item *item)
{
	const char *slash = strrchr(item->path, '/');
	size_t folder = slash ? (size_t)(slash - item->path) : 0;

	if (item->link[0] == '/')
		return LEADS_OUT;
	if (folder >= sizeof(w->done) || strlen(item->link) >= MAX_LENGTH)
		return LEADS_TOO_FAR;
	/* The folders it lies in are taken as they are written: links among them are told apart. */
	memcpy(w->done, item->path, folder);
	(void)snprintf(w->ahead, sizeof(w->ahead), "%s", item->link);
	while (w->ahead[0]) {
		char name[2 * MAX_LENGTH];
		size_t n = strcspn(w->ahead, "/");
		size_t gap = strspn(w->ahead + n, "/");

		memcpy(name, w->ahead, n);
		name[n] = '\0';
		memmove(w->ahead, w->ahead + n + gap, strlen(w->ahead + n + gap) + 1);

		enum leads leads = step(w, name, n);
		if (leads != LEADS_INSIDE)
			return leads;
	}
	return LEADS_INSIDE;
}

static const char *leads_words(enum leads leads)
{
	switch (leads) {
	case LEADS_INSIDE:
		return "inside";
	case LEADS_OUT:
		return "out of the archive";
	case LEADS_ROUND:
		return "in a circle";
	case LEADS_TOO_FAR:
		return "too far to be followed";
	}
	return "";
}

static enum archive_end end_of(const struct archive_item *item)
{
	return item->type == MEMBER_DIRECTORY ? END_FOLDER : END_FILE;
}

/* A folder need not be a member: what lies in it is enough. */
static enum archive_end end_at(const struct archive_review *r, const char *path)
{
	size_t n = strlen(path);
	const struct archive_item *item = map_get(&r->by_path, path);

	if (n == 0)
		return END_FOLDER;
	if (item)
		return end_of(item);
	for (size_t i = 0; i < r->n_items; i++)
		if (strncmp(r->items[i]->path, path, n) == 0 && r->items[i]->path[n] == '/')
			return END_FOLDER;
	return END_NOTHING;
}

/* What a hard link names: a program that unpacks in order can only make it of what is there. */
static const struct archive_item *earlier(const struct archive_review *r,
					  const struct archive_item *item)
{
	const struct archive_item *target =
		map_get(&r->by_path, archive_path(r->arena, item->link ? item->link : ""));

	return target && target->place < item->place ? target : NULL;
}

enum archive_end archive_links_end(const struct archive_review *r, const struct archive_item *item)
{
	struct way w = {.review = r};
	enum leads leads;

	if (item->type == MEMBER_HARDLINK && !earlier(r, item))
		return END_NOTHING;
	if (item->type != MEMBER_SYMLINK)
		return end_of(item);
	leads = item->link ? follow(&w, item) : LEADS_ROUND;
	if (leads == LEADS_ROUND)
		return END_NOTHING;
	return leads == LEADS_INSIDE ? end_at(r, w.done) : END_UNKNOWN;
}

static void judge_symlink(struct archive_review *r, const struct archive_item *item)
{
	struct arena *a = r->arena;
	struct way w = {.review = r};
	enum leads leads = follow(&w, item);

	if (leads != LEADS_INSIDE)
		archive_review_found(r, RULE_UNSAFE, item->name,
				     arena_printf(a, "a symbolic link to \"%s\" leads %s",
						  str_escaped(a, item->link), leads_words(leads)));
}

static void judge_hardlink(struct archive_review *r, const struct archive_item *item)
{
	struct arena *a = r->arena;
	const struct archive_item *target = map_get(&r->by_path, archive_path(a, item->link));
	const char *wrong = NULL;

	if (!target)
		wrong = "is not in the archive";
	else if (target == item)
		wrong = "is itself";
	else if (target->type == MEMBER_SYMLINK)
		wrong = "is a symbolic link";
	else if (!earlier(r, item))
		wrong = "comes after it";
	if (wrong)
		archive_review_found(r, RULE_UNSAFE, item->name,
				     arena_printf(a, "a hard link to \"%s\", which %s",
						  str_escaped(a, item->link), wrong));
}

/* What the folders on the way to a member are: only folders will do. */
static void judge_ancestors(struct archive_review *r, const struct archive_item *item)
{
	char *path;

	if (!strchr(item->path, '/'))
		return;
	path = arena_strdup(r->arena, item->path);
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const struct archive_item *above;

		*slash = '\0';
		above = map_get(&r->by_path, path);
		if (above && above->type != MEMBER_DIRECTORY) {
			archive_review_found(
				r, RULE_UNSAFE, item->name,
				arena_printf(r->arena, "lies below \"%s\", which is %s",
					     str_escaped(r->arena, path),
					     above->type == MEMBER_SYMLINK
						     ? "a symbolic link: it would be written "
						       "through it"
						     : "no folder"));
			return;
		}
		*slash = '/';
	}
}

void archive_links_judge(struct archive_review *r, const struct archive_item *item)
{
	bool is_link = item->type == MEMBER_SYMLINK || item->type == MEMBER_HARDLINK;

	if (r->wants->links == LINKS_ANY)
		return;
	if (is_link && r->wants->links == LINKS_NONE)
		archive_review_found(r, RULE_UNSAFE, item->name,
				     item->type == MEMBER_SYMLINK
					     ? "is a symbolic link, and links are not allowed"
					     : "is a hard link, and links are not allowed");
	else if (is_link && !item->link)
		archive_review_found(r, RULE_UNSAFE, item->name, "is a link to nothing");
	else if (item->type == MEMBER_SYMLINK)
		judge_symlink(r, item);
	else if (item->type == MEMBER_HARDLINK)
		judge_hardlink(r, item);
	judge_ancestors(r, item);
}
