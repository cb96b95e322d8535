/*
 * A sparkline is 124 x 26, a figure 430 x 140; both share one scale and one way of drawing. The
 * scale holds every value and every bound shown, so that the distance to the bound is what one
 * sees.
 */
#include "reports/svg.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "reports/svg_parts.h"
#include "runner/base/buf.h"

/* Appending to our own unbounded buffers cannot fail, hence the (void) before every append. */

#define ROOM_TICK 66.0 /* where the bound is */
#define ROOM_END  84.0 /* where a bar that goes past it stops */

struct frame {
	double left, right, top, bottom;
	double min, max;
	size_t n;
};

void svg_put_number(struct buf *out, double v)
{
	long tenths = lround(v * 10);

	if (tenths < 0)
		(void)buf_putc(out, '-');
	tenths = labs(tenths);
	(void)buf_printf(out, "%ld", tenths / 10);
	if (tenths % 10 != 0)
		(void)buf_printf(out, ".%ld", tenths % 10);
}

void svg_put_attribute(struct buf *out, const char *name, double v)
{
	(void)buf_printf(out, " %s=\"", name);
	svg_put_number(out, v);
	(void)buf_putc(out, '"');
}

void svg_put_line(struct buf *out, const char *class, const char *suffix, double x1, double y1,
		  double x2, double y2)
{
	(void)buf_printf(out, "<line class=\"%s%s\"", class, suffix);
	svg_put_attribute(out, "x1", x1);
	svg_put_attribute(out, "x2", x2);
	svg_put_attribute(out, "y1", y1);
	svg_put_attribute(out, "y2", y2);
	(void)buf_puts(out, "/>");
}

void svg_put_dot(struct buf *out, const char *suffix, double x, double y, double r)
{
	(void)buf_printf(out, "<circle class=\"d%s\"", suffix);
	svg_put_attribute(out, "cx", x);
	svg_put_attribute(out, "cy", y);
	svg_put_attribute(out, "r", r);
	(void)buf_puts(out, "/>");
}

const char *svg_suffix(enum outcome o)
{
	switch (o) {
	case OUTCOME_FAIL:
		return " bad";
	case OUTCOME_UNDECIDED:
	case OUTCOME_WARN:
		return " wv";
	case OUTCOME_PASS:
	case OUTCOME_SKIP:
		return "";
	}
	return "";
}

void svg_mark(struct buf *out, enum outcome o)
{
	const char *shape = "";

	switch (o) {
	case OUTCOME_PASS:
		shape = "<path d=\"M2,6.5 5,9.5 10.5,3\"/>";
		break;
	case OUTCOME_FAIL:
		shape = "<path d=\"M2.5,2.5 9.5,9.5 M9.5,2.5 2.5,9.5\"/>";
		break;
	case OUTCOME_WARN:
		shape = "<path d=\"M6,1.5 11,10.5 1,10.5Z M6,5V7.5\"/>";
		break;
	case OUTCOME_UNDECIDED:
		shape = "<circle cx=\"6\" cy=\"6\" r=\"4.4\" stroke-dasharray=\"2 1.6\"/>";
		break;
	case OUTCOME_SKIP:
		shape = "<path d=\"M2.5,6H9.5\"/>";
		break;
	}
	(void)buf_printf(out,
			 "<svg class=\"ic\" viewBox=\"0 0 12 12\" width=\"12\" height=\"12\" "
			 "aria-hidden=\"true\">%s</svg>",
			 shape);
}

void svg_room(struct buf *out, double room, enum outcome o)
{
	const char *suffix = svg_suffix(o);
	double share = fmax(room, 0);
	double x = fmin(share * ROOM_TICK, ROOM_END);

	if (isnan(room))
		return;
	(void)buf_printf(out, "<svg class=\"bu\" viewBox=\"0 0 92 20\" width=\"92\" height=\"20\" "
			      "role=\"img\" aria-label=\"");
	if (share > 100)
		(void)buf_puts(out, "more than 100 times the allowed room\">");
	else
		(void)buf_printf(out, "%.0f %% of the allowed room used\">", share * 100);
	svg_put_line(out, "ax", "", 0, 10, 92, 10);
	svg_put_line(out, "bar", suffix, 0, 10, x, 10);
	svg_put_line(out, "bd", "", ROOM_TICK, 3, ROOM_TICK, 17);
	if (share * ROOM_TICK > ROOM_END)
		(void)buf_printf(out, "<path class=\"ov%s\" d=\"M84,5l6,5l-6,5\"/>", suffix);
	else
		svg_put_dot(out, suffix, x, 10, 2.8);
	(void)buf_puts(out, "</svg>");
}

/* false: fewer than two values, nothing to draw. */
static bool fit_frame(struct frame *f, const struct spark_point *points, size_t n)
{
	size_t n_values = 0;

	f->n = n;
	f->min = INFINITY;
	f->max = -INFINITY;
	for (size_t i = 0; i < n; i++) {
		if (points[i].has_y) {
			f->min = fmin(f->min, points[i].y);
			f->max = fmax(f->max, points[i].y);
			n_values++;
		}
		if (points[i].has_limit) {
			f->min = fmin(f->min, points[i].limit);
			f->max = fmax(f->max, points[i].limit);
		}
	}
	return n_values >= 2;
}

static double x_of(const struct frame *f, size_t i)
{
	if (f->n < 2)
		return f->right;
	return f->left + (f->right - f->left) * (double)i / (double)(f->n - 1);
}

static double y_of(const struct frame *f, double y)
{
	if (f->max <= f->min)
		return (f->top + f->bottom) / 2;
	return f->bottom - (f->bottom - f->top) * ((y - f->min) / (f->max - f->min));
}

static void put_path_point(struct buf *out, bool is_start, double x, double y)
{
	(void)buf_putc(out, is_start ? 'M' : ' ');
	svg_put_number(out, x);
	(void)buf_putc(out, ',');
	svg_put_number(out, y);
}

/* The bound steps where it was changed: a loosened bound is seen as a step. */
static void put_limits(struct buf *out, const struct frame *f, const struct spark_point *points,
		       const char *class)
{
	bool is_open = false;
	double limit = 0;

	(void)buf_printf(out, "<path class=\"%s\" d=\"", class);
	for (size_t i = 0; i < f->n; i++) {
		double x = x_of(f, i);

		if (!points[i].has_limit) {
			if (is_open)
				put_path_point(out, false, x, y_of(f, limit));
			is_open = false;
			continue;
		}
		if (is_open && points[i].limit != limit)
			put_path_point(out, false, x, y_of(f, limit));
		if (!is_open || points[i].limit != limit || i + 1 == f->n)
			put_path_point(out, !is_open, x, y_of(f, points[i].limit));
		is_open = true;
		limit = points[i].limit;
	}
	(void)buf_puts(out, "\"/>");
}

/* Breaks where a run measured nothing; a value alone between two gaps becomes a short dash. */
static void put_values(struct buf *out, const struct frame *f, const struct spark_point *points,
		       const char *class)
{
	bool is_open = false;

	(void)buf_printf(out, "<path class=\"%s\" d=\"", class);
	for (size_t i = 0; i < f->n; i++) {
		if (!points[i].has_y) {
			is_open = false;
			continue;
		}
		put_path_point(out, !is_open, x_of(f, i), y_of(f, points[i].y));
		if (!is_open && (i + 1 == f->n || !points[i + 1].has_y))
			(void)buf_puts(out, "h.1");
		is_open = true;
	}
	(void)buf_puts(out, "\"/>");
}

static bool has_limits(const struct spark_point *points, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (points[i].has_limit)
			return true;
	return false;
}

static void put_end(struct buf *out, const struct frame *f, const struct spark_point *points,
		    enum outcome o)
{
	const struct spark_point *last = &points[f->n - 1];

	if (last->has_y)
		svg_put_dot(out, svg_suffix(o), f->right, y_of(f, last->y), 2.4);
}

void svg_spark(struct buf *out, const struct spark_point *points, size_t n, enum outcome o,
	       const char *label)
{
	struct frame f = {.left = 0, .right = 118, .top = 4, .bottom = 22};

	if (!fit_frame(&f, points, n))
		return;
	(void)buf_printf(out,
			 "<svg class=\"sp\" viewBox=\"0 0 124 26\" width=\"124\" height=\"26\" "
			 "role=\"img\" aria-label=\"%s\">",
			 label);
	if (has_limits(points, n))
		put_limits(out, &f, points, "th");
	put_values(out, &f, points, "l");
	put_end(out, &f, points, o);
	(void)buf_puts(out, "</svg>");
}

void svg_put_label(struct buf *out, double x, double y, const char *anchor, const char *text)
{
	if (text == NULL)
		return;
	(void)buf_puts(out, "<text class=\"tk\"");
	svg_put_attribute(out, "x", x);
	svg_put_attribute(out, "y", y);
	(void)buf_printf(out, "%s%s%s>%s</text>", anchor != NULL ? " text-anchor=\"" : "",
			 anchor != NULL ? anchor : "", anchor != NULL ? "\"" : "", text);
}

void svg_figure(struct buf *out, const struct spark_point *points, size_t n, enum outcome o,
		const struct figure_labels *labels)
{
	struct frame f = {.left = 74, .right = 346, .top = 14, .bottom = 104};

	if (!fit_frame(&f, points, n))
		return;
	(void)buf_printf(out, "<svg viewBox=\"0 0 430 140\" role=\"img\" aria-label=\"%s\">",
			 labels->title);
	svg_put_line(out, "axl", "", f.left - 6, f.top, f.left - 6, f.bottom);
	svg_put_label(out, f.left - 12, y_of(&f, f.max) + 4, "end", labels->high);
	if (f.max > f.min)
		svg_put_label(out, f.left - 12, f.bottom + 4, "end", labels->low);
	if (has_limits(points, n))
		put_limits(out, &f, points, "thb");
	put_values(out, &f, points, "l2");
	put_end(out, &f, points, o);
	if (points[n - 1].has_limit)
		svg_put_label(out, f.right + 8, y_of(&f, points[n - 1].limit) + 4, NULL,
			      labels->bound);
	svg_put_label(out, f.left, 130, NULL, labels->from);
	svg_put_label(out, f.right, 130, "end", labels->to);
	(void)buf_puts(out, "</svg>");
}
