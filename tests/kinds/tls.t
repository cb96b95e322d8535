#!/bin/bash
# tls: a good chain passes; an expired one, another name, a missing intermediate, a weak key are
# measured and fail; what is no TLS, or ends in between, is undecided.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
testd
closed=$("$ROOT/tests/lib/free_port")

# One key for all servers: making keys is what takes time.
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl ecparam -name prime256v1 -genkey -noout -out key
openssl ecparam -name prime256v1 -genkey -noout -out inter.key
openssl req -x509 -new -key ca.key -out ca.pem -days 3650 -subj '/CN=test root' 2>/dev/null
cat >ca.conf <<CONF
[ca]
default_ca = d
[d]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = p
unique_subject = no
[p]
commonName = supplied
CONF
: >index && echo 01 >serial
sign() # name, subject, key, issuer's name and key, extensions, dates
{
	openssl req -new -key "$3" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
	openssl ca -batch -notext -config ca.conf -keyfile "$5" -cert "$4.pem" -in "$1.csr" -out "$1.pem" \
		-extfile <(printf '%b' "$6") "${@:7}" 2>/dev/null
}
names='subjectAltName=DNS:localhost,DNS:*.shop.example,IP:127.0.0.1\n'
sign inter 'test intermediate' inter.key ca ca.key 'basicConstraints=critical,CA:TRUE\n' -days 5
sign leaf localhost key inter inter.key "$names" -days 30
sign common localhost key ca ca.key 'basicConstraints=CA:FALSE\n' -days 30
sign expired localhost key ca ca.key "$names" -startdate 20200101000000Z -enddate 20210101000000Z
sign many localhost key ca ca.key "subjectAltName=$(printf 'DNS:name-%05d.of.a.large.shop.example,' {1..1950})IP:127.0.0.1\n" -days 30
# More certificates than any chain has, the last of which ends first.
for i in {1..40}; do
	openssl req -x509 -new -key key -days 20 -subj "/CN=beside $i" 2>/dev/null
done >chain.pem
openssl req -x509 -new -key key -days 2 -subj '/CN=sent last' 2>/dev/null >>chain.pem
openssl genrsa -out weak.key 1024 2>/dev/null
sign weak localhost weak.key ca ca.key "$names" -days 30
openssl req -x509 -new -key key -out self.pem -days 30 -subj /CN=localhost -addext "${names%\\n}" 2>/dev/null

{ cat inter.pem; head -c -60 ca.pem; } >torn.pem
sed '3s/./-/' ca.pem >bent.pem

# serve NAME OPTIONS: a server whose port is in ${at[NAME]}
declare -A at
serve()
{
	openssl s_server -accept 127.0.0.1:0 -www "${@:2}" </dev/null >"$1.said" 2>&1 &
	reap $!
}
serve good -cert leaf.pem -key key -cert_chain inter.pem
serve many -cert many.pem -key key
serve long -cert leaf.pem -key key -cert_chain chain.pem
serve alone -cert leaf.pem -key key
serve common -cert common.pem -key key
serve expired -cert expired.pem -key key
serve self -cert self.pem -key key
serve weak -cert weak.pem -key weak.key -tls1_2 -cipher 'ALL:@SECLEVEL=0'
for s in good many long alone common expired self weak; do
	wait_for grep -q '^ACCEPT' $s.said || bail "openssl s_server did not start: $(cat $s.said)"
	at[$s]=127.0.0.1:$(sed -n 's/^ACCEPT.*://p' $s.said)
done

# Words before TLS, all of them in front of the good server.
modes=(smtp smtp-none smtp-old smtp-refused smtp-busy smtp-extra smtp-closed smtp-endless imap imap-refused imap-bye
	pop3 pop3-refused pop3-other postgres postgres-off postgres-extra postgres-full ldap ldap-refused ldap-other ldap-torn)
perl "$ROOT/tests/lib/starttls" "${at[good]##*:}" "${modes[@]}" >words &
reap $!
wait_for grep -q '^ldap-torn ' words || bail "starttls did not start"
{
	echo 'assize: 1'
	echo 'audits: { w: { defaults: { timeout: 5s }, checks: ['
	while read -r mode number; do
		echo "{ id: $mode, tls: { address: \"127.0.0.1:$number\", ca_file: ca.pem, starttls: ${mode%%-*} } },"
	done <words
	echo ' ] } }'
} >words.yaml

mkfifo pipe.pem
cat >assize.yaml <<YAML
assize: 1
audits:
  t:
    defaults: { timeout: 5s }
    checks:
      - id: good
        tls: { address: "${at[good]}", ca_file: ca.pem }
        expect: { days_left: "between 4.9 and 5", protocol: '== "TLSv1.3"', cipher: "matches /^TLS_AES_/", key_bits: "== 256", names: '== "*.shop.example 127.0.0.1 localhost"', issuer: '== "CN=test intermediate"', connect: "< 5s", handshake: "< 5s" }
      - { id: by-name, tls: { address: "${at[good]}", ca_file: ca.pem, name: www.shop.example } }
      - { id: by-whole-name, tls: { address: "${at[good]}", ca_file: ca.pem, name: www.shop.example. } }
      - { id: soon, tls: { address: "${at[good]}", ca_file: ca.pem }, expect: { days_left: ">= 14" } }
      - { id: other-name, tls: { address: "${at[good]}", ca_file: ca.pem, name: shop.example } }
      - { id: below, tls: { address: "${at[good]}", ca_file: ca.pem, name: a.b.shop.example } }
      - { id: stranger, tls: "${at[good]}" }
      - { id: alone, tls: { address: "${at[alone]}", ca_file: ca.pem }, expect: { days_left: "between 29 and 30" } }
      - { id: many, tls: { address: "${at[many]}", ca_file: ca.pem }, expect: { key_bits: "== 256", names: '!= ""' } }
      - { id: long, tls: { address: "${at[long]}", ca_file: ca.pem }, expect: { days_left: "> 3" } }
      - { id: common, tls: { address: "${at[common]}", ca_file: ca.pem, name: localhost } }
      - { id: expired, tls: { address: "${at[expired]}", ca_file: ca.pem }, expect: { days_left: ">= 0" } }
      - { id: self, tls: { address: "${at[self]}", ca_file: ca.pem } }
      - { id: weak, tls: { address: "${at[weak]}", ca_file: ca.pem, name: localhost }, expect: { protocol: '== "TLSv1.3"', key_bits: ">= 2048" } }
      - { id: not-tls, tls: { address: "127.0.0.1:$port", ca_file: ca.pem }, timeout: 300ms }
      - { id: refused, tls: "127.0.0.1:$closed" }
      - { id: pipe-ca, tls: { address: "${at[good]}", ca_file: pipe.pem }, timeout: 2s }
      - { id: torn-ca, tls: { address: "${at[good]}", ca_file: torn.pem } }
      - { id: bent-ca, tls: { address: "${at[good]}", ca_file: bent.pem } }
      - { id: key-ca, tls: { address: "${at[good]}", ca_file: key } }
      - { id: no-ca, tls: { address: "${at[good]}", ca_file: nothing.pem } }
YAML
# claim, check, outcome, what is said
tells()
{
	like "$1: $3" "$(sed -n "/^$3 t\/$2 /,/^\$/p" <<<"$said")" "$4"
}
exits "a run over all of them" 1 "$ASSIZE" run
said=$out$err
like "a good chain passes" "$said" 'pass t/good:'
like "also by a name of its wildcard" "$said" 'pass t/by-name:'
like "also by a whole name, with its dot" "$said" 'pass t/by-whole-name:'
tells "the intermediate expires first" soon FAIL 'series    days_left.*measured  (4.9|5) .*bound     >= 14.*CN=localhost: (29\.9|30\.0) days left.*CN=test intermediate: (4\.9|5\.0) days left.*CN=test root: .*not sent by the server'
tells "a name that is not in it" other-name FAIL 'verified.*measured  0.*not trusted: hostname mismatch'
tells "a wildcard is one label" below FAIL 'not trusted: hostname mismatch'
tells "an issuer the system does not know" stranger FAIL 'not trusted: (unable to get|self.signed)'
tells "an intermediate that is not sent" alone FAIL 'series    verified.*not trusted: unable to get (local )?issuer certificate|unable to verify the first'
unlike "its days are measured all the same" "$(sed -n '/^FAIL t\/alone /,/^$/p' <<<"$said")" 'series    days_left'
tells "more names than are shown" many undecided 'series    names.*no value.*they have more than 64 KiB'
tells "a certificate behind many" long FAIL 'series    days_left.*measured  (1\.9|2) .*CN=sent last'
tells "a name that only the subject has" common FAIL 'verified.*measured  0.*not trusted: hostname mismatch'
tells "an expired certificate" expired FAIL 'verified.*not trusted: certificate has expired.*CN=localhost: -[0-9]+\.[0-9] days left.*series    days_left.*measured  -[0-9 ]+'
tells "one nobody issued" self FAIL 'not trusted: self.signed certificate'
tells "a weak key" weak FAIL 'not trusted: EE certificate key too weak.*series    protocol.*TLSv1.2.*series    key_bits.*1 ?024'
tells "what is not TLS" not-tls undecided 'the answer is not TLS|timed out in the TLS handshake|closed in the TLS handshake'
tells "a closed port" refused undecided 'could not connect: connection refused'
tells "issuers that are not there" no-ca undecided 'could not use ca_file "[^"]*nothing.pem": .*No such file or directory'
tells "issuers that were cut off" torn-ca undecided \
	"could not use ca_file \"[^\"]*torn.pem\": the certificate that begins in line $(($(wc -l <inter.pem) + 1)) is not complete, its END line is missing"
tells "issuers that are damaged" bent-ca undecided 'could not use ca_file "[^"]*bent.pem": the certificate that begins in line 1 is damaged'
tells "a key in the place of issuers" key-ca undecided 'could not use ca_file "[^"]*/key": it holds no certificate in PEM, but: EC PRIVATE KEY'
tells "issuers in a pipe" pipe-ca undecided 'could not use ca_file "[^"]*pipe.pem": .*a named pipe, not a file'
run "$ASSIZE" run -f words.yaml
said=${out//w\//t/}$err
for protocol in smtp imap pop3 postgres ldap; do
	like "$protocol and then TLS" "$said" "pass t/$protocol:"
done
tells "a server that does not offer it" smtp-none undecided 'smtp: the server does not offer STARTTLS'
tells "one that is too old" smtp-old undecided 'smtp: the server does not take EHLO: "502 what\?"'
tells "one that refuses it" smtp-refused undecided 'smtp: the server refuses STARTTLS: "454 not now"'
tells "one that does not talk" smtp-busy undecided 'smtp: this is no SMTP server that would talk to us: "554-no"'
tells "words slipped in before TLS" smtp-extra undecided 'smtp: the server, or somebody between, sends more than its consent'
tells "an end in between" smtp-closed undecided 'smtp: the other side closed before TLS began'
tells "an endless greeting" smtp-endless undecided 'smtp: the answer has more than 16384 bytes'
tells "IMAP refused" imap-refused undecided 'imap: the server refuses STARTTLS: "a1 BAD what\?"'
tells "IMAP that says goodbye" imap-bye undecided 'imap: this is no IMAP server that would talk to us: "\* BYE too many"'
tells "POP3 refused" pop3-refused undecided 'pop3: the server refuses STLS: "-ERR no"'
tells "another protocol" pop3-other undecided 'pop3: this is no POP3 server that would talk to us: "220 mail.test"'
tells "PostgreSQL without TLS" postgres-off undecided 'postgres: the server does not speak TLS \(ssl is off\)'
tells "a byte too many" postgres-extra undecided 'postgres: the server, or somebody between, sends more than its consent'
tells "PostgreSQL that is full" postgres-full undecided 'postgres: the server answers with an error: "sorry, too many clients"'
tells "LDAP refused" ldap-refused undecided 'ldap: the server refuses StartTLS: result 52, "no "TLS" here"'
tells "no LDAP" ldap-other undecided 'ldap: this is no LDAP server: "HTTP/1.1 400'
tells "half an answer" ldap-torn undecided 'ldap: the other side closed before TLS began'
for ca in torn.pem ca.pem; do
	printf 'assize: 1\ntargets: { w: { http: "https://%s", ca_file: %s, proxy: "https://%s", proxy_ca_file: torn.pem } }
audits: { t: { checks: [ { id: a, timeout: 2s, target: w, http: / } ] } }\n' "${at[good]}" $ca "${at[good]}" >torn.yaml
	run timeout 20 "$ASSIZE" run -f torn.yaml
	like "HTTP says the same, ca_file $ca" "$status $out" '^2 .*could not use ca_file "[^"]*torn.pem": the certificate that begins in line [0-9]+ is not complete'
done
printf 'assize: 1\ntargets: { w: { http: "https://%s", ca_file: pipe.pem } }
audits: { t: { checks: [ { id: a, timeout: 2s, target: w, http: / } ] } }\n' "${at[good]}" >pipe.yaml
run timeout 20 "$ASSIZE" run -f pipe.yaml
like "nor does HTTP wait for a pipe" "$status $out" '^2 .*could not use ca_file "[^"]*pipe.pem": .*a named pipe, not a file'
exits "the plan says what would be said" 0 "$ASSIZE" plan -f words.yaml w/smtp
like "before TLS" "$out" 'smtp STARTTLS, TLS handshake with 127.0.0.1 port [0-9]+ as 127.0.0.1'
printf 'assize: 1\naudits: { t: { checks: [ { id: a, tls: { address: mail.example, starttls: smtp } } ] } }\n' >port.yaml
like "each protocol has its port" "$("$ASSIZE" plan -f port.yaml)" 'with mail.example port 25 as'
sed -i 's/mail.example/mail.example./' port.yaml
like "a dot is for the resolver alone" "$("$ASSIZE" plan -f port.yaml)" 'with mail.example. port 25 as mail.example$'
exits "the plan says what would be done" 0 "$ASSIZE" plan t/by-name
like "in a line" "$out" 'TLS handshake with 127.0.0.1 port [0-9]+ as www.shop.example'
for bad in h:443 '[::1]'; do
	printf 'assize: 1\naudits: { t: { checks: [ { id: a, tls: { address: "h:443", name: "%s" } } ] } }\n' "$bad" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	like "no name to be found in a certificate: $bad" "$status $err" '^3 .*is more than a name.*help: write name: "(h|::1)"'
done
for bad in '"a b"' '{ address: "h:443", name: "a b" }' '{ address: "h:0" }'; do
	printf 'assize: 1\naudits: { t: { checks: [ { id: a, tls: %s } ] } }\n' "$bad" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	like "refused: $bad" "$status $err" '^3 .*is no host and port'
done
done_testing
