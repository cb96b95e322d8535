#!/bin/bash
# subject: a word that names another commit tomorrow is no subject. Evidence is about the word it was recorded
# for, and would be lent to all commits that come after.
. "$(dirname "$0")/../lib/tap.sh"
export HOME=$TMP GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x
mkdir "$TMP/repo" && cd "$TMP/repo"

sqlite3 shop.db 'CREATE TABLE t(a); INSERT INTO t VALUES(1)'
cat >assize.yaml <<-'YAML'
	assize: 1
	targets: { shop: { sqlite: shop.db } }
	audits: { t: { target: shop, checks: [ { id: rows, rows: t, expect: ">= 1" } ] } }
	gates: { g: { require: { check: t/rows } } }
YAML

# ---- what git says of a word alone ----

for word in HEAD @ HEAD~1 'HEAD^' '@~2' '@{upstream}' 'HEAD@{1}' FETCH_HEAD ORIG_HEAD MERGE_HEAD origin/HEAD \
	heads/main refs/heads/main remotes/origin/main refs/remotes/origin/main refs/pull/7/merge refs/stash; do
	exits "gate: $word" 3 "$ASSIZE" gate g --subject "$word"
	like "gate: $word: why" "$err" "cannot be a subject: git lets it name another commit tomorrow.*help: name the commit itself: --subject \"\\\$\(git rev-parse "
done
exits "run: what no gate takes is not measured" 3 "$ASSIZE" run --subject HEAD
exits "override: nor let through" 3 "$ASSIZE" override g --subject HEAD --reason x --by jane
exits "by the variable" 3 env ASSIZE_SUBJECT=HEAD "$ASSIZE" gate g
bytes=$'v\xff1'
give=(--owner x --reason y --ticket z)
exits "gate: bytes that are no text" 3 "$ASSIZE" gate g --subject "$bytes"
is "gate: bytes: why" "$err" "assize: --subject is not UTF-8 text
help: it is recorded and shown: give it in UTF-8"
exits "run: bytes that are no text" 3 "$ASSIZE" run --subject "$bytes"
exits "bytes by the variable" 3 env "ASSIZE_SUBJECT=$bytes" "$ASSIZE" gate g
exits "override: bytes" 3 "$ASSIZE" override g --subject v1 --reason "$bytes" --by jane
like "override: bytes: which" "$err" '^assize: --reason is not UTF-8 text'
exits "record: bytes" 3 "$ASSIZE" record n 1 --record r.db --label "a=$bytes"
like "record: bytes: which" "$err" '^assize: --label is not UTF-8 text'
exits "a variable of bytes" 3 "$ASSIZE" run --var "x=$bytes"
like "a variable of bytes: which" "$err" '^assize: --var is not UTF-8 text'
exits "waive: a series of bytes" 3 "$ASSIZE" waive t/rows --gate g --until 1d "${give[@]}" --series "$bytes"
is "waive: a series of bytes: no file is to be saved" "$err" "assize: --series is not UTF-8 text
help: it is recorded and shown: give it in UTF-8"
exits "waive: a check of bytes" 3 "$ASSIZE" waive "$bytes" --gate g --until 1d "${give[@]}"
is "waive: a check of bytes: why" "$err" 'assize: "v\xff1" is no check: it is not UTF-8 text'
ok "nothing was recorded" test ! -e .assize -a ! -e r.db
for word in v1 refs/tags/v1 'v1^{}' HEADER AHEAD head 'shop@sha256:1' main any; do
	exits "a word like another: $word" 0 "$ASSIZE" gate g --subject "$word"
done

# ---- what the repository says ----

git init -q -b main . && git add assize.yaml && git commit -qm one && git branch release/1 && git branch both &&
	git tag both && git tag v2 && git update-ref refs/remotes/origin/far HEAD &&
	git update-ref refs/remotes/fork/side HEAD && git update-ref refs/pull/7/head HEAD && git tag origin/tag &&
	git symbolic-ref refs/remotes/fork/HEAD refs/remotes/fork/side && git update-ref refs/remotes/origin/tag HEAD
for word in main release/1 main~1 'main@{1}' origin/far fork/side 'fork/side^{}' fork pull/7/head far; do
	exits "a branch: $word" 3 "$ASSIZE" gate g --subject "$word"
done
like "a branch: why" "$err" '"far" cannot be a subject: it is a branch here \(refs/remotes/origin/far\), and moves.*rev-parse far'
exits "a branch is no release to override for" 3 "$ASSIZE" override g --subject main --reason x --by jane
for word in both v2 origin/tag nothing "$(git rev-parse main)" "$(git rev-parse --short main)"; do
	exits "no branch, or a tag as well: $word" 0 "$ASSIZE" gate g --subject "$word"
done
exits "runs about a branch are something to compare with" 0 "$ASSIZE" run --subject main
git pack-refs --all
exits "a branch among packed refs" 3 "$ASSIZE" gate g --subject main
mkdir sub && cp assize.yaml shop.db sub
exits "a branch, from below the top" 3 "$ASSIZE" gate g -f sub/assize.yaml --subject main
done_testing
