#!/bin/bash
# distribution: intact shares pass; then every shift fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

# 1000 rows of today (200 new, 700 paid, 100 refunded) and 4000 of the weeks before, in the same shares.
intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, day INT, state TEXT COLLATE NOCASE, total REAL);
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
		INSERT INTO orders SELECT i, i / 1000, CASE WHEN i % 10 < 2 THEN 'new' WHEN i % 10 < 9 THEN 'paid' ELSE 'refunded' END,
			(i * 7919 % 1000) / 10.0 FROM n"
}

export SECRET=hunter2-hunter2
cat >assize.yaml <<'YAML'
assize: 1
targets:
  shop: { sqlite: shop.db }
audits:
  d:
    target: shop
    checks:
      - id: written
        distribution: { table: orders, column: state, where: day = 0, baseline: { new: 0.2, paid: 70%, refunded: 0.1 } }
        expect: { psi: "< 0.1", p_value: ">= 0.01", max_share_change: "<= 5%", new: "== 0", gone: "== 0" }
      - id: counted
        distribution: { table: orders, column: state, where: day = 0, baseline: { new: 800, paid: 2800, refunded: 400 } }
        expect: { p_value: ">= 0.01" }
      - id: before
        distribution: { table: orders, column: state, where: day = 0, baseline_where: "day >= 0 -- also today" }
        expect: { psi: "< 0.1", p_value: ">= 0.01", max_share_change: "<= 5%", new: "== 0", gone: "== 0" }
      - id: edges
        distribution: { table: orders, column: total, where: day = 0, bins: { edges: [25, 50, 75] }, baseline: { "< 25": 0.25, "25..50": 0.25, "50..75": 0.25, ">= 75": 0.25 } }
        expect: { max_share_change: "<= 1%" }
      - id: equal
        distribution: { table: orders, expression: total * 2, where: day = 0, bins: { equal: 5 }, baseline_where: day > 0 }
        expect: { psi: "< 0.1" }
      - id: quantiles
        distribution: { table: orders, column: total, where: day = 0, bins: { quantiles: 10 }, baseline_where: day > 0 }
        expect: { psi: "< 0.1", p_value: ">= 0.001" }
      - id: captured
        distribution: { table: orders, column: state, where: day = 0, baseline_file: states.json }
        expect: { psi: "< 0.1", p_value: ">= 0.01" }
      - id: captured-bins
        distribution: { table: orders, column: total, where: day = 0, bins: { quantiles: 4 }, baseline_file: totals.json }
        expect: { psi: "< 0.1", new: "== 0" }
  holder: { checks: [ { id: a, command: { run: ["true"], env: { T: "${env:SECRET}" } } } ] }
YAML

tells()
{
	run "$ASSIZE" run "d/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
shop() { sqlite3 shop.db "$1"; }

intact
for check in written counted before edges equal quantiles; do
	exits "intact: $check passes" 0 "$ASSIZE" run "d/$check"
done
run "$ASSIZE" plan d/before
like "the plan shows the one grouped query" "$out" 'SELECT cell, side, count\(\*\) FROM \(SELECT CAST\("state" AS text\) COLLATE BINARY AS cell, CASE WHEN \(day = 0 \) THEN 0 ELSE 1 END'

run "$ASSIZE" plan d/quantiles
like "and the one for the edges before it" "$out" 'ntile\(10\) OVER \(ORDER BY "total"\).*then, with these edges in the place of 0: SELECT cell'

# Captured by the program itself.
tells "a file nobody captured yet" captured 2 'baseline ".*states\.json": .*assize baseline d/captured -o FILE'
exits "it is captured" 0 "$ASSIZE" baseline d/captured -o states.json
is "with what there is" "$(jq -c '[.cells[] | [.name, .rows]] | sort' states.json)" \
	'[["new",200],["paid",700],["refunded",100]]'
exits "so are bins" 0 "$ASSIZE" baseline d/captured-bins -o totals.json
is "with their edges" "$(jq -c '[.edges, [.cells[].rows]]' totals.json)" '[[25,50,75],[250,250,250,250]]'
exits "the same again passes" 0 "$ASSIZE" run d/captured d/captured-bins

# Shifts, whatever the baseline is.
shop "UPDATE orders SET state = 'refunded' WHERE day = 0 AND id % 10 = 2"
tells "a tenth moved" written 1 'max_share_change.*10.*paid: 60\.00 %, was 70\.00 %.*refunded: 20\.00 %, was 10\.00 %'
like "by chance once in more than a thousand" "$out" 'FAIL d/written:p_value'
tells "against counts" counted 1 'FAIL d/counted'
tells "against the rows before" before 1 'p_value.*refunded: 20\.00 %, was 10\.00 %'
tells "against a file" captured 1 'FAIL d/captured'
intact
shop "UPDATE orders SET state = 'refunded' WHERE id IN (2, 12, 22, 32)"
tells "four of a thousand are chance" written 0 'pass'
tells "the baseline has no row of those tested: 1000 rows" before 0 'pass'

# New and gone.
intact
shop "UPDATE orders SET state = '$(printf %040d 0)$SECRET' WHERE state = 'new' AND day = 0"
tells "half a secret where a category is cut is masked" written 1 '0{40}\*\*\*\.\.\.: new, 20\.00 %'
intact
shop "UPDATE orders SET state = 'lost' WHERE day = 0 AND state = 'new'"
tells "a category replaced" written 1 'lost: new, 20\.00 % \(200 rows\).*new: gone, was 20\.00 %'
like "counted as new" "$out" 'FAIL d/written:new|new .*1 category|series +new'
like "what cannot be has the probability 0" "$out" 'p_value'
intact
shop "UPDATE orders SET state = NULL WHERE day = 0 AND state = 'new'"
tells "NULL is a category" written 1 'NULL: new, 20\.00 %'
shop "UPDATE orders SET state = 'NULL' WHERE state IS NULL AND id < 500"
tells "and the word is another" written 1 "'NULL': new, 10\\.00 %"
intact
shop "UPDATE orders SET state = 'Paid' WHERE day = 0 AND id % 10 = 3"
tells "case counts, whatever the collation takes for equal" written 1 'Paid: new, 10\.00 %'
intact
shop "UPDATE orders SET state = char(27) || '[2J' || substr(hex(zeroblob(200)), 1, 90) WHERE day = 0 AND id % 10 = 3"
tells "a hostile category is escaped and cut" written 1 '\\x1b\[2J0+\.\.\.: new'

# Bins.
intact
shop "UPDATE orders SET total = total / 2 WHERE day = 0"
tells "half the totals, by edges" edges 1 '< 25: 50\.00 %, was 25\.00 %'
tells "by equal bins" equal 1 'FAIL d/equal'
tells "by quantiles" quantiles 1 'psi.*FAIL|FAIL d/quantiles'
tells "by captured bins" captured-bins 1 '< 25: 50\.00 %, was 25\.00 %'
intact
shop "UPDATE orders SET total = 'dear' WHERE day = 0 AND id % 4 = 0"
tells "a word among numbers is not the largest of them" edges 1 'not a number: new, 25\.00 %'

# No measurement.
intact
shop "DELETE FROM orders WHERE day = 0 AND id > 50"
tells "51 rows are too few" written 2 '51 rows are too few to tell, min_rows is 100'
shop "DELETE FROM orders WHERE day = 0"
tells "no rows" written 2 'table "orders" has no rows to test'
intact
shop "DELETE FROM orders WHERE day > 0"
tells "no rows before" before 2 'a baseline of 0 rows is too small'
tells "nothing to take edges from" quantiles 2 'there is no row to take the edges of bins from'
intact
shop "UPDATE orders SET total = 5"
tells "one value has no bins" equal 2 'all values are the same'
tells "and no quantiles" quantiles 2 'all values are the same'
intact
shop "UPDATE orders SET state = 'rare' || (id / 100) WHERE day = 0 AND id % 100 = 2"
shop "UPDATE orders SET state = 'rare' || ((id - 1000) / 100) WHERE day = 1 AND id % 100 = 2"
tells "thin cells have no p-value" before 2 'too few rows for chi-square: [0-9]+ of [0-9]+ expected counts are below 5'
intact
shop "UPDATE orders SET state = id"
tells "as many categories as rows" before 2 'there are more than 1000 categories.*bins:'
shop "ALTER TABLE orders RENAME COLUMN state TO stat"
tells "a renamed column" written 2 'no such column: .*did you mean "stat"'
shop "DROP TABLE orders"
tells "a dropped table" edges 2 'no such table: orders'
for damage in '{' '{"assize_baseline": 2}' '{"assize_baseline": 1, "edges": [2, 1], "cells": []}' \
	'{"assize_baseline": 1, "edges": [], "cells": []}' '{"assize_baseline": 1, "edges": [], "cells": [{"name": "a", "rows": -1}]}' \
	'{"assize_baseline": 1, "edges": ["a"], "cells": []}' '{"assize_baseline": 1}'; do
	echo "$damage" >states.json
	tells "damaged: $damage" captured 2 'baseline ".*states\.json": '
done

# The command.
exits "a check of another kind has no baseline" 3 "$ASSIZE" baseline d/capture
like "but a close one is named" "$err" 'no check "d/capture".*did you mean "d/captured"'
exits "one check" 3 "$ASSIZE" baseline
intact
shop "DELETE FROM orders"
exits "a baseline of nothing is none" 2 "$ASSIZE" baseline d/captured -o states.json
like "and says so" "$err" 'finds no rows to make a baseline of'

# Definitions.
refuses()
{
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db } }\naudits:\n  d:\n    target: shop\n    checks:\n      - { id: x, distribution: %s, expect: { psi: "< 1" } }\n' "$2" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$3"
}
refuses "no baseline" '{ table: t, column: c }' 'there is nothing to compare with'
refuses "two baselines" '{ table: t, column: c, baseline: { a: 1 }, baseline_where: x }' 'more than one baseline'
refuses "column and expression" '{ table: t, column: c, expression: d, baseline: { a: 1 } }' 'either a column or an expression, not both'
refuses "shares that are not whole" '{ table: t, column: c, baseline: { a: 0.5, b: 0.4 } }' 'the shares of the baseline add up to 0\.9'
refuses "a negative share" '{ table: t, column: c, baseline: { a: -1 } }' 'baseline of "a" must be a share or a number of rows'
refuses "edges that go down" '{ table: t, column: c, bins: { edges: [2, 1] }, baseline: { a: 1 } }' 'edge 1 is not above the one before'
refuses "bins in two ways" '{ table: t, column: c, bins: { edges: 2, equal: 3 }, baseline: { a: 1 } }' 'bins are made in more than one way'
refuses "bins nobody knows the edges of" '{ table: t, column: c, bins: { equal: 3 }, baseline: { a: 1 } }' 'does not say where such bins lie'
done_testing
