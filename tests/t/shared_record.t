#!/bin/bash
# A record on a PostgreSQL server: several runners, each with a copy of its own; and everything that
# may happen to server, copies and what lies between them without a wrong answer.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
cd "$TMP"

postgres_start
admin postgres "CREATE DATABASE records" "CREATE DATABASE shop" "CREATE DATABASE units"
url="postgresql://postgres@/records?host=$POSTGRES&port=$POSTGRES_PORT"
shown="postgresql://postgres@/records\\?host=$POSTGRES&port=$POSTGRES_PORT&record"

# as RUNNER ARGUMENT...: assize on a machine of that name; it has a copy of its own.
as()
{
	local runner=$1
	shift
	ASSIZE_RECORD_CACHE=$TMP/cache.$runner "$ASSIZE" "$@" --record "$url"
}

# The copy of a runner.
copy_of()
{
	local files=("$TMP/cache.$1"/*/copy.db)
	printf '%s\n' "${files[0]}"
}

records()
{
	admin records "$@"
}

# Everything in a copy but where it stands.
content()
{
	sqlite3 "$(copy_of "$1")" .dump | grep -v shared_position
}

sqlite3 shop.db 'CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)'
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits: { a: { target: shop, checks: [ { id: rows, rows: orders, expect: ">= 2" } ] } }
gates: { release: { require: { audit: a }, max_age: 1h } }
YAML

# ---- two runners, one record ----

run as one history
is "before the first run there is no record" "$status" 4
like "and it is said so" "$err" 'there is no record yet: .*never written to.*help: assize run makes one'
exits "the first run makes it" 0 as one run --subject v1
run as two history
like "another runner sees the run" "$status $out" '^0 .*1 .* pass +1 .*run +v1'
exits "and adds its own" 0 as two run --subject v2
run as one history
like "which the first one sees" "$out" '2 .*run +v2.*1 .*run +v1'
run as two gate release --subject v1
like "a gate on one opens by what the other measured" "$status $out" '^0 .*decision=OPEN'
unlike "without measuring again" "$out" 'run=3'

# ---- a run that is slow, in a record and on machines of their own ----

main=$url
url+='&record=slow'
cp "$ROOT/tests/lib/slow_probe" .
mkfifo said
cat >slow.yaml <<'YAML'
assize: 1
audits: { slow: { checks: [ { id: program, command: { run: [./slow_probe] } } ] } }
gates: { streak: { require: { check: slow/program, consecutive: 2 }, run: never, max_age: 1h } }
YAML
as s1 run --subject v1 -f slow.yaml >/dev/null &
slow=$!
exec 3>said # it has begun
as s2 run --subject v1 -f slow.yaml >/dev/null
echo 1 >&3
exec 3>&-
wait "$slow"
as s2 run --subject v1 -f slow.yaml >/dev/null
run as s3 gate streak --subject v1 -f slow.yaml
like "what one runner saw fail late is a failure between two passes of another" "$status $out" \
	'^1 .*slow/program +1 of the last 2 runs passed; run 1 failed'
exits "and is it again" 0 as s1 replay --decision 1
url=$main
exits "its decision can be replayed on the other" 0 as one replay --decision 1
like "and is told to rest on the same" "$out$err" '(same|identical|equal)'
run as one ledger verify
like "the ledger is whole, from the first change on" "$status $out" \
	'^0 .*changes +[0-9]+ on the server, replayed from the first.*the record is whole'
as two history >/dev/null
is "both copies are the same, row by row" "$(content one)" "$(content two)"
is "no copy can be read by others" "$(stat -c %a "$(copy_of one)" "$(dirname "$(copy_of one)")" | tr '\n' ' ')" \
	'600 700 '

rm -rf cache.two
run as two history
like "a copy that is gone is fetched again" "$status $out" '^0 .*2 .*run +v2'
printf 'garbage, and more of it, where SQLite has its header' |
	dd of="$(copy_of two)" conv=notrunc status=none
exits "one that is no database any more as well" 0 as two history
is "with the same in it" "$(content one)" "$(content two)"
: >"$(copy_of two)"
exits "one that is empty as well" 0 as two history
page=$(sqlite3 "$(copy_of two)" "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'")
dd if=/dev/urandom of="$(copy_of two)" bs=4096 seek=$((page - 1)) count=1 conv=notrunc status=none
run as two history
like "one with a damaged page is told, and thrown away" "$status $err" '^4 .*copy of record.*run the command again'
exits "so that the next command has a good one" 0 as two history
sqlite3 "$(copy_of two)" 'UPDATE runs SET host = (SELECT max(id) FROM texts)'
run as two ledger verify
like "a copy somebody changed is found" "$status $out" \
	"^4 .*BROKEN +this machine's copy is not what the server holds: somebody changed it \\(runs\\)"
exits "and thrown away, too" 0 as two ledger verify

# ---- many at once ----

url+='&record=many'
many()
{
	local i k pids=()
	for i in {1..16}; do
		(
			for k in 1 2 3; do
				as "m$((i % 4))" record load "$i" --id "$i.$k" >/dev/null 2>>many.err &&
					echo "$i.$k"
			done
		) >"many.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
}
many
is "16 writers on 4 machines: each is told that it was recorded" "$(cat many.? many.?? | wc -l)" 48
is "and none complained" "$(cat many.err)" ''
exits "a fifth machine reads them" 0 as m5 history
is "nothing that was told to be recorded is lost" \
	"$(sqlite3 "$(copy_of m5)" 'SELECT count(DISTINCT given_id), count(*) FROM externals')" '48|48'
exits "and the ledger is whole" 0 as m5 ledger verify

# Killed after 1 to 160 ms: before, in or after the transaction on the server, or that of the copy.
acknowledged=() killed=0
for i in {1..24}; do
	if ASSIZE_RECORD_CACHE=$TMP/cache.m1 timeout -s KILL "0.$(printf '%03d' $((1 + i * i * 2 / 7)))" \
		"$ASSIZE" record load $i --id "killed.$i" --record "$url" >/dev/null; then
		acknowledged+=("killed.$i")
	else
		killed=$((killed + 1))
	fi
done 2>/dev/null
diag "$killed of 24 runners were killed"
exits "runners that are killed leave nothing that holds others up" 0 as m1 record load 1 --id killed.0
exits "nor a copy that cannot be followed" 0 as m5 ledger verify
as m1 history >/dev/null
is "what they acknowledged is there, on both machines" "$(for i in 1 5; do
	sqlite3 "$(copy_of m$i)" "SELECT count(*) FROM externals x JOIN texts t ON t.id = x.given_id WHERE t.body IN
		('killed.0'$(printf ", '%s'" "${acknowledged[@]}"))"
done | uniq)" $((${#acknowledged[@]} + 1))
url=${url%&record=many}

# ---- sessions and servers that end ----

cat >ends.yaml <<'YAML'
assize: 1
audits: { a: { checks: [ { id: ends, command: { run: [sh, ends.sh] }, expect: { status: "== 0" } } ] } }
YAML
cat >ends.sh <<SH
"$postgres_bin/psql" -X -q -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d records -c \
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'assize'" >&2
SH
exits "a session that is ended between two writes is opened again" 0 as one run -f ends.yaml
echo "kill -QUIT $postgres_pid; while kill -0 $postgres_pid 2>/dev/null; do :; done" >ends.sh
before=$(records "SELECT number FROM assize_record WHERE name = 'main'")
run as one run -f ends.yaml
is "a server that dies in the middle of a run: exit status 4" "$status" 4
like "and why" "$err" "could not (read|write) record \"$shown=main\": .*"
run as one history
like "a server that is not there is an error, and no old answer" "$status $out$err" \
	"^4 assize: could not read record \"$shown=main\": "
postgres_again
is "what was told to be recorded is there: the beginning of the run" \
	"$(records "SELECT number FROM assize_record WHERE name = 'main'")" $((before + 1))
run as one history -n 1
like "the run is incomplete" "$status $out" '^0 .*incomplete'
exits "and the next one is not" 0 as one run
exits "the ledger is whole" 0 as one ledger verify

# answers WHEN SQL: what the server does with the next change, in its statement or at COMMIT.
answers()
{
	records "SET client_min_messages = error; DROP TRIGGER IF EXISTS t ON assize_record_change;
		CREATE OR REPLACE FUNCTION hiccup() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN $2; RETURN NEW; END';
		CREATE CONSTRAINT TRIGGER t AFTER INSERT ON assize_record_change
		DEFERRABLE INITIALLY $1 FOR EACH ROW EXECUTE FUNCTION hiccup()"
}
records 'CREATE SEQUENCE turns'
for moment in IMMEDIATE DEFERRED; do
	answers $moment "IF nextval(''turns'') % 2 = 1 THEN
		RAISE EXCEPTION ''again'' USING ERRCODE = ''40001''; END IF"
	exits "a server that wants every transaction twice ($moment) gets it" 0 as one run
	answers $moment "RAISE EXCEPTION ''no room left''"
	run as one run
	like "one that takes none ($moment): exit status 4" "$status $err" \
		"^4 .*could not write record \"$shown=main\": no room left"
done
answers IMMEDIATE "RAISE EXCEPTION ''No space left on device'' USING ERRCODE = ''53100''"
run as one run
like "one whose disk is full: so, with what to do" "$status $err" "^4 .*No space left on device.*help: make room on the server's disk"
answers DEFERRED "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(9)"
run as one run
like "a connection that is lost at COMMIT: nobody knows, so it is not recorded" "$status $err" \
	"^4 .*could not write record \"$shown=main\": .*help: nobody knows"
records 'DROP TRIGGER t ON assize_record_change; DROP FUNCTION hiccup; DROP SEQUENCE turns'
exits "and the copies have nothing of it" 0 as one ledger verify
exits "the next run is recorded" 0 as one run

# ---- what somebody else did to the server ----

save()
{
	records 'SET client_min_messages = error; DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved;
		CREATE TABLE saved.head AS TABLE assize_record;
		CREATE TABLE saved.change AS TABLE assize_record_change;
		CREATE TABLE saved.base AS TABLE assize_record_base'
}
restore()
{
	records 'TRUNCATE assize_record, assize_record_change, assize_record_base;
		INSERT INTO assize_record TABLE saved.head;
		INSERT INTO assize_record_change TABLE saved.change;
		INSERT INTO assize_record_base TABLE saved.base'
}

# distrusts CLAIM RUNNER MESSAGE: neither read nor written, and it is said why.
distrusts()
{
	run as "$2" history
	like "$1" "$status $err" "^4 .*cannot trust record \"$shown=main\": $3"
	run as "$2" run
	like "$1: nothing is written either" "$status $err" "^4 .*cannot trust record \"$shown=main\": $3"
}

save
exits "one more run" 0 as one run
newest=$(records "SELECT number FROM assize_record WHERE name = 'main'")
restore
distrusts "an older backup that was put there" one \
	"the server has changes up to [0-9]+, this machine has seen $newest of them"
like "what there is to be done is told" "$err" "help: .*$TMP/cache.one/"
exits "who has not seen more goes on" 0 as two history
records 'TRUNCATE assize_record, assize_record_change, assize_record_base'
distrusts "a record that was deleted" one \
	"the server has changes up to 0, this machine has seen $newest of them"
is "and none is made in its place" "$(records 'SELECT count(*) FROM assize_record')" 0
restore
for i in 1 2; do
	exits "another history ($i)" 0 as two record load $i
done
records "UPDATE assize_record SET number = $newest WHERE name = 'main'"
records "DELETE FROM assize_record_change WHERE record = 'main' AND number > $newest"
run as one history
like "one of the same length, but another" "$status $err" \
	"^4 .*change $newest on the server is not the one this machine has seen"
rm -rf cache.one
restore

# found CLAIM SQL MESSAGE: by a runner that has to read it, and by one that has read it when it verifies.
found()
{
	as two history >/dev/null
	records "$2"
	rm -rf cache.fresh
	run as fresh history
	like "$1: who reads it" "$status $err" "^4 .*cannot trust record \"$shown=main\": $3"
	run as two ledger verify
	like "$1: who verifies" "$status $out" "^4 .*BROKEN +cannot trust record \"$shown=main\": $3"
	restore
}
rm -rf cache.two
found "a changed byte" "UPDATE assize_record_change SET body = set_byte(body, 20, get_byte(body, 20) # 1)
	WHERE record = 'main' AND number = 3" 'change 3 is not as it was recorded'
found "a changed size" "UPDATE assize_record_change SET size = size + 1 WHERE record = 'main' AND number = 4" \
	'change 4 is not as it was recorded'
found "a change that is gone" "DELETE FROM assize_record_change WHERE record = 'main' AND number = 3" \
	'change 3 is gone'
found "the last one gone" "DELETE FROM assize_record_change c USING assize_record r
	WHERE r.name = 'main' AND c.record = 'main' AND c.number = r.number" 'change [0-9]+ is gone'
found "a changed base" "UPDATE assize_record_base SET body = set_byte(body, 99, get_byte(body, 99) # 1)
	WHERE record = 'main'" 'base 1 is not as it was recorded'
found "a changed entry of a base" "UPDATE assize_record_change SET body = set_byte(body, 39, 7)
	WHERE record = 'main' AND number = 1" 'base 1 is not as it was recorded'
found "a base without its end" "DELETE FROM assize_record_base WHERE record = 'main'" \
	'base 1 is not as it was recorded'


# A copy that is thrown away because the log does not fit is not forgotten.
as two history >/dev/null
seen=$(records "SELECT number FROM assize_record WHERE name = 'main'")
exits "a change more" 0 as fresh2 record load 3
records "UPDATE assize_record_change SET body = set_byte(body, 20, get_byte(body, 20) # 1)
	WHERE record = 'main' AND number = $((seen + 1))"
run as two history
like "that was changed" "$status $err" "^4 .*change $((seen + 1)) is not as it was recorded"
restore
records "DELETE FROM assize_record_change WHERE record = 'main' AND number >= $seen; UPDATE assize_record SET
	number = c.number, size = c.size, root = c.root, digest = c.digest FROM assize_record_change c
	WHERE name = 'main' AND c.record = 'main' AND c.number = $((seen - 1))"
run as two history
like "and then a log that ends before" "$status $err" \
	"^4 .*the server has changes up to $((seen - 1)), this machine has seen $seen of them"
for i in 1 2; do
	exits "another history of a runner that has seen nothing ($i)" 0 as fresh3 record load $i
done
run as two history
like "or has something else there" "$status $err" "^4 .*change $seen on the server is not the one this machine has seen"
restore
exits "what is as it was is taken" 0 as two history

# forge PYTHON: rewrites changes (a list of objects) and makes every digest fit again.
forge()
{
	records "SELECT json_agg(json_build_object('number', number, 'kind', kind, 'version', version,
		'size', size, 'root', root, 'body', encode(body, 'hex')) ORDER BY number)
		FROM assize_record_change WHERE record = 'main'" >changes.json
	python3 - "$1" <<-'PY' >forged.sql
		import hashlib, json, struct, sys, zlib
		changes = json.load(open('changes.json'))
		def rows(c):
		    return zlib.decompress(bytes.fromhex(c['body'])[8:])
		def pack(c, raw):
		    c['body'] = (struct.pack('>Q', len(raw)) + zlib.compress(raw)).hex()
		exec(sys.argv[1])
		digest = bytes(32)
		for c in changes:
		    body = bytes.fromhex(c['body'])
		    digest = hashlib.sha256(b'assize/shared/1\0' + digest + struct.pack('>qqqq', c['number'],
		        c['kind'], c['version'], c['size']) + bytes.fromhex(c['root']) + body).digest()
		    print("UPDATE assize_record_change SET version = %d, size = %d, root = '%s', digest = '%s', body = '\\x%s' "
		        "WHERE record = 'main' AND number = %d;" % (c['version'], c['size'], c['root'], digest.hex(), body.hex(),
		        c['number']))
		print("UPDATE assize_record SET digest = '%s' WHERE name = 'main';" % digest.hex())
	PY
	"$postgres_bin/psql" -X -q -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d records -f forged.sql
}

# forged CLAIM PYTHON MESSAGE: by a runner that has to read it, and by one that has seen what was there.
forged()
{
	as two history >/dev/null
	forge "$2"
	rm -rf cache.fresh
	run as fresh history
	like "$1: who reads it" "$status $err" "^4 .*cannot trust record \"$shown=main\": $3"
	run as two history
	like "$1: who has read the former" "$status $err" '^4 .*is not the one this machine has seen'
	restore
}
forge 'pass'
rm -rf cache.fresh
exits "digests that are computed elsewhere are the same" 0 as fresh history
forged "rows that were exchanged" 'pack(changes[2], rows(changes[2]).replace(b"v1", b"v9"))
pack(changes[1], rows(changes[1]).replace(b"v1", b"v9"))' 'change [23] does not hold the records'
forged "a change that is there twice" 'changes[3]["body"] = changes[2]["body"]' \
	'change 4 does not fit what was recorded before it'
forged "a root of another moment" 'changes[2]["root"] = changes[1]["root"]' \
	'change 3 does not hold the records'
forged "a change of an older version, whose leaves would not be read" 'changes[2]["version"] = 11' \
	'change 3 is of another version than the record'

# A challenge that one runner made, and its attacks.
cat >files.yaml <<'YAML'
assize: 1
audits: { f: { checks: [ { id: there, file: { path: assize.yaml } } ] } }
YAML
exits "a challenge" 0 as one challenge -f files.yaml
run as three history --challenges f/there
like "is seen by another runner, with its attacks" "$status $out" '^0 .*f/there .*1 of 1 attacks? noticed.*missing'
exits "and verified" 0 as three ledger verify
save
forged "an attack in other words" 'c = [c for c in changes if c["kind"] == 0 and b"missing" in rows(c)][-1]
pack(c, rows(c).replace(b"missing", b"present"))' 'change [0-9]+ does not hold the records'

# The newest root and frontier of the head, in rows that are right otherwise.
read -r root frontier < <(sqlite3 -separator ' ' "$(copy_of two)" 'SELECT hex(root), hex(frontier) FROM head')
for part in "$root" "$frontier"; do
	forged "a head with ${part:0:8} changed" "new = bytes.fromhex('$part')
c = [c for c in changes if c['kind'] == 0 and new in rows(c)][-1]
pack(c, rows(c).replace(new, new[:-1] + bytes([new[-1] ^ 1])))" 'change [0-9]+ does not hold the records'
done

# ---- bases ----

exits "a run" 0 as two run
records "UPDATE assize_record SET since_bytes = 100000000 WHERE name = 'main'"
exits "changes that are longer than the base" 0 as two run
is "make another base" "$(records "SELECT kind, r.number - r.base, since_bytes, (SELECT count(*) > 0
	FROM assize_record_base b WHERE b.record = 'main' AND b.number = r.base) FROM assize_record r
	WHERE name = 'main'")" '2|0|0|t'
exits "who has a copy goes on" 0 as two run
records "CREATE TABLE early AS SELECT * FROM assize_record_change WHERE record = 'main'
	AND number < (SELECT base - 1 FROM assize_record WHERE name = 'main')"
records "DELETE FROM assize_record_change c USING early e WHERE c.record = 'main' AND c.number = e.number"
rm -rf cache.fresh
exits "who has none begins with it" 0 as fresh history
records "INSERT INTO assize_record_change TABLE early"
is "and has the same" "$(content fresh)" "$(content two)"
exits "it is what the changes give" 0 as fresh ledger verify
save

# Another base, with all that vouches for it: only who replays can know.
records "SELECT encode(body, 'hex') FROM assize_record_base WHERE record = 'main' AND
	number = (SELECT base FROM assize_record WHERE name = 'main') ORDER BY part" >parts.hex
python3 - <<'PY'
import zlib
open('base.db', 'wb').write(b''.join(zlib.decompress(bytes.fromhex(l)[8:]) for l in open('parts.hex').read().split()))
PY
sqlite3 base.db "UPDATE states SET outcome = 2"
number=$(records "SELECT base FROM assize_record WHERE name = 'main'")
# shellcheck disable=SC2016
forge 'import os
raw = open("base.db", "rb").read()
n = [i for i, c in enumerate(changes) if c["kind"] == 2][-1]
changes[n]["body"] = (hashlib.sha256(raw).digest() + struct.pack(">Q", len(raw))).hex()
sql = ["DELETE FROM assize_record_base WHERE record = $$main$$ AND number = %d;" % changes[n]["number"]]
for part in range(0, len(raw), 1 << 20):
    body = raw[part:part + (1 << 20)]
    sql.append("INSERT INTO assize_record_base VALUES ($$main$$, %d, %d, $$\\x%s$$);" % (changes[n]["number"],
        part >> 20, (struct.pack(">Q", len(body)) + zlib.compress(body)).hex()))
print("\n".join(sql))'
rm -rf cache.fresh
run as fresh ledger verify
like "a base that is something else is found" "$status $err" \
	"^4 .*cannot trust record .*: base $number is not what was recorded: where check \"[^\"]+\" stands is not"
restore
rm -rf cache.fresh cache.two

# A base that is whole, and of another record, behind all that was recorded.
as two history >/dev/null
page=$(sqlite3 "$(copy_of two)" "SELECT rootpage FROM sqlite_schema WHERE name = 'runs'")
dd if=/dev/urandom of="$(copy_of two)" bs=4096 seek=$((page - 1)) count=1 conv=notrunc status=none
run as two history
is "a copy is thrown away" "$status" 4
cp cache.m1/*/copy.db other.db
sqlite3 other.db 'DROP TABLE shared_position'
records "SELECT number, digest FROM assize_record WHERE name = 'main'" | tr '|' ' ' >head
cat >other.py <<'PY'
import hashlib, sqlite3, struct, zlib
raw = open('other.db', 'rb').read()
number, before = open('head').read().split()
number = int(number) + 1
version, = sqlite3.connect('other.db').execute('PRAGMA user_version').fetchone()
size, root = sqlite3.connect('other.db').execute('SELECT next_seq, lower(hex(root)) FROM head').fetchone()
body = hashlib.sha256(raw).digest() + struct.pack('>Q', len(raw))
digest = hashlib.sha256(b'assize/shared/1\0' + bytes.fromhex(before) + struct.pack('>qqqq', number, 2, version, size) +
    bytes.fromhex(root) + body).hexdigest()
for part in range(0, len(raw), 1 << 20):
    piece = raw[part:part + (1 << 20)]
    print("INSERT INTO assize_record_base VALUES ('main', %d, %d, '\\x%s');" % (number, part >> 20,
        (struct.pack('>Q', len(piece)) + zlib.compress(piece)).hex()))
print("INSERT INTO assize_record_change VALUES ('main', %d, 2, %d, %d, '%s', '%s', '\\x%s');" %
    (number, version, size, root, digest, body.hex()))
print("UPDATE assize_record SET number = %d, kind = 2, size = %d, root = '%s', digest = '%s', base = %d "
    "WHERE name = 'main';" % (number, size, root, digest, number))
PY
python3 other.py >other.sql
"$postgres_bin/psql" -X -q -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d records -f other.sql
run as two history
like "one that does not have what was recorded before it is refused" "$status $err" \
	'^4 .*base [0-9]+ is not as it was recorded'
run as fresh ledger verify
like "also by who has seen nothing" "$status $err" '^4 .*cannot trust record .*: base [0-9]+ is not as it was recorded'
restore
rm -rf cache.fresh
exits "with what it had seen it goes on" 0 as two history
rm -rf cache.two

# ---- versions ----

records "UPDATE assize_record SET version = 99 WHERE name = 'main'"
run as two history
like "a record of a newer version is refused" "$status $err" '^4 .*has version 99, this assize knows versions up to'
run as two run
like "by writers as well" "$status $err" '^4 .*has version 99, this assize knows versions up to'
restore

# A record of the version before with changes after its base, as the former assize would have left it:
# what the newest version added is what tests/unit/test_record.c takes away. The changes touch no table
# that it gave a column: theirs would have one too many.
url+='&record=new'
for i in 1 2; do
	exits "a record with changes ($i)" 0 as one record score "$i"
done
url=${url%&record=new}
records "SELECT json_build_object('changes', (SELECT json_agg(json_build_object('number', number, 'kind', kind,
	'size', size, 'root', root, 'body', encode(body, 'hex')) ORDER BY number) FROM assize_record_change
	WHERE record = 'new'), 'base', (SELECT encode(body, 'hex') FROM assize_record_base WHERE record = 'new'))" >new.json
cat >old.py <<'PY'
import hashlib, json, os, re, sqlite3, struct, zlib
unit = open(os.environ['ROOT'] + '/tests/unit/test_record.c').read()
newest = int(re.search(r'#define NEWEST (\d+)', unit)[1])
taken = ''.join(re.findall(r'"([^"]*)"', re.search(r'\[%d\] = ((?:\s*"[^"]*")+)' % newest, unit)[1]))
old = newest - 1
new = json.load(open('new.json'))
open('old.db', 'wb').write(zlib.decompress(bytes.fromhex(new['base'])[8:]))
db = sqlite3.connect('old.db')
db.executescript('%s; PRAGMA user_version = %d' % (taken, old))
db.close()
raw = open('old.db', 'rb').read()
part = struct.pack('>Q', len(raw)) + zlib.compress(raw)
digest = bytes(32)
for c in new['changes']:
    body = bytes.fromhex(c['body'])
    if c['kind'] == 1:
        body = hashlib.sha256(raw).digest() + struct.pack('>Q', len(raw))
    digest = hashlib.sha256(b'assize/shared/1\0' + digest + struct.pack('>qqqq', c['number'], c['kind'], old,
        c['size']) + bytes.fromhex(c['root']) + body).digest()
    print("INSERT INTO assize_record_change VALUES ('old', %d, %d, %d, %d, '%s', '%s', '\\x%s');" %
        (c['number'], c['kind'], old, c['size'], c['root'], digest.hex(), body.hex()))
print("INSERT INTO assize_record VALUES ('old', 1, %d, 0, %d, %d, '%s', '%s', 1, %d, 0);" %
    (c['number'], old, c['size'], c['root'], digest.hex(), len(part)))
print("INSERT INTO assize_record_base VALUES ('old', 1, 0, '\\x%s');" % part.hex())
PY
python3 old.py >old.sql
"$postgres_bin/psql" -X -q -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d records -f old.sql
url+='&record=old'
run as two history
like "one of an older version is not read" "$status $err" '^4 .*has version [0-9]+, older than [0-9]+.*assize run brings it up'
exits "a run brings it up to date" 0 as one run
is "by a base of its own" "$(records "SELECT kind FROM assize_record_change WHERE record = 'old' AND number = 4")" 1
run as two history
like "which others follow" "$status $out" '^0 .*1 .*pass'
is "with all that was there before" "$(as two ledger leaves | grep -c '"t":"assize/external/1"')" 2
exits "and whose history is the one of before" 0 as two ledger verify
url=${url%&record=old}

# ---- no room for a copy ----

exits "a runner of its own" 0 as full run
copy=$(copy_of full)
room=$(($(stat -c %s "$copy") / 1024))
export ASSIZE_RECORD_CACHE=$TMP/cache.full
for ((n = 1; n <= 60; n++)); do
	run bash -c "ulimit -f $room; exec \"\$0\" \"\$@\"" "$ASSIZE" run --subject "full.$n" --record "$url"
	[ "$status" -eq 0 ] || break
done
is "a copy that may not grow" "$status" 4
like "is what is full, and not the server" "$err" \
	"^assize: could not write \"$copy\", the copy of record \"$shown=main\": "
unset ASSIZE_RECORD_CACHE
exits "with room it goes on" 0 as full run --subject "full.$n"

# ---- who may what ----

records "CREATE ROLE reader LOGIN" "CREATE ROLE writer LOGIN PASSWORD 'hunter2-secret'" \
	"GRANT SELECT ON assize_record, assize_record_change, assize_record_base TO reader, writer" \
	"GRANT INSERT ON assize_record, assize_record_change, assize_record_base TO writer" \
	"GRANT UPDATE ON assize_record TO writer"
url=${url/postgres@/reader@}
exits "a role that may read reads" 0 as reader history
run as reader run
like "and is told what it lacks to write" "$status $err" \
	'^4 .*permission denied for table assize_record.*help: .*INSERT on all three and UPDATE on assize_record'
url="postgresql://reader@/shop?host=$POSTGRES&port=$POSTGRES_PORT"
run as reader run
like "one that may not make the tables, too" "$status $err" \
	'^4 .*permission denied for schema public.*help: GRANT CREATE ON SCHEMA'
url="postgresql://writer@127.0.0.1:$POSTGRES_PORT/records"
run as writer run
like "without the password nothing is done" "$status $err" '^4 .*password.*help: .*PGPASSWORD'
PGPASSWORD=wrong run as writer run
like "nor with a wrong one" "$status $err" '^4 .*password authentication failed'
PGPASSWORD=hunter2-secret run as writer run --report html=report.html
like "PGPASSWORD is taken; these grants are enough" "$status $err" '^0 *$'
url="postgresql://writer:hunter2-secret@127.0.0.1:$POSTGRES_PORT/records"
run as writer history
like "a password among the arguments is refused" "$status $err" '^3 .*cannot take a password in --record'
unlike "and not shown" "$out$err" hunter2
url="postgresql://writer@127.0.0.1:$POSTGRES_PORT/records?pass%77ord=hunter2-secret"
run as writer history
like "however it is written" "$status $err" '^3 .*cannot take a password in --record'
url="postgresql://writer@127.0.0.1:$POSTGRES_PORT/records?sslpassword=hunter2-secret"
run as writer history
like "also one of a key" "$status $err" '^3 .*cannot take a password in --record'
export ASSIZE_RECORD="postgresql://writer:hunter2-secret@127.0.0.1:$POSTGRES_PORT/records"
ASSIZE_RECORD_CACHE=$TMP/cache.writer run "$ASSIZE" doctor --json
is "a doctor looks there, and tells what it left out" \
	"$(jq -r '[.findings[] | select(.row == "record") | .grade] | join(" ")' <<<"$out")" "ok note"
unlike "and tells no password" "$out$err" hunter2
ASSIZE_RECORD_CACHE=$TMP/cache.writer run "$ASSIZE" run --report html=report.html --report json=report.json
is "ASSIZE_RECORD may have it" "$status" 0
unlike "it is in no report" "$(cat report.html report.json)" hunter2
unlike "and in no copy" "$(strings "$(copy_of writer)")" hunter2
like "reports name the record all the same" "$(cat report.html)" "postgresql://writer@127.0.0.1:$POSTGRES_PORT/records"
unset ASSIZE_RECORD

# ---- a copy that was brought along ----

url="postgresql://postgres@/records?host=$POSTGRES&port=$POSTGRES_PORT"
git init -q checkout && cd checkout
cp ../assize.yaml ../shop.db .
git add assize.yaml && git commit -qm policy
ASSIZE_RECORD_CACHE=$PWD/cache run "$ASSIZE" gate release --subject v1 -f git:HEAD:assize.yaml --record "$url"
is "a gate reads a copy in the checkout that is in no commit" "$status" 0
git add cache/*/copy.db && git commit -qm evidence
ASSIZE_RECORD_CACHE=$PWD/cache run "$ASSIZE" gate release --subject v1 -f git:HEAD:assize.yaml --record "$url"
like "one that is in the commit is none" "$status $err" '^4 .*copy.db" is part of the commit that is checked out'
cd ..

# ---- keys ----

run as two ledger init
like "a record on a server has no key beside it" "$status $err" '^3 .*no key beside it: name one'
exits "one that is named is taken" 0 as two ledger init --key ledger.key --name example.com/shop
key=$(sed -n 's/^key *//p' <<<"$out")
exits "another runner verifies what it signed" 0 as three ledger verify --trust "$key"
sed "\$a ledger: { key: $TMP/ledger.key }" assize.yaml >keyed.yaml
run as two ledger rotate
like "who rotates says which key there is" "$status $err" '^3 .*no key beside it: name one.*-f with a definition'
exits "with -f a definition does" 0 as two ledger rotate -f keyed.yaml
exits "a run signs with the new one" 0 as two run -f keyed.yaml
run as three ledger verify --trust "$key"
like "which the first one vouches for" "$status $out" '^0 .*checkpoints +3, of which 3 hold.*\(trusted\)'

# ---- exchange with files ----

exits "a record on a server can be exported" 0 as two ledger export exported.db
ok "into a file that is a record like any other" "$ASSIZE" ledger verify --record exported.db
run as two ledger import exported.db
like "it is not exchanged for a file" "$status $err" '^3 .*cannot import into a record on a server.*ledger merge'
"$ASSIZE" run --record elsewhere.db >/dev/null
"$ASSIZE" ledger init --record elsewhere.db --key elsewhere.key >/dev/null
run as two ledger merge elsewhere.db --unsigned
like "what a file has measured can be merged into it" "$status $out$err" '^0 .*1 run, 1 result'
exits "and is there for others, who are told that nobody vouched for it" 2 as three ledger verify
like "and nothing else" "$out" 'doubt +nobody vouched for merge 1 of .*the record is doubtful'
is "to be read" "$(as three ledger leaves | grep -c '"t":"assize/merge/1"')" 1

# ---- what looks at files ----

run as two prune --older 1ms
like "nothing on a server is pruned" "$status $err" '^3 .*cannot prune record "postgresql:[^"]+": history on a server is only ever added to'
exits "dry or not" 3 as two prune --older 1ms --dry-run
run as two doctor -f keyed.yaml
like "its health is that of what is on the server" "$out" "ok +record +$shown=main: [0-9]+ records"
like "and of the key that is named" "$out" 'ok +key +[^ ]+ledger\.key: it is the newest key of the record'
unlike "there is no file to look at" "$out" 'permissions|file system|does not exist'
unlike "and it can be written" "$out" 'could not write'
records 'ALTER DATABASE records SET default_transaction_read_only = on'
run as two run
like "a server that takes no changes, as a standby: exit status 4" "$status $err" \
	'^4 .*could not write record .*read-only transaction.*help: a record is on the primary server'
run as two doctor -f keyed.yaml
like "which a doctor finds before" "$out" \
	"doubt +record +could not write record \"$shown=main\": the server is a standby, or read-only for this role.*help: a record is on the primary"
like "and reads it all the same" "$out" "ok +record +$shown=main: [0-9]+ records"
admin postgres 'ALTER DATABASE records RESET default_transaction_read_only'

# ---- the record's own tests ----

export ASSIZE_TEST_RECORDS="postgresql://postgres@/units?host=$POSTGRES&port=$POSTGRES_PORT"
pids=() units=(ledger challenges record_damage record record_query record_baseline record_notices record_decisions record_samples record_cursors shared)
for unit in "${units[@]}"; do
	"$BUILD/tests/unit/test_$unit" >"unit.$unit" 2>&1 &
	pids+=($!)
done
for i in "${!units[@]}"; do
	wait "${pids[i]}"
	is "test_${units[i]} on this store" "$? $(grep '^not ok' "unit.${units[i]}" | grep -v SKIP)" '0 '
done
postgres_stop # also where a test left a session behind
done_testing
