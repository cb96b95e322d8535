#!/bin/bash
# command: what programs print by a protocol. Plugins, real ones too, TAP, JUnit, JSON.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

# says NAME STATUS TEXT: a program ./NAME that prints TEXT and exits so.
says()
{
	printf '%s' "$3" >"$1.txt"
	printf '#!/bin/sh\ncat "%s/%s.txt"\nexit %s\n' "$TMP" "$1" "$2" >"$1"
	chmod +x "$1"
}
says ok 0 'PING OK | rta=3ms;5;10 pl=0%;40;80 free=12MB x=U'
says warning 1 'DISK WARNING - 12 % free|free=12%;20:;10:'
says critical 2 'DISK CRITICAL - 2 % free|free=2%;20:;10:'
says unknown 3 'UNKNOWN - no such host'
says lost 4 'hm'
says liar 0 'LOAD OK|load1=20;5;10'
says piped 0 'DISK CRITICAL - 2 % free|free=2%'
says colon 1 'CRITICAL: 2 % free'
says unsure 0 'UNKNOWN - no such host'
says silent 0 $' \n'
says silent_critical 2 ''
says zero_critical 0 'PROCS OK: 0 CRITICAL - as it should be'
says critical_name 0 'CRITICAL services are up'
says limit_ms 0 'PING OK|rta=7s;5000ms;6000ms'
says limit_kb 0 'OK|x=7MB;5KB:6KB;5KB:6000KB'
says limit_fits 0 'OK|x=5500ms;5s;6s y=7MB;8000KB;9000KB z=3c;5c;6c u=7s;5;6MB'
says digits 0 'OK|a=5.000000000000000000001'
says twice 0 'OK|a=1 a=2'
says rubbish 0 'OK|rubbish a=1'
says swap 0 'SWAP OK - 100% free (2047 MB out of 2047 MB) |swap=2047MB;409;204;0;2047'
says ntp 0 'NTP OK: Offset -0.002 secs|offset=-0.002371s;60.000000;120.000000;'
says long 3 "UNKNOWN - $(printf '%01000d' 0)"
says tap_ok 0 $'1..3\nok 1\nok 2\nok 3 # SKIP no disk\n'
says tap_fails 0 $'1..3\nok 1\nnot ok 2 - second\nok 3\n'
says tap_short 0 $'1..3\nok 1\nok 2\n'
says tap_no_plan 0 $'ok 1\nok 2\n'
says tap_bails 0 $'1..2\nok 1\nBail out! no database\n'
says tap_exit 1 $'1..1\nok 1\n'
says tap_strict 0 $'TAP version 14\n1..1\npragma +strict\nok 1\nNOT OK 2\n'
says tap_lax 0 $'TAP version 14\n1..1\npragma +strict\npragma -strict\nok 1\nwarning: x\n'
says tap_skip_all 0 $'1..0 # SKIP no network\n'
says tap_skips 0 $'1..2\nok 1 # SKIP\nok 2 # SKIP\n'
says junit_ok 0 '<testsuite name="s" tests="2" time="1.5"><testcase name="a"/><testcase name="b"/></testsuite>'
says junit_fails 0 '<testsuite name="s"><testcase name="a"/><testcase classname="c" name="b"><failure message="boom"/></testcase></testsuite>'
says junit_lies 0 '<testsuite name="s" tests="3"><testcase name="a"/></testsuite>'
says junit_none 0 '<testsuites/>'
says junit_failures 0 '<testsuites failures="1"><testsuite><testcase name="a"/></testsuite></testsuites>'
says junit_errors 0 '<testsuite name="s" errors="1"><testcase name="a"/></testsuite>'
says junit_status 0 '<testsuite><testcase name="a" status="run" result="Failed"/></testsuite>'
says junit_rerun 0 '<testsuite><testcase classname="c" name="a"><rerunFailure/></testcase></testsuite>'
says junit_torn 0 '<testsuite><testcase name="a"/>'
says junit_apart 0 '<testsuite name="s" tests="1"><testcase name="a"/><error message="no database"/></testsuite>'
says junit_many 0 "<testsuites>$(printf '<testsuite name="%s" time="0"><testcase name="a"/></testsuite>' {1..1001})</testsuites>"
says junit_entity 0 '<!DOCTYPE x [<!ENTITY a "b">]><testsuite><testcase name="a"/></testsuite>'
says json 0 '{"jobs": {"waiting": 7, "state": "idle"}, "none": null}'
says json_noise 0 $'warning: slow\n{"a": 1}'
says json_empty 0 ''

check()
{
	printf '      - { id: %s, command: { run: [./%s], %s }%s }\n' "$@"
}
{
	printf 'assize: 1\naudits:\n  f:\n    defaults: { timeout: 20s }\n    checks:\n'
	for x in ok warning critical unknown lost liar piped colon unsure silent silent_critical zero_critical critical_name \
		limit_ms limit_kb limit_fits twice rubbish swap ntp long; do
		check $x $x 'format: nagios' ''
	done
	check rubbish_judged rubbish 'format: nagios' ', expect: { perfdata: "< 5" }'
	check rta ok 'format: nagios, perfdata: { response: rta, free: free }' \
		', expect: { response: "between 3ms and 3ms", free: "== 12MB" }'
	check slow ok 'format: nagios, perfdata: { response: rta }' ', expect: { response: "< 2ms" }'
	check plain ok 'format: nagios, perfdata: { response: rta }' ', expect: { response: "< 200" }'
	check plain_warn ok 'format: nagios, perfdata: { response: rta }' ', expect: { response: "< 200ms" }, warn: { response: "< 100" }'
	check plain_all ok 'format: nagios' ', expect: { perfdata: [ ">= 0", "in [1, 5, 100]" ] }'
	check every ok 'format: nagios' ', expect: { perfdata: ">= 0" }'
	check nothing ok 'format: nagios, perfdata: { v: nothing }' ', expect: { v: "< 2" }'
	check both twice 'format: nagios, perfdata: { v: a }' ', expect: { v: "< 5" }'
	check digits digits 'format: nagios, perfdata: { v: a }' ', expect: { v: "<= 5" }'
	check of_unknown unknown 'format: nagios, perfdata: { v: a }' ', expect: { v: "< 5" }'
	for x in tap_ok tap_fails tap_short tap_no_plan tap_bails tap_exit tap_strict tap_lax tap_skip_all tap_skips; do
		check $x $x 'format: tap' ''
	done
	check tap_zero tap_skip_all 'format: tap, min_tests: 0' ''
	check tap_many tap_ok 'format: tap, min_tests: 3' ''
	check tap_counts tap_ok 'format: tap' ', expect: { tests: "== 3", passed: "== 2", skipped: "== 1", todo: "== 0" }'
	check tap_share tap_fails 'format: tap' ', expect: { failed: "<= 40%" }'
	for x in junit_ok junit_fails junit_lies junit_failures junit_errors junit_status junit_rerun \
		junit_none junit_torn junit_apart junit_many junit_entity; do
		check $x $x 'format: junit' ''
	done
	check junit_time junit_ok 'format: junit' ', expect: { time: "== 1.5s", suite_time: "< 2s", suite_tests: "== 2", flaky: "== 0" }'
	check junit_each junit_many 'format: junit' ', expect: { suite_failed: "== 0" }'
	check junit_none_each junit_none 'format: junit' ', expect: { suite_failed: "== 0" }'
	check json json 'format: json, json: { queue: /jobs/waiting, state: /jobs/state }' ', expect: { queue: "< 10", state: "== \"idle\"" }'
	check json_high json 'format: json, json: { queue: /jobs/waiting }' ', expect: { queue: "< 5" }'
	check json_path json 'format: json, json: { v: "$.jobs.waiting", n: "count($.jobs.*)" }' ', expect: { v: "== 7", n: "== 2" }'
	check json_null json 'format: json, json: { v: /none }' ', expect: { v: "!= 5" }'
	check json_absent json 'format: json, json: { v: /no/such }' ', expect: { v: "!= 5" }'
	check json_noise json_noise 'format: json, json: { v: /a }' ', expect: { v: "== 1" }'
	check json_empty json_empty 'format: json, json: { v: /a }' ', expect: { v: "!= 1" }'
	check fresh writes 'format: junit, report: "reports/TEST-*.xml"' ', expect: { tests: "== 2" }'
	check stale true 'format: junit, report: "old/TEST-*.xml"' ''
	printf '      - { id: moved, command: { run: [chmod, "600", moved/TEST-A.xml], format: junit, report: "moved/TEST-*.xml" } }\n'
	check large writes_much 'format: tap, max_output: 64B, report: "much/*"' ''
	check absent true 'format: junit, report: "nowhere/*.xml"' ''
	printf '      - { id: dummy, command: { run: [check_dummy, "2", "not well"], format: nagios } }\n'
	for x in 'check_disk, -w, 1%, -c, 0%, -p, /' 'check_procs, -w, "1:", -c, "1:"' \
		'check_load, -w, "900,900,900", -c, "999,999,999"' 'check_tcp, -H, 127.0.0.1, -p, "1"' \
		'check_icmp, -H, 127.0.0.1'; do
		printf '      - { id: %s, timeout: 15s, command: { run: [/usr/lib/nagios/plugins/%s], format: nagios } }\n' \
			"real_${x%%,*}" "$x"
	done
	printf '      - { id: hang, timeout: 1s, command: { run: [/usr/lib/nagios/plugins/negate, -t, "900", /bin/sh, -c, "setsid sleep 1000.%s & sleep 1000.%s"], format: nagios } }\n' $$ $$
} >assize.yaml
mkdir reports old moved much
printf '#!/bin/sh\ncp ok.txt much/a; cp ok.txt much/b\n' >writes_much && chmod +x writes_much
echo '<testsuite><testcase name="a"/></testsuite>' | tee reports/TEST-A.xml old/TEST-A.xml >moved/TEST-A.xml
cat >writes <<'SH'
#!/bin/sh
for x in A B; do
	echo "<testsuite name='$x'><testcase name='a'/></testsuite>" >"reports/TEST-$x.xml"
done
SH
chmod +x writes
sed -i 's|run: \[./true\]|run: ["true"]|' assize.yaml

# One run of all of them.
run "$ASSIZE" run --json
is "the run disproves some of it" "$status" 1
results=$(jq -r '.checks[] | .name as $c | .series[] |
	"\($c) \(.outcome) [\(.series)] \(.shown // "") (\(.reason // ""))"' <<<"$out")
outcomes=$(jq -r '.checks[] | "\(.name) \(.outcome)"' <<<"$out")
# tells CHECK OUTCOME [REGEX]: how the check ended, and what is said of one of its values.
tells()
{
	like "$1: $2" "$outcomes" "(^|"$'\n'")f/$1 $2("$'\n'"|\$)"
	[ $# -lt 3 ] || like "$1: told" "$(grep "^f/$1 " <<<"$results")" "$3"
}

tells ok pass '\[perfdata\{label="rta"\}\] 3 ms'
tells warning warn
tells critical fail '\[status\] 2 '
tells unknown undecided 'does not know \(UNKNOWN\): UNKNOWN - no such host'
tells lost undecided 'exit status 4 is none that a plugin has'
tells liar undecided 'says OK, but its "load1" is outside of its own critical range 10'
tells piped undecided 'exits with 0 \(OK\), but its text says CRITICAL: its status was lost'
tells colon undecided 'exits with 1 \(WARNING\), but its text says CRITICAL'
tells unsure undecided 'exits with 0 \(OK\), but its text says UNKNOWN'
tells silent undecided 'printed nothing'
tells silent_critical fail
tells zero_critical pass
tells critical_name pass
tells limit_ms undecided 'its "rta" is outside of its own critical range 6000ms'
tells limit_kb undecided 'its "x" is outside of its own critical range 5KB:6000KB'
tells limit_fits pass
tells twice pass
tells rubbish pass 'no performance data: "rubbish"'
tells rubbish_judged undecided '\[perfdata\] .*no performance data: "rubbish"'
tells swap pass
tells ntp pass
tells long undecided 'UNKNOWN - 0{100,190}\.\.\.\)'
tells rta pass
tells slow fail '\[response\] 3 ms'
tells every undecided 'could not tell it'
tells nothing undecided 'reported no "nothing"; it reported: rta, pl, free, x'
tells both undecided 'reported it more than once'
tells digits undecided 'more digits than are kept'
tells of_unknown undecided '\[v\] .*UNKNOWN'

tells tap_ok pass
tells tap_fails fail '\[failed\] 1 '
tells tap_short undecided '3 tests were planned, 2 were reported'
tells tap_no_plan undecided 'no plan'
tells tap_bails undecided 'bailed out: no database'
tells tap_exit fail '\[status\] 1 '
tells tap_strict undecided 'it is strict \(pragma\), but "NOT OK 2" is no TAP'
tells tap_lax pass
tells tap_skip_all undecided 'all tests were skipped: SKIP no network'
tells tap_skips undecided 'no test ran'
tells tap_zero pass
tells tap_many undecided 'only 2 of at least 3 tests ran'
tells tap_counts pass
tells tap_share pass
like "what failed is evidence" "$(jq -r '.checks[].series[].evidence[]?' <<<"$out")" \
	'failed: not ok 2 - second'

tells junit_ok pass '\[suite_time\{suite="s"\}\] 1.5 s'
tells junit_fails fail '\[failed\] 1 '
like "with its message" "$(jq -r '.checks[].series[].evidence[]?' <<<"$out")" 'failed: c.b: boom'
tells junit_lies undecided 'says that it has 3 tests, but 1 is in it'
tells junit_failures undecided 'says that it has 1 failures, but 0 are in it'
tells junit_errors undecided 'suite "s" says that it has 1 errors, but 0 are in it'
tells junit_status undecided 'test case "a" says "failed" of itself, but has no <failure> or <error>'
tells junit_rerun undecided 'test case "c.a" failed when run again, but has no <failure>'
tells junit_none undecided 'no test ran'
tells junit_torn undecided 'not well-formed'
tells junit_apart undecided 'suite "s" has a <error> outside of all test cases'
tells junit_many pass
tells junit_each undecided '\[suite_failed\] .*1 suite more than the 1000'
tells junit_none_each undecided '\[suite_failed\] .*no test ran'
tells junit_entity undecided 'DOCTYPE'
tells junit_time pass
tells fresh pass
tells stale undecided 'is as old as before: the program did not write it'
tells moved undecided 'is as old as before: the program did not write it'
tells large undecided 'with ".*/much/b" the reports are larger than max_output'
tells absent undecided 'the program wrote no'

tells json pass
tells json_high fail '\[queue\] 7 '
tells json_path pass
tells json_null undecided "null"
tells json_absent undecided "nothing"
tells json_noise undecided 'not valid JSON.*it begins "warning'
tells json_empty undecided 'empty, not JSON'

tells dummy fail '\[status\] 2 '
tells plain undecided 'response\] .*the plugin gives it in ms, and the bound 200 has no unit: write 200ms, or whatever is meant'
tells plain_warn undecided 'response\] .*the bound 100 has no unit: write 100ms'
tells plain_all undecided 'perfdata\{label="rta"\}\] .*the plugin gives it in ms, and the bound 1 has no unit'
tells real_check_disk pass '\[perfdata\{label="/"\}\] [0-9.]+ GiB'
tells real_check_procs pass '\[perfdata\{label="procs"\}\]'
tells real_check_load pass 'label="load15"'
tells real_check_tcp fail
tells real_check_icmp pass 'label="rta"'
tells hang undecided 'did not end within 1 s'
nok "and what a plugin started ends with it" pgrep -f "sleep 1000[.]$$"

# A secret that a plugin repeats is longer than what is shown of an item: no piece of it is.
export PLUGIN_SECRET="Zebra$(printf 'Quagga%.0s' {1..20})"
printf '#!/bin/sh\necho "OK|x=$T $T y=1;2;3$T"\n' >repeats && chmod +x repeats
cat >secret.yaml <<'YAML'
assize: 1
audits:
  s: { checks: [ { id: a, command: { run: [./repeats], env: { T: "${env:PLUGIN_SECRET}" }, format: nagios }, expect: { perfdata: ">= 0" } } ] }
YAML
run "$ASSIZE" run -f secret.yaml
like "a secret in performance data: told without it" "$status $out$err" '^2 .*no performance data: "\*\*\*"'
unlike "a secret in performance data: no piece of it is shown" "$out$err" 'Quagga'
nok "a secret in performance data: nor recorded" grep -qa Quagga -r .assize

refused()
{
	printf 'assize: 1\naudits:\n  c:\n    checks:\n      - { id: a, command: { run: [x], %s } }\n' \
		"$2" >bad.yaml
	exits "$1: a definition error" 3 "$ASSIZE" check -f bad.yaml
	like "$1: told with its line" "$err" "bad.yaml:5:[0-9]+: .*$3"
}
refused "a key of another format" 'format: tap, perfdata: { a: b }' '"perfdata" means nothing with format tap'
refused "a report without a format" 'report: x' '"report" means nothing with format plain'
refused "a value of another format" 'format: tap }, expect: { flaky: "== 0"' 'format tap gives no value "flaky"'
refused "a value without a format" 'env: {} }, expect: { failed: "== 0"' 'only with "format"'
refused "JSON of which nothing is taken" 'format: json' 'needs "json"'
refused "what is no JSON Pointer" 'format: json, json: { a: b }' 'JSON Pointer'
refused "a name that is taken" 'format: json, json: { status: /b }' 'is a value of every command'
refused "ports without tcp" 'sandbox: { ports: [80] }' 'need one another'
refused "tcp without ports" 'sandbox: { network: tcp }' 'need one another'
refused "a port that is none" 'sandbox: { network: tcp, ports: ["70000"] }' '"70000" is no port'
refused "a path that is secret" 'sandbox: { write: ["${env:HOME}"] }' 'cannot hold a value'
done_testing
