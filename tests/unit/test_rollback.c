/* rollback: version order, names, pointers, findings, and what compare notices on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollback/room.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/git.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Oldest first; every pair must agree with its places. */
static void test_rollback_orders_versions_totally(void **state)
{
	static const char *const order[] = {
		"1.0.dev1",   "1.0a1",	   "1.0b1",	 "1.0rc1",	 "1.0",		 "1.0.1",
		"1.1.1",      "1.1.1a",	   "1.1.1b",	 "1.9",		 "1.10",	 "v0.9",
		"v1-alpha",   "v1-rc1",	   "v1-rc2",	 "v1-rc10",	 "v1",		 "v1.0",
		"v1.2.0-rc1", "v1.2.0RC1", "v1.2.0.RC2", "v1.2.0.rc1",	 "v1.2.0rc1",	 "v1.2.0",
		"v1.2.0.1",   "v2",	   "v02.1",	 "v99999999999", "v100000000000"};

	(void)state;
	for (size_t i = 0; i < COUNT(order); i++) {
		for (size_t j = 0; j < COUNT(order); j++) {
			int got = version_compare(order[i], order[j]);
			bool is_mixed = strstr(order[i], "v1.2.0") && strstr(order[j], "v1.2.0") &&
					strlen(order[i]) > 8 && strlen(order[j]) > 8;

			if (is_mixed) /* spellings of one pre-release: any fixed order will do */
				assert_int_equal(got == 0, i == j);
			else
				assert_true(i < j ? got < 0 : i > j ? got > 0 : got == 0);
			assert_true((got > 0) == (version_compare(order[j], order[i]) < 0));
		}
	}
}

static void test_rollback_refuses_names(void **state)
{
	static const char *const bad[] = {"",
					  ".",
					  "..",
					  ".git",
					  ".GiT",
					  "git~1",
					  "GIT~1 ",
					  ".git.",
					  ".git ",
					  ".git::$x",
					  "a/b",
					  "/a",
					  "a\\..\\b",
					  "\\a",
					  "c:\\a",
					  "a\\.git",
					  ".g\xe2\x80\x8cit",
					  "\xef\xbb\xbf.git"};
	static const char *const good[] = {"a",	  "...",    ".gitignore", ".github",
					   "git", "git~10", "\xc3\xa4",	  "a\nb",
					   "c:",  "..a",    ".git-x"};

	static const char *const elsewhere[] = {"CON",	"aux.c", "nul.tar.gz", "Com1", "lpt9.x",
						"aux ", "a.",	 "a ",	       "a:b",  "what?"};
	static const char *const anywhere[] = {"a",	"console", "aux1", "com0",
					       "com10", ".aux",	   "a.b"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_non_null(name_refused(bad[i]));
	for (size_t i = 0; i < COUNT(good); i++)
		assert_null(name_refused(good[i]));
	assert_non_null(name_doubtful("a\\b"));
	assert_null(name_doubtful("a-b"));
	for (size_t i = 0; i < COUNT(elsewhere); i++)
		assert_non_null(name_elsewhere(elsewhere[i]));
	for (size_t i = 0; i < COUNT(anywhere); i++)
		assert_null(name_elsewhere(anywhere[i]));
}

static void test_rollback_reads_lfs_pointers(void **state)
{
#define VERSION "version https://git-lfs.github.com/spec/v1\n"
#define HEX	"4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
	static const char *const bad[] = {
		"",
		"text",
		VERSION,
		VERSION "oid sha256:" HEX "\n",
		VERSION "size 5\n",
		VERSION "oid sha256:" HEX "\nsize -5\n",
		VERSION "oid sha256:" HEX "\nsize 5x\n",
		VERSION "oid sha256:" HEX "0\nsize 5\n",
		VERSION "oid sha1:" HEX "\nsize 5\n",
		"version https://example.com/v2\noid sha256:" HEX "\nsize 5\n",
	};
	static const char good[] = VERSION "ext-0-x sha256:1\noid sha256:" HEX "\nsize 12345\n";
	struct lfs_pointer p;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(lfs_parse(bad[i], strlen(bad[i]), &p));
	assert_true(lfs_parse(good, strlen(good), &p));
	assert_string_equal(p.hex, HEX);
	assert_int_equal(p.size_bytes, 12345);
}

static void test_rollback_keeps_the_worst_finding(void **state)
{
	struct arena *a = arena_new();
	struct step s, other;

	(void)state;
	step_init(&s, a);
	assert_true(step_is_passing(&s));
	s.order = 9;
	step_find(&s, OUTCOME_WARN, NULL, "marked");
	assert_true(step_is_passing(&s));
	step_find(&s, OUTCOME_UNDECIDED, "x", "unproven 9");
	s.order = 3;
	step_find(&s, OUTCOME_UNDECIDED, "y", "unproven 3");
	assert_string_equal(s.finding, "unproven 3");
	step_init(&other, a);
	other.order = 7;
	step_find(&other, OUTCOME_FAIL, NULL, "disproved 7");
	step_merge(&s, &other);
	assert_string_equal(s.finding, "disproved 7");
	assert_null(s.remedy);
	assert_int_equal(s.outcome, OUTCOME_FAIL);
	step_find(&s, OUTCOME_UNDECIDED, NULL, "later");
	assert_string_equal(step_result(&s, "closure").finding, "disproved 7 (and 4 more)");
	arena_free(a);
}

/* A repository with one tag "v1": a, dir/b (executable), dir/l -> ../a. */
static void make_repository(const char *path)
{
	git_repository *repo;
	git_treebuilder *builder;
	git_signature *who;
	git_tree *tree;
	git_object *target;
	git_oid a, b, l, dir, root, commit;

	assert_int_equal(git_repository_init(&repo, path, 0), 0);
	assert_int_equal(git_blob_create_from_buffer(&a, repo, "hello", 5), 0);
	assert_int_equal(git_blob_create_from_buffer(&b, repo, "run", 3), 0);
	assert_int_equal(git_blob_create_from_buffer(&l, repo, "../a", 4), 0);
	assert_int_equal(git_treebuilder_new(&builder, repo, NULL), 0);
	assert_int_equal(
		git_treebuilder_insert(NULL, builder, "b", &b, GIT_FILEMODE_BLOB_EXECUTABLE), 0);
	assert_int_equal(git_treebuilder_insert(NULL, builder, "l", &l, GIT_FILEMODE_LINK), 0);
	assert_int_equal(git_treebuilder_write(&dir, builder), 0);
	git_treebuilder_free(builder);
	assert_int_equal(git_treebuilder_new(&builder, repo, NULL), 0);
	assert_int_equal(git_treebuilder_insert(NULL, builder, "a", &a, GIT_FILEMODE_BLOB), 0);
	assert_int_equal(git_treebuilder_insert(NULL, builder, "dir", &dir, GIT_FILEMODE_TREE), 0);
	assert_int_equal(git_treebuilder_write(&root, builder), 0);
	git_treebuilder_free(builder);
	assert_int_equal(git_signature_new(&who, "a", "a@example.com", 1700000000, 0), 0);
	assert_int_equal(git_tree_lookup(&tree, repo, &root), 0);
	assert_int_equal(
		git_commit_create(&commit, repo, "HEAD", who, who, NULL, "one", tree, 0, NULL), 0);
	assert_int_equal(git_object_lookup(&target, repo, &commit, GIT_OBJECT_COMMIT), 0);
	assert_int_equal(git_tag_create_lightweight(&root, repo, "v1", target, 0), 0);
	git_object_free(target);
	git_tree_free(tree);
	git_signature_free(who);
	git_repository_free(repo);
}

struct world {
	struct arena *a;
	const char *dir;
	struct target repo;
	struct rollback_set set;
	struct clock clock;
	struct rollback_request request;
};

static int setup_world(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));
	struct err e = {0};

	w->a = a;
	assert_int_equal(scratch_create(a, "/tmp", &w->dir, &e), 0);
	assert_int_equal(git_door_init(&e), 0);
	w->repo.location = arena_printf(a, "%s/repo", w->dir);
	make_repository(w->repo.location);
	w->set = (struct rollback_set){.name = "releases",
				       .repo = &w->repo,
				       .tags = "v*",
				       .keep = 3,
				       .is_pinned = true,
				       .scratch = arena_printf(a, "%s/scratch", w->dir)};
	w->clock = clock_system();
	w->request = (struct rollback_request){
		.set = &w->set,
		.tag = "v1",
		.clock = &w->clock,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 60000,
	};
	*state = w;
	return 0;
}

static int teardown_world(void **state)
{
	struct world *w = *state;

	assert_int_equal(scratch_remove(w->dir, NULL), 0);
	arena_free(w->a);
	return 0;
}

static void test_rollback_proves_a_whole_tag(void **state)
{
	struct world *w = *state;
	struct restoration r;
	struct err e = {0};
	struct pin pin;

	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_PASS);
	assert_int_equal(r.n_files, 3);
	assert_int_equal(r.n_objects, 6); /* commit, two trees, three blobs */
	assert_int_equal(r.n_bytes, 8);
	assert_int_equal(r.tag_time_ms, 1700000000000);
	assert_true(r.restore_us > 0);
	assert_int_equal(r.n_steps, 5);
	pin = (struct pin){.set = "releases", .tag = "v1", .commit = r.commit, .tree = r.tree};
	w->request.pin = &pin;
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_PASS);
	pin.tree = "0000000000000000000000000000000000000000";
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_FAIL);
	assert_non_null(strstr(r.steps[0].finding, "moved: it is tree"));
	w->set.is_pinned = false;
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_PASS);
	w->request.pin = NULL;
	w->set.is_pinned = true;
}

/* Restores the tag, lets `damage` at the restored tree, compares. */
static void compared(struct world *w, void (*damage)(int root), const char *finding)
{
	struct restoration out = {0};
	struct verification v = {
		.a = w->a,
		.req = &w->request,
		.set = &w->set,
		.scratch_parent = w->set.scratch,
	};
	struct step closure, materialise, compare;
	struct err e = {0};

	v.tag = "v1";
	v.ref = "refs/tags/v1";
	v.where = "compare";
	v.out = &out;
	step_init(&closure, w->a);
	step_init(&materialise, w->a);
	step_init(&compare, w->a);
	assert_int_equal(git_door_open(w->repo.location, &v.repo, &e), 0);
	assert_int_equal(git_repository_odb(&v.odb, v.repo), 0);
	v.stores = arena_array(w->a, 1, sizeof(*v.stores));
	v.stores[0] = (struct store){.gitdir = w->repo.location, .repo = v.repo, .odb = v.odb};
	v.n_stores = v.cap_stores = 1;
	crew_init(&v);
	assert_int_equal(identity_prove(&v, &closure), 0);
	assert_int_equal(tree_walk(&v, &closure), 0);
	assert_int_equal(tree_sizes(&v, &closure), 0);
	assert_int_equal(links_read(&v, &closure), 0);
	assert_int_equal(materialise_begin(&v, &materialise), 0);
	assert_int_equal(materialise_run(&v, &closure, &materialise), 0);
	damage(v.root_fd);
	assert_int_equal(compare_run(&v, &compare), finding ? -1 : 0);
	if (finding) {
		assert_int_equal(compare.outcome, OUTCOME_FAIL);
		assert_non_null(strstr(compare.finding, finding));
	}
	crew_release(&v);
	close(v.root_fd);
	assert_int_equal(scratch_release(&v.held, &e), 0);
	git_odb_free(v.odb);
	git_repository_free(v.repo);
}

static void put(int root, const char *path, const char *text, int flags)
{
	int fd = openat(root, path, O_WRONLY | flags, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void nothing(int root)
{
	(void)root;
}

static void other_bytes(int root)
{
	struct stat st;

	assert_int_equal(fstatat(root, "a", &st, 0), 0);
	put(root, "a", "HELLO", 0);
	/* Time put back, as one who covers his tracks would. */
	struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(root, "a", times, 0), 0);
}

static void longer(int root)
{
	put(root, "a", "hello!", 0);
}

static void extra(int root)
{
	put(root, "dir/.extra", "", O_CREAT);
}

static void extra_directory(int root)
{
	assert_int_equal(mkdirat(root, "dir/empty", 0755), 0);
}

static void absent(int root)
{
	assert_int_equal(unlinkat(root, "dir/b", 0), 0);
}

static void lost_x(int root)
{
	assert_int_equal(fchmodat(root, "dir/b", 0644, 0), 0);
}

static void set_uid(int root)
{
	assert_int_equal(fchmodat(root, "dir/b", 04755, 0), 0);
}

static void world_writable(int root)
{
	assert_int_equal(fchmodat(root, "a", 0666, 0), 0);
}

static void relinked(int root)
{
	assert_int_equal(unlinkat(root, "dir/l", 0), 0);
	assert_int_equal(symlinkat("../b", root, "dir/l"), 0);
}

static void link_for_file(int root)
{
	assert_int_equal(unlinkat(root, "a", 0), 0);
	assert_int_equal(symlinkat("dir/b", root, "a"), 0);
}

static void file_for_link(int root)
{
	assert_int_equal(unlinkat(root, "dir/l", 0), 0);
	put(root, "dir/l", "../a", O_CREAT);
}

static void link_for_directory(int root)
{
	assert_int_equal(renameat(root, "dir", root, "../moved"), 0);
	assert_int_equal(symlinkat("../moved", root, "dir"), 0);
}

static void hard_linked(int root)
{
	assert_int_equal(linkat(root, "a", root, "../outside", 0), 0);
}

static void pipe_for_file(int root)
{
	assert_int_equal(unlinkat(root, "a", 0), 0);
	assert_int_equal(mkfifoat(root, "a", 0644), 0);
}

static void test_rollback_compare_notices(void **state)
{
	static const struct {
		void (*damage)(int root);
		const char *finding;
	} cases[] = {
		{nothing, NULL},
		{other_bytes, "\"a\" holds other bytes"},
		{longer, "\"a\" has another size"},
		{extra, "\"dir\" has \".extra\", which is not in the tag"},
		{extra_directory, "\"dir\" has \"empty\", which is not in the tag"},
		{absent, "\"dir/b\" is not there"},
		{lost_x, "\"dir/b\" has other permission bits"},
		{set_uid, "\"dir/b\" has other permission bits"},
		{world_writable, "\"a\" has other permission bits"},
		{relinked, "\"dir/l\" points elsewhere"},
		{link_for_file, "\"a\" is a symbolic link, the tag has a file"},
		{file_for_link, "\"dir/l\" is not a symbolic link"},
		{link_for_directory, "\"dir\" is not a directory"},
		{hard_linked, "\"a\" is linked from elsewhere"},
		{pipe_for_file, "\"a\" is not a regular file"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		compared(*state, cases[i].damage, cases[i].finding);
}

struct told {
	int n, n_steps;
	bool has_scratch; /* as last told */
};

static void count_progress(void *ctx, const struct rollback_progress *p)
{
	struct told *told = ctx;

	assert_string_equal(p->tag, "v1");
	assert_non_null(p->step);
	assert_true(p->done >= 0 && p->done <= p->total);
	assert_true(p->bytes >= 0 && p->bytes <= p->total_bytes);
	told->n++;
	told->n_steps += p->is_new;
	told->has_scratch = p->has_scratch;
}

static void test_rollback_tells_progress(void **state)
{
	struct world *w = *state;
	struct restoration r;
	struct err e = {0};
	struct told told = {0};
	atomic_bool is_interrupted;

	w->request.progress = count_progress;
	w->request.progress_ctx = &told;
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_true(told.n > told.n_steps);
	assert_int_equal(told.n_steps, 8); /* five steps; scratch comes, is removed, is gone */
	assert_false(told.has_scratch);
	w->request.progress = NULL;

	atomic_init(&is_interrupted, true);
	w->request.is_interrupted = &is_interrupted;
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_UNDECIDED);
	assert_non_null(strstr(r.steps[r.n_steps - 1].finding, "interrupted during "));
	w->request.is_interrupted = NULL;
}

/* A smoke test that exits 0 and that nothing kept from the tree. */
static void careless(void *ctx, const struct rollback_place *place, struct rollback_found *out)
{
	const char *const *name = ctx;
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", place->tree, *name ? *name : "../beside");
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	*out = (struct rollback_found){.outcome = OUTCOME_PASS, .may_have_written = true};
}

static void test_rollback_notices_what_a_smoke_test_leaves(void **state)
{
	struct world *w = *state;
	const char *run = "app", *name = NULL;
	const struct restoration_step *last;
	struct restoration r;
	struct err e = {0};

	w->set.smoke.run = (struct texts){.items = &run, .n = 1};
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_UNDECIDED); /* nobody can run it */
	w->request.smoke = careless;
	w->request.look_ctx = &name;
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_PASS);
	name = "new";
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	assert_int_equal(r.outcome, OUTCOME_FAIL);
	last = &r.steps[r.n_steps - 1];
	assert_string_equal(last->name, "smoke");
	assert_non_null(strstr(last->finding, "has \"new\", which is not in the tag"));
	w->set.smoke.run.n = 0;
	w->request.smoke = NULL;
}

static void test_rollback_says_that_there_is_no_repository(void **state)
{
	struct world *w = *state;
	struct restoration r = {.n_files = 77};
	const char *location = w->repo.location;
	struct err e = {0};

	w->repo.location = "/nonexistent";
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), -1);
	assert_int_equal(e.class, ERR_MEASURE);
	assert_non_null(strstr(e.message, "no repository there"));
	assert_int_equal(r.n_files, 77);
	w->repo.location = location;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rollback_orders_versions_totally),
		cmocka_unit_test(test_rollback_refuses_names),
		cmocka_unit_test(test_rollback_reads_lfs_pointers),
		cmocka_unit_test(test_rollback_keeps_the_worst_finding),
		cmocka_unit_test_setup_teardown(test_rollback_proves_a_whole_tag, setup_world,
						teardown_world),
		cmocka_unit_test_setup_teardown(test_rollback_compare_notices, setup_world,
						teardown_world),
		cmocka_unit_test_setup_teardown(test_rollback_tells_progress, setup_world,
						teardown_world),
		cmocka_unit_test_setup_teardown(test_rollback_notices_what_a_smoke_test_leaves,
						setup_world, teardown_world),
		cmocka_unit_test_setup_teardown(test_rollback_says_that_there_is_no_repository,
						setup_world, teardown_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
