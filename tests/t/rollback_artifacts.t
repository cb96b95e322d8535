#!/bin/bash
# What was built of a tag: files, archives and images that are there, as recorded, safe to unpack and of
# the tag's commit pass; each damage, built with the usual tools, is told apart. A new build of the same
# tree is another artifact.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/oci.sh"
cd "$TMP" || bail "no directory"
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.com
git init -q -b main repo && echo 1 >repo/data && git -C repo add . && git -C repo commit -qm 1 && git -C repo tag v1.0 ||
	bail "no repository"
commit=$(git -C repo rev-parse HEAD)

# ---- good ones
mkdir -p dist app/bin && echo run >app/bin/app && echo "$commit" >app/REVISION
pack()
{
	tar --sort=name --owner=0 --group=0 --mtime="${MTIME:-@0}" "$@"
}
pack -czf dist/app-1.0.tar.gz app
pack --zstd -cf dist/app-1.0.tar.zst app
echo notes >dist/notes-v1.0.txt
echo "built of ${commit:0:12}" >app/REVISION && pack -cf dist/short.tar app
echo 0123456789abcdef0123456789abcdef01234567 >app/REVISION && pack -cf dist/strange.tar app
echo "no commit at all" >app/REVISION && pack -cf dist/silent.tar app
(cd dist && sha256sum app-1.0.tar.gz app-1.0.tar.zst notes-v1.0.txt >SHA256SUMS)
ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -q -t ed25519 -N '' -f other &&
	printf 'me@example.com %s\n' "$(cat key.pub)" >signers || bail "no keys"
ssh-keygen -q -Y sign -n file -f key - <dist/notes-v1.0.txt >dist/notes-v1.0.txt.sig 2>/dev/null
ssh-keygen -q -Y sign -n file -f other - <dist/notes-v1.0.txt >dist/stranger.sig 2>/dev/null
ssh-keygen -q -Y sign -n file -f key - <dist/SHA256SUMS >dist/wrong.sig 2>/dev/null

# ---- damage
cp dist/app-1.0.tar.gz dist/changed.tar.gz && printf x >>dist/changed.tar.gz
(cd dist && sed 's/app-1.0.tar.gz/changed.tar.gz/;1q' SHA256SUMS >OTHERSUMS)
mkdir -p evil && echo x >evil/x
tar -cPf dist/climbs.tar --transform 's,^evil/x,../../x,' evil/x
tar -cPf dist/absolute.tar --transform 's,^evil/x,/etc/x,' evil/x
ln -s /etc evil/link && tar -cf dist/through.tar evil/link && rm evil/link && mkdir evil/link && echo x >evil/link/x &&
	tar -rf dist/through.tar evil/link/x
tar -cf dist/twice.tar app/bin/app && tar -rf dist/twice.tar app/bin/app
tar --format=posix --pax-option=path=app/REVISION -cf dist/doubt.tar app
head -c 20000000 /dev/zero >zeros && tar -czf dist/bomb.tar.gz zeros && rm zeros
head -c 200 dist/app-1.0.tar.gz >dist/cut.tar.gz
echo "no archive" >dist/none.zip
oci_image image >/dev/null 2>&1 || bail "no image"
label()
{
	cp -a image "$1"
	local arch config
	for arch in amd64 arm64; do
		config=$(jq -r .config.digest "$(oci_path "$1" "$(oci_of "$1" linux/$arch)")")
		oci_edit "$1" "$config" "\$d->{config}{Labels}{'org.opencontainers.image.revision'} = '$2'"
	done
}
label labelled "$commit" && label mislabelled 0123456789abcdef0123456789abcdef01234567
cp -a image damaged && layer=$(jq -r '.layers[0].digest' "$(oci_path damaged "$(oci_of damaged linux/amd64)")") &&
	chmod u+w "$(oci_path damaged "$layer")" && printf x >>"$(oci_path damaged "$layer")"
port=$("$ROOT/tests/lib/free_port")
cat >registry.yml <<YAML
version: 0.1
log: { accesslog: { disabled: true }, level: error }
storage: { filesystem: { rootdirectory: $TMP/store } }
http: { addr: "127.0.0.1:$port" }
YAML
OTEL_TRACES_EXPORTER=none docker-registry serve registry.yml >registry.log 2>&1 &
reap $!

# set NAME ARTIFACT: a set with one artifact; each may be asked for by its own name.
one()
{
	printf '  %s: { repo: repo, tags: "v*", restore: { scratch: scratch }, signature: { allowed_signers: signers, required: false }, artifacts: %s }\n' "$1" "$2"
}
top()
{
	printf 'assize: 1\ntargets: { repo: { git: repo }, registry: { http: "http://127.0.0.1:%s" } }\nrollback:\n' "$port"
}
{
	top
	one gz '[{ path: "dist/app-{version}.tar.gz", digests: dist/SHA256SUMS, commit_file: app/REVISION, archive: { required: [app/bin/app] } }, { path: "dist/notes-{tag}.txt", digests: dist/SHA256SUMS, signature: "dist/notes-{tag}.txt.sig" }]'
	one zst '{ path: "dist/app-{version}.tar.zst", digests: dist/SHA256SUMS }'
	one direct "{ path: dist/notes-v1.0.txt, sha256: $(sha256sum <dist/notes-v1.0.txt | cut -c1-64) }"
	one short '{ path: dist/short.tar, commit_file: ./app/REVISION }'
	one named "{ path: dist/app-1.0.tar.gz, commit_file: app/REVISION, signature: dist/stranger.sig }"
	one strange '{ path: dist/strange.tar, commit_file: app/REVISION }'
	one silent '{ path: dist/silent.tar, commit_file: app/REVISION }'
	one memberless '{ path: dist/app-1.0.tar.gz, commit_file: app/COMMIT }'
	one incomplete '{ path: dist/app-1.0.tar.gz, archive: { required: [LICENSE] } }'
	one gone '{ path: "dist/app-{commit}.tar.gz" }'
	one listless '{ path: dist/app-1.0.tar.gz, digests: dist/NONE }'
	one unlisted '{ path: dist/short.tar, digests: dist/SHA256SUMS }'
	one changed '{ path: dist/changed.tar.gz, digests: dist/OTHERSUMS }'
	one climbs '{ path: dist/climbs.tar }'
	one absolute '{ path: dist/absolute.tar }'
	one through '{ path: dist/through.tar }'
	one twice '{ path: dist/twice.tar }'
	one allowed '{ path: dist/twice.tar, archive: { allow: [duplicates] } }'
	one unlooked '{ path: dist/twice.tar, extract: false }'
	one doubted '{ path: dist/doubt.tar }'
	one bomb '{ path: dist/bomb.tar.gz }'
	one cut '{ path: dist/cut.tar.gz }'
	one none '{ path: dist/none.zip }'
	one stranger '{ path: dist/notes-v1.0.txt, signature: dist/stranger.sig }'
	one wrongly '{ path: dist/notes-v1.0.txt, signature: dist/wrong.sig }'
	one unsigned '{ path: dist/notes-v1.0.txt, signature: dist/no.sig }'
	one image '{ layout: image, ref: "v{version}.0" }'
	one labelled '{ layout: labelled }'
	one mislabelled '{ layout: mislabelled }'
	one damaged '{ layout: damaged }'
	one imageless '{ layout: nowhere }'
	one registry '{ oci: "shop/app:{version}", registry: registry }'
	one untagged '{ oci: "shop/app:2.0", registry: registry }'
	one pinned "{ oci: \"shop/app:{version}\", registry: registry, sha256: $(printf '%064d' 1) }"
	one unreachable '{ oci: "localhost:1/shop/app:{version}" }'
} | sed 's/ref: "v{version}.0"/ref: v1/' >assize.yaml
exits "the definition is sound" 0 "$ASSIZE" check
like "plan says what is looked at" "$("$ASSIZE" plan rollback/gz)" 'look at dist/app-\{version\}.tar.gz.*look at dist/notes-\{tag\}.txt'
wait_for curl -s "http://127.0.0.1:$port/v2/" || bail "docker-registry did not start: $(cat registry.log)"
skopeo --insecure-policy copy --quiet --all --preserve-digests --dest-tls-verify=false \
	oci:labelled:v1 "docker://127.0.0.1:$port/shop/app:1.0" >copy.log 2>&1 || bail "skopeo could not push: $(cat copy.log)"
run "$ASSIZE" rollback verify v1.0 --report json=out.json

# tells CLAIM SET OUTCOME WORDS
tells()
{
	local said
	said=$(jq -r --arg set "$2" '.restorations[] | select(.set == $set).steps[] | select(.name == "artifacts") |
		.outcome, .finding // "-", .remedy // "-", .note // "-"' out.json)
	like "$1: $3" "${said%%$'\n'*}" "^$3\$"
	like "$1: told" "$said" "$4"
}
sha()
{
	sha256sum <"$1" | cut -c1-64
}
tells "two files, listed, of the commit, signed" gz pass "dist/app-1.0.tar.gz sha256 $(sha dist/app-1.0.tar.gz).*notes-v1.0.txt signed by me@example.com"
tells "zstd" zst pass "sha256 $(sha dist/app-1.0.tar.zst)"
tells "a digest of its own" direct pass ''
tells "a short commit" short pass ''
tells "another commit" strange fail '"dist/strange.tar": its "app/REVISION" names another commit than '"$commit"': "0123456789'
tells "no commit in it" silent fail 'names another commit than .*: "no commit at all"'
tells "no such member" memberless fail 'there is no member "app/COMMIT" to name the commit'
tells "something is missing in it" incomplete fail '"dist/app-1.0.tar.gz": LICENSE: '
tells "not there" gone undecided "\"dist/app-$commit.tar.gz\": it is not there.put the artifact of v1.0 back at /.*/dist/app-$commit"
tells "no list" listless undecided 'its list of digests: .*NONE.*No such file'
tells "not listed" unlisted undecided 'SHA256SUMS" does not list it'
tells "another digest" changed fail "its sha256 is $(sha dist/changed.tar.gz), recorded is $(sha dist/app-1.0.tar.gz)"
tells "a name that climbs" climbs fail '\.\./\.\./x: its name leads out'
tells "an absolute name" absolute fail '/etc/x: its name .*'
tells "written through a link" through fail 'evil/link'
tells "a member twice" twice fail 'app/bin/app: '
tells "which may be allowed" allowed pass ''
tells "or not looked at" unlooked pass ''
tells "one that others unpack differently" doubted fail 'programs differ in what they unpack: at byte 0 a global header sets .path'
tells "a bomb" bomb fail 'unpacks to more than 200 times its size \(max_ratio\)'
tells "cut short" cut fail '"dist/cut.tar.gz": archive .*'
tells "no archive" none fail '"dist/none.zip": archive .*'
tells "signed by a stranger" stranger undecided 'its signature: it was made with .* which allowed_signers does not list'
tells "signature of another file" wrongly fail 'its signature: it does not fit the file'
tells "no signature" unsigned undecided 'its signature: .*no.sig.*No such file'
tells "an image" image pass "image sha256 $(oci_top image | cut -d: -f2)"
tells "an image of the commit" labelled pass ''
tells "an image of another commit" mislabelled fail "its label org.opencontainers.image.revision is \"0123456789.*\", the tag is commit $commit"
tells "a damaged image" damaged fail '"damaged": .*sha256:'
tells "no image" imageless undecided '"nowhere": .*could not open image layout'
tells "an image of a registry" registry pass "shop/app:1.0 sha256 $(oci_top labelled | cut -d: -f2)"
tells "a tag the registry does not have" untagged undecided '"shop/app:2.0": .*'
tells "another image than recorded" pinned fail "its digest is sha256:$(oci_top labelled | cut -d: -f2), recorded is sha256:0*1"
tells "no registry" unreachable undecided '"localhost:1/shop/app:1.0": .*'
is "scratch is left empty" "$(ls -A scratch)" ""

run "$ASSIZE" rollback list
like "list: a column for what some set asks, no other" "$out" 'restore  artifacts.*v1.0 .*DISPROVED .*FAIL.*v1.0  artifacts: "dist/climbs.tar"'
is "list: every step for machines" "$("$ASSIZE" rollback list --json | jq -c '[.climbs[0].steps, .gz[0].steps] | map(.artifacts)')" '["fail","pass"]'

# same tree, new build: the first good digest is what it must stay
echo "$commit" >app/REVISION
MTIME=@1700000000 pack -czf dist/app-1.0.tar.gz app
(cd dist && sha256sum app-1.0.tar.gz app-1.0.tar.zst notes-v1.0.txt >SHA256SUMS)
was=$(jq -r '.restorations[] | select(.set == "gz").steps[] | select(.name == "artifacts").note' out.json | sed -n 's/.*tar.gz sha256 //p')
run "$ASSIZE" run rollback/gz --report json=out.json
is "a new build of the same tree: exit status" $status 1
tells "a new build of the same tree" gz fail \
	"\"dist/app-1.0.tar.gz\" has other bytes than when it was recorded first: sha256 $(sha dist/app-1.0.tar.gz), not $was.put back the one with sha256 $was"
run "$ASSIZE" run rollback/gz --report json=out.json
is "the next one is no better: exit status" $status 1
sed 's/tags: "v\*",/tags: "v*", pin: false,/' assize.yaml >unpinned.yaml
exits "unless nothing is pinned" 0 "$ASSIZE" run -f unpinned.yaml --record .assize/record.db rollback/gz
MTIME=@0 pack -czf dist/app-1.0.tar.gz app
(cd dist && sha256sum app-1.0.tar.gz app-1.0.tar.zst notes-v1.0.txt >SHA256SUMS)
exits "put back" 0 "$ASSIZE" run rollback/gz

# ---- what a definition may say
refuses()
{
	{ top; one wrong "$1"; } >wrong.yaml
	run "$ASSIZE" check -f wrong.yaml
	like "refused: $1" "$status $out$err" "^3 .*wrong.yaml:4:[0-9]+: $2"
}
refuses '{ digests: x }' 'an artifact is one of path, oci and layout'
refuses '{ path: a, oci: "b.example.com/c:1" }' 'an artifact is one of'
refuses '{ path: "a-{versoin}" }' '.a-\{versoin\}. has a placeholder that nothing stands for'
refuses '{ path: a, sha256: abc }' '.sha256. is not 64'
refuses '{ path: a.txt, commit_file: b }' '.commit_file. is about an archive'
refuses '{ path: a.tar, archive: { requird: [b] } }' '.*requird'
refuses '{ path: a.tar, archive: { path: b } }' 'the path of the archive is that of the artifact'
refuses '{ oci: "app:1" }' '"app:1" does not say which registry'
refuses '{ oci: "r.example.com/app" }' '.* does not say which image'
refuses '{ oci: "app:1", registry: repo }' 'target "repo" is no http target'
refuses '{ oci: "r.example.com/app:1", user: me }' 'user and password go together'
refuses '{ layout: a, digests: b }' '"digests" goes with "path" only'
done_testing
