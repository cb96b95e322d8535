#!/bin/bash
# http_hosts: a thousand hosts on loopback, each of which answers after 200 ms; checked, judged, recorded.
set -eu
. "$(dirname "$0")/lib.sh"

check_http=$(peer check_http /usr/lib/nagios/plugins/check_http check_http)
exporter=$(peer "blackbox exporter" prometheus-blackbox-exporter blackbox_exporter)

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
		printf 'url = "http://127.0.0.1:@/probe?module=web&target=%s:%d"\noutput = %s\n' "$address" "$port" \
			"probed/$i" >>hosts.probe
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

# Nagios runs a plugin a check. One after the other here, and twenty of them stand for the thousand. It reads the
# head alone (-N): the server keeps connections, and the plugin would wait for the end of one.
in_series() {
	head -20 hosts.twin | while read -r address port; do
		"$check_http" -N -I "$address" -p "$port" -t 10 || exit 1
	done
}
plugins=$(median 1 in_series)
row "" "check_http, 20 hosts x 50" "$(awk -v t="$plugins" 'BEGIN { printf "%.1f", t * 50 }') s" "$ours s" \
	"$(awk -v t="$plugins" -v o="$ours" 'BEGIN { printf "%.3f", o / (t * 50) }')"

# The exporter asks a host when it is scraped: curl is the scraper. It judges and records nothing.
echo 'modules: { web: { prober: http, timeout: 10s, http: { preferred_ip_protocol: ip4 } } }' >blackbox.yml
listen=$("$ROOT/tests/lib/free_port")
"$exporter" --config.file=blackbox.yml --web.listen-address="127.0.0.1:$listen" 2>exporter.log &
sed -i "s/@/$listen/" hosts.probe
mkdir probed
curl --silent --retry 20 --retry-connrefused --retry-delay 1 --output /dev/null "http://127.0.0.1:$listen/-/healthy"
through() { curl --silent --parallel --parallel-max 300 --config hosts.probe; }
probes=$(median 3 through)
[ "$(cat probed/* | grep -c '^probe_success 1$')" = 1000 ] || {
	echo "bench: the exporter did not reach every host: $(tail -1 exporter.log)" >&2
	exit 1
}
row "" "blackbox exporter, curl scrapes" "$probes s" "$ours s" "$(ratio "$ours" "$probes")"
row "" "the answer itself" "0.2000 s" "$ours s" "$(ratio "$ours" 0.2)"

# The largest resident set, and beside it what curl needs for a third of them at a time.
most() { "$BUILD/tests/tools/measure" measured "$@" >/dev/null && awk '{ printf "%.1f", $2 / 1024 }' measured; }
peer=$(most curl --silent --parallel --parallel-max 300 --config hosts.curl)
ours=$(most "$ASSIZE" run --quiet)
row "their memory, bar 30 MiB" "curl --parallel, 300 at once" "$peer MiB" "$ours MiB" "$(ratio "$ours" "$peer")"
