/*
 * svg_distribution: the repetitions of one run beside those of the runs before it.
 *
 * A row a run, oldest on top: a thin line over the middle 80 % of its repetitions and a tick at
 * their median; below them this run, a dot a repetition and a bar at the median. The scale is
 * linear and has room for what matters: what is far out lies at its edge as an arrow, with the
 * number of them, so that one repetition in a thousand does not press all others into a line.
 */
#ifndef ASSIZE_REPORTS_SVG_DISTRIBUTION_H
#define ASSIZE_REPORTS_SVG_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/model/outcome.h"

struct buf;
struct sample_run;

/* Rows of runs before: of more the newest. */
#define DISTRIBUTION_MAX_ROWS 24

struct distribution {
	const double *values; /* ascending, at least one */
	size_t n;
	const struct sample_run *before; /* oldest first */
	size_t n_before;
	bool has_limit;
	double limit;
	double low, high; /* the scale: distribution_fit() */
	size_t n_beyond;  /* of values, right of it */
};

/* Fills in the scale. false: there is nothing to draw. */
bool distribution_fit(struct distribution *d);

/* Texts, already markup; NULL = none. */
struct distribution_labels {
	const char *title; /* the figure in one sentence */
	const char *low, *high, *limit, *before, *now, *beyond;
};

void svg_distribution(struct buf *out, const struct distribution *d, enum outcome o,
		      const struct distribution_labels *labels);

/* The same for a terminal: how many values are in each of so many columns, as eighth blocks. */
void distribution_blocks(struct buf *out, const struct distribution *d, const double *values,
			 size_t n, size_t columns);

#endif
