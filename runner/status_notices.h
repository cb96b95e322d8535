/*
 * status_notices: the part of `assize status` about what nobody could be told.
 */
#ifndef ASSIZE_RUNNER_STATUS_NOTICES_H
#define ASSIZE_RUNNER_STATUS_NOTICES_H

#include <stddef.h>
#include <stdint.h>

struct app;
struct err;
struct json_writer;
struct record;
struct undelivered;

struct status_notices {
	struct undelivered *items; /* newest first */
	size_t n;
};

/* What still waits, and what was given up in the last week. */
int status_find_undelivered(struct app *app, struct record *record, int64_t now_ms,
			    struct status_notices *out, struct err *e);
/* A table after an empty line; nothing when everybody was told. */
void status_print_undelivered(struct app *app, const struct status_notices *s, int64_t now_ms);
/* The member "undelivered": id, name, run, at_ms, attempts, why, given_up. */
void status_put_undelivered(struct json_writer *w, const struct status_notices *s);

#endif
