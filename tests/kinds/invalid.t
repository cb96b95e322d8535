#!/bin/bash
# invalid: the intact table passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT, state TEXT COLLATE NOCASE, total REAL,
			sku TEXT, born TEXT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO orders SELECT i, 'user' || i || '@example.org', iif(i % 2, 'new', 'paid'), i / 10.0,
			printf('ABC-%d', i), '2024-02-29' FROM n"
}

printf '\357\273\277new\r\npaid\n\nshipped' >states.txt
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  v:
    target: shop
    checks:
      - { id: format, invalid: { table: orders, columns: { email: { format: email }, born: { format: iso_date } }, show: { columns: [id, email], mask: email, limit: 2 } }, expect: "== 0" }
      - { id: share, invalid: { table: orders, columns: { email: { format: email } } }, expect: "<= 0.1%" }
      - { id: set, invalid: { table: orders, columns: { state: { in: [new, paid] } } }, expect: "== 0" }
      - { id: file, invalid: { table: orders, columns: { state: { in_file: states.txt } } }, expect: "== 0" }
      - { id: range, invalid: { table: orders, columns: { total: { min: 0, max: 100.0 } } }, expect: "== 0" }
      - { id: dates, invalid: { table: orders, columns: { born: { min: "2000-01-01", max: "2099-12-31" } } }, expect: "== 0" }
      - { id: pattern, invalid: { table: orders, columns: { sku: { matches: '^[A-Z]{3}-\d+$', not_matches: "0000" } } }, expect: "== 0" }
      - { id: length, invalid: { table: orders, columns: { sku: { min_length: 5, max_length: 8 } } }, expect: "== 0" }
      - { id: where, invalid: { table: orders, where: state = 'paid', columns: { total: { max: 100 } } }, expect: "== 0" }
      - { id: by, invalid: { table: orders, by: state, columns: { total: { min: 0 } }, show: { columns: id } }, expect: "== 0" }
YAML

tells()
{
	run "$ASSIZE" run "v/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
change()
{
	intact
	sqlite3 shop.db "UPDATE orders SET $1"
}

intact
for check in format share set file range dates pattern length where by; do
	exits "intact: $check passes" 0 "$ASSIZE" run "v/$check"
done
run "$ASSIZE" plan
is "checks of one table and filter share a query" "$(grep -c 'SELECT count' <<<"$out")" 2

change "email = 'user@example' WHERE id IN (3, 4, 5)"
tells "a malformed address" format 1 'FAIL v/format\{column="email",rule="format"\} 3 rows'
like "rows that failed are shown, masked, two of them" "$out" 'row: id = 3, email = \*\*\*.*row: id = 4, email = \*\*\*'
unlike "and no more" "$out" 'id = 5'
unlike "and nothing that is masked" "$out" 'user@'
tells "its share" share 1 'FAIL v/share.* 0\.30 %'
change "email = 'user@example.org' || char(10) WHERE id = 7"
tells "a line break at the end" format 1 'FAIL v/format\{column="email".* 1 row'
change "born = '2023-02-29' WHERE id = 7"
tells "29 February of no leap year" format 1 'FAIL v/format\{column="born".* 1 row'
change "email = NULL WHERE id % 2 = 0"
tells "NULL is not invalid" format 0 'pass'
like "but counted apart" "$("$ASSIZE" explain latest v/format)" '500 more rows are NULL'
change "email = NULL"
tells "only NULL is no measurement" share 2 '"email" is NULL in every row of "orders"'

change "state = 'lost' WHERE id = 1"
tells "a value outside the set" set 1 'FAIL v/set\{column="state",rule="in"\} 1 row'
tells "and outside the file's" file 1 'FAIL v/file\{column="state",rule="in"\} 1 row'
change "state = 'Paid' WHERE id = 1"
tells "case counts, whatever the column's collation" set 1 'FAIL v/set.* 1 row'
change "state = 'shipped' WHERE id = 1"
tells "a value only the file has" file 0 'pass'
change "total = -0.5 WHERE id = 1"
tells "below the range" range 1 'FAIL v/range\{column="total",rule="range"\} 1 row'
tells "in its segment only" by 1 'FAIL v/by\{column="total",rule="range",state="new"\} 1 row'
like "with the row" "$out" 'row: id = 1'
change "total = 100.5 WHERE id = 1000"
tells "above the range" range 1 'FAIL v/range.* 1 row'
tells "within the condition" where 1 'FAIL v/where.* 1 row'
change "total = 'much' WHERE id = 1"
tells "no number at all" range 1 'FAIL v/range.* 1 row'
change "born = '1999-12-31' WHERE id = 1"
tells "a date before the range" dates 1 'FAIL v/dates.* 1 row'
change "sku = 'abc-1' WHERE id = 1"
tells "a pattern that is not found" pattern 1 'FAIL v/pattern\{column="sku",rule="matches"\} 1 row'
change "sku = 'ABC-10000' WHERE id = 1"
tells "a pattern that must not be found" pattern 1 'FAIL v/pattern\{column="sku",rule="not_matches"\} 1 row'
tells "too long" length 1 'FAIL v/length\{column="sku",rule="length"\} 1 row'
change "sku = 'ÄÖÜß' WHERE id = 1"
tells "characters are counted, not bytes" length 1 'FAIL v/length.* 1 row'
change "sku = 'ÄÖÜßé' WHERE id = 1"
tells "five of them are enough" length 0 'pass'

intact
sqlite3 shop.db "ALTER TABLE orders RENAME COLUMN sku TO skus"
tells "renamed column" length 2 'no such column: sku.*did you mean "skus"'
run "$ASSIZE" run v/format v/length --json
is "its neighbours are still measured" "$(jq -r '.checks[0].outcome' <<<"$out")" pass
sqlite3 shop.db "DROP TABLE orders"
tells "dropped table" set 2 'no such table: orders'
intact
sqlite3 shop.db "DELETE FROM orders"
tells "no rows" set 2 'table "orders" has no rows'

refuse()
{
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db } }\naudits:\n  v:\n    target: shop\n    checks:\n' >bad.yaml
	printf '      - { id: x, expect: "== 0", invalid: { table: t, columns: { a: %s } } }\n' "$2" >>bad.yaml
	exits "$1 is a definition error" 3 "$ASSIZE" check -f bad.yaml
	like "$1: told" "$err" "$3"
}
refuse "a column without a rule" '{}' 'column "a" has no rule'
refuse "an unknown format" '{ format: emial }' 'did you mean "?email'
refuse "a pattern that does not compile" '{ matches: "(" }' 'cannot compile pattern'
refuse "a range of nothing" '{ min: 5, max: 4 }' 'no value is at least 5 and at most 4'
refuse "lengths of nothing" '{ min_length: 5, max_length: 4 }' 'no text has at least 5'
refuse "a set's file that is not there" '{ in_file: nosuch.txt }' 'nosuch\.txt'
: >empty.txt
printf '\357\273\277' >empty.txt
refuse "a set of a byte order mark" '{ in_file: empty.txt }' 'holds no values'
: >empty.txt
refuse "an empty set" '{ in_file: empty.txt }' 'holds no values'
refuse "two sets" '{ in_file: states.txt, in: [a] }' 'both in: and in_file:'
done_testing
