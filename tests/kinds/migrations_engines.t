#!/bin/bash
# Kind migrations on PostgreSQL and MariaDB: the bookkeeping tables as the tools make them there, with
# the engines' own types, schemas and spelling. What the findings are is migrations.t's business.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"
. "$ROOT/tests/lib/migration_books.sh"

fixtures=$ROOT/tests/fixtures/migrations
cd "$TMP" || bail "no directory"
cp -r "$fixtures" f

# look ENGINE: what a run finds, as "check: value=n ..." of what does not pass, a check a line.
look()
{
	run "$ASSIZE" run
	"$ASSIZE" report --format json | jq -r '.checks[] | . as $c | [.series[] | select(.outcome != "pass") |
		"\(.series)=\(.value)\(if .outcome == "undecided" then " " + .reason else "" end)"] |
		select(length > 0) | "\($c.name): \(join(" "))"'
}

# engine NAME SQL LOCKED: the intact books pass; then rows marked as the engine writes them are found.
engine()
{
	is "$1: intact" "$(look)" ""
	like "$1: every framework was compared" "$("$ASSIZE" explain 1 m/sqlx)" 'sqlx, table _sqlx_migrations, 3 migrations'
	$2 "UPDATE flyway_schema_history SET success = NOT success WHERE installed_rank = 3;
		UPDATE _sqlx_migrations SET success = NOT success WHERE version = 20240103000000;
		UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = 'id3';
		UPDATE DATABASECHANGELOG SET EXECTYPE = 'FAILED' WHERE ID = 'items-1';
		UPDATE DATABASECHANGELOGLOCK SET LOCKED = $3;
		UPDATE schema_migrations SET dirty = NOT dirty;
		UPDATE goose_db_version SET is_applied = NOT is_applied WHERE version_id = 3;
		DELETE FROM alembic_version;
		DELETE FROM django_migrations WHERE app = 'shop' AND name = '0003_state'" >/dev/null
	echo '-- edited' >>f/sqlx/migrations/20240101000000_orders.up.sql
	echo '-- edited' >>f/sqitch/deploy/orders.sql
	echo '-- edited' >>f/drizzle/drizzle/0000_orders.sql
	is "$1: marked rows and edited files are found" "$(look)" "m/flyway: failed=1
m/sqlx: modified=1 failed=1
m/prisma: rolled_back=1
m/liquibase: failed=2
m/golang-migrate: failed=1
m/goose: rolled_back=1
m/alembic: pending=3
m/django: pending=1
m/sqitch: modified=1
m/drizzle: modified=1"
	rm -rf f .assize
	cp -r "$fixtures" f
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
engine PostgreSQL "admin shop" true

mariadb_start || bail "no MariaDB"
mariadb_sql "CREATE DATABASE shop; CREATE DATABASE sqitch; CREATE USER auditor@localhost;
	GRANT SELECT ON shop.* TO auditor@localhost; GRANT SELECT ON sqitch.* TO auditor@localhost"
books BOOLEAN DATETIME BLOB "x''" sqitch.changes __drizzle_migrations '`' 'BIT(1)' "b'0'" >mariadb.sql
in_shop() { mariadb_sql -D shop "$1"; }
ok "books of MariaDB" in_shop "$(cat mariadb.sql)"
definition "{ mysql: \"socket=$MARIADB_SOCKET user=auditor dbname=shop\" }" >assize.yaml
engine MariaDB in_shop "b'1'"
done_testing
