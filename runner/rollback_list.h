/*
 * rollback_list: the releases of a set, what the record knows about each, and what of it still
 * stands. Nothing is verified.
 */
#ifndef ASSIZE_RUNNER_ROLLBACK_LIST_H
#define ASSIZE_RUNNER_ROLLBACK_LIST_H

struct app;
struct err;
struct json_writer;
struct record;
struct rollback_set;

/* record: NULL = there is none yet. w: NULL = a table on the program's output. */
int rollback_list(struct app *app, const struct rollback_set *set, struct record *record,
		  struct json_writer *w, struct err *e);

#endif
