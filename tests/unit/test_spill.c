/* test_spill: records come back from their part, whole, in order, from memory or disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/err.h"
#include "runner/io/spill.h"

#define PARTS	5
#define RECORDS 3000

/* Record i is its number, then so many bytes of one letter: some longer than a block. */
static size_t length_of(int i)
{
	return i % 97 == 0 ? SPILL_BLOCK_BYTES * 2 + (size_t)i : (size_t)(i % 61);
}

static char letter_of(int i)
{
	return (char)('a' + i % 26);
}

static void fill(struct spill *s, int n)
{
	static char record[sizeof(int) + SPILL_BLOCK_BYTES * 3];

	for (int i = 0; i < n; i++) {
		memcpy(record, &i, sizeof(i));
		memset(record + sizeof(i), letter_of(i), length_of(i));
		assert_int_equal(
			spill_add(s, (size_t)i % PARTS, record, sizeof(i) + length_of(i), NULL), 0);
	}
}

struct seen {
	size_t part;
	int next, n;
};

static int look(void *ctx, const char *record, size_t n, struct err *e)
{
	struct seen *seen = ctx;
	int i;

	(void)e;
	assert_true(n >= sizeof(i));
	memcpy(&i, record, sizeof(i));
	assert_int_equal(i, seen->next);
	assert_int_equal(n, sizeof(i) + length_of(i));
	for (size_t at = sizeof(i); at < n; at++)
		assert_int_equal(record[at], letter_of(i));
	seen->next += PARTS;
	seen->n++;
	return 0;
}

static void look_at_all(struct spill *s, int n)
{
	for (size_t part = 0; part < PARTS; part++) {
		struct seen seen = {.part = part, .next = (int)part};

		assert_int_equal(spill_read(s, part, look, &seen, NULL), 0);
		assert_int_equal(seen.n, (n - (int)part + PARTS - 1) / PARTS);
	}
}

static void test_spill_few_records_stay_in_memory(void **state)
{
	struct spill *s = spill_new(PARTS);

	(void)state;
	for (int i = 1; i < 90; i++)
		assert_int_equal(spill_add(s, (size_t)i % PARTS, "x", 1, NULL), 0);
	assert_int_equal(spill_file_bytes(s), 0);
	spill_free(s);
}

static void test_spill_many_records_come_back_whole(void **state)
{
	struct spill *s = spill_new(PARTS);

	(void)state;
	fill(s, RECORDS);
	assert_true(spill_file_bytes(s) > 31 * 2 * SPILL_BLOCK_BYTES);
	look_at_all(s, RECORDS);
	look_at_all(s, RECORDS); /* reading takes nothing away */
	spill_free(s);
}

static void test_spill_empty_part_has_no_record(void **state)
{
	struct spill *s = spill_new(2);
	struct seen seen = {.part = 1};

	(void)state;
	assert_int_equal(spill_add(s, 0, "x", 1, NULL), 0);
	assert_int_equal(spill_read(s, 1, look, &seen, NULL), 0);
	assert_int_equal(seen.n, 0);
	spill_free(s);
}

static int refuse(void *ctx, const char *record, size_t n, struct err *e)
{
	(void)ctx;
	(void)record;
	(void)n;
	return err_set(e, ERR_MEASURE, "enough");
}

static void test_spill_reader_stops(void **state)
{
	struct spill *s = spill_new(1);
	struct err e = {0};

	(void)state;
	assert_int_equal(spill_add(s, 0, "x", 1, NULL), 0);
	assert_int_equal(spill_read(s, 0, refuse, NULL, &e), -1);
	assert_string_equal(e.message, "enough");
	spill_free(s);
}

static void test_spill_says_where_there_is_no_room(void **state)
{
	struct spill *s = spill_new(1);
	static char record[SPILL_BLOCK_BYTES * 2];
	struct err e = {0};

	(void)state;
	assert_int_equal(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
	assert_int_equal(spill_add(s, 0, record, sizeof(record), &e), -1);
	assert_non_null(
		strstr(e.message, "could not make a temporary file in \"/nowhere/at/all\""));
	assert_non_null(strstr(e.help, "$TMPDIR"));
	assert_int_equal(unsetenv("TMPDIR"), 0);
	spill_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spill_few_records_stay_in_memory),
		cmocka_unit_test(test_spill_many_records_come_back_whole),
		cmocka_unit_test(test_spill_empty_part_has_no_record),
		cmocka_unit_test(test_spill_reader_stops),
		cmocka_unit_test(test_spill_says_where_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
