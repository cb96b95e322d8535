#!/bin/bash
# challenge: what it prints, what it exits with, what it leaves behind, on the checks of real files, a
# real database and a real server. How each family is attacked is tested in tests/kinds.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/testd.sh"
cd "$TMP"
mkdir tmp
export TMPDIR=$TMP/tmp

head -c 5000 /dev/zero | tr '\0' x >blob
cat >assize.yaml <<'YAML'
assize: 1
audits:
  files:
    checks:
      - { id: loose, title: A file of some size, severity: 3, file: blob, expect: { size: ">= 1000" } }
      - { id: tight, severity: 9, file: blob, expect: { size: "== 5000" } }
      - { id: red, file: blob, expect: { size: ">= 9000" } }
YAML

# ---- for people ----

exits "a survivor exits 1" 1 "$ASSIZE" challenge files/loose
like "the check, its kind, where it is written, its score" "$out" \
	'^files/loose   file   assize.yaml:5:15   [0-9]+ of [0-9]+ attacks noticed'
like "a survivor in full: its class, what was done, in words" "$out" $'\n  tolerated     shrunk: 50 % of its bytes are gone'
like "what was measured before and after" "$out" $'\n    measured    size  4.88 KiB -> 2.44 KiB\n'
like "its bound" "$out" $'\n    bound       >= 1000 B\n'
like "why it survived" "$out" $'\n    why         it is still inside its bound\n'
like "what turns it red" "$out" $'\n    turns red   when 8[0-4][.0-9]* % of its bytes are gone'
like "what would notice it" "$out" $'\n    advice      expect: \{ size: ">= 3\\.7KiB" \}\n'
like "what is noticed is a list of names" "$out" $'\n  noticed: 2 failed: missing, empty'
like "so is what is harmless" "$out" $'\n  harmless, and steady: identity'
like "one line sums up" "$out" $'\n1 check: [0-9]+ of [0-9]+ attacks noticed   [0-9.]+ [a-z]+   exit 1$'
unlike "nothing is coloured that is no terminal's" "$out" $'\e'
unlike "and no line is rewritten" "$out" $'\r'

# The advice is taken, and serves.
advice=$(sed -n 's/^    advice  *//p' <<<"$out" | head -n 1)
sed "s/expect: { size: \">= 1000\" }/$advice/" assize.yaml >advised.yaml
exits "the advised bound can be read" 0 "$ASSIZE" check -f advised.yaml
exits "and passes" 0 "$ASSIZE" run -f advised.yaml files/loose -q
run "$ASSIZE" challenge -f advised.yaml files/loose
unlike "and notices the attack" "$out" 'tolerated +shrunk'

exits "where all is noticed it exits 0" 0 "$ASSIZE" challenge files/tight
like "and says so" "$out" '^files/tight   file   assize.yaml:6:15   ([0-9]+) of \1 attacks noticed'
is "with --quiet it says nothing" "$("$ASSIZE" challenge files/tight --quiet 2>&1)" ""
like "but tells what survives" "$("$ASSIZE" challenge -q files/loose files/tight)" '^files/loose .*exit 1$'
unlike "and nothing of the others" "$("$ASSIZE" challenge -q files/loose files/tight | grep -v ' % ')" 'files/tight'

exits "a check that does not pass is not challenged" 2 "$ASSIZE" challenge files/red
like "and says why" "$out" '^files/red   file   assize.yaml:7:15   unchallenged: it does not pass as it is: outside the bound'
like "and what to do" "$out" $'\n  help: assize run files/red\n'
like "which is counted" "$out" $'\n1 check: 0 of 0 attacks noticed, 1 check unchallenged   '

exits "a survivor is worse than what is unchallenged" 1 "$ASSIZE" challenge
like "several are ranked, the worst first" "$out" \
	$'\nscore +noticed +survived +severity +check\n +[0-9]+ % .* 3  files/loose\n *100 % .* 9  files/tight\n'
exits "a selection that matches nothing is a usage error" 3 "$ASSIZE" challenge files/lose
like "with a suggestion" "$err" 'files/loose'
exits "no report is written of it" 3 "$ASSIZE" challenge --report html=x.html
like "and there is no such option" "$err" 'no such option here: --report'

run env -u CI TERM=xterm script -qec "'$ASSIZE' challenge files/loose --color=auto" /dev/null
like "a terminal shows what is under way" "$out" $'0/1  files/loose  attack [0-9]+ of [0-9]+  [a-z-]+'
like "and colours what survives, which is a word as well" "$out" $'\e\\[1;31mtolerated\e\\[0m'
is "a pass is plain ink" "$(TERM=xterm script -qec "'$ASSIZE' challenge files/tight" /dev/null | tr -d '\r' | grep -c $'\e\\[[0-9;]*m')" 0
unlike "NO_COLOR is obeyed" "$(NO_COLOR=1 TERM=xterm script -qec "'$ASSIZE' challenge files/loose" /dev/null)" $'\e\\[1;31m'

# ---- how much is asked ----

exits "a share that is reached is enough" 0 "$ASSIZE" challenge files/loose --at-least 50%
exits "one that is not is not" 1 "$ASSIZE" challenge files/loose --at-least=99%
for share in 80 x% 101% -1% %; do
	exits "--at-least $share" 3 "$ASSIZE" challenge --at-least="$share"
	like "is explained" "$err" 'it is a share such as 80%'
done

# ---- for programs ----

exits "--json exits alike" 1 "$ASSIZE" challenge --json
is "one document" "$(jq -r '.assize, .exit, .is_survey, .at_least, .unchallenged, .definition.file' <<<"$out" | tr '\n' ' ')" \
	'challenge/1 1 false 1 1 assize.yaml '
is "checks in the order of the definition" "$(jq -r '.checks[].name' <<<"$out" | tr '\n' ' ')" \
	'files/loose files/tight files/red '
ok "scores are numbers, or null where nothing was executed" jq -e \
	'[.checks[].score] | .[0] > 0 and .[0] < 1 and .[1] == 1 and .[2] == null' <<<"$out"
ok "an attack has its class and outcome, and null where nothing is known" jq -e \
	'.checks[0].attacks[] | select(.name == "shrunk") | .class == "survived" and .outcome == "tolerated" and
	 .object == null and .series == "size" and .bound == ">= 1000 B" and .turns_red > 0.79 and
	 .turns_red < 0.85 and (.is_erratic | not)' <<<"$out"
ok "missing doses are null" jq -e '.checks[0].attacks[] | select(.name == "missing") | .turns_red == null and .advice == null' <<<"$out"
ok "controls are a class of their own" jq -e \
	'.checks[0].attacks[] | select(.name == "identity") | .class == "control" and .outcome == "steady"' <<<"$out"
ok "counts add up" jq -e '.attacks.counted == ([.checks[] | .noticed + .survived] | add) and
	.attacks.noticed == ([.checks[].attacks[] | select(.class == "noticed")] | length)' <<<"$out"
ok "what was not challenged says why" jq -e '.checks[2] | (.is_challenged | not) and (.reason | length > 0) and
	.attacks == []' <<<"$out"

# ---- looking at what would be done ----

mkdir dry && cp assize.yaml dry
ln -s "$TMP/blob" dry/blob
exits "--dry-run attacks nothing" 0 "$ASSIZE" challenge -f dry files/loose --dry-run
like "but says what it would do" "$out" '^files/loose .*[0-9]+ attacks would be made.*  attack +shrunk: 50 % of its bytes are gone.*1 check: [0-9]+ attacks would be made'
nok "it makes no record" test -e dry/.assize
ok "as JSON, too" jq -e '.is_survey and .checks[0].is_challenged and .attacks.uncounted ==
	([.checks[].attacks[] | select(.class != "planned")] | length) and
	([.checks[0].attacks[] | select(.class == "planned" and .outcome == null)] | length > 2)' \
	<<<"$("$ASSIZE" challenge -f dry files/loose --dry-run --json)"
exits "it needs a baseline that passes" 2 "$ASSIZE" challenge -f dry files/red --dry-run
like "what is to be run is run with the same definition" "$out" $'\n  help: assize run files/red -f dry\n'

# ---- no evidence ----

"$ASSIZE" challenge -f dry files/tight >/dev/null
exits "no run is recorded by a challenge" 2 "$ASSIZE" status -f dry
is "and nothing was measured" "$("$ASSIZE" status --json -f dry 2>/dev/null | jq -c '[.audits[].measured] | add')" 0

# ---- claims ----

cat >claims.yaml <<'YAML'
assize: 1
audits:
  files:
    checks:
      - { id: loose, file: blob, expect: { size: ">= 1000" }, claims: [missing, empty] }
      - { id: none, file: blob, expect: { size: ">= 1000" }, claims: [appeared] }
YAML
exits "what a check does not claim is not counted" 0 "$ASSIZE" challenge -f claims.yaml files/loose
like "but listed" "$out" $'2 of 2 attacks noticed.*\n  not counted: 1 out of claim: shrunk'
exits "a check that claims only what is no attack on it is unchallenged" 2 "$ASSIZE" challenge -f claims.yaml files/none
like "never whole" "$out" 'unchallenged: there was no attack on it that counts'
claim() # YAML of claims
{
	printf 'assize: 1\naudits:\n  files:\n    checks:\n      - { id: x, file: blob, claims: %s }\n' "$1" >claim.yaml
	run "$ASSIZE" check -f claim.yaml
}
claim '[shrunken]'
like "an unknown attack is refused" "$status $err" \
	'^3 claim.yaml:5:39: no attack on checks of kind "file" is called "shrunken"'
like "with a suggestion" "$err" 'did you mean "shrunk"'
claim '[xyzzyxyzzy]'
like "or where they are listed" "$err" 'help: assize kinds file lists them'
claim '[missing, identity]'
like "a harmless change cannot be claimed" "$status $err" '^3 claim.yaml:5:48: "identity" is a harmless change, which no check is to notice.*help: remove it'
printf 'assize: 1\naudits:\n  a:\n    checks:\n      - { id: x, recorded: { name: x, max_age: 7d }, expect: ">= 5", claims: [missing] }\n' >claim.yaml
run "$ASSIZE" check -f claim.yaml
like "nor anything by a kind that cannot be challenged" "$status $err" \
	'^3 claim.yaml:5:79: checks of kind "recorded" cannot be challenged.*help: remove it'
sed 's/, claims: .missing.//' claim.yaml >recorded.yaml
exits "such a kind is unchallenged" 2 "$ASSIZE" challenge -f recorded.yaml --record r.db
like "and says so" "$out" 'unchallenged: what checks of kind recorded look at cannot be damaged.*help: what a pass of it does not prove: assize kinds recorded'

# ---- what is listed ----

for kind in $("$ASSIZE" kinds --json | jq -r '.[] | select(.attacks != []) | .name'); do
	run "$ASSIZE" kinds "$kind"
	missing=
	for attack in $("$ASSIZE" kinds "$kind" --json | jq -r '.[].attacks[].name'); do
		grep -qE "^  $attack +[^ ]" <<<"$out" || missing+=" $attack"
	done
	is "kinds $kind lists its attacks" "$missing" ""
	like "harmless changes apart" "$out" $'attacks of assize challenge, as claims: names them.*\nharmless changes, which it must not notice\n  '
done
run "$ASSIZE" kinds recorded
unlike "a kind that cannot be challenged has none" "$out" 'attacks'

# ---- the manual's example ----

mkdir manual
awk -v dir=manual '
	/^\.\\" run: the / { name = $4; next }
	/^\.Bd -literal/ && name { is_inside = 1; next }
	/^\.Ed/ { is_inside = 0; name = "" }
	is_inside { gsub(/\\\(dq/, "\""); print >(dir "/" name) }' "$ROOT/runner/man/assize-challenge.7"
mv manual/definition manual/assize.yaml
sqlite3 manual/shop.db "CREATE TABLE orders(id INTEGER PRIMARY KEY);
	WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1200) INSERT INTO orders SELECT i FROM c"
timeless() { sed -E 's/   [0-9.]+ [a-z]+   exit/   TIME   exit/'; }
is "the manual shows what is printed" "$(cd manual && "$ASSIZE" challenge | timeless)" \
	"$(sed 1d manual/output | timeless)"

# ---- a table of many columns ----

mkdir many
sqlite3 many/shop.db "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h); INSERT INTO t(id, a) VALUES (1, 1), (2, 2)"
printf 'assize: 1\ntargets: { s: { sqlite: shop.db } }\naudits:\n  t: { target: s, checks: [ { id: x, missing: { table: t, columns: [a] } , expect: "== 0" } ] }\n' >many/assize.yaml
like "names are told together, what they have in common once" "$("$ASSIZE" challenge -f many)" \
	'8 out of reach: column-dropped\(t: id, b, c, d, e, f, 2 more\)'

# ---- what cannot be asked through a shadow ----

sed 's/missing: .*/sql: "SELECT max(rowid) FROM t", expect: "> 0" } ] }/' many/assize.yaml >many/rowid.yaml
exits "a check that cannot be asked as attacks ask it is unchallenged" 2 "$ASSIZE" challenge -f many/rowid.yaml
like "and says why" "$out" 'unchallenged: it cannot be asked as attacks ask it: .*the number of a row'

# ---- secrets ----

mkdir hidden && cp blob hidden/hunter22.bin && (cd hidden && sha256sum hunter22.bin >SHA256SUMS)
cat >secret.yaml <<'YAML'
assize: 1
audits:
  s:
    checks:
      - { id: x, file: "hidden/${env:HIDDEN}.bin", expect: { size: ">= 1000" } }
      - { id: names, digests: hidden/SHA256SUMS }
YAML
export HIDDEN=hunter22
run "$ASSIZE" challenge -f secret.yaml --record secret.db
like "a check whose words hold a secret is challenged" "$out" 'noticed: .*bit-flipped\(\*\*\*.bin'
unlike "which nobody sees" "$out$err$("$ASSIZE" challenge -f secret.yaml --record secret.db --json)" 'hunter22'
unlike "nor is it recorded" "$(tr -d '\0' <secret.db)" 'hunter22'

# ---- signals and what is left behind ----

is "nothing is left behind" "$(ls "$TMPDIR")" ""
testd
cat >hang.yaml <<YAML
assize: 1
targets: { web: { http: "http://127.0.0.1:$port" } }
audits:
  a:
    checks:
      - { id: file, file: blob, expect: { size: "== 5000" } }
      - { id: hangs, target: web, http: /mode/hang-before, timeout: 1h }
      - { id: last, file: blob }
YAML
is_at_work() { grep -q 'of [0-9]* attacks noticed' "$1" && [ -n "$(ls "$TMPDIR")" ]; }
for signal in TERM INT HUP; do
	"$ASSIZE" challenge -f hang.yaml --record "hang-$signal.db" >said 2>complained &
	pid=$!
	reap $pid
	wait_for is_at_work said || bail "the challenge does not begin"
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	is "$signal ends it, undecided" "$status" 2
	out=$(cat said)
	like "what was finished is told" "$out" '^a/file .*attacks noticed'
	like "what was not as well" "$out" $'\na/last   file   [^ ]*   unchallenged: the challenge was interrupted'
	like "and that it was interrupted" "$out" $'\n3 checks: .*, 2 checks unchallenged .*interrupted   exit 2$'
	is "its directory is removed" "$(ls "$TMPDIR")" ""
	is "$signal: what was finished is recorded" "$(sqlite3 "hang-$signal.db" 'SELECT count(*) FROM challenges')" 1
done

"$ASSIZE" challenge -f hang.yaml --record kill.db >said 2>&1 &
pid=$!
reap $pid
wait_for is_at_work said || bail "the challenge does not begin"
kill -KILL $pid
{ wait $pid; } 2>/dev/null
isnt "killed, it leaves its directory" "$(ls "$TMPDIR")" ""
"$ASSIZE" challenge files/tight >/dev/null
is "which the next one removes" "$(ls "$TMPDIR")" ""

done_testing
