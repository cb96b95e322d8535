#!/bin/bash
# tests/bench/db/memory.sh [ROWS]: the most memory of a run, kind by kind, over large tables on SQLite, PostgreSQL
# and MariaDB: ROWS rows (2,000,000 unless given), half as many groups, 5,000 tables, a text of 500 MB.
#
# What a run answers is printed beside it: pass, fail, or why it is undecided. More than 64 MB is a
# failure of this script.
set -eu
. "$(dirname "$0")/../../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
rows=${1:-2000000}
export LC_ALL=C.UTF-8
unset ${!ASSIZE_*} 2>/dev/null || true
ASSIZE=$BUILD/assize
limit_kb=65536 failed=
cd "$TMP"

# ---- the tables ----

postgres_start
mariadb_start --max-allowed-packet=1G || bail "there is no MariaDB server"
columns="ref INT, cat VARCHAR(20), num DOUBLE PRECISION, note VARCHAR(80), at TIMESTAMP NULL"
values() { printf "%s, %s, 'cat' %s (%s), %s * 1.5, 'a note of some length ' %s (%s), '2026-01-01 00:00:00'" "$1" "$2" "$4" "$3" "$3" "$4" "$5"; }
sqlite3 big.db "PRAGMA synchronous = off; CREATE TABLE t (id INTEGER PRIMARY KEY, $columns); CREATE TABLE p (id INTEGER PRIMARY KEY);
	WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $rows - 1)
	INSERT INTO t SELECT $(values i i/2 i%20 '||' 'i * 7919 % 1000003') FROM n;
	INSERT INTO p SELECT id FROM t WHERE id < $rows / 2 - 1000; CREATE TABLE long (v TEXT); INSERT INTO long VALUES (printf('%.500000000c', 'x'))"
admin postgres "CREATE DATABASE d" "CREATE DATABASE w" "CREATE ROLE audit LOGIN" "GRANT pg_read_all_data TO audit"
admin d "CREATE TABLE t (id int PRIMARY KEY, $columns); CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE long (v text);
	INSERT INTO t SELECT $(values i i/2 i%20 '||' '(i * 7919::bigint % 1000003)' | sed "s/'2026[^']*'/timestamp &/") FROM generate_series(0, $rows - 1) AS i;
	INSERT INTO p SELECT id FROM t WHERE id < $rows / 2 - 1000; INSERT INTO long VALUES (repeat('x', 500000000)); ANALYZE"
mariadb_sql --max-allowed-packet=1G "SET sql_mode = 'PIPES_AS_CONCAT'; CREATE DATABASE d; CREATE DATABASE w; USE d;
	CREATE TABLE t (id int PRIMARY KEY, $columns); CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE long_ (v LONGTEXT);
	INSERT INTO t SELECT $(values seq 'seq DIV 2' seq%20 '||' 'seq * 7919 % 1000003') FROM seq_0_to_$((rows - 1));
	INSERT INTO p SELECT id FROM t WHERE id < $rows / 2 - 1000; RENAME TABLE long_ TO \`long\`; INSERT INTO \`long\` VALUES (REPEAT('x', 500000000));
	CREATE USER audit@localhost; GRANT SELECT ON *.* TO audit@localhost; GRANT PROCESS ON *.* TO audit@localhost"
for i in $(seq 5000); do
	echo "CREATE TABLE w$i (id int PRIMARY KEY, a int NOT NULL, b text, c varchar(20) DEFAULT 'x', e decimal(10,2) CHECK (e > 0));"
done >wide.sql
{ echo "BEGIN;" && cat wide.sql && echo "COMMIT;"; } | sqlite3 wide.db
"$postgres_bin/psql" -X -q -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d w -f wide.sql
mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root w <wide.sql

# ---- the runs ----

measured()
{
	local status=0 kb answer
	{
		echo "assize: 1
targets:
  sqlite: { sqlite: big.db }
  postgres: { postgres: \"host=$POSTGRES port=$POSTGRES_PORT user=audit dbname=d\" }
  mariadb: { mysql: \"socket=$MARIADB_SOCKET user=audit dbname=d\" }
  sqlite-wide: { sqlite: wide.db }
  postgres-wide: { postgres: \"host=$POSTGRES port=$POSTGRES_PORT user=audit dbname=w\" }
  mariadb-wide: { mysql: \"socket=$MARIADB_SOCKET user=audit dbname=w\" }
audits: { a: { target: $2, defaults: { timeout: 30m }, checks: [ $3 ] } }"
	} >assize.yaml
	"$BUILD/tests/tools/measure" figures "$ASSIZE" run >out 2>&1 || status=$?
	read -r _ kb <figures
	[ $status -le 2 ] || { cat out >&2; exit 1; }
	answer=$(grep -m 1 -o 'reason .*' out || true)
	[ $status -ne 1 ] || answer=
	printf '%-28s %-14s %7.1f MB  %-9s %s\n' "$1" "$2" "$(awk "BEGIN { print $kb / 1024 }")" \
		"$(sed -n 's/.* result=\([a-z]*\) .*/\1/p' out | tail -n 1)" "${answer#reason  }"
	[ "$kb" -le $limit_kb ] || failed="$failed $1/$2"
}

show='show: { columns: [id, note] }'
for t in sqlite postgres mariadb; do
	measured "scan" $t '{ id: a, rows: t, expect: "> 0" }, { id: b, missing: { table: t, columns: [cat, num, note] }, expect: "== 0" },
		{ id: c, aggregate: { table: t, column: num }, expect: { avg: "> 0", stddev: "> 0", p95: "> 1", distinct: "> 1" } }'
	measured "orphans" $t "{ id: a, orphans: { table: t, columns: ref, references: { table: p, columns: id }, $show }, expect: '== 0' }"
	measured "duplicates" $t "{ id: a, duplicates: { table: t, columns: note, $show }, expect: '== 0' }"
	measured "by: with many segments" $t '{ id: a, rows: { table: t, by: ref }, expect: "> 0" }'
	measured "distribution" $t '{ id: a, distribution: { table: t, column: cat, baseline: { cat1: 0.5, cat2: 0.5 } }, expect: { psi: "< 0.1" } }'
	measured "distribution, many values" $t '{ id: a, distribution: { table: t, column: note, baseline: { x: 1 } }, expect: { psi: "< 0.1" } }'
	measured "distribution, quantiles" $t "{ id: a, distribution: { table: t, column: num, bins: { quantiles: 10 }, where: id % 2 = 0, baseline_where: id % 2 = 1 }, expect: { psi: '< 0.1' } }"
	measured "sql, many groups" $t '{ id: a, sql: { query: "SELECT ref, count(*) AS n FROM t GROUP BY ref", labels: [ref] }, expect: "> 0" }'
	measured "sql, rows as evidence" $t '{ id: a, sql: { query: "SELECT count(*) FROM t", show: { columns: [id, note], query: "SELECT id, note FROM t" } }, expect: "== 0" }'
	long=long
	[ $t != mariadb ] || long='`long`'
	measured "sql, a text of 500 MB" $t "{ id: a, sql: 'SELECT v FROM $long', expect: '== 1' }"
	measured "schema, 5,000 tables" $t-wide '{ id: a, schema: { table: w77, columns: { id: { key: primary } } } }'
done
measured "reconcile, equal" sqlite '{ id: a, reconcile: { left: { table: t, key: id, values: [ref, cat, num, note] }, right: { target: postgres, table: t } } }'
measured "reconcile, all different" postgres '{ id: a, reconcile: { left: { table: t, key: id, values: [ref, note] }, right: { target: mariadb, table: t, values: [num, cat] } } }'
measured "reconcile, keys of text" postgres '{ id: a, reconcile: { left: { table: t, key: [note, id], values: cat }, right: { target: mariadb, table: t } } }'
[ -z "$failed" ] || bail "more than 64 MB:$failed"
tap_is_done=yes
