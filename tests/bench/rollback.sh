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
# 2: restored and compared, but something speaks against it (a setting of the clone, an attribute).
first() { "$BUILD/tests/tools/restore" --scratch "$place" "$REPO" "$TAG" || [ $? -eq 2 ]; }
tree=$(git -C "$REPO" rev-parse "$TAG^{tree}")
content=$(first | sed -n 's/^commit .* content //p')
again()
{
	"$BUILD/tests/tools/restore" --scratch "$place" --pin-tree "$tree" --pin-content "$content" "$REPO" "$TAG" ||
		[ $? -eq 2 ]
}
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

# Seconds of all processors that one run takes: what is left when others use the machine as well.
cpu()
{
	local TIMEFORMAT='%U %S'
	{ time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ printf "%.3f", $1 + $2 }'
}

# A tag that is only unproven (a submodule that is not cloned) was not restored, and is no measurement.
first | grep -q '^compare pass' || { echo "bench: $TAG was not restored" >&2; exit 1; }
n=$([ "$(cpu first | cut -d. -f1)" -gt 2 ] && echo 3 || echo 5)
ours=$(median $n first) theirs_fsck=$(median 1 fsck) theirs_archive=$(median $n archive) theirs_worktree=$(median $n worktree)
both=$(plus "$theirs_fsck" "$theirs_archive")
work="tag proven, restored, compared"
row "$work" "git fsck --full" "$theirs_fsck s" "$ours s" "$(ratio "$ours" "$theirs_fsck")"
row "$work" "git archive | tar -x" "$theirs_archive s" "$ours s" "$(ratio "$ours" "$theirs_archive")"
row "$work" "both of them" "$both s" "$ours s" "$(ratio "$ours" "$both")"
row "$work" "git worktree add, 4 workers" "$theirs_worktree s" "$ours s" "$(ratio "$ours" "$theirs_worktree")"
if [ "$content" != - ]; then
	known=$(median $n again)
	row "the same, content recorded before" "both of them" "$both s" "$known s" "$(ratio "$known" "$both")"
fi
ours=$(cpu first) both=$(plus "$(cpu fsck)" "$(cpu archive)")
row "processor time of the first" "both of them" "$both s" "$ours s" "$(ratio "$ours" "$both")"
[ "$content" = - ] || known=$(cpu again)
[ "$content" = - ] || row "the same, content recorded before" "both of them" "$both s" "$known s" "$(ratio "$known" "$both")"

# A warm copy of which every byte is compared again, beside git status when every file was touched.
git -C "$REPO" worktree add -q --detach "$place/tree" "$TAG"
status()
{
	find "$place/tree" -type f ! -name .git -exec touch {} +
	local TIMEFORMAT=%R
	{ time git -C "$place/tree" status >/dev/null; } 2>&1
}
theirs=$(for _ in 1 2 3 4 5; do status; done | sort -n | sed -n 3p)
git -C "$REPO" worktree remove --force "$place/tree"
cat >"$place/assize.yaml" <<YAML
assize: 1
targets: { repo: { git: "$REPO" } }
rollback: { r: { repo: repo, tags: "$TAG", restore: { scratch: scratch }, warm: { path: "warm/{tag}", keep: 1 } } }
YAML
"$ASSIZE" rollback warm --quiet -f "$place/assize.yaml" "$TAG" || [ $? -eq 2 ]
# Without its manifest nobody knows when the copy was proven: every look is one at all bytes.
find "$place/warm" -path '*/.assize/*' -name '*.json' -delete
rehash()
{
	("$ASSIZE" rollback verify --json -f "$place/assize.yaml" "$TAG" || [ $? -eq 2 ]) |
		jq -er 'first(.. | objects | select(.name? == "warm" and .outcome == "pass")) |
			select(.note | test("all bytes compared")) | .duration_us / 1e6'
}
ours=$(for _ in 1 2 3 4 5; do rehash; done | sort -n | sed -n 3p)
row "warm copy, all bytes compared" "git status, all touched" "$theirs s" "$(printf %.3f "$ours") s" "$(ratio "$ours" "$theirs")"
export -f first
export place REPO TAG
used=$(memory bash -c first)
row "memory, everything resident" "limit" "256 MB" "$used MB" "$(ratio "$used" 256)"
