/*
 * Once an append was refused, all later ones are, until buf_reset(): what the buffer holds is then
 * a true beginning of what was meant, never a text with a hole. An empty buffer owns no memory (cap
 * is 0 and data points to a constant), so that creating one is free.
 */
#include "runner/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"

#define FIRST_CAPACITY 128

void buf_init(struct buf *b, size_t ceiling_bytes)
{
	*b = (struct buf){.data = "", .ceiling_bytes = ceiling_bytes};
}

void buf_release(struct buf *b)
{
	if (b->cap != 0)
		free(b->data);
	buf_init(b, b->ceiling_bytes);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->is_full = false;
	if (b->cap != 0)
		b->data[0] = '\0';
}

/* Room for n more bytes and the NUL, or is_full. */
static int reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->is_full || n > b->ceiling_bytes - b->len || n >= BUF_UNBOUNDED - b->len) {
		b->is_full = true;
		return -1;
	}
	need = b->len + n + 1;
	if (need <= b->cap)
		return 0;
	cap = b->cap != 0 ? b->cap : FIRST_CAPACITY;
	while (cap < need)
		cap = cap > BUF_UNBOUNDED / 2 ? need : cap * 2;
	b->data = xrealloc(b->cap != 0 ? b->data : NULL, cap);
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	if (reserve(b, n) < 0)
		return -1;
	if (n != 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

char *buf_room(struct buf *b, size_t n)
{
	return reserve(b, n) < 0 ? NULL : b->data + b->len;
}

void buf_wrote(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return rc;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int n, rc;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0) {
		b->is_full = true; /* longer than INT_MAX */
		rc = -1;
	} else if ((size_t)n < sizeof(small)) {
		rc = buf_add(b, small, (size_t)n);
	} else {
		rc = reserve(b, (size_t)n);
		if (rc == 0) {
			/* Just as long as before. */
			(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
			b->len += (size_t)n;
		}
	}
	va_end(again);
	return rc;
}

char *buf_take(struct buf *b)
{
	char *data = b->cap != 0 ? b->data : xstrdup("");

	buf_init(b, b->ceiling_bytes);
	return data;
}
