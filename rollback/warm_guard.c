/*
 * warm_guard: who else could change a warm copy between its proof and its use.
 *
 * Within the copy modes are those of the tag and owners that of its root (compare.c). What is above
 * it decides who may put another directory in its place: each directory up to the root must be
 * writable by nobody but root, who looks, and the owner of the copy. A sticky one lets nobody
 * rename what is not theirs, and a group of the same number as the owner is that user's own (as
 * most systems make one for each user). Access lists are not looked at.
 */
#include "rollback/room.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"

static bool is_known(uid_t user, uid_t owner)
{
	return user == 0 || user == geteuid() || user == owner;
}

/* Who else may write to the directory; NULL = nobody. */
static const char *who_else(struct arena *a, const struct stat *st, uid_t owner)
{
	if (!is_known(st->st_uid, owner))
		return arena_printf(a, "belongs to user %lld", (long long)st->st_uid);
	if (st->st_mode & S_ISVTX)
		return NULL;
	if (st->st_mode & S_IWOTH)
		return arena_printf(a, "can be written to by everybody (mode %04o)",
				    (unsigned)st->st_mode & 07777);
	if ((st->st_mode & S_IWGRP) && st->st_gid != st->st_uid)
		return arena_printf(a, "can be written to by group %lld (mode %04o)",
				    (long long)st->st_gid, (unsigned)st->st_mode & 07777);
	return NULL;
}

static bool look_at(struct step *s, const char *path, uid_t owner)
{
	const char *word = str_as_word(s->a, path), *who;
	struct stat st;

	if (stat(path, &st) < 0 || !(who = who_else(s->a, &st, owner)))
		return false;
	(void)step_find(s, OUTCOME_WARN,
			is_known(st.st_uid, owner)
				? arena_printf(s->a, "chmod go-w %s", word)
				: arena_printf(s->a, "chown %lld %s", (long long)owner, word),
			"somebody else could exchange the warm copy once it is proven: \"%s\" %s",
			str_escaped(s->a, path), who);
	return true;
}

void warm_guard(struct step *s, const struct warm_place *place, uid_t owner)
{
	char path[PATH_MAX];

	/* Manifests say which copies need not be read again. */
	if (look_at(s, place->state, owner) || !realpath(place->directory, path))
		return;
	if (!is_known(owner, 0))
		step_note(s, "%s belongs to user %lld, who can change it", place->path,
			  (long long)owner);
	for (;;) {
		char *slash = strrchr(path, '/');

		if (look_at(s, path, owner) || !slash || slash[1] == '\0')
			return;
		slash[slash == path] = '\0';
	}
}
