/*
 * svg_parts: lines, dots and labels; private to reports/svg*.c. Styled by classes of html_style.c.
 */
#ifndef ASSIZE_REPORTS_SVG_PARTS_H
#define ASSIZE_REPORTS_SVG_PARTS_H

#include "runner/model/outcome.h"

struct buf;

/* One decimal, none when it is 0: a third of a page is coordinates. */
void svg_put_number(struct buf *out, double v);
void svg_put_attribute(struct buf *out, const char *name, double v); /* with a space before it */
/* suffix: behind the class, "" or svg_suffix(). */
void svg_put_line(struct buf *out, const char *class, const char *suffix, double x1, double y1,
		  double x2, double y2);
void svg_put_dot(struct buf *out, const char *suffix, double x, double y, double r);
/* anchor: NULL = start. text: already markup; NULL = no label. */
void svg_put_label(struct buf *out, double x, double y, const char *anchor, const char *text);
/* " bad", " wv" or "" */
const char *svg_suffix(enum outcome o);

#endif
