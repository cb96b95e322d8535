/*
 * db_reading: the statements, words and functions that are not reading.
 *
 * A statement begins with SELECT, WITH, VALUES or TABLE, with EXPLAIN of one of these, or with a
 * parenthesis before one. Inside, reserved words do the harm: INTO writes files and variables,
 * UPDATE and DELETE follow a WITH, LOCK and FOR SHARE hold rows, PROCEDURE runs code, and some
 * engines behind ODBC take the next statement without a semicolon. They are refused wherever they
 * stand unquoted, also behind a point: "1.INTO" is not a column.
 *
 * Functions are refused by name, quoted or not, because the name alone decides in these engines.
 * What a function of the users' own does cannot be known: that is for the role's privileges.
 */
#include "runner/io/db_reading.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "runner/base/err.h"
#include "runner/io/db_reading_token.h"

#define MAX_DEPTH 1000

enum when {
	ALWAYS,
	UNLESS_CALLED, /* a function of the same name only reads */
	UNKNOWN_ONLY,  /* where a statement needs no semicolon before it */
};

static const struct {
	const char *word;
	enum when when;
	const char *act;
} refused_words[] = {
	{"into", ALWAYS, "write what it reads into a file, a table or a variable"},
	{"update", ALWAYS, "update or lock rows"},
	{"delete", ALWAYS, "delete rows"},
	{"insert", UNLESS_CALLED, "insert rows"},
	{"replace", UNLESS_CALLED, "replace rows"},
	{"lock", ALWAYS, "lock rows"},
	{"procedure", ALWAYS, "run a procedure"},
	{"merge", UNKNOWN_ONLY, "merge rows"},
	{"exec", UNKNOWN_ONLY, "run a procedure"},
	{"execute", UNKNOWN_ONLY, "run a procedure"},
	{"call", UNKNOWN_ONLY, "run a procedure"},
	{"create", UNKNOWN_ONLY, "change the catalog"},
	{"alter", UNKNOWN_ONLY, "change the catalog"},
	{"drop", UNKNOWN_ONLY, "change the catalog"},
	{"truncate", UNKNOWN_ONLY, "empty a table"},
	{"grant", UNKNOWN_ONLY, "change privileges"},
	{"revoke", UNKNOWN_ONLY, "change privileges"},
	{"deny", UNKNOWN_ONLY, "change privileges"},
	{"set", UNKNOWN_ONLY, "change settings"},
	{"declare", UNKNOWN_ONLY, "run a program"},
	{"begin", UNKNOWN_ONLY, "run a program"},
	{"while", UNKNOWN_ONLY, "run a program"},
	{"waitfor", UNKNOWN_ONLY, "wait"},
	{"commit", UNKNOWN_ONLY, "control a transaction"},
	{"rollback", UNKNOWN_ONLY, "control a transaction"},
	{"backup", UNKNOWN_ONLY, "write a file"},
	{"restore", UNKNOWN_ONLY, "replace the database"},
	{"bulk", UNKNOWN_ONLY, "load a file"},
	{"kill", UNKNOWN_ONLY, "end other sessions"},
	{"shutdown", UNKNOWN_ONLY, "stop the server"},
	{"dbcc", UNKNOWN_ONLY, "run a maintenance command"},
	{"reconfigure", UNKNOWN_ONLY, "change settings"},
	{"use", UNKNOWN_ONLY, "leave the database"},
	{"attach", UNKNOWN_ONLY, "attach a database"},
	{"pragma", UNKNOWN_ONLY, "change settings"},
	{"vacuum", UNKNOWN_ONLY, "rewrite the database"},
	{"openrowset", UNKNOWN_ONLY, "run a statement elsewhere"},
	{"opendatasource", UNKNOWN_ONLY, "run a statement elsewhere"},
	{"openquery", UNKNOWN_ONLY, "run a statement elsewhere"},
};

/* A '*' at the end stands for anything. */
static const char *const refused_functions[] = {
	/* wait, burn, lock */
	"sleep",
	"benchmark",
	"get_lock",
	"release_lock",
	"release_all_locks",
	"master_pos_wait",
	"source_pos_wait",
	"master_gtid_wait",
	"wait_for_executed_gtid_set",
	"wait_until_sql_thread_after_gtids",
	"service_get_*",
	"service_release_*",
	"pg_sleep*",
	"pg_advisory_*",
	"pg_try_advisory_*",
	"dbms_lock*",
	/* count up */
	"nextval",
	"setval",
	/* reach files and programs */
	"load_file",
	"load_extension",
	"readfile",
	"writefile",
	"edit",
	"sys_*",
	"lib_mysqludf_*",
	"lo_*",
	"pg_read_*",
	"pg_file_*",
	"pg_ls_*",
	"utl_*",
	"xp_*",
	"sp_*",
	"mroonga_command",
	/* change the server, or other servers */
	"group_replication_*",
	"asynchronous_connection_failover_*",
	"keyring_key_*",
	"audit_log_*",
	"audit_api_*",
	"version_tokens_*",
	"mysql_firewall_*",
	"set_firewall_mode",
	"normalize_statement",
	"spider_*",
	"dblink*",
	"query_to_xml*",
	"table_to_xml*",
	"cursor_to_xml*",
	"schema_to_xml*",
	"database_to_xml*",
	"set_config",
	"pg_notify",
	"pg_logical_*",
	"pg_create_*",
	"pg_drop_*",
	"pg_replication_*",
	"pg_terminate_backend",
	"pg_cancel_backend",
	"pg_reload_conf",
	"pg_rotate_logfile",
	"pg_switch_wal",
	"pg_promote",
	"pg_stat_reset*",
	"pg_stat_statements_reset",
	"txid_current",
	"pg_current_xact_id",
};

static bool is_refused_function(const struct token *name)
{
	for (size_t i = 0; i < sizeof(refused_functions) / sizeof(*refused_functions); i++) {
		const char *f = refused_functions[i];
		size_t n = strlen(f);
		bool is_prefix = f[n - 1] == '*';

		if (is_prefix)
			n--;
		if ((is_prefix ? name->len >= n : name->len == n) &&
		    strncasecmp(name->at, f, n) == 0)
			return true;
	}
	return false;
}

/* What a statement would do, as the message says it. */
static int fail(struct err *e, const char *act, const struct token *word)
{
	return err_set(e, ERR_MEASURE,
		       "cannot run the query: it would %s (%.*s), and an audit only reads", act,
		       (int)(word->len < 64 ? word->len : 64), word->at);
}

static int fail_word(struct err *e, const char *act, const struct token *word)
{
	(void)fail(e, act, word);
	return err_help(e, "when it is the name of a column or table, quote it");
}

struct reading {
	struct tokens tokens;
	struct token previous, now, next;
	size_t depth;
};

/* -1: the next token is none. */
static int advance(struct reading *r, struct err *e)
{
	r->previous = r->now;
	r->now = r->next;
	r->next = token_next(&r->tokens);
	if (r->next.type != TOKEN_BAD)
		return 0;
	return err_set(e, ERR_MEASURE, "cannot run the query: %s", r->tokens.problem);
}

static int check_word(const struct reading *r, struct err *e)
{
	bool is_called = token_is_mark(&r->next, '(');

	for (size_t i = 0; i < sizeof(refused_words) / sizeof(*refused_words); i++) {
		if (!token_is_word(&r->now, refused_words[i].word))
			continue;
		bool is_refused = true;

		switch (refused_words[i].when) {
		case ALWAYS:
			break;
		case UNLESS_CALLED:
			is_refused = !is_called;
			break;
		case UNKNOWN_ONLY:
			is_refused = r->tokens.engine != DB_MYSQL;
			break;
		}
		if (is_refused)
			return fail_word(e, refused_words[i].act, &r->now);
	}
	if (token_is_word(&r->now, "share") &&
	    (token_is_word(&r->previous, "for") || token_is_word(&r->previous, "key")))
		return fail_word(e, "lock rows", &r->now);
	if (token_is_word(&r->now, "value") && token_is_word(&r->previous, "next"))
		return fail_word(e, "count a sequence up", &r->now);
	return 0;
}

static int check_token(struct reading *r, struct err *e)
{
	bool is_name = r->now.type == TOKEN_WORD || r->now.type == TOKEN_NAME;

	if (r->now.type == TOKEN_WORD && check_word(r, e) != 0)
		return -1;
	if (is_name && token_is_mark(&r->next, '(') && is_refused_function(&r->now))
		return fail(e, "call a function that does more than read", &r->now);
	if (token_is_mark(&r->now, ':') && token_is_mark(&r->next, '=') &&
	    r->next.at == r->now.at + 1)
		return fail(e, "set a variable", &r->now);
	if (token_is_mark(&r->now, '('))
		r->depth++;
	if (r->depth > MAX_DEPTH)
		return err_set(e, ERR_MEASURE,
			       "cannot run the query: it is nested more than %d deep", MAX_DEPTH);
	if (token_is_mark(&r->now, ')') && r->depth-- == 0)
		return err_set(e, ERR_MEASURE,
			       "cannot run the query: a parenthesis closes nothing");
	return 0;
}

/* EXPLAIN [EXTENDED | PARTITIONS | FORMAT = name]: now is the last token of it. */
static int skip_explain(struct reading *r, struct err *e)
{
	if (token_is_word(&r->next, "extended") || token_is_word(&r->next, "partitions"))
		return advance(r, e);
	if (!token_is_word(&r->next, "format"))
		return 0;
	for (int i = 0; i < 3; i++)
		if (advance(r, e) != 0)
			return -1;
	return 0;
}

/* Ends with the word that says what kind of statement it is as next. */
static int find_head(struct reading *r, struct err *e)
{
	static const char *const heads[] = {"select", "with", "values", "table"};

	if (token_is_word(&r->next, "explain") && (advance(r, e) != 0 || skip_explain(r, e) != 0))
		return -1;
	while (token_is_mark(&r->next, '(')) {
		r->depth++;
		if (advance(r, e) != 0)
			return -1;
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		if (token_is_word(&r->next, heads[i]))
			return 0;
	if (r->next.type == TOKEN_END)
		return err_set(e, ERR_MEASURE, "cannot run the query: there is no statement in it");
	return err_set(e, ERR_MEASURE,
		       "cannot run the query: an audit only reads (SELECT, VALUES, "
		       "WITH ... SELECT), and this statement does something else");
}

int db_reading_check(enum db_engine engine, const char *sql, size_t *len, struct err *e)
{
	struct reading r = {.tokens = {.engine = engine, .at = sql}};
	const char *end = NULL;

	if (advance(&r, e) != 0 || find_head(&r, e) != 0)
		return -1;
	while (r.next.type != TOKEN_END) {
		if (token_is_mark(&r.next, ';') && !end)
			end = r.next.at;
		else if (end && !token_is_mark(&r.next, ';'))
			return err_set(e, ERR_MEASURE,
				       "cannot run the query: it has several statements, and a "
				       "check runs one");
		if (advance(&r, e) != 0 || check_token(&r, e) != 0)
			return -1;
	}
	if (r.depth != 0)
		return err_set(e, ERR_MEASURE, "cannot run the query: a parenthesis is not closed");
	if (len)
		*len = end ? (size_t)(end - sql) : strlen(sql);
	return 0;
}
