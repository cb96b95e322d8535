/*
 * plan: what a statement would cost, without running it; and which statements cost the most.
 *
 * EXPLAIN, never ANALYZE. What an engine does not tell (SQLite has no costs) is no measurement. A
 * full scan whose table is of unknown size is none either: it may be the large one.
 */
#include "audits/query_plan.h"

#include <string.h>
#include <strings.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

#define SHOWN 20

static const struct key_row statements_keys[] = {
	{.name = "min_calls",
	 .type = KEY_INT,
	 .offset = offsetof(struct query_plan_statements, min_calls),
	 .min = 1,
	 .max = INT64_MAX,
	 .def = "10",
	 .help = "look only at statements called so often: the first call of one may be slow",
	 .example = "100"},
	KEY_END,
};

static const struct key_row plan_keys[] = {
	{.name = "query",
	 .type = KEY_TEXT,
	 .offset = offsetof(struct query_plan_spec, query),
	 .help = "the statement whose plan is looked at; it is never run",
	 .example = "SELECT * FROM orders WHERE customer_id = 7"},
	{.name = "forbid",
	 .type = KEY_TEXTS,
	 .offset = offsetof(struct query_plan_spec, forbid),
	 .help = "steps the plan may not have, as the engine names them, or their first words: "
		 "PostgreSQL Seq Scan, Nested Loop; MariaDB ALL, Using filesort; SQLite SCAN, USE "
		 "TEMP B-TREE",
	 .example = "[Seq Scan, Nested Loop]"},
	{.name = "statements",
	 .type = KEY_GROUP,
	 .offset = offsetof(struct query_plan_spec, statements),
	 .sub = statements_keys,
	 .sub_size = sizeof(struct query_plan_statements),
	 .help = "instead of a query, PostgreSQL only: what this database ran, by "
		 "pg_stat_statements",
	 .example = "{ min_calls: 100 }"},
	KEY_END,
};

static const struct value_row plan_values[] = {
	{.name = "seq_scan_rows",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .usual = "<= 10000",
	 .needs_key = "query",
	 .help = "rows of the largest table that is read in whole, 0 when there is none: Seq Scan "
		 "and scans of an index without a condition, also for a bitmap, and BERNOULLI "
		 "samples on PostgreSQL, where a foreign table's are not known, ALL and index on "
		 "MariaDB, SCAN and AUTOMATIC INDEX on "
		 "SQLite"},
	{.name = "total_cost",
	 .type = VALUE_REAL,
	 .unit = "",
	 .is_at_least_0 = true,
	 .needs_key = "query",
	 .help = "the planner's cost, in its own unit; not on SQLite, nor on MariaDB before 11"},
	{.name = "rows",
	 .type = VALUE_INT,
	 .unit = "rows",
	 .needs_key = "query",
	 .help = "rows the planner expects as the result; PostgreSQL only"},
	{.name = "forbidden",
	 .type = VALUE_INT,
	 .unit = "steps",
	 .implied = "== 0",
	 .needs_key = "forbid",
	 .help = "steps that forbid names"},
	{.name = "mean_time",
	 .type = VALUE_REAL,
	 .unit = "s",
	 .is_at_least_0 = true,
	 .usual = "<= 500ms",
	 .needs_key = "statements",
	 .help = "mean execution time of the slowest statement"},
	{.name = "calls",
	 .type = VALUE_INT,
	 .unit = "calls",
	 .needs_key = "statements",
	 .help = "calls of the most frequent statement"},
	{.name = NULL},
};

static void check_words(struct keys_context *ctx, const struct check *c,
			const struct query_plan_spec *s)
{
	for (size_t i = 0; c->target && i < s->forbid.n; i++) {
		const char *word = s->forbid.items[i], *close;
		const char *help = "write it as the engine does: assize run shows the plan";

		if (query_plan_has_word(ctx->arena, database_engine(c->target), word, &close))
			continue;
		if (close)
			help = arena_printf(ctx->arena, "did you mean \"%s\"?", close);
		diags_at(ctx->diags, s->forbid.positions[i], help,
			 "check \"%s\": no step of a plan of %s is called \"%s\"", c->name,
			 target_type_name(c->target->type), word);
	}
}

static void plan_check(struct keys_context *ctx, struct check *c)
{
	struct query_plan_spec *s = c->spec;
	const struct node *statements = node_get(c->spec_node, "statements");

	s->has_statements = statements != NULL;
	check_words(ctx, c, s);
	if (!s->query == !statements)
		diags_at(ctx->diags, c->spec_node->pos, NULL,
			 "check \"%s\": write either a query or statements%s", c->name,
			 statements ? ", not both" : "");
	if (statements && s->forbid.n > 0)
		diags_at(ctx->diags, keys_pos(c->spec_node, "forbid"), NULL,
			 "check \"%s\": forbid is about the plan of a query", c->name);
	if (statements && c->target && c->target->type != TARGET_POSTGRES)
		diags_at(ctx->diags, statements->pos, "name a postgres target",
			 "check \"%s\": only PostgreSQL has pg_stat_statements", c->name);
}

/* ---- evidence ---- */

static void put_node(struct buf *out, const struct query_plan_node *node)
{
	str_escape(out, node->operation, strlen(node->operation));
	if (node->table && !strstr(node->operation, node->table)) {
		(void)buf_puts(out, " on ");
		str_escape(out, node->table, strlen(node->table));
	}
	if (!node->is_full_scan)
		return;
	if (node->table_rows < 0)
		(void)buf_puts(out, ": an unknown number of rows");
	else
		(void)buf_printf(out, ": %.0f rows", node->table_rows);
}

typedef bool node_test(const struct query_plan_spec *s, const struct query_plan_node *node);

static bool is_any(const struct query_plan_spec *s, const struct query_plan_node *node)
{
	(void)s;
	(void)node;
	return true;
}

static bool is_scan(const struct query_plan_spec *s, const struct query_plan_node *node)
{
	(void)s;
	return node->is_full_scan;
}

/* Whole first words, in any case: "scan" forbids "SCAN o", not "SCANNER". */
static bool is_forbidden(const struct query_plan_spec *s, const struct query_plan_node *node)
{
	for (size_t i = 0; i < s->forbid.n; i++) {
		size_t n = strlen(s->forbid.items[i]);

		if (strncasecmp(node->operation, s->forbid.items[i], n) == 0 &&
		    (node->operation[n] == '\0' || node->operation[n] == ' '))
			return true;
	}
	return false;
}

static const char *list_nodes(const struct query_plan *plan, const struct query_plan_spec *s,
			      node_test *test, size_t *n)
{
	const char *text;
	struct buf b;

	*n = 0;
	buf_init(&b, EVIDENCE_MAX_BYTES);
	for (size_t i = 0; i < plan->n; i++) {
		if (!test(s, &plan->nodes[i]))
			continue;
		if (++*n > SHOWN)
			continue;
		(void)buf_puts(&b, *n > 1 ? "\n" : "");
		put_node(&b, &plan->nodes[i]);
	}
	if (*n > SHOWN)
		(void)buf_printf(&b, "\nand %zu more steps", *n - SHOWN);
	text = *n > 0 ? arena_strndup(plan->arena, b.data, b.len) : NULL;
	buf_release(&b);
	return text;
}

/* ---- measuring ---- */

/* Planners guess products of tables that no integer holds. */
static struct measurement measure_rows(const char *name, double rows)
{
	return rows < 0x1p63 ? measurement_int(name, (int64_t)rows, "rows")
			     : measurement_real(name, rows, "rows");
}

static struct measurement measure_scans(const struct query_plan *plan)
{
	double most = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct query_plan_node *node = &plan->nodes[i];

		if (node->is_full_scan && node->table_rows < 0)
			return measurement_none("seq_scan_rows", node->unknown);
		if (node->is_full_scan && node->table_rows > most)
			most = node->table_rows;
	}
	return measure_rows("seq_scan_rows", most);
}

static void emit(struct probe *p, const struct query_plan_spec *s, const struct query_plan *plan,
		 const char *sql)
{
	size_t n_forbidden, n;
	const char *forbidden = list_nodes(plan, s, is_forbidden, &n_forbidden);
	const char *scans = list_nodes(plan, s, is_scan, &n);
	const char *steps = list_nodes(plan, s, is_any, &n);
	struct measurement all[] = {
		measure_scans(plan),
		plan->cost < 0
			? measurement_none("total_cost", "the engine's plans do not tell a cost")
			: measurement_real("total_cost", plan->cost, ""),
		plan->rows < 0 ? measurement_none("rows", "the engine's plans do not tell how many "
							  "rows result")
			       : measure_rows("rows", plan->rows),
		measurement_int("forbidden", (int64_t)n_forbidden, "steps"),
	};

	all[0].evidence = scans;
	all[1].evidence = all[2].evidence = steps;
	all[3].evidence = forbidden;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		all[i].query = sql;
		if (i < 3 || s->forbid.n > 0)
			probe_emit(p, 0, &all[i]);
	}
}

static int plan_probe(struct probe *p, struct err *e)
{
	const struct query_plan_spec *s = p->checks[0]->spec;
	struct query_plan plan;
	struct db *db;
	int rc;

	if (database_acquire(p, &db, e) != 0)
		return -1;
	if (s->has_statements)
		rc = query_plan_statements(p, db, s, e);
	else
		rc = query_plan_read(p, db, s->query, &plan, e);
	if (rc != 0 && !s->has_statements)
		rc = database_explain(p, db, NULL, e);
	if (rc == 0 && !s->has_statements)
		emit(p, s, &plan, query_plan_sql(p->arena, db_engine(db), s->query));
	database_release(p, db);
	return rc;
}

static void plan_describe(struct probe *p, struct buf *out)
{
	const struct query_plan_spec *s = p->checks[0]->spec;
	enum db_engine engine = database_engine(p->checks[0]->target);
	const char *sql = s->has_statements
				  ? query_plan_statements_sql(p->arena, s, "mean_exec_time")
				  : query_plan_sql(p->arena, engine, s->query);

	database_one_line(out, sql);
	(void)buf_putc(out, '\n');
}

const struct audit_kind audit_kind_plan = {
	.name = "plan",
	.family = "database",
	.summary = "how a statement would be run, by EXPLAIN: full scans, cost, forbidden steps",
	.blind =
		"A plan is a guess from statistics for the values written in the query: with other "
		"values, other statistics or another version the engine may plan otherwise. How "
		"long the statement takes is not measured; that is what statements is for, which "
		"knows only what was run since its statistics were reset. Planning may evaluate "
		"functions the engine takes for constant.",
	.spec_size = sizeof(struct query_plan_spec),
	.keys = plan_keys,
	.values = plan_values,
	.targets = TARGET_DATABASES,
	.check = plan_check,
	.describe = plan_describe,
	.probe = plan_probe,
};
