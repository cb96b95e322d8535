#!/bin/bash
# A branch that keeps checkpoints, and what others do to it: old ones put there again, dates that are made up,
# commits that say nothing. Evidence is the history the branch has; what anybody may write there shuts no gate.
. "$(dirname "$0")/../lib/tap.sh"
export LSAN_OPTIONS="suppressions=$ROOT/tests/lib/lsan.supp:print_suppressions=0"

world=$TMP/world
repo=$TMP/anchors.git
mkdir "$world"
cd "$world" || exit 1
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=$TMP
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b shop --bare "$repo"
db=.assize/record.db
sqlite3 shop.db "CREATE TABLE tasks(id INTEGER PRIMARY KEY); INSERT INTO tasks VALUES (1), (2)"

define() # KEY ORIGIN
{
	cat >assize.yaml <<END
assize: 1
ledger:
  name: shop.example.com/audits
  trust: [ "$1" ]
  origin: "$2"
  anchors: [ { git: "file://$repo", branch: shop } ]
targets: { shop: { sqlite: shop.db } }
audits:
  tasks: { target: shop, checks: [ { id: rows, rows: { table: tasks }, expect: ">= 2" } ] }
gates:
  release: { require: [ { audit: tasks } ], subject: any, ledger: { anchored: 1h } }
END
}
gate() { "$ASSIZE" gate release "$@"; }
verify() { "$ASSIZE" ledger verify "$@"; }
anchor() { "$ASSIZE" ledger anchor "$@"; }
note() { sqlite3 $db "SELECT note FROM checkpoints ORDER BY size LIMIT 1 OFFSET $1" | sed '$d' >"$2"; }
# One more commit; MODE and TYPE of the entry when it is no file.
put() # FILE TIME [MODE TYPE ID]
{
	local id tree parent
	id=${5:-$(git -C "$repo" hash-object -w "$PWD/$1")}
	tree=$(printf '%s %s %s\t%s\n' "${3:-100644}" "${4:-blob}" "$id" "$name" | git -C "$repo" mktree --missing)
	parent=$(git -C "$repo" rev-parse -q --verify refs/heads/shop)
	git -C "$repo" update-ref refs/heads/shop "$(printf 'tree %s\n%sauthor a <a@b> %s +0000\ncommitter a <a@b> %s +0000\n\nx\n' \
		"$tree" "${parent:+parent $parent$'\n'}" "$2" "$2" | git -C "$repo" hash-object -t commit -w --literally --stdin)"
}
empty() { git -C "$repo" update-ref -d refs/heads/shop; }
tip() { git -C "$repo" rev-parse refs/heads/shop; }

# ---- three checkpoints, put there by hand ----

define "" "" && sed -i '/trust\|origin\|gates\|release/d' assize.yaml
"$ASSIZE" run -q && "$ASSIZE" ledger init >init.out || bail "no record"
key=$(sed -n 's/^key  *//p' init.out)
for i in 1 2; do
	"$ASSIZE" run -q && "$ASSIZE" ledger checkpoint >/dev/null || bail "no checkpoint"
done
origin=$(sqlite3 $db "SELECT note FROM checkpoints LIMIT 1" | head -1)
name=${origin##*/}.checkpoint
n=$(sqlite3 $db "SELECT count(*) FROM checkpoints")
note 0 first
note $((n - 1)) last
define "$key" "$origin"
now=$(date +%s)
put first $((now - 20000))
put last $((now - 10800))
exits "what was put there three hours ago" 2 gate
like "is not fresh" "$out" 'the record was anchored 3 h( [0-9]+ (h|min))? ago, limit 60 min'
was=$(tip)
put first $((now - 10))
exits "an old one that is put there again" 2 gate
like "does not make it so" "$out" 'the record is in doubt: file://[^ ]+#shop goes back: its newest checkpoint is of [0-9]+ records, an older one of more'
put last $((now - 5))
exits "nor does the newest of them" 2 gate
like "of which the first time counts" "$out" 'the record was anchored 3 h( [0-9]+ (h|min))? ago, limit 60 min'

# ---- what anybody may write there ----

git -C "$repo" update-ref refs/heads/shop "$was"
put init.out $((now - 4))
printf 'no\n' >no && put no $((now - 3))
put - $((now - 2)) 160000 commit "$was"
put - $((now - 2)) 040000 tree "$(git -C "$repo" mktree </dev/null)"
head -c 70000 /dev/zero >large && put large $((now - 2))
exits "what nobody trusted has signed" 0 verify
like "is told once" "$out" 'note +3 versions on file://[^ ]+#shop are signed by no key that is trusted: they say nothing'
like "and what else is there holds" "$out" 'elsewhere +2 hold'
empty
put last $((now + 9000))
exits "a commit of tomorrow" 2 gate
like "does not say when" "$out" 'no anchor vouches for the record'
exits "which is told" 0 verify
like "by its name" "$out" 'note +file://[^ ]+#shop, commit [0-9a-f]{12} is dated as it cannot be'
for when in 9300000000000000 253402300800; do
	empty
	put last $when
	exits "a date of $when" 2 gate
	like "counts for nothing" "$out" 'no anchor vouches for the record'
done
put no $((now - 3))
put last $((now - 2))
exits "the same, put there now, is fresh" 0 gate
printf '%s\n0\n%s\n\n' "$origin" "$(head -c 32 /dev/zero | base64)" >zero && put zero $((now - 2))
cp -r .assize whole
exits "and keeps no checkpoint away" 0 anchor -q
is "which comes on top" "$(git -C "$repo" show "shop:$name" | head -1)" "$origin"
rm -r .assize && mv whole .assize

# ---- what is there no longer ----

empty
exits "a checkpoint is put there" 0 anchor -q
before=$(tip)
exits "and one more" 0 anchor -q
exits "both hold" 0 verify
like "for the branch has them" "$out" 'elsewhere +2 hold'
# ---- the repository that is named, and no other ----

exits "the repository that is named is fresh" 0 gate
cp -r .assize whole && cp -r "$repo" "$TMP/forged.git" && was=$(tip) && empty
mkdir -p "$TMP/xdg/git"
export XDG_CONFIG_HOME=$TMP/xdg
forge() # KEY
{
	printf '[url "file://%s"]\n\t%s = file://%s\n' "$TMP/forged.git" "$1" "$repo"
}
for at in "$TMP/.gitconfig" "$TMP/xdg/git/config"; do
	forge insteadOf >"$at"
	exits "${at#"$TMP/"}: another repository opens no gate" 2 gate
	exits "${at#"$TMP/"}: nor does it hold what the record says" 2 verify
	rm "$at"
done
git -C "$repo" update-ref refs/heads/shop "$was"
for key in insteadOf pushInsteadOf; do
	forge $key >"$TMP/.gitconfig"
	exits "$key: an anchor" 0 anchor -q
	is "$key: goes where it belongs" "$(git -C "$repo" rev-parse refs/heads/shop~1)" "$was"
	is "$key: and nowhere else" "$(git -C "$TMP/forged.git" rev-parse refs/heads/shop)" "$was"
	git -C "$repo" update-ref refs/heads/shop "$was"
	rm -r "$TMP/.gitconfig" .assize && cp -r whole .assize
done
rm -r whole
unset XDG_CONFIG_HOME

# ---- a branch that was set back ----

git -C "$repo" update-ref refs/heads/shop "$before"
exits "a branch that was set back" 2 verify
like "does not hold what the record says" "$out" \
	'doubt +the record says that commit [0-9a-f]{12} of file://[^ ]+#shop holds its first [0-9]+ records, and the branch does not'
exits "which shuts a gate" 2 gate
empty
exits "one that was taken away" 2 verify
like "holds neither" "$out" 'and the branch does not, nor 1 more that it says'
exits "without asking it nothing is missed" 0 verify --offline
sed 's/branch: shop/branch: other/' assize.yaml >other.yaml
exits "places that nobody looks at" 0 verify -f other.yaml
like "are told" "$out" 'note +2 checkpoints were put where nobody looks now, the newest of [0-9]+ records to git file://[^ ]+#shop'
done_testing
