/*
 * Suggestions about tables as YAML: without bounds in the draft, with what was measured in the
 * definition. What a check could not hold on to is left out.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "audits/schema_compare.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/init.h"
#include "runner/init_draft.h"

#define ROOM 1.1 /* a bound has a tenth more than what was measured */

/* The kind of a suggestion and what it is asked of. */
static void put_kind(struct buf *out, const struct suggestion *s)
{
	static const char *const kinds[] = {
		[SUGGEST_ROWS] = "rows",
		[SUGGEST_MISSING] = "missing",
		[SUGGEST_FRESH] = "freshness",
		[SUGGEST_ORPHANS] = "orphans",
	};

	(void)buf_printf(out, "%s: { table: ", kinds[s->type]);
	init_put_text(out, s->table->name);
	if (s->column) {
		(void)buf_puts(out, s->type == SUGGEST_MISSING ? ", columns: " : ", column: ");
		init_put_text(out, s->column);
	}
	if (s->key) {
		(void)buf_puts(out, ", columns: ");
		init_put_list(out, s->key->columns, s->key->n_columns);
		(void)buf_puts(out, ", references: { table: ");
		init_put_text(out, s->key->table);
		(void)buf_puts(out, ", columns: ");
		init_put_list(out, s->key->targets, s->key->n_columns);
		(void)buf_puts(out, " }");
	}
	if (s->zone) {
		(void)buf_puts(out, ", zone: ");
		init_put_text(out, s->zone);
	}
	(void)buf_puts(out, " }");
}

void init_put_suggestions(struct buf *out, const struct init_target *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct suggestion *s = &t->items[i];

		(void)buf_printf(out, "      - { id: %s, ", s->id);
		put_kind(out, s);
		(void)buf_printf(out, ", expect: \"%s\" }\n",
				 s->type == SUGGEST_FRESH ? ">= 0s" : ">= 0");
	}
}

/* ---- the definition ---- */

static void put_columns(struct init_writer *w, enum db_engine engine, const struct db_table *t)
{
	if (t->n_columns == 0)
		return; /* PostgreSQL allows that */
	init_put_id(w, t->name, "columns", NULL);
	(void)buf_puts(w->out, "\n        schema:\n          table: ");
	init_put_text(w->out, t->name);
	(void)buf_puts(w->out, "\n          columns:\n");
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];
		const char *type = schema_column_type(engine, t, c), *sep = "";

		(void)buf_puts(w->out, "            ");
		init_put_key(w->out, c->name);
		(void)buf_puts(w->out, ": { ");
		if (type[0]) {
			(void)buf_puts(w->out, "type: ");
			init_put_text(w->out, type);
			sep = ", ";
		}
		(void)buf_printf(w->out, "%snullable: %s", sep, c->is_nullable ? "true" : "false");
		if (c->key > 0)
			(void)buf_puts(w->out, ", key: primary");
		(void)buf_puts(w->out, " }\n");
	}
}

static void put_check(struct init_writer *w, const struct suggestion *s, const char *what,
		      const char *detail, const char *remark)
{
	init_put_id(w, s->table->name, what, detail);
	(void)buf_printf(w->out, " # %s\n        ", remark);
	put_kind(w->out, s);
	(void)buf_puts(w->out, "\n        expect: ");
}

static void put_rows(struct init_writer *w, const struct suggestion *s)
{
	char remark[64];

	if (!s->is_measured || s->value < 1)
		return;
	(void)snprintf(remark, sizeof(remark), "%" PRId64 " row%s", s->value,
		       s->value == 1 ? "" : "s");
	put_check(w, s, "rows", NULL, remark);
	(void)buf_puts(w->out, "\">= ");
	if (s->value < 10)
		(void)buf_puts(w->out, "1");
	else
		init_put_rounded(w->out, (double)s->value / ROOM, false);
	(void)buf_puts(w->out, "\"\n");
}

/* Columns that were never NULL share one check; put once, at the first of them. */
static void put_complete(struct init_writer *w, const struct init_target *t, size_t first)
{
	const struct db_table *table = t->items[first].table;
	bool has_any = false;

	for (size_t i = first; i < t->n && t->items[i].table == table; i++) {
		const struct suggestion *s = &t->items[i];

		if (s->type != SUGGEST_MISSING || !s->is_measured || s->value != 0)
			continue;
		if (!has_any) {
			init_put_id(w, table->name, "complete", NULL);
			(void)buf_puts(w->out, " # never NULL so far\n        missing: { table: ");
			init_put_text(w->out, table->name);
			(void)buf_puts(w->out, ", columns: [");
		}
		(void)buf_puts(w->out, has_any ? ", " : "");
		init_put_text(w->out, s->column);
		has_any = true;
	}
	if (has_any)
		(void)buf_puts(w->out, "] }\n        expect: \"== 0\"\n");
}

/* Some rows lack it: a share with room; nearly all: nothing to hold on to. */
static void put_share(struct init_writer *w, const struct suggestion *s, const char *what,
		      const char *detail)
{
	char remark[96];

	if (!s->is_measured || s->value == 0 || !(s->share * ROOM < 1))
		return;
	(void)snprintf(remark, sizeof(remark), "%" PRId64 " of %" PRId64 " rows", s->value,
		       s->n_total);
	put_check(w, s, what, detail, remark);
	(void)buf_puts(w->out, "\"<= ");
	init_put_rounded(w->out, s->share * ROOM * 100, true);
	(void)buf_puts(w->out, "%\"\n");
}

static void put_orphans(struct init_writer *w, const struct suggestion *s)
{
	if (!s->is_measured)
		return;
	if (s->value > 0) {
		put_share(w, s, "orphans", s->key->columns[0]);
		return;
	}
	put_check(w, s, "orphans", s->key->columns[0], "every reference holds");
	(void)buf_puts(w->out, "\"== 0\"\n");
}

/* Of the moments of a table the youngest: it is the one that moves. */
static void put_fresh(struct init_writer *w, const struct init_target *t, size_t first)
{
	static const struct {
		double seconds;
		const char *words;
	} bounds[] = {{3600, "1h"},	   {6 * 3600, "6h"},	{86400, "1d"},
		      {2 * 86400, "2d"},   {7 * 86400, "7d"},	{14 * 86400, "14d"},
		      {31 * 86400, "31d"}, {92 * 86400, "92d"}, {366 * 86400, "366d"}};
	const struct suggestion *best = NULL;
	char remark[96], age[NUM_REAL_MAX];

	for (size_t i = first; i < t->n && t->items[i].table == t->items[first].table; i++) {
		const struct suggestion *s = &t->items[i];

		if (s->type == SUGGEST_FRESH && s->is_measured && s->age_s >= 0 &&
		    (!best || s->age_s < best->age_s))
			best = s;
	}
	if (!best)
		return;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		if (best->age_s * 2 > bounds[i].seconds)
			continue;
		(void)num_format_duration((int64_t)(best->age_s * 1000), age);
		(void)snprintf(remark, sizeof(remark), "newest row is %s old%s", age,
			       best->zone ? " by the server's zone" : "");
		put_check(w, best, "fresh", NULL, remark);
		(void)buf_printf(w->out, "\"< %s\"\n", bounds[i].words);
		return;
	}
}

void init_put_tables(struct init_writer *w, const struct init_target *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct suggestion *s = &t->items[i];

		switch (s->type) {
		case SUGGEST_ROWS: /* each table begins with it */
			put_columns(w, t->catalog.engine, s->table);
			put_rows(w, s);
			put_complete(w, t, i);
			put_fresh(w, t, i);
			break;
		case SUGGEST_MISSING:
			put_share(w, s, "missing", s->column);
			break;
		case SUGGEST_ORPHANS:
			put_orphans(w, s);
			break;
		case SUGGEST_FRESH:
			break;
		}
	}
}
