/*
 * The owner's loop: submit what may start, take back what finished (session_settle.c). One thread
 * does all of this, so there is one order of events and one writer of the record.
 */
#include "runner/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "reports/terminal.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/engine.h"
#include "runner/former.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/io/db.h"
#include "runner/io/http_turns.h"
#include "runner/judge.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/progress.h"
#include "runner/past.h"
#include "runner/plan.h"
#include "runner/selection.h"
#include "runner/session_parts.h"
#include "runner/subject.h"

#define DEFAULT_THREADS	   8
#define LIVE_TICK_MS	   100
#define PLAIN_TICK_MS	   1000
#define INTERRUPT_GRACE_MS 1000
#define INTERRUPT_TIDY_MS  15000 /* for a probe that has to remove what it wrote */
#define MAX_LITTERED	   64
#define MAX_SHOWN_RUNNING  8

int session_exit_status(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		return EXIT_PASS;
	case OUTCOME_FAIL:
		return EXIT_DISPROVED;
	case OUTCOME_UNDECIDED:
	case OUTCOME_SKIP:
		return EXIT_UNDECIDED;
	}
	return EXIT_UNDECIDED;
}

/* The checks to run in definition order; a caller's narrowed copy stands in for the original. */
static size_t choose(const struct session_request *req, const struct check **out)
{
	const struct definition *d = req->definition;
	struct arena *a = req->app->arena;
	bool *is_wanted = arena_array(a, d->n_checks, sizeof(*is_wanted));
	const struct check **given = arena_array(a, d->n_checks, sizeof(*given));
	size_t n = 0;

	for (size_t i = 0; i < req->n_checks; i++) {
		given[req->checks[i]->index] = req->checks[i];
		selection_want(req->checks[i], is_wanted);
	}
	for (size_t i = 0; i < d->n_checks; i++)
		if (is_wanted[i])
			out[n++] = given[i] != NULL ? given[i] : d->checks[i];
	return n;
}

static void make_plan(struct session *s)
{
	const struct session_request *req = s->req;
	struct arena *a = req->app->arena;
	const struct check **checks = arena_array(a, req->definition->n_checks, sizeof(*checks));
	size_t n = choose(req, checks);
	const struct check_info **infos = arena_array(a, n, sizeof(*infos));

	plan_make(a, checks, n, &s->plan);
	s->slots = arena_array(a, n, sizeof(*s->slots));
	map_init(&s->by_name, a);
	for (size_t i = 0; i < n; i++) {
		infos[i] = judge_check_info(a, checks[i], req->definition->redactor);
		(void)map_put(&s->by_name, checks[i]->name, &s->slots[i]); /* names are unique */
	}
	s->judge = (struct judge){req->record, 0, req->definition->redactor, infos};
	s->waiting = arena_array(a, s->plan.n_jobs + 1, sizeof(struct job *));
}

static int begin(struct session *s, struct err *e)
{
	const struct session_request *req = s->req;
	struct run_info *run = s->run;
	struct err ignored = {0}; /* a gate that is asked about it says why */

	*run = (struct run_info){
		.begin_ms = session_wall_ms(s),
		.end_ms = -1,
		.subject = req->subject,
		.selection = req->selection,
		.command = req->command,
		.definition_file = req->definition->root_file,
		.begin_monotonic_ms = session_monotonic_ms(s),
		.n_planned = (int64_t)s->plan.n_checks,
		.exit_status = EXIT_UNDECIDED,
	};
	memcpy(run->definition_digest, req->definition->digest, sizeof(run->definition_digest));
	if (subject_commit(req->app->arena, req->definition, req->subject, &run->subject_commit,
			   &ignored) != 0)
		run->subject_commit = SUBJECT_UNKNOWN;
	if (req->shard != NULL)
		run->shard = *req->shard;
	identity_fill(req->app, req->definition, run);
	if (record_begin(req->record, run, e) != 0)
		return -1;
	s->judge.run_id = run->id;
	s->world->run_id = run->id;
	if (req->terminal != NULL)
		terminal_begin(req->terminal, run, s->plan.n_checks);
	return 0;
}

/* NULL = may start; else the needed check that is not passing; *is_pending: not judged yet. */
static const struct check *blocking_need(const struct session *s, const struct check *c,
					 bool *is_pending)
{
	*is_pending = false;
	for (size_t i = 0; i < c->n_needs; i++) {
		const struct slot *slot = map_get(&s->by_name, c->needs[i]->name);

		if (!slot->is_judged)
			*is_pending = true;
		else if (!outcome_is_passing(slot->judged.outcome))
			return c->needs[i];
	}
	return NULL;
}

static void skip_job(struct session *s, const struct job *job, const struct check *need)
{
	const struct slot *slot = map_get(&s->by_name, need->name);

	for (size_t i = 0; i < job->n_checks; i++)
		session_settle_unexecuted(s, job->slots[i], OUTCOME_SKIP,
					  arena_printf(s->req->app->arena,
						       "needs \"%s\", which is %s", need->name,
						       outcome_name(slot->judged.outcome)));
}

static void submit(struct session *s, struct job *job)
{
	s->n_in_flight++;
	s->is_alone = job->checks[0]->kind->runs_alone;
	engine_submit(s->engine, job);
}

/*
 * Does the job have to wait for others, or others for it? What runs alone starts when nothing else
 * is under way, and while it is, nothing else starts.
 */
static bool is_crowded(const struct session *s, const struct job *job)
{
	return s->is_alone || (job->checks[0]->kind->runs_alone && s->n_in_flight > 0);
}

/* Starts or skips what waited; one skip may free the next, so until nothing moves. */
static void advance(struct session *s)
{
	bool has_moved = true;

	while (has_moved) {
		size_t kept = 0, n = s->n_waiting;

		has_moved = false;
		for (size_t i = 0; i < n; i++) {
			struct job *job = s->waiting[i];
			bool is_pending;
			const struct check *need = blocking_need(s, job->checks[0], &is_pending);

			if (need != NULL)
				skip_job(s, job, need);
			else if (is_pending || is_crowded(s, job) ||
				 job->not_before_ms > session_monotonic_ms(s))
				s->waiting[kept++] = job;
			else
				submit(s, job);
			has_moved = has_moved || need != NULL;
		}
		s->n_waiting = kept;
	}
}

static void tick(struct session *s)
{
	const struct job *jobs[MAX_SHOWN_RUNNING];
	const char *names[MAX_SHOWN_RUNNING];
	int64_t since_ms[MAX_SHOWN_RUNNING];
	int64_t now = session_monotonic_ms(s);
	struct arena *a;
	size_t n;

	if (s->req->terminal == NULL || now - s->ticked_ms < LIVE_TICK_MS)
		return;
	s->ticked_ms = now;
	n = engine_running(s->engine, jobs, MAX_SHOWN_RUNNING);
	n = n < MAX_SHOWN_RUNNING ? n : MAX_SHOWN_RUNNING;
	for (size_t i = 0; i < n; i++) {
		names[i] = jobs[i]->checks[0]->name;
		since_ms[i] = now - jobs[i]->started_us / 1000;
	}
	a = arena_new(); /* a hundred times a minute, for hours */
	terminal_tick(s->req->terminal, names, since_ms, n,
		      n > 0 ? progress_words(a, &jobs[0]->progress, now) : NULL,
		      session_wall_ms(s));
	arena_free(a);
}

/* Will a probe under way remove something it has on disk? */
static bool has_litter(struct session *s)
{
	const struct job *jobs[MAX_LITTERED];
	size_t n = engine_running(s->engine, jobs, MAX_LITTERED);

	n = n < MAX_LITTERED ? n : MAX_LITTERED;
	for (size_t i = 0; i < n; i++)
		if (atomic_load(&jobs[i]->progress.has_litter))
			return true;
	return false;
}

/* How long the owner may sleep: until the next tick or the next retry. */
static int64_t wait_ms(const struct session *s)
{
	bool is_live = s->req->terminal != NULL && s->req->terminal->is_live;
	int64_t wait = is_live ? LIVE_TICK_MS : PLAIN_TICK_MS;
	int64_t now = session_monotonic_ms(s);

	for (size_t i = 0; i < s->n_waiting; i++) {
		int64_t left = s->waiting[i]->not_before_ms - now;

		if (s->waiting[i]->not_before_ms > 0 && left < wait)
			wait = left > 0 ? left : 0;
	}
	return wait;
}

/*
 * After a signal: nothing new starts, what is under way gets a moment, and longer while it removes
 * what it wrote; the rest is undecided.
 */
static int wind_down(struct session *s, struct err *e)
{
	int64_t now = session_monotonic_ms(s);
	int64_t until = now + INTERRUPT_GRACE_MS, tidy_until = now + INTERRUPT_TIDY_MS;
	const char *reason = arena_printf(s->req->app->arena, "the run was interrupted by %s",
					  strsignal(s->signal));

	atomic_store(&s->world->is_interrupted, true);
	s->n_waiting = 0;
	while (s->n_in_flight > 0 && (now < until || (now < tidy_until && has_litter(s)))) {
		int second;

		if (session_take(s, engine_wait(s->engine, LIVE_TICK_MS, &second), e) != 0)
			return -1;
		now = session_monotonic_ms(s);
		if (second != 0) /* asked twice: at once */
			break;
	}
	session_settle_rest(s, reason);
	return 0;
}

static int drive(struct session *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.n_jobs; i++) {
		const struct check *first = s->plan.jobs[i]->checks[0];

		if (first->n_needs > 0 || first->kind->runs_alone)
			s->waiting[s->n_waiting++] = s->plan.jobs[i];
		else
			submit(s, s->plan.jobs[i]);
	}
	advance(s);
	while (s->n_judged < s->plan.n_checks) {
		struct job *list = engine_wait(s->engine, wait_ms(s), &s->signal);

		if (session_take(s, list, e) != 0)
			return -1;
		if (s->signal != 0)
			return wind_down(s, e);
		advance(s);
		if (s->n_judged == s->plan.n_checks)
			return 0; /* what is left to commit goes with the end */
		if (session_flush(s, e) != 0)
			return -1;
		tick(s);
	}
	return 0;
}

static void count(struct run_info *run, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASS:
		run->n_pass++;
		return;
	case OUTCOME_WARN:
		run->n_warn++;
		return;
	case OUTCOME_FAIL:
		run->n_fail++;
		return;
	case OUTCOME_UNDECIDED:
		run->n_undecided++;
		return;
	case OUTCOME_SKIP:
		run->n_skip++;
		return;
	}
}

static int end(struct session *s, struct err *e)
{
	struct run_info *run = s->run;

	run->end_ms = session_wall_ms(s);
	run->state = s->signal != 0 ? RUN_INTERRUPTED : RUN_COMPLETE;
	run->outcome = s->plan.n_checks > 0    ? s->slots[0].judged.outcome
		       : run->shard.index != 0 ? OUTCOME_SKIP
					       : OUTCOME_UNDECIDED;
	for (size_t i = 0; i < s->plan.n_checks; i++) {
		run->outcome = outcome_join(run->outcome, s->slots[i].judged.outcome);
		count(run, s->slots[i].judged.outcome);
	}
	if (s->signal != 0 && outcome_is_passing(run->outcome))
		run->outcome = OUTCOME_UNDECIDED; /* the signal came with the last result */
	run->exit_status = session_exit_status(run->outcome);
	if (s->plan.n_checks == 0 && run->shard.index != 0 && s->signal == 0)
		run->exit_status = EXIT_PASS; /* its part is done: there was nothing in it */
	return session_finish(s, e);
}

int session_run(const struct session_request *req, struct run_info *run, struct err *e)
{
	struct session s = {.req = req, .run = run};
	/* in the arena, not here: threads that hang outlive this function */
	struct probe_world *world = arena_alloc(req->app->arena, sizeof(*world));
	struct former_asker *former = arena_alloc(req->app->arena, sizeof(*former));
	const struct past *past = NULL;
	struct pin *pins = NULL;
	size_t n_pins = 0;
	int rc = -1;

	make_plan(&s);
	if (record_pins(req->record, req->app->arena, &pins, &n_pins, e) != 0 ||
	    past_read(req->app->arena, req->record, s.plan.checks, s.plan.n_checks,
		      session_wall_ms(&s),
		      req->definition->ledger != NULL && req->definition->ledger->trust.n > 0,
		      &past, e) != 0)
		return -1;
	*world = (struct probe_world){
		.clock = &req->app->clock,
		.dbs = db_pool_new(&req->app->clock),
		.definition = req->definition,
		.pins = pins,
		.n_pins = n_pins,
		.turns = http_turns_new(),
		.past = past,
		.former = former_run,
		.former_ctx = former,
	};
	*former = (struct former_asker){req->app, world};
	s.world = world;
	if (engine_start(world, &s.plan, req->n_threads > 0 ? req->n_threads : DEFAULT_THREADS,
			 &s.engine, e) != 0) {
		db_pool_free(world->dbs);
		http_turns_free(world->turns);
		return -1;
	}
	if (begin(&s, e) == 0 && drive(&s, e) == 0)
		rc = end(&s, e);
	if (rc != 0)
		session_forget(&s);
	if (s.n_in_flight > 0) /* what they measured is nobody's: it goes with the process */
		req->app->is_abandoning = true;
	if (!engine_stop(s.engine)) {
		req->app->is_abandoning = true; /* threads still use the world */
		return rc;
	}
	db_pool_free(world->dbs);
	http_turns_free(world->turns);
	return rc;
}
