#!/bin/bash
# The table of assize-rollback(7): what git fsck and git worktree add say of each damage, and what we say.
# Every row is made and measured here; the page has to be what was measured.
. "$(dirname "$0")/../lib/tap.sh"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"
. "$(dirname "$0")/../lib/rollback_world.sh"
page=$ROOT/runner/man/assize-rollback.7
make_origin

# What is in a folder, apart from what a work tree adds.
listing()
{
	(cd "$1" && find . -name .git -prune -o -printf '%y %m %p %l\n' | sort &&
		find . -name .git -prune -o -type f -print0 | sort -z | xargs -0r sha1sum)
}

git -C "$TMP/origin" worktree add -q --detach "$TMP/right" v1.0.0 2>/dev/null && git -C "$TMP/origin" worktree prune
listing "$TMP/right" >"$TMP/right.list"

# What git makes of a tag: its files, others with status 0, or an error.
worktree()
{
	rm -rf "$TMP/tree"
	if ! timeout 20 git worktree add -q -f --detach "$TMP/tree" "$1" >/dev/null 2>&1; then
		echo refuses
	elif [ "${2:-}" = any ] || listing "$TMP/tree" | cmp -s - "$TMP/right.list"; then
		echo restores
	else
		echo 'wrong, status 0'
	fi
}

fsck()
{
	if timeout 20 git fsck --full --strict --no-dangling >/dev/null 2>&1; then echo nothing; else echo error; fi
}

# The outcome and the first step that is not passing.
ours()
{
	"$RESTORE" --scratch "$SCRATCH" "$@" "$PWD" v1.0.0 2>/dev/null | awk '
		NR == 1 { word = $1 == "fail" ? "disproved" : $1 == "undecided" ? "unproven" : "proven"; next }
		!step && ($2 == "fail" || $2 == "undecided") { step = $1 }
		END { print word (step ? ", " step : "") }'
}

# row DAMAGE [ARGUMENTS OF OURS]...: v1.0.0 of the world one is in.
row()
{
	printf '.It %s\nfsck: %s; worktree add: %s; assize: %s\n' "$1" "$(fsck)" "$(worktree v1.0.0)" "$(ours "${@:2}")" >>"$TMP/rows"
}

pins=(--pin-commit "$(git -C "$TMP/origin" rev-parse v1.0.0)" --pin-tree "$(git -C "$TMP/origin" rev-parse v1.0.0^{tree})")
world
blob=$(blob_of v1.0.0 src/deep/hello.txt) other=$(blob_of v1.0.0 bin/run)
row 'no damage' "${pins[@]}"
flip "$(loose "$blob")" 10
row 'a loose blob flipped'
world
cp -f "$(loose "$other")" "$(loose "$blob")"
row 'a loose blob is another valid one'
world
rm -f "$(loose "$blob")"
row 'a blob missing'
world
rm -f "$(loose "$(git rev-parse v1.0.0:src)")"
row 'a tree missing'
world packed
pack=$(ls .git/objects/pack/*.pack)
flip "$pack" $(($(git show-index <"${pack%.pack}.idx" | sed -n "s/^\([0-9]*\) $blob.*/\1/p") + 4))
row 'a pack flipped'
world packed
repoint .git/objects/pack/*.idx "$blob" "$other"
row 'an index entry repointed'
world
git tag -f v1.0.0 v2.0.0^{commit} >/dev/null
row 'the tag moved' "${pins[@]}"
world
git update-ref refs/tags/v1.0.0 "$(git rev-parse v1.1.0)"
row "the ref holds another tag's object"
world
git branch v1.0.0 v2.0.0^{commit}
row 'a branch of the same name'
world
git replace "$blob" "$other"
row 'a replaced blob'
world
git config core.symlinks false
row 'core.symlinks=false'
world
git sparse-checkout set src 2>/dev/null
row 'a sparse checkout'
world
printf '* eol=crlf\n' >.git/info/attributes
row 'eol in info/attributes'
world
git rev-parse v1.0.0^{commit} >.git/info/grafts
row 'info/grafts'
git clone -q --bare "$TMP/origin" "$TMP/lender" && git clone -q -s "$TMP/lender" "$TMP/borrowing" 2>/dev/null
rm -rf "$TMP/lender" && cd "$TMP/borrowing" || bail clone
row 'the alternate is gone'
git clone -q --filter=blob:none --no-checkout "file://$TMP/origin" "$TMP/partial" && cd "$TMP/partial" || bail clone
git config remote.origin.url "file://$TMP/gone"
row 'a partial clone, its promisor gone'
git clone -q --depth 1 "file://$TMP/origin" "$TMP/shallow" 2>/dev/null && cd "$TMP/shallow" || bail clone
row 'a shallow clone without the tag'
git fetch -q --depth=1 origin tag v1.0.0 2>/dev/null
row 'the same with git fetch --depth=1'

# What the tag itself holds: v1.0.0 is made anew, and what git makes of it cannot be right or wrong.
made()
{
	printf '.It %s\nfsck: %s; worktree add: %s; assize: %s\n' "$1" "$(fsck)" "$(worktree v1.0.0 any)" "$(ours "${@:2}")" >>"$TMP/rows"
}
world
printf '* filter=crypt\n' >.gitattributes
git add . && git commit -qm x && git tag -f v1.0.0 >/dev/null
made 'a filter that a machine configures'
world
mkdir -p .git/lfs/objects && printf '*.bin filter=lfs -text\n' >.gitattributes
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 13\n' 1 >big.bin
git add . && git commit -qm x && git tag -f v1.0.0 >/dev/null
made 'an LFS object missing' --content checkout
world
ln -s /etc/passwd leads-out && git add . && git commit -qm x && git tag -f v1.0.0 >/dev/null
made 'a link that leads out'
world
git tag -f v1.0.0 "$(git commit-tree -m x "$(tree_of "100644	$other	A" "100644	$other	A")")" >/dev/null
made 'duplicate entries'
world
git tag -f v1.0.0 "$(git commit-tree -m x "$(tree_of "40000	$(git rev-parse v1.0.0:src)	.git")")" >/dev/null
made 'an entry .git'
git init -q -b main "$TMP/module" && git -C "$TMP/module" commit -q --allow-empty -m x
world
git submodule -q add "file://$TMP/module" lib 2>/dev/null && git commit -qm x && git tag -f v1.0.0 >/dev/null
rm -rf .git/modules
made 'a submodule not cloned'

sed -n '/^\.\\" measured: begin/,/^\.\\" measured: end/p' "$page" | grep -v '^\.\\"' >"$TMP/page"
is "the table is what was measured" "$(cat "$TMP/page")" "$(cat "$TMP/rows")"
is "no damage is proven" "$(grep -c 'assize: proven$' "$TMP/rows")" 2
done_testing
