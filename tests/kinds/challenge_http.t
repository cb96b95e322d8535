#!/bin/bash
# challenge of kind http against nginx: what each check notices of a damaged answer, how much it takes, and that
# the server is asked once.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
. "$(dirname "$0")/../lib/attacks.sh"
cd "$TMP"
mkdir www nginx tls answers
export TOKEN=hunter2-swordfish-4711
printf '{"state": "ok", "jobs": {"waiting": 12, "share": 0.25}, "up": true, "list": [1, 2, 3, 4], "idle": 0}\n' >www/health.json
printf '{"a": [{"id": 1, "on": true}, {"id": 2, "on": true}, {"id": 3, "on": true}]}\n' >www/many.json
echo ok >www/health.txt
printf '<html><title>shop</title>\n<p>balance 120 EUR\n</html>\n' >www/page.html
# Closed, not measured: nothing marks the end. 20 lines of 10 bytes.
{
	printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nX-Age: 7\r\nSet-Cookie: seen=3; Path=/\r\n\r\n'
	for i in {01..19}; do echo "line $i .."; done
	printf 'the end .\n'
} >answers/closed.http
{
	printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n'
	printf '{"you sent": "%s", "that": "is all", "n": 1}' "$TOKEN"
} >answers/said.http
testd --dir "$TMP/answers"
closed=$port
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls/ca.key -out tls/ca.pem -days 400 \
	-subj "/CN=authority" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls/server.key -out tls/server.csr \
	-subj "/CN=server" 2>/dev/null
openssl x509 -req -in tls/server.csr -CA tls/ca.pem -CAkey tls/ca.key -days 90 -out tls/server.pem \
	-extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
free_port
plain=$port
free_port
secure=$port
cat >nginx.conf <<CONF
daemon off;
master_process off;
pid $TMP/nginx/pid;
error_log $TMP/nginx/error.log;
events { worker_connections 64; }
http {
	access_log $TMP/nginx/access.log;
	client_body_temp_path $TMP/nginx/1; proxy_temp_path $TMP/nginx/2; fastcgi_temp_path $TMP/nginx/3;
	uwsgi_temp_path $TMP/nginx/4; scgi_temp_path $TMP/nginx/5;
	types { text/plain txt; application/json json; text/html html; }
	server {
		listen 127.0.0.1:$plain;
		root $TMP/www;
		location = /moved { return 302 /page.html; }
		location = /echo { default_type text/plain; return 200 "for \$http_authorization: welcome"; }
		location = /missing { return 404; }
		location = /flaky { return 500; }
	}
	server {
		listen 127.0.0.1:$secure ssl;
		ssl_certificate $TMP/tls/server.pem; ssl_certificate_key $TMP/tls/server.key;
		root $TMP/www;
	}
}
CONF
nginx -c "$TMP/nginx.conf" -p "$TMP/nginx" -e "$TMP/nginx/error.log" &
reap $!
answers()
{
	exec 9<>"/dev/tcp/127.0.0.1/$1" && exec 9>&-
} 2>/dev/null
wait_for answers "$secure" || bail "nginx did not start: $(cat nginx/error.log)"
cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { http: "http://127.0.0.1:$plain", headers: { Authorization: "Bearer \${env:TOKEN}" } }
  safe: { http: "https://127.0.0.1:$secure", ca_file: tls/ca.pem }
  closed: { http: "http://127.0.0.1:$closed", headers: { Authorization: "Bearer \${env:TOKEN}" } }
audits:
  h:
    target: shop
    defaults: { timeout: 20s }
    checks:
      - { id: status, http: /health.txt }
      - { id: missing, http: /missing, expect: { status: "== 404" } }
      - { id: moved, http: { path: /moved, capture: { to: "header:Location" } }, expect: { status: "== 302", to: 'matches /page.html\$/' } }
      - { id: moved-somewhere, http: /moved, expect: { status: "== 302" } }
      - { id: either, http: /health.txt, expect: { status: "in [200, 204]" } }
      - { id: not500, http: /health.txt, expect: { status: "!= 500" } }
      - { id: failing, http: /flaky, expect: { status: ">= 500" } }
      - { id: body, http: /health.txt, expect: { body: '== "ok"' } }
      - { id: size, http: /health.txt, expect: { size: "between 2 and 6" } }
      - { id: slow, http: /health.txt, timeout: 60s, expect: { total: "< 30 s" } }
      - id: json
        http:
          path: /health.json
          json: { state: /state, waiting: /jobs/waiting, share: "\$.jobs.share", up: /up, n: "count(\$.list[*])", idle: /idle, unread: /jobs/share }
        expect: { state: '== "ok"', waiting: "< 100", share: "between 0.2 and 0.3", up: '== "true"', n: ">= 3", idle: "== 0" }
      - { id: paths, http: { path: /many.json, json: { on: "\$.a[?@.id == 2].on", all: "count(\$.a[?@.on == true])", one: "/a/1/on" } }, expect: { on: '== "true"', all: ">= 2", one: '== "true"' } }
      - { id: page, http: { path: /page.html, ends_with: "</html>", capture: { b: '/balance ([0-9]+)/' } }, expect: { b: "> 100" } }
      - { id: followed, http: { path: /moved, redirects: 1 }, expect: { url: 'matches /page.html\$/', redirects: "== 1" } }
      - { id: certificate, target: safe, http: /health.txt, expect: { tls_days_left: ">= 30" } }
      - { id: closed, target: closed, http: { path: /closed, min_body: 120B, capture: { age: "header:X-Age", seen: "cookie:seen" } }, expect: { age: "<= 10", seen: "== 3" } }
      - { id: echo, http: { path: /echo, capture: { who: '/for (.*):/' } }, expect: { who: 'matches /^Bearer /' } }
      - { id: echo-cut, target: closed, http: { path: /said, json: { n: /n } }, expect: { n: "== 1" } }
      - { id: wrong, http: /nothing }
YAML
ok "everything passes as it is" "$ASSIZE" run --record first.db h/status h/json h/closed h/certificate h/followed
one=$(wc -l <nginx/access.log)
run "$ASSIZE" challenge h/status h/json h/closed h/certificate h/followed
is "damage survives" "$status" 1
is "the servers are asked as often as one run asks them" "$(($(wc -l <nginx/access.log) - one))" "$one"
run "$ASSIZE" challenge
said=$out$err
is "no status lies half way between two others" "$(grep -A14 ^h/not500 <<<"$out" | grep advice | sort -u)" \
	'    advice      expect: { status: "== 200" }'

# said_of CHECK CLAIM, the expected table on stdin
said_of()
{
	is "$2" "$(attacks "h/$1")" "$(cat)"
}
said_of status "a status alone: nothing is asked about the body" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
T
said_of missing "an expected error" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
T
said_of moved "a redirect for another is damage to who reads where it leads" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
no value header-lost header:Location
failed emptied header:Location
failed unknown header:Location
T
said_of moved-somewhere "and to nobody else" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
T
said_of either "a status that the check names is no damage" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed login-redirect
T
said_of failing "a status that is there already is no damage" <<'T'
steady identity
steady header-added
steady twice-as-long
no effect status-500
failed status-204
failed login-redirect
T
said_of body "a body" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
failed login-page
failed body-empty
guarded body-cut
T
said_of size "its size" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
failed login-page
failed body-empty
guarded body-cut
failed larger
failed smaller
T
ok "3 bytes are too many as 7" between 1.166 "$(turns_red h/size larger)" 1.23
ok "and too few as 1" between 1 "$(turns_red h/size smaller)" 1.06
said_of slow "a time: as long as its timeout allows is too long" <<'T'
steady identity
steady header-added
failed status-500
failed status-204
failed login-redirect
failed later total
T
ok "and 30 s are too long" between 27 "$(turns_red h/slow later)" 31.5
said_of json "values of JSON: each that has a bound, by itself" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
no value login-page
no value body-empty
guarded body-cut
steady member-added
no value removed /state
no value nulled /state
failed emptied /state
failed unknown /state
no value removed /jobs/waiting
no value nulled /jobs/waiting
wrong way zeroed /jobs/waiting
tolerated doubled /jobs/waiting
failed ten-times /jobs/waiting
wrong way tenth /jobs/waiting
wrong way negated /jobs/waiting
no value as-text /jobs/waiting
no value removed $.jobs.share
no value nulled $.jobs.share
failed zeroed $.jobs.share
failed doubled $.jobs.share
failed ten-times $.jobs.share
failed tenth $.jobs.share
failed negated $.jobs.share
no value as-text $.jobs.share
no value removed /up
no value nulled /up
failed negated /up
failed items-lost count($.list[*])
no value removed /idle
no value nulled /idle
no effect zeroed /idle
no effect doubled /idle
no effect ten-times /idle
no effect tenth /idle
no effect negated /idle
failed nonzero /idle
no value as-text /idle
T
# 12 reaches 100 (99.5, which is rounded) with 8.29, in steps of 5 %; 0.25 is above 0.3 with 1.2 and below 0.2 with 1/1.25.
mapfile -t doses < <(turns_red h/json doubled | cut -d'|' -f1)
ok "12 jobs reach 100" between 7.29 "${doses[0]}" 7.66
ok "a share of 0.25 passes 0.3" between 0.2 "${doses[1]}" 0.21
ok "and falls below 0.2" between 0.25 "$(turns_red h/json tenth)" 0.2625
is "and of nothing one is too many" "$(turns_red h/json nonzero)" '1.0|/idle is 1 in place of 0'
is "of four items two are one too few" "$(turns_red h/json items-lost | cut -d'|' -f2)" \
	'2 of the 4 that count($.list[*]) counts are gone'
said_of paths "what is true has a place by pointer alone" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
no value login-page
no value body-empty
guarded body-cut
steady member-added
inconclusive removed $.a[?@.id == 2].on
failed items-lost count($.a[?@.on == true])
no value removed /a/1/on
no value nulled /a/1/on
failed negated /a/1/on
T
said_of page "a text in the page" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
no value login-page
error body-empty
guarded body-cut
no value removed /balance ([0-9]+)/
failed zeroed /balance ([0-9]+)/
wrong way doubled /balance ([0-9]+)/
wrong way ten-times /balance ([0-9]+)/
failed tenth /balance ([0-9]+)/
no value negated /balance ([0-9]+)/
T
ok "120 fall to 100" between 0.18 "$(turns_red h/page tenth)" 0.22
said_of followed "a redirect that is followed ends elsewhere" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
T
said_of certificate "a certificate that expires" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
failed expiring
T
# 90 days are left, a little less now: below 30 with 60 of them gone.
ok "it is 60 days until somebody is told" between 59.9 "$(turns_red h/certificate expiring)" 63
said_of closed "an end that nothing marks, a header, a cookie" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500
failed status-204
failed login-redirect
error body-empty
error body-cut
no value header-lost header:X-Age
wrong way zeroed header:X-Age
failed doubled header:X-Age
failed ten-times header:X-Age
wrong way tenth header:X-Age
wrong way negated header:X-Age
no value header-lost cookie:seen
failed zeroed cookie:seen
failed doubled cookie:seen
failed ten-times cookie:seen
failed tenth cookie:seen
failed negated cookie:seen
T
# 220 bytes, 120 of them are enough: 100 may go, and nobody misses them.
ok "more than 100 of 219 bytes have to be lost" between 0.45 "$(turns_red h/closed body-cut)" 0.48
like "where no bound is missed, what is" "$(turns_red h/closed body-cut)" 'end: .*min_body'
like "what does not pass is not challenged" "$(unchallenged h/wrong)" 'it does not pass as it is'

is "all attacks are those that the kind lists" "$(unlisted http 'h/%')" ''

# ---- secrets ----
isnt "a page that echoes the token was attacked" "$(attacks h/echo)" ''
is "one whose token would be cut passes" "$(unchallenged h/echo-cut)" ''
like "and so was one that is cut in the middle of it" "$(attacks h/echo-cut)" 'no value body-cut'
unlike "no token is shown" "$said" 'hunter2'
unlike "and none is recorded" "$(strings -n 4 .assize/record.db*)" 'hunter2'
done_testing
