/* Schoolbook arithmetic: numbers are short, and few are so close that a double does not tell. */
#include "runner/base/decimal.h"

#include <string.h>

#include "runner/base/num.h"

/* Without zeros in front, which would be counted, nor behind, which tell nothing. */
static void trim(struct decimal *d)
{
	size_t low = 0;

	while (d->n > 0 && d->digits[d->n - 1] == 0)
		d->n--;
	while (low < d->n && d->digits[low] == 0)
		low++;
	memmove(d->digits, d->digits + low, d->n - low);
	d->n -= low;
	d->scale -= (long)low;
	if (d->n == 0) {
		d->scale = 0;
		d->is_negative = false;
	}
}

static size_t digits_from(const char *s, size_t n, size_t i)
{
	size_t from = i;

	while (i < n && s[i] >= '0' && s[i] <= '9')
		i++;
	return i - from;
}

/* "e-5" */
static int parse_exponent(const char *s, size_t n, int64_t *out)
{
	size_t sign = n > 1 && s[1] == '+' ? 2 : 1;

	if ((sign == 2 && n > 2 && s[2] == '-') || num_parse_int(s + sign, n - sign, out) != 0 ||
	    *out < -DECIMAL_MAX_DIGITS || *out > DECIMAL_MAX_DIGITS)
		return -1;
	return 0;
}

int decimal_parse(const char *s, size_t n, struct decimal *out)
{
	size_t sign = n > 0 && s[0] == '-' ? 1 : 0;
	size_t n_whole = digits_from(s, n, sign), len = sign + n_whole, n_fraction = 0;
	int64_t exponent = 0;

	if (len < n && s[len] == '.') {
		n_fraction = digits_from(s, n, len + 1);
		if (n_fraction == 0)
			return -1;
		len += 1 + n_fraction;
	}
	if (n_whole == 0 || n_whole + n_fraction > DECIMAL_MAX_DIGITS)
		return -1;
	if (len < n &&
	    ((s[len] != 'e' && s[len] != 'E') || parse_exponent(s + len, n - len, &exponent) != 0))
		return -1;
	out->is_negative = sign > 0;
	out->n = 0;
	out->scale = (long)n_fraction - (long)exponent;
	for (size_t i = len; i-- > sign;)
		if (s[i] != '.')
			out->digits[out->n++] = (unsigned char)(s[i] - '0');
	trim(out);
	return 0;
}

/* The power of ten behind the last digit, and the one above the first. */
static long bottom(const struct decimal *d)
{
	return -d->scale;
}

static long top(const struct decimal *d)
{
	return (long)d->n - d->scale;
}

static int digit_at(const struct decimal *d, long power)
{
	return power < bottom(d) || power >= top(d) ? 0 : d->digits[power - bottom(d)];
}

static int compare_sizes(const struct decimal *a, const struct decimal *b)
{
	long from = top(a) > top(b) ? top(a) : top(b);
	long to = bottom(a) < bottom(b) ? bottom(a) : bottom(b);

	for (long power = from - 1; power >= to; power--)
		if (digit_at(a, power) != digit_at(b, power))
			return digit_at(a, power) - digit_at(b, power);
	return 0;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	if (a->is_negative != b->is_negative)
		return a->is_negative ? -1 : 1;
	return a->is_negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

int decimal_distance(const struct decimal *a, const struct decimal *b, struct decimal *out)
{
	bool is_sum = a->is_negative != b->is_negative;
	const struct decimal *more = compare_sizes(a, b) < 0 ? b : a, *less = more == a ? b : a;
	long from = bottom(a) < bottom(b) ? bottom(a) : bottom(b);
	long to = (top(a) > top(b) ? top(a) : top(b)) + 1; /* a carry */
	int carry = 0;

	if (to - from > DECIMAL_MAX_DIGITS)
		return -1;
	out->is_negative = false;
	out->n = 0;
	out->scale = -from;
	for (long power = from; power < to; power++) {
		int other = digit_at(less, power);
		int digit = digit_at(more, power) + (is_sum ? other : -other) + carry;

		carry = digit > 9 ? 1 : digit < 0 ? -1 : 0;
		out->digits[out->n++] = (unsigned char)(digit - 10 * carry);
	}
	trim(out);
	return 0;
}

int decimal_product(const struct decimal *a, const struct decimal *b, struct decimal *out)
{
	if (a->n + b->n > DECIMAL_MAX_DIGITS)
		return -1;
	out->is_negative = false;
	out->n = a->n + b->n;
	out->scale = a->scale + b->scale;
	memset(out->digits, 0, out->n);
	for (size_t i = 0; i < a->n; i++) {
		unsigned carry = 0;

		for (size_t k = 0; k < b->n || carry > 0; k++) {
			unsigned digit = out->digits[i + k] + carry;

			if (k < b->n)
				digit += (unsigned)a->digits[i] * b->digits[k];
			out->digits[i + k] = (unsigned char)(digit % 10);
			carry = digit / 10;
		}
	}
	trim(out);
	return 0;
}
