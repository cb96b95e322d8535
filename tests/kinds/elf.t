#!/bin/bash
# elf: programs linked well and badly, and damaged ones. Every case is a file and a check; all run at once.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/cases.sh"
cd "$TMP"

# expects STATUS CLAIM FILE KEYS EXPECT WORDS
expects() { add_case elf "$@"; }

echo 'int main(void) { return 0; }' >main.c
echo 'int answer(void); int answer(void) { return 42; }' >x.c
gcc -g -fPIE -pie -Wl,-z,relro,-z,now,--build-id=sha1 -o good main.c || bail "no compiler"
strip -o stripped good
strip --strip-debug -o symbols good
gcc -fPIC -shared -Wl,-soname,libx.so.1,-rpath,/opt/x,--disable-new-dtags,--build-id=none -o libx.so x.c
gcc -fno-pie -no-pie -Wl,-z,norelro,-z,execstack,-rpath,/opt/y,--enable-new-dtags,--no-as-needed -o bad main.c ./libx.so 2>/dev/null
gcc -fPIE -pie -Wl,-z,relro,-z,lazy -o lazy main.c
gcc -c -o object.o main.c
gcc -static -o static main.c
machine=$(uname -m | tr _ -)
# What the loader loads beside what is needed; a library known by its path; another C library.
gcc -Wl,--audit=libwatch.so:libsee.so,--depaudit=libdeep.so -o audited main.c
gcc -fPIC -shared -nostdlib -Wl,-F,libfilter.so.1,-f,libaux.so.2 -o filter.so x.c
gcc -fPIC -shared -nostdlib -o libbare.so x.c
gcc -nostdlib -Wl,--no-as-needed -o by-path main.c ./libbare.so -Wl,-e,main
gcc -fPIC -shared -nostdlib -Wl,-soname,libc.musl-x86_64.so.1 -o libmusl.so x.c
gcc -nostdlib -Wl,--no-as-needed,-e,main -o musl main.c ./libmusl.so

expects pass "well linked" stripped "" 'pie: "== 1", relro: '"'"'== "full"'"'"', stripped: "== 1", build_id: "matches /^[0-9a-f]{40}$/", type: '"'"'== "pie"'"'" ""
expects pass "figures" good "" "machine: '== \"$machine\"', bits: '== 64', needed: '== 1', interp: 'matches /ld-linux/', rpath: '== \"\"', runpath: '== \"\"'" ""
expects pass "libraries and glibc" good 'libraries: "libc.so.*", forbidden: "libcrypto*", max_glibc: "9.0"' "" ""
expects pass "a library" libx.so "" "type: '== \"shared\"', soname: '== \"libx.so.1\"', rpath: '== \"/opt/x\"', build_id: '== \"\"', pie: '== 1'" ""
expects pass "runpath" bad "" "nx: '== 0', runpath: '== \"/opt/y\"', type: '== \"executable\"'" ""
expects fail "no PIE" bad "" "pie: '== 1', nx: '>= 0'" '"0"'
expects fail "no RELRO" bad "" "relro: '== \"full\"', nx: '>= 0'" 'none'
# A segment that closes nothing: of no bytes; of other pages.
python3 - <<'PY' || bail "no programs"
import struct
for name, change in {"relro-empty": lambda address, n: (address, 0), "relro-low": lambda address, n: (address - 8192, 4096),
                     "relro-short": lambda address, n: (address, n - 8)}.items():
    b = bytearray(open("good", "rb").read())
    at, size, n = struct.unpack_from("<Q", b, 32)[0], *struct.unpack_from("<HH", b, 54)
    for i in range(n):
        p = at + i * size
        if struct.unpack_from("<I", b, p)[0] == 0x6474e552:
            address, length = change(struct.unpack_from("<Q", b, p + 16)[0], struct.unpack_from("<Q", b, p + 40)[0])
            struct.pack_into("<QQ", b, p + 16, address, address)
            struct.pack_into("<Q", b, p + 40, length)
    open(name, "wb").write(b)
PY
for open in relro-empty relro-low relro-short; do
	expects fail "RELRO that closes nothing: $open" $open "" "relro: '== \"full\"'" 'none'
done
# Tables of several pages, of which the segment leaves the last one open, or the first.
for i in {1..1200}; do printf 'int f%d(void); int f%d(void) { return %d; }\n' $i $i $i; done >many.c
for i in {1..1200}; do printf 'int f%d(void); __attribute__((constructor)) static void c%d(void) { f%d(); }\n' $i $i $i; done >calls.c
gcc -fPIC -shared -o libmany.so many.c
for plt in plt no-plt; do
	gcc -f$plt -fPIE -pie -Wl,-z,relro,-z,now -o calls-$plt main.c calls.c ./libmany.so || bail "no $plt"
	expects pass "tables of several pages: $plt" calls-$plt "" "relro: '== \"full\"'" ""
done
python3 - <<'PY' || bail "no programs"
import struct
def change(old, new, kind, patch):
    b = bytearray(open(old, "rb").read())
    at, size, n = struct.unpack_from("<Q", b, 32)[0], *struct.unpack_from("<HH", b, 54)
    for i in range(n):
        if struct.unpack_from("<I", b, at + i * size)[0] == kind:
            patch(b, at + i * size)
            break
    open(new, "wb").write(b)
def add(offset, n):
    return lambda b, p: struct.pack_into("<Q", b, p + offset, struct.unpack_from("<Q", b, p + offset)[0] + n)
def both(*patches):
    return lambda b, p: [patch(b, p) for patch in patches]
RELRO, DYNAMIC, NOTE = 0x6474e552, 2, 4
for plt in "plt", "no-plt":
    change("calls-" + plt, "open-end-" + plt, RELRO, add(40, -4096))
    change("calls-" + plt, "open-begin-" + plt, RELRO, both(add(16, 4096), add(40, -4096)))
change("calls-plt", "open-dynamic", DYNAMIC, add(40, 65536))
change("calls-plt", "twice", NOTE, lambda b, p: struct.pack_into("<I", b, p, RELRO))
PY
for plt in plt no-plt; do
	expects fail "the end of the table of calls is open: $plt" open-end-$plt "" "relro: '== \"full\"'" partial
	expects fail "the begin of what is called at the begin is open: $plt" open-begin-$plt "" "relro: '== \"full\"'" partial
done
expects fail "the end of the dynamic section is open" open-dynamic "" "relro: '== \"full\"'" none
expects undecided "two segments that say what is closed" twice "" "relro: '== \"full\"'" '2 segments say what its RELRO is'
expects fail "lazy binding" lazy "" "relro: '== \"full\"'" 'partial'
expects fail "an executable stack" bad "" "" '"0"'
expects fail "a foreign library" bad 'libraries: "libc.so.*"' "nx: '>= 0'" 'needs \./libx.so|needs libx.so.1'
expects fail "a forbidden library" bad 'forbidden: ["libx.*"]' "nx: '>= 0'" 'needs libx.so.1'
expects fail "a glibc too new" good 'max_glibc: "2.1"' "" 'needs GLIBC_2\.[0-9]+, 2.1 is the newest allowed'
expects fail "an auditor" audited 'libraries: ["libc.so.*", "libsee*", "libdeep*"]' "" 'needs libwatch.so'
expects fail "another one" audited 'forbidden: "libsee.so"' "" 'needs libsee.so'
expects fail "an auditor of libraries" audited 'forbidden: "libdeep.so"' "" 'needs libdeep.so'
expects fail "what a library filters for" filter.so 'forbidden: "libfilter.so*"' "" 'needs libfilter.so.1'
expects fail "and may filter for" filter.so 'libraries: "libfilter*"' "" 'needs libaux.so.2'
expects pass "what is needed, in all" filter.so "" "needed: '== 2'" ""
expects fail "a forbidden library by its path" by-path 'forbidden: "libbare.*"' "" 'needs \./libbare.so'
expects undecided "another C library" musl 'max_glibc: "2.31"' "" "none of them is glibc's"
expects fail "debugging information" good "" "stripped: '== 1'" 'debugging information is left'
expects fail "symbols" symbols "" "stripped: '== 1'" 'the symbol table is left'
expects fail "no build id" libx.so "" "build_id: '!= \"\"'" 'build_id|no value|\\"\\"|""'
expects undecided "an object has no stack" object.o "" "" 'nothing of it is loaded'

# Damage, made in the headers of a good file.
python3 - <<'PY'
import struct
whole = open("good", "rb").read()
phoff, = struct.unpack_from("<Q", whole, 32)
phnum, = struct.unpack_from("<H", whole, 56)
def segment(kind):
    for i in range(phnum):
        at = phoff + 56 * i
        if struct.unpack_from("<I", whole, at)[0] == kind:
            return at
dynamic, note, interp, stack = segment(2), segment(4), segment(3), segment(0x6474e551)
dyn_at, = struct.unpack_from("<Q", whole, dynamic + 8)
def entry(tag):
    at = dyn_at
    while struct.unpack_from("<Q", whole, at)[0] != tag:
        at += 16
    return at
cases = {
    "far": (32, "<Q", 1 << 62), "many": (56, "<H", 65535), "small": (54, "<H", 8), "class": (4, "<B", 7),
    "dynamic": (dynamic + 8, "<Q", 1 << 40), "notes": (note + 32, "<Q", 1 << 40),
    "interp": (interp + 32, "<Q", 1 << 30), "strings": (entry(10) + 8, "<Q", 1 << 40),
    "name": (entry(1) + 8, "<Q", 1 << 30), "versions": (entry(0x6ffffffe) + 8, "<Q", 1 << 50),
    "sections": (40, "<Q", 1 << 50), "stack": (stack, "<I", 0x6474e5ff),
    "wx": (segment(1) + 4, "<I", 7),
}
for name, (at, form, value) in cases.items():
    b = bytearray(whole)
    struct.pack_into(form, b, at, value)
    open("d-" + name, "wb").write(b)
# A file of nothing but a dynamic section: entries of (tag, value), further segments of
# (type, flags, offset, size); a negative offset counts from the end, which is zeros.
names = b"\0libx.so\0GLIBC_2.34\0GLIBC_ABI_DT_RELR\0GLIBC_ABI_OTHER\0"
def named(text):
    return names.index(text) if text else 0
def library(version, more): # one library of the versions needed, with one version
    return struct.pack("<HHIII", 1, 1, 1, 16, 32 * more) + struct.pack("<IHHII", 0, 0, 2, named(version), 0)
def tiny(name, entries=(), more=(), versions=b"", end=((0, 0),)):
    segments = [(1, 5, 0, 1 << 30), (0x6474e551, 6, 0, 0), *more]
    at_names = 64 + 56 * (len(segments) + 1)
    at_versions = at_names + len(names)
    table = [(5, at_names), (10, len(names)), (1, 1)] + ([(0x6ffffffe, at_versions)] if versions else []) + [*entries, *end]
    at_table = at_versions + len(versions)
    total = at_table + 16 * len(table) + (1 << 20)
    segments = [(kind, flags, at if at >= 0 else total + at, min(n, total)) for kind, flags, at, n in [*segments, (2, 6, at_table, 16 * len(table))]]
    b = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    b += b"".join(struct.pack("<IIQQQQQQ", kind, flags, at, at, at, n, n, 1) for kind, flags, at, n in segments)
    b += names + versions + b"".join(struct.pack("<QQ", *entry) for entry in table)
    open("d-" + name, "wb").write(b + bytes(total - len(b)))
tiny("whole", versions=library(b"GLIBC_2.34", 0))
tiny("libraries", [(1, 1)] * 4096)
tiny("endless", end=())
tiny("wrapped", [(15, (1 << 64) - 5)])
tiny("stacks", more=[(0x6474e551, 7, 0, 0)])
tiny("more-notes", more=[(4, 4, -1 << 20, 1 << 20)] * 2)
tiny("chain", [(0x6fffffff, 1)], versions=library(b"", 1) + library(b"GLIBC_2.34", 0))
tiny("open-chain", versions=struct.pack("<HHIII", 1, 1, 1, 1 << 30, 0))
tiny("relr", versions=library(b"GLIBC_ABI_DT_RELR", 0))
tiny("mark", versions=library(b"GLIBC_ABI_OTHER", 0))
b = bytearray(whole)
struct.pack_into("<Q", b, dynamic + 16, struct.unpack_from("<Q", whole, dynamic + 16)[0] + 16)
open("d-elsewhere", "wb").write(b)
at, = struct.unpack_from("<Q", whole, 40)
b = bytearray(whole)
struct.pack_into("<I", b, at + 64, 1 << 30) # the name of the first section
open("d-section", "wb").write(b)
b = bytearray(whole)
struct.pack_into("<H", b, 62, 0) # no section holds the names
open("d-nameless", "wb").write(b)
open("d-cut", "wb").write(whole[:40])
static = open("static", "rb").read()
open("d-half", "wb").write(static[:len(static) // 2])
open("d-none", "wb").write(b"#!/bin/sh\n")
open("d-empty", "wb").write(b"")
PY
damaged() { expects undecided "damage: $1" "d-$1" "" "pie: '== 1'" "$2"; }
damaged far 'its segments lie outside the file'
damaged half 'what is loaded lies outside the file'
damaged many 'it claims 65535 segments'
damaged small 'its segments have 8 bytes each'
damaged class 'class 7'
damaged dynamic 'its dynamic section'
damaged notes 'it claims [0-9]+ bytes of notes'
damaged interp 'the name of its interpreter has'
damaged strings 'bytes of names'
damaged name 'a name lies outside its names'
damaged versions 'the versions it needs lie outside the file'
damaged libraries 'it claims to need more than 4096 libraries'
damaged endless 'its dynamic section has no end'
damaged elsewhere 'its dynamic section is loaded from elsewhere'
damaged wrapped 'entry 15 of its dynamic section lies outside the file'
damaged stacks '2 segments say what its stack is'
damaged more-notes 'bytes of notes'
damaged open-chain 'the versions it needs have no end'
damaged cut 'cut within its header'
damaged none 'it is no ELF file'
damaged empty 'it is no ELF file'
expects undecided "damage: no file" d-gone "" "" 'No such file'
expects pass "damage: none at all" d-whole 'libraries: "libx.so", max_glibc: "2.34"' "pie: '== 1', glibc: '== \"2.34\"'" ""
expects fail "versions behind those that are counted" d-chain 'max_glibc: "2.33"' "" 'needs GLIBC_2.34'
expects fail "relocations of a new kind" d-relr 'max_glibc: "2.35"' "" 'needs GLIBC_2.36'
expects undecided "a mark of glibc that nobody knows" d-mark 'max_glibc: "2.35"' "" 'it asks for GLIBC_ABI_OTHER, which is no number'
for name in section nameless; do
	expects undecided "damage: $name" d-$name "" "stripped: '== 1'" 'names of its sections|section headers make no sense'
done
expects undecided "damage: sections" d-sections "" "stripped: '== 1'" 'its section headers lie outside the file'
expects fail "a file that says nothing of its stack" d-stack "" "" 'it says nothing about its stack'
expects fail "a segment writable and executable" d-wx "" "" '"1"'

judge_cases

printf 'assize: 1\naudits: {a: {checks: [{id: x, elf: {path: a, max_glibc: new}}]}}\n' >bad.yaml
exits "a version that is none" 3 "$ASSIZE" check -f bad.yaml
like "is told" "$err" '"new" is not a version of glibc'
exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/elf.yaml"
done_testing
