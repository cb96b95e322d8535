/* db_numbers: sums, extremes and deviations that hold whatever the values, their order and parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "runner/io/db_numbers.h"

#define N 20000

static uint64_t seed = 20261126;

static double uniform(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) * 0x1p-53;
}

static void is_close(double got, double want, double within)
{
	if (!(fabs(got - want) <= within * fabs(want)))
		fail_msg("%.17g is not %.17g", got, want);
}

/* In two passes and 64 bits of mantissa. */
static void reference(const double *values, size_t n, long double *mean, long double *deviation)
{
	long double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	*mean = sum / (long double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - *mean) * (values[i] - *mean);
	*deviation = sqrtl(squares / (long double)(n - 1));
}

/* The values in n_parts parts of different lengths, merged. */
static struct db_numbers tell(const double *values, size_t n, size_t n_parts)
{
	struct db_numbers all = {0};
	size_t from = 0;

	for (size_t k = 0; k < n_parts; k++) {
		size_t to = k + 1 == n_parts ? n : n * (k + 1) * (k + 1) / (n_parts * n_parts);
		struct db_numbers part = {0};

		for (; from < to; from++)
			db_numbers_add_real(&part, values[from]);
		db_numbers_close(&part);
		db_numbers_merge(&all, &part);
	}
	return all;
}

static void check(const double *values, size_t n)
{
	static const size_t parts[] = {1, 2, 7, 64};
	long double mean, deviation;

	reference(values, n, &mean, &deviation);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct db_numbers t = tell(values, n, parts[i]);

		assert_int_equal(t.n_reals, n);
		is_close(db_numbers_mean(&t).real, (double)mean, 1e-15);
		is_close(db_numbers_deviation(&t).real, (double)deviation, 1e-12);
	}
}

static void test_db_numbers_agree_with_two_passes(void **state)
{
	static double values[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		values[i] = uniform();
	check(values, N);
	for (size_t i = 0; i < N; i++)
		values[i] = 1e9 + uniform();
	check(values, N);
	for (size_t i = 0; i < N; i++)
		values[i] = pow(10, 12 * uniform() - 6);
	check(values, N);
	for (size_t i = 0; i < N; i++) /* a trend: no block is like another */
		values[i] = (double)i * 1e3 + uniform();
	check(values, N);
	values[0] = 1e15; /* the first one is far from all others */
	check(values, N);
	for (size_t i = 0; i < N; i++)
		values[i] = i < N / 2 ? 1e12 + uniform() : uniform();
	check(values, N);
	check(values, 2);
	check(values, 65);
}

static void test_db_numbers_of_integers_are_exact(void **state)
{
	struct db_numbers t = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		db_numbers_add_integer(&t, INT64_MAX);
	for (int i = 0; i < 3; i++)
		db_numbers_add_integer(&t, INT64_MIN);
	db_numbers_close(&t);
	assert_int_equal(db_numbers_sum(&t).type, DB_INT);
	assert_int_equal(db_numbers_sum(&t).integer, -3);
	assert_true(db_numbers_mean(&t).real == -0.5);
	assert_int_equal(db_numbers_min(&t).integer, INT64_MIN);
	assert_int_equal(db_numbers_max(&t).integer, INT64_MAX);
	is_close(db_numbers_deviation(&t).real, 0x1p63 * sqrt(6.0 / 5), 1e-15);

	t = (struct db_numbers){0};
	for (int64_t i = 0; i < 4097; i++) /* beyond 2^53 no double tells them apart */
		db_numbers_add_integer(&t, 9007199254740993 + i % 2);
	db_numbers_close(&t);
	assert_int_equal(db_numbers_min(&t).integer, 9007199254740993);
	assert_int_equal(db_numbers_max(&t).integer, 9007199254740994);
	is_close(db_numbers_deviation(&t).real, sqrt(2048.0 * 2049 / 4097 / 4096), 1e-14);
}

static void test_db_numbers_beyond_64_bits_become_real(void **state)
{
	struct db_numbers t = {0};

	(void)state;
	db_numbers_add_integer(&t, INT64_MIN);
	db_numbers_add_integer(&t, -1);
	assert_int_equal(db_numbers_sum(&t).type, DB_REAL);
	assert_true(db_numbers_sum(&t).real == -0x1p63);
	db_numbers_add_integer(&t, 1);
	assert_int_equal(db_numbers_sum(&t).type, DB_INT);
	for (int i = 0; i < 4; i++)
		db_numbers_add_integer(&t, INT64_MAX);
	assert_true(db_numbers_sum(&t).real == 3 * 0x1p63);
}

static void test_db_numbers_mean_is_no_neighbour(void **state)
{
	struct db_numbers t = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		db_numbers_add_integer(&t, -9007199254740993);
	assert_int_equal(db_numbers_mean(&t).type, DB_INT);
	assert_int_equal(db_numbers_mean(&t).integer, -9007199254740993);
	db_numbers_add_integer(&t, -9007199254740994);
	assert_int_equal(db_numbers_mean(&t).type, DB_REAL);
	assert_true(db_numbers_mean(&t).is_cut);

	t = (struct db_numbers){0};
	for (int i = 0; i < 4; i++)
		db_numbers_add_integer(&t, INT64_MAX);
	assert_int_equal(db_numbers_mean(&t).integer, INT64_MAX);

	t = (struct db_numbers){0};
	db_numbers_add_integer(&t, 4);
	db_numbers_add_integer(&t, 5);
	assert_true(db_numbers_mean(&t).real == 4.5 && !db_numbers_mean(&t).is_cut);
	db_numbers_add_integer(&t, 6);
	assert_int_equal(db_numbers_mean(&t).type, DB_REAL);
	assert_true(db_numbers_mean(&t).real == 5 && !db_numbers_mean(&t).is_cut);
}

static void test_db_numbers_extremes_of_neighbours(void **state)
{
	struct db_numbers t = {0};

	(void)state;
	db_numbers_add_integer(&t, 9007199254740993);
	db_numbers_add_real(&t, 9007199254740992.0);
	assert_int_equal(db_numbers_max(&t).integer, 9007199254740993);
	assert_int_equal(db_numbers_min(&t).type, DB_REAL);

	t = (struct db_numbers){0};
	db_numbers_add_integer(&t, INT64_MAX);
	db_numbers_add_real(&t, 0x1p63);
	assert_int_equal(db_numbers_max(&t).type, DB_REAL);
	assert_int_equal(db_numbers_min(&t).integer, INT64_MAX);

	t = (struct db_numbers){0};
	db_numbers_add_integer(&t, 5);
	db_numbers_add_real(&t, 5.0);
	assert_int_equal(db_numbers_max(&t).type, DB_REAL);
}

static void test_db_numbers_mix_integers_and_reals(void **state)
{
	struct db_numbers t = {0}, other = {0};

	(void)state;
	db_numbers_add_integer(&t, 3);
	db_numbers_add_real(&t, 0.5);
	db_numbers_close(&t);
	assert_int_equal(db_numbers_min(&t).type, DB_REAL);
	assert_int_equal(db_numbers_max(&t).type, DB_INT);
	assert_int_equal(db_numbers_max(&t).integer, 3);
	assert_true(db_numbers_sum(&t).real == 3.5);
	db_numbers_add_real(&other, 10);
	db_numbers_add_integer(&other, -4);
	other.n_others = 2;
	db_numbers_close(&other);
	db_numbers_merge(&t, &other);
	assert_int_equal(t.n_others, 2);
	assert_int_equal(db_numbers_min(&t).integer, -4);
	assert_true(db_numbers_max(&t).real == 10);
	assert_true(db_numbers_mean(&t).real == 9.5 / 4);
	is_close(db_numbers_deviation(&t).real, sqrt((125.25 - 9.5 * 9.5 / 4) / 3), 1e-15);
}

static void test_db_numbers_say_when_there_is_no_answer(void **state)
{
	struct db_numbers t = {0}, none = {.n_others = 1};

	(void)state;
	db_numbers_close(&t);
	assert_int_equal(db_numbers_sum(&t).type, DB_NULL);
	assert_int_equal(db_numbers_min(&t).type, DB_NULL);
	assert_int_equal(db_numbers_mean(&t).type, DB_NULL);
	assert_int_equal(db_numbers_deviation(&t).type, DB_NULL);
	db_numbers_add_integer(&t, 7);
	db_numbers_close(&t);
	db_numbers_merge(&t, &none);
	assert_int_equal(t.n_others, 1);
	assert_int_equal(db_numbers_sum(&t).integer, 7);
	assert_int_equal(db_numbers_deviation(&t).type, DB_NULL);
	db_numbers_merge(&none, &t);
	assert_int_equal(none.n_others, 2);
	assert_int_equal(db_numbers_max(&none).integer, 7);
	db_numbers_add_real(&t, INFINITY);
	db_numbers_close(&t);
	assert_int_equal(db_numbers_deviation(&t).type, DB_NULL);
	assert_true(isinf(db_numbers_max(&t).real));
}

static void test_db_numbers_of_what_an_engine_says(void **state)
{
	struct db_value count = {.type = DB_INT, .integer = 3}, none = {.type = DB_NULL};
	struct db_value sum = {.type = DB_INT, .integer = 6}, text = {.type = DB_TEXT, .text = "6"};
	struct db_value real = {.type = DB_REAL, .real = 1.5};
	struct db_numbers t, part = {0};
	int64_t center = 9007199254740993;

	(void)state;
	assert_true(db_numbers_of(&count, &sum, &real, center, &t));
	assert_int_equal(db_numbers_sum(&t).integer, 3 * center + 6);
	is_close(db_numbers_deviation(&t).real, 1.5, 1e-15);
	for (int i = 1; i <= 3; i++)
		db_numbers_add_integer(&part, center + i);
	db_numbers_close(&part);
	db_numbers_merge(&t, &part);
	assert_int_equal(db_numbers_sum(&t).integer, 6 * center + 12);
	is_close(db_numbers_deviation(&t).real, sqrt((4.5 + 2) / 5), 1e-15);
	assert_true(db_numbers_of(&count, &sum, &real, -center, &t));
	assert_int_equal(db_numbers_sum(&t).integer, -3 * center + 6);
	assert_true(db_numbers_of(&count, &real, NULL, -1, &t));
	assert_true(db_numbers_sum(&t).real == -1.5 && db_numbers_mean(&t).real == -0.5);
	assert_int_equal(db_numbers_deviation(&t).type, DB_NULL);
	assert_false(db_numbers_of(&count, &text, NULL, 0, &t));
	assert_false(db_numbers_of(&count, &sum, &none, 0, &t));
	assert_false(db_numbers_of(&text, &sum, NULL, 0, &t));
	count.integer = 0;
	assert_true(db_numbers_of(&count, &none, &none, 7, &t));
	assert_int_equal(db_numbers_sum(&t).type, DB_NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_db_numbers_agree_with_two_passes),
		cmocka_unit_test(test_db_numbers_of_integers_are_exact),
		cmocka_unit_test(test_db_numbers_beyond_64_bits_become_real),
		cmocka_unit_test(test_db_numbers_mean_is_no_neighbour),
		cmocka_unit_test(test_db_numbers_extremes_of_neighbours),
		cmocka_unit_test(test_db_numbers_mix_integers_and_reals),
		cmocka_unit_test(test_db_numbers_say_when_there_is_no_answer),
		cmocka_unit_test(test_db_numbers_of_what_an_engine_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
