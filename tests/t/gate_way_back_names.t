#!/bin/bash
# Gate rule rollback: the release stays what it is under every name git has for it, when its tag is gone, and
# when another commit has its tree; and what was disproved is not forgotten for tags that are newer.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
export HOME=$TMP GIT_CONFIG_NOSYSTEM=1
start() {
	rm -rf repo .assize
	git init -q -b main repo
	cat >assize.yaml <<-Y
	assize: 1
	targets: { repo: { git: repo } }
	rollback: { rel: { repo: repo, tags: "v*"${1:-} } }
	gates:
	  any: { rollback: { set: rel, tags: any } }
	  all: { rollback: { set: rel, tags: all } }
	Y
}
release() { echo "$1" >repo/f && git -C repo add f && git -C repo commit -qm "$1" && git -C repo tag "$1"; }
again() {
	exits "$1: a decision made again says the same" 0 "$ASSIZE" replay latest
	like "$1: it is equal" "$out" 'decision .* equal'
}

# ---- names that git describe makes ----

start
release v1.2.0
for name in "$(git -C repo describe --tags --long)" "$(git -C repo describe --tags --long)-dirty" v1.2.0-dirty v1.2.0-broken; do
	exits "the only tag is the release, called $name" 2 "$ASSIZE" gate any -s "$name"
	like "$name: which is told" "$out" 'no tag to roll back to but the release itself'
done
exits "a description of no commit is no tag to come" 2 "$ASSIZE" gate any -s v1.2.0-0-gfffffff
like "which is told" "$out" 'may be the release itself: "v1.2.0-0-gfffffff" stands for no commit'
for name in v1.3.0 v1.3.0-rc-2 v1.3.0-1-gamma v1.3.0-dirty; do
	exits "a tag to come is another: $name" 0 "$ASSIZE" gate any -s "$name"
done
git -C repo commit -q --allow-empty -m two
exits "a commit without a tag, but of the same tree" 2 "$ASSIZE" gate any -s "$(git -C repo describe --tags)"
echo other >repo/f && git -C repo commit -qam three
exits "one of another tree" 0 "$ASSIZE" gate any -s "$(git -C repo describe --tags)"
exits "by the first digits of its commit" 0 "$ASSIZE" gate any -s "$(git -C repo rev-parse --short HEAD)"
git -C repo gc -q
exits "in a pack as well" 0 "$ASSIZE" gate any -s "$(git -C repo rev-parse --short HEAD)"

# ---- the tag of the release is gone ----

start
release v1.1.9
git -C repo tag v1.2.0
exits "two tags of one commit" 2 "$ASSIZE" gate any -s v1.2.0
git -C repo tag -d v1.2.0 >/dev/null
for name in v1.2.0 refs/tags/v1.2.0; do
	exits "the record knows what a deleted tag was: $name" 2 "$ASSIZE" gate any -s "$name"
	like "$name: which is told" "$out" 'no tag to roll back to but the release itself'
done
again "deleted"
git -C repo tag v1.2.0 'HEAD^{tree}'
exits "a tag of no commit is no tag to come" 2 "$ASSIZE" gate any -s v1.2.0
like "which is told" "$out" 'may be the release itself: "v1.2.0" stands for no commit'
git -C repo tag -d v1.2.0 >/dev/null
exits "verified as such, and deleted: known from before" 2 "$ASSIZE" gate any -s v1.2.0
rm -rf .assize
exits "nobody knows it: a tag to come" 0 "$ASSIZE" gate any -s v1.2.0
start ", keep: 1"
mv assize.yaml repo && release v1.2.0 && release v1.3.0 && cd repo
sed -i 's/repo: { git: repo }/repo: { git: . }/' assize.yaml
"$ASSIZE" run rollback/rel -s v1.2.0 >/dev/null
git tag -d v1.2.0 >/dev/null && git tag -f v1.3.0 HEAD~1 >/dev/null 2>&1 && sed 's/^  all/  new/;s/: rel/: new/g;s/{ rel:/{ new:/' assize.yaml >new.yaml
exits "a run knew it, of another set" 2 "$ASSIZE" gate any -f new.yaml -s v1.2.0
like "which is told" "$out" 'no tag to roll back to but the release itself'
cd ..

# ---- another commit with the tree of the release ----

start
release v1.2.0
git -C repo commit -q --allow-empty -m same && git -C repo tag v1.2.1
exits "going back would change nothing" 2 "$ASSIZE" gate any -s v1.2.1
like "which is told" "$out" 'no tag to roll back to but such as have the very tree of the release'
again "one tree"
exits "nor from the other one" 2 "$ASSIZE" gate any -s v1.2.0
exits "a release that nobody knows may be of that tree" 2 "$ASSIZE" gate any -s sha256:0a1b
like "which is told" "$out" 'may be the release itself'
again "one tree, nobody knows"
exits "another release is another" 0 "$ASSIZE" gate any -s v1.3.0
release v1.3.0
exits "and can go back" 0 "$ASSIZE" gate any -s v1.3.0
exits "two trees are two" 0 "$ASSIZE" gate any -s sha256:0a1b

# ---- disproved, and no target any more ----

start ", keep: 3"
release v1.0.0 && release v1.1.0 && release v1.2.0
exits "all are proven" 0 "$ASSIZE" gate all -s 1
was=$(git -C repo rev-parse v1.1.0)
git -C repo tag -f v1.1.0 v1.2.0 >/dev/null
exits "one was moved: disproved" 1 "$ASSIZE" gate all -s 1
for tag in v2.0.0 v2.0.1 v2.0.2; do git -C repo tag $tag v1.0.0; done
exits "newer tags do not mend it" 1 "$ASSIZE" gate all -s 1
like "it is told" "$out" 'require FAIL rollback/rel:v1.1.0 no target now, and disproved .* at identity: the tag moved.*to do: git tag --force v1.1.0'
again "pushed out"
exits "any of them is enough where any is" 0 "$ASSIZE" gate any -s v3.0.0
git -C repo tag -d v1.1.0 >/dev/null
exits "deleting it opens nothing" 2 "$ASSIZE" gate all -s 1
like "it is told" "$out" 'require undecided rollback/rel:v1.1.0 no target now, disproved .*, and leads to no commit'
again "pushed out and deleted"
git -C repo tag v1.1.0 "$was"
exits "as it was it has to be verified" 1 "$ASSIZE" gate all -s 1
exits "which can be asked for" 0 "$ASSIZE" rollback verify --quiet v1.1.0
exits "and then it is proven, and forgotten" 0 "$ASSIZE" gate all -s 1
git -C repo tag -d v1.1.0 >/dev/null
exits "a proven one that is too old may go" 0 "$ASSIZE" gate all -s 1

start ", reachable: true"
release v1.0.0 && release v1.1.0
exits "reachable: all are proven" 0 "$ASSIZE" gate all -s 1
git -C repo commit -q --allow-empty -m other && git -C repo tag -f v1.1.0 HEAD >/dev/null
exits "reachable: disproved" 1 "$ASSIZE" gate all -s 1
git -C repo checkout -q v1.0.0
exits "another HEAD does not mend it" 1 "$ASSIZE" gate all -s 1
like "it is told" "$out" 'require FAIL rollback/rel:v1.1.0 no target now, and disproved .* at identity: the tag moved'
sed -i 's/reachable: true/reachable: true, except: v1.1.0/' assize.yaml
exits "who withdraws it says so" 0 "$ASSIZE" gate all -s 1
done_testing
