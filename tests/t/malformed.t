#!/bin/bash
# Definitions with mistakes: those made by hand are reported word for word and in place, those made by
# a machine never crash, never pass for another reason than being sound, and always name a place.
. "$(dirname "$0")/../lib/tap.sh"

export ASSIZE_TEST_SECRET=hunter22
unset ASSIZE_TEST_UNSET

# checked FILE: sets $status, $reported, a "LINE:COL MESSAGE" line for each error, the folder's path taken
# off, and $helped, what is said to do about them. One process a file: there are hundreds.
checked()
{
	local line
	status=0 reported= helped=
	"$ASSIZE" check -f "$1" >/dev/null 2>"$TMP/errors" || status=$?
	while IFS= read -r line; do
		if [[ $line =~ ^"$1":([0-9]+:[0-9]+):\ (.*)$ ]]; then
			line="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
			line=${line//"\"$ROOT/tests/malformed/"/'"'}
			reported+=${line//"\"$ROOT/tests/malformed\""/'"."'}$'\n'
		elif [[ $line == "help: "* ]]; then
			helped+=${line#help: }$'\n'
		fi
	done <"$TMP/errors"
}

cd "$ROOT/tests/malformed" || bail "no tests/malformed"
count=0
for file in *.yaml; do
	count=$((count + 1))
	want= want_help=
	while IFS= read -r line && [[ $line =~ ^"# "(expect|help)": " ]]; do
		[[ $line == "# help: "* ]] && want_help+=${line#\# help: }$'\n' || want+=${line#\# expect: }$'\n'
	done <"$file" 2>/dev/null
	checked "$file"
	is "${file%.yaml}" "$status $reported" "3 $want"
	[ -z "$want_help" ] || is "${file%.yaml}: what to do" "$helped" "$want_help"
done
ok "at least 120 definitions made by hand" test $count -ge 120

# Mutations of sound definitions. The seeds are fixed: a failure can be made again.
cd "$TMP" || bail "no scratch directory"
refused=0 sound=0 bad=0 seed=1
for example in "$ROOT"/audits/examples/*.yaml "$ROOT"/tests/data/definitions/full.yaml; do
	mkdir mutated && "$BUILD/tests/tools/mutate_yaml" $seed 24 "$example" mutated || bail "no mutations"
	for file in mutated/*.yaml; do
		checked "$file"
		if [ $status = 0 ]; then
			sound=$((sound + 1))
		elif [ $status = 3 ] && [ -n "$reported" ]; then
			refused=$((refused + 1))
		else
			bad=$((bad + 1))
			diag "seed $seed of $example, $file: status $status: $(cat "$TMP/errors")"
		fi
	done
	rm -r mutated
	seed=$((seed + 1))
done
diag "$refused refused with a place, $sound still sound, $bad neither"
is "no mutation crashes or is refused without a place" $bad 0
ok "at least 200 mutations were made" test $((refused + sound)) -ge 200
ok "most of them are mistakes" test $refused -gt $sound

done_testing
