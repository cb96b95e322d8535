/* The loader: files, variables, inheritance, identities, selectors. Mistakes: tests/t/malformed.t.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define TARGETS	   "targets: { db: { sqlite: a.db }, repo: { git: . } }\n"
#define CHECK_FLOW "{ id: c, rows: { table: t }, expect: '>= 1' }"

struct world {
	struct arena *arena;
	struct diags diags;
	char dir[64];
	const char *secret; /* value of $SECRET */
	struct pair vars[2];
	size_t n_vars;
	const char *path;
	struct definition *d;
};

static int setup(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));

	w->arena = a;
	w->secret = "correct-horse";
	strcpy(w->dir, "/tmp/assize-load-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	diags_init(&w->diags, a);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	static const char *const names[] = {"assize.yaml", "a.yaml", "b.yaml", "secret"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		(void)unlink(path); /* most tests write one of them */
	}
	rmdir(w->dir);
	arena_free(w->arena);
	return 0;
}

static void put(struct world *w, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static const char *env(void *ctx, const char *name)
{
	const struct world *w = ctx;

	return strcmp(name, "SECRET") == 0 ? w->secret : NULL;
}

static int load(struct world *w)
{
	struct load_options o = {
		.path = w->path,
		.cwd = w->dir,
		.env = env,
		.env_ctx = w,
		.vars = w->vars,
		.n_vars = w->n_vars,
	};

	w->diags.n = w->diags.n_total = 0;
	return definition_load(w->arena, &o, &w->d, &w->diags);
}

static void load_sound(struct world *w, const char *text)
{
	put(w, "assize.yaml", text);
	if (load(w) != 0)
		fail_msg("%u:%u: %s", (unsigned)w->diags.items[0].pos.line,
			 (unsigned)w->diags.items[0].pos.col, w->diags.items[0].message);
}

static const struct check *check(const struct world *w, const char *name)
{
	const struct check *c = definition_check(w->d, name);

	assert_non_null(c);
	return c;
}

static void test_load_without_a_file_there_is_no_definition(void **state)
{
	struct world *w = *state;

	assert_int_equal(load(w), -1);
	assert_null(w->d);
	assert_int_equal(w->diags.n, 1);
	assert_non_null(strstr(w->diags.items[0].message, "assize.yaml"));
}

static void test_load_a_directory_stands_for_its_root_file(void **state)
{
	struct world *w = *state;

	w->path = w->dir;
	load_sound(w, "assize: 1\n");
	assert_string_equal(w->d->root_file, "assize.yaml");
	assert_string_equal(w->d->root_dir, w->dir);
}

static void test_load_includes_are_read_once_and_in_order(void **state)
{
	struct world *w = *state;

	put(w, "a.yaml",
	    "include: [b.yaml, assize.yaml]\naudits: { a: { target: db, checks: [" CHECK_FLOW
	    "] } }\n");
	put(w, "b.yaml",
	    "include: a.yaml\naudits: { b: { target: db, checks: [" CHECK_FLOW "] } }\n");
	load_sound(w, "assize: 1\ninclude: '[ab].yaml'\n" TARGETS);
	assert_int_equal(w->d->n_sources, 3);
	assert_string_equal(w->d->sources[1].file, "a.yaml");
	assert_int_equal(w->d->n_checks, 2);
	assert_string_equal(w->d->checks[0]->name, "a/c");
	assert_string_equal(w->d->checks[1]->name, "b/c");
	assert_string_equal(check(w, "b/c")->pos.file, "b.yaml");
}

static void test_load_duplicates_across_files_name_both_places(void **state)
{
	struct world *w = *state;

	put(w, "assize.yaml", "assize: 1\ninclude: a.yaml\n" TARGETS);
	put(w, "a.yaml", "\ntargets: { db: { sqlite: b.db } }\n");
	assert_int_equal(load(w), -1);
	assert_int_equal(w->diags.n, 1);
	assert_string_equal(w->diags.items[0].pos.file, "a.yaml");
	assert_string_equal(w->diags.items[0].message, "target \"db\" is defined twice");
	assert_string_equal(w->diags.items[0].help, "it was first defined at assize.yaml:3");
}

static void test_load_reports_errors_of_all_files_in_one_pass(void **state)
{
	struct world *w = *state;

	put(w, "assize.yaml",
	    "assize: 1\ninclude: [a.yaml, b.yaml]\ngates: { g: { require: {} } }\n");
	put(w, "a.yaml", "targets: [\n");
	put(w, "b.yaml", "targets: { x: {} }\n");
	assert_int_equal(load(w), -1);
	assert_non_null(w->d);
	assert_int_equal(w->diags.n, 3);
}

static void test_load_variables_become_text_not_structure(void **state)
{
	struct world *w = *state;

	w->vars[0] = (struct pair){.name = "b", .value = "}, ${a} {"};
	w->n_vars = 1;
	load_sound(w, "assize: 1\nvars: { a: x, b: y, c: '${a}/${b}' }\n" TARGETS
		      "audits: { a: { target: db, title: '${c} $${a} $ {', checks: [" CHECK_FLOW
		      "] } }\n");
	assert_string_equal(w->d->audits[0]->title, "x/}, ${a} { ${a} $ {");
}

static void test_load_an_unknown_var_option_is_an_error(void **state)
{
	struct world *w = *state;

	w->vars[0] = (struct pair){.name = "versoin", .value = "1"};
	w->n_vars = 1;
	put(w, "assize.yaml", "assize: 1\nvars: { version: x }\n");
	assert_int_equal(load(w), -1);
	assert_string_equal(w->diags.items[0].help, "did you mean \"version\"?");
}

static void test_load_secrets_are_marked_and_masked(void **state)
{
	struct world *w = *state;
	const struct target *t;

	put(w, "secret", "pass-from-file\n");
	load_sound(
		w,
		"assize: 1\nvars: { token: 'T ${env:SECRET}' }\n"
		"targets: { api: { http: 'http://h', headers: { A: '${token}', B: '${file:secret}',"
		" C: '${env:NOT_SET:-dflt}', D: plain } } }\n");
	t = w->d->targets[0];
	assert_string_equal(t->headers.items[0].value, "T correct-horse");
	assert_true(t->headers.items[0].has_secret);
	assert_string_equal(t->headers.items[1].value, "pass-from-file");
	assert_true(t->headers.items[1].has_secret);
	assert_string_equal(t->headers.items[2].value, "dflt");
	assert_false(t->headers.items[2].has_secret);
	assert_false(t->headers.items[3].has_secret);
	assert_string_equal(redact_text(w->d->redactor, w->arena, "a correct-horse b"), "a *** b");
	assert_string_equal(redact_text(w->d->redactor, w->arena, "pass-from-file"), "***");
}

/* As editors of Windows save them: the line end is none of the secret, a mark is told. */
static void test_load_secret_files_of_windows(void **state)
{
	static const char text[] = "assize: 1\ntargets: { api: { http: 'http://h', headers: { B: "
				   "'${file:secret}' } } }\n";
	struct world *w = *state;

	put(w, "secret", "pass-from-file\r\n");
	load_sound(w, text);
	assert_string_equal(w->d->targets[0]->headers.items[0].value, "pass-from-file");
	put(w, "secret", "pass-from-file\r\n\r\n");
	load_sound(w, text);
	assert_string_equal(w->d->targets[0]->headers.items[0].value, "pass-from-file\r\n");
	put(w, "secret", "\xEF\xBB\xBFpass-from-file\n");
	put(w, "assize.yaml", text);
	assert_int_equal(load(w), -1);
	assert_string_equal(w->diags.items[0].message,
			    "\"secret\" begins with a byte order mark, which no secret holds");
	assert_non_null(w->diags.items[0].help);
}

static void test_load_secrets_too_short_to_mask_are_refused(void **state)
{
	struct world *w = *state;
	static const char with_env[] = "assize: 1\ntargets: { api: { http: 'http://h', headers: { "
				       "A: '${env:SECRET}' } } }\n";

	w->secret = "hu";
	put(w, "assize.yaml", with_env);
	assert_int_equal(load(w), -1);
	assert_string_equal(w->diags.items[0].message,
			    "the value of ${env:SECRET} is secret and has fewer than 4 bytes, "
			    "which cannot be masked");
	assert_int_equal(w->diags.items[0].pos.line, 2);
	assert_int_equal(w->diags.items[0].pos.col, 52);
	w->secret = "";
	load_sound(w, with_env);
	put(w, "secret", "123\n");
	put(w, "assize.yaml", "assize: 1\nvars: { token: '${file:secret}' }\n");
	assert_int_equal(load(w), -1);
	assert_non_null(
		strstr(w->diags.items[0].message, "${file:secret} is secret and has fewer"));
}

static void test_load_checks_inherit_and_override(void **state)
{
	struct world *w = *state;
	const struct check *a, *b;

	load_sound(
		w,
		"assize: 1\n" TARGETS
		"audits:\n  x:\n    why: W\n    owner: o\n    target: db\n    severity: 8\n"
		"    tags: [t, u]\n    schedule: '@daily'\n    time_zone: Europe/Berlin\n"
		"    defaults: { timeout: 5s, retries: 2, retry_backoff: 3 }\n    checks:\n"
		"      - { id: a, rows: { table: t }, expect: '>= 1' }\n"
		"      - { id: b, rows: { table: t }, expect: '>= 1', severity: 0, tags: v, why: V,"
		" timeout: 1m, retries: 0, retry_backoff: 1, schedule: '@hourly', time_zone: UTC, "
		"needs: x/a }\n");
	a = check(w, "x/a");
	assert_int_equal(a->severity, 8);
	assert_int_equal(a->tags.n, 2);
	assert_int_equal(a->timeout_ms, 5000);
	assert_int_equal(a->retries, 2);
	assert_int_equal(a->retry_delay_ms, 1000);
	assert_int_equal(a->retry_backoff, 3);
	assert_string_equal(a->schedule, "@daily");
	assert_string_equal(a->time_zone, "Europe/Berlin");
	assert_string_equal(a->target->name, "db");
	assert_string_equal(a->why, "W");
	assert_string_equal(a->owner, "o");
	b = check(w, "x/b");
	assert_int_equal(b->severity, 0);
	assert_string_equal(b->tags.items[0], "v");
	assert_int_equal(b->timeout_ms, 60000);
	assert_int_equal(b->retries, 0);
	assert_int_equal(b->retry_backoff, 1);
	assert_string_equal(b->why, "V");
	assert_string_equal(b->time_zone, "UTC");
	assert_int_equal(b->cron.minutes, 1);
	assert_int_equal(b->n_needs, 1);
	assert_ptr_equal(b->needs[0], a);
}

/* The identity of check a/c when its audit and check are written like this. */
static void hash_of(struct world *w, const char *audit, const char *spec, unsigned char out[32])
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "assize: 1\nvars: { v: 5 }\n" TARGETS
		 "audits: { a: { target: db, %s checks: [{ id: c, %s }] } }\n",
		 audit, spec);
	load_sound(w, text);
	memcpy(out, check(w, "a/c")->hash, 32);
}

static void test_load_identity_is_what_decides_the_outcome(void **state)
{
	struct world *w = *state;
	unsigned char base[32], other[32];
	static const char plain[] = "rows: { table: t, where: x }, expect: '>= 5'";

	hash_of(w, "", plain, base);
	hash_of(w, "title: T, owner: o, why: W, severity: 9, schedule: '@daily', tags: x,", plain,
		other);
	assert_memory_equal(base, other, 32);
	hash_of(w, "", "expect: \">= 5\", rows: {where: 'x', \"table\": t}", other);
	assert_memory_equal(base, other, 32);
	hash_of(w, "", "rows: { table: t, where: x }, expect: '>= ${v}'", other);
	assert_memory_equal(base, other, 32);
	hash_of(w, "", "rows: { table: t, where: x }, expect: '>= 6'", other);
	assert_memory_not_equal(base, other, 32);
	hash_of(w, "", "rows: { table: t, where: y }, expect: '>= 5'", other);
	assert_memory_not_equal(base, other, 32);
	hash_of(w, "", "rows: { table: t, where: x }, expect: '>= 5', warn: '>= 6'", other);
	assert_memory_not_equal(base, other, 32);
	hash_of(w, "timeout: 5s,", plain, other);
	assert_memory_not_equal(base, other, 32);
}

static void test_load_identity_does_not_hold_secrets(void **state)
{
	struct world *w = *state;
	unsigned char first[32], second[32];
	static const char spec[] = "rows: { table: t, where: 'a = ${env:SECRET}' }, expect: '>= 5'";

	hash_of(w, "", spec, first);
	w->secret = "another-horse";
	hash_of(w, "", spec, second);
	assert_memory_equal(first, second, 32);
	hash_of(w, "", "rows: { table: t, where: 'a = another-horse' }, expect: '>= 5'", second);
	assert_memory_not_equal(first, second, 32);
}

static const char definition_with_gate[] =
	"assize: 1\n" TARGETS
	"audits:\n  x:\n    target: db\n    tags: release\n    severity: 7\n    checks:\n"
	"      - { id: one, rows: { table: t }, expect: '>= 1' }\n"
	"      - { id: two, rows: { table: t }, expect: '>= 1', severity: 3 }\n"
	"  y:\n    checks:\n      - { id: one, file: f, expect: { size: '> 0' } }\n"
	"rollback: { releases: { repo: repo, tags: 'v*' } }\n"
	"gates:\n  g:\n    require: [ { tag: release, severity: '>= 5', max_age: 5m }, { check: "
	"y/one } ]\n"
	"    advise: { audit: x, check: 't*' }\n    run: never\n    subject: any\n"
	"    rollback: { set: releases, tags: all, verified_within: 2h }\n";

static void test_load_a_gate_is_read(void **state)
{
	struct world *w = *state;
	const struct gate *g;

	load_sound(w, definition_with_gate);
	g = definition_gate(w->d, "g");
	assert_non_null(g);
	assert_int_equal(g->n_require, 2);
	assert_int_equal(g->require[0].max_age_ms, 300000);
	assert_int_equal(g->require[0].severity_op, 'g');
	assert_string_equal(g->require[0].text, "tag:release severity >= 5");
	assert_int_equal(g->require[1].max_age_ms, 0);
	assert_int_equal(g->max_age_ms, 86400000);
	assert_int_equal(g->n_advise, 1);
	assert_string_equal(g->advise[0].glob, "x/t*");
	assert_int_equal(g->run, GATE_RUN_NEVER);
	assert_true(g->is_any_subject);
	assert_true(g->is_rollback_all);
	assert_int_equal(g->rollback_within_ms, 7200000);
	assert_ptr_equal(g->rollback, definition_rollback(w->d, "releases"));
	assert_true(selector_matches(&g->require[0], check(w, "x/one")));
	assert_false(selector_matches(&g->require[0], check(w, "x/two")));
}

static void test_load_a_rollback_set_brings_a_hidden_check(void **state)
{
	struct world *w = *state;
	const struct check *c;

	load_sound(w, definition_with_gate);
	c = check(w, "rollback/releases");
	assert_true(c->is_hidden);
	assert_ptr_equal(w->d->checks[w->d->n_checks - 1], c);
	assert_string_equal(c->kind->name, "rollback");
	assert_true(c->n_expects > 0);
	assert_int_equal(c->timeout_ms, 3600000);
}

/* How many checks one word selects; -1 when it is an error. */
static int selected(struct world *w, const char *word, struct err *e)
{
	struct selector *s;
	int n = 0;

	*e = (struct err){0};
	if (selectors_parse(w->arena, w->d, &word, 1, &s, e))
		return -1;
	for (size_t i = 0; i < w->d->n_checks; i++)
		n += selector_matches(s, w->d->checks[i]);
	return n;
}

static void test_load_words_select_checks(void **state)
{
	struct world *w = *state;
	struct err e;

	load_sound(w, definition_with_gate);
	assert_int_equal(selected(w, "x", &e), 2);
	assert_int_equal(selected(w, "x/two", &e), 1);
	assert_int_equal(selected(w, "*/one", &e), 2);
	assert_int_equal(selected(w, "*", &e), 3);
	assert_int_equal(selected(w, "tag:release", &e), 2);
	assert_int_equal(selected(w, "kind:file", &e), 1);
	assert_int_equal(selected(w, "severity>=7", &e), 1);
	assert_int_equal(selected(w, "severity<5", &e), 1);
	assert_int_equal(selected(w, "severity=5", &e), 1);
	assert_int_equal(selected(w, "rollback", &e), 1);
	assert_int_equal(selected(w, "rollback/releases", &e), 1);
}

static void test_load_words_that_select_nothing_are_errors(void **state)
{
	struct world *w = *state;
	struct err e;

	load_sound(w, definition_with_gate);
	assert_int_equal(selected(w, "x/tow", &e), -1);
	assert_int_equal(e.class, ERR_USAGE);
	assert_string_equal(e.message, "\"x/tow\" selects nothing: no check \"x/tow\"");
	assert_string_equal(e.help, "did you mean \"x/two\"?");
	assert_int_equal(selected(w, "tag:releases", &e), -1);
	assert_string_equal(e.help, "did you mean \"release\"?");
	assert_int_equal(selected(w, "two", &e), -1);
	assert_string_equal(e.help, "did you mean \"x/two\"?");
	assert_int_equal(selected(w, "severity>=11", &e), -1);
	assert_int_equal(selected(w, "severity>9", &e), -1);
	assert_int_equal(selected(w, "kind:sql", &e), -1);
}

static void test_load_digest_is_over_all_sources(void **state)
{
	struct world *w = *state;
	unsigned char first[32];

	put(w, "a.yaml", "vars: { a: b }\n");
	load_sound(w, "assize: 1\ninclude: a.yaml\n");
	memcpy(first, w->d->digest, 32);
	load_sound(w, "assize: 1\ninclude: a.yaml\n");
	assert_memory_equal(first, w->d->digest, 32);
	put(w, "a.yaml", "vars: { a: c }\n");
	load_sound(w, "assize: 1\ninclude: a.yaml\n");
	assert_memory_not_equal(first, w->d->digest, 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_load_without_a_file_there_is_no_definition),
		TEST(test_load_a_directory_stands_for_its_root_file),
		TEST(test_load_includes_are_read_once_and_in_order),
		TEST(test_load_duplicates_across_files_name_both_places),
		TEST(test_load_reports_errors_of_all_files_in_one_pass),
		TEST(test_load_variables_become_text_not_structure),
		TEST(test_load_an_unknown_var_option_is_an_error),
		TEST(test_load_secrets_are_marked_and_masked),
		TEST(test_load_secret_files_of_windows),
		TEST(test_load_secrets_too_short_to_mask_are_refused),
		TEST(test_load_checks_inherit_and_override),
		TEST(test_load_identity_is_what_decides_the_outcome),
		TEST(test_load_identity_does_not_hold_secrets),
		TEST(test_load_a_gate_is_read),
		TEST(test_load_a_rollback_set_brings_a_hidden_check),
		TEST(test_load_words_select_checks),
		TEST(test_load_words_that_select_nothing_are_errors),
		TEST(test_load_digest_is_over_all_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
