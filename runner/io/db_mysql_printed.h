/*
 * db_mysql_printed: expressions as MySQL's catalog prints them.
 *
 * MySQL (MariaDB does not) lists the conditions of checks, what columns and indexes are computed
 * from and computed defaults as they would stand in a literal: quotes and backslashes have a
 * backslash before them, and those inside of literals, which were written with backslashes already,
 * have more: _utf8mb4\'it\\\'s\'.
 */
#ifndef ASSIZE_IO_DB_MYSQL_PRINTED_H
#define ASSIZE_IO_DB_MYSQL_PRINTED_H

struct arena;

/* The expression in standard SQL, in the arena: _utf8mb4'it''s'. NULL of NULL. */
const char *mysql_printed(struct arena *a, const char *text);

/* A text as a literal. */
const char *mysql_literal(struct arena *a, const char *text);

#endif
