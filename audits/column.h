/*
 * column: a column of a table as SQL, where its type is shown in another form than it has;
 * private to this room.
 *
 * MySQL sends a BIT as bytes and six digits of a FLOAT; the text of PostgreSQL's inet has a /32
 * that it is shown without. A table that is NULL, or has no such column, leaves it as written.
 * Reals of single precision are compared by the digits that people write of them.
 */
#ifndef ASSIZE_AUDITS_COLUMN_H
#define ASSIZE_AUDITS_COLUMN_H

#include <stdbool.h>

#include "runner/io/db.h"

struct buf;
struct probe;

/* The table, described in the arena, of an engine that has such types; NULL: it has none, or the
 * table cannot be described, which fails again where it is told. */
const struct db_table *column_look(struct probe *p, struct db *db, const char *table);

/* What is compared with numbers, or as the engine compares it. */
void column_put_compared(enum db_engine engine, const struct db_table *table, const char *name,
			 struct buf *out);
/* What has the text that people know the values by; equal texts are equal values. */
void column_put_shown(enum db_engine engine, const struct db_table *table, const char *name,
		      struct buf *out);

/* MySQL's, by how the type begins. */
bool column_is_bit(const struct db_column *c);
bool column_is_float(const struct db_column *c);

/* Is it a real of single precision, known by the fewest digits that give it back? */
bool column_is_single(enum db_engine engine, const struct db_table *table, const char *name);
/* Of a single: those digits, as a double. */
double column_shortest(double x);
/*
 * A single's digits are below, or above, a bound when what it is exactly is below, or above, this
 * one: 0.1 is not above 0.1, though the single is.
 */
double column_single_below(double bound);
double column_single_above(double bound);

/* The type; of a domain the one it is of at last. */
const char *column_base(const struct db_column *c);

#endif
