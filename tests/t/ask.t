#!/bin/bash
# Asking: history, status, plan and explain, as a person and as a program would.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" || bail "no scratch directory"

cat >assize.yaml <<'YAML'
assize: 1
targets: { d: { sqlite: d.db } }
audits:
  a:
    target: d
    checks:
      - { id: owner, missing: { table: t, columns: [owner, state] }, expect: "<= 10%" }
      - { id: text, sql: { query: "SELECT name FROM t WHERE id = 1" }, expect: '== "ada"' }
gates:
  g: { require: [ { audit: a } ] }
YAML
sqlite3 d.db "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, owner TEXT, state TEXT);
	INSERT INTO t VALUES (1, 'ada', 'x', 's'), (2, 'grace', 'x', 's')"

exits "without a record there is nothing to ask" 4 "$ASSIZE" history
like "and it says what to do" "$err" 'help: '
exits "a first run" 0 "$ASSIZE" run --subject v1
sqlite3 d.db "UPDATE t SET owner = NULL WHERE id = 2"
exits "a second, of a part" 1 "$ASSIZE" run a/owner --subject v2

exits "history lists runs" 0 "$ASSIZE" history
like "newest first, with selection and subject" "$out" '2 .*fail.*run a/owner +v2.*1 .*pass.*run +v1'
is "as JSON, too" "$("$ASSIZE" history --json | jq -c '[.runs[] | [.id, .outcome, .subject, .selection]]')" \
	'[[2,"fail","v2","a/owner"],[1,"pass","v1",""]]'
is "at most as many as asked for" "$("$ASSIZE" history --json -n 1 | jq '.runs | length')" 1
is "none of the future" "$("$ASSIZE" history --json --since 1ms | jq '.runs | length')" 0

exits "history of a check shows each series" 0 "$ASSIZE" history a/owner
like "with value, share, bound and room used" "$out" 'fail +1 row \(50 %\) +<= 10 % +500 % +2 +v2'
like "and the other series" "$out" 'a/owner\{column="state"\}'
exits "history of one series" 0 "$ASSIZE" history a/owner '{column="owner"}' --json
is "as numbers" "$(jq -c '[.points[] | [.run, .outcome, .value]]' <<<"$out")" '[[1,"pass",0],[2,"fail",1]]'
is "text stays text" "$("$ASSIZE" history a/text --json | jq -r '.points[0].value')" ada
exits "a series nobody measured" 3 "$ASSIZE" history a/owner nothing
like "is said to be unknown" "$err" 'no series nothing'
exits "a check nobody measured" 3 "$ASSIZE" history a/none
like "likewise" "$err" 'nothing about check "a/none"'
exits "a window that is none" 3 "$ASSIZE" history --since soon
like "is refused with an example" "$err" 'write e.g. 30d'
exits "too many words" 3 "$ASSIZE" history a b c

exits "rates of all checks" 0 "$ASSIZE" history --rates
like "the worst first, all series together" "$out" 'a/owner +75 % +3 +0 +1 +0 +0.*a/text +100 % +1 '
is "as JSON" "$("$ASSIZE" history --rates --json | jq -c '[.checks[] | [.check, .pass, .fail, .rate]]')" \
	'[["a/owner",3,1,0.75],["a/text",1,0,1]]'
is "only some" "$("$ASSIZE" history --rates -n 1 --json | jq -c '[.checks[].check]')" '["a/owner"]'
exits "one check by day" 0 "$ASSIZE" history a/owner --rates --json
is "every result is in one" "$(jq -c '[([.days[].pass] | add), ([.days[].fail] | add)]' <<<"$out")" '[3,1]'
exits "one series of it" 0 "$ASSIZE" history a/owner '{column="owner"}' --rates --json
is "has its own" "$(jq -c '[([.days[].pass] | add), ([.days[].fail] | add)]' <<<"$out")" '[1,1]'
like "as a table" "$("$ASSIZE" history a/text --rates)" 'day \(UTC\) .*[0-9]{4}-[0-9]{2}-[0-9]{2} +100 % +1'
exits "of nothing" 3 "$ASSIZE" history a/none --rates
like "is said" "$err" 'nothing about check "a/none" since [0-9-]+$'

exits "status is that of the worst check" 1 "$ASSIZE" status
like "audits with what is wrong" "$out" 'a +fail .*1 of 2 checks'
like "gates with their last decision" "$out" 'g +none +never'
exits "a gate that looks again" 1 "$ASSIZE" gate g --subject v2
like "is then listed as shut" "$("$ASSIZE" status)" 'g +shut +.*v2'
is "status as JSON" "$("$ASSIZE" status --json | jq -c '.audits[] | [.audit, .outcome, .not_passing, .overdue]')" \
	'["a","fail",1,false]'

exits "the plan is printed without touching anything" 0 "$ASSIZE" plan --json
is "with the checks that share a probe" "$(jq -c '[.probes[].checks]' <<<"$out")" '[["a/owner"],["a/text"]]'
like "and the query" "$(jq -r '.probes[0].asks' <<<"$out")" 'count\("owner"\)'

exits "explain of a run that is none" 3 "$ASSIZE" explain 99 a/owner
exits "explain of a check the run lacks" 3 "$ASSIZE" explain 2 a/ownr
like "suggests" "$err" 'did you mean a/owner'
exits "explain needs both words" 3 "$ASSIZE" explain latest
exits "a report of a run that is none" 3 "$ASSIZE" report 99
exits "a format that is none" 3 "$ASSIZE" report --format pdf
done_testing
