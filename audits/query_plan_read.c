/*
 * query_plan_read: the plan of a statement, from each engine.
 *
 * The driver has accepted the statement by itself before EXPLAIN is put in front of it, so EXPLAIN
 * cannot turn into something else. PostgreSQL says how many rows a node gives, not how many the
 * table has: that is in its catalog. SQLite says neither, so the tables it scans are counted; it
 * names them by their alias. MariaDB's table form has all but the cost, which is in the JSON form
 * of newer servers.
 *
 * Sources: PostgreSQL manual 14.1; MariaDB and MySQL manuals, EXPLAIN output;
 * https://sqlite.org/eqp.html.
 */
#include "audits/query_plan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "audits/database.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/io/db_dialect.h"
#include "runner/io/json.h"
#include "runner/model/kind.h"

#define MAX_PLAN_BYTES ((size_t)16 * 1024 * 1024)

const char *query_plan_sql(struct arena *a, enum db_engine engine, const char *query)
{
	switch (engine) {
	case DB_SQLITE:
		return arena_printf(a, "EXPLAIN QUERY PLAN %s", query);
	case DB_POSTGRES:
		return arena_printf(a, "EXPLAIN (FORMAT JSON, VERBOSE) %s", query);
	case DB_MYSQL: /* the server may have another format as its own */
		return arena_printf(a, "EXPLAIN FORMAT=TRADITIONAL %s", query);
	case DB_ODBC:
		break;
	}
	return arena_printf(a, "EXPLAIN %s", query);
}

static struct query_plan_node *add_node(struct query_plan *plan, struct err *e)
{
	if (plan->n == QUERY_PLAN_MAX_NODES) {
		err_set(e, ERR_MEASURE, "the plan has more than %d steps", QUERY_PLAN_MAX_NODES);
		return NULL;
	}
	if (!plan->nodes)
		plan->nodes = arena_array(plan->arena, QUERY_PLAN_MAX_NODES, sizeof(*plan->nodes));
	plan->nodes[plan->n] = (struct query_plan_node){.operation = "", .table_rows = -1};
	return &plan->nodes[plan->n++];
}

static const char *text_of(struct arena *a, const struct db_value *v)
{
	return v->type == DB_TEXT ? arena_strndup(a, v->text, v->len) : "";
}

static double number_of(const struct db_value *v)
{
	double real;

	if (v->type == DB_INT)
		return (double)v->integer;
	if (v->type == DB_REAL)
		return v->real;
	return v->type == DB_TEXT && num_parse_real(v->text, v->len, &real) == 0 ? real : -1;
}

static int take_number(void *ctx, const struct db_row *row, struct err *e)
{
	(void)e;
	*(double *)ctx = number_of(&row->values[0]);
	return 0;
}

static int take_text(void *ctx, const struct db_row *row, struct err *e)
{
	const struct db_value *v = &row->values[0];

	if (v->type == DB_TEXT && buf_add(ctx, v->text, v->len) == 0)
		return 0;
	return err_set(e, ERR_MEASURE, "the plan is %s",
		       v->type == DB_TEXT ? "too long" : "not a text");
}

/* ---- PostgreSQL ---- */

static const char *json_text(struct arena *a, const struct json_doc *doc, const char *at,
			     const char *key)
{
	struct json_value v = {0};

	/* Our own pointers are well-formed. */
	(void)json_pointer(doc, arena_printf(a, "%s/%s", at, key), &v, NULL);
	return v.type == JSON_IS_TEXT ? arena_strdup(a, v.text) : NULL;
}

static double json_number(struct arena *a, const struct json_doc *doc, const char *at,
			  const char *key)
{
	struct json_value v = {0};
	double real;

	(void)json_pointer(doc, arena_printf(a, "%s/%s", at, key), &v, NULL); /* as above */
	if (v.type == JSON_IS_TEXT && num_parse_real(v.text, strlen(v.text), &real) == 0)
		return real; /* MySQL writes costs as texts */
	return v.type == JSON_IS_INT ? (double)v.integer : v.type == JSON_IS_REAL ? v.real : -1;
}

static size_t json_length(struct arena *a, const struct json_doc *doc, const char *at)
{
	struct json_value v = {0};

	(void)json_pointer(doc, arena_printf(a, "%s/Plans", at), &v, NULL); /* as above */
	return v.type == JSON_IS_ARRAY ? v.n : 0;
}

/* As the server takes a name of two parts, either of which may hold dots. */
static const char *quoted(struct arena *a, const char *schema, const char *name)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* names are bounded by the server */
	if (schema) {
		db_quote(DB_POSTGRES, &b, schema);
		(void)buf_putc(&b, '.');
	}
	db_quote(DB_POSTGRES, &b, name);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* Is it run by itself, to its end, whatever becomes of what it is part of? */
static bool is_apart(struct arena *a, const struct json_doc *doc, const char *at)
{
	const char *as = json_text(a, doc, at, "Parent Relationship");

	return as && (strcmp(as, "InitPlan") == 0 || strcmp(as, "SubPlan") == 0);
}

/*
 * Is what is below read only until enough rows have come? By its costs, which know of an offset; a
 * step between that drops rows may ask for any number of them.
 */
static bool is_limiting(struct arena *a, const struct json_doc *doc, const char *at,
			const struct query_plan_node *node)
{
	static const char *const through[] = {"Append",	  "Gather",	  "Gather Merge",
					      "LockRows", "Merge Append", "ProjectSet",
					      "Result",	  "Subquery Scan"};

	if (strcmp(node->operation, "Limit") == 0)
		return json_number(a, doc, at, "Total Cost") <
		       json_number(a, doc, at, "Plans/0/Total Cost");
	for (size_t i = 0; node->is_limited && i < sizeof(through) / sizeof(*through); i++)
		if (strcmp(node->operation, through[i]) == 0)
			return !json_text(a, doc, at, "Filter");
	return false;
}

/* A scan of an index without a condition reads all of it, but for one that may end early, which a
 * bitmap cannot: that is of a partial index. */
static bool reads_index(struct arena *a, const struct json_doc *doc, const char *at,
			const struct query_plan_node *node)
{
	if (strcmp(node->operation, "Bitmap Index Scan") == 0)
		return node->heap && !json_text(a, doc, at, "Index Cond");
	return (strcmp(node->operation, "Index Scan") == 0 ||
		strcmp(node->operation, "Index Only Scan") == 0) &&
	       !json_text(a, doc, at, "Index Cond") &&
	       (!node->is_limited || json_text(a, doc, at, "Filter") != NULL);
}

/* A sample of rows is taken from all of them, one of pages is not. */
static bool reads_table(struct arena *a, const struct json_doc *doc, const char *at,
			const char *operation)
{
	const char *method = json_text(a, doc, at, "Sampling Method");

	return strcmp(operation, "Seq Scan") == 0 || (strcmp(operation, "Sample Scan") == 0 &&
						      method && strcmp(method, "bernoulli") == 0);
}

/* The walk's depth is bounded by the JSON door. */
static int read_node(struct query_plan *plan, const struct json_doc *doc, const char *at,
		     const struct query_plan_node *parent, struct err *e)
{
	struct query_plan_node *node = add_node(plan, e);
	struct arena *a = plan->arena;
	const char *schema = json_text(a, doc, at, "Schema");
	const char *name = json_text(a, doc, at, "Relation Name");

	if (!node)
		return -1;
	node->operation = json_text(a, doc, at, "Node Type");
	if (!node->operation)
		return err_set(e, ERR_MEASURE, "the plan has a step without a type");
	node->depth = parent ? parent->depth + 1 : 0;
	node->is_limited = parent && parent->is_limiting && !is_apart(a, doc, at);
	node->is_limiting = is_limiting(a, doc, at, node);
	node->table = name && schema ? arena_printf(a, "%s.%s", schema, name) : name;
	node->sized = name ? quoted(a, schema, name) : NULL;
	node->schema = schema;
	node->heap = node->table;
	if (!name && parent && str_starts(node->operation, "Bitmap")) {
		node->schema = parent->schema;
		node->heap = parent->heap;
	}
	node->is_full_scan = reads_table(a, doc, at, node->operation);
	if (node->heap && reads_index(a, doc, at, node)) { /* a partial one has fewer rows */
		name = json_text(a, doc, at, "Index Name");
		node->table = node->heap;
		node->sized = name ? quoted(a, node->schema, name) : node->sized;
		node->is_full_scan = true;
	}
	if (strcmp(node->operation, "Foreign Scan") == 0) {
		node->is_full_scan = true; /* or not: nobody here says */
		node->unknown = "how much of a foreign table is read is not known: the plan of "
				"what is behind it is not here";
	}
	for (size_t i = 0, n = json_length(a, doc, at); i < n; i++)
		if (read_node(plan, doc, arena_printf(a, "%s/Plans/%zu", at, i), node, e) != 0)
			return -1;
	return 0;
}

/*
 * The size of a table or index that is read in whole, as the planner guesses it: as many rows a
 * page as when it was analysed, and as many pages as it has now. One that was empty then has no
 * rows a page.
 */
static int find_size_postgres(struct probe *p, struct db *db, struct query_plan_node *node,
			      struct err *e)
{
	struct buf sql;
	int rc;

	buf_init(&sql, BUF_UNBOUNDED); /* names are bounded by the server */
	(void)buf_puts(&sql, "SELECT CASE WHEN pages = relpages THEN reltuples "
			     "WHEN relpages = 0 OR reltuples <= 0 THEN -1 "
			     "ELSE pg_catalog.round(reltuples / relpages * pages) END "
			     "FROM (SELECT reltuples, relpages, pg_catalog.pg_relation_size(oid) / "
			     "pg_catalog.current_setting('block_size')::bigint AS pages "
			     "FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(");
	rc = dialect_literal(DB_POSTGRES, &sql, node->sized, e);
	(void)buf_puts(&sql, ")) AS t");
	if (rc == 0)
		rc = db_query(db, sql.data, NULL, 0, p->deadline_ms, take_number, &node->table_rows,
			      e);
	if (node->table_rows < 0)
		node->unknown = arena_printf(p->arena,
					     "table \"%s\" was never analysed, or was empty then, "
					     "so its size is not known; run ANALYZE on it",
					     node->table);
	buf_release(&sql);
	return rc;
}

static int read_postgres(struct probe *p, struct db *db, struct query_plan *plan, const char *sql,
			 struct err *e)
{
	struct json_doc *doc = NULL;
	struct buf text;
	int rc;

	buf_init(&text, MAX_PLAN_BYTES);
	rc = db_query(db, sql, NULL, 0, p->deadline_ms, take_text, &text, e);
	if (rc == 0)
		rc = json_parse(text.data, text.len, &doc, e);
	if (rc == 0) {
		rc = read_node(plan, doc, "/0/Plan", NULL, e);
		plan->cost = json_number(plan->arena, doc, "/0/Plan", "Total Cost");
		plan->rows = json_number(plan->arena, doc, "/0/Plan", "Plan Rows");
	}
	json_free(doc);
	buf_release(&text);
	for (size_t i = 0; i < plan->n && rc == 0; i++)
		if (plan->nodes[i].is_full_scan && plan->nodes[i].table && !plan->nodes[i].unknown)
			rc = find_size_postgres(p, db, &plan->nodes[i], e);
	return rc;
}

/* ---- MySQL and MariaDB ---- */

static const struct db_value *column(const struct db_row *row, const char *name)
{
	static const struct db_value none = {.type = DB_NULL, .text = ""};

	for (size_t i = 0; i < row->n; i++)
		if (strcasecmp(row->names[i], name) == 0)
			return &row->values[i];
	return &none;
}

/* "Using where; Using filesort": each is an operation that may be forbidden. */
static int add_extras(struct query_plan *plan, const char *extra, struct err *e)
{
	while (*extra) {
		size_t n = strcspn(extra, ";");
		struct query_plan_node *node = add_node(plan, e);

		if (!node)
			return -1;
		node->operation = arena_strndup(plan->arena, extra, n);
		node->depth = 1;
		extra += n;
		extra += strspn(extra, "; ");
	}
	return 0;
}

/* A hash join reads what it joins in whole, too (MariaDB, join_cache_level above 2). */
static bool reads_all(const char *type)
{
	static const char *const types[] = {"ALL", "index", "hash_ALL", "hash_index"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcasecmp(type, types[i]) == 0)
			return true;
	return false;
}

static int take_mysql(void *ctx, const struct db_row *row, struct err *e)
{
	struct query_plan *plan = ctx;
	struct query_plan_node *node = add_node(plan, e);
	const struct db_value *table = column(row, "table");

	if (!node)
		return -1;
	node->operation = text_of(plan->arena, column(row, "type"));
	node->table = table->type == DB_TEXT ? text_of(plan->arena, table) : NULL;
	/* <derived2> and <union1,2> are results of other steps. */
	node->is_full_scan = node->table && node->table[0] != '<' && reads_all(node->operation);
	node->table_rows = number_of(column(row, "rows"));
	if (node->table_rows < 0)
		node->unknown = "the server does not say how many rows it would read";
	return add_extras(plan, text_of(plan->arena, column(row, "Extra")), e);
}

static int read_mysql(struct probe *p, struct db *db, struct query_plan *plan, const char *query,
		      const char *sql, struct err *e)
{
	const char *again = arena_printf(p->arena, "EXPLAIN FORMAT=JSON %s", query);
	struct json_doc *doc = NULL;
	struct buf text;
	int rc;

	if (db_query(db, sql, NULL, 0, p->deadline_ms, take_mysql, plan, e) != 0)
		return -1;
	buf_init(&text, MAX_PLAN_BYTES);
	rc = db_query(db, again, NULL, 0, p->deadline_ms, take_text, &text, e);
	if (rc == 0)
		rc = json_parse(text.data, text.len, &doc, e);
	if (rc == 0) {
		plan->cost = json_number(p->arena, doc, "/query_block", "cost");
		if (plan->cost < 0)
			plan->cost =
				json_number(p->arena, doc, "/query_block/cost_info", "query_cost");
	}
	json_free(doc);
	buf_release(&text);
	return rc;
}

/* ---- SQLite ---- */

static int take_sqlite(void *ctx, const struct db_row *row, struct err *e)
{
	struct query_plan *plan = ctx;
	struct query_plan_node *node = add_node(plan, e);

	if (!node)
		return -1;
	node->operation = text_of(plan->arena, &row->values[3]);
	return 0;
}

/*
 * For min() and max() it always says SEARCH, whether one row of an index is looked at or, without
 * one, all rows of the table. The integer primary key is not named either.
 */
static bool is_silent_search(const char *operation)
{
	return str_starts(operation, "SEARCH ") && !strstr(operation, " USING ") &&
	       !strstr(operation, " VIRTUAL TABLE");
}

/*
 * The name of what is read in whole, or may be; NULL when that is no table: constants, subqueries.
 * An automatic index is made for this one query, of all rows.
 */
static const char *scanned(const struct query_plan *plan, const char *operation)
{
	static const char *const makers[] = {"CO-ROUTINE ", "MATERIALIZE "};
	bool is_whole =
		str_starts(operation, "SCAN ") || is_silent_search(operation) ||
		(str_starts(operation, "SEARCH ") && strstr(operation, " USING AUTOMATIC "));
	const char *name = operation + strcspn(operation, " ");
	size_t n;

	if (!is_whole || *++name == '(' || strstr(name, "CONSTANT ROW"))
		return NULL;
	/* Names may hold blanks: what may follow one is known. */
	n = strlen(name);
	for (const char *end = name; (end = strstr(end, " ")) != NULL; end++)
		if (str_starts(end, " USING ") || str_starts(end, " VIRTUAL TABLE") ||
		    str_starts(end, " LEFT-JOIN")) {
			n = (size_t)(end - name);
			break;
		}
	name = arena_strndup(plan->arena, name, n);
	for (size_t i = 0; i < plan->n; i++)
		for (size_t k = 0; k < sizeof(makers) / sizeof(*makers); k++)
			if (str_starts(plan->nodes[i].operation, makers[k]) &&
			    strcmp(plan->nodes[i].operation + strlen(makers[k]), name) == 0)
				return NULL;
	return name;
}

/* Behind blanks and comments, which may stand between a table and its alias. */
static const char *skip_blanks(const char *s)
{
	for (;;) {
		size_t n = strspn(s, " \t\r\n\f");
		const char *end;

		if (str_starts(s + n, "--")) {
			n += strcspn(s + n, "\n");
		} else if (str_starts(s + n, "/*")) {
			end = strstr(s + n + 2, "*/");
			n = end ? (size_t)(end + 2 - s) : strlen(s);
		} else if (n == 0) {
			return s;
		}
		s += n;
	}
}

/*
 * The next word, quoted name or text of a statement, without its quotes; NULL at the end. Is there
 * nothing but blanks and comments before it?
 */
static const char *next_word(struct arena *a, const char **at, bool *is_beside)
{
	const char *s = skip_blanks(*at), *end;

	for (*is_beside = true; *s && !isalpha((unsigned char)*s) && !strchr("_\"`['", *s);
	     s = skip_blanks(s + 1))
		*is_beside = false;
	if (!*s)
		return NULL;
	if (strchr("\"`['", *s)) { /* SQLite takes a text for an alias, too */
		end = strchr(s + 1, *s == '[' ? ']' : *s);
		end = end ? end : s + strlen(s);
		*at = *end ? end + 1 : end;
		return arena_strndup(a, s + 1, (size_t)(end - s - 1));
	}
	for (end = s;
	     *end == '_' || *end == '$' || isalnum((unsigned char)*end) || (*end & 0x80) != 0;)
		end++;
	*at = end;
	return arena_strndup(a, s, (size_t)(end - s));
}

static const char *object_named(const struct db_object *objects, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (db_same_name(DB_SQLITE, objects[i].name, name))
			return objects[i].name;
	return NULL;
}

/*
 * "orders AS o", "orders o": the table an alias stands for; else a table of that name. A column may
 * stand before an alias as well, and two queries in one may each have the same: then NULL.
 */
static const char *table_of(struct arena *a, const char *query, const char *alias,
			    const struct db_object *objects, size_t n)
{
	const char *own = object_named(objects, n, alias), *found = NULL;
	const char *table = NULL, *at = query, *word;
	bool is_beside;

	while ((word = next_word(a, &at, &is_beside)) != NULL) {
		if (table && is_beside && strcasecmp(word, "AS") == 0)
			continue;
		if (table && is_beside && db_same_name(DB_SQLITE, word, alias)) {
			if ((found && found != table) || (own && own != table))
				return NULL;
			found = table;
		}
		table = object_named(objects, n, word);
	}
	return found ? found : own;
}

static int find_size_sqlite(struct probe *p, struct db *db, struct query_plan_node *node,
			    struct err *e)
{
	struct buf sql;

	buf_init(&sql, BUF_UNBOUNDED); /* a name */
	(void)buf_puts(&sql, "SELECT count(*) FROM ");
	db_quote(DB_SQLITE, &sql, node->table);
	int rc = db_query(db, sql.data, NULL, 0, p->deadline_ms, take_number, &node->table_rows, e);

	buf_release(&sql);
	return rc;
}

static int read_sqlite(struct probe *p, struct db *db, struct query_plan *plan, const char *query,
		       const char *sql, struct err *e)
{
	struct db_object *objects;
	size_t n;

	if (db_query(db, sql, NULL, 0, p->deadline_ms, take_sqlite, plan, e) != 0 ||
	    db_objects(db, p->arena, p->deadline_ms, &objects, &n, e) != 0)
		return -1;
	for (size_t i = 0; i < plan->n; i++) {
		struct query_plan_node *node = &plan->nodes[i];
		const char *alias = scanned(plan, node->operation);

		if (!alias)
			continue;
		node->is_full_scan = true;
		node->table = table_of(p->arena, query, alias, objects, n);
		if (is_silent_search(node->operation))
			node->unknown = arena_printf(
				p->arena,
				"\"SEARCH %s\" is what SQLite says of min() and max(), read in "
				"whole or not; ORDER BY and LIMIT 1 in their place would tell",
				str_escaped(p->arena, alias));
		else if (!node->table)
			node->unknown = arena_printf(
				p->arena, "\"%s\" in the plan could be any table; name it as it is",
				alias);
		else if (find_size_sqlite(p, db, node, e) != 0)
			return -1;
	}
	return 0;
}

int query_plan_read(struct probe *p, struct db *db, const char *query, struct query_plan *out,
		    struct err *e)
{
	enum db_engine engine = db_engine(db);
	const char *sql = query_plan_sql(p->arena, engine, query);
	size_t n_columns;

	*out = (struct query_plan){.arena = p->arena, .cost = -1, .rows = -1};
	if (db_prepare(db, query, &n_columns, e) != 0)
		return -1;
	switch (engine) {
	case DB_SQLITE:
		return read_sqlite(p, db, out, query, sql, e);
	case DB_POSTGRES:
		return read_postgres(p, db, out, sql, e);
	case DB_MYSQL:
		return read_mysql(p, db, out, query, sql, e);
	case DB_ODBC:
		break;
	}
	return err_set(e, ERR_MEASURE,
		       "cannot ask for a plan through ODBC: every engine has its "
		       "own way, and this one is not known");
}
