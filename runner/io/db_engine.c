/*
 * db_engine: what the engines differ in that needs no session: their drivers, and their names.
 */
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_driver.h"

#ifdef ASSIZE_POSTGRES
#define POSTGRES &db_driver_postgres
#else
#define POSTGRES NULL
#endif
#ifdef ASSIZE_MYSQL
#define MYSQL &db_driver_mysql
#else
#define MYSQL NULL
#endif
#ifdef ASSIZE_ODBC
#define ODBC &db_driver_odbc
#else
#define ODBC NULL
#endif

static const struct {
	const struct db_driver *driver; /* NULL = left out of this build */
	const char *what, *package;
} engines[] = {
	[DB_SQLITE] = {&db_driver_sqlite, "SQLite", "libsqlite3-dev"},
	[DB_POSTGRES] = {POSTGRES, "PostgreSQL", "libpq-dev"},
	[DB_MYSQL] = {MYSQL, "MySQL and MariaDB", "libmariadb-dev"},
	[DB_ODBC] = {ODBC, "ODBC", "unixodbc-dev"},
};

const struct db_driver *db_driver_of(enum db_engine engine, struct err *e)
{
	if (engines[engine].driver)
		return engines[engine].driver;
	(void)err_set(e, ERR_MEASURE, "cannot open a session: this assize was built without %s",
		      engines[engine].what);
	(void)err_help(e, "install %s and build again", engines[engine].package);
	return NULL;
}

int db_version(enum db_engine engine, struct arena *a, struct library_version *out, struct err *e)
{
	const struct db_driver *driver = db_driver_of(engine, e);

	return driver ? driver->version(a, out, e) : -1;
}

/* ASCII only: the locale is never asked. */
static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool db_same_name(enum db_engine engine, const char *a, const char *b)
{
	if (engine == DB_POSTGRES)
		return strcmp(a, b) == 0;
	while (*a && fold(*a) == fold(*b)) {
		a++;
		b++;
	}
	return fold(*a) == fold(*b);
}

static void quote(enum db_engine engine, struct buf *out, const char *name, size_t n)
{
	char mark = engine == DB_MYSQL ? '`' : '"';

	/* The caller looks at the buffer once, at the end. */
	(void)buf_putc(out, mark);
	for (size_t i = 0; i < n; i++) {
		if (name[i] == mark)
			(void)buf_putc(out, mark);
		(void)buf_putc(out, name[i]);
	}
	(void)buf_putc(out, mark);
}

void db_quote(enum db_engine engine, struct buf *out, const char *name)
{
	quote(engine, out, name, strlen(name));
}

void db_quote_table(enum db_engine engine, struct buf *out, const char *name)
{
	const char *dot = strchr(name, '.');
	bool has_schema = dot && dot > name && dot[1];

	if (engine == DB_SQLITE)
		has_schema = str_starts(name, "main.") && name[5];
	if (has_schema) {
		quote(engine, out, name, (size_t)(dot - name));
		(void)buf_putc(out, '.');
		name = dot + 1;
	}
	db_quote(engine, out, name);
}
