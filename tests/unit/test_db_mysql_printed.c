/* db_mysql_printed: what MySQL's catalog says of expressions, as one would write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#ifdef ASSIZE_MYSQL
#include "runner/io/db_mysql_printed.h"

static void test_mysql_printed_is_standard(void **state)
{
	static const struct {
		const char *printed, *meant;
	} cases[] = {
		{"(`price` < 1000)", "(`price` < 1000)"},
		{"(`state` in (_utf8mb4\\'new\\',_utf8mb4\\'paid\\'))",
		 "(`state` in (_utf8mb4'new',_utf8mb4'paid'))"},
		{"_utf8mb4\\'it\\\\\\'s\\'", "_utf8mb4'it''s'"},
		{"_utf8mb4\\'a\\\\\\\\b\\'", "_utf8mb4'a\\b'"},
		{"concat(`a`,_utf8mb4\\'\\')", "concat(`a`,_utf8mb4'')"},
		{"_utf8mb4\\'two\\\\nlines\\'", "_utf8mb4'two\nlines'"},
		{"_utf8mb4\\'say \\\"hi\\\"\\'", "_utf8mb4'say \"hi\"'"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(mysql_printed(a, cases[i].printed), cases[i].meant);
	assert_null(mysql_printed(a, NULL));
	assert_string_equal(mysql_literal(a, "it's"), "'it''s'");
	arena_free(a);
}
#endif

int main(void)
{
#ifdef ASSIZE_MYSQL
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mysql_printed_is_standard)};

	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
