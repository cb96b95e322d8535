#!/bin/bash
# A record, and everything somebody could do to it: each tampering is found, by name, and by two
# verifiers that are not assize's where the file alone can tell.
. "$(dirname "$0")/../lib/tap.sh"

world=$TMP/world
mkdir "$world"
cd "$world" || exit 1
sqlite3 shop.db "CREATE TABLE tasks(id INTEGER PRIMARY KEY, owner TEXT); INSERT INTO tasks(owner) VALUES ('a'), ('b')"
cat >assize.yaml <<'END'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  tasks:
    target: shop
    checks:
      - { id: rows, rows: { table: tasks }, expect: ">= 2" }
      - { id: owner, missing: { table: tasks, columns: [owner] }, expect: "== 0" }
gates:
  release: { require: [ { audit: tasks } ], subject: any }
END
db=.assize/record.db
verify() { "$ASSIZE" ledger verify "$@"; }

# ---- keys and checkpoints ----

exits "a first run needs no key" 0 "$ASSIZE" run -q
exits "a record without a key is whole" 0 verify
like "and nobody vouches for it" "$out" 'note +nobody vouches for the record: it has no key'
exits "init makes a key" 0 "$ASSIZE" ledger init --name shop.example.com/audits
like "and says what to give away" "$out" $'^origin  shop\.example\.com/audits/[0-9a-f]{32}\nkey     shop\.example\.com/audits\+[0-9a-f]{8}\+'
key=$(sed -n 's/^key  *//p' <<<"$out")
is "the key is private" "$(stat -c %a .assize/ledger.key)" 600
exits "a second init changes nothing" 3 "$ASSIZE" ledger init
like "and says what does" "$err" 'has a key already.*assize ledger rotate'
ok "and what init had printed" grep -qE "its origin is shop\.example\.com/audits/[0-9a-f]{32}, its key ${key//+/[+]}\$" <<<"$err"
mv .assize/ledger.key away.key
for verb in checkpoint rotate; do
	exits "without the key there is no $verb" 3 "$ASSIZE" ledger $verb
	like "nor a first one to be made" "$err" 'there is no key .*help: put the key back that was made for this record, or name it with key:'
done
mv away.key .assize/ledger.key
exits "a run signs for what it recorded" 0 "$ASSIZE" run -q
exits "a gate decides" 0 "$ASSIZE" gate release
git init -q . && git commit -q --allow-empty -m 1 && git tag v1
exits "a run about a tag" 0 "$ASSIZE" run -q --subject v1
exits "a gate decides about it" 0 "$ASSIZE" gate release --subject v1
exits "it is overridden for it" 0 "$ASSIZE" override release --subject v1 --by jane --reason tests
echo '# nobody yet' >nobody
exits "a file without a key is not trust in anybody" 3 verify --trust nobody
like "and is named" "$err" '"nobody" holds no key'
exits "all of it is covered" 0 verify --trust "$key"
like "by a key that is trusted" "$out" 'key +shop.example.com/audits\+[^ ]+ \(trusted\)'
size=$(verify --json | jq .size)
is "by checkpoints up to the last record" "$(verify --json | jq .checkpoints.covered)" "$size"
exits "a checkpoint can be taken away" 0 "$ASSIZE" ledger checkpoint -o kept
like "and is a signed note" "$(cat kept)" $'^shop\.example\.com/audits/[0-9a-f]+\n'"$size"$'\n[^\n]+=\n\n\xe2\x80\x94 shop\.example\.com/audits [^ ]+\n?$'
exits "what came after it does not touch it" 0 "$ASSIZE" run -q
exits "it still holds" 0 verify --trust "$key" --against kept
like "and how much came after it is told" "$out" 'elsewhere +1 holds; 4 records since'
exits "proof of one record" 0 "$ASSIZE" ledger prove 4 -o proof
like "has the form of the specification" "$(cat proof)" $'^c2sp\.org/tlog-proof@v1\nextra [^\n]+\nindex 4\n'
exits "proof of a record that is not there" 3 "$ASSIZE" ledger prove 4000
exits "proof that the record extends what was kept" 0 "$ASSIZE" ledger prove --from "$size"
like "is what a witness asks for" "$out" $'^old '"$size"$'\n'
exits "a word that is none" 3 "$ASSIZE" ledger verfy
like "is asked about" "$err" 'did you mean verify\?'

# ---- verifiers that are not ours ----

GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$TMP/gocache GOFLAGS='' \
	go build -o "$TMP/verifier" "$ROOT/tests/verifiers/ledger.go" || bail "no verifier"
"$ASSIZE" ledger checkpoint -o now
foreign() # RECORD: both must say yes
{
	python3 -B "$ROOT/tests/verifiers/ledger.py" "$1" "$key" now kept &&
		"$ASSIZE" ledger leaves --record "$1" | "$TMP/verifier" "$key" kept now
}
ok "two verifiers that are not ours accept the record" foreign $db
is "and come to one root" "$(foreign $db | sed 's/.* //' | sort -u | wc -l)" 1
is "which is ours" "$(foreign $db | sed -n '1s/.* //p')" "$(verify --json | jq -r .root)"

# ---- tampering ----

n_tried=0
cp $db clean.db
tamper() # CLAIM PATTERN SQL [OPTION..]: on a copy; found, and refused with the exit status of a record
{
	local claim=$1 pattern=$2 sql=$3
	shift 3
	n_tried=$((n_tried + 1))
	cp clean.db bad.db
	sqlite3 bad.db "$sql" || bail "$claim: could not tamper"
	exits "$claim: refused" 4 verify --record bad.db --trust "$key" "$@"
	like "$claim: said" "$out" "$pattern"
}
refused_abroad() # CLAIM: the copy is refused by both others
{
	nok "$1: refused by the verifier of rows" python3 -B "$ROOT/tests/verifiers/ledger.py" bad.db "$key" kept
	nok "$1: refused by the verifier of leaves" bash -o pipefail -c \
		"'$ASSIZE' ledger leaves --record bad.db | '$TMP/verifier' '$key' kept now"
}

changed='(are not what was recorded|not those that were signed for|is not the root of)'
tamper "a value is edited" "$changed" "UPDATE results SET value = 7 WHERE id = (SELECT min(id) FROM results)"
refused_abroad "a value is edited"
tamper "an outcome is edited" "is not what its digest says" "UPDATE facts SET outcome = 1 - outcome WHERE id = 1"
tamper "an outcome is edited and its digest made anew" "$changed" \
	"UPDATE facts SET outcome = 1 - outcome, leaf = zeroblob(32), digest = zeroblob(16) WHERE id = 1"
tamper "a threshold is edited" "is not what its digest says" "UPDATE facts SET usual_limit = 99 WHERE id = 1"
tamper "a duration is edited" "$changed" "UPDATE results SET duration_us = 1 WHERE id = (SELECT max(id) FROM results)"
last="(SELECT max(id) FROM runs)"
tamper "the last run is deleted" "(are gone|is gone|not the root)" "DELETE FROM results WHERE run = $last;
	DELETE FROM batches WHERE run = $last; DELETE FROM run_ends WHERE run = $last; DELETE FROM runs WHERE id = $last"
refused_abroad "the last run is deleted"
tamper "a run in the middle is deleted" "(are gone|is gone)" "DELETE FROM results WHERE run = 2;
	DELETE FROM batches WHERE run = 2; DELETE FROM run_ends WHERE run = 2; DELETE FROM runs WHERE id = 2"
tamper "two runs are exchanged" "$changed" "UPDATE runs SET seq = -1 WHERE id = 1;
	UPDATE runs SET seq = (SELECT seq FROM runs WHERE id = 2) WHERE id = 1 AND 0;
	UPDATE results SET id = id + (9 << 24) WHERE run = 1; UPDATE results SET id = id - (1 << 24) WHERE run = 2;
	UPDATE results SET id = id - (8 << 24) WHERE run = 10; UPDATE runs SET seq = 1 WHERE id = 1"
tamper "a record is there twice" "(two records have the number|rows, [0-9]+ are in the ledger|not the root)" \
	"INSERT INTO run_ends SELECT run + 100, seq + 1000, end_ms, state, outcome, n_pass, n_warn, n_fail, n_undecided, n_skip, exit_status FROM run_ends LIMIT 1"
tamper "a definition is changed later" "row 1 of definitions is not what its digest says" \
	"UPDATE definitions SET severity = 0 WHERE id = 1"
tamper "rows are hidden behind a view" "(a view \"results\"|defined otherwise|has a view|is gone)" \
	"ALTER TABLE results RENAME TO kept_results; CREATE VIEW results AS SELECT * FROM kept_results WHERE run > 1"
tamper "a trigger waits in the file" "has a trigger \"soft\" that no record has" \
	"CREATE TRIGGER soft AFTER INSERT ON facts BEGIN UPDATE facts SET outcome = 1; END"
tamper "a table is dropped" "the table \"places\" of the record is gone" "DROP TABLE places"
tamper "a number far away" "(is gone|are gone)" "UPDATE head SET next_seq = 4000000000000000; UPDATE run_ends SET seq = 3000000000000000 WHERE run = 1"
days="the outcomes by day are not what the results say"
tamper "a day went otherwise" "$days" "UPDATE days SET n_warn = n_pass + n_warn, n_pass = 0"
tamper "a count is off by what adds nothing" "$days" \
	"UPDATE days SET n_pass = n_pass - 9223372036854775807 - 1 WHERE id = (SELECT min(id) FROM days)"
tamper "counts are put where nobody looks" "$days" \
	"UPDATE days SET id = id - 3689348814741910323 WHERE id = (SELECT min(id) FROM days)"
tamper "a day has nothing" "$days" "INSERT INTO days SELECT max(id) + 1, 0, 0, 0, 0, 0 FROM days"
tamper "the head is set back" "the head of the ledger is not the root" "UPDATE head SET root = zeroblob(32)"

# ---- nothing is signed for that denies what was ----

denies() # CLAIM SQL: no checkpoint, no open gate, no other key
{
	local before
	rm -rf denied && cp -r .assize denied && sqlite3 denied/record.db "$2"
	before=$(sqlite3 denied/record.db "SELECT group_concat(note) FROM checkpoints")
	exits "$1: no checkpoint" 4 "$ASSIZE" ledger checkpoint --record denied/record.db
	like "$1: told why" "$err" 'cannot trust record "[^"]+denied/record\.db": .*help: .*assize ledger verify says more'
	exits "$1: a gate stays shut" 4 "$ASSIZE" gate release --record denied/record.db
	like "$1: for nobody signs for it" "$err" 'could not sign for what was recorded: cannot trust record'
	exits "$1: no other key is made known" 4 "$ASSIZE" ledger rotate --record denied/record.db
	is "$1: the keys are what they were" "$(sqlite3 denied/record.db 'SELECT count(*) FROM keys') $(cmp .assize/ledger.key denied/ledger.key)" "1 "
	is "$1: nothing was signed" "$(sqlite3 denied/record.db "SELECT group_concat(note) FROM checkpoints")" "$before"
}
exits "a gate of a sound record opens" 0 "$ASSIZE" gate release
denies "a value is edited" "UPDATE results SET value = 7 WHERE id = (SELECT min(id) FROM results)"
denies "the tree is exchanged" "UPDATE head SET frontier = zeroblob(length(frontier)), root = zeroblob(32)"
denies "more was signed for" "UPDATE checkpoints SET note = replace(note, char(10) || size || char(10), char(10) || (size + 1000) || char(10))"

# Whoever has the key can make up a history: only what was kept elsewhere tells.
rewrite() # FROM.db: the same key and origin go on from an older state
{
	cp "$1" bad.db
	sqlite3 shop.db "INSERT INTO tasks(owner) VALUES ('z')"
	"$ASSIZE" run -q --record bad.db
	"$ASSIZE" run -q --record bad.db
	"$ASSIZE" run -q --record bad.db
	"$ASSIZE" ledger checkpoint --record bad.db --key .assize/ledger.key -o forged
}
cp clean.db before.db
"$ASSIZE" run -q
"$ASSIZE" ledger checkpoint -o later
n_tried=$((n_tried + 5))
exits "an older copy is put in its place: whole by its own word" 0 verify --record before.db --trust "$key"
exits "an older copy is put in its place: refused" 4 verify --record before.db --trust "$key" --against later
like "an older copy is put in its place: said" "$out" 'the record is shorter than it was: later vouches for'
nok "an older copy is put in its place: refused by the verifier of rows" \
	python3 -B "$ROOT/tests/verifiers/ledger.py" before.db "$key" later
rewrite before.db
exits "history is made anew with the same key: whole by its own word" 0 verify --record bad.db --trust "$key"
exits "history is made anew with the same key: refused" 4 verify --record bad.db --trust "$key" --against later
like "history is made anew with the same key: said" "$out" 'history was rewritten: the first [0-9]+ records are not those that later vouches for'
nok "history is made anew with the same key: refused by the verifier of rows" \
	python3 -B "$ROOT/tests/verifiers/ledger.py" bad.db "$key" later
"$ASSIZE" ledger leaves --record bad.db >forged.leaves
nok "history is made anew with the same key: refused by the verifier of leaves" \
	"$TMP/verifier" "$key" later forged <forged.leaves
exits "two histories of one record: the forged checkpoint is refused by the true one" 4 verify --trust "$key" --against forged
like "two histories of one record: said" "$out" '(history was rewritten|is shorter than it was)'
mkdir other
"$ASSIZE" run -q --record other/record.db
"$ASSIZE" ledger init -q --name shop.example.com/audits --record other/record.db --key other/ledger.key >other/key
exits "signed again with another key: refused" 4 verify --record other/record.db --trust "$key"
like "signed again with another key: said" "$out" 'signed with another key than those you trust'
origin=$(head -1 kept)
exits "a record made elsewhere is shown: refused by its origin" 4 verify --record other/record.db --origin "$origin"
like "a record made elsewhere is shown: said" "$out" "this is another record: wanted is \"$origin\""
exits "a record made elsewhere is shown: refused by what was kept" 4 verify --record other/record.db --against kept --trust "$(cat other/key)" --trust "$key"

# ---- times ----

doubtful() # CLAIM PATTERN SQL: the change is made by who writes the record, so it is only doubtful
{
	n_tried=$((n_tried + 1))
	cp clean.db bad.db
	sqlite3 bad.db "$3" || bail "$1: could not tamper"
	run verify --record bad.db
	like "$1: said" "$out" "$2"
}
doubtful "the clock is set back" 'run 3 began at [^ ]+, .* before .*' "UPDATE runs SET begin_ms = begin_ms - 86400000 WHERE id = 3"
doubtful "the clock is set back within a boot" 'the clock was set back by (2|1\.9) h between run 2 and run 3' \
	"UPDATE runs SET begin_monotonic_ms = begin_monotonic_ms + 7200000 WHERE id = 3"
doubtful "a run is dated back" 'run 3 ended at [^ ]+, before it began' "UPDATE runs SET begin_ms = begin_ms + 86400000 WHERE id = 3"

# ---- runs that were stopped, files that were damaged ----

n_tried=$((n_tried + 3))
cat >slow.yaml <<'END'
assize: 1
audits:
  slow:
    checks:
      - { id: wait, timeout: 60s, command: { run: [sleep, "30"] }, expect: { status: "== 0" } }
END
"$ASSIZE" run -q -f slow.yaml &
wait_for sh -c "[ \"\$(sqlite3 $db 'SELECT count(*) FROM runs')\" -gt \"\$(sqlite3 $db 'SELECT count(*) FROM run_ends')\" ]"
kill -9 $! && wait $! 2>/dev/null
exits "a run is stopped before it ends, and run again until it passes: told" 0 verify --trust "$key" --against later
like "a run is stopped before it ends, and run again until it passes: said" "$out" 'note +without an end: 1 of the runs, between run ([0-9]+) and run \1'
exits "a run is stopped before it ends: strict" 2 verify --trust "$key" --against later --strict
cp clean.db bad.db
python3 - <<'END' || bail "could not damage an index"
import sqlite3
db = sqlite3.connect("bad.db")
page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_checks_1'").fetchone()[0]
db.close()
data = bytearray(open("bad.db", "rb").read())
at = data.index(b"tasks/rows", (page - 1) * 4096)
assert at < page * 4096
data[at] ^= 1
open("bad.db", "wb").write(data)
END
exits "a page of an index is edited: refused" 4 verify --record bad.db
like "a page of an index is edited: said" "$out" 'table "checks": .*index'
cp clean.db bad.db
(
	sqlite3 bad.db "PRAGMA cache_size = 1" "PRAGMA cache_spill = 1" "BEGIN IMMEDIATE" \
		"UPDATE results SET duration_us = duration_us + 1" "UPDATE texts SET body = body || 'x'" \
		"UPDATE facts SET attempts = attempts + 1" ".shell kill -9 \$PPID"
) >/dev/null 2>&1
ok "a writer that was killed leaves a journal" test -s bad.db-journal
cp bad.db torn.db
exits "with its journal the record is whole" 0 verify --record bad.db
exits "its journal is removed: refused" 4 verify --record torn.db
like "its journal is removed: said" "$out$err" '(not what|cannot trust|not the root)'

# ---- a moved tag ----

n_tried=$((n_tried + 1))
git init -q repo && git -C repo commit -q --allow-empty -m one && git -C repo tag v1
git -C repo commit -q --allow-empty -m two
cat >tags.yaml <<'END'
assize: 1
targets: { repo: { git: repo } }
rollback: { releases: { repo: repo, tags: "v*", keep: 1 } }
END
exits "a tag is pinned when it is first seen" 0 "$ASSIZE" rollback verify -q -f tags.yaml
git -C repo tag -f v1 >/dev/null
exits "a git tag is moved: refused" 1 "$ASSIZE" rollback verify -f tags.yaml
like "a git tag is moved: said" "$out" 'v1'

diag "$n_tried tamperings"
ok "all of the list were tried" test $n_tried -ge 26

# ---- keys that change ----

exits "a key is exchanged" 0 "$ASSIZE" ledger rotate -q
isnt "for another one" "$out" "$key"
is "the former is kept under the id that its line has" "$(ls .assize/ledger.key.*)" ".assize/ledger.key.$(cut -d+ -f2 <<<"$key")"
exits "who trusts the first key follows" 0 verify --trust "$key"
exits "a run signs with the new one" 0 "$ASSIZE" run -q
is "the whole record is covered by who trusts the first" \
	"$(verify --trust "$key" --json | jq '.checkpoints.covered == .size')" true
cp $db bad.db
sqlite3 bad.db "UPDATE keys SET endorsement = zeroblob(64) WHERE id = 2"
exits "a key nobody endorsed" 4 verify --record bad.db --trust "$key"
like "is told" "$out" 'is not endorsed by the key before it'
chmod 644 .assize/ledger.key
exits "a key others may read signs nothing" 4 "$ASSIZE" run -q
like "and the run says so" "$err" 'could not sign for what was recorded: cannot trust key .* \(mode 0644\)'
chmod 600 .assize/ledger.key
mv .assize/ledger.key kept.key
mkfifo .assize/ledger.key
exits "a pipe in the place of the key: nothing waits, nothing is signed" 4 timeout 20 "$ASSIZE" run -q
like "and the run says so" "$err" 'could not sign .*ledger.key": a named pipe, not a file'
rm .assize/ledger.key
openssl pkcs8 -topk8 -in kept.key -out .assize/ledger.key -passout pass:swordfish
mkfifo silence
exec 8<>silence # an input that says nothing and does not end
exits "a key with a pass phrase: nobody is asked for it" 4 setsid --wait timeout -s KILL 20 "$ASSIZE" run -q <&8
like "and the run says so" "$err" '^assize: could not sign .*not an Ed25519 private key in PEM without a password'
ln -sf nowhere .assize/ledger.key
exits "a link to no key is not the same as no key" 4 "$ASSIZE" run -q
rm .assize/ledger.key
exits "no key at all is" 0 "$ASSIZE" run -q
cp assize.yaml plain.yaml && printf 'ledger: { key: gone.key }\n' >>assize.yaml
exits "a key that is named and not there" 4 "$ASSIZE" run -q
like "is told" "$err" 'could not sign .*could not open ".*/gone.key": No such file'
mv plain.yaml assize.yaml && mv kept.key .assize/ledger.key
exits "what was recorded then is covered by the next" 0 "$ASSIZE" run -q
is "all of it" "$(verify --json | jq '.checkpoints.covered == .size')" true

# ---- the definition's own word ----

cat >>assize.yaml <<END
ledger:
  name: shop.example.com/audits
  trust: ["$key"]
  origin: "$origin"
END
exits "trust and origin come from the definition" 0 verify
like "and count" "$out" '\(trusted\)'
sed -i 's/^  origin: .*/  origin: "shop.example.com\/audits\/00"/' assize.yaml
exits "another origin is refused" 4 verify
exits "and no gate decides by such a record" 4 "$ASSIZE" gate release
like "which is said where it was asked for" "$err" 'assize.yaml:[0-9]+:[0-9]+: record .* is not the one that is meant: its origin is .shop.example.com'
exits "an option that is for another verb" 3 "$ASSIZE" ledger init --strict
like "is refused by name" "$err" '--strict says nothing to assize ledger init'
sed -i '/^  origin/d; s/^  trust: .*/  trust: ["nonsense"]/' assize.yaml
exits "a key that is none is a mistake in the definition" 3 "$ASSIZE" check
like "with its place" "$err$out" 'assize.yaml:[0-9]+:[0-9]+: .*is no key of a note'

# ---- a record that was removed ----

mkdir "$TMP/lost" && cd "$TMP/lost" && cp ../world/shop.db . && sed '/^ledger/,$d' ../world/assize.yaml >assize.yaml
for verb in checkpoint rotate anchor; do
	exits "$verb without a record" 4 "$ASSIZE" ledger $verb --record .assize/record.db
	like "$verb without a record: told" "$err" 'there is no record yet: [^ ]+ does not exist'
done
is "none is made only to fail" "$(find . -name '.assize*')" ""
"$ASSIZE" ledger init -q >key && rm $db
exits "a run without the record that was there" 0 "$ASSIZE" run -q
lost='nobody signs for record "[^"]+/lost/\.assize/record\.db", which does not know the key "[^"]+/lost/\.assize/ledger\.key": was a record removed\?
help: put the record back; if there was none, assize ledger init makes the key known'
like "is told" "$err" "$lost"
exits "a gate" 0 "$ASSIZE" gate release
like "tells it, too" "$err" "$lost"
exits "it is a doubt" 2 verify
like "with what to do" "$out" 'doubt +nobody vouches for the record, which does not know the key "[^"]+": was a record removed\?
 +help: put the record back; if there was none, assize ledger init'
run "$ASSIZE" doctor
like "and one of the doctor's" "$out" 'doubt +ledger +nobody vouches for the record, which does not know the key "[^"]+": was a record removed\?
 +help: put the record back'
exits "the key is made known" 0 "$ASSIZE" ledger init -q
is "and is the one that was there" "$out" "$(cat key)"
exits "then nothing is told" 0 "$ASSIZE" run -q
is "of a record with its key" "$err" ""
exits "nor is it in doubt" 0 verify
rm .assize/ledger.key $db
exits "where there is no key" 0 "$ASSIZE" run -q
is "nothing is missed" "$err" ""
done_testing
