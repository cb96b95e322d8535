/*
 * buf: a growing byte buffer that demands a ceiling.
 *
 * Every buffer fed from outside is created with the most bytes it may ever hold. Appending past the
 * ceiling returns -1, leaves the content as it was and sets is_full, so that a caller may append
 * without checking each step and look once at the end. data is always NUL terminated (the NUL is
 * not counted in len), also when the buffer is empty.
 *
 * The caller owns the struct; buf_release() frees its memory; buf_take() moves ownership of the
 * bytes to the caller (free with free()).
 */
#ifndef ASSIZE_BASE_BUF_H
#define ASSIZE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t ceiling_bytes;
	bool is_full;
};

#define BUF_UNBOUNDED ((size_t)-1) /* only for what we produce ourselves, e.g. a report */

void buf_init(struct buf *b, size_t ceiling_bytes);
void buf_release(struct buf *b);
void buf_reset(struct buf *b); /* empty again, memory kept */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* n bytes behind what is there, for the caller to write into; buf_wrote() makes them part of it. */
char *buf_room(struct buf *b, size_t n); /* NULL = refused, as appending so many would be */
void buf_wrote(struct buf *b, size_t n); /* of those n, or fewer */
char *buf_take(struct buf *b);

#endif
