#!/bin/bash
# replay: results judged again and decisions made again, from the record alone.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
sqlite3 shop.db 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL, state TEXT); INSERT INTO orders VALUES (1, 5, "new"), (2, 7, NULL)'
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
      - { id: total, sql: "SELECT total FROM orders WHERE id = 1", expect: ["<= 10", "> 0.123456789"], warn: "<= 4" }
      - { id: missing, missing: { table: orders, columns: [total, state] }, expect: "<= 50%" }
      - { id: word, sql: "SELECT 'a, b'", expect: 'in ["a, b", "c"]' }
      - { id: usual, sql: "SELECT 5", expect: [ "within 10% of median(28d)", "< 9" ] }
      - { id: hour, sql: { query: "SELECT 3600.5", unit: s }, expect: "<= 3601s" }
      - { id: pair, sql: { query: "SELECT 3601", unit: s }, expect: "between 1h and 9007199254740993s" }
      - { id: gone, sql: "SELECT x FROM nowhere", expect: "> 1" }
      - { id: late, needs: [a/gone], sql: "SELECT 5", expect: "> 1" }
      - { id: program, command: { run: ["true"] } }
gates:
  g:
    require: [ { check: a/total, consecutive: 3 }, { check: a/missing } ]
    advise: { check: a/gone }
    run: never
    budget: { objective: 50 %, window: 3h, checks: { check: a/total } }
    baseline: { check: a/total, against: { subject: v1 }, min_n: 5, effect: 1 }
YAML
for _ in 1 2 3 4 5; do
	"$ASSIZE" run --subject v1 >/dev/null
done
for _ in 1 2 3; do
	"$ASSIZE" run --subject v2 >/dev/null
done
"$ASSIZE" gate g --subject v2 >before
like 'a decision that is shut' "$(cat before)" 'decision=SHUT outcome=undecided'

# Neither definition nor database is at hand.
mkdir away
mv assize.yaml shop.db away
for id in 1 5 8; do
	exits "run $id: exit status" 0 "$ASSIZE" replay $id
	like "run $id: told" "$out" "run $id: [0-9]+ results, [0-9]+ equal, 0 differ, 0 cannot be judged again"
	is "run $id: all of them" "$(sed -E -n 's/.*: ([0-9]+) results, ([0-9]+) equal.*/\1 = \2/p' <<<"$out" | awk '{ print $1 == $3 }')" 1
done
exits 'its decision: exit status' 0 "$ASSIZE" replay --decision 1
is 'its decision: told' "$out" 'decision 1 of gate g about v2: shut, 6 lines, equal'
exits 'a decision comes with its run' 0 "$ASSIZE" replay latest
like 'a decision comes with its run: told' "$out" 'decision 1 of gate g about v2: shut, . lines, equal'
exits 'quiet' 0 "$ASSIZE" replay --decision 1 --quiet
is 'quiet: nothing' "$out" ''

# What is recorded later changes nothing: neither more runs nor an end that came late.
cp .assize/record.db good.db
mv away/assize.yaml away/shop.db .
"$ASSIZE" run --subject v2 >/dev/null
"$ASSIZE" run --subject any >/dev/null
exits 'the record went on' 0 "$ASSIZE" replay --decision 1
like 'the record went on: told' "$out" 'equal'
cp good.db .assize/record.db
sqlite3 .assize/record.db 'CREATE TABLE kept AS SELECT * FROM run_ends WHERE run = 8; DELETE FROM run_ends WHERE run = 8'
"$ASSIZE" gate g --subject v2 >/dev/null
exits 'a run that had no end' 0 "$ASSIZE" replay --decision 2
sqlite3 .assize/record.db 'UPDATE kept SET seq = (SELECT next_seq FROM head); INSERT INTO run_ends SELECT * FROM kept; DROP TABLE kept'
exits 'which came afterwards' 0 "$ASSIZE" replay --decision 2
like 'which came afterwards: told' "$out" 'equal'
# rules look at different runs: a streak at old ones about the subject, a budget at new ones about any
cp .assize/record.db late.db
cp good.db .assize/record.db
sed -i.kept '/baseline:/d' assize.yaml
sqlite3 .assize/record.db 'UPDATE runs SET begin_ms = begin_ms - iif(id > 5, 82800000, 1800000 * (6 - id)); DELETE FROM run_ends WHERE run IN (5, 6, 7)'
"$ASSIZE" gate g --subject v2 >before
like 'open runs of two rules' "$(cat before)" 'run 7 did not come to its end'
exits 'open runs of two rules: exit status' 0 "$ASSIZE" replay --decision 2
mv assize.yaml.kept assize.yaml
cp late.db .assize/record.db
sed -i 's/"<= 10"/"<= 11"/; s/min_n: 5/min_n: 6/; s/consecutive: 3/consecutive: 2/' assize.yaml
exits 'another definition' 0 "$ASSIZE" replay --decision 2

# an override that decided is part of the decision
cp good.db .assize/record.db
"$ASSIZE" override g --subject v2 --until 1h --by jane --reason 'the shop is down' >/dev/null
"$ASSIZE" override g --subject v2 --until 2h --by joe --reason 'it still is' >/dev/null
"$ASSIZE" gate g --subject v2 >before
like 'an override' "$(cat before)" 'OVERRIDDEN'
exits 'an override: exit status' 0 "$ASSIZE" replay --decision 2
is 'an override: told as what it is' "$out" \
	'decision 2 of gate g about v2: overridden (override 2), without it shut, undecided, 6 lines, equal'
sqlite3 .assize/record.db 'UPDATE decisions SET override = 1 WHERE id = 2'
exits 'another override: exit status' 1 "$ASSIZE" replay --decision 2
like 'another override: told' "$out" 'differs  decision 2  recorded is overridden by jane .override 1.; made again it is overridden by joe .override 2.'
sqlite3 .assize/record.db 'UPDATE decisions SET override = NULL WHERE id = 2'
exits 'no override: exit status' 1 "$ASSIZE" replay --decision 2
like 'no override: told' "$out" 'recorded is not overridden; made again it is overridden by joe'

# edited CLAIM STATUS TEXT SQL WORDS...: what replay says of it
edited()
{
	local claim=$1 want=$2 text=$3
	cp good.db .assize/record.db
	sqlite3 .assize/record.db "$4"
	shift 4
	exits "$claim: exit status" "$want" "$ASSIZE" replay "$@"
	like "$claim: told" "$out" "$text"
}
total='(SELECT id FROM results WHERE run = 8 AND series = (SELECT s.id FROM series s JOIN checks c ON c.id = s.check_id WHERE c.name = "a/total"))'
edited 'a value' 1 'differs  a/total  recorded is warn, judged again it is fail: outside the bound' \
	"UPDATE results SET value = 11.0 WHERE id = $total" 8
edited 'a value that decided' 1 'recorded a/total  warn, run 8: 5, bound <= 10, > 0.123456789: .*again    a/total  warn, run 8: 11, bound' \
	"UPDATE results SET value = 11.0 WHERE id = $total" --decision 1
edited 'an outcome' 1 'differs  a/total  recorded is pass, judged again it is warn: outside the bound .warning bound <= 4.' \
	"UPDATE facts SET outcome = 1 WHERE id = (SELECT facts_id FROM results WHERE id = $total)" 8
edited 'a bound' 1 'differs  a/total  the bound recorded is "<= 11", what was expected is "<= 10, > 0.123456789"' \
	"UPDATE facts SET bound = (SELECT max(id) + 1 FROM texts) WHERE id = (SELECT facts_id FROM results WHERE id = $total); INSERT INTO texts(hash, body) VALUES (0, '<= 11')" 8
hour='(SELECT facts_id FROM results WHERE run = 8 AND series = (SELECT s.id FROM series s JOIN checks c ON c.id = s.check_id WHERE c.name = "a/hour"))'
bound() { printf "UPDATE facts SET bound = (SELECT max(id) + 1 FROM texts) WHERE id = %s; INSERT INTO texts(hash, body) VALUES (0, '%s')" "$hour" "$1"; }
edited 'a bound in fewer digits' 0 'equal' "$(bound '<= 60 min')" 8
hour=${hour/hour/pair}
edited 'two bounds in other digits' 0 'equal' "$(bound 'between 60 min and 104249991374 d')" 8
edited 'another of the two' 1 'differs  a/pair  the bound recorded is "between 1 h and 104249991373 d"' "$(bound 'between 1 h and 104249991373 d')" 8
edited 'another word' 1 'differs  a/pair  the bound recorded is "betwixt 1 h' "$(bound 'betwixt 1 h and 9007199254740993 s')" 8
hour=${hour/pair/hour}
edited 'another operator' 1 'differs  a/hour  the bound recorded is "< 3601 s"' "$(bound '< 3601 s')" 8
edited 'a limit' 1 'differs  a/total  the limit recorded is 11, judged again it is 10' \
	"UPDATE facts SET usual_limit = 11.0 WHERE id = (SELECT facts_id FROM results WHERE id = $total)" 8
edited 'no value' 1 'differs  a/total  recorded is warn, but there is no value' \
	"UPDATE results SET value = NULL WHERE id = $total" 8
edited 'history of within' 1 'differs  a/usual  recorded is pass, judged again it is undecided: the baseline has 6 values, at least 7 are needed' \
	"DELETE FROM results WHERE run = 1" 8
edited 'an outcome nobody expected anything of' 1 'recorded is warn, but nothing was expected of it' \
	"UPDATE facts SET outcome = 2 WHERE definition_id IN (SELECT d.id FROM definitions d JOIN checks c ON c.id = d.check_id WHERE c.name = 'a/program') AND bound = (SELECT id FROM texts WHERE body = '')" 8
edited 'a decision opened afterwards' 1 'differs  decision 1  recorded is open, pass; made again it is shut, undecided' \
	'UPDATE decisions SET is_open = 1, outcome = 1' --decision 1
edited 'a line' 1 'recorded a/missing  fail.*again    a/missing  pass' \
	"UPDATE decision_lines SET outcome = 3 WHERE check_name = (SELECT id FROM texts WHERE body = 'a/missing')" --decision 1
edited 'a line that was taken out' 1 'again    budget 50% of 3 h  undecided, no run: .*shut, 5 lines, differs' \
	'DELETE FROM decision_lines WHERE place = 0' --decision 1
edited 'the time' 1 'it was made for another gate, subject or time than its policy and basis say' \
	'UPDATE decisions SET at_ms = at_ms - 1' --decision 1
edited 'a run that vanished' 1 'recorded a/total' 'DELETE FROM results WHERE run = 7; DELETE FROM runs WHERE id = 7; DELETE FROM run_ends WHERE run = 7' --decision 1
edited 'a decision of an older assize' 2 'unknown  decision 1  what it was made from was not recorded: an older assize made it' \
	'UPDATE decisions SET policy = NULL' --decision 1
edited 'a run of an older assize' 2 'unknown  a/total  what was expected of it was not recorded: an older assize wrote it' \
	'UPDATE definitions SET expects = NULL' 8
cp good.db .assize/record.db
sqlite3 .assize/record.db "UPDATE decisions SET policy = (SELECT max(id) + 1 FROM texts); INSERT INTO texts(hash, body) VALUES (0, '{\"assize\":\"policy/2\"}')"
exits 'a policy of another version: exit status' 4 "$ASSIZE" replay --decision 1
like 'a policy of another version: told' "$err" 'cannot trust the policy that was recorded: it is not one of this version'

cp good.db .assize/record.db
exits 'no such decision' 3 "$ASSIZE" replay --decision 9
like 'no such decision: told' "$err" 'there is no decision 9 in record'
exits 'no such run' 3 "$ASSIZE" replay 99
exits 'not a number' 3 "$ASSIZE" replay --decision one
like 'not a number: told' "$err" '"one" is not the number of a decision'
exits 'neither' 3 "$ASSIZE" replay
exits 'both' 3 "$ASSIZE" replay 8 --decision 1

done_testing
