/*
 * db_shadow: other tables in place of some, as the statements of one pool see them.
 *
 * A shadow is a common table expression of the table's name, put before every statement that names
 * the table: WITH orders AS (body) SELECT ... FROM orders. The session stays read-only, nothing is
 * written, whoever may read the table may shadow it, and the guards of the engine's driver judge
 * the statement as it is sent. Names of the table with its schema become those of the shadow; the
 * body names the table with it, so that it finds the table itself. What the statement itself calls
 * like the table keeps its meaning. A shadow has the columns that its body gives and nothing else.
 *
 * What cannot be seen through a shadow is an error that db_is_unshadowed() knows: rowid and ctid,
 * INDEXED BY, TABLESAMPLE, partitions, ONLY, locks, columns that only the primary key of the table
 * decides (GROUP BY), a statement that is no query (PRAGMA, EXPLAIN), one that also finds the table
 * by a text ('orders'::regclass, pragma_table_info('orders')), any on a database behind ODBC. So is
 * every other failure that a shadow of the undamaged table brings about as well. None is answered
 * as if there were no shadow.
 *
 * Not seen is what reaches the table by another name: a view, a function, a synonym, the catalog
 * (its rows stay what they are: WHERE relname = 'orders'). A statement that names none of the
 * tables is asked as it is.
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
 * Nobody who writes has to wait for that. A snapshot that is lost, with its session or because
 * somebody wrote to an SQLite database that is not in WAL mode, fails all that is asked from then
 * on, as what is unshadowed does.
 */
void db_pool_hold(struct db_pool *p, const char *source, bool is_held);

/*
 * Has a call on any session failed because a shadow could not be put, or the snapshot was lost,
 * since shadows were last set? What was measured then says nothing of the damage.
 */
bool db_is_unshadowed(const struct db_pool *p);

#endif
