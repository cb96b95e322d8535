/*
 * A challenge must not call its own trouble a success of the check: what could not be damaged, what
 * took too long and what was interrupted is inconclusive, and a check that notices the way it is
 * asked (rather than the damage) is not challenged at all.
 */
#include "runner/challenge.h"

#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/challenge_parts.h"
#include "runner/clients.h"
#include "runner/former.h"
#include "runner/history/record.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"
#include "runner/io/file.h"
#include "runner/io/http_turns.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/past.h"

struct challenger {
	struct challenger_request req;
	struct probe_world world;
	struct clock clock; /* stands still while a check is challenged */
	struct former_asker former;
	struct scratch scratch;
	bool has_proc, has_scratch;
};

atomic_bool *challenger_interrupt(struct challenger *c)
{
	return &c->world.is_interrupted;
}

static bool is_interrupted(const struct challenger *c)
{
	return atomic_load(&c->world.is_interrupted);
}

static int read_record(struct challenger *c, struct err *e)
{
	const struct challenger_request *req = &c->req;
	const struct ledger_settings *ledger = req->definition->ledger;
	struct pin *pins = NULL;

	if (req->record == NULL)
		return 0;
	if (record_pins(req->record, req->app->arena, &pins, &c->world.n_pins, e) != 0 ||
	    past_read(req->app->arena, req->record, req->checks, req->n_checks,
		      clock_wall_ms(&c->clock), ledger != NULL && ledger->trust.n > 0,
		      &c->world.past, e) != 0)
		return -1;
	c->world.pins = pins;
	return 0;
}

static int begin_world(struct challenger *c, struct err *e)
{
	const struct challenger_request *req = &c->req;
	const char *temporary = app_temporary(req->app);
	struct plan plan;

	plan_make(req->app->arena, req->checks, req->n_checks, &plan);
	if (plan.needs_proc && proc_start_helper(e) != 0) /* forks: before threads */
		return -1;
	c->has_proc = plan.needs_proc;
	if (read_record(c, e) != 0)
		return -1;
	clients_load(clients_of(&plan));
	(void)scratch_sweep(temporary); /* of challenges that were killed; how many says nothing */
	if (scratch_hold(req->app->arena, temporary, &c->scratch, e) != 0)
		return -1;
	c->has_scratch = true;
	return 0;
}

int challenger_new(const struct challenger_request *req, struct challenger **out, struct err *e)
{
	struct challenger *c = arena_alloc(req->app->arena, sizeof(*c));

	c->req = *req;
	c->clock = clock_fixed(clock_wall_ms(&req->app->clock));
	c->world.clock = &c->clock;
	c->world.definition = req->definition;
	c->world.dbs = db_pool_new(&c->clock);
	c->world.turns = http_turns_new();
	c->former = (struct former_asker){req->app, &c->world};
	c->world.former = former_run;
	c->world.former_ctx = &c->former;
	if (begin_world(c, e) != 0) {
		challenger_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void challenger_free(struct challenger *c)
{
	struct err ignored = {0}; /* the next sweep of the folder removes it */

	if (c == NULL)
		return;
	db_pool_free(c->world.dbs);
	http_turns_free(c->world.turns);
	if (c->has_proc)
		proc_stop_helper();
	if (c->has_scratch)
		(void)scratch_release(&c->scratch, &ignored);
}

void challenger_abandon(struct challenger *c)
{
	struct err ignored = {0}; /* as above */

	if (c->has_scratch)
		(void)scratch_release(&c->scratch, &ignored);
}

const char *bout_keep(const struct bout *b, const char *text)
{
	struct arena *a = b->challenger->req.arena;

	return text != NULL ? redact_text(b->judge.redactor, a, arena_strdup(a, text)) : NULL;
}

/* The error as the record shows errors: its message alone, without secrets. */
static const char *words_of(const struct bout *b, struct arena *a, const struct err *e)
{
	return redact_text(b->judge.redactor, a,
			   e->message[0] != '\0' ? arena_strdup(a, e->message)
						 : "nothing says why");
}

#define INTERRUPTED "the challenge was interrupted"
/* Whoever gives up at the deadline may look at a clock a little before it. */
#define LATE_MS 10

/* Was there no answer because there was no time left? A statement may have less than the check. */
static bool is_out_of_time(const struct bout *b, int64_t took_ms)
{
	const struct check *c = b->challenge.check;
	int64_t limit_ms = c->timeout_ms;

	if (c->target != NULL && c->target->statement_timeout_ms > 0 &&
	    c->target->statement_timeout_ms < limit_ms)
		limit_ms = c->target->statement_timeout_ms;
	return took_ms >= limit_ms - LATE_MS;
}

/* No answer at all, or none of some series, proves nothing when time was over. */
static const char *refusal_of(const struct bout *b, const struct attack *a, const struct attempt *t,
			      int64_t took_ms)
{
	if (t->judged.outcome == OUTCOME_UNDECIDED && (a == NULL || !a->row->is_late) &&
	    is_out_of_time(b, took_ms))
		return "the check's time was over before it came to an answer";
	return NULL;
}

/* An answer that never comes does not come in this time either. */
#define PATIENCE_MS 1000

static void begin_attempt(const struct bout *b, const struct attack *a, struct attempt *out)
{
	static const size_t slot; /* of the only check */
	const struct clock *clock = b->challenge.world->clock;
	bool is_late = a != NULL && a->row->is_late;
	int64_t timeout_ms = b->challenge.check->timeout_ms;
	struct job *job = &out->job;

	*out = (struct attempt){.arena = arena_new()};
	job->checks = arena_alloc(out->arena, sizeof(struct check *));
	job->checks[0] = b->challenge.check;
	job->slots = arena_alloc(out->arena, sizeof(slot));
	job->n_checks = 1;
	job->attempt = 1;
	job->arena = out->arena;
	job->measured_ms = clock_wall_ms(clock);
	job->probe = (struct probe){
		.world = b->challenge.world,
		.arena = out->arena,
		.checks = job->checks,
		.n_checks = 1,
		.deadline_ms = clock_monotonic_ms(clock) +
			       (is_late && timeout_ms > PATIENCE_MS ? PATIENCE_MS : timeout_ms),
	};
}

int bout_attempt(struct bout *b, const struct attack *a, double dose, struct attempt *out,
		 struct err *e)
{
	const struct clock *clock = b->challenge.world->clock;
	int64_t begin_ms = clock_monotonic_ms(clock);
	struct job *job = &out->job;
	struct err failure = {0};
	int rc;

	begin_attempt(b, a, out);
	if (is_interrupted(b->challenger)) {
		out->refusal = INTERRUPTED;
		return 0;
	}
	rc = b->arsenal->strike(&b->challenge, a, dose, &job->probe, &failure);
	if (rc > 0)
		out->refusal = words_of(b, out->arena, &failure);
	if (is_interrupted(b->challenger)) /* the record may be somebody else's by now */
		out->refusal = INTERRUPTED;
	if (out->refusal != NULL)
		return 0;
	out->is_measured = rc == 0;
	if (rc != 0)
		job->err = &failure;
	job->checks[0] = b->challenge.check; /* the bounds are its own, wherever it looked */
	rc = judge_job(&b->judge, job, 0, &out->judged, e);
	job->err = NULL;
	out->refusal = refusal_of(b, a, out, clock_monotonic_ms(clock) - begin_ms);
	return rc;
}

void attempt_release(struct attempt *t)
{
	arena_free(t->arena);
}

static const struct result *first_unpassed(const struct judged *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (!outcome_is_passing(j->results[i].outcome))
			return &j->results[i];
	return NULL;
}

/* The check in the world as it is. Its attempt lives as long as the bout. */
static int take_baseline(struct bout *b, struct challenged *out, struct err *e)
{
	struct attempt *t = arena_alloc(b->challenge.arena, sizeof(*t));
	const struct result *bad;

	if (bout_attempt(b, NULL, 0, t, e) != 0) {
		attempt_release(t);
		return -1;
	}
	arena_defer(b->challenge.arena, (void (*)(void *))arena_free, t->arena);
	if (t->refusal != NULL) {
		out->reason = arena_strdup(b->challenger->req.arena, t->refusal);
		return 0;
	}
	b->baseline = t->judged;
	b->challenge.baseline = t->judged.results;
	b->challenge.n_baseline = t->judged.n;
	b->challenge.measured = t->judged.measured;
	bad = first_unpassed(&b->baseline);
	if (bad == NULL)
		return 0;
	out->reason = arena_printf(b->challenger->req.arena, "it does not pass as it is: %s",
				   bad->reason != NULL ? bad->reason : outcome_name(bad->outcome));
	out->help =
		arena_printf(b->challenger->req.arena, "assize run %s", b->challenge.check->name);
	return 0;
}

static bool is_claimed(const struct check *c, const struct attack_row *row)
{
	if (c->claims.n == 0 || row->is_control)
		return true;
	for (size_t i = 0; i < c->claims.n; i++)
		if (strcmp(c->claims.items[i], row->name) == 0)
			return true;
	return false;
}

void bout_judge(const struct bout *b, const struct attack *a, const struct attempt *t,
		struct attack_result *out)
{
	struct arena *arena = b->challenger->req.arena;
	struct attack_sides sides = {
		.check = b->challenge.check,
		.before = b->challenge.baseline,
		.n_before = b->challenge.n_baseline,
		.after = t->judged.results,
		.n_after = t->judged.n,
		.is_measured = t->is_measured,
	};

	if (t->refusal != NULL) {
		out->outcome = ATTACK_INCONCLUSIVE;
		out->reason = arena_strdup(arena, t->refusal);
		return;
	}
	attack_judge(arena, &sides, out);
	if (!a->row->is_control)
		return;
	out->outcome = attack_is_noticed(out->outcome) ? ATTACK_FALSE_ALARM : ATTACK_STEADY;
	out->advice = NULL;
	if (out->outcome == ATTACK_STEADY)
		out->reason = NULL;
}

static int strike(struct bout *b, const struct attack *a, struct attack_result *out, struct err *e)
{
	const struct clock *clock = b->challenge.world->clock;
	int64_t begin_us = clock_monotonic_us(clock);
	struct attempt t;
	int rc = bout_attempt(b, a, a->dose, &t, e);

	if (rc == 0)
		bout_judge(b, a, &t, out);
	attempt_release(&t);
	if (rc == 0 && a->most > 0 && !a->row->is_control &&
	    (attack_is_noticed(out->outcome) || attack_is_survivor(out->outcome)))
		rc = bout_find_dose(b, a, attack_is_noticed(out->outcome), out, e);
	out->duration_us = clock_monotonic_us(clock) - begin_us;
	return rc;
}

static int attack_one(struct bout *b, const struct attack *a, struct attack_result *out,
		      struct err *e)
{
	*out = (struct attack_result){
		.name = a->row->name,
		.object = bout_keep(b, a->object),
		.words = bout_keep(b, b->arsenal->words(&b->challenge, a, a->dose)),
		.is_control = a->row->is_control,
	};
	if (a->reason != NULL) {
		out->outcome = a->settled;
		out->reason = bout_keep(b, a->reason);
		return 0;
	}
	if (!is_claimed(b->challenge.check, a->row)) {
		out->outcome = ATTACK_OUT_OF_CLAIM;
		return 0;
	}
	out->is_planned = b->challenger->req.is_survey;
	return out->is_planned ? 0 : strike(b, a, out, e);
}

/*
 * Is the check shaken by the way it is asked, or cannot be asked that way? Then out->reason says
 * so, and what else would be tried means nothing.
 */
static bool is_disproved_proof(const struct bout *b, const struct attack *a,
			       const struct attack_result *r, struct challenged *out)
{
	const char *why = r->reason != NULL ? r->reason : attack_outcome_name(r->outcome);

	if (!a->row->is_proof || r->outcome == ATTACK_STEADY || r->is_planned)
		return false;
	if (is_interrupted(b->challenger))
		out->reason = INTERRUPTED;
	else
		out->reason = arena_printf(b->challenger->req.arena, "it %s as attacks ask it: %s",
					   r->outcome == ATTACK_FALSE_ALARM && r->after != NULL
						   ? "answers otherwise when it is asked"
						   : "cannot be asked",
					   why);
	return true;
}

static int attack_all(struct bout *b, struct challenged *out, struct err *e)
{
	const struct challenger_request *req = &b->challenger->req;
	const struct challenge *c = &b->challenge;

	out->attacks = arena_array(req->arena, c->n_attacks, sizeof(*out->attacks));
	for (size_t i = 0; i < c->n_attacks; i++) {
		if (req->tell != NULL)
			req->tell(req->tell_ctx, c->check, &c->attacks[i], i, c->n_attacks);
		if (attack_one(b, &c->attacks[i], &out->attacks[i], e) != 0)
			return -1;
		out->n_attacks = i + 1;
		if (is_disproved_proof(b, &c->attacks[i], &out->attacks[i], out))
			return 0;
	}
	return 0;
}

/* An error of the arsenal says why the check is not challenged. */
static int refuse(struct bout *b, const struct err *why, struct challenged *out)
{
	struct arena *a = b->challenger->req.arena;

	out->reason = words_of(b, a, why);
	if (why->help[0] != '\0')
		out->help = bout_keep(b, why->help);
	return 0;
}

static int lead(struct bout *b, struct challenged *out, struct err *e)
{
	struct err why = {0};

	if (b->arsenal->open != NULL && b->arsenal->open(&b->challenge, &why) != 0)
		return refuse(b, &why, out);
	if (take_baseline(b, out, e) != 0)
		return -1;
	if (out->reason != NULL)
		return 0;
	if (b->arsenal->survey(&b->challenge, &why) != 0)
		return refuse(b, &why, out);
	return attack_all(b, out, e);
}

static int begin_bout(struct challenger *c, const struct check *check, struct bout *b,
		      struct challenged *out, struct err *e)
{
	const struct check_info **infos = arena_alloc(b->challenge.arena, sizeof(*infos));

	c->clock = clock_fixed(out->at_ms);
	infos[0] = out->check;
	b->challenger = c;
	b->arsenal = check->kind->arsenal;
	b->judge = (struct judge){c->req.record, 0, c->req.definition->redactor, infos};
	b->challenge.world = &c->world;
	b->challenge.check = check;
	return scratch_create(b->challenge.arena, c->scratch.path, &b->challenge.scratch, e);
}

int challenger_check(struct challenger *c, const struct check *check, struct challenged *out,
		     struct err *e)
{
	struct app *app = c->req.app;
	int64_t begin_us = clock_monotonic_us(&app->clock);
	struct bout b = {.challenge = {.arena = arena_new()}};
	struct err ignored = {0}; /* it goes with the challenger's own directory */
	int rc = 0;

	*out = (struct challenged){
		.check = judge_check_info(c->req.arena, check, c->req.definition->redactor),
		.at_ms = clock_wall_ms(&app->clock),
		.subject = "",
	};
	if (c->req.tell != NULL)
		c->req.tell(c->req.tell_ctx, check, NULL, 0, 0);
	if (is_interrupted(c)) {
		out->reason = INTERRUPTED;
	} else if (check->kind->arsenal == NULL) {
		out->reason = arena_printf(c->req.arena,
					   "what checks of kind %s look at cannot be damaged",
					   check->kind->name);
		out->help = arena_printf(c->req.arena,
					 "what a pass of it does not prove: assize kinds %s",
					 check->kind->name);
	} else if (begin_bout(c, check, &b, out, e) != 0) {
		rc = -1;
	} else {
		rc = lead(&b, out, e);
		if (b.arsenal->close != NULL)
			b.arsenal->close(&b.challenge);
		(void)scratch_remove(b.challenge.scratch, &ignored);
	}
	arena_free(b.challenge.arena);
	challenged_count(out);
	out->duration_us = clock_monotonic_us(&app->clock) - begin_us;
	return rc;
}
