#!/bin/bash
# Checkpoints where the record's keeper cannot change them: a branch behind git daemon, time stamps that
# `openssl ts` reads, a witness written from its specification. What they hold finds what the file cannot.
. "$(dirname "$0")/../lib/tap.sh"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"

world=$TMP/world
mkdir "$world" "$TMP/git" "$TMP/notary"
cd "$world" || exit 1
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=$TMP

# ---- those who keep ----

git init -q -b shop --bare "$TMP/git/anchors.git"
git -C "$TMP/git/anchors.git" config receive.denyNonFastForwards true
git -C "$TMP/git/anchors.git" config receive.denyDeletes true
printf '#!/bin/sh\ntest ! -e %s || sh %s >&2\n' "$TMP/swap" "$TMP/swap" >"$TMP/hook" # when somebody fetches
chmod +x "$TMP/hook"
git_port=$("$ROOT/tests/lib/free_port")
serve_git()
{
	/usr/lib/git-core/git-daemon --listen=127.0.0.1 --port="$git_port" --export-all --reuseaddr \
		--enable=receive-pack --access-hook="$TMP/hook" --base-path="$TMP/git" "$TMP/git" >/dev/null 2>&1 &
	git_pid=$!
	reap $git_pid
	wait_for git ls-remote "git://127.0.0.1:$git_port/anchors.git" || bail "git daemon does not start"
}
serve_git

(
	cd "$TMP/notary" || exit 1
	printf '%s\n' '[ext]' 'extendedKeyUsage=critical,timeStamping' '[ca]' 'basicConstraints=critical,CA:true' >ext
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.pem -out ca.crt -days 30 \
		-subj /CN=notaries
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.pem -out tsa.csr -subj /CN=tsa
	openssl x509 -req -in tsa.csr -CA ca.crt -CAkey ca.pem -CAcreateserial -days 30 -extfile ext -extensions ext \
		-out tsa.crt
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.pem -out other.crt \
		-days 30 -subj /CN=others
	openssl genpkey -algorithm ed25519 -out witness.pem
	printf '%s\n' '[tsa]' 'serial=serial' 'signer_cert=tsa.crt' 'certs=ca.crt' 'signer_key=tsa.pem' \
		'signer_digest=sha256' 'default_policy=1.2.3.4' 'digests=sha256' 'ess_cert_id_alg=sha256' >tsa.cnf
	echo 01 >serial
	echo witness.example.com >witness.name
	echo good >mode
) >"$TMP/notary.log" 2>&1 || bail "no notary: $(cat "$TMP/notary.log")"
"$ROOT/tests/lib/notary" "$TMP/notary" >"$TMP/notary.out" 2>"$TMP/notary.err" &
reap $!
wait_for grep -q port "$TMP/notary.out" || bail "the notary does not start: $(cat "$TMP/notary.err")"
port=$(sed -n 's/^port //p' "$TMP/notary.out")
witness_key=$(python3 - "$TMP/notary" <<'END'
import base64, hashlib, subprocess, sys
public = subprocess.run(["openssl", "pkey", "-in", sys.argv[1] + "/witness.pem", "-pubout", "-outform", "DER"],
                        stdout=subprocess.PIPE, check=True).stdout[-32:]
name = "witness.example.com"
print(f"{name}+{hashlib.sha256(name.encode() + b'%c%c' % (10, 4) + public).hexdigest()[:8]}"
      f"+{base64.b64encode(bytes([4]) + public).decode()}")
END
)

define() # FILE CA GIT-URL
{
	cat >"$1" <<END
assize: 1
ledger:
  name: shop.example.com/audits
  anchors:
    - { git: "$3", branch: shop }
    - { timestamp: "http://127.0.0.1:$port/tsr", ca_file: $2 }
    - { witness: "http://127.0.0.1:$port/witness", key: $witness_key }
targets: { shop: { sqlite: shop.db } }
audits:
  tasks:
    target: shop
    checks:
      - { id: rows, rows: { table: tasks }, expect: ">= 2" }
END
}
url=git://127.0.0.1:$git_port/anchors.git
define assize.yaml "$TMP/notary/ca.crt" "$url"
sqlite3 shop.db "CREATE TABLE tasks(id INTEGER PRIMARY KEY); INSERT INTO tasks VALUES (1), (2)"
db=.assize/record.db
anchor() { "$ASSIZE" ledger anchor "$@"; }
verify() { "$ASSIZE" ledger verify "$@"; }
mode() { echo "$1" >"$TMP/notary/mode"; }

# ---- putting and looking ----

exits "a run" 0 "$ASSIZE" run -q
exits "no key, nothing to put anywhere" 3 anchor
like "and it says how to make one" "$err" 'there is no key to sign with.*assize ledger init'
exits "a key" 0 "$ASSIZE" ledger init
sed -n 's/^key  *//p' <<<"$out" >"$TMP/notary/log.key"
key=$(cat "$TMP/notary/log.key")
exits "a checkpoint is put in three places" 0 anchor
like "each is told" "$out" \
	$'^[0-9]+ records of shop\.example\.com/audits/[0-9a-f]{32}\n  git        git://127[^ ]+#shop\n  timestamp  http://[^ ]+/tsr\n  witness    http://[^ ]+/witness$'
identity=$(sed -n 's/.* of .*\/\([0-9a-f]\{32\}\)$/\1/p' <<<"$out")
size=$(sed -n 's/ records of .*//p' <<<"$out")
is "the branch has a file named after the record" \
	"$(git -C "$TMP/git/anchors.git" ls-tree --name-only shop)" "$identity.checkpoint"
git -C "$TMP/git/anchors.git" show "shop:$identity.checkpoint" >kept
is "it is the checkpoint of those records" "$(sed -n 2p kept)" "$size"
is "git finds nothing wrong with it" "$(git -C "$TMP/git/anchors.git" fsck --strict 2>&1)" ""
sqlite3 $db "SELECT writefile('token', receipt) FROM anchors WHERE kind = 'timestamp'" >/dev/null
ok "openssl accepts the time stamp" openssl ts -verify -data kept -in token -token_in -CAfile "$TMP/notary/ca.crt"
exits "all three hold" 0 verify --trust "$key"
like "and what came since is told" "$out" 'elsewhere +3 hold; [0-9]+ records since'
cp -r .assize older
exits "another run" 0 "$ASSIZE" run -q
exits "and another checkpoint" 0 anchor -q
is "nothing is said when that is asked for" "$out$err" ""
is "the branch has both" "$(git -C "$TMP/git/anchors.git" rev-list --count shop)" 2
exits "six hold" 0 verify --trust "$key"
like "of two checkpoints" "$out" 'elsewhere +6 hold'
exits "without asking the repository four" 0 verify --trust "$key" --offline
like "which are in the record" "$out" 'elsewhere +4 hold'
ok "a verifier that is not ours agrees" python3 -B "$ROOT/tests/verifiers/ledger.py" $db "$key" kept

# ---- what reports say of it ----

"$ASSIZE" report latest --format json >report.json
is "a report tells how far the record was anchored" "$(jq -c '[.ledger.anchored, .ledger.records - .ledger.anchored]' report.json)" \
	"[$size,$(jq '.ledger.records' report.json | awk -v s="$size" '{ print $1 - s }')]"
like "and where" "$(jq -r '"\(.ledger.place) \(.ledger.anchored_at)"' report.json)" '^http://[^ ]+/witness 2[0-9-]+T'
like "a page as well" "$("$ASSIZE" report latest --format html)" '<dt>Anchored</dt><dd>all but [0-9]+ of [0-9]+ records, '
like "and a summary" "$("$ASSIZE" report latest --format markdown)" 'Anchored: `all but [0-9]+ of [0-9]+ records, [^`]+witness`\.'
like "of the first run, before there was one: none" "$("$ASSIZE" report 1 --format markdown)" 'Anchored: none of [0-9]+ records\.'

# ---- what they find ----

cp -r .assize good
rm -r .assize && cp -r older .assize
exits "an older record in its place" 4 verify --trust "$key"
like "is shorter than what the branch holds" "$out" 'BROKEN +the record is shorter than it was: git://[^ ]+#shop, commit [0-9a-f]{12} vouches for'
exits "the file alone does not show it" 0 verify --trust "$key" --offline
exits "history made anew with the same key" 0 "$ASSIZE" run -q
exits "longer than before" 0 "$ASSIZE" run -q
exits "is not what was put there" 4 verify --trust "$key"
like "and the branch says so" "$out" 'BROKEN +history was rewritten: the first [0-9]+ records are not those that git://'
exits "the witness does not sign for it" 2 anchor
like "nor does the branch take it" "$err" 'assize\.yaml:5:7: git git://[^ ]+: commit [0-9a-f]{12}: it vouches for [0-9]+ records that are not those'
is "it is as it was" "$(git -C "$TMP/git/anchors.git" rev-list --count shop)" 2
like "the witness has seen another" "$err" 'assize\.yaml:7:7: witness http://[^ ]+: it refused with status 422: the record does not extend'
rm -r .assize && cp -r good .assize

# ---- when they cannot be asked, or lie ----

kill $git_pid && wait $git_pid 2>/dev/null
exits "a repository that is away does not keep the others from it" 2 anchor
like "it is named" "$err" 'assize\.yaml:5:7: git git://[^ ]+#shop: could not fetch branch "shop"'
like "the others have it" "$out" $'timestamp  [^\n]+\n  witness '
exits "what cannot be read is a doubt" 2 verify --trust "$key"
like "with a reason" "$out" 'doubt +git://[^ ]+#shop: could not fetch'
exits "and without asking there is none" 0 verify --trust "$key" --offline
serve_git
n_anchors() { sqlite3 $db "SELECT count(*) FROM anchors"; }
before=$(n_anchors)
for lie in other:'it stamped something else' mute:'it answered no time stamp'; do
	mode "${lie%%:*}"
	exits "an authority that is ${lie%%:*}" 2 anchor
	like "is not believed" "$err" "timestamp http://[^ ]+: ${lie#*:}"
done
mode rude
exits "an authority that refuses" 2 anchor
like "is quoted, not obeyed, and not for ever" "$err" 'status 2\): \\(e|x1b|033)\[2Jno{190,199}$'
mode forge
exits "a witness that signs something else" 2 anchor
like "is not believed either" "$err" 'witness http://[^ ]+: what it gave is not signed by witness\.example\.com'
mode good
is "nothing of it is recorded" "$(sqlite3 $db "SELECT group_concat(kind, ' ') FROM anchors WHERE id > $before")" \
	"git witness git git witness git timestamp"
define others.yaml "$TMP/notary/other.crt" "$url"
exits "certificates that do not count" 2 anchor -f others.yaml
like "are refused" "$err" 'timestamp [^ ]+: the time stamp does not hold'
exits "also of time stamps there are" 2 verify -f others.yaml --trust "$key"
like "which are doubted then" "$out" 'doubt +timestamp of http://[^ ]+ for [0-9]+ records: the time stamp does not hold'
cp -r .assize whole
sqlite3 $db "UPDATE anchors SET receipt = zeroblob(40) WHERE id = 2"
exits "a receipt that was changed" 4 verify --trust "$key"
like "is found by the tree" "$out" 'BROKEN +the head of the ledger|BROKEN +the first|BROKEN +records'
rm -r .assize && mv whole .assize
cp -r .assize twin
exits "one more" 0 anchor -q
rm -r .assize && mv twin .assize
exits "what is known there, and not here, is put there again" 0 anchor
like "and is found" "$out" $'^[0-9]+ records [^\n]+\n  git '
exits "both agree" 0 verify --trust "$key"

# A repository that takes the connection and never says a word: not for ever.
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1"); $| = 1; print $s->sockport, "\n"; <STDIN>' \
	>silent.port < <(exec tail -f /dev/null) &
reap $!
wait_for test -s silent.port
sed "s|git: \".*git\"|git: \"git://127.0.0.1:$(cat silent.port)/a.git\", timeout: 200ms|; /timestamp\|witness/d" assize.yaml >silent.yaml
exits "silence" 2 "$ASSIZE" ledger anchor -f silent.yaml
like "is no answer" "$err" 'could not fetch branch "shop" of git://[^ ]+: no answer within 200 ms'

"$ROOT/tests/lib/git_flood" >flood.port &
reap $!
wait_for test -s flood.port
sed "s|$(cat silent.port)|$(cat flood.port)|; s|200ms|30s|" silent.yaml >flood.yaml
exits "a branch without end" 2 anchor -f flood.yaml
like "is not taken" "$err" 'could not fetch branch "shop" of git://[^ ]+: .*(large|write)'

# ---- a gate that asks ----

sed -e '$r /dev/stdin' -e "s|^ledger:|&\n  trust: [ \"$key\" ]\n  origin: shop.example.com/audits/$identity|" assize.yaml >gate.yaml <<'END'
gates:
  release:
    require: [ { audit: tasks } ]
    subject: any
    ledger: { anchored: 1h }
END
gate()
{
	[ "${1:-}" = -f ] || set -- -f gate.yaml "$@"
	"$ASSIZE" gate release "$@"
}
exits "a gate opens on a record that is whole and anchored" 0 gate --json
like "and says so" "$(jq -r '.. | objects | select(.check? == "ledger") | .text' <<<"$out")" \
	'^[0-9]+ records are what was recorded, [0-9]+ of them anchored '
exits "the decision can be made again, from the record alone" 0 "$ASSIZE" replay --decision 1
for lacking in 'origin:which record is meant' 'trust:whose signatures count' 'git\|witness:a time stamp says when, not' \
	'git\|timestamp\|witness\|anchors:nothing says where'; do
	sed "/^  *\(- { \)*\(${lacking%%:*}\):/d" gate.yaml >lacking.yaml
	exits "a gate without ${lacking%%:*}" 3 gate -f lacking.yaml
	like "is told so" "$err" "lacking\.yaml:[0-9]+:[0-9]+.*${lacking#*:}"
done
sed '/^  *\(origin\|trust\):/d' gate.yaml >lacking.yaml
exits "one without both" 3 gate -f lacking.yaml
is "is sent to init for both" "$(grep -c 'to the file: assize ledger init prints it$' <<<"$err")" 2
exits "which does not ask for them itself" 0 "$ASSIZE" ledger init -f lacking.yaml --record new/record.db --key new.key
like "and prints them" "$out" $'^origin  [^\n]+\nkey     [^\n]+[+]A'
printed=$(sed -n 's/^key  *//p' <<<"$out")
exits "as it does to who asks again" 3 "$ASSIZE" ledger init -f lacking.yaml --record new/record.db --key new.key
ok "where it makes no other" grep -qF "its key ${printed:?}" <<<"$err"
sed 's/anchored: 1h/anchored: 1s/' gate.yaml >old.yaml
is_old() { run "$ASSIZE" gate release -f old.yaml && [ "$status" = 2 ]; }
ok "not on one that was anchored too long ago" wait_for is_old
is_old
like "and says what to do" "$out" 'the record was anchored [^\n]+, limit 1000 ms.*assize ledger anchor'
cp -r .assize whole
sqlite3 $db "UPDATE facts SET attempts = attempts + 1 WHERE id = 1"
exits "not on one that was changed" 1 gate
like "which fails" "$out" 'FAIL +ledger +.*the record is not what was recorded: '
rm -r .assize && mv whole .assize
kill $git_pid && wait $git_pid 2>/dev/null
exits "not while an anchor cannot be asked" 2 gate
like "which is a doubt" "$out" 'the record is in doubt: git://[^ ]+: could not fetch'
serve_git
exits "and opens again" 0 gate
sqlite3 shop.db "DELETE FROM tasks WHERE id = 2"
exits "what was found" 1 "$ASSIZE" run -q
exits "is put elsewhere" 0 anchor -q
found=$(sqlite3 $db "SELECT facts_id FROM results WHERE id = (SELECT max(id) FROM results)")
forge() { echo "UPDATE results SET facts_id = $1 WHERE id = (SELECT max(id) FROM results)"; }
printf 'sqlite3 %s "%s"\n' "$PWD/$db" "$(forge "$found")" >"$TMP/swap"
sqlite3 $db "$(forge 1)"
exits "a forged pass that is taken back while anchors are asked" 1 gate
like "opens nothing: what is judged is what was verified" "$out" 'FAIL +tasks/rows'
rm "$TMP/swap"
sqlite3 shop.db "INSERT INTO tasks VALUES (2)"

# A key that was taken away: what was recorded since may be anybody's.
sed 's/^    subject: any$/&\n    run: always/' gate.yaml >always.yaml
exits "what this gate has measured" 0 gate -f always.yaml --json
like "it signs for before it counts" "$(jq -r '.. | objects | select(.check? == "ledger") | .text' <<<"$out")" 'are what was recorded'
mv .assize/ledger.key away.key
exits "what was signed for counts where the key is not" 0 gate
sqlite3 shop.db "DELETE FROM tasks WHERE id = 2"
exits "a failure without the key" 1 "$ASSIZE" run -q
sqlite3 shop.db "INSERT INTO tasks VALUES (2)"
exits "and a pass" 0 "$ASSIZE" run -q
exits "open nothing" 2 gate
like "for no key that is trusted has signed for them" "$out" 'undecided ledger run [0-9]+ is signed for by no key that is trusted +[^\n]+ to do: assize ledger checkpoint'
exits "that decision can be made again" 0 "$ASSIZE" replay --decision "$(sqlite3 $db 'SELECT max(id) FROM decisions')"
sed 's/^  release:/  next: { require: [ { audit: tasks } ], subject: any }\n&/; s/subject: any$/&\n    depends_on: [ next ]/' gate.yaml >depends.yaml
sed 's/ledger: { anchored: 1h }//' gate.yaml >unasked.yaml
exits "a gate that does not ask for it opens" 0 gate -f unasked.yaml
mv away.key .assize/ledger.key
exits "with the key the gate signs for all there is" 0 gate
exits "and what it depends on" 0 "$ASSIZE" gate next -f depends.yaml
exits "is signed for, too" 0 gate -f depends.yaml
mv .assize/ledger.key away.key
exits "a decision without the key" 0 "$ASSIZE" gate next -f depends.yaml
exits "opens no other gate" 2 gate -f depends.yaml
like "which says whose it is" "$out" 'the decision of gate "next" is signed for by no key'
exits "an override, where the key is not" 0 "$ASSIZE" override release -q -f unasked.yaml --subject v1 --by jane --reason late --until 1h
is "is not signed for" "$("$ASSIZE" ledger verify --json | jq '.checkpoints.covered == .size')" false
mv away.key .assize/ledger.key
exits "with it" 0 "$ASSIZE" override release -q -f unasked.yaml --subject v1 --by jane --reason late --until 1h
is "it is" "$("$ASSIZE" ledger verify --json | jq '.checkpoints.covered == .size')" true
mv .assize/ledger.key away.key
exits "nor when it is made again" 0 "$ASSIZE" replay --decision "$(sqlite3 $db 'SELECT max(id) FROM decisions')"
mv away.key .assize/ledger.key

# ---- more of them ----

define pw.yaml "$TMP/notary/ca.crt" "http://me:hunter22@127.0.0.1:$port/status/403/anchors.git"
exits "a repository that wants another password" 2 anchor -f pw.yaml
unlike "is told without ours" "$out$err" 'hunter22|me:'
like "by its name" "$err" "git http://127\.0\.0\.1:$port/status/403/anchors\.git#shop: "
sed -i "s|:$port/tsr|:\${env:WHERE}|" assize.yaml
sed "s|127.0.0.1:$port/status/403/anchors.git|127.0.0.1:$port/status/403/\${env:WHERE}/?\${env:WHAT}|" pw.yaml >path.yaml
for file in assize.yaml path.yaml; do
	WHERE=$port/tsr WHAT=query4711 run "$ASSIZE" ledger anchor -f $file
	like "it was asked: $file" "$out$err" '\*\*\*'
	unlike "secrets of a URL are not told: $file" "$out$err" '/tsr|query4711|hunter22'
	WHERE=$port/tsr WHAT=query4711 run "$ASSIZE" ledger verify -f $file
	unlike "nor by what is found: $file" "$(grep '#shop:' <<<"$out$err")" '/tsr|query4711|hunter22'
done
is "nor recorded" "$(sqlite3 $db "SELECT body FROM anchors a JOIN texts t ON t.id = a.place WHERE kind = 'timestamp' ORDER BY a.id DESC LIMIT 1")" \
	"http://127.0.0.1:***"
define assize.yaml "$TMP/notary/ca.crt" "$url"
printf 'rm %s && cd %s && "%s" run -q && "%s" ledger anchor -q' "$TMP/swap" "$PWD" "$ASSIZE" "$ASSIZE" >"$TMP/swap"
exits "one that was overtaken while it asked" 0 anchor
like "finds a newer checkpoint there, which will do" "$out" $'git [^\n]+\\(was there\\)\n +timestamp [^\n]+\\(was there\\)\n +witness [^\n]+\\(was there\\)'
mkdir second && cp assize.yaml shop.db second
second() { (cd second && "$ASSIZE" "$@"); }
second run -q && second ledger init >"$TMP/second.key"
sed -n 's/^key  *//p' "$TMP/second.key" >"$TMP/notary/log.key"
sed -i '/timestamp\|witness/d' second/assize.yaml
exits "another record may share the branch" 0 second ledger anchor
is "with a file of its own" "$(git -C "$TMP/git/anchors.git" ls-tree --name-only shop | wc -l)" 2
for i in 1 2 3; do
	second run -q
	(cd second && exec "$ASSIZE" ledger anchor -q) &
	anchor -q --key .assize/ledger.key 2>/dev/null
	wait $!
	is "two at once, time $i: both are there" $? 0
done
exits "and each record finds its own" 0 second ledger verify
like "all of them" "$out" 'elsewhere +4 hold'
cat >none.yaml <<'END'
assize: 1
END
exits "no places, nothing to do" 3 anchor -f none.yaml
like "and it says what to write" "$err" 'ledger: \{ anchors:'
for wrong in '{}:does not say where' '{ git: a, witness: b }:is both git and witness' '{ git: a, ca_file: b }:belongs to an anchor of timestamp' \
	'{ timestamp: "http://a" }:an anchor of timestamp needs ca_file' '{ git: a, branch: "a..b" }:is no name of a branch' \
	'{ git: "http://me:a/b@host/x" }:where the host' '{ git: "http://a@b@host/x" }:where the host' '{ git: "ssh://a#b@host/x" }:where the host' \
	"{ git: \"http://a/$(printf '%0400d' 0)\" }:has more than 400 bytes" "{ git: a, branch: $(printf '%0201d' 0) }:is no name of a branch" \
	"{ witness: \"http://a\", key: \"$key\" }:that is no key of a witness" '{ witness: "ftp://a", key: x }:'; do
	printf 'assize: 1\nledger: { anchors: [ %s ] }\n' "${wrong%:*}" >wrong.yaml
	run "$ASSIZE" check -f wrong.yaml
	like "not accepted: ${wrong%:*}" "$status $out$err" "^3 .*wrong\.yaml:2:[0-9]+.*${wrong##*:}"
done
done_testing
