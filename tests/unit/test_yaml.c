/* The YAML door: the tree it builds, the places it remembers, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/io/yaml.h"

struct world {
	struct arena *arena;
	struct diags diags;
	struct node *root;
};

static int setup(void **state)
{
	struct arena *a = arena_new();
	struct world *w = arena_alloc(a, sizeof(*w));

	w->arena = a;
	diags_init(&w->diags, a);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	arena_free(w->arena);
	return 0;
}

static int parse(struct world *w, const char *text)
{
	return yaml_parse(w->arena, "t.yaml", text, strlen(text), &w->root, &w->diags);
}

static void assert_refused(struct world *w, const char *text, unsigned line, unsigned col,
			   const char *part)
{
	size_t n = w->diags.n;

	assert_int_equal(parse(w, text), -1);
	assert_int_equal(w->diags.n, n + 1);
	assert_int_equal(w->diags.items[n].pos.line, line);
	assert_int_equal(w->diags.items[n].pos.col, col);
	assert_non_null(strstr(w->diags.items[n].message, part));
}

static void test_yaml_builds_a_tree_in_source_order(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, "b: 1\na: [x, 'y', \"z\"]\nc: { d: e }\n"), 0);
	assert_int_equal(w->root->type, NODE_MAPPING);
	assert_int_equal(w->root->n, 3);
	assert_string_equal(w->root->keys[0]->text, "b");
	assert_int_equal(node_get(w->root, "a")->n, 3);
	assert_true(node_get(w->root, "a")->items[0]->is_plain);
	assert_false(node_get(w->root, "a")->items[1]->is_plain);
	assert_string_equal(node_get(node_get(w->root, "c"), "d")->text, "e");
	assert_null(node_get(w->root, "d"));
}

static void test_yaml_positions_count_bytes(void **state)
{
	struct world *w = *state;
	const struct node *list;

	assert_int_equal(
		parse(w, "\xef\xbb\xbf# \xe2\x82\xac\r\nk: [\xc3\xa9\xc3\xa9, x]\n\nl: m\n"), 0);
	list = node_get(w->root, "k");
	assert_int_equal(list->pos.line, 2);
	assert_int_equal(list->pos.col, 4);
	assert_int_equal(list->items[1]->pos.col, 11);
	assert_int_equal(node_get(w->root, "l")->pos.line, 4);
	assert_string_equal(list->pos.file, "t.yaml");
}

static void test_yaml_line_ends_of_other_alphabets_are_no_lines(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, "a: \"x\xe2\x80\xa8y\"\nb: c\n"), 0);
	assert_int_equal(node_get(w->root, "b")->pos.line, 2);
	assert_int_equal(node_get(w->root, "b")->pos.col, 4);
}

static void test_yaml_aliases_are_copies(void **state)
{
	struct world *w = *state;
	struct node *a, *b;

	assert_int_equal(parse(w, "a: &x { k: v }\nb: *x\n"), 0);
	a = node_get(w->root, "a");
	b = node_get(w->root, "b");
	assert_ptr_not_equal(a, b);
	assert_ptr_not_equal(node_get(a, "k"), node_get(b, "k"));
	assert_string_equal(node_get(b, "k")->text, "v");
}

static void test_yaml_text_styles(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		parse(w, "a: >\n  x\n  y\nb: |-\n  x\n  y\nc: \"\\u20ac\\t\"\nd: ''\ne:\n"), 0);
	assert_string_equal(node_get(w->root, "a")->text, "x y\n");
	assert_string_equal(node_get(w->root, "b")->text, "x\ny");
	assert_string_equal(node_get(w->root, "c")->text, "\xe2\x82\xac\t");
	assert_int_equal(node_get(w->root, "d")->len, 0);
	assert_true(node_get(w->root, "e")->is_plain);
	assert_int_equal(node_get(w->root, "e")->len, 0);
}

static void test_yaml_refuses_duplicates_also_among_many(void **state)
{
	struct world *w = *state;
	struct buf b;

	assert_refused(w, "a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\"");
	assert_non_null(strstr(w->diags.items[0].help, "line 1"));
	buf_init(&b, BUF_UNBOUNDED);
	for (int i = 0; i < 100; i++)
		(void)buf_printf(&b, "k%d: { a: b }\n", i);
	(void)buf_puts(&b, "k42: x\n");
	assert_refused(w, b.data, 101, 1, "duplicate key \"k42\"");
	buf_release(&b);
}

static void test_yaml_goes_on_after_what_it_can_skip(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, "a: !x 1\na: 2\n? [k]\n: v\n<<: { b: c }\nd: e\n"), -1);
	assert_int_equal(w->diags.n, 4);
	assert_non_null(w->root);
	assert_string_equal(node_get(w->root, "d")->text, "e");
	assert_string_equal(node_get(w->root, "a")->text, "1");
	assert_int_equal(w->root->n, 2);
}

static void test_yaml_names_traps(void **state)
{
	struct world *w = *state;

	assert_refused(w, "e: >= 5\n", 1, 4, "folded text");
	assert_refused(w, "e: >5\n", 1, 4, "folded text");
	assert_refused(w, "e: != 5\n", 1, 4, "!= is a YAML tag");
	assert_refused(w, "e: {tag}\n", 1, 4, "unquoted {tag}");
	assert_refused(w, "e: [ ${x} ]\n", 1, 7, "${name} cannot stand");
	assert_refused(w, "e: */5 * * * *\n", 1, 4, "starts an alias");
	assert_refused(w, "e: @daily\n", 1, 4, "cannot start with @");
	assert_refused(w, "\te: f\n", 1, 1, "tab cannot indent");
}

static void test_yaml_refuses_bytes_that_are_no_text(void **state)
{
	struct world *w = *state;

	assert_refused(w, "a: \xff\n", 1, 4, "not UTF-8");
	assert_refused(w, "a: \xed\xa0\x80\n", 1, 4, "not UTF-8");
	assert_refused(w, "a: \x01\n", 1, 4, "U+0001");
	assert_refused(w, "a: \"\\0\"\n", 1, 4, "NUL");
	assert_int_equal(yaml_parse(w->arena, "t", "a: \0b", 5, &w->root, &w->diags), -1);
	assert_null(w->root);
}

static void test_yaml_depth_is_limited(void **state)
{
	struct world *w = *state;
	char text[200];

	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	text[128] = '\0';
	assert_int_equal(parse(w, text), 0);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	text[130] = '\0';
	assert_refused(w, text, 1, 65, "64 levels");
	/* aliases add up */
	assert_int_equal(
		parse(w, "a: &a [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"
			 "b: &b [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"
			 "c: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*b]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n"),
		-1);
}

static void test_yaml_one_document(void **state)
{
	struct world *w = *state;

	assert_int_equal(parse(w, "%YAML 1.2\n---\na: b\n...\n# end\n"), 0);
	assert_refused(w, "a: b\n---\nc: d\n", 2, 1, "after the end");
	assert_refused(w, "", 1, 1, "empty");
	assert_refused(w, "%TAG ! x:\n---\na: b\n", 1, 1, "directive");
	assert_refused(w, "%YAML 1.2\na: b\n", 2, 1, "not followed by ---");
}

static void test_yaml_aliases_are_limited(void **state)
{
	struct world *w = *state;
	struct buf b;

	assert_refused(w, "a: *b\n", 1, 4, "no anchor \"b\"");
	assert_refused(w, "a: &a [*a]\n", 1, 8, "inside its own anchor");
	assert_refused(w, "a: &a x\nb: &a y\n", 2, 4, "defined twice");
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "a: &a x\nb: [");
	for (int i = 0; i <= YAML_MAX_ALIASES; i++)
		(void)buf_puts(&b, "*a,");
	(void)buf_puts(&b, "]\n");
	assert_refused(w, b.data, 2, 5 + 3 * YAML_MAX_ALIASES, "10,000 aliases");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_yaml_builds_a_tree_in_source_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_yaml_positions_count_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_line_ends_of_other_alphabets_are_no_lines,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_aliases_are_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_text_styles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_refuses_duplicates_also_among_many, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_yaml_goes_on_after_what_it_can_skip, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_yaml_names_traps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_refuses_bytes_that_are_no_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_yaml_depth_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_one_document, setup, teardown),
		cmocka_unit_test_setup_teardown(test_yaml_aliases_are_limited, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
