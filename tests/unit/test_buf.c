/* buf: a growing buffer that demands a ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/buf.h"

static void test_buf_is_terminated_even_when_empty(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(b.data, "");
	buf_reset(&b);
	assert_string_equal(b.data, "");
	buf_release(&b);
	assert_string_equal(b.data, "");
}

static void test_buf_appends(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
	buf_reset(&b);
	assert_int_equal(buf_puts(&b, "x"), 0);
	assert_int_equal(buf_putc(&b, 'y'), 0);
	assert_int_equal(buf_printf(&b, "%03d", 7), 0);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_string_equal(b.data, "xy007");
	buf_release(&b);
}

static void test_buf_refuses_past_its_ceiling_and_keeps_its_content(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_puts(&b, "12345"), 0);
	assert_false(b.is_full);
	assert_int_equal(buf_putc(&b, '6'), -1);
	assert_true(b.is_full);
	assert_string_equal(b.data, "12345");
	buf_reset(&b);
	assert_false(b.is_full);
	assert_int_equal(buf_printf(&b, "%s", "123456"), -1);
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void test_buf_has_no_hole_after_a_refusal(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_puts(&b, "123"), 0);
	assert_int_equal(buf_puts(&b, "456"), -1);
	assert_int_equal(buf_puts(&b, "7"), -1);
	assert_string_equal(b.data, "123");
	buf_release(&b);
}

static void test_buf_prints_any_length(void **state)
{
	char text[5000];
	struct buf b;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	for (size_t n = 0; n < sizeof(text); n += 83) {
		memset(text, 'z', n);
		text[n] = '\0';
		buf_reset(&b);
		assert_int_equal(buf_printf(&b, "<%s>", text), 0);
		assert_int_equal(b.len, n + 2);
		assert_memory_equal(b.data + 1, text, n);
		assert_int_equal(b.data[n + 1], '>');
	}
	/* To the byte: a ceiling that just fits, for the long way of printing. */
	buf_release(&b);
	buf_init(&b, 300);
	assert_int_equal(buf_printf(&b, "%0300d", 1), 0);
	assert_int_equal(b.len, 300);
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "%0301d", 1), -1);
	assert_string_equal(b.data, "");
	buf_release(&b);
}

static void test_buf_gives_its_bytes_away(void **state)
{
	struct buf b;
	char *taken;

	(void)state;
	buf_init(&b, 10);
	taken = buf_take(&b);
	assert_string_equal(taken, "");
	free(taken);
	assert_int_equal(buf_puts(&b, "mine"), 0);
	taken = buf_take(&b);
	assert_string_equal(taken, "mine");
	assert_string_equal(b.data, "");
	assert_int_equal(b.ceiling_bytes, 10);
	buf_release(&b);
	free(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_is_terminated_even_when_empty),
		cmocka_unit_test(test_buf_appends),
		cmocka_unit_test(test_buf_refuses_past_its_ceiling_and_keeps_its_content),
		cmocka_unit_test(test_buf_has_no_hole_after_a_refusal),
		cmocka_unit_test(test_buf_prints_any_length),
		cmocka_unit_test(test_buf_gives_its_bytes_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
