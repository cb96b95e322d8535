#!/bin/bash
# ledger: verifying every record of a ledger, beside reading every row of it. RUNS hours of 1,000 checks.
set -eu
. "$(dirname "$0")/lib.sh"
: "${RUNS:=876}"

"$BUILD/tests/bench/record" "$TMP" "$TMP" "$RUNS" >/dev/null
"$BUILD/tests/bench/ledger" "$TMP/year/record.db" >"$TMP/figures"
figure() { sed -n "s/^$1 \\([0-9.]*\\) .*/\\1/p" "$TMP/figures"; }

row "ledger verify, $(figure results) results, one thread" "reading every row and column" \
	"$(figure scan) s" "$(figure verify) s" "$(ratio "$(figure verify)" "$(figure scan)")"
