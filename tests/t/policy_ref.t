#!/bin/bash
# policy_ref: with -f git:REF:PATH a branch cannot weaken the gate it has to pass. Each damage is done
# to the work tree and committed on the branch; the branch's own definition then opens (which proves
# that the damage would have worked), the definition of the ref stays shut and says why.
. "$(dirname "$0")/../lib/tap.sh"
export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=maintenance.auto GIT_CONFIG_VALUE_0=false GIT_CONFIG_KEY_1=gc.auto GIT_CONFIG_VALUE_1=0
export HOME=$TMP GIT_CONFIG_NOSYSTEM=1 GIT_TEMPLATE_DIR= GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x
ref=git:origin/main:ci/assize.yaml

# ---- a release branch's policy, and a world that does not meet it ----

mkdir "$TMP/origin" && cd "$TMP/origin"
git init -q -b main .
mkdir -p ci/audits ci/keys dist
ssh-keygen -q -t ed25519 -N '' -f "$TMP/owner" && ssh-keygen -q -t ed25519 -N '' -f "$TMP/mallory" || bail "no keys"
cat >ci/assize.yaml <<'YAML'
assize: 1
include: [audits/*.yaml]
targets: { shop: { sqlite: ../shop.db } }
gates:
  release: { require: [ { tag: release } ], run: always }
YAML
cat >ci/audits/shop.yaml <<'YAML'
audits:
  shop:
    target: shop
    tags: [release]
    checks:
      - { id: rows, rows: { table: orders }, expect: ">= 3" }
      - { id: columns, schema: { snapshot: shop.schema.json } }
      - { id: states, invalid: { table: orders, columns: { state: { in_file: states.txt } } }, expect: "== 0" }
      - { id: few, rows: { table: orders, where: "${file:where.sql}" }, expect: "== 0" }
      - { id: signed, signature: { file: ../dist/app, ssh: { allowed_signers: keys/allowed, identity: owner@x, namespace: release } } }
      - { id: sums, digests: { manifest: ../dist/SUMS, exact: false } }
YAML
printf 'new\npaid\n' >ci/states.txt
echo "state = 'odd'" >ci/where.sql
echo "owner@x $(cat "$TMP/owner.pub")" >ci/keys/allowed
echo app >dist/app && (cd dist && sha256sum app >SUMS)
printf 'shop.db*\n.assize/\n' >.gitignore

make_shop() # ROWS [COLUMN]
{
	rm -f shop.db
	sqlite3 shop.db "CREATE TABLE orders(id INTEGER PRIMARY KEY, state TEXT${2:+, $2 TEXT}); $1"
}
make_shop "INSERT INTO orders(state) VALUES ('new'), ('paid'), ('new')"
ssh-keygen -q -Y sign -n release -f "$TMP/owner" dist/app 2>/dev/null
"$ASSIZE" schema capture shop -f ci/assize.yaml -o ci/shop.schema.json >/dev/null 2>&1 ||
	{ echo '{}' >ci/shop.schema.json && "$ASSIZE" schema capture shop.db -o ci/shop.schema.json >/dev/null || bail "no snapshot"; }
git add -A && git commit -qm policy
git tag -a v1 -m v1

git clone -q "$TMP/origin" "$TMP/clone" && cd "$TMP/clone"
good=$(git rev-parse origin/main)
cp ../origin/shop.db .

gate() # FILE
{
	rm -rf ci/.assize
	run "$ASSIZE" gate release -f "$1" --subject X ${record:+--record "$record"}
}

gate $ref
is "the intact world passes the policy of the ref" "$status" 0
like "the decision is on the definition of the ref" "$out" "decision=OPEN"
gate ci/assize.yaml
is "as it does that of the work tree" "$status" 0

# what the branch does: in a function, on a branch of its own, committed
tries=0 objects=()
mutilation() # NAME WORDS: after edit() was defined
{
	tries=$((tries + 1))
	git checkout -q -B "branch$tries" origin/main && git clean -qfd
	cp ../origin/shop.db .
	edit
	git add -A && git commit -qm "$1" --allow-empty
	gate ci/assize.yaml
	is "$1: opens by the branch's own definition" "$status" 0 || diag "$out$err"
	gate $ref
	[ "$status" -ne 0 ]
	is "$1: shut by that of the ref" $? 0
	unlike "$1: and never said to be open" "$out" "decision=OPEN"
	like "$1: told" "$out$err" "$2"
}

edit() { make_shop "INSERT INTO orders(state) VALUES ('new')"; sed -i 's/">= 3"/">= 1"/' ci/audits/shop.yaml; }
mutilation "a looser bound" 'shop/rows'
edit() { make_shop "INSERT INTO orders(state) VALUES ('new')"; sed -i '/id: rows/d' ci/audits/shop.yaml; }
mutilation "a check that is gone" 'shop/rows'
edit()
{
	make_shop "INSERT INTO orders(state) VALUES ('new')"
	printf '      - { id: other, rows: { table: orders }, expect: "< 1e9" }\n' >>ci/audits/shop.yaml
	sed -i 's/tag: release/check: shop\/other/' ci/assize.yaml
}
mutilation "another gate under the same name" 'shop/rows'
edit()
{
	make_shop "INSERT INTO orders(state) VALUES ('new')"
	sed -i 's/tags: .release./tags: [x]/' ci/audits/shop.yaml
	printf 'audits: { z: { target: shop, tags: [release], checks: [ { id: z, rows: { table: orders }, expect: "< 1e9" } ] } }\n' >ci/audits/z.yaml
}
mutilation "an extra file of the include glob" 'shop/rows'
# all that the definition names, each by other content under the same name
edit()
{
	make_shop "INSERT INTO orders(state) VALUES ('new'), ('odd'), ('new')" tmp
	"$ASSIZE" schema capture shop -f ci/assize.yaml -o ci/shop.schema.json >/dev/null
	echo odd >>ci/states.txt
	echo '1 = 0' >ci/where.sql
	echo evil >dist/app
	(cd dist && sha256sum app >SUMS)
	rm -f dist/app.sig && ssh-keygen -q -Y sign -n release -f "$TMP/mallory" dist/app 2>/dev/null
	echo "owner@x $(cat "$TMP/mallory.pub")" >ci/keys/allowed
}
mutilation "another snapshot" 'require FAIL shop/columns'
like "a longer list of values: told" "$out" 'require FAIL shop/states'
like "another text of \${file:}: told" "$out" 'require FAIL shop/few'
like "other signers: told" "$out" 'require FAIL shop/signed'
like "another list of digests: told" "$out" 'require FAIL shop/sums'
edit()
{
	make_shop "INSERT INTO orders(state) VALUES ('new'), ('x'), ('new')"
	printf 'new\npaid\nx\n' >ci/loose.txt
	ln -sf loose.txt ci/states.txt
}
mutilation "a link in the place of a policy file" 'shop/states'
edit()
{
	make_shop "INSERT INTO orders(state) VALUES ('new'), ('x'), ('new')"
	rm -rf ci/.assize && mkdir ci2 && cp -r ci/. ci2 && echo x >>ci2/states.txt && rm -rf ci && ln -s ci2 ci && git add -f ci2
}
record=$TMP/linked.db mutilation "a link in the place of its directory" 'shop/states'
gate $ref
is "which leads to the record, too" "$status $(grep -c 'it has "ci"$' <<<"$err")" "4 1"

edit()
{
	make_shop "INSERT INTO orders(state) VALUES ('new')"
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ) later=$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
	printf 'waivers:\n  - { id: W-1, check: shop/rows, gates: [release], owner: me, reason: "it is late", ticket: T-1, granted: %s, expires: %s }\n' \
		"$now" "$later" >ci/audits/waivers.yaml
}
mutilation "a waiver" 'shop/rows'
run "$ASSIZE" waive shop/rows --gate release --until 1d --owner me --reason late --ticket T-1 -f $ref
is "a waiver is not written to a commit: exit status" "$status" 3
like "told" "$err" 'cannot add a waiver to a commit'

# ---- the work tree alone ----

git checkout -q -B work origin/main && git clean -qfd
make_shop "INSERT INTO orders(state) VALUES ('new')"
sed -i 's/">= 3"/">= 1"/' ci/audits/shop.yaml
gate ci/assize.yaml
is "uncommitted: opens by the work tree" "$status" 0
gate $ref
is "uncommitted: shut by the ref" "$status" 1
"$ASSIZE" run -f ci/assize.yaml --subject X >/dev/null
sed -i 's/run: always/run: stale/' ci/assize.yaml

# evidence measured under looser policy of the same name is no evidence
git checkout -q -B evidence origin/main && git clean -qfd
(cd ../origin && sed -i 's/run: always/run: stale/' ci/assize.yaml && git commit -qam stale)
git fetch -q
make_shop "INSERT INTO orders(state) VALUES ('new'), ('x'), ('new')"
echo x >>ci/states.txt
rm -rf ci/.assize
"$ASSIZE" run -f ci/assize.yaml --subject X >/dev/null
is "evidence that passed" $? 0
run "$ASSIZE" gate release -f $ref --subject X
is "is not of the ref's definition: measured again, shut" "$status" 1
like "and told" "$out" 'FAIL shop/states'
git checkout -q . && make_shop "INSERT INTO orders(state) VALUES ('new'), ('paid'), ('new')"
rm -rf ci/.assize
"$ASSIZE" run -f ci/assize.yaml --subject X >/dev/null
run "$ASSIZE" gate release -f $ref --subject X
is "an unchanged work tree's evidence opens" "$status" 0
unlike "where nothing else was read, without another run of it" "$out" 'shop/states'

# ---- names ----

refused() # CLAIM FILE WORDS
{
	run "$ASSIZE" gate release -f "$2" --subject X
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$3"
}
git tag both && git branch both
refused "a branch named like a tag" git:both:ci/assize.yaml '"both" is ambiguous: there are refs/tags/both and refs/heads/both'
exits "its full name is clear" 0 "$ASSIZE" check -f git:refs/tags/both:ci/assize.yaml
git branch origin/main 2>/dev/null
refused "a local branch named like the remote one" $ref '"origin/main" is ambiguous: there are refs/heads/origin/main and refs/remotes/origin/main'
exits "the remote one's full name is clear" 0 "$ASSIZE" check -f git:refs/remotes/origin/main:ci/assize.yaml
git branch -qD origin/main
git tag origin/main
refused "a tag named like the remote branch" $ref 'ambiguous'
git tag -d origin/main >/dev/null
exits "a tag object leads to its commit" 0 "$ASSIZE" check -f git:v1:ci/assize.yaml
exits "a full id" 0 "$ASSIZE" check -f "git:$good:ci/assize.yaml"
refused "a short id" "git:${good:0:12}:ci/assize.yaml" 'no ref.*all 40 digits'
refused "no such ref" git:nowhere:ci/assize.yaml 'no ref "nowhere" in git repository.*git fetch'
refused "an option for a name" git:--upload-pack=x:ci/assize.yaml 'cannot be the name of a git ref'
for name in 'main~1' '@{-1}' ':/policy' 'a..b'; do
	run "$ASSIZE" check -f "git:$name:ci/assize.yaml"
	is "no name: $name" "$status" 3
done
refused "no path" git:origin/main 'it is git:REF:PATH'
refused "a path out of the tree" git:origin/main:../assize.yaml 'no path from the top of the tree'
refused "a path from the root" git:origin/main:/etc/assize.yaml 'no path from the top'
refused "a path the commit lacks" git:origin/main:assize.yaml 'could not read "assize.yaml" at origin/main: the commit has no such file'
exits "a directory stands for its assize.yaml" 0 "$ASSIZE" check -f git:origin/main:ci
like "and the commit is said" "$out" "at $(git rev-parse origin/main)"

# ---- what the tree holds ----

git checkout -q -B odd origin/main
tree() # CLAIM WORDS: what HEAD has after edit() is refused with these words
{
	git checkout -q -B odd origin/main
	edit
	git add -A ci && git commit -qm odd
	run "$ASSIZE" check -f git:odd:ci/assize.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$2"
}
edit() { ln -sf ../../../../etc/passwd ci/states.txt; }
tree "a link out of the tree" 'git:odd:ci/audits/shop.yaml:8:[0-9]+: .*cannot read "ci/states.txt" at odd: the symbolic link to "../../../../etc/passwd" leads out of the tree'
edit() { ln -sf /etc/passwd ci/states.txt; }
tree "an absolute link" 'the symbolic link to "/etc/passwd" leads out'
edit() { ln -sf states.txt ci/states.txt; }
tree "a link to itself" 'more than 16 symbolic links'
edit() { git rm -q ci/states.txt; }
tree "a policy file that is not there" 'git:odd:ci/audits/shop.yaml:8:[0-9]+: .*the commit has no such file'
edit() { printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 1\n' 0 >ci/states.txt; }
tree "a pointer of Git LFS" 'kept in Git LFS'
edit() { git rm -q ci/states.txt && git update-index --add --cacheinfo "160000,$good,ci/states.txt"; mkdir -p ci/states.txt; }
tree "a submodule" 'is a submodule'
edit() { head -c 2000000 /dev/zero | tr '\0' '#' >ci/audits/big.yaml; }
tree "a file that is too large" '"ci/audits/big.yaml" at odd: larger than the limit of 1048576 bytes'
edit() { sed -i 's/">= 3"/">= x"/' ci/audits/shop.yaml; }
tree "a mistake is shown in its line" 'git:odd:ci/audits/shop.yaml:6:[0-9]+: .*'
like "with the line itself" "$err" 'id: rows'
edit() { ln -s ../../ci/audits/shop.yaml ci/audits/again.yaml; sed -i 's/audits\/\*/audits\/again*/' ci/assize.yaml; }
git checkout -q -B odd origin/main && edit && git add -A ci && git commit -qm odd
exits "a link inside the tree is followed" 0 "$ASSIZE" check -f git:odd:ci/assize.yaml
# a link leads where it does in a checkout
odd_digest() { "$ASSIZE" check -f git:odd:ci/assize.yaml --json | jq -r .policy_sha256; }
git checkout -q -B odd origin/main && echo led >ci/states.txt && git commit -qam odd && led=$(odd_digest)
led() # CLAIM: states.txt is read as the edited commit has it
{
	git checkout -q -B odd origin/main && edit && git add -A . && git commit -qm odd
	is "$1: that of the checkout" "$(cat ci/states.txt)" led
	is "$1: read so from the commit" "$(odd_digest)" "$led"
	git checkout -q -f origin/main
}
edit() { ln -s . top && echo led >led.txt && ln -sf ../top/led.txt ci/states.txt; }
led "a link to the top"
edit() { ln -s .. ci/up && echo led >led.txt && ln -sf up/led.txt ci/states.txt; }
led "a link to the top by its parent"
edit() { mkdir -p far/away && touch far/away/x && ln -s ../far/away ci/link && echo led >far/led.txt && echo no >ci/led.txt && ln -sf link/../led.txt ci/states.txt; }
led "the parent of what a link leads to"
edit() { mkdir ci/sub && ln -s ../.. ci/sub/up && ln -sf sub/up/../led.txt ci/states.txt; }
tree "the parent of the top" 'the symbolic link to "../.." leads out of the tree'
edit() { ln -sf assize.yaml/../audits/shop.yaml ci/states.txt; }
tree "the parent of a file" 'the commit has no such file'
edit() { sed -i 's/include: .*/include: [..\/..\/x.yaml]/' ci/assize.yaml; }
tree "an include out of the tree" 'leads out of the tree of odd'
ln -s "$PWD" "$TMP/alias"
edit() { sed -i "s,in_file: states.txt,in_file: $TMP/alias/ci/states.txt," ci/audits/shop.yaml; }
tree "the work tree by another name" 'leads into the work tree by a link'

# whom a database is trusted by is not for the branch to say either
trusts() # CLAIM TARGET WORDS
{
	git checkout -q -B odd origin/main
	printf 'assize: 1\ntargets: { db: { %s } }\n' "$2" >ci/audits/db.yaml
	git add ci && git commit -qm odd
	run "$ASSIZE" check -f git:odd:ci/assize.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "git:odd:ci/audits/db.yaml:2:[0-9]+: $3 of a connection string is in the work tree and cannot be read at odd"
	exits "$1: not of the work tree's own definition" 0 "$ASSIZE" check -f ci/assize.yaml
	git checkout -q -f origin/main
}
trusts "libpq's authorities" "postgres: \"host=db user=u sslmode=verify-full sslrootcert=$PWD/ci/ca.pem\"" "sslrootcert \"$PWD/ci/ca.pem\""
trusts "a relative path" 'postgres: "user=u SSLROOTCERT = '"'ci/ca.pem'"'"' "sslrootcert \"$PWD/ci/ca.pem\""
trusts "in a URI" "postgres: \"postgresql://u@db/x?sslmode=verify-full&sslcrl=ci%2fcrl.pem&user=u\"" "sslcrl \"$PWD/ci/crl.pem\""
trusts "by a link" "postgres: \"user=u sslrootcert=$TMP/alias/ci/assize.yaml\"" "sslrootcert \"$TMP/alias/ci/assize.yaml\""
trusts "MySQL's authorities" "mysql: \"host=db dbname=x ssl_ca=$PWD/ci/ca.pem\"" "ssl_ca \"$PWD/ci/ca.pem\""
trusts "a directory of them" "mysql: \"host=db dbname=x ssl_capath=$PWD/ci\"" "ssl_capath \"$PWD/ci\""
trusts "ODBC's authorities" "odbc: \"DRIVER=x;SSLCA=$PWD/ci/ca.pem;UID=u\"" "sslca \"$PWD/ci/ca.pem\""
git checkout -q -B odd origin/main
printf 'assize: 1\ntargets: { db: { postgres: "user=u sslrootcert=system sslcert=ci/mine.pem" }, other: { mysql: "dbname=x ssl_ca=/etc/ssl/ca.pem" } }\n' >ci/audits/db.yaml
git add ci && git commit -qm odd
exits "the machine's authorities, and a certificate of one's own, are as they were" 0 "$ASSIZE" check -f git:odd:ci/assize.yaml

# ---- the repository's surroundings ----

git checkout -q -B evil origin/main
sed -i 's/">= 3"/">= 1"/' ci/audits/shop.yaml && git commit -qam evil
make_shop "INSERT INTO orders(state) VALUES ('new')"
gate ci/assize.yaml
is "the branch would open" "$status" 0
shut() # CLAIM [COMMAND...]: the ref's gate stays shut when the command is put before it
{
	rm -rf "$TMP/r.db"
	run "${@:2}" "$ASSIZE" gate release -f $ref --subject X --record "$TMP/r.db"
	is "$1" "$status $(grep -q 'require FAIL shop/rows' <<<"$out"; echo $?)" "1 0" || diag "$out$err"
}
shut "the ref's stays shut"
cp -r "$TMP/clone" "$TMP/twin" && git -C "$TMP/twin" update-ref refs/remotes/origin/main evil
shut "GIT_DIR and its kin are not asked" env GIT_DIR="$TMP/twin/.git" GIT_WORK_TREE="$TMP/twin" GIT_COMMON_DIR="$TMP/twin/.git" \
	GIT_OBJECT_DIRECTORY="$TMP/twin/.git/objects" GIT_INDEX_FILE="$TMP/twin/.git/index" GIT_NAMESPACE=x
for object in '^{tree}' :ci :ci/audits :ci/audits/shop.yaml; do
	objects+=("$(git rev-parse "origin/main$object")" "$(git rev-parse "evil$object")")
done
printf '%s %s\n' "${objects[@]}" | while read -r from to; do git replace -f "$from" "$to"; done
like "git itself is taken in by a replacement" "$(git show origin/main:ci/audits/shop.yaml)" '>= 1'
git config core.worktree "$TMP/twin"
echo "$(git rev-parse origin/main) $(git rev-parse evil)" >.git/info/grafts
shut "replacements, core.worktree and grafts are not followed"
git replace -d $(git replace -l) >/dev/null
git config --unset core.worktree
rm .git/info/grafts
# a bare repository that the branch has brought along, as files below the directory one works in
git clone -q --bare "$TMP/twin" ci/x.git && (cd ci && mv x.git/* . && mkdir -p refs/remotes/origin &&
	git -C "$TMP/twin" rev-parse evil >refs/remotes/origin/main)
cd ci
shut "a bare repository inside the work tree is not the repository"
cd .. && git clean -qfdx -e shop.db
# an object whose content is another's
blob=$(git -C "$TMP/origin" rev-parse main:ci/audits/shop.yaml)
git -C "$TMP/clone" unpack-objects -q </dev/null 2>/dev/null
rm -rf "$TMP/lie" && cp -r "$TMP/clone" "$TMP/lie" && cd "$TMP/lie"
git repack -qadf 2>/dev/null
mv .git/objects/pack/*.pack "$TMP" && rm -f .git/objects/pack/* && git unpack-objects -q <"$(ls "$TMP"/*.pack)" && rm -f "$TMP"/*.pack
object=.git/objects/${blob:0:2}/${blob:2}
chmod u+w "$object"
other=$(git rev-parse evil:ci/audits/shop.yaml)
cp -f ".git/objects/${other:0:2}/${other:2}" "$object"
run "$ASSIZE" gate release -f $ref --subject X --record "$TMP/r2.db"
is "an object that is not what its name says: refused" "$status" 3
like "and told" "$err" 'could not read "ci/audits/shop.yaml", blob '"$blob"
cd "$TMP/clone"

# ---- shapes of repositories ----

git worktree add -q "$TMP/linked" evil^ 2>/dev/null || git worktree add -q --detach "$TMP/linked" evil
cp shop.db "$TMP/linked" && cd "$TMP/linked"
shut "a linked worktree reads its repository's refs"
cd "$TMP/clone/dist"
shut "from a directory below"
git clone -q --depth 1 "file://$TMP/origin" "$TMP/shallow" && cp ../shop.db "$TMP/shallow" && cd "$TMP/shallow"
shut "a shallow clone has what it needs"
run "$ASSIZE" check -f "git:$good:ci/assize.yaml"
is "a commit beyond it: exit status" "$status" 3
like "a commit beyond it: told" "$err" "could not read the commit $good.*git fetch --unshallow"
git clone -q --bare "$TMP/origin" "$TMP/bare.git" && cd "$TMP/bare.git" && mkdir ci dist &&
	cp ../clone/shop.db . && cp ../clone/dist/* dist
run "$ASSIZE" gate release -f git:main:ci/assize.yaml --subject X
is "a bare repository: the world is in the working directory" "$status $(grep -q 'require FAIL shop/rows' <<<"$out"; echo $?)" "1 0"
mkdir "$TMP/none" && cd "$TMP/none"
run "$ASSIZE" check -f $ref
is "no repository: exit status" "$status" 3
like "no repository: told" "$err" 'is in no git repository'

# ---- what is recorded ----

cd "$TMP/clone" && rm -rf ci/.assize
"$ASSIZE" gate release -f $ref --subject X --report json=r.json >/dev/null
is "the run names the commit it was read from" "$(jq -r '.run.definition | "\(.commit) \(.is_dirty) \(.file)"' r.json)" \
	"$(git rev-parse origin/main) false $ref"
ok "the record is beside the definition's place in the work tree" test -s ci/.assize/record.db
like "the decision says by what it was made" "$(jq -r '.decisions[0].lines[].text' r.json)" \
	"decided by $ref at $(git rev-parse origin/main)"
ASSIZE_FILE=$ref exits "and found there without -f" 0 "$ASSIZE" history
like "history shows the run" "$out" 'fail'
for where in git:origin/main:ci git:gone:ci; do
	exits "the record is found by the directory as well: $where" 0 "$ASSIZE" history -f $where
	like "history shows the run: $where" "$out" 'fail'
done
exits "and it is made again from the record alone" 0 "$ASSIZE" replay --decision 1 -f $ref
cp ci/.assize/record.db "$TMP/evidence.db" && ln -s "$PWD/ci/.assize/record.db" "$TMP/outside.db"
git add -f ci/.assize/record.db && git commit -qm "evidence of one's own"
run "$ASSIZE" gate release -f $ref --subject X
is "a record that the branch has brought along: exit status" "$status" 4
like "told" "$err" 'the record .* is part of the commit that is checked out.*--record'
git rm -q -f ci/.assize/record.db && git commit -qm "none"
own() # CLAIM RECORD WORDS: what the branch has committed after edit() is not taken for the record
{
	git checkout -q -B own origin/main && rm -rf ci/.assize && mkdir ci/.assize
	edit
	git add -f ci && git commit -qm own
	run "$ASSIZE" gate release -f $ref --subject X --record "$2"
	is "$1: exit status" "$status" 4
	like "$1: told" "$err" "$3"
	git checkout -q -f origin/main && rm -rf ci/.assize
}
edit() { cp "$TMP/evidence.db" ci/.assize/record.db; }
own "the record by another name" "$TMP/alias/ci/.assize/record.db" 'is part of the commit that is checked out: it has "ci/.assize/record.db"'
own "another record by a link outside" "$TMP/outside.db" 'is part of the commit that is checked out: it has "ci/.assize/record.db"'
edit() { echo >ci/.assize/record.db-journal; }
own "a journal beside the record" ci/.assize/record.db 'it has "ci/.assize/record.db-journal"'
edit() { echo >ci/.assize/record.db-wal; }
own "a log beside the record" ci/.assize/record.db 'it has "ci/.assize/record.db-wal"'
edit() { rmdir ci/.assize && ln -s ../cache ci/.assize && mkdir -p cache && cp "$TMP/evidence.db" cache/record.db; }
own "a link to where nothing is committed" ci/.assize/record.db 'it has "ci/.assize"'
edit() { rmdir ci/.assize && ln -s "$PWD/cache" ci/.assize; }
own "a link that leads out and back" ci/.assize/record.db 'it has "ci/.assize"'
edit() { git update-index --add --cacheinfo "160000,$good,ci/sub"; mkdir -p ci/sub; cp "$TMP/evidence.db" ci/sub; }
own "a submodule's file" ci/sub/evidence.db 'could not tell whether the record .*: "ci/sub" is a submodule'
rm -rf cache ci/sub; git clean -qfdx -e shop.db

# ---- a pinned digest ----

digest() { "$ASSIZE" check -f "$1" --json | jq -r .policy_sha256; }
pin=$(digest $ref)
is "check prints the digest" "$("$ASSIZE" check -f $ref | sed -n 's/^policy //p')" "$pin"
git checkout -q -B pinned origin/main
exits "the pinned policy is taken" 0 "$ASSIZE" check -f $ref --policy-sha256 "$pin"
for file in ci/assize.yaml ci/audits/shop.yaml ci/states.txt ci/keys/allowed ci/shop.schema.json ci/where.sql dist/SUMS; do
	git checkout -q -B pinned origin/main
	echo ' ' >>$file && git commit -qam pinned
	run "$ASSIZE" check -f git:pinned:ci/assize.yaml --policy-sha256 "$pin"
	is "pinned, and another $file: exit status" "$status" 3
	like "$file: both are told" "$err" "the policy of git:pinned:ci/assize.yaml is [0-9a-f]{64}, not $pin, which is pinned"
done
run "$ASSIZE" gate release -f git:pinned:ci/assize.yaml --subject X --policy-sha256 "$pin"
is "a gate of another policy: exit status" "$status" 3
run "$ASSIZE" gate release -f $ref --subject X --policy-sha256 "${pin:1}"
is "a digest that is none: exit status" "$status" 3
like "told" "$err" 'it is 64 hexadecimal digits'
# without a ref: what was read when the pin was compared is what counts
git checkout -q -B pinned origin/main
make_shop "INSERT INTO orders(state) VALUES ('new'), ('new'), ('x')"
cat >late.yaml <<'YAML'
assize: 1
targets: { shop: { sqlite: shop.db } }
audits:
  a:
    target: shop
    checks:
      - { id: change, command: { run: [/bin/sh, -c, "echo x >>ci/shop.schema.json"] } }
      - { id: columns, needs: [a/change], schema: { snapshot: ci/shop.schema.json } }
YAML
pin=$(digest late.yaml)
run "$ASSIZE" run -f late.yaml --record "$TMP/late.db" --policy-sha256 "$pin"
is "a file that changes while the checks run is used as it was pinned" "$status" 0 || diag "$out$err"
run "$ASSIZE" run -f late.yaml --record "$TMP/late.db" --policy-sha256 "$pin"
is "and refused the next time" "$status" 3
run "$ASSIZE" run -f late.yaml --record "$TMP/late.db"
is "without a pin it is read when it is needed" "$status" 2
git checkout -q . && rm late.yaml

# ---- issuers, and restorations ----

cert() # NAME
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$TMP/$1.key" -out "$TMP/$1.pem" \
		-days 30 -subj "/CN=$1" -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null || bail "no certificate"
}
cert good && cert mallory
port=$("$ROOT/tests/lib/free_port")
serve() { openssl s_server -accept "$port" -cert "$TMP/$1.pem" -key "$TMP/$1.key" -www -quiet >/dev/null 2>&1 & server=$!; reap $server; }
serve mallory
git checkout -q -B trust origin/main
cp "$TMP/good.pem" ci/ca.pem
cat >ci/web.yaml <<YAML
assize: 1
targets:
  api: { http: "https://localhost:$port", ca_file: ca.pem }
  repo: { git: .. }
rollback:
  releases: { repo: repo, tags: "v*", keep: 1, signature: { allowed_signers: keys/allowed, required: true } }
  built: { repo: repo, tags: "v*", keep: 1, artifacts: { path: ../dist/app, digests: "../dist/{tag}.SUMS" } }
audits:
  web:
    checks:
      - { id: tls, tls: { address: "localhost:$port", ca_file: ca.pem } }
      - { id: page, target: api, http: { path: / }, expect: { status: "== 200" } }
gates:
  web: { require: [ { audit: web } ] }
  ship: { rollback: { set: releases, tags: any, verified_within: 24h } }
  built: { rollback: { set: built, tags: any, verified_within: 24h } }
YAML
cp dist/SUMS dist/v1.SUMS && git add ci dist && git commit -qm trust && git update-ref refs/remotes/origin/trust HEAD && git checkout -q -B loose && git branch -qD trust
cp "$TMP/mallory.pem" ci/ca.pem && sed -i 's/required: true/required: false/' ci/web.yaml && git commit -qam loose
run "$ASSIZE" gate web -f ci/web.yaml --subject X
is "another issuer: opens by the branch's own" "$status" 0 || diag "$out$err"
run "$ASSIZE" gate web -f git:origin/trust:ci/web.yaml --subject X
isnt "another issuer: shut by the ref" "$status" 0
like "tls is told" "$out" 'require (FAIL|undecided) web/tls'
like "http is told" "$out" 'require (FAIL|undecided) web/page'
kill $server && wait $server 2>/dev/null
serve good
wait_for bash -c "</dev/tcp/127.0.0.1/$port"
run "$ASSIZE" gate web -f git:origin/trust:ci/web.yaml --subject Y
is "the issuer of the ref is the one that is trusted" "$status" 0 || diag "$out$err"
"$ASSIZE" gate ship -f ci/web.yaml --subject v2 >/dev/null
is "a tag without a signature: opens by the branch's own" $? 0
run "$ASSIZE" gate ship -f git:origin/trust:ci/web.yaml --subject v2
is "what was proven under the branch's definitions is not proven: shut" "$status" 2
like "it was verified again" "$out" 'require undecided rollback/releases.*the tag is not signed'
run "$ASSIZE" gate built -f git:origin/trust:ci/web.yaml --subject v2
is "what was built of a tag is as its list in the commit has it" "$status" 0 || diag "$out$err"
rm ci/.assize/record.db
git checkout -q -B aliased origin/trust && sed -i "s,\"../dist/{tag}.SUMS\",\"$TMP/alias/dist/{tag}.SUMS\"," ci/web.yaml && git commit -qam aliased
run "$ASSIZE" gate built -f git:aliased:ci/web.yaml --subject v2
is "a list of the work tree by another name is none: undecided" "$status" 2
like "and told" "$out" 'alias/dist/v1.SUMS" leads into the work tree by a link'
rm -f ci/.assize/record.db
git checkout -q origin/trust -- ci && git reset -q
echo evil >dist/app && (cd dist && sha256sum app >v1.SUMS)
"$ASSIZE" gate built -f ci/web.yaml --subject v2 >/dev/null
is "another artifact with a list of its own: opens by the work tree, of the same definition" $? 0
run "$ASSIZE" gate built -f git:origin/trust:ci/web.yaml --subject v2
is "and is disproved by that of the ref" "$status" 1
exits "replay makes it again, with what counts" 0 "$ASSIZE" replay --decision 2 -f git:origin/trust:ci/web.yaml
like "the digest is told" "$err$("$ASSIZE" explain latest rollback/built -f git:origin/trust:ci/web.yaml)" "recorded is $(git show origin/trust:dist/v1.SUMS | cut -c1-64)"
done_testing
