#include "runner/io/db_numbers.h"

#include <math.h>

#define BLOCK	  64
#define MAX_EXACT 9007199254740992 /* 2^53 */

static void add_to_sum(struct db_numbers *t, double x)
{
	double sum = t->sum + x;

	t->lost += fabs(t->sum) >= fabs(x) ? (t->sum - sum) + x : (x - sum) + t->sum;
	t->sum = sum;
}

static void add_wide(struct db_numbers *t, uint64_t low, int64_t high)
{
	t->low += low;
	t->high = (int64_t)((uint64_t)t->high + (uint64_t)high + (t->low < low));
}

/* One more value of the open block, y: less the base. */
static void add_difference(struct db_numbers *t, double y)
{
	double d = y - t->mean;

	t->d += d;
	t->dd += d * d;
	if (++t->n_open == BLOCK)
		db_numbers_close(t);
}

void db_numbers_add_integer(struct db_numbers *t, int64_t x)
{
	int64_t y;

	if (!t->has_base) {
		t->has_base = true;
		t->base = x;
	}
	if (t->n_integers++ == 0) {
		t->min_integer = x;
		t->max_integer = x;
	} else if (x < t->min_integer) {
		t->min_integer = x;
	} else if (x > t->max_integer) {
		t->max_integer = x;
	}
	add_wide(t, (uint64_t)x, x < 0 ? -1 : 0);
	if (t->is_real_base)
		add_difference(t, (double)x - t->real_base);
	else if (!__builtin_sub_overflow(x, t->base, &y))
		add_difference(t, (double)y);
	else
		add_difference(t, (double)x - (double)t->base);
}

void db_numbers_add_real(struct db_numbers *t, double x)
{
	if (!t->has_base) {
		t->has_base = true;
		t->is_real_base = true;
		t->real_base = x;
	}
	if (t->n_reals++ == 0) {
		t->min_real = x;
		t->max_real = x;
	} else if (x < t->min_real) {
		t->min_real = x;
	} else if (x > t->max_real) {
		t->max_real = x;
	}
	add_to_sum(t, x);
	add_difference(t, x - (t->is_real_base ? t->real_base : (double)t->base));
}

/* n values of this mean and these squares, as a block of its own. */
static void add_block(struct db_numbers *t, double n, double mean, double m2)
{
	double all = t->n + n, delta = mean - t->mean;

	t->m2 += m2 + delta * delta * (t->n * n / all);
	t->mean += delta * (n / all);
	t->n = all;
}

void db_numbers_close(struct db_numbers *t)
{
	double n = (double)t->n_open;
	double m2 = t->dd - t->d * t->d / n;

	if (t->n_open == 0)
		return;
	add_block(t, n, t->mean + t->d / n, m2 < 0 ? 0 : m2);
	t->n_open = 0;
	t->d = 0;
	t->dd = 0;
}

static double between_bases(const struct db_numbers *from, const struct db_numbers *to)
{
	int64_t y;

	if (!from->is_real_base && !to->is_real_base &&
	    !__builtin_sub_overflow(from->base, to->base, &y))
		return (double)y;
	return (from->is_real_base ? from->real_base : (double)from->base) -
	       (to->is_real_base ? to->real_base : (double)to->base);
}

static void merge_extremes(struct db_numbers *to, const struct db_numbers *from)
{
	if (from->n_integers > 0 && (to->n_integers == 0 || from->min_integer < to->min_integer))
		to->min_integer = from->min_integer;
	if (from->n_integers > 0 && (to->n_integers == 0 || from->max_integer > to->max_integer))
		to->max_integer = from->max_integer;
	if (from->n_reals > 0 && (to->n_reals == 0 || from->min_real < to->min_real))
		to->min_real = from->min_real;
	if (from->n_reals > 0 && (to->n_reals == 0 || from->max_real > to->max_real))
		to->max_real = from->max_real;
}

void db_numbers_merge(struct db_numbers *to, const struct db_numbers *from)
{
	to->n_others += from->n_others;
	if (!from->has_base)
		return;
	if (!to->has_base) {
		int64_t n_others = to->n_others;

		*to = *from;
		to->n_others = n_others;
		return;
	}
	merge_extremes(to, from); /* looks at the counts */
	to->n_integers += from->n_integers;
	to->n_reals += from->n_reals;
	add_wide(to, from->low, from->high);
	add_to_sum(to, from->sum);
	to->is_cut |= from->is_cut;
	to->lost += from->lost;
	add_block(to, from->n, from->mean + between_bases(from, to), from->m2);
}

static bool is_number(const struct db_value *v)
{
	return v->type == DB_INT || v->type == DB_REAL;
}

static double real_of(const struct db_value *v)
{
	return v->type == DB_INT ? (double)v->integer : v->real;
}

/* n times c, by doubling: n > 0. */
static void add_product(struct db_numbers *t, int64_t n, int64_t c)
{
	uint64_t low = (uint64_t)c, high = c < 0 ? UINT64_MAX : 0;

	for (uint64_t bits = (uint64_t)n; bits > 0; bits >>= 1) {
		if (bits & 1)
			add_wide(t, low, (int64_t)high);
		high = high << 1 | low >> 63;
		low <<= 1;
	}
}

bool db_numbers_of(const struct db_value *count, const struct db_value *sum,
		   const struct db_value *variance, int64_t center, struct db_numbers *out)
{
	*out = (struct db_numbers){0};
	if (count->type != DB_INT)
		return false;
	if (count->integer <= 0)
		return true;
	if (!is_number(sum) || (variance && !is_number(variance)))
		return false;
	out->has_base = true;
	out->base = center;
	if (sum->type == DB_INT) {
		out->n_integers = count->integer;
		add_wide(out, (uint64_t)sum->integer, sum->integer < 0 ? -1 : 0);
		add_product(out, count->integer, center);
	} else {
		out->n_reals = count->integer;
		add_to_sum(out, (double)center * (double)count->integer);
		add_to_sum(out, sum->real);
		out->is_cut = sum->is_cut;
	}
	out->n = (double)count->integer;
	out->mean = real_of(sum) / out->n;
	out->m2 = variance ? real_of(variance) * out->n : NAN;
	return true;
}

/* ---- answers ---- */

static struct db_value none(void)
{
	return (struct db_value){.type = DB_NULL, .text = ""};
}

static struct db_value real(double x)
{
	return (struct db_value){.type = DB_REAL, .real = x, .text = ""};
}

static struct db_value integer(int64_t x)
{
	return (struct db_value){.type = DB_INT, .integer = x, .text = ""};
}

static bool fits(const struct db_numbers *t)
{
	return t->high == ((int64_t)t->low < 0 ? -1 : 0);
}

static double real_sum(const struct db_numbers *t)
{
	double integers =
		fits(t) ? (double)(int64_t)t->low : (double)t->high * 0x1p64 + (double)t->low;

	return t->n_reals > 0 ? t->sum + (t->lost + integers) : integers;
}

struct db_value db_numbers_sum(const struct db_numbers *t)
{
	if (t->n_integers + t->n_reals == 0)
		return none();
	if (t->n_reals == 0 && fits(t))
		return integer((int64_t)t->low);
	struct db_value sum = real(real_sum(t));

	sum.is_cut = t->n_reals == 0 || t->is_cut;
	return sum;
}

/* Which of the two, when there are integers and reals; the reals when they are equal. */
static struct db_value extreme(const struct db_numbers *t, int64_t i, double r, bool is_integer)
{
	if (t->n_integers + t->n_reals == 0)
		return none();
	if (t->n_reals == 0 || (t->n_integers > 0 && is_integer))
		return integer(i);
	return real(r);
}

/* -1, 0, 1, exactly: an integer whose double is the real may lie beside it. */
static int order(int64_t i, double r)
{
	double x = (double)i;

	if (x != r)
		return x < r ? -1 : 1;
	if (r >= 0x1p63) /* which is no integer of ours */
		return -1;
	return i < (int64_t)r ? -1 : i > (int64_t)r;
}

struct db_value db_numbers_min(const struct db_numbers *t)
{
	return extreme(t, t->min_integer, t->min_real, order(t->min_integer, t->min_real) < 0);
}

struct db_value db_numbers_max(const struct db_numbers *t)
{
	return extreme(t, t->max_integer, t->max_real, order(t->max_integer, t->max_real) > 0);
}

/* The sum over n: a quotient, towards zero, and what is left. false: it is beyond 64 bits. */
static bool divide(const struct db_numbers *t, uint64_t n, int64_t *quotient, uint64_t *rest)
{
	bool is_negative = t->high < 0;
	uint64_t low = is_negative ? -t->low : t->low;
	uint64_t high = is_negative ? ~(uint64_t)t->high + (t->low == 0) : (uint64_t)t->high;
	uint64_t q = 0, r = high;

	if (high >= n)
		return false;
	for (int i = 0; i < 64; i++) {
		bool is_over = r >> 63 == 1;

		r = r << 1 | low >> 63;
		low <<= 1;
		q <<= 1;
		if (is_over || r >= n) {
			r -= n;
			q |= 1;
		}
	}
	if (q > INT64_MAX)
		return false;
	*quotient = is_negative ? -(int64_t)q : (int64_t)q;
	*rest = r;
	return true;
}

/* Of integers: one beyond 2^53 when it is whole, else what a real has no place for is cut. */
static struct db_value mean_of_integers(const struct db_numbers *t)
{
	double n = (double)t->n_integers;
	struct db_value mean = real(real_sum(t) / n);
	int64_t whole;
	uint64_t rest;

	if (!divide(t, (uint64_t)t->n_integers, &whole, &rest)) {
		mean.is_cut = true;
		return mean;
	}
	if (rest == 0 && (whole > MAX_EXACT || whole < -MAX_EXACT))
		return integer(whole);
	mean.real = (double)whole + (t->high < 0 ? -1 : 1) * ((double)rest / n);
	mean.is_cut = rest > 0 && mean.real == trunc(mean.real);
	return mean;
}

struct db_value db_numbers_mean(const struct db_numbers *t)
{
	int64_t n = t->n_integers + t->n_reals;

	if (n == 0)
		return none();
	if (t->n_reals == 0)
		return mean_of_integers(t);
	struct db_value mean = real(real_sum(t) / (double)n);

	mean.is_cut = t->is_cut;
	return mean;
}

struct db_value db_numbers_deviation(const struct db_numbers *t)
{
	if (t->n < 2 || !isfinite(t->m2))
		return none();
	return real(sqrt(t->m2 / (t->n - 1)));
}
