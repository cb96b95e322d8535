/*
 * arsenal_rollback: what would make going back impossible is done to a private copy of the
 * repository.
 *
 * The copy is git's own directory alone, without a work tree: that is all a restoration reads.
 * Under `tags: any` one good tag is enough, so every damage is done to all of them. That a tag was
 * moved can only be seen by who knew it before; which tags there were is for a gate to know, which
 * asks the record.
 */
#include <string.h>
#include <sys/stat.h>

#include "audits/arsenal/artifact.h"
#include "audits/kind_rows.h"
#include "audits/rollback.h"
#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

#define MAX_REFS (16 * 1024 * 1024)

static const struct attack_row rollback_rows[] = {
	{.name = "identity",
	 .help = "a private copy of the repository, unharmed",
	 .is_control = true,
	 .is_proof = true},
	{.name = "other-branch", .help = "a branch more leads to the commit", .is_control = true},
	{.name = "tag-moved", .help = "the tag leads to another commit than the record knows"},
	{.name = "tag-deleted", .help = "the tag is gone"},
	{.name = "file-lost", .help = "the object of a file of the tag is gone"},
	{.name = "file-damaged", .help = "one bit of a file of the tag is another"},
	{.name = "file-torn", .help = "the second half of a file's object is gone"},
	{.name = "pack-torn", .help = "the second half of the pack with a file of the tag is gone"},
	{.name = "index-lost", .help = "the index of that pack is gone"},
	{.name = "borrowed-lost", .help = "the repository it borrows objects from is gone"},
	{.name = NULL},
};

/* What the survey goes through. */
struct tour {
	struct scene *s;
	const struct rollback_set *set; /* the copy's */
	const char *git;		/* the copy of git's directory */
	const char *const *tags, *const *commits;
	size_t n;	 /* deeds of an attack: of tags, or of what they are made of */
	size_t n_struck; /* tags that an attack damages: the first ones */
	size_t n_tags;	 /* of the set */
};

/* Several deeds at once. */
struct deeds {
	struct deed *items;
	size_t n;
};

static int act_all(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const struct deeds *all = d->more;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < all->n; i++)
		rc = all->items[i].act(s, &all->items[i], dose, e);
	return rc;
}

/* A line of packed-refs for the ref, or what it leads to (^) behind such a line. */
static bool is_line_of(const char *line, size_t n, const char *ref, bool *is_behind)
{
	size_t n_ref = strlen(ref);
	bool is_it = n > n_ref && line[n - n_ref - 1] == ' ' &&
		     strncmp(line + n - n_ref, ref, n_ref) == 0;
	bool is_peeled = *is_behind && line[0] == '^';

	*is_behind = is_it;
	return is_it || is_peeled;
}

/* Takes the ref text out of packed-refs at path, if it is in there. */
static int unpack_ref(struct scene *s, const char *path, const char *ref, struct err *e)
{
	struct buf all, kept;
	bool is_behind = false;
	int rc;

	buf_init(&all, MAX_REFS);
	buf_init(&kept, MAX_REFS + 1);
	rc = file_read(path, &all, e);
	for (const char *line = all.data; rc == 0 && line && *line;) {
		size_t n = strcspn(line, "\n"), whole = n + (line[n] == '\n');

		if (!is_line_of(line, n, ref, &is_behind))
			(void)buf_add(&kept, line, whole);
		line += whole;
	}
	if (rc == 0 && kept.len < all.len) {
		struct deed d = {.path = path, .text = kept.data ? kept.data : ""};

		rc = act_written(s, &d, 0, e);
	}
	buf_release(&all);
	buf_release(&kept);
	return rc;
}

/* path: git's directory, text: the ref's full name. */
static int act_unref(struct scene *s, const struct deed *d, double dose, struct err *e)
{
	const char *packed = arena_printf(s->arena, "%s/packed-refs", d->path);
	struct deed loose = {.path = arena_printf(s->arena, "%s/%s", d->path, d->text)};
	struct stat st;

	if (act_missing(s, &loose, dose, e) != 0)
		return -1;
	return stat(packed, &st) == 0 ? unpack_ref(s, packed, d->text, e) : 0;
}

/* --- opening --- */

static const struct rollback_set *set_of(const struct challenge *c)
{
	const struct rollback_spec *spec = c->check->spec;

	return definition_rollback(c->world->definition, spec->set);
}

static int git_directory(struct challenge *c, const char *location, const char **out, struct err *e)
{
	const char *inner = arena_printf(c->arena, "%s/.git", location);
	struct stat st;

	*out = location;
	if (stat(inner, &st) != 0)
		return 0;
	*out = inner;
	if (S_ISDIR(st.st_mode))
		return 0;
	(void)err_set(e, ERR_MEASURE,
		      "\"%s\" is a linked work tree, which has no objects of its own", location);
	return err_help(e, "name the repository it belongs to");
}

static int rollback_open(struct challenge *c, struct err *e)
{
	struct scene *s = scene_new(c, rollback_rows);
	const struct rollback_set *set = set_of(c);
	struct rollback_set *stand_in = arena_alloc(c->arena, sizeof(*stand_in));
	struct target *repo = arena_alloc(c->arena, sizeof(*repo));
	const char *git, *copy;

	if (git_directory(c, set->repo->location, &git, e) != 0 ||
	    scene_stage(s, git, &copy, e) != 0)
		return -1;
	*repo = *set->repo;
	repo->location = git == set->repo->location
				 ? copy
				 : arena_strndup(c->arena, copy, strlen(copy) - strlen("/.git"));
	*stand_in = *set;
	stand_in->repo = repo;
	((struct rollback_spec *)s->check->spec)->stand_in = stand_in;
	s->more = copy;
	s->has_times = true;
	scene_seal(s);
	return 0;
}

/* --- attacks --- */

/* One attack that does items[0..n) to the first tags. words: what is told of them. */
static struct attack *add(const struct tour *t, const char *name, const char *words,
			  struct deed *items)
{
	struct deeds *all = arena_alloc(t->s->arena, sizeof(*all));
	const char *tag = t->n_struck == 1 ? t->tags[0]
					   : arena_printf(t->s->arena, "all %zu tags", t->n_struck);

	*all = (struct deeds){items, t->n};
	return scene_add(t->s, name, tag,
			 &(struct deed){.act = act_all,
					.words = arena_printf(t->s->arena, "%s: %s", tag, words),
					.more = all});
}

static bool is_pinned(const struct tour *t)
{
	const struct probe_world *world = t->s->challenge->world;

	for (size_t i = 0; i < world->n_pins; i++)
		if (strcmp(world->pins[i].set, t->set->name) == 0 &&
		    strcmp(world->pins[i].tag, t->tags[0]) == 0)
			return true;
	return false;
}

/* A commit that the tag is not: the one before it, else another tag's. */
static const char *other_commit(const struct tour *t, size_t i)
{
	struct err ignored = {0}; /* there is none, then */
	const char *found = NULL;

	if (rollback_resolve(t->s->arena, t->set, arena_printf(t->s->arena, "%s~1", t->tags[i]),
			     &found, &ignored) == 0 &&
	    found && *found)
		return found;
	for (size_t k = 0; k < t->n_tags; k++)
		if (t->commits[k] && strcmp(t->commits[k], t->commits[i]) != 0)
			return t->commits[k];
	return NULL;
}

static void add_moved(const struct tour *t)
{
	struct deed *items = arena_array(t->s->arena, t->n, sizeof(*items));
	struct attack *a;

	for (size_t i = 0; i < t->n; i++) {
		const char *commit = other_commit(t, i);

		if (!commit)
			return; /* there is no other one */
		items[i] = (struct deed){
			.act = act_written,
			.path = arena_printf(t->s->arena, "%s/refs/tags/%s", t->git, t->tags[i]),
			.text = arena_printf(t->s->arena, "%s\n", commit),
		};
	}
	a = add(t, "tag-moved", "moved to another commit", items);
	if (!is_pinned(t))
		attack_settle(a, ATTACK_OUT_OF_REACH,
			      "the record has not seen the tag yet: it is known from the first run "
			      "on");
}

static void add_deleted(const struct tour *t)
{
	struct deed *items = arena_array(t->s->arena, t->n, sizeof(*items));
	struct attack *a;

	for (size_t i = 0; i < t->n; i++)
		items[i] = (struct deed){
			.act = act_unref,
			.path = t->git,
			.text = arena_printf(t->s->arena, "refs/tags/%s", t->tags[i]),
		};
	a = add(t, "tag-deleted", "deleted", items);
	if (t->n < t->n_tags)
		attack_settle(a, ATTACK_OUT_OF_REACH,
			      "an older tag takes its place; a gate with `rollback` asks the "
			      "record which ones there were");
}

struct object_attack {
	const char *name, *words;
	int (*act)(struct scene *s, const struct deed *d, double dose, struct err *e);
	bool is_for_loose, is_for_packs;
};

static const struct object_attack object_attacks[] = {
	{"file-lost", "the object of the largest file is gone", act_missing, true, false},
	{"file-damaged", "one bit of the largest file is another", act_flipped, true, true},
	{"file-torn", "the second half of the largest file's object is gone", act_torn, true,
	 false},
	{"pack-torn", "the second half of the pack with the largest file is gone", act_torn, false,
	 true},
	{"index-lost", "the index of the pack with the largest file is gone", act_missing, false,
	 true},
};

static double size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

static void add_object_attack(const struct tour *t, const struct object_attack *x,
			      const struct rollback_blob *blobs)
{
	struct deed *items = arena_array(t->s->arena, t->n, sizeof(*items));
	struct arena *a = t->s->arena;

	for (size_t i = 0; i < t->n; i++) {
		const char *file = blobs[i].file;

		if (blobs[i].is_packed ? !x->is_for_packs : !x->is_for_loose)
			return;
		items[i] = (struct deed){.act = x->act, .path = file};
		if (x->act == act_flipped)
			items[i].number = (double)blobs[i].at;
		else if (x->act == act_torn)
			items[i].number = size_of(file) / 2;
		else if (blobs[i].is_packed)
			items[i].path = arena_printf(a, "%.*s.idx",
						     (int)(strlen(file) - strlen(".pack")), file);
	}
	(void)add(t, x->name, x->words, items);
}

/* Two tags may share a file, which is damaged once: flipped twice it would be whole again. */
static size_t drop_shared(struct rollback_blob *blobs, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(blobs[k].file, blobs[i].file) == 0 && blobs[k].at == blobs[i].at)
			return i;
	return i + 1;
}

static int add_objects(const struct tour *t, struct err *e)
{
	struct rollback_blob *blobs = arena_array(t->s->arena, t->n, sizeof(*blobs));
	struct tour of = *t;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (rollback_largest(t->s->arena, t->set, t->tags[i], &blobs[n], e) != 0)
			return -1;
		if (!blobs[n].file)
			return 0; /* nothing of its own to lose */
		n = drop_shared(blobs, n);
	}
	of.n = n;
	for (size_t i = 0; i < sizeof(object_attacks) / sizeof(*object_attacks); i++)
		add_object_attack(&of, &object_attacks[i], blobs);
	return 0;
}

static void add_borrowed(const struct tour *t)
{
	const char *path = arena_printf(t->s->arena, "%s/objects/info/alternates", t->git);
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	(void)scene_add(t->s, "borrowed-lost", "",
			&(struct deed){.act = act_missing,
				       .path = path,
				       .words = "the repository it borrows objects from is gone"});
}

static void add_controls(const struct tour *t)
{
	(void)scene_add(t->s, "identity", "",
			&(struct deed){.act = act_nothing,
				       .words = "a private copy of the repository, unharmed"});
	(void)scene_add(t->s, "other-branch", "",
			&(struct deed){.act = act_written,
				       .path = arena_printf(t->s->arena, "%s/refs/heads/challenged",
							    t->git),
				       .text = arena_printf(t->s->arena, "%s\n", t->commits[0]),
				       .words = "a branch more leads to the commit"});
}

static int rollback_survey(struct challenge *c, struct err *e)
{
	struct scene *s = c->state;
	const struct rollback_spec *spec = s->check->spec;
	struct tour t = {.s = s, .set = spec->stand_in, .git = s->more};

	if (rollback_tags(c->arena, t.set, &t.tags, &t.n_tags, e) != 0 ||
	    rollback_commits(c->arena, t.set, t.tags, t.n_tags, &t.commits, e) != 0)
		return -1;
	t.n = t.n_struck = spec->tags == ROLLBACK_ANY ? t.n_tags : 1;
	add_controls(&t);
	add_moved(&t);
	add_deleted(&t);
	add_borrowed(&t);
	return add_objects(&t, e);
}

const struct arsenal arsenal_rollback = {
	.rows = rollback_rows,
	.open = rollback_open,
	.survey = rollback_survey,
	.strike = artifact_strike,
	.words = artifact_words,
};
