#include "reports/spark.h"

#include <math.h>

#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

static struct spark_point spark_point(const struct point *p, bool is_share)
{
	struct spark_point s = {.has_limit = p->has_limit && isfinite(p->limit), .limit = p->limit};

	s.has_y = point_number(p, is_share, &s.y);
	return s;
}

/* The lowest and the highest of trail[from..to), in the order they came; at least one point. */
static size_t reduce(const struct point *trail, size_t from, size_t to, bool is_share,
		     struct spark_point out[static 2])
{
	size_t low = from, high = from;
	bool has_any = false;
	double min = 0, max = 0, y;

	for (size_t i = from; i < to; i++) {
		if (!point_number(&trail[i], is_share, &y))
			continue;
		if (!has_any || y < min) {
			min = y;
			low = i;
		}
		if (!has_any || y > max) {
			max = y;
			high = i;
		}
		has_any = true;
	}
	out[0] = spark_point(&trail[low < high ? low : high], is_share);
	if (low == high)
		return 1;
	out[1] = spark_point(&trail[low < high ? high : low], is_share);
	return 2;
}

struct spark_point *spark_points(struct arena *a, const struct point *trail, size_t n,
				 bool is_share, size_t max, size_t *n_out)
{
	struct spark_point *points = arena_array(a, n < max ? n : max, sizeof(*points));
	size_t kept = 0;

	if (n <= max) {
		for (size_t i = 0; i < n; i++)
			points[kept++] = spark_point(&trail[i], is_share);
		*n_out = kept;
		return points;
	}
	/* the last column is the newest point alone: it is what the page speaks of */
	for (size_t column = 0; column + 1 < max / 2; column++) {
		size_t from = column * (n - 1) / (max / 2 - 1);
		size_t to = (column + 1) * (n - 1) / (max / 2 - 1);

		kept += reduce(trail, from, to, is_share, &points[kept]);
	}
	points[kept++] = spark_point(&trail[n - 1], is_share);
	*n_out = kept;
	return points;
}

void spark_blocks(struct buf *out, const struct spark_point *points, size_t n)
{
	static const char blocks[8][4] = {
		"\xE2\x96\x81", "\xE2\x96\x82", "\xE2\x96\x83", "\xE2\x96\x84",
		"\xE2\x96\x85", "\xE2\x96\x86", "\xE2\x96\x87", "\xE2\x96\x88",
	};
	double min = INFINITY, max = -INFINITY;
	size_t n_values = 0;

	for (size_t i = 0; i < n; i++) {
		if (!points[i].has_y)
			continue;
		min = fmin(min, points[i].y);
		max = fmax(max, points[i].y);
		n_values++;
	}
	if (n_values < 2)
		return;
	for (size_t i = 0; i < n; i++) {
		double height = max > min ? (points[i].y - min) / (max - min) : 0;

		if (points[i].has_y)
			(void)buf_puts(out, blocks[(size_t)(height * 7.999)]);
		else
			(void)buf_putc(out, '.');
	}
}
