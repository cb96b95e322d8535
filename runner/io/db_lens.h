/*
 * db_lens: the catalog of a source as it is seen through one pool.
 *
 * Whoever asks for a catalog, for the names of objects or for one table is given what the lens made
 * of the driver's answer. Nothing is written and no statement is changed: rows of tables are seen
 * as they are (db_shadow.h is for those).
 *
 * For the owner of the pool only, and between statements: nothing of it is locked.
 */
#ifndef ASSIZE_IO_DB_LENS_H
#define ASSIZE_IO_DB_LENS_H

#include "runner/io/db.h"

/*
 * Changes what was read; new text and arrays belong in a. The catalog is sorted before and after.
 * For db_objects() it has names only, for db_describe() the one table: a lens must bear tables that
 * are not there. What it takes away does not exist (DB_ABSENT_TABLE); what it adds to names cannot
 * be described.
 */
typedef void db_lens_fn(void *ctx, struct arena *a, struct db_catalog *c);

/* From now on; fn NULL = none. source: db_source.name. */
void db_pool_lens(struct db_pool *p, const char *source, db_lens_fn *fn, void *ctx);

#endif
