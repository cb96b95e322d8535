/*
 * db_mysql_client: libmariadb, which speaks to MySQL as well. Loaded by the first session.
 */
#include <pthread.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/library_version.h"
#include "runner/io/library.h"
#include "runner/io/db_mysql.h"

/* Written once, before anybody reads it. */
static struct {
	pthread_once_t once;
	struct mysql_client client;
	struct err failure;
} library = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
	struct mysql_client *c = &library.client;
	const struct library_symbol symbols[] = {
		{"mysql_server_init", &c->server_init},
		{"mysql_init", &c->init},
		{"mysql_close", &c->close},
		{"mysql_options", &c->options},
		{"mysql_options4", &c->options4},
		{"mysql_real_connect", &c->real_connect},
		{"mysql_real_query", &c->real_query},
		{"mysql_use_result", &c->use_result},
		{"mysql_free_result", &c->free_result},
		{"mysql_fetch_row", &c->fetch_row},
		{"mysql_fetch_lengths", &c->fetch_lengths},
		{"mysql_fetch_fields", &c->fetch_fields},
		{"mysql_num_fields", &c->num_fields},
		{"mysql_warning_count", &c->warning_count},
		{"mysql_errno", &c->error_number},
		{"mysql_error", &c->error},
		{"mysql_get_ssl_cipher", &c->get_ssl_cipher},
		{"mysql_get_client_info", &c->get_client_info},
		{"mysql_get_server_info", &c->get_server_info},
		{"mysql_get_server_version", &c->get_server_version},
		{"mysql_thread_id", &c->thread_id},
		{"mysql_get_socket", &c->get_socket},
		{"mysql_stmt_init", &c->stmt_init},
		{"mysql_stmt_prepare", &c->stmt_prepare},
		{"mysql_stmt_field_count", &c->stmt_field_count},
		{"mysql_stmt_errno", &c->stmt_errno},
		{"mysql_stmt_error", &c->stmt_error},
		{"mysql_stmt_close", &c->stmt_close},
	};

	if (library_load("libmariadb.so.3", "MySQL and MariaDB client", "libmariadb3", symbols,
			 sizeof(symbols) / sizeof(*symbols), &library.failure) != 0)
		return;
	/* Not left to the first connection: two threads may make that at once. */
	if (c->server_init(0, NULL, NULL) != 0)
		(void)err_set(&library.failure, ERR_MEASURE,
			      "could not start the MySQL and MariaDB client library");
}

const struct mysql_client *mysql_client(struct err *e)
{
	/* Fails only when misused. */
	(void)pthread_once(&library.once, load);
	if (library.failure.class == ERR_NONE)
		return &library.client;
	if (e)
		*e = library.failure;
	return NULL;
}

int mysql_version(struct arena *a, struct library_version *out, struct err *e)
{
	const struct mysql_client *c = mysql_client(e);

	if (!c)
		return -1;
	*out = (struct library_version){.in_use = arena_strdup(a, c->get_client_info()),
					.built = MARIADB_PACKAGE_VERSION};
	return 0;
}
