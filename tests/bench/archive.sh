#!/bin/bash
# archive: every member digested and compared, recorded, beside programs that only list the names, and
# beside what people do without: extract, then sha256sum.
set -eu
. "$(dirname "$0")/lib.sh"

cd "$TMP"
# What this machine has in /usr, up to 1.3 GB: content compresses like a release, which made-up content does not.
find /usr/bin /usr/lib /usr/share -xdev -type f -size +0 -printf '%s\t%p\n' | LC_ALL=C sort -t "$(printf '\t')" -k 2 |
	awk -F '\t' 'total + $1 > 1300000000 { exit } { total += $1; print substr($2, 2) } END { print total >"size" }' >files
(cd / && xargs -d '\n' sha256sum --) <files >MEMBERS
tar -cf - -C / -T files | gzip -6 >shop.tar.gz
tar -cf - -C / -T files | zstd -q -T0 >shop.tar.zst
cat >assize.yaml <<YAML
assize: 1
audits:
  a:
    defaults: { timeout: 10m }
    checks:
      - { id: gz, archive: { path: shop.tar.gz, members: MEMBERS, exact: true, allow: [setuid, case] } }
      - { id: zst, archive: { path: shop.tar.zst, members: MEMBERS, exact: true, allow: [setuid, case] } }
YAML
for format in gz zst; do
	ours() { "$ASSIZE" run --quiet a/$format; }
	bsdtar_list() { bsdtar -tf shop.tar.$format; }
	tar_list() { tar -tf shop.tar.$format; }
	extract() { mkdir out && tar -xf shop.tar.$format -C out && (cd out && sha256sum --quiet -c ../MEMBERS) && rm -r out; }

	ours
	seconds=$(median 3 ours)
	work="digests in $(numfmt --to=si "$(cat size)")B of tar.$format"
	for peer in bsdtar_list tar_list extract; do
		case $peer in
		bsdtar_list) name="bsdtar -tf" ;;
		tar_list) name="tar -tf" ;;
		extract) name="tar -xf, sha256sum -c" ;;
		esac
		theirs=$(median 3 $peer)
		row "$work" "$name" "$theirs s" "$seconds s" "$(ratio "$seconds" "$theirs")"
	done
done
