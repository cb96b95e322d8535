/*
 * db_postgres_catalog: what the files that read the schema share; private to them.
 */
#ifndef ASSIZE_IO_DB_POSTGRES_CATALOG_H
#define ASSIZE_IO_DB_POSTGRES_CATALOG_H

#include "runner/base/map.h"
#include "runner/io/db_postgres.h"

/* The name of class c, of namespace n, as it is shown: bare when the search path finds it. */
#define POSTGRES_NAME                                                                              \
	"CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname::text"                     \
	" ELSE n.nspname || '.' || c.relname END"

/* Is namespace n to be read? $1 = the array of schemas beside the search path. */
#define POSTGRES_SCHEMAS                                                                           \
	"(n.nspname = ANY ($1::name[]) OR n.nspname = ANY (pg_catalog.current_schemas(false)))"    \
	" AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
/* What an extension owns is not. */
#define POSTGRES_NOT_OF_EXTENSION(class, oid)                                                      \
	"NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog." class      \
		"'::pg_catalog.regclass AND e.objid = " oid " AND e.deptype = 'e')"
#define POSTGRES_CLASSES(kinds)                                                                    \
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"     \
	" WHERE c.relkind IN (" kinds ") AND " POSTGRES_SCHEMAS                                    \
	" AND " POSTGRES_NOT_OF_EXTENSION("pg_class", "c.oid")

/* What a table of the catalog is known by until all of them are there. */
struct postgres_class {
	const char *oid, *parent, *bounds;
};

struct postgres_catalog {
	struct postgres_db *session;
	struct arena *arena;
	struct db_catalog *catalog;
	struct map tables;		/* by oid: struct db_table */
	const char *oids;		/* of the tables, an array literal */
	struct postgres_class *classes; /* of each table */
	struct map sequences;		/* by oid: its name */
};

/*
 * One query over the tables, whose oids are $1: the planner has then no schemas and no dependencies
 * to think of, which is most of what a query of a catalog costs. fn gets the catalog as its ctx.
 */
int postgres_catalog_rows(struct postgres_catalog *c, const char *sql, db_row_fn *fn,
			  struct err *e);
/* The table a row begins with, by its oid. */
struct db_table *postgres_catalog_table(const struct postgres_catalog *c, const struct db_row *row);
/* A class that is referred to, by oid; printed is what regclass makes of one that is not read. */
const char *postgres_catalog_name(const struct postgres_catalog *c, const struct db_value *oid,
				  const struct db_value *printed);

/* _catalog_keys.c: constraints, indexes, foreign keys, triggers; those of enum db_facts. */
int postgres_catalog_keys(struct postgres_catalog *c, unsigned facts, struct err *e);
/* _catalog_traits.c: what DB_FACTS_TRAITS says. */
int postgres_catalog_traits(struct postgres_catalog *c, struct err *e);

#endif
