/* schema_snapshot, schema_changes: each change of a schema is the line that names it, and no other.
 */
#include "audits/schema_changes.h"
#include "audits/schema_snapshot.h"
#include "tests/unit/database_world.h"

static const char shop_sql[] =
	"CREATE TABLE owners (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
	"CREATE TABLE tasks (id INTEGER PRIMARY KEY, ai_model TEXT NOT NULL COLLATE NOCASE,"
	" state VARCHAR(20) DEFAULT 'new' CHECK (state <> ''), owner_id BIGINT,"
	" price DECIMAL (10, 2) DEFAULT 0, both AS (state || ai_model),"
	" CONSTRAINT cheap CHECK (price < 1000),"
	" CONSTRAINT owned FOREIGN KEY (owner_id) REFERENCES owners (id) ON DELETE CASCADE);"
	"CREATE INDEX tasks_state ON tasks (state, owner_id DESC) WHERE price > 0;"
	"CREATE INDEX tasks_model ON tasks (lower(ai_model));"
	"CREATE TABLE pairs (b INT, a INT, PRIMARY KEY (a, b)) WITHOUT ROWID;"
	"CREATE VIEW open_tasks AS SELECT id FROM tasks WHERE state = 'new';"
	"CREATE TRIGGER audit AFTER INSERT ON pairs BEGIN SELECT 1; END;";

/* The shop's statements with one text replaced by another; both there once. */
static const char *with(struct world *w, const char *from, const char *to)
{
	const char *at = strstr(shop_sql, from);

	if (!at || strstr(at + 1, from))
		fail_msg("\"%s\" is not there once", from);
	return arena_printf(w->arena, "%.*s%s%s", (int)(at - shop_sql), shop_sql, to,
			    at + strlen(from));
}

static struct db_catalog catalog_of(struct world *w, const char *sql)
{
	struct db_catalog c = {.n_tables = 0};
	struct db *db;
	struct err e = {0};
	int64_t deadline_ms = clock_monotonic_ms(&w->clock) + 10000;

	(void)remove(w->path); /* it may not be there yet */
	db_pool_free(w->probe_world.dbs);
	w->probe_world.dbs = db_pool_new(&w->clock);
	execute(w, sql);
	if (db_acquire(
		    w->probe_world.dbs,
		    &(struct db_source){.name = "shop", .location = w->path, .max_connections = 1},
		    deadline_ms, &db, &e) != 0 ||
	    schema_capture(db, w->arena, deadline_ms, &c, &e) != 0)
		fail_msg("%s", e.message);
	db_release(w->probe_world.dbs, db);
	return c;
}

static const char *text_of(struct world *w, const struct db_catalog *c)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	schema_snapshot_write(&b, c);
	const char *text = arena_strndup(w->arena, b.data, b.len);

	buf_release(&b);
	return text;
}

/* Written and read back. */
static struct schema_snapshot reread(struct world *w, const char *text)
{
	const char *path = arena_printf(w->arena, "%s/shop.json", w->dir);
	struct schema_snapshot s;
	struct err e = {0};

	assert_int_equal(file_write_atomic(path, text, strlen(text), &e), 0);
	if (schema_snapshot_read(w->arena, path, &s, &e) != 0)
		fail_msg("%s", e.message);
	return s;
}

static const char *told(struct world *w, const struct db_catalog *was, const struct db_catalog *is)
{
	struct schema_changes c = schema_changes(w->arena, was, is, true);
	struct differences d;

	differences_init(&d, w->arena, is->engine);
	schema_changes_tell(&c, &d);
	const char *text = differences_text(&d);

	return text ? text : "";
}

static const char *reviewed(struct world *w, const struct db_catalog *was,
			    const struct db_catalog *is)
{
	struct schema_changes c = schema_changes(w->arena, was, is, true);
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	schema_changes_review(&c, &b);
	const char *text = arena_strndup(w->arena, b.data, b.len);

	buf_release(&b);
	return text;
}

/* One text of the shop's statements against another, and what is told of it. */
static const struct {
	const char *from, *to, *line;
} mutations[] = {
	{"CREATE TABLE pairs (b INT", "CREATE TABLE extra (a); CREATE TABLE pairs (b INT",
	 "unexpected table extra"},
	{"CREATE VIEW open_tasks AS SELECT id FROM tasks WHERE state = 'new';", "",
	 "view open_tasks is missing"},
	{"WHERE state = 'new'", "WHERE state = 'old'",
	 "view open_tasks: query is SELECT id FROM tasks WHERE state = 'old', was SELECT "
	 "id "
	 "FROM tasks WHERE state = 'new'"},
	{"email TEXT NOT NULL UNIQUE", "email TEXT NOT NULL UNIQUE, phone TEXT",
	 "unexpected column phone in table owners"},
	{"owner_id BIGINT,", "owner_id INT,", "column tasks.owner_id: type is INT, was BIGINT"},
	{"email TEXT NOT NULL UNIQUE", "email TEXT UNIQUE",
	 "column owners.email: null is allowed, was refused"},
	{"DEFAULT 'new'", "DEFAULT 'old'", "column tasks.state: default is 'old', was 'new'"},
	{"DEFAULT 'new' ", "", "column tasks.state: default is none, was 'new'"},
	{" COLLATE NOCASE", "", "column tasks.ai_model: collation is none, was NOCASE"},
	{"(state || ai_model)", "(state || ai_model) STORED",
	 "column tasks.both: generation is stored, was virtual"},
	{"(state || ai_model)", "(state || '-' || ai_model)",
	 "column tasks.both: expression is state || '-' || ai_model, was state || "
	 "ai_model"},
	{"email TEXT NOT NULL UNIQUE", "email TEXT NOT NULL",
	 "constraint unique (email) is missing from table owners"},
	{" CHECK (state <> '')", "",
	 "constraint check ((state <> '')) is missing from table tasks"},
	{"price < 1000", "price < 2000",
	 "constraint cheap of table tasks: definition is check ((price < 2000)), was check "
	 "((price < 1000))"},
	{" CONSTRAINT cheap CHECK (price < 1000),", "",
	 "constraint cheap is missing from table tasks"},
	{"ON DELETE CASCADE", "ON DELETE SET NULL",
	 "foreign key owned of table tasks: definition is (owner_id) to owners(id) on "
	 "update "
	 "NO ACTION on delete SET NULL, was (owner_id) to owners(id) on update NO ACTION "
	 "on "
	 "delete CASCADE"},
	{"ON DELETE CASCADE", "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
	 "foreign key owned of table tasks: definition is (owner_id) to owners(id) on "
	 "update "
	 "NO ACTION on delete CASCADE deferrable deferred, was (owner_id) to owners(id) on "
	 "update NO ACTION on delete CASCADE"},
	{"CREATE INDEX tasks_state", "CREATE UNIQUE INDEX tasks_state",
	 "index tasks_state of table tasks: definition is unique (state, owner_id DESC) "
	 "where price > 0, was (state, owner_id DESC) where price > 0"},
	{"owner_id DESC", "owner_id",
	 "index tasks_state of table tasks: definition is (state, owner_id) where price > "
	 "0, was (state, owner_id DESC) where price > 0"},
	{" WHERE price > 0;", ";",
	 "index tasks_state of table tasks: definition is (state, owner_id DESC), was "
	 "(state, owner_id DESC) where price > 0"},
	{"lower(ai_model)", "upper(ai_model)",
	 "index tasks_model of table tasks: definition is ((upper(ai_model))), was "
	 "((lower(ai_model)))"},
	{"CREATE INDEX tasks_model ON tasks (lower(ai_model));", "",
	 "index tasks_model is missing from table tasks"},
	{" WITHOUT ROWID", " WITHOUT ROWID, STRICT",
	 "table pairs: storage is WITHOUT ROWID, STRICT, was WITHOUT ROWID"},
	{"AFTER INSERT", "AFTER DELETE",
	 "trigger audit of table pairs: definition is CREATE TRIGGER audit AFTER DELETE ON "
	 "pairs BEGIN SELECT 1; END, was CREATE TRIGGER audit AFTER INSERT ON pairs BEGIN "
	 "SELECT 1; END"},
	{"CREATE TRIGGER audit AFTER INSERT ON pairs BEGIN SELECT 1; END;", "",
	 "trigger audit is missing from table pairs"},
	{"PRIMARY KEY (a, b)", "PRIMARY KEY (b, a)",
	 "column pairs.b: place in the primary key is 1, was 2\n"
	 "column pairs.a: place in the primary key is 2, was 1"},
	{"email TEXT NOT NULL UNIQUE", "mail TEXT NOT NULL UNIQUE",
	 "column email is missing from table owners\n"
	 "constraint unique (email) is missing from table owners\n"
	 "unexpected column mail in table owners; maybe renamed from email\n"
	 "unexpected constraint unique (mail) in table owners"},
};

static void test_schema_snapshot_lists_every_change(void **state)
{
	struct world *w = *state;
	struct db_catalog first = catalog_of(w, shop_sql);
	struct schema_snapshot was = reread(w, text_of(w, &first));

	assert_string_equal(told(w, &was.catalog, &first), "");
	for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
		struct db_catalog is = catalog_of(w, with(w, mutations[i].from, mutations[i].to));

		assert_string_equal(told(w, &was.catalog, &is), mutations[i].line);
	}
}

/* Neither the order of creation nor spacing and case of the statements is a fact. */
static void test_schema_snapshot_is_stable_and_reads_back(void **state)
{
	struct world *w = *state;
	struct db_catalog first =
		catalog_of(w, "CREATE TABLE a (x INT CHECK (x > 0)); CREATE TABLE b (y INT);"
			      "CREATE INDEX i ON a (x); CREATE INDEX j ON a (x DESC) WHERE x > 1");
	const char *text = text_of(w, &first);
	struct db_catalog other = catalog_of(
		w, "CREATE TABLE b (y INT); CREATE TABLE a (x INT CHECK (  x > 0 ));"
		   "CREATE INDEX j ON a (x DESC) WHERE  x >  1; CREATE INDEX i ON a (x)");

	assert_string_equal(text_of(w, &other), text);
	struct db_catalog shop = catalog_of(w, shop_sql);

	text = text_of(w, &shop);
	struct schema_snapshot again = reread(w, text);

	assert_int_equal(again.version, SCHEMA_SNAPSHOT_VERSION);
	assert_string_equal(text_of(w, &again.catalog), text);
}

static const char version_1[] =
	"{ \"assize_schema\": 1, \"engine\": \"sqlite\", \"tables\": [ { \"name\": \"owners\","
	" \"view\": false, \"columns\": ["
	" { \"name\": \"id\", \"type\": \"INTEGER\", \"nullable\": false, \"generated\": false,"
	"   \"default\": null, \"key\": 1 },"
	" { \"name\": \"email\", \"type\": \"TEXT\", \"nullable\": false, \"generated\": false,"
	"   \"default\": null, \"key\": 0 } ],"
	" \"indexes\": [ { \"name\": \"sqlite_autoindex_owners_1\", \"unique\": true,"
	"   \"partial\": false, \"automatic\": true, \"columns\": [ \"email\" ] },"
	"  { \"name\": \"owners_mail\", \"unique\": false, \"partial\": true,"
	"   \"automatic\": false, \"columns\": [ \"(expression)\", \"id\" ] } ],"
	" \"foreign_keys\": [ { \"columns\": [ \"id\" ], \"table\": \"other\","
	"   \"targets\": [ null ], \"on_update\": \"NO ACTION\", \"on_delete\": \"CASCADE\" } ] } "
	"] }";

#define VERSION_1_SQL                                                                              \
	"CREATE TABLE owners (id INTEGER PRIMARY KEY REFERENCES other ON DELETE CASCADE,"          \
	" email TEXT NOT NULL UNIQUE"

/* An old snapshot says what it said, and nothing about what it did not know. */
static void test_schema_snapshot_of_version_1_is_compared_in_what_it_knew(void **state)
{
	static const struct {
		const char *sql, *lines;
	} rows[] = {
		{VERSION_1_SQL " COLLATE NOCASE, CHECK (email <> ''));"
			       "CREATE INDEX owners_mail ON owners (lower(email), id) WHERE id > 1",
		 ""},
		{VERSION_1_SQL ");CREATE INDEX owners_mail ON owners (lower(email), id)",
		 "index owners_mail of table owners: definition is ((expression), id), was "
		 "((expression), id) partial"},
		{"CREATE TABLE owners (id INTEGER PRIMARY KEY REFERENCES other ON DELETE CASCADE,"
		 " email TEXT NOT NULL);"
		 "CREATE INDEX owners_mail ON owners (lower(email), id) WHERE id > 1",
		 "constraint unique (email) is missing from table owners"},
		{"CREATE TABLE owners (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
		 "CREATE INDEX owners_mail ON owners (lower(email), id) WHERE id > 1",
		 "foreign key (id) to other(primary key) on update NO ACTION on delete CASCADE is "
		 "missing from table owners"},
	};
	struct world *w = *state;
	struct schema_snapshot was = reread(w, version_1);

	assert_int_equal(was.version, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct db_catalog now = catalog_of(w, rows[i].sql);
		struct db_catalog known = schema_snapshot_reduce(w->arena, &now, was.version);
		struct schema_changes c = schema_changes(w->arena, &was.catalog, &known, false);
		struct differences d;

		differences_init(&d, w->arena, DB_SQLITE);
		schema_changes_tell(&c, &d);
		const char *lines = differences_text(&d);

		assert_string_equal(lines ? lines : "", rows[i].lines);
	}
}

static void test_schema_snapshot_that_is_damaged_is_no_measurement(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "snapshot"},
		{"{", "snapshot"},
		{"[]", "/assize_schema is not a whole number"},
		{"{\"assize_schema\": 6, \"tables\": []}", "/assize_schema is not 1, 2, 3, 4 or 5"},
		{"{\"assize_schema\": 1}", "/tables is not a list"},
		{"{\"assize_schema\": 1, \"tables\": [{}]}", "/tables/0/name is not a text"},
		{"{\"assize_schema\": 1, \"tables\": [{\"name\": \"a\", \"view\": 0}]}",
		 "/tables/0/view is not true or false"},
		{"{\"assize_schema\": 1, \"tables\": [{\"name\": \"a\", \"view\": false, "
		 "\"columns\": [], \"indexes\": [], \"foreign_keys\": [{\"table\": \"t\", "
		 "\"on_update\": \"\", \"on_delete\": \"\", \"columns\": [\"a\"], "
		 "\"targets\": []}]}]}",
		 "/tables/0/foreign_keys/0/targets is not as long as columns"},
		{"{\"assize_schema\": 2, \"tables\": []}", "/engine is not a text"},
		{"{\"assize_schema\": 2, \"engine\": \"oracle\", \"tables\": []}",
		 "/engine is not one of the words"},
		{"{\"assize_schema\": 2, \"engine\": \"mysql\", \"tables\": []}",
		 "/sequences is not a list"},
		{"{\"assize_schema\": 2, \"engine\": \"sqlite\", \"tables\": [{\"name\": \"a\", "
		 "\"view\": false, \"comment\": 1}]}",
		 "/tables/0/comment is not a text"},
		{"{\"assize_schema\": 2, \"engine\": \"sqlite\", \"tables\": [{\"name\": \"a\", "
		 "\"view\": false, \"columns\": [], \"constraints\": [{\"type\": \"wish\"}]}]}",
		 "/tables/0/constraints/0/type is not one of the words"},
	};
	struct world *w = *state;
	const char *path = arena_printf(w->arena, "%s/bad.json", w->dir);
	struct schema_snapshot s;
	struct err e = {0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(file_write_atomic(path, rows[i].text, strlen(rows[i].text), &e),
				 0);
		e = (struct err){0};
		assert_int_equal(schema_snapshot_read(w->arena, path, &s, &e), -1);
		assert_has(e.message, rows[i].message);
	}
}

/* A fact cut out of the file is a difference, not a fact less to compare. */
static void test_schema_snapshot_with_a_hole_hides_nothing(void **state)
{
	static const struct {
		const char *cut, *line;
	} rows[] = {
		{",\n          \"collation\": \"NOCASE\"",
		 "column tasks.ai_model: collation is NOCASE, was none"},
		{",\n          \"where\": \"price > 0\"", "where price > 0, was (state"},
		{",\n          \"expression\": \"price < 1000\"",
		 "definition is check ((price < 1000)"},
		{",\n      \"storage\": \"WITHOUT ROWID\"", "storage is WITHOUT ROWID, was none"},
	};
	struct world *w = *state;
	struct db_catalog shop = catalog_of(w, shop_sql);
	const char *text = text_of(w, &shop);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strstr(text, rows[i].cut);

		if (!at)
			fail_msg("no %s in %s", rows[i].cut, text);
		struct schema_snapshot was =
			reread(w, arena_printf(w->arena, "%.*s%s", (int)(at - text), text,
					       at + strlen(rows[i].cut)));

		assert_has(told(w, &was.catalog, &shop), rows[i].line);
	}
}

static void test_schema_review_reads_like_one(void **state)
{
	struct world *w = *state;
	struct db_catalog was = catalog_of(
		w, "CREATE TABLE a (id INTEGER PRIMARY KEY, price INT, name TEXT NOT NULL);"
		   "CREATE TABLE log (at TEXT, who TEXT, what TEXT);"
		   "CREATE VIEW v AS SELECT id FROM a");
	struct db_catalog is = catalog_of(
		w, "CREATE TABLE a (id INTEGER PRIMARY KEY, title TEXT NOT NULL, price TEXT,"
		   " must INT NOT NULL);"
		   "CREATE UNIQUE INDEX a_title ON a (title);"
		   "CREATE TABLE audit_log (at TEXT, who TEXT, what TEXT)");

	assert_string_equal(reviewed(w, &was, &was), "same schema: 119 facts compared\n");
	assert_string_equal(
		reviewed(w, &was, &is),
		"- table log: 3 columns  [its rows are lost]\n"
		"- view v\n"
		"table a\n"
		"  ~ column price, type: INT -> TEXT  [values are converted or refused]\n"
		"  - column name: TEXT not null  [its values are lost]\n"
		"  + column title: TEXT not null  [maybe renamed from name]  [fails while the "
		"table "
		"has rows: no default]\n"
		"  + column must: INT not null  [fails while the table has rows: no default]\n"
		"  + index a_title: unique (title)  [fails while there are duplicates; locks the "
		"table]\n"
		"+ table audit_log: 3 columns  [maybe renamed from log]\n"
		"\n"
		"8 differences: 3 removed, 1 changed, 4 added; 6 with a risk\n");
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_schema_snapshot_lists_every_change),
		WORLD_TEST(test_schema_snapshot_is_stable_and_reads_back),
		WORLD_TEST(test_schema_snapshot_of_version_1_is_compared_in_what_it_knew),
		WORLD_TEST(test_schema_snapshot_that_is_damaged_is_no_measurement),
		WORLD_TEST(test_schema_snapshot_with_a_hole_hides_nothing),
		WORLD_TEST(test_schema_review_reads_like_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
