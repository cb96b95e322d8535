#!/bin/bash
# power: a few of the losses of power and failing disks that `make torture-power` makes by the thousands.
. "$(dirname "$0")/../lib/tap.sh"

mkdir "$TMP/sound" "$TMP/liar"
exits "nothing acknowledged is lost" 0 "$BUILD/tests/torture/power" "$TMP/sound" 8 "$RANDOM"
like "all of them were looked at" "$out" '^8 seeds, 32 losses of power, [1-9][0-9]* results acknowledged; .*; 0 violations$'
exits "on a disk that only says it syncs, it is seen" 1 "$BUILD/tests/torture/power" "$TMP/liar" 8 1 --liar
like "that much is lost" "$out" '[1-9][0-9]* violations$'
done_testing
