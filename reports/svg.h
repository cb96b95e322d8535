/*
 * svg: the pictures of the page. Pure functions of numbers; styled by classes of html_style.c, and
 * labelled in words so that a reader without eyes for them misses nothing.
 *
 * Sizes are CSS pixels. The bound is always dashed, the value always a line with a dot at its end.
 */
#ifndef ASSIZE_REPORTS_SVG_H
#define ASSIZE_REPORTS_SVG_H

#include <stddef.h>

#include "reports/spark.h"
#include "runner/model/outcome.h"

struct buf;

/* Points of a sparkline: more are reduced to lowest and highest (spark.h). */
#define SVG_SPARK_POINTS 120

void svg_mark(struct buf *out, enum outcome o);

/* Share of the allowed room: zero at the left, the bound at the tick, past it an arrow. NaN:
 * nothing. */
void svg_room(struct buf *out, double room, enum outcome o);

/* label: already markup. Nothing without two values. */
void svg_spark(struct buf *out, const struct spark_point *points, size_t n, enum outcome o,
	       const char *label);

/* Texts of a larger figure's axes, already markup; NULL = none. */
struct figure_labels {
	const char *title; /* the figure in one sentence */
	const char *low, *high, *bound;
	const char *from, *to;
};

void svg_figure(struct buf *out, const struct spark_point *points, size_t n, enum outcome o,
		const struct figure_labels *labels);

#endif
