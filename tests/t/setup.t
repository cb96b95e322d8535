#!/bin/bash
# tests/setup: asks nothing of apt when all is there, installs only where that was promised, and
# otherwise says what to do.
. "$(dirname "$0")/../lib/tap.sh"

# A machine made of stand-ins: $TMP/bin comes first, $TMP/installed lists its packages.
mkdir "$TMP/bin"
stand_in()
{
	printf '#!/bin/bash\n%s\n' "$2" >"$TMP/bin/$1"
	chmod +x "$TMP/bin/$1"
}
# shellcheck disable=SC2016
stand_in dpkg-query 'grep -qx "${!#}" "$TMP/installed" && echo installed'
# shellcheck disable=SC2016
stand_in apt-get 'echo "apt-get $*" >>"$TMP/calls"
[ ! -e "$TMP/apt-fails" ] || { echo "E: no such mirror" >&2; exit 100; }
for word; do echo "$word"; done >>"$TMP/installed"'
stand_in pkg-config 'echo "-D$1"'
# shellcheck disable=SC2016
stand_in id 'cat "$TMP/uid"'
# shellcheck disable=SC2016
stand_in sudo '[ -e "$TMP/sudo" ] || exit 1
[ "$1" = -n ] || exit 1
shift
echo sudo >>"$TMP/calls"
exec "$@"'
# The rest of a system, without what is on this one.
for name in awk bash cat chmod dirname env grep mkdir mktemp mv rm tail tee true; do
	ln -s "$(type -P $name)" "$TMP/bin/$name"
done

all=$(awk '$0 == "# bench" { exit } !/^[ \t]*(#|$)/ { print $1 }' "$ROOT/tests/packages")
to_build=$(awk '$0 == "# tests" { exit } !/^[ \t]*(#|$)/ { print $1 }' "$ROOT/tests/packages")

machine()
{
	rm -rf "$TMP"/{calls,sudo,apt-fails,out}
	echo "$1" >"$TMP/uid"
	printf '%s\n' "$2" >"$TMP/installed"
}
setup()
{
	run env POLICY_RC_D="$TMP/policy" PATH="$TMP/bin" TMP="$TMP" "$ROOT/tests/setup" "$@"
}
calls()
{
	cat "$TMP/calls" 2>/dev/null
}

isnt "some packages only serve the tests" "$all" "$to_build"

machine 0 "$all"
setup --install tests "$TMP/out/stamp"
is "a complete machine is left alone" "$status $out$err$(calls)" "0 "
like "the stamp holds the flags" "$(cat "$TMP/out/stamp")" 'LIB_CFLAGS := .*LIB_LIBS := '

setup bench "$TMP/out/stamp"
like "to measure, other tools are needed" "$status $err" '^3 .*blackbox-exporter'
unlike "beside those of the tests" "$err" 'libcmocka'

machine 0 "$to_build"
setup --install build "$TMP/out/stamp"
is "to build, the packages of the tests are not needed" "$status $(calls)" "0 "

machine 0 "$(grep -v -x libyaml-dev <<<"$to_build")"
setup build "$TMP/out/stamp"
is "a plain build installs nothing" "$status $(calls)" "3 "
like "but names what is missing" "$err" 'apt-get install [^"]*libyaml-dev'
unlike "and only that" "$err" 'libssl-dev'
nok "and leaves no stamp" test -e "$TMP/out/stamp"

setup --install build "$TMP/out/stamp"
is "with the promise it is installed" "$status" 0
like "by name" "$(calls)" 'install .*libyaml-dev'
unlike "nothing else is" "$(calls)" 'libssl-dev'
ok "and there is a stamp" test -s "$TMP/out/stamp"

machine 1000 ""
setup --install tests "$TMP/out/stamp"
is "without root or sudo nothing is tried" "$status $(calls)" "3 "
like "and everything is named" "$err" 'libcmocka-dev'

machine 1000 "$(grep -v -x jq <<<"$all")"
touch "$TMP/sudo"
setup --install tests "$TMP/out/stamp"
is "sudo without a password will do" "$status" 0
like "for each call of apt" "$(calls)" $'sudo\napt-get .*update\nsudo\napt-get .*install .*jq'

machine 0 ""
touch "$TMP/apt-fails"
setup --install build "$TMP/out/stamp"
is "when apt fails, so does the set-up" "$status" 3
like "with what apt said" "$err" 'E: no such mirror'
like "with what to do by hand" "$err" 'could not install.*apt-get install'
nok "and no stamp" test -e "$TMP/out/stamp"

rm "$TMP/bin/dpkg-query"
stand_in pkg-config '[ "$2" != libyaml ] && [ "$2" != yaml-0.1 ]'
machine 0 ""
setup --install build "$TMP/out/stamp"
is "elsewhere than on Debian, missing libraries are named" "$status $(calls)" "3 "
like "as pkg-config knows them" "$err" $'\n  yaml-0.1$'
done_testing
