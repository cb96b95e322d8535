#!/bin/bash
# challenge of kind command: what each check notices of a program that ends, prints or reports otherwise, in every
# format; that nobody is attacked on what he does not look at, and that the program itself is run once.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/attacks.sh"
cd "$TMP"
chmod 755 . && chmod o+x "${TMPDIR:-/tmp}" # who runs in a sandbox is nobody
plugins=/usr/lib/nagios/plugins

# Every program notes that it ran.
program()
{
	{
		printf '#!/bin/sh\necho %s >>"%s/runs"\n' "$1" "$TMP"
		cat
	} >"$1"
	chmod 755 "$1"
}
program status <<<'exit 3'
program text <<<'echo starting; echo "12 rows"; echo done'
program tap <<'SH'
echo 'TAP version 13'
echo 'ok 1 - first'
echo '    ok 1 - inner'
echo '    1..1'
echo 'ok 2 - with C\# in it'
echo 'not ok 3 - later # todo one day'
echo 'ok 4 - not here # SKIP no network'
echo 'ok 5'
echo 'ok 6 - last'
echo '1..6'
SH
program json <<'SH'
printf '{"up": true, "jobs": {"waiting": 30, "broken": 0, "a/b": true}, "state": "ok",\n "load": 1.5, "list": [1, 2, 3, 4], "idle": 7}\n'
SH
program junit <<'SH'
mkdir -p build
cat >build/TEST-a.xml <<'X'
<?xml version="1.0"?>
<testsuite name="a &amp; b" tests="3" failures="0" skipped="1" time="1.5">
<testcase classname="c" name="x &lt; y" time="0.5"/><testcase name="b"><skipped/></testcase><testcase name="z" status="run"/>
</testsuite>
X
echo '<testsuites time="0.25"><testsuite name="b" tests="2"><testcase name="x"/><testcase name="y"/></testsuite></testsuites>' >build/TEST-b.xml
SH
program junit_bare <<<'echo "<testsuite><testcase name=\"a\"/><testcase name=\"b\"/></testsuite>"'
program plugin <<'SH'
echo "BROKER OK - 2 queues | used=2643MB;5948;5958;0;5968 time=0.012s;;;0 idle=55 'a b'=3"
SH
mkdir report inner secret
export SECRET=hunter2-swordfish
program tells <<<'echo "$T is it"; echo "$T" >&2'
touch -d '2 hours ago' aged && echo hello >>aged && touch -d '2 hours ago' aged

cat >assize.yaml <<YAML
assize: 1
audits:
  c:
    defaults: { timeout: 30s }
    checks:
      - { id: one, command: { run: [echo, "1"] }, expect: { output: '== "1"' } }
      - { id: status, command: { run: [./status] }, expect: { status: "== 3" } }
      - { id: any_status, command: { run: [./status] }, expect: { status: "<= 200" } }
      - { id: text, command: { run: [./text] }, expect: { output: "matches /done\$/", errors: '== ""' } }
      - { id: exact, command: { run: [../text], cwd: inner }, expect: { output: "matches /^starting\n12 rows\ndone\$/" } }
      - { id: cost, command: { run: [./text] }, expect: { duration: "< 25s", memory: "< 1GiB" } }
      - { id: tap, command: { run: [./tap], format: tap } }
      - { id: tap_all, command: { run: [./tap], format: tap }, expect: { passed: "== 4" } }
      - id: json
        command:
          run: [./json]
          format: json
          json: { waiting: /jobs/waiting, broken: /jobs/broken, flag: /jobs/a~1b, state: /state, load: $.load, n: "count($.list[*])", up: $.up, idle: /idle }
        expect: { waiting: "<= 100", broken: "== 0", flag: '== "true"', state: '== "ok"', load: "between 1 and 2", n: ">= 2", up: '== "true"' }
      - { id: junit, command: { run: [./junit], format: junit, report: "build/TEST-*.xml" }, expect: { time: "between 1s and 4s" } }
      - { id: junit_bare, command: { run: [./junit_bare], format: junit } }
      - { id: plugin, command: { run: [./plugin], format: nagios, perfdata: { response: time } }, expect: { response: "between 1ms and 1s" } }
      - { id: verdict, command: { run: [./plugin], format: nagios } }
      - { id: age, command: { run: [$plugins/check_file_age, -w, "86400", -c, "864000", -W, "1", -C, "0", -f, $TMP/aged], format: nagios, perfdata: { size: size } }, expect: { size: "== 6B" } }
      - { id: perl, command: { run: [perl, -MTest::More, -e, 'plan(tests => 3); ok(1, "t\$_") for 1 .. 3'], format: tap, min_tests: 3 } }
      - id: boxed
        command: { run: [./text], sandbox: { read: [.], write: [runs], processes: 1, memory: 64MiB, open_files: 16 } }
        expect: { output: "matches /12 rows/" }
      - { id: claims, claims: [silent, killed], command: { run: [./text] }, expect: { output: "matches /done\$/" } }
      - { id: short, timeout: 700ms, command: { run: [printf, x] } }
      - { id: bad, command: { run: ["false"] } }
      - { id: none, command: { run: [no-such-program] } }
      - { id: tells, command: { run: [./tells], env: { T: "\${env:SECRET}" } }, expect: { output: "matches /is it/" } }
YAML
: >runs
chmod 666 runs
run "$ASSIZE" challenge
echo "$out" >told

# noticed CHECK: the table of its attacks is what follows
noticed()
{
	is "$1: what it notices" "$(attacks "c/$1")" "$(cat)"
}
reasons()
{
	sqlite3 .assize/record.db "SELECT t.body $of_last JOIN attacks a ON a.challenge = c.id
		JOIN texts t ON t.id = a.reason WHERE k.name = '$1' ORDER BY a.place"
}
noticed status <<'X'
steady identity
steady more-errors
steady more-newline
failed silent
failed exit-1
failed exit-127
no value killed
error hangs
X
noticed any_status <<'X'
steady identity
steady more-errors
steady more-newline
wrong way silent
wrong way exit-1
tolerated exit-127
no value killed
error hangs
X
noticed text <<'X'
steady identity
steady more-newline
failed silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
failed to-stderr
tolerated last-line-only
failed half-output
no value nul-byte
failed complains
X
noticed exact <<'X'
steady identity
steady more-errors
steady more-newline
failed silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
error cwd-missing
failed to-stderr
failed last-line-only
failed half-output
no value nul-byte
X
noticed cost <<'X'
steady identity
steady more-errors
steady more-newline
failed exit-1
failed exit-127
no value killed
error hangs
failed slow duration
failed large memory
X
tap='steady identity
steady more-errors
steady more-newline
no value silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
no value to-stderr
no value last-line-only
no value half-output
failed test-failed
no value test-lost'
noticed tap <<X
$tap
tolerated tests-gone
no value tests-skipped
no value suite-empty
X
noticed tap_all <<X
$tap
failed tests-gone
no value tests-skipped
no value suite-empty
X
noticed json <<'X'
steady identity
steady more-errors
steady more-newline
no value silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
no value to-stderr
no value last-line-only
no value half-output
no value nul-byte
wrong way zeroed waiting
tolerated doubled waiting
failed ten-times waiting
wrong way tenth waiting
wrong way negated waiting
no value as-text waiting
no value nulled waiting
no value removed waiting
failed nonzero broken
no value as-text broken
no value nulled broken
no value removed broken
failed negated flag
no value nulled flag
no value removed flag
failed emptied state
failed unknown state
no value nulled state
no value removed state
failed zeroed load
failed doubled load
failed ten-times load
failed tenth load
failed negated load
no value as-text load
no value other-locale load
no value nulled load
no value removed load
tolerated items-lost n
inconclusive removed up
out of reach removed idle
X
noticed junit <<'X'
steady identity
steady more-errors
steady more-newline
no value silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
no value half-output
no value nul-byte
failed test-failed
no value test-lost
tolerated tests-gone
no value tests-skipped
no value suite-empty
failed zeroed time
tolerated doubled time
failed ten-times time
failed tenth time
no value negated time
no value as-text time
no value other-locale time
no value removed time
X
noticed junit_bare <<'X'
steady identity
steady more-errors
steady more-newline
no value silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
no value to-stderr
no value half-output
no value nul-byte
failed test-failed
tolerated tests-gone
no value tests-skipped
no value suite-empty
X
plugin='steady identity
steady more-errors
steady more-newline
no value silent
failed exit-2
no value exit-127
no value killed
error hangs
no value flood
no value to-stderr'
noticed plugin <<X
$plugin
no effect last-line-only
no value half-output
no value status-lost
no value doubled used
failed zeroed time
tolerated doubled time
tolerated ten-times time
tolerated tenth time
failed negated time
no value as-text time
no value other-locale time
no value nulled time
no value removed time
out of reach removed idle
out of reach removed a b
X
noticed verdict <<X
$plugin
no value status-lost
no value doubled used
out of reach removed time
out of reach removed idle
out of reach removed a b
X
noticed perl <<X
steady identity
steady more-errors
steady more-newline
no value silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
no value to-stderr
no value last-line-only
no value half-output
failed test-failed
no value test-lost
no value tests-gone
no value tests-skipped
no value suite-empty
X
noticed age <<X
$plugin
no effect last-line-only
no value half-output
no value status-lost
no value doubled age
failed zeroed size
failed doubled size
failed ten-times size
failed tenth size
failed negated size
no value as-text size
no value nulled size
no value removed size
X
noticed boxed <<'X'
steady identity
steady more-errors
steady more-newline
failed silent
failed exit-1
failed exit-127
no value killed
error hangs
no value flood
failed to-stderr
failed last-line-only
failed half-output
no value nul-byte
X
noticed claims <<'X'
steady identity
steady more-errors
steady more-newline
failed silent
out of claim exit-1
out of claim exit-127
no value killed
out of claim hangs
out of claim flood
out of claim to-stderr
out of claim last-line-only
out of claim half-output
out of claim nul-byte
X

like 'what never ends is waited for as long as the check waits' "$(reasons c/short)" 'did not end within 700 ms'
like 'but not for longer than it takes to know' "$(reasons c/text)" 'did not end within 1 s'
like 'what fails proves nothing' "$(unchallenged c/bad)" 'does not pass as it is'
like 'nor does what is not there' "$(unchallenged c/none)" 'could not run "no-such-program"'

is 'every program ran once for each check of it' "$(sort runs | uniq -c | sed 's/^ *//')" \
	'1 json
1 junit
1 junit_bare
2 plugin
2 status
2 tap
1 tells
5 text'
is 'a report stays as the program wrote it' "$(grep -c '<testcase' build/TEST-a.xml build/TEST-b.xml | tr '\n' ' ')" \
	'build/TEST-a.xml:1 build/TEST-b.xml:1 '

# how much it takes
turns()
{
	like "$1 $2 turns red when" "$(turns_red "c/$1" "$2")" "$3"
}
turns tap test-failed '\|1 of 4 tests that passed fails$'
turns tap_all tests-gone '\|1 of 4 tests that passed is gone'
turns json doubled '^2\.[34][0-9.]*\|waiting is 1[0-9]{2} in place of 30'
turns json nonzero '\|broken is 1 in place of 0'
turns json items-lost '\|3 of the 4 that n counts are gone'
turns junit test-failed '\|1 of 4 tests that passed fails'
turns plugin doubled '\|used is (59[5-9]|6[0-2])[0-9]+ in place of 2643MB'
turns cost large '\|it takes [0-9.]+ times as much memory, (1.0[0-9]* GiB|1 GiB|10[0-9][0-9] MiB)'

unlike 'no secret is told' "$(cat told)$err" 'hunter2'
nok 'nor recorded' grep -rq hunter2 .assize
unlike 'nothing was out of its time' "$(for c in text tap json junit plugin boxed; do attacks c/$c; done)" 'inconclusive [^r]'
like 'that a newline is lost is no damage' "$(attacks c/one)" 'no effect half-output'
is 'nothing stays behind' "$(ls "${TMPDIR:-/tmp}" | grep -c '^assize-held')" 0
done_testing
