/*
 * db_odbc_privileges: a role that could write is refused, and so is one of which nobody knows.
 *
 * SQLTablePrivileges is all that ODBC has: who may do what to which table. It knows nothing of
 * functions, files and the catalog, some drivers make it up, and whether the role is a member of
 * another grantee it does not say. So it proves that a role could write, or that nobody but readers
 * is granted anything; everything in between is unknown, and unknown is refused.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/err.h"
#include "runner/io/db_odbc.h"

/* Columns of the answer. */
enum { TABLE = 2, GRANTEE = 4, PRIVILEGE = 5, N_COLUMNS = 6 };

struct privileges {
	const struct odbc_db *s;
	size_t n;
	bool has_other_writers;
	char excess[256]; /* the first privilege too many, and on what */
};

static bool is_reading(const char *privilege)
{
	return strcasecmp(privilege, "SELECT") == 0 || strcasecmp(privilege, "REFERENCES") == 0;
}

static int take_privilege(void *ctx, const struct db_row *row, struct err *e)
{
	struct privileges *p = ctx;
	const struct db_value *v = row->values;

	(void)e;
	if (row->n < N_COLUMNS || v[PRIVILEGE].type != DB_TEXT)
		return 0;
	p->n++;
	if (is_reading(v[PRIVILEGE].text))
		return 0;
	const char *grantee = v[GRANTEE].type == DB_TEXT ? v[GRANTEE].text : "";

	/* A privilege without a name is none that can be judged. */
	if (v[PRIVILEGE].len == 0 || (*grantee && strcasecmp(grantee, p->s->user) != 0 &&
				      strcasecmp(grantee, "PUBLIC") != 0))
		p->has_other_writers = true;
	else if (!p->excess[0])
		/* Cut at its size: a message, not data. */
		(void)snprintf(p->excess, sizeof(p->excess), "%s on %s", v[PRIVILEGE].text,
			       v[TABLE].type == DB_TEXT ? v[TABLE].text : "a table");
	return 0;
}

static SQLRETURN ask(struct odbc_db *s, const void *what)
{
	SQLWCHAR any[] = {'%', 0};

	(void)what;
	return s->client->privileges(s->statement, NULL, 0, NULL, 0, any, SQL_NTS);
}

int odbc_check_privileges(struct odbc_db *s, struct err *e)
{
	struct privileges p = {.s = s};

	if (s->source->allow_writable_role)
		return 0;
	int rc = odbc_call(s, ask, NULL, s->deadline_ms, take_privilege, &p, NULL);

	if (rc == 0 && p.n > 0 && !p.has_other_writers && !p.excess[0])
		return 0;
	if (rc == 0 && p.excess[0])
		(void)err_set(e, ERR_MEASURE,
			      "cannot use target \"%s\": its role could write: it has the "
			      "privilege %s",
			      s->source->name, p.excess);
	else
		(void)err_set(e, ERR_MEASURE,
			      "cannot use target \"%s\": cannot tell whether the role could write: "
			      "%s says too little through ODBC",
			      s->source->name, s->dbms[0] ? s->dbms : "the database");
	return err_help(e, "give it a role that may only read, then say so with "
			   "`allow_writable_role: true`");
}
