#!/bin/bash
# reports/ci: what is given to CI systems, systemd and cron, each run here as far as that goes, by programs
# nobody here wrote. A gate that is shut stops the job in each of them, and what the world or a caller
# wrote is never obeyed.
. "$(dirname "$0")/../lib/tap.sh"

CI_DIR=$ROOT/reports/ci
export NODE_PATH=$BUILD/npm/node_modules

world() # DIRECTORY [NOTE]: a definition with a gate; the note fails it
{
	mkdir -p "$1"
	sqlite3 "$1/shop.db" "CREATE TABLE notes(note TEXT);
		INSERT INTO notes VALUES (${2:-'fine'})"
	cat >"$1/assize.yaml" <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  notes:
    target: shop
    schedule: "*/5 * * * *"
    checks:
      - { id: text, sql: "SELECT note FROM notes", expect: '== "fine"' }
gates:
  release: { require: [ { check: "notes/*", max_age: 1h } ] }
YAML
}
hostile="'##[error]owned ::error::owned' || char(10) || '::error::owned' || char(10) || '##[add-mask]owned'"
world "$TMP/good"
world "$TMP/bad" "$hostile"

# A step of GitHub Actions, without the action.
cd "$TMP/bad" || bail "no directory"
export GITHUB_OUTPUT=$TMP/output GITHUB_STEP_SUMMARY=$TMP/summary
printf 'before=1\n' >"$GITHUB_OUTPUT"
"$ASSIZE" gate release --subject v1 --report github --report "tap=a b.tap" >"$TMP/step.log" 2>&1
is "step: the status is the gate's" $? 1
grep -v stop-commands "$TMP/step.log" >"$TMP/naked.log"
like "step: the outputs stand behind what was there" "$(head -n 2 "$GITHUB_OUTPUT")" $'^before=1\noutcome<<[0-9a-f]{32}$'
is "step: no output has another's end" "$(grep -c "$(sed -n '2s/outcome<<//p' "$GITHUB_OUTPUT")" "$GITHUB_OUTPUT")" 10
like "step: the summary begins with the verdict" "$(head -n 1 "$GITHUB_STEP_SUMMARY")" '^## assize: SHUT, gate `release` for `v1`$'
head -c 1048000 /dev/zero | tr '\0' x >"$GITHUB_STEP_SUMMARY"
"$ASSIZE" gate release --subject v1 --report github >/dev/null 2>&1
ok "step: a summary never grows beyond what GitHub keeps" \
	[ "$(stat -c %s "$GITHUB_STEP_SUMMARY")" -le 1048576 ]
like "step: but the verdict is in it" "$(tail -c 400 "$GITHUB_STEP_SUMMARY")" 'SHUT, gate `release`'
head -c 1048500 /dev/zero | tr '\0' x >"$GITHUB_STEP_SUMMARY"
run "$ASSIZE" gate release --subject v1 --report github
is "step: nor does the verdict, where there is no room even for that" "$status $(stat -c %s "$GITHUB_STEP_SUMMARY")" "1 1048500"
like "step: which is told" "$err" '\$GITHUB_STEP_SUMMARY is full: the verdict is not in it'
GITHUB_OUTPUT=/nowhere/output run "$ASSIZE" gate release --subject v1 --report github
is "step: outputs that cannot be written leave it disproved" "$status" 1
like "step: and are told" "$err" '\$GITHUB_OUTPUT: could not write "/nowhere/output"'
is "step: commands work again after an error" "$(tail -n 1 <<<"$out" | grep -c '^::[0-9a-f]\{32\}::$')" 1
unset GITHUB_OUTPUT GITHUB_STEP_SUMMARY
exits "step: without its files there are the annotations" 1 "$ASSIZE" gate release --subject v1 --report github
exits "step: a definition error has its status" 3 "$ASSIZE" gate nowhere --subject v1 --report github
like "step: and is told while commands are off" "$out|$err" \
	$'^::stop-commands::([0-9a-f]{32})\n::[0-9a-f]{32}::\\|assize: no such gate: nowhere'
exits "--json and a step both want standard output" 3 "$ASSIZE" gate release --subject v1 --report github --json
like "which is told" "$err" 'both need standard output.*json=FILE'
exits "no other format goes without a file" 3 "$ASSIZE" run --report sarif
mkdir -p "$TMP/checkout/sub" && cp assize.yaml shop.db "$TMP/checkout/sub"
(cd "$TMP/checkout/sub" && GITHUB_WORKSPACE=$TMP/checkout "$ASSIZE" run --report github --report sarif=x.sarif >"$TMP/sub.log" 2>&1)
like "step: files are named from the top of the checkout" "$(cat "$TMP/sub.log")" ',file=sub/assize.yaml,line=8,'
is "SARIF: files too" "$(jq -r '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri' "$TMP/checkout/sub/x.sarif")" \
	sub/assize.yaml

# Definitions of a commit: their places are those of the repository, whatever they were read from.
world "$TMP/repository" "'no'"
cd "$TMP/repository" && mkdir ci && sed 's|sqlite: shop.db|sqlite: ../shop.db|' assize.yaml >ci/gate.yaml && rm assize.yaml
git init -q -b main . && git add ci && git -c user.name=a -c user.email=a@x commit -qm policy || bail "no commit"
(cd ci && GITHUB_WORKSPACE=$TMP/repository "$ASSIZE" gate release -f git:main:ci/gate.yaml --subject v1 --report github --report sarif="$TMP/ref.sarif" \
	--report gitlab-codequality="$TMP/ref.json" --report junit-gitlab="$TMP/ref.xml" >"$TMP/ref.log" 2>&1)
is "definitions of a commit: annotations" "$(grep -o 'file=[^:]*,col' "$TMP/ref.log" | sort | uniq -c | tr -s ' ')" \
	' 2 file=ci/gate.yaml,line=8,col'
is "definitions of a commit: SARIF, code quality, JUnit" \
	"$(jq -r '.runs[0].results[].locations[0].physicalLocation.artifactLocation.uri' "$TMP/ref.sarif" | sort -u) $(jq -r '.[].location.path' "$TMP/ref.json" |
		sort -u) $(xmllint --xpath 'string(//testcase/@file)' "$TMP/ref.xml")" "ci/gate.yaml ci/gate.yaml ci/gate.yaml"

# The composite action.
act() # INPUT=VALUE...: $doc is what came of it
{
	rm -f "$TMP/act.log"
	doc=$(GITHUB_SHA=v1 node "$ROOT/tests/npm/action.js" "$CI_DIR/github/action.yml" "$TMP/act.log" \
		command="$ASSIZE" "$@" 2>&1)
}
act gate=release working-directory="$TMP/good" reports=$'tap=a.tap\nsarif=b c.sarif'
is "action: an open gate" "$(jq -r '"\(.exit) \(.outputs.decision) \(.outputs.outcome) \(.outputs.exit)"' <<<"$doc")" "0 open pass 0"
is "action: its reports are written and named" "$(jq -r .outputs.reports <<<"$doc" | sed 's/.*=//' | (cd "$TMP/good" && xargs -d '\n' ls))" \
	$'a.tap\nb c.sarif'
act gate=release working-directory="$TMP/bad"
is "action: a shut gate fails the step" "$(jq -r '"\(.exit) \(.outputs.decision) \(.outputs.outcome)"' <<<"$doc")" "1 shut fail"
cp "$TMP/act.log" "$TMP/action.log"
like "action: its summary" "$(jq -r .summary <<<"$doc")" '^## assize: SHUT, gate `release` for `v1`'
cp -r "$TMP/bad" "$TMP/overridden"
"$ASSIZE" override release -q -f "$TMP/overridden" --subject v1 --by ada --reason 'it has to be out' || bail "no override"
act gate=release working-directory="$TMP/overridden"
words=$(jq -r '"\(.outputs.decision) \(.outputs.outcome)"' <<<"$doc")
is "action: a gate that was overridden" "$(jq -r .exit <<<"$doc") $words" "0 open overridden"
for word in $words; do
	like "action: a description has $word" "$(sed -n '/^outputs:/,/^runs:/p' "$CI_DIR/github/action.yml")" "[ :]$word[ ,]"
done
act gate=nowhere working-directory="$TMP/good"
is "action: without a decision there is the status" "$(jq -r '"\(.exit) \(.outputs.exit)<\(.outputs.decision)>"' <<<"$doc")" "3 3<>"
act gate=release working-directory="$TMP/good" record=assize.yaml
is "action: and where there is no record" "$(jq -r '"\(.exit) \(.outputs.exit)<\(.outputs.decision)>"' <<<"$doc")" "4 4<>"
act gate=release working-directory="$TMP/good" command=/nowhere/assize
is "action: nor assize" "$(jq -r '"\(.exit) \(.outputs.exit)"' <<<"$doc")" "127 127"
printf '#!/bin/sh\ntrap "exit 2" TERM; kill -TERM "$PPID"; while :; do :; done\n' >"$TMP/slow" && chmod +x "$TMP/slow"
act gate=release working-directory="$TMP/good" command="$TMP/slow"
is "action: one that is cancelled ends assize" "$(jq -r '"\(.exit) \(.outputs.exit)"' <<<"$doc")" "2 2"
for gate in '$(touch owned)"; touch owned; "`touch owned`' '--report=html=owned'; do
	act gate="$gate" subject="$gate" working-directory="$TMP/good"
	is "action: a gate called $gate is looked for, and nothing else" "$(jq -r .exit <<<"$doc")" 3
done
# What the runner does with the logs.
node "$ROOT/tests/npm/formats.js" "$TMP"/{step,action,naked}.log >"$TMP/judged"
is "the runner obeys the annotations of a step alone" "$(grep -v naked "$TMP/judged")" \
	$'step.log valid red\naction.log valid red'
like "without the stop it would obey the world" "$(grep naked "$TMP/judged")" 'naked.log invalid'
nok "action: no caller's text was obeyed" test -e "$TMP/good/owned"
sed 's/using: composite/using: composit/' "$CI_DIR/github/action.yml" >"$TMP/broken.yml"
like "action: the schema sees a mistake" "$(node "$ROOT/tests/npm/action.js" "$TMP/broken.yml" "$TMP/x" gate=x 2>&1)" 'invalid'

# The GitLab template, by a runner with the schema of GitLab. (Its Node is newer than ours.)
echo 'Set.prototype.union ??= function (other) { return new Set([...this, ...other]); };' >"$TMP/union.mjs"
cd "$TMP/bad" || bail "no directory"
cp "$CI_DIR/gitlab/assize.gitlab-ci.yml" .
cat >.gitlab-ci.yml <<YAML
include: [ { local: assize.gitlab-ci.yml } ]
gate: { extends: .assize-gate, variables: { GATE: release, ASSIZE_COMMAND: "$ASSIZE" } }
YAML
git init -q . && git add ./*.yml && git commit -qm "a pipeline"
git remote add origin https://gitlab.example.com/shop/shop.git
run node --import "$TMP/union.mjs" "$NODE_PATH/gitlab-ci-local/dist/index.js" gate
like "GitLab: the template is valid by its schema" "$out$err" 'json schema validated'
is "GitLab: a shut gate fails the job" "$status" 1
like "GitLab: which ran it" "$out" 'gate=release subject=[0-9a-f]{40} decision=SHUT'
is "GitLab: the cases are there" "$(xmllint --xpath 'string(/testsuites/@failures)' "$TMP/bad/assize.xml")" 2
is "GitLab: and the lines" "$(jq -r '.[0].location | "\(.path):\(.lines.begin)"' "$TMP/bad/assize.codequality.json")" assize.yaml:8

# The same, shared by three jobs, two of which nothing falls on.
cp -r "$TMP/good" "$TMP/shared"
cd "$TMP/shared" || bail "no directory"
rm -rf .assize
cp "$CI_DIR/gitlab/assize.gitlab-ci.yml" .
cat >.gitlab-ci.yml <<YAML
include: [ { local: assize.gitlab-ci.yml } ]
audit: { extends: .assize-shard, parallel: 3, variables: { ASSIZE_COMMAND: "$ASSIZE" } }
gate:
  extends: .assize-sharded-gate
  needs: [ audit ]
  variables: { GATE: release, MERGE_OPTIONS: --unsigned, ASSIZE_COMMAND: "$ASSIZE" }
YAML
git init -q . && git add ./*.y*ml ./*.db && git commit -qm "a pipeline"
git remote add origin https://gitlab.example.com/shop/shop.git
run node --import "$TMP/union.mjs" "$NODE_PATH/gitlab-ci-local/dist/index.js" --shell-isolation --needs gate
is "GitLab: a gate opens on what three jobs measured" "$status" 0
is "GitLab: each its part" "$(grep -oE 'shard=[123]/3' <<<"$out" | sort -u | tr '\n' ' ')" 'shard=1/3 shard=2/3 shard=3/3 '
like "GitLab: which were merged" "$out" 'assize-shard-3.db: 1 run, .*UNSIGNED'
like "GitLab: and decided by" "$out" 'decision=OPEN'
sed -i 's/--shard "[^"]*"/--shard "${CI_NODE_INDEX:-1}\/4"/' assize.gitlab-ci.yml
git commit -qam "a part is lost"
run node --import "$TMP/union.mjs" "$NODE_PATH/gitlab-ci-local/dist/index.js" --shell-isolation --needs gate
is "GitLab: a part that is missing fails the job" "$status" 1
like "GitLab: and is named" "$out" 'undecided shards shard 4 of 4 has no complete run'
# With a key of the pipeline, as the template says.
openssl genpkey -algorithm ed25519 -out "$TMP/ci.pem" 2>/dev/null
public=$(printf 'assize: 1\nledger: { key_pem: "${env:LEDGER_KEY:-}" }\n' >"$TMP/key.yaml" &&
	LEDGER_KEY=$(cat "$TMP/ci.pem") "$ASSIZE" ledger init -q -f "$TMP/key.yaml" --record "$TMP/key.db")
cp "$CI_DIR/gitlab/assize.gitlab-ci.yml" .
printf 'ledger: { key_pem: "${env:LEDGER_KEY:-}", trust: ["%s"] }\n' "$public" >>assize.yaml
sed -i 's/, MERGE_OPTIONS: --unsigned//' .gitlab-ci.yml
git commit -qam "it is signed for"
run node --import "$TMP/union.mjs" "$NODE_PATH/gitlab-ci-local/dist/index.js" --shell-isolation --needs gate
is "GitLab: what nobody signed for is not merged" "$status" 1
like "GitLab: and that is said" "$out$err" 'the ledger has no key, though you trust one'
run node --import "$TMP/union.mjs" "$NODE_PATH/gitlab-ci-local/dist/index.js" --shell-isolation --variable LEDGER_KEY="$(cat "$TMP/ci.pem")" --needs gate
is "GitLab: what the pipeline's key has signed for is" "$status" 0
unlike "GitLab: by that key" "$out" 'UNSIGNED|its own key'

# The Jenkins step: its script as it stands, and all of it where there is a Groovy.
script=$(sed -n "/script: '''/,/'''/p" "$CI_DIR/jenkins/vars/assizeGate.groovy" | sed '1d;$d')
for which in good bad; do
	(cd "$TMP/$which" && GATE_NAME=release GATE_SUBJECT=v1 GATE_DEFINITION='' GATE_RECORD='' \
		GATE_COMMAND=$ASSIZE sh -ec "$script" >/dev/null 2>&1)
	echo $? >"$TMP/$which.status"
done
is "Jenkins: the script gives the gate's status" "$(cat "$TMP/good.status" "$TMP/bad.status")" $'0\n1'
ok "Jenkins: its JUnit is valid" xmllint --nonet --noout --schema "$ROOT/tests/data/junit.xsd" "$TMP/bad/assize.xml"
nok "Jenkins: no argument is a part of the script" grep -q '\${' <<<"$script"
like "Jenkins: the subject is the commit unless given, and never the word null" \
	"$(grep GATE_SUBJECT= "$CI_DIR/jenkins/vars/assizeGate.groovy")" \
	"GATE_SUBJECT=\\\$\{arguments.subject \?: env.GIT_COMMIT \?: ''\}\""
cd "$TMP/good" || bail "no directory"
GATE_NAME=release GATE_SUBJECT='' GATE_DEFINITION='' GATE_RECORD='' GATE_COMMAND=$ASSIZE run sh -ec "$script"
like "Jenkins: a missing one is refused" "$status $err" '^3 .*gate "release" needs --subject ID, and it is empty'
nok "Jenkins: with no report of an earlier gate left" test -e assize.xml
act gate=release subject= working-directory="$TMP/good"
is "action: a missing subject is refused, too" "$(jq -r '"\(.exit) \(.outputs.decision // "")"' <<<"$doc")" "3 "

# systemd, by its own verifier, with the binary where it is.
mkdir "$TMP/units"
for unit in service timer; do
	sed "s|/usr/local/bin/assize|$ASSIZE|" "$CI_DIR/systemd/assize@.$unit" >"$TMP/units/assize@.$unit"
done
run systemd-analyze verify --man=no "$TMP"/units/assize@srv-shop.{service,timer}
is "systemd: nothing is wrong with the units" "$status $out$err" "0 "
sed -i 's/^OnCalendar=.*/OnCalendar=whenever/' "$TMP/units/assize@.timer"
run systemd-analyze verify --man=no "$TMP/units/assize@srv-shop.timer"
like "systemd: a mistake would be seen" "$out$err" 'calendar specification'
words=$(sed -n 's/^ExecStart=[^ ]* //p' "$CI_DIR/systemd/assize@.service" | sed "s|%S/assize/%i|$TMP/state|g; s|/var/lib/prometheus/node-exporter|$TMP/collector|g; s|%i|shop|g")
mkdir "$TMP/state" && install -d -m 0755 "$TMP/collector"
# shellcheck disable=SC2086
(cd "$TMP/good" && umask "$(sed -n 's/^UMask=//p' "$CI_DIR/systemd/assize@.service")" && "$ASSIZE" $words >"$TMP/unit.out" 2>&1)
is "systemd: what it starts runs, and is silent" "$? $(cat "$TMP/unit.out")" "0 "
leaves_metrics() # FILE
{
	promtool check metrics <"$1"
}
ok "systemd: and leaves metrics" leaves_metrics "$TMP/collector/assize-shop.prom"
lets_read() # FILE: by somebody else, who is in the folder already: those above it are the test's
{
	cd "$TMP/collector" || return 1
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs cat -- "$1"
	else
		[ "$(stat -c %a "$1")" = 644 ] && cat -- "$1"
	fi >/dev/null
}
ok "systemd: which anybody may read" lets_read assize-shop.prom
nok "systemd: unlike the record" lets_read ../state/record.db
ok "systemd: the unit may write there" grep -qx 'ReadWritePaths=-/var/lib/prometheus/node-exporter' "$CI_DIR/systemd/assize@.service"

# cron: five fields and a command, run as cron runs it.
cd "$TMP" || bail "no directory"
sed "s|/srv/shop|$TMP/good|g; s|/var/lib/prometheus/node-exporter|$TMP/collector|g; s|^PATH=|&$(dirname "$ASSIZE"):|" "$CI_DIR/cron/assize.crontab" >crontab
is "cron: every line is a comment, a variable, or a time and a command" \
	"$(grep -vE '^(#|[A-Z]+=|([*0-9,/-]+ ){5}assize )' crontab)" ""
nok "cron: no percent sign, which cron takes for a newline" grep -q '^[^#]*%' crontab
rm -rf good/.assize
line=$(grep -m 1 'run --due' crontab | cut -d' ' -f6-)
run env -i "PATH=$(sed -n 's/^PATH=//p' crontab)" HOME=/ sh -c "$line"
is "cron: silent while all is well" "$status $out$err" "0 "
ok "cron: and leaves metrics" leaves_metrics collector/shop.prom
ok "cron: which anybody may read" lets_read shop.prom
# The file of a run of what is due replaces the one before, and still tells of every check.
cat >>good/assize.yaml <<'YAML'
include: [more.yaml]
YAML
cat >good/more.yaml <<'YAML'
audits:
  yearly:
    target: shop
    schedule: "0 0 1 1 *"
    checks: [ { id: none, rows: { table: notes }, expect: "== 0" } ]
  manual:
    target: shop
    checks: [ { id: never, rows: { table: notes }, expect: "== 1" } ]
YAML
again() # makes the audit "notes" due again, and nothing else, and runs the line
{
	sqlite3 good/.assize/record.db "UPDATE states SET finished_ms = 1000000000 WHERE check_id = (SELECT id FROM checks WHERE name = 'notes/text')"
	run env -i "PATH=$(sed -n 's/^PATH=//p' crontab)" HOME=/ sh -c "$line"
}
metric() { grep "^assize_$1" collector/shop.prom; }
again
is "cron: a check that fails" "$status" 1
again
is "cron: in the next run it is not due" "$status $(metric run_passing) $(metric 'run_checks{outcome="pass"}')" \
	'0 assize_run_passing 1 assize_run_checks{outcome="pass"} 1'
is "cron: and its failure stays in the file, and what was never measured" "$(metric check_outcome | grep ' 1$')" \
	'assize_check_outcome{check="notes/text",outcome="pass"} 1
assize_check_outcome{check="yearly/none",outcome="fail"} 1
assize_check_outcome{check="manual/never",outcome="undecided"} 1'
is "cron: which is told as one number" "$(metric 'checks_passing ')" "assize_checks_passing 0"
like "cron: a value with the moment it is of, or neither" "$(metric series_measured_timestamp | cut -d, -f1 | tr '\n' ' ')" \
	'^assize_series_measured_timestamp_seconds\{check="notes/text" assize_series_measured_timestamp_seconds\{check="yearly/none" $'
ok "cron: promtool finds nothing wrong with it" leaves_metrics collector/shop.prom
sed -i 's/"== 0"/"== 1"/; /^  manual:/,$d' good/more.yaml
(cd good && "$ASSIZE" run --quiet)
again
is "cron: once all pass, by any run, it is 1" "$(metric 'checks_passing ')" "assize_checks_passing 1"
"$ASSIZE" report --record good/.assize/record.db --format openmetrics latest >alone.prom
is "a report of one run is of that run alone" "$(grep -c 'check_outcome.* 1$' alone.prom)" 1
is "and does not say that all checks pass" "$(grep -c checks_passing alone.prom)" 0
cp collector/shop.prom wrote.prom
(cd good && "$ASSIZE" report --format openmetrics -o ../newest.prom)
is "a report of the newest run is what the run wrote" "$(cmp newest.prom wrote.prom 2>&1)" ""
sed -i 's/"== 1"/"== 2"/' good/more.yaml
(cd good && "$ASSIZE" run --quiet yearly; "$ASSIZE" run --quiet notes; "$ASSIZE" report --format openmetrics -o ../newest.prom) >/dev/null
is "and tells of checks that were measured before" \
	"$(sed -n 's/^assize_check_outcome{check="yearly\/none",outcome="fail"} //p; s/^assize_\(run\|checks\)_passing //p' newest.prom | tr '\n' ' ')" "1 0 1 "
run "$ASSIZE" report --record good/.assize/record.db --format openmetrics
is "without a definition" "$status $out" "3 "
like "it says what can be had" "$err" 'a run that is named, such as latest, is told alone'

done_testing
