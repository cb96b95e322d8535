#!/bin/bash
# Reports for CI systems, looked at by programs nobody here wrote: every format of every kind of run is
# valid, and none that a reader would take for success where the exit status is not 0. What the world
# wrote stays text, whatever the format gives a meaning.
. "$(dirname "$0")/../lib/tap.sh"

SAMPLE=$BUILD/tests/tools/report_sample
export NODE_PATH=$BUILD/npm/node_modules
formats=(tap ctrf sarif gitlab-codequality github)
others=(markdown openmetrics)
green=(pass open waived overridden)
red=(plain shut barred hostile incomplete interrupted missing empty skipped undecided)

judge() # FILE...: a line a file, see tests/npm/formats.js
{
	node "$ROOT/tests/npm/formats.js" "$@"
}

cd "$TMP" || bail "no scratch directory"
for which in "${green[@]}" "${red[@]}"; do
	for format in "${formats[@]}" "${others[@]}"; do
		"$SAMPLE" "$which" "$format" >"$which.$format" || bail "report_sample $which $format failed"
	done
done
files=()
for format in "${formats[@]}"; do
	for which in "${green[@]}" "${red[@]}"; do
		files+=("$which.$format")
	done
done
judge "${files[@]}" >verdicts || bail "formats.js ended early"
is "each file was looked at" "$(grep -c . verdicts)" ${#files[@]}
for format in "${formats[@]}"; do
	is "$format: valid for every kind of run" "$(grep -F ".$format " verdicts | grep -v ' valid ')" ""
	for which in "${green[@]}"; do
		is "$format: $which is a success" "$(grep "^$which\.$format " verdicts)" \
			"$which.$format valid green"
	done
	for which in "${red[@]}"; do
		is "$format: $which is none" "$(grep "^$which\.$format " verdicts)" \
			"$which.$format valid red"
	done
done

# The validators see what they are asked for: one thing is damaged, and they name it.
damages=(
	sarif 'version' 's/"version": "2.1.0"/"version": "2.2.0"/'
	sarif 'startLine' 's/"startLine": 34/"startLine": "34"/'
	sarif 'one fingerprint' 's|"assizeSeries/v1": "[0-9a-f]*"|"assizeSeries/v1": "0"|'
	ctrf 'allowed values' 's/"status": "failed"/"status": "undecided"/'
	ctrf 'there are' 's/"failed": [0-9]*/"failed": 0/'
	tap 'plan' 's/^1\.\.16/1..17/'
	tap 'no message' 's/^  message:/  text:/'
	gitlab-codequality 'severity' 's/"blocker"/"fatal"/'
	gitlab-codequality 'line' 's/"begin": 34/"begin": 0/'
	github '@actions/core' 's/1\.30 %25/1.30 %/'
	github 'not an annotation' 's/^::error /:error /'
)
broken=()
for ((i = 0; i < ${#damages[@]}; i += 3)); do
	sed "${damages[i + 2]}" "shut.${damages[i]}" >"broken$i.${damages[i]}"
	broken+=("broken$i.${damages[i]}")
done
judge "${broken[@]}" >refusals
for ((i = 0; i < ${#damages[@]}; i += 3)); do
	like "${damages[i]} is refused after ${damages[i + 2]}" "$(grep "^broken$i\." refusals)" \
		"invalid .*${damages[i + 1]}"
done

# Perl's harness, which Debian's tools use: it knows TAP 13.
prove --exec cat "${green[@]/%/.tap}" >green.prove 2>&1
like "prove: what passes" "$(tail -n 1 green.prove)" '^Result: PASS'
prove --exec cat "${red[@]/%/.tap}" >red.prove 2>&1
is "prove: what does not" "$(grep -c '^[a-z]*\.tap .*Failed: [1-9]' red.prove)" ${#red[@]}
is "prove: the plan is kept, whatever the names" "$(grep -i 'bad plan\|parse error' ./*.prove)" ""

# The SARIF multitool exits 0 whatever it finds. A tool without a home page is the one thing it may say.
# (The version of the hostile run is hostile too, and no version.)
node "$NODE_PATH/@microsoft/sarif-multitool/bin.js" validate \
	{hostile,broken0}.sarif >multitool 2>&1
is "multitool: it looked at all of them" "$(grep -o '[0-9]* files scanned' multitool)" "2 files scanned"
grep -E '(error|warning|note) SARIF' multitool | grep -v 'broken' |
	grep -v "does not provide 'informationUri'" | grep -v 'hostile.*SARIF2005.*driver.version' >found
is "multitool: nothing is wrong with the hostile run" "$(cat found)" ""
like "multitool: and a damaged one is noticed" "$(grep broken multitool)" 'error'

sarif=shut.sarif
is "SARIF: a result for everything that does not pass" \
	"$(jq -r '[.runs[0].results[] | "\(.ruleId) \(.level) \(.properties.outcome)"] | join("; ")' $sarif)" \
	"gates/release error fail; tasks/missing error fail; api/up error undecided; dist/digests note fail; api/home warning warn"
is "SARIF: at the line that judged it" "$(jq -r '.runs[0].results[1].locations[0].physicalLocation |
	"\(.artifactLocation.uri):\(.region.startLine):\(.region.startColumn)"' $sarif)" \
	'audits/storefront.yaml:34:17'
is "SARIF: the exit status" "$(jq '.runs[0].invocations[0] | .exitCode, .executionSuccessful' $sarif)" $'1\ntrue'
is "SARIF: every rule has help" "$(jq '[.runs[0].tool.driver.rules[] | select(.help.text == "")] | length' $sarif)" 0
# A bracket is text behind an odd number of backslashes.
links='(^|[^\\])(\\\\)*\]\('
is "SARIF: nothing of a hostile name is a link or a placeholder" "$(jq -r '.. | .text? // empty' hostile.sarif |
	grep -cE "$links|[^{]\{[0-9]*\}")" 0
is "SARIF: though there was what could be" "$(jq -r '.. | .text? // empty' hostile.sarif | grep -cF '\\\[a\\\](javascript:c)' | sed 's/[1-9].*/some/')" some
is "SARIF: a path is a URI" \
	"$(jq -r '.runs[0].results[].locations[0].physicalLocation.artifactLocation.uri' hostile.sarif |
		grep -c '[^-A-Za-z0-9._~/!$&'"'"'()*+,;=@%]')" 0
is "GitLab: the worst first, in its words" "$(jq -r '[.[] | "\(.severity) \(.check_name)"] | join("; ")' shut.gitlab-codequality)" \
	"blocker gates/release; blocker tasks/missing; critical api/up; info dist/digests; minor api/home"
is "CTRF: undecided counts as failed and says what it is" \
	"$(jq -r '.results.tests[] | select(.rawStatus == "undecided") | "\(.name) \(.status)"' plain.ctrf)" 'api/up failed'
like "GitHub: the gate comes first" "$(head -n 1 shut.github)" '^::error title=gate shut,file=audits/storefront.yaml,line=34,col=17::gate release is shut'

# A waived failure: the gate is open, and no format calls it a pass.
by='waived by W-12 until 2026-11-23T21:40:03Z, owner platform, ticket OPS-417'
like "TAP: waived is not ok, and let through" "$(cat waived.tap)" "not ok 2 - tasks/columns # TO""DO $by"
is "CTRF: waived is other" "$(jq -r '.results.tests[] | select(.status == "other") | "\(.name) \(.rawStatus)"' waived.ctrf)" \
	'tasks/columns waived'
like "SARIF: waived is suppressed, with who and why" "$(jq -r '.runs[0].results[] | select(.suppressions) |
	"\(.ruleId) \(.level) \(.suppressions[0].status) \(.suppressions[0].justification)"' waived.sarif)" \
	"^tasks/columns error accepted $by: The column is filled"
like "GitLab: waived is info" "$(jq -r '.[] | "\(.severity) \(.description)"' waived.gitlab-codequality | grep columns)" \
	"^info waived tasks/columns: $by"
like "GitHub: waived is a warning" "$(grep ^::warning waived.github)" 'title=waived tasks/columns,'
like "Markdown: waived has its evidence" "$(cat waived.markdown)" '### waived `tasks/columns`'
# An overridden gate: it is open, everywhere it says so, and what kept it shut stays to be seen.
for format in "${formats[@]}" markdown json html junit junit-gitlab events; do
	"$SAMPLE" overridden $format >overridden.$format || bail "report_sample overridden $format failed"
	text=$(/usr/bin/python3 -c 'import html, sys; print(html.unescape(sys.stdin.read()).replace("\u00a0", " "))' <overridden.$format)
	like "$format: who overrode the gate, and why" "$text" 'jane.*the outage is worse'
	like "$format: and what kept it shut" "$text" 'tasks/missing.*1\.30 %.*api/up.*measured 3 h ago'
done
like "TAP: overridden is not ok, and let through" "$(cat overridden.tap)" 'not ok 1 - gates/release # TO''DO gate release is overridden.*outcome: .overridden'
is "CTRF: overridden is other" "$(jq -r '.results.tests[] | select(.status == "other") | "\(.name) \(.rawStatus)"' overridden.ctrf)" \
	'gates/release overridden'
is "SARIF: overridden is a warning, and not suppressed" \
	"$(jq -r '.runs[0].results[] | "\(.ruleId) \(.level) \(.properties.outcome) \(.suppressions)"' overridden.sarif)" \
	'gates/release warning overridden null'
is "GitLab: overridden is minor" "$(jq -r '.[] | "\(.severity) \(.check_name)"' overridden.gitlab-codequality)" 'minor gates/release'
like "GitHub: overridden is a warning" "$(grep ^::warning overridden.github)" 'title=gate overridden,file=audits/storefront.yaml,line=34'
like "Markdown: overridden has its lines" "$(cat overridden.markdown)" '^## assize: OVERRIDDEN.*### overridden `gates/release`.*<pre>required: fail tasks/missing'
like "OpenMetrics: overridden is told beside open" "$(cat overridden.openmetrics)" \
	'assize_gate_open\{gate="release"\} 1.*assize_gate_overridden\{gate="release"\} 1'
like "OpenMetrics: and is 0 where nobody did" "$(cat open.openmetrics)" 'assize_gate_overridden\{gate="release"\} 0'
like "OpenMetrics: waived is counted, and the series failed" "$(cat waived.openmetrics)" \
	'assize_gate_waived\{gate="release"\} 1.*assize_series_outcome\{check="tasks/columns",series="",outcome="fail"\} 1'

# OpenMetrics by Debian's Python client, and by what checks files of node_exporter's collector.
/usr/bin/python3 - "${green[@]}" "${red[@]}" <<'PY' >metrics
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for which in sys.argv[1:]:
    samples = [s for family in text_string_to_metric_families(open(which + ".openmetrics").read())
               for s in family.samples]
    value = lambda name: [s.value for s in samples if s.name == name]
    passing = set(value("assize_gate_open") or value("assize_run_passing")) == {1.0}
    states = {}
    for s in samples:
        if s.name in ("assize_series_outcome", "assize_check_outcome", "assize_run_outcome"):
            key = (s.name, s.labels.get("check"), s.labels.get("series"))
            states[key] = states.get(key, 0) + s.value
    print(which, "green" if passing else "red", sorted(set(states.values())),
          any(s.timestamp for s in samples))
PY
for which in "${green[@]}"; do
	is "OpenMetrics: $which is a success, one state each, no timestamps" \
		"$(grep "^$which " metrics)" "$which green [1] False"
done
for which in "${red[@]}"; do
	is "OpenMetrics: $which is none, one state each, no timestamps" \
		"$(grep "^$which " metrics)" "$which red [1] False"
done
for which in pass shut hostile empty incomplete; do
	run promtool check metrics <"$which.openmetrics"
	is "promtool: $which has no problem" "$status $out$err" "0 "
done
sed 's/^# TYPE assize_run_checks gauge/# TYPE assize_run_checks counter/' shut.openmetrics >broken.openmetrics
run promtool check metrics <broken.openmetrics
like "promtool: a counter that is none is noticed" "$status $out$err" '^3 .*assize_run_checks'
is "OpenMetrics: what was not measured is absent" "$(grep -c '^assize_series_value{check="api/up"' shut.openmetrics)" 0
is "OpenMetrics: a share is a ratio" "$(grep '^assize_series_value{check="tasks/missing",series="{column=..owner' shut.openmetrics)" \
	'assize_series_value{check="tasks/missing",series="{column=\"owner\"}",unit="ratio"} 0.013'

# Markdown by the parser GitHub uses, with its tables and links.
nodes() # FILE NAME...: how many there are of each
{
	local file=$1 name
	shift
	cmark-gfm --unsafe -e table -e autolink -e strikethrough --to xml "$file" >"$file.xml"
	for name; do
		printf '%s %s, ' "$(grep -c "<$name[ />]" "$file.xml")" "$name"
	done
}
for which in shut hostile; do
	nodes $which.markdown heading table table_row table_cell html_block strong emph link image \
		strikethrough list block_quote code_block thematic_break >$which.nodes
done
is "Markdown: names change nothing of how the page is built" "$(cat hostile.nodes)" "$(cat shut.nodes)"
like "Markdown: a heading for the verdict and each failure that counts, a row each" "$(cat shut.nodes)" \
	'^4 heading, 1 table, 16 table_row, 51 table_cell, .* 0 emph, 0 link, 0 image,'
like "Markdown: the verdict comes first" "$(head -n 1 shut.markdown)" '^## assize: SHUT, gate `release` for `v2.31.0`$'
for which in "${red[@]}"; do
	like "Markdown: $which is none" "$(head -n 1 $which.markdown)" '^## assize: (SHUT|undecided|FAIL)'
done
for which in "${green[@]}"; do
	like "Markdown: $which is a success" "$(head -n 1 $which.markdown)" '^## assize: (OPEN|OVERRIDDEN|pass)'
done
is "Markdown: as HTML there is no script and no link" \
	"$(cmark-gfm --unsafe -e table -e autolink hostile.markdown | grep -ciE '<(script|a|img)[ >]')" 0

done_testing
