#!/bin/bash
# missing: the intact table passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE tasks (id INTEGER PRIMARY KEY, ai_model TEXT, state TEXT, result INT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO tasks SELECT i, 'm', iif(i % 2, 'done', 'new'), iif(i % 2, 0, NULL) FROM n"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  m:
    target: shop
    checks:
      - { id: share, missing: { table: tasks, columns: [ai_model, state] }, expect: "<= 0.1%" }
      - { id: count, missing: { table: tasks, columns: ai_model }, expect: "<= 3" }
      - { id: where, missing: { table: tasks, columns: result, where: state = 'done' }, expect: "== 0" }
      - { id: shown, missing: { table: tasks, columns: ai_model, by: state, show: { columns: [id, ai_model], limit: 2 } }, expect: "== 0" }
      - { id: warned, missing: { table: tasks, columns: ai_model }, expect: "<= 1%", warn: "<= 0.05%" }
YAML

tells()
{
	run "$ASSIZE" run "m/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
for check in share count where warned shown; do
	exits "intact: $check passes" 0 "$ASSIZE" run "m/$check"
done
run "$ASSIZE" plan
like "checks of one table and filter share a query" "$out" \
	'SELECT count\(\*\), count\("ai_model"\), count\("state"\) FROM "tasks"'

sqlite3 shop.db "UPDATE tasks SET ai_model = NULL WHERE id % 500 = 0"
tells "0.2 % NULL" share 1 'FAIL m/share\{column="ai_model"\} 0\.20 % bound <= 0\.1 %'
tells "the count is shown" share 1 'measured +0\.20 % +10 rows of 5000'
tells "one NULL a bound allows more of" count 1 'FAIL m/count.*10 rows'
tells "rows are shown" shown 1 'row: id = 500, ai_model = NULL[^r]*row: id = 1000, ai_model = NULL'
unlike "as many as the limit says" "$out" 'id = 1500'
sqlite3 shop.db "UPDATE tasks SET state = NULL WHERE id = 2500"
tells "of the failed segment" shown 1 'series +\{column="ai_model",state="\(null\)"\}.*row: id = 2500, ai_model = NULL.*series .*row: id = 500'
sqlite3 shop.db "UPDATE tasks SET state = 'new' WHERE id = 2500"
tells "a warning bound" warned 0 'warn'
sqlite3 shop.db "UPDATE tasks SET result = NULL WHERE id = 1"
tells "NULL within the condition" where 1 'FAIL m/where\{column="result"\}.*1 row'

intact
sqlite3 shop.db "ALTER TABLE tasks DROP COLUMN ai_model"
tells "dropped column" count 2 'undecided m/count\{column="ai_model"\} no value.*no such column: ai_model'
run "$ASSIZE" run m/share --json
is "its neighbour is still measured" \
	"$(jq -r '.checks[0].series[] | select(.series | contains("state")) | .outcome' <<<"$out")" pass
is "and the check is not passed" "$status" 2
intact
sqlite3 shop.db "ALTER TABLE tasks RENAME COLUMN ai_model TO ai_mode"
tells "renamed column" count 2 'did you mean "ai_mode"'
sqlite3 shop.db "DROP TABLE tasks"
tells "dropped table" share 2 'no such table: tasks'
intact
sqlite3 shop.db "DELETE FROM tasks"
tells "an empty table has no share" share 2 'table "tasks" has no rows'
intact
sqlite3 shop.db "DELETE FROM tasks WHERE state = 'done'"
tells "no row for which the condition holds" where 2 'no rows for which the condition holds'
done_testing
