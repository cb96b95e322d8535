#!/bin/bash
# duplicates: the intact table passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, shop TEXT, no INT, email TEXT, state TEXT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO orders SELECT i, iif(i % 2, 'eu', 'us'), (i + 1) / 2, 'user' || i || '@x.org', iif(i % 4, 'new', 'paid') FROM n"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  d:
    target: shop
    checks:
      - { id: pair, duplicates: { table: orders, columns: [shop, no], show: { columns: [id, shop, email], mask: email, limit: 3 } }, expect: "== 0" }
      - { id: one, duplicates: { table: orders, columns: email }, expect: "== 0" }
      - { id: share, duplicates: { table: orders, columns: email }, expect: "<= 0.5%" }
      - { id: where, duplicates: { table: orders, columns: email, where: state = 'paid' }, expect: "== 0" }
      - { id: by, duplicates: { table: orders, columns: email, by: state, show: { columns: id } }, expect: "== 0" }
YAML

tells()
{
	run "$ASSIZE" run "d/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
change()
{
	intact
	sqlite3 shop.db "UPDATE orders SET $1"
}

intact
for check in pair one share where by; do
	exits "intact: $check passes" 0 "$ASSIZE" run "d/$check"
done
run "$ASSIZE" plan
like "grouping is a query of its own" "$out" 'GROUP BY v1, v2'

change "shop = 'eu', no = 7 WHERE id IN (2, 4, 6)"
tells "one combination four times" pair 1 'FAIL d/pair 3 rows'
like "rows of it are shown, masked" "$out" 'row: id = [0-9]+, shop = "eu", email = \*\*\*'
is "three of them" "$(grep -c 'row: id' <<<"$out")" 3
change "email = 'same' WHERE id IN (3, 5, 6, 9, 10, 11)"
tells "one value six times" one 1 'FAIL d/one 5 rows'
tells "its share of the rows" share 0 '0\.50 %'
tells "none of them within the condition" where 0 'pass'
tells "in its segment" by 1 'FAIL d/by\{state="new"\} 5 rows'
like "with the rows" "$out" 'row: id = 3'
change "email = 'same' WHERE id IN (4, 8)"
tells "a condition that finds both" where 1 'FAIL d/where 1 row'
change "email = 'same' WHERE id IN (3, 4)"
tells "one in each segment repeats nothing in either" by 0 'pass'
tells "but in the whole" one 1 'FAIL d/one 1 row'
change "email = 'USER1@x.org' WHERE id = 2"
tells "case tells values apart here" one 0 'pass'

change "email = NULL WHERE id <= 10"
tells "NULL equals nothing" one 0 'pass'
like "and is told" "$("$ASSIZE" explain latest d/one)" '10 more rows have a NULL'
change "shop = NULL, no = 1 WHERE id <= 10"
tells "nor does half a NULL" pair 0 'pass'
change "email = NULL"
tells "nothing to compare" one 2 'no row of "orders" has a combination without NULL'
intact
sqlite3 shop.db "DELETE FROM orders"
tells "no rows" one 2 'table "orders" has no rows'
intact
sqlite3 shop.db "ALTER TABLE orders RENAME COLUMN email TO mail"
tells "renamed column" one 2 'no such column: email.*did you mean "mail"'
run "$ASSIZE" run d/one d/pair --json
is "its neighbour is still measured" "$(jq -r '.checks[] | select(.name == "d/pair") | .outcome' <<<"$out")" pass
sqlite3 shop.db "DROP TABLE orders"
tells "dropped table" pair 2 'no such table: orders'

sed -i 's/columns: .shop, no./columns: [no, no]/' assize.yaml
exits "a column twice is a definition error" 3 "$ASSIZE" check
like "which names it" "$err" 'column "no" is written twice'
done_testing
