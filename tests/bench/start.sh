#!/bin/bash
# start: how long before the first useful thing happens, beside the program whose library costs most of it.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
version() { "$ASSIZE" --version >/dev/null; }
peer() { curl --version >/dev/null; }
ours=$(median 41 version)
theirs=$(median 41 peer)
row "--version" "curl --version" "$theirs s" "$ours s" "$(ratio "$ours" "$theirs")"

{
	printf 'assize: 1\ntargets: { d: { sqlite: t.db } }\naudits:\n  many:\n    target: d\n    checks:\n'
	for i in $(seq 1000); do
		printf '      - { id: c%d, sql: { query: "SELECT %d" }, expect: "== %d" }\n' "$i" "$i" "$i"
	done
} >assize.yaml
check() { "$ASSIZE" check >/dev/null; }
seconds=$(median 21 check)
row "check of 1,000 checks" "--version + 10 ms" "$(plus "$ours" 0.010) s" "$seconds s" \
	"$(ratio "$seconds" "$(plus "$ours" 0.010)")"
