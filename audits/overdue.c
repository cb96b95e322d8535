/*
 * overdue: audits that should have run and did not.
 *
 * A check that does not run fails nobody: its cron line was never installed, its machine is gone,
 * its job was skipped. This kind looks at the record: when did each of the checks last give a
 * verdict, and has its schedule come round since? What never gave one has no age, hence no pass.
 * A check that is undecided whenever it runs measures as little as one that does not run.
 */
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/io/clock.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

struct overdue_spec {
	struct texts of;
	int64_t grace_ms;
	/* by resolve() */
	const struct check **checks;
	size_t n_checks;
};

static const struct key_row overdue_keys[] = {
	{.name = "of",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct overdue_spec, of),
	 .help = "audits, or checks as audit/check",
	 .example = "[money, tasks/fresh]"},
	{.name = "grace",
	 .type = KEY_DURATION,
	 .offset = offsetof(struct overdue_spec, grace_ms),
	 .min = 0,
	 .max = INT64_C(366) * 24 * 3600 * 1000,
	 .def = "10m",
	 .help = "how long after its moment a scheduled check without a verdict is not yet late",
	 .example = "1h"},
	KEY_END,
};

static const struct value_row overdue_values[] = {
	{.name = "late",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .implied = "== 0",
	 .is_optional = true,
	 .help = "a series a check that has a schedule: time since it should have given a "
		 "verdict, beyond `grace`; 0 when it did"},
	{.name = "age",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .help = "a series a check: time since it last gave a verdict"},
	{.name = NULL},
};

/* ---- the definition ---- */

static bool has_age(const struct check *c)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, "age") == 0)
			return true;
	return false;
}

static void add_check(struct keys_context *ctx, struct check *c, const struct check *of,
		      struct pos pos)
{
	struct overdue_spec *spec = c->spec;

	for (size_t i = 0; i < spec->n_checks; i++)
		if (spec->checks[i] == of)
			return;
	if (!of->schedule && !has_age(c))
		diags_at(ctx->diags, pos, "add expect: { age: \"< 26h\" }, or give it a schedule",
			 "check \"%s\": \"%s\" has no schedule, so nobody knows when it is late",
			 c->name, of->name);
	spec->checks[spec->n_checks++] = of;
}

static void add_audit(struct keys_context *ctx, struct check *c, const struct audit *audit,
		      struct pos pos)
{
	bool has_any = false;

	for (size_t i = 0; i < audit->n_checks; i++)
		if (audit->checks[i] != c) {
			has_any = true;
			add_check(ctx, c, audit->checks[i], pos);
		}
	if (!has_any)
		diags_at(ctx->diags, pos, NULL, "check \"%s\": audit \"%s\" has no other check",
			 c->name, audit->name);
}

static const struct audit *find_audit(const struct definition *d, const char *name)
{
	for (size_t i = 0; i < d->n_audits; i++)
		if (strcmp(d->audits[i]->name, name) == 0)
			return d->audits[i];
	return NULL;
}

static const char *closest(struct keys_context *ctx, const char *name)
{
	const struct definition *d = ctx->definition;
	const char **names = arena_array(ctx->arena, d->n_audits + d->n_checks + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < d->n_audits; i++)
		names[n++] = d->audits[i]->name;
	for (size_t i = 0; i < d->n_checks; i++)
		if (!d->checks[i]->is_hidden)
			names[n++] = d->checks[i]->name;
	int best = str_closest(name, names, n);

	return best < 0 ? "name an audit, or a check as audit/check"
			: arena_printf(ctx->arena, "did you mean \"%s\"?", names[best]);
}

static void overdue_resolve(struct keys_context *ctx, struct check *c)
{
	const struct definition *d = ctx->definition;
	struct overdue_spec *spec = c->spec;

	spec->checks = arena_array(ctx->arena, d->n_checks + 1, sizeof(*spec->checks));
	for (size_t i = 0; i < spec->of.n && !diags_is_full(ctx->diags); i++) {
		const char *name = spec->of.items[i];
		struct pos pos = spec->of.positions[i];
		const struct audit *audit = find_audit(d, name);
		const struct check *of = audit ? NULL : definition_check(d, name);

		if (audit)
			add_audit(ctx, c, audit, pos);
		else if (of == c)
			diags_at(ctx->diags, pos, NULL,
				 "check \"%s\" is measured whenever this is asked", c->name);
		else if (of)
			add_check(ctx, c, of, pos);
		else
			diags_at(ctx->diags, pos, closest(ctx, name), "no audit or check \"%s\"",
				 str_escaped(ctx->arena, name));
	}
}

static void overdue_wish(struct arena *a, const struct check *c, struct wish *out)
{
	const struct overdue_spec *spec = c->spec;

	(void)a;
	out->checks = spec->checks;
	out->n_checks = spec->n_checks;
}

static void overdue_describe(struct probe *p, struct buf *out)
{
	const struct overdue_spec *spec = p->checks[0]->spec;

	(void)buf_puts(out, "when the record last has"); /* the definition is bounded */
	for (size_t i = 0; i < spec->n_checks; i++)
		(void)buf_printf(out, "%s %s", i == 0 ? "" : ",", spec->checks[i]->name);
	(void)buf_putc(out, '\n');
}

/* ---- measurements ---- */

static const struct past_check *past_of(const struct past *past, const char *name)
{
	for (size_t i = 0; past && i < past->n_checks; i++)
		if (strcmp(past->checks[i].name, name) == 0)
			return &past->checks[i];
	return NULL;
}

static const char *moment(struct arena *a, const char *words, int64_t ms)
{
	char text[UTC_MAX];

	(void)utc_format(ms, 0, text); /* its length */
	return arena_printf(a, "%s %s", words, text);
}

/* Why nobody knows how old its newest verdict is; NULL = it is known. */
static const char *no_verdict(struct arena *a, const struct past_check *of, int64_t now_ms)
{
	if (of->measured_ms < 0)
		return "it was never measured";
	if (of->verdict_ms < 0)
		return arena_printf(a, "it never gave a verdict: %s",
				    moment(a, "it was undecided, last at", of->measured_ms));
	if (of->verdict_ms > now_ms)
		return "it was measured in the future: look at the clocks";
	return NULL;
}

static const char *last_words(struct arena *a, const struct past_check *of)
{
	const char *verdict = moment(a, "last measured at", of->verdict_ms);

	if (of->measured_ms <= of->verdict_ms)
		return verdict;
	return arena_printf(a, "%s, %s", verdict,
			    moment(a, "undecided since, at last at", of->measured_ms));
}

static struct measurement age_of(struct arena *a, const struct past_check *of, int64_t now_ms)
{
	const char *unknown = no_verdict(a, of, now_ms);
	struct measurement m;

	if (unknown)
		return measurement_none("age", unknown);
	m = measurement_real("age", (double)(now_ms - of->verdict_ms) / 1000, "s");
	m.evidence = last_words(a, of);
	return m;
}

static struct measurement late_of(struct arena *a, const struct past_check *of, int64_t now_ms,
				  int64_t grace_ms)
{
	const char *unknown = no_verdict(a, of, now_ms);
	struct measurement m;

	if (unknown)
		return measurement_none("late", unknown);
	if (of->due_ms < 0 || now_ms - of->due_ms <= grace_ms)
		return measurement_real("late", 0, "s");
	m = measurement_real("late", (double)(now_ms - of->due_ms) / 1000, "s");
	m.evidence =
		arena_printf(a, "%s, %s", moment(a, "was due at", of->due_ms), last_words(a, of));
	return m;
}

static int overdue_probe(struct probe *p, struct err *e)
{
	const struct overdue_spec *spec = p->checks[0]->spec;
	int64_t now_ms = clock_wall_ms(p->world->clock);

	(void)e;
	for (size_t i = 0; i < spec->n_checks; i++) {
		const struct past_check *of = past_of(p->world->past, spec->checks[i]->name);
		struct label *label = arena_alloc(p->arena, sizeof(*label));
		struct measurement m[2];
		size_t n = 0;

		if (!of) /* cannot be: it was wished for */
			return err_set(e, ERR_INTERNAL, "the past of \"%s\" was not read",
				       spec->checks[i]->name);
		*label = (struct label){"check", of->name};
		if (of->is_scheduled)
			m[n++] = late_of(p->arena, of, now_ms, spec->grace_ms);
		m[n++] = age_of(p->arena, of, now_ms);
		for (size_t k = 0; k < n; k++) {
			m[k].labels = label;
			m[k].n_labels = 1;
			probe_emit(p, 0, &m[k]);
		}
	}
	return 0;
}

const struct audit_kind audit_kind_overdue = {
	.name = "overdue",
	.family = "record",
	.summary = "audits that should have given a verdict and did not",
	.blind = "It sees what the record held when the run began: a check that ran elsewhere, "
		 "into another record, "
		 "is late here. A check is one: while one of its series is undecided and none "
		 "fails, it gives no verdict. It does not run by itself either: a machine that is "
		 "off measures "
		 "nothing, so ask from another one, or let a gate's max_age shut.",
	.spec_size = sizeof(struct overdue_spec),
	.keys = overdue_keys,
	.values = overdue_values,
	.scalar_key = "of",
	.resolve = overdue_resolve,
	.wish = overdue_wish,
	.describe = overdue_describe,
	.probe = overdue_probe,
};
