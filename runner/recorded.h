/*
 * recorded: what `assize record` was given, by name and labels.
 *
 * A value is shown as it was given, in its unit; `when` is when it was true, which whoever recorded
 * it may have set (--at).
 */
#ifndef ASSIZE_RUNNER_RECORDED_H
#define ASSIZE_RUNNER_RECORDED_H

#include <stdint.h>

struct app;
struct err;
struct options;
struct record;

/*
 * assize history --recorded: all names and labels with their newest value, or with a name among the
 * words its values, oldest first. -1 with the cause in e.
 */
int recorded_show(struct app *app, struct record *r, const struct options *o, int64_t since_ms,
		  struct err *e);

#endif
