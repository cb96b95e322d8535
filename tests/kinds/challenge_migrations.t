#!/bin/bash
# challenge of migrations checks: what is damaged on either side, and what became of each attack, for
# every framework on SQLite and for those of migration_books.sh on the servers.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
. "$ROOT/tests/lib/migration_books.sh"
. "$ROOT/tests/lib/challenge.sh"

export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
expected=$ROOT/tests/fixtures/challenge_migrations
cd "$TMP" || bail "no directory"
mkdir tmp
cp -r "$ROOT/tests/fixtures/migrations" f

# what became of each attack, of each check of the definition
tables()
{
	local check
	for check in $(sed -n 's/^.*{ id: \([a-z-]*\), .*migrations: .*/\1/p' assize.yaml); do
		echo "== $check"
		attacks "m/$check"
	done
}

# ---- SQLite, all frameworks ----

folders="alembic=versions atlas=migrations dbmate=migrations diesel=migrations django=. doctrine=migrations drizzle=drizzle
	ecto=migrations efcore=Migrations flyway=sql golang-migrate=migrations goose=migrations knex=migrations laravel=migrations
	liquibase=changelog prisma=migrations rails=migrate refinery=migrations sequelize=migrations sqitch=. sqlx=migrations
	typeorm=migrations"
{
	echo 'assize: 1'
	echo 'targets:'
	for folder in $folders; do
		sqlite3 "f/${folder%=*}/db" <"f/${folder%=*}/db.sql"
		echo "  ${folder%=*}: { sqlite: f/${folder%=*}/db }"
	done
	printf 'audits:\n  m:\n    checks:\n'
	for folder in $folders; do
		echo "      - { id: ${folder%=*}, target: ${folder%=*}, migrations: { path: f/${folder%=*}/${folder#*=} } }"
	done
} >assize.yaml
real_is f
tables >sqlite.got
is "SQLite: what became of each attack" "$(diff sqlite.got "$expected/sqlite" 2>&1)" ""
attacks m/rails >/dev/null
is "no checksum, no attack on the content" "$(attack_says file-edited)" \
	"the file f/rails/migrate/20240301000001_add_state.rb has a byte more: Rails keeps nothing to tell it by; "
is "nor is order compared" "$(attack_says order-swapped)" \
	"the newest migration was applied before the oldest: in what order migrations were applied is not compared; "

# ---- what the check says itself ----

cat >assize.yaml <<YAML
assize: 1
targets: { rails: { sqlite: f/rails/db }, prisma: { sqlite: f/prisma/db } }
audits:
  m:
    checks:
      - { id: pending, target: rails, migrations: { path: f/rails/migrate, allow: [pending] } }
      - { id: missing, target: prisma, migrations: { path: f/prisma/migrations, allow: [missing, modified] } }
      - { id: some, target: rails, migrations: f/rails/migrate, expect: { pending: "<= 1" } }
YAML
is "pending is allowed" "$(attacks m/pending | grep -v 'out of reach')" "identity [schema_migrations]: steady
rows-reordered [schema_migrations]: steady
newest-migration-lost [20240301000001_add_state.rb]: out of claim
oldest-migration-lost [20240101000001_create_orders.rb]: failed
all-migrations-lost [schema_migrations]: out of claim
unknown-migration-added [20240301000002]: failed
table-gone [schema_migrations]: error
identity [files]: steady
file-lost [f/rails/migrate/20240301000001_add_state.rb]: failed
file-added [f/rails/migrate/20240301000002_add_state.rb]: out of claim
file-renamed [f/rails/migrate/20240301000001_add_state.rb]: failed"
is "which is said" "$(attack_says newest-migration-lost)" \
	"20240301000001_add_state.rb is not in the table: the check allows pending; "
is "missing and modified are" "$(attacks m/missing | grep 'out of claim')" \
	"checksum-changed [20240103000000_prices]: out of claim
unknown-migration-added [20240103000000_prices_1]: out of claim
file-lost [f/prisma/migrations/20240103000000_prices/migration.sql]: out of claim
file-edited [f/prisma/migrations/20240103000000_prices/migration.sql]: out of claim
file-renamed [f/prisma/migrations/20240103000000_prices/migration.sql]: out of claim"
is "a bound that bears one bears it" "$(attacks m/some | grep -E '^(newest|all|file-added|file-renamed)')" \
	"newest-migration-lost [20240301000001_add_state.rb]: tolerated
all-migrations-lost [schema_migrations]: failed
file-added [f/rails/migrate/20240301000002_add_state.rb]: tolerated
file-renamed [f/rails/migrate/20240301000001_add_state.rb]: failed"

# A file that a plan names is no missing migration, but a broken plan.
cat >assize.yaml <<YAML
assize: 1
targets: { drizzle: { sqlite: f/drizzle/db }, sqitch: { sqlite: f/sqitch/db } }
audits:
  m:
    checks:
      - { id: drizzle, target: drizzle, migrations: { path: f/drizzle/drizzle, allow: [broken] } }
      - { id: sqitch, target: sqitch, migrations: { path: f/sqitch, allow: [missing] } }
YAML
is "a broken journal is allowed" "$(attacks m/drizzle | grep file-lost)" \
	"file-lost [f/drizzle/drizzle/0002_prices.sql]: out of claim"
is "a plan that is broken is not missing a migration" "$(attacks m/sqitch | grep file-lost)" \
	"file-lost [f/sqitch/deploy/prices.sql]: failed"

# Versions that others have are stepped over, and the newest is so by number.
mkdir more
touch more/{9_a,10_b,11_c,12_c}.rb more/README
cat >assize.yaml <<YAML
assize: 1
targets: { more: { sqlite: more.db } }
audits: { m: { target: more, checks: [ { id: many, migrations: { path: more, framework: rails } } ] } }
YAML
sqlite3 more.db "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('9'), ('10'), ('11'), ('12')"
real_is f more
is "the newest is by number, and the next is free" "$(attacks m/many | grep -E '^(newest|file-added|unknown)')" \
	"newest-migration-lost [12_c.rb]: failed
unknown-migration-added [13]: failed
file-added [more/13_c.rb]: failed"
is_real_untouched "checks that allow something"

# ---- a commit: the work tree has more than it ----

git init -q repository
cp -r f/sqlx/migrations repository/migrations
git -C repository add -A
git -C repository commit -qm one
echo 'SELECT 1;' >repository/migrations/20250101000000_later.up.sql
cp f/sqlx/db repository/db
cat >assize.yaml <<YAML
assize: 1
targets: { sqlx: { sqlite: repository/db } }
audits:
  m:
    target: sqlx
    checks:
      - { id: ref, migrations: { path: repository/migrations, ref: HEAD } }
      - { id: tree, migrations: repository/migrations }
YAML
real_is repository
is "of a commit" "$(attacks m/ref | grep -vE 'identity|out of reach')" "rows-reordered [_sqlx_migrations]: steady
newest-migration-lost [20240103000000_prices.up.sql]: failed
oldest-migration-lost [20240101000000_orders.up.sql]: failed
all-migrations-lost [_sqlx_migrations]: failed
checksum-changed [20240103000000_prices.up.sql]: failed
marked-failed [20240103000000_prices.up.sql]: failed
unknown-migration-added [20240103000001]: failed
table-gone [_sqlx_migrations]: error
file-lost [repository/migrations/20240103000000_prices.up.sql]: failed
file-edited [repository/migrations/20240103000000_prices.up.sql]: failed
file-added [repository/migrations/20240103000001_prices.up.sql]: failed
file-renamed [repository/migrations/20240103000000_prices.up.sql]: failed"
like "what does not pass is not challenged" "$(unchallenged m/tree)" 'it does not pass as it is: '
is_real_untouched "a repository"

# ---- servers ----

# NAME QUERY: the fixture's table, and nothing else than before is there afterwards.
server()
{
	$2 >"$1.before"
	real_is f
	tables >"$1.got"
	is "$1: what became of each attack" "$(diff "$1.got" "$expected/$1" 2>&1)" ""
	is "$1: nothing was changed" "$($2 | diff "$1.before" -)" ""
	is_real_untouched "$1"
}
postgres_start
admin postgres "CREATE DATABASE shop" "CREATE ROLE auditor LOGIN" >/dev/null
{
	echo 'CREATE SCHEMA sqitch; CREATE SCHEMA drizzle;'
	books BOOLEAN TIMESTAMPTZ BYTEA "''\\x" sqitch.changes drizzle.__drizzle_migrations '"' BOOLEAN false
	echo 'GRANT USAGE ON SCHEMA sqitch, drizzle TO auditor; GRANT SELECT ON ALL TABLES IN SCHEMA public, sqitch, drizzle TO auditor;'
} >postgres.sql
ok "books of PostgreSQL" admin shop "$(cat postgres.sql)"
definition "{ postgres: \"host=$POSTGRES port=$POSTGRES_PORT dbname=shop user=auditor\" }" >assize.yaml
postgres_dump()
{
	"$postgres_bin/pg_dump" -h "$POSTGRES" -p "$POSTGRES_PORT" -U postgres shop | grep -v '^.\(un\)\?restrict '
}
server postgres postgres_dump

mariadb_start || bail "no MariaDB"
mariadb_sql "CREATE DATABASE shop; CREATE DATABASE sqitch; CREATE USER auditor@localhost;
	GRANT SELECT ON shop.* TO auditor@localhost; GRANT SELECT ON sqitch.* TO auditor@localhost"
books BOOLEAN DATETIME BLOB "x''" sqitch.changes __drizzle_migrations '`' 'BIT(1)' "b'0'" >mariadb.sql
ok "books of MariaDB" mariadb_sql -D shop "$(cat mariadb.sql)"
definition "{ mysql: \"socket=$MARIADB_SOCKET user=auditor dbname=shop\" }" >assize.yaml
mariadb_dump()
{
	mariadb-dump --no-defaults --socket="$MARIADB_SOCKET" --user=root --skip-dump-date --databases shop sqitch
}
server mariadb mariadb_dump
done_testing
