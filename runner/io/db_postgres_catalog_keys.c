/*
 * db_postgres_catalog_keys: what a table has beside its columns.
 *
 * Rows come one a column of a key, in the key's order, so that no array has to be taken apart.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/io/db_catalog_build.h"
#include "runner/io/db_postgres_catalog.h"

static const char *text_of(const struct postgres_catalog *c, const struct db_value *v)
{
	return db_value_text(c->arena, v);
}

static const char **add_text(const struct postgres_catalog *c, const char **items, size_t *n,
			     const char *text)
{
	items = db_array_grow(c->arena, items, *n, sizeof(*items));
	items[(*n)++] = text;
	return items;
}

/* ---- constraints ---- */

static const char constraints_sql[] =
	"SELECT k.conrelid::text, k.conname, k.contype, a.attname,"
	" CASE k.contype WHEN 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid, true)"
	"  WHEN 'x' THEN pg_catalog.pg_get_constraintdef(k.oid, true) END,"
	" k.condeferrable, k.condeferred, NOT k.convalidated, k.connoinherit"
	" FROM pg_catalog.pg_constraint k"
	" LEFT JOIN LATERAL pg_catalog.unnest(k.conkey) WITH ORDINALITY p(attnum, place)"
	"  ON k.contype IN ('p', 'u')"
	" LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.attnum"
	" WHERE k.contype IN ('p', 'u', 'c', 'x') AND k.conrelid = ANY ($1::oid[])"
	" ORDER BY k.oid, p.place";

static enum db_constraint_type constraint_type(char type)
{
	switch (type) {
	case 'p':
		return DB_PRIMARY_KEY;
	case 'u':
		return DB_UNIQUE;
	case 'c':
		return DB_CHECK;
	default:
		return DB_EXCLUDE;
	}
}

static int add_constraint(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	const struct db_value *v = row->values;
	struct db_table *t = postgres_catalog_table(c, row);
	struct db_constraint *last;

	(void)e;
	if (!t)
		return 0;
	last = t->n_constraints > 0 ? &t->constraints[t->n_constraints - 1] : NULL;
	/* Names of constraints are unique within their table. */
	if (!last || strcmp(last->name, v[1].text) != 0) {
		t->constraints = db_array_grow(c->arena, t->constraints, t->n_constraints,
					       sizeof(*t->constraints));
		last = &t->constraints[t->n_constraints++];
		last->name = text_of(c, &v[1]);
		last->type = constraint_type(v[2].text[0]);
		last->expression = text_of(c, &v[4]);
		last->is_deferrable = v[5].integer != 0;
		last->is_deferred = v[6].integer != 0;
		last->is_unvalidated = v[7].integer != 0;
		last->is_no_inherit = last->type == DB_CHECK && v[8].integer != 0;
	}
	if (v[3].type != DB_NULL)
		last->columns = add_text(c, last->columns, &last->n_columns, text_of(c, &v[3]));
	return 0;
}

/* ---- indexes ---- */

/*
 * DESC means NULLS FIRST unless it is said, and ASC the other. The collation of an expression is
 * kept nowhere: the whole definition says COLLATE where the index has another one.
 */
#define INDEXES_SQL(equal_nulls)                                                                   \
	"SELECT i.indrelid::text, x.relname, i.indisunique,"                                       \
	" EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid"          \
	"  AND k.contype IN ('p', 'u', 'x')),"                                                     \
	" pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), m.amname,"                          \
	" NOT (i.indisvalid AND i.indisready AND i.indislive), p.place < i.indnkeyatts, "          \
	"a.attname,"                                                                               \
	" CASE WHEN a.attname IS NULL THEN"                                                        \
	"  pg_catalog.pg_get_indexdef(i.indexrelid, p.place + 1, true) END,"                       \
	" pg_catalog.concat_ws(' ',"                                                               \
	"  (SELECT 'COLLATE ' || l.collname FROM pg_catalog.pg_collation l"                        \
	"   WHERE l.oid = i.indcollation[p.place] AND CASE WHEN a.attname IS NULL THEN"            \
	"    pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),"                 \
	"     pg_catalog.pg_get_indexdef(i.indexrelid, p.place + 1, true) || ' COLLATE ') > 0"     \
	"    ELSE a.attcollation <> l.oid END),"                                                   \
	"  (SELECT o.opcname FROM pg_catalog.pg_opclass o WHERE o.oid = i.indclass[p.place]"       \
	"   AND NOT o.opcdefault),"                                                                \
	"  CASE i.indoption[p.place] & 3 WHEN 1 THEN 'DESC NULLS LAST' WHEN 2 THEN 'NULLS FIRST'"  \
	"   WHEN 3 THEN 'DESC' END), " equal_nulls                                                 \
	" FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid"           \
	" JOIN pg_catalog.pg_am m ON m.oid = x.relam"                                              \
	" CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnatts - 1) p(place)"               \
	" LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid"                          \
	"  AND a.attnum = i.indkey[p.place] AND a.attnum <> 0"                                     \
	" WHERE i.indrelid = ANY ($1::oid[]) ORDER BY i.indexrelid, p.place"

static struct db_index *new_index(struct postgres_catalog *c, struct db_table *t,
				  const struct db_value *v)
{
	t->indexes = db_array_grow(c->arena, t->indexes, t->n_indexes, sizeof(*t->indexes));
	struct db_index *x = &t->indexes[t->n_indexes++];

	x->name = text_of(c, &v[1]);
	x->is_unique = v[2].integer != 0;
	x->is_automatic = v[3].integer != 0;
	x->where = text_of(c, &v[4]);
	if (strcmp(v[5].text, "btree") != 0)
		x->method = text_of(c, &v[5]);
	x->is_invalid = v[6].integer != 0;
	x->has_equal_nulls = v[11].integer != 0;
	for (size_t i = 0; x->has_equal_nulls && x->is_automatic && i < t->n_constraints; i++)
		t->constraints[i].has_equal_nulls |= strcmp(t->constraints[i].name, x->name) == 0;
	return x;
}

/* The options of a key's last column; there is an array as soon as one has any. */
static void set_options(const struct postgres_catalog *c, struct db_index *x,
			const struct db_value *options)
{
	const char **all;

	if (!x->options && options->len == 0)
		return;
	all = arena_array(c->arena, x->n_columns, sizeof(*all));
	for (size_t i = 0; x->options && i + 1 < x->n_columns; i++)
		all[i] = x->options[i];
	if (options->len > 0)
		all[x->n_columns - 1] = text_of(c, options);
	x->options = all;
}

static int add_index_column(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	const struct db_value *v = row->values;
	struct db_table *t = postgres_catalog_table(c, row);
	struct db_index *x;
	const char *name;

	(void)e;
	if (!t)
		return 0;
	x = t->n_indexes > 0 ? &t->indexes[t->n_indexes - 1] : NULL;
	if (!x || strcmp(x->name, v[1].text) != 0)
		x = new_index(c, t, v);
	if (v[8].type != DB_NULL)
		name = text_of(c, &v[8]);
	else /* a bare function call is printed without parentheses */
		name = arena_printf(c->arena, v[9].text[0] == '(' ? "%s" : "(%s)", v[9].text);
	if (!v[7].integer) {
		x->include = add_text(c, x->include, &x->n_include, name);
		return 0;
	}
	x->columns = add_text(c, x->columns, &x->n_columns, name);
	set_options(c, x, &v[10]);
	return 0;
}

/* ---- foreign keys ---- */

/* set_columns: those ON DELETE sets, where they are not all. */
#define FOREIGN_KEYS_SQL(set_columns)                                                              \
	"SELECT k.conrelid::text, k.conname, a.attname, k.confrelid::text,"                        \
	" k.confrelid::pg_catalog.regclass::text, f.attname, k.confupdtype, k.confdeltype,"        \
	" k.condeferrable, k.condeferred, NOT k.convalidated,"                                     \
	" EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid"                \
	"  AND g.tgenabled IN ('D', 'R')), k.confmatchtype = 'f',"                                 \
	" (SELECT n.nspname FROM pg_catalog.pg_class c"                                            \
	"  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "                \
	"k.confrelid), " set_columns " FROM pg_catalog.pg_constraint k CROSS JOIN LATERAL"         \
	"  ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey))"                  \
	"  WITH ORDINALITY p(ours, theirs, place)"                                                 \
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.ours"         \
	" JOIN pg_catalog.pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = p.theirs"      \
	" WHERE k.contype = 'f' AND k.conrelid = ANY ($1::oid[]) ORDER BY k.oid, p.place"
#define SET_COLUMNS                                                                                \
	"(SELECT pg_catalog.string_agg(s.attname, ', ' ORDER BY s.attnum)"                         \
	" FROM pg_catalog.pg_attribute s WHERE s.attrelid = k.conrelid"                            \
	" AND s.attnum = ANY (k.confdelsetcols))"

static const char *action_of(char action)
{
	switch (action) {
	case 'r':
		return "RESTRICT";
	case 'c':
		return "CASCADE";
	case 'n':
		return "SET NULL";
	case 'd':
		return "SET DEFAULT";
	default:
		return "NO ACTION";
	}
}

static int add_foreign_key(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	const struct db_value *v = row->values;
	struct db_table *t = postgres_catalog_table(c, row);
	struct db_foreign_key *k;
	size_t n_targets;

	(void)e;
	if (!t)
		return 0;
	k = t->n_foreign_keys > 0 ? &t->foreign_keys[t->n_foreign_keys - 1] : NULL;
	if (!k || strcmp(k->name, v[1].text) != 0) {
		t->foreign_keys = db_array_grow(c->arena, t->foreign_keys, t->n_foreign_keys,
						sizeof(*t->foreign_keys));
		k = &t->foreign_keys[t->n_foreign_keys++];
		k->name = text_of(c, &v[1]);
		k->table = postgres_catalog_name(c, &v[3], &v[4]);
		k->schema = text_of(c, &v[13]);
		k->on_update = action_of(v[6].text[0]);
		k->on_delete = action_of(v[7].text[0]);
		k->is_deferrable = v[8].integer != 0;
		k->is_deferred = v[9].integer != 0;
		k->is_unvalidated = v[10].integer != 0;
		k->is_disabled = v[11].integer != 0;
		k->is_match_full = v[12].integer != 0;
		k->set_columns = text_of(c, &v[14]);
	}
	n_targets = k->n_columns;
	k->targets = add_text(c, k->targets, &n_targets, text_of(c, &v[5]));
	k->columns = add_text(c, k->columns, &k->n_columns, text_of(c, &v[2]));
	return 0;
}

/* ---- triggers, rules, statistics and policies: those for replicas never fire in a session of an
 * application ---- */

/* What a policy lets whom do with which rows: there is no printer of them. */
#define POLICY_DEFINITION                                                                          \
	"pg_catalog.concat_ws(' ', CASE WHEN NOT p.polpermissive THEN 'AS RESTRICTIVE' END,"       \
	" 'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'"                   \
	"  WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,"                          \
	" 'TO ' || CASE WHEN 0 = ANY (p.polroles) THEN 'PUBLIC' ELSE"                              \
	"  (SELECT pg_catalog.string_agg(o.rolname, ', ' ORDER BY o.rolname)"                      \
	"   FROM pg_catalog.pg_roles o WHERE o.oid = ANY (p.polroles)) END,"                       \
	" 'USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid, true) || ')',"                \
	" 'WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid, true) || ')')"

static const char triggers_sql[] =
	"SELECT g.tgrelid::text, g.tgname::text, pg_catalog.pg_get_triggerdef(g.oid, true),"
	" g.tgenabled IN ('D', 'R'), 't', g.tgenabled FROM pg_catalog.pg_trigger g"
	" WHERE NOT g.tgisinternal AND g.tgrelid = ANY ($1::oid[])"
	" UNION ALL SELECT r.ev_class::text, r.rulename, pg_catalog.pg_get_ruledef(r.oid, true),"
	" r.ev_enabled IN ('D', 'R'), 'r', r.ev_enabled FROM pg_catalog.pg_rewrite r"
	" WHERE r.rulename <> '_RETURN' AND r.ev_class = ANY ($1::oid[])"
	" UNION ALL SELECT s.stxrelid::text, s.stxname,"
	" pg_catalog.pg_get_statisticsobjdef(s.oid), false, 's', 'O' FROM "
	"pg_catalog.pg_statistic_ext s"
	" WHERE s.stxrelid = ANY ($1::oid[])"
	" UNION ALL SELECT p.polrelid::text, p.polname, " POLICY_DEFINITION ", false, 'p', 'O'"
	" FROM pg_catalog.pg_policy p WHERE p.polrelid = ANY ($1::oid[])";

static int add_trigger(void *ctx, const struct db_row *row, struct err *e)
{
	struct postgres_catalog *c = ctx;
	const struct db_value *v = row->values;
	struct db_table *t = postgres_catalog_table(c, row);

	(void)e;
	if (!t)
		return 0;
	struct db_trigger **items = &t->triggers;
	size_t *n = &t->n_triggers;

	switch (v[4].text[0]) {
	case 'r':
		items = &t->rules;
		n = &t->n_rules;
		break;
	case 's':
		items = &t->statistics;
		n = &t->n_statistics;
		break;
	case 'p':
		items = &t->policies;
		n = &t->n_policies;
		break;
	}
	*items = db_array_grow(c->arena, *items, *n, sizeof(**items));
	(*items)[(*n)++] = (struct db_trigger){
		.name = text_of(c, &v[1]),
		.definition = text_of(c, &v[2]),
		.is_disabled = v[3].integer != 0,
		.enabled = v[5].text[0] == 'A'	 ? "ALWAYS"
			   : v[5].text[0] == 'R' ? "REPLICA"
						 : NULL,
	};
	return 0;
}

int postgres_catalog_keys(struct postgres_catalog *c, unsigned facts, struct err *e)
{
	/* indnullsnotdistinct and confdelsetcols came with 15 */
	bool is_15 = c->session->pq->PQserverVersion(c->session->conn) >= 150000;
	const char *indexes_sql =
		is_15 ? INDEXES_SQL("i.indnullsnotdistinct") : INDEXES_SQL("false");
	const char *foreign_keys_sql =
		is_15 ? FOREIGN_KEYS_SQL(SET_COLUMNS) : FOREIGN_KEYS_SQL("NULL::text");

	if ((facts & DB_FACTS_CONSTRAINTS) &&
	    postgres_catalog_rows(c, constraints_sql, add_constraint, e) != 0)
		return -1;
	if ((facts & DB_FACTS_INDEXES) &&
	    postgres_catalog_rows(c, indexes_sql, add_index_column, e) != 0)
		return -1;
	if ((facts & DB_FACTS_FOREIGN_KEYS) &&
	    postgres_catalog_rows(c, foreign_keys_sql, add_foreign_key, e) != 0)
		return -1;
	return facts & DB_FACTS_TRIGGERS ? postgres_catalog_rows(c, triggers_sql, add_trigger, e)
					 : 0;
}
