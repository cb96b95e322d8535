# attacks.sh: what the last challenge of a check came to, out of the record. Source it after tap.sh.
#
#	attacks CHECK            "outcome name object", a line an attack, in the order of the survey
#	turns_red CHECK NAME     the dose from which an attack is noticed: "dose|words", one a line
#	unchallenged CHECK       why it was not
#	unlisted KIND PATTERN    names of attacks on checks whose name is LIKE PATTERN that `assize kinds` does not list
#	between LOW VALUE HIGH   is VALUE a number from LOW to HIGH?
#
# shellcheck shell=bash

of_last="FROM challenges c JOIN definitions d ON d.id = c.definition_id JOIN checks k ON k.id = d.check_id"

attacks()
{
	sqlite3 -separator ' ' .assize/record.db "SELECT o.body, n.body, w.body $of_last
		JOIN attacks a ON a.challenge = c.id JOIN texts o ON o.id = a.outcome
		JOIN texts n ON n.id = a.name JOIN texts w ON w.id = a.object
		WHERE c.id = (SELECT max(c.id) $of_last WHERE k.name = '$1') ORDER BY a.place" | sed 's/ $//'
}

turns_red()
{
	sqlite3 .assize/record.db "SELECT a.turns_red, t.body $of_last
		JOIN attacks a ON a.challenge = c.id JOIN texts n ON n.id = a.name
		JOIN texts t ON t.id = a.turns_red_words
		WHERE c.id = (SELECT max(c.id) $of_last WHERE k.name = '$1') AND n.body = '$2' ORDER BY a.place"
}

unchallenged()
{
	sqlite3 .assize/record.db "SELECT t.body $of_last JOIN texts t ON t.id = c.reason
		WHERE c.id = (SELECT max(c.id) $of_last WHERE k.name = '$1')"
}

unlisted()
{
	comm -23 <(sqlite3 .assize/record.db "SELECT DISTINCT n.body $of_last
		JOIN attacks a ON a.challenge = c.id JOIN texts n ON n.id = a.name WHERE k.name LIKE '$2'" | sort -u) \
		<("$ASSIZE" kinds "$1" | sed -n '/^attacks of/,/^what it cannot see/s/^  \([a-z0-9-]*\) .*/\1/p' | sort -u)
}

between()
{
	awk -v low="$1" -v value="$2" -v high="$3" 'BEGIN { exit !(value + 0 >= low && value + 0 <= high) }'
}
