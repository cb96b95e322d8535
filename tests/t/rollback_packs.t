#!/bin/bash
# Packs of every make, read by the reader of packs and by libgit2: each blob has the same type and bytes, and
# whatever the reader of packs leaves is proven all the same.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"

# 120 versions of a file that grows and changes, so that packs have chains to build.
git init -q -b main origin
perl -e 'for my $c (1 .. 120) {
		my $d = join "", map { "line $_ of " . ($_ % 40 == $c % 40 ? "version $c" : "all") . "\n" } 1 .. 200 + $c;
		print "commit refs/heads/main\ncommitter a <a\@example.com> ", 1700000000 + $c, " +0000\ndata 0\n";
		printf "M 100644 inline file\ndata %d\n%s\n", length $d, $d;
		print "M 100644 inline empty\ndata 0\n\n" if $c == 1;
	}' | git -C origin fast-import --quiet || bail "no repository"

# blobs REPOSITORY: a tree of all its blobs, each under its own name
blobs()
{
	git -C "$1" cat-file --batch-all-objects --batch-check='%(objecttype) %(objectname)' |
		sed -n 's/^blob \(.*\)/100644 blob \1\t\1/p' | git -C "$1" mktree
}

# reads CLAIM REPOSITORY WANTED: what the oracle says of all blobs, and the tree is proven
reads()
{
	local tree commit
	tree=$(blobs "$2")
	exits "$1: libgit2 agrees" 0 "$BUILD/tests/tools/pack_oracle" "$2" "$tree"
	like "$1: $3" "$out" "^$3, 0 different\$"
	commit=$(git -C "$2" commit-tree -m all "$tree")
	git -C "$2" tag -f all "$commit" >/dev/null
	exits "$1: proven" 0 "$BUILD/tests/tools/restore" --scratch "$TMP" "$2" all
}

pack()
{
	git -C "$1" -c pack.threads=1 "${@:3}" repack -a -d -f -q --depth="$2" --window=10
}

reads "as it was imported" origin '121 blobs, 121 from packs'
cp -a origin chains && pack chains 50
reads "chains of deltas" chains '121 blobs, 121 from packs'
cp -a origin deep && pack deep 400
reads "deep chains" deep '121 blobs, 121 from packs'
cp -a origin names && pack names 50 -c repack.useDeltaBaseOffset=false
reads "bases by name" names '121 blobs, 121 from packs'
cp -a chains twice && cp names/.git/objects/pack/* twice/.git/objects/pack
is "two packs of the same" "$(find twice -name '*.pack' | wc -l)" 2
reads "the same object in two packs" twice '121 blobs, 121 from packs'

git clone -q --shared chains borrows 2>/dev/null
git -C borrows fast-import --quiet <<'IMPORT'
commit refs/heads/more
committer a <a@example.com> 1700001000 +0000
data 0
M 100644 inline new
data 4
new

IMPORT
git -C borrows repack -q -a -d -l
reads "a pack of its own and borrowed ones" borrows '122 blobs, 122 from packs'
git init -q loose && echo one >loose/one && git -C loose add one
reads "no pack at all" loose '1 blobs, 0 from packs'

# More than may be held: 70 MiB that pack to nothing.
git init -q large
perl -e 'print "blob\ndata 73400320\n", "\0" x 73400320, "\n"' | git -C large fast-import --quiet
echo two >large/two && git -C large add two && git -C large repack -q -a -d
tree=$(blobs large)
git -C large tag all "$(git -C large commit-tree -m all "$tree")"
exits "a large blob: libgit2 agrees on the rest" 0 "$BUILD/tests/tools/pack_oracle" large "$tree"
is "a large blob is left to libgit2" "$out" '2 blobs, 1 from packs, 0 different'
exits "a large blob: proven" 0 "$BUILD/tests/tools/restore" --scratch "$TMP" large all
done_testing
