/*
 * json: what is read keeps its meaning, what cannot be trusted is refused, what is written is JSON.
 */
#include "runner/io/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"

static struct json_doc *parsed(const char *text)
{
	struct json_doc *d = NULL;
	struct err e = {0};

	assert_int_equal(json_parse(text, strlen(text), &d, &e), 0);
	return d;
}

static struct json_value value_at(const char *text, const char *pointer)
{
	struct json_doc *d = parsed(text);
	struct json_value v = {0};

	assert_int_equal(json_pointer(d, pointer, &v, NULL), 0);
	v.text = NULL; /* borrowed from the document, which goes away */
	json_free(d);
	return v;
}

/* The document of RFC 6901, section 5, and its table. */
static void test_json_pointer_follows_rfc_6901(void **state)
{
	static const char document[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,"
				       "\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,"
				       "\"m~n\":8}";
	static const struct {
		const char *pointer;
		int64_t integer;
	} rows[] = {{"/", 0},	  {"/a~1b", 1}, {"/c%d", 2}, {"/e^f", 3}, {"/g|h", 4},
		    {"/i\\j", 5}, {"/k\"l", 6}, {"/ ", 7},   {"/m~0n", 8}};
	struct json_doc *d = parsed(document);
	struct json_value v;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(json_pointer(d, rows[i].pointer, &v, NULL), 0);
		assert_int_equal(v.type, JSON_IS_INT);
		assert_int_equal(v.integer, rows[i].integer);
	}
	assert_int_equal(json_pointer(d, "", &v, NULL), 0);
	assert_int_equal(v.type, JSON_IS_OBJECT);
	assert_int_equal(v.n, 10);
	assert_int_equal(json_pointer(d, "/foo", &v, NULL), 0);
	assert_int_equal(v.type, JSON_IS_ARRAY);
	assert_int_equal(v.n, 2);
	assert_int_equal(json_pointer(d, "/foo/0", &v, NULL), 0);
	assert_string_equal(v.text, "bar");
	json_free(d);
}

static void test_json_pointer_to_nothing_is_absent(void **state)
{
	static const char *const pointers[] = {"/b",   "/a/9",	"/a/-",	 "/a/01",	   "/a/1x",
					       "/a//", "/a/+1", "/a/-1", "/a/99999999999", "/a/1/x",
					       "/a/",  "/~01"};

	(void)state;
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++)
		assert_int_equal(value_at("{\"a\":[1,2]}", pointers[i]).type, JSON_ABSENT);
	assert_int_equal(value_at("null", "/a").type, JSON_ABSENT);
	assert_int_equal(value_at("null", "").type, JSON_IS_NULL);
	assert_int_equal(value_at("[false]", "/0").type, JSON_IS_BOOL);
}

static void test_json_pointer_escapes_are_undone_once(void **state)
{
	(void)state;
	assert_int_equal(value_at("{\"~1\":7}", "/~01").integer, 7);
	assert_int_equal(value_at("{\"a\":{\"/\":{\"~\":8}}}", "/a/~1/~0").integer, 8);
}

static void test_json_malformed_pointers_are_refused(void **state)
{
	static const char *const pointers[] = {"a", "a/b", "/a~", "/~2", "/a/~/b", "#/a"};
	struct json_doc *d = parsed("{}");
	struct json_value v;

	(void)state;
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		struct err e = {0};

		assert_false(json_pointer_is_valid(pointers[i]));
		assert_int_equal(json_pointer(d, pointers[i], &v, &e), -1);
		assert_non_null(strstr(e.message, "JSON Pointer"));
	}
	assert_true(json_pointer_is_valid(""));
	assert_true(json_pointer_is_valid("/a~0~1/"));
	json_free(d);
}

static void test_json_nodes_are_walked_in_order(void **state)
{
	struct json_doc *d = parsed("{\"b\": [1, {\"c\": \"x\"}], \"a\": null}");
	struct json_t *root = json_root(d), *value, *item;
	struct json_value v;
	const char *name;
	void *at = NULL;

	(void)state;
	assert_true(json_member_next(root, &at, &name, &value));
	assert_string_equal(name, "b");
	item = json_item(value, 1);
	json_read(d, json_member(item, "c"), &v);
	assert_string_equal(v.text, "x");
	assert_true(json_member_next(root, &at, &name, &value));
	assert_string_equal(name, "a");
	json_read(d, value, &v);
	assert_int_equal(v.type, JSON_IS_NULL);
	assert_false(json_member_next(root, &at, &name, &value));
	/* Nothing comes of a node of another type, of none, or behind an end. */
	at = NULL;
	assert_false(
		json_member_next(item = json_item(json_member(root, "b"), 0), &at, &name, &value));
	assert_null(json_member(item, "c"));
	assert_null(json_item(item, 0));
	assert_null(json_item(json_member(root, "b"), 2));
	assert_null(json_member(json_member(root, "none"), "c"));
	json_read(d, NULL, &v);
	assert_int_equal(v.type, JSON_ABSENT);
	json_free(d);
}

static void test_json_bad_documents_are_refused_with_a_place(void **state)
{
	static const char *const documents[] = {
		"",
		"{",
		"{\"a\":1,}",
		"[1] x",
		"{\"a\":1,\"a\":2}", /* two readers would see two documents */
		"[\"\\u0000\"]",
		"[\"\xff\"]",
		"[\"\\ud800\"]",
		"[01]",
		"[+1]",
		"[.5]",
		"[NaN]",
		"[1e999]",
		"\xEF\xBB\xBF[]",
		"['a']",
		"// c\n[]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct json_doc *d = NULL;
		struct err e = {0};

		assert_int_equal(json_parse(documents[i], strlen(documents[i]), &d, &e), -1);
		assert_null(d);
		assert_int_equal(e.class, ERR_MEASURE);
		assert_non_null(strstr(e.message, "not valid JSON: line "));
	}
}

static void test_json_errors_quote_nothing(void **state)
{
	static const char *const documents[] = {
		"{\"password\": hunter2}",
		"{\"password\": \"hunter2",
		"{\"password\": \"hunter2\\q\"}",
		"{\"hunter2\": 1, \"hunter2\": 2}",
		"\"hunter2\" \"hunter2\"",
		"{\"password\" \"hunter2\"}",
		"\"hunter2\xff\"",
		"[1 hunter2]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct json_doc *d = NULL;
		struct err e = {0};

		assert_int_equal(json_parse(documents[i], strlen(documents[i]), &d, &e), -1);
		assert_non_null(strstr(e.message, "not valid JSON: line 1, column "));
		assert_null(strstr(e.message, "near"));
		assert_null(strstr(e.message, "hunt"));
	}
}

static void test_json_depth_is_limited(void **state)
{
	struct buf b;
	struct json_doc *d = NULL;
	struct err e = {0};

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	for (int i = 0; i < 1000000; i++)
		(void)buf_putc(&b, '[');
	assert_int_equal(json_parse(b.data, b.len, &d, &e), -1);
	buf_release(&b);
}

static void test_json_integers_stay_integers(void **state)
{
	struct json_value v = value_at("[9223372036854775807]", "/0");

	(void)state;
	assert_int_equal(v.type, JSON_IS_INT);
	assert_true(v.integer == INT64_MAX);
	v = value_at("[1.0]", "/0");
	assert_int_equal(v.type, JSON_IS_REAL);
}

static void test_json_huge_integer_does_not_hide_the_rest(void **state)
{
	static const char document[] = "{\"id\":18446744073709551615,\"n\":42,\"x\":1.5}";

	(void)state;
	assert_int_equal(value_at(document, "/n").type, JSON_IS_INT);
	assert_int_equal(value_at(document, "/n").integer, 42);
	assert_int_equal(value_at(document, "/id").type, JSON_IS_REAL);
	assert_true(value_at(document, "/id").real == 18446744073709551616.0);
	assert_true(value_at(document, "/id").is_rounded);
	assert_true(value_at(document, "/x").real == 1.5);
	assert_false(value_at(document, "/x").is_rounded);
}

static void test_json_huge_integer_does_not_round_the_rest(void **state)
{
	static const char document[] =
		"{\"-123456789012345678901\":[18446744073709551615,9007199254740993,"
		"-9223372036854775808,-18446744073709551617,123456789012345678901.5,"
		"1e300,\"a\\\\\",\"\\\"18446744073709551615\"]}";
	static const struct {
		const char *pointer;
		int64_t want;
	} exact[] = {{"/-123456789012345678901/1", INT64_C(9007199254740993)},
		     {"/-123456789012345678901/2", INT64_MIN}};
	struct json_doc *d = parsed(document);
	struct json_value v;

	(void)state;
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		assert_int_equal(json_pointer(d, exact[i].pointer, &v, NULL), 0);
		assert_int_equal(v.type, JSON_IS_INT);
		assert_true(v.integer == exact[i].want);
	}
	assert_int_equal(json_pointer(d, "/-123456789012345678901/3", &v, NULL), 0);
	assert_int_equal(v.type, JSON_IS_REAL);
	assert_true(v.real == -18446744073709551616.0);
	assert_true(v.is_rounded);
	assert_int_equal(json_pointer(d, "/-123456789012345678901/4", &v, NULL), 0);
	assert_true(v.real == 123456789012345678901.5);
	assert_int_equal(json_pointer(d, "/-123456789012345678901/6", &v, NULL), 0);
	assert_string_equal(v.text, "a\\");
	assert_int_equal(json_pointer(d, "/-123456789012345678901/7", &v, NULL), 0);
	assert_string_equal(v.text, "\"18446744073709551615");
	json_free(d);
	/* 2^63 + 2,048 is a real, and is read as itself. */
	assert_true(value_at("[9223372036854777856]", "/0").real == 9223372036854777856.0);
}

static void test_json_huge_integer_does_not_move_errors(void **state)
{
	static const char document[] = "[18446744073709551615, 18446744073709551616, x]";
	struct json_doc *d = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(json_parse(document, strlen(document), &d, &e), -1);
	assert_non_null(strstr(e.message, "line 1, column 46"));
}

static void test_json_writer_nests_and_separates(void **state)
{
	struct json_writer w;
	struct buf b;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, false);
	json_open(&w, NULL, '{');
	json_put_int(&w, "a", INT64_MIN);
	json_open(&w, "b", '[');
	json_put_real(&w, NULL, 0.1);
	json_put_real(&w, NULL, NAN);
	json_put_real(&w, NULL, -INFINITY);
	json_put_bool(&w, NULL, true);
	json_open(&w, NULL, '{');
	json_close(&w, '}');
	json_close(&w, ']');
	json_put_text(&w, "c", NULL);
	json_close(&w, '}');
	assert_string_equal(b.data, "{\"a\":-9223372036854775808,\"b\":[0.1,null,null,true,{}],"
				    "\"c\":null}");
	buf_release(&b);
}

static void test_json_writer_pretty_is_the_same_document(void **state)
{
	struct json_writer w;
	struct buf b;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_open(&w, "a", '[');
	json_put_int(&w, NULL, 1);
	json_close(&w, ']');
	json_open(&w, "b", '[');
	json_close(&w, ']');
	json_close(&w, '}');
	assert_string_equal(b.data, "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}\n");
	buf_release(&b);
}

/* Written, then read by jansson: the same string, or U+FFFD where it was none. */
static void test_json_writer_survives_any_bytes(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"\"\\/\b\f\n\r\t", "\"\\/\b\f\n\r\t"},
		{"\x01\x1f\x7f", "\x01\x1f\x7f"},
		{"\xE2\x80\xAE"
		 "abc\xEF\xBB\xBF",
		 "\xE2\x80\xAE"
		 "abc\xEF\xBB\xBF"},
		{"\xF3\xA0\x80\x81", "\xF3\xA0\x80\x81"}, /* a tag character: a surrogate pair */
		{"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
		{"a\xff"
		 "b",
		 "a\xEF\xBF\xBD"
		 "b"},
		{"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_writer w;
		struct json_value v;
		struct json_doc *d;
		struct buf b;

		buf_init(&b, BUF_UNBOUNDED);
		json_writer_init(&w, &b, false);
		json_put_text(&w, NULL, rows[i].in);
		for (size_t k = 0; k < b.len; k++)
			assert_true((unsigned char)b.data[k] >= 0x20 && b.data[k] != 0x7f);
		assert_null(strstr(b.data, "\xE2\x80\xAE"));
		d = parsed(b.data);
		assert_int_equal(json_pointer(d, "", &v, NULL), 0);
		assert_string_equal(v.text, rows[i].out);
		json_free(d);
		buf_release(&b);
	}
}

static void test_json_tells_a_byte_order_mark(void **state)
{
	static const char text[] = "\xef\xbb\xbf{}";
	struct json_doc *doc = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(json_parse(text, sizeof(text) - 1, &doc, &e), -1);
	assert_non_null(strstr(e.message, "it begins with a byte order mark"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_tells_a_byte_order_mark),
		cmocka_unit_test(test_json_pointer_follows_rfc_6901),
		cmocka_unit_test(test_json_pointer_to_nothing_is_absent),
		cmocka_unit_test(test_json_pointer_escapes_are_undone_once),
		cmocka_unit_test(test_json_malformed_pointers_are_refused),
		cmocka_unit_test(test_json_nodes_are_walked_in_order),
		cmocka_unit_test(test_json_bad_documents_are_refused_with_a_place),
		cmocka_unit_test(test_json_errors_quote_nothing),
		cmocka_unit_test(test_json_depth_is_limited),
		cmocka_unit_test(test_json_integers_stay_integers),
		cmocka_unit_test(test_json_huge_integer_does_not_hide_the_rest),
		cmocka_unit_test(test_json_huge_integer_does_not_round_the_rest),
		cmocka_unit_test(test_json_huge_integer_does_not_move_errors),
		cmocka_unit_test(test_json_writer_nests_and_separates),
		cmocka_unit_test(test_json_writer_pretty_is_the_same_document),
		cmocka_unit_test(test_json_writer_survives_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
