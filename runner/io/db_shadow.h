/*
 * db_shadow: other tables in place of some, as the statements of one pool see them.
 *
 * A shadow is a common table expression of the table's name, put around every statement that names
 * the table: WITH orders AS (body) SELECT * FROM (statement) q. The session stays read-only,
 * nothing is written, and whoever may read the table may shadow it. Names of the table in the
 * statement lose their schema, so that the shadow is what they find; the body names the table with
 * it, so that it finds the table itself.
 *
 * What cannot be seen through a shadow is an error that db_is_unshadowed() knows: rowid and ctid,
 * INDEXED BY, TABLESAMPLE, partitions, a statement that is no query (PRAGMA, EXPLAIN), one that
 * names the table in another way too (a view or function over it, a quoted text). It is never
 * answered as if there were no shadow.
 *
 * For the owner of the pool only, and between statements: nothing of it is locked.
 */
#ifndef ASSIZE_IO_DB_SHADOW_H
#define ASSIZE_IO_DB_SHADOW_H

#include <stdbool.h>
#include <stddef.h>

struct db;
struct db_pool;
struct err;

struct db_shadow {
	const char *schema, *table; /* as the catalog has them; schema NULL = the engine has none */
	const char *body;	    /* a query, which names tables with their schema */
};

/* From now on; n 0 = none. What is given is borrowed until the next call. source: db_source.name.
 */
void db_pool_shadow(struct db_pool *p, const char *source, const struct db_shadow *shadows,
		    size_t n);

/* Is told every statement that the pool's sessions are asked, before shadows; fn NULL = nobody. */
typedef void db_listener_fn(void *ctx, const char *source, const char *sql);
void db_pool_listen(struct db_pool *p, db_listener_fn *fn, void *ctx);

/*
 * All statements of a source see one state of its database from the next one on, until is_held is
 * false: the pool then keeps to one session of it, whose snapshot db_begin_read() leaves alone.
 */
void db_pool_hold(struct db_pool *p, const char *source, bool is_held);

/*
 * Has a call on any session failed because a shadow could not be put, or the snapshot was lost,
 * since shadows were last set? What was measured then says nothing of the damage.
 */
bool db_is_unshadowed(const struct db_pool *p);

#endif
