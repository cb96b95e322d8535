#include "runner/gate_ledger.h"

#include "gates/gate.h"
#include "runner/anchors.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/history/ledger.h"
#include "runner/io/note.h"
#include "runner/model/definition.h"

struct gate_trust {
	struct ledger_trust t;
	bool is_failed;
	struct err why;
};

static int ask(struct app *app, const struct definition *d, struct record *record,
	       struct ledger_trust *t, struct err *e)
{
	const struct ledger_settings *s = d->ledger;
	size_t n_keys = s != NULL ? s->trust.n : 0;
	struct note_key *keys = arena_array(app->arena, n_keys + 1, sizeof(*keys));

	for (size_t i = 0; i < n_keys; i++)
		if (note_key_parse(app->arena, s->trust.items[i], &keys[i], e) != 0)
			return -1;
	*t = (struct ledger_trust){
		.keys = keys, .n_keys = n_keys, .origin = s != NULL ? s->origin : NULL};
	return anchors_gather(app, d, record, false, t, e);
}

struct gate_trust *gate_ledger_ask(struct app *app, const struct definition *d,
				   const struct gate *gate, struct record *record)
{
	struct gate_trust *t;

	if (!gate->is_ledger_asked)
		return NULL;
	t = arena_alloc(app->arena, sizeof(*t));
	*t = (struct gate_trust){.is_failed = false};
	t->is_failed = ask(app, d, record, &t->t, &t->why) != 0;
	return t;
}

const struct gate_ledger *gate_ledger_look(struct app *app, const struct definition *d,
					   const struct gate *gate, const struct gate_trust *t,
					   struct record *record)
{
	struct ledger_verification v = {.n_findings = 0};
	struct gate_ledger *x = arena_alloc(app->arena, sizeof(*x));
	struct err e = t->why;

	*x = (struct gate_ledger){.pos = gate->ledger_pos,
				  .anchored_within_ms = gate->anchored_within_ms,
				  .signed_size = GATE_NOBODY_TRUSTED};
	if (t->is_failed || ledger_verify(record, app->arena, &t->t, &v, &e) != 0) {
		x->error = redact_text(d->redactor, app->arena, e.message);
		return x;
	}
	x->n_broken = (int64_t)v.n_broken;
	x->n_doubts = (int64_t)v.n_doubts;
	if (v.n_broken + v.n_doubts > 0) /* most severe first */
		x->finding = redact_text(d->redactor, app->arena, v.findings[0].text);
	x->size = (int64_t)v.head.size;
	if (t->t.n_keys > 0)
		x->signed_size = (int64_t)v.signed_size;
	x->anchored = (int64_t)v.anchored_size;
	x->anchored_ms = v.anchored_ms;
	return x;
}
