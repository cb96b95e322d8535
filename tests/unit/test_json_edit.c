/*
 * json_edit: what is not meant stays to the byte, what is meant goes with its comma, and a number
 * finds the value it was given for.
 */
#include "audits/json_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

struct wish {
	size_t number;
	enum json_edit what;
	size_t other; /* dropped as well; 0 = none */
};

static enum json_edit edit(void *ctx, size_t number, struct buf *out)
{
	const struct wish *w = ctx;

	if (w->other > 0 && number == w->other)
		return JSON_DROP;
	if (number != w->number)
		return JSON_KEEP;
	if (w->what == JSON_REPLACE)
		(void)buf_puts(out, "[9]");
	return w->what;
}

static void check(const char *text, struct wish w, const char *want)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	json_edit(text, strlen(text), edit, &w, &b);
	assert_string_equal(b.len > 0 ? b.data : "", want);
	buf_release(&b);
}

static const struct wish nothing = {(size_t)-1, JSON_KEEP, 0};

static void test_json_edit_keeps_every_byte(void **state)
{
	static const char *const texts[] = {
		"{}",
		" { } ",
		"[ ]\n",
		" [1 , 2,\t3 ] ",
		"{\"a\" : {\"b\\\"}\":[ null , true,\"x,y]\"] } , \"c\":-1.5e-7}\r\n",
		"\"alone \\\\\"",
		" 12 ",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(texts[i], nothing, texts[i]);
}

static void test_json_edit_drops_with_name_and_comma(void **state)
{
	static const char text[] = "{\"a\": 1, \"b\": [2, 3], \"c\": 4}";

	(void)state;
	check(text, (struct wish){1, JSON_DROP, 0}, "{ \"b\": [2, 3], \"c\": 4}");
	check(text, (struct wish){2, JSON_DROP, 0}, "{\"a\": 1, \"c\": 4}");
	check(text, (struct wish){3, JSON_DROP, 0}, "{\"a\": 1, \"b\": [ 3], \"c\": 4}");
	check(text, (struct wish){4, JSON_DROP, 0}, "{\"a\": 1, \"b\": [2], \"c\": 4}");
	check(text, (struct wish){5, JSON_DROP, 0}, "{\"a\": 1, \"b\": [2, 3]}");
	check(text, (struct wish){1, JSON_DROP, 2}, "{ \"c\": 4}");
	check(text, (struct wish){3, JSON_DROP, 4}, "{\"a\": 1, \"b\": [], \"c\": 4}");
}

static void test_json_edit_replaces_values(void **state)
{
	static const char text[] = "{\"a\": {\"b\": \"x\"}, \"c\": 4}";

	(void)state;
	check(text, (struct wish){0, JSON_REPLACE, 0}, "[9]");
	check(text, (struct wish){1, JSON_REPLACE, 0}, "{\"a\": [9], \"c\": 4}");
	check(text, (struct wish){2, JSON_REPLACE, 0}, "{\"a\": {\"b\": [9]}, \"c\": 4}");
	check(text, (struct wish){3, JSON_REPLACE, 0}, "{\"a\": {\"b\": \"x\"}, \"c\": [9]}");
}

static void check_number(const char *text, const char *pointer, size_t want, const char *span)
{
	struct json_doc *d = NULL;
	struct err e = {0};
	struct json_t *at;
	size_t from, n;

	assert_int_equal(json_parse(text, strlen(text), &d, &e), 0);
	at = json_pointer_at(d, pointer);
	assert_non_null(at);
	assert_int_equal(json_number_of(d, at), want);
	json_span(text, strlen(text), want, &from, &n);
	assert_int_equal(n, strlen(span));
	assert_memory_equal(text + from, span, n);
	json_free(d);
}

static void test_json_numbers_are_those_of_the_text(void **state)
{
	static const char text[] = " {\"a\": [1, {\"x\": [ ]}, \"s\"], \"b/c\": true}";

	(void)state;
	check_number(text, "", 0, "{\"a\": [1, {\"x\": [ ]}, \"s\"], \"b/c\": true}");
	check_number(text, "/a", 1, "[1, {\"x\": [ ]}, \"s\"]");
	check_number(text, "/a/0", 2, "1");
	check_number(text, "/a/1", 3, "{\"x\": [ ]}");
	check_number(text, "/a/1/x", 4, "[ ]");
	check_number(text, "/a/2", 5, "\"s\"");
	check_number(text, "/b~1c", 6, "true");
}

static void test_json_numbers_of_many_come_once_and_in_order(void **state)
{
	static const char text[] = "{\"a\": [true, 5, true], \"b\": \"x\"}";
	struct json_doc *d = NULL;
	struct err e = {0};
	struct json_t *nodes[5];
	size_t numbers[5];

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &d, &e), 0);
	nodes[0] = json_pointer_at(d, "/b");
	nodes[1] = json_pointer_at(d, "/a/1");
	nodes[2] = json_pointer_at(d, "/a/2"); /* the same node as /a/0 */
	nodes[3] = json_pointer_at(d, "/a/1");
	nodes[4] = json_root(d);
	assert_int_equal(json_numbers_of(d, nodes, 5, numbers), 4);
	assert_int_equal(numbers[0], 0);
	assert_int_equal(numbers[1], 2);
	assert_int_equal(numbers[2], 3);
	assert_int_equal(numbers[3], 5);
	json_free(d);
}

static void test_json_size_counts_what_is_inside(void **state)
{
	static const char text[] = "[1, [2, {\"a\": 3}]]";
	struct json_doc *d = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &d, &e), 0);
	assert_int_equal(json_size_of(d, json_root(d)), 6);
	assert_int_equal(json_size_of(d, json_pointer_at(d, "/1")), 4);
	assert_int_equal(json_size_of(d, json_pointer_at(d, "/0")), 1);
	assert_int_equal(json_number_of(d, NULL), (size_t)-1);
	json_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_edit_keeps_every_byte),
		cmocka_unit_test(test_json_edit_drops_with_name_and_comma),
		cmocka_unit_test(test_json_edit_replaces_values),
		cmocka_unit_test(test_json_numbers_are_those_of_the_text),
		cmocka_unit_test(test_json_numbers_of_many_come_once_and_in_order),
		cmocka_unit_test(test_json_size_counts_what_is_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
