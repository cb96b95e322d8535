/*
 * rollback_show: what the verbs of `assize rollback` say beyond what every run says.
 */
#ifndef ASSIZE_RUNNER_ROLLBACK_SHOW_H
#define ASSIZE_RUNNER_ROLLBACK_SHOW_H

#include <stddef.h>
#include <stdio.h>

struct arena;
struct restoration;
struct restoration_row;
struct restoration_step;
struct rollback_set;

/* What became of each warm copy, and which were removed. */
void rollback_show_warm(struct arena *a, FILE *out, const struct restoration *items, size_t n);

/* The timetable of a drill, and what of a rollback it did not do. */
void rollback_show_drill(struct arena *a, FILE *out, const struct restoration *r,
			 const struct rollback_set *set);

/* NULL = the verification did not come to it, or had none. */
const struct restoration_step *rollback_show_step(const struct restoration *r, const char *name);

/* The tag's row; NULL = the record knows none. */
const struct restoration_row *rollback_show_row(const struct restoration_row *rows, size_t n,
						const char *tag);

#endif
