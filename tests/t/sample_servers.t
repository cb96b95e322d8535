#!/bin/bash
# Samples on PostgreSQL and MariaDB, and one state of a table while other clients write: totals that are invariant.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP" || bail "no scratch directory"
postgres_start
mariadb_start || bail "no MariaDB server"

# 40,000 rows in which every tenth has no v, and the balances add up to 4,000,000.
rows=40000
admin postgres "CREATE DATABASE d" "CREATE ROLE audit LOGIN"
admin d "CREATE TABLE t (id int PRIMARY KEY, v int, balance bigint NOT NULL); CREATE TABLE never (v int); CREATE TABLE none (v int);
	INSERT INTO t SELECT i, NULLIF(i % 10, 0), 100 FROM generate_series(1, $rows) AS i; ANALYZE t; INSERT INTO never VALUES (1);
	CREATE TABLE anyhow (v int); INSERT INTO anyhow SELECT v FROM t; GRANT SELECT ON t, never, none, anyhow TO audit"
mariadb_sql "CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT, balance BIGINT NOT NULL) ENGINE=InnoDB;
	INSERT INTO t SELECT seq, NULLIF(seq % 10, 0), 100 FROM seq_1_to_$rows; CREATE TABLE anyhow (v INT); INSERT INTO anyhow SELECT v FROM t;
	CREATE TABLE none (id INT PRIMARY KEY, v INT); CREATE TABLE words (id INT PRIMARY KEY, w VARCHAR(20)); INSERT INTO words VALUES (1, 'a'), (2, 'b');
	CREATE USER audit@localhost; GRANT SELECT ON d.* TO audit@localhost; GRANT PROCESS ON *.* TO audit@localhost" 2>log || bail "$(cat log)"

write()
{
	{
		printf 'assize: 1\ntargets:\n  postgres: { postgres: "host=%s port=%s user=audit dbname=d" }\n' \
			"$POSTGRES" "$POSTGRES_PORT"
		printf '  mariadb: { mysql: "socket=%s user=audit dbname=d" }\naudits: { a: { target: %s, checks: [\n%s\n] } }\n' \
			"$MARIADB_SOCKET" "$1" "$2"
	} >assize.yaml
}
missing() { printf '{ id: s, missing: { table: %s, columns: v, sample: "%s" }, expect: "%s" }' "$1" "$2" "$3"; }

for target in postgres mariadb; do
	write $target "$(missing t 20% 'between 5% and 15%')"
	exits "$target: a share of a sample" 0 "$ASSIZE" run
	n=$("$ASSIZE" run --json | jq '.checks[0].series[0].n')
	ok "$target: n is that of the sample: $n" test "$n" -gt $((rows / 10)) -a "$n" -lt $((rows * 3 / 10))
	like "$target: the plan says sample" "$("$ASSIZE" plan)" '-- of a sample of the rows: 20%'
	write $target "$(missing t 20% '<= 5%')"
	run "$ASSIZE" run
	is "$target: a share that fails: status" "$status" 1
	like "$target: the query says of what it is" "$out" "query .*$([ $target = postgres ] && echo 'TABLESAMPLE SYSTEM \(20\) REPEATABLE' || echo '.id. BETWEEN')"
	write $target "$(missing t 4000 'between 4% and 16%')"
	exits "$target: about so many rows" 0 "$ASSIZE" run
	n=$("$ASSIZE" run --json | jq '.checks[0].series[0].n')
	ok "$target: they are: $n" test "$n" -ge 2000 -a "$n" -le 8000
	write $target "$(missing t 100000 'between 9.9% and 10.1%')"
	exits "$target: more than there are is all" 0 "$ASSIZE" run
	is "$target: n is that of the table" "$("$ASSIZE" run --json | jq '.checks[0].series[0].n')" "$rows"
	write $target "$(missing t 20% '<= 800')"
	run "$ASSIZE" check
	is "$target: an exact bound is a definition error: status" "$status" 3
	like "$target: told" "$err" 'the count in a sample is not that of the table'
	write $target '{ id: s, aggregate: { table: t, column: balance, sample: "20%" }, expect: { avg: "== 100" } }'
	exits "$target: a mean of a sample" 0 "$ASSIZE" run
	write $target "$(missing none 20% '<= 5%')"
	exits "$target: a sample of nothing is no pass" 2 "$ASSIZE" run
done

# The recorded query repeats its sample.
write postgres "$(missing t 20% 'between 5% and 15%')"
"$ASSIZE" run --json >first.json
query=$(jq -r '.checks[0].series[0].query' first.json)
like "the query is recorded" "$query" 'REPEATABLE \([0-9]+\)'
again=$(admin d "$query" | cut -d '|' -f 1)
is "and gives the same rows again" "$again|$(admin d "$query" | cut -d '|' -f 1)" "$(jq '.checks[0].series[0].n' first.json)|$again"
write postgres "$(missing never 4000 '<= 5%')"
run "$ASSIZE" run
like "a number of rows without statistics: undecided, and why" "$status $out" '^2 .*nobody knows how many rows.*run ANALYZE'
write postgres "$(missing anyhow 20% 'between 5% and 15%')"
exits "PostgreSQL needs no key" 0 "$ASSIZE" run
write mariadb "$(missing anyhow 20% 'between 5% and 15%')"
exits "MariaDB reads the table without one" 0 "$ASSIZE" run
like "by chance" "$("$ASSIZE" run --json | jq -r '.checks[0].series[0].query')" 'RAND\([0-9]+\) < 0.2'
write mariadb "$(missing anyhow 4000 '<= 5%')"
run "$ASSIZE" run
like "a number of rows without a key: undecided, and why" "$status $out" '^2 .*cannot take a sample: it has no integer key'
write mariadb '{ id: w, aggregate: { table: words, column: w }, expect: { distinct: "== 2" } }'
exits "MariaDB: distinct texts need be no numbers" 0 "$ASSIZE" run

# ---- transfers: whatever moves, the sum and the number of rows stay ----

for ((i = 0; i < 12000; i++)); do
	from=$((i * 7919 % rows + 1)) to=$(((i * 104729 + rows / 2) % rows + 1))
	echo "BEGIN; UPDATE t SET balance = balance - 7 WHERE id = $from; UPDATE t SET balance = balance + 7 WHERE id = $to; COMMIT;"
done >moves.sql
"$postgres_bin/psql" -X -q -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d d -f moves.sql >/dev/null &
writers=($!)
mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root d <moves.sql &
writers+=($!)
reap "${writers[@]}"
total=$(cat <<YAML
{ id: rows, rows: t, expect: "== $rows" }, { id: v, missing: { table: t, columns: v }, expect: "== $((rows / 10))" },
{ id: sum, aggregate: { table: t, column: balance }, expect: { sum: "== $((rows * 100))", avg: "== 100", min: "<= 100" } }
YAML
)
wrong=0 moved=0
for i in 1 2 3 4 5 6; do
	for target in postgres mariadb; do
		kill -0 "${writers[$([ $target = mariadb ] && echo 1 || echo 0)]}" 2>/dev/null && moved=$((moved + 1))
		write $target "$total"
		run "$ASSIZE" run
		[ "$status" -eq 0 ] || { wrong=$((wrong + 1)); diag "$target: $out$err"; }
	done
done
is "while money moves: always the same sum, mean and number of rows" "$wrong" 0
ok "and it did move meanwhile" test "$moved" -gt 2
isnt "on PostgreSQL" "$(admin d "SELECT count(*) FROM t WHERE balance <> 100")" 0
isnt "and on MariaDB" "$(mariadb_sql "SELECT count(*) FROM d.t WHERE balance <> 100")" 0
done_testing
