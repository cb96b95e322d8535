/* db_distinct: as many as there are, whatever the parts they came in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/io/db_distinct.h"

#define LIMIT 4096

static void add_text(struct db_distinct *d, const char *text)
{
	db_distinct_add_bytes(d, true, text, strlen(text));
}

static void test_values_are_one(void **state)
{
	struct db_distinct *d = db_distinct_new();

	(void)state;
	db_distinct_add_integer(d, 1);
	db_distinct_add_real(d, 1.0);
	db_distinct_add_integer(d, 0);
	db_distinct_add_real(d, -0.0);
	db_distinct_add_real(d, -0x1p63);
	db_distinct_add_integer(d, INT64_MIN);
	assert_int_equal(db_distinct_count(d), 3);
	db_distinct_add_real(d, 1.5);
	db_distinct_add_real(d, 1.5);
	db_distinct_add_real(d, INFINITY);
	db_distinct_add_real(d, 0x1p63); /* no integer has this value */
	db_distinct_add_integer(d, INT64_MAX);
	assert_int_equal(db_distinct_count(d), 7);
	db_distinct_free(d);
}

static void test_texts_and_blobs(void **state)
{
	struct db_distinct *d = db_distinct_new();

	(void)state;
	add_text(d, "");
	add_text(d, "1");
	db_distinct_add_integer(d, 1);
	db_distinct_add_bytes(d, false, "1", 1);
	db_distinct_add_bytes(d, false, NULL, 0);
	db_distinct_add_bytes(d, true, "1\0a", 3);
	db_distinct_add_bytes(d, true, "1\0b", 3);
	add_text(d, "1");
	assert_int_equal(db_distinct_count(d), 7);
	assert_false(db_distinct_is_full(d));
	db_distinct_free(d);
}

static void test_parts(void **state)
{
	struct db_distinct *all = db_distinct_new();
	char text[40];

	(void)state;
	for (int part = 0; part < 3; part++) {
		struct db_distinct *d = db_distinct_new();
		struct buf bytes;

		for (int i = part * 500; i < part * 500 + 1000; i++) { /* half of them in two */
			(void)snprintf(text, sizeof(text), "value %d", i);
			add_text(d, text);
			db_distinct_add_integer(d, i);
		}
		assert_int_equal(db_distinct_count(d), 2000);
		buf_init(&bytes, BUF_UNBOUNDED);
		db_distinct_write(d, &bytes);
		assert_true(db_distinct_merge(all, bytes.data, bytes.len));
		assert_false(db_distinct_merge(all, bytes.data, bytes.len - 1));
		buf_release(&bytes);
		db_distinct_free(d);
	}
	assert_int_equal(db_distinct_count(all), 4000);
	assert_true(db_distinct_merge(all, "", 0));
	assert_false(db_distinct_is_full(all));
	db_distinct_free(all);
}

static void test_many_are_too_many(void **state)
{
	struct db_distinct *d = db_distinct_new();

	(void)state;
	for (int i = 0; i < LIMIT; i++)
		db_distinct_add_integer(d, (int64_t)i * 1000003);
	assert_false(db_distinct_is_full(d));
	assert_int_equal(db_distinct_count(d), LIMIT);
	db_distinct_add_integer(d, 0); /* is there */
	assert_false(db_distinct_is_full(d));
	db_distinct_add_integer(d, -1);
	assert_true(db_distinct_is_full(d));
	db_distinct_free(d);
}

static void test_what_cannot_be_kept(void **state)
{
	static char wide[1025];
	struct db_distinct *d = db_distinct_new();

	(void)state;
	memset(wide, 'x', sizeof(wide));
	db_distinct_add_bytes(d, true, wide, sizeof(wide) - 1);
	assert_false(db_distinct_is_full(d));
	db_distinct_add_bytes(d, true, wide, sizeof(wide));
	assert_true(db_distinct_is_full(d));
	db_distinct_free(d);

	/* Two texts of UTF-16 may both have become this one. */
	d = db_distinct_new();
	add_text(d, "a\xef\xbf\xbd");
	assert_true(db_distinct_is_full(d));
	db_distinct_free(d);
	d = db_distinct_new();
	db_distinct_add_bytes(d, false, "a\xef\xbf\xbd", 4);
	assert_false(db_distinct_is_full(d));
	db_distinct_free(d);

	/* Fewer values than the limit, more bytes. */
	d = db_distinct_new();
	for (int i = 0; i < 100; i++) {
		wide[0] = (char)i;
		db_distinct_add_bytes(d, false, wide, 1000);
	}
	assert_true(db_distinct_is_full(d));
	db_distinct_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_one),
		cmocka_unit_test(test_texts_and_blobs),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_many_are_too_many),
		cmocka_unit_test(test_what_cannot_be_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
