#!/bin/bash
# challenge of archives: which attacks there are in each format, and what became of each.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"

mkdir -p tree/bin tree/etc
printf 'program\n' >tree/bin/app
printf 'key=value\n' >tree/etc/app.conf
printf 'license\n' >tree/LICENSE
seq 20000 >tree/etc/numbers
chmod 755 tree/bin/app
chmod 644 tree/etc/* tree/LICENSE
(cd tree && find . -type f -exec sha256sum {} + >../MEMBERS)
packed()
{
	tar --owner=root:0 --group=root:0 --sort=name -C tree -caf "$@" .
}
for format in tar tar.gz tar.xz tar.bz2 tar.zst; do
	packed a.$format
done
(cd tree && zip -qr ../a.zip . && bsdtar -cf ../a.7z --format 7zip bin etc LICENSE &&
	bsdtar -cf ../a.cpio --format newc bin etc LICENSE && ar rc ../a.ar LICENSE etc/numbers)
ln tree/etc/numbers tree/etc/twice
packed linked.tar.gz
rm tree/etc/twice
mkdir -p package/DEBIAN package/usr/share/shop
printf 'Package: shop\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: shop\n' \
	>package/DEBIAN/control
seq 1000 >package/usr/share/shop/numbers
dpkg-deb --root-owner-group --build package a.deb >/dev/null

cat >assize.yaml <<'YAML'
assize: 1
audits:
  a:
    checks:
      - { id: all, archive: { path: a.tar.gz, required: [LICENSE, "bin/*", etc/], forbidden: ["*.pem", "*.git/*"], members: MEMBERS, exact: true, modes: { "bin/*": "0755", "etc/*": "0644" }, owner: "root:root", links: none } }
      - { id: tar, archive: a.tar }
      - { id: gz, archive: a.tar.gz }
      - { id: xz, archive: a.tar.xz }
      - { id: bz2, archive: a.tar.bz2 }
      - { id: zst, archive: a.tar.zst }
      - { id: zip, archive: a.zip }
      - { id: sevenz, archive: a.7z }
      - { id: cpio, archive: a.cpio }
      - { id: ar, archive: a.ar }
      - { id: deb, archive: { path: a.deb, required: [debian-binary, "control.tar.*", "data.tar.*"] } }
      - { id: linked, archive: { path: linked.tar.gz, required: [etc/twice] } }
      - { id: lenient, archive: { path: a.tar.gz, links: any, max_ratio: 1000, allow: [case, devices, duplicates, gaps, setuid] } }
      - { id: few, archive: a.tar.gz, expect: { differences: "<= 3" } }
      - { id: counts, archive: a.tar.gz, expect: { members: ">= 4" } }
      - { id: ratio, archive: a.tar.gz, expect: { ratio: "> 1" } }
YAML
real_is tree MEMBERS a.*

controls='identity: steady
neighbour: steady
touched: steady
repacked: steady'
torn='missing: error
empty: error
torn-half: error
torn-byte: error'
flips='bit-flipped [head]: error
bit-flipped [middle]: error
bit-flipped [tail]: error'
unsafe='climbing: failed
absolute: failed
link-escapes [etc/numbers]: failed
duplicate: failed
case-twin: failed
device: failed
suid: failed'

is "members that are asked for, in every way" "$(attacks a/all)" "$controls
$torn
$flips
byte-appended: failed
member-lost [LICENSE]: failed
member-lost [bin/*]: failed
member-lost [etc/]: failed
member-changed [etc/numbers]: failed
member-lost [etc/numbers]: failed
member-added [*.pem]: failed
member-added [*.git/*]: failed
member-added [not listed]: failed
member-mode [bin/*]: failed
member-mode [etc/*]: failed
member-owner [etc/numbers]: failed
$unsafe
bomb: error"
like "what is told is told of the real file" "$(attack_says missing)" \
	"could not open \"$TMP/a.tar.gz\": No such file"
like "a bomb is not unpacked" "$(attack_says bomb)" 'more than 200 times its size'

for format in gz xz zst zip; do
	is "$format covers every byte" "$(attacks a/$format |
		sed '/^byte-app/s/: error$/: failed/; /tail/s/: failed$/: error/')" "$controls
$torn
$flips
byte-appended: failed
$unsafe
bomb: error"
done
is "bits behind the end of bzip2 are nobody's" "$(attacks a/bz2)" "$controls
$torn
${flips/tail]: error/tail]: no effect}
byte-appended: failed
$unsafe
bomb: error"
is "the padding of a tar is nobody's, and its bits are those of members" "$(attacks a/tar)" "$controls
${torn/torn-byte: error/torn-byte: no effect}
byte-appended: failed
$unsafe
bomb: error"
is "a cpio" "$(attacks a/cpio)" "$controls
$torn
byte-appended: failed
$unsafe
bomb: error"
is "bytes of a 7z that are of no member" "$(attacks a/sevenz)" "$controls
$torn
byte-appended: out of reach
$unsafe
bomb: error"
is "an ar" "$(attacks a/ar)" "$controls
$torn
byte-appended: error
${unsafe/etc\/numbers/numbers}
bomb: error"
is "a package of Debian" "$(attacks a/deb)" "$controls
$torn
byte-appended: error
member-lost [debian-binary]: failed
member-lost [control.tar.*]: failed
member-lost [data.tar.*]: failed
$(sed 's/etc.numbers/data.tar.xz/' <<<"$unsafe")
bomb: error"
is "hard links stay behind what they lead to" "$(attacks a/linked | grep -e repacked -e lost)" \
	'repacked: steady
member-lost [etc/twice]: failed'
is "what is allowed is not claimed" "$(attacks a/lenient)" "$controls
$torn
$flips
climbing: failed
absolute: failed"
is "differences that are let through" "$(attacks a/few | grep -v steady)" "$torn
$flips
byte-appended: tolerated
$(sed 's/failed/tolerated/' <<<"$unsafe")
bomb: error"
is "a number of members" "$(attacks a/counts | tail -2 | head -1)" 'members-lost: failed'
like "how many have to go is found" "$(attack_says members-lost)" '; 4[0-9.]* % of its members are gone'
is "the size of what is packed is another when it is packed anew" \
	"$(attacks a/ratio | grep -c repacked)" 0
is_real_untouched archives

truncate -s 4200M hole
tar -cSf sparse.tar hole
rm hole
cat >assize.yaml <<'YAML'
assize: 1
audits: { a: { checks: [ { id: large, archive: { path: sparse.tar, max_ratio: 1000000 }, timeout: 2m } ] } }
YAML
like "one that unpacks to more than there may be room for is not challenged" "$(unchallenged a/large)" \
	'to pack it anew: it holds more than 4 GiB.*; what is packed anew is of 4 GiB'

done_testing
