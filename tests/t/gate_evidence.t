#!/bin/bash
# gate_evidence: what looks like evidence and is about something else opens nothing: a part of a set, a set
# that demanded less, other variables, another database under the same name, the release itself.
. "$(dirname "$0")/../lib/tap.sh"
export HOME=$TMP GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x
cd "$TMP"

# ---- a set of which one tag is bad ----

git init -q -b main repo && cd repo
echo one >f && git add f && git commit -qm one && git tag v1
ln -s /etc/passwd evil && git add evil && git commit -qm two && git tag v2
cd ..
definition() # KEYS of the set
{
	cat >assize.yaml <<-YAML
		assize: 1
		vars: { program: "false" }
		targets: { repo: { git: repo } }
		rollback: { rel: { repo: repo, tags: "*", keep: 9${1:-} } }
		gates:
		  g: { require: [ { check: rollback/rel } ], run: never }
		  back: { rollback: { set: rel, tags: any }, run: never }
	YAML
}
definition
exits "one tag of two is bad" 1 "$ASSIZE" run rollback/rel --subject x
exits "the gate is shut" 1 "$ASSIZE" gate g --subject x
exits "the other tag alone is proven" 0 "$ASSIZE" rollback verify v1
exits "that is no evidence about the set" 2 "$ASSIZE" gate g --subject x
like "and so it is said" "$out$err" 'rollback/rel.*(other|another) definition'
exits "nor twice" 0 "$ASSIZE" rollback verify v1
exits "the gate stays shut" 2 "$ASSIZE" gate g --subject x
exits "a proven tag is a way back" 0 "$ASSIZE" gate back --subject x
exits "but not from itself: by name" 1 "$ASSIZE" gate back --subject v1
exits "by its commit" 1 "$ASSIZE" gate back --subject "$(git -C repo rev-parse v1)"
exits "by a short name of that" 1 "$ASSIZE" gate back --subject "$(git -C repo rev-parse --short v1)"

# ---- a tag whose file is damaged, and attributes that are not the tag's ----

git -C repo tag v3 v1 && : >repo/.git/refs/tags/v3
run "$ASSIZE" rollback verify
is "a tag that nobody can read is not left out" "$status" 1
like "but disproved" "$out" 'v3 disproved'
rm repo/.git/refs/tags/v3
echo '* text eol=crlf' >attributes && git -C repo config core.attributesFile "$TMP/attributes"
exits "attributes of the clone" 2 "$ASSIZE" rollback verify v1
like "are told" "$out" 'core.attributesFile=.*: git in this clone applies'
git -C repo config --unset core.attributesFile
git -C repo rm -q evil && mkdir repo/d && echo x >repo/d/f && echo 'd export-ignore' >repo/.gitattributes
git -C repo add d .gitattributes && git -C repo commit -qm ignored && git -C repo tag v4
exits "a directory that git archive leaves out" 2 "$ASSIZE" rollback verify v4
like "is told" "$out" '"d" has an export attribute: an archive of the tag differs'
git -C repo tag -d v4 >/dev/null

# ---- a set that demanded less ----

git -C repo tag -d v2 >/dev/null && git -C repo reset -q --hard v1
rm -rf .assize
definition
exits "a set that asks for little is proven" 0 "$ASSIZE" run rollback/rel --subject x
exits "and its gate opens" 0 "$ASSIZE" gate g --subject x
definition ', smoke: { run: ["${program}"] }'
exits "with a smoke test it is another set" 2 "$ASSIZE" gate g --subject x
exits "with another program it passes" 0 "$ASSIZE" run rollback/rel --subject x --var program=true
exits "which opens nothing for the one that was meant" 2 "$ASSIZE" gate g --subject x
git init -q -b main policy && cp assize.yaml policy/ && git -C policy add . && git -C policy commit -qm policy
cd policy && cp -a ../repo repo
ref=git:main:assize.yaml
exits "verified as the branch says, but for a variable" 0 "$ASSIZE" rollback verify -f $ref --var program=true
exits "the rule knows the difference" 2 "$ASSIZE" gate back -f $ref --subject x
like "and says it" "$out$err" 'under other definitions'
one=$("$ASSIZE" check -f $ref | sed -n 's/^policy //p') two=$("$ASSIZE" check -f $ref --var program=true | sed -n 's/^policy //p')
ok "a variable makes another policy" test -n "$one" -a -n "$two" -a "$one" != "$two"
cd ..

# ---- another database under the same name ----

rm -rf .assize
sqlite3 full.db "CREATE TABLE t (id); INSERT INTO t VALUES (1)"
sqlite3 empty.db "CREATE TABLE t (id)"
cat >assize.yaml <<'YAML'
assize: 1
targets: { db: { sqlite: "${env:SHOP_DB}" } }
audits: { a: { target: db, checks: [ { id: rows, rows: t, expect: ">= 1" } ] } }
gates: { release: { require: [ { audit: a } ], run: never } }
YAML
exits "one database passes" 0 env SHOP_DB=full.db "$ASSIZE" run --subject v1
exits "its gate opens" 0 env SHOP_DB=full.db "$ASSIZE" gate release --subject v1
exits "it says nothing about another one" 2 env SHOP_DB=empty.db "$ASSIZE" gate release --subject v1

# ---- a failure that an older run saw later ----

rm -rf .assize
cat >probe <<'SH'
#!/bin/sh
if [ -e held ]; then mv held taken; cat answer; else cat now; fi
SH
chmod +x probe && mkfifo answer
cat >assize.yaml <<'YAML'
assize: 1
audits: { a: { checks: [ { id: c, command: { run: [./probe] }, expect: { output: "== 'good'" } } ] } }
gates: { release: { require: [ { audit: a } ], run: never } }
YAML
# held SUBJECT: a run that is in the middle of its measurement
held()
{
	rm -f taken && : >held
	"$ASSIZE" run --subject "$1" --report openmetrics=held.prom >held.out 2>&1 &
	held_pid=$!
	reap $held_pid
	wait_for test -e taken
}
# answered TEXT: what it measures at last
answered()
{
	echo "$1" >answer
	wait $held_pid
}
echo good >now
held v1
exits "a run that began later passes at once" 0 "$ASSIZE" run --subject v1
exits "which opens the gate" 0 "$ASSIZE" gate release --subject v1
like "status says that it passes" "$("$ASSIZE" status)" 'a +pass'
answered bad
exits "the one before it fails after that: the gate is shut" 1 "$ASSIZE" gate release --subject v1
like "by what was seen last" "$out" 'FAIL a/c:output "bad".*assize explain 1 a/c'
exits "the decision can be made again" 0 "$ASSIZE" replay --decision 2
exits "status says so, too" 1 "$ASSIZE" status
like "with the audit" "$out" 'a +fail .*1 of 1 checks'
exits "metrics of the gate, which names no other run" 1 \
	"$ASSIZE" gate release --subject v1 --report openmetrics=gate.prom
like "tell that not all pass" "$(cat gate.prom)" 'assize_checks_passing 0'
like "and the failure" "$(cat gate.prom)" 'assize_check_outcome\{check="a/c",outcome="fail"\} 1'
is "each series once" "$(grep '^assize_series_outcome' gate.prom | sort | uniq -d)" ""
exits "about something else nothing was seen" 2 "$ASSIZE" gate release --subject v2
exits "a run after both" 0 "$ASSIZE" run --subject v1
exits "opens it again" 0 "$ASSIZE" gate release --subject v1
held v1
echo bad >now
exits "one that fails" 1 "$ASSIZE" run --subject v1
answered good
exits "is the newest, whatever an older one sees later" 1 "$ASSIZE" gate release --subject v1
like "so it is for status" "$("$ASSIZE" status)" 'a +fail'
like "the older run, which passed" "$(cat held.prom)" 'assize_run_passing 1'
like "tells in its metrics that not all pass" "$(cat held.prom)" 'assize_checks_passing 0'
is "each series once" "$(grep '^assize_series_outcome' held.prom | sort | uniq -d)" ""
echo good >now
held any
exits "another one passes" 0 "$ASSIZE" run --subject v1
answered bad
exits "what is about any subject counts as well" 1 "$ASSIZE" gate release --subject v1

exits "a run after all of them" 0 "$ASSIZE" run
like "passes for status" "$("$ASSIZE" status)" 'a +pass'
sed -i 's/good/fine/' assize.yaml
exits "under another definition nothing was measured" 2 "$ASSIZE" status
like "status tells why" "$out" 'a +undecided .*1 of 1 checks, measured under another definition'
"$ASSIZE" report --format openmetrics -o same.prom
like "the run's own metrics tell no pass either" "$(cat same.prom)" 'assize_check_outcome\{check="a/c",outcome="undecided"\} 1'
like "and not that all pass" "$(cat same.prom)" 'assize_checks_passing 0'
cat >assize.yaml <<'YAML'
assize: 1
audits:
  a: { checks: [ { id: c, command: { run: [./probe] }, expect: { output: "== 'fine'" } } ] }
  b: { checks: [ { id: c, command: { run: [echo, good] }, expect: { output: "== 'good'" } } ] }
YAML
exits "a run of another check passes" 0 "$ASSIZE" run b --report openmetrics=b.prom
like "its metrics do not take the old pass for one" "$(cat b.prom)" 'assize_checks_passing 0'
like "it is undecided" "$(cat b.prom)" 'assize_check_outcome\{check="a/c",outcome="undecided"\} 1'

# ---- two at the same time ----

rm -rf .assize
cat >wait_for_word <<'SH'
#!/bin/sh
: >"$1.began"
cat "$1.word"
SH
chmod +x wait_for_word
mkfifo one.word two.word
cat >assize.yaml <<'YAML'
assize: 1
audits:
  a: { checks: [ { id: c, command: { run: ["true"] } } ] }
  one: { checks: [ { id: c, needs: [a/c], command: { run: [./wait_for_word, one] } } ] }
  two: { checks: [ { id: c, needs: [a/c], command: { run: [./wait_for_word, two] } } ] }
gates:
  one: { require: [ { audit: a }, { audit: one } ], max_age: 1h, run: always }
  two: { require: [ { audit: a }, { audit: two } ], max_age: 1h, run: always }
  one-again: { require: [ { audit: a }, { audit: one } ], max_age: 1h }
YAML
"$ASSIZE" gate one --subject v1 >one.out 2>&1 &
one=$!
reap $one
wait_for test -e one.began
"$ASSIZE" gate two --subject v1 >two.out 2>&1 &
two=$!
reap $two
wait_for test -e two.began
of_second() { [ "$(sqlite3 .assize/record.db 'SELECT count(*) FROM results WHERE id >> 24 = 2')" -gt 0 ]; }
wait_for of_second || bail "a/c of run 2 was not recorded while two/c waited"
echo word >one.word
wait $one
is "of two gates at the same time the first one is undecided" $? 2
like "since the run that began last is under way" "$(cat one.out)" 'a/c run 2 did not come to its end'
echo word >two.word
wait $two
is "the other one opens" $? 0
exits "asked again, the first one does" 0 "$ASSIZE" gate one-again --subject v1 --json
is "on what both have measured" "$(jq -c '[.. | .lines? // empty | .[] | select(.check != "") | .run] | unique' <<<"$out")" '[1,2]'

# ---- what is merged late is no newer than it was ----

rm -rf .assize
cat >assize.yaml <<'YAML'
assize: 1
audits: { a: { checks: [ { id: c, command: { run: [test, -e, good] } } ] } }
gates: { g: { require: [ { audit: a } ], max_age: 1h, run: never } }
YAML
: >good
exits "elsewhere it passed, about any subject" 0 "$ASSIZE" run --subject any --record elsewhere.db
rm good
exits "then it fails about the release" 1 "$ASSIZE" run --subject v1
exits "what passed is merged" 0 "$ASSIZE" ledger merge elsewhere.db --unsigned
exits "the failure stays the newest" 1 "$ASSIZE" gate g --subject v1

# ---- two checks that never passed together ----

rm -rf .assize
{
	echo 'assize: 1'
	echo 'targets: { d: { sqlite: turns.db } }'
	echo 'audits: { a: { target: d, checks: ['
	echo "  { id: first, sql: \"SELECT n FROM t WHERE k = 'first'\", expect: '== 1' },"
	for ((i = 0; i < 300; i++)); do echo "  { id: c$i, sql: SELECT 1, expect: '== 1' },"; done
	echo "  { id: last, sql: \"SELECT n FROM t WHERE k = 'last'\", expect: '== 1' } ] } }"
	echo 'gates: { g: { require: [ { audit: a } ], max_age: 1h, run: never } }'
} >assize.yaml
sqlite3 turns.db "CREATE TABLE t(k, n); INSERT INTO t VALUES ('first', 1), ('last', 0)"
exits "of two checks one fails" 1 "$ASSIZE" run -q --subject v1
while [ ! -e enough ]; do
	sqlite3 turns.db "UPDATE t SET n = 1 - n"
	"$ASSIZE" run -q --subject v1 a/first a/last >/dev/null
done &
turns=$!
reap $turns
n_open=0
for ((i = 0; i < 30; i++)); do
	"$ASSIZE" gate g --subject v1 -q >gate.out
	[ $? = 0 ] && n_open=$((n_open + 1))
done
: >enough
wait $turns
is "whichever it is, no gate that is asked meanwhile opens" "$n_open" 0
ok "they took turns all the while" test "$("$ASSIZE" history a/first --json | jq '[.series[0].points[].value] | unique | length')" = 2

# ---- what was tampered with stays so ----

cat >assize.yaml <<'YAML'
assize: 1
targets: { db: { sqlite: "${env:SHOP_DB}" } }
audits: { a: { target: db, checks: [ { id: rows, rows: t, expect: ">= 1" } ] } }
gates: { release: { require: [ { audit: a } ], run: never } }
YAML
rm -rf .assize
export SHOP_DB=full.db

echo 'notify: { ops: { command: ["true"] } }' >>assize.yaml # so that a run takes a lock of its own
exits "a run that somebody is told of" 0 "$ASSIZE" run --subject v1
exits "the record is whole" 0 "$ASSIZE" ledger verify
sqlite3 .assize/record.db "INSERT INTO locks VALUES ('audit', 'host', 'boot', 'space', 1, 1)"
exits "with a lock that nobody took it is not" 4 "$ASSIZE" ledger verify
exits "a run after that" 0 env SHOP_DB=full.db "$ASSIZE" run --subject v1
exits "does not hide it" 4 "$ASSIZE" ledger verify
rm -rf .assize
exits "a record anew" 0 env SHOP_DB=full.db "$ASSIZE" run --subject v1
sqlite3 .assize/record.db "UPDATE batches SET n_results = 0"
exits "a batch of nothing is none" 4 "$ASSIZE" ledger verify

# ---- help is no decision ----

rm -rf .assize
exits "a gate that only prints its help" 2 env SHOP_DB=empty.db ASSIZE_HELP=1 "$ASSIZE" gate release --subject v1
like "there is none: it decides" "$out" 'SHUT'

done_testing
