/*
 * The check's clock stands at each moment at which something happened the first time, so that ages,
 * rates and what is asked for come out the same to the last bit.
 */
#include "audits/arsenal/replay.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/io/http_fetch.h"
#include "runner/io/http_turns.h"

struct replay *replay_new(struct challenge *c)
{
	struct replay *r = arena_alloc(c->arena, sizeof(*r));

	http_tape_init(&r->tape, c->arena);
	r->secrets = redactor_new(c->arena);
	redactor_add_all(r->secrets, c->world->definition->redactor);
	return r;
}

/* ---- asking ---- */

/* What the probe sees of the clock: how late it was then. */
static void stand(struct replay *r, const struct challenge *c, int64_t at_us)
{
	r->clock.monotonic_us = at_us;
	r->clock.fixed_ms = clock_wall_ms(c->world->clock) + (at_us - r->looks[0].begin_us) / 1000;
}

static void enter(struct replay *r, const struct challenge *c, struct probe *p)
{
	r->world = (struct probe_world){
		.clock = &r->clock,
		.dbs = c->world->dbs,
		.definition = c->world->definition,
		.pins = c->world->pins,
		.n_pins = c->world->n_pins,
		.turns = c->world->turns,
		.run_id = c->world->run_id,
		.past = c->world->past,
	};
	p->world = &r->world;
}

static int feed(void *ctx, const char *data, size_t n, struct err *e)
{
	struct probe *p = ctx;

	return p->checks[0]->kind->on_body(p, data, n, e);
}

static int wait_ms(const struct challenge *c, int64_t ms, int64_t deadline_ms, struct err *e)
{
	int64_t until_ms = clock_monotonic_ms(c->world->clock) + ms;

	if (until_ms >= deadline_ms) {
		(void)err_set(e, ERR_MEASURE, "its time would be over before the second request");
		return err_help(e, "give the check a longer timeout");
	}
	while (clock_monotonic_ms(c->world->clock) < until_ms) {
		struct timespec pause = {.tv_nsec = 10 * 1000000L};

		if (atomic_load(&c->world->is_interrupted))
			return err_set(e, ERR_MEASURE, "stopped, the run was interrupted");
		(void)nanosleep(&pause, NULL); /* shorter when interrupted: looks again */
	}
	return 0;
}

/* Fetches the answer to the request that stands at look i. */
static int record(struct replay *r, const struct challenge *c, struct http_request *req, size_t i,
		  struct err *e)
{
	const struct http_session_options options = {
		.clock = c->world->clock,
		.turns = c->world->turns,
		.is_cancelled = &c->world->is_interrupted,
		.tape = &r->tape,
	};
	struct http_session *session = http_session_new(&options);
	struct http_response res;
	int rc = http_fetch(session, req, NULL, &res, e);

	http_session_free(session);
	r->looks[i].end_us = clock_monotonic_us(c->world->clock);
	return rc;
}

/* One request of the probe, and its answer out of the tape. */
static int look(struct replay *r, const struct challenge *c, struct probe *p, size_t i,
		struct err *e)
{
	const struct audit_kind *kind = p->checks[0]->kind;
	const struct http_sink sink = {feed, p};
	struct http_request req = {.deadline_ms = p->deadline_ms};
	struct http_response res;

	p->again_ms = 0;
	stand(r, c, r->looks[i].begin_us);
	if (kind->begin(p, &req, e) != 0 || (i == r->tape.n && record(r, c, &req, i, e) != 0))
		return -1;
	stand(r, c, r->tape.items[i].first_us);
	if (http_tape_give(&r->tape, &req, &sink, &res, e) != 0)
		return -1;
	stand(r, c, r->looks[i].end_us);
	return kind->finish(p, &res, e);
}

struct striking {
	struct damage damage;
	damage_fn *fn;
};

static void alter(void *ctx, size_t i, struct http_taped *answer)
{
	struct striking *s = ctx;

	s->damage.i = i;
	s->damage.answer = answer;
	s->fn(&s->damage);
}

static struct striking ready(struct replay *r, const struct strike *s, damage_fn *damage)
{
	http_tape_rewind(&r->tape);
	r->tape.is_playing = s->attack != NULL;
	r->tape.alter = s->attack != NULL ? alter : NULL;
	return (struct striking){{.challenge = s->challenge,
				  .attack = s->attack,
				  .dose = s->dose,
				  .arena = s->probe->arena,
				  .replay = r},
				 damage};
}

int replay_strike(struct replay *r, const struct strike *s, damage_fn *damage, struct err *e)
{
	struct striking striking = ready(r, s, damage);
	const struct challenge *c = s->challenge;
	struct probe *p = s->probe;
	bool is_first = s->attack == NULL;

	enter(r, c, p);
	r->tape.alter_ctx = &striking;
	for (size_t i = 0; i < REPLAY_MAX_LOOKS; i++) {
		int rc;

		if (!is_first && i == r->tape.n) {
			(void)err_set(e, ERR_MEASURE, "it asks once more than it did before");
			return 1;
		}
		if (is_first)
			r->looks[i].begin_us = clock_monotonic_us(c->world->clock);
		rc = look(r, c, p, i, e);
		if (rc != 0 || p->again_ms == 0)
			return rc;
		if (is_first && wait_ms(c, p->again_ms, p->deadline_ms, e) != 0)
			return -1;
	}
	return err_set(e, ERR_INTERNAL, "the check asks without end");
}

int replay_strike_probe(struct replay *r, const struct strike *s, damage_fn *damage, struct err *e)
{
	struct striking striking = ready(r, s, damage);
	int rc;

	r->tape.alter_ctx = &striking;
	s->probe->tape = &r->tape;
	rc = s->probe->checks[0]->kind->probe(s->probe, e);
	if (!r->tape.is_off)
		return rc;
	(void)err_set(e, ERR_MEASURE,
		      "it then asks for something else, and nobody knows what the server "
		      "would answer");
	return 1;
}

/* ---- words ---- */

const char *replay_shown(const struct challenge *c, const char *text)
{
	return redact_text(c->world->definition->redactor, c->arena, text);
}

const char *replay_printf(const struct challenge *c, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return replay_shown(c, text);
}

#define WINDOW 4096 /* no secret is as long */

size_t replay_cut(const struct replay *replay, const char *s, size_t n)
{
	const struct redactor *r = replay->secrets;
	struct arena *a;

	if (redactor_is_empty(r))
		return n;
	a = arena_new();
	for (; n > 0; n--) {
		const char *from = s + (n > WINDOW ? n - WINDOW : 0), *tail;

		for (const char *at = from; at < s + n; at++)
			if (*at == '\0')
				from = at + 1;
		tail = arena_strndup(a, from, (size_t)(s + n - from));
		if (strcmp(redact_cut(r, a, tail), redact_text(r, a, tail)) == 0)
			break;
	}
	arena_free(a);
	return n;
}
