#!/bin/bash
# scrape: one check on an exposition of 50 MB with 475,000 series, beside the mere transfer of it.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
mkdir www
awk 'BEGIN {
	for (f = 1; f <= 950; f++) {
		printf "# HELP requests_%d_total Requests of route %d.\n# TYPE requests_%d_total counter\n", f, f, f
		for (i = 0; i < 500; i++)
			printf "requests_%d_total{instance=\"10.0.%d.%d:9090\",job=\"api\",path=\"/v1/items/%d\",code=\"200\"} %d.%03d\n",
				f, i % 250, f % 250, i, (f * 500 + i) * 37 % 1000003, i
	}
}' >www/metrics
mkfifo ready
"$BUILD/tests/tools/testd" --dir "$TMP/www" >ready &
read -r _ port <ready
url=http://127.0.0.1:$port/metrics
cat >assize.yaml <<YAML
assize: 1
targets: { t: { http: "http://127.0.0.1:$port" } }
audits:
  a:
    target: t
    checks:
      - { id: sum, scrape: { metric: 'requests_700_total{path=~"/v1/items/1.*"}', agg: sum, min_series: 111 }, expect: "> 0" }
YAML
"$ASSIZE" run --quiet # it passes, or there is nothing to measure
peer=$(median 5 curl --silent --output /dev/null "$url")
ours=$(median 5 "$ASSIZE" run --quiet)
size=$(($(wc -c <www/metrics) / 1000000))
row "$size MB, 475,000 series, selected and judged" "curl to /dev/null" "$peer s" "$ours s" "$(ratio "$ours" "$peer")"
peer=$(median 3 sh -c "curl --silent $url | promtool check metrics --extended")
row "" "curl | promtool check metrics" "$peer s" "$ours s" "$(ratio "$ours" "$peer")"
# Memory: what grows with the page is the difference to a page of one line.
echo 'requests_700_total{path="/v1/items/1"} 1' >www/small
sed 's|metric:|path: /small, metric:|; s/, min_series: 111//' assize.yaml >small.yaml
"$ASSIZE" run --quiet -f small.yaml
peer=$(memory curl --silent --output /dev/null "$url")
ours=$(memory "$ASSIZE" run --quiet)
row "" "curl, resident" "$peer MB" "$ours MB" "$(ratio "$ours" "$peer")"
row "" "the same of a page of one line" "$(memory "$ASSIZE" run --quiet -f small.yaml) MB" "$ours MB" ""
