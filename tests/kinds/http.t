#!/bin/bash
# http: an intact server passes; each way to break it is told apart, and none passes.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www
printf 'ok\n' >www/health.txt
printf '{"state": "ok", "jobs": {"waiting": 12, "share": 0.25}, "up": true, "last": null, "a/b": [7]}\n' \
	>www/health.json
printf '<!DOCTYPE html><html><body>maintenance</body></html>\n' >www/page.html
head -c 70000 /dev/zero | tr '\0' x >www/large.txt
printf 'a\0b' >www/nul.txt
printf 'caf\351\n' >www/latin1.txt
printf 'all is ERROR\n' | iconv -t UTF-16LE >www/wide.txt
printf 'all is ERROR\n' | iconv -t UTF-16 >www/marked.txt
printf '12345' >www/number.json
printf '{"id": 18446744073709551615, "n": 9007199254740993, "d": 5.000000000000000000001}\n' >www/huge.json
testd --dir "$TMP/www"
first=$port
export SECRET=hunter2-hunter2

cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:$port", headers: { X-Token: "\${env:SECRET}", X-From: target } }
  deep: { http: "http://127.0.0.1:$port/mode/" }
audits:
  h:
    target: shop
    defaults: { timeout: 5s }
    checks:
      - { id: good, http: /health.txt, expect: { total: "< 5s", size: "== 3", body: '== "ok"' } }
      - { id: json, http: { path: /health.json, json: { state: /state, waiting: /jobs/waiting, share: /jobs/share, up: /up, item: /a~1b/0 } }, expect: { state: '== "ok"', waiting: "< 13", share: "between 0.2 and 0.3", up: '== "true"', item: "== 7" } }
      - { id: too-many, http: { path: /health.json, json: { waiting: /jobs/waiting } }, expect: { waiting: "< 12" } }
      - { id: absent, http: { path: /health.json, json: { queue: /jobs/queue } }, expect: { queue: "!= 5" } }
      - { id: isnull, http: { path: /health.json, json: { last: /last } }, expect: { last: '!= "x"' } }
      - { id: object, http: { path: /health.json, json: { jobs: /jobs } }, expect: { jobs: '!= "x"' } }
      - { id: missing, http: /nothing }
      - { id: expected, http: /nothing, expect: { status: "== 404" } }
      - { id: server-error, http: /status/503 }
      - { id: page, http: /page.html, expect: { body: "matches /^ok/" } }
      - { id: page-json, http: { path: /page.html, json: { state: /state } }, expect: { state: '== "ok"' } }
      - { id: large, http: { path: /large.txt, max_body: 64KiB }, expect: { body: "matches /x/" } }
      - { id: large-status, http: { path: /large.txt, max_body: 1KiB }, expect: { size: "== 70000" } }
      - { id: nul, http: /nul.txt, expect: { body: '!= "a"' } }
      - { id: wide, http: /wide.txt, expect: { body: 'matches /^(?!.*ERROR)/' } }
      - { id: marked, http: /marked.txt, expect: { body: 'matches /^(?!.*ERROR)/' } }
      - { id: wide-captured, http: { path: /wide.txt, capture: { v: "/^(?!.*ERROR)(.)/" } }, expect: { v: '!= "x"' } }
      - { id: latin1, http: /latin1.txt, expect: { body: '!= "a"' } }
      - { id: empty, http: /mode/empty-200, expect: { body: '== ""' } }
      - { id: empty-json, http: { path: /mode/empty-200, json: { state: /state } }, expect: { state: '!= "x"' } }
      - { id: head, http: { path: /health.txt, method: HEAD }, expect: { size: "== 0" } }
      - { id: post, http: { path: /echo, method: POST, body: '{"id": 1}', headers: { Content-Type: application/json, X-From: check } }, expect: { body: 'matches /^POST \\/echo HTTP\\/1.1\\r\\n(.*\\r\\n)*X-From: check\\r\\n(.*\\r\\n)*\\r\\n\\{"id": 1\\}$/' } }
      - { id: sent, http: /echo, expect: { body: 'matches /X-Token: hunter2-hunter2\\r\\nX-From: target/' } }
      - { id: agent, http: /echo, expect: { body: 'matches /Accept-Encoding: gzip/' } }
      - { id: redirect, http: /mode/redirect-good }
      - { id: redirect-user, http: /mode/redirect-user }
      - { id: followed, http: { path: /mode/redirect-good, redirects: 1 } }
      - { id: gzip, http: /mode/good-gzip, expect: { body: 'matches /orders_total 12345/', size: "== 75" } }
      - { id: unmarked, http: /mode/good-close, expect: { body: 'matches /orders_total 12345/' } }
      - { id: min-body, http: { path: /mode/good-close, min_body: 75B }, expect: { body: 'matches /orders_total 12345/', size: "== 75" } }
      - { id: too-short, http: { path: /mode/good-close, min_body: 76B }, expect: { size: "> 0" } }
      - { id: ends-with, http: { path: /mode/good-close, ends_with: "orders_total 12345" }, expect: { size: "== 75" } }
      - { id: ends-otherwise, http: { path: /mode/good-close, ends_with: "12346" }, expect: { size: "== 75" } }
      - { id: cut-page, http: { path: /page.html, ends_with: "</html>" } }
      - { id: large-end, http: { path: /large.txt, ends_with: "$(printf 'x%.0s' {1..256})" } }
      - { id: empty-page, http: { path: /mode/empty-200, min_body: 1B } }
      - { id: base, target: deep, http: good }
      - { id: tight, http: /health.txt, expect: { total: "< 0 ms" } }
      - { id: exact, http: { path: /huge.json, json: { n: /n } }, expect: { n: "== 9007199254740993" } }
      - { id: beside, http: { path: /huge.json, json: { n: /n } }, expect: { n: "== 9007199254740992" } }
      - { id: huge, http: { path: /huge.json, json: { id: /id } }, expect: { id: "> 1e19" } }
      - { id: huge-equal, http: { path: /huge.json, json: { id: /id } }, expect: { id: "!= 18446744073709551616" } }
      - { id: digits, http: { path: /huge.json, capture: { d: '/"d": ([0-9.]+)/' } }, expect: { d: "<= 5" } }
      - { id: digits-far, http: { path: /huge.json, capture: { d: '/"d": ([0-9.]+)/' } }, expect: { d: "<= 5.1" } }
      - { id: path, http: { path: /health.json, json: { waiting: "\$.jobs.waiting", state: "\$..state", n: "count(\$.jobs[*])" } }, expect: { waiting: "== 12", state: '== "ok"', n: "== 2" } }
      - { id: path-many, http: { path: /health.json, json: { all: "\$.jobs.*" } }, expect: { all: "!= 5" } }
      - { id: path-none, http: { path: /health.json, json: { x: "\$.jobs[?@.id == 1]" } }, expect: { x: "!= 5" } }
      - { id: count-typo, http: { path: /health.json, json: { n: "count(\$.jbos[?@ == 1])" } }, expect: { n: "== 0" } }
      - { id: text, http: { path: /health.txt, capture: { word: '/^(o)k/', length: "header:Content-Length", type: "header:Content-Type" } }, expect: { word: '== "o"', length: "== 3", type: "matches /^text.plain/" } }
      - { id: text-none, http: { path: /health.txt, capture: { n: '/balance ([0-9]+)/' } }, expect: { n: "!= 5" } }
      - { id: text-torn, http: { path: /mode/torn-text, capture: { n: '/balance ([0-9]+)/' } }, expect: { n: "< 100" } }
      - { id: header-none, http: { path: /health.txt, capture: { age: "header:Age" } }, expect: { age: "< 60" } }
      - { id: cookie, http: { path: /health.txt, capture: { s: "cookie:session" } }, expect: { s: '!= ""' } }
      - { id: phases, http: /health.txt, expect: { dns: "< 5s", connect: "< 5s", first_byte: "< 5s" } }
      - { id: slow-phase, http: /health.txt, expect: { first_byte: "< 0 ms" } }
      - { id: no-tls, http: /health.txt, expect: { tls: "< 5s" } }
      - { id: no-chain, http: /health.txt, expect: { tls_days_left: ">= 14" } }
      - { id: where, http: { path: /mode/redirect-good, redirects: 1 }, expect: { url: 'matches /\\/mode\\/good$/', redirects: "== 1", http_version: '== "1.1"' } }
      - { id: elsewhere, http: { path: /mode/redirect-good, redirects: 1 }, expect: { url: 'matches /redirect-good$/' } }
      - { id: delete, http: { path: /echo, method: DELETE }, expect: { body: 'matches /^DELETE \\/echo HTTP/' } }
      - { id: patch, http: { path: /echo, method: PATCH, body: 'x=1' }, expect: { body: 'matches /^PATCH \\/echo HTTP(.|\\r|\\n)*\\r\\n\\r\\nx=1$/' } }
      - { id: untyped, http: { path: /echo, method: POST, body: 'x=1' }, expect: { body: 'matches /^POST(?!(.|\\r|\\n)*Content-Type)/' } }
      - { id: secret-cut, http: "/echo?$(printf 'x%.0s' {1..140})\${env:SECRET}", expect: { body: '== "x"' } }
      - { id: secret-shown, http: /echo, expect: { body: '== "x"' } }
YAML

# claim, check, exit status, what is said
tells()
{
	run "$ASSIZE" run "h/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
passes()
{
	run "$ASSIZE" run --quiet "h/$2"
	is "$1" "$status $out$err" "0 "
}

passes "a good answer passes" good
passes "values of a JSON body, by pointer" json
passes "a status that is expected is no failure" expected
passes "an empty body is a body" empty
passes "HEAD has no body" head
passes "POST sends body and headers, the check's over the target's" post
passes "the target's headers are sent" sent
passes "gzip is asked for" agent
passes "and undone" gzip
passes "a redirect is followed when allowed" followed
passes "a body without a marked end passes when it is long enough" min-body
passes "and when it ends as it should" ends-with
passes "a page that ends as it should" cut-page
passes "a long end behind a long body" large-end
passes "the target's path is kept" base
passes "a body that is not asked for may be larger than max_body" large-status

passes "an integer beyond 2^53, exactly, beside one beyond 2^63" exact
passes "an integer beyond 2^63 and a bound far from it" huge
tells "the integer before it" beside 1 '9007199254740993|9 007 199 254 740 993'
tells "an integer beyond 2^63 at its bound" huge-equal 2 'more digits than are kept, too close to the bound to tell'
tells "more digits than are kept, at the bound" digits 2 'more digits than are kept, too close to the bound to tell'
passes "and far from it" digits-far

passes "values of a JSON body, by JSONPath" path
passes "values of text and headers" text
passes "phases of the way to the answer" phases
passes "where the answer came from" where
passes "DELETE" delete
passes "PATCH with a body" patch
passes "a body is not called a form" untyped

tells "a path to several places" path-many 2 '"\$.jobs.\*" selects 2 places, not one'
tells "a path to nothing" path-none 2 'the body has nothing at "\$.jobs'
tells "a count where a misspelt name leads" count-typo 2 'has nothing where .* begins to look'
tells "a pattern that does not match" text-none 2 'the body does not match /balance \(\[0-9\]\+\)/'
tells "a pattern in a body that may be torn" text-torn 2 'nothing marked the end of the body'
tells "no such header" header-none 2 'the answer has no header Age'
tells "no such cookie" cookie 2 'the answer sets no cookie session'
tells "a phase too slow" slow-phase 1 'first_byte'
tells "no handshake on a plain connection" no-tls 2 'there was no TLS handshake'
tells "nor a certificate" no-chain 2 'there is no certificate: the connection is plain'
tells "another place than expected" elsewhere 1 '/mode/good'

tells "a value over its bound" too-many 1 '12.*< 12'
tells "a pointer to nothing" absent 2 'the body has nothing at "/jobs/queue"'
tells "null" isnull 2 'there is null at "/last"'
tells "an object" object 2 'there is an object at "/jobs"'
tells "404" missing 1 '404.*== 200'
tells "503" server-error 1 '503.*== 200'
tells "an HTML page instead of text" page 1 '<!DOCTYPE html>'
tells "an HTML page instead of JSON" page-json 2 'the body is not JSON \(text/html; charset=utf-8\).*it begins "<!DOCTYPE'
tells "a body that is too long to judge" large 2 'the body is larger than 64 KiB \(max_body\)'
tells "a NUL byte" nul 2 'the body holds a NUL byte'
tells "UTF-16" wide 2 'the body is UTF-16: only UTF-8 is read as text'
tells "UTF-16 with its mark" marked 2 'the body is UTF-16'
tells "a capture of UTF-16" wide-captured 2 'the body is UTF-16'
tells "Latin 1" latin1 2 'the body is not valid UTF-8'
tells "an empty body instead of JSON" empty-json 2 'the body is empty, not JSON'
tells "a body without a marked end" unmarked 2 'nothing marked the end of the body, so it may be torn: say how it ends \(ends_with\) or how long it is at least \(min_body\)'
tells "a body shorter than it is at least" too-short 2 'the body has 75 B, less than min_body \(76 B\): it may be torn'
tells "a body that ends otherwise" ends-otherwise 2 'the body does not end in "12346" \(ends_with\): it may be torn'
tells "a body of nothing though nobody asks for it" empty-page 2 'the body has 0 B, less than min_body \(1 B\)'
printf '<!DOCTYPE html><html><body>mainten\n' >www/page.html
tells "half a page though nobody asks for it" cut-page 2 'the body does not end in "</html>"'
tells "a redirect is an answer" redirect 1 '302.*== 200'
like "and where it leads is evidence" "$out$err" 'location: /mode/good'
tells "a redirect with a password in it" redirect-user 1 'location: http://h/x'
unlike "which is not shown" "$out$err" 'ada|swordfish'
tells "too slow" tight 1 'total'
tells "nor half of one that is cut" secret-cut 1 'body: GET /echo\?x{140}\*\*\* \.\.\.'
tells "a header's value is never shown" secret-shown 1 'X-Token'
unlike "not even when the server echoes it" "$out$err" hunter2

run "$ASSIZE" plan h/good
like "the plan names the request" "$out" "GET http://127.0.0.1:$port/health.txt"
unlike "and no header" "$out" 'hunter2|X-Token'

# Twelve checks of one host that takes one request at a time: waiting for a turn is nobody's fault.
testd --delay-ms 150
{
	printf 'assize: 1\ntargets: { slow: { http: "http://127.0.0.1:%s", max_connections: 1 } }\n' "$port"
	printf 'audits: { h: { target: slow, defaults: { timeout: 1s }, checks: [\n'
	printf '  { id: a%s, http: / },\n' {1..12}
	printf '] } }\n'
} >slow.yaml
run "$ASSIZE" run -f slow.yaml
like "checks that wait for their host have all their time" "$status $out" '^0 .* pass=12 '
unlike "and the wait is not their duration" "$out" ' 200 bound == 200 [0-9.]+ s'

# What a server asks for is heeded, unless it is more than the check's time. The first testd again.
cat >busy.yaml <<YAML
assize: 1
targets: { shop: { http: "http://127.0.0.1:$first" } }
audits:
  h:
    target: shop
    defaults: { timeout: 5s, retries: 1, retry_delay: 1ms }
    checks:
      - { id: busy, http: /mode/busy }
      - { id: long, http: /mode/busy-long }
      - { id: once, http: /mode/busy-long, retries: 0 }
      - { id: series, scrape: { path: /mode/busy-long, metric: orders_total }, expect: "> 0" }
      - { id: journey, journey: { steps: { id: page, path: /mode/busy-long } } }
YAML
begin=$EPOCHREALTIME
run "$ASSIZE" run -f busy.yaml
ok "a retry waits as long as the server asks" [ $((${EPOCHREALTIME/./} - ${begin/./})) -ge 1000000 ]
tells_busy()
{
	like "$1" "$(sed -n "/^$3 h\/$2 /,/^\$/p" <<<"$out$err")" "$4"
}
tells_busy "and fails when it must" busy FAIL 'measured  503.*attempt 1: fail status, 503, bound == 200'
wish="not tried again: the server asks to be left alone for 1 h, longer than the check's timeout of 5 s"
tells_busy "no retry when it asks for too long" long undecided "measured  429.*bound     == 200.*$wish.*help: a longer timeout"
tells_busy "nor of a scrape" series undecided "status 429, an exposition has 200; $wish"
tells_busy "nor of a journey" journey undecided "$wish.*status 429, not 2xx"
tells_busy "who does not retry is not concerned" once FAIL 'measured  429'

free_port
# A label of 64 characters cannot exist, so no name server is asked.
cat >gone.yaml <<YAML
assize: 1
targets:
  gone: { http: "http://127.0.0.1:$port" }
  nowhere: { http: "http://$(printf 'a%.0s' {1..64}).invalid" }
audits:
  h:
    checks:
      - { id: gone, target: gone, http: / }
      - { id: name, target: nowhere, http: / }
YAML
run "$ASSIZE" run -f gone.yaml h/gone
is "nobody listens: exit status" "$status" 2
like "nobody listens: told" "$out$err" "GET http://127.0.0.1:$port/: could not connect: Connection refused"
run "$ASSIZE" run -f gone.yaml h/name
is "no such name: exit status" "$status" 2
like "no such name: told" "$out$err" 'could not look up the name'

# claim, spec, what is said
refuses()
{
	cat >bad.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:1" }
audits:
  h: { target: shop, checks: [ { id: x, http: $2 } ] }
YAML
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$out$err" "bad.yaml:5:[0-9]+: .*$3"
}
refuses "a body for GET" '{ path: /, body: x }' 'a GET request has no body'
refuses "a pointer that is none" '{ path: /, json: { a: jobs } }' '"jobs" is not a JSON Pointer'
refuses "a capture named like a value" '{ path: /, json: { status: /s } }' '"status" is a value of every http check'
refuses "a capture with a strange name" '{ path: /, json: { "a b": /s } }' 'cannot be the name of a value'
refuses "no end" '{ path: /, ends_with: "" }' '"ends_with" (must have 1 to 256 bytes|must not be empty)'
refuses "an end in a newline" '{ path: /, ends_with: "x\n" }' '"ends_with" must have 1 to 256 bytes, the last of them no newline'
refuses "an end of HEAD" '{ path: /, method: HEAD, min_body: 1B }' 'the answer to HEAD has no body'
refuses "another host" '{ path: "http://example.com/" }' '"path" leaves the host of target "shop"'
refuses "an unknown key" '{ paht: / }' 'paht'
refuses "an unknown method" '{ path: /, method: BREW }' 'BREW'
refuses "a path that is none" '{ path: /, json: { a: "$.a[" } }' 'is no JSONPath: character 5'
refuses "a capture that is none" '{ path: /, capture: { a: b } }' '"b" does not say where a value is'
refuses "two values of one name" '{ path: /, json: { a: /a }, capture: { a: "header:A" } }' 'two values called "a"'
refuses "endless redirects" '{ path: /, redirects: 21 }' 'redirects'
done_testing
