#!/bin/bash
# schema: 204 assertions about a schema on PostgreSQL, connection included, beside pgTAP.
#
# The database has twelve tables; each is asserted in seventeen ways: that it is there, five columns by
# type and nullability, a default, the primary key, a unique set, a foreign key and an index. pgTAP asks
# the server once an assertion; the schema kind reads the catalog, one query a kind of object.
set -eu
. "$(dirname "$0")/../lib.sh"
bail()
{
	printf 'schema: %s\n' "$1" >&2
	exit 1
}
reap() { :; } # lib.sh ends what runs when this does
wait_for()
{
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.02 <>"$TMP/pause" || true
	done
}
mkfifo "$TMP/pause"
. "$ROOT/tests/lib/postgres.sh"
cd "$TMP"
postgres_start
compgen -G "/usr/share/postgresql/*/extension/pgtap.control" >/dev/null ||
	bail "the package pgtap is not installed"

tables=$(seq 12)
{
	echo "CREATE TABLE owners (id bigint PRIMARY KEY);"
	for i in $tables; do
		echo "CREATE TABLE t$i (id bigint PRIMARY KEY, owner bigint NOT NULL REFERENCES owners (id),
			name varchar(20) NOT NULL, price numeric(10,2) DEFAULT 0, at timestamptz NOT NULL,
			UNIQUE (owner, name));
			CREATE INDEX t${i}_at ON t$i (at);"
	done
} >schema.sql
admin postgres "CREATE DATABASE shop" "CREATE ROLE reader LOGIN"
psql="$postgres_bin/psql -X -q -h $POSTGRES -p $POSTGRES_PORT -d shop"
$psql -U postgres -v ON_ERROR_STOP=1 -f schema.sql
admin shop "CREATE SCHEMA tap" "CREATE EXTENSION pgtap SCHEMA tap"

{
	echo "SET search_path = public, tap; BEGIN; SELECT plan(204);"
	for i in $tables; do
		for column in "id bigint" "owner bigint" "name character varying(20)" "price numeric(10,2)" \
			"at timestamp with time zone"; do
			echo "SELECT col_type_is('t$i', '${column%% *}', '${column#* }');"
		done
		for column in id owner name at; do
			echo "SELECT col_not_null('t$i', '$column');"
		done
		echo "SELECT has_table('t$i');
			SELECT col_is_null('t$i', 'price');
			SELECT col_default_is('t$i', 'price', '0');
			SELECT col_is_pk('t$i', 'id');
			SELECT col_is_unique('t$i', ARRAY['owner', 'name']);
			SELECT fk_ok('t$i', 'owner', 'owners', 'id');
			SELECT has_index('t$i', 't${i}_at', ARRAY['at']);
			SELECT columns_are('t$i', ARRAY['id', 'owner', 'name', 'price', 'at']);"
	done
	echo "SELECT * FROM finish(); ROLLBACK;"
} >assertions.sql
{
	printf 'assize: 1\ntargets: { shop: { postgres: "host=%s port=%s dbname=shop user=reader" } }\n' \
		"$POSTGRES" "$POSTGRES_PORT"
	printf 'audits:\n  shape:\n    target: shop\n    checks:\n      - id: all\n        schema:\n          tables:\n'
	for i in $tables; do
		cat <<-YAML
			            t$i:
			              exact: true
			              columns:
			                id: { type: bigint, nullable: false }
			                owner: { type: bigint, nullable: false }
			                name: { type: varchar(20), nullable: false }
			                price: { type: "numeric(10,2)", nullable: true, default: 0 }
			                at: { type: timestamptz, nullable: false }
			              primary_key: id
			              unique: "owner, name"
			              foreign_keys: { columns: owner, references: owners(id) }
			              indexes: { t${i}_at: at }
		YAML
	done
} >assize.yaml

# As the superuser: its fk_ok() sees nothing without owning the table.
pgtap() { $psql -U postgres -At -f assertions.sql; }
failed=$(pgtap | grep -c '^not ok' || true)
[ "$failed" = 0 ] && [ "$(pgtap | grep -c '^ok')" = 204 ] || bail "pgTAP does not pass its 204 assertions"
ours() { "$ASSIZE" run --report json=report.json; }
ours >/dev/null
facts=$(jq '.checks[0].series[0].n' report.json)
[ "$facts" -ge 204 ] || bail "only $facts facts were compared"

# The check alone, connection included, as the record has it; then whole programs.
probe()
{
	for _ in $(seq 11); do
		ours >/dev/null
		jq '.checks[0].series[0].duration_us' report.json
	done | sort -n | awk '{ v[NR] = $1 } END { printf "%.4f\n", v[int((NR + 1) / 2)] / 1000000 }'
}
# What nobody can be faster than: a program that connects and asks nothing.
nothing() { $psql -U reader -At -c "SELECT 1"; }

seconds=$(probe)
theirs=$(median 11 pgtap)
least=$(median 11 nothing)
row "$facts schema facts, with connect" "20 ms" "0.0200 s" "$seconds s" "$(ratio "$seconds" 0.020)"
row "the same beside 204 of pgTAP" "pgTAP $(admin shop "SELECT extversion FROM pg_extension WHERE extname = 'pgtap'")" \
	"$theirs s" "$seconds s" "$(ratio "$seconds" "$theirs")"
row "the same beside SELECT 1" "psql, with connect" "$least s" "$seconds s" "$(ratio "$seconds" "$least")"
whole=$(median 11 ours)
row "the same, recorded and reported" "psql with pgTAP" "$theirs s" "$whole s" "$(ratio "$whole" "$theirs")"
