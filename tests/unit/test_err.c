/* err: one failure with where, what and what to do next; many of them; and how they look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"

static void test_err_is_set_once_and_given_context(void **state)
{
	struct err e = {.class = ERR_NONE};

	(void)state;
	assert_int_equal(err_set(&e, ERR_MEASURE, "could not open \"%s\": %s", "a.db", "denied"),
			 -1);
	assert_int_equal(err_context(&e, "check \"%s\"", "orders/fresh"), -1);
	assert_int_equal(err_help(&e, "chmod %s", "a.db"), -1);
	assert_int_equal(err_help(&e, "another"), -1);
	assert_int_equal(e.class, ERR_MEASURE);
	assert_null(e.pos.file);
	assert_string_equal(e.message, "check \"orders/fresh\": could not open \"a.db\": denied");
	assert_string_equal(e.help, "chmod a.db");
}

static void test_err_may_be_absent(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_USAGE, "x"), -1);
	assert_int_equal(err_at(NULL, ERR_USAGE, (struct pos){.line = 1}, "x"), -1);
	assert_int_equal(err_context(NULL, "x"), -1);
	assert_int_equal(err_help(NULL, "x"), -1);
}

static void test_err_takes_text_out_of_itself(void **state)
{
	struct err e = {.class = ERR_NONE};

	(void)state;
	(void)err_set(&e, ERR_RECORD, "disk full");
	(void)err_set(&e, e.class, "again: %s", e.message);
	assert_string_equal(e.message, "again: disk full");
	(void)err_context(&e, "%s", e.message);
	assert_string_equal(e.message, "again: disk full: again: disk full");
}

static void test_err_cuts_at_a_character(void **state)
{
	struct err e = {.class = ERR_NONE};
	char text[2000];

	(void)state;
	/* Two-byte characters, so that every second place to cut is wrong. */
	for (size_t lead = 0; lead < 2; lead++) {
		memset(text, 'x', lead);
		for (size_t i = lead; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xC3\xA4", 3);
		(void)err_set(&e, ERR_USAGE, "%s", text);
		assert_true(strlen(e.message) < sizeof(e.message));
		assert_true(strlen(e.message) > sizeof(e.message) - 8);
		assert_true(str_is_utf8(e.message, strlen(e.message)));
		assert_true(str_ends(e.message, "\xC3\xA4\xE2\x80\xA6"));
		(void)err_context(&e, "outer");
		assert_true(str_starts(e.message, "outer: "));
		assert_true(str_is_utf8(e.message, strlen(e.message)));
	}
}

static void test_err_classes_stand_for_exit_statuses(void **state)
{
	(void)state;
	assert_int_equal(err_exit_status(ERR_NONE), 0);
	assert_int_equal(err_exit_status(ERR_MEASURE), 2);
	assert_int_equal(err_exit_status(ERR_USAGE), 3);
	assert_int_equal(err_exit_status(ERR_DEFINITION), 3);
	assert_int_equal(err_exit_status(ERR_RECORD), 4);
	assert_int_equal(err_exit_status(ERR_INTERNAL), 70);
}

static void test_err_diags_keep_a_thousand_and_count_on(void **state)
{
	struct arena *a = arena_new();
	struct diags d;

	(void)state;
	diags_init(&d, a);
	for (uint32_t i = 0; i < 1500; i++)
		(void)diags_at(&d, (struct pos){.file = "a", .line = i + 1}, NULL, "%u", i);
	assert_int_equal(d.n, 1000);
	assert_int_equal(d.n_total, 1500);
	assert_string_equal(d.items[999].message, "999");
	assert_int_equal(d.items[999].class, ERR_DEFINITION);
	arena_free(a);
}

static void test_err_diags_sort_by_position_and_keep_order_within(void **state)
{
	static const struct pos places[] = {{"b", 1, 1},  {"a", 2, 5}, {"a", 2, 1},  {"a", 1, 9},
					    {NULL, 0, 0}, {"a", 2, 5}, {"a", 10, 1}, {"a", 2, 5}};
	static const char *const want = "4 3 2 1 5 7 6 0 ";
	struct arena *a = arena_new();
	struct diags d;
	char got[64] = "";

	(void)state;
	diags_init(&d, a);
	diags_sort(&d);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		(void)diags_at(&d, places[i], "do this", "%zu", i);
	diags_sort(&d);
	for (size_t i = 0; i < d.n; i++) {
		(void)strcat(strcat(got, d.items[i].message), " ");
		assert_string_equal(d.items[i].help, "do this");
	}
	assert_string_equal(got, want);
	(void)diags_at(&d, places[0], NULL, "more");
	assert_int_equal(d.n, 9);
	arena_free(a);
}

static const char *render(struct arena *a, uint32_t line, uint32_t col, const char *source)
{
	struct err e = {.class = ERR_NONE};
	struct pos pos = {.file = "a.yaml", .line = line, .col = col};
	const char *text;
	struct buf out;

	(void)err_at(&e, ERR_DEFINITION, pos, "bad");
	buf_init(&out, BUF_UNBOUNDED);
	err_render(&out, &e, source, source != NULL ? strlen(source) : 0);
	text = arena_strdup(a, out.data);
	buf_release(&out);
	return text;
}

static void test_err_renders_the_line_with_a_caret(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(render(a, 2, 3, "one\ntwo: 2\nthree"), "a.yaml:2:3: bad\n"
								   "    two: 2\n"
								   "      ^\n");
	assert_string_equal(render(a, 3, 6, "one\ntwo\nthree"), "a.yaml:3:6: bad\n"
								"    three\n"
								"         ^\n");
	assert_string_equal(render(a, 1, 1, "dos\r\nline\r\n"), "a.yaml:1:1: bad\n"
								"    dos\n"
								"    ^\n");
	arena_free(a);
}

static void test_err_renders_no_credentials_of_urls(void **state)
{
	struct arena *a = arena_new();
	char far[400];

	(void)state;
	assert_string_equal(render(a, 1, 4, "h: \"https://u:hunter2@h/a@b\", x: y@z"),
			    "a.yaml:1:4: bad\n"
			    "    h: \"https://*********@h/a@b\", x: y@z\n"
			    "       ^\n");
	assert_string_equal(render(a, 1, 19, "h: http://\xC3\xA4@h, z: http://p/q@r"),
			    "a.yaml:1:19: bad\n"
			    "    h: http://**@h, z: http://p/q@r\n"
			    "                      ^\n");
	assert_string_equal(render(a, 1, 1, "http://a:${env:B}@h"),
			    "a.yaml:1:1: bad\n    http://a:${env:B}@h\n    ^\n");
	/* It begins before what is shown of the line, or ends behind it. */
	(void)snprintf(far, sizeof(far), "http://%0100d:hunter2%0100d@h/", 0, 0);
	assert_null(strstr(render(a, 1, 120, far), "hunter2"));
	assert_null(strstr(render(a, 1, 1, far), "00"));
	arena_free(a);
}

static void test_err_renders_without_what_it_does_not_know(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_string_equal(render(a, 2, 3, NULL), "a.yaml:2:3: bad\n");
	assert_string_equal(render(a, 0, 0, "x"), "a.yaml: bad\n");
	assert_string_equal(render(a, 1, 0, "x"), "a.yaml:1: bad\n    x\n");
	assert_string_equal(render(a, 7, 1, "x\ny\n"), "a.yaml:7:1: bad\n");
	assert_string_equal(render(a, 1, 99, "xy\n"), "a.yaml:1:99: bad\n    xy\n      ^\n");
	assert_string_equal(render(a, 1, 1, ""), "a.yaml:1:1: bad\n");
	arena_free(a);
}

static void test_err_puts_the_caret_under_the_character(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	/* Columns are bytes: a-umlaut is two, the combining accent two and no column wide. */
	assert_string_equal(render(a, 1, 8,
				   "\xC3\xA4"
				   "e\xCC\x81: x"),
			    "a.yaml:1:8: bad\n"
			    "    \xC3\xA4"
			    "e\xCC\x81: x\n"
			    "        ^\n");
	assert_string_equal(render(a, 1, 4, "a\tbc"), "a.yaml:1:4: bad\n"
						      "    a       bc\n"
						      "             ^\n");
	/* What is made visible takes the columns it is made of. */
	assert_string_equal(render(a, 1, 3,
				   "\x1B"
				   "ab\\d"),
			    "a.yaml:1:3: bad\n"
			    "    \\x1bab\\d\n"
			    "         ^\n");
	arena_free(a);
}

static void test_err_shows_a_window_of_a_long_line(void **state)
{
	struct arena *a = arena_new();
	char *line = arena_alloc(a, 1000001);
	const char *text, *caret;

	(void)state;
	memset(line, 'x', 1000000);
	line[500000] = 'Y';
	text = render(a, 1, 500001, line);
	assert_true(strlen(text) < 500);
	caret = strstr(text, "^\n");
	assert_non_null(caret);
	/* The caret's line and the one above it begin alike; the ellipsis is three bytes wide. */
	assert_int_equal(caret[-1], ' ');
	text = strchr(text, '\n') + 1;
	assert_int_equal(strchr(text, 'Y') - text - 2, caret - (strchr(text, '\n') + 1));
	arena_free(a);
}

static void test_err_escapes_foreign_text(void **state)
{
	struct err e = {.class = ERR_NONE};
	struct buf out;

	(void)state;
	(void)err_set(&e, ERR_MEASURE, "got \"%s\"", "a\nb\x1B[2J\xE2\x80\xAE C:\\d");
	(void)err_help(&e, "first\nsecond \x07");
	buf_init(&out, BUF_UNBOUNDED);
	err_render(&out, &e, NULL, 0);
	assert_string_equal(out.data, "got \"a\\nb\\x1b[2J\\u{202E} C:\\d\"\n"
				      "help: first\n"
				      "      second \\x07\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_is_set_once_and_given_context),
		cmocka_unit_test(test_err_may_be_absent),
		cmocka_unit_test(test_err_takes_text_out_of_itself),
		cmocka_unit_test(test_err_cuts_at_a_character),
		cmocka_unit_test(test_err_classes_stand_for_exit_statuses),
		cmocka_unit_test(test_err_diags_keep_a_thousand_and_count_on),
		cmocka_unit_test(test_err_diags_sort_by_position_and_keep_order_within),
		cmocka_unit_test(test_err_renders_the_line_with_a_caret),
		cmocka_unit_test(test_err_renders_no_credentials_of_urls),
		cmocka_unit_test(test_err_renders_without_what_it_does_not_know),
		cmocka_unit_test(test_err_puts_the_caret_under_the_character),
		cmocka_unit_test(test_err_shows_a_window_of_a_long_line),
		cmocka_unit_test(test_err_escapes_foreign_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
