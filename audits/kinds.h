/*
 * kinds: the table of every check kind assize knows.
 *
 * One row a kind, in the order `assize kinds` shows them. Owns nothing; the rows are static.
 */
#ifndef ASSIZE_AUDITS_KINDS_H
#define ASSIZE_AUDITS_KINDS_H

#include <stddef.h>

struct audit_kind;

const struct audit_kind *const *audit_kinds(size_t *n);
const struct audit_kind *audit_kind_find(const char *name); /* NULL: no such kind */

#endif
