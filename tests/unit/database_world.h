/*
 * database_world: a scratch SQLite database and checks read from YAML, for tests of the kinds.
 *
 * check() reads a kind's mapping as the loader would (key rows, then the kind's own check());
 * probe() runs one or several checks merged. Everything lives in the world's arena.
 */
#ifndef ASSIZE_TESTS_DATABASE_WORLD_H
#define ASSIZE_TESTS_DATABASE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"
#include "runner/io/file.h"
#include "runner/io/yaml.h"
#include "runner/model/kind.h"

struct world {
	const char *dir, *path;
	struct clock clock;
	struct arena *arena;
	struct probe_world probe_world;
	struct target target;
	struct diags diags;
	struct err err; /* of the last probe */
};

/* 2026-11-25T12:00:00Z */
#define WORLD_NOW_MS INT64_C(1795608000000)

static inline void execute(struct world *w, const char *sql)
{
	sqlite3 *h;
	char *message = NULL;

	assert_int_equal(sqlite3_open(w->path, &h), SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(sqlite3_close(h), SQLITE_OK);
}

static inline int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err e = {0};

	assert_non_null(w);
	w->arena = arena_new();
	if (scratch_create(w->arena, "/tmp", &w->dir, &e) != 0)
		fail_msg("%s", e.message);
	w->path = arena_printf(w->arena, "%s/shop.db", w->dir);
	w->clock = clock_fixed(WORLD_NOW_MS);
	w->probe_world = (struct probe_world){
		.clock = &w->clock,
		.dbs = db_pool_new(&w->clock),
	};
	w->target = (struct target){
		.name = "shop",
		.type = TARGET_SQLITE,
		.location = w->path,
		.max_connections = 1,
	};
	diags_init(&w->diags, w->arena);
	*state = w;
	return 0;
}

static inline int tear_down(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	db_pool_free(w->probe_world.dbs);
	if (scratch_remove(w->dir, &e) != 0)
		fail_msg("%s", e.message);
	arena_free(w->arena);
	free(w);
	return 0;
}

/* Reads the mapping; what is wrong with it is in w->diags. */
static inline struct check *read_check(struct world *w, const struct audit_kind *kind,
				       const char *yaml)
{
	struct check *c = arena_alloc(w->arena, sizeof(*c));
	struct keys_context ctx = {
		.arena = w->arena,
		.root_dir = w->dir,
		.diags = &w->diags,
		.what = kind->name,
	};
	struct node *node = NULL;

	diags_init(&w->diags, w->arena);
	if (yaml_parse(w->arena, "test.yaml", yaml, strlen(yaml), &node, &w->diags) != 0)
		fail_msg("%s", w->diags.items[0].message);
	*c = (struct check){
		.id = "check",
		.name = "audit/check",
		.audit = "audit",
		.kind = kind,
		.spec = arena_alloc(w->arena, kind->spec_size),
		.spec_node = node,
		.target = &w->target,
	};
	if (keys_read(&ctx, kind->keys, node, c->spec) == 0 && kind->check)
		kind->check(&ctx, c);
	return c;
}

static inline const struct check *check(struct world *w, const struct audit_kind *kind,
					const char *yaml)
{
	struct check *c = read_check(w, kind, yaml);

	if (w->diags.n > 0)
		fail_msg("%s: %s", yaml, w->diags.items[0].message);
	return c;
}

/* A definition error with this text in it. */
static inline void refuse(struct world *w, const struct audit_kind *kind, const char *yaml,
			  const char *message)
{
	read_check(w, kind, yaml);
	if (w->diags.n == 0)
		fail_msg("%s: was accepted", yaml);
	if (!strstr(w->diags.items[0].message, message))
		fail_msg("%s: %s", yaml, w->diags.items[0].message);
}

static inline int run_checks(struct world *w, const struct check *const *checks, size_t n,
			     struct probe *p)
{
	*p = (struct probe){
		.world = &w->probe_world,
		.arena = w->arena,
		.checks = checks,
		.n_checks = n,
		.deadline_ms = clock_monotonic_ms(&w->clock) + 10000,
	};
	w->err = (struct err){0};
	return checks[0]->kind->probe(p, &w->err);
}

/* All series of one check as text: "name{labels} = value unit; ..." or "none: reason". */
static inline const char *show(struct world *w, const struct probe *p, size_t of)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	for (size_t i = 0; i < p->n_emitted; i++) {
		const struct measurement *m = &p->emitted[i].measurement;

		if (p->emitted[i].check != of)
			continue;
		if (b.len > 0)
			buf_puts(&b, "; ");
		if (m->n_labels > 0)
			buf_printf(&b, "%s ", measurement_series(w->arena, m));
		switch (m->value.type) {
		case VALUE_NONE:
			buf_printf(&b, "none: %s", m->reason);
			break;
		case VALUE_INT:
			buf_printf(&b, "%lld", (long long)m->value.integer);
			break;
		case VALUE_REAL:
			buf_printf(&b, "%g", m->value.real);
			break;
		case VALUE_TEXT:
			buf_printf(&b, "'%s'", m->value.text);
			break;
		}
		if (m->value.type != VALUE_NONE && m->unit && *m->unit)
			buf_printf(&b, " %s", m->unit);
		if (m->n_total >= 0)
			buf_printf(&b, " of %lld", (long long)m->n_total);
	}
	const char *text = arena_strdup(w->arena, b.data);

	buf_release(&b);
	return text;
}

/* What one check measures, or "error: message". */
static inline const char *measure_one(struct world *w, const struct audit_kind *kind,
				      const char *yaml)
{
	const struct check *c = check(w, kind, yaml);
	struct probe p;

	if (run_checks(w, &c, 1, &p) != 0)
		return arena_printf(w->arena, "error: %s%s%s", w->err.message,
				    w->err.help[0] ? " | " : "", w->err.help);
	return show(w, &p, 0);
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" has no \"%s\"", text, part);
}

#endif
