#!/bin/bash
# oci: an image layout as skopeo writes it passes; then everything that can be wrong with one is told.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/oci.sh"
cd "$TMP"

oci_image whole
top=$(oci_top whole)
amd64=$(oci_of whole linux/amd64)
arm64=$(oci_of whole linux/arm64)
config=$(jq -r .config.digest "$(oci_path whole "$amd64")")
layer=$(jq -r '.layers[1].digest' "$(oci_path whole "$amd64")")

cat >assize.yaml <<YAML
assize: 1
audits:
  i:
    checks:
      - { id: all, oci: image }
      - { id: hashed, oci: { layout: image, unpack: false } }
      - { id: v1, oci: { layout: image, ref: v1 }, expect: { images: "== 2" } }
      - { id: v2, oci: { layout: image, ref: v2 } }
      - { id: platforms, oci: { layout: image, platforms: [linux/amd64, linux/arm64] } }
      - { id: more, oci: { layout: image, platforms: [linux/amd64, linux/arm/v7, linux/s390x] } }
      - { id: labels, oci: { layout: image, labels: { org.opencontainers.image.version: "1.0.*" } } }
      - { id: other, oci: { layout: image, labels: { org.opencontainers.image.version: "1.1.*", maintainer: "*" } } }
      - { id: what, oci: { layout: image, labels: { org.opencontainers.image.version: "*" } }, expect: { label: '== "1.0.3"' } }
      - { id: who, oci: { layout: image, labels: { maintainer: "*" } }, expect: { label: '!= "nobody"', label_differences: ">= 0" } }
      - { id: size, oci: image, expect: { size: "between 1 KiB and 2 KiB", layers: "== 2", total_size: "< 4KiB" } }
      - { id: user, oci: image, expect: { user: '!= "root"' } }
      - { id: age, oci: image, expect: { age: "> 1d" } }
      - { id: sbom, oci: { layout: image, referrers: ["application/spdx*"] } }
      - { id: pinned, oci: { layout: image, ref: v1 }, expect: { digest: '== "$top"' } }
YAML

intact()
{
	chmod -R u+rwX image 2>/dev/null
	rm -rf image
	cp -r whole image
}

# claim, check, exit status, what the output must say
tells()
{
	run "$ASSIZE" run "i/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

# the same, where only explain says it
explains()
{
	tells "$1" "$2" "$3" .
	like "$1: explained" "$("$ASSIZE" explain latest "i/$2")" "$4"
}

intact
for check in all hashed v1 platforms labels what size user age pinned; do
	exits "intact: $check passes" 0 "$ASSIZE" run "i/$check"
done
explains "each blob is looked at once" all 0 'measured +0 problems, n = 8'
tells "a name that is not there" v2 2 'nothing in it is named "v2".*the names there are: v1'
tells "platforms without an image" more 1 'linux/arm/v7: no image.*linux/s390x: no image.*there is: linux/amd64'
tells "a label that is absent has no value" who 2 'there is no such label'
tells "labels" other 1 'linux/amd64: maintainer is absent, not "\*"'
tells "labels" other 1 'version is "1.0.3", not "1.1.\*"'
tells "nothing refers to it" sbom 1 'application/spdx\*: nothing of this type refers to the image'

# blobs
flip()
{
	local path
	path=$(oci_path image "$1")
	printf '%s' "$(head -c 1 "$path" | tr '\000-\377' '\001-\377\000')" |
		dd of="$path" bs=1 seek="${2:-0}" conv=notrunc status=none
}
for blob in "$top" "$amd64" "$config" "$layer"; do
	intact
	flip "$blob" 20
	tells "flipped byte in ${blob:0:15}" all 1 "${blob:0:19}….*: its digest differs \(found sha256:"
done
intact
flip "$layer" 20
tells "which layer it is" all 1 'layer 2 of linux/amd64\): its digest differs'
tells "no image has a size then" size 1 'not known; problems says which|total_size.*no value|undecided'
intact
flip "$top" 20
tells "what a damaged index leads to is not an orphan" all 1 'undecided.*orphans|orphans.*could not be followed'
tells "nor missing" platforms 1 'missing_platforms.*could not be followed'
intact
echo >>"$(oci_path image "$layer")"
tells "a byte more" all 1 'layer 2 of linux/amd64\): it is longer than the [0-9]+ bytes that were promised'
intact
truncate -s -1 "$(oci_path image "$layer")"
tells "a byte less" all 1 'bytes were promised, it has'
intact
oci_edit image "$amd64" '$d->{layers}[1]{size}++'
tells "a wrong size in the manifest" all 1 'layer 2 of linux/amd64\): [0-9]+ bytes were promised, it has'
intact
oci_edit image "$arm64" '$d->{layers}[0]{size}++'
tells "also of a blob seen before" all 1 'layer 1 of linux/arm64/v8\): [0-9]+ bytes were promised'
intact
rm "$(oci_path image "$layer")"
tells "a missing blob" all 1 'layer 2 of linux/amd64\): is missing'
intact
rm -r image/blobs
tells "no blobs at all" all 1 '\(v1\): is missing'
intact
mv "$(oci_path image "$layer")" outside
ln -s ../../../outside "$(oci_path image "$layer")"
tells "a link instead of a blob" all 1 'there is a symbolic link in its place'
intact
rm "$(oci_path image "$layer")"
mkfifo "$(oci_path image "$layer")"
tells "a pipe hangs nobody" all 1 'there is a special file in its place'
intact
chmod 0 "$(oci_path image "$layer")"
run obeys_modes "$ASSIZE" run i/all
is "an unreadable blob: exit status" "$status" 2
like "an unreadable blob: told" "$out" '1 blob could not be verified'

# orphans
intact
echo orphan >"$(oci_path image sha256:"$(printf '%064d' 0)")"
tells "an orphan blob" all 1 'blobs/sha256/0000000000.*: nothing leads to it'
intact
echo orphan >image/blobs/readme
tells "an orphan beside the blobs" all 1 'blobs/readme: nothing leads to it'

# platforms
intact
oci_edit image "$top" 'pop @{$d->{manifests}}'
rm -f "$(oci_path image "$arm64")"
tells "a missing platform" platforms 1 'linux/arm64: no image.*there is: linux/amd64'
intact
oci_edit image "$top" '$d->{manifests}[1]{platform} = {os => "linux", architecture => "riscv64"}'
tells "a platform that the config contradicts" all 1 'the index says it is for linux/riscv64, its config says linux/arm64/v8'
intact
oci_edit image "$top" 'push @{$d->{manifests}}, {%{$d->{manifests}[0]}, platform => {os => "linux", architecture => "riscv64"}}'
tells "an image that is announced for two" all 1 'the index says it is for linux/riscv64, its config says linux/amd64'
intact
oci_edit image "$config" '$d->{architecture} = "arm64"'
tells "twice the same platform" size 1 'there are several images for|the index says it is for linux/amd64, its config says linux/arm64'

# documents
intact
oci_edit image "$config" '@{$d->{rootfs}{diff_ids}} = reverse @{$d->{rootfs}{diff_ids}}'
tells "layers in another order" all 1 'layer 1 of linux/amd64\): unpacks to sha256:.*, the config says sha256:'
tells "unless nothing is unpacked" hashed 0 pass
intact
oci_edit image "$config" 'pop @{$d->{rootfs}{diff_ids}}'
tells "a layer the config does not count" all 1 'it has 2 layers, its config counts 1'
intact
gzip -dc "$(oci_path image "$layer")" | gzip -n9 | head -c -8 >torn
oci_replace image "$layer" torn
tells "a torn layer with the right digest" all 1 'layer 2 of linux/amd64\): cannot be unpacked: the gzip stream has no end'
intact
oci_edit image "$amd64" '$d->{manifests} = []'
tells "an index and a manifest at once" all 1 'it is an index and a manifest at once'
intact
oci_edit image "$amd64" '$d->{mediaType} = "application/vnd.docker.distribution.manifest.v2+json"'
tells "a type the index contradicts" all 1 'is announced as ".*oci.image.manifest.v1.json" and is ".*docker'
intact
oci_edit image "$amd64" '$d->{layers}[1]{digest} = "sha256:../../../../etc/passwd"'
tells "a digest that climbs out" all 1 'sha256:../../../../etc/passwd \(layer 2 of linux/amd64\): this is no digest'
intact
oci_edit image "$amd64" '$d->{layers}[1]{digest} = "sha512:00"'
tells "a digest nobody verified" all 2 'only SHA-256 digests can be verified'
intact
oci_edit image "$amd64" '$d->{layers}[1]{size} = 1 << 60'
tells "a size that is none" all 1 'has no valid size'
intact
oci_edit image "$amd64" '$d->{config}{urls} = ["https://elsewhere.example/config"]'
rm "$(oci_path image "$config")"
tells "a config that is kept elsewhere" all 2 'config of linux/amd64\): is kept elsewhere and was not looked at'
intact
oci_edit image "$top" '$d->{manifests} = [{%{$d->{manifests}[1]}, mediaType => "application/vnd.oci.image.layer.v1.tar"}, @{$d->{manifests}}]'
flip "$(jq -r '.layers[1].digest' "$(oci_path image "$arm64")")" 20
tells "a manifest that passed for something else before" all 2 'layer 2 of linux/arm64/v8\): its digest differs'
intact
oci_edit image "$amd64" '$d->{layers}[1]{mediaType} = "application/x-odd"'
explains "a layer of no known type is said" all 0 'media type "application/x-odd" is not one of a layer'
intact
oci_edit image "$config" 'delete $d->{config}{User}'
tells "a user that is root" user 1 'user.platform=.linux/amd64.* .root. bound != .root.'
for root in 0:1000 +0 -00; do
	intact
	oci_edit image "$config" "\$d->{config}{User} = '$root'"
	tells "a user that is root: $root" user 1 'user.platform=.linux/amd64.* .root. bound != .root.'
done
intact
oci_edit image "$config" 'delete $d->{architecture}; delete $d->{os}'
tells "a config that names no platform" all 1 'the index says it is for linux/amd64, its config names none'
intact
oci_edit image "$config" '$d->{created} = "2999-01-01T00:00:00Z"'
tells "an image of the future" age 2 'created in the future'

# documents nobody would follow
intact
oci_edit image "$top" '$d->{manifests}[1]{mediaType} = "application/x-odd"'
tells "an image of no known type" all 2 'linux/arm64/v8\): a document of type "application/x-odd" is not followed|1 blob could not be verified'
intact
oci_edit image "$top" 'push @{$d->{manifests}}, {%{$d->{manifests}[1]}, mediaType => "application/x-odd"}; delete $d->{manifests}[2]{platform}'
explains "beside the images it is only said" all 0 'a document of type "application/x-odd" is not followed'
intact
sed -i 's/application.vnd.oci.image.index.v1.json/application\/x-odd/' image/index.json
tells "a layout of nothing known" all 2 '1 blob could not be verified'
intact
oci_edit image "$top" '$d->{manifests} = []'
tells "an index of nothing" all 1 'v1: it is an index that is empty: "manifests" lists nothing'

# what refers to it
intact
printf '{"spdxVersion": "SPDX-2.3"}' >sbom.json
printf '{}' >empty.json
read -r sbom sbom_size <<<"$(oci_put image sbom.json)"
read -r empty empty_size <<<"$(oci_put image empty.json)"
refers() # SIZE-OF-SUBJECT
{
	intact
	oci_put image sbom.json >/dev/null
	oci_put image empty.json >/dev/null
	jq -nc --arg sbom "$sbom" --argjson n "$sbom_size" --arg empty "$empty" --argjson e "$empty_size" \
		--arg top "$top" --argjson size "$1" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "application/spdx+json",
		config: {mediaType: "application/vnd.oci.empty.v1+json", digest: $empty, size: $e},
		layers: [{mediaType: "application/spdx+json", digest: $sbom, size: $n}],
		subject: {mediaType: "application/vnd.oci.image.index.v1+json", digest: $top, size: $size}}' >referrer
	read -r referrer size <<<"$(oci_put image referrer)"
	jq -c --arg d "$referrer" --argjson n "$size" \
		'.manifests += [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}]' \
		image/index.json >index.json
	cp index.json image/index.json
}
refers 1
tells "a subject of another size" all 1 'its subject is announced as "[^"]*index[^"]*" of 1 bytes and is "[^"]*" of [0-9]+'
refers "$(stat -c %s "$(oci_path image "$top")")"
tells "an SBOM refers to it" sbom 0 pass
tells "and is no image" v1 0 pass
flip "$sbom" 3
tells "a damaged SBOM is told" sbom 1 'its digest differs'

# not a layout
intact
rm image/index.json
tells "no index" all 2 'index.json.*No such file.*an image layout is a folder with'
intact
echo '{"imageLayoutVersion": "2.0.0"}' >image/oci-layout
tells "another version of layouts" all 2 'does not say imageLayoutVersion 1.0.0'
intact
echo '{"schemaVersion": 2, "manifests": []}' >image/index.json
tells "an index of nothing" all 2 'its index.json is empty: "manifests" lists no image'
rm -rf image
tells "no folder" all 2 'could not open image layout'

# the same in one file, as skopeo writes it and as tar does
intact
sed 's/: image/: image.tar/' assize.yaml >tar.yaml
tar_tells()
{
	run "$ASSIZE" run -f tar.yaml "i/$2"
	is "tar, $1: exit status" "$status" "$3"
	like "tar, $1: told" "$out$err" "$4"
}
skopeo --insecure-policy copy --quiet --all --preserve-digests oci:image:v1 oci-archive:image.tar:v1 >/dev/null 2>&1 ||
	bail "skopeo writes no archive"
tar_tells "by skopeo" pinned 0 pass
tar -C image -cf image.tar .
tar_tells "by tar" platforms 0 pass
echo orphan >image/blobs/readme
flip "$layer" 20
tar -C image -cf image.tar .
tar_tells "flipped byte" all 1 'layer 2 of linux/amd64\): its digest differs'
tar_tells "orphan" all 1 'blobs/readme: nothing leads to it'
intact
rm "$(oci_path image "$layer")"
tar -C image -cf image.tar .
tar_tells "missing blob" all 1 'layer 2 of linux/amd64\): is missing'
tar -C image -rf image.tar ./index.json
tar_tells "an index twice" all 2 '"index.json" is in it twice'
intact
tar -C image -Pcf image.tar --transform 's,index.json,blobs/../index.json,' .
tar_tells "a name that climbs" all 2 '"blobs/../index.json" in it is no plain name'
intact
tar -C image -cf image.tar .
truncate -s 3000 image.tar
tar_tells "cut" all 2 'it is cut: a member has no end|it has no end'
tar -C image -czf image.tar .
tar_tells "compressed" all 2 'at byte 0 is no member of a tar.*must be unpacked first'
tar -C image -cf image.tar index.json
tar_tells "no layout" all 2 'there is no file oci-layout in it'

# definitions
cat >bad.yaml <<'YAML'
assize: 1
audits:
  i:
    checks:
      - { id: a, oci: { layout: image, platforms: [amd64] } }
      - { id: b, oci: { layout: image, ref: "sha256:abc" } }
YAML
run "$ASSIZE" check -f bad.yaml
is "definition errors: exit status" "$status" 3
like "a platform without a system" "$err" '"amd64" is no platform'
like "half a digest" "$err" '"ref" is a digest that is cut or misspelt'

exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/oci.yaml"
# A definition to begin with: it passes, fails when the image is another, and says what is weak.
rm -rf assize.yaml .assize
intact
run "$ASSIZE" init --oci image:v1
is "an image" "$status $out$err" "0 assize.yaml: 2 checks that hold now
next: read it, then assize run"
like "its platforms" "$(cat assize.yaml)" 'platforms: \["linux/amd64", "linux/arm64/v8"]'
like "labels that last, and those of a release" "$(cat assize.yaml)" 'image.vendor: Shop.*image.version: "\*"'
like "size and user" "$(cat assize.yaml)" 'size: "<= 1.[0-9] KiB" # each; the largest has 1.[0-9] KiB.*user: .== "1000".'
like "the very image" "$(cat assize.yaml)" "digest: '== \"$top\"'"
exits "it passes" 0 "$ASSIZE" run
config=$(jq -r .config.digest "$(oci_path image "$(oci_of image linux/amd64)")")
oci_edit image "$config" 'delete $d->{config}{User}; $d->{config}{Labels}{"org.opencontainers.image.vendor"} = "Else"'
cp -r image root
oci_edit image "$(oci_top image)" 'pop @{$d->{manifests}}'
run "$ASSIZE" run
for what in 'missing_platforms.*measured +1 platform' 'label_differences.*measured +1 label' 'user.*measured +"root"'; do
	like "another image: ${what%%.*}" "$out" "FAIL image/image .*series +$what"
done
like "has another digest" "$out" 'FAIL image/pinned:digest'
run "$ASSIZE" init -o root.yaml --oci root
like "root is told, and not called well" "$status $err$(cat root.yaml)" "^0 assize: root: weak: it runs as root on linux/amd64.*# user: '!= \"root\"'"
exits "the rest of it passes" 0 "$ASSIZE" run -f root.yaml
intact
echo more >image/blobs/sha256/"$(echo more | sha256sum | cut -c1-64)"
run "$ASSIZE" init -o orphans.yaml --oci image
like "is told" "$status $err" '^0 assize: image: weak: nothing leads to 1 of its blobs'
exits "and no more of it passes" 0 "$ASSIZE" run -f orphans.yaml
printf x | dd of="$(oci_path image "$(jq -r '.layers[0].digest' "$(oci_path image "$(oci_of image linux/amd64)")")")" \
	conv=notrunc 2>/dev/null
run "$ASSIZE" run
like "nor a flipped byte" "$status $out" '^1 .*FAIL image/image .*series +problems.*series +orphans.*FAIL image/pinned '
refused()
{
	run "$ASSIZE" init -o refused.yaml --oci "${@:4}"
	like "$1" "$status $err" "^$2 assize: .*$3"
}
refused "a damaged image" 2 'image: damaged: .*help: a damaged image is nothing to begin with' image
refused "a name nobody knows" 3 '"alpine" is neither .*help: name the registry too' alpine
refused "which of them" 3 'which image of the repository.*help: add a tag' localhost:1/shop/api
refused "a password in it" 3 'must not carry a user name or password.help: .*--password-env' ada:sesame@localhost/shop:v1
refused "half of who asks" 3 'asked with --user and --password-env' localhost:1/shop/api:v1 --user ada

done_testing
