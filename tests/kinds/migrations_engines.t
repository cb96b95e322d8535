#!/bin/bash
# Kind migrations on PostgreSQL and MariaDB: the bookkeeping tables as the tools make them there, with
# the engines' own types, schemas and spelling. What the findings are is migrations.t's business.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/postgres.sh"
. "$ROOT/tests/lib/mariadb.sh"

fixtures=$ROOT/tests/fixtures/migrations
cd "$TMP" || bail "no directory"
cp -r "$fixtures" f

# rows FRAMEWORK SELECT: what a query gives on the fixture's own database, a row a line.
rows()
{
	[ -f "$1.db" ] || sqlite3 "$1.db" <"f/$1/db.sql"
	sqlite3 "$1.db" "$2"
}

# books BOOLEAN TIME BYTES HEX SQITCH DRIZZLE QUOTE BIT NO: the tables as SQL; HEX begins a blob's digits.
books()
{
	local bool=$1 time=$2 bytes=$3 hex=$4 sqitch=$5 drizzle=$6 q=$7 bit=$8 no=$9 yes=true
	cat <<-S
	CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50), description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL, installed_on $time NOT NULL DEFAULT now(), execution_time INT NOT NULL, success $bool NOT NULL);
	CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description VARCHAR(99) NOT NULL, installed_on $time NOT NULL DEFAULT now(), success $bool NOT NULL, checksum $bytes NOT NULL, execution_time BIGINT NOT NULL);
	CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY, checksum VARCHAR(64) NOT NULL, finished_at $time NULL, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at $time NULL, started_at $time NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);
	CREATE TABLE DATABASECHANGELOG (ID VARCHAR(255) NOT NULL, AUTHOR VARCHAR(255) NOT NULL, FILENAME VARCHAR(255) NOT NULL, DATEEXECUTED $time NOT NULL DEFAULT now(), ORDEREXECUTED INT NOT NULL, EXECTYPE VARCHAR(10) NOT NULL, MD5SUM VARCHAR(35));
	CREATE TABLE DATABASECHANGELOGLOCK (ID INT NOT NULL PRIMARY KEY, LOCKED $bit NOT NULL);
	INSERT INTO DATABASECHANGELOGLOCK VALUES (1, $no);
	CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, dirty $bool NOT NULL);
	CREATE TABLE goose_db_version (id INT PRIMARY KEY, version_id BIGINT NOT NULL, is_applied $bool NOT NULL, tstamp $time NULL);
	CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
	CREATE TABLE django_migrations (id INT PRIMARY KEY, app VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, applied $time NOT NULL);
	CREATE TABLE $sqitch (change_id VARCHAR(40) PRIMARY KEY, script_hash VARCHAR(40), ${q}change$q VARCHAR(99) NOT NULL, project VARCHAR(99) NOT NULL, committed_at $time NOT NULL, planned_at $time NOT NULL);
	CREATE TABLE $drizzle (id INT PRIMARY KEY, hash VARCHAR(99) NOT NULL, created_at BIGINT);
	INSERT INTO schema_migrations VALUES (3, NOT $yes);
	S
	rows flyway "SELECT 'INSERT INTO flyway_schema_history VALUES ('||installed_rank||','||quote(version)||','||quote(description)||','||quote(type)||','||quote(script)||','||checksum||',''app'',now(),1,$yes);' FROM flyway_schema_history"
	rows sqlx "SELECT 'INSERT INTO _sqlx_migrations VALUES ('||version||','||quote(description)||',now(),$yes,$hex'||hex(checksum)||''',1);' FROM _sqlx_migrations"
	rows prisma "SELECT 'INSERT INTO _prisma_migrations VALUES ('||quote(id)||','||quote(checksum)||',now(),'||quote(migration_name)||',NULL,NULL,now(),1);' FROM _prisma_migrations"
	rows liquibase "SELECT 'INSERT INTO DATABASECHANGELOG VALUES ('||quote(id)||','||quote(author)||','||quote(filename)||',now(),'||orderexecuted||',''EXECUTED'',NULL);' FROM DATABASECHANGELOG"
	rows goose "SELECT 'INSERT INTO goose_db_version VALUES ('||id||','||version_id||',$yes,now());' FROM goose_db_version"
	rows alembic "SELECT 'INSERT INTO alembic_version VALUES ('||quote(version_num)||');' FROM alembic_version"
	rows django "SELECT 'INSERT INTO django_migrations VALUES ('||id||','||quote(app)||','||quote(name)||',now());' FROM django_migrations"
	rows sqitch "SELECT 'INSERT INTO $sqitch VALUES ('||quote(change_id)||','||quote(script_hash)||','||quote(change)||','||quote(project)||','||quote(committed_at)||',now());' FROM changes"
	rows drizzle "SELECT 'INSERT INTO $drizzle VALUES ('||rowid||','||quote(hash)||','||created_at||');' FROM __drizzle_migrations"
}

# definition TARGET: the tables of all are in one database, and most are told apart by themselves.
definition()
{
	cat <<-Y
	assize: 1
	targets: { db: $1 }
	audits:
	  m:
	    target: db
	    checks:
	      - { id: flyway, migrations: { path: f/flyway/sql } }
	      - { id: sqlx, migrations: { path: f/sqlx/migrations, framework: sqlx } }
	      - { id: prisma, migrations: { path: f/prisma/migrations } }
	      - { id: liquibase, migrations: { path: f/liquibase/changelog } }
	      - { id: golang-migrate, migrations: { path: f/golang-migrate/migrations, framework: golang-migrate } }
	      - { id: goose, migrations: { path: f/goose/migrations, framework: goose } }
	      - { id: alembic, migrations: { path: f/alembic/versions } }
	      - { id: django, migrations: { path: f/django } }
	      - { id: sqitch, migrations: { path: f/sqitch, framework: sqitch } }
	      - { id: drizzle, migrations: { path: f/drizzle/drizzle, framework: drizzle } }
	Y
}

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
