#!/bin/bash
# Kind migrations by mutation, per framework: the intact world passes, then each named mutation gives
# exactly its finding. The worlds are in fixtures/migrations, written by the tools themselves where
# they are to be had (see the README there).
. "$(dirname "$0")/../lib/tap.sh"

export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
fixtures=$ROOT/tests/fixtures/migrations

# Every world is a folder of its own, and one run looks at all of them: what was expected of each is
# compared at the end. A world is finished by found, passes or undecided, which begin the next one.
n=0
claims=() ids=() wanted=() texts=()
printf 'assize: 1\ntargets:\n' >"$TMP/targets"
printf 'audits:\n  m:\n    checks:\n' >"$TMP/audits"

# framework NAME PATH: names the fixture for what follows; the intact one passes.
framework()
{
	name=$1 path=$2
	mkdir -p "$TMP/clean/$name"
	cp -r "$fixtures/$name/." "$TMP/clean/$name"
	sqlite3 "$TMP/clean/$name/db" <"$fixtures/$name/db.sql"
	world
	passes intact "table .*, [3-6] migrations in files"
}

# world: a fresh copy in the current directory. A mutation may also set what its check says: keys
# beside the path, an expectation, other paths.
world()
{
	n=$((n + 1))
	mkdir -p "$TMP/w"
	cp -r "$TMP/clean/$name" "$TMP/w/$n"
	cd "$TMP/w/$n" || bail "no copy"
	printf '  d%d: { sqlite: w/%d/db }\n' $n $n >>"$TMP/targets"
	keys= expect= paths=w/$n/$path
}

sql()
{
	sqlite3 db "$1"
}

# check CLAIM FINDINGS TEXT: a check of this world; exactly these values do not pass ("pending=1
# failed=2"), and the text is somewhere in reasons and evidence.
check()
{
	local id=c${#ids[@]}
	printf '      - { id: %s, target: d%d, migrations: { path: %s%s }%s }\n' $id $n "$paths" "$keys" \
		"$expect" >>"$TMP/audits"
	ids+=("m/$id") claims+=("$name: $1") wanted+=("$2") texts+=("$3")
}

found()
{
	check "$@"
	world
}

passes()
{
	check "$1" "" "${2-}"
	world
}

undecided()
{
	check "$1" undecided "$2"
	world
}

# run_all: one run, and what became of each check.
run_all()
{
	declare -A got text
	local id findings evidence i
	cd "$TMP" || bail "no directory"
	cat targets audits >assize.yaml
	exits "a run over all worlds" 1 "$ASSIZE" run
	"$ASSIZE" report --format json >report.json
	while IFS=$'\1' read -r id findings evidence; do
		got[$id]=$findings text[$id]=$evidence
	done < <(jq -r '.checks[] | [.name, ([.series[] | select(.outcome != "pass") |
			if .outcome == "undecided" then "undecided" else "\(.series)=\(.value)" end] | join(" ")),
		([.series[] | .series, .shown, .reason // "", (.evidence | join(" "))] | join(" "))] |
		join("\u0001")' report.json)
	for i in "${!ids[@]}"; do
		id=${ids[$i]}
		is "${claims[$i]}" "${got[$id]-not run}" "${wanted[$i]}" || diag "${text[$id]-}"
		like "${claims[$i]}: what is said" "${text[$id]-}" "${texts[$i]}"
	done
}

# crlf PATTERN: gives every file of the pattern CRLF line ends.
crlf()
{
	find . -path "$1" -type f -exec sed -i 's/$/\r/' {} +
}

# ---- names and numbers alone: rails, dbmate, goose, ecto, knex, laravel, sequelize, efcore, diesel ----

# numbered FIRST MIDDLE LAST NEW OLD TABLE COLUMN: the mutations all of them share.
numbered()
{
	local middle=$1 new=$2 old=$3 insert=$4
	rm -r "$middle"
	found missing_file "missing=1" 'applied, but no file of .* has it; restore the file'
	cp -r "$middle" "$new"
	found new_file "pending=1" "$new.* is not applied; "
	cp -r "$middle" "$old"
	found older_file "out_of_order=1" "$old.* is not applied, though the newer .* is"
	if [ -n "$insert" ]; then
		sql "$insert"
		found strange_row "missing=1" 'applied, but no file of .* has it'
	fi
}

framework rails migrate
numbered migrate/20240201000001_add_note.rb migrate/20250101000001_new.rb migrate/20240102000001_old.rb \
	"INSERT INTO schema_migrations VALUES('20240202000000')"
sql "INSERT INTO schema_migrations VALUES('add_note')"
found unknown_row "unknown=1" 'add_note: no version as the framework writes it; find out who wrote this row of schema_migrations'
cp migrate/20240201000001_add_note.rb migrate/20240201000001_twin.rb
found same_version "duplicate=1" '20240201000001_add_note.rb and .*20240201000001_twin.rb are both version 20240201000001; rename one'

framework dbmate migrations
numbered migrations/20240201000001_items.sql migrations/20250101000001_new.sql migrations/20240102000001_old.sql \
	"INSERT INTO schema_migrations VALUES('20240202000000')"

framework goose migrations
numbered migrations/00002_items.sql migrations/00004_new.sql migrations/00000_old.sql \
	"INSERT INTO goose_db_version(version_id, is_applied) VALUES(9,1)"
sql "INSERT INTO goose_db_version(version_id, is_applied) VALUES(3,0)"
found rolled_back_row "rolled_back=1" '3: rolled back, and .*00003_prices.sql would apply it again: goose up'
sql "INSERT INTO goose_db_version(version_id, is_applied) VALUES(3,0),(3,1)"
passes "the newest row of a version counts"

framework ecto migrations
numbered migrations/20240102000000_items.exs migrations/20250101000000_new.exs migrations/20240101500000_old.exs \
	"INSERT INTO schema_migrations VALUES(20240202000000,'')"

framework diesel migrations
numbered migrations/2024-01-02-000000_items migrations/2025-01-01-000000_new migrations/2024-01-01-500000_old \
	"INSERT INTO __diesel_schema_migrations(version) VALUES('20240202000000')"

framework knex migrations
numbered migrations/20240201000001_items.js migrations/20250101000001_new.js migrations/20240102000001_old.js \
	"INSERT INTO knex_migrations(name) VALUES('other.js')"

sql 'UPDATE knex_migrations_lock SET is_locked = 1'
found held_lock "failed=1" 'knex_migrations_lock: the lock is held: .* or one was killed; when none runs, knex migrate:unlock'
sql 'DROP TABLE knex_migrations_lock'
passes "no table of the lock, no lock"
sql 'ALTER TABLE knex_migrations_lock RENAME COLUMN is_locked TO other'
found other_lock undecided 'the lock could not be read: it has no column is_locked'

framework laravel migrations
numbered migrations/2024_02_01_000001_create_items.php migrations/2025_01_01_000001_new.php \
	migrations/2024_01_02_000001_old.php "INSERT INTO migrations(migration, batch) VALUES('2024_01_01_x', 1)"

framework efcore Migrations
numbered Migrations/20240102000000_items.cs Migrations/20250101000000_new.cs Migrations/20240101500000_old.cs \
	"INSERT INTO __EFMigrationsHistory VALUES('20240202000000_x', '8')"

framework doctrine migrations
for new in Version20250101000000:pending Version20240101500000:out_of_order; do
	sed "s/Version20240102000000/${new%:*}/" migrations/Version20240102000000.php >migrations/${new%:*}.php
	found "file ${new#*:}" "${new#*:}=1" "${new%:*}.php is not applied"
done
rm migrations/Version20240102000000.php
found missing_file "missing=1" 'DoctrineMigrations.*Version20240102000000: applied, but no file of Doctrine has it'
sed 's/^final class [A-Za-z]*[0-9]*/# instead of class Version20240102000000\nfinal class Version20250101000000/' \
	migrations/Version20240102000000.php >migrations/Version20250101000000.php
found class_in_comment "pending=1" 'Version20250101000000.php is not applied'

framework typeorm migrations
for new in 1800000000000:pending 1705000000000:out_of_order; do
	sed "s/Items1706745600000/New${new%:*}/" migrations/1706745600000-Items.js >migrations/${new%:*}-New.js
	found "file ${new#*:}" "${new#*:}=1" "${new%:*}-New.js is not applied"
done
printf '// a class of its own\nexport class Items implements MigrationInterface {\n    name = "Items1706745600000"\n}\n' \
	>migrations/1706745600000-Items.ts
rm migrations/1706745600000-Items.js
passes "a property name is the name"
for text in '/*
class Old1706745600000
*/' '// class Old1706745600000' '`
name = "Old1706745600000"
`'; do
	printf '%s\nexport class New1800000000000 implements MigrationInterface {}\n' "$text" >migrations/1800000000000-New.ts
	found "class in a comment or text" "pending=1" 'New1800000000000: .* is not applied'
done
rm migrations/1706745600000-Items.js
found missing_file "missing=1" 'Items1706745600000: applied, but no file of TypeORM has it'

# ---- golang-migrate: one row ----

framework golang-migrate migrations
cp migrations/000003_prices.up.sql migrations/000004_new.up.sql
found new_file "pending=1" '000004_new.up.sql is not applied; migrate up'
sql 'UPDATE schema_migrations SET dirty = 1'
found dirty "failed=1" '3: the table is dirty: this migration ended half way; mend the database, then migrate force'
sql 'UPDATE schema_migrations SET version = 9'
found missing_file "missing=1" '9: applied, but no file of golang-migrate has it'
rm migrations/000002_*
passes "a gap behind the last version cannot be known" 'keeps the last version only'
expect=', expect: { modified: "== 0" }'
undecided "what it cannot know is no 0" 'modified.*golang-migrate keeps nothing to tell it by'

# ---- checksums: flyway, prisma, sqlx, refinery, atlas, drizzle, sqitch ----

# hashed FILE NEW OLD: the mutations of frameworks with a checksum.
hashed()
{
	local middle=$1 new=$2 old=$3
	echo '-- edited' >>"$middle"
	found edited_file "modified=1" "$middle was changed after it was applied; put it back"
	[ -z "$new" ] || { mkdir -p "$(dirname "$new")" && cp "$middle" "$new"; }
	[ -z "$new" ] || found new_file "pending=1" "$new is not applied; "
	[ -z "$old" ] || { mkdir -p "$(dirname "$old")" && cp "$middle" "$old"; }
	[ -z "$old" ] || found older_file "out_of_order=1" "$old is not applied, though the newer .* is"
	rm "$middle"
	found missing_file "missing=1" 'applied, but no file of .* has it'
}

framework flyway sql
hashed sql/V1_1__create_items.sql sql/V3__new.sql sql/V1_0_5__old.sql
crlf './sql/*'
passes "line ends do not matter"
LC_ALL=C sed -i '1s/^...//' sql/V1_1__create_items.sql
passes "nor does a byte order mark"
echo 'SELECT 2;' >>sql/R__totals.sql
found changed_repeatable "pending=1" 'R__totals.sql changed since it was applied and runs again; flyway migrate'
sql "UPDATE flyway_schema_history SET success = 0 WHERE version = '2'"
found failed_row "failed=1" 'V2__create_prices.sql: the table says that it failed; mend the database, then flyway repair'
sql "INSERT INTO flyway_schema_history VALUES(9,'2','x','UNDO_SQL','U2__x.sql',1,'a','',1,1)"
found undone "rolled_back=1" 'U2__x.sql: rolled back, and .*V2__create_prices.sql would apply it again'
sql "UPDATE flyway_schema_history SET version = 'two' WHERE version = '2'; DELETE FROM flyway_schema_history WHERE version = '1'"
found unknown_row "pending=1 out_of_order=1 unknown=1" 'no version as the framework writes it'
cp sql/V2__create_prices.sql sql/V2.0__twin.sql
found same_version "duplicate=1" 'are both version 2; rename one'
sql "UPDATE flyway_schema_history SET checksum = NULL WHERE version = '2'"
undecided no_checksum 'the table keeps no checksum of V2__create_prices.sql, so nothing tells whether it changed'
sql "UPDATE flyway_schema_history SET checksum = NULL WHERE version IS NULL"
undecided no_checksum_repeatable 'pending .*the table keeps no checksum of R__totals.sql'
mv sql/V2__create_prices.sql sql/V2__drop_prices.sql
found renamed_file "modified=1" 'V2__drop_prices.sql was applied as "create prices", which its name no longer says.*flyway repair'
sql "UPDATE flyway_schema_history SET type = 'JDBC', checksum = NULL WHERE version = '2'"
found other_type "modified=1" 'V2__create_prices.sql was applied as type JDBC, which the file is not'
mv sql/V2__create_prices.sql sql/V2__create_prices.java
found other_type_of_file "modified=1" 'V2__create_prices.java was applied as type SQL, which the file is not'
sql "UPDATE flyway_schema_history SET type = 'JDBC', checksum = NULL WHERE version = '2'"
mv sql/V2__create_prices.sql sql/V2__create_prices.java
passes "a migration in Java has no checksum" 'V2__create_prices.java: not compared'
sql "UPDATE flyway_schema_history SET description = '<< no description >>' WHERE version = '2'"
mv sql/V2__create_prices.sql sql/V2__.sql
passes "a description may be empty"
long=$(printf 'x%.0s' {1..210})
sql "UPDATE flyway_schema_history SET description = '${long:0:197}...' WHERE version = '2'"
mv sql/V2__create_prices.sql "sql/V2__$long.sql"
passes "a long description is cut by Flyway"
sql "DELETE FROM flyway_schema_history WHERE installed_rank < 3; INSERT INTO flyway_schema_history VALUES(0,'1.1','<< Flyway Baseline >>','BASELINE','<< Flyway Baseline >>',NULL,'a','',0,1)"
passes "what lies below a baseline is not pending"

framework prisma migrations
hashed migrations/20240102000000_items/migration.sql migrations/20250101000000_new/migration.sql \
	migrations/20240101500000_old/migration.sql
crlf './migrations/*.sql'
passes "either line ends agree" 'agrees once its line ends are LF, as Prisma allows'
sql "UPDATE _prisma_migrations SET checksum = '' WHERE id = 'id3'"
undecided no_checksum 'the table keeps no checksum of 20240103000000_prices'
sql "UPDATE _prisma_migrations SET finished_at = NULL WHERE id = 'id3'"
found unfinished "failed=1" '20240103000000_prices: began and never finished; mend the database, then prisma migrate resolve'
sql "UPDATE _prisma_migrations SET rolled_back_at = 1 WHERE id = 'id3'"
found rolled_back_row "rolled_back=1" '20240103000000_prices: rolled back, and .* would apply it again'

framework sqlx migrations
hashed migrations/20240102000000_items.up.sql migrations/20250101000000_new.up.sql migrations/20240101500000_old.up.sql
sql "UPDATE _sqlx_migrations SET success = 0 WHERE version = 20240103000000"
found failed_row "failed=1" '20240103000000 prices: the table says that it ended half way'
crlf './migrations/*items.up.sql'
found crlf "line_ends=1" 'items.up.sql was applied with LF line ends and has others now, which sqlx takes for a change; fix them in .gitattributes'

framework refinery migrations
hashed migrations/V2__items.sql migrations/V4__new.sql ""
cp migrations/V2__items.sql migrations/U0__old.sql
found older_file "out_of_order=1" 'U0__old.sql is not applied, though the newer V3__prices is'
mv migrations/V2__items.sql migrations/V2__things.sql
found renamed_file "modified=1" 'V2__things.sql was changed'
crlf './migrations/V3*'
found crlf "line_ends=1" 'V3__prices.sql was applied with LF line ends and has others now'

framework drizzle drizzle
echo '-- edited' >>drizzle/0001_items.sql
found edited_file "modified=1" '0001_items.sql was changed after it was applied'
crlf './drizzle/*.sql'
passes "either line ends agree"
rm drizzle/0001_items.sql
found missing_file "broken=1" '0001_items: .*_journal.json names it, but there is no such file'
sql 'DELETE FROM __drizzle_migrations WHERE created_at = (SELECT max(created_at) FROM __drizzle_migrations)'
found unapplied "pending=1" '0002_prices.sql is not applied; drizzle-kit migrate'
sql 'DELETE FROM __drizzle_migrations WHERE created_at = (SELECT min(created_at) FROM __drizzle_migrations)'
found skipped "out_of_order=1" '0000_orders.sql is not applied, though the newer'
sql "INSERT INTO __drizzle_migrations VALUES(NULL, 'x', 1)"
found strange_row "missing=1" 'created_at 1: applied, but no file of Drizzle has it'

framework atlas migrations
atlas_sum()
{
	local all=$TMP/all lines=$TMP/lines sums=$TMP/sums file hash
	: >"$all" && : >"$lines" && : >"$sums"
	for file in migrations/*.sql; do
		{ printf '%s' "${file##*/}" && cat "$file"; } >>"$all"
		hash=$(openssl dgst -sha256 -binary <"$all" | openssl base64 -A)
		printf '%s%s' "${file##*/}" "$hash" >>"$sums"
		printf '%s h1:%s\n' "${file##*/}" "$hash" >>"$lines"
	done
	{ printf 'h1:%s\n' "$(openssl dgst -sha256 -binary <"$sums" | openssl base64 -A)" && cat "$lines"; } \
		>migrations/atlas.sum
}
echo '-- edited' >>migrations/20240102000000_items.sql
found edited_file "modified=1 broken=1" 'atlas.sum does not agree with .*20240102000000_items.sql'
echo '-- edited' >>migrations/20240102000000_items.sql
atlas_sum
found edited_and_hashed "modified=1" '20240102000000_items.sql was changed after it was applied.*behind 20240102000000_items.sql: not compared'
printf '\n-- atlas:sum ignore\n' >>migrations/20240103000000_prices.sql
found ignored_behind "modified=1 broken=1" '20240103000000_prices.sql was changed after it was applied'
sed -i '1i -- atlas:sum ignore' migrations/20240103000000_prices.sql
passes "a file whose first line says so is in no sum"
echo 'SELECT 1;' >migrations/20250101000000_new.sql
atlas_sum
found new_file "pending=1" '20250101000000_new.sql is not applied; atlas migrate apply'
echo 'SELECT 1;' >migrations/20240101500000_old.sql
atlas_sum
found older_file "out_of_order=1" '20240101500000_old.sql is not applied, though the newer 20240103000000_prices is'
rm migrations/20240102000000_items.sql
atlas_sum
found missing_file "missing=1 undecided" '20240102000000_items: applied, but no file of Atlas has it.*a hash covers all files before it, and that of 20240102000000_items is gone'
sql "UPDATE atlas_schema_revisions SET hash = '' WHERE version = '20240102000000'"
undecided no_hash 'the table keeps no checksum of 20240102000000_items.sql'
rm migrations/atlas.sum
found missing_sum "broken=1" 'atlas.sum: there is none, and atlas refuses to apply'
sql "UPDATE atlas_schema_revisions SET executed_at = '2024-02-0' || substr(version, 8, 1)"
printf '%s' 'SELECT 1;' >migrations/20240101500000_old.sql
atlas_sum
sql "INSERT INTO atlas_schema_revisions SELECT '20240101500000', 'old', 2, 1, 1, '2024-03-01', 1, '', '', '$(sed -n 's/.*_old.sql h1://p' migrations/atlas.sum)', NULL, ''"
passes "a migration applied late is in no hash before it"
sql "UPDATE atlas_schema_revisions SET applied = 1, total = 2, error = 'boom' WHERE version = '20240103000000'"
found failed_row "failed=1" '20240103000000_prices: statement 2 of 2 failed'
sql "UPDATE atlas_schema_revisions SET applied = 1, total = 2 WHERE version = '20240103000000'"
found half_row "failed=1" 'only 1 of 2 statements were applied'

framework sqitch .
echo '-- edited' >>deploy/orders.sql
found edited_file "modified=1" 'deploy/orders.sql was changed after it was applied'
sql "UPDATE changes SET script_hash = NULL WHERE \"change\" = 'orders'"
undecided no_checksum 'the table keeps no checksum of orders'
echo '-- edited' >>deploy/items@v1.sql
found edited_reworked "modified=1" 'deploy/items@v1.sql was changed'
crlf './deploy/prices.sql'
found crlf "line_ends=1" 'prices.sql was applied with LF line ends'
rm deploy/prices.sql
found missing_script "broken=1" 'prices: .*sqitch.plan names it, but there is no deploy script'
echo 'more 2024-01-01T00:00:00Z Tester <tester@example.com> # more' >>sqitch.plan
cp deploy/prices.sql deploy/more.sql
found new_change "pending=1" 'more: .*deploy/more.sql is not applied; sqitch deploy'
sed -i '/^orders /i early 2024-01-01T00:00:00Z Tester <tester@example.com> # early' sqitch.plan
cp deploy/prices.sql deploy/early.sql
found early_change "out_of_order=1" 'deploy/early.sql is not applied, though the newer prices is'
sed -i '/^prices /d' sqitch.plan
found missing_change "missing=1" 'prices: applied, but no file of sqitch has it'

# ---- graphs: alembic, django ----

framework alembic versions
first=$(basename versions/*_orders.py _orders.py) middle=$(basename versions/*_items.py _items.py) \
	last=$(basename versions/*_prices.py _prices.py)
revision()
{
	printf 'revision: str = "%s"\ndown_revision: Union[str, None] = %s\ndepends_on = None\n' "$1" "$2"
}
revision new "'$last'" >versions/new_x.py
found new_file "pending=1" 'new \(new_x.py\): .*is not applied; alembic upgrade head'
revision new "'$middle'" >versions/new_x.py
found second_head "pending=1 broken=1" 'heads: 2 revisions have none after them .*alembic merge heads'
revision new "'$middle'" >versions/new_x.py
revision joined "('$last', 'new')" >versions/joined_x.py
found merged "pending=2" 'joined_x.py is not applied'
rm versions/"${middle}"_items.py
found missing_middle "undecided broken=1" "what comes before revision $middle is unknown.*comes after revision $middle, which no file has"
rm versions/"${last}"_prices.py
found missing_head "pending=2 missing=1" "$last: applied, but no file of Alembic has it"
cp versions/"${first}"_orders.py versions/twin.py
found same_revision "duplicate=1" "are both version $first"
sed -i "s/^down_revision = None/down_revision = '$last'/" versions/"${first}"_orders.py
found circle "broken=1" 'down_revision or depends_on goes in a circle among '
revision new "('$last', 'x')" >versions/new_x.py
revision x "'y'" >versions/x.py
revision y "'x'" >versions/y.py
sql "UPDATE alembic_version SET version_num = 'new'"
found circle_below "broken=1" 'circle among [xy], [xy], and alembic loads none of them'
sed -i "s/^depends_on = None/depends_on = ['$last']/" versions/"${first}"_orders.py
found circle_of_dependencies "broken=1" 'circle among '
revision other None | sed 's/^depends_on.*/branch_labels: str | None = "side"/' >versions/other.py
revision joined "('$last', 'other')" | sed 's/^depends_on.*/depends_on: Union[str, Sequence[str], None] = ("side",)/' >versions/joined.py
sql "UPDATE alembic_version SET version_num = 'joined'"
passes "a branch may be depended on by its label"
revision new "'$last'" | sed 's/^depends_on.*/branch_labels = ("side", "side")/' >versions/new_x.py
sql "UPDATE alembic_version SET version_num = 'new'"
found same_label "broken=1" 'new \(new_x.py\): the branch label side is that of another revision as well'
for line in '' 'down_revision: Union[str, None]' 'from common import *' '    down_revision = "x"'; do
	printf 'from alembic import op\nrevision = "new"\ndef upgrade():\n    pass\n%s\n' "$line" >versions/new_x.py
	undecided "a revision without what comes before it: $line" 'new_x.py: it has a revision, but no down_revision that could be read.*alembic loads no such file'
done
printf 'down_revision = "%s"\n' "$last" >versions/new_x.py
undecided "what comes before no revision" 'new_x.py: it has a down_revision, but no revision that could be read'
printf 'down_revision = "%s"\n' "$last" >versions/ae1027.py
found called_by_its_revision "pending=1" 'ae1027 \(ae1027.py\): .*is not applied'
revision new "'$last'" >versions/__init__.py
passes "what Alembic passes over"
sql 'DELETE FROM alembic_version'
found empty_table "pending=3" 'orders.py is not applied'
printf '"""\nrevision = "%s"\ndown_revision = "%s"\n"""\nrevision = "new"\ndown_revision = "%s"\n' "$last" "$middle" "$last" \
	>versions/new_x.py
found text_in_front "pending=1" 'new \(new_x.py\): .*is not applied'
revision "$last" "'$last'" >versions/new_x.py
echo 'revision = "new"' >>versions/new_x.py
found last_assignment "pending=1" 'new \(new_x.py\): .*is not applied'
for line in 'revision = f"{PREFIX}1"' 'revision = "ne" "w"' 'down_revision = heads()' 'depends_on = OTHER'; do
	revision new "'$last'" >versions/new_x.py
	echo "$line" >>versions/new_x.py
	undecided "$line" "new_x.py: ${line%% *} is computed, and files are read, never run"
done
echo 'raise SystemExit("run")' >versions/bad.py
passes "files are not run"

framework django .
passes "apps without files are said" 'app auth: not compared'
migration()
{
	set -- "$1" "${2-}"
	printf 'class Migration(migrations.Migration):\n    replaces = [%s]\n    dependencies = [\n        %s\n    ]\n' "$2" "$1"
}
migration '("shop", "0003_state")' >shop/migrations/0004_new.py
found new_file "pending=1" 'shop.0004_new: .*0004_new.py is not applied; manage.py migrate'
migration '("shop", "0002_note")' >shop/migrations/0003_other.py
found second_leaf "pending=1 broken=1" 'both .*0003_other.py and .*0003_state.py are the last of the app.*makemigrations --merge'
rm shop/migrations/0003_state.py
found missing_file "missing=1" 'shop.0003_state: applied, but no file of Django has it'
rm shop/migrations/0002_note.py
found missing_middle "missing=1 broken=1" 'depends on shop.0002_note, which no file has'
sql "DELETE FROM django_migrations WHERE name = '0002_note'"
found inconsistent "out_of_order=1" '0002_note.py is not applied, though the newer shop.0003_state is'
migration '' '("shop", "0001_initial"), ("shop", "0002_note"), ("shop", "0003_state")' >shop/migrations/0001_squashed.py
passes "a squashed migration counts when all it replaces were applied"
migration '' '("shop", "0001_initial"), ("shop", "0002_note"), ("shop", "0003_state")' >shop/migrations/0001_squashed.py
rm shop/migrations/000[123]_{initial,note,state}.py 2>/dev/null
passes "also when the old files are gone"
migration '' '("shop", "0001_initial"), ("shop", "0009_x")' >shop/migrations/0001_squashed.py
passes "one that was applied in part is left alone"
migration '("shop", "0003_state")' | sed 's/^class.*/&\n    """\n    replaces = [("shop", "0003_state")]\n    """/' \
	>shop/migrations/0004_new.py
found text_in_front "pending=1" '0004_new.py is not applied'
migration '("shop", "0003_state")' | sed '$s/$/ + MORE/' >shop/migrations/0004_new.py
found computed_dependencies "pending=1 undecided undecided" 'dependencies of .*0004_new.py is computed, and files are read, never run'

# ---- liquibase ----

framework liquibase changelog
sed -i 's/prices-1/prices-2/' changelog/prices.sql
found renamed_set "pending=1 missing=1" 'prices.sql::prices-2::cid: .*is not applied; liquibase update'
sed -i '/<include file="items/i <changeSet author="eve" id="2"/>' changelog/root.xml
found new_in_xml "pending=1" 'root.xml::2::eve: .* is not applied'
printf '  - changeSet:\n      id: 7\n      author: "eve"\n      changes: []\n' >>changelog/items.yaml
found new_in_yaml "pending=1" 'items.yaml::7::eve: .* is not applied'
printf '{"databaseChangeLog": [{"changeSet": {"id": "8", "author": "eve", "changes": []}}]}' >changelog/more.json
found new_in_json "pending=1" 'more.json::8::eve: .* is not applied'
sed -i 's/^/# /' changelog/items.yaml
found commented_out "missing=1" 'items-1::bob: applied, but no file of Liquibase has it'
sed -i '/<include file="items/i <!-- <changeSet author="eve" id="2"/> -->' changelog/root.xml
passes "a comment in XML is none"
rm changelog/items.yaml
found missing_file "missing=1" 'db/changelog/items.yaml::items-1::bob: applied, but no file of Liquibase has it'
sql 'CREATE TABLE DATABASECHANGELOGLOCK (ID INT, LOCKED BOOLEAN); INSERT INTO DATABASECHANGELOGLOCK VALUES (1, 1)'
found held_lock "failed=1" 'DATABASECHANGELOGLOCK: the lock is held: .* release-locks when none runs'
sql "UPDATE DATABASECHANGELOG SET EXECTYPE = 'FAILED' WHERE ID = '1'"
found failed_row "failed=1" 'the table says that it failed; mend the database, then liquibase update'
sql "UPDATE DATABASECHANGELOG SET EXECTYPE = 'PERHAPS' WHERE ID = '1'"
found unknown_row "pending=1 unknown=1" 'EXECTYPE is PERHAPS'
mkdir changelog/more && cp changelog/prices.sql changelog/more/prices.sql
found same_id_elsewhere "pending=1" 'more/prices.sql::prices-1::cid: .* is not applied'
sql "UPDATE DATABASECHANGELOG SET FILENAME = 'prices.sql' WHERE ID = 'prices-1'"
mkdir changelog/more && cp changelog/prices.sql changelog/more/prices.sql
found nearest_path "pending=1" 'more/prices.sql::prices-1::cid: .* is not applied'
printf -- '-- changeset cid:prices-1\n' >>changelog/prices.sql
found same_set "duplicate=1" 'prices.sql::prices-1::cid; rename one of them'

framework sequelize migrations
numbered migrations/20240201000001-items.js migrations/20250101000001-new.js migrations/20240102000001-old.js \
	"INSERT INTO SequelizeMeta VALUES('20240101000002-x.js')"

# ---- detection, keys, refs ----

# again NAME: worlds of a fixture that is there already.
again()
{
	name=$1 path=$2
	world
}

again rails migrate
cp "$fixtures/dbmate/migrations/"*.sql migrate/
undecided "files of two frameworks that share a table's shape" \
	'fit several frameworks: rails \(table schema_migrations, 3 files\), dbmate \(table schema_migrations, 3 files\).*framework: rails'
cp "$fixtures/dbmate/migrations/"*.sql migrate/
keys=', framework: rails'
passes "a named framework ends the doubt"
keys=', framework: ecto'
undecided "a table of the same name and another shape" \
	"table schema_migrations is not Ecto's: its column version is of type varchar"
keys=', framework: flyway'
undecided "a table that is not there" 'there is no table flyway_schema_history .*Flyway was never run on this database'
rm migrate/*
undecided "no files" 'no file in ".*/migrate" looks like a migration of Rails or dbmate'
rm -r migrate
undecided "no directory" 'could not read ".*/migrate": No such file or directory'
sql 'ALTER TABLE schema_migrations RENAME TO history'
undecided "a table of another name" 'no table of this database is the bookkeeping of a migration framework'
sql 'ALTER TABLE schema_migrations RENAME TO history'
keys=', table: history'
passes "which the definition may name"
keys=', table: histories'
undecided "a name that is no table's" 'there is no table "histories"'
sql 'ALTER TABLE schema_migrations ADD COLUMN extra text'
undecided "a column too many" 'it has 1 columns more than (Rails|dbmate) gives it'
rm db
undecided "no database" 'could not open database'
truncate -s 5M migrate/20240101000001_create_orders.rb
passes "content nobody needs is not read, however large"

touch $'migrate/20250101000001_\e[31m\n.rb'
found hostile_name "pending=1" '20250101000001_\\x1b\[31m\\n.rb is not applied; rails db:migrate'
touch migrate/20250101000001_new.rb
keys=', allow: [pending]'
passes "an allowed finding is no failure" 'allowed.*1 finding.*20250101000001_new.rb is not applied'
touch migrate/20250101000001_new.rb
expect=', expect: { pending: "<= 1" }'
passes "a bound of one's own holds instead" '20250101000001_new.rb is not applied'

mkdir more && mv migrate/20240301000001_add_state.rb more/
paths="[w/$n/migrate, w/$n/more]"
passes "several directories are one"
mv migrate/20240101000001_create_orders.rb . && ln -s ../20240101000001_create_orders.rb migrate/
found symlink "missing=1" '20240101000001_create_orders.rb: a symbolic link, not followed'
mkdir -p migrate/node_modules migrate/.hidden
cp migrate/20240101000001_create_orders.rb migrate/node_modules/20250101000001_x.rb
cp migrate/20240101000001_create_orders.rb migrate/.hidden/20250101000002_x.rb
passes "somebody else's folders are left out"

git init -q -b main . && git add migrate && git commit -qm one && git tag one
git rm -q --cached migrate/20240201000001_add_note.rb && git commit -qm two
rm -r migrate
keys=', ref: one'
check "files of a ref, whatever the work tree has" "" "of commit $(git rev-parse one)"
keys=', ref: main'
check "a finding at a ref" "missing=1" '20240201000001: applied, but no file'
keys=', ref: nowhere'
undecided "a ref that is not there" 'could not find "nowhere" in git repository .*git fetch'
keys=', ref: main'
undecided "no repository" '".*/migrate" is in no git repository'

again sqlx migrations
git init -q -b main . && git add migrations && git commit -qm one
echo '-- edited' >>migrations/20240102000000_items.up.sql && git add migrations && git commit -qm two
keys=', ref: main~1'
check "checksums of a ref are those of its blobs" "" "of commit"
keys=', ref: main'
found edited_in_a_commit "modified=1" 'main:.*migrations/20240102000000_items.up.sql was changed after it was applied'
truncate -s 5M migrations/20240102000000_items.up.sql
undecided "a migration beyond 4 MiB" 'could not read ".*migrations/20240102000000_items.up.sql": larger than 4 MiB'

run_all
exits "plan says what would be compared" 0 "$ASSIZE" plan
like "plan: the directory" "$out" 'migrations \(auto\) of .*/sql against the table of the framework'
is "every framework has a fixture" "$(find "$fixtures" -mindepth 1 -maxdepth 1 -type d | wc -l)" \
	"$("$ASSIZE" kinds migrations | sed -n '/^what is compared/,/^$/p' | grep -c '^  [a-z]')"
like "the manual has them" "$(cat "$ROOT/runner/man/assize.yaml.5")" 'It golang\\-migrate'
sed -i '0,/migrations: { path: [^ ]*/s//&, allow: [pendign]/' assize.yaml
exits "an unknown finding is a definition error" 3 "$ASSIZE" check
like "with what was meant" "$out$err" 'there is no finding "pendign".*did you mean "pending"'
exits "the example is sound" 0 "$ASSIZE" check -f "$ROOT/audits/examples/migrations.yaml"
done_testing
