/* Key rows: what each type takes, ranges, defaults, secrets, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/io/yaml.h"
#include "runner/model/keys.h"
#include "runner/model/pattern.h"

struct inner {
	int64_t size;
	const char *label;
};

struct spec {
	const char *text, *name, *path;
	bool flag;
	int64_t count, timeout, size;
	double ratio;
	int mode;
	struct texts tags;
	struct pairs headers;
	struct pattern *pattern;
	struct inner group;
	struct groups groups, list, named;
	const struct node *node;
};

#define AT(field) offsetof(struct spec, field)

static const char *const modes[] = {"fast", "slow", NULL};

static const struct key_row inner_rows[] = {
	{.name = "size",
	 .type = KEY_SIZE,
	 .offset = offsetof(struct inner, size),
	 .def = "1KiB",
	 .help = "h"},
	{.name = "label",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct inner, label),
	 .flags = KEY_REQUIRED,
	 .help = "h",
	 .example = "x"},
	KEY_END,
};

static const struct key_row rows[] = {
	{.name = "text", .type = KEY_TEXT, .offset = AT(text), .flags = KEY_NO_SECRET, .help = "h"},
	{.name = "name", .type = KEY_NAME, .offset = AT(name), .help = "h"},
	{.name = "path", .type = KEY_PATH, .offset = AT(path), .help = "h"},
	{.name = "flag", .type = KEY_BOOL, .offset = AT(flag), .def = "true", .help = "h"},
	{.name = "count", .type = KEY_INT, .offset = AT(count), .min = 1, .max = 9, .help = "h"},
	{.name = "timeout",
	 .type = KEY_DURATION,
	 .offset = AT(timeout),
	 .min = 1,
	 .max = 60000,
	 .def = "30s",
	 .help = "h",
	 .example = "5s"},
	{.name = "size",
	 .type = KEY_SIZE,
	 .offset = AT(size),
	 .min = 1,
	 .max = INT64_MAX,
	 .help = "h"},
	{.name = "ratio", .type = KEY_REAL, .offset = AT(ratio), .min = 0, .max = 1, .help = "h"},
	{.name = "mode",
	 .type = KEY_ENUM,
	 .offset = AT(mode),
	 .choices = modes,
	 .def = "slow",
	 .help = "h"},
	{.name = "tags", .type = KEY_TEXTS, .offset = AT(tags), .help = "h"},
	{.name = "headers", .type = KEY_PAIRS, .offset = AT(headers), .help = "h"},
	{.name = "pattern", .type = KEY_PATTERN, .offset = AT(pattern), .help = "h"},
	{.name = "group", .type = KEY_GROUP, .offset = AT(group), .sub = inner_rows, .help = "h"},
	{.name = "groups",
	 .type = KEY_GROUPS,
	 .offset = AT(groups),
	 .sub = inner_rows,
	 .sub_size = sizeof(struct inner),
	 .help = "h"},
	{.name = "list",
	 .type = KEY_LIST,
	 .offset = AT(list),
	 .sub = inner_rows,
	 .sub_size = sizeof(struct inner),
	 .help = "h"},
	{.name = "named",
	 .type = KEY_NAMED,
	 .offset = AT(named),
	 .sub = inner_rows,
	 .sub_size = sizeof(struct inner),
	 .help = "h"},
	{.name = "node", .type = KEY_NODE, .offset = AT(node), .help = "h"},
	KEY_END,
};

struct world {
	struct arena *arena;
	struct diags diags;
	struct spec spec;
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

static struct node *parse(struct world *w, const char *text)
{
	struct node *root;

	assert_int_equal(yaml_parse(w->arena, "t.yaml", text, strlen(text), &root, &w->diags), 0);
	return root;
}

static int read_node(struct world *w, const struct node *root)
{
	struct keys_context ctx = {
		.arena = w->arena, .root_dir = "/root", .diags = &w->diags, .what = "kind \"k\""};

	w->spec = (struct spec){0};
	w->diags.n = w->diags.n_total = 0;
	return keys_read(&ctx, rows, root, &w->spec);
}

static int read_text(struct world *w, const char *text)
{
	return read_node(w, parse(w, text));
}

static void assert_wrong(struct world *w, const char *text, unsigned col, const char *message)
{
	assert_int_equal(read_text(w, text), -1);
	assert_int_equal(w->diags.n, 1);
	assert_string_equal(w->diags.items[0].message, message);
	assert_int_equal(w->diags.items[0].pos.col, col);
}

static void test_keys_every_type_is_read(void **state)
{
	struct world *w = *state;

	assert_int_equal(
		read_text(w, "{text: 5, name: a-b, path: x/y, flag: false, count: 9, timeout: 1m,"
			     " size: 2KiB, ratio: 0.5, mode: fast, tags: [a, b], pattern: '^a+$',"
			     " headers: {B: c, A: d}, group: {label: l}, node: {x: y},"
			     " groups: {one: {label: a}, two: {label: b, size: 5}},"
			     " list: [{label: p}, {label: q}]}"),
		0);
	assert_string_equal(w->spec.text, "5");
	assert_string_equal(w->spec.path, "/root/x/y");
	assert_false(w->spec.flag);
	assert_int_equal(w->spec.count, 9);
	assert_int_equal(w->spec.timeout, 60000);
	assert_int_equal(w->spec.size, 2048);
	assert_true(w->spec.ratio == 0.5);
	assert_int_equal(w->spec.mode, 0);
	assert_int_equal(w->spec.tags.n, 2);
	assert_int_equal(w->spec.tags.positions[1].line, 1);
	assert_string_equal(w->spec.headers.items[0].name, "B");
	assert_int_equal(pattern_search(w->spec.pattern, "aa", 2, NULL), 1);
	assert_string_equal(w->spec.group.label, "l");
	assert_int_equal(w->spec.group.size, 1024);
	assert_int_equal(w->spec.groups.n, 2);
	assert_string_equal(w->spec.groups.items[1].name, "two");
	assert_int_equal(((const struct inner *)w->spec.groups.items[1].value)->size, 5);
	assert_int_equal(w->spec.list.n, 2);
	assert_null(w->spec.list.items[0].name);
	assert_string_equal(node_get(w->spec.node, "x")->text, "y");
}

static void test_keys_defaults_and_short_forms(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_text(w, "{tags: one, list: {label: only}, path: /abs}"), 0);
	assert_true(w->spec.flag);
	assert_int_equal(w->spec.timeout, 30000);
	assert_int_equal(w->spec.mode, 1);
	assert_int_equal(w->spec.group.size, 1024);
	assert_null(w->spec.group.label);
	assert_int_equal(w->spec.tags.n, 1);
	assert_int_equal(w->spec.list.n, 1);
	assert_string_equal(w->spec.path, "/abs");
}

/* A name, names, names with the first row's value, names with mappings. */
static void test_keys_named_is_read_in_every_form(void **state)
{
	struct world *w = *state;
	const struct inner *one, *two;

	assert_int_equal(read_text(w, "{named: one}"), 0);
	assert_int_equal(w->spec.named.n, 1);
	assert_string_equal(w->spec.named.items[0].name, "one");
	one = w->spec.named.items[0].value;
	assert_int_equal(one->size, 1024);
	assert_int_equal(read_text(w, "{named: [one, two words]}"), 0);
	assert_string_equal(w->spec.named.items[1].name, "two words");
	assert_int_equal(read_text(w, "{named: {one: , two: 2KiB, 3: {label: x}}}"), 0);
	assert_int_equal(w->spec.named.n, 3);
	one = w->spec.named.items[0].value;
	two = w->spec.named.items[1].value;
	assert_int_equal(one->size, 1024);
	assert_int_equal(two->size, 2048);
	assert_null(two->label);
	one = w->spec.named.items[2].value;
	assert_string_equal(w->spec.named.items[2].name, "3");
	assert_string_equal(one->label, "x");
	assert_true(keys_has(&w->spec.named.items[2], "label"));
	assert_false(keys_has(&w->spec.named.items[2], "size"));
	assert_false(keys_has(&w->spec.named.items[1], "size"));
	assert_wrong(w, "{named: {one: 2 apples}}", 15,
		     "\"one\" must be a size such as 64KiB or 10MB, not \"2 apples\"");
	assert_wrong(w, "{named: {one: {size: 5}}}", 15, "named \"one\" needs the key \"label\"");
	assert_wrong(w, "{named: []}", 9, "\"named\" is empty");
	assert_wrong(w, "{named: [{a: b}]}", 10, "\"named\" must be a text, not a mapping");
}

static void test_keys_mistakes_are_named(void **state)
{
	struct world *w = *state;

	assert_wrong(w, "{text: [a]}", 8, "\"text\" must be a text, not a list");
	assert_wrong(w, "{text: }", 8, "\"text\" has no value");
	assert_wrong(w, "{text: ~}", 8, "\"text\" is null");
	assert_wrong(
		w, "{name: a b}", 8,
		"\"name\" must be a name (a letter, then letters, digits, _ . -), not \"a b\"");
	assert_wrong(w, "{flag: yes}", 8, "\"flag\" must be true or false, not \"yes\"");
	assert_wrong(w, "{count: 10}", 9, "\"count\" must be between 1 and 9, not \"10\"");
	assert_wrong(w, "{count: 0x5}", 9, "\"count\" must be an integer, not \"0x5\"");
	assert_wrong(w, "{size: 0}", 8, "\"size\" must be at least 1 B, not \"0\"");
	assert_wrong(w, "{ratio: 1.5}", 9, "\"ratio\" must be between 0 and 1, not \"1.5\"");
	assert_wrong(w, "{ratio: nan}", 9, "\"ratio\" must be a number, not \"nan\"");
	assert_wrong(w, "{timeout: 2m}", 11,
		     "\"timeout\" must be between 1 ms and 1 min, not \"2m\"");
	assert_wrong(w, "{mode: slwo}", 8, "\"mode\" must be fast or slow, not \"slwo\"");
	assert_string_equal(w->diags.items[0].help, "did you mean \"slow\"?");
	assert_wrong(w, "{tags: {a: b}}", 8,
		     "\"tags\" must be a text or a list of texts, not a mapping");
	assert_wrong(w, "{tags: []}", 8, "\"tags\" is empty");
	assert_wrong(w, "{headers: {A: [b]}}", 15, "\"A\" must be a text, not a list");
	assert_wrong(w, "{group: {size: 5}}", 9, "\"group\" needs the key \"label\"");
	assert_wrong(w, "{groups: {g: {label: a, sise: 5}}}", 25,
		     "unknown key \"sise\" in group \"g\"");
	assert_wrong(w, "[a]", 1, "kind \"k\" must be a mapping, not a list");
}

static void test_keys_unknown_key_gets_a_suggestion_and_one_error(void **state)
{
	struct world *w = *state;

	assert_wrong(w, "{group: {lable: x}}", 10, "unknown key \"lable\" in \"group\"");
	assert_string_equal(w->diags.items[0].help, "did you mean \"label\"?");
	assert_true(keys_has_unknown(rows, parse(w, "{nothing: x}")));
	assert_false(keys_has_unknown(rows, parse(w, "{text: x}")));
}

static void test_keys_secrets_are_refused_and_not_shown(void **state)
{
	struct world *w = *state;
	struct node *root = parse(w, "{text: hunter2, count: hunter2}");

	root->items[0]->has_secret = true;
	root->items[1]->has_secret = true;
	assert_int_equal(read_node(w, root), -1);
	assert_int_equal(w->diags.n, 2);
	assert_string_equal(w->diags.items[0].message,
			    "\"text\" cannot hold a value from ${env:} or ${file:}");
	assert_string_equal(w->diags.items[1].message,
			    "\"count\" cannot hold a value from ${env:} or ${file:}");
}

static void test_keys_pos_is_the_value_or_the_mapping(void **state)
{
	struct world *w = *state;
	const struct node *root = parse(w, "a: b\n");

	assert_int_equal(keys_pos(root, "a").col, 4);
	assert_int_equal(keys_pos(root, "x").col, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys_every_type_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_defaults_and_short_forms, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_keys_named_is_read_in_every_form, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_keys_mistakes_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_keys_unknown_key_gets_a_suggestion_and_one_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_secrets_are_refused_and_not_shown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_keys_pos_is_the_value_or_the_mapping, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
