#!/bin/bash
# Warm copies: made whole and only for proven tags, replaced and removed only when they are assize's own,
# and how damage to one reaches verdict, exit status and remedy (every damage: unit/test_rollback_warm.c).
# Copies are brought to disk a hundred times: in memory, where there is a place for that.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/../lib/tap.sh"

export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

mkdir "$TMP/clean" && cd "$TMP/clean" && git init -q -b main repo && cd repo || bail "no repository"
mkdir -p src/deep bin
printf '*.log\n' >.gitignore
printf '#!/bin/sh\necho run\n' >bin/run && chmod +x bin/run
ln -s ../src/deep/hello.txt bin/link
printf 'hello\n' >src/deep/hello.txt
for version in 1.0.0 1.1.0 2.0.0; do
	echo $version >version
	git add . && git commit -qm $version && git tag v$version
done
cd ..
cat >assize.yaml <<'E2'
assize: 1
targets:
  repo: { git: repo }
rollback:
  releases:
    repo: repo
    tags: "v*"
    restore: { scratch: scratch }
    warm: { path: "warm/{tag}", keep: 2 }
E2

# world: a fresh copy of everything, no warm copies yet; current directory from then on.
world()
{
	chmod -R u+rwX "$TMP/w" 2>/dev/null
	rm -rf "${TMP:?}/w"
	cp -a "$TMP/clean" "$TMP/w"
	cd "$TMP/w" || bail "no world"
}

# warmed: the same with its warm copies.
warmed()
{
	world
	"$ASSIZE" rollback warm >/dev/null || bail "could not make the warm copies"
}

# is_tree TAG [WHERE]: the copy is that tag's tree, by other means than assize's.
is_tree()
{
	rm -rf "$TMP/archive" && mkdir "$TMP/archive"
	git -C repo -c tar.umask=0022 archive "$1" | tar -x -C "$TMP/archive"
	diff -r --no-dereference "$TMP/archive" "${2:-warm/$1}" &&
		diff <(cd "$TMP/archive" && find . -printf '%P %y %m %l\n' | sort) \
			<(cd "${2:-warm/$1}" && find . -printf '%P %y %m %l\n' | sort)
}

# noticed CLAIM STATUS FINDING [REMEDY]: verify of v2.0.0 in the current directory.
noticed()
{
	run "$ASSIZE" rollback verify v2.0.0
	if [ "$status" = "$2" ] && [[ $out =~ $3 ]] && [[ $out =~ ${4:-fix: assize rollback warm v2.0.0} ]]; then
		tap_pass "$1"
	else
		tap_fail "$1"
		tap_shown expected "$2 / $3 / ${4:-}"
		tap_shown got "$status $out $err"
	fi
}

# mended CLAIM: the remedy works, and nothing is left over.
mended()
{
	exits "$1: warm mends it" 0 "$ASSIZE" rollback warm v2.0.0
	ok "$1: it is the tree again" is_tree v2.0.0
	exits "$1: verify passes" 0 "$ASSIZE" rollback verify v2.0.0
	is "$1: nothing is left over" "$(ls -A warm/.assize | sed 's/@.*//' | tr '\n' ' ')" "lock v1.1.0 v2.0.0 "
}

# ---- made -----------------------------------------------------------------------------------------
world
noticed "no copy yet: undecided" 2 'warm undecided: there is no warm copy ".*/warm/v2.0.0"'
nok "verify makes nothing" test -e warm
exits "warm" 0 "$ASSIZE" rollback warm
is "the newest two have a copy" "$(ls warm | tr '\n' ' ')" "v1.1.0 v2.0.0 "
for tag in v1.1.0 v2.0.0; do ok "the copy of $tag is its tree" is_tree $tag; done
is "nothing is left over" "$(ls -A warm/.assize | sed 's/@.*//' | tr '\n' ' ')" "lock v1.1.0 v2.0.0 "
is "the manifest says what it is" "$(jq -r '.tag, .commit, .tree, .content, .files' warm/.assize/v2.0.0@*)" \
	"v2.0.0"$'\n'"$(git -C repo rev-parse v2.0.0 v2.0.0^{tree})"$'\n'"raw"$'\n'"5"
exits "list" 0 "$ASSIZE" rollback list
like "list tells which copies stand" "$out" 'v2.0.0 .* proven +yes.*v1.1.0 .* proven +yes'
is "list fits a hundred columns" "$(awk 'length > 100' <<<"$out")" ""
exits "verify passes" 0 "$ASSIZE" rollback verify --json
like "untouched copies are called cached" "$out" '"cached: .*/warm/v2.0.0 stands untouched'
unlike "a tag without a copy has no such step" \
	"$(jq -c '.restorations[] | select(.tag == "v1.0.0") | .steps' <<<"$out")" warm
exits "list" 0 "$ASSIZE" rollback list
like "list tells cached ones" "$out" 'v2.0.0 .* cached +yes.*'
before=$(stat -c %i warm/v2.0.0 warm/v2.0.0/version)
exits "warm again" 0 "$ASSIZE" rollback warm
is "a copy that is right stays as it stands" "$(stat -c %i warm/v2.0.0 warm/v2.0.0/version)" "$before"
like "and is proven anew" "$out" 'v2.0.0 +proven: .*/warm/v2.0.0, kept as it stands'
sed -i 's/keep: 2 }/keep: 2, rehash: 0s }/' assize.yaml
exits "rehash: 0s" 0 "$ASSIZE" rollback verify v2.0.0 --json
like "compares all bytes each time" "$out" '"proven: .*all bytes compared'
exits "of a tag that gets none" 3 "$ASSIZE" rollback warm v1.0.0
like "is said" "$err" '"v1.0.0" gets no warm copy: set "releases" keeps those of the newest 2 proven tags.*help: raise'
(umask 077 && rm -rf warm && "$ASSIZE" rollback warm >/dev/null)
ok "under umask 077" is_tree v2.0.0

world
exec 9<"$TMP/clean" && mkdir -p warm/.assize && : >warm/.assize/lock
flock warm/.assize/lock "$ASSIZE" rollback warm >"$TMP/out" 2>&1
is "two at once: the second is refused" $? 2
like "and told why" "$(cat "$TMP/out")" 'another `assize rollback warm` is at work in ".*/warm"'
mkdir -p warm/.assize/assize-held-dead/tree && echo half >warm/.assize/assize-held-dead/tree/version &&
	chmod 700 warm/.assize/assize-held-dead
mkdir -p scratch/assize-held-dead/tree && chmod 700 scratch/assize-held-dead
exits "after a run that was killed" 0 "$ASSIZE" rollback warm
is "its half-made copy is removed" "$(ls -A warm/.assize | grep -c held)" 0
exits "verify" 0 "$ASSIZE" rollback verify v2.0.0
is "and scratch that a dead run left" "$(ls -A scratch)" ""

# ---- who else could change it ----
# warned CLAIM FINDING REMEDY: it is proven, with a warning.
warned()
{
	run "$ASSIZE" rollback verify v2.0.0 --json
	is "$1: exit status" "$status" 0
	like "$1" "$(jq -r '.restorations[].steps[] | select(.name == "warm") | "\(.outcome): \(.finding), fix: \(.remedy)"' <<<"$out")" "$2.*fix: $3"
}
# listed ENTRIES PATH [MASK]: an access list of (tag, rights, id) beside the usual ones.
listed()
{
	python3 -c "import os, struct
entries = [(1, 7, -1), $1, (4, 5, -1), (16, ${3:-7}, -1), (32, 5, -1)]
os.setxattr('$2', 'system.posix_acl_access', struct.pack('<I', 2) +
	b''.join(struct.pack('<HHi', *e) for e in sorted(entries)))" 2>"$TMP/listed"
}
warmed
chmod 757 warm
warned "a directory that everybody may write to" 'warn: somebody else could exchange the warm copy once it is proven: ".*/warm" can be written to by everybody \(mode 0757\)' \
	'chmod go-w .*/warm'
chmod 1757 warm
exits "unless it is sticky" 0 "$ASSIZE" rollback verify v2.0.0 --json
unlike "unless it is sticky: nothing is said" "$out" 'somebody else'
chmod 755 warm && chmod 777 warm/.assize
warned "nor to the manifests" '".*/warm/\.assize" can be written to by everybody' 'chmod go-w '
if [ "$(id -u)" = 0 ]; then
	warmed
	chown 12345 warm/v2.0.0/src/deep/hello.txt
	noticed "a file of somebody else" 1 'in the warm copy "src/deep/hello.txt" belongs to user 12345, and all of it to user 0'
	mended "a file of somebody else"
	chown 12345 warm/v2.0.0/bin
	noticed "a directory of somebody else" 1 'in the warm copy "bin" belongs to user 12345, and all of it to user 0'
	warmed
	chgrp 12345 warm && chmod 775 warm
	warned "a group" 'can be written to by group 12345 \(mode 0775\)' 'chmod go-w .*/warm'
	chgrp 0 warm
	exits "which is the owner's own" 0 "$ASSIZE" rollback verify v2.0.0 --json
	unlike "which is the owner's own: nothing is said" "$out" 'somebody else'
	warmed
	if listed '(2,7,12345)' warm; then
		warned "a user whom an access list names" 'can be written to by user 12345, as its access list has it' \
			'setfacl -b .*/warm'
		listed '(2,5,12345), (8,6,12346)' warm
		warned "a group whom one names" 'can be written to by group 12346, as its access list has it' 'setfacl -b .*/warm'
		listed '(2,7,12345)' warm 5
		exits "which its mask keeps from writing" 0 "$ASSIZE" rollback verify v2.0.0 --json
		unlike "which its mask keeps from writing: nothing is said" "$out" 'somebody else'
		listed '(2,7,0)' warm
		exits "a list that names those who may" 0 "$ASSIZE" rollback verify v2.0.0 --json
		unlike "a list that names those who may: nothing is said" "$out" 'somebody else'
		listed '(2,7,12345)' warm/v2.0.0/bin
		noticed "a list within the copy" 1 'in the warm copy "bin" has other permission bits'
	else
		diag "access lists are not tried: $(tail -n 1 "$TMP/listed")"
	fi
	warmed
	if python3 -c 'import os, struct
os.setxattr("warm/v2.0.0/bin/run", "security.capability", struct.pack("<5I", 0x02000001, 1 << 7, 0, 0, 0))' 2>"$TMP/given"; then
		noticed "a program with capabilities" 1 'in the warm copy "bin/run" has capabilities of its own, which no tag gives'
		mended "a program with capabilities"
	else
		diag "capabilities are not tried: $(tail -n 1 "$TMP/given")"
	fi
	# mounted FROM ON: within the copy, while it is verified.
	mounted()
	{
		run unshare -m sh -c 'mount --bind "$1" "$2" || exit 99; "$3" rollback verify v2.0.0' - "$1" "warm/v2.0.0/$2" "$ASSIZE"
		[ "$status" -ne 99 ] || return 0
		is "something mounted on $2: exit status" "$status" 1
		like "something mounted on $2" "$out" "in the warm copy \"$2\" has something mounted on it"
	}
	cp -a warm/v2.0.0/src same
	mounted same src
	mounted same/deep/hello.txt src/deep/hello.txt
	warmed
	run unshare -m sh -c 'mount --bind warm warm && mount -o remount,bind,ro warm || exit 99
		"$1" rollback verify v2.0.0 && "$1" rollback list' - "$ASSIZE"
	if [ "$status" -ne 99 ]; then
		like "a file system that is read-only" "$status $out" \
			'^0 .*cannot be swapped in by a rename: the file system of .*/warm. is mounted read-only.*fix: mount -o remount,rw .*v2.0.0 [^'$'\n'']* no'
	fi
	run unshare -m sh -c 'mount --bind warm warm && mount -o remount,bind,noexec warm || exit 99
		"$1" rollback verify v2.0.0 --json' - "$ASSIZE"
	[ "$status" -eq 99 ] || like "one that starts no program" "$status $out" \
		'^0 .*the file system of .*/warm/v2.0.0 is mounted noexec: no program of it can be started'
	for what in warm/v2.0.0 warm; do
		chattr +i "$what" 2>"$TMP/fixed" || { diag "chattr is not tried: $(cat "$TMP/fixed")"; continue; }
		warned "chattr +i of $what" "cannot be swapped in by a rename: .*/$what. is immutable" "chattr -ia .*/$what"
		like "chattr +i of $what: list tells" "$("$ASSIZE" rollback list | grep '^v2.0.0')" 'no$'
		chattr -i "$what"
	done
	exits "chattr -i" 0 "$ASSIZE" rollback verify v2.0.0
	like "chattr -i: list tells" "$("$ASSIZE" rollback list | grep '^v2.0.0')" 'yes$'
	warmed
	chown -h 12345 warm/v2.0.0/bin/link
	noticed "a symbolic link of somebody else" 1 'in the warm copy "bin/link" belongs to user 12345, and all of it to user 0'
	warmed
	chown 12345 warm
	warned "a directory of somebody else above it" '".*/warm" belongs to user 12345' 'chown 0 .*/warm'
	warmed
	chown -Rh 12345 warm/v2.0.0
	run "$ASSIZE" rollback verify v2.0.0 --json
	like "a copy of somebody else" "$status $out" '^0 .*/warm/v2.0.0 belongs to user 12345, who can change it'
fi
warmed
printf x >repo/aux.c && printf x >"repo/what?" && git -C repo add . && git -C repo commit -qm w && git -C repo tag v3.0.0
run "$ASSIZE" rollback verify v3.0.0 --json
like "names that Windows cannot have" "$out" 'the name .{1,2}aux.c.{1,2} is a device on Windows \(and 1 more\)'

# ---- kept -----------------------------------------------------------------------------------------
warmed
echo 3.0.0 >repo/version && git -C repo commit -qam 3.0.0 && git -C repo tag v3.0.0
mkdir warm/mine && echo precious >warm/mine/file
exits "a new release" 0 "$ASSIZE" rollback warm
is "its copy takes the place of the oldest" "$(ls warm | tr '\n' ' ')" "mine v2.0.0 v3.0.0 "
like "which is said" "$out" 'removed the warm copy of v1.1.0'
is "what is not assize's is left alone" "$(cat warm/mine/file)" precious
blob=$(git -C repo rev-parse v3.0.0:version) && rm -f "repo/.git/objects/${blob:0:2}/${blob:2}"
exits "the newest tag is broken" 1 "$ASSIZE" rollback warm
ok "the last two good ones have copies" is_tree v1.1.0
ok "the last two good ones have copies" is_tree v2.0.0
nok "the broken one goes once they stand" test -e warm/v3.0.0
warmed
rm -rf repo/.git/objects
run "$ASSIZE" rollback warm
isnt "everything is broken" $status 0
is "no copy is removed then" "$(ls warm | tr '\n' ' ')" "v1.1.0 v2.0.0 "
world
sed -i 's,tags: "v\*",tags: "*",; s,warm/{tag},copies/app-{tag}.d,' assize.yaml
git -C repo tag v3/x%y v2.0.0
exits "a tag with a slash" 0 "$ASSIZE" rollback warm
is "has one name" "$(ls copies | tr '\n' ' ')" "app-v2.0.0.d app-v3%2Fx%25y.d "
ok "and its tree" is_tree v3/x%y 'copies/app-v3%2Fx%25y.d'

# ---- damage ---------------------------------------------------------------------------------------
warmed
cp -p warm/v2.0.0/version "$TMP/stamp" && printf '9.9.9\n' >warm/v2.0.0/version && touch -r "$TMP/stamp" warm/v2.0.0/version
noticed "changed with size and mtime kept" 1 'warm fail: in the warm copy "version" holds other bytes than the tag'
exits "list" 0 "$ASSIZE" rollback list
like "list tells a wrong copy, and what to do" "$out" \
	'v2.0.0 .* wrong +no.*v2.0.0  warm: in the warm copy.*fix: assize rollback warm v2.0.0'
mended "changed with size and mtime kept"
mv warm/v2.0.0 away
is "list looks whether a copy stands" \
	"$("$ASSIZE" rollback list --json | jq -c '.releases[0] | [.warm, .swap_ready]')" '["missing",false]'
mv away warm/v2.0.0
# Stock git beside it: the same copy as a work tree, told to take a file for unchanged.
cp -a repo/.git index.git && git --git-dir=index.git config core.bare false
git_status()
{
	git --git-dir=index.git --work-tree=warm/v2.0.0 status --porcelain
}
git_status >/dev/null && git --git-dir=index.git --work-tree=warm/v2.0.0 update-index --assume-unchanged version
printf '9.9.9\n' >warm/v2.0.0/version
is "assume-unchanged: git status sees nothing" "$(git_status)" ""
noticed "assume-unchanged" 1 'warm fail: in the warm copy "version" holds other bytes than the tag'
mended "assume-unchanged"
warmed
rm -rf warm/v2.0.0 && mkdir warm/v2.0.0 && git -C repo -c tar.umask=0022 archive v1.1.0 | tar -x -C warm/v2.0.0
noticed "a copy of another tag" 1 'in the warm copy "version" holds other bytes' 'fix: '
exits "one that assize did not make is not replaced" 1 "$ASSIZE" rollback warm v2.0.0
like "and what to do is said" "$out" 'was not made by assize.*fix: mv .*/warm/v2.0.0 .*/warm/v2.0.0.aside && assize rollback warm v2.0.0'
is "it stands as it was" "$(cat warm/v2.0.0/version)" 1.1.0
eval "$(sed -n 's/.*fix: \(mv .*\) && assize.*/\1/p' <<<"$out" | head -1)"
mended "moved aside as told"
warmed
mv warm/v2.0.0 elsewhere && ln -s ../elsewhere warm/v2.0.0
noticed "root is a symbolic link" 1 'warm fail: the warm copy ".*/warm/v2.0.0" is a symbolic link' 'fix: mv .*aside && assize rollback warm v2.0.0'
exits "it is not replaced" 1 "$ASSIZE" rollback warm v2.0.0
ok "nor followed" test -L warm/v2.0.0
if warmed && mount --bind warm/v1.1.0 warm/v2.0.0 2>/dev/null; then
	noticed "something is mounted there" 1 'is on a file system of its own: it cannot be swapped in' 'fix: umount '
	umount warm/v2.0.0
fi

# ---- definitions -----------------------------------------------------------------------------------
# refused CLAIM MESSAGE SED
refused()
{
	world
	sed -i "$3" assize.yaml
	exits "$1" 3 "$ASSIZE" check
	like "$1: message" "$out$err" "$2"
}
refused "no {tag}" 'assize.yaml:9:19:.*the path of warm copies has no \{tag\}.*help: write where' 's,warm/{tag},warm,'
refused "{tag} above" 'must be in the last part of the path, once' 's,warm/{tag},{tag}/app,'
refused "{tag} twice" 'must be in the last part of the path, once' 's,warm/{tag},warm/{tag}{tag},'
refused "no path" 'needs the key "path"' 's,path: "warm/{tag}"\, ,,'
world
sed 's/^  releases:/  others:/; 1,/^rollback:/d' "$TMP/clean/assize.yaml" >>assize.yaml
exits "two sets in one place" 3 "$ASSIZE" check
like "two sets in one place: message" "$out$err" 'the warm copies of set "releases" stand there already'
world
sed -i '/warm:/d' assize.yaml
exits "no set has warm copies" 3 "$ASSIZE" rollback warm
like "no set has warm copies: message" "$err" 'no rollback set has warm copies.*help: add warm:'
if mkdir "$TMP/full" && mount -t tmpfs -o size=64k tmpfs "$TMP/full" 2>/dev/null; then
	world
	sed -i "s,warm/{tag},$TMP/full/{tag}," assize.yaml
	head -c 200000 /dev/urandom >repo/large && git -C repo add . && git -C repo commit -qm 4 && git -C repo tag v4.0.0
	exits "no room for the copy" 2 "$ASSIZE" rollback warm v4.0.0
	like "no room for the copy: message" "$out" 'no room to restore in ".*/full/.assize"'
	umount "$TMP/full"
fi
done_testing
