/*
 * terminal_lines: what the two halves of the terminal report share: colours, and printing a buffer.
 */
#ifndef ASSIZE_REPORTS_TERMINAL_LINES_H
#define ASSIZE_REPORTS_TERMINAL_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "runner/model/outcome.h"

struct buf;
struct terminal;

/* The outcome's word, coloured where it may be, padded to width columns. */
void terminal_put_outcome(struct buf *out, const struct terminal *t, enum outcome o, size_t width);
/* Blanks until the line that began at start is width columns long; always at least one. */
void terminal_pad(struct buf *out, size_t start, size_t width);
/* Erases the live line, prints the buffer, flushes, releases the buffer. */
void terminal_flush(struct terminal *t, struct buf *out);
/* "2026-11-22T21:40:03Z " */
void terminal_put_stamp(struct buf *out, int64_t ms);

#endif
