/* model: outcomes, units, measurements and what enters through probe_emit(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/redact.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"
#include "runner/model/outcome.h"
#include "runner/model/unit.h"

static const enum outcome all[] = {OUTCOME_UNDECIDED, OUTCOME_PASS, OUTCOME_WARN, OUTCOME_FAIL,
				   OUTCOME_SKIP};

static void test_outcome_joins_to_the_worse(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 5; k++) {
			enum outcome o = outcome_join(all[i], all[k]);

			assert_int_equal(o, outcome_join(all[k], all[i]));
			if (all[i] == OUTCOME_FAIL)
				assert_int_equal(o, OUTCOME_FAIL);
			else if (outcome_is_passing(o))
				assert_true(outcome_is_passing(all[i]) &&
					    outcome_is_passing(all[k]));
			for (size_t m = 0; m < 5; m++)
				assert_int_equal(
					outcome_join(o, all[m]),
					outcome_join(all[i], outcome_join(all[k], all[m])));
		}
	}
	assert_int_equal(outcome_join(OUTCOME_UNDECIDED, OUTCOME_SKIP), OUTCOME_UNDECIDED);
	assert_int_equal(outcome_join(OUTCOME_SKIP, OUTCOME_WARN), OUTCOME_SKIP);
	assert_int_equal(outcome_join(OUTCOME_PASS, OUTCOME_WARN), OUTCOME_WARN);
}

static void test_outcome_names_read_back(void **state)
{
	enum outcome o;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_true(outcome_from_name(outcome_name(all[i]), &o));
		assert_int_equal(o, all[i]);
	}
	assert_false(outcome_from_name("ok", &o));
}

static void check_format(double v, const char *unit, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	unit_format(&b, v, unit);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void test_unit_formats_for_people(void **state)
{
	(void)state;
	check_format(0.987, "%", "98.70 %");
	check_format(0.99998, "%", "99.998 %");
	check_format(1, "%", "100 %");
	check_format(0, "%", "0 %");
	check_format(0.0000012, "%", "0.00012 %");
	check_format(0.283, "s", "283 ms");
	check_format(0, "s", "0 s");
	check_format(92, "s", "92 s");
	check_format(3600, "s", "1 h");
	check_format(3660, "s", "61 min");
	check_format(10800, "s", "3 h");
	check_format(777600, "s", "9 d");
	check_format(1536, "B", "1.5 KiB");
	check_format(1297, "", "1297");
	check_format(99772, "", "99 772");
	check_format(-1234567, "orders", "-1 234 567 orders");
	check_format(1, "rows", "1 row");
	check_format(1, "categories", "1 category");
	check_format(0, "rows", "0 rows");
	check_format(3.14159, "", "3.142");
	check_format(NAN, "", "NaN");
}

static void check_beside(double v, double bound, const char *unit, const char *want,
			 const char *want_bound)
{
	struct buf b;

	buf_init(&b, 1000);
	unit_format_beside(&b, v, bound, unit);
	assert_string_equal(b.data, want);
	buf_reset(&b);
	unit_format_bound(&b, bound, unit);
	assert_string_equal(b.data, want_bound);
	buf_release(&b);
}

static void test_unit_tells_a_value_from_its_bound(void **state)
{
	(void)state;
	check_beside(0.99996, 1, "", "0.99996", "1");
	check_beside(0.5, 0.99996, "", "0.5", "0.99996");
	check_beside(0.999951, 0.999961, "", "0.999951", "0.999961");
	check_beside(2000.04, 2000.01, "points", "2000.04 points", "2000.01 points");
	check_beside(2.0001, 2, "s", "2.0001 s", "2 s");
	check_beside(1025, 1024, "B", "1025 B", "1 KiB");
	check_beside(0.98700001, 0.987, "%", "98.700001 %", "98.70 %");
	check_beside(3.14159, 3.14159, "", "3.142", "3.14159");
	check_beside(1e300, INFINITY, "", "1e+300", "infinity");
	/* what is read is on the side of the bound where it was judged, in whatever unit */
	check_beside(3600.4, 3600, "s", "3600.4 s", "1 h");
	check_beside(3599.8, 3600, "s", "3599.8 s", "1 h");
	check_beside(3600.5, 3601, "s", "60 min", "3601 s");
	check_beside(172700, 172800, "s", "172700 s", "2 d");
	check_beside(7000, 7200, "s", "117 min", "2 h");
	check_beside(999999999, 1e9, "B", "999999999 B", "1 GB");
	check_beside(1000000001, 1e9, "B", "954 MiB", "1 GB");
	check_beside(21e6, 20.5e6, "B", "20 MiB", "20.5 MB");
	check_beside(1025, 1026, "B", "1 KiB", "1026 B");
	check_beside(9007199254740994, 9007199254740992, "", "9007199254740994",
		     "9007199254740992");
	check_beside(2.00001, 2.00002, "orders", "2 orders", "2.00002 orders");
	check_beside(-2000.04, -2000.01, "", "-2000.04", "-2000.01");
	check_beside(1e15, 1e15, "", "1e+15", "1000000000000000");
}

static void check_integer(int64_t v, const char *unit, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	unit_format_integer(&b, v, unit);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void test_unit_shows_all_digits_of_an_integer(void **state)
{
	(void)state;
	check_integer(12970, "orders", "12 970 orders");
	check_integer(1, "rows", "1 row");
	check_integer(9007199254740993, "", "9 007 199 254 740 993");
	check_integer(INT64_MIN, "rows", "-9 223 372 036 854 775 808 rows");
	check_integer(-999999999999999, "", "-999 999 999 999 999");
	check_integer(INT64_C(1) << 60, "B", "1073741824 GiB");
	check_integer((INT64_C(1) << 60) + 1, "B", "1 152 921 504 606 846 977 B");
	check_integer(INT64_C(9007199254740995), "s", "9 007 199 254 740 995 s");
	check_integer(INT64_C(-9007199254740995), "B", "-9 007 199 254 740 995 B");
}

static void test_measurement_series_is_unambiguous(void **state)
{
	struct arena *a = arena_new();
	const struct label labels[] = {{"a", "x\"},b=\"y"}, {"c", "\\"}};
	struct measurement m = measurement_int("total", 1, "");

	(void)state;
	assert_string_equal(measurement_series(a, &m), "total");
	m.labels = labels;
	m.n_labels = 2;
	assert_string_equal(measurement_series(a, &m), "total{a=\"x\\\"},b=\\\"y\",c=\"\\\\\"}");
	arena_free(a);
}

static void test_probe_emit_refuses_what_is_no_number(void **state)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY};
	struct arena *a = arena_new();
	struct probe p = {.arena = a};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct measurement m = measurement_real("", bad[i], "s");

		probe_emit(&p, 0, &m);
		assert_int_equal(p.emitted[i].measurement.value.type, VALUE_NONE);
		assert_non_null(strstr(p.emitted[i].measurement.reason, "no measurement"));
	}
	arena_free(a);
}

static void test_probe_emit_bounds_evidence(void **state)
{
	struct arena *a = arena_new();
	struct probe p = {.arena = a};
	struct measurement m = measurement_int("", 1, "");
	char *text = arena_alloc(a, EVIDENCE_MAX_BYTES * 2 + 1);

	(void)state;
	for (size_t i = 0; i + 1 < EVIDENCE_MAX_BYTES * 2; i += 2)
		memcpy(text + i, "\xC3\xA9", 2); /* never cut inside a character */
	m.evidence = text;
	probe_emit(&p, 0, &m);
	assert_true(strlen(p.emitted[0].measurement.evidence) < EVIDENCE_MAX_BYTES);
	assert_non_null(strstr(p.emitted[0].measurement.evidence, "\xC3\xA9\n(cut here)"));
	arena_free(a);
}

static void test_model_masks_what_evidence_is_cut_at(void **state)
{
	struct arena *a = arena_new();
	struct redactor *redactor = redactor_new(a);
	const struct definition d = {.redactor = redactor};
	const struct probe_world world = {.definition = &d};
	struct probe p = {.world = &world, .arena = a};
	struct measurement m = measurement_int("", 1, "");
	char *text = arena_alloc(a, EVIDENCE_MAX_BYTES + 100);

	(void)state;
	redactor_add(redactor, "hunter2");
	m.evidence = text;
	for (size_t at = EVIDENCE_MAX_BYTES - 40; at < EVIDENCE_MAX_BYTES; at++) {
		memset(text, 'x', EVIDENCE_MAX_BYTES + 99);
		memcpy(text + at, "hunter2", 7);
		probe_emit(&p, 0, &m);
		assert_null(strstr(p.emitted[p.n_emitted - 1].measurement.evidence, "hu"));
		assert_true(strlen(p.emitted[p.n_emitted - 1].measurement.evidence) <
			    EVIDENCE_MAX_BYTES);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcome_joins_to_the_worse),
		cmocka_unit_test(test_outcome_names_read_back),
		cmocka_unit_test(test_unit_formats_for_people),
		cmocka_unit_test(test_unit_tells_a_value_from_its_bound),
		cmocka_unit_test(test_unit_shows_all_digits_of_an_integer),
		cmocka_unit_test(test_measurement_series_is_unambiguous),
		cmocka_unit_test(test_probe_emit_refuses_what_is_no_number),
		cmocka_unit_test(test_probe_emit_bounds_evidence),
		cmocka_unit_test(test_model_masks_what_evidence_is_cut_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
