#!/bin/bash
# damage: what a real world does to a release. The intact world opens the gate; each damage shuts it, and
# says so through run, gate, JSON and JUnit, with the line of the definition, the value and the bound.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

TESTD=$BUILD/tests/tools/testd

make_database() {
	rm -f shop.db
	sqlite3 shop.db "
		CREATE TABLE execution_tasks(id INTEGER PRIMARY KEY, owner TEXT, ai_model TEXT NOT NULL);
		WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
		INSERT INTO execution_tasks SELECT i, 'team-' || i % 7, 'm' FROM n;"
}
make_artifact() {
	rm -rf dist
	mkdir dist
	seq 10000 >dist/app
	(cd dist && sha256sum app >SHA256SUMS)
}
make_repository() {
	rm -rf repo
	git init -q -b main repo
	for v in 1 2; do
		seq "$v" 3000 >repo/file
		git -C repo add -A
		git -C repo commit -q -m "v$v"
		git -C repo tag "v$v"
	done
	git -C repo repack -q -a -d
}
make_database
make_artifact
make_repository
mkdir www
printf '# TYPE lag gauge\nlag{q="a"} 4\nlag{q="b"} 5\n' >www/good.prom
cp www/good.prom www/now.prom

mkfifo ports
"$TESTD" --dir www >ports &
reap $!
read -r _ port <ports
exporter_port=$("$ROOT/tests/lib/free_port")
prometheus-node-exporter --web.listen-address="127.0.0.1:$exporter_port" --log.level=error >/dev/null 2>&1 &
exporter=$!
reap $exporter
ok "the exporter answers" wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/$exporter_port"

cat >assize.yaml <<YAML
assize: 1
targets:
  shop: { sqlite: shop.db }
  node: { http: "http://127.0.0.1:$exporter_port" }
  web: { http: "http://127.0.0.1:$port" }
  repo: { git: repo }
audits:
  db:
    target: shop
    checks:
      - id: columns
        schema: { table: execution_tasks, columns: { id: { type: integer, key: primary }, ai_model: { type: text, nullable: false } } }
      - id: owner
        missing: { table: execution_tasks, columns: [owner] }
        expect: "<= 0.1%"
  metrics:
    timeout: 5s
    checks:
      - id: node
        target: node
        scrape: { path: /metrics, metric: 'node_exporter_build_info' }
        expect: "== 1"
      - id: lag
        target: web
        scrape: { path: "\${path}", metric: lag, by: [q] }
        expect: "< 10"
      - id: home
        target: web
        http: { path: "\${page}", json: { ok: /ok } }
        expect: { ok: '== "true"' }
  artifact:
    checks:
      - { id: digests, digests: { manifest: dist/SHA256SUMS } }
  back:
    checks:
      - { id: tags, target: repo, rollback: { set: releases } }
vars: { path: /now.prom, page: /ok.json }
rollback:
  releases: { repo: repo, tags: "v*" }
gates:
  db: { require: [ { audit: db } ], run: always }
  metrics: { require: [ { audit: metrics } ], run: always }
  artifact: { require: [ { audit: artifact } ], run: always }
  back: { require: [ { audit: back } ], run: always, rollback: { set: releases, tags: all } }
YAML
sed -i 's/{ id: tags, target: repo, /{ id: tags, /' assize.yaml
echo '{"ok": true}' >www/ok.json

exits "the definition is sound" 0 "$ASSIZE" check
diag "$out$err"
for gate in db metrics artifact back; do
	exits "the intact world opens gate $gate" 0 "$ASSIZE" gate $gate --subject v1
	[ "$status" = 0 ] || diag "$out$err"
done

# shut GATE CHECK STATUS 'REGEX' [option..]: all four channels say so.
shut() {
	local gate=$1 check=$2 want=$3 says=$4 name="${FUNCNAME[1]}"
	shift 4
	exits "$damage: run exits $want" "$want" "$ASSIZE" run "$check" --subject v1 "$@" \
		--report json=r.json --report junit=r.xml
	like "$damage: the message says what was found" "$out$err" "$says"
	like "$damage: and which line of the definition" "$out$err" 'assize\.yaml:[0-9]+'
	is "$damage: JSON has the outcome" \
		"$(jq -r --arg c "$check" '[.checks[] | select(.name == $c) | .outcome] | first' r.json)" \
		"$([ "$want" = 1 ] && echo fail || echo undecided)"
	is "$damage: JUnit has a failure or an error" \
		"$(xmllint --xpath 'count(//failure | //error) > 0' r.xml)" true
	exits "$damage: the gate exits $want" "$want" "$ASSIZE" gate "$gate" --subject v1 "$@"
	like "$damage: and is shut" "$out" 'SHUT'
}

damage="a dropped column"
sqlite3 shop.db "ALTER TABLE execution_tasks DROP COLUMN ai_model"
shut db db/columns 1 'ai_model.*missing'
make_database

damage="0.2 % nulled"
sqlite3 shop.db "UPDATE execution_tasks SET owner = NULL WHERE id % 500 = 0"
shut db db/owner 1 '0\.20 %.*<= 0\.1 %'
make_database

damage="a stopped exporter"
kill $exporter
wait $exporter 2>/dev/null
shut metrics metrics/node 2 'refused'

for case in "NaN|nan.prom|lag{q=\"a\"} NaN\n|NaN" \
	"an empty exposition|empty.prom||no series|empty" \
	"a torn line|torn.prom|lag{q=\"a\"} 4\nlag{q=\"b|:2:|line 2" \
	"hex|hex.prom|lag 0x10\n|0x10" "a comma|comma.prom|lag 12,345\n|12,345" \
	"an HTML page|page.html|<html><body>ok</body></html>\n|html"; do
	IFS='|' read -r damage file body says more <<<"$case"
	printf "$body" >"www/$file"
	shut metrics metrics/lag 2 "$says${more:+|$more}" --var "path=/$file"
done
for mode in torn-length torn-chunk torn-gzip reset hang-body empty-200; do
	damage="mode $mode"
	shut metrics metrics/lag 2 'lag' --var "path=/mode/$mode"
done
damage="HTTP 200 with an HTML error page"
shut metrics metrics/home 2 'not JSON|html' --var page=/mode/html-200
damage="HTTP 500 with a good body"
shut metrics metrics/home 1 '500' --var page=/status/500

damage="one byte of an artifact flipped"
printf 'X' | dd of=dist/app bs=1 seek=5000 conv=notrunc status=none
shut artifact artifact/digests 1 'app.*digest|digest.*app'
make_artifact

damage="a moved tag"
git -C repo tag -f v1 v2 >/dev/null
shut back back/tags 1 'v1'
git -C repo tag -f v1 v2~1 >/dev/null
exits "$damage: put back, the gate opens again" 0 "$ASSIZE" gate back --subject v1

damage="a tag moved after it was proven"
sed 's/run: always, rollback:/run: never, rollback:/; s/require: \[ { audit: back } \], run: never/run: never/' assize.yaml >moved.yaml
exits "$damage: intact, the gate opens" 0 "$ASSIZE" gate back --subject v1 -f moved.yaml
git -C repo tag -f v1 v2 >/dev/null
exits "$damage: fresh evidence about another commit opens nothing" 2 "$ASSIZE" gate back --subject v1 -f moved.yaml
like "$damage: and the message says where the tag leads" "$out" 'the tag leads to'
git -C repo tag -f v1 v2~1 >/dev/null

damage="one byte of a pack flipped"
pack=$(echo repo/.git/objects/pack/*.pack)
chmod u+w "$pack"
cp "$pack" pack.good
size=$(stat -c %s "$pack")
byte=$(dd if="$pack" bs=1 skip=$((size / 2)) count=1 status=none | od -An -tu1)
printf "\\$(printf %o $(((byte + 1) % 256)))" | dd of="$pack" bs=1 seek=$((size / 2)) conv=notrunc status=none
shut back back/tags 1 'v1|v2'
cp pack.good "$pack"
exits "$damage: mended, the gate opens again" 0 "$ASSIZE" gate back --subject v1

done_testing
