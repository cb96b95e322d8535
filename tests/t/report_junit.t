#!/bin/bash
# JUnit XML, looked at by an XML validator: it is valid for every kind of run, in both profiles, and what
# its elements count is what its attributes say. Run by itself with ASSIZE_JUNIT_SCHEMA=FILE it validates
# profile jenkins against
# that schema too (Jenkins' own junit-10.xsd is not ours to ship).
. "$(dirname "$0")/../lib/tap.sh"

SAMPLE=$BUILD/tests/tools/report_sample

xpath()
{
	xmllint --nonet --xpath "$1" "$2"
}

for which in plain pass shut open overridden hostile incomplete empty many; do
	for format in junit junit-gitlab; do
		file=$TMP/$which.$format.xml
		"$SAMPLE" $which $format >"$file" || bail "report_sample $which $format failed"
		ok "$which, $format: valid against the schema" \
			xmllint --nonet --noout --schema "$ROOT/tests/data/junit.xsd" "$file"
		is "$which, $format: tests is the number of cases" \
			"$(xpath 'count(//testcase)' "$file")" "$(xpath 'number(/testsuites/@tests)' "$file")"
		is "$which, $format: failures is the number of failures" \
			"$(xpath 'count(//failure)' "$file")" \
			"$(xpath 'number(/testsuites/@failures)' "$file")"
		is "$which, $format: errors is the number of errors" \
			"$(xpath 'count(//error)' "$file")" "$(xpath 'number(/testsuites/@errors)' "$file")"
		is "$which, $format: suites add up" "$(xpath 'sum(//testsuite/@tests)' "$file")" \
			"$(xpath 'number(/testsuites/@tests)' "$file")"
	done
	if [ -n "${ASSIZE_JUNIT_SCHEMA:-}" ]; then
		ok "$which: valid against $ASSIZE_JUNIT_SCHEMA" xmllint --nonet --noout \
			--schema "$ASSIZE_JUNIT_SCHEMA" "$TMP/$which.junit.xml"
	fi
done

plain=$TMP/plain.junit.xml
is "fail is a failure" "$(xpath 'count(//testcase[@classname="tasks/missing"]/failure)' "$plain")" 1
is "undecided is an error" "$(xpath 'count(//testcase[@classname="api/up"]/error)' "$plain")" 1
is "skip is skipped" "$(xpath 'count(//testcase[@classname="queue/lag"]/skipped)' "$plain")" 1
is "warn passes and says so" \
	"$(xpath 'starts-with(//testcase[@name="home:total"]/system-out, "warn: ")' "$plain")" true
like "a failure names value, bound and line" \
	"$(xpath 'string(//testcase[@classname="tasks/missing"]/failure/@message)' "$plain")" \
	'^measured 1\.30 %, bound <= 0\.1 % \(audits/storefront\.yaml:34:17\)$'
is "a run without its end is an error" \
	"$(xpath 'count(//testcase[@classname="run"]/error)' "$TMP/incomplete.junit.xml")" 1
is "a shut gate is a failure" \
	"$(xpath 'count(//testcase[@classname="gate"]/failure)' "$TMP/shut.junit.xml")" 1
is "an open gate passes" \
	"$(xpath 'count(//testcase[@classname="gate"]/system-out)' "$TMP/open.junit.xml")" 1
is "an overridden gate is skipped, with what kept it shut" \
	"$(xpath 'string(//testcase[@classname="gate"]/skipped/@message)' "$TMP/overridden.junit.xml")" \
	'overridden by jane until 2026-11-23T21:40:03Z (override 3): the outage is worse; it would be shut: fail; fail tasks/missing{column="owner"}: 1.30 %, bound <= 0.1 %; undecided api/up: measured 3 h ago, limit 30 min'
is "hostile text adds no element" "$(xpath 'count(//*)' "$TMP/hostile.junit.xml")" \
	"$(xpath 'count(//*)' "$TMP/shut.junit.xml")"
is "hostile text arrives as text" \
	"$(xpath 'contains(string(//failure), "<script>alert(1)</script>")' "$TMP/hostile.junit.xml")" true

done_testing
