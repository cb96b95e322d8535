#!/bin/bash
# challenge of logs: lines that match, silence, losses; and the place in the record does not move.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"

for i in $(seq 200); do
	echo "Nov 26 10:00:$((i % 60)) shop[7]: INFO order $i: stored"
	[ $((i % 20)) -ne 0 ] || echo "Nov 26 10:00:00 shop[7]: heartbeat"
done >app.log
echo 'Nov 26 10:00:00 shop[7]: ERROR disk-003: no space' >>app.log
seq 30000 | sed 's/^/line of a large log, number /' >large.log
: >empty.log
yes ERROR | head -n 50 >bad.log
cp app.log other-1.log
cat >assize.yaml <<'YAML'
assize: 1
audits:
  l:
    checks:
      - { id: errors, log: { path: app.log, pattern: "(ERROR|FATAL) [a-z]+-[0-9]{3}:", except: "ERROR net-000:" } }
      - { id: named, log: { path: app.log, patterns: { memory: { pattern: "Out of memory" }, disk: { pattern: "\\bdisk-\\d+: no space$" }, riddle: { pattern: "(?=a)b" } }, min_lines: 0 } }
      - { id: some, log: { path: app.log, pattern: ERROR }, expect: { matches: "<= 10%" } }
      - { id: alive, log: { path: app.log, pattern: heartbeat, min_lines: 25 }, expect: { matches: ">= 1" } }
      - { id: begin, log: { path: large.log, pattern: ERROR, from: begin } }
      - { id: rate, log: { path: large.log }, expect: { rate: "< 1", lines: "< 50000" } }
      - { id: busy, log: { path: large.log }, expect: { lines: ">= 5000", bytes: ">= 100 kB" } }
      - { id: steady, log: { path: large.log }, expect: { rate: ">= 0.1" } }
      - { id: every, log: { path: large.log, pattern: "^line" }, expect: { matches: ">= 300" } }
      - { id: glob, log: { path: "other-*.log", pattern: ERROR } }
      - { id: forgiving, log: { path: app.log, pattern: ERROR }, expect: { lost: "<= 1", unjudged: "<= 1" } }
      - { id: empty, log: { path: empty.log, pattern: ERROR } }
      - { id: bad, log: { path: bad.log, pattern: ERROR } }
      - { id: gone, log: { path: gone.log, pattern: ERROR } }
YAML
"$ASSIZE" check >checked 2>&1 || diag "$(cat checked)"
real_is app.log large.log other-1.log empty.log bad.log

controls='identity: steady
rotated: steady
copied-and-cut: steady
packed: steady'
losses='missing: error
cut: failed
replaced: failed'

is "a pattern that nothing may match" "$(attacks l/errors)" "$controls
line-added: failed
line-packed: failed
line-rotated: failed
silent: no value
long-line: failed
$losses"
is "a log of which many lines are wanted" "$(attacks l/busy)" "$controls
silent: failed
$losses"
is "or so many a second" "$(attacks l/steady)" "$controls
silent: no value
$losses"
is "or of which every line matches" "$(attacks l/every)" "$controls
lines-lost: failed
silent: no value
long-line: failed
$losses"
attacks l/errors >/dev/null
is "one line is too many" "$(turns_red line-added)" 1
is "patterns by name, of a log that may be silent" "$(attacks l/named)" "$controls
line-added [memory]: failed
line-packed [memory]: failed
line-rotated [memory]: failed
line-added [disk]: failed
line-packed [disk]: failed
line-rotated [disk]: failed
line-added [riddle]: inconclusive
long-line: failed
$losses"
is "a share of the lines" "$(attacks l/some)" "$controls
line-added: failed
silent: no value
long-line: failed
$losses"
is "of ten lines and more, more than a tenth" "$(attack_says line-added | sed 's/.*; //')" '2 matching lines are there, beside 10 others'
is "a sign of life" "$(attacks l/alive)" "$controls
lines-lost: failed
silent: no value
long-line: failed
$losses"
is "from its beginning" "$(attacks l/begin)" "$controls
line-added: failed
line-packed: failed
line-rotated: failed
silent: no value
long-line: failed
$losses"
is "how many are written" "$(attacks l/rate)" "$controls
flood: failed
$losses"
like "a line a second, since an hour" "$(attack_says flood)" '; 3[0-9]{3} harmless lines more are there'
is "one of several logs" "$(attacks l/glob)" "$controls
line-added: failed
line-packed: failed
line-rotated: failed
silent: no value
long-line: failed
$losses"
is "what is forgiven is not claimed" "$(attacks l/forgiving)" "$controls
line-added: failed
line-packed: failed
line-rotated: failed
silent: no value
missing: error"
like "an empty log has nothing harmless" "$(unchallenged l/empty)" 'no line of ".*/empty.log" is harmless'
like "nor has one of errors" "$(unchallenged l/bad)" 'no line of ".*/bad.log" is harmless'
like "nor one that is not there" "$(unchallenged l/gone)" 'there is no ".*/gone.log"'
is_real_untouched logs

# the place that was recorded stays: what was written before the challenge is read after it
run "$ASSIZE" run l/errors
echo 'Nov 26 10:01:00 shop[7]: ERROR disk-004: no space' >>app.log
before=$(challenge_sql 'SELECT count(*) FROM cursor_moves')
is "after a run it can be challenged as well" "$(attacks l/errors | grep -c failed)" 6
is "the record knows of no new place" "$(challenge_sql 'SELECT count(*) FROM cursor_moves')" "$before"
run "$ASSIZE" run l/errors
is "and the next run finds what was written" "$status" 1
like "all of it" "$out$err" 'disk-004|l/errors:matches 1'

done_testing
