#!/bin/bash
# A row that is longer than a session may hold is refused before the client's library has it whole, on PostgreSQL
# and MariaDB; what is shorter comes as it is.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP" || bail "no scratch directory"

max_kb=65536
case ${VARIANT:-release} in
release) ;;
*) max_kb=4194304 ;; # shadow memory and counters: the true figures are printed
esac
postgres_start
mariadb_start --max-allowed-packet=1G || bail "no MariaDB server"
admin postgres "CREATE DATABASE d" "CREATE ROLE audit LOGIN" >/dev/null
admin d "CREATE TABLE t (id int, v text, b bytea, j json, a text[])" \
	"$(for column in v b j a; do echo "ALTER TABLE t ALTER $column SET STORAGE EXTERNAL;"; done)" \
	"INSERT INTO t VALUES (1, 'x', '\\x00ff', '{\"k\": 1}', '{a,b}'), (2, repeat('x', 15000000), NULL, NULL, NULL),
		(3, repeat('x', 40000000), NULL, NULL, NULL), (4, NULL, decode(repeat('ab', 9000000), 'hex'), NULL, NULL),
		(5, NULL, NULL, to_json(repeat('x', 17000000)), NULL), (6, NULL, NULL, NULL, ARRAY[repeat('x', 17000000)]),
		(7, repeat('x', 9000000), decode(repeat('ab', 4000000), 'hex'), NULL, NULL)" \
	"CREATE TABLE u (v text)" "ALTER TABLE u ALTER v SET STORAGE EXTERNAL" "INSERT INTO u VALUES (repeat('x', 17000000))" "GRANT SELECT ON t, u TO audit"
mariadb_sql --max-allowed-packet=1G "CREATE DATABASE d; CREATE TABLE d.t (id INT, v LONGTEXT);
	INSERT INTO d.t VALUES (1, 'x'), (2, REPEAT('x', 15000000)), (3, REPEAT('x', 40000000));
	CREATE TABLE d.u (v LONGTEXT); INSERT INTO d.u VALUES (REPEAT('x', 17000000)); CREATE USER audit@localhost; GRANT SELECT ON d.* TO audit@localhost" 2>log || bail "$(cat log)"

# CHECKS on a target; status, output and most memory.
measured()
{
	{
		printf 'assize: 1\ntargets:\n  postgres: { postgres: "host=%s port=%s user=audit dbname=d" }\n' \
			"$POSTGRES" "$POSTGRES_PORT"
		printf '  mariadb: { mysql: "socket=%s user=audit dbname=d" }\naudits: { a: { target: %s, checks: [\n%s\n] } }\n' \
			"$MARIADB_SOCKET" "$2" "$3"
	} >assize.yaml
	status=0
	"$BUILD/tests/tools/measure" figures "$ASSIZE" run >out 2>&1 || status=$?
	read -r _ kb <figures
	out=$(cat out)
	diag "$1: $kb KiB"
	ok "$1: at most 64 MB" test "$kb" -le "$max_kb"
}
query() { echo "{ id: $1, sql: { query: \"$2\" }, expect: '== \"x\"' },"; }
refused='could not run the query: a row is longer than 16 MiB'

for target in postgres mariadb; do
	measured "$target: a text of 15 MB" $target "$(query long "SELECT v FROM t WHERE id = 2")"
	like "comes, and is no value to judge" "$status $out" '^2 .*a text of 15000000 bytes'
	measured "$target: a text of 40 MB" $target \
		"$(query long "SELECT v FROM t WHERE id = 3") $(query short "SELECT v FROM t WHERE id = 1")"
	like "is undecided" "$status $out" "^2 .*undecided a/long.*$refused"
	like "with what to do" "$out" 'help: select less of it'
	like "and no other check with it" "$out" 'pass=1 .*undecided=1'
	measured "$target: behind rows that are short" $target \
		"{ id: rows, sql: { query: 'SELECT id, v FROM t WHERE id IN (1, 3) ORDER BY id', labels: [id] }, expect: '== \"x\"' }"
	like "no part of the answer is judged" "$status $out" "^2 .*$refused"
	measured "$target: the largest text of a table" $target "{ id: max, freshness: { table: u, column: v }, expect: '< 1d' }"
	like "is refused, too" "$status $out" "^2 .*$refused"
done

for row in "b 4" "j 5" "a 6" "'v, b' 7" "t 7" "'(v, id, b)' 7"; do
	eval "set -- $row"
	measured "postgres: $1 of row $2" postgres "$(query long "SELECT $1 FROM t WHERE id = $2")"
	like "is too long" "$status $out" "^2 .*$refused"
done

# ---- a statement that is measured gives what it gives otherwise ----

limited()
{
	measured "$1" postgres "{ id: v, sql: { query: \"$2\", $3 }, expect: '$4' }"
	is "$1" "$status" 0 || diag "$out"
}
limited "names are kept" 'SELECT v AS \"the \"\"v\"\" f\", 7 AS c0, 8 AS f, b FROM t WHERE id = 1' 'value: "the \"v\" f"' '== "x"'
limited "types are kept" 'SELECT 7 AS n, v, b, j, a FROM t WHERE id = 1' 'value: n' '== 7'
limited "the order is kept" 'SELECT id, v FROM t WHERE id < 3 ORDER BY id DESC LIMIT 1' 'value: id' '== 2'
limited "a record is its text" 'SELECT ROW(1, v) FROM t WHERE id = 1' '' '== "(1,x)"'
limited "an array is its text" 'SELECT a FROM t WHERE id = 1' '' '== "{a,b}"'
limited "fifty-one numbers" "SELECT v, $(seq 51 | sed 's/.*/&::numeric AS n&/' | paste -sd ,) FROM t WHERE id = 1" 'value: v' '== "x"'
measured "two columns of one name" postgres '{ id: v, sql: { query: "SELECT v, v FROM t WHERE id = 1", value: v }, expect: "== 1" }'
like "are two" "$status $out" '^2 .*the query gives 2 columns called "v"'
done_testing
