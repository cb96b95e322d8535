#!/bin/bash
# What of the house style a machine can see: lengths, nothing left for later, no waiting in tests,
# no state outside of structs.
. "$(dirname "$0")/../lib/tap.sh"

rule=$ROOT/tests/rules/style

world()
{
	rm -rf "$TMP/world"
	mkdir -p "$TMP"/world/{runner,audits,gates,reports,rollback,tests}
	cd "$TMP/world" || exit 1
	{
		printf 'int f(void)\n{\n'
		printf '\tg();\n%.0s' {1..60}
		printf '}\n'
	} >gates/long.c
	printf '/* x */\n%.0s' {1..600} >runner/file.c
	printf '#!/bin/bash\nsleep 100 &\nwait_for test -e x\n' >tests/a.t
	printf 'A house.\n' >README.md
}

breaks()
{
	run "$rule" "$TMP/world"
	like "$1" "$status $out" "^1 .*$2"
}

world
exits "a house in order passes" 0 "$rule" "$TMP/world"
is "and nothing is said" "$out" ""
sed -i '3i\	g();' gates/long.c
breaks "a function of 61 lines is too long" 'gates/long.c:2: a function of 61 lines'
world
echo >>runner/file.c
breaks "a file of 601 lines is too long" 'runner/file.c: 601 lines'
for words in 'TO''DO' 'FIX''ME: x' 'is not imple''mented yet'; do
	world
	echo "/* $words */" >gates/later.c
	breaks "\"$words\" is found in the code" 'gates/later.c:1:.*left for later'
	world
	echo "$words" >>README.md
	breaks "and in the documents" 'README.md:2:.*left for later'
done
for line in 'sleep 1' 'x; sleep 0.5; y' 'while x; do sleep 1; done' 'sleep 2 && x'; do
	world
	echo "$line" >>tests/a.t
	breaks "\"$line\" in a test is found" 'tests/a.t:4:.*waits for time'
done
for call in sleep usleep nanosleep; do
	world
	printf '\t%s(1);\n' $call >tests/test_x.c
	breaks "$call() in a test is found" 'tests/test_x.c:1:.*waits for time'
done
printf 'static void wait_for_it(void)\n{\n\tnanosleep(1);\n}\n' >tests/test_x.c
exits "a pause while waiting for a condition is not" 0 "$rule" "$TMP/world"
printf 'static void then(void)\n{\n\tnanosleep(1);\n}\n' >>tests/test_x.c
breaks "but one after it is" 'tests/test_x.c:7:.*waits for time'

ok "the house is in order" "$rule" "$ROOT"

# Variables outside of functions (and static ones inside) that are not constant: objects in .data or
# .bss. Those of the list cannot be anything else: a process has one set of file locks, one list of
# contents held by name and one helper that starts programs, a library is initialised once.
allowed='digest.o fetch_once
digest.o sha256_algorithm
file_held.o all
file_held.o lock
file_registry.o databases
file_registry.o lock
file_registry.o outputs
git.o init_once
git.o init_result
archive_library.o library
db_mysql_client.o library
db_odbc_client.o library
db_postgres_library.o library
git_library.o library
http_library.o library
inflate.o library
http.o init_once
http.o init_result
proc.o helper
xml.o library'
mutable()
{
	[ -s "$1" ] || echo "no $1"
	objdump -t "$1" 2>/dev/null | awk '
		/^[^ ]+\.o: / { file = $1; sub(/:$/, "", file) }
		/ O \.(data|bss|tbss|tdata)(\.[a-zA-Z_]|[ \t])/ && !/ \.data\.rel\.ro/ { print file " " $NF }' |
		grep -vxF "$allowed"
}
printf 'static int counter;\nint f(void);\nint f(void) { static int n = 7; return n++ + counter++; }\n' >"$TMP/m.c"
gcc -c -fPIE -o "$TMP/m.o" "$TMP/m.c" && (cd "$TMP" && ar rcs "$TMP/m.a" m.o)
is "mutable globals are found" "$(mutable "$TMP/m.a" | sed 's/\.[0-9]*$//' | LC_ALL=C sort | tr '\n' ';')" "m.o counter;m.o n;"
is "the library has none" "$(mutable "$BUILD/libassize.a")" ""
done_testing
