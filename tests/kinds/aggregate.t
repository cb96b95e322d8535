#!/bin/bash
# aggregate: the intact table passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

# x is 1 .. 1000, ms the same in milliseconds.
intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, half REAL, ms INT, k TEXT, w INT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		INSERT INTO t SELECT i, (i * 7919) % 1000 + 1, i / 2.0, i, iif(i <= 400, 'a', 'b'), nullif(i % 2, 0) FROM n"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
      - { id: plain, aggregate: { table: t, column: x }, expect: { min: "== 1", max: "== 1000", sum: "== 500500", avg: "== 500.5", distinct: "== 1000" } }
      - { id: spread, aggregate: { table: t, column: x }, expect: { stddev: "between 288.8 and 288.9" } }
      - { id: ranks, aggregate: { table: t, column: x }, expect: { p50: "== 500.5", p95: "between 950.04 and 950.06", p1: "between 10.98 and 11", p99: "between 990 and 990.02" } }
      - { id: expression, aggregate: { table: t, expression: "x * 2 -- twice" }, expect: { sum: "== 1001000", p50: "== 1001" } }
      - { id: unit, aggregate: { table: t, column: ms, unit: ms }, expect: { max: "<= 1s", p50: "< 501ms" } }
      - { id: where, aggregate: { table: t, column: id, where: k = 'a' }, expect: { max: "<= 400", p50: "== 200.5" } }
      - { id: by, aggregate: { table: t, column: id, by: k }, expect: { min: ">= 1", p50: "<= 700.5" } }
YAML

tells()
{
	run "$ASSIZE" run "a/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
change()
{
	intact
	sqlite3 shop.db "UPDATE t SET $1"
}

intact
for check in plain spread ranks expression unit where by; do
	exits "intact: $check passes" 0 "$ASSIZE" run "a/$check"
done
run "$ASSIZE" plan
is "percentiles of one expression are one query" "$(grep -c 'row_number' <<<"$out")" 5
run "$ASSIZE" run a/by --json
is "every segment has its own" "$(jq -r '[.checks[0].series[] | .series + "=" + (.value | tostring)] | join(" ")' <<<"$out")" \
	'min{k="a"}=1 p50{k="a"}=200.5 min{k="b"}=401 p50{k="b"}=700.5'

change "x = -5 WHERE id = 3"
tells "a smaller one" plain 1 'series +min.*measured +-5 '
change "x = 100000 WHERE id = 3"
tells "a larger one" plain 1 'series +max.*measured +100.000 '
tells "spreads" spread 1 'FAIL a/spread'
tells "the sum doubles it" expression 1 'series +sum'
change "x = 2000 WHERE x > 500"
tells "half of them larger" ranks 1 'series +p95.*measured +2000'
change "ms = 2000 WHERE id = 1"
tells "a unit is converted" unit 1 'series +max.*measured +2 s'
change "id = 5000 WHERE id = 400"
tells "within the condition" where 1 'series +max.*5000'

change "half = NULL, x = NULL WHERE id > 10"
tells "NULLs are left out" plain 1 'series +distinct.*measured +10'
change "x = NULL"
tells "only NULLs" plain 2 'x is NULL in every row of "t"'
change "x = NULL WHERE id > 1"
tells "one value does not spread" spread 2 'one value has no standard deviation'
change "x = 'many' WHERE id = 1"
tells "a word among numbers is never 0" ranks 2 '1 values? (are|is) not numbers?'
like "with what to do" "$out" 'cast them in an expression'
intact
sqlite3 shop.db "DELETE FROM t"
tells "no rows" plain 2 'table "t" has no rows'
tells "and no percentile of none" ranks 2 'table "t" has no rows'
intact
sqlite3 shop.db "ALTER TABLE t RENAME COLUMN x TO y"
tells "renamed column" plain 2 'no such column: x'
tells "in an expression, too" expression 2 'no such column: x'
exits "neighbours are still measured" 0 "$ASSIZE" run a/unit
sqlite3 shop.db "DROP TABLE t"
tells "dropped table" unit 2 'no such table: t'

sed -i 's/column: x }, expect: { stddev/expression: x, column: x }, expect: { stddev/' assize.yaml
exits "a column and an expression is a definition error" 3 "$ASSIZE" check
like "which says so" "$err" 'either column or expression'
sed -i 's/expression: x, column: x/column: x/; s/stddev/stdev/' assize.yaml
exits "an unknown value, too" 3 "$ASSIZE" check
like "with a suggestion" "$err" 'stddev'
done_testing
