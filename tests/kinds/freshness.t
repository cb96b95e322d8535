#!/bin/bash
# freshness: the intact table passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT, unix INT, ms INT);
		INSERT INTO t VALUES
		(1, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-10 minutes'), strftime('%s', 'now') - 600, (strftime('%s', 'now') - 600) * 1000),
		(2, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-3 days'), strftime('%s', 'now') - 259200, NULL),
		(3, NULL, NULL, NULL)"
}

cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  f:
    target: shop
    checks:
      - { id: iso, freshness: { table: t, column: at }, expect: "< 1h" }
      - { id: unix, freshness: { table: t, column: unix, format: unix }, expect: "< 1h" }
      - { id: ms, freshness: { table: t, column: ms, format: unix_ms }, expect: "< 1h" }
      - { id: old, freshness: { table: t, column: at, where: id = 2 }, expect: "> 2d" }
      - { id: berlin, freshness: { table: t, column: at, zone: Europe/Berlin }, expect: "< 1h" }
YAML

tells()
{
	run "$ASSIZE" run "f/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
for check in iso unix ms old berlin; do
	exits "intact: $check passes" 0 "$ASSIZE" run "f/$check"
done

sqlite3 shop.db "DELETE FROM t WHERE id = 1"
tells "stale text" iso 1 'FAIL f/iso 3 d bound < 1h|FAIL f/iso .*bound < 1 h'
tells "stale number" unix 1 'FAIL f/unix'
tells "only NULLs left" ms 2 '"ms" is NULL in every row'
tells "a row no condition finds" old 0 'pass'
sqlite3 shop.db "DELETE FROM t WHERE id = 2"
tells "no rows for the condition" old 2 'has no rows for which the condition holds'
sqlite3 shop.db "DELETE FROM t"
tells "empty table" iso 2 'table "t" has no rows'

intact
sqlite3 shop.db "UPDATE t SET at = strftime('%Y-%m-%d %H:%M:%S', 'now', '+2 hours') WHERE id = 1"
tells "a time in the future" iso 2 'is 2 h in the future|in the future'
like "and in which zone it was read" "$out$err" 'help: it carries no zone and is read as UTC; .*zone: Europe/Berlin'
sqlite3 shop.db "UPDATE t SET at = strftime('%Y-%m-%d %H:%M:%S', 'now', '+12 hours') WHERE id = 1"
tells "a time in the future of its zone" berlin 2 'help: .* read by zone: Europe/Berlin'
sqlite3 shop.db "UPDATE t SET at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+12 hours') WHERE id = 1"
tells "one that says its zone" iso 2 'in the future'
unlike "needs none" "$out$err" 'zone:'
intact
sqlite3 shop.db "UPDATE t SET at = 'yesterday' WHERE id = 1"
tells "a word" iso 2 '"yesterday", is not an ISO 8601 time'
intact
sqlite3 shop.db "UPDATE t SET at = '' WHERE id = 2"
tells "an empty text among times" iso 2 'smallest value of "at", "", is not an ISO 8601 time'
intact
sqlite3 shop.db "UPDATE t SET unix = unix * 1000 WHERE id = 1"
tells "milliseconds where seconds are said" unix 2 'is it format: unix_ms|in the future'

# Local readings on the days around the changes of the clock, and the instants they are taken for.
intact
while read -r date time instant; do
	sqlite3 shop.db "UPDATE t SET at = '$date $time'"
	tells "local time $date $time" berlin 1 "newest at: $instant"
done <<'READINGS'
2025-10-26 02:30:00 2025-10-26T00:30:00
2025-10-26 02:00:00 2025-10-26T00:00:00
2025-10-26 01:59:59 2025-10-25T23:59:59
2025-10-26 03:00:00 2025-10-26T02:00:00
2025-03-29 12:00:00 2025-03-29T11:00:00
2025-03-30 01:59:59 2025-03-30T00:59:59
2025-03-30 03:00:00 2025-03-30T01:00:00
2025-03-30 23:00:00 2025-03-30T21:00:00
READINGS

intact
sqlite3 shop.db "ALTER TABLE t RENAME COLUMN at TO att"
tells "renamed column" iso 2 'no such column: at.*did you mean "att"'
sqlite3 shop.db "DROP TABLE t"
tells "dropped table" unix 2 'no such table: t'

sed -i 's|Europe/Berlin|Europe/Berlim|' assize.yaml
exits "an unknown zone is a definition error" 3 "$ASSIZE" check
like "which names it" "$err" 'assize\.yaml:11:.*Europe/Berlim'
done_testing
