#!/bin/bash
# challenge of files and lists of digests: which attacks there are, and what became of each.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"
mkdir tmp

mkdir d
printf 'name: shop\nversion: 2.31.0\nERROR none\n' >d/version
printf '%s\n' a b WARNING c d e f g h i j >d/log
chmod 640 d/version
ln -s version d/link
truncate -s 100G backup
digest=$(sha256sum d/version | cut -d' ' -f1)

cat >assize.yaml <<YAML
assize: 1
audits:
  f:
    checks:
      - { id: exists, file: d/version }
      - { id: absent, file: d/core, expect: { exists: "== 0" } }
      - { id: size, file: d/version, expect: { size: "between 20 B and 1 KiB" } }
      - { id: some, file: d/version, expect: { size: ">= 1 B" } }
      - { id: exact, file: d/version, expect: { size: "== 38 B" } }
      - { id: age, file: d/version, expect: { age: "< 1h" } }
      - { id: ripe, file: d/log, expect: { age: "> 1h" } }
      - { id: mode, file: d/version, expect: { mode: '== "0640"' } }
      - { id: modes, file: d/version, expect: { mode: 'in ["0640", "0751"]' } }
      - { id: looks, file: d/version, expect: { mode: 'matches /^06/' } }
      - { id: owner, file: d/version, expect: { owner: '== "$(id -un)"' } }
      - { id: theirs, file: theirs, expect: { owner: '!= "root"' } }
      - { id: sha256, file: d/version, expect: { sha256: '== "$digest"' } }
      - { id: found, file: { path: d/version, pattern: "^version: 2\\\\." } }
      - { id: share, file: { path: d/log, pattern: WARNING }, expect: { matches: "<= 20%" } }
      - { id: none, file: { path: d/log, pattern: "^(FATAL|ERROR) [a-z]+-[0-9]{3}: " }, expect: { matches: "== 0" } }
      - { id: riddle, file: { path: d/log, pattern: "(a)b\\\\1(?<=z)" }, expect: { matches: "== 0" } }
      - { id: nofollow, file: { path: d/version, follow: false } }
      - { id: link, file: { path: d/link }, expect: { sha256: '== "$digest"' } }
      - { id: bad, file: d/version, expect: { size: "> 1 GiB" } }
      - { id: folder, file: d }
      - { id: backup, file: backup, expect: { size: "between 60 GiB and 200 GiB" } }
      - { id: claimed, file: d/version, claims: [missing], expect: { size: ">= 1 B" } }
YAML
touch -d '3 hours ago' d/log
real_is d


controls='identity: steady
neighbour: steady
touched: steady'
bytes='missing: failed
empty: failed
torn-half: failed
torn-byte: failed
bit-flipped [head]: failed
bit-flipped [middle]: failed
bit-flipped [tail]: failed
byte-appended: failed'

is "a file that is there claims nothing of its content" "$(attacks f/exists)" "$controls
missing: failed"
is "one that must not be there" "$(attacks f/absent)" 'identity: steady
neighbour: steady
appeared: failed'
is "a size with two bounds" "$(attacks f/size)" "$controls
missing: failed
empty: failed
shrunk: failed
grown: tolerated"
like "how far it may shrink is found" "$(attack_says shrunk)" '50 % of its bytes are gone.*; 4[78]\..* % of its bytes'
like "and grow" "$(attack_says grown)" 'zeros stand behind its end.*; (98[6-9]|99.|10..) B of zeros|10.. KiB'
is "one that is only measured may be of any size: what is in it is not copied" "$(attacks f/backup)" "$controls
missing: failed
empty: failed
shrunk: failed
grown: failed"
is "a size of at least a byte claims no bit, and half of it is too much to ask" "$(attacks f/some)" "$controls
missing: failed
empty: failed
shrunk: tolerated"
is "all of it has to go" "$(turns_red shrunk)" 1
is "an exact size minds a byte" "$(attacks f/exact)" "$controls
missing: failed
empty: failed
torn-byte: failed
byte-appended: failed
shrunk: failed
grown: failed"
is "an age claims no content, and a new time is no control" "$(attacks f/age)" 'identity: steady
neighbour: steady
missing: failed
stale: failed
ahead: no value'
like "how much older it may be is found" "$(attack_says stale)" '365 d earlier.*; its last change was (59|1 h)'
is "an age at least" "$(attacks f/ripe)" 'identity: steady
neighbour: steady
missing: failed
renewed: failed
ahead: no value'
is "a mode" "$(attacks f/mode)" "$controls
missing: failed
executable: failed
world-writable: failed
suid: failed"
is "a mode that is expected by name is none it claims to notice" "$(attacks f/modes)" "$controls
missing: failed
executable: out of claim
world-writable: failed
suid: failed"
is "a pattern that lets modes through is told so" "$(attacks f/looks)" "$controls
missing: failed
executable: failed
world-writable: tolerated
suid: failed"
if [ "$(id -u)" -eq 0 ]; then
	is "an owner" "$(attacks f/owner)" "$controls
missing: failed
owner: failed"
	printf x >theirs
	chown 65534 theirs
	is "whose file cannot be kept, its owner is not challenged" \
		"$(export -f unchallenged challenge_sql
		setpriv --bounding-set=-chown bash -c 'unchallenged f/theirs')" \
		'a private copy cannot belong to user 65534, as what is real does: only root may give files away; challenge it as root, or put the owner into a check of its own'
else
	is "an owner" "$(attacks f/owner)" "$controls
missing: failed
owner: inconclusive"
fi

is "a digest claims every byte" "$(attacks f/sha256)" "$controls
$bytes"
is "a pattern claims the lines it finds, and no other byte" "$(attacks f/found)" "$controls
missing: failed
empty: failed
lines-lost: failed"
is "a pattern that few lines may match" "$(attacks f/share)" "$controls
missing: failed
line-added: failed"
like "how many are too many is found" "$(attack_says line-added)" '; 2 lines more match$'
is "a pattern that none may match" "$(attacks f/none)" "$controls
missing: failed
line-added: failed"
is "one line is" "$(turns_red line-added)" 1
is "of a pattern nobody can fill nothing is claimed" "$(attacks f/riddle)" "$controls
missing: failed
line-added: inconclusive"
is "a link in its place" "$(attacks f/nofollow)" "$controls
missing: failed
symlinked: failed"
is "a file behind a link" "$(attacks f/link)" "$controls
$bytes"
like "a check that fails already is not challenged" "$(unchallenged f/bad)" 'it does not pass as it is'
like "nor is a folder copied for a check of a file" "$(unchallenged f/folder)" \
	'/d" is a directory, not a file$'
is "what is not claimed is not counted" "$(attacks f/claimed)" "$controls
missing: failed
empty: out of claim
shrunk: out of claim"
is_real_untouched files

run "$ASSIZE" challenge f/exists
is "all noticed: exit status" "$status" 0
run "$ASSIZE" challenge f/some
is "one survived: exit status" "$status" 1
run env TMPDIR="$TMP/tmp" "$ASSIZE" challenge f/sha256
is "private copies are gone afterwards" "$(find tmp -mindepth 1 | wc -l)" 0

truncate -s 5G large
cat >large.yaml <<YAML
assize: 1
audits: { l: { checks: [ { id: large, archive: large } ] } }
YAML
run "$ASSIZE" challenge -f large.yaml
like "what is too large to be copied is not challenged" "$out$err" \
	'could not make a private copy: "[^"]*/large" holds more than 4 GiB'

# lists of digests
mkdir -p dist/bin dist/asc out
printf 'program\n' >dist/bin/app
seq 1000 >dist/numbers
: >dist/empty
printf 'signature\n' >dist/asc/x.asc
(cd dist && find . -type f ! -name SHA256SUMS ! -name '*.asc' -exec sha256sum {} + >SHA256SUMS)
cp -p dist/SHA256SUMS out/SUMS
cat >assize.yaml <<YAML
assize: 1
audits:
  d:
    checks:
      - { id: all, digests: { manifest: dist/SHA256SUMS, ignore: ["*.asc"] } }
      - { id: listed, digests: { manifest: dist/SHA256SUMS, exact: false } }
      - { id: few, digests: { manifest: dist/SHA256SUMS, ignore: ["*.asc", "*.so"] }, expect: "<= 1" }
      - { id: elsewhere, digests: { manifest: out/SUMS, root: dist, ignore: ["*.asc", SHA256SUMS] } }
YAML
controls='identity: steady
neighbour: steady
touched: steady
mode: steady
folder-added: steady'
damage=$(sed 's/^missing/& [numbers]/; s/^empty/& [numbers]/; s/^torn-[a-z]*/& [numbers]/
	s/^byte-appended/& [numbers]/; s/bit-flipped \[/&numbers, /' <<<"$bytes")
real_is dist out
is "every byte of a folder, and what is more of it" "$(attacks d/all)" "$controls
$damage
symlinked [numbers]: failed
file-added [added.txt]: failed
file-added [id_rsa]: failed
file-added [added.so]: failed
list-shuffled: steady
list-missing: error
list-empty: error
entry-lost [numbers]: failed
list-forged [numbers]: blind"
is "what need not be listed may be more" "$(attacks d/listed)" "$controls
$damage
symlinked [numbers]: failed
list-shuffled: steady
list-missing: error
list-empty: error
list-forged [numbers]: blind"
is "one difference that is let through" "$(attacks d/few)" "$controls
$(sed 's/failed/tolerated/' <<<"$damage")
symlinked [numbers]: tolerated
file-added [added.txt]: tolerated
file-added [id_rsa]: tolerated
file-added [added.so]: out of claim
list-shuffled: steady
list-missing: error
list-empty: error
entry-lost [numbers]: tolerated
list-forged [numbers]: blind"
is "a list out of reach is not forged" "$(attacks d/elsewhere | tail -1)" \
	'list-forged [numbers]: out of reach'
sed -i 's/^  d:$/&\n/; $a\      - { id: pinned, file: dist/SHA256SUMS, expect: { sha256: '"'== \"$(sha256sum <dist/SHA256SUMS | cut -c-64)\"'"' } }' assize.yaml
is "nor one that another check looks at" "$(attacks d/all | tail -1)" \
	'list-forged [numbers]: guarded'
like "which is told" "$(attack_says list-forged)" 'd/pinned looks at the list itself'
is_real_untouched folders

# links that lead out of the folder lead out of its copy, too: to what is real
mkdir -p linked/v2 outside
seq 5000 >linked/v2/app
seq 9000 >outside/app
echo small >linked/small
ln -s v2 linked/current
ln -s "$TMP/linked/v2" linked/absolute
ln -s "$TMP/outside" linked/away
(cd linked && sha256sum small v2/app current/app >../LINKED && sha256sum small absolute/app >../ABSOLUTE &&
	sha256sum small away/app >../AWAY)
cat >assize.yaml <<YAML
assize: 1
audits:
  d:
    checks:
      - { id: relative, digests: { manifest: LINKED, root: linked, exact: false } }
      - { id: absolute, digests: { manifest: ABSOLUTE, root: linked, exact: false } }
      - { id: away, digests: { manifest: AWAY, root: linked, exact: false }, expect: "<= 1" }
      - { id: secrets, secrets: linked }
YAML
real_is linked outside LINKED ABSOLUTE AWAY
is "a link within the folder is one of the copy" "$(attacks d/relative | grep -c ': failed')" 9
like "a link to what is real is another one in a copy" "$(attacks d/absolute)" \
	'unchallenged: .*a private copy measures 1 difference, and what is real 0'
is "through a link that leads away nothing is changed, though the larger file is behind it" \
	"$(attacks d/away | grep -e small -e away | sort | uniq -c | awk '{ n += $1 } END { print n }') $(
	challenge_rows 'x.body' | grep -c failed)" "10 9"
is "nor is it looked for secrets" "$(attacks d/secrets | grep -c 'secret .*: failed')" 31
is_real_untouched links

done_testing
