#!/bin/bash
# challenge of kinds scrape and promql: against pages whose numbers are known, a real Prometheus and what it says of
# itself, and node_exporter in OpenMetrics; the servers are asked as often as one run asks them.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
. "$(dirname "$0")/../lib/attacks.sh"
cd "$TMP"
mkdir www data
export TOKEN=hunter2-swordfish-4711
now=$(date +%s)
cat >www/page.prom <<P
# HELP queue_jobs Jobs that wait.
# TYPE queue_jobs gauge
queue_jobs{instance="a",shard="1"} 3
queue_jobs{instance="a",shard="2"} 5
queue_jobs{instance="b",shard="1"} 4
# TYPE disk_used_ratio gauge
disk_used_ratio 0.5
# TYPE idle_jobs gauge
idle_jobs 0
# TYPE req_seconds histogram
req_seconds_bucket{le="0.1"} 50
req_seconds_bucket{le="0.2"} 100
req_seconds_bucket{le="+Inf"} 100
req_seconds_sum 12
req_seconds_count 100
backup_seconds 7 ${now}000
alerts{state="pending"} 1
P
cat >www/strict.om <<P
# TYPE sent_bytes counter
# UNIT sent_bytes bytes
sent_bytes_total{to="x"} 5.0
# TYPE jobs gauge
jobs{queue="a"} 2.0
jobs{queue="b"} 3.0
# EOF
P
printf 'orders_total{shop="paris"} 1000\norders_total{shop="lyon"} 5000\n' >www/count.prom
printf 'more_total 1\norders_total{shop="lyon"} 5000\norders_total{shop="paris"} 3000\n' >www/count.prom.next
printf 'lat_seconds_bucket{le="%s"} %s\n' 0.1 500 0.2 1000 +Inf 1000 >www/hist.prom
printf 'lat_seconds_bucket{le="%s"} %s\n' 0.1 550 0.2 1100 +Inf 1100 >www/hist.prom.next
{
	printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n'
	echo 'first_jobs 1'
	for i in {10..28}; do echo "many{n=\"$i\"} 1"; done
} >www/closed.http
testd --dir "$TMP/www"
page=$port
awk -v now="$now" 'BEGIN {
	for (s = 1; s <= 3; s++)
		for (i = 120; i >= 0; i--)
			printf "queue{shop=\"shop%d\",token=\"%s\"} %d %d\n", s, s < 3 ? ENVIRON["TOKEN"] : "none", 10 * s, now - i * 30
	print "# EOF"
}' >samples.om
promtool tsdb create-blocks-from openmetrics samples.om data >/dev/null 2>promtool.log || bail "$(cat promtool.log)"
free_port
server=$port
echo 'global: {}' >prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --storage.tsdb.retention.time=10y \
	--web.listen-address="127.0.0.1:$server" --log.level=error >prometheus.log 2>&1 &
reap $!
free_port
node=$port
prometheus-node-exporter --web.listen-address="127.0.0.1:$node" --collector.disable-defaults --collector.cpu \
	--collector.meminfo --log.level=error >/dev/null 2>exporter.log &
reap $!
answers()
{
	curl --silent --fail --output /dev/null "http://127.0.0.1:$1"
}
wait_for answers "$server/-/ready" || bail "prometheus did not start: $(cat prometheus.log)"
wait_for answers "$node/metrics" || bail "node_exporter did not start: $(cat exporter.log)"
cpus=$(grep -c '^cpu[0-9]' /proc/stat)
cat >assize.yaml <<YAML
assize: 1
targets:
  page: { http: "http://127.0.0.1:$page", headers: { Authorization: "Bearer \${env:TOKEN}" } }
  itself: { http: "http://127.0.0.1:$server" }
  node: { http: "http://127.0.0.1:$node" }
  server: { prometheus: "http://127.0.0.1:$server", headers: { Authorization: "Bearer \${env:TOKEN}" } }
audits:
  s:
    target: page
    defaults: { timeout: 20s }
    checks:
      - { id: gauge, scrape: { metric: disk_used_ratio, path: /page.prom }, expect: "< 0.8" }
      - { id: by, scrape: { metric: queue_jobs, path: /page.prom, by: [instance, shard], min_series: 3 }, expect: "between 1 and 10" }
      - { id: sum, scrape: { metric: 'queue_jobs{instance="a"}', path: /page.prom, agg: sum }, expect: "< 100" }
      - { id: count, scrape: { metric: queue_jobs, path: /page.prom, agg: count }, expect: ">= 2" }
      - { id: zero, scrape: { metric: idle_jobs, path: /page.prom }, expect: "== 0" }
      - { id: none, scrape: { metric: 'alerts{state="firing"}', path: /page.prom, agg: count, min_series: 0 }, expect: "== 0" }
      - { id: quantile, scrape: { metric: req_seconds_bucket, path: /page.prom, quantile: 0.5, unit: s }, expect: "<= 0.15 s" }
      - { id: fresh, scrape: { metric: backup_seconds, path: /page.prom, max_age: 10m }, expect: "== 7" }
      - { id: stamped, scrape: { metric: backup_seconds, path: /page.prom }, expect: "== 7" }
      - { id: first, scrape: { metric: first_jobs, path: /closed, min_size: 60B }, expect: "== 1" }
      - { id: many, scrape: { metric: many, path: /closed, agg: count, min_size: 60B }, expect: ">= 15" }
      - { id: strict, scrape: { metric: sent_bytes_total, path: /strict.om }, expect: ">= 2" }
      - { id: rate, scrape: { metric: 'orders_total{shop="paris"}', path: /count.prom, rate: 100ms }, expect: "> 0" }
      - { id: lately, scrape: { metric: lat_seconds_bucket, path: /hist.prom, rate: 100ms, quantile: 0.5, unit: s }, expect: "<= 0.15 s" }
  r:
    defaults: { timeout: 20s }
    checks:
      - { id: ready, target: itself, scrape: prometheus_ready, expect: "== 1" }
      - { id: cpus, target: node, scrape: { metric: 'node_cpu_seconds_total{mode="idle"}', agg: count }, expect: "== $cpus" }
      - { id: memory, target: node, scrape: { metric: node_memory_MemTotal_bytes, unit: B }, expect: "> 1 MiB" }
  p:
    target: server
    defaults: { timeout: 20s }
    checks:
      - { id: by, promql: { query: queue, by: [shop], min_series: 3 }, expect: "between 5 and 60" }
      - { id: scalar, promql: { query: "scalar(sum(queue))", stale: 2m }, expect: "> 12" }
      - { id: range, promql: { query: "sum(queue)", range: { last: 30m, step: 30s }, reduce: max, max_gap: 5m }, expect: "< 90" }
      - { id: instance, promql: { query: 'label_replace(max(queue), "instance", "a", "", "")', by: [instance] }, expect: "== 30" }
      - { id: token, promql: { query: queue, by: [shop, token] }, expect: "> 0" }
YAML

# asked HANDLER: how often Prometheus was asked there, this time included when it is /metrics
asked()
{
	curl --silent "http://127.0.0.1:$server/metrics" |
		sed -n "s|^prometheus_http_requests_total{code=\"200\",handler=\"$1\"} ||p"
}
run "$ASSIZE" run --record first.db p
is "everything passes as it is" "$status" 0
diag "$out"
before=$(($(asked /api/v1/query) + $(asked /api/v1/query_range)))
is "a run asks once a check" "$before" 5
run "$ASSIZE" challenge p
is "a challenge asks no more" "$(($(asked /api/v1/query) + $(asked /api/v1/query_range) - before))" 5
before=$(asked /metrics)
run "$ASSIZE" challenge r/ready
is "and a page that is scraped is fetched once" "$(($(asked /metrics) - before - 1))" 1
run "$ASSIZE" challenge s r
said=$out$err

# said_of CHECK CLAIM, the expected table on stdin
said_of()
{
	is "$2" "$(attacks "$1")" "$(cat)"
}
page_attacks='error status-500
error status-204
error login-redirect
error login-page
error body-empty
guarded body-cut
steady unrelated-series
steady comment'
replayed='steady identity
steady header-added
steady twice-as-long'
said_of s/gauge "a gauge with one bound: what is better than well is not noticed" <<T
$replayed
$page_attacks
failed doubled disk_used_ratio
failed ten-times disk_used_ratio
wrong way tenth disk_used_ratio
wrong way zeroed disk_used_ratio
no value nan disk_used_ratio
no value infinite disk_used_ratio
wrong way negated disk_used_ratio
failed unit-smaller disk_used_ratio
wrong way unit-larger disk_used_ratio
error locale-number disk_used_ratio
no value series-missing disk_used_ratio
no value series-duplicate disk_used_ratio
no value metric-renamed disk_used_ratio
T
ok "0.5 reaches 0.8" between 0.6 "$(turns_red s/gauge doubled)" 0.63
said_of s/by "several series, each judged" <<T
$replayed
$page_attacks
steady reordered
tolerated doubled queue_jobs
failed ten-times queue_jobs
failed tenth queue_jobs
failed zeroed queue_jobs
no value nan queue_jobs
no value infinite queue_jobs
failed negated queue_jobs
failed unit-smaller queue_jobs
failed unit-larger queue_jobs
error locale-number queue_jobs
no value series-missing queue_jobs
no value series-lost queue_jobs
no value label-missing instance="a"
no value label-missing shard="1"
no value series-duplicate queue_jobs
tolerated other-target instance
no value metric-renamed queue_jobs
T
# The largest, 5, passes 10 with 2; the smallest, 3, falls below 1 with 1/3.
ok "5 pass 10" between 1 "$(turns_red s/by doubled)" 1.06
ok "3 fall below 1" between 2 "$(turns_red s/by tenth)" 2.11
is "one of three series is missed" "$(turns_red s/by series-lost | cut -d'|' -f2)" \
	'1 of the 3 series of queue_jobs is gone: 2 series selected, min_series is 3'
said_of s/sum "a sum: a series less makes it smaller, and another instance is not selected" <<T
$replayed
$page_attacks
steady reordered
tolerated doubled queue_jobs{instance="a"}
tolerated ten-times queue_jobs{instance="a"}
wrong way tenth queue_jobs{instance="a"}
wrong way zeroed queue_jobs{instance="a"}
no value nan queue_jobs{instance="a"}
no value infinite queue_jobs{instance="a"}
wrong way negated queue_jobs{instance="a"}
failed unit-smaller queue_jobs{instance="a"}
wrong way unit-larger queue_jobs{instance="a"}
error locale-number queue_jobs{instance="a"}
no value series-missing queue_jobs{instance="a"}
wrong way series-lost queue_jobs{instance="a"}
no value series-duplicate queue_jobs{instance="a"}
no value other-target instance
no value metric-renamed queue_jobs{instance="a"}
T
ok "8 reach 100" between 11.5 "$(turns_red s/sum doubled)" 12.1
said_of s/count "a count: values are none of its business" <<T
$replayed
$page_attacks
steady reordered
no value series-missing queue_jobs
failed series-lost queue_jobs
no value series-duplicate queue_jobs
no value metric-renamed queue_jobs
T
said_of s/zero "what is 0 cannot be scaled, and may be something" <<T
$replayed
$page_attacks
no effect doubled idle_jobs
no effect ten-times idle_jobs
no effect tenth idle_jobs
no effect zeroed idle_jobs
failed nonzero idle_jobs
no value nan idle_jobs
no value infinite idle_jobs
no effect negated idle_jobs
no effect unit-smaller idle_jobs
no effect unit-larger idle_jobs
error locale-number idle_jobs
no value series-missing idle_jobs
no value series-duplicate idle_jobs
no value metric-renamed idle_jobs
T
said_of s/none "nothing is selected: only the name can go, and nobody misses it" <<T
$replayed
$page_attacks
blind metric-renamed alerts{state="firing"}
T
said_of s/quantile "a quantile: its bounds move" <<T
$replayed
$page_attacks
failed doubled quantile(req_seconds_bucket)
failed ten-times quantile(req_seconds_bucket)
wrong way tenth quantile(req_seconds_bucket)
failed unit-smaller quantile(req_seconds_bucket)
wrong way unit-larger quantile(req_seconds_bucket)
no value series-missing req_seconds_bucket
no value series-duplicate req_seconds_bucket
no value metric-renamed req_seconds_bucket
T
ok "0.1 s pass 0.15 s" between 0.5 "$(turns_red s/quantile doubled)" 0.53
like "old samples are noticed with max_age" "$(attacks s/fresh)" 'no value stale backup_seconds'
like "after 10 min of it" "$(turns_red s/fresh stale)" 'backup_seconds is (9|10)(\.[0-9])? min older'
like "without it they are out of reach" "$(attacks s/stamped)" 'out of reach stale backup_seconds'
like "a page without a marked end, cut at a line: without the series" "$(attacks s/first)" 'error body-cut'
like "or with some of them" "$(attacks s/many)" 'failed body-cut'
# 13 bytes, then 19 lines of 15: 14 lines are left when more than 60 of 298 bytes are missing.
ok "of 19 lines 5 have to be lost" between 0.2013 "$(turns_red s/many body-cut)" 0.2114
said_of s/rate "a rate: what lies between two looks" <<T
$replayed
$page_attacks
wrong way doubled rate(orders_total{shop="paris"})
wrong way ten-times rate(orders_total{shop="paris"})
tolerated tenth rate(orders_total{shop="paris"})
no value nan rate(orders_total{shop="paris"})
no value infinite rate(orders_total{shop="paris"})
wrong way unit-smaller rate(orders_total{shop="paris"})
tolerated unit-larger rate(orders_total{shop="paris"})
error locale-number rate(orders_total{shop="paris"})
failed frozen orders_total{shop="paris"}
no value counter-reset orders_total{shop="paris"}
no value series-missing orders_total{shop="paris"}
no value series-duplicate orders_total{shop="paris"}
no value metric-renamed orders_total{shop="paris"}
T

is "the same answers at the same moments make the same rate" "$(sqlite3 .assize/record.db "SELECT count(*) $of_last
	JOIN attacks a ON a.challenge = c.id JOIN texts n ON n.id = a.name
	WHERE k.name = 's/rate' AND n.body = 'identity' AND a.was = a.became")" 1
said_of s/strict "OpenMetrics: a counter cannot be negative" <<T
$replayed
${page_attacks%$'\n'*}
wrong way doubled sent_bytes_total
wrong way ten-times sent_bytes_total
failed tenth sent_bytes_total
failed zeroed sent_bytes_total
error nan sent_bytes_total
no value infinite sent_bytes_total
error negated sent_bytes_total
wrong way unit-smaller sent_bytes_total
failed unit-larger sent_bytes_total
error locale-number sent_bytes_total
no value series-missing sent_bytes_total
no value series-duplicate sent_bytes_total
no value metric-renamed sent_bytes_total
T

said_of s/lately "a quantile of what was observed between two looks" <<T
$replayed
$page_attacks
failed doubled quantile(lat_seconds_bucket)
failed ten-times quantile(lat_seconds_bucket)
wrong way tenth quantile(lat_seconds_bucket)
failed unit-smaller quantile(lat_seconds_bucket)
wrong way unit-larger quantile(lat_seconds_bucket)
no value frozen lat_seconds_bucket
no value counter-reset lat_seconds_bucket
error series-missing lat_seconds_bucket
no value series-duplicate lat_seconds_bucket
no value metric-renamed lat_seconds_bucket
T
ok "its 0.1 s pass 0.15 s" between 0.5 "$(turns_red s/lately doubled)" 0.53

# ---- real pages ----
said_of r/ready "Prometheus says that it is ready" <<T
$replayed
$page_attacks
failed doubled prometheus_ready
failed ten-times prometheus_ready
failed tenth prometheus_ready
failed zeroed prometheus_ready
no value nan prometheus_ready
no value infinite prometheus_ready
failed negated prometheus_ready
failed unit-smaller prometheus_ready
failed unit-larger prometheus_ready
error locale-number prometheus_ready
no value series-missing prometheus_ready
no value series-duplicate prometheus_ready
no value metric-renamed prometheus_ready
T
like "node_exporter: a processor less is noticed" "$(attacks r/cpus)" 'no value series-missing'
unlike "node_exporter: nothing harmless alarms" "$(attacks r/cpus; attacks r/memory)" 'false alarm'
is "node_exporter: memory passes" "$(unchallenged r/memory)" ''
like "node_exporter: memory without an upper bound" "$(attacks r/memory)" 'wrong way doubled|tolerated doubled'

# ---- queries ----
api='error status-500
error status-204
error login-redirect
error login-page
error body-empty
guarded body-cut
steady member-added'
said_of p/by "a query by label" <<T
$replayed
$api
steady reordered
tolerated doubled the value
failed ten-times the value
failed tenth the value
failed zeroed the value
no value nan the value
no value infinite the value
failed negated the value
failed unit-smaller the value
failed unit-larger the value
no value locale-number the value
error series-missing the series
error series-lost the series
error label-missing shop="shop1"
no value series-duplicate the series
no value stale the answer
T
ok "30 pass 60" between 1 "$(turns_red p/by doubled)" 1.06
ok "10 fall below 5" between 1 "$(turns_red p/by tenth)" 1.06
# 5 min without `stale`
ok "an answer of 5 min ago is refused" between 300 "$(turns_red p/by stale)" 316
said_of p/scalar "a scalar has no series" <<T
$replayed
$api
wrong way doubled the value
wrong way ten-times the value
failed tenth the value
failed zeroed the value
no value nan the value
no value infinite the value
failed negated the value
wrong way unit-smaller the value
failed unit-larger the value
no value locale-number the value
no value stale the answer
T
ok "60 fall to 12" between 4 "$(turns_red p/scalar tenth)" 4.2
ok "an answer of 2 min ago is refused" between 120 "$(turns_red p/scalar stale)" 126
like "the newest half of a range is missed" "$(attacks p/range)" 'no value newest-lost'
is "and no server gives older points than were asked for" "$(attacks p/range | grep -c stale)" 0
# 61 points in 30 min: without the newest 11 of them the last one is 5.5 min old.
is "without 5.5 min of it" "$(turns_red p/range newest-lost | cut -d'|' -f2)" \
	'the newest 11 of 61 points are missing: the newest point is 5.5 min older than what was asked for, more than 5 min (stale)'
like "another instance is not told from this one" "$(attacks p/instance)" 'guarded other-target instance'

is "attacks of pages are those that the kind lists" "$(unlisted scrape 's/%')" ''
is "and attacks of queries" "$(unlisted promql 'p/%')" ''

# ---- secrets ----
like "series with the token among their labels were attacked" "$(attacks p/token)" 'label-missing token="\*\*\*"'
unlike "no token is shown" "$said$out$err" 'hunter2'
unlike "and none is recorded" "$(strings -n 4 .assize/record.db*)" 'hunter2'
done_testing
