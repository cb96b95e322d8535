/*
 * scan_show: the rows behind a failed series of a scan; private to this room.
 *
 * A second query on the table of the scan, with its filter, within the series' segment, for the
 * rows a condition picks. It is not of the scan's snapshot: what was repaired in between is not
 * shown.
 */
#ifndef ASSIZE_AUDITS_SCAN_SHOW_H
#define ASSIZE_AUDITS_SCAN_SHOW_H

/* The label of a segment that is NULL; the text that says the same has quotes. */
#define SCAN_NULL_LABEL "(null)"

#include "runner/io/db.h"

struct arena;
struct buf;
struct check;
struct err;
struct measurement;
struct probe;
struct scan_spec;
struct show;

/* A name quoted for the engine of the check's target, in the arena. */
const char *scan_quoted(struct arena *a, const struct check *c, const char *name);

/* The table of the check, for what its columns are shown as: see column_look(). */
const struct db_table *scan_look_again(struct probe *p, const struct check *c);

/* Appends "table WHERE filter AND segment": the rows m is of. */
int scan_put_rows(struct probe *p, const struct check *c, const struct measurement *m,
		  struct buf *out, struct err *e);

struct scan_shown {
	const struct show *show;
	const char *condition; /* holds for the rows to show */
	const char *order;     /* columns; NULL = as they come */
};

/* Does what audit_kind.evidence does. */
int scan_show(struct probe *p, size_t check, const struct measurement *m,
	      const struct scan_shown *shown, struct buf *out, struct err *e);

#endif
