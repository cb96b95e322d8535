/*
 * schema_snapshot: a database's schema as a JSON file, for `schema: { snapshot: FILE }`.
 *
 * Written by `assize schema capture`, meant to be committed and reviewed: one line a fact, stable
 * order, nothing that changes by itself (no dates, no names of machines).
 *
 *   { "assize_schema": 1, "engine": "sqlite", "tables": [ { "name": .., "view": false,
 *     "columns": [ { "name", "type", "nullable", "generated", "default", "key" } ],
 *     "indexes": [ { "name", "unique", "partial", "automatic", "columns": [..] } ],
 *     "foreign_keys": [ { "columns": [..], "table", "targets": [..], "on_update", "on_delete" } ] }
 * ] }
 *
 * Text is in the arena.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_SNAPSHOT_H
#define ASSIZE_AUDITS_SCHEMA_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct db;
struct db_table;
struct err;

/* Largest snapshot that is read. */
#define SCHEMA_SNAPSHOT_MAX_BYTES (16 * 1024 * 1024)

/* Reads every table and view of a database. */
int schema_capture(struct db *db, struct arena *a, int64_t deadline_ms, struct db_table **out,
		   size_t *n, struct err *e);
void schema_snapshot_write(struct buf *out, const struct db_table *tables, size_t n);
int schema_snapshot_read(struct arena *a, const char *path, struct db_table **out, size_t *n,
			 struct err *e);

#endif
