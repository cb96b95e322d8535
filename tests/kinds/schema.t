#!/bin/bash
# schema: the intact database passes; then every mutation fails with a line that names it.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

schema="CREATE TABLE owners (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
	CREATE TABLE execution_tasks (id INTEGER PRIMARY KEY, ai_model TEXT NOT NULL,
	state VARCHAR(20) DEFAULT 'new', owner_id INT REFERENCES owners (id));
	CREATE INDEX tasks_state ON execution_tasks (state, owner_id);
	CREATE VIEW open_tasks AS SELECT id FROM execution_tasks WHERE state = 'new';"

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
            id: { type: integer, key: primary }
            ai_model: { type: text, nullable: false }
            state: { declared: VARCHAR(20), default: new }
            owner_id: { type: integer }
          indexes: { tasks_state: { columns: [state, owner_id], unique: false } }
          foreign_keys: { columns: owner_id, references: owners(id) }
      - id: names
        schema: { tables: [execution_tasks, owners], views: open_tasks, exact: true }
      - id: snapshot
        schema: { snapshot: shop.schema.json }
YAML

tells()
{
	run "$ASSIZE" run "s/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
tells "no snapshot yet" snapshot 2 'shop\.schema\.json.*[Nn]o such file'
exits "a snapshot is captured" 0 "$ASSIZE" schema capture shop -o shop.schema.json
ok "it is JSON" jq -e '.tables | length == 3' shop.schema.json
exits "intact: all pass" 0 "$ASSIZE" run

# claim, sed on the schema, what check tasks says, what check snapshot says
mutation()
{
	mutated "$2"
	tells "$1" tasks 1 "$3"
	tells "$1 (snapshot)" snapshot 1 "${4:-$3}"
}
mutation "dropped column" 's/ai_model TEXT NOT NULL,//' 'column ai_model is missing from table execution_tasks'
mutation "extra column" 's/ai_model TEXT/extra, &/' 'unexpected column extra in table execution_tasks'
mutation "changed type" 's/ai_model TEXT/ai_model INT/' 'column execution_tasks\.ai_model: type is INT, expected text' 'type is INT, was TEXT'
mutation "became nullable" 's/ai_model TEXT NOT NULL/ai_model TEXT/' 'ai_model: is nullable, expected not null' 'ai_model: is nullable, was not null'
mutation "changed default" "s/DEFAULT 'new'/DEFAULT 'old'/" "state: default is 'old', expected new" "state: default is 'old', was 'new'"
mutation "lost primary key" 's/execution_tasks (id INTEGER PRIMARY KEY/execution_tasks (id INTEGER/' 'id: is not in the primary key' 'id: place in the primary key is 0, was 1'
mutation "declared otherwise" 's/VARCHAR(20)/VARCHAR(40)/' 'declared type is VARCHAR\(40\), expected VARCHAR\(20\)' 'type is VARCHAR\(40\), was VARCHAR\(20\)'
mutation "missing index" '/CREATE INDEX/d' 'index tasks_state is missing from table execution_tasks'
mutation "other index columns" 's/(state, owner_id)/(owner_id, state)/' 'index tasks_state: columns are owner_id, state, expected state, owner_id' 'index tasks_state: is \(owner_id, state\), was \(state, owner_id\)'
mutation "unique index" 's/CREATE INDEX/CREATE UNIQUE INDEX/' 'index tasks_state: is unique, expected not unique' 'is unique \(state, owner_id\)'
mutation "missing foreign key" 's/ REFERENCES owners (id)//' 'foreign key on owner_id to owners\(id\) is missing' 'missing foreign key \(owner_id\) to owners\(id\)'
mutation "missing table" 's/execution_tasks/tasks/' 'table execution_tasks is missing' 'table execution_tasks is missing'
mutated '/CREATE VIEW/d'
tells "missing view" names 1 'view open_tasks is missing'
tells "missing view (snapshot)" snapshot 1 'view open_tasks is missing'
mutated '$a CREATE TABLE extra (a);'
tells "extra table" names 1 'unexpected table extra'
tells "extra table (snapshot)" snapshot 1 'unexpected table extra'
intact
sqlite3 shop.db "DROP TABLE execution_tasks"
tells "a view that no longer resolves" names 1 'view open_tasks is broken'
tells "several differences are all listed" names 1 'table execution_tasks is missing'

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
