#!/bin/bash
# A large table is read in parts by several sessions, and only when all of them see the same state.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP"

[ "$(nproc)" -gt 1 ] || diag "one processor: nothing is divided here"

# 100 rows are NULL, always: a writer moves a NULL to a row of another part, in one transaction.
rows=40000
sqlite3 big.db "PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v INT);
	WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $rows - 1)
	INSERT INTO t SELECT i * 10, iif(i < 100, NULL, i) FROM n" >/dev/null
mariadb_start --general-log --general-log-file="$TMP/mariadb/general" || bail "no server"
mariadb_sql "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB;
	CREATE TABLE d.m (id INT PRIMARY KEY, v INT) ENGINE=MyISAM;
	INSERT INTO d.t SELECT seq * 10, IF(seq < 100, NULL, seq) FROM d.seq_0_to_$((rows - 1));
	INSERT INTO d.m SELECT * FROM d.t;
	CREATE USER audit@localhost; GRANT SELECT ON d.* TO audit@localhost;
	CREATE USER monitor@localhost; GRANT SELECT ON d.* TO monitor@localhost;
	GRANT PROCESS ON *.* TO monitor@localhost" 2>"$TMP/log" || bail "$(cat "$TMP/log")"

cat >assize.yaml <<YAML
assize: 1
targets:
  lite: { sqlite: big.db }
  audit: { mysql: "socket=$MARIADB_SOCKET user=audit dbname=d" }
  monitor: { mysql: "socket=$MARIADB_SOCKET user=monitor dbname=d" }
audits:
  lite: { target: lite, checks: [ { id: v, missing: { table: t, columns: v }, expect: "== 100" } ] }
  audit: { target: audit, checks: [ { id: v, missing: { table: t, columns: v }, expect: "== 100" } ] }
  monitor:
    target: monitor
    checks:
      - { id: v, missing: { table: t, columns: v }, expect: "== 100" }
      - { id: m, missing: { table: m, columns: v }, expect: "== 100" }
YAML

# The statements the server was asked of the table.
asked()
{
	local before
	before=$(wc -l <"$TMP/mariadb/general")
	exits "$1" 0 "$ASSIZE" run "$2"
	tail -n +$((before + 1)) "$TMP/mariadb/general" >asked
	parts=$(grep -c 'Query.*count(`v`) FROM' asked)
	ends=$(grep -c '`id` < ' asked)
}
sessions=$(($(nproc) < 4 ? $(nproc) : 4))

asked "without PROCESS: the right answer" audit/v
is "nobody says whether two sessions see the same: one statement" "$parts $ends" "1 0"
asked "with PROCESS: the right answer" monitor/v
if [ "$sessions" -gt 1 ]; then
	is "a part for each session, several times" "$parts $ends" "$((sessions * 4)) $((sessions * 4 - 1))"
else
	is "one session reads it whole" "$parts $ends" "1 0"
fi
asked "a table without snapshots: the right answer" monitor/m
is "it is read whole" "$parts $ends" "1 0"

# NULLs wander from the first part to the last and back, all the time.
for ((i = 0; i < 8000; i++)); do
	a=$((i % 100 * 10)) b=$(((rows - 1 - i % 100) * 10))
	[ $((i / 100 % 2)) -eq 0 ] || { c=$a a=$b b=$c; }
	echo "BEGIN; UPDATE t SET v = 1 WHERE id = $a; UPDATE t SET v = NULL WHERE id = $b; COMMIT;"
done >moves.sql
{ echo ".timeout 5000"; echo "PRAGMA synchronous = off;"; cat moves.sql; } >lite.sql
sqlite3 big.db <lite.sql >/dev/null &
reap $!
mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root d <moves.sql 2>/dev/null &
reap $!
wrong=0
for i in 1 2 3 4 5; do
	run "$ASSIZE" run lite/v monitor/v
	[ "$status" -eq 0 ] || { wrong=$((wrong + 1)); diag "$out$err"; }
done
is "while somebody writes: always the right answer" "$wrong" 0
done_testing
