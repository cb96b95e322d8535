#!/bin/bash
# The way to an http target: proxies, client certificates, versions of HTTP, and the certificates met
# there. nginx is the server and a proxy; one that tunnels is a few lines of Python.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
PATH=/usr/bin:$PATH:/usr/sbin
export PROXY_PASSWORD=swordfish-swordfish
mkdir www nginx tls
echo ok >www/page.txt

# authority NAME DAYS; certificate NAME AUTHORITY DAYS
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "tls/$1.key" -out "tls/$1.pem" \
		-days "$2" -subj "/CN=authority $1" 2>/dev/null
}
certificate()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "tls/$1.key" -out "tls/$1.csr" \
		-subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "tls/$1.csr" -CA "tls/$2.pem" -CAkey "tls/$2.key" -days "$3" -out "tls/$1.pem" \
		-extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
}
authority long 100
authority short 2
certificate server long 30
certificate brief short 30
certificate client long 30
certificate stranger short 30
openssl ec -in tls/client.key -aes128 -passout pass:swordfish-swordfish -out tls/locked.key 2>/dev/null

# One that sends more certificates than anybody needs.
certificate crowd long 30
for n in {1..20}; do
	authority "$n" 1
	cat "tls/$n.pem" >>tls/crowd.pem
done

ports=()
for _ in 1 2 3 4 5 6 7 8 9 10; do
	free_port
	ports+=("$port")
done
server()
{
	printf 'server { listen 127.0.0.1:%s ssl %s; ssl_certificate %s; ssl_certificate_key %s; root %s; %s }\n' \
		"$1" "$2" "$TMP/tls/$3.pem" "$TMP/tls/$3.key" "$TMP/www" "$4"
}
login=$(printf 'audit:%s' "$PROXY_PASSWORD" | base64)
cat >nginx.conf <<CONF
daemon off;
master_process off;
pid $TMP/nginx/pid;
error_log $TMP/nginx/error.log;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $TMP/nginx/1; proxy_temp_path $TMP/nginx/2; fastcgi_temp_path $TMP/nginx/3;
	uwsgi_temp_path $TMP/nginx/4; scgi_temp_path $TMP/nginx/5;
	server { listen 127.0.0.1:${ports[0]}; root $TMP/www; }
	$(server "${ports[1]}" "" server "")
	$(server "${ports[2]}" http2 brief "")
	$(server "${ports[3]}" "" server "ssl_client_certificate $TMP/tls/long.pem; ssl_verify_client on;")
	$(server "${ports[9]}" "" crowd "")
	server {
		listen 127.0.0.1:${ports[4]};
		location / { proxy_pass http://\$http_host\$request_uri; proxy_set_header Via-Proxy yes; add_header Via proxy; }
	}
	server {
		listen 127.0.0.1:${ports[5]};
		location / {
			if (\$http_proxy_authorization != "Basic $login") { return 407; }
			proxy_pass http://\$http_host\$request_uri;
		}
	}
}
CONF
nginx -p "$TMP/nginx" -c "$TMP/nginx.conf" >nginx/out 2>&1 &
reap $!
openssl s_server -accept "127.0.0.1:${ports[6]}" -cert tls/server.pem -key tls/server.key -CAfile tls/long.pem \
	-Verify 1 -verify_return_error -www -quiet >nginx/s_server 2>&1 &
reap $!
# A proxy that tunnels, for those who know the password, and counts them.
cat >proxy.py <<'PY'
import base64, os, select, socket, sys, threading
want = "Basic " + base64.b64encode(b"audit:" + os.environ["PROXY_PASSWORD"].encode()).decode()
def serve(c):
    head = b""
    while b"\r\n\r\n" not in head:
        more = c.recv(4096)
        if not more:
            return
        head += more
    if want.encode() not in head:
        c.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return c.close()
    open("tunnels", "ab").write(head)
    host, port = head.split()[1].decode().split(":")
    s = socket.create_connection((host, int(port)))
    c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    while True:
        for r in select.select([c, s], [], [])[0]:
            data = r.recv(65536)
            if not data:
                return c.close(), s.close()
            (s if r is c else c).sendall(data)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY
python3 proxy.py "${ports[7]}" >nginx/proxy 2>&1 &
reap $!
wait_for grep -q ready nginx/proxy || bail "the proxy did not start: $(cat nginx/proxy)"
for p in "${ports[@]:0:7}"; do
	wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/$p" 2>/dev/null || bail "no server on port $p: $(cat nginx/out)"
done

plain="http: \"http://127.0.0.1:${ports[0]}\""
tls="ca_file: tls/long.pem, http: \"https://127.0.0.1:"
via="proxy_user: audit, proxy_password: \"\${env:PROXY_PASSWORD}\""
cat >assize.yaml <<YAML
assize: 1
targets:
  long: { $tls${ports[1]}" }
  short: { ca_file: tls/short.pem, http: "https://127.0.0.1:${ports[2]}" }
  short-1: { ca_file: tls/short.pem, http: "https://127.0.0.1:${ports[2]}", http_version: "1.1" }
  short-2: { ca_file: tls/short.pem, http: "https://127.0.0.1:${ports[2]}", http_version: "2" }
  only-1: { $tls${ports[1]}", http_version: "2" }
  plain-2: { $plain, http_version: "2" }
  crowd: { $tls${ports[9]}" }
  client: { $tls${ports[3]}", cert_file: tls/client.pem, key_file: tls/client.key }
  locked: { $tls${ports[3]}", cert_file: tls/client.pem, key_file: tls/locked.key, key_password: "\${env:PROXY_PASSWORD}" }
  unsaid: { $tls${ports[3]}", cert_file: tls/client.pem, key_file: tls/locked.key }
  nobody: { $tls${ports[3]}" }
  mixed: { $tls${ports[3]}", cert_file: tls/client.pem, key_file: tls/stranger.key }
  asked: { $tls${ports[6]}" }
  refused: { $tls${ports[6]}", cert_file: tls/stranger.pem, key_file: tls/stranger.key }
  taken: { $tls${ports[6]}", cert_file: tls/client.pem, key_file: tls/client.key }
  proxied: { $plain, proxy: "http://127.0.0.1:${ports[4]}" }
  logged-in: { $plain, proxy: "http://127.0.0.1:${ports[5]}", $via }
  stranger: { $plain, proxy: "http://127.0.0.1:${ports[5]}" }
  down: { $plain, proxy: "http://127.0.0.1:${ports[8]}" }
  tunnel: { $tls${ports[1]}", proxy: "http://127.0.0.1:${ports[7]}", $via, headers: { X-Token: server-only } }
  tunnel-out: { $tls${ports[1]}", proxy: "http://127.0.0.1:${ports[7]}" }
  no-tunnel: { $tls${ports[1]}", proxy: "http://127.0.0.1:${ports[4]}" }
audits:
  h:
    defaults: { timeout: 10s }
    checks:
$(for t in long short plain-2 client locked unsaid nobody mixed asked refused taken logged-in stranger down tunnel tunnel-out \
	no-tunnel only-1; do echo "      - { id: $t, target: $t, http: /page.txt }"; done)
      - { id: days, target: long, http: /page.txt, expect: { tls_days_left: "between 29 and 30" } }
      - { id: crowd, target: crowd, http: /page.txt }
      - { id: crowd-days, target: crowd, http: /page.txt, expect: { tls_days_left: "> 0" } }
      - { id: authority, target: short, http: /page.txt, expect: { tls_days_left: ">= 14" } }
      - { id: handshake, target: long, http: /page.txt, expect: { connect: "< 10s", tls: "> 0 ms", first_byte: "< 10s" } }
      - { id: auto, target: short, http: /page.txt, expect: { http_version: '== "2"' } }
      - { id: v1, target: short-1, http: /page.txt, expect: { http_version: '== "1.1"' } }
      - { id: v2, target: short-2, http: /page.txt, expect: { http_version: '== "2"' } }
      - { id: proxied, target: proxied, http: { path: /page.txt, capture: { via: "header:Via" } }, expect: { via: '== "proxy"' } }
YAML

# claim, check, exit status, what is said
tells()
{
	run "$ASSIZE" run "h/$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
	unlike "$1: no secret" "$out$err" swordfish
}
passes()
{
	run "$ASSIZE" run --quiet "h/$2"
	is "$1" "$status $out$err" "0 "
}
export http_proxy="http://127.0.0.1:${ports[8]}" https_proxy="http://127.0.0.1:${ports[8]}"
passes "the environment's proxy is not used" long
passes "days until the server's certificate expires" days
tells "an authority that expires before it" authority 1 'tls_days_left'
like "and which certificate that is" "$out$err" 'expires 20..-..-..T.*: /CN=authority short'
passes "more certificates than are looked at, when nobody asks for them" crowd
tells "when somebody does" crowd-days 2 'the server sends more than 20 certificates'
passes "the handshake has a time of its own" handshake
passes "HTTP/2 when both speak it" auto
passes "HTTP/1.1 when told" v1
passes "HTTP/2 when told" v2
tells "HTTP/2 to a server that does not speak it" only-1 2 'the server does not speak HTTP/2'
tells "HTTP/2 to a plain server that does not" plain-2 2 'the server does not speak HTTP/2'
passes "a client certificate" client
passes "with a key that has a pass phrase" locked
mkfifo silence
exec 8<>silence # an input that says nothing and does not end
exits "with one that nobody gave: nobody is asked for it" 2 setsid --wait timeout 20 "$ASSIZE" run h/unsaid <&8
like "and the run says so" "$out" 'could not use cert_file and key_file'
tells "none where the server answers so" nobody 1 '400'
tells "with the key of another one" mixed 2 'could not use cert_file and key_file'
tells "none where TLS wants one" asked 2 'the server wants a client certificate'
tells "one the server does not trust" refused 2 'the server refuses the client certificate|did not take the client certificate'
passes "one it does" taken
passes "through a proxy" proxied
passes "through a proxy that wants a password" logged-in
tells "a proxy that wants one nobody gave" stranger 2 'the proxy wants other credentials \(407\)'
tells "a proxy that is down" down 2 'could not connect to the proxy: Connection refused'
passes "TLS through a tunnel" tunnel
unlike "the target's headers are not for the proxy" "$(cat tunnels)" 'server-only'
tells "a tunnel that wants a password" tunnel-out 2 'the proxy refuses to connect: it wants other credentials \(407\)'
tells "a proxy that makes no tunnel" no-tunnel 2 'the proxy refuses to connect: it answered 4|the connection broke|not HTTP'

# claim, keys of the target, what is said
refuses()
{
	printf 'assize: 1\ntargets:\n  t: { http: "https://127.0.0.1:1", %s }\n' "$2" >bad.yaml
	printf 'audits:\n  h: { target: t, checks: [ { id: x, http: / } ] }\n' >>bad.yaml
	run "$ASSIZE" check -f bad.yaml
	is "$1: exit status" "$status" 3
	like "$1: told" "$out$err" "bad.yaml:3:[0-9]+: .*$3"
}
refuses "a proxy of another scheme" 'proxy: "ftp://p:1"' '"proxy" must be an http, https, socks5 or socks5h URL'
refuses "credentials in its URL" 'proxy: "http://a:swordfish@p:1"' 'cannot hold credentials'
unlike "which are not shown" "$out$err" swordfish
refuses "a user without a proxy" 'proxy_user: a' '"proxy_user" says nothing without "proxy"'
refuses "a key without a certificate" 'key_file: a' '"key_file" says nothing without "cert_file"'
refuses "a version that is none" 'http_version: "3"' 'http_version'
done_testing
