/*
 * session: one run, from "begin" in the record to "end".
 *
 * The run is durable before the first check starts. Results are judged, committed in batches, and
 * only then printed, in definition order: printed means recorded. Whatever happens in between (a
 * signal, a full disk, kill -9) leaves a run that says so.
 */
#ifndef ASSIZE_RUNNER_SESSION_H
#define ASSIZE_RUNNER_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "runner/model/result.h"

struct app;
struct check;
struct definition;
struct err;
struct record;
struct terminal;

struct session_request {
	struct app *app;
	const struct definition *definition;
	struct record *record;		   /* open for writing */
	const struct check *const *checks; /* definition order; needs are added by the session */
	size_t n_checks;
	const char *command;	       /* run, gate, rollback */
	const char *subject;	       /* "" = none */
	const char *selection;	       /* as the user wrote it; "" = all */
	const struct run_shard *shard; /* NULL = the run is no part of others */
	size_t n_threads;	       /* 0 = 8 */
	struct terminal *terminal;     /* NULL = print nothing */
};

/*
 * 0 when the run came to its recorded end (also when it was interrupted: run->state tells). -1: the
 * record failed (ERR_RECORD) or the machine did (ERR_INTERNAL); the run then has no end.
 */
int session_run(const struct session_request *req, struct run_info *run, struct err *e);

/* Exit status an outcome stands for: 0, 1 or 2. */
int session_exit_status(enum outcome outcome);

#endif
