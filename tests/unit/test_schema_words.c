/* schema_type and schema_expression: one definition means the same on every engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "audits/schema_expression.h"
#include "audits/schema_type.h"
#include "runner/base/arena.h"

struct type_row {
	const char *expected, *declared;
	bool matches;
};

static void match_all(enum db_engine engine, const struct type_row *rows, size_t n)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < n; i++)
		if (schema_type_matches(a, engine, rows[i].expected, rows[i].declared) !=
		    rows[i].matches)
			fail_msg("%s, %s", rows[i].expected, rows[i].declared);
	arena_free(a);
}

#define MATCH_ALL(engine, rows) match_all(engine, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_schema_type_follows_affinity_on_sqlite(void **state)
{
	static const struct type_row rows[] = {
		{"integer", "INT", true},
		{"integer", "BIGINT", true},
		{"INTEGER", "unsigned big int", true},
		{"integer", "NUMERIC", false},
		{"integer", "", false},
		{"text", "VARCHAR(255)", true},
		{"text", "NATIVE CHARACTER(70)", true},
		{"text", "CLOB", true},
		{"text", "STRING", false},
		{"real", "DOUBLE PRECISION", true},
		{"real", "FLOAT", true},
		{"integer", "FLOATING POINT", true},
		{"blob", "", true},
		{"blob", "BLOB", true},
		{"numeric", "DECIMAL(10,5)", true},
		{"numeric", "BOOLEAN", true},
		{"boolean", "BOOLEAN", true},
		{"boolean", "INTEGER", false},
		{"double  precision", "DOUBLE PRECISION", true},
		{"decimal(10,2)", "DECIMAL (10, 2)", true},
		{"numeric(10,2)", "DECIMAL(10,2)", true},
		{"numeric(10,3)", "DECIMAL(10,2)", false},
		{"bigint", "INTEGER", false},
		{"bigint", "BIGINT", true},
		{"varchar(20)", "VARCHAR(20)", true},
		{"varchar(20)", "VARCHAR(21)", false},
		{"varchar", "VARCHAR(21)", true},
		{"timestamp", "DATETIME", true},
		{"mood", "MOOD", true},
		{"mood", "FOOD", false},
	};

	(void)state;
	MATCH_ALL(DB_SQLITE, rows);
}

static void test_schema_type_means_the_same_on_postgres(void **state)
{
	static const struct type_row rows[] = {
		{"integer", "integer", true},
		{"integer", "bigint", true},
		{"integer", "smallint", true},
		{"integer", "numeric", false},
		{"int", "integer", true},
		{"int4", "integer", true},
		{"int", "bigint", false},
		{"bigint", "bigint", true},
		{"int8", "bigint", true},
		{"bigserial", "bigint", true},
		{"text", "text", true},
		{"text", "character varying(20)", true},
		{"text", "character(2)", true},
		{"text", "bytea", false},
		{"varchar(20)", "character varying(20)", true},
		{"varchar(20)", "character varying(21)", false},
		{"varchar(20)", "character varying", false},
		{"varchar", "character varying(20)", true},
		{"char(2)", "character(2)", true},
		{"numeric", "numeric(10,2)", true},
		{"numeric(10,2)", "numeric(10,2)", true},
		{"decimal(10)", "numeric(10,0)", true},
		{"numeric(10,2)", "numeric", false},
		{"real", "double precision", true},
		{"double", "double precision", true},
		{"double", "real", false},
		{"float8", "double precision", true},
		{"boolean", "boolean", true},
		{"date", "date", true},
		{"timestamp", "timestamp without time zone", true},
		{"timestamp", "timestamp with time zone", false},
		{"timestamptz", "timestamp with time zone", true},
		{"varbit(5)", "bit varying(5)", true},
		{"varbit(5)", "bit varying(4)", false},
		{"timestamptz", "timestamp(3) with time zone", true},
		{"timestamptz(6)", "timestamp(3) with time zone", false},
		{"json", "json", true},
		{"json", "jsonb", true},
		{"jsonb", "json", false},
		{"uuid", "uuid", true},
		{"blob", "bytea", true},
		{"bytea", "bytea", true},
		{"text[]", "text[]", true},
		{"text", "text[]", false},
		{"integer[]", "bigint[]", true},
		{"inet", "inet", true},
		{"inet", "cidr", false},
	};

	(void)state;
	MATCH_ALL(DB_POSTGRES, rows);
}

static void test_schema_type_means_the_same_on_mysql(void **state)
{
	static const struct type_row rows[] = {
		{"integer", "int(11)", true},
		{"integer", "bigint(20) unsigned", true},
		{"integer unsigned", "int(10) unsigned", true},
		{"integer unsigned", "int(11)", false},
		{"int", "int(11)", true},
		{"int", "int", true},
		{"int", "bigint(20)", false},
		{"int", "int(10) unsigned", false},
		{"int unsigned", "int(10) unsigned", true},
		{"bigint", "bigint(20)", true},
		{"boolean", "tinyint(1)", true},
		{"boolean", "tinyint(4)", false},
		{"tinyint", "tinyint(4)", true},
		{"text", "varchar(20)", true},
		{"text", "longtext", true},
		{"text", "enum('a','b')", false},
		{"enum('a', 'b')", "enum('a','b')", true},
		{"enum('A','b')", "enum('a','b')", false},
		{"varchar(20)", "varchar(20)", true},
		{"numeric(10,2)", "decimal(10,2)", true},
		{"numeric", "decimal(10,2)", true},
		{"double", "double", true},
		{"real", "float", true},
		{"timestamp", "datetime", true},
		{"timestamp", "datetime(6)", true},
		{"timestamp", "timestamp", true},
		{"timestamptz", "timestamp", true},
		{"timestamptz", "datetime", false},
		{"date", "date", true},
		{"json", "json", true},
		{"blob", "longblob", true},
		{"blob", "varbinary(16)", true},
		{"uuid", "uuid", true},
	};

	(void)state;
	MATCH_ALL(DB_MYSQL, rows);
}

static void test_schema_type_declared_knows_an_engines_names(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_true(schema_type_is(a, DB_SQLITE, "varchar(20)", "VARCHAR ( 20 )"));
	assert_false(schema_type_is(a, DB_SQLITE, "integer", "INT"));
	assert_true(schema_type_is(a, DB_POSTGRES, "VARCHAR(20)", "character varying(20)"));
	assert_true(schema_type_is(a, DB_POSTGRES, "timestamptz", "timestamp with time zone"));
	assert_false(schema_type_is(a, DB_POSTGRES, "varchar", "character varying(20)"));
	assert_false(schema_type_is(a, DB_POSTGRES, "integer", "bigint"));
	assert_true(schema_type_is(a, DB_MYSQL, "int", "int(11)"));
	assert_false(schema_type_is(a, DB_MYSQL, "datetime", "timestamp"));
	assert_false(schema_type_is(a, DB_MYSQL, "tinyint(1)", "tinyint(4)"));
	arena_free(a);
}

static void test_schema_type_change_tells_what_happens_to_values(void **state)
{
	static const struct {
		enum db_engine engine;
		const char *was, *is;
		enum schema_narrowing change;
	} rows[] = {
		{DB_POSTGRES, "integer", "bigint", SCHEMA_TYPE_WIDER},
		{DB_POSTGRES, "bigint", "integer", SCHEMA_TYPE_NARROWER},
		{DB_POSTGRES, "integer", "numeric", SCHEMA_TYPE_WIDER},
		{DB_POSTGRES, "character varying(10)", "character varying(20)", SCHEMA_TYPE_WIDER},
		{DB_POSTGRES, "character varying(20)", "character varying(10)",
		 SCHEMA_TYPE_NARROWER},
		{DB_POSTGRES, "character varying(20)", "text", SCHEMA_TYPE_WIDER},
		{DB_POSTGRES, "text", "character varying(20)", SCHEMA_TYPE_NARROWER},
		{DB_POSTGRES, "numeric(10,2)", "numeric(12,2)", SCHEMA_TYPE_WIDER},
		{DB_POSTGRES, "numeric(10,2)", "numeric(10,4)", SCHEMA_TYPE_NARROWER},
		{DB_POSTGRES, "text", "integer", SCHEMA_TYPE_OTHER},
		{DB_POSTGRES, "text", "text[]", SCHEMA_TYPE_OTHER},
		{DB_MYSQL, "int(11)", "int(10) unsigned", SCHEMA_TYPE_NARROWER},
		{DB_MYSQL, "longtext", "text", SCHEMA_TYPE_NARROWER},
		{DB_MYSQL, "enum('a')", "enum('a','b')", SCHEMA_TYPE_OTHER},
		{DB_SQLITE, "INT", "BIGINT", SCHEMA_TYPE_WIDER},
		{DB_SQLITE, "INT", "TEXT", SCHEMA_TYPE_OTHER},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (schema_type_change(a, rows[i].engine, rows[i].was, rows[i].is) !=
		    rows[i].change)
			fail_msg("%s, %s", rows[i].was, rows[i].is);
	arena_free(a);
}

static void test_schema_expression_is_one_on_all_engines(void **state)
{
	static const struct {
		const char *one, *other;
	} rows[] = {
		{"price > 0", "(price > (0)::numeric)"},
		{"price > 0", "`price` > 0"},
		{"price>0", "( price > 0 )"},
		{"a > 0 AND b > 0", "((a > 0) AND (b > 0))"},
		{"state IN ('a', 'b')",
		 "((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character "
		 "varying])::text[]))"},
		{"state in ('a','b')", "(state = ANY (ARRAY['a'::text, 'b'::text]))"},
		{"state in ('a','b')", "`state` in ('a','b')"},
		{"state NOT IN ('a', 'b')", "(state <> ALL (ARRAY['a'::text, 'b'::text]))"},
		{"a != b", "(a <> b)"},
		{"name LIKE 'a%'", "(name ~~ 'a%'::text)"},
		{"name NOT LIKE 'a%'", "(name !~~ 'a%'::text)"},
		{"lower(email)", "lower((email)::text)"},
		{"a + b * c", "(a + (b * c))"},
		{"NOT a", "(NOT a)"},
		{"a IS NOT NULL", "(a IS NOT NULL)"},
		{"n BETWEEN 1 AND 5", "(n between 1 and 5)"},
		{"n = -1", "(n = '-1'::integer)"},
		{"CURRENT_TIMESTAMP", "now()"},
		{"CURRENT_TIMESTAMP", "current_timestamp()"},
		{"'new'", "'new'::character varying"},
		{"_utf8mb4'new'", "'new'"},
		{"nextval('t_id_seq')", "nextval('t_id_seq'::regclass)"},
		{"CASE WHEN a THEN 1 ELSE 2 END", "case when (a) then (1) else (2) end"},
		{"DATE '2026-01-01' < at", "('2026-01-01'::date < at)"},
		{"\"Price\" > 0", "(\"Price\" > 0)"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!schema_expression_is(a, rows[i].one, rows[i].other))
			fail_msg("%s: %s, %s", rows[i].one, schema_expression(a, rows[i].one),
				 schema_expression(a, rows[i].other));
	arena_free(a);
}

/* What would change a value is never dropped. */
static void test_schema_expression_keeps_what_matters(void **state)
{
	static const struct {
		const char *one, *other;
	} rows[] = {
		{"(a + b) * c", "a + b * c"},
		{"a - (b - c)", "a - b - c"},
		{"NOT (a AND b)", "NOT a AND b"},
		{"a OR b AND c", "(a OR b) AND c"},
		{"price > 0", "price >= 0"},
		{"price > 0", "price > 0.0"},
		{"name = 'A'", "name = 'a'"},
		{"\"Price\" > 0", "price > 0"},
		{"cast(a as integer) > 1", "a > 1"},
		{"a::integer > 1", "a > 1"},
		{"1.5::integer", "1.5"},
		{"state IN ('a')", "state IN ('a', 'b')"},
		{"a = 1", "a = 1 AND b = 2"},
		{"x IN (1, 2)", "x NOT IN (1, 2)"},
		{"count(DISTINCT a)", "count(a)"},
		{"(a, b) = (1, 2)", "a = (1, 2)"},
		{"''''", "'"},
		{"'a", "a"},
		{"", "0"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (schema_expression_is(a, rows[i].one, rows[i].other))
			fail_msg("%s, %s: %s", rows[i].one, rows[i].other,
				 schema_expression(a, rows[i].one));
	assert_true(schema_expression_is(a, NULL, NULL));
	assert_false(schema_expression_is(a, NULL, "a"));
	arena_free(a);
}

/* Whatever stands in a catalog: deep nesting and text that never ends cost nothing. */
static void test_schema_expression_survives_anything(void **state)
{
	static const char *const odd[] = {
		"",	"(",	")",	   "'",	 "\"",	     "`",	    "a.",
		"a::",	"::",	"case",	   "[]", "a[1]",     "- -",	    "not not",
		"in (", "x in", "between", "is", "a b",	     "array[",	    "f(",
		"f(a,", ",",	"%",	   "1e", "\xff\xfe", "a::numeric(", "_x'",
	};
	struct arena *a = arena_new();
	char *deep = arena_alloc(a, 20001);

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_true(schema_expression_is(a, odd[i], odd[i]));
	memset(deep, '(', 20000);
	assert_true(schema_expression_is(a, deep, deep));
	memset(deep, '-', 20000);
	assert_true(schema_expression_is(a, deep, deep));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_type_follows_affinity_on_sqlite),
		cmocka_unit_test(test_schema_type_means_the_same_on_postgres),
		cmocka_unit_test(test_schema_type_means_the_same_on_mysql),
		cmocka_unit_test(test_schema_type_declared_knows_an_engines_names),
		cmocka_unit_test(test_schema_type_change_tells_what_happens_to_values),
		cmocka_unit_test(test_schema_expression_is_one_on_all_engines),
		cmocka_unit_test(test_schema_expression_keeps_what_matters),
		cmocka_unit_test(test_schema_expression_survives_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
