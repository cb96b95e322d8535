# cases.sh: what a check kind says of many files: a check for each, all of them one definition that is run once.
# Source it after tap.sh:
#
#	add_case KIND STATUS CLAIM FILE KEYS EXPECT WORDS
#	                one more; STATUS is pass, fail or undecided, KEYS are those beside path, WORDS a regular
#	                expression for what is told of it. KEYS, EXPECT and WORDS may be empty
#	judge_cases     runs them: a claim for the status of each, and one for its WORDS
#
# $n_cases is their number: the next one is the check a/c$n_cases.
n_cases=0
claims=() statuses=() words=()
printf 'assize: 1\naudits:\n  a:\n    checks:\n' >"$TMP/assize.yaml"

add_case()
{
	statuses+=("$2") claims+=("$3") words+=("$7")
	printf '      - { id: c%s, %s: { path: %s%s }%s }\n' $n_cases "$1" "$4" "${5:+, $5}" "${6:+, expect: { $6 \}}" \
		>>"$TMP/assize.yaml"
	n_cases=$((n_cases + 1))
}

judge_cases()
{
	local i outcome told
	run "$ASSIZE" run --json
	is "something failed: exit status" "$status" 1
	jq -r '.checks[] | "\(.name[3:])\t\(.outcome)\t\([.series[] | select(.outcome != "pass") | .shown, .reason, .evidence[]] |
		tostring)"' <<<"$out" >"$TMP/told"
	while IFS=$'\t' read -r i outcome told; do
		is "${claims[i]}: ${statuses[i]}" "$outcome" "${statuses[i]}" || diag "$told"
		[ -z "${words[i]}" ] || like "${claims[i]}: told" "${told//\\\"/\"}" "${words[i]}"
	done <"$TMP/told"
	is "every case was judged" "$(wc -l <"$TMP/told")" $n_cases
}
