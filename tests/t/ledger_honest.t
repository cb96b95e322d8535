#!/bin/bash
# ledger_honest: a few of the honest runs that `make torture-ledger` makes by the thousands.
. "$(dirname "$0")/../lib/tap.sh"

mkdir "$TMP/record"
exits "nobody is accused" 0 "$BUILD/tests/torture/honest" "$TMP/record" 40 4 "$RANDOM"
like "all were looked at" "$out" '^40 runs of 4 writers, [0-9]+ results, verified [0-9]+ times: 0 alarms$'
sqlite3 "$TMP/record/record.db" "UPDATE results SET duration_us = duration_us + 1 WHERE id = (SELECT max(id) FROM results)"
exits "and somebody who did something is" 4 "$ASSIZE" ledger verify --record "$TMP/record/record.db"
done_testing
