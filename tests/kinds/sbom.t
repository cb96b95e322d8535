#!/bin/bash
# sbom: bills of materials in both formats pass; then each mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/cases.sh"
cd "$TMP"

# expects STATUS CLAIM FILE KEYS EXPECT WORDS
expects() { add_case sbom "$@"; }

printf 'artifact\n' >artifact
printf 'other\n' >other
digest=$(sha256sum <artifact | cut -c1-64)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
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
    { "type": "software_Package", "spdxId": "urn:zlib", "name": "zlib", "software_packageVersion": "1.2.13" } ] }
JSON
subject="subject: '== \"shop\"', version: '== \"2.31.0\"', age: '< 1h', unversioned: '== 0'"
expects pass CycloneDX cdx "artifact: artifact" "$subject, unlicensed: '== 0', components: '== 3', format: '== \"CycloneDX\"', spec: '== \"1.5\"'" ""
expects pass "SPDX 2" spdx "artifact: artifact" "$subject, unlicensed: '== 0', components: '== 1', format: '== \"SPDX\"', spec: '== \"2.3\"'" ""
jq 'del(.relationships) | .documentDescribes = ["SPDXRef-shop"]' spdx >spdx22
expects pass "SPDX 2, by its list" spdx22 "artifact: artifact" "$subject" ""
expects pass "SPDX 3" spdx3 "artifact: artifact" "$subject, spec: '== \"3.0.1\"'" ""
for file in cdx spdx spdx3; do
	expects fail "$file: another artifact" $file "artifact: other" "" 'it is about [0-9a-fA-F]{12}…, the artifact is [0-9a-f]{12}…'
done

# mutated CLAIM FROM FILTER STATUS KEYS EXPECT WORDS
mutated()
{
	jq "$3" "$2" >m$n_cases || bail "no jq"
	expects "$4" "$1" m$n_cases "$5" "$6" "$7"
}
mutated "no version" cdx 'del(.components[1].version)' fail "" "unversioned: '== 0'" 'curl'
mutated "no version, inside another" cdx 'del(.components[0].components[0].version)' fail "" "unversioned: '== 0'" 'inner'
mutated "no licence" cdx '.components[1].licenses = []' fail "" "unlicensed: '<= 5%'" 'curl'
mutated "no version, inside the subject" cdx '.metadata.component.components = [{name: "part"}]' fail "" "unversioned: '== 0'" 'part'
for none in NOASSERTION none UNKNOWN ' ' 'UNKNOWN '; do
	mutated "a version that is none: $none" cdx ".components[1].version = \"$none\"" fail "" "unversioned: '== 0'" 'curl'
	mutated "a version that is none in SPDX: $none" spdx ".packages[1].versionInfo = \"$none\"" fail "" "unversioned: '== 0'" 'zlib'
done
for none in '{license: {name: "Unknown"}}' '{license: {name: " "}}' '{expression: "NOASSERTION"}' '{license: {name: "NONE"}}' '{license: {}}'; do
	mutated "a licence that is none: $none" cdx ".components[1].licenses = [$none]" fail "" "unlicensed: '== 0'" 'curl'
done
mutated "a digest that is none" cdx '.metadata.component.hashes[1].content = "é"' undecided "artifact: artifact" "" 'is not 64 hexadecimal digits'
mutated "made long ago from something new" spdx3 '."@graph"[0].created = "2020-01-01T00:00:00Z" | ."@graph" += [{type: "CreationInfo", "@id": "_:new", specVersion: "3.0.1", created: (now | todate)}]' \
	fail "" "age: '< 24h'" 'd"'
mutated "a time without a zone" cdx '.metadata.timestamp = "2020-01-01T00:00:00"' undecided "" "age: '< 24h'" 'is no time with a zone'
mutated "no version in SPDX" spdx 'del(.packages[1].versionInfo)' fail "" "unversioned: '== 0'" 'zlib'
mutated "NOASSERTION" spdx '.packages[1].licenseDeclared = "NOASSERTION"' fail "" "unlicensed: '== 0'" 'zlib'
mutated "an old one" cdx '.metadata.timestamp = "2020-01-01T00:00:00Z"' fail "" "age: '< 24h'" 'd"'
mutated "another name" cdx '.metadata.component.name = "shed"' fail "" "subject: '== \"shop\"'" 'shed'
mutated "no components" cdx '.components = []' fail "" "" '"0"'
mutated "none at all, and their versions" cdx 'del(.components)' undecided "" "components: '< 1e9', unversioned: '== 0'" 'it lists no components'
mutated "no digest" cdx 'del(.metadata.component.hashes[1])' undecided "artifact: artifact" "" 'it does not give the SHA-256'
for twin in 'cdx .metadata.component.hashes+=[{alg:"SHA-256",content:("0"*64)}]' \
	'spdx .packages[0].checksums|=[{algorithm:"SHA256",checksumValue:("0"*64)}]+.' \
	'spdx3 ."@graph"[3].verifiedUsing+=[{algorithm:"sha256",hashValue:("0"*64)}]'; do
	mutated "${twin%% *}: two digests" ${twin%% *} "${twin#* }" undecided "artifact: artifact" "" 'two SHA-256 that differ'
done
for twin in 'spdx .packages+=[.packages[0]+{checksums:[]}]' 'spdx .packages|=[.[0]+{checksums:[]}]+.' \
	'spdx3 ."@graph"+=[."@graph"[3]+{verifiedUsing:[]}]'; do
	mutated "${twin#* }: an id twice" ${twin%% *} "${twin#* }" undecided "artifact: artifact" "" 'two packages of it have the id'
done
refs='.metadata.component."bom-ref"="a" | .components[0]."bom-ref"="b" | .components[0].components[0]."bom-ref"="c" | .components[1]."bom-ref"="d" |
	.services=[{"bom-ref":"e", name:"s", services:[{"bom-ref":"f", name:"t"}, {name:"u"}]}]'
mutated "each with a bom-ref of its own" cdx "$refs" pass "artifact: artifact" "$subject, components: '== 3'" ""
for twin in '.components[1]."bom-ref"="b"' '.components[1]."bom-ref"="c"' '.components[1]."bom-ref"="a"' '.services[0]."bom-ref"="d"' \
	'.services[0].services[1]."bom-ref"="e"' '.metadata.component.components=[{"bom-ref":"d",name:"part"}]'; do
	mutated "$twin: a bom-ref twice" cdx "$refs | $twin" undecided "artifact: artifact" "" 'two components or services of it have the bom-ref "[a-e]"'
done
mutated "services that are no list" cdx '.services = {}' undecided "" "" 'its .*services.* is no list'
for alike in 'cdx .Components=[]' 'cdx .components[0]."BOM-ref"="x"' 'cdx .metadata.Component={}' 'cdx .components[1].Version="9"' 'spdx .Packages=[]' \
	'spdx .packages[0].spdxid="x"' 'spdx .relationships[0].RelatedSpdxElement="SPDXRef-zlib"'; do
	mutated "${alike#* }: another member without regard to case" ${alike%% *} "${alike#* }" undecided "" "" \
		'to readers without regard to case'
done
mutated "described the other way round" spdx '.relationships = [{spdxElementId: "SPDXRef-shop", relationshipType: "DESCRIBED_BY", relatedSpdxElement: "SPDXRef-DOCUMENT"}]' \
	pass "artifact: artifact" "$subject, components: '== 1'" ""
mutated "a digest twice" cdx '.metadata.component.hashes |= . + .' pass "artifact: artifact" "" ""
for list in null '{}' '"x"'; do
	mutated "components that are $list" cdx ".components = $list" undecided "" "components: '< 1e9'" 'its .*components.* is no list'
	mutated "packages that are $list" spdx ".packages = $list" undecided "" "components: '< 1e9'" 'its .*packages.* is no list'
done
for item in null '{}' 7 '"x"' '{name: ""}' '{name: null}'; do
	mutated "a component that is $item" cdx ".components[1] = $item" undecided "" "" 'component 3 of it has no name'
	mutated "a package that is $item" spdx ".packages[1] = $item" undecided "" "" 'component 1 of it has no name'
done
mutated "a component inside another that is null" cdx '.components[0].components = [null]' undecided "" "" 'component 2 of it has no name'
mutated "no subject" cdx 'del(.metadata.component)' undecided "artifact: artifact" "" 'it does not say what it is about'
mutated "described by another package" spdx '.relationships[0].spdxElementId = "SPDXRef-zlib"' undecided "artifact: artifact" "" \
	'it does not say what it is about'
mutated "nothing described" spdx 'del(.relationships)' undecided "artifact: artifact" "" 'it does not say what it is about'
mutated "no time" cdx 'del(.metadata.timestamp)' undecided "" "age: '< 24h'" 'it does not say when it was made'
mutated "a time that is none" cdx '.metadata.timestamp = "today"' undecided "" "age: '< 24h'" 'is no time'
mutated "made tomorrow" cdx '.metadata.timestamp = "2999-01-01T00:00:00Z"' undecided "" "age: '< 24h'" 'in the future'
mutated "an unknown version" cdx '.specVersion = "2.0"' undecided "" "" 'cannot read CycloneDX .*2.0'
mutated "an unknown SPDX" spdx '.spdxVersion = "SPDX-1.2"' undecided "" "" 'cannot read SPDX .*SPDX-1.2'
mutated "an unknown SPDX 3" spdx3 '."@graph"[0].specVersion = "4.0"' undecided "" "" 'cannot read SPDX .*4.0'
mutated "something else" cdx '{a: 1}' undecided "" "" 'neither CycloneDX nor SPDX'
mutated "a list" cdx '[.]' undecided "" "" 'not a JSON object'
expects undecided "licences of SPDX 3" spdx3 "" "unlicensed: '== 0'" 'licences of SPDX 3 are not read'
head -c 300 cdx >torn
expects undecided "a torn document" torn "" "" 'bill of materials'
expects undecided "no document" gone "" "" 'No such file'
expects undecided "no artifact" cdx "artifact: gone" "" 'No such file'
expects undecided "a document too large" cdx "max_size: 100B" "" 'larger than the limit'

judge_cases
exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/sbom.yaml"
done_testing
