#!/bin/bash
# record: a year of 1,000 checks an hour in one record, what it weighs and how fast it answers; and 1,000
# results made durable, beside a plain table of text with the same guarantees. RUNS=876 for a tenth.
set -eu
. "$(dirname "$0")/lib.sh"
: "${RUNS:=8760}"

fast=$TMP
if [ -w /dev/shm ] && [ "$(df --output=avail -k /dev/shm | tail -1)" -gt 1000000 ]; then
	fast=$(mktemp -d /dev/shm/assize-bench.XXXXXX)
	trap 'rm -rf "$TMP" "$fast"' EXIT
fi
mkdir "$TMP/durable"
"$BUILD/tests/bench/record" "$fast" "$TMP/durable" "$RUNS" >"$TMP/figures"
figure() { sed -n "s/^$1 \\([0-9.]*\\) .*/\\1/p" "$TMP/figures"; }

results=$(figure results)
size=$(figure size)
# A naive text schema takes 2,071 MB a year (236 bytes a result).
naive=$(awk -v n="$results" 'BEGIN { printf "%.0f", n * 2071 / 8760000 }')
row "record of $results results" "naive text schema" "$naive MB" "$size MB" "$(ratio "$size" "$naive")"
[ "$RUNS" -ne 8760 ] || row "the same" "limit of a year" "300 MB" "$size MB" "$(ratio "$size" 300)"
row "newest evidence of a check, nothing cached" "limit" "1 ms" "$(figure latest) ms" "$(figure latest)"
row "one series, $(figure points) points, nothing cached" "limit" "15 ms" "$(figure series) ms" \
	"$(ratio "$(figure series)" 15)"
row "the same" "reading as many pages" "$(figure pages) ms" "$(figure series) ms" \
	"$(ratio "$(figure series)" "$(figure pages)")"
row "pass rates of 30 days, 1,000 checks" "limit" "60 ms" "$(figure rates) ms" "$(ratio "$(figure rates)" 60)"
row "one check by day" "limit" "5 ms" "$(figure days) ms" "$(ratio "$(figure days)" 5)"
page() { "$ASSIZE" report --record "$fast/year/record.db" --output "$TMP/page.html"; }
page=$(median 3 page)
row "HTML report of 1,000 checks" "limit" "1 s" "$page s" "$page"
row "its file" "limit" "5 MB" "$(du -b "$TMP/page.html" | awk '{ printf "%.1f", $1 / 1e6 }') MB" \
	"$(du -b "$TMP/page.html" | awk '{ printf "%.2f", $1 / 5e6 }')"
plain=$(figure plain)
row "1,000 results made durable, new record" "plain text table, as durable" "$plain ms" "$(figure young) ms" \
	"$(ratio "$(figure young)" "$plain")"
row "the same" "its own rows, without hashing" "$(figure unhashed) ms" "$(figure young) ms" \
	"$(ratio "$(figure young)" "$(figure unhashed)")"
row "the same, $RUNS runs later" "new record" "$(figure young) ms" "$(figure old) ms" \
	"$(ratio "$(figure old)" "$(figure young)")"
