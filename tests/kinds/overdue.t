#!/bin/bash
# overdue: what ran passes; what did not run when it should have fails, and what never ran has no age.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
sqlite3 shop.db "CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1)"
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  hourly:
    target: shop
    defaults: { schedule: "@hourly" }
    checks:
      - { id: rows, rows: orders, expect: "> 0" }
      - { id: more, rows: { table: orders, where: "id > 0" }, expect: "> 0" }
  byhand:
    target: shop
    checks:
      - { id: rows, rows: orders, expect: "> 0" }
  watch:
    checks:
      - { id: hourly, overdue: { of: hourly, grace: 10m } }
      - { id: one, overdue: hourly/rows, expect: { age: "< 2h" } }
      - { id: byhand, overdue: byhand, expect: { age: "< 26h" } }
YAML
intact()
{
	rm -rf .assize
	run "$ASSIZE" run hourly byhand
	[ "$status" = 0 ] || bail "the audits do not pass: $out$err"
}
# SECONDS earlier, by the record.
measured()
{
	sqlite3 .assize/record.db "UPDATE states SET finished_ms = finished_ms - $2 * 1000 WHERE check_id = (SELECT id FROM checks WHERE name = '$1')"
}
# SECONDS from now, by the newest run; by an earlier one alone it is forgotten.
ahead()
{
	measured "$1" "-$2"
	sqlite3 .assize/record.db "UPDATE states SET measured_ms = measured_ms + $2 * 1000 WHERE check_id = (SELECT id FROM checks WHERE name = '$1')"
}
tells()
{
	run "$ASSIZE" run "watch/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

run "$ASSIZE" run watch/hourly
is "never measured: exit status" "$status" 2
like "never measured: told" "$out" '\{check="hourly/rows"\}.*it was never measured'
intact
for check in hourly one byhand; do
	exits "intact: $check passes" 0 "$ASSIZE" run "watch/$check"
done
run "$ASSIZE" run watch/hourly --json
is "a series a check and value" "$(jq -c '[.checks[0].series[] | select(.series | startswith("late")) | [.series, .value]]' <<<"$out")" \
	'[["late{check=\"hourly/rows\"}",0],["late{check=\"hourly/more\"}",0]]'
measured hourly/more 86400
tells "one did not run for a day" hourly 1 'FAIL watch/hourly:late\{check="hourly/more"\}'
tells "the other did" one 0 'pass'
run "$ASSIZE" run watch/hourly --json
like "since when is evidence" "$(jq -r '.checks[0].series[] | select(.outcome == "fail") | .evidence[]' <<<"$out")" 'was due at .*:00:00Z, last measured at '
intact
measured byhand/rows 93601
tells "too old without a schedule" byhand 1 'FAIL watch/byhand:age\{check="byhand/rows"\} 9360[0-9.]+ s bound < 26 h'
ahead byhand/rows 186400
tells "measured in the future" byhand 2 'it was measured in the future: look at the clocks'
ahead hourly/rows 186400
tells "measured in the future is not in time either" hourly 2 'late\{check="hourly/rows"\}.*it was measured in the future'
like "status does not call it new" "$("$ASSIZE" status)" 'byhand .*in 2\.1[0-9]* d'
like "and it is due" "$("$ASSIZE" run --due 2>&1)" 'hourly/rows'

# What runs and is undecided measures nothing.
intact
mv shop.db away
run "$ASSIZE" run hourly byhand
is "undecided: exit status" "$status" 2
tells "undecided since a moment ago" hourly 0 'pass'
past() # SECONDS earlier, all of the first run, and the days on which it measured
{
	sqlite3 .assize/record.db "UPDATE runs SET begin_ms = begin_ms - $1 * 1000 WHERE id = (SELECT min(id) FROM runs)" \
		"INSERT OR IGNORE INTO days(id, n_undecided, n_pass, n_warn, n_fail, n_skip)
			SELECT ((r.begin_ms + x.at_ms) / 86400000 << 24) | x.series, 0, 1, 0, 0, 0
			FROM runs r JOIN results x ON x.run = r.id WHERE r.id = (SELECT min(id) FROM runs)"
}
past 93601
tells "undecided for a day" hourly 1 'FAIL watch/hourly:late\{check="hourly/rows"\}'
run "$ASSIZE" run watch/hourly --json
like "since when, and that it runs" "$(jq -r '.checks[0].series[] | select(.outcome == "fail") | .evidence[]' <<<"$out")" \
	'was due at .*:00:00Z, last measured at .*, undecided since, at last at '
tells "undecided for a day, without a schedule" byhand 1 'FAIL watch/byhand:age\{check="byhand/rows"\} 9360[0-9.]+ s bound < 26 h'
rm -rf .assize
"$ASSIZE" run hourly byhand >/dev/null 2>&1
tells "undecided in every run" hourly 2 'late\{check="hourly/rows"\}.*it never gave a verdict: it was undecided, last at '
tells "undecided in every run, by age" byhand 2 'age\{check="byhand/rows"\}.*it never gave a verdict'
mv away shop.db

# What no gate would count is no word, either.
intact
run "$ASSIZE" run -q hourly byhand
past 93601
tells "before the last runs" hourly 0 'pass'
sqlite3 .assize/record.db 'UPDATE run_ends SET state = 2 WHERE run > 1'
tells "which did not come to their end" hourly 1 'FAIL watch/hourly:late\{check="hourly/rows"\}'

intact
sqlite3 .assize/record.db "UPDATE states SET finished_ms = -1 WHERE check_id = (SELECT id FROM checks WHERE name = 'hourly/rows')"
tells "only ever skipped" one 2 'it was never measured'

undefined()
{
	printf 'assize: 1\ntargets: { shop: { sqlite: shop.db } }\naudits:\n  h:\n    target: shop\n    checks:\n      - { id: a, rows: orders, expect: "> 0" }\n%s\n' "$2" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$3"
}
undefined "no such audit" '  w: { checks: [ { id: b, overdue: hh, expect: { age: "< 1h" } } ] }' 'no audit or check "hh".*did you mean "h"'
undefined "no schedule and no bound" '  w: { checks: [ { id: b, overdue: h } ] }' '"h/a" has no schedule, so nobody knows when it is late.*add expect: \{ age'
undefined "itself" '  w: { checks: [ { id: b, overdue: w/b, expect: { age: "< 1h" } } ] }' 'is measured whenever this is asked'
undefined "its own audit without others" '  w: { checks: [ { id: b, overdue: w, expect: { age: "< 1h" } } ] }' 'audit "w" has no other check'
done_testing
