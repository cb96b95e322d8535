/* distribution: the scale of the picture, the picture, and its place on the page. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/svg_distribution.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "tests/unit/report_fixture.h"

static size_t count(const char *text, const char *needle)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, needle)) != NULL; at += strlen(needle))
		n++;
	return n;
}

static void test_distribution_scale_leaves_out_what_is_far(void **state)
{
	static const double values[] = {10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 900};
	static const double before[] = {8, 9, 10, 30, 9, 9, 9, 9, 9, 9};
	const struct sample_run run = {.run_id = 1, .values = before, .n = 10};
	struct distribution d = {.values = values, .n = 11};

	(void)state;
	assert_true(distribution_fit(&d));
	assert_true(d.low == 10 && d.high == 20);
	assert_int_equal(d.n_beyond, 1);
	/* the middle 80 % of a run before: 8 to 10 */
	d.before = &run;
	d.n_before = 1;
	assert_true(distribution_fit(&d));
	assert_true(d.low == 8 && d.high == 20);
	/* a bound is on the scale when there is room for it */
	d.has_limit = true;
	d.limit = 30;
	assert_true(distribution_fit(&d));
	assert_true(d.high == 30);
	d.limit = 3000;
	assert_true(distribution_fit(&d));
	assert_true(d.high == 20);
	d.n = 0;
	assert_false(distribution_fit(&d));
}

static void test_distribution_blocks_count(void **state)
{
	static const double values[] = {0, 0, 0, 0, 5, 10}, same[] = {3, 3, 3};
	struct distribution d = {.values = values, .n = 6, .low = 0, .high = 10};
	struct buf b;

	(void)state;
	buf_init(&b, BUF_UNBOUNDED);
	distribution_blocks(&b, &d, values, 6, 5);
	assert_string_equal(b.data, "\xE2\x96\x88 \xE2\x96\x82 \xE2\x96\x82");
	buf_reset(&b);
	d = (struct distribution){.values = same, .n = 3, .low = 3, .high = 3};
	distribution_blocks(&b, &d, same, 3, 3);
	assert_string_equal(b.data, " \xE2\x96\x88 ");
	buf_release(&b);
}

static void test_distribution_draws_rows_and_dots(void **state)
{
	static const double values[] = {1, 2, 3, 4};
	struct sample_run before[30];
	struct distribution d = {.values = values, .n = 4, .before = before, .n_before = 30};
	const struct distribution_labels labels = {.title = "t", .limit = "limit"};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < 30; i++)
		before[i] = (struct sample_run){.values = values, .n = 4};
	buf_init(&b, BUF_UNBOUNDED);
	assert_true(distribution_fit(&d));
	svg_distribution(&b, &d, OUTCOME_FAIL, &labels);
	assert_int_equal(count(b.data, "<circle class=\"d bad\""), 4);
	assert_int_equal(count(b.data, "<line class=\"l\""), DISTRIBUTION_MAX_ROWS);
	assert_int_equal(count(b.data, ">limit<"), 0);
	assert_null(strstr(b.data, "nan"));
	/* one value and nothing before it: no scale, still a picture */
	d = (struct distribution){.values = values, .n = 1, .has_limit = true, .limit = 1};
	buf_reset(&b);
	assert_true(distribution_fit(&d));
	svg_distribution(&b, &d, OUTCOME_PASS, &labels);
	assert_int_equal(count(b.data, "<circle class=\"d\""), 1);
	assert_null(strstr(b.data, "nan"));
	buf_release(&b);
}

static void test_distribution_stands_on_the_page(void **state)
{
	struct arena *a = arena_new();
	struct buf one, two;
	struct report r;

	(void)state;
	buf_init(&one, BUF_UNBOUNDED);
	buf_init(&two, BUF_UNBOUNDED);
	fixture_report(a, &r);
	report_html(&one, &r);
	assert_null(strstr(one.data, "id=\"benchmarks\"")); /* no empty section */
	fixture_add_samples(a, &r, FIXTURE_SAMPLED);
	buf_reset(&one);
	report_html(&one, &r);
	report_html(&two, &r);
	assert_string_equal(one.data, two.data);
	assert_int_equal(count(one.data, "id=\"benchmarks\""), 1);
	assert_non_null(strstr(one.data, "api/home:total, 30 repetitions around "));
	assert_non_null(strstr(one.data, "beside 30 runs before\""));
	assert_non_null(strstr(one.data, "1 further right, up to 2.36 s"));
	/* a value nobody expects anything of has no figure */
	r.results[FIXTURE_SAMPLED].bound = "";
	buf_reset(&one);
	report_html(&one, &r);
	assert_null(strstr(one.data, "id=\"benchmarks\""));
	buf_release(&one);
	buf_release(&two);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distribution_scale_leaves_out_what_is_far),
		cmocka_unit_test(test_distribution_blocks_count),
		cmocka_unit_test(test_distribution_draws_rows_and_dots),
		cmocka_unit_test(test_distribution_stands_on_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
