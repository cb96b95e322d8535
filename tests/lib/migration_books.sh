# migration_books.sh: the bookkeeping tables of frameworks on servers, as the tools make them there, with
# the engines' own types, schemas and spelling. The current directory has tests/fixtures/migrations as f.
#
# shellcheck shell=bash

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
