/*
 * db_mysql: sessions on MySQL and MariaDB and the statements they run.
 *
 * What keeps them read-only, strongest first: the role's privileges (_grants.c); a look at each
 * statement (db_reading.h), which stands for what privileges do not cover: waiting, locking, user
 * variables; a session and a transaction that are READ ONLY; a client that offers neither several
 * statements nor local files. A statement is not wrapped in SELECT * FROM (...): MariaDB would drop
 * its ORDER BY, and two columns of one name would be an error.
 *
 * What the statement means is fixed by the session and not by the server: sql_mode, UTC, utf8mb4,
 * REPEATABLE READ, no limit on rows or joins. Each statement sees one snapshot. Rows are streamed.
 * An answer with warnings is none (mysql_check_warnings).
 *
 * What remains: a function that a view calls with its definer's rights does what it was written for
 * (not write: the transaction forbids it), functions from a shared library can be called by anybody
 * and do what they like, and the server keeps counters of its own.
 *
 * Sources: https://mariadb.com/kb/en/start-transaction/, /aborting-statements/,
 * https://dev.mysql.com/doc/refman/8.0/en/ (commit, set-transaction, kill).
 */
#include "runner/io/db_mysql.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"
#include "runner/io/db_reading.h"
#include "runner/io/db_token.h"

#define MAX_COLUMNS    4000 /* the server has 4096 */
#define MAX_DRAIN      1000 /* rows nobody wants any more: read these, or part */
#define PREPARE_MAX_MS 30000
#define MAX_LIMIT_MS   (INT64_C(365) * 24 * 3600 * 1000)

static struct mysql_db *of_db(struct db *db)
{
	return (struct mysql_db *)db;
}

/* ---- a session ---- */

/* Seconds, rounded up: the library knows no finer unit. */
static unsigned whole_seconds(int64_t ms)
{
	int64_t s = (ms + 999) / 1000;

	return (unsigned)(s < 1 ? 1 : s > 86400 ? 86400 : s);
}

static void set_options(struct mysql_db *s, MYSQL *handle, int64_t timeout_ms)
{
	static const unsigned no = 0;
	static const unsigned long max_row = DB_MAX_ROW_BYTES;
	static const my_bool yes_bool = 1;
	static const unsigned tcp = MYSQL_PROTOCOL_TCP;
	const struct mysql_place *p = &s->place;
	const struct mysql_client *c = s->client;
	unsigned seconds = whole_seconds(timeout_ms);
	const struct {
		enum mysql_option option;
		const void *value;
	} options[] = {
		/* Covers the greeting as well; after it the watch takes over. */
		{MYSQL_OPT_CONNECT_TIMEOUT, &seconds},
		{MYSQL_OPT_LOCAL_INFILE, &no},
		/* localhost alone is the usual socket, as everybody who writes it there expects. */
		{MYSQL_OPT_PROTOCOL, p->host && (p->port || p->has_tls) ? &tcp : NULL},
		{MYSQL_SET_CHARSET_NAME, "utf8mb4"},
		{MYSQL_OPT_MAX_ALLOWED_PACKET, &max_row},
		/* Not mysql_clear_password: a server could ask for it to learn the password. */
		{MARIADB_OPT_RESTRICTED_AUTH,
		 "mysql_native_password,client_ed25519,caching_sha2_password,"
		 "sha256_password,parsec,auth_gssapi_client"},
		{MYSQL_OPT_SSL_CA, p->ssl_ca},
		{MYSQL_OPT_SSL_CAPATH, p->ssl_capath},
		{MYSQL_OPT_SSL_CERT, p->ssl_cert},
		{MYSQL_OPT_SSL_KEY, p->ssl_key},
		{MYSQL_OPT_SSL_ENFORCE, p->has_tls ? &yes_bool : NULL},
		{MYSQL_OPT_SSL_VERIFY_SERVER_CERT, p->verifies ? &yes_bool : NULL},
	};

	/* An option that an older library does not know is refused by it, and not needed there. */
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (options[i].value)
			(void)c->options(handle, options[i].option, options[i].value);
	(void)c->options4(handle, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "assize");
}

MYSQL *mysql_dial(struct mysql_db *s, int64_t timeout_ms, bool *is_connected)
{
	const struct mysql_place *p = &s->place;
	const char *password = s->source->password ? s->source->password : "";
	MYSQL *handle = s->client->init(NULL);

	if (!handle)
		oom();
	set_options(s, handle, timeout_ms);
	*is_connected = s->client->real_connect(handle, p->host, p->user, password, p->dbname,
						p->port, p->socket, 0) != NULL;
	return handle;
}

static int connect_to(struct mysql_db *s, struct err *e)
{
	bool is_connected;

	s->handle = mysql_dial(s, s->deadline_ms - s->started_ms, &is_connected);
	if (!is_connected)
		return mysql_fail_connect(s, e);
	if (s->place.has_tls && !s->client->get_ssl_cipher(s->handle))
		return err_set(e, ERR_MEASURE,
			       "cannot use target \"%s\": the server does not encrypt the "
			       "connection",
			       s->source->name);
	s->id = s->client->thread_id(s->handle);
	s->is_mariadb = strstr(s->client->get_server_info(s->handle), "MariaDB") != NULL;
	s->version = s->client->get_server_version(s->handle);
	s->socket = fcntl((int)s->client->get_socket(s->handle), F_DUPFD_CLOEXEC, 0);
	if (s->socket < 0)
		return err_set(e, ERR_MEASURE, "could not duplicate a socket");
	return db_watch_init(&s->watch, e);
}

static int take_settings(void *ctx, const struct db_row *row, struct err *e)
{
	struct mysql_db *s = ctx;
	const struct db_value *limit = &row->values[1];

	(void)e;
	s->folds_tables = row->values[0].integer != 0;
	if (limit->type == DB_REAL)
		s->server_limit_ms = (int64_t)(limit->real * 1000);
	else if (limit->type == DB_INT)
		s->server_limit_ms = limit->integer * (s->is_mariadb ? 1000 : 1);
	return 0;
}

/*
 * Settings that some servers do not have are asked of those that do. MariaDB ends a recursion at a
 * thousand steps without a word, where MySQL says so.
 */
static int set_up(struct mysql_db *s, struct err *e)
{
	static const char *const settings[] = {
		"SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,"
		"NO_ENGINE_SUBSTITUTION', sql_notes = 0, time_zone = '+00:00', autocommit = 1,"
		" sql_auto_is_null = 0, sql_big_selects = 1,"
		" sql_select_limit = 18446744073709551615,"
		" div_precision_increment = 12, group_concat_max_len = 1048576",
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
	};

	if (mysql_own_query(s,
			    s->is_mariadb ? "SELECT @@lower_case_table_names, @@max_statement_time"
					  : "SELECT @@lower_case_table_names, @@max_execution_time",
			    NULL, 0, s->deadline_ms, take_settings, s, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (mysql_own_query(s, settings[i], NULL, 0, s->deadline_ms, NULL, NULL, e) != 0)
			return -1;
	if (s->is_mariadb && s->version >= 100202 &&
	    mysql_own_query(s, "SET SESSION max_recursive_iterations = 4294967295", NULL, 0,
			    s->deadline_ms, NULL, NULL, e) != 0)
		return -1;
	return mysql_check_grants(s, e);
}

static void mysql_session_close(struct db *db)
{
	struct mysql_db *s = of_db(db);

	if (s->socket >= 0) {
		db_watch_release(&s->watch);
		/* A duplicate that nothing was written to. */
		(void)close(s->socket);
	}
	s->client->close(s->handle);
	free(s->values);
	free(s->names);
	free(s->times);
	arena_free(s->arena);
	free(s);
}

static int mysql_check_location(struct arena *a, const char *location, struct err *e)
{
	struct mysql_place place;

	return mysql_place_parse(a, location, &place, e);
}

static int mysql_session_open(const struct db_source *source, const struct clock *clock,
			      int64_t deadline_ms, struct db **out, struct err *e)
{
	const struct mysql_client *client = mysql_client(e);

	if (!client)
		return -1;
	struct mysql_db *s = xmalloc(sizeof(*s));

	*s = (struct mysql_db){
		.db = {.driver = &db_driver_mysql, .max_columns = MAX_COLUMNS},
		.client = client,
		.socket = -1,
		.arena = arena_new(),
		.source = source,
		.clock = clock,
		.started_ms = clock_monotonic_ms(clock),
		.deadline_ms = deadline_ms,
		.limit_s = -1,
	};
	s->watch = (struct db_watch){
		.clock = clock,
		.stop = mysql_stop,
		.cut = mysql_cut,
		.ctx = s,
	};
	if (mysql_place_parse(s->arena, source->location, &s->place, e) == 0 &&
	    connect_to(s, e) == 0 && set_up(s, e) == 0) {
		*out = &s->db;
		return 0;
	}
	mysql_session_close(&s->db);
	return -1;
}

/* ---- statements ---- */

/* One that gives no rows, or none that matter. */
static int command(struct mysql_db *s, const char *sql, struct err *e)
{
	if (s->client->real_query(s->handle, sql, strlen(sql)) != 0)
		return mysql_fail(s, e);
	return 0;
}

/* Tells the server, too: it goes on when this program is killed. */
static int set_limit(struct mysql_db *s, struct err *e)
{
	int64_t left_ms = s->deadline_ms - s->started_ms;
	int64_t limit_s = (left_ms < MAX_LIMIT_MS ? left_ms : MAX_LIMIT_MS) / 1000 + 1;
	struct buf sql;

	if (limit_s == s->limit_s)
		return 0;
	buf_init(&sql, 96);
	/* Fits: the number has at most 20 digits. */
	if (s->is_mariadb)
		(void)buf_printf(&sql, "SET SESSION max_statement_time = %lld", (long long)limit_s);
	else
		(void)buf_printf(&sql, "SET SESSION max_execution_time = %lld",
				 (long long)limit_s * 1000);
	int rc = command(s, sql.data, e);

	buf_release(&sql);
	if (rc == 0)
		s->limit_s = limit_s;
	return rc;
}

/* Rows which are not wanted any more: the connection is useless before they are read. */
static void leave(struct mysql_db *s, MYSQL_RES *result)
{
	size_t n = 0;

	while (n < MAX_DRAIN && s->client->fetch_row(result))
		n++;
	if (n == MAX_DRAIN) {
		s->db.is_broken = true;
		/* free_result() would read to the end; now that comes at once. */
		(void)shutdown(s->socket, SHUT_RDWR);
	}
}

static int read_rows(struct mysql_db *s, MYSQL_RES *result, db_row_fn *fn, void *ctx, struct err *e)
{
	MYSQL_ROW row;

	mysql_read_names(s, result);
	struct db_row out = {
		.n = s->client->num_fields(result),
		.values = s->values,
		.names = s->names,
	};

	while ((row = s->client->fetch_row(result))) {
		mysql_read_row(s, result, row);
		int wish = fn ? fn(ctx, &out, e) : 0;

		if (wish != 0) {
			leave(s, result);
			return wish > 0 ? 0 : -1;
		}
	}
	return s->client->error_number(s->handle) == 0 ? 0 : mysql_fail(s, e);
}

static int run(struct mysql_db *s, const char *sql, size_t len, db_row_fn *fn, void *ctx,
	       struct err *e)
{
	if (s->client->real_query(s->handle, sql, len) != 0)
		return mysql_fail(s, e);
	MYSQL_RES *result = s->client->use_result(s->handle);

	if (!result)
		return s->client->error_number(s->handle) == 0 ? 0 : mysql_fail(s, e);
	int rc = read_rows(s, result, fn, ctx, e);

	s->client->free_result(result);
	return rc;
}

/* One snapshot, and no way to write in it. */
static int run_protected(struct mysql_db *s, const char *sql, size_t len, db_row_fn *fn, void *ctx,
			 struct err *e)
{
	if (set_limit(s, e) != 0 || (!s->is_reading && command(s, MYSQL_BEGIN, e) != 0))
		return -1;
	int rc = run(s, sql, len, fn, ctx, e);

	if (rc == 0 && !s->db.is_broken)
		rc = mysql_check_warnings(s, e);
	/* There is nothing to undo: a transaction that cannot be ended has lost its session. */
	if (!s->is_reading && !s->db.is_broken && command(s, "ROLLBACK", NULL) != 0)
		s->db.is_broken = true;
	return rc;
}

/* The deadline of a statement: the caller's, the target's, or the server's for this role. */
static int begin_call(struct mysql_db *s, int64_t deadline_ms, struct err *e)
{
	int64_t limits_ms[] = {s->source->statement_timeout_ms, s->server_limit_ms};

	s->started_ms = clock_monotonic_ms(s->clock);
	s->deadline_ms = deadline_ms;
	for (size_t i = 0; i < sizeof(limits_ms) / sizeof(*limits_ms); i++)
		if (limits_ms[i] > 0 && s->started_ms + limits_ms[i] < s->deadline_ms)
			s->deadline_ms = s->started_ms + limits_ms[i];
	if (s->started_ms >= s->deadline_ms)
		return err_set(e, ERR_MEASURE,
			       "could not start the query: the deadline has passed");
	db_watch_begin(&s->watch, s->deadline_ms);
	return 0;
}

/*
 * What comes late is no answer, whatever it says: an interrupted statement may look like one that
 * ended (SLEEP() in a view gives 1).
 */
static int end_call(struct mysql_db *s, int rc, struct err *e)
{
	struct err late = {0};

	if (db_watch_end(&s->watch))
		s->db.is_broken = true;
	else if (clock_monotonic_ms(s->clock) < s->deadline_ms)
		return rc;
	(void)mysql_fail_late(s, &late);
	if (e)
		*e = late;
	return -1;
}

static int mysql_session_query(struct db *db, const char *sql, const char *const *params,
			       size_t n_params, int64_t deadline_ms, db_row_fn *fn, void *ctx,
			       struct err *e)
{
	struct mysql_db *s = of_db(db);
	struct buf text;
	size_t len;

	if (db_reading_check(DB_MYSQL, sql, &len, e) != 0)
		return -1;
	int rc = db_reading_fill(DB_MYSQL, &text, sql, len, params, n_params, e);

	if (rc == 0)
		rc = begin_call(s, deadline_ms, e);
	if (rc == 0)
		rc = end_call(s, run_protected(s, text.data, text.len, fn, ctx, e), e);
	buf_release(&text);
	return rc;
}

int mysql_own_query(struct mysql_db *s, const char *sql, const char *const *params, size_t n_params,
		    int64_t deadline_ms, db_row_fn *fn, void *ctx, struct err *e)
{
	struct buf text;
	int rc = db_reading_fill(DB_MYSQL, &text, sql, strlen(sql), params, n_params, e);

	if (rc == 0)
		rc = begin_call(s, deadline_ms, e);
	if (rc == 0)
		rc = end_call(s, run(s, text.data, text.len, fn, ctx, e), e);
	buf_release(&text);
	return rc;
}

static int prepare(struct mysql_db *s, const char *sql, size_t len, size_t *n_columns,
		   struct err *e)
{
	const struct mysql_client *c = s->client;
	MYSQL_STMT *stmt = c->stmt_init(s->handle);
	int rc = 0;

	if (!stmt)
		oom();
	if (c->stmt_prepare(stmt, sql, len) != 0)
		rc = mysql_fail_numbered(s, c->stmt_errno(stmt), c->stmt_error(stmt), e);
	else
		*n_columns = c->stmt_field_count(stmt);
	/* It never ran: there is no result to lose. */
	(void)c->stmt_close(stmt);
	return rc;
}

/* Bounded by the length of the text; the ceiling is for a lock of the catalog's met on the way. */
static int mysql_session_prepare(struct db *db, const char *sql, size_t *n_columns, struct err *e)
{
	struct mysql_db *s = of_db(db);
	size_t len;

	if (db_reading_check(DB_MYSQL, sql, &len, e) != 0 ||
	    begin_call(s, clock_monotonic_ms(s->clock) + PREPARE_MAX_MS, e) != 0)
		return -1;
	return end_call(s, prepare(s, sql, len, n_columns, e), e);
}

const struct db_driver db_driver_mysql = {
	.engine = DB_MYSQL,
	.check = mysql_check_location,
	.version = mysql_version,
	.open = mysql_session_open,
	.close = mysql_session_close,
	.query = mysql_session_query,
	.prepare = mysql_session_prepare,
	.tokens = mysql_tokens,
	.begin_read = mysql_begin_read,
	.end_read = mysql_end_read,
	.objects = mysql_objects,
	.describe = mysql_describe,
	.catalog = mysql_catalog,
};
