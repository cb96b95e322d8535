/* Times have a tail on the right, so the scale is cut there only. */
#include "reports/svg_distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/svg_parts.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/history/record.h"
#include "runner/stats/summary.h"

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

#define LEFT	 92.0
#define RIGHT	 408.0
#define TOP	 16.0
#define ROW	 5.0  /* of a run before */
#define BAND	 26.0 /* of this run */
#define MAX_DOTS 200  /* of more, so many that lie evenly among them */
#define LANES	 5

struct row {
	double low, median, high;
};

static struct row row_of(const struct sample_run *run)
{
	double *sorted = xmalloc(run->n * sizeof(*sorted));
	struct row row;

	memcpy(sorted, run->values, run->n * sizeof(*sorted));
	stats_sort(sorted, run->n);
	row = (struct row){stats_percentile(sorted, run->n, 0.1),
			   stats_percentile(sorted, run->n, 0.5),
			   stats_percentile(sorted, run->n, 0.9)};
	free(sorted);
	return row;
}

static size_t n_rows(const struct distribution *d)
{
	return d->n_before < DISTRIBUTION_MAX_ROWS ? d->n_before : DISTRIBUTION_MAX_ROWS;
}

bool distribution_fit(struct distribution *d)
{
	double reach;

	if (d->n == 0)
		return false;
	d->low = d->values[0];
	d->high = stats_percentile(d->values, d->n, 0.9);
	for (size_t i = d->n_before - n_rows(d); i < d->n_before; i++) {
		struct row row = row_of(&d->before[i]);

		d->low = fmin(d->low, row.low);
		d->high = fmax(d->high, row.high);
	}
	/* a bound far away is said in words: drawn, it would leave no room for anything else */
	if (d->has_limit && d->limit > d->low && d->limit - d->low < 3 * (d->high - d->low))
		d->high = fmax(d->high, d->limit);
	reach = d->high + 0.5 * (d->high - d->low);
	for (size_t i = d->n; i > 0 && d->values[i - 1] > d->high; i--)
		if (d->values[i - 1] <= reach) {
			d->high = d->values[i - 1];
			break;
		}
	d->n_beyond = 0;
	while (d->n_beyond < d->n && d->values[d->n - 1 - d->n_beyond] > d->high)
		d->n_beyond++;
	return isfinite(d->low) && isfinite(d->high);
}

static double x_of(const struct distribution *d, double v)
{
	if (d->high <= d->low)
		return (LEFT + RIGHT) / 2;
	return LEFT + (RIGHT - LEFT) * fmin(fmax((v - d->low) / (d->high - d->low), 0), 1);
}

static void put_before(struct buf *out, const struct distribution *d)
{
	size_t first = d->n_before - n_rows(d);

	for (size_t i = first; i < d->n_before; i++) {
		struct row row = row_of(&d->before[i]);
		double y = TOP + ROW * ((double)(i - first) + 0.5);

		svg_put_line(out, "l", "", x_of(d, row.low), y, x_of(d, row.high), y);
		svg_put_line(out, "bd", "", x_of(d, row.median), y - 2, x_of(d, row.median), y + 2);
	}
}

/* Dots take lanes in turn, as they are in order: neighbours do not hide one another. */
static void put_now(struct buf *out, const struct distribution *d, enum outcome o, double top)
{
	size_t n_dots = d->n < MAX_DOTS ? d->n : MAX_DOTS;
	double median = x_of(d, stats_percentile(d->values, d->n, 0.5));

	for (size_t i = 0; i < n_dots; i++) {
		double v = d->values[n_dots < d->n ? i * (d->n - 1) / (n_dots - 1) : i];
		double lane = (double)(i * 2 % LANES) - (LANES - 1) / 2.0;

		if (v <= d->high)
			svg_put_dot(out, svg_suffix(o), x_of(d, v), top + BAND / 2 + lane * 4.4,
				    1.7);
	}
	svg_put_line(out, "bd", svg_suffix(o), median, top, median, top + BAND);
	if (d->n_beyond > 0) {
		double y = top + BAND / 2;

		(void)buf_printf(out, "<path class=\"ov%s\" d=\"M%.0f,%.0fl5,4l-5,4\"/>",
				 svg_suffix(o), RIGHT + 5, y - 4);
	}
}

void svg_distribution(struct buf *out, const struct distribution *d, enum outcome o,
		      const struct distribution_labels *labels)
{
	double rows = ROW * (double)n_rows(d);
	double top = TOP + rows + (rows > 0 ? 9 : 0), bottom = top + BAND;

	(void)buf_printf(out, "<svg viewBox=\"0 0 430 %.0f\" role=\"img\" aria-label=\"%s\">",
			 bottom + 26, labels->title);
	if (d->has_limit && d->limit >= d->low && d->limit <= d->high) {
		double x = x_of(d, d->limit);

		svg_put_line(out, "thb", "", x, TOP - 4, x, bottom + 4);
		svg_put_label(out, fmin(fmax(x, LEFT + 20), RIGHT - 20), TOP - 6, "middle",
			      labels->limit);
	}
	put_before(out, d);
	put_now(out, d, o, top);
	if (rows > 0)
		svg_put_label(out, LEFT - 12, TOP + rows / 2 + 4, "end", labels->before);
	svg_put_label(out, LEFT - 12, top + BAND / 2 + 4, "end", labels->now);
	svg_put_line(out, "axl", "", LEFT, bottom + 8, RIGHT, bottom + 8);
	svg_put_label(out, LEFT, bottom + 22, NULL, labels->low);
	if (d->high > d->low)
		svg_put_label(out, RIGHT, bottom + 22, "end", labels->high);
	if (d->n_beyond > 0)
		svg_put_label(out, (LEFT + RIGHT) / 2, bottom + 22, "middle", labels->beyond);
	(void)buf_puts(out, "</svg>");
}

void distribution_blocks(struct buf *out, const struct distribution *d, const double *values,
			 size_t n, size_t columns)
{
	static const char blocks[9][4] = {
		" ",
		"\xE2\x96\x81",
		"\xE2\x96\x82",
		"\xE2\x96\x83",
		"\xE2\x96\x84",
		"\xE2\x96\x85",
		"\xE2\x96\x86",
		"\xE2\x96\x87",
		"\xE2\x96\x88",
	};
	size_t *counts = xmalloc((columns + 1) * sizeof(*counts)), most = 1;

	memset(counts, 0, (columns + 1) * sizeof(*counts));
	for (size_t i = 0; i < n; i++) {
		double at = d->high > d->low ? (values[i] - d->low) / (d->high - d->low) : 0.5;
		size_t column = (size_t)(fmin(fmax(at, 0), 1) * (double)columns);

		if (values[i] > d->high)
			continue;
		column = column < columns ? column : columns - 1;
		if (++counts[column] > most)
			most = counts[column];
	}
	for (size_t i = 0; i < columns; i++)
		(void)buf_puts(out, blocks[(counts[i] * 8 + most - 1) / most]);
	free(counts);
}
