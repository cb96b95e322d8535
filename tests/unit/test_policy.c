/* What a path in a definition leads to: policy, the world, or either; and content that is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/load_parts.h"
#include "runner/model/keys.h"
#include "runner/model/kind.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct counted {
	size_t n_policy, n_world, n_both, n_bad;
};

/* Depth is that of the tables. */
static void count(const char *what, const struct key_row *rows, struct counted *out)
{
	for (const struct key_row *row = rows; row->name; row++) {
		unsigned leads = row->flags & (KEY_POLICY | KEY_WORLD);
		bool is_path = row->type == KEY_PATH;

		if (row->sub)
			count(what, row->sub, out);
		if (is_path != (leads != 0)) {
			printf("%s: key \"%s\" does not say what it leads to\n", what, row->name);
			out->n_bad++;
		}
		out->n_policy += leads == KEY_POLICY;
		out->n_world += leads == KEY_WORLD;
		out->n_both += leads == (KEY_POLICY | KEY_WORLD);
	}
}

static void test_policy_every_path_says_what_it_leads_to(void **state)
{
	static const struct key_row bad[] = {
		{.name = "neither", .type = KEY_PATH},
		{.name = "no_path", .type = KEY_TEXT, .flags = KEY_POLICY},
		KEY_END,
	};
	struct counted all = {0}, found = {0};
	const struct audit_kind *const *kinds;
	size_t n;

	(void)state;
	count("test", bad, &found);
	assert_int_equal(found.n_bad, 2);
	count("definition", file_rows, &all);
	count("set", signature_rows, &all);
	kinds = audit_kinds(&n);
	for (size_t i = 0; i < n; i++)
		count(kinds[i]->name, kinds[i]->keys, &all);
	assert_int_equal(all.n_bad, 0);
	/* Those there are: a row that is new has to be thought about here as well. */
	assert_true(all.n_policy >= 13);
	assert_true(all.n_world >= 20);
	assert_int_equal(all.n_both, 2);
}

static void test_file_held_content_stays_as_it_was(void **state)
{
	struct arena *a = arena_new();
	struct err e = {0};
	char text[] = "one\ntwo\n", got[16], dir[] = "/tmp/assize-policy.XXXXXX";
	struct stat st;
	struct buf b;
	int fd;

	(void)state;
	file_hold(a, "git:main:list", text, strlen(text));
	text[0] = 'X';
	buf_init(&b, 100);
	assert_int_equal(file_read("git:main:list", &b, &e), 0);
	assert_string_equal(b.data, "one\ntwo\n");
	buf_release(&b);

	fd = file_open("git:main:list", &st, &e);
	assert_true(fd >= 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_size, 8);
	assert_int_equal(read(fd, got, sizeof(got)), 8);
	assert_memory_equal(got, "one\ntwo\n", 8);
	assert_int_equal(write(fd, "x", 1), -1); /* sealed */
	assert_int_equal(close(fd), 0);

	buf_init(&b, 3);
	assert_int_equal(file_read("git:main:list", &b, &e), -1);
	assert_string_equal(e.message, "could not read \"git:main:list\": larger than the limit of "
				       "3 bytes");
	buf_release(&b);
	arena_free(a);

	/* Its content goes with its arena; a file of that name is not asked then. */
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(file_write_atomic("git:main:list", "evil", 4, &e), 0);
	e = (struct err){0};
	buf_init(&b, 100);
	assert_int_equal(file_read("git:main:list", &b, &e), -1);
	assert_string_equal(e.message, "could not open \"git:main:list\": no absolute path, and no "
				       "content is held under it");
	assert_int_equal(file_open("git:main:list", &st, NULL), -1);
	buf_release(&b);
	assert_int_equal(unlink("git:main:list"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_every_path_says_what_it_leads_to),
		cmocka_unit_test(test_file_held_content_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
