/*
 * schema_snapshot: a database's schema as a JSON file, for `schema: { snapshot: FILE }`.
 *
 * Written by `assize schema capture`, meant to be committed and reviewed: one line a fact, stable
 * order, nothing that changes by itself (no dates, no names of machines, no OIDs). A fact that is
 * as usual is left out; what stands in the file and is not the usual is compared, and so is what
 * the database has and the file does not, so that a hole in a file can hide nothing.
 *
 *   { "assize_schema": 5, "engine": "postgresql",
 *     "tables": [ { "name", "view", "columns": [ { "name", "type", "nullable", "default", "key" }
 * ], "constraints": [ { "type", "name", "columns", "expression" } ], "indexes": [ { "name",
 * "unique", "columns": [..] } ], "foreign_keys": [ { "name", "columns", "table", "targets",
 * "on_update", "on_delete" } ] } ], "sequences": [..], "extensions": [..], "enums": [..] }
 *
 * Version 1 knew SQLite's tables, columns, indexes and foreign keys only; version 2 did not know
 * what only PostgreSQL has: options, rules, statistics, domains and composite types, the counting
 * of identities, NULLS NOT DISTINCT, MATCH FULL, NO INHERIT; version 3 did not know ON CONFLICT
 * (SQLite), collations of indexed expressions, views that are not populated, and triggers and rules
 * enabled always or for replicas (PostgreSQL); version 4 did not know options of views and columns
 * and the order of triggers (MySQL), collations and prefixes of the columns of UNIQUE and PRIMARY
 * KEY, modules of virtual tables (SQLite), policies, collations of types, ranges, further
 * parents, ON DELETE SET NULL of some columns and unlogged sequences (PostgreSQL), and was of a
 * database by its name (MySQL). All are still read, and compared in what they knew.
 *
 * Text is in the arena.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_SNAPSHOT_H
#define ASSIZE_AUDITS_SCHEMA_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "runner/io/db.h"

struct arena;
struct buf;
struct check;
struct err;

/* Largest snapshot that is read. */
#define SCHEMA_SNAPSHOT_MAX_BYTES (64 * 1024 * 1024)

#define SCHEMA_SNAPSHOT_VERSION 5

struct schema_snapshot {
	int64_t version;
	struct db_catalog catalog;
};

/* The catalog of a database for a snapshot: an object that cannot be read is an error. */
int schema_capture(struct db *db, struct arena *a, int64_t deadline_ms, struct db_catalog *out,
		   struct err *e);
void schema_snapshot_write(struct buf *out, const struct db_catalog *c);
int schema_snapshot_read(struct arena *a, const char *path, struct schema_snapshot *out,
			 struct err *e);

/* A catalog with nothing in it that a snapshot of this version could not say: before it is written,
 * and before it is compared with one. */
struct db_catalog schema_snapshot_reduce(struct arena *a, const struct db_catalog *c,
					 int64_t version);

/* What a snapshot of this version does not know of an engine, to be told; NULL = nothing. */
const char *schema_snapshot_lacks(enum db_engine engine, int64_t version);

/* The file a check compares with; NULL = it is no such check. */
const char *schema_snapshot_of(const struct check *c);

/* "sqlite", as a snapshot names it. */
const char *schema_engine_name(enum db_engine engine);

#endif
