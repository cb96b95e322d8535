#!/bin/bash
# run --shard: a selection in parts, for several machines; and what a gate says while a part is missing, failed,
# stale, unlike the others or about something else.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" || bail "no directory"

world() # DIRECTORY: the same definition, wherever it is
{
	mkdir -p "$1"
	sqlite3 "$1/shop.db" 'CREATE TABLE orders(id INTEGER PRIMARY KEY, total REAL); INSERT INTO orders VALUES (1, 5)'
	{
		cat <<'YAML'
assize: 1
vars: { bound: "<= 10" }
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
YAML
		for i in 0 1 2 3 4 5 6 7 8 9; do
			echo "      - { id: c$i, sql: 'SELECT total FROM orders', expect: '\${bound}', tags: [t$((i % 2))] }"
		done
		echo "      - { id: late, needs: [a/c3], sql: 'SELECT total FROM orders', expect: '<= 10' }"
		echo "gates: { g: { require: { audit: a }, max_age: 1h, run: never } }"
	} >"$1/assize.yaml"
}
world one

# ---- the split ----

cd one || bail "no directory"
planned() # OPTION...: names of the checks a run would execute
{
	"$ASSIZE" plan --json "$@" | jq -r '.probes[].checks[]'
}
planned | LC_ALL=C sort >../all
is "eleven checks are planned" "$(wc -l <../all)" 11
for n in 1 2 3 4 5 6 7; do
	for ((i = 1; i <= n; i++)); do
		planned --shard $i/$n
	done | LC_ALL=C sort >../parts
	ok "$n parts are all checks, each once" cmp ../all ../parts
done
part_of() # CHECK N
{
	local i
	for ((i = 1; i <= $2; i++)); do
		planned --shard "$i/$2" | grep -qx "$1" && echo $i
	done
}
is "what needs another one is where that is" "$(part_of a/late 7)" "$(part_of a/c3 7)"
for i in 1 2 3 4; do planned --shard $i/4 | sed "s/^/$i /"; done | sort >../before
cp assize.yaml kept.yaml
sed -i '/id: c0/h; /id: c0/d; /id: c9/G' assize.yaml
for i in 1 2 3 4; do planned --shard $i/4 | sed "s/^/$i /"; done | sort >../after
ok "another order is the same split" cmp ../before ../after
sed -i "/id: c9/a\\      - { id: more, sql: 'SELECT 1', expect: '== 1' }" assize.yaml
for i in 1 2 3 4; do planned --shard $i/4 | sed "s/^/$i /"; done | grep -v a/more | sort >../after
ok "one more moves no other" cmp ../before ../after
cp kept.yaml assize.yaml
cp -r ../one ../two
manifest() { "$ASSIZE" plan --json "$@" | jq -r .shard.manifest_sha256; }
is "another machine has the same manifest" "$(cd ../two && manifest --shard 1/4 -s v1)" "$(manifest --shard 4/4 -s v1)"
isnt "another subject has another" "$(manifest --shard 1/4 -s v2)" "$(manifest --shard 1/4 -s v1)"
isnt "other variables, too" "$(manifest --shard 1/4 -s v1 --var 'bound=<= 9')" "$(manifest --shard 1/4 -s v1)"
isnt "and other words" "$(manifest --shard 1/4 -s v1 tag:t0)" "$(manifest --shard 1/4 -s v1)"
# What the environment says is in no definition; where it leads belongs to the manifest, with what secret does not.
placed() # TYPE LOCATION
{
	printf 'assize: 1\ntargets: { t: { %s: "${env:PLACE}" } }\naudits: { a: { target: t, checks: [ { id: c, %s } ] } }\n' \
		"$1" "$([ "$1" = http ] && echo 'http: /, expect: { status: "== 200" }' || echo 'sql: SELECT 1, expect: == 1')" >placed.yaml
	PLACE=$2 manifest -f placed.yaml --shard 1/1 | grep -xE '[0-9a-f]{64}' || echo "none for $2"
}
differs() # TYPE HERE THERE
{
	local here there
	here=$(placed "$1" "$2") there=$(placed "$1" "$3")
	unlike "$1 $3: both have a manifest" "$here $there" none
	isnt "$1 $3: another place" "$there" "$here"
}
agrees() # TYPE HERE THERE
{
	local here there
	here=$(placed "$1" "$2") there=$(placed "$1" "$3")
	unlike "$1 $3: both have a manifest" "$here $there" none
	is "$1 $3: the same place" "$there" "$here"
}
differs sqlite a.db b.db
agrees sqlite a.db a.db
differs http https://a.example/x https://b.example/x
differs http https://a.example/x https://a.example:8443/x
agrees http https://u:one@a.example/x https://v:two@a.example/x
differs postgres 'host=a dbname=shop password=one' 'host=b dbname=shop password=one'
differs postgres 'host=a dbname=shop' 'host=a dbname = store'
agrees postgres "host=a user=u password='one host=b' dbname=shop" "host=a user=v password=two dbname=shop"
differs postgres 'postgresql://u:one@a/shop?port=1' 'postgresql://u:one@a/shop?port=2'
agrees postgres 'postgresql://u:one@a/shop?password=one&port=1' 'postgresql://v:two@a/shop?password=two&port=1'
differs odbc 'Driver={a};Server=a;Pwd={x;Server=y}' 'Driver={a};Server=b;Pwd={x;Server=y}'
agrees odbc 'Driver={a};Server=a;Pwd={x;Server=y}' 'Driver={a};Server=a;Pwd={z;Server=z}'
for bad in 3/2 0/4 1/0 -1/2 1/1001 1/99999999999999999999 4 a/b 1/2/3 /; do
	run "$ASSIZE" run "--shard=$bad"
	is "--shard $bad is a mistake" "$status" 3
done
like "and says what it takes" "$err" 'cannot read --shard /: it is I/N, e\.g\. 2/4'
ok "nothing was recorded for it" test ! -e .assize/record.db
exits "what is due is no common ground" 3 "$ASSIZE" run --due --shard 1/2
like "which is told" "$err" '--shard and --due cannot be combined'

# ---- a part of nothing ----

exits "a part nothing falls on is a run" 0 "$ASSIZE" run a/c0 --shard "$((3 - $(part_of a/c0 2)))/2" -s v0
like "that says so" "$out" 'nothing falls on shard [12] of 2.*checks=0'
is "and came to its end without anything" "$("$ASSIZE" report latest --format json | jq -c '.run | [.state, .checks.planned, .outcome]')" \
	'["complete",0,"skip"]'
exits "it opens nothing" 2 "$ASSIZE" gate g -s v0
like "since nothing was measured" "$out" 'undecided a/c0 never measured'
like "and its report is no pass" "$("$ASSIZE" report latest --format tap)" 'not ok 1 - run/complete'

# ---- four machines, four records ----

for i in 1 2 3 4; do
	cp -r ../two ../m$i
	(cd ../m$i && ASSIZE_SHARD=$i/4 "$ASSIZE" run -q -s v1)
	is "machine $i runs its part" $? 0
done
rm -rf .assize
merged() # FILE...: a record of these, and what the gate says of v1
{
	rm -rf .assize
	"$ASSIZE" ledger merge -q --unsigned "$@" || bail "not merged"
	run "$ASSIZE" gate g -s v1
}
replays() # CLAIM: the last decision is made again and is the same
{
	exits "$1: made again" 0 "$ASSIZE" replay --decision 1
	like "$1: it is equal" "$out" ', equal$'
}
shut() # CLAIM PATTERN
{
	is "$1: shut" "$status" 2
	like "$1: told" "$out" "$2"
	replays "$1"
}
r=.assize/record.db
merged ../m{4,2,1,3}/$r
is "all four: open" "$status" 0
like "all four: told" "$out" 'decision=OPEN outcome=pass met=11'
replays "all four"
m=$(manifest --shard 1/4 -s v1 | cut -c1-12)
merged ../m{1,2,4}/$r
shut "one is missing" "undecided shards shard 3 of 4 has no complete run of manifest $m  assize.yaml:[0-9]+:[0-9]+ to do: assize run --shard 3/4 --subject v1"
merged ../m3/$r
shut "three are missing" "shards 1, 2 and 4 of 4 have no complete run of manifest $m"

# again NAME COMMAND...: machine 3 is made anew and runs its part so
again()
{
	rm -rf ../$1 && cp -r ../two ../$1
	(cd ../$1 && shift && "$@") >/dev/null 2>&1
}
part=(env "$ASSIZE" run --shard 3/4 -s v1)
again m3f bash -c "sqlite3 shop.db 'UPDATE orders SET total = 11'; '$ASSIZE' run --shard 3/4 -s v1"
merged ../m{1,2,4,3f}/$r
is "one has failed: shut" "$status" 1
like "one has failed: told" "$out" 'FAIL a/c[0-9]+ 11, bound <= 10'
unlike "one has failed: but it is there" "$out" 'undecided shards'
replays "one has failed"
merged ../m{1,2,4,3}/$r
cp $r whole.db
sqlite3 $r "UPDATE runs SET begin_ms = begin_ms - 7200000 WHERE shard = 3; UPDATE results SET at_ms = at_ms + 7200000 WHERE run = (SELECT id FROM runs WHERE shard = 3)"
run "$ASSIZE" gate g -s v1
is "one began too early: shut" "$status" 2
like "one began too early: told" "$out" "shard 3 of 4 of manifest $m: run [0-9]+ began 2 h( [0-9]+ (h|min))? ago, limit 60 min"
cp whole.db $r
sqlite3 $r "DELETE FROM run_ends WHERE run = (SELECT id FROM runs WHERE shard = 3)"
run "$ASSIZE" gate g -s v1
is "one did not come to its end: shut" "$status" 2
like "one did not come to its end: told" "$out" "shard 3 of 4 has no complete run of manifest $m: run [0-9]+ did not come to its end"
again m3d bash -c "echo '# changed' >>assize.yaml; '$ASSIZE' run --shard 3/4 -s v1"
merged ../m{1,2,4,3d}/$r
like "one has other definitions: of the others as well" "$out" "the evidence is of manifest $m, and run [0-9]+, shard 3 of 4, is of manifest [0-9a-f]+, under another definition: all shards have to be run alike"
shut "one has other definitions" "shard 3 of 4 has no complete run of manifest $m; run [0-9]+ of shard 3 was made under another definition"
merged ../m{1,2,3,4,3d}/$r
shut "one is there twice, with two definitions" "the evidence is of manifest $m, and run [0-9]+, shard 3 of 4, is of manifest [0-9a-f]+, under another definition"
again m3v "${part[@]}" --var 'bound=<= 9'
merged ../m{1,2,4,3v}/$r
shut "one has other variables" "shard 3 of 4 has no complete run of manifest $m; run [0-9]+ of shard 3 was made under another definition or with other variables"
again m3o "$ASSIZE" run --shard 3/4 -s v2
merged ../m{1,2,4,3o}/$r
shut "one is about another subject" "shard 3 of 4 has no complete run of manifest $m; run [0-9]+ of shard 3 was made about \"v2\""
again m3n "$ASSIZE" run --shard 3/5 -s v1
merged ../m{1,2,3,4,3n}/$r
shut "one more is a part of five" "run [0-9]+, shard 3 of 5, is of manifest"

# A part that is run again takes the place of its first run; a run of everything needs none.
# Only where it was run, and when that was over: of two records nobody knows which one counts.
again m3r "${part[@]}"
merged ../m{1,2,3f,4}/$r
(cd ../m3f && sqlite3 shop.db 'UPDATE orders SET total = 5' && "${part[@]}") >/dev/null
"$ASSIZE" ledger merge -q --unsigned ../m3f/$r
exits "a part that failed is run again" 0 "$ASSIZE" gate g -s v1
"$ASSIZE" ledger merge -q --unsigned ../m3r/$r
exits "a part that two have run" 2 "$ASSIZE" gate g -s v1
like "is one too many" "$out" "undecided shards shard 3 of 4 of manifest $m: run [0-9]+ and run [0-9]+ are both complete, made in different records"
exits "and still is when that is made again" 0 "$ASSIZE" replay --decision 2
merged ../m{1,2,4}/$r
"$ASSIZE" run -q -s v1
exits "a run of everything asks for no part" 0 "$ASSIZE" gate g -s v1
unlike "nor says anything of parts" "$out" 'shards'

# Two selections of one subject are two wholes.
rm -rf .assize
for i in 1 2; do
	"$ASSIZE" run -q tag:t0 --shard $i/2 -s v1
	"$ASSIZE" run -q tag:t1 --shard $i/2 -s v1
done
"$ASSIZE" run -q a/late --shard 1/1 -s v1
exits "each selection has its own parts" 0 "$ASSIZE" gate g -s v1
"$ASSIZE" run -q tag:t1 --shard 1/3 -s v1
exits "one of which is begun anew" 2 "$ASSIZE" gate g -s v1
like "and is told alone" "$("$ASSIZE" gate g -s v1 | grep -c 'undecided shards')" '^2$'

# ---- as the manual has it: a key of the pipeline, copies as artifacts ----

openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
LEDGER_KEY=$(cat key.pem)
export LEDGER_KEY
cp kept.yaml assize.yaml
printf 'ledger: { name: shop/ci, key_pem: "${env:LEDGER_KEY}" }\n' >>assize.yaml
rm -rf .assize
"$ASSIZE" ledger init -q >public
sed -i "s|^ledger: {|& trust: [\"$(cat public)\"],|" assize.yaml
for i in 1 2 3 4; do
	rm -rf .assize
	"$ASSIZE" ledger init -q >/dev/null
	"$ASSIZE" run -q --shard $i/4 -s v5
	"$ASSIZE" ledger export -q shard-$i.db
done
rm -rf .assize
exits "what is signed with the pipeline's key is merged" 0 "$ASSIZE" ledger merge shard-*.db
is "from each job" "$(grep -c '^shard-[1-4].db: 1 run, .* of shop/ci/' <<<"$out")" 4
exits "and decided by" 0 "$ASSIZE" gate g -s v5
cp kept.yaml assize.yaml
"$ASSIZE" run -q --record shard-5.db -s v5
printf 'ledger: { trust: ["%s"] }\n' "$(cat public)" >>assize.yaml
exits "what is not is refused" 4 "$ASSIZE" ledger merge shard-5.db
cp kept.yaml assize.yaml
rm -rf .assize
for i in 1 2; do
	"$ASSIZE" run -q tag:t1 --shard $i/2 -s v1
done
"$ASSIZE" run -q tag:t1 --shard 1/3 -s v1

# ---- where it is seen ----

like "history has the part" "$("$ASSIZE" history)" 'run tag:t1, shard 1/3'
is "a report has it" "$("$ASSIZE" report latest --format json | jq -c '.run.shard | [.index, .of]')" '[1,3]'
is "and the leaf" "$("$ASSIZE" ledger leaves | jq -c 'select(.t == "assize/run-begin/1") | [.shard, .shards]' | tail -1)" '[1,3]'
"$ASSIZE" run --report json=before.json -q a/c1 --shard "$(part_of a/c1 2)/2" -s v1
ok "the record is whole" "$ASSIZE" ledger verify
done_testing
