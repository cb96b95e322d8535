/*
 * query_plan: the spec of kind plan, and a plan as the three engines tell it; private to
 * query_plan*.c.
 */
#ifndef ASSIZE_AUDITS_QUERY_PLAN_H
#define ASSIZE_AUDITS_QUERY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/pairs.h"
#include "runner/io/db.h"

struct arena;
struct err;
struct probe;

#define QUERY_PLAN_MAX_NODES 1000

struct query_plan_statements {
	int64_t min_calls;
};

struct query_plan_spec {
	const char *query;
	struct texts forbid;
	struct query_plan_statements statements;
	bool has_statements; /* set by check() */
};

/* One step of a plan. */
struct query_plan_node {
	const char *operation; /* "Seq Scan", "ALL", "SCAN o" */
	const char *table;     /* NULL = none */
	bool is_full_scan;     /* reads the whole table, or a whole index of it */
	double table_rows;     /* of a full scan: how many rows that is; -1 = not known */
	const char *unknown;   /* why not */
	const char *sized;     /* PostgreSQL: quoted, the table or index whose rows those are */
	const char *schema;    /* PostgreSQL: of the table, of which a bitmap says neither */
	const char *heap;      /* PostgreSQL: the table that rows or a bitmap's are of */
	bool is_limited;       /* PostgreSQL: it may end before it has read all */
	bool is_limiting;      /* and so may what is below it */
	size_t depth;
};

struct query_plan {
	struct arena *arena;
	struct query_plan_node *nodes;
	size_t n;
	double cost, rows; /* -1 = the engine does not say */
};

/* The statement that asks for the plan; it is never run. */
const char *query_plan_sql(struct arena *a, enum db_engine engine, const char *query);

int query_plan_read(struct probe *p, struct db *db, const char *query, struct query_plan *out,
		    struct err *e);

/* query_plan_statements.c: emits mean_time and calls from pg_stat_statements. */
int query_plan_statements(struct probe *p, struct db *db, const struct query_plan_spec *s,
			  struct err *e);
const char *query_plan_statements_sql(struct arena *a, const struct query_plan_spec *s,
				      const char *order);

/*
 * Is there a step that begins with this word, or is it one with more behind it? close is the known
 * one nearest to it, NULL = none. What is asked through ODBC is not known.
 */
bool query_plan_has_word(struct arena *a, enum db_engine engine, const char *word,
			 const char **close);

#endif
