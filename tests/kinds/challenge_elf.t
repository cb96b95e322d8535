#!/bin/bash
# challenge of programs: each value that is expected is attacked, no other, and each is noticed.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"

printf '#include <stdio.h>\nint main(void) { puts("x"); return 0; }\n' >t.c
printf '#include <stdio.h>\nint shop(void) { return puts("x"); }\n' >l.c
gcc -o full t.c -pie -fPIE -Wl,-z,now -Wl,-z,relro -Wl,--build-id -s || bail "no compiler"
gcc -o fixed t.c -no-pie -Wl,-z,lazy
gcc -o static t.c -static
gcc -o lib.so l.c -shared -fPIC -Wl,-soname,libshop.so.1 -Wl,-rpath,/opt/shop -Wl,--enable-new-dtags
cp "$(command -v ls)" system
id=$(readelf -n full | sed -n 's/.*Build ID: //p')
interp=$(readelf -l full | sed -n 's/.*interpreter: \(.*\)]/\1/p')
machine=$(uname -m | tr _ -)

cat >assize.yaml <<YAML
assize: 1
audits:
  e:
    checks:
      - { id: plain, elf: full }
      - { id: system, elf: system }
      - { id: static, elf: static }
      - { id: full, elf: { path: full, libraries: ["libc.so.*"], forbidden: ["libcrypt.so.1*"], max_glibc: "2.99" }, expect: { pie: "== 1", relro: '== "full"', stripped: "== 1", build_id: '== "$id"', rpath: '== ""', runpath: '== ""', interp: '== "$interp"', machine: '== "$machine"', bits: "== 64" } }
      - { id: some-build, elf: { path: full }, expect: { build_id: '!= ""' } }
      - { id: needed, elf: { path: full }, expect: { needed: "== 1" } }
      - { id: most, elf: { path: full }, expect: { needed: "<= 2" } }
      - { id: library, elf: { path: lib.so }, expect: { soname: '== "libshop.so.1"', runpath: '== "/opt/shop"', type: '== "shared"' } }
      - { id: fixed, elf: fixed, expect: { type: '== "executable"', relro: 'in ["partial", "full"]' } }
YAML
real_is full fixed static lib.so system

controls='identity: steady
neighbour: steady
touched: steady'
torn='missing: error
empty: error
torn-half: error
bit-flipped [head]: error'
memory='stack-executable: failed
stack-unsaid: failed
write-execute: failed'

is "without expectations the stack and segments are claimed" "$(attacks e/plain)" "$controls
$torn
$memory"
is "of a program of the system" "$(attacks e/system)" "$controls
$torn
$memory"
is "of one that needs no library" "$(attacks e/static)" "$controls
$torn
$memory"
is "any build is one, unless it does not say which" "$(attacks e/some-build)" "$controls
$torn
$memory
build-id: failed"
is "all that can be expected" "$(attacks e/full)" "$controls
$torn
$memory
relro-lost: failed
bind-now-lost: failed
library-renamed: failed
library-added [foreign]: failed
library-added [libcrypt.so.1*]: failed
glibc-newer: failed
pie-lost: failed
machine: failed
class: failed
build-id: failed
interpreter: failed
search-path [rpath]: failed
search-path [runpath]: failed
symbols-left: failed"
is "a number of libraries" "$(attacks e/needed | grep library)" 'library-added: failed
library-lost: failed'
is "a bound that lets one more through does not claim to notice one" \
	"$(attacks e/most | grep -c library)" 0
is "a library" "$(attacks e/library)" "$controls
$torn
$memory
pie-lost: failed
soname: failed
search-path [runpath]: failed"
is "at a fixed address" "$(attacks e/fixed)" "$controls
$torn
$memory
relro-lost: failed"
is_real_untouched programs

done_testing
