#!/bin/bash
# challenge of checks for secrets: one of each family is planted, in each place, and each is found.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/challenge.sh"
cd "$TMP"

mkdir -p tree/sub tree/testdata
seq 50000 >tree/sub/numbers
echo x >tree/a
seq 100000 >tree/testdata/larger
echo x >small
tar czf t.tar.gz --exclude testdata -C tree .
(cd tree && zip -qr ../t.zip a sub)
cat >assize.yaml <<'YAML'
assize: 1
audits:
  s:
    checks:
      - { id: file, secrets: tree/sub/numbers }
      - { id: small, secrets: small }
      - { id: folder, secrets: { path: tree, ignore: [testdata, "*.env"], patterns: { internal: "\\.corp\\.example\\b", riddle: "(?=a)b" } } }
      - { id: tar, secrets: t.tar.gz }
      - { id: zip, secrets: { path: t.zip, ignore: [sub/numbers] } }
      - { id: closed, secrets: { path: t.zip, open: false } }
      - { id: few, secrets: small, expect: { findings: "<= 1" } }
YAML
real_is tree small t.tar.gz t.zip

controls='identity: steady
neighbour: steady
touched: steady'
families='RSA private key
OpenSSH private key
PGP private key
private key in JSON
PuTTY private key
age
AWS access key
AWS secret key
Anthropic
Atlassian
Azure storage
DigitalOcean
GitHub, classic
GitHub, fine-grained
GitHub, of an app
GitLab
Google
Hugging Face
JSON web token
kubeconfig
npm
OpenAI
password in a URL
PyPI
SendGrid
Slack
Slack webhook
Stripe
Telegram
Twilio
Vault'
planted=$(sed 's/.*/secret [&]: failed/' <<<"$families")
unreadable='no value'
[ "$(id -u)" -ne 0 ] || unreadable=inconclusive

is "a file" "$(attacks s/file)" "$controls
missing: error
$planted
example: steady
secret-placed [head]: failed
secret-placed [middle]: failed
secret-placed [across blocks]: failed
secret-placed [UTF-16LE]: failed
secret-placed [UTF-16BE]: failed"
is "a small file has no middle" "$(attacks s/small)" "$controls
missing: error
$planted
example: steady
secret-placed [UTF-16LE]: failed
secret-placed [UTF-16BE]: failed"
is "a folder, what is ignored of it apart" "$(attacks s/folder)" "$controls
missing: error
unreadable [sub/numbers]: $unreadable
$planted
example: steady
pattern [internal]: failed
pattern [riddle]: inconclusive
secret-placed [head]: failed
secret-placed [middle]: failed
secret-placed [across blocks]: failed
secret-placed [UTF-16LE]: failed
secret-placed [UTF-16BE]: failed
secret-named [id_rsa]: failed
secret-placed [added.txt]: failed"
for format in tar zip; do
	is "the members of a $format" "$(attacks s/$format)" "$controls
repacked: steady
missing: error
torn-half: error
$planted
example: steady
secret-named [id_rsa]: failed
secret-named [.env]: failed
secret-placed [added.txt]: failed"
done
like "in a member that is not ignored" "$(attack_says secret | head -1)" 'RSA private key.* at the end of a:'
is "an archive that is not opened is a file" "$(attacks s/closed | grep -c '^secret.*: failed')" 36
is "a finding that is let through" "$(attacks s/few | sort | uniq -c | sort -rn | grep -c tolerated)" 33
unlike "no secret is recorded" "$(strings -n 8 .assize/record.db)" 'ghp_[A-Za-z0-9]{20}|AKIA[A-Z2-7]{10}|PRIVATE KEY--'
is_real_untouched "where secrets were planted"

done_testing
