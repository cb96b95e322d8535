#!/bin/bash
# attest: decisions as signed statements. npm's @sigstore/verify takes the bundles and refuses each
# alteration, and so does assize attest verify; openssl takes the signature by hand.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
export NODE_PATH=$BUILD/npm/node_modules
subject=sha256:$(printf %064d 7)

openssl genpkey -algorithm ed25519 -out key 2>/dev/null && openssl pkey -in key -pubout -out key.pub &&
	openssl genpkey -algorithm ed25519 -out other 2>/dev/null && openssl pkey -in other -pubout -out other.pub ||
	bail "openssl makes no key"
chmod 600 key other
sqlite3 shop.db "CREATE TABLE t(id INTEGER); INSERT INTO t VALUES (1), (2)"
cat >assize.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
      - { id: two, rows: { table: t }, expect: "== 2" }
      - { id: three, rows: { table: t }, expect: "== 3" }
      - { id: near, rows: { table: t }, expect: "< 5", warn: "< 2" }
      - { id: none, rows: { table: missing }, expect: "== 0" }
      - { id: by, sql: { query: "SELECT '</script>{\"x\":1}' AS n, 1 AS v", labels: [n] }, expect: "== 1" }
gates:
  good: { require: [ { check: a/two }, { check: a/by } ] }
  warned: { require: [ { check: a/two }, { check: a/near } ] }
  advised: { require: { check: a/two }, advise: { check: a/three } }
  bad: { require: [ { check: a/two }, { check: a/three } ] }
  undecided: { require: [ { check: a/two }, { check: a/none } ] }
  never: { require: { check: a/two }, run: never }
YAML

attest() # GATE [OPTION...]
{
	run "$ASSIZE" gate "$1" --subject "app@$subject" --sign-key key --attest "test-result=$1.t.json" --attest "vsa=$1.v.json" \
		--attest "test-result-dsse=$1.dsse.json" "${@:2}"
}
gates=(never good warned advised bad undecided)
for gate in "${gates[@]}"; do
	attest $gate
	told+="$gate $status;"
done
is "the gates say what they say without" "$told" 'never 2;good 0;warned 0;advised 0;bad 1;undecided 2;'

# ---- what is said ----

statement() { jq -r '.dsseEnvelope.payload' "$1" | base64 -d; }
is "a test result names each requirement" "$(statement bad.t.json | jq -c '[.predicate.result, .predicate.passedTests, .predicate.warnedTests, .predicate.failedTests]')" \
	'["FAILED",["a/two"],[],["a/three"]]'
is "what is undecided has failed" "$(statement undecided.t.json | jq -c '[.predicate.result, .predicate.failedTests]')" '["FAILED",["a/none"]]'
is "a warning is none the less" "$(statement warned.t.json | jq -c '[.predicate.result, .predicate.passedTests, .predicate.warnedTests]')" \
	'["WARNED",["a/two"],["a/near"]]'
is "advice that is not followed is a warning" "$(statement advised.t.json | jq -c '[.predicate.result, .predicate.warnedTests]')" \
	'["WARNED",["a/three"]]'
is "nothing measured is no pass" "$(statement never.t.json | jq -c '[.predicate.result, .predicate.passedTests, .predicate.failedTests]')" '["FAILED",[],["a/two"]]'
is "labels stay whole" "$(statement good.t.json | jq -c '.predicate.passedTests[1]')" '"a/by{n=\"</script>{\\\"x\\\":1}\"}"'
is "the subject has its name and digest" "$(statement good.t.json | jq -c .subject)" "[{\"name\":\"app\",\"digest\":{\"sha256\":\"${subject#sha256:}\"}}]"
bare=${subject#sha256:}
for words in "$bare sha256:$bare" "$subject sha256:$bare" "app@$bare sha256:$bare" "$(printf %040d 7) gitCommit:$(printf %040d 7)"; do
	run "$ASSIZE" gate good --subject "${words% *}" --sign-key key --attest "vsa-dsse=digest.json"
	is "a subject of digits alone is a digest: ${words% *}" \
		"$status $(jq -r .payload digest.json | base64 -d | jq -r '.subject[0].digest | to_entries[0] | "\(.key):\(.value)"')" "0 ${words#* }"
done
exits "but not of any number" 3 "$ASSIZE" gate good --subject "${bare:1}" --sign-key key --attest vsa-dsse=digest.json
policy=$("$ASSIZE" check --json | jq -r .policy_sha256)
is "the configuration is the policy, by the digest one pins" "$(statement good.t.json | jq -c '.predicate.configuration[0] | [.name, .digest.sha256, .annotations.gate]')" \
	"[\"assize.yaml\",\"$policy\",\"good\"]"
is "a summary says whether the policy was met" "$(for g in "${gates[@]}"; do statement $g.v.json | jq -c '[.predicate.verificationResult, .predicate.verifiedLevels[0]]'; done | tr '\n' ' ')" \
	'["FAILED","FAILED"] ["PASSED","ASSIZE_GATE_good"] ["PASSED","ASSIZE_GATE_warned"] ["PASSED","ASSIZE_GATE_advised"] ["FAILED","FAILED"] ["FAILED","FAILED"] '
is "and by what" "$(statement good.v.json | jq -c '.predicate | [.slsaVersion, .resourceUri, .policy.digest.sha256, (.timeVerified | test("^20.*Z$")), (.verifier.id | test("^urn:assize:host:"))]')" \
	"[\"1.0\",\"urn:assize:subject:app\",\"$policy\",true,true]"

# ---- what others say of it ----

told()
{
	node "$ROOT/tests/npm/sigstore.js" key.pub "$@" 2>&1
}
is "@sigstore/verify takes them all" "$(told ./*.[tv].json)" "$(for g in advised bad good never undecided warned; do
	case $g in good) t=PASSED v=PASSED ;; warned | advised) t=WARNED v=PASSED ;; *) t=FAILED v=FAILED ;; esac
	echo "$g.t.json verified https://in-toto.io/attestation/test-result/v0.1 $t $subject"
	echo "$g.v.json verified https://slsa.dev/verification_summary/v1 $v $subject"
done)"
jq -r .payload good.dsse.json | base64 -d >payload
{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <payload)"; cat payload; } >pae
jq -r '.signatures[0].sig' good.dsse.json | base64 -d >sig
ok "openssl takes the signature of a bare envelope" openssl pkeyutl -verify -pubin -inkey key.pub -rawin -in pae -sigfile sig
is "the key is hinted at by its digest" "$(jq -r '.signatures[0].keyid' good.dsse.json)" \
	"$(openssl pkey -pubin -in key.pub -outform DER | sha256sum | cut -d ' ' -f 1)"

# ---- alterations ----

verify() { run "$ASSIZE" attest verify "$@"; }
verify good.t.json good.v.json good.dsse.json --key key.pub --subject "$subject"
is "assize attest verify takes them" "$status" 0
like "and says what they say" "$out" 'good.v.json: gate good is OPEN for sha256:0+7, 20[-0-9T:.]+Z'
for g in bad undecided never; do
	verify $g.v.json --key key.pub
	is "a shut gate is disproved: $g" "$status" 1
done
url() { tr '+/' '-_' | tr -d '='; }
jq -c ".dsseEnvelope.payload = \"$(statement good.t.json | base64 -w0 | url)\" | .dsseEnvelope.signatures[0].sig = \"$(jq -r '.dsseEnvelope.signatures[0].sig' good.t.json | url)\"" \
	good.t.json >url.json
verify url.json --key key.pub
is "base64url is taken" "$status" 0
like "by the other as well" "$(told url.json)" '^url.json verified '

altered() # NAME WORDS-OF-SIGSTORE WORDS-OF-OURS FILTER
{
	jq -c "$4" good.v.json >"$1.json" || bail "jq: $1"
	like "$1: refused by @sigstore/verify" "$(told "$1.json")" "^$1.json refused .*$2"
	verify "$1.json" --key key.pub
	is "$1: undecided" "$status" 2
	like "$1: told" "$err" "$3"
}
shut=$(jq .dsseEnvelope.payload bad.v.json)
opened=$(statement bad.v.json | sed 's/FAILED/PASSED/g' | base64 -w0)
altered payload 'signature verification failed' 'not of this key over this statement' ".dsseEnvelope.payload = $shut"
altered verdict 'signature verification failed' 'not of this key over this statement' ".dsseEnvelope.payload = \"$opened\""
altered type 'signature verification failed|payload of type' 'payload is of another type' '.dsseEnvelope.payloadType = "application/json"'
altered second 'exactly one|signatures' 'one signature, but none or several' '.dsseEnvelope.signatures += .dsseEnvelope.signatures'
altered unsigned 'exactly one|signatures' 'one signature, but none or several' '.dsseEnvelope.signatures = []'
altered signature 'signature verification failed' 'not of this key' ".dsseEnvelope.signatures[0].sig = $(jq .dsseEnvelope.signatures[0].sig bad.v.json)"
altered short 'signature verification failed' 'not of this key' '.dsseEnvelope.signatures[0].sig = "AAAA"'
altered version 'media type|version|mediaType' 'bundle of another version' '.mediaType = "application/vnd.dev.sigstore.bundle+json;version=9.9"'
run node "$ROOT/tests/npm/sigstore.js" other.pub good.v.json
like "another key: refused by @sigstore/verify" "$out" 'refused'
jq -c ".verificationMaterial.publicKey.hint = \"$(openssl pkey -pubin -in other.pub -outform DER | sha256sum | cut -d ' ' -f 1)\"" good.v.json >hint.json
run node "$ROOT/tests/npm/sigstore.js" other.pub hint.json
like "another key that is hinted at: refused as well" "$out" 'refused signature verification failed'
for file in good.v.json hint.json; do
	verify $file --key other.pub
	is "another key: undecided, $file" "$status" 2
	like "another key: told, $file" "$err" 'not of this key'
done
verify good.v.json --key key.pub --subject "sha256:$(printf %064d 8)"
is "another subject: undecided" "$status" 2
like "another subject: told" "$err" 'it is about sha256:0+7, not about'
for file in good.v.json good.t.json good.dsse.json; do
	verify $file --key key.pub --subject "$subject" --gate good --policy-sha256 "$(tr a-f A-F <<<"$policy")"
	is "the gate and the policy that were meant: $file" "$status" 0
	verify $file --key key.pub --gate bad
	is "another gate: undecided, $file" "$status" 2
	like "another gate: told, $file" "$err" 'it is of gate "good", not of "bad"'
	verify $file --key key.pub --policy-sha256 "${subject#sha256:}"
	is "another policy: undecided, $file" "$status" 2
	like "another policy: told, $file" "$err" "it was decided by policy $policy, not by 0+7"
done
verify good.v.json --key key.pub --policy-sha256 "${policy:1}"
is "a digest that is none: a usage error" "$status" 3
like "told" "$err" 'it is 64 hexadecimal digits'
verify good.v.json --key key.pub --gate good --gate bad
is "two gates: a usage error" "$status" 3
cat key key.pub >both
for file in key both; do
	verify good.v.json --key $file
	is "a private key is not for who verifies: $file" "$status" 3
	like "told: $file" "$err" 'it is a private key.*openssl pkey -in KEY -pubout'
done
printf '{"a":1' >torn.json
verify torn.json --key key.pub
is "a torn file: undecided" "$status" 2
verify gone.json --key key.pub
is "a file that is not there: undecided" "$status" 2
verify bad.v.json good.v.json gone.json --key key.pub
is "one that is disproved weighs more than one that is undecided" "$status" 1
verify good.v.json
is "no key: a usage error" "$status" 3

# ---- an override ----

"$ASSIZE" override bad --subject "app@$subject" --until 1h --by jane --reason 'the shop is down' --ticket T-1 >/dev/null 2>&1 ||
	"$ASSIZE" override bad --subject "app@$subject" --until 1h --by jane --reason 'the shop is down' >/dev/null || bail "no override"
attest bad
is "an override opens" "$status" 0
is "the requirement has failed as before" "$(statement bad.t.json | jq -c '[.predicate.result, .predicate.failedTests]')" '["FAILED",["a/three"]]'
is "in a summary the policy was not met" "$(statement bad.v.json | jq -r .predicate.verificationResult)" FAILED
verify bad.t.json bad.v.json --key key.pub
is "both are of a gate that did not pass" "$status $(grep -c 'gate bad is SHUT' <<<"$out")" "1 2"

# ---- before anything runs ----

refused() # CLAIM WORDS OPTION...
{
	rm -f out.json .assize/record.db
	run timeout 20 "$ASSIZE" gate good "${@:3}"
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$2"
	nok "$1: nothing was recorded" test -e .assize/record.db
}
refused "a tag is no digest" 'cannot attest to "v1": it is no digest.*git rev-parse HEAD' --subject v1 --sign-key key --attest vsa=out.json
refused "any is none either" 'it is no digest' --subject any --sign-key key --attest vsa=out.json
refused "an unknown format" 'formats are test-result, vsa' --subject "$subject" --sign-key key --attest slsa=out.json
refused "no key" 'needs --sign-key FILE' --subject "$subject" --attest vsa=out.json
refused "a key that is not there" 'could not open ".*gone": No such file' --subject "$subject" --sign-key gone --attest vsa=out.json
mkfifo pipe
refused "a pipe for a key" 'could not open ".*pipe": a named pipe, not a file' --subject "$subject" --sign-key pipe --attest vsa=out.json
mkdir -p .assize && cp key .assize/ledger.key
attest good --quiet
jq -r '.dsseEnvelope.signatures[0].keyid' good.v.json >with
run "$ASSIZE" gate good --subject "$subject" --attest vsa=ledger.json
is "the ledger's key signs when no other is named" "$status $(jq -r '.dsseEnvelope.signatures[0].keyid' ledger.json)" "0 $(cat with)"
rm .assize/ledger.key
refused "a secret that is not set" 'variable NO_KEY of --sign-key is not set' --subject "$subject" --sign-key env:NO_KEY --attest vsa=out.json
commit=$(printf %040d 9)
SIGN=$(cat key) run "$ASSIZE" gate good --subject "$commit" --sign-key env:SIGN --attest vsa=commit.json
is "a key from the environment, about a commit" "$status $(statement commit.json | jq -c '.subject[0].digest')" "0 {\"gitCommit\":\"$commit\"}"
# a program of the branch under test runs as the same user, who may read what that user's processes show
mkdir thief && cat >thief/assize.yaml <<YAML
assize: 1
audits: { a: { checks: [ { id: look, command: { run: [/bin/sh, -c, "grep -lsa SIGN_$$= /proc/[0-9]*/environ >$TMP/seen; exit 0"] } } ] } }
gates: { g: { require: { audit: a } } }
YAML
theft() # CLAIM WANT OPTION...: how many processes show the key
{
	rm -rf thief/.assize
	run env "SIGN_$$=$(cat key)" setpriv --bounding-set=-all "$ASSIZE" gate g -f thief --subject "$commit" "${@:3}"
	is "$1: exit status" "$status" 0
	is "$1: seen" "$(wc -l <"$TMP/seen")" "$2"
}
[ "$(id -u)" -ne 0 ] && setpriv() { "${@:2}"; }
theft 'a variable that is no key is seen, in one process' 1
theft 'the key of attestations is not' 0 --sign-key "env:SIGN_$$" --attest vsa=thief.json
printf 'ledger: { key_pem: "${env:SIGN_%s}" }\n' $$ >>thief/assize.yaml
theft "nor is a ledger's" 0
run "$ASSIZE" gate good --subject "$commit" --sign-key key --attest vsa=no/such/place.json
is "a statement that cannot be written fails the command" "$status" 2
like "and is told" "$err" 'attest "vsa=no/such/place.json": could not write'
done_testing
