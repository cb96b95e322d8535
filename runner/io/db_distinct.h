/*
 * db_distinct: a few distinct values, exactly; when they become many, that they are.
 *
 * Two values are one when SQLite's comparison by bytes says so: an integer and a real of the same
 * value are, a text and a blob of the same bytes are not. Most columns that somebody counts the
 * values of hold few of them, and then no row has to be sorted. What is full stays full.
 */
#ifndef ASSIZE_IO_DB_DISTINCT_H
#define ASSIZE_IO_DB_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct db_distinct;

/* The caller frees it; it takes some 80 KB at most. */
struct db_distinct *db_distinct_new(void);
void db_distinct_free(struct db_distinct *d);

void db_distinct_add_integer(struct db_distinct *d, int64_t x);
void db_distinct_add_real(struct db_distinct *d, double x);
/* Borrows the bytes for the call. */
void db_distinct_add_bytes(struct db_distinct *d, bool is_text, const void *bytes, size_t len);

bool db_distinct_is_full(const struct db_distinct *d);
/* How many there are; nothing, once it is full. */
size_t db_distinct_count(const struct db_distinct *d);

/* The values as bytes, to be merged by another process's or thread's. */
void db_distinct_write(const struct db_distinct *d, struct buf *out);
/* false: these are not such bytes. */
bool db_distinct_merge(struct db_distinct *to, const void *bytes, size_t len);

#endif
