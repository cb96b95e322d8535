/*
 * source: does the repository hold what it needs, and what does it say about that itself?
 *
 * Facts are gathered first because they explain whatever turns out to be missing later. None of
 * them decides alone: a depth-1 clone, a partial clone or a clone whose alternate is gone passes
 * when every object of the tag is here all the same, and closure finds out. Only a grafts file is
 * refused outright: git rewrites history by it on this machine alone.
 */
#include "rollback/room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/io/git.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *find_lost_alternate(struct arena *a, const char *objects)
{
	const char *const *dirs;
	size_t n;

	git_door_alternates(a, objects, &dirs, &n);
	for (size_t i = 0; i < n; i++)
		if (!is_directory(dirs[i]))
			return dirs[i];
	return NULL;
}

/* One that cannot be read may say anything. */
static bool has_grafts(struct arena *a, const char *commondir)
{
	const char *path = arena_printf(a, "%s/info/grafts", commondir);
	bool has_some = false;
	struct buf text;

	buf_init(&text, MAX_FILE_BYTES);
	if (file_read(path, &text, NULL) < 0) {
		has_some = room_is_there(path);
	} else {
		char *rest = arena_strndup(a, text.data, text.len), *line;

		while (!has_some && (line = strtok_r(rest, "\n", &rest)))
			has_some = *line != '#';
	}
	buf_release(&text);
	return has_some;
}

/*
 * Walks all entries instead of asking for a pattern: libgit2 1.5 loses memory for every entry that
 * does not match one.
 */
static void find_remotes(struct verification *v)
{
	struct source_facts *f = &v->source;
	git_config *config = NULL;
	git_config_iterator *it = NULL;
	git_config_entry *entry;

	if (git_repository_config_snapshot(&config, v->repo) < 0)
		return;
	if (git_config_iterator_new(&it, config) == 0) {
		while (git_config_next(&entry, it) == 0) {
			const char *url = settings_middle(v->a, entry->name, "remote.", ".url");
			const char *promisor =
				settings_middle(v->a, entry->name, "remote.", ".promisor");

			if (url && (!f->remote || strcmp(url, "origin") == 0))
				f->remote = url;
			if (promisor)
				f->promisor = promisor;
			if (entry->value && strcmp(entry->name, "extensions.partialclone") == 0)
				f->promisor = arena_strdup(v->a, entry->value);
		}
		git_config_iterator_free(it);
	}
	git_config_free(config);
}

/* A pack that came from a filtered fetch marks a partial clone even when its settings are gone. */
static void find_promisor_packs(struct verification *v, const char *objects)
{
	const char **packs;
	size_t n;

	if (!v->source.promisor &&
	    file_glob(v->a, arena_printf(v->a, "%s/pack/*.promisor", objects), &packs, &n, NULL) ==
		    0 &&
	    n > 0)
		v->source.promisor = v->source.remote ? v->source.remote : "origin";
}

void source_gather(struct verification *v, struct step *s)
{
	const char *commondir = git_repository_commondir(v->repo);
	char *objects = arena_printf(v->a, "%sobjects", commondir);

	v->source.is_shallow = git_repository_is_shallow(v->repo) == 1;
	v->source.lost_alternate = find_lost_alternate(v->a, objects);
	v->source.has_grafts = has_grafts(v->a, commondir);
	find_remotes(v);
	find_promisor_packs(v, objects);
	(void)refs_prove(v, s); /* taints, does not stop */
}

int source_prove(struct verification *v, struct step *s)
{
	const struct wanted w = {v->odb, &v->tree_id, GIT_OBJECT_TREE, "", 0};
	git_odb_object *tree;

	if (v->source.lost_alternate)
		step_find(s, OUTCOME_WARN, NULL,
			  "the alternate \"%s\" is gone; what follows was found without it",
			  str_escaped(v->a, v->source.lost_alternate));
	if (v->source.has_grafts)
		return step_find(s, OUTCOME_UNDECIDED,
				 "git replace --convert-graft-file && git replace --list",
				 "info/grafts rewrites history in this clone alone");
	if (room_read(v, &w, s, &tree) < 0)
		return -1;
	git_odb_object_free(tree);
	return 0;
}
