/*
 * spill: records put aside in numbered parts, in little memory however many there are.
 *
 * Each part keeps its last block in memory; full blocks go to one temporary file, which is made
 * when the first block is full, is readable by this user only and has no name: it is gone with the
 * process. So a few megabytes never touch the disk. Records of a part come back in the order they
 * were added.
 *
 * A spill belongs to one thread at a time. Errors are ERR_MEASURE.
 */
#ifndef ASSIZE_IO_SPILL_H
#define ASSIZE_IO_SPILL_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct spill;

#define SPILL_BLOCK_BYTES 16384

struct spill *spill_new(size_t n_parts);
void spill_free(struct spill *s); /* NULL is allowed */

int spill_add(struct spill *s, size_t part, const void *record, size_t n, struct err *e);

/* Non-zero stops with -1 and the error it set. */
typedef int spill_record_fn(void *ctx, const char *record, size_t n, struct err *e);
int spill_read(struct spill *s, size_t part, spill_record_fn *fn, void *ctx, struct err *e);

/* Bytes that went to the file so far. */
int64_t spill_file_bytes(const struct spill *s);

#endif
