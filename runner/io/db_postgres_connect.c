/*
 * db_postgres_connect: from a connection string to a session.
 *
 * Only what stands in the definition decides what is audited: the environment (PGHOST, PGUSER, ...)
 * is overruled option by option, ~/.pgpass is not asked unless the string names a passfile, and
 * service files are refused. The password never touches the string that is shown; it joins the one
 * that libpq gets, which is wiped afterwards. TLS is as libpq's own options say (sslmode,
 * sslrootcert, ...); without sslmode libpq takes TLS when the server offers it and proves nothing.
 *
 * What remains: the look-up of a host name is not interrupted by the deadline, and libpq reads
 * ~/.postgresql/ for certificates that the string does not name.
 *
 * A session on a record (shared_log.h) is somebody's own: there the environment, ~/.pgpass and
 * service files count, as with psql.
 *
 * Source: PostgreSQL manual 34.1.2, 34.15.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_postgres.h"

#define MAX_CONNINFO_BYTES (64 * 1024)

/* Ours unless the string says otherwise; the password apart, which is the source's. */
static const struct {
	const char *keyword, *value;
} defaults[] = {
	{"fallback_application_name", "assize"},
	{"client_encoding", "UTF8"},
	{"tcp_user_timeout", "10000"},
	{"passfile", "/dev/null/none"}, /* cannot exist */
};

static void add_option(struct buf *b, const char *keyword, const char *value)
{
	/* The caller looks at the buffer once, at the end. */
	(void)buf_printf(b, "%s='", keyword);
	for (const char *c = value; *c; c++) {
		if (*c == '\'' || *c == '\\')
			(void)buf_putc(b, '\\');
		(void)buf_putc(b, *c);
	}
	(void)buf_puts(b, "' ");
}

static bool has_option(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val && *options->val;
	return false;
}

/* An empty value keeps libpq from asking the environment; some options know no empty one. */
static void overrule_environment(struct buf *b, const PQconninfoOption *o)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (strcmp(defaults[i].keyword, o->keyword) == 0)
			return;
	if (o->envvar && getenv(o->envvar))
		add_option(b, o->keyword, o->compiled ? o->compiled : "");
}

static int check_options(const struct postgres_db *s, const PQconninfoOption *options,
			 struct err *e)
{
	const char *name = s->source->name;

	if (has_option(options, "service") || getenv("PGSERVICE")) {
		(void)err_set(e, ERR_MEASURE,
			      "cannot connect target \"%s\" through a service file: what is "
			      "audited stands in the definition",
			      name);
		return err_help(e, "%s",
				has_option(options, "service") ? "write host, port, dbname and user"
							       : "unset PGSERVICE");
	}
	if (has_option(options, "user"))
		return 0;
	(void)err_set(e, ERR_MEASURE,
		      "cannot connect target \"%s\": the connection string names no user", name);
	return err_help(e, "add user=...; neither PGUSER nor the login name is taken");
}

/* The string libpq gets, with the password: to be wiped. */
static int write_conninfo(struct postgres_db *s, struct buf *b, struct err *e)
{
	char *why = NULL;
	PQconninfoOption *options = s->pq->PQconninfoParse(s->source->location, &why);

	if (!options) {
		(void)err_set(e, ERR_MEASURE, "cannot connect target \"%s\": %.*s", s->source->name,
			      why ? (int)strcspn(why, "\n") : 13, why ? why : "out of memory");
		s->pq->PQfreemem(why);
		return err_help(e, "for example \"host=db dbname=ledger user=audit\"");
	}
	int rc = s->is_record ? 0 : check_options(s, options, e);

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (!has_option(options, defaults[i].keyword) &&
		    !(s->is_record && strcmp(defaults[i].keyword, "passfile") == 0))
			add_option(b, defaults[i].keyword, defaults[i].value);
	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (strcmp(o->keyword, "password") == 0 && s->source->password)
			continue;
		if (o->val && *o->val)
			add_option(b, o->keyword, o->val);
		else if (!s->is_record)
			overrule_environment(b, o);
	}
	if (s->source->password)
		add_option(b, "password", s->source->password);
	s->pq->PQconninfoFree(options);
	if (rc == 0 && b->is_full)
		return err_set(e, ERR_MEASURE,
			       "cannot connect target \"%s\": the connection string is too long",
			       s->source->name);
	return rc;
}

static void ignore_notice(void *ctx, const PGresult *r)
{
	(void)ctx;
	(void)r; /* libpq would write it to stderr */
}

static int poll_connection(struct postgres_db *s, struct err *e)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK) {
		if (!postgres_wait(s, state == PGRES_POLLING_READING ? POLLIN : POLLOUT,
				   s->deadline_ms)) {
			s->is_late = true;
			return postgres_fail_connection(s, e);
		}
		state = s->pq->PQconnectPoll(s->conn);
		if (state == PGRES_POLLING_FAILED)
			return postgres_fail_connection(s, e);
	}
	return 0;
}

int postgres_connect(struct postgres_db *s, struct err *e)
{
	struct buf conninfo;

	buf_init(&conninfo, MAX_CONNINFO_BYTES);
	int rc = write_conninfo(s, &conninfo, e);

	if (rc == 0) {
		s->conn = s->pq->PQconnectStart(conninfo.data);
		if (!s->conn)
			rc = err_set(e, ERR_MEASURE, "could not connect: libpq has no memory");
	}
	/* The compiler cannot leave this out: the buffer is released in another file. */
	memset(conninfo.data, 0, conninfo.len);
	buf_release(&conninfo);
	if (rc != 0)
		return -1;
	if (s->pq->PQstatus(s->conn) == CONNECTION_BAD)
		return postgres_fail_connection(s, e);
	(void)s->pq->PQsetNoticeReceiver(s->conn, ignore_notice, NULL); /* returns the old one */
	if (poll_connection(s, e) != 0)
		return -1;
	if (s->pq->PQsetnonblocking(s->conn, 1) != 0)
		return postgres_fail_connection(s, e);
	return 0;
}
