/*
 * invalid: values that break a rule of their column, one series a column and rule.
 *
 * Every rule is one condition inside the shared scan. NULL is not invalid: it is left out of the
 * count and of the total, and told beside the value. A column without any value has nothing that
 * could be judged: no measurement.
 */
#include <stddef.h>
#include <string.h>

#include "audits/database.h"
#include "audits/invalid_rules.h"
#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "audits/scan_show.h"
#include "audits/show.h"
#include "runner/base/arena.h"
#include "runner/base/node.h"
#include "runner/model/kind.h"

struct invalid_spec {
	struct scan_spec scan; /* first: see scan.h */
	struct groups columns; /* of struct rules */
	struct show show;
};

static const struct key_row invalid_keys[] = {
	SCAN_KEYS,
	{.name = "columns",
	 .type = KEY_GROUPS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct invalid_spec, columns),
	 .sub = invalid_rules_rows,
	 .sub_size = sizeof(struct rules),
	 .help = "columns and their rules, one series each",
	 .example = "{ email: { format: email }, total: { min: 0 } }"},
	SHOW_KEY(struct invalid_spec, show, show_rows_only),
	KEY_END,
};

static const struct value_row invalid_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .usual = "<= 0.1%",
	 .counts_of_total = true,
	 .help = "rows whose value breaks the rule; with % in the bound, their share of those with "
		 "a value"},
	{.name = NULL},
};

/* ---- the scan ---- */

static void invalid_add(struct scan *s, const struct check *c)
{
	const struct invalid_spec *spec = c->spec;

	for (size_t i = 0; i < spec->columns.n; i++) {
		const char *column = spec->columns.items[i].name;

		(void)scan_add(s, SCAN_COUNT,
			       scan_column(s, column)); /* both are found again in emit */
		for (int rule = 0; rule < INVALID_N_RULES; rule++) {
			const struct rules *r = spec->columns.items[i].value;

			if (invalid_has_rule(r, (enum rule)rule))
				invalid_add_condition(s, column, r, (enum rule)rule);
		}
	}
}

static struct measurement measure(const struct scan *s, const char *column,
				  const struct scan_term *broken, const struct scan_term *values)
{
	struct arena *a = s->probe->arena;
	int64_t n_rows = scan_rows(s, broken);
	int64_t n_values = scan_value(s, values)->integer;
	int64_t n_broken = scan_value(s, broken)->integer;

	if (n_rows <= 0)
		return measurement_none("", scan_no_rows(s));
	if (n_values <= 0)
		return measurement_none("", arena_printf(a, "\"%s\" is NULL in every row of \"%s\"",
							 column, s->spec->table));
	if (n_broken > n_values) /* two statements, and rows written in between */
		return measurement_none(
			"", arena_printf(a, "\"%s\" changed while it was read", s->spec->table));
	struct measurement m = measurement_int("", n_broken, "rows");

	m.n = n_rows;
	m.n_total = n_values;
	m.share = (double)n_broken / (double)n_values;
	if (n_values < n_rows)
		m.reason =
			arena_printf(a, "%lld more rows are NULL", (long long)(n_rows - n_values));
	return m;
}

static void emit_rule(struct probe *p, size_t check, struct scan *s, const struct group *column,
		      enum rule rule)
{
	struct subject of = invalid_subject(p->arena, s->engine, s->table, column->name, rule);
	const struct scan_term *values = scan_add(s, SCAN_COUNT, scan_column(s, column->name));
	const struct scan_term *broken = values;
	struct label *labels = arena_array(p->arena, 2, sizeof(*labels));
	struct err e = {0};
	const char *text = invalid_condition(p->arena, &of, column->value, rule, &e);
	struct measurement m;

	if (text) {
		broken = scan_add(s, SCAN_COUNT_IF, text);
		m = measure(s, column->name, broken, values);
	} else {
		m = measurement_none("", arena_strdup(p->arena, e.message));
	}
	labels[0] = (struct label){"column", column->name};
	labels[1] = (struct label){"rule", invalid_rule_names[rule]};
	m.labels = labels;
	m.n_labels = 2;
	scan_emit(s, check, &m, values->error ? values : broken);
}

static void invalid_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct invalid_spec *spec = p->checks[check]->spec;

	for (size_t i = 0; i < spec->columns.n; i++)
		for (int rule = 0; rule < INVALID_N_RULES; rule++)
			if (invalid_has_rule(spec->columns.items[i].value, (enum rule)rule))
				emit_rule(p, check, s, &spec->columns.items[i], (enum rule)rule);
}

static const struct scan_part invalid_part = {
	.add = invalid_add, .emit = invalid_emit, .can_sample = true, .asks_types = true};

/* ---- what failed ---- */

static bool invalid_wants_evidence(const struct check *c)
{
	const struct invalid_spec *spec = c->spec;

	return show_is_wanted(&spec->show);
}

static int invalid_evidence(struct probe *p, size_t check, const struct measurement *m,
			    struct buf *out, struct err *e)
{
	const struct check *c = p->checks[check];
	const struct invalid_spec *spec = c->spec;
	const struct rules *r = NULL;
	int rule = 0;

	for (size_t i = 0; i < spec->columns.n; i++)
		if (strcmp(spec->columns.items[i].name, m->labels[0].value) == 0)
			r = spec->columns.items[i].value;
	while (strcmp(invalid_rule_names[rule], m->labels[1].value) != 0)
		rule++; /* it is one of ours */
	enum db_engine engine = database_engine(c->target);
	const char *name = m->labels[0].value;
	struct subject of =
		invalid_subject(p->arena, engine, scan_look_again(p, c), name, (enum rule)rule);
	struct scan_shown shown = {
		.show = &spec->show,
		.condition = invalid_condition(p->arena, &of, r, (enum rule)rule, e),
	};

	return shown.condition ? scan_show(p, check, m, &shown, out, e) : -1;
}

/* ---- the definition ---- */

static void invalid_check(struct keys_context *ctx, struct check *c)
{
	struct invalid_spec *spec = c->spec;
	const struct node *columns = node_get(c->spec_node, "columns");

	scan_check(ctx, c, &invalid_part);
	show_check(ctx, c, &spec->show);
	if (columns && columns->type == NODE_MAPPING && spec->columns.n == 0)
		diags_at(ctx->diags, columns->pos, NULL, "check \"%s\": \"columns\" is empty",
			 c->name);
	for (size_t i = 0; i < spec->columns.n; i++)
		invalid_check_rules(ctx, c, &spec->columns.items[i], columns->items[i]);
}

const struct audit_kind audit_kind_invalid = {
	.name = "invalid",
	.family = "database",
	.summary = "values that break a rule: set, range, pattern, length, format",
	.blind = "A value that obeys its rule may still be the wrong one: a well-formed e-mail "
		 "address need not exist. Values are compared as the text the engine makes of them "
		 "(PostgreSQL's true is MariaDB's 1, its numeric 1.50 is not 1.5), a BIT of MySQL "
		 "and "
		 "MariaDB as the number it is, a FLOAT there as the fewest digits that are it, an "
		 "inet of PostgreSQL as it is shown, without the /32 of one address, an interval "
		 "there in ISO 8601 (P1DT2H). Patterns are run by the engine, whose dialects "
		 "differ at the edges: in MySQL and MariaDB \"$\" also matches before a line break "
		 "at "
		 "the end. PostgreSQL refuses a range of numbers for a column of text; that is no "
		 "measurement.",
	.spec_size = sizeof(struct invalid_spec),
	.keys = invalid_keys,
	.values = invalid_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_invalid,
	.check = invalid_check,
	.check_bounds = scan_check_bounds,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
	.wants_evidence = invalid_wants_evidence,
	.evidence = invalid_evidence,
};
