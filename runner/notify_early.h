/*
 * notify_early: what there is to tell before anything is run (runner/notify.h).
 */
#ifndef ASSIZE_RUNNER_NOTIFY_EARLY_H
#define ASSIZE_RUNNER_NOTIFY_EARLY_H

#include <stddef.h>
#include <stdint.h>

struct app;
struct arena;
struct definition;
struct err;
struct record;
struct transition;

/* *out lives in the app's arena. */
int notify_early(struct app *app, const struct definition *d, struct record *record,
		 struct transition **out, size_t *n, struct err *e);

/* RFC 3339, seconds. */
const char *notify_time(struct arena *a, int64_t ms);

#endif
