/*
 * shadow ENGINE LOCATION [SCHEMA TABLE BODY]...: asks statements of a database with shadows.
 *
 * One statement a line of standard input, one answer a line: its rows ("1,a;2,b", NULL in capitals,
 * nothing for no rows), "unshadowed: why" or "error: why". Other lines:
 *
 *	.off .on	without the shadows, with them
 *	.hold .free	one snapshot from now on, no longer
 *	.plan SQL	only how many columns it would have
 *
 * ENGINE is sqlite, postgres or mysql.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"
#include "runner/io/db_shadow.h"

#define MAX_SHADOWS 8
#define TIMEOUT_MS  30000

struct program {
	struct clock clock;
	struct db_pool *pool;
	struct db_source source;
	struct db_shadow shadows[MAX_SHADOWS];
	size_t n;
	const char *gap;
};

static int print(void *ctx, const struct db_row *row, struct err *e)
{
	struct program *p = ctx;

	(void)e;
	printf("%s", p->gap);
	p->gap = ";";
	for (size_t i = 0; i < row->n; i++) {
		const struct db_value *v = &row->values[i];

		printf("%s", i > 0 ? "," : "");
		if (v->type == DB_NULL)
			printf("NULL");
		else if (v->type == DB_INT)
			printf("%lld", (long long)v->integer);
		else if (v->type == DB_REAL)
			printf("%g", v->real);
		else
			printf("%.*s", (int)v->len, v->text);
	}
	return 0;
}

static void ask(struct program *p, const char *line)
{
	int64_t deadline_ms = clock_monotonic_ms(&p->clock) + TIMEOUT_MS;
	struct err e = {0};
	struct db *db = NULL;
	size_t n_columns = 0;
	int rc = db_acquire(p->pool, &p->source, deadline_ms, &db, &e);

	p->gap = "";
	if (rc == 0 && str_starts(line, ".plan ")) {
		rc = db_prepare(db, line + strlen(".plan "), &n_columns, &e);
		if (rc == 0)
			printf("%zu", n_columns);
	} else if (rc == 0) {
		rc = db_query(db, line, NULL, 0, deadline_ms, print, p, &e);
	}
	if (db)
		db_release(p->pool, db);
	for (char *c = e.message; (c = strchr(c, '\n')); c++)
		*c = ' ';
	if (rc != 0)
		printf("%s%s: %s", p->gap, db_is_unshadowed(p->pool) ? "unshadowed" : "error",
		       e.message);
	printf("\n");
}

static void obey(struct program *p, const char *line)
{
	if (strcmp(line, ".hold") == 0 || strcmp(line, ".free") == 0) {
		db_pool_hold(p->pool, p->source.name, line[1] == 'h');
		return;
	}
	if (strcmp(line, ".off") == 0 || strcmp(line, ".on") == 0) {
		p->n = line[2] == 'n' ? MAX_SHADOWS : 0;
		return;
	}
	size_t n = 0;

	while (n < p->n && p->shadows[n].table)
		n++;
	db_pool_shadow(p->pool, p->source.name, p->shadows, n);
	ask(p, line);
}

static enum db_engine engine_of(const char *name)
{
	return strcmp(name, "postgres") == 0 ? DB_POSTGRES
	       : strcmp(name, "mysql") == 0  ? DB_MYSQL
	       : strcmp(name, "odbc") == 0   ? DB_ODBC
					     : DB_SQLITE;
}

int main(int argc, char **argv)
{
	struct program p = {.clock = clock_system(), .n = MAX_SHADOWS};
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (argc < 3 || argc % 3 != 0 || argc > 3 + 3 * MAX_SHADOWS)
		return 2;
	db_begin_process();
	p.source = (struct db_source){
		.engine = engine_of(argv[1]),
		.name = "target",
		.location = argv[2],
		.max_connections = 4,
	};
	for (int i = 3; i < argc; i += 3)
		p.shadows[i / 3 - 1] =
			(struct db_shadow){*argv[i] ? argv[i] : NULL, argv[i + 1], argv[i + 2]};
	p.pool = db_pool_new(&p.clock);
	while ((len = getline(&line, &cap, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		obey(&p, line);
		/* What changes the database between two statements waits for the answer. */
		(void)fflush(stdout);
	}
	db_pool_free(p.pool);
	free(line);
	return 0;
}
