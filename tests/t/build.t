#!/bin/bash
# The build: no warnings from either compiler, the same bytes wherever it is made, an installation
# that can be taken back.
. "$(dirname "$0")/../lib/tap.sh"

copy()
{
	mkdir -p "$1" && cd "$ROOT" &&
		cp -r Makefile runner audits gates reports rollback tests "$1"
}

# build DIR COMPILER TARGET...: warnings are errors. Not optimised, which takes a third of the time; what
# only the optimiser warns of, the build of these tests meets.
build()
{
	local dir=$1 compiler=$2
	shift 2
	make -j2 --no-print-directory -C "$dir" CC="$compiler" WERROR=1 BUILD=out \
		CFLAGS="-O0 -U_FORTIFY_SOURCE" "$@" 2>&1
}

copy "$TMP/one"
copy "$TMP/two/further/down"
ok "gcc has nothing to say" build "$TMP/one" gcc all
# A floor of it elsewhere: flags and order are the same for all.
ok "it builds anywhere" build "$TMP/two/further/down" gcc out/libassize.a \
	SOURCES="$(cd "$TMP/two/further/down" && printf '%s ' runner/base/*.c)"
ok "into the same bytes" diff -r "$TMP/one/out/obj/runner/base" "$TMP/two/further/down/out/obj/runner/base"
is "which hold no path of the machine" "$(grep -c "$TMP" "$TMP/one/out/assize")" 0

before=$(cd "$TMP/one/out" && find . -name '*.o' -newer libassize.a)
run build "$TMP/one" gcc all
is "nothing is built twice" "$(cd "$TMP/one/out" && find . -name '*.o' -newer libassize.a)" "$before"
touch "$TMP/one/runner/base/cron.h"
run build "$TMP/one" gcc all
like "a changed header rebuilds what includes it" "$out" 'runner/base/cron\.c'
unlike "and nothing else" "$out" 'runner/base/arena\.c'

install_into()
{
	build "$TMP/one" gcc DESTDIR="$TMP/root" PREFIX=/usr "$1"
}
ok "make install" install_into install
want=$(cd "$ROOT/runner/man" && for page in *.[157]; do
	echo "usr/share/man/man${page##*.}/$page"
done)
is "installs the command and its manual" \
	"$(cd "$TMP/root" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)" \
	"$(printf 'usr/bin/assize\n%s\n' "$want" | LC_ALL=C sort)"
ok "the command runs" "$TMP/root/usr/bin/assize" --version
ok "make uninstall" install_into uninstall
is "leaves nothing" "$(find "$TMP/root" -type f)" ""

# What CI asks clang about all sources, of a floor here; and it would have been told.
alone=(UNITS= TOOLS= OTHERS=)
ok "clang has nothing to say" build "$TMP/two/further/down" clang warnings "${alone[@]}" \
	SOURCES="$(cd "$TMP/two/further/down" && printf '%s ' runner/base/*.c)"
printf 'int f(int unused)\n{\n\treturn 1;\n}\n' >>"$TMP/two/further/down/runner/base/map.c"
nok "a warning would have been an error" build "$TMP/two/further/down" clang warnings "${alone[@]}" \
	SOURCES=runner/base/map.c
done_testing
