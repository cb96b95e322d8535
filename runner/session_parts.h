/*
 * session_parts: one run's state, shared by the session files; private to them.
 *
 * session.c says what may start and when the run is over, session_settle.c takes finished jobs to
 * recorded and printed results. All of it happens on the owner's thread.
 */
#ifndef ASSIZE_RUNNER_SESSION_PARTS_H
#define ASSIZE_RUNNER_SESSION_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/map.h"
#include "runner/judge.h"
#include "runner/plan.h"
#include "runner/session.h"

struct arena;
struct engine;
struct err;
struct probe_world;
struct restoration;
struct result;

/* One planned check on its way from waiting to printed. */
struct slot {
	struct judged judged; /* from is_judged on */
	struct arena *arena;  /* of the job its results are in; shared, see holders */
	size_t *n_holders;    /* slots that still need that arena */
	/* Judged, but what can be shown of it is still being fetched; NULL = neither. */
	const struct judged *pending;
	bool is_judged, is_printed;
};

struct session {
	const struct session_request *req;
	struct run_info *run;
	struct plan plan;
	struct slot *slots;
	struct map by_name; /* check name -> slot */
	struct judge judge;
	struct engine *engine;
	struct probe_world *world;
	struct job **waiting; /* not submitted: need another check, or a retry's moment */
	size_t n_waiting;
	size_t n_in_flight;
	bool is_alone; /* the one in flight bears no other beside it (audit_kind.runs_alone) */
	size_t n_judged, n_printed;
	int signal;
	int64_t ticked_ms; /* monotonic */
	/* of the present batch */
	struct result *batch;
	size_t n_batch, cap_batch;
	struct restoration *restorations;
	size_t n_restorations, cap_restorations;
};

int64_t session_monotonic_ms(const struct session *s);
int64_t session_wall_ms(const struct session *s);

/* Takes a list of finished jobs (->next); some go round again, for a retry or for evidence. */
int session_take(struct session *s, struct job *list, struct err *e);

/* The one result of a check that is not executed, or no longer. */
void session_settle_unexecuted(struct session *s, size_t slot, enum outcome outcome,
			       const char *reason);

/* After an interrupt: what was judged counts, everything else is undecided for this reason. */
void session_settle_rest(struct session *s, const char *reason);

/* Commits the batch, then prints what the definition order allows. */
int session_flush(struct session *s, struct err *e);

/* The same of the last batch, in one commit with the run's end, which s->run describes. */
int session_finish(struct session *s, struct err *e);

/* The record failed: what was judged and not committed is lost with the run. */
void session_forget(struct session *s);

#endif
