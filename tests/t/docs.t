#!/bin/bash
# What the documents promise: examples run as they are printed, the manual is sound and knows every command and
# option, and the exit statuses are the same everywhere they are written.
. "$(dirname "$0")/../lib/tap.sh"

# README: every fenced block whose info string is "sh run", in a directory of its own.
awk -v dir="$TMP" '
/^```sh run$/ { file = sprintf("%s/example-%d.sh", dir, ++n); next }
/^```/ { file = "" }
file { print > file }' "$ROOT/README.md"
mkdir "$TMP/bin"
ln -s "$ASSIZE" "$TMP/bin/assize"
for example in "$TMP"/example-*.sh; do
	mkdir "$example.d"
	ok "README: $(basename "$example") runs as printed" \
		env -C "$example.d" PATH="$TMP/bin:$PATH" bash -eu "$example"
done
ok "README: its example leaves a page" test -s "$TMP/example-1.sh.d/report.html"
ok "README: at most 200 lines" test "$(wc -l <"$ROOT/README.md")" -le 200
for path in $(grep -oE '\]\([^)#:]+\)' "$ROOT/README.md" | tr -d ']()'); do
	ok "README: $path exists" test -e "$ROOT/$path"
done

# Formats are listed as they are called: one that the command has not is none.
formats=$(cd "$TMP/example-1.sh.d" && "$ASSIZE" report --format none 2>&1 | sed -n 's/^help: formats are //p')
for format in $(tr '\n' ' ' <"$ROOT/README.md" | sed 's/.*whatever was measured since: //; s/ (no script)//; s/\..*//; s/,//g'); do
	like "README: $format is a format of reports" "$formats" "(^| )${format,,}"
done
for kind in $("$ASSIZE" kinds | awk 'NR > 1 && NF > 3 && $1 != "assize" { print $1 }'); do
	empty+=$("$ASSIZE" kinds "$kind" | grep ', default $' | sed "s/^/$kind:/")
done
is "assize kinds: no default is nothing" "${empty:-}" ""

# The manual. Whether the pages it refers to are installed here is not its fault, and lines that are
# generated are as long as they are.
for page in "$ROOT"/runner/man/*.[157]; do
	is "$(basename "$page"): mandoc has no complaint" \
		"$(mandoc -Tlint "$page" 2>"$TMP/mandoc.err" |
			grep -vE 'longer than 80 bytes|referenced manual not found|unknown manual|missing from OS'
			grep -v 'outdated mandoc.db' "$TMP/mandoc.err")" ""
done
# A table that is too wide is broken in the middle of its cells, with blanks beyond the margin.
for page in "$ROOT"/runner/man/*.[157]; do
	is "$(basename "$page"): no table is wider than 80 columns" "$(sed -n 's/^\.Bl -column //p' "$page" |
		sed 's/" "/\n/g; s/"//g' | awk '{ n += length + 4 } END { if (n > 77) print n }')" ""
done
is "quotes of a list are closed one by one" "$(mandoc -Tutf8 "$ROOT/runner/man/assize-ledger.7" | grep -c '("0x1.8p+3", "-0x0p+0", "inf", "nan")')" 1

# help shows the page that man has, and says so where it has none.
mkdir -p "$TMP/bin" "$TMP/none"
printf '#!/bin/sh\n[ "$1" = -w ] && exec test "$2" != assize-record\necho "page $1"\n' >"$TMP/bin/man"
chmod +x "$TMP/bin/man"
for words in 'check assize' 'ledger assize-ledger' 'rollback assize-rollback' 'assize.yaml assize.yaml'; do
	is "help ${words% *}" "$(PATH="$TMP/bin:$PATH" "$ASSIZE" help "${words% *}" 2>&1)" "page ${words#* }"
done
exits "help of a page that is not installed" 3 env PATH="$TMP/bin:$PATH" "$ASSIZE" help assize-record
like "says so" "$err" 'the manual page assize-record is not installed here.*help: it is in runner/man'
exits "help of a command without man" 0 env PATH="$TMP/none" "$ASSIZE" help check
like "says so as well" "$err" 'the manual page assize is not installed here'
like "and shows the options" "$out" '^usage: assize check .*options:'
exits "help of nothing there is" 3 "$ASSIZE" help chekc
like "did you mean" "$err" 'no such command: chekc.*assize check'
for command in challenge ledger rollback; do
	like "$command --help names its page" "$("$ASSIZE" $command --help)" "man assize.yaml, man assize-$command"
done
exits "an option in front of the command" 3 "$ASSIZE" -f x.yaml check
like "where it stands is told" "$err" 'options stand behind the command: -f.*assize check -f'

mandoc -Tutf8 "$ROOT/runner/man/assize.1" | sed 's/.\x08//g' >"$TMP/manual"
run "$ASSIZE" --help
is "every heading of --help stands once" "$(grep -E '^[a-z ]+$' <<<"$out" | sort | uniq -d)" ""
commands=$(sed -nE 's/^  ([a-z]+) +[a-z].*/\1/p' <<<"$out" | grep -v '^assize$')
for command in $commands; do
	ok "assize.1 has command $command" grep -qE "^ +assize $command" "$TMP/manual"
	run "$ASSIZE" "$command" --help
	unlike "$command --help speaks of $command" "$out" '(^|[ ;])(init|attest|ledger|waive): '
	for option in $(grep -oE '^ {2,}(-[a-z], |) *--[a-z-]+' <<<"$out" | grep -oE -- '--[a-z-]+'); do
		case $option in
		--help | --mdoc) continue ;; # every command has the one; the other writes the manual
		esac
		grep -qE -- "$option([^a-z-]|\$)" "$TMP/manual" || missing+=" $command$option"
	done
done
is "assize.1 has every option of every command" "${missing:-}" ""

# What `rollback list` says of a copy.
for word in $(grep -oE '(return|warm = |: ) ?"(unknown|wrong|cached|proven|missing)"' "$ROOT/runner/rollback_list.c" |
	grep -oE '[a-z]+"$' | tr -d '"' | sort -u); do
	like "assize.1 has $word of a warm copy" "$(grep "^.Pq proven, cached" "$ROOT/runner/man/assize.1")" "[ ,]$word(,|\$)"
done

# Exit statuses.
for status in 0 1 2 3 4 70; do
	ok "exit status $status is in README" grep -qE "^\| $status \| " "$ROOT/README.md"
	ok "exit status $status is in assize.1" grep -qE "^     $status +[A-Z]" "$TMP/manual"
done

done_testing
