#!/bin/bash
# tcp: an open port passes; refused, silent, torn and over-long answers are told apart, none passes.
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/testd.sh"
cd "$TMP"
closed=$("$ROOT/tests/lib/free_port")
testd
at=127.0.0.1:$port
# what /mode/NAME does, as keys of a check
asks() # mode, more keys
{
	echo "{ address: \"$at\", send: \"GET /mode/$1 HTTP/1.1\\r\\n\\r\\n\", $2 }"
}
cat >assize.yaml <<YAML
assize: 1
audits:
  t:
    defaults: { timeout: 5s }
    checks:
      - { id: open, tcp: "$at", expect: { connect: "< 5s" } }
      - { id: zeros, tcp: "127.0.0.1:0000000$port" }
      - { id: name, tcp: "localhost:$port" }
      - { id: line, tcp: $(asks good 'read: line'), expect: { answer: '== "HTTP/1.1 200 OK"', answered: "< 5s" } }
      - { id: greeting, tcp: $(asks not-http 'read: line'), expect: { answer: "matches /^SSH-2\\\\.0-/" } }
      - { id: long-before, tcp: $(asks good 'read: line, max_answer: 20B'), expect: { answer: '== "HTTP/1.1 200 OK"' } }
      - { id: whole, tcp: $(asks good-close 'read: all'), expect: { answer: "matches /orders_total 12345\$/" } }
      - { id: refused, tcp: "127.0.0.1:$closed", expect: { connect: "< 5s" } }
      - { id: nobody, tcp: "127.0.0.1:$closed", expect: { open: "== 0" } }
      - { id: refused-answer, tcp: { address: "127.0.0.1:$closed", read: line }, expect: { open: "== 0", answer: '!= "x"' } }
      - { id: other, tcp: $(asks good 'read: line'), expect: { answer: '== "HTTP/1.1 404 Not Found"' } }
      - { id: silent, timeout: 300ms, tcp: $(asks hang-before 'read: line'), expect: { answer: '!= "x"' } }
      - { id: half, timeout: 300ms, tcp: $(asks good 'read: all'), expect: { answer: '!= "x"' } }
      - { id: wordless, tcp: $(asks close 'read: line'), expect: { answer: '!= "x"' } }
      - { id: torn, tcp: $(asks torn-word 'read: line'), expect: { answer: '!= "x"' } }
      - { id: reset, tcp: $(asks reset-body 'read: all'), expect: { answer: '!= "x"' } }
      - { id: endless, tcp: $(asks endless 'read: all, max_answer: 4KiB'), expect: { answer: '!= "x"' } }
      - { id: long-line, tcp: $(asks good 'read: line, max_answer: 10B'), expect: { answer: '!= "x"' } }
      - { id: latin1, tcp: $(asks latin1-close 'read: all'), expect: { answer: '!= "x"' } }
      - { id: unknown, tcp: "no-such-host.invalid:1" }
YAML
# claim, check, outcome, what is said
tells()
{
	like "$1: $3" "$(sed -n "/^$3 t\/$2 /,/^\$/p" <<<"$said")" "$4"
}
exits "a run over all of them" 1 "$ASSIZE" run
said=$out$err
for c in open zeros name line long-before greeting whole nobody; do
	like "passes: $c" "$said" "pass t/$c:"
done
tells "a closed port" refused FAIL 'series    open.*measured  0.*could not connect: Connection refused.*series    connect.*no value.*the connection was refused'
tells "no answer where nobody listens" refused-answer undecided 'series    answer.*the connection was refused'
tells "another answer" other FAIL 'series    answer.*HTTP/1.1 200 OK'
tells "silence" silent undecided 'series    answer.*no value.*timed out waiting for an answer'
tells "an answer that does not end" half undecided 'the answer broke off after [0-9]+ bytes: timed out'
tells "a connection closed without a word" wordless undecided 'the other side closed without a word'
tells "a line without its end" torn undecided 'the other side closed in the middle of its line, after 9 bytes'
tells "a reset" reset undecided 'the answer broke off after [0-9]+ bytes: could not read: Connection reset|could not read: Connection reset'
tells "an endless answer" endless undecided 'the answer has more than 4096 bytes'
tells "a line longer than it may be" long-line undecided 'the answer has more than 10 bytes'
tells "bytes that are no text" latin1 undecided 'not valid UTF-8'
tells "a name nobody knows" unknown undecided 'could not look up the name "no-such-host.invalid"'
# The only port there is for outgoing connections is the one that is asked for: the socket meets itself.
printf 'assize: 1\naudits: { t: { checks: [ { id: self, tcp: { address: "127.0.0.1:40000", send: "PONG\\n", read: line }, expect: { answer: "== \\"PONG\\"" } } ] } }\n' >self.yaml
run unshare -rn sh -c 'ip link set lo up && echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"' sh \
	"$ASSIZE" run -f self.yaml
is "nobody listens but the question itself: exit status" "$status" 1
like "nobody listens but the question itself: told" "$out$err" 'series +open.*measured +0.*could not connect: Connection refused'
exits "the plan says what would be done" 0 "$ASSIZE" plan t/line
like "in a line" "$out" "connect to $at, send something, read a line"
for bad in 127.0.0.1 ':80' 'a b:80' '127.0.0.1:0' '127.0.0.1:65536' '::1:80x' '[::1]' 'host:http'; do
	printf 'assize: 1\naudits: { t: { checks: [ { id: a, tcp: "%s" } ] } }\n' "$bad" >bad.yaml
	run "$ASSIZE" check -f bad.yaml
	like "refused: $bad" "$status $err" '^3 .*is no host and port.*help: write them like'
done
printf 'assize: 1\naudits: { t: { checks: [ { id: a, tcp: { address: "h:1", max_answer: 5B } } ] } }\n' >bad.yaml
run "$ASSIZE" check -f bad.yaml
like "refused: max_answer where nothing is read" "$status $err" '^3 .*"max_answer" is about an answer that is read'
done_testing
