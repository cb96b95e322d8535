#!/bin/bash
# What a column of a PostgreSQL table is declared to hold makes questions cheaper and answers no other:
# the same rows behind a view, of whose columns nothing is known, say the same.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
cd "$TMP"
postgres_start
admin postgres "ALTER SYSTEM SET log_statement = 'all'" "SELECT pg_reload_conf()" "CREATE ROLE reader LOGIN" \
	"CREATE DOMAIN small AS integer" \
	"CREATE TABLE t (id bigint PRIMARY KEY, s smallint, i integer, b bigint, huge bigint, far bigint, wide bigint, near bigint,
		odd small, n numeric(12,2), r real, word text, v varchar(9), c char(9), list integer[], words varchar(9)[],
		span interval, raw bytea)" \
	"INSERT INTO t SELECT g, g % 3, g * 7 % 1000 - 300, g * 1000003::bigint - 5, 9223372036854770000 + g % 7,
		9007199254740993 + g % 7, (CASE g % 2 WHEN 0 THEN 1 ELSE -1 END) * (9223372036854775807 - g),
		1000000000000001 + g % 7, g % 3,
		g / 8.0, g / 7.0, CASE g % 5 WHEN 0 THEN 'w' WHEN 1 THEN 'ää' WHEN 2 THEN '😀😀' WHEN 3 THEN 'äöü' ELSE 'w' || g % 12 END, 'v' || g % 1001, 'c' || g % 1001, ARRAY[g % 3], ARRAY['v' || g % 3],
		make_interval(hours => g % 3), ('\\x0' || g % 3 || '00')::bytea FROM generate_series(1, 3000) g" \
	"UPDATE t SET s = NULL, i = NULL, b = NULL, word = NULL WHERE id % 10 = 0" \
	"CREATE VIEW seen AS SELECT * FROM t" "GRANT SELECT ON t, seen TO reader" "ANALYZE t" >log || bail "$(cat log)"

figures='{ min: "> -1e30", max: "> -1e30", avg: "> -1e30", sum: "> -1e30", stddev: "> -1" }'
{
	printf 'assize: 1\ntargets: { pg: { postgres: "host=%s port=%s user=reader dbname=postgres" } }\naudits:\n' \
		"$POSTGRES" "$POSTGRES_PORT"
	for table in t seen; do
		printf '  %s:\n    target: pg\n    checks:\n' "$table"
		for column in s i b huge far wide near odd n r; do
			echo "      - { id: $column, aggregate: { table: $table, column: $column }, expect: $figures }"
			echo "      - { id: some-$column, aggregate: { table: $table, column: $column, where: \"id > 2990 -- few\", by: s }, expect: $figures }"
		done
		n_rules=0
		while read -r column rule; do
			n_rules=$((n_rules + 1))
			echo "      - { id: $column-$n_rules, invalid: { table: $table, columns: { $column: { $rule } } }, expect: '== 0' }"
		done <<-RULES
			s in: [0, 1]
			s in: ['0', '01', '2']
			s in: [0, 1, 99999999999]
			odd in: [0, 1]
			b in: [-1, 1000]
			huge in: [9223372036854770001, 9223372036854770002]
			n in: ['0.13', '1.00', '2']
			span in: ['01:00:00', PT1H, PT0S]
			list in: ['{0}', '{1}']
			words in: ['{v0}']
			word in: [w1, w2, w3]
			v in: [v1, v2]
			c in: [c1, c2]
			s min: 1, max: 1
			r min: 1, max: 100
			word min_length: 3
			word max_length: 2
			word min_length: 2, max_length: 2
			word min_length: 3, max_length: 1000
			v max_length: 4
			c max_length: 4
			i max_length: 2
			n min_length: 5
			raw max_length: 1
			raw min_length: 3
			list max_length: 2
			words max_length: 3
		RULES
	done
} >assize.yaml
exits "some fail" 1 "$ASSIZE" run --json
echo "$out" >said.json
of() { jq -r --arg a "$1/" '.checks[] | select(.name | startswith($a)) | .name as $n | .series[] |
	select(.series != "duration") | [($n | sub($a; "")), .series, .outcome, .n, .n_total, .value, (.reason // "" | gsub("\"(t|seen)\""; "it"))] | @json' said.json; }
# Nine digits: in decimals PostgreSQL's deviation of large numbers has no more.
rounded() { of "$1" | jq -r '@tsv' | awk -F '\t' '{ $6 = sprintf("%.9g", $6); print }'; }
is "every series has an answer" "$(of t | grep -c .)" "$(of seen | grep -c .)"
is "what is known of columns changes no answer" "$(rounded t)" "$(rounded seen)"
by_hand() { admin postgres "SELECT sqrt(sum(($1 - m) ^ 2) / (count($1) - 1)) FROM t, (SELECT avg($1) AS m FROM t) a"; }
# jq would make a double of it.
sum() { perl -0ne "print \$1 if m{\"name\": ?\"$1/near\".*?\"series\": ?\"sum\".*?\"value\": ?([-+.0-9e]+)}s" said.json; }
is "a sum that fits is exact to its last digit" "$(sum t)" "$(admin postgres "SELECT sum(near) FROM t")"
is "that of the view as well" "$(sum seen)" "$(sum t)"
figure() { jq -r --arg n "t/$1" '.checks[] | select(.name == $n) | .series[] | select(.series == "stddev") | .value' said.json; }
for column in s i b huge far; do
	is "the deviation of $column is what it is in decimals" "$(printf %.6f "$(figure "$column")")" "$(printf %.6f "$(by_hand "$column")")"
done
like "also where a double holds none of the digits" "$(figure huge)" '^1\.999'

# A statement a line.
of_table() { tr '\n\t' '  ' <"$TMP/postgres.log" | sed 's/  *//g; s/LOG:/\n/g' | grep -F "FROM\"$1\""; }
statements=$(of_table t)
like "a set of whole numbers is compared with whole numbers" "$statements" 'NOT\("s"IN\(0,1\)\)'
like "of a domain, too" "$statements" 'NOT\("odd"IN\(0,1\)\)'
unlike "texts are not" "$statements" '\("(list|words)"IN|"s"IN\(0,01'
like "a text is no bytea" "$statements" 'octet_length\("word"\)<12ANDchar_length\(CAST\("word"AStext\)\)<3'
like "the mean of integers is their sum and count" "$statements" 'count\("i"\),sum\("i"\),var_pop\("i"\)'
like "the deviation of large ones is one of doubles" "$statements" 'var_pop\(CAST\("b"ASdoubleprecision\)\)'
like "but not where doubles keep nothing of it" "$statements" 'var_pop\(\("huge"\)-\(9223372036854770003\.0\)\)'
like "nothing is known of a view's" "$(of_table seen)" 'avg\("i"\)'
unlike "nor are its first rows looked at" "$(of_table seen)" 'LIMIT1000'
done_testing
