/*
 * warm_guard: who else could change a warm copy between its proof and its use, and what would keep
 * it from being used.
 *
 * Within the copy modes are those of the tag and owners that of its root (compare.c). What is above
 * it decides who may put another directory in its place: each directory up to the root must be
 * writable by nobody but root, who looks, and the owner of the copy. A sticky one lets nobody
 * rename what is not theirs, and a group of the same number as the owner is that user's own (as
 * most systems make one for each user). An access list counts: in the copy none can let anybody
 * write without another mode, and above it the bits of the group may stand for whomever it names.
 */
#include "rollback/room.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/str.h"
#include "runner/io/acl.h"

static bool is_known(uid_t user, uid_t owner)
{
	return user == 0 || user == geteuid() || user == owner;
}

/* Who else may write to a directory, and what ends that; NULL = nobody. */
struct other {
	const char *who, *remedy;
};

/* A list says whom the bits of the group stand for: not only for the group. */
static struct other by_list(struct arena *a, const struct acl_writer *writers, size_t n,
			    const struct stat *st, uid_t owner)
{
	for (size_t i = 0; i < n; i++) {
		const struct acl_writer *w = &writers[i];

		if (w->is_group ? w->id != st->st_uid : !is_known((uid_t)w->id, owner))
			return (struct other){
				arena_printf(
					a,
					"can be written to by %s %lld, as its access list has it",
					w->is_group ? "group" : "user", (long long)w->id),
				"setfacl -b"};
	}
	return (struct other){0};
}

static struct other by_group(struct arena *a, const char *path, const struct stat *st, uid_t owner)
{
	struct acl_writer *writers;
	size_t n;
	int rc = acl_writers(a, path, st->st_gid, &writers, &n);

	if (rc == 0)
		return by_list(a, writers, n, st, owner);
	if (rc < 0)
		return (struct other){arena_printf(a,
						   "has an access list that could not be read (%s)",
						   strerror(errno)),
				      "setfacl -b"};
	if (st->st_gid == st->st_uid)
		return (struct other){0};
	return (struct other){arena_printf(a, "can be written to by group %lld (mode %04o)",
					   (long long)st->st_gid, (unsigned)st->st_mode & 07777),
			      "chmod go-w"};
}

static struct other who_else(struct arena *a, const char *path, const struct stat *st, uid_t owner)
{
	if (!is_known(st->st_uid, owner))
		return (struct other){
			arena_printf(a, "belongs to user %lld", (long long)st->st_uid),
			arena_printf(a, "chown %lld", (long long)owner)};
	if (st->st_mode & S_ISVTX)
		return (struct other){0};
	if (st->st_mode & S_IWOTH)
		return (struct other){arena_printf(a, "can be written to by everybody (mode %04o)",
						   (unsigned)st->st_mode & 07777),
				      "chmod go-w"};
	return st->st_mode & S_IWGRP ? by_group(a, path, st, owner) : (struct other){0};
}

static bool look_at(struct step *s, const char *path, uid_t owner)
{
	struct other other;
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	other = who_else(s->a, path, &st, owner);
	if (!other.who)
		return false;
	(void)step_find(s, OUTCOME_WARN,
			arena_printf(s->a, "%s %s", other.remedy, str_as_word(s->a, path)),
			"somebody else could exchange the warm copy once it is proven: \"%s\" %s",
			str_escaped(s->a, path), other.who);
	return true;
}

/* What keeps a copy from being changed keeps it from being swapped in as well. */
static bool look_whether_fixed(struct step *s, const char *path)
{
	if (!place_is_fixed(path))
		return false;
	(void)step_find(s, OUTCOME_WARN,
			arena_printf(s->a, "chattr -ia %s", str_as_word(s->a, path)),
			"the warm copy cannot be swapped in by a rename: \"%s\" is immutable or "
			"append-only (chattr)",
			str_escaped(s->a, path));
	return true;
}

void warm_guard(struct step *s, const struct warm_place *place, uid_t owner)
{
	char path[PATH_MAX];

	if (place_is_noexec(place->directory))
		step_note(
			s,
			"the file system of %s is mounted noexec: no program of it can be started",
			place->path);
	if (place_is_read_only(place->directory)) {
		(void)step_find(
			s, OUTCOME_WARN,
			arena_printf(s->a, "mount -o remount,rw \"$(stat -c %%m %s)\"",
				     str_as_word(s->a, place->directory)),
			"the warm copy cannot be swapped in by a rename: the file system of "
			"\"%s\" is mounted read-only",
			str_escaped(s->a, place->directory));
		return;
	}
	if (look_whether_fixed(s, place->path) || look_whether_fixed(s, place->directory))
		return;
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
