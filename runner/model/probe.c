/*
 * The one place where a kind's findings enter the system, so the one place where what is not a
 * number is turned into "no measurement" and where evidence is cut to its bound.
 */
#include "runner/model/kind.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/redact.h"
#include "runner/model/unit.h"

void value_row_in(struct value_row *row, const char *unit)
{
	if (unit_to_base(unit, &row->unit) != 1)
		row->given_unit = unit;
}

static void normalise_real(struct probe *p, struct measurement *m)
{
	if (m->value.type != VALUE_REAL || isfinite(m->value.real))
		return;
	m->reason = arena_printf(p->arena, "the value is %s, which is no measurement",
				 isnan(m->value.real) ? "NaN"
				 : m->value.real > 0  ? "infinity"
						      : "minus infinity");
	m->value = (struct value){.type = VALUE_NONE};
}

const char *probe_head(const struct probe *p, const char *s, size_t n, size_t most)
{
	const struct definition *d = p->world != NULL ? p->world->definition : NULL;

	return redact_head(d != NULL ? d->redactor : NULL, p->arena, s, n, most);
}

static void bound_evidence(struct probe *p, struct measurement *m)
{
	static const char cut[] = "\n(cut here)";
	const size_t most = EVIDENCE_MAX_BYTES - sizeof(cut) - sizeof("***");
	size_t n = m->evidence != NULL ? strlen(m->evidence) : 0;

	if (n >= EVIDENCE_MAX_BYTES)
		m->evidence =
			arena_printf(p->arena, "%s%s", probe_head(p, m->evidence, n, most), cut);
}

void probe_emit(struct probe *p, size_t check, const struct measurement *m)
{
	struct emitted *slot;

	if (p->n_emitted == p->cap_emitted) {
		size_t cap = p->cap_emitted == 0 ? 4 : p->cap_emitted * 2;
		struct emitted *grown = arena_array(p->arena, cap, sizeof(*grown));

		if (p->n_emitted > 0)
			memcpy(grown, p->emitted, p->n_emitted * sizeof(*grown));
		p->emitted = grown;
		p->cap_emitted = cap;
	}
	slot = &p->emitted[p->n_emitted++];
	slot->check = check;
	slot->measurement = *m;
	normalise_real(p, &slot->measurement);
	bound_evidence(p, &slot->measurement);
}

void probe_cursor(struct probe *p, const char *state)
{
	p->cursor = state;
}

void probe_restoration(struct probe *p, const struct restoration *r)
{
	if (p->n_restorations == p->cap_restorations) {
		size_t cap = p->cap_restorations == 0 ? 4 : p->cap_restorations * 2;
		struct restoration *grown = arena_array(p->arena, cap, sizeof(*grown));

		if (p->n_restorations > 0)
			memcpy(grown, p->restorations, p->n_restorations * sizeof(*grown));
		p->restorations = grown;
		p->cap_restorations = cap;
	}
	p->restorations[p->n_restorations++] = *r;
}
