#!/bin/bash
# Reports through the command line: what run and gate write is what the record says, in every format, and
# the same record gives the same bytes whatever was recorded since.
. "$(dirname "$0")/../lib/tap.sh"

cd "$TMP" || bail "no scratch directory"
sqlite3 shop.db "CREATE TABLE tasks(id INTEGER PRIMARY KEY, owner TEXT, note TEXT);
	INSERT INTO tasks VALUES (1, 'ada', 'fine'), (2, NULL, '<script>alert(1)</script>' || char(10) ||
	'::error::x' || char(27) || '[31m' || char(8238) || ']]>')"
cat >assize.yaml <<'YAML'
assize: 1
targets:
  shop: { sqlite: shop.db }
audits:
  tasks:
    title: 'Tasks <b>&</b> "owners"'
    target: shop
    severity: 8
    tags: [release]
    checks:
      - id: volume
        rows: { table: tasks }
        expect: ">= 1"
      - id: owner
        missing: { table: tasks, columns: [owner] }
        expect: "<= 0.1%"
      - id: note
        title: ']]> ::error:: <script>'
        sql: { query: "SELECT note FROM tasks WHERE id = 2" }
        expect: '== "fine"'
      - id: gone
        rows: { table: backlog }
        expect: ">= 1"
      - id: after
        needs: [tasks/gone]
        rows: { table: tasks }
        expect: ">= 1"
gates:
  release:
    require: [ { tag: release, max_age: 30m } ]
YAML

exits "a run with a failure exits 1" 1 "$ASSIZE" run --subject v1 --report html=1.html \
	--report json=1.json --report junit=1.xml --report junit-gitlab=1g.xml
like "the log ends with the result" "$(tail -n 1 <<<"$out")" \
	'result=fail pass=1 warn=0 fail=2 undecided=1 skip=1 record=1 exit=1$'
unlike "no control byte reaches the log" "$out" $'\x1b|\xe2\x80\xae'
unlike "no line of the log is a command to the job's runner" "$out" $'\n *::'

is "JSON: exit" "$(jq .exit 1.json)" 1
is "JSON: outcomes in definition order" "$(jq -r '[.checks[].outcome] | join(" ")' 1.json)" \
	"pass fail fail undecided skip"
is "JSON: the share that was judged" "$(jq '.checks[1].series[0].share' 1.json)" 0.5
is "JSON: the line of the bound" "$(jq '.checks[1].series[0].line' 1.json)" \
	"$(grep -n '<= 0.1%' assize.yaml | cut -d: -f1)"
is "JSON: no measurement is null" "$(jq '.checks[3].series[0].value' 1.json)" null
is "JSON: text arrives byte for byte" \
	"$(jq -j '.checks[2].series[0].value' 1.json | od -An -tx1 | tr -d ' \n')" \
	"$(sqlite3 shop.db 'SELECT lower(hex(note)) FROM tasks WHERE id = 2')"

for file in 1.xml 1g.xml; do
	ok "$file is valid" xmllint --nonet --noout --schema "$ROOT/tests/data/junit.xsd" $file
done
is "JUnit: counts" "$(xmllint --xpath 'concat(/*/@tests," ",/*/@failures," ",/*/@errors)' 1.xml)" \
	"$(jq '[.checks[].series[]] | length' 1.json) 2 1"
is "HTML: no script came from the world" "$(grep -c '<script' 1.html)" 0
ok "HTML: what the world said is text" grep -qF '&lt;script&gt;alert(1)&lt;/script&gt;' 1.html

run "$ASSIZE" run --json --subject v1
is "--json prints one document and nothing else" "$(jq -s 'length' <<<"$out") $(jq .run.id <<<"$out")" "1 2"
is "--json: exit is the exit status" "$(jq .exit <<<"$out")" "$status"

sqlite3 shop.db "UPDATE tasks SET owner = 'grace', note = 'fine'; CREATE TABLE backlog AS SELECT 1 id"
sed -i 's/">= 1"/">= 0.5"/' assize.yaml
exits "repaired, the run passes" 0 "$ASSIZE" run --subject v1 --report html=3.html
exits "--quiet says nothing of a pass" 0 "$ASSIZE" run --quiet --subject v1
is "--quiet: standard output is empty" "$out$err" ""

formats=$("$ASSIZE" report 1 --format pdf 2>&1 | sed -n 's/.*formats are //p' | tr -d ,)
like "the formats are named where one is unknown" "$formats" '^html json junit junit-gitlab tap ctrf sarif '
for format in $formats; do
	ok "--help of report names $format" grep -q "\<$format\>" <("$ASSIZE" report --help)
	ok "so does the manual" grep -q "^\.\(It \)\?Cm .*\<$format\>" "$ROOT/runner/man/assize.1"
	"$ASSIZE" report 1 --format "$format" >"again.$format"
	"$ASSIZE" report 1 --format "$format" -o "file.$format"
	ok "run 1 as $format is the same bytes on standard output and in a file" \
		cmp "again.$format" "file.$format"
done
ok "run 1 as HTML is the same bytes after three more runs" cmp 1.html again.html
ok "run 1 as JSON is the same bytes" cmp 1.json again.json
ok "run 1 as JUnit is the same bytes" cmp 1.xml again.junit
ok "run 1 for GitLab is the same bytes" cmp 1g.xml again.junit-gitlab
ok "HTML: the next run names what recovered" grep -q '<b>Recovered</b> <code>tasks/owner' 3.html
ok "HTML: and whose bound was loosened" \
	grep -qE '<b class="wv">Bound loosened</b> <code>tasks/volume</code> from ≥.*1.* to ≥.*0' 3.html

exits "the gate opens" 0 "$ASSIZE" gate release --subject v1 --report html=gate.html \
	--report junit=gate.xml --report json=gate.json
ok "HTML: the page says open" grep -q '>Open.</span> Gate <code>release</code>' gate.html
is "JUnit: an open gate is a case that passed" \
	"$(xmllint --xpath 'count(//testcase[@classname="gate"]/system-out)' gate.xml)" 1
is "JSON: the decision is embedded" "$(jq -r '.decisions[-1].decision' gate.json)" open
run=$(jq .run.id gate.json)
"$ASSIZE" report "$run" --format html >again.html
ok "HTML: the page of the decision is rendered again" cmp gate.html again.html
exits "the gate decides on that run again" 0 "$ASSIZE" gate release --subject v1 --report html=twice.html
is "it made none of its own" "$(jq .run.id <("$ASSIZE" report --format json))" "$run"
"$ASSIZE" report "$run" --format html >again.html
nok "HTML: that is on the page of the run from then on" cmp gate.html again.html
ok "HTML: which is the newer one's" cmp twice.html again.html
ok "HTML: as the older one says" grep -q 'Another decision made on this run later is on a page that is rendered after it' gate.html

# ---- a name that was mistyped costs no record ----

exits "a key" 0 "$ASSIZE" ledger init
cp .assize/record.db kept.db
for words in "report -o .assize/record.db" "run --report tap=.assize/record.db" "gate release --subject v1 --report tap=.assize/record.db" \
	"ledger checkpoint -o .assize/record.db" "report -o shop.db"; do
	run "$ASSIZE" $words
	isnt "$words: refused" "$status" 0
	like "$words: and why" "$err" 'could not write "[^"]*\.db": it is a SQLite database'
done

# What a command reads it does not write over, whatever its name there.
mkdir inputs && cd inputs
cat >assize.yaml <<'YAML'
assize: 1
include: [more.yaml]
targets: { web: { http: "http://127.0.0.1:9", cert_file: cert.pem }, db: { sqlite: d.db } }
audits:
  a:
    checks:
      - { id: c, command: { run: ["true"], env: { WORD: "${file:word}" } } }
      - { id: list, digests: { manifest: SHA256SUMS, root: listed } }
      - { id: schema, target: db, schema: { snapshot: schema.json }, expect: "== 0" }
gates: { g: { require: [ { audit: a } ], subject: any } }
YAML
printf 'audits: { b: { checks: [ { id: c, command: { run: ["true"] } } ] } }\n' >more.yaml
printf 'good word' >word
: >cert.pem
mkdir listed && : >listed/one && (cd listed && sha256sum one) >SHA256SUMS
sqlite3 d.db 'CREATE TABLE t(id INTEGER PRIMARY KEY)'
printf 'assize: 1\ntargets: { db: { sqlite: d.db } }\n' >without.yaml
exits "a snapshot" 0 "$ASSIZE" schema capture db -f without.yaml -o schema.json
exits "which may be taken again" 0 "$ASSIZE" schema capture db -o schema.json
exits "a world of its own" 0 "$ASSIZE" gate g --report json=gate.json
exits "whose report is written again" 0 "$ASSIZE" gate g --report json=gate.json
exits "with a key" 0 "$ASSIZE" ledger init
openssl genpkey -algorithm ed25519 -out sign.key
chmod 600 sign.key
mkdir ../other && openssl genpkey -algorithm rsa -out ../other/key.pem 2>/dev/null
printf '# of another folder\n---\n"assize": 1\naudits: {}\n' >../other/assize.yaml
printf '\xd9\xd5\x05\xf9\x20\xa1\x63\xd7' >../other/journal
ln -s assize.yaml soft && ln assize.yaml hard && ln more.yaml more-hard
find . ../other -type f ! -path './.assize/record*' -exec sha256sum {} + >../before
for words in "gate g --report tap=assize.yaml" "gate g --report tap=./soft" "gate g --report tap=hard" \
	"gate g --report tap=more-hard" "run --report html=more.yaml" "run --report html=word" \
	"run --report tap=cert.pem" "gate g --report tap=schema.json" "run --report tap=.assize/ledger.key" \
	"gate g --report tap=SHA256SUMS" "gate g --attest vsa=assize.yaml --sign-key sign.key" \
	\
	"gate g --subject $(printf 0%.0s {1..40}) --attest vsa=sign.key --sign-key sign.key" "report -o assize.yaml" "report -o hard" \
	"ledger checkpoint -o more.yaml" "ledger checkpoint -o .assize/ledger.key" \
	"report latest -o more-hard" "report latest --record .assize/record.db -o more.yaml" \
	"report latest -o word" "report latest --format tap -o .assize/ledger.key" \
	"report latest --record .assize/record.db -o ../other/key.pem" \
	"report latest --record .assize/record.db -o ../other/assize.yaml" \
	"ledger prove 1 --record .assize/record.db -o .assize/ledger.key" \
	"ledger prove 1 --record .assize/record.db -o hard" "ledger prove 1 --record .assize/record.db -o more.yaml" \
	"ledger checkpoint --record .assize/record.db -o ../other/key.pem" \
	"run --report tap=../other/key.pem" "gate g --report tap=../other/journal" \
	"gate g --report tap=../other/assize.yaml" "schema capture db -o ../other/assize.yaml" \
	"schema capture db -o sign.key" "schema diff schema.json db --json -o ../other/key.pem" \
	"schema capture db -o hard" "schema diff schema.json db -o schema.json"; do
	run "$ASSIZE" $words
	is "$words: refused" "$status" 3
	like "$words: and why" "$err" \
		'cannot write "[^"]*": (this command reads it|it is (a private key|a definition|the journal of a SQLite database))'
done
ok "all of it is as it was" sha256sum --quiet -c ../before
cd ..

is "the record has all it had" \
	"$(sqlite3 .assize/record.db "ATTACH 'kept.db' AS k; SELECT count(*) FROM k.runs WHERE id NOT IN (SELECT id FROM runs)")" 0
exits "and is whole" 0 "$ASSIZE" ledger verify
exits "two reports into one file are a usage error" 3 "$ASSIZE" run --report tap=same --report html=same
like "which names them" "$err" '--report tap=same and --report html=same name one file'
ln -s . folder && : >there && ln there hard-there && ln -s there soft-there
for words in "tap=same --report html=./same" "tap=same --report html=$PWD/same" "tap=folder/same --report html=same" \
	"tap=there --report html=soft-there" "tap=there --report html=hard-there"; do
	exits "$words: one file" 3 "$ASSIZE" run --report $words
	like "$words: and says so" "$err" "--report ${words/ --/ and --} name one file"
done
exits "so is an attestation" 3 "$ASSIZE" gate g --attest vsa=o --report html=./o
like "which is named" "$err" '--report html=\./o and --attest vsa=o name one file'
exits "a device takes all" 0 "$ASSIZE" run --report tap=/dev/null --report html=/dev/null
exits "a report on standard output beside the command's own is a usage error" 3 "$ASSIZE" run --report tap=-
like "with what to do" "$err" 'help: write it to a file, or ask for it afterwards: assize report --format tap'

exits "an unknown format is a usage error" 3 "$ASSIZE" report 1 --format pdf
exits "a run nobody recorded is an error" 3 "$ASSIZE" report 4711

done_testing
