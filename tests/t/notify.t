#!/bin/bash
# Who is told, of what, and once: every kind of receiver, those that refuse, hang or lie, a kill between
# recording and sending, and that nothing of a secret is left anywhere.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP" || exit 1
export HOOK=s3cr3t-hook-path-0123456789 TOKEN=t0ken-never-seen SMTP_PASSWORD=pa55word-of-mail
unset http_proxy https_proxy ASSIZE_RECORD

# receiver KIND LOG ARGS...: sets $port
receiver()
{
	local said=$TMP/.receiver.$RANDOM$RANDOM
	"$ROOT/tests/lib/receiver" "$@" >"$said" 2>"$said.err" &
	reap $!
	wait_for grep -q '^port [0-9]' "$said" || bail "the receiver did not start: $(cat "$said.err")"
	port=$(sed -n 's/^port //p' "$said")
}

# define: the world's definition with the notify section on standard input
define()
{
	cat - >notify.part
	cat >assize.yaml - notify.part <<-'YAML'
		assize: 1
		vars: { at: ok }
		targets: { shop: { sqlite: shop.db } }
		audits:
		  shop:
		    target: shop
		    owner: platform
		    severity: 7
		    checks:
		      - id: stock
		        title: "Something <!channel> & `more` @all"
		        sql: { query: "SELECT region, n FROM stock", value: n, labels: region }
		        expect: ">= 1"
		      - id: other
		        severity: 2
		        sql: { query: "SELECT n FROM other", value: n }
		        expect: ">= 1"
		gates:
		  release: { require: { audit: shop } }
		notify:
	YAML
}
# anew: an empty record, and all well
anew()
{
	rm -rf .assize shop.db
	sqlite3 shop.db "CREATE TABLE stock(region, n); CREATE TABLE other(n);
		INSERT INTO stock VALUES ('eu', 5), ('us', 5); INSERT INTO other VALUES (5)"
	"$ASSIZE" run -q >/dev/null 2>&1
	: >http.log
}
stock() { sqlite3 shop.db "UPDATE stock SET n = $2 WHERE region = '$1'"; }
other() { sqlite3 shop.db "UPDATE other SET n = $1"; }
# got FILTER [LOG]: one line a message
got() { jq -rc "$1" "${2:-http.log}"; }
record() { sqlite3 .assize/record.db "$1"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null || bail "no certificate"
receiver http "$TMP/http.log"
http=http://127.0.0.1:$port

# ---- one message a sink and run ----
define <<YAML
  hook: { webhook: "$http/\${env:HOOK}", headers: { Authorization: "Bearer \${env:TOKEN}" } }
  chat: { slack: "$http/chat", severity: 5 }
  grave: { webhook: "$http/grave", on: [failure, recovery, gate_shut], select: { severity: ">= 5" } }
  script: { command: [sh, -c, "cat >>script.out; echo >>script.out; echo \$TOKEN >token.out"], env: { TOKEN: "\${env:TOKEN}" } }
  pings: { ping: "$http/pings/" }
YAML
anew
stock eu 0 && other 0
exits "a run that tells has the status of its checks" 1 "$ASSIZE" run
like "and says whom it told" "$out" 'notified hook: 2 failures of run 2.*notified chat: 1 failure of run 2'
is "each sink gets one message" "$(got '[.method, .path] | join(" ")' | sort)" \
	"GET /pings/1
GET /pings/start
POST /chat
POST /grave
POST /$HOOK"
is "a ping goes before the checks and after" "$(got 'select(.path | startswith("/pings")) | .path')" "/pings/start
/pings/1"
is "the header with the secret is sent" "$(got "select(.path == \"/$HOOK\") | .headers.Authorization")" "Bearer $TOKEN"
got "select(.path == \"/$HOOK\") | .body" >hook.json
is "JSON says what it is, graver checks first" \
	"$(jq -r '.assize, .run, .total, (.transitions[] | [.kind, .check, .series, .value, .bound, .severity, .owner, .run, .file, .explain] | join("|"))' hook.json)" \
	'notify/1
2
2
failure|shop/stock|{region="eu"}|0|>= 1|7|platform|2|assize.yaml|assize explain 2 shop/stock
failure|shop/other||0|>= 1|2|platform|2|assize.yaml|assize explain 2 shop/other'
is "severity and select leave out the other" "$(got 'select(.path == "/grave") | .body | fromjson | .transitions[].check')" shop/stock
ok "Slack's message has no mention and no entity unescaped" test \
	"$(got 'select(.path == "/chat") | .body | fromjson | .blocks[1].text.text' | grep -c 'Something &lt;!channel&gt; &amp;')" = 1
is "a program reads the same JSON" "$(jq -r .transitions[0].check script.out)" shop/stock
is "and has the environment it was given" "$(cat token.out)" "$TOKEN"

: >http.log
exits "what stands is not told again" 1 "$ASSIZE" run
is "only the pings go" "$(got .path)" "/pings/start
/pings/1"
stock eu 5 && stock us 0 && other 5 && : >http.log
exits "another series fails while the first recovers" 1 "$ASSIZE" run
is "both are in one message" "$(got "select(.path == \"/$HOOK\") | .body | fromjson | .transitions[] | [.kind, .series, .check] | join(\" \")")" \
	'failure {region="us"} shop/stock
recovery {region="eu"} shop/stock
recovery  shop/other'
is "an end is told to whom the beginning was" "$(got 'select(.path == "/grave") | .body | fromjson | .transitions | length')" 2
stock us 5 && : >http.log
run "$ASSIZE" run -q
is "quiet says nothing while all is well" "$status $out$err" "0 "
is "and tells the recovery all the same" "$(got 'select(.path == "/chat") | .body | fromjson | .text' | head -1)" "assize: 1 recovery"
sqlite3 shop.db "ALTER TABLE other RENAME TO gone" && : >http.log
exits "a check that cannot be measured" 2 "$ASSIZE" run
is "is undecided, with its reason" "$(got "select(.path == \"/$HOOK\") | .body | fromjson | .transitions[] | .kind, .reason" | head -c 20)" "undecided
could not "
is "which a sink for failures is not told" "$(got 'select(.path == "/grave")')" ""
sqlite3 shop.db "ALTER TABLE gone RENAME TO other"

# ---- gates ----
anew
stock eu 0
exits "a gate that shuts" 1 "$ASSIZE" gate release -s v1
is "is told with what its run found, in one message" \
	"$(got "select(.path == \"/$HOOK\") | .body | fromjson | .transitions[] | [.kind, .gate // .check, .subject] | join(\" \")")" \
	"failure shop/stock 
gate_shut release v1"
: >http.log
exits "shut again" 1 "$ASSIZE" gate release -s v2
is "is no news, and a gate is no ping's business" "$(got .path)" ""
exits "somebody overrides it" 0 "$ASSIZE" override release -s v2 --reason "a customer waits" --by bob
: >http.log
exits "which opens it" 0 "$ASSIZE" gate release -s v2
like "as is told, with on whose word and against what" "$(got "select(.path == \"/$HOOK\") | .body | fromjson | .title, (.transitions[] | .kind, .outcome, .reason)" | tr '\n' '|')" \
	'^1 gate overridden\|gate_open\|fail\|overridden by bob until [0-9TZ:-]+: a customer waits; what shuts it: shop/stock.*: 0'
like "in a chat as well" "$(got 'select(.path == "/chat") | .body' | head -1)" 'gate overridden\*.*overridden by bob'
: >http.log
exits "again" 0 "$ASSIZE" gate release -s v2
is "is no news" "$(got .path)" ""
stock eu 5
exits "and open" 0 "$ASSIZE" gate release -s v3
like "is" "$(got "select(.path == \"/$HOOK\") | .body")" '"kind":"gate_open"'

# ---- secrets: each receiver says back what it was sent ----
# kept TEXT: where it is left, of what was said and recorded
kept()
{
	printf '%s\n' "$out" "$err" >said.out
	"$ASSIZE" status >status.out 2>&1
	"$ASSIZE" status --json >status.json 2>&1
	"$ASSIZE" report latest --format json >report.out 2>&1
	grep -lF -- "$1" .assize/record.db said.out status.out status.json report.out | tr '\n' ' '
}
export WHOLE=$http/echo/403/T0PQ/wh0le-url-is-secret%2Bits-end
define <<YAML
  part: { webhook: "$http/echo/404/\${env:HOOK}", headers: { Authorization: "Bearer \${env:TOKEN}" }, retries: 0 }
  whole: { webhook: "\${env:WHOLE}", retries: 0 }
  plain: { webhook: "$http/echo/400/pl4in-hook-in-the-file?key=k3y-in-the-file", retries: 0 }
  taken: { webhook: "$http/echo/200/x", retries: 0 }
  says: { command: [sh, -c, "echo no pager for \$TOKEN >&2; exit 7"], env: { TOKEN: "\${env:TOKEN}" }, retries: 0 }
YAML
anew
stock eu 0
exits "receivers that echo" 1 "$ASSIZE" run
like "what they say is shown, masked" "$err" '"part" of 1 failure of run 2: it answered with status 404: no hook \*\*\* \*\*\* \*\*\* '
like "so is what a program says" "$err" '"says".*: no pager for \*\*\*'
unlike "a long answer is no failure" "$err" '"taken"'
is "each was sent what it must not have back" "$(got '.path + " " + (.headers.Authorization // "")' | grep -cE "$HOOK Bearer $TOKEN|wh0le-url|pl4in-hook")" 3
for secret in "$HOOK" "$TOKEN" /T0PQ/ wh0le-url-is-secret its-end pl4in-hook-in-the-file k3y-in-the-file; do
	is "nothing keeps \"${secret:0:6}...\"" "$(kept "$secret")" ""
done
is "though all of them keep why" "$(kept 'it answered with status 404: no hook')" ".assize/record.db said.out status.out status.json "

# ---- receivers that refuse ----
free_port
nobody=$port
receiver http "$TMP/tls.log" --tls "$TMP/cert.pem" "$TMP/key.pem"
https=https://localhost:$port
define <<YAML
  refused: { webhook: "http://127.0.0.1:$nobody/$HOOK", retries: 0 }
  broken: { webhook: "$http/status/500/$HOOK", retries: 0 }
  wrong: { webhook: "$http/status/404/$HOOK", retries: 5 }
  hangs: { webhook: "$http/hang/$HOOK", retries: 0, timeout: 200ms }
  stranger: { webhook: "$https/$HOOK", retries: 0 }
  known: { webhook: "$https/known", retries: 0, ca_file: cert.pem }
  fails: { command: [sh, -c, "echo no pager >&2; exit 7"], retries: 0 }
  pings: { ping: "$http/status/503/pings", retries: 0 }
YAML
rm -f tls.log
anew
stock eu 0
exits "none of them changes the status" 1 "$ASSIZE" run
while read -r name why; do
	like "$name: $why" "$err" "could not notify \"$name\" of 1 failure of run 2: $why.* attempt"
done <<-'END'
	refused could not connect: Connection refused
	broken it answered with status 500: said by the receiver
	wrong it answered with status 404: said by the receiver \(1
	hangs timed out after
	stranger the server's certificate is not trusted
	fails it ended with status 7: no pager
END
like "a ping that fails is told as well" "$err" 'could not ping "pings"/1: it answered with status 503'
like "so is that of the beginning" "$err" 'could not ping "pings"/start: it answered with status 503'
is "a receiver known by its certificate is told" "$(got .path tls.log)" /known
is "neither a message nor the record holds the URL" "$(kept "$HOOK")" ""
is "nor where it leads to" "$(kept "127.0.0.1:$nobody")" ""
exits "status shows what nobody was told" 1 "$ASSIZE" status
like "with the reason" "$out" 'not notified.*refused +2 .* 1 +the next run tries again +could not connect: Connection refused'
like "and what was given up" "$out" 'pings .* given up .*it answered with status 503'
is "in JSON too" "$("$ASSIZE" status --json | jq -c '[.undelivered[] | select(.given_up | not) | .name] | sort')" \
	'["broken","fails","hangs","refused","stranger","wrong"]'

# ---- the next run tries again ----
sed -i "s|http://127.0.0.1:$nobody|$http|; s|/status/500||; s|/status/404||; s|/hang||; s|exit 7|exit 0|; s|/status/503||" assize.yaml
sed -i "s|stranger: .*|stranger: { webhook: \"$https/late\", ca_file: cert.pem }|" assize.yaml
: >http.log
exits "the next run" 1 "$ASSIZE" run
is "delivers what waited, once" "$(got "select(.path == \"/$HOOK\") | .body | fromjson | [.name, .run, .total] | join(\" \")" | sort)" \
	"broken 2 1
hangs 2 1
refused 2 1
wrong 2 1"
like "and says that it was late" "$out" 'notified refused: 1 failure of run 2, late'
is "nothing waits any more" "$(record 'SELECT count(*) FROM outbox') $(record 'SELECT count(*) FROM locks')" "0 0"
: >http.log
run "$ASSIZE" run
is "and nothing is told twice" "$status $(got '.method' | sort -u)" "1 GET"

# ---- too old ----
define <<YAML
  ops: { webhook: "http://127.0.0.1:$nobody/x", retries: 0 }
YAML
anew
stock eu 0
"$ASSIZE" run >/dev/null 2>&1
record "UPDATE notices SET at_ms = at_ms - 90000000"
exits "what is a day old" 1 "$ASSIZE" run
like "is tried a last time and given up, aloud" "$err" 'could not notify "ops".*it is too old and given up'
is "for good" "$(record 'SELECT is_delivered, attempts FROM notice_ends')" "0|2"

# ---- killed between recording and sending ----
define <<YAML
  ops: { webhook: "$http/\${at}", timeout: 20s }
YAML
anew
stock eu 0
"$ASSIZE" run --var at=hang/here >/dev/null 2>&1 &
victim=$!
wait_for grep -q hang http.log || bail "it never sent"
kill -9 $victim
wait $victim 2>/dev/null
is "a killed process leaves its message waiting" "$(record 'SELECT count(*) FROM outbox')" 1
before=$(got '[.headers["Idempotency-Key"], (.body | fromjson | .id)] | join(" ")')
like "which has an id" "$before" '^[0-9a-f]{32}/[0-9]+ [0-9a-f]{32}/[0-9]+$'
: >http.log
exits "the next run, with the receiver well again" 1 "$ASSIZE" run
is "sends it" "$(got '.body | fromjson | [.run, .total, .transitions[0].kind] | join(" ")')" "2 1 failure"
is "with the same id as before" "$(got '[.headers["Idempotency-Key"], (.body | fromjson | .id)] | join(" ")')" "$before"

# ---- in order ----
define <<YAML
  ops: { webhook: "$http/\${at}", timeout: 20s, retries: 0 }
YAML
anew
stock eu 0
for _ in 1 2; do # after the second time it waits longer
	"$ASSIZE" run --var at=status/500 >/dev/null 2>&1
done
is "a failure waits for its turn" "$(record "SELECT count(*) FROM outbox WHERE next_ms > (SELECT max(end_ms) FROM run_ends) + 30000")" 1
stock eu 5 && : >http.log
exits "the run that ends it" 0 "$ASSIZE" run -q --var at=status/500
is "while it does not arrive, its recovery is not sent" "$(got '.body | fromjson | .transitions[].kind')" failure
like "which is said, in one line" "$err" \
	'^assize: could not notify "ops" of 1 recovery of run 4: it waits behind 1 failure of run 2: it answered with status 500[^;]* \(3 attempts\); tried again in [^ ]+ (s|min)$'
: >http.log
exits "while both wait" 0 "$ASSIZE" run -q --var at=status/500
is "nothing is tried, however often one runs, nor said again" "$(cat http.log)$err" ""
record "UPDATE outbox SET next_ms = 1"
exits "nor is it" 0 "$ASSIZE" run -q --var at=status/500
is "when it waits behind one more attempt" "$(got '.body | fromjson | .transitions[].kind') $err" "failure "
like "status shows what it waits for" "$("$ASSIZE" status)" 'ops +4 .* 0 +tried again in .* +it waits behind an older message'
: >http.log
stock eu 0
exits "what is new is tried at once, and the receiver is well" 1 "$ASSIZE" run
is "they arrive in order" "$(got '.body | fromjson | .transitions[].kind' | tr '\n' ' ')" "failure recovery failure "
define <<YAML
  ops: { command: [sh, -c, "cat >>order.out; echo >>order.out; [ ! -p go.on ] || { touch at.work; read x <go.on; rm go.on; }"] }
YAML
anew
mkfifo go.on
stock eu 0
"$ASSIZE" run >/dev/null 2>&1 &
first=$!
wait_for test -e at.work || bail "nobody was told"
stock eu 5
exits "a run that ends while an older message is on its way" 0 "$ASSIZE" run
is "sends none before it" "$(jq -r '.transitions[].kind' order.out) $(record 'SELECT count(*) FROM outbox')" "failure 2"
echo >go.on
wait $first
is "and whoever is at it sends the newer one, too" "$(jq -r '.transitions[].kind' order.out | tr '\n' ' ')$(record 'SELECT count(*) FROM outbox')" \
	"failure recovery 0"

# ---- several runs at once ----
define <<YAML
  ops: { webhook: "$http/\${at}", timeout: 20s }
YAML
anew
stock eu 0 && "$ASSIZE" run >/dev/null 2>&1
stock us 0 && : >http.log
racers=()
for _ in 1 2 3 4; do
	"$ASSIZE" run >/dev/null 2>&1 &
	racers+=($!)
done
wait "${racers[@]}"
is "four runs that see the same tell it once" "$(got '.body | fromjson | .transitions[].series')" '{region="us"}'

# ---- a run that dies, and a schedule that was missed ----
sed -i 's|^gates:|  slow:\n    schedule: "0 0 1 1 *"\n    checks: [ { id: hangs, timeout: 60s, command: { run: [sh, -c, "touch begun; exec sleep 60"] } } ]\n&|' assize.yaml
: >http.log
"$ASSIZE" run slow >/dev/null 2>&1 &
victim=$!
wait_for test -e begun || bail "the slow check never began"
kill -9 $victim
wait $victim 2>/dev/null
died=$(record 'SELECT max(id) FROM runs')
exits "the run after one that was killed" 1 "$ASSIZE" run shop
is "tells that it has no end" "$(got '.body | fromjson | .transitions[] | [.kind, .run] | join(" ")')" "incomplete $died"
: >http.log
run "$ASSIZE" run shop
is "once" "$status $(got .path)" "1 "
sed -i 's|run: \[sh, -c, "touch begun; exec sleep 60"\]|run: ["true"]|' assize.yaml
exits "a scheduled check is measured" 0 "$ASSIZE" run slow
record "UPDATE states SET finished_ms = 1000000000 WHERE check_id = (SELECT id FROM checks WHERE name = 'slow/hangs'); DELETE FROM gaps"
run "$ASSIZE" run shop
like "what missed its moment is told by a run of others" "$(got .body)" '"kind":"overdue".*"check":"slow/hangs".*it was due .* and was last measured'
: >http.log
run "$ASSIZE" run shop
is "once, too" "$status $(got .path)" "1 "
run "$ASSIZE" run --due --quiet
is "the one crontab line stays silent" "$status $out$err" "0 "
is "and ends the gap" "$(got '.body | fromjson | .transitions[] | [.kind, .check] | join(" ")')" "recovery slow/hangs"
: >http.log
run "$ASSIZE" run --due --quiet
is "nothing due: nothing said, nothing told" "$status $out$err$(got .path)" "0 "

# One that was never measured, by who looks at the very moments at which it should have been.
sed -i 's|^gates:|  never:\n    schedule: "* * * * *"\n    checks: [ { id: made, sql: { query: "SELECT 1", value: "1" }, target: shop, expect: ">= 1" } ]\n&|' assize.yaml
gap="check_id = (SELECT id FROM checks WHERE name = 'never/made')"
"$ASSIZE" run shop >/dev/null 2>&1
is "a check that is new is late for nothing" "$(got .path)" ""
is "but from then on" "$(record "SELECT is_open FROM gaps WHERE $gap")" 0
record "UPDATE gaps SET due_ms = due_ms - 480000 WHERE $gap"
"$ASSIZE" run shop >/dev/null 2>&1
is "not ten minutes later" "$(got .path)" ""
record "UPDATE gaps SET due_ms = due_ms - 240000 WHERE $gap"
"$ASSIZE" run shop >/dev/null 2>&1
like "it is overdue ten minutes after the first moment without it" "$(got .body)" '"kind":"overdue".*"check":"never/made".*and was never measured'
: >http.log
"$ASSIZE" run shop >/dev/null 2>&1
is "once as well" "$(got .path)" ""
"$ASSIZE" run never >/dev/null 2>&1
is "until it is measured" "$(got '.body | fromjson | .transitions[] | [.kind, .check] | join(" ")')" "recovery never/made"

# ---- mail ----
receiver smtp "$TMP/plain.log"
plain=smtp://127.0.0.1:$port
receiver smtp "$TMP/mail.log" --starttls "$TMP/cert.pem" "$TMP/key.pem" --login audit "$SMTP_PASSWORD"
secure=smtp://localhost:$port
mail='from: assize@example.com, retries: 0'
define <<YAML
  here: { smtp: "$plain", $mail, to: [a@example.com, b@example.com] }
  there: { smtp: "$secure", $mail, to: ops@example.com, ca_file: cert.pem, user: audit, password: "\${env:SMTP_PASSWORD}" }
  login: { smtp: "$secure", $mail, to: ops@example.com, ca_file: cert.pem, user: audit, password: wrong-password }
  clear: { smtp: "$plain", $mail, to: ops@example.com, ca_file: cert.pem }
  nobody: { smtp: "$plain", $mail, to: nobody@example.com }
  content: { smtp: "$plain", $mail, to: spam@example.com }
  some: { smtp: "$plain", $mail, to: [c@example.com, nobody@example.com, d@example.com] }
YAML
anew
stock eu 0
exits "mail is sent" 1 "$ASSIZE" run
is "in the clear on this machine, by STARTTLS and with a login else" \
	"$(got 'select(.recipients[0] == "a@example.com") | [.sender, (.recipients | join("+")), .tls, .login] | map(tostring) | join(" ")' plain.log) $(got '[(.recipients | join("+")), .tls, .login] | map(tostring) | join(" ")' mail.log)" \
	"assize@example.com a@example.com+b@example.com false null ops@example.com true true"
like "a wrong password is told" "$err" '"login" of 1 failure of run 2: the server refused user or password'
unlike "without it" "$err$out" 'wrong-password'
like "a server without STARTTLS gets nothing" "$err" '"clear" of 1 failure of run 2: the server does not speak STARTTLS'
like "a recipient that is refused is told" "$err" '"nobody" of 1 failure of run 2: the mail was not taken: .*550'
like "so is a mail that is refused after its text" "$err" '"content" of 1 failure of run 2: the mail was not taken: 554 5\.7\.1 message content rejected'
is "one that is refused among others loses nothing for them" "$(got '.recipients | join("+")' plain.log | sort)" \
	$'a@example.com+b@example.com\nc@example.com+d@example.com'
like "and is told" "$err" 'notified "some" of 1 failure of run 2, but was refused for nobody@example.com \(550 no such mailbox\)'
is "and recorded" "$(record "SELECT why FROM notice_ends WHERE is_delivered AND why IS NOT NULL")" 'nobody@example.com (550 no such mailbox)'
is "no password is kept" "$(kept "$SMTP_PASSWORD")$(kept wrong-password)" ""
is "though why it was refused is" "$(kept 'the server refused user or password')" ".assize/record.db said.out status.out status.json "
grep -F a@example.com plain.log >first.log
/usr/bin/python3 - first.log >mail.out <<'PYTHON'
import email.policy, json, sys
m = email.message_from_string(json.loads(open(sys.argv[1]).readline())["body"], policy=email.policy.default)
print(m["Subject"], "|", m["To"], "|", m["Auto-Submitted"], "|", len(m.defects))
print(m.get_content())
PYTHON
is "another reader of mail finds no fault in its head" "$(head -1 mail.out)" \
	"[assize] 1 failure | a@example.com, b@example.com | auto-generated | 0"
like "and what there is to say in its body" "$(cat mail.out)" \
	'failure  shop/stock\{region="eu"\}.*value    0.*bound    >= 1.*owner    platform.*defined  assize.yaml:.*explain  assize explain 2 shop/stock'

# ---- Alertmanager ----
free_port
printf 'route: { receiver: none, group_wait: 1s }\nreceivers: [ { name: none } ]\n' >am.yml
prometheus-alertmanager --config.file=am.yml --storage.path=am.data --cluster.listen-address= \
	--web.listen-address=127.0.0.1:$port >am.log 2>&1 &
reap $!
am=http://127.0.0.1:$port
wait_for curl -sf "$am/-/ready" || bail "Alertmanager did not start: $(tail -3 am.log)"
alerts() { amtool --alertmanager.url="$am" alert query -o json "$@"; }
define <<YAML
  am: { alertmanager: "$am/" }
YAML
anew
sqlite3 shop.db "UPDATE stock SET region = '<b>&\"\\ ü' WHERE region = 'eu'; UPDATE stock SET n = 0; UPDATE other SET n = 0"
exits "Alertmanager is told" 1 "$ASSIZE" run
like "and takes it" "$out" 'notified am: 3 failures of run 2'
is "amtool shows the alerts, hostile names and all" \
	"$(alerts | jq -r '.[] | [.labels.alertname, .labels.check, .labels.series // "", .labels.severity, .status.state] | join("|")' | sort)" \
	"AssizeCheck|shop/other||2|active
AssizeCheck|shop/stock|{region=\"<b>&\\\"\\\\ ü\"}|7|active
AssizeCheck|shop/stock|{region=\"us\"}|7|active"
is "with value, bound and what to type" "$(alerts check=shop/other | jq -r '.[0].annotations | .summary, .explain')" \
	"failure: shop/other, 0, bound >= 1
assize explain 2 shop/other"
ok "for as long as nobody says that it is over" test "$(alerts check=shop/other | jq -r '.[0].endsAt[:4]')" -gt "$(date -u +%Y)"
other 5
"$ASSIZE" run >/dev/null
is "a recovery ends its alert and no other" "$(alerts | jq -r '.[].labels.check' | sort -u)" shop/stock

# ---- an end has the severity and the owner of its beginning, whatever they are by then ----
define <<YAML
  am: { alertmanager: "$am/" }
  grave: { webhook: "$http/grave", severity: 5, select: { tag: paged } }
YAML
sed -i 's/- id: .*/&\n        tags: [paged]/; s/severity: 2/severity: 7/; s/  release: .*/  release: { require: { audit: shop }, owner: platform }/' assize.yaml
here() { alerts record="$(record "SELECT lower(hex(origin)) FROM head" | head -c 12)" | jq -r '.[].labels | [.alertname, .owner, .severity] | join(" ")' | sort; }
anew
other 0
"$ASSIZE" gate release -s v1 >/dev/null
is "check and gate stand in Alertmanager" "$(here)" "AssizeCheck platform 7
AssizeGate platform 10"
sed -i 's/owner: platform/owner: traders/' assize.yaml
mv shop.db away.db
"$ASSIZE" run >/dev/null 2>&1
mv away.db shop.db
is "told once more under another owner, it is another alert" "$(here | grep -c 'AssizeCheck.* 7')" 3
sed -i 's/severity: 7/severity: 1/; /id: other/,/sql/s/paged/calm/; s/owner: traders/owner: nobody/' assize.yaml
other 5 && : >http.log
exits "it recovers with a severity, an owner and tags that are not those it failed with" 0 "$ASSIZE" gate release -s v2
is "and all of its alerts end, the gate's as well" "$(here)" ""
is "so does who was told of the failure hear of the end, though the check is not among his any more" \
	"$(got '.body | fromjson | .transitions[] | [.kind, .check // .gate, .severity, .owner] | join(" ")')" \
	"gate_open release 10 platform
recovery shop/other 7 traders
recovery shop/stock 7 traders"
sed -i 's/severity: 1/severity: 7/' assize.yaml
other 0 && "$ASSIZE" run >/dev/null 2>&1
other 5 && : >http.log && "$ASSIZE" run >/dev/null 2>&1
is "who was not told hears nothing" "$(cat http.log)" ""
sed -i 's/calm/paged/' assize.yaml
other 0 && "$ASSIZE" run >/dev/null 2>&1
is "another failure is told as it is by then" "$(got '.body | fromjson | .transitions[] | [.kind, .severity, .owner] | join(" ")')" "failure 7 nobody"

# ---- what no run will see the end of ----
define <<YAML
  am: { alertmanager: "$am/" }
  hook: { webhook: "$http/hook", on: [failure, gate_shut, gate_open, recovery], select: { audit: shop } }
YAML
anew
stock eu 0 && other 0
"$ASSIZE" gate release -s v1 >/dev/null
is "two checks and a gate stand" "$(here)" "AssizeCheck platform 2
AssizeCheck platform 7
AssizeGate  10"
unlike "of which the definition has all" "$("$ASSIZE" status)" 'told and gone'
sed -i 's/id: other/id: renamed/; s/^  release:/  deploy:/' assize.yaml
other 5
"$ASSIZE" run >/dev/null
is "no run ends what is in the definition no more" "$(here)" "AssizeCheck platform 2
AssizeCheck platform 7
AssizeGate  10"
run "$ASSIZE" status
like "status tells what stands, and how to end it" "$out" \
	'told and gone .*shop/other +failure .* 2 +assize notify --end shop/other.release +gate_shut .* assize notify --end release$'
is "in JSON as well" "$("$ASSIZE" status --json | jq -c '.gone | map([.name, .told])')" '[["shop/other","failure"],["release","gate_shut"]]'
exits "what the definition has is not ended by hand" 3 "$ASSIZE" notify --end shop/stock
like "but by passing" "$err" 'the definition has it.*help: it ends when it passes: assize run shop/stock'
: >http.log
exits "what it has no more is" 0 "$ASSIZE" notify --end shop/other
exits "a gate too" 0 "$ASSIZE" notify --end release
is "and no alert is left but that of a failure" "$(here)" "AssizeCheck platform 7"
is "who was told of it hears who ended it" \
	"$(got '.body | fromjson | .transitions[] | [.kind, .check // .gate, (.gate != null), .reason] | join(" ")')" \
	"recovery shop/other false ended by $(id -un): the definition has it no more
recovery release true ended by $(id -un): the definition has it no more"
unlike "nothing is left to tell" "$("$ASSIZE" status)" 'told and gone'
exits "or to end" 3 "$ASSIZE" notify --end release
like "as is said" "$err" 'nothing that was told of "release" stands'
sed -i 's/id: renamed/id: other/; s/^  deploy:/  release:/' assize.yaml
other 0
for _ in 1 2; do
	"$ASSIZE" gate release -s v2 >/dev/null
done
is "what comes back and does not pass is told anew, once" "$(here)" "AssizeCheck platform 2
AssizeCheck platform 7
AssizeGate  10"
exits "the ledger is whole" 0 "$ASSIZE" ledger verify

# ---- trying it out ----
define <<YAML
  hook: { webhook: "$http/test" }
  bad: { webhook: "$http/status/403/$HOOK", retries: 0 }
  pings: { ping: "$http/pings" }
  other: { ping: "$http/status/404/pings", retries: 0 }
YAML
: >http.log
exits "a test message arrives" 0 "$ASSIZE" notify hook
is "and says so" "$out $(got '.body | fromjson | .transitions[0].kind')" "delivered to hook (webhook) test"
exits "or not" 2 "$ASSIZE" notify bad
like "and why" "$err" 'could not notify "bad" \(webhook\): it answered with status 403'
: >http.log
exits "a ping is tried out" 0 "$ASSIZE" notify pings
is "as what no monitor takes for a run" "$(got .path)" /pings/log
exits "where that is unknown" 2 "$ASSIZE" notify other
like "it is said what was asked for" "$err" 'status 404.*help: a test asks for /log behind the URL'
# A name server that does not answer: the thread that asks it is not waited for.
cat >slow.c <<'C'
#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	(void)node, (void)service, (void)hints, (void)res;
	sleep(30);
	return EAI_AGAIN;
}
C
gcc -shared -fPIC -o slow.so slow.c || bail "no compiler"
define <<YAML
  lost: { webhook: "http://lost.example.com/x", retries: 0, timeout: 200ms }
  gone: { smtp: "smtp://lost.example.com:25", from: a@example.com, to: b@example.com, retries: 0, timeout: 200ms }
YAML
for name in lost gone; do
	run env LD_PRELOAD="$TMP/slow.so" ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
		timeout 10 "$ASSIZE" notify $name
	like "$name: a name that is never found holds nothing up" "$status $err" '^2 .*timed out after'
done
exits "nobody of that name" 3 "$ASSIZE" notify gon
like "is a usage error with a guess" "$err" 'did you mean gone'

done_testing
