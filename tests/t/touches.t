#!/bin/bash
# Every check kind has its five touches: file, row, test, example, section of the manual.
. "$(dirname "$0")/../lib/tap.sh"

rule=$ROOT/tests/rules/touches

world()
{
	rm -rf "$TMP/world"
	mkdir -p "$TMP"/world/{audits/examples,tests/kinds,runner/man}
	cd "$TMP/world" || exit 1
	printf '%s\n' 'static const struct audit_kind *const all_kinds[] = {' \
		'	&audit_kind_one, &audit_kind_two,' '};' >audits/kinds.c
	for kind in one two; do
		printf '%s\n' "const struct audit_kind audit_kind_$kind = {" "	.name = \"$kind\"," \
			'	.blind = "it cannot see",' '};' >audits/$kind.c
		echo 'assize: 1' >audits/examples/$kind.yaml
		printf '#!/bin/bash\n' >tests/kinds/$kind.t
		chmod +x tests/kinds/$kind.t
		printf '.SS %s\nText.\n' $kind >>runner/man/assize.yaml.5
	done
}

breaks()
{
	run "$rule" "$TMP/world"
	is "$1" "$status $out" "1 $2"
}

world
exits "kinds with all touches pass" 0 "$rule" "$TMP/world"
is "and nothing is said" "$out" ""
rm audits/examples/two.yaml
breaks "a missing example is found" "kind two: no audits/examples/two.yaml"
world
rm tests/kinds/one.t
breaks "a missing test is found" "kind one: no executable tests/kinds/one.t"
world
chmod -x tests/kinds/one.t
breaks "a test that cannot run is found" "kind one: no executable tests/kinds/one.t"
world
sed -i '/blind/d' audits/two.c
breaks "a kind that claims to see all is found" "audits/two.c: kind two does not say what it is blind to"
world
sed -i 's/\.blind = .*/.blind = NULL,/' audits/two.c
breaks "also when it says so" "audits/two.c: kind two does not say what it is blind to"
world
sed -i '/SS two/d' runner/man/assize.yaml.5
breaks "a missing section of the manual is found" "kind two: no section in runner/man/"
world
rm audits/two.c
breaks "a missing file is found" "kind two: no row in audits/"
world
sed -i 's/ &audit_kind_two,//' audits/kinds.c
breaks "a kind the table does not list is found" "kind two: not in the table of audits/kinds.c"
world
echo >audits/kinds.c
run "$rule" "$TMP/world"
like "a table that cannot be read is not an empty one" "$status $out" '^1 .*table of kinds was not found'

ok "every kind has its five touches" "$rule" "$ROOT"
done_testing
