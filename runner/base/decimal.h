/*
 * decimal: decimals as they are written, where a double would lose digits.
 *
 * Exact: nothing is rounded. What would take more than DECIMAL_MAX_DIGITS is refused (-1), outputs
 * are then undefined. No allocation; a decimal is some kilobytes large.
 */
#ifndef ASSIZE_BASE_DECIMAL_H
#define ASSIZE_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

#define DECIMAL_MAX_DIGITS 4096

struct decimal {
	bool is_negative; /* never of zero */
	size_t n;	  /* 0 = zero */
	long scale;	  /* digits[i] counts 10^(i - scale) */
	unsigned char digits[DECIMAL_MAX_DIGITS];
};

/* What num_parse_real() takes, and what is beyond doubles. */
int decimal_parse(const char *s, size_t n, struct decimal *out);
/* < 0, 0, > 0 */
int decimal_compare(const struct decimal *a, const struct decimal *b);
/* |a - b| */
int decimal_distance(const struct decimal *a, const struct decimal *b, struct decimal *out);
/* |a x b| */
int decimal_product(const struct decimal *a, const struct decimal *b, struct decimal *out);

#endif
