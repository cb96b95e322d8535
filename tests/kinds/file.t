#!/bin/bash
# file: the intact file passes; then every mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

intact()
{
	chmod -R u+rwX . 2>/dev/null
	rm -rf d link loop
	mkdir d
	printf 'name: shop\nversion: 2.31.0\n' >d/version
	chmod 644 d/version
	printf '%s\n' one two three four WARNING >d/log
	: >d/empty
}
export SECRET=hunter2-hunter2
digest=$(printf 'name: shop\nversion: 2.31.0\n' | sha256sum | cut -d' ' -f1)

cat >assize.yaml <<YAML
assize: 1
audits:
  f:
    checks:
      - { id: exists, file: d/version }
      - { id: absent, file: d/core, expect: { exists: "== 0" } }
      - { id: size, file: d/version, expect: { size: "between 20 B and 1 KiB" } }
      - { id: age, file: d/version, expect: { age: "< 1h" } }
      - { id: mode, file: d/version, expect: { mode: '== "0644"' } }
      - { id: owner, file: d/version, expect: { owner: '== "$(id -un)"' } }
      - { id: sha256, file: d/version, expect: { sha256: '== "$digest"' } }
      - { id: found, file: { path: d/version, pattern: "^version: 2\\\\." } }
      - { id: matches, file: { path: d/version, pattern: "^version: 2\\\\." }, expect: { matches: "== 1" } }
      - { id: share, file: { path: d/log, pattern: WARNING }, expect: { matches: "<= 20%" } }
      - { id: nofollow, file: { path: d/version, follow: false } }
      - { id: link, file: link, expect: { size: "== 27 B" } }
      - { id: bounded, file: { path: d/version, pattern: shop, max_size: 10B } }
      - { id: wide, file: { path: d/wide, pattern: ERROR }, expect: { matches: "== 0" } }
      - { id: holder, command: { run: ["true"], env: { T: "\${env:SECRET}" } } }
      - { id: secret, file: { path: d/secret, pattern: ERROR }, expect: { matches: "== 0" } }
      - { id: ends, file: { path: d/ends, pattern: "ERROR$" }, expect: { matches: "== 1" } }
      - { id: returns, file: { path: d/ends, pattern: "\\\\r$" }, expect: { matches: "== 2" } }
      - { id: old, file: { path: d/old, pattern: "^ERROR$" }, expect: { matches: "<= 25%" } }
      - { id: empty, file: { path: d/empty, pattern: x }, expect: { matches: "== 0", size: "== 0 B" } }
YAML

# claim, check, exit status, what the output must say
tells()
{
	run "$ASSIZE" run "f/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
ln -s d/version link
for check in exists absent size age mode owner sha256 found matches share nofollow link empty; do
	exits "intact: $check passes" 0 "$ASSIZE" run "f/$check"
done

for encoding in UTF-16 UTF-16LE UTF-16BE; do
	printf 'one\nERROR two\n' | iconv -t $encoding >d/wide
	tells "$encoding" wide 2 'it is UTF-16, and a pattern reads UTF-8|not valid UTF-8'
done
printf 'one ERROR\r\nERROR two\r\n' >d/ends
tells "the end of a line stands before CR LF" ends 0 'pass'
tells "where CR is found as well" returns 0 'pass'
printf 'one\rERROR\rtwo\rthree\r' >d/old
tells "CR alone ends a line" old 0 'pass'
printf 'one\rERROR\r\r\nERROR\ntwo\r\n' >d/old
tells "as do CR LF and LF beside it" old 1 '40 %  *2 of 5.*line 2: ERROR.x0d.*line 4: ERROR'
printf 'ERROR %0186d%s\nERROR \0%s\n' 0 "$SECRET" "$SECRET" >d/secret
tells "half a secret where a line is cut is masked" secret 1 'line 1: ERROR 0{186}\*\*\*.*line 2: ERROR .x00\*\*\*'
unlike "and not in the record either" "$(grep -ao 'hunter' .assize/record.db)" hunter
rm d/version
tells "missing file" exists 1 'f/exists.*0.*== 1'
tells "missing file" absent 0 'pass'
tells "missing file has no size" size 1 'no such file'
tells "missing file has no digest" sha256 1 'no such file'
tells "dangling link" link 1 'leads nowhere'

intact
: >d/core
tells "forbidden file" absent 1 'f/absent.*1.*== 0'
rm d/core && mkdir d/core
tells "a directory is not a file that exists" absent 2 'd/core" is a directory, not a file'
rmdir d/core && mkfifo d/core
tells "a named pipe hangs nobody" absent 2 'special file, not a file'

intact
printf 'x' >d/version
tells "shorter file" size 1 'f/size.*1 B'
tells "flipped content" sha256 1 "2d711642b726b044"
tells "pattern no longer found" found 1 'f/found.*0.*>= 1'
tells "pattern no longer found, own bound" matches 1 'f/matches.*0.*== 1'

intact
printf 'version: 2.31.0\n' >>d/version
tells "pattern found twice" matches 1 'line 3: version: 2.31.0'

intact
touch -d '3 hours ago' d/version
tells "old file" age 1 'f/age.*3 h'
touch -d '2 hours' d/version
tells "file from the future" age 2 'in the future'

intact
chmod 666 d/version
tells "looser mode" mode 1 '0666'
chmod 4644 d/version
tells "setuid" mode 1 '4644'

intact
printf '%s\n' WARNING WARNING >>d/log
tells "more than a share" share 1 'f/share.*42'

intact
printf 'version: 2.\xff\n' >d/version
tells "invalid text is not searched" found 2 'line 1'

intact
mv d/version d/real && ln -s real d/version
tells "a link is followed" exists 0 'pass'
tells "a link where none is wanted" nofollow 1 'symbolic link'
ln -sf version d/version
tells "links in a circle" exists 2 'oo many levels of symbolic links'

intact
tells "content beyond max_size is not searched" bounded 2 'larger than the limit of 10 bytes'

refused() # claim check
{
	run obeys_modes "$ASSIZE" run "f/$2"
	is "$1: exit status" "$status" 2
	like "$1: told" "$out$err" 'ermission denied'
}
intact
chmod 0 d
refused "a place nobody may look at is no absence" exists
chmod 755 d
chmod 0 d/version
refused "a file that cannot be read has no digest" sha256
refused "nor matching lines" found

# definitions that make no sense
refused()
{
	printf 'assize: 1\naudits:\n  f:\n    checks:\n      - %s\n' "$2" >bad.yaml
	exits "$1: a definition error" 3 "$ASSIZE" check -f bad.yaml
	like "$1: told with its line" "$err" "bad.yaml:5:[0-9]+: .*$3"
}
refused "matches without a pattern" '{ id: a, file: x, expect: { matches: ">= 1" } }' 'only with "pattern"'
refused "a pattern that is none" '{ id: a, file: { path: x, pattern: "(" } }' 'pattern'
refused "an unknown value" '{ id: a, file: x, expect: { sise: ">= 1 B" } }' 'no value "sise"'
refused "a size in seconds" '{ id: a, file: x, expect: { size: ">= 1 s" } }' 'cannot be held against'
refused "no path" '{ id: a, file: { follow: false } }' 'path'

exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/file.yaml"
done_testing
