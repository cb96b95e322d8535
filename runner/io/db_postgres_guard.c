/*
 * db_postgres_guard: as whom a session may read, and what its statements may call.
 *
 * READ ONLY stops INSERT and its like. It does not stop functions: lo_create, pg_notify, advisory
 * locks, pg_logical_emit_message, txid_current, dblink, pg_terminate_backend act all the same, and
 * query_to_xml, ts_stat or crosstab run SQL text that nobody looked at. So before a statement is
 * planned (planning runs functions, too: it folds IMMUTABLE ones and estimates with STABLE ones)
 * the guard collects every function the statement can reach, and refuses it when one of them
 *
 * - is PostgreSQL's own, VOLATILE, and not on the list of those that only read;
 * - is one of the few that act, or run text, though they are called STABLE;
 * - is somebody else's and VOLATILE, which is also what a function is that nobody said anything
 *   about, unless it belongs to an extension's reading ones.
 *
 * A function can be reached by its name before a parenthesis; as a column (row.function); by an
 * operator; by a cast; by the CHECK of a domain; in a view or in a policy of row security, in turn
 * through more of them; as a part of an aggregate; in the default of an argument. Names come from
 * the statement, everything else from the catalog, where views and policies name functions by OID.
 * Whatever could be meant by a name counts: too much is refused, never too little. Types, operator
 * classes, sampling methods and procedural languages can only be made by a superuser.
 *
 * What remains: a function that its owner calls STABLE or IMMUTABLE is believed, as is what it
 * calls; a domain that is reached without being named (as a part of a row type that text is cast
 * to); foreign tables, which do what their server does; functions made between the look and the
 * run. All of it runs within READ ONLY as a role that may not write: grants are the boundary, and
 * postgres_check_role() looks at them.
 *
 * Sources: PostgreSQL manual 9 (each function), 38.7; src/include/catalog/pg_proc.dat.
 */
#include <string.h>

#include "runner/base/err.h"
#include "runner/io/db_postgres.h"

/*
 * VOLATILE and harmless, of PostgreSQL 12 to 18. bernoulli and system are how TABLESAMPLE chooses,
 * and take what no statement can hand them.
 */
static const char reading[] =
	"{bernoulli,clock_timestamp,current_query,currval,gen_random_uuid,lastval,pg_blocking_pids,"
	"pg_collation_actual_version,pg_control_checkpoint,pg_control_init,pg_control_recovery,"
	"pg_control_system,pg_current_wal_flush_lsn,pg_current_wal_insert_lsn,"
	"pg_current_wal_lsn,pg_database_collation_actual_version,pg_database_size,"
	"pg_get_multixact_members,pg_get_wal_replay_pause_state,pg_get_wal_resource_managers,"
	"pg_indexes_size,pg_is_in_recovery,pg_is_wal_replay_paused,pg_jit_available,"
	"pg_last_committed_xact,pg_last_wal_receive_lsn,pg_last_wal_replay_lsn,"
	"pg_last_xact_replay_timestamp,pg_lock_status,pg_notification_queue_usage,"
	"pg_partition_ancestors,pg_partition_tree,pg_prepared_xact,pg_relation_size,"
	"pg_replication_origin_progress,pg_safe_snapshot_blocking_pids,pg_sequence_last_value,"
	"pg_show_replication_origin_status,pg_sleep,pg_sleep_for,pg_sleep_until,"
	"pg_stat_get_recovery_prefetch,pg_stat_get_xact_blocks_fetched,"
	"pg_stat_get_xact_blocks_hit,pg_stat_get_xact_function_calls,"
	"pg_stat_get_xact_function_self_time,pg_stat_get_xact_function_total_time,"
	"pg_stat_get_xact_numscans,pg_stat_get_xact_tuples_deleted,"
	"pg_stat_get_xact_tuples_fetched,pg_stat_get_xact_tuples_hot_updated,"
	"pg_stat_get_xact_tuples_inserted,pg_stat_get_xact_tuples_newpage_updated,"
	"pg_stat_get_xact_tuples_returned,pg_stat_get_xact_tuples_updated,pg_stat_have_stats,"
	"pg_table_size,pg_tablespace_size,pg_total_relation_size,pg_xact_commit_timestamp,"
	"pg_xact_commit_timestamp_origin,pg_xact_status,random,random_normal,setseed,system,"
	"timeofday,txid_status,uuidv4,uuidv7}";

/* The same of the extensions that come with PostgreSQL. */
static const char reading_of_extensions[] =
	"{gen_random_bytes,gen_random_uuid,gen_salt,normal_rand,pg_buffercache_pages,"
	"pg_freespace,pg_relpages,pg_stat_statements,pg_stat_statements_info,pg_visibility,"
	"pg_visibility_map,pg_visibility_map_summary,pgp_pub_encrypt,pgp_pub_encrypt_bytea,"
	"pgp_sym_encrypt,pgp_sym_encrypt_bytea,pgstatginindex,pgstathashindex,pgstatindex,"
	"pgstattuple,pgstattuple_approx,uuid_generate_v1,uuid_generate_v1mc,uuid_generate_v4}";

/* Not VOLATILE by their own account, but they use up a transaction id, or run SQL text. */
static const char acting[] =
	"^(txid_current|pg_current_xact_id|.*_to_xml(schema|_and_xmlschema)?|crosstab.*|"
	"connectby|xpath_table|dblink.*)$";

#define USER_OID "16384" /* FirstNormalObjectId: what did not come with the server */

/*
 * Most statements name nothing but tables and PostgreSQL's own functions: this look, which costs
 * little, lets them pass. A row: something has to be looked into.
 */
static const char suspects_sql[] =
	"SELECT 1 FROM pg_catalog.pg_proc"
	" WHERE proname = ANY ($2::name[] || $3::name[])"
	"  AND (oid >= " USER_OID " OR proname ~ $5"
	"   OR provolatile = 'v' AND proname <> ALL ($4::name[]))"
	" UNION ALL SELECT 1 FROM pg_catalog.pg_proc"
	" WHERE proname = ANY ($1::name[]) AND oid >= " USER_OID " AND pronargs > 0"
	" UNION ALL SELECT 1 FROM pg_catalog.pg_class"
	" WHERE relname = ANY ($1::name[]) AND oid >= " USER_OID
	"  AND (relkind = 'v' OR relrowsecurity)"
	" UNION ALL SELECT 1 FROM pg_catalog.pg_type"
	" WHERE typname = ANY ($1::name[]) AND oid >= " USER_OID
	"  AND (typtype = 'd' OR typcategory = 'A')"
	" UNION ALL SELECT 1 FROM pg_catalog.pg_operator o"
	" WHERE o.oid >= " USER_OID
	"  AND (SELECT p.provolatile FROM pg_catalog.pg_proc p WHERE p.oid = o.oprcode) = 'v'"
	" UNION ALL SELECT 1 FROM pg_catalog.pg_cast c WHERE c.oid >= " USER_OID
	"  AND (SELECT p.provolatile FROM pg_catalog.pg_proc p WHERE p.oid = c.castfunc) = 'v'"
	" LIMIT 1";

/* LATERAL ... OFFSET 0: one after the other by index, as there are few of each. */
static const char calls_sql[] =
	"WITH RECURSIVE relation(oid) AS ("
	" SELECT c.oid FROM pg_catalog.pg_class c"
	"  WHERE c.relname = ANY ($1::name[]) AND c.oid >= " USER_OID " UNION"
	" SELECT found[1]::pg_catalog.oid FROM relation r, LATERAL ("
	"  SELECT w.ev_action::text FROM pg_catalog.pg_rewrite w"
	"   WHERE w.ev_class = r.oid AND w.ev_type = '1'"
	"  UNION ALL SELECT p.polqual::text FROM pg_catalog.pg_policy p WHERE p.polrelid = r.oid"
	"  OFFSET 0) t(tree), pg_catalog.regexp_matches(t.tree, ':relid (\\d+)', 'g') found"
	"  WHERE found[1]::pg_catalog.oid >= " USER_OID "), domain(oid) AS ("
	" SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typtype = 'd'"
	"  AND (t.typname = ANY ($1::name[]) OR t.typarray IN ("
	"   SELECT a.oid FROM pg_catalog.pg_type a WHERE a.typname = ANY ($1::name[])))"
	" UNION"
	" SELECT t.typbasetype FROM domain d JOIN pg_catalog.pg_type t ON t.oid = d.oid"
	"), tree(tree) AS ("
	" SELECT t.tree FROM relation r, LATERAL ("
	"  SELECT w.ev_action::text FROM pg_catalog.pg_rewrite w"
	"   WHERE w.ev_class = r.oid AND w.ev_type = '1'"
	"  UNION ALL SELECT p.polqual::text FROM pg_catalog.pg_policy p WHERE p.polrelid = r.oid"
	"  OFFSET 0) t(tree)"
	" UNION ALL"
	" SELECT k.conbin::text FROM domain d, LATERAL ("
	"  SELECT conbin FROM pg_catalog.pg_constraint WHERE contypid = d.oid OFFSET 0) k"
	"), called(oid) AS ("
	" SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.proname = ANY ($2::name[])"
	"  AND p.pronamespace IN (SELECT n.oid FROM pg_catalog.pg_namespace n"
	"   WHERE n.nspname = ANY (pg_catalog.current_schemas(true)))"
	" UNION"
	" SELECT p.oid"
	" FROM ROWS FROM (pg_catalog.unnest($3::name[]), pg_catalog.unnest($4::name[]))"
	"  AS q(schema, name), LATERAL (SELECT f.oid FROM pg_catalog.pg_proc f"
	"   JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace"
	"   WHERE f.proname = q.name AND n.nspname = q.schema OFFSET 0) p"
	" UNION"
	" SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type t"
	"  ON t.oid = p.proargtypes[0] WHERE p.proname = ANY ($1::name[])"
	"  AND p.oid >= " USER_OID " AND t.typtype IN ('c', 'd', 'p')"
	" UNION"
	" SELECT o.oprcode::pg_catalog.oid FROM pg_catalog.pg_operator o WHERE o.oid >= " USER_OID
	"  AND (pg_catalog.strpos($5, o.oprname::text) > 0"
	"   OR o.oprname IN ('=', '<>', '<', '<=', '>', '>=',"
	"    '~', '!~', '~~', '!~~', '~~*', '!~~*'))"
	" UNION"
	" SELECT c.castfunc FROM pg_catalog.pg_cast c WHERE c.oid >= " USER_OID
	"  AND c.castfunc <> 0"
	" UNION"
	" SELECT found[1]::pg_catalog.oid FROM tree, pg_catalog.regexp_matches(tree.tree,"
	"  ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') found"
	"), part(oid) AS ("
	" SELECT oid FROM called"
	" UNION"
	" SELECT x.oid FROM called c, LATERAL ("
	"  SELECT pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn,"
	"    a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[])"
	"   FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = c.oid"
	"  UNION ALL"
	"  SELECT found[1]::pg_catalog.oid FROM pg_catalog.pg_proc p,"
	"   pg_catalog.regexp_matches(p.proargdefaults::text, ':(?:funcid|opfuncid) (\\d+)', 'g')"
	"    found WHERE p.oid = c.oid OFFSET 0) x(oid)"
	")"
	" SELECT n.nspname, p.proname, p.oid >= " USER_OID " AND p.provolatile = 'v'"
	" FROM part,"
	" LATERAL (SELECT * FROM pg_catalog.pg_proc f WHERE f.oid = part.oid OFFSET 0) p,"
	" LATERAL (SELECT s.nspname FROM pg_catalog.pg_namespace s"
	"  WHERE s.oid = p.pronamespace OFFSET 0) n"
	" WHERE p.proname ~ $8"
	"  OR p.provolatile = 'v' AND p.oid < " USER_OID " AND p.proname <> ALL ($6::name[])"
	"  OR p.provolatile = 'v' AND p.oid >= " USER_OID
	"   AND (p.proname <> ALL ($7::name[]) OR NOT EXISTS ("
	"    SELECT FROM pg_catalog.pg_depend d"
	"    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid"
	"     AND d.deptype = 'e'))"
	" ORDER BY n.nspname = 'pg_catalog' DESC, p.proname LIMIT 1";

static int refuse_call(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = row->values;

	(void)ctx;
	if (strcmp(v[0].text, "pg_catalog") == 0)
		return err_set(e, ERR_MEASURE,
			       "cannot run the query: it would call %s(), which does more than "
			       "read, and an audit only reads",
			       v[1].text);
	(void)err_set(e, ERR_MEASURE,
		      "cannot run the query: it could call %s.%s(), which %s, and an audit only "
		      "reads",
		      v[0].text, v[1].text,
		      v[2].integer ? "is VOLATILE" : "runs statements given as text");
	if (v[2].integer)
		return err_help(e, "if it only reads, its owner can say so: ALTER FUNCTION ... "
				   "STABLE; if another of that name is meant, write its schema");
	return -1;
}

static int note_suspect(void *ctx, const struct db_row *row, struct err *e)
{
	bool *is_suspect = ctx;

	(void)row;
	(void)e;
	*is_suspect = true;
	return 0;
}

int postgres_check_calls(struct postgres_db *s, const struct postgres_statement *st, struct err *e)
{
	const char *first[] = {st->words, st->calls, st->call_names, reading, acting};
	const char *all[] = {st->words,	    st->calls, st->call_schemas,      st->call_names,
			     st->operators, reading,   reading_of_extensions, acting};
	bool is_suspect = false;

	if (postgres_rows(s, suspects_sql, first, sizeof(first) / sizeof(*first), note_suspect,
			  &is_suspect, e) != 0)
		return -1;
	if (!is_suspect)
		return 0;
	return postgres_rows(s, calls_sql, all, sizeof(all) / sizeof(*all), refuse_call, NULL, e);
}

/* ---- the role ---- */

/* pg_maintain and pg_create_subscription are of later servers. */
#define WRITING_ROLES                                                                              \
	"('pg_write_server_files', 'pg_execute_server_program', 'pg_write_all_data',"              \
	" 'pg_maintain', 'pg_create_subscription')"
/* What may be somebody's to change; c is pg_class. */
#define WRITABLE_CLASS                                                                             \
	"c.relkind IN ('r', 'p', 'v', 'f') AND c.relpersistence <> 't' AND c.oid >= " USER_OID
#define CREATES_IN_SCHEMA                                                                          \
	" FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_'"                                    \
	" AND pg_catalog.has_schema_privilege(oid, 'CREATE')"
#define CREATES_IN_DATABASE " WHERE pg_catalog.has_database_privilege(current_database(), 'CREATE')"

/*
 * Is there any privilege that role_sql would find? A role that only reads is asked this alone: it
 * is planned in half of the time.
 */
static const char is_writing_sql[] =
	"SELECT 1 FROM pg_catalog.pg_roles r WHERE (rolsuper OR rolcreaterole OR rolcreatedb"
	"  OR rolreplication OR rolname IN " WRITING_ROLES
	") AND pg_catalog.pg_has_role(r.oid, 'MEMBER')"
	" UNION ALL SELECT 1 FROM pg_catalog.pg_class c WHERE " WRITABLE_CLASS
	"  AND (pg_catalog.pg_has_role(c.relowner, 'MEMBER')"
	"   OR pg_catalog.has_table_privilege(c.oid, 'INSERT,UPDATE,DELETE,TRUNCATE')"
	"   OR pg_catalog.has_any_column_privilege(c.oid, 'INSERT,UPDATE'))"
	" UNION ALL SELECT 1" CREATES_IN_SCHEMA " UNION ALL SELECT 1" CREATES_IN_DATABASE
	" LIMIT 1";

/*
 * The first privilege found, and how to take it away. Roles that could be taken by SET ROLE count.
 * TEMP does not: it is PUBLIC's unless revoked, READ ONLY refuses it, and it ends with the session.
 */
static const char role_sql[] =
	"WITH role AS (SELECT r.* FROM pg_catalog.pg_roles r"
	"  WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER')),"
	" foreign_to_us AS (SELECT c.oid, c.relkind, c.relowner,"
	"   pg_catalog.format('%I.%I', n.nspname, c.relname) AS name"
	"  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	"  WHERE " WRITABLE_CLASS ")"
	" SELECT what, remedy FROM ("
	" SELECT 1, 'is a superuser', '' FROM role WHERE rolname = current_user AND rolsuper"
	" UNION ALL"
	" SELECT 2, pg_catalog.format('is a member of %I', rolname),"
	"  pg_catalog.format('REVOKE %I FROM %I', rolname, current_user) FROM role"
	"  WHERE rolsuper OR rolname IN " WRITING_ROLES " UNION ALL"
	" SELECT 3, 'can ' || attribute, pg_catalog.format('ALTER ROLE %I %s', rolname, remedy)"
	"  FROM role, LATERAL (VALUES (rolcreaterole, 'create roles', 'NOCREATEROLE'),"
	"   (rolcreatedb, 'create databases', 'NOCREATEDB'),"
	"   (rolreplication, 'replicate', 'NOREPLICATION')) a(has, attribute, remedy) WHERE has"
	" UNION ALL"
	" SELECT 4, 'owns ' || name, pg_catalog.format('ALTER TABLE %s OWNER TO another role', "
	"name)"
	"  FROM foreign_to_us JOIN role ON role.oid = relowner"
	" UNION ALL"
	" SELECT 5, pg_catalog.format('has %s on %s', privilege, name),"
	"  pg_catalog.format('REVOKE %s ON %s FROM %I', privilege, name, current_user)"
	"  FROM foreign_to_us,"
	"   pg_catalog.unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) privilege"
	"  WHERE pg_catalog.has_table_privilege(foreign_to_us.oid, privilege)"
	"   OR privilege IN ('INSERT', 'UPDATE')"
	"    AND pg_catalog.has_any_column_privilege(foreign_to_us.oid, privilege)"
	" UNION ALL"
	" SELECT 6, pg_catalog.format('has CREATE on schema %I', nspname),"
	"  pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', nspname, "
	"current_user)" CREATES_IN_SCHEMA " UNION ALL"
	" SELECT 7, pg_catalog.format('has CREATE on database %I', current_database()),"
	"  pg_catalog.format('REVOKE CREATE ON DATABASE %I FROM PUBLIC, %I',"
	"   current_database(), current_user)" CREATES_IN_DATABASE
	" ) found(rank, what, remedy) ORDER BY rank, what LIMIT 1";

static int refuse_role(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_db *s = ctx;
	const char *user = s->pq->PQuser(s->conn), *remedy = row->values[1].text;

	(void)err_set(e, ERR_MEASURE, "cannot audit as role \"%s\": it %s, and an audit only reads",
		      user, row->values[0].text);
	return err_help(e,
			"%s%smake a reading role: CREATE ROLE audit LOGIN PASSWORD '...'; "
			"GRANT pg_read_all_data TO audit; or say allow_writable_role: true",
			remedy, *remedy ? "; or " : "");
}

int postgres_check_role(struct postgres_db *s, struct err *e)
{
	bool is_writing = false;

	if (postgres_rows(s, is_writing_sql, NULL, 0, note_suspect, &is_writing, e) != 0)
		return -1;
	return is_writing ? postgres_rows(s, role_sql, NULL, 0, refuse_role, s, e) : 0;
}
