/*
 * unit: units of measured values and of bounds, and which convert into which.
 *
 * Known: % (share: 100 % = 1), ms s m h d (time), B kB MB GB KiB MiB GiB (size), "" (plain number).
 * Any other text ("orders", "EUR") is a unit of its own and converts only into itself or "".
 * A plain bound ("< 5") applies to a measurement in any unit as written in its base unit. Where
 * what was measured is given in another one (150 ms), no bound but 0 may be plain: nobody would
 * mean 5 s.
 *
 * Measurements are stored in base units: share as ratio (0.001 = 0.1 %), time in seconds, size in
 * bytes; the unit string names the base: "%" (ratio, shown as per cent), "s", "B".
 */
#ifndef ASSIZE_MODEL_UNIT_H
#define ASSIZE_MODEL_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Factor that turns a number in `from` into base unit; *base is "%", "s", "B", or `from` itself. */
double unit_to_base(const char *from, const char **base);
/* May a bound in base unit `bound` be compared with a measurement in base unit `measured`? */
bool unit_converts(const char *bound, const char *measured);
/* True for a suffix the expectation language accepts directly after a number. */
bool unit_is_suffix(const char *s, size_t n);

/* "98.70 %", "283 ms", "1 297", "3 h", "1.5 MiB": value in base unit, for people. */
void unit_format(struct buf *out, double value, const char *unit);
/* The same of an integer, which has all its digits however many they are. */
void unit_format_integer(struct buf *out, int64_t value, const char *unit);
/*
 * The same beside a bound: with all its digits, where what people read would lie on the other side
 * of the bound, or be the bound, and the value does not.
 */
void unit_format_beside(struct buf *out, double value, double bound, const char *unit);
/* A bound: exactly, where people's digits would round it. */
void unit_format_bound(struct buf *out, double bound, const char *unit);

#endif
