#!/bin/bash
# orphans: the intact tables pass; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE customers (id INTEGER PRIMARY KEY, shop TEXT, no INT, chief INT);
		CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT, shop TEXT, no INT, state TEXT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
		INSERT INTO customers SELECT i, 'eu', i * 10, nullif(i / 2, 0) FROM n;
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO orders SELECT i, 1 + i % 100, 'eu', (1 + i % 100) * 10, iif(i % 2, 'new', 'paid') FROM n;
		CREATE TABLE referred (id INTEGER PRIMARY KEY, no INT);
		INSERT INTO referred SELECT id, no FROM orders"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  o:
    target: shop
    checks:
      - { id: one, orphans: { table: orders, columns: customer_id, references: { table: customers, columns: id }, show: { columns: [id, customer_id], limit: 2 } }, expect: "== 0" }
      - { id: two, orphans: { table: orders, columns: [shop, no], references: { table: customers, columns: [shop, no] } }, expect: "== 0" }
      - { id: share, orphans: { table: orders, columns: customer_id, references: { table: customers, columns: id } }, expect: "<= 0.5%" }
      - { id: self, orphans: { table: customers, columns: chief, references: { table: customers, columns: id } }, expect: "== 0" }
      - { id: alias, orphans: { table: referred, columns: no, references: { table: customers, columns: no } }, expect: "== 0" }
      - { id: alias_case, orphans: { table: main.Referred, columns: no, references: { table: customers, columns: no } }, expect: "== 0" }
      - { id: where, orphans: { table: orders, columns: customer_id, where: state = 'paid', references: { table: customers, columns: id } }, expect: "== 0" }
      - { id: by, orphans: { table: main.orders, columns: customer_id, by: state, references: { table: main.customers, columns: id }, show: { columns: id, limit: 1 } }, expect: "== 0" }
YAML

tells()
{
	run "$ASSIZE" run "o/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
for check in one two share self alias alias_case where by; do
	exits "intact: $check passes" 0 "$ASSIZE" run "o/$check"
done
run "$ASSIZE" run o/one
like "as a share of the rows that refer" "$("$ASSIZE" run o/share)" '0 %'

sqlite3 shop.db "DELETE FROM customers WHERE id = 7"
tells "a row that is gone" one 1 'FAIL o/one 10 rows'
like "two of its orphans are shown" "$out" 'row: id = 6, customer_id = 7.*row: id = 106, customer_id = 7'
unlike "and no more" "$out" 'id = 206'
tells "by both columns" two 1 'FAIL o/two 10 rows'
tells "of a table that is called like the alias" alias 1 'FAIL o/alias 10 rows'
tells "in any case" alias_case 1 'FAIL o/alias_case 10 rows'
tells "their share" share 1 'FAIL o/share 1(\.0+)? %'
tells "those it was chief of" self 1 'FAIL o/self 2 rows'
tells "within the condition" where 1 'FAIL o/where 10 rows'
tells "in their segment" by 1 'FAIL o/by\{state="paid"\} 10 rows'
like "with a row of it" "$out" 'row: id = 6'
sqlite3 shop.db "UPDATE orders SET state = 'new' WHERE customer_id = 7"
tells "no orphan within the condition" where 0 'pass'
tells "but in the other segment" by 1 'FAIL o/by\{state="new"\} 10 rows'

intact
sqlite3 shop.db "UPDATE orders SET customer_id = NULL WHERE id <= 10"
tells "NULL refers to nothing" one 0 'pass'
like "and is told" "$("$ASSIZE" explain latest o/one)" '10 more rows refer to nothing'
sqlite3 shop.db "UPDATE orders SET shop = NULL WHERE id = 1; UPDATE orders SET no = -1 WHERE id = 1"
tells "half a key refers to nothing either" two 0 'pass'
sqlite3 shop.db "UPDATE orders SET no = -1 WHERE id = 2"
tells "a key of which one half is there" two 1 'FAIL o/two 1 row'
sqlite3 shop.db "UPDATE orders SET customer_id = NULL"
tells "nothing refers" one 2 'no row of "orders" refers to "customers"'
sqlite3 shop.db "DELETE FROM orders"
tells "no rows" one 2 'table "orders" has no rows'
intact
sqlite3 shop.db "DELETE FROM customers"
tells "nothing left to refer to" one 1 'FAIL o/one 1000 rows'
sqlite3 shop.db "DROP TABLE customers"
tells "dropped table" one 2 'no such table: (main\.)?customers'
intact
sqlite3 shop.db "ALTER TABLE orders RENAME COLUMN customer_id TO customer"
tells "renamed column" one 2 'no such column: .*customer_id'

sed -i 's/columns: .shop, no., references/columns: shop, references/' assize.yaml
exits "fewer columns than are referred to is a definition error" 3 "$ASSIZE" check
like "which says so" "$err" '1 column cannot refer to 2'
done_testing
