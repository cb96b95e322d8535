#!/bin/bash
# plan --curl: the line that is printed sends the same bytes as the run, and holds no secret.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www
testd --dir "$TMP/www" --keep "$TMP/kept"
export SECRET='hunter2 "quoted" $HOME' PASSWORD=swordfish-swordfish LOVE='love lace&'
printf 'from-a-file-1234' >token
printf 'orders_total 5\n' >www/metrics

cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:$port", headers: { X-Token: "Bearer \${env:SECRET}!", X-Empty: "", X-From: target } }
  plain: { http: "http://127.0.0.1:$port", headers: { Authorization: "Bearer \${env:PASSWORD}" } }
  filed: { http: "http://127.0.0.1:$port", headers: { X-Token: "\${file:token}" } }
  basic: { http: "http://127.0.0.1:$port", headers: { Authorization: "Basic c3dvcmRmaXNoLXN3b3JkZmlzaA==", X-Plain: "\${env:PASSWORD}" } }
  routed:
    http: "http://127.0.0.1:$port"
    proxy: "http://127.0.0.1:9"
    proxy_user: audit
    proxy_password: "\${env:PASSWORD}"
    http_version: "1.1"
audits:
  h:
    target: shop
    defaults: { timeout: 5s }
    checks:
      - { id: get, http: /echo }
      - { id: post, http: { path: /echo, method: POST, headers: { X-From: "it's me" }, body: "{\"id\": 1, \"it's\": \"\\\\ \${env:PASSWORD}\"}\n\ttwo lines\n" } }
      - { id: typed, http: { path: /echo, method: PATCH, headers: { Content-Type: application/json, Accept: application/json }, body: "{}" } }
      - { id: empty, http: { path: /echo, method: POST } }
      - { id: stays, http: { path: /mode/redirect-good, redirects: 1 } }
      - { id: own, target: plain, http: { path: /mode/redirect-good, headers: { X-From: check }, redirects: 1 } }
      - { id: moved, target: plain, http: { path: /mode/redirect-good, method: POST, body: x, redirects: 1 } }
      - { id: delete, http: { path: "/echo", method: DELETE } }
      - { id: head, http: { path: "/echo", method: HEAD } }
      - { id: filed, target: filed, http: /echo }
      - { id: basic, target: basic, http: /echo }
      - { id: routed, target: routed, http: { path: /echo, redirects: 2 } }
      - id: journey-json
        journey:
          steps:
            - { id: login, path: /session/login, form: { user: ada, password: "\${env:LOVE}" }, capture: { token: { from: /token, secret: true }, na.me: /user/name } }
            - { id: sent, path: "/echo?who={na.me}", headers: { X-T: "t {token}", X-S: "\${env:PASSWORD}" }, json: { it's: "{na.me} {token}", n: 7, 2: "\${env:PASSWORD}" } }
          cleanup: [ { id: bye, method: DELETE, path: "/session/orders/{na.me}", status: 404 } ]
      - id: journey-form
        journey:
          steps:
            - { id: login, path: /session/login, json: { user: ada, password: "\${env:LOVE}" }, capture: { token: /token, at: "header:X-Request-Id" } }
            - { id: sent, path: /echo, redirects: 2, form: { "a b": "1 + {token}&", c: "\${env:SECRET}", d: "" } }
            - { id: raw, path: "{+at}", status: 404 }
      - { id: metrics, scrape: { path: /metrics, metric: orders_total }, expect: "> 1" }
YAML

# The bytes of the run, then those of the line.
same()
{
	local line
	rm -f kept
	"$ASSIZE" run --quiet "h/$1" >said 2>&1
	mv kept run.bytes
	line=$("$ASSIZE" plan --curl "h/$1")
	like "$1: says which check" "$line" "^# h/$1"
	bash -c "$line" >answer 2>error
	ok "$1: the same bytes" cmp run.bytes kept
	unlike "$1: no secret in the line" "$line" 'hunter2|swordfish'
}
for check in get post typed empty delete head; do
	same $check
done
for check in stays own; do
	line=$("$ASSIZE" plan --curl h/$check)
	like "$check: headers do not follow a redirect" "$line" '# redirects are not followed: curl would send the headers to other hosts, too
curl [^
]*/mode/redirect-good$'
	unlike "$check: nor does curl" "$line" '--location'
done
line=$("$ASSIZE" plan --curl h/moved)
bash -c "$line --verbose" >answer 2>error
like "behind a redirect a POST is a GET, as in the run" "$(cat error)" '> POST /mode/redirect-good.*> GET /mode/good '
# A journey: the same bytes with the values of earlier answers in variables. curl writes the spaces of a form as +.
journey()
{
	rm -f kept
	"$ASSIZE" run --quiet "h/$1" >said 2>&1
	sed 's/%20/+/g; /^Content-Length/d' kept >run.bytes
	out=$("$ASSIZE" plan --curl "h/$1")
	login_token=t0ken-of-ada login_na_me=ada login_at=/r-17 bash -c "$out" >answer 2>error
	sed -i 's/%20/+/g; /^Content-Length/d' kept
	ok "$1: the same bytes" cmp run.bytes kept
	unlike "$1: no secret in the lines" "$out" 'hunter2|swordfish|love'
}
journey journey-json
like "each step says what it gives" "$out" '^# h/journey-json
jar=\$\(mktemp\)
# step login, whose answer gives login_token=\(/token\), login_na_me=\(/user/name\)
curl .* --cookie "\$jar" --cookie-jar "\$jar" .*--data-urlencode user=ada --data-urlencode .password=."\$LOVE" http[^ ]*/session/login
# step sent
curl [^
]*/echo\?who=."\$login_na_me"
# step bye
curl [^
]*--request DELETE .http[^ ]*/session/orders/."\$login_na_me"$'
journey journey-form
like "a path that is captured brings its slash" "$out" 'http://127.0.0.1:[0-9]+."\$login_at"$'

like "control bytes are escaped" "$("$ASSIZE" plan --curl h/post | wc -l)" '^2$'

run "$ASSIZE" plan --curl h/filed
like "a secret of a file is masked" "$out" "X-Token: ''\*\*\*'"
unlike "and not shown" "$out" 'from-a-file'
run "$ASSIZE" plan --curl h/basic
unlike "not in base64 either" "$out" 'c3dvcmRmaXNo'
run "$ASSIZE" plan --curl h/routed
like "the proxy" "$out" '--noproxy .. --proxy http://127.0.0.1:9 --proxy-user .audit:.".PASSWORD"'
like "the version and the redirects" "$out" '--max-time 5.000 --location --max-redirs 2 .*--http1.1'
like "directly means not by the environment's proxy" "$("$ASSIZE" plan --curl h/get)" "--noproxy '\*'"
run "$ASSIZE" plan --curl h/metrics
like "scrape too" "$out" '# h/metrics
curl .*/metrics$'
run "$ASSIZE" run h/metrics
run "$ASSIZE" explain latest h/metrics
like "explain says how to repeat a request" "$out" 'repeat +assize plan --curl h/metrics'
exits "as JSON there is none" 3 "$ASSIZE" plan --curl --json h/metrics
like "which is said" "$err" 'cannot be combined'
done_testing
