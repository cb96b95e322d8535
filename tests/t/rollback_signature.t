#!/bin/bash
# Signed tags, made with git, ssh-keygen and gpg themselves: what is signed well is proven, and every
# other way of being signed, or not, is told apart. What `git verify-tag` says to the same tag with
# the same keys stands beside it, as assize.yaml(5) lists it.
. "$(dirname "$0")/../lib/tap.sh"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"

RESTORE=$BUILD/tests/tools/restore
export SCRATCH=$TMP/scratch GNUPGHOME=$TMP/gnupg HOME=$TMP/home GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a \
	GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=release@example.com
mkdir -p "$HOME" "$SCRATCH" "$TMP/keys"
mkdir -m 700 "$GNUPGHOME"
cd "$TMP" || bail "no directory"

# keys: of OpenSSH by what is said of them, of GPG a good one, one that has ended, a revoked and a
# stranger's
for key in good stranger old mail revoked late ca; do
	ssh-keygen -q -t ed25519 -N '' -C $key -f keys/$key || bail "ssh-keygen makes no keys"
done
cp keys/good.pub keys/good-cert && ssh-keygen -q -s keys/ca -I id -n release@example.com keys/good.pub &&
	mv keys/good-cert.pub keys/certified-cert.pub && cp keys/good keys/certified || bail "no certificate"
{
	echo "release@example.com namespaces=\"git\" $(cat keys/good.pub)"
	echo "old@example.com valid-before=\"20240101Z\" $(cat keys/old.pub)"
	echo "mail@example.com namespaces=\"file,mail\" $(cat keys/mail.pub)"
	echo "release@example.com $(cat keys/revoked.pub)"
	echo "late@example.com valid-after=\"29990101Z\" $(cat keys/late.pub)"
	echo "release@example.com cert-authority $(cat keys/ca.pub)"
} >keys/allowed
cp keys/revoked.pub keys/refused
gpg_key()
{
	gpg --batch --quiet --no-tty --passphrase '' "${@:2}" 2>/dev/null || bail "gpg makes no key $1"
	gpg --batch --with-colons --list-keys "=$1" 2>/dev/null | sed -n '/^fpr/{s/^fpr:*//;s/:$//;p;q;}'
}
good=$(gpg_key good --quick-generate-key good ed25519 sign never)
old=$(gpg_key old --faked-system-time 20200101T000000 --quick-generate-key old ed25519 sign 10d)
revoked=$(gpg_key revoked --quick-generate-key revoked ed25519 sign never)
stranger=$(gpg_key stranger --quick-generate-key stranger ed25519 sign never)

git init -q -b main repo && cd repo || bail "no repository"
echo 1 >file && git add . && git commit -qm 1 && echo 2 >file && git commit -qam 2 || bail "no commits"
git config gpg.ssh.allowedSignersFile "$TMP/keys/allowed"
git config gpg.ssh.revocationFile "$TMP/keys/refused"

# by_ssh KEY TAG [COMMIT], by_gpg KEY TAG [OPTION]
by_ssh()
{
	git -c gpg.format=ssh -c "user.signingKey=$TMP/keys/$1" tag -f -s -m "$2" "$2" "${3:-HEAD}" >/dev/null 2>&1 ||
		bail "git does not sign $2"
}
by_gpg()
{
	printf '#!/bin/sh\nexec gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase "" %s "$@"\n' "${3:-}" >"$TMP/gpg"
	chmod +x "$TMP/gpg"
	git -c gpg.program="$TMP/gpg" -c "user.signingKey=$1" tag -f -s -m "$2" "$2" >/dev/null 2>&1 ||
		bail "git does not sign $2"
}
# rewritten TAG SED: the tag object with its text changed, under the same name.
rewritten()
{
	git update-ref "refs/tags/$1" "$(git cat-file tag "$1" | sed "$2" | git hash-object -t tag -w --stdin --literally)"
}

by_ssh good v1
git tag light && git tag -a -m plain plain
by_ssh stranger v2
GIT_COMMITTER_DATE='2023-06-01T00:00:00Z' by_ssh old v3
by_ssh mail v4
by_ssh revoked v5
by_ssh late v6
by_ssh good v7 && rewritten v7 's/^v7$/v7 and more/'
by_ssh good v8 && rewritten v8 '$a by nobody'
by_ssh good v9 && git update-ref refs/tags/v9 refs/tags/v1
by_ssh certified-cert.pub v10
by_ssh good v11 && git cat-file tag v11 | sed '/^-----BEGIN/,$d' >"$TMP/payload" &&
	ssh-keygen -q -Y sign -n file -f "$TMP/keys/good" - <"$TMP/payload" >"$TMP/sig" 2>/dev/null &&
	git update-ref refs/tags/v11 "$(cat "$TMP/payload" "$TMP/sig" | git hash-object -t tag -w --stdin)"
by_gpg "$good" g1
by_gpg "$stranger" g2
GIT_COMMITTER_DATE='2020-01-02T00:00:00Z' by_gpg "$old" g3 '--faked-system-time 20200102T000000'
by_gpg "$revoked" g4
by_gpg "$good" g5 && rewritten g5 's/^g5$/g5 and more/'
by_gpg "$good" g6 '--digest-algo SHA1'
by_gpg "$good" g7 && rewritten g7 '$a by nobody'
sed -i 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$revoked.rev" &&
	gpg --batch --quiet --import "$GNUPGHOME/openpgp-revocs.d/$revoked.rev" 2>/dev/null
gpg --batch --export "$good" "$old" "$revoked" >"$TMP/keys/ring.gpg"
# What git asks has the same keys.
mkdir -m 700 "$TMP/asked" && gpg --batch --quiet --homedir "$TMP/asked" --import "$TMP/keys/ring.gpg" 2>/dev/null

# judged CLAIM GIT OUTCOME FINDING REMEDY TAG [OPTION VALUE]...
judged()
{
	local claim=$1 git_says=$2 outcome=$3 finding=$4 remedy=$5 tag=$6 said=bad keyring=
	shift 6
	[[ $tag != g* ]] || keyring="--keyring $TMP/keys/ring.gpg"
	GNUPGHOME=$TMP/asked git verify-tag "$tag" >/dev/null 2>&1 && said=good
	is "$claim: git verify-tag" "$said" "$git_says"
	# shellcheck disable=SC2086
	run "$RESTORE" --allowed-signers "$TMP/keys/allowed" --revoked "$TMP/keys/refused" $keyring "$@" "$PWD" "$tag"
	like "$claim: $outcome" "${out%%$'\n'*}" "^$outcome\$"
	like "$claim: told" "$out" "identity $outcome [^:]*: (-.note: )?$finding"
	[ -z "$remedy" ] || like "$claim: remedy" "$out" "remedy: $remedy"
}
commit=$(git rev-parse HEAD) tree=$(git rev-parse HEAD^{tree})
seen=(--pin-commit "$commit" --pin-tree "$tree" --first-seen-ms)
ms_2023=1690000000000 ms_2025=1750000000000 ms_20200105=1578182400000
print_of()
{
	ssh-keygen -lf "$TMP/keys/$1.pub" | cut -d' ' -f2
}

# ---- OpenSSH
judged "signed" good pass "signed by release@example.com \($(print_of good | sed 's/+/./g')\)" '' v1
like "and restored" "$out" 'compare pass'
judged "by the principal asked for" good pass 'signed by release' '' v1 --principal release@example.com
judged "by another principal" good undecided '.*which is release@example.com, not qa@example.com' 'echo .qa@example.com' v1 \
	--principal qa@example.com
judged "lightweight" bad undecided 'the tag is lightweight, so nothing is signed' 'git tag --sign --force -m light light refs/tags/light' light
like "the rest is told all the same" "$out" 'compare pass'
judged "annotated, not signed" bad undecided 'the tag is not signed' 'git tag --sign --force' plain
judged "need not be signed" bad pass 'not signed' '' plain --signature-required 0
judged "stranger" bad undecided ".*it was made with ssh-ed25519 $(print_of stranger | sed 's/+/./g'), which allowed_signers does not list" \
	"echo 'release@example.com namespaces=\"git\" ssh-ed25519 $(cut -d' ' -f2 "$TMP/keys/stranger.pub" | sed 's/+/./g')' >>.*/allowed" v2
judged "stranger, where none need sign" bad undecided '.*does not list' '' v2 --signature-required 0
cp "$TMP/keys/allowed" "$TMP/keys/allowed.kept"
eval "$(sed -n 's/^remedy: //p' <<<"$out")"
judged "the remedy works" good pass 'signed by release@example.com' '' v2
mv "$TMP/keys/allowed.kept" "$TMP/keys/allowed"
judged "key that had ended, tag dated back, never seen" good undecided \
	'.*is no longer valid \(line 2 of allowed_signers\), and this record has not seen the tag before' 'let the key count longer' v3
judged "key that had ended, first seen afterwards" good undecided \
	'.*was no longer valid .*, when this record first saw the tag \(2025-06-15T' 'let the key count longer' v3 "${seen[@]}" $ms_2025
judged "key that ended after the tag was seen" good pass 'signed by old@example.com' '' v3 "${seen[@]}" $ms_2023
judged "key for other things" bad undecided '.*line 3 of allowed_signers lets ssh-ed25519 .* sign for "file,mail" only' 'add git to namespaces=' v4
judged "revoked" bad fail '.*is revoked' 'git tag --sign --force' v5
judged "revoked, seen before" bad fail '.*is revoked' '' v5 "${seen[@]}" $ms_2023
judged "key that does not count yet" bad undecided '.*is not valid yet' 'let the key count' v6
judged "signed text changed" bad fail '.*does not fit the text: either was changed' 'git cat-file tag refs/tags/v7' v7
judged "text behind the signature" good fail '.*something that nobody signed stands behind it' 'git cat-file tag' v8
judged "ref to another tag that is signed well" good fail 'the ref "refs/tags/v9" holds the tag object of "v1"' '' v9
judged "by a certificate" good undecided '.*could not be verified: the signature is by a ssh-ed25519-cert-v01' '' v10
judged "signature of a file" bad fail '.*made for namespace "file", not "git"' '' v11
by_ssh good v1 HEAD~1
judged "moved and signed by the same key" good fail 'the tag moved' 'git fetch --force CLONE refs/tags/v1:refs/tags/v1, from a clone' v1 "${seen[@]}" $ms_2023
by_ssh stranger v1
judged "signed again by a stranger" bad undecided '.*does not list' '' v1 "${seen[@]}" $ms_2023
printf 'nonsense\n' >"$TMP/keys/broken"
judged "signers that cannot be read" bad undecided '.*could not be verified: "/.*/broken": line 1: ' '' v1 --allowed-signers "$TMP/keys/broken"

# ---- OpenPGP
judged "signed with OpenPGP" good pass "signed with OpenPGP key $good" '' g1
judged "OpenPGP: stranger" bad undecided '.*made with key [0-9A-F]{16}, which is not in the keyring' 'gpg --export [0-9A-F]{16} >>.*/ring.gpg' g2
judged "OpenPGP: key that had ended, dated back" bad undecided '.*has expired, and this record has not seen' '' g3
judged "OpenPGP: key that ended after the tag was seen" bad pass "signed with OpenPGP key $old" '' g3 "${seen[@]}" $ms_20200105
judged "OpenPGP: key that had ended when it was seen" bad undecided '.*has expired, when this record first saw' '' g3 "${seen[@]}" $ms_2023
judged "OpenPGP: revoked" bad fail '.*is revoked' '' g4
judged "OpenPGP: signed text changed" bad fail '.*does not fit the text' '' g5
judged "OpenPGP: SHA-1" good fail '.*broken digest' '' g6
judged "OpenPGP: text behind the signature" good fail '.*something that nobody signed' '' g7
run "$RESTORE" --allowed-signers "$TMP/keys/allowed" "$PWD" g1
like "a scheme without keys" "$out" '^undecided.*signed with OpenPGP, of which the set names no keys'
is "nothing is left behind" "$(ls -A "$SCRATCH")" ""
done_testing
