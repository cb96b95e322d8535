#!/bin/bash
# sandbox: what is to be prevented is tried, as root and as somebody else. Each attempt is made
# without a sandbox too, where it succeeds, or the test would prove nothing.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" && chmod 755 . && chmod o+x "${TMPDIR:-/tmp}"
# Plain, whatever the variant: a sanitizer traces processes and takes memory, which is refused here.
ok "the attempts compile" cc -std=c17 -D_XOPEN_SOURCE=700 -o escape "$ROOT/tests/tools/escape.c"
cp "$ASSIZE" .
abi=$(./escape abi)
kernel=$(uname -r)
mark=escape-$$
mkdir own other inside && chmod 777 own other
echo secret >other/file && chmod 666 other/file
echo data >inside/file
printf '#!/bin/sh\ncat inside/file && echo x >own/new\n' >works && chmod 755 works

# A process of the same user, to be attacked.
if [ "$(id -u)" = 0 ]; then
	setpriv --reuid=nobody --regid=nogroup --clear-groups sleep 600 &
else
	sleep 600 &
fi
victim=$!
reap $victim

# The attempt exits 1 where it is refused.
try()
{
	printf '      - { id: %s, command: { run: [./escape, %s], sandbox: { %s } }, expect: { status: "== 1" } }\n' \
		"$1" "$2" "$3"
}
# The same, and without a sandbox.
both()
{
	try "$@"
	printf '      - { id: %s-free, command: { run: [./escape, %s] } }\n' "$1" "$2"
}
# A check that is to pass.
works()
{
	printf '      - { id: %s, command: { run: [%s], sandbox: { %s } }%s }\n' "$1" "$2" "$3" "${4:-}"
}
{
	printf 'assize: 1\naudits:\n  s:\n    defaults: { timeout: 20s }\n    checks:\n'
	both write "write, $TMP/other/new" ''
	both change "write, $TMP/other/file" 'write: [own]'
	both truncate "truncate, $TMP/other/file" ''
	both read "read, $TMP/inside/file" 'read: [own]'
	both udp 'udp, "9"' ''
	both udp-tcp 'udp, "9"' 'network: tcp, ports: [9]'
	both shm shm ''
	both sem sem 'network: any'
	both msg msg ''
	both bomb 'forks, "64"' 'processes: 16'
	both memory 'memory, "200"' 'memory: 64MiB'
	both tcp 'tcp, "9"' ''
	try tcp-port 'tcp, "9"' 'network: tcp, ports: [10]'
	try tcp-open 'tcp, "9"' 'network: tcp, ports: [9]'
	try fastopen 'fastopen, "9"' 'network: tcp, ports: [10]'
	try local 'unix, /no/such' ''
	try local-open 'unix, /no/such' 'local: true'
	try uring 'uring' 'network: any'
	try unshare 'unshare' 'network: any'
	try ptrace "ptrace, \"$victim\"" 'network: any'
	try signal "signal, \"$victim\"" ''
	works setsid "./escape, setsid, $mark" ''
	works work ./works 'read: [inside], write: [own]' ', expect: { output: "== \"data\"" }'
	works limits 'sh, -c, "ulimit -t; ulimit -n; ulimit -f"' 'cpu: 3s, open_files: 33, file_size: 1MiB' \
		', expect: { output: "== \"3\n33\n2048\"" }'
	works lonely './escape, tcp, "9"' 'network: loopback' ', expect: { status: "== 1" }'
	try crowd 'forks, "64"' 'processes: 16, network: loopback'
	works best './escape, udp, "9"' 'require: false' ', expect: { status: "== 1" }'
	works needed 'true' 'require: true' ''
	works nowhere 'true' 'write: [no/such]' ''
	works nobody 'true' 'user: no-such-user' ''
} >assize.yaml

# As one user: results of all of them (or of $only), then what is said of each.
only=
as()
{
	who=$1
	shift
	run "$@" ./assize run $only --record "$TMP/own/$who.db" --json
	results=$(jq -r '.checks[] | .name as $c | .series[] |
		"\($c) \(.outcome) [\(.series)] \(.shown // "") (\(.reason // "")) \(.evidence // [] | join(" "))"' <<<"$out")
	[ -n "$results" ] || diag "$err"
}
# says CHECK OUTCOME REGEX, of its status
says()
{
	like "$who: $1 $2" "$(grep -E "^s/$1 [a-z]+ \[(status)?\]" <<<"$results")" "^s/$1 $2 .*${3:-}"
}
refused()
{
	says "$1" pass "$2"
	is "$who: $1 succeeds without a sandbox" \
		"$(grep "^s/$1-free [a-z]* \[status\]" <<<"$results" | cut -d' ' -f2)" pass
}

attempts()
{
	refused write 'Permission denied'
	refused change 'Permission denied'
	refused truncate 'Permission denied'
	refused read 'Permission denied'
	refused udp 'Permission denied'
	refused udp-tcp 'Permission denied'
	refused shm 'Operation not permitted'
	refused sem 'Operation not permitted'
	refused msg 'Operation not permitted'
	is "$who: bomb succeeds without a sandbox" "$(grep '^s/bomb-free [a-z]* \[status\]' <<<"$results" | cut -d' ' -f2)" pass
	refused memory 'Cannot allocate memory'
	# Nothing listens there: what gets through is told apart by its error.
	says tcp pass 'tcp: Permission denied'
	says tcp-free fail 'Connection refused'
	says tcp-port pass 'Permission denied'
	says tcp-open pass 'Connection refused'
	says fastopen pass 'Operation not permitted'
	says local pass 'Permission denied'
	says local-open pass 'No such file'
	says uring pass 'Operation not permitted'
	says unshare pass 'Operation not permitted'
	says ptrace pass 'Operation not permitted'
	[ "$abi" -lt 6 ] || says signal pass 'Operation not permitted'
	says setsid pass
	is "$who: what left its session is gone" "$(pgrep -f "escape setsid $mark")" ""
	says work pass
	says limits pass
	says best pass 'sandbox: no new privileges'
	says needed pass "Landlock ABI $abi, writes nothing, seccomp, no network"
	says nowhere undecided 'in its sandbox: .*no/such.: No such file'
	says nobody undecided 'could not find the user .no-such-user'
}

# What limits processes, by themselves: those that the same user ends meanwhile make room for others.
crowds()
{
	only='s/bomb s/crowd'
	as "$who, alone" "$@"
	only=
	says bomb pass 'Resource temporarily unavailable'
	says crowd pass 'Resource temporarily unavailable'
}

# On a kernel like this one but without Landlock (or with an old one).
without()
{
	says needed undecided "kernel $kernel offers Landlock ABI $1, needed is 3"
	says best pass "not in the sandbox: files cannot be kept from it: kernel $kernel"
	says best pass 'sandbox: .*, not kept from signalling other processes of its user'
	says write undecided 'the sandbox is required'
}

few="s/needed s/best s/write"
if [ "$abi" -lt 3 ]; then
	only=$few
	as "this kernel"
	without "$abi"
	done_testing
	exit
fi
if [ "$(id -u)" = 0 ]; then
	as root
	attempts
	says needed pass 'user nobody'
	says lonely pass 'Connection refused.*|a loopback of its own'
	crowds
	user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
	rm -f own/new other/new
	echo secret >other/file
else
	user=(env)
fi
as user "${user[@]}"
attempts
if "${user[@]}" unshare -Un true 2>/dev/null; then
	says lonely pass 'Connection refused'
	crowds "${user[@]}"
else
	says lonely undecided 'a network of its own'
	says crowd undecided 'a network of its own'
fi
only=$few
as "without Landlock" "${user[@]}" ./escape without-landlock
without 0
done_testing
