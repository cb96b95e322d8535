#!/bin/bash
# signature: files signed with the real tools pass; every way in which a signature can fail to be one of
# this file by this key is told apart. What the tools themselves say to the same is asked beside it.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
export GNUPGHOME=$TMP/gnupg
mkdir -m 700 keys gnupg

# keys: of minisign two, of OpenSSH one a type, of GPG a good one, an expired one and a revoked one
minisign -G -W -p keys/m.pub -s keys/m.key >/dev/null && minisign -G -W -p keys/m2.pub -s keys/m2.key >/dev/null ||
	bail "minisign makes no keys"
ssh-keygen -q -t ed25519 -N '' -C ed -f keys/ed && ssh-keygen -q -t ecdsa -b 384 -N '' -C ec -f keys/ec &&
	ssh-keygen -q -t rsa -b 2048 -N '' -C rsa -f keys/rsa && ssh-keygen -q -t rsa -b 1024 -N '' -f keys/weak ||
	bail "ssh-keygen makes no keys"
gpg_key()
{
	gpg --batch --quiet --no-tty --passphrase '' "${@:2}" 2>/dev/null ||
		bail "gpg makes no key $1"
	gpg --batch --with-colons --list-keys "=$1" 2>/dev/null | sed -n '/^fpr/{s/^fpr:*//;s/:$//;p;q;}'
}
good=$(gpg_key good --quick-generate-key good ed25519 sign 30d)
old=$(gpg_key old --faked-system-time 20200101T000000 --quick-generate-key old ed25519 sign 10d)
revoked=$(gpg_key revoked --quick-generate-key revoked ed25519 sign never)
sign_gpg() # FILE KEY [OPTION...]
{
	gpg --batch --quiet --yes --no-tty --passphrase '' --pinentry-mode loopback "${@:3}" \
		--local-user "$2" --detach-sign --output "$1.asc" --armor "$1" 2>/dev/null ||
		bail "gpg does not sign"
}

echo 'release 1' >f
echo 'release 2' >other
cp f fold && cp f frev && cp f fweak
sign_gpg f "$good"
sign_gpg fold "$old" --faked-system-time 20200102T000000
sign_gpg frev "$revoked"
sign_gpg fweak "$good" --digest-algo SHA1
sed -i 's/^:---/---/' "gnupg/openpgp-revocs.d/$revoked.rev" && gpg --batch --quiet --import "gnupg/openpgp-revocs.d/$revoked.rev" 2>/dev/null
gpg --batch --export "$good" "$old" "$revoked" >keys/ring.gpg
gpg --batch --export "$old" >keys/few.gpg
gpg --batch --armor --export >keys/ring.asc
gpgconf --kill all
minisign -S -W -s keys/m.key -m f -t 'release 1 for everybody' >/dev/null
minisign -S -W -l -s keys/m.key -m f -x f.legacy >/dev/null
for key in ed ec rsa weak; do
	ssh-keygen -q -Y sign -n file -f keys/$key - <f >f.$key 2>/dev/null
done
cp f.ed f.sig
ssh-keygen -q -Y sign -n mail -f keys/ed - <f >f.mail 2>/dev/null
ssh-keygen -q -Y sign -n file -O hashalg=sha256 -f keys/ed - <f >f.sha256 2>/dev/null
for key in ed ec rsa weak; do
	printf 'release@example.com,*@shop.example %s\n' "$(cat keys/$key.pub)"
done >keys/allowed
{
	echo '# who may sign'
	echo "!root@x.example,*@x.example namespaces=\"file,git\",valid-before=\"29991231Z\" $(cat keys/ed.pub)"
	echo "late@example.com valid-before=\"20200101\" $(cat keys/ed.pub)"
	echo "early@example.com valid-after=\"29990101Z\" $(cat keys/ed.pub)"
	echo "narrow@example.com namespaces=\"git\" $(cat keys/ed.pub)"
} >keys/narrow
cat keys/ec.pub >keys/revoked

cat >assize.yaml <<YAML
assize: 1
audits:
  s:
    checks:
      - { id: mini, signature: { file: f, minisign: { key_file: keys/m.pub } } }
      - { id: inline, signature: { file: f, minisign: { key: $(tail -n 1 keys/m.pub) } }, expect: { comment: '== "release 1 for everybody"' } }
      - { id: legacy, signature: { file: f, signature: f.legacy, minisign: { key_file: keys/m.pub } } }
      - { id: mini2, signature: { file: f, minisign: { key_file: keys/m2.pub } } }
      - { id: forever, signature: { file: f, minisign: { key_file: keys/m.pub } }, expect: { key_days_left: "> 1" } }
      - { id: nokey, signature: { file: f, minisign: { key_file: keys/ed.pub } } }
      - { id: ssh, signature: { file: f, ssh: { allowed_signers: keys/allowed, identity: release@example.com } }, expect: { signer: '== "release@example.com"' } }
$(for key in ec rsa weak mail sha256; do
	echo "      - { id: $key, signature: { file: f, signature: f.$key, ssh: { allowed_signers: keys/allowed, identity: me@shop.example } } }"
done)
      - { id: stranger, signature: { file: f, ssh: { allowed_signers: keys/allowed, identity: who@example.com } } }
      - { id: unlisted, signature: { file: f, signature: f.ec, ssh: { allowed_signers: keys/narrow, identity: a@x.example } } }
      - { id: until, signature: { file: f, ssh: { allowed_signers: keys/narrow, identity: a@x.example } }, expect: { key_days_left: "> 1000" } }
$(for who in root@x late@example early@example narrow@example; do
	echo "      - { id: ${who%@*}, signature: { file: f, ssh: { allowed_signers: keys/narrow, identity: $who.com } } }"
done | sed 's/root@x.com/root@x.example/')
      - { id: revoked, signature: { file: f, signature: f.ec, ssh: { allowed_signers: keys/allowed, identity: release@example.com, revoked: keys/revoked } } }
      - { id: notrevoked, signature: { file: f, ssh: { allowed_signers: keys/allowed, identity: release@example.com, revoked: keys/revoked } } }
      - { id: gpg, signature: { file: f, gpg: { keyring: keys/ring.gpg } }, expect: { signer: '== "$good"', age: "< 1h", key_days_left: "between 29 and 30" } }
      - { id: pinned, signature: { file: f, gpg: { keyring: keys/ring.gpg, fingerprints: [${good,,}] } } }
      - { id: other, signature: { file: f, gpg: { keyring: keys/ring.gpg, fingerprints: $old } } }
      - { id: expired, signature: { file: fold, gpg: { keyring: keys/ring.gpg } } }
      - { id: gpgrevoked, signature: { file: frev, gpg: { keyring: keys/ring.gpg } } }
      - { id: sha1, signature: { file: fweak, gpg: { keyring: keys/ring.gpg } } }
      - { id: unknown, signature: { file: f, gpg: { keyring: keys/few.gpg } } }
      - { id: armoured, signature: { file: f, gpg: { keyring: keys/ring.asc } } }
      - { id: noring, signature: { file: f, gpg: { keyring: keys/absent } } }
YAML
mkdir whole && cp f* whole

# claim, check, exit status, what the output must say
tells()
{
	run "$ASSIZE" run "s/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
intact()
{
	cp whole/* .
}

for check in mini legacy inline ssh ec rsa sha256 until notrevoked gpg pinned; do
	exits "intact: $check passes" 0 "$ASSIZE" run "s/$check"
done

# who
tells "another key of minisign" mini2 1 'it was made with key [0-9A-F]{16}, not with [0-9A-F]{16}'
tells "a key of minisign has no end" forever 2 'keys of minisign do not expire'
tells "a file that is no key" nokey 2 'is no public key of minisign'
tells "a weak key" weak 1 'has 1024 bits, fewer than 2048'
tells "another namespace" mail 1 'it was made for namespace "mail", not "file"'
tells "another principal" stranger 1 'which is release@example.com,.*, not who@example.com'
tells "a key nobody lists" unlisted 1 'ecdsa-sha2-nistp384 SHA256:[A-Za-z0-9+/]{43}, which allowed_signers does not list'
tells "an excluded principal" root 1 'not root@x.example'
tells "a key past its time" late 1 'is no longer valid \(line 3 of allowed_signers\)'
tells "a key before its time" early 1 'is not valid yet \(line 4'
tells "a key for other things" narrow 1 'line 5 of allowed_signers lets ssh-ed25519 .* sign for "git" only'
tells "a revoked key" revoked 1 'ecdsa-sha2-nistp384 .* is revoked'
tells "another key of the keyring" other 1 "it was made with key $good, which is not one of .fingerprints."
tells "an expired key" expired 1 'the key [0-9A-F]{16} has expired'
tells "a revoked key of GPG" gpgrevoked 1 'the key [0-9A-F]{16} is revoked'
tells "SHA-1" sha1 1 'it is made with a broken digest'
tells "a key that is not in the keyring" unknown 1 'which is not in the keyring'
tells "an armoured keyring" armoured 2 'is armoured, which gpgv cannot read.*gpg --dearmor'
tells "no keyring" noring 2 'keys/absent.*No such file'
for who in release@example.com who@example.com late@example.com a@x.example root@x.example; do
	list=keys/narrow
	[ "$who" = "${who#*release}" ] && [ "$who" = "${who#who}" ] || list=keys/allowed
	theirs=fail ours=fail
	ssh-keygen -Y verify -f $list -I "$who" -n file -s f.sig <f >/dev/null 2>&1 && theirs=pass
	sed "s|identity: release@example.com } }, expect.*|identity: $who } } }|; s|keys/allowed, identity: $who|$list, identity: $who|" \
		assize.yaml >peer.yaml
	"$ASSIZE" run -f peer.yaml s/ssh >/dev/null 2>&1 && ours=pass
	is "ssh-keygen says the same of $who" "$ours" "$theirs"
done

# what
for check in mini legacy ssh gpg; do
	cp other f
	tells "$check: another file" $check 1 'it does not fit the file'
	intact
	rm f
	tells "$check: no file" $check 1 'there is no such file'
	intact
	: >f
	tells "$check: an empty file" $check 1 'it does not fit the file'
	intact
done
for pair in mini:minisig ssh:sig gpg:asc; do
	check=${pair%:*} file=f.${pair#*:}
	rm $file; [ $check != gpg ] || rm f.sig
	tells "$check: no signature" $check 1 "there is no signature: \".*/$file\""
	intact
	: >$file
	tells "$check: an empty signature" $check 1 'the signature is an empty file'
	echo hello >$file
	tells "$check: no signature at all" $check 1 'it is no '
	intact
	truncate -s -40 $file
	run "$ASSIZE" run s/$check
	isnt "$check: a torn signature does not pass" "$status" 0
	intact
done
sed -i 's/everybody/anybody/' f.minisig
tells "a changed comment" mini 1 'its trusted comment was changed'
intact
echo more >>f.minisig
tells "minisign: something behind the end" mini 1 'there is something behind its end'
intact
cat f.ed >>f.sig
tells "ssh: two signatures" ssh 1 'there is something behind its end'
intact
echo 'release@example.com valid-until="1" ssh-ed25519 AAAA' >>keys/narrow
tells "an option nobody knows" unlisted 2 'line 6: "valid-until" is no option of allowed_signers'
sed -i '$d' keys/narrow
echo "twice@example.com valid-before=\"20200101\",valid-before=\"29990101\" $(cat keys/ed.pub)" >>keys/narrow
tells "an option twice" unlisted 2 'line 6: it has the option "valid-before" twice'
printf 'a@x.example,\0!a@x.example %s\n' "$(cat keys/ed.pub)" >keys/torn
sed 's|keys/narrow, identity: a@x.example } }, expect.*|keys/torn, identity: a@x.example } } }|' assize.yaml >torn.yaml
run "$ASSIZE" run -f torn.yaml s/until
like "a NUL in a line" "$status $out" '^2 .*torn": line 1: it holds a NUL byte'
nok "which ssh-keygen does not take either" ssh-keygen -Y verify -f keys/torn -I a@x.example -n file -s f.ed <f
nok "nor does ssh-keygen take an option twice" ssh-keygen -Y verify -f keys/narrow -I twice@example.com -n file -s f.ed <f
echo 'SSHKRL' >keys/revoked
tells "a binary revocation list" revoked 2 'is a binary revocation list'

# keys on security tokens: as a token answers, put together by hand (PROTOCOL.u2f), for ssh-keygen to judge
cat >token.pl <<'PL'
use Digest::SHA qw(sha256 sha512); use MIME::Base64;
my ($type, $public, $private, $file, $out) = @ARGV;
sub slurp { open my $in, '<:raw', $_[0] or die "$_[0]: $!"; local $/; <$in> }
sub str { pack 'N/a*', $_[0] }
my $is_ed = $type =~ /ed25519/;
my $key = str($type) . ($is_ed ? '' : str('nistp256')) . str(substr slurp($public), $is_ed ? -32 : -65) . str('ssh:');
my $used = "\x05" . pack 'N', 7;
my $message = 'SSHSIG' . str('file') . str('') . str('sha512') . str(sha512(slurp($file)));
open my $data, '>:raw', 'token.data' or die; print $data sha256('ssh:') . $used . sha256($message); close $data;
system $is_ed ? "openssl pkeyutl -sign -rawin -inkey $private -in token.data -out token.sig"
	: "openssl dgst -sha256 -sign $private -out token.sig token.data" and die 'openssl does not sign';
my $raw = slurp('token.sig');
if (!$is_ed) { my ($r, $s) = unpack 'x2 x C/a x C/a', $raw; $raw = str($r) . str($s) }
my $blob = 'SSHSIG' . pack('N', 1) . str($key) . str('file') . str('') . str('sha512') . str(str($type) . str($raw) . $used);
open my $sig, '>', $out or die;
print $sig "-----BEGIN SSH SIGNATURE-----\n" . encode_base64($blob) . "-----END SSH SIGNATURE-----\n";
print "token\@example.com $type " . encode_base64($key, '') . "\n";
PL
printf 'assize: 1\naudits:\n  s:\n    checks:\n' >tokens.yaml
for type in sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com; do
	id=${type:3:3}
	case $id in
	ssh) openssl genpkey -algorithm ed25519 -out $id.pem ;;
	*) openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out $id.pem ;;
	esac 2>/dev/null
	openssl pkey -in $id.pem -pubout -outform DER -out $id.der
	perl token.pl "$type" $id.der $id.pem f f.$id >>keys/tokens || bail "no token"
	printf '      - { id: %s, signature: { file: f, signature: f.%s, ssh: { allowed_signers: keys/tokens, identity: token@example.com } } }\n' $id $id >>tokens.yaml
done
for id in ssh ecd; do
	ok "a token's signature as ssh-keygen sees it: $id" ssh-keygen -Y verify -f keys/tokens -I token@example.com -n file -s f.$id <f
	exits "a key on a token: $id" 0 "$ASSIZE" run -f tokens.yaml s/$id
	cp other f
	exits "a key on a token, another file: $id" 1 "$ASSIZE" run -f tokens.yaml s/$id
	like "told" "$out$err" 'it does not fit the file'
	intact
	perl -MMIME::Base64 -e '$/ = undef; $_ = <>; s/-----.*?-----//g; $_ = decode_base64($_); substr($_, -1) ^= "\1";
		print "-----BEGIN SSH SIGNATURE-----\n" . encode_base64($_) . "-----END SSH SIGNATURE-----\n"' <f.$id >f.counter
	sed "s/f\.$id/f.counter/" tokens.yaml >counter.yaml
	exits "another counter than was signed: $id" 1 "$ASSIZE" run -f counter.yaml s/$id
done

# made in text mode: the ends of lines are not signed, which the kind says
gpg --batch --quiet --no-tty --passphrase '' --pinentry-mode loopback --local-user "$good" --yes --output f.asc --textmode --detach-sign --armor f 2>/dev/null
sed 's/$/\r/' whole/f >f
exits "gpg: other ends of lines, of a text" 0 "$ASSIZE" run s/pinned
like "as is told of what it cannot see" "$("$ASSIZE" kinds signature | tr -s ' \n' ' ')" 'text mode fits the file whether its lines end with LF or CR LF'
sed 's/e 1/e 2/' whole/f >f
exits "gpg: another text" 1 "$ASSIZE" run s/pinned
intact
# of GPG: what is no file, what is no detached signature, a keyring of a commit
rm f && mkdir f
tells "gpg: a directory" gpg 2 'f": a directory, not a file'
rmdir f; mkfifo f
tells "gpg: a pipe" gpg 2 'f": a named pipe, not a file'
rm f && intact
gpg --batch --quiet --no-tty --passphrase '' --pinentry-mode loopback --local-user "$good" --yes --output f.asc --clear-sign other 2>/dev/null
tells "gpg: a signature that holds another text" gpg 2 'does not say whether it is good.*it said: gpgv: not a detached signature'
intact
gpgconf --kill all
sed -i '/id: noring/d' assize.yaml
git init -q . && git add assize.yaml keys && git commit -qm keys
mkdir "$TMP/scratch" && export TMPDIR=$TMP/scratch
for check in gpg pinned ssh mini; do
	exits "keys of a commit: $check" 0 "$ASSIZE" run -f git:HEAD:assize.yaml s/$check
done
run "$ASSIZE" run -f git:HEAD:assize.yaml s/unknown
like "keys of a commit: one that is not in the keyring" "$status $out" '^1 .*which is not in the keyring'
is "no copy of a keyring stays" "$(find "$TMPDIR" -name keyring)" ""

cat >bad.yaml <<'YAML'
assize: 1
audits:
  s:
    checks:
      - { id: a, signature: { file: f } }
      - { id: b, signature: { file: f, minisign: { key: RW }, gpg: { keyring: k } } }
      - { id: c, signature: { file: f, minisign: {} } }
      - { id: d, signature: { file: f, gpg: { keyring: k, fingerprints: 89B53F92 } } }
YAML
run "$ASSIZE" check -f bad.yaml
is "definition errors: exit status" "$status" 3
like "no scheme" "$err" 's/a": nothing says how the file is signed'
like "two schemes" "$err" 's/b": a signature is of one kind'
like "no key" "$err" 's/c": write either key or key_file'
like "a short id" "$err" '"89B53F92" is no fingerprint'
exits "the example is valid" 0 "$ASSIZE" check -f "$ROOT/audits/examples/signature.yaml"
done_testing
