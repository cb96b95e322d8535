#!/bin/bash
# Includes go downwards, each library has one door, every header compiles alone.
. "$(dirname "$0")/../lib/tap.sh"

rule=$ROOT/tests/rules/floors

# A copy of the sources' shape, small enough to break in every way.
world()
{
	rm -rf "$TMP/world"
	mkdir -p "$TMP"/world/{runner/{base,io,model,history},audits/arsenal,gates,reports,rollback}
	cd "$TMP/world" || exit 1
	touch audits/arsenal/x.h runner/{main.h,base/b.h,io/i.h,model/m.h,history/h.h} audits/a.h gates/g.h reports/r.h
	printf '#include "runner/base/b.h"\n#include <stdio.h>\n#include <sys/stat.h>\n' >runner/base/b.c
	printf '#include <yaml.h>\n#include "runner/base/b.h"\n' >runner/io/yaml.c
	printf '#include <sqlite3.h>\n#include "runner/io/i.h"\n' >runner/history/store.c
	printf '#include "gates/g.h"\n#include "runner/history/h.h"\n#include "runner/model/m.h"\n' >gates/g.c
	printf '#include "runner/io/git_library.h"\n' >rollback/r.c
	printf '#include <git2.h>\n' >runner/io/git_library.h
	printf '#include "runner/main.h"\n#include "gates/g.h"\n#include "audits/a.h"\n' >runner/main.c
}

# breaks CLAIM FILE LINE MESSAGE: one more include, and the rule names it.
breaks()
{
	world
	printf '%s\n' "$3" >>"$2"
	run "$rule" "$TMP/world"
	is "$1" "$status $out" "1 $2:$(wc -l <"$2"): $4"
}

world
exits "a house in order passes" 0 "$rule" "$TMP/world"
is "and nothing is said" "$out" ""
breaks "base knows nothing above it" runner/base/b.c '#include "runner/io/i.h"' \
	'runner/base (floor 0) includes "runner/io/i.h" (floor 1)'
breaks "a kind does not know how it is attacked" audits/a.h '#include "audits/arsenal/x.h"' \
	'audits (floor 3) includes "audits/arsenal/x.h" (floor 3.5)'
breaks "nor its attacks the gates" audits/arsenal/x.h '#include "gates/g.h"' \
	'audits/arsenal (floor 3.5) includes "gates/g.h" (floor 3)'
breaks "rooms of one floor do not know each other" runner/io/yaml.c '#include "runner/model/m.h"' \
	'runner/io (floor 1) includes "runner/model/m.h" (floor 1)'
breaks "gates do not read reports" gates/g.c '#include "reports/r.h"' \
	'gates (floor 3) includes "reports/r.h" (floor 3)'
breaks "no room reads the runner" audits/a.h '#include "runner/main.h"' \
	'audits (floor 3) includes "runner/main.h" (floor 4)'
breaks "paths are full" gates/g.c '#include "g.h"' '"g.h" is not the full path of a header'
breaks "SQLite has its doors" gates/g.c '#include <sqlite3.h>' \
	'<sqlite3.h> belongs behind its door, ^runner/(history/|io/db_sqlite)'
breaks "libyaml has its door" runner/history/store.c '#include <yaml.h>' \
	'<yaml.h> belongs behind its door, ^runner/io/yaml'
breaks "libgit2 has its doors" gates/g.c '#include <git2/oid.h>' \
	'<git2/oid.h> belongs behind its door, ^runner/io/git_library'
breaks "no other library comes in" runner/main.c '#include <foreign.h>' \
	'<foreign.h> is a library without a door'
breaks "the own header comes first" runner/base/b.c '#include "runner/base/b.h"' \
	'its own header "runner/base/b.h" is not the first include'
world
sed -i '1!G;h;$!d' runner/base/b.c
run "$rule" "$TMP/world"
like "also when it was moved" "$status $out" '^1 runner/base/b.c:3: its own header'

cd "$ROOT" || exit 1
ok "the house is in order" "$rule" "$ROOT"

# Every header compiles alone: one with a .c of its own does so in every build, since it comes first there.
# The others: a file each, in one run of a compiler that does not need a process each.
alone()
{
	local header drivers
	read -ra drivers < <(pkg-config --cflags libpq libmariadb odbc)
	rm -rf "$TMP/alone" && mkdir "$TMP/alone"
	for header in $(cd "$1" && find runner audits gates reports rollback -name '*.h'); do
		[ ! -e "$1/${header%.h}.c" ] || continue
		printf '#include "%s"\nextern int is_not_empty;\n' "$header" >"$TMP/alone/${header//\//-}.c"
	done
	clang -std=c17 -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700 -Wall -Wextra -Wpedantic \
		-Werror -I"$1" "${drivers[@]}" -fsyntax-only "$TMP"/alone/*.c
}
ok "every header compiles alone" alone "$ROOT"
world
echo 'void f(size_t n);' >runner/io/i.h
nok "and one that does not is found" alone "$TMP/world"
done_testing
