#!/bin/bash
# dns: records that are as they should be pass; others, none, failures, silence, forged and broken
# answers are told apart, none passes.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
perl "$ROOT/tests/lib/named" >named &
reap $!
wait_for grep -q '^port [0-9]' named || bail "the name server did not start"
at=127.0.0.1:$(sed -n 's/^port //p' named)
closed=127.0.0.1:$("$ROOT/tests/lib/free_port")
ask() # name, type, more keys
{
	echo "{ name: $1.test, type: $2, server: \"$at\"${3:+, $3} }"
}
cat >assize.yaml <<YAML
assize: 1
audits:
  t:
    defaults: { timeout: 5s }
    checks:
      - { id: good, dns: $(ask good A 'records: [192.0.2.1, 192.0.2.2]'), expect: { count: "== 2", ttl: "== 60", time: "< 5s", answer: '== "192.0.2.1, 192.0.2.2"' } }
      - { id: alias, dns: $(ask alias A 'records: [192.0.2.2, 192.0.2.1]') }
      - { id: cname, dns: $(ask alias CNAME), expect: { answer: '== "good.test"' } }
      - { id: six, dns: $(ask six AAAA), expect: { answer: '== "2001:db8::1"' } }
      - { id: mail, dns: $(ask mail MX), expect: { answer: '== "10 a.test, 20 b.test"' } }
      - { id: as-dig, dns: $(ask mail MX 'records: ["20 B.test.", "10 a.TEST"]') }
      - { id: spelled, dns: $(ask six AAAA 'records: "2001:DB8:0:0::1"') }
      - { id: words, dns: $(ask words TXT), expect: { answer: 'matches /^v=spf1 -all .x01\$/' } }
      - { id: words-as-dig, dns: $(ask words TXT 'records: "v=spf1 -all \\001"') }
      - { id: words-as-shown, dns: $(ask words TXT 'records: "v=spf1 -all \\x01"') }
      - { id: slash, dns: $(ask slash TXT "records: ['C:\\dir \"q\"']"), expect: { answer: "== 'C:\\\\dir \\"q\\"'" } }
      - { id: slash-as-dig, dns: $(ask slash TXT "records: ['C:\\\\dir \\\"q\\\"']") }
      - { id: again, dns: $(ask again A), expect: { count: "== 2" } }
      - { id: both, dns: $(ask both A 'records: [192.0.2.1, 192.0.2.2]') }
      - { id: beside, dns: $(ask beside A), expect: { count: "== 0" } }
      - { id: forks, dns: $(ask forks A), expect: { count: "== 2" } }
      - { id: servers, dns: $(ask servers NS), expect: { answer: '== "ns.test"' } }
      - { id: service, dns: $(ask service SRV), expect: { answer: '== "1 2 443 good.test"' } }
      - { id: issuers, dns: $(ask issuers CAA), expect: { answer: 'matches /^0 issue "ca\\.test"\$/' } }
      - { id: start, dns: $(ask start SOA), expect: { answer: '== "ns.test root.test 7 1 2 3 4"' } }
      - { id: large, dns: $(ask large TXT), expect: { count: "== 40" } }
      - { id: forged, dns: $(ask forged A 'records: 192.0.2.7') }
      - { id: retired, dns: $(ask gone A), expect: { count: "== 0" } }
      - { id: gone, dns: $(ask gone A) }
      - { id: none, dns: $(ask none A), expect: { ttl: "> 0" } }
      - { id: stranger, dns: $(ask stranger A) }
      - { id: other-type, dns: $(ask good TXT) }
      - { id: other, dns: $(ask good A 'records: [192.0.2.1, 192.0.2.3]') }
      - { id: servfail, dns: $(ask servfail A), expect: { count: "== 0" } }
      - { id: refused, dns: $(ask refused A), expect: { count: "== 0" } }
      - { id: silent, timeout: 300ms, dns: $(ask silent A), expect: { count: "== 0" } }
      - { id: cut, dns: $(ask cut A), expect: { count: "== 0" } }
      - { id: torn, dns: $(ask torn A), expect: { count: "< 1e9" } }
      - { id: short, dns: $(ask short A), expect: { count: "< 1e9" } }
      - { id: loop, dns: $(ask loop A), expect: { count: "< 1e9" } }
      - { id: nobody, dns: { name: good.test, server: "$closed" }, expect: { count: "< 1e9" } }
YAML
# claim, check, outcome, what is said
tells()
{
	like "$1: $3" "$(sed -n "/^$3 t\/$2 /,/^\$/p" <<<"$said")" "$4"
}
exits "a run over all of them" 1 "$ASSIZE" run
said=$out$err
for c in good alias cname six mail as-dig spelled words words-as-dig words-as-shown slash slash-as-dig again servers service issuers start large forged retired; do
	like "passes: $c" "$said" "pass t/$c:"
done
tells "a name that does not exist" gone FAIL 'series    count.*measured  0.*the name does not exist \(NXDOMAIN\)'
tells "no record" none FAIL 'series    count.*measured  0.*series    ttl.*no value.*there is no such record'
tells "a record of another name" stranger FAIL 'series    count.*measured  0'
tells "records of another type" other-type FAIL 'series    count.*measured  0'
tells "another record" other FAIL 'series    missing.*measured  1.*missing: 192.0.2.3.*unexpected: 192.0.2.2.*series    unexpected.*measured  1'
tells "a server that fails" servfail undecided 'the server answered SERVFAIL'
tells "a server that refuses" refused undecided 'the server answered REFUSED'
tells "a silent server" silent undecided 'silent.test A at 127.0.0.1 port [0-9]+: timed out waiting for the name server'
tells "an answer that is cut by TCP as well" cut undecided 'the answer by TCP is cut'
tells "a torn answer" torn undecided 'the answer is malformed or cut short'
tells "an address of three bytes" short undecided 'malformed record'
tells "a name that leads to itself" loop undecided 'malformed'
tells "an alias with an address" both undecided 'contradicts itself: "both.test" is an alias and has records of its own'
tells "an alias of nothing with an address" beside undecided '"beside.test" is an alias and has records of its own'
tells "an alias of two" forks undecided '"forks.test" is an alias of "good.test" and of "a.test"'
tells "nobody there" nobody undecided 'could not reach the name server: Connection refused'
exits "the plan says what would be asked" 0 "$ASSIZE" plan t/mail
like "in a line" "$out" "ask $at for the MX records of mail.test"
printf 'assize: 1\naudits: { t: { checks: [ { id: a, timeout: 300ms, dns: { name: flood.test, server: "%s" } } ] } }\n' \
	"$at" >flood.yaml
run timeout 6 "$ASSIZE" run -f flood.yaml
touch enough
like "a flood of wrong answers ends in time" "$status $out" '^2 .*timed out waiting for the name server'
for bad in '"a..b"' 'good.test.' '{ name: a, server: ns.test }' '{ name: a, server: "127.0.0.1:0" }'; do
	printf 'assize: 1\naudits: { t: { checks: [ { id: a, dns: %s } ] } }\n' "$bad" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	like "refused: $bad" "$status $err" '^3 .*(is no name|is a name|is no host and port)'
done
for bad in 'A good.test' 'A "2001:db8::1"' 'AAAA 192.0.2.1' 'A 192.0.2.1.'; do
	printf 'assize: 1\naudits: { t: { checks: [ { id: a, dns: { name: a, type: %s, records: %s } } ] } }\n' $bad >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	like "refused: $bad" "$status $err" '^3 .*is no A+ record.*help: type: A+ is for addresses'
done
done_testing
