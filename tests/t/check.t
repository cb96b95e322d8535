#!/bin/bash
# assize check and assize kinds, as a user types them.
. "$(dirname "$0")/../lib/tap.sh"

cd "$TMP" || bail "no scratch directory"

exits "without a definition the status is 3" 3 "$ASSIZE" check
like "and the file is named" "$err" 'could not open ".*assize.yaml"'
like "and what to do" "$err" 'help: name the definition with -f FILE'

mkdir -p shop/data shop/audits
cat >shop/assize.yaml <<'END'
assize: 1
include: audits/*.yaml
vars: { table: orders }
targets:
  shop: { sqlite: data/shop.db }
  api: { http: "https://example.com", headers: { Authorization: "Bearer ${env:TOKEN}" } }
  repo: { git: . }
rollback: { releases: { repo: repo, tags: "v*" } }
gates: { release: { require: { audit: orders } } }
END
cat >shop/audits/orders.yaml <<'END'
audits:
  orders:
    target: shop
    checks:
      - id: volume
        rows: { table: "${table}" }
        expect: ">= 1"
END
export TOKEN=correct-horse-battery

cd shop || bail "no shop"
run "$ASSIZE" check
is "a sound definition" "$status ${out%%$'\n'*}$err" \
	"0 assize.yaml is sound: 1 audit, 1 check, 3 targets, 1 gate, 1 rollback set"
like "and the digest to pin" "$out" $'\npolicy [0-9a-f]{64}$'
exits "says nothing with --quiet" 0 "$ASSIZE" check --quiet
is "really nothing" "$out$err" ""
cd ..
run "$ASSIZE" check -f shop
is "a directory stands for the assize.yaml in it, shown from here" "$status ${out%%$'\n'*}" \
	"0 shop/assize.yaml is sound: 1 audit, 1 check, 3 targets, 1 gate, 1 rollback set"
exits "ASSIZE_FILE is the twin of -f" 0 env ASSIZE_FILE=shop/assize.yaml "$ASSIZE" check
run "$ASSIZE" check -f shop --json
is "as JSON" "$status $(jq -c '[.assize, .is_sound, .n_errors, .n_checks]' <<<"$out")" \
	'0 ["check/1",true,0,1]'
exits "nothing was made beside it" 1 test -e shop/.assize

exits "a variable from the command line" 0 "$ASSIZE" check -f shop --var table=customers
exits "an unknown variable is refused" 3 "$ASSIZE" check -f shop --var tabel=customers
like "with a suggestion" "$err" 'no variable "tabel".*help: did you mean "table"'
exits "words are refused" 3 "$ASSIZE" check shop
like "with what was meant" "$err" 'assize check -f shop'
exits "an unknown option is refused" 3 "$ASSIZE" check --strict

exits "a secret that is not set is an error" 3 env -u TOKEN "$ASSIZE" check -f shop
like "at its place" "$err" 'shop/assize.yaml:6:73: environment variable TOKEN is not set'

# All errors at once, sorted, with line, caret and help.
cat >shop/audits/bad.yaml <<'END'
audits:
  bad:
    target: shpo
    checks:
      - id: volume
        rows: { tabel: orders }
        expect: "about 5"
      - id: volume
        rows: { table: "${env:TOKEN}" }
        expect: "== ${env:TOKEN}"
        timeout: "${env:TOKEN}"
END
run "$ASSIZE" check -f shop
is "the status of a bad definition is 3" "$status" 3
is "every error, by position" "$(grep -o '^shop/audits/bad.yaml:[0-9]*:[0-9]*' <<<"$err" | tr '\n' ' ')" \
	"shop/audits/bad.yaml:3:13 shop/audits/bad.yaml:6:17 shop/audits/bad.yaml:7:17 shop/audits/bad.yaml:8:13 shop/audits/bad.yaml:10:17 shop/audits/bad.yaml:11:18 "
like "how many there were" "$err" '6 errors$'
is "the first in full" "$(head -n 4 <<<"$err")" 'shop/audits/bad.yaml:3:13: no target "shpo"
        target: shpo
                ^
help: did you mean "shop"?'
unlike "no secret is shown" "$err" 'correct-horse'
run "$ASSIZE" check -f shop --json
is "the same as JSON" "$status $(jq -r '.n_errors, .errors[0].file, .errors[0].line, .errors[0].help' <<<"$out" | tr '\n' ' ')" \
	'3 6 shop/audits/bad.yaml 3 did you mean "shop"? '
is "JSON leaves the error stream alone" "$err" ""
exits "run refuses it, too" 3 "$ASSIZE" run -f shop
like "with the same words" "$err" 'did you mean "shop"'
exits "and plan" 3 "$ASSIZE" plan -f shop
rm shop/audits/bad.yaml

printf 'targets: { shop: { sqlite: other.db } }\n' >shop/audits/second.yaml
run "$ASSIZE" check -f shop
like "a name defined in two files" "$status $err" '3 shop/audits/second.yaml:1:12: target "shop" is defined twice'
like "names both" "$err" 'help: it was first defined at shop/assize.yaml:5'
rm shop/audits/second.yaml

# A terminal cannot be written to by a definition.
printf 'assize: 1\n"\\e[31mred\\u202e": 1\n' >escape.yaml
run "$ASSIZE" check -f escape.yaml
like "escapes in a message are made visible" "$err" 'unknown key "\\x1b\[31mred\\u\{202E\}"'
unlike "and never sent" "$err" $'\e'

# A thousand errors are enough.
{
	echo 'assize: 1'
	for i in {1..1200}; do echo "k$i: 1"; done
} >many.yaml
run "$ASSIZE" check -f many.yaml
like "many errors are cut" "$err" 'no more is looked for after 1000 errors.*1000 errors$'

# kinds
run "$ASSIZE" kinds
is "kinds" "$status" 0
for kind in sql schema migrations rows missing duplicates invalid aggregate orphans freshness distribution reconcile plan http scrape file digests archive elf secrets sbom command rollback; do
	like "kinds lists $kind" "$out" "(^|
)$kind "
	run "$ASSIZE" kinds $kind
	like "$kind says what it takes and what it cannot see" "$status $out" \
		"^0 $kind: .*keys.*values.*what it cannot see"
	run "$ASSIZE" kinds
done
exits "two kinds" 3 "$ASSIZE" kinds sql rows
like "are one too many" "$err" 'takes the name of one kind'
exits "an unknown kind" 3 "$ASSIZE" kinds scheme
like "gets a suggestion" "$err" 'did you mean "schema"'
run "$ASSIZE" kinds --json
is "kinds as JSON, all of the table in its order" "$(jq -r '.[].name' <<<"$out")" \
	"$(sed -n '/all_kinds\[\] = {/,/^};/p' "$ROOT/audits/kinds.c" | grep -o 'audit_kind_[a-z_]*' | sed 's/audit_kind_//')"
run "$ASSIZE" kinds rows --json
is "one kind as JSON" "$(jq -r '.[].name, (.[0].keys[] | select(.is_required) | .name)' <<<"$out" | tr '\n' ' ')" \
	"rows table "


printf 'assize: 1\ntargets:\n  t: { http: "https://ada:swordfish@h/" }\n' >credentials.yaml
run "$ASSIZE" check -f credentials.yaml
like "a URL with a password is refused" "$status $err" '^3 .*the URL of a target cannot hold credentials'
like "in its place" "$err" '  t: \{ http: "https://\*+@h/" \}'
unlike "without the password" "$out$err" 'swordfish'
cat >stray.yaml <<'END'
assize: 1
targets:
  t: { http: > https://ada:swordfish@h/ }
  u:
    http: @https://ada:swordfish@h/
audits:
  a: { checks: [ { id: x, dns: { name: x, answer: "https://ada:swordfish@h/" } } ] }
END
run "$ASSIZE" check -f stray.yaml
like "nor where it is not even quoted" "$status $err" '^3 .*3 errors$'
unlike "or at a wrong place" "$out$err" 'swordfish'
done_testing
