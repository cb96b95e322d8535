/*
 * JSONPath: what queries select (the examples of RFC 9535 and of its compliance suite, told again),
 * what is no query, what is an I-Regexp, and that work is bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audits/jsonpath.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"

/* One line for each place: scalars as they are, arrays and objects by their size. */
static void print(struct buf *out, const struct json_doc *d, struct json_t *node)
{
	struct json_value v;

	json_read(d, node, &v);
	if (out->len > 0)
		(void)buf_putc(out, ' ');
	switch (v.type) {
	case JSON_ABSENT:
		(void)buf_puts(out, "nothing");
		break;
	case JSON_IS_NULL:
		(void)buf_puts(out, "null");
		break;
	case JSON_IS_BOOL:
		(void)buf_puts(out, v.boolean ? "true" : "false");
		break;
	case JSON_IS_INT:
		(void)buf_printf(out, "%lld", (long long)v.integer);
		break;
	case JSON_IS_REAL:
		(void)buf_printf(out, "%g", v.real);
		break;
	case JSON_IS_TEXT:
		(void)buf_add(out, v.text, v.n);
		break;
	case JSON_IS_ARRAY:
		(void)buf_printf(out, "[%zu]", v.n);
		break;
	case JSON_IS_OBJECT:
		(void)buf_printf(out, "{%zu}", v.n);
		break;
	}
}

/* What the query selects, or "error: ..." */
static const char *selected(struct arena *a, const char *document, const char *query)
{
	struct json_doc *d = NULL;
	struct jsonpath *p = NULL;
	struct json_nodes nodes = {.items = NULL};
	struct err e = {0};
	struct buf out;
	const char *text;

	if (jsonpath_parse(a, query, strlen(query), &p, &e) != 0)
		return arena_printf(a, "error: %s", e.message);
	assert_int_equal(json_parse(document, strlen(document), &d, &e), 0);
	buf_init(&out, BUF_UNBOUNDED);
	if (jsonpath_select(p, d, &nodes, &e) != 0)
		(void)buf_printf(&out, "error: %s", e.message);
	for (size_t i = 0; i < nodes.n; i++)
		print(&out, d, nodes.items[i]);
	text = arena_strdup(a, out.data);
	buf_release(&out);
	json_nodes_release(&nodes);
	json_free(d);
	return text;
}

struct row {
	const char *query, *selects;
};

static void check_rows(const char *document, const struct row *rows, size_t n)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < n; i++) {
		const char *is = selected(a, document, rows[i].query);

		if (strcmp(is, rows[i].selects) != 0)
			fail_msg("%s selects \"%s\", not \"%s\"", rows[i].query, is,
				 rows[i].selects);
	}
	arena_free(a);
}

#define CHECK(document, ...)                                                                       \
	do {                                                                                       \
		static const struct row rows[] = {__VA_ARGS__};                                    \
		check_rows(document, rows, sizeof(rows) / sizeof(rows[0]));                        \
	} while (0)

/* RFC 9535, 1.5 */
static const char store[] =
	"{\"store\": {\"book\": ["
	"{\"category\": \"reference\", \"title\": \"Sayings\", \"price\": 8.95},"
	"{\"category\": \"fiction\", \"title\": \"Sword\", \"price\": 12.99},"
	"{\"category\": \"fiction\", \"title\": \"Moby\", \"isbn\": \"0-553\", \"price\": 8.99},"
	"{\"category\": \"fiction\", \"title\": \"Rings\", \"isbn\": \"0-395\", \"price\": 22.99}],"
	"\"bicycle\": {\"color\": \"red\", \"price\": 399}}}";

static void test_jsonpath_selects_as_the_rfc_shows(void **state)
{
	(void)state;
	CHECK(store, {"$.store.book[*].title", "Sayings Sword Moby Rings"},
	      {"$..title", "Sayings Sword Moby Rings"}, {"$.store.*", "[4] {2}"},
	      {"$.store..price", "8.95 12.99 8.99 22.99 399"}, {"$..book[2].title", "Moby"},
	      {"$..book[2].publisher", ""}, {"$..book[-1].title", "Rings"},
	      {"$..book[0,1].title", "Sayings Sword"}, {"$..book[:2].title", "Sayings Sword"},
	      {"$..book[?@.isbn].title", "Moby Rings"},
	      {"$..book[?@.price<10].title", "Sayings Moby"}, {"$", "{1}"},
	      {"$['store']['bicycle'].color", "red"},
	      {"$.store.book[?@.category == 'fiction' && @.price < 10].title", "Moby"},
	      {"$.store.book[?!@.isbn].title", "Sayings Sword"},
	      {"$..book[?length(@.title) == 5].title", "Sword Rings"},
	      {"$.store[?count(@.*) == 4].title", ""},
	      {"$.store.book[?@.price == $.store.book[2].price].title", "Moby"});
}

static void test_jsonpath_slices(void **state)
{
	(void)state;
	CHECK("[0,1,2,3,4,5,6,7,8,9]", {"$[1:3]", "1 2"}, {"$[5:]", "5 6 7 8 9"},
	      {"$[1:5:2]", "1 3"}, {"$[5:1:-2]", "5 3"}, {"$[::-1]", "9 8 7 6 5 4 3 2 1 0"},
	      {"$[:]", "0 1 2 3 4 5 6 7 8 9"}, {"$[-3:]", "7 8 9"}, {"$[:-8]", "0 1"},
	      {"$[-1:-4:-1]", "9 8 7"}, {"$[::0]", ""}, {"$[3:2]", ""}, {"$[99:]", ""},
	      {"$[-99:1]", "0"}, {"$[99:7:-1]", "9 8"}, {"$[ 1 : 2 : 1 ]", "1"},
	      {"$[0,0,-1]", "0 0 9"}, {"$[10]", ""}, {"$[-11]", ""}, {"$[-10]", "0"},
	      {"$['0']", ""}, {"$[0:2,5]", "0 1 5"}, {"$[::9007199254740991]", "0"});
	CHECK("{\"a\": 1}", {"$[0]", ""}, {"$[:]", ""});
}

static void test_jsonpath_names(void **state)
{
	(void)state;
	CHECK("{\"a\": 1, \"\": 2, \"\\u263a\": 3, \"a b\": 4, \"it's\": 5, \"\\ud834\\udd1e\": 6,"
	      " \"\\\"\": 7, \"\\\\\": 8, \"\\t\": 9, \"true\": 10, \"0\": 11, \"/\": 12}",
	      {"$.a", "1"}, {"$['']", "2"}, {"$.\xe2\x98\xba", "3"}, {"$[\"\\u263A\"]", "3"},
	      {"$['a b']", "4"}, {"$['it\\'s']", "5"}, {"$[\"it's\"]", "5"},
	      {"$['\\uD834\\uDD1E']", "6"}, {"$[\"\\\"\"]", "7"}, {"$['\\\\']", "8"},
	      {"$['\\t']", "9"}, {"$.true", "10"}, {"$['0']", "11"}, {"$['\\/']", "12"},
	      {"$.b", ""}, {"$.a.b", ""}, {"$ ['a']", "1"}, {"$\n.a", "1"}, {"$['a' , '']", "1 2"},
	      {"$['\\u0000']", ""});
}

static void test_jsonpath_descends_parents_first(void **state)
{
	(void)state;
	CHECK("{\"o\": {\"j\": 1, \"k\": 2}, \"a\": [5, 3, [{\"j\": 4}, {\"k\": 6}]]}",
	      {"$..j", "1 4"}, {"$..[0]", "5 {1}"}, {"$..[*]", "{2} [3] 1 2 5 3 [2] {1} {1} 4 6"},
	      {"$..*", "{2} [3] 1 2 5 3 [2] {1} {1} 4 6"}, {"$..o", "{2}"},
	      {"$.o..[*, *]", "1 2 1 2"}, {"$.a..[0, 1]", "5 3 {1} {1}"},
	      {"$..['j','k']", "1 2 4 6"}, {"$.a[-1]..j", "4"});
}

/* RFC 9535, 2.3.5.3 */
static void test_jsonpath_filters(void **state)
{
	(void)state;
	CHECK("{\"a\": [3, 5, 1, 2, 4, 6, {\"b\": \"j\"}, {\"b\": \"k\"}, {\"b\": {}},"
	      " {\"b\": \"kilo\"}], \"o\": {\"p\": 1, \"q\": 2, \"r\": 3, \"s\": 5,"
	      " \"t\": {\"u\": 6}}, \"e\": \"f\"}",
	      {"$.a[?@.b == 'kilo'].b", "kilo"}, {"$.a[?(@.b == 'kilo')].b", "kilo"},
	      {"$.a[?@>3.5]", "5 4 6"}, {"$.a[?@.b].b", "j k {0} kilo"}, {"$[?@.*]", "[10] {5}"},
	      {"$[?@[?@.b]]", "[10]"}, {"$.o[?@<3, ?@<3]", "1 2 1 2"},
	      {"$.a[?@<2 || @.b == \"k\"]", "1 {1}"}, {"$.a[?match(@.b, '[jk]')].b", "j k"},
	      {"$.a[?search(@.b, \"[jk]\")].b", "j k kilo"}, {"$.o[?@>1 && @<4]", "2 3"},
	      {"$.o[?@.u || @.x]", "{1}"}, {"$.a[?@.b == $.x]", "3 5 1 2 4 6"},
	      {"$.a[?@ == @]", "3 5 1 2 4 6 {1} {1} {1} {1}"}, {"$[?@ == 'f']", "f"},
	      {"$.a[?@.b == @.x].b", ""}, {"$.a[?!(@.b == 'j') && @.b].b", "k {0} kilo"},
	      {"$.a[?@.b > 'j' || @ == 1]", "1 {1} {1}"});
	CHECK("[1, 1.0, \"1\", true, null, [1, 2], {\"x\": [1]}, {\"x\": [1.0]}, -0, 1e2]",
	      {"$[?@ == 1]", "1 1"}, {"$[?@ == '1']", "1"}, {"$[?@ == true]", "true"},
	      {"$[?@ == null]", "null"}, {"$[?@ == $[5]]", "[2]"}, {"$[?@ == $[6]]", "{1} {1}"},
	      {"$[?@ == -0]", "0"}, {"$[?@ == 100]", "100"}, {"$[?@ == 1E+2]", "100"},
	      {"$[?@ < true]", ""}, {"$[?@ <= true]", "true"}, {"$[?@ <= null]", "null"},
	      {"$[?@ != 1 && @ < 50]", "0"}, {"$[?length(@) == 2]", "[2]"},
	      {"$[?length(@) == 1]", "1 {1} {1}"},
	      {"$[?length(@.zz) == value($..zz)]", "1 1 1 true null [2] {1} {1} 0 100"},
	      {"$[?count(@.*) > 1]", "[2]"}, {"$[?value(@.*) == $[6].x]", "{1} {1}"},
	      {"$[?match(@, 1)]", ""}, {"$[?!match(@, 'x') && @ == '1']", "1"});
	CHECK("[{\"a\": 1, \"b\": 0}, {\"a\": 1, \"c\": 0}, {\"b\": 1}, {\"b\": 1, \"c\": 2}]",
	      {"$[?@.a || @.b && @.c]", "{2} {2} {2}"}, {"$[?(@.a || @.b) && @.c]", "{2} {2}"},
	      {"$[?@.a&&@.b||@.c]", "{2} {2} {2}"}, {"$[? ! @.a ]", "{1} {2}"},
	      {"$[?length(@) == 2 && !(@.c)]", "{2}"});
}

static const char *const wrong[] = {
	"",
	"a",
	" $",
	"$ ",
	"$.",
	"$..",
	"$a",
	"$.1",
	"$.&",
	"$. a",
	"$.. a",
	"$[]",
	"$[,0]",
	"$[0,]",
	"$[0 2]",
	"$[01]",
	"$[-0]",
	"$[1.0]",
	"$[+1]",
	"$[- 1]",
	"$[1e1]",
	"$[9007199254740992]",
	"$[-9007199254740992]",
	"$[::9007199254740992]",
	"$[1:2:3:4]",
	"$[a]",
	"$['a]",
	"$['a\"]",
	"$['\\a']",
	"$['\\\"']",
	"$[\"\\'\"]",
	"$['\\u12']",
	"$['\\uD800']",
	"$['\\uDC00']",
	"$['\\uD800\\u0041']",
	"$['\n']",
	"$[@.a]",
	"$[$.a]",
	"$[?]",
	"$[?1]",
	"$[?true]",
	"$[?'a']",
	"$[?true && @.a]",
	"$[?@.a == ]",
	"$[?@.a = 1]",
	"$[?@.a === 1]",
	"$[?@.a == 01]",
	"$[?@.a == 1.]",
	"$[?@.a == .1]",
	"$[?@.a == 1e]",
	"$[?@.a == +1]",
	"$[?@.a == True]",
	"$[?@.a == truE]",
	"$[?@.a == NULL]",
	"$[?@..a == 1]",
	"$[?@.* == 1]",
	"$[?@[0,1] == 1]",
	"$[?@[0:1] == 1]",
	"$[?!@.a == 1]",
	"$[?!!@.a]",
	"$[?(@.a]",
	"$[?@.a)]",
	"$[?@.a & @.b]",
	"$[?@.a | @.b]",
	"$[?@.a and @.b]",
	"$[?nope(@)]",
	"$[?Length(@) == 1]",
	"$[?length (@) == 1]",
	"$[?length(@)]",
	"$[?length() == 1]",
	"$[?length(@.a, 1) == 1]",
	"$[?length(@.*) == 1]",
	"$[?count(1) == 1]",
	"$[?count(@.*, 1) == 1]",
	"$[?count('a') == 1]",
	"$[?value('a') == 1]",
	"$[?value(@.a)]",
	"$[?match(@.a)]",
	"$[?match(@.a, 'a') == true]",
	"$[?match(@.*, 'a')]",
	"$[?match(@, match(@, 'a'))]",
	"$[?match(@, '[')]",
	"$[?match(@, '\\\\d')]",
	"$[?search(@, 'a**')]",
	"$[?length(@ == 1) == 1]",
	"$[?@.a == 1e999]",
	"$.a b",
	"$['a'] x",
	"$\x01",
	"$.a\xff",
};

static void test_jsonpath_refuses_what_is_none(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct jsonpath *p = NULL;
		struct err e = {0};

		if (jsonpath_parse(a, wrong[i], strlen(wrong[i]), &p, &e) == 0)
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(e.class, ERR_DEFINITION);
	}
	assert_int_equal(jsonpath_parse(a, "$['\0']", 6, &(struct jsonpath *){NULL}, NULL), -1);
	arena_free(a);
}

static void test_jsonpath_errors_name_the_place(void **state)
{
	static const struct row rows[] = {
		{"$.a[?@.b == 01]", "\"$.a[?@.b == 01]\" is no JSONPath: character 13: a number "
				    "does not begin with 0"},
		{"$.\xc3\xa4.1",
		 "\"$.\xc3\xa4.1\" is no JSONPath: character 5: a name or * belongs "
		 "here; others are ['name']"},
		{"$[?@.* == 1]", "\"$[?@.* == 1]\" is no JSONPath: character 4: only a query for "
				 "one place can be compared"},
		{"$[?match(@, 'a\\\\d')]",
		 "\"$[?match(@, 'a\\\\\\\\d')]\" is no JSONPath: character "
		 "13: the pattern is no I-Regexp (RFC 9485)"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jsonpath *p = NULL;
		struct err e = {0};

		assert_int_equal(jsonpath_parse(a, rows[i].query, strlen(rows[i].query), &p, &e),
				 -1);
		assert_string_equal(e.message, rows[i].selects);
	}
	arena_free(a);
}

static void test_jsonpath_knows_singular_queries(void **state)
{
	static const char *const singular[] = {"$", "$.a", "$['a'][0]", "$[-1].b"};
	static const char *const several[] = {"$.*", "$..a", "$[0,1]", "$[0:1]", "$[?@.a]"};
	struct arena *a = arena_new();
	struct jsonpath *p;

	(void)state;
	for (size_t i = 0; i < sizeof(singular) / sizeof(singular[0]); i++) {
		assert_int_equal(jsonpath_parse(a, singular[i], strlen(singular[i]), &p, NULL), 0);
		assert_true(jsonpath_is_singular(p));
	}
	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
		assert_int_equal(jsonpath_parse(a, several[i], strlen(several[i]), &p, NULL), 0);
		assert_false(jsonpath_is_singular(p));
	}
	arena_free(a);
}

static void test_jsonpath_compares_exactly(void **state)
{
	(void)state;
	CHECK("[9007199254740993, 9007199254740992, 9007199254740992.0]",
	      {"$[?@ == 9007199254740993]", "9007199254740993"},
	      {"$[?@ == 9007199254740992]", "9007199254740992 9.0072e+15"},
	      {"$[?@ > 9007199254740992.0]", "9007199254740993"});
	CHECK("[18446744073709551615]", {"$[?@ > 1]", "1.84467e+19"},
	      {"$[?@ == 18446744073709551615]",
	       "error: the query compares an integer beyond 2^63 with a number that cannot be told "
	       "from it"});
}

static void test_jsonpath_gives_up_on_work_without_end(void **state)
{
	static const char *const readers[] = {
		"$[?length($[0]) < @]",
		"$[?$[0] != $[0]]",
		"$[?$[0] < $[0]]",
		"$[?search($[0], 'ab')]",
	};
	struct arena *a = arena_new();
	struct buf b;
	const char *is;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_putc(&b, '[');
	for (int i = 0; i < 3000; i++)
		(void)buf_puts(&b, "1,");
	(void)buf_puts(&b, "1]");
	is = selected(a, b.data, "$[?@ < count($..*)]");
	assert_string_equal(is, "error: the query looked at more than 5000000 nodes and was given "
				"up");
	buf_reset(&b);
	(void)buf_puts(&b, "[\"");
	for (int i = 0; i < 200; i++)
		(void)buf_putc(&b, 'a');
	(void)buf_puts(&b, "\"]");
	is = selected(a, b.data, "$[?match(@, '(a*)*[bc]')]");
	assert_non_null(strstr(is, "error: could not match the pattern"));
	/* A long text, read for each of many items. */
	buf_reset(&b);
	(void)buf_puts(&b, "[\"");
	for (int i = 0; i < 1 << 20; i++)
		(void)buf_putc(&b, 'a');
	(void)buf_puts(&b, "\"");
	for (int i = 0; i < 3000; i++)
		(void)buf_puts(&b, ",1");
	(void)buf_putc(&b, ']');
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		assert_string_equal(selected(a, b.data, readers[i]),
				    "error: the query looked at more than 5000000 nodes and was "
				    "given up");
	/* 2,000 arrays deep: a stack of our own. */
	buf_reset(&b);
	for (int i = 0; i < 2000; i++)
		(void)buf_putc(&b, '[');
	for (int i = 0; i < 2000; i++)
		(void)buf_putc(&b, ']');
	assert_string_equal(selected(a, b.data, "$[?count(@..*) == 1998]"), "[1]");
	buf_release(&b);
	arena_free(a);
}

static void test_jsonpath_nests_so_deep_and_no_deeper(void **state)
{
	struct arena *a = arena_new();
	struct buf b;
	struct jsonpath *p;
	struct err e = {0};

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, "$[?");
	for (int i = 0; i < 2000; i++)
		(void)buf_putc(&b, '(');
	assert_int_equal(jsonpath_parse(a, b.data, b.len, &p, &e), -1);
	assert_non_null(strstr(e.message, "nested too deep"));
	for (int i = 0; i < 3000; i++)
		(void)buf_putc(&b, '(');
	e = (struct err){0};
	assert_int_equal(jsonpath_parse(a, b.data, b.len, &p, &e), -1);
	assert_non_null(strstr(e.message, "at most 4096 bytes"));
	buf_release(&b);
	arena_free(a);
}

static void test_iregexp_becomes_a_pattern(void **state)
{
	static const struct row rows[] = {
		{"a.b", "(?:a[^\\n\\r]b)"},
		{"(a|b)*", "(?:(?:a|b)*)"},
		{"[a-z-]", "(?:[a-z\\-])"},
		{"[^-0-9.]", "(?:[^\\-0-9\\.])"},
		{"\\p{Lu}\\P{N}", "(?:\\p{Lu}\\P{N})"},
		{"[\\p{L}_]{2,3}", "(?:[\\p{L}_]{2,3})"},
		{"x{2}y{3,}", "(?:x{2}y{3,})"},
		{"^a$", "(?:\\Aa\\z)"},
		{"\\.\\n\\[\\^", "(?:\\.\\n\\[\\^)"},
		{"#~&", "(?:\\#\\~\\&)"},
		{"", "(?:)"},
		{"[\\]]", "(?:[\\]])"},
		/* What PCRE2 knows and RFC 9485 does not. */
		{"\\d", NULL},
		{"\\b", NULL},
		{"(?i)a", NULL},
		{"(?=a)", NULL},
		{"a*?", NULL},
		{"a++", NULL},
		{"[[:alpha:]]", NULL},
		{"\\p{Greek}", NULL},
		{"\\p{Lx}", NULL},
		{"\\pL", NULL},
		{"(a)\\1", NULL},
		{"a{,3}", NULL},
		{"a{2", NULL},
		{"(a", NULL},
		{"a)", NULL},
		{"[]", NULL},
		{"[a", NULL},
		{"[a--b]", NULL},
		{"*", NULL},
		{"\\", NULL},
		{"]", NULL},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at;
		const char *is = iregexp_translate(a, rows[i].query, strlen(rows[i].query), &at);

		if ((is == NULL) != (rows[i].selects == NULL) ||
		    (is != NULL && strcmp(is, rows[i].selects) != 0))
			fail_msg("%s becomes %s", rows[i].query, is != NULL ? is : "nothing");
	}
	arena_free(a);
}

static void test_jsonpath_matches_texts(void **state)
{
	(void)state;
	CHECK("[\"abc\", \"xabc\", \"ab\\ncd\", \"\\u0416\", \"a\\u2028c\", 5, \"a.c\", \"a]c\"]",
	      {"$[?match(@, 'abc')]", "abc"}, {"$[?search(@, 'abc')]", "abc xabc"},
	      {"$[?match(@, '^ab.*')]", "abc"},
	      {"$[?search(@, '^a')]", "abc ab\ncd a\xe2\x80\xa8"
				      "c a.c a]c"},
	      {"$[?search(@, '^c')]", ""}, {"$[?search(@, 'b$')]", ""},
	      {"$[?match(@, '\\\\p{Lu}')]", "\xd0\x96"},
	      {"$[?match(@, 'a.c')]", "abc a\xe2\x80\xa8"
				      "c a.c a]c"},
	      {"$[?match(@, 'a\\\\.c')]", "a.c"}, {"$[?match(@, 'a[\\\\].]c')]", "a.c a]c"});
	CHECK("{\"re\": \"b.?b\", \"bad\": \"(\", \"v\": [\"bab\", \"bbab\", \"b\"]}",
	      {"$.v[?match(@, $.re)]", "bab"}, {"$.v[?search(@, $.re)]", "bab bbab"},
	      {"$.v[?search(@, value($..re))]", "bab bbab"}, {"$.v[?search(@, $.bad)]", ""},
	      {"$.v[?!search(@, $.bad)]", "bab bbab b"}, {"$.v[?search(@, $.none)]", ""});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jsonpath_selects_as_the_rfc_shows),
		cmocka_unit_test(test_jsonpath_slices),
		cmocka_unit_test(test_jsonpath_names),
		cmocka_unit_test(test_jsonpath_descends_parents_first),
		cmocka_unit_test(test_jsonpath_filters),
		cmocka_unit_test(test_jsonpath_refuses_what_is_none),
		cmocka_unit_test(test_jsonpath_errors_name_the_place),
		cmocka_unit_test(test_jsonpath_knows_singular_queries),
		cmocka_unit_test(test_jsonpath_compares_exactly),
		cmocka_unit_test(test_jsonpath_gives_up_on_work_without_end),
		cmocka_unit_test(test_jsonpath_nests_so_deep_and_no_deeper),
		cmocka_unit_test(test_iregexp_becomes_a_pattern),
		cmocka_unit_test(test_jsonpath_matches_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
