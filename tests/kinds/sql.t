#!/bin/bash
# sql: the intact database passes; every mutation fails, or is no measurement, and says why. No
# definition, however hostile, changes the database or anything beside it.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
mkdir data

intact()
{
	chmod -R u+rwX data
	rm -rf data/*
	sqlite3 data/shop.db "CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT, total REAL, state TEXT);
		INSERT INTO orders VALUES (1, 'eu', 10, 'paid'), (2, 'eu', 20, 'paid'), (3, 'us', 30, 'new')"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: data/shop.db } }
audits:
  q:
    target: shop
    checks:
      - { id: count, sql: SELECT count(*) FROM orders, expect: "== 3" }
      - { id: share, sql: { query: "SELECT 100.0 * avg(state = 'paid') FROM orders", unit: "%" }, expect: ">= 60%" }
      - { id: regions, sql: { query: "SELECT region, sum(total) AS total FROM orders GROUP BY region", labels: region }, expect: ">= 30" }
      - { id: text, sql: SELECT state FROM orders WHERE id = 1, expect: '== "paid"' }
      - { id: column, sql: { query: SELECT * FROM orders WHERE id = 2, value: total }, expect: "== 20" }
YAML

tells()
{
	run "$ASSIZE" run "q/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
for check in count share regions text column; do
	exits "intact: $check passes" 0 "$ASSIZE" run "q/$check"
done

sqlite3 data/shop.db "DELETE FROM orders WHERE id = 1"
tells "row gone" count 1 'FAIL q/count 2 bound == 3'
tells "share fell" share 1 'FAIL q/share 50.*%.*bound >= 60'
tells "one series fell" regions 1 'FAIL q/regions\{region="eu"\} 20 bound >= 30'
tells "no row" text 2 'the query gave no rows'
sqlite3 data/shop.db "UPDATE orders SET total = NULL"
tells "NULL" column 2 'the value is NULL'
sqlite3 data/shop.db "DELETE FROM orders"
tells "NULL from an empty aggregate" share 2 'the value is NULL'
tells "no series" regions 2 'the query gave no rows'
intact
sqlite3 data/shop.db "UPDATE orders SET total = 'twenty'"
tells "text where a number was" column 2 'twenty'
sqlite3 data/shop.db "DROP TABLE orders"
tells "dropped table" count 2 'no such table: orders'

# ---- NULL and the text that says so; bounds that no double is ----
sqlite3 data/null.db "CREATE TABLE t (g TEXT, u TEXT); INSERT INTO t VALUES (NULL, NULL), ('NULL', '(null)'), ('''NULL''', '''(null)''')"
cat >null.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: data/null.db } }
audits:
  n:
    target: shop
    checks:
      - { id: labels, sql: { query: "SELECT g, 1 FROM t", labels: g }, expect: "== 1" }
      - { id: by, rows: { table: t, by: u }, expect: "== 1" }
      - { id: segments, missing: { table: t, columns: u, by: u, show: { columns: g } }, expect: "== 0" }
      - { id: bound, sql: "SELECT 1", expect: "<= 18446744073709551614" }
YAML
run "$ASSIZE" run -f null.yaml --report json=report.json
series() { jq -r --arg n "n/$1" '.checks[] | select(.name == $n) | .series[].series' report.json | sort; }
is "labels" "$(series labels)" "{g=\"''NULL''\"}
{g=\"'NULL'\"}
{g=\"NULL\"}"
is "segments" "$(series by)" "{u=\"''(null)''\"}
{u=\"'(null)'\"}
{u=\"(null)\"}"
is "a bound is shown as it is written" \
	"$(jq -r '.checks[] | select(.name == "n/bound") | .series[0].bound' report.json)" '<= 18446744073709551614'

# ---- files that are no databases, or cannot be read now ----
rm -rf data/*
tells "missing file" count 2 'could not open database ".*data/shop\.db": [Nn]o such file'
: >data/shop.db
tells "empty file" count 2 'the file is empty \(0 bytes\)'
head -c 20000 /dev/urandom >data/shop.db
tells "garbage, or encrypted" count 2 'not an SQLite database, or it is encrypted'
rm data/shop.db && mkdir data/shop.db
tells "a directory" count 2 'it is a directory'
rmdir data/shop.db
intact
truncate -s 4096 data/shop.db
tells "a database cut short" count 2 'it is damaged'
intact
printf '\377\377\377' | dd of=data/shop.db bs=1 seek=100 conv=notrunc status=none
tells "a damaged page" count 2 'it is damaged|malformed'

intact
mkfifo hold
sqlite3 data/shop.db <hold >held 2>&1 &
reap $!
exec 9>hold
echo "BEGIN EXCLUSIVE; SELECT 'locked';" >&9
wait_for grep -q locked held || bail "the lock was not taken"
sed -i '/^    target: shop/a\    defaults: { timeout: 200ms }' assize.yaml
tells "locked by another program" count 2 'stayed locked by another program'
echo "COMMIT; SELECT 'free';" >&9
wait_for grep -q free held
exec 9>&-
tells "and free again" count 0 'pass'
sed -i '/defaults: { timeout/d' assize.yaml

# ---- write-ahead log ----
intact
sqlite3 data/shop.db "PRAGMA journal_mode = WAL" >wal
mkfifo hold2
sqlite3 data/shop.db <hold2 >held 2>&1 &
reap $!
exec 8>hold2
echo "INSERT INTO orders VALUES (4, 'eu', 40, 'new'); SELECT 'written';" >&8
wait_for grep -q written held || bail "nothing was written"
tells "rows in the write-ahead log count" count 1 'FAIL q/count 4 bound == 3'
exec 8>&-
intact
sqlite3 data/shop.db "PRAGMA journal_mode = WAL" >wal
chmod 555 data
run obeys_modes "$ASSIZE" run q/count
is "WAL in a directory that cannot be written: exit status" "$status" 2
like "told" "$out$err" 'it is in WAL mode, and its -shm file neither exists nor can be created'
like "with the remedy" "$out$err" 'VACUUM INTO'
chmod 755 data

# ---- rows as evidence ----
intact
cat >show.yaml <<'YAML'
assize: 1
vars: { token: "${env:TOKEN}" }
targets: { shop: { sqlite: data/shop.db } }
audits:
  s:
    target: shop
    checks:
      - id: found
        sql:
          query: SELECT count(*) FROM orders WHERE total < 0
          show: { query: "SELECT id, region, state, total FROM orders WHERE total < 0 ORDER BY id", columns: [id, region, state], mask: region, limit: 2 }
        expect: "== 0"
      - id: series
        sql:
          query: SELECT region, sum(total) AS total, min(id) AS first FROM orders GROUP BY region
          value: total
          labels: region
          show: { columns: [first] }
        expect: ">= 30"
      - { id: broken, sql: { query: SELECT count(*) FROM orders, show: { query: SELECT nosuch FROM orders, columns: [id] } }, expect: "== 0" }
      - { id: absent, sql: { query: SELECT count(*) FROM orders, show: { query: SELECT region FROM orders, columns: [id] } }, expect: "== 0" }
      - { id: late, timeout: 300ms, sql: { query: SELECT count(*) FROM orders, show: { query: "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n WHERE id < 0", columns: [id] } }, expect: "== 0" }
YAML
evidence()
{
	run env TOKEN=hunter22 "$ASSIZE" run -f show.yaml "s/$1" --json
	jq -r ".checks[0].series[] | select(.outcome == \"fail\") | .evidence // [] | join(\"\n\")" <<<"$out"
}
exits "nothing is fetched of what passes" 0 env TOKEN=hunter22 "$ASSIZE" run -f show.yaml s/found s/series
sqlite3 data/shop.db "INSERT INTO orders VALUES (4, NULL, -1, 'a
b'), (5, 'eu', -2, 'hunter22'), (6, 'eu', -3, 'x')"
is "rows that failed: named columns, masked, escaped, redacted, at most the limit" "$(evidence found)" \
	'row: id = 4, region = NULL, state = "a\nb"
row: id = 5, region = ***, state = "***"'
is "the row of a failed series" "$(evidence series)" 'row: first = 4
row: first = 1'
like "rows that cannot be fetched are said" "$(evidence broken)" 'could not show what failed: .*no such column: nosuch'
like "so is a column the query does not give" "$(evidence absent)" 'could not show what failed: the query gives no column called "id"'
like "and a query that does not end" "$(evidence late)" 'could not show what failed: .*took longer than'
run env TOKEN=hunter22 "$ASSIZE" run -f show.yaml s/broken
is "the verdict stands" "$status" 1
unlike "and no secret is in the record" "$(strings -a .assize/record.db*)" hunter22
sed -i 's/columns: .first. }/columns: [first], mask: [firs] }/' show.yaml
exits "a mask for no column is a definition error" 3 env TOKEN=hunter22 "$ASSIZE" check -f show.yaml
like "which says so" "$err" '"firs" is masked, but not among the columns'

# ---- nothing a definition says changes anything ----
intact
cat >hostile.yaml <<YAML
assize: 1
targets: { shop: { sqlite: data/shop.db } }
audits:
  h:
    target: shop
    checks:
      - { id: vacuum-into, sql: "VACUUM INTO '$TMP/data/copy.db'", expect: "== 0" }
      - { id: temp-table, sql: CREATE TEMP TABLE t (a), expect: "== 0" }
      - { id: query-only, sql: PRAGMA query_only = OFF, expect: "== 0" }
      - { id: attach, sql: "ATTACH '$TMP/data/other.db' AS o", expect: "== 0" }
      - { id: immutable, sql: "ATTACH 'file:$TMP/data/shop.db?immutable=1' AS o", expect: "== 0" }
      - { id: writable-schema, sql: PRAGMA writable_schema = ON, expect: "== 0" }
      - { id: load-extension, sql: "SELECT load_extension('$TMP/x.so')", expect: "== 0" }
      - { id: several, sql: "SELECT 0; DELETE FROM orders", expect: "== 0" }
      - { id: delete, sql: DELETE FROM orders RETURNING 0, expect: "== 0" }
      - { id: update, sql: UPDATE orders SET total = 0 RETURNING 0, expect: "== 0" }
      - { id: with-insert, sql: "WITH a AS (SELECT 1) INSERT INTO orders (id) SELECT * FROM a RETURNING 0", expect: "== 0" }
      - { id: drop, sql: DROP TABLE orders, expect: "== 0" }
      - { id: journal, sql: PRAGMA journal_mode = WAL, expect: "== 0" }
      - { id: version, sql: PRAGMA user_version = 9, expect: "== 0" }
      - { id: begin, sql: BEGIN IMMEDIATE, expect: "== 0" }
      - { id: where-drop, rows: { table: orders, where: "1); DROP TABLE orders; SELECT (1" }, expect: "< 1e9" }
      - { id: table-drop, rows: 'orders"; DROP TABLE orders; --', expect: "< 1e9" }
      - { id: column-drop, missing: { table: orders, columns: 'id"); DELETE FROM orders; --' }, expect: "< 1e9" }
YAML
before=$(sha256sum data/shop.db; ls -la --time-style=full-iso data)
run "$ASSIZE" run -f hostile.yaml
is "hostile definition: exit status" "$status" 2
run "$ASSIZE" run -f hostile.yaml --json
is "every hostile check is undecided" \
	"$(jq -r '[.checks[] | select(.outcome != "undecided") | .name] | join(" ")' <<<"$out")" ""
is "all of them ran" "$(jq '.checks | length' <<<"$out")" 18
is "each with a reason" "$(jq '[.checks[].series[] | select(.reason == null)] | length' <<<"$out")" 0
like "which names the act" "$out" 'it would attach a database, and an audit only reads'
is "the database and its directory are as they were" \
	"$(sha256sum data/shop.db; ls -la --time-style=full-iso data)" "$before"

# ---- time ----
cat >slow.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: data/shop.db } }
audits:
  t:
    target: shop
    checks:
      - { id: endless, timeout: 200ms, expect: "== 0", sql: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n" }
YAML
run "$ASSIZE" run -f slow.yaml
is "an endless query: exit status" "$status" 2
like "an endless query ends at its deadline" "$out$err" 'took longer than'

# ---- parameters: nothing fills them in, and SQLite would take them for NULL ----
for parameter in '?' '?2' ':x' '$1'; do
	printf 'assize: 1\ntargets: { shop: { sqlite: data/shop.db } }\naudits: { p: { target: shop, checks: [ { id: x, sql: "SELECT count(*) FROM sqlite_master WHERE name = %s", expect: "== 0" } ] } }\n' \
		"$parameter" >parameter.yaml
	run "$ASSIZE" run -f parameter.yaml
	is "$parameter: exit status" "$status" 2
	like "$parameter is told" "$out" "cannot run the query: [$parameter]+ has no value"
done
done_testing
