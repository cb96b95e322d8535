#!/bin/bash
# promql: whole answers pass; every other thing a query API or what stands before it can say is told apart.
#
# Every case is a target of its own, a folder of the stand-in server; one run asks all of them.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir -p www/c{0..99}/api/v1
testd --dir "$TMP/www"
export TENANT=the-tenant
now=$(date +%s)
json='Content-Type: application/json'
names=() outcomes=() words=() targets='' checks=''

# reply STATUS HEADER BODY: what the server will say in the cases that follow.
reply()
{
	printf -v answer 'HTTP/1.1 %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" ${#3} "$3"
}
# success RESULT-TYPE RESULT [BESIDE]
success()
{
	reply "200 OK" "$json" "{\"status\":\"success\",\"data\":{\"resultType\":\"$1\",\"result\":$2}${3:-}}"
}
vector()
{
	success vector "$@"
}
# one TIME VALUE [BESIDE]: one series with one point
one()
{
	vector "[{\"metric\":{\"job\":\"shop\"},\"value\":[$1,$2]}]" "${3:-}"
}
points()
{
	success matrix "[{\"metric\":{},\"values\":[$1]}]"
}
# says CLAIM KEYS EXPECTATION OUTCOME WORDS: a case of its own on the present reply
says()
{
	local name=c${#names[@]} api=query
	case $2 in *range:*) api=query_range ;; esac
	printf %s "$answer" >"www/$name/api/v1/$api.http"
	names+=("$1") outcomes+=("$4") words+=("$5")
	targets+="  $name: { prometheus: \"http://127.0.0.1:$port/$name/\", headers: { X-Scope-OrgID: \"\${env:TENANT:-the-tenant}\" } }
"
	checks+="      - { id: $name, target: $name, promql: { query: x$2 }, expect: \"$3\" }
"
}
range=', range: { last: 10m, step: 5m }'

# ---- whole answers ----
one "$now.5" '"1"'
says "one series" '' '== 1' pass ''
both="{\"metric\":{\"job\":\"shop\"},\"value\":[$now,\"1\"]},{\"metric\":{\"job\":\"mail\"},\"value\":[$now,\"1e+06\"]}"
vector "[$both]"
says "two series by a label" ', by: [job], min_series: 2' '>= 1' pass ''
one "$now" '"0.5"'
says "a share in per cent" ', unit: "%"' '< 1%' pass ''
success scalar "[$now,\"1\"]"
says "a scalar" '' '== 1' pass ''
says "a scalar has no labels" ', by: [job]' '== 1' undecided 'the query gives a scalar, which has no labels'
points "[$((now - 600)),\"10\"],[$((now - 300)),\"30\"],[$now,\"20\"]"
says "the largest point" "$range, reduce: max, unit: ms" '== 30ms' pass ''
says "the smallest point" "$range, reduce: min" '== 10' pass ''
says "the mean of the points" "$range, reduce: avg" '== 20' pass ''
says "the number of points" "$range, reduce: count, min_points: 3" '== 3' pass ''
says "the last point" "$range, reduce: last, max_gap: 6m" '== 20' pass ''

# ---- answers that are judged, and fail ----
one "$now" '"0"'
says "the value is judged" '' '== 1' FAIL 'measured +0'
vector "[$both,{\"metric\":{\"job\":\"dns\"},\"value\":[$now,\"0\"]}]"
says "each series is judged" ', by: [job]' '>= 1' FAIL 'job="dns".*measured +0'

# ---- no measurement, each in its own words ----
no()
{
	says "$1" "${3:-}" '== 1' undecided "$2"
}
vector '[]'
no "no series" 'the query gives no series.*or vector\(0\)'
vector "[$both]"
no "two series, none named" '2 series and one is wanted: name labels in by, or aggregate'
no "more series than there may be" 'more than 1 series \(max_series\)' ', by: [job], max_series: 1'
one "$now" '"1"'
no "fewer series than there must be" '1 series, min_series is 2' ', min_series: 2'
vector "[$both,{\"metric\":{\"job\":\"mail\",\"zone\":\"b\"},\"value\":[$now,\"1\"]}]"
no "the same labels twice" 'job="mail".*2 series with these labels and one is wanted' ', by: [job]'
vector "[${both//job/jobs}]"
no "a label nobody has" 'no series of the answer has the label "job" of by.*did you mean "jobs"\?' ', by: [job]'
one "$now" '"NaN"'
no "NaN" 'the value is NaN'
one "$now" '"+Inf"'
no "infinity" 'the value is infinity'
one "$now" '"0x1"'
no "no number" 'a point without a number'
one "$now" 1
no "a number where a text must be" 'a point without a number'
one '"now"' '"1"'
no "no time" 'a point without a time'
one "$((now - 900))" '"1"'
no "an answer of the past" 'the newest point is 15 min older than what was asked for, more than 5 min \(stale\)'
says "an answer of the past that is fresh enough" ', stale: 1h' '== 1' pass ''
one "$((now + 900))" '"1"'
no "an answer of the future" 'the newest point is 1[45]([.][0-9])? min newer than what was asked for'
vector "[{\"metric\":{},\"histogram\":[$now,{\"count\":\"1\"}]}]"
no "a native histogram" 'a native histogram, not a number'
success matrix "[{\"metric\":{},\"values\":[[$now,\"1\"]]}]"
no "a range where a moment was asked for" 'many points of each series, not one.*avg_over_time'
success string "[$now,\"1\"]"
no "a text" 'the query gives a text, not a number'
success streams '[]'
no "another type" 'the result is of type "streams", which was not asked for'
success vector '{}'
no "a result that is no list" 'no result, or none that is a list'
one "$now" '"1"' ',"warnings":["fetch shard 3: timeout","x"]'
no "a warning" 'answered with warnings: fetch shard 3: timeout \(and 1 more\).*warnings: allow'
no "a warning is no info" 'answered with warnings' ', warnings: infos'
says "a warning that is allowed" ', warnings: allow' '== 1' pass ''
one "$now" '"1"' ',"warnings":[3]'
no "a warning without words" 'the answer holds warnings that are no texts'
one "$now" '"1"' ',"infos":["metric might not be a counter"]'
no "an info" 'answered with infos: metric might not be a counter.*warnings: infos'
says "an info that is allowed" ', warnings: infos' '== 1' pass ''
one "$now" '"1"' ',"isPartial":true'
no "a partial answer" 'the answer is partial: a part of the storage did not answer'
no "a partial answer is no warning" 'the answer is partial' ', warnings: allow'
says "a partial answer that is allowed" ', partial: allow' '== 1' pass ''
one "$now" '"1"' ',"isPartial":"no"'
no "a flag that is none" 'the answer is partial'
one "$now" '"1"' ',"isPartial":false,"warnings":[],"infos":null'
says "nothing of it" '' '== 1' pass ''
no "too large" 'larger than 20 B' ', max_size: 20B'

# ---- refusals ----
refuses()
{
	reply "$2" "${5:-$json}" "$3"
	no "$1" "$4"
}
error()
{
	printf '{"status":"error","errorType":"%s","error":"%s"}' "$1" "$2"
}
text='Content-Type: text/plain'
refuses "bad query" "400 Bad Request" "$(error bad_data '1:3: parse error')" 'the query is not valid: 1:3: parse error'
refuses "execution" "422 Unprocessable" "$(error execution many-to-many)" 'the query could not be executed: many-to-many'
refuses "timeout" "503 Unavailable" "$(error timeout 'query timed out')" 'ran out of time for the query: query timed out'
refuses "canceled" "499 Gone" "$(error canceled 'context canceled')" 'gave the query up: context canceled'
refuses "unavailable" "503 Unavailable" "$(error unavailable replaying)" 'not available: replaying'
refuses "internal" "500 Error" "$(error internal 'no space')" 'the server failed: no space'
refuses "VictoriaMetrics' error" "422 Unprocessable" "$(error 422 'cannot parse')" '\(status 422, error type 422\): cannot parse'
refuses "half a tenant where their words are cut" "400 Bad Request" \
	"$(error bad_data "$(printf '%0293d' 0)the-tenant")" 'the query is not valid: 0{293}\*\*\*\.\.\.'
refuses "an error with status 200" "200 OK" "$(error bad_data x)" 'the query is not valid: x'
refuses "an error without words" "400 Bad Request" '{"status":"error"}' 'refused the query \(status 400\): it does not say why'
refuses "no tenant" "401 Unauthorized" 'no org id' 'wants other credentials \(status 401\): no org id' "$text"
refuses "forbidden" "403 Forbidden" '' 'wants other credentials \(status 403\)' "$text"
refuses "no such API" "404 Not Found" nothing 'no query API at "http://127.0.0.1:[0-9]+/c[0-9]+/api/v1/query"' "$text"
refuses "too many" "429 Too Many" '' 'too many queries \(status 429\)' "$text"
refuses "redirected" "302 Found" '' 'was redirected \(status 302\), not answered' 'Location: /login'
refuses "bad gateway" "502 Bad Gateway" '<html>' 'did not answer the query \(status 502\)' 'Content-Type: text/html'
refuses "a page" "200 OK" '<html>' 'an HTML page, not that of a query API' 'Content-Type: text/html; charset=utf-8'
refuses "no content" "204 No Content" '' 'the answer is empty \(status 204\)'
refuses "empty" "200 OK" '' 'the answer is empty \(status 200\)'
refuses "other JSON" "200 OK" '{"state":"ok"}' 'JSON, but not that of a query API'
refuses "a bare text" "200 OK" '"success"' 'JSON, but not that of a query API'
refuses "success with a bad status" "500 Error" '{"status":"success"}' 'did not answer the query \(status 500\)'
refuses "no data" "200 OK" '{"status":"success"}' 'does not say what type its result has'
refuses "torn" "200 OK" '{"status":"success","da' 'no JSON, or torn: not valid JSON'

one "$now" '"1"' ',"errorType":"timeout","error":"a shard is gone"'
no "a success that names an error" 'calls itself a success and names an error \(error\): a shard is gone'
one "$now" '"1"' ',"errorType":"internal"'
no "a success that names a type of error" 'names an error \(errorType\): internal'
one "$now" '"1"' ',"error":{"code":1}'
no "a success with an error that is no text" 'names an error \(error\)'
one "$now" '"1"' ',"errorType":"","error":null'
says "members for errors that hold none" '' '== 1' pass ''

# ---- ranges ----
holes()
{
	points "$2"
	no "$1" "$3" "$range, reduce: ${4:-max}${5:-}"
}
holes "the end is missing" "[$((now - 600)),\"1\"],[$((now - 480)),\"1\"]" 'the newest point is (8|9)([.][0-9])? min older than what was asked for' max ', stale: 2m'
holes "the beginning is missing" "[$now,\"1\"]" 'no point for (9[.][0-9]|10) min, beginning 10 min before the end of the range, longer than 6 min \(max_gap\)' max ', max_gap: 6m'
holes "a hole" "[$((now - 600)),\"1\"],[$now,\"1\"]" 'no point for (9[.][0-9]|10) min' max ', max_gap: 6m'
holes "too few points" "[$((now - 300)),\"1\"],[$now,\"1\"]" '2 points in the range, min_points is 3' count ', min_points: 3'
holes "out of order" "[$now,\"1\"],[$((now - 300)),\"1\"]" 'not in the order of time'
holes "outside of the range" "[$((now - 9000)),\"1\"],[$now,\"1\"]" 'points outside of the range'
holes "NaN among the points" "[$((now - 600)),\"NaN\"],[$((now - 300)),\"1\"],[$now,\"1\"]" 'the value is NaN'
holes "a series without points" "" 'a series without points'
success matrix '[{"metric":{},"histograms":[]}]'
no "native histograms" 'a native histogram' "$range, reduce: max"
success vector '[]'
no "a moment where a range was asked for" 'the result is of type "vector", which was not asked for' "$range, reduce: max"

# ---- digits ----
one "$now" '"9007199254740993"'
says "a step beyond what is kept" '' '<= 9007199254740992' undecided ''
one "$now" '"9007199254740992"'
says "beyond 2^53 the server keeps no steps" '' '== 9007199254740992' undecided ''
one "$now" '"5.000000000000000000001"'
says "a fraction that is not kept" '' '<= 5' undecided ''
one "$now" '"1e+17"'
says "far from the bound" '' '> 9007199254740992' pass ''
points "[$((now - 600)),\"9007199254740993\"],[$((now - 300)),\"1\"],[$now,\"2\"]"
says "the largest of a range" "$range, reduce: max" '<= 9007199254740992' undecided ''

cat >assize.yaml <<YAML
assize: 1
targets:
$targets
audits:
  q:
    defaults: { timeout: 20s }
    checks:
$checks
YAML
run "$ASSIZE" run
is "the worst of all is the outcome" "$status" 1
# The line of each check, and what is told in detail below its name.
said=()
i=''
while read -r line; do
	[[ $line =~ ^([0-9T:-]+Z.*\ |)(pass|FAIL|undecided)\ q/c([0-9]+) ]] && i=${BASH_REMATCH[3]}
	[ -z "$i" ] || said[i]+=$line$'\n'
done <<<"$out"
for i in "${!names[@]}"; do
	like "${names[i]}: ${outcomes[i]}" "${said[i]:-}" "${outcomes[i]} q/c$i[^0-9].*${words[i]}"
	[ "${outcomes[i]}" = pass ] || unlike "${names[i]}: not pass" "${said[i]:-}" "pass q/c$i[^0-9{]"
done
unlike "no header of a target is shown" "$out$err" the-t
for i in "${!names[@]}"; do
	[ "${names[i]}" != "no such API" ] || run "$ASSIZE" run "q/c$i"
done
like "a wrong path: what to do" "$out" 'help: the URL of the target may lack a path: /prometheus \(Mimir\)'
run "$ASSIZE" plan q/c5
like "plan shows what is asked" "$out" "POST http://127.0.0.1:$port/c5/api/v1/query_range
 +x
 +max of the last 10 min, every 5 min"

# ---- hostile servers: whatever they do, nothing passes, and memory stays where it is ----
modes=$(sed -nE 's/^\t\{"([a-z0-9-]+)".*/\1/p' "$ROOT"/tests/tools/testd_modes.h)
modes=$(printf '%s\n' $modes torn-gzip gzip-damaged gzip-trailing not-gzip good-gzip bomb header-flood | sort -u)
checks='' targets='' n=0
for mode in $modes; do
	targets+="  m-$mode: { prometheus: \"http://127.0.0.1:$port/mode/$mode\" }
"
	checks+="      - { id: m-$mode, target: m-$mode, promql: x, expect: \">= 0\" }
"
	n=$((n + 1))
done
cat >hostile.yaml <<YAML
assize: 1
targets:
$targets
audits:
  h:
    defaults: { timeout: 3s }
    checks:
$checks
YAML
began=$SECONDS
run "$BUILD/tests/tools/measure" usage "$ASSIZE" run -f hostile.yaml
is "hostile servers: undecided" "$status" 2
like "hostile servers: $n modes, each of them" "$out" "pass=0 warn=0 fail=0 undecided=$n skip=0"
ok "hostile servers: more than fifty" test "$n" -gt 50
ok "hostile servers: in time" test $((SECONDS - began)) -le 20
read -r _ memory <usage
max_kb=65536
case ${VARIANT:-release} in
release) ;;
*) max_kb=4194304 ;; # shadow memory and counters
esac
ok "hostile servers: in $memory kB" test "$memory" -le $max_kb
like "a bomb is too large, not believed" "$out" 'undecided h/m-bomb [^
]*larger than 16 MiB'

# ---- definitions ----
cat >bad.yaml <<YAML
assize: 1
targets:
  api: { prometheus: "http://127.0.0.1:1" }
  web: { http: "http://127.0.0.1:1" }
  odd: { prometheus: "ftp://127.0.0.1" }
audits:
  h:
    target: api
    checks:
      - { id: a, expect: "> 0", promql: { query: x, range: { last: 1h, step: 1m } } }
      - { id: b, expect: "> 0", promql: { query: x, reduce: max } }
      - { id: c, expect: "> 0", promql: { query: x, max_gap: 1h } }
      - { id: d, expect: "> 0", promql: { query: x, range: { last: 1d, step: 1s }, reduce: max } }
      - { id: e, expect: "> 0", promql: { query: x, range: { last: 1m, step: 2m }, reduce: max } }
      - { id: f, expect: "> 0", promql: { query: x, by: [a, a] } }
      - { id: g, expect: "> 0", promql: { query: x, min_series: 9, max_series: 3 } }
      - { id: h, expect: "> 0", promql: x, target: web }
      - { id: i, expect: "< 5 MiB", promql: { query: x, unit: s } }
YAML
run "$ASSIZE" check -f bad.yaml
is "wrong definitions: exit status" "$status" 3
refused()
{
	like "$1" "$out$err" "bad.yaml:$2:[0-9]+: [^:]*$3"
}
refused "a URL of another scheme" 5 '"prometheus" must be an http or https URL'
refused "a range without reduce" 10 'check "h/a": a range gives many points, and one value is judged'
refused "reduce without a range" 11 'check "h/b": "reduce" is about the points of a range'
refused "max_gap without a range" 12 'check "h/c": "max_gap" is about the points of a range'
refused "too many points" 13 'check "h/d": more than 11000 points'
refused "a step longer than the range" 14 'check "h/e": "step" is longer than "last"'
refused "a label twice" 15 'check "h/f": label "a" is written twice'
refused "fewer than at least" 16 'check "h/g": "min_series" is more than "max_series"'
refused "another target" 17 'kind "promql" needs a prometheus target, "web" is none'
refused "a bound in another unit" 18 'a bound in B cannot be held against a value in s'
done_testing
