/*
 * The draft and the definition as YAML. Names are quoted unless they are plain words that YAML
 * reads as text; ${ in a name is doubled, since a definition would replace it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/init_draft.h"

#define MAX_ID 100 /* bytes; a name may have 128 */
#define ROOM   1.1 /* a bound has a tenth more than what was measured */

static bool is_plain(const char *s)
{
	static const char *const words[] = {"true", "false", "null", "yes", "no",
					    "on",   "off",   "y",    "n"};

	if (!str_is_name(s))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(words[i], s) == 0)
			return false;
	return true;
}

/* The buffer is unbounded and looked at once, at the end: nothing here fails. */
static void put_text(struct buf *out, const char *s)
{
	if (is_plain(s)) {
		(void)buf_puts(out, s);
		return;
	}
	(void)buf_putc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			(void)buf_putc(out, '\\');
		if (c == '$' && s[1] == '{')
			(void)buf_putc(out, '$');
		if (c < 0x20 || c == 0x7F)
			(void)buf_printf(out, "\\x%02X", c);
		else
			(void)buf_putc(out, *s);
	}
	(void)buf_putc(out, '"');
}

static void put_list(struct buf *out, const char *const *names, size_t n)
{
	(void)buf_putc(out, '[');
	for (size_t i = 0; i < n; i++) {
		(void)buf_puts(out, i > 0 ? ", " : "");
		put_text(out, names[i]);
	}
	(void)buf_putc(out, ']');
}

static void put_target(struct buf *out, const struct init_target *t, const char *location)
{
	(void)buf_printf(out, "  %s: { %s: ", t->name, target_type_name(t->type));
	put_text(out, location);
	if (t->password_env)
		(void)buf_printf(out, ", password: \"${env:%s}\"", t->password_env);
	(void)buf_puts(out, " }\n");
}

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
	put_text(out, s->table->name);
	if (s->column) {
		(void)buf_puts(out, s->type == SUGGEST_MISSING ? ", columns: " : ", column: ");
		put_text(out, s->column);
	}
	if (s->key) {
		(void)buf_puts(out, ", columns: ");
		put_list(out, s->key->columns, s->key->n_columns);
		(void)buf_puts(out, ", references: { table: ");
		put_text(out, s->key->table);
		(void)buf_puts(out, ", columns: ");
		put_list(out, s->key->targets, s->key->n_columns);
		(void)buf_puts(out, " }");
	}
	(void)buf_puts(out, " }");
}

void init_write_draft(struct buf *out, const struct init_target *targets, size_t n,
		      bool is_targets_only)
{
	(void)buf_puts(out, "assize: 1\ntargets:\n");
	for (size_t i = 0; i < n; i++)
		put_target(out, &targets[i], targets[i].absolute);
	if (is_targets_only)
		return;
	(void)buf_puts(out, "audits:\n");
	for (size_t i = 0; i < n; i++) {
		if (targets[i].n == 0)
			continue;
		(void)buf_printf(out, "  %s:\n    target: %s\n    checks:\n", targets[i].name,
				 targets[i].name);
		for (size_t k = 0; k < targets[i].n; k++) {
			const struct suggestion *s = &targets[i].items[k];

			(void)buf_printf(out, "      - { id: %s, ", s->id);
			put_kind(out, s);
			(void)buf_printf(out, ", expect: \"%s\" }\n",
					 s->type == SUGGEST_FRESH ? ">= 0s" : ">= 0");
		}
	}
}

/* ---- the definition ---- */

struct writer {
	struct arena *arena;
	struct buf *out;
	struct map ids; /* of the audit */
	size_t n_checks;
};

/* What cannot stand in an id becomes "_". */
static void add_word(struct buf *id, const char *word)
{
	for (; *word; word++) {
		bool is_letter = (*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z');
		bool is_digit = *word >= '0' && *word <= '9' && id->len > 0;

		(void)buf_putc(id, is_letter || is_digit ? *word : '_');
	}
}

/* "orders-missing-owner", cut to what an id may have, with a number when it was used before. */
static void put_id(struct writer *w, const char *table, const char *what, const char *detail)
{
	struct buf id;
	const char *name;

	buf_init(&id, BUF_UNBOUNDED);
	add_word(&id, table);
	(void)buf_printf(&id, "-%s", what);
	if (detail) {
		(void)buf_putc(&id, '-');
		add_word(&id, detail);
	}
	name = arena_strndup(w->arena, id.data, id.len < MAX_ID ? id.len : MAX_ID);
	for (int i = 2; !map_put(&w->ids, name, w); i++)
		name = arena_printf(w->arena, "%.*s-%d", MAX_ID, id.data, i);
	buf_release(&id);
	(void)buf_printf(w->out, "      - id: %s", name);
	w->n_checks++;
}

static void put_columns(struct writer *w, const struct db_table *t)
{
	put_id(w, t->name, "columns", NULL);
	(void)buf_puts(w->out, "\n        schema:\n          table: ");
	put_text(w->out, t->name);
	(void)buf_puts(w->out, "\n          columns:\n");
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct db_column *c = &t->columns[i];
		const char *sep = "";

		(void)buf_puts(w->out, "            ");
		put_text(w->out, c->name);
		(void)buf_puts(w->out, ": { ");
		if (c->type[0]) {
			(void)buf_puts(w->out, "type: ");
			put_text(w->out, c->type);
			sep = ", ";
		}
		(void)buf_printf(w->out, "%snullable: %s", sep, c->is_nullable ? "true" : "false");
		if (c->key > 0)
			(void)buf_puts(w->out, ", key: primary");
		(void)buf_puts(w->out, " }\n");
	}
}

static void put_check(struct writer *w, const struct suggestion *s, const char *what,
		      const char *detail, const char *remark)
{
	put_id(w, s->table->name, what, detail);
	(void)buf_printf(w->out, " # %s\n        ", remark);
	put_kind(w->out, s);
	(void)buf_puts(w->out, "\n        expect: ");
}

/* x rounded to two digits, down or up, as few characters as that takes. */
static void put_rounded(struct buf *out, double x, bool is_up)
{
	double step = pow(10, floor(log10(x)) - 1);
	double rounded = (is_up ? ceil(x / step) : floor(x / step)) * step;
	char text[NUM_REAL_MAX];
	char digits[32];
	double value;

	/* By way of two digits: multiplying leaves 0.27000000000000002. */
	(void)snprintf(digits, sizeof(digits), "%.1e", rounded);
	if (num_parse_real(digits, strlen(digits), &value) != 0)
		value = rounded;
	(void)num_format_real(value, text);
	(void)buf_puts(out, text);
}

static void put_rows(struct writer *w, const struct suggestion *s)
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
		put_rounded(w->out, (double)s->value / ROOM, false);
	(void)buf_puts(w->out, "\"\n");
}

/* Columns that were never NULL share one check; put once, at the first of them. */
static void put_complete(struct writer *w, const struct init_target *t, size_t first)
{
	const struct db_table *table = t->items[first].table;
	bool has_any = false;

	for (size_t i = first; i < t->n && t->items[i].table == table; i++) {
		const struct suggestion *s = &t->items[i];

		if (s->type != SUGGEST_MISSING || !s->is_measured || s->value != 0)
			continue;
		if (!has_any) {
			put_id(w, table->name, "complete", NULL);
			(void)buf_puts(w->out, " # never NULL so far\n        missing: { table: ");
			put_text(w->out, table->name);
			(void)buf_puts(w->out, ", columns: [");
		}
		(void)buf_puts(w->out, has_any ? ", " : "");
		put_text(w->out, s->column);
		has_any = true;
	}
	if (has_any)
		(void)buf_puts(w->out, "] }\n        expect: \"== 0\"\n");
}

/* Some rows lack it: a share with room; nearly all: nothing to hold on to. */
static void put_share(struct writer *w, const struct suggestion *s, const char *what,
		      const char *detail)
{
	char remark[96];

	if (!s->is_measured || s->value == 0 || !(s->share * ROOM < 1))
		return;
	(void)snprintf(remark, sizeof(remark), "%" PRId64 " of %" PRId64 " rows", s->value,
		       s->n_total);
	put_check(w, s, what, detail, remark);
	(void)buf_puts(w->out, "\"<= ");
	put_rounded(w->out, s->share * ROOM * 100, true);
	(void)buf_puts(w->out, "%\"\n");
}

static void put_orphans(struct writer *w, const struct suggestion *s)
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
static void put_fresh(struct writer *w, const struct init_target *t, size_t first)
{
	static const struct {
		double seconds;
		const char *words;
	} bounds[] = {{3600, "1h"},	   {6 * 3600, "6h"},	{86400, "1d"},
		      {2 * 86400, "2d"},   {7 * 86400, "7d"},	{14 * 86400, "14d"},
		      {31 * 86400, "31d"}, {92 * 86400, "92d"}, {366 * 86400, "366d"}};
	const struct suggestion *best = NULL;
	char remark[64], age[NUM_REAL_MAX];

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
		(void)snprintf(remark, sizeof(remark), "newest row is %s old", age);
		put_check(w, best, "fresh", NULL, remark);
		(void)buf_printf(w->out, "\"< %s\"\n", bounds[i].words);
		return;
	}
}

static void put_audit(struct writer *w, const struct init_target *t)
{
	map_init(&w->ids, w->arena);
	(void)buf_printf(w->out,
			 "  %s:\n    title: %s as assize init found it\n    target: %s\n"
			 "    severity: 5\n    tags: [release]\n    checks:\n",
			 t->name, t->name, t->name);
	for (size_t i = 0; i < t->n; i++) {
		const struct suggestion *s = &t->items[i];

		switch (s->type) {
		case SUGGEST_ROWS: /* each table begins with it */
			put_columns(w, s->table);
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

size_t init_write(struct arena *a, struct buf *out, const struct init_target *targets, size_t n,
		  const char *day)
{
	struct writer w = {.arena = a, .out = out};

	(void)buf_printf(
		out,
		"# Written by assize init: what was true on %s, as checks. The bounds are\n"
		"# measured baselines with a little room. Tighten them, and say why with why:\n"
		"assize: 1\n\ntargets:\n",
		day);
	for (size_t i = 0; i < n; i++)
		put_target(out, &targets[i], targets[i].location);
	(void)buf_puts(out, "\naudits:\n");
	for (size_t i = 0; i < n; i++)
		if (targets[i].n > 0)
			put_audit(&w, &targets[i]);
	(void)buf_puts(out, "\ngates:\n  release:\n"
			    "    require: [ { tag: release, max_age: 1h } ]\n");
	return w.n_checks;
}
