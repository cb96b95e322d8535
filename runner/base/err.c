/*
 * Texts are cut to their place inside the error, at a character, with an ellipsis, so that an error
 * never fails. Rendering shows at most a window of the source line: a line may be a megabyte long.
 */
#include "runner/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/utf8.h"

static void format_cut(char *out, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void format_cut(char *out, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, size, fmt, ap);
	size_t end;

	if (n >= 0 && (size_t)n < size)
		return;
	end = utf8_fit(out, size - 1, size - sizeof(ERR_ELLIPSIS));
	memcpy(out + end, ERR_ELLIPSIS, sizeof(ERR_ELLIPSIS));
}

static void set(struct err *e, enum err_class class, struct pos pos, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void set(struct err *e, enum err_class class, struct pos pos, const char *fmt, va_list ap)
{
	char message[sizeof(e->message)];

	assert(class != ERR_NONE);
	if (e == NULL)
		return;
	/* By way of a copy: the arguments may point into the error itself. */
	format_cut(message, sizeof(message), fmt, ap);
	e->class = class;
	e->pos = pos;
	memcpy(e->message, message, strlen(message) + 1);
	e->help[0] = '\0';
}

int err_set(struct err *e, enum err_class class, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, class, (struct pos){.file = NULL}, fmt, ap);
	va_end(ap);
	return -1;
}

int err_at(struct err *e, enum err_class class, struct pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, class, pos, fmt, ap);
	va_end(ap);
	return -1;
}

static void join(char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void join(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_cut(out, size, fmt, ap);
	va_end(ap);
}

int err_context(struct err *e, const char *fmt, ...)
{
	char what[sizeof(e->message)], message[sizeof(e->message)];
	va_list ap;

	if (e == NULL)
		return -1;
	assert(e->class != ERR_NONE);
	va_start(ap, fmt);
	format_cut(what, sizeof(what), fmt, ap);
	va_end(ap);
	join(message, sizeof(message), "%s: %s", what, e->message);
	memcpy(e->message, message, strlen(message) + 1);
	return -1;
}

int err_help(struct err *e, const char *fmt, ...)
{
	char help[sizeof(e->help)];
	va_list ap;

	if (e == NULL || e->help[0] != '\0')
		return -1;
	va_start(ap, fmt);
	format_cut(help, sizeof(help), fmt, ap);
	va_end(ap);
	memcpy(e->help, help, strlen(help) + 1);
	return -1;
}

int err_exit_status(enum err_class class)
{
	switch (class) {
	case ERR_NONE:
		return 0;
	case ERR_MEASURE:
		return 2;
	case ERR_USAGE:
	case ERR_DEFINITION:
		return 3;
	case ERR_RECORD:
		return 4;
	case ERR_INTERNAL:
		return 70;
	}
	return 70;
}

void diags_init(struct diags *d, struct arena *a)
{
	*d = (struct diags){.arena = a};
}

bool diags_is_full(const struct diags *d)
{
	return d->n == DIAGS_MAX;
}

void diags_add(struct diags *d, const struct err *e)
{
	d->n_total++;
	if (diags_is_full(d))
		return;
	if (d->n == d->cap) {
		size_t cap = d->cap != 0 ? d->cap * 2 : 4;
		struct err *items = arena_array(d->arena, cap, sizeof(*items));

		if (d->n != 0)
			memcpy(items, d->items, d->n * sizeof(*items));
		d->items = items;
		d->cap = cap;
	}
	d->items[d->n++] = *e;
}

int diags_at(struct diags *d, struct pos pos, const char *help, const char *fmt, ...)
{
	struct err e = {.class = ERR_NONE};
	va_list ap;

	if (diags_is_full(d)) { /* only counted: do not spend time on words nobody reads */
		d->n_total++;
		return -1;
	}
	va_start(ap, fmt);
	set(&e, ERR_DEFINITION, pos, fmt, ap);
	va_end(ap);
	if (help != NULL && help[0] != '\0')
		(void)err_help(&e, "%s", help); /* always -1 */
	diags_add(d, &e);
	return -1;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* By position; those at the same place stay in the order found, which is that of their addresses.
 */
static int compare_errs(const void *pa, const void *pb)
{
	const struct err *a = *(const struct err *const *)pa;
	const struct err *b = *(const struct err *const *)pb;
	int c = strcmp(a->pos.file != NULL ? a->pos.file : "",
		       b->pos.file != NULL ? b->pos.file : "");

	if (c == 0)
		c = compare_numbers(a->pos.line, b->pos.line);
	if (c == 0)
		c = compare_numbers(a->pos.col, b->pos.col);
	return c != 0 ? c : (a > b) - (a < b);
}

void diags_sort(struct diags *d)
{
	const struct err **order = arena_array(d->arena, d->n, sizeof(*order));
	struct err *sorted = arena_array(d->arena, d->n, sizeof(*sorted));

	if (d->n == 0)
		return;
	for (size_t i = 0; i < d->n; i++)
		order[i] = &d->items[i];
	qsort(order, d->n, sizeof(*order), compare_errs);
	for (size_t i = 0; i < d->n; i++)
		sorted[i] = *order[i];
	d->items = sorted;
	d->cap = d->n;
}
