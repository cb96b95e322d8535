#!/bin/bash
# The rules of a gate about people and calendars: what they let through, what they shut, and what is said.
# Anchors are the holes of other tools that must not be holes here.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
sqlite3 shop.db 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL); INSERT INTO orders VALUES (1, 2.5)'

# define EXTRA-OF-GATE: a gate over one check that passes and one that fails, and one that cannot be waived
define()
{
	cat >assize.yaml <<-EOF
		assize: 1
		include: [waivers*.yaml]
		targets: { shop: { sqlite: shop.db } }
		audits:
		  orders:
		    target: shop
		    checks:
		      - { id: some, rows: { table: orders }, expect: ">= 1" }
		      - { id: many, rows: { table: orders }, expect: ">= 1000" }
		  keys:
		    target: shop
		    checks:
		      - { id: unique, hard: absolute, sql: "SELECT \${broken}", expect: "== 0" }
		      - { id: sound, sql: "SELECT 0", expect: "== 0" }
		vars: { broken: "0" }
		gates:
		  release: { require: { audit: orders }, $1 }
		  strict: { require: { check: "*" } }
	EOF
}
time_at() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }
# waiver NAME=VALUE...: the file of waivers, a good one but for these keys; NAME= leaves a key out
waiver()
{
	local -A key=([id]=W-1 [check]=orders/many [gates]='[release]' [owner]=platform [reason]='late import'
		[ticket]=OPS-417 [granted]="$(time_at '2 days ago')" [expires]="$(time_at '2 days')")
	local pair name
	for pair in "$@"; do key[${pair%%=*}]=${pair#*=}; done
	echo 'waivers:'
	printf '  - what: 1\n' | sed 's/what: 1//' | tr -d '\n'
	for name in id check series gates owner reason ticket granted expires; do
		[ -z "${key[$name]:-}" ] || printf '%s: %s\n    ' "$name" "${key[$name]}"
	done
	echo
}
# decision: the last line of the log of assize gate
decision() { tail -n 1 <<<"$out" | sed 's/^[^ ]* //; s/ id=[0-9]*//'; }

waiver 'gates=[strict]' >waivers.yaml
define 'max_age: 1h'
exits 'a failure shuts the gate' 1 "$ASSIZE" gate release --subject v1
is 'and is said' "$(decision)" 'gate=release subject=v1 decision=SHUT outcome=fail met=1 unmet=1 exit=1'

# ---- waivers
waiver >waivers.yaml
exits 'a waiver lets the failure through' 0 "$ASSIZE" gate release --subject v1
is 'the gate is open, and not passed' "$(decision)" \
	'gate=release subject=v1 decision=OPEN outcome=waived met=1 unmet=0 waived=1 exit=0'
like 'the failure keeps its words, beside who waived it' "$out" \
	'require waived orders/many 1 row, bound >= 1000 rows; waived by W-1 until [-0-9T:]+Z, owner platform, ticket OPS-417: late import'
run "$ASSIZE" gate release --subject v1 --json --report junit=junit.xml --report html=page.html
is 'JSON: waived, and what it is' "$(jq -r '.decisions[-1] | "\(.decision) \(.outcome) \(.waived)", (.lines[0] |
	"\(.check) \(.outcome) \(.measured_outcome) \(.waiver.id) \(.waiver.owner) \(.waiver.ticket)")' <<<"$out")" \
	'open waived 1
orders/many waived fail W-1 platform OPS-417'
is 'JUnit: skipped, with who waived it' \
	"$(xmllint --xpath 'string(//testcase[@classname="orders/many"]/skipped/@message)' junit.xml | sed 's/until [^ ,]*/until T/')" \
	'waived by W-1 until T, owner platform, ticket OPS-417: late import; fail: measured 1 row, bound >= 1000 rows (assize.yaml:9:54)'
is 'JUnit: counted as skipped' "$(xmllint --xpath 'string(//testsuite[@name="orders"]/@skipped)' junit.xml) \
$(xmllint --xpath 'string(//testsuite[@name="orders"]/@failures)' junit.xml)" '1 0'
ok 'JUnit: the last word of the gate' grep -q '<system-out>open, 1 waived</system-out>' junit.xml
ok 'the page: waived' grep -q 'waived by W-1 until' page.html
ok 'the page says how many in its first sentence' grep -qE 'lets v1 through\. 1.requirement is waived\.' page.html
run "$ASSIZE" status
like 'status: when it ends' "$out" 'W-1 +orders/many +release +in force +in (1\.9|2) d +platform, OPS-417'
is 'status --json: the same' "$("$ASSIZE" status --json | jq -r '.waivers[0] | "\(.id) \(.check) \(.state)"')" \
	'W-1 orders/many in force'
waiver 'series="*"' >waivers.yaml
like 'status: of a series that is not there nothing is in force' "$("$ASSIZE" status)" 'W-1 +orders/many \* +release +no such series +in '
is 'status --json: the same' "$("$ASSIZE" status --json | jq -r '.waivers[0].state')" 'no such series'
waiver >waivers.yaml
run "$ASSIZE" explain 1 orders/many
like 'explain: where it was let through' "$out" 'let through at gate release for v1 \(decision [0-9]+\), waived by W-1'

waiver expires="$(time_at '3 days ago')" granted="$(time_at '5 days ago')" >waivers.yaml
exits 'an expired waiver counts no more' 1 "$ASSIZE" gate release --subject v1
like 'and that is said' "$out" 'FAIL orders/many 1 row, bound >= 1000 rows; waiver W-1 expired 3 d( [0-9]+ (h|min))? ago'
waiver granted="$(time_at '49 hours')" expires="$(time_at '5 days')" >waivers.yaml
exits 'one granted in the future does not count yet' 1 "$ASSIZE" gate release --subject v1
like 'and that is said' "$out" 'waiver W-1 does not count yet: granted 2 d( [0-9]+ (h|min))? in the future'
waiver check=orders/some >waivers.yaml
exits 'one of another check does not count for this' 1 "$ASSIZE" gate release --subject v1
like 'and is told as advice' "$out" 'advise warn orders/some waiver W-1 is not needed: nothing it names fails'
waiver 'gates=[strict]' >waivers.yaml
exits 'one of another gate does not count at this' 1 "$ASSIZE" gate release --subject v1
unlike 'and is no business of it' "$out" 'W-1'
waiver series=nowhere >waivers.yaml
exits 'one of another series does not count' 1 "$ASSIZE" gate release --subject v1
like 'and is told, with those it has' "$out" 'advise warn orders/many:nowhere waiver W-1 does not count: the check has no series "nowhere", it has one without a name'

define 'max_age: 1h, max_waiver: 3d'
waiver >waivers.yaml
exits 'longer than max_waiver of the gate is an error' 3 "$ASSIZE" gate release --subject v1
like 'with its place' "$err" '^waivers\.yaml:9:14: a waiver at gate "release" may last 3 d at most \(max_waiver\)'
define 'max_age: 1h'
waiver check=keys/unique 'gates=[strict]' >waivers.yaml
exits 'an absolute check cannot be waived' 3 "$ASSIZE" check
like 'with its place' "$err" '^waivers\.yaml:3:12: check "keys/unique" cannot be waived'

# anchors
waiver owner= >waivers.yaml
exits 'Trivy, osv-scanner: a waiver without an owner is no waiver' 3 "$ASSIZE" gate release --subject v1
like 'and that is said' "$err" 'waivers\.yaml:2:5: "waivers" needs the key "owner"'
waiver expires= >waivers.yaml
exits 'Trivy, osv-scanner: a waiver without an end is no waiver' 3 "$ASSIZE" gate release --subject v1
like 'and that is said' "$err" 'waivers\.yaml:2:5: "waivers" needs the key "expires"'
rm -rf .assize
waiver >waivers.yaml
mv shop.db away.db
exits 'conftest: what could not be measured is no failure, and not waived' 2 "$ASSIZE" gate release --subject v1
is 'it exits with 2, not 1' "$(decision)" 'gate=release subject=v1 decision=SHUT outcome=undecided met=0 unmet=2 exit=2'
mv away.db shop.db
: >empty.yaml
exits 'Keptn: no gate in the definition opens nothing' 3 "$ASSIZE" gate release --subject v1 -f empty.yaml
exits 'Keptn: a gate that is not there opens nothing' 3 "$ASSIZE" gate other --subject v1
like 'the one that was meant is said' "$err" 'no such gate: other.*gates there are: [a-z]'
exits 'nor can it be overridden' 3 "$ASSIZE" override releas --subject v1 --reason late --by jane
like 'the one that was meant is said there, too' "$err" 'no such gate: releas.*did you mean release\?'
sed 's/  release: .*/  release: { max_age: 1h }/' assize.yaml >empty.yaml
exits 'a gate without a rule' 3 "$ASSIZE" check -f empty.yaml
like 'is told what rules there are' "$err" 'gate "release" requires nothing.*add require:, rollback:, budget: or baseline:'
waiver 'check=orders/many' >waivers.yaml
sed -i 's/require: { audit: orders }/require: { check: orders\/many }/' assize.yaml
exits 'waivers alone open nothing' 2 "$ASSIZE" gate release --subject v1
like 'and that is said' "$out" 'require undecided gate every requirement is waived: there is nothing to open on'

# assize waive
rm waivers.yaml
define 'max_age: 1h'
sed -i '/^include/d' assize.yaml
base=(--gate release --owner platform --ticket OPS-1)
why=(--reason 'import of "old" is late: ${x}')
give=("${base[@]}" "${why[@]}" --until 7d)
exits 'waive: writes a file beside the definition' 0 "$ASSIZE" waive orders/many "${give[@]}"
like 'waive: says what is still to be done' "$out" 'waiver W-1 of orders/many until [^ ]+Z added to waivers\.yaml
it is not part of the definition yet: add include: \[waivers\.yaml\] to assize\.yaml
it counts at a gate once it is in the ref the gate reads'
exits 'waive: nothing is let through yet' 1 "$ASSIZE" gate release --subject v1
exits 'waive: the next gets the next number' 0 "$ASSIZE" waive orders/some "${give[@]}" --series 'a"b' -q
is 'waive: as long as nothing includes the file, too' "$(grep -oE 'W-[0-9]+' waivers.yaml | tr '\n' ' ')" 'W-1 W-2 '
sed -i '1a include: waivers.yaml' assize.yaml
exits 'waive: once it is included it counts' 0 "$ASSIZE" gate release --subject v1
like 'waive: words stay as they were given' "$out" 'ticket OPS-1: import of "old" is late: \$\{x\}'
before=$(cat waivers.yaml)
exits 'waive: no such check' 3 "$ASSIZE" waive orders/mnay "${give[@]}"
like 'waive: named as the word of the command that it is' "$err" '^assize waive: CHECK: no check "orders/mnay". *help: did you mean "orders/many"'
exits 'waive: a glob of series' 3 "$ASSIZE" waive orders/many "${give[@]}" --series '*'
like 'waive: says that it would match none' "$err" 'not a glob.*without it the waiver is of all series'
exits 'waive: no such gate' 3 "$ASSIZE" waive orders/many "${give[@]}" --gate releas
like 'waive: is the option, not a line that is not there' "$err" '^assize waive: --gate: no gate "releas"'
exits 'waive: too long' 3 "$ASSIZE" waive orders/many "${base[@]}" "${why[@]}" --until 31d
like 'waive: is its option' "$err" '^assize waive: --until: a waiver at gate "release" may last 30 d'
exits 'waive: absolute' 3 "$ASSIZE" waive keys/unique "${give[@]}" --gate strict
exits 'waive: an id that is taken' 3 "$ASSIZE" waive orders/many "${give[@]}" --id W-1
exits 'waive: nothing but the check' 3 "$ASSIZE" waive orders/many
like 'waive: all that is missing is told at once' "$err" 'assize waive needs --gate, --until, --owner, --reason and --ticket.*help: assize waive orders/many --gate release --until 14d --owner'
exits 'waive: no reason' 3 "$ASSIZE" waive orders/many "${base[@]}" --until 7d --reason ' '
like 'waive: says which is missing' "$err" 'assize waive needs --reason'
exits 'waive: over before it began' 3 "$ASSIZE" waive orders/many "${base[@]}" "${why[@]}" --until 2020-01-01T00:00:00Z
is 'waive: what is refused changes nothing' "$(cat waivers.yaml)" "$before"
printf 'waivers: [ ] # none\n' >waivers.yaml
exits 'no waivers are written as an empty list' 0 "$ASSIZE" check
exits 'waive: which an entry is added to' 0 "$ASSIZE" waive orders/many "${give[@]}"
like 'waive: behind what is there' "$(cat waivers.yaml)" '^waivers: +# none.  - id: W-1.    check: '
exits 'and it counts' 0 "$ASSIZE" gate release --subject v1
rm waivers.yaml
exits 'what is included has to be there' 3 "$ASSIZE" check
exits 'waive: it makes the file that is included already' 0 "$ASSIZE" waive orders/many "${give[@]}"
unlike 'waive: which is part of the definition' "$out" 'not part of the definition'
exits 'and it is' 0 "$ASSIZE" gate release --subject v1
rm waivers.yaml
mkdir let
sed -i 's/^include: .*/include: [let\/*.yaml]/' assize.yaml
exits 'waive: a glob that matches nothing' 3 "$ASSIZE" waive orders/many "${give[@]}"
like 'waive: what it wants is told' "$err" 'include "let/\*\.yaml" matches no file.*help: name a file that it matches, with -o'
mv let away
exits 'waive: in a directory that is not there' 2 "$ASSIZE" waive orders/many "${give[@]}" -o let/first.yaml
like 'waive: which is named' "$err" 'there is no directory "[^"]+/let".*help: mkdir -p [^ ]+/let$'
mv away let
exits 'waive: the first file that it matches' 0 "$ASSIZE" waive orders/many "${give[@]}" -o let/first.yaml
unlike 'waive: is part of the definition' "$out" 'not part of the definition'
exits 'waive: as is the second' 0 "$ASSIZE" waive orders/some "${give[@]}" -o let/second.yaml
like 'waive: as is the second, told' "$out" '^waiver W-2 of orders/some .* added to let/second\.yaml
it counts at a gate'
exits 'and they count' 0 "$ASSIZE" gate release --subject v1
exits 'waive: beside it' 0 "$ASSIZE" waive orders/some "${give[@]}" -o let/.hidden.yaml
like 'waive: beside it is told' "$out" 'not part of the definition yet: add include: \[let/\.hidden\.yaml\]'
rm -r let
sed -i 's/^include: .*/include: waivers.yaml/' assize.yaml
"$ASSIZE" waive orders/many "${give[@]}" >/dev/null
printf 'waivers: [{ id: W-3, check: orders/some, gates: release, owner: o, reason: r, ticket: t, granted: %s, expires: %s }]\n' \
	"$(time_at now)" "$(time_at '1 day')" >flow.yaml
exits 'waive: a list it cannot add to' 3 "$ASSIZE" waive orders/many "${give[@]}" -o flow.yaml
like 'waive: is told, with the entry' "$out$err" '  - id: W-[24]
.*cannot add to "flow\.yaml": waivers: is not written one entry after another'

# ---- override
rm -rf .assize waivers.yaml
define 'max_age: 1h'
sed -i '/^include/d' assize.yaml
give=(--subject v1 --by jane --reason 'the shop is down')
exits 'override: of a gate' 0 "$ASSIZE" override release "${give[@]}"
like 'override: says what it does' "$out" 'override 1: gate release opens for v1 until [^ ]+Z, by jane: the shop is down
what shuts it stays visible, and absolute checks still shut it
it counts at assize gate release --subject v1 with this record'
exits 'override: the gate opens' 0 "$ASSIZE" gate release --subject v1 --report junit=junit.xml --report html=page.html
is 'override: the last line says so, beside what it would be' "$(decision)" \
	'gate=release subject=v1 decision=OVERRIDDEN outcome=fail met=1 unmet=1 exit=0'
like 'override: what shuts it stays visible' "$out" 'require FAIL orders/many 1 row, bound >= 1000 rows'
like 'override: with who, why and until when' "$out" 'overridden by jane until [^ ]+Z \(override 1\): the shop is down'
is 'override: JSON' "$("$ASSIZE" gate release --subject v1 --json | jq -r '.decisions[-1] |
	"\(.decision) \(.outcome) \(.blocked_outcome) \(.override.actor) \(.override.reason) \(.lines[0].outcome)"')" \
	'open overridden fail jane the shop is down fail'
is 'override: JUnit has the gate skipped, and the failure with who let it through' "$(xmllint --xpath \
	'concat(count(//testcase[@classname="gate"]/skipped), count(//testcase[@classname="orders/many"]/skipped[starts-with(@message, "overridden by jane")]))' junit.xml)" 11
ok 'override: the page' grep -q '<span class="vd bad">Overridden.</span>' page.html
exits 'override: said even when quiet' 0 "$ASSIZE" gate release --subject v1 -q
like 'override: in the same words' "$out" 'decision=OVERRIDDEN'
run "$ASSIZE" status
like 'override: status' "$out" 'release +overridden +(just now|[0-9.]+ m?s ago) +v1'
like 'override: and when it ends' "$out" '1 +release +v1 +in force +in (60|59) min +jane +the shop is down'
cp .assize/record.db present.db
sqlite3 .assize/record.db 'UPDATE overrides SET at_ms = at_ms + 7200000, until_ms = until_ms + 7200000'
like 'override: of the future: status' "$("$ASSIZE" status)" '1 +release +v1 +not yet +in '
is 'override: of the future: JSON' "$("$ASSIZE" status --json | jq -r '.overrides[0].state')" 'not yet'
exits 'override: of the future: the gate' 1 "$ASSIZE" gate release --subject v1
mv present.db .assize/record.db
exits 'override: no other subject' 1 "$ASSIZE" gate release --subject v2
exits 'override: no other gate' 1 "$ASSIZE" gate strict --subject v1
exits 'override: a check that is absolute shuts' 0 "$ASSIZE" override strict "${give[@]}" -q
exits 'override: lets the others through' 0 "$ASSIZE" gate strict --subject v1
exits 'override: when it fails' 1 "$ASSIZE" gate strict --subject v1 --var broken=1
like 'override: and says why' "$out" 'FAIL keys/unique 1, bound == 0; override 2 does not let it through: the check is absolute'
exits 'override: no subject' 3 "$ASSIZE" override release --by jane --reason x
exits 'override: any is nobody' 3 "$ASSIZE" override release --subject any --by jane --reason x
like 'override: and says so' "$err" 'cannot override a gate for "any"'
exits 'override: nothing but the gate' 3 "$ASSIZE" override release
like 'override: all that is missing is told at once' "$err" 'needs --subject, --reason and --by.*help: assize override release --subject v2.31.0 --by jane'
exits 'override: no reason' 3 "$ASSIZE" override release --subject v1 --by jane
exits 'override: nobody' 3 "$ASSIZE" override release --subject v1 --reason x
for blank in ' ' $'\t\v' $'\u00a0' $'\u3000\u200b'; do
	exits 'override: by a blank' 3 "$ASSIZE" override release --subject v1 --reason x --by "$blank"
	like 'override: which is told' "$err" 'assize override needs --by, and it is blank'
	exits 'override: of a blank' 3 "$ASSIZE" override release --subject "$blank" --reason x --by jane
	exits 'override: for a blank' 3 "$ASSIZE" override release --subject v1 --reason "$blank" --by jane
	exits 'a gate for a blank' 3 "$ASSIZE" gate release --subject "$blank"
done
for long in 0s 999ms 367d; do
	exits "override: for $long" 3 "$ASSIZE" override release "${give[@]}" --until $long
	like 'override: what may be' "$err" "cannot read --until $long: a duration is at least 1s, and at most 366d"
done
exits 'override: too long' 3 "$ASSIZE" override release "${give[@]}" --until 25h
like 'override: and says what to do' "$err" 'cannot override until 25h: that is more than 24 h
help: .*assize waive'
exits 'override: no such gate' 3 "$ASSIZE" override relaese "${give[@]}"
like 'override: did you mean' "$err" 'did you mean release\?'
exits 'override: for a second' 0 "$ASSIZE" override release --subject v3 --by jane --reason x --until 1s -q
ended() { [ "$(sqlite3 .assize/record.db 'SELECT unixepoch() * 1000 > max(until_ms) FROM overrides')" = 1 ]; }
wait_for ended
exits 'override: after it ended it counts no more' 1 "$ASSIZE" gate release --subject v3
like 'override: and that is said' "$out" 'override 3 by jane ended'

# ---- freeze
define "max_age: 1h, freeze: { from: \"$(time_at '1 hour ago')\", to: \"$(time_at '1 hour')\", reason: holidays }"
sed -i '/^include/d; s/>= 1000/>= 1/' assize.yaml
exits 'freeze: shut inside the window' 1 "$ASSIZE" gate release --subject v4
like 'freeze: until when, and why' "$out" 'require FAIL freeze frozen until [^ ]+Z, which is (60 min|59 min( [0-9]+ s)?) in the future: holidays'
is 'freeze: nothing else is missing' "$(decision)" 'gate=release subject=v4 decision=SHUT outcome=fail met=2 unmet=1 exit=1'
exits 'freeze: an override passes it' 0 "$ASSIZE" override release --subject v4 --by jane --reason x -q
exits 'freeze: and the gate opens' 0 "$ASSIZE" gate release --subject v4
define "max_age: 1h, freeze: { from: \"$(time_at '3 hours ago')\", to: \"$(time_at '1 hour ago')\", reason: holidays }"
sed -i '/^include/d; s/>= 1000/>= 1/' assize.yaml
exits 'freeze: open after it' 0 "$ASSIZE" gate release --subject v5
define 'max_age: 1h, freeze: { cron: "@hourly", for: 1h, time_zone: Asia/Kolkata, reason: always }'
sed -i '/^include/d; s/>= 1000/>= 1/' assize.yaml
exits 'freeze: again and again' 1 "$ASSIZE" gate release --subject v5

# ---- depends_on
define 'max_age: 1h, depends_on: strict'
sed -i '/^include/d; s/>= 1000/>= 1/' assize.yaml
remedy='to do: assize gate strict --subject v6'
exits 'depends_on: a gate that was never decided' 2 "$ASSIZE" gate release --subject v6
like 'depends_on: says what to do' "$out" "depends_on:strict was never decided about \"v6\" .*$remedy"
exits 'depends_on: decided open' 0 "$ASSIZE" gate strict --subject v6
exits 'depends_on: lets through' 0 "$ASSIZE" gate release --subject v6
exits 'depends_on: not for another subject' 2 "$ASSIZE" gate release --subject v7
exits 'depends_on: wherever the definition is named from' 0 bash -c 'mkdir -p below && cd below && "$ASSIZE" gate release -f ../assize.yaml --subject v6'
exits 'depends_on: open with another variable' 0 "$ASSIZE" gate strict --subject v6 --var 'broken=0 * 1'
exits 'depends_on: not by its word' 2 "$ASSIZE" gate release --subject v6
like 'depends_on: says that' "$out" "depends_on:strict was decided .* with other variables .*$remedy"
exits 'depends_on: by its word with the same' 0 "$ASSIZE" gate release --subject v6 --var 'broken=0 * 1'
exits 'depends_on: decided again' 0 "$ASSIZE" gate strict --subject v6 --var broken=0
exits 'depends_on: a variable that says what is said anyway' 0 "$ASSIZE" gate release --subject v6
echo '# changed' >>assize.yaml
exits 'depends_on: not after the definition changed' 2 "$ASSIZE" gate release --subject v6
like 'depends_on: says so' "$out" "was decided .* under another definition .*$remedy"
exits 'depends_on: shut' 1 "$ASSIZE" gate strict --subject v6 --var broken=1
exits 'depends_on: keeps shut' 1 "$ASSIZE" gate release --subject v6
like 'depends_on: says how it was' "$out" 'require FAIL depends_on:strict was decided shut \(fail\)'

# ---- all of it again, from the record alone
again=
for id in $(sqlite3 .assize/record.db 'SELECT id FROM decisions'); do
	"$ASSIZE" replay --decision "$id" >/dev/null 2>&1 || again="$again $id"
done
is 'replay: every decision above comes to the same' "$again" ''

# ---- depends_on, through gates between
rm -rf .assize
cat >assize.yaml <<-'YAML'
	assize: 1
	targets: { shop: { sqlite: shop.db } }
	audits:
	  orders:
	    target: shop
	    checks:
	      - { id: some, rows: { table: orders }, expect: ">= 1" }
	      - { id: many, rows: { table: orders }, expect: ">= 1000" }
	gates:
	  base: { require: { check: orders/many } }
	  left: { require: { check: orders/some }, depends_on: { base: { within: 1d, overridden: accepted } } }
	  right: { require: { check: orders/some }, depends_on: { left: { within: 1d } } }
	  top: { require: { check: orders/some }, depends_on: { left: { within: 1d }, right: { within: 1d } } }
YAML
"$ASSIZE" override base --subject v1 --by jane --reason 'the shop is down' >/dev/null
for gate in base left right top; do
	exits "chain: $gate is open while the override lasts" 0 "$ASSIZE" gate $gate --subject v1
done
like 'chain: what it rests on is told' "$out" 'depends_on:right was decided open [^,]*, resting on gate "base", overridden by jane'
sqlite3 .assize/record.db 'UPDATE overrides SET until_ms = at_ms + 1'
exits 'chain: two gates up it has ended, too' 2 "$ASSIZE" gate right --subject v1
like 'chain: which is told' "$out" 'depends_on:left rests on gate "base", which was opened by an override of jane, which ended'
exits 'chain: decided again the same' 0 "$ASSIZE" replay --decision 5
sqlite3 .assize/record.db 'UPDATE overrides SET until_ms = at_ms + 3600000'
exits 'chain: as long as it lasts' 0 "$ASSIZE" gate right --subject v1
sqlite3 .assize/record.db 'UPDATE overrides SET until_ms = at_ms + 1'
exits 'chain: three gates up as well' 2 "$ASSIZE" gate top --subject v1
like 'chain: which is told of both' "$out" 'depends_on:left rests on gate "base".*depends_on:right rests on gate "base"'
sqlite3 .assize/record.db "UPDATE texts SET body = replace(body, '\"edition\":5', '\"edition\":2')"
exits 'chain: a decision of former times is as it was' 1 "$ASSIZE" replay --decision 7
like 'chain: which was another' "$out" 'was decided open'

# A clock that is behind what the record holds decides nothing: it would make old evidence fresh, and bring waivers and
# overrides to life that were over.
mkdir behind && cd behind || bail 'no folder'
sqlite3 shop.db 'CREATE TABLE orders(id); INSERT INTO orders VALUES (1)'
cat >assize.yaml <<-'YAML'
	assize: 1
	targets: { shop: { sqlite: shop.db } }
	audits:
	  orders:
	    target: shop
	    checks:
	      - { id: some, rows: { table: orders }, expect: ">= 1" }
	gates:
	  g: { run: never, require: { check: orders/some, max_age: 1h } }
YAML
"$ASSIZE" run --quiet --subject v1
exits 'clock: a gate that is open' 0 "$ASSIZE" gate g --subject v1
"$ASSIZE" override g --subject v1 --by jane --reason 'clock trial' >/dev/null
ahead() { sqlite3 .assize/record.db "UPDATE decisions SET at_ms = at_ms + ($1) WHERE id = (SELECT max(id) FROM decisions)"; }
ahead 55000
exits 'clock: less than a minute is what clocks are apart' 0 "$ASSIZE" gate g --subject v1
ahead 7200000
exits 'clock: two hours behind a decision' 2 "$ASSIZE" gate g --subject v1
like 'clock: says what, and what to do' "$out" \
	'undecided clock decision 2 is dated .*Z, and it is .*Z here: nobody can tell how old anything is; set the clock that is'
like 'clock: an override of before it is no word on it' "$out" \
	'override 1 by jane does not count: it was recorded before that decision'
exits 'clock: decided again the same' 0 "$ASSIZE" replay --decision 3
"$ASSIZE" override g --subject v1 --by jane --reason 'the other clock was wrong' >/dev/null
exits 'clock: one of since then is' 0 "$ASSIZE" gate g --subject v1
like 'clock: and is told' "$out" 'OVERRIDDEN'
sqlite3 .assize/record.db "UPDATE texts SET body = replace(body, '\"edition\":5', '\"edition\":4')"
exits 'clock: a decision of former times is as it was' 1 "$ASSIZE" replay --decision 3
like 'clock: by the rules it was made by' "$out" 'made again it is open'
sqlite3 .assize/record.db 'DELETE FROM overrides; UPDATE decisions SET at_ms = at_ms - 7200000 WHERE id = 2;
	UPDATE runs SET begin_ms = begin_ms + 7200000'
exits 'clock: behind a run' 2 "$ASSIZE" gate g --subject v1
like 'clock: whose host is named' "$out" "clock run 1 is dated [^ ]*Z by the clock of $(uname -n), and"
cd ..

done_testing
