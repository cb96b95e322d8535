/*
 * archive_rules: the rules that look at members, one by one and beside each other. Where links lead
 * is in archive_links.c.
 */
#include "audits/archive_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audits/archive_links.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"

void archive_review_init(struct archive_review *r, struct arena *a,
			 const struct archive_wants *wants)
{
	*r = (struct archive_review){.arena = a, .wants = wants};
	map_init(&r->by_path, a);
	map_init(&r->by_folded, a);
	map_init(&r->spelled, a);
	r->is_mode_met = arena_array(a, wants->modes.n + 1, sizeof(*r->is_mode_met));
	memset(r->is_mode_met, 0, (wants->modes.n + 1) * sizeof(*r->is_mode_met));
}

void archive_review_found(struct archive_review *r, enum archive_rule rule, const char *name,
			  const char *text)
{
	if (r->n_findings == r->cap_findings) {
		size_t cap = r->cap_findings ? r->cap_findings * 2 : 16;
		struct archive_finding *grown = arena_array(r->arena, cap, sizeof(*grown));

		if (r->n_findings > 0)
			memcpy(grown, r->findings, r->n_findings * sizeof(*grown));
		r->findings = grown;
		r->cap_findings = cap;
	}
	r->findings[r->n_findings++] = (struct archive_finding){
		.rule = rule, .name = str_escaped(r->arena, name), .text = text};
	r->counts[rule]++;
}

static void unsafe(struct archive_review *r, const struct archive_item *item, const char *text)
{
	archive_review_found(r, RULE_UNSAFE, item->name, text);
}

const char *archive_path(struct arena *a, const char *name)
{
	char *path = arena_alloc(a, strlen(name) + 1);
	size_t len = 0;

	for (const char *s = name; *s;) {
		size_t n;

		s += strspn(s, "/");
		n = strcspn(s, "/");
		if (n > 0 && !(n == 1 && s[0] == '.')) {
			if (len > 0)
				path[len++] = '/';
			memcpy(path + len, s, n);
			len += n;
		}
		s += n;
	}
	path[len] = '\0';
	return path;
}

bool archive_asks_folder(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && name[n - 1] == '/';
}

static int check_time(int64_t deadline_ms, struct err *e)
{
	struct clock clock = clock_system();

	if (clock_monotonic_ms(&clock) <= deadline_ms)
		return 0;
	return err_set(e, ERR_MEASURE, "could not judge all of its members in time");
}

/* --- names --- */

static bool has_climb(const char *name)
{
	for (const char *s = name; *s; s += strspn(s, "/")) {
		size_t n = strcspn(s, "/");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			return true;
		s += n;
	}
	return false;
}

static bool has_drive(const char *name)
{
	return ((name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z')) &&
	       name[1] == ':';
}

static void judge_name(struct archive_review *r, const struct archive_item *item)
{
	if (item->name[0] == '/')
		unsafe(r, item, "its name is absolute");
	if (has_climb(item->name))
		unsafe(r, item, "its name leads out of the folder it is unpacked to");
	if (has_drive(item->name))
		unsafe(r, item, "its name begins with a drive letter");
	if (strchr(item->name, '\\'))
		unsafe(r, item, "a backslash in its name separates folders on some systems");
	if (item->path[0] == '\0' && item->type != MEMBER_DIRECTORY)
		unsafe(r, item, "its name is empty");
}

static bool folds(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static const char *folded(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

/* Runs when all are known, so that it does not matter which of two comes first. */
static void judge_case(struct archive_review *r, struct archive_item *item)
{
	const struct archive_item *other;
	const char *key;

	if (!folds(item->path))
		return;
	key = folded(r->arena, item->path);
	other = map_get(&r->by_path, key);
	if (!other && !map_put(&r->by_folded, key, item))
		other = map_get(&r->by_folded, key);
	if (other && strcmp(other->path, item->path) != 0)
		unsafe(r, item,
		       arena_printf(r->arena, "differs from \"%s\" only in case",
				    str_escaped(r->arena, other->path)));
}

/*
 * Where case does not count, "d/evil" is written through a link "D" though no member is called "d":
 * most archives do not name their folders. Those that are named are told apart by judge_case().
 */
static void judge_case_above(struct archive_review *r, struct archive_item *item)
{
	char *path = arena_strdup(r->arena, item->path);

	for (char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
		const char *other, *key;

		if (slash)
			*slash = '\0';
		key = folded(r->arena, path);
		other = map_get(&r->spelled, key);
		if (!other)
			(void)map_put(&r->spelled, key, arena_strdup(r->arena, path));
		else if (slash && strcmp(other, path) != 0 && !map_get(&r->by_path, path))
			unsafe(r, item,
			       arena_printf(r->arena,
					    "lies below \"%s\", which differs from \"%s\" only in "
					    "case",
					    str_escaped(r->arena, path),
					    str_escaped(r->arena, other)));
		if (!slash)
			return;
		*slash = '/';
	}
}

/* --- types and attributes --- */

static const char *type_words(enum member_type type)
{
	switch (type) {
	case MEMBER_UNKNOWN:
		return "of a type nobody knows";
	case MEMBER_FILE:
		return "a file";
	case MEMBER_DIRECTORY:
		return "a directory";
	case MEMBER_SYMLINK:
		return "a symbolic link";
	case MEMBER_HARDLINK:
		return "a hard link";
	case MEMBER_DEVICE:
		return "a device";
	case MEMBER_FIFO:
		return "a named pipe";
	case MEMBER_SOCKET:
		return "a socket";
	}
	return "";
}

static void judge_type(struct archive_review *r, const struct archive_item *item)
{
	bool is_special = item->type == MEMBER_DEVICE || item->type == MEMBER_FIFO ||
			  item->type == MEMBER_SOCKET;

	if (item->type == MEMBER_UNKNOWN || (is_special && !(r->wants->allowed & ALLOW_DEVICES)))
		unsafe(r, item, arena_printf(r->arena, "is %s", type_words(item->type)));
	if ((item->mode & 06000) && item->type != MEMBER_DIRECTORY &&
	    !(r->wants->allowed & ALLOW_SETUID))
		unsafe(r, item,
		       arena_printf(r->arena, "is %s (mode %04o)",
				    item->mode & 04000 ? "setuid" : "setgid", item->mode));
}

static bool is_owner(const char *want, const char *name, int64_t number)
{
	int64_t n;

	if (num_parse_int(want, strlen(want), &n) == 0)
		return n == number;
	return name && strcmp(want, name) == 0;
}

/* A tar that stores numbers alone has names that are empty. */
static const char *named(struct arena *a, const char *name)
{
	return name && name[0] ? str_escaped(a, name) : "-";
}

static void judge_owner(struct archive_review *r, const struct archive_item *item)
{
	struct arena *a = r->arena;

	if (r->wants->user && !is_owner(r->wants->user, item->user, item->uid))
		archive_review_found(r, RULE_ATTRIBUTES, item->name,
				     arena_printf(a, "belongs to user %s (%lld), not %s",
						  named(a, item->user), (long long)item->uid,
						  r->wants->user));
	if (r->wants->group && !is_owner(r->wants->group, item->group, item->gid))
		archive_review_found(r, RULE_ATTRIBUTES, item->name,
				     arena_printf(a, "belongs to group %s (%lld), not %s",
						  named(a, item->group), (long long)item->gid,
						  r->wants->group));
}

/* Links have no mode of their own that anybody obeys. */
static void judge_mode(struct archive_review *r, const struct archive_item *item)
{
	bool is_judged = false;

	if (item->type == MEMBER_SYMLINK || item->type == MEMBER_HARDLINK)
		return;
	for (size_t i = 0; i < r->wants->modes.n; i++) {
		const struct pair *pair = &r->wants->modes.items[i];

		if ((is_judged && r->is_mode_met[i]) || !str_glob(pair->name, item->path))
			continue;
		r->is_mode_met[i] = true;
		if (!is_judged && strtoul(pair->value, NULL, 8) != item->mode)
			archive_review_found(r, RULE_ATTRIBUTES, item->name,
					     arena_printf(r->arena, "mode %04o, not %s", item->mode,
							  pair->value));
		is_judged = true;
	}
}

/* What was asked of nothing was not found right. */
static void judge_modes_met(struct archive_review *r)
{
	for (size_t i = 0; i < r->wants->modes.n; i++)
		if (!r->is_mode_met[i])
			archive_review_found(r, RULE_MISSING, r->wants->modes.items[i].name,
					     "a mode is asked of it, and no member that has a mode "
					     "is it");
}

/* --- what should be there, and what should not --- */

static void judge_forbidden(struct archive_review *r, const struct archive_item *item)
{
	for (size_t i = 0; i < r->wants->forbidden.n; i++)
		if (str_glob(r->wants->forbidden.items[i], item->path))
			archive_review_found(r, RULE_FORBIDDEN, item->name,
					     arena_printf(r->arena, "matches forbidden \"%s\"",
							  r->wants->forbidden.items[i]));
}

/* Why the item is not what is required; NULL when it is. */
static const char *not_required(struct archive_review *r, const struct archive_item *item,
				bool is_folder)
{
	const char *name = str_escaped(r->arena, item->name);
	bool is_link = item->type == MEMBER_SYMLINK;
	enum archive_end end = archive_links_end(r, item);

	if (end == END_UNKNOWN || end == (is_folder ? END_FOLDER : END_FILE))
		return NULL;
	if (end == END_NOTHING)
		return arena_printf(r->arena,
				    "required, and %s is %s to \"%s\" that leads to nothing", name,
				    type_words(item->type),
				    item->link ? str_escaped(r->arena, item->link) : "");
	return arena_printf(r->arena, "required, and %s %s %s: %s", name,
			    is_link ? "leads to" : "is", end == END_FOLDER ? "a folder" : "a file",
			    is_folder ? "a slash at the end asks for a folder"
				      : "a folder is asked for with a slash at the end");
}

/* A link to what was forgotten is not what is required, nor is a folder where a file is meant. */
static int judge_one_required(struct archive_review *r, const char *name, int64_t deadline_ms,
			      struct err *e)
{
	const char *why = "required, and no member is it";
	bool is_folder = archive_asks_folder(name);
	const char *glob = is_folder ? archive_path(r->arena, name) : name;
	const char *within = arena_printf(r->arena, "%s/*", glob);

	if (check_time(deadline_ms, e) < 0)
		return -1;
	for (size_t k = 0; k < r->n_items; k++) {
		const struct archive_item *item = r->items[k];
		const char *wrong;

		/* A folder need not be a member: what lies in it is enough. */
		if (is_folder && str_glob(within, item->path))
			return 0;
		if (!str_glob(glob, item->path))
			continue;
		if (check_time(deadline_ms, e) < 0)
			return -1;
		wrong = not_required(r, item, is_folder);
		if (!wrong)
			return 0;
		why = wrong;
	}
	archive_review_found(r, RULE_MISSING, name, why);
	return 0;
}

static int judge_required(struct archive_review *r, int64_t deadline_ms, struct err *e)
{
	for (size_t i = 0; i < r->wants->required.n; i++)
		if (judge_one_required(r, r->wants->required.items[i], deadline_ms, e) < 0)
			return -1;
	return 0;
}

/* In a cpio the content comes with the last of the names of a file, the others are empty. */
static void share_content(const struct archive_review *r)
{
	for (size_t i = 0; i < r->n_items; i++) {
		const struct archive_item *link = r->items[i];
		struct archive_item *target;

		if (link->type != MEMBER_HARDLINK || !link->has_content || !link->link)
			continue;
		target = map_get(&r->by_path, archive_path(r->arena, link->link));
		if (target && target->type == MEMBER_FILE && !target->has_content) {
			memcpy(target->digest, link->digest, sizeof(target->digest));
			target->has_content = true;
		}
	}
}

/* The content a member stands for: its own, or that of the member a hard link names. */
static const struct archive_item *content_of(const struct archive_review *r,
					     const struct archive_item *item)
{
	if (item->type != MEMBER_HARDLINK || item->has_content)
		return item;
	return map_get(&r->by_path, archive_path(r->arena, item->link ? item->link : ""));
}

static void judge_digest(struct archive_review *r, const struct archive_item *item)
{
	struct archive_list_entry *entry = map_get(r->wants->digests, item->path);
	const struct archive_item *content = content_of(r, item);
	char want[SHA256_HEX], got[SHA256_HEX];

	if (!entry) {
		if (r->wants->is_exact && item->type != MEMBER_DIRECTORY)
			archive_review_found(r, RULE_UNLISTED, item->name, "not listed");
		return;
	}
	entry->is_seen = true;
	if (!content || (content->type != MEMBER_FILE && !content->has_content)) {
		archive_review_found(
			r, RULE_DIFFERENT, item->name,
			arena_printf(r->arena, "%s, not a file", type_words(item->type)));
		return;
	}
	if (memcmp(entry->digest, content->digest, sizeof(entry->digest)) == 0)
		return;
	sha256_hex(entry->digest, want);
	sha256_hex(content->digest, got);
	archive_review_found(r, RULE_DIFFERENT, item->name,
			     arena_printf(r->arena,
					  "digest differs (expected %.12s\xE2\x80\xA6, found "
					  "%.12s\xE2\x80\xA6)",
					  want, got));
}

static void judge_list(struct archive_review *r)
{
	const struct map *list = r->wants->digests;

	if (!list)
		return;
	share_content(r);
	for (size_t i = 0; i < r->n_items; i++)
		judge_digest(r, r->items[i]);
	for (size_t i = 0; i < list->n; i++) {
		const struct archive_list_entry *entry = list->entries[i].value;

		if (!entry->is_seen)
			archive_review_found(r, RULE_MISSING, list->entries[i].key,
					     "listed, and not in the archive");
	}
}

/* --- all of it --- */

static const char *copied(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

struct archive_item *archive_review_add(struct archive_review *r, const struct archive_member *m)
{
	struct archive_item *item = arena_alloc(r->arena, sizeof(*item));

	*item = (struct archive_item){
		.name = arena_strdup(r->arena, m->name),
		.path = archive_path(r->arena, m->name),
		.link = copied(r->arena, m->link),
		.type = m->type,
		.mode = m->mode,
		.uid = m->uid,
		.gid = m->gid,
		.user = copied(r->arena, m->user),
		.group = copied(r->arena, m->group),
		.place = r->n_items,
	};
	if (r->n_items == r->cap_items) {
		size_t cap = r->cap_items ? r->cap_items * 2 : 64;
		struct archive_item **grown =
			arena_array(r->arena, cap, sizeof(struct archive_item *));

		if (r->n_items > 0)
			memcpy(grown, r->items, r->n_items * sizeof(struct archive_item *));
		r->items = grown;
		r->cap_items = cap;
	}
	r->items[r->n_items++] = item;
	item->is_repeated = !map_put(&r->by_path, item->path, item);
	return item;
}

/* A folder may be named again: tar does it when it appends, and nothing depends on which counts. */
static void judge_repeated(struct archive_review *r, const struct archive_item *item)
{
	const struct archive_item *first = map_get(&r->by_path, item->path);

	if (!item->is_repeated ||
	    (item->type == MEMBER_DIRECTORY && first->type == MEMBER_DIRECTORY))
		return;
	unsafe(r, item,
	       "there is another member of this name, and programs differ in which counts");
}

static int compare_findings(const void *a, const void *b)
{
	const struct archive_finding *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;

	int by_name = strcmp(x->name, y->name);
	return by_name != 0 ? by_name : strcmp(x->text, y->text);
}

static void judge_item(struct archive_review *r, struct archive_item *item)
{
	judge_name(r, item);
	judge_type(r, item);
	archive_links_judge(r, item);
	if (!(r->wants->allowed & ALLOW_DUPLICATES))
		judge_repeated(r, item);
	if (!(r->wants->allowed & ALLOW_CASE)) {
		judge_case(r, item);
		judge_case_above(r, item);
	}
	judge_owner(r, item);
	judge_mode(r, item);
	judge_forbidden(r, item);
}

int archive_review_judge(struct archive_review *r, int64_t deadline_ms, struct err *e)
{
	for (size_t i = 0; i < r->n_items; i++) {
		if (check_time(deadline_ms, e) < 0)
			return -1;
		judge_item(r, r->items[i]);
	}
	if (judge_required(r, deadline_ms, e) < 0)
		return -1;
	judge_modes_met(r);
	judge_list(r);
	if (r->n_findings > 0)
		qsort(r->findings, r->n_findings, sizeof(*r->findings), compare_findings);
	return 0;
}
