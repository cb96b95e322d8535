#!/bin/bash
# Damaged clones: references that libgit2 reads and git does not, and a few clones damaged at random
# (`make torture-clones` damages a thousand).
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"
RESTORE=$BUILD/tests/tools/restore

git init -q -b main repo
echo one >repo/file && git -C repo add file && git -C repo commit -qm one
git -C repo tag v1 && git -C repo tag -a -m two v2 && git -C repo pack-refs --all
refs=repo/.git/packed-refs
cp $refs whole
exits "packed references: proven" 0 "$RESTORE" --scratch "$TMP" repo v1

# refuses CLAIM SED-SCRIPT MESSAGE: the damage is one that git refuses, and so it is unproven.
refuses()
{
	sed -E "$2" whole >$refs
	nok "$1: git refuses" git -C repo for-each-ref
	exits "$1: unproven" 2 "$RESTORE" --scratch "$TMP" repo v1
	like "$1: said" "$out" "source undecided .*git cannot read packed-refs: $3.*mv .*packed-refs"
}
refuses "another header" '1s/pack-refs/pack-sefs/' 'line 1 is no header that git knows'
refuses "a second header" '2s/^/#/' 'line 2 is no reference'
refuses "a name cut short" '2s/^..//' 'line 2 is no reference'
refuses "a name that is none" '2s/^./g/' 'line 2 is no reference'
refuses "a reference outside of refs" '2s/refs.*/..\/heads/' 'line 2 is no reference'
refuses "a broken peeled line" '/^\^/s/^\^./^g/' 'line 5 names no object'
printf %s "$(<whole)" >$refs
nok "no end: git refuses" git -C repo for-each-ref
exits "no end: unproven" 2 "$RESTORE" --scratch "$TMP" repo v1
like "no end: said" "$out" 'git cannot read packed-refs: it does not end'
sed -E '2s/heads/zeads/' whole >$refs
exits "out of order: unproven" 2 "$RESTORE" --scratch "$TMP" repo v1
like "out of order: said" "$out" 'line 3 is out of the order that the file claims to have'
sed -E '1d;2s/heads/zeads/' whole >$refs
exits "an order nobody claims: proven" 0 "$RESTORE" --scratch "$TMP" repo v1

exits "12 clones damaged at random" 0 "$ROOT/tests/torture/clones" "$RESTORE" 12 4
like "some pass and some do not" "$out" $'\n''[1-9][0-9]* fail, [1-9][0-9]* pass'
done_testing
