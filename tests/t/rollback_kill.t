#!/bin/bash
# rollback_kill: ten of the kills that `make torture-rollback` does by the hundreds.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/../lib/tap.sh"

run env "BUILD=$BUILD" "$ROOT/tests/torture/rollback.sh" 10 $RANDOM 40
diag "$out"
is "a warm copy is the old one or the new one, whole, and the next run succeeds" "$status" 0
[ "$status" -eq 0 ] || diag "$err"
like "and runs were killed before a certain call" "$out" ', [1-9][0-9]* of them before a certain call'
done_testing
