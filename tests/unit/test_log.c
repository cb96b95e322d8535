/* test_log: what a look at a log counts, shows and records. */
#include "log_world.h"

#include "audits/log_count.h"
#include "runner/base/redact.h"
#include "runner/model/pattern.h"

static void test_log_measures_nothing_at_the_first_look(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, pattern: ERROR }");
	add(w, "app.log", "ERROR\nhal");
	look(w);
	assert_int_equal(w->probe.n_emitted, 0);
	assert_string_equal(w->reason, "this is the first look at it: nothing was measured, it is "
				       "read on from here");
	add(w, "app.log", "f\nERROR\n");
	expect_look(w, 2, 1, 0);
}

static void test_log_reads_each_line_once(void **state)
{
	struct world *w = *state;
	const char *before;

	intact(w);
	expect_look(w, 0, 0, 0);
	add(w, "app.log", "ERROR with");
	before = w->cursor;
	expect_look(w, 0, 0, 0);
	add(w, "app.log", "out end\n");
	expect_look(w, 1, 1, 0);
	w->cursor = before; /* what was not recorded is read again */
	expect_look(w, 1, 1, 0);
	expect_evidence(w, "matches", "app.log, byte 20: ERROR without end");
}

static void test_log_takes_silence_for_no_answer(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, from: begin, pattern: ERROR, min_lines: 2 }");
	add(w, "app.log", "one\ntwo\n");
	expect_look(w, 2, 0, 0);
	add(w, "app.log", "three\n");
	look(w);
	assert_string_equal(value(w, "matches")->reason, "1 new lines, fewer than min_lines: 2");
	assert_int_equal(value(w, "rate")->value.type, VALUE_NONE);
	assert_int_equal(number(w, "lines"), 1);
	add(w, "app.log", "ERROR four\n"); /* found is found */
	expect_look(w, 1, 1, 0);
}

static void test_log_reckons_rates(void **state)
{
	struct world *w = *state;

	intact(w);
	assert_string_equal(value(w, "rate")->reason, "there was no look before this one");
	add(w, "app.log", "ERROR\nERROR\nfine\nfine\n");
	w->clock.fixed_ms += 4000;
	expect_look(w, 4, 2, 0);
	assert_true(value(w, "rate")->value.real == 0.5);
	assert_true(value(w, "matches")->share == 0.5);
	assert_int_equal(number(w, "bytes"), 22);
	add(w, "app.log", "fine\n");
	w->clock.fixed_ms -= 1;
	look(w);
	assert_string_equal(value(w, "rate")->reason, "the clock was set back since the last look");
}

static void test_log_refuses_a_place_that_cannot_be_read(void **state)
{
	static const char *const states[] = {
		"",
		"{}",
		"[]",
		"{\"version\":2}",
		"{\"version\":1,\"path\":\"app.log\",\"at\":1}",
		"{\"version\":1,\"path\":\"app.log\",\"at\":1,\"files\":[{}]}"};
	struct world *w = *state;
	const char *whole;
	int n_anew = 0;

	intact(w);
	whole = w->cursor;
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		w->cursor = states[i];
		expect_look(w, 3, 1, 1);
		expect_evidence(w, "lost", "cannot be read in the record");
	}
	/* Whatever byte of it is another: the place still holds, or all is read anew. */
	for (size_t i = 0; whole[i]; i++) {
		char *torn = arena_strdup(w->arena, whole);

		torn[i] = torn[i] == '1' ? '2' : '1';
		w->cursor = torn;
		look(w);
		n_anew += number(w, "lines") == 3;
		if (number(w, "lines") != 3 && (number(w, "lines") || number(w, "lost")))
			fail_msg("%s", torn);
	}
	assert_true(n_anew > 150); /* the digests alone are 64 */
}

static void test_log_of_another_path_is_another_log(void **state)
{
	struct world *w = *state;
	const char *cursor;

	intact(w);
	cursor = w->cursor;
	rename_to(w, "app.log", "other.log");
	define(w, "{ path: other.log, pattern: ERROR }");
	w->cursor = cursor;
	look(w);
	assert_non_null(strstr(w->reason, "the last look was at another log, \"app.log\": "
					  "nothing was measured"));
}

/* ---- lines ---- */

static void count_in_pieces(struct world *w, const char *text, size_t n, size_t piece,
			    struct log_count *c)
{
	struct pattern *pattern;
	const struct pattern **patterns = arena_array(w->arena, 1, sizeof(*patterns));
	struct log_rules *rules = arena_alloc(w->arena, sizeof(*rules));
	struct err e = {.class = ERR_NONE};

	assert_int_equal(pattern_compile(w->arena, "x$", 2, false, &pattern, &e), 0);
	patterns[0] = pattern;
	*rules = (struct log_rules){
		.patterns = patterns,
		.n = 1,
		.max_line = 256,
		.redactor = redactor_new(w->arena),
	};
	log_count_init(c, w->arena, rules);
	log_count_begin(c, "f", 0);
	for (size_t i = 0; i < n; i += piece)
		assert_int_equal(log_count_add(c, text + i, n - i < piece ? n - i : piece, &e), 0);
}

static void test_log_counts_the_same_in_pieces_of_any_size(void **state)
{
	static const char before[] = "x\r\nax\n\n", behind[] = "x\n12345678\nxb\n\0x\n\xff"
							       "x\nhalf";
	struct world *w = *state;
	char text[400];
	size_t n_before = sizeof(before) - 1, n = n_before + 300 + sizeof(behind) - 1;

	memset(text, '-', sizeof(text));
	memcpy(text, before, n_before);
	memcpy(text + n_before + 300, behind, sizeof(behind));
	for (size_t piece = 1; piece <= n; piece++) {
		struct log_count c;
		struct buf shown;

		count_in_pieces(w, text, n, piece, &c);
		assert_int_equal(c.lines, 8);
		assert_int_equal(c.matching, 4);
		assert_int_equal(c.unjudged, 1);
		assert_string_equal(c.why_unjudged, "f, byte 7: a line of 301 bytes, looked at as "
						    "far as max_line");
		assert_int_equal(log_count_pending(&c), 4);
		assert_int_equal(c.position, (int)n - 4);
		assert_int_equal(c.bytes, c.position);
		buf_init(&shown, 1000);
		log_count_show(&c, &shown);
		assert_string_equal(shown.data, "f, byte 0: x\nf, byte 3: ax\nf, byte 321: "
						"\\x00x\nf, byte 324: \\xffx");
		buf_release(&shown);
		log_count_end(&c);
		assert_int_equal(c.lines, 9);
		log_count_release(&c);
	}
}

static void test_log_shows_the_first_and_the_last(void **state)
{
	struct world *w = *state;

	intact(w);
	for (int i = 1; i <= 12; i++)
		add(w, "app.log", arena_printf(w->arena, "ERROR %d\n", i));
	expect_look(w, 12, 12, 0);
	expect_evidence(w, "matches", "ERROR 5\n(2 more)\napp.log, byte 76: ERROR 8\n");
	expect_evidence(w, "matches", "byte 101: ERROR 11\napp.log, byte 110: ERROR 12");
}

static void test_log_leaves_out_exceptions(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, from: begin, patterns: { a: { pattern: a }, b: { pattern: b } "
		  "}, except: fine }");
	add(w, "app.log", "a\nb\na b\na fine\n-\n");
	look(w);
	assert_int_equal(w->probe.emitted[0].measurement.value.integer, 2);
	assert_int_equal(w->probe.emitted[1].measurement.value.integer, 2);
	assert_string_equal(measurement_series(w->arena, &w->probe.emitted[1].measurement),
			    "matches{pattern=\"b\"}");
}

static void test_log_looks_between_carriage_returns(void **state)
{
	struct world *w = *state;

	define(w, "{ path: app.log, from: begin, patterns: { a: { pattern: ^ERROR }, b: { pattern: "
		  "done$ } }, except: \"^ERROR fine|first.*last\" }");
	add(w, "app.log",
	    "10%\r99%\rERROR disk\n10%\rERROR fine\rdone\n\rdone\r\r\n-\rfirst ERROR\n"
	    "first\rERROR last\rdone\n");
	look(w);
	assert_int_equal(w->probe.emitted[0].measurement.value.integer, 2);
	assert_int_equal(w->probe.emitted[1].measurement.value.integer, 3);
	assert_int_equal(w->probe.emitted[1].measurement.n_total, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_log_looks_between_carriage_returns),
		TEST(test_log_measures_nothing_at_the_first_look),
		TEST(test_log_reads_each_line_once),
		TEST(test_log_takes_silence_for_no_answer),
		TEST(test_log_reckons_rates),
		TEST(test_log_refuses_a_place_that_cannot_be_read),
		TEST(test_log_of_another_path_is_another_log),
		TEST(test_log_counts_the_same_in_pieces_of_any_size),
		TEST(test_log_shows_the_first_and_the_last),
		TEST(test_log_leaves_out_exceptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
