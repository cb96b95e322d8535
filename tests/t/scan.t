#!/bin/bash
# Segments, samples and shared queries, as a user sees them.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

sqlite3 shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, total REAL);
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
	INSERT INTO orders SELECT i, iif(i % 3, 'paid', 'new'), iif(i % 3 = 0 AND i % 2, NULL, i) FROM n;
	CREATE TABLE none (state TEXT)"
write()
{
	cat >assize.yaml <<YAML
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  o:
    target: shop
    checks:
$1
YAML
}

write '      - { id: by, missing: { table: orders, columns: total, by: state }, expect: "<= 10%" }'
run "$ASSIZE" run
is "one bad segment fails the check" "$status" 1
like "and is named" "$out" 'FAIL o/by\{column="total",state="new"\} 50 % bound'
is "the other passes" "$("$ASSIZE" run --json |
	jq -r '.checks[0].series[] | select(.series | contains("paid")) | .outcome')" pass
write '      - { id: by, rows: { table: none, by: state }, expect: "< 1e9" }'
run "$ASSIZE" run
is "no segment is no pass" "$status" 2
like "and says why" "$out" 'table "none" has no rows, hence no segment'
write '      - { id: by, rows: { table: orders, by: stat }, expect: "< 1e9" }'
run "$ASSIZE" run
is "a segment by a column that is not there: status" "$status" 2
like "... and a guess" "$out" 'did you mean "state"'

write '      - { id: s, missing: { table: orders, columns: total, sample: "20%" }, expect: "between 10% and 25%" }'
exits "a share of a sample" 0 "$ASSIZE" run
like "n is that of the sample" "$("$ASSIZE" run --json | jq '.checks[0].series[0].n')" '^1[789][0-9][0-9]$'
like "the plan says sample" "$("$ASSIZE" plan)" '-- of a sample of the rows: 20%'
write '      - { id: s, missing: { table: orders, columns: total, sample: "20%" }, expect: "<= 2000" }'
run "$ASSIZE" check
is "a count of a sample is a definition error" "$status" 3
like "which says what to write" "$err" 'the count in a sample is not that of the table.*write the bound with %'
write '      - { id: s, aggregate: { table: orders, column: total, sample: "20%" }, expect: { avg: "> 0", sum: "> 0" } }'
run "$ASSIZE" check
is "a sum of a sample: status" "$status" 3
like "a sum of a sample: told" "$err" '"sum" of a sample is not that of the table'

write '      - { id: a, rows: orders, expect: ">= 1" }
      - { id: b, missing: { table: orders, columns: state }, expect: "== 0" }
      - { id: c, aggregate: { table: orders, column: total }, expect: { avg: "> 0", distinct: "> 1" } }'
run "$ASSIZE" plan
like "the plan: three checks, one probe" "$out" '3 checks, 1 probes'
like "one shared query" "$out" 'SELECT count\(\*\), assize_numbers\('"'n'"', "total"\), count\("state"\) FROM "orders"'
like "in which a function of assize's own is explained" "$out" '-- assize_numbers\(\) is assize.s own, an aggregate'
like "distinct values apart" "$out" 'count\(v\) FROM \(SELECT v, count\(\*\) AS n FROM'
like "and how a large table is read" "$out" 'read in parts, by at most 4 sessions that see one snapshot'

# Thousands of checks on one table, one of them bad.
sqlite3 wide.db "CREATE TABLE t ($(seq -s, 1 1000 | sed 's/[0-9]*/c&/g')); INSERT INTO t DEFAULT VALUES"
{
	echo 'assize: 1'
	echo 'targets: { wide: { sqlite: wide.db } }'
	echo 'audits: { w: { target: wide, checks: ['
	for i in $(seq 1 5000); do
		column=c$((i % 1000 + 1))
		[ "$i" != 777 ] || column=nosuch
		echo "  { id: k$i, missing: { table: t, columns: $column }, expect: \"== 1\" },"
	done
	echo ']}}'
} >many.yaml
run "$ASSIZE" run -f many.yaml
is "5,000 checks: all but the bad one pass" "$(tail -n 1 <<<"$out" | grep -o 'pass=[0-9]* .*undecided=[0-9]*')" \
	"pass=4999 warn=0 fail=0 undecided=1"
done_testing
