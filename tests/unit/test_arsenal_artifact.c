/*
 * The private copy: whole, mended after each strike, and left by nobody on the way of a link. A
 * text that a pattern finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "audits/arsenal/artifact.h"
#include "audits/arsenal/sample.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/copy.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/pattern.h"

struct world {
	struct arena *arena;
	const char *dir; /* what is real */
	struct clock clock;
	struct probe_world probe_world;
	struct check check;
	struct challenge challenge;
	struct scene *scene;
	const char *spec;
};

static const struct attack_row rows[] = {ROW_IDENTITY, ROWS_OF_BYTES, {.name = NULL}};

static int measure(struct probe *p, struct err *e)
{
	struct stat st;
	const char *path = *(const char **)p->checks[0]->spec;
	struct measurement m;

	(void)e;
	m = measurement_int("", stat(path, &st) == 0 ? (int64_t)st.st_size : -1, "");
	probe_emit(p, 0, &m);
	return 0;
}

static const struct key_row keys[] = {{.name = "path", .type = KEY_PATH, .offset = 0}, KEY_END};
static const struct audit_kind kind = {
	.name = "size", .spec_size = sizeof(const char *), .keys = keys, .probe = measure};

static const char *in(struct world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *scratch;
	struct err e = {0};

	w->arena = arena_new();
	assert_int_equal(scratch_create(w->arena, "/tmp", &w->dir, &e), 0);
	assert_int_equal(scratch_create(w->arena, "/tmp", &scratch, &e), 0);
	w->clock = clock_fixed(1800000000000);
	w->probe_world.clock = &w->clock;
	w->spec = in(w, "file");
	put(w->spec, "0123456789");
	w->check = (struct check){.kind = &kind, .spec = &w->spec, .timeout_ms = 10000};
	w->challenge = (struct challenge){.arena = w->arena,
					  .world = &w->probe_world,
					  .check = &w->check,
					  .scratch = scratch};
	w->scene = scene_new(&w->challenge, rows);
	assert_int_equal(scene_stage_key(w->scene, "path", &e), 0);
	scene_seal(w->scene);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(scratch_remove(w->dir, &e), 0);
	assert_int_equal(scratch_remove(w->challenge.scratch, &e), 0);
	arena_free(w->arena);
	free(w);
	return 0;
}

static int64_t strike(struct world *w, const struct deed *d)
{
	struct attack a = {.row = &rows[1], .state = d};
	struct probe p = {.world = &w->probe_world, .arena = w->arena, .n_checks = 1};
	struct err e = {0};
	int rc = artifact_strike(&w->challenge, &a, 0, &p, &e);

	return rc != 0 ? -100 - rc : p.emitted[0].measurement.value.integer;
}

static void test_arsenal_artifact_mends(void **state)
{
	struct world *w = *state;
	const char *path = artifact_path(w->scene->check, "path");

	for (int i = 0; i < 2; i++) {
		assert_int_equal(strike(w, &(struct deed){.act = act_nothing}), 10);
		assert_int_equal(strike(w, &(struct deed){.act = act_missing, .path = path}), -1);
		assert_int_equal(
			strike(w, &(struct deed){.act = act_torn, .path = path, .number = 4}), 4);
		assert_int_equal(strike(w, &(struct deed){.act = act_appended, .path = path}), 11);
		assert_true(
			strike(w, &(struct deed){.act = act_linked, .path = path, .text = w->dir}) >
			10);
	}
}

static void test_arsenal_artifact_notices_a_change_of_what_is_real(void **state)
{
	struct world *w = *state;

	assert_int_equal(strike(w, &(struct deed){.act = act_nothing}), 10);
	put(w->spec, "0123456789ab");
	assert_int_equal(strike(w, &(struct deed){.act = act_nothing}), -101);
	assert_non_null(strstr(w->scene->broken, "changed while it was challenged"));
}

static void test_arsenal_artifact_stays_in_the_copy(void **state)
{
	static int (*const acts[])(struct scene *, const struct deed *, double, struct err *) = {
		act_missing, act_torn, act_flipped, act_appended, act_written,	act_linked,
		act_renewed, act_aged, act_mode,    act_owner,	  act_replaced,
	};
	struct world *w = *state;
	const char *link = arena_printf(w->arena, "%s/link", w->challenge.scratch);
	const char *to_file = arena_printf(w->arena, "%s/to_file", w->challenge.scratch);
	struct stat before, after;

	assert_int_equal(symlink(w->dir, link), 0);
	assert_int_equal(symlink(w->spec, to_file), 0);
	assert_int_equal(stat(w->spec, &before), 0);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		struct deed d = {.path = arena_printf(w->arena, "%s/file", link),
				 .text = to_file,
				 .number = 0644};
		struct err e = {0};

		assert_int_equal(acts[i](w->scene, &d, 1, &e), -1);
		assert_non_null(strstr(e.message, "behind a link that leads out"));
		d.path = to_file;
		if (acts[i] == act_torn || acts[i] == act_flipped || acts[i] == act_appended ||
		    acts[i] == act_renewed || acts[i] == act_aged || acts[i] == act_mode ||
		    acts[i] == act_owner)
			assert_int_equal(acts[i](w->scene, &d, 1, &e), -1);
	}
	assert_int_equal(stat(w->spec, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

static void test_copy_is_whole(void **state)
{
	struct world *w = *state;
	const struct copy_size most = {100, 10}, few = {100, 3}, small = {9, 10};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *from = in(w, "from"), *to = in(w, "to"), *path;
	struct copy_size size;
	struct stat a, b;
	struct err e = {0};
	char target[64] = "";
	int fd;

	assert_int_equal(mkdir(from, 0555), 0);
	assert_int_equal(chmod(from, 0755), 0);
	put(arena_printf(w->arena, "%s/x", from), "0123456789");
	assert_int_equal(chmod(arena_printf(w->arena, "%s/x", from), 04751), 0);
	assert_int_equal(mkdir(arena_printf(w->arena, "%s/sub", from), 0755), 0);
	assert_int_equal(symlink("../x", arena_printf(w->arena, "%s/sub/link", from)), 0);
	assert_int_equal(mkfifo(arena_printf(w->arena, "%s/pipe", from), 0600), 0);
	assert_int_equal(copy_measure(from, &most, &size, &e), 0);
	assert_int_equal(size.bytes, 10);
	assert_int_equal(size.entries, 5);
	assert_int_equal(copy_measure(from, &few, &size, &e), -1);
	assert_int_equal(copy_measure(from, &small, &size, &e), -1);
	assert_int_equal(copy_tree(from, to, NULL, &e), 0);
	path = arena_printf(w->arena, "%s/x", to);
	assert_int_equal(stat(arena_printf(w->arena, "%s/x", from), &a), 0);
	assert_int_equal(stat(path, &b), 0);
	assert_int_equal(a.st_mode, b.st_mode);
	assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
	assert_int_not_equal(a.st_ino, b.st_ino);
	assert_int_equal(
		readlink(arena_printf(w->arena, "%s/sub/link", to), target, sizeof(target)), 4);
	assert_string_equal(target, "../x");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", from);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(copy_tree(from, in(w, "again"), NULL, &e), -1);
	assert_non_null(strstr(e.message, "it is a socket"));
	(void)close(fd);
}

static void test_sample_is_found(void **state)
{
	static const char *const found[] = {
		"ERROR|FATAL",	      "^(ERROR|FATAL) [a-z]+-[0-9]{3}: ",
		"\\bOOM\\b",	      "Out of memory$",
		"[^a-zA-Z]{4}x",      "(?i)error",
		"a{3,}b?c*d+",	      "(?<name>[[:digit:]]+)\\.\\d\\D",
		"status=5\\d\\d\\s",  "\\x41\\tB",
		"^\\[(warn|err)\\] ", "user=(?!root)\\w+",
		"[-.\\]]{2}",	      "(?=a)a",
	};
	struct world *w = *state;
	struct pattern *pattern, *except;
	struct err e = {0};

	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		const char *line;

		assert_int_equal(
			pattern_compile(w->arena, found[i], strlen(found[i]), false, &pattern, &e),
			0);
		line = sample_line(w->arena, found[i], pattern, NULL);
		if (line == NULL)
			fail_msg("no text for %s", found[i]);
		assert_int_equal(pattern_search_line(pattern, line, strlen(line), &e), 1);
		assert_null(strchr(line, '\n'));
	}
	assert_int_equal(pattern_compile(w->arena, "(?=a)b", 6, false, &pattern, &e), 0);
	assert_null(sample_line(w->arena, "(?=a)b", pattern, NULL));
	assert_int_equal(pattern_compile(w->arena, "ERROR [ab]", 10, false, &pattern, &e), 0);
	assert_int_equal(pattern_compile(w->arena, "ERROR a", 7, false, &except, &e), 0);
	assert_string_equal(sample_line(w->arena, "ERROR [ab]", pattern, except), "ERROR b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arsenal_artifact_mends, begin, end),
		cmocka_unit_test_setup_teardown(
			test_arsenal_artifact_notices_a_change_of_what_is_real, begin, end),
		cmocka_unit_test_setup_teardown(test_arsenal_artifact_stays_in_the_copy, begin,
						end),
		cmocka_unit_test_setup_teardown(test_copy_is_whole, begin, end),
		cmocka_unit_test_setup_teardown(test_sample_is_found, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
