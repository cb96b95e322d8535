#!/bin/bash
# The assertions can fail, say what they saw, and a test that stops half way does not pass.
. "$(dirname "$0")/../lib/tap.sh"

# script LINE...: a test of its own, run; sets $status, $out.
script()
{
	printf '%s\n' '#!/bin/bash' ". \"$ROOT/tests/lib/tap.sh\"" "$@" >"$TMP/inner.t"
	run bash "$TMP/inner.t"
}

script 'ok a true' 'nok b false' 'is c x x' 'isnt d x y' 'like e xyz "^x.z$"' 'unlike f x y' \
	'exits g 3 bash -c "exit 3"' 'is h "$status" 3' 'done_testing'
is "what holds passes" "$status $(grep -c '^ok' <<<"$out") ${out##*$'\n'}" "0 8 1..8"

fails()
{
	script "$2" 'is "goes on" x x' 'done_testing'
	like "$1" "$status $out" "^1 not ok 1 - claim.*$3.*ok 2 - goes on"
}
fails "ok fails and shows the output" 'ok claim bash -c "echo seen; exit 4"' 'exit status 4 .*seen'
fails "nok fails" 'nok claim true' 'succeeded though'
fails "is fails and shows both" 'is claim left right' 'expected: right.*got: left'
fails "isnt fails" 'isnt claim same same' 'anything but: same'
fails "like fails and shows both" 'like claim text "^x"' 'match: \^x.*got: text'
fails "unlike fails" 'unlike claim text t' 'not to match: t'
fails "exits fails and shows what was said" 'exits claim 0 bash -c "echo said >&2; exit 2"' \
	'expected exit status 0, got 2.*stderr: said'
fails "a failure says where" 'is claim a b' 'inner.t line 3'

script 'ok a true' 'exit 0'
is "a test that leaves early does not pass" "$status" 1
script 'ok a true' 'echo $unset_variable' 'done_testing'
isnt "nor does one that uses what it never set" "$status" 0
script 'bail "no disk"'
is "a test can give up" "$status $out" "1 Bail out! no disk"

script 'sleep 1000 & reap $!' 'echo $! $TMP' 'done_testing'
read -r pid scratch <<<"$out"
nok "what a test started ends with it" kill -0 "$pid"
nok "its scratch directory, too" test -e "$scratch"
script 'sleep 1000 & disown' 'reap $!' 'echo $!' 'done_testing'
pid=${out%%$'\n'*}
ok "what is no job of the test any more is not touched" kill "$pid"
done_testing
