/*
 * num: strict numbers, durations and sizes.
 *
 * The whole text must be the number: no leading or trailing space, no sign except one '-', no hex,
 * no digit grouping, no "nan" or "inf" (strtod accepts all of those). Locale is never consulted.
 * Outputs are untouched on failure. No allocation.
 */
#ifndef ASSIZE_BASE_NUM_H
#define ASSIZE_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal with optional fraction and exponent; overflow to infinity is refused. */
int num_parse_real(const char *s, size_t n, double *out);
int num_parse_int(const char *s, size_t n, int64_t *out);
/* Does a decimal (as above) have more digits than a double is sure to keep, or is it 1e18 and more?
 * Two of them may read as one double. */
bool num_is_cut(const char *s, size_t n);
/*
 * Is the double that a decimal (as above) reads as another number, which somebody may have meant?
 * 5.000000000000000000001 reads as 5, and 9007199254740993.0 as the integer before; of
 * 0.3333333333333333333 nobody has written down what it reads as.
 */
bool num_is_mistaken(const char *s, size_t n);

/* "1h30m", "250ms", "7d", "0.5s": units ms s m h d w, each once, largest first. Result in ms. */
int num_parse_duration_ms(const char *s, size_t n, int64_t *out);

/* "512", "64KiB", "1.5 MB": B kB MB GB TB KiB MiB GiB TiB, one optional space. Result in bytes. */
int num_parse_size_bytes(const char *s, size_t n, int64_t *out);

/* Shortest text that reads back as the same double; "-0" for negative zero; "nan", "inf". */
#define NUM_REAL_MAX 32
size_t num_format_real(double v, char out[static NUM_REAL_MAX]);

/* Four bytes, the greatest first. */
static inline uint32_t num_be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* "340 ms", "1.2 s", "4 min", "3 h", "9 d": for people. */
size_t num_format_duration(int64_t ms, char out[static NUM_REAL_MAX]);
/* "512 B", "1.5 MiB": for people. */
size_t num_format_size(int64_t bytes, char out[static NUM_REAL_MAX]);

#endif
