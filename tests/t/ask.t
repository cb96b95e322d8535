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
cp .assize/record.db whole.db
sqlite3 .assize/record.db 'DELETE FROM run_ends WHERE run = 2'
like "a run without an end has no counts" "$("$ASSIZE" history)" 'Z  incomplete +run a/owner +v2'
like "and no exit status: Markdown" "$("$ASSIZE" report 2 --format markdown)" ', no exit status\.'
mv whole.db .assize/record.db

exits "history of a check shows each series" 0 "$ASSIZE" history a/owner
like "with value, share, bound and room used" "$out" 'fail +1 row \(50 %\) +<= 10 % +500 % +2 +v2'
like "and the other series" "$out" 'a/owner\{column="state"\}'
exits "history of one series" 0 "$ASSIZE" history a/owner '{column="owner"}' --json
is "as numbers" "$(jq -c '[.series[0].points[] | [.run, .outcome, .value]]' <<<"$out")" '[[1,"pass",0],[2,"fail",1]]'
is "text stays text" "$("$ASSIZE" history a/text --json | jq -r '.series[0].points[0].value')" ada
exits "history of each series" 0 "$ASSIZE" history a/owner --json
is "is one document" "$(python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["assize"], d["check"], [(s["series"], len(s["points"])) for s in d["series"]])' <<<"$out")" \
	"series/2 a/owner [('{column=\"owner\"}', 2), ('{column=\"state\"}', 2)]"
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
like "is said" "$err" 'nothing about check "a/none" that was judged since [0-9-]+$'

# ---- what others recorded ----
exits "nothing was recorded" 0 "$ASSIZE" history --recorded
is "and that is no error" "$out" "name  labels  values  first  newest  value  by"
record() { "$ASSIZE" record --record .assize/record.db -q "$@" || bail "not recorded: $*"; }
record satisfaction 4.5 --label shop=paris --label floor=1 --at 2026-01-02T03:04:05Z --unit points
record satisfaction 3 --label shop=paris --label floor=1 --at 2026-02-02T03:04:05Z --unit points --id 77
record satisfaction 5 --label 'shop=ro"me
::error::x' --at 2026-02-03T00:00:00+01:00 --unit points
record backlog 12
exits "it is listed by name and labels" 0 "$ASSIZE" history --recorded
like "with how many there are, the newest, and who recorded it" "$out" \
	'backlog .* 1 .* 12 +[^ ]+@.*satisfaction +\{floor="1",shop="paris"\} +2 +2026-01-02T03:04:05Z +2026-02-02T03:04:05Z +3 points +[^ ]+@'
is "foreign labels stay on their line" "$(wc -l <<<"$out")" 4
is "as JSON" "$("$ASSIZE" history --recorded --json |
	jq -c '.assize, (.recorded[] | [.name, .labels, .value, .unit, .values, .is_unsigned])')" \
	'"recorded/1"
["backlog",{},12,"",1,false]
["satisfaction",{"floor":"1","shop":"paris"},3,"points",2,false]
["satisfaction",{"shop":"ro\"me\n::error::x"},5,"points",1,false]'
is "only what is new" "$("$ASSIZE" history --recorded --since 1h --json | jq -c '[.recorded[].name]')" '["backlog"]'
exits "the values of one name" 0 "$ASSIZE" history --recorded satisfaction
like "are told oldest first, with their ids" "$out" \
	'2026-01-02T03:04:05Z +4.5 points +\{floor="1",shop="paris"\}.*2026-02-02T03:04:05Z +3 points .*\} +77 .*2026-02-02T23:00:00Z +5 points'
exits "those of one set of labels" 0 "$ASSIZE" history --recorded satisfaction '{floor="1",shop="paris"}' --json
is "by themselves" "$(jq -c '.assize, [.values[] | [.value, .id, .at_ms]]' <<<"$out")" \
	'"recorded-values/1"
[[4.5,null,1767323045000],[3,"77",1770001445000]]'
is "the newest of many" "$("$ASSIZE" history --recorded satisfaction -n 1 --json | jq -c '[.values[].value]')" '[5]'
exits "what nobody recorded" 3 "$ASSIZE" history --recorded satisfactoin
like "is said, with how to see what there is" "$err" 'recorded as "satisfactoin".*assize history --recorded lists'
exits "neither are rates of it" 3 "$ASSIZE" history --recorded --rates

exits "status is that of the worst check" 1 "$ASSIZE" status
like "audits with what is wrong" "$out" 'a +fail .*1 of 2 checks'
like "gates with their last decision" "$out" 'g +none +never'
exits "a gate that looks again" 1 "$ASSIZE" gate g --subject v2
like "is then listed as shut" "$("$ASSIZE" status)" 'g +shut +.*v2'
exits "it is of every audit: a word is not passed over" 3 "$ASSIZE" status tasks
like "that is said" "$err" 'assize status takes no words: "tasks"'
is "status as JSON" "$("$ASSIZE" status --json | jq -c '.audits[] | [.audit, .outcome, .not_passing, .overdue]')" \
	'["a","fail",1,false]'

exits "the plan is printed without touching anything" 0 "$ASSIZE" plan --json
is "with the checks that share a probe" "$(jq -c '[.probes[].checks]' <<<"$out")" '[["a/owner"],["a/text"]]'
like "and the query" "$(jq -r '.probes[0].asks' <<<"$out")" 'count\("owner"\)'

exits "explain of a run that is none" 3 "$ASSIZE" explain 99 a/owner
exits "explain of a check the run lacks" 3 "$ASSIZE" explain 2 a/ownr
like "suggests" "$err" 'did you mean a/owner'
exits "explain needs both words" 3 "$ASSIZE" explain latest

# A name that is none is answered with those there are.
sed '$a notify: { ops: { webhook: "https://ops.example/h" }, mail: { webhook: "https://mail.example/h" } }' assize.yaml >names.yaml
asked()
{
	exits "$1" 3 "$ASSIZE" $1 "${@:3}"
	like "$1: is told what there is" "$err" "help: $2"
}
asked "explain 1 a" 'did you mean a/owner, a/text\?$'
asked "explain 1 text" 'did you mean a/text\?$'
asked "explain 1 nosuch" 'checks there are: a/owner, a/text$'
asked "history a/ownr" 'did you mean a/owner\?$'
asked "history a" 'did you mean a/owner, a/text\?$'
asked "history nosuch" 'checks there are: a/owner, a/text$'
asked "notify" 'names there are: ops, mail$' -f names.yaml
asked "notify nosuch" 'names there are: ops, mail$' -f names.yaml
asked "notify mial" 'did you mean mail\?$' -f names.yaml
asked "notify x" 'the definition has no notify:' -f assize.yaml
asked "gate g v1.2.0" 'assize gate g --subject v1.2.0$'
asked "gate" 'gates there are: g$'

exits "a report of a run that is none" 3 "$ASSIZE" report 99
exits "a format that is none" 3 "$ASSIZE" report --format pdf

# ---- commands that are printed can be pasted, whatever a name or subject holds ----

mkdir paste && cd paste
cat >"it's one.yaml" <<'YAML'
assize: 1
audits: { a: { checks: [ { id: c, command: { run: [test, -e, fixed] } } ] } }
gates: { g: { require: [ { audit: a } ], run: never } }
YAML
assize() { "$ASSIZE" "$@"; }
subject=$'v1\n$(date)\e[31m\u202e\\\'"'
exits "a run about something odd" 1 "$ASSIZE" run -f "it's one.yaml" --subject "$subject"
again=$(sed -n 's/^ *again *//p' <<<"$out")
ok "the command to run it again is one line of text" perl -e 'exit $ARGV[0] =~ /[^ -~]/' "$again"
eval "$again" >again.out
is "and is about the same" "$(sqlite3 .assize/record.db \
	'SELECT count(*), count(DISTINCT subject) FROM runs')" "2|1"
like "for it names the definition" "$again" "-f 'it'.*'s one.yaml'"
cp "it's one.yaml" assize.yaml
exits "a gate about what nobody measured" 2 "$ASSIZE" gate g --subject "$subject+" --json
eval "$(jq -r '.lines[] | select(.check == "a/c").remedy' <<<"$out")" >remedy.out
is "its remedy measures it" "$(sqlite3 -json .assize/record.db "SELECT t.body FROM runs r JOIN texts t ON
	t.id = r.subject ORDER BY r.id DESC LIMIT 1" | jq -r '.[0].body')" "$subject+"
cd ..

# What is shown is what was judged, in one word everywhere.
mkdir shown && cd shown || bail "no directory"
cat >assize.yaml <<'YAML'
assize: 1
targets: { d: { sqlite: ../d.db } }
audits:
  v:
    target: d
    checks:
      - { id: noted, command: { run: ["true"] }, expect: { status: "== 0" } }
      - { id: odd, sql: "SELECT 9007199254740993", expect: "== 9007199254740992" }
      - { id: even, sql: "SELECT 9007199254740992", expect: "== 9007199254740993" }
      - { id: hour, sql: { query: "SELECT 3600.4", unit: s }, expect: "<= 1h" }
      - { id: near, sql: { query: "SELECT 3600.5", unit: s }, expect: "<= 3601s" }
      - { id: size, sql: { query: "SELECT 999999999", unit: B }, expect: "<= 1GB" }
      - { id: huge, sql: "SELECT 1e308", expect: "< 100" }
      - { id: bytes, sql: { query: "SELECT 9007199254740995", unit: B }, expect: "<= 9007199254740993 B" }
      - { id: plain, sql: { query: "SELECT 9007199254740995", unit: B }, expect: "in [9007199254740993, 12345678901234567890]" }
      - { id: kilo, sql: { query: "SELECT 9007199254740995", unit: B }, expect: "<= 9007199254741kB" }
      - { id: seconds, sql: { query: "SELECT 9007199254740995", unit: s }, expect: "between 1s and 9007199254740993s" }
      - { id: milli, sql: { query: "SELECT 9007199254740995", unit: s }, expect: "<= 9007199254740993ms" }
      - { id: share, sql: { query: "SELECT 9007199254740995.0", unit: "%" }, expect: "<= 9007199254740993%" }
      - { id: rate, sql: { query: "SELECT 9007199254740995", unit: B/s }, expect: "<= 9007199254740993" }
      - { id: tenths, sql: { query: "SELECT 0.1 + 0.2", unit: "%" }, expect: "== 0.3%" }
      - { id: thirty, sql: { query: "SELECT 30", unit: "%" }, expect: "<= 29.9999999999999%" }
      - { id: percent, sql: { query: "SELECT 29", unit: "%" }, expect: "<= 28.9999999%" }
YAML
run "$ASSIZE" run --report tap=of.tap --report junit=of.junit --report ctrf=of.ctrf --report html=of.html
like "neighbours beyond 2^53 differ" "$out" 'FAIL v/odd 9 007 199 254 740 993 bound == 9 007 199 254 740 992 '
like "the bound, too" "$out" 'FAIL v/even 9 007 199 254 740 992 bound == 9 007 199 254 740 993 '
like "bytes beyond 2^53 as well" "$out" 'FAIL v/bytes 9 007 199 254 740 995 B bound <= 9 007 199 254 740 993 B '
like "without a unit" "$out" 'FAIL v/plain 9 007 199 254 740 995 B bound in \[9 007 199 254 740 993 B, 12345678901234567890 B\] '
like "in another one" "$out" 'pass v/kilo 9 007 199 254 740 995 B bound <= 9007199254741 kB '
like "seconds" "$out" 'FAIL v/seconds 9 007 199 254 740 995 s bound between 1 s and 9 007 199 254 740 993 s '
like "milliseconds" "$out" 'FAIL v/milli 9 007 199 254 740 995 s bound <= 9007199254740993 ms '
like "shares" "$out" 'FAIL v/share .* % bound <= 9007199254740993 % '
like "shares that differ in the last digit" "$out" 'FAIL v/tenths 0\.30000000000000004 % bound == 0\.3 % '
like "nor does their bound lose one" "$out" 'FAIL v/thirty 30 % bound <= 29\.9999999999999 % '
like "and no digits that are not there" "$out" 'FAIL v/percent 29\.00 % bound <= 28\.9999999 % '
like "rates" "$out" 'FAIL v/rate 9 007 199 254 740 995 B/s bound <= 9 007 199 254 740 993 B/s '
like "60 min and some are no hour" "$out" 'FAIL v/hour 3600.4 s bound <= 1 h '
like "nor is a bound" "$out" 'pass v/near 60 min bound <= 3601 s '
like "what passes does not read as more than its bound" "$out" 'pass v/size 999999999 B bound <= 1 GB '
like "in a report as well" "$(cat of.tap)" 'measured 3600.4 s, bound <= 1 h'
is "a value nobody expects anything of is noted: TAP" "$(grep -c "outcome: 'noted'" of.tap)" 3
is "CTRF" "$(jq -r '[.results.tests[] | select(.rawStatus == "noted") | .name] | join(" ")' of.ctrf)" \
	'v/noted:duration v/noted:cpu v/noted:memory'
is "JUnit" "$(xmllint --xpath 'count(//skipped[starts-with(@message, "noted: measured ")])' of.junit)" 3
is "no format counts it among what passed: CTRF" \
	"$(jq -c '[.results.tests[].status] as $all | [.results.summary | .passed, .skipped] == [($all | map(select(. == "passed")) | length), ($all | map(select(. == "skipped")) | length)]' of.ctrf) $(jq -r '[.results.tests[] | select(.rawStatus == "noted") | .status] | unique[]' of.ctrf)" \
	"true skipped"
is "TAP" "$(grep -c '^ok .*# SKIP noted: measured ' of.tap)" 3
is "JUnit's counts" "$(xmllint --xpath 'sum(//testsuite/@skipped) = count(//skipped)' of.junit)" true
"$ASSIZE" report --format openmetrics -o of.prom
is "OpenMetrics has its value and no outcome" \
	"$(grep -c 'series_value.*check="v/noted",series="duration"' of.prom) $(grep -c 'series_outcome.*check="v/noted",series="duration"' of.prom) $(grep -c 'series_outcome.*check="v/noted",series="status"' of.prom)" "1 0 5"
unlike "and it is nothing to be told of" "$("$ASSIZE" report --format github)" 'noted'
is "HTML" "$(grep -o '>noted<' of.html | wc -l)" 3
is "explain" "$("$ASSIZE" explain latest v/noted | grep -c '^noted$')" 3
like "history" "$("$ASSIZE" history v/noted duration)" 'Z  noted '
is "rates leave it out" "$("$ASSIZE" history --rates --json | jq -c '.checks[] | select(.check == "v/noted") | [.pass, .rate]')" '[1,1]'
is "by day, too" "$("$ASSIZE" history --rates --json v/noted | jq -c '[.days[].pass] | add')" 1
exits "and of nothing else there is no rate" 3 "$ASSIZE" history --rates v/noted duration
like "which is said" "$err" 'nothing about series duration of v/noted that was judged'
like "a series is named as everywhere" "$("$ASSIZE" history v/noted | grep '^v/')" '^v/noted:status.v/noted:duration'
like "room without end has one" "$("$ASSIZE" history v/huge)" '< 100 +> 10000 % +1'
like "explain says the same" "$("$ASSIZE" explain latest v/huge)" 'room used +> 10000 %'
cd .. || bail "no way back"
# A check that could not be measured has one result for the whole of it: it belongs to the past of each series.
mkdir outage && cd outage || bail "no folder"
cat >assize.yaml <<'YAML'
assize: 1
targets: { d: { sqlite: d.db } }
audits:
  w:
    checks:
      - { id: up, target: d, missing: { table: o, columns: [a, b] }, expect: "== 0" }
YAML
sqlite3 kept.db "CREATE TABLE o(a, b); INSERT INTO o VALUES (1, 2)"
status_of() {
	if [ "$1" = up ]; then cp kept.db d.db; else rm -f d.db; fi
	"$ASSIZE" run --quiet >/dev/null 2>&1
}
for state in down up up down; do status_of "$state"; done
seen() { "$ASSIZE" history w/up '{column="a"}' --json | jq -c '[.. | .points? // empty | .[] | [.run, .outcome]]'; }
is "an outage stands in the past of a series" "$(seen)" '[[1,"undecided"],[2,"pass"],[3,"pass"],[4,"undecided"]]'
exits "while it lasts as well, without the series named" 0 "$ASSIZE" history w/up
like "each of them" "$out" 'column="a".*undecided.*pass.*pass.*undecided.*column="b".*undecided.*pass.*pass.*undecided'
"$ASSIZE" report 4 --output page.html
like "the page says what was before it" "$(tr -d '\n' <page.html)" 'Before: [^.]*pass[^.]* in run 3'
unlike "and takes it for one run long" "$(cat page.html)" 'undecided for [0-9]+ runs'
exits "one more" 2 "$ASSIZE" run
like "the run itself tells since when" "$out" 'since +run 4, .*, 2 runs'
status_of up
is "and it stays when it is over" "$(seen)" \
	'[[1,"undecided"],[2,"pass"],[3,"pass"],[4,"undecided"],[5,"undecided"],[6,"pass"]]'
cd ..

# ---- more series than one reads ----
mkdir many && cd many || bail "no folder"
sqlite3 d.db "CREATE TABLE o(g TEXT); WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 19)
	INSERT INTO o SELECT 'g' || i FROM c"
cat >assize.yaml <<'YAML'
assize: 1
targets: { d: { sqlite: d.db } }
audits:
  m:
    checks:
      - { id: by, target: d, sql: { query: "SELECT 1 AS n, g FROM o", value: n, labels: g }, expect: ">= 1" }
YAML
exits "a check of ten series" 0 "$ASSIZE" run -q
exits "shows the first of them" 0 "$ASSIZE" history m/by
is "and how many are left" "$(grep -c '^m/by{' <<<"$out") $(tail -n 1 <<<"$out")" \
	"8 and 2 more series: name one behind the check, or take --json"
is "all of them are in the JSON" "$("$ASSIZE" history m/by --json | jq '.series | length')" 10
cd ..

done_testing
