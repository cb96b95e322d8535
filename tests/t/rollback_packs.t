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

# What was proven once is compared by SHA-256 afterwards; what differs is proven by name after all.
# content REPOSITORY TAG [DIGEST]: verifies it, $content is the digest of its objects, or "-"
content()
{
	run "$BUILD/tests/tools/restore" --scratch "$TMP" --pin-tree "$(git -C chains rev-parse "$2^{tree}")" \
		${3:+--pin-content "$3"} "$1" "$2"
	content=$(sed -n 's/^commit .* content //p' <<<"$out")
}
content chains all
proven=$content
like "a proof gives the digest of all objects" "$status $proven" '^0 [0-9a-f]{64}$'
content names all "$proven"
is "an equal digest is a proof" "$status $content" "0 $proven"
content chains all "${proven//[0-9]/0}"
like "another one is not" "$status $content" '^1 -$'
like "which is said" "$out" 'closure fail .*has its name, but not the content that was recorded'
content origin main "$proven"
like "the digest of another tree is none" "$status $content" '^[0-2] '
# One bit of a blob, every checksum of the pack redone: only a hash can tell.
cp -a chains flipped
perl -MDigest::SHA=sha1 -e '
	my ($pack) = glob "flipped/.git/objects/pack/*.pack";
	(my $index = $pack) =~ s/pack$/idx/;
	chmod 0644, $pack, $index;
	sub slurp { local (@ARGV, $/) = $_[0]; binmode ARGV; my $s = <>; $s }
	my ($bytes, $table) = (slurp($pack), slurp($index));
	open my $list, "-|", "git", "verify-pack", "-v", $index or die;
	my ($at) = map { /^\w+ blob +\d+ (\d+) (\d+)$/ && $1 > 200 ? $2 + $1 - 12 : () } <$list>;
	substr $bytes, $at, 1, chr(ord(substr $bytes, $at, 1) ^ 1);
	substr $bytes, -20, 20, sha1(substr $bytes, 0, -20);
	substr $table, -40, 20, substr $bytes, -20;
	substr $table, -20, 20, sha1(substr $table, 0, -20);
	for ([$pack, $bytes], [$index, $table]) { open my $f, ">:raw", $_->[0] or die; print $f $_->[1] }' ||
	bail "no bit flipped"
content flipped all "$proven"
like "a flipped bit is found all the same" "$status $out" '^1 .*closure fail .*blob [0-9a-f]{40} of .* (is damaged|holds other bytes)'

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
