#!/bin/bash
# kill: fifteen of the kills that `make torture` does by the hundreds.
. "$(dirname "$0")/../lib/tap.sh"

run env "BUILD=$BUILD" "$ROOT/tests/torture/kill9.sh" 15
diag "$out"
is "nothing acknowledged is lost, nothing incomplete opens a gate, nothing survives" "$status" 0
[ "$status" -eq 0 ] || diag "$err"
like "and there was something to lose" "$out" '[1-9][0-9]* acknowledged results'
done_testing
