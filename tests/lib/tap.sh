# tap.sh: assertions for the shell tests, in TAP. Source it first:
#
#	. "$(dirname "$0")/../lib/tap.sh"
#
#	ok   "claim" COMMAND...         the command exits 0; its output is shown when it does not
#	nok  "claim" COMMAND...         the command exits with something else
#	is   "claim" "$got" "$want"     equal texts
#	isnt "claim" "$got" "$other"    different texts
#	like "claim" "$got" 'REGEX'     the text matches (extended regular expression; "." spans lines)
#	unlike "claim" "$got" 'REGEX'   it does not
#	run COMMAND...                  runs it and sets $status, $out (stdout), $err (stderr)
#	exits "claim" STATUS COMMAND... run, then the status is that
#	wait_for COMMAND...             until it succeeds, at most 30 seconds; false when it never does
#	reap PID...                     jobs of this shell to end when the test ends
#	obeys_modes COMMAND...          runs it so that file modes bind it, also when the tests run as root
#	diag "text"                     a comment
#	bail "reason"                   nothing further can be tested
#	done_testing                    last line of every test
#
# $ROOT is the source tree, $BUILD the build, $ASSIZE the binary under test, $TMP a private directory
# which is removed at the end. Works under `set -u`, which it sets.
set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$ROOT/build}
ASSIZE=$BUILD/assize
TMP=$(mktemp -d "${TMPDIR:-/tmp}/assize.XXXXXX") || exit 1
export ROOT BUILD ASSIZE TMP

tap_count=0
tap_failed=0
tap_pids=()
tap_is_done=no
status=0 out= err=

tap_cleanup()
{
	local code=$? pid running
	# Only what still runs: the number of a program that ended may be somebody else's by now.
	running=" $(jobs -pr | tr '\n' ' ') "
	for pid in ${tap_pids[@]+"${tap_pids[@]}"}; do
		case $running in
		*" $pid "*) kill "$pid" && wait "$pid" ;;
		esac
	done 2>/dev/null
	chmod -R u+rwX "$TMP" 2>/dev/null
	rm -rf "$TMP"
	if [ $tap_is_done = no ]; then
		echo "# ended before done_testing"
		[ $code -ne 0 ] || code=1
	fi
	exit $code
}
trap tap_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

obeys_modes()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --bounding-set=-dac_override,-dac_read_search "$@"
	else
		"$@"
	fi
}

diag()
{
	printf '%s\n' "$1" | sed 's/^/# /'
}

tap_shown()
{
	printf '%s\n' "$2" | head -n 60 | sed "s/^/#   /; 1s/^#  /# $1:/"
}

tap_pass()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' $tap_count "$1"
}

tap_fail()
{
	local frame=1
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' $tap_count "$1"
	while [ "${BASH_SOURCE[$frame]}" = "${BASH_SOURCE[0]}" ] && [ $frame -lt 9 ]; do
		frame=$((frame + 1))
	done
	printf '# at %s line %d\n' "${BASH_SOURCE[$frame]}" "${BASH_LINENO[$((frame - 1))]}"
	return 1
}

ok()
{
	local claim=$1 output code=0
	shift
	output=$("$@" 2>&1) || code=$?
	if [ $code -eq 0 ]; then
		tap_pass "$claim"
		return
	fi
	tap_fail "$claim"
	diag "exit status $code of: $*"
	[ -z "$output" ] || tap_shown output "$output"
	return 1
}

nok()
{
	local claim=$1 output
	shift
	if ! output=$("$@" 2>&1); then
		tap_pass "$claim"
		return
	fi
	tap_fail "$claim"
	diag "succeeded though it should not: $*"
	[ -z "$output" ] || tap_shown output "$output"
	return 1
}

is()
{
	if [ "$2" = "$3" ]; then
		tap_pass "$1"
		return
	fi
	tap_fail "$1"
	tap_shown expected "$3"
	tap_shown got "$2"
	return 1
}

isnt()
{
	if [ "$2" != "$3" ]; then
		tap_pass "$1"
		return
	fi
	tap_fail "$1"
	tap_shown "expected anything but" "$3"
	return 1
}

like()
{
	if [[ $2 =~ $3 ]]; then
		tap_pass "$1"
		return
	fi
	tap_fail "$1"
	tap_shown "expected to match" "$3"
	tap_shown got "$2"
	return 1
}

unlike()
{
	if ! [[ $2 =~ $3 ]]; then
		tap_pass "$1"
		return
	fi
	tap_fail "$1"
	tap_shown "expected not to match" "$3"
	tap_shown got "$2"
	return 1
}

run()
{
	status=0
	"$@" >"$TMP/.stdout" 2>"$TMP/.stderr" || status=$?
	out=$(tr -d '\0' <"$TMP/.stdout")
	err=$(tr -d '\0' <"$TMP/.stderr")
}

exits()
{
	local claim=$1 want=$2
	shift 2
	run "$@"
	if [ "$status" = "$want" ]; then
		tap_pass "$claim"
		return
	fi
	tap_fail "$claim"
	diag "expected exit status $want, got $status of: $*"
	[ -z "$out" ] || tap_shown stdout "$out"
	[ -z "$err" ] || tap_shown stderr "$err"
	return 1
}

# Polls: bash has no other way to wait for a port or a file. The pause is a read that times out.
wait_for()
{
	local end=$((SECONDS + 30))
	while ! "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -r -t 0.02 <>"$TMP/.pause" || true
	done
}
mkfifo "$TMP/.pause"

reap()
{
	tap_pids+=("$@")
}

bail()
{
	tap_is_done=yes
	printf 'Bail out! %s\n' "$1"
	exit 1
}

done_testing()
{
	tap_is_done=yes
	printf '1..%d\n' $tap_count
	[ $tap_failed -eq 0 ] || diag "$tap_failed of $tap_count failed"
	exit $((tap_failed > 0))
}
