/*
 * schema_expression: do two SQL expressions say the same? Private to this room.
 *
 * Engines print a condition in their own way: PostgreSQL "((price > (0)::numeric) AND (state =
 * ANY (ARRAY['a'::text, 'b'::text])))", MariaDB "`price` > 0 and `state` in ('a','b')". The
 * canonical form of both is one text: words in lower case, names without quotes, parentheses
 * exactly around each operation, casts of literals left out, IN, <> and LIKE written one way.
 *
 * Text that is no expression of this grammar is compared with its white space made one space. Two
 * expressions that are equivalent but written differently (a > b, b < a) are different.
 */
#ifndef ASSIZE_AUDITS_SCHEMA_EXPRESSION_H
#define ASSIZE_AUDITS_SCHEMA_EXPRESSION_H

#include <stdbool.h>

struct arena;

const char *schema_expression(struct arena *a, const char *sql);
/* NULL equals only NULL. */
bool schema_expression_is(struct arena *a, const char *one, const char *other);

#endif
