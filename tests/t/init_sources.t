#!/bin/bash
# assize init for what is no database: the definition it writes passes, each of its checks fails when the world it is
# about changes, no secret is written down, and nothing is replaced.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/testd.sh"

cd "$TMP" || bail "no scratch directory"

# The web: a document with what documents have, a page, and metrics.
mkdir www
health()
{
	printf '{"status": "%s", "version": "2.31.0", "jobs": {"waiting": 3, "list": [%s]}, "now": %s, "we/ird": "%s",
"built_at": "2026-11-20T10:00:00Z", "token": "swordfish-1234", "share": 0.25, "up": true, "none": null, "sid": "q8Zr3LmX0vTnY6Kd", "instance": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "home": "redis://ada:swordfish-5678@cache/0", "beats": %s, "no\\nway": [1]}\n' \
		"$1" "$2" "$EPOCHSECONDS" "it's \\\"q\\\" \${x}" "$3"
}
page()
{
	printf '<!DOCTYPE html><html><body><h1>Shop</h1>%s</body></html>\n' "$1"
}
# metrics UP ERRORS FAST START MEMORY FILES
metrics()
{
	printf '%s\n' 'shop_up{instance="a"} 1' 'shop_up{instance="b"} '"$1" "db_up $1" 'cache_up 0' \
		'shop_errors_total{kind="x"} '"$2" 'http_requests_total{code="200"} 100' \
		'http_requests_total{code="503"} '"$2" 'req_seconds_bucket{le="0.1"} '"$3" \
		'req_seconds_bucket{le="5"} 100' 'req_seconds_bucket{le="+Inf"} 100' 'req_seconds_count 100' \
		'slow_seconds_bucket{le="0.1"} 0' 'slow_seconds_bucket{le="+Inf"} 3' \
		"process_start_time_seconds $4" "process_resident_memory_bytes $5" "process_open_fds $6" \
		'process_max_fds 1024'
}
# What can be seen to move moves between two answers.
ticking()
{
	local n=1
	while :; do
		n=$((n + 1))
		eval "$1" >"www/.new$BASHPID"
		mv "www/.new$BASHPID" "$2"
		read -r -t 0.1 <>.pause
	done
}
redirect() { printf 'HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n' "$1"; }
moved() { redirect "$1" >www/moved.http; }
moved '/index.html?ticket=1'
health ok 1,2 1 >www/health.json
redirect '/index.html;jsessionid=5F2C9A81' >www/session.http
page '' >www/index.html
metrics 1 12 99 1790000000 4.2e7 12 >www/metrics
printf 'temp{room="a"} 1\ntemp{room="b"} 2\n' >www/plain.prom
# shellcheck disable=SC2016
ticking 'health ok 1,2 $n' www/health.json &
ticker=$!
reap $ticker
testd --dir www
web=$port server=$!
mv www/metrics .
run "$ASSIZE" init --metrics "http://127.0.0.1:$web"
like "the page that was asked is named" "$status $err" "^2 assize: http://127.0.0.1:$web/metrics: answered 404"
mv metrics www/
certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out ca.pem -days "$1" \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null || bail "openssl makes no certificate"
	rm -f said
	openssl s_server -accept "127.0.0.1:$2" -cert ca.pem -key key.pem -www </dev/null >said 2>&1 &
	tls=$!
	reap $tls
	wait_for grep -q '^ACCEPT' said || bail "openssl s_server did not start: $(cat said)"
	secure=$(sed -n 's/^ACCEPT.*://p' said)
}
certificate 20 0

# Where redirects lead to is held as long as it says where, and not who.
page '' | tee www/a.html >'www/index.html;jsessionid=5F2C9A81'
redirect /a.html >www/bounce.http
# shellcheck disable=SC2016
ticking 'page "" >"www/to$n.html"; redirect "/to$n.html"' www/bounce.http &
bouncer=$!
reap $bouncer
run "$ASSIZE" init -o session.yaml --http "http://127.0.0.1:$web/session" --http "http://127.0.0.1:$web/bounce"
like "a session in a path: told" "$status $err" "^0 .*/session: redirected to http://127.0.0.1:$web/index.html
.*/bounce: redirected, and each time to another place: it was left out"
like "a session in a path: where it leads to is held" "$(cat session.yaml)" 'url: .matches /.*index\\.html\(\[\?#;\]\|\$\)/.'
nok "a session in a path is not written down" grep -q 5F2C9A81 session.yaml
exits "a session in a path: it passes" 0 "$ASSIZE" run -f session.yaml
kill $bouncer
wait $bouncer 2>/dev/null

export SHOP_TOKEN=marmalade-sandwich
run "$ASSIZE" init --http "http://127.0.0.1:$web/health.json" --http "http://localhost:$web/" \
	--http "http://127.0.0.1:$web/moved" --http "https://localhost:$secure/" --ca-file ca.pem \
	--metrics "http://127.0.0.1:$web" --metrics "http://localhost:$web/plain.prom" \
	--header "Authorization: Bearer \${env:SHOP_TOKEN}"
like "the web" "$status $out" '^0 assize.yaml: 19 checks that hold now.next: read it, then assize run$'
is "what is wrong already is told" "$err" \
	"assize: http://127.0.0.1:$web/moved: redirected to http://127.0.0.1:$web/index.html
assize: https://localhost:$secure/: a certificate expires in 19 days already
assize: http://127.0.0.1:$web: cache_up is not 1, so there is no check of it"
kill $ticker
wait $ticker 2>/dev/null
written=$(cat assize.yaml)
cp assize.yaml first.yaml
like "an answer: what it is" "$written" 'content_type: .matches /\^application\\/json\( \*;\|\$\)/.'
like "how large" "$written" 'size: "between [12][0-9]+ B and [6-9][0-9]+ B" # [34][0-9]+'
like "in what time, with the numbers behind it" "$written" \
	'id: time # 5 answers: median [0-9.]+[mu]s, slowest [0-9.]+[mu]?s; 3 times the median, 1.5 times the slowest,'
like "a page is whole" "$written" 'ends_with: "</html>"'
like "where redirects lead to" "$written" 'redirects: 1.*url: .matches /\^http:.*index\\.html\(\[\?#;\]\|\$\)/.'
like "how long certificates last" "$written" 'ca_file: ca.pem.*# the first of the chain expires in 19 days.*tls_days_left: ">= 7"'
like "values that stand still are held" "$written" \
	'body.status: .== "ok".*version: .== "2.31.0".*jobs.waiting: "== 3".*jobs.list: ">= 1".*share: "== 0.25".*up: .== "true".'
like "whatever they hold" "$written" "== .*it's .*q.* \\$\\$\{x\}"
like "others are left out, and why" "$written" \
	'left out: /now \(a time\), /built_at \(a time\), /token \(may be a secret\), /none \(null\), /sid \(an id\), /instance \(an id\), /home \(may be a secret\), /beats \(it changes\), count.*no.*way.* \(no JSONPath holds such a name\)'
like "series that are up" "$written" 'id: shop_up # 2 series, all 1 now.*by: \[instance\], min_series: 2'
like "errors now" "$written" 'id: http_requests_total-5xx # 0 a second.*code=~"5\.\."'
like "a quantile" "$written" 'id: req_seconds_bucket-p95 # [0-9.]+ms since the start.*unit: s'
like "or why there is none" "$written" 'slow_seconds_bucket: no check, the quantile lies beyond the last bound'
like "a process that began" "$written" 'id: process_start_time_seconds # started 2026-09-21T'
like "its files, of those it may have" "$written" 'process_open_fds # 12 now, 1024 allowed.*"<= 820"'
like "names that say nothing: how many" "$written" 'id: temp-series # 2 series now.*agg: count, min_series: 0 .*">= 2?1?"'
like "the header by the name of its secret" "$written" 'headers: \{ Authorization: "Bearer \$\{env:SHOP_TOKEN\}" \}'
unlike "and not the secret, nor any of the answer" "$written $out $err" 'marmalade|swordfish'

run "$ASSIZE" run
is "it passes" "$status" 0
unlike "with every check decided" "$out" 'undecided=[1-9]|skip=[1-9]|warn=[1-9]'

# Everything changes at once: each check fails of itself.
bound=$(grep -oE 'total: "<= [0-9]+' assize.yaml | grep -oE '[0-9]+$' | sort -n | tail -n 1)
kill $server
wait $server 2>/dev/null
testd --dir www --port "$web" --delay-ms $((bound + 30))
server=$!
health "ok, and the rest of a long story $(printf '%500s' '')" '' 1 >www/health.json
page "$(printf '%400s' '')" >www/index.html
echo 'warm{room="a"} 1' >www/plain.prom
moved /health.json
kill $tls
wait $tls 2>/dev/null
certificate 5 "$secure"
# shellcheck disable=SC2016
ticking 'metrics 0 $((n * 90)) 20 1780000000 9e7 1000' www/metrics &
ticker=$!
reap $ticker
wait_for grep -q 'shop_up{instance="b"} 0' www/metrics
run "$ASSIZE" run
kill $ticker
like "the world is another" "$status $out" '^1 .* pass=2 warn=0 fail=17 undecided=0'
for check in http/answer:size http/time:total http/content:body.status localhost/answer:size localhost/time:total \
	http_2/answer: http_2/time:total localhost_2/certificates:tls_days_left \
	'metrics/shop_up\{instance="b"\}' metrics/db_up metrics/shop_errors_total metrics/http_requests_total-5xx \
	metrics/req_seconds_bucket-p95 metrics/process_start_time_seconds metrics/process_resident_memory_bytes \
	metrics/process_open_fds localhost_3/temp-series; do
	like "$check fails" "$out" "FAIL $check"
done

kill $tls
run "$ASSIZE" run localhost_2
like "nobody there is no measurement" "$status $out" '^2 .* pass=0 warn=0 fail=0 undecided=3'

# One thing changes.
kill $server
wait $server 2>/dev/null
testd --dir www --port "$web"
page '' >www/index.html
exits "the page is back" 0 "$ASSIZE" run localhost
printf '<!DOCTYPE html><html><body><h1>Sh' >www/index.html
run "$ASSIZE" run localhost/answer
like "a torn page is undecided" "$status $out" '^2 .*does not end in "</html>"'
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n%s' "$(page '')" >www/.http
run "$ASSIZE" run localhost/answer
like "another type of content" "$status $out" '^1 .*FAIL localhost/answer:content_type "text/plain"'
rm www/.http

# What is refused.
run "$ASSIZE" init --http "http://127.0.0.1:$web/"
like "nothing is replaced" "$status $err" '^3 assize: "assize.yaml" is there already'
ok "by a single byte" cmp assize.yaml first.yaml
refused()
{
	run "$ASSIZE" init -o other.yaml "${@:4}"
	like "$1" "$status $err" "^$2 assize: .*$3"
	[[ $* != *sesame* ]] || unlike "$1: it is not told either" "$err" sesame
}
refused "a password in a URL" 3 'must not carry a user name or password.help: .*\$\{env:NAME\}' \
	--http "http://ada:sesame@127.0.0.1:$web/"
refused "a token in a query" 3 '"api_token" in the query of the URL may be a secret' \
	--metrics "http://127.0.0.1:$web/?a=1&api_token=sesame"
refused "a secret in a header" 3 'the value of header "X-Api-Key" is a secret.*help: .*single quotes' \
	--http "http://127.0.0.1:$web/" --header 'X-Api-Key: sesame'
refused "a page that is not there" 2 'answered 404, which is nothing to begin with.help: name a page' \
	--http "http://127.0.0.1:$web/gone"
refused "one that is for others" 2 'answered 401.*help: say who asks: --header' --http "http://127.0.0.1:$web/status/401"
refused "a page in place of metrics" 2 'line 1:1: .*help: name the page of metrics' --metrics "http://127.0.0.1:$web/index.html"
refused "metrics without a metric" 2 'there is no metric in it' --metrics "http://127.0.0.1:$web/mode/comments"
refused "half an answer" 2 'torn-length: GET ' --http "http://127.0.0.1:$web/mode/torn-length"
refused "a key for what nobody named" 3 '--key is about --artifact, and there is none' --http "http://127.0.0.1:$web/" --key k
run "$ASSIZE" init "http://127.0.0.1:$web/metrics"
like "a word" "$status $err" '^3 assize: assize init takes no words.*help: assize init --metrics http'

# Artifacts: an archive with a signature and a bill of materials, programs, a folder.
mkdir -p rel/shop-2.31.0/{bin,etc} rel/dist rel/tree/sub && cd rel || bail "no scratch directory"
minisign -G -W -p m.pub -s m.key >/dev/null || bail "minisign makes no key"
minisign -G -W -p other.pub -s other.key >/dev/null
ssh-keygen -q -t ed25519 -N '' -f ssh
printf '# who may sign\nrelease@example.com %s\n' "$(cat ssh.pub)" >allowed
printf '#!/bin/sh\n' >shop-2.31.0/bin/shop && chmod +x shop-2.31.0/bin/shop
for i in {1..15}; do echo "$i" >"shop-2.31.0/etc/$i.conf"; done
echo MIT >shop-2.31.0/LICENSE
packed()
{
	tar -czf dist/shop.tar.gz shop-2.31.0 "$@"
	minisign -S -W -s m.key -m dist/shop.tar.gz >/dev/null
	jq -nc --arg sum "$(sha256sum dist/shop.tar.gz | cut -c1-64)" '{bomFormat: "CycloneDX", specVersion: "1.5",
		metadata: {component: {type: "application", name: "shop", version: "2.31.0",
		hashes: [{alg: "SHA-256", content: $sum}]}}, components: [{type: "library", name: "a", version: "1"},
		{type: "library", name: "b"}]}' >dist/shop.tar.gz.cdx.json
}
packed
echo 'int main(void) { return 0; }' >p.c
gcc -Wl,-z,relro,-z,now p.c -o dist/shop && gcc -Wl,-z,norelro -z execstack -no-pie p.c -o dist/weak || bail "no compiler"
echo 1 >tree/one && echo 2 >'tree/sub/a\b' && ln -s one tree/link
run "$ASSIZE" init --artifact dist/shop.tar.gz --manifest --key m.pub
like "an archive" "$status $out" '^0 assize.yaml: 6 checks that hold now'
is "nothing about it is weak" "$err" ""
cp assize.yaml shop.yaml
like "its members, those that matter" "$(cat assize.yaml)" \
	'required: \["\*/LICENSE", "\*/bin/shop"\] # 2 of 17 files.*members: "dist/shop.tar.gz.members".*exact: true'
like "signed by whom" "$(cat assize.yaml)" 'id: signature # signed by [0-9A-F]{16}.*minisign: \{ key_file: m.pub \}'
like "with a bill of materials about it" "$(cat assize.yaml)" 'artifact: "dist/shop.tar.gz" }.*components: ">= 2".*unversioned: "<= 1"'
rm assize.yaml
run "$ASSIZE" init --artifact dist/shop --artifact dist/weak --artifact tree
like "programs and a folder" "$status $out" '^0 assize.yaml: 10 checks that hold now'
is "what is weak is told" "$err" "assize: dist/weak: weak: it is not position independent (-fPIE -pie), so its addresses are known
assize: dist/weak: weak: its relocation tables are not protected (-Wl,-z,relro,-z,now)
assize: dist/weak: weak: its stack is executable (-Wl,-z,noexecstack)
assize: tree: the digests of its files are in tree.SHA256SUMS"
like "a hardened program stays so" "$(cat assize.yaml)" \
	'libraries: \[libc.so.6] # and no other.*type: .== "pie".*pie: "== 1".*relro: .== "full"'
like "a weak one is not called well" "$(cat assize.yaml)" \
	'# pie: "== 1" # weak: .*# relro: .== "full". # weak: .*nx: ">= 0" # weak: '
like "a link cannot be listed" "$(cat assize.yaml)" '# 1 link or special file cannot.*root: tree, ignore: \[link]'
ok "the list is one for sha256sum" env -C tree sha256sum --quiet -c ../tree.SHA256SUMS
ok "and so is that of members" sha256sum --quiet -c dist/shop.tar.gz.members
run "$ASSIZE" run
like "they pass" "$status $out" '^0 .* fail=0 undecided=0'
run "$ASSIZE" run -f shop.yaml
like "and so does the archive" "$status $out" '^0 .* fail=0 undecided=0'

# A release is tampered with.
cp -a dist kept
gcc -no-pie p.c -o dist/shop && head -c 40000 /dev/zero >>dist/shop && chmod 600 dist/shop
gcc -Wl,-z,norelro -z execstack -no-pie -Wl,--no-as-needed p.c -lm -o dist/weak
cp ssh tree/key && echo 3 >tree/one
run "$ASSIZE" run
for what in 'shop/file:size' 'shop/pinned:sha256' 'shop/elf:.*series +pie.*bound +== 1.*series +relro' 'weak/pinned' \
	'weak/elf:foreign' 'tree/digests 2 differences' 'tree/secrets:findings'; do
	like "other programs, a key in a folder: ${what%%:*} fails" "$out" "FAIL $what"
done
like "in its mode, too" "$out" 'FAIL shop/file .*series +mode.*FAIL shop/pinned '
rm tree/key && echo 1 >tree/one
cp ssh shop-2.31.0/etc/id_rsa
tar -czf dist/shop.tar.gz shop-2.31.0
run "$ASSIZE" run -f shop.yaml
for check in pinned:sha256 archive: sbom:is_about secrets:findings signature:valid; do
	like "a key in an archive fails ${check%:*}" "$out" "FAIL shop_tar_gz/$check"
done
head -c 100000 /dev/urandom >shop-2.31.0/big && tar -czf dist/shop.tar.gz shop-2.31.0
run "$ASSIZE" run -f shop.yaml shop_tar_gz/file shop_tar_gz/archive
like "a larger one" "$out" 'FAIL shop_tar_gz/file:size.*FAIL shop_tar_gz/archive:(bytes|differences)'

# Whose signature, when nobody says.
rm -rf dist assize.yaml shop-2.31.0/big shop-2.31.0/etc/id_rsa && mv kept dist
run "$ASSIZE" init --artifact dist/shop.tar.gz
like "a signature by nobody is told" "$status $err" '^0 assize: dist/shop.tar.gz: signed, and nothing says by whom it must be'
like "and asked about" "$(cat assize.yaml)" '# It is signed. By whom must it be.*#   signature: \{ file: "dist/shop.tar.gz", .*key_file: "keys/minisign.pub"'
unlike "not verified" "$(cat assize.yaml)" $'\n      - id: signature'
exits "the rest holds" 0 "$ASSIZE" run
refused "a signature by another" 2 'the signature beside it is not by "other.pub".*help: a signature that is not valid' \
	--artifact dist/shop.tar.gz --key other.pub
refused "a key for nothing" 3 'there is no signature beside it' --artifact dist/shop --key m.pub
refused "a list that is there" 3 '"dist/shop.tar.gz.members" is there already' --artifact dist/shop.tar.gz --manifest
: >empty
refused "an empty file" 2 'empty: it is empty, which is nothing to begin with' --artifact empty
refused "nothing at all" 2 'could not look at "gone": No such file' --artifact gone
mkdir void
refused "an empty folder" 2 'void: a folder without a file in it' --artifact void
ok "nothing was left" test ! -e void.SHA256SUMS -a ! -e other.yaml -a ! -e ../other.yaml
mv dist/shop.tar.gz.minisig m.sig
ssh-keygen -q -Y sign -n file -f ssh - <dist/shop.tar.gz >dist/shop.tar.gz.sig 2>/dev/null
mkdir odd && printf 'x\n' >odd/$'cod\u202Eexe' && tar -cf odd.tar odd
run "$ASSIZE" init -o odd.yaml --artifact odd.tar
like "what a reader would not see is written as a number" "$status $(cat odd.yaml)" '^0 .*required: \["\*?/?odd/cod\\u202Eexe"\]'
exits "and means the same" 0 "$ASSIZE" run -f odd.yaml
head -c 300 dist/shop.tar.gz >torn.gz
printf '\0\1' >>tree/one
(cd tree && sha256sum one sub/* >SHA256SUMS)
run "$ASSIZE" init -o other.yaml --artifact dist/shop.tar.gz --key allowed
like "a signer of SSH" "$status $(cat other.yaml)" '^0 .*# signed by release@example.com.*identity: "release@example.com"'
run "$ASSIZE" init -o tree/sub/far.yaml --artifact dist/shop
like "a definition elsewhere" "$status $(cat tree/sub/far.yaml)" '^0 .*file: "../../dist/shop"'
exits "passes as well" 0 "$ASSIZE" run -f tree/sub/far.yaml
rm -r tree/sub/far.yaml tree/sub/.assize
run "$ASSIZE" init -o torn.yaml --artifact torn.gz --artifact tree
like "what is no archive is told" "$status $err" '^0 assize: torn.gz: not read as an archive: '
like "and that nobody looked into it" "$(cat torn.yaml)" '# no check for secrets: [^i]'
like "a list of its own is taken" "$(cat torn.yaml)" 'digests: \{ manifest: "tree/SHA256SUMS", ignore: \[link]'
run "$ASSIZE" run -f torn.yaml
is "though it has a link" "$status" 0

# What is wrong today is no room for what else may be wrong tomorrow.
mkdir twins && for name in README readme LICENSE; do echo x >twins/$name; done && tar -cf twins.tar twins
run "$ASSIZE" init -o twins.yaml --artifact twins.tar
like "an archive with something wrong" "$status $err" '^0 .*twins.tar: not safe to unpack: .*differs from .* only in case'
exits "passes as it is" 0 "$ASSIZE" run -f twins.yaml
rm twins/readme && echo y >twins/id_rsa && tar -cf twins.tar twins
run "$ASSIZE" run -f twins.yaml twins_tar/archive
like "another fault in the place of that one does not" "$status $out" '^1 .*series +forbidden.*bound +== 0'
rm twins/id_rsa twins/LICENSE && tar -cf twins.tar twins
run "$ASSIZE" run -f twins.yaml twins_tar/archive
like "nor a file that is gone" "$status $out" '^1 .*series +missing.*bound +== 0'

# A repository: its newest releases, restored and compared.
mkdir "$TMP/git" && cd "$TMP/git" || bail git
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.com
git init -q -b main . && echo one >file && git add file && git commit -qm one
run "$ASSIZE" init --git .
like "a repository without tags" "$status $err" '^3 assize: there is no tag in "."'
for tag in v1.0.0 v1.1.0 v1.2.0 v1.3.0 other; do echo $tag >file && git commit -qam x && git tag $tag; done
run "$ASSIZE" init --git .
like "the newest releases" "$status $out" '^0 assize.yaml: 1 check that holds now.next: read it, then assize rollback verify'
like "are a set with a measured budget" "$(cat assize.yaml)" \
	'git: . git: "." .*rollback:.*repo: git.*tags: "v\*".*keep: 3.*budget: 10s . # the longest took '
run "$ASSIZE" rollback verify -q
is "it passes" "$status" 0
run "$ASSIZE" gate release --subject "$(git rev-parse HEAD)"
like "and opens its gate" "$status $out" '^0 .*gate=release .*decision=OPEN'
rm -f .git/objects/"$(git rev-parse v1.3.0 | sed 's|^..|&/|')"
run "$ASSIZE" rollback verify
is "it can fail" "$status" 1
run "$ASSIZE" init --git . -o again.yaml
like "a release that cannot be restored is no baseline" "$status $err" '^2 assize: .: identity fail: .* is missing from the repository'
git tag -d v1.3.0 >/dev/null
git tag v2.0.0-rc1 && git tag v2.0.0-rc2 && git tag v2.0.0-beta.1
exits "tags with release candidates among them" 0 "$ASSIZE" init --git . -o candidates.yaml
like "those are no releases" "$(cat candidates.yaml)" \
	'tags: "v\*".    except: \["\*-rc\*", "\*-beta\*"\] # no releases.    keep: 3'
is "and the set stands for the others" "$("$ASSIZE" rollback list -f candidates.yaml --json | jq -r ".. | objects | select(.state? and .state != \"gone\") | .tag" | paste -sd' ')" \
	"v1.2.0 v1.1.0 v1.0.0"
git tag -d v1.0.0 v1.1.0 v1.2.0 other >/dev/null
exits "nothing but candidates" 0 "$ASSIZE" init --git . -o early.yaml
unlike "are what there is to go back to" "$(cat early.yaml)" 'except:'
git tag v1.1.0 && git tag -d v2.0.0-rc1 v2.0.0-rc2 v2.0.0-beta.1 >/dev/null
sqlite3 "$TMP/both.db" "CREATE TABLE orders(id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)"
run "$ASSIZE" init --git . --sqlite "$TMP/both.db" -o both.yaml
like "beside a database" "$status $out $(cat both.yaml)" \
	'^0 both.yaml: [0-9]+ checks.*assize run.*audits:.*rollback:.*require: \[ . tag: release.*rollback: . set: git, tags: any'
run "$ASSIZE" run -f both.yaml
is "whose checks pass" "$status" 0
done_testing
