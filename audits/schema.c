/*
 * schema: what a database is made of against what it should be made of.
 *
 * The value is the number of differences, expected to be 0; the differences are the evidence, one
 * line each. A table or column that is gone is a difference, not a failure to measure: the catalog
 * was read and does not have it. All schema checks of a target share one probe, which reads the
 * catalog once, and of it what they ask for.
 */
#include <string.h>

#include "audits/database.h"
#include "audits/kind_rows.h"
#include "audits/schema_changes.h"
#include "audits/schema_compare.h"
#include "audits/schema_snapshot.h"
#include "audits/schema_spec.h"
#include "audits/schema_wanted.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/model/kind.h"

static const struct value_row schema_values[] = {
	{.name = "",
	 .type = VALUE_INT,
	 .unit = "differences",
	 .implied = "== 0",
	 .help = "number of differences; each is a line of the evidence"},
	{.name = NULL},
};

/* ---- one check ---- */

struct db_catalog schema_in_path(struct arena *a, const struct db_catalog *c)
{
	struct db_catalog r = *c;

	r.tables = arena_array(a, c->n_tables, sizeof(*r.tables));
	r.sequences = arena_array(a, c->n_sequences, sizeof(*r.sequences));
	r.n_tables = r.n_sequences = 0;
	for (size_t i = 0; i < c->n_tables; i++) {
		const struct db_table *t = &c->tables[i];
		size_t n = t->schema ? strlen(t->schema) : 0;

		if (n == 0 || strncmp(t->name, t->schema, n) != 0 || t->name[n] != '.')
			r.tables[r.n_tables++] = *t;
	}
	for (size_t i = 0; i < c->n_sequences; i++)
		if (!strchr(c->sequences[i].name, '.'))
			r.sequences[r.n_sequences++] = c->sequences[i];
	return r;
}

static int compare_snapshot(const struct probe *p, const struct db_catalog *actual,
			    struct differences *d, const char *path, const char **remark,
			    struct err *e)
{
	struct schema_snapshot s;

	if (schema_snapshot_read(p->arena, path, &s, e) != 0)
		return -1;
	if (s.catalog.engine != actual->engine)
		return err_set(e, ERR_MEASURE,
			       "cannot use snapshot \"%s\": it is of %s, the target is %s", path,
			       schema_engine_name(s.catalog.engine),
			       schema_engine_name(actual->engine));
	struct db_catalog whole = schema_in_path(p->arena, actual);

	if (schema_see_whole(&whole, e) != 0 || schema_see_triggers(&s.catalog, &whole, e) != 0)
		return -1;
	struct db_catalog known = schema_snapshot_reduce(p->arena, &whole, s.version);
	struct schema_changes changes = schema_changes(p->arena, &s.catalog, &known, s.version > 1);

	if (changes.n_facts == 0) {
		err_set(e, ERR_MEASURE,
			"there is nothing to compare: neither snapshot \"%s\" nor the database has "
			"any object",
			path);
		return err_help(e, "is it the right database, and, on PostgreSQL, search path?");
	}
	schema_changes_tell(&changes, d);
	*remark = schema_snapshot_lacks(actual->engine, s.version);
	return 0;
}

const char *schema_snapshot_of(const struct check *c)
{
	if (c->kind != &audit_kind_schema)
		return NULL;
	return ((const struct schema_spec *)c->spec)->snapshot;
}

static void measure(struct probe *p, size_t check, const struct db_catalog *actual)
{
	const struct schema_spec *spec = p->checks[check]->spec;
	const char *remark = NULL;
	struct differences d;
	struct err e = {0};
	struct measurement m;

	differences_init(&d, p->arena, actual->engine);
	if (schema_compare(&d, spec, actual, &e) != 0 ||
	    (spec->snapshot && compare_snapshot(p, actual, &d, spec->snapshot, &remark, &e) != 0)) {
		m = measurement_none("", arena_strdup(p->arena, e.message));
		if (e.help[0])
			m.evidence = arena_printf(p->arena, "help: %s", e.help);
	} else {
		if (p->former)
			schema_compare_former(&d, spec, actual, p->former);
		m = measurement_int("", (int64_t)d.n, "differences");
		m.n = d.n_facts;
		m.reason = remark;
		m.evidence = differences_text(&d);
	}
	probe_emit(p, check, &m);
}

static int read_catalog(struct probe *p, struct db *db, struct db_catalog *out, struct err *e)
{
	struct db_wanted wanted = schema_wanted(p);

	if (db_catalog(db, p->arena, &wanted, p->deadline_ms, out, e) != 0)
		return -1;
	if (!schema_lacks(p, out))
		return 0;
	/* What may have been meant; without other schemas there are fewer hints. */
	if (wanted.tables.n > 0) {
		wanted.tables.n = 0;
		if (db_catalog(db, p->arena, &wanted, p->deadline_ms, out, e) != 0)
			return -1;
	}
	(void)db_elsewhere(db, p->arena, p->deadline_ms, &out->others, &out->n_others, NULL);
	return 0;
}

static int schema_probe(struct probe *p, struct err *e)
{
	struct db_catalog catalog;
	struct db *db;

	if (database_acquire(p, &db, e) != 0)
		return -1;
	int rc = read_catalog(p, db, &catalog, e);

	database_release(p, db);
	for (size_t i = 0; rc == 0 && i < p->n_checks; i++)
		measure(p, i, &catalog);
	return rc;
}

static const char *schema_merge_key(struct arena *a, const struct check *c)
{
	(void)a;
	(void)c;
	return "schema";
}

static void schema_describe(struct probe *p, struct buf *out)
{
	const struct texts schemas = schema_wanted(p).schemas;

	(void)buf_puts(out, "catalog: one query a kind of object");
	for (size_t i = 0; i < schemas.n; i++)
		(void)buf_printf(out, "%s%s", i == 0 ? ", also of " : ", ", schemas.items[i]);
	(void)buf_putc(out, '\n');
	for (size_t i = 0; i < p->n_checks; i++) {
		const struct schema_spec *spec = p->checks[i]->spec;

		if (spec->snapshot)
			(void)buf_printf(out, "against %s\n", spec->snapshot);
	}
}

const struct audit_kind audit_kind_schema = {
	.name = "schema",
	.family = "database",
	.summary = "tables, columns, keys, indexes and the rest against what they should be",
	.blind = "It compares what the catalog says, not the rows. Functions, grants, event "
		 "triggers "
		 "and scheduled events, definitions of collations, who defined a view, what a "
		 "sequence keeps ready and the order of columns are not compared, policies only "
		 "by a snapshot. Options of engines, subpartitions and WITHOUT OVERLAPS of MariaDB "
		 "are not either. Conditions and defaults are equal when they read the same "
		 "but for parentheses, casts and spacing, not when they are equivalent. "
		 "On MySQL a role that only reads is not shown triggers; what else its role is not "
		 "shown "
		 "is undecided where it is asked for. "
		 "Without exact or a snapshot, what is there beside the listed things passes.",
	.spec_size = sizeof(struct schema_spec),
	.keys = schema_keys,
	.values = schema_values,
	.targets = TARGET_DATABASES,
	.check = schema_spec_check,
	.merge_key = schema_merge_key,
	.arsenal = &arsenal_schema,
	.describe = schema_describe,
	.probe = schema_probe,
};
