/* schema: every way a database can differ is a line that names it; equal databases have none. */
#include "audits/schema_compare.h"
#include "audits/schema_snapshot.h"
#include "tests/unit/database_world.h"

static const char shop_sql[] =
	"CREATE TABLE owners (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
	"CREATE TABLE tasks (id INTEGER PRIMARY KEY, ai_model TEXT NOT NULL, state VARCHAR(20)"
	" DEFAULT 'new', owner_id BIGINT REFERENCES owners (id), price DECIMAL (10, 2) DEFAULT 0,"
	" both AS (state || ai_model));"
	"CREATE INDEX tasks_state ON tasks (state, owner_id);"
	"CREATE TABLE pairs (b INT, a INT, PRIMARY KEY (a, b)) WITHOUT ROWID;"
	"CREATE VIEW open_tasks AS SELECT id FROM tasks WHERE state = 'new';";

static struct world *shop(void **state)
{
	struct world *w = *state;

	execute(w, shop_sql);
	return w;
}

/* "0", or the differences. */
static const char *differences(struct world *w, const char *yaml)
{
	const struct check *c = check(w, &audit_kind_schema, yaml);
	struct probe p;

	if (run_checks(w, &c, 1, &p) != 0)
		return arena_printf(w->arena, "error: %s", w->err.message);
	const struct measurement *m = &p.emitted[0].measurement;

	assert_int_equal(p.n_emitted, 1);
	if (m->value.type == VALUE_NONE)
		return arena_printf(w->arena, "none: %s", m->reason);
	assert_int_equal(m->value.type, VALUE_INT);
	assert_true(m->n > 0);
	if (m->value.integer == 0) {
		assert_null(m->evidence);
		return "0";
	}
	return arena_printf(w->arena, "%lld: %s", (long long)m->value.integer, m->evidence);
}

static void test_schema_intact_table_has_no_differences(void **state)
{
	struct world *w = shop(state);

	assert_string_equal(
		differences(
			w,
			"{table: tasks, exact: true, primary_key: id, columns: {"
			"id: {type: integer, key: primary, nullable: false},"
			"ai_model: {type: text, nullable: false, default: 'NULL'},"
			"state: {declared: varchar(20), type: text, default: new, nullable: true},"
			"owner_id: {type: integer}, price: {type: numeric, default: 0},"
			"both: {}}, indexes: {tasks_state: {columns: [state, owner_id],"
			" unique: false}}, foreign_keys: {columns: owner_id,"
			" references: owners(id)}}"),
		"0");
	assert_string_equal(differences(w, "{table: OWNERS, columns: {EMAIL: {key: unique}}}"),
			    "0");
	assert_string_equal(differences(w, "{table: pairs, primary_key: [a, b]}"), "0");
	assert_string_equal(differences(w, "{tables: [owners, tasks, pairs], views: open_tasks,"
					   " exact: true}"),
			    "0");
	assert_string_equal(differences(w,
					"{table: owners, indexes: {email: {columns: email, unique: "
					"true, any_name: true}}}"),
			    "0");
	assert_string_equal(differences(w, "{table: tasks, foreign_keys: [{columns: [owner_id],"
					   " references: owners}]}"),
			    "0");
	assert_string_equal(differences(w, "{table: open_tasks, columns: {id: {type: integer}}}"),
			    "0");
}

static void test_schema_each_difference_is_named(void **state)
{
	static const struct {
		const char *yaml, *expected;
	} rows[] = {
		{"{table: task}", "1: table task is missing; there is a tasks"},
		{"{table: nothing_like_it}", "1: table nothing_like_it is missing"},
		{"{table: tasks, columns: {model: {}}}",
		 "1: column model is missing from table tasks"},
		{"{table: owners, exact: true, columns: {id: {}}}",
		 "1: unexpected column email in table owners"},
		{"{table: tasks, columns: {state: {type: integer}}}",
		 "1: column tasks.state: type is VARCHAR(20), expected integer"},
		{"{table: tasks, columns: {owner_id: {declared: INTEGER}}}",
		 "1: column tasks.owner_id: declared type is BIGINT, expected INTEGER"},
		{"{table: tasks, columns: {price: {type: 'decimal(10,3)'}}}",
		 "1: column tasks.price: type is DECIMAL (10, 2), expected decimal(10,3)"},
		{"{table: tasks, columns: {state: {nullable: false}}}",
		 "1: column tasks.state: is nullable, expected not null"},
		{"{table: tasks, columns: {ai_model: {nullable: true}}}",
		 "1: column tasks.ai_model: is not null, expected nullable"},
		{"{table: tasks, columns: {state: {default: old}}}",
		 "1: column tasks.state: default is 'new', expected old"},
		{"{table: tasks, columns: {ai_model: {default: x}}}",
		 "1: column tasks.ai_model: default is NULL, expected x"},
		{"{table: tasks, columns: {state: {key: primary}}}",
		 "1: column tasks.state: is not in the primary key"},
		{"{table: pairs, columns: {a: {key: unique}}}",
		 "1: column pairs.a: is not unique by itself"},
		{"{table: pairs, primary_key: [b, a]}",
		 "1: table pairs: primary key is a, b, expected b, a"},
		{"{table: tasks, indexes: {tasks_owner: {columns: owner_id}}}",
		 "1: index tasks_owner is missing from table tasks"},
		{"{table: tasks, indexes: {tasks_state: {columns: state, unique: true}}}",
		 "2: index tasks_state: columns are state, owner_id, expected state\n"
		 "index tasks_state: is not unique, expected unique"},
		{"{table: tasks, indexes: {x: {columns: owner_id, any_name: true, unique: true}}}",
		 "1: table tasks: no unique index on owner_id"},
		{"{table: tasks, exact: true, indexes: {x: {columns: id}}}",
		 "2: index x is missing from table tasks\nunexpected index tasks_state on table "
		 "tasks"},
		{"{table: tasks, foreign_keys: {columns: owner_id, references: owners(email)}}",
		 "1: table tasks: foreign key on owner_id to owners(email) is missing"},
		{"{table: tasks, exact: true, foreign_keys: {columns: id, references: owners}}",
		 "2: table tasks: foreign key on id to owners is missing\n"
		 "table tasks: unexpected foreign key on owner_id to owners"},
		{"{tables: [owners, tasks], exact: true}", "1: unexpected table pairs"},
		{"{tables: [owners, taks]}", "1: table taks is missing; there is a tasks"},
		{"{tables: open_tasks}", "1: table open_tasks is a view"},
		{"{views: [closed_tasks, tasks]}",
		 "2: view closed_tasks is missing\nview tasks is a table"},
	};
	struct world *w = shop(state);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(differences(w, rows[i].yaml), rows[i].expected);
}

static void test_schema_views_must_resolve(void **state)
{
	struct world *w = shop(state);

	execute(w, "DROP TABLE tasks");
	assert_has(differences(w, "{views: open_tasks}"), "1: view open_tasks is broken: ");
	assert_has(differences(w, "{views: open_tasks}"), "no such table: main.tasks");
	assert_has(differences(w, "{table: open_tasks}"), "none: view \"open_tasks\"");
	/* and takes nothing else with it */
	assert_string_equal(differences(w, "{table: owners, columns: {id: {}}}"), "0");
}

static void test_schema_merged_checks_keep_apart(void **state)
{
	struct world *w = shop(state);
	const struct check *checks[] = {
		check(w, &audit_kind_schema, "{table: owners, columns: {id: {}}}"),
		check(w, &audit_kind_schema, "{table: owners, columns: {nosuch: {}}}"),
		check(w, &audit_kind_schema, "{table: tasks}"),
	};
	struct probe p;

	assert_string_equal(audit_kind_schema.merge_key(w->arena, checks[0]),
			    audit_kind_schema.merge_key(w->arena, checks[2]));
	assert_int_equal(run_checks(w, checks, 3, &p), 0);
	assert_string_equal(show(w, &p, 0), "0 differences");
	assert_string_equal(show(w, &p, 1), "1 differences");
	assert_string_equal(show(w, &p, 2), "0 differences");
}

static void test_schema_many_differences_are_all_counted(void **state)
{
	struct world *w = shop(state);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	buf_puts(&b, "{table: owners, columns: {c0: {}");
	for (int i = 1; i < 1000; i++)
		buf_printf(&b, ", c%d: {}", i);
	buf_puts(&b, "}}");
	const char *text = differences(w, b.data);

	assert_has(text, "1000: column c0 is missing from table owners\ncolumn c1 is missing");
	assert_true(strlen(text) < EVIDENCE_MAX_BYTES);
	buf_release(&b);
}

static void test_schema_definition_errors(void **state)
{
	struct world *w = *state;
	const struct audit_kind *k = &audit_kind_schema;

	refuse(w, k, "{exact: true}", "nothing to compare with");
	refuse(w, k, "{columns: {id: {}}}", "need the table they belong to");
	refuse(w, k, "{table: t, columns: {id: {typ: integer}}}", "typ");
	refuse(w, k, "{table: t, columns: {id: {key: foreign}}}", "foreign");
	refuse(w, k, "{table: t, foreign_keys: {columns: a, references: 't(a'}}",
	       "not of the form table(column)");
	refuse(w, k, "{table: t, foreign_keys: {columns: a, references: 't()'}}",
	       "not of the form table(column)");
	refuse(w, k, "{table: t, foreign_keys: {columns: a}}", "references");
	refuse(w, k, "{table: t, indexes: {x: {unique: true}}}", "columns");
}

static void test_schema_types_follow_affinity(void **state)
{
	static const struct {
		const char *expected, *declared;
		bool matches;
	} rows[] = {
		{"integer", "INT", true},
		{"integer", "BIGINT", true},
		{"INTEGER", "unsigned big int", true},
		{"integer", "NUMERIC", false},
		{"integer", "", false},
		{"text", "VARCHAR(255)", true},
		{"text", "NATIVE CHARACTER(70)", true},
		{"text", "CLOB", true},
		{"text", "STRING", false},
		{"real", "DOUBLE PRECISION", true},
		{"real", "FLOAT", true},
		{"integer", "FLOATING POINT", true},
		{"blob", "", true},
		{"blob", "BLOB", true},
		{"numeric", "DECIMAL(10,5)", true},
		{"numeric", "BOOLEAN", true},
		{"boolean", "BOOLEAN", true},
		{"boolean", "INTEGER", false},
		{"double  precision", "DOUBLE PRECISION", true},
		{"decimal(10,2)", "DECIMAL (10, 2)", true},
		{"bigint", "INTEGER", false},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (schema_type_matches(w->arena, rows[i].expected, rows[i].declared) !=
		    rows[i].matches)
			fail_msg("%s, %s", rows[i].expected, rows[i].declared);
	assert_true(schema_type_is(w->arena, "varchar(20)", "VARCHAR ( 20 )"));
	assert_false(schema_type_is(w->arena, "integer", "INT"));
}

static const char *capture(struct world *w, const char *name)
{
	const char *path = arena_printf(w->arena, "%s/%s", w->dir, name);
	struct db *db;
	struct db_table *tables;
	struct err e = {0};
	struct buf b;
	size_t n;
	int64_t deadline_ms = clock_monotonic_ms(&w->clock) + 10000;

	buf_init(&b, BUF_UNBOUNDED);
	assert_int_equal(db_acquire(w->probe_world.dbs,
				    &(struct db_source){.name = "shop",
							.location = w->path,
							.max_connections = 1},
				    deadline_ms, &db, &e),
			 0);
	assert_int_equal(schema_capture(db, w->arena, deadline_ms, &tables, &n, &e), 0);
	db_release(w->probe_world.dbs, db);
	schema_snapshot_write(&b, tables, n);
	assert_int_equal(file_write_atomic(path, b.data, b.len, &e), 0);
	const char *text = arena_strndup(w->arena, b.data, b.len);

	buf_release(&b);
	return text;
}

static void test_schema_snapshot_lists_every_change(void **state)
{
	static const struct {
		const char *change, *expected;
	} rows[] = {
		{"ALTER TABLE tasks DROP COLUMN price",
		 "1: column price is missing from table tasks"},
		{"ALTER TABLE owners ADD COLUMN phone TEXT",
		 "1: unexpected column phone in table owners"},
		{"CREATE TABLE extra (a)", "1: unexpected table extra"},
		{"DROP VIEW open_tasks", "1: view open_tasks is missing"},
		{"DROP INDEX tasks_state", "1: index tasks_state is missing from table tasks"},
		{"DROP INDEX tasks_state; CREATE UNIQUE INDEX tasks_state ON tasks (state)",
		 "1: index tasks_state: is unique (state), was (state, owner_id)"},
		{"CREATE INDEX more ON owners (id) WHERE id > 1",
		 "1: unexpected index more on table owners"},
		{"DROP TABLE pairs; CREATE TABLE pairs (b TEXT, a INT NOT NULL DEFAULT 1)",
		 "6: column pairs.b: type is TEXT, was INT\n"
		 "column pairs.b: is nullable, was not null\n"
		 "column pairs.b: place in the primary key is 0, was 2\n"
		 "column pairs.a: default is 1, was none\n"
		 "column pairs.a: place in the primary key is 0, was 1\n"
		 "constraint unique (a, b) is missing from table pairs"},
		{"DROP TABLE owners; CREATE TABLE owners (id INTEGER PRIMARY KEY, email TEXT NOT "
		 "NULL)",
		 "1: constraint unique (email) is missing from table owners"},
	};
	struct world *w = shop(state);

	capture(w, "shop.json");
	assert_string_equal(differences(w, "{snapshot: shop.json}"), "0");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(remove(w->path), 0);
		db_pool_free(w->probe_world.dbs);
		w->probe_world.dbs = db_pool_new(&w->clock);
		execute(w, shop_sql);
		execute(w, rows[i].change);
		assert_string_equal(differences(w, "{snapshot: shop.json}"), rows[i].expected);
	}
}

static void test_schema_snapshot_is_stable_and_reads_back(void **state)
{
	struct world *w = shop(state);
	struct db_table *tables;
	struct err e = {0};
	struct buf b;
	size_t n;
	const char *first = capture(w, "shop.json");

	assert_string_equal(capture(w, "again.json"), first);
	assert_int_equal(schema_snapshot_read(w->arena,
					      arena_printf(w->arena, "%s/shop.json", w->dir),
					      &tables, &n, &e),
			 0);
	assert_int_equal(n, 4);
	buf_init(&b, BUF_UNBOUNDED);
	schema_snapshot_write(&b, tables, n);
	assert_string_equal(b.data, first);
	buf_release(&b);
}

static void test_schema_damaged_snapshot_is_no_measurement(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "none: snapshot"},
		{"{", "none: snapshot"},
		{"[]", "/assize_schema is not a whole number"},
		{"{\"assize_schema\": 2, \"tables\": []}", "/assize_schema is not 1"},
		{"{\"assize_schema\": 1}", "/tables is not a list"},
		{"{\"assize_schema\": 1, \"tables\": [{}]}", "/tables/0/name is not a text"},
		{"{\"assize_schema\": 1, \"tables\": [{\"name\": \"a\", \"view\": 0}]}",
		 "/tables/0/view is not true or false"},
		{"{\"assize_schema\": 1, \"tables\": [{\"name\": \"a\", \"view\": false, "
		 "\"columns\": [], \"indexes\": [], \"foreign_keys\": [{\"table\": \"t\", "
		 "\"on_update\": \"\", \"on_delete\": \"\", \"columns\": [\"a\"], "
		 "\"targets\": []}]}]}",
		 "/tables/0/foreign_keys/0/targets is not as long as columns"},
	};
	struct world *w = shop(state);
	const char *path = arena_printf(w->arena, "%s/bad.json", w->dir);
	struct err e = {0};

	assert_has(differences(w, "{snapshot: none.json}"), "No such file");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(file_write_atomic(path, rows[i].text, strlen(rows[i].text), &e),
				 0);
		assert_has(differences(w, "{snapshot: bad.json}"), rows[i].message);
	}
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_schema_intact_table_has_no_differences),
		WORLD_TEST(test_schema_each_difference_is_named),
		WORLD_TEST(test_schema_views_must_resolve),
		WORLD_TEST(test_schema_merged_checks_keep_apart),
		WORLD_TEST(test_schema_many_differences_are_all_counted),
		WORLD_TEST(test_schema_definition_errors),
		WORLD_TEST(test_schema_types_follow_affinity),
		WORLD_TEST(test_schema_snapshot_lists_every_change),
		WORLD_TEST(test_schema_snapshot_is_stable_and_reads_back),
		WORLD_TEST(test_schema_damaged_snapshot_is_no_measurement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
