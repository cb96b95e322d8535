#!/bin/bash
# secrets: a clean tree passes; then each secret, in a file, a folder and an archive, is found and never shown.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/cases.sh"
cd "$TMP"

# expects STATUS CLAIM PATH KEYS WORDS [EXPECT]
expects() { add_case secrets "$1" "$2" "$3" "$4" "${6:-}" "$5"; }

# Every secret here is made up on the spot; none is written in this file.
python3 - <<'PY'
import base64, binascii, json, os, random, string
random.seed(20261126)
alnum = string.ascii_letters + string.digits
def some(n, chars=alnum):
    return "".join(random.choice(chars) for _ in range(n))
def base62(n):
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    out = ""
    for _ in range(6):
        n, r = divmod(n, 62)
        out = digits[r] + out
    return out
def checked(prefix):
    body = some(30)
    return prefix + body + base62(binascii.crc32(body.encode()))
key = "\n".join(some(64, alnum + "+/") for _ in range(6))
begin, end = "-----BEGIN %s-----", "-----END %s-----"
def private(kind, join="\n"):
    return join.join([begin % kind, key.replace("\n", join), end % kind])
def b64(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
def jwt(header, claims, signature):
    return ".".join([b64(header), b64(claims), signature])
secrets = {
    "jwt": 'Authorization: Bearer ' + jwt('{"typ":"JWT","alg":"HS256"}', '{"sub":"shop","exp":1900000000}', some(43)),
    "twilio": "S" + "K" + some(32, "0123456789abcdef"), "telegram": "https://api.telegram.org/bot110201543" + ":A" + "A" + some(33) + "/getMe",
    "rsa": private("RSA " + "PRIVATE KEY"), "openssh": private("OPENSSH " + "PRIVATE KEY"), "pkcs8": private("PRIVATE" + " KEY"),
    "json": '{"private_key": "' + private("PRIVATE" + " KEY", "\\n") + '"}',
    "aws": "id = AKI" + "A" + some(16, string.ascii_uppercase + "234567"), "github": "token: " + checked("ghp" + "_"),
    "npm": checked("npm" + "_"), "gitlab": "glpat" + "-" + some(20), "slack": "xox" + "b-1234567890-" + some(24),
    "google": "AIz" + "a" + some(35), "stripe": "sk_" + "live_" + some(24), "pypi": "pypi-AgEIcHlwaS5v" + "cmc" + some(60),
    "webhook": "https://hooks.slack.com" + "/services/T" + some(8) + "/B" + some(8) + "/" + some(24),
    "anthropic": "sk-" + "ant-api03-" + some(93) + "AA", "openai": "sk-" + "proj-" + some(120), "face": "h" + "f_" + some(34),
    "sendgrid": "S" + "G." + some(22) + "." + some(43), "ocean": "dop_" + "v1_" + some(64, "0123456789abcdef"), "vault": "hv" + "s." + some(90),
    "atlassian": "ATATT3x" + "FfGF0" + some(170), "age": "AGE-SECRET-" + "KEY-1" + some(58, string.ascii_uppercase + "023456789"),
    "azure": "Account" + "Key=" + some(86) + "==", "runner": "glr" + "t-" + some(20),
    "url": "https://deploy:" + some(16) + "@git.example.com/x.git", "kube": "    client-key-" + "data: " + some(400),
}
hexes, secret = "0123456789abcdef", some(38, alnum + "+/") + "+b"
names = ["aws_secret" + "_access_key", "AWS_SECRET" + "_ACCESS_KEY", "aws_secret" + "_key"]
# The same secret as it stands in what people and programs write.
spelled = {
    "ini": "aws_region = x\n%s = %s" % (names[0], secret), "env": "export %s=%s" % (names[1], secret),
    "quoted": "%s='%s'" % (names[1], secret), "shell": "aws configure set %s %s" % (names[0], secret),
    "json": '{"SecretAccess' + 'Key":"%s"}' % secret, "camel": 'secretAccess' + 'Key: "%s",' % secret,
    "within": json.dumps(json.dumps({"AWSSecret" + "Key": secret})), "yaml": names[0] + ': "%s"' % secret,
    "block": names[0] + ": >-\n      %s" % secret, "below": "- name: %s\n  value: %s" % (names[1], secret),
    "task": '{"name": "%s", "value": "%s"}' % (names[1], secret), "java": "aws.secret" + "Key=" + secret,
    "python": 'os.environ["%s"] = "%s"' % (names[1], secret), "xml": "<%s>%s<" % (names[2], secret),
    "dash": "--aws-secret-" + "access-key " + secret, "csv": "Secret access " + "key\r\n" + secret,
    "default": "${%s:-%s}" % (names[1], secret), "short": "aws_" + "secret: " + secret,
}
pem = base64.b64encode(private("RSA " + "PRIVATE KEY").encode()).decode()
lines = "\n      ".join(pem[i:i + 64] for i in range(0, len(pem), 64))
kube = "client-key-" + "data"
kubes = {
    "plain": "    %s: %s" % (kube, pem), "quoted": '    %s: "%s"' % (kube, pem), "single": "    %s:  '%s'" % (kube, pem),
    "json": '{"%s":"%s"}' % (kube, pem), "spaced": '"%s" : "%s"' % (kube, pem), "within": json.dumps(json.dumps({kube: pem})),
    "block": "    %s: |\n      %s" % (kube, lines), "folded": "    %s: >-\r\n      %s" % (kube, lines.replace("\n", "\r\n")),
    "kept": "    %s: |+\n      %s" % (kube, lines), "indented": "    %s: |2-\n      %s" % (kube, lines),
}
def openai(kind, n):
    return "sk" + "-" + kind + some(n) + "T3Blbk" + "FJ" + some(n)
more = {
    "OpenAI API key": [openai("svc" + "acct-", 74), openai("adm" + "in-", 58), openai("", 20), openai("None-", 30)],
    "DigitalOcean token": ["doo_" + "v1_" + some(64, hexes), "dor_" + "v1_" + some(64, hexes)],
    "Vault token": ["hv" + "b." + some(180), "hv" + "r." + some(24), "hv" + "s." + some(24)],
    "GitHub token": ["ghs" + "_1234567_" + jwt('{"typ":"JWT","alg":"RS256"}', '{"iss":"github","exp":1900000000}', some(342)), checked("ghs" + "_")],
    "GitLab token": ["gl" + kind + "-" + some(n) for kind, n in {"pat": 27, "rtr": 20, "ptt": 40, "ft": 20, "imt": 25, "agent": 50,
        "oas": 64, "soat": 20, "ffct": 20, "wt": 20, "dt": 20}.items()] + ["glc" + "bt-64_" + some(20), "GR" + "1348941" + some(20),
        "glp" + "at-" + some(40) + ".01.1a0" + some(6, hexes), "glc" + "bt-" + jwt('{"typ":"JWT","alg":"RS256"}', '{"iss":"x"}', some(342))],
    "Slack token": ["xox" + kind + "-1-" + some(140) for kind in "bpearsoc"] + ["xox" + "e.xoxp-1-" + some(163), "xap" + "p-1-A0-1-" + some(64, hexes)],
    "Slack webhook": ["https://hooks.slack" + ".com/" + kind + some(45) for kind in ("workflows/T", "triggers/T")],
    "Stripe key": ["whs" + "ec_" + some(32), "rk_" + "live_" + some(99)],
    "Google API key": ["AQ" + ".Ab8" + some(47)], "Google client secret": ["GOCS" + "PX-" + some(28)], "Google token": ["ya" + "29.a0" + some(160)],
    "AWS access key": ["ABI" + "A" + some(16, string.ascii_uppercase), "ACC" + "A" + some(16, string.ascii_uppercase)],
    "AWS Bedrock key": ["ABS" + "KQmVkcm9ja0FQSUtleS" + some(110) + "=", "bedrock-api-" + "key-YmVkcm9jay5hbWF6b25hd3MuY29t" + some(900)],
    "Hugging Face token": ["api" + "_org_" + some(34)], "Atlassian token": ["ATC" + "TT3xFfGN0" + some(170) + "=1234ABCD"],
    "Azure storage key": [sign.replace("'", '\\"') + some(86) + "==" for sign in ("Default" + "Account" + "Key=", "{'Account" + "Key': '", "storage_account" + "_key = ", "AZURE_STORAGE" + "_KEY=",
        "azurestorageaccount" + "key: ", "--account" + "-key ", "account" + "Key: '", "AZURE_ACCOUNT" + "_KEY='")],
    "age key": ["AGE-SECRET-" + "KEY-PQ-1" + some(58, string.ascii_uppercase + "023456789")],
    "PyPI token": ["pypi-AgENdGVzdC5w" + "eXBpLm9yZ" + some(120)], "SendGrid API key": ["a sentence with S" + "G." + some(22) + "." + some(43) + "."],
}
os.makedirs("more"); os.makedirs("spelled"); os.makedirs("kubes"); os.makedirs("almost")
for folder, texts in ("spelled", spelled), ("kubes", kubes):
    for name, text in texts.items():
        open(folder + "/" + name, "w", newline="").write("first line\n" + text + "\n- last\n")
for name, texts in more.items():
    open("more/" + name, "w").write("".join('x = "' + text + '"\n' for text in texts))
with open("more.cases", "w") as f:
    f.write("".join("%s|%d\n" % (name, len(texts)) for name, texts in more.items()))
# What is meant to be filled in, what is no secret of 40 characters, and a head without a key.
open("almost/aws", "w").write("\n".join(names[i % 3] + sign + value for i, (sign, value) in enumerate((sign, value) for sign in ("=", ": ", '": "')
    for value in ("wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY", "<your secret access key of forty characters>", "${AWS_SECRET}", "x" * 40, "X" * 40,
    some(40, hexes), some(40, "0123456789ABCDEF"), some(39), some(41), some(40) + "=", some(40) + "_id", "/usr/share/doc/some/path/and/another/one", "1234567890" * 4,
    "arn:aws:secretsmanager:eu-west-1:1234:" + some(40)))) + "\nno_" + "secret_key = " + secret + "\n" + names[0] + "_id: " + secret
    + "\nvalueFrom: %s\n  valueFrom: %s\n" % (names[0], secret))
open("almost/other", "w").write("\n".join(["Account" + "Key=" + some(80), "Account" + "Key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6" + some(42) + "==", "Account" + "Key: <the key of the account>", "account" + "-key-" + some(86) + "==", "sk-" + some(48), "sk-admin-" + "a-class-of-a-style-sheet-" * 4, "hv" + "b." + some(30), "ghs" + "_1234567_" + some(40),
    "ghs" + "_1234567_" + jwt('{"alg":"none"}', '{"iss":"x"}', some(43)), kube + ": REDACTED", kube + ": |\n  " + some(30), kube + "-" + some(60), kube + some(60), "ACC" + "A" + "ACGT" * 4, ""]))
for name, encoding in ("little", "utf-16-le"), ("big", "utf-16-be"):
    text = "first line\n" + chr(0x1F600) + secrets["aws"] + "\nlast line\n"
    os.makedirs("wide", exist_ok=True)
    open("wide/" + name, "wb").write((chr(0xFEFF) + text).encode(encoding))
    open("wide/far-" + name, "wb").write((chr(0xFEFF) + "x\n" * 50000 + text).encode(encoding))
open("wide/by-chance", "wb").write(b"\xff\xfe" + b"x\n" + secrets["aws"].encode())
open("wide/clean", "wb").write((chr(0xFEFF) + "nothing\n" * 9000).encode("utf-16-le"))
os.makedirs("s")
for name, text in secrets.items():
    open("s/" + name, "w").write("first line\n" + text + "\nlast line\n")
open("values", "w").write("\n".join(t.split()[-1][-12:] for n, t in secrets.items() if n not in ("json", "rsa", "openssh", "pkcs8")))
wrong = secrets["github"][:-1] + ("x" if secrets["github"][-1] != "x" else "y")
# Another key of the same kind, whose first lines are the same, as those of OpenSSH are.
os.makedirs("twin")
open("twin/rsa", "w").write(open("s/rsa").read().replace(key[-10:], some(10)))
open("twin/putty", "w").write("PuTTY-User-" + "Key-File-3: ssh-rsa\nPrivate-Lines: 1\n%s\nPrivate-MAC: %s\n" % (some(64), some(64)))
open("twin/other", "w").write("PuTTY-User-" + "Key-File-3: ssh-rsa\nPrivate-Lines: 1\n%s\nPrivate-MAC: %s\n" % (some(64), some(64)))
os.makedirs("clean/deep")
open("clean/readme", "w").write("\n".join([wrong, "AKIA" + "IOSFODNN7EXAMPLE", begin % "PRIVATE KEY", "and no body", begin % "CERTIFICATE",
    key, "https://user:password@host/", "https://x:${TOKEN}@host/", "word" + secrets["aws"][5:],
    jwt('{"alg":"none"}', '{"sub":"shop"}', some(43)), jwt('{"typ":"JWT"}', '{"sub":"shop"}', some(43)), jwt('{"alg":"HS256"}', '{"sub":"shop"}', ""),
    jwt('{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890","name":"John Doe","iat":1516239022}', some(43)), "ey" + "J" + some(200),
    "x" + secrets["twilio"], secrets["twilio"] + "0", "SK" + "a" * 32, "key" + ":A" + "A" + some(33), "8:" + "AA" + some(34), "8:" + "A" * 35, "sk_live_" + "a" * 24, ""]))
open("clean/deep/binary", "wb").write(bytes(range(256)) * 100)
# Across the borders of what is read at once, and at the very end without a newline.
token = secrets["github"].split()[-1]
for at in (8150, 16370, 65500):
    open("s/at%d" % at, "w").write(" " * at + token + " " * 20000)
open("s/last", "w").write(" " * 16380 + token)
PY
printf 'x\n' >plain
expects pass "a clean folder" clean "" "" 'findings: "== 0", files: "== 2", bytes: "> 25 kB"'
expects pass "a clean file" plain "" ""
for name in rsa openssh pkcs8 json; do expects fail "private key: $name" s/$name "" "line 2: private key: ----… \\([0-9]+ characters\\) [0-9a-f]{16}"; done
expects fail AWS s/aws "" 'line 2: AWS access key: AKIA… \(20 characters\)'
expects fail GitHub s/github "" 'line 2: GitHub token: ghp_… \(40 characters\)'
expects fail npm s/npm "" 'npm token: npm_… \(40 characters\)'
expects fail GitLab s/gitlab "" 'GitLab token: glpa…'
expects fail Slack s/slack "" 'Slack token: xoxb…'
expects fail Google s/google "" 'Google API key: AIza… \(39 characters\)'
expects fail Stripe s/stripe "" 'Stripe key: sk_l…'
expects fail PyPI s/pypi "" 'PyPI token: pypi…'
expects fail "a webhook" s/webhook "" 'line 2: Slack webhook: hook…'
expects fail Anthropic s/anthropic "" 'line 2: Anthropic API key: sk-a…'
expects fail OpenAI s/openai "" 'line 2: OpenAI API key: sk-p…'
expects fail "Hugging Face" s/face "" 'line 2: Hugging Face token: hf_.… \(37 characters\)'
expects fail SendGrid s/sendgrid "" 'line 2: SendGrid API key: SG\..… \(69 characters\)'
expects fail DigitalOcean s/ocean "" 'line 2: DigitalOcean token: dop_…'
expects fail Vault s/vault "" 'line 2: Vault token: hvs\.…'
expects fail Atlassian s/atlassian "" 'line 2: Atlassian token: ATAT…'
expects fail age s/age "" 'line 2: age key: AGE-…'
expects fail Azure s/azure "" 'line 2: Azure storage key: Acco…'
expects fail "a runner's token" s/runner "" 'line 2: GitLab token: glrt…'
expects fail "a JSON web token" s/jwt "" 'line 2: JSON web token: eyJ.… \([0-9]+ characters\)'
expects fail Twilio s/twilio "" 'line 2: Twilio API key: SK.*\(34 characters\)'
expects fail "Telegram" s/telegram "" 'line 2: Telegram bot token: :AA'
for name in little big; do
	expects fail "UTF-16: $name" wide/$name "" 'line 2: AWS access key: AKIA… \(20 characters\)'
	expects fail "UTF-16, far in: $name" wide/far-$name "" 'line 50002: AWS access key: AKIA'
	expects fail "UTF-16, own patterns: $name" wide/$name 'patterns: { a line: "^last line$" }' 'line 3: a line: the line matches'
done
expects fail "the mark of UTF-16 by chance" wide/by-chance "" 'line 2: AWS access key'
expects pass "UTF-16 without a secret" wide/clean "" ""
for name in $(ls spelled); do expects fail "AWS, its secret alone: $name" spelled/$name "" 'line [23]: AWS secret key: [aAsS][a-zA-Z_.]{3}… \([0-9]+ characters\)'; done
for name in $(ls kubes); do expects fail "a kubeconfig: $name" kubes/$name "" 'line 2: key of a kubeconfig: clie… \([0-9]{3,} characters\)' 'findings: "== 0", files: "== 1"'; done
while IFS='|' read -r name n; do
	expects fail "every kind of: $name" "more/$name" "" "(line [0-9]+: $name: [^\n]*){$n}" "findings: \"!= $n\""
done <more.cases
expects pass "what only looks like them" almost "" ""
expects fail URL s/url "" 'password in a URL'
expects fail kubeconfig s/kube "" 'key of a kubeconfig'
for at in at8150 at16370 at65500 last; do expects fail "wherever it lies: $at" s/$at "" 'line 1: GitHub token'; done
expects fail "a folder" s "" 's|aws line 2: AWS access key' 'findings: "== 0", files: "== 32"'
expects pass "ignored names" s 'ignore: "*"' "" 'findings: ">= 0", files: "== 0"'
statuses[n_cases - 1]=undecided words[n_cases - 1]='there was no file to look at'
expects fail "own patterns" plain 'patterns: { an x: "^x$" }' 'line 1: an x: the line matches'
printf 'one\r\n\r\nlast secret\r\nold\rsecret mac\rlast\r' >ends
expects fail "own patterns where lines end with CR LF or CR" ends \
	'patterns: { behind: "secret$", before: "^secret", empty: "^\r?$", both: "^last$" }' \
	'line 2: empty.*line 3: behind.*line 4: before.*line 4: both: the line matches"'
expects pass "own patterns that are not there" clean 'patterns: { nothing: "^absent$" }' ""

mkdir names named
for name in .env id_ed25519 .netrc keys.p12; do
	: >named/$name
	expects fail "by name: $name" named/$name "" "file of secrets: is called"
done
printf 'X=1\n' >named/.env.example
expects pass "an example" named/.env.example "" ""

tar -cf clean.tar clean && gzip -k clean.tar
expects pass "a clean archive" clean.tar.gz "" "" 'findings: "== 0", files: "== 2"'
tar -czf s.tar.gz s/aws s/rsa clean
expects fail "an archive" s.tar.gz "" 's/aws line 2: AWS access key.*s/rsa line 2: private key'
expects pass "which is not opened" s.tar.gz "open: false" ""
expects pass "members can be ignored" s.tar.gz 'ignore: "s/*"' ""
tar -cf dots.tar -C s ./aws ./rsa
expects pass "whatever they begin with" dots.tar 'ignore: [aws, rsa]' "" 'findings: ">= 0", files: "== 0"'
statuses[n_cases - 1]=undecided words[n_cases - 1]='there was no file to look at'
cat clean.tar dots.tar >behind.tar
expects undecided "an archive behind the archive" behind.tar "" 'behind.tar" could not be read: [0-9]+ bytes of data behind its end'
mkdir -p marked && : >marked/id_rsa
label=
for format in v7 gnu; do
	tar --format=$format ${label:-} -cf $format.tar marked && label='--label=backup'
	expects fail "a tar without a mark at its beginning: $format" $format.tar "" 'marked/id_rsa: file of secrets'
done
tar --format=posix --pax-option=path=aws -cf doubt.tar clean
expects undecided "an archive that others unpack differently" doubt.tar "" \
	'doubt.tar" could not be read: programs differ in what they unpack: at byte 0 a global header sets .?"path'
printf '\37\235\220' | cat - plain >old.tar.Z
expects undecided "an old compression is none the less one" old.tar.Z "" 'archive ".*old.tar.Z"'
(cd s && zip -q ../s.zip github)
expects fail "a zip" s.zip "" 'github line 2: GitHub token'
head -c 300 s.tar.gz >cut.tar.gz
expects undecided "a torn archive" cut.tar.gz "" 'truncated'
expects undecided "no such path" gone "" 'No such file'
mkfifo pipe
expects undecided "a named pipe hangs nobody" pipe "" 'a named pipe'
ln -s ../s names/link && ln -s ../s/aws names/.link
printf 'x\n' >names/x
expects pass "links are not followed" names "" ""

expects fail "a key of PuTTY" twin/putty "" 'line 1: private key of PuTTY: PuTT… \([0-9]+ characters\)'
fingerprint() { "$ASSIZE" run --json a/c$1 | jq -r '.checks[0].series[0].evidence[0]' | grep -oE '[0-9a-f]{16}$'; }
aws=$(fingerprint 6) rsa=$(fingerprint 2) putty=$(fingerprint $((n_cases - 1)))
expects pass "allowed by its fingerprint" s/aws "allow: [\"$aws\"]" ""
expects pass "a private key, too" s/rsa "allow: [\"$rsa\"]" ""
expects fail "but no other of its kind" twin/rsa "allow: [\"$rsa\"]" 'line 2: private key'
expects pass "a key of PuTTY, too" twin/putty "allow: [\"$putty\"]" ""
expects fail "but no other of PuTTY" twin/other "allow: [\"$putty\"]" 'line 1: private key of PuTTY'

judge_cases
nok "no secret is shown" grep -qFf values <<<"$out$err"
nok "nor recorded" grep -qaFf values -r .assize

run obeys_modes bash -c 'chmod 0 clean/readme; "$1" run a/c0; echo "$?"; chmod 644 clean/readme' - "$ASSIZE"
like "what cannot be read is no measurement" "$out" 'could not be read: .*2$'
printf 'assize: 1\naudits: {a: {checks: [{id: x, secrets: {path: a, patterns: {p: "("}, allow: [xyz]}}]}}\n' >bad.yaml
exits "a pattern that is none" 3 "$ASSIZE" check -f bad.yaml
like "is told, and a fingerprint too" "$err" 'pattern "p": .*"xyz" is not 16 hexadecimal digits'
exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/secrets.yaml"
done_testing
