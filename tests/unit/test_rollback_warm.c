/*
 * rollback warm: every damage to a warm copy is noticed and mended, and what is not assize's is
 * left alone. Damages are shell commands, as somebody would have done them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rollback/rollback.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/file.h"
#include "runner/io/git.h"
#include "runner/model/definition.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Two tags, and what the newer one must look like, by git's own hand. */
static const char make_world[] =
	"export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
	"GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b && git init -q -b main repo && cd repo && "
	"mkdir -p src/deep bin && printf '*.log\\n' >.gitignore && printf 'run\\n' >bin/run && "
	"chmod 755 bin/run && ln -s ../src/deep/hello.txt bin/link && "
	"printf 'hello\\n' >src/deep/hello.txt && echo 1 >version && git add . && "
	"git commit -qm 1 && git tag v1 && echo 2 >version && git commit -qam 2 && git tag v2 && "
	"mkdir ../is && git -c tar.umask=0022 archive v2 | tar -x -C ../is";

/* Names, kinds, modes, targets and bytes. */
static const char is_tree[] =
	"diff -r --no-dereference is warm/v2 && test \"$(cd is && find . -printf '%P %y %m %l\\n' "
	"| sort)\" = \"$(cd warm/v2 && find . -printf '%P %y %m %l\\n' | sort)\"";

struct world {
	struct arena *a;
	const char *dir;
	struct target repo;
	struct rollback_set set;
	struct clock clock;
	struct rollback_request request;
};

/* A shell command in the world; its exit status. */
static int shell(const struct world *w, const char *command)
{
	return system(arena_printf(w->a, "cd '%s' && { %s; }", w->dir, command));
}

static int setup(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));
	struct err e = {0};

	w->a = a;
	w->clock = clock_system();
	assert_int_equal(git_door_init(&e), 0);
	/* what is brought to disk all the time is best in memory */
	assert_int_equal(
		scratch_create(a, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", &w->dir, &e),
		0);
	w->repo.location = arena_printf(a, "%s/repo", w->dir);
	assert_int_equal(shell(w, make_world), 0);
	w->set = (struct rollback_set){
		.name = "releases",
		.repo = &w->repo,
		.tags = "v*",
		.keep = 3,
		.scratch = arena_printf(a, "%s/scratch", w->dir),
		.warm_path = arena_printf(a, "%s/warm/{tag}", w->dir),
		.warm_keep = 1,
		.rehash_ms = 86400000,
	};
	w->request = (struct rollback_request){
		.set = &w->set,
		.tag = "v2",
		.clock = &w->clock,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 60000,
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(scratch_remove(w->dir, &e), 0);
	arena_free(w->a);
	return 0;
}

/* The last step is the warm one. */
static struct restoration_step verified(struct world *w, enum rollback_warm warm)
{
	struct restoration r;
	struct err e = {0};
	int lock;

	w->request.warm = warm;
	if (warm == ROLLBACK_WARM_MADE)
		assert_int_equal(rollback_warm_begin(w->a, &w->set, &lock, &e), 0);
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	if (warm == ROLLBACK_WARM_MADE)
		rollback_warm_end(lock);
	assert_string_equal(r.steps[r.n_steps - 1].name, ROLLBACK_STEP_WARM);
	assert_int_equal(r.outcome, r.steps[r.n_steps - 1].outcome);
	return r.steps[r.n_steps - 1];
}

static void passes(struct world *w, enum rollback_warm warm, const char *note)
{
	struct restoration_step s = verified(w, warm);

	if (s.outcome != OUTCOME_PASS)
		print_error("%s; %s\n", s.finding, s.remedy);
	assert_int_equal(s.outcome, OUTCOME_PASS);
	if (!strstr(s.note, note))
		print_error("\"%s\" is not in: %s\n", note, s.note);
	assert_non_null(strstr(s.note, note));
}

static void finds(struct world *w, enum rollback_warm warm, enum outcome outcome,
		  const char *finding, const char *remedy)
{
	struct restoration_step s = verified(w, warm);

	assert_int_equal(s.outcome, outcome);
	if (!strstr(s.finding, finding))
		print_error("\"%s\" is not in: %s\n", finding, s.finding);
	assert_non_null(strstr(s.finding, finding));
	if (!strstr(s.remedy, remedy))
		print_error("\"%s\" is not in: %s\n", remedy, s.remedy);
	assert_non_null(strstr(s.remedy, remedy));
}

#define WARM "assize rollback warm v2"

static void test_warm_notices_and_mends(void **state)
{
	static const struct {
		const char *damage, *finding;
	} cases[] = {
		{"cp -p version ../t && echo 9 >version && touch -r ../t version && rm ../t",
		 "\"version\" holds other bytes than the tag"},
		{"echo >>version", "\"version\" has another size"},
		{"rm src/deep/hello.txt", "\"src/deep/hello.txt\" is not there"},
		{"chmod -x bin/run", "\"bin/run\" has other permission bits"},
		{"chmod u+s bin/run", "\"bin/run\" has other permission bits"},
		{"chmod 666 version", "\"version\" has other permission bits"},
		{"chmod 777 src", "\"src\" has other permission bits"},
		{"chmod 777 .", "\"/\" has other permission bits"},
		{"chmod 0 src/deep", "src/deep"},
		{"echo >src/x.log", "\"src\" has \"x.log\", which is not in the tag"},
		{"mkdir src/empty", "\"src\" has \"empty\", which is not in the tag"},
		{"mkdir .git", "\"/\" has \".git\", which is not in the tag"},
		{"git init -q lib && echo >lib/x", "\"/\" has \"lib\", which is not in the tag"},
		{"mkfifo pipe", "\"/\" has \"pipe\", which is not in the tag"},
		{"ln version ../../other", "\"version\" is linked from elsewhere"},
		{"mv version ../../other && ln -s ../../other version", "\"version\" is "},
		{"rm version && mkfifo version", "\"version\" is not a regular file"},
		{"ln -sfn ../version bin/link", "\"bin/link\" points elsewhere"},
		{"rm bin/link && echo hello >bin/link", "\"bin/link\" is not a symbolic link"},
		{"mv src ../../other && ln -s ../../other src", "\"src\" is not a directory"},
		{"rm -r src version", "is not there (and "},
		{"rm -rf .gitignore * && git -C ../../repo -c tar.umask=0022 archive v1 | tar -x",
		 "\"version\" holds other bytes than the tag"},
	};
	struct world *w = *state;

	passes(w, ROLLBACK_WARM_MADE, "/warm/v2 made");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *damage =
			arena_printf(w->a, "rm -rf other; cd warm/v2 && %s", cases[i].damage);

		assert_int_equal(shell(w, damage), 0);
		finds(w, ROLLBACK_WARM_CHECKED, OUTCOME_FAIL, cases[i].finding, WARM);
		passes(w, ROLLBACK_WARM_MADE, "/warm/v2 made anew");
		passes(w, ROLLBACK_WARM_CHECKED, "cached: ");
	}
	assert_int_equal(shell(w, is_tree), 0);
}

static void test_warm_leaves_alone_what_it_did_not_make(void **state)
{
	static const char aside[] = ".aside && " WARM;
	static const struct {
		const char *damage, *finding;
	} cases[] = {
		{"mkdir v2 && echo mine >v2/version", "was not made by assize"},
		{"mkdir v2", "was not made by assize"},
		{"cp -a v2.made v2 && echo mine >v2/version", "was not made by assize"},
		{"ln -s v2.made v2", "is a symbolic link"},
		{"echo mine >v2", "is not a directory"},
		{"mkfifo v2", "is not a directory"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(shell(w, "rm -rf warm"), 0);
		passes(w, ROLLBACK_WARM_MADE, "made");
		assert_int_equal(shell(w, arena_printf(w->a, "cd warm && mv v2 v2.made && %s",
						       cases[i].damage)),
				 0);
		assert_int_equal(shell(w, "ls -lR warm/v2 >before"), 0);
		finds(w, ROLLBACK_WARM_MADE, OUTCOME_FAIL, cases[i].finding, aside);
		assert_int_equal(shell(w, "ls -lR warm/v2 | diff - before"), 0);
	}
}

static void test_warm_takes_a_right_copy_of_others(void **state)
{
	struct world *w = *state;

	assert_int_equal(shell(w, "mkdir -p warm && cp -a is warm/v2"), 0);
	passes(w, ROLLBACK_WARM_CHECKED, "proven: ");
	passes(w, ROLLBACK_WARM_MADE, "not made by assize, which leaves it alone");
}

static void test_warm_believes_a_manifest_no_more_than_it_can(void **state)
{
	static const struct {
		const char *edit, *why;
	} cases[] = {
		{"true", "cached: "},
		{"touch -d '2 days ago' warm/v2/version", "a stamp differs"},
		{"touch warm/v2/src", "a stamp differs"},
		{"sed -i --follow-symlinks 's/\"proven\": \"20../\"proven\": \"2000/' M",
		 "(last time "},
		{"sed -i --follow-symlinks 's/\"proven\": \"20../\"proven\": \"2999/' M",
		 "from the future"},
		{"sed -i --follow-symlinks 's/\"commit\": \"./\"commit\": \"x/' M",
		 "about other content"},
		{"sed -i --follow-symlinks 's/\"tree\": \"./\"tree\": \"x/' M",
		 "about other content"},
		{"sed -i --follow-symlinks 's/\"raw\"/\"checkout\"/' M", "about other content"},
		{"sed -i --follow-symlinks 's/\"stamps\": \".*\"/\"stamps\": \"\"/' M",
		 "no stamps"},
		{"sed -i --follow-symlinks 's/\"born_ns\": \".*\"/\"born_ns\": \"1\"/' M",
		 "no manifest"},
		{"truncate -s 100 M", "no manifest"},
		{"echo '[]' >M", "no manifest"},
		{"rm warm/.assize/v2@*", "no manifest"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		/* a manifest that is not believed is not renewed either: its copy is nobody's */
		assert_int_equal(shell(w, "rm -rf warm"), 0);
		passes(w, ROLLBACK_WARM_MADE, "made");
		assert_int_equal(
			shell(w, arena_printf(w->a, "ln -s warm/.assize/v2@* M; %s; rm -f M",
					      cases[i].edit)),
			0);
		passes(w, ROLLBACK_WARM_CHECKED, cases[i].why);
	}
	w->set.rehash_ms = 0;
	assert_int_equal(shell(w, "rm -rf warm"), 0);
	passes(w, ROLLBACK_WARM_MADE, "made");
	passes(w, ROLLBACK_WARM_CHECKED, "proven: ");
	w->set.rehash_ms = 86400000;
}

static void test_warm_gives_none_to_a_tag_that_is_not_proven(void **state)
{
	struct world *w = *state;
	struct restoration r;
	struct err e = {0};
	int lock;

	assert_int_equal(shell(w,
			       "chmod -R u+w repo && git -C repo replace $(git -C repo rev-parse "
			       "v2:version v1:version)"),
			 0);
	w->request.warm = ROLLBACK_WARM_MADE;
	assert_int_equal(rollback_warm_begin(w->a, &w->set, &lock, &e), 0);
	assert_int_equal(rollback_verify(w->a, &w->request, &r, &e), 0);
	rollback_warm_end(lock);
	assert_int_equal(r.outcome, OUTCOME_UNDECIDED);
	assert_int_equal(shell(w, "test ! -e warm/v2"), 0);
	assert_int_equal(shell(w, "git -C repo replace -d $(git -C repo replace) >/dev/null"), 0);
}

static void test_warm_retains_only_what_is_kept(void **state)
{
	static const char *const kept[] = {"v2"};
	struct world *w = *state;
	struct err e = {0};
	struct buf said;
	int lock;

	w->request.tag = "v1";
	passes(w, ROLLBACK_WARM_MADE, "made");
	w->request.tag = "v2";
	passes(w, ROLLBACK_WARM_MADE, "made");
	assert_int_equal(shell(w, "mkdir warm/v0 && touch warm/.assize/v9@1.json.4.tmp && "
				  "mkdir -m 700 warm/.assize/assize-held-dead && "
				  "mkdir warm/.assize/assize-held-dead/tree"),
			 0);
	buf_init(&said, 4096);
	assert_int_equal(rollback_warm_begin(w->a, &w->set, &lock, &e), 0);
	assert_int_equal(rollback_warm_begin(w->a, &w->set, &lock, &e), -1);
	assert_non_null(strstr(e.message, "another `assize rollback warm` is at work in"));
	w->set.name = "others"; /* another set's copies are no business of this one */
	rollback_warm_retain(w->a, &w->set, kept, 1, &said);
	assert_int_equal(said.len, 0);
	w->set.name = "releases";
	rollback_warm_retain(w->a, &w->set, kept, 1, &said);
	assert_string_equal(said.data, "removed the warm copy of v1, which is no longer kept\n");
	rollback_warm_end(lock);
	buf_release(&said);
	assert_int_equal(shell(w, "test \"$(ls warm | tr '\\n' ' ')\" = 'v0 v2 '"), 0);
	assert_int_equal(shell(w, "test \"$(ls -A warm/.assize | cut -d@ -f1 | tr '\\n' ' ')\" = "
				  "'lock v2 '"),
			 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_warm_notices_and_mends),
		TEST(test_warm_leaves_alone_what_it_did_not_make),
		TEST(test_warm_takes_a_right_copy_of_others),
		TEST(test_warm_believes_a_manifest_no_more_than_it_can),
		TEST(test_warm_gives_none_to_a_tag_that_is_not_proven),
		TEST(test_warm_retains_only_what_is_kept),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
