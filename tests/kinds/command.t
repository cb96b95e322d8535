#!/bin/bash
# command: programs that behave and programs that do not.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
mark=assize-command-$$

cat >assize.yaml <<YAML
assize: 1
audits:
  c:
    defaults: { timeout: 20s }
    checks:
      - { id: good, command: { run: ["true"] } }
      - { id: bad, command: { run: [sh, -c, "echo to errors >&2; echo to output; exit 3"] } }
      - { id: status, command: { run: [sh, -c, "exit 3"] }, expect: { status: "in [0, 3]" } }
      - { id: output, command: { run: [echo, "shop 2.31"] }, expect: { output: "matches /^shop 2\\\\.\\\\d+\$/" } }
      - { id: wrong, command: { run: [echo, "shop 1.9"] }, expect: { output: "matches /^shop 2/" } }
      - { id: errors, command: { run: [sh, -c, "echo hm >&2"] }, expect: { errors: '== ""' } }
      - { id: quick, command: { run: ["true"] }, expect: { duration: "< 10s" } }
      - { id: none, command: { run: [no-such-program] } }
      - { id: line, command: { run: ["./echo me"] } }
      - { id: killed, command: { run: [sh, -c, "echo last words; kill -SEGV \$\$"] } }
      - { id: late, timeout: 300ms, command: { run: [sh, -c, "echo so far; sleep 1000 # $mark"] } }
      - id: daemon
        timeout: 300ms
        command: { run: [sh, -c, "setsid sh -c 'trap : TERM; sleep 1000; : $mark' & sleep 1000; : $mark"] }
      - id: leftover
        command: { run: [sh, -c, "setsid sh -c 'sleep 1000; : $mark' >/dev/null 2>&1 & :"] }
      - { id: flood, command: { run: [sh, -c, "yes | head -c 10000000"], max_output: 64KiB } }
      - { id: much, command: { run: [sh, -c, "yes | head -c 100000"] }, expect: { output: "matches /y/" } }
      - { id: nul, command: { run: [printf, 'a\\0b'] }, expect: { output: '!= "a"' } }
      - { id: binary, command: { run: [printf, '\\377'] }, expect: { output: '!= "a"' } }
      - { id: env, command: { run: [env], env: { B: "2" } }, expect: { output: "== \"PATH=/usr/local/bin:/usr/bin:/bin\nLC_ALL=C.UTF-8\nB=2\"" } }
      - { id: path, command: { run: [tool], env: { PATH: "$TMP/tools" } } }
      - { id: here, command: { run: [sh, -c, "test -f assize.yaml"] } }
      - { id: cwd, command: { run: [sh, -c, "test -f inside"], cwd: sub } }
      - { id: lost, command: { run: ["true"], cwd: nowhere } }
      - { id: input, command: { run: [sh, -c, "read x; test \$? = 1"] } }
      - { id: shell, command: { run: [echo, "\$HOME", "*", "a;b"] }, expect: { output: '== "\$HOME * a;b"' } }
      - { id: key, command: { run: [sh, -c, "printenv T; printenv T >&2; exit 1"], env: { T: "\${env:KEY}" } } }
      - { id: cut, command: { run: [sh, -c, "printf %s \$T; head -c 2995 /dev/zero | tr '\\\\0' x; exit 1"], env: { T: "\${env:SECRET}" } } }
      - { id: half, command: { run: [sh, -c, "printf %060d%s 0 \$T"], max_output: 64, env: { T: "\${env:SECRET}" } } }
      - { id: secret, command: { run: [sh, -c, "echo \$T; echo \$T >&2; exit 1"], env: { T: "\${env:SECRET}" } }, expect: { output: '== "x"' } }
YAML
mkdir sub tools
: >sub/inside
printf '#!/bin/sh\nexit 0\n' >tools/tool && chmod +x tools/tool
export SECRET=hunter2-hunter2
export KEY=$'-----BEGIN KEY-----\nabcdef\\ghijkl\n-----END KEY-----'

# claim, check, exit status, what the output must say
tells()
{
	run "$ASSIZE" run "c/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
# The mark comes from a file, so that grep does not carry it in its own arguments.
echo "$mark" >mark
nothing_left()
{
	is "$1: nothing of it is left" "$(grep -laFf mark /proc/[0-9]*/cmdline 2>/dev/null)" ""
}

for check in good status output quick env path here cwd input shell; do
	exits "$check passes" 0 "$ASSIZE" run "c/$check"
done
tells "a failing program" bad 1 'c/bad.*3.*== 0'
tells "its errors are evidence" bad 1 'stderr: to errors'
tells "its output too" bad 1 'stdout: to output'
tells "unexpected output" wrong 1 'shop 1.9'
tells "an unexpected error line" errors 1 'hm'

tells "a program that is not there" none 2 'could not run "no-such-program": No such file'
unlike "which is no status 127" "$out$err" 'status 127|(exited|ended) with 127|[= ]127( |$)'
tells "a shell line in one word" line 2 'could not run "./echo me"'
tells "a folder that is not there" lost 2 'nowhere'
tells "a program killed by a signal" killed 2 'killed by signal 11 \(SIGSEGV\)'
tells "its last words are kept" killed 2 'stdout: last words'

tells "a program that does not end" late 2 'did not end within 300 ms'
tells "what it said so far is kept" late 2 'stdout: so far'
nothing_left "a program that does not end"
tells "a daemon at the deadline" daemon 2 'did not end within 300 ms'
nothing_left "a daemon at the deadline"
tells "a daemon that outlives its program" leftover 0 'pass'
nothing_left "a daemon that outlives its program"

tells "too much output" flood 2 'wrote more than 64 KiB to its standard output'
tells "more output than is judged" much 2 'more than the 65536'
tells "output with a NUL byte" nul 2 'NUL byte'
tells "output that is no text" binary 2 'not valid UTF-8'

tells "a secret in the environment" secret 1 'stderr: \*\*\*'
unlike "never appears" "$out$err" 'hunter2'
tells "a secret of several lines" key 1 'stderr: \*\*\*'
unlike "is not shown line by line" "$out$err" 'BEGIN|abcdef|ghijkl|END'
tells "a secret where the evidence begins" cut 1 'stdout: \*\*\*xx'
unlike "is not shown in part" "$out$err" 'nter2'
tells "a secret cut where the output ends" half 2 'stdout: 0{60}\*\*\*'
unlike "is not begun" "$out$err" '0hunt'
nok "nor in the record" grep -rq hunter2-hunter2 .assize
run "$ASSIZE" plan c/secret
unlike "nor in the plan" "$out$err" 'hunter2'
like "which shows the variable's name" "$out" 'with T'

refused()
{
	printf 'assize: 1\naudits:\n  c:\n    checks:\n      - %s\n' "$2" >bad.yaml
	exits "$1: a definition error" 3 "$ASSIZE" check -f bad.yaml
	like "$1: told with its line" "$err" "bad.yaml:5:[0-9]+: .*$3"
}
refused "a shell line" '{ id: a, command: { run: ls -l } }' 'no shell splits it'
refused "a secret among the arguments" '{ id: a, command: { run: [x, "${env:SECRET}"] } }' 'cannot hold a value'
refused "a program without a name" '{ id: a, command: { run: [""] } }' 'has no name'
refused "a variable that cannot be" '{ id: a, command: { run: [x], env: { "A=B": c } } }' 'environment variable'
refused "nothing to run" '{ id: a, command: { cwd: . } }' 'run'

exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/command.yaml"
done_testing
