#!/bin/bash
# challenge of bills of materials in each format: what is expected is attacked, and noticed.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"

printf 'artifact\n' >artifact
digest=$(sha256sum <artifact | cut -c1-64)
now=$(date -u -d '2 minutes ago' +%Y-%m-%dT%H:%M:%SZ)
cat >cdx <<JSON
{ "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
  "metadata": { "timestamp": "$now", "component": { "type": "application", "name": "shop", "version": "2.31.0",
    "hashes": [ { "alg": "MD5", "content": "x" }, { "alg": "SHA-256", "content": "$digest" } ] } },
  "components": [
    { "name": "zlib", "version": "1.2.13", "licenses": [ { "license": { "id": "Zlib" } } ],
      "components": [ { "name": "inner", "version": "1", "licenses": [ { "expression": "MIT" } ] } ] },
    { "name": "curl", "version": "7.88.1", "licenses": [ { "license": { "id": "curl" } } ] } ] }
JSON
cat >spdx <<JSON
{ "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "shop", "creationInfo": { "created": "$now" },
  "packages": [
    { "SPDXID": "SPDXRef-shop", "name": "shop", "versionInfo": "2.31.0",
      "checksums": [ { "algorithm": "SHA256", "checksumValue": "${digest^^}" } ] },
    { "SPDXID": "SPDXRef-zlib", "name": "zlib", "versionInfo": "1.2.13", "licenseConcluded": "NOASSERTION", "licenseDeclared": "Zlib" } ],
  "relationships": [ { "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-shop" } ] }
JSON
cat >spdx3 <<JSON
{ "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
    { "type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "$now" },
    { "type": "SpdxDocument", "spdxId": "urn:d", "creationInfo": "_:c", "rootElement": [ "urn:b" ] },
    { "type": "software_Sbom", "spdxId": "urn:b", "rootElement": [ "urn:shop" ] },
    { "type": "software_Package", "spdxId": "urn:shop", "name": "shop", "software_packageVersion": "2.31.0",
      "verifiedUsing": [ { "type": "Hash", "algorithm": "sha256", "hashValue": "$digest" } ] },
    { "type": "software_Package", "spdxId": "urn:zlib", "name": "zlib", "software_packageVersion": "1.2.13" },
    { "type": "software_Package", "spdxId": "urn:curl", "name": "curl", "software_packageVersion": "7.88.1" } ] }
JSON
all="subject: '== \"shop\"', version: '== \"2.31.0\"', age: '< 1h', unversioned: '== 0'"
cat >assize.yaml <<YAML
assize: 1
audits:
  b:
    checks:
      - { id: plain, sbom: cdx }
      - { id: cdx, sbom: { path: cdx, artifact: artifact }, expect: { $all, unlicensed: "<= 50%", components: "== 3", spec: '== "1.5"' } }
      - { id: spdx, sbom: { path: spdx, artifact: artifact }, expect: { $all, unlicensed: "== 0", components: "== 1", spec: '== "2.3"' } }
      - { id: spdx3, sbom: { path: spdx3, artifact: artifact }, expect: { $all, spec: '== "3.0.1"' } }
      - { id: some, sbom: cdx, expect: { components: ">= 1", unversioned: "<= 1" } }
YAML
real_is artifact cdx spdx spdx3

begin='identity: steady
neighbour: steady
touched: steady
rewritten: steady
missing: error
empty: error
torn-half: error'
end='other-versions: out of reach
other-digest: failed
other-artifact: failed
artifact-missing: no value
other-subject: failed
other-version: failed
other-format: failed
stale: failed
ahead: no value'

is "what is implied: half of it may go" "$(attacks b/plain)" "$begin
components-lost: tolerated
other-versions: out of reach"
like "all of it may not" "$(attack_says components-lost)" \
	'^2 of its 3 components are gone: .*inside its bound.*; 3 of its 3 components are gone$'
is "CycloneDX" "$(attacks b/cdx)" "$begin
components-lost: failed
version-lost: failed
licence-lost: failed
$end"
like "one that is gone is one too many" "$(attack_says components-lost)" '; 1 of its 3'
like "a share of licences" "$(attack_says licence-lost)" '; 2 of its 3 components are without a licence'
like "how old it may be" "$(attack_says stale)" '; it says it was made (5[789] min|58 min [0-9]* s|1 h)'
like "a component that is another is not known here" "$(attack_says other-versions)" 'counted, not compared'
is "SPDX 2" "$(attacks b/spdx)" "$begin
components-lost: failed
version-lost: failed
licence-lost: failed
$end"
is "SPDX 3, which keeps licences elsewhere" "$(attacks b/spdx3)" "$begin
components-lost: tolerated
version-lost: failed
$end"
is "a bound that lets one through is asked with all of them" "$(attacks b/some | tail -2)" \
	'version-lost: failed
other-versions: out of reach'
like "and two are found to be too many" "$(attack_says version-lost)" \
	'^3 of its 3 .*; 2 of its 3 components are without a version'
is_real_untouched bills

done_testing
