/* db_reading: what passes for reading, and what hides in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/db_reading.h"

#define N(list) (sizeof(list) / sizeof(*(list)))

static void passes(enum db_engine engine, const char *sql)
{
	struct err e = {0};

	if (db_reading_check(engine, sql, NULL, &e) != 0)
		fail_msg("refused: %s\n%s", sql, e.message);
}

/* The reason has to be the right one. */
static void refuses(enum db_engine engine, const char *sql, const char *reason)
{
	struct err e = {0};

	if (db_reading_check(engine, sql, NULL, &e) == 0)
		fail_msg("passed: %s", sql);
	if (!strstr(e.message, reason))
		fail_msg("%s\nexpected: %s\ngot: %s", sql, reason, e.message);
	assert_int_equal(e.class, ERR_MEASURE);
}

static void test_reading_passes(void **state)
{
	static const char *const both[] = {
		"SELECT 1",
		"select count(*) from orders where state = 'into' and note = 'it''s; DELETE'",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i)",
		"(SELECT 1) UNION (SELECT 2)",
		"VALUES (1), (2)",
		"SELECT `update`, `into` FROM `lock`",
		"SELECT 1 /* INTO OUTFILE 'x' */ FROM t -- DELETE FROM t\n WHERE a = 1;",
		"SELECT 1;;  -- done",
		"SELECT replace(a, 'x', 'y'), insert(a, 1, 2, 'z') FROM t",
		"SELECT updated_at, deleted, lock_version, into_date FROM t",
		"SELECT sum(total) FROM t GROUP BY share, value",
		"SELECT 1e5, 1.5E-3, .5, 0x1F, x'4D', 1-1 FROM t",
		"SELECT 'a\\\\' FROM t",
		"SELECT '' , 'x' FROM t",
	};

	(void)state;
	for (size_t i = 0; i < N(both); i++) {
		passes(DB_MYSQL, both[i]);
		passes(DB_ODBC, both[i]);
	}
	passes(DB_MYSQL, "EXPLAIN FORMAT=JSON SELECT * FROM t");
	passes(DB_MYSQL, "EXPLAIN EXTENDED SELECT * FROM t");
	passes(DB_MYSQL, "SELECT \"x; DELETE\", 'a\\'; INTO' # into\n FROM t");
	passes(DB_MYSQL, "TABLE orders");
	passes(DB_MYSQL, "SELECT `create`, call, used, comment FROM t");
	passes(DB_ODBC, "SELECT \"update\", a[1] FROM \"in\"\"to\" WHERE t = {d '2026-01-01'}");
}

static void test_writing_is_refused(void **state)
{
	static const struct {
		const char *sql, *reason;
	} rows[] = {
		{"", "there is no statement in it"},
		{"  -- nothing\n /* at all */ ", "there is no statement in it"},
		{"DELETE FROM t", "does something else"},
		{"SET STATEMENT max_statement_time = 0 FOR DELETE FROM t", "does something else"},
		{"EXPLAIN ANALYZE DELETE FROM t", "does something else"},
		{"EXPLAIN UPDATE t SET a = 1", "does something else"},
		{"DO SLEEP(1)", "does something else"},
		{"CALL p()", "does something else"},
		{"BEGIN NOT ATOMIC DELETE FROM t; END", "does something else"},
		{"(((DELETE FROM t)))", "does something else"},
		{"SELECT 1; DELETE FROM t", "it has several statements"},
		{"SELECT 1;/* x */SELECT 2", "it has several statements"},
		{"SELECT 1 INTO OUTFILE '/tmp/x'", "a file, a table or a variable (INTO)"},
		{"SELECT 1 iNtO DUMPFILE '/tmp/x'", "a file, a table or a variable"},
		{"SELECT 1.INTO OUTFILE '/tmp/x'", "a file, a table or a variable"},
		{"SELECT 1.5INTO OUTFILE '/tmp/x'", "a file, a table or a variable"},
		{"SELECT 1e5INTO OUTFILE '/tmp/x'", "a file, a table or a variable"},
		{"SELECT 1E+5INTO OUTFILE '/tmp/x'", "a file, a table or a variable"},
		{"SELECT 'a'INTO OUTFILE '/tmp/x'", "a file, a table or a variable"},
		{"SELECT`a`INTO OUTFILE '/tmp/x' FROM t", "a file, a table or a variable"},
		{"SELECT/**/1/**/INTO/**/@a", "a file, a table or a variable"},
		{"SELECT * INTO copy FROM t", "a file, a table or a variable"},
		{"SELECT '\\\\' INTO OUTFILE '/tmp/x' -- '", "a file, a table or a variable"},
		{"SELECT ''' ' INTO OUTFILE '/tmp/x' -- '", "a file, a table or a variable"},
		{"WITH a AS (SELECT 1) DELETE FROM t", "delete rows"},
		{"WITH a AS (SELECT 1) UPDATE t SET b = 1", "update or lock rows"},
		{"WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "insert rows"},
		{"WITH a AS (SELECT 1) REPLACE t SELECT * FROM a", "replace rows"},
		{"SELECT 1 FROM t FOR UPDATE", "update or lock rows"},
		{"SELECT 1 FROM t FOR SHARE", "lock rows"},
		{"SELECT 1 FROM t LOCK IN SHARE MODE", "lock rows"},
		{"SELECT 1 FROM t PROCEDURE ANALYSE()", "run a procedure"},
		{"SELECT NEXT VALUE FOR s", "count a sequence up"},
		{"SELECT @a := 1", "set a variable"},
		{"SELECT SLEEP(1)", "call a function that does more than read (SLEEP)"},
		{"SELECT `sleep` /* x */ (1)", "call a function that does more than read"},
		{"SELECT BENCHMARK(1, 1)", "call a function that does more than read"},
		{"SELECT 1 WHERE get_lock('a', 1)", "call a function that does more than read"},
		{"SELECT load_file('/etc/passwd')", "call a function that does more than read"},
		{"SELECT nextval(s)", "call a function that does more than read"},
		{"SELECT sys_exec('id')", "call a function that does more than read"},
		{"SELECT /*! 1 INTO OUTFILE '/tmp/x' */", "a comment that the server would run"},
		{"SELECT /*M! 1 */", "a comment that the server would run"},
		{"SELECT /*+ SET_VAR(sql_mode='') */ 1", "a hint that could change the session"},
		{"SELECT 1 /* open", "a comment does not end"},
		{"SELECT 'open", "a quoted text or name does not end"},
		{"SELECT `open", "a quoted text or name does not end"},
		{"SELECT 1) q INTO OUTFILE '/tmp/x' -- ", "a parenthesis closes nothing"},
		{"SELECT (1", "a parenthesis is not closed"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		refuses(DB_MYSQL, rows[i].sql, rows[i].reason);
		refuses(DB_ODBC, rows[i].sql, rows[i].reason);
	}
}

/* Texts in which MySQL sees something else than the standard would. */
static void test_mysql_is_read_as_it_reads(void **state)
{
	(void)state;
	refuses(DB_MYSQL, "SELECT \"\\\" INTO \" INTO OUTFILE 'x'",
		"a file, a table or a variable");
	refuses(DB_MYSQL, "SELECT 'a\\'' INTO OUTFILE 'x'", "a file, a table or a variable");
	refuses(DB_MYSQL, "SELECT 1 --1 INTO OUTFILE 'x'", "a file, a table or a variable");
	refuses(DB_MYSQL, "SELECT 1 # '\n INTO OUTFILE 'x' # '", "a file, a table or a variable");
	refuses(DB_MYSQL, "SELECT `\\` INTO OUTFILE 'x'", "a file, a table or a variable");
	refuses(DB_MYSQL, "SELECT 1 -- '\r INTO OUTFILE 'x'", "carriage return");
}

/* Behind ODBC may be any dialect: what two of them read in two ways is refused. */
static void test_an_unknown_dialect_is_not_guessed(void **state)
{
	static const char *const ambiguous[] = {
		"SELECT 'a\\' INTO OUTFILE 'x' -- ' FROM t",
		"SELECT 1 --1 INTO t",
		"SELECT 1 # 1 INTO t",
		"SELECT $$ ' $$ INTO t",
		"SELECT $a$ ' $a$ INTO t",
		"SELECT q'[it's]' INTO t",
		"SELECT nQ'[it's]' INTO t",
		"SELECT [a'b] INTO t",
		"SELECT /* /* */ 1 INTO t */",
		"SELECT 1 -- '\r INTO t",
	};

	(void)state;
	for (size_t i = 0; i < N(ambiguous); i++)
		refuses(DB_ODBC, ambiguous[i], "read");
	refuses(DB_ODBC, "SELECT 1 DROP TABLE t", "change the catalog");
	refuses(DB_ODBC, "SELECT 1 EXEC('x')", "run a procedure");
	refuses(DB_ODBC, "SELECT 1 EXECUTE xp_cmdshell 'x'", "run a procedure");
	refuses(DB_ODBC, "SELECT * FROM OPENQUERY(s, 'DELETE t')", "run a statement elsewhere");
	refuses(DB_ODBC, "SELECT pg_terminate_backend(1)", "does more than read");
	refuses(DB_ODBC, "SELECT lo_import('/etc/passwd')", "does more than read");
	refuses(DB_ODBC, "{call p}", "does something else");
}

static void test_names_of_refused_words_can_be_quoted(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(db_reading_check(DB_MYSQL, "SELECT t.lock FROM t", NULL, &e), -1);
	assert_string_equal(e.help, "when it is the name of a column or table, quote it");
	passes(DB_MYSQL, "SELECT t.`lock` FROM t");
}

static void test_length_is_without_the_semicolon(void **state)
{
	size_t len = 0;

	(void)state;
	assert_int_equal(db_reading_check(DB_MYSQL, "SELECT ';' ; -- x", &len, NULL), 0);
	assert_int_equal(len, strlen("SELECT ';' "));
	assert_int_equal(db_reading_check(DB_MYSQL, "SELECT 1", &len, NULL), 0);
	assert_int_equal(len, strlen("SELECT 1"));
}

static void test_parameters_become_literals(void **state)
{
	const char *sql = "SELECT '?1', `?2` /* ?3 */ FROM t WHERE a = ?2 AND b = ?1 ;";
	const char *const params[] = {"it's", "a\\b"};
	struct err e = {0};
	struct buf out;

	(void)state;
	assert_int_equal(db_reading_fill(DB_MYSQL, &out, sql, strlen(sql) - 1, params, 2, &e), 0);
	assert_string_equal(out.data,
			    "SELECT '?1', `?2` /* ?3 */ FROM t WHERE a = 'a\\\\b' AND b = "
			    "'it''s' ");
	buf_release(&out);
	assert_int_equal(db_reading_fill(DB_MYSQL, &out, sql, strlen(sql), params, 1, &e), -1);
	assert_string_equal(e.message, "cannot run the query: ?2 has no value");
	buf_release(&out);
	assert_int_equal(db_reading_fill(DB_ODBC, &out, sql, strlen(sql), params, 2, &e), -1);
	assert_non_null(strstr(e.message, "a backslash"));
	buf_release(&out);
}

static void test_names_are_put_in_other_quotes(void **state)
{
	struct buf out;

	(void)state;
	db_reading_requote(DB_ODBC, &out,
			   "SELECT \"a\"\"b\", \"c`d\", '\"e\"', `f` FROM \"g\" -- \"h\"", '`');
	assert_string_equal(out.data, "SELECT `a\"b`, `c``d`, '\"e\"', `f` FROM `g` -- \"h\"");
	buf_release(&out);
	db_reading_requote(DB_ODBC, &out, "SELECT \"a\"", '"');
	assert_string_equal(out.data, "SELECT \"a\"");
	buf_release(&out);
}

static void test_nesting_has_a_limit(void **state)
{
	char sql[4096] = "SELECT ";

	(void)state;
	memset(sql + 7, '(', 2000);
	refuses(DB_MYSQL, sql, "nested more than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading_passes),
		cmocka_unit_test(test_writing_is_refused),
		cmocka_unit_test(test_mysql_is_read_as_it_reads),
		cmocka_unit_test(test_an_unknown_dialect_is_not_guessed),
		cmocka_unit_test(test_names_of_refused_words_can_be_quoted),
		cmocka_unit_test(test_length_is_without_the_semicolon),
		cmocka_unit_test(test_parameters_become_literals),
		cmocka_unit_test(test_names_are_put_in_other_quotes),
		cmocka_unit_test(test_nesting_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
