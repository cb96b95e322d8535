/*
 * db_sqlite_ddl: what only the text of a CREATE statement says; private to the db_sqlite files.
 *
 * The pragmas know columns, keys and indexes, but not the names of constraints, CHECK, COLLATE,
 * what a generated column is made of, or the condition of a partial index. SQLite keeps the text
 * of each statement that it once accepted, so what is read here is known to be well formed.
 * Source: https://sqlite.org/lang_createtable.html, https://sqlite.org/lang_createindex.html.
 */
#ifndef ASSIZE_IO_DB_SQLITE_DDL_H
#define ASSIZE_IO_DB_SQLITE_DDL_H

#include "runner/io/db.h"

/*
 * A CREATE TABLE: adds constraints, storage, a virtual table's module, and to the columns and
 * foreign keys that the pragmas gave collations, expressions, names and deferrability.
 */
void sqlite_ddl_table(struct arena *a, const char *sql, struct db_table *t);

/* A CREATE INDEX: fills where, options and the text of expressions. */
void sqlite_ddl_index(struct arena *a, const char *sql, struct db_index *x);

/* A CREATE VIEW: its query. */
const char *sqlite_ddl_view(struct arena *a, const char *sql);

#endif
