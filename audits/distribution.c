/*
 * distribution: have the shares of categories, or of ranges of numbers, moved from a baseline?
 *
 * The baseline is written in the definition, captured in a file, or taken from other rows of the
 * same table; it never contains the rows that are tested. Few rows move by chance alone, so below
 * min_rows there is no measurement, and no p-value where the approximation behind it does not hold
 * (Cochran 1954: more than a fifth of the expected counts below 5).
 */
#include "audits/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/stats/drift.h"

#define SHOWN	    20
#define SHOWN_BYTES 48

static const struct key_row bin_keys[] = {
	{.name = "edges",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct distribution_bins, edges),
	 .help = "numbers between the bins, ascending; a bin begins at its lower edge",
	 .example = "[0, 10, 100]"},
	{.name = "equal",
	 .type = KEY_INT,
	 .offset = offsetof(struct distribution_bins, equal),
	 .min = 2,
	 .max = DISTRIBUTION_MAX_BINS,
	 .help = "so many bins of equal width between the baseline's smallest and largest value",
	 .example = "10"},
	{.name = "quantiles",
	 .type = KEY_INT,
	 .offset = offsetof(struct distribution_bins, quantiles),
	 .min = 2,
	 .max = DISTRIBUTION_MAX_BINS,
	 .help = "so many bins, each with the same number of the baseline's rows",
	 .example = "10"},
	KEY_END,
};

static const struct key_row distribution_keys[] = {
	{.name = "table",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct distribution_spec, table),
	 .help = "table or view",
	 .example = "orders"},
	{.name = "column",
	 .type = KEY_TEXT,
	 .flags = KEY_SHOWN,
	 .offset = offsetof(struct distribution_spec, column),
	 .help = "column whose values are the categories, or are put into bins",
	 .example = "state"},
	{.name = "expression",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct distribution_spec, expression),
	 .help = "instead of a column: an SQL expression",
	 .example = "total / items"},
	{.name = "where",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct distribution_spec, where),
	 .help = "test only rows for which this SQL condition holds",
	 .example = "created_at >= date('now', '-1 day')"},
	{.name = "bins",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct distribution_spec, bins),
	 .sub = bin_keys,
	 .sub_size = sizeof(struct distribution_bins),
	 .help = "numbers: how they are put together; without, every value is a category",
	 .example = "{ edges: [0, 10, 100] }"},
	{.name = "baseline",
	 .type = KEY_PAIRS,
	 .flags = KEY_SHOWN,
	 .offset = offsetof(struct distribution_spec, baseline),
	 .help = "the expected shares, which add up to 1, or numbers of rows, by category or bin "
		 "(\"< 0\", \"0..10\", \">= 10\"); NULL is the absent value",
	 .example = "{ new: 0.2, paid: 0.7, refunded: 0.1 }"},
	{.name = "baseline_file",
	 .type = KEY_PATH,
	 .flags = KEY_POLICY,
	 .offset = offsetof(struct distribution_spec, baseline_file),
	 .help = "a file written by assize baseline; its bins are used",
	 .example = "audits/state.json"},
	{.name = "baseline_where",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct distribution_spec, baseline_where),
	 .help = "rows of the same table for which this SQL condition holds, and where: does not",
	 .example = "created_at >= date('now', '-28 day')"},
	{.name = "min_rows",
	 .type = KEY_INT,
	 .offset = offsetof(struct distribution_spec, min_rows),
	 .min = 1,
	 .max = INT64_MAX,
	 .def = "100",
	 .help = "with fewer rows, tested or in the baseline, there is no measurement",
	 .example = "1000"},
	KEY_END,
};

enum { VALUE_PSI, VALUE_P, VALUE_CHANGE, VALUE_NEW, VALUE_GONE, N_VALUES };

static const struct value_row distribution_values[] = {
	[VALUE_PSI] =
		{.name = "psi",
		 .type = VALUE_REAL,
		 .unit = "",
		 .is_at_least_0 = true,
		 .usual = "< 0.1",
		 .help = "population stability index; by custom 0.1 is a small shift and 0.25 "
			 "a large one; a share of 0 counts as half a tested row"},
	[VALUE_P] = {.name = "p_value",
		     .type = VALUE_REAL,
		     .is_share = true,
		     .unit = "",
		     .help = "chi-square: how probable such a shift is by chance alone; of two "
			     "samples where the baseline is rows, of fit where it is shares"},
	[VALUE_CHANGE] = {.name = "max_share_change",
			  .type = VALUE_REAL,
			  .unit = "%",
			  .is_share = true,
			  .help = "largest change of a category's share, in percentage points"},
	[VALUE_NEW] = {.name = "new",
		       .type = VALUE_INT,
		       .unit = "categories",
		       .help = "categories the baseline does not have"},
	[VALUE_GONE] = {.name = "gone",
			.type = VALUE_INT,
			.unit = "categories",
			.help = "categories of the baseline that no row has"},
	[N_VALUES] = {.name = NULL},
};

/* ---- definition ---- */

static void read_edges(struct keys_context *ctx, const struct check *c, struct distribution_spec *s)
{
	const struct texts *t = &s->bins.edges;

	if (t->n > DISTRIBUTION_MAX_BINS - 1) {
		diags_at(ctx->diags, t->positions[0], NULL, "check \"%s\": more than %d edges",
			 c->name, DISTRIBUTION_MAX_BINS - 1);
		return;
	}
	s->edges = t->n > 0 ? arena_array(ctx->arena, t->n, sizeof(*s->edges)) : NULL;
	s->n_edges = t->n;
	for (size_t i = 0; i < t->n; i++) {
		if (num_parse_real(t->items[i], strlen(t->items[i]), &s->edges[i]) != 0)
			diags_at(ctx->diags, t->positions[i], NULL,
				 "check \"%s\": an edge must be a number, not \"%s\"", c->name,
				 str_escaped(ctx->arena, t->items[i]));
		else if (num_is_mistaken(t->items[i], strlen(t->items[i])))
			diags_at(ctx->diags, t->positions[i], "round it to 15 digits",
				 "check \"%s\": edge %s has more digits than are kept", c->name,
				 t->items[i]);
		else if (i > 0 && !(s->edges[i - 1] < s->edges[i]))
			diags_at(ctx->diags, t->positions[i], NULL,
				 "check \"%s\": edge %s is not above the one before", c->name,
				 t->items[i]);
	}
}

static void check_bins(struct keys_context *ctx, const struct check *c, struct distribution_spec *s)
{
	const struct node *map = node_get(c->spec_node, "bins");
	int n_ways = (s->bins.edges.n > 0) + (s->bins.equal > 0) + (s->bins.quantiles > 0);

	if (!map)
		return;
	if (n_ways != 1)
		diags_at(ctx->diags, map->pos, "write one of edges, equal, quantiles",
			 "check \"%s\": bins are made in %s way", c->name,
			 n_ways == 0 ? "no" : "more than one");
	else if (s->bins.edges.n == 0 && s->baseline.n > 0)
		diags_at(ctx->diags, map->pos, "write edges:",
			 "check \"%s\": a baseline of shares does not say where such bins lie",
			 c->name);
	read_edges(ctx, c, s);
}

static void distribution_check(struct keys_context *ctx, struct check *c)
{
	struct distribution_spec *s = c->spec;
	int n_baselines =
		(s->baseline.n > 0) + (s->baseline_file != NULL) + (s->baseline_where != NULL);

	if (!s->column == !s->expression)
		diags_at(ctx->diags, c->spec_node->pos, NULL,
			 "check \"%s\": name either a column or an expression%s", c->name,
			 s->column ? ", not both" : "");
	if (n_baselines != 1)
		diags_at(ctx->diags, c->spec_node->pos,
			 "write one of baseline, baseline_file, baseline_where",
			 "check \"%s\": there is %s to compare with", c->name,
			 n_baselines == 0 ? "nothing" : "more than one baseline");
	check_bins(ctx, c, s);
	distribution_check_baseline(ctx, c, s);
}

/* ---- evidence ---- */

struct shift {
	const struct distribution_cell *cell;
	double was, is; /* shares */
};

static int compare_shifts(const void *a, const void *b)
{
	const struct shift *x = a, *y = b;
	double p = fabs(x->is - x->was), q = fabs(y->is - y->was);

	return p != q ? (p < q ? 1 : -1) : strcmp(x->cell->name, y->cell->name);
}

static void put_name(const struct probe *p, struct buf *out, const char *name)
{
	size_t n = strlen(name);

	redact_show(p->world->definition->redactor, p->arena, name, n, SHOWN_BYTES, out);
	(void)buf_puts(out, n > SHOWN_BYTES ? "..." : "");
}

static void put_shift(const struct probe *p, struct buf *out, const struct shift *s)
{
	put_name(p, out, s->cell->name);
	if (s->cell->baseline == 0)
		(void)buf_printf(out, ": new, %.2f %% (%.0f rows)", s->is * 100, s->cell->rows);
	else if (s->cell->rows == 0)
		(void)buf_printf(out, ": gone, was %.2f %%", s->was * 100);
	else
		(void)buf_printf(out, ": %.2f %%, was %.2f %%", s->is * 100, s->was * 100);
}

/* The largest shifts first. */
static const char *evidence(const struct probe *p, const struct distribution *d, double whole)
{
	struct shift *shifts = arena_array(d->arena, d->n, sizeof(*shifts));
	const char *text;
	struct buf b;

	for (size_t i = 0; i < d->n; i++)
		shifts[i] = (struct shift){
			.cell = &d->cells[i],
			.was = d->cells[i].baseline / whole,
			.is = d->cells[i].rows / d->n_rows,
		};
	qsort(shifts, d->n, sizeof(*shifts), compare_shifts);
	buf_init(&b, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < d->n && i < SHOWN; i++) {
		(void)buf_puts(&b, i > 0 ? "\n" : "");
		put_shift(p, &b, &shifts[i]);
	}
	if (d->n > SHOWN)
		(void)buf_printf(&b, "\nand %zu more categories", d->n - SHOWN);
	text = arena_strndup(d->arena, b.data, b.len);
	buf_release(&b);
	return text;
}

/* ---- measuring ---- */

static const char *why_too_few(const struct distribution *d, const struct distribution_spec *s)
{
	double min = (double)s->min_rows;

	if (d->n_rows == 0)
		return arena_printf(d->arena, "table \"%s\" has no rows to test", s->table);
	if (d->n_rows < min)
		return arena_printf(d->arena, "%.0f rows are too few to tell, min_rows is %lld",
				    d->n_rows, (long long)s->min_rows);
	if (d->n_baseline >= 0 && d->n_baseline < min)
		return arena_printf(d->arena,
				    "a baseline of %.0f rows is too small to tell, min_rows is "
				    "%lld",
				    d->n_baseline, (long long)s->min_rows);
	return NULL;
}

static struct measurement measure_p(const struct distribution *d, const double *rows,
				    const double *baseline)
{
	const char *name = distribution_values[VALUE_P].name;
	struct chi_square t = d->n_baseline < 0 ? stats_chi_square_fit(rows, baseline, d->n)
						: stats_chi_square_two(rows, baseline, d->n);

	if (t.n_thin * 5 > t.n_cells)
		return measurement_none(
			name, arena_printf(d->arena,
					   "too few rows for chi-square: %zu of %zu expected "
					   "counts are below 5",
					   t.n_thin, t.n_cells));
	if (isnan(t.p_value))
		return measurement_none(name, "there is one category only: nothing can shift");
	return measurement_real(name, t.p_value, "");
}

static void emit(struct probe *p, const struct distribution *d)
{
	double *rows = arena_array(d->arena, d->n, sizeof(*rows));
	double *baseline = arena_array(d->arena, d->n, sizeof(*baseline));
	double whole = 0;
	int64_t n_new = 0, n_gone = 0;

	for (size_t i = 0; i < d->n; i++) {
		rows[i] = d->cells[i].rows;
		baseline[i] = d->cells[i].baseline;
		whole += baseline[i];
		n_new += baseline[i] == 0 && rows[i] > 0;
		n_gone += baseline[i] > 0 && rows[i] == 0;
	}
	struct measurement all[] = {
		[VALUE_PSI] = measurement_real("psi", stats_psi(rows, baseline, d->n), ""),
		[VALUE_P] = measure_p(d, rows, baseline),
		[VALUE_CHANGE] = measurement_real(
			"max_share_change", stats_max_share_change(rows, baseline, d->n), "%"),
		[VALUE_NEW] = measurement_int("new", n_new, "categories"),
		[VALUE_GONE] = measurement_int("gone", n_gone, "categories"),
	};
	const char *text = evidence(p, d, whole);

	for (size_t i = 0; i < N_VALUES; i++) {
		all[i].n = (int64_t)d->n_rows;
		all[i].query = d->sql;
		all[i].evidence = text;
		probe_emit(p, 0, &all[i]);
	}
}

static int ask(struct probe *p, const struct distribution_spec *s, struct distribution *d,
	       struct err *e)
{
	struct db *db;

	if (database_acquire(p, &db, e) != 0)
		return -1;
	int rc = distribution_ask(p, db, s, d, e);

	database_release(p, db);
	return rc;
}

static int distribution_probe(struct probe *p, struct err *e)
{
	const struct check *c = p->checks[0];
	const struct distribution_spec *s = c->spec;
	struct distribution d;

	distribution_init(&d, p->arena, s);
	if (s->baseline_file && distribution_read_file(&d, c, e) != 0)
		return -1;
	if (s->baseline.n > 0)
		distribution_written(&d, s);
	if (ask(p, s, &d, e) != 0)
		return -1;
	const char *reason = why_too_few(&d, s);

	if (!reason) {
		emit(p, &d);
		return 0;
	}
	for (size_t i = 0; i < N_VALUES; i++) {
		struct measurement m = measurement_none(distribution_values[i].name, reason);

		m.query = d.sql;
		probe_emit(p, 0, &m);
	}
	return 0;
}

static void distribution_describe(struct probe *p, struct buf *out)
{
	const struct check *c = p->checks[0];
	const struct distribution_spec *s = c->spec;
	enum db_engine engine = database_engine(c->target);
	double no_edge[] = {0};
	struct distribution d;

	distribution_init(&d, p->arena, s);
	if (s->baseline_file)
		(void)buf_printf(out, "against %s, by its bins if it has some: ", s->baseline_file);
	if (distribution_finds_edges(s)) {
		database_one_line(out, distribution_edges_sql(p->arena, engine, s, NULL));
		(void)buf_puts(out, "\nthen, with these edges in the place of 0: ");
		d.edges = no_edge;
		d.n_edges = 1;
	}
	database_one_line(out, distribution_sql(p->arena, engine, s, &d));
	(void)buf_putc(out, '\n');
}

const struct audit_kind audit_kind_distribution = {
	.name = "distribution",
	.family = "database",
	.summary = "shares of categories or ranges against a baseline",
	.blind =
		"Shares say nothing of how many rows there are, and a baseline that was wrong when "
		"it was captured stays the measure of all. With very many rows the p-value finds "
		"shifts too small to matter: bound psi or max_share_change beside it. Values that "
		"move within their bin do not show.",
	.spec_size = sizeof(struct distribution_spec),
	.keys = distribution_keys,
	.values = distribution_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_distribution,
	.check = distribution_check,
	.describe = distribution_describe,
	.probe = distribution_probe,
};
