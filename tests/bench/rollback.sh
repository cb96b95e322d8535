#!/bin/bash
# rollback: one tag proven, restored and compared, beside what people run instead: git fsck --full,
# which reads every object of the repository, and git archive | tar, which proves nothing.
# REPO=DIR TAG=NAME measure a repository of your own; by default one is generated: 10,000 files of which
# a quarter has a history of ten versions, packed with deltas.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
export HOME=$TMP GIT_CONFIG_NOSYSTEM=1
if [ -z "${REPO:-}" ]; then
	git init -q -b main generated
	perl -e 'my $t = 1700000000;
		for my $c (0 .. 9) {
			print "commit refs/heads/main\ncommitter a <a\@example.com> ", $t + $c, " +0000\ndata 0\n";
			for my $f (0 .. 9999) {
				next if $c && $f % 4;
				my $d = "version $c\n";
				$d .= sprintf("%08x %x\n", ($f * 2654435761 + $_ * 40503) & 0xffffffff, $_) for 1 .. 20 + $f % 80;
				printf "M 100644 inline d%03d/e%02d/f%05d\ndata %d\n%s\n", $f % 200, $f % 7, $f, length $d, $d;
			}
		}
		print "reset refs/tags/v1\nfrom refs/heads/main\n";' |
		git -C generated -c core.compression=1 fast-import --quiet
	git -C generated -c pack.threads=2 repack -q -a -d --depth=20 --window=5
	REPO=$TMP/generated TAG=v1
fi

# In memory where there is room: this is about programs, not about disks.
place=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "$TMP")/assize-bench.XXXXXX")
trap 'rm -rf "$TMP" "$place"' EXIT
restore() { "$BUILD/tests/tools/restore" --scratch "$place" "$REPO" "$TAG" >/dev/null; }
fsck() { git -C "$REPO" fsck --full >/dev/null 2>&1 || true; }
archive()
{
	rm -rf "$place/out" && mkdir "$place/out" && git -C "$REPO" archive "$TAG" | tar -x -C "$place/out"
}
worktree()
{
	git -C "$REPO" -c checkout.workers=4 worktree add -q --detach "$place/tree" "$TAG"
	git -C "$REPO" worktree remove --force "$place/tree"
}

restore
ours=$(median 5 restore)
for peer in fsck archive worktree; do
	runs=3
	[ $peer != fsck ] || runs=1
	theirs=$(median $runs $peer)
	case $peer in
	fsck) name="git fsck --full" ;;
	archive) name="git archive | tar -x" ;;
	*) name="git worktree add, 4 workers" ;;
	esac
	row "tag proven, restored, compared" "$name" "$theirs s" "$ours s" "$(ratio "$ours" "$theirs")"
done
