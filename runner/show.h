/*
 * show: what commands share when they print: the terminal set up by options, the end of a run,
 * ages.
 */
#ifndef ASSIZE_RUNNER_SHOW_H
#define ASSIZE_RUNNER_SHOW_H

#include <stdint.h>

struct app;
struct arena;
struct err;
struct options;
struct record;
struct terminal;

/* Live on a terminal outside CI; colours by --color and NO_COLOR. */
void show_terminal(const struct app *app, const struct options *o, struct terminal *t);

/*
 * The summary on t (or JSON on standard output with --json), then every --report, all flushed. A
 * report that cannot be written is an error: the exit status comes only after what was asked for.
 */
int show_run_end(struct app *app, const struct options *o, struct record *record, int64_t run_id,
		 struct terminal *t, struct err *e);

/* "4 min ago", "in 3 h", "now"; "never" for -1. */
const char *show_ago(struct arena *a, int64_t at_ms, int64_t now_ms);

/* A value of a base unit in one that suits: 0.05 and "s" are "50 ms". */
const char *show_value(struct arena *a, double v, const char *unit);

/* How much of what the bound allows is used: "41 %", "> 10000 %" for more than 100 times of it. */
const char *show_room(struct arena *a, double room);

/* "latest" or a number of a run that exists. */
int show_run_id(struct app *app, struct record *record, const char *word, int64_t *out,
		struct err *e);

#endif
