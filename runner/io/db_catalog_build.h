/*
 * db_catalog_build: what drivers fill a catalog with; private to the db files of this room.
 *
 * A driver lists the tables first, then asks for all columns, all constraints and so on, and finds
 * the table of a row by its name (runner/base/map.h). Rows need not come in order, but for the
 * columns of a table and of a key: db_catalog() sorts what it gets.
 */
#ifndef ASSIZE_IO_DB_CATALOG_BUILD_H
#define ASSIZE_IO_DB_CATALOG_BUILD_H

#include "runner/io/db.h"

/*
 * Room for one more zeroed item behind the n there are; what it leaves behind in the arena is at
 * most as large as itself. Items may move:
 *
 *	t->columns = db_array_grow(a, t->columns, t->n_columns, sizeof(*t->columns));
 *	struct db_column *c = &t->columns[t->n_columns++];
 */
void *db_array_grow(struct arena *a, void *items, size_t n, size_t size);

/* The value as text in the arena, integers in digits; NULL for NULL. */
const char *db_value_text(struct arena *a, const struct db_value *v);

/* Brings everything but columns, values of enums and the columns of keys into the stable order. */
void db_catalog_sort(struct db_catalog *c);

#endif
