#!/bin/bash
# plan: with its indexes a statement passes; each one dropped fails it, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT, state TEXT);
		CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
		CREATE TABLE \"old orders\" (id INT);
		CREATE INDEX by_customer ON orders (customer);
		CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
		INSERT INTO orders SELECT i, i % 50, 'paid' FROM n;
		INSERT INTO customers SELECT id, 'c' FROM orders WHERE id <= 50;
		INSERT INTO \"old orders\" SELECT id FROM orders WHERE id <= 70"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  p:
    target: shop
    checks:
      - id: index
        plan: { query: "SELECT * FROM orders AS o WHERE o.customer = 7; " }
        expect: { seq_scan_rows: "<= 100" }
      - id: join
        plan: { query: SELECT c.name FROM customers c JOIN orders o ON o.customer = c.id WHERE o.customer > 3 }
        expect: { seq_scan_rows: "<= 50" }
      - id: forbid
        plan: { query: SELECT * FROM orders WHERE customer = 7 ORDER BY id, forbid: [scan, use temp b-tree] }
      - id: all
        plan: { query: 'SELECT count(*) FROM orders "of" UNION ALL SELECT count(*) FROM "old orders"' }
        expect: { seq_scan_rows: "== 500" }
      - id: named
        plan: { query: 'SELECT id FROM "old orders"' }
        expect: { seq_scan_rows: "== 70" }
      - id: view
        plan: { query: SELECT * FROM paid }
        expect: { seq_scan_rows: "<= 500" }
      - id: derived
        plan: { query: "WITH few AS MATERIALIZED (SELECT * FROM customers LIMIT 3) SELECT count(*) FROM few, (VALUES (1), (2))" }
        expect: { seq_scan_rows: "== 50" }
      - id: cost
        plan: { query: SELECT 1 }
        expect: { total_cost: "< 10" }
YAML

tells()
{
	run "$ASSIZE" run "p/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
shop() { sqlite3 shop.db "$1"; }

intact
for check in index join forbid all named view derived; do
	exits "intact: $check passes" 0 "$ASSIZE" run "p/$check"
done
run "$ASSIZE" plan p/index
like "what is asked" "$out" 'EXPLAIN QUERY PLAN SELECT \* FROM orders AS o WHERE o\.customer = 7'

shop "DROP INDEX by_customer"
tells "a dropped index" index 1 'seq_scan_rows.*500 rows.*SCAN o on orders: 500 rows'
tells "in a join" join 1 'seq_scan_rows.*SCAN o on orders: 500 rows'
tells "a forbidden scan" forbid 1 'forbidden.*SCAN orders: 500 rows'
intact
sed -i 's/ORDER BY id, forbid/ORDER BY state, forbid/' assize.yaml
tells "a forbidden sort" forbid 1 'forbidden.*1 step.*USE TEMP B-TREE FOR ORDER BY'
shop "DELETE FROM orders WHERE id > 99"
tells "a small table may be read in whole" all 1 'FAIL p/all'
shop "DROP INDEX by_customer"
tells "when it is small enough" index 0 'pass'

tells "SQLite has no cost" cost 2 "the engine's plans do not tell a cost"
intact
shop "DROP VIEW paid; CREATE VIEW paid AS SELECT * FROM orders AS hidden WHERE state = 'paid'"
tells "a name the statement does not say" view 2 '"hidden" in the plan could be any table'
shop "ALTER TABLE orders RENAME TO order_"
tells "a renamed table" index 2 'no such table: orders.*did you mean "order_"'
intact

# Which table is read is told by what stands beside its alias, and by nothing else.
whole() # CLAIM STATUS PATTERN QUERY
{
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db } }\naudits: { p: { target: shop, checks: [ { id: x, plan: { query: "%s" }, expect: { seq_scan_rows: "<= 100" } } ] } }\n' "$4" >whole.yaml
	run "$ASSIZE" run -f whole.yaml
	is "$1: exit status" "$status" "$2"
	like "$1: told" "$out" "$3"
}
shop "ALTER TABLE customers ADD COLUMN orders INT"
whole "a table behind a comma" 1 'SCAN orders: 500 rows' "SELECT * FROM customers, orders WHERE state <> name"
whole "a column of a table's name" 1 'SCAN orders USING COVERING INDEX by_customer: 500 rows' "SELECT customers.orders FROM orders LEFT JOIN customers"
whole "words in a text" 1 'SCAN o USING COVERING INDEX by_customer on orders: 500 rows' "SELECT 'customers o' FROM orders o"
whole "a comment before the alias" 1 'SCAN o on orders: 500 rows' "SELECT * FROM orders /* ! */ AS o"
whole "a column with the alias of a table" 2 '"o" in the plan could be any table' "SELECT orders o FROM customers o"
whole "another table's name as the alias" 2 '"customers" in the plan could be any table' "SELECT * FROM orders 'customers'"
whole "an index made of all rows" 1 'SEARCH orders USING AUTOMATIC.*: 500 rows' \
	"SELECT count(*) FROM customers CROSS JOIN orders ON state = name"
whole "the largest without an index" 2 '"SEARCH orders" is what SQLite says of min\(\) and max\(\)' "SELECT max(state) FROM orders"
whole "the largest by an index" 0 'pass p/x' "SELECT max(customer) FROM orders"
intact

# Never run, and only what a query may be.
before=$(sha256sum <shop.db)
for sql in "DELETE FROM orders" "INSERT INTO orders VALUES (1000, 1, 'x')" "DROP TABLE orders" "SELECT 1; DELETE FROM orders" \
	"QUERY PLAN SELECT 1" "ATTACH '/tmp/x.db' AS x" "EXPLAIN DELETE FROM orders"; do
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db } }\naudits: { p: { target: shop, checks: [ { id: x, plan: { query: "%s" }, expect: { seq_scan_rows: "== 0" } } ] } }\n' "$sql" >bad.yaml
	run "$ASSIZE" run -f bad.yaml
	is "refused: $sql" "$status" 2
	like "and told why" "$out" 'cannot run the query|could not run|syntax error|not authorized|only reads'
done
is "the database is what it was" "$(sha256sum <shop.db)" "$before"

refuses()
{
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db } }\naudits: { p: { target: shop, checks: [ { id: x, plan: %s, expect: %s } ] } }\n' "$2" "$3" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$4"
}
refuses "neither" '{ forbid: x }' '{ forbidden: "== 1" }' 'write either a query or statements'
refuses "both" '{ query: SELECT 1, statements: {} }' '{ rows: "== 1" }' 'either a query or statements, not both'
refuses "statements of another engine" '{ statements: { min_calls: 1 } }' '{ mean_time: "< 1s" }' 'only PostgreSQL has pg_stat_statements'
refuses "a value that is not yielded" '{ query: SELECT 1 }' '{ mean_time: "< 1s" }' 'yields "mean_time" only with "statements"'
refuses "a step no plan has" '{ query: SELECT 1, forbid: [scna] }' '{ forbidden: "== 0" }' \
	'no step of a plan of sqlite is called "scna".*did you mean "SCAN"\?'
refuses "a step of another engine" '{ query: SELECT 1, forbid: [Nested Loop] }' '{ forbidden: "== 0" }' 'is called "Nested Loop"'
printf 'assize: 1\ntargets: { p: { postgres: dbname=p }, m: { mysql: dbname=m }, s: { sqlite: shop.db } }\naudits: { p: { checks: [ %s, %s, %s ] } }\n' \
	'{ id: p, target: p, plan: { query: SELECT 1, forbid: [seq scan, Bitmap, nested loop] } }' \
	'{ id: m, target: m, plan: { query: SELECT 1, forbid: [all, Using, "Using union(a,b)", hash_ALL] } }' \
	'{ id: s, target: s, plan: { query: SELECT 1, forbid: [SCAN orders, use temp b-tree for order by] } }' >words.yaml
exits "first words, and a step with what follows" 0 "$ASSIZE" check -f words.yaml
done_testing
