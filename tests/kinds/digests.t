#!/bin/bash
# digests: a small tree, every way to damage it, and what sha256sum -c says to the same.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	chmod -R u+rwX . 2>/dev/null
	rm -rf dist
	mkdir -p dist/bin dist/lib
	printf 'program\n' >dist/bin/app
	printf 'library\n' >dist/lib/x
	printf 'spaces\n' >'dist/a name with  spaces'
	printf 'odd\n' >dist/$'new\nline\\'
	: >dist/empty
	(cd dist && find . -type f ! -name SHA256SUMS -exec sha256sum {} + >SHA256SUMS)
}

cat >assize.yaml <<'YAML'
assize: 1
audits:
  d:
    checks:
      - { id: all, digests: dist/SHA256SUMS }
      - { id: listed, digests: { manifest: dist/SHA256SUMS, exact: false } }
      - { id: ignoring, digests: { manifest: dist/SHA256SUMS, ignore: ["*.asc", .git] } }
      - { id: elsewhere, digests: { manifest: SUMS, root: dist } }
      - { id: few, digests: dist/SHA256SUMS, expect: "<= 2" }
YAML

# claim, check, exit status, what the output must say
tells()
{
	run "$ASSIZE" run "d/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

# sha256sum's verdict on the same tree: 0 or 1
peer()
{
	(cd dist && sha256sum --check --strict --status SHA256SUMS 2>/dev/null)
	is "$1: sha256sum -c" $? "$2"
}

intact
exits "intact tree passes" 0 "$ASSIZE" run d/all
peer "intact tree" 0

# what both find
printf 'Program\n' >dist/bin/app
tells "flipped byte" all 1 'bin/app: digest differs \(expected [0-9a-f]{12}…, found [0-9a-f]{12}…\)'
peer "flipped byte" 1
tells "flipped byte is one difference" all 1 'd/all.* 1.*== 0'
tells "which a bound may allow" few 0 pass

intact
rm dist/lib/x
tells "removed file" all 1 'lib/x: missing'
peer "removed file" 1
rm -r dist/lib
tells "removed folder" all 1 'lib/x: missing'

intact
rm dist/lib/x && mkdir dist/lib/x
tells "a folder in the place of a file" all 1 'lib/x: a directory, not a file'
peer "a folder in the place of a file" 1

intact
rm dist/lib/x && mkfifo dist/lib/x
tells "a named pipe hangs nobody" all 1 'lib/x: a named pipe, not a file'

intact
rm dist/lib/x && ln -s gone dist/lib/x
tells "a link that leads nowhere" all 1 'lib/x: a symbolic link that leads nowhere'
peer "a link that leads nowhere" 1

# what sha256sum -c misses
intact
printf 'extra\n' >dist/bin/extra
tells "a file that is not listed" all 1 'bin/extra: not listed'
peer "a file that is not listed" 0
tells "unless only listed ones count" listed 0 pass

intact
printf 'library\n' >outside
rm dist/lib/x && ln -s ../../outside dist/lib/x
tells "the right content from outside the root" all 1 'lib/x: a symbolic link leads out of the root'
peer "the right content from outside the root" 0
rm -r dist/lib && mkdir lib && printf 'library\n' >lib/x && ln -s ../lib dist/lib
tells "also through a folder" listed 1 'lib/x: a symbolic link leads out of the root'

intact
ln -s bin/app dist/shortcut
tells "a link that is not listed" all 1 'shortcut: a symbolic link that is not listed'
peer "a link that is not listed" 0

intact
: >dist/SHA256SUMS
tells "an empty manifest" all 2 'lists no files'

intact
sed -i 's/$/\r/' dist/SHA256SUMS
tells "CR LF" all 2 'line 1 ends with CR LF'
intact
sed -n 2p dist/SHA256SUMS >>dist/SHA256SUMS
tells "a name listed twice" all 2 'is listed in line 2 already'
peer "a name listed twice" 0
intact
printf '%s  ../outside\n' "$(sha256sum <outside | cut -c1-64)" >>dist/SHA256SUMS
tells "a name that climbs out" all 2 'line 6: name "../outside" leads out of the root'
peer "a name that climbs out" 0
intact
printf '%s  %s\n' "$(sha256sum <outside | cut -c1-64)" "$TMP/outside" >>dist/SHA256SUMS
tells "an absolute name" all 2 'line 6: name .* leads out of the root'
intact
echo 'garbage' >>dist/SHA256SUMS
tells "a line that is none" all 2 'line 6 is not a checksum: "garbage"'
intact
truncate -s -20 dist/SHA256SUMS
run "$ASSIZE" run d/all
isnt "a torn manifest does not pass" "$status" 0

intact
rm dist/SHA256SUMS
tells "no manifest" all 2 'No such file'
cp /dev/null SUMS
tells "no manifest elsewhere" elsewhere 2 'lists no files'

# what is the same tree to both
intact
ln -s bin/app dist/shortcut
(cd dist && sha256sum shortcut >>SHA256SUMS)
exits "a listed link inside the root is followed" 0 "$ASSIZE" run d/all
peer "a listed link inside the root" 0
intact
(cd dist && find . -type f ! -name SHA256SUMS -exec sha256sum --tag {} + >../SUMS && mv ../SUMS SHA256SUMS)
exits "BSD style" 0 "$ASSIZE" run d/all
peer "BSD style" 0
intact
(cd dist && find . -type f ! -name SHA256SUMS -exec sha256sum --binary {} + >../SUMS && mv ../SUMS SHA256SUMS)
exits "binary marks" 0 "$ASSIZE" run d/all
intact
cp dist/SHA256SUMS SUMS
rm dist/SHA256SUMS
exits "a manifest kept elsewhere" 0 "$ASSIZE" run d/elsewhere

# what may be ignored
intact
mkdir dist/.git && : >dist/.git/config && : >dist/SHA256SUMS.asc
exits "ignored names need not be listed" 0 "$ASSIZE" run d/ignoring
tells "but only those" all 1 'SHA256SUMS.asc: not listed'
(cd dist && sha256sum .git/config >>SHA256SUMS)
printf 'x' >dist/.git/config
tells "a listed file is never ignored" ignoring 1 '.git/config: digest differs'

# damage is sorted, counted and bounded
intact
for i in {1..70}; do : >"dist/extra$i"; done
printf 'Program\n' >dist/bin/app
tells "the worst comes first" all 1 'evidence +bin/app: digest differs'
like "the rest is counted" "$("$ASSIZE" explain latest d/all)" 'and 21 more'

# what cannot be read is neither good nor bad
intact
rm -rf .assize
chmod 0 dist/lib/x
run obeys_modes "$ASSIZE" run d/all
is "an unreadable file: exit status" "$status" 2
like "an unreadable file: told" "$out$err" '1 file could not be read'
chmod 0 dist/lib
run obeys_modes "$ASSIZE" run d/few
is "an unreadable folder: exit status" "$status" 2
like "an unreadable folder: told" "$out$err" 'could not be read'

exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/digests.yaml"
done_testing
