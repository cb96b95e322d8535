/* test_reconcile: what means the same on two engines is the same, and nothing else is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audits/reconcile_join.h"
#include "audits/reconcile_value.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/io/db.h"

static struct db_value integer(int64_t v)
{
	return (struct db_value){.type = DB_INT, .integer = v};
}

static struct db_value real(double v)
{
	return (struct db_value){.type = DB_REAL, .real = v};
}

static struct db_value text(const char *s)
{
	return (struct db_value){.type = DB_TEXT, .text = s, .len = strlen(s)};
}

static struct db_value blob(const char *s)
{
	return (struct db_value){.type = DB_BLOB, .text = s, .len = strlen(s)};
}

static struct db_value decimal(const char *s)
{
	struct db_value v = {.type = DB_REAL, .is_decimal = true, .text = s, .len = strlen(s)};

	(void)num_parse_real(s, v.len, &v.real); /* 1e400 is beyond it */
	return v;
}

static const struct db_value null = {.type = DB_NULL, .text = ""};

static bool is_same(struct db_value left, struct db_value right, const char *tolerance)
{
	struct reconcile_tolerance t = {0};
	struct buf l, r;

	if (tolerance)
		assert_int_equal(reconcile_tolerance_parse(tolerance, &t), 0);
	buf_init(&l, 65536);
	buf_init(&r, 65536);
	assert_int_equal(reconcile_put_value(&l, &left, NULL, NULL), 0);
	assert_int_equal(reconcile_put_value(&r, &right, "Europe/Berlin", NULL), 0);
	const char *x = l.data, *y = r.data;
	struct reconcile_cell a = reconcile_take(&x), b = reconcile_take(&y);
	bool result = reconcile_is_same(&a, &b, &t);

	assert_ptr_equal(x, l.data + l.len); /* all of it was read */
	assert_ptr_equal(y, r.data + r.len);
	buf_release(&l);
	buf_release(&r);
	return result;
}

static bool is_one_key(struct db_value left, struct db_value right)
{
	struct buf l, r;

	buf_init(&l, 65536);
	buf_init(&r, 65536);
	assert_int_equal(reconcile_put_key(&l, &left, NULL, NULL), 0);
	assert_int_equal(reconcile_put_key(&r, &right, NULL, NULL), 0);
	bool result = l.len == r.len && memcmp(l.data, r.data, l.len) == 0;

	buf_release(&l);
	buf_release(&r);
	return result;
}

static void test_reconcile_numbers(void **state)
{
	(void)state;
	assert_true(is_same(integer(1), real(1.0), NULL));
	assert_true(is_same(integer(1), text("1.0"), NULL));
	assert_true(is_same(real(12.5), text("12.50"), NULL));
	assert_false(is_same(text("12.5"), text("12.50"), NULL)); /* two texts are two texts */
	assert_false(is_same(integer(1), text("one"), NULL));
	assert_false(is_same(integer(9007199254740993), integer(9007199254740992), NULL));
	assert_false(is_same(integer(9223372036854775807), real(9.2e18), NULL));
	assert_true(is_same(integer(-9223372036854775807 - 1), real(-9223372036854775808.0), NULL));
	assert_false(is_same(integer(0), null, NULL));
	assert_true(is_same(null, null, NULL));
	assert_false(is_same(null, text(""), "1"));
}

static void test_reconcile_tolerance(void **state)
{
	struct reconcile_tolerance t;

	(void)state;
	assert_true(is_same(real(1.1), integer(1), "0.1"));
	assert_false(is_same(real(1.1001), integer(1), "0.1"));
	assert_true(is_same(real(1000000.01), integer(1000000), "0.01"));
	assert_true(is_same(integer(200), integer(198), "1%"));
	assert_false(is_same(integer(200), integer(197), "1%"));
	assert_false(is_same(integer(0), real(0.001), "50%")); /* a share of nothing */
	assert_false(is_same(text("a"), text("b"), "10"));
	assert_false(is_same(integer(5), real(INFINITY), "0.01"));
	assert_false(is_same(real(-INFINITY), real(0.5), "1%"));
	assert_false(is_same(real(INFINITY), real(-INFINITY), "1%"));
	assert_true(is_same(real(INFINITY), real(INFINITY), "1%"));
	assert_int_equal(reconcile_tolerance_parse("-1", &t), -1);
	assert_int_equal(reconcile_tolerance_parse("%", &t), -1);
	assert_int_equal(reconcile_tolerance_parse("", &t), -1);
	assert_int_equal(reconcile_tolerance_parse("1 %", &t), 0);
	assert_int_equal(reconcile_tolerance_parse("nan", &t), -1);
}

static void test_reconcile_decimals(void **state)
{
	(void)state;
	assert_true(is_same(decimal("1.50"), decimal("1.5"), NULL));
	assert_true(is_same(decimal("1.5"), real(1.5), NULL));
	assert_true(is_same(decimal("0.1"), real(0.1), NULL));
	assert_true(is_same(decimal("0.12345678901234567"), text("0.123456789012345670"), NULL));
	assert_false(is_same(decimal("0.12345678901234567"), text("0.12345678901234568"), NULL));
	assert_false(
		is_same(decimal("0.12345678901234567"), decimal("0.123456789012345671"), NULL));
	assert_false(
		is_same(decimal("12345678901234567890"), decimal("12345678901234567891"), NULL));
	assert_false(is_same(integer(9007199254740993), text("9007199254740992.0"), NULL));
	assert_false(is_same(integer(1), text("1.00000000000000000001"), NULL));
	/* A double has no more digits: what is nearest to it is it, whole numbers included. */
	assert_true(is_same(integer(9007199254740993), real(9007199254740992.0), NULL));
	assert_true(is_same(real(-9007199254740992.0), decimal("-9007199254740993"), NULL));
	assert_true(is_same(decimal("9007199254740992.9999"), real(9007199254740992.0), NULL));
	assert_false(is_same(integer(9007199254740994), real(9007199254740992.0), NULL));
	assert_false(is_same(integer(9007199254740995), real(9007199254740994.0), NULL));
	assert_true(is_same(integer(INT64_MAX), real(9223372036854775808.0), NULL));
	assert_true(is_same(decimal("5.00000000000000000001"), real(5), NULL));
	assert_false(is_same(decimal("5.000000000000001"), real(5), NULL));
	assert_true(is_same(text("9007199254740993"), real(9007199254740992.0), NULL));
	/* Apart they are by all digits. */
	assert_false(is_same(integer(1000000000000000256), real(1e18), "100"));
	assert_true(is_same(integer(1000000000000000256), real(1e18), "256"));
	assert_false(is_same(real(1000000000000000256.0), real(1e18), "100"));
	assert_true(is_same(decimal("0.1234567890123456789"), real(0.1234567890123456789), NULL));
	assert_false(is_same(decimal("1e400"), decimal("2e400"), NULL));
	assert_false(is_same(decimal("1e400"), real(NAN), NULL));
	assert_false(is_same(decimal("1e400"), real((double)INFINITY), NULL));
	assert_true(is_same(real((double)INFINITY), real((double)INFINITY), NULL));

	assert_true(is_same(decimal("12345678901234567890.51"), decimal("12345678901234567890.5"),
			    "0.01"));
	assert_false(is_same(decimal("12345678901234567890.511"), decimal("12345678901234567890.5"),
			     "0.01"));
	assert_true(is_same(decimal("1.1"), integer(1), "0.1"));
	assert_false(is_same(decimal("1.10000000000000000001"), integer(1), "0.1"));
	assert_true(is_same(integer(9007199254740993), integer(9007199254740992), "1"));
	assert_false(is_same(integer(9007199254740993), integer(9007199254740992), "0.5"));
	assert_true(
		is_same(decimal("100000000000000000000"), decimal("99000000000000000000"), "1%"));
	assert_false(is_same(decimal("100000000000000000000"), decimal("98999999999999999999.9"),
			     "1 %"));
	assert_true(is_same(decimal("-0.5"), decimal("0.5"), "200%"));
	assert_false(is_same(decimal("-0.5"), decimal("0.5"), "199.99999999999999999999%"));

	assert_true(is_one_key(decimal("0.5"), real(0.5)));
	assert_true(is_one_key(decimal("0.50"), decimal("0.5")));
	assert_true(is_one_key(decimal("0.123456789012345670"), decimal("0.12345678901234567")));
	assert_false(is_one_key(decimal("0.12345678901234567"), decimal("0.123456789012345671")));
	assert_false(is_one_key(decimal("12345678901234567890"), decimal("12345678901234567891")));
}

static void test_reconcile_times(void **state)
{
	(void)state;
	assert_true(is_same(text("2026-11-25T12:00:00Z"), text("2026-11-25T13:00:00+01:00"), NULL));
	assert_true(is_same(text("2026-11-25T12:00:00Z"), text("2026-11-25 13:00:00"), NULL));
	assert_true(is_same(text("2026-07-25T12:00:00Z"), text("2026-07-25 14:00:00.000"), NULL));
	assert_true(
		is_same(text("2026-11-25T12:00:00.1Z"), text("2026-11-25T12:00:00.100000Z"), NULL));
	assert_false(is_same(text("2026-11-25T12:00:00.123456Z"),
			     text("2026-11-25T12:00:00.123457Z"), NULL));
	assert_true(is_same(text("2026-11-25T12:00:00.123456Z"),
			    text("2026-11-25T12:00:00.123457Z"), "1ms"));
	assert_true(is_same(text("2026-11-25T12:00:02Z"), text("2026-11-25T12:00:00Z"), "2s"));
	assert_false(
		is_same(text("2026-11-25T12:00:02.000001Z"), text("2026-11-25T12:00:00Z"), "2s"));
	assert_false(is_same(text("2026-11-25T12:00:02Z"), text("2026-11-25T12:00:00Z"), "100"));
	assert_true(
		is_same(text("2026-11-25"), text("2026-11-25"), NULL)); /* a zone moves no day */
	assert_false(is_same(text("2026-11-31"), text("2026-12-01"), NULL)); /* no such day */
}

static void test_reconcile_texts(void **state)
{
	static char long_one[RECONCILE_MAX_TEXT_BYTES + 10], other[sizeof(long_one)];

	(void)state;
	memset(long_one, 'x', sizeof(long_one) - 1);
	memset(other, 'x', sizeof(other) - 1);
	assert_true(is_same(text(long_one), text(other), NULL));
	other[sizeof(other) - 2] = 'y';
	assert_false(is_same(text(long_one), text(other), NULL));
	assert_true(is_same(text("ab"), blob("ab"), NULL));
	assert_false(is_same(text("ab"), text("AB"), NULL));
	assert_false(is_same(text("ab"), text("ab "), NULL));
	assert_false(is_same(text("\xc3\xa4"), text("a\xcc\x88"), NULL));
}

static void test_reconcile_keys(void **state)
{
	(void)state;
	assert_true(is_one_key(integer(7), text("7")));
	assert_true(is_one_key(integer(7), real(7)));
	assert_true(is_one_key(real(0.5), text("0.5")));
	assert_false(is_one_key(integer(7), text("007")));
	assert_false(is_one_key(text("1.1"), text("1.10")));
	assert_false(is_one_key(null, text("")));
	assert_true(is_one_key(null, null));
	assert_true(is_one_key(text("2026-11-25T12:00:00Z"), text("2026-11-25 12:00:00")));
	assert_false(is_one_key(text("-0"), integer(0)));
}

/* "ab" + "c" is not "a" + "bc". */
static void test_reconcile_key_columns_do_not_run_together(void **state)
{
	struct buf l, r;
	struct db_value v[] = {text("ab"), text("c"), text("a"), text("bc")};

	(void)state;
	buf_init(&l, 1024);
	buf_init(&r, 1024);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(reconcile_put_key(&l, &v[i], NULL, NULL), 0);
		assert_int_equal(reconcile_put_key(&r, &v[i + 2], NULL, NULL), 0);
	}
	assert_false(l.len == r.len && memcmp(l.data, r.data, l.len) == 0);
	buf_release(&l);
	buf_release(&r);
}

static void add(struct spill *side, int64_t key, double value)
{
	struct db_value k = integer(key), v = real(value);
	struct buf kb, vb;

	buf_init(&kb, 64);
	buf_init(&vb, 64);
	assert_int_equal(reconcile_put_key(&kb, &k, NULL, NULL), 0);
	assert_int_equal(reconcile_put_value(&vb, &v, NULL, NULL), 0);
	assert_int_equal(reconcile_join_add(side, kb.data, kb.len, vb.data, vb.len, NULL), 0);
	buf_release(&kb);
	buf_release(&vb);
}

static int64_t key_of(const struct reconcile_finding *f)
{
	const char *at = reconcile_row_columns(f->left ? f->left : f->right);

	return reconcile_take(&at).integer;
}

/* Left lacks every 11th key, right every 13th, has every 17th twice and every 19th changed. */
static void test_reconcile_join_counts(void **state)
{
	const struct reconcile_tolerance exact = {0};
	struct reconcile_join j;
	int64_t want[RECONCILE_FINDINGS] = {0}, n_both = 0;

	(void)state;
	reconcile_join_init(&j, 1, 1, &exact);
	for (int64_t k = 1; k <= 20000; k++)
		if (k % 11 != 0)
			add(j.left, k, (double)k);
	for (int64_t k = 20000; k >= 1; k--) {
		if (k % 13 == 0)
			continue;
		add(j.right, k, (double)k + (k % 19 == 0 ? 0.5 : 0));
		if (k % 17 == 0)
			add(j.right, k, 0);
	}
	for (int64_t k = 1; k <= 20000; k++) {
		bool has_left = k % 11 != 0, has_right = k % 13 != 0;
		bool is_twice = has_right && k % 17 == 0;

		want[RECONCILE_MISSING_LEFT] += has_right && !has_left;
		want[RECONCILE_MISSING_RIGHT] += has_left && !has_right;
		want[RECONCILE_DUPLICATES] += is_twice;
		want[RECONCILE_DIFFERENT] += has_left && has_right && !is_twice && k % 19 == 0;
		n_both += has_left && has_right && !is_twice;
	}
	assert_int_equal(reconcile_join_run(&j, NULL), 0);
	for (int i = 0; i < RECONCILE_FINDINGS; i++)
		assert_int_equal(j.findings[i].n, want[i]);
	assert_int_equal(j.findings[RECONCILE_DIFFERENT].n_total, n_both);
	assert_int_equal(j.findings[RECONCILE_MISSING_LEFT].n_shown, RECONCILE_SHOWN);
	for (size_t i = 0; i < RECONCILE_SHOWN; i++)
		assert_int_equal(key_of(&j.findings[RECONCILE_MISSING_LEFT].first[i]),
				 11 * ((int64_t)i + 1));
	reconcile_join_release(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reconcile_numbers),
		cmocka_unit_test(test_reconcile_tolerance),
		cmocka_unit_test(test_reconcile_decimals),
		cmocka_unit_test(test_reconcile_times),
		cmocka_unit_test(test_reconcile_texts),
		cmocka_unit_test(test_reconcile_keys),
		cmocka_unit_test(test_reconcile_key_columns_do_not_run_together),
		cmocka_unit_test(test_reconcile_join_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
