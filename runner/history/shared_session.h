/* shared_session: what needs SQLite's session extension, but for the watch. Private to shared. */
#ifndef ASSIZE_HISTORY_SHARED_SESSION_H
#define ASSIZE_HISTORY_SHARED_SESSION_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct record;

int shared_session_is_here(const struct record *r, struct err *e);
/*
 * Within a transaction. 1: these are no changes of this copy, and it has none of them. Without
 * caches: those follow from the rest (shared_rows.h).
 */
int shared_apply(struct record *r, const void *bytes, size_t n, bool has_caches, struct err *e);

#endif
