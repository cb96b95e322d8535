#!/bin/bash
# Rules of a gate that look back: streaks of runs, error budgets, baselines.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
sqlite3 shop.db 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL); INSERT INTO orders VALUES (1, 5)'

# gate WORDS: a definition of two checks of which the gate's entry is WORDS
gate()
{
	cat >assize.yaml <<YAML
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
      - { id: total, sql: "SELECT total FROM orders", expect: "<= 10" }
gates:
  g: { require: [ { check: a/total, $1 } ], run: never, ${2:-subject: match} }
YAML
}

# rule WORDS: the gate has that rule alone
rule()
{
	gate 'max_age: 1h'
	sed -i "s/  g: .*/  g: { run: never, $1 }/" assize.yaml
}

# measure VALUE SUBJECT...: a run about each subject, with that value to be found
measure()
{
	local subject value=$1
	shift
	sqlite3 shop.db "UPDATE orders SET total = $value"
	for subject in "$@"; do
		"$ASSIZE" run a/total --subject "$subject" >/dev/null
	done
}

# decides CLAIM STATUS TEXT [SUBJECT]
decides()
{
	run "$ASSIZE" gate g --subject "${4:-v1}"
	is "$1: exit status" "$status" "$2"
	like "$1: told" "$out" "$3"
}

gate 'consecutive: 3'
decides 'never measured' 2 'undecided a/total never measured'
measure 5 v1 v1
decides 'two of three' 2 'undecided a/total 2 of 2 runs passed, there are no more, required are 3 in a row  assize.yaml:9:19 to do: assize run a/total --subject v1'
measure 5 v2 v2
decides 'runs about another subject are none' 2 '2 of 2 runs passed'
measure 5 any
decides 'a run about any subject is one' 0 'decision=OPEN'
measure 11 v1
decides 'a failure' 1 'FAIL a/total 2 of the last 3 runs passed; run 6 failed, required are 3 in a row'
measure 5 v1 v1
decides 'it cannot be forgotten at once' 1 '2 of the last 3 runs passed; run 6 failed'
gate 'of: [3, 4]'
decides 'three of four' 0 'decision=OPEN'
gate 'consecutive: 3'
measure 5 v1
decides 'three since' 0 'decision=OPEN'
cp .assize/record.db good.db

# spoiled CLAIM TEXT SQL: the newest but one is no pass any more
spoiled()
{
	cp good.db .assize/record.db
	sqlite3 .assize/record.db "$3"
	decides "$1" 2 "$2"
}
spoiled 'an incomplete run' 'run 8 did not come to its end' 'DELETE FROM run_ends WHERE run = 8'
spoiled 'an interrupted run' 'run 8 was interrupted' 'UPDATE run_ends SET state = 2 WHERE run = 8'
spoiled 'a pass without a value' 'run 8 has a pass without a value' 'UPDATE results SET value = NULL WHERE run = 8'
spoiled 'a run from the future' 'run 8 is from the future: a clock is wrong' 'UPDATE runs SET begin_ms = begin_ms + 7200000 WHERE id = 8'
spoiled 'stale' 'measured 25 h( [0-9]+ (h|min))? ago, limit 24 h' 'UPDATE runs SET begin_ms = begin_ms - 90000000'
cp good.db .assize/record.db
mv shop.db gone.db
"$ASSIZE" run a/total --subject v1 >/dev/null
mv gone.db shop.db
measure 5 v1
decides 'a run that could not measure' 2 'run 10 could not measure it'
cp good.db .assize/record.db
sed -i 's/"<= 10"/"<= 9"/' assize.yaml
measure 5 v1
decides 'another definition' 2 'run 9 measured under another definition of the check'

# A loop of runs is one pass where runs have to be apart.
cp good.db .assize/record.db
gate 'consecutive: 3, apart: 1h'
decides 'a loop of runs' 1 '1 of 2 runs passed, there are no more, at least 60 min apart; 5 more are too close to a later one; run 6 failed'
sqlite3 .assize/record.db 'UPDATE runs SET begin_ms = begin_ms - 3600000 * (9 - id)'
decides 'an hour apart' 0 'decision=OPEN'

# Any subject.
cp good.db .assize/record.db
gate 'consecutive: 3' 'subject: any'
decides 'any subject' 0 'decision=OPEN'
measure 11 v7
measure 5 v1
decides 'a failure about another release counts where the subject is any' 1 'run 10 failed'

# A run that was slow began before two that passed, and had seen the check fail before the second did.
rm -rf .assize
cp "$ROOT/tests/lib/slow_probe" .
mkfifo said
cat >assize.yaml <<'YAML'
assize: 1
audits: { a: { checks: [ { id: program, command: { run: [./slow_probe] } } ] } }
gates: { g: { require: { check: a/program, consecutive: 2 }, run: never, max_age: 1h } }
YAML
"$ASSIZE" run --subject v1 >/dev/null &
slow=$!
exec 3>said # it has begun
"$ASSIZE" run --subject v1 >/dev/null
echo 1 >&3
exec 3>&-
exits 'the slow run fails' 1 wait "$slow"
"$ASSIZE" run --subject v1 >/dev/null
decides 'a failure between two passes' 1 'FAIL a/program 1 of the last 2 runs passed; run 1 failed status, required are 2 in a row'
exits 'it is decided so again' 0 "$ASSIZE" replay --decision 1
sed -i 's/consecutive: 2/of: [2, 3]/' assize.yaml
decides 'it may be one of three' 0 'decision=OPEN'
sed -i 's/of: .2, 3./consecutive: 2/' assize.yaml
"$ASSIZE" run --subject v1 >/dev/null
decides 'two passes since' 0 'decision=OPEN'
exits 'and then the failure came first still' 0 "$ASSIZE" replay --decision 1
# A record as it was when runs counted by their begin.
sqlite3 .assize/record.db "UPDATE texts SET body = replace(body, ',\"edition\":5', '')"
exits 'a decision of former times is as it was' 1 "$ASSIZE" replay --decision 1
like 'which was another' "$out" '2 of the last 2 runs passed'

# Error budgets: 50 % of four hours are two.
rm -rf .assize
rule 'budget: { objective: 50 %, window: 4h, max_gap: 45m, checks: { check: a\/total }, burn: [ { rate: 1.2, long: 1h, short: 5m } ] }'
decides 'no result at all' 2 'undecided budget:50% of 4 h nothing failed, 4 h are unknown, more than the 2 h that are left of 2 h; known is what complete runs at most 45 min apart say  assize.yaml:9:28 to do: assize run a/total --subject v1'
measure 5 v1 v1 v1 v1 v1 v1 v1 v1 v1
sqlite3 .assize/record.db 'UPDATE runs SET begin_ms = begin_ms - 1800000 * (9 - id)'
cp .assize/record.db good.db
decides 'nine passes half an hour apart' 0 'decision=OPEN'
measured() { sqlite3 .assize/record.db "UPDATE results SET facts_id = (SELECT facts_id FROM results WHERE run = 10) WHERE run IN ($1); DELETE FROM results WHERE run = 10; DELETE FROM run_ends WHERE run = 10; DELETE FROM runs WHERE id = 10"; }
measure 11 v1
measured '2, 3'
decides 'some of it is spent' 0 'decision=OPEN'
cp good.db .assize/record.db
measure 11 v1
measured '1, 2, 3, 4, 5'
decides 'all of it is spent' 1 'FAIL budget:50% of 4 h the budget of 2 h is spent: 2 h( [0-9]+ min)? failed, nothing is unknown  assize.yaml:9:28 to do: assize history a/total'
cp good.db .assize/record.db
measure 11 v1
measured '8, 9'
decides 'it burns' 1 'FAIL budget:50% of 4 h burns 1.5 times as fast as allowed over 60 min and 2.0 times over 5 min, limit 1.2'
cp good.db .assize/record.db
sqlite3 .assize/record.db 'DELETE FROM run_ends WHERE run > 4'
decides 'runs that did not end say nothing' 2 'nothing failed, 2 h( [0-9]+ min)? are unknown'
cp good.db .assize/record.db
sqlite3 .assize/record.db 'UPDATE runs SET begin_ms = begin_ms + 7200000 WHERE id = 9'
decides 'from the future' 2 'a/total has results from the future: a clock is wrong'

# Candidate against baseline.
rm -rf .assize
rule 'baseline: { check: a\/total, against: { subject: v1 }, min_n: 6, effect: 1, direction: higher }'
decides 'no candidate' 2 'undecided a/total the candidate was never measured  assize.yaml:9:30'
measure 5 v2 v2 v2 v2 v2 v2
decides 'no baseline' 2 'undecided a/total the baseline has 0 values, at least 6 are needed' v2
measure 5 v1 v1 v1 v1 v1
decides 'too small a baseline' 2 'the baseline has 5 values, at least 6 are needed' v2
measure 5 v1
decides 'no worse' 0 'decision=OPEN' v2
run "$ASSIZE" gate g --subject v2 --report markdown=open.md --report tap=open.tap
like 'a summary of it says what it rests on' "$(cat open.md)" 'OPEN, gate.*This run proves nothing:.*the gate rests on what earlier runs recorded'
unlike 'and not that nothing is proven' "$(cat open.md open.tap)" 'Nothing is proven'
like 'as does TAP' "$(cat open.tap)" 'the gate rests on what earlier runs recorded'
run sed -i 's/v1 }/vx }/' assize.yaml
run "$ASSIZE" gate g --subject v2 --report markdown=shut.md
like 'where it is shut nothing is proven' "$(cat shut.md)" 'SHUT, gate.*Nothing is proven'
run sed -i 's/vx }/v1 }/' assize.yaml
decides 'it is its own baseline' 2 'the baseline has 0 values' v1
sqlite3 .assize/record.db "UPDATE results SET value = value + 3 WHERE run <= 6"
decides 'worse' 1 'FAIL a/total 3 above the median 5 of the baseline .effect 1., p = 0.00[0-9]*, 6 against 6 values' v2
sqlite3 .assize/record.db "UPDATE results SET value = NULL WHERE run <= 6"
decides 'nothing but errors' 2 '6 of 6 runs of the candidate gave no value: what it would have been nobody knows' v2

done_testing
