/*
 * status_notices: the part of `assize status` about what nobody could be told, and about what was
 * told of checks and gates that the definition has no more.
 */
#ifndef ASSIZE_RUNNER_STATUS_NOTICES_H
#define ASSIZE_RUNNER_STATUS_NOTICES_H

#include <stddef.h>
#include <stdint.h>

struct app;
struct err;
struct json_writer;
struct record;
struct definition;
struct still_told;
struct undelivered;

struct status_notices {
	struct undelivered *items; /* newest first */
	size_t n;
	struct still_told *gone; /* the oldest first */
	size_t n_gone;
};

/* What still waits, and what was given up in the last week. */
int status_find_undelivered(struct app *app, struct record *record, int64_t now_ms,
			    struct status_notices *out, struct err *e);
/*
 * Of those names the newest run of which was made under a definition of this one's name: others
 * that share the record have their own.
 */
int status_find_gone(struct app *app, struct record *record, const struct definition *d,
		     struct status_notices *out, struct err *e);
/* Tables after an empty line; nothing when everybody was told, and nothing is gone. */
void status_print_undelivered(struct app *app, const struct status_notices *s, int64_t now_ms);
/*
 * The members "undelivered": id, name, run, at_ms, attempts, why, given_up; and "gone": name,
 * series, told, since_ms, run.
 */
void status_put_undelivered(struct json_writer *w, const struct status_notices *s);

#endif
