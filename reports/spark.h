/*
 * spark: a trail of one series reduced to what a small picture can show.
 *
 * A picture of n columns shows at most 2n points; more are reduced to the lowest and the highest of
 * each column, in the order they came, so that no outlier is ever averaged away.
 */
#ifndef ASSIZE_REPORTS_SPARK_H
#define ASSIZE_REPORTS_SPARK_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/history/record.h"

struct arena;
struct buf;

struct spark_point {
	double y;
	bool has_y; /* false: that run measured nothing, the line breaks here */
	bool has_limit;
	double limit; /* the bound in force then */
};

/* At most max points (an even number >= 2) of the trail, oldest first, last point always kept. */
struct spark_point *spark_points(struct arena *a, const struct point *trail, size_t n,
				 bool is_share, size_t max, size_t *n_out);

/* Eighth blocks for a terminal: one a point, '.' where nothing was measured. "" without two values.
 */
void spark_blocks(struct buf *out, const struct spark_point *points, size_t n);

#endif
