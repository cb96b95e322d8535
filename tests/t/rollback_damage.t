#!/bin/bash
# Damage that must be noticed, each built with git itself, and worlds that are whole, each of which must
# pass: what is verified, the outcome, the message and the remedy. `git fsck` and `git archive` say
# what git thinks of the same repository.
. "$(dirname "$0")/../lib/tap.sh"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"

. "$(dirname "$0")/../lib/rollback_world.sh"

# judged CLAIM OUTCOME STEP-AND-FINDING REMEDY TAG [OPTION VALUE]...: in the current directory.
judged()
{
	local claim=$1 outcome=$2 finding=$3 remedy=$4 tag=$5
	shift 5
	run "$RESTORE" --scratch "$SCRATCH" "$@" "$PWD" "$tag"
	local got=${out%%$'\n'*}
	all=$out$'\n'$err
	if [ "$got" = "$outcome" ] && [[ $all =~ $finding ]] && [[ $all =~ $remedy ]]; then
		tap_pass "$claim: $outcome"
	else
		tap_fail "$claim: $outcome"
		tap_shown expected "$outcome / $finding / $remedy"
		tap_shown got "$all"
	fi
	[ -z "$(ls -A "$SCRATCH")" ] || { tap_fail "$claim: scratch is left behind"; rm -rf "${SCRATCH:?}"/*; }
}

proven()
{
	local claim=$1 tag=$2
	shift 2
	judged "$claim" pass '' '' "$tag" "$@"
}

make_origin

# ---- worlds that are whole ------------------------------------------------------------------------
world
for tag in v1.0.0 v1.1.0 v2.0.0; do proven "loose objects, $tag" $tag; done
is "git fsck agrees" "$(git fsck --full --strict 2>&1)" ""
world packed
for tag in v1.0.0 v2.0.0; do proven "packed with deltas, $tag" $tag; done
git multi-pack-index write
proven "multi-pack index" v2.0.0
for at in 12 40 1100 1200 -30; do
	midx=.git/objects/pack/multi-pack-index
	[ $at -gt 0 ] || at=$(($(stat -c %s $midx) + at))
	flip $midx $at
	proven "a damaged multi-pack index is not believed ($at)" v2.0.0
done
git clone -q --bare "file://$TMP/origin" "$TMP/bare.git" && cd "$TMP/bare.git" || bail clone
proven "bare repository" v1.1.0
git clone -q --depth 1 -b v1.1.0 "file://$TMP/origin" "$TMP/depth1" 2>/dev/null && cd "$TMP/depth1" || bail clone
proven "clone of depth 1 that has the tag" v1.1.0
git clone -q -s "$TMP/origin" "$TMP/borrowing" && cd "$TMP/borrowing" || bail clone
proven "clone that borrows from an alternate" v2.0.0
world
git worktree add -q "$TMP/linked" v1.0.0 2>/dev/null && cd "$TMP/linked" || bail worktree
proven "linked work tree" v1.0.0
git -C "$TMP/w" worktree remove --force "$TMP/linked"
world
git commit -q --allow-empty -m empty
git tag nothing "$(git commit-tree -m x "$(git hash-object -t tree -w /dev/null)")"
proven "a tag of the empty tree" nothing
mkdir -p "a b" && printf 1 >$'new\nline' && printf 2 >'q"uo'\''te' && printf 3 >'umläut-ß' && printf 4 >'a b/c $d'
printf 5 >-dash && printf 6 >'*star' && ln -s nowhere dangling && ln -s . self && ln -s loop loop
printf '\xff\xfe' >$'raw\xff' && git add -A . && git commit -qm names && git tag names
proven "names with newline, quotes, UTF-8, spaces, bytes" names
umask 077
proven "under umask 077" names
umask 022
git config core.fileMode false && git config user.email x@example.com
proven "settings that change nothing" v1.0.0
git pack-refs --all
proven "packed refs" v2.0.0
git tag -f -a -m again v1.0.0 v1.0.0^{commit} >/dev/null
proven "a pin that is kept" v1.0.0 --pin-commit "$(git rev-parse v1.0.0^{commit})" \
	--pin-tree "$(git rev-parse v1.0.0^{tree})"
git archive v2.0.0 | tar -x -C "$(mkdir -p "$TMP/archived" && echo "$TMP/archived")"
is "git archive restores as many files" "$(find "$TMP/archived" -not -type d | wc -l)" \
	"$("$RESTORE" --scratch "$SCRATCH" "$PWD" v2.0.0 | sed -n 's/.* files \([0-9]*\) .*/\1/p')"

# Enough objects for several threads.
git init -q -b main "$TMP/many" && cd "$TMP/many" || bail many
perl -e 'print "commit refs/tags/v1\ncommitter a <a\@example.com> 1700000000 +0000\ndata 0\n";
	printf "M 100644 inline d%d/f%d\ndata %d\n%s\n", $_ % 30, $_, length("file $_"), "file $_" for 0 .. 1999;' |
	git fast-import --quiet
proven "2000 files" v1
judged "over budget, which no machine writes so many in" fail "budget fail.*time to restore is .*budget 1 ms" "faster disk" \
	v1 --budget-ms 1
pack=$(ls .git/objects/pack/*.pack)
flip "$pack" $(($(stat -c %s "$pack") / 2))
judged "one byte of 2000 packed files" fail "closure fail" "" v1
like "the same finding however threads run" "$(for i in 1 2 3 4 5; do
	"$RESTORE" --scratch "$SCRATCH" "$PWD" v1 | sed -n 's/^closure fail [0-9]* us: //p'
done | sort -u | wc -l)" '^ *1$'

# ---- objects --------------------------------------------------------------------------------------
refetch='remedy: git fetch --refetch origin tag v1.0.0'
remove='remedy: rm -f .* && git fetch --refetch origin tag v1.0.0'
reclone='remedy: git clone --mirror "\$\(git remote get-url origin\)" fresh.git'
world
blob=$(blob_of v1.0.0 src/deep/hello.txt)
flip "$(loose "$blob")" 10
judged "loose blob flipped" fail "closure fail.*$blob of \"src/deep/hello.txt\" is damaged" "$remove" v1.0.0
nok "git fsck agrees" git fsck --full
# Runs the remedy that was just printed and verifies again.
remedied()
{
	local remedy=${out##*remedy: }
	eval "${remedy%%$'\n'*}" >"$TMP/remedy.out" 2>&1 || tap_shown "remedy said" "$(cat "$TMP/remedy.out")"
	[ ! -d fresh.git ] || cd fresh.git
	proven "the remedy works" "$@"
}
remedied v1.0.0
world
blob=$(blob_of v1.0.0 src/deep/hello.txt) other=$(blob_of v1.0.0 bin/run)
cp -f "$(loose "$other")" "$(loose "$blob")"
judged "loose blob swapped for another valid object" fail \
	"closure fail.*$blob of \"src/deep/hello.txt\" holds other bytes" "$remove" v1.0.0
ok "git fsck --connectivity-only misses it" git fsck --connectivity-only
world
rm -f "$(loose "$blob")"
judged "loose blob missing" fail "closure fail.*$blob of \"src/deep/hello.txt\" is missing" "$refetch" v1.0.0
remedied v1.0.0
world
: >"$(loose "$blob")" 2>/dev/null || { rm -f "$(loose "$blob")"; : >"$(loose "$blob")"; }
judged "loose blob empty, as after a power cut" fail "closure fail.*$blob" "$remove" v1.0.0
for tag_path in v1.0.0:src/numbers.txt v1.0.0^{tree} v1.0.0^{commit} v1.1.0; do
	id=$(git -C "$TMP/origin" rev-parse $tag_path)
	size=$(stat -c %s "$TMP/origin/$(loose "$id")")
	for keep in 1 12 $((size / 2)) $((size - 1)); do
		world
		chmod u+w "$(loose "$id")" && truncate -s $keep "$(loose "$id")"
		run timeout 20 "$RESTORE" --scratch "$SCRATCH" "$PWD" ${tag_path%%[:^]*}
		like "$tag_path cut after $keep of $size bytes" "$status$out" "^1fail.*is damaged: .*(cut short|no header)"
	done
done
world
chmod u+w "$(loose "$blob")" && printf 'x' >>"$(loose "$blob")"
judged "bytes after the loose object" fail "closure fail.*something follows the loose object" "$remove" v1.0.0
world
tree=$(git rev-parse v1.0.0:src)
rm -f "$(loose "$tree")"
judged "tree missing" fail "closure fail.*tree $tree of \"src\" is missing" "$refetch" v1.0.0
world
tree=$(git rev-parse v1.0.0^{tree})
rm -f "$(loose "$tree")"
judged "root tree missing" fail "source fail.*root tree $tree is missing" "$refetch" v1.0.0
world
flip "$(loose "$(git rev-parse v1.0.0^{commit})")" 20
judged "commit flipped" fail "identity fail" "$remove" v1.0.0
world
rm -f "$(loose "$(git rev-parse v1.1.0)")"
judged "tag object missing" fail "identity fail.*is missing" 'git fetch --refetch origin tag v1.1.0' v1.1.0
world
cp -f "$(loose "$(git rev-parse v1.0.0:src)")" "$(loose "$(blob_of v1.0.0 empty)")" 2>/dev/null
judged "a tree where a blob should be" fail "empty\" holds other bytes" "$remove" v1.0.0

world packed
pack=$(ls .git/objects/pack/*.pack)
size=$(stat -c %s "$pack")
for at in $((size / 4)) $((size / 2)) $((size * 3 / 4)); do
	world packed
	pack=$(ls .git/objects/pack/*.pack)
	flip "$pack" "$at"
	n_failed=0
	for tag in v1.0.0 v1.1.0 v2.0.0; do
		"$RESTORE" --scratch "$SCRATCH" "$PWD" $tag >"$TMP/out" 2>&1 || n_failed=$((n_failed + 1))
	done
	isnt "pack flipped at $at of $size: a tag is not proven" $n_failed 0
done
world packed
blob=$(blob_of v1.0.0 src/deep/hello.txt)
pack=$(ls .git/objects/pack/*.pack)
at=$(git show-index <"${pack%.pack}.idx" | sed -n "s/^\([0-9]*\) $blob.*/\1/p")
flip "$pack" $((at + 4))
git remote remove origin
judged "and without an origin, from another clone: fetching would not store what the pack says it has" fail "is damaged|other bytes" \
	'remedy: git clone --mirror <a complete clone> fresh.git' v1.0.0
git remote add origin "$TMP/origin"
judged "pack flipped inside the blob" fail "closure fail.*$blob of \"src/deep/hello.txt\" (is damaged|holds other bytes)" \
	"$reclone" v1.0.0
remedied v1.0.0
world packed
pack=$(ls .git/objects/pack/*.pack)
chmod u+w "$pack" && truncate -s $((size / 2)) "$pack"
judged "pack truncated" fail "cannot be had: the pack is shorter than its index \".*\\.idx\" says" "$reclone" v1.0.0
remedied v1.0.0
world packed
rm -f .git/objects/pack/*.idx
judged "pack without its index" fail "is missing" "$refetch" v1.0.0

world packed
repoint .git/objects/pack/*.idx "$blob" "$(blob_of v1.0.0 bin/run)"
judged "index entry repointed, checksum redone" fail "closure fail.*$blob of \"src/deep/hello.txt\" holds other bytes" \
	"$reclone" v1.0.0
# libgit2 would read there: outside its memory. Of another object of the pack, too: which deltas need it is not known.
for place in "the trailer" "behind the end" "far away" "a table that is not there"; do
	world packed
	pack=$(ls .git/objects/pack/*.pack)
	case $place in
	"the trailer") at=$(($(stat -c %s "$pack") - 20)) ;;
	"behind the end") at=$(($(stat -c %s "$pack") + 8192)) ;;
	"far away") at=2147483647 ;;
	*) at=2147483653 ;;
	esac
	repoint "${pack%.pack}.idx" "$blob" @$at
	judged "index entry at $place" fail "cannot be had: the pack is shorter than its index" "$reclone" v1.0.0
done
remedied v1.0.0
world packed
# A disk that gives an error where an index is read, by whomever.
cat >"$TMP/eio.c" <<'C'
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
ssize_t pread(int fd, void *to, size_t n, off_t at)
{
	char link[32], name[4096];
	ssize_t length = readlink((snprintf(link, sizeof link, "/proc/self/fd/%d", fd), link), name, sizeof name);

	if (length > 4 && memcmp(name + length - 4, ".idx", 4) == 0) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, to, n, at);
}
C
gcc -D_GNU_SOURCE -shared -fPIC -o "$TMP/eio.so" "$TMP/eio.c" || bail "no compiler"
LD_PRELOAD=$TMP/eio.so ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
	judged "an index the disk gives an error for" undecided "cannot be had: the index \".*\\.idx\" could not be read" \
	"cat .*\\.idx >/dev/null" v1.0.0
proven "once it can be read" v1.0.0
pack=$(ls .git/objects/pack/*.pack)
rm -f "${pack%.pack}.idx" && git index-pack --index-version=1 "$pack" >/dev/null
proven "an index of version 1" v1.0.0
chmod u+w "$pack" && truncate -s $((size / 2)) "$pack"
judged "whose pack was cut" fail "cannot be had: the pack is shorter" "$reclone" v1.0.0
remedied v1.0.0
world packed
rm -f .git/objects/pack/*.idx && git index-pack --index-version=2,0x40 .git/objects/pack/*.pack >/dev/null
proven "an index with places of 64 bits" v1.0.0

# ---- identity -------------------------------------------------------------------------------------
world
one=$(git rev-parse v1.0.0) one_tree=$(git rev-parse v1.0.0^{tree}) two=$(git rev-parse v1.1.0^{commit})
two_tree=$(git rev-parse v1.1.0^{tree})
git tag -f v1.0.0 v1.1.0^{commit} >/dev/null
judged "lightweight tag moved" fail "identity fail.*moved: it is commit $two, recorded first as $one" \
	"remedy: git tag --force v1.0.0 $one" v1.0.0 --pin-commit "$one" --pin-tree "$one_tree"
is "git fsck sees nothing" "$(git fsck --full --strict 2>&1)" ""
git tag --force v1.0.0 "$one" >/dev/null
proven "the remedy works" v1.0.0 --pin-commit "$one" --pin-tree "$one_tree"
message=$(git cat-file -p v1.1.0)
git clone -q --bare . "$TMP/as-it-was.git"
git tag -f -a -m two v1.1.0 v2.0.0^{commit} >/dev/null
judged "annotated tag re-created elsewhere" fail "identity fail.*moved" \
	"remedy: git fetch --force CLONE refs/tags/v1.1.0:refs/tags/v1.1.0, from a clone that has it as it was; where there is none: git tag --force v1.1.0 $two, without" \
	v1.1.0 --pin-commit "$two" --pin-tree "$two_tree"
fetch=${all#*remedy: } fetch=${fetch%%,*}
eval "${fetch/CLONE/"$TMP/as-it-was.git"}" 2>/dev/null
proven "the remedy works" v1.1.0 --pin-commit "$two" --pin-tree "$two_tree"
is "its message is there again" "$(git cat-file -p v1.1.0)" "$message"
world
git tag -f -a -m again v1.1.0 v1.1.0^{commit} >/dev/null
proven "annotated tag re-created on its own commit keeps its pin" v1.1.0 --pin-commit "$two" --pin-tree "$two_tree"
git tag -f v1.1.0 "$(git commit-tree -m rewritten "v1.1.0^{tree}")" >/dev/null
judged "same tree, other commit" fail "identity fail.*moved: it is commit" "" v1.1.0 --pin-commit "$two" --pin-tree "$two_tree"
world
git update-ref refs/tags/v1.1.0 "$(git rev-parse v2.0.0)"
judged "ref to another tag's object" fail "identity fail.*\"refs/tags/v1.1.0\" holds the tag object of \"v2.0.0\"" \
	"remedy: git fetch --force origin tag v1.1.0" v1.1.0
git remote rename origin gone 2>/dev/null && git remote remove gone
judged "which no remote has as it was, but its commit is recorded" fail 'identity fail.*holds the tag object' \
	"remedy: git fetch --force CLONE refs/tags/v1.1.0:refs/tags/v1.1.0, from a clone that has it as it was; where there is none: git tag --force v1.1.0 $two, without tagger and message" \
	v1.1.0 --pin-commit "$two" --pin-tree "$two_tree"
judged "nor that" fail 'identity fail.*holds the tag object' \
	$'remedy: git fetch --force CLONE refs/tags/v1.1.0:refs/tags/v1.1.0, from a clone that has it as it was(\n|$)' v1.1.0
git tag --force v1.1.0 "$two" >/dev/null
proven "the remedy works" v1.1.0 --pin-commit "$two" --pin-tree "$two_tree"
git tag -f v1.0.0 "$(blob_of v1.0.0 bin/run)" >/dev/null
judged "tag that was one of a commit" fail 'identity fail.*leads to the blob .*not to a commit' \
	"remedy: git tag --force v1.0.0 $one" v1.0.0 --pin-commit "$one" --pin-tree "$one_tree"
git tag -d v1.0.0 >/dev/null
judged "and is no more" undecided 'identity undecided.*there is no tag "v1.0.0"' \
	"remedy: git tag --force v1.0.0 $one" v1.0.0 --pin-commit "$one" --pin-tree "$one_tree"
echo garbage >.git/refs/tags/v1.0.0
judged "file that is no ref" fail 'identity fail.*could not read "refs/tags/v1.0.0"' \
	"remedy: rm $PWD/.git/refs/tags/v1.0.0 && git tag --force v1.0.0 $one" v1.0.0 --pin-commit "$one" --pin-tree "$one_tree"
remedied v1.0.0 --pin-commit "$one" --pin-tree "$one_tree"
world
git tag blob "$(blob_of v1.0.0 bin/run)"
judged "tag of a blob" fail "identity fail.*leads to the blob .*not to a commit" "git cat-file -p refs/tags/blob" blob
git tag tree v1.0.0^{tree}
judged "tag of a tree" fail "identity fail.*leads to the tree" "" tree
git tag -a -m nested nested v2.0.0
judged "tag of a tag" pass "identity warn.*a tag of the tag \"v2.0.0\"" "" nested
git branch v1.0.0
judged "tag and branch of one name" fail "identity fail.*\"v1.0.0\" is ambiguous: there is a branch" \
	"remedy: git branch -m v1.0.0 v1.0.0-branch" v1.0.0
git branch -q -m v1.0.0 v1.0.0-branch
proven "the remedy works" v1.0.0
git rev-parse v2.0.0^{} >.git/v1.0.0
like "a file of git's own directory goes first" "$(git rev-parse v1.0.0 2>/dev/null)" "^$(git rev-parse v2.0.0^{})"
judged "tag and file of one name" fail "identity fail.*\"v1.0.0\" is ambiguous: there is a file of that name in git's" \
	"remedy: rm $PWD/.git/v1.0.0" v1.0.0
rm .git/v1.0.0
proven "the remedy works" v1.0.0
other=$(git rev-parse v2.0.0^{})
git tag "$other" v1.0.0^{}
is "a whole object id is that object's" "$(git rev-parse "$other" 2>/dev/null)" "$other"
judged "tag that is an object id" fail "identity fail.*\"$other\" is a whole object id, for which git takes it" \
	"remedy: git tag NEW-NAME 'refs/tags/$other" "$other"
git tag -d "$other" >/dev/null
git tag HEAD v1.0.0^{}
judged "tag HEAD" fail "identity fail.*\"HEAD\" is a" "remedy: git tag NEW-NAME 'refs/tags/HEAD" HEAD
git tag -d HEAD >/dev/null
git tag refs/heads/main v1.0.0^{}
judged "tag called like a whole ref" fail "identity fail.*\"refs/heads/main\" is a whole ref as well" "" refs/heads/main
git tag -d refs/heads/main >/dev/null
git symbolic-ref refs/tags/moving refs/heads/main
judged "tag that is a symbolic ref" fail "identity fail.*symbolic ref to \"refs/heads/main\" and moves" \
	"git update-ref --no-deref refs/tags/moving" moving
for target in ../heads/main refs/heads/main nowhere; do
	ln -sf $target .git/refs/tags/linked
	judged "tag whose file is a link to $target" fail "identity fail.*refs/tags/linked\", a symbolic link to \"$target\", and moves" \
		"rm .*refs/tags/linked && git update-ref" linked
done
rm .git/refs/tags/linked && git branch side && ln -s ../heads .git/refs/tags/all
judged "tag in a directory that is a link" fail "identity fail.*refs/tags/all\", a symbolic link to \"../heads\"" "" all/side
rm .git/refs/tags/all && mv .git/refs .git/elsewhere && ln -s elsewhere .git/refs
proven "all references elsewhere" v1.0.0
rm .git/refs && mv .git/elsewhere .git/refs
printf 'not an object name\n' >.git/refs/tags/broken
judged "ref that holds no object name" fail "identity fail.*could not read \"refs/tags/broken\"" "" broken
printf '%040d\n' 1 >.git/refs/tags/void
judged "ref to an object that is not here" fail "identity fail.*object 0*1 is missing" "" void
judged "no such tag" undecided "identity undecided.*there is no tag \"v9\"" "remedy: git fetch origin tag v9" v9
judged "tag name that a shell would run" undecided "no tag" "git fetch origin tag 'v1;reboot'" 'v1;reboot'
judged "tag name that git would take for an option" undecided "no tag" "remedy: git fetch origin refs/tags/-x:refs/tags/-x" -x

# ---- what this clone would do otherwise -----------------------------------------------------------
world
blob=$(blob_of v1.0.0 src/deep/hello.txt)
git replace "$blob" "$(blob_of v1.0.0 bin/run)"
judged "blob replaced" undecided "source undecided.*refs/replace swaps object $blob" "remedy: git replace -d $blob" v1.0.0
like "what is stored is still proven" "$out" "compare pass"
git replace -d "$blob" >/dev/null
proven "the remedy works" v1.0.0
git replace "$(git rev-parse v1.0.0)" "$(git rev-parse v2.0.0^{commit})"
judged "commit replaced" undecided "source undecided.*swaps commit" "git replace -d" v1.0.0
world
git replace "$(git rev-parse v1.1.0)" "$(git rev-parse v2.0.0)"
judged "tag object replaced" undecided "source undecided.*swaps tag object" "git replace -d" v1.1.0
git tag -a -m outer outer v1.1.0 2>/dev/null
judged "tag object behind a tag replaced" undecided "source undecided.*swaps tag object" "git replace -d" outer
world
git replace --graft v2.0.0^{commit}
judged "history joined by replacing a commit, same tree" pass "source warn.*same tree" "" v2.0.0
world
git rev-parse v2.0.0^{commit} >.git/info/grafts
judged "grafts" undecided "source undecided.*info/grafts" "git replace --convert-graft-file" v2.0.0
world
git config core.symlinks false
judged "core.symlinks=false" undecided "source undecided.*core.symlinks=false.*\"bin/link\"" \
	"git config --unset core.symlinks" v1.0.0
world
git config core.autocrlf true
judged "core.autocrlf=true" undecided "source undecided.*core.autocrlf" "git config --unset core.autocrlf" v1.0.0
world
git sparse-checkout set src 2>/dev/null
judged "sparse checkout" undecided "source undecided.*sparse" "git sparse-checkout disable" v1.0.0
git sparse-checkout disable
proven "the remedy works" v1.0.0
printf '* eol=crlf\n' >.git/info/attributes
judged "local attributes" undecided "source undecided.*info/attributes" "rm .*info/attributes" v1.0.0

# Settings of other files, whatever their condition, and as git spells them.
set_in()
{
	printf '[%s]\n\tpath = %s\n' "$1" "${2:-inc.cfg}" >>.git/config
}
for condition in "gitdir:$TMP/" gitdir/i:/NOWHERE/ onbranch:other 'hasconfig:remote.*.url:file://**' unheard:of; do
	world
	set_in "includeIf \"$condition\"" && printf '[core]\n\tsymlinks = false\n' >.git/inc.cfg
	judged "includeIf $condition" undecided "source undecided.*core.symlinks=false.*inc.cfg\", by includeIf \"${condition%%[:*]*}" \
		"git config --file .*inc.cfg --unset core.symlinks" v1.0.0
	printf '[core]\n\tsymlinks\n[http]\n\textraHeader = x\n' >.git/inc.cfg
	proven "includeIf $condition of what is harmless" v1.0.0
done
world
mkdir .git/d && set_in include d/a.cfg && printf '[includeIf "x"]\n\tpath = b.cfg\n' >.git/d/a.cfg
printf '[includeIf "y"]\n\tpath = ~/c.cfg\n' >.git/d/b.cfg && printf '[core]\n\teol = CRLF\n' >"$HOME/c.cfg"
judged "an includeIf in what is included" undecided "source undecided.*core.eol=CRLF.*home/c.cfg\", by includeIf \"y\"" "" v1.0.0
printf '[include]\n\tpath = d.cfg\n' >"$HOME/c.cfg" && printf '[core]\n\tautocrlf\n' >"$HOME/d.cfg"
judged "an include in that" undecided "source undecided.*core.autocrlf without a value" "" v1.0.0
rm "$HOME/d.cfg"
proven "what is included and not there" v1.0.0
printf '[core' >"$HOME/c.cfg"
judged "what is included and cannot be read" undecided "source undecided.*home/c.cfg\" cannot be told: .*parse" "show-origin" v1.0.0
printf '[includeIf "z"]\n\tpath = c.cfg\n' >"$HOME/c.cfg"
judged "a circle" undecided "source undecided.*too many files include others" "" v1.0.0
world
set_in include '~nobody/x'
judged "a file that git alone finds" undecided "source undecided.*only git finds the file \"~nobody/x\"" "" v1.0.0
world
set_in include && printf '[core]\n\tautocrlf = on\n' >.git/inc.cfg
judged "a setting that is included" undecided "source undecided.*core.autocrlf=on" "show-origin core.autocrlf, and there" v1.0.0
world
printf '[co' >.git/config.worktree
judged "settings of the work tree that cannot be read" undecided "source undecided.*config.worktree\" cannot be told" "" v1.0.0
world
git config core.eol CRLF
judged "core.eol=CRLF" undecided "source undecided.*core.eol=CRLF: .*line ends" "git config --unset core.eol" v1.0.0
git config core.eol lf && git config core.autocrlf INPUT
proven "core.eol=lf, core.autocrlf=INPUT" v1.0.0
for key in autocrlf sparseCheckout eol attributesFile; do
	world
	printf '[core]\n\t%s\n' $key >>.git/config
	judged "core.$key without a value" undecided "source undecided.*core.$key without a value" "" v1.0.0
done
world
printf '[core]\n\tsymlinks\n[remote "x"]\n\turl\n' >>.git/config
proven "core.symlinks without a value" v1.0.0
world
printf '[extensions]\n\tpartialClone\n' >>.git/config
judged "extensions.partialClone without a value" undecided "source undecided.*partialClone without a value.*refuses" "" v1.0.0
world
git config core.symlinks perhaps
judged "neither yes nor no" undecided "source undecided.*core.symlinks=perhaps.*neither yes nor no" "" v1.0.0
for file in attributes grafts; do
	world
	{ echo '* text eol=crlf'; yes '# padding' | head -c 1100000; } >.git/info/$file
	judged "a large file of $file" undecided "source undecided.*info/$file" "" v1.0.0
done

# ---- the tag's own attributes ---------------------------------------------------------------------
world
printf '*.bat eol=crlf\n*.id ident\n' >.gitattributes
printf 'one\ntwo\n' >run.bat && printf '$Id$\n' >x.id && printf 'bin\0ary\n' >nul.bat
git add . && git commit -qm attributes && git tag attr
judged "eol=crlf under content: raw" undecided "materialise undecided.*\"(run|nul).bat\" is stored with other bytes.*eol=crlf" \
	"set content: checkout" attr
proven "eol and ident under content: checkout" attr --content checkout
printf '*.bat text=auto eol=crlf\n' >.gitattributes && printf 'no line end' >run.bat && git rm -qf x.id
git add . && git commit -qm same && git tag same
proven "attributes that change no byte" same
printf '"run.bat" eol=crlf\n' >.gitattributes && git add . && git commit -qm quoted && git tag quoted
for content in raw checkout; do
	judged "a pattern in quotes under content: $content" undecided \
		"materialise undecided.*\".gitattributes\" line 1 has a pattern in quotes" "without quotes" quoted --content $content
done
printf '"run.bat" diff\n' >.gitattributes && git add . && git commit -qm harmless && git tag harmless
proven "a pattern in quotes that changes nothing" harmless --content checkout
printf '*.id ident\n' >.gitattributes && git add .
# stored as it is: git add would make $Id$ of all of them
identified()
{
	git update-index --add --cacheinfo "100644,$(printf '%s\n' "$1" | git hash-object -w --stdin),x.id"
	git commit -qm ident && git tag -f ident >/dev/null
}
for text in '$Id$ and $Id$' '$Id: by another program $' '$Id: begins
and ends $'; do
	identified "$text"
	judged "ident of ${text%%$'\n'*}" undecided "materialise undecided.*\"x.id\" has several" "a single .Id" ident --content checkout
done
for text in '$Id$' '$Id: 0123 $' '$Id without an end' 'none'; do
	identified "$text"
	proven "ident of $text" ident --content checkout
done
git rm -qf --cached x.id
printf '* filter=crypt\n' >.gitattributes && git add . && git commit -qm filter && git tag filter
for content in raw checkout; do
	judged "filter under content: $content" undecided "materialise undecided.*has a filter attribute" \
		"remove the filter attribute" filter --content $content
done
printf 'bin export-ignore\nsrc/* export-subst\n' >.gitattributes && git add . && git commit -qm e && git tag export
judged "export attributes under content: raw" undecided "materialise undecided.*export attribute" \
	"set content: checkout" export
proven "export attributes under content: checkout" export --content checkout
printf '*.txt working-tree-encoding=UTF-16\n' >.gitattributes && git add .gitattributes && git commit -qm u && git tag utf16
judged "working-tree-encoding" undecided "materialise undecided.*working-tree-encoding" "" utf16 --content checkout
printf '*.md whitespace=trailing-space\n*.c text eol=lf\n' >.gitattributes && git add . && git commit -qm w && git tag harmless
proven "attributes of no consequence" harmless

# ---- LFS ------------------------------------------------------------------------------------------
world
printf 'large content' >"$TMP/large"
sha=$(sha256sum <"$TMP/large" | cut -d' ' -f1)
store=.git/lfs/objects/${sha:0:2}/${sha:2:2}
mkdir -p $store && cp "$TMP/large" $store/"$sha"
printf '*.bin filter=lfs diff=lfs merge=lfs -text\n' >.gitattributes
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 13\n' "$sha" >big.bin
printf 'not a pointer' >small.bin
git add . && git commit -qm lfs && git tag lfs
proven "LFS object present" lfs --content checkout
git rm -q big.bin && git commit -qm 'no pointer' && git tag no-pointer && git reset -q --hard lfs
git config filter.lfs.smudge 'git-lfs smudge -- %f' && git config filter.lfs.process 'git-lfs filter-process'
proven "LFS by its own program" lfs --content checkout
for set in 'filter.lfs.smudge sh -c "echo evil"' 'filter.lfs.process git-lfs filter-process --skip' 'filter.lfs.smudge ' \
	'lfs.storage elsewhere'; do
	cp .git/config "$TMP/kept" && git config "${set%% *}" "${set#* }"
	judged "LFS by $set" undecided "source undecided.*${set%% *}=.*in place of an LFS pointer" "git config --unset ${set%% *}" \
		lfs --content checkout
	judged "a file like one, by $set" undecided "source undecided.*in place of an LFS pointer" "" no-pointer --content checkout
	proven "no LFS file, by $set" v1.0.0
	mv "$TMP/kept" .git/config
done
judged "LFS under content: raw" undecided "materialise undecided.*LFS file" "set content: checkout" lfs
printf 'LARGE content' >$store/"$sha"
judged "LFS object corrupt" fail "closure fail.*LFS object $sha of \"big.bin\" holds other bytes" \
	"rm -f .*$sha && git lfs fetch origin lfs" lfs --content checkout
judged "LFS object corrupt, content: raw" fail "closure fail.*holds other bytes" "git lfs fetch" lfs
printf 'short' >$store/"$sha"
judged "LFS object cut short" fail "has 5 bytes, its pointer says 13" "git lfs fetch origin lfs" lfs --content checkout
rm $store/"$sha"
judged "LFS object missing" undecided "closure undecided.*LFS object $sha of \"big.bin\" is not here" \
	"remedy: git lfs fetch origin lfs" lfs --content checkout

# ---- incomplete sources ---------------------------------------------------------------------------
git clone -q --depth 1 "file://$TMP/origin" "$TMP/shallow" 2>/dev/null && cd "$TMP/shallow" || bail clone
git tag -d v2.0.0 >/dev/null 2>&1
judged "shallow clone without the tag" undecided "no tag \"v1.0.0\".*shallow clone" \
	"remedy: git fetch --depth=1 origin tag v1.0.0" v1.0.0
git fetch -q --depth=1 origin tag v1.0.0 2>/dev/null
proven "the remedy works" v1.0.0
rm -rf "$TMP/borrowing" "$TMP/lender" && git clone -q --bare "$TMP/origin" "$TMP/lender" &&
	git clone -q -s "$TMP/lender" "$TMP/borrowing" && cd "$TMP/borrowing" || bail clone
mv "$TMP/lender" "$TMP/lent-out"
git remote set-url origin "file://$TMP/origin"
judged "alternate vanished" undecided "alternate \".*/lender/objects\" this clone borrows from is gone" \
	"git fetch --refetch origin tag v1.0.0" v1.0.0
mv "$TMP/lent-out" "$TMP/lender"
proven "alternate back" v1.0.0
git repack -q -a -d && rm -rf "$TMP/lender"
judged "alternate vanished, nothing missed" pass "source warn.*alternate .* is gone" "" v1.0.0
git clone -q --filter=blob:none --no-checkout "file://$TMP/origin" "$TMP/partial" && cd "$TMP/partial" || bail clone
judged "partial clone" undecided "closure undecided.*is not here: partial clone.*remote \"origin\"" \
	"git fetch --refetch --no-filter origin tag v1.0.0" v1.0.0
ok "git fsck sees nothing wrong" git fsck --full
git fetch -q --refetch --no-filter origin tag v1.0.0 2>/dev/null
proven "the remedy works" v1.0.0
cp -a "$TMP/partial" "$TMP/orphaned" && cd "$TMP/orphaned" && git config remote.origin.url "file://$TMP/gone"
proven "promisor gone, all objects here" v1.0.0
git clone -q --filter=tree:0 --no-checkout "file://$TMP/origin" "$TMP/treeless" && cd "$TMP/treeless" || bail clone
git config remote.origin.url "file://$TMP/gone"
judged "partial clone without trees, promisor gone" undecided "source undecided.*root tree .*partial clone" "" v1.0.0
git init -q --object-format=sha256 "$TMP/sha256" && cd "$TMP/sha256" && git commit -q --allow-empty -m x && git tag v1.0.0
judged "SHA-256 repository" error "could not open git repository" "SHA-1" v1.0.0
mkdir -p "$TMP/w/sub" && cd "$TMP/w/sub" || bail sub
judged "a directory inside a repository is not that repository" error "no repository there" "top of its work tree" v1.0.0
git -C "$TMP/origin" bundle create -q "$TMP/all.bundle" --all
cd "$TMP" || bail "no scratch"
run "$RESTORE" --scratch "$SCRATCH" "$TMP/all.bundle" v1.0.0
like "a bundle is no repository" "$out$err" 'it is a bundle.*git clone --mirror .*all.bundle DIRECTORY'
git clone -q --mirror "$TMP/all.bundle" "$TMP/unpacked.git" && cd "$TMP/unpacked.git" || bail "no clone"
proven "a bundle, unpacked" v1.0.0
# git bundle verify and git clone look at what a bundle claims to hold, not at all of it.
flip "$TMP/all.bundle" $(($(stat -c %s "$TMP/all.bundle") - 200))
ok "git bundle verify passes a corrupt one" git bundle verify -q "$TMP/all.bundle"
nok "its clone does not come to be" git clone -q --mirror "$TMP/all.bundle" "$TMP/corrupt.git"

# ---- trees that git would not make ----------------------------------------------------------------
world
blob=$(blob_of v1.0.0 bin/run) tree=$(git rev-parse v1.0.0:src) file="100644	$blob"
n=0
while IFS='|' read -r claim outcome finding lines; do
	n=$((n + 1))
	mapfile -t entries < <(printf "${lines//;/\\n}" | sed "s/FILE/100644	$blob/; s/DIR/40000	$tree/; s/LINK/120000	$blob/")
	tag_tree odd$n "$(tree_of "${entries[@]}")"
	judged "$claim" "$outcome" "$finding" "" odd$n
done <<-'END'
	entry ..|fail|the name "..".* leads out|FILE	..
	entry .|fail|the name ".".* leads out|FILE	.
	entry .git|fail|would become repository metadata|DIR	.git
	entry .GIT|fail|would become repository metadata|DIR	.GIT
	entry git~1|fail|would become repository metadata|DIR	git~1
	entry ".git " (NTFS)|fail|would become repository metadata|FILE	.git 
	entry .g<zwnj>it (HFS+)|fail|would become repository metadata|DIR	.g\xe2\x80\x8cit
	traversal by slash|fail|contains a slash|FILE	../../evil
	absolute|fail|contains a slash|FILE	/etc/evil
	traversal by backslash|fail|leads out|FILE	a\\\\\\..\\\\\\evil
	drive|fail|absolute path on Windows|FILE	C:\\\\\\evil
	backslash|pass|closure warn.*backslash|FILE	a\\\\\\b
	case collision|pass|closure warn.*differ only in case|FILE	A;FILE	a
	duplicate entries|fail|two entries "a"|FILE	a;FILE	a
	duplicate file and directory|fail|two entries "a"|FILE	a;FILE	a.b;DIR	a
	out of order|fail|out of order|FILE	b;FILE	a
	mode that means nothing|fail|has mode 100600|100600	0000000000000000000000000000000000000001	a
	null object|fail|null object|100644	0000000000000000000000000000000000000000	a
	.gitmodules as a link|fail|".gitmodules" is a symbolic link|LINK	.gitmodules
END
tag_tree notdir "$(tree_of "40000	$blob	d")"
judged "directory that is a blob" fail "of \"d\" is a blob" "" notdir
tag_tree notfile "$(tree_of "100644	$tree	f")"
judged "file that is a tree" fail "of \"f\" is a tree" "" notfile
tag_tree longname "$(tree_of "100644	$blob	$(printf 'x%.0s' {1..300})")"
judged "name too long" fail "longer than 255" "" longname
printf 'garbage' | git hash-object -t tree -w --stdin --literally >"$TMP/id"
tag_tree garbage "$(cat "$TMP/id")"
judged "tree that cannot be parsed" fail "(cannot be parsed|cut short)" "" garbage

link()
{
	mkdir -p "$(dirname "$1")" && ln -sfn "$2" "$1"
}
while IFS='|' read -r claim outcome path target also also_target; do
	n=$((n + 1))
	git rm -rqf . && link "$path" "$target"
	[ -z "$also" ] || link "$also" "$also_target"
	git add -A . && git commit -qm link && git tag link$n
	judged "$claim" "$outcome" "" "" link$n
	[ "$outcome" = pass ] || like "$claim is named" "$out" "closure fail.*leads out of the tree"
done <<-'END'
	link to an absolute path|fail|l|/etc/passwd
	link above the root|fail|l|../x
	link above the root from below|fail|a/b/l|../../../x
	link to the root from below|pass|a/b/l|../..
	link that leads out through another|fail|l|sub/up/../x|sub/up|..
	link to nothing inside|pass|l|no/such/../file
END

world
tree=$(tree_of "100644	$(blob_of v1.0.0 bin/run)	f")
for level in 1 2 3 4 5 6; do
	tree=$(tree_of "40000	$tree	0" "40000	$tree	1" "40000	$tree	2" "40000	$tree	3" "40000	$tree	4" \
		"40000	$tree	5" "40000	$tree	6" "40000	$tree	7" "40000	$tree	8" "40000	$tree	9")
done
tag_tree bomb "$tree"
judged "tree bomb: 10^6 files from eight objects" undecided "closure undecided.*more than 50000 entries" \
	"raise limits: . entries" bomb --max-entries 50000
git fast-import --quiet <<-END
	commit refs/tags/deep
	committer a <a@example.com> 1700000000 +0000
	data 0
	M 100644 inline $(printf 'd/%.0s' {1..150})f
	data 0
END
judged "tree deeper than any" undecided "more than 128 directories deep" "" deep
judged "more bytes than allowed" undecided "come to more than 100 bytes" "raise limits: . bytes" v1.0.0 --max-bytes 100
judged "out of time" undecided "ran out of time during" "raise the timeout" v1.0.0 --deadline-ms 0

# ---- submodules -----------------------------------------------------------------------------------
git init -q -b main "$TMP/inner" && git -C "$TMP/inner" commit -q --allow-empty -m x
git init -q -b main "$TMP/module" && (cd "$TMP/module" && echo lib >lib.c && ln -s lib.c link &&
	git submodule -q add "file://$TMP/inner" inner && git add . && git commit -qm module) || bail module
world
git submodule -q add "file://$TMP/module" libs/lib 2>/dev/null && git commit -qm module && git tag module
judged "submodule in a submodule not cloned" undecided "closure undecided.*submodule \"libs/lib/inner\" at commit .* is not cloned" \
	"git submodule update --init --recursive libs/lib/inner" module
git submodule -q update --init --recursive
proven "submodules cloned" module
like "their files are restored, too" "$out" " files $(($(git ls-files --recurse-submodules | wc -l))) "
lib=.git/modules/libs/lib
for set in core.symlinks=false core.autocrlf=true; do
	git config -f $lib/config "${set%=*}" "${set#*=}"
	judged "submodule with $set" undecided "source undecided.*$set.*submodule \"libs/lib\"" "git -C .*libs/lib/? config --unset ${set%=*}" module
	git config -f $lib/config --unset "${set%=*}"
done
printf '* eol=crlf\n' >$lib/info/attributes
judged "local attributes of a submodule" undecided "source undecided.*info/attributes.*submodule \"libs/lib\"" "rm .*info/attributes" module
rm $lib/info/attributes
blob=$(git -C libs/lib rev-parse HEAD:lib.c)
git -C libs/lib replace "$blob" "$(git -C libs/lib rev-parse HEAD:link)"
judged "submodule's blob replaced" undecided "source undecided.*swaps object $blob.*submodule \"libs/lib\"" "git -C .*libs/lib/? replace -d" module
git -C libs/lib replace -d "$blob" >/dev/null
proven "submodules as they were" module
rm -rf libs && git checkout -q . && proven "submodule directory gone, its clone kept" module
sub=$(git rev-parse module:libs/lib)
mv .git/modules/libs .git/modules/gone
judged "submodule gone" undecided "submodule \"libs/lib\" at commit $sub is not cloned here" \
	"git submodule update --init --recursive libs/lib" module
mv .git/modules/gone .git/modules/libs
sub_blob=$(git -C "$TMP/module" rev-parse HEAD:lib.c)
pack=$(ls .git/modules/libs/lib/objects/pack/*.pack)
flip "$pack" $(($(git show-index <"${pack%.pack}.idx" | sed -n "s/^\([0-9]*\) $sub_blob.*/\1/p") + 4))
judged "submodule's blob flipped" fail "blob $sub_blob of \"libs/lib/lib.c\" is damaged" "git -C .* fetch" module
git update-index --cacheinfo 160000,"$(git -C "$TMP/module" commit-tree -m lost HEAD^{tree})",libs/lib
git commit -qm unreachable && git tag unreachable
judged "submodule commit unreachable" undecided "commit .* of \"libs/lib\" is not in the clone of its submodule" \
	"git -C .*modules/libs/lib fetch --refetch origin" unreachable
for url in '-u./evil' '--upload-pack=evil'; do
	git config -f .gitmodules submodule.libs/lib.url "$url" && git add .gitmodules && git commit -qm evil && git tag -f evil >/dev/null
	judged "submodule url $url" fail ".gitmodules of the tag would have git run an option.*$url" "" evil
done
sed -i 's,"libs/lib","../../evil",' .gitmodules && git add .gitmodules && git commit -qm evil && git tag -f evil >/dev/null
judged "submodule name that leaves" fail "leave its directory.*../../evil" "" evil
git rm -q --cached .gitmodules && git commit -qm none && git tag none
judged "submodule without .gitmodules" undecided "\"libs/lib\" is not in .gitmodules" "" none

# ---- scratch --------------------------------------------------------------------------------------
: >"$TMP/file"
judged "scratch that cannot be made" undecided "materialise undecided.*could not create a scratch directory" "scratch" \
	v1.0.0 --scratch "$TMP/file/below"
if mkdir "$TMP/small" && mount -t tmpfs -o size=16k,nr_inodes=64 tmpfs "$TMP/small" 2>/dev/null; then
	judged "disk too small" undecided "materialise undecided.*no room to restore in .*free, .* needed" "df -h" v1.0.0 \
		--scratch "$TMP/small"
	umount "$TMP/small"
	mount -t tmpfs -o size=64m,nr_inodes=6 tmpfs "$TMP/small"
	judged "too few inodes" undecided "no room to restore in .*inodes free" "df -i" v1.0.0 --scratch "$TMP/small"
	umount "$TMP/small"
fi
done_testing
