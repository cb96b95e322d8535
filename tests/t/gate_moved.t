#!/bin/bash
# Evidence is about the commit that the subject stood for: a tag that is moved takes nothing along, not
# what was measured, not the word of another gate, not an override. No rollback set is needed for it.
. "$(dirname "$0")/../lib/tap.sh"
git init -q -b main "$TMP/repo"
cd "$TMP/repo"
sqlite3 db 'CREATE TABLE t(x); INSERT INTO t VALUES (1)'
printf '/db\n/.assize\n' >.gitignore
cat >assize.yaml <<'Y'
assize: 1
targets: { shop: { sqlite: db } }
audits:
  a:
    target: shop
    checks:
      - { id: rows, rows: t, expect: ">= 1" }
      - { id: more, rows: t, expect: ">= 2" }
gates:
  release: { require: [ { check: a/rows, max_age: 1h } ], run: never }
  again: { require: [ { check: a/rows, max_age: 1h } ] }
  streak: { require: [ { check: a/rows, max_age: 1h, consecutive: 2 } ], run: never }
  after: { require: [ { check: a/rows, max_age: 1h } ], depends_on: { release: { within: 1h } } }
  more: { require: [ { check: a/more, max_age: 1h } ] }
Y
git add . && git commit -qm one && git tag v1 && git tag -a v2 -m two
one=$(git rev-parse HEAD)
for subject in v1 v2 refs/tags/v1 tags/v2 v1^0; do "$ASSIZE" run -s "$subject" a/rows >/dev/null; done
"$ASSIZE" run -s v1 a/rows >/dev/null
exits "measured: a gate opens" 0 "$ASSIZE" gate release -s v1
exits "one that depends on it as well" 0 "$ASSIZE" gate after -s v1
exits "and one that wants two in a row" 0 "$ASSIZE" gate streak -s v1
is "the record has the commit" "$(sqlite3 .assize/record.db "SELECT DISTINCT body FROM runs JOIN texts t ON t.id = subject_commit")" "$one"
"$ASSIZE" override more -s v1 --by jane --reason 'known' >/dev/null
exits "an override opens" 0 "$ASSIZE" gate more -s v1

git commit -qm two --allow-empty
git tag -f v1 >/dev/null && git tag -fam two v2 >/dev/null 2>&1
two=$(git rev-parse HEAD)
for subject in v1 v2 refs/tags/v1 tags/v2 v1^0; do
	exits "$subject was moved: what was measured is of another commit" 2 "$ASSIZE" gate release -s "$subject"
	like "which is told" "$out" "of another commit: .* was ${one:0:12} then, and is ${two:0:12} now"
done
like "with what to do" "$out" 'to do: assize run a/rows --subject'
exits "a decision made again says the same" 0 "$ASSIZE" replay latest
like "it is equal" "$out" 'decision .* equal'
exits "an override is about the commit it was given for" 1 "$ASSIZE" gate more -s v1
like "which is told" "$out" 'override 1 by jane does not count: it is about another commit'
exits "a gate that runs measures again, and opens" 0 "$ASSIZE" gate again -s v1
exits "what it measured counts" 0 "$ASSIZE" gate release -s v1
git tag -f v1 "$one" >/dev/null
exits "moved back, it does not" 2 "$ASSIZE" gate release -s v1
"$ASSIZE" run -s v1 a/rows >/dev/null
exits "another gate's word is of the other commit, too" 2 "$ASSIZE" gate after -s v1
like "which is told" "$out" 'depends_on:release was decided shut'
exits "that one opens again" 0 "$ASSIZE" gate release -s v1
exits "and then the other" 0 "$ASSIZE" gate after -s v1
exits "the run of the other commit stands between two passes" 2 "$ASSIZE" gate streak -s v1
like "which is told" "$out" 'measured another commit: "v1" was'
"$ASSIZE" run -s v1 a/rows >/dev/null
exits "two more, and it is out of sight" 0 "$ASSIZE" gate streak -s v1
exits "the record is whole" 0 "$ASSIZE" ledger verify --quiet

# ---- what cannot be told is as it was ----

git tag -d v1 >/dev/null
exits "a tag that is not here: its name is all there is" 0 "$ASSIZE" gate release -s v1
"$ASSIZE" run -s v3 a/rows >/dev/null
git tag v3
exits "measured before it was tagged" 0 "$ASSIZE" gate release -s v3
git tag -f v3 'HEAD^{tree}' >/dev/null
exits "a tag of no commit" 0 "$ASSIZE" gate release -s v3
cp -r . ../bare && rm -rf ../bare/.git && cd ../bare
exits "no repository" 0 "$ASSIZE" gate release -s v3
done_testing
