# rollback_world.sh: a small repository with releases, copies of it to damage, and ways to. Source it
# after tap.sh. Everything is below $TMP; a `world` is the current directory from then on.
#
#	make_origin             the clean repository: tags v1.0.0, v1.1.0, v2.0.0
#	world [packed]          a copy of it, with the clean one as remote "origin"
#	loose ID                path of a loose object
#	flip FILE OFFSET        inverts one byte in place
#	blob_of TAG PATH        the blob there
#	repoint INDEX ID OTHER  points an object of a pack's index at another's place, checksums redone;
#	                        OTHER may be a place: @123
#	tree_of LINE...         writes a tree git would refuse; "mode<TAB>hex<TAB>name" each
#	tag_tree NAME TREE
#
# $RESTORE verifies one tag with $SCRATCH to restore into.
# shellcheck shell=bash

RESTORE=$BUILD/tests/tools/restore
export TMP GIT_CONFIG_NOSYSTEM=1 HOME=$TMP/home GIT_CONFIG_COUNT=2 \
	GIT_CONFIG_KEY_0=protocol.file.allow GIT_CONFIG_VALUE_0=always \
	GIT_CONFIG_KEY_1=advice.nestedTag GIT_CONFIG_VALUE_1=false \
	GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.com GIT_AUTHOR_DATE='1700000000 +0000' \
	GIT_COMMITTER_DATE='1700000000 +0000'
mkdir -p "$HOME" "$TMP/scratch"
export SCRATCH=$TMP/scratch

# The clean world every damage begins from: three tags, deltas worth packing, a link, an executable.
make_origin()
{
	git init -q --template= -b main "$TMP/origin" # no hooks to copy each time
	(
		cd "$TMP/origin" || exit 1
		mkdir -p src/deep bin .git/info
		seq 1 2000 >src/numbers.txt
		printf 'hello\n' >src/deep/hello.txt
		printf '#!/bin/sh\necho run\n' >bin/run
		chmod +x bin/run
		ln -s ../src/deep/hello.txt bin/link
		: >empty
		git add . && git commit -qm one && git tag v1.0.0
		seq 1 2001 >src/numbers.txt
		git commit -qam two && git tag -a -m two v1.1.0
		seq 1 2002 >src/numbers.txt
		git commit -qam three && git tag -a -m three v2.0.0
		git config uploadpack.allowFilter true
		git config uploadpack.allowAnySHA1InWant true
	) || bail "could not make the clean repository"
}

# world [packed]: a copy of the clean world to damage, current directory from then on.
world()
{
	rm -rf "${TMP:?}/w"
	cp -a "$TMP/origin" "$TMP/w"
	cd "$TMP/w" || bail "no world"
	git remote add origin "file://$TMP/origin"
	[ "${1:-}" != packed ] || git gc -q --prune=now
}

loose()
{
	printf '.git/objects/%s/%s' "${1:0:2}" "${1:2}"
}

# flip FILE OFFSET: inverts one byte in place.
flip()
{
	chmod u+w "$1"
	perl -e 'open(my $f, "+<", $ARGV[0]) or die; binmode $f; seek($f, $ARGV[1], 0); read($f, my $b, 1);
		seek($f, $ARGV[1], 0); print $f chr(ord($b) ^ 0xff)' "$1" "$2"
}

repoint()
{
	chmod u+w "$1"
	perl -e 'use Digest::SHA "sha1"; my ($file, $from, $to) = @ARGV; local $/;
		open(my $f, "<:raw", $file) or die; my $d = <$f>; close $f;
		my $n = unpack("N", substr($d, 8 + 255 * 4, 4)); my %at;
		$at{unpack("H*", substr($d, 1032 + 20 * $_, 20))} = $_ for 0 .. $n - 1;
		my $base = 1032 + 24 * $n;
		substr($d, $base + 4 * $at{$from}, 4) =
			$to =~ /^@(\d+)$/ ? pack("N", $1) : substr($d, $base + 4 * $at{$to}, 4);
		substr($d, -20) = sha1(substr($d, 0, -20));
		open($f, ">:raw", $file) or die; print $f $d; close $f' "$@"
}

blob_of()
{
	git rev-parse "$1:$2"
}

# tree_of LINE...: writes a tree git would refuse, from "mode<TAB>hex<TAB>name" lines.
tree_of()
{
	printf '%s\n' "$@" | perl -e 'while (<STDIN>) { chomp; my ($m, $h, $n) = split /\t/, $_, 3;
		print "$m $n\0", pack("H*", $h) }' | git hash-object -t tree -w --stdin --literally
}

# tag_tree NAME TREE
tag_tree()
{
	git tag "$1" "$(git commit-tree -m x "$2")"
}
