#!/bin/bash
# ODBC: the database kinds through unixODBC on SQLite's driver, which promises nothing: it takes
# "name" for a text, ignores that a connection is read-only, and makes privileges up. Then on
# PostgreSQL's, which is a server's and has UTF-16, types, transactions and a cancel of its own.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
cd "$TMP"
export ODBCSYSINI=$TMP/odbc ODBCINI=$TMP/odbc/odbc.ini
# The driver manager unloads drivers, and what they leave behind has no name to be suppressed by.
[ "${VARIANT:-}" != asan ] || export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
mkdir odbc data
driver=
for file in /usr/lib/*/odbc/libsqlite3odbc.so /usr/lib64/libsqlite3odbc.so; do
	[ ! -e "$file" ] || driver=$file
done
[ -n "$driver" ] || bail "the ODBC driver of SQLite is not installed"
printf '[SQLite3]\nDriver=%s\n' "$driver" >odbc/odbcinst.ini
printf '[shop]\nDriver=SQLite3\nDatabase=%s/data/shop.db\n' "$TMP" >odbc/odbc.ini

intact()
{
	rm -f data/*
	sqlite3 data/shop.db "CREATE TABLE customers (id INTEGER PRIMARY KEY, mail TEXT NOT NULL);
		CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT REFERENCES customers (id) ON DELETE CASCADE, region TEXT,
			total REAL, state TEXT NOT NULL DEFAULT 'new', at TEXT, raw BLOB);
		CREATE UNIQUE INDEX by_region ON orders (region, id);
		CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
		INSERT INTO customers VALUES (1, 'a@example.com');
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
		INSERT INTO orders SELECT i, 1, CASE WHEN i % 3 THEN 'eu' ELSE 'süd' END, i * 1.5,
			CASE WHEN i % 10 THEN 'paid' ELSE 'new' END, datetime('now', '-' || i || ' minutes'), x'00ff' FROM n"
}
sick()
{
	sqlite3 data/shop.db "$1"
}
intact
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { odbc: "DSN=shop", allow_writable_role: true } }
audits:
  r:
    target: shop
    checks:
      - { id: all, rows: orders, expect: "== 100" }
      - { id: view, rows: paid, expect: "== 90" }
      - { id: south, rows: { table: orders, where: "region = 'süd' -- not eu" }, expect: "== 33" }
      - { id: missing, missing: { table: orders, columns: [customer, total] }, expect: "<= 1%" }
      - { id: fresh, freshness: { table: orders, column: at }, expect: "< 5m" }
      - { id: mean, sql: SELECT avg(total) FROM orders;, expect: "== 75.75" }
      - { id: regions, sql: { query: SELECT region AS "the region" FROM orders GROUP BY region ORDER BY region LIMIT 1 OFFSET 1 }, expect: '== "süd"' }
      - { id: raw, sql: SELECT raw FROM orders WHERE id = 1, expect: "== 0" }
      - { id: shape, schema: { table: orders, columns: { id: { key: primary }, state: { type: text, nullable: false } } } }
YAML
tells()
{
	run "$ASSIZE" run "r/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
for check in all view south missing fresh mean regions shape; do
	exits "intact: $check passes" 0 "$ASSIZE" run "r/$check"
done
run "$ASSIZE" challenge r/all
is "what is behind ODBC is not attacked: exit status" "$status" 2
like "and why" "$out" 'unchallenged: nobody knows how the database behind ODBC'
tells "a blob is no value" raw 2 'the value is a blob'
sick "DELETE FROM orders WHERE id = 7"
tells "row gone" all 1 'FAIL r/all 99 rows bound == 100'
sick "UPDATE orders SET customer = NULL WHERE id < 4"
tells "values went missing" missing 1 'FAIL r/missing'
sick "DELETE FROM orders"
tells "an empty table has no age" fresh 2 'r/fresh no value'
tells "NULL is no value" mean 2 'the value is NULL'
sick "ALTER TABLE orders RENAME COLUMN customer TO client"
tells "a name in quotes is never a text" missing 2 'no such column: customer.*columns there are|no such column: customer.*did you mean'
tells "a column that is gone" shape 0 'pass'
sick "ALTER TABLE orders RENAME TO order_s"
tells "missing table" all 2 'no such table: orders.*did you mean "order_s"'
intact

# ---- what the role may do ----
sed 's/, allow_writable_role: true//' assize.yaml >strict.yaml
run "$ASSIZE" run -f strict.yaml r/all
is "a role that could write: exit status" "$status" 2
like "a role that could write is refused" "$out$err" \
	'cannot use target "shop": its role could write: it has the privilege [A-Z]+ on .*allow_writable_role: true'
sqlite3 data/empty.db "PRAGMA user_version = 1"
sed 's|DSN=shop|DRIVER=SQLite3;Database='"$TMP"'/data/empty.db|; s|rows: orders|rows: nothing|' strict.yaml >unknown.yaml
run "$ASSIZE" run -f unknown.yaml r/all
is "a role of which nothing is known: exit status" "$status" 2
like "a role of which nothing is known, too" "$out$err" 'cannot tell whether the role could write: SQLite says too little'

# ---- nothing a definition says changes anything ----
cat >holes <<HOLES
delete: DELETE FROM orders
update: UPDATE orders SET total = 0 RETURNING 0
insert: INSERT INTO orders (id, state) VALUES (800, 'x')
with: WITH a AS (SELECT 1) DELETE FROM orders
create: CREATE TABLE mine (a INT)
temp: CREATE TEMP TABLE t (a)
drop: DROP TABLE orders
vacuum: VACUUM INTO '$TMP/data/copy.db'
attach: ATTACH '$TMP/data/other.db' AS o
pragma: PRAGMA user_version = 9
several: SELECT 0; DELETE FROM orders
commit: COMMIT
commit, then write: SELECT 0; COMMIT; DELETE FROM orders
into: SELECT 0 INTO mine
no semicolon: SELECT 0 DROP TABLE orders
writefile: SELECT writefile('$TMP/data/x', 'x')
load extension: SELECT load_extension('$TMP/x.so')
backslash: SELECT '\\\\' INTO mine -- '
comment: SELECT 0 /* /* */ INTO mine */
dollar: SELECT \$\$ ' \$\$ INTO mine
call: "{call mine}"
HOLES
{
	printf 'assize: 1\ntargets: { shop: { odbc: "DSN=shop", allow_writable_role: true } }\naudits:\n  h:\n    target: shop\n    checks:\n'
	awk -F ': ' '{
		id = $1; gsub(/[^a-z]+/, "-", id); sql = substr($0, length($1) + 3); gsub(/\047/, "\047\047", sql)
		printf "      - { id: %s, sql: \047%s\047, expect: \">= 0\" }\n", id, sql }' holes
	echo "      - { id: where, rows: { table: orders, where: \"1); DELETE FROM orders; SELECT (1\" }, expect: \">= 1\" }"
	echo "      - { id: table, rows: 'orders\"; DELETE FROM orders; --', expect: \">= 1\" }"
} >hostile.yaml
state()
{
	sha256sum data/shop.db
	ls -lA --time-style=full-iso data
}
before=$(state)
run "$ASSIZE" run -f hostile.yaml --json
is "hostile definition: exit status" "$status" 2
jq -r '.checks[] | "\(.name | ltrimstr("h/"))\t\(.outcome)\t\(.series[0].reason)"' <<<"$out" >verdicts
is "all of them ran" "$(wc -l <verdicts)" $(($(wc -l <holes) + 2))
while IFS=$'\t' read -r name outcome reason; do
	is "$name is undecided" "$outcome" undecided
	like "$name is refused with a reason" "$reason" 'cannot run the query|could not run the query|not one condition|no such'
done <verdicts
is "the database and its directory are as they were" "$(state)" "$before"

# ---- time, and connections ----
cat >slow.yaml <<'YAML'
assize: 1
targets:
  shop: { odbc: "DSN=shop", allow_writable_role: true }
  nowhere: { odbc: "DSN=nosuch", password: "hunter22}x", allow_writable_role: true }
audits:
  t:
    target: shop
    checks:
      - { id: endless, timeout: 300ms, expect: "> 0", sql: WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n }
      - { id: after, rows: orders, expect: "== 100" }
      - { id: nowhere, target: nowhere, sql: SELECT 1, expect: "== 1" }
YAML
run "$ASSIZE" run -f slow.yaml t/endless
is "an endless query: exit status" "$status" 2
like "an endless query ends at its deadline" "$out$err" 'took longer than'
exits "what comes after it is fine" 0 "$ASSIZE" run -f slow.yaml t/after
run "$ASSIZE" run -f slow.yaml t/nowhere
is "no such source: exit status" "$status" 2
like "no such source" "$out$err" 'could not connect to target "nowhere": .*look at DSN or DRIVER'
unlike "a password is shown nowhere" "$out$err$(strings -a .assize/record.db*)" hunter22

# ---- a server: PostgreSQL ----
driver=
for file in /usr/lib/*/odbc/psqlodbcw.so /usr/lib64/psqlodbcw.so; do
	[ ! -e "$file" ] || driver=$file
done
[ -n "$driver" ] || bail "the ODBC driver of PostgreSQL is not installed"
printf '[Server]\nDriver=%s\n' "$driver" >>odbc/odbcinst.ini
postgres_start
admin postgres "CREATE DATABASE shop" >made
admin shop "CREATE TABLE orders (id INT PRIMARY KEY, total NUMERIC(8, 2), name TEXT NOT NULL);
	INSERT INTO orders SELECT i, i * 1.5, 'grün' FROM generate_series(1, 10) i;
	CREATE ROLE reader LOGIN; GRANT SELECT ON orders TO reader; CREATE ROLE writer LOGIN; GRANT SELECT, INSERT ON orders TO writer" >made
place="DRIVER=Server;Servername=$POSTGRES;Port=$POSTGRES_PORT;Database=shop"
cat >server.yaml <<YAML
assize: 1
targets:
  shop: { odbc: "$place;Uid=reader", allow_writable_role: true }
  strict: { odbc: "$place;Uid=writer" }
audits:
  s:
    target: shop
    checks:
      - { id: rows, rows: orders, expect: "== 10" }
      - { id: sum, sql: SELECT sum(total) FROM orders, expect: "== 82.5" }
      - { id: text, sql: SELECT count(*) FROM orders WHERE name = 'grün', expect: "== 10" }
      - { id: missing, missing: { table: orders, columns: [name] }, expect: "== 0" }
      - { id: shape, schema: { table: orders, columns: { id: { key: primary }, name: { type: text, nullable: false } } } }
      - { id: column, missing: { table: orders, columns: [nam] }, expect: "== 0" }
      - { id: table, rows: orderz, expect: "== 0" }
      - { id: slow, timeout: 2s, sql: "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000) b", expect: "> 1" }
      - { id: strict, target: strict, rows: orders, expect: "== 10" }
      - { id: delete, sql: DELETE FROM orders, expect: "== 0" }
      - { id: large-object, sql: SELECT lo_create(4711), expect: "== 0" }
YAML
for check in rows sum text missing shape; do
	exits "on a server, $check passes" 0 "$ASSIZE" run -f server.yaml "s/$check"
done
serves()
{
	run "$ASSIZE" run -f server.yaml "s/$1"
	is "on a server, $1: exit status" "$status" 2
	like "on a server, $1: told" "$out$err" "$2"
}
serves column 'column "nam" does not exist.*did you mean "name"'
serves table 'relation "orderz" does not exist.*did you mean "orders"'
serves slow 'took longer than'
serves strict 'its role could write: it has the privilege'
serves delete 'does something else'
serves large-object 'does more than read \(lo_create\)'
nothing_runs()
{
	[ "$(admin shop "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'")" = 0 ]
}
ok "the server goes on with nothing" wait_for nothing_runs
done_testing
