#!/bin/bash
# challenge --self: every sabotage of a small world of assize's own turns its gate, status or ledger red.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
mkdir tmp empty

sabotages='bound-infinite
bound-vast
checks-removed
clock-back
definition-empty
evidence-old
expectation-removed
gate-empty
gate-missing
gate-of-nothing
never-ran
other-subject
policy-changed
record-full
record-missing
record-read-only
record-rolled-back
record-torn
row-edited
run-killed
signed-row-edited
tags-gone
target-missing
two-runs
waiver-endless
waiver-expired'

cd empty
run env TMPDIR="$TMP/tmp" "$ASSIZE" challenge --self --json
is "every sabotage is noticed: exit status" "$status" 0
is "and nothing is said beside" "$err" ""
is "all of them" "$(jq -r '.checks[0].attacks[].name' <<<"$out" | sort)" "$sabotages"
is "none is left over" "$(jq -r '.checks[0].attacks[] | select(.class != "noticed") | "\(.name) \(.outcome): \(.reason)"' <<<"$out")" ""
is "each was green before, and is not after" \
	"$(jq -r '.checks[0].attacks[] | "\(.before) \(.after)" | gsub("[1-4]$"; "N")' <<<"$out" | sort -u)" \
	"exit status 0 exit status N"
unlike "no name of a private directory is told" "$out" "$TMP"
is "nothing stays behind: the temporary folder" "$(ls "$TMP/tmp")" ""
is "nor where it was called, which needs no definition" "$(ls -A)" ""

# The environment of who asks is not that of the worlds.
export ASSIZE_FILE=nowhere.yaml ASSIZE_RECORD=nowhere.db ASSIZE_SUBJECT=v9
run "$ASSIZE" challenge --self --record x.db
unset ASSIZE_FILE ASSIZE_RECORD ASSIZE_SUBJECT
is "variables of assize are none of its business" "$status" 0
like "for people, too" "$out" '26 of 26 attacks noticed'
is "nor is a record" "$(ls -A)" ""

# What it says is worth something only if it can say otherwise: test_challenge_self has programs that do.
done_testing
