# lib.sh: measuring for the bench scripts. Source it first; rows go to standard output.
#
#	median N COMMAND    seconds, median of N runs, after one that is not counted
#	memory COMMAND      largest resident set in MB, the smallest of 3 runs
#	peer NAME PATH..    the first of the paths that is a program; without one there is no measurement
#	ratio A B           A / B with two decimals
#	plus A B            A + B
#	row WORK PEER PEER_FIGURE OUR_FIGURE RATIO
#
# Ratios are what counts: both sides ran on this machine, in this minute.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
ASSIZE=$BUILD/assize
TMP=$(mktemp -d "${TMPDIR:-/tmp}/assize-bench.XXXXXX")
export ROOT BUILD ASSIZE TMP
trap 'jobs -p | xargs -r kill 2>/dev/null; rm -rf "$TMP"' EXIT

median() {
	local n=$1 i start end
	shift
	"$@" >/dev/null
	for ((i = 0; i < n; i++)); do
		start=$EPOCHREALTIME
		"$@" >/dev/null
		end=$EPOCHREALTIME
		echo "$start $end"
	done | awk '{ printf "%.4f\n", $2 - $1 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
memory() {
	local i
	for i in 1 2 3; do
		"$BUILD/tests/tools/measure" "$TMP/memory.$i" "$@" >/dev/null
	done
	cat "$TMP"/memory.[123] | awk 'NR == 1 || $2 < least { least = $2 } END { printf "%.1f", least / 1000 }'
}
peer() {
	local name=$1
	shift
	command -v "$@" | head -1 | grep . || {
		echo "bench: no $name to compare with: see tests/packages" >&2
		return 1
	}
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
plus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f", a + b }'; }
row() { printf '%-44s %-28s %12s %12s %8s\n' "$1" "$2" "$3" "$4" "$5"; }
