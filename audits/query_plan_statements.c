/*
 * query_plan_statements: the slowest and the most frequent statements of this database, by
 * pg_stat_statements. Texts are the server's own, with constants replaced by placeholders.
 */
#include <string.h>

#include "audits/query_plan.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"

#define TOP	    10
#define SHOWN_BYTES 120

struct top {
	struct arena *arena;
	const struct redactor *secrets;
	struct buf evidence;
	int64_t n;
	double mean_s; /* of the first */
	int64_t calls;
};

const char *query_plan_statements_sql(struct arena *a, const struct query_plan_spec *s,
				      const char *order)
{
	return arena_printf(
		a,
		"SELECT mean_exec_time / 1000, calls, query FROM pg_stat_statements "
		"WHERE calls >= %lld AND dbid = (SELECT oid FROM pg_catalog.pg_database "
		"WHERE datname = pg_catalog.current_database()) ORDER BY %s DESC LIMIT %d",
		(long long)s->statements.min_calls, order, TOP);
}

static void put_statement(struct top *top, double mean_s, int64_t calls, const struct db_value *v)
{
	char mean[NUM_REAL_MAX];
	struct buf line;

	(void)num_format_duration((int64_t)(mean_s * 1000 + 0.5), mean);
	buf_init(&line, BUF_UNBOUNDED); /* four times what is shown */
	redact_show(top->secrets, top->arena, v->text, v->len, SHOWN_BYTES, &line);
	(void)buf_printf(&top->evidence, "%s%s mean, %lld calls: %s%s", top->n > 0 ? "\n" : "",
			 mean, (long long)calls, line.data, v->len > SHOWN_BYTES ? "..." : "");
	buf_release(&line);
}

static int take_statement(void *ctx, const struct db_row *row, struct err *e)
{
	struct top *top = ctx;
	const struct db_value *mean = &row->values[0];
	double mean_s = mean->type == DB_INT ? (double)mean->integer : mean->real;

	(void)e;
	if (top->n == 0) {
		top->mean_s = mean_s;
		top->calls = row->values[1].integer;
	}
	put_statement(top, mean_s, row->values[1].integer, &row->values[2]);
	top->n++;
	return 0;
}

static int ask(struct probe *p, struct db *db, const struct query_plan_spec *s, const char *value,
	       const char *order, struct err *e)
{
	const char *sql = query_plan_statements_sql(p->arena, s, order);
	struct top top = {.arena = p->arena, .secrets = p->world->definition->redactor};
	struct measurement m;

	buf_init(&top.evidence, EVIDENCE_MAX_BYTES);
	if (db_query(db, sql, NULL, 0, p->deadline_ms, take_statement, &top, e) != 0) {
		buf_release(&top.evidence);
		return err_help(e, "the server needs shared_preload_libraries = "
				   "'pg_stat_statements', the database CREATE EXTENSION "
				   "pg_stat_statements, and the role pg_read_all_stats");
	}
	if (top.n == 0)
		m = measurement_none(value,
				     arena_printf(p->arena,
						  "no statement of this database was called %lld "
						  "times or more",
						  (long long)s->statements.min_calls));
	else if (strcmp(value, "calls") == 0)
		m = measurement_int(value, top.calls, "calls");
	else
		m = measurement_real(value, top.mean_s, "s");
	m.query = sql;
	if (top.n > 0)
		m.evidence = arena_strndup(p->arena, top.evidence.data, top.evidence.len);
	probe_emit(p, 0, &m);
	buf_release(&top.evidence);
	return 0;
}

int query_plan_statements(struct probe *p, struct db *db, const struct query_plan_spec *s,
			  struct err *e)
{
	return ask(p, db, s, "mean_time", "mean_exec_time", e) != 0
		       ? -1
		       : ask(p, db, s, "calls", "calls", e);
}
