/*
 * table: a table of 51 columns for benchmarks, the same for the same number of rows on every
 *engine.
 *
 *	table sqlite ROWS FILE	 writes a database with the table "big"
 *	table ddl ENGINE	 prints CREATE TABLE for sqlite, postgres or mysql
 *	table rows ROWS		 prints the rows, tab separated, \N for NULL: for COPY and LOAD DATA
 *	table columns		 prints name and sort of every column
 *
 * id counts from 1. Ten small and five large integers, ten reals, five decimals, five categories,
 * five codes, five times, five flags; three in a hundred of most of them are NULL. Values come from
 * a counter and not from a state, so that row n is row n in a table of any size.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#define SEED	  UINT64_C(0x9e3779b97f4a7c15)
#define N_COLUMNS 51
#define FIELD_MAX 40
/* 2026-01-01T00:00:00Z */
#define EPOCH INT64_C(1767225600)

enum sort { ID, SMALL, LARGE, REAL, DECIMAL, CATEGORY, CODE, TIME, FLAG, N_SORTS };

static const struct {
	const char *letter, *name;
	int n;
	const char *types[3]; /* sqlite, postgres, mysql */
} sorts[N_SORTS] = {
	[ID] = {"id", "id", 1, {"INTEGER PRIMARY KEY", "bigint PRIMARY KEY", "BIGINT PRIMARY KEY"}},
	[SMALL] = {"i", "small", 10, {"INTEGER", "integer", "INT"}},
	[LARGE] = {"b", "large", 5, {"INTEGER", "bigint", "BIGINT"}},
	[REAL] = {"r", "real", 10, {"REAL", "double precision", "DOUBLE"}},
	[DECIMAL] = {"d", "decimal", 5, {"NUMERIC", "numeric(12,2)", "DECIMAL(12,2)"}},
	[CATEGORY] = {"c", "category", 5, {"TEXT", "text", "VARCHAR(20)"}},
	[CODE] = {"e", "code", 5, {"TEXT", "text", "VARCHAR(20)"}},
	[TIME] = {"t", "time", 5, {"TEXT", "timestamp", "DATETIME"}},
	[FLAG] = {"f", "flag", 5, {"INTEGER", "smallint", "TINYINT"}},
};

/* splitmix64 of row and column. */
static uint64_t draw(uint64_t row, uint64_t column)
{
	uint64_t z = SEED * (row * N_COLUMNS + column + 1);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void put_time(uint64_t z, char *out)
{
	time_t at = (time_t)(EPOCH + (int64_t)(z % (300 * 86400)));
	struct tm tm;

	(void)gmtime_r(&at, &tm);
	(void)strftime(out, FIELD_MAX, "%Y-%m-%d %H:%M:%S", &tm);
}

/* false: NULL */
static bool put_field(enum sort sort, uint64_t row, uint64_t column, char *out)
{
	static const char *const states[] = {"new",	"paid",	  "packed",  "sent", "returned",
					     "refused", "closed", "waiting", "lost", "other"};
	uint64_t z = draw(row, column);

	if (sort != ID && sort != FLAG && z % 100 < 3)
		return false;
	z = draw(row, column + 1000);
	switch (sort) {
	case ID:
		(void)snprintf(out, FIELD_MAX, "%" PRIu64, row + 1);
		break;
	case SMALL:
		(void)snprintf(out, FIELD_MAX, "%" PRIu64, z % 1000);
		break;
	case LARGE:
		(void)snprintf(out, FIELD_MAX, "%" PRIu64, z % UINT64_C(1000000000000));
		break;
	case REAL:
		(void)snprintf(out, FIELD_MAX, "%.17g", (double)(z >> 11) * 0x1p-53 * 2000 - 500);
		break;
	case DECIMAL:
		(void)snprintf(out, FIELD_MAX, "%" PRIu64 ".%02" PRIu64, z % 100000,
			       z / 100000 % 100);
		break;
	case CATEGORY:
		(void)snprintf(out, FIELD_MAX, "%s", states[z % 10]);
		break;
	case CODE:
		(void)snprintf(out, FIELD_MAX, "C%06" PRIu64, z % 100000);
		break;
	case TIME:
		put_time(z, out);
		break;
	case FLAG:
		(void)snprintf(out, FIELD_MAX, "%" PRIu64, z % 2);
		break;
	case N_SORTS:
		break;
	}
	return true;
}

static enum sort sort_of(int column, char *name)
{
	for (int s = ID; s < N_SORTS; s++) {
		if (column < sorts[s].n) {
			if (s == ID)
				(void)strcpy(name, "id");
			else
				(void)snprintf(name, FIELD_MAX, "%s%d", sorts[s].letter,
					       column + 1);
			return (enum sort)s;
		}
		column -= sorts[s].n;
	}
	abort();
}

static void put_ddl(FILE *out, int engine)
{
	char name[FIELD_MAX];

	(void)fputs("CREATE TABLE big (", out);
	for (int c = 0; c < N_COLUMNS; c++) {
		enum sort sort = sort_of(c, name);

		(void)fprintf(out, "%s%s %s", c > 0 ? ", " : "", name, sorts[sort].types[engine]);
	}
	(void)fputs(")", out);
}

static int print_rows(uint64_t n)
{
	char name[FIELD_MAX], field[FIELD_MAX];

	for (uint64_t row = 0; row < n; row++)
		for (int c = 0; c < N_COLUMNS; c++) {
			bool has = put_field(sort_of(c, name), row, (uint64_t)c, field);

			(void)fputs(has ? field : "\\N", stdout);
			(void)putchar(c + 1 < N_COLUMNS ? '\t' : '\n');
		}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

/* ---- SQLite, without a detour over text ---- */

static void must(sqlite3 *h, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	(void)fprintf(stderr, "table: %s\n", sqlite3_errmsg(h));
	exit(1);
}

static void execute(sqlite3 *h, const char *sql)
{
	must(h, sqlite3_exec(h, sql, NULL, NULL, NULL));
}

static void insert_rows(sqlite3 *h, uint64_t n)
{
	char fields[N_COLUMNS][FIELD_MAX], name[FIELD_MAX], sql[512] = "INSERT INTO big VALUES (?1";
	sqlite3_stmt *stmt;

	for (int c = 1; c < N_COLUMNS; c++)
		(void)snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), ", ?%d", c + 1);
	(void)strcat(sql, ")");
	must(h, sqlite3_prepare_v2(h, sql, -1, &stmt, NULL));
	for (uint64_t row = 0; row < n; row++) {
		/* As text: the column's affinity makes numbers of it. */
		for (int c = 0; c < N_COLUMNS; c++) {
			if (put_field(sort_of(c, name), row, (uint64_t)c, fields[c]))
				must(h,
				     sqlite3_bind_text(stmt, c + 1, fields[c], -1, SQLITE_STATIC));
			else
				must(h, sqlite3_bind_null(stmt, c + 1));
		}
		must(h, sqlite3_step(stmt));
		must(h, sqlite3_reset(stmt));
	}
	must(h, sqlite3_finalize(stmt));
}

static int write_sqlite(uint64_t n, const char *path)
{
	sqlite3 *h;
	char *ddl = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&ddl, &len);

	if (!f)
		abort();
	put_ddl(f, 0);
	if (fclose(f) != 0)
		abort();
	must(NULL, sqlite3_open(path, &h));
	execute(h, "PRAGMA journal_mode = wal; PRAGMA synchronous = off");
	execute(h, "BEGIN");
	execute(h, ddl);
	insert_rows(h, n);
	execute(h, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
	must(h, sqlite3_close(h));
	free(ddl);
	return 0;
}

int main(int argc, char **argv)
{
	const char *const engines[] = {"sqlite", "postgres", "mysql"};
	char name[FIELD_MAX];

	if (argc == 4 && strcmp(argv[1], "sqlite") == 0)
		return write_sqlite(strtoull(argv[2], NULL, 10), argv[3]);
	if (argc == 3 && strcmp(argv[1], "rows") == 0)
		return print_rows(strtoull(argv[2], NULL, 10));
	if (argc == 2 && strcmp(argv[1], "columns") == 0) {
		for (int c = 0; c < N_COLUMNS; c++) {
			enum sort sort = sort_of(c, name);

			(void)printf("%s %s\n", name, sorts[sort].name);
		}
		return 0;
	}
	for (int i = 0; argc == 3 && strcmp(argv[1], "ddl") == 0 && i < 3; i++)
		if (strcmp(argv[2], engines[i]) == 0) {
			put_ddl(stdout, i);
			return putchar('\n') == '\n' ? 0 : 1;
		}
	(void)fputs("usage: table sqlite ROWS FILE | ddl ENGINE | rows ROWS | columns\n", stderr);
	return 2;
}
