/*
 * pack_oracle: every blob of a tag through the reader of packs and through libgit2.
 *
 *	pack_oracle REPOSITORY TREE
 *
 * TREE is the name of a tree, 40 hex digits. Prints how many blobs it has, how many of them the
 *reader of packs handed out, and each whose type or bytes libgit2 has otherwise. Exit status 1 when
 *there was one, 2 when there was nothing to compare.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "rollback/pack.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/git.h"

/* Of all threads. */
static atomic_size_t n_handed_out, n_different;

static void compare(struct worker *w, struct entry *owner, const void *data, size_t size)
{
	git_odb *odb = worker_odb(w, owner);
	git_odb_object *object;

	atomic_fetch_add(&n_handed_out, 1);
	if (odb && git_odb_read(&object, odb, &owner->id) == 0) {
		bool is_same = git_odb_object_type(object) == GIT_OBJECT_BLOB &&
			       git_odb_object_size(object) == size &&
			       owner->size_bytes == (int64_t)size &&
			       memcmp(git_odb_object_data(object), data, size) == 0;

		git_odb_object_free(object);
		if (is_same)
			return;
	}
	atomic_fetch_add(&n_different, 1);
	printf("different: %s\n", owner->path);
}

static int run(struct verification *v)
{
	struct step s;

	step_init(&s, v->a);
	crew_init(v);
	if (tree_walk(v, &s) == 0 && pack_prepare(v, &s) == 0)
		(void)pack_run(v, compare, &s, NULL); /* a finding is printed */
	printf("%zu blobs, %zu from packs, %zu different%s%s\n", v->plan.blobs.n,
	       atomic_load(&n_handed_out), atomic_load(&n_different), s.finding ? ": " : "",
	       s.finding ? s.finding : "");
	pack_release(v);
	crew_release(v);
	if (!step_is_passing(&s) || v->plan.blobs.n == 0)
		return 2;
	return atomic_load(&n_different) > 0;
}

int main(int argc, char **argv)
{
	struct clock clock = clock_system();
	struct target target = {.location = argc > 1 ? argv[1] : ""};
	struct rollback_set set = {.name = "all", .repo = &target};
	struct rollback_request request = {.set = &set, .clock = &clock};
	struct restoration out = {0};
	struct store store = {.gitdir = target.location};
	struct verification v = {.a = arena_new(), .req = &request, .set = &set, .out = &out};
	struct err e = {0};
	int rc = 2;

	request.deadline_ms = clock_monotonic_ms(&clock) + 600000;
	v.stores = &store;
	v.n_stores = v.cap_stores = 1;
	if (argc == 3 && git_door_open(target.location, &store.repo, &e) == 0 &&
	    git_repository_odb(&store.odb, store.repo) == 0 &&
	    git_oid_fromstr(&v.tree_id, argv[2]) == 0) {
		v.repo = store.repo;
		v.odb = store.odb;
		rc = run(&v);
	} else {
		fprintf(stderr, "%s\n",
			argc == 3 ? e.message : "usage: pack_oracle REPOSITORY TREE");
	}
	git_odb_free(store.odb);
	git_repository_free(store.repo);
	arena_free(v.a);
	return rc;
}
