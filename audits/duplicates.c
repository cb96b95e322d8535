/*
 * duplicates: rows that repeat a combination of columns.
 *
 * Counted are the rows beyond the first of each combination, by a GROUP BY inside the shared scan:
 * what would have to go for the combination to be unique. As in a UNIQUE constraint, a combination
 * with a NULL equals no other. A table without a whole combination is no measurement.
 */
#include <stddef.h>
#include <string.h>

#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "audits/scan_show.h"
#include "audits/show.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/model/kind.h"

struct duplicates_spec {
	struct scan_spec scan; /* first: see scan.h */
	struct texts columns;
	struct show show;
};

static const struct key_row duplicates_keys[] = {
	SCAN_KEYS,
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct duplicates_spec, columns),
	 .help = "columns that together tell rows apart",
	 .example = "[shop, order_no]"},
	SHOW_KEY(struct duplicates_spec, show, show_rows_only),
	KEY_END,
};

static const struct value_row duplicates_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .usual = "== 0",
	 .counts_of_total = true,
	 .help = "rows beyond the first of each combination; with % in the bound, their share of "
		 "the rows without a NULL in it"},
	{.name = NULL},
};

/* "a", "b": between the names stands what is given. */
static const char *columns_of(struct arena *a, const struct check *c, const char *between,
			      const char *behind)
{
	const struct duplicates_spec *spec = c->spec;
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	for (size_t i = 0; i < spec->columns.n; i++)
		(void)buf_printf(&b, "%s%s%s", i > 0 ? between : "",
				 scan_quoted(a, c, spec->columns.items[i]), behind);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static const struct scan_term *add_compared(struct scan *s, const struct check *c)
{
	const char *is_whole = columns_of(s->probe->arena, c, " AND ", " IS NOT NULL");

	return scan_add(s, SCAN_COUNT_IF, is_whole);
}

static void duplicates_add(struct scan *s, const struct check *c)
{
	const struct duplicates_spec *spec = c->spec;

	/* Both are found again in duplicates_emit(). */
	(void)add_compared(s, c);
	(void)scan_add_repeated(s, &spec->columns);
}

static struct measurement measure(const struct scan *s, const struct scan_term *compared,
				  const struct scan_term *repeated)
{
	struct arena *a = s->probe->arena;
	const char *table = s->spec->table;
	int64_t n_compared = scan_value(s, compared)->integer;
	int64_t n_repeated = scan_value(s, repeated)->integer;

	if (scan_rows(s, repeated) <= 0)
		return measurement_none("", scan_no_rows(s));
	if (n_compared <= 0)
		return measurement_none(
			"",
			arena_printf(a, "no row of \"%s\" has a combination without NULL", table));
	if (n_repeated >= n_compared) /* two statements, and rows written in between */
		return measurement_none("",
					arena_printf(a, "\"%s\" changed while it was read", table));
	struct measurement m = measurement_int("", n_repeated, "rows");

	m.n = scan_rows(s, repeated);
	m.n_total = n_compared;
	m.share = (double)n_repeated / (double)n_compared;
	if (n_compared < m.n)
		m.reason = arena_printf(a, "%lld more rows have a NULL and equal no other",
					(long long)(m.n - n_compared));
	return m;
}

static void duplicates_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct duplicates_spec *spec = p->checks[check]->spec;
	const struct scan_term *compared = add_compared(s, p->checks[check]);
	const struct scan_term *repeated = scan_add_repeated(s, &spec->columns);
	struct measurement m = measure(s, compared, repeated);

	scan_emit(s, check, &m, compared->error ? compared : repeated);
}

static const struct scan_part duplicates_part = {.add = duplicates_add, .emit = duplicates_emit};

static bool duplicates_wants_evidence(const struct check *c)
{
	const struct duplicates_spec *spec = c->spec;

	return show_is_wanted(&spec->show);
}

/* All rows of combinations that occur twice, side by side. */
static int duplicates_evidence(struct probe *p, size_t check, const struct measurement *m,
			       struct buf *out, struct err *e)
{
	const struct check *c = p->checks[check];
	const struct duplicates_spec *spec = c->spec;
	const char *columns = columns_of(p->arena, c, ", ", "");
	struct buf rows;
	int rc;

	buf_init(&rows, BUF_UNBOUNDED); /* the definition is bounded */
	rc = scan_put_rows(p, c, m, &rows, e);
	struct scan_shown shown = {
		.show = &spec->show,
		.condition = arena_printf(p->arena,
					  "(%s) IN (SELECT %s FROM %s GROUP BY %s "
					  "HAVING count(*) > 1)",
					  columns, columns, rows.data, columns),
		.order = columns,
	};

	buf_release(&rows);
	return rc == 0 ? scan_show(p, check, m, &shown, out, e) : -1;
}

static void duplicates_check(struct keys_context *ctx, struct check *c)
{
	const struct duplicates_spec *spec = c->spec;
	const struct texts *columns = &spec->columns;

	scan_check(ctx, c, &duplicates_part);
	show_check(ctx, c, &spec->show);
	for (size_t i = 0; i < columns->n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(columns->items[i], columns->items[k]) == 0)
				diags_at(ctx->diags, columns->positions[i], NULL,
					 "check \"%s\": column \"%s\" is written twice", c->name,
					 columns->items[i]);
}

const struct audit_kind audit_kind_duplicates = {
	.name = "duplicates",
	.family = "database",
	.summary = "rows that repeat a combination of columns",
	.blind = "Equal is what the engine's own comparison calls equal, as in a UNIQUE "
		 "constraint: in MariaDB \"A\" and \"a\" usually are. A combination with a NULL "
		 "equals no other. The same thing written in two ways is two things.",
	.spec_size = sizeof(struct duplicates_spec),
	.keys = duplicates_keys,
	.values = duplicates_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_duplicates,
	.check = duplicates_check,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
	.wants_evidence = duplicates_wants_evidence,
	.evidence = duplicates_evidence,
};
