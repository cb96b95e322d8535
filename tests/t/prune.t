#!/bin/bash
# assize prune: old evidence, queries and repetitions go, and everything that was vouched for stays provable.
. "$(dirname "$0")/../lib/tap.sh"

mkdir "$TMP/world"
cd "$TMP/world" || exit 1
cat >assize.yaml <<'END'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  tasks:
    target: shop
    checks:
      - { id: said, command: { run: [sh, -c, "cat words; exit 1"] } }
      - { id: rows, rows: { table: tasks }, expect: ">= 1" }
gates:
  release: { require: [ { check: tasks/rows } ], run: never }
END
db=.assize/record.db
prune() { run "$ASSIZE" prune "$@"; }
ask() { sqlite3 $db "$1"; }
sqlite3 shop.db "CREATE TABLE tasks(id INTEGER PRIMARY KEY); INSERT INTO tasks VALUES (1)"
for n in 1 2 3; do
	echo "said $n times" >words
	"$ASSIZE" run -q --subject v1 >/dev/null
	[ $? = 1 ] || bail "run $n does not fail"
	[ $n != 1 ] || "$ASSIZE" gate release --subject v1 -q >/dev/null || bail "the gate is shut"
done
exits "a key" 0 "$ASSIZE" ledger init -q
key=$out
"$ASSIZE" ledger checkpoint -o kept
evidence=$(ask "SELECT body FROM texts WHERE id IN (SELECT evidence FROM facts WHERE id IN (SELECT facts_id FROM results WHERE run = 1))")
like "there is evidence" "$evidence" '^stdout: said 1 times$'
digest=$(printf %s "$evidence" | sha256sum | cut -d' ' -f1)

# ---- what is not done ----

prune
like "without an age" "$status $err" '^3 .*needs --older DURATION'
for wrong in 'never' '0s' '-1d' '100000w'; do
	prune --older "$wrong"
	is "--older $wrong: usage" "$status" 3
done
prune --older 1d now
is "words: usage" "$status" 3
prune --older 1d --record none.db
like "no record" "$status $err" '^4 .*there is no record yet'
nok "and none is made" test -e none.db
sum=$(sha256sum <$db)
prune --older 1d
like "nothing is that old" "$status $out" '^0 nothing of before 20[^ ]+Z is left to prune$'
prune --older 1ms --dry-run
like "what would go is told" "$status $out" '^0 would prune [0-9]+ texts? of evidence and queries, 0 lists of repetitions, [^,]+, of before'
is "and nothing is changed" "$(sha256sum <$db)" "$sum"

# ---- what is ----

prune --older 1ms
like "old bodies are let go of" "$status $out" $'^0 pruned [1-9][0-9]* texts? of evidence [^\n]+\npruning 1 of the record; all ([0-9]+) records hold, as before\nthe file '
is "what is gone is gone" "$(ask "SELECT count(*) FROM texts WHERE body = '${evidence//\'/\'\'}'")" 0
like "that of the newest result is there" "$("$ASSIZE" explain 3 tasks/said)" 'evidence +stdout: said 3 times'
like "the rest is known by its digest" "$("$ASSIZE" explain 1 tasks/said)" \
	"pruned on $(date -u +%Y)-[0-9][0-9]-[0-9][0-9]: ${#evidence} bytes with SHA-256 $digest"
like "in pages, too" "$("$ASSIZE" report 1 --format json)" "with SHA-256 $digest"
exits "every record holds" 0 "$ASSIZE" ledger verify --trust "$key" --against kept
like "against what was kept before" "$out" 'elsewhere +1 holds'
like "and it says what was pruned" "$out" "pruned +$(ask 'SELECT count(*) FROM pruned_texts') bod(y|ies), in 1 pruning"
like "all is signed for" "$("$ASSIZE" doctor)" 'ok +checkpoint +all [0-9]+ records are signed for'
like "the pruning is a record" "$("$ASSIZE" ledger leaves)" '"t":"assize/prune/1","texts":\{"n":[1-9]'
ok "a verifier that is not ours agrees" python3 -B "$ROOT/tests/verifiers/ledger.py" $db "$key" kept
for run in 1 2 3; do
	exits "run $run is judged again" 0 "$ASSIZE" replay $run
done
exits "the decision is made again" 0 "$ASSIZE" replay --decision 1
exits "the gate is as open as before" 0 "$ASSIZE" gate release --subject v1
size=$(ask 'SELECT next_seq FROM head')
prune --older 1ms -q
is "once is enough" "$status $out $(ask 'SELECT count(*) FROM prunings') $(ask 'SELECT next_seq FROM head')" "0  1 $size"
echo "said again" >words
exits "recording goes on" 1 "$ASSIZE" run -q --subject v1
exits "and holds" 0 "$ASSIZE" ledger verify --trust "$key" --against kept

# ---- what must not be ----

cp $db good.db
ask "UPDATE texts SET body = '' WHERE id = (SELECT max(evidence) FROM facts WHERE evidence NOT IN (SELECT text FROM pruned_texts))"
exits "evidence nobody pruned is missed" 4 "$ASSIZE" ledger verify
sum=$(sha256sum <$db)
prune --older 1ms
like "nothing is pruned of a record that is broken" "$status $err" '^4 .*cannot prune record "[^"]+", it is broken: .*nothing was pruned'
is "it is left as it was" "$(sha256sum <$db)" "$sum"
cp good.db $db
ask "DELETE FROM pruned_texts"
exits "nor can what was pruned be hidden" 4 "$ASSIZE" ledger verify
nok "from others" python3 -B "$ROOT/tests/verifiers/ledger.py" $db "$key" kept
done_testing
