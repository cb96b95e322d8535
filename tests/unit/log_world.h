/*
 * log_world: a log in a directory of its own, and looks at it, each with the place the one before
 * gave. Included once by each test program of the kind, hence static functions.
 */
#ifndef ASSIZE_TESTS_LOG_WORLD_H
#define ASSIZE_TESTS_LOG_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

struct world {
	struct arena *arena;
	char dir[64];
	const struct definition *definition;
	struct clock clock;
	const char *cursor; /* what the last look recorded */
	const char *reason; /* why it measured nothing; NULL = it did */
	struct probe probe; /* of the last look */
};

static inline int set_up(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));

	w->arena = a;
	w->clock = clock_fixed(INT64_C(1795383603000));
	strcpy(w->dir, "/tmp/assize-log-XXXXXX");
	*state = w;
	return mkdtemp(w->dir) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int tear_down(void **state)
{
	struct world *w = *state;

	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* scratch of ours */
	arena_free(w->arena);
	return 0;
}

static inline const char *at(struct world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

static inline void put(struct world *w, const char *name, const char *mode, const char *text,
		       size_t n)
{
	FILE *f = fopen(at(w, name), mode);

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void add(struct world *w, const char *name, const char *text)
{
	put(w, name, "a", text, strlen(text));
}

static inline void cut(struct world *w, const char *name, const char *text)
{
	put(w, name, "w", text, strlen(text));
}

static inline void rename_to(struct world *w, const char *from, const char *to)
{
	assert_int_equal(rename(at(w, from), at(w, to)), 0);
}

/* A copy in another inode, plain or as gzip(1) makes it; the original stays. */
static inline void copy_to(struct world *w, const char *from, const char *to, bool is_packed)
{
	FILE *f = fopen(at(w, from), "r");
	char text[4096];
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	assert_int_equal(fclose(f), 0);
	if (!is_packed) {
		put(w, to, "w", text, n);
		return;
	}
	gzFile z = gzopen(at(w, to), "wb");

	assert_non_null(z);
	assert_int_equal(gzwrite(z, text, (unsigned)n), (int)n);
	assert_int_equal(gzclose(z), Z_OK);
}

static inline void erase(struct world *w, const char *name)
{
	assert_int_equal(unlink(at(w, name)), 0);
}

/* How long ago a file was written to, in hours. */
static inline void age(struct world *w, const char *name, long hours)
{
	struct timespec times[2] = {{.tv_sec = 1700000000 - 3600 * hours},
				    {.tv_sec = 1700000000 - 3600 * hours}};

	assert_int_equal(utimensat(AT_FDCWD, at(w, name), times, 0), 0);
}

static inline const char *no_env(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* The log a world is about. */
static inline void define(struct world *w, const char *spec)
{
	struct load_options o = {.path = "assize.yaml", .cwd = w->dir, .env = no_env};
	struct definition *d;
	struct diags diags;

	cut(w, "assize.yaml",
	    arena_printf(w->arena,
			 "assize: 1\naudits:\n  l:\n    checks:\n      - { id: a, log: %s }\n",
			 spec));
	diags_init(&diags, w->arena);
	if (definition_load(w->arena, &o, &d, &diags) != 0) {
		definition_print_diags(stderr, d, &diags);
		fail();
	}
	w->definition = d;
	w->cursor = NULL;
}

/* One look; what it recorded is where the next one begins. */
static inline void look(struct world *w)
{
	const struct check *c = w->definition->checks[0];
	struct past_cursor cursor = {c, w->cursor, w->cursor};
	struct past past = {.cursors = &cursor, .n_cursors = 1};
	struct probe_world world = {.clock = &w->clock, .definition = w->definition, .past = &past};
	struct err e = {.class = ERR_NONE};

	w->probe = (struct probe){
		.world = &world,
		.arena = w->arena,
		.checks = &c,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 20000,
	};
	w->reason = NULL;
	if (c->kind->probe(&w->probe, &e) < 0)
		w->reason = arena_strdup(w->arena, e.message);
	if (w->probe.cursor)
		w->cursor = w->probe.cursor;
}

static inline const struct measurement *value(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->probe.n_emitted; i++)
		if (strcmp(w->probe.emitted[i].measurement.name, name) == 0)
			return &w->probe.emitted[i].measurement;
	fail_msg("no %s: %s", name, w->reason);
	return NULL;
}

static inline int64_t number(struct world *w, const char *name)
{
	const struct measurement *m = value(w, name);

	if (m->value.type != VALUE_INT)
		fail_msg("%s is no integer: %s", name, m->reason);
	return m->value.integer;
}

#define expect_look(w, n_lines, n_matches, n_lost)                                                 \
	do {                                                                                       \
		look(w);                                                                           \
		if (number(w, "lines") != (n_lines) || number(w, "matches") != (n_matches) ||      \
		    number(w, "lost") != (n_lost))                                                 \
			fail_msg("%d lines, %d match, %d lost", (int)number(w, "lines"),           \
				 (int)number(w, "matches"), (int)number(w, "lost"));               \
	} while (0)

static inline void expect_evidence(struct world *w, const char *name, const char *part)
{
	const char *evidence = value(w, name)->evidence;

	if (!evidence || !strstr(evidence, part))
		fail_msg("\"%s\" is not in \"%s\"", part, evidence ? evidence : "");
}

#define APP "{ path: app.log, from: begin, pattern: ERROR, min_lines: 0 }"

/* A log of three lines, read to its end. */
static inline void intact(struct world *w)
{
	define(w, APP);
	add(w, "app.log", "one\ntwo\nERROR three\n");
	expect_look(w, 3, 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
