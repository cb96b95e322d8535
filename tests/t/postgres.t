#!/bin/bash
# The database kinds on a PostgreSQL server, and everything that must not happen to it: writes by way
# of functions, wrappers that are broken out of, roles that could write, sessions that are lost,
# secrets that show.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
cd "$TMP"

postgres_start
admin postgres "CREATE DATABASE shop" "CREATE ROLE audit LOGIN PASSWORD 'hunter2-secret'" \
	"GRANT pg_read_all_data TO audit"
admin shop "
CREATE TABLE orders (id bigint PRIMARY KEY, email text, state text NOT NULL, total numeric(10, 2),
	placed_at timestamptz NOT NULL, is_paid boolean, raw bytea);
INSERT INTO orders SELECT i, CASE WHEN i % 10 > 0 THEN 'a@b.c' END, 'paid', i * 1.25,
	now() - i * interval '1 second', true, '\\x00ff' FROM generate_series(1, 1000) i;
CREATE VIEW paid AS SELECT * FROM orders WHERE state = 'paid';
CREATE SEQUENCE numbers;"

target="host=$POSTGRES port=$POSTGRES_PORT dbname=shop user=audit"

# A definition: lines of checks on stdin; $1 = connection string, $2 = further keys of the target.
define()
{
	rm -rf .assize
	{
		echo 'assize: 1'
		echo "targets: { shop: { postgres: \"$1\"${2:+, $2} } }"
		echo 'audits: { a: { target: shop, checks: ['
		cat
		echo '] } }'
	} >assize.yaml
}

# tells CLAIM CHECK REGEX: what the last run said about one check.
declare -A said
heard=
hear()
{
	local line name
	said=()
	while read -r line; do
		[[ $line =~ ^[^\ ]+\ [0-9]+/[0-9]+\ ([A-Za-z]+\ a/([^\ {]+).*) ]] || continue
		name=${BASH_REMATCH[2]}
		said[$name]=${BASH_REMATCH[1]}
	done <<<"$out"
	heard=$out
}
tells()
{
	[ "$out" = "$heard" ] || hear
	like "$1" "${said[$2]-}" "$3"
}

# ---- the kinds ----

define "$target" <<'YAML'
  { id: sql, sql: "SELECT count(*) FROM orders -- all of them", expect: "== 1000" },
  { id: labels, sql: { query: "SELECT state, count(*) FROM orders GROUP BY 1;", labels: [state] }, expect: "== 1000" },
  { id: rows, rows: orders, expect: "== 1000" },
  { id: segment, rows: { table: public.paid, where: "id <= 10 -- few" }, expect: "== 10" },
  { id: missing, missing: { table: orders, columns: [email, state] }, expect: "<= 10%" },
  { id: fresh, freshness: { table: orders, column: placed_at }, expect: "< 1h" },
  { id: schema, schema: { table: orders, columns: { id: { type: bigint, key: primary }, state: { type: text, nullable: false } } } },
YAML
exits "intact: every kind passes" 0 "$ASSIZE" run
is "and each check did" "$(printf '%s\n' "$out" | grep -c ' pass a/')" 7
admin shop "UPDATE orders SET email = NULL WHERE id = 1; DELETE FROM orders WHERE id = 2"
exits "broken: the run fails" 1 "$ASSIZE" run
tells "one row gone" rows 'FAIL a/rows 999 rows'
tells "one value gone" missing 'FAIL a/missing\{column="email"\} 10\.11 %'
admin shop "ALTER TABLE orders RENAME COLUMN state TO status; ALTER TABLE paid RENAME TO pai_d"
exits "renamed: nothing is believed" 1 "$ASSIZE" run
tells "column gone from the query" labels 'undecided .*column "state" does not exist'
tells "column gone from the schema" schema 'FAIL .*1 difference'
tells "view gone" segment 'undecided .*relation "public.paid" does not exist'
like "and the one that was meant is named" "$out" 'did you mean "pai_d"'
admin shop "ALTER TABLE orders RENAME COLUMN status TO state; ALTER TABLE pai_d RENAME TO paid" \
	"INSERT INTO orders VALUES (2, 'a@b.c', 'paid', 2.5, now(), true)"

# The demo's own words about its shop, taken from the demo.
admin shop "CREATE TABLE execution_tasks (id integer PRIMARY KEY, owner text, state text NOT NULL,
	updated_at timestamptz NOT NULL, ai_model text NOT NULL DEFAULT 'none')" \
	"INSERT INTO execution_tasks SELECT i, 'team-' || i % 7, 'done', now() FROM generate_series(1, 5000) i"
{
	printf 'assize: 1\ntargets: { shop: { postgres: "%s" } }\n' "$target"
	sed -n '/^\t\taudits:/,/^\t\t  service:/p' "$ROOT/tests/demo/run" | sed 's/^\t\t//; /^  service:/d'
} >demo.yaml
exits "the demo's definition holds for PostgreSQL as it is" 0 "$ASSIZE" run -f demo.yaml
admin shop "ALTER TABLE execution_tasks DROP COLUMN ai_model"
exits "and finds there what it finds in SQLite" 1 "$ASSIZE" run -f demo.yaml
like "the missing column" "$out" 'FAIL tasks/columns.*ai_model'

# ---- values ----

define "$target" <<'YAML'
  { id: int, sql: "SELECT 9223372036854775807", expect: "== 9223372036854775807" },
  { id: whole, sql: "SELECT 12.00::numeric", expect: "== 12" },
  { id: fraction, sql: "SELECT -0.25::numeric", expect: "== -0.25" },
  { id: huge, sql: "SELECT 1e30::numeric", expect: "> 1e29" },
  { id: float, sql: "SELECT 1.5e300::float8", expect: "> 1e300" },
  { id: bool, sql: "SELECT is_paid FROM orders WHERE id = 1", expect: "== 1" },
  { id: date, sql: "SELECT date '2026-11-25'", expect: "== '2026-11-25'" },
  { id: zoned, sql: "SELECT timestamptz '2026-11-25 14:00:00.5+02'", expect: "== '2026-11-25T12:00:00.5Z'" },
  { id: local, sql: "SELECT timestamp '2026-11-25 14:00:00'", expect: "== '2026-11-25T14:00:00'" },
  { id: text, sql: "SELECT 'nöel'::varchar", expect: "== 'nöel'" },
  { id: nan, sql: "SELECT 'NaN'::numeric", expect: "!= 1" },
  { id: infinity, sql: "SELECT '-Infinity'::float8", expect: "!= 1" },
  { id: "null", sql: "SELECT max(id) FROM orders WHERE false", expect: "!= 1" },
  { id: blob, sql: "SELECT raw FROM orders WHERE id = 5", expect: "!= 1" },
  { id: nothing, sql: "SELECT 1 WHERE false", expect: "!= 1" },
  { id: several, sql: "SELECT id FROM orders", expect: "!= 1" },
YAML
run "$ASSIZE" run
for check in int whole fraction huge float bool date zoned local text; do
	tells "value: $check" $check "^pass "
done
tells "NaN is no measurement" nan 'undecided .*NaN'
tells "infinity is no measurement" infinity 'undecided .*infin'
tells "NULL is no measurement" null 'undecided .*NULL'
tells "bytea is no measurement" blob 'undecided .*blob'
tells "no row is no measurement" nothing 'undecided .*no rows'
tells "a thousand rows are not one value, and are not waited for" several 'undecided .*several rows'

# ---- read-only: every hole, as a reader and as a superuser ----

admin shop "
CREATE FUNCTION loud() RETURNS int LANGUAGE plpgsql AS
	\$\$ BEGIN PERFORM pg_notify('a', 'b'); INSERT INTO orders SELECT * FROM orders; RETURN 1; END \$\$;
CREATE FUNCTION computed(orders) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT loud()';
CREATE FUNCTION add_loud(int, int) RETURNS int LANGUAGE sql AS 'SELECT loud()';
CREATE OPERATOR @+@ (LEFTARG = int, RIGHTARG = int, FUNCTION = add_loud);
CREATE AGGREGATE sum_loud(int) (SFUNC = add_loud, STYPE = int);
CREATE FUNCTION quiet(int DEFAULT loud()) RETURNS int LANGUAGE sql STABLE AS 'SELECT \$1';
CREATE FUNCTION is_loud(text) RETURNS boolean LANGUAGE sql AS 'SELECT loud() = 1';
CREATE DOMAIN loud_text AS text CHECK (is_loud(VALUE));
CREATE DOMAIN louder_text AS loud_text;
CREATE VIEW loud_view AS SELECT loud() AS n;
CREATE VIEW calm_view AS SELECT n FROM loud_view;
CREATE VIEW lo_view AS SELECT lo_create(0) AS n;
CREATE TABLE guarded (id int);
INSERT INTO guarded VALUES (1);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (loud() = 1);
CREATE SCHEMA ext;
CREATE EXTENSION dblink SCHEMA ext;
CREATE EXTENSION tablefunc SCHEMA ext;
CREATE FUNCTION \"Odd \"\"Name\"() RETURNS int LANGUAGE sql AS 'SELECT loud()';
GRANT USAGE ON SCHEMA ext TO audit;
GRANT CREATE ON DATABASE shop TO postgres;"

# id | SQL | what is said
holes=$(cat <<'HOLES'
lo-create|SELECT lo_create(0)|lo_create\(\)
lo-bytea|SELECT lo_from_bytea(0, 'x')|lo_from_bytea\(\)
lo-unlink|SELECT lo_unlink(1)|lo_unlink\(\)
lo-import|SELECT lo_import('/etc/passwd')|lo_import\(\)
notify|SELECT pg_notify('a', 'b')|pg_notify\(\)
advisory|SELECT pg_advisory_lock(1)|pg_advisory_lock\(\)
advisory-try|SELECT pg_try_advisory_lock(1)|pg_try_advisory_lock\(\)
emit|SELECT pg_logical_emit_message(false, 'a', 'b')|pg_logical_emit_message\(\)
xid|SELECT txid_current()|txid_current\(\)
xid8|SELECT pg_current_xact_id()|pg_current_xact_id\(\)
xml|SELECT query_to_xml('SELECT lo_create(0)', true, true, '')|query_to_xml\(\)
xml-table|SELECT table_to_xml('loud_view', true, true, '')|table_to_xml\(\)
xml-schema|SELECT schema_to_xml('public', true, true, '')|schema_to_xml\(\)
stat|SELECT ts_stat('SELECT loud()::text::tsvector')|ts_stat\(\)
set|SELECT set_config('statement_timeout', '0', false)|set_config\(\)
set-role|SELECT set_config('transaction_read_only', 'off', true)|set_config\(\)
dblink|SELECT ext.dblink('dbname=shop', 'SELECT 1')|ext\.dblink\(\)
crosstab|SELECT * FROM ext.crosstab('SELECT loud()') AS t(a text, b text)|ext\.crosstab\(\)
read-file|SELECT pg_read_file('/etc/passwd')|pg_read_file\(\)
read-binary|SELECT pg_read_binary_file('/etc/passwd')|pg_read_binary_file\(\)
ls-dir|SELECT pg_ls_dir('.')|pg_ls_dir\(\)
nextval|SELECT nextval('numbers')|nextval\(\)
setval|SELECT setval('numbers', 7)|setval\(\)
terminate|SELECT pg_terminate_backend(pg_backend_pid())|pg_terminate_backend\(\)
cancel|SELECT pg_cancel_backend(pg_backend_pid())|pg_cancel_backend\(\)
reload|SELECT pg_reload_conf()|pg_reload_conf\(\)
snapshot|SELECT pg_export_snapshot()|pg_export_snapshot\(\)
switch-wal|SELECT pg_switch_wal()|pg_switch_wal\(\)
volatile|SELECT loud()|public\.loud\(\), which is VOLATILE
qualified|SELECT shop . /* x */ public . "loud" ( )|public\.loud\(\)
odd-name|SELECT "Odd ""Name"()|public\.Odd "Name\(\)
upper|SELECT PG_CATALOG.LO_CREATE (0)|lo_create\(\)
column|SELECT orders.computed FROM orders|public\.computed\(\)
operator|SELECT 1 @+@ 2|public\.add_loud\(\)
aggregate|SELECT sum_loud(1)|public\.add_loud\(\)
default|SELECT quiet()|public\.loud\(\)
domain|SELECT 'x'::loud_text|public\.is_loud\(\)
domain-of-domain|SELECT CAST('x' AS louder_text)|public\.is_loud\(\)
domain-array|SELECT '{x}'::loud_text[]|public\.is_loud\(\)
view|SELECT n FROM loud_view|public\.loud\(\)
view-of-view|SELECT n FROM calm_view|public\.loud\(\)
view-of-lo|SELECT n FROM lo_view|lo_create\(\)
policy|SELECT count(*) FROM guarded|public\.loud\(\)
from|SELECT * FROM loud()|public\.loud\(\)
nested|SELECT (SELECT count(*) FROM orders WHERE id = loud())|public\.loud\(\)
cte|WITH x AS MATERIALIZED (SELECT loud() AS n) SELECT n FROM x|public\.loud\(\)
folded|EXPLAIN SELECT lo_create(0)|lo_create\(\)
insert|INSERT INTO orders (id) VALUES (0) RETURNING 1|audit only reads
insert-cte|WITH x AS (INSERT INTO orders SELECT * FROM orders RETURNING 1) SELECT count(*) FROM x|top level
delete-cte|WITH x AS (DELETE FROM orders RETURNING 1) TABLE x|top level
into|SELECT 1 AS n INTO new_table|could not run the query
for-update|SELECT id FROM orders WHERE id = 1 FOR UPDATE|read-only transaction
commit|COMMIT|audit only reads
end|END|audit only reads
read-write|SET TRANSACTION READ WRITE|audit only reads
set-session|SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE|audit only reads
do|DO 'BEGIN PERFORM lo_create(0); END'|audit only reads
copy|COPY orders TO PROGRAM 'touch copied'|audit only reads
call|CALL x()|audit only reads
create|CREATE TEMP TABLE t (i int)|audit only reads
truncate|TRUNCATE orders|audit only reads
listen|LISTEN a|audit only reads
lock|LOCK TABLE orders|audit only reads
vacuum|VACUUM orders|audit only reads
prepare|PREPARE p AS SELECT 1|audit only reads
declare|DECLARE c CURSOR WITH HOLD FOR SELECT 1|audit only reads
several|SELECT 1; DROP TABLE orders|several statements
several-commit|SELECT 1; COMMIT; DELETE FROM orders|several statements
close|SELECT 1) q; DROP TABLE orders; --|closes none
close-select|SELECT 1) q, lo_create(0) x --|closes none
close-comment|SELECT 1) q; DELETE FROM orders; /*|closes none
close-union|SELECT 1) q UNION SELECT lo_create(0) FROM (SELECT 1|closes none
open|SELECT (1|is not closed
comment|SELECT 1 /* /* */|is not closed
quote|SELECT 'a|is not closed
dollar|SELECT $a$ x $b$|is not closed
nested-comment|SELECT 1 /* /* */ ) q; DROP TABLE orders -- */ */|
backslash|SELECT '\') q; DROP TABLE orders; --'|closes none
escape-goes-on|SELECT E'a' 'b'|goes on
unicode-name|SELECT U&"lo\005fcreate"(0)|U&
number|SELECT 1e5$a$ x $a$|runs into a word
analyze|EXPLAIN ANALYZE SELECT 1|audit only reads
analyze-option|EXPLAIN (ANALYZE) SELECT 1|ANALYZE
analyze-quoted|EXPLAIN ("analyze" true) SELECT 1|ANALYZE
analyse|EXPLAIN (COSTS, ANALYSE) SELECT 1|ANALYZE
explain-insert|EXPLAIN INSERT INTO orders (id) VALUES (0)|audit only reads
long-name|SELECT lo_create_______________________________________________________x(0)|longer than 63
nothing|-- only a comment|no statement
semicolon|;;|
HOLES
)

fingerprint()
{
	admin shop "SELECT count(*), max(id), md5(string_agg(o::text, '' ORDER BY id)) FROM orders o" \
		"SELECT count(*) FROM pg_largeobject_metadata" \
		"SELECT last_value, is_called FROM numbers" \
		"SELECT count(*), max(oid) FROM pg_class" "SELECT count(*), max(oid) FROM pg_proc" \
		"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'" \
		"SELECT count(*) FROM pg_prepared_statements" \
		"SELECT pg_snapshot_xmax(pg_current_snapshot())" \
		"SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1" \
		"SELECT pg_notification_queue_usage()"
	ls "$POSTGRES/data" "$TMP"
}

# Are they as they should be, for one role?
attack()
{
	local who=$1 id sql want before

	while IFS='|' read -r id sql want; do
		[ "$id" != semicolon ] || continue # the definition refuses it
		printf "  { id: h-%s, sql: '%s', expect: '!= 77' },\n" "$id" "${sql//\'/\'\'}"
	done <<<"$holes" | define "$2" "$3"
	run "$ASSIZE" check
	before=$(fingerprint)
	exits "$who: a hostile definition is undecided" 2 "$ASSIZE" run
	isnt "$who: no check of it passes" "$(printf '%s\n' "$out" | grep -c ' undecided a/h-')" 0
	unlike "$who: none is believed" "$out" ' pass a/| FAIL a/'
	while IFS='|' read -r id sql want; do
		[ "$id" != semicolon ] || continue
		tells "$who: $id" "h-$id" "^undecided .*${want:-query}"
	done <<<"$holes"
	is "$who: the server is as it was" "$(fingerprint)" "$before"
}

attack reader "$target" ""
attack superuser "${target/user=audit/user=postgres}" "allow_writable_role: true"
define "$target" <<<"  { id: h, sql: \";;\", expect: '== 1' }"
exits "a query of semicolons is no definition" 3 "$ASSIZE" check

# What only looks like one of them is no hole.
define "$target" <<'YAML'
  { id: literal, sql: "SELECT count(*) FROM orders WHERE state <> 'pg_notify(1)' AND state <> $$lo_create(0)$$", expect: "> 0" },
  { id: comment, sql: "SELECT 1 -- ) lo_create(0); DROP TABLE orders", expect: "== 1" },
  { id: nested, sql: "SELECT /* ) /* ( */ ; */ 1", expect: "== 1" },
  { id: quoted, sql: "SELECT \"a)\" FROM (SELECT 1 AS \"a)\") x", expect: "== 1" },
  { id: escaped, sql: "SELECT length(E'\\'')", expect: "== 1" },
  { id: parens, sql: "(SELECT 1)", expect: "== 1" },
  { id: table, sql: "TABLE guarded_not LIMIT 1", expect: "== 1" },
  { id: "values", sql: "VALUES (1)", expect: "== 1" },
  { id: sleep, sql: "SELECT count(pg_sleep(0))", expect: "== 1" },
  { id: random, sql: "SELECT count(*) FROM orders WHERE random() < 2", expect: "> 0" },
  { id: size, sql: "SELECT pg_total_relation_size('orders')", expect: "> 0" },
  { id: locks, sql: "SELECT count(*) FROM pg_locks", expect: "> 0" },
  { id: explain, sql: "EXPLAIN (FORMAT JSON) SELECT * FROM orders", expect: "matches /Seq Scan/" },
  { id: order, sql: "SELECT id FROM orders ORDER BY id DESC LIMIT 1", expect: "== 1000" },
YAML
admin shop "CREATE TABLE guarded_not AS SELECT 1 AS n"
run "$ASSIZE" run
for check in literal comment nested quoted escaped parens table values sleep random size locks explain order; do
	tells "no hole: $check" $check '^pass '
done

# ---- roles ----

# refuses CLAIM SETUP UNDO WHAT: the role is refused after SETUP.
define "$target" <<<"  { id: n, sql: SELECT 1, expect: '== 1' }"
refuses()
{
	admin shop "$2"
	run "$ASSIZE" run
	tells "role: $1" n "undecided .*cannot audit as role \"audit\": it $4"
	admin shop "$3"
}
refuses "superuser" "ALTER ROLE audit SUPERUSER" "ALTER ROLE audit NOSUPERUSER" "is a superuser"
like "and how to make a reading role is said" "$out" 'help: make a reading role: CREATE ROLE audit LOGIN.*GRANT pg_read_all_data'
for role in pg_write_server_files pg_execute_server_program pg_write_all_data; do
	refuses "$role" "GRANT $role TO audit" "REVOKE $role FROM audit" "is a member of $role"
done
refuses "CREATEROLE" "ALTER ROLE audit CREATEROLE" "ALTER ROLE audit NOCREATEROLE" "can create roles"
refuses "CREATEDB" "ALTER ROLE audit CREATEDB" "ALTER ROLE audit NOCREATEDB" "can create databases"
refuses "REPLICATION" "ALTER ROLE audit REPLICATION" "ALTER ROLE audit NOREPLICATION" "can replicate"
refuses "owner of a table" "ALTER TABLE orders OWNER TO audit" "ALTER TABLE orders OWNER TO postgres" \
	"owns public.orders"
for what in INSERT UPDATE DELETE TRUNCATE; do
	refuses "$what on a table" "GRANT $what ON orders TO audit" "REVOKE $what ON orders FROM audit" \
		"has $what on public.orders"
done
like "and how to revoke it" "$out" 'help: REVOKE TRUNCATE ON public.orders FROM audit; or make a reading role: CREATE'
refuses "UPDATE on a column" "GRANT UPDATE (state) ON orders TO audit" \
	"REVOKE UPDATE (state) ON orders FROM audit" "has UPDATE on public.orders"
refuses "a grant to everybody" "GRANT DELETE ON paid TO PUBLIC" "REVOKE DELETE ON paid FROM PUBLIC" \
	"has DELETE on public.paid"
refuses "CREATE on a schema" "GRANT CREATE ON SCHEMA public TO audit" \
	"REVOKE CREATE ON SCHEMA public FROM audit" "has CREATE on schema public"
refuses "CREATE on the database" "GRANT CREATE ON DATABASE shop TO audit" \
	"REVOKE CREATE ON DATABASE shop FROM audit" "has CREATE on database shop"
admin shop "CREATE ROLE boss SUPERUSER" "GRANT boss TO audit" "ALTER ROLE audit NOINHERIT"
run "$ASSIZE" run
tells "role: membership that only SET ROLE would use" n 'is a member of boss'
admin shop "REVOKE boss FROM audit" "ALTER ROLE audit INHERIT"
exits "a reading role is taken again" 0 "$ASSIZE" run
define "${target/user=audit/user=postgres}" "allow_writable_role: true" \
	<<<"  { id: n, sql: SELECT 1, expect: '== 1' }"
exits "allow_writable_role takes any" 0 "$ASSIZE" run

# A role's own settings change nothing.
admin shop "ALTER ROLE audit SET standard_conforming_strings = off" \
	"ALTER ROLE audit SET TimeZone = 'Asia/Tokyo'" "ALTER ROLE audit SET DateStyle = 'German'" \
	"ALTER ROLE audit SET bytea_output = 'escape'" "ALTER ROLE audit SET default_transaction_read_only = off"
define "$target" <<'YAML'
  { id: backslash, sql: "SELECT length('\\')", expect: "== 1" },
  { id: hidden, sql: "SELECT '\\'', lo_create(0), '\\''", expect: "!= 77" },
  { id: time, sql: "SELECT timestamptz '2026-11-25 12:00:00Z'", expect: "== '2026-11-25T12:00:00Z'" },
YAML
run "$ASSIZE" run
tells "a backslash is a character" backslash '^pass '
tells "and hides no call" hidden '^undecided .*syntax error'
tells "times are UTC" time '^pass '
admin shop "ALTER ROLE audit RESET ALL"

# ---- policies: what they hide is not passed over ----

admin shop "CREATE TABLE hidden (id int, at timestamptz, ok boolean)" \
	"INSERT INTO hidden SELECT i, now(), i < 3 FROM generate_series(1, 5) i" \
	"ALTER TABLE hidden ENABLE ROW LEVEL SECURITY" "CREATE POLICY part ON hidden USING (ok)" \
	"CREATE VIEW all_of_hidden AS SELECT * FROM hidden"
define "$target" <<'YAML'
  { id: rows, rows: hidden, expect: "< 5" },
  { id: sql, sql: "SELECT count(*) FROM hidden", expect: "< 5" },
  { id: missing, missing: { table: hidden, columns: id }, expect: "== 0" },
  { id: owner, rows: all_of_hidden, expect: "== 5" },
  { id: other, rows: orders, expect: "> 0" },
YAML
run "$ASSIZE" run
for check in rows sql missing; do
	tells "rows that a policy hides: $check" $check \
		'undecided .*query would be affected by row-level security policy for table "hidden"'
done
like "and what to do is said" "$out" 'ALTER ROLE "audit" BYPASSRLS, or read a view whose owner sees all rows'
unlike "which is no grant" "$out" 'GRANT SELECT ON'
tells "a view of the owner shows all" owner '^pass '
tells "and the others are read" other '^pass '
admin shop "ALTER ROLE audit BYPASSRLS"
run "$ASSIZE" run
tells "a role that sees all rows counts all" rows '^FAIL a/rows 5 rows'
admin shop "ALTER ROLE audit NOBYPASSRLS"

mkdir written && cd written
run "$ASSIZE" init --postgres "$target"
is "init on such a database" "$status" 0
like "tells what it left out" "$out$err" 'rows of "hidden" not looked at: a policy hides them from the role; give it BYPASSRLS'
exits "and what it wrote passes" 0 "$ASSIZE" run
like "with the columns" "$out" 'hidden-columns'
unlike "and no rows of it" "$out" 'hidden-rows'
cd "$TMP"
admin shop "DROP VIEW all_of_hidden; DROP TABLE hidden"

mkdir unread && cd unread
admin shop "CREATE ROLE outsider LOGIN; CREATE TABLE half (id int NOT NULL, a int, b int); INSERT INTO half VALUES (1, 1, 1)" \
	"GRANT SELECT (id, a) ON half TO outsider"
exits "init by a role that may read little" 0 "$ASSIZE" init --postgres "${target/user=audit/user=outsider}"
like "tells of which tables there is next to nothing" "$err" \
	'shop: only the columns of "orders" are checked: could not run the query: permission denied for table orders'
like "and of which not all" "$err" 'shop: 1 check of "half" left out: could not run the query: permission denied for table half'
unlike "it is told by the half of it that it may read" "$err" 'only the columns of "half"'
rm assize.yaml
exits "init by a role that may read all" 0 "$ASSIZE" init --postgres "$target"
unlike "has no such words" "$err" 'only the columns|left out:'
cd "$TMP"
admin shop "DROP TABLE half; DROP ROLE outsider"

mkdir zone && cd zone
admin shop "ALTER ROLE audit SET TimeZone = 'America/New_York'" "CREATE TABLE clock (made timestamp); CREATE TABLE utc (made timestamptz)" \
	"INSERT INTO clock VALUES (now() AT TIME ZONE 'America/New_York'); INSERT INTO utc VALUES (now())"
exits "init where the clock is another" 0 "$ASSIZE" init --postgres "$target"
like "says so of times without a zone" "$(cat assize.yaml)" \
	'clock-fresh # newest row is [^h]* old by .*freshness: . table: clock, column: made, zone: "America/New_York" .[^<]*"< 1h"'
like "and of no others" "$(cat assize.yaml)" 'freshness: . table: utc, column: made }'
rm assize.yaml
admin shop "ALTER ROLE audit SET TimeZone = '<+0530>-05:30'"
exits "where its zone has no name" 0 "$ASSIZE" init --postgres "$target"
like "its offset stands for it" "$(cat assize.yaml)" 'table: clock, column: made, zone: "\+05:30"'
exits "which holds" 0 "$ASSIZE" run
rm assize.yaml
admin shop "ALTER ROLE audit SET TimeZone = 'XST5XDT'"
exits "where its zone has neither" 0 "$ASSIZE" init --postgres "$target"
like "that is told" "$err" 'no check of the age of 1 column without a time zone: .*"XST5XDT", which is no name'
unlike "and none is guessed" "$(cat assize.yaml)" 'clock-fresh'
cd "$TMP"
admin shop "DROP TABLE clock, utc"

# ---- what is compared and is no number ----

admin shop "CREATE TABLE prices (price money)" "INSERT INTO prices VALUES (12.5::money)"
define "$target" <<'YAML'
  { id: money, aggregate: { table: prices, column: price }, expect: { max: "> 12" } },
  { id: cast, aggregate: { table: prices, expression: '"price"::numeric' }, expect: { max: "== 12.5" } },
YAML
run "$ASSIZE" run
like "money is no number" "$out" 'undecided a/money:max no value .*the value is not a number'
like "and the cast is told" "$out" "help: cast money or text: expression: '\"price\"::numeric';"
like "which helps" "$out" "pass a/cast:max 12\.5"
admin shop "DROP TABLE prices"

# ---- schemas that are not in the search path ----

admin shop "CREATE SCHEMA billing" "CREATE TABLE billing.invoices (id bigint PRIMARY KEY)" "CREATE VIEW billing.open AS SELECT 1 AS one" \
	"CREATE DATABASE elsewhere"
admin elsewhere "CREATE SCHEMA billing" "CREATE TABLE billing.invoices (id bigint)" "GRANT USAGE ON SCHEMA billing TO audit"
define "$target" <<'YAML'
  { id: rows, rows: invoices, expect: "> 0" },
YAML
exits "a table of another schema is not found by its bare name" 2 "$ASSIZE" run
like "where it is is said" "$out" 'did you mean "billing\.invoices"\? Its schema is not in the search path'
away='2 tables and views are in schemas beside the search path \(billing\); for those, add options=.-c search_path=public,billing. to the connection'
exits "a snapshot is of the search path" 0 "$ASSIZE" schema capture shop -o shop.json
like "and what is not in it is said" "$err" "^assize: target \"shop\": $away"
unlike "it is not in it" "$(cat shop.json)" invoices
mkdir path && cd path
exits "init takes the search path" 0 "$ASSIZE" init --postgres "$target"
like "and says what it left out" "$out$err" "$away"
rm assize.yaml
exits "where nothing is in the search path" 3 "$ASSIZE" init --postgres "${target/dbname=shop/dbname=elsewhere}"
like "it says so, and what to do" "$err" 'no table in the search path of .*help: 1 table or view is in schemas beside the search path \(billing\)'
exits "which helps" 0 "$ASSIZE" init --postgres "${target/dbname=shop/dbname=elsewhere} options='-c search_path=billing'"
rm assize.yaml
admin elsewhere "DROP SCHEMA billing CASCADE" 'CREATE SCHEMA "Sal\es '\''"" Dept"' 'CREATE TABLE "Sal\es '\''"" Dept".invoices (id bigint)'
run "$ASSIZE" init --postgres "${target/dbname=shop/dbname=elsewhere}"
like "names that need quotes" "$err" "add options='[^=]*=public,.*' to the connection, in double quotes"
advice=$(sed -n "s/.*add \(options='.*'\) to the connection.*/\1/p" <<<"$err")
exits "can be taken as they are told ($advice)" 0 "$ASSIZE" init --postgres "${target/dbname=shop/dbname=elsewhere} $advice"
like "and find the table" "$(cat assize.yaml)" 'table: invoices'
exits "and are written as YAML has it" 0 "$ASSIZE" check
run "$ASSIZE" init -o other.yaml --postgres "${target/dbname=shop/dbname=elsewhere} options='-c search_path=public,Sales Dept'"
like "a server that refuses a connection: its words" "$err" \
	'could not connect to the server: .*FATAL: +invalid command-line argument for server process: Dept.help: in options a blank'
unlike "and not its hint" "$err" 'HINT'
cd "$TMP"
admin shop "DROP SCHEMA billing CASCADE" "DROP DATABASE elsewhere"

# ---- lengths and NaN, as they are on the others ----

admin shop "CREATE TABLE odd (v float8, d numeric, raw bytea, words text)" \
	"INSERT INTO odd VALUES ('NaN', 'NaN', '\\x0102030405', 'abcde'), (NULL, NULL, NULL, NULL), (1, 1, '\\x01', 'a')"
define "$target" <<'YAML'
  { id: nan, invalid: { table: odd, columns: { v: { min: 0 }, d: { min: 0 } } }, expect: "== 0" },
  { id: both, invalid: { table: odd, columns: { v: { min: 0, max: 9 } } }, expect: "== 1" },
  { id: bytes, invalid: { table: odd, columns: { raw: { max_length: 5 }, words: { max_length: 5 } } }, expect: "== 0" },
  { id: short, invalid: { table: odd, columns: { raw: { min_length: 2 }, words: { min_length: 2 } } }, expect: "== 1" },
YAML
run "$ASSIZE" run
like "NaN is no number that is large enough" "$out" 'FAIL a/nan\{column="v",rule="range"\} 1 row'
like "whatever the type" "$out" 'series +\{column="d",rule="range"\}[[:space:]]+measured +1 row'
tells "NULL is not invalid, and NaN counts once" both '^pass '
unlike "bytea has as many characters as bytes" "$out" 'FAIL a/(bytes|short)'
like "and is short where it is" "$out" 'pass a/short'
admin shop "DROP TABLE odd"

# ---- time ----

admin shop "CREATE FUNCTION endless() RETURNS int LANGUAGE plpgsql STABLE SET statement_timeout = 0 AS
	'BEGIN PERFORM set_config(''statement_timeout'', ''0'', false); PERFORM pg_sleep(60); RETURN 1; END'"
define "$target" "statement_timeout: 300ms" <<'YAML'
  { id: limit, sql: "SELECT 1 FROM pg_sleep(60)", expect: "== 1" },
  { id: lifted, sql: "SELECT endless()", expect: "== 1", timeout: 1s },
  { id: after, sql: "SELECT 1", expect: "== 1" },
YAML
SECONDS=0
run "$ASSIZE" run
tells "a statement over its limit" limit 'undecided .*took longer than 300 ms'
tells "and one that lifts the limit is cancelled" lifted 'undecided .*took longer than'
tells "the next one runs" after '^pass '
ok "none of them was waited for" test "$SECONDS" -lt 15
no_sleeper()
{
	[ "$(admin shop "SELECT count(*) FROM pg_stat_activity WHERE usename = 'audit'")" = 0 ]
}
ok "nothing goes on on the server" wait_for no_sleeper

define "$target" <<'YAML'
  { id: sleep, sql: "SELECT 1 FROM pg_sleep(60)", expect: "== 1", timeout: 60s },
YAML
"$ASSIZE" run >killed.out 2>&1 &
pid=$!
sleeper="FROM pg_stat_activity WHERE usename = 'audit' AND wait_event = 'PgSleep'"
sleeps()
{
	[ "$(admin shop "SELECT count(*) $sleeper")" = 1 ]
}
ok "a query runs under a name of ours" wait_for sleeps
is "application_name" "$(admin shop "SELECT application_name $sleeper")" assize
admin shop "SELECT count(pg_terminate_backend(pid)) $sleeper" >/dev/null
wait $pid
is "a terminated session is undecided" $? 2
like "and says so" "$(cat killed.out)" 'undecided a/sleep .*lost the connection'

# ---- connections ----

tcp="hostaddr=127.0.0.1 host=localhost port=$POSTGRES_PORT dbname=shop user=audit"
one="  { id: n, sql: SELECT 1, expect: '== 1' }"
# connects CLAIM CONNECTION KEYS WHAT
connects()
{
	define "$2" "$3" <<<"$one"
	run "$ASSIZE" run
	tells "$1" n "$4"
}
secret='password: "${env:PW}"'
export PW=hunter2-secret
connects "with a password" "$tcp" "$secret" '^pass '
connects "a URI" "postgresql://audit@localhost:$POSTGRES_PORT/shop?hostaddr=127.0.0.1" "$secret" '^pass '
export PW=wrong-horse-battery
connects "a wrong password" "$tcp" "$secret" 'undecided .*password authentication failed for user "audit"'
unlike "is nowhere in the output" "$out$err" 'wrong-horse'
nok "nor in the record" grep -rq wrong-horse .assize
like "and where to look is said" "$out" 'look at password: of the target'
export PW=hunter2-secret
connects "TLS that proves the server" "$tcp sslmode=verify-full sslrootcert=$POSTGRES/ca.pem" "$secret" '^pass '
connects "TLS with an unknown authority" "$tcp sslmode=verify-full sslrootcert=$POSTGRES/server.crt" "$secret" \
	'undecided .*certificate verify failed'
like "and where to look is said" "$out" 'look at sslmode and sslrootcert'
connects "TLS with another name" \
	"${tcp/host=localhost/host=127.0.0.1} sslmode=verify-full sslrootcert=$POSTGRES/ca.pem" "$secret" \
	'undecided .*certificate for .*does not match host name'
define "$tcp sslmode=require" "$secret" <<<"  { id: n, sql: SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid(), expect: '== 1' }"
exits "and it is encrypted" 0 "$ASSIZE" run
connects "no password" "$tcp" "" 'undecided .*no password supplied'
connects "no such database" "${target/dbname=shop/dbname=nosuch}" "" 'undecided .*database "nosuch" does not exist'
connects "no such role" "${target/user=audit/user=nobody-here}" "" 'undecided .*role "nobody-here" does not exist'
cat >tls.yaml <<YAML
assize: 1
audits: { a: { checks: [ { id: tls, tls: { address: "127.0.0.1:$POSTGRES_PORT", name: localhost, ca_file: "$POSTGRES/ca.pem", starttls: postgres }, expect: { days_left: "between 1 and 2", names: '== "localhost"' } } ] } }
YAML
exits "kind tls lets PostgreSQL begin in its own way" 0 "$ASSIZE" run -f tls.yaml
connects "no user" "host=$POSTGRES port=$POSTGRES_PORT dbname=shop" "" 'undecided .*names no user'
connects "an unknown option" "hots=x user=audit" "" 'undecided .*invalid connection option "hots"'
port=$("$ROOT/tests/lib/free_port")
connects "nobody listens" "host=127.0.0.1 port=$port user=audit dbname=shop" "" \
	"undecided .*127\.0\.0\.1\", port $port failed: Connection refused"
mkfifo silent
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die;
	$| = 1; print $s->sockport, "\n"; while ($c = $s->accept) { push @kept, $c }' >silent &
reap $!
read -r port <silent
define "host=127.0.0.1 port=$port user=audit dbname=shop" <<'YAML'
  { id: n, sql: SELECT 1, expect: '== 1', timeout: 1s },
YAML
run "$ASSIZE" run
tells "a server that says nothing" n "undecided .*no answer from \"127\.0\.0\.1\", port $port"

# The environment has no say.
printf '*:*:*:*:hunter2-secret\n' >"$HOME/.pgpass" && chmod 600 "$HOME/.pgpass"
export PGPASSWORD=hunter2-secret PGUSER=postgres PGDATABASE=postgres PGHOST=nowhere PGOPTIONS=-cjit=off \
	PGAPPNAME=other PGSSLMODE=disable
connects "neither PGPASSWORD nor .pgpass is asked" "$tcp" "" 'undecided .*no password supplied'
connects "nor PGUSER" "host=$POSTGRES port=$POSTGRES_PORT dbname=shop" "" 'undecided .*names no user'
connects "nor PGHOST and the rest" "$target" "" '^pass '
export PGSERVICE=x
connects "PGSERVICE is refused" "$target" "" 'undecided .*service file'
unset ${!PG@}

postgres_stop
done_testing
