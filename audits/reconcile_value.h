/*
 * reconcile_value: values of two engines in one form, so that what means the same is the same.
 *
 * A key column becomes bytes: numbers as their shortest decimal text (7, 7.0 and the text "7" are
 * one key), times as the instant they name, everything else as it is, bytewise: no engine's
 * collation has a say. NULL is a key value like any other. Texts longer than
 * RECONCILE_MAX_TEXT_BYTES are kept as their SHA-256.
 *
 * A value column keeps what it was, so that two of them can be compared within a tolerance: NULL
 * equals NULL, 1 equals 1.0, a number written as text equals that number when the other side has a
 * number, two times are equal when they name one instant. A time without a zone is in the zone of
 * its side; a date alone is that day everywhere. Decimals are compared as decimals, to the last
 * digit; where one side is a double, there are no more digits than it holds.
 *
 * The form is private to this process: both sides of a comparison are written by one program.
 */
#ifndef ASSIZE_AUDITS_RECONCILE_VALUE_H
#define ASSIZE_AUDITS_RECONCILE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct db_value;
struct err;
struct probe;

#define RECONCILE_MAX_TEXT_BYTES 1024

enum reconcile_type {
	RECONCILE_NULL = 0,
	RECONCILE_INT,
	RECONCILE_REAL,
	RECONCILE_DECIMAL, /* as text */
	RECONCILE_TIME,
	RECONCILE_TEXT,
	RECONCILE_BLOB,
	RECONCILE_LONG, /* SHA-256 of a long text or blob */
};

/* A column read back; text is borrowed from the bytes it was read from and not NUL terminated. */
struct reconcile_cell {
	enum reconcile_type type;
	int64_t integer; /* INT; TIME: Unix milliseconds */
	uint32_t ns;	 /* TIME: nanoseconds within the millisecond */
	double real;
	const char *text; /* DECIMAL, TEXT, BLOB, LONG */
	size_t len;
};

/* How far two values may lie apart; all zero = not at all. */
struct reconcile_tolerance {
	double absolute;  /* numbers */
	double relative;  /* numbers: of the left value */
	int64_t apart_ms; /* times */
	const char *text; /* the number, as written; NULL = none */
	size_t len;
};

/* "0.01", "1%", "2s"; borrows text. -1 when it is none of them. */
int reconcile_tolerance_parse(const char *text, struct reconcile_tolerance *out);

/* Appends a column; zone (NULL = UTC) is for times without one. */
int reconcile_put_key(struct buf *out, const struct db_value *v, const char *zone, struct err *e);
int reconcile_put_value(struct buf *out, const struct db_value *v, const char *zone, struct err *e);

/* Reads the column at *at and moves on. */
struct reconcile_cell reconcile_take(const char **at);

bool reconcile_is_same(const struct reconcile_cell *left, const struct reconcile_cell *right,
		       const struct reconcile_tolerance *t);

/* What the tolerance is for, when these two are none such: "times"; NULL = nothing is wrong. */
const char *reconcile_tolerance_misses(const struct reconcile_cell *left,
				       const struct reconcile_cell *right,
				       const struct reconcile_tolerance *t);

/* Order for people: NULL, then numbers by size, then everything else bytewise. */
int reconcile_order(const struct reconcile_cell *a, const struct reconcile_cell *b);

/* One line, escaped, texts quoted and cut, secrets of the definition masked. */
void reconcile_show(const struct probe *p, struct buf *out, const struct reconcile_cell *c);

#endif
