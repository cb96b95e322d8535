#!/bin/bash
# A record on a PostgreSQL server whose tables somebody else writes to, with the rights of a runner or of
# whoever made them: nothing they put there passes for what was measured.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
cd "$TMP"

postgres_start
admin postgres "CREATE DATABASE records"
records()
{
	admin records "$@"
}
url="postgresql://runner@/records?host=$POSTGRES&port=$POSTGRES_PORT"
server=$url

# as MACHINE ARGUMENT...
as()
{
	local machine=$1
	shift
	ASSIZE_RECORD_CACHE=$TMP/cache.$machine "$ASSIZE" "$@" --record "$url"
}

copy_of()
{
	local files=("$TMP/cache.$1"/*/copy.db)
	printf '%s\n' "${files[0]}"
}

sqlite3 shop.db 'CREATE TABLE t (i INTEGER PRIMARY KEY, v INTEGER);
	INSERT INTO t SELECT value, 7 FROM generate_series(1, 600); UPDATE t SET v = 1 WHERE i = 5'
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
      - { id: all, sql: { query: "SELECT i, v FROM t", labels: i, value: v }, expect: "== 7" }
gates:
  release: { require: { audit: a }, max_age: 1h, run: never }
YAML

url=${server/runner@/postgres@} # makes the tables
as owner record score 1 >/dev/null
url=$server
records "CREATE ROLE runner LOGIN; GRANT USAGE ON SCHEMA public TO runner;
	GRANT SELECT, INSERT ON assize_record, assize_record_change, assize_record_base TO runner;
	GRANT UPDATE ON assize_record TO runner"

# append.py RECORD KIND FILE: SQL that appends a change, whose body is the changeset or the base in FILE.
cat >append.py <<'PY'
import hashlib, os, struct, subprocess, sys, zlib
record, kind, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
raw = open(file, 'rb').read()
head = os.environ['HEAD'].split('|')
number, version, size, root, before = int(head[0]) + 1, int(head[1]), int(head[2]), head[3], head[4]
pack = lambda b: struct.pack('>Q', len(b)) + zlib.compress(b)
body = pack(raw) if kind == 0 else hashlib.sha256(raw).digest() + struct.pack('>Q', len(raw))
digest = hashlib.sha256(b'assize/shared/1\0' + bytes.fromhex(before) + struct.pack('>4q', number, kind, version, size) +
    bytes.fromhex(root) + body).hexdigest()
print('BEGIN;')
for part in range(0, len(raw) if kind else 0, 1 << 20):
    print("INSERT INTO assize_record_base VALUES ('%s', %d, %d, '\\x%s');" % (record, number, part >> 20,
        pack(raw[part:part + (1 << 20)]).hex()))
print("INSERT INTO assize_record_change(record, number, kind, version, size, root, digest, body) VALUES "
    "('%s', %d, %d, %d, %d, '%s', '%s', '\\x%s');" % (record, number, kind, version, size, root, digest, body.hex()))
print("UPDATE assize_record SET number = %d, kind = %d, digest = '%s' %s WHERE name = '%s'; COMMIT;" %
    (number, kind, digest, ', base = %d' % number if kind else '', record))
PY

# append RECORD KIND FILE: as the role of a runner.
append()
{
	HEAD=$(records "SELECT number, version, size, root, digest FROM assize_record WHERE name = '$1'") \
		python3 append.py "$@" >append.sql
	"$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$POSTGRES" -p "$POSTGRES_PORT" -U runner -d records \
		-f append.sql || diag "psql failed"
}

# ---- a base that says something else of the past ----

as one run --subject v1 >/dev/null
is "a check fails" "$(as one history --json | jq -r '.runs[0].outcome')" fail
cp "$(copy_of one)" forged.db
sqlite3 forged.db "DROP TABLE shared_position;
	UPDATE results SET value = 7, facts_id = (SELECT id FROM facts WHERE outcome = 1), room = NULL;
	UPDATE states SET outcome = 1; UPDATE run_ends SET outcome = 1, n_pass = n_pass + n_fail, n_fail = 0"
records "CREATE SCHEMA saved; CREATE TABLE saved.head AS TABLE assize_record;
	CREATE TABLE saved.change AS TABLE assize_record_change; CREATE TABLE saved.base AS TABLE assize_record_base"
restore()
{
	records 'TRUNCATE assize_record, assize_record_change, assize_record_base;
		INSERT INTO assize_record TABLE saved.head; INSERT INTO assize_record_change TABLE saved.change;
		INSERT INTO assize_record_base TABLE saved.base'
	rm -rf cache.fresh cache.one
	as one history >/dev/null
}
for kind in 1 2; do
	restore
	append main $kind forged.db
	run as fresh gate release --subject v1
	like "one of kind $kind opens no gate of a machine that has seen nothing" "$status $err" \
		'^4 .*cannot trust record .*: base [0-9]+ is not (what was|as it was) recorded'
	run as one gate release --subject v1
	is "nor of one that has a copy (kind $kind)" "$([ "$status" = 0 ] || echo shut)" shut
done
restore
append main 1 forged.db
run as one history
like "one in the place of what a machine has is told" "$status $err" '^4 .*cannot trust record .*(change|base) [0-9]+ is '
restore
cp "$(copy_of one)" same.db
sqlite3 same.db "DROP TABLE shared_position"
append main 2 same.db
exits "one that is what was there is taken" 0 as fresh history
exits "and verified" 0 as fresh ledger verify
restore

# ---- rows behind the head, and heads that say something else ----

records "INSERT INTO assize_record_change SELECT record, number + 1, kind, version, size, root, digest, body
	FROM assize_record_change WHERE record = 'main' ORDER BY number DESC LIMIT 1"
next=$(records "SELECT number + 1 FROM assize_record WHERE name = 'main'")
exits "a row behind the head is in nobody's way who reads" 0 as one history
run as one ledger verify
like "but the record is not whole" "$status $out" "^4 .*BROKEN +the server has change $next behind the record's head"
run as one doctor
like "which a doctor finds" "$status $out" "^4 .*record +nobody can write to .*: the server has change $next behind its head"
run as one run
like "and who writes is told what is in the way" "$status $err" \
	"^4 .*could not write record .*: the server has change $next already, behind the record's head.*help: .*DELETE FROM assize_record_change WHERE record = 'main' AND number >= $next"
records "DELETE FROM assize_record_change WHERE record = 'main' AND number >= $next"
as one run >/dev/null
exits "which then is not any more" 0 as one ledger verify
restore
records "INSERT INTO assize_record_change SELECT 'new', 1, kind, version, size, root, digest, body
	FROM assize_record_change WHERE record = 'main' AND number = 1"
url="$server&record=new"
run as one record score 1
like "nor can a record begin where one is" "$status $err" '^4 .*the server has change 1 already, behind the record.s head'
url=$server
records "DELETE FROM assize_record_change WHERE record = 'new'" "DELETE FROM assize_record WHERE name = 'new'"
for what in "size = 9223372036854775807" "root = repeat('0', 64)" "version = 1"; do
	records "UPDATE assize_record SET $what WHERE name = 'main'"
	for command in "ledger verify" history "record score 1"; do
		# shellcheck disable=SC2086
		run as one $command
		like "a head with $what: $command" "$status $err" '^4 .*cannot trust record .*: its head on the server says'
	done
	restore
done

# ---- a server that does not keep what it is given ----

# loses WHEN TABLE SQL: a trigger of that function.
loses()
{
	records "SET client_min_messages = error; DROP FUNCTION IF EXISTS loses CASCADE; CREATE FUNCTION loses()
		RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN $3; RETURN NEW; END';
		CREATE TRIGGER t $1 ON $2 FOR EACH ROW EXECUTE FUNCTION loses()"
	run as one record score 1
	like "$1 $2: $3" "$status $err" \
		"^4 .*could not write record .*: the server does not keep what it is given.*help: a trigger or a rule on $2 "
}
loses "AFTER INSERT" assize_record_change 'DELETE FROM assize_record_change WHERE number = NEW.number'
loses "BEFORE INSERT" assize_record_change 'NEW.body := NEW.body || NEW.body'
loses "BEFORE INSERT" assize_record_change 'NEW.size := 1'
loses "BEFORE UPDATE" assize_record 'NEW.digest := OLD.digest'
records "SET client_min_messages = error; DROP FUNCTION loses CASCADE"
exits "none of it is in the log" 0 as one ledger verify
exits "and without it the record goes on" 0 as one record score 1

# ---- names ----

for name in "host=$POSTGRES user=runner dbname=records password=hunter2" "pgsql://runner:hunter2@localhost/records" \
	" postgresql://runner:hunter2@localhost/records" "postgresql:/runner:hunter2@localhost/records"; do
	ASSIZE_RECORD=$name run "$ASSIZE" run
	like "what is no URL of ours and no file either: ${name:0:8}" "$status $err" \
		'^3 assize: environment variable ASSIZE_RECORD: .*help: one on a server is postgresql://'
	unlike "is not shown" "$out$err" 'hunter2|runner'
	run "$ASSIZE" ledger export "$name" --record "$(copy_of one)"
	is "nor is a file called so" "$status $(find . -name '*hunter2*')" "3 "
done
run "$ASSIZE" ledger merge "postgresql://runner:hunter2@localhost/records" --record other.db
like "a file that is to be merged is none on a server" "$status $err" '^3 .*where a file is named.*help: .*ledger export'
unlike "which is not shown" "$out$err" hunter2

# ---- remedies ----

named="--record '${url/\?/\\?}'"
run as one gate release --subject v1
like "what is to be done names the record" "$out$err" "to do: assize explain 1 a/all $named"
ASSIZE_RECORD="${url/runner@/runner:hunter2@}" ASSIZE_RECORD_CACHE=$TMP/cache.one run "$ASSIZE" run
like "also where ASSIZE_RECORD does" "$out$err" "explain +assize explain [0-9]+ a/all $named.*again +assize run a/all $named"
unlike "but for its password" "$out$err" hunter2

# ---- schemas ----

as one history >/dev/null
records "CREATE SCHEMA ta AUTHORIZATION runner" "CREATE SCHEMA tb AUTHORIZATION runner" \
	"CREATE ROLE other LOGIN" "CREATE SCHEMA other AUTHORIZATION other"
for schema in ta tb; do
	url="$server&options=-csearch_path%3D$schema"
	for i in 1 2; do
		exits "a record in schema $schema ($i)" 0 as one record score 1
	done
	[ $schema = tb ] || exits "a change more" 0 as one record score 1
done
url="$server&options=-csearch_path%3Dta"
run as one ledger verify
like "two schemas are two records for one machine" "$status $out" '^0 .*changes +4 on the server'
url="$server&options=-csearch_path%3Dtb"
run as one ledger verify
like "each with a copy of its own" "$status $out" '^0 .*changes +3 on the server'
for schema in ta tb; do
	records "DROP SCHEMA $schema CASCADE"
done 2>/dev/null
url=${server/runner@/other@}
records "ALTER TABLE assize_record SET SCHEMA saved" "ALTER ROLE other SET search_path = other"
for command in history "record score 1"; do
	# shellcheck disable=SC2086
	run as one $command
	like "a role that does not look where the tables are is told: $command" "$status $err" \
		'^4 .*could not find record .*: its tables are in schema "saved", where role "other" does not look.*help: ALTER ROLE "other" .*search_path = saved.*options=-csearch_path%3DSCHEMA'
done
is "and begins no second record" "$(records "SELECT to_regclass('other.assize_record')")" ''
url="$url&options=-csearch_path%3Dother"
exits "but where it says so" 0 as one record score 1
records "DROP SCHEMA other CASCADE" "ALTER TABLE saved.assize_record SET SCHEMA public" 2>/dev/null
url=$server

# ---- a standby ----

primary=$postgres_pid port=$POSTGRES_PORT
echo 'local replication all trust' >>"$POSTGRES/data/pg_hba.conf"
records "SELECT pg_reload_conf()" >/dev/null
"${postgres_user[@]}" "$postgres_bin/pg_basebackup" -D "$POSTGRES/standby" -h "$POSTGRES" -p "$port" -U postgres -c fast \
	-R >/dev/null 2>&1
POSTGRES_PORT=$("$ROOT/tests/lib/free_port")
"${postgres_user[@]}" "$postgres_bin/postgres" -D "$POSTGRES/standby" -c port="$POSTGRES_PORT" -c hot_standby=on \
	>"$TMP/standby.log" 2>&1 &
postgres_pid=$!
reap $postgres_pid
wait_for "$postgres_bin/pg_isready" -q -h "$POSTGRES" -p "$POSTGRES_PORT" || bail "the standby does not start"
as one record score 1 >/dev/null
has_replayed()
{
	[ -n "$(admin records 'SELECT pg_last_xact_replay_timestamp()')" ]
}
wait_for has_replayed || bail "the standby does not follow"
url=${server/port=$port/port=$POSTGRES_PORT}
run as standby history
like "what is read from a standby is told to be so" "$status $err" \
	'^0 assize: record "[^"]+" is read from a standby: it has what was committed until 20[0-9T:Z-]+ *
?.*help: target_session_attrs=primary'
run as standby history --json
ok "and is not in what a program reads" jq -e . <<<"$out"
run as standby ledger verify
like "also by a verification" "$status $err" '^0 .*is read from a standby'
run as standby gate release --subject v1
is "and decides no gate" "$status" 4
url=$server
run as one history
is "the server that leads says nothing" "$status $err" '0 '
postgres_stop
postgres_pid=$primary

postgres_stop
done_testing
