/*
 * db_postgres_catalog: what the files that read the schema share; private to them.
 */
#ifndef ASSIZE_IO_DB_POSTGRES_CATALOG_H
#define ASSIZE_IO_DB_POSTGRES_CATALOG_H

#include "runner/base/map.h"
#include "runner/io/db_postgres.h"

/* A name as it is shown: bare when the search path finds it. */
#define POSTGRES_NAME(oid)                                                                         \
	"(SELECT CASE WHEN pg_catalog.pg_table_is_visible(x.oid) THEN x.relname::text"             \
	" ELSE y.nspname || '.' || x.relname END FROM pg_catalog.pg_class x"                       \
	" JOIN pg_catalog.pg_namespace y ON y.oid = x.relnamespace WHERE x.oid = " oid ")"

/*
 * Is class c to be read? $1 = the array of schemas beside the search path. What an extension owns
 * and what belongs to PostgreSQL itself is not.
 */
#define POSTGRES_SCHEMAS                                                                           \
	"(SELECT n.oid FROM pg_catalog.pg_namespace n WHERE (n.nspname = ANY ($1::name[])"         \
	" OR n.nspname = ANY (pg_catalog.current_schemas(false)))"                                 \
	" AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')"
#define POSTGRES_NOT_OF_EXTENSION(class, oid)                                                      \
	"NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog." class      \
		"'::pg_catalog.regclass AND e.objid = " oid " AND e.deptype = 'e')"
#define POSTGRES_IN_SCOPE                                                                          \
	"c.relnamespace IN " POSTGRES_SCHEMAS " AND " POSTGRES_NOT_OF_EXTENSION("pg_class", "c."   \
											    "oid")
#define POSTGRES_TABLE_IN_SCOPE "c.relkind IN ('r', 'p', 'v', 'm', 'f') AND " POSTGRES_IN_SCOPE

struct postgres_catalog {
	struct postgres_db *session;
	struct arena *arena;
	struct db_catalog *catalog;
	struct map tables;   /* by name: struct db_table */
	const char *schemas; /* an array literal */
};

/* One query over everything in scope; fn gets the catalog as its ctx. */
int postgres_catalog_rows(struct postgres_catalog *c, const char *sql, db_row_fn *fn,
			  struct err *e);
/* The table a row begins with; NULL: made since the tables were listed. */
struct db_table *postgres_catalog_table(const struct postgres_catalog *c, const struct db_row *row);

/* _catalog_keys.c: constraints, indexes, foreign keys, triggers. */
int postgres_catalog_keys(struct postgres_catalog *c, struct err *e);

#endif
