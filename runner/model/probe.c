/*
 * The one place where a kind's findings enter the system, so the one place where what is not a
 * number is turned into "no measurement" and where evidence is cut to its bound.
 */
#include "runner/model/kind.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"

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

static void bound_evidence(struct probe *p, struct measurement *m)
{
	static const char cut[] = "\n(cut here)";
	size_t keep = EVIDENCE_MAX_BYTES - sizeof(cut);
	char *copy;

	if (m->evidence == NULL || strlen(m->evidence) < EVIDENCE_MAX_BYTES)
		return;
	while (keep > 0 && ((unsigned char)m->evidence[keep] & 0xC0) == 0x80)
		keep--;
	copy = arena_alloc(p->arena, keep + sizeof(cut));
	memcpy(copy, m->evidence, keep);
	memcpy(copy + keep, cut, sizeof(cut));
	m->evidence = copy;
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
