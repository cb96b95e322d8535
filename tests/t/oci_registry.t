#!/bin/bash
# A registry: the real one, filled by skopeo, behind a password; and one that plays tricks.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/oci.sh"
cd "$TMP"

oci_image image
top=$(oci_top image)
arm64=$(oci_of image linux/arm64)
layer=$(jq -r '.layers[1].digest' "$(oci_path image "$arm64")")
printf '{"spdxVersion": "SPDX-2.3"}' >sbom.json
printf '{}' >empty.json
read -r sbom sbom_size <<<"$(oci_put image sbom.json)"
read -r empty empty_size <<<"$(oci_put image empty.json)"
jq -nc --arg sbom "$sbom" --argjson n "$sbom_size" --arg empty "$empty" --argjson e "$empty_size" \
	--arg top "$top" --argjson size "$(stat -c %s "$(oci_path image "$top")")" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
	artifactType: "application/spdx+json",
	config: {mediaType: "application/vnd.oci.empty.v1+json", digest: $empty, size: $e},
	layers: [{mediaType: "application/spdx+json", digest: $sbom, size: $n}],
	subject: {mediaType: "application/vnd.oci.image.index.v1+json", digest: $top, size: $size}}' >referrer
read -r referrer size <<<"$(oci_put image referrer)"
jq -c --arg d "$referrer" --argjson n "$size" \
	'.manifests += [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n}]' \
	image/index.json >index.json && cp index.json image/index.json

# the real one
port=$("$ROOT/tests/lib/free_port")
perl -e 'print "audit:", crypt("pass word", q{$2y$05$abcdefghijklmnopqrstuu}), "\n"' >htpasswd
cat >registry.yml <<YAML
version: 0.1
log: { accesslog: { disabled: true }, level: error }
storage: { filesystem: { rootdirectory: $TMP/store }, delete: { enabled: true } }
http: { addr: "127.0.0.1:$port" }
auth: { htpasswd: { realm: shop, path: $TMP/htpasswd } }
YAML
OTEL_TRACES_EXPORTER=none docker-registry serve registry.yml >registry.log 2>&1 &
reap $!
wait_for curl -s "http://127.0.0.1:$port/v2/" || bail "docker-registry did not start: $(cat registry.log)"
skopeo --insecure-policy copy --quiet --all --preserve-digests --dest-tls-verify=false \
	--dest-creds 'audit:pass word' "oci:image:v1" "docker://127.0.0.1:$port/shop/api:v1" >copy.log 2>&1 ||
	bail "skopeo could not push: $(cat copy.log)"

definition() # PORT
{
	cat <<YAML
assize: 1
targets:
  registry: { http: "http://127.0.0.1:$1" }
  dead: { http: "http://127.0.0.1:1" }
audits:
  r:
    checks:
      - { id: v1, target: registry, oci: { repository: shop/api, ref: v1, user: audit, password: "\${env:PASSWORD}", platforms: [linux/amd64, linux/arm64], labels: { org.opencontainers.image.version: "1.*" } }, expect: { digest: '== "$top"', size: "< 1 MiB", images: "== 2" } }
      - { id: digest, target: registry, oci: { repository: shop/api, ref: "$top", user: audit, password: "\${env:PASSWORD}" } }
      - { id: v2, target: registry, oci: { repository: shop/api, ref: v2, user: audit, password: "\${env:PASSWORD}" } }
      - { id: name, target: registry, oci: { repository: shop/none, ref: v1, user: audit, password: "\${env:PASSWORD}" } }
      - { id: s390x, target: registry, oci: { repository: shop/api, ref: v1, user: audit, password: "\${env:PASSWORD}", platforms: linux/s390x } }
      - { id: sbom, target: registry, oci: { repository: shop/api, ref: v1, user: audit, password: "\${env:PASSWORD}", referrers: "application/spdx*" } }
      - { id: anonymous, target: registry, oci: { repository: shop/api, ref: v1 } }
      - { id: named, target: registry, oci: { repository: shop/api, ref: v1, user: audit, password: "\${env:PASSWORD}", realm: "http://localhost:$1/token" } }
      - { id: orphans, target: registry, oci: { repository: shop/api, ref: v1, user: audit, password: "\${env:PASSWORD}" }, expect: { orphans: "== 0" } }
      - { id: dead, target: dead, oci: { repository: shop/api, ref: v1 } }
YAML
}
export PASSWORD='pass word'
definition "$port" >assize.yaml
all=
tells()
{
	run "$ASSIZE" run "r/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
	all+=$out$err
}

tells "what skopeo pushed passes" v1 0 'pass'
tells "by its digest" digest 0 'pass'
tells "a tag that is not there" v2 2 'shop/api on registry: there is no "v2"'
tells "a repository that is not there" name 2 'shop/none on registry: there is no "v1"'
tells "a platform that is not there" s390x 1 'linux/s390x: no image'
tells "nothing refers to it" sbom 1 'application/spdx\*: nothing of this type'
tells "no password" anonymous 2 'the registry asks for a password'
tells "orphans" orphans 2 'a registry does not tell what else it has'
tells "nobody there" dead 2 'could not connect|refused'
PASSWORD='not it' tells "a wrong password" v1 2 'the registry answers 401: user or password are wrong'

# its list of referrers, as the tag that stands in for the API
api=http://127.0.0.1:$port/v2/shop/api
put()
{
	curl -sf -u 'audit:pass word' -H "Content-Type: $3" -T "$2" "$api/$1" >/dev/null || bail "could not push $1"
}
push_blob()
{
	local to
	to=$(curl -sf -u 'audit:pass word' -X POST -D - -o /dev/null "$api/blobs/uploads/" |
		sed -n 's/^[Ll]ocation: \([^\r]*\).*/\1/p')
	curl -sf -u 'audit:pass word' -H 'Content-Type: application/octet-stream' -T "$2" "$to&digest=$1" >/dev/null ||
		bail "could not push $1"
}
push_blob "$sbom" sbom.json
push_blob "$empty" empty.json
put "manifests/$referrer" referrer application/vnd.oci.image.manifest.v1+json
jq -nc --arg d "$referrer" --argjson n "$size" '{schemaVersion: 2,
	mediaType: "application/vnd.oci.image.index.v1+json", manifests: [{
	mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "application/spdx+json",
	digest: $d, size: $n}]}' >list
put "manifests/sha256-${top#sha256:}" list application/vnd.oci.image.index.v1+json
tells "what refers to it, by tag" sbom 0 pass

# a definition to begin with
put manifests/v9 "$(oci_path image "$top")" application/vnd.oci.image.index.v1+json
run "$ASSIZE" init -o begun.yaml --oci "127.0.0.1:$port/shop/api:v9" --user audit --password-env PASSWORD
like "init" "$status $out" '^0 begun.yaml: 2 checks that hold now'
like "names the secret" "$(cat begun.yaml)" 'user: audit.*password: "\$\{env:PASSWORD}"'
unlike "and does not tell it" "$(cat begun.yaml)$out$err" "$PASSWORD"
exits "what it writes passes" 0 "$ASSIZE" run -f begun.yaml
put manifests/v9 "$(oci_path image "$(oci_of image linux/amd64)")" application/vnd.oci.image.manifest.v1+json
run "$ASSIZE" run -f begun.yaml
like "another image behind the tag" "$status $out" '^1 .*FAIL api/image:missing_platforms.*FAIL api/pinned:digest'
run "$ASSIZE" init -o other.yaml --oci "127.0.0.1:$port/shop/api:v9"
like "without a password" "$status $err" '^2 assize: .*the registry asks for a password'

stored=$TMP/store/docker/registry/v2/blobs/sha256/${layer:7:2}/${layer#sha256:}/data
cp "$stored" kept
printf 'X' | dd of="$stored" bs=1 seek=20 conv=notrunc status=none
tells "a flipped byte in its store" v1 1 'layer 2 of linux/arm64/v8\): its digest differs'
head -c -1 kept >"$stored"
tells "a byte less" v1 1 'layer 2 of linux/arm64/v8\): ([0-9]+ bytes were promised|.*shorter|.*length)|undecided'
rm "$stored"
run "$ASSIZE" run r/v1
isnt "a missing layer does not pass" "$status" 0
cp kept "$stored"
skopeo --insecure-policy copy --quiet --preserve-digests --src-tls-verify=false --dest-tls-verify=false \
	--src-creds 'audit:pass word' --dest-creds 'audit:pass word' --override-arch amd64 \
	"docker://127.0.0.1:$port/shop/api:v1" "docker://127.0.0.1:$port/shop/api:v1" >copy.log 2>&1 ||
	bail "skopeo could not push again: $(cat copy.log)"
tells "a tag that was moved" v1 1 'bound == "sha256:.*|linux/arm64: no image'

# the one that plays tricks
trick() # MODE...
{
	: >requests
	rm -f port # what the one before said is no answer of this one
	"$ROOT/tests/lib/oci_registry" image requests "$@" >port &
	reap $!
	wait_for grep -q . port || bail "oci_registry did not start"
	definition "$(cat port)" >assize.yaml
}
trick referrers
tells "a token" v1 0 pass
tells "what refers to it, by the API" sbom 0 pass
tells "a token for anybody" anonymous 0 pass
like "the token server is told what for" "$(cat requests)" '/token\?service=reg%20istry&scope=repository:shop/api:pull'
PASSWORD='not it' tells "a wrong password for a token" v1 2 'token server ".*/token": it answers 401: user or password are wrong'

trick token-elsewhere
tells "a token server on another host" v1 2 'wants the password shown to "http://localhost:[0-9]+/token".*realm: "http://localhost'
tells "also without a password, when it is not https" anonymous 2 'another host, not https'
unlike "it was not asked" "$(cat requests)" 'localhost'
tells "unless it is named" named 0 pass

trick blobs-elsewhere
tells "blobs kept elsewhere" v1 0 pass
like "they are asked for there" "$(cat requests)" 'localhost:[0-9]+ /elsewhere/sha256:'
unlike "without the token" "$(grep elsewhere/ requests)" 'Bearer|Basic'

trick claim
tells "a digest the registry only claims" v1 1 'the registry calls it sha256:000000000000… and sends sha256:'
trick flip
tells "a byte flipped on the way" v1 1 'layer 1 of linux/amd64\): its digest differs'
trick torn
tells "a torn layer" v1 2 'blobs? could not be verified'
trick proxy
tells "a 404 of somebody else" v2 2 'answers 404, not in the words of a registry'

unlike "the password is shown nowhere" "$all$(strings -n 6 .assize/record.db)" 'pass word|YXVkaXQ6cGFzcyB3b3Jk|tok.en-1'

cat >bad.yaml <<'YAML'
assize: 1
targets: { registry: { http: "http://127.0.0.1:1" } }
audits:
  r:
    checks:
      - { id: a, target: registry, oci: { repository: Shop/API, ref: v1 } }
      - { id: b, target: registry, oci: { repository: shop/api } }
      - { id: c, oci: { repository: shop/api, ref: v1 } }
      - { id: d, target: registry, oci: { repository: shop/api, ref: "../v1" } }
      - { id: e, target: registry, oci: { repository: shop/api, ref: v1, layout: image } }
      - { id: f, target: registry, oci: { repository: shop/api, ref: v1, user: audit } }
YAML
run "$ASSIZE" check -f bad.yaml
is "definition errors: exit status" "$status" 3
like "a name in capitals" "$err" 'r/a": "Shop/API" cannot be a repository'
like "no tag" "$err" 'r/b": nothing says which image'
like "no registry" "$err" 'r/c": nothing says which registry'
like "a tag that climbs" "$err" 'r/d": "ref" is neither a tag nor a digest'
like "two places" "$err" 'r/e": write either layout or repository'
like "half a login" "$err" 'r/f": user and password go together'
done_testing
