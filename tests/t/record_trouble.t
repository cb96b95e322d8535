#!/bin/bash
# record_trouble: a record that cannot be written: exit 4, what was recorded stays, no gate opens.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP" || exit 1

sqlite3 t.db 'CREATE TABLE t(a)'
{
	echo 'assize: 1'
	echo 'targets: { d: { sqlite: t.db } }'
	echo 'audits: { k: { target: d, checks: ['
	for i in {1..40}; do echo "  { id: c$i, sql: 'SELECT $i', expect: '== $i' },"; done
	echo '] } }'
	echo 'gates: { g: { require: [ { audit: k } ], run: never } }'
} >assize.yaml

# ---- no room ----

exits "a first run" 0 "$ASSIZE" run --subject v0
room=$(($(stat -c %s .assize/record.db) / 1024 + 40))
for ((n = 1; n <= 400; n++)); do
	run bash -c "ulimit -f $room; exec \"\$0\" run --subject v$n" "$ASSIZE"
	[ "$status" -eq 0 ] || break
done
is "a run whose record may not grow" "$status" 4
like "says so" "$err" '^assize: .*could not write record ".*/record.db"'
ok "others came before it" [ "$n" -gt 3 ]
run "$ASSIZE" gate g --subject "v$n"
unlike "its gate is shut" "$status" '^0$'
run "$ASSIZE" gate g --subject "v$((n - 1))"
is "that of the run before it is open" "$status" 0
run "$ASSIZE" ledger verify
is "nothing is broken" "$status" 0
exits "with room it goes on" 0 "$ASSIZE" run --subject "v$n"
run "$ASSIZE" gate g --subject "v$n"
is "and the gate opens" "$status" 0

# ---- may not be written ----

mkdir sealed
cp assize.yaml t.db sealed
(cd sealed && "$ASSIZE" run --subject v1 >/dev/null)
chmod 444 sealed/.assize/record.db
chmod 555 sealed/.assize
run obeys_modes bash -c 'cd sealed && exec "$0" run --subject v2' "$ASSIZE"
is "a record that is read only" "$status" 4
like "is named" "$err" 'record ".*sealed/.assize/record.db".*(readonly|[Pp]ermission)'
like "with what to do" "$err" 'help: whoever records must be able to write the file, .*beside it: assize doctor'
run obeys_modes bash -c 'cd sealed && exec "$0" gate g --subject v2' "$ASSIZE"
unlike "no gate opens" "$status" '^0$'

ln -s gone/record.db link.db # as where a disk is not mounted
ln -s loop.db loop.db
for link in link.db loop.db; do
	for command in "run" "status" "ledger verify" "doctor"; do
		# shellcheck disable=SC2086
		run "$ASSIZE" $command --record $link
		is "a link to nothing, $command" "$status" 4
		like "is named as one" "$out$err" "$link\":?( it)? is a link, and what it leads to is not there"
		like "with what to do" "$out$err" 'help: put that back, or name another file with --record'
	done
done

# ---- sixteen at once ----

mkdir many
cp assize.yaml t.db many
cd many
"$ASSIZE" run --subject first >/dev/null
for i in {1..16}; do
	(
		for j in 1 2 3; do
			"$ASSIZE" run --subject "w$i.$j" >"out.$i.$j" 2>&1 || echo "$i.$j: $?"
		done
	) >"failed.$i" &
done
wait
is "sixteen writers, three runs each: all are recorded" "$(cat failed.*)" ""
is "every run with every result" "$(sqlite3 .assize/record.db \
	"SELECT count(*), sum(n) FROM (SELECT count(*) AS n FROM results GROUP BY run)")" "49|1960"
run "$ASSIZE" ledger verify
is "and the ledger holds" "$status" 0
done_testing
