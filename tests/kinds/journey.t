#!/bin/bash
# journey: an intact shop passes; each way to break the journey is told apart, none passes, and what
# was ordered is cancelled whatever happened.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www
echo '{"id": 18446744073709551615, "up": ".."}' >www/odd.json
printf 'all is ERROR\n' | iconv -t UTF-16LE >www/wide.txt
printf 'all is ERROR\n' | iconv -t UTF-16 >www/marked.txt
printf 'caf\351\n' >www/latin1.txt
testd --dir "$TMP/www"
export PASSWORD='love lace&' OTHER=love-letter-4711
shop=http://127.0.0.1:$port

# Steps of the shop; the checks below replace what they break.
login='{ id: login, path: /session/login, form: { user: ada, password: "${env:PASSWORD}" }, capture: { token: { from: /token, secret: true }, user: /user/id } }'
form='{ id: form, path: /session/form, matches: "name=.csrf.", capture: { csrf: "/value=.(csrf-[0-9]+)./" } }'
place='{ id: place, path: /session/orders, status: 201, headers: { X-CSRF-Token: csrf-4711 }, json: { sku: A-1, customer: "{user}", token: "{token}" }, capture: { order: /id, at: "header:Location" } }'
see='{ id: see, path: "{+at}", capture: { state: /state, sum: /sum } }'
cancel='{ id: cancel, method: DELETE, path: "/session/orders/{order}", status: 204 }'
beside=${login/user: \/*id/$'pair: \'/("token": "[^"]+")/\''}
page() # mode, more keys
{
	echo "{ steps: { id: page, path: /mode/$1${2:+, $2} } }"
}
sed 's/^/      /' <<YAML >checks
- id: intact
  journey: { steps: [$login, $form, $place, $see], cleanup: $cancel }
  expect: { total: "< 5s", steps: "< 5s", state: '== "open"', sum: "== 42.5", user: "== 7", csrf: '== "csrf-4711"', status: ">= 200" }
- id: json
  journey:
    steps:
      - id: login
        path: /session/login
        json: { user: ada, password: "\${env:PASSWORD}" }
        capture: { sid: "cookie:sid", request: "header:x-request-id", id: /user/id }
      - { id: sent, path: /echo, json: { n: 1.5, deep: [true, null, "7", 7, "{id}", "no {id}"] }, matches: '\r\n\r\n\{"n":1.5,"deep":\[true,null,"7",7,7,"no 7"\]\}\$' }
      - { id: typed, path: /echo, json: {}, matches: 'Content-Type: application/json\r\n' }
      - { id: form, path: /echo, form: { "a b": "{sid}/&" }, matches: 'x-www-form-urlencoded\r\n(.*\r\n)*\r\na%20b=c00k1e-of-ada%2F%26\$' }
      - { id: raw, path: "/echo?{request}={sid}", method: PUT, headers: { X-Of: "{request}" }, body: '{"a":{"b":"{sid}"}}', matches: '^PUT .echo.r-17=c00k1e-of-ada HTTP(.*\r\n)*X-Of: r-17\r\n(.*\r\n)*\r\n\{"a":\{"b":"c00k1e-of-ada"\}\}\$' }
  expect: { request: '== "r-17"', sid: '== "c00k1e-of-ada"' }
- { id: wrong-password, journey: { steps: [${login/\$\{env:PASSWORD\}/guess}, $form, $place], cleanup: $cancel }, expect: { total: "< 5s", user: "!= 5" } }
- { id: no-token, journey: { steps: [${login/\/token/\/tokens}, $form] } }
- { id: object, journey: { steps: [${login/\/user\/id/\/user}] } }
- { id: not-logged-in, journey: { steps: [$form] } }
- { id: cancelled, journey: { steps: [$login, $place, { id: see, path: "{+at}", matches: cancelled }], cleanup: $cancel } }
- { id: slow, journey: { steps: [$login, $place, { id: report, path: /mode/hang-before, timeout: 1s }, $see], cleanup: $cancel }, expect: { state: '== "open"' } }
- { id: torn, journey: { steps: [$login, $place, { id: report, path: /mode/torn-length }], cleanup: $cancel } }
- { id: torn-json, journey: $(page torn-json 'capture: { orders: /orders }') }
- { id: torn-close, journey: $(page torn-close 'matches: orders_total') }
- { id: html, journey: $(page html-200 'capture: { orders: /orders }') }
- { id: empty, journey: $(page empty-200 'capture: { orders: /orders }') }
- { id: server-error, journey: $(page html-500) }
- { id: expected, journey: $(page html-500 'status: [404, 5xx]') }
- { id: endless, journey: $(page endless) }
- { id: redirect, journey: $(page redirect-good) }
- { id: followed, journey: $(page redirect-good 'redirects: 1') }
- { id: loop, journey: $(page redirect-loop 'redirects: 3') }
- { id: no-cookie, journey: $(page good 'capture: { sid: "cookie:sid" }') }
- { id: no-header, journey: $(page good 'capture: { sid: "header:X-Sid" }') }
- { id: too-slow, journey: $(page good), expect: { total: "< 0 ms" } }
- { id: cleanup-refused, journey: { steps: [$login, $place], cleanup: [${cancel/status: 204/status: 410}] } }
- { id: cleanup-breaks, journey: { steps: [$login, $place], cleanup: [{ id: bye, path: /mode/reset }, $cancel] } }
- { id: leaves, journey: { steps: [{ id: page, path: /mode/json, capture: { state: /state } }, { id: out, path: "{+state}.example/", status: 404 }, { id: in, path: "http://127.0.0.1:$port/{state}", status: 404 }] } }
- { id: secret-page, journey: { steps: [$login, { id: echo, path: "/echo?{token}", headers: { X-T: "{token}" }, matches: nothing-of-this }] } }
- { id: secret-url, journey: { steps: [$login, { id: reset, path: "/mode/reset?{token}" }] } }
- { id: short-secret, journey: $(page json 'capture: { state: { from: /state, secret: true } }') }
- { id: gone, target: gone, journey: { steps: [ { id: home }, { id: next } ] } }
YAML
sed 's/^/      /' <<YAML >calls
- id: call
  journey:
    steps:
      - { id: head, rpc: { method: eth_blockNumber }, capture: { block: { from: /result, hex: true } } }
      - { id: balance, rpc: { method: eth_call, params: [ { to: "0x01", data: "0x70a08231" }, "{block}" ] }, capture: { balance: { from: /result, hex: true } } }
      - { id: large, rpc: { method: eth_call, params: [ { data: "0x00" } ] }, capture: { supply: { from: /result, hex: true } } }
  expect: { block: "== 1234567", balance: "== 1000000", supply: "> 7e28" }
- { id: pinned, target: shop, journey: { steps: [{ id: head, path: /session/rpc, rpc: { method: eth_blockNumber }, capture: { block: { from: /result, hex: true } } }, { id: sent, path: /echo, body: "{block}", matches: '\r\n0x12d687\$' }] } }
- { id: large-equal, journey: { steps: { id: large, rpc: { method: eth_call, params: [] }, capture: { supply: { from: /result, hex: true } } } }, expect: { supply: "!= 1461501637330902918203684832716283019655932542976" } }
- { id: rpc-error, journey: { steps: { id: call, rpc: { method: eth_nothing }, capture: { x: /result } } }, expect: { x: "!= 5" } }
- { id: not-hex, target: shop, journey: $(page json 'capture: { x: { from: /state, hex: true } }'), expect: { x: "!= 5" } }
- { id: no-rpc, target: shop, journey: $(page json 'rpc: { method: x }') }
- { id: secret-long, target: shop, journey: { steps: [$login, { id: reset, path: "/mode/reset?$(printf 'x%.0s' {1..155}){token}" }] } }
- { id: secret-cut, target: shop, journey: { steps: [$login, { id: echo, path: "/echo?$(printf 'x%.0s' {1..43}){token}", capture: { x: /x } }] } }
- { id: secret-cut-later, target: shop, journey: { steps: [$login, { id: echo, path: "/echo?$(printf 'x%.0s' {1..182})\${env:OTHER}", matches: nothing-of-this }] } }
- { id: secret-beside, target: shop, journey: { steps: [$beside] }, expect: { pair: '== "x"' } }
- { id: secret-location, target: shop, journey: $(page redirect-good 'capture: { to: { from: "header:Location", secret: true } }') }
- { id: rounded, target: shop, journey: { steps: [{ id: page, path: /odd.json, capture: { id: /id } }, { id: sent, path: /echo, json: { id: "{id}" } }] }, expect: { id: "> 1e19" } }
- { id: upwards, target: shop, journey: { steps: [{ id: page, path: /odd.json, capture: { up: /up } }, { id: query, path: "/echo?in={up}" }, { id: sent, path: "/session/orders/{up}" }] } }
- { id: cookie-page, target: shop, journey: { steps: [$login, { id: quote, path: /session/cookies, matches: nothing-of-this }] } }
- { id: cookie-value, target: shop, journey: { steps: [$login, { id: quote, path: /session/cookies, capture: { all: /cookies } }] }, expect: { all: '== "seen=1; sid=c00k1e-of-ada"' } }
- { id: given, target: shop, journey: { steps: [{ id: enter, path: /session/enter, redirects: 1, matches: nothing-of-this }] } }
- { id: wide, target: shop, journey: { steps: [{ id: page, path: /wide.txt, matches: ERROR }] } }
- { id: marked, target: shop, journey: { steps: [{ id: page, path: /marked.txt, capture: { x: "/(ERROR)/" } }] } }
- { id: latin1, target: shop, journey: { steps: [{ id: page, path: /session/latin1, matches: caf }] } }
- { id: miscalled, target: shop, journey: { steps: [{ id: page, path: /latin1.txt, capture: { x: /(caf)/ } }] } }
YAML
cat - checks /dev/fd/3 calls >assize.yaml <<YAML 3<<RPC
assize: 1
targets:
  shop: { http: "$shop" }
  node: { http: "$shop/session/rpc" }
  gone: { http: "http://127.0.0.1:1" }
audits:
  j:
    target: shop
    defaults: { timeout: 5s }
    checks:
YAML
  rpc:
    target: node
    checks:
RPC
exits "the definition is in order" 0 "$ASSIZE" check

# All at once; each check is looked at in what was said of it.
run "$ASSIZE" run j
said=$out$err
run "$ASSIZE" run rpc
said=$said$out$err
# claim, check, outcome, what is said
tells()
{
	local block
	block=$(sed -n "/^$3 [a-z]*\/$2 /,/^\$/p" <<<"$said")
	like "$1: $3" "$block" "$4"
}
passes()
{
	like "$1" "$said" "pass [a-z]+/$2:"
}
orders()
{
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /session/count HTTP/1.0\r\n\r\n' >&3
	timeout 5 grep -o -m 1 '"orders": [0-9]*' <&3
	exec 3>&-
}
is "whatever happened, no order is left behind" "$(orders)" '"orders": 0'

passes "a customer logs in, orders, looks and cancels" intact
passes "JSON, forms, headers and bodies carry what was captured" json
passes "statuses a step takes" expected
passes "a redirect that is followed" followed
passes "calls of a contract, hexadecimal numbers" call
passes "a number that was hexadecimal is sent on as it was" pinned

tells "a login that is refused" wrong-password FAIL 'ok\{step="login"\}.*measured  0.*evidence  status 401, not 2xx.*the body is not shown, the step captures a secret'
tells "steps behind it are no measurement" wrong-password FAIL 'ok\{step="form"\} *.*no value.*reason    step "login": status 401, not 2xx'
tells "nor is the total" wrong-password FAIL 'series    total.*no value.*step "login"'
tells "a capture that finds nothing" no-token undecided 'ok\{step="login"\}.*no value.*could not capture "token": the body has nothing at "/tokens"'
tells "a capture that finds more than a value" object undecided 'could not capture "user": there is an object at "/user", not a value'
tells "no login" not-logged-in FAIL 'ok\{step="form"\}.*measured  0.*status 403, not 2xx.*log in first'
tells "a body that does not match" cancelled FAIL 'ok\{step="see"\}.*measured  0.*the body does not match.*body: \{"id": '
tells "a step that hangs" slow undecided 'ok\{step="report"\}.*no value.*timed out after (9[0-9][0-9] ms|1(\.[0-9]+)? s) waiting for an answer'
tells "a torn answer" torn undecided 'ok\{step="report"\}.*no value.*the body is torn'
tells "torn JSON" torn-json undecided 'could not capture "orders": the body is not JSON \(.*, it begins'
tells "a page that may be torn" torn-close undecided 'nothing marked the end of the body, so it may be torn'
tells "an error page with a good status" html undecided 'could not capture "orders": the body is not JSON \(.*, it begins "<!DOCTYPE'
tells "an empty page" empty undecided 'could not capture "orders": the body is empty'
tells "a server's error" server-error FAIL 'ok\{step="page"\}.*measured  0.*status 500, not 2xx'
tells "an endless page" endless undecided 'the body is larger than 1 MiB'
tells "a redirect is an answer" redirect FAIL 'status 302, not 2xx.*location: /mode/good'
tells "a redirect without end" loop undecided 'more than 3 redirects'
tells "a cookie that is not there" no-cookie undecided 'could not capture "sid": the answer sets no cookie sid'
tells "a header that is not there" no-header undecided 'could not capture "sid": the answer has no header X-Sid'
tells "a bound on the total" too-slow FAIL 'total.*bound     < 0 s.*evidence  page [0-9]'
tells "a cleanup that is refused" cleanup-refused FAIL 'ok\{step="cancel"\}.*measured  0.*status 204, not 410'
tells "a cleanup that breaks" cleanup-breaks undecided 'ok\{step="bye"\}.*no value.*connection was reset'
passes "a value in a path stays in its place" leaves
tells "a host that is not there" gone undecided 'ok\{step="home"\}.*no value.*could not connect: Connection refused'
tells "a secret that is too short to mask" short-secret undecided 'could not capture "state": a secret of fewer than 4 bytes'
tells "a cookie that a page quotes" cookie-page FAIL 'the body does not match.*body: \{.*"cookies": "seen=1; sid=\*\*\*"'
passes "what is captured of it is a value" cookie-value
tells "a cookie of a redirect, and an authorization" given FAIL 'the body does not match.*body: \{.*"known": "\*\*\*, \*\*\*"'
unlike "neither is shown" "$said" 'ticket-of-4da|be4rer-of-ada'
tells "UTF-16" wide undecided 'the body is UTF-16: only UTF-8 is read as text'
tells "UTF-16 with its mark" marked undecided 'could not capture "x": the body is UTF-16'
tells "a page in another charset" latin1 undecided 'not valid UTF-8, the server says it is ISO-8859-1: let it send UTF-8, or judge status'
tells "a page in another charset than the server says" miscalled undecided 'not valid UTF-8, though the server says so'
tells "a call that fails" rpc-error undecided 'ok\{step="call"\}.*no value.*answered with an error: the method does not exist \(code -32601\)'
tells "a number that is none" not-hex undecided '"ok" is not a hexadecimal number like 0x1b4'
tells "an answer to no call" no-rpc undecided 'the answer has neither a result nor an error'
tells "no equality with what was rounded" large-equal undecided 'more digits than are kept, too close to the bound to tell'

tells "a secret in a page is masked" secret-page FAIL 'echo\?\{token\}: HTTP/1.1 200.*GET /echo\?\*\*\* HTTP'
tells "a secret in a URL is masked" secret-url undecided 'reason    GET http[^ ]*/mode/reset\?(\*\*\*|\{token\}): the connection was reset'
tells "a URL too long to show is not shown in part" secret-long undecided 'GET http[^ ]*:[0-9]+/\.\.\.: the connection was reset'
tells "a secret at the end of a quoted page" secret-cut undecided 'the body is not JSON .*it begins "GET /echo\?x{43}\*\*\*"'
tells "one of the definition" secret-cut-later FAIL 'body: GET /echo\?x{182}\*\*\* \.\.\.'
tells "a secret in another value is masked" secret-beside FAIL 'measured  ""token": "\*\*\*""'
tells "a header that may be the secret" secret-location FAIL 'status 302, not 2xx.*the body is not shown, the step captures a secret'
unlike "no part of a secret is shown" "$said" 't0ken-|love'
unlike "nor that header" "$(sed -n '/rpc\/secret-location /,/^$/p' <<<"$said")" 'location:|mode/good'
tells "an integer that was rounded is not sent on" rounded undecided 'ok\{step="sent"\}.*"id" cannot be sent on: it is an integer beyond 2\^63'
tells "a value that would lead elsewhere" upwards undecided 'ok\{step="sent"\}.*"up" is "\.\.", which in a path leads elsewhere'
unlike "captured secrets are not shown" "$said" 'c00k1e-of-ada|t0ken-of-ada|love lace|love%20lace'
nok "nor recorded" grep -q 't0ken-of-ada\|love lace\|love%20lace' .assize/record.db
exits "the plan says what would be asked" 0 "$ASSIZE" plan j/intact
like "step by step" "$out" 'step login: POST http.*/session/login.*step see: GET .*cleanup cancel: DELETE .*/session/orders/\{order\}'

# An interrupt ends the step that hangs, not the cleanup.
sed -i 's/timeout: 1s/timeout: 5s/' assize.yaml
"$ASSIZE" run j/slow >said 2>&1 &
pid=$!
has_order()
{
	[ "$(orders)" = '"orders": 1' ]
}
ok "an order is placed" wait_for has_order
kill -INT $pid
wait $pid
is "an interrupted journey is undecided" $? 2
is "and cleans up" "$(orders)" '"orders": 0'

# What is wrong is found before anything is asked. A line a case: what is said, and the journey.
cat >cases <<'CASES'
"steps" is empty|{ steps: [] }
no step before captures "b"|{ steps: [ { id: a, path: "/{b}" }, { id: b, path: /, capture: { b: /b } } ] }
no step before captures "b"|{ steps: [ { id: a, json: { x: ["{b}"] } } ] }
there are two steps "a"|{ steps: [ { id: a }, { id: a } ] }
captures "x" already|{ steps: [ { id: a, capture: { x: /a } }, { id: b, capture: { x: /a } } ] }
"total" is a value of every journey|{ steps: { id: a, capture: { total: /a } } }
token|{ steps: { id: a, capture: { x: token } } }
more than one of form, json, rpc and body|{ steps: { id: a, form: { a: b }, body: x } }
a GET request has no body|{ steps: { id: a, method: GET, body: x } }
leaves the host of target "shop"|{ steps: { id: a, path: "http://127.0.0.2/" } }
"ok" is no status|{ steps: { id: a, status: ok } }
wants a method|{ steps: { id: a, rpc: { params: [] } } }
cannot be sent as a number without loss|{ steps: { id: a, json: { n: 18446744073709551616 } } }
CASES
{
	printf 'assize: 1\ntargets: { shop: { http: "%s" } }\naudits:\n  j:\n    target: shop\n' "$shop"
	printf '    checks:\n'
	n=0
	while IFS='|' read -r _ journey; do
		n=$((n + 1))
		echo "      - { id: c$n, journey: $journey }"
	done <cases
	echo "      - { id: secret, journey: { steps: { id: a, capture: { t: { from: /t, secret: true } } } }, expect: { t: '== 1' } }"
} >bad.yaml
exits "journeys with mistakes are refused" 3 "$ASSIZE" check -f bad.yaml
while IFS='|' read -r message _; do
	like "refused: $message" "$err" "$message"
done <cases
like "refused: a bound on a secret" "$err" 'kind "journey" yields no value "t"'
done_testing
