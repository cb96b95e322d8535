#!/bin/bash
# Kind rollback by mutation, through the command line: the intact repository passes, then each named
# mutation fails or is undecided with the message that names it. t/rollback_damage.t has every
# damage; here is how it reaches verdict, exit status, record and command.
. "$(dirname "$0")/../lib/tap.sh"

export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

mkdir "$TMP/clean" && cd "$TMP/clean" || bail "no directory"
git init -q -b main repo && cd repo || bail "no repository"
for version in 1.0.0 1.1.0 2.0.0-rc1 2.0.0; do
	echo $version >version
	git add . && git commit -qm $version && git tag v$version
done
cd ..
cat >assize.yaml <<'E1'
assize: 1
targets:
  repo: { git: repo }
rollback:
  releases: { repo: repo, tags: "v*", keep: 3, restore: { budget: 60s, scratch: scratch } }
audits:
  back:
    checks:
      - id: all
        rollback: { set: releases }
        expect: { restore: "< 30s" }
      - id: any
        rollback: { set: releases, tags: any }
gates:
  release:
    require: [ { audit: back, max_age: 1h } ]
    subject: any
    rollback: { set: releases, tags: any, verified_within: 24h }
E1

# intact: a fresh copy in the current directory.
intact()
{
	rm -rf "${TMP:?}/w"
	cp -a "$TMP/clean" "$TMP/w"
	cd "$TMP/w" || bail "no copy"
}

blob()
{
	local id
	id=$(git -C repo rev-parse "$1:version")
	printf 'repo/.git/objects/%s/%s' "${id:0:2}" "${id:2}"
}

intact
exits "the definition is sound" 0 "$ASSIZE" check
exits "plan touches nothing" 0 "$ASSIZE" plan
like "plan says what would be restored" "$out" 'restore the newest 3 tags "v\*" of .*/repo in .*/scratch'
nok "nothing was restored" test -e scratch
exits "intact" 0 "$ASSIZE" run
like "every tag is told" "$("$ASSIZE" explain 1 back/all)" \
	'defects\{tag="v2.0.0"\}.*defects\{tag="v2.0.0-rc1"\}.*defects\{tag="v1.1.0"\}'
unlike "the newest three only" "$("$ASSIZE" explain 1 back/all)" 'v1.0.0'
is "scratch is empty afterwards" "$(ls -A scratch)" ""
exits "list" 0 "$ASSIZE" rollback list
like "list shows what is proven" "$out" 'v2.0.0 .*proven.*v2.0.0-rc1 .*proven.*v1.1.0 .*proven'

# moved_tag: pinned by the run above.
one=$(git -C repo rev-parse v1.1.0) two=$(git -C repo rev-parse v1.0.0)
git -C repo tag -f v1.1.0 v1.0.0 >/dev/null
exits "moved_tag fails" 1 "$ASSIZE" run back/all
run "$ASSIZE" explain 2 back/all
like "moved_tag names both commits and the remedy" "$out" \
	"identity fail: the tag moved: it is commit $two, recorded first as $one.*fix: git tag --force v1.1.0 $one"
like "moved_tag names the line" "$out" 'assize.yaml:10:'
exits "moved_tag: with tags: any the others are enough" 0 "$ASSIZE" run back/any
exits "moved_tag: verify of that tag" 1 "$ASSIZE" rollback verify v1.1.0
exits "moved_tag: verify of another tag" 0 "$ASSIZE" rollback verify v2.0.0
exits "moved_tag: list" 0 "$ASSIZE" rollback list
like "moved_tag shows in the list" "$out" 'v1.1.0 .*DISPROVED.*moved'
git -C repo tag -f v1.1.0 "$one" >/dev/null
exits "moved_tag: put back" 0 "$ASSIZE" run

# moved_tag without pin
intact
sed -i 's/keep: 3,/keep: 3, pin: false,/' assize.yaml
"$ASSIZE" run >/dev/null 2>&1
git -C repo tag -f v1.1.0 v1.0.0 >/dev/null
exits "moved_tag with pin: false passes, as declared" 0 "$ASSIZE" run

intact
chmod u+w "$(blob v1.1.0)" && perl -e 'open(my $f, "+<", $ARGV[0]); seek($f, 12, 0); read($f, my $b, 1);
	seek($f, 12, 0); print $f chr(ord($b) ^ 0xff)' "$(blob v1.1.0)"
exits "flipped_byte fails" 1 "$ASSIZE" run back/all
like "flipped_byte is named" "$("$ASSIZE" explain 1 back/all)" 'closure fail: blob [0-9a-f]{40} of "version" is damaged'
like "flipped_byte: time to restore was not measured" "$("$ASSIZE" explain 1 back/all)" \
	'restore\{tag="v1.1.0"\}.*not restored'
exits "flipped_byte: one bad tag of three is enough for all" 1 "$ASSIZE" rollback verify
exits "flipped_byte: any" 0 "$ASSIZE" run back/any

intact
chmod u+w "$(blob v2.0.0)" && truncate -s 12 "$(blob v2.0.0)"
exits "truncated_object fails, and the reading of it ends" 1 timeout 60 "$ASSIZE" run back/all
like "truncated_object is named" "$("$ASSIZE" explain 1 back/all)" 'is damaged: the loose object is cut short'

intact
rm -f "$(blob v1.1.0)" "$(blob v2.0.0)" "$(blob v2.0.0-rc1)"
exits "missing_objects fails with tags: any, too, when no tag is left" 1 "$ASSIZE" run back/any
like "missing_objects is named" "$("$ASSIZE" explain 1 back/any)" 'version" is missing from the repository'

intact
git -C repo pack-refs --all && git -C repo gc -q --prune=now
pack=$(ls repo/.git/objects/pack/*.pack) && chmod u+w "$pack"
perl -e 'open(my $f, "+<", $ARGV[0]); seek($f, 40, 0); read($f, my $b, 1); seek($f, 40, 0);
	print $f chr(ord($b) ^ 0xff)' "$pack"
run "$ASSIZE" run
isnt "flipped_pack is no pass" $status 0

intact
git clone -q --depth 1 "file://$PWD/repo" shallow && rm -rf repo && mv shallow repo
git -C repo tag -l | xargs -r git -C repo tag -d >/dev/null
exits "shallow clone without tags is undecided" 2 "$ASSIZE" run
like "shallow clone: the reason" "$out$err" 'no tag of ".*/repo" matches "v\*"'
like "shallow clone: the remedy" "$("$ASSIZE" explain 1 back/all)" \
	"git fetch --depth=1 origin 'refs/tags/v\*:refs/tags/v\*'"
git -C repo fetch -q --depth=1 origin tag v2.0.0 2>/dev/null || git -C repo fetch -q --depth=1 "file://$TMP/clean/repo" tag v2.0.0
exits "shallow clone: one fetched tag is enough for any" 0 "$ASSIZE" run back/any

intact
sed -i 's/budget: 60s/budget: 1ms/' assize.yaml
dd if=/dev/urandom of=repo/large bs=1M count=8 2>/dev/null && git -C repo add . && git -C repo commit -qm large && git -C repo tag v3.0.0
exits "over_budget fails" 1 "$ASSIZE" run back/all
like "over_budget is named" "$("$ASSIZE" explain 1 back/all)" 'budget fail: time to restore is .*, budget 1 ms'

intact
rm -rf repo
exits "no_repository is undecided" 2 "$ASSIZE" run
like "no_repository is named" "$out$err" 'could not open git repository ".*/repo"'
exits "no_repository: list fails" 2 "$ASSIZE" rollback list

intact
: >scratch
exits "no_scratch is undecided" 2 "$ASSIZE" run
like "no_scratch is named" "$("$ASSIZE" explain 1 back/all)" 'could not create a scratch directory'

intact
exits "gate, never verified: verifies and opens" 0 "$ASSIZE" gate release
rm -f "$(blob v1.1.0)" "$(blob v2.0.0)" "$(blob v2.0.0-rc1)"
exits "no tag is left" 1 "$ASSIZE" rollback verify
exits "gate is shut from then on" 1 "$ASSIZE" gate release --subject any

intact
sed -i 's/rollback: { set: releases }/rollback: { set: release }/' assize.yaml
exits "a set that does not exist is a definition error" 3 "$ASSIZE" check
like "with its place and what was meant" "$out$err" \
	'assize.yaml:10:26:.* there is no rollback set "release".*did you mean "releases"'
intact
sed -i 's/tags: any }$/tags: some }/' assize.yaml
exits "a wrong rule is a definition error" 3 "$ASSIZE" check

exits "the example is sound" 0 "$ASSIZE" check -f "$ROOT/audits/examples/rollback.yaml"

# signature: what the definition says of it, and who signed, in evidence and report
intact
ssh-keygen -q -t ed25519 -N '' -f key && printf 'me@example.com %s\n' "$(cat key.pub)" >signers || bail "no key"
sed -i 's/keep: 3,/keep: 1, signature: { allowed_signers: signers },/' assize.yaml
exits "signature: a lightweight tag is unproven" 2 "$ASSIZE" rollback verify
like "signature: told" "$out" 'v2.0.0: identity: the tag is lightweight'
git -C repo -c gpg.format=ssh -c "user.signingKey=$PWD/key" tag -f -s -m 2 v2.0.0 v2.0.0 >/dev/null
exits "signature: signed" 0 "$ASSIZE" rollback verify --report html=out.html --report json=out.json
like "signature: the signer in the evidence" "$("$ASSIZE" explain 2 rollback/releases)" 'identity: signed by me@example.com \(SHA256:'
like "signature: and in the reports" "$(cat out.html out.json)" '</b> identity: pass<br><span class="note">signed by me@example.com.*"note": "signed by me@example.com'
like "signature: in the plan" "$("$ASSIZE" plan rollback/releases)" 'signed by a key of .*/signers'
for wrong in '{ }' '{ keyring: k, revoked: r }' '{ allowed_signers: a, fingerprints: x }' '{ keyring: k, fingerprints: abc }'; do
	sed "s/signature: {[^}]*}/signature: $wrong/" assize.yaml >wrong.yaml
	exits "signature: $wrong" 3 "$ASSIZE" check -f wrong.yaml
done
like "signature: and says why" "$out$err" '"abc" is no fingerprint'
done_testing
