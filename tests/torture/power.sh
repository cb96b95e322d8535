#!/bin/bash
# power.sh POWER SEEDS [FIRST-SEED]: records whose disk fails or loses power, in memory; see power.c.
set -eu

fast=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || fast=/dev/shm
dir=$(mktemp -d "$fast/assize-power.XXXXXX")
trap 'rm -rf "$dir"' EXIT
first=${3:-$RANDOM}
echo "seeds from $first"
"$1" "$dir" "$2" "$first"
