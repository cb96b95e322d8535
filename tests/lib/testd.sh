# testd.sh: a private server on loopback for a shell test. Source it after tap.sh.
#
#	testd ARGS...    starts tests/tools/testd with ARGS and sets $port; it ends with the test
#	free_port        sets $port to one on which nobody listens
#
# shellcheck shell=bash

testd()
{
	local said=$TMP/.testd.$RANDOM$RANDOM

	"$BUILD/tests/tools/testd" "$@" >"$said" &
	reap $!
	wait_for grep -q '^port [0-9]' "$said" || bail "testd did not start"
	port=$(sed -n 's/^port //p' "$said")
}

free_port()
{
	port=$("$ROOT/tests/lib/free_port") || bail "no free port"
}
