#!/bin/bash
# rollback.sh [COUNT [SEED [FILES]]]: SIGKILL `rollback warm` and `rollback drill` at COUNT moments (300), and look
# each time with find and sha256sum, beside what git archive makes of both releases:
#
#	the warm copy is the old one or the new one, whole, to the last mode and byte;
#	the next run succeeds and makes it the new one;
#	then nothing is left over: no half-made copy, no scratch, one manifest a copy.
#
# The tag is moved to and fro between two commits, so that every `warm` has a copy to replace. The first
# kills, at most half of them, are not by time but exactly before a certain call (strace, where it is
# there): the exchange, what follows it, the manifest, the first and later removals. The same SEED kills after the same delays; what a delay hits is up to the machine. Exit status 0
# only when all held.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
ASSIZE=${BUILD:-$ROOT/build}/assize
count=${1:-300}
seed=${2:-$((RANDOM * 32768 + RANDOM))}
files=${3:-300}
echo "$count kills, seed $seed"
RANDOM=$seed

TMP=$(mktemp -d "${TMPDIR:-/tmp}/assize-warm.XXXXXX") || exit 1
trap 'rm -rf "$TMP"' EXIT
cd "$TMP" || exit 1
mkfifo pause
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP

# Two releases that share half of their files, with links, executables and directories.
git init -q -b r1 repo || exit 1
for release in 1 2; do
	echo "commit refs/heads/r$release"
	echo 'committer a <a@example.com> 1700000000 +0000'
	printf 'data 0\n'
	for ((i = 0; i < files; i++)); do
		mode=644
		[ $((i % 10)) -ne 0 ] || mode=755
		text="file $i of $([ $((i % 2)) -eq 0 ] && echo both || echo $release)"
		printf 'M 100%s inline d%d/f%d-%s\ndata %d\n%s\n' $mode $((i % 30)) "$i" \
			"$([ $((i % 7)) -eq 0 ] && echo $release || echo x)" ${#text} "$text"
	done
	printf 'M 120000 inline l%d\ndata 5\nd1/f1\n' $release
done | git -C repo fast-import --quiet || exit 1
cat >assize.yaml <<'E2'
assize: 1
targets:
  repo: { git: repo }
rollback:
  releases:
    repo: repo
    tags: "v*"
    pin: false
    restore: { scratch: scratch }
    warm: { path: "warm/{tag}", keep: 1 }
E2

# What there is, to the last mode and byte.
listing()
{
	(cd "$1" && find . -printf '%P %y %m %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
for release in 1 2; do
	mkdir is$release && git -C repo -c tar.umask=0022 archive r$release | tar -x -C is$release
	chmod 755 is$release && listing is$release >list$release
done

violations=0
violation()
{
	violations=$((violations + 1))
	echo "kill $n of $verb $how: $1"
}
move_to()
{
	git -C repo update-ref refs/tags/v1 "$(git -C repo rev-parse "r$1")"
}

# Looks at what a kill left. $old and $new are releases.
look()
{
	if [ ! -d warm/v1 ]; then
		violation "there is no warm copy"
	else
		listing warm/v1 >list
		if cmp -s list list$new; then
			n_new=$((n_new + 1))
		elif cmp -s list list$old; then
			n_old=$((n_old + 1))
		else
			violation "the warm copy is neither the old nor the new one: $(diff list list$new | head -3)"
		fi
	fi
	"$ASSIZE" rollback "${command[@]}" >out 2>&1 || violation "the next run fails: $(grep -m1 fix: out)"
	[ -z "$(ls -A scratch 2>/dev/null)" ] || violation "left in scratch: $(ls -A scratch | head -1)"
	[ "$verb" = warm ] || return
	listing warm/v1 | cmp -s - list$new || violation "the next run did not make the new copy"
	left=$(ls -A warm/.assize | sed 's/@.*//' | tr '\n' ' ')
	[ "$left" = "lock v1 " ] || violation "left beside the copy: $left"
}

# Microseconds of whole runs, the shorter of two: most kills hit.
move_to 1 && "$ASSIZE" rollback warm >/dev/null || { echo "the first warm run fails"; exit 1; }
declare -A whole
for verb in warm drill; do
	command=($verb)
	[ $verb = warm ] || command=(drill v1)
	for release in 2 1; do
		move_to $release
		[ $verb = warm ] || "$ASSIZE" rollback warm >/dev/null
		start=${EPOCHREALTIME/./}
		"$ASSIZE" rollback "${command[@]}" >out 2>&1 || { echo "a whole $verb fails"; cat out; exit 1; }
		took=$((${EPOCHREALTIME/./} - start))
		[ "${whole[$verb]:-$took}" -lt $took ] || whole[$verb]=$took
	done
done
echo "a whole warm run takes $((whole[warm] / 1000)) ms, a drill $((whole[drill] / 1000)) ms"

# A call and which one of its kind. The manifest is synced (1), renamed, its directory synced (2); then the
# exchange, its directory synced (3), the old place synced (4); then the old tree is taken apart.
points=("renameat2 1" "fsync 3" "rename 1" "unlinkat 1" "fsync 4" "syncfs 1" "fsync 1" "fsync 2" "unlinkat 2"
	"unlinkat 20" "unlinkat 200" "mkdirat 1" "mkdirat 20" "symlinkat 1" "unlink 1" "unlink 2" "fdatasync 9")
strace -qq -e trace=none true 2>/dev/null || points=()
[ ${#points[@]} -le $((count / 2)) ] || points=("${points[@]:0:count / 2}")
current=1 hits=0 exact=0 n_old=0 n_new=0
for ((n = 1; hits < count && n <= 4 * count; n++)); do
	old=$current new=$((3 - current)) verb=warm command=(warm)
	# Two of three kills are of `warm`; a drill finds and leaves the copy as it is.
	if [ $((n % 3)) -eq 0 ] && [ $n -gt ${#points[@]} ]; then
		new=$current verb=drill command=(drill v1)
	fi
	move_to $new
	if [ $n -le ${#points[@]} ]; then
		how="before ${points[n - 1]}" call=${points[n - 1]% *}
		strace -qq -f -o /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=${how##* }" \
			"$ASSIZE" rollback "${command[@]}" >out 2>&1 &
		pid=$!
	else
		delay=$(awk -v r=$((RANDOM * 32768 + RANDOM)) -v t="${whole[$verb]}" \
			'BEGIN { printf "%.6f", r / 1073741824 * t * 1.05 / 1e6 }')
		how="after $delay s"
		"$ASSIZE" rollback "${command[@]}" >out 2>&1 &
		pid=$!
		read -r -t "$delay" <>pause
		kill -9 $pid 2>/dev/null
	fi
	wait $pid 2>/dev/null
	# 137: it was alive. A run that was faster than its killer is looked at as well, but does not count.
	if [ $? -eq 137 ]; then
		hits=$((hits + 1))
		[ $n -gt ${#points[@]} ] || exact=$((exact + 1))
	fi
	look
	[ $verb = drill ] || current=$new
done
[ $hits -eq "$count" ] || { echo "only $hits runs were alive when killed"; violations=$((violations + 1)); }
echo "$hits killed alive, $exact of them before a certain call: the copy was the old one $n_old times," \
	"the new one $n_new times; $violations violations"
[ $violations -eq 0 ]
