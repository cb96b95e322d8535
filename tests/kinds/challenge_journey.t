#!/bin/bash
# challenge of kind journey against a shop with a login: each step's answer is damaged once, what follows is told as
# it would be, and only the one order of the real journey is ever placed.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
. "$(dirname "$0")/../lib/attacks.sh"
cd "$TMP"
mkdir www
printf '{"stock": 40, "note": "ok"}\n' >www/stock.json
export PASSWORD='love lace&' OTHER=love-letter-4711
{
	printf 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n'
	printf '{"token": "tok-tok-swordfish", "n": 1, "more": "and nothing"}'
} >www/given.http
{
	printf 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n'
	printf '{"to you": "tok-tok-swordfish", "also": 1, "y": 2}'
} >www/quoted.http
testd --dir "$TMP/www"
shop=http://127.0.0.1:$port
login='{ id: login, path: /session/login, form: { user: ada, password: "${env:PASSWORD}" }, capture: { token: { from: /token, secret: true }, user: /user/id } }'
form='{ id: form, path: /session/form, matches: "name=.csrf.", capture: { csrf: "/value=.(csrf-[0-9]+)./" } }'
place='{ id: place, path: /session/orders, status: 201, headers: { X-CSRF-Token: "{csrf}" }, json: { sku: A-1, customer: "{user}", token: "{token}" }, capture: { order: /id, at: "header:Location" } }'
see='{ id: see, path: "{+at}", capture: { state: /state, sum: /sum } }'
cancel='{ id: cancel, method: DELETE, path: "/session/orders/{order}", status: 204 }'
cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { http: "$shop" }
audits:
  j:
    target: shop
    defaults: { timeout: 20s }
    checks:
      - id: order
        journey: { steps: [$login, $form, $place, $see], cleanup: $cancel }
        expect: { state: '== "open"', sum: "< 100" }
      - { id: quick, timeout: 60s, journey: { steps: [{ id: stock, path: /stock.json, capture: { stock: /stock } }] }, expect: { total: "< 30 s", stock: ">= 10" } }
      - { id: alone, journey: { steps: [{ id: home, path: /stock.json }] } }
      - { id: secret, journey: { steps: [{ id: given, path: /given, capture: { token: { from: /token, secret: true } } }, { id: quoted, path: /quoted, capture: { y: /y } }] }, expect: { y: "== 2" } }
      - { id: used, journey: { steps: [$login, { id: profile, path: "/echo?{user}" }] }, expect: { user: "> 5" } }
      - { id: call, journey: { steps: [{ id: head, path: /session/rpc, rpc: { method: eth_blockNumber }, capture: { block: { from: /result, hex: true } } }] }, expect: { block: "> 1000000" } }
      - { id: broken, journey: { steps: [{ id: home, path: /nothing }] } }
YAML
count()
{
	curl --silent "$shop/session/count"
}
run "$ASSIZE" run --record first.db j/order
is "the journey passes as it is" "$status" 0
curl --silent --output one.json -H 'Cookie: sid=c00k1e-of-ada' -H 'X-CSRF-Token: csrf-4711' -X POST "$shop/session/orders"
run "$ASSIZE" challenge
said=$out$err
curl --silent --output two.json -H 'Cookie: sid=c00k1e-of-ada' -H 'X-CSRF-Token: csrf-4711' -X POST "$shop/session/orders"
id() { tr -dc 0-9 <"$1"; }
is "one order was placed between these two" "$(($(id two.json) - $(id one.json)))" 2
like "and is cancelled again" "$(count)" '"orders": 2'

# said_of CHECK CLAIM, the expected table on stdin
said_of()
{
	is "$2" "$(attacks "$1")" "$(cat)"
}
said_of j/order "each step, by itself" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500 login
no value status-204 login
failed login-redirect login
no value login-page login
no value body-empty login
guarded body-cut login
no value removed login /token
no value nulled login /token
no value removed login /user/id
no value nulled login /user/id
failed status-500 form
failed status-204 form
failed login-redirect form
failed login-page form
failed body-empty form
guarded body-cut form
no value removed form /value=.(csrf-[0-9]+)./
failed status-500 place
failed status-204 place
failed login-redirect place
failed login-page place
no value body-empty place
guarded body-cut place
no value removed place /id
no value nulled place /id
no value header-lost place header:Location
failed status-500 see
no value status-204 see
failed login-redirect see
no value login-page see
no value body-empty see
guarded body-cut see
no value removed see /state
no value nulled see /state
failed emptied see /state
failed unknown see /state
no value removed see /sum
no value nulled see /sum
wrong way zeroed see /sum
tolerated doubled see /sum
failed ten-times see /sum
wrong way tenth see /sum
wrong way negated see /sum
no value as-text see /sum
failed status-500 cancel
T
ok "42.5 reach 100" between 1.352 "$(turns_red j/order doubled)" 1.42
said_of j/quick "a time and a number" <<'T'
steady identity
steady header-added
failed status-500 stock
no value status-204 stock
failed login-redirect stock
no value login-page stock
no value body-empty stock
guarded body-cut stock
failed later stock
no value removed stock /stock
no value nulled stock /stock
failed zeroed stock /stock
wrong way doubled stock /stock
wrong way ten-times stock /stock
failed tenth stock /stock
failed negated stock /stock
no value as-text stock /stock
T
ok "30 s are too long" between 27 "$(turns_red j/quick later)" 31.5
ok "40 fall below 10" between 2.8 "$(turns_red j/quick tenth)" 3.36
said_of j/alone "a step that looks at nothing is not asked to" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500 home
failed login-redirect home
T
said_of j/call "a call of JSON-RPC" <<'T'
steady identity
steady header-added
steady twice-as-long
failed status-500 head
no value status-204 head
failed login-redirect head
no value login-page head
no value body-empty head
guarded body-cut head
no value rpc-error head
no value removed head /result
no value nulled head /result
failed zeroed head /result
wrong way doubled head /result
wrong way ten-times head /result
failed tenth head /result
T
# 1234567 falls to 1000000.
ok "a block of 1234567 falls to a million" between 0.2345 "$(turns_red j/call tenth)" 0.2463
like "what asks for something else then has an unknown answer" "$(attacks j/used)" 'inconclusive doubled login /user/id'
like "what does not ask at all is noticed" "$(attacks j/used)" 'no value removed login /user/id'
like "what does not pass is not challenged" "$(unchallenged j/broken)" 'it does not pass as it is'

is "all attacks are those that the kind lists" "$(unlisted journey 'j/%')" ''

# ---- secrets ----
like "a page that quotes a captured secret was cut" "$(attacks j/secret)" 'body-cut quoted'
unlike "no secret is shown" "$said" 'love lace|tok-tok|c00k1e'
unlike "and none is recorded" "$(strings -n 4 .assize/record.db*)" 'love lace|tok-tok|c00k1e'
done_testing
