#!/bin/bash
# Many questions of one SQLite table go through functions of assize's own, in one call a row; few are
# asked in SQL that everybody knows. Both say the same, whatever the table holds.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

# Anything may stand in any column; "v" and "w" are of no type, "i" and "s" convert what they can.
sqlite3 mixed.db "CREATE TABLE t (id INTEGER PRIMARY KEY, v, i INTEGER, s TEXT, n TEXT COLLATE NOCASE, w, \"a -- b\" INT, g TEXT);
	WITH x (k, v) AS (VALUES (0, NULL), (1, 0), (2, 1), (3, -1), (4, 1.0), (5, 1.5), (6, '1'), (7, '01'), (8, '1.0'), (9, x'31'),
		(10, x''), (11, ''), (12, 'it''s'), (13, 'a,b'), (14, '3:a,b,'), (15, 'ää'), (16, '😀'), (17, CAST(x'ff41' AS TEXT)),
		(18, CAST(x'61006263' AS TEXT)), (19, 9223372036854775807), (20, -9223372036854775807 - 1), (21, 1e300),
		(22, -9e999), (23, 'A'), (24, 'a'), (25, 'new'), (26, x'6e6577'), (27, -0.0), (28, 9007199254740993), (29, 9007199254740992.0))
	INSERT INTO t (v, i, s, n, w, \"a -- b\", g) SELECT a.v, a.v, a.v, a.v, b.v, b.v, 'g' || (b.k % 3) FROM x a, x b"
rows=900
{
	printf 'assize: 1\ntargets: { lite: { sqlite: mixed.db } }\naudits:\n  t:\n    target: lite\n    checks:\n'
	n=0
	check()
	{
		n=$((n + 1))
		echo "      - { id: c$n, $1: { table: t, $2 }, expect: $3 }"
		echo "      - { id: f$n, $1: { table: t, $2, where: \"id % 3 < 2 -- some\", by: g }, expect: $3 }"
	}
	figures='{ min: "> -1e300", max: "> -1e300", avg: "> -1e300", sum: "> -1e300", stddev: "> -1", distinct: "> 0" }'
	for column in v i s n w "'a -- b'"; do
		check missing "columns: $column" '"== 0"'
		check aggregate "column: $column" "$figures"
		for rule in 'in: [0, 1]' "in: ['1', '01', '1.0', '']" "in: [-1, '-9223372036854775808', '9223372036854775807']" \
			"in: [\"it's\", 'a,b', '3:a,b,', 'ää']" 'in: [new, a, "1.0e+300", "-Inf"]' "in: ['-0', '-0.0', '0.0', '00', '+1']" \
			'max_length: 1' 'min_length: 2' 'min_length: 1, max_length: 3' 'min: 0, max: 1'; do
			check invalid "columns: { $column: { $rule } }" '"== 0"'
		done
	done
} >assize.yaml
run "$ASSIZE" run --json
said='.checks[] | .name as $n | .series[] | select(.series != "duration") |
	[$n, .series, .outcome, .n, .n_total, .value, (.reason // "")] | @json'
echo "$out" | jq -r "$said" | sort >together
like "they go through its functions" "$("$ASSIZE" plan)" "assize_numbers\\('[cn]*', .*assize_in\\(.*assize_length\\("
names=$(sed -n 's/.*{ id: \([cf][0-9]*\),.*/\1/p' assize.yaml)
: >apart
for name in $names; do "$ASSIZE" run --json "t/$name" | jq -r "$said"; done | sort >apart
is "every one has an answer" "$(wc -l <together)" "$(wc -l <apart)"
is "of which there are hundreds" "$(($(wc -l <together) > 280))" 1
unlike "alone they are asked as everybody would" "$(for name in $names; do "$ASSIZE" plan "t/$name"; done)" 'assize_(in|length|distinct)\('
is "and say the same" "$(diff together apart)" ""
value() { jq -r --arg n "t/$1" --arg s "$2" 'select(.[0] == $n and .[1] == $s) | .[5]' together; }
is "against the engine's own: distinct values of no type" "$(value c2 distinct)" "$(sqlite3 mixed.db 'SELECT count(DISTINCT v) FROM t')"
is "of a type" "$(value c14 distinct)" "$(sqlite3 mixed.db 'SELECT count(DISTINCT i) FROM t')"
is "of a collation" "$(value c38 distinct)" "$(sqlite3 mixed.db 'SELECT count(DISTINCT n) FROM t')"
is "values that are missing" "$(value c1 '{column="v"}')" "$(sqlite3 mixed.db 'SELECT count(*) FROM t WHERE v IS NULL')"

# ---- more cells than one call takes, in parts ----

rows=120000
columns=$(seq -s ' ' 1 130)
sqlite3 wide.db "CREATE TABLE t (id INTEGER PRIMARY KEY, few INT, many INT, words TEXT, edge INT,
		$(for c in $columns; do printf 'c%s INT%s' "$c" "$([ "$c" = 130 ] || echo ,)"; done));
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
	INSERT INTO t SELECT i, i % 4096, i % 4097, 'word ' || (i % 300), i % 5 + 0.5,
		$(for c in $columns; do printf 'nullif(i %% %s, 0)%s' "$((c + 1))" "$([ "$c" = 130 ] || echo ,)"; done) FROM n"
{
	printf 'assize: 1\ntargets: { lite: { sqlite: wide.db } }\naudits:\n  t:\n    target: lite\n    checks:\n'
	echo "      - { id: m, missing: { table: t, columns: [$(printf 'c%s, ' $columns | sed 's/, $//')] }, expect: '< 100%' }"
	for c in few many words edge id; do
		echo "      - { id: $c, aggregate: { table: t, column: $c }, expect: { distinct: '> 0' } }"
	done
} >assize.yaml
exits "a table read in parts" 0 "$ASSIZE" run --json
for c in 1 99 100 101 130; do
	is "missing in c$c" "$(echo "$out" | jq --arg c "c$c" '.checks[] | select(.name == "t/m") | .series[] | select(.series == "{column=\"\($c)\"}") | .value')" \
		"$((rows / (c + 1)))"
done
distinct() { echo "$out" | jq --arg n "t/$1" '.checks[] | select(.name == $n) | .series[] | select(.series == "distinct") | .value'; }
is "as many values as are kept" "$(distinct few)" 4096
is "one more: they are sorted" "$(distinct many)" 4097
is "words" "$(distinct words)" 300
is "reals" "$(distinct edge)" 5
is "the key" "$(distinct id)" $rows
done_testing
