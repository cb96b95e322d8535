#!/bin/bash
# log: every line once, through rotations as logrotate(8) makes them, cuts and hostile content. What
# else may become of files is in tests/unit/test_log_rotation.c.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" && chmod 755 . # or logrotate refuses it
export SECRET=hunter2-hunter2
all='from: begin, pattern: ERROR, min_lines: 0'
cat >assize.yaml <<YAML
assize: 1
audits:
  l:
    checks:
      - { id: holder, command: { run: ["true"], env: { T: "\${env:SECRET}" } } }
      - { id: errors, log: { path: app.log, pattern: ERROR, except: "ERROR: harmless" } }
      - { id: other, log: { path: app.log, $all }, expect: { lines: "< 100" } }
      - { id: rate, log: { path: app.log, pattern: x }, expect: { matches: "<= 10%", rate: "< 1000" } }
      - { id: names, log: { path: app.log, patterns: { memory: { pattern: memory }, disk: { pattern: disk } } } }
      - { id: cut, log: { path: cut.log, $all } }
      - { id: long, log: { path: long.log, $all, max_line: 1KiB } }
      - { id: bytes, log: { path: bytes.log, $all } }
      - { id: marked, log: { path: marked.log, pattern: ^ERROR, from: begin } }
      - { id: wide, log: { path: wide.log, $all } }
      - { id: hard, log: { path: hard.log, pattern: "(a+)+$" } }
      - { id: secret, log: { path: secret.log, $all } }
      - { id: pipe, log: { path: pipe } }
      - { id: renamed, log: { path: renamed/app.log, $all } }
      - { id: packed, log: { path: packed/app.log, $all } }
      - { id: copied, log: { path: copied/app.log, $all } }
      - { id: copied_packed, log: { path: copied_packed/app.log, $all } }
      - { id: dated, log: { path: dated/app.log, $all } }
      - { id: moved, log: { path: moved/app.log, rotated: "moved/old/*", $all } }
YAML
rotations='renamed packed copied copied_packed dated moved'
# Directives of each.
declare -A rotates=([renamed]=create [packed]='create
compress' [copied]=copytruncate [copied_packed]='copytruncate
compress' [dated]='create
dateext' [moved]="create
olddir $TMP/moved/old")

look()
{
	run "$ASSIZE" run "$@" --json
	looked=$(jq -r '.checks[] | .name as $c | .series[] |
		"\($c) \(.series) \(.outcome) \(.value // "none") \(.reason // "") | \(.evidence // [] | join(" / "))"' <<<"$out")
	[ -n "$looked" ] || diag "$err"
}
# says CLAIM CHECK SERIES REGEX: outcome, value, reason and evidence of the last look
says()
{
	like "$1" "$(grep -F "l/$2 $3 " <<<"$looked" | cut -d' ' -f3-)" "^$4"
}
# counts CLAIM CHECK "MATCHES LINES LOST"
counts()
{
	is "$1" "$(awk -v c="l/$2" '$1 == c { v[$2] = $4 } END { print v["matches"], v["lines"], v["lost"] }' <<<"$looked")" "$3"
}

printf 'ERROR before\npart' >app.log
for x in cut long bytes hard secret; do
	printf 'ERROR\n' >$x.log
done
mkfifo pipe
mkdir moved moved/old
for x in $rotations; do
	mkdir -p "$x"
	printf 'one\nERROR two\n' >"$x/app.log"
done
look
is "the first look is no pass" "$status" 1
says "from the end nothing is measured" errors '' \
	'undecided none this is the first look at it: nothing was measured, it is read on from here .*help: from: begin reads'
counts "from the beginning all that is there is" other "1 1 0"
says "a pipe is none" pipe '' 'undecided none could not open .*: a named pipe, not a file'

printf ' of a line\nERROR: harmless\nERROR: disk\nno memory\nno memory, no disk\n' >>app.log
printf 'new\n' >cut.log
{ head -c 3000000 /dev/zero | tr '\0' x && printf '\nERROR%03000d\nshort\n' 0; } >>long.log
printf '\xff\xfe ERROR \x00\x1b[31m \xe2\x80\xae|caf\xe9\r\n\r\n' >>bytes.log
printf 'one\nERROR two\n' | iconv -t UTF-16 >wide.log
printf '\xef\xbb\xbfERROR one\nfine\n' >marked.log
printf 'a%.0s' {1..40} >>hard.log && printf '!\naaa\n' >>hard.log
printf 'ERROR %0180d hunter2-hunter2\n' 0 >>secret.log
for x in $rotations; do
	printf 'ERROR unread\nunread\n' >>"$x/app.log"
	printf '%s/app.log {\nsu root root\nrotate 5\n%s\n}\n' "$TMP/$x" "${rotates[$x]}"
done >rotate.conf
[ "$(id -u)" = 0 ] || sed -i '/^su /d' rotate.conf
chmod 600 rotate.conf
ok "logrotate rotates" /usr/sbin/logrotate -s "$TMP/state" -f rotate.conf
for x in $rotations; do
	printf 'ERROR after\n' >>"$x/app.log"
done
cp .assize/record.db before.db
run "$ASSIZE" plan l/other
like "a plan says where a run would begin" "$out" 'app.log: lines since the last recorded run; without one, from its begin on'
like "and what moves that" "$out" 'only a run that is recorded and comes to its end moves that place'
look
is "what is new fails" "$status" 1
says "new lines, but for exceptions" errors matches 'fail 1 .*app.log, byte 44: ERROR: disk$'
counts "the line that had no end is read when it has one" other "2 5 0"
says "a share of none" rate matches 'pass 0'
says "patterns by name" names 'matches{pattern="memory"}' 'fail 2'
says "each a series" names 'matches{pattern="disk"}' 'fail 2'
counts "what replaced a log is read" cut "0 1 1"
says "but what was there is lost" cut lost \
	'fail 1 .*cut.log was cut or written anew: it was read as far as byte 6, and no copy of that was found'
says "a line too long for a verdict" long unjudged \
	'fail 1 .*long.log, byte 6: a line of 3000000 bytes, looked at as far as max_line'
says "a match at the beginning of one is one" long matches 'fail 1 .*long.log, byte 3000007: ERROR0{195}\.\.\. \(3005 bytes\)$'
counts "what is no text is read all the same" bytes "1 2 0"
says "and shown harmlessly" bytes matches 'fail 1 .*: .xff.xfe ERROR .x00.x1b\[31m .u\{202E\}\|caf.xe9$'
counts "a byte order mark belongs to no line" marked "1 2 0"
says "what is UTF-16 is not judged" wide unjudged 'fail 2 .*wide.log, byte 0: the line is UTF-16, and a pattern reads UTF-8'
says "a pattern that gives up" hard unjudged 'fail 1 .*hard.log, byte 6: could not match the pattern: match limit exceeded$'
says "what it finds it finds" hard matches 'fail 1 .*: aaa$'
says "half a secret where the line is cut is masked" secret matches 'fail 1 .*0 \*\*\*\.\.\. \(202 bytes\)$'
nok "and is not in the record" grep -q hunter2 .assize/record.db
for x in $rotations; do
	counts "$x: what was unread and what is new, each once" $x "2 3 0"
done
says "where it was found is told" packed lines 'pass 3 .*app.log is now packed/app.log.1.gz: 20 bytes more in it / packed/app.log is new: 12 bytes in it'
says "or in what it was moved to" moved lines 'pass 3 .*app.log is now moved/old/app.log.1: '
cp .assize/record.db after.db

# Nothing but a recorded run moves on.
cp before.db .assize/record.db
look l/copied l/other
counts "what was not recorded is read again" copied "2 3 0"
cp after.db .assize/record.db
sqlite3 .assize/record.db 'DROP TABLE cursor_moves; CREATE TABLE cursor_moves(id INTEGER PRIMARY KEY, seq INTEGER, check_id INTEGER, run INTEGER CHECK (run < 2), state TEXT)'
run "$ASSIZE" run l/other
is "a place that cannot be recorded is no run" "$status" 4
is "and its results are not kept" "$(sqlite3 .assize/record.db 'SELECT count(*) FROM results WHERE run = (SELECT max(id) FROM runs)')" 0
cp after.db .assize/record.db
sqlite3 .assize/record.db "UPDATE cursor_moves SET state = '{}'"
look l/other
says "a place that cannot be read is lost" other lost 'fail 1 .*where the last look stopped cannot be read in the record'

cp after.db .assize/record.db
/usr/sbin/logrotate -s "$TMP/state" -f rotate.conf 2>/dev/null # a day has one name: "dated" stays where it is
for x in $rotations; do
	printf 'last\n' >>"$x/app.log"
done
echo fine >>app.log
look
says "silence is no measurement" hard matches 'undecided none no new line since the last look; with min_lines: 0 silence counts as nothing found'
says "what was judged is judged once" errors matches 'pass 0'
says "silence may be an answer" bytes matches 'pass 0'
for x in $rotations; do
	counts "$x: read on behind a second rotation" $x "0 1 0"
done

# What was read by a run that no gate counts was judged by nobody.
mkdir "$TMP/rests" && cd "$TMP/rests"
cat >assize.yaml <<'Y'
assize: 1
vars: { lim: "0" }
audits:
  l:
    checks:
      - { id: from_end, log: { path: a.log, pattern: ERROR }, expect: { matches: "<= ${lim}" } }
      - { id: all, log: { path: a.log, pattern: ERROR, from: begin }, expect: { matches: "<= ${lim}" } }
gates:
  g: { require: [ { check: l/from_end, max_age: 1h }, { check: l/all, max_age: 1h } ] }
Y
echo fine >a.log
"$ASSIZE" run -q >/dev/null 2>&1
printf 'fine\nERROR lost\n' >>a.log
exits "a run finds it" 1 "$ASSIZE" run
sqlite3 .assize/record.db 'UPDATE run_ends SET state = 2 WHERE run = 2' # it was interrupted behind that
echo fine >>a.log
exits "the next one finds what it had found" 1 "$ASSIZE" run l/from_end l/all
like "in both" "$out" 'FAIL +l/from_end.* 1 .*FAIL +l/all.* 1 '
printf 'ERROR again\n' >>a.log
exits "a looser definition lets it pass" 0 "$ASSIZE" run --var lim=9 l/from_end l/all
echo fine >>a.log
exits "for a gate of this one it was not looked at" 1 "$ASSIZE" gate g -s v1
like "it is found" "$out" 'FAIL l/from_end:matches .*FAIL l/all:matches'
echo fine >>a.log
exits "once it was judged it is over" 0 "$ASSIZE" run -s v2 l/from_end l/all
printf 'ERROR new\n' >>a.log
run "$ASSIZE" run --var lim=7 --json l/all
is "a definition that is new begins again where it says" \
	"$(jq '.checks[0].series[] | select(.series == "matches") | .value' <<<"$out")" 3
cd "$TMP"

undefined()
{
	printf 'assize: 1\naudits:\n  l:\n    checks:\n      - { id: a, log: %s }\n' "$2" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	like "$1" "$status $err" "^3 .*$3"
}
undefined "two ways to say it" '{ path: a, pattern: x, patterns: { y: { pattern: z } } }' 'pattern and patterns exclude each other'
undefined "except of nothing" '{ path: a, except: x }' 'except is for what a pattern is found in'
undefined "matches of nothing" '{ path: a }, expect: { matches: "== 0" }' 'yields "matches" only with "pattern"'
undefined "a secret path" '{ path: "${env:SECRET}" }' 'path'
ok "the example is one" "$ASSIZE" check -f "$ROOT/audits/examples/log.yaml"
done_testing
