/*
 * rollback_show: what the verbs of `assize rollback` say beyond what every run says.
 */
#ifndef ASSIZE_RUNNER_ROLLBACK_SHOW_H
#define ASSIZE_RUNNER_ROLLBACK_SHOW_H

#include <stddef.h>
#include <stdio.h>

struct arena;
struct restoration;

/* What became of each warm copy, and which were removed. */
void rollback_show_warm(struct arena *a, FILE *out, const struct restoration *items, size_t n);

#endif
