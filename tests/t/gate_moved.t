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

# ---- what cannot be told is undecided ----

sed 's/\(  after: {\)/\1 run: never,/' assize.yaml >never.yaml && mv never.yaml assize.yaml
"$ASSIZE" override more -s v1 --by jane --reason 'known' >/dev/null
nobody_knows() { # WHAT: nothing that was measured, decided or let through counts
	exits "$1: what was measured" 2 "$ASSIZE" gate release -s v1
	like "$1: which is told" "$out" "a/rows measured .* of (what may be )?another commit: \"v1\" was ${one:0:12} then, and $2"
	exits "$1: a decision made again says the same" 0 "$ASSIZE" replay latest
	like "$1: it is equal" "$out" 'decision .* equal'
	exits "$1: the newest runs" 2 "$ASSIZE" gate streak -s v1
	exits "$1: what was let through" 1 "$ASSIZE" gate more -s v1
	like "$1: that is told as well" "$out" "override 2 by jane does not count: it is about .*\"v1\" was ${one:0:12} then, and $2"
	exits "$1: another gate's word" 2 "$ASSIZE" gate after -s v1
}
"$ASSIZE" run -s v1 a/rows >/dev/null
"$ASSIZE" run -s v1 a/rows >/dev/null
"$ASSIZE" gate release -s v1 >/dev/null
git tag -d v1 >/dev/null
nobody_knows "a tag that is not here" "is no tag here now"
like "with what to do" "$out" 'to do: git fetch --tags, or assize run a/rows --subject v1'
git tag v1 "$one"
exits "it is here again, and opens" 0 "$ASSIZE" gate release -s v1
for to in 'HEAD^{tree}' HEAD:assize.yaml; do
	git tag -f v1 "$to" >/dev/null
	nobody_knows "a tag on $to" "is $(git rev-parse "$to" | head -c 12) now"
	git tag -f v1 "$one" >/dev/null
done
echo deadbeefdeadbeefdeadbeefdeadbeefdeadbeef >.git/refs/tags/v1
nobody_knows "a tag on an object that is missing" "is deadbeefdead now"
git tag -f v1 "$one" >/dev/null
cp .git/config ../config && git config core.repositoryformatversion 99
nobody_knows "a clone that cannot be read" "cannot be told now"
exits "nor does a gate measure for nothing" 2 "$ASSIZE" gate again -s v1
like "why, and what to do" "$out" 'could not tell which commit "v1" is: could not open .*repository.*to do: name the commit itself \(--subject\), or mend the repository'
exits "nobody can let through what it is not told" 2 "$ASSIZE" override more -s v1 --by jane --reason known
like "which is told" "$err" 'could not tell which commit "v1" is: .*help: name the commit itself: --subject "\$\(git rev-parse '
exits "a branch is none" 2 "$ASSIZE" gate release -s main
for subject in "$two" registry.example.com/shop@sha256:1; do
	"$ASSIZE" run -s "$subject" a/rows >/dev/null
	exits "what can be no tag opens: $subject" 0 "$ASSIZE" gate release -s "$subject"
done
"$ASSIZE" run -s v5 a/rows >/dev/null
mv ../config .git/config
exits "what was measured then is of nobody knows what" 2 "$ASSIZE" gate release -s v5
like "which is told" "$out" '"v5" was unknown then'
git tag v5
exits "also when it is a tag" 2 "$ASSIZE" gate release -s v5
exits "the clone is read again, and all is as it was" 0 "$ASSIZE" gate release -s v1

"$ASSIZE" run -s v3 a/rows >/dev/null
git tag v3
exits "measured before it was tagged" 0 "$ASSIZE" gate release -s v3
git tag v4 'HEAD^{tree}'
"$ASSIZE" run -s v4 a/rows >/dev/null
exits "a tag of no commit is what it is" 0 "$ASSIZE" gate release -s v4
git tag -f v4 HEAD >/dev/null
exits "and no commit is like it" 2 "$ASSIZE" gate release -s v4
"$ASSIZE" run -s 2026.11 a/rows >/dev/null
git clone -q --no-tags . ../clone && cp -r db .assize ../clone && cp -r . ../bare && rm -rf ../bare/.git && cd ../clone
exits "a clone without the tag" 2 "$ASSIZE" gate release -s v1
fetch=$(echo "$out" | sed -n 's/.*to do: \(git fetch --tags\), or .*/\1/p')
eval "$fetch" 2>/dev/null
exits "the remedy brings it, and it opens" 0 "$ASSIZE" gate release -s v1
cd ../bare
exits "no repository, and it was a tag" 2 "$ASSIZE" gate release -s v1
exits "no repository, and it was none" 0 "$ASSIZE" gate release -s v3
exits "nor ever will be" 0 "$ASSIZE" gate release -s 2026.11

# libgit2 1.5 loses what it matched with when it refuses an extension.
[ "${VARIANT:-}" != asan ] || export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
git init -q --object-format=sha256 -b main ../sha256 2>/dev/null && cp -r assize.yaml db ../sha256 && cd ../sha256
git add assize.yaml && git commit -qm one
exits "a repository of SHA-256: a branch" 2 "$ASSIZE" gate again -s main
exits "a name" 2 "$ASSIZE" gate again -s v1
exits "the commit" 0 "$ASSIZE" gate again -s "$(git rev-parse HEAD)"
done_testing
