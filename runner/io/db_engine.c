/*
 * db_engine: what the engines differ in that needs no session: their drivers, and their names.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_driver.h"
#include "runner/io/db_token.h"

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

int db_check_location(enum db_engine engine, struct arena *a, const char *location, struct err *e)
{
	const struct db_driver *driver = engines[engine].driver;

	return driver && driver->check ? driver->check(a, location, e) : 0;
}

int db_tokens_of(enum db_engine engine, struct db_tokens *out, const char *sql, struct err *e)
{
	const struct db_driver *driver = db_driver_of(engine, e);

	return driver ? driver->tokens(out, sql, 0, e) : -1;
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

/* How long a part in the engine's quotes is, with them; 0 = it is not in quotes. */
static size_t quoted_len(enum db_engine engine, const char *name)
{
	char mark = engine == DB_MYSQL ? '`' : '"';
	size_t n = 1;

	if (engine == DB_SQLITE || name[0] != mark) /* SQLite: a dot is like any other character */
		return 0;
	for (; name[n] && (name[n] != mark || name[n + 1] == mark); n++)
		n += name[n] == mark ? 1 : 0;
	return name[n] && n > 1 && (!name[n + 1] || name[n + 1] == '.') ? n + 1 : 0;
}

/* How much of the name is the schema; 0 = it has none. */
static size_t schema_len(enum db_engine engine, const char *name)
{
	size_t n = quoted_len(engine, name);

	if (n == 0)
		n = strcspn(name, ".");
	if (engine == DB_SQLITE)
		return str_starts(name, "main.") && name[5] ? n : 0;
	return n > 0 && name[n] == '.' && name[n + 1] ? n : 0;
}

static void quote_part(enum db_engine engine, struct buf *out, const char *part, size_t n)
{
	if (n > 0 && quoted_len(engine, part) == n)
		(void)buf_add(out, part, n); /* the caller looks at the buffer once, at the end */
	else
		quote(engine, out, part, n);
}

void db_quote_table(enum db_engine engine, struct buf *out, const char *name)
{
	size_t n = schema_len(engine, name);

	if (n > 0) {
		quote_part(engine, out, name, n);
		(void)buf_putc(out, '.');
		name += n + 1;
	}
	quote_part(engine, out, name, strlen(name));
}

static const char *unquoted(enum db_engine engine, struct arena *a, const char *part, size_t n)
{
	if (n == 0 || quoted_len(engine, part) != n)
		return arena_strndup(a, part, n);
	char *name = arena_alloc(a, n);
	size_t len = 0;

	for (size_t i = 1; i + 1 < n; i++) {
		name[len++] = part[i];
		i += part[i] == part[0] ? 1 : 0;
	}
	name[len] = '\0';
	return name;
}

/* Is a part, in quotes or not, the name? */
static bool is_part(enum db_engine engine, const char *part, size_t n, const char *name)
{
	bool is_quoted = n > 0 && quoted_len(engine, part) == n;
	bool folds = engine != DB_POSTGRES; /* as in db_same_name() */

	for (size_t i = is_quoted ? 1 : 0; i + is_quoted < n; i++, name++) {
		if (folds ? fold(part[i]) != fold(*name) : part[i] != *name)
			return false;
		i += is_quoted && part[i] == part[0] ? 1 : 0;
	}
	return *name == '\0';
}

bool db_names_table(enum db_engine engine, const char *written, const char *schema,
		    const char *table)
{
	size_t n = schema_len(engine, written);

	if (n == 0)
		return !schema && is_part(engine, written, strlen(written), table);
	return schema && is_part(engine, written, n, schema) &&
	       is_part(engine, written + n + 1, strlen(written + n + 1), table);
}

const char *db_split_table(enum db_engine engine, struct arena *a, const char *name,
			   const char **schema)
{
	size_t n = schema_len(engine, name);

	*schema = n > 0 ? unquoted(engine, a, name, n) : NULL;
	name += n > 0 ? n + 1 : 0;
	return unquoted(engine, a, name, strlen(name));
}
