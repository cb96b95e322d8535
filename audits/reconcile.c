/*
 * reconcile: two sources, compared key by key.
 *
 * What is counted are keys: those one side lacks, those whose values differ, and rows that repeat a
 * key. A key that is repeated has no one value to compare, so it is not compared. Two empty sides
 * agree about nothing: that is no measurement, and neither is a comparison of values when no key is
 * on both sides.
 */
#include "audits/reconcile.h"

#include <stddef.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/model/kind.h"

enum evidence { EVIDENCE_COLUMNS, EVIDENCE_VALUES };

static const char *const evidence_names[] = {"columns", "values", NULL};

static const struct key_row side_keys[] = {
	{.name = "target",
	 .type = KEY_NAME,
	 .offset = offsetof(struct reconcile_side, target_name),
	 .help = "the database this side is read from; the check's own unless given",
	 .example = "ledger"},
	{.name = "table",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct reconcile_side, table),
	 .help = "table or view to read",
	 .example = "orders"},
	{.name = "query",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct reconcile_side, query),
	 .help = "instead of a table: one SELECT that gives the columns named below",
	 .example = "SELECT order_id, sum(amount) AS total FROM bookings GROUP BY order_id"},
	{.name = "key",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct reconcile_side, key),
	 .help = "columns that tell the rows apart; on the right, those of the left unless given",
	 .example = "[id]"},
	{.name = "values",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct reconcile_side, values),
	 .help = "columns to compare, in the same order on both sides; without, only keys are",
	 .example = "[total, state]"},
	{.name = "where",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct reconcile_side, where),
	 .help = "only rows of this side for which this SQL condition holds",
	 .example = "is_deleted = 0"},
	{.name = "zone",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct reconcile_side, zone),
	 .help = "time zone of this side's times that carry none, a name or an offset such as "
		 "+05:30; UTC unless given; "
		 "in an hour that repeats the earlier is meant",
	 .example = "Europe/Berlin"},
	KEY_END,
};

static const struct key_row reconcile_keys[] = {
	{.name = "left",
	 .type = KEY_GROUP,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct reconcile_spec, left),
	 .sub = side_keys,
	 .sub_size = sizeof(struct reconcile_side),
	 .help = "the side that is taken to be right",
	 .example = "{ target: shop, table: orders, key: id, values: [total, state] }"},
	{.name = "right",
	 .type = KEY_GROUP,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct reconcile_spec, right),
	 .sub = side_keys,
	 .sub_size = sizeof(struct reconcile_side),
	 .help = "the side that should agree with it",
	 .example = "{ target: ledger, table: bookings, key: order_id, values: [amount, status] }"},
	{.name = "where",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct reconcile_spec, where),
	 .help = "only rows for which this SQL condition holds, on both sides",
	 .example = "created_at < '2026-11-01'"},
	{.name = "tolerance",
	 .type = KEY_PAIRS,
	 .offset = offsetof(struct reconcile_spec, tolerance),
	 .help = "how far values may lie apart, by the left side's column: a number, a share of "
		 "the left value with %, or for times a duration; what it is not for must be equal",
	 .example = "{ total: 0.01, weight: 1%, updated_at: 2s }"},
	{.name = "evidence",
	 .type = KEY_ENUM,
	 .offset = offsetof(struct reconcile_spec, evidence),
	 .def = "columns",
	 .choices = evidence_names,
	 .help = "what is shown of rows that differ beside their keys: the names of the columns, "
		 "or both values as well",
	 .example = "values"},
	KEY_END,
};

static const struct value_row reconcile_values[] = {
	[RECONCILE_MISSING_LEFT] = {.name = "missing_left",
				    .type = VALUE_INT,
				    .unit = "keys",
				    .implied = "== 0",
				    .counts_of_total = true,
				    .help = "keys of the right side that the left one lacks"},
	[RECONCILE_MISSING_RIGHT] = {.name = "missing_right",
				     .type = VALUE_INT,
				     .unit = "keys",
				     .implied = "== 0",
				     .counts_of_total = true,
				     .help = "keys of the left side that the right one lacks"},
	[RECONCILE_DIFFERENT] =
		{.name = "different",
		 .type = VALUE_INT,
		 .unit = "keys",
		 .implied = "== 0",
		 .counts_of_total = true,
		 .needs_key = "values",
		 .help = "with values: keys of both sides whose values differ by more than the "
			 "tolerance"},
	[RECONCILE_DUPLICATES] = {.name = "duplicates",
				  .type = VALUE_INT,
				  .unit = "rows",
				  .implied = "== 0",
				  .counts_of_total = true,
				  .help = "rows beyond the first of their key, of both sides"},
	[RECONCILE_FINDINGS] = {.name = NULL},
};

/* ---- definition ---- */

static void no_target(struct keys_context *ctx, const struct check *c, struct pos pos,
		      const char *name)
{
	const struct definition *d = ctx->definition;
	const char **names = arena_array(ctx->arena, d->n_targets, sizeof(*names));
	int close;

	for (size_t i = 0; i < d->n_targets; i++)
		names[i] = d->targets[i]->name;
	close = str_closest(name, names, d->n_targets);
	diags_at(ctx->diags, pos,
		 close < 0 ? "define it in targets:"
			   : arena_printf(ctx->arena, "did you mean \"%s\"?", names[close]),
		 "check \"%s\": no target \"%s\"", c->name, name);
}

static void resolve_target(struct keys_context *ctx, const struct check *c, const char *which,
			   struct reconcile_side *side)
{
	const struct node *map = node_get(c->spec_node, which);
	const struct definition *d = ctx->definition;
	const struct target *t = c->target;
	struct pos pos = keys_pos(map, "target");

	if (side->target_name && d) {
		t = definition_target(d, side->target_name);
		if (!t) {
			no_target(ctx, c, pos, side->target_name);
			return;
		}
	}
	if (!t)
		diags_at(ctx->diags, pos, "add target: NAME to it, or to the check or its audit",
			 "check \"%s\": \"%s\" does not say which database it is read from",
			 c->name, which);
	else if (!(TARGET_BIT(t->type) & TARGET_DATABASES))
		diags_at(ctx->diags, pos, "name a database",
			 "check \"%s\": target \"%s\" is not a database", c->name, t->name);
	else
		side->target = t;
}

static void check_side(struct keys_context *ctx, const struct check *c, const char *which,
		       struct reconcile_side *side)
{
	const struct node *map = node_get(c->spec_node, which);
	struct err e = {0};
	int64_t offset_ms;

	if (!side->table == !side->query)
		diags_at(ctx->diags, map->pos, NULL,
			 "check \"%s\": \"%s\" needs either a table or a query%s", c->name, which,
			 side->table ? ", not both" : "");
	if (side->key.n == 0)
		diags_at(ctx->diags, map->pos, "name the columns that tell rows apart",
			 "check \"%s\": \"%s\" has no key", c->name, which);
	if (side->key.n + side->values.n > RECONCILE_MAX_COLUMNS)
		diags_at(ctx->diags, map->pos, "split it into several checks",
			 "check \"%s\": \"%s\" has more than %d columns", c->name, which,
			 RECONCILE_MAX_COLUMNS);
	if (side->zone && zone_offset_ms(side->zone, 0, &offset_ms, &e) != 0)
		diags_at(ctx->diags, keys_pos(map, "zone"), e.help[0] ? e.help : NULL,
			 "check \"%s\": %s", c->name, e.message);
	resolve_target(ctx, c, which, side);
}

static void check_same_number(struct keys_context *ctx, const struct check *c, const char *key,
			      const struct texts *left, const struct texts *right)
{
	if (left->n != right->n)
		diags_at(ctx->diags, keys_pos(node_get(c->spec_node, "right"), key),
			 "columns are compared in the order they are written",
			 "check \"%s\": %zu %s on the left, %zu on the right", c->name, left->n,
			 strcmp(key, "key") == 0 ? "key columns" : "values", right->n);
}

static void read_tolerances(struct keys_context *ctx, const struct check *c,
			    struct reconcile_spec *spec)
{
	const struct texts *values = &spec->left.values;

	spec->tolerances = arena_array(ctx->arena, values->n, sizeof(*spec->tolerances));
	for (size_t i = 0; i < spec->tolerance.n; i++) {
		const struct pair *p = &spec->tolerance.items[i];
		size_t at = 0;

		while (at < values->n && strcmp(values->items[at], p->name) != 0)
			at++;
		if (at == values->n) {
			int close = str_closest(p->name, values->items, values->n);

			diags_at(ctx->diags, p->pos,
				 close < 0 ? "name a column of left: { values: }"
					   : arena_printf(ctx->arena, "did you mean \"%s\"?",
							  values->items[close]),
				 "check \"%s\": there is no value \"%s\" to tolerate something of",
				 c->name, p->name);
		} else if (reconcile_tolerance_parse(p->value, &spec->tolerances[at]) != 0) {
			diags_at(ctx->diags, p->pos, "for example 0.01, 1% or 2s",
				 "check \"%s\": the tolerance of \"%s\" must be a number, a share "
				 "with %% or a duration, not \"%s\"",
				 c->name, p->name, str_escaped(ctx->arena, p->value));
		}
	}
}

static void reconcile_check(struct keys_context *ctx, struct check *c)
{
	struct reconcile_spec *spec = c->spec;

	if (spec->right.key.n == 0)
		spec->right.key = spec->left.key;
	if (spec->right.values.n == 0)
		spec->right.values = spec->left.values;
	check_side(ctx, c, "left", &spec->left);
	check_side(ctx, c, "right", &spec->right);
	check_same_number(ctx, c, "key", &spec->left.key, &spec->right.key);
	check_same_number(ctx, c, "values", &spec->left.values, &spec->right.values);
	read_tolerances(ctx, c, spec);
	c->target = spec->left.target;
	c->other_target = spec->right.target;
}

/* The key a difference needs is one of the sides'. */
static bool reconcile_has_value(const struct check *c, const char *name, struct value_row *out)
{
	const struct reconcile_spec *spec = c->spec;

	if (strcmp(name, reconcile_values[RECONCILE_DIFFERENT].name) != 0 ||
	    spec->left.values.n == 0)
		return false;
	*out = reconcile_values[RECONCILE_DIFFERENT];
	out->needs_key = NULL;
	return true;
}

/* ---- evidence ---- */

/* "id=17, line=2" */
static void put_key(const struct probe *p, struct buf *out, const struct reconcile_side *side,
		    const char *row)
{
	const char *at = reconcile_row_columns(row);

	for (size_t i = 0; i < side->key.n; i++) {
		struct reconcile_cell c = reconcile_take(&at);

		(void)buf_puts(out, i > 0 ? ", " : "");
		str_escape(out, side->key.items[i], strlen(side->key.items[i]));
		(void)buf_putc(out, '=');
		reconcile_show(p, out, &c);
	}
}

static const char *values_of(const struct reconcile_side *side, const char *row)
{
	const char *at = reconcile_row_columns(row);

	for (size_t i = 0; i < side->key.n; i++)
		(void)reconcile_take(&at); /* passed over */
	return at;
}

/* ": total 10.5 / 10.4, state" */
static void put_differences(const struct probe *p, struct buf *out,
			    const struct reconcile_spec *spec, const struct reconcile_finding *f)
{
	const char *l = values_of(&spec->left, f->left), *r = values_of(&spec->right, f->right);
	const char *gap = ": ";

	for (size_t i = 0; i < spec->left.values.n; i++) {
		struct reconcile_cell x = reconcile_take(&l), y = reconcile_take(&r);
		const char *name = spec->left.values.items[i];

		if (reconcile_is_same(&x, &y, &spec->tolerances[i]))
			continue;
		(void)buf_puts(out, gap);
		str_escape(out, name, strlen(name));
		gap = ", ";
		if (spec->evidence != EVIDENCE_COLUMNS) {
			(void)buf_putc(out, ' ');
			reconcile_show(p, out, &x);
			(void)buf_puts(out, " / ");
			reconcile_show(p, out, &y);
		}
		const char *meant = reconcile_tolerance_misses(&x, &y, &spec->tolerances[i]);

		if (meant)
			(void)buf_printf(out, " (its tolerance is for %s)", meant);
	}
}

static void put_finding(const struct probe *p, struct buf *out, const struct reconcile_spec *spec,
			enum reconcile_finding_type type, const struct reconcile_finding *f)
{
	put_key(p, out, f->left ? &spec->left : &spec->right, f->left ? f->left : f->right);
	switch (type) {
	case RECONCILE_MISSING_LEFT:
	case RECONCILE_MISSING_RIGHT:
	case RECONCILE_FINDINGS:
		return;
	case RECONCILE_DIFFERENT:
		put_differences(p, out, spec, f);
		return;
	case RECONCILE_DUPLICATES:
		(void)buf_printf(out, ": %lld on the left, %lld on the right", (long long)f->n_left,
				 (long long)f->n_right);
		return;
	}
}

static const char *evidence(const struct probe *p, const struct reconcile_spec *spec,
			    enum reconcile_finding_type type, const struct reconcile_findings *f)
{
	const char *text;
	struct buf b;

	if (f->n_shown == 0)
		return NULL;
	buf_init(&b, BUF_UNBOUNDED); /* so many findings, each bounded */
	for (size_t i = 0; i < f->n_shown; i++) {
		(void)buf_puts(&b, i > 0 ? "\n" : "");
		put_finding(p, &b, spec, type, &f->first[i]);
	}
	if (f->n_keys > (int64_t)f->n_shown)
		(void)buf_printf(&b, "\nand %lld more keys",
				 (long long)(f->n_keys - (int64_t)f->n_shown));
	text = arena_strndup(p->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

/* ---- plan and probe ---- */

static void describe_side(struct probe *p, const struct reconcile_spec *spec, const char *which,
			  const struct reconcile_side *side, struct buf *out)
{
	(void)buf_printf(out, "%s, %s: ", which, side->target->name);
	database_one_line(out, reconcile_sql(p->arena, spec, side, NULL));
	(void)buf_putc(out, '\n');
}

static void reconcile_describe(struct probe *p, struct buf *out)
{
	const struct reconcile_spec *spec = p->checks[0]->spec;

	describe_side(p, spec, "left", &spec->left, out);
	describe_side(p, spec, "right", &spec->right, out);
}

static struct measurement measure(const struct probe *p, const struct reconcile_spec *spec,
				  enum reconcile_finding_type type, const struct reconcile_join *j)
{
	const struct reconcile_findings *f = &j->findings[type];
	const char *name = reconcile_values[type].name;
	struct measurement m = measurement_int(name, f->n, reconcile_values[type].unit);

	if (j->n_left == 0 && j->n_right == 0)
		return measurement_none(name, "neither side has a row to compare");
	if (type == RECONCILE_DIFFERENT && f->n_total == 0)
		return measurement_none(name, "no key is once on each side, so no values were "
					      "compared");
	m.n = j->n_left + j->n_right;
	m.n_total = f->n_total;
	if (f->n_total > 0)
		m.share = (double)f->n / (double)f->n_total;
	m.evidence = evidence(p, spec, type, f);
	return m;
}

static int reconcile_probe(struct probe *p, struct err *e)
{
	const struct reconcile_spec *spec = p->checks[0]->spec;
	struct reconcile_join j;
	struct buf query;

	reconcile_join_init(&j, spec->left.key.n, spec->left.values.n, spec->tolerances);
	int rc = reconcile_read(p, spec, &j, e);

	if (rc == 0)
		rc = reconcile_join_run(&j, e);
	buf_init(&query, BUF_UNBOUNDED); /* the definition is bounded */
	reconcile_describe(p, &query);
	const char *asked = arena_strndup(p->arena, query.data, query.len);

	for (int type = 0; type < RECONCILE_FINDINGS && rc == 0; type++) {
		struct measurement m = measure(p, spec, (enum reconcile_finding_type)type, &j);

		if (type == RECONCILE_DIFFERENT && spec->left.values.n == 0)
			continue; /* there is no such value where only keys are compared */
		m.query = asked;
		probe_emit(p, 0, &m);
	}
	buf_release(&query);
	reconcile_join_release(&j);
	return rc;
}

const struct audit_kind audit_kind_reconcile = {
	.name = "reconcile",
	.family = "database",
	.summary = "two tables or queries, on one or two databases, compared key by key",
	.blind = "The two sides are read at about the same time, not at the same instant: rows "
		 "written in between show as missing or different. Decimals and integers are "
		 "compared to the last digit; where one side is a double, in what a double keeps. "
		 "Rows of one key that is repeated are counted, not compared.",
	.spec_size = sizeof(struct reconcile_spec),
	.keys = reconcile_keys,
	.values = reconcile_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_reconcile,
	.is_target_optional = true,
	.check = reconcile_check,
	.has_value = reconcile_has_value,
	.describe = reconcile_describe,
	.probe = reconcile_probe,
};
