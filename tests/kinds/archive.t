#!/bin/bash
# archive: one tree in every format passes; then each mutation fails, or is no measurement, and says why.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/cases.sh"
cd "$TMP"

# expects STATUS CLAIM KEYS WORDS [EXPECT]: of the archive "a", which is taken away.
expects()
{
	[ ! -e a ] || mv a c$n_cases
	add_case archive "$1" "$2" c$n_cases "$3" "${5:-}" "$4"
}
# The same archive once more.
again()
{
	cp -a c$((n_cases - 1)) a
	expects "$@"
}

# --- a tree and its list ---
mkdir -p tree/bin tree/etc
printf 'program\n' >tree/bin/app
printf 'key=value\n' >tree/etc/app.conf
printf 'license\n' >tree/LICENSE
printf 'accent\n' >tree/etc/é
: >tree/empty
chmod 755 tree/bin/app
chmod 644 tree/etc/* tree/LICENSE tree/empty
ln tree/bin/app tree/bin/app2
(cd tree && find . -type f -exec sha256sum {} + >../MEMBERS)
license=$(sha256sum <tree/LICENSE | cut -c1-64)
rebuilt()
{
	tar --owner=root:0 --group=root:0 --sort=name -C tree -cf a "$@" .
}
content='required: [LICENSE, "bin/*"], forbidden: ["*.pem", "*.git/*"]'
exact='members: MEMBERS, exact: true'
one="sha256: { ./LICENSE: $license }"

# --- intact, in every format ---
rebuilt
cp a whole.tar
expects pass "intact tar" "" ""
again pass "intact tar with digests" "$exact" ""
again pass "intact tar with names" "$content" ""
again pass "intact tar with modes" 'modes: { "bin/*": "0755", etc: "0755", "*": "644" }' "" 'attributes: "== 2", differences: ">= 0"'
again pass "intact tar with an owner" 'owner: "root:0"' ""
again fail "a mode of a member that is not there" 'modes: { "sbin/*": "0755", LICENSE: "0644" }' \
	'1 difference".*sbin/\*: a mode is asked of it, and no member that has a mode is it'
again pass "a mode that is met, though one above it counts" 'modes: { "bin/*": "0755", "b*p": "0644" }' ""
again pass "a required folder" 'required: [etc/, "b*/", ./bin/]' ""
again fail "a folder in the place of a required file" 'required: [etc, "*in"]' \
	'2 differences".*\*in: required, and \./bin/ is a folder: a folder is asked for with a slash.*etc: required, and \./etc/ is a folder'
again fail "a file in the place of a required folder" 'required: LICENSE/' \
	'LICENSE/: required, and \./LICENSE is a file: a slash at the end asks for a folder'
again fail "a required folder that is not there" 'required: "lib*/"' 'lib\*/: required, and no member is it'
again pass "figures" "" "" 'members: "== 9", bytes: "== 33 B", ratio: "> 0", unsafe: "== 0"'
rebuilt --format=pax && expects pass "intact pax tar" "$exact" ""
gzip -kn whole.tar && xz -kq whole.tar && bzip2 -k whole.tar && zstd -q whole.tar
for format in gz xz bz2 zst; do
	cp whole.tar.$format a && expects pass "intact tar.$format" "$exact" ""
done
(cd tree && zip -qr ../a.zip bin/app etc/app.conf LICENSE empty etc/é) && mv a.zip a
expects pass "intact zip" "$content, $one" ""
bsdtar -cf a --format 7zip -C tree bin/app etc LICENSE empty && expects pass "intact 7z" "$content, $one" ""
again fail "which says nothing of owners" 'owner: "0:0"' 'LICENSE: belongs to user - \(-1\), not 0'
bsdtar -cf a --format newc -C tree . && expects pass "intact cpio" "$exact" ""
cp c$((n_cases - 1)) whole.cpio
(cd tree && ar rc ../a empty LICENSE) && expects pass "intact ar" "$one" ""
cp c$((n_cases - 1)) whole.ar
{ cat whole.tar.gz; head -c 512 /dev/zero; } >a && expects pass "gzip padded with zeros" "" ""
{ head -c 5000 whole.tar | gzip; tail -c +5001 whole.tar | gzip; } >a && expects pass "gzip in two streams" "$exact" ""

# --- content ---
printf 'Program\n' >tree/bin/app
rebuilt
expects fail "flipped content" "members: MEMBERS" 'bin/app: digest differs \(expected [0-9a-f]{12}…, found [0-9a-f]{12}…\)'
again fail "flipped content of a hard link" "members: MEMBERS" 'bin/app2: digest differs'
printf 'program\n' >tree/bin/app
: >tree/etc/key.pem
rebuilt
expects fail "extra file" "$exact" 'etc/key.pem: not listed'
again pass "which only exact minds" "members: MEMBERS" ""
again fail "forbidden file" "$content" 'etc/key.pem: matches forbidden "\*.pem"'
mkdir tree/.git && : >tree/.git/config
rebuilt
expects fail "a repository at the top" "$content" 'git/config: matches forbidden "\*.git/\*"'
rm -r tree/.git
again fail "forbidden as tar lists it" 'forbidden: ./etc/*.pem' 'etc/key.pem: matches forbidden "etc/\*.pem"'
again pass "required as tar lists it" 'required: ./etc/key.pem' ""
again fail "a mode as tar lists it" 'modes: { "./bin/*": "0644" }' 'bin/app: mode 0755, not 0644'
rm tree/etc/key.pem
rebuilt --exclude=./LICENSE
expects fail "required file gone" "$content" '1 difference".*LICENSE: required, and no member is it'
again fail "listed file gone" "members: MEMBERS" 'LICENSE: listed, and not in the archive'
rebuilt --exclude=./bin && expects fail "a required glob with nothing left" "$content" 'bin/\*: required'
rm tree/LICENSE && ln -s empty tree/LICENSE
rebuilt
expects fail "a link in the place of a file" "$one" 'LICENSE: a symbolic link, not a file'
again pass "which is there when what it leads to is" 'required: LICENSE' ""
ln -sfn bin/../etc tree/LICENSE
(cd tree && tar -cf ../a LICENSE etc/é) && expects pass "as does one to a folder that is no member" 'required: [LICENSE/, etc/]' ""
again fail "which is no file" 'required: LICENSE' 'LICENSE: required, and LICENSE leads to a folder'
for to in forgotten LICENSE; do
	ln -sfn $to tree/LICENSE
	rebuilt
	expects fail "a required link to $to" 'required: [LICENSE, "L*"], links: any' \
		'2 differences".*LICENSE: required, and \./LICENSE is a symbolic link to "'$to'" that leads to nothing'
done
ln -sfn /etc/passwd tree/LICENSE
rebuilt && expects pass "of one that leads elsewhere nobody knows" 'required: LICENSE, links: any' ""
rm tree/LICENSE && printf 'license\n' >tree/LICENSE

# --- modes and owners ---
chmod 600 tree/empty
rebuilt
expects fail "a mode" 'modes: { empty: "644" }' 'empty: mode 0600, not 644'
chmod 644 tree/empty
tar --owner=nobody:65534 --group=adm:4 -C tree -cf a .
expects fail "an owner" 'owner: root' 'LICENSE: belongs to user nobody \(65534\), not root'
again fail "a group" 'owner: "65534:0"' 'belongs to group adm \(4\), not 0'

tar --numeric-owner -C tree -cf a .
expects fail "owners without names" 'owner: "root:root"' \
	'LICENSE: belongs to group - \([0-9]+\), not root.*LICENSE: belongs to user - \([0-9]+\), not root'

# --- what is unsafe, member by member, and what a zip says twice ---
python3 - <<'PY' || bail "no archives"
import io, struct, tarfile, zipfile

def tar(path, members):
    out = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)
    for spec in members:
        kind, name, *rest = spec.split("|")
        m = tarfile.TarInfo(name)
        m.mode = 0o4755 if kind == "s" else 0o644
        data = (rest[0] if rest else "x").encode() if kind == "f" else None
        if data:
            m.size = len(data)
        elif kind != "s":
            m.type = {"l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "d": tarfile.DIRTYPE, "c": tarfile.CHRTYPE,
                      "p": tarfile.FIFOTYPE}[kind]
            m.linkname = rest[0] if rest else ""
        out.addfile(m, io.BytesIO(data) if data else None)
    out.close()

for path, members in {
    "absolute": ["f|/etc/passwd"], "climbing": ["f|a/../../x"], "drive": ["f|C:x"], "backslash": ["f|..\\x"],
    "link-absolute": ["l|link|/etc", "f|x"], "link-climbing": ["d|d", "l|d/link|../../x"],
    "link-through-link": ["l|x|.", "l|y|x/.."], "circle": ["l|x|y", "l|y|x"],
    "through": ["d|e", "l|d|e", "f|d/x"], "through-late": ["f|d/x", "d|e", "l|d|e"], "below": ["f|d", "f|d/x"],
    "hard-out": ["h|h|../../etc/shadow"], "hard-link": ["f|x", "l|l|x", "h|h|l"],
    "duplicate": ["f|x|1", "f|./x|2"], "case": ["f|README", "f|readme"], "cases": ["f|ReadMe", "f|README"],
    "case-link": ["d|e", "l|D|e", "f|d/x"], "case-folders": ["f|A/b/x", "f|A/B/y"], "hard-later": ["h|h|a", "f|a"],
    "device": ["c|null"], "pipe": ["p|p"], "setuid": ["s|su"],
    "all": ["f|README", "f|readme", "c|null", "s|su", "f|readme"],
    "inside": ["d|d", "d|d", "f|d/x", "l|d/up|../d/x", "l|d/a|./x"], "control": ["f|x\033[2J", "f|x\033[2J"],
}.items():
    tar("t-" + path, members)

# What programs read in different ways; and what looks like it and is read by all in one.
def header(name, size, kind=b"0", link="", field=None):
    m = tarfile.TarInfo(name)
    m.size, m.type, m.linkname = size, kind, link
    b = bytearray(m.tobuf(tarfile.USTAR_FORMAT))
    b[124:136] = field or b[124:136]
    b[148:156] = b" " * 8
    b[148:156] = b"%06o\0 " % sum(b)
    return bytes(b)

def block(data):
    return data + b"\0" * (-len(data) % 512)

def records(kind=b"x", **pairs):
    data = b""
    for key, value in pairs.items():
        n = len(key) + len(value) + 3 # and its own digits
        while len("%d" % n) + len(key) + len(value) + 3 != n:
            n += 1
        data += b"%d %s=%s\n" % (n, key.encode(), value.encode())
    return header("x", len(data), kind) + block(data)

def gnu(name, kind=b"L"):
    return header("././@LongLink", len(name) + 1, kind) + block(name.encode() + b"\0")

one = header("one", 1) + block(b"1")
inner = header("inner", 5) + block(b"inner")
odd = b"%011o\0" % len(inner)
for name, data in {
    "global": records(b"g", comment="0" * 40, path="../../x") + one,
    "global-size": records(b"g", size="1024") + one,
    "comment": records(b"g", comment="0" * 40) + one,
    "nested": one + records(size=str(len(inner))) + header("data", 0) + inner,
    "sized": one + records(size=str(len(inner))) + header("data", len(inner)) + inner,
    "gnu-pax": gnu("gnu") + records(path="pax") + one,
    "pax-empty": records(path="") + one,
    "pax-empty-link": one + records(linkpath="") + header("link", 0, b"2", "one"),
    "gnu-empty": gnu("") + one,
    "pax-gnu": records(path="pax") + gnu("gnu") + one,
    "gnu-gnu": gnu("gnu1") + gnu("gnu2") + one,
    "link-link": gnu("../../x", b"K") + records(linkpath="one") + one + header("link", 0, b"2", "one"),
    "agreed": gnu("same") + records(path="same") + one + records(path="y" * 700) + one,
    "link": one + header("link", 0, b"2", "one", odd) + inner,
    "hard": one + header("hard", 0, b"1", "one", odd) + inner,
    "folder": one + header("folder", 0, b"5", "", odd) + inner,
    "number": one + header("x", 0, b"0", "", b"1x000001000\0") + block(b"x"),
}.items():
    open("d-" + name, "wb").write(data + b"\0" * 1024)

def newc(name, data=b""):
    n = name.encode() + b"\0"
    out = b"070701" + b"".join(b"%08X" % v for v in (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(n), 0)) + n
    out += b"\0" * (-len(out) % 4) + data
    return out + b"\0" * (-len(out) % 4)

open("tiny.cpio", "wb").write(newc("x", b"1") + newc("TRAILER!!!") + newc("y", b"2") + newc("TRAILER!!!"))

tar("t-long", ["f|" + "a/" * 20000 + "x"])
tar("t-many", ["f|%d/" % i + "a/" * 15000 + "x" for i in range(50)])
with zipfile.ZipFile("z-many", "w") as z:
    for i in range(4):
        z.writestr("member%d" % i, "")

buf = io.BytesIO()
with zipfile.ZipFile(buf, "w") as z:
    z.writestr("one", "first content")
    z.writestr("two", "second content")
whole = buf.getvalue()
for how in ("intact name size crc method flags data hidden overlap front behind gap twice volume cut second "
            "pointer").split():
    b = bytearray(whole)
    local, central, end = b.index(b"PK\3\4"), b.index(b"PK\1\2"), b.index(b"PK\5\6")
    n = struct.unpack_from("<H", b, central + 28)[0] + 46
    if how == "name":
        b[local + 30:local + 33] = b"ONE"
    elif how == "size":
        b[local + 22] += 1
    elif how == "crc":
        b[local + 14] ^= 1
    elif how == "method":
        b[local + 8] = 8
    elif how == "flags":
        b[local + 7] ^= 8
    elif how == "data":
        b[local + 34] ^= 1
    elif how == "hidden": # the second member is no longer counted
        del b[central + n:end]
        struct.pack_into("<HHI", b, central + n + 8, 1, 1, n)
    elif how == "overlap": # both entries point to the first member
        struct.pack_into("<I", b, central + n + 42, 0)
    elif how == "pointer":
        struct.pack_into("<I", b, central + n + 42, 7)
    elif how == "front":
        b[0:0] = b"#!/bin/sh\n"
    elif how == "behind":
        b += b"hidden"
    elif how == "gap":
        b[central:central] = b"hidden"
        struct.pack_into("<I", b, end + 6 + 16, central + 6)
    elif how == "twice": # the comment is an end record
        struct.pack_into("<H", b, end + 20, 22)
        b += b[end:end + 20] + b"\0\0"
    elif how == "volume":
        struct.pack_into("<H", b, end + 4, 1)
    elif how == "cut":
        del b[end:]
    elif how == "second": # a Unicode path that is another name
        extra = struct.pack("<HHBI", 0x7075, 8, 1, 0) + b"ONE"
        struct.pack_into("<H", b, central + 30, len(extra))
        b[central + n:central + n] = extra
        struct.pack_into("<I", b, end + len(extra) + 12, end - central + len(extra))
    open("z-" + how, "wb").write(b)
PY
for name in long many; do
	mv t-$name a && expects undecided "names that are too $name" "max_members: 100" 'names of member 1 have|its names have [0-9]+ bytes by member'
done
tar_says() { mv "t-$1" a && expects fail "tar: $1" "" "$2"; }
tar_says absolute '/etc/passwd: its name is absolute'
tar_says climbing 'a/../../x: its name leads out'
tar_says drive 'C:x: its name begins with a drive letter'
tar_says backslash 'a backslash in its name'
tar_says link-absolute 'link: a symbolic link to "/etc" leads out of the archive'
again pass "links of any kind can be allowed" "links: any" ""
tar_says link-climbing 'd/link: a symbolic link to "../../x" leads out'
tar_says link-through-link 'y: a symbolic link to "x/.." leads out'
tar_says circle 'x: a symbolic link to "y" leads in a circle'
tar_says through 'd/x: lies below "d", which is a symbolic link: it would be written through it'
tar_says through-late 'd/x: lies below "d", which is a symbolic link'
tar_says below 'd/x: lies below "d", which is no folder'
tar_says hard-out 'h: a hard link to "../../etc/shadow", which is not in the archive'
tar_says hard-link 'h: a hard link to "l", which is a symbolic link'
tar_says duplicate './x: there is another member of this name'
tar_says case 'README: differs from "readme" only in case'
tar_says cases 'README: differs from "ReadMe" only in case'
tar_says case-link 'd/x: lies below "d", which differs from "D" only in case'
tar_says case-folders 'A/B/y: lies below "A/B", which differs from "A/b" only in case'
tar_says hard-later 'h: a hard link to "a", which comes after it'
again fail "no link is made of it, and none is there" "required: [h], links: any" 'h: required, and h is a hard link to "a" that leads to nothing'
tar_says device 'null: is a device'
tar_says pipe 'p: is a named pipe'
tar_says setuid 'su: is setuid \(mode 4755\)'
tar_says control 'x\\\\x1b\[2J: there is another'
mv t-all a && expects pass "what is unsafe can be allowed" "allow: [case, devices, duplicates, setuid]" ""
mv t-inside a && expects pass "a folder named twice, links that stay inside" "" ""
again fail "or no links at all" "links: none" 'd/a: is a symbolic link, and links are not allowed'

doubted() { mv "d-$1" a && expects fail "tar: $1" "" "programs differ in what they unpack: at byte $2"; }
doubted global '0 a global header sets .?"path'
doubted global-size '0 a global header sets .?"size'
doubted nested '1024 a member has 0 bytes by its own header and 1024 by another'
doubted pax-empty '0 a pax record has an empty "path"'
doubted pax-empty-link '1024 a pax record has an empty "linkpath"'
doubted gnu-empty '0 a header with a long name has an empty one'
doubted gnu-pax '0 a member has two names that differ'
doubted pax-gnu '0 a member has two names that differ'
doubted gnu-gnu '0 a member has two names that differ'
doubted link-link '0 a member has two targets that differ'
doubted link '1024 there is content behind a link or a device'
doubted hard '1024 there is content behind a link or a device'
doubted number '1024 the size of a member is no number'
for name in comment sized agreed folder; do
	mv d-$name a && expects pass "tar that all read in one way: $name" "allow: duplicates" ""
done

zip_says() { mv "z-$1" a && expects "${3:-fail}" "zip: $1" "" "$2"; }
zip_says intact "" pass
zip_says name 'one: its own header calls it "ONE"'
zip_says second 'one: has a second name, "ONE"'
zip_says size 'Inconsistent uncompressed size' undecided
zip_says crc 'Inconsistent CRC32 values' undecided
zip_says method 'could not read member "one"' undecided
zip_says flags 'one: its set of flags in the table of contents'
zip_says data 'could not read member "one": ZIP bad CRC' undecided
zip_says hidden 'is a member that its table of contents does not list'
zip_says overlap 'shares bytes with another member'
zip_says pointer 'could not read' undecided
zip_says front '10 bytes in front of it'
again pass "which can be allowed" "allow: gaps" ""
zip_says behind '6 bytes behind its end'
zip_says gap '6 bytes at byte [0-9]+ belong to no member'
zip_says twice 'could not read it as an archive|more than one end record' undecided
zip_says volume 'it is one part of several volumes' undecided
zip_says cut 'could not read it as an archive|no end record' undecided
(cd tree && zip -qP secret ../a.zip LICENSE) && mv a.zip a
expects undecided "encrypted" "" 'could not read member "LICENSE": it is encrypted'
(cd tree && zip -qfd - LICENSE empty >../a)
expects pass "a zip that was streamed" "" ""

# --- damage: no measurement, whatever the bound ---
damaged() { expects undecided "$1" "" "$2" 'differences: "<= 100"'; }
spoilt() # FILE OFFSET
{
	cp "$1" a
	printf '\1\2\3\4' | dd of=a bs=1 seek="$2" conv=notrunc status=none
}
head -c 3000 whole.tar >a && damaged "tar cut within a member" 'archive ".*/c[0-9]+": could not read'
head -c 2048 whole.tar >a && damaged "tar cut between two members" 'it is truncated: no end mark follows member'
spoilt whole.tar 10 && damaged "a wrong header checksum" 'could not read'
head -c -20 whole.tar.gz >a && damaged "gzip cut" 'it is truncated: the gzip stream does not end'
size=$(stat -c %s whole.ar)
head -c $((size - 40)) whole.ar >a && damaged "ar cut within a header" 'it is truncated: no whole header follows member 1'
{ cat whole.cpio; head -c 300000 /dev/zero; } | gzip >padded.cpio.gz # more than is read at once
size=$(stat -c %s padded.cpio.gz)
spoilt padded.cpio.gz $((size - 8)) && damaged "a wrong checksum behind the end of a cpio" 'it is damaged: the checksum of gzip differs'
size=$(stat -c %s whole.tar.gz)
spoilt whole.tar.gz $((size - 8)) && damaged "a wrong checksum of gzip" 'it is damaged: the checksum of gzip differs'
spoilt whole.tar.gz $((size - 4)) && damaged "a wrong length of gzip" 'it is damaged: the length gzip kept differs'
for format in xz bz2 zst; do
	size=$(stat -c %s whole.tar.$format)
	head -c $((size - 6)) whole.tar.$format >a && damaged "$format cut" 'it is damaged or truncated: '
	spoilt whole.tar.$format $((size / 2)) && damaged "$format flipped" 'it is damaged or truncated: '
done
: >a && damaged "an empty file" 'could not read it as an archive'
head -c 10000 /dev/zero | tr '\0' x >a && damaged "no archive" 'could not read it as an archive: Unrecognized archive format'
gzip -c whole.tar.gz >a && damaged "compressed twice" 'could not read it as an archive'
damaged "no file" 'No such file'
mkfifo a && damaged "a named pipe hangs nobody" 'a named pipe, not a file'
tar -cf a -T /dev/null && damaged "no members" 'the archive has no members'

# --- behind the end ---
cat whole.tar whole.tar >a && expects fail "a second archive behind the first" "" '[0-9]+ bytes of data behind its end'
again pass "which can be allowed" "allow: gaps" ""
mv tiny.cpio a && expects fail "a second cpio behind a tiny one" "" '[0-9]+ bytes of data behind its end'
cat whole.cpio whole.cpio >a && expects fail "a second cpio behind the first" "" '[0-9]+ bytes of data behind its end'
for format in gz bz2; do
	{ cat whole.tar.$format; echo hidden; } >a && expects fail "data behind $format" "" '7 bytes of data behind its end'
done
for format in xz zst; do
	{ cat whole.tar.$format; echo hidden; } >a && damaged "data behind $format" 'it is damaged or truncated: '
done

# --- limits ---
cp whole.tar.gz a && expects undecided "too many members" "max_members: 3" 'it holds more than 3 members \(max_members\)'
cp z-many a && expects undecided "too many members of a zip" "max_members: 3" 'it holds more than 3 members \(max_members\)'
cp whole.tar.gz a && expects undecided "too many bytes" "max_bytes: 20B" 'it holds more than 20 B \(max_bytes\), at member'
truncate -s 40M zeros && tar -cf - zeros | gzip -1 >a
expects undecided "a bomb" "max_ratio: 50" 'it unpacks to more than 50 times its size \(max_ratio\), at member "zeros"'
truncate -s 15T zeros && tar -Scf a zeros && rm zeros
expects undecided "a sparse file of any size" "" 'it holds more than 16 GiB \(max_bytes\), at member "zeros"'

# --- all of them at once ---
judge_cases

# --- definitions ---
refuses()
{
	printf 'assize: 1\naudits: {a: {checks: [{id: x, archive: {path: a, %s}}]}}\n' "$2" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: refused" "$status" 3
	like "$1: told" "$err" "$3"
}
refuses "an unknown allowance" 'allow: [links]' 'cannot allow "links".*one of case, devices'
refuses "a digest that is none" 'sha256: {x: abc}' 'the digest of "x" is not 64 hexadecimal digits'
refuses "a mode that is none" 'modes: {x: "rwx"}' '"rwx" is not a mode'
refuses "a mode that never counts" 'modes: { "b*": "0755", "bin/*": "0644" }' \
	'the mode of "bin/\*" never counts: "b\*" above it matches the same'
refuses "exact without a list" 'exact: true' '"exact" needs a list'
for key in 'forbidden: "./etc//"' 'modes: { etc/: "0755" }' "sha256: { etc/: $license }"; do
	refuses "a name with a slash at its end: $key" "$key" \
		'no member is ever "(\./)?etc//?": names do not end with /.*"etc" is the folder, "etc/\*" what is in it'
done
refuses "half an owner" 'owner: "root:"' '"owner" has an empty part'
exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/archive.yaml"
done_testing
