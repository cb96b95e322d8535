/*
 * Captures: each form finds its value, and each way not to find exactly one has its own words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audits/capture.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/http.h"
#include "runner/io/json.h"

static const char body[] =
	"{\"state\": \"ok\", \"up\": true, \"n\": 12, \"share\": 0.5, \"last\": null, \"big\":"
	" 18446744073709551615, \"jobs\": [{\"id\": 7, \"s\": \"bad\"}, {\"id\": 8, \"s\": "
	"\"ok\"}],"
	" \"none\": [], \"failed\": \"yes\", \"byid\": {\"a\": 1}}";
static const char text[] =
	"balance 1234 EUR, id 007, rate 1.50, version 2.31.0, x 99999999999999999999";
static const struct http_header headers[] = {
	{"Content-Length", "81"},
	{"ETag", "\"a1\""},
	{"Set-Cookie", "session=abc123; Path=/; HttpOnly"},
	{"set-cookie", "n=5"},
	{"Set-Cookie", "twice=1"},
	{"Set-Cookie", "twice=2"},
	{"Via", "a"},
	{"via", "b"},
};

/* type:value or none:reason, as one text */
static const char *taken(struct arena *a, const char *what, bool is_whole)
{
	struct capture_view view = {
		.text = text,
		.n_text = strlen(text),
		.torn_problem = is_whole ? NULL : "it may be torn",
		.headers = headers,
		.n_headers = sizeof(headers) / sizeof(headers[0]),
	};
	struct json_doc *d = NULL;
	struct capture c;
	struct measurement m;
	struct err e = {0};

	if (capture_parse(a, what, &c, &e) != 0)
		return arena_printf(a, "error:%s", e.message);
	assert_int_equal(json_parse(body, strlen(body), &d, &e), 0);
	view.json = d;
	m = capture_take(&c, "x", &view, a);
	json_free(d);
	assert_string_equal(m.name, "x");
	switch (m.value.type) {
	case VALUE_NONE:
		return arena_printf(a, "none:%s", m.reason);
	case VALUE_INT:
		return arena_printf(a, "int:%lld", (long long)m.value.integer);
	case VALUE_REAL:
		return arena_printf(a, "%s:%g", m.is_rounded ? "rounded" : "real", m.value.real);
	case VALUE_TEXT:
		return arena_printf(a, "text:%s", m.value.text);
	}
	return "";
}

static const struct {
	const char *what, *is;
} rows[] = {
	{"/state", "text:ok"},
	{"/up", "text:true"},
	{"/n", "int:12"},
	{"/share", "real:0.5"},
	{"/big", "rounded:1.84467e+19"},
	{"/last", "none:there is null at \"/last\""},
	{"/jobs", "none:there is an array at \"/jobs\", not a value"},
	{"", "none:there is an object at \"\", not a value"},
	{"/nope", "none:the body has nothing at \"/nope\""},
	{"$.state", "text:ok"},
	{"$.jobs[?@.id==7].s", "text:bad"},
	{"$..id", "none:\"$..id\" selects 2 places, not one; narrow it, or count(...) them"},
	{"$.jobs[?@.id==9].s", "none:the body has nothing at \"$.jobs[?@.id==9].s\""},
	{"count($.jobs[*])", "int:2"},
	{"count($.jobs[?@.s=='down'])", "int:0"},
	{"count($.none[*])", "int:0"},
	{"count($.jbos[*])", "none:the body has nothing where \"count($.jbos[*])\" begins to "
			     "look, so there is nothing to count"},
	{"count($.byid.*)", "int:1"},
	{"count($.state)", "int:1"},
	{"count($.last)", "int:1"},
	{"count($.last[*])", "none:the body has null where \"count($.last[*])\" begins to look, so "
			     "there is nothing to count"},
	{"count($.failed[?@.id])", "none:the body has a single value where "
				   "\"count($.failed[?@.id])\" begins to look, so there is "
				   "nothing to count"},
	{"count($.failed..id)", "none:the body has a single value where \"count($.failed..id)\" "
				"begins to look, so there is nothing to count"},
	{"/balance ([0-9]+)/", "int:1234"},
	{"/rate ([0-9.]+)/", "real:1.5"},
	{"/id ([0-9]+)/", "text:007"},
	{"/version ([0-9.]+)/", "text:2.31.0"},
	{"/x ([0-9]+)/", "text:99999999999999999999"},
	{"/balance [0-9]+/", "text:balance 1234"},
	{"/debt ([0-9]+)/", "none:the body does not match /debt ([0-9]+)/"},
	{"/balance(x)?/", "none:the body does not match /balance(x)?/"},
	{"/(a)(b)/", "error:the pattern /(a)(b)/ has 2 groups"},
	{"/(/", "error:cannot compile pattern /(/ at character 2: missing closing "
		"parenthesis"},
	{"header:content-length", "int:81"},
	{"header:ETag", "text:\"a1\""},
	{"header:Age", "none:the answer has no header Age"},
	{"header:Via", "none:the answer has several headers Via"},
	{"header:", "error:\"\" is no name of a header"},
	{"header:a b", "error:\"a b\" is no name of a header"},
	{"cookie:session", "text:abc123"},
	{"cookie:n", "int:5"},
	{"cookie:sess", "none:the answer sets no cookie sess"},
	{"cookie:twice", "none:the answer sets the cookie twice several times"},
	{"state", "error:\"state\" does not say where a value is"},
	{"/a~2", "error:\"/a~2\" is not a JSON Pointer and no JSONPath"},
	{"$.", "error:\"$.\" is no JSONPath: character 3: a name or * belongs here; others "
	       "are ['name']"},
	{"count($.)", "error:\"$.\" is no JSONPath: character 3: a name or * belongs here; "
		      "others are ['name']"},
};

static void test_capture_takes_one_value_or_says_why_not(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *is = taken(a, rows[i].what, true);

		if (strcmp(is, rows[i].is) != 0)
			fail_msg("%s is \"%s\", not \"%s\"", rows[i].what, is, rows[i].is);
	}
	assert_string_equal(taken(a, "/balance ([0-9]+)/", false), "none:it may be torn");
	assert_string_equal(taken(a, "/n", false), "int:12");
	assert_string_equal(taken(a, "header:ETag", false), "text:\"a1\"");
	arena_free(a);
}

static void test_capture_says_what_is_wrong_with_the_body(void **state)
{
	struct capture_view view = {.json_problem = "no JSON", .text_problem = "no text"};
	struct arena *a = arena_new();
	struct json_doc *d = NULL;
	struct capture c;

	(void)state;
	assert_int_equal(capture_parse(a, "$.a", &c, NULL), 0);
	assert_true(capture_is_of_json(&c) && capture_is_of_body(&c));
	assert_string_equal(capture_take(&c, "x", &view, a).reason, "no JSON");
	assert_int_equal(capture_parse(a, "/a/", &c, NULL), 0);
	assert_true(!capture_is_of_json(&c) && capture_is_of_body(&c));
	assert_string_equal(capture_take(&c, "x", &view, a).reason, "no text");
	assert_int_equal(capture_parse(a, "header:a", &c, NULL), 0);
	assert_false(capture_is_of_body(&c));
	/* A bare number whose end nobody marked, by pointer and by path. */
	view.torn_problem = "it may be torn";
	assert_int_equal(json_parse("123", 3, &d, NULL), 0);
	view.json = d;
	assert_int_equal(capture_parse(a, "", &c, NULL), 0);
	assert_string_equal(capture_take(&c, "x", &view, a).reason, "it may be torn");
	assert_int_equal(capture_parse(a, "$", &c, NULL), 0);
	assert_int_equal(capture_take(&c, "x", &view, a).value.type, VALUE_NONE);
	view.torn_problem = NULL;
	assert_int_equal(capture_take(&c, "x", &view, a).value.integer, 123);
	json_free(d);
	/* Among JSON captures alone a slash at the end belongs to the pointer. */
	assert_int_equal(capture_parse_json(a, "/a/", &c, NULL), 0);
	assert_int_equal(c.source, CAPTURE_POINTER);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture_takes_one_value_or_says_why_not),
		cmocka_unit_test(test_capture_says_what_is_wrong_with_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
