#!/bin/bash
# One definition over the same rows in SQLite, PostgreSQL and MariaDB: every value, reason and row that
# is shown is the same. The rows are those on which engines disagree when they are asked carelessly:
# case, blanks and line breaks at the end, numbers in text, leap days, NULLs, nothing at all.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP"
postgres_start
mariadb_start || bail "MariaDB does not start"
admin postgres "CREATE DATABASE shop" "CREATE ROLE reader LOGIN"
mariadb_sql "CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE USER reader@localhost; GRANT SELECT, SHOW VIEW ON shop.* TO reader@localhost"

in_sqlite() { sqlite3 -bail shop.db; }
in_postgres()
{
	PGTZ=UTC PGOPTIONS="-c client_min_messages=warning" "$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d shop
}
in_mysql() { mariadb_sql -D shop "$(printf 'SET time_zone = "+00:00", sql_mode = CONCAT(@@sql_mode, ",NO_BACKSLASH_ESCAPES");\n' && cat)"; }

# The same statements everywhere; <time> and <zoned> are types of the engine's.
everywhere()
{
	local sql
	sql=$(cat)
	sed 's/<time>/TEXT/g; s/<zoned>/TEXT/g' <<<"$sql" | in_sqlite &&
		sed 's/<time>/timestamp/g; s/<zoned>/timestamptz/g' <<<"$sql" | in_postgres &&
		sed 's/<time>/DATETIME(3)/g; s/<zoned>/TIMESTAMP/g' <<<"$sql" | in_mysql || bail "not everywhere: $(head -n 1 <<<"$sql")"
}

past() { date -u -d "-$1" '+%Y-%m-%d %H:%M:%S'; }

intact()
{
	{
		echo "DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS people; DROP TABLE IF EXISTS places; DROP TABLE IF EXISTS voids;"
		echo "CREATE TABLE places (id INT PRIMARY KEY, code VARCHAR(9), no INT);"
		echo "INSERT INTO places VALUES (1, 'a', 2), (2, 'b', 1), (3, NULL, 3);"
		echo "CREATE TABLE people (id INT PRIMARY KEY, place INT, code VARCHAR(9), no INT, state VARCHAR(9), mail VARCHAR(80),"
		echo "  total DECIMAL(10,2), score DOUBLE PRECISION, born DATE, at <time>, tz <zoned>, note VARCHAR(80));"
		echo "INSERT INTO people VALUES"
		for ((i = 1; i <= 60; i++)); do
			printf "(%d, %d, '%s', %d, '%s', 'user%d@example.org', %d.%02d, %d.125, '20%02d-02-28', '%s', '%s', %s)%s\n" \
				$i $((i % 3 + 1)) "$([ $((i % 2)) = 0 ] && echo a || echo b)" $((2 - i % 2)) \
				"$([ $((i % 5)) = 0 ] && echo new || echo paid)" $i $i $((i % 100)) $((i * i % 97)) $((i % 25)) \
				"$old" "$old" "$([ $((i % 4)) = 0 ] && echo NULL || echo "'note $i'")" "$([ $i = 60 ] && echo ';' || echo ,)"
		done
		echo "UPDATE people SET at = '$new', tz = '$new' WHERE id = 7;"
		echo "CREATE TABLE voids (id INT, at <time>, note VARCHAR(9));"
	} | everywhere
	in_sqlite <<<"UPDATE people SET tz = tz || 'Z'"
}
old=$(past 3days)
new=$(past 10min)

check()
{
	printf '      - { id: %s, %s, expect: %s }\n' "$1" "$2" "$3"
}
definition()
{
	cat <<YAML
assize: 1
targets:
  shop: $1
audits:
  e:
    target: shop
    checks:
YAML
	check rows 'rows: people' '"> 0"'
	check none 'rows: voids' '"== 0"'
	check segments 'rows: { table: people, by: [state, code] }' '"< 1e9"'
	check missing 'missing: { table: people, columns: [note, mail], by: state, show: { columns: [id, state] , limit: 50 } }' '"== 0"'
	check void 'missing: { table: voids, columns: note }' '"== 0"'
	check twice 'duplicates: { table: people, columns: [mail, state], show: { columns: [mail, id, note], mask: note } }' '"== 0"'
	check pairs 'duplicates: { table: people, columns: [note, code] }' '"< 1e9"'
	check notes 'duplicates: { table: people, columns: note, by: state }' '"< 1e9"'
	check figures 'aggregate: { table: people, column: total }' '{ min: ">= 0", max: ">= 0", avg: ">= 0", sum: ">= 0", stddev: ">= 0", distinct: ">= 0" }'
	check ranks 'aggregate: { table: people, column: score, by: state }' '{ p1: ">= 0", p50: ">= 0", p95: ">= 0", p99: ">= 0" }'
	check product 'aggregate: { table: people, expression: "total * no -- each", where: "no > 0" }' '{ sum: ">= 0", p25: ">= 0" }'
	check text 'aggregate: { table: voids, column: id }' '{ avg: ">= 0", p50: ">= 0" }'
	check lost 'orphans: { table: people, columns: place, references: { table: places, columns: id }, show: { columns: [id, place] } }' '"== 0"'
	check both 'orphans: { table: people, columns: [code, no], by: state, references: { table: places, columns: [code, no] } }' '"< 1e9"'
	check age 'freshness: { table: people, column: at }' '"< 1h"'
	check zoned 'freshness: { table: people, column: tz }' '"< 1h"'
	check tokyo 'freshness: { table: people, column: at, zone: Asia/Tokyo }' '"< 1d"'
	check instant 'freshness: { table: people, column: tz, zone: Asia/Tokyo }' '"< 1h"'
	check late 'freshness: { table: people, column: at, where: "id <> 7" }' '"< 1h"'
	check never 'freshness: { table: voids, column: at }' '"< 1h"'
	check valid 'invalid: { table: people, columns: { mail: { format: email, matches: "^user[0-9]+@", not_matches: "[A-Z]", max_length: 20 }, state: { in: [new, paid] }, total: { min: 0, max: 500 }, born: { min: "2000-01-01", max: "2099-12-31" } }, show: { columns: [id, mail] } }' '"== 0"'
}
definition "{ sqlite: shop.db }" >sqlite.yaml
definition "{ postgres: \"host=$POSTGRES port=$POSTGRES_PORT dbname=shop user=reader\" }" >postgres.yaml
definition "{ mysql: \"socket=$MARIADB_SOCKET user=reader dbname=shop\" }" >mysql.yaml

# What a run says, without what is the engine's own: how a query and a time are written, the order of rows.
facts()
{
	run "$ASSIZE" run -f "$1.yaml" "${@:2}" --json
	jq -r '.checks[] | .name as $name | .series[] | [$name, .series, .outcome,
		(if .unit == "s" then "an age" elif (.value | type) == "number" then .value * 1e6 | round / 1e6 else .value end),
		.unit, .n, .n_total, (.reason // "" | gsub("\"2999[^\"]*\""; "then")), (.evidence // [] | sort | join(" / "))] | @json' <<<"$out"
}
same()
{
	facts sqlite >said.sqlite
	facts postgres >said.postgres
	facts mysql >said.mysql
	ok "$1: something was said" test -s said.sqlite
	is "$1: PostgreSQL says what SQLite says" "$(diff said.sqlite said.postgres)" ""
	is "$1: MariaDB says what SQLite says" "$(diff said.sqlite said.mysql)" ""
}

intact
admin shop "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
same "intact"
like "and it is what was put in" "$(cat said.sqlite)" '"e/rows","","pass",60,"rows"'
like "the sum" "$(cat said.sqlite)" '"e/figures","sum","pass",1848\.3'
like "the freshest row" "$(cat said.sqlite)" "\"e/age\",\"\",\"pass\",\"an age\".*newest at: ${new/ /T}"
like "a zone is for what has none" "$(cat said.sqlite)" \
	"\"e/tokyo\".*newest at: $(date -u -d "$new UTC - 9 hours" +%FT%T)"
like "and not for an instant" "$(cat said.sqlite)" "\"e/instant\".*newest tz: ${new/ /T}"
like "an empty table is no measurement" "$(cat said.sqlite)" '"e/never","","undecided",null'

everywhere <<SQL
UPDATE people SET mail = 'User1@example.org' WHERE id = 1;
UPDATE people SET mail = 'user2@example.org ' WHERE id = 2;
UPDATE people SET mail = 'user3@example' WHERE id = 3;
UPDATE people SET mail = 'it''s\\n' WHERE id = 4;
UPDATE people SET mail = NULL WHERE id = 5;
UPDATE people SET mail = 'user11@example.org', state = 'new' WHERE id IN (10, 11, 12);
UPDATE people SET state = 'Paid' WHERE id = 13;
UPDATE people SET state = 'paid ' WHERE id = 14;
UPDATE people SET state = NULL WHERE id = 16;
UPDATE people SET state = '' WHERE id = 17;
UPDATE people SET total = -0.01 WHERE id = 18;
UPDATE people SET total = 500.01 WHERE id = 19;
UPDATE people SET total = NULL, score = NULL, note = NULL WHERE id = 20;
UPDATE people SET born = '1999-12-31' WHERE id = 21;
UPDATE people SET place = 99 WHERE id = 22;
UPDATE people SET place = NULL WHERE id = 23;
UPDATE people SET code = 'c' WHERE id = 24;
UPDATE people SET note = 'grün' WHERE id IN (25, 26);
SQL
same "damaged"
like "blanks at the end count" "$(cat said.sqlite)" '"e/valid","\{column=\\"state\\",rule=\\"in\\"\}","fail",3,"rows",60,59'

everywhere <<<"UPDATE people SET at = '2999-01-01 00:00:00' WHERE id = 7; UPDATE people SET note = NULL, score = NULL, place = NULL, total = NULL;"
same "NULLs and a time in the future"
like "a time in the future is no measurement" "$(cat said.sqlite)" '"e/age","","undecided",.*in the future'
everywhere <<<"DELETE FROM people;"
same "no rows"
is "of which nothing passes but the count of none" "$(grep -c '"pass"' said.sqlite)" 1

# ---- formats: every value against every format ----
cat >words <<'WORDS'
a@b.co
o'neil@sub.example.org
a@b
a@b.co.
é@b.co
123e4567-e89b-12d3-a456-426614174000
123E4567E89B12D3A456426614174000
2024-02-29
2023-02-29
1900-02-29
2000-02-29
2024-04-31
2024-02-29T23:59:60Z
2024-02-29 00:00
2024-02-29T24:00:00Z
2024-02-29T10:00:00.5+02:00
23:59
24:00
255.255.255.255
256.1.1.1
01.1.1.1
::
::1
1:2:3:4:5:6:7::
1::2::3
::ffff:192.0.2.1
1:2:3:4:5:6::192.0.2.1
https://user:pw@h.example:8080/p/a?q=1#f
https://
mailto:a@b.co
localhost
-a.org
007
-1
1.
.5
1e3
1,5
NaN
0x1F
deadBEEF
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
1.0.0-alpha.1+build
01.0.0
ΑΒΓ
٣

 1
1 
WORDS
{
	echo "CREATE TABLE words (id INT PRIMARY KEY, v VARCHAR(80));"
	n=0
	while IFS= read -r word; do
		printf "INSERT INTO words VALUES (%d, '%s');\n" $((++n)) "${word//\'/\'\'}"
		printf "INSERT INTO words VALUES (%d, '%s\n');\n" $((n + 1000)) "${word//\'/\'\'}"
	done <words
} | everywhere
admin shop "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"
formats="email uuid iso_date iso_datetime time ipv4 ipv6 url host integer number hex sha256 semver"
for engine in sqlite postgres mysql; do
	{
		sed '/checks:/q' $engine.yaml
		for format in $formats; do
			check $format "invalid: { table: words, by: id, columns: { v: { format: $format } } }" '"== 0"'
		done
		# A pattern with the characters that literals are broken by.
		check quotes 'invalid: { table: words, by: id, columns: { v: { matches: "^[^'"'"'\\\\]*$", not_matches: "\\d\\.\\d", in: ["1 ", "o'"'"'neil@sub.example.org", "back\\slash"] } } }' '"== 0"'
	} >formats-$engine.yaml
	facts formats-$engine >said.$engine
done
is "every format looked at every value" "$(grep -vc '"e/quotes"' said.sqlite)" $((14 * 2 * $(wc -l <words)))
is "formats: PostgreSQL says what SQLite says" "$(diff said.sqlite said.postgres)" ""
is "formats: MariaDB says what SQLite says" "$(diff said.sqlite said.mysql)" ""
done_testing
