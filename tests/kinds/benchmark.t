#!/bin/bash
# benchmark: repetitions are measured alone, kept, and held against bounds, a control and their own history.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
mkdir www
echo hello >www/page
testd --dir "$TMP/www"
sqlite3 shop.db 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL); INSERT INTO orders VALUES (1, 5), (2, 7)'
cat >work <<'SH'
#!/bin/sh
# work NAME: sleeps as long as the file NAME says; fails when NAME.fails counts down to it
if [ -e "$1.fails" ]; then
	read -r left <"$1.fails"
	echo $((left - 1)) >"$1.fails"
	[ "$left" -gt 1 ] || { echo "out of luck" >&2; exit 3; }
fi
read -r delay <"$1"
[ "$delay" = 0 ] || exec sleep "$delay"
SH
chmod +x work
few='n: 2, min_samples: 2, warm_up: 0'
cat >assize.yaml <<YAML
assize: 1
targets: { shop: { sqlite: shop.db }, web: { http: "http://127.0.0.1:$port" } }
audits:
  b:
    checks:
      - id: past
        benchmark: { command: [./work, a], $few, effect: 100ms, level: 0.5 }
        expect: { time: not worse than history }
      - id: bound
        benchmark: { command: [./work, a], $few }
        expect: { time: "< 200ms", p95: "< 200ms", min: "> 0ms", max: "< 200ms", cpu: "< 1s", memory: "< 100MiB" }
      - id: warm
        benchmark: { command: [./work, a], n: 2, min_samples: 2, warm_up: 2 }
        expect: { time: "< 10s" }
      - id: few
        timeout: 1500ms
        benchmark: { command: [./work, a], n: 50, min_samples: 2, warm_up: 0 }
        expect: { time: "< 10s" }
      - id: hangs
        timeout: 300ms
        benchmark: { command: [./work, a], $few }
        expect: { time: "< 10s" }
      - id: control
        benchmark: { command: [./work, a], against: [./work, b], n: 5, min_samples: 5, warm_up: 0, effect: 50% }
        expect: { ratio: not worse than control }
      - id: pairs
        timeout: 1400ms
        benchmark: { command: [sleep, "0.3"], against: ["true"], n: 30, min_samples: 2, warm_up: 0 }
        expect: { ratio: not worse than control }
      - id: query
        target: shop
        benchmark: { sql: "SELECT id FROM orders", $few }
        expect: { time: "< 1s", rows: "== 2" }
      - id: writes
        target: shop
        benchmark: { sql: "DELETE FROM orders", $few }
        expect: { time: "< 1s" }
      - id: page
        target: web
        benchmark: { http: { path: /page }, $few }
        expect: { time: "< 1s", max: "< 1s" }
YAML
tells()
{
	run "$ASSIZE" run "b/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
ask() { sqlite3 .assize/record.db "$1"; }
intact()
{
	rm -f ./*.fails
	echo 0 | tee a >b
	echo hello >www/page
}

# ---- bounds ----
intact
run "$ASSIZE" run b/bound b/warm b/control b/query b/page --json
is "intact: all pass" "$(jq -c '[.checks[].outcome] | unique, length' <<<"$out" | tr '\n' ' ')" '["pass"] 5 '
is "values of a command" "$(jq -c '[.checks[0].series[] | [.series, .unit, .n]]' <<<"$out")" \
	'[["time","s",2],["p95","s",2],["min","s",2],["max","s",2],["cpu","s",2],["memory","B",2]]'
is "values beside a control, of a query, of a request" "$(jq -c '[.checks[2:][] | [.series[].series]]' <<<"$out")" \
	'[["time","p95","min","max","cpu","memory","ratio","control"],["time","p95","min","max","rows"],["time","p95","min","max"]]'
is "the repetitions are kept, whole" "$(sqlite3 .assize/record.db "SELECT count(*), sum(length(body)) FROM samples")" \
	"12|$(((3 * 2 + 3 * 2 + 4 * 5 + 2 + 2) * 8))"
echo 0.2 >a
tells "a slower program" bound 1 'FAIL b/bound:.* bound < 200 ms'
intact

# ---- a repetition that fails ----
echo 1 >a.fails
tells "the first repetition fails" bound 2 'undecided b/bound.*repetition 1 of 2: "./work" exited with status 3'
like "what it said helps" "$out" 'help: it said: stderr: out of luck'
is "nothing of it was kept" "$(ask "SELECT count(*) FROM samples WHERE result >> 24 = (SELECT max(id) FROM runs)")" 0
echo 2 >a.fails
tells "the second one is not dropped either" bound 2 'repetition 2 of 2: "./work" exited with status 3'
echo 2 >a.fails
tells "a warm-up counts as much" warm 2 'warm-up 2 of 2: "./work" exited with status 3'
rm a.fails b
tells "a control that fails" control 2 'repetition 1 of 5: the control: "./work" exited with status'
intact

# ---- time ----
echo 0.1 >a
tells "enough repetitions for the timeout" few 0 'pass b/few'
like "their number is told" "$("$ASSIZE" explain latest b/few)" 'reason +[0-9]+ of 50 repetitions fitted into the timeout of 1\.5 s'
echo 0.7 >a
tells "too few of them" few 2 'only 1 of 50 repetitions fitted into the timeout of 1\.5 s, at least 2 are needed'
echo 5 >a
tells "one that hangs" hangs 2 'repetition 1 of 2: "./work" did not end within 300 ms'
like "whose the time is" "$out" 'timeout of 300 ms is for all repetitions together'
intact

# ---- history ----
rm -rf .assize
tells "no history" past 2 'the history has 0 runs of this definition on this host, at least 2 are needed'
like "what to do about it" "$out" 'help: each run adds one: 2 more'
tells "too little of it" past 2 'the history has 1 run of this definition on this host, at least 2 are needed'
tells "enough" past 0 'pass b/past:time .* bound not worse than history'
shown=$("$ASSIZE" explain latest b/past)
like "repetitions are shown beside those before" "$shown" 'repetitions \|.*\| 2.*before +\|.*\| 4 in 2 runs'
like "so are they on the page" "$("$ASSIZE" report latest --format html)" 'b/past:time, 2 repetitions around .*, beside 2 runs before'
like "and what came of it is evidence" "$shown" \
	'evidence +history: .* the median .* of 2 runs \(.* to .*\), p = .*, worse is more than 100 ms, with a p of at most 0\.5'
echo 0.3 >a
tells "slower than it was" past 1 'FAIL b/past:time'
like "by how much, of how many" "$out" 'reason +[0-9]+ % above the median [0-9.]+ [um]s of 3 runs \([0-9.]+ [um]s to [0-9.]+ [um]s\), p = '
intact
tells "as it was" past 0 'pass b/past'
like "the failed run is no history" "$("$ASSIZE" explain latest b/past)" 'the median [0-9.]+ [um]s of 3 runs'
cp .assize/record.db good.db
ask "UPDATE runs SET host = (SELECT id FROM texts WHERE body = 'run') WHERE id < 4"
tells "another host has another history" past 2 'the history has 1 run of this definition on this host'
ask "UPDATE runs SET host = (SELECT id FROM texts WHERE body = 'run')"
tells "a host that is new has none" past 2 'the history has 0 runs of this definition on this host'
like "what is shown beside it is said to be of others" "$("$ASSIZE" explain latest b/past)" \
	'before +\|.*\| [0-9]+ in [0-9]+ runs on other hosts'
like "on the page as well" "$("$ASSIZE" report latest --format html)" 'beside [0-9]+ runs on other hosts.*other hosts</text>'
cp good.db .assize/record.db
sed -i 's/effect: 100ms, level/effect: 101ms, level/' assize.yaml
tells "so has another definition" past 2 'the history has 0 runs of this definition'
sed -i 's/effect: 101ms, level/effect: 100ms, level/' assize.yaml
ask "UPDATE samples SET body = x'00'"
exits "damaged repetitions are not read" 4 "$ASSIZE" run b/past
like "and it is said" "$err" 'repetitions of a result are damaged'
cp good.db .assize/record.db

# ---- control ----
echo 0.15 >a
tells "slower than the control" control 1 'FAIL b/control:ratio'
like "by how much" "$out" '% above the control in the middle of 5 pairs, p = 0\.031'
tells "fewer pairs than could tell" pairs 2 'undecided b/pairs:ratio .*there are [234] pairs, at least 5 are needed for a p of at most 0\.05'
intact

# ---- query and request ----
sqlite3 shop.db 'INSERT INTO orders VALUES (3, 9)'
tells "a statement that writes" writes 2 'repetition 1 of 2: .*(read|DELETE)'
is "did not" "$(sqlite3 shop.db 'SELECT count(*) FROM orders')" 3
tells "another number of rows" query 1 'FAIL b/query:rows 3 bound == 2'
sqlite3 shop.db 'ALTER TABLE orders RENAME TO sales'
tells "no such table" query 2 'repetition 1 of 2: .*orders'
rm www/page
tells "another status" page 2 'repetition 1 of 2: the status is 404, not 200'

# ---- alone ----
echo 0.2 >c
cat >alone.yaml <<YAML
assize: 1
audits:
  b:
    checks:
      - { id: one, benchmark: { command: [sh, -c, "test ! -e busy && touch busy && rm busy"], n: 9, min_samples: 9 }, expect: { time: "< 10s" } }
      - { id: busy, command: { run: [sh, -c, "touch busy; ./work c; rm busy"] } }
      - { id: two, needs: [b/one], benchmark: { command: [test, "!", -e, busy], $few }, expect: { time: "< 10s" } }
YAML
like "plan tells that they run alone" "$("$ASSIZE" plan -f alone.yaml)" '1\. benchmark, alone.*b/one.*2\. command.*b/busy'
exits "benchmarks run alone, whatever the order" 0 "$ASSIZE" run -f alone.yaml
like "all of them did" "$out" 'pass=3'

# ---- definitions: all of them in one, for every error of a pass is told ----
bad='assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  b:
    checks:
'
claims=() wants=()
refuses() # CLAIM SPEC MESSAGE [EXPECT]
{
	bad+="      - { id: c${#claims[@]}, benchmark: $2, expect: { ${4:-time: \"< 1s\"} } }"$'\n'
	claims+=("$1")
	wants+=("$3")
}
refuses "nothing to do" '{ n: 50 }' '"b/c0": write one of command, sql and http'
refuses "two things to do" '{ command: [a], sql: SELECT 1 }' '"b/c1": write one of command, sql and http'
refuses "a line" '{ command: "a b" }' '"command" is a line, and no shell splits it'
refuses "sql without a database" '{ sql: SELECT 1 }' '"sql" needs a database'
refuses "http without a server" '{ http: { path: / } }' '"http" needs a web server'
refuses "a control of something else" '{ sql: SELECT 1, against: [a] }' '"against" is for a command'
refuses "more samples than repetitions" '{ command: [a], n: 5 }' 'min_samples is more than n'
refuses "an effect that is none" '{ command: [a], effect: little }' 'cannot read effect "little"'
refuses "an effect in another unit" '{ command: [a], effect: 5ms }' 'an effect of 5ms says nothing about "memory"' 'memory: not worse than history'
refuses "a level of 0" '{ command: [a], level: 0 }' 'level must be above 0'
refuses "a level nobody can reach" '{ command: [a], level: 0.01 }' 'nothing can be told from fewer than 100 runs' 'time: not worse than history'
refuses "fewer pairs than can be told apart" '{ command: [a], against: [b], n: 4, min_samples: 4 }' 'nothing can be told from fewer than 5 repetitions' 'ratio: not worse than control'
refuses "a level that no pairs reach" '{ command: [a], against: [b], level: 0.00001 }' 'nothing can be told from 1000 repetitions, the most there are' 'ratio: not worse than control'
refuses "history of a single value" '{ command: [a] }' 'the value is measured once in a run' 'p95: not worse than history'
refuses "a control of a value without one" '{ command: [a], against: [b] }' 'the value has no control beside it' 'time: not worse than control'
refuses "the ratio to no control" '{ command: [a] }' 'yields "ratio" only with "against"' 'ratio: "< 2"'
refuses "worse than what" '{ command: [a] }' '"history" or "control" is missing here' 'time: not worse than ever'
printf '%s' "$bad" >bad.yaml
run "$ASSIZE" check -f bad.yaml
is "definitions: exit status" "$status" 3
for i in "${!claims[@]}"; do
	like "refused: ${claims[i]}" "$err" "${wants[i]}"
done
done_testing
