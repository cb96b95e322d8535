#!/bin/bash
# Hostile servers: every way to misbehave has its own outcome and its own words, none is a pass, and
# none takes longer than its timeout.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
testd
reasons=$TMP/reasons
: >"$reasons"

# mode, what the one check of it says
define()
{
	cat >assize.yaml <<YAML
assize: 1
targets:
  t: { http: "http://127.0.0.1:$port" }
audits:
  a: { target: t, checks: [ { id: x, timeout: $timeout, $1 } ] }
YAML
}

# mode, exit status, reason
judged()
{
	local began=$SECONDS
	run "$ASSIZE" run
	is "$1: exit status" "$status" "$2"
	like "$1: said" "$out$err" "$3"
	[ $((SECONDS - began)) -le 20 ] || ok "$1: ends in time" false
	# Without the URL, which names the mode.
	sed -n 's/^ *reason *//p' <<<"$out" | sed -E 's/^(GET|HEAD) [^ ]*: //' | head -n 1 >>"$reasons"
}

requested()
{
	define "http: { path: /mode/$1, json: { orders: /orders } }, expect: { orders: \"> 0\" }"
	judged "$@"
}

scraped()
{
	define "scrape: { path: /mode/$1, metric: orders_total }, expect: \"> 0\""
	judged "$@"
}

timeout=10s
requested json 0 'pass'
scraped good 0 'pass'
scraped good-openmetrics 0 'pass'
scraped good-gzip 0 'pass'
scraped good-chunk 0 'pass'
scraped good-gzip-close 0 'pass'
requested json-close 0 'pass'
requested trailer 0 'pass'
: >"$reasons"

requested torn-length 2 'the body is torn: it ended after 75 of 120 bytes'
requested torn-chunk 2 'the body is torn: its chunks ended after 75 bytes without a last one'
requested torn-json 2 'the body is not JSON \(application/json\)'
requested torn-gzip 2 'the body is torn: the gzip stream ends early'
requested gzip-damaged 2 'the gzip stream is damaged: incorrect data check'
requested gzip-trailing 2 'there are bytes behind the end of the gzip stream'
requested not-gzip 2 'the gzip stream is damaged: incorrect header check'
requested brotli 2 'the body has the content coding "br", only gzip was asked for'
requested bad-chunk 2 'the chunked encoding of the body is broken'
requested two-lengths 2 'the answer has two Content-Lengths, 75 and 7'
requested folded 2 'the answer has a header that goes on in the next line'
requested close 2 'the server closed the connection without an answer'
requested reset 2 'the connection was reset before an answer'
requested reset-body 2 'the connection was reset in the middle of the body, after 75 bytes'
requested not-http 2 'the answer is not HTTP'
requested header-flood 2 'the answer has more than 1000 headers or 256 KiB of them'
requested header-line 2 'a header line of the answer is longer than libcurl takes \(100 KiB\)'
requested continue-flood 2 'the heads of the answer are larger than libcurl takes'
requested trailer-flood 2 'the answer has more than 256 KiB of trailers'
requested gzip-chunked 2 'the answer has the transfer coding "gzip, chunked", only chunked once is understood'
requested length-and-chunks 2 'the answer has both chunks and a Content-Length'
requested redirect-nowhere 1 '302, bound == 200|302'
requested html-500 1 '500, bound == 200|500'
requested 204 1 '204'
requested html-200 2 'the body is not JSON \(text/html; charset=utf-8\)'
requested empty-200 2 'the body is empty, not JSON'
requested bomb 2 'the body is larger than 64 MiB'

timeout=1s
requested hang-before 2 'timed out after [0-9.]+ m?s waiting for an answer'
requested hang-head 2 'timed out after [0-9.]+ m?s, the answer had only begun'
requested hang-body 2 'timed out after [0-9.]+ m?s in the middle of the body, with 75 bytes of it'
requested drip 2 'timed out after [0-9.]+ m?s in the middle of the body, with [0-9]+ bytes of it'
timeout=10s
requested endless 2 'the body is larger than 64 MiB|timed out'

for expected in 'body: "matches /^balance [0-9]+/"' 'body: "!= \"x\""' 'size: "== 10"'; do
	define "http: /mode/torn-text, expect: { $expected }"
	judged "torn-text, $expected" 2 'nothing marked the end of the body, so it may be torn'
done
define 'http: /mode/torn-nothing, expect: { body: "== \"\"" }'
judged torn-nothing 2 'nothing marked the end of the body, so it may be torn'
define 'http: { path: /mode/torn-number, json: { n: "" } }, expect: { n: "< 100" }'
judged torn-number 2 'nothing marked the end of the body, so it may be torn'
define 'http: { path: /mode/redirect-loop, redirects: 5 }'
judged redirect-loop 2 'more than 5 redirects, the last one to "/mode/redirect-loop"'
define 'http: { path: /mode/redirect-file, redirects: 5 }'
judged redirect-file 2 'redirected to "file:///etc/passwd": only http and https are followed'

scraped torn-chunk-end 2 'its chunks ended after 18 bytes'
scraped torn-close 2 '"orders_total" begins the last line, which is torn'
scraped torn-line 2 'nothing marked the end of the exposition, so it may be torn'
scraped good-close 2 'nothing marked the end of the exposition, so it may be torn'
scraped torn-nothing 2 'the exposition is empty'
scraped torn-http10 2 '"orders_total\{shop="be" begins the last line, which is torn'
scraped torn-openmetrics 2 'line 4:1: the exposition is torn: it does not end in # EOF'
scraped html-200 2 'the answer is an HTML page, not an exposition'
scraped html-500 2 'the answer has status 500, an exposition has 200'
scraped good-500 2 'the answer has status 500'
scraped redirect-good 2 'the answer has status 302'
scraped 204 2 'the answer has status 204'
scraped empty-200 2 'the exposition is empty'
scraped comments 2 'the exposition is empty'
scraped nan 2 'the value is NaN, which is no measurement'
scraped inf 2 'the value is infinity, which is no measurement'
scraped hex 2 'line 2:14: "0x10" is not a number'
scraped comma 2 'line 2:14: "12,345" is not a number'
scraped invalid-utf8 2 'line 1:1: the line is not valid UTF-8'
scraped binary 2 'line 1:1: "\\x7fELF\\x02\\x01\\x01" is not a metric name'
scraped duplicate 2 'line 2: the series was there before'
scraped renamed 2 'of 1 samples none is named "orders_total"'
scraped wrong-type 2 'the content type "application/octet-stream" is not one of an exposition'
scraped no-type 2 'the answer has no content type'
scraped no-eof 2 'it does not end in # EOF'
scraped after-eof 2 'line 5:1: there is a line behind # EOF'

define 'scrape: { path: /mode/endless, metric: orders_total, max_size: 8MiB, format: prometheus }, expect: "> 0"'
judged "endless exposition" 2 'the body is larger than 8 MiB|the series was there before'
define 'scrape: { path: /mode/bomb, metric: orders_total, format: prometheus }, expect: "> 0"'
judged "exposition bomb" 2 'line 1 is longer than 1048576 bytes'

different=$(sort -u "$reasons" | wc -l)
ok "at least 40 different reasons were given ($different)" [ "$different" -ge 40 ]
nok "and none of them is empty" grep -qx '' "$reasons"
done_testing
