#!/bin/bash
# scrape: an intact exposition passes; each mutation of it is told apart, and none passes.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www
testd --dir "$TMP/www"
now=$(date +%s)

intact()
{
	cat >www/metrics <<EXPOSITION
# HELP shop_up Is the shop open?
# TYPE shop_up gauge
shop_up 1
# TYPE orders_total counter
orders_total{shop="berlin",code="200"} 900
orders_total{shop="berlin",code="500"} 3
orders_total{shop="paris",code="200"} 700
# TYPE queue_length gauge
queue_length{queue="mail"} 12 ${now}000
queue_length{queue="print"} 7 ${now}000
# TYPE backup_duration_milliseconds gauge
backup_duration_milliseconds 90000
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 20
wait_seconds_bucket{le="+Inf"} 24
wait_seconds_sum 3.5
wait_seconds_count 24
{"queue.length","queue.name"="mail"} 12
EXPOSITION
}
openmetrics()
{
	cat >www/metrics.om <<EXPOSITION
# TYPE orders counter
# HELP orders Orders.
orders_total{shop="berlin"} 900
orders_total{shop="paris"} 700 # {trace="a1"} 1
# TYPE wait_seconds gauge
# UNIT wait_seconds seconds
wait_seconds 0.25
# EOF
EXPOSITION
}
cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:$port" }
audits:
  m:
    target: shop
    defaults: { timeout: 5s }
    checks:
      - { id: up, scrape: shop_up, expect: "== 1" }
      - { id: sum, scrape: { metric: orders_total, agg: sum }, expect: "== 1603" }
      - { id: avg, scrape: { metric: 'orders_total{code="200"}', agg: avg }, expect: "== 800" }
      - { id: min, scrape: { metric: orders_total, agg: min }, expect: "== 3" }
      - { id: max, scrape: { metric: orders_total, agg: max }, expect: "== 900" }
      - { id: large, scrape: { metric: orders_total, agg: max }, expect: "<= 9007199254740992" }
      - { id: count, scrape: { metric: orders_total, agg: count }, expect: "== 3" }
      - { id: zero, scrape: { metric: 'alarm{state="on"}', agg: count, min_series: 0 }, expect: "== 0" }
      - { id: typo, scrape: { metric: http_reqs_total, agg: count, min_series: 0 }, expect: "== 0" }
      - { id: none, scrape: { metric: 'orders_total{code="418"}', agg: count, min_series: 0 }, expect: "== 0" }
      - { id: errors, scrape: { metric: 'orders_total{code=~"5..",shop!="paris"}' }, expect: "< 5" }
      - { id: by, scrape: { metric: queue_length, by: [queue], min_series: 2, max_age: 1h }, expect: "<= 12" }
      - { id: by-sum, scrape: { metric: orders_total, by: [shop], agg: sum }, expect: ">= 700" }
      - { id: unit, scrape: { metric: backup_duration_milliseconds, unit: ms }, expect: "< 2m" }
      - { id: bucket, scrape: 'wait_seconds_bucket{le="0.1"}', expect: ">= 20" }
      - { id: not, scrape: { metric: 'orders_total{code!~"2.."}' }, expect: "== 3" }
      - { id: om, scrape: { path: /metrics.om, metric: 'orders_total{shop="berlin"}' }, expect: "== 900" }
      - { id: om-unit, scrape: { path: /metrics.om, metric: wait_seconds, unit: s }, expect: "< 300ms" }
      - { id: exemplar, scrape: { path: /metrics.om, metric: 'orders_total{shop="paris"}' }, expect: "== 700" }
      - { id: quoted, scrape: { metric: '{"queue.length", "queue.name"="mail"}' }, expect: "== 12" }
      - { id: forced, scrape: { path: /metrics, metric: shop_up, format: prometheus }, expect: "== 1" }
YAML
intact
openmetrics
run "$ASSIZE" run
is "an intact exposition passes" "$status $err" "0 "
like "a count of what is nowhere on the page is told so" "$("$ASSIZE" explain latest m/typo)" \
	'reason +nothing on the page is named "http_reqs_total": 0 is also what a misspelt name counts'
unlike "one of series with other labels is not" "$("$ASSIZE" explain latest m/none)" 'misspelt'
run "$ASSIZE" plan
is "checks on one page share one fetch" "$(grep -c "GET http" <<<"$out")" 3

# claim, check, exit status, what is said; the mutation is on standard input as a sed script
mutation()
{
	intact
	openmetrics
	sed -i -E -f /dev/stdin www/metrics
	run "$ASSIZE" run "m/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
mutation "value over the bound" up 1 '0, bound == 1|0.*== 1' <<<'s/^shop_up 1/shop_up 0/'
mutation "metric renamed" up 2 'of [0-9]+ samples none is named "shop_up"' <<<'s/^shop_up/shop_alive/'
mutation "label renamed" by 2 'no selected series has the label "queue" of by' <<<'s/queue=/q=/'
mutation "a letter of it gone" by-sum 2 'no selected series has the label "shop" of by.*did you mean "sho"\?' \
	<<<'s/shop=/sho=/'
mutation "label gone from one series" by 0 'm/by\{queue=""\} 12 bound' <<<'s/^queue_length\{queue="mail"\}/queue_length/'
mutation "label value gone" errors 2 'no series selected: [0-9] are named "orders_total", none has such labels' <<<'/500/d'
mutation "NaN" up 2 'the value is NaN, which is no measurement' <<<'s/^shop_up 1/shop_up NaN/'
mutation "infinity" up 2 'the value is infinity' <<<'s/^shop_up 1/shop_up +Inf/'
mutation "NaN in a sum" sum 2 'the value is NaN' <<<'s/ 3$/ NaN/'
mutation "an integer beyond 2^53" large 2 'more digits than are kept, too close to the bound to tell' <<<'s/ 900$/ 9007199254740993/'
mutation "far beyond it" large 1 'FAIL' <<<'s/ 900$/ 90071992547409930/'
mutation "one series missing" by 2 '1 series selected, min_series is 2' <<<'/print/d'
mutation "several series" up 2 '2 series selected and one is wanted: name labels in by' <<<'s/^shop_up 1/shop_up{a="1"} 1\nshop_up{a="2"} 1/'
mutation "the same series twice" up 2 'the series was there before, so there are two values' <<<'s/^shop_up 1/shop_up 1\nshop_up 1/'
mutation "the same series twice, labels in another order" sum 2 'line [0-9]+: the series was there before' \
	<<<'$a orders_total{code="500",shop="berlin"} 3'
mutation "hex" up 2 'line 3:9: "0x1" is not a number' <<<'s/^shop_up 1/shop_up 0x1/'
mutation "comma" sum 2 'line 5:40: "9,00" is not a number' <<<'s/900/9,00/'
mutation "a syntax error far from the metric" up 2 'line 14:23: "\+="0.1"\}" stands where =' <<<'s/wait_seconds_bucket\{le="0.1/wait_seconds_bucket{le+="0.1/'
mutation "an unclosed quote" up 2 'line 5:[0-9]+: the line ends inside a quoted text' <<<'s/"berlin",code="200"/"berlin",code="200/'
mutation "a second TYPE" up 2 'a second TYPE of this metric' <<<'s/^shop_up 1/# TYPE shop_up gauge/'
mutation "stale" by 2 'is 3 h old, more than 1 h \(max_age\)' <<<"s/${now}000/$((now - 10800))000/"
mutation "from the future" by 2 'lies in the future by more than 1 h' <<<"s/${now}000/$((now + 10800))000/"
mutation "empty" up 2 'the exposition is empty' <<<'d'
mutation "comments only" up 2 'the exposition is empty' <<<'/^[^#]/d'
mutation "a page" up 2 '"<html>" is not a metric name' <<<'1s/.*/<html>/'
intact
printf 'shop_up' >>www/metrics
run "$ASSIZE" run m/sum
is "a torn last line: exit status" "$status" 2
like "a torn last line: told" "$out$err" '"shop_up" begins the last line, which is torn: no newline ends it'
head -n -1 www/metrics.om >www/torn.om
mv www/torn.om www/metrics.om
run "$ASSIZE" run m/om
is "no end mark: exit status" "$status" 2
like "no end mark: told" "$out$err" 'the exposition is torn: it does not end in # EOF'
openmetrics
sed -i 's/^# EOF/\n# EOF/' www/metrics.om
run "$ASSIZE" run m/om
like "OpenMetrics is strict" "$status $out$err" '^2 .*line 8:1: an empty line is not allowed in OpenMetrics'
# Prometheus text without length or chunks: has it come to its end?
unmarked()
{
	cat >unmarked.yaml <<YAML
assize: 1
targets:
  t: { http: "http://127.0.0.1:$port" }
audits:
  m: { target: t, checks: [ { id: x, scrape: { path: /mode/$2, metric: orders_total, agg: sum$3 }, expect: "< 20000" } ] }
YAML
	run "$ASSIZE" run -f unmarked.yaml
	like "$1" "$status $out$err" "$4"
}
unmarked "nothing marks the end" torn-line '' '^2 .*nothing marked the end of the exposition, so it may be torn: say how large it is at least \(min_size\)'
unmarked "series do not prove it" torn-line ', min_series: 1' '^2 .*nothing marked the end'
unmarked "smaller than it is at least" torn-line ', min_size: 75B' '^2 .*the exposition has 30 B, less than min_size \(75 B\): it may be torn'
unmarked "large enough" good-close ', min_size: 75B' '^0 .*pass'
unmarked "a marked end, and too small" good ', min_size: 76B' '^2 .*the exposition has 75 B, less than min_size \(76 B\)'
unmarked "chunks" good-chunk '' '^0 .*pass'
unmarked "OpenMetrics" torn-openmetrics '' '^2 .*does not end in # EOF'
rm www/metrics
run "$ASSIZE" run m/up
like "no page" "$status $out$err" '^2 .*the answer has status 404, an exposition has 200'

# One broken check does not spoil the others of its fetch.
intact
sed -i 's/^shop_up 1/shop_up NaN/' www/metrics
run "$ASSIZE" run m/up m/count
like "checks of one fetch are judged apart" "$status $out$err" '^2 '
run "$ASSIZE" run --quiet m/count
is "and the whole ones pass" "$status $out" "0 "

# ---- histograms: numbers and buckets are those of promqltest's request_duration_seconds ----
cat >www/histograms <<'EXPOSITION'
# TYPE request_seconds histogram
request_seconds_bucket{job="a",instance="1",le="0.1"} 10
request_seconds_bucket{job="a",instance="1",le="0.2"} 30
request_seconds_bucket{job="a",instance="1",le="+Inf"} 40
request_seconds_bucket{job="a",instance="2",le="0.1"} 20
request_seconds_bucket{job="a",instance="2",le="0.2"} 50
request_seconds_bucket{job="a",instance="2",le="+Inf"} 60
request_seconds_bucket{job="b",instance="1",le="0.1"} 30
request_seconds_bucket{job="b",instance="1",le="2e-1"} 40
request_seconds_bucket{job="b",instance="1",le="+Inf"} 60
request_seconds_bucket{job="b",instance="2",le="0.1"} 40
request_seconds_bucket{job="b",instance="2",le="0.2"} 70
request_seconds_bucket{job="b",instance="2",le="+Inf"} 90
falls_bucket{le="0.1"} 20
falls_bucket{le="1"} 10
falls_bucket{le="+Inf"} 80
open_bucket{le="0.1"} 20
empty_bucket{le="0.1"} 0
empty_bucket{le="+Inf"} 0
infinity_bucket{le="+Inf"} 3
twice_bucket{le="0.2"} 1
twice_bucket{le="2e-1"} 1
twice_bucket{le="+Inf"} 2
other_bucket{job="a",le="1"} 1
other_bucket{job="a",le="+Inf"} 2
other_bucket{job="b",le="2"} 1
other_bucket{job="b",le="+Inf"} 2
none_bucket{job="a"} 1
none_bucket{le="x"} 1
nan_bucket{le="1"} NaN
nan_bucket{le="+Inf"} 2
agrees_bucket{job="a",le="1"} 5
agrees_bucket{job="a",le="+Inf"} 5
agrees_count{job="a"} 5
agrees_count{job="not selected"} 7
differs_count{job="b"} 9
differs_bucket{job="a",le="1"} 5
differs_bucket{job="a",le="+Inf"} 5
differs_count{job="a"} 5
differs_bucket{job="b",le="1"} 5
differs_bucket{job="b",le="+Inf"} 8
EXPOSITION
histogram()
{
	histograms+="      - { id: $1, scrape: { path: /histograms, metric: '$2', $3 }, expect: \"$4\" }
"
}
histograms=''
histogram all 'request_seconds_bucket' 'quantile: 0.3, agg: sum' 'between 0.0749 and 0.0751'
histogram instances 'request_seconds_bucket' 'quantile: 0.3, agg: sum, by: [instance]' 'between 0.0749 and 0.0751'
histogram one 'request_seconds_bucket{job="a",instance="2"}' 'quantile: 0.3, unit: s' 'between 89ms and 91ms'
histogram each 'request_seconds_bucket' 'quantile: 0.5, by: [job, instance]' 'between 0.099 and 0.151'
histogram bound 'request_seconds_bucket' 'quantile: 0.99, agg: sum, beyond: bound' '== 0.2'
histogram too-slow 'request_seconds_bucket' 'quantile: 0.5, by: [job, instance]' '< 0.15'
histogram beyond 'request_seconds_bucket' 'quantile: 0.99, agg: sum' '< 1'
histogram several 'request_seconds_bucket' 'quantile: 0.5, by: [job]' '< 1'
histogram falls falls_bucket 'quantile: 0.5' '< 1'
histogram open open_bucket 'quantile: 0.5' '< 1'
histogram empty empty_bucket 'quantile: 0.5' '< 1'
histogram infinity infinity_bucket 'quantile: 0.5' '< 1'
histogram twice twice_bucket 'quantile: 0.5' '< 1'
histogram other other_bucket 'quantile: 0.5, agg: sum' '< 1'
histogram no-le 'none_bucket{job="a"}' 'quantile: 0.5' '< 1'
histogram bad-le 'none_bucket{job=""}' 'quantile: 0.5' '< 1'
histogram nan nan_bucket 'quantile: 0.5' '< 1'
histogram agrees agrees_bucket 'quantile: 0.5' '== 0.5'
histogram differs differs_bucket 'quantile: 0.5, agg: sum' '< 1'
histogram gone gone_bucket 'quantile: 0.5' '< 1'
cat >histograms.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:$port" }
audits:
  q:
    target: shop
    checks:
$histograms
YAML
run "$ASSIZE" run -f histograms.yaml
is "histograms: one of them is too slow" "$status" 1
judged()
{
	like "histogram: $1" "$out" "$2"
}
judged "of all together" ' pass q/all 0.075 '
judged "of all together by a label" ' pass q/instances\{instance="[12]"\} 0.075 .*\+1 more'
judged "of one, in its unit" ' pass q/one 90 ms '
judged "of each" ' pass q/each\{.*\+3 more'
judged "the last bound where it is allowed" ' pass q/bound 0.2 '
judged "over its bound" ' FAIL q/too-slow\{job="a",instance="1"\} 0.15(0*2)? '
judged "beyond the last bound" 'undecided q/beyond [^
]*the quantile lies beyond the last bound, 0.2'
judged "several" 'undecided q/several[^
]*2 histograms selected and one is wanted: name labels in by, or say agg: sum'
judged "counts that fall" 'undecided q/falls [^
]*the bucket le="1" counts less than the one before it'
judged "no bucket of all" 'undecided q/open [^
]*no bucket \+Inf'
judged "no observation" 'undecided q/empty [^
]*the histogram holds no observation'
judged "no bound" 'undecided q/infinity [^
]*no bucket but \+Inf'
judged "a bucket twice" 'undecided q/twice [^
]*line 22: the histogram has this bucket twice'
judged "different bounds" 'undecided q/other [^
]*the bucket le="1" is in 1 of 2 histograms: with different bounds they have no sum'
judged "no bucket" 'undecided q/no-le [^
]*no label le: it is no bucket'
judged "a bound that is no number" 'undecided q/bad-le [^
]*the label le is no number'
judged "NaN" 'undecided q/nan [^
]*le="1" does not hold a count'
judged "a count that agrees" ' pass q/agrees 0.5 '
judged "a count that is not that of +Inf" 'undecided q/differs [^
]*the histogram.s count is 9, its bucket \+Inf holds 8: one of them is wrong'
judged "not there" 'undecided q/gone [^
]*none is named "gone_bucket"'
unlike "histogram: nothing else passes" "$out" ' pass q/(too-slow|beyond|several|falls|open|empty|infinity|twice|other|no-le|bad-le|nan|differs|gone)'

# ---- rates: each case is a page that changes once it was read ----
rates='' claims=() told=()
# rate CLAIM KEYS EXPECTATION TOLD, with both pages on standard input, a line "--" between
rate()
{
	local name=r${#claims[@]} file line
	file=www/$name
	while IFS= read -r line; do
		if [ "$line" = -- ]; then
			file=www/$name.next
		else
			echo "$line" >>$file
		fi
	done
	claims+=("$1") told+=("$4")
	rates+="      - { id: $name, scrape: { path: /$name, rate: 50ms, $2 }, expect: \"$3\" }
"
}
# no CLAIM KEYS WORDS: undecided, and told so
no()
{
	rate "$1" "$2" '>= 0' "undecided q/r${#claims[@]}[ {][^|]*$3"
}
a=1700000000000 b=1700000010000 # ten seconds
rate "per second, by the samples' own time" 'metric: x_total' '== 5' ' pass q/r0 5 ' <<<"x_total 100 $a
--
x_total 150 $b"
rate "per second" 'metric: x_total' 'between 0.1 and 200' ' pass q/r1 ' <<<'x_total 100
--
x_total 110'
rate "a counter that does not move" 'metric: x_total' '== 0' ' pass q/r2 0 ' <<<'x_total 7
--
x_total 7'
two="x_total{s=\"a\"} 100 $a
x_total{s=\"b\"} 1 $a
--"
rate "the sum" 'metric: x_total, agg: sum' '== 6' ' pass q/r3 6 ' <<<"$two
x_total{s=\"b\"} 11 $b
x_total{s=\"a\"} 150 $b"
rate "over its bound" 'metric: x_total, by: [s]' '< 5' 'FAIL q/r4\{s="a"\} 5 ' <<<"$two
x_total{s=\"a\"} 150 $b
x_total{s=\"b\"} 11 $b"
fell="x_total 100 $a
--
x_total 20 $b"
one_fell="$two
x_total{s=\"a\"} 20 $b
x_total{s=\"b\"} 11 $b"
no "a reset" 'metric: x_total' '1 of 1 counters were reset between the two scrapes: how far they came is not known' <<<"$fell"
rate "a reset, counted from 0" 'metric: x_total, reset: rebaseline' '== 2' ' pass q/r6 2 ' <<<"$fell"
rate "a reset, left out" 'metric: x_total, agg: sum, reset: ignore' '== 1' ' pass q/r7 1 ' <<<"$one_fell"
no "all left out" 'metric: x_total, reset: ignore' 'every counter was reset, new or gone' <<<"$fell"
rate "a group all left out" 'metric: x_total, by: [s], reset: ignore' '>= 0' 'undecided q/r9\{s="a"\}[^|]*every counter was reset' <<<"$one_fell"
no "one is new" 'metric: x_total, agg: sum' '1 of 2 counters were not there the first time' <<<'x_total{s="a"} 1
--
x_total{s="a"} 1
x_total{s="b"} 1'
no "one is gone" 'metric: x_total, agg: sum, reset: rebaseline' '1 of 2 counters were gone the second time' <<<'x_total{s="a"} 1
x_total{s="b"} 1
--
x_total{s="a"} 1'
no "all are gone" 'metric: x_total' 'no series selected' <<<'x_total 1
--
y_total 1'
no "NaN" 'metric: x_total' 'the value is NaN' <<<'x_total 1
--
x_total NaN'
no "a new process that has caught up" 'metric: x_total' '1 of 1 counters were reset' <<<'process_start_time_seconds 1000
x_total 1
--
process_start_time_seconds 2000
x_total 5'
no "the same sample again" 'metric: x_total' '1 of 1 counters have the timestamp they had the first time: nothing was measured' <<<"x_total 1 $a
--
x_total 1 $a"
no "an empty page the second time" 'metric: x_total' 'the exposition is empty' <<<'x_total 1
--
#'
no "the same series twice the first time" 'metric: x_total' 'line 2: the series was there before' <<<'x_total 1
x_total 2
--
x_total 3'
rate "a quantile of what was observed between" 'metric: x_bucket, quantile: 0.5, unit: s' 'between 149ms and 151ms' ' pass q/r18 150 ms ' <<<'x_bucket{le="0.1"} 1000
x_bucket{le="0.2"} 1000
x_bucket{le="+Inf"} 1000
--
x_bucket{le="0.1"} 1010
x_bucket{le="0.2"} 1030
x_bucket{le="+Inf"} 1040'
no "nothing was observed between" 'metric: x_bucket, quantile: 0.5' 'the histogram holds no observation' <<<'x_bucket{le="0.1"} 10
x_bucket{le="+Inf"} 10
--
x_bucket{le="0.1"} 10
x_bucket{le="+Inf"} 10'
no "what its TYPE calls a gauge" 'metric: x' 'line 2: its TYPE says that "x" is no counter: it may fall, so it has no rate' <<<'# TYPE x gauge
x 1
--
# TYPE x gauge
x 5'
no "a quantile of a summary" 'metric: x' 'its TYPE says that "x" is no counter' <<<'# TYPE x summary
x{quantile="0.5"} 1
--
# TYPE x summary
x{quantile="0.5"} 2'
no "a gauge in OpenMetrics" 'metric: x, format: openmetrics' 'its TYPE says that "x" is no counter' <<<'# TYPE x gauge
x 1
# EOF
--
# TYPE x gauge
x 5
# EOF'
no "a counter made anew that has caught up" 'metric: x_total, format: openmetrics' '1 of 1 counters were reset' <<<'# TYPE x counter
x_total 1
x_created 1000
# EOF
--
# TYPE x counter
x_total 5
x_created 2000
# EOF'
rate "one of two made anew, left out" 'metric: x_total, agg: sum, reset: ignore' '== 1' " pass q/r${#claims[@]} 1 " <<<"$two
x_total{s=\"a\"} 150 $b
x_total{s=\"b\"} 11 $b
x_created{s=\"a\"} 2000"
sed -i '$a x_created{s="a"} 1000' www/r$((${#claims[@]} - 1))
no "a histogram made anew" 'metric: x_bucket, quantile: 0.5' '2 of 2 counters were reset' <<<'x_bucket{le="0.1"} 10
x_bucket{le="+Inf"} 10
x_created 1000
--
x_bucket{le="0.1"} 20
x_bucket{le="+Inf"} 20
x_created 2000'
no "a count that is not that of +Inf the first time" 'metric: x_bucket, quantile: 0.5' "the histogram's count is 11, its bucket \+Inf holds 10: one of them is wrong" <<<'x_bucket{le="0.1"} 10
x_bucket{le="+Inf"} 10
x_count 11
--
x_bucket{le="0.1"} 20
x_bucket{le="+Inf"} 20
x_count 20'
no "a step beyond 2^53" 'metric: x_total' '1 of 1 counters stand beyond 2\^53, where single steps are not kept' <<<'x_total 9007199254740992
--
x_total 9007199254740997'
no "none that is seen there" 'metric: x_total' '1 of 1 counters stand beyond 2\^53' <<<'x_total 9007199254740992
--
x_total 9007199254740993'
rate "many of them" 'metric: x_total' '== 1000000000' " pass q/r${#claims[@]} " <<<"x_total 20000000000000000 $a
--
x_total 20000010000000000 $b"
cat >rates.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:$port" }
audits:
  q:
    target: shop
    checks:
$rates
YAML
run "$ASSIZE" run -f rates.yaml
is "rates: one of them is too high" "$status" 1
for i in "${!claims[@]}"; do
	like "rate: ${claims[i]}" "$(grep "q/r$i[ {]" <<<"$out" | tr '\n' ' ')" "${told[i]}"
done
is "rates: nothing else passes" "$(grep -c ' pass q/' <<<"$out")" 9
run "$ASSIZE" plan -f rates.yaml q/r18
like "rates: plan says what is done" "$out" 'twice, 0.05 s apart: quantile 0.5 of x_bucket'

# ---- a page that repeats a secret in a line nobody can read: no piece of it is shown ----
export SCRAPE_TOKEN="Zebra$(printf 'Quagga%.0s' {1..12}) okapi gnu"
cat >secret.yaml <<YAML
assize: 1
targets:
  t: { http: "http://127.0.0.1:$port", headers: { X-Token: "\${env:SCRAPE_TOKEN}" } }
audits:
  m: { target: t, checks: [ { id: x, scrape: { path: /secret, metric: x }, expect: "> 0" } ] }
YAML
for line in "x $SCRAPE_TOKEN" "x 1 $SCRAPE_TOKEN" "x{a=\"$SCRAPE_TOKEN\"+}" "x{$SCRAPE_TOKEN=\"1\"} 1"; do
	printf '%s\n' "$line" >www/secret
	run "$ASSIZE" run -f secret.yaml
	like "a secret in the page: told without it" "$status $out$err" '^2 .*line 1:[0-9]+: "\*\*\*" (is not|stands)'
	unlike "a secret in the page: no piece of it is shown" "$out$err" 'Quagga|okapi|gnu'
done
nok "nor recorded" grep -qaE 'Quagga|okapi' -r .assize

refuses()
{
	cat >bad.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:1" }
audits:
  h: { target: shop, checks: [ { id: x, scrape: $2, expect: "$3" } ] }
YAML
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$out$err" "bad.yaml:5:[0-9]+: .*$4"
}
refuses "a selector without end" "'a{b=\"c\"'" '> 1' 'at column 8 stands neither , nor \}'
refuses "a selector with a bad pattern" "'a{b=~\"(\"}'" '> 1' 'cannot read selector a\{b=~"\("\}: at column 6: '
refuses "a selector without a metric" "'{b=\"c\"}'" '> 1' 'the name of a metric is missing'
refuses "no series without count" '{ metric: a, min_series: 0 }' '> 1' 'only the count is known'
refuses "a bound in another unit" '{ metric: a, unit: s }' '< 5 MiB' 'a bound in B cannot be held against a value in s'
refuses "a bound in a unit the metric has not" 'a' '< 5s' 'a bound in s cannot be held against'
refuses "a label twice" '{ metric: a, by: [b, b] }' '> 1' 'label "b" is written twice'
refuses "another host" '{ metric: a, path: "http://example.com/metrics" }' '> 1' 'leaves the host of target'
refuses "an unknown aggregate" '{ metric: a, agg: median }' '> 1' 'median'
refuses "a quantile of no buckets" '{ metric: a, quantile: 0.5 }' '> 1' 'a quantile is made of buckets'
refuses "a quantile of some buckets" '{ metric: "a_bucket{le!=\"1\"}", quantile: 0.5 }' '> 1' 'a quantile needs all buckets'
refuses "a quantile by bucket" '{ metric: a_bucket, by: [le], quantile: 0.5 }' '> 1' 'a quantile needs all buckets'
refuses "a quantile of 0" '{ metric: a_bucket, quantile: 0 }' '> 1' 'a quantile is above 0 and at most 1'
refuses "a quantile in per cent" '{ metric: a_bucket, quantile: 95 }' '> 1' 'quantile'
refuses "the largest quantile" '{ metric: a_bucket, quantile: 0.5, agg: max }' '> 1' 'of histograms only the sum has a quantile'
refuses "a rate that takes longer than the check may" '{ metric: a, rate: 60s }' '> 1' 'its timeout is over before the second look'
refuses "reset without rate" '{ metric: a, reset: ignore }' '> 1' '"reset" is about a rate'
refuses "the rate of how many there are" '{ metric: a, rate: 1s, agg: count }' '> 1' 'how many series there are is no rate'
refuses "a histogram without what was reset" '{ metric: a_bucket, quantile: 0.5, rate: 1s, reset: ignore }' '> 1' 'buckets without those that were reset'
refuses "beyond without quantile" '{ metric: a, beyond: bound }' '> 1' '"beyond" is about a quantile'
done_testing
