#!/bin/bash
# run: order, needs, retries, schedules, signals, streams and secrets, on real commands.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

cat >assize.yaml <<'YAML'
assize: 1
audits:
  order:
    checks:
      - { id: slow, command: { run: [/bin/sh, -c, "until [ -e go ]; do :; done"], cwd: . }, timeout: 20s }
      - { id: quick, command: { run: [/bin/sh, -c, "touch go"] } }
  need:
    checks:
      - { id: down, command: { run: [/bin/false] } }
      - { id: leaf, needs: [need/down], command: { run: [/bin/true] } }
      - { id: twig, needs: [need/leaf], command: { run: [/bin/true] } }
      - { id: other, command: { run: [/bin/true] } }
  again:
    checks:
      - id: flaky
        command: { run: [/bin/sh, -c, "[ -e tried ] || { touch tried; exit 1; }"] }
        retries: 2
        retry_delay: 10ms
      - { id: never, command: { run: [/bin/false] }, retries: 2, retry_delay: 10ms }
YAML
for letters in "" a; do
	printf '      - { id: words%s, command: { run: ["%s/%s"] }, retries: 1, retry_delay: 1ms }\n' "$letters" "$letters" \
		"$(printf 'é%.0s' {1..120})" >>assize.yaml
done

exits "a run that passes exits 0" 0 "$ASSIZE" run order
is "results stand in definition order, whichever finished first" \
	"$(grep -oE 'order/(slow|quick)' <<<"$out" | uniq | tr '\n' ' ')" "order/slow order/quick "

exits "a failure exits 1" 1 "$ASSIZE" run need
like "a dependant is skipped with the reason" "$out" 'need/leaf.*needs "need/down", which is fail'
like "so is a dependant of a dependant" "$out" 'need/twig.*needs "need/leaf", which is skip'
like "what needs nothing runs" "$out" 'pass need/other'
exits "a needed check is run although only its dependant was selected" 1 "$ASSIZE" run need/twig
like "and said to be the cause" "$out" 'FAIL need/down'

exits "a check that passes only at the second attempt passes" 0 "$ASSIZE" run again/flaky
like "and is counted" "$out" ' flaky=1 '
like "and is marked flaky" "$("$ASSIZE" explain latest again/flaky)" 'flaky.*2 attempts'
like "and says why the first one failed" "$("$ASSIZE" explain latest again/flaky)" \
	'attempt 1: fail status, 1, bound == 0: outside the bound'
run "$ASSIZE" report --format junit
like "JUnit shows it" "$out" '<system-out>pass: [^<]*flaky: passed at attempt 2[^<]*attempt 1: fail'
like "JSON counts it" "$("$ASSIZE" report --format json | tr -d ' ')" '"flaky":1'
exits "retries end" 1 "$ASSIZE" run again/never
like "after all attempts" "$("$ASSIZE" explain latest again/never)" '3 attempts'
run "$ASSIZE" run again/words again/wordsa --json
like "a long reason of an earlier attempt is kept" "$out" 'attempt 1: undecided.*éé'
unlike "in whole characters" "$out" '�'

# A commit waits for the disk five times. SQLite counts those of a file in its header, at byte 24.
commits() { od -An -tu1 -j24 -N4 .assize/record.db | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }
before=$(commits)
exits "a run whose results come together" 0 "$ASSIZE" run order/quick --quiet
is "is two commits: its begin, and its results with its end" $(($(commits) - before)) 2

exits "--quiet says nothing while all is well" 0 "$ASSIZE" run order --quiet
is "not a byte on standard output" "$out" ""
is "nor on standard error" "$err" ""
exits "--quiet tells a failure" 1 "$ASSIZE" run need/down --quiet
like "with the check's name" "$out" 'need/down'

exits "a selection that matches nothing is a usage error" 3 "$ASSIZE" run need/dwon
like "with a suggestion" "$err" 'need/down'
exits "an unknown option is a usage error" 3 "$ASSIZE" run --quite
like "with a suggestion, too" "$err" '[-][-]quiet'

# schedules
cat >due.yaml <<'YAML'
assize: 1
audits:
  nightly:
    schedule: "@yearly"
    checks:
      - { id: gone, command: { run: [/bin/true] } }
  manual:
    checks:
      - { id: hand, command: { run: [/bin/false] } }
YAML
mkdir fresh && cp due.yaml fresh/assize.yaml
exits "status before any run is undecided" 2 "$ASSIZE" status -f fresh
like "with every audit as never measured" "$out" 'undecided +never +.*checks? w(as|ere) never measured'
like "and what begins the record" "$err" 'nothing was ever run: there is no record yet.help: assize run '
is "as JSON" "$("$ASSIZE" status --json -f fresh 2>/dev/null | jq -c '[.audits[].measured] | add')" 0
nok "it makes no record" test -e fresh/.assize
exits "one that is named has to be there" 4 "$ASSIZE" status -f fresh --record fresh/none.db
printf 'assize: 1\ntargets: { r: { git: . } }\nrollback: { s: { repo: r, tags: "v*" } }\n' >sets.yaml
exits "a definition of rollback sets alone has nothing to run" 3 "$ASSIZE" run -f sets.yaml --record due.db
like "and says what proves them" "$err" 'no checks to run.* assize rollback verify'
exits "what was never measured is due" 0 "$ASSIZE" run --due -f due.yaml --record due.db
like "and is run" "$out" 'pass nightly/gone'
unlike "a check without a schedule is not" "$out" 'manual/hand'
exits "nothing is due twice" 0 "$ASSIZE" run --due -f due.yaml --record due.db
like "and that is said" "$out" 'nothing is due'
exits "likewise" 0 "$ASSIZE" run --due -f due.yaml --record due.db --json
is "as JSON, of no run" "$(jq -c '[.assize, .exit, .run, .checks]' <<<"$out")" '["run/1",0,null,[]]'
"$ASSIZE" run -q -f due.yaml --record due.db nightly/gone
sqlite3 due.db 'UPDATE run_ends SET state = 2 WHERE run = 2'
exits "what a run measured that was stopped is due" 0 "$ASSIZE" run --due -f due.yaml --record due.db
like "and is run again" "$out" 'pass nightly/gone'
sed 's|/bin/true]|/bin/true, x]|' due.yaml >other.yaml
"$ASSIZE" run -q -f other.yaml --record due.db nightly/gone
exits "so is what was measured under another definition" 0 "$ASSIZE" run --due -f due.yaml --record due.db
like "and is run again" "$out" 'pass nightly/gone'
exits "quietly where asked" 0 "$ASSIZE" run --due --quiet -f due.yaml --record due.db
is "with not a byte" "$out$err" ""
exits "status is undecided while a check was never measured" 2 "$ASSIZE" status -f due.yaml --record due.db
like "and says which audit" "$out" 'manual +undecided'

mkfifo hold
cat >hold.yaml <<'YAML'
assize: 1
audits:
  long:
    schedule: "@yearly"
    checks:
      - { id: wait, command: { run: [/bin/cat, hold] }, timeout: 60s }
YAML
"$ASSIZE" run --due -f hold.yaml --record hold.db >first.out 2>&1 &
first=$!
reap $first
holds() { "$ASSIZE" history -f hold.yaml --record hold.db 2>/dev/null | grep -q incomplete; }
ok "a scheduled run under way shows as incomplete" wait_for holds
exits "a second scheduled run is locked out" 2 "$ASSIZE" run --due -f hold.yaml --record hold.db
like "and told by whom" "$err" 'another scheduled run is under way.*help: '
timeout 20 bash -c ': >hold' # a reader that is gone would be waited for without end
wait $first
is "the first run ends well" $? 0
exits "afterwards the lock is free" 0 "$ASSIZE" run --due -f hold.yaml --record hold.db

# a signal
cat >signal.yaml <<'YAML'
assize: 1
audits:
  mixed:
    checks:
      - { id: first, command: { run: [/bin/true] } }
      - { id: hangs, command: { run: [/bin/cat, hold] }, timeout: 60s }
      - { id: never, needs: [mixed/hangs], command: { run: [/bin/true] } }
gates:
  g: { require: [ { audit: mixed } ], run: never }
YAML
"$ASSIZE" run -f signal.yaml --record signal.db --subject v1 >signal.out 2>&1 &
pid=$!
reap $pid
printed() { grep -q 'pass mixed/first' signal.out; }
ok "the first result is printed while another hangs" wait_for printed
kill -TERM $pid
wait $pid
is "a run ended by a signal is undecided" $? 2
like "and says so" "$(<signal.out)" 'interrupted by Terminated'
like "the record says so, too" "$("$ASSIZE" history -f signal.yaml --record signal.db)" 'interrupted'
like "what was printed is recorded" "$("$ASSIZE" explain latest mixed/first -f signal.yaml --record signal.db)" '^pass$|pass'
exits "its gate stays shut" 2 "$ASSIZE" gate g --subject v1 -f signal.yaml --record signal.db
is_gone() { ! pgrep -f "^/bin/cat hold" >/dev/null; }
ok "no program is left behind" wait_for is_gone

# streams and places that cannot be written
run bash -c '"$0" run need/other >/dev/full' "$ASSIZE"
isnt "a pass nobody could see is no pass" "$status" 0
exits "a report that cannot be written is no pass" 2 "$ASSIZE" run need/other --report html=/nowhere/x.html
like "which the last line says as well" "$out" 'exit=2'
like "and says which" "$err" '/nowhere/x.html'
printf 'assize: 1\naudits: { a: { checks: [ { id: no, command: { run: [/bin/false] } } ] } }\n' >no.yaml
exits "what is disproved stays so" 1 "$ASSIZE" run -f no.yaml --report html=/nowhere/x.html
like "and is told beside" "$out $err" 'exit=1.*/nowhere/x.html'
exits "an unknown format is found before anything runs" 3 "$ASSIZE" run need/other --report htm=x
like "with a suggestion" "$err" 'did you mean html'
exits "a record that cannot be made is exit 4" 4 "$ASSIZE" run need/other --record /proc/nowhere/r.db
like "and says so" "$err" '/proc/nowhere'

# secrets
cat >secret.yaml <<'YAML'
assize: 1
audits:
  s:
    checks:
      - id: leak
        command: { run: [/bin/sh, -c, 'echo "token is $TOKEN" >&2; echo "$TOKEN"; exit 1'], env: { TOKEN: "${env:SHOP_TOKEN}" } }
        expect: { output: "matches /never/" }
YAML
export SHOP_TOKEN=hunter2-s3cr3t-value
exits "a check that prints a secret" 1 "$ASSIZE" run -f secret.yaml --record secret.db --report html=s.html --report json=s.json --report junit=s.xml
unlike "shows it on no stream" "$out$err" 'hunter2'
like "but shows that something was there" "$out$err" '\*\*\*'
ok "nor in any report" bash -c '! grep -q hunter2 s.html s.json s.xml'
ok "nor in the record" bash -c '! grep -qa hunter2 secret.db*'
printf 'gates: { g: { require: [ { audit: s } ] } }\n' >>secret.yaml
for words in "run --subject" "gate g --subject" "override g --by me --reason r --until 1h --subject" \
	"override g --subject v1 --reason r --until 1h --by" "override g --subject v1 --by me --until 1h --reason"; do
	exits "$words and a secret is refused" 3 "$ASSIZE" $words "v1-$SHOP_TOKEN" -f secret.yaml --record said.db
	like "and the option named" "$err" "${words##* } holds a secret of the definition"
	unlike "without its value" "$out$err" hunter2
done
ok "nothing was recorded" test ! -e said.db
cat >argv.yaml <<'YAML'
assize: 1
audits: { s: { checks: [ { id: a, command: { run: [/bin/echo, "${env:SHOP_TOKEN}"] } } ] } }
YAML
exits "a secret is refused in argv" 3 "$ASSIZE" check -f argv.yaml
unlike "without being shown" "$err" 'hunter2'

done_testing
