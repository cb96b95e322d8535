#!/bin/bash
# schema on servers: of the catalog only what definitions ask for is read, and all of that; names with
# dots and schemas, and what a table that is missing may be called elsewhere.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP" || bail "no scratch directory"
postgres_start
mariadb_start || bail "MariaDB does not start"

admin postgres "CREATE DATABASE shop" "CREATE ROLE reader LOGIN" \
	"ALTER SYSTEM SET log_statement = 'all'" "SELECT pg_reload_conf()" >"$TMP/log"
admin shop "CREATE TABLE owners (id int PRIMARY KEY, mail text COLLATE \"C\" UNIQUE, name text)" \
	"CREATE TYPE state AS ENUM ('new', 'paid')" "CREATE SEQUENCE numbers INCREMENT BY 5 OWNED BY owners.id" \
	"CREATE TABLE orders (id int PRIMARY KEY, owner int REFERENCES owners (id), total numeric CHECK (total >= 0), no int UNIQUE)" \
	"CREATE INDEX orders_total ON orders (total)" "COMMENT ON COLUMN orders.no IS 'number'" "COMMENT ON TABLE orders IS 'sales'" \
	"CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'" \
	"CREATE TRIGGER orders_trigger BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION nothing()" \
	"CREATE TABLE days (day date) PARTITION BY RANGE (day)" \
	"CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')" \
	"CREATE VIEW open_orders AS SELECT id FROM orders" \
	"CREATE TABLE \"a.b\" (id int PRIMARY KEY)" "CREATE SCHEMA a" "CREATE TABLE a.b (id int PRIMARY KEY)" \
	"CREATE TABLE a.\"c.d\" (id int PRIMARY KEY)" "CREATE TABLE \"main.referred\" (id int)" "CREATE TABLE referred (id int)" \
	"CREATE TABLE dots (x int REFERENCES \"a.b\" (id), y int REFERENCES a.b (id), z int REFERENCES a.\"c.d\" (id))" \
	"INSERT INTO a.b VALUES (1)" "INSERT INTO dots (x, y) VALUES (NULL, 1)" "INSERT INTO referred VALUES (1)" "INSERT INTO owners (id) VALUES (5)" \
	"CREATE SCHEMA billing" "CREATE TABLE billing.invoices (id int)" \
	"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader" "GRANT USAGE ON SCHEMA a TO reader" "GRANT SELECT ON ALL TABLES IN SCHEMA a TO reader"
mariadb_sql "CREATE DATABASE shop; CREATE DATABASE away; CREATE USER reader@localhost;
	GRANT SELECT, SHOW VIEW ON shop.* TO reader@localhost; GRANT SELECT, SHOW VIEW ON away.* TO reader@localhost"
mariadb_sql -D shop "CREATE TABLE \`a.b\` (id INT PRIMARY KEY); CREATE TABLE away.\`c.d\` (id INT PRIMARY KEY); CREATE TABLE away.e (id INT PRIMARY KEY);
	CREATE TABLE owners (id INT PRIMARY KEY); CREATE TABLE referred (id INT);
	INSERT INTO away.e VALUES (1); INSERT INTO referred VALUES (1); INSERT INTO owners VALUES (5);
	CREATE TABLE dots (x INT, y INT, z INT, o INT, FOREIGN KEY (x) REFERENCES \`a.b\` (id), FOREIGN KEY (y) REFERENCES away.e (id),
		FOREIGN KEY (z) REFERENCES away.\`c.d\` (id), FOREIGN KEY (o) REFERENCES owners (id));
	INSERT INTO dots (y) VALUES (1)"

# What is asked, by itself: pass or fail, and by what.
{
	echo "assize: 1"
	echo "targets:"
	echo "  pg: { postgres: \"host=$POSTGRES port=$POSTGRES_PORT dbname=shop user=reader\" }"
	echo "  my: { mysql: \"socket=$MARIADB_SOCKET dbname=shop user=reader\" }"
	echo "audits:"
} >head.yaml
n=0
# target, outcome, what is told, then the definition
asks()
{
	n=$((n + 1))
	{
		cat head.yaml
		printf '  q:\n    target: %s\n    checks:\n      - { id: q, %s }\n' "$1" "$4"
	} >ask.yaml
	run "$ASSIZE" run -f ask.yaml --record "record-$n.db"
	like "$1: $4: $2" "$out$err" "$2 q/q .*$3"
}
asks pg pass "" 'schema: { table: orders, exact: true, columns: { id: integer, owner: integer, total: numeric, no: integer } }'
asks pg FAIL "unexpected column no" 'schema: { table: orders, exact: true, columns: { id: integer, owner: integer, total: numeric } }'
asks pg FAIL "not in the primary key" 'schema: { table: orders, columns: { no: { key: primary } } }'
asks pg FAIL "is not unique by itself" 'schema: { table: orders, columns: { owner: { key: unique } } }'
asks pg pass "" 'schema: { table: orders, columns: { no: { key: unique } } }'
asks pg FAIL "is unique by itself" 'schema: { table: orders, columns: { no: { unique: false } } }'
asks pg FAIL "is unique by itself" 'schema: { table: orders, columns: { no: { exact: true } } }'
asks pg FAIL "references owners, expected nothing" 'schema: { table: orders, columns: { owner: { exact: true } } }'
asks pg FAIL "collation is C, expected none" 'schema: { table: owners, columns: { mail: { exact: true, nullable: true } } }'
asks pg pass "" 'schema: { table: owners, columns: { mail: { collation: C } } }'
asks pg FAIL "comment is number, expected none at all" 'schema: { table: orders, columns: { no: { comment: none at all } } }'
asks pg pass "" 'schema: { table: orders, columns: { no: { comment: number } }, comment: sales }'
asks pg FAIL "references owners.id., expected days" 'schema: { table: orders, columns: { owner: { references: days } } }'
asks pg FAIL "nothing keeps .total. unique" 'schema: { table: orders, unique: total }'
asks pg FAIL "unexpected unique .no." 'schema: { table: orders, exact: true, unique: id }'
asks pg FAIL "check cheap is missing" 'schema: { table: orders, checks: { cheap: total < 9 } }'
asks pg pass "" 'schema: { table: orders, checks: total >= 0, primary_key: id, primary_key_name: orders_pkey }'
asks pg FAIL "unexpected index orders_total" 'schema: { table: orders, exact: true, indexes: { orders_pkey: id } }'
asks pg FAIL "foreign key on owner to days is missing" 'schema: { table: orders, foreign_keys: { columns: owner, references: days } }'
asks pg FAIL "trigger b is missing" 'schema: { table: orders, triggers: [orders_trigger, b] }'
asks pg pass "" 'schema: { table: orders, exact: true, triggers: orders_trigger }'
asks pg pass "" 'schema: { table: days, partition_by: RANGE (day), exact: true, partitions: days_1 }'
asks pg FAIL "partition days_2 is missing" 'schema: { table: days, partitions: days_2 }'
asks pg FAIL "parent is days, expected orders" 'schema: { table: days_1, parent: orders }'
asks pg FAIL "unexpected table orders" 'schema: { exact: true, tables: { owners: {} } }'
asks pg FAIL "unexpected view open_orders" 'schema: { exact: true, views: none }'
asks pg FAIL "view open_orders: query is" 'schema: { views: { open_orders: { definition: SELECT 1 } } }'
asks pg FAIL "table orders must not exist" 'schema: { absent: orders }'
asks pg FAIL "table orders must not exist" "schema: { absent: 'ord*' }"
asks pg pass "" 'schema: { absent: [invoices, nothing] }'
asks pg FAIL "extension postgis is missing" 'schema: { extensions: [plpgsql, postgis] }'
asks pg FAIL "values are new, paid" 'schema: { enums: { state: [new] } }'
asks pg FAIL "increment is 5, expected 1" 'schema: { sequences: { numbers: { increment: 1, owned_by: owners.id } } }'

# ---- names with dots, and of schemas ----
for table in '"a.b"' public.'"a.b"'; do
	asks pg pass "" "schema: { table: dots, columns: { x: { references: '$table(id)' } }, foreign_keys: { columns: x, references: '$table' } }"
done
asks pg pass "" "schema: { table: dots, columns: { y: { references: a.b(id) } } }"
asks pg FAIL "references a.b" "schema: { table: dots, columns: { y: { references: '\"a.b\"(id)' } } }"
asks pg pass "" "schema: { table: dots, columns: { z: { references: 'a.\"c.d\"(id)' } } }"
asks pg pass "" "schema: { table: orders, columns: { owner: { references: public.owners(id) } } }"
asks pg FAIL "expected a.owners" "schema: { table: orders, columns: { owner: { references: a.owners(id) } } }"
asks pg pass "" "orphans: { table: dots, columns: y, references: { table: a.b, columns: id } }, expect: '== 0'"
asks pg pass "" "schema: { table: '\"a.b\"', exact: true, columns: [id] }"
asks pg FAIL "1 row" "orphans: { table: '\"referred\"', columns: id, references: { table: owners, columns: id } }, expect: '== 0'"
asks my pass "" "schema: { table: dots, columns: { x: { references: '\`a.b\`(id)' }, y: { references: away.e(id) }, z: { references: 'away.\`c.d\`' }, o: { references: shop.owners(id) } } }"
asks my FAIL "expected shop.e" "schema: { table: dots, columns: { y: { references: shop.e(id) } } }"
asks my pass "" "orphans: { table: dots, columns: y, references: { table: away.e, columns: id } }, expect: '== 0'"
asks my FAIL "1 row" "orphans: { table: '\`referred\`', columns: id, references: { table: owners, columns: id } }, expect: '== 0'"
asks my FAIL "1 row" "orphans: { table: 'shop.\`referred\`', columns: id, references: { table: owners, columns: id } }, expect: '== 0'"

# ---- to MySQL and MariaDB files tell names of tables apart, and nothing those of columns ----
[ "$(mariadb_sql "SELECT @@lower_case_table_names")" = 0 ] || bail "names of tables have no case here"
mariadb_sql -D shop "CREATE TABLE Cased (Id INT PRIMARY KEY); CREATE TABLE CASED (no INT PRIMARY KEY)"
asks my FAIL "table Owners is missing; did you mean owners" "schema: { table: Owners, columns: [id] }"
asks my pass "" "schema: { absent: [Owners, 'OWN*', 'shop.\`OWNERS\`'] }"
asks my FAIL "table owners must not exist" "schema: { absent: 'own*' }"
asks my pass "" "schema: { tables: { Cased: { columns: [ID], exact: true }, shop.CASED: { columns: [no], exact: true }, '\`owners\`': {} } }"

# ---- a table that is elsewhere ----
asks pg FAIL "table invoices is missing; did you mean billing.invoices. Its schema is not in the search path" 'schema: { table: invoices, columns: [id] }'
asks pg FAIL "table invoices is missing; did you mean billing.invoices" 'schema: { tables: { orders: {}, invoices: {} } }'
asks pg FAIL "view invoices is missing; did you mean billing.invoices" 'schema: { views: invoices }'
asks pg FAIL "table orderz is missing; did you mean orders" 'schema: { table: orderz, columns: [id] }'

# ---- nothing else is asked ----
: >"$TMP/postgres.log"
asks pg pass "" 'schema: { table: orders, columns: { id: { type: integer, nullable: false, key: primary } } }'
asked=$(tr -d '\000' <"$TMP/postgres.log")
unlike "neither triggers nor types, nor comments" "$asked" \
	'pg_trigger|pg_extension|pg_enum|pg_index|pg_description|pg_get_constraintdef|pg_sequence'
like "and of one table" "$asked" "parameters: .1 = '[{][}]', .2 = '[{]orders[}]'"
done_testing
