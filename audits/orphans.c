/*
 * orphans: rows that refer to a row which is not there.
 *
 * An anti-join written as one condition of the shared scan: a row whose key is whole and for which
 * no row of the other table has it. A key with a NULL refers to nothing and is left out, as foreign
 * keys do (MATCH SIMPLE).
 */
#include <stddef.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "audits/scan.h"
#include "audits/scan_show.h"
#include "audits/show.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

struct references {
	const char *table;
	struct texts columns;
};

struct orphans_spec {
	struct scan_spec scan; /* first: see scan.h */
	struct texts columns;
	struct references references;
	struct show show;
};

static const struct key_row references_rows[] = {
	{.name = "table",
	 .type = KEY_TEXT,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct references, table),
	 .help = "the table referred to",
	 .example = "customers"},
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct references, columns),
	 .help = "its columns, as many and in the same order; an index on them makes this fast",
	 .example = "id"},
	KEY_END,
};

static const struct key_row orphans_keys[] = {
	SCAN_KEYS,
	{.name = "columns",
	 .type = KEY_TEXTS,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct orphans_spec, columns),
	 .help = "the columns that refer",
	 .example = "customer_id"},
	{.name = "references",
	 .type = KEY_GROUP,
	 .flags = KEY_REQUIRED,
	 .offset = offsetof(struct orphans_spec, references),
	 .sub = references_rows,
	 .help = "what they refer to",
	 .example = "{ table: customers, columns: id }"},
	SHOW_KEY(struct orphans_spec, show, show_rows_only),
	KEY_END,
};

static const struct value_row orphans_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .usual = "== 0",
	 .counts_of_total = true,
	 .help = "rows without the row they refer to; with % in the bound, their share of those "
		 "that refer"},
	{.name = NULL},
};

/* The key is whole: the row refers to something. */
static void put_refers(enum db_engine engine, const struct orphans_spec *spec, struct buf *out)
{
	for (size_t i = 0; i < spec->columns.n; i++) {
		(void)buf_puts(out, i > 0 ? " AND " : "");
		db_quote_table(engine, out, spec->scan.table);
		(void)buf_putc(out, '.');
		db_quote(engine, out, spec->columns.items[i]);
		(void)buf_puts(out, " IS NOT NULL");
	}
}

/* The other table has a name of its own here, so that a table may refer to itself. */
static const char *alias_of(const struct orphans_spec *spec)
{
	/* Engines fold case, and a schema may stand before the name, and quotes around it. */
	if (!str_glob_fold("*referred*", spec->scan.table))
		return "referred";
	return str_glob_fold("*other*", spec->scan.table) ? "looked_up" : "other";
}

static void put_is_orphan(enum db_engine engine, const struct orphans_spec *spec, struct buf *out)
{
	const char *alias = alias_of(spec);

	put_refers(engine, spec, out);
	(void)buf_puts(out, " AND NOT EXISTS (SELECT 1 FROM ");
	db_quote_table(engine, out, spec->references.table);
	(void)buf_printf(out, " AS %s WHERE ", alias);
	for (size_t i = 0; i < spec->columns.n; i++) {
		(void)buf_printf(out, "%s%s.", i > 0 ? " AND " : "", alias);
		db_quote(engine, out, spec->references.columns.items[i]);
		(void)buf_puts(out, " = ");
		db_quote_table(engine, out, spec->scan.table);
		(void)buf_putc(out, '.');
		db_quote(engine, out, spec->columns.items[i]);
	}
	(void)buf_putc(out, ')');
}

static const char *condition(struct arena *a, const struct check *c,
			     void (*put)(enum db_engine, const struct orphans_spec *, struct buf *))
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	put(database_engine(c->target), c->spec, &b);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static void orphans_add(struct scan *s, const struct check *c)
{
	struct arena *a = s->probe->arena;

	/* Both are found again in orphans_emit(). */
	(void)scan_add(s, SCAN_COUNT_IF, condition(a, c, put_refers));
	(void)scan_add(s, SCAN_COUNT_IF, condition(a, c, put_is_orphan));
}

static struct measurement measure(const struct scan *s, const struct orphans_spec *spec,
				  const struct scan_term *refers, const struct scan_term *orphans)
{
	struct arena *a = s->probe->arena;
	int64_t n_refers = scan_value(s, refers)->integer;
	int64_t n_orphans = scan_value(s, orphans)->integer;

	if (scan_rows(s, orphans) <= 0)
		return measurement_none("", scan_no_rows(s));
	if (n_refers <= 0)
		return measurement_none("", arena_printf(a, "no row of \"%s\" refers to \"%s\"",
							 spec->scan.table, spec->references.table));
	if (n_orphans > n_refers) /* two statements, and rows written in between */
		return measurement_none(
			"", arena_printf(a, "\"%s\" changed while it was read", spec->scan.table));
	struct measurement m = measurement_int("", n_orphans, "rows");

	m.n = scan_rows(s, orphans);
	m.n_total = n_refers;
	m.share = (double)n_orphans / (double)n_refers;
	if (n_refers < m.n)
		m.reason = arena_printf(a, "%lld more rows refer to nothing (NULL)",
					(long long)(m.n - n_refers));
	return m;
}

static void orphans_emit(struct probe *p, size_t check, struct scan *s)
{
	const struct check *c = p->checks[check];
	const struct scan_term *refers =
		scan_add(s, SCAN_COUNT_IF, condition(p->arena, c, put_refers));
	const struct scan_term *orphans =
		scan_add(s, SCAN_COUNT_IF, condition(p->arena, c, put_is_orphan));
	struct measurement m = measure(s, c->spec, refers, orphans);

	scan_emit(s, check, &m, refers->error ? refers : orphans);
}

static const struct scan_part orphans_part = {.add = orphans_add, .emit = orphans_emit};

static bool orphans_wants_evidence(const struct check *c)
{
	const struct orphans_spec *spec = c->spec;

	return show_is_wanted(&spec->show);
}

static int orphans_evidence(struct probe *p, size_t check, const struct measurement *m,
			    struct buf *out, struct err *e)
{
	const struct check *c = p->checks[check];
	const struct orphans_spec *spec = c->spec;
	struct scan_shown shown = {
		.show = &spec->show,
		.condition = condition(p->arena, c, put_is_orphan),
	};

	return scan_show(p, check, m, &shown, out, e);
}

static void orphans_check(struct keys_context *ctx, struct check *c)
{
	const struct orphans_spec *spec = c->spec;
	size_t n = spec->columns.n, n_other = spec->references.columns.n;

	scan_check(ctx, c, &orphans_part);
	show_check(ctx, c, &spec->show);
	if (n > 0 && n_other > 0 && n != n_other)
		diags_at(ctx->diags, keys_pos(c->spec_node, "references"), NULL,
			 "check \"%s\": %zu column%s cannot refer to %zu", c->name, n,
			 n == 1 ? "" : "s", n_other);
}

const struct audit_kind audit_kind_orphans = {
	.name = "orphans",
	.family = "database",
	.summary = "rows that refer to a row which is not there",
	.blind = "It proves that the row referred to exists, not that it is the right one. A key "
		 "with a NULL refers to nothing and is never an orphan. Keys are compared as the "
		 "engine compares them, its collations included. Rows nothing refers to are not "
		 "looked for.",
	.spec_size = sizeof(struct orphans_spec),
	.keys = orphans_keys,
	.values = orphans_values,
	.targets = TARGET_DATABASES,
	.arsenal = &arsenal_orphans,
	.check = orphans_check,
	.merge_key = scan_merge_key,
	.describe = scan_describe,
	.probe = scan_probe,
	.wants_evidence = orphans_wants_evidence,
	.evidence = orphans_evidence,
};
