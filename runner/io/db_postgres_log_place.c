/*
 * db_postgres_log_place: which tables a record is in, and what kind of server has answered. Asked
 * once, when the session is opened for the first time.
 *
 * Tables are found by the search path, which is a role's: another role, or the same with other
 * options, finds others, or none. So their schema is part of what a record is, and where there are
 * some that this role does not find nothing is begun beside them, unless somebody named a schema.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/db_postgres_log.h"

struct found {
	const char *schema;    /* of the tables; "" = they are not found */
	const char *first;     /* where they would be made; "" = nowhere */
	const char *elsewhere; /* a schema that has some; "" = none */
	const char *role;
	const char *named_by; /* who said the search path: "client" = this session */
	bool is_standby;
};

static const char *text_at(struct postgres_log *l, const PGresult *r, int row, int at)
{
	return arena_strdup(l->arena, l->session.pq->PQgetvalue(r, row, at));
}

static int take_found(void *ctx, struct postgres_log *l, const PGresult *r, int row, struct err *e)
{
	struct found *x = ctx;

	(void)e; /* none of them is NULL */
	x->schema = text_at(l, r, row, 0);
	x->first = text_at(l, r, row, 1);
	x->elsewhere = text_at(l, r, row, 2);
	x->role = text_at(l, r, row, 3);
	x->named_by = text_at(l, r, row, 4);
	x->is_standby = l->session.pq->PQgetvalue(r, row, 5)[0] == 't';
	return 0;
}

static int take_replayed(void *ctx, struct postgres_log *l, const PGresult *r, int row,
			 struct err *e)
{
	const char **out = ctx;

	(void)e; /* it is not NULL */
	*out = text_at(l, r, row, 0);
	return 0;
}

/* As they were asked for, wherever from: of several hosts another one may answer the next time. */
static const char *read_place(struct postgres_log *l)
{
	static const char *const keywords[] = {"host", "hostaddr", "port", "dbname"};
	PQconninfoOption *options = l->session.pq->PQconninfo(l->session.conn);
	const char *place = "";

	if (!options)
		oom();
	for (const PQconninfoOption *o = options; o->keyword; o++)
		for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
			if (strcmp(o->keyword, keywords[i]) == 0 && o->val)
				place = arena_printf(l->arena, "%s%s=%s ", place, o->keyword,
						     o->val);
	l->session.pq->PQconninfoFree(options);
	return place;
}

static int is_elsewhere(struct postgres_log *l, const struct found *x, struct err *e)
{
	(void)err_set(e, ERR_RECORD,
		      "could not find record \"%s\": its tables are in schema \"%s\", where role "
		      "\"%s\" does not look",
		      l->url.shown, x->elsewhere, x->role);
	return err_help(
		e,
		"ALTER ROLE \"%s\" IN DATABASE ... SET search_path = %s, and GRANT USAGE ON "
		"SCHEMA %s TO it. To use or begin another record in another schema, name "
		"that in the URL: options=-csearch_path%%3DSCHEMA",
		x->role, x->elsewhere, x->elsewhere);
}

/* Another server need not have the function. */
static int read_replayed(struct postgres_log *l, struct err *e)
{
	const char *until = "";
	struct postgres_log_answer answer = {.row = take_replayed, .ctx = &until};

	if (postgres_log_run(
		    l,
		    "SELECT coalesce(to_char(pg_last_xact_replay_timestamp() AT TIME ZONE "
		    "'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'a time that it does not know')",
		    &answer, e) != 0)
		return -1;
	l->standby = arena_printf(l->arena, "has what was committed until %s", until);
	return 0;
}

int postgres_log_find_place(struct postgres_log *l, struct err *e)
{
	struct found x = {.schema = ""};
	struct postgres_log_answer answer = {.row = take_found, .ctx = &x};

	if (postgres_log_run(
		    l,
		    "SELECT coalesce((SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n "
		    "ON "
		    "n.oid = c.relnamespace WHERE c.oid = to_regclass('assize_record')), ''), "
		    "coalesce(current_schema()::text, ''), coalesce((SELECT min(n.nspname::text) "
		    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname "
		    "= 'assize_record' AND c.relkind IN ('r', 'p')), ''), current_user::text, "
		    "coalesce((SELECT source FROM pg_settings WHERE name = 'search_path'), ''), "
		    "pg_is_in_recovery()",
		    &answer, e) != 0)
		return -1;
	if (x.schema[0] == '\0' && x.elsewhere[0] != '\0' && strcmp(x.named_by, "client") != 0)
		return is_elsewhere(l, &x, e);
	if (x.is_standby && read_replayed(l, e) != 0)
		return -1;
	l->place = arena_printf(l->arena, "%sschema=%s", read_place(l),
				x.schema[0] != '\0' ? x.schema : x.first);
	return 0;
}
