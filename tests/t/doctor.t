#!/bin/bash
# assize doctor: a sound machine and record are told as such, each thing that is not is named, and nothing is
# changed by looking but for one branch nobody needs.
. "$(dirname "$0")/../lib/tap.sh"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"

world=$TMP/world
mkdir "$world" "$TMP/git"
cd "$world" || exit 1
umask 022
doctor() { run "$ASSIZE" doctor "$@"; }
# finds CLAIM STATUS REGEX: the exit status, and a line of what was found.
finds()
{
	is "$1: exit status $2" "$status" "$2"
	like "$1" "$out" "$3"
}

# ---- a record that is as it must be ----

doctor
finds "nothing there" 2 $'note +definition +none was given.*doubt +record +there is none: "[^ ]+/\\.assize/record\\.db" does not exist\n +help: assize run'
cat >assize.yaml <<'END'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  tasks:
    target: shop
    checks:
      - { id: rows, rows: { table: tasks }, expect: ">= 2" }
gates:
  release: { require: [ { audit: tasks } ] }
END
sqlite3 shop.db "CREATE TABLE tasks(id INTEGER PRIMARY KEY); INSERT INTO tasks VALUES (1), (2)"
db=.assize/record.db
exits "a run" 0 "$ASSIZE" run -q
exits "a key" 0 "$ASSIZE" ledger init -q
state() { find .assize -printf '%p %s %m %T@ %i\n' | sort; sha256sum .assize/*; }
state >"$TMP/before"
doctor --json
is "nothing is changed by looking" "$(state | diff - "$TMP/before")" ""
cp "$TMP/.stdout" "$TMP/json"
ok "JSON has a form and a word for every finding" jq -e '
	.assize == "doctor/1" and (.record | endswith("/.assize/record.db")) and
	(.ok + .note + .doubt + .broken == (.findings | length)) and
	(.findings | all((.grade | IN("ok", "note", "doubt", "broken")) and (.row | length > 0) and
		(.found | length > 0) and has("about") and has("help")))' "$TMP/json"
row() { jq -r --arg row "$1" '.findings[] | select(.row == $row) | .grade' "$TMP/json" | sort -u | xargs; }
for row in definition record permissions journal pages runs ledger checkpoint 'clock, record' 'clock, boot'; do
	is "$row is ok" "$(row "$row")" ok
done
is "the key beside the record is to be known" "$(row key)" 'note ok'
is "as are anchors that are not there" "$(row anchor)" note
is "and gates of the work tree" "$(row policy)" note
is "the outcome is that of the worst" "$(jq -r .outcome "$TMP/json") $status" \
	"$(jq -r 'if .broken > 0 then "broken 4" elif .doubt > 0 then "doubtful 2" else "sound 0" end' "$TMP/json")"
is "libraries have numbers" "$(jq '[.findings[] | select(.row == "library" and (.found | test("^[0-9]+[.][0-9]")))] | length >= 5' "$TMP/json")" true
doctor -q
unlike "quiet says nothing of what is well" "$out" $'(^|\n)(ok|note) '
doctor --color=always -q --record none.db
like "colours where they are wanted" "$out" $'\033\\[33mdoubt \033\\[0m  record'
exits "it takes no words" 3 "$ASSIZE" doctor now
git init -q . && git add assize.yaml && git commit -qm one
doctor
like "a definition that is committed" "$out" 'ok +commit +the definition is that of commit [0-9a-f]{12}'
echo >>assize.yaml
doctor
like "and one that was changed since" "$out" 'note +commit +the definition is not as it is in commit'
git checkout -q assize.yaml
doctor -f git:HEAD:assize.yaml
like "gates of a commit" "$out" 'ok +policy +gates are those of HEAD'

# ---- files ----

chmod 644 .assize/ledger.key
doctor
finds "a key others may read" 4 $'broken +key +[^ ]+ledger\\.key: mode 0644: others may use it\n +help: chmod 600'
chmod 600 .assize/ledger.key
chmod 660 $db
doctor
finds "a record others may write" 4 $'broken +permissions +[^ ]+record\\.db: mode 0660: others may rewrite'
chmod 644 $db && chmod 755 .assize
doctor
like "one they may read is to be known" "$out" 'note +permissions +[^ ]+record\.db: mode 0644: others may read it, queries and evidence'
chmod 775 .assize
doctor
finds "a directory others may write to" 4 'broken +permissions +[^ ]+\.assize: mode 0775: others may replace'
chmod 500 .assize && chmod 600 $db
run obeys_modes "$ASSIZE" doctor
obeys_modes "$ASSIZE" run -q 2>/dev/null
is "a directory nothing can be made in: nothing is recorded" "$?" 4
finds "and that is told" 2 $'doubt +permissions +[^ ]+\\.assize: no journal can be made in it: Permission denied: nothing can be recorded by [^\n]+\n +help: run assize as'
chmod 700 .assize && chmod 400 $db
run obeys_modes "$ASSIZE" doctor
finds "a record nobody can write" 2 'doubt +permissions +[^ ]+record\.db: it cannot be written: Permission denied'
chmod 600 $db
mv .assize/ledger.key "$TMP/good.key"
doctor
like "a key that is elsewhere" "$out" 'note +key +[^ ]+ledger\.key: it is not here: nobody signs for what is recorded from here'
cp $db "$TMP/signed.db"
"$ASSIZE" run -q
doctor
finds "one that is missed" 2 $'doubt +key +[^ ]+ledger\\.key: it is not here, and nobody has signed for the [0-9]+ newest records\n +help: put the key back'
printf 'ledger: { key_pem: "${env:NO_KEY:-}" }\n' | cat assize.yaml - >"$TMP/reader.yaml"
NO_KEY='' doctor -f "$TMP/reader.yaml" --record $db
like "where none is meant to be it is not missed" "$out" 'note +key +it is not here: nobody signs'
cp "$TMP/signed.db" $db
openssl genpkey -algorithm ed25519 -out .assize/ledger.key 2>/dev/null && chmod 600 .assize/ledger.key
doctor
finds "another key" 4 'broken +key +[^ ]+: it is not the newest key of the record'
echo nothing >.assize/ledger.key
doctor
finds "no key at all" 4 'broken +key +[^ ]+ledger\.key: '
mv "$TMP/good.key" .assize/ledger.key

# ---- the record ----

cp -r .assize "$TMP/good"
again() { rm -rf .assize && cp -r "$TMP/good" .assize; }
sqlite3 $db "UPDATE runs SET begin_ms = begin_ms + 3600000"
doctor
finds "a clock behind the record" 4 'broken +clock, record +it is (59 min|1 h|60 min)[^:]* behind the newest record: evidence would be from the future'
like "was set back" "$out" 'doubt +clock, boot +the clock was set back by .* since run 1'
again
sqlite3 $db "PRAGMA user_version = 99"
doctor
finds "a record of a newer assize" 4 'broken +record +"[^ ]+" has version 99, this assize knows versions up to [0-9]+'
sqlite3 $db "PRAGMA user_version = 1"
doctor
like "of an older one" "$out" 'doubt +record +"[^ ]+" has version 1, older than'
again
sqlite3 $db "PRAGMA application_id = 7"
doctor
finds "a database of something else" 4 'broken +record +"[^ ]+" is a database of something else'
printf 'hello' >$db
doctor
finds "no database" 4 'broken +record +"[^ ]+" is no SQLite database'
: >$db
doctor
like "an empty file" "$out" 'doubt +record +"[^ ]+" is empty'
again
sqlite3 $db "UPDATE results SET value = 7"
doctor
finds "a value that was edited" 4 $'broken +ledger +[^\n]*(is not the root|are not what was recorded)[^\n]* \\(and [0-9]+ more\\)\n +help: put the file aside'
like "by which no checkpoint holds" "$out" "broken +checkpoint +none of the record's checkpoints holds"
unlike "and nothing is signed for" "$out" 'are signed for'
again
sqlite3 $db "UPDATE checkpoints SET note = replace(note, 'assize', 'asssize')"
doctor
like "a checkpoint that was edited" "$out" 'broken +ledger .*broken +checkpoint +none'
again
sqlite3 $db "DELETE FROM run_ends"
doctor
like "a run without an end" "$out" 'note +runs +1 without an end, the newest is run 1'
again
page=$(sqlite3 $db "SELECT rootpage FROM sqlite_schema WHERE name = 'facts'")
printf 'damage' | dd of=$db bs=1 seek=$(((page - 1) * 4096)) conv=notrunc 2>/dev/null
doctor
finds "a damaged page" 4 'broken +pages +'
again
sqlite3 $db "PRAGMA journal_mode = WAL" >/dev/null
state >"$TMP/before"
doctor
finds "a record with a write-ahead log" 2 'doubt +journal +another tool switched the record'
like "is not opened" "$out" 'doubt +record +"[^ ]+" was left as it is'
is "and left as it is" "$(state | diff - "$TMP/before")" ""
again
printf '\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 of a writer that was killed' >$db-journal
state >"$TMP/before"
doctor
finds "a journal that was left" 2 'doubt +journal +[^ ]+-journal was left by a writer that is gone'
is "is left" "$(state | diff - "$TMP/before")" ""
again
mkfifo "$TMP/sql"
sqlite3 $db <"$TMP/sql" >/dev/null &
reap $!
exec 8>"$TMP/sql"
echo "PRAGMA synchronous = OFF; BEGIN IMMEDIATE; UPDATE head SET one = one;" >&8
wait_for test -s $db-journal
doctor
like "a writer at work" "$out" 'ok +journal +a rollback journal, of a writer at work'
exec 8>&-
wait_for test ! -e $db-journal
again

# ---- the definition ----

echo 'assize: 1
audits: { x: { chekcs: [] } }' >wrong.yaml
doctor -f wrong.yaml
finds "a definition with errors" 4 'broken +definition +it does not load'
like "they are told" "$err" 'wrong\.yaml:2:[0-9]+'
printf '%s\n' 'assize: 1' 'ledger: { origin: "shop/00112233445566778899aabbccddeeff" }' >origin.yaml
doctor -f origin.yaml
finds "another record than the one that is meant" 4 'broken +checkpoint +.*is not the one that is meant'

# ---- those who keep checkpoints ----

git_port=$("$ROOT/tests/lib/free_port")
for name in strict lax nodelete; do git init -q --bare "$TMP/git/$name.git"; done
git -C "$TMP/git/strict.git" config receive.denyNonFastForwards true
for name in strict nodelete; do git -C "$TMP/git/$name.git" config receive.denyDeletes true; done
/usr/lib/git-core/git-daemon --listen=127.0.0.1 --port="$git_port" --export-all --reuseaddr \
	--enable=receive-pack --base-path="$TMP/git" "$TMP/git" >/dev/null 2>&1 &
reap $!
wait_for git ls-remote "git://127.0.0.1:$git_port/strict.git" || bail "git daemon does not start"
url=git://127.0.0.1:$git_port
with() { printf 'assize: 1\nledger: { anchors: [ %s ] }\n' "$1" >anchors.yaml; doctor -f anchors.yaml; }
commits() { git -C "$TMP/git/$1.git" rev-list --count "$2" 2>/dev/null || echo none; }

printf 'assize: 1\nledger: { anchors: [ { git: "%s/strict.git", branch: shop } ] }\n' "$url" >anchors.yaml
doctor -f anchors.yaml
like "nothing was put there" "$out" $'doubt +anchor +git [^ ]+#shop: nothing was put there yet\n +help: assize ledger anchor'
exits "put there" 0 "$ASSIZE" ledger anchor -q -f anchors.yaml
kept=$(git -C "$TMP/git/strict.git" rev-parse shop)
doctor -f anchors.yaml
like "a repository that refuses both" "$out" \
	'ok +rewriting +git git://[^ ]+strict\.git#shop: refuses a forced push \([^)]+\) and deletion \([^)]+\), tried on branch "assize-doctor"'
like "and what it holds" "$out" 'ok +anchor +git [^ ]+: [0-9]+ records were put there .* ago, 1 came since'
is "deletion is refused, so the branch stays" "$(commits strict assize-doctor)" 3
is "there is one of them" "$(git -C "$TMP/git/strict.git" for-each-ref --format='%(refname)' | xargs)" \
	"refs/heads/assize-doctor refs/heads/shop"
is "that with the checkpoints is as it was" "$(git -C "$TMP/git/strict.git" rev-parse shop)" "$kept"
with "{ git: \"$url/lax.git\", branch: shop }"
finds "one that accepts a forced push" 4 'broken +rewriting +git [^ ]+lax\.git#shop: it accepts a forced push'
finds "and deletion" 4 $'it accepts the deletion of a branch[^\n]+\n +help: there: git config receive.denyNonFastForwards true, and receive.denyDeletes true'
is "nothing stays" "$(commits lax assize-doctor)" none
with "{ git: \"$url/nodelete.git\", branch: shop }"
finds "one that refuses deletion alone" 4 'broken +rewriting +[^ ]+ [^ ]+: it accepts a forced push'
unlike "is told of that alone" "$out" 'accepts the deletion'
is "and has gone back by one" "$(commits nodelete assize-doctor)" 1
with "{ git: \"$url/nodelete.git\", branch: shop }"
is "it grows again and goes back again" "$(commits nodelete assize-doctor)" 1
with "{ git: \"$TMP/git/strict.git\", branch: shop }"
like "a repository on this machine" "$out" 'doubt +rewriting +git [^ ]+: it is on this machine: whoever can write there'
with "{ git: \"$url/strict.git\", branch: assize-doctor }"
like "the branch with checkpoints is never tried" "$out" 'doubt +rewriting +[^ ]+ [^ ]+: nothing is tried on the branch'
is "indeed" "$(commits strict assize-doctor)" 3
with "{ git: \"$url/none.git\", branch: shop }"
like "one that cannot be reached" "$out" 'doubt +rewriting +git [^ ]+none\.git#shop: it cannot be reached: '

# An authority or a witness, whose clock is right below /now and an hour off below /late.
cat >"$TMP/server" <<'END'
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() - (3600 if "late" in self.path else 0))
    def do_GET(self):
        self.send_response(405)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
END
python3 "$TMP/server" >"$TMP/port" &
reap $!
wait_for test -s "$TMP/port"
port=$(cat "$TMP/port")
for days in 10 400; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out ca$days.crt \
		-days $days -subj /CN=notaries 2>/dev/null
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.pem -out ca.csr -subj /CN=past 2>/dev/null
openssl x509 -req -in ca.csr -signkey ca.pem -days -1 -out past.crt 2>/dev/null
echo none >none.crt
with "{ timestamp: \"http://127.0.0.1:$port/now\", ca_file: ca400.crt }"
like "certificates that hold" "$out" 'ok +answers +timestamp [^ ]+: 1 certificate of "[^"]+ca400\.crt", the first ends in'
like "an authority that answers" "$out" 'ok +answers +timestamp [^ ]+: it answers, with status 405'
like "and agrees what time it is" "$out" 'ok +clock, others +timestamp [^ ]+/now: its clock and ours agree'
with "{ timestamp: \"http://127.0.0.1:$port/late\", ca_file: ca10.crt }"
like "another time" "$out" 'doubt +clock, others +timestamp [^ ]+/late: ours is (59 min|1 h|60 min)[^\n]* ahead of its clock'
like "a certificate that ends soon" "$out" 'note +answers +[^ ]+ [^ ]+: a certificate of "[^"]+ca10\.crt" ends in'
with "{ timestamp: \"http://127.0.0.1:$port/now\", ca_file: past.crt }"
like "one that ended" "$out" 'doubt +answers +[^ ]+ [^ ]+: a certificate of "[^"]+past\.crt" ended'
{ cat ca400.crt && sed '3s/./!/5' ca400.crt; } >damaged.crt
with "{ timestamp: \"http://127.0.0.1:$port/now\", ca_file: damaged.crt }"
finds "certificates of which one is damaged" 2 'doubt +answers +[^ ]+ [^ ]+: could not read certificates of "[^"]+damaged.crt"'
with "{ timestamp: \"http://127.0.0.1:1/now\", ca_file: none.crt }"
like "no certificates" "$out" 'doubt +answers +[^ ]+ [^ ]+: could not read certificates of "[^"]+none\.crt"'
like "no answer" "$out" 'doubt +answers +[^ ]+ [^ ]+: it does not answer: '
done_testing
