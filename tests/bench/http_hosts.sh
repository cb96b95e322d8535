#!/bin/bash
# http_hosts: a thousand hosts on loopback, each of which answers after 200 ms; checked, judged, recorded.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
mkfifo ready
"$BUILD/tests/tools/testd" --delay-ms 200 --addresses 1000 >ready &
read -r _ port <ready
{
	printf 'assize: 1\ntargets:\n'
	for i in $(seq 0 999); do
		address=127.1.$((i / 250)).$((i % 250 + 1))
		[ "$i" -gt 0 ] || address=127.0.0.1
		printf '  h%d: { http: "http://%s:%d" }\n' "$i" "$address" "$port"
		echo "$address $port" >>hosts.twin
		printf 'url = "http://%s:%d/"\noutput = /dev/null\n' "$address" "$port" >>hosts.curl
	done
	printf 'audits:\n  hosts:\n    defaults: { timeout: 10s }\n    checks:\n'
	for i in $(seq 0 999); do
		printf '      - { id: c%d, target: h%d, http: / }\n' "$i" "$i"
	done
} >assize.yaml
peer=$(median 3 curl --silent --parallel --parallel-max 300 --config hosts.curl)
ours=$(median 5 "$ASSIZE" run --quiet)
row "1,000 hosts of 200 ms" "curl --parallel" "$peer s" "$ours s" "$(ratio "$ours" "$peer")"
twin=$(median 5 "$BUILD/tests/bench/epoll_twin" hosts.twin)
row "" "raw epoll, one thread" "$twin s" "$ours s" "$(ratio "$ours" "$twin")"
row "" "the answer itself" "0.2000 s" "$ours s" "$(ratio "$ours" 0.2)"

# The largest resident set, and beside it what curl needs for a third of them at a time.
most() { "$BUILD/tests/tools/measure" measured "$@" >/dev/null && awk '{ printf "%.1f", $2 / 1024 }' measured; }
peer=$(most curl --silent --parallel --parallel-max 300 --config hosts.curl)
ours=$(most "$ASSIZE" run --quiet)
row "their memory, bar 30 MiB" "curl --parallel, 300 at once" "$peer MiB" "$ours MiB" "$(ratio "$ours" "$peer")"
