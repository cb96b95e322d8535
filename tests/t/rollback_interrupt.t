#!/bin/bash
# A verification that is interrupted ends soon, says so, records nothing about the tag and leaves
# nothing behind; what one leaves that was killed is removed by the next.
. "$(dirname "$0")/../lib/tap.sh"

export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com \
	GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com

# The smoke test of v2 does not end: a signal is sure to meet the verification under way.
cd "$TMP" && chmod 755 . && chmod o+x "${TMPDIR:-/tmp}"
git init -q -b main "$TMP/w/repo" && cd "$TMP/w/repo" || bail "no repository"
printf '#!/bin/sh\nexit 0\n' >wait && chmod 755 wait && git add . && git commit -qm 1 && git tag v1
printf '#!/bin/sh\n: >"$HOME/waiting"\nexec sleep 600\n' >wait && git commit -qam 2 && git tag v2
cd ..
cat >assize.yaml <<'E2'
assize: 1
targets:
  repo: { git: repo }
rollback:
  releases:
    repo: repo
    tags: "v*"
    restore: { scratch: scratch }
    smoke: { run: [./wait], timeout: 10m, sandbox: available }
    warm: { path: "warm/{tag}", keep: 1 }
E2
waits()
{
	[ -n "$(find scratch warm -name waiting 2>/dev/null)" ]
}

# interrupted CLAIM SIGNAL COMMAND...: the command gets the signal while its smoke test waits.
interrupted()
{
	local claim=$1 signal=$2 pid
	shift 2
	"$ASSIZE" rollback "$@" >"$TMP/out" 2>&1 &
	pid=$!
	reap $pid
	wait_for waits || bail "the smoke test was not started: $(cat "$TMP/out")"
	kill -"$signal" $pid
	status=0
	wait $pid || status=$?
	out=$(cat "$TMP/out")
	is "$claim: undecided" $status 2
	like "$claim: says so" "$out" 'no value.*the run was interrupted while it verified "v2".*interrupted=yes'
	is "$claim: nothing is left in scratch" "$(find scratch warm -mindepth 1 -not -name .assize -not -name lock 2>/dev/null)" ""
}

interrupted "Ctrl-C" INT verify v2
interrupted "TERM" TERM drill v2
interrupted "while a warm copy is made" INT warm v2
is "nothing is recorded about the tag" "$("$ASSIZE" rollback list --json | jq -r '.releases[0] | .tag, .state' | tr '\n' ' ')" \
	"v2 never verified "

"$ASSIZE" rollback verify v2 >"$TMP/out" 2>&1 &
pid=$!
wait_for waits || bail "the smoke test was not started"
kill -9 $pid
wait $pid 2>/dev/null
like "killed: something is left" "$(ls scratch)" '^assize-held-'
exits "the next run" 0 "$ASSIZE" rollback verify v1
is "removes it" "$(ls -A scratch)" ""
done_testing
