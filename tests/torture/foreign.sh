#!/bin/bash
# foreign.sh BUILD [RUNS]: a record of RUNS runs of 1,000 results, and two verifiers that are not ours.
#
# Both have to accept it and to come to one root, which is ours; and to refuse a value that was edited,
# an end that was cut off, and a history that was made anew with the same key.
set -euo pipefail
build=$1
runs=${2:-1000}
root=$(cd "$(dirname "$0")/../.." && pwd)
assize=$build/assize
dir=$(mktemp -d "${TMPDIR:-/tmp}/assize-foreign.XXXXXX")
trap 'rm -rf "$dir"' EXIT
unset ${!ASSIZE_*}
cd "$dir"

die() { echo "foreign: $*" >&2; exit 1; }
step() { printf '%4d s  %s\n' $SECONDS "$*"; }

GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$dir/gocache GOFLAGS='' \
	go build -o verifier "$root/tests/verifiers/ledger.go"
mkdir durable
"$build/tests/bench/record" "$dir" "$dir/durable" "$runs" >figures
rm -r durable
printf 'assize: 1\naudits: { a: { checks: [ { id: here, file: { path: assize.yaml } } ] } }\n' >assize.yaml
db=year/record.db
"$assize" ledger init --record $db --key key.pem --name foreign.example.com/a >said
key=$(sed -n 's/^key  *//p' said)
run() { "$assize" run -q --record "$1" && "$assize" ledger checkpoint --record "$1" --key key.pem -o "$2"; }
run $db early
cp $db before.db
run $db kept
run $db now
size=$(sed -n 2p now)
step "$size leaves, signed"

by_rows() { python3 -B "$root/tests/verifiers/ledger.py" "$1" "$key" "${@:2}"; }
by_leaves() { "$assize" ledger leaves --record "$1" | ./verifier "$key" "${@:2}"; }
accept() # NAME COMMAND...: it says the root last
{
	"${@:2}" >"$1.said" || die "$1 refuses a record nobody touched"
	sed -n '$s/.* //p' "$1.said" >>roots
	step "$1: accepted"
}
refuse() # CLAIM WORDS COMMAND...: in these words, so that a verifier that fell over is none that refuses
{
	! "${@:3}" >refused.said 2>&1 || die "$1: accepted"
	grep -q "^REJECTED: $2" refused.said || die "$1: not for its cause: $(tail -1 refused.said)"
	step "$1: refused"
}
changed='the first [0-9]* records are not those that were signed for'
shorter='the record is shorter: '
accept rows by_rows $db early kept now
accept leaves by_leaves $db early kept now
"$assize" ledger verify --record $db --json | jq -r .root >>roots
[ "$(sort -u roots | wc -l)" = 1 ] || die "they come to different roots: $(tr '\n' ' ' <roots)"
step "one root, ours as well: $(head -1 roots)"

bad() { cp "${1:-$db}" bad.db; }
bad
sqlite3 bad.db 'UPDATE results SET duration_us = duration_us + 1 WHERE id = (SELECT id FROM results LIMIT 1 OFFSET 5000)'
refuse "an edit, by rows" "$changed" by_rows bad.db kept
refuse "an edit, by leaves" "$changed" by_leaves bad.db kept
bad before.db
refuse "a truncation, by rows" "$shorter" by_rows bad.db kept
refuse "a truncation, by leaves" "$shorter" by_leaves bad.db kept
for _ in 1 2 3; do run bad.db forged; done
refuse "made anew with the same key, by rows" "$changed" by_rows bad.db kept
refuse "made anew with the same key, by leaves" "$changed" by_leaves bad.db kept forged
by_leaves bad.db forged >refused.said || die "what was made anew is not whole by its own word"
echo "$size leaves, 2 verifiers, 6 refusals, $SECONDS s"
