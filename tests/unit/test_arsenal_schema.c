/*
 * arsenal_schema: a catalog with everything in it, damaged fact by fact on each engine. Each word
 * that a snapshot writes is damaged by some row, and each damage that a snapshot says is a change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "audits/arsenal/schema.h"
#include "audits/schema_changes.h"
#include "audits/schema_snapshot.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- everything ---- */

static const char *two[] = {"a", "b"}, *others[] = {"x", "y"}, *options[] = {"DESC", NULL};
static const char *moods[] = {"sad", "ok"};

static struct db_column columns[] = {
	{.name = "a",
	 .type = "bigint",
	 .key = 1,
	 .sequence = "INCREMENT BY 10",
	 .generation = DB_IDENTITY},
	{.name = "b",
	 .type = "varchar(20)",
	 .key = 2,
	 .def = "'x'",
	 .collation = "C",
	 .comment = "b",
	 .on_conflict = "REPLACE",
	 .options = "INVISIBLE"},
	{.name = "c",
	 .type = "numeric(10,2)",
	 .is_nullable = true,
	 .generation = DB_STORED,
	 .expression = "a"},
};
static struct db_constraint constraints[] = {
	{.type = DB_PRIMARY_KEY, .name = "p", .columns = two, .n_columns = 2},
	{.type = DB_UNIQUE,
	 .name = "u",
	 .columns = two,
	 .n_columns = 2,
	 .options = options,
	 .is_deferrable = true,
	 .is_deferred = true,
	 .has_equal_nulls = true,
	 .on_conflict = "IGNORE"},
	{.type = DB_CHECK, .name = "k", .expression = "a > 0", .is_no_inherit = true},
	{.type = DB_EXCLUDE, .name = "e", .expression = "EXCLUDE USING gist (a WITH =)"},
};
static struct db_index indexes[] = {
	{.name = "i",
	 .is_unique = true,
	 .columns = two,
	 .n_columns = 2,
	 .options = options,
	 .include = others,
	 .n_include = 2,
	 .where = "a > 1",
	 .method = "gin",
	 .has_equal_nulls = true},
	{.name = "u", .is_unique = true, .is_automatic = true, .columns = two, .n_columns = 2},
};
static struct db_foreign_key foreign_keys[] = {
	{.name = "f",
	 .columns = two,
	 .table = "o",
	 .targets = others,
	 .n_columns = 2,
	 .on_update = "NO ACTION",
	 .on_delete = "SET NULL",
	 .is_deferrable = true,
	 .is_match_full = true,
	 .set_columns = "b"},
};
static struct db_trigger triggers[] = {
	{.name = "g", .definition = "BEFORE INSERT", .enabled = "ALWAYS"},
	{.name = "h", .definition = "BEFORE INSERT", .place = 2},
};
static struct db_trigger rules[] = {{.name = "r", .definition = "DO NOTHING"}};
static struct db_partition partitions[] = {{.name = "t_1", .bounds = "FROM (1) TO (2)"}};
static struct db_table tables[] = {
	{
		.name = "t",
		.storage = "UNLOGGED",
		.charset = "utf8mb4",
		.collation = "utf8mb4_bin",
		.comment = "t",
		.has_row_security = true,
		.forces_row_security = true,
		.options = "fillfactor=70",
		.replica_identity = "FULL",
		.parent = "q",
		.other_parents = "r",
		.partition_by = "RANGE (a)",
		.partitions = partitions,
		.n_partitions = COUNT(partitions),
		.columns = columns,
		.n_columns = COUNT(columns),
		.constraints = constraints,
		.n_constraints = COUNT(constraints),
		.indexes = indexes,
		.n_indexes = COUNT(indexes),
		.foreign_keys = foreign_keys,
		.n_foreign_keys = COUNT(foreign_keys),
		.rules = rules,
		.n_rules = COUNT(rules),
		.statistics = rules,
		.n_statistics = COUNT(rules),
		.policies = rules,
		.n_policies = COUNT(rules),
	},
	{.name = "v",
	 .is_view = true,
	 .is_materialized = true,
	 .definition = "SELECT a FROM t",
	 .options = "security_barrier=true"},
};
static struct db_sequence sequences[] = {
	{.name = "s",
	 .type = "bigint",
	 .start = "1",
	 .increment = "1",
	 .minimum = "1",
	 .maximum = "9",
	 .is_cycle = true,
	 .is_unlogged = true,
	 .owner = "t.a"},
};
static struct db_extension extensions[] = {{"pgcrypto", "1.3"}};
static struct db_enum enums[] = {{"mood", moods, 2}};
static struct db_user_type types[] = {{"mail", "DOMAIN text", "C"}};

/* A place among triggers is MySQL's, where none is enabled otherwise. */
static struct db_catalog everything(enum db_engine engine)
{
	tables[0].triggers = &triggers[engine == DB_MYSQL];
	tables[0].n_triggers = 1;
	return (struct db_catalog){
		.engine = engine,
		.tables = tables,
		.n_tables = COUNT(tables),
		.sequences = sequences,
		.n_sequences = COUNT(sequences),
		.extensions = extensions,
		.n_extensions = COUNT(extensions),
		.enums = enums,
		.n_enums = COUNT(enums),
		.types = types,
		.n_types = COUNT(types),
	};
}

/* ---- what a snapshot writes, as "tables/columns/type" and the line ---- */

struct word {
	const char *path, *line;
};

struct words {
	struct word items[1024];
	size_t n;
};

static int by_word(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : strcmp(x->line, y->line);
}

/* One line of the file; where is the path of what is open, a level every two blanks. */
static void take_line(struct words *w, struct arena *a, const char *line, const char *where[16])
{
	size_t depth = strspn(line, " ") / 2;
	const char *s = line + 2 * depth, *end;
	const char *above = "";

	assert_true(depth < 15);
	for (size_t i = depth; i-- > 0 && !*above;)
		above = where[i] ? where[i] : "";
	where[depth] = NULL;
	if (*s != '"')
		return;
	end = strchr(s + 1, '"');
	if (end[1] == ':') /* else an item of a list, which has the list's name */
		above = arena_printf(a, "%s/%.*s", above, (int)(end - s - 1), s + 1);
	if (s[strlen(s) - 1] == '[' || s[strlen(s) - 1] == '{')
		where[depth] = above;
	else if (!strstr(s, ": []"))
		w->items[w->n++] = (struct word){above, s};
	assert_true(w->n < COUNT(w->items));
}

static struct words *written(struct arena *a, const struct db_catalog *c)
{
	struct words *w = arena_alloc(a, sizeof(*w));
	const char *where[16] = {NULL};
	struct buf b;
	char *rest;

	w->n = 0;
	buf_init(&b, BUF_UNBOUNDED);
	schema_snapshot_write(&b, c);
	rest = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	for (char *line = strtok_r(rest, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t n = strlen(line);

		if (line[n - 1] == ',')
			line[n - 1] = '\0';
		take_line(w, a, line, where);
	}
	qsort(w->items, w->n, sizeof(*w->items), by_word);
	return w;
}

/* ---- all damages ---- */

/* A damage takes a whole thing away, or adds one: it says nothing of its single facts. */
static bool is_whole(const struct schema_fact *f)
{
	return f->op == OP_UNLISTED_ADDED || f->op == OP_VIEW_BROKEN || f->op == OP_CHECK_LOST ||
	       f->op == OP_EXCLUSION_LOST || f->op == OP_INDEX_LOST ||
	       f->op == OP_PRIMARY_KEY_LOST || f->damage == schema_drop ||
	       (f->op == OP_UNIQUE_LOST && f->part == PART_CONSTRAINT);
}

static void note(const struct schema_fact *f, struct words *covered, struct arena *a,
		 const char *path)
{
	if (is_whole(f) && !(f->op == OP_PRIMARY_KEY_LOST && strstr(path, "/key")))
		return;
	for (size_t i = 0; i < covered->n; i++)
		if (strcmp(covered->items[i].path, path) == 0)
			return;
	covered->items[covered->n++] = (struct word){arena_strdup(a, path), ""};
}

struct sweep {
	struct arena *arena;
	const struct db_catalog *catalog;
	const struct words *before;
	struct words *covered;
	size_t n; /* damages done */
};

static void try_one(struct sweep *v, const struct schema_fact *f, const char *table, size_t i)
{
	static const struct schema_spec none;
	struct db_catalog copy = schema_copy(v->arena, v->catalog, table);
	struct schema_spot s = {
		.arena = v->arena,
		.catalog = &copy,
		.spec = &none,
		.part = f->part,
		.i = i,
	};
	const struct words *after;
	bool differs = false;

	for (size_t t = 0; table && t < copy.n_tables; t++)
		if (strcmp(copy.tables[t].name, table) == 0)
			s.table = &copy.tables[t];
	if (!schema_spot_fill(&s) || !f->damage(f, &s))
		return;
	v->n++;
	after = written(v->arena, &copy);
	for (size_t at = 0, k = 0; at < v->before->n || k < after->n;) {
		int order = at == v->before->n ? 1
			    : k == after->n    ? -1
					       : by_word(&v->before->items[at], &after->items[k]);
		const struct word *one = order > 0 ? &after->items[k] : &v->before->items[at];

		at += order <= 0;
		k += order >= 0;
		if (order == 0)
			continue;
		differs = true;
		note(f, v->covered, v->arena, one->path);
	}
	struct schema_changes changes = schema_changes(v->arena, v->catalog, &copy, true);

	if (differs && changes.n == 0)
		fail_msg("%s: nobody noticed", f->label ? f->label : "a whole");
}

static void sweep(struct sweep *v)
{
	for (const struct schema_fact *f = schema_facts; f->damage; f++) {
		bool is_in_table = f->part >= PART_TABLE && f->part < PART_SEQUENCE;

		if (f->op < OP_TABLE_DROPPED ||
		    (f->engines && !(f->engines & (1u << v->catalog->engine))))
			continue;
		for (size_t t = 0; t < COUNT(tables); t++)
			for (size_t i = 0; i < 4; i++)
				if (is_in_table || t == 0)
					try_one(v, f, is_in_table ? tables[t].name : NULL, i);
	}
}

/* Names of things, by which they are told apart, and what only says of what sort they are. */
static bool is_identity(const char *path)
{
	static const char *const identities[] = {
		"/assize_schema",
		"/engine",
		"/tables/name",
		"/tables/view",
		"/tables/triggers/name",
		"/tables/rules/name",
		"/tables/statistics/name",
		"/tables/policies/name",
		"/tables/partitions/name",
		"/sequences/name",
		"/extensions/name",
		"/enums/name",
		"/types/name",
		"/tables/constraints/type",
		"/tables/indexes/automatic",
	};

	for (size_t i = 0; i < COUNT(identities); i++)
		if (strcmp(path, identities[i]) == 0)
			return true;
	return false;
}

static void assert_damaged(const struct words *covered, const char *path)
{
	for (size_t i = 0; i < covered->n; i++)
		if (strcmp(covered->items[i].path, path) == 0)
			return;
	if (!is_identity(path))
		fail_msg("%s: no attack damages it", path);
}

static void test_every_word_of_a_snapshot_is_damaged_and_noticed(void **state)
{
	static const enum db_engine engines[] = {DB_SQLITE, DB_POSTGRES, DB_MYSQL};
	struct arena *a = arena_new();
	struct words *covered = arena_alloc(a, sizeof(*covered));
	const struct words *all[COUNT(engines)];

	(void)state;
	covered->n = 0;
	for (size_t i = 0; i < COUNT(engines); i++) {
		struct db_catalog c = everything(engines[i]);
		struct sweep v = {.arena = a, .catalog = &c, .covered = covered};

		v.before = all[i] = written(a, &c);
		sweep(&v);
		assert_true(v.n > 80);
	}
	for (size_t e = 0; e < COUNT(engines); e++)
		for (size_t i = 0; i < all[e]->n; i++)
			assert_damaged(covered, all[e]->items[i].path);
	arena_free(a);
}

/* A damage is done to a copy: the catalog it was made of is what it was. */
static void test_a_copy_leaves_the_catalog_alone(void **state)
{
	struct arena *a = arena_new();
	struct db_catalog c = everything(DB_POSTGRES);
	const struct words *before = written(a, &c), *after;
	struct words covered = {.n = 0};
	struct sweep v = {.arena = a, .catalog = &c, .before = before, .covered = &covered};

	(void)state;
	sweep(&v);
	after = written(a, &c);
	assert_int_equal(after->n, before->n);
	for (size_t i = 0; i < before->n; i++)
		assert_int_equal(by_word(&after->items[i], &before->items[i]), 0);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_word_of_a_snapshot_is_damaged_and_noticed),
		cmocka_unit_test(test_a_copy_leaves_the_catalog_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
