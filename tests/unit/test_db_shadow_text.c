/* db_shadow_text: where the names of a shadowed table are, and what no shadow can stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/db_driver.h"
#include "runner/io/db_shadow_text.h"

#define N(list) (sizeof(list) / sizeof(*(list)))

/*
 * What becomes of a statement; NULL = it names no shadowed table. %S stands for the schema, %A for
 * the table as the engine quotes it; %B, %P and %R for the definitions of its own name, of the
 * private one, and of its own name by way of the private one.
 */
struct row {
	const char *sql, *wanted;
};

struct dialect {
	enum db_engine engine;
	const char *schema, *quoted, *as;
};

static const struct dialect dialects[] = {
	[DB_SQLITE] = {DB_SQLITE, "main", "\"orders\"", "AS"},
	[DB_POSTGRES] = {DB_POSTGRES, "public", "\"orders\"", "AS NOT MATERIALIZED"},
	[DB_MYSQL] = {DB_MYSQL, "shop", "`orders`", "AS"},
};

static const char *piece(struct arena *a, const struct dialect *d, char c)
{
	switch (c) {
	case 'S':
		return d->schema;
	case 'A':
		return d->quoted;
	case 'B':
		return arena_printf(a, "%s %s (\nBODY\n)", d->quoted, d->as);
	case 'P':
		return arena_printf(a, "assize_shadow_0 %s (\nBODY\n)", d->as);
	case 'I':
		return "(\nBODY\n)";
	case 'R':
		return arena_printf(a, "%s %s (SELECT * FROM assize_shadow_0)", d->quoted, d->as);
	default:
		return "?";
	}
}

static const char *fill(struct arena *a, const struct dialect *d, const char *text)
{
	const char *out = "";

	for (; *text; text++)
		out = arena_printf(a, "%s%s", out,
				   *text == '%' ? piece(a, d, *++text) : arena_strndup(a, text, 1));
	return out;
}

static int put(struct arena *a, enum db_engine engine, const char *sql,
	       struct shadow_target *targets, size_t n, struct shadow_text *t, struct err *e)
{
	struct db_tokens *tokens = arena_alloc(a, sizeof(*tokens));
	const struct db_driver *driver = db_driver_of(engine, e);

	assert_non_null(driver);
	*tokens = (struct db_tokens){.arena = a};
	if (driver->tokens(tokens, sql, 0, e) != 0)
		fail_msg("%s: %s", sql, e->message);
	*t = (struct shadow_text){
		.engine = engine,
		.sql = sql,
		.tokens = tokens,
		.targets = targets,
		.n_targets = n,
	};
	return shadow_put(t, e);
}

typedef void check_fn(const struct dialect *d, const struct row *r);

static void becomes(const struct dialect *d, const struct row *r)
{
	struct arena *a = arena_new();
	struct shadow_target target = {d->schema, "orders", "BODY", true, false};
	struct shadow_text t;
	struct err e = {0};
	const char *sql = fill(a, d, r->sql);

	if (put(a, d->engine, sql, &target, 1, &t, &e) != 0)
		fail_msg("%s\nrefused: %s", sql, e.message);
	if (!r->wanted && t.shadowed)
		fail_msg("%s\nshadowed: %s", sql, t.shadowed);
	if (r->wanted && !t.shadowed)
		fail_msg("%s\nnot shadowed", sql);
	if (r->wanted)
		assert_string_equal(t.shadowed, fill(a, d, r->wanted));
	assert_int_equal(target.is_used, r->wanted != NULL);
	arena_free(a);
}

static void refuses(const struct dialect *d, const struct row *r)
{
	struct arena *a = arena_new();
	struct shadow_target target = {d->schema, "orders", "BODY", true, false};
	struct shadow_text t;
	struct err e = {0};
	const char *sql = fill(a, d, r->sql);

	if (put(a, d->engine, sql, &target, 1, &t, &e) == 0)
		fail_msg("%s\nnot refused: %s", sql, t.shadowed ? t.shadowed : "");
	if (!strstr(e.message, r->wanted) || !strstr(e.message, "\"orders\""))
		fail_msg("%s\nexpected: %s\ngot: %s", sql, r->wanted, e.message);
	assert_int_equal(e.class, ERR_MEASURE);
	arena_free(a);
}

static void all(check_fn *check, enum db_engine engine, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&dialects[engine], &rows[i]);
}

static void everywhere(check_fn *check, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < N(dialects); i++)
		all(check, dialects[i].engine, rows, n);
}

static const struct row put_rows[] = {
	/* by its name alone: the engine finds the shadow */
	{"select count(*) from orders", "WITH %B select count(*) from orders"},
	{"select a, a from orders o order by 1 limit 2;",
	 "WITH %B select a, a from orders o order by 1 limit 2;"},
	{"  /* first */ select 1 from orders -- orders\n",
	 "  /* first */ WITH %B select 1 from orders -- orders\n"},
	{"(select 1 from orders) union (select 2 from orders)",
	 "WITH %B (select 1 from orders) union (select 2 from orders)"},
	{"select * from x where id in (select id from orders)",
	 "WITH %B select * from x where id in (select id from orders)"},
	{"select orders.total, orders.* from orders",
	 "WITH %B select orders.total, orders.* from orders"},
	{"select * from x, orders where x.id = orders.id",
	 "WITH %B select * from x, orders where x.id = orders.id"},
	{"with r as (select * from orders) select * from r",
	 "with %B, r as (select * from orders) select * from r"},
	{"with recursive n(i) as (select 1) select * from n, orders",
	 "with recursive %B, n(i) as (select 1) select * from n, orders"},
	{"WITH\n-- why\nr as (select 1) select * from r, orders",
	 "WITH\n-- why\n%B, r as (select 1) select * from r, orders"},
	{"values ((select count(*) from orders))",
	 "WITH %B values ((select count(*) from orders))"},
	{"select x.orders, orders from x", "WITH %B select x.orders, orders from x"},
	{"select 1 from (select 1 from (select 1 from orders) p) q",
	 "WITH %B select 1 from (select 1 from (select 1 from orders) p) q"},
	{"select 1 from x as orders", "WITH %B select 1 from x as orders"},
	{"select 1 from x where t in (select 'orders' from orders)",
	 "WITH %B select 1 from x where t in (select 'orders' from orders)"},
	{"select lower('orders'), coalesce('orders', t) from orders",
	 "WITH %B select lower('orders'), coalesce('orders', t) from orders"},
	{"select ?1, ?2 from orders where a = ?2",
	 "WITH %B select ?1, ?2 from orders where a = ?2"},
	/* with its schema: it gets a name of its own */
	{"select count(*) from %S.orders", "WITH %P select count(*) from assize_shadow_0 AS %A"},
	{"select count(*) from %S . orders where 1 = 1",
	 "WITH %P select count(*) from assize_shadow_0 AS %A where 1 = 1"},
	{"select %S.orders.total, %S.orders.* from %S.orders",
	 "WITH %P select orders.total, orders.* from assize_shadow_0 AS %A"},
	{"select o.total from %S.orders o", "WITH %P select o.total from assize_shadow_0 o"},
	{"select o.total from %S.orders as o", "WITH %P select o.total from assize_shadow_0 as o"},
	{"select 1 from %S.orders join %S.lines l on l.id = %S.orders.id",
	 "WITH %P select 1 from assize_shadow_0 AS %A join %S.lines l on l.id = orders.id"},
	{"select 1 from %S.orders a left join %S.orders b on a.id = b.id",
	 "WITH %P select 1 from assize_shadow_0 a left join assize_shadow_0 b on a.id = "
	 "b.id"},
	{"select (select max(id) from %S.orders), count(*) from orders",
	 "WITH %P, %R select (select max(id) from assize_shadow_0 AS %A), count(*) from "
	 "orders"},
	/* something of the statement's own is called like it */
	{"with orders as (select * from %S.orders) select count(*) from orders",
	 "with %P, orders as (select * from assize_shadow_0 AS %A) select count(*) from "
	 "orders"},
	{"with recursive orders as (select * from %S.orders) select 1 from orders",
	 "with recursive %P, orders as (select * from assize_shadow_0 AS %A) select 1 from "
	 "orders"},
	{"with recursive orders as (select 1 union select 1 from orders) select 1 from "
	 "orders",
	 NULL},
	/* it names something else */
	{"select count(*) from lines", NULL},
	{"select 'orders', ordersx, 1 from lines /* orders */ -- orders", NULL},
	{"select other.orders.id from other.orders", NULL},
	{"select l.orders from lines l", NULL},
	{"select count(*) from lines where relname = 'orders' or t in ('orders')", NULL},
	{"select orders(1), orders (1) from lines", NULL},
};

static void test_shadow_put(void **state)
{
	(void)state;
	everywhere(becomes, put_rows, N(put_rows));
}

static const struct row sqlite_rows[] = {
	{"select 1 from (with orders as (select * from %S.orders) select * from orders) q",
	 "WITH %P, %R select 1 from (with orders as (select * from assize_shadow_0 AS %A) "
	 "select * from orders) q"},
	{"select 1 from ORDERS", "WITH %B select 1 from ORDERS"},
	{"select 1 from \"orders\" where x = \"orders\".y",
	 "WITH %B select 1 from \"orders\" where x = \"orders\".y"},
	{"select 1 from [orders]", "WITH %B select 1 from [orders]"},
	{"select 1 from `orders`", "WITH %B select 1 from `orders`"},
	{"select 1 from 'orders'", "WITH %B select 1 from 'orders'"},
	{"select 1 from Main.[Orders]", "WITH %P select 1 from assize_shadow_0 AS %A"},
	{"select 1 from \"main\".'orders' 'o'", "WITH %P select 1 from assize_shadow_0 'o'"},
	{"select [main].orders.\"id\" from main/**/./**/orders o",
	 "WITH %P select orders.\"id\" from assize_shadow_0 o"},
	{"select 1 in main.orders", "WITH %P select 1 in assize_shadow_0"},
	{"select 'it''s from main.orders' from lines", NULL},
	{"select '[', [a'b] from main.orders",
	 "WITH %P select '[', [a'b] from assize_shadow_0 AS %A"},
	{"with orders as (select 1 from orders) select 1 from orders", NULL},
	{"select rowid from lines", NULL},
	{"select /* a /* b */ 1 from main.orders",
	 "WITH %P select /* a /* b */ 1 from assize_shadow_0 AS %A"},
};

static const struct row sqlite_refused[] = {
	{"pragma table_info(orders)", "no query"},
	{"explain query plan select 1 from orders", "no query"},
	{"select name from pragma_table_info('orders')", "in a text"},
	{"select count(*) from orders, pragma_index_list(\n'main.Orders')", "in a text"},
	{"select main.orders from main.orders, lines main", "name of its schema"},
	{"select 1 from assize_shadow_0, orders", "begins with"},
};

static void test_shadow_sqlite(void **state)
{
	(void)state;
	all(becomes, DB_SQLITE, sqlite_rows, N(sqlite_rows));
	all(refuses, DB_SQLITE, sqlite_refused, N(sqlite_refused));
}

static const struct row postgres_rows[] = {
	{"select 1 from (with orders as (select * from %S.orders) select * from orders) q",
	 "WITH %P, %R select 1 from (with orders as (select * from assize_shadow_0 AS %A) "
	 "select * from orders) q"},
	{"with orders as (select 1) (select 1 from orders)", NULL},
	{"with orders(a) as materialized (select 1 from orders) (select 1 from orders)",
	 "with %P, orders(a) as materialized (select 1 from assize_shadow_0 AS %A) (select 1 from "
	 "orders)"},
	{"select 1 from (with orders as (select 1 from orders) select 1 from orders) q",
	 "WITH %B select 1 from (with orders as (select 1 from orders) select 1 from orders) q"},
	{"select 1 from ORDERS", "WITH %B select 1 from ORDERS"},
	{"select 1 from \"Orders\"", NULL},
	{"select 1 from PUBLIC.\"orders\"", "WITH %P select 1 from assize_shadow_0 AS %A"},
	{"select 1 from \"Public\".orders", NULL},
	{"select $$ public.orders $$, $a$ $$ public.orders $a$ from lines", NULL},
	{"select E'\\' public.orders', 'a\\' from public.orders",
	 "WITH %P select E'\\' public.orders', 'a\\' from assize_shadow_0 AS %A"},
	{"select /* a /* b */ public.orders */ 1 from public.orders",
	 "WITH %P select /* a /* b */ public.orders */ 1 from assize_shadow_0 AS %A"},
	{"table orders", "WITH %B table orders"},
	{"table public.orders", "WITH %P table assize_shadow_0"},
	{"select (x).orders, (x).public.orders from lines x", NULL},
	{"select a--1\n from public.orders", "WITH %P select a--1\n from assize_shadow_0 AS %A"},
	{"with orders as (select * from orders) select 1 from orders",
	 "with %P, orders as (select * from assize_shadow_0 AS %A) select 1 from orders"},
	{"with r as (select * from public.lines join orders o on true), orders as (select "
	 "1) "
	 "select 1 from orders",
	 "with %P, r as (select * from public.lines join assize_shadow_0 o on true), "
	 "orders "
	 "as (select 1) select 1 from orders"},
	{"with orders as materialized (select 1), r as (select 1 from orders) select 1 "
	 "from r",
	 NULL},
	{"select 1 from l, lateral (select * from public.orders o where o.id = l.id) q",
	 "WITH %P select 1 from l, lateral (select * from assize_shadow_0 o where o.id = "
	 "l.id) q"},
	{"select total is distinct from public.orders.id from public.orders",
	 "WITH %P select total is distinct from orders.id from assize_shadow_0 AS %A"},
	{"select extract(year from public.orders.at) from public.orders",
	 "WITH %P select extract(year from orders.at) from assize_shadow_0 AS %A"},
	{"select substring(t from 2 for 3) from orders",
	 "WITH %B select substring(t from 2 for 3) from orders"},
	{"select 1 from public.orders fetch first row only",
	 "WITH %P select 1 from assize_shadow_0 AS %A fetch first row only"},
	{"select public.orders('x') from lines", NULL},
};

static const struct row postgres_refused[] = {
	{"explain select 1 from orders", "no query"},
	{"explain (verbose) select 1 from public.orders", "no query"},
	{"select ctid from orders", "system column"},
	{"select o.xmin from public.orders o", "system column"},
	{"select \"tableoid\"::regclass from orders", "system column"},
	{"select 1 from only orders", "ONLY"},
	{"select 1 from only (public.orders)", "ONLY"},
	{"select 1 from orders for update", "locks"},
	{"select 1 from orders for no key update", "locks"},
	{"select 1 from orders o for share of o", "locks"},
	{"select 1 from shop.public.orders", "with its database"},
	{"select pg_relation_size('orders')", "in a text"},
	{"select pg_relation_size($$public.orders$$)", "in a text"},
	{"select 1 from lines where oid = 'ORDERS'::regclass", "in a text"},
	{"select 1 from lines where oid = regclass 'orders'", "in a text"},
	{"select cast('public.orders' as regclass), 1 from lines", "in a text"},
	{"with orders as (select 1 from lines, orders) select 1 from orders", "not clear"},
	{"select public.orders.id from public.orders join old.orders using (id)", "another table"},
};

static void test_shadow_postgres(void **state)
{
	(void)state;
	all(becomes, DB_POSTGRES, postgres_rows, N(postgres_rows));
	all(refuses, DB_POSTGRES, postgres_refused, N(postgres_refused));
}

static const struct row mysql_rows[] = {
	{"select row_number() over (partition by orders.id) from orders",
	 "WITH %B select row_number() over (partition by orders.id) from orders"},
	/* where MariaDB would find the table itself */
	{"select 1 from (with orders as (select * from %S.orders) select * from orders) q",
	 "WITH %B select 1 from (with orders as (select * from %I AS %A) select * from orders) q"},
	{"select 1 from (with a as (select 1 from shop.orders o join orders p), orders as (select "
	 "shop.orders.id from orders where id > 1) select 1 from orders, a) q",
	 "WITH %B select 1 from (with a as (select 1 from %I o join %I p), orders as (select "
	 "orders.id "
	 "from %I AS %A where id > 1) select 1 from orders, a) q"},
	{"select 1 from (with recursive a as (select 1 from orders union select 1 from a) select 1 "
	 "from a, orders) q",
	 "WITH %B select 1 from (with recursive a as (select 1 from %I AS %A union select 1 from "
	 "a) select 1 from a, orders) q"},
	{"with x as (select 1 from orders), y as (with z as (select 1 from orders) select 1 from "
	 "z) "
	 "select 1 from x, y",
	 "with %B, x as (select 1 from orders), y as (with z as (select 1 from %I AS %A) select 1 "
	 "from z) select 1 from x, y"},
	{"select 1 from `orders`", "WITH %B select 1 from `orders`"},
	{"select 1 from `shop`.`orders` straight_join x",
	 "WITH %P select 1 from assize_shadow_0 AS %A straight_join x"},
	{"select \"orders\", 'shop.orders', \"\\\" shop.orders\" from x", NULL},
	{"select 1 # shop.orders\nfrom shop.orders",
	 "WITH %P select 1 # shop.orders\nfrom assize_shadow_0 AS %A"},
	{"select 1 from shop.orders use index (a)",
	 "WITH %P select 1 from assize_shadow_0 AS %A use index (a)"},
	{"select a--1, shop.orders.b from shop.orders",
	 "WITH %P select a--1, orders.b from assize_shadow_0 AS %A"},
	{"with orders as (select * from orders) select 1 from orders",
	 "with %P, orders as (select * from assize_shadow_0 AS %A) select 1 from orders"},
};

static const struct row mysql_refused[] = {
	{"select 1 from (with r as (select 1 from {oj orders left join x on true}) select 1 from "
	 "r) "
	 "q",
	 "not clear"},
	{"select 1 from orders partition (p0)", "partition"},
	{"select 1 from `shop`.orders PARTITION(p0, p1) o", "partition"},
	{"select 1 from orders for system_time as of timestamp'2016-10-09 08:07:06'", "past"},
	{"with orders as (select 1) select 1 from (with orders as (select 1 from orders) select 1 "
	 "from orders) q",
	 "not clear"},
	{"explain format=json select 1 from orders", "no query"},
	{"show create table orders", "no query"},
	{"describe shop.orders", "no query"},
	{"select 1 from .orders", "point"},
	{"select 1 from orders for update", "locks"},
	{"select shop.orders from shop.orders, lines as shop", "name of its schema"},
	/* a column, which cannot be known */
	{"select shop.orders from lines shop", "name of its schema"},
};

static void test_shadow_mysql(void **state)
{
	(void)state;
	all(becomes, DB_MYSQL, mysql_rows, N(mysql_rows));
	all(refuses, DB_MYSQL, mysql_refused, N(mysql_refused));
}

/* Two of one name, one of them found without its schema; and a table that no bare name finds. */
static void test_shadow_schemas(void **state)
{
	struct arena *a = arena_new();
	struct shadow_target targets[] = {
		{"old", "orders", "OLD", false, false},
		{"public", "orders", "NEW", true, false},
	};
	struct shadow_text t;
	struct err e = {0};

	(void)state;
	assert_int_equal(put(a, DB_POSTGRES, "select 1 from orders join old.orders o on true",
			     targets, 2, &t, &e),
			 0);
	assert_string_equal(t.shadowed,
			    "WITH assize_shadow_0 AS NOT MATERIALIZED (\nOLD\n), \"orders\" AS NOT "
			    "MATERIALIZED (\nNEW\n) select 1 from orders join assize_shadow_0 o on "
			    "true");
	assert_true(targets[0].is_used && targets[1].is_used);
	assert_int_equal(put(a, DB_POSTGRES, "select 1 from orders", targets, 1, &t, &e), 0);
	assert_null(t.shadowed);
	assert_false(targets[0].is_used);
	arena_free(a);
}

/* A table that is given twice is shadowed once. */
static void test_shadow_twice(void **state)
{
	struct arena *a = arena_new();
	struct shadow_target targets[] = {
		{"public", "orders", "ONE", true, false},
		{"public", "orders", "TWO", false, false},
		{"public", "orders", "SIX", false, false},
		{"public", "orders", "TEN", false, false},
	};
	struct shadow_text t;
	struct err e = {0};

	(void)state;
	assert_int_equal(put(a, DB_POSTGRES, "select public.orders.id from public.orders", targets,
			     N(targets), &t, &e),
			 0);
	assert_non_null(
		strstr(t.shadowed, ") select orders.id from assize_shadow_0 AS \"orders\""));
	arena_free(a);
}

/* Names of tables that differ by case, as on most servers of MySQL. */
static void test_shadow_case(void **state)
{
	struct arena *a = arena_new();
	struct shadow_target target = {"shop", "orders", "BODY", true, false};
	struct db_tokens tokens = {.arena = a};
	struct shadow_text t = {
		.engine = DB_MYSQL,
		.is_exact = true,
		.sql = "select 1 from shop.Orders, Orders",
		.tokens = &tokens,
		.targets = &target,
		.n_targets = 1,
	};
	struct err e = {0};

	(void)state;
	assert_int_equal(mysql_tokens(&tokens, t.sql, 0, &e), 0);
	assert_int_equal(shadow_put(&t, &e), 0);
	assert_null(t.shadowed);
	t.is_exact = false;
	assert_int_equal(shadow_put(&t, &e), 0);
	assert_non_null(t.shadowed);
	arena_free(a);
}

static void test_shadow_odbc(void **state)
{
	struct arena *a = arena_new();
	struct shadow_target target = {"dbo", "orders", "BODY", true, false};
	struct shadow_text t;
	struct err e = {0};

	(void)state;
	assert_int_equal(put(a, DB_ODBC, "select 1 from lines", &target, 1, &t, &e), 0);
	assert_null(t.shadowed);
	assert_int_equal(put(a, DB_ODBC, "select 1 from dbo.orders", &target, 1, &t, &e), -1);
	assert_non_null(strstr(e.message, "dialect"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shadow_put),	cmocka_unit_test(test_shadow_sqlite),
		cmocka_unit_test(test_shadow_postgres), cmocka_unit_test(test_shadow_mysql),
		cmocka_unit_test(test_shadow_schemas),	cmocka_unit_test(test_shadow_case),
		cmocka_unit_test(test_shadow_odbc),	cmocka_unit_test(test_shadow_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
