#!/bin/bash
# reconcile: two intact databases agree; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db ledger.db
	sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL, state TEXT, at TEXT, note TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
		INSERT INTO orders SELECT i, i * 1.0, CASE i % 3 WHEN 0 THEN NULL ELSE 'paid' END,
			strftime('%Y-%m-%dT%H:%M:%SZ', 1795608000 + i, 'unixepoch'), 'n' || i FROM n"
	sqlite3 ledger.db "CREATE TABLE bookings (order_id TEXT, amount, status TEXT, booked TEXT);
		WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i - 1 FROM n WHERE i > 1)
		INSERT INTO bookings SELECT i, i, CASE i % 3 WHEN 0 THEN NULL ELSE 'paid' END,
			strftime('%Y-%m-%d %H:%M:%S', 1795608000 + i + 3600, 'unixepoch') FROM n"
}

export SECRET=hunter2-hunter2
cat >assize.yaml <<'YAML'
assize: 1
targets:
  shop: { sqlite: shop.db, max_connections: 1 }
  ledger: { sqlite: ledger.db, max_connections: 1 }
audits:
  r:
    target: shop
    checks:
      - id: two
        reconcile:
          left: { table: orders, key: id, values: [total, state, at] }
          right: { target: ledger, table: bookings, key: order_id, values: [amount, status, booked], zone: Europe/Berlin }
      - id: shown
        reconcile:
          left: { table: orders, key: id, values: [total, state] }
          right: { target: ledger, query: "SELECT order_id, amount, status FROM bookings; ", key: order_id, values: [amount, status] }
          evidence: values
      - id: near
        reconcile:
          left: { table: orders, key: id, values: [total, at] }
          right: { target: ledger, table: bookings, key: order_id, values: [amount, booked], zone: Europe/Berlin }
          tolerance: { total: 1%, at: 2s }
      - id: astray
        reconcile:
          left: { table: orders, key: id, values: [total, state, at] }
          right: { target: ledger, table: bookings, key: order_id, values: [amount, status, booked], zone: Europe/Berlin }
          tolerance: { total: 2s, state: 1%, at: 1 }
      - id: keys
        reconcile:
          left: { table: orders, key: id }
          right: { target: ledger, table: bookings, key: order_id }
        expect: { missing_left: "<= 2%" }
      - { id: holder, command: { run: ["true"], env: { T: "${env:SECRET}" } } }
      - id: same
        reconcile: { left: { table: orders, key: [id, state], values: note }, right: { table: orders }, where: "id <= 50 -- half" }
YAML

tells()
{
	run "$ASSIZE" run "r/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
shop() { sqlite3 shop.db "$1"; }
ledger() { sqlite3 ledger.db "$1"; }

intact
for check in two shown near keys same; do
	exits "intact: $check passes" 0 "$ASSIZE" run "r/$check"
done
run "$ASSIZE" plan r/two
like "the plan shows both statements" "$out" 'left, shop: SELECT "id", "total", "state", "at" FROM "orders".*right, ledger: SELECT "order_id", "amount"'
exits "all at once, on one connection each: no waiting for each other" 0 timeout 20 "$ASSIZE" run

run "$ASSIZE" run r/keys --json
is "where only keys are compared nothing is said of values" "$(jq -r '[.checks[].series[].series] | join(" ")' <<<"$out")" \
	'missing_left missing_right duplicates'

# What is missing, where.
ledger "DELETE FROM bookings WHERE order_id IN ('17', '9')"
tells "two rows lost on the right" two 1 'missing_right.*2.*id=9.*id=17'
unlike "nothing else is said to be wrong" "$out" 'FAIL r/two (missing_left|different|duplicates)'
intact
shop "DELETE FROM orders WHERE id = 42"
tells "a row lost on the left" two 1 'missing_left.*order_id=42'
tells "which a share allows" keys 0 'pass'
shop "DELETE FROM orders WHERE id > 90"
tells "and more of them does not" keys 1 'missing_left'

# What differs.
intact
ledger "UPDATE bookings SET amount = amount + 0.5 WHERE order_id = '99'"
tells "a value changed" two 1 'different.*id=99: total'
unlike "the value itself is not shown unless asked for" "$out" '99 / 99\.5'
tells "and is when asked for" shown 1 'id=99: total 99 / 99\.5'
tells "within the tolerance" near 0 'pass'
ledger "UPDATE bookings SET amount = amount * 1.02 WHERE order_id = '50'"
tells "beyond it" near 1 'different.*id=50: total'
unlike "which was for such" "$out" 'its tolerance'
ledger "UPDATE bookings SET status = 'PAID', booked = '2020-01-01 00:00:00' WHERE order_id = '50'"
tells "one that is for other values" astray 1 'id=50: total \(its tolerance is for times\), state \(its tolerance is for numbers\), at \(its tolerance is for numbers\)'
intact
ledger "UPDATE bookings SET status = 'open' WHERE order_id = '3'"
tells "NULL against a value" shown 1 'id=3: state NULL / "open"'
intact
ledger "UPDATE bookings SET status = 'PAID' WHERE order_id = '4'"
tells "case counts" shown 1 'id=4: state "paid" / "PAID"'
ledger "UPDATE bookings SET status = '$(printf %040d 0)$SECRET' WHERE order_id = '4'"
tells "half a secret where a text is cut is masked" shown 1 'id=4: state "paid" / "0{40}\*\*\*\.\.\."'
intact
ledger "UPDATE bookings SET booked = datetime(booked, '+1 second') WHERE order_id = '8'"
tells "a second later" two 1 'different.*id=8: at'
tells "which two seconds tolerate" near 0 'pass'
ledger "UPDATE bookings SET booked = datetime(booked, '+1 hour')"
tells "every row different: the first are named and the rest counted" near 1 '100 keys.*id=1: at.*id=10: at.*and 90 more keys'
intact
# Local readings around the change of the clock, and the instants they are taken for.
for times in "2025-10-26T00:30:00Z 2025-10-26 02:30:00" "2025-10-26T00:00:00Z 2025-10-26 02:00:00" \
	"2025-10-26T02:00:00Z 2025-10-26 03:00:00" "2025-03-30T01:00:00Z 2025-03-30 03:00:00"; do
	sqlite3 shop.db "UPDATE orders SET at = '${times%% *}' WHERE id = 7"
	sqlite3 ledger.db "UPDATE bookings SET booked = '${times#* }' WHERE order_id = 7"
	exits "local time ${times#* }" 0 "$ASSIZE" run r/two
done
intact

sed -i 's|, zone: Europe/Berlin||' assize.yaml
tells "the wrong zone" two 1 '100 keys.*id=1: at'
sed -i 's|booked\] }|booked], zone: Europe/Berlin }|' assize.yaml
exits "the right one again" 0 "$ASSIZE" run r/two
shop "UPDATE orders SET note = char(27) || '[2J' || substr(hex(zeroblob(600)), 1, 1100) WHERE id = 1"
ledger "UPDATE bookings SET status = char(27) || '[2J' || hex(zeroblob(100)) WHERE order_id = '1'"
tells "a hostile text is cut and escaped" shown 1 'id=1: state "paid" / "\\x1b\[2J0+\.\.\."'

# Keys.
intact
ledger "INSERT INTO bookings SELECT * FROM bookings WHERE order_id IN ('5', '6')"
tells "rows twice" two 1 'duplicates.*2 rows.*id=5: 1 on the left, 2 on the right'
intact
ledger "UPDATE bookings SET order_id = NULL WHERE order_id IN ('7', '11')"
tells "NULL is a key like any other, twice" two 1 'order_id=NULL.*missing_right|missing_right.*id=7'
like "and repeated" "$out" 'duplicates'
intact
ledger "UPDATE bookings SET order_id = '007' WHERE order_id = '7'"
tells "007 is not 7" two 1 'missing_left.*order_id="007"'

# Nothing to compare is no measurement.
shop "DELETE FROM orders"
tells "an empty side: everything is missing" two 1 'missing_left.*100'
like "and no values were compared" "$out" 'no key is once on each side'
ledger "DELETE FROM bookings"
tells "two empty sides agree about nothing" two 2 'neither side has a row to compare'
rm ledger.db
tells "no database" two 2 'the right side, target "ledger".*ledger\.db'
intact
ledger "ALTER TABLE bookings RENAME COLUMN amount TO amonut"
tells "a renamed column" two 2 'the right side, target "ledger": .*no such column: .*did you mean "amonut"'
shop "DROP TABLE orders"
tells "a dropped table" keys 2 'the left side, target "shop": .*no such table: orders'

# Definitions.
refuses()
{
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db }, repo: { git: . } }\naudits:\n  r:\n    checks:\n      - { id: x, reconcile: %s }\n' "$2" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$3"
}
l='left: { target: shop, table: a, key: id, values: v }'
refuses "an unknown target" "{ $l, right: { target: shpo, table: b } }" 'no target "shpo".*did you mean "shop"'
refuses "no target" "{ $l, right: { table: b } }" '"right" does not say which database'
refuses "a target that is no database" "{ $l, right: { target: repo, table: b } }" 'target "repo" is not a database'
refuses "table and query" "{ $l, right: { target: shop, table: b, query: SELECT 1 } }" '"right" needs either a table or a query, not both'
refuses "neither" "{ $l, right: { target: shop } }" '"right" needs either a table or a query'
refuses "no key" "{ left: { target: shop, table: a }, right: { target: shop, table: b } }" '"left" has no key'
sed 's/missing_left: "<= 2%"/different: "== 0"/' assize.yaml >keys.yaml
run "$ASSIZE" check -f keys.yaml
like "without values nothing can be expected of them" "$err" 'yields "different" only with "values"'
refuses "fewer values" "{ $l, right: { target: shop, table: b, values: [v, w] } }" '1 values on the left, 2 on the right'
refuses "a tolerance of nothing" "{ $l, right: { target: shop, table: b }, tolerance: { vv: 1 } }" 'no value "vv" to tolerate.*did you mean "v"'
refuses "a tolerance in words" "{ $l, right: { target: shop, table: b }, tolerance: { v: some } }" 'must be a number, a share with % or a duration, not "some"'
refuses "an unknown zone" "{ $l, right: { target: shop, table: b, zone: Mars/Base } }" 'Mars/Base'

# The second target is part of what a check is.
intact
definitions()
{
	"$ASSIZE" run r/keys >/dev/null
	sqlite3 .assize/record.db "SELECT count(DISTINCT hash) FROM definitions d JOIN checks c ON c.id = d.check_id WHERE c.name = 'r/keys'"
}
before=$(definitions)
is "the same again is the same definition" "$(definitions)" "$before"
cp ledger.db other.db
sed -i 's|sqlite: ledger.db|sqlite: other.db|' assize.yaml
is "another database by the same name is another definition" "$(definitions)" "$((before + 1))"
sed -i 's|sqlite: other.db|sqlite: ledger.db|' assize.yaml

# Larger than the blocks in memory: put aside on disk, and exact.
rm -f shop.db ledger.db
sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL, state TEXT, at TEXT, note TEXT);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
	INSERT INTO orders SELECT i, i * 1.0, hex(zeroblob(20)), NULL, '' FROM n"
sqlite3 ledger.db "ATTACH 'shop.db' AS s;
	CREATE TABLE bookings AS SELECT CAST(id AS TEXT) AS order_id, total AS amount, state AS status, at AS booked FROM s.orders ORDER BY id * 7919 % 150001;
	UPDATE bookings SET amount = amount + 1 WHERE order_id = '77777';
	DELETE FROM bookings WHERE order_id = '150000'"
tells "one changed of 150000" shown 1 'different.*1 key .*id=77777: total 77777 / 77778'
like "and one lost" "$out" 'missing_right.*id=150000'
TMPDIR=$TMP/nowhere tells "no room to put rows aside" shown 2 'could not make a temporary file in .*nowhere'
done_testing
