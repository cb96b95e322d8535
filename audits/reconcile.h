/* reconcile: the spec of kind reconcile, and reading its two sides; private to reconcile*.c. */
#ifndef ASSIZE_AUDITS_RECONCILE_H
#define ASSIZE_AUDITS_RECONCILE_H

#include "audits/reconcile_join.h"
#include "audits/reconcile_value.h"
#include "runner/base/pairs.h"

struct arena;
struct db_source;
struct db_table;
struct err;
struct probe;
struct target;

#define RECONCILE_MAX_COLUMNS 64

struct reconcile_side {
	const char *target_name, *table, *query, *where, *zone;
	struct texts key, values;
	const struct target *target; /* set by check() */
};

struct reconcile_spec {
	struct reconcile_side left, right;
	const char *where;
	struct pairs tolerance;
	int evidence;
	struct reconcile_tolerance *tolerances; /* one a value, set by check() */
};

/* The statement that reads a side; table NULL = not looked at. */
const char *reconcile_sql(struct arena *a, const struct reconcile_spec *spec,
			  const struct reconcile_side *side, const struct db_table *table);

/*
 * Reads both sides at once, each in one statement on a session of its own, into the join. Neither
 * waits for the other while it holds its session: one connection on one target is enough.
 */
int reconcile_read(struct probe *p, const struct reconcile_spec *spec, struct reconcile_join *j,
		   struct err *e);

#endif
