#!/bin/bash
# challenge of an image layout: blobs are damaged, and images are others that are sound in themselves.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
. "$ROOT/tests/lib/oci.sh"
cd "$TMP"

oci_image image
tar -cf image.tar -C image .
top=$(oci_top image)
cat >assize.yaml <<YAML
assize: 1
targets:
  registry: { http: "http://127.0.0.1:1" }
audits:
  i:
    checks:
      - { id: all, oci: image }
      - { id: packed, oci: image.tar }
      - { id: v1, oci: { layout: image, ref: v1, platforms: [linux/amd64, linux/arm64], labels: { org.opencontainers.image.version: "1.0.*", org.opencontainers.image.vendor: "*" } } }
      - { id: pinned, oci: image, expect: { digest: '== "$top"' } }
      - { id: user, oci: image, expect: { user: '!= "root"' } }
      - { id: age, oci: image, expect: { age: "< $(($(($(date +%s) - $(date -d 2026-01-02 +%s))) / 86400 + 30)) d" } }
      - { id: remote, target: registry, oci: { repository: shop/api, ref: v1 } }
YAML
"$ASSIZE" check >checked 2>&1 || diag "$(cat checked)"
real_is image image.tar

blobs='identity: steady
neighbour: steady
touched: steady
missing [largest blob]: failed
empty [largest blob]: failed
torn-half [largest blob]: failed
torn-byte [largest blob]: failed
bit-flipped [largest blob, head]: failed
bit-flipped [largest blob, middle]: failed
bit-flipped [largest blob, tail]: failed
byte-appended [largest blob]: failed
missing [a document]: failed
empty [a document]: failed
torn-byte [a document]: failed
byte-appended [a document]: failed
symlinked [largest blob]: failed
orphan: failed
index-missing: error
index-torn: error
layout-missing: error'

is "every blob of a layout" "$(attacks i/all)" "$blobs"
is "a tar of one" "$(attacks i/packed)" 'identity: steady
neighbour: steady
touched: steady
missing: error
empty: error
torn-half: error'
is "what an image must be" "$(attacks i/v1)" "$blobs
renamed: error
platform-lost [linux/amd64]: failed
platform-lost [linux/arm64]: failed
label-lost [org.opencontainers.image.version]: failed
label-changed [org.opencontainers.image.version]: failed
label-lost [org.opencontainers.image.vendor]: failed"
is "another image has another digest" "$(attacks i/pinned | tail -1)" 'rebuilt: failed'
is "one that runs as root" "$(attacks i/user | tail -1)" 'user-changed: failed'
is "one that is old" "$(attacks i/age | tail -1)" 'stale: failed'
like "how old it may be" "$(attack_says stale)" '; it says it was created (2[89]|3[01]) d[^;]* earlier'
like "the image of a registry is not challenged" "$(unchallenged i/remote)" \
	'registry cannot be damaged from here; challenge a layout of it'
is_real_untouched "layouts"

done_testing
