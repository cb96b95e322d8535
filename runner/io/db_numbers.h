/*
 * db_numbers: what one pass tells of a column of numbers: how many, sum, extremes, mean, deviation.
 *
 * Integers are added exactly whatever their number (128 bits); a sum beyond 64 bits becomes a real.
 * Reals are added with what rounding loses kept beside them (Neumaier 1974).
 *
 * The deviation comes from blocks. Values are taken less the first one, which is exact for
 * integers; within a block from the mean of all blocks before it, c: sum(d) and sum(d * d), where
 * d = x - c. A full block is added to the count, mean and sum of squared differences of those
 * before (Chan, Golub, LeVeque 1979). The relative error of a block's squares is some 1e-16 times
 * sum(d * d) / M2, and that quotient is bounded whatever the order of the values: by the length of
 * a block for the first one, whose c is one of its own values, and by a small number afterwards,
 * because a distance between c and the block is part of the deviation of the whole.
 *
 * A struct holds no pointers: it may be copied, and handed over as bytes. All zeros = no values.
 */
#ifndef ASSIZE_IO_DB_NUMBERS_H
#define ASSIZE_IO_DB_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/io/db.h"

struct db_numbers {
	int64_t n_integers, n_reals;
	int64_t n_others; /* values that are neither numbers nor NULL; the rest does not hold them
			   */
	uint64_t low;	  /* the sum of the integers, two's complement of 128 bits */
	int64_t high;
	double sum, lost; /* of the reals */
	bool is_cut;	  /* of decimals with more digits than reals keep */
	int64_t min_integer, max_integer;
	double min_real, max_real;
	/* All values are taken less this one. */
	bool has_base, is_real_base;
	int64_t base;
	double real_base;
	/* Blocks that are full: count, mean, squared differences to it. */
	double n, mean, m2;
	/* The open one: count, sum(d), sum(d * d). */
	int64_t n_open;
	double d, dd;
};

void db_numbers_add_integer(struct db_numbers *t, int64_t x);
void db_numbers_add_real(struct db_numbers *t, double x);

/* Closes the open block: before to and from are merged, or a deviation is asked for. */
void db_numbers_close(struct db_numbers *t);
void db_numbers_merge(struct db_numbers *to, const struct db_numbers *from);

/*
 * Numbers that an engine told by count(x), sum(x - c) and var_pop(x - c) (NULL = not asked, and
 * there is no deviation), where c is the center. Extremes are not known. false: these are not such
 * values.
 */
bool db_numbers_of(const struct db_value *count, const struct db_value *sum,
		   const struct db_value *variance, int64_t center, struct db_numbers *out);

/* NULL without values; sum, min and max are an integer when all values are and it fits. */
struct db_value db_numbers_sum(const struct db_numbers *t);
struct db_value db_numbers_min(const struct db_numbers *t);
struct db_value db_numbers_max(const struct db_numbers *t);
struct db_value db_numbers_mean(const struct db_numbers *t);
/* Of the sample (n - 1): NULL below two values, and when one of them is infinite. */
struct db_value db_numbers_deviation(const struct db_numbers *t);

#endif
