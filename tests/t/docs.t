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

# The manual. Whether the pages it refers to are installed here is not its fault, and lines that are
# generated are as long as they are.
for page in "$ROOT"/runner/man/*.[157]; do
	is "$(basename "$page"): mandoc has no complaint" \
		"$(mandoc -Tlint "$page" 2>"$TMP/mandoc.err" |
			grep -vE 'longer than 80 bytes|referenced manual not found|unknown manual|missing from OS'
			grep -v 'outdated mandoc.db' "$TMP/mandoc.err")" ""
done
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

# Exit statuses.
for status in 0 1 2 3 4 70; do
	ok "exit status $status is in README" grep -qE "^\| $status \| " "$ROOT/README.md"
	ok "exit status $status is in assize.1" grep -qE "^     $status +[A-Z]" "$TMP/manual"
done

done_testing
