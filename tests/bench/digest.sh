#!/bin/bash
# digest: a whole check of a 2 GB artifact, recorded, beside programs that only print the digest.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
head -c 2000000000 /dev/zero | openssl enc -aes-128-ctr -pass pass:assize -nosalt -pbkdf2 >artifact
cat >assize.yaml <<YAML
assize: 1
audits:
  a: { defaults: { timeout: 10m }, checks: [ { id: digest, file: artifact, expect: { sha256: '!= ""' } } ] }
YAML
our_digest() { "$ASSIZE" run --quiet; }
openssl_dgst() { openssl dgst -sha256 artifact; }
coreutils() { sha256sum artifact; }

our_digest
seconds=$(median 5 our_digest)
for peer in openssl_dgst coreutils; do
	theirs=$(median 5 $peer)
	name="openssl dgst -sha256"
	[ $peer = openssl_dgst ] || name=sha256sum
	row "SHA-256 of a 2 GB artifact" "$name" "$theirs s" "$seconds s" "$(ratio "$seconds" "$theirs")"
done
