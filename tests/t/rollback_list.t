#!/bin/bash
# Which tags a set stands for: pattern, version order newest first, the newest few, reachable or not.
. "$(dirname "$0")/../lib/tap.sh"

RESTORE=$BUILD/tests/tools/restore
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

git init -q -b main "$TMP/r" && cd "$TMP/r" && git commit -q --allow-empty -m one || bail "no repository"

# tagged TAG...: the repository has exactly these tags.
tagged()
{
	git tag | xargs -r git tag -d >/dev/null
	for tag; do git tag "$tag"; done
}

# listed CLAIM PATTERN WANTED [OPTION VALUE]...
listed()
{
	local claim=$1 pattern=$2 want=$3
	shift 3
	is "$claim" "$("$RESTORE" list --keep 100 "$@" "$PWD" "$pattern" | tr '\n' ' ')" "${want:+$want }"
}

tagged v1.0.0 v1.2.0 v1.10.0 v1.9.9 v2.0.0-rc1 v2.0.0-rc10 v2.0.0-rc2 v2.0.0 v0.9
want="v2.0.0 v2.0.0-rc10 v2.0.0-rc2 v2.0.0-rc1 v1.10.0 v1.9.9 v1.2.0 v1.0.0 v0.9"
listed "numbers count as numbers, pre-releases before their release" 'v*' "$want"
is "as git orders them" "$(git -c versionsort.suffix=- tag --sort=-version:refname | tr '\n' ' ')" "$want "
tagged 1.0 1.0.1 1.0a1 1.0b2 1.0rc1 1.0.dev3 1.1.1 1.1.1a
listed "pre-releases without a dash; a letter alone is a patch" '*' "1.1.1a 1.1.1 1.0.1 1.0 1.0rc1 1.0b2 1.0a1 1.0.dev3"
tagged v1 v1.0 v1.00 v99999999999999999999999 v99999999999999999999998
listed "numbers of any length, ties in a fixed order" '*' \
	"v99999999999999999999999 v99999999999999999999998 v1.00 v1.0 v1"
tagged release-1.2 release-1.10 release-1.2-hotfix app/v1 app/v2
listed "a dash in front is no pre-release" 'release-*' "release-1.10 release-1.2 release-1.2-hotfix"
listed "names with a slash" 'app/*' "app/v2 app/v1"
listed "a pattern that matches nothing" 'x*' ""
tagged v1 v2 v3 v4 v5
listed "the newest few" 'v*' "v5 v4" --keep 2
is "packed refs are listed too" "$(git pack-refs --all; "$RESTORE" list --keep 9 "$PWD" 'v*' | wc -l)" 5

git checkout -q --detach && git commit -q --allow-empty -m aside && git tag v9 && git checkout -q main
listed "a tag off the current branch" 'v*' "v9 v5" --keep 2
listed "reachable only" 'v*' "v5 v4" --keep 2 --reachable 1
git tag v8 "$(printf x | git hash-object -w --stdin)"
listed "what leads to no commit is not hidden" 'v*' "v8 v5" --keep 2 --reachable 1
git branch v7
listed "branches are no tags" 'v7' ""

run "$RESTORE" --identity 1 "$PWD" v5
like "identity alone tells commit and time without restoring" "$out" "^pass"$'\n'"commit $(git rev-parse v5).*identity pass"
unlike "and nothing else" "$out" "closure"
run "$RESTORE" list "$TMP/none" 'v*'
like "no repository" "$out" "could not open git repository \".*/none\": no repository there"
# A set that is renamed begins anew; what its tags were is not forgotten.
git tag w9
sets() { printf 'assize: 1\ntargets: { repo: { git: . } }\nrollback: { %s }\n' "$1" >assize.yaml; }
sets 'releases: { repo: repo, tags: "w9", keep: 1 }'
exits "a tag is pinned" 0 "$ASSIZE" rollback verify -q
git commit -q --allow-empty -m two && git tag -f w9 >/dev/null
sets 'shipped: { repo: repo, tags: "w9", keep: 1 }, releases: { repo: repo, tags: "w9", keep: 1 }'
run "$ASSIZE" rollback verify
like "it moved" "$out" 'the tag moved: it is commit'
unlike "what a set that is there knows says nothing of another" "$out" 'defined no longer'
sets 'renamed: { repo: repo, tags: "w9", keep: 1 }'
exits "under another name nothing is pinned" 0 "$ASSIZE" rollback verify
like "and that the set that is gone had another commit is told" "$("$ASSIZE" report --format json | jq -r '.restorations[].steps[] | select(.name == "identity") | "\(.outcome) \(.finding)"')" \
	'^warn the tag is commit [0-9a-f]{40}; the set "releases", which is defined no longer, had it as [0-9a-f]{40}'

# Release candidates and what was withdrawn are no ways back, and take no place among the newest.
git tag | xargs git tag -d >/dev/null
for tag in v1.0.0 v1.1.0 v1.2.0-rc1 v1.2.0 v1.3.0-rc1; do git tag "$tag"; done
sets 'shipped: { repo: repo, tags: "v*", except: ["*-rc*", v1.1.0], keep: 2 }'
exits "those of a set that leaves some out" 0 "$ASSIZE" rollback verify
run "$ASSIZE" rollback list
like "are the newest of the rest" "$out" '^shipped  repo, tags v\* except \*-rc\*, v1\.1\.0, newest 2.tag .*.v1\.2\.0 .*.v1\.0\.0 [^'$'\n'']*.$'
sets 'shipped: { repo: repo, tags: "v*", keep: 5 }'
exits "all of them were ways back once" 0 "$ASSIZE" rollback verify -q
git tag -d v1.1.0 >/dev/null
like "one that was deleted is missed" "$("$ASSIZE" rollback list)" 'v1\.1\.0'
sets 'shipped: { repo: repo, tags: "v*", except: ["v1.1.*"], keep: 5 }'
unlike "unless it is left out" "$("$ASSIZE" rollback list)" 'v1\.1\.0'
sets 'shipped: { repo: repo, tags: "v*", except: ["*"], keep: 2 }'
exits "a set that leaves all out" 2 "$ASSIZE" rollback verify
like "has none to go back to" "$out$err" 'no tag of ".*" matches "v\*" and nothing of `except`'

# How sets stand, beside audits or alone, and why the exit status is none that is good.
git tag | xargs git tag -d >/dev/null && git tag w1 && git tag w2
sets 'standing: { repo: repo, tags: "w*", keep: 2 }'
printf 'gates: { g: { rollback: { set: standing, verified_within: 7d } } }\n' >>assize.yaml
exits "one release is proven" 0 "$ASSIZE" rollback verify -q w1
exits "status: the other one is not" 2 "$ASSIZE" status
like "and it says so" "$out" '^rollback +outcome +proven +oldest +next *.standing +undecided +1 of 2 +(just now|[0-9.]+ m?s ago) +in 6\.9 d +w2 was never verified.*gate +last'
exits "both are" 0 "$ASSIZE" rollback verify -q
exits "status: they are" 0 "$ASSIZE" status
like "with the oldest proof, and when the next is due" "$out" 'standing +pass +2 of 2 +(just now|[0-9.]+ m?s ago) +in 6\.9 d *.'
is "as JSON" "$("$ASSIZE" status --json | jq -c '.rollback[] | [.set, .outcome, .tags, .proven, .reason, .next_ms - .oldest_ms]')" \
	'["standing","pass",2,2,null,604800000]'
git commit -q --allow-empty -m later && git tag -f w2 >/dev/null 2>&1
exits "status: a tag that was moved is not what was proven" 2 "$ASSIZE" status
like "and it says so" "$out" 'standing +undecided +1 of 2 .*w2 was proven as another commit, (just now|[0-9.]+ m?s ago)'
git tag | xargs git tag -d >/dev/null
exits "status: nothing to go back to" 2 "$ASSIZE" status
like "told" "$out" 'standing +undecided +0 of 0 +never +by hand +no tag matches'
mv .git gone
exits "status: no repository" 2 "$ASSIZE" status
like "why" "$out" 'standing +undecided +0 of 0 .*could not open git repository'
mv gone .git
printf 'assize: 1\n' >assize.yaml
exits "status: nothing is defined" 2 "$ASSIZE" status
is "why not" "$out" 'no audit and no rollback set is defined: nothing is known'
done_testing
