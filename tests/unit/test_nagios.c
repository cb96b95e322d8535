/*
 * Plugin output: ranges as the guidelines' table and the plugins' own tests have them, performance
 * data as plugins of all ages write it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audits/nagios_read.h"
#include "runner/base/arena.h"

static struct nagios_range range(const char *text)
{
	struct nagios_range r;

	if (nagios_range_parse(text, strlen(text), &r) < 0)
		fail_msg("\"%s\" was refused", text);
	return r;
}

static void expect_range(const char *text, double start, double end, bool is_inside)
{
	struct nagios_range r = range(text);

	assert_true(r.start == start);
	assert_true(r.end == end);
	assert_int_equal(r.is_inside, is_inside);
}

static void test_nagios_reads_ranges(void **state)
{
	(void)state;
	expect_range("6", 0, 6, false);
	expect_range("-7:23", -7, 23, false);
	expect_range(":5.75", 0, 5.75, false);
	expect_range("~:-95.99", -INFINITY, -95.99, false);
	expect_range("12345678901234567890:", 12345678901234567890.0, INFINITY, false);
	expect_range("~:0", -INFINITY, 0, false);
	expect_range("@0:657.8210567", 0, 657.8210567, true);
	expect_range("@1:1", 1, 1, true);
	expect_range("1:1", 1, 1, false);
	expect_range("10:", 10, INFINITY, false);
	expect_range("~:", -INFINITY, INFINITY, false);
	expect_range("@10", 0, 10, true);
	expect_range("0", 0, 0, false);
	expect_range("1e3:2e3", 1000, 2000, false);
}

static void test_nagios_refuses_what_is_no_range(void **state)
{
	static const char *const texts[] = {"",	     "2:1", "@",  "x",	   "1:x",    "1,5",
					    "1:2:3", "~",   "@~", "1 : 2", "nan:10", "0x10"};
	struct nagios_range r;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (nagios_range_parse(texts[i], strlen(texts[i]), &r) == 0)
			fail_msg("\"%s\" was taken", texts[i]);
}

/* text, value, does it alert? */
static void alerts(const char *text, double value, bool expected)
{
	struct nagios_range r = range(text);

	if (nagios_range_alerts(&r, value) != expected)
		fail_msg("%g against \"%s\"", value, text);
}

static void test_nagios_alerts_as_the_plugins_do(void **state)
{
	const double large = 12345678901234567890.0;

	(void)state;
	/* The examples of the guidelines. */
	alerts("10", -1, true);
	alerts("10", 0, false);
	alerts("10", 10, false);
	alerts("10", 10.1, true);
	alerts("10:", 9.9, true);
	alerts("10:", 10, false);
	alerts("~:10", -1000, false);
	alerts("~:10", 10.5, true);
	alerts("10:20", 10, false);
	alerts("10:20", 20, false);
	alerts("10:20", 9, true);
	alerts("10:20", 21, true);
	alerts("@10:20", 10, true);
	alerts("@10:20", 20, true);
	alerts("@10:20", 9, false);
	/* Those of the plugins' own tests. */
	alerts("12345678901234567890:", large / 1.1, true);
	alerts("12345678901234567890:", large, false);
	alerts("12345678901234567890:", large * 2, false);
	alerts("~:0", 0.5, true);
	alerts("~:0", -10, false);
	alerts("~:0", 0, false);
	alerts("@0:657.8210567", 32.88, true);
	alerts("@0:657.8210567", -2, false);
	alerts("@0:657.8210567", 657.8210567, true);
	alerts("@0:657.8210567", 0, true);
	alerts("@1:1", 0.5, false);
	alerts("@1:1", 1, true);
	alerts("@1:1", 5.2, false);
	alerts("1:1", 0.5, true);
	alerts("1:1", 1, false);
	alerts("1:1", 5.2, true);
}

static struct nagios_output read_text(struct arena *a, const char *text)
{
	struct nagios_output o;

	nagios_read(a, NULL, text, strlen(text), &o);
	return o;
}

static const struct nagios_value *value_of(const struct nagios_output *o, const char *label)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->values[i]->label, label) == 0)
			return o->values[i];
	fail_msg("no \"%s\" among %zu", label, o->n);
	return NULL;
}

static double number_of(const struct nagios_output *o, const char *label, const char *unit)
{
	const struct nagios_value *v = value_of(o, label);

	if (v->problem)
		fail_msg("%s: %s", label, v->problem);
	assert_string_equal(v->unit, unit);
	return v->value.type == VALUE_INT ? (double)v->value.integer : v->value.real;
}

static void expect_number(const char *data, const char *label, double expected, const char *unit)
{
	struct arena *a = arena_new();
	struct nagios_output o = read_text(a, data);

	assert_float_equal(number_of(&o, label, unit), expected, 1e-12);
	arena_free(a);
}

static void test_nagios_reads_what_real_plugins_print(void **state)
{
	struct arena *a = arena_new();
	struct nagios_output o =
		read_text(a, "OK - 127.0.0.1: rta 0.051ms, lost 0%|rta=0.051ms;200.000;500.000;0; "
			     "pl=0%;40;80;; rtmax=0.164ms;;;; rtmin=0.011ms;;;; \n");

	(void)state;
	assert_string_equal(o.text, "OK - 127.0.0.1: rta 0.051ms, lost 0%");
	assert_null(o.problem);
	assert_int_equal(o.n, 4);
	assert_float_equal(number_of(&o, "rta", "s"), 0.051e-3, 1e-12);
	assert_true(value_of(&o, "rta")->number == 0.051);
	assert_string_equal(value_of(&o, "rta")->critical_text, "500.000");
	assert_true(value_of(&o, "rta")->critical.end == 500);
	assert_float_equal(number_of(&o, "pl", "%"), 0, 0);
	assert_null(value_of(&o, "rtmin")->critical_text);
	o = read_text(a, "DISK OK| /=29024583680B;267847005634;267847005634;0;270552530944");
	assert_int_equal(value_of(&o, "/")->value.integer, 29024583680);
	o = read_text(a, "PROCS OK: 140 processes | procs=140;1:10000;1:20000;0;");
	assert_true(value_of(&o, "procs")->critical.start == 1);
	arena_free(a);
}

/* What is no contradiction, though the guidelines' words would make it one. */
static void test_nagios_takes_no_range_for_what_it_may_not_be(void **state)
{
	struct arena *a = arena_new();
	struct nagios_output o = read_text(a, "OK|offset=-0.002s;60.000000;120.000000; "
					      "swap=2047MB;409;204;0;2047 t=5;1;2 l=1;20:;10:");

	(void)state;
	assert_false(nagios_range_alerts(&value_of(&o, "offset")->critical, -0.002));
	assert_true(nagios_range_alerts(&value_of(&o, "offset")->critical, 120.1));
	assert_null(value_of(&o, "swap")->critical_text);
	assert_true(nagios_range_alerts(&value_of(&o, "t")->critical, 5));
	assert_true(nagios_range_alerts(&value_of(&o, "l")->critical, 1));
	arena_free(a);
}

static void test_nagios_reads_long_output(void **state)
{
	struct arena *a = arena_new();
	struct nagios_output o = read_text(a, "DISK OK - free space: / 3326 MB (56%); | "
					      "/=2643MB;5948;5958;0;5968\n"
					      "/ 15272 MB (77%);\n"
					      "/boot 68 MB (69%);\n"
					      "/var/log 819 MB (84%); | /boot=68MB;88;93;0;98\n"
					      "/home=69357MB;253404;253409;0;253414 \n"
					      "/var/log=818MB;970;975;0;980\n");

	(void)state;
	assert_string_equal(o.text, "DISK OK - free space: / 3326 MB (56%);");
	assert_int_equal(o.n, 4);
	assert_float_equal(number_of(&o, "/", "B"), 2643e6, 1);
	assert_float_equal(number_of(&o, "/var/log", "B"), 818e6, 1);
	o = read_text(a, "OK\nlong text without = data\n");
	assert_int_equal(o.n, 0);
	assert_null(o.problem);
	arena_free(a);
}

static void test_nagios_reads_labels(void **state)
{
	(void)state;
	expect_number("OK|'a b'=1", "a b", 1, "");
	expect_number("OK|'it''s'=2", "it's", 2, "");
	expect_number("OK|'a=b'=3s", "a=b", 3, "s");
	expect_number("OK|'C:\\ used %'=4%;80;90", "C:\\ used %", 0.04, "%");
	expect_number("OK|x=1 'y z'=5 w=2", "y z", 5, "");
	expect_number("OK|d\xC3\xA9j\xC3\xA0=6", "d\xC3\xA9j\xC3\xA0", 6, "");
}

static void test_nagios_converts_units(void **state)
{
	(void)state;
	expect_number("OK|a=3us", "a", 3e-6, "s");
	expect_number("OK|a=3ms", "a", 3e-3, "s");
	expect_number("OK|a=3s", "a", 3, "s");
	expect_number("OK|a=50%", "a", 0.5, "%");
	expect_number("OK|a=3B", "a", 3, "B");
	expect_number("OK|a=3KB", "a", 3000, "B");
	expect_number("OK|a=3kB", "a", 3000, "B");
	expect_number("OK|a=3MiB", "a", 3145728, "B");
	expect_number("OK|a=3TB", "a", 3e12, "B");
	expect_number("OK|a=123c", "a", 123, "");
	expect_number("OK|a=3m", "a", 3, "m"); /* metres or minutes: its own */
	expect_number("OK|a=1200rpm", "a", 1200, "rpm");
	expect_number("OK|a=.5s", "a", 0.5, "s");
	expect_number("OK|a=-.5", "a", -0.5, "");
	expect_number("OK|a=1e-3s", "a", 1e-3, "s");
	expect_number("OK|a=5eur", "a", 5, "eur");
	expect_number("OK|a=1;;;;", "a", 1, "");
}

static void expect_problem(const char *data, const char *label, const char *words)
{
	struct arena *a = arena_new();
	struct nagios_output o = read_text(a, data);
	const struct nagios_value *v = value_of(&o, label);

	if (!v->problem || !strstr(v->problem, words))
		fail_msg("%s: %s", data, v->problem ? v->problem : "a value");
	arena_free(a);
}

static void test_nagios_says_why_there_is_no_value(void **state)
{
	(void)state;
	expect_problem("OK|a=U;1;2", "a", "could not tell");
	expect_problem("OK|a=", "a", "no value");
	expect_problem("OK|a=;1;2", "a", "no value");
	expect_problem("OK|a=0,5s", "a", "comma");
	expect_problem("OK|a=nan", "a", "no number");
	expect_problem("OK|a=inf", "a", "no number");
	expect_problem("OK|a=0x10", "a", "unit");
	expect_problem("OK|a=1-2", "a", "no number");
	expect_problem("OK|a=1e999", "a", "no number");
	expect_problem("OK|a=1 b=2 a=3", "a", "more than once");
	expect_problem("OK|a=1\nx|a=1", "a", "more than once");
	expect_problem("OK|a=1\xFF", "a", "unit");
}

static void test_nagios_keeps_one_bad_item_apart(void **state)
{
	static const char *const texts[] = {"OK|rubbish a=1", "OK|=5 a=1", "OK|'open=5\nx|a=1",
					    "OK|''=5 a=1", "OK|'x'y=5 a=1"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct arena *a = arena_new();
		struct nagios_output o = read_text(a, texts[i]);

		if (!o.problem || !strstr(o.problem, "no performance data"))
			fail_msg("%s: not told", texts[i]);
		assert_float_equal(number_of(&o, "a", ""), 1, 0);
		arena_free(a);
	}
}

static void test_nagios_bounds_what_it_keeps(void **state)
{
	struct arena *a = arena_new();
	size_t n = 0, max = NAGIOS_MAX_VALUES + 10;
	char *text = arena_alloc(a, max * 12 + 8);
	struct nagios_output o;

	(void)state;
	memcpy(text, "OK|", 3);
	n = 3;
	for (size_t i = 0; i < max; i++) {
		const char *item = arena_printf(a, "l%zu=1 ", i);

		memcpy(text + n, item, strlen(item));
		n += strlen(item);
	}
	nagios_read(a, NULL, text, n, &o);
	assert_int_equal(o.n, NAGIOS_MAX_VALUES);
	assert_non_null(strstr(o.problem, "more performance data"));
	nagios_read(a, NULL, "", 0, &o);
	assert_string_equal(o.text, "");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nagios_reads_ranges),
		cmocka_unit_test(test_nagios_refuses_what_is_no_range),
		cmocka_unit_test(test_nagios_alerts_as_the_plugins_do),
		cmocka_unit_test(test_nagios_reads_what_real_plugins_print),
		cmocka_unit_test(test_nagios_takes_no_range_for_what_it_may_not_be),
		cmocka_unit_test(test_nagios_reads_long_output),
		cmocka_unit_test(test_nagios_reads_labels),
		cmocka_unit_test(test_nagios_converts_units),
		cmocka_unit_test(test_nagios_says_why_there_is_no_value),
		cmocka_unit_test(test_nagios_keeps_one_bad_item_apart),
		cmocka_unit_test(test_nagios_bounds_what_it_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
