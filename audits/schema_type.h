/*
 * schema_type: when is the type of a column the one that is expected? Private to this room.
 *
 * One table of words says what each stands for on each engine, so that a definition means the same
 * everywhere:
 *
 *   integer text real blob numeric   every type of that sort: integer takes INT, bigint, int8;
 *                                    with a size or scale, numeric(10,2), exactly that one
 *   smallint int bigint double       one type under whatever name: double is float8,
 *   boolean date timestamp json ...  "double precision" and DOUBLE; boolean is MySQL's tinyint(1)
 *   varchar(20) char(2)              that length; without one, any
 *   anything else                    the declared type itself, case and spacing apart
 *
 * An engine's own spelling is understood too (int4, character varying, datetime). On SQLite, which
 * keeps whatever was written, the five sorts are the affinities of
 * https://sqlite.org/datatype3.html, 3.1. MySQL's display widths (int(11)) say nothing and are
 * ignored; UNSIGNED is part of a type that is named exactly.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_TYPE_H
#define ASSIZE_AUDITS_SCHEMA_TYPE_H

#include <stdbool.h>

#include "runner/io/db.h"

struct arena;

/* Does a declared type satisfy the expected one? */
bool schema_type_matches(struct arena *a, enum db_engine engine, const char *expected,
			 const char *declared);

/* Are two declared types one type to the engine? On SQLite: case and spacing apart. */
bool schema_type_is(struct arena *a, enum db_engine engine, const char *expected,
		    const char *declared);

/* How a change of type affects the values that are there. */
enum schema_narrowing {
	SCHEMA_TYPE_WIDER = 0, /* every value still fits */
	SCHEMA_TYPE_NARROWER,  /* values may be cut or refused */
	SCHEMA_TYPE_OTHER,     /* values are converted, or refused */
};
enum schema_narrowing schema_type_change(struct arena *a, enum db_engine engine, const char *was,
					 const char *is);

#endif
