#!/bin/bash
# checks: what a check costs beyond its probe: ten thousand trivial queries on one SQLite file, recorded.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
sqlite3 t.db 'CREATE TABLE t(a); INSERT INTO t VALUES (1)'
{
	printf 'assize: 1\ntargets: { d: { sqlite: t.db } }\naudits:\n  many:\n    target: d\n    checks:\n'
	for i in $(seq 10000); do
		printf '      - { id: c%d, sql: { query: "SELECT %d" }, expect: "== %d" }\n' "$i" "$i" "$i"
	done
} >assize.yaml

once() {
	rm -rf .assize
	"$ASSIZE" run --quiet
}
seconds=$(median 5 once)
rm -rf .assize
memory=$(command time -f %M "$ASSIZE" run --quiet 2>&1 | tail -1)
row "10,000 trivial checks, recorded" "limit 1.5 s" "1.5 s" "$seconds s" "$(ratio "$seconds" 1.5)"
row "  resident memory at most" "limit 64 MB" "64 MB" "$((memory / 1024)) MB" "$(ratio "$((memory / 1024))" 64)"
