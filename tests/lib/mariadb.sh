# mariadb.sh: a private MariaDB server for a test. Source it after tap.sh:
#
#	. "$ROOT/tests/lib/mariadb.sh"
#	mariadb_start [OPTION...]        sets $MARIADB_SOCKET and $mariadb_pid; ends with the test
#	mariadb_sql [-D DATABASE] "SQL"  as root@localhost, the only user there is at first
#	mariadb_stop                     at once, as if the machine had lost power
#
# It listens at a socket below $TMP and nowhere else, keeps nothing on disk that it need not, and runs
# as an unprivileged user because the server refuses to run as root. Only the tables of the system
# that a server needs are made: a whole installation would take longer than most tests.
#
# shellcheck shell=bash

mariadb_options=(
	--no-defaults --innodb-buffer-pool-size=16M --innodb-log-file-size=4M
	--innodb-flush-method=nosync --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0
	--innodb-buffer-pool-dump-at-shutdown=0 --performance-schema=0 --skip-networking
	--skip-name-resolve --log-warnings=0
)

# A prefix of commands, not a function: in the background its number is to be the server's.
mariadb_as=()
if [ "$(id -u)" -eq 0 ]; then
	mariadb_user=mysql
	getent passwd mysql >/dev/null || mariadb_user=nobody
	mariadb_as=(setpriv --reuid="$mariadb_user" --regid="$(id -g "$mariadb_user")" --clear-groups)
fi

# The statements of a bootstrap are one a line, or end where a line ends.
mariadb_install()
{
	local scripts
	for scripts in /usr/share/mysql /usr/share/mariadb; do
		[ ! -f $scripts/mysql_system_tables.sql ] || break
	done
	mkdir -p "$1/mysql"
	[ ${#mariadb_as[@]} -eq 0 ] || chown -R "$mariadb_user" "$1"
	{
		echo "USE mysql;"
		cat "$scripts/mysql_system_tables.sql"
		echo "FLUSH PRIVILEGES;"
		echo "CREATE USER root@localhost;"
		echo "GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;"
	} | "${mariadb_as[@]}" mariadbd "${mariadb_options[@]}" --bootstrap --datadir="$1" --tmpdir="$1" >"$1/log" 2>&1
}

# Lets the server's user pass through directories that are this test's alone.
mariadb_reach()
{
	[ ${#mariadb_as[@]} -gt 0 ] && ! "${mariadb_as[@]}" test -x "$1" || return 0
	mariadb_reach "$(dirname "$1")"
	chmod o+x "$1"
}

mariadb_start()
{
	local home=$TMP/mariadb
	MARIADB_SOCKET=$home/socket
	export MARIADB_SOCKET
	mariadb_reach "$TMP"
	[ -d "$home" ] || mariadb_install "$home" || { diag "$(tail -n 10 "$home/log")"; return 1; }
	chmod 755 "$home"
	"${mariadb_as[@]}" mariadbd "${mariadb_options[@]}" --datadir="$home" --tmpdir="$home" --socket="$MARIADB_SOCKET" \
		--pid-file="$home/pid" "$@" >>"$home/log" 2>&1 &
	mariadb_pid=$!
	reap $mariadb_pid
	wait_for mariadb_sql "SELECT 1" || { diag "$(tail -n 10 "$home/log")"; return 1; }
}

mariadb_stop()
{
	kill -9 "$mariadb_pid" 2>/dev/null
	wait "$mariadb_pid" 2>/dev/null
	rm -f "$MARIADB_SOCKET"
}

mariadb_sql()
{
	mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root --batch --skip-column-names \
		"${@:1:$#-1}" --execute "${!#}"
}
