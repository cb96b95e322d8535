#!/bin/bash
# Shadows of tables on SQLite, PostgreSQL and MariaDB. A database whose table is shadowed must answer
# every statement like its twin, whose table really is what the shadow says; and what no shadow can
# stand for is never answered.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP"
postgres_start
mariadb_start || bail "there is no MariaDB server"

# $1 = rows of orders
tables()
{
	echo "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT, total DECIMAL(10,2), state VARCHAR(9));
		INSERT INTO orders VALUES $1;
		CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(9));
		INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c');
		CREATE TABLE items (orders INT); INSERT INTO items VALUES (1), (2), (3), (3), (4), (5);
		CREATE INDEX by_total ON orders (total);"
}
world="(1, 1, 10, 'new'), (2, 1, 20, 'paid'), (3, 2, 30, 'paid'), (4, 2, 40, 'sent'), (5, 3, 50, 'sent')"
twin="(1, 1, 11, 'new'), (2, 1, 21, 'paid'), (3, 2, 31, 'paid')"
body() { echo "SELECT id, customer, CAST(total + 1 AS DECIMAL(10,2)) AS total, state FROM $1.orders WHERE id <= 3 -- of them"; }

admin postgres "CREATE ROLE audit LOGIN"
mariadb_sql "CREATE USER audit@localhost"
for name in world twin; do
	sqlite3 $name.db "$(tables "${!name}")"
	admin postgres "CREATE DATABASE $name"
	admin $name "$(tables "${!name}") CREATE VIEW paid AS SELECT * FROM orders; CREATE SCHEMA old;
		CREATE TABLE old.orders (id INT); INSERT INTO old.orders SELECT generate_series(1, 9);
		GRANT USAGE ON SCHEMA old TO audit; GRANT SELECT ON ALL TABLES IN SCHEMA public, old TO audit"
	mariadb_sql "CREATE DATABASE $name CHARACTER SET utf8mb4; GRANT SELECT ON $name.* TO audit@localhost"
	mariadb_sql -D $name "$(tables "${!name}") CREATE TABLE parted (a INT) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10));
		INSERT INTO parted VALUES (1)"
done

# location ENGINE NAME, schema ENGINE NAME
location()
{
	case $1 in
	sqlite) echo "$TMP/$2.db" ;;
	postgres) echo "host=$POSTGRES port=$POSTGRES_PORT dbname=$2 user=audit" ;;
	mysql) echo "socket=$MARIADB_SOCKET dbname=$2 user=audit" ;;
	esac
}
schema() { case $1 in sqlite) echo main ;; postgres) echo public ;; mysql) echo "$2" ;; esac; }

shadow() { "$BUILD/tests/tools/shadow" "$@"; }
# shadowed ENGINE: statements on stdin of the world, orders in shadow
shadowed() { shadow "$1" "$(location "$1" world)" "$(schema "$1" world)" orders "$(body "$(schema "$1" world)")"; }

# ---- every statement ---- "@" is the schema

cat >statements <<'SQL'
SELECT count(*), sum(total), min(id), max(state) FROM orders
SELECT count(*) FROM @.orders
SELECT * FROM orders ORDER BY id
SELECT @.orders.id, @.orders.total FROM @.orders ORDER BY @.orders.id DESC;
SELECT o.id, o.id, o.total AS t FROM @.orders o ORDER BY 1 -- all of orders
SELECT orders.id, c.name FROM orders JOIN customers c ON c.id = orders.customer ORDER BY 1
SELECT @.orders.id, @.customers.name FROM @.customers LEFT JOIN @.orders ON @.customers.id = @.orders.customer ORDER BY 2, 1
SELECT c.id FROM customers c, orders o WHERE c.id = o.customer AND o.total > 11 ORDER BY 1
SELECT count(*) FROM orders a CROSS JOIN @.orders b
SELECT a.id FROM orders AS a NATURAL JOIN @.orders b ORDER BY 1
SELECT count(*) FROM (orders o JOIN customers c ON c.id = o.customer)
SELECT count(*) FROM (@.orders JOIN @.customers ON @.customers.id = @.orders.customer)
SELECT count(*) FROM customers WHERE id IN (SELECT customer FROM orders)
SELECT count(*) FROM customers WHERE id NOT IN (SELECT customer FROM @.orders WHERE customer IS NOT NULL)
SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders WHERE orders.customer = c.id) ORDER BY 1
SELECT name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM @.orders WHERE @.orders.customer = c.id) ORDER BY 1
SELECT name, (SELECT sum(total) FROM orders o WHERE o.customer = c.id) FROM customers c ORDER BY 1
SELECT name, (SELECT max(id) FROM (SELECT id FROM orders) q) FROM customers c ORDER BY 1
SELECT id FROM orders UNION SELECT id FROM customers ORDER BY 1
SELECT id FROM orders UNION ALL SELECT id FROM @.orders ORDER BY 1
SELECT customer FROM orders INTERSECT SELECT id FROM customers ORDER BY 1
SELECT id FROM customers EXCEPT SELECT customer FROM @.orders ORDER BY 1
SELECT count(*) FROM (SELECT * FROM (SELECT * FROM (SELECT id FROM orders) a) b) c
SELECT state, count(*), avg(total) FROM orders GROUP BY state HAVING count(*) > 0 ORDER BY 2 DESC, 1
SELECT id, row_number() OVER (ORDER BY total DESC) AS r, count(*) OVER (PARTITION BY customer) AS n FROM orders ORDER BY id
SELECT id, sum(total) OVER w FROM @.orders WINDOW w AS (ORDER BY id) ORDER BY id
WITH r AS (SELECT * FROM orders) SELECT count(*), sum(total) FROM r
WITH r AS (SELECT * FROM @.orders), q AS (SELECT id FROM r) SELECT q.id FROM q JOIN orders o ON o.id = q.id ORDER BY 1
WITH orders AS (SELECT * FROM @.orders WHERE id > 1) SELECT count(*) FROM orders
WITH orders AS (SELECT * FROM @.orders WHERE id > 1), s AS (SELECT * FROM orders) SELECT (SELECT count(*) FROM s), count(*) FROM orders
WITH orders AS (SELECT 7 AS id) SELECT orders.id FROM orders
SELECT count(*) FROM (WITH orders AS (SELECT * FROM @.orders WHERE id > 1) SELECT * FROM orders) x
SELECT count(*) FROM (WITH orders AS (SELECT 1 AS id) SELECT * FROM orders) x, orders
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT count(*) FROM n JOIN orders ON id = i
WITH RECURSIVE walk(id) AS (SELECT min(id) FROM orders UNION ALL SELECT o.id FROM orders o JOIN walk w ON o.id = w.id + 1) SELECT count(*) FROM walk
SELECT CASE WHEN (SELECT count(*) FROM orders) > 3 THEN 'many' ELSE 'few' END
SELECT id FROM orders ORDER BY (SELECT count(*) FROM @.orders o WHERE o.total > orders.total), id
SELECT count(*) FROM customers c JOIN orders o ON o.id = (SELECT max(i.id) FROM orders i WHERE i.customer = c.id)
SELECT customer FROM orders GROUP BY customer HAVING sum(total) >= (SELECT avg(total) FROM @.orders) ORDER BY 1
SELECT id FROM orders ORDER BY total DESC LIMIT 2
SELECT 'orders', count(*) FROM customers WHERE name <> '@.orders' /* FROM @.orders */
SELECT orders FROM (SELECT 3 AS orders FROM orders) x
SELECT x.orders FROM (SELECT count(*) AS orders FROM orders) x
SELECT items.orders, count(*) FROM orders JOIN @.items ON items.orders = orders.id GROUP BY items.orders ORDER BY 1
SELECT CAST(coalesce(sum(n), 0) AS CHAR(10)), count(v) FROM (SELECT v, count(*) AS n FROM (SELECT state AS v FROM orders) AS q GROUP BY v) AS g
SELECT total, total * 2 FROM orders WHERE total BETWEEN 11 AND 21 ORDER BY total
.plan SELECT *, 1 FROM @.orders
SQL
# A count at every place where a query can stand, within each other.
places=("SELECT (#) AS n" "SELECT n FROM (#) x" "SELECT max(n) AS n FROM (# UNION ALL #) x" "SELECT n FROM (#) x WHERE EXISTS (#)"
	"SELECT count(*) AS n FROM customers WHERE id + 2 <= (#)" "SELECT n FROM customers c JOIN (#) x ON c.id = 1" "WITH r AS (#) SELECT n FROM r"
	"WITH r AS (SELECT 1 AS a) SELECT (#) AS n FROM r" "WITH r AS (SELECT 2 AS n), s AS (#) SELECT s.n FROM r, s" "SELECT sum(id) AS n FROM customers WHERE id IN (#)"
	"SELECT CASE WHEN (#) > 3 THEN (#) ELSE -1 END AS n" "SELECT id AS n FROM customers GROUP BY id HAVING id = (#)" "SELECT sum((#)) AS n FROM customers"
	"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (#)) SELECT max(n) AS n FROM r" "SELECT n FROM customers c LEFT JOIN (#) x ON x.n > 0 WHERE c.id = 2")
for outer in "${places[@]}"; do
	for inner in "${places[@]}"; do
		# MariaDB and SQLite take no WITH in a part of a UNION.
		[[ $outer != *UNION\ ALL\ #* || $inner != WITH* ]] || continue
		for query in "SELECT count(*) AS n FROM orders" "SELECT count(*) AS n FROM @.orders"; do
			echo "${outer//#/${inner//#/$query}}"
		done
	done
done >>statements

for engine in sqlite postgres mysql; do
	for name in world twin; do
		sed "s/@\./$(schema $engine $name)./g" statements >$engine.$name
	done
	shadowed $engine <$engine.world >answers 2>&1
	shadow $engine "$(location $engine twin)" <$engine.twin >wanted 2>&1
	shadow $engine "$(location $engine world)" <$engine.world >whole
	is "$engine: every statement sees the shadow" "$(paste -d'\n' $engine.world answers wanted |
		awk 'NR % 3 == 1 { sql = $0 } NR % 3 == 2 { got = $0 } NR % 3 == 0 && got != $0 { print sql "\n" got "\nnot " $0 }' | head -9)" ""
	is "$engine: and all are answered" "$(paste -d'\n' $engine.world wanted | grep -B1 -E '^(error|unshadowed)' | head -4)" ""
	ok "$engine: most see a difference" [ "$(paste whole wanted -d'|' | awk -F'|' '$1 != $2' | wc -l)" -gt 350 ]
done

# ---- what cannot be seen ----

# tells CLAIM ENGINE SQL REGEX
tells() { like "$2: $1" "$(shadowed "$2" <<<"$3" 2>&1)" "$4"; }

tells "the number of a row" sqlite "SELECT max(rowid) FROM orders" '^unshadowed: .*the number of a row'
tells "... of another table, which it would be taken for" sqlite "SELECT (SELECT rowid FROM orders LIMIT 1) FROM customers" '^unshadowed: .*the number of a row'
tells "an index by name" sqlite "SELECT count(*) FROM orders INDEXED BY by_total WHERE total > 1" '^unshadowed: .*no such index'
tells "a statement that is no query" sqlite "PRAGMA table_info(orders)" '^unshadowed: .*no query'
tells "a name in quotes is no text" sqlite 'SELECT count("nosuch") FROM orders' '^error: .*no such column: nosuch'
tells "system columns" postgres "SELECT count(ctid) FROM orders" '^unshadowed: .*system column'
tells "a sample" postgres "SELECT count(*) FROM orders TABLESAMPLE SYSTEM (50)" '^unshadowed: .*"orders": TABLESAMPLE'
tells "columns that a key decides" postgres "SELECT id, state FROM orders GROUP BY id" '^unshadowed: .*must appear in the GROUP BY'
tells "without those that inherit" postgres "SELECT count(*) FROM ONLY orders" '^unshadowed: .*ONLY'
tells "rows that are locked" postgres "SELECT id FROM orders FOR UPDATE" '^unshadowed: .*locks rows'
tells "its name in a text" postgres "SELECT pg_relation_size('orders') > 0, count(*) FROM orders" '^unshadowed: .*in a text'
tells "EXPLAIN" postgres "EXPLAIN SELECT * FROM orders" '^unshadowed: .*no query'
tells "a view is another name" postgres "SELECT count(*) FROM paid" '^5$'
tells "a table of another schema" postgres "SELECT count(*) FROM old.orders" '^9$'
tells "an index by name" mysql "SELECT count(*) FROM orders FORCE INDEX (by_total)" '^unshadowed: .*by_total'
tells "partitions" mysql "SELECT count(*) FROM parted PARTITION (p0), orders PARTITION (p0)" '^unshadowed: .*partition'
tells "of a table that is whole" mysql "SELECT count(*) FROM parted PARTITION (p0) JOIN orders" '^3$'
tells "a state of the past" mysql "SELECT count(*) FROM orders FOR SYSTEM_TIME ALL" '^unshadowed: .*past'
tells "EXPLAIN" mysql "EXPLAIN SELECT * FROM world.orders" '^unshadowed: .*no query'
tells "a WITH within, as MariaDB would find the table in it" mysql "SELECT count(*) FROM (WITH r AS (SELECT * FROM customers, orders) SELECT * FROM r) x" '^unshadowed: .*not clear'
for engine in sqlite postgres mysql; do
	tells "an error of its own" $engine "SELECT nosuch FROM orders" '^error: .*nosuch'
	tells "and no way to write" $engine "WITH x AS (SELECT 1) DELETE FROM orders" '^(error|unshadowed): '
	tells "nor by a second statement" $engine "SELECT 1 FROM orders; SELECT 2" '^error: .*several statements'
done
is "nothing was written" "$(admin world "SELECT count(*) FROM orders")$(mariadb_sql -D world "SELECT count(*) FROM orders")$(sqlite3 world.db "SELECT count(*) FROM orders")" 555

# A column that the shadow has not is the damage's own error.
for engine in sqlite postgres mysql; do
	like "$engine: a column that is gone" "$(shadow $engine "$(location $engine world)" "$(schema $engine world)" orders \
		"SELECT id, customer, state FROM $(schema $engine world).orders" <<<"SELECT sum(total) FROM orders")" '^error: .*total'
done

# ---- names and schemas of PostgreSQL ----

old() { shadow postgres "$(location postgres world)$1" old orders "SELECT * FROM old.orders WHERE id < 3" "${@:2}"; }
is "a name that means the table of another schema is left alone" "$(old "" <<<"SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM old.orders)")" 5,2
is "... which the search path decides" "$(old " options='-c search_path=old,public'" <<<"SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM public.orders)")" 2,5
is "two tables of one name" "$(old "" public orders "SELECT * FROM public.orders LIMIT 1" <<<"SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM old.orders)")" 1,2

# ---- one snapshot ----

sqlite3 world.db "PRAGMA journal_mode = wal" >/dev/null
alter()
{
	case $1 in
	sqlite) sqlite3 world.db "$2" ;;
	postgres) admin world "$2" ;;
	mysql) mariadb_sql -D world "$2" ;;
	esac
}
for engine in sqlite postgres mysql; do
	coproc held { shadowed $engine; }
	said=""
	hears() { printf '%s\n' "$@" >&"${held[1]}"; read -r -t 60 answer <&"${held[0]}"; said="$said $answer"; }
	hears .off .hold "SELECT count(*) FROM orders"
	alter $engine "INSERT INTO orders VALUES (6, 1, 1, 'late')"
	hears "SELECT count(*) FROM orders"
	hears "SELECT nosuch FROM orders"
	like "$engine: a statement that fails" "$answer" '^error: .*nosuch'
	said=${said% error*}
	hears "SELECT count(*) FROM orders"
	hears .on "SELECT count(*) FROM orders"
	hears .off .free "SELECT count(*) FROM orders"
	is "$engine: is one state until it ends" "$said" " 5 5 5 3 6"
	printf '%s\n' .free >&"${held[1]}"
	eval "exec ${held[1]}>&-"
	wait "$held_PID"
	alter $engine "DELETE FROM orders WHERE id = 6"
done

# A session that is lost takes its snapshot with it: nothing that follows says anything.
for engine in postgres mysql; do
	coproc held { shadowed $engine; }
	hears .off .hold "SELECT count(*) FROM orders"
	is "$engine: it is asked" "$answer" 5
	case $engine in
	postgres) admin world "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'audit'" >/dev/null ;;
	mysql) mariadb_sql "KILL USER audit@localhost" ;;
	esac
	hears "SELECT count(*) FROM orders"
	like "$engine: and lost" "$answer" '^unshadowed: .*(lost|terminat|kill)'
	hears "SELECT count(*) FROM orders"
	like "$engine: another one would see another state" "$answer" '^unshadowed: .*its snapshot with it'
	hears .free "SELECT count(*) FROM orders"
	is "$engine: until it is let go" "$answer" 5
	eval "exec ${held[1]}>&-"
	wait "$held_PID"
done
done_testing
