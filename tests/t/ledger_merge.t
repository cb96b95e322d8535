#!/bin/bash
# ledger merge, export, import: records of several machines come together; what was changed, rewritten or signed by
# nobody is refused whole; a copy is whole whatever others write.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" || bail "no directory"
r=.assize/record.db
named=(--name shop.example.com/audits)
# One repository, as far as can be told: its tag is the same commit on both machines.
GIT_AUTHOR_DATE="$(date +%s) +0000"
export GIT_AUTHOR_DATE GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE

machine() # DIRECTORY: a definition, and a record with a key of its own
{
	mkdir "$1"
	sqlite3 "$1/shop.db" "CREATE TABLE tasks(id INTEGER PRIMARY KEY, owner TEXT); INSERT INTO tasks(owner) VALUES ('a'), ('b')"
	git init -q "$1/repo"
	git -C "$1/repo" commit -q --allow-empty -m one
	git -C "$1/repo" tag v1
	cat >"$1/assize.yaml" <<'END'
assize: 1
targets: { shop: { sqlite: shop.db }, repo: { git: repo } }
audits:
  tasks:
    target: shop
    checks:
      - { id: rows, rows: { table: tasks }, expect: ">= 2" }
      - { id: owner, missing: { table: tasks, columns: [owner] }, expect: "== 0" }
      - { id: usual, sql: "SELECT 5", expect: "within 10% of median(28d)" }
rollback: { releases: { repo: repo, tags: "v*", keep: 1 } }
gates:
  release: { require: [ { check: tasks/rows }, { check: tasks/owner } ], run: never }
END
	(
		cd "$1" || exit
		"$ASSIZE" run -q tasks/rows
		"$ASSIZE" ledger init -q "${named[@]}" >key
		"$ASSIZE" run -q -s v1
		"$ASSIZE" record load 1.5 --unit s --id 7 --label from="$1" --record $r
		"$ASSIZE" rollback verify -q
		"$ASSIZE" ledger checkpoint -o kept
	) >/dev/null 2>&1
}
machine a
machine b
mkdir all
cd all || bail "no directory"
"$ASSIZE" run -q -f ../a/assize.yaml --record $r tasks/rows
"$ASSIZE" ledger init -q "${named[@]}" --record $r >key
merge() { "$ASSIZE" ledger merge --record $r "$@"; }

# ---- merging ----

exits "two records are merged" 0 merge ../a/$r ../b/$r
like "and told, each" "$out" '^../a/.assize/record.db: 3 runs, [0-9]+ results, 1 restoration, 1 measurement \(records 0 to [0-9]+ of shop.example.com/audits/[0-9a-f]{32}\), vouched for by its own key only'
like "with what was left out" "$out" '../b/.assize/record.db: left out: 1 measurement whose id stands for another value here'
is "leaves say what was taken of whom" "$("$ASSIZE" ledger leaves --record $r | jq -r 'select(.t == "assize/merge/1") | "\(.from) \(.to) \(.vouched) \(.origin)"')" \
	"$(for m in a b; do echo "0 $(sed -n 2p ../$m/kept) its own key $(head -1 ../$m/kept)"; done)"
like "and keep the checkpoint" "$("$ASSIZE" ledger leaves --record $r | jq -r 'select(.t == "assize/merge/1") | .note')" 'shop.example.com/audits/[0-9a-f]+'
keys=(--trust "$(cat key)" --trust "$(cat ../a/key)" --trust "$(cat ../b/key)")
exits "whom nobody knows is doubtful" 2 "$ASSIZE" ledger verify --record $r --trust "$(cat key)" --trust "$(cat ../b/key)"
like "by name" "$out" "doubt +merge 1 of $(head -1 ../a/kept) is signed by none of the keys you trust"
unlike "and only that" "$out" 'merge 2'
exits "the merged record is whole" 0 "$ASSIZE" ledger verify --record $r "${keys[@]}"
unlike "without a doubt" "$out" '(doubt|BROKEN|broken)'
is "and signed for" "$("$ASSIZE" ledger verify --record $r --json | jq '.checkpoints.covered == .size')" true
sql() { sqlite3 $r "$1"; }
is "runs keep host and time" "$(sql "SELECT r.begin_ms FROM runs r WHERE merge = 1 ORDER BY id")" \
	"$(sqlite3 ../a/$r 'SELECT begin_ms FROM runs ORDER BY id')"
size=$(sql 'SELECT next_seq FROM head')
exits "merging them again" 0 merge ../a/$r ../b/$r
is "takes nothing" "$out" $'../a/.assize/record.db: nothing new\n../b/.assize/record.db: nothing new'
is "and records nothing" "$(sql 'SELECT next_seq FROM head')" "$size"
(cd ../a && "$ASSIZE" run -q -s v2 >/dev/null)
exits "what is new since then" 0 merge ../a/$r
like "is taken alone" "$out" '^../a/.assize/record.db: 1 run, 3 results, 0 restorations, 0 measurements'
exits "a gate decides by what was measured elsewhere" 0 "$ASSIZE" gate release -f ../a/assize.yaml --record $r -s v2
exits "which can be made again" 0 "$ASSIZE" replay --decision 1 --record $r
cp ../a/assize.yaml ../a/trusting.yaml
printf 'ledger: { trust: ["%s"] }\n' "$(cat key)" >>../a/trusting.yaml
exits "unless it says whose signature counts" 2 "$ASSIZE" gate release -f ../a/trusting.yaml --record $r -s v2
like "and nobody it trusts has signed" "$out" "undecided merged run [0-9]+ was merged \(merge 3 of $(head -1 ../a/kept)\), and vouched for by its own key only"
exits "which can be made again as well" 0 "$ASSIZE" replay --decision 2 --record $r
sed 's/id: rows,/id: rows, hard: absolute,/' ../a/trusting.yaml >../a/absolute.yaml
override() { "$ASSIZE" override release -q -f "../a/$1.yaml" --record $r -s v2 --by jane --reason 'the shop is down'; }
override absolute
exits "no override makes it count for a check that is absolute" 2 "$ASSIZE" gate release -f ../a/absolute.yaml --record $r -s v2
like "and it says so" "$out" "undecided merged run [0-9]+ was merged .*; override 1 does not let it through: a check that rests on it is absolute"
exits "decided again" 0 "$ASSIZE" replay --decision 3 --record $r
override trusting
exits "of others it lets it through" 0 "$ASSIZE" gate release -f ../a/trusting.yaml --record $r -s v2
exits "what a history judged elsewhere cannot be judged again" 2 "$ASSIZE" replay "$(sql 'SELECT max(id) FROM runs')" --record $r
like "and that is said" "$out" 'unknown +tasks/usual +it was judged by the history of the record it was merged from'
like "the rest is equal" "$out" '3 results, 2 equal, 0 differ, 1 cannot be judged again'
is "a report says where a run was made" "$("$ASSIZE" report 2 --record $r --format json | jq -c .run.merged)" '{"merge":1,"run":1}'
exits "quietly" 0 merge -q ../a/$r
is "nothing is said of nothing" "$out" ""

# ---- verifiers that are not ours ----

GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$TMP/gocache GOFLAGS='' \
	go build -o "$TMP/verifier" "$ROOT/tests/verifiers/ledger.go" || bail "no verifier"
"$ASSIZE" ledger checkpoint -o now --record $r
foreign()
{
	python3 -B "$ROOT/tests/verifiers/ledger.py" $r "$(cat key)" now &&
		"$ASSIZE" ledger leaves --record $r | "$TMP/verifier" "$(cat key)" now
}
ok "two verifiers that are not ours accept the merged record" foreign
is "and come to our root" "$(foreign | sed 's/.* //' | sort -u)" "$("$ASSIZE" ledger verify --record $r --json | jq -r .root)"

# ---- what is refused ----

size=$(sql 'SELECT next_seq FROM head')
refused() # CLAIM STATUS PATTERN COMMAND...
{
	local claim=$1 want=$2 pattern=$3
	shift 3
	exits "$claim: refused" "$want" "$@"
	like "$claim: said" "$err" "$pattern"
	is "$claim: nothing is taken" "$(sql 'SELECT next_seq FROM head')" "$size"
}
(cd ../b && "$ASSIZE" run -q -s v3 >/dev/null)
cp ../b/$r bad.db
sqlite3 bad.db 'UPDATE results SET duration_us = 1 WHERE id = (SELECT max(id) FROM results)'
refused "a value is edited" 4 'cannot merge ".*/bad.db": .*(not what was recorded|not those that were signed for|not the root)' merge bad.db
refused "a value is edited, signed or not" 4 'nothing of it was taken' merge --unsigned bad.db
cp ../b/$r bad.db
sqlite3 bad.db 'DELETE FROM batches WHERE run = 2; DELETE FROM results WHERE run = 2'
refused "a run lost its results" 4 '(gone|are in the ledger)' merge bad.db
printf 'nothing' >none.db
cp ../b/$r bad.db
"$ASSIZE" run -q -f ../b/assize.yaml -s v5 --record bad.db >/dev/null
refused "a run was recorded without the key" 4 'cannot merge ".*/bad.db": 1 of its runs that ended, measurements or challenges, is behind its newest checkpoint' merge bad.db
cp ../b/$r bad.db
sqlite3 bad.db 'DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)'
refused "the newest checkpoint was taken out" 4 '1 of its runs that ended, measurements or challenges, is behind' merge bad.db
refused "it is no record" 4 'cannot (trust|use)|not a record|file is not a database' merge none.db
refused "there is none" 4 'does not exist' merge gone.db
refused "itself" 3 'is this record, or a copy of it' merge $r
cp $r copy.db
refused "a copy of itself" 3 'is this record, or a copy of it' merge copy.db
"$ASSIZE" run -q -f ../a/assize.yaml --record plain.db tasks/rows
refused "nobody signed" 4 'cannot merge ".*/plain.db": nobody has signed for it' merge plain.db
refused "another key is trusted" 4 'signed with another key than those you trust' merge --trust "$(cat ../a/key)" ../b/$r
cp ../a/assize.yaml assize.yaml
printf 'ledger: { trust: ["%s"] }\n' "$(cat ../a/key)" >>assize.yaml
refused "another key is trusted by the definition here" 4 'signed with another key than those you trust' merge ../b/$r
rm assize.yaml
refused "an option of another verb" 3 '--strict says nothing' merge --strict ../b/$r
refused "no file" 3 'takes the name of a file' merge
exits "nobody signed, and that is said" 0 merge --unsigned plain.db
like "loudly" "$out" ', UNSIGNED$'
is "also by the leaf" "$("$ASSIZE" ledger leaves --record $r | jq -r 'select(.t == "assize/merge/1") | .vouched' | tail -1)" nobody
exits "with the key that is trusted" 0 merge --trust "$(cat ../a/key)" --trust "$(cat ../b/key)" ../b/$r
is "as the leaf says" "$("$ASSIZE" ledger leaves --record $r | jq -r 'select(.t == "assize/merge/1") | .vouched' | tail -1)" 'a trusted key'
exits "a gate that trusts rests on that" 0 "$ASSIZE" gate release -f ../a/trusting.yaml --record $r -s v3
unlike "and says nothing of it" "$out" 'merged'
size=$(sql 'SELECT next_seq FROM head')

# History made anew, with the same key.
cp ../a/$r before.db
(cd ../a && "$ASSIZE" run -q -s v4 >/dev/null)
exits "a history" 0 merge ../a/$r
size=$(sql 'SELECT next_seq FROM head')
refused "an older one" 4 'it is shorter than when it was merged last' merge before.db
"$ASSIZE" run -q -f ../a/assize.yaml --record before.db -s v4 >/dev/null
"$ASSIZE" run -q -f ../a/assize.yaml --record before.db -s v4 >/dev/null
"$ASSIZE" ledger checkpoint --record before.db --key ../a/.assize/ledger.key -o forged
exits "another one, signed with the same key" 0 "$ASSIZE" ledger verify --record before.db --trust "$(cat ../a/key)"
refused "another one" 4 'its history was rewritten: its first [0-9]+ records are not those that were taken before' merge before.db

# What is told of a run that was killed.
cat >slow.yaml <<'END'
assize: 1
audits: { slow: { checks: [ { id: wait, timeout: 60s, command: { run: [cat, fifo] }, expect: { status: "== 0" } } ] } }
END
mkfifo fifo
"$ASSIZE" run -q -f slow.yaml --record slow.db &
slow=$!
wait_for sh -c "[ -s slow.db ] && [ \$(sqlite3 slow.db 'SELECT count(*) FROM runs') = 1 ]"
exits "a run under way" 0 merge --unsigned slow.db
is "is incomplete" "$("$ASSIZE" history --record $r -n 1 --json | jq -r '.runs[0].state')" incomplete
: >fifo
wait $slow
exits "its end" 0 merge --unsigned slow.db
like "comes with the next" "$out" '0 runs, 4 results'
is "and it is complete" "$("$ASSIZE" history --record $r -n 1 --json | jq -r '.runs[0].state')" pass
exits "all of it is whole" 2 "$ASSIZE" ledger verify --record $r "${keys[@]}"
is "but for what nobody vouched for" "$(grep -c '^ *doubt ' <<<"$out") $(grep -c 'nobody vouched for merge' <<<"$out")" "3 3"
exits "and is so for whoever trusts nobody" 2 "$ASSIZE" ledger verify --record $r

# ---- export ----

for i in 1 2 3 4; do
	(for _ in 1 2 3 4 5; do "$ASSIZE" record "w$i" 1 --record $r; done) >/dev/null 2>&1 &
	writers+=($!)
done
exits "a copy while four write" 0 "$ASSIZE" ledger export copy2.db --record $r
like "is verified" "$out" '^copy2.db: [0-9]+ records of shop.example.com/audits/[0-9a-f]+, verified$'
wait "${writers[@]}"
is "nothing they wrote is lost" "$(sql "SELECT count(*) FROM externals e JOIN texts t ON t.id = e.name WHERE t.body GLOB 'w[1-4]'")" 20
is "it is private" "$(stat -c %a copy2.db)" 600
unlike "and whole" "$("$ASSIZE" ledger verify --record copy2.db "${keys[@]}")" '(broken|BROKEN)'
exits "and the beginning of what there is" 0 "$ASSIZE" ledger import copy2.db --record copy2.db
exits "a file that is there is not written over" 3 "$ASSIZE" ledger export copy2.db --record $r
like "which is said" "$err" 'cannot export to ".*/copy2.db": it is there'
ln -s nowhere link.db
exits "nor one a link leads to" 3 "$ASSIZE" ledger export link.db --record $r
exits "nor where there is no directory" 4 "$ASSIZE" ledger export no/such/copy.db --record $r
cp $r bad.db
sqlite3 bad.db 'UPDATE results SET duration_us = 1 WHERE id = (SELECT min(id) FROM results)'
exits "a record that was changed is not copied on" 4 "$ASSIZE" ledger export copy3.db --record bad.db
is "nothing is left of it" "$(ls -A | grep -E '^copy3\.db|\.part')" ""

# ---- import ----

exits "a record comes from a copy" 0 "$ASSIZE" ledger import copy2.db --record new/record.db
like "which is told" "$out" '^copy2.db: [0-9]+ records of shop.example.com'
is "in a private directory" "$(stat -c '%a %a' new new/record.db)" $'700 700\n600 600'
exits "the same again" 0 "$ASSIZE" ledger import copy2.db --record new/record.db
is "is nothing new" "$out" 'copy2.db: nothing new'
"$ASSIZE" record load 2 --unit s --record $r >/dev/null
"$ASSIZE" ledger export copy4.db --record $r >/dev/null
exits "one that extends it" 0 "$ASSIZE" ledger import copy4.db --record new/record.db
like "takes its place" "$out" '^copy4.db: [0-9]+ more records of'
is "with all it has" "$(sqlite3 new/record.db 'SELECT next_seq FROM head')" "$(sqlite3 copy4.db 'SELECT next_seq FROM head')"
is "nothing else is left" "$(ls -A new)" record.db
left=record.db.0123456789ab.part
touch new/$left new/$left-journal new/record.db.0123456789a.part new/other.db.0123456789ab.part
exec {at_work}<new
flock -s $at_work
exits "beside one that is at work" 0 "$ASSIZE" ledger import copy4.db --record new/record.db
is "beside one that is at work: its parts stay" "$(ls -A new | grep -c part)" 4
flock -x $at_work
exits "with the directory locked for it" 0 timeout 60 "$ASSIZE" ledger import copy4.db --record new/record.db
exec {at_work}<&-
ln -s new/record.db by-name.db
exits "after one that was killed" 0 "$ASSIZE" ledger import copy4.db --record by-name.db
is "after one that was killed: told" "$(sort <<<"$out")" "copy4.db: nothing new
removed $left, left by one that was killed
removed $left-journal, left by one that was killed"
is "after one that was killed: only its own goes" "$(ls -A new)" "other.db.0123456789ab.part
record.db
record.db.0123456789a.part"
rm new/*.part by-name.db
touch copy5.db.0123456789ab.part
exits "an export after one that was killed" 0 "$ASSIZE" ledger export -q copy5.db --record $r
is "an export after one that was killed: it is gone" "$out $(ls -A | grep -c part)" " 0"
digest=$(sha256sum <new/record.db)
kept() # CLAIM PATTERN FILE [OPTION..]: refused, and the record is what it was
{
	local claim=$1 pattern=$2
	shift 2
	exits "$claim: refused" 4 "$ASSIZE" ledger import "$@" --record new/record.db
	like "$claim: said" "$err" "$pattern"
	is "$claim: the record stays" "$(sha256sum <new/record.db) $(ls -A new)" "$digest record.db"
}
kept "an older one" 'is older than ".*": it has [0-9]+ records, [0-9]+ are there' copy2.db
kept "another record" 'is another record than' ../a/$r
cp copy4.db bad.db
sqlite3 bad.db 'UPDATE results SET duration_us = 1 WHERE id = (SELECT min(id) FROM results)'
kept "one that was changed" 'cannot be believed' bad.db
kept "one signed by others" 'signed with another key than those you trust' copy4.db --trust "$(cat ../b/key)"
cp copy2.db fork.db
for ((i = 0; i < 22; i++)); do "$ASSIZE" record load 3 --unit s --record fork.db >/dev/null; done
kept "another history" 'does not extend ".*": its first [0-9]+ records are not those that are there' fork.db
kept "none" 'does not exist' gone.db
# Whoever has a copy can add to it, and verify it: what is behind the last signature is nobody's word.
cp new/record.db grown.db
"$ASSIZE" record load 4 --unit s --record grown.db >/dev/null
kept "a continuation nobody signed for" 'a key that counts has signed for [0-9]+ of its [0-9]+ records' grown.db
kept "a continuation nobody signed for, with the key" 'a key that counts has signed for [0-9]+ of its' grown.db --trust "$(cat key)"
exits "nor a new one, with the key: refused" 4 "$ASSIZE" ledger import grown.db --trust "$(cat key)" --record other.db
like "nor a new one, with the key: said" "$err" 'a key that counts has signed for [0-9]+ of its'
ok "of which nothing is left" test ! -e other.db
cp new/record.db taken.db
exits "unless that is meant" 0 "$ASSIZE" ledger import --unsigned grown.db --record taken.db
like "which is told" "$out" ' 1 more records of .*, verified, UNSIGNED$'
ln -s taken.db by-link.db
chmod 640 taken.db
[ "$(id -u)" != 0 ] || chown 12345:12345 taken.db
owner=$(stat -c %u:%g:%a taken.db)
"$ASSIZE" record load 5 --unit s --record grown.db >/dev/null
for verb in import merge; do
	run "$ASSIZE" ledger $verb mistyped.db --record new/record.db
	is "$verb of a file that is not there" "$status" 4
	like "is told as that" "$err" 'could not read record ".*/mistyped.db": it does not exist.*help: name the record that is to be taken from'
done
exits "through a link" 0 "$ASSIZE" ledger import -q --unsigned grown.db --record by-link.db
is "the file behind it is replaced" "$(readlink by-link.db) $(sqlite3 taken.db 'SELECT next_seq FROM head')" \
	"taken.db $(sqlite3 grown.db 'SELECT next_seq FROM head')"
is "by one that belongs to whom it belonged" "$(stat -c %u:%g:%a taken.db)" "$owner"
ln -s nowhere.db dangling.db
exits "a link to nothing is not followed" 4 "$ASSIZE" ledger import --unsigned grown.db --record dangling.db
like "which is told" "$err" 'could not follow ".*/dangling.db"'
touch new/record.db.before
exits "a stopped import is looked at first: refused" 4 "$ASSIZE" ledger import --unsigned grown.db --record new/record.db
like "a stopped import is looked at first: said" "$err" 'could not keep .*/record.db.before.*assize ledger verify says which'
rm new/record.db.before
mkdir left && touch left/record.db-journal
exits "a journal of another file is left: refused" 4 "$ASSIZE" ledger import copy2.db --record left/record.db
like "a journal of another file is left: said" "$err" '"[^"]*/left/record.db-journal" is there'
is "a journal of another file is left: alone" "$(ls -A left)" record.db-journal

# Who has the old file open when it is replaced cannot write to it any more, and is told.
cp copy2.db new/record.db
"$ASSIZE" run -q -f slow.yaml --record new/record.db 2>told &
slow=$!
n=$(sqlite3 copy2.db 'SELECT count(*) FROM runs')
wait_for sh -c "[ \$(sqlite3 new/record.db 'SELECT count(*) FROM runs') -gt $n ]"
rm grown.db
"$ASSIZE" ledger export grown.db --record new/record.db >/dev/null
"$ASSIZE" record load 4 --unit s --record grown.db >/dev/null
exits "a record is replaced under a run" 0 "$ASSIZE" ledger import --unsigned grown.db --record new/record.db
: >fifo
wait $slow
is "which is not recorded, and says so" "$?" 4
like "in words" "$(cat told)" 'could not write record'
exits "the record is whole" 2 "$ASSIZE" ledger verify --record new/record.db
unlike "with no more doubts than it had" "$out" '(broken|BROKEN|doubt +[^n ])'
# What nobody has signed for comes in by no other way: neither as a value of somebody else's, nor as the history that
# others are judged by.
mkdir "$TMP/lure" && cd "$TMP/lure" || exit 1
sqlite3 s.db "CREATE TABLE t(v); INSERT INTO t VALUES (1000)"
cat >assize.yaml <<'END'
assize: 1
targets: { s: { sqlite: s.db } }
audits:
  a:
    target: s
    checks:
      - { id: load, recorded: { name: load, max_age: 1h }, expect: "<= 5" }
      - { id: usual, sql: "SELECT v FROM t", expect: "within 10% of median(28d)" }
END
"$ASSIZE" record load 1 --record other.db >/dev/null
for i in 1 2 3 4 5 6 7; do "$ASSIZE" run a/usual -q --record other.db >/dev/null; done
"$ASSIZE" ledger init -q >lure.key
sed "\$a ledger: { trust: [\"$(cat lure.key)\"] }" assize.yaml >trusting.yaml
"$ASSIZE" ledger merge -q --unsigned other.db
run "$ASSIZE" run
like "it is no history to be judged by" "$out" 'undecided a/usual .*the baseline has 0 values'
like "a value counts where nobody says whose signature does" "$out" 'pass a/load 1 '
run "$ASSIZE" run a/load -f trusting.yaml
like "and not where somebody does" "$status $out" '^2 .*"load" was merged from a record that no trusted key had signed for'
done_testing
