#!/bin/bash
# never green: nothing but a fresh, complete, recorded pass opens a gate or exits 0. Every way not to have
# one, times every operator of the expectation language, through run, gate, JSON and JUnit.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www
testd --dir "$TMP/www"
sqlite3 shop.db 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL)'
printf 'queue_nan NaN\nqueue_inf +Inf\nqueue_low -Inf\n' >www/metrics
: >www/empty

numeric=('< 5' '<= 5' '> 5' '>= 5' '== 5' '!= 5' '!= 0' 'between -10 and 10' 'in [0, 5]'
	'within 10% of median(28d)' 'within 3 sigma of mean(28d)')
text=('matches /./' '== "a"' '!= "a"' 'in ["", "a"]')

# define FILE KIND... : a check a kind and operator, a gate a check, one gate for all of them
define()
{
	local file=$1 operator kind i=0
	shift
	{
		printf 'assize: 1\ntargets:\n  shop: { sqlite: shop.db }\n  web: { http: "http://127.0.0.1:%s" }\n' "$port"
		printf '  gone: { http: "http://127.0.0.1:1" }\n  lost: { prometheus: "http://127.0.0.1:1" }\n'
		printf 'audits:\n  m:\n    checks:\n'
		for kind in "$@"; do
			for operator in "${operators[@]}"; do
				# %OP% stands for the operator, quoted for YAML
				printf '      - { id: c%d, %s }\n' $i "${kind//%OP%/"'$operator'"}"
				i=$((i + 1))
			done
		done
		printf 'gates:\n  all: { require: [ { check: "m/c*", max_age: 1h } ], run: never }\n'
		while [ $i -gt 0 ]; do
			i=$((i - 1))
			printf '  g%d: { require: [ { check: m/c%d, max_age: 1h } ], run: never }\n' $i $i
		done
	} >"$file"
}

# stays_shut CLAIM FILE SUBJECT: the gate over all checks, and what it says about each of them
stays_shut()
{
	local n
	n=$(grep -c '{ id: c' "$2")
	run "$ASSIZE" gate all -f "$2" --subject "$3" --json
	is "$1: gate exits 2" "$status" 2
	is "$1: decision, and requirements of $n checks that are met" "$(jq -r '
		(if .assize == "run/1" then .decisions[-1] else . end) |
		"\(.decision) \(.outcome) \([.lines[] | select(.outcome == "pass" or .outcome == "warn")] | length) of \([.lines[].check | select(. != "clock")] | unique | length)"
		' <<<"$out")" "shut undecided 0 of $n"
}

# each_gate CLAIM FILE SUBJECT: a gate a check, each with its own process and exit status
each_gate()
{
	local gate opened='' n=0
	for gate in $(sed -n 's/^  \(g[0-9]*\): .*/\1/p' "$2"); do
		run "$ASSIZE" gate "$gate" -f "$2" --subject "$3"
		[ "$status" -eq 2 ] && [[ $out == *decision=SHUT* ]] || opened="$opened $gate(exit $status)"
		n=$((n + 1))
	done
	is "$1: none of $n gates opens" "$opened" ""
}

# nothing CLAIM KIND...: measured by nobody, whatever is expected
nothing()
{
	local claim=$1
	shift
	rm -rf .assize
	define none.yaml "$@"
	run "$ASSIZE" run 'm/c*' -f none.yaml --subject v1 --json --report junit=junit.xml
	is "$claim: run exits 2" "$status" 2
	is "$claim: no outcome passes" \
		"$(jq -r '[.checks[] | select(.name | startswith("m/c")) | .outcome] | unique | join(" ")' <<<"$out")" "${want:-undecided}"
	is "$claim: nor in JUnit" \
		"$(xmllint --xpath 'count(//testcase[starts-with(@name, "c") and not(failure or error or skipped)])' junit.xml)" 0
	stays_shut "$claim" none.yaml v1
}

operators=("${numeric[@]}" "${text[@]}")
nothing 'error' 'target: shop, sql: "SELECT x FROM nowhere", expect: %OP%'
each_gate 'error' none.yaml v1
nothing 'no rows' 'target: shop, sql: "SELECT total FROM orders", expect: %OP%'
nothing 'NULL' 'target: shop, sql: "SELECT max(total) FROM orders", expect: %OP%'
nothing 'infinity from SQL' 'target: shop, sql: "SELECT 9e999", expect: %OP%'
nothing 'timeout' 'target: shop, timeout: 100ms, sql: "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", expect: %OP%'

operators=("${numeric[@]}")
nothing 'NaN' 'target: web, scrape: { path: /metrics, metric: queue_nan }, expect: %OP%'
nothing 'infinity' 'target: web, scrape: { path: /metrics, metric: queue_inf }, expect: %OP%' \
	'target: web, scrape: { path: /metrics, metric: queue_low }, expect: %OP%'
nothing 'empty exposition' 'target: web, scrape: { path: /empty, metric: queue_nan }, expect: %OP%'
nothing 'no such series' 'target: web, scrape: { path: /metrics, metric: queue_gone }, expect: %OP%'
nothing 'killed' 'command: { run: [sh, -c, "kill -KILL $$"] }, expect: { status: %OP% }'

nothing 'nobody listens' 'target: gone, http: /, expect: { total: %OP% }' \
	'target: gone, journey: { steps: [ { id: a, path: / } ] }, expect: { total: %OP% }' \
	'target: lost, promql: { query: up }, expect: %OP%' \
	'tls: { address: "127.0.0.1:1", name: a.example }, expect: { days_left: %OP% }' \
	'dns: { name: a.example, server: "127.0.0.1:1" }, expect: { ttl: %OP% }'
: >empty-file
nothing 'nothing there' 'archive: nowhere, expect: { bytes: %OP% }' 'elf: nowhere, expect: { needed: %OP% }' \
	'sbom: nowhere, expect: { components: %OP% }' 'secrets: nowhere, expect: { files: %OP% }' \
	'oci: nowhere, expect: { layers: %OP% }' \
	'log: { path: nowhere, from: begin, pattern: x }, expect: { matches: %OP% }'
nothing 'an empty file' 'archive: empty-file, expect: { bytes: %OP% }' 'elf: empty-file, expect: { needed: %OP% }' \
	'sbom: empty-file, expect: { components: %OP% }' 'oci: empty-file, expect: { layers: %OP% }'
echo x >one-line
nothing 'a first look' 'log: { path: one-line, pattern: y }, expect: { matches: %OP%, lines: %OP%, bytes: %OP% }'
nothing 'never recorded' 'recorded: { name: nobody, max_age: 7d }, expect: %OP%'

few='n: 2, min_samples: 2, warm_up: 0'
nothing 'a repetition fails' "benchmark: { command: ['false'], $few }, expect: { time: %OP% }" \
	"target: gone, benchmark: { http: { path: / }, $few }, expect: { time: %OP% }" \
	"target: shop, benchmark: { sql: SELECT x FROM nowhere, $few }, expect: { time: %OP% }"

operators=('not worse than history')
rm -rf .assize
define none.yaml "benchmark: { command: ['true'], $few }, expect: { time: %OP%, cpu: %OP%, memory: %OP% }"
exits 'no history: run exits 2' 2 "$ASSIZE" run 'm/c*' -f none.yaml --subject v1
stays_shut 'no history' none.yaml v1
operators=('not worse than control')
nothing 'no control' "benchmark: { command: ['true'], against: ['false'], n: 5, min_samples: 5, warm_up: 0 }, expect: { ratio: %OP% }"

operators=('within 10% of median(28d)' 'within 3 sigma of mean(28d)')
nothing 'missing baseline' 'target: shop, sql: "SELECT 5", expect: %OP%'

# skipped: what a check needs does not pass
operators=("${numeric[@]}" "${text[@]}")
rm -rf .assize
define skip.yaml 'target: shop, needs: [m/down], sql: "SELECT 5", expect: %OP%'
sed -i '0,/checks:/s//checks:\n      - { id: down, command: { run: ["false"] } }/' skip.yaml
run "$ASSIZE" run -f skip.yaml --subject v1 --json --report junit=junit.xml
is "skipped: run exits 1, for what it needs has failed" "$status" 1
is "skipped: no outcome passes" "$(jq -r '[.checks[] | select(.name != "m/down") | .outcome] | unique | join(" ")' <<<"$out")" skip
is "skipped: nor in JUnit" "$(xmllint --xpath 'count(//testcase[starts-with(@name, "c") and not(failure or error or skipped)])' junit.xml)" 0
stays_shut "skipped" skip.yaml v1

# What passes opens; then one thing about the evidence changes. `within` needs its history first.
pass=('< 6' '<= 5' '> 4' '>= 5' '== 5' '!= 6' 'between 0 and 10' 'in [1, 5]'
	'within 10% of median(28d)' 'within 3 sigma of mean(28d)')
operators=("${pass[@]}")
define good.yaml 'target: shop, sql: "SELECT 5", expect: %OP%'
rm -rf .assize
for _ in 1 2 3 4 5 6 7; do
	"$ASSIZE" run -f good.yaml --subject v1 >/dev/null
done
exits "the intact world passes" 0 "$ASSIZE" run -f good.yaml --subject v1
exits "and its gate opens" 0 "$ASSIZE" gate all -f good.yaml --subject v1
like "and says so" "$out" 'decision=OPEN'
cp .assize/record.db good.db

# spoiled CLAIM MESSAGE SQL
spoiled()
{
	cp good.db .assize/record.db
	sqlite3 .assize/record.db "$3"
	stays_shut "$1" good.yaml v1
	like "$1: told" "$out" "$2"
}
spoiled 'stale' 'measured 2 h( [0-9]+ (h|min))? ago, limit 60 min' 'UPDATE runs SET begin_ms = begin_ms - 7200000'
each_gate 'stale' good.yaml v1
spoiled 'from the future' 'in the future: a clock is wrong' 'UPDATE runs SET begin_ms = begin_ms + 7200000'
spoiled 'incomplete run' 'did not come to its end' 'DELETE FROM run_ends WHERE run = (SELECT max(id) FROM runs)'
spoiled 'interrupted run' 'was interrupted' 'UPDATE run_ends SET state = 2'
spoiled 'no value' 'without a value' 'UPDATE results SET value = NULL'
spoiled 'nothing recorded' 'never measured' 'DELETE FROM latest; DELETE FROM states; DELETE FROM results'
cp good.db .assize/record.db
stays_shut 'another subject' good.yaml v2
like 'another subject: told' "$("$ASSIZE" gate all -f good.yaml --subject v2)" 'never measured about "v2"; last about "v1"'
sed -i 's/expect: .< 6./expect: "< 7"/' good.yaml
run "$ASSIZE" gate g0 -f good.yaml --subject v1
is "another definition of the check: exits 2" "$status" 2
like "another definition of the check: told" "$out" 'under another definition of the check'

# No gate, no checks, no record, no subject.
exits "no such gate" 3 "$ASSIZE" gate nowhere -f good.yaml --subject v1
exits "no subject" 3 "$ASSIZE" gate all -f good.yaml
exits "a selection that matches nothing" 3 "$ASSIZE" run m/none -f good.yaml
printf 'assize: 1\naudits: { m: { checks: [] } }\ngates: { all: { require: [ { check: "m/*" } ] } }\n' >zero.yaml
run "$ASSIZE" run -f zero.yaml
isnt "zero checks: run does not exit 0" "$status" 0
run "$ASSIZE" gate all -f zero.yaml --subject v1
isnt "zero checks: nor does the gate" "$status" 0
unlike "zero checks: nor does it open" "$out" OPEN
printf 'assize: 1\n' >nothing.yaml
run "$ASSIZE" run -f nothing.yaml
isnt "an empty definition: run does not exit 0" "$status" 0
rm -rf .assize
stays_shut 'no record yet' good.yaml v1
printf 'not a database, only text that is long enough to look like one\n%.0s' {1..100} >.assize/record.db
exits "a record that is none" 4 "$ASSIZE" gate all -f good.yaml --subject v1
sqlite3 newer.db 'PRAGMA application_id = 1095981637; PRAGMA user_version = 99'
exits "a record of a newer version" 4 "$ASSIZE" gate all -f good.yaml --subject v1 --record newer.db
like "and it is said" "$err" 'version 99'

# A run that was killed.
cat >kill.yaml <<'YAML'
assize: 1
audits:
  m:
    checks:
      - { id: done, command: { run: ["true"] } }
      - { id: hang, needs: [m/done], timeout: 60s, command: { run: [sh, -c, "touch hanging; sleep 60"] } }
gates:
  all: { require: [ { check: "m/done", max_age: 1h } ], run: never }
YAML
rm -rf .assize
"$ASSIZE" run -f kill.yaml --subject v1 >/dev/null 2>&1 &
reap $!
recorded() { [ "$(sqlite3 .assize/record.db 'SELECT count(*) FROM results')" -gt 0 ]; }
wait_for test -e hanging
wait_for recorded || bail "m/done was not recorded while m/hang hung"
kill -KILL $!
wait $! 2>/dev/null
run "$ASSIZE" gate all -f kill.yaml --subject v1
is "a killed run: exits 2" "$status" 2
like "a killed run: told" "$out" 'did not come to its end'

# ---- a gate that cannot start leaves nobody the report of another day ----

mkdir old && cd old
cat >good.yaml <<'YAML'
assize: 1
audits: { a: { checks: [ { id: c, command: { run: ["true"] } } ] } }
gates: { g: { require: [ { audit: a } ], subject: any } }
YAML
printf 'assize: 1\ngates: { g: { require: [ { audit: none } ] } }\n' >bad.yaml
printf 'no record\n' >text.db
reports=()
for format in html json junit junit-gitlab tap ctrf sarif gitlab-codequality markdown; do
	reports+=(--report "$format=r.$format")
done
cannot()
{
	local claim=$1 expected=$2
	shift 2
	exits "a gate that opens" 0 "$ASSIZE" gate g -f good.yaml "${reports[@]}" --report openmetrics=r.prom
	is "has written its reports" "$(ls r.* | wc -l)" 10
	run "$ASSIZE" "$@" "${reports[@]}" --report openmetrics=r.prom
	is "$claim: exit $expected" "$status" "$expected"
	is "$claim: only what tells its age is left" "$(echo r.*)" r.prom
	like "$claim: which is told" "$err" 'removed report "junit=r.junit": it was of an earlier run'
}
cannot "a definition with an error" 3 gate g -f bad.yaml
cannot "no definition" 3 gate g -f none.yaml
cannot "no such gate" 3 gate h -f good.yaml
cannot "no record" 4 gate g -f good.yaml --record text.db
cannot "a report of no format" 3 gate g -f good.yaml --report pdf=r.pdf
cannot "a run of nothing" 3 run none -f good.yaml
cannot "an option that there is not" 3 gate g --bogus -f good.yaml
cannot "one that is for another command" 3 gate g --limit 3 -f good.yaml
cannot "an option that is given twice" 3 gate g -s v1 -s v1 -f good.yaml
cannot "a password in --record" 3 gate g -f good.yaml --record postgresql://a:word@localhost/x
cannot "a number that is none" 3 gate g -f good.yaml --jobs x
export ASSIZE_JOBS=x
exits "a gate that is told how many" 0 "$ASSIZE" gate g -f good.yaml --jobs 1 "${reports[@]}"
run "$ASSIZE" gate g -f good.yaml "${reports[@]}"
is "a number of the environment that is none: exit 3" "$status" 3
is "leaves no report" "$(echo r.*)" r.prom
unset ASSIZE_JOBS
exits "a report of the environment" 0 env ASSIZE_REPORT=tap=r.tap "$ASSIZE" gate g -f good.yaml
exits "is read behind an error, too" 3 env ASSIZE_REPORT=tap=r.tap "$ASSIZE" gate g --bogus -f good.yaml
is "and removed" "$(echo r.*)" r.prom
exits "it opens once more" 0 "$ASSIZE" gate g -f good.yaml --report tap=r.tap
exits "an option without its value" 3 "$ASSIZE" gate g --report=tap=r.tap --subject
is "leaves none" "$(echo r.*)" r.prom
exits "and again" 0 "$ASSIZE" gate g -f good.yaml --report tap=r.tap
exits "a word behind --" 3 "$ASSIZE" gate g --bogus -- --report tap=r.tap
exits "a value of another option" 3 "$ASSIZE" gate g --bogus --subject --report=tap=r.tap
exits "a schedule" 3 "$ASSIZE" run --due --bogus --report tap=r.tap
is "leave it where it is" "$(echo r.*)" 'r.prom r.tap'

openssl genpkey -algorithm ed25519 -out key 2>/dev/null && chmod 600 key
statements=(-s "$(printf '%064d' 1)" --sign-key key)
for format in test-result vsa test-result-dsse vsa-dsse; do
	statements+=(--attest "$format=s.$format")
done
stated()
{
	local claim=$1 expected=$2
	shift 2
	exits "a gate that opens" 0 "$ASSIZE" gate g -f good.yaml "${statements[@]}"
	is "has made its statements" "$(ls s.* | wc -l)" 4
	run "$ASSIZE" "$@" "${statements[@]}"
	is "$claim: exit $expected" "$status" "$expected"
	is "$claim: no statement is left" "$(echo s.*)" 's.*'
	like "$claim: which is told" "$err" 'removed statement "vsa=s.vsa": it was of an earlier run'
}
stated "an option that there is not" 3 gate g --bogus -f good.yaml
stated "a definition with an error" 3 gate g -f bad.yaml
stated "no such gate" 3 gate h -f good.yaml
stated "no record" 4 gate g -f good.yaml --record text.db
stated "a key that is given twice" 3 gate g -f good.yaml --sign-key none
exits "a gate that opens" 0 "$ASSIZE" gate g -f good.yaml "${statements[@]}"
exits "a record that others sign" 0 "$ASSIZE" ledger init -q -f good.yaml
mv .assize/ledger.key kept && cp key .assize/ledger.key
exits "a record that cannot be signed" 4 "$ASSIZE" gate g -f good.yaml "${statements[@]}"
is "has nothing stated" "$(echo s.*)" 's.*'
mv kept .assize/ledger.key
printf '{"payload":"e30="}\n' >s.vsa-dsse
exits "what is no statement" 3 "$ASSIZE" gate h -f good.yaml "${statements[@]}"
is "stays" "$(cat s.vsa-dsse)" '{"payload":"e30="}'
rm s.*

exits "it opens" 0 "$ASSIZE" gate g -f good.yaml "${reports[@]}"
rm r.junit && mkdir r.junit
exits "a report that cannot be written" 2 "$ASSIZE" gate g -f good.yaml "${reports[@]}"
is "takes the others with it" "$(echo r.*)" "r.junit r.prom"
rmdir r.junit
printf 'mine\n' >r.junit
printf '{ "mine": 1 }\n' >r.json
cp bad.yaml r.markdown
exits "what is no report" 3 "$ASSIZE" gate g -f bad.yaml "${reports[@]}"
is "stays" "$(cat r.junit r.json | tr '\n' ' ')" 'mine { "mine": 1 } '
ok "likewise a definition" cmp -s bad.yaml r.markdown
rm r.*
exits "it opens again" 0 "$ASSIZE" gate g -f good.yaml --report html=r.html
exits "nothing is due" 0 "$ASSIZE" run --due -f good.yaml --report html=r.html
exits "a schedule that cannot start" 3 "$ASSIZE" run --due -f bad.yaml --report html=r.html
is "keeps its page, which tells its time" "$(echo r.*)" r.html
cd ..

done_testing
