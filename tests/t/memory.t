#!/bin/bash
# However much a database holds: a run stays below 64 MB, or says what would not fit. The large ones are in
# tests/bench/memory.sh.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" || bail "no scratch directory"

max_kb=65536
case ${VARIANT:-release} in
release) ;;
*) max_kb=4194304 ;; # shadow memory and counters: the true figures are printed
esac

write() { printf 'assize: 1\ntargets: { t: { %s } }\naudits: { a: { target: t, timeout: 5m, checks: [\n%s\n] } }\n' "$1" "$2" >assize.yaml; }
# Runs the definition: status, output, and the most memory it had.
measured()
{
	status=0
	"$BUILD/tests/tools/measure" figures "$ASSIZE" run >out 2>&1 || status=$?
	read -r _ kb <figures
	out=$(cat out)
	diag "$1: $kb KiB"
	ok "$1: at most 64 MB" test "$kb" -le "$max_kb"
}

# ---- 100,000 migrations in the table, and as many files ----

sqlite3 rails.db "CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
	WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
	INSERT INTO schema_migrations SELECT 20200101000000 + i FROM n"
mkdir few many
touch few/2020010100{0000,9998,9999}_x.rb few/20300101000000_new.rb
(cd many && seq 20200101000000 20200101099999 | sed 's/$/_create_another_table.rb/' | xargs touch)
write 'sqlite: rails.db' '{ id: m, migrations: few, expect: { applied: "== 100000" } }'
measured "100,000 rows and four files"
like "every one is compared" "$out" 'missing.*measured +99 997 migrations'
like "... in both directions" "$out" '20300101000000_new.rb is not applied'
write 'sqlite: rails.db' '{ id: m, migrations: many, expect: { applied: "== 100000" } }'
measured "100,000 rows and 100,000 files"
is "all of them agree" "$status" 0

# Content is compared file by file.
mkdir sql
head -c 3000000 /dev/zero | tr '\0' x >content
sum=$(sha384sum content | cut -d ' ' -f 1)
for i in $(seq 1 40); do ln content sql/${i}_x.sql; done
sqlite3 sqlx.db "CREATE TABLE _sqlx_migrations (version INTEGER, success INT, checksum BLOB, description TEXT, installed_on TEXT, execution_time INT);
	WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
	INSERT INTO _sqlx_migrations SELECT i, 1, x'$sum', 'x', '', 0 FROM n"
write 'sqlite: sqlx.db' '{ id: m, migrations: sql, expect: { applied: "== 40" } }'
measured "120 MB in files"
is "each agrees with its checksum" "$status" 0
echo >>content
measured "120 MB in files that were edited"
like "each is found" "$out" 'modified.*measured +40 migrations'

# Names without end: not compared rather than without end.
sqlite3 rails.db "UPDATE schema_migrations SET version = version || printf('%0200d', 0)"
write 'sqlite: rails.db' '{ id: m, migrations: few, expect: { applied: "== 100000" } }'
measured "names that do not fit"
is "are undecided" "$status" 2
like "and that is said" "$out" '4 files and [0-9]+ rows have more than 20 MiB of names'
done_testing
