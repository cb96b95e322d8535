#!/bin/bash
# Would the release still find what it needs? The definition of a tag, run against today's database:
# what fits passes, and what a migration took away since is named with that migration.
. "$(dirname "$0")/../lib/tap.sh"
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP/home GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com \
	LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"
mkdir -p "$HOME" "$TMP/scratch"

# definition COLUMNS [FRAMEWORK]: in the current directory.
definition()
{
	cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { sqlite: data/shop.db }
  repo: { git: . }
audits:
  shop:
    target: shop
    checks:
      - id: columns
        schema: { table: orders, columns: $1 }
      - id: migrations
        migrations: { path: db/migrate, framework: ${2:-goose} }
rollback:
  releases:
    repo: repo
    tags: "v*"
    restore: { scratch: $TMP/scratch }
    compatible: [shop/columns, shop/migrations]
YAML
}

commit() # TAG
{
	git add -A && git commit -qm "$1" && git tag "$1"
}

sql()
{
	sqlite3 data/shop.db "$1"
}

# world [FRAMEWORK]: a shop whose release v1 is deployed; the current directory from then on.
world()
{
	rm -rf "${TMP:?}/w"
	mkdir -p "$TMP/w/db/migrate" "$TMP/w/data"
	cd "$TMP/w" || bail "no world"
	git init -q -b main .
	echo data >.gitignore
	definition '[id, total]' "${1:-goose}"
	case ${1:-goose} in
	goose)
		printf -- '-- +goose Up\nCREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER);\n' \
			>db/migrate/0001_orders.sql
		sql "CREATE TABLE goose_db_version(id INTEGER PRIMARY KEY, version_id INTEGER,
			is_applied INTEGER, tstamp TEXT);
			INSERT INTO goose_db_version(version_id, is_applied) VALUES (0, 1), (1, 1)"
		;;
	golang-migrate)
		echo 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER);' >db/migrate/1_orders.up.sql
		echo 'DROP TABLE orders;' >db/migrate/1_orders.down.sql
		sql "CREATE TABLE schema_migrations(version INTEGER, dirty BOOLEAN);
			INSERT INTO schema_migrations VALUES (1, 0)"
		;;
	esac
	sql "CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER)"
	commit v1
}

# migrated FILE TEXT: a migration that was written and applied after v1.
migrated()
{
	printf '%b' "$2" >"db/migrate/$1"
	sql "INSERT INTO goose_db_version(version_id, is_applied) VALUES (2, 1)"
}

# judged CLAIM STATUS REGEX: verifies v1.
judged()
{
	run "$ASSIZE" rollback verify v1
	if [ "$status" -eq "$2" ] && [[ $out$err =~ $3 ]]; then
		tap_pass "$1"
	else
		tap_fail "$1"
		tap_shown expected "$2 / $3"
		tap_shown got "$status: $out$err"
	fi
	[ -z "$(ls -A "$TMP/scratch")" ] || tap_fail "$1: scratch is left behind"
}

world
judged "what is deployed fits" 0 'pass rollback/releases'
like "and it is said" "$("$ASSIZE" explain latest rollback/releases)" 'shop/columns: passes as v1 has it'

migrated 0002_note.sql '-- +goose Up\nALTER TABLE orders ADD COLUMN note TEXT;\n-- +goose Down\nALTER TABLE orders DROP COLUMN note;\n'
sql "ALTER TABLE orders ADD COLUMN note TEXT"
judged "an added column may stay" 0 'pass rollback/releases'
like "the migration since is listed with its down step" "$("$ASSIZE" explain latest rollback/releases)" \
	'compatible: db/migrate/0002_note.sql: applied since v1, with a down step'

world
migrated 0002_drop.sql '-- +goose Up\nALTER TABLE orders DROP COLUMN total;\n'
definition '[id]' && commit v2
sql "ALTER TABLE orders DROP COLUMN total"
judged "a dropped column is named with its migration" 1 \
	'v1 disproved.*compatible fail: shop/columns: column total is missing from table orders.*db/migrate/0002_drop.sql, applied since v1, is about it.*bring back what 0002_drop.sql took away'
run "$ASSIZE" rollback verify v2
is "the release that dropped it fits" "$status" 0
like "the report shows it" "$("$ASSIZE" report latest --format json; "$ASSIZE" rollback list)" 'DISPROVED.*column total is missing'
printf -- '-- +goose Down\nALTER TABLE orders ADD COLUMN total INTEGER;\n' >>db/migrate/0002_drop.sql
judged "one that can be undone is to be" 1 'undo 0002_drop.sql before going back to v1: it has a down step'
sed -i '/compatible/s/, shop.migrations//' assize.yaml
judged "also when the set does not ask for migrations" 1 'db/migrate/0002_drop.sql, applied since v1, is about it'
rm db/migrate/0002_drop.sql
judged "without books nobody is blamed" 1 'column total is missing from table orders \(1 difference'
unlike "nobody" "$out$err" 'is about it'

# A quoted name that is no column is a text to SQLite unless it is told otherwise.
world
sed -i 's/schema: .*/sql: '"'SELECT count(*) FROM orders WHERE \"total\" < 0'"'\n        expect: "== 0"/' assize.yaml
git commit -qam sql && git tag -f v1 >/dev/null
judged "a query that fits" 0 'pass rollback/releases'
sql "ALTER TABLE orders DROP COLUMN total"
judged "a quoted dropped column" 2 'compatible undecided: shop/columns: .*no such column: total'

world
migrated 0002_who.sql '-- +goose Up\nALTER TABLE orders ADD COLUMN who TEXT NOT NULL;\n'
sql "DROP TABLE orders; CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER, who TEXT NOT NULL)"
judged "a new NOT NULL" 1 'column who of table orders was added since v1, not null and without a default.*0002_who.sql'
sql "DROP TABLE orders; CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER, who TEXT NOT NULL DEFAULT '')"
judged "with a default it is none" 0 'pass rollback/releases'
sql "DROP TABLE orders; CREATE TABLE orders(id INTEGER PRIMARY KEY, total INTEGER, other TEXT NOT NULL)"
judged "nor one that no migration since names" 0 'pass rollback/releases'

world golang-migrate
judged "books in step" 0 'pass rollback/releases'
echo 'CREATE INDEX totals ON orders(total);' >db/migrate/2_totals.up.sql
echo 'DROP INDEX totals;' >db/migrate/2_totals.down.sql
sql "UPDATE schema_migrations SET version = 2"
judged "an old release that refuses a newer migration" 1 \
	'db/migrate/2_totals.up.sql was applied since v1, and golang-migrate of that release refuses a table that is ahead of its files; undo it first, it has a down step'
sql "UPDATE schema_migrations SET version = 0"
judged "a release whose own migration is not applied" 1 'compatible fail: shop/migrations: .*1_orders.up.sql is not applied'
sed -i 's/framework: golang-migrate/&, allow: [refused]/' assize.yaml
git commit -qam allow && git tag -f v1 >/dev/null
sql "UPDATE schema_migrations SET version = 2"
rm -f .assize/record.db
judged "where the release says it does not mind" 0 'pass rollback/releases'

# Many of them since, and nothing of it is lost.
world
for i in {2..300}; do
	printf -- '-- +goose Up\nSELECT %d;\n' $i >"db/migrate/$(printf %04d $i)_x.sql"
done
sql "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
	INSERT INTO goose_db_version(version_id, is_applied) SELECT i, 1 FROM n"
printf -- '-- +goose Up\nALTER TABLE orders DROP COLUMN total;\n' >db/migrate/0150_x.sql
sql "ALTER TABLE orders DROP COLUMN total"
judged "one of 299 since" 1 'db/migrate/0150_x.sql, applied since v1, is about it'

# A warning of the tag's check is one of the step, and whoever looks is told.
world
sed -i 's/schema: .*/rows: { table: orders }\n        expect: ">= 1"\n        warn: ">= 3"/' assize.yaml
git commit -qam rows && git tag -f v1 >/dev/null
sql "INSERT INTO orders VALUES (1, 1)"
warning='compatible: shop/columns: 1 row, .*warning bound >= 3 rows'
judged "what the tag's check warns of is told by the run" 0 \
	"warn tag v1 of rollback set releases, which is proven"$'\n'"  $warning"
like "by the table" "$("$ASSIZE" rollback list)" " warn"$'\n'"  v1  compatible warns: shop/columns: 1 row, .*>= 3 rows"
like "by the summary of a job" "$("$ASSIZE" report latest --format markdown)" \
	'`v1` compatible: `shop/columns: 1 row, .*warning bound >= 3 rows'
like "by the page" "$("$ASSIZE" report latest --format html)" '</b> compatible: shop/columns: 1 row, .*&gt;= 3 rows'
run "$ASSIZE" rollback verify v1 --quiet
is "a quiet run stays so" "$status$out$err" 0
sql "INSERT INTO orders VALUES (2, 1), (3, 1)"
judged "without one there is nothing to tell" 0 'pass rollback/releases'
unlike "nothing" "$out$("$ASSIZE" rollback list)" 'warn tag|warns'

# What the tag says, and whether it can be had at all.
world
git rm -q --cached assize.yaml && git commit -qm without && git tag v0
run "$ASSIZE" rollback verify v0
is "a tag without a definition is unproven" "$status" 2
like "and told what to do" "$out$err" 'compatible undecided: v0 has no definition "assize.yaml".*missing: current'
sed -i 's/^    compatible/    missing: current\n&/' assize.yaml
run "$ASSIZE" rollback verify v0
is "or held to today's" "$status" 0
sed -i '/missing: current/d; s/^    compatible/    definition: ops\/a.yaml\n&/' assize.yaml
judged "its place may be another" 2 'v1 has no definition "ops/a.yaml"'
mkdir ops && git show v1:assize.yaml | sed 's/path: db/path: ..\/db/' >ops/a.yaml
git add ops && git commit -qm moved && git tag -f v1 >/dev/null && rm -rf ops .assize
judged "and is found there" 0 'pass rollback/releases'
migrated 0002_drop.sql '-- +goose Up\nALTER TABLE orders DROP COLUMN total;\n'
sql "ALTER TABLE orders DROP COLUMN total"
judged "with today's migrations where they are today" 1 'db/migrate/0002_drop.sql, applied since v1, is about it'
world
sed -i 's/id: columns/id: cols/' assize.yaml && git commit -qam renamed && git tag v2
sed -i 's/id: cols/id: columns/' assize.yaml
run "$ASSIZE" rollback verify v2
like "a check that the tag has under another name" "$out$err" 'shop/columns: "assize.yaml" of v2 has no such check'
sed -i 's/schema: /shema: /' assize.yaml && git commit -qam typo && git tag v3
sed -i 's/shema: /schema: /' assize.yaml
run "$ASSIZE" rollback verify v3
like "a definition that cannot be read" "$out$err" 'compatible undecided: .*the definition of v3 cannot be used: line [0-9]+: .*shema'
is "is no proof" "$status" 2
sed -i 's/shop: { sqlite/store: { sqlite/; s/target: shop/target: store/' assize.yaml
judged "a target that is no more" 2 'the definition of v1 cannot be used: .*no target "shop"'

# What may be asked.
world
sed -i 's/compatible: .*/compatible: [shop\/colums]/' assize.yaml
run "$ASSIZE" check
is "a check that is not there" "$status" 3
like "is answered with the one that is" "$err" 'there is no check "shop/colums".*did you mean "shop/columns"'
sed -i 's/compatible: .*/compatible: [shop\/page]/; s/^rollback:/      - { id: page, command: { run: [\/bin\/true] } }\n&/' assize.yaml
run "$ASSIZE" check
like "one that asks no database" "$err" '"shop/page" is of kind command, which asks no database'
for path in ../assize.yaml ops/../../a.yaml /etc/a.yaml; do
	sed "s|^    compatible|    definition: $path\n&|" <(git show v1:assize.yaml) >beside.yaml
	run "$ASSIZE" check -f beside.yaml
	like "a definition beside the tag's tree: $path" "$status$err" '^3.*is not in the tree of a tag'
done
rm beside.yaml
like "the plan says what will be asked" "$(git checkout -q assize.yaml && "$ASSIZE" plan rollback/releases)" \
	"run shop/columns as the tag's definition has it, against today's target"
done_testing
