/*
 * migrations_compare: the findings, and the comparison that most frameworks share.
 *
 * Each migration gives at most one finding, the one that says most: an applied one that failed is
 * not also pending. What cannot be compared is a remark, never a silent pass: it is shown with
 * every finding of the same check and kept in the record.
 */
#include "audits/migrations.h"

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

/* Evidence is cut by probe_emit(); beyond this nothing is worth building. */
#define MAX_LINES_BYTES (EVIDENCE_MAX_BYTES + 1024)

void migrations_end_scratch(struct world *w)
{
	arena_free(w->scratch);
	w->scratch = arena_new();
}

void migrations_found(struct world *w, enum finding class, const char *name, const char *fmt, ...)
{
	struct finding_list *list = &w->findings[class];
	va_list ap;

	if (list->n++ == 0)
		buf_init(&list->lines, MAX_LINES_BYTES);
	va_start(ap, fmt);
	/* A full buffer is beyond what is shown. */
	if (list->lines.len <= EVIDENCE_MAX_BYTES)
		buf_printf(&list->lines, "%s%s: %s", list->n > 1 ? "\n" : "",
			   str_escaped(w->scratch, name),
			   str_escaped(w->scratch, arena_vprintf(w->scratch, fmt, ap)));
	va_end(ap);
	migrations_end_scratch(w);
}

void migrations_remark(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (w->remarks.len > 0)
		buf_putc(&w->remarks, '\n'); /* a full buffer is beyond what is shown */
	buf_puts(&w->remarks, str_escaped(w->scratch, arena_vprintf(w->scratch, fmt, ap)));
	va_end(ap);
	migrations_end_scratch(w);
}

void migrations_find_duplicates(struct world *w)
{
	map_init(&w->by_key, w->arena);
	map_reserve(&w->by_key, w->n_migrations);
	for (size_t i = 0; i < w->n_migrations; i++) {
		struct migration *m = &w->migrations[i];

		if (map_put(&w->by_key, m->key, m))
			continue;
		struct migration *first = map_get(&w->by_key, m->key);

		first->is_duplicated = true;
		migrations_found(w, FOUND_DUPLICATE, m->name,
				 "%s and %s are both version %s; rename one of them",
				 migrations_shown(w, first->file), migrations_shown(w, m->file),
				 m->key);
		m->is_applied = true; /* it is nothing else besides */
	}
}

/* Of several rows of one key the last counts. */
static void index_rows(struct world *w)
{
	map_init(&w->row_by_key, w->arena);
	map_reserve(&w->row_by_key, w->n_rows);
	for (size_t i = w->n_rows; i-- > 0;)
		(void)map_put(&w->row_by_key, w->rows[i].key, &w->rows[i]);
}

/* ---- content ---- */

void migrations_has_no_checksum(struct world *w, const struct migration *m, enum finding class)
{
	migrations_remark(w, "%s: not compared, the table keeps no checksum of it", m->name);
	w->untold[class] = arena_printf(
		w->arena, "the table keeps no checksum of %s, so nothing tells whether it changed",
		m->name);
}

/* The text with every line ended by "\n", or by "\r\n". */
static void add_with_line_ends(struct buf *out, const char *text, size_t n, bool crlf)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\r' && i + 1 < n && text[i + 1] == '\n')
			continue;
		if (text[i] == '\n' && crlf)
			buf_putc(out, '\r'); /* no more than twice the text */
		buf_putc(out, text[i]);
	}
}

/* "LF" or "CRLF" when the content agrees in these line ends alone; NULL when in none. */
static const char *agreeing_line_ends(const struct framework *f, const struct migration *m,
				      const struct applied *row, const char *text, size_t n)
{
	const char *agreeing = NULL;
	struct buf changed;

	buf_init(&changed, 2 * MIGRATIONS_MAX_FILE_BYTES);
	for (int crlf = 0; !agreeing && crlf <= 1; crlf++) {
		buf_reset(&changed);
		add_with_line_ends(&changed, text, n, crlf);
		if (f->agrees(m, row, changed.data, changed.len))
			agreeing = crlf ? "CRLF" : "LF";
	}
	buf_release(&changed);
	return agreeing;
}

int migrations_compare_content(struct world *w, struct migration *m, const struct applied *row,
			       struct err *e)
{
	const struct framework *f = w->framework;
	const char *ends, *text;
	size_t n;

	if (!f->agrees)
		return 0;
	if (row->remark) {
		migrations_found(w, FOUND_MODIFIED, m->name, "%s %s", migrations_shown(w, m->file),
				 row->remark);
		return 0;
	}
	if (m->is_unhashable) {
		migrations_remark(w, "%s: not compared, its checksum is not that of the file",
				  m->name);
		return 0;
	}
	if (!row->checksum || !*row->checksum) {
		migrations_has_no_checksum(w, m, FOUND_MODIFIED);
		return 0;
	}
	if (migrations_read(w, m->file, &text, &n, e) != 0)
		return -1;
	if (f->agrees(m, row, text, n))
		return 0;
	ends = agreeing_line_ends(f, m, row, text, n);
	if (!ends)
		migrations_found(w, FOUND_MODIFIED, m->name,
				 "%s was changed after it was applied; put it back and write the "
				 "change as a new migration",
				 migrations_shown(w, m->file));
	else if (f->tolerates_line_ends)
		migrations_remark(w, "%s: agrees once its line ends are %s, as %s allows", m->name,
				  ends, f->title);
	else
		migrations_found(w, FOUND_LINE_ENDS, m->name,
				 "%s was applied with %s line ends and has others now, which %s "
				 "takes for a change; fix them in .gitattributes",
				 migrations_shown(w, m->file), ends, f->title);
	return 0;
}

/* ---- rows ---- */

static int compare_row(struct world *w, const struct applied *row, struct err *e)
{
	struct migration *m = map_get(&w->by_key, row->key);

	if (m && row->state != APPLIED_UNKNOWN)
		m->is_applied = true;
	switch (row->state) {
	case APPLIED_DONE:
		if (m)
			return migrations_compare_content(w, m, row, e);
		migrations_found(w, FOUND_MISSING, row->name,
				 "applied, but no file of %s has it; restore the file, or deploy "
				 "from the branch that has it",
				 w->framework->title);
		break;
	case APPLIED_FAILED:
		migrations_found(w, FOUND_FAILED, row->name, "%s; %s",
				 row->remark ? row->remark : "the table says that it failed",
				 w->framework->repair);
		break;
	case APPLIED_ROLLED_BACK:
		if (m)
			migrations_found(w, FOUND_ROLLED_BACK, row->name,
					 "rolled back, and %s would apply it again: %s",
					 migrations_shown(w, m->file), w->framework->apply);
		break;
	case APPLIED_BASELINE:
		break;
	case APPLIED_UNKNOWN:
		migrations_found(
			w, FOUND_UNKNOWN, row->name, "%s; find out who wrote this row of %s",
			row->remark ? row->remark : "no version as the framework writes it",
			w->table);
		break;
	}
	return 0;
}

int migrations_compare_rows(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->n_rows; i++)
		if (map_get(&w->row_by_key, w->rows[i].key) == &w->rows[i] &&
		    compare_row(w, &w->rows[i], e) != 0)
			return -1;
	return 0;
}

/* ---- files ---- */

void migrations_found_unapplied(struct world *w, const struct migration *m, const char *newer)
{
	const struct framework *f = w->framework;

	if (!newer || !(f->knows & KNOWS(FOUND_OUT_OF_ORDER)))
		migrations_found(w, FOUND_PENDING, m->name, "%s is not applied; %s",
				 migrations_shown(w, m->file), f->apply);
	else
		migrations_found(w, FOUND_OUT_OF_ORDER, m->name,
				 "%s is not applied, though the newer %s is; give it a newer "
				 "version, or make sure that %s applies it",
				 migrations_shown(w, m->file), newer, f->title);
}

static const struct applied *newest(const struct world *w, enum applied_state state)
{
	const struct applied *best = NULL;

	for (size_t i = 0; w->framework->order && i < w->n_rows; i++) {
		const struct applied *row = &w->rows[i];

		if (row->state != state || map_get(&w->row_by_key, row->key) != row ||
		    !row->version)
			continue;
		if (!best || w->framework->order(row->version, best->version) > 0)
			best = row;
	}
	return best;
}

void migrations_find_unapplied(struct world *w)
{
	const struct applied *last = newest(w, APPLIED_DONE);
	const struct applied *baseline = newest(w, APPLIED_BASELINE);

	for (size_t i = 0; i < w->n_migrations; i++) {
		const struct migration *m = &w->migrations[i];

		if (m->is_applied || m->is_replaced)
			continue;
		if (baseline && !m->is_repeatable &&
		    w->framework->order(m->version, baseline->version) <= 0)
			continue;
		bool is_older = last && !m->is_repeatable &&
				w->framework->order(m->version, last->version) < 0;

		migrations_found_unapplied(w, m, is_older ? last->name : NULL);
	}
}

int migrations_compare(struct world *w, struct err *e)
{
	index_rows(w);
	if (w->framework->compare)
		return w->framework->compare(w, e);
	if (migrations_compare_rows(w, e) != 0)
		return -1;
	migrations_find_unapplied(w);
	return 0;
}
