#!/bin/bash
# assize init: the definition it writes passes, each of its checks can fail, and nothing is replaced.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/mariadb.sh"

cd "$TMP" || bail "no scratch directory"

# A shop with what databases have: references, NULLs here and there, names that need quotes, a table
# without rows, a view, a date in the future.
shop()
{
	rm -rf "$1" .assize
	sqlite3 "$1" <<'SQL'
CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT NOT NULL, "no" TEXT, phone TEXT);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id),
	state TEXT, expires_on TEXT, updated_at TEXT NOT NULL);
CREATE TABLE "odd ""name"" ${x}"("a column" INTEGER);
CREATE TABLE empty(a, b);
CREATE VIEW open_orders AS SELECT * FROM orders;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
	INSERT INTO customers SELECT i, 'c' || i || '@example.com', 'x',
		CASE WHEN i % 100 = 0 THEN NULL ELSE i END FROM n;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
	INSERT INTO orders SELECT i, i % 400 + 1, 'paid', datetime('now', '+1 year'),
		datetime('now', '-' || i || ' seconds') FROM n;
INSERT INTO "odd ""name"" ${x}" VALUES (1), (2);
SQL
}

shop shop.db
run "$ASSIZE" init
is "init looks around" "$status" 0
like "it says what it wrote, and what is next" "$out" \
	'^assize.yaml: [0-9]+ checks that hold now.next: read it, then assize run$'
cp assize.yaml first.yaml
run "$ASSIZE" init -o -
is "on standard output is the same, and nothing else" "$status $(grep -v '# newest' <<<"$out")" "0 $(grep -v '# newest' first.yaml)"
nok "and no file is called so" test -e ./-
run bash -c '"$1" init -o - >/dev/full' - "$ASSIZE"
unlike "a full device is told" "$status" '^0$'
exits "the definition is sound" 0 "$ASSIZE" check
run "$ASSIZE" run
is "and passes" "$status" 0
unlike "with every check decided" "$out" 'undecided=[1-9]|skip=[1-9]'
like "it asks for nine tenths of the rows" "$(cat assize.yaml)" \
	'id: orders-rows # 1000 rows.*expect: ">= 900"'
like "for no NULL where there is none" "$(cat assize.yaml)" \
	'id: orders-complete # never NULL so far.*columns: \[customer_id, state, expires_on\]'
like "for few where there are few" "$(cat assize.yaml)" \
	'id: customers-missing-phone # 4 of 400 rows.*expect: "<= 1.1%"'
like "for youth of the youngest" "$(cat assize.yaml)" \
	'id: orders-fresh # newest row is .*column: updated_at }.*expect: "< 1h"'
like "for references that hold" "$(cat assize.yaml)" 'id: orders-orphans-customer_id # every'
like "and quotes what needs quotes" "$(cat assize.yaml)" 'table: "odd \\"name\\" \$\$\{x\}"'
unlike "an empty table has no bound of rows" "$(cat assize.yaml)" 'empty-rows'
run "$ASSIZE" gate release --subject v1
is "the gate it has opens" "$status" 0

run "$ASSIZE" init
is "nothing is replaced" "$status $err" "3 assize: \"assize.yaml\" is there already
help: write elsewhere with -o FILE, and take over what you like"
ok "by a single byte" cmp assize.yaml first.yaml
ok "and no scratch is left" test -z "$(find "$TMPDIR" -mindepth 1 -maxdepth 1 -name 'assize-*' -newer first.yaml ! -path "$TMP")"

# Each kind of check can fail.
spoiled()
{
	shop shop.db
	sqlite3 shop.db "$2"
	run "$ASSIZE" run
	like "$1" "$status $out" "^1 .*FAIL shop/$3"
}
spoiled "lost rows" 'DELETE FROM orders WHERE id > 800' orders-rows
spoiled "a first NULL" 'UPDATE orders SET state = NULL WHERE id = 7' orders-complete
spoiled "more NULLs" 'UPDATE customers SET phone = NULL WHERE id < 9' customers-missing-phone
spoiled "an old table" "UPDATE orders SET updated_at = datetime('now', '-2 hours')" orders-fresh
spoiled "a broken reference" 'DELETE FROM customers WHERE id = 3' orders-orphans-customer_id
spoiled "a lost column" 'ALTER TABLE customers DROP COLUMN phone' customers-columns

# Two of them, one elsewhere; the same name twice.
mkdir -p a b
shop a/shop.db
shop b/shop.db
run "$ASSIZE" init --sqlite a/shop.db --sqlite b/shop.db -o both.yaml
like "two databases" "$status $out" '^0 both.yaml: [0-9]+ checks.*assize run -f both.yaml'
like "of one name" "$(cat both.yaml)" 'shop: \{ sqlite: "a/shop.db" \}.*shop_2: \{ sqlite: "b/shop.db" \}'
exits "pass together" 0 "$ASSIZE" run -f both.yaml

# What cannot be.
rm -f ./*.yaml
mkdir nothing
cd nothing || bail "no directory"
run "$ASSIZE" init
like "no database at all" "$status $err" '^3 assize: there is nothing to begin with.*help: assize init --sqlite'
run "$ASSIZE" init --sqlite gone.db
like "a database that is not there" "$status $err" '^2 assize: gone.db: could not open.*gone.db'
echo 'not a database, but long enough to be looked at' >text.db
run "$ASSIZE" init --sqlite text.db
like "a file that is none" "$status $err" '^2 assize: text.db: .*the file is not an SQLite database'
sqlite3 bare.db 'CREATE TABLE t(a); DROP TABLE t'
run "$ASSIZE" init --sqlite bare.db
like "one without tables" "$status $err" '^3 assize: there is no table in bare.db'
run "$ASSIZE" init shop.db
like "a word" "$status $err" '^3 assize: assize init takes no words.*help: assize init --sqlite shop.db'
ok "leave nothing behind" test ! -e assize.yaml

# A server, by a role that reads, with a password that stays where it is.
cd "$TMP" || bail "no scratch directory"
rm -rf .assize
mariadb_start
mariadb_sql "CREATE DATABASE shop; USE shop;
	CREATE TABLE customers(id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, phone VARCHAR(20));
	CREATE TABLE orders(id BIGINT PRIMARY KEY, customer_id INT, updated_at DATETIME NOT NULL,
		amount DECIMAL(10,2), FOREIGN KEY (customer_id) REFERENCES customers(id));
	INSERT INTO customers VALUES (1, 'ada', NULL), (2, 'grace', '1'), (3, 'edith', '2');
	INSERT INTO orders VALUES (1, 1, utc_timestamp(), 9.5), (2, 2, utc_timestamp(), 10.25);
	CREATE USER audit@localhost IDENTIFIED BY 'sesame-seed'; GRANT SELECT ON shop.* TO audit@localhost;"
export SHOP_PASSWORD=sesame-seed
# What is said about a target is about options: there is no file yet.
advised()
{
	run "$ASSIZE" init -o advised.yaml "${@:3}"
	like "$1: advises an option" "$status $err" "^[23] .*$2"
	unlike "$1: and no target" "$err" 'target"? *$|:-default'
}
advised "no password" 'Access denied.*help: name the environment variable that has the password: --password-env NAME$' \
	--mysql "socket=$MARIADB_SOCKET user=audit dbname=shop"
advised "a wrong one" 'Access denied.*help: look at the user, and at what is in HOME$' \
	--mysql "socket=$MARIADB_SOCKET user=audit dbname=shop" --password-env HOME
advised "one in the string" 'cannot hold a password.help: name the environment variable that has the password: --password-env' \
	--postgres "host=127.0.0.1 user=audit password=sesame"
advised "a variable that is not set" 'NO_SUCH is not set.help: set it to the password' \
	--postgres "host=127.0.0.1 user=audit" --password-env NO_SUCH
advised "no such host" 'help: look at host=$' --postgres "host=nosuch.invalid user=audit"
run "$ASSIZE" init --mysql "socket=$MARIADB_SOCKET user=audit dbname=shop" --password-env SHOP_PASSWORD
is "a server" "$status" 0
like "with the name of the secret" "$(cat assize.yaml)" 'password: "\$\{env:SHOP_PASSWORD}"'
unlike "and not the secret" "$(cat assize.yaml) $out $err" 'sesame'
run "$ASSIZE" run
is "passes" "$status" 0
unlike "with every check decided" "$out" 'undecided=[1-9]|skip=[1-9]'
mariadb_sql "ALTER TABLE shop.orders MODIFY amount DECIMAL(12,2)"
run "$ASSIZE" run
like "and fails" "$status $out" '^1 .*FAIL shop/orders-columns'

# A server that is not in UTC: what its now() writes into a DATETIME is read by its clock.
moments() # of what the server's zone is $1: the part of the definition about ages
{
	mariadb_sql "SET GLOBAL time_zone = '$1'"
	rm -f assize.yaml
	run "$ASSIZE" init --mysql "socket=$MARIADB_SOCKET user=clock dbname=clock"
	out=$(grep -A 1 -- -fresh assize.yaml; cat assize.yaml | grep -c zone:)
}
mariadb_sql "SET GLOBAL time_zone = '+05:00'; CREATE USER clock@localhost"
mariadb_sql "CREATE DATABASE clock; USE clock; GRANT SELECT ON clock.* TO clock@localhost;
	CREATE TABLE a (made DATETIME); INSERT INTO a VALUES (now() - INTERVAL 10 HOUR);
	CREATE TABLE b (made DATETIME(3)); INSERT INTO b VALUES (now());
	CREATE TABLE c (made TIMESTAMP); INSERT INTO c VALUES (now());"
moments +05:00
like "a server elsewhere: the age is right" "$out" 'a-fresh # newest row is 10 h old .*column: made, zone: "?\+05:00"?'
like "it has one for what UTC would take for the future" "$out" 'b-fresh # newest row is .*zone: "?\+05:00"?'
like "a TIMESTAMP has a zone" "$out" 'c-fresh # newest .*table: c, column: made }'
exits "a server elsewhere: it holds" 0 "$ASSIZE" run
moments -03:30
like "of half hours, too" "$out" 'a-fresh # newest row is .*zone: "-03:30"'
moments +00:00
like "what is to come is told" "$err" 'no check of the age of "b": .*(4\.9|5) h in the future by the clock of UTC; write one with the zone:'
like "in UTC nothing is said of zones" "$out" 'a-fresh.*c-fresh.*'$'\n''0$'

# ---- names that YAML or a definition would read otherwise, and keys that name no columns ----
mkdir odd
sqlite3 odd/odd.db "CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a, b));
	CREATE TABLE child (p INT REFERENCES parent, x INT, y INT, FOREIGN KEY (x, y) REFERENCES pair);
	CREATE TABLE lost (q INT REFERENCES nowhere);
	CREATE TABLE \"we\${x}\" (\"\${env:HOME}\" INT NOT NULL, \"b \${y}\" INT);
	CREATE TABLE $(printf '"u\xe2\x80\xa8x" ("c\xe2\x80\xa8d" INT NOT NULL)');
	INSERT INTO parent VALUES (1); INSERT INTO pair VALUES (1, 2); INSERT INTO child VALUES (1, 1, 2);
	INSERT INTO \"we\${x}\" VALUES (1, 1);"
cd odd || bail "no directory"
exits "odd names: written" 0 "$ASSIZE" init --sqlite odd.db
exits "odd names: it holds" 0 "$ASSIZE" run
like "a key without columns is to the primary key" "$(cat assize.yaml)" 'columns: \[p\], references: \{ table: parent, columns: \[id\] \}'
like "of several columns, too" "$(cat assize.yaml)" 'columns: \[x, "y"\], references: \{ table: pair, columns: \[a, b\] \}'
cd ..
done_testing
