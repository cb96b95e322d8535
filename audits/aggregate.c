/*
 * aggregate: smallest, largest, mean, sum, spread and percentiles of a column or expression.
 *
 * Only the values somebody expects something of are asked for, in the shared scan; distinct values
 * and percentiles are queries of their own there, because they sort. NULLs are left out, as SQL
 * does. A value that is no number is never taken for 0, as SQLite and MySQL would: one is enough
 * for no measurement.
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/io/db_dialect.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

struct aggregate_spec {
	struct scan_spec scan; /* first: see scan.h */
	const char *column, *expression, *unit;
};

static const struct key_row aggregate_keys[] = {
	SCAN_KEYS,
	{.name = "column",
	 .type = KEY_TEXT,
	 .flags = KEY_SHOWN,
	 .offset = offsetof(struct aggregate_spec, column),
	 .help = "column of numbers",
	 .example = "total"},
	{.name = "expression",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct aggregate_spec, expression),
	 .help = "SQL expression of a row, instead of a column",
	 .example = "price * quantity"},
	{.name = "unit",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct aggregate_spec, unit),
	 .def = "",
	 .help = "the unit the numbers are in: ms, s, B, MiB, %, or a word of yours",
	 .example = "ms"},
	KEY_END,
};

#define PERCENTILE(text)                                                                           \
	{                                                                                          \
		.name = "p" text, .type = VALUE_REAL, .unit = "", .is_of_sample = true,            \
		.help = text " % are at most this"                                                 \
	}

static const struct value_row aggregate_values[] = {
	{.name = "min", .type = VALUE_REAL, .unit = "", .help = "the smallest"},
	{.name = "max", .type = VALUE_REAL, .unit = "", .usual = "<= 1000", .help = "the largest"},
	{.name = "avg",
	 .type = VALUE_REAL,
	 .unit = "",
	 .is_of_sample = true,
	 .help = "arithmetic mean"},
	{.name = "sum", .type = VALUE_REAL, .unit = "", .help = "sum"},
	{.name = "stddev",
	 .type = VALUE_REAL,
	 .unit = "",
	 .is_at_least_0 = true,
	 .is_of_sample = true,
	 .help = "standard deviation of the sample (n - 1)"},
	{.name = "distinct",
	 .type = VALUE_INT,
	 .unit = "values",
	 .help = "how many different values there are; sorts"},
	PERCENTILE("1"),
	PERCENTILE("5"),
	PERCENTILE("10"),
	PERCENTILE("25"),
	PERCENTILE("50"),
	PERCENTILE("75"),
	PERCENTILE("90"),
	PERCENTILE("95"),
	PERCENTILE("99"),
	{.name = NULL},
};

static bool is_wanted(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return true;
	return false;
}

/* What is aggregated. */
static const char *operand(const struct scan *s, const struct aggregate_spec *spec)
{
	/* A comment at the end must not swallow the parenthesis. */
	return spec->column ? scan_column(s, spec->column)
			    : arena_printf(s->probe->arena, "(%s\n)", spec->expression);
}

static const struct scan_term *add_value(struct scan *s, const char *name, const char *x)
{
	static const struct {
		const char *name;
		enum scan_aggregate how;
	} plain[] = {
		{"min", SCAN_MIN}, {"max", SCAN_MAX},	    {"avg", SCAN_AVG},
		{"sum", SCAN_SUM}, {"stddev", SCAN_STDDEV}, {"distinct", SCAN_DISTINCT},
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(name, plain[i].name) == 0)
			return scan_add(s, plain[i].how, x);
	return scan_add_percentile(s, x, atoi(name + 1)); /* "p95": the rows above */
}

/* Values of any type are distinct; everything else wants numbers. */
static bool wants_numbers(const struct check *c)
{
	for (const struct value_row *row = aggregate_values; row->name; row++)
		if (is_wanted(c, row->name) && strcmp(row->name, "distinct") != 0)
			return true;
	return false;
}

/* Counts what is no number. NULL = nobody minds, or the engine's types leave no doubt. */
static const struct scan_term *add_guard(struct scan *s, const struct check *c, const char *x)
{
	if (!wants_numbers(c))
		return NULL;
	return s->engine == DB_SQLITE || s->engine == DB_MYSQL ? scan_add(s, SCAN_OTHERS, x) : NULL;
}

static void aggregate_add(struct scan *s, const struct check *c)
{
	const char *x = operand(s, c->spec);

	/* All of them are found again in aggregate_emit(). */
	(void)add_guard(s, c, x);
	(void)scan_add(s, SCAN_COUNT, x);
	for (const struct value_row *row = aggregate_values; row->name; row++)
		if (is_wanted(c, row->name))
			(void)add_value(s, row->name, x);
}

/* The engine compares and adds what is no number: money, intervals, texts. */
static struct measurement measure_strange(const struct scan *s, const struct aggregate_spec *spec)
{
	struct measurement m = measurement_none("", "the value is not a number");

	if (s->engine == DB_POSTGRES)
		m.evidence = arena_printf(
			s->probe->arena,
			"help: cast money or text: expression: '%s::numeric'; of an interval take "
			"extract(epoch FROM ...)",
			spec->column ? scan_column(s, spec->column) : "(...)");
	return m;
}

/* In doubles, if it comes as one: beyond 2^53 integers are lost in it. */
static bool is_reckoned(const struct scan_term *t)
{
	return t->how == SCAN_AVG || t->how == SCAN_STDDEV || t->how == SCAN_PERCENTILE;
}

static struct measurement measure(const struct scan *s, const struct aggregate_spec *spec,
				  const char *name, const struct scan_term *t,
				  const struct scan_term *values)
{
	struct arena *a = s->probe->arena;
	int64_t n = scan_value(s, values)->integer;
	const char *unit;
	double factor = unit_to_base(spec->unit, &unit);
	struct measurement m;

	if (scan_rows(s, t) == 0)
		return measurement_none(name, scan_no_rows(s));
	if (n == 0)
		return measurement_none(name,
					arena_printf(a, "%s is NULL in every row of \"%s\"",
						     spec->column ? spec->column : "the expression",
						     s->spec->table));
	if (strcmp(name, "distinct") == 0) {
		factor = 1;
		unit = "values";
	}
	m = database_measure(a, scan_value(s, t), factor, unit);
	if (is_reckoned(t) && m.value.type == VALUE_REAL && fabs(scan_value(s, t)->real) >= 0x1p53)
		m.is_rounded = true;
	if (m.value.type == VALUE_TEXT)
		m = measure_strange(s, spec);
	else if (m.value.type == VALUE_NONE && n == 1 && strcmp(name, "stddev") == 0)
		m = measurement_none("", "one value has no standard deviation");
	m.name = name;
	m.n = n;
	return m;
}

static void aggregate_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct check *c = p->checks[check];
	const char *x = operand(s, c->spec);
	const struct scan_term *guard = add_guard(s, c, x);
	const struct scan_term *values = scan_add(s, SCAN_COUNT, x);
	int64_t n_strange = guard ? scan_value(s, guard)->integer : 0;

	for (const struct value_row *row = aggregate_values; row->name; row++) {
		if (!is_wanted(c, row->name))
			continue;
		const struct scan_term *t = add_value(s, row->name, x);
		struct measurement m = measure(s, c->spec, row->name, t, values);

		if (n_strange > 0 && strcmp(row->name, "distinct") != 0) {
			m = measurement_none(row->name,
					     arena_printf(p->arena, "%lld values are not numbers",
							  (long long)n_strange));
			m.evidence =
				"help: cast them in an expression, or leave them out with where";
		}
		scan_emit(s, check, &m, values->error ? values : t);
	}
}

static const struct scan_part aggregate_part = {
	.add = aggregate_add, .emit = aggregate_emit, .can_sample = true};

static bool aggregate_has_value(const struct check *c, const char *name, struct value_row *row)
{
	const struct aggregate_spec *spec = c->spec;

	for (const struct value_row *known = aggregate_values; known->name; known++) {
		if (strcmp(known->name, name) != 0)
			continue;
		*row = *known;
		if (strcmp(name, "distinct") != 0)
			value_row_in(row, spec->unit);
		return true;
	}
	return false;
}

static void aggregate_check(struct keys_context *ctx, struct check *c)
{
	const struct aggregate_spec *spec = c->spec;

	scan_check(ctx, c, &aggregate_part);
	if (!spec->column == !spec->expression)
		diags_at(ctx->diags, c->spec_node->pos, "say what is aggregated",
			 "check \"%s\": needs either column or expression", c->name);
}

const struct audit_kind audit_kind_aggregate = {
	.name = "aggregate",
	.family = "database",
	.summary = "min, max, mean, sum, spread and percentiles of numbers",
	.blind = "One figure for many rows: errors that cancel out are not seen, and a mean says "
		 "little about the worst. NULLs are left out of every one of them. Percentiles and "
		 "distinct values make the engine sort; PostgreSQL does so without its parallel "
		 "workers. Percentiles are interpolated between neighbours, as percentile_cont "
		 "does.",
	.spec_size = sizeof(struct aggregate_spec),
	.keys = aggregate_keys,
	.values = aggregate_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_aggregate,
	.check = aggregate_check,
	.check_bounds = scan_check_bounds,
	.has_value = aggregate_has_value,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
};
