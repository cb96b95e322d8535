#!/bin/bash
# Definitions made to hurt: each is refused (or is sound and harmless) in little time and memory, and
# never by a crash. Most fill the 1 MiB a file may have.
. "$(dirname "$0")/../lib/tap.sh"

cd "$TMP" || bail "no scratch directory"

# Generous, because a test machine may be busy: processor time in ms beyond what a trivial definition
# takes, and resident KiB. The true figures are printed.
max_ms=1500 max_kb=65536
case ${VARIANT:-release} in
release) ;;
cov) max_ms=8000 max_kb=131072 ;; # not optimised, and it counts
*) max_ms=20000 max_kb=4194304 ;; # sanitizers: only crashes count
esac

measured()
{
	status=0
	"$BUILD/tests/tools/measure" figures "$ASSIZE" check -f "$1" >out 2>&1 || status=$?
	read -r ms kb <figures
	first=$(head -n 1 out | cut -c 1-100)
}

echo 'assize: 1' >trivial.yaml
measured trivial.yaml
base=$ms
diag "a trivial definition: $ms ms, $kb KiB"

# hostile NAME STATUS REGEX PERL: what the program prints is the definition.
hostile()
{
	perl -e "$4" >hostile.yaml
	measured hostile.yaml
	diag "$1: status $status, $((ms - base)) ms, $kb KiB"
	like "$1" "$status $first" "^$2 .*$3"
	ok "$1 costs little" test $((ms - base)) -le $max_ms -a "$kb" -le $max_kb
}

top='print "assize: 1\n";'
vars="$top"' print "vars: ";'
one='print "assize: 1\ntargets: {d: {sqlite: a}}\naudits: { a: { target: d, checks: [";'

# Structure
hostile "a flow list opened 500,000 times" 3 'nest deeper than 64' "$vars"'print "[" x 500000'
hostile "a flow list nested 500,000 deep" 3 'nest deeper than 64' "$vars"'print "[" x 500000, "]" x 500000'
hostile "a flow mapping nested 250,000 deep" 3 'nest deeper than 64' "$vars"'print "{a: " x 250000'
hostile "a flow list with a line for each level" 3 'nest deeper than 64' "$vars"'print "[\n" x 500000'
hostile "a megabyte of dashes" 3 'nest deeper than 64' 'print "- " x 524288'
hostile "a megabyte of question marks" 3 'a key must be' 'print "? " x 524288'
hostile "1,440 levels of indentation" 3 'nest deeper than 64' "$vars"'print "\n"; print " " x $_, "a:\n" for 1..1440'
hostile "a key of a megabyte" 3 'no key may stand' 'print "a" x 1048570, ": b\n"'
hostile "a quoted line of a megabyte" 0 'sound' "$vars"'print "{ a: \"", "x" x 1048500, "\" }\n"'
hostile "a plain text of a megabyte" 0 'sound' "$vars"'print "\n  a: ", "x " x 524200, "\n"'
hostile "200,000 times the same key" 3 'duplicate key "a"' 'print "a: b\n" x 209715'
hostile "105,000 unknown keys" 3 'unknown key|150,000 values' 'printf "k%d: b\n", $_ for 1..105000'
hostile "524,000 list items" 3 '150,000 values' "$vars"'print "[", "a," x 524000, "]\n"'
hostile "524,000 keys without values" 3 'without a value' "$vars"'print "{", "a," x 524000, "}\n"'
hostile "74,000 keys with empty values" 3 'has no value' "$vars"'print "{"; printf "k%d: ,", $_ for 1..74000; print "}\n"'
hostile "74,000 keys with empty values and accents" 3 'cannot be the name' "$vars"'print "{ \xc3\xa9: x,"; printf "k%d: ,", $_ for 1..74000; print "}\n"'
hostile "260,000 complex keys" 3 'a key must be' 'print "[]: " x 262144'
hostile "174,000 documents" 3 'after the end' 'print "--- a\n" x 174762'
hostile "49,000 directives" 3 'directive' 'print "%TAG !a! tag:x,2000:\n" x 49000, "---\na: b\n"'
hostile "260,000 tags" 3 'tags are not supported' 'print "a: !" x 262144'
hostile "one tag of a megabyte" 3 'tag' 'print "!" x 1048576'
hostile "a block scalar indented by a number of a megabyte" 3 'folded text' 'print "|", "9" x 1048575'

# Anchors and aliases
hostile "a billion laughs" 3 '150,000 values' "$top"'print "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"; printf "a%d: &a%d [%s]\n",$_,$_,join(",",("*a".($_-1)) x 10) for 1..40'
hostile "349,000 aliases" 3 '10,000 aliases' "$top"'print "a: &a x\nb: [", "*a," x 349000, "]\n"'
hostile "100,000 anchors" 3 'more than 10,000 anchors' "$top"'print "b: [";  printf "&a%d x,", $_ for 1..100000; print "]\n"'
hostile "an anchor of a megabyte" 3 'must be a mapping' 'print "&" , "a" x 1048575'
hostile "an alias of a megabyte" 3 'no anchor' 'print "*" , "a" x 1048575'

# Bytes
hostile "a megabyte of NUL" 3 'NUL byte' "$top"'print "\0" x 1000000'
hostile "a megabyte that is not UTF-8" 3 'not UTF-8' "$top"'print "# ", "\xff" x 1000000'
hostile "a megabyte of accents" 3 'not closed' "$top"'print "# ", "\xc3\xa9" x 500000, "\nvars: { a: b\n"'
hostile "340,000 accents in a list" 3 '150,000 values' "$vars"'print "[", "\xc3\xa9," x 340000, "\n"'
hostile "a megabyte of comments" 3 'is empty' 'print "#\n" x 524288'
hostile "a megabyte of newlines" 3 'is empty' 'print "\n" x 1048576'
hostile "a megabyte of spaces" 3 'is empty' 'print " " x 1048576'
hostile "a megabyte of tabs" 3 'tab' 'print "\t" x 1048576'
hostile "a megabyte of escapes" 3 'not closed' 'print "\"", "\\x41" x 209000'
hostile "a comment without a blank after each item" 3 'comment without a blank|a key without' "$vars"'print "\n"; print "[x,#\n" x 40; print "a,#\n" x 200000'
hostile "100,000 accents, a comment after each" 3 "vars" "$vars"'print "[\n"; print "\xc3\xa9, #\xc3\xa9\n" x 100500; print "]"'
hostile "one byte too many" 3 'larger than 1 MiB' 'print "x" x 1048577'
hostile "a file of 64 MB" 3 'larger than 1 MiB' 'print "x" x 64000000'

# Variables
hostile "variables that multiply" 3 'expand to more' "$vars"'print "\n  v0: ", "x" x 1000, "\n"; printf "  v%d: \"%s\"\n",$_,join("",("\${v".($_-1)."}") x 10) for 1..40'
hostile "100,000 uses of a long variable" 3 'expand to more|checks' "$vars"'print "\n  v: ", "x" x 100000, "\naudits:\n  a:\n    title: ["; print "\"\${v}\"," x 100000; print "]\n"'
hostile "a chain of 40,000 variables" 3 'more than 64 deep' "$vars"'print "{"; printf "a%d: \"\${a%d}\",", $_, $_+1 for 1..40000; print "}\n"'
hostile "a chain of 9,000 variables" 3 'more than 64 deep' "$vars"'print "{"; printf "a%d: \"\${a%d}\",", $_, $_+1 for 1..9000; print "}\n"'
hostile "260,000 bad references in one text" 3 'no variable' "$vars"'print "{ a: \"", "\${x}" x 209000, "\" }\n"'
hostile "130,000 bad references" 3 'no variable' "$top"'print "audits: { a: { checks: ["; print "\"\${x}\"," x 130000; print "] } }\n"'

# Meaning
hostile "100,000 includes" 3 'could not open|includes' "$top"'print "include: ["; printf "x%d,", $_ for 1..100000; print "]\n"'
hostile "16,000 needs of nothing" 3 'needs a database target' "$top"'print "audits: { a: { checks: ["; printf "{id: c%d, rows: {table: t}, needs: x%d},", $_, $_ for 1..16000; print "] } }\n"'
hostile "a ring of 13,000 needs" 3 'needs itself' "$one"'printf "{id: c%d, rows: {table: t}, expect: \">= 1\", needs: a/c%d},", $_, $_+1 for 1..13000; print "{id: c13001, rows: {table: t}, expect: \">= 1\", needs: a/c1}] } }\n"'
hostile "40,000 misspelt keys" 3 'unknown key' "$top"'print "audits: { a: { checks: ["; printf "{id: c%d, tabel: 5, colums: 6},", $_ for 1..20000; print "] } }\n"'
hostile "8,000 gates over 8,000 checks" 3 'matches nothing' "$one"'printf "{id: c%d, rows: {table: t}, expect: \">= 1\"},", $_ for 1..8000; print "] } }\ngates: {"; printf "g%d: {require: {check: \"*c*c*c*%d\"}},", $_, $_ for 1..8000; print "}\n"'
hostile "a chain of 8,000 gates" 3 'more than 1000 gates' "$top"'print "targets: { r: { git: . } }\nrollback: { s: { repo: r, tags: x } }\ngates: {"; printf "g%d: {rollback: {set: s}, depends_on: g%d},", $_, $_+1 for 1..8000; print "g8001: {rollback: {set: s}}}\n"'
hostile "100,000 bounds" 3 'more than 100 bounds' "$one"'print "{id: a, rows: {table: t}, expect: [", "\">= 1\"," x 100000, "]}] } }\n"'
hostile "a bound of a megabyte" 3 'cannot read expectation' "$one"'print "{id: a, rows: {table: t}, expect: \"in [", "1," x 500000, "1]\"}] } }\n"'
hostile "a pattern of a megabyte" 3 '' "$one"'print "{id: a, rows: {table: t}, expect: \"matches /", "(" x 500000, "/\"}] } }\n"'
hostile "a schedule of a megabyte" 3 '' "$top"'print "audits: { a: { schedule: \"", "1," x 500000, "1 * * * *\", checks: [{id: a, file: x, title: [x]}] } }\n"'
hostile "a time zone outside the database" 3 'zone' "$top"'print "audits: { a: { time_zone: ../../../../etc/passwd, checks: [{id: a, file: x, expect: {size: \"> 0\"}}] } }\n"'

# A file may include 1,000 others, and no more.
mkdir many
for i in {1..1001}; do
	echo 'vars: {}' >many/$i.yaml
done
printf 'assize: 1\ninclude: many/*.yaml\n' >root.yaml
measured root.yaml
like "1,001 included files are too many" "$status $first" '^3 .*more than 1000 definition files'

done_testing
