/*
 * warm: a tag's warm copy is that tag's tree, or is made so.
 *
 * A warm copy is a release that stands ready beside the present one, so that going back to it is
 * one rename. It is worth something only while it is exactly the tag's tree: same names in both
 * directions, same bytes, same modes, no link from elsewhere, nothing mounted in it.
 *
 * Checked (`verify`, kind rollback): nothing is written. Stamps that are those of the manifest say
 * "cached"; else every byte is compared, which says "proven" (warm_manifest.c has the rules).
 * `warm` may exchange the copy while it is being read: a finding counts only when the place still
 * leads to the directory that was looked at.
 *
 * Made (`rollback warm`): a copy that is the tree stays as it stands and only its manifest is
 * renewed. Otherwise the tree that this verification restored and compared, beside the place and on
 * its file system, is brought to disk, compared once more (a smoke test may have written into it),
 * described by a manifest, and exchanged with what stands there. What an observer sees at any
 * moment, and after a power cut, is the old directory or the new one, whole:
 *
 * - the tree is on disk before the place leads to it, and so is its manifest
 * - the exchange is one step (place.h); where a file system cannot do it, the old copy stays and
 *   the finding says what to do
 * - the old one is removed after the exchange is on disk; a run killed before that leaves it in
 *   scratch, where the next one finds it
 *
 * What stands in the place and was not made by assize is never replaced, right or wrong.
 */
#include "rollback/room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/digest.h"

#define MAX_LOOKS 3 /* at a place that `warm` keeps exchanging */

enum standing { STANDS_NOTHING, STANDS_DIRECTORY, STANDS_OTHER };

struct warm {
	struct verification *v;
	struct step *s;
	struct warm_place place;
	const char *remedy;
	/* what stands in the place now */
	int root_fd; /* -1 = no directory */
	dev_t device;
	uid_t owner;
	struct place_identity root;
	const struct warm_manifest *manifest; /* NULL = none for this directory */
};

static int could_not(struct warm *w, const char *what)
{
	return step_find(w->s, OUTCOME_UNDECIDED, w->remedy,
			 "could not %s the warm copy \"%s\": %s", what, w->place.path,
			 strerror(errno));
}

static int is_other(struct warm *w, const char *what)
{
	const char *path = str_as_word(w->v->a, w->place.path);

	return step_find(w->s, OUTCOME_FAIL,
			 arena_printf(w->v->a, "mv %s %s.aside && %s", path, path, w->remedy),
			 "the warm copy \"%s\" %s", w->place.path, what);
}

static void leave(struct warm *w)
{
	if (w->root_fd >= 0)
		(void)close(w->root_fd); /* only read */
	w->root_fd = -1;
}

static enum standing no_directory(struct warm *w)
{
	int error = errno;
	struct stat st;

	if (error == ENOENT)
		return STANDS_NOTHING;
	errno = error;
	if (error != ENOTDIR && error != ELOOP)
		(void)could_not(w, "open");
	else if (lstat(w->place.path, &st) == 0 && S_ISLNK(st.st_mode))
		(void)is_other(w, "is a symbolic link");
	else
		(void)is_other(w, "is not a directory");
	return STANDS_OTHER;
}

/* STANDS_OTHER comes with its finding. */
static enum standing look(struct warm *w)
{
	struct stat st, directory;
	bool is_mounted;

	w->root_fd = open(w->place.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->root_fd < 0)
		return no_directory(w);
	if (fstat(w->root_fd, &st) < 0 || stat(w->place.directory, &directory) < 0 ||
	    place_identify(w->root_fd, &w->root, &is_mounted) < 0) {
		(void)could_not(w, "look at");
		return STANDS_OTHER;
	}
	if (is_mounted || st.st_dev != directory.st_dev) {
		step_find(w->s, OUTCOME_FAIL,
			  arena_printf(w->v->a, "umount %s && %s",
				       str_as_word(w->v->a, w->place.path), w->remedy),
			  "the warm copy \"%s\" is on a file system of its own: it cannot be "
			  "swapped in by a rename",
			  w->place.path);
		return STANDS_OTHER;
	}
	w->device = st.st_dev;
	w->owner = st.st_uid;
	w->manifest = warm_manifest_read(w->v->a, &w->place, &w->root);
	return STANDS_DIRECTORY;
}

/* Is the directory that was looked at still the one in the place? */
static bool is_still_there(const struct warm *w)
{
	int fd = open(w->place.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct place_identity now;
	bool is_mounted, is_same;

	if (fd < 0)
		return false;
	is_same = place_identify(fd, &now, &is_mounted) == 0 && place_is_same(&now, &w->root);
	(void)close(fd); /* only looked at */
	return is_same;
}

static size_t n_stamps(const struct warm *w)
{
	return (size_t)w->v->plan.n_entries + 1; /* the root has no entry */
}

static const char *stamps_digest(const struct warm *w, const struct stamp *stamps)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	sha256_of(stamps, n_stamps(w) * sizeof(*stamps), digest);
	sha256_hex(digest, hex);
	return arena_strdup(w->v->a, hex);
}

static int64_t latest_ctime(const struct warm *w, const struct stamp *stamps)
{
	int64_t latest = 0;

	for (size_t i = 0; i < n_stamps(w); i++)
		if (stamps[i].ctime_ns > latest)
			latest = stamps[i].ctime_ns;
	return latest;
}

/* Compares the directory; findings go to s. */
static int hold_against(struct warm *w, const struct copy *copy, struct step *s)
{
	step_init(s, w->v->a);
	return compare_copy(w->v, copy, s);
}

static struct copy copy_at(struct warm *w, int root_fd)
{
	return (struct copy){
		.root_fd = root_fd,
		.device = w->device,
		.owner = w->owner,
		.words = "in the warm copy",
		.remedy = w->remedy,
		.stamps = arena_array(w->v->a, n_stamps(w), sizeof(struct stamp)),
	};
}

/* Why stamps are not enough; NULL = they are, if they are the same. */
static const char *why_all_bytes(struct warm *w)
{
	const struct warm_manifest *m = w->manifest;
	const struct warm_manifest wanted = warm_manifest_of(w->v);
	int64_t age_ms = m ? clock_wall_ms(w->v->req->clock) - m->proven_ms : 0;
	char text[NUM_REAL_MAX];

	if (!m)
		return "no manifest for it";
	if (strcmp(m->commit, wanted.commit) != 0 || strcmp(m->tree, wanted.tree) != 0 ||
	    strcmp(m->content, wanted.content) != 0)
		return "its manifest is about other content";
	if (!*m->stamps)
		return "its manifest has no stamps";
	if (age_ms < 0)
		return "its manifest is from the future: a clock was set back";
	if (age_ms < w->v->set->rehash_ms)
		return NULL;
	(void)num_format_duration(age_ms, text); /* its length */
	return arena_printf(w->v->a, "last time %s ago", text);
}

static bool is_cached(struct warm *w)
{
	struct copy copy = copy_at(w, w->root_fd);
	char text[NUM_REAL_MAX];
	struct step s;

	copy.is_by_stamp = true;
	if (hold_against(w, &copy, &s) < 0 || !step_is_passing(&s) ||
	    strcmp(stamps_digest(w, copy.stamps), w->manifest->stamps) != 0)
		return false;
	(void)num_format_duration(clock_wall_ms(w->v->req->clock) - w->manifest->proven_ms,
				  text); /* its length */
	step_note(w->s, "cached: %s stands untouched since its bytes were compared %s ago",
		  w->place.path, text);
	return true;
}

static void check(struct warm *w)
{
	for (int i = 0; i < MAX_LOOKS; i++) {
		enum standing standing = look(w);
		const char *why;
		struct copy copy;
		struct step s;

		if (standing == STANDS_NOTHING)
			step_find(w->s, OUTCOME_UNDECIDED, w->remedy,
				  "there is no warm copy \"%s\"", w->place.path);
		if (standing != STANDS_DIRECTORY)
			return;
		why = why_all_bytes(w);
		if (!why && is_cached(w))
			return;
		copy = copy_at(w, w->root_fd);
		copy.stamps = NULL;
		(void)hold_against(w, &copy, &s); /* its findings tell */
		if (step_is_passing(&s))
			step_note(w->s, "proven: %s, all bytes compared (%s)", w->place.path,
				  why ? why : "a stamp differs from its manifest's");
		if (step_is_passing(&s) || i + 1 == MAX_LOOKS || is_still_there(w)) {
			step_merge(w->s, &s);
			return;
		}
		leave(w); /* it was exchanged meanwhile */
	}
}

/*
 * Compares all bytes and gives the hash of the stamps they had: "" when the clock of the file
 * system could not tell a change during that from none.
 */
static int prove_bytes(struct warm *w, int root_fd, struct step *s, const char **stamps)
{
	struct copy copy = copy_at(w, root_fd);
	int64_t latest;
	bool has_ticked;

	copy.is_by_stamp = true;
	if (hold_against(w, &copy, s) < 0)
		return -1;
	latest = latest_ctime(w, copy.stamps);
	has_ticked = place_await_tick(w->place.lock, latest) == 0;
	copy.is_by_stamp = false;
	if (hold_against(w, &copy, s) < 0)
		return -1;
	*stamps = has_ticked && latest_ctime(w, copy.stamps) <= latest
			  ? stamps_digest(w, copy.stamps)
			  : "";
	return 0;
}

static int describe(struct warm *w, const struct place_identity *root, int64_t made_ms,
		    const char *stamps)
{
	struct warm_manifest m = warm_manifest_of(w->v);
	struct err e = {0};

	m.proven_ms = clock_wall_ms(w->v->req->clock);
	m.made_ms = made_ms >= 0 ? made_ms : m.proven_ms;
	m.root = *root;
	m.stamps = stamps;
	if (warm_manifest_write(w->v->a, &w->place, &m, &e) < 0)
		return step_find(w->s, OUTCOME_UNDECIDED, w->remedy, "%s", e.message);
	return 0;
}

/* Puts the tree where the copy is to stand. replaces: exchange it with what stands there. */
static int move_in(struct warm *w, const char *tree, bool replaces)
{
	const char *path = str_as_word(w->v->a, w->place.path);

	if ((replaces ? place_exchange : place_move)(tree, w->place.path) == 0)
		return 0;
	if (replaces && (errno == EINVAL || errno == ENOSYS))
		return step_find(w->s, OUTCOME_FAIL,
				 arena_printf(w->v->a, "rm -rf %s && %s", path, w->remedy),
				 "the warm copy \"%s\" is wrong and still stands: its file system "
				 "cannot exchange two directories in one step",
				 w->place.path);
	return could_not(w, replaces ? "exchange" : "put in its place");
}

/* What came out of the place must be what was looked at, else it goes back. */
static int check_exchanged(struct warm *w, const char *tree)
{
	int fd = open(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct place_identity out;
	bool is_mounted, is_same;

	is_same = fd >= 0 && place_identify(fd, &out, &is_mounted) == 0 &&
		  place_is_same(&out, &w->root);
	if (fd >= 0)
		(void)close(fd); /* only looked at */
	if (is_same)
		return 0;
	(void)place_exchange(tree, w->place.path); /* back; the finding tells in any case */
	return step_find(w->s, OUTCOME_UNDECIDED, w->remedy,
			 "somebody else put a directory in place of the warm copy \"%s\"",
			 w->place.path);
}

/* What is made is the maker's, whoever the former copy belonged to. */
static void install(struct warm *w, bool replaces)
{
	struct verification *v = w->v;
	const char *tree = arena_printf(v->a, "%s/tree", v->scratch), *stamps;
	struct place_identity root;
	bool is_mounted;
	struct step s;

	w->owner = geteuid();
	if (place_sync_tree(v->root_fd, n_stamps(w)) < 0 ||
	    place_identify(v->root_fd, &root, &is_mounted) < 0) {
		(void)could_not(w, "bring to disk");
		return;
	}
	if (prove_bytes(w, v->root_fd, &s, &stamps) < 0) {
		step_merge(w->s, &s);
		return;
	}
	if (describe(w, &root, -1, stamps) < 0)
		return;
	if (move_in(w, tree, replaces) < 0 || (replaces && check_exchanged(w, tree) < 0)) {
		(void)unlink(warm_manifest_path(v->a, &w->place, &root)); /* else the next time */
		return;
	}
	if (place_sync_directory(w->place.directory) < 0 || place_sync_directory(v->scratch) < 0)
		(void)could_not(w, "bring to disk the place of");
	else if (replaces)
		(void)unlink(warm_manifest_path(v->a, &w->place, &w->root)); /* same */
	step_note(w->s, "proven: %s %s", w->place.path, replaces ? "made anew" : "made");
}

static void make(struct warm *w)
{
	enum standing standing = look(w);
	const char *stamps;
	bool is_own;
	struct step s;
	struct stat st;

	if (standing == STANDS_OTHER)
		return;
	if (standing == STANDS_NOTHING) {
		if (stat(w->place.state, &st) < 0) {
			(void)could_not(w, "make");
			return;
		}
		w->device = st.st_dev;
		install(w, false);
		return;
	}
	is_own = warm_manifest_is_own(w->v->a, w->manifest, w->v->set, &w->root);
	if (prove_bytes(w, w->root_fd, &s, &stamps) == 0) {
		if (is_own && describe(w, &w->root, w->manifest->made_ms, stamps) == 0)
			step_note(w->s, "proven: %s, kept as it stands", w->place.path);
		else if (!is_own)
			step_note(w->s, "proven: %s, not made by assize, which leaves it alone",
				  w->place.path);
	} else if (s.outcome == OUTCOME_FAIL && is_own) {
		install(w, true);
	} else {
		step_merge(w->s, &s);
		if (!is_own && s.outcome == OUTCOME_FAIL)
			(void)is_other(w, "is wrong and was not made by assize, which leaves it "
					  "alone");
	}
}

void warm_prove(struct verification *v, struct step *s)
{
	int64_t begin_us = clock_monotonic_us(v->req->clock);
	struct warm w = {
		.v = v,
		.s = s,
		.place = warm_place(v->a, v->set, v->tag),
		.remedy = arena_printf(v->a, "assize rollback warm %s", room_word(v->a, v->tag)),
		.root_fd = -1,
	};

	if (v->req->warm == ROLLBACK_WARM_MADE)
		make(&w);
	else
		check(&w);
	if (step_is_passing(s))
		warm_guard(s, &w.place, w.owner);
	leave(&w);
	s->duration_us += clock_monotonic_us(v->req->clock) - begin_us;
}
