/*
 * Tables are read by people and by awk alike: two spaces between columns, no rules, no trailing
 * blanks. Cells are made safe when they are added, so that printing measures what it prints.
 */
#include "reports/terminal.h"

#include <stdarg.h>
#include <stdint.h>

#include "reports/text.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"

#define HIDDEN SIZE_MAX /* width of a column that is left out */

static const char *safe_cell(struct arena *a, const char *s)
{
	struct buf b;
	const char *cell;

	buf_init(&b, BUF_UNBOUNDED);
	text_put(&b, s);
	cell = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return cell;
}

void table_init(struct table *t, struct arena *a, const char *const *headers, size_t n_columns,
		const char *right)
{
	*t = (struct table){.arena = a, .n_columns = n_columns, .headers = headers, .right = right};
}

void table_row(struct table *t, ...)
{
	const char **row = arena_array(t->arena, t->n_columns, sizeof(*row));
	va_list cells;

	va_start(cells, t);
	for (size_t i = 0; i < t->n_columns; i++)
		row[i] = safe_cell(t->arena, va_arg(cells, const char *));
	va_end(cells);
	if (t->n_rows == t->cap_rows) {
		size_t cap = t->cap_rows > 0 ? 2 * t->cap_rows : 16;
		const char ***rows = arena_array(t->arena, cap, sizeof(*rows));

		for (size_t i = 0; i < t->n_rows; i++)
			rows[i] = t->rows[i];
		t->rows = rows;
		t->cap_rows = cap;
	}
	t->rows[t->n_rows++] = row;
}

static void print_blanks(FILE *out, size_t n)
{
	(void)fprintf(out, "%*s", (int)n, ""); /* the caller checks the stream when it flushes */
}

static void print_row(const struct table *t, const char *const *row, const size_t *widths,
		      FILE *out)
{
	size_t owed = 0; /* blanks printed only once something follows them */

	for (size_t i = 0; i < t->n_columns; i++) {
		if (widths[i] == HIDDEN)
			continue;

		size_t width = str_width(row[i]);
		size_t padding = widths[i] - width;

		if (row[i][0] == '\0') {
			owed += widths[i];
		} else if (t->right[i] == 'r') {
			print_blanks(out, owed + padding);
			owed = 0;
		} else {
			print_blanks(out, owed);
			owed = padding;
		}
		(void)fputs(row[i], out);
		owed += 2;
	}
	(void)fputc('\n', out);
}

void table_print(const struct table *t, FILE *out)
{
	size_t *widths = arena_array(t->arena, t->n_columns, sizeof(*widths));

	for (size_t i = 0; i < t->n_columns; i++) {
		bool is_empty = t->n_rows > 0;

		widths[i] = t->headers != NULL ? str_width(t->headers[i]) : 0;
		for (size_t k = 0; k < t->n_rows; k++) {
			size_t width = str_width(t->rows[k][i]);

			widths[i] = width > widths[i] ? width : widths[i];
			is_empty = is_empty && width == 0;
		}
		if (t->hides_empty && is_empty)
			widths[i] = HIDDEN;
	}
	if (t->headers != NULL)
		print_row(t, t->headers, widths, out);
	for (size_t k = 0; k < t->n_rows; k++)
		print_row(t, t->rows[k], widths, out);
}
