#!/bin/bash
# rows: the intact table passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT);
		CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO orders SELECT i, iif(i % 10, 'paid', 'new') FROM n"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  r:
    target: shop
    checks:
      - { id: all, rows: orders, expect: ">= 1000" }
      - { id: new, rows: { table: orders, where: "state = 'new'" }, expect: "between 50 and 150" }
      - { id: none, rows: { table: orders, where: "state = 'lost' -- never" }, expect: "== 0" }
      - { id: view, rows: main.paid, expect: "== 900" }
YAML

tells()
{
	run "$ASSIZE" run "r/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
for check in all new none view; do
	exits "intact: $check passes" 0 "$ASSIZE" run "r/$check"
done
run "$ASSIZE" plan
like "the plan shows the SQL" "$out" 'SELECT count\(\*\) FROM "orders" WHERE'

sqlite3 shop.db "DELETE FROM orders WHERE id = 7"
tells "one row gone" all 1 'FAIL r/all 999 rows bound >= 1000'
sqlite3 shop.db "UPDATE orders SET state = 'new'"
tells "segment too large" new 1 'FAIL r/new 999 rows'
sqlite3 shop.db "UPDATE orders SET state = 'lost' WHERE id = 1"
tells "forbidden row" none 1 'FAIL r/none 1 row bound == 0'
tells "the bound is shown where it is written" none 1 'assize\.yaml:9:'
sqlite3 shop.db "DELETE FROM orders"
tells "empty table is a value" all 1 'FAIL r/all 0 rows'
tells "and may be what is wanted" none 0 'pass'

intact
sqlite3 shop.db "ALTER TABLE orders RENAME TO order_s"
tells "missing table" all 2 'no such table: orders.*did you mean "order_s"'
intact
sqlite3 shop.db "ALTER TABLE orders RENAME COLUMN state TO status"
tells "missing column in the condition" new 2 'no such column: state.*columns there are: id, status|did you mean "status"'
tells "broken view" none 2 'could not run the query'

sed -i "s/state = 'new'/state === 'new'/" assize.yaml
intact
tells "a condition that is no SQL" new 2 'near "=".*syntax error|syntax error'
sed -i "s/state === 'new'/1) GROUP BY (id/" assize.yaml
tells "a condition that leaves its parentheses" new 2 'not one condition'
tells "leaves the others alone" all 0 'pass'
done_testing
