#!/bin/bash
# assize.yaml(5): its generated part is what the key rows give, its examples are sound, its markup too.
. "$(dirname "$0")/../lib/tap.sh"

cd "$TMP" || bail "no scratch directory"
page=$ROOT/runner/man/assize.yaml.5

sed -n '/^\.\\" generated.*: begin$/,/^\.\\" generated.*: end$/p' "$page" | sed '1d;$d' >committed
"$ASSIZE" kinds --mdoc >generated
ok "the generated part is up to date (tests/tools/update does that)" diff committed generated

# .\" run: NAME, then a literal display: backslashes are written \e there.
awk '
	/^\.\\" run: / { name = $3; next }
	/^\.Bd -literal/ && name { is_inside = 1; next }
	/^\.Ed/ { is_inside = 0; name = "" }
	is_inside { gsub(/\\e/, "\\"); print >name }' "$page"
count=0
for file in *.yaml; do
	count=$((count + 1))
	exits "example $file is sound" 0 "$ASSIZE" check -f "$file"
	[ -z "$err" ] || diag "$err"
done
ok "examples were found" test $count -ge 3

run mandoc -T lint -W warning "$page"
is "mandoc has nothing to say" "$out" ""

done_testing
