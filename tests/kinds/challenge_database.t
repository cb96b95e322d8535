#!/bin/bash
# challenge of the kinds that read tables: SQLite, PostgreSQL and MariaDB hold the same shop. What each check notices
# is the same on all of them, unless a constraint says otherwise; how much it takes is checked by arithmetic; and
# nothing is written.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/attacks.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
cd "$TMP"
postgres_start
mariadb_start || bail "there is no MariaDB server"

# 1000 customers, 10 000 orders of 50 to 149 an hour apart, of which 7000 are paid; 12 000 items without any key.
sqlite3 shop.db "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, country TEXT NOT NULL);
	CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, customer_id INT NOT NULL REFERENCES customers (id),
		state TEXT NOT NULL CHECK (state IN ('new', 'paid', 'sent')), total INT NOT NULL CHECK (total > 0), discount INT,
		note TEXT, created_at TEXT NOT NULL);
	CREATE TABLE items (order_id INT, sku TEXT, quantity INT);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
	INSERT INTO customers SELECT i, 'c' || i || '@example.org', CASE WHEN i % 4 = 0 THEN 'FR' ELSE 'DE' END FROM n;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
	INSERT INTO orders SELECT i, 'A-' || i, i % 1000 + 1, CASE WHEN i % 10 < 2 THEN 'new' WHEN i % 10 < 9 THEN 'paid' ELSE 'sent' END,
		50 + i % 100, NULL, '', strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ((10000 - i) * 3600) || ' seconds') FROM n;
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
	INSERT INTO items SELECT i % 10000 + 1, 'sku-' || i, 1 + i % 3 FROM n"
rows_of()
{
	sqlite3 shop.db "SELECT group_concat('(' || $2 || ')') FROM $1"
}
customers=$(rows_of customers "id || ',' || quote(email) || ',' || quote(country)")
orders=$(rows_of orders "id || ',' || quote(number) || ',' || customer_id || ',' || quote(state) || ',' || total || ',NULL,' || quote(note) || ',' || quote(created_at)")
items=$(rows_of items "order_id || ',' || quote(sku) || ',' || quantity")
cat >fill.sql <<SQL
INSERT INTO customers VALUES $customers;
INSERT INTO orders VALUES $orders;
INSERT INTO items VALUES $items;
SQL
schema()
{
	cat <<-SQL
		CREATE TABLE customers (id int PRIMARY KEY, email varchar(60), country varchar(2) NOT NULL);
		CREATE TABLE orders (id int PRIMARY KEY, number varchar(20) NOT NULL UNIQUE, customer_id int NOT NULL,
			state varchar(10) NOT NULL CHECK (state IN ('new', 'paid', 'sent')), total int NOT NULL CHECK (total > 0),
			discount int, note varchar(60), created_at $1 NOT NULL, FOREIGN KEY (customer_id) REFERENCES customers (id));
		CREATE TABLE items (order_id int, sku varchar(20), quantity int);
	SQL
}
admin postgres "CREATE DATABASE ledger" "CREATE ROLE audit LOGIN"
{
	schema timestamptz
	echo "SET TimeZone = 'UTC';"
	cat fill.sql
	echo "GRANT SELECT ON customers, orders, items TO audit; ANALYZE;"
} >postgres.sql
"$postgres_bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres -d ledger -f postgres.sql >/dev/null || bail "PostgreSQL is not filled"
mariadb_sql "CREATE DATABASE store CHARACTER SET utf8mb4; CREATE USER audit@localhost; GRANT SELECT ON store.* TO audit@localhost"
{
	schema datetime
	cat fill.sql
} >mariadb.sql
mariadb_sql -D store <mariadb.sql || bail "MariaDB is not filled"
# What only servers have: types that list their values, that have no negative numbers, that are no numbers at all.
admin ledger "CREATE SCHEMA sales; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
	CREATE TABLE sales.odd (id uuid PRIMARY KEY, mood mood, paid boolean, quantity smallint CHECK (quantity < 100), large bigint, extra jsonb);
	INSERT INTO sales.odd SELECT md5(i::text)::uuid, CASE WHEN i % 3 = 0 THEN 'sad'::mood ELSE 'ok' END, i % 4 <> 0, i % 50 + 1,
		9000000000000000000 - i, '{}' FROM generate_series(1, 2000) i;
	CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT \$1 * 2';
	ALTER TABLE sales.odd ADD COLUMN hidden text; -- nothing that an audit may read
	GRANT USAGE ON SCHEMA sales TO audit; GRANT SELECT (id, mood, paid, quantity, large, extra) ON sales.odd TO audit"
mariadb_sql -D store "CREATE TABLE odd (id BINARY(16) PRIMARY KEY, mood ENUM('sad', 'ok', 'happy'), paid BOOLEAN,
		quantity SMALLINT UNSIGNED CHECK (quantity < 100), large BIGINT, extra POINT);
	CREATE TABLE Odd (id INT, paid BOOLEAN); INSERT INTO Odd VALUES (1, true); -- another table there
	INSERT INTO odd SELECT unhex(md5(seq)), IF(seq % 3 = 0, 'sad', 'ok'), seq % 4 <> 0, seq % 50 + 1, 9000000000000000000 - seq, POINT(1, 1) FROM seq_1_to_2000"

cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { sqlite: shop.db }
  ledger: { postgres: "host=$POSTGRES port=$POSTGRES_PORT dbname=ledger user=audit" }
  store: { mysql: "socket=$MARIADB_SOCKET user=audit dbname=store" }

audits:
YAML
for target in shop ledger store; do
	cat >>assize.yaml <<-YAML
		  $target:
		    target: $target
		    defaults: { timeout: 60s }
		    checks:
		      - { id: rows, rows: orders, expect: ">= 7000" }
		      - { id: missing, missing: { table: customers, columns: email }, expect: "<= 1%" }
		      - { id: empty, missing: { table: orders, columns: discount }, expect: ">= 1" }
		      - { id: never, missing: { table: orders, columns: number }, expect: "== 0" }
		      - { id: duplicates, duplicates: { table: items, columns: [order_id, sku] }, expect: "== 0" }
		      - { id: unique, duplicates: { table: orders, columns: number }, expect: "== 0" }
		      - { id: invalid, invalid: { table: items, columns: { sku: { matches: '^sku-[0-9]+\$' }, quantity: { min: 1, max: 20 } } }, expect: "== 0" }
		      - { id: checked, invalid: { table: orders, columns: { state: { in: [new, paid, sent] }, total: { min: 1 }, note: { in: [""] } } }, expect: "== 0" }
		      - { id: mean, aggregate: { table: orders, column: total, where: state = 'paid' }, expect: { avg: "between 90 and 110" } }
		      - { id: sum, aggregate: { table: items, column: quantity }, expect: { sum: "between 20000 and 30000" } }
		      - { id: fresh, freshness: { table: orders, column: created_at }, expect: "< 5d" }
		      - { id: orphans, orphans: { table: items, columns: order_id, references: { table: orders, columns: id } }, expect: "<= 10%" }
		      - { id: keyed, orphans: { table: orders, columns: customer_id, references: { table: customers, columns: id } }, expect: "== 0" }
		      - { id: shares, distribution: { table: customers, column: country, baseline: { DE: 0.75, FR: 0.25 } }, expect: { max_share_change: "<= 10%" } }
		      - { id: drift, distribution: { table: items, column: quantity, bins: { edges: [2, 3] }, where: order_id > 5000, baseline_where: order_id > 0 }, expect: { psi: "< 0.1" } }
		      - { id: segments, rows: { table: orders, by: state }, expect: ">= 500" }
		      - { id: joined, sql: "SELECT sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.country = 'FR'", expect: "between 200000 and 300000" }
		      - { id: none-wrong, sql: "SELECT count(*) FROM items WHERE quantity < 1", expect: "== 0" }
	YAML
done
for target in ledger store; do
	table=odd
	[ $target = store ] || table=sales.odd
	cat >>assize.yaml <<-YAML
		  odd-$target:
		    target: $target
		    checks:
		      - { id: missing, missing: { table: $table, columns: [id, mood, paid, extra] }, expect: "== 0" }
		      - { id: invalid, invalid: { table: $table, columns: { mood: { in: [sad, ok] }, quantity: { min: 1, max: 60 } } }, expect: "== 0" }
		      - { id: large, aggregate: { table: $table, column: large }, expect: { max: "<= 9100000000000000000" } }
		      - { id: paid, sql: "SELECT count(*) FROM $table WHERE paid", expect: "between 1000 and 2000" }
	YAML
done
cat >>assize.yaml <<'YAML'
      - { id: function, target: ledger, sql: SELECT sum(twice(quantity)) FROM items, expect: "between 40000 and 60000" }
      - { id: pages, target: ledger, sql: SELECT count(*) FROM items TABLESAMPLE SYSTEM (100), expect: ">= 1" }
YAML
written()
{
	# Of all tables, the catalogs' included. MariaDB counts a row of a temporary table as a write.
	admin ledger "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables"
	mariadb_sql "SHOW GLOBAL STATUS WHERE variable_name IN ('Handler_write', 'Handler_update', 'Handler_delete', 'Innodb_rows_inserted', 'Innodb_rows_updated', 'Innodb_rows_deleted')" |
		grep -v -i handler_write
	sha256sum <shop.db
	ls shop.db*
}
before=$(written)
run "$ASSIZE" challenge
is "damage survives" "$status" 1
is "and nothing was written" "$(written)" "$before"

# noticed CHECK CLAIM, the expected table of SQLite on stdin; what PostgreSQL and MariaDB say otherwise behind "|"
noticed()
{
	local expected
	expected=$(cat)
	is "$2" "$(attacks "shop/$1" | grep -v '^steady ')" "$(sed 's/|.*//' <<<"$expected")"
	for engine in ledger store; do
		is "$2: $engine" "$(attacks "$engine/$1" | grep -v '^steady ')" \
			"$(sed -E 's/^[^|]*\|//' <<<"$expected")"
	done
}
for check in rows joined; do
	is "harmless changes are borne: $check" "$(attacks "store/$check" | grep '^steady ')" 'steady identity
steady other-order
steady extra-column'
done
noticed rows "a number of rows" <<'T'
failed table-empty orders
failed rows-lost orders
wrong way rows-dup orders
T
noticed missing "NULLs" <<'T'
no value table-empty customers
out of reach column-dropped customers.id
no value column-dropped customers.email
failed nulled customers.email
out of reach column-dropped customers.country
T
noticed empty "what is NULL already" <<'T'
no value table-empty orders
out of reach column-dropped orders.id
out of reach column-dropped orders.number
out of reach column-dropped orders.customer_id
out of reach column-dropped orders.state
out of reach column-dropped orders.total
no value column-dropped orders.discount
no effect nulled orders.discount
out of reach column-dropped orders.note
out of reach column-dropped orders.created_at
T
read_columns()
{
	noticed "$1" "$2" < <(
		local line
		while read -r line; do
			case $line in
			-*) for column in ${line#- }; do echo "out of reach column-dropped $column"; done ;;
			*) echo "$line" ;;
			esac
		done
	)
}
read_columns never "what is NOT NULL" <<'T'
no value table-empty orders
- orders.id
no value column-dropped orders.number
guarded nulled orders.number
- orders.customer_id orders.state orders.total orders.discount orders.note orders.created_at
T
read_columns duplicates "rows that repeat" <<'T'
no value table-empty items
failed rows-dup items
no value column-dropped items.order_id
no effect constant items.order_id
no value column-dropped items.sku
failed constant items.sku
- items.quantity
T
read_columns unique "a unique key guards" <<'T'
no value table-empty orders
guarded rows-dup orders
- orders.id
no value column-dropped orders.number
guarded constant orders.number
- orders.customer_id orders.state orders.total orders.discount orders.note orders.created_at
T
read_columns invalid "rules" <<'T'
no value table-empty items
- items.order_id
no value column-dropped items.sku
failed emptied items.sku
failed unknown items.sku
failed case-space items.sku
no value column-dropped items.quantity
failed scaled-up items.quantity
failed negated items.quantity
T
read_columns checked "a CHECK guards" <<'T'
no value table-empty orders
- orders.id orders.number orders.customer_id
no value column-dropped orders.state
guarded emptied orders.state
guarded unknown orders.state
guarded case-space orders.state
no value column-dropped orders.total
guarded negated orders.total
- orders.discount
no value column-dropped orders.note
no effect emptied orders.note
failed unknown orders.note
failed case-space orders.note
- orders.created_at
T
read_columns mean "a mean; what only its filter reads is not its subject" <<'T'
no value table-empty orders
- orders.id orders.number orders.customer_id orders.state
no value column-dropped orders.total
guarded nulled orders.total
guarded zeroed orders.total
failed scaled-up orders.total
failed scaled-down orders.total
guarded negated orders.total
- orders.discount orders.note orders.created_at
T
read_columns sum "a sum" <<'T'
no value table-empty items
failed rows-lost items
failed rows-dup items
- items.order_id items.sku
no value column-dropped items.quantity
failed nulled items.quantity
failed zeroed items.quantity
failed scaled-up items.quantity
failed scaled-down items.quantity
failed negated items.quantity
T
read_columns fresh "the age of the newest row" <<'T'
no value table-empty orders
- orders.id orders.number orders.customer_id orders.state orders.total orders.discount orders.note
failed newest-lost orders.created_at
no value column-dropped orders.created_at
guarded nulled orders.created_at
failed stale orders.created_at
no value ahead orders.created_at
T
read_columns orphans "references without a key" <<'T'
no value table-empty items
no value column-dropped items.order_id
failed orphaned items.order_id
- items.sku items.quantity
failed table-empty orders
failed rows-lost orders
no value column-dropped orders.id
- orders.number orders.customer_id orders.state orders.total orders.discount orders.note orders.created_at
T
read_columns keyed "references with one, which SQLite does not enforce" <<'T'
failed table-empty customers|guarded table-empty customers
failed rows-lost customers|guarded rows-lost customers
no value column-dropped customers.id
- customers.email customers.country
no value table-empty orders
- orders.id orders.number
no value column-dropped orders.customer_id
failed orphaned orders.customer_id|guarded orphaned orders.customer_id
- orders.state orders.total orders.discount orders.note orders.created_at
T
read_columns shares "shares of categories" <<'T'
no value table-empty customers
- customers.id customers.email
failed group-lost customers.country
error column-dropped customers.country
guarded nulled customers.country
failed unknown customers.country
failed constant customers.country
T
read_columns drift "a baseline of other rows, which stay as they are" <<'T'
no value table-empty items
- items.order_id items.sku
failed group-lost items.quantity
error column-dropped items.quantity
failed nulled items.quantity
failed constant items.quantity
failed zeroed items.quantity
failed scaled-up items.quantity
T
noticed segments "segments" <<'T'
error table-empty orders
tolerated rows-lost orders
wrong way rows-dup orders
tolerated group-lost orders.state
error column-dropped orders.state
T
read_columns joined "a query over two tables" <<'T'
no value table-empty customers|guarded table-empty customers
failed rows-lost customers|guarded rows-lost customers
guarded rows-dup customers
error column-dropped customers.id
guarded nulled customers.id
- customers.email
no value group-lost customers.country|guarded group-lost customers.country
error column-dropped customers.country
guarded nulled customers.country
failed emptied customers.country
failed unknown customers.country
failed case-space customers.country|guarded case-space customers.country
no value constant customers.country
no value table-empty orders
failed rows-lost orders
failed rows-dup orders
- orders.id orders.number
error column-dropped orders.customer_id
guarded nulled orders.customer_id
failed orphaned orders.customer_id|guarded orphaned orders.customer_id
- orders.state
error column-dropped orders.total
guarded nulled orders.total
failed constant orders.total
guarded zeroed orders.total
failed scaled-up orders.total
failed scaled-down orders.total
guarded negated orders.total
- orders.discount orders.note orders.created_at
T
read_columns none-wrong "a query that counts what is wrong does not miss what is gone" <<'T'
blind table-empty items
blind rows-lost items
blind rows-dup items
- items.order_id items.sku
error column-dropped items.quantity
blind nulled items.quantity
blind constant items.quantity
failed zeroed items.quantity
blind scaled-up items.quantity
failed scaled-down items.quantity
failed negated items.quantity
T

# odd CHECK CLAIM, the expected table on stdin; what MariaDB says otherwise behind "|"
odd()
{
	local expected
	expected=$(cat)
	is "$2: PostgreSQL" "$(attacks "odd-ledger/$1" | grep -v '^steady\|^out of' | sed 's/sales\.//')" "$(sed 's/|.*//; /^$/d' <<<"$expected")"
	is "$2: MariaDB" "$(attacks "odd-store/$1" | grep -v '^steady\|^out of')" "$(sed -E 's/^[^|]*\|//' <<<"$expected")"
}
odd missing "a key of bytes, and columns of other types" <<'T'
no value table-empty odd
no value column-dropped odd.id
guarded nulled odd.id
no value column-dropped odd.mood
failed nulled odd.mood
no value column-dropped odd.paid
failed nulled odd.paid
no value column-dropped odd.extra
failed nulled odd.extra
T
odd invalid "a type guards, too" <<'T'
no value table-empty odd
no value column-dropped odd.mood
guarded emptied odd.mood
guarded unknown odd.mood
guarded case-space odd.mood
no value column-dropped odd.quantity
guarded scaled-up odd.quantity
failed negated odd.quantity|guarded negated odd.quantity
T
odd large "the largest integers grow and do not overflow" <<'T'
no value table-empty odd
no value column-dropped odd.large
no value nulled odd.large
failed scaled-up odd.large
wrong way scaled-down odd.large
T
odd paid "a truth value" <<'T'
failed table-empty odd
failed rows-lost odd
failed rows-dup odd
failed group-lost odd.paid
error column-dropped odd.paid
failed nulled odd.paid
|failed constant odd.paid
|failed zeroed odd.paid
T
like "a function that takes no larger type notices nothing" "$(attacks odd-store/function)" 'inconclusive scaled-up items\.quantity'
like "what only the table itself has is not challenged" "$(unchallenged odd-store/pages)" 'TABLESAMPLE'

# turns CHECK NAME LOW HIGH CLAIM: from which dose on, by arithmetic, on every engine
turns()
{
	local engine dose
	for engine in shop ledger store; do
		dose=$(turns_red "$engine/$1" "$2" | head -1)
		ok "$5: $engine" between "$3" "${dose%%|*}" "$4" || diag "$dose"
	done
}
turns rows rows-lost 0.30 0.315 "7000 of 10 000 rows are left when 30 % are gone"
turns missing nulled 0.01 0.0112 "one of a hundred may be NULL"
turns sum rows-lost 0.16 0.18 "24 000 pieces, of which a sixth may go"
turns sum rows-dup 0.24 0.27 "and a fourth may come"
turns sum scaled-up 0.23 0.27 "a fourth more of each"
turns mean scaled-up 0.099 0.105 "100 on average, and 110 at most"
turns mean scaled-down 0.11 0.12 "or 90"
turns fresh newest-lost 0.0119 0.0127 "five days are 120 of 10 000 hours"
turns fresh stale 410000 455000 "five days are 432 000 seconds"
turns orphans rows-lost 0.095 0.108 "a tenth of the orders may be missing"
turns shares unknown 0.099 0.106 "a new category has a tenth of the rows"
turns joined rows-lost 0.18 0.22 "250 000 may fall to 200 000"
done_testing
