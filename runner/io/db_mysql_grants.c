/*
 * db_mysql_grants: a role that could write is refused.
 *
 * No switch of these servers makes a session read-only: DDL ends a read-only transaction, SELECT
 * ... INTO OUTFILE writes in one, a function runs what its author wrote. What holds are the
 * privileges, so everything beyond reading is refused by name, whatever it is: the list says what
 * is allowed, because every release adds a privilege.
 *
 * SHOW GRANTS answers for the role in effect, with those of its active roles and of PUBLIC. MySQL
 * wants the active roles named. Roles that are granted but not active do not matter: SET ROLE is no
 * statement a check can run.
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db_mysql.h"

struct grants {
	struct mysql_db *s;
	char *excess; /* the first privilege too many, and on what */
	char *on;     /* that alone: " ON `shop`.*" */
	char *to;     /* to whom it was granted: "PUBLIC", "`audit`@`%`", "`role`" */
};

static bool is_reading(const char *privilege, size_t n)
{
	static const char *const allowed[] = {
		"USAGE",	 "SELECT",	    "SHOW VIEW",	   "SHOW DATABASES",
		"PROCESS",	 "SHOW_ROUTINE",    "BINLOG MONITOR",	   "REPLICATION CLIENT",
		"SLAVE MONITOR", "REPLICA MONITOR", "SHOW CREATE ROUTINE",
	};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (strlen(allowed[i]) == n && memcmp(allowed[i], privilege, n) == 0)
			return true;
	return false;
}

/* Behind a privilege: "SELECT (`a`, `b`), INSERT ON" ends at the next comma, ON or TO outside. */
static const char *skip_columns(const char *s)
{
	char quote = '\0';

	if (!str_starts(s, " ("))
		return s;
	for (; *s && (quote || *s != ')'); s++)
		if (*s == '`')
			quote = quote ? '\0' : '`';
	return *s ? s + 1 : s;
}

/* Where the words of one privilege end. */
static size_t privilege_len(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != ',' && !str_starts(s + n, " (") && !str_starts(s + n, " ON ") &&
	       !str_starts(s + n, " TO "))
		n++;
	return n;
}

static void excess(struct grants *g, const char *what, size_t n, const char *on)
{
	size_t n_on = 0;

	if (g->excess)
		return;
	while (on[n_on] && !str_starts(on + n_on, " TO "))
		n_on++;
	g->on = arena_strndup(g->s->arena, on, n_on);
	g->excess = arena_printf(g->s->arena, "%.*s%s", (int)n, what, g->on);
	on += n_on;
	on += str_starts(on, " TO ") ? strlen(" TO ") : 0;
	g->to = arena_strndup(g->s->arena, on, strcspn(on, " "));
}

/* "GRANT a, b (`x`) ON `shop`.* TO ..."; a role granted has a quoted name and no ON. */
static void read_grant(struct grants *g, const char *grant)
{
	const char *s = grant + strlen("GRANT ");
	const char *on = strstr(grant, " ON ");

	if (*s == '`' || *s == '\'' || !on)
		return;
	for (;;) {
		size_t n = privilege_len(s);

		if (!is_reading(s, n))
			excess(g, s, n, on);
		s = skip_columns(s + n);
		if (*s != ',')
			break;
		s += 1 + strspn(s + 1, " "); /* MySQL lists its newer privileges without blanks */
	}
	if (strstr(on, " WITH GRANT OPTION"))
		excess(g, "GRANT OPTION", strlen("GRANT OPTION"), on);
}

static int take_grant(void *ctx, const struct db_row *row, struct err *e)
{
	struct grants *g = ctx;

	(void)e;
	if (row->n > 0 && row->values[0].type == DB_TEXT &&
	    str_starts(row->values[0].text, "GRANT "))
		read_grant(g, row->values[0].text);
	return 0;
}

struct roles {
	struct arena *arena;
	char *names; /* NULL = none */
};

static int take_roles(void *ctx, const struct db_row *row, struct err *e)
{
	struct roles *r = ctx;

	(void)e;
	if (row->values[0].type == DB_TEXT && strcmp(row->values[0].text, "NONE") != 0)
		r->names = arena_strdup(r->arena, row->values[0].text);
	return 0;
}

int mysql_read_grants(struct mysql_db *s, int64_t deadline_ms, db_row_fn *fn, void *ctx,
		      struct err *e)
{
	struct roles active = {.arena = s->arena};
	const char *sql = "SHOW GRANTS";

	/* MySQL 5.7 has no roles, and no such function: then there is nothing to add. */
	if (!s->is_mariadb)
		(void)mysql_own_query(s, "SELECT CURRENT_ROLE()", NULL, 0, deadline_ms, take_roles,
				      &active, NULL);
	if (active.names)
		sql = arena_printf(s->arena, "SHOW GRANTS FOR CURRENT_USER() USING %s",
				   active.names);
	return mysql_own_query(s, sql, NULL, 0, deadline_ms, fn, ctx, e);
}

/*
 * Another user is no remedy for what everybody may do (MariaDB's `test`, as it is installed). Whom
 * the server does not know it lets in as the user without a name, where there is one.
 */
static int refuse(const struct grants *g, struct err *e)
{
	const struct mysql_db *s = g->s;
	bool is_public = strcmp(g->to, "PUBLIC") == 0;
	bool is_anonymous = str_starts(g->to, "``@") || str_starts(g->to, "''@");
	bool is_role = g->to[0] && !is_public && !strchr(g->to, '@');

	(void)err_set(e, ERR_MEASURE,
		      "cannot use target \"%s\": its role could write: it has the privilege %s%s%s",
		      s->source->name, g->excess,
		      is_public	     ? ", which everybody has (PUBLIC)"
		      : is_anonymous ? ", that of the anonymous user: the server knows no other of "
				       "this name"
		      : is_role	     ? ", of the role "
				     : "",
		      is_role ? g->to : "");
	if (is_public)
		return err_help(e,
				"REVOKE ALL PRIVILEGES%s FROM PUBLIC, and GRANT what some need of "
				"them to those; or accept that with `allow_writable_role: true`",
				g->on);
	return err_help(e,
			"make one that only reads: CREATE USER assize IDENTIFIED BY '...'; GRANT "
			"SELECT, SHOW VIEW ON `%s`.* TO assize; or accept this one with "
			"`allow_writable_role: true`",
			s->place.dbname);
}

int mysql_check_grants(struct mysql_db *s, struct err *e)
{
	struct grants g = {.s = s};

	if (s->source->allow_writable_role)
		return 0;
	if (mysql_read_grants(s, s->deadline_ms, take_grant, &g, e) != 0)
		return err_context(e, "could not see what the role of target \"%s\" may do",
				   s->source->name);
	return g.excess ? refuse(&g, e) : 0;
}
