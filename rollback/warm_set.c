/*
 * warm_set: the warm copies of a set as a whole: where they stand, who may work on them, and which
 * of them go.
 *
 * All copies of a set stand in one directory. Beside them is `.assize`: a lock, the manifests, and
 * whatever is being built, which is thereby on the same file system. The lock is a flock: a run
 * that dies, however it dies, has let go of it, so whoever holds it may clean up after all others.
 *
 * A copy is removed only when its manifest says that assize made it for this set and repository,
 * and only after every copy that is kept stands; it leaves its place by one rename and is taken
 * apart elsewhere.
 */
#include "rollback/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"

#define TAG_MARK "{tag}"

/* One name for a tag: a slash would make a directory, so it is written as in a URL. */
static const char *name_of_tag(struct arena *a, const char *tag)
{
	char *out = arena_alloc(a, 3 * strlen(tag) + 1), *at = out;

	for (; *tag; tag++) {
		if (*tag != '/' && *tag != '%') {
			*at++ = *tag;
			continue;
		}
		memcpy(at, *tag == '/' ? "%2F" : "%25", 3);
		at += 3;
	}
	return out;
}

struct warm_place warm_place(struct arena *a, const struct rollback_set *set, const char *tag)
{
	const char *slash = strrchr(set->warm_path, '/');
	const char *mark = strstr(slash, TAG_MARK); /* the loader has seen to it */
	struct warm_place p;

	p.directory = arena_strndup(a, set->warm_path, (size_t)(slash - set->warm_path));
	if (!*p.directory)
		p.directory = "/";
	p.name = arena_printf(a, "%.*s%s%s", (int)(mark - slash - 1), slash + 1,
			      name_of_tag(a, tag), mark + strlen(TAG_MARK));
	p.path = arena_printf(a, "%s/%s", p.directory, p.name);
	p.state = arena_printf(a, "%s/.assize", p.directory);
	p.lock = arena_printf(a, "%s/lock", p.state);
	return p;
}

const char *rollback_warm_path(struct arena *a, const struct rollback_set *set, const char *tag)
{
	return warm_place(a, set, tag).path;
}

/* Does the directory at path fit the manifest? */
static bool stands(struct arena *a, const struct rollback_set *set, const char *path,
		   const struct warm_manifest *m)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct place_identity root;
	bool is_mounted, fits;

	if (fd < 0)
		return false;
	fits = place_identify(fd, &root, &is_mounted) == 0 && !is_mounted &&
	       warm_manifest_is_own(a, m, set, &root);
	(void)close(fd); /* only looked at */
	return fits;
}

static int take_away(struct arena *a, const struct warm_place *place, struct err *e)
{
	struct scratch scratch;

	if (scratch_hold(a, place->state, &scratch, e) < 0)
		return -1;
	if (place_move(place->path, arena_printf(a, "%s/tree", scratch.path)) < 0 ||
	    place_sync_directory(place->directory) < 0) {
		err_set(e, ERR_MEASURE, "could not move \"%s\" away: %s", place->path,
			strerror(errno));
		(void)scratch_release(&scratch, NULL); /* the first error is the one to tell */
		return -1;
	}
	return scratch_release(&scratch, e);
}

struct retention {
	struct arena *a;
	const struct rollback_set *set;
	struct warm_place place; /* its name and path are those of the manifest under review */
	const char *const *kept; /* as manifests have them; NULL = all */
	size_t n;
	struct buf *said;
};

static bool is_kept(const struct retention *r, const char *tag)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->kept[i], tag) == 0)
			return true;
	return r->kept == NULL;
}

/* One manifest, NAME@INODE.json: its copy is kept, goes, or is gone and the manifest with it. */
static void review(struct retention *r, const char *file)
{
	const char *path = arena_printf(r->a, "%s/%s", r->place.state, file);
	const struct warm_manifest *m = warm_manifest_parse(r->a, path);
	const char *at = strrchr(file, '@');
	struct err e = {0};

	if (!m || !at || !warm_manifest_is_own(r->a, m, r->set, &m->root))
		return; /* of another set, or not one of ours at all */
	r->place.name = arena_strndup(r->a, file, (size_t)(at - file));
	r->place.path = arena_printf(r->a, "%s/%s", r->place.directory, r->place.name);
	if (!stands(r->a, r->set, r->place.path, m)) {
		(void)unlink(path); /* else the next time */
		return;
	}
	if (is_kept(r, m->tag))
		return;
	if (take_away(r->a, &r->place, &e) < 0) {
		(void)buf_printf(r->said, "%s\n", e.message); /* full: cut */
		return;
	}
	(void)unlink(path); /* else the next time */
	(void)buf_printf(r->said, "removed the warm copy of %s, which is no longer kept\n", m->tag);
}

/* Their names, before any of them goes. */
static const char *const *list_manifests(struct arena *a, const char *state, size_t *n)
{
	DIR *dir = opendir(state);
	const struct dirent *entry;
	const char **names = NULL;
	size_t cap = 0;

	*n = 0;
	while (dir && (entry = readdir(dir))) {
		if (!str_ends(entry->d_name, ".json"))
			continue;
		if (*n == cap) {
			const char **more = arena_array(a, cap = 2 * cap + 16, sizeof(*more));

			if (*n > 0)
				memcpy(more, names, *n * sizeof(*more));
			names = more;
		}
		names[(*n)++] = arena_strdup(a, entry->d_name);
	}
	if (dir)
		(void)closedir(dir); /* only read */
	return names;
}

static void review_all(struct retention *r)
{
	size_t n;
	const char *const *files = list_manifests(r->a, r->place.state, &n);

	for (size_t i = 0; i < n; i++)
		review(r, files[i]);
}

void rollback_warm_retain(struct arena *a, const struct rollback_set *set, const char *const *kept,
			  size_t n, struct buf *said)
{
	const char **escaped = arena_array(a, n, sizeof(*escaped));
	struct retention r = {a, set, warm_place(a, set, ""), escaped, n, said};

	for (size_t i = 0; i < n; i++)
		escaped[i] = str_escaped(a, kept[i]);
	review_all(&r);
}

/* What file_write_atomic() and a run leave when they are killed. */
static void remove_leftovers(const struct warm_place *place)
{
	DIR *dir = opendir(place->state);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (str_ends(entry->d_name, ".tmp"))
			(void)unlinkat(dirfd(dir), entry->d_name, 0); /* else the next time */
	(void)closedir(dir);					      /* only read */
	(void)scratch_sweep(place->state); /* the number is of no interest */
}

int rollback_warm_begin(struct arena *a, const struct rollback_set *set, int *lock, struct err *e)
{
	const struct warm_place place = warm_place(a, set, "");
	struct retention all = {.a = a, .set = set, .place = place};
	struct scratch first = {NULL, -1};
	int rc;

	/* Makes the directories on its way, and tells whether anything can be made there at all. */
	if (scratch_hold(a, place.state, &first, e) < 0 || scratch_release(&first, e) < 0)
		return err_help(e, "warm: { path: } must be in a directory that can be written");
	rc = place_lock(place.lock, lock);
	if (rc == 0) {
		remove_leftovers(&place);
		review_all(&all); /* manifests of copies that are gone */
		return 0;
	}
	if (rc > 0) {
		err_set(e, ERR_MEASURE, "another `assize rollback warm` is at work in \"%s\"",
			place.directory);
		return err_help(e, "wait until it is done; its lock goes with it");
	}
	return err_set(e, ERR_MEASURE, "could not lock \"%s\": %s", place.lock, strerror(errno));
}

void rollback_warm_end(int lock)
{
	(void)close(lock); /* nothing was written */
}
