#!/bin/bash
# elf: programs linked well and badly, and damaged ones. Every case is a file and a check; all run at once.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"

n_cases=0
claims=() statuses=() words=()
printf 'assize: 1\naudits:\n  a:\n    checks:\n' >assize.yaml

# expects STATUS CLAIM FILE KEYS EXPECT WORDS
expects()
{
	claims+=("$2") statuses+=("$1") words+=("$6")
	printf '      - { id: c%s, elf: { path: %s%s }%s }\n' $n_cases "$3" "${4:+, $4}" "${5:+, expect: { $5 \}}" >>assize.yaml
	n_cases=$((n_cases + 1))
}

echo 'int main(void) { return 0; }' >main.c
echo 'int answer(void); int answer(void) { return 42; }' >x.c
gcc -g -fPIE -pie -Wl,-z,relro,-z,now,--build-id=sha1 -o good main.c || bail "no compiler"
strip -o stripped good
strip --strip-debug -o symbols good
gcc -fPIC -shared -Wl,-soname,libx.so.1,-rpath,/opt/x,--disable-new-dtags,--build-id=none -o libx.so x.c
gcc -fno-pie -no-pie -Wl,-z,norelro,-z,execstack,-rpath,/opt/y,--enable-new-dtags,--no-as-needed -o bad main.c ./libx.so 2>/dev/null
gcc -fPIE -pie -Wl,-z,relro,-z,lazy -o lazy main.c
gcc -c -o object.o main.c
machine=$(uname -m | tr _ -)

expects pass "well linked" stripped "" 'pie: "== 1", relro: '"'"'== "full"'"'"', stripped: "== 1", build_id: "matches /^[0-9a-f]{40}$/", type: '"'"'== "pie"'"'" ""
expects pass "figures" good "" "machine: '== \"$machine\"', bits: '== 64', needed: '== 1', interp: 'matches /ld-linux/', rpath: '== \"\"', runpath: '== \"\"'" ""
expects pass "libraries and glibc" good 'libraries: "libc.so.*", forbidden: "libcrypto*", max_glibc: "9.0"' "" ""
expects pass "a library" libx.so "" "type: '== \"shared\"', soname: '== \"libx.so.1\"', rpath: '== \"/opt/x\"', build_id: '== \"\"', pie: '== 1'" ""
expects pass "runpath" bad "" "nx: '== 0', runpath: '== \"/opt/y\"', type: '== \"executable\"'" ""
expects fail "no PIE" bad "" "pie: '== 1', nx: '>= 0'" '"0"'
expects fail "no RELRO" bad "" "relro: '== \"full\"', nx: '>= 0'" 'none'
expects fail "lazy binding" lazy "" "relro: '== \"full\"'" 'partial'
expects fail "an executable stack" bad "" "" '"0"'
expects fail "a foreign library" bad 'libraries: "libc.so.*"' "nx: '>= 0'" 'needs \./libx.so|needs libx.so.1'
expects fail "a forbidden library" bad 'forbidden: ["libx.*"]' "nx: '>= 0'" 'needs libx.so.1'
expects fail "a glibc too new" good 'max_glibc: "2.1"' "" 'needs GLIBC_2\.[0-9]+, 2.1 is the newest allowed'
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
open("d-cut", "wb").write(whole[:40])
open("d-none", "wb").write(b"#!/bin/sh\n")
open("d-empty", "wb").write(b"")
PY
damaged() { expects undecided "damage: $1" "d-$1" "" "pie: '== 1'" "$2"; }
damaged far 'its segments lie outside the file'
damaged many 'it claims 65535 segments'
damaged small 'its segments have 8 bytes each'
damaged class 'class 7'
damaged dynamic 'its dynamic section'
damaged notes 'it claims [0-9]+ bytes of notes'
damaged interp 'the name of its interpreter has'
damaged strings 'bytes of names'
damaged name 'a name lies outside its names'
damaged versions 'the versions it needs lie outside the file'
damaged cut 'cut within its header'
damaged none 'it is no ELF file'
damaged empty 'it is no ELF file'
expects undecided "damage: no file" d-gone "" "" 'No such file'
expects undecided "damage: sections" d-sections "" "stripped: '== 1'" 'its section headers lie outside the file'
expects fail "a file that says nothing of its stack" d-stack "" "" 'it says nothing about its stack'
expects fail "a segment writable and executable" d-wx "" "" '"1"'

run "$ASSIZE" run --json
is "something failed: exit status" "$status" 1
jq -r '.checks[] | "\(.name[3:])\t\(.outcome)\t\([.series[] | select(.outcome != "pass") | .shown, .reason, .evidence[]] | tostring)"' \
	<<<"$out" >told
while IFS=$'\t' read -r i outcome told; do
	is "${claims[i]}: ${statuses[i]}" "$outcome" "${statuses[i]}" || diag "$told"
	[ -z "${words[i]}" ] || like "${claims[i]}: told" "$told" "${words[i]}"
done <told
is "every case was judged" "$(wc -l <told)" $n_cases

printf 'assize: 1\naudits: {a: {checks: [{id: x, elf: {path: a, max_glibc: new}}]}}\n' >bad.yaml
exits "a version that is none" 3 "$ASSIZE" check -f bad.yaml
like "is told" "$err" '"new" is not a version of glibc'
exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/elf.yaml"
done_testing
