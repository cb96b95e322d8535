#!/bin/bash
# Real components: nginx serves pages, gzip, errors and TLS; node_exporter says how the machine is.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
PATH=$PATH:/usr/sbin

# ---- nginx, private: a configuration of its own, loopback, one process ----
mkdir www nginx tls
seq -f 'line %g of a page that is long enough to be compressed' 200 >www/page.txt
printf '{"state": "ok"}\n' >www/state.json
for i in $(seq 500); do
	echo "orders_total{shop=\"$i\"} $i"
done >www/metrics

# key NAME HOST, sign NAME FROM TO ALTERNATIVE-NAME
key()
{
	openssl req -newkey rsa:2048 -nodes -keyout "tls/$1.key" -out "tls/$1.csr" -subj "/CN=$2" 2>/dev/null
}
sign()
{
	: >tls/index && echo 01 >tls/serial
	openssl ca -batch -notext -config tls/ca.conf -keyfile tls/ca.key -cert tls/ca.pem -in "tls/$1.csr" \
		-out "tls/$1.pem" -startdate "$2" -enddate "$3" -extfile <(echo "subjectAltName=$4") 2>/dev/null
}
cat >tls/ca.conf <<CONF
[ca]
default_ca = d
[d]
database = $TMP/tls/index
serial = $TMP/tls/serial
new_certs_dir = $TMP/tls
default_md = sha256
policy = p
unique_subject = no
[p]
commonName = supplied
CONF
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls/ca.key -out tls/ca.pem -days 2 -subj '/CN=test CA' 2>/dev/null
key good 127.0.0.1 && sign good 20200101000000Z 20990101000000Z IP:127.0.0.1
key expired 127.0.0.1 && sign expired 20200101000000Z 20210101000000Z IP:127.0.0.1
key other other.example && sign other 20200101000000Z 20990101000000Z DNS:other.example
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls/self.key -out tls/self.pem -days 2 \
	-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null

ports=()
for _ in 1 2 3 4 5 6; do
	free_port
	ports+=("$port")
done
plain=${ports[0]}
server()
{
	printf 'server { listen 127.0.0.1:%s ssl; ssl_certificate %s; ssl_certificate_key %s; root %s;
		location = /down { return 302 http://127.0.0.1:%s/state.json; } }\n' \
		"$2" "$TMP/tls/$1.pem" "$TMP/tls/$1.key" "$TMP/www" "$plain"
}
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
	types { text/plain txt; application/json json; text/html html; }
	default_type text/plain;
	server {
		listen 127.0.0.1:$plain;
		root $TMP/www;
		gzip on; gzip_types text/plain; gzip_min_length 100;
		location = /old { return 301 /page.txt; }
		location = /broken { return 502; }
	}
	$(server good "${ports[1]}")
	$(server expired "${ports[2]}")
	$(server other "${ports[3]}")
	$(server self "${ports[4]}")
}
CONF
nginx -c "$TMP/nginx.conf" -p "$TMP/nginx" -e "$TMP/nginx/error.log" &
reap $!
answers()
{
	exec 9<>"/dev/tcp/127.0.0.1/$1" && exec 9>&-
} 2>/dev/null
wait_for answers "${ports[4]}" || bail "nginx did not start: $(cat nginx/error.log)"

cat >assize.yaml <<YAML
assize: 1
targets:
  nginx: { http: "http://127.0.0.1:$plain" }
  good: { http: "https://127.0.0.1:${ports[1]}", ca_file: tls/ca.pem }
  stranger: { http: "https://127.0.0.1:${ports[1]}" }
  expired: { http: "https://127.0.0.1:${ports[2]}", ca_file: tls/ca.pem }
  other: { http: "https://127.0.0.1:${ports[3]}", ca_file: tls/ca.pem }
  self: { http: "https://127.0.0.1:${ports[4]}", ca_file: tls/ca.pem }
  no-ca: { http: "https://127.0.0.1:${ports[1]}", ca_file: tls/nothing.pem }
  no-tls: { http: "https://127.0.0.1:$plain", ca_file: tls/ca.pem }
audits:
  n:
    target: nginx
    defaults: { timeout: 10s }
    checks:
      - { id: page, http: /page.txt, expect: { body: "matches /line 200 of/", size: ">= 10 kB" } }
      - { id: json, http: { path: /state.json, json: { state: /state } }, expect: { state: '== "ok"' } }
      - { id: gone, http: /nothing }
      - { id: moved, http: /old }
      - { id: followed, http: { path: /old, redirects: 1 }, expect: { body: "matches /line 1 of/" } }
      - { id: broken, http: /broken }
      - { id: metric, scrape: { metric: orders_total, agg: sum, min_series: 500 }, expect: "== 125250" }
      - { id: page-metric, scrape: { path: /page.txt, metric: orders_total }, expect: "> 0" }
  tls:
    checks:
      - { id: good, target: good, http: /state.json, expect: { total: "< 10s" } }
      - { id: down, target: good, http: { path: /down, redirects: 1 } }
      - { id: stranger, target: stranger, http: /state.json }
      - { id: expired, target: expired, http: /state.json }
      - { id: other, target: other, http: /state.json }
      - { id: self, target: self, http: /state.json }
      - { id: no-ca, target: no-ca, http: /state.json }
      - { id: no-tls, target: no-tls, http: /state.json }
YAML
tells()
{
	run "$ASSIZE" run "$2"
	is "$1: exit status" "$status" "$3"
	like "$1: told" "$out$err" "$4"
}
tells "nginx: a page" n/page 0 pass
tells "nginx: JSON" n/json 0 pass
tells "nginx: no such page" n/gone 1 '404'
tells "nginx: moved" n/moved 1 '301'
tells "nginx: followed" n/followed 0 pass
tells "nginx: bad gateway" n/broken 1 '502'
tells "nginx: metrics, compressed" n/metric 0 pass
tells "nginx: a page is no exposition" n/page-metric 2 'line 1:6: "1" is not|line 1:[0-9]+: .* is not a (number|timestamp)'
tells "TLS: a trusted certificate" tls/good 0 pass
tells "TLS: a redirect out of it" tls/down 2 'redirected from https to "http://127.0.0.1:[0-9]+/state.json": that way is not protected'
tells "TLS: an unknown authority" tls/stranger 2 "certificate is not trusted: .*(self-signed certificate in certificate chain|unable to get local issuer)"
tells "TLS: expired" tls/expired 2 "certificate is not trusted: .*certificate has expired"
tells "TLS: another name" tls/other 2 "certificate is not trusted: .*no alternative certificate subject name matches"
tells "TLS: self-signed" tls/self 2 "certificate is not trusted: .*self-signed certificate"
tells "TLS: no such ca_file" tls/no-ca 2 'could not use ca_file ".*tls/nothing.pem"'
tells "TLS: not spoken" tls/no-tls 2 'the TLS handshake failed: '

# A machine that trusts the server's authority, in a namespace of its own; ca_file trusts another.
mkdir tls/system
cp tls/ca.pem tls/system/ca.pem
cp tls/other.pem tls/system/ca-certificates.crt
openssl rehash tls/system
cat >trusting.yaml <<YAML
assize: 1
targets:
  system: { http: "https://127.0.0.1:${ports[1]}" }
  other: { http: "https://127.0.0.1:${ports[1]}", ca_file: tls/self.pem }
audits:
  tls:
    checks:
      - { id: system, target: system, http: /state.json }
      - { id: http, target: other, http: /state.json }
      - { id: scrape, target: other, scrape: { metric: orders_total, agg: count }, expect: "== 500" }
YAML
trusting()
{
	run unshare -rm sh -c 'mount --bind tls/system /etc/ssl/certs && exec "$@"' sh \
		"$ASSIZE" run -f trusting.yaml "tls/$2"
	is "TLS: $1: exit status" "$status" "$3"
	like "TLS: $1: told" "$out$err" "$4"
}
trusting "the system's authorities without ca_file" system 0 pass
trusting "ca_file instead of the system's authorities" http 2 'certificate is not trusted'
trusting "the same for scrape" scrape 2 'certificate is not trusted'

# ---- node_exporter ----
free_port
prometheus-node-exporter --web.listen-address="127.0.0.1:$port" --collector.disable-defaults --collector.cpu \
	--collector.loadavg --collector.meminfo --collector.uname --log.level=error >/dev/null 2>"$TMP/exporter.log" &
exporter=$!
reap $exporter
wait_for answers "$port" || bail "node_exporter did not start: $(cat exporter.log)"
cat >node.yaml <<YAML
assize: 1
targets:
  node: { http: "http://127.0.0.1:$port" }
audits:
  x:
    target: node
    defaults: { timeout: 10s }
    checks:
      - { id: build, scrape: node_exporter_build_info, expect: "== 1" }
      - { id: cpus, scrape: { metric: 'node_cpu_seconds_total{mode="idle"}', agg: count }, expect: "== $(grep -c "^cpu[0-9]" /proc/stat)" }
      - { id: memory, scrape: { metric: node_memory_MemTotal_bytes, unit: B }, expect: "> 64 MiB" }
      - { id: scraped, scrape: { metric: node_scrape_collector_success, by: [collector], min_series: 4 }, expect: "== 1" }
      - { id: text, scrape: { metric: node_exporter_build_info, format: prometheus }, expect: "== 1" }
      - { id: openmetrics, scrape: { metric: node_exporter_build_info, format: openmetrics }, expect: "== 1" }
      - { id: several, scrape: node_cpu_seconds_total, expect: "> 0" }
YAML
for check in build cpus memory scraped text; do
	exits "node_exporter: $check passes" 0 "$ASSIZE" run -f node.yaml "x/$check"
done
# It answers in the older format whatever is asked for, which is no OpenMetrics.
run "$ASSIZE" run -f node.yaml x/openmetrics
like "node_exporter: the other format is not mistaken" "$status $out" '^2 .*line [0-9]+:1: the metric before this line, .*clashes'
run "$ASSIZE" run -f node.yaml x/several
like "node_exporter: several series" "$status $out" '^2 .* series selected and one is wanted'
kill $exporter
wait $exporter 2>/dev/null
run "$ASSIZE" run -f node.yaml x/build
like "node_exporter: stopped" "$status $out" '^2 .*could not connect: Connection refused'
done_testing
