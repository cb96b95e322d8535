#!/bin/bash
# What assize challenge found is recorded, signed for, shown again, and believed by nobody who asks how things
# stand: it is no evidence.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
db=.assize/record.db
sql() { sqlite3 "$db" "$1"; }

printf 'hello\n' >a.txt
sha=$(sha256sum a.txt | cut -d' ' -f1)
cat >assize.yaml <<YAML
assize: 1
audits:
  a:
    checks:
      - { id: whole, file: { path: a.txt }, expect: { sha256: '== "$sha"' } }
      - { id: there, file: { path: a.txt } }
  b: { checks: [ { id: later, file: { path: a.txt } }, { id: bad, file: { path: none.txt } } ] }
gates:
  release: { require: [ { check: a/whole }, { check: a/there } ], subject: any, run: never, max_age: 1h }
  later: { require: [ { check: b/later } ], subject: any, run: never, max_age: 1h }
YAML

# ---- before there is any ----

exits "a run" 0 "$ASSIZE" run -q a
run "$ASSIZE" history --challenges
is "no challenge is recorded, which is said" "$status $out" "0 no challenge is recorded: assize challenge makes one"
unlike "status says nothing of challenges" "$("$ASSIZE" status)" challenge
is "nor to programs" "$("$ASSIZE" status --json | jq -c .challenge)" null
exits "of a check there is none" 3 "$ASSIZE" history --challenges a/whole
like "which is an error" "$err" 'holds no challenge of check "a/whole"'

# ---- recorded ----

# said: everything that tells how things stand.
said()
{
	local about
	for about in "history --json" "history a/whole --json" "history --rates --json" "report latest --format json" \
		"report latest --format html" "notify --json"; do
		# shellcheck disable=SC2086
		"$ASSIZE" $about 2>&1
	done | sed 's/[0-9]* \(records\|leaves\)//g; s/root[^<]*//g'
	"$ASSIZE" status --json | jq 'del(.challenge)'
	sql "SELECT * FROM states; SELECT * FROM days; SELECT * FROM latest; SELECT count(*) FROM results; SELECT count(*) FROM runs;
		SELECT count(*) FROM notices; SELECT count(*) FROM outbox; SELECT count(*) FROM cursor_moves"
}
exits "a key" 0 "$ASSIZE" ledger init --name shop.example.com/audits
key=$(sed -n 's/^key  *//p' <<<"$out")
exits "a gate is open by what was measured" 0 "$ASSIZE" gate release
exits "another is shut: nothing was measured" 2 "$ASSIZE" gate later
said >before
"$ASSIZE" challenge >challenge.out
said >after
is "nothing of how things stand has changed" "$(diff before after)" ""
is "each check has a challenge" "$("$ASSIZE" history --challenges --json | jq -c '[.assize, (.challenges | map(.check) | sort)]')" \
	'["challenges/1",["a/there","a/whole","b/bad","b/later"]]'
is "with its score" "$("$ASSIZE" history --challenges --json |
	jq -c '.challenges | map(select(.check == "a/whole")) | .[0] | [.score, .noticed > 5, .survived, .reason, .attacks]')" '[1,true,0,null,null]'
is "one that could not be challenged has none, and a reason" "$("$ASSIZE" history --challenges b/bad --json |
	jq -c '.challenges[0] | [.score, .noticed, (.reason | test("it does not pass as it is"))]')" '[null,0,true]'
is "and who, when, under what" "$("$ASSIZE" history --challenges a/there --json | jq -c '.challenges[0] |
	[.user, .host, .definition_file, .at_ms <= .recorded_ms, .merge]')" "[\"$(id -un)\",\"$(uname -n)\",\"assize.yaml\",true,null]"
is "the definition is that of the run" \
	"$(sql 'SELECT count(*) FROM (SELECT definition_digest FROM runs UNION SELECT definition_digest FROM challenges)')" 1
is "the check is the one that runs know" "$(sql 'SELECT count(*) FROM definitions')" 4
is "which was not counted as measured" "$("$ASSIZE" status --json | jq -c '.audits | map(.measured)')" '[2,0]'
exits "a gate that waits for a check stays as it was" 2 "$ASSIZE" gate later
exits "and one that was open" 0 "$ASSIZE" gate release
exits "it can be decided again" 0 "$ASSIZE" replay --decision 1
run "$ASSIZE" explain a/whole
unlike "explain knows nothing of it" "$out" challenge

# ---- shown ----

run "$ASSIZE" history --challenges a/whole
like "a check's newest one has its attacks" "$status $out" '^0 challenge [0-9]+, 20.*, by .*a/whole .*attacks noticed.*bit-flipped'
unlike "and no list where there was none before" "$out" 'challenged +check'
"$ASSIZE" challenge a/whole >/dev/null
run "$ASSIZE" history --challenges a/whole
like "else the scores before it" "$out" "bit-flipped.*challenged +check +noticed.*a/whole +[0-9]+ of [0-9]+ "
is "attacks are those of the newest" "$("$ASSIZE" history --challenges a/whole --json |
	jq -c '.challenges | [length, (map(has("attacks"))), (.[0].attacks | map(.outcome) | index("failed") != null), .[0].noticed == .[1].noticed]')" \
	'[2,[true,false],true,true]'
is "as many as asked for" "$("$ASSIZE" history --challenges --json -n 3 | jq '.challenges | length')" 3
is "newest first" "$("$ASSIZE" history --challenges --json | jq -c '.challenges | map(.id)')" '[5,4,3,2,1]'
exits "a check nobody knows" 3 "$ASSIZE" history --challenges a/hole
like "is asked about" "$err" 'did you mean a/whole\?'
for words in "--rates" "--recorded" "a/whole series"; do
	# shellcheck disable=SC2086
	exits "challenges and $words: one of them" 3 "$ASSIZE" history --challenges $words
done
like "status has a row" "$("$ASSIZE" status)" \
	'challenge +oldest +attacks noticed +worst.*3 of 4 checks +(just now|[^ ]+ [a-z]+ ago) +[0-9]+ of [0-9]+ +1 unchallenged'
is "for programs as well" "$("$ASSIZE" status --json | jq -c '.challenge | [.checks, .scored, .never, .changed, .unchallenged, .noticed == .counted,
	.false_alarms, .oldest_ms > 0, .newest_ms >= .oldest_ms, .worst]')" '[4,3,0,0,1,true,0,true,true,null]'
sed -i 's/{ id: there, file: { path: a.txt }/{ id: there, why: changed, file: { path: .\/a.txt }/; s/\(id: later.*\) \]/\1, { id: new, file: { path: a.txt } } ]/' assize.yaml
is "a check that was changed since is another one, a new one was never challenged" \
	"$("$ASSIZE" status --json | jq -c '.challenge | [.checks, .scored, .never, .changed]')" '[5,2,1,1]'
like "which is told" "$("$ASSIZE" status)" '2 of 5 checks .* 1 never challenged, 1 changed since, 1 unchallenged'
exits "a status is not better or worse by it" 2 "$ASSIZE" status
sed -i 's/a.txt }, expect: .*/a.txt }, expect: { size: ">= 1" } }/' assize.yaml
run "$ASSIZE" challenge a/whole
is "one that notices little: exit status" "$status" 1
like "is the worst" "$("$ASSIZE" status)" 'a/whole [0-9]+ of [0-9]+'
is "by its numbers" "$("$ASSIZE" status --json | jq -c '.challenge.worst | [.check, .noticed < .counted]')" '["a/whole",true]'

# ---- the ledger ----

exits "what was recorded is signed for" 0 "$ASSIZE" ledger verify --trust "$key"
is "to the last record" "$("$ASSIZE" ledger verify --json | jq -c '.size == .checkpoints.covered')" true
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$TMP/gocache GOFLAGS='' \
	go build -o "$TMP/verifier" "$ROOT/tests/verifiers/ledger.go" || bail "no verifier"
foreign() # RECORD: both must say yes
{
	python3 -B "$ROOT/tests/verifiers/ledger.py" "$1" "$key" &&
		"$ASSIZE" ledger leaves --record "$1" | "$TMP/verifier" "$key" now
}
"$ASSIZE" ledger checkpoint -o now
ok "two verifiers that are not ours accept it" foreign $db
is "and come to one root" "$(foreign $db | sed 's/.* //' | sort -u | wc -l)" 1
is "one leaf for each challenge" "$("$ASSIZE" ledger leaves | jq -c 'select(.t == "assize/challenge/1") | [.check, .attacks.n > 3]' | sort | uniq -c |
	sed 's/^ *//')" "$(printf '1 ["a/there",true]\n3 ["a/whole",true]\n1 ["b/bad",false]\n1 ["b/later",true]')"
seq=$("$ASSIZE" ledger leaves | jq -r 'select(.t == "assize/challenge/1").seq' | tail -1)
exits "which can be proven" 0 "$ASSIZE" ledger prove "$seq" -o proof
like "by its place" "$(cat proof)" $'^c2sp\.org/tlog-proof@v1\n.*index '"$seq"$'\n'

tamper() # CLAIM SQL
{
	cp $db bad.db
	sqlite3 bad.db "$2" || bail "$1: could not tamper"
	exits "$1: refused" 4 "$ASSIZE" ledger verify --record bad.db --trust "$key"
	nok "$1: by the verifier of rows as well" python3 -B "$ROOT/tests/verifiers/ledger.py" bad.db "$key"
	[ "${3-}" = alone ] || nok "$1: and by that of leaves" bash -o pipefail -c "'$ASSIZE' ledger leaves --record bad.db | '$TMP/verifier' '$key' now"
}
survivor="challenge = (SELECT max(id) FROM challenges) AND outcome = (SELECT id FROM texts WHERE body = 'tolerated')"
is "there is an attack that survived" "$(sql "SELECT count(*) > 0 FROM attacks WHERE $survivor")" 1
tamper "an attack that survived was noticed" "UPDATE attacks SET outcome = (SELECT id FROM texts WHERE body = 'failed') WHERE $survivor"
tamper "and is counted so" "UPDATE attacks SET outcome = (SELECT id FROM texts WHERE body = 'failed') WHERE $survivor;
	UPDATE challenges SET n_noticed = n_noticed + n_survived, n_survived = 0 WHERE id = (SELECT max(id) FROM challenges)"
tamper "an attack is left out" "DELETE FROM attacks WHERE $survivor"
tamper "two attacks are exchanged" "UPDATE attacks SET place = -1 WHERE challenge = 1 AND place = 4; UPDATE attacks SET place = 4
	WHERE challenge = 1 AND place = 5; UPDATE attacks SET place = 5 WHERE challenge = 1 AND place = -1"
tamper "the smallest dose is smaller" "UPDATE attacks SET turns_red = turns_red / 2 WHERE turns_red IS NOT NULL"
tamper "a count is another" "UPDATE challenges SET n_survived = 0 WHERE n_survived > 0"
tamper "a challenge is gone" "DELETE FROM attacks WHERE challenge = 6; DELETE FROM challenges WHERE id = 6"
tamper "it was of another check" "UPDATE challenges SET definition_id = 1 WHERE id = 6"

# ---- other places ----

exits "it is exported" 0 "$ASSIZE" ledger export copy.db
"$ASSIZE" history --challenges --json >here
"$ASSIZE" history --challenges --json --record copy.db >there
ok "with all challenges" cmp here there
exits "and imported" 0 "$ASSIZE" ledger import copy.db --record new.db --trust "$key"
is "the same" "$("$ASSIZE" history --challenges a/whole --json --record new.db | jq -c '.challenges[0].attacks | map(select(.turns_red > 0)) | length')" 1
run "$ASSIZE" ledger merge copy.db --record merged.db
like "another record takes them over" "$status $out" '^0 .*1 run, .* 6 challenges \(records 0 to '
is "as they were" "$(jq -c '.challenges | map(del(.merge))' here)" \
	"$("$ASSIZE" history --challenges --json --record merged.db | jq -c '.challenges | map(del(.merge))')"
is "and says whence" "$("$ASSIZE" history --challenges --json --record merged.db | jq -c '.challenges | map(.merge) | unique')" '[1]'
"$ASSIZE" history --challenges a/whole --json >here
exits "what is pruned is nothing of it" 0 "$ASSIZE" prune --older 1ms
ok "it is as it was" cmp here <("$ASSIZE" history --challenges a/whole --json)
exits "in a record that is whole" 0 "$ASSIZE" ledger verify --trust "$key"

# ---- interrupted ----

cat >hangs.py <<'PY'
import socket
s = socket.create_server(('127.0.0.1', 0))
open('port.new', 'w').write(str(s.getsockname()[1]))
import os; os.rename('port.new', 'port')
held = []
while True:
    held.append(s.accept()) # and no word
    open('asked', 'w').write('yes')
PY
python3 hangs.py &
reap $!
wait_for test -e port || bail "no server"
cat >slow.yaml <<YAML
assize: 1
targets: { shop: { http: "http://127.0.0.1:$(cat port)" } }
audits: { s: { checks: [ { id: file, file: { path: a.txt } }, { id: web, target: shop, timeout: 60s, http: { path: / } } ] } }
YAML
"$ASSIZE" challenge -f slow.yaml --record slow.db >/dev/null 2>&1 &
challenge=$!
wait_for test -e asked || bail "it never asked"
kill -INT $challenge
wait $challenge
isnt "a challenge that is interrupted: exit status" "$?" 0
is "what was over is recorded, what was under way is not" \
	"$("$ASSIZE" history --challenges --json --record slow.db | jq -c '.challenges | map([.check, .score])')" '[["s/file",1]]'
exits "in a record that is whole" 0 "$ASSIZE" ledger verify --record slow.db
run "$ASSIZE" challenge --dry-run a/there
like "a survey is no challenge" "$status $("$ASSIZE" history --challenges --json | jq '.challenges | length')" '^[0-9] 6$'

# ---- trouble ----

n=$(sql 'SELECT count(*) FROM challenges')
sql "CREATE UNIQUE INDEX one ON attacks(is_erratic) WHERE challenge > $n" # refuses the second attack
run "$ASSIZE" challenge a/there
is "what cannot be recorded: the exit status of a record" "$status" 4
like "and why" "$err" 'could not write record .*UNIQUE'
is "nothing is recorded by half" "$(sql "SELECT count(*) - $n, (SELECT count(*) FROM attacks WHERE challenge > $n) FROM challenges")" '0|0'
sql "DROP INDEX one"
exits "the record is whole" 0 "$ASSIZE" ledger verify --trust "$key"
exits "and takes the next" 0 "$ASSIZE" challenge a/there
done_testing
