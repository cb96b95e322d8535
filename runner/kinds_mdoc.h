/*
 * kinds_mdoc: the part of assize.yaml(5) that is generated from the key rows: every key of every
 * mapping, then every kind with its keys, values, and what it cannot see. The committed page holds
 * it between markers; a test fails when they differ.
 */
#ifndef ASSIZE_RUNNER_KINDS_MDOC_H
#define ASSIZE_RUNNER_KINDS_MDOC_H

#include <stdint.h>

struct buf;
struct key_row;

/* Appends the generated part, in mdoc(7). */
void kinds_mdoc(struct buf *out);

/* "duration, 1 ms to 1 h" or "raw or checkout": what a row takes, in words. */
void key_row_words(struct buf *out, const struct key_row *row);

/* "sqlite target", "http target or none", "no target" for a kind's bits. */
void target_words(struct buf *out, unsigned bits, int is_optional);

#endif
