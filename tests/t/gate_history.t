#!/bin/bash
# Rules of a gate that look back: streaks of runs.
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
spoiled 'stale' 'measured 25 h ago, limit 24 h' 'UPDATE runs SET begin_ms = begin_ms - 90000000'
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

done_testing
