#!/bin/bash
# challenge of the kinds that read tables: what is fair, on SQLite. Names, views, filters, what is not asked, times of
# every form, two sides; and checks that cannot be asked over a shadow.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/attacks.sh"
cd "$TMP"
sqlite3 odd.db "CREATE TABLE \"group\" (\"order\" INTEGER, \"sel\"\"ect\" TEXT, \"a.b\" TEXT, \"from\" INT);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO \"group\" SELECT i, 'v' || (i % 3), 'x' || i, i FROM n;
	CREATE TABLE \"my.table\" (id TEXT PRIMARY KEY, v INT) Without  Rowid; INSERT INTO \"my.table\" SELECT 'k' || \"order\", \"order\" FROM \"group\";
	CREATE VIEW large AS SELECT v * 2 AS w, id FROM \"my.table\" WHERE v > 100;
	CREATE TABLE times (id INTEGER PRIMARY KEY, at INT, at_ms INT, z TEXT, o TEXT, d TEXT, v INT);
	INSERT INTO times SELECT i, u, u * 1000, strftime('%Y-%m-%dT%H:%M:%fZ', u, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%S+02:00', u + 7200, 'unixepoch'),
		date(u, 'unixepoch'), i FROM (SELECT \"order\" AS i, CAST(strftime('%s', 'now') AS INT) - (500 - \"order\") * 3600 AS u FROM \"group\");
	CREATE TABLE one (total INT); INSERT INTO one VALUES (5); CREATE TABLE side (total INT); INSERT INTO side VALUES (5);
	CREATE TABLE prices (price TEXT, asof INT); INSERT INTO prices SELECT v * 1.5, max(at) OVER () FROM times;
	CREATE TABLE flags (is_on BOOLEAN); INSERT INTO flags SELECT v % 4 > 0 FROM times;
	CREATE TABLE books (id INTEGER PRIMARY KEY, amount REAL, state TEXT, note TEXT); INSERT INTO books SELECT id, v * 1.5, 's' || v % 3, '' FROM times"
cp odd.db copy.db
cat >assize.yaml <<'YAML'
assize: 1
targets: { odd: { sqlite: odd.db, max_connections: 1 }, copy: { sqlite: copy.db } }
audits:
  f:
    target: odd
    checks:
      - { id: words, missing: { table: group, columns: ['sel"ect', a.b], where: '"from" > 3 AND "order" <> 7' }, expect: "== 0" }
      - { id: said, sql: 'SELECT count("from") FROM "group" WHERE ''times'' <> ''from one, side'' -- FROM side', expect: ">= 300" }
      - { id: dotted, aggregate: { table: my.table, column: v }, expect: { sum: "between 100000 and 150000" } }
      - { id: view, aggregate: { table: large, column: w }, expect: { min: "between 100 and 300" } }
      - { id: main, sql: 'SELECT count(*) FROM main."my.table" AS m, main.times WHERE m.v = times.id', expect: "between 400 and 600" }
      - { id: own, sql: "WITH side(total) AS (SELECT count(*) FROM times), x AS NOT MATERIALIZED (SELECT total FROM side) SELECT total FROM x", expect: ">= 400" }
      - { id: idle, sql: "SELECT total FROM one, (SELECT count(*) * 0 FROM side) AS x", expect: "== 5" }
      - { id: star, sql: { query: "SELECT * FROM one", value: total }, expect: "== 5" }
      - { id: alone, sql: "SELECT * FROM one", expect: "== 5" }
      - { id: within, rows: { table: times, where: "v IN (SELECT \"order\" FROM \"group\" WHERE \"from\" > 3)" }, expect: ">= 400" }
      - { id: rowid, sql: "SELECT max(rowid) FROM times", expect: ">= 1" }
      - { id: flags, sql: "SELECT count(*) FROM flags WHERE is_on", expect: ">= 300" }
      - { id: sample, missing: { table: times, columns: z, sample: "10%" }, expect: "<= 5%" }
      - { id: few, rows: { table: one }, expect: ">= 1" }
      - { id: prices, sql: "SELECT avg(price) FROM prices", expect: ">= 100" }
      - { id: at-once, freshness: { table: prices, column: asof, format: unix }, expect: "<= 5d" }
      - { id: exactly, sql: "SELECT sum(amount) FROM books", expect: "== 187875" }
      - { id: unix, freshness: { table: times, column: at, format: unix }, expect: "< 5d" }
      - { id: unix-ms, freshness: { table: times, column: at_ms, format: unix_ms }, expect: "< 5d" }
      - { id: zulu, freshness: { table: times, column: z }, expect: "< 5d" }
      - { id: offset, freshness: { table: times, column: o }, expect: "< 5d" }
      - { id: day, freshness: { table: times, column: d }, expect: "< 5d" }
      - { id: books, reconcile: { left: { table: books, key: id, values: [amount, state] }, right: { target: copy, table: books } } }
      - { id: asked, reconcile: { left: { table: books, key: id, values: [amount] }, right: { target: copy, query: "SELECT id, amount FROM books WHERE note = ''" } } }
      - { id: reversed, sql: "SELECT v FROM times LIMIT 1", expect: "< 10" }
      - { id: itself, reconcile: { left: { table: books, key: id, values: [amount] }, right: { table: books } } }
YAML
before=$(sha256sum odd.db copy.db)
run "$ASSIZE" challenge
is "the files are what they were" "$(sha256sum odd.db copy.db)" "$before"
is "and nothing lies beside them" "$(echo odd.db* copy.db*)" "odd.db copy.db"

# fair CHECK CLAIM, the expected table on stdin; "- a b" are columns that are out of reach
fair()
{
	local line column
	is "$2" "$(attacks "f/$1" | grep -v '^steady ')" "$(
		while read -r line; do
			case $line in
			-*) for column in ${line#- }; do echo "out of reach column-dropped $column"; done ;;
			*) echo "$line" ;;
			esac
		done
	)"
}
fair words "keywords, quotes and dots in names; a column of the filter only" <<'T'
no value table-empty group
- group.order
no value column-dropped group.sel"ect
failed nulled group.sel"ect
no value column-dropped group.a.b
failed nulled group.a.b
- group.from
T
fair said "names in texts and comments are no tables, and count(x) minds no value" <<'T'
failed table-empty group
failed rows-lost group
wrong way rows-dup group
- group.order group.sel"ect group.a.b
error column-dropped group.from
failed nulled group.from
out of reach constant group.from
out of reach zeroed group.from
out of reach scaled-up group.from
out of reach scaled-down group.from
out of reach negated group.from
T
fair dotted "a name with a dot, of a table without a rowid" <<'T'
no value table-empty my.table
failed rows-lost my.table
failed rows-dup my.table
- my.table.id
no value column-dropped my.table.v
failed nulled my.table.v
failed zeroed my.table.v
failed scaled-up my.table.v
failed scaled-down my.table.v
failed negated my.table.v
T
fair view "a view is damaged as what it is" <<'T'
no value table-empty large
no value column-dropped large.w
no value nulled large.w
failed zeroed large.w
failed scaled-up large.w
failed scaled-down large.w
failed negated large.w
- large.id
T
fair main "names with their schema; what is joined to a key is no quantity" <<'T'
failed table-empty my.table
failed rows-lost my.table
failed rows-dup my.table
- my.table.id
error column-dropped my.table.v
failed nulled my.table.v
failed orphaned my.table.v
failed table-empty times
failed rows-lost times
guarded rows-dup times
error column-dropped times.id
guarded nulled times.id
- times.at times.at_ms times.z times.o times.d times.v
T
fair own "a table that the query makes itself hides the one of that name" <<'T'
failed table-empty times
failed rows-lost times
wrong way rows-dup times
- times.id times.at times.at_ms times.z times.o times.d times.v
T
fair star "SELECT *, of which one column is read" <<'T'
error table-empty one
no effect rows-lost one
no effect rows-dup one
error column-dropped one.total
no effect nulled one.total
no effect constant one.total
no effect zeroed one.total
failed scaled-up one.total
failed scaled-down one.total
no effect negated one.total
T
unlike "a table that makes no difference is not attacked" "$(attacks f/idle)" side
like "but the other one is" "$(attacks f/idle)" 'no effect rows-lost one'
like "SELECT * that hopes for one column does not bear a second" "$(attacks f/alone)" 'false alarm extra-column'
like "and a row of no order is another row in another" "$(attacks f/reversed)" 'false alarm other-order'
fair within "what a filter looks up elsewhere is not the subject" <<'T'
failed table-empty times
failed rows-lost times
wrong way rows-dup times
T
fair flags "a truth value is no quantity" <<'T'
failed table-empty flags
failed rows-lost flags
wrong way rows-dup flags
failed group-lost flags.is_on
error column-dropped flags.is_on
failed nulled flags.is_on
failed constant flags.is_on
failed zeroed flags.is_on
T
fair sample "a check of a sample is asked of all rows" <<'T'
no value table-empty times
- times.id times.at times.at_ms
no value column-dropped times.z
failed nulled times.z
- times.o times.d times.v
T
fair few "of one row there is no half" <<'T'
failed table-empty one
no effect rows-lost one
no effect rows-dup one
T
fair zulu "the age of the newest row" <<'T'
no value table-empty times
- times.id times.at times.at_ms
failed newest-lost times.z
no value column-dropped times.z
no value nulled times.z
failed stale times.z
no value ahead times.z
- times.o times.d times.v
T
for c in unix unix-ms zulu offset; do
	dose=$(turns_red f/$c stale)
	ok "$c: five days are 432 000 seconds" between 410000 "${dose%%|*}" 455000 || diag "$dose"
	dose=$(turns_red f/$c newest-lost)
	ok "$c: or 120 of 500 hours" between 0.23 "${dose%%|*}" 0.253 || diag "$dose"
done
dose=$(turns_red f/day stale)
ok "days: the day of four days ago is over for five" between 340000 "${dose%%|*}" 440000 || diag "$dose"
side()
{
	cat <<-T
		failed table-empty $1: books
		failed rows-lost $1: books
		guarded rows-dup $1: books
		error column-dropped $1: books.id
		error column-dropped $1: books.amount
		failed nulled $1: books.amount
		failed zeroed $1: books.amount
		error column-dropped $1: books.state
		failed nulled $1: books.state
		out of reach column-dropped $1: books.note
	T
}
is "both sides are attacked, one after the other" "$(attacks f/books | grep -v '^steady ')" "$(side odd && side copy)"
like "a query's table as well, whatever the query compares" "$(attacks f/asked)" 'failed rows-lost copy: books'
like "a table that both sides read is not damaged" "$(unchallenged f/itself)" 'both sides read the same table'
like "what only the table itself has is not challenged" "$(unchallenged f/rowid)" 'the query asks for the number of a row'
is "nor attacked" "$(attacks f/rowid)" 'false alarm identity'
is "words: a share" "$(turns_red f/within rows-lost | sed 's/.*|//')" '20 % of the rows of times are gone'
is "words: a factor that is next to 1" "$(turns_red f/exactly scaled-up | sed 's/.*|//')" 'books.amount is 1.001 times as large'
is "words: a divisor that is next to 1" "$(turns_red f/exactly scaled-down | sed 's/.*|//')" 'books.amount is divided by 1.001'
like "a number in a text has no case" "$(attacks f/prices)" 'no effect case-space prices.price'
like "nothing is newest where all is of one time" "$(attacks f/at-once)" 'no effect newest-lost prices.asof'

# ---- somebody writes meanwhile: neither kept out, nor noticed as if it were damage ----
cat >busy.yaml <<'YAML'
assize: 1
targets: { copy: { sqlite: copy.db } }
audits:
  b: { target: copy, checks: [{ id: busy, missing: { table: times, columns: [z, o, d] }, expect: "== 0" }] }
YAML
"$ASSIZE" challenge -f busy.yaml --record busy.db >busy.txt 2>&1 &
busy=$!
reap $busy
refused=0
while kill -0 $busy 2>/dev/null; do
	sqlite3 -cmd '.timeout 60000' copy.db "UPDATE one SET total = total + 1" 2>/dev/null || refused=$((refused + 1))
done
is "writers get in while a check is challenged" $refused 0
like "and what was measured then is not counted" "$(cat busy.txt)" 'somebody wrote|its snapshot with it|7 of 7 attacks noticed'
unlike "nor noticed: half of the values are there" "$(cat busy.txt)" 'no value: [^;]*nulled'
done_testing
