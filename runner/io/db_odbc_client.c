/*
 * db_odbc_client: the driver manager, loaded by the first session. It loads the drivers.
 */
#include <pthread.h>

#include "runner/base/err.h"
#include "runner/io/db_library.h"
#include "runner/io/db_odbc.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct odbc_client client;
	struct err failure;
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	struct odbc_client *c = &library.client;
	const struct db_symbol symbols[] = {
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
	};

	/* The failure, if any, is kept. */
	(void)db_library_load("libodbc.so.2", "ODBC", "libodbc2", symbols,
			      sizeof(symbols) / sizeof(*symbols), &library.failure);
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
