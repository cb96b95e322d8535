#!/bin/bash
# challenge of rollback sets: a private copy of the repository is damaged, and the check must say so.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/rollback_world.sh"
. "$ROOT/tests/lib/challenge.sh"
make_origin

# definition [KEYS]: of the repository w; further keys of the set.
definition()
{
	rm -rf "$TMP/.assize"
	cat >"$TMP/assize.yaml" <<-YAML
		assize: 1
		targets: { repo: { git: w } }
		rollback:
		  releases: { repo: repo, tags: "v*", keep: 3${1:+, $1} }
		audits:
		  back:
		    checks:
		      - { id: all, rollback: releases }
		      - { id: any, rollback: { set: releases, tags: any } }
	YAML
	cd "$TMP" || bail "no folder"
}

world
definition
real_is w
controls='identity: steady'
is "what the record never saw cannot have moved" "$(attacks back/all)" "$controls
other-branch: steady
tag-moved [v2.0.0]: out of reach
tag-deleted [v2.0.0]: out of reach
file-lost [v2.0.0]: failed
file-damaged [v2.0.0]: failed
file-torn [v2.0.0]: failed"
like "and why is said" "$(attack_says tag-moved)" 'has not seen the tag yet'
like "a deleted one is for a gate to miss" "$(attack_says tag-deleted)" 'a gate with `rollback` asks'
exits "a run makes them known" 0 "$ASSIZE" run -q
is "one that is known is missed where it was" "$(attacks back/all | grep moved)" 'tag-moved [v2.0.0]: failed'
is "where one tag is enough all of them are struck" "$(attacks back/any)" "$controls
other-branch: steady
tag-moved [all 3 tags]: failed
tag-deleted [all 3 tags]: error
file-lost [all 3 tags]: failed
file-damaged [all 3 tags]: failed
file-torn [all 3 tags]: failed"
is_real_untouched "loose objects"

world packed
definition
real_is w
is "in a pack, which has an index" "$(attacks back/all)" "$controls
other-branch: steady
tag-moved [v2.0.0]: out of reach
tag-deleted [v2.0.0]: out of reach
file-damaged [v2.0.0]: failed
pack-torn [v2.0.0]: failed
index-lost [v2.0.0]: failed"
is "of all tags" "$(attacks back/any | grep -c 'all 3 tags]: ')" 5
is_real_untouched "a pack"

world
definition "pin: false"
exits "tags that may move" 0 "$ASSIZE" run -q
is "a set that lets tags move is blind to it" "$(attacks back/all | grep moved)" 'tag-moved [v2.0.0]: tolerated'

world
git clone -q --bare --shared "$TMP/w" "$TMP/bare.git"
definition
sed -i 's/git: w/git: bare.git/' assize.yaml
is "what is borrowed" "$(attacks back/all | grep -v tag-)" "$controls
other-branch: steady
borrowed-lost: failed"

world
git tag -d v1.0.0 v1.1.0 >/dev/null
definition
is "the only tag of a set" "$(attacks back/all | grep deleted)" 'tag-deleted [v2.0.0]: error'

world
git worktree add -q "$TMP/linked" v2.0.0
definition
sed -i 's/git: w/git: linked/' assize.yaml
like "a linked work tree is not challenged" "$(unchallenged back/all)" 'linked work tree.*name the repository'

world
rm -f "$(loose "$(blob_of v2.0.0 src/numbers.txt)")"
definition
like "what cannot be restored is not challenged" "$(unchallenged back/all)" 'does not pass as it is'
done_testing
