/* shared records: names of records on a server, and what needs one. */
#include "full_record.h"

#include <time.h>

#include "runner/base/buf.h"
#include "runner/history/shared.h"
#include "runner/history/store.h"
#include "runner/io/deflate.h"
#include "runner/io/shared_log.h"

#define HOUR INT64_C(3600000)

static void test_shared_url_is_taken_apart(void **state)
{
	static const struct {
		const char *url, *conninfo, *password, *name, *shown;
	} rows[] = {
		{"PostgreSQL://u:s3@db/audits", "postgresql://u@db/audits", "s3", "main",
		 "postgresql://u@db/audits?record=main"},
		{"postgresql://db/audits", "postgresql://db/audits", NULL, "main",
		 "postgresql://db/audits?record=main"},
		{"postgres://u@db:5433/audits?record=shop", "postgresql://u@db:5433/audits", NULL,
		 "shop", "postgresql://u@db:5433/audits?record=shop"},
		{"postgresql://u:s%40%2F@db/audits", "postgresql://u@db/audits", "s@/", "main",
		 "postgresql://u@db/audits?record=main"},
		{"postgresql://u:@db/a", "postgresql://u@db/a", "", "main",
		 "postgresql://u@db/a?record=main"},
		{"postgresql:///a?host=/run/pg&record=x&sslpassword=s3&port=1",
		 "postgresql:///a?host=/run/pg&sslpassword=s3&port=1", NULL, "x",
		 "postgresql:///a?host=/run/pg&port=1&record=x"},
		{"postgresql:///a?p%61ssword=s3", "postgresql:///a", "s3", "main",
		 "postgresql:///a?record=main"},
		{"postgresql://[::1]:5432,b:2/a", "postgresql://[::1]:5432,b:2/a", NULL, "main",
		 "postgresql://[::1]:5432,b:2/a?record=main"},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shared_url url;
		struct err e = {0};

		assert_true(shared_url_is(rows[i].url));
		assert_ok(shared_url_parse(a, rows[i].url, &url, &e), e);
		assert_string_equal(url.conninfo, rows[i].conninfo);
		assert_string_equal(url.name, rows[i].name);
		assert_string_equal(url.shown, rows[i].shown);
		assert_int_equal(url.password == NULL, rows[i].password == NULL);
		if (url.password != NULL)
			assert_string_equal(url.password, rows[i].password);
		assert_int_equal(shared_url_has_secret(rows[i].url),
				 url.password != NULL || url.has_secret);
		assert_int_equal(url.has_secret, strstr(rows[i].url, "sslpassword") != NULL);
		assert_null(strstr(shared_url_again(a, rows[i].url), "s3"));
	}
	assert_string_equal(shared_url_again(a, "postgres://u:p@db/a?sslmode=require&record=x"),
			    "postgresql://u@db/a?sslmode=require&record=x");
	assert_string_equal(shared_url_again(a, "postgresql://db/a?record=main"),
			    "postgresql://db/a");
	assert_null(shared_url_again(a, "a.db"));
	assert_false(shared_url_is(NULL));
	assert_false(shared_url_is("postgresql.db"));
	assert_false(shared_url_is("./postgres://db"));
	arena_free(a);
}

/* A part that cannot be told from a password is never shown. */
static void test_shared_url_that_is_none_is_not_shown(void **state)
{
	static const char *const urls[] = {
		"postgresql://u:hush/x@db/a",
		"postgresql://u:hush@x@db/a",
		"postgresql://u:hush",
		"postgresql://u:hush?x@db/a",
		"postgresql://u:hush#x@db/a",
		"postgresql://u:hush%zz@db/a",
		"postgresql://u:hush%00@db/a",
		"postgresql://db/a?password=hush%",
		"postgresql://db/a?record=a%2Fhush",
		"postgresql://db/a?record=",
		"postgresql://db/a?hush",
		"postgresql://db/a?record=1hush",
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct shared_url url;
		struct err e = {0};

		if (shared_url_parse(a, urls[i], &url, &e) == 0)
			fail_msg("%s was taken", urls[i]);
		assert_int_equal(e.class, ERR_USAGE);
		if (strstr(urls[i], "record=") == NULL && strstr(e.message, "hush") != NULL)
			fail_msg("%s", e.message);
		assert_true(shared_url_has_secret(urls[i]));
	}
	arena_free(a);
}

/* Neither is a file made of it, nor is anything of it told. */
static void test_shared_url_that_is_mistyped_is_refused(void **state)
{
	static const struct {
		const char *name;
		bool is_taken;
	} rows[] = {
		{"pgsql://u:hush@h/d", false},
		{"mysql://u:hush@h/d", false},
		{" postgresql://u:hush@h/d", false},
		{"postgresql:/u:hush@h/d", false},
		{"PostgreSQL:u:hush", false},
		{"postgresql+psycopg://u:hush@h/d", false},
		{"jdbc:/u:hush@h", false},
		{"host=h user=u password=hush", false},
		{" dbname = d password='hush'", false},
		{"connect_timeout=1 password=hush", false},
		{"POSTGRESQL://u:hush@h/d", true},
		{"postgresql://u:hush/x@h/d", true}, /* the parser refuses it */
		{"a.db", true},
		{"a:b.db", true},
		{"postgres.db", true},
		{"hosts/user.db", true},
		{"./host=h", true},
		{"./pgsql://x", true},
		{"", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = {0};

		if ((shared_url_check(rows[i].name, &e) == 0) != rows[i].is_taken)
			fail_msg("\"%s\"", rows[i].name);
		if (rows[i].is_taken)
			continue;
		assert_int_equal(e.class, ERR_USAGE);
		assert_null(strstr(e.message, "hush"));
		assert_null(strstr(e.help, "hush"));
	}
}

static void test_deflate_gives_back_what_it_took(void **state)
{
	static const char text[] = "what is packed is what is unpacked, what is packed";
	struct buf packed, raw, small;

	(void)state;
	buf_init(&packed, 1000);
	buf_init(&raw, sizeof(text));
	buf_init(&small, sizeof(text) - 1);
	assert_int_equal(deflate_pack(text, sizeof(text), &packed), 0);
	assert_int_equal(deflate_unpack(packed.data, packed.len, &raw), 0);
	assert_int_equal(raw.len, sizeof(text));
	assert_memory_equal(raw.data, text, sizeof(text));
	assert_int_equal(deflate_unpack(packed.data, packed.len, &small), -1);
	buf_reset(&raw);
	assert_int_equal(deflate_unpack(packed.data, packed.len - 5, &raw), -1);
	assert_int_equal(deflate_unpack(packed.data, 7, &raw), -1);
	packed.data[7]--;
	assert_int_equal(deflate_unpack(packed.data, packed.len, &raw), -1);
	buf_release(&packed);
	buf_release(&raw);
	buf_release(&small);
}

/* ---- with a server ---- */

/* What is done to the record by somebody who is allowed to. */
static void change(struct world *w, const char *sql)
{
	struct err e = {0};

	assert_ok(store_enter(w->record, STORE_WRITING, &e), e);
	assert_int_equal(sqlite3_exec(w->record->db, sql, NULL, NULL, NULL), SQLITE_OK);
	store_work(w->record);
	assert_ok(store_leave(w->record, 0, &e), e);
}

static void hold_elsewhere(struct world *w, const char *name, const char *host, int64_t ago_ms)
{
	struct timespec now;
	char sql[256];

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	(void)snprintf(sql, sizeof(sql),
		       "REPLACE INTO locks VALUES ('%s', '%s', 'boot machine %lld', 'pid:[1]', "
		       "1, 1)",
		       name, host, (long long)(now.tv_sec * 1000 - ago_ms));
	change(w, sql);
}

static void test_shared_lock_of_another_machine_holds_a_day(void **state)
{
	struct world *w = *state;
	const char *holder = NULL;
	struct err e = {0};
	char self[256] = "";

	hold_elsewhere(w, "schedule", "elsewhere", 23 * HOUR);
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 1);
	assert_non_null(strstr(holder, "process 1 on elsewhere, which cannot be seen from here"));
	hold_elsewhere(w, "schedule", "elsewhere", -48 * HOUR); /* clocks differ */
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 1);
	assert_int_equal(gethostname(self, sizeof(self) - 1), 0);
	hold_elsewhere(w, "schedule", self, HOUR); /* another boot, but of which machine? */
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 1);
	hold_elsewhere(w, "schedule", "elsewhere", 25 * HOUR);
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 0);
	assert_non_null(strstr(holder, "for more than a day"));
	assert_int_equal(record_lock(w->record, "schedule", w->arena, &holder, &e), 1);
	assert_null(strstr(holder, "cannot be seen"));
	assert_int_equal(record_unlock(w->record, "schedule", &e), 0);
	hold_elsewhere(w, "notice/7", "elsewhere", HOUR / 2);
	assert_int_equal(record_lock(w->record, "notice/7", w->arena, &holder, &e), 1);
	hold_elsewhere(w, "notice/7", "elsewhere", 2 * HOUR);
	assert_int_equal(record_lock(w->record, "notice/7", w->arena, &holder, &e), 0);
	assert_non_null(strstr(holder, "for more than an hour"));
	assert_int_equal(record_unlock(w->record, "notice/7", &e), 0);
}

/* What was not recorded is in no copy either, and a transaction without changes is none. */
static void test_shared_rollback_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	int64_t before;

	before = ask(w->path, "SELECT number FROM shared_position");
	assert_ok(store_enter(w->record, STORE_WRITING, &e), e);
	assert_int_equal(sqlite3_exec(w->record->db, "INSERT INTO told VALUES (9, 1, 1, 1)", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(store_leave(w->record, -1, &e), -1);
	assert_ok(store_enter(w->record, STORE_WRITING, &e), e);
	assert_ok(store_leave(w->record, 0, &e), e);
	assert_int_equal(ask(w->path, "SELECT number FROM shared_position"), before);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM told"), 0);
	change(w, "INSERT INTO told VALUES (9, 1, 1, 1)");
	assert_int_equal(ask(w->path, "SELECT number FROM shared_position"), before + 1);
	change(w, "DELETE FROM told");
	assert_int_equal(ask(w->path, "SELECT number FROM shared_position"), before + 2);
}

static struct record *open_elsewhere(struct world *w, const char *name, enum record_mode mode)
{
	struct record *r;
	struct err e = {0};
	char cache[128];

	(void)snprintf(cache, sizeof(cache), "%s/%s", w->dir, name);
	assert_int_equal(setenv("ASSIZE_RECORD_CACHE", cache, 1), 0);
	assert_ok(record_open(w->path, mode, &r, &e), e);
	(void)snprintf(cache, sizeof(cache), "%s/cache", w->dir);
	assert_int_equal(setenv("ASSIZE_RECORD_CACHE", cache, 1), 0);
	return r;
}

static int64_t newest_run(struct world *w, struct record *r)
{
	struct run_info *runs;
	struct err e = {0};
	size_t n;

	assert_ok(record_runs(r, w->arena, 0, 1, &runs, &n, &e), e);
	return n == 0 ? 0 : runs[0].id;
}

/* A handle that stays open follows: after a second at the latest, before every write in any case.
 */
static void test_shared_handles_follow_each_other(void **state)
{
	struct world *w = *state;
	struct record *reader, *writer, *own = w->record;
	struct result x = world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));

	reader = open_elsewhere(w, "reader", RECORD_READ);
	writer = open_elsewhere(w, "writer", RECORD_WRITE);
	assert_int_equal(newest_run(w, reader), 0);
	assert_int_equal(world_run(w, "v1", x), 1);
	reader->shared->fresh_ms = -1; /* as if a second had passed */
	assert_int_equal(newest_run(w, reader), 1);
	w->record = writer;
	assert_int_equal(world_run(w, "v2", x), 2);
	w->record = own;
	assert_int_equal(world_run(w, "v3", x), 3);
	reader->shared->fresh_ms = -1; /* same */
	assert_int_equal(newest_run(w, reader), 3);
	record_close(reader);
	record_close(writer);
}

/* Another process of this machine may put an older copy there: nothing is written on top of it. */
static void test_shared_copy_that_went_back_is_brought_up(void **state)
{
	struct world *w = *state;
	struct result x = world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));
	struct err e = {0};

	(void)world_run(w, "v1", x);
	assert_int_equal(shared_fetch_base(w->record, w->record->shared, 1, &e), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM runs"), 0);
	assert_int_equal(world_run(w, "v2", x), 2);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM runs"), 2);
}

static int refuse_once(void *ctx)
{
	int *left = ctx;

	return (*left)-- == 1;
}

/* A copy that did not take what the server has is behind, and is not read before it has followed.
 */
static void test_shared_copy_that_cannot_be_written_is_not_read(void **state)
{
	struct world *w = *state;
	struct result x = world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(1));
	int left = 1;

	assert_int_equal(world_run(w, "v1", x), 1);
	(void)sqlite3_commit_hook(w->record->db, refuse_once, &left);
	change(w, "INSERT INTO told VALUES (9, 1, 1, 1)");
	assert_int_equal(left, 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM told"), 0);
	assert_int_equal(newest_run(w, w->record), 1);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM told"), 1);
	(void)sqlite3_commit_hook(w->record->db, NULL, NULL);
}

/* What is refused by everybody who reads it: the record is of no use to other tests then. */
static void assert_refused(struct world *w, const char *sql, const char *why)
{
	struct record *r = NULL;
	struct err e = {0};
	char cache[96];

	(void)snprintf(cache, sizeof(cache), "%s/other", w->dir);
	assert_int_equal(setenv("ASSIZE_RECORD_CACHE", cache, 1), 0);
	if (record_open(w->path, RECORD_READ, &r, &e) == 0)
		fail_msg("%s was taken", sql);
	assert_int_equal(e.class, ERR_RECORD);
	if (strstr(e.message, why) == NULL)
		fail_msg("%s: %s", sql, e.message);
	record_close(w->record);
	w->record = NULL;
}

/* A run that failed, one that did not measure what the former did, and a challenge. */
static void measure(struct world *w)
{
	const struct challenged c = full_challenged(w, "a/b");
	struct result x = world_result(w, world_check(w, "a/b"), "", OUTCOME_FAIL, world_int(1));

	(void)world_run(w, "v1", x);
	x = world_result(w, world_check(w, "c/d"), "", OUTCOME_PASS, world_int(1));
	(void)world_run(w, "v1", x);
	(void)full_add_challenge(w, &c);
}

/* Only rows that come and go may be changed by a change. */
static void test_shared_history_is_not_changed_by_a_change(void **state)
{
	static const char sql[] = "UPDATE texts SET body = 'y' WHERE id = 1";
	struct world *w = *state;

	measure(w);
	change(w, sql);
	assert_refused(w, sql, "does not fit what was recorded before it");
}

/* A row that no leaf was made of is no evidence, and caches are what the leaves make them. */
static void test_shared_rows_without_a_leaf_are_refused(void **state)
{
	static const char *const rows[] = {
		"UPDATE states SET outcome = 1 WHERE check_id = 1",
		"UPDATE states SET run = 2 WHERE check_id = 1",
		"DELETE FROM states WHERE check_id = 1",
		"INSERT INTO latest SELECT subject, 1, 2 FROM runs WHERE id = 2",
		"UPDATE days SET n_pass = n_pass + 5",
		"DELETE FROM days",
		"INSERT INTO nodes VALUES (8, 0, zeroblob(32))",
		"INSERT INTO pins VALUES (1, 1, 1)",
		"UPDATE head SET origin = zeroblob(16)",
		"INSERT INTO results(id, facts_id, value, at_ms, duration_us) SELECT 2 << 24 | 1, "
		"facts_id, 1, 0, 0 FROM results WHERE id = 2 << 24 | 2",
		"INSERT INTO samples SELECT id, zeroblob(8) FROM results LIMIT 1",
		"INSERT INTO places SELECT id, 1 FROM results LIMIT 1",
		"INSERT INTO runs SELECT 3, 1000000, begin_ms, begin_monotonic_ms, subject, "
		"selection, command, definition_file, definition_digest, commit_id, is_dirty, "
		"host, user, version, job_url, boot_id, n_planned, shard, shards, manifest, merge, "
		"source, behind, subject_commit FROM runs WHERE id = 1",
		"INSERT INTO batches VALUES (1, 1, 1000000, 1, '2')",
		"INSERT INTO run_ends VALUES (3, -1, 1, 1, 1, 1, 0, 0, 0, 0, 0)",
		"INSERT INTO steps VALUES (1, 1, 1, 1, 1, NULL, NULL, NULL)",
		"INSERT INTO artifacts VALUES (1, 1, 1, 1, 1)",
		"INSERT INTO decision_waivers VALUES (1, 1, 1, 1, 1, 1, 1, 1)",
		"INSERT INTO external_labels VALUES (1, 0, 1, 1)",
		"INSERT INTO challenges SELECT 2, 1000000, definition_id, at_ms, recorded_ms, "
		"duration_us, subject, reason, help, 0, 0, 0, 0, 0, definition_file, "
		"definition_digest, commit_id, is_dirty, host, user, version, merge, behind FROM "
		"challenges",
		"INSERT INTO attacks SELECT 1, 99, name, object, words, outcome, reason, series, "
		"was, became, bound, advice, turns_red, turns_red_words, is_control, is_erratic, "
		"duration_us FROM attacks WHERE place = 5",
		"INSERT INTO attacks SELECT 2, place, name, object, words, outcome, reason, "
		"series, "
		"was, became, bound, advice, turns_red, turns_red_words, is_control, is_erratic, "
		"duration_us FROM attacks WHERE place = 5",
		"INSERT INTO texts(hash, body) VALUES (9, 'not hashed so')",
		"INSERT INTO facts SELECT 9, zeroblob(16), definition_id, ordinal, 1, unit, bound, "
		"usual_limit, bound_line, bound_col, reason, evidence, query, attempts, is_flaky, "
		"is_whole, share, leaf FROM facts WHERE id = 1",
		"INSERT INTO pruned_texts VALUES (1, 1, zeroblob(32), 1)",
		"INSERT INTO migrations(seq, version_from, version_to) VALUES (-1, 1, 2)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *world;

		assert_int_equal(world_setup(&world), 0);
		measure(world);
		change(world, rows[i]);
		assert_refused(world, rows[i],
			       "has rows that do not follow from the records it holds");
		assert_int_equal(world_teardown(&world), 0);
	}
}

/* Its leaf is in order, and its score is not that of its attacks. */
static void test_shared_challenge_has_the_counts_of_its_attacks(void **state)
{
	struct world *w = *state;
	struct challenged c = full_challenged(w, "a/b");

	c.n_noticed += c.n_survived;
	c.n_survived = 0;
	(void)full_add_challenge(w, &c);
	assert_refused(w, "a better score",
		       "has rows that do not follow from the records it holds");
}

static void test_shared_challenge_is_seen_by_others(void **state)
{
	struct world *w = *state;
	const struct challenged c = full_challenged(w, "a/b");
	int64_t id = full_add_challenge(w, &c);
	struct recorded_challenge x;
	struct ledger_verification v;
	char cache[96];
	struct record *r;
	struct err e = {0};

	(void)snprintf(cache, sizeof(cache), "%s/other", w->dir);
	assert_int_equal(setenv("ASSIZE_RECORD_CACHE", cache, 1), 0);
	assert_ok(record_open(w->path, RECORD_READ, &r, &e), e);
	assert_ok(record_challenge(r, w->arena, id, &x, &e), e);
	assert_int_equal(x.challenged.n_attacks, c.n_attacks);
	for (size_t i = 0; i < c.n_attacks; i++)
		assert_string_equal(x.challenged.attacks[i].words, c.attacks[i].words);
	assert_true(challenged_score(&x.challenged) == challenged_score(&c));
	v = full_verify(w, w->path, NULL);
	assert_int_equal(v.n_broken + v.n_doubts, 0);
	record_close(r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(test_shared_url_is_taken_apart),
		cmocka_unit_test(test_shared_url_that_is_none_is_not_shown),
		cmocka_unit_test(test_shared_url_that_is_mistyped_is_refused),
		cmocka_unit_test(test_deflate_gives_back_what_it_took),
	};
	/* shared_record.t has a server. */
	const struct CMUnitTest with_server[] = {
		TEST(test_shared_lock_of_another_machine_holds_a_day),
		TEST(test_shared_rollback_leaves_nothing),
		TEST(test_shared_handles_follow_each_other),
		TEST(test_shared_copy_that_went_back_is_brought_up),
		TEST(test_shared_copy_that_cannot_be_written_is_not_read),
		TEST(test_shared_history_is_not_changed_by_a_change),
		cmocka_unit_test(test_shared_rows_without_a_leaf_are_refused),
		TEST(test_shared_challenge_has_the_counts_of_its_attacks),
		TEST(test_shared_challenge_is_seen_by_others),
	};

	return world_server() == NULL ? cmocka_run_group_tests(alone, NULL, NULL)
				      : cmocka_run_group_tests(with_server, NULL, NULL);
}
