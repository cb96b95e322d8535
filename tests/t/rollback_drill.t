#!/bin/bash
# A drill does all of a verification, swaps the restored tag in and out, tells the time of each step, and
# says what it did not do.
. "$(dirname "$0")/../lib/tap.sh"

export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

git init -q -b main "$TMP/w/repo" && cd "$TMP/w/repo" || bail "no repository"
for version in 1 2 3; do
	echo $version >version
	git add . && git commit -qm $version && git tag v$version
done
echo head >version && git commit -qam head
cd ..
cat >assize.yaml <<'E2'
assize: 1
targets:
  repo: { git: repo }
rollback:
  releases: { repo: repo, tags: "v*", restore: { scratch: scratch } }
E2

# lose TAG: its version is no longer in the repository; found again by find_again.
lose()
{
	local id
	id=$(git -C repo rev-parse "$1:version")
	lost="repo/.git/objects/${id:0:2}/${id:2}"
	mv "$lost" "$TMP/${id}"
	losses+=("$TMP/$id" "$lost")
}
find_again()
{
	local i
	for ((i = 0; i < ${#losses[@]}; i += 2)); do mv "${losses[i]}" "${losses[i + 1]}"; done
	losses=()
}
losses=()

exits "drill" 0 "$ASSIZE" rollback drill v3
like "the timetable has every step" "$out" \
	'drill of v3, commit [0-9a-f]{12}.*identity +pass +[0-9.]+ .?s .*source.*closure.*materialise.*compare.*swap +pass'
like "the swap is from the next older tag, and back" "$out" '`current` led to v2, to v3 after [0-9.]+ [um]?s, and back after'
like "the times that count" "$out" 'time to restore [0-9.]+ .?s, to swap [0-9.]+ .s'
like "what remains by hand" "$out" 'by hand remains.*the set has no `smoke`.*no `compatible`.*no `warm` copies'
is "nothing is left in scratch" "$(ls -A scratch)" ""
like "both times are recorded" "$("$ASSIZE" history rollback/releases)" \
	'restore\{tag="v3"\}.*swap\{tag="v3"\}.*noted +[0-9.]+ .s'
lose v2
run "$ASSIZE" rollback drill v2
isnt "a drill that fails" "$status" 0
like "says not to go back" "$out" 'do not go back to v2: it is (disproved|unproven).*closure: .*fix: git -C '
unlike "and nothing of what would remain then" "$out" 'by hand remains'
find_again
exits "the oldest tag" 0 "$ASSIZE" rollback drill v1 --cold
like "is swapped in from HEAD" "$out" '`current` led to HEAD, to v1 '
like "--cold tells what was dropped" "$out" 'cold +(pass|warn) .*KiB'
git clone -q -s "$PWD/repo" borrowing 2>/dev/null
own=$(find borrowing/.git -type f -size +0 | wc -l)
sed 's/git: repo/git: borrowing/' assize.yaml >borrowing.yaml
exits "a clone that borrows" 0 "$ASSIZE" rollback drill v1 --cold -f borrowing.yaml --record borrowing.db
dropped=$("$ASSIZE" explain latest rollback/releases --record borrowing.db |
	sed -n 's/.* of \([0-9]*\) files dropped from.*/\1/p' | head -n 1)
ok "--cold drops what it borrows, too: $dropped files, $own of its own" test "${dropped:-0}" -gt "$own"
rm -rf borrowing*
lose v2
exits "an older tag that cannot be restored" 0 "$ASSIZE" rollback drill v3 --json
like "is no fault of this one" "$out" 'v2 could not be restored to swap from it: blob [0-9a-f]+ of .*is missing.*led to HEAD'
lose main
exits "nothing to swap from" 2 "$ASSIZE" rollback drill v3
like "nothing to swap from: message" "$out" 'swap undecided: no other release can be restored'
find_again
lose v3
exits "a tag that cannot be restored" 1 "$ASSIZE" rollback drill v3
like "its drill ends where the verification does" "$out" 'closure +fail.*do not go back to v3: it is disproved'
unlike "without a swap" "$out" 'to swap'
find_again
is "nothing is left in scratch" "$(ls -A scratch)" ""
if [ -w /dev/shm ]; then
	fast=$(mktemp -d /dev/shm/assize-drill.XXXXXX)
	cp -a repo assize.yaml "$fast" && (cd "$fast" && "$ASSIZE" rollback drill v3 --cold) >"$TMP/out"
	rm -rf "$fast"
	like "what is in memory cannot be dropped" "$(cat "$TMP/out")" \
		'cold +warn.*could not be dropped from the page cache: the time to restore is not that of a cold'
fi
exits "drill without a tag" 3 "$ASSIZE" rollback drill
exits "--cold elsewhere" 3 "$ASSIZE" rollback verify --cold
exits "a verb that does not exist" 3 "$ASSIZE" rollback dril v3
like "a verb that does not exist: help" "$err" 'did you mean drill'
exits "a tag that does not exist" 3 "$ASSIZE" rollback drill v9
done_testing
