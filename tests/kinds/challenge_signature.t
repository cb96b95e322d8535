#!/bin/bash
# challenge of signatures by the real tools: the file, its signature and the key are attacked. That the
# signatures of the other key are sound is tested in tests/unit/test_arsenal_signed.c.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"
export GNUPGHOME=$TMP/gnupg
mkdir -m 700 keys gnupg

minisign -G -W -p keys/m.pub -s keys/m.key >/dev/null || bail "minisign makes no key"
ssh-keygen -q -t ed25519 -N '' -C ed -f keys/ed && ssh-keygen -q -t rsa -b 2048 -N '' -C rsa -f keys/rsa ||
	bail "ssh-keygen makes no keys"
gpg --batch --quiet --no-tty --passphrase '' --quick-generate-key good ed25519 sign 30d 2>/dev/null ||
	bail "gpg makes no key"
seq 1000 >f
minisign -S -W -s keys/m.key -m f -t 'release 1 for everybody' >/dev/null
minisign -S -W -l -s keys/m.key -m f -x f.legacy >/dev/null
for key in ed rsa; do
	ssh-keygen -q -Y sign -n file -f keys/$key - <f >f.$key 2>/dev/null
	printf 'release@example.com %s\n' "$(cat keys/$key.pub)"
done >keys/allowed
cp f.ed f.sig
gpg --batch --quiet --yes --no-tty --passphrase '' --pinentry-mode loopback --local-user good \
	--detach-sign --output f.asc --armor f 2>/dev/null || bail "gpg does not sign"
gpg --batch --quiet --yes --no-tty --passphrase '' --pinentry-mode loopback --local-user good \
	--detach-sign --output f.gpg f 2>/dev/null
gpg --batch --export good >keys/ring.gpg
gpgconf --kill all

cat >assize.yaml <<YAML
assize: 1
audits:
  s:
    checks:
      - { id: mini, signature: { file: f, minisign: { key_file: keys/m.pub } } }
      - { id: comment, signature: { file: f, minisign: { key_file: keys/m.pub } }, expect: { comment: '== "release 1 for everybody"' } }
      - { id: legacy, signature: { file: f, signature: f.legacy, minisign: { key_file: keys/m.pub } } }
      - { id: ssh, signature: { file: f, ssh: { allowed_signers: keys/allowed, identity: release@example.com } } }
      - { id: rsa, signature: { file: f, signature: f.rsa, ssh: { allowed_signers: keys/allowed, identity: release@example.com } } }
      - { id: gpg, signature: { file: f, gpg: { keyring: keys/ring.gpg } } }
      - { id: binary, signature: { file: f, signature: f.gpg, gpg: { keyring: keys/ring.gpg } } }
      - { id: bad, signature: { file: keys/m.pub, signature: f.ed, ssh: { allowed_signers: keys/allowed, identity: release@example.com } } }
YAML
real_is f f.* keys

file='identity: steady
neighbour: steady
touched: steady
missing: failed
empty: failed
torn-half: failed
torn-byte: failed
bit-flipped [head]: failed
bit-flipped [middle]: failed
bit-flipped [tail]: failed
byte-appended: failed
other-file: failed
signature-missing: failed
signature-empty: failed
signature-torn: failed
signature-flipped: failed'

for check in mini comment legacy; do
	is "minisign: $check" "$(attacks s/$check)" "$file
untrusted-comment: steady
comment-changed: failed
other-key: failed
forged-id: failed"
done
for check in ssh rsa; do
	is "OpenSSH: $check" "$(attacks s/$check)" "$file
other-key: failed"
done
for check in gpg binary; do
	is "GnuPG: $check" "$(attacks s/$check)" "$file
other-key: failed"
done
like "one that is not valid is not challenged" "$(unchallenged s/bad)" 'it does not pass as it is'
is_real_untouched "what is signed"
is "no key is left behind" "$(find "${TMPDIR:-/tmp}" -maxdepth 3 -name other.key 2>/dev/null | wc -l)" 0

done_testing
