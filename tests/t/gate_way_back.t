#!/bin/bash
# Gate rule rollback: the release that is to go out is no way back from itself, whatever it is called,
# and a tag that was deleted is not forgotten.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
export HOME=$TMP GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo
git -C repo config user.email a@example.com
git -C repo config user.name a
release() { echo "$1" >repo/f && git -C repo add f && git -C repo commit -qm "$1" && git -C repo tag -a "$1" -m "$1"; }
release v1.0.0
cat >assize.yaml <<'Y'
assize: 1
targets: { repo: { git: repo } }
rollback: { rel: { repo: repo, tags: "v*" } }
gates:
  any: { rollback: { set: rel, tags: any } }
  all: { rollback: { set: rel, tags: all } }
Y
commit=$(git -C repo rev-parse HEAD)
for subject in v1.0.0 refs/tags/v1.0.0 tags/v1.0.0 "$(git -C repo rev-parse v1.0.0)" "$commit" "${commit^^}" "${commit:0:5}" 'v1.0.0^0' \
	'v1.0.0 ' "git:$commit" "registry.example.com/shop@sha256:$commit" 2026.11; do
	exits "the only tag is the release, called \"$subject\"" 2 "$ASSIZE" gate any -s "$subject"
	unlike "\"$subject\": not open" "$out" 'decision=OPEN'
done
like "a name that stands for no commit" "$out" 'may be the release itself: "2026.11" stands for no commit of the repository.*keep: 2'
exits "no release is named: it may be the one" 2 "$ASSIZE" gate any -s any
like "which is told" "$out" 'may be the release itself, which is not named'
exits "of which a decision made again says the same" 0 "$ASSIZE" replay latest
like "it is equal" "$out" 'decision .* equal'
exits "a release that is not tagged yet is none of the targets" 0 "$ASSIZE" gate any -s v1.1.0
exits "its ref is not, either" 0 "$ASSIZE" gate any -s refs/tags/v1.1.0

release v1.1.0
exits "the former release is a way back" 0 "$ASSIZE" gate any -s refs/tags/v1.1.0
exits "two commits that are proven: one of them is another" 0 "$ASSIZE" gate any -s 2026.11
git -C repo tag v1.1.0-again v1.1.0^0
git -C repo tag -d v1.0.0 >/dev/null
rm -rf .assize
exits "two tags of one commit are one" 2 "$ASSIZE" gate any -s 2026.11
like "which is told" "$out" 'may be the release itself'
git -C repo tag -d v1.1.0-again >/dev/null
git -C repo tag -a v1.0.0 -m again "$commit"

# ---- the tag of the release was moved ----

exits "the release is known" 0 "$ASSIZE" gate any -s v1.1.0
git -C repo commit -q --allow-empty -m other && git -C repo tag -f v1.1.0 HEAD >/dev/null 2>&1
like "the list has it" "$("$ASSIZE" rollback list)" \
	$'v1.1.0 .*moved, verified .*v1.1.0  leads to commit [0-9a-f]{9} now\n +fix: assize rollback verify v1.1.0'
is "as JSON as well" "$("$ASSIZE" rollback list --json | jq -r '.rel[] | select(.tag == "v1.1.0") | .state')" moved
sed 's/tags: any }/tags: any }, run: never/' assize.yaml >never.yaml
exits "its evidence may be of the other commit, by its ref" 2 "$ASSIZE" gate any -s refs/tags/v1.1.0 -f never.yaml
exits "or its name" 2 "$ASSIZE" gate any -s v1.1.0 -f never.yaml
like "which is told" "$out" 'require undecided rollback/rel:v1.1.0 proven (just now|[0-9.]+ m?s ago) as commit .*but the tag leads to'
exits "a decision made again says the same" 0 "$ASSIZE" replay latest
exits "another release has a way back" 0 "$ASSIZE" gate any -s v1.2.0 -f never.yaml
exits "the gate verifies it again: it is disproved" 1 "$ASSIZE" gate any -s v1.1.0
like "which is told as well" "$out" 'require FAIL rollback/rel:v1.1.0 disproved at identity: the tag moved'
(cd repo && eval "$(echo "$out" | sed -n 's/.*to do: \(git tag --force v1.1.0 .*\)/\1/p' | head -n 1)" >/dev/null)
exits "the remedy brings it back, and it goes out" 0 "$ASSIZE" gate any -s v1.1.0

# ---- tags that were deleted ----

rm -rf .assize
exits "all are proven" 0 "$ASSIZE" gate all -s 2026.11 --json
times() { grep -oE 'restored in [0-9.]+ (us|ms|s)' | sort -u; }
listed=$("$ASSIZE" rollback list | sed -nE 's/.*proven .* ([0-9.]+ (us|ms|s))$/restored in \1/p' | sort -u)
like "the list has a time to restore each" "$listed" '^restored in [1-9]'
is "the gate has the same" "$(times <<<"$out")" "$listed"
is "so has the evidence" "$("$ASSIZE" explain latest rollback/rel | times)" "$listed"
git -C repo tag -f v1.0.0 HEAD >/dev/null 2>&1
exits "a tag was moved: disproved" 1 "$ASSIZE" gate all -s 2026.12
git -C repo tag -d v1.0.0 >/dev/null
exits "deleting it opens nothing" 2 "$ASSIZE" gate all -s 2026.13
like "it is told" "$out" "require undecided rollback/rel:v1.0.0 disproved (just now|[0-9.]+ m?s ago) as commit .*is no tag of the repository now"
like "with what brings it back as it was first" "$out" "is no tag of the repository now  [^ ]+ to do: git tag v1.0.0 $commit"
bring=$(sed -n 's/.*to do: \(git tag v1.0.0 .*\)/\1/p' <<<"$out")
exits "a decision made again says the same" 0 "$ASSIZE" replay latest
like "which is equal" "$out" 'decision .* equal'
like "the list has it" "$("$ASSIZE" rollback list)" "v1.0.0 .*gone, verified.*v1.0.0  is no tag of the repository now
 +fix: git tag v1.0.0 $commit"
is "as JSON as well" "$("$ASSIZE" rollback list --json | jq -r '.rel[] | select(.tag == "v1.0.0") | .state')" gone
(cd repo && eval "$bring")
exits "as it was it is proven again" 0 "$ASSIZE" gate all -s 2026.14
git -C repo tag -d v1.0.0 >/dev/null
exits "a proven one is missed as well" 2 "$ASSIZE" gate all -s 2026.15
(cd repo && eval "$(echo "$out" | sed -n 's/.*to do: \(git tag v1.0.0 .*\)/\1/p')")
exits "the remedy brings it back" 0 "$ASSIZE" gate all -s 2026.15
for i in 2 3 4; do release "v1.$i.0"; done
exits "newer ones are proven" 0 "$ASSIZE" gate all -s 2026.16
git -C repo tag -d v1.0.0 >/dev/null
exits "one that is too old to be a target may go" 0 "$ASSIZE" gate all -s 2026.17
git -C repo tag -d v1.4.0 >/dev/null
exits "one for which an older one would step in is missed" 2 "$ASSIZE" gate all -s 2026.18

# ---- the first release of all ----

rm -rf .assize repo
git init -q -b main repo && git -C repo commit -q --allow-empty -m one
exits "nothing was ever tagged" 2 "$ASSIZE" gate any -s v1.0.0
like "what lets a first release out is told" "$out" "no tag to roll back to: a first release is let out by override.*to do: assize override any --subject v1.0.0 "
unlike "of a clone that is whole it is not said that it is shallow" "$out$err" shallow
like "the list says what brings tags" "$("$ASSIZE" rollback list)" 'no tag matches.  help: git fetch --tags'
like "verify as well" "$("$ASSIZE" rollback verify 2>&1)" 'git fetch --tags brings those of a remote'
git -C repo tag v1.0.0
exits "the first tag is no way back from itself" 2 "$ASSIZE" gate any -s v1.0.0
like "of which the same is told" "$out" 'but the release itself: a first release is let out by override'
override=$(echo "$out" | sed -n 's/.*to do: assize \(override any .*\)/\1/p' | tail -n 1)
USER=ada eval "'$ASSIZE' $override" >/dev/null
exits "the remedy lets it out" 0 "$ASSIZE" gate any -s v1.0.0
exits "a decision made again says the same" 0 "$ASSIZE" replay latest
git -C repo tag -d v1.0.0 >/dev/null && git -C repo commit -q --allow-empty -m two
git clone -q --depth=1 --no-tags "file://$TMP/repo" shallow && rm -rf repo && mv shallow repo
exits "a shallow clone has no tags" 2 "$ASSIZE" gate any -s v1.1.0
like "which is no first release" "$out" 'could not list the targets: a shallow clone has no tags.*to do: assize rollback list'
unlike "nor is it called one" "$out" 'first release'
like "the list says what brings them" "$("$ASSIZE" rollback list)" "help: a shallow clone has no tags: git fetch --depth=1 origin 'refs/tags/v\*"
done_testing
