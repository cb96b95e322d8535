/*
 * Numbers as both formats write them: an optional sign, digits with an optional point on either
 * side of which at least one digit stands, an optional exponent; or inf, infinity, nan in any case.
 * No hex, no underscores, nothing behind. A number too large for a double is refused.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "audits/exposition_internal.h"
#include "runner/base/num.h"

#define MAX_TEXT 512
/* With fewer characters and no exponent nothing can overflow. */
#define SAFE_CHARS 300

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && is_digit(s[i]))
		i++;
	return i;
}

/* digits[.digits] or .digits at the start of s; its length, 0 = none. */
static size_t count_decimal(const char *s, size_t n)
{
	size_t whole = count_digits(s, n), fraction;

	if (whole == n || s[whole] != '.')
		return whole;
	fraction = count_digits(s + whole + 1, n - whole - 1);
	return whole + fraction > 0 ? whole + 1 + fraction : 0;
}

static bool is_word(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(s, word, n) == 0;
}

static int read_special(const char *s, size_t n, bool has_sign, double *out)
{
	if (is_word(s, n, "inf") || is_word(s, n, "infinity")) {
		*out = INFINITY;
		return 0;
	}
	if (!has_sign && is_word(s, n, "nan")) {
		*out = NAN;
		return 0;
	}
	return -1;
}

/* Writes ".5" as 0.5, "5." as 5 and "1.e+3" as 1e3 first: the strict parser wants it so. */
static int read_decimal(const char *s, size_t n, double *out)
{
	char text[MAX_TEXT];
	size_t len = 0;

	if (n + 2 > sizeof(text))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' && i == 0)
			text[len++] = '0';
		if (s[i] == '.' && (i + 1 == n || !is_digit(s[i + 1])))
			continue;
		if (s[i] != '+')
			text[len++] = s[i];
	}
	return num_parse_real(text, len, out);
}

static bool is_exponent(const char *s, size_t n)
{
	size_t sign;

	if (n < 2 || (s[0] != 'e' && s[0] != 'E'))
		return false;
	sign = s[1] == '+' || s[1] == '-';
	return n > 1 + sign && count_digits(s + 1 + sign, n - 1 - sign) == n - 1 - sign;
}

int exposition_real(const char *s, size_t n, double *out)
{
	bool has_sign = n > 0 && (s[0] == '+' || s[0] == '-');
	bool is_negative = has_sign && s[0] == '-';
	size_t decimal;
	double value;

	s += has_sign;
	n -= has_sign;
	decimal = count_decimal(s, n);
	if (decimal == 0) {
		if (read_special(s, n, has_sign, &value) != 0)
			return -1;
	} else {
		if (decimal < n && !is_exponent(s + decimal, n - decimal))
			return -1;
		if (read_decimal(s, n, &value) != 0)
			return -1;
	}
	*out = is_negative ? -value : value;
	return 0;
}

int exposition_real_check(const char *s, size_t n)
{
	size_t sign = n > 0 && (s[0] == '+' || s[0] == '-');
	double value;

	if (n > sign && n < SAFE_CHARS && count_decimal(s + sign, n - sign) == n - sign)
		return 0;
	return exposition_real(s, n, &value);
}
