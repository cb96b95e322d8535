/*
 * database: what the database kinds share; private to this room.
 *
 * Messages are the point: a check that could not be measured says which table or column is gone and
 * which one was probably meant.
 */
#ifndef ASSIZE_AUDITS_DATABASE_H
#define ASSIZE_AUDITS_DATABASE_H

#include <stdint.h>

#include "runner/io/db.h"

struct arena;
struct buf;
struct err;
struct measurement;
struct probe;
struct target;

/* Longest text taken as a value; a longer one is a document, not a measurement. */
#define DATABASE_MAX_TEXT_BYTES 4096

/* The target's, which is a database. */
enum db_engine database_engine(const struct target *t);
struct db_source database_source(const struct target *t);

/* A session on the probe's target, to be given back with database_release(). */
int database_acquire(struct probe *p, struct db **out, struct err *e);
void database_release(struct probe *p, struct db *db);

/*
 * After a statement failed: when a table or a column of table (NULL = unknown which) does not
 * exist, adds the help "did you mean" or the names there are. Best effort: the error stands as it
 * is otherwise. Always -1.
 */
int database_explain(struct probe *p, struct db *db, const char *table, struct err *e);

/* The one of objects ("schema.table", of db_elsewhere()) that has the table's name; NULL = none. */
const char *database_full_name(enum db_engine engine, const struct db_object *objects, size_t n,
			       const char *table);

/* Is the SQL one expression, certainly: is every quote and parenthesis closed by its own? */
bool database_is_closed(const char *sql);
/*
 * Is SQL that the engine accepted in parentheses one condition, or one expression, also without
 * them? "a) OR (b" is not. source: what stands behind FROM.
 */
bool database_is_condition(struct db *db, const char *source, const char *sql);
bool database_is_expression(struct db *db, const char *source, const char *sql);

/* SQL for one line of a plan: white space runs become one space. */
void database_one_line(struct buf *out, const char *sql);

/*
 * A value as the database gave it. NULL, blobs, text that is not UTF-8 or too long are no
 * measurement, with the reason. Numbers are multiplied by factor (1 keeps integers integers).
 */
struct measurement database_measure(struct arena *a, const struct db_value *v, double factor,
				    const char *unit);

/*
 * Labels from what a column holds: absent is the word a kind has for NULL. A text that is that
 * word, in quotes or not, gets quotes, so that no text is taken for NULL.
 */
const char *database_label(struct arena *a, const char *text, const char *absent);
/* The text that such a label was made of; NULL = it is the absent word. */
const char *database_label_text(struct arena *a, const char *label, const char *absent);

#endif
