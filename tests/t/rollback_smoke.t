#!/bin/bash
# The smoke test of a restored tag: it runs there, in a sandbox, and whatever it does otherwise (hang,
# fork, ignore signals, write where it may not) is told and leaves nothing behind.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" && chmod 755 . && chmod o+x "${TMPDIR:-/tmp}"
export GIT_CONFIG_NOSYSTEM=1 HOME=$TMP GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a \
	GIT_COMMITTER_EMAIL=a@example.com
mark=smoke-$$
mkdir other && chmod 777 other

git init -q -b main repo && cd repo && mkdir bin || bail "no repository"
# A line a way to behave; the tag is what it was called by.
cat >bin/app <<SH
#!/bin/sh
case \$1 in
fine) echo "version \$2" && [ "\$2" = 1.0 ] && grep -q content data && touch "\$TMPDIR/x" && [ "\$HOME" = "\$TMPDIR" ] ;;
wrong) echo first; echo "no schema \$TOKEN" >&2; exit 3 ;;
hangs) echo waiting; sleep 600 ;;
ignores) trap '' TERM INT HUP; while :; do sleep 600; done ;;
forks) setsid perl -e '\$0 = "$mark"; fork; fork; sleep 600' & sleep 600 ;;
leaves) setsid perl -e '\$0 = "$mark"; sleep 600' >/dev/null 2>&1 & exit 0 ;;
killed) kill -SEGV \$\$ ;;
outside) echo x >"$TMP/other/new"; exit 0 ;;
into) echo x >new; echo x >data; chmod 600 data; rm -f bin/app; exit 0 ;;
beside) echo x >../beside; exit 0 ;;
loud) while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done ;;
esac
SH
chmod +x bin/app && echo content >data && printf 'exec\n' >bin/text && git add . && git commit -qm 1 && git tag v1.0
cd ..

mkdir -m 755 scratch
export TOKEN=tiger-lily-77

# A set a way to run it: NAME RUN [MORE KEYS].
smoke()
{
	printf '  %s: { repo: repo, tags: "v*", restore: { scratch: scratch }, smoke: { run: [%s]%s } }\n' "$1" "$2" "${3:-}"
}
definition()
{
	printf 'assize: 1\ntargets: { repo: { git: repo } }\nrollback:\n'
}
{
	definition
	smoke fine './bin/app, fine, "{version}"'
	smoke wrong './bin/app, wrong' ', env: { TOKEN: "${env:TOKEN}" }'
	smoke hangs './bin/app, hangs' ', timeout: 300ms'
	smoke ignores './bin/app, ignores' ', timeout: 300ms'
	smoke forks './bin/app, forks' ', timeout: 300ms'
	smoke leaves './bin/app, leaves'
	smoke killed './bin/app, killed'
	smoke outside './bin/app, outside'
	smoke into './bin/app, into'
	smoke change 'touch, data'
	smoke beside './bin/app, beside'
	smoke loud './bin/app, loud' ', max_output: 4KiB'
	smoke absent './bin/none'
	smoke text './bin/text'
	smoke nobody './bin/app, fine, "1.0"' ', user: no-such-user'
	smoke needed './bin/app, fine, "1.0"' ', user: root, processes: 10'
	smoke partly './bin/app, fine, "1.0"' ', user: root, processes: 10, sandbox: available'
} >assize.yaml
exits "the definition is sound" 0 "$ASSIZE" check
like "plan says what is run" "$("$ASSIZE" plan rollback/fine)" 'run in the restored tree, in a sandbox: ./bin/app fine .?\{version\}'
run "$ASSIZE" rollback verify v1.0 --report json=out.json
printed=$out

# tells CLAIM SET OUTCOME WORDS: of the step.
tells()
{
	local said
	said=$(jq -r --arg set "$2" '.restorations[] | select(.set == $set).steps[] | select(.name == "smoke") |
		.outcome, .finding // "-", .remedy // "-", .note // "-"' out.json)
	like "$1: $3" "${said%%$'\n'*}" "^$3\$"
	like "$1: told" "$said" "$4"
}
tells "it runs in its tree, with a directory of its own" fine pass '^pass.-.-.-$'
tells "it says no" wrong fail '"./bin/app wrong" ended with status 3: stderr: no schema \*\*\*'
tells "with all that it said" wrong fail 'stderr: no schema \*\*\*.stdout: first$'
tells "and how to look at it" wrong fail 'git -C /.*/repo worktree add /tmp/smoke v1.0 && cd /tmp/smoke && ./bin/app wrong'
unlike "but no secret" "$printed$(cat out.json .assize/record.db* | tr -d '\0')" tiger-lily
tells "it hangs" hangs fail '"./bin/app hangs" did not end within 300 ms'
tells "it ignores TERM" ignores fail 'did not end within 300 ms'
tells "it forks away" forks fail 'did not end within 300 ms'
tells "it leaves something running" leaves pass ''
is "nothing of it runs on" "$(pgrep -f "$mark" | grep -vx "$$")" ""
tells "it crashes" killed fail 'was killed by signal 11 \(SIGSEGV\)'
tells "it writes outside and does not care" outside pass ''
nok "what it wrote outside is not there" test -e other/new
tells "it writes into the tree and does not care" into pass ''
tells "it may not change the tree" change fail '"touch data" ended with status 1: stderr: touch: .*denied'
tells "it may not write beside the tree" beside pass ''
tells "it says too much" loud undecided '"./bin/app" wrote more than 4 KiB.*raise smoke: . max_output'
tells "it is not in the tag" absent undecided 'could not run "./bin/none": No such file'
tells "it is no program" text undecided 'could not run "./bin/text": Permission denied'
tells "its user is unknown" nobody undecided 'could not find the user "no-such-user"'
if [ "$(id -u)" = 0 ]; then
	tells "a sandbox that cannot be had is required" needed undecided 'the sandbox is required: the number of processes.*smoke: . sandbox: available'
	tells "and need not be whole" partly pass 'not in the sandbox: the number of processes'
fi
is "scratch is left empty" "$(ls -A scratch)" ""
like "the run's output names it" "$printed" 'smoke fail: "./bin/app killed" was killed'

for wrong in '/bin/true' '../../bin/sh' '"./bin/app --self-test"'; do
	{ definition; smoke wrong "$wrong"; } >wrong.yaml
	exits "no program of the tree: $wrong" 3 "$ASSIZE" check -f wrong.yaml
done
{ definition; smoke wrong './bin/app' ', env: { "A B": x }'; } >wrong.yaml
exits "no variable" 3 "$ASSIZE" check -f wrong.yaml
done_testing
