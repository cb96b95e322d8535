# oci.sh: container images for a shell test, small and real. Source it after tap.sh.
#
#	oci_image DIR        an image layout as skopeo writes it: name v1, an index of linux/amd64 and
#	                     linux/arm64/v8, one gzip layer that both share and one of each
#	oci_put DIR FILE     adds FILE as a blob and prints "DIGEST SIZE"
#	oci_path DIR DIGEST  where that blob is
#	oci_top DIR          digest of what index.json lists first
#	oci_of DIR PLATFORM  digest of the manifest of os/architecture in that index
#	oci_edit DIR DIGEST PERL   changes the document $d and all that lead to it, up to index.json
#	oci_replace DIR DIGEST FILE   the same with new content for that blob
#
# shellcheck shell=bash

oci_path()
{
	printf '%s/blobs/sha256/%s\n' "$1" "${2#sha256:}"
}

oci_put()
{
	local digest
	digest=$(sha256sum <"$2" | cut -c1-64)
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/$digest"
	echo "sha256:$digest $(stat -c %s "$2")"
}

oci_top()
{
	jq -r '.manifests[0].digest' "$1/index.json"
}

oci_of()
{
	jq -r --arg p "$2" '.manifests[] | select("\(.platform.os)/\(.platform.architecture)" == $p).digest' \
		"$(oci_path "$1" "$(oci_top "$1")")"
}

# DIR ARCHITECTURE VARIANT: an image of that platform; prints its descriptor for an index.
oci_platform()
{
	local dir=$1 arch=$2 variant=$3 work=$TMP/.oci layer size layers=() ids=()

	for layer in shared "$arch"; do
		mkdir -p "$work/$layer"
		echo "$layer" >"$work/$layer/motd"
		tar -C "$work/$layer" --sort=name --mtime=@0 --owner=0 --group=0 -cf "$work/layer.tar" motd
		ids+=("sha256:$(sha256sum <"$work/layer.tar" | cut -c1-64)")
		gzip -nf "$work/layer.tar"
		layers+=("$(oci_put "$dir" "$work/layer.tar.gz")")
	done
	jq -nc --arg arch "$arch" --arg variant "$variant" '{created: "2026-01-02T03:04:05Z",
		architecture: $arch, os: "linux", config: {User: "1000:1000", Labels: {
		"org.opencontainers.image.version": "1.0.3", "org.opencontainers.image.vendor": "Shop"}},
		rootfs: {type: "layers", diff_ids: $ARGS.positional}}
		| if $variant != "" then .variant = $variant else . end' \
		--args "${ids[@]}" >"$work/config"
	jq -nc --arg config "$(oci_put "$dir" "$work/config")" 'def of($type): split(" ")
		| {mediaType: "application/vnd.oci.image.\($type)", digest: .[0], size: (.[1] | tonumber)};
		{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: ($config | of("config.v1+json")),
		layers: ($ARGS.positional | map(of("layer.v1.tar+gzip")))}' \
		--args "${layers[@]}" >"$work/manifest"
	read -r layer size <<<"$(oci_put "$dir" "$work/manifest")"
	jq -nc --arg digest "$layer" --argjson size "$size" --arg arch "$arch" --arg variant "$variant" \
		'{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
		platform: ({os: "linux", architecture: $arch}
		+ if $variant != "" then {variant: $variant} else {} end)}'
}

# Everything is put together by hand, then copied by skopeo, which reads and writes it all anew.
oci_image()
{
	local made=$TMP/.oci/made digest size
	rm -rf "$TMP/.oci" "$1"
	mkdir -p "$made"
	echo '{"imageLayoutVersion": "1.0.0"}' >"$made/oci-layout"
	{ oci_platform "$made" amd64 "" && oci_platform "$made" arm64 v8; } |
		jq -sc '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
			manifests: .}' >"$TMP/.oci/index"
	read -r digest size <<<"$(oci_put "$made" "$TMP/.oci/index")"
	jq -nc --arg digest "$digest" --argjson size "$size" '{schemaVersion: 2, manifests: [{
		mediaType: "application/vnd.oci.image.index.v1+json", digest: $digest, size: $size,
		annotations: {"org.opencontainers.image.ref.name": "v1"}}]}' >"$made/index.json"
	skopeo --insecure-policy copy --quiet --all --preserve-digests "oci:$made:v1" "oci:$1:v1" \
		>"$TMP/.oci/skopeo" 2>&1 || bail "skopeo could not copy: $(cat "$TMP/.oci/skopeo")"
}

oci_edit()
{
	"$ROOT/tests/lib/oci_edit" "$1" "$2" "$3" || bail "not edited: $3"
}

oci_replace()
{
	"$ROOT/tests/lib/oci_edit" "$1" "$2" "$3" file || bail "not replaced: $2"
}
