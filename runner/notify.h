/*
 * notify: who is told, around a run.
 *
 *	notify_begin()   what was found before it (checks that are overdue, runs that died), pings
 *	...              the record writes the news with the run's end, see history/record.h
 *	notify_end()     delivers: this run's notices, and those of earlier ones that still wait
 *
 * All sinks at once, NOTIFY_TOTAL_MS at most. Nothing here changes an exit status. What could not
 * be delivered is said on standard error the first time, be it that it waits behind what was not,
 * and when it is given up; the next run tries again, then later and later, until NOTIFY_AGE_MS have
 * passed.
 */
#ifndef ASSIZE_RUNNER_NOTIFY_H
#define ASSIZE_RUNNER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app;
struct definition;
struct err;
struct notifier;
struct options;
struct record;

#define NOTIFY_TOTAL_MS (30 * 1000)
#define NOTIFY_AGE_MS	(INT64_C(24) * 3600 * 1000)

/*
 * *out is NULL where nobody is to be told. is_pinging: this run is one that pings are about. -1:
 * the record could not be read.
 */
int notify_begin(struct app *app, const struct options *o, const struct definition *d,
		 struct record *record, bool is_pinging, struct notifier **out, struct err *e);

/* A run was made: pings of its beginning are sent while it goes on. */
void notify_started(struct notifier *n);

/* status: the exit status to come. May be called with NULL; frees nothing the arena does not. */
void notify_end(struct notifier *n, int status);

/* One message to one sink, now and on no record. -1: e says why it was not delivered. */
int notify_test(struct app *app, const struct definition *d, const char *sink, struct err *e);

#endif
