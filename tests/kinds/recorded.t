#!/bin/bash
# recorded: what others push with `assize record` is a value while it is young, and a reason otherwise.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
past() { date -u -d "-$1" '+%Y-%m-%dT%H:%M:%SZ'; }
cat >assize.yaml <<'YAML'
assize: 1
audits:
  r:
    checks:
      - { id: last, recorded: { name: score, max_age: 7d }, expect: ">= 4" }
      - { id: shops, recorded: { name: shops, max_age: 7d, by: shop, forget: 60d }, expect: ">= 4" }
      - { id: paris, recorded: { name: shops, max_age: 7d, labels: { shop: paris } }, expect: "== 5" }
      - { id: mixed, recorded: { name: shops, max_age: 7d }, expect: ">= 4" }
      - { id: only, recorded: { name: only, max_age: 7d, forget: 60d }, expect: ">= 4" }
      - { id: sum, recorded: { name: tickets, max_age: 7d, agg: sum, window: 30d }, expect: "<= 6" }
      - { id: mean, recorded: { name: tickets, max_age: 7d, agg: avg, window: 30d }, expect: "== 2" }
      - { id: count, recorded: { name: tickets, max_age: 7d, agg: count, window: 30d }, expect: "== 3" }
      - { id: most, recorded: { name: tickets, max_age: 7d, agg: max, window: 30d }, expect: "<= 3" }
      - { id: large, recorded: { name: large, max_age: 7d, agg: max }, expect: "<= 9007199254740992" }
      - { id: large-mean, recorded: { name: large, max_age: 7d, agg: avg }, expect: "<= 9007199254740992" }
      - { id: large-last, recorded: { name: large-wait, max_age: 7d, unit: ms }, expect: "<= 9007199254740.992 s" }
      - { id: wait, recorded: { name: wait, max_age: 7d, unit: ms }, expect: "< 300 ms" }
      - { id: never, recorded: { name: never, max_age: 7d }, expect: "> 0" }
YAML
push()
{
	"$ASSIZE" record -q "$@" || bail "could not record $*"
}
intact()
{
	rm -rf .assize
	push score 4.5 --at "$(past 1day)"
	push score 1 --at "$(past 9days)"
	push shops 5 --label shop=paris
	push shops 4 --label shop=rome --label floor=1
	push shops 0 --label shop=closed --at "$(past 90days)"
	push tickets 1 --id t1
	push tickets 2 --id t2 --at "$(past 20days)"
	push tickets 3 --id t3 --at "$(past 29days)"
	push tickets 90 --id t4 --at "$(past 31days)"
	push wait 250 --unit ms
}
tells()
{
	run "$ASSIZE" run "r/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}

intact
for check in last shops paris sum mean count most wait; do
	exits "intact: $check passes" 0 "$ASSIZE" run "r/$check"
done
run "$ASSIZE" run r/last --json
like "who recorded it is evidence" "$(jq -r '.checks[0].series[0].evidence[]' <<<"$out")" "newest: true at .* by $(id -un) on $(uname -n)"
run "$ASSIZE" run r/shops --json
is "a series a label, the forgotten one left out" "$(jq -c '[.checks[0].series[] | [.series, .value]]' <<<"$out")" \
	'[["{shop=\"paris\"}",5],["{shop=\"rome\"}",4]]'

tells "what nobody recorded is no value" never 2 'nothing was ever recorded as "never".*assize record never VALUE'
tells "two label sets are not guessed at" mixed 2 'values with different labels, 3 sets of them, one \(\{shop="closed"\}\) not heard of since 20[^ ]*Z: tell them apart with by, pick with labels, or leave out with forget'
like "which there are is evidence" "$("$ASSIZE" run r/mixed --json | jq -r '.checks[0].series[0].evidence[]')" \
	'\{shop="closed"\}: newest of .*Z.*\{(shop="paris"|floor="1",shop="rome")\}: newest of .*: newest of '
push only 5 --label region=eu
push only 1 --at "$(past 61days)"
tells "labels nobody uses any more can be left out" only 0 'pass r/only 5'
push only 1 --label region=us --at "$(past 59days)"
tells "not those that were used of late" only 2 'values with different labels, 2 sets of them, one \(\{region="us"\}\) not heard of since'
push only 5 --label floor=1 --at "$(past 62days)"
sed -i 's/name: only, max_age: 7d, forget: 60d/name: only, max_age: 7d, labels: { floor: "1" }, forget: 60d/' assize.yaml
tells "with all of them left out there is no value" only 2 'every series of "only" is forgotten'
push score 3
tells "the newest counts" last 1 'FAIL r/last 3 bound >= 4'
intact
push score 5 --at "$(past 3days)"
tells "which is the one true last, not the one recorded last" last 0 '4.5'
push shops 3.9 --label shop=paris --at "$(past 8days)"
tells "an older one does not replace a newer" paris 0 'pass'
push shops 3.9 --label shop=paris
tells "one series fails" shops 1 'FAIL r/shops\{shop="paris"\} 3.9'
intact
push shops 4 --label shop=oslo --at "$(past 8days)"
tells "a series that went silent is undecided" shops 2 '\{shop="oslo"\}.*the newest value is 8 d old, and counts for 7 d'
push tickets 1
tells "the sum grew" sum 1 'FAIL r/sum 7 '
tells "so did the number" count 1 'FAIL r/count 4 '
push tickets 4
tells "the largest, too" most 1 'FAIL r/most 4 '
push wait 0.29 --unit s
tells "units are converted" wait 0 '290 ms'
push wait 12 --unit EUR
tells "another unit is no value" wait 2 'a value is in "EUR", but the check says unit: "ms"'
push wait 0.28 --unit s
tells "an older one in it does no harm" wait 0 '280 ms'
push tickets 9007199254740993
tells "an integer without an exact double is not added up" sum 2 'an integer beyond 2\^53, which is not reckoned with exactly'
push large 9007199254740993
push large-wait 9007199254740993 --unit ms
for check in large large-mean large-last; do
	exits "what reads as its neighbour: $check" 2 "$ASSIZE" run "r/$check"
done
intact
rm -rf .assize && push score 4.5 --at "$(past 8days)"
tells "old is no value" last 2 'the newest value is 8 d old, and counts for 7 d'

# ---- the command ----
intact
run "$ASSIZE" record score 4.25 --label b=2 --label a=1 --unit points --at 2026-01-02T03:04:05+01:00
is "it says what it recorded" "$out" 'recorded score{a="1",b="2"} = 4.25 points at 2026-01-02T02:04:05Z'
run "$ASSIZE" record tickets 1 --id t1 --at 2026-01-02T00:00:00Z
is "an id stands for one measurement: exit status" "$status" 3
like "an id stands for one measurement: told" "$err" '"tickets" with the id "t1" was recorded before, with another value, time or labels'
push tickets 7 --id t9 --at 2026-01-02T00:00:00Z
run "$ASSIZE" record tickets 7 --id t9 --at 2026-01-02T00:00:00Z
is "again the same: exit status" "$status" 0
like "again the same: told" "$out" 'was recorded before: tickets = 7'
run "$ASSIZE" record tickets 7 --id t9
is "again, whenever that was: exit status" "$status" 0
like "again, whenever that was: told" "$out" '^was recorded before: tickets = 7$'
run "$ASSIZE" record tickets 8 --id t9
is "another value is another measurement: exit status" "$status" 3
is "and there is one of it" "$(sqlite3 .assize/record.db "SELECT count(*) FROM externals WHERE given_id = (SELECT id FROM texts WHERE body = 't9')")" 1
is "numbers of the record have no gap" \
	"$(sqlite3 .assize/record.db "SELECT (SELECT count(*) FROM externals) - (SELECT next_seq - 1 FROM head)")" 0
for id in '' ' '; do
	run "$ASSIZE" record tickets 7 --id "$id"
	is "an id that was not set: exit status" "$status" 3
	like "an id that was not set: told" "$err" '^assize: --id is empty'
done
run "$ASSIZE" record score 3 --label branch=$'x\e[31my' --unit $'a\nb'
is "nothing hides in what it says" "${out% at *}" 'recorded score{branch="x\x1b[31my"} = 3 a\nb'
exits "a negative number is a value" 0 "$ASSIZE" record score -1.5
run "$ASSIZE" record scor 4
is "a name no check reads: exit status" "$status" 3
like "a name no check reads: told" "$err" 'no check of .*assize.yaml reads what is recorded as "scor"'
like "a name no check reads: helped" "$err" 'did you mean "score"\?'
exits "--record takes any name" 0 "$ASSIZE" record --record other.db anything 1
refuses()
{
	local claim=$1 want=$2
	shift 2
	run "$ASSIZE" record "$@"
	is "$claim: exit status" "$status" 3
	like "$claim: told" "$err" "$want"
}
refuses "no number" 'cannot read the value "4,2": it is no number' score 4,2
refuses "NaN" 'it is no number' score nan
refuses "infinity" 'it is no number' score 1e999
refuses "more digits than are kept" 'cannot record 4\.000000000000000000001: it has more digits than are kept, and would be another number' score 4.000000000000000000001
refuses "an integer beyond them" 'cannot record 18446744073709551615: it has more digits than are kept' score 18446744073709551615
refuses "no value" 'takes a name and a value' score
refuses "no name" 'is no name' 'a b' 4
refuses "a label without a name" 'cannot read --label =x: it is NAME=VALUE' score 4 --label =x
refuses "a label twice" '.-label shop is given twice' score 4 --label shop=a --label shop=b
refuses "the future" 'cannot record --at .*: that is in the future' score 4 --at "$(date -u -d '+1 day' '+%Y-%m-%dT%H:%M:%SZ')"
refuses "the time before times" 'cannot record --at .*: that is before 1970' score 4 --at 1969-12-31T23:59:59Z
refuses "a time without a zone" 'it is no time with a zone' score 4 --at 2026-01-02T03:04:05
is "nothing of it was recorded" "$(sqlite3 .assize/record.db "SELECT count(*) FROM externals WHERE value = 4 AND name = (SELECT id FROM texts WHERE body = 'score')")" 0

# ---- definitions ----
undefined()
{
	printf 'assize: 1\naudits:\n  r:\n    checks:\n      - { id: a, recorded: %s, expect: "> 0" }\n' "$2" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$err" "$3"
}
undefined "no max_age" '{ name: a }' 'max_age'
undefined "a window of the last one" '{ name: a, max_age: 7d, window: 7d }' 'window is for what several values come to'
sed 's/"< 300 ms"/"< 300"/' assize.yaml >plain.yaml
run "$ASSIZE" check -f plain.yaml
is "a bound without the unit of the values: exit status" "$status" 3
like "a bound without the unit of the values: told" "$err" 'the check says that the value is in ms, and the bound 300 has no unit.*write the unit: 300ms'
undefined "forgetting without by" '{ name: a, max_age: 7d, agg: sum, forget: 70d }' 'forget is for series told apart with by'
undefined "forgetting sooner than missing" '{ name: a, max_age: 7d, by: x, forget: 1d }' 'forget is shorter than max_age'
done_testing
