#!/bin/bash
# What servers send and no plain number is: decimals with more digits than a double keeps, bits, dates
# and addresses. Each is judged as what it is, or not at all.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP" || bail "no scratch directory"
postgres_start
mariadb_start || bail "the server did not start"

admin postgres "CREATE DATABASE shop" "CREATE ROLE reader LOGIN"
admin shop "CREATE TABLE n (id int, big numeric, part numeric, ip inet, net cidr, word text)" \
	"INSERT INTO n VALUES (1, 12345678901234567890, 0.12345678901234567, '10.0.0.1', '10.0.0.0/8', '10.0.0.1'),
	(2, 1, 1, '10.0.0.1/24', '10.0.0.1/32', '10.0.0.1/32'), (3, 2, 2.5, '::1', '::1/128', '::1')" \
	"CREATE TABLE wide AS SELECT i AS id, 9007199254740993 AS b, 9007199254740993::numeric AS d FROM generate_series(1, 31) AS i" \
	"GRANT SELECT ON n, wide TO reader"
mariadb_sql "CREATE DATABASE shop; CREATE USER reader@localhost; GRANT SELECT, SHOW VIEW ON shop.* TO reader@localhost"
mariadb_sql -D shop "CREATE TABLE n (id INT PRIMARY KEY, big DECIMAL(30,5), u BIGINT UNSIGNED, bits BIT(8), flag BIT(1),
	d DATE, at DATETIME, t TIME, y YEAR);
	INSERT INTO n VALUES (1, 12345678901234567890, 18446744073709551615, b'00110101', 1, '2026-01-02', '2026-01-02 03:04:05', '01:02:03', 2025),
	(2, 1, 5, b'111', 0, '2026-01-03', '2026-01-03 03:04:05', '01:02:04', 2026);
	CREATE TABLE wide AS SELECT seq AS id, 9007199254740993 AS b, CAST(9007199254740993 AS DECIMAL(30)) AS d FROM seq_1_to_31"
sqlite3 shop.db "CREATE TABLE wide (id INTEGER PRIMARY KEY, b INTEGER, d INTEGER);
	INSERT INTO wide SELECT value, 9007199254740993, 9007199254740993 FROM generate_series(1, 31)"
cat >assize.yaml <<YAML
assize: 1
targets:
  pg: { postgres: "host=$POSTGRES port=$POSTGRES_PORT dbname=shop user=reader" }
  my: { mysql: "socket=$MARIADB_SOCKET user=reader dbname=shop" }
  sq: { sqlite: shop.db }
audits:
  pg:
    target: pg
    checks:
      - { id: equal, sql: "SELECT big FROM n WHERE id = 1", expect: "== 12345678901234567891" }
      - { id: most, sql: "SELECT big FROM n WHERE id = 1", expect: "<= 12345678901234567890" }
      - { id: far, sql: "SELECT big FROM n WHERE id = 1", expect: "< 12345678901234600000" }
      - { id: over, sql: "SELECT big FROM n WHERE id = 1", expect: "< 12345678901234500000" }
      - { id: part, sql: "SELECT part FROM n WHERE id = 1", expect: "== 0.1234567890123456700001" }
      - { id: few, sql: "SELECT part FROM n WHERE id = 3", expect: "== 2.5" }
      - { id: sums, aggregate: { table: n, column: big, where: id = 1 }, expect: { sum: "== 12345678901234567891", max: "<= 12345678901234567889" } }
      - { id: parameter, sql: "SELECT count(*) FROM n WHERE id = \$1", expect: ">= 0" }
      - { id: after, sql: "SELECT count(*) FROM n", expect: "== 3" }
      - { id: huge, sql: "SELECT -1e400::numeric", expect: "< 0" }
  ip:
    target: pg
    checks:
      - { id: v4, invalid: { table: n, columns: { ip: { format: ipv4 } }, where: "id = 1" }, expect: "== 0" }
      - { id: v6, invalid: { table: n, columns: { ip: { format: ipv6 } }, where: "id = 3" }, expect: "== 0" }
      - { id: with-net, invalid: { table: n, columns: { ip: { format: ipv4 } }, where: "id = 2" }, expect: "== 1" }
      - { id: net, invalid: { table: n, columns: { net: { format: ipv4 } }, where: "id = 1" }, expect: "== 1" }
      - { id: word, invalid: { table: n, columns: { word: { format: ipv4 } } }, expect: "== 2" }
  my:
    target: my
    checks:
      - { id: equal, sql: "SELECT big FROM n WHERE id = 1", expect: "== 12345678901234567891" }
      - { id: unsigned, sql: "SELECT u FROM n WHERE id = 1", expect: "<= 18446744073709551614" }
      - { id: bits, sql: "SELECT bits FROM n WHERE id = 1", expect: "== 53" }
      - { id: computed, sql: "SELECT max(bits) FROM n WHERE id = 2", expect: "== 55" }
      - { id: shown, sql: "SELECT max(bits) FROM n WHERE id = 1", expect: "== 53" }
      - { id: flag, sql: "SELECT max(flag) FROM n", expect: "== 1" }
      - { id: scan, aggregate: { table: n, column: bits }, expect: { min: "== 7", max: "== 53", sum: "== 60", avg: "== 30", p50: "== 30", distinct: "== 2" } }
      - { id: flags, aggregate: { table: n, column: flag }, expect: { min: "== 0", max: "== 1", sum: "== 1" } }
      - { id: range, invalid: { table: n, columns: { bits: { min: 0, max: 52 } } }, expect: "== 1" }
      - { id: set, invalid: { table: n, columns: { bits: { in: [7, 54] } } }, expect: "== 1" }
      - { id: years, aggregate: { table: n, column: y }, expect: { max: "== 2026", avg: "== 2025.5" } }
YAML
for of in d at t; do
	echo "      - { id: $of, aggregate: { table: n, column: $of }, expect: { min: '> 0', max: '> 0', avg: '> 0', sum: '> 0', p50: '> 0' } }"
done >>assize.yaml
for of in pg my sq; do
	echo "  wide-$of:"
	echo "    target: $of"
	echo "    checks:"
	for column in b d; do
		for value in p50 p99 avg max; do
			echo "      - { id: $value-$column, aggregate: { table: wide, column: $column }, expect: { $value: '<= 9007199254740992' } }"
		done
		echo "      - { id: unit-$column, aggregate: { table: wide, column: $column, unit: ms }, expect: { max: '<= 9007199254740.992 s' } }"
		echo "      - { id: both-$column, aggregate: { table: wide, column: $column }, expect: { stddev: '== 0', avg: '< 9007199254740993' } }"
		echo "      - { id: far-$column, aggregate: { table: wide, column: $column }, expect: { p50: '< 9007199254741003', avg: '> 9007199254740983' } }"
	done
done >wide.yaml
echo '      - { id: computed-date, aggregate: { table: n, expression: "DATE(at)" }, expect: { avg: "> 0" } }' >>assize.yaml
cat wide.yaml >>assize.yaml

run "$ASSIZE" run --report json=report.json
# check, the outcomes of its series, what is said of it
tells()
{
	local check
	check=$(jq -r --arg name "$1" '.checks[] | select(.name == $name)' report.json)
	is "$1: $2" "$(jq -r '[.series[].outcome] | unique | join(" ")' <<<"$check")" "$2"
	[ -z "${3:-}" ] || like "$1: why" "$(jq -r '.series[] | .reason, .evidence[]?' <<<"$check")" "$3"
}
close='the value has more digits than are kept, too close to the bound to tell'
tells pg/equal undecided "$close"
tells pg/most undecided "$close"
tells pg/far pass
tells pg/huge undecided 'the value is minus infinity'
tells pg/over fail
tells pg/part undecided "$close"
tells pg/few pass
tells pg/sums undecided "$close"
tells pg/parameter undecided 'cannot run the query: \$1 has no value'
tells pg/after pass
for check in v4 v6 with-net net word; do
	tells ip/$check pass
done
tells my/equal undecided "$close"
tells my/unsigned undecided "$close"
tells my/bits pass
tells my/computed undecided 'a blob.*a computed BIT is a number with `\+ 0`'
tells my/shown pass
for check in flag scan flags range set years; do
	tells my/$check pass
done
for check in d at t; do
	tells my/$check undecided '2 values are not numbers'
done
tells my/computed-date undecided '2 values are not numbers'
for of in pg my sq; do
	for column in b d; do
		for value in p50 p99 avg max both; do
			verdict=$(jq -r --arg name "wide-$of/$value-$column" '.checks[] | select(.name == $name) | .series[] | select(.series != "stddev").outcome' report.json)
			like "integers beyond 2^53, $of: $value of $column" "$verdict" '^(fail|undecided)$'
		done
		tells wide-$of/max-$column fail
		tells wide-$of/unit-$column undecided "$close"
		tells wide-$of/far-$column pass
	done
done
run "$ASSIZE" replay 1
like "what was too close to tell is not judged again" "$out" 'pg/part  the value was rounded, its last digits are not recorded'
like "and nothing differs" "$out" ' 0 differ,'

# ---- what is sent in another form than people know it by: bits, addresses, spans ----
admin shop "CREATE VIEW seen AS SELECT * FROM n" "GRANT SELECT ON seen TO reader" \
	"ALTER TABLE n ADD bits bit(8) DEFAULT '00110101', ADD span interval DEFAULT '26:00:00'"
mariadb_sql -D shop "CREATE VIEW seen AS SELECT * FROM n"
{
	echo "assize: 1"
	sed -n '/^targets:/,/^audits:/p' assize.yaml
	for table in n seen; do
		cat <<-YAML
		  my_$table:
		    target: my
		    checks:
		      - { id: in, invalid: { table: $table, columns: { bits: { in: ['7', '53'] }, flag: { in: [0, 1] } } }, expect: "== 0" }
		      - { id: matches, invalid: { table: $table, columns: { bits: { matches: '^[0-9]+\$' }, flag: { matches: '^[01]\$' } } }, expect: "== 0" }
		      - { id: none, invalid: { table: $table, columns: { flag: { not_matches: '^0\$' } } }, expect: "== 1" }
		      - { id: range, invalid: { table: $table, columns: { bits: { max: 52 } } }, expect: "== 1" }
		      - { id: length, invalid: { table: $table, columns: { bits: { min_length: 2 } } }, expect: "== 1" }
		      - { id: by, rows: { table: $table, by: [flag, bits] }, expect: "== 1" }
		      - { id: shown, invalid: { table: $table, columns: { bits: { in: 54 } }, by: flag, show: { columns: [id, bits] } }, expect: "== 0" }
		  pg_$table:
		    target: pg
		    checks:
		      - { id: in, invalid: { table: $table, columns: { ip: { in: [10.0.0.1, 10.0.0.1/24, '::1'] }, net: { in: [10.0.0.0/8, 10.0.0.1/32, '::1/128'] } } }, expect: "== 0" }
		      - { id: matches, invalid: { table: $table, columns: { ip: { matches: '^(10\.0\.0\.1|::1|10\.0\.0\.1/24)\$' } } }, expect: "== 0" }
		      - { id: length, invalid: { table: $table, columns: { ip: { max_length: 8 } } }, expect: "== 1" }
		      - { id: range, invalid: { table: $table, columns: { ip: { max: 10.0.0.1 } } }, expect: "== 1" }
		      - { id: by, rows: { table: $table, by: ip }, expect: "== 1" }
		      - { id: shown, invalid: { table: $table, columns: { id: { min: 2 } }, by: ip, show: { columns: [id, ip] } }, expect: "== 0" }
		YAML
	done
	echo "      - { id: bits, invalid: { table: n, columns: { bits: { in: '00110101' } } }, expect: '== 0' }"
	echo "      - { id: span, invalid: { table: n, columns: { span: { in: PT26H } } }, expect: '== 0' }"
} >forms.yaml
run "$ASSIZE" run -f forms.yaml --report json=report.json
for table in n seen; do
	for check in in matches none range length by; do
		tells my_$table/$check pass
	done
	for check in in matches length range by; do
		tells pg_$table/$check pass
	done
	is "my_$table: segments" "$(jq -r --arg n my_$table/by '.checks[] | select(.name == $n) | .series[].series' report.json)" '{flag="0",bits="7"}
{flag="1",bits="53"}'
	is "pg_$table: segments" "$(jq -r --arg n pg_$table/by '.checks[] | select(.name == $n) | .series[].series' report.json)" '{ip="10.0.0.1"}
{ip="10.0.0.1/24"}
{ip="::1"}'
	tells my_$table/shown fail 'row: id = 2, bits = 7'
	tells my_$table/shown fail 'row: id = 1, bits = 53'
	tells pg_$table/shown "fail pass" 'row: id = 1, ip = "10.0.0.1"'
done
for check in bits span; do
	tells pg_seen/$check pass
done

# ---- a domain is shown as what it is of, also at second hand ----
admin shop "CREATE DOMAIN address AS inet" "CREATE DOMAIN host AS address CHECK (value IS NULL OR masklen(value) > 8)" \
	"CREATE DOMAIN bytes AS bytea" "CREATE DOMAIN net AS cidr" "CREATE DOMAIN ratio AS numeric(6,2)" \
	"CREATE TABLE domains (id int, a address, h host, b bytes, net net, r ratio)" \
	"INSERT INTO domains VALUES (1, '10.0.0.1', '10.0.0.1', '\\x0102', '10.0.0.1', 1.5), (2, '10.0.0.2', '10.0.0.2/24', '\\x01', '10.0.0.0/8', 'NaN')" \
	"CREATE VIEW of_domains AS SELECT * FROM domains" "GRANT SELECT ON domains, of_domains TO reader"
{
	echo "assize: 1"
	sed -n '/^targets:/,/^audits:/p' assize.yaml
	for table in domains of_domains; do
		cat <<-YAML
		  $table:
		    target: pg
		    checks:
		      - { id: in, invalid: { table: $table, columns: { a: { in: [10.0.0.1, 10.0.0.2] }, h: { in: [10.0.0.1, 10.0.0.2/24] }, net: { in: [10.0.0.1/32, 10.0.0.0/8] } } }, expect: "== 0" }
		      - { id: format, invalid: { table: $table, columns: { a: { format: ipv4 } } }, expect: "== 0" }
		      - { id: length, invalid: { table: $table, columns: { b: { max_length: 2, min_length: 1 } } }, expect: "== 0" }
		      - { id: range, invalid: { table: $table, columns: { r: { min: 0 } } }, expect: "== 1" }
		      - { id: by, rows: { table: $table, by: [a, h] }, expect: "== 1" }
		      - { id: shares, distribution: { table: $table, column: a, min_rows: 1, baseline: { 10.0.0.1: 0.5, 10.0.0.2: 0.5 } }, expect: { new: "== 0" } }
		YAML
	done
} >domains.yaml
run "$ASSIZE" run -f domains.yaml --report json=report.json
for table in domains of_domains; do
	for check in in format length range by shares; do
		tells $table/$check pass
	done
	is "$table: segments" "$(jq -r --arg n $table/by '.checks[] | select(.name == $n) | .series[].series' report.json)" '{a="10.0.0.1",h="10.0.0.1"}
{a="10.0.0.2",h="10.0.0.2/24"}'
done

# ---- a FLOAT is what it holds, and not the six digits that are sent; bits are numbers, in views as well ----
mariadb_sql -D shop "CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, b BIT(4), m FLOAT(12,2));
	INSERT INTO floats VALUES (1, 123456.7, 5, 123456.75), (2, 0.1, 6, 0.5), (3, 16777216, 7, 1), (4, -1.00001, 8, 2), (5, NULL, NULL, NULL);
	CREATE VIEW seen_floats AS SELECT * FROM floats"
{
	echo "assize: 1"
	sed -n '/^targets:/,/^audits:/p' assize.yaml
	for table in floats seen_floats; do
		cat <<-YAML
		  $table:
		    target: my
		    checks:
		      - { id: set, invalid: { table: $table, columns: { f: { in: [123457, 0.1, 16777200, -1.00001] } }, show: { columns: [id, f, b] } }, expect: "== 0" }
		      - { id: exact, invalid: { table: $table, columns: { f: { in: [123456.7, 0.1, 16777216, -1.00001] }, m: { in: ['123456.75', '0.50', '1.00', '2.00'] } } }, expect: "== 0" }
		      - { id: matches, invalid: { table: $table, columns: { f: { matches: '^-?[0-9]{1,6}(\.[0-9]+)?\$' } } }, expect: "== 1" }
		      - { id: length, invalid: { table: $table, columns: { f: { max_length: 7 } } }, expect: "== 3" }
		      - { id: range, invalid: { table: $table, columns: { f: { max: 123456.6 } } }, expect: "== 2" }
		      - { id: by, rows: { table: $table, by: f }, expect: "== 1" }
		      - { id: shares, distribution: { table: $table, column: f, min_rows: 1, baseline: { 123456.7: 0.2, 0.1: 0.2, 16777216: 0.2, -1.00001: 0.2, 'NULL': 0.2 } }, expect: { new: "== 0", gone: "== 0", psi: "== 0" } }
		      - { id: bits, distribution: { table: $table, column: b, min_rows: 1, baseline: { 5: 0.2, 6: 0.2, 7: 0.2, 8: 0.2, 'NULL': 0.2 } }, expect: { new: "== 0", psi: "== 0" } }
		      - { id: bins, distribution: { table: $table, column: f, min_rows: 1, where: id > 2, baseline_where: id <= 2, bins: { equal: 2 } }, expect: { psi: "== 0" } }
		      - { id: bit_bins, distribution: { table: $table, column: b, min_rows: 1, bins: { edges: [7] }, baseline: { '< 7': 0.4, '>= 7': 0.4, 'NULL': 0.2 } }, expect: { psi: "== 0" } }
		      - { id: least, aggregate: { table: $table, column: f }, expect: { max: "== 16777216" } }
		      - { id: lone, aggregate: { table: $table, column: b }, expect: { max: "== 8", min: "== 5", sum: "== 26" } }
		      - { id: duplicates, duplicates: { table: $table, columns: f }, expect: "== 0" }
		YAML
	done
} >floats.yaml
run "$ASSIZE" run -f floats.yaml --report json=report.json
for table in floats seen_floats; do
	tells $table/set "fail" 'row: id = 1, f = 123456.703125, b = 5.row: id = 3, f = 16777216, b = 7'
	for check in exact matches length range by shares bits bit_bins least lone duplicates; do
		tells $table/$check pass
	done
	like "$table: edges of bins are exact" "$(jq -r --arg n $table/bins '.checks[] | select(.name == $n) | .series[0].query' report.json)" 'WHEN .* < 61728.4[0-9]+ THEN'
	is "$table: segments" "$(jq -r --arg n $table/by '.checks[] | select(.name == $n) | .series[].series' report.json | sort)" '{f="(null)"}
{f="-1.00001"}
{f="0.1"}
{f="123456.7"}
{f="16777216"}'
done

# ---- NaN is in no bin of numbers ----
admin shop "CREATE TABLE f (x float8, g int)" \
	"INSERT INTO f SELECT CASE WHEN i % 10 = 0 THEN 'NaN'::float8 ELSE i % 7 END, i / 2 % 2 FROM generate_series(1, 4000) i" \
	"INSERT INTO f VALUES ('Infinity', 3), (1, 3)" "GRANT SELECT ON f TO reader"
cat >bins.yaml <<YAML
assize: 1
targets: { pg: { postgres: "host=$POSTGRES port=$POSTGRES_PORT dbname=shop user=reader" } }
audits:
  d:
    target: pg
    checks:
      - { id: edges, distribution: { table: f, column: x, where: g = 1, baseline_where: "g = 0 AND x <> 'NaN'", bins: { edges: [2, 4] } }, expect: { new: "== 0" } }
      - { id: equal, distribution: { table: f, column: x, where: g = 1, baseline_where: g = 0, bins: { equal: 3 } }, expect: { psi: "< 0.01" } }
      - { id: infinite, distribution: { table: f, column: x, where: g = 1, baseline_where: g = 3, bins: { equal: 3 } }, expect: { psi: "< 0.01" } }
YAML
run "$ASSIZE" run -f bins.yaml --report json=report.json
tells d/edges "fail pass" 'not a number'
tells d/equal pass
tells d/infinite undecided 'a value is infinite: there are no bins of equal width'

# ---- names with a dot in them: in the engine's quotes ----
admin shop "CREATE TABLE \"a.b\" (id int PRIMARY KEY, \"c.d\" int)" "CREATE SCHEMA \"s.t\"" "CREATE TABLE \"s.t\".u (id int)" \
	"INSERT INTO \"a.b\" VALUES (1, NULL), (2, 5)" "GRANT USAGE ON SCHEMA \"s.t\" TO reader" \
	"GRANT SELECT ON \"a.b\", \"s.t\".u TO reader"
mariadb_sql -D shop "CREATE TABLE \`a.b\` (id INT PRIMARY KEY, \`c.d\` INT); INSERT INTO \`a.b\` VALUES (1, NULL), (2, 5)"
{
	sed '/^audits/,$d' assize.yaml
	printf 'audits:\n'
	for of in 'pg "' 'my `'; do
		quote=${of#* }
		cat <<-YAML
			  dots-${of% *}:
			    target: ${of% *}
			    checks:
			      - { id: rows, rows: '${quote}a.b$quote', expect: "== 2" }
			      - { id: missing, missing: { table: '${quote}a.b$quote', columns: c.d }, expect: "== 1" }
			      - { id: sum, aggregate: { table: '${quote}a.b$quote', column: c.d }, expect: { sum: "== 5", max: "== 5" } }
			      - { id: bare, rows: a.b, expect: "== 2" }
			      - { id: shape, schema: { table: '${quote}a.b$quote', columns: { c.d: integer } } }
			      - { id: named, schema: { tables: { '${quote}a.b$quote': { columns: { c.d: text } } } } }
			      - { id: absent, schema: { absent: '${quote}a.b$quote' } }
			      - { id: gone, schema: { table: '${quote}a.c$quote' } }
		YAML
	done
	echo "      - { id: schema, rows: 'shop.\`a.b\`', expect: '== 2' }"
	echo "      - { id: other, target: pg, rows: '\"s.t\".u', expect: '== 0' }"
	echo "      - { id: others, target: pg, schema: { tables: { '\"s.t\".u': { columns: { id: integer } }, 'public.\"a.b\"': , '\"a.b\"': } } }"
	echo "      - { id: others-absent, target: pg, schema: { absent: '\"s.t\".u' } }"
	echo "      - { id: own, schema: { tables: [ 'shop.\`a.b\`', '\`a.b\`' ] } }"
} >dots.yaml
run "$ASSIZE" run -f dots.yaml --report json=report.json
for check in rows missing sum shape; do
	tells dots-pg/$check pass
	tells dots-my/$check pass
done
tells dots-pg/bare undecided
tells dots-my/bare undecided
tells dots-my/schema pass
tells dots-my/other pass
for of in pg my; do
	tells dots-$of/named fail "c.d: type is int"
	tells dots-$of/absent fail 'table a.b must not exist'
	tells dots-$of/gone fail 'is missing'
done
tells dots-my/others pass
tells dots-my/others-absent fail 'table s.t.u must not exist'
tells dots-my/own pass
sed -i "s/absent: '.*/absent: '\"a.*\"' } }/" dots.yaml
exits "a pattern has no quotes" 3 "$ASSIZE" check -f dots.yaml
like "and is told so" "$err" 'pattern "a\.\*" has quotes'

# ---- two servers' decimals are compared to the last digit ----
admin shop "CREATE TABLE sums (id numeric, v numeric, f float8)" "GRANT SELECT ON sums TO reader" \
	"INSERT INTO sums VALUES (1, 12345678901234567.89, 0.1), (2, 0.12345678901234567, 0.12345678901234567), (3, 2.50, 2.5)"
mariadb_sql -D shop "CREATE TABLE sums (id DECIMAL(30,20), v DECIMAL(40,20), b BIT(64));
	INSERT INTO sums VALUES (1, 12345678901234567.89, 1), (2, 0.12345678901234567, 1), (3, 2.5, -1);
	CREATE TABLE off AS SELECT id, v + IF(id = 1, 0.01, 0) AS v, b FROM sums;
	CREATE TABLE keyed AS SELECT id + IF(id = 1, 0.00000000000000000001, 0) AS id, v FROM sums"
{
	sed '/^audits/,$d' assize.yaml
	printf 'audits:\n  sums:\n    target: pg\n    checks:\n'
	while IFS='|' read -r id value table other tolerance; do
		echo "      - { id: $id, reconcile: { left: { table: sums, key: id, values: $value }, right: { target: my, table: $table, key: id, values: $other }$tolerance } }"
	done <<-CHECKS
		same|v|sums|v|
		double|f|sums|v|, where: id > 1
		last|v|off|v|
		near|v|off|v|, tolerance: { v: 0.01 }
		not-near|v|off|v|, tolerance: { v: 0.0099 }
		keys|v|keyed|v|
		bits|v|sums|b|
	CHECKS
} >sums.yaml
run "$ASSIZE" run -f sums.yaml --report json=report.json
for check in same double near; do
	tells sums/$check pass
done
tells sums/last "fail pass" 'id=1: v'
tells sums/not-near "fail pass"
tells sums/keys "fail pass" '1.00000000000000000001'
tells sums/bits undecided 'the right side, target "my": column "b" is a BIT beyond 9223372036854775807'

# ---- a warning is of the check that asked for it ----
mariadb_sql -D shop "CREATE TABLE w (id INT PRIMARY KEY, word VARCHAR(10)); INSERT INTO w VALUES (1, 'abc'), (2, '5'), (3, NULL)"
cat >warned.yaml <<YAML
assize: 1
targets: { my: { mysql: "socket=$MARIADB_SOCKET user=reader dbname=shop" } }
audits:
  w:
    target: my
    checks:
      - { id: sum, aggregate: { table: w, column: word }, expect: { sum: ">= 0" } }
      - { id: missing, missing: { table: w, columns: word }, expect: "== 1" }
      - { id: distinct, aggregate: { table: w, column: word }, expect: { distinct: "== 2" } }
YAML
run "$ASSIZE" run -f warned.yaml --report json=report.json
tells w/sum undecided 'the server warned: Truncated incorrect DOUBLE value'
tells w/missing pass
tells w/distinct pass

# ---- what only parentheses around it make a condition is none ----
sqlite3 closed.db "CREATE TABLE c (id INTEGER PRIMARY KEY, word TEXT); INSERT INTO c VALUES (1, 'a'), (2, 'b')"
admin shop "CREATE TABLE c (id int PRIMARY KEY, word text)" "INSERT INTO c VALUES (1, 'a'), (2, 'b')" "GRANT SELECT ON c TO reader"
mariadb_sql -D shop "CREATE TABLE c (id INT PRIMARY KEY, word VARCHAR(9)); INSERT INTO c VALUES (1, 'a'), (2, 'b')"
{
	echo "assize: 1"
	sed -n '/^targets:/,/^audits:/p' assize.yaml | sed 's/^audits:/  lite: { sqlite: closed.db }\naudits:/'
	for target in pg my lite; do
		cat <<-YAML
		  $target:
		    target: $target
		    checks:
		      - { id: open, rows: { table: c, where: "id = 1) OR (id = 2" }, expect: "== 2" }
		      - { id: by, missing: { table: c, columns: word, where: "id = 1) OR (id = 2", by: word }, expect: "== 0" }
		      - { id: shares, distribution: { table: c, column: id, min_rows: 1, where: "id = 1) OR (id = 2", baseline: { 1: 0.5, 2: 0.5 } }, expect: { new: "== 0" } }
		      - { id: base, distribution: { table: c, column: id, min_rows: 1, where: id = 1, baseline_where: "id = 3) OR (id = 2" }, expect: { new: "== 1" } }
		      - { id: expression, distribution: { table: c, expression: "id) + (0", min_rows: 1, baseline: { 1: 0.5, 2: 0.5 } }, expect: { new: "== 0" } }
		      - { id: keys, reconcile: { left: { target: $target, table: c, key: id }, right: { target: $target, table: c, key: id }, where: "id = 1) OR (id = 2" }, expect: { missing_left: "== 0" } }
		      - { id: comment, rows: { table: c, where: "id = 1 /* ) */ -- (" }, expect: "== 1" }
		      - { id: escape, rows: { table: c, where: "word <> 'a\\\\\\\\b' AND id = 1" }, expect: "== 1" }
		      - { id: note, reconcile: { left: { target: $target, table: c, key: id }, right: { target: $target, query: "SELECT id FROM c -- (", key: id, where: "id < 9 -- )" } }, expect: { missing_left: "== 0" } }
		YAML
	done
} >closed.yaml
run "$ASSIZE" run -f closed.yaml --report json=report.json
for target in pg my lite; do
	for check in open by shares base keys; do
		tells $target/$check undecided 'the filter is not one condition'
	done
	tells $target/expression undecided 'what is asked is not one expression'
	for check in comment escape note; do
		tells $target/$check pass
	done
done

# ---- a char(n) is its text, without the blanks that fill it ----
admin shop "CREATE TABLE padded (id int, c char(5), v varchar(5))" "INSERT INTO padded VALUES (1, 'ab', 'ab'), (2, 'c', 'c ')" "GRANT SELECT ON padded TO reader"
mariadb_sql -D shop "CREATE TABLE padded (id INT PRIMARY KEY, c CHAR(5), v VARCHAR(5)); INSERT INTO padded VALUES (1, 'ab', 'ab'), (2, 'c', 'c ')"
{
	echo "assize: 1"
	sed -n '/^targets:/,/^audits:/p' assize.yaml
	cat <<-YAML
	  p:
	    target: pg
	    checks:
	      - { id: engines, reconcile: { left: { target: pg, table: padded, key: id, values: [c, v] }, right: { target: my, table: padded, key: id, values: [c, v] } }, expect: { different: "== 0" } }
	      - { id: blanks, reconcile: { left: { target: pg, table: padded, key: id, values: c }, right: { target: pg, table: padded, key: id, values: v } }, expect: { different: "== 1" } }
	      - { id: label, sql: { query: "SELECT c, id FROM padded WHERE id = 1", labels: c }, expect: "== 1" }
	      - { id: set, invalid: { table: padded, columns: { c: { in: [ab] } }, show: { columns: [id, c] } }, expect: "== 0" }
	      - { id: sample, missing: { table: padded, columns: c, sample: "1%" }, expect: "<= 1%" }
	YAML
} >padded.yaml
run "$ASSIZE" run -f padded.yaml --report json=report.json
for check in engines blanks label; do
	tells p/$check pass
done
is "the label" "$(jq -r '.checks[] | select(.name == "p/label") | .series[0].series' report.json)" '{c="ab"}'
tells p/set fail 'row: id = 2, c = "c"'
like "a sample without rows is none of a table without" "$out" 'pass p/sample|p/sample .*the sample of 1% of table "padded" has no rows'

# ---- a real is as large as its digits say ----
admin shop "CREATE TABLE singles (id int, r real, f4 float4)" "INSERT INTO singles VALUES (1, 0.1, 16777216), (2, 123456.7, 'NaN')" "GRANT SELECT ON singles TO reader"
mariadb_sql -D shop "CREATE TABLE singles (id INT PRIMARY KEY, r FLOAT, f4 FLOAT); INSERT INTO singles VALUES (1, 0.1, 16777216), (2, 123456.7, -1)"
{
	echo "assize: 1"
	sed -n '/^targets:/,/^audits:/p' assize.yaml
	for target in pg my; do
		cat <<-YAML
		  $target:
		    target: $target
		    checks:
		      - { id: least, invalid: { table: singles, columns: { r: { min: 0.1, max: 123456.7 } } }, expect: "== 0" }
		      - { id: below, invalid: { table: singles, columns: { r: { min: 0.1000000001, max: 123456.7 } } }, expect: "== 1" }
		      - { id: above, invalid: { table: singles, columns: { r: { max: 123456.69 } } }, expect: "== 1" }
		      - { id: nan, invalid: { table: singles, columns: { f4: { min: 0, max: 16777216 } } }, expect: "== 1" }
		      - { id: bins, distribution: { table: singles, column: r, min_rows: 1, bins: { edges: [0.1, 123456.7] }, baseline: { '0.1..123456.7': 0.5, '>= 123456.7': 0.5 } }, expect: { psi: "== 0" } }
		YAML
	done
} >singles.yaml
run "$ASSIZE" run -f singles.yaml --report json=report.json
for target in pg my; do
	for check in least below above nan bins; do
		tells $target/$check pass
	done
done

# ---- what assize init begins with holds ----
admin postgres "CREATE DATABASE start"
admin start "CREATE TABLE empty ()" "INSERT INTO empty DEFAULT VALUES" "GRANT SELECT ON empty TO reader"
mariadb_sql "CREATE DATABASE start; GRANT SELECT, SHOW VIEW ON start.* TO reader@localhost"
mariadb_sql -D start "CREATE TABLE docs (id INT PRIMARY KEY, body JSON); INSERT INTO docs VALUES (1, '{}')"
for server in "postgres host=$POSTGRES port=$POSTGRES_PORT" "mysql socket=$MARIADB_SOCKET"; do
	mkdir "start-${server%% *}" && cd "start-${server%% *}" || bail "no directory"
	exits "${server%% *}: init" 0 "$ASSIZE" init "--${server%% *}" "${server#* } user=reader dbname=start"
	exits "${server%% *}: it holds" 0 "$ASSIZE" run
	cd ..
done
like "json is json" "$(cat start-mysql/assize.yaml)" 'body: \{ type: json,'
done_testing
