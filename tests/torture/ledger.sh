#!/bin/bash
# ledger.sh HONEST RUNS [SEED]: honest runs of sixteen writers in a directory of its own; see honest.c.
set -eu

dir=$(mktemp -d "${TMPDIR:-/tmp}/assize-honest.XXXXXX")
trap 'rm -rf "$dir"' EXIT
seed=${3:-$RANDOM}
echo "seed $seed"
"$1" "$dir" "$2" 16 "$seed"
