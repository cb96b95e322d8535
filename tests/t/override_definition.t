#!/bin/bash
# An override is about the gate of one definition: on a record that several share, another may have a gate of
# that name. An edited definition keeps it, and so does every checkout.
. "$(dirname "$0")/../lib/tap.sh"
cd "$TMP"
write() { # DIR CHECK PROGRAM
	mkdir -p "$1"
	printf 'assize: 1\naudits:\n  a: { checks: [ { id: %s, command: { run: [%s] } } ] }\ngates:\n  release: { require: [ { check: a/%s } ] }\n' "$2" "$3" "$2" >"$1/assize.yaml"
}
export ASSIZE_RECORD=$TMP/record.db
decides() { exits "$1" "$2" "$ASSIZE" gate release -s v1.0.0 -f "$3"; }
another() {
	like "$1: which is told" "$out" "override 1 by jane does not count: it is about the gate of another definition, $2"
	exits "$1: a decision made again says the same" 0 "$ASSIZE" replay latest -f "$3"
	like "$1: it is equal" "$out" 'decision .* equal'
}

for place in repository none; do
	[ $place = none ] || git init -q -b main .
	write shop ok /bin/false && write bill money /bin/false
	"$ASSIZE" override release -s v1.0.0 -f shop/assize.yaml --by jane --reason down >/dev/null
	decides "$place: its own gate is open" 0 shop/assize.yaml
	decides "$place: another's is not" 1 bill/assize.yaml
	[ $place = none ] && another $place "$TMP/shop/assize.yaml" bill/assize.yaml || another $place shop/assize.yaml bill/assize.yaml
	echo '# mended' >>shop/assize.yaml
	decides "$place: edited, it is the same definition" 0 shop/assize.yaml
	cp -r shop copy
	decides "$place: edited and elsewhere it is none" 1 copy/assize.yaml
	if [ $place = repository ]; then
		git add shop && git commit -qm shop
		git clone -q . elsewhere
		decides "another checkout has it" 0 elsewhere/shop/assize.yaml
		decides "read from a commit as well" 0 git:main:shop/assize.yaml
		echo '# and again' >>elsewhere/shop/assize.yaml
		decides "another checkout, edited" 0 elsewhere/shop/assize.yaml
		exits "the record is whole" 0 "$ASSIZE" ledger verify --quiet -f shop/assize.yaml
	fi
	rm -rf .git shop bill copy elsewhere record.db*
done
write shop ok /bin/false
"$ASSIZE" override release -s v1.0.0 -f shop/assize.yaml --by jane --reason down >/dev/null
mv shop moved
decides "the same text is the same definition, wherever it is" 0 moved/assize.yaml
done_testing
