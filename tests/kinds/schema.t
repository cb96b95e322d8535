#!/bin/bash
# schema: the intact database passes; then every mutation fails with a line that names it.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

schema="CREATE TABLE owners (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
	CREATE TABLE execution_tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, ai_model TEXT NOT NULL,
	state VARCHAR(20) DEFAULT 'new' CHECK (state <> ''), owner_id INT,
	price DECIMAL(10,2) NOT NULL DEFAULT 0, doubled AS (price * 2) STORED,
	CONSTRAINT cheap CHECK (price < 1000),
	CONSTRAINT owned FOREIGN KEY (owner_id) REFERENCES owners (id) ON DELETE CASCADE);
	CREATE INDEX tasks_state ON execution_tasks (state, owner_id DESC) WHERE price > 0;
	CREATE VIEW open_tasks AS SELECT id FROM execution_tasks WHERE state = 'new';
	CREATE TABLE audit_2026 (at TIMESTAMP NOT NULL, what TEXT COLLATE NOCASE);
	CREATE TABLE audit_2027 (at TIMESTAMP NOT NULL, what TEXT COLLATE NOCASE);
	CREATE TRIGGER noted AFTER INSERT ON owners BEGIN SELECT 1; END;"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "$schema"
}

# The schema with one thing changed by sed.
mutated()
{
	rm -f shop.db
	sqlite3 shop.db "$(sed "$1" <<<"$schema")"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  s:
    target: shop
    checks:
      - id: tasks
        schema:
          table: execution_tasks
          exact: true
          columns:
            id: { type: integer, key: primary, generated: identity }
            ai_model: { type: text, nullable: false, exact: true }
            state: { declared: VARCHAR(20), default: new }
            owner_id: { type: integer, references: owners(id) }
            price: { type: "numeric(10,2)", default: 0 }
            doubled: { generated: stored, expression: price * 2 }
          checks: { cheap: price < 1000, "state <> ''": }
          indexes:
            tasks_state: { columns: [state, owner_id DESC], unique: false, where: price > 0 }
          foreign_keys: { columns: owner_id, references: owners(id), name: owned, on_delete: cascade }
      - id: names
        schema:
          exact: true
          tables:
            execution_tasks:
            owners: { unique: email, triggers: noted, columns: [id, email] }
            "audit_*":
              exact: true
              columns: { at: { type: timestamp, nullable: false }, what: { type: text, collation: nocase } }
          views: { open_tasks: SELECT id FROM execution_tasks WHERE state = 'new' }
          absent: ["tmp_*", old_tasks]
      - id: snapshot
        schema: { snapshot: shop.schema.json }
YAML

tells()
{
	run "$ASSIZE" run "s/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

# claim, check, what it finds, what the snapshot finds: one finding a line, exactly these.
finds()
{
	run "$ASSIZE" run "s/$2" s/snapshot --report json=report.json
	is "$1: exit status" "$status" 1
	is "$1: found" "$(jq -r '.checks[] | [.series[0].evidence[]?] | join("\n"), "--"' report.json)" "$3
--
$4
--"
}

intact
tells "no snapshot yet" snapshot 2 'shop\.schema\.json.*[Nn]o such file'
exits "a snapshot is captured" 0 "$ASSIZE" schema capture shop -o shop.schema.json
ok "it is JSON" jq -e '.assize_schema == 5 and (.tables | length == 5)' shop.schema.json
exits "intact: all pass" 0 "$ASSIZE" run

# claim, sed on the schema, what check tasks finds, what check snapshot finds
mutation()
{
	mutated "$2"
	finds "$1" tasks "$3" "${4:-$3}"
}
t=execution_tasks
mutation "dropped column" 's/ai_model TEXT NOT NULL,//' "column ai_model is missing from table $t"
mutation "extra column" 's/ai_model TEXT/extra, &/' "unexpected column extra in table $t"
mutation "changed type" 's/ai_model TEXT/ai_model INT/' "column $t.ai_model: type is INT, expected text" \
	"column $t.ai_model: type is INT, was TEXT"
mutation "became nullable" 's/ai_model TEXT NOT NULL/ai_model TEXT/' \
	"column $t.ai_model: is nullable, expected not null" \
	"column $t.ai_model: null is allowed, was refused"
mutation "changed default" "s/DEFAULT 'new'/DEFAULT 'old'/" "column $t.state: default is 'old', expected new" \
	"column $t.state: default is 'old', was 'new'"
mutation "a default nobody wanted" "s/ai_model TEXT NOT NULL/& DEFAULT 'x'/" \
	"column $t.ai_model: default is 'x', expected NULL" "column $t.ai_model: default is 'x', was none"
mutation "a uniqueness nobody wanted" "s/ai_model TEXT NOT NULL/& UNIQUE/" \
	"column $t.ai_model: is unique by itself, expected not unique" \
	"unexpected constraint unique (ai_model) in table $t"
mutation "a collation nobody wanted" "s/ai_model TEXT NOT NULL/& COLLATE NOCASE/" \
	"column $t.ai_model: collation is NOCASE, expected none" \
	"column $t.ai_model: collation is NOCASE, was none"
mutation "no identity" 's/ AUTOINCREMENT//' "column $t.id: is not generated, expected identity" \
	"column $t.id: generation is none, was identity"
mutation "lost primary key" 's/id INTEGER PRIMARY KEY AUTOINCREMENT/id INTEGER NOT NULL/' \
	"column $t.id: is not in the primary key
column $t.id: is not generated, expected identity" \
	"column $t.id: generation is none, was identity
column $t.id: place in the primary key is none, was 1"
mutation "declared otherwise" 's/VARCHAR(20)/VARCHAR(40)/' \
	"column $t.state: declared type is VARCHAR(40), expected VARCHAR(20)" \
	"column $t.state: type is VARCHAR(40), was VARCHAR(20)"
mutation "other scale" 's/DECIMAL(10,2)/DECIMAL(10,3)/' \
	"column $t.price: type is DECIMAL(10,3), expected numeric(10,2)" \
	"column $t.price: type is DECIMAL(10,3), was DECIMAL(10,2)"
mutation "generated otherwise" 's/) STORED/) VIRTUAL/' \
	"column $t.doubled: is generated (virtual), expected stored" \
	"column $t.doubled: generation is virtual, was stored"
mutation "generated from something else" 's/price \* 2/price * 3/' \
	"column $t.doubled: is computed from price * 3, expected price * 2" \
	"column $t.doubled: expression is price * 3, was price * 2"
mutation "other condition of a check" 's/price < 1000/price < 2000/' \
	"check cheap of table $t: condition is price < 2000, expected price < 1000" \
	"constraint cheap of table $t: definition is check ((price < 2000)), was check ((price < 1000))"
mutation "missing check" 's/CONSTRAINT cheap CHECK (price < 1000),//' "check cheap is missing from table $t" \
	"constraint cheap is missing from table $t"
mutation "missing check without a name" "s/ CHECK (state <> '')//" "check state <> '' is missing from table $t" \
	"constraint check ((state <> '')) is missing from table $t"
mutation "extra check" "s/CHECK (price < 1000)/& CONSTRAINT dear CHECK (price > 1)/" \
	"unexpected check dear of table $t" "unexpected constraint dear in table $t"
mutation "missing index" '/CREATE INDEX/d' "index tasks_state is missing from table $t"
mutation "other index columns" 's/(state, owner_id DESC)/(owner_id, state)/' \
	"index tasks_state: columns are owner_id, state, expected state, owner_id DESC" \
	"index tasks_state of table $t: definition is (owner_id, state) where price > 0, was (state, owner_id DESC) where price > 0"
mutation "other index order" 's/owner_id DESC/owner_id/' \
	"index tasks_state: columns are state, owner_id, expected state, owner_id DESC" \
	"index tasks_state of table $t: definition is (state, owner_id) where price > 0, was (state, owner_id DESC) where price > 0"
mutation "other index condition" 's/WHERE price > 0/WHERE price > 1/' \
	"index tasks_state: condition is price > 1, expected price > 0" \
	"index tasks_state of table $t: definition is (state, owner_id DESC) where price > 1, was (state, owner_id DESC) where price > 0"
mutation "unique index" 's/CREATE INDEX/CREATE UNIQUE INDEX/' "index tasks_state: is unique, expected not unique" \
	"index tasks_state of table $t: definition is unique (state, owner_id DESC) where price > 0, was (state, owner_id DESC) where price > 0"
mutation "extra index" '$a CREATE INDEX more ON execution_tasks (price);' "unexpected index more on table $t" \
	"unexpected index more in table $t"
mutation "missing foreign key" 's/ON DELETE CASCADE/&/; s/,$/,/; /CONSTRAINT owned/d; s/price < 1000),/price < 1000));/' \
	"column $t.owner_id: references nothing, expected owners(id)
table $t: foreign key on owner_id to owners(id) is missing" \
	"foreign key owned is missing from table $t"
mutation "foreign key does otherwise" 's/ON DELETE CASCADE/ON DELETE SET NULL/' \
	"table $t: foreign key on owner_id to owners(id): on delete is SET NULL, expected cascade" \
	"foreign key owned of table $t: definition is (owner_id) to owners(id) on update NO ACTION on delete SET NULL, was (owner_id) to owners(id) on update NO ACTION on delete CASCADE"
mutation "foreign key of another name" 's/CONSTRAINT owned/CONSTRAINT held/' \
	"table $t: foreign key on owner_id to owners(id): is named held, expected owned" \
	"foreign key owned is missing from table $t
unexpected foreign key held in table $t"

# claim, sed on the schema, what check names finds, what check snapshot finds
naming()
{
	mutated "$2"
	finds "$1" names "$3" "${4:-$3}"
}
naming "missing view" '/CREATE VIEW/d' "view open_tasks is missing"
naming "other view" "s/WHERE state = 'new'/WHERE state = 'old'/" \
	"view open_tasks: query is SELECT id FROM execution_tasks WHERE state = 'old', expected SELECT id FROM execution_tasks WHERE state = 'new'" \
	"view open_tasks: query is SELECT id FROM execution_tasks WHERE state = 'old', was SELECT id FROM execution_tasks WHERE state = 'new'"
naming "extra table" '$a CREATE TABLE extra (a);' "unexpected table extra"
naming "a table by pattern" 's/audit_2027 (at TIMESTAMP NOT NULL/audit_2027 (at TIMESTAMP/' \
	"column audit_2027.at: is nullable, expected not null" \
	"column audit_2027.at: null is allowed, was refused"
naming "other collation" '/audit_2026/s/ COLLATE NOCASE//' \
	"column audit_2026.what: collation is none, expected nocase" \
	"column audit_2026.what: collation is none, was NOCASE"
naming "extra column by pattern" '/audit_2026/s/what TEXT/who, &/' "unexpected column who in table audit_2026"
naming "not unique" 's/ UNIQUE//' "table owners: nothing keeps (email) unique" \
	"constraint unique (email) is missing from table owners"
naming "missing trigger" '/CREATE TRIGGER/d' "trigger noted is missing from table owners"
naming "a table that must not exist" '$a CREATE TABLE tmp_1 (a);' "unexpected table tmp_1
table tmp_1 must not exist" "unexpected table tmp_1"
naming "in whatever case" '$a CREATE TABLE TMP_1 (a);' "unexpected table TMP_1
table TMP_1 must not exist" "unexpected table TMP_1"
naming "no table by a pattern" '/audit_/d' "no table matches audit_*" "table audit_2026 is missing
table audit_2027 is missing"
naming "the most serious first, by object" '/CREATE INDEX/d; /CREATE VIEW/s/FROM /FROM no_/' \
	"view open_tasks is broken: could not run the query: no such table: main.no_execution_tasks" \
	"view open_tasks is broken: could not run the query: no such table: main.no_execution_tasks
index tasks_state is missing from table execution_tasks"

# ---- diff ----
intact
mkdir shop # which is no file that could be meant
exits "the same schema" 0 "$ASSIZE" schema diff shop
like "says so" "$out" 'same schema: [0-9]+ facts compared'
exits "two files" 0 "$ASSIZE" schema diff shop.schema.json shop.schema.json
mutated 's/ai_model TEXT NOT NULL/model TEXT NOT NULL/; /audit_2027/d; s/VARCHAR(20)/INT/; $a CREATE TABLE extra (a INT);'
exits "another schema" 1 "$ASSIZE" schema diff shop
is "reads like a review" "$out" "was: $PWD/shop.schema.json
is:  shop

- table audit_2027: 2 columns  [its rows are lost]
table execution_tasks
  - column ai_model: TEXT not null  [its values are lost]
  ~ column state, type: VARCHAR(20) -> INT  [values are converted or refused]
  + column model: TEXT not null  [maybe renamed from ai_model]  [fails while the table has rows: no default]
+ table extra: 1 columns

5 differences: 2 removed, 1 changed, 2 added; 4 with a risk"
exits "a file is what was" 1 "$ASSIZE" schema diff shop.schema.json shop
like "whatever the order" "$out" 'was: shop.schema.json'
exits "as JSON" 1 "$ASSIZE" schema diff shop --json
is "with every change" "$(jq -c 'map([.how, .part])' <<<"$out")" \
	'[["removed",null],["removed","column ai_model"],["changed","column state"],["added","column model"],["added",null]]'
exits "no such file or target" 3 "$ASSIZE" schema diff shop nosuch.json
like "is said" "$err" 'there is no target "nosuch.json"'
echo '{"assize_schema": 2, "engine": "mysql", "tables": [], "sequences": [], "extensions": [], "enums": []}' >other.json
exits "of another engine" 3 "$ASSIZE" schema diff shop other.json
like "which is said" "$err" 'is of mysql, "shop" of sqlite'

# ---- a snapshot of version 1 ----
cat >old.json <<'JSON'
{ "assize_schema": 1, "engine": "sqlite", "tables": [ { "name": "a", "view": false,
  "columns": [ { "name": "x", "type": "INT", "nullable": true, "generated": false, "default": null, "key": 0 } ],
  "indexes": [], "foreign_keys": [] } ] }
JSON
cat >old.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: old.db } }
audits: { s: { target: shop, checks: [ { id: old, schema: { snapshot: old.json } } ] } }
YAML
sqlite3 old.db "CREATE TABLE a (x INT CHECK (x > 0))"
exits "what it did not know is no difference" 0 "$ASSIZE" run -f old.yaml --report json=report.json
like "which is said" "$(jq -r '.checks[0].series[0].reason' report.json)" 'version 1, without constraints.*capture it again'
sqlite3 old.db "ALTER TABLE a ADD y INT"
exits "what it knew is" 1 "$ASSIZE" run -f old.yaml
like "and is named" "$out" 'unexpected column y in table a'

# ---- ON CONFLICT, which decides whether rows are refused or destroyed ----
cat >conflict.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: conflict.db } }
audits: { s: { target: shop, checks: [ { id: as_was, schema: { snapshot: conflict.json } } ] } }
YAML
conflict()
{
	rm -f conflict.db
	sqlite3 conflict.db "CREATE TABLE a (i INTEGER PRIMARY KEY DESC $1, x TEXT NOT NULL $2 DEFAULT '' UNIQUE $3, y INT,
		CONSTRAINT pair UNIQUE (x, y) $4, CHECK (y > 0))"
}
conflict "ON CONFLICT ROLLBACK" "ON CONFLICT ABORT" "" "ON CONFLICT FAIL"
exits "captured" 0 "$ASSIZE" schema capture -f conflict.yaml shop -o conflict.json
conflict "ON CONFLICT ROLLBACK" "" "on conflict abort" "on conflict fail"
exits "ABORT is the usual" 0 "$ASSIZE" run -f conflict.yaml
conflict "ON CONFLICT REPLACE" "ON CONFLICT REPLACE" "ON CONFLICT IGNORE" "ON CONFLICT REPLACE"
exits "each other one is found" 1 "$ASSIZE" run -f conflict.yaml --report json=report.json
is "and named" "$(jq -r '.checks[0].series[0].evidence[]' report.json | grep -o 'conflict.*')" \
	"conflict of not null is REPLACE, was none
conflict ROLLBACK is missing from table a
conflict REPLACE, was unique (x, y) on conflict FAIL
conflict REPLACE in table a
conflict IGNORE in table a"
exits "and in the file" 1 "$ASSIZE" schema diff -f conflict.yaml conflict.json shop
conflict "ON CONFLICT ROLLBACK" "" "" "ON CONFLICT FAIL"
jq '.assize_schema = 3 | del(.. | .on_conflict?)' conflict.json >older.json && mv older.json conflict.json
exits "a file of version 3 is compared in what it knew" 0 "$ASSIZE" run -f conflict.yaml --report json=report.json
like "which is said" "$(jq -r '.checks[0].series[0].reason' report.json)" 'without ON CONFLICT: capture it again'

# ---- what cannot be measured ----
cat >empty.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: empty.db } }
audits: { s: { target: shop, checks: [ { id: as_was, schema: { snapshot: empty.json } } ] } }
YAML
sqlite3 empty.db "PRAGMA user_version = 1"
exits "nothing is captured" 0 "$ASSIZE" schema capture -f empty.yaml shop -o empty.json
exits "nothing as it was is no pass" 2 "$ASSIZE" run -f empty.yaml
like "which is said" "$out" 'nothing to compare: neither snapshot ".*empty\.json" nor the database has any object'
sqlite3 empty.db "CREATE TABLE a (x INT)"
exits "something is a difference" 1 "$ASSIZE" run -f empty.yaml
intact
sed -i 's/"nullable": false/"nullable": "no"/' shop.schema.json
tells "a damaged snapshot" snapshot 2 '/tables/0/columns/[0-9]/nullable is not true or false'
exits "no such target" 3 "$ASSIZE" schema capture shap
like "which is named" "$err" 'there is no target "shap"'
like "with the one that is meant" "$err" 'did you mean "shop"'
exits "no verb" 3 "$ASSIZE" schema shop
echo garbage >shop.db
tells "not a database" tasks 2 'not an SQLite database'
exits "nothing to capture" 2 "$ASSIZE" schema capture shop
done_testing
