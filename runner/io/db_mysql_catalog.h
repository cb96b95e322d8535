/*
 * db_mysql_catalog: reading information_schema; private to the db_mysql files.
 *
 * db_mysql_catalog.c reads what objects there are, db_mysql_facts.c what they are made of.
 */
#ifndef ASSIZE_IO_DB_MYSQL_CATALOG_H
#define ASSIZE_IO_DB_MYSQL_CATALOG_H

#include "runner/base/map.h"
#include "runner/base/pairs.h"
#include "runner/io/db_mysql.h"

struct mysql_read {
	struct db *db;
	struct arena *arena;
	int64_t deadline_ms;
	struct db_catalog *catalog;
	struct map tables;   /* by name: struct db_table */
	struct db_table *of; /* the table of the rows so far */
	const char *key;     /* name of the index or key of the rows so far */
	const char **params; /* schemas, the current one first; then the table, if it is one */
	size_t n_schemas, n_params;
};

static inline struct mysql_db *of_session(const struct mysql_read *r)
{
	return (struct mysql_db *)r->db;
}

/* SELECT name of the table, columns FROM information_schema.from WHERE the scope, then rest. */
struct mysql_question {
	const char *schema, *table; /* expressions */
	const char *columns, *from, *rest;
	db_row_fn *add;
};

int mysql_ask(struct mysql_read *r, const struct mysql_question *q, struct err *e);

/* In the arena; NULL for NULL and for "". */
const char *mysql_text(struct mysql_read *r, const struct db_value *v);
/* Joined by ", "; NULL when there are none. */
const char *mysql_join(struct mysql_read *r, const struct texts *texts);
/* The table a row is about, by its first value; NULL = made since the names were read. */
struct db_table *mysql_table(struct mysql_read *r, const struct db_row *row);

/* Of the tables known: columns, and indexes because the primary key is one; then the rest. */
int mysql_read_columns(struct mysql_read *r, struct err *e);
int mysql_read_facts(struct mysql_read *r, struct err *e);

/* _sight.c: what the role is not shown of all this. */
int mysql_read_sight(struct mysql_read *r, struct err *e);

#endif
