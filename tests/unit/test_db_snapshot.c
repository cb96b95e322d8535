/* db_begin_read: one state for several statements and sessions of SQLite, or none at all. */
#include "tests/unit/database_world.h"

#include <pthread.h>
#include <stdatomic.h>

#define N_SESSIONS 4

static struct db_source source_of(const struct world *w)
{
	return (struct db_source){
		.name = "shop", .location = w->path, .max_connections = N_SESSIONS};
}

static int64_t soon(struct world *w)
{
	return clock_monotonic_ms(&w->clock) + 10000;
}

/* All the sessions there may be. */
static void acquire_all(struct world *w, struct db *dbs[N_SESSIONS])
{
	struct db_source source = source_of(w);
	struct db *more[9]; /* more than there may be */

	if (db_acquire(w->probe_world.dbs, &source, soon(w), &dbs[0], &w->err) != 0)
		fail_msg("%s", w->err.message);
	assert_int_equal(db_acquire_more(w->probe_world.dbs, &source, soon(w), more, 9),
			 N_SESSIONS - 1);
	memcpy(dbs + 1, more, (N_SESSIONS - 1) * sizeof(*more));
}

static void release_all(struct world *w, struct db *dbs[N_SESSIONS])
{
	for (size_t i = 0; i < N_SESSIONS; i++)
		db_release(w->probe_world.dbs, dbs[i]);
}

static int take(void *ctx, const struct db_row *row, struct err *e)
{
	int64_t *out = ctx;

	(void)e;
	*out = row->values[0].integer;
	return 0;
}

static int64_t number(struct world *w, struct db *db, const char *sql)
{
	int64_t out = -1;

	if (db_query(db, sql, NULL, 0, soon(w), take, &out, &w->err) != 0)
		fail_msg("%s: %s", sql, w->err.message);
	return out;
}

static void holds_one_state(struct world *w, const char *mode)
{
	struct db *dbs[N_SESSIONS];

	execute(w, arena_printf(w->arena,
				"PRAGMA journal_mode = %s; CREATE TABLE t (a);"
				"INSERT INTO t VALUES (1), (2)",
				mode));
	acquire_all(w, dbs);
	assert_int_equal(db_begin_read(dbs, N_SESSIONS, soon(w), &w->err), 0);
	for (size_t i = 0; i < N_SESSIONS; i++) {
		if (strcmp(mode, "wal") == 0 && i == 1)
			execute(w, "DELETE FROM t WHERE a = 1");
		assert_int_equal(number(w, dbs[i], "SELECT count(*) FROM t"), 2);
		/* an error leaves the state, and nobody can leave it by a statement */
		assert_int_equal(
			db_query(dbs[i], "SELECT nosuch", NULL, 0, soon(w), NULL, NULL, NULL), -1);
		assert_int_equal(db_query(dbs[i], "COMMIT", NULL, 0, soon(w), NULL, NULL, NULL),
				 -1);
		assert_int_equal(
			db_query(dbs[i], "SELECT json('{')", NULL, 0, soon(w), NULL, NULL, NULL),
			-1);
		assert_int_equal(number(w, dbs[i], "SELECT count(*) FROM t"), 2);
	}
	db_end_read(dbs, N_SESSIONS);
	execute(w, "DELETE FROM t");
	for (size_t i = 0; i < N_SESSIONS; i++)
		assert_int_equal(number(w, dbs[i], "SELECT count(*) FROM t"), 0);
	release_all(w, dbs);
}

static void test_db_snapshot_holds_one_state_with_wal(void **state)
{
	holds_one_state(*state, "wal");
}

static void test_db_snapshot_holds_one_state_without_wal(void **state)
{
	holds_one_state(*state, "delete");
}

static void test_db_snapshot_more_never_waits(void **state)
{
	struct world *w = *state;
	struct db_source source = source_of(w);
	struct db *dbs[N_SESSIONS], *more[2];

	execute(w, "CREATE TABLE t (a)");
	acquire_all(w, dbs);
	assert_int_equal(db_acquire_more(w->probe_world.dbs, &source, soon(w), more, 2), 0);
	db_release(w->probe_world.dbs, dbs[3]);
	assert_int_equal(db_acquire_more(w->probe_world.dbs, &source, soon(w), more, 2), 1);
	assert_ptr_equal(more[0], dbs[3]);
	release_all(w, dbs);
}

struct writer {
	struct world *world;
	atomic_bool is_ended;
	atomic_int n_written;
};

static void *write_on(void *ctx)
{
	struct writer *k = ctx;
	sqlite3 *h;

	/* A reader that looks at the log may hold its lock for a moment. */
	if (sqlite3_open(k->world->path, &h) != SQLITE_OK ||
	    sqlite3_busy_timeout(h, 10000) != SQLITE_OK)
		abort();
	if (sqlite3_exec(h, "PRAGMA synchronous = off", NULL, NULL, NULL) != SQLITE_OK)
		abort();
	while (!k->is_ended)
		if (sqlite3_exec(h, "UPDATE t SET a = a + 1", NULL, NULL, NULL) != SQLITE_OK)
			abort();
		else
			k->n_written++;
	(void)sqlite3_close(h);
	return NULL;
}

/* Against somebody who writes all the time: either no snapshot, or the same everywhere. */
static void test_db_snapshot_is_never_torn(void **state)
{
	struct world *w = *state;
	struct writer k = {.world = w};
	struct db *dbs[N_SESSIONS];
	pthread_t thread;

	execute(w, "PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (0)");
	acquire_all(w, dbs);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &k), 0);
	while (k.n_written < 5000) {
		int rc = db_begin_read(dbs, N_SESSIONS, soon(w), &w->err);

		assert_in_range(rc, 0, 1);
		if (rc != 0)
			continue;
		int64_t first = number(w, dbs[0], "SELECT a FROM t");

		for (size_t k2 = 1; k2 < N_SESSIONS; k2++)
			assert_int_equal(number(w, dbs[k2], "SELECT a FROM t"), first);
		db_end_read(dbs, N_SESSIONS);
	}
	k.is_ended = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(db_begin_read(dbs, N_SESSIONS, soon(w), &w->err), 0);
	db_end_read(dbs, N_SESSIONS);
	release_all(w, dbs);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_db_snapshot_holds_one_state_with_wal),
		WORLD_TEST(test_db_snapshot_holds_one_state_without_wal),
		WORLD_TEST(test_db_snapshot_more_never_waits),
		WORLD_TEST(test_db_snapshot_is_never_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
