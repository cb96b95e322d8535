# postgres.sh: a private PostgreSQL server for a test. Source it after tap.sh:
#
#	. "$(dirname "$0")/../lib/postgres.sh"
#	postgres_start              a server under $TMP; bails out when it does not start
#	admin DATABASE SQL...       as the superuser "postgres"; prints rows, fields parted by "|"
#	postgres_stop               ends it
#	postgres_kill               ends it at once, as a machine that fails would
#	postgres_again              starts it again on the data it has
#
# It listens on the socket directory $POSTGRES, and with TLS on 127.0.0.1:$POSTGRES_PORT. Roles enter
# through the socket without a password, over TCP with one. The certificate's authority is
# $POSTGRES/ca.pem; it is good for "localhost", not for 127.0.0.1.
#
# A server refuses to run as root: then it is "nobody". Nothing is flushed to disk.

postgres_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
POSTGRES=$TMP/postgres
postgres_pid=

# Before a command: not a function, so that the process in the background is the server itself.
postgres_user=()
[ "$(id -u)" -ne 0 ] ||
	postgres_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$POSTGRES")

postgres_certificates()
(
	cd "$POSTGRES" || exit
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key \
		-out ca.pem
	openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
	openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
		-extfile <(echo subjectAltName=DNS:localhost) -out server.crt
	chmod 600 server.key
) >/dev/null 2>&1

postgres_start()
{
	[ -x "$postgres_bin/postgres" ] || bail "there is no PostgreSQL server"
	POSTGRES_PORT=$("$ROOT/tests/lib/free_port")
	mkdir "$POSTGRES"
	chmod o+x "$TMP" "${TMPDIR:-/tmp}"
	postgres_certificates
	[ "$(id -u)" -ne 0 ] || chown -R nobody:nogroup "$POSTGRES"
	${postgres_user[@]+"${postgres_user[@]}"} "$postgres_bin/initdb" -D "$POSTGRES/data" -U postgres -A trust -E UTF8 \
		--locale=C --no-sync --no-instructions >"$TMP/initdb.log" 2>&1 ||
		bail "initdb: $(tail -1 "$TMP/initdb.log")"
	cat >>"$POSTGRES/data/postgresql.conf" <<-CONF
		unix_socket_directories = '$POSTGRES'
		listen_addresses = '127.0.0.1'
		port = $POSTGRES_PORT
		ssl = on
		ssl_cert_file = '$POSTGRES/server.crt'
		ssl_key_file = '$POSTGRES/server.key'
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		shared_buffers = 32MB
		max_connections = 30
		autovacuum = off
		jit = on
	CONF
	printf '%s\n' 'local all all trust' 'host all all 127.0.0.1/32 scram-sha-256' \
		>"$POSTGRES/data/pg_hba.conf"
	postgres_again
}

postgres_again()
{
	${postgres_user[@]+"${postgres_user[@]}"} "$postgres_bin/postgres" -D "$POSTGRES/data" >"$TMP/postgres.log" 2>&1 &
	postgres_pid=$!
	reap $postgres_pid
	wait_for "$postgres_bin/pg_isready" -q -h "$POSTGRES" -p "$POSTGRES_PORT" ||
		bail "the PostgreSQL server does not start: $(tail -1 "$TMP/postgres.log")"
}

admin()
{
	local database=$1 sql args=()
	shift
	for sql in "$@"; do
		args+=(-c "$sql")
	done
	"$postgres_bin/psql" -X -q -At -v ON_ERROR_STOP=1 -h "$POSTGRES" -p "$POSTGRES_PORT" \
		-U postgres -d "$database" "${args[@]}" || diag "psql failed: $*"
}

# Sessions that are left are ended: the default would wait for them.
postgres_stop()
{
	kill -INT "$postgres_pid" && wait "$postgres_pid"
	true
}

# SIGQUIT: no session is ended in order, nothing is written any more.
postgres_kill()
{
	kill -QUIT "$postgres_pid" && wait "$postgres_pid"
	true
}
