/*
 * db_odbc_client: the driver manager, loaded by the first session. It loads the drivers.
 */
#include <pthread.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/io/library.h"
#include "runner/io/db_odbc.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct odbc_client client;
	struct err failure;
} library = {.once = PTHREAD_ONCE_INIT};

/*
 * The driver manager works out where its files are when it first looks into them, and keeps the
 * paths in static buffers without a lock: two first connections at once would both write them. So
 * it is made to look once, here, where nobody else is.
 */
static void find_files(const struct odbc_client *c)
{
	SQLHENV env;
	SQLWCHAR name[256], more[256];
	SQLSMALLINT n, m, cap = (SQLSMALLINT)(sizeof(name) / sizeof(*name));

	if (!SQL_SUCCEEDED(c->alloc(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env)))
		return; /* as will the first session, which says so */
	/* What they find does not matter. */
	(void)c->set_env(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)(uintptr_t)SQL_OV_ODBC3, 0);
	(void)c->drivers(env, SQL_FETCH_FIRST, name, cap, &n, more, cap, &m);
	(void)c->sources(env, SQL_FETCH_FIRST, name, cap, &n, more, cap, &m);
	(void)c->free(SQL_HANDLE_ENV, env);
}

static void load(void)
{
	struct odbc_client *c = &library.client;
	const struct library_symbol symbols[] = {
		{"SQLAllocHandle", &c->alloc},
		{"SQLFreeHandle", &c->free},
		{"SQLSetEnvAttr", &c->set_env},
		{"SQLSetConnectAttrW", &c->set_connection},
		{"SQLSetStmtAttrW", &c->set_statement},
		{"SQLDriverConnectW", &c->connect},
		{"SQLDisconnect", &c->disconnect},
		{"SQLGetInfoW", &c->get_info},
		{"SQLExecDirectW", &c->execute},
		{"SQLPrepareW", &c->prepare},
		{"SQLNumResultCols", &c->column_count},
		{"SQLDescribeColW", &c->describe},
		{"SQLFetch", &c->fetch},
		{"SQLGetData", &c->get_data},
		{"SQLGetDiagRecW", &c->diagnosis},
		{"SQLCancel", &c->cancel},
		{"SQLEndTran", &c->end},
		{"SQLTablesW", &c->tables},
		{"SQLColumnsW", &c->columns},
		{"SQLPrimaryKeysW", &c->primary_keys},
		{"SQLStatisticsW", &c->statistics},
		{"SQLForeignKeysW", &c->foreign_keys},
		{"SQLTablePrivilegesW", &c->privileges},
		{"SQLDriversW", &c->drivers},
		{"SQLDataSourcesW", &c->sources},
	};

	/* The failure, if any, is kept. */
	if (library_load("libodbc.so.2", "ODBC client", "libodbc2", symbols,
			 sizeof(symbols) / sizeof(*symbols), &library.failure) == 0)
		find_files(c);
}

const struct odbc_client *odbc_client(struct err *e)
{
	/* Fails only when misused. */
	(void)pthread_once(&library.once, load);
	if (library.failure.class == ERR_NONE)
		return &library.client;
	if (e)
		*e = library.failure;
	return NULL;
}

/* As the driver manager says it, "03.52.0002.0000"; NULL = it does not. */
static const char *manager_version(const struct odbc_client *c, struct arena *a)
{
	SQLWCHAR wide[32] = {0};
	char text[32] = "";
	SQLHANDLE env, connection;
	SQLRETURN rc;

	if (c->alloc(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &env) != SQL_SUCCESS)
		return NULL;
	(void)c->set_env(env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3,
			 0); /* what fails shows below */
	rc = c->alloc(SQL_HANDLE_DBC, env, &connection);
	if (rc == SQL_SUCCESS) {
		rc = c->get_info(connection, SQL_DM_VER, wide, sizeof(wide) - sizeof(*wide), NULL);
		(void)c->free(SQL_HANDLE_DBC, connection); /* was never connected */
	}
	(void)c->free(SQL_HANDLE_ENV, env); /* same */
	for (size_t i = 0; i + 1 < sizeof(text) && wide[i] > ' ' && wide[i] <= '~'; i++)
		text[i] = (char)wide[i];
	return rc == SQL_SUCCESS && text[0] ? arena_strdup(a, text) : NULL;
}

int odbc_version(struct arena *a, struct library_version *out, struct err *e)
{
	const struct odbc_client *c = odbc_client(e);
	const char *manager;

	if (!c)
		return -1;
	manager = manager_version(c, a);
	*out = (struct library_version){.in_use = manager ? manager : "of unknown version"};
	return 0;
}
