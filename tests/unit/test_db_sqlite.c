/*
 * db_sqlite: sessions only read, whatever the text says; every bad file has its own message.
 *
 * Every hole known in SQLite's own read-only switches is tried here. Refused means: an error with a
 * message, the database's bytes the same, and no file more or less beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/io/db.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"

struct world {
	char dir[64];
	char path[96];
	struct clock clock;
	struct db_pool *pool;
	struct arena *arena;
};

static const char shop_sql[] =
	"CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT NOT NULL, total REAL DEFAULT 0,"
	" state VARCHAR(10) DEFAULT 'new', UNIQUE (email, state));"
	"CREATE TABLE lines (order_id INT REFERENCES orders (id) ON DELETE CASCADE, n INT,"
	" twice INT AS (n * 2), PRIMARY KEY (order_id, n)) WITHOUT ROWID;"
	"CREATE INDEX orders_total ON orders (total, lower(email)) WHERE total > 0;"
	"CREATE VIEW big AS SELECT id FROM orders WHERE total > 100;"
	"INSERT INTO orders VALUES (1, 'a@x', 10.5, 'paid'), (2, 'b@x', 200, 'new');"
	"INSERT INTO lines (order_id, n) VALUES (1, 1), (1, 2), (2, 1);";

static void execute(const char *path, const char *sql)
{
	sqlite3 *h;
	char *message = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(sqlite3_close(h), SQLITE_OK);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	strcpy(w->dir, "/tmp/assize-db-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/shop.db", w->dir);
	execute(w->path, shop_sql);
	w->clock = clock_system();
	w->pool = db_pool_new(&w->clock);
	w->arena = arena_new();
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	DIR *d = opendir(w->dir);
	char path[512];

	db_pool_free(w->pool);
	arena_free(w->arena);
	for (struct dirent *f; (f = readdir(d));) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, f->d_name);
		if (f->d_name[0] != '.')
			remove(path);
	}
	closedir(d);
	rmdir(w->dir);
	free(w);
	return 0;
}

static int64_t soon(const struct world *w)
{
	return clock_monotonic_ms(&w->clock) + 10000;
}

static struct db *acquire(struct world *w)
{
	struct err e = {0};
	struct db *db = NULL;

	if (db_acquire(
		    w->pool,
		    &(struct db_source){.name = "shop", .location = w->path, .max_connections = 2},
		    soon(w), &db, &e) != 0)
		fail_msg("%s", e.message);
	return db;
}

/* Bytes of the database and names beside it, as one text. */
static char *world_state(struct world *w)
{
	struct buf b, listing;
	struct dirent **names = NULL;
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];
	FILE *f = fopen(w->path, "rb");

	assert_non_null(f);
	buf_init(&b, BUF_UNBOUNDED);
	for (int c; (c = getc(f)) != EOF;)
		buf_putc(&b, (char)c);
	fclose(f);
	sha256_of(b.data, b.len, digest);
	sha256_hex(digest, hex);
	buf_release(&b);
	buf_init(&listing, BUF_UNBOUNDED);
	buf_puts(&listing, hex);
	int n = scandir(w->dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		buf_printf(&listing, " %s", names[i]->d_name);
		free(names[i]);
	}
	free(names);
	char *text = arena_strdup(w->arena, listing.data);

	buf_release(&listing);
	return text;
}

static int keep_first(void *ctx, const struct db_row *row, struct err *e)
{
	char *out = ctx;

	(void)e;
	if (row->values[0].type == DB_INT)
		snprintf(out, 64, "%lld", (long long)row->values[0].integer);
	else
		snprintf(out, 64, "%s", row->values[0].text);
	return 1;
}

static const char *ask(struct world *w, struct db *db, const char *sql)
{
	char *out = arena_alloc(w->arena, 64);
	struct err e = {0};

	if (db_query(db, sql, NULL, 0, soon(w), keep_first, out, &e) != 0)
		fail_msg("%s: %s", sql, e.message);
	return out;
}

static const struct {
	const char *sql, *message; /* %s is the directory */
} holes[] = {
	{"VACUUM INTO '%s/copy.db'", "only reads"},
	{"VACUUM", "only reads"},
	{"CREATE TEMP TABLE t (a)", "would change the catalog"},
	{"CREATE TABLE t (a)", "would change the catalog"},
	{"CREATE VIRTUAL TABLE t USING fts5 (a)", "would change the catalog"},
	{"PRAGMA query_only = OFF", "would run PRAGMA query_only"},
	{"PRAGMA query_only(0)", "would run PRAGMA query_only"},
	{"PRAGMA writable_schema = ON", "would run PRAGMA writable_schema"},
	{"PRAGMA journal_mode = DELETE", "would run PRAGMA journal_mode"},
	{"PRAGMA user_version = 7", "would run PRAGMA user_version"},
	{"PRAGMA trusted_schema = 1", "would run PRAGMA trusted_schema"},
	{"PRAGMA temp_store_directory = '/tmp'", "would run PRAGMA"},
	{"SELECT * FROM pragma_wal_checkpoint", ""},
	{"SELECT * FROM pragma_integrity_check", "would run PRAGMA integrity_check"},
	{"ATTACH '%s/other.db' AS o", "would attach a database"},
	{"ATTACH 'file:%s/shop.db?immutable=1' AS o", "would attach a database"},
	{"DETACH main", "would detach a database"},
	{"SELECT load_extension('x')", "load_extension"},
	{"SELECT fts3_tokenizer('simple')", "fts3_tokenizer"},
	{"SELECT writefile('%s/x', 'y')", "writefile"},
	{"SELECT 1; SELECT 2", "several statements"},
	{"SELECT 1; DELETE FROM orders", "several statements"},
	{"INSERT INTO orders (id, email) VALUES (3, 'c')", "would insert into orders"},
	{"INSERT INTO orders VALUES (3, 'c', 1, 'x') RETURNING id", "would insert into"},
	{"WITH a AS (SELECT 1) DELETE FROM orders", "would delete from orders"},
	{"UPDATE orders SET total = 0 RETURNING id", "would update orders"},
	{"DELETE FROM sqlite_schema", "may not be modified"},
	{"UPDATE sqlite_schema SET sql = ''", "may not be modified"},
	{"DROP TABLE orders", "would change the catalog"},
	{"ALTER TABLE orders ADD COLUMN x", "an audit only reads"},
	{"REINDEX", "would change the database"},
	{"ANALYZE", "would change the"},
	{"BEGIN IMMEDIATE", "would control a transaction: BEGIN"},
	{"COMMIT", "would control a transaction: COMMIT"},
	{"SAVEPOINT s", "would control a transaction: BEGIN"},
	{"", "no statement"},
	{" -- nothing\n ;", "no statement"},
};

static void test_db_sqlite_refuses_everything_but_reading(void **state)
{
	struct world *w = *state;
	const char *before = world_state(w);
	struct db *db = acquire(w);

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		char out[64];
		struct err e = {0};
		struct buf sql;

		buf_init(&sql, 1024);
		for (const char *s = holes[i].sql; *s; s++) {
			if (s[0] == '%' && s[1] == 's') {
				buf_puts(&sql, w->dir);
				s++;
			} else {
				buf_putc(&sql, *s);
			}
		}
		if (db_query(db, sql.data, NULL, 0, soon(w), keep_first, out, &e) == 0)
			fail_msg("%s: was not refused", holes[i].sql);
		assert_int_equal(e.class, ERR_MEASURE);
		if (!strstr(e.message, holes[i].message))
			fail_msg("%s: %s", holes[i].sql, e.message);
		buf_release(&sql);
	}
	assert_string_equal(ask(w, db, "SELECT count(*) FROM orders"), "2");
	db_release(w->pool, db);
	db_pool_free(w->pool);
	w->pool = NULL;
	assert_string_equal(world_state(w), before);
}

static void test_db_sqlite_reads(void **state)
{
	struct world *w = *state;
	struct db *db = acquire(w);
	size_t n = 0;
	struct err e = {0};

	assert_string_equal(ask(w, db, "SELECT state FROM orders WHERE id = 1"), "paid");
	assert_string_equal(ask(w, db, "VALUES (7)"), "7");
	assert_string_equal(ask(w, db,
				"WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1"
				" FROM c WHERE x < 9) SELECT max(x) FROM c; -- end"),
			    "9");
	assert_string_equal(ask(w, db, "SELECT count(*) FROM pragma_table_info('orders')"), "4");
	assert_string_equal(ask(w, db, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
	assert_string_equal(ask(w, db, "PRAGMA user_version"), "0");
	assert_int_equal(db_prepare(db, "SELECT id, email FROM orders", &n, &e), 0);
	assert_int_equal(n, 2);
	assert_true(db_max_columns(db) >= 1000);
	db_release(w->pool, db);
}

static void test_db_sqlite_binds_parameters(void **state)
{
	struct world *w = *state;
	struct db *db = acquire(w);
	struct err e = {0};
	const char *const params[] = {"b@x", "'; DROP TABLE orders"};
	char out[64] = "";

	assert_int_equal(db_query(db, "SELECT id FROM orders WHERE email = ?1 AND state <> ?2",
				  params, 2, soon(w), keep_first, out, &e),
			 0);
	assert_string_equal(out, "2");
	db_release(w->pool, db);
}

static void test_db_sqlite_quoted_unknown_name_is_not_text(void **state)
{
	struct world *w = *state;
	struct db *db = acquire(w);
	struct err e = {0};
	const char *name;
	size_t n;

	assert_int_equal(db_prepare(db, "SELECT count(\"ai_model\") FROM orders", &n, &e), -1);
	assert_non_null(strstr(e.message, "no such column: ai_model"));
	assert_int_equal(db_missing(db, &name), DB_ABSENT_COLUMN);
	assert_string_equal(name, "ai_model");
	e = (struct err){0};
	assert_int_equal(db_prepare(db, "SELECT 1 FROM nowhere", &n, &e), -1);
	assert_int_equal(db_missing(db, NULL), DB_ABSENT_TABLE);
	e = (struct err){0};
	assert_int_equal(db_prepare(db, "SELEKT 1", &n, &e), -1);
	assert_non_null(strstr(e.message, "syntax error"));
	assert_int_equal(db_missing(db, NULL), DB_ABSENT_NOTHING);
	db_release(w->pool, db);
}

static void test_db_sqlite_ends_at_the_deadline(void **state)
{
	struct world *w = *state;
	struct db *db = acquire(w);
	struct err e = {0};
	char out[64];
	int64_t begin = clock_monotonic_ms(&w->clock);

	assert_int_equal(db_query(db,
				  "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
				  " SELECT max(x) FROM c",
				  NULL, 0, begin + 50, keep_first, out, &e),
			 -1);
	assert_non_null(strstr(e.message, "took longer than 5"));
	assert_true(clock_monotonic_ms(&w->clock) - begin < 5000);
	e = (struct err){0};
	assert_int_equal(db_query(db, "SELECT 1", NULL, 0, begin, keep_first, out, &e), -1);
	assert_non_null(strstr(e.message, "deadline has passed"));
	/* the session is whole again */
	assert_string_equal(ask(w, db, "SELECT 1"), "1");
	db_release(w->pool, db);
}

static void test_db_sqlite_names_the_lock(void **state)
{
	struct world *w = *state;
	struct db *db = acquire(w);
	struct err e = {0};
	char out[64];
	sqlite3 *writer;

	assert_int_equal(sqlite3_open(w->path, &writer), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(db_query(db, "SELECT count(*) FROM orders", NULL, 0,
				  clock_monotonic_ms(&w->clock) + 30, keep_first, out, &e),
			 -1);
	assert_non_null(strstr(e.message, "stayed locked by another program"));
	assert_int_equal(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_string_equal(ask(w, db, "SELECT count(*) FROM orders"), "2");
	sqlite3_close(writer);
	db_release(w->pool, db);
}

static void refuse_to_open(struct world *w, const char *path, const char *message)
{
	struct err e = {0};
	struct db *db = NULL;

	assert_int_equal(db_acquire(w->pool,
				    &(struct db_source){
					    .name = "bad", .location = path, .max_connections = 1},
				    soon(w), &db, &e),
			 -1);
	assert_null(db);
	if (!strstr(e.message, message))
		fail_msg("%s: %s", message, e.message);
}

static void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void test_db_sqlite_bad_files_have_their_own_messages(void **state)
{
	struct world *w = *state;
	char path[128], garbage[8192];

	snprintf(path, sizeof(path), "%s/gone.db", w->dir);
	refuse_to_open(w, path, "No such file");
	refuse_to_open(w, w->dir, "it is a directory");
	snprintf(path, sizeof(path), "%s/pipe", w->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse_to_open(w, path, "not a file");
	snprintf(path, sizeof(path), "%s/empty.db", w->dir);
	write_file(path, "", 0);
	refuse_to_open(w, path, "empty (0 bytes)");
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * 7 + 3);
	snprintf(path, sizeof(path), "%s/garbage.db", w->dir);
	write_file(path, garbage, sizeof(garbage));
	refuse_to_open(w, path, "not an SQLite database, or it is encrypted");
	/* a good first line, nonsense behind it */
	memcpy(garbage, "SQLite format 3", 16);
	snprintf(path, sizeof(path), "%s/torn.db", w->dir);
	write_file(path, garbage, sizeof(garbage));
	refuse_to_open(w, path, "cannot read database");
}

static void test_db_sqlite_truncated_database_is_damaged(void **state)
{
	struct world *w = *state;

	assert_int_equal(truncate(w->path, 4096), 0);
	refuse_to_open(w, w->path, "it is damaged");
}

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");

	assert_non_null(in);
	assert_non_null(out);
	for (int c; (c = getc(in)) != EOF;)
		putc(c, out);
	fclose(in);
	fclose(out);
}

/* A database and its journal as a crash leaves them: copied in the middle of a transaction. */
static void test_db_sqlite_hot_journal_is_not_rolled_back_by_us(void **state)
{
	struct world *w = *state;
	char path[128], journal[160], copy[160];
	sqlite3 *h;

	snprintf(path, sizeof(path), "%s/crash.db", w->dir);
	snprintf(journal, sizeof(journal), "%s-journal", w->path);
	snprintf(copy, sizeof(copy), "%s-journal", path);
	assert_int_equal(sqlite3_open(w->path, &h), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(h,
			     "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;"
			     "CREATE TABLE big_one AS WITH RECURSIVE c (x) AS (SELECT 1 UNION"
			     " ALL SELECT x + 1 FROM c WHERE x < 20000) SELECT x FROM c",
			     NULL, NULL, NULL),
		SQLITE_OK);
	copy_file(w->path, path);
	copy_file(journal, copy);
	assert_int_equal(sqlite3_exec(h, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
	refuse_to_open(w, path, "its journal must first be rolled back");
	assert_int_equal(access(copy, F_OK), 0);
}

static void test_db_sqlite_sees_the_write_ahead_log(void **state)
{
	struct world *w = *state;
	sqlite3 *h;

	assert_int_equal(sqlite3_open(w->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h,
				      "PRAGMA journal_mode = WAL;"
				      "INSERT INTO orders (id, email) VALUES (3, 'c@x')",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	const char *before = world_state(w);
	struct db *db = acquire(w);

	assert_string_equal(ask(w, db, "SELECT count(*) FROM orders"), "3");
	/* what the open session reads follows the writer */
	assert_int_equal(sqlite3_exec(h, "DELETE FROM orders WHERE id = 3", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_string_equal(ask(w, db, "SELECT count(*) FROM orders"), "2");
	db_release(w->pool, db);
	db_pool_free(w->pool);
	w->pool = NULL;
	assert_string_equal(world_state(w), before);
	sqlite3_close(h);
}

static void test_db_sqlite_two_names_of_one_file(void **state)
{
	struct world *w = *state;
	struct db *first = acquire(w), *second = NULL;
	char alias[128];
	struct err e = {0};

	snprintf(alias, sizeof(alias), "%s/alias.db", w->dir);
	assert_int_equal(symlink(w->path, alias), 0);
	if (db_acquire(
		    w->pool,
		    &(struct db_source){.name = "alias", .location = alias, .max_connections = 1},
		    soon(w), &second, &e) != 0)
		fail_msg("%s", e.message);
	assert_string_equal(ask(w, second, "SELECT count(*) FROM orders"), "2");
	/* and nobody may read it as a plain file meanwhile */
	struct stat st;

	assert_int_equal(file_open(alias, &st, &e), -1);
	db_release(w->pool, second);
	db_release(w->pool, first);
}

static void test_db_sqlite_pool_keeps_its_ceiling(void **state)
{
	struct world *w = *state;
	struct db *a = acquire(w), *b = acquire(w), *c = NULL;
	struct err e = {0};

	assert_ptr_not_equal(a, b);
	assert_int_equal(db_acquire(w->pool,
				    &(struct db_source){.name = "shop",
							.location = w->path,
							.max_connections = 2},
				    clock_monotonic_ms(&w->clock) + 20, &c, &e),
			 -1);
	assert_non_null(strstr(e.message, "all 2 are in use"));
	db_release(w->pool, a);
	assert_ptr_equal(acquire(w), a); /* kept and handed on */
	db_release(w->pool, a);
	db_release(w->pool, b);
}

struct worker {
	struct world *world;
	int n_failed;
};

static void *work(void *ctx)
{
	struct worker *k = ctx;

	for (int i = 0; i < 200; i++) {
		struct db *db;
		struct err e = {0};
		char out[64] = "";

		if (db_acquire(k->world->pool,
			       &(struct db_source){.name = "shop",
						   .location = k->world->path,
						   .max_connections = 2},
			       soon(k->world), &db, &e) != 0) {
			k->n_failed++;
			continue;
		}
		if (db_query(db, "SELECT count(*) FROM lines", NULL, 0, soon(k->world), keep_first,
			     out, &e) != 0 ||
		    strcmp(out, "3") != 0)
			k->n_failed++;
		db_release(k->world->pool, db);
	}
	return NULL;
}

static void test_db_sqlite_pool_is_shared_by_threads(void **state)
{
	struct worker workers[4];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){.world = *state};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].n_failed, 0);
	}
}

/* TRUSTED_SCHEMA off alone would refuse every database that computes with JSON. */
static void test_db_sqlite_reads_schemas_that_use_json(void **state)
{
	struct world *w = *state;

	execute(w->path, "CREATE TABLE docs (doc TEXT, x AS (json_extract(doc, '$.x')));"
			 "CREATE VIEW tokens AS SELECT fts3_tokenizer('simple') AS t;"
			 "INSERT INTO docs VALUES ('{\"x\": 5}')");
	struct db *db = acquire(w);
	struct err e = {0};
	char out[64];

	assert_string_equal(ask(w, db, "SELECT x FROM docs"), "5");
	assert_int_equal(
		db_query(db, "SELECT t FROM tokens", NULL, 0, soon(w), keep_first, out, &e), -1);
	assert_non_null(strstr(e.message, "fts3_tokenizer"));
	db_release(w->pool, db);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_db_sqlite_refuses_everything_but_reading),
		WORLD_TEST(test_db_sqlite_reads),
		WORLD_TEST(test_db_sqlite_binds_parameters),
		WORLD_TEST(test_db_sqlite_quoted_unknown_name_is_not_text),
		WORLD_TEST(test_db_sqlite_ends_at_the_deadline),
		WORLD_TEST(test_db_sqlite_names_the_lock),
		WORLD_TEST(test_db_sqlite_bad_files_have_their_own_messages),
		WORLD_TEST(test_db_sqlite_truncated_database_is_damaged),
		WORLD_TEST(test_db_sqlite_hot_journal_is_not_rolled_back_by_us),
		WORLD_TEST(test_db_sqlite_sees_the_write_ahead_log),
		WORLD_TEST(test_db_sqlite_two_names_of_one_file),
		WORLD_TEST(test_db_sqlite_pool_keeps_its_ceiling),
		WORLD_TEST(test_db_sqlite_pool_is_shared_by_threads),
		WORLD_TEST(test_db_sqlite_reads_schemas_that_use_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
