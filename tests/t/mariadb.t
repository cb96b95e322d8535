#!/bin/bash
# MariaDB: the database kinds on a real server, and nothing that a definition says changes it. Roles
# that could write are refused; what is late, killed or interrupted is no value.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/mariadb.sh"
. "$ROOT/tests/lib/testd.sh"
cd "$TMP"
mkdir "$TMP/out" && chmod 777 "$TMP/out"
mariadb_start --log-bin="$TMP/mariadb/binlog" --server-id=1 --log-bin-trust-function-creators=1 || bail "the server did not start"

intact()
{
	mariadb_sql "DROP DATABASE IF EXISTS shop; CREATE DATABASE shop CHARACTER SET utf8mb4"
	mariadb_sql -D shop "
		CREATE TABLE customers (id INT PRIMARY KEY, mail VARCHAR(80) NOT NULL DEFAULT 'it''s', UNIQUE KEY by_mail (mail(20)));
		CREATE TABLE orders (id INT PRIMARY KEY, customer INT, region VARCHAR(2), total DECIMAL(10,2), state VARCHAR(8) DEFAULT 'new',
			day INT GENERATED ALWAYS AS (id % 7) STORED, at DATETIME,
			KEY by_region (region DESC, state), CONSTRAINT positive CHECK (total >= 0),
			CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE);
		INSERT INTO customers VALUES (1, 'a@example.com'), (2, 'b@example.com');
		INSERT INTO orders (id, customer, region, total, state, at) SELECT seq, 1 + seq % 2, IF(seq % 3, 'eu', 'us'), seq * 1.5,
			IF(seq % 10, 'paid', 'new'), UTC_TIMESTAMP() - INTERVAL seq MINUTE FROM seq_1_to_100;
		CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
		CREATE VIEW slow AS SELECT SLEEP(20) * 0 AS v;
		CREATE SEQUENCE numbers START WITH 5 INCREMENT BY 2;
		CREATE TABLE types (big BIGINT UNSIGNED, whole DECIMAL(20,3), part DECIMAL(6,2), bits BIT(12), real_ DOUBLE, j JSON, raw BLOB,
			word VARCHAR(9), day DATE, at TIMESTAMP NULL, none INT, moment TIME(3), kind ENUM('a', 'b'));
		INSERT INTO types VALUES (18446744073709551615, 42, 0.25, b'101010101010', 1e100, '{\"a\": 1}', x'00ff', 'grün',
			'2026-02-03', FROM_UNIXTIME(1), NULL, '01:02:03.5', 'b')" || return 1
	mariadb_sql -D shop --delimiter=// "CREATE FUNCTION add_one() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO orders (id) VALUES (900); RETURN 1; END" ||
		return 1
	mariadb_sql -D shop "CREATE VIEW writes AS SELECT add_one() AS v"
}
intact || bail "the shop could not be made"
mariadb_sql "CREATE USER reader IDENTIFIED BY 'hunter22'; GRANT SELECT, SHOW VIEW ON shop.* TO reader;
	GRANT PROCESS, SHOW DATABASES ON *.* TO reader"

target="{ mysql: \"socket=$MARIADB_SOCKET user=reader dbname=shop\", password: \"\${env:SHOP_PASSWORD}\" }"
export SHOP_PASSWORD=hunter22
cat >assize.yaml <<YAML
assize: 1
targets: { shop: $target }
audits:
  r:
    target: shop
    checks:
      - { id: all, rows: orders, expect: "== 100" }
      - { id: view, rows: shop.paid, expect: "== 90" }
      - { id: new, rows: { table: orders, where: "state = 'new' # not paid" }, expect: "== 10" }
      - { id: missing, missing: { table: orders, columns: [customer, total] }, expect: "<= 1%" }
      - { id: fresh, freshness: { table: orders, column: at }, expect: "< 5m" }
      - { id: share, sql: { query: "SELECT 100.0 * avg(state = 'paid') FROM orders;", unit: "%" }, expect: ">= 90%" }
      - { id: regions, sql: { query: "SELECT region, sum(total) AS total FROM orders GROUP BY region", labels: region }, expect: ">= 2000" }
      - { id: ordered, sql: { query: "SELECT id FROM orders ORDER BY id DESC LIMIT 1" }, expect: "== 100" }
      - id: shape
        schema:
          table: orders
          columns:
            id: { type: integer, key: primary, nullable: false }
            total: { type: "decimal(10,2)" }
            state: { type: "varchar(8)" }
YAML

tells()
{
	run "$ASSIZE" run "r/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
sick()
{
	mariadb_sql -D shop "$1"
}

run "$ASSIZE" run
is "intact: everything passes" "$status" 0
diag "$(grep -v ' pass ' <<<"$out")"
sick "DELETE FROM orders WHERE id = 7"
tells "row gone" all 1 'FAIL r/all 99 rows bound == 100'
sick "UPDATE orders SET state = 'new' WHERE id < 3"
tells "segment grew" new 1 'FAIL r/new 12 rows'
tells "share fell" share 1 'FAIL r/share 87.*% bound >= 90'
sick "UPDATE orders SET customer = NULL WHERE id < 4"
tells "values went missing" missing 1 'FAIL r/missing\{column="customer"\}|FAIL r/missing.*customer'
sick "UPDATE orders SET at = at - INTERVAL 1 HOUR"
tells "nothing new" fresh 1 'FAIL r/fresh'
sick "UPDATE orders SET at = NULL"
tells "NULL is no age" fresh 2 'r/fresh no value'
sick "DELETE FROM orders"
tells "nor is an empty table" fresh 2 'r/fresh no value'
tells "no rows is a value where rows are counted" all 1 'FAIL r/all 0 rows'
tells "NULL from an empty aggregate" share 2 'the value is NULL'
sick "ALTER TABLE orders MODIFY total DOUBLE"
tells "another type" shape 1 'total'
sick "ALTER TABLE orders RENAME COLUMN state TO status"
tells "missing column" new 2 'Unknown column .state.*columns there are: id, customer, region'
sick "RENAME TABLE orders TO order_s"
tells "missing table" all 2 "Table 'shop.orders' doesn't exist.*did you mean \"order_s\""
tells "broken view" view 2 'could not run the query'
intact

# ---- the demo's definition, word for word, on both engines ----
sed -n '/^\t\taudits:/,/^\t\t  service:/p' "$ROOT/tests/demo/run" | sed 's/^\t\t//; /^  service:/d' >tasks.yaml
grep -q 'id: fresh' tasks.yaml || bail "the demo's definition was not found"
{ echo "assize: 1"; echo "targets: { shop: { sqlite: tasks.db } }"; cat tasks.yaml; } >on_sqlite.yaml
{ echo "assize: 1"; echo "targets: { shop: $target }"; cat tasks.yaml; } >on_mariadb.yaml
sqlite3 tasks.db "CREATE TABLE execution_tasks(id INTEGER PRIMARY KEY, owner TEXT, state TEXT NOT NULL, updated_at TEXT NOT NULL);
	WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
	INSERT INTO execution_tasks SELECT i, CASE WHEN i % 400 THEN 'team-' || i % 7 END, 'done', datetime('now', '-' || (i % 50) || ' minutes') FROM n"
sick "CREATE TABLE execution_tasks(id INTEGER PRIMARY KEY, owner TEXT, state TEXT NOT NULL, updated_at DATETIME NOT NULL);
	INSERT INTO execution_tasks SELECT seq, IF(seq % 400, CONCAT('team-', seq % 7), NULL), 'done', UTC_TIMESTAMP() - INTERVAL (seq % 50) MINUTE
	FROM seq_1_to_2000"
said()
{
	run "$ASSIZE" run -f "$1" --json
	jq -c '.checks[] | [.name, .outcome, [.series[] | [.name, if .name == "" and .unit == "s" then "age" else .value end]]]' <<<"$out" |
		sed 's/"tasks\/fresh",\(.*\)\[\[.*/"tasks\/fresh",\1/'
}
is "the demo's definition says the same on SQLite and MariaDB" "$(said on_mariadb.yaml)" "$(said on_sqlite.yaml)"
like "and says what it should" "$(said on_mariadb.yaml)" 'tasks/columns","fail.*tasks/volume","pass.*tasks/fresh","pass'

# ---- values ----
cat >values <<'VALUES'
BIGINT UNSIGNED beyond 64 bits with a sign is a real|big|18446744073709552000
an integral DECIMAL is an integer|whole|42
a sum of integers, too|sum(none IS NULL)|1
another DECIMAL is a real|part|0.25
a recursion is not cut off without a word|(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT max(i) FROM n) + 0 * big|5000
a quotient has more than four places|1 / 3|0.333333333333
BIT is an integer|bits|2730
DOUBLE|real_|1e+100
JSON is text|j|"{\"a\": 1}"
a blob is no value|raw|"the value is a blob"
text is UTF-8|word|"grün"
a date is ISO text|day|"2026-02-03"
a TIMESTAMP is in UTC|at|"1970-01-01T00:00:01Z"
a pattern that ran out of budget is no answer|concat(repeat('a', 30), 'b') REGEXP '^(a+)+$'|"cannot trust the query: the server warned: Regex error 'match limit exceeded'"
a pattern that ran out of budget behind two thousand other warnings|(SELECT sum(concat('x', seq) + 0 = 0) FROM seq_1_to_2000) + (concat(repeat('a', 30), 'b') REGEXP '^(a+)+$')|"cannot trust the query: the server warned 2001 times, first: Truncated incorrect DOUBLE value: 'x1'"
a text that is taken for a number is no answer|'12 apples' + 0|"cannot trust the query: the server warned: Truncated incorrect DOUBLE value: '12 apples'"
a text cut short is no answer|length((SELECT group_concat(repeat('x', 1000)) FROM seq_1_to_2000))|"cannot trust the query: the server warned: Row 1048 was cut by GROUP_CONCAT()"
a division by zero is NULL, as the standard of the engine has it|part / (whole - 42)|"the value is NULL"
ENUM is text|kind|"b"
TIME is text|moment|"01:02:03.500"
NULL is no value|none|"the value is NULL"
a column beside an aggregate is an error, not any row's value|concat(big, count(*))|"could not run the query: Mixing of GROUP columns (MIN(),MAX(),COUNT(),...) with no GROUP columns is illegal if there is no GROUP BY clause"
VALUES
{
	printf 'assize: 1\ntargets: { shop: %s }\naudits:\n  v:\n    target: shop\n    checks:\n' "$target"
	awk -F '|' '{ printf "      - { id: c%d, sql: \"SELECT %s FROM types\", expect: \"!= 12345\" }\n", NR, $2 }' values
} >values.yaml
"$ASSIZE" run -f values.yaml --json | jq -c '.checks[].series[0] | .value // .reason' >said
n=0
while IFS='|' read -r claim _ want; do
	n=$((n + 1))
	is "$claim" "$(sed -n ${n}p said)" "$want"
done <values

mariadb_sql "SET GLOBAL sql_select_limit = 1"
cat >limit.yaml <<YAML
assize: 1
targets: { shop: $target }
audits: { l: { target: shop, checks: [ { id: several, sql: "SELECT id FROM shop.orders", expect: ">= 1" } ] } }
YAML
exits "the server's limit of rows hides none" 2 "$ASSIZE" run -f limit.yaml
like "which is told" "$out" 'several rows'
mariadb_sql "SET GLOBAL sql_select_limit = DEFAULT"

# ---- six digits of a FLOAT are not the number ----
sick "CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, d DOUBLE); INSERT INTO floats VALUES (1, 1234572.5, 1234572.5), (2, 0.1, 0.1);
	CREATE VIEW of_floats AS SELECT * FROM floats; CREATE TABLE other LIKE floats; INSERT INTO other SELECT * FROM floats"
sqlite3 floats.db "CREATE TABLE floats (id INTEGER PRIMARY KEY, f REAL); INSERT INTO floats VALUES (1, 1234572.5), (2, 0.1)"
cat >floats.yaml <<YAML
assize: 1
targets: { shop: $target, lite: { sqlite: floats.db } }
audits:
  f:
    target: shop
    checks:
      - { id: sql, sql: "SELECT f FROM floats WHERE id = 1", expect: "<= 1234570" }
      - { id: exact, sql: "SELECT f + 0e0 FROM floats WHERE id = 1", expect: "== 1234572.5" }
      - { id: double, sql: "SELECT d FROM floats WHERE id = 1", expect: "== 1234572.5" }
      - { id: label, sql: { query: "SELECT f, id FROM floats WHERE id = 2", labels: f, value: id }, expect: "== 2" }
      - { id: max, aggregate: { table: floats, column: f }, expect: { max: "== 1234572.5", min: "> 0.09" } }
      - { id: lone, aggregate: { table: floats, column: f, where: id = 1 }, expect: { max: "<= 1234570" } }
      - { id: view, aggregate: { table: of_floats, column: f }, expect: { max: "<= 1234570" } }
      - { id: same, reconcile: { left: { target: shop, table: floats, key: id, values: f }, right: { target: lite, table: floats, key: id, values: f } }, expect: { different: "== 0" } }
      - { id: differs, reconcile: { left: { target: shop, table: floats, key: id, values: f }, right: { target: shop, table: other, key: id, values: f } }, expect: { different: "== 0" } }
      - { id: query, reconcile: { left: { target: shop, query: "SELECT id, f FROM floats", key: id, values: f }, right: { target: shop, table: other, key: id, values: f } }, expect: { different: "== 0" } }
YAML
sick "UPDATE other SET f = 1234572.4 WHERE id = 1"
run "$ASSIZE" run -f floats.yaml
like "sql: undecided" "$out" 'undecided f/sql .*the value is a FLOAT, of which the server sends six digits only'
like "and what to write" "$out" 'help: write .column \+ 0e0., which is exact'
for check in exact double label max same; do
	like "exact: $check" "$out" "pass f/$check"
done
like "a maximum by itself is exact" "$out" 'FAIL f/lone'
like "of a view too" "$out" 'FAIL f/view'
like "rows that six digits make equal differ" "$out" 'FAIL f/differs'
like "a query's columns are not known either" "$out" 'undecided f/query .*column "f" is a FLOAT'
like "which is told" "$out" 'read it with a query that writes .f \+ 0e0 AS f'
sick "DROP VIEW of_floats; DROP TABLE floats, other"

# ---- what a column is declared to hold makes a condition cheaper, and nothing else ----
i=0
mariadb_sql -D shop "CREATE TABLE declared (one VARCHAR(9) CHARACTER SET latin1, four VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,
	wide VARCHAR(9) CHARACTER SET utf16, shift VARCHAR(9) CHARACTER SET sjis, fixed CHAR(9), raw VARBINARY(9),
	small TINYINT, padded INT(5) ZEROFILL, large BIGINT UNSIGNED, exact DECIMAL(6,2), kind ENUM('a', 'b'));
	INSERT INTO declared VALUES ('a', 'a', 'a', 'a', 'a', 'a', 1, 1, 1, 1, 'a'), ('A', 'A', 'A', 'A', 'A', 'A', -1, 2, 2, 2, 'b'),
	('a ', 'a ', 'a ', 'a ', 'a ', 'a ', 0, 3, 18446744073709551615, 1.5, 'a'),
	('é', 'é', 'é', 'ア', 'é', 'é', 10, 10, 10, 10, 'b'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	CREATE VIEW undeclared AS SELECT * FROM declared"
{
	printf 'assize: 1\ntargets: { shop: %s }\naudits:\n  d:\n    target: shop\n    checks:\n' "$target"
	for table in declared undeclared; do
		for column in one four wide shift fixed raw small padded large exact kind; do
			for rule in 'in: [a, b]' 'in: [a, é]' 'in: ["1", "-1"]' 'in: ["01", "00001", x]' 'max_length: 1' 'min: 1, max: 2'; do
				printf '      - { id: c%d, invalid: { table: %s, columns: { %s: { %s } } }, expect: "< 1e9" }\n' $((i += 1)) $table $column "$rule"
			done
		done
	done
} >declared.yaml
"$ASSIZE" run -f declared.yaml --json | jq -c '.checks[].series[] | .value // (.reason | gsub("undeclared"; "declared"))' >said
is "all were asked" "$(wc -l <said)" 132
is "a table says what its view says, of which nothing is declared" "$(head -n 66 said)" "$(tail -n 66 said)"
is "and what it holds" "$(head -n 66 said | grep -v '"' | paste -sd ' ')" "3 2 4 4 1 4 3 2 4 4 1 4 3 2 4 4 1 4 3 3 4 4 1 4 2 1 4 4 0 4 3 2 4 4 1 4 4 4 2 4 2 3 4 4 4 3 4 2 4 4 3 4 2 2 4 4 4 4 4 1 0 2 4 4 0 4"

# ---- nothing a definition says changes anything ----
mariadb_sql "CREATE USER writer IDENTIFIED BY 'hunter23'; GRANT ALL ON *.* TO writer"
cat >holes <<HOLES
delete: DELETE FROM orders
update: UPDATE orders SET total = 0
returning: DELETE FROM orders RETURNING id
insert: INSERT INTO orders (id) VALUES (800)
ddl commits: CREATE TABLE mine (a INT)
drop: DROP TABLE orders
truncate: TRUNCATE orders
outfile: SELECT 1 INTO OUTFILE '$TMP/out/a'
outfile behind a number: SELECT 1.INTO OUTFILE '$TMP/out/b'
outfile behind an exponent: SELECT 1e5INTO OUTFILE '$TMP/out/c'
dumpfile: SELECT 1 INTO DUMPFILE '$TMP/out/d'
outfile in a version comment: SELECT 1 /*!50000 INTO OUTFILE '$TMP/out/e' */
outfile in a MariaDB comment: SELECT 1 /*M! INTO OUTFILE '$TMP/out/f' */
outfile behind two dashes: SELECT 1 --1 INTO OUTFILE '$TMP/out/g'
outfile behind a backslash: SELECT 'a\\\\' INTO OUTFILE '$TMP/out/h' -- '
outfile behind double quotes: SELECT "a" INTO OUTFILE '$TMP/out/i'
outfile in parentheses: (SELECT 1) INTO OUTFILE '$TMP/out/j'
set statement: SET STATEMENT sql_mode = '' FOR INSERT INTO orders (id) VALUES (801)
set session: SET SESSION TRANSACTION READ WRITE
set role: SET ROLE writers
several: SELECT 1; DELETE FROM orders
commit: COMMIT
commit, then write: SELECT 1; COMMIT; DELETE FROM orders
with: WITH a AS (SELECT 1) DELETE FROM orders
compound: BEGIN NOT ATOMIC DELETE FROM orders; END
prepare: EXECUTE IMMEDIATE 'DELETE FROM orders'
call: CALL mysql.nothing()
do: DO SLEEP(10)
handler: HANDLER orders OPEN
lock: LOCK TABLES orders WRITE
flush: FLUSH TABLES WITH READ LOCK
for update: SELECT id FROM orders FOR UPDATE
share mode: SELECT id FROM orders LOCK IN SHARE MODE
sequence: SELECT NEXTVAL(numbers)
next value: SELECT NEXT VALUE FOR numbers
setval: SELECT SETVAL(numbers, 100)
variable: SELECT @a := 1
into variable: SELECT 1 INTO @a
function of a user: SELECT add_one()
view that calls it: SELECT v FROM writes
load file: SELECT LOAD_FILE('/etc/hostname')
sleep: SELECT SLEEP(10)
quoted sleep: SELECT \`sleep\`(10)
benchmark: SELECT BENCHMARK(1000000000, md5('a'))
get lock: SELECT GET_LOCK('a', 0)
procedure: SELECT id FROM orders PROCEDURE ANALYSE()
load data: LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders
analyze: ANALYZE UPDATE orders SET total = 1
explain: EXPLAIN UPDATE orders SET total = 1
kill: KILL 1
shutdown: SHUTDOWN
grant: GRANT ALL ON *.* TO reader
install: INSTALL SONAME 'ha_archive'
HOLES
hostile()
{
	echo "assize: 1"
	echo "targets: { shop: $1 }"
	echo "audits:"
	echo "  h:"
	echo "    target: shop"
	echo "    defaults: { timeout: 5s }"
	echo "    checks:"
	awk -F ': ' '{
		id = $1; gsub(/[^a-z]+/, "-", id); sql = substr($0, length($1) + 3); gsub(/\047/, "\047\047", sql)
		printf "      - { id: %s, sql: \047%s\047, expect: \">= 0\" }\n", id, sql }' holes
	echo "      - { id: where, rows: { table: orders, where: \"1); DELETE FROM orders; SELECT (1\" }, expect: \"< 1e9\" }"
	echo "      - { id: where-file, rows: { table: orders, where: \"1) INTO OUTFILE '$TMP/out/k' -- \" }, expect: \"< 1e9\" }"
	echo "      - { id: table, rows: 'orders\`; DELETE FROM orders; -- ', expect: \"< 1e9\" }"
	echo "      - { id: column, missing: { table: orders, columns: 'id\`) FROM orders; DELETE FROM orders; -- ' }, expect: \"< 1e9\" }"
}
state()
{
	local table
	# Not CHECKSUM TABLE: 10.11.18 answers differently from one call to the next.
	for table in shop.orders shop.customers shop.types mysql.global_priv mysql.db mysql.proc; do
		mariadb_sql "SELECT * FROM $table ORDER BY 1" | sha256sum
	done
	mariadb_sql "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1;
		SELECT next_not_cached_value FROM shop.numbers; SELECT COUNT(*) FROM shop.orders; SHOW MASTER STATUS"
	ls -lA --time-style=full-iso "$TMP/out"
}
before=$(state)
for role in reader writer; do
	password='${env:SHOP_PASSWORD}' accepts=
	[ $role = reader ] || { password=hunter23 accepts=", allow_writable_role: true"; }
	hostile "{ mysql: \"socket=$MARIADB_SOCKET user=$role dbname=shop\", password: \"$password\"$accepts }" >hostile.yaml
	run "$ASSIZE" run -f hostile.yaml --json
	is "hostile definition as $role: exit status" "$status" 2
	jq -r '.checks[] | "\(.name | ltrimstr("h/"))\t\(.outcome)\t\(.series[0].reason)"' <<<"$out" >verdicts
	is "all of them ran" "$(wc -l <verdicts)" $(($(wc -l <holes) + 4))
	while IFS=$'\t' read -r name outcome reason; do
		is "as $role, $name is undecided" "$outcome" undecided
		like "as $role, $name is refused with a reason" "$reason" 'cannot run the query|could not run the query|not one condition|READ ONLY|no such'
	done <verdicts
	is "as $role, rows, catalogs, privileges, sequence, binary log and files are as they were" "$(state)" "$before"
done
like "the reason names the act" "$(grep '^outfile-in-parentheses' verdicts)" 'it would write what it reads into a file, a table or a variable \(INTO\), and an audit only reads'
like "the transaction stops what a view would write" "$(grep '^view-that' verdicts)" 'READ ONLY transaction'

# ---- roles that could write are refused ----
cat >grants <<'GRANTS'
insert|GRANT INSERT ON shop.* TO u_insert
update|GRANT UPDATE ON shop.orders TO u_update
delete|GRANT DELETE ON *.* TO u_delete
column|GRANT SELECT (id), INSERT (id, total) ON shop.orders TO u_column
create|GRANT CREATE ON shop.* TO u_create
temporary|GRANT CREATE TEMPORARY TABLES ON shop.* TO u_temporary
drop|GRANT DROP ON shop.* TO u_drop
alter|GRANT ALTER ON shop.* TO u_alter
index|GRANT INDEX ON shop.* TO u_index
trigger|GRANT TRIGGER ON shop.* TO u_trigger
event|GRANT EVENT ON shop.* TO u_event
execute|GRANT EXECUTE ON shop.* TO u_execute
function|GRANT EXECUTE ON FUNCTION shop.add_one TO u_function
file|GRANT FILE ON *.* TO u_file
reload|GRANT RELOAD ON *.* TO u_reload
lock|GRANT LOCK TABLES ON shop.* TO u_lock
super|GRANT SUPER ON *.* TO u_super
shutdown|GRANT SHUTDOWN ON *.* TO u_shutdown
user|GRANT CREATE USER ON *.* TO u_user
all|GRANT ALL ON shop.* TO u_all
option|GRANT SELECT ON shop.* TO u_option WITH GRANT OPTION
proxy|GRANT PROXY ON reader TO u_proxy
role|CREATE ROLE writers; GRANT INSERT ON shop.* TO writers; GRANT writers TO u_role; SET DEFAULT ROLE writers FOR u_role
GRANTS
mariadb_sql "$(awk -F '|' '{ print "CREATE USER u_" $1 " IDENTIFIED BY \"x\"; GRANT SELECT ON shop.* TO u_" $1 "; " $2 ";" }' grants)" ||
	bail "the roles could not be made"
{
	printf 'assize: 1\ntargets:\n'
	sed "s|\([a-z]*\).*|  \1: { mysql: 'socket=$MARIADB_SOCKET user=u_\1 dbname=shop', password: x }|" grants
	printf 'audits:\n  p:\n    checks:\n'
	sed 's/|.*//; s/.*/      - { id: &, target: &, sql: "SELECT count(*) FROM orders", expect: "== 100" }/' grants
} >roles.yaml
run "$ASSIZE" run -f roles.yaml --json
printf '%s' "$out" >roles.json
is "roles that could write: exit status" "$status" 2
is "there is one for each grant" "$(jq '.checks | length' roles.json)" "$(wc -l <grants)"
refusal()
{
	jq -r ".checks[] | select(.name == \"p/$1\") | \"\(.outcome): \(.series[0].reason) \(.series[0].evidence // [] | join(\" \"))\"" roles.json
}
while read -r name privilege; do
	like "a role with $privilege is refused" "$(refusal "$name")" "undecided: cannot use target .$name.: its role could write: it has the privilege $privilege"
done <<'PRIVILEGES'
insert INSERT ON `shop`
update UPDATE ON `shop`.`orders`
delete DELETE ON
column INSERT ON `shop`.`orders`
create CREATE ON
temporary CREATE TEMPORARY TABLES
drop DROP
alter ALTER
index INDEX
trigger TRIGGER
event EVENT
execute EXECUTE
function EXECUTE ON FUNCTION
file FILE
reload RELOAD
lock LOCK TABLES
super SUPER
shutdown SHUTDOWN
user CREATE USER
all ALL PRIVILEGES
option GRANT OPTION
proxy PROXY
role INSERT
PRIVILEGES
like "and is told how to make another" "$(refusal file)" 'GRANT SELECT, SHOW VIEW ON .shop.*allow_writable_role: true'
mariadb_sql "GRANT UPDATE ON shop.* TO PUBLIC"
tells "what everybody may do counts" all 2 'it has the privilege UPDATE ON .shop..\*, which everybody has \(PUBLIC\)'
like "and the remedy is not another user" "$out" 'help: REVOKE ALL PRIVILEGES ON .shop..\* FROM PUBLIC, '
mariadb_sql "REVOKE UPDATE ON shop.* FROM PUBLIC; GRANT INSERT ON shop.* TO reader"
tells "a role that could write" all 2 'its role could write: it has the privilege INSERT'
sed -i 's/dbname=shop", /&allow_writable_role: true, /' assize.yaml
tells "can be accepted" all 0 'pass r/all'
sed -i 's/allow_writable_role: true, //' assize.yaml
mariadb_sql "REVOKE INSERT ON shop.* FROM reader"
mariadb_sql "CREATE ROLE clerk; GRANT DELETE ON shop.* TO clerk; GRANT clerk TO reader; SET DEFAULT ROLE clerk FOR reader"
tells "of a role it is told which" all 2 'it has the privilege DELETE ON .shop..\*, of the role .clerk'
mariadb_sql "DROP ROLE clerk"
mariadb_sql "CREATE USER ''@'%' IDENTIFIED BY '$SHOP_PASSWORD'; GRANT INSERT ON shop.* TO ''@'%'"
sed 's/user=reader/user=nobody_there/' assize.yaml >nobody.yaml
run "$ASSIZE" run -f nobody.yaml
like "a name that the server does not know is told" "$out" 'INSERT ON .shop..\*, that of the anonymous user: the server knows no other of this name'
mariadb_sql "DROP USER ''@'%'"

# ---- one snapshot for several sessions ----
cat >large.yaml <<YAML
assize: 1
targets: { shop: $target }
audits: { l: { target: shop, checks: [ { id: rows, rows: large, expect: "== 120000" } ] } }
YAML
sick "CREATE TABLE large (id INT PRIMARY KEY) SELECT seq AS id FROM seq_1_to_120000"
mariadb_sql "SET GLOBAL general_log_file = '$TMP/mariadb/statements', GLOBAL general_log = 1"
exits "a large table is counted" 0 "$ASSIZE" run -f large.yaml
mariadb_sql "SET GLOBAL general_log = 0"
ranges=$(grep -a 'FROM .large. WHERE .id. ' "$TMP/mariadb/statements")
ok "in several parts" [ "$(wc -l <<<"$ranges")" -ge 2 ]
mariadb_sql -D shop --delimiter=// "CREATE PROCEDURE move() BEGIN DECLARE i INT DEFAULT 0; WHILE i < 100000000 DO
	SET i = i + 1; UPDATE large SET id = -id WHERE id IN (i % 120000, -(i % 120000)); END WHILE; END"
mariadb_sql -D shop "CALL move()" 2>moved &
mover=$!
reap $mover
moving()
{
	[ "$(mariadb_sql "SELECT COUNT(*) FROM shop.large WHERE id < 0")" -gt 0 ]
}
wait_for moving || bail "nothing moves"
for attempt in 1 2 3; do
	exits "rows that move between the parts are counted once ($attempt)" 0 "$ASSIZE" run -f large.yaml
done
mariadb_sql "KILL CONNECTION $(mariadb_sql "SELECT id FROM information_schema.processlist WHERE info LIKE 'UPDATE large%' OR
	info LIKE 'CALL move%' LIMIT 1")" 2>killing
wait $mover 2>/dev/null
sick "DROP TABLE large; DROP PROCEDURE move"

# ---- time ----
# Long enough to be late on any machine.
silent="SELECT 0$(printf " * length(sha2(aes_encrypt(repeat('%s', 4000000), 'b'), 512))" a b c d e f g h i j k l)"
stubborn="SELECT 0 * length(replace(repeat('a', 250000), 'a', 'bbb'))"
is "MariaDB can interrupt a statement and give a value without an error" \
	"$(mariadb_sql "SET STATEMENT max_statement_time = 0.1 FOR $silent" 2>&1)" 0
cat >slow.yaml <<YAML
assize: 1
targets:
  shop: $target
  limited: { mysql: "socket=$MARIADB_SOCKET user=limited dbname=shop", password: x }
  brief: { mysql: "socket=$MARIADB_SOCKET user=reader dbname=shop", password: "\${env:SHOP_PASSWORD}", statement_timeout: 300ms }
  other: { mysql: "socket=$MARIADB_SOCKET user=reader dbname=shop", password: "\${env:SHOP_PASSWORD}" } # no turns with the slow ones
audits:
  t:
    target: shop
    checks:
      - { id: silent, timeout: 150ms, sql: "$silent", expect: "== 0" }
      - { id: stubborn, timeout: 300ms, sql: "$stubborn", expect: "== 0" }
      - { id: asleep, timeout: 300ms, sql: "SELECT v FROM slow", expect: "== 0" }
      - { id: busy, timeout: 400ms, sql: "SELECT count(*) FROM orders a, orders b, orders c, orders d, orders e, orders f", expect: "> 0" }
      - { id: stream, target: other, timeout: 400ms, sql: "SELECT a.id FROM orders a, orders b, orders c, orders d, orders e", expect: "> 0" }
      - { id: brief, target: brief, sql: "SELECT v FROM slow", expect: "== 0" }
      - { id: limited, target: limited, sql: "SELECT v FROM slow", expect: "== 0" }
      - { id: fine, sql: "SELECT count(*) FROM orders", expect: "== 100" }
YAML
mariadb_sql "CREATE USER limited IDENTIFIED BY 'x' WITH MAX_STATEMENT_TIME 0.3; GRANT SELECT ON shop.* TO limited"
begin=$SECONDS
run "$ASSIZE" run -f slow.yaml --json
verdict()
{
	jq -r ".checks[] | select(.name == \"t/$1\") | \"\(.outcome): \(.series[0].reason)\"" "$TMP/.stdout"
}
for check in silent stubborn asleep busy brief limited; do
	like "$check: what is late is no value" "$(verdict $check)" 'undecided: could not finish the query: it took longer than'
done
like "stream: rows that nobody wants are not waited for" "$(verdict stream)" 'undecided: .*(several rows|took longer)'
like "and the sessions after it are fine" "$(verdict fine)" pass
ok "at their deadlines" [ $((SECONDS - begin)) -lt 8 ]
no_queries()
{
	[ "$(mariadb_sql "SELECT COUNT(*) FROM information_schema.processlist WHERE user <> 'root' AND command = 'Query'
		AND info NOT LIKE '%replace(%'")" = 0 ]
}
ok "nothing goes on in the server that can be ended" wait_for no_queries

# ---- connections ----
victim()
{
	mariadb_sql "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND info LIKE '%slow%'" | grep .
}
sed 's/timeout: 300ms, //' slow.yaml >killed.yaml
"$ASSIZE" run -f killed.yaml t/asleep >killed 2>&1 &
killed=$!
reap $killed
wait_for victim && mariadb_sql "KILL CONNECTION $(victim)"
wait $killed
is "a killed connection: exit status" $? 2
like "a killed connection is said to be lost" "$(cat killed)" 'undecided t/asleep no value .*(the connection to target .shop. was lost|Query execution was interrupted)'

SHOP_PASSWORD=geheim77 run "$ASSIZE" run r/all
is "a wrong password: exit status" "$status" 2
like "a wrong password is said" "$out$err" 'could not connect to target "shop": Access denied for user .reader.*look at .user. and at .password.'
SHOP_PASSWORD=geheim77 run "$ASSIZE" run r/all --json
unlike "and shown nowhere" "$out$err$(strings -a .assize/record.db*)" 'geheim77|hunter22'
place()
{
	printf 'assize: 1\ntargets: { shop: { mysql: "%s", password: hunter22 } }\naudits: { c: { target: shop, checks: [ { id: c, rows: orders, expect: "== 100" } ] } }\n' \
		"$1" >place.yaml
	run "$ASSIZE" run -f place.yaml
	printf '%s' "$status $out$err"
}
like "values can be quoted" "$(place "socket = '$MARIADB_SOCKET' user='rea\\\\der' dbname=shop")" '^0 '
like "an unknown keyword is named" "$(place "sokcet=/x user=reader dbname=shop")" '^3 place.yaml:2:.*unknown keyword "sokcet".*did you mean "socket"'
like "a database must be named" "$(place "socket=$MARIADB_SOCKET user=reader")" '^3 place.yaml:2:.*does not say which database.*dbname=NAME'
like "one that is not there" "$(place "socket=$MARIADB_SOCKET user=reader dbname=nosuch")" '^2 .*could not connect.*look at `dbname`'
like "a port is a number" "$(place "host=h port=x user=reader dbname=shop")" '^3 place.yaml:2:.*"x" is no port'
like "a path is absolute" "$(place "host=h ssl_ca=ca.pem user=reader dbname=shop")" '^3 place.yaml:2:.*ssl_ca must be an absolute path'
like "verifying needs an authority" "$(place "host=h ssl_verify=on user=reader dbname=shop")" '^3 place.yaml:2:.*which authority to trust'
like "a host is no connection string" "$(place "host='x=y;z' user=reader dbname=shop")" '^3 place.yaml:2:.*is no host'
like "a URI is told, with the form there is" "$(place "mysql://reader@127.0.0.1/shop")" '^3 place.yaml:2:.*it is a URI.*help: write "host=db '
like "so is a word alone" "$(place "host=h dbname=shop user")" '^3 place.yaml:2:.*"user" has no value.*help: write "host=db '
like "a string of the environment is read when it is used" "$(PLACE=mysql://reader@h/shop place '${env:PLACE}')" '^2 .*it is a URI'
like "a server that does not encrypt is not used when it must" "$(place "socket=$MARIADB_SOCKET user=reader dbname=shop ssl=on")" '^2 .*(SSL|TLS|does not encrypt)'
like "a server that is not there" "$(place "socket=$TMP/nosuch user=reader dbname=shop")" '^2 .*could not connect.*is the server running'
mariadb_stop

# ---- TLS, over the loopback ----
for name in ca other; do
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" -keyout $name.key -out $name.pem 2>openssl
done
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2>>openssl
printf 'subjectAltName=DNS:localhost\n' >san
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem 2>>openssl
chmod 644 server.key server.pem ca.pem
free_port
mariadb_start --skip-networking=0 --bind-address=127.0.0.1 --port="$port" --ssl-ca="$TMP/ca.pem" --ssl-cert="$TMP/server.pem" \
	--ssl-key="$TMP/server.key" || bail "the server did not start with TLS"
tls="port=$port user=reader dbname=shop"
like "an encrypted connection" "$(place "host=127.0.0.1 $tls ssl=on")" '^0 '
like "to a server whose name is verified" "$(place "host=localhost $tls ssl_ca=$TMP/ca.pem ssl_verify=on")" '^0 '
like "another name is refused" "$(place "host=127.0.0.1 $tls ssl_ca=$TMP/ca.pem ssl_verify=on")" '^2 .*could not connect.*ssl_ keywords'
like "another authority, too" "$(place "host=localhost $tls ssl_ca=$TMP/other.pem")" '^2 .*could not connect.*ssl_ keywords'
done_testing
