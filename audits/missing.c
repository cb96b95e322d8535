/*
 * missing: NULLs per column, one series a column.
 *
 * A table without rows has nothing that could be missing and nothing that is there: no measurement.
 * A column that does not exist is no measurement either, with the columns there are, and leaves the
 * other columns their answers.
 */
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "audits/scan_show.h"
#include "audits/show.h"
#include "runner/base/arena.h"
#include "runner/model/kind.h"

struct missing_spec {
	struct scan_spec scan; /* first: see scan.h */
	struct texts columns;
	struct show show;
};

static const struct key_row missing_keys[] = {
	SCAN_KEYS,
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct missing_spec, columns),
	 .help = "columns to look at, one series each",
	 .example = "[email, state]"},
	SHOW_KEY(struct missing_spec, show, show_rows_only),
	KEY_END,
};

static const struct value_row missing_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .usual = "<= 0.1%",
	 .counts_of_total = true,
	 .help = "rows where the column is NULL; with % in the bound, their share"},
	{.name = NULL},
};

static void missing_add(struct scan *s, const struct check *c)
{
	const struct missing_spec *spec = c->spec;

	for (size_t i = 0; i < spec->columns.n; i++)
		(void)scan_add(s, SCAN_COUNT, scan_column(s, spec->columns.items[i]));
}

static struct measurement measure(const struct scan *s, const struct scan_term *t)
{
	int64_t n_rows = scan_rows(s, t);
	int64_t n_null = n_rows - scan_value(s, t)->integer;

	if (n_rows <= 0)
		return measurement_none("", scan_no_rows(s));
	struct measurement m = measurement_int("", n_null, "rows");

	m.n = n_rows;
	m.n_total = n_rows;
	m.share = (double)n_null / (double)n_rows;
	return m;
}

static void missing_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct missing_spec *spec = p->checks[check]->spec;

	for (size_t i = 0; i < spec->columns.n; i++) {
		const struct scan_term *t =
			scan_add(s, SCAN_COUNT, scan_column(s, spec->columns.items[i]));
		struct measurement m = measure(s, t);
		struct label *label = arena_alloc(p->arena, sizeof(*label));

		*label = (struct label){.name = "column", .value = spec->columns.items[i]};
		m.labels = label;
		m.n_labels = 1;
		scan_emit(s, check, &m, t);
	}
}

static const struct scan_part missing_part = {
	.add = missing_add, .emit = missing_emit, .can_sample = true};

static void missing_check(struct keys_context *ctx, struct check *c)
{
	struct missing_spec *spec = c->spec;
	const struct texts *columns = &spec->columns;

	scan_check(ctx, c, &missing_part);
	for (size_t i = 0; i < columns->n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(columns->items[i], columns->items[k]) == 0)
				diags_at(ctx->diags, columns->positions[i], NULL,
					 "check \"%s\": column \"%s\" is written twice", c->name,
					 columns->items[i]);
	show_check(ctx, c, &spec->show);
}

static bool missing_wants_evidence(const struct check *c)
{
	const struct missing_spec *spec = c->spec;

	return show_is_wanted(&spec->show);
}

static int missing_evidence(struct probe *p, size_t check, const struct measurement *m,
			    struct buf *out, struct err *e)
{
	const struct missing_spec *spec = p->checks[check]->spec;
	const char *column = scan_quoted(p->arena, p->checks[check], m->labels[0].value);
	struct scan_shown shown = {
		.show = &spec->show,
		.condition = arena_printf(p->arena, "%s IS NULL", column),
	};

	return scan_show(p, check, m, &shown, out, e);
}

const struct audit_kind audit_kind_missing = {
	.name = "missing",
	.family = "database",
	.summary = "NULLs per column, as a count or a share",
	.blind = "Only NULL is missing: an empty text, a zero or the word \"unknown\" is a value "
		 "here. "
		 "Rows that are not there at all are not missed; that is what rows is for.",
	.spec_size = sizeof(struct missing_spec),
	.keys = missing_keys,
	.values = missing_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_missing,
	.check = missing_check,
	.check_bounds = scan_check_bounds,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
	.wants_evidence = missing_wants_evidence,
	.evidence = missing_evidence,
};
