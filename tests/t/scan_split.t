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
	is "a part for each session, several times" "$parts $ends" "$((sessions * 16)) $((sessions * 16 - 1))"
else
	is "one session reads it whole" "$parts $ends" "1 0"
fi
asked "a table without snapshots: the right answer" monitor/m
is "it is read whole" "$parts $ends" "1 0"

# ---- figures: read in parts by "monitor", whole by "audit", and by another engine ----

figures="SELECT %s * 10 AS id, %s %% 1000 - 300 AS i, 9007199254740993 + %s %% 7 AS b, 1e0 / (1 + %s %% 977) AS r,
	1e9 + %s %% 2 AS far, '2026-01-01 00:00:' || (10 + %s %% 50) AS at FROM %s"
for_engine() { local n=$1; printf "$figures" "$n" "$n" "$n" "$n" "$n" "$n" "$2"; }
sqlite3 big.db "CREATE TABLE f (id INTEGER PRIMARY KEY, i INT, b INT, r REAL, far REAL, at TEXT);
	WITH RECURSIVE n (s) AS (SELECT 0 UNION ALL SELECT s + 1 FROM n WHERE s < $rows - 1)
	INSERT INTO f $(for_engine s n)"
mariadb_sql "SET sql_mode = 'PIPES_AS_CONCAT'; USE d;
	CREATE TABLE f (id INT PRIMARY KEY, i INT, b BIGINT, r DOUBLE, far DOUBLE, at DATETIME);
	INSERT INTO f $(for_engine "CAST(seq AS SIGNED)" "seq_0_to_$((rows - 1))"); UPDATE f SET r = NULL WHERE i % 10 = 0"
sqlite3 big.db "UPDATE f SET r = NULL WHERE i % 10 = 0"
{
	printf 'assize: 1\ntargets:\n'
	sed -n '/^  lite: { sq/p; /^  audit: { my/p; /^  monitor: { my/p' assize.yaml
	printf 'audits:\n'
	for target in lite audit monitor; do
		printf '  %s:\n    target: %s\n    checks:\n' $target $target
		for column in i b r far; do
			printf '      - { id: %s, aggregate: { table: f, column: %s }, expect: %s }\n' $column $column \
				'{ min: "> -1e30", max: "> -1e30", avg: "> -1e30", sum: "> -1e30", stddev: "> -1" }'
		done
		echo '      - { id: at, freshness: { table: f, column: at }, expect: "< 99999d" }'
	done
} >figures.yaml
"$ASSIZE" run -f figures.yaml --json >figures.json
is "every figure is there" "$(jq '.checks | map(.series[] | select(.value != null)) | length' figures.json)" 63
# Twelve digits: the engines round the last ones of an average each in its own way.
of_target()
{
	jq -r --arg t "$1" '.checks[] | select(.target == $t) | .kind as $k | .name as $n | .series[] |
		select($k == "aggregate" and .series != "duration") |
		"\($n | sub(".*/"; "")) \(.series) \(.n) \(.value)"' figures.json |
		awk '{ printf "%s %s %s %.12g\n", $1, $2, $3, $4 }'
}
is "parts give what the whole gives" "$(of_target monitor)" "$(of_target audit)"
is "and what another engine gives" "$(of_target monitor)" "$(of_target lite)"
like "they are the table's" "$(of_target monitor)" 'i stddev 40000 288.678\d*'
like "also where squares would cancel out" "$(of_target monitor)" 'far stddev 40000 0.50000625'
mariadb_sql "ALTER TABLE d.f ADD word ENUM('int', '7') DEFAULT '7'"
{
	sed -n '1,/^audits:/p' figures.yaml
	printf '  a: { target: %s, checks: [ { id: %s, aggregate: { table: f, column: word }, expect: { sum: ">= 0" } } ] }\n' \
		monitor word
} >words.yaml
exits "words are no numbers, whatever their type is called" 2 "$ASSIZE" run -f words.yaml
like "and that is said" "$out" "$rows values are not numbers"

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
