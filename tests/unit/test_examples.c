/*
 * Examples: what is shown to somebody who wrote a mistake has to be right itself. All rows of all
 * sections and kinds, and all values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audits/kinds.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/io/yaml.h"
#include "runner/load_parts.h"
#include "runner/model/expect.h"
#include "runner/model/kind.h"

struct world {
	struct arena *arena;
	struct buf wrong; /* a line for each row that is not as it should be */
};

static bool takes_mapping(const struct key_row *row)
{
	return row->type == KEY_PAIRS || row->type == KEY_GROUP || row->type == KEY_GROUPS ||
	       row->type == KEY_LIST || row->type == KEY_NAMED || row->type == KEY_NODE;
}

/* The example as it would stand in a definition, read by this row alone. */
static void check_example(struct world *w, const char *place, const struct key_row *row)
{
	struct key_row rows[] = {*row, KEY_END};
	struct diags diags;
	struct keys_context ctx = {
		.arena = w->arena, .root_dir = "/root", .diags = &diags, .what = "it"};
	const char *text = arena_printf(w->arena, "%s: %s\n", row->name, row->example);
	struct node *root;

	diags_init(&diags, w->arena);
	if (yaml_parse(w->arena, "t.yaml", text, strlen(text), &root, &diags) != 0 ||
	    keys_read(&ctx, rows, root, arena_alloc(w->arena, row->offset + 4096)) != 0)
		(void)buf_printf(&w->wrong, "%s%s%s: %s\n", place, row->name, text,
				 diags.items[0].message);
}

static void check_rows_of(struct world *w, const char *place, const struct key_row *rows)
{
	for (const struct key_row *row = rows; row->name; row++) {
		if (row->example)
			check_example(w, place, row);
		else if (takes_mapping(row))
			(void)buf_printf(&w->wrong, "%s%s: a mapping without an example\n", place,
					 row->name);
		if (row->sub)
			check_rows_of(w, arena_printf(w->arena, "%s%s.", place, row->name),
				      row->sub);
	}
}

static void test_examples_of_keys_are_read_by_their_rows(void **state)
{
	struct world w = {.arena = arena_new()};
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);

	(void)state;
	buf_init(&w.wrong, BUF_UNBOUNDED);
	check_rows_of(&w, "", file_rows);
	check_rows_of(&w, "check ", check_rows);
	for (size_t i = 0; i < n; i++)
		check_rows_of(&w, arena_printf(w.arena, "kind %s ", kinds[i]->name),
			      kinds[i]->keys);
	if (w.wrong.len > 0)
		fail_msg("%s", w.wrong.data);
	buf_release(&w.wrong);
	arena_free(w.arena);
}

static const char *no_env(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* Loads it from a folder of its own; NULL, or what is wrong with it. */
static const char *complaint(struct arena *a, const char *text)
{
	char dir[] = "/tmp/assize-examples-XXXXXX";
	char path[64];
	struct load_options o = {.path = path, .cwd = dir, .env = no_env};
	struct definition *d;
	struct diags diags;
	FILE *f;
	int status;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/assize.yaml", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	diags_init(&diags, a);
	status = definition_load(a, &o, &d, &diags);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	return status == 0 ? NULL : arena_printf(a, "%s\n%s", diags.items[0].message, text);
}

static void test_examples_of_sections_are_a_definition(void **state)
{
	struct arena *a = arena_new();
	const char *text = "";

	(void)state;
	for (const struct key_row *row = file_rows; row->name; row++)
		if (strcmp(row->name, "include") == 0) /* there is no such file */
			continue;
		else if (strcmp(row->name, "targets") == 0)
			text = arena_printf(a, "%stargets: { repo: { git: . }, %s\n", text,
					    row->example + 1);
		else
			text = arena_printf(a, "%s%s: %s\n", text, row->name, row->example);
	text = complaint(a, text);
	if (text)
		fail_msg("%s", text);
	arena_free(a);
}

static const char *target_of(const struct audit_kind *kind)
{
	if (kind->targets & TARGET_BIT(TARGET_POSTGRES))
		return "target: shop, ";
	if (kind->targets & TARGET_BIT(TARGET_HTTP))
		return "target: api, ";
	return kind->targets ? "target: prom, " : "";
}

/* What is shown to somebody who wrote no mapping, with the bound shown to who wrote none. */
static void test_examples_of_kinds_are_checks(void **state)
{
	struct arena *a = arena_new();
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);
	const char *wrong = "";

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char *shown = keys_example_of_all(a, kinds[i]->keys);
		const char *bound = "";

		if (!shown || strncmp(shown, "for example ", 12) != 0)
			fail_msg("kind %s shows nothing", kinds[i]->name);
		for (const struct value_row *row = kinds[i]->values; row->name; row++)
			if (row->usual && (!row->needs_key || strstr(shown, row->needs_key)))
				bound = arena_printf(a,
						     *row->name ? ", expect: { %s: \"%s\" }"
								: ", expect: %s\"%s\"",
						     row->name, row->usual);
		shown = complaint(
			a,
			arena_printf(a,
				     "assize: 1\n"
				     "targets: { shop: { postgres: \"host=h\" }, ledger: { sqlite: "
				     "b.db }, api: { http: \"http://h\" },\n  prom: { prometheus: "
				     "\"http://p\" }, repo: { git: . } }\n"
				     "rollback: { releases: { repo: repo, tags: v* } }\n"
				     "audits: { money: { checks: [ { id: m, file: f, schedule: "
				     "\"@daily\" } ] },\n"
				     "  tasks: { checks: [ { id: fresh, file: f, schedule: "
				     "\"@daily\" } ] "
				     "},\n  a: { checks: [ { id: x, %s%s: %s%s,\n"
				     "  schedule: \"@daily\" } ] } }\n",
				     target_of(kinds[i]), kinds[i]->name, shown + 12, bound));
		wrong = shown ? arena_printf(a, "%s%s", wrong, shown) : wrong;
	}
	if (*wrong)
		fail_msg("%s", wrong);
	arena_free(a);
}

/* A check can end without an expectation when none is implied for all of its kind. */
static void test_examples_of_bounds_are_of_their_kinds(void **state)
{
	struct arena *a = arena_new();
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool is_shown = false;

		for (const struct value_row *row = kinds[i]->values; row->name; row++) {
			struct pos pos = {0};
			struct expectation x;
			struct err e = {0};

			is_shown = is_shown || row->usual || (row->implied && !row->needs_key);
			if (row->usual && expect_parse(a, &row->usual, &pos, 1, &x, &e) != 0)
				fail_msg("kind %s: %s", kinds[i]->name, e.message);
		}
		if (!is_shown)
			fail_msg("kind %s: no usual bound", kinds[i]->name);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples_of_keys_are_read_by_their_rows),
		cmocka_unit_test(test_examples_of_sections_are_a_definition),
		cmocka_unit_test(test_examples_of_kinds_are_checks),
		cmocka_unit_test(test_examples_of_bounds_are_of_their_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
