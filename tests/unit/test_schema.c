/* schema: every way a database can differ is a line that names it; equal databases have none. */
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
	assert_string_equal(differences(w, "{table: tasks, columns: {price: {default: 0.00}}}"),
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
		{"{table: task}", "1: table task is missing; did you mean tasks?"},
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
		{"{table: tasks, columns: {price: {default: 0.01}}}",
		 "1: column tasks.price: default is 0, expected 0.01"},
		{"{table: tasks, columns: {price: {default: 10}}}",
		 "1: column tasks.price: default is 0, expected 10"},
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
		 "2: index tasks_state: is not unique, expected unique\n"
		 "index tasks_state: columns are state, owner_id, expected state"},
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
		{"{tables: [owners, taks]}", "1: table taks is missing; did you mean tasks?"},
		{"{tables: open_tasks}", "1: table open_tasks is a view"},
		{"{views: [closed_tasks, tasks]}", "2: view closed_tasks is missing; did you mean "
						   "open_tasks?\nview tasks is a table"},
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
