#!/bin/bash
# kill9.sh [COUNT [SEED]]: SIGKILL a run of 220 checks at COUNT random moments (500), and look each time:
#
#	every result whose line was printed is in the record, with the outcome that was printed;
#	the run shows as incomplete, unless its end is in the record, and then it is whole;
#	the gate over it is shut, unless the run is complete;
#	no program that the run had started is alive.
#
# One record for all of them, so that every run starts in what the last one left. The same SEED kills
# after the same delays; what a delay hits is up to the machine. Exit status 0 only when all held.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
ASSIZE=${BUILD:-$ROOT/build}/assize
count=${1:-500}
seed=${2:-$((RANDOM * 32768 + RANDOM))}
echo "$count kills, seed $seed"
RANDOM=$seed

TMP=$(mktemp -d "${TMPDIR:-/tmp}/assize-kill.XXXXXX") || exit 1
trap 'rm -rf "$TMP"' EXIT
cd "$TMP" || exit 1
mkfifo pause
mark=kill-mark-$$

sqlite3 t.db 'CREATE TABLE t(a); INSERT INTO t VALUES (1)' || exit 1
{
	echo 'assize: 1'
	echo 'targets: { d: { sqlite: t.db } }'
	echo 'audits:'
	echo '  k:'
	echo '    target: d'
	echo '    checks:'
	for i in {1..200}; do
		case $((i % 20)) in
		0) echo "      - { id: c$i, command: { run: [sh, -c, 'sleep 0.0$((i % 7)); : $mark'] } }" ;;
		1) echo "      - { id: c$i, file: t.db }" ;;
		2) echo "      - { id: c$i, sql: 'SELECT 1 FROM t', expect: '== 2' }" ;;
		*) echo "      - { id: c$i, sql: 'SELECT $i FROM t', expect: '== $i' }" ;;
		esac
	done
	echo '  good:'
	echo '    target: d'
	echo '    checks:'
	for i in {1..20}; do
		echo "      - { id: c$i, command: { run: [sh, -c, 'sleep 0.0$((i % 5)); : $mark'] } }"
	done
	echo 'gates:'
	echo '  all: { require: [ { audit: good } ], run: never }'
} >assize.yaml

violations=0
violation()
{
	violations=$((violations + 1))
	echo "kill $n after $delay s, run $id: $1"
}

# Microseconds of a whole run: the shortest of three, so that most kills hit.
whole=0
for i in 1 2 3; do
	start=${EPOCHREALTIME/./}
	"$ASSIZE" run --subject warm >out 2>err
	code=$?
	end=${EPOCHREALTIME/./}
	[ $code -eq 1 ] || { echo "a whole run exits $code"; cat err; exit 1; }
	[ $whole -ne 0 ] && [ $((end - start)) -ge $whole ] || whole=$((end - start))
done
echo "a whole run takes $((whole / 1000)) ms"

# The mark comes from a file, so that grep does not carry it in its own arguments. Its exit status says
# nothing: processes go while it looks.
echo "$mark" >mark
survivors()
{
	grep -laFf mark /proc/[0-9]*/cmdline 2>/dev/null
}

# Lines that were printed whole: "TIME N/M pass k/c7:series ..." as "k/c7 pass".
acknowledged()
{
	[ -z "$(tail -c 1 out)" ] || sed -i '$d' out
	sed -nE 's|^[^ ]+ +[0-9]+/[0-9]+ ([A-Za-z]+) ([a-z]+/c[0-9]+)[: ].*|\2 \L\1|p' out | sort
}

look()
{
	local state missing code tries=0
	id=$(sed -nE '1s/.*\brun=([0-9]+) .*/\1/p' out)
	survivors >alive
	while [ -s alive ] && [ $tries -lt 500 ]; do
		tries=$((tries + 1))
		read -r -t 0.01 <>pause
		survivors >alive
	done
	[ ! -s alive ] || violation "a program is still alive: $(head -1 alive)"

	"$ASSIZE" gate all --subject "s$n" >gate 2>&1
	code=$?
	if [ -z "$id" ]; then
		before=$((before + 1))
		[ $code -ne 0 ] || violation "the gate is open though no run was announced"
		return
	fi
	if ! "$ASSIZE" report "$id" --format json >report.json 2>err; then
		violation "the record does not have the run: $(head -1 err)"
		return
	fi
	acknowledged >printed
	jq -r '.checks[] | "\(.name) \(.outcome)"' report.json | sort >recorded
	if [ -n "$(comm -23 printed recorded)" ]; then
		violation "lost: $(comm -23 printed recorded | head -3 | tr '\n' ' ')"
	fi
	results=$((results + $(wc -l <printed)))

	state=$(jq -r .run.state report.json)
	missing=$(jq -r .run.checks.missing report.json)
	case $state in
	incomplete)
		incomplete=$((incomplete + 1))
		! grep -q ' result=' out || violation "its end was printed, and is not in the record"
		[ $code -ne 0 ] || violation "the gate is open over an incomplete run"
		;;
	complete)
		complete=$((complete + 1))
		[ "$missing" = 0 ] || violation "complete, yet $missing checks have no result"
		[ $code -eq 0 ] || violation "the gate is shut over a complete run of passing checks"
		;;
	*) violation "the run is $state" ;;
	esac
}

before=0 incomplete=0 complete=0 results=0 hits=0
for ((n = 1; hits < count && n <= 4 * count; n++)); do
	# 30 random bits, over a little more than a whole run
	delay=$(awk -v r=$((RANDOM * 32768 + RANDOM)) -v t=$whole \
		'BEGIN { printf "%.6f", r / 1073741824 * t * 1.1 / 1e6 }')
	: >out
	"$ASSIZE" run --subject "s$n" >out 2>err &
	pid=$!
	read -r -t "$delay" <>pause
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	# 137: it was alive. A run that was faster than its killer is looked at as well, but does not count.
	[ $? -ne 137 ] || hits=$((hits + 1))
	look
done
[ $hits -eq "$count" ] || { echo "only $hits runs were alive when killed"; violations=$((violations + 1)); }

sound=$(sqlite3 .assize/record.db 'PRAGMA integrity_check')
[ "$sound" = ok ] || { echo "integrity: $sound"; violations=$((violations + 1)); }
echo "$hits killed alive: $before before the run was announced, $incomplete incomplete, $complete complete;" \
	"$results acknowledged results looked up; $violations violations"
[ $violations -eq 0 ]
