#!/bin/bash
# promql against real servers: Prometheus and VictoriaMetrics hold the same hour of samples and are asked alike.
# What scrape makes of a histogram is what they make of it.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www data victoria
testd --dir "$TMP/www"
page=$port

# An hour of samples, one in 30 seconds: a counter that makes 2 a second, a gauge, a histogram that stands still.
now=$(date +%s)
buckets='request_seconds_bucket{job="a",le="0.1"} 10
request_seconds_bucket{job="a",le="0.2"} 30
request_seconds_bucket{job="a",le="+Inf"} 40
request_seconds_bucket{job="b",le="0.1"} 30
request_seconds_bucket{job="b",le="0.2"} 50
request_seconds_bucket{job="b",le="+Inf"} 60'
echo "$buckets" >www/metrics
awk -v now="$now" -v buckets="$buckets" 'BEGIN {
	n = split(buckets, b, "\n")
	for (i = 120; i >= 0; i--)
		printf "orders_total{shop=\"paris\"} %d %d\n", 100000 - i * 60, now - i * 30
	for (i = 120; i >= 0; i--)
		if (i < 40 || i > 80)
			printf "queue{shop=\"paris\"} %d %d\n", i == 3 ? 9 : 4, now - i * 30
	for (k = 1; k <= n; k++)
		for (i = 10; i >= 0; i--)
			printf "%s %d\n", b[k], now - i * 30
	print "# EOF"
}' >samples
ports=()
for _ in 1 2; do
	free_port
	ports+=("$port")
done
answers()
{
	curl --silent --fail --output /dev/null "http://127.0.0.1:$1"
}
promtool tsdb create-blocks-from openmetrics samples data >/dev/null 2>promtool.log || bail "$(cat promtool.log)"
echo 'global: {}' >prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --storage.tsdb.retention.time=10y \
	--web.listen-address="127.0.0.1:${ports[0]}" --log.level=error >prometheus.log 2>&1 &
reap $!
victoria-metrics -storageDataPath="$TMP/victoria" -httpListenAddr="127.0.0.1:${ports[1]}" -loggerLevel=ERROR \
	-memory.allowedBytes=64MB >victoria.log 2>&1 &
reap $!
wait_for answers "${ports[1]}/health" || bail "victoria-metrics did not start: $(cat victoria.log)"
sed '/^#/d; s/$/000/' samples | curl --silent --fail --data-binary @- "http://127.0.0.1:${ports[1]}/api/v1/import/prometheus"
curl --silent --fail "http://127.0.0.1:${ports[1]}/internal/force_flush"
wait_for answers "${ports[0]}/-/ready" || bail "prometheus did not start: $(cat prometheus.log)"

cases=(
	'rate|query: "rate(orders_total[5m])", by: [shop]|between 1.9 and 2.1|pass|'
	'too-many|query: "rate(orders_total[5m])"|< 1|FAIL|'
	'quantile|query: "histogram_quantile(0.3, sum by (le) (request_seconds_bucket))"|between 0.0749 and 0.0751|pass|'
	'scalar|query: "scalar(sum(queue))"|between 4 and 9|pass|'
	'empty|query: gone_total|>= 0|undecided|the query gives no series'
	'wrong|query: "sum("|>= 0|undecided|(the query is not valid|refused the query)'
	'several|query: request_seconds_bucket, by: [job]|>= 0|undecided|3 series with these labels and one is wanted'
	'nan|query: "0 * (sum(queue) / 0)"|>= 0|undecided|(the value is NaN|no series)'
	'matrix|query: "queue[5m]"|>= 0|undecided|many points of each series'
	'max|query: queue, range: { last: 10m, step: 30s }, reduce: max|between 4 and 9|pass|'
	'points|query: orders_total, range: { last: 10m, step: 1m }, reduce: count, min_points: 10|>= 10|pass|'
	'hole|query: "count_over_time(queue[1m])", range: { last: 50m, step: 1m }, reduce: max|>= 0|undecided|no point for (19|2[0-2])([.][0-9])? min'
)
checks=''
for i in "${!cases[@]}"; do
	IFS='|' read -r name keys bound _ <<<"${cases[i]}"
	for server in prometheus victoria; do
		checks+="      - { id: $name-$server, target: $server, promql: { $keys }, expect: \"$bound\" }
"
	done
done
cat >assize.yaml <<YAML
assize: 1
targets:
  prometheus: { prometheus: "http://127.0.0.1:${ports[0]}" }
  victoria: { prometheus: "http://127.0.0.1:${ports[1]}/prometheus" }
  page: { http: "http://127.0.0.1:$page" }
audits:
  q:
    defaults: { timeout: 20s }
    checks:
$checks
      - { id: page, target: page, scrape: { metric: request_seconds_bucket, quantile: 0.3, agg: sum }, expect: "between 0.0749 and 0.0751" }
YAML
run "$ASSIZE" run
is "one of them is over its bound" "$status" 1
for i in "${!cases[@]}"; do
	IFS='|' read -r name _ _ outcome words <<<"${cases[i]}"
	for server in prometheus victoria; do
		like "$server: $name" "$(grep "q/$name-$server[ {]" <<<"$out")" "$outcome q/$name-$server[ {].*$words"
	done
done
like "the page says the same" "$out" ' pass q/page '
done_testing
