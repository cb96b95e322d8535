/* map: names to pointers in the order added; node: looking a key up in a mapping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/map.h"
#include "runner/base/node.h"

static void test_map_finds_what_was_put(void **state)
{
	enum { N = 20000 };
	struct arena *a = arena_new();
	int *values = arena_array(a, N, sizeof(*values));
	struct map m;

	(void)state;
	map_init(&m, a);
	assert_null(map_get(&m, "k0"));
	for (int i = 0; i < N; i++)
		assert_true(map_put(&m, arena_printf(a, "k%d", i), &values[i]));
	assert_int_equal(m.n, N);
	for (int i = 0; i < N; i++) {
		assert_ptr_equal(map_get(&m, arena_printf(a, "k%d", i)), &values[i]);
		assert_ptr_equal(m.entries[i].value, &values[i]);
	}
	assert_null(map_get(&m, "k20000"));
	assert_null(map_get(&m, ""));
	arena_free(a);
}

static void test_map_keeps_the_first_of_two(void **state)
{
	struct arena *a = arena_new();
	int first, second;
	struct map m;

	(void)state;
	map_init(&m, a);
	assert_true(map_put(&m, "", &first));
	assert_false(map_put(&m, arena_strdup(a, ""), &second));
	assert_ptr_equal(map_get(&m, ""), &first);
	assert_int_equal(m.n, 1);
	arena_free(a);
}

static void test_map_reserve_keeps_what_is_there(void **state)
{
	enum { N = 5000 };
	struct arena *a = arena_new();
	int values[3];
	struct map m;

	(void)state;
	map_init(&m, a);
	assert_true(map_put(&m, "a", &values[0]));
	map_reserve(&m, N);
	const struct map_entry *reserved = m.entries;

	assert_ptr_equal(map_get(&m, "a"), &values[0]);
	for (int i = 1; i < N; i++)
		assert_true(map_put(&m, arena_printf(a, "k%d", i), &values[1]));
	assert_ptr_equal(m.entries, reserved); /* it did not grow again */
	map_reserve(&m, 1);
	assert_ptr_equal(m.entries, reserved);
	arena_free(a);
}

static void test_node_get_looks_only_into_mappings(void **state)
{
	struct node key = {.type = NODE_SCALAR, .text = "a", .len = 1};
	struct node value = {.type = NODE_SCALAR, .text = "1", .len = 1};
	struct node *keys[] = {&key}, *items[] = {&value};
	struct node map = {.type = NODE_MAPPING, .n = 1, .keys = keys, .items = items};
	struct node list = {.type = NODE_SEQUENCE, .n = 1, .items = items};

	(void)state;
	assert_ptr_equal(node_get(&map, "a"), &value);
	assert_null(node_get(&map, "b"));
	assert_null(node_get(&map, "aa"));
	assert_null(node_get(&list, "a"));
	assert_null(node_get(&value, "a"));
	assert_null(node_get(NULL, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_finds_what_was_put),
		cmocka_unit_test(test_map_keeps_the_first_of_two),
		cmocka_unit_test(test_map_reserve_keeps_what_is_there),
		cmocka_unit_test(test_node_get_looks_only_into_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
