# challenge.sh: what became of attacks, as it is recorded; source it behind tap.sh.
#
#	attacks CHECK           challenges it, then "attack [object]: outcome" of each, one a line
#	attack_says NAME        the words, the reason and what turns it red, of the last challenge
#	turns_red NAME          the smallest dose that is noticed
#	unchallenged CHECK      challenges it; why it was not, and what to do
#	is_real_untouched       since real_is PATH..: bytes, times, modes
#
# The record is ./.assize/record.db.

challenge_sql()
{
	sqlite3 .assize/record.db "$1"
}

# columns, check, further condition
challenge_rows()
{
	challenge_sql "SELECT $1 FROM attacks a JOIN texts n ON n.id = a.name
		JOIN texts o ON o.id = a.object JOIN texts w ON w.id = a.words
		JOIN texts x ON x.id = a.outcome LEFT JOIN texts r ON r.id = a.reason
		LEFT JOIN texts t ON t.id = a.turns_red_words
		WHERE a.challenge = (SELECT max(id) FROM challenges) ${2-} ORDER BY a.place"
}

attacks()
{
	"$ASSIZE" challenge "$1" >challenged 2>&1
	challenge_rows "n.body || CASE o.body WHEN '' THEN '' ELSE ' [' || o.body || ']' END ||
		': ' || x.body"
	# why not, where it was not
	challenge_sql "SELECT 'unchallenged: ' || t.body FROM challenges c
		JOIN texts t ON t.id = c.reason WHERE c.id = (SELECT max(id) FROM challenges)"
}

attack_says()
{
	challenge_rows "w.body || ': ' || coalesce(r.body, '') || '; ' || coalesce(t.body, '')" \
		"AND n.body = '$1'"
}

turns_red()
{
	challenge_rows "printf('%.4g', a.turns_red)" "AND n.body = '$1'"
}

unchallenged()
{
	"$ASSIZE" challenge "$1" >challenged 2>&1
	challenge_sql "SELECT t.body || coalesce('; ' || h.body, '') FROM challenges c
		JOIN texts t ON t.id = c.reason LEFT JOIN texts h ON h.id = c.help
		WHERE c.id = (SELECT max(id) FROM challenges)"
}

real_state()
{
	find "$@" -printf '%p %y %m %U %s %T@ %l\n' | sort
	find "$@" -type f -exec sha256sum {} + | sort
}

real_is()
{
	real_paths=("$@")
	real_before=$(real_state "$@")
}

is_real_untouched()
{
	is "$1: what is real is untouched" "$(real_state "${real_paths[@]}")" "$real_before"
}
