#!/bin/bash
# foreign: a small one of the records that `make torture-foreign` shows to verifiers that are not ours.
. "$(dirname "$0")/../lib/tap.sh"

exits "two verifiers that are not ours accept a record and refuse what was done to it" 0 \
	"$ROOT/tests/torture/foreign.sh" "$BUILD" 6
like "all of it" "$out" '[0-9]{4} leaves, 2 verifiers, 6 refusals, [0-9]+ s$'
done_testing
