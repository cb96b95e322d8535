/* prune: what goes, what stays, and that the ledger is the same afterwards. */
#include "full_record.h"

#include "runner/history/store.h"

static const double first[] = {1, 2, 3}, second[] = {4, 5, 6};

static struct result with(struct result x, const char *evidence, const char *query,
			  const double *samples)
{
	x.evidence = evidence;
	x.query = query;
	x.samples = samples;
	x.n_samples = samples != NULL ? 3 : 0;
	return x;
}

static int64_t add(struct world *w, const struct check_info *c, const char *evidence,
		   const char *query, const double *samples)
{
	return world_run(
		w, "v1",
		with(world_result(w, c, "", OUTCOME_PASS, world_int(1)), evidence, query, samples));
}

static struct pruned prune(struct world *w, int64_t before_ms, int64_t keep_runs, bool is_dry)
{
	struct prune_options o = {.at_ms = w->now_ms + 1,
				  .before_ms = before_ms,
				  .keep_runs = keep_runs,
				  .host = "h",
				  .user = "u",
				  .is_dry = is_dry};
	struct pruned done = {.id = -1};
	struct err e = {0};

	assert_ok(record_prune(w->record, w->arena, &o, &done, &e), e);
	return done;
}

static struct result result_of(struct world *w, int64_t run)
{
	struct result *results;
	struct err e = {0};
	size_t n;

	assert_ok(record_run_results(w->record, w->arena, run, &results, &n, &e), e);
	assert_ok(record_run_samples(w->record, w->arena, run, results, n, &e), e);
	assert_int_equal(n, 1);
	return results[0];
}

static void is_pruned(struct world *w, const char *now, const char *was)
{
	unsigned char digest[SHA256_BYTES];
	char hex[SHA256_HEX];

	sha256_of(was, strlen(was), digest);
	sha256_hex(digest, hex);
	assert_string_equal(now, arena_printf(w->arena,
					      "pruned on 2026-11-23: %zu bytes with SHA-256 %s",
					      strlen(was), hex));
}

static struct ledger_verification holds(struct world *w)
{
	struct ledger_verification v = full_verify(w, w->path, NULL);

	full_show(&v);
	assert_int_equal(v.n_broken, 0);
	return v;
}

static void test_prune_lets_go_of_what_is_old(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	int64_t old = add(w, c, "old", "SELECT 1", first), young, newest;
	struct ledger_verification v;
	struct pruned done;
	struct result x;

	w->now_ms += 3 * WORLD_HOUR;
	young = add(w, c, "young", "SELECT 2", first);
	newest = add(w, c, "newest", "SELECT 3", first);
	v = holds(w);
	done = prune(w, w->now_ms - 2 * WORLD_HOUR, 1, true);
	assert_int_equal(done.n_texts, 2);
	assert_int_equal(done.id, 0);
	assert_memory_equal(holds(w).head.root.bytes, v.head.root.bytes, SHA256_BYTES);
	done = prune(w, w->now_ms - 2 * WORLD_HOUR, 1, false);
	assert_int_equal(done.id, 1);
	assert_int_equal(done.n_texts, 2);
	assert_int_equal(done.n_samples, 1);
	assert_int_equal(done.n_bytes, 3 + 8 + 24);
	x = result_of(w, old);
	is_pruned(w, x.evidence, "old");
	is_pruned(w, x.query, "SELECT 1");
	assert_int_equal(x.n_samples, 0);
	assert_string_equal(result_of(w, young).evidence, "young");
	assert_int_equal(result_of(w, young).n_samples, 3);
	assert_string_equal(result_of(w, newest).query, "SELECT 3");
	assert_int_equal(holds(w).n_pruned, 3);
	assert_int_equal(holds(w).head.size, v.head.size + 1);
	assert_int_equal(prune(w, w->now_ms - 2 * WORLD_HOUR, 1, false).id, 0);
	assert_int_equal(holds(w).head.size, v.head.size + 1);
}

static void test_prune_spares_what_is_needed(void **state)
{
	struct world *w = *state;
	const struct check_info *a = world_check(w, "a/b"), *b = world_check(w, "b/c");
	int64_t alone = add(w, a, "the newest of its series", NULL, NULL);
	int64_t decided = add(w, b, "decided by", NULL, first);
	int64_t shared = add(w, b, "shared", "owner", first);
	int64_t kept = add(w, b, "gone", NULL, first);
	struct decision_line line = {.check = "b/c",
				     .series = "",
				     .outcome = OUTCOME_PASS,
				     .text = "1",
				     .run_id = decided,
				     .measured_ms = 1};
	struct decision d = {.gate = "g", .subject = "v1", .lines = &line, .n_lines = 1};
	struct result x;
	struct err e = {0};

	(void)add(w, b, "shared", NULL, second);
	d.at_ms = w->now_ms;
	assert_ok(record_decision(w->record, &d, &e), e);
	/* a word that is something else, too */
	x = world_result(w, b, "", OUTCOME_UNDECIDED, world_int(1));
	x.reason = "owner";
	(void)world_run(w, "v1", x);
	assert_int_equal(prune(w, w->now_ms - WORLD_HOUR, 2, false).n_texts, 1);
	assert_string_equal(result_of(w, alone).evidence, "the newest of its series");
	assert_string_equal(result_of(w, decided).evidence, "decided by");
	assert_int_equal(result_of(w, decided).n_samples, 3);
	assert_string_equal(result_of(w, shared).evidence, "shared");
	assert_string_equal(result_of(w, shared).query, "owner");
	assert_int_equal(result_of(w, shared).n_samples, 0);
	is_pruned(w, result_of(w, kept).evidence, "gone");
	assert_int_equal(result_of(w, kept).n_samples, 3); /* of the two newest runs */
	(void)holds(w);
	/* the decision is as old as the rest */
	assert_int_equal(prune(w, w->now_ms, 1, false).n_samples, 2);
	is_pruned(w, result_of(w, decided).evidence, "decided by");
	assert_int_equal(holds(w).n_prunings, 2);
}

static void test_prune_is_not_undone_by_the_same_again(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	int64_t runs[3];

	w->now_ms += 3 * WORLD_HOUR;
	for (int i = 0; i < 3; i++) {
		runs[i] = add(w, c, "the same", "SELECT 1", NULL);
		(void)add(w, c, "another", NULL, NULL);
		assert_string_equal(result_of(w, runs[i]).evidence, "the same");
		assert_int_equal(prune(w, w->now_ms, 1, false).id, i + 1);
		for (int k = 0; k <= i; k++)
			is_pruned(w, result_of(w, runs[k]).evidence, "the same");
	}
	(void)holds(w);
}

static void refuses(struct world *w, struct prune_options o, const char *why)
{
	int64_t size = ask(w->path, "SELECT next_seq FROM head");
	struct pruned done = {.id = -1};
	struct err e = {0};

	assert_int_equal(record_prune(w->record, w->arena, &o, &done, &e), -1);
	assert_non_null(strstr(e.message, why));
	assert_int_equal(done.id, -1);
	assert_int_equal(ask(w->path, "SELECT next_seq FROM head"), size);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM texts WHERE body = 'old'"), 1);
}

static void test_prune_refuses_what_does_not_hold(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	struct prune_options o = {.keep_runs = 1, .host = "h", .user = "u"};

	(void)add(w, c, "old", NULL, NULL);
	(void)add(w, c, "newest", NULL, NULL);
	o.at_ms = w->now_ms;
	o.before_ms = w->now_ms + 1;
	refuses(w, o, "there are prunings of what was not old (1)");
	full_sql(w->path, "UPDATE results SET value = 7 WHERE run = 1");
	o.before_ms = w->now_ms;
	refuses(w, o, "it is broken: ");
}

/* Each is done by somebody who has the file and no key. */
static void test_prune_cannot_be_made_up(void **state)
{
	static const char *const lies[] = {
		"UPDATE texts SET body = '' WHERE body = 'newest'",
		"INSERT INTO pruned_texts SELECT id, 1, zeroblob(32), 6 FROM texts WHERE body = "
		"'newest'",
		"INSERT INTO pruned_samples SELECT result, 1, zeroblob(32), 24 FROM samples; "
		"DELETE "
		"FROM samples",
		"DELETE FROM pruned_samples",
		"DELETE FROM pruned_texts",
		"DELETE FROM prunings",
		"UPDATE prunings SET before_ms = before_ms - 7200000",
		"UPDATE pruned_texts SET sha256 = zeroblob(32)",
		"UPDATE pruned_samples SET size = 8",
		"UPDATE texts SET body = 'other' WHERE body = ''",
		"UPDATE facts SET digest = randomblob(16) WHERE id = 1",
	};
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	char copy[128];

	(void)add(w, c, "old", NULL, first);
	(void)add(w, c, "newest", NULL, second);
	assert_int_equal(prune(w, w->now_ms, 1, false).n_samples, 1);
	(void)holds(w);
	record_close(w->record);
	w->record = NULL;
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", w->dir);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		full_sql(w->path, arena_printf(w->arena, "VACUUM INTO '%s'", copy));
		full_sql(copy, lies[i]);
		if (full_verify(w, copy, NULL).n_broken == 0)
			fail_msg("not found: %s", lies[i]);
		assert_int_equal(remove(copy), 0);
	}
}

/*
 * Somebody who can add records, and has the evidence of a moment ago pruned as if it were a year
 * old. Every digest is right.
 */
static void test_prune_of_what_is_young_is_found(void **state)
{
	static const char *const lies[] = {
		"INSERT INTO pruned_texts SELECT id, 1, x'', 6 FROM texts WHERE body = 'newest'",
		"INSERT INTO pruned_samples SELECT max(result), 1, x'', 24 FROM samples",
		"DELETE FROM samples WHERE result = (SELECT result FROM pruned_samples)",
		"UPDATE texts SET body = '' WHERE id = (SELECT text FROM pruned_texts)"};
	struct world *w = *state;
	struct ledger_verification v;
	unsigned char leaf[SHA256_BYTES], digest[SHA256_BYTES];
	struct err e = {0};
	sqlite3_stmt *s;

	(void)add(w, world_check(w, "a/b"), "newest", NULL, first);
	assert_ok(store_enter(w->record, STORE_WRITING, &e), e);
	(void)store_take_seq(w->record, 1);
	assert_int_equal(sqlite3_exec(w->record->db,
				      "INSERT INTO prunings SELECT 1, next_seq, 1000, 1000, 1, 1 "
				      "FROM head",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		assert_int_equal(sqlite3_exec(w->record->db, lies[i], NULL, NULL, NULL), SQLITE_OK);
	s = store_sql(w->record, "UPDATE pruned_texts SET sha256 = ?1", &e);
	sha256_of("newest", 6, digest);
	store_bind_digest(s, 1, digest, sizeof(digest));
	assert_ok(store_run(w->record, s, &e), e);
	s = store_sql(w->record, "UPDATE pruned_samples SET sha256 = ?1", &e);
	sha256_of("\x3f\xf0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\x40\x08\0\0\0\0\0\0", 24, digest);
	store_bind_digest(s, 1, digest, sizeof(digest));
	assert_ok(store_run(w->record, s, &e), e);
	s = store_sql(w->record, "SELECT leaf FROM facts WHERE id = 1", &e);
	assert_int_equal(store_step(w->record, s, &e), 1);
	store_digest(s, 0, leaf, sizeof(leaf));
	(void)sqlite3_reset(s);
	intern_digest_of_pruned(1, leaf, digest);
	s = store_sql(w->record, "UPDATE facts SET digest = ?1", &e);
	store_bind_digest(s, 1, digest, INTERN_DIGEST_BYTES);
	assert_ok(store_run(w->record, s, &e), e);
	assert_ok(store_leave(w->record, 0, &e), e);
	v = full_verify(w, w->path, NULL);
	full_show(&v);
	assert_int_equal(v.n_broken, 1);
	assert_non_null(strstr(v.findings[0].text, "it lost what was behind it, and is not as old "
						   "as what was pruned"));
}

/* What another record has let go of comes as what is known of it. */
static void test_prune_is_told_where_it_is_merged(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *other;
	const struct check_info *c = world_check(w, "a/b");
	struct err e = {0};

	w->now_ms += 3 * WORLD_HOUR;
	assert_ok(record_open(arena_printf(w->arena, "%s/other.db", w->dir), RECORD_WRITE, &other,
			      &e),
		  e);
	w->record = other;
	(void)add(w, c, "old", NULL, first);
	(void)add(w, c, "newest", NULL, second);
	assert_int_equal(prune(w, w->now_ms, 1, false).n_samples, 1);
	w->record = own;
	assert_int_equal(full_merge(w, other, true).n_results, 2);
	record_close(other);
	is_pruned(w, result_of(w, 1).evidence, "old");
	assert_int_equal(result_of(w, 1).n_samples, 0);
	assert_string_equal(result_of(w, 2).evidence, "newest");
	(void)holds(w);
}

/* A run that is merged has a later number than newer ones: both ways to be the newest count. */
static void test_prune_spares_the_newest_by_time_and_by_number(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *other;
	const struct check_info *c = world_check(w, "a/b");
	int64_t newest;
	struct err e = {0};

	assert_ok(record_open(arena_printf(w->arena, "%s/other.db", w->dir), RECORD_WRITE, &other,
			      &e),
		  e);
	w->record = other;
	(void)add(w, c, "first", NULL, NULL);
	(void)add(w, c, "second", NULL, NULL);
	w->record = own;
	newest = add(w, c, "newest", NULL, NULL);
	assert_int_equal(full_merge(w, other, true).n_results, 2);
	record_close(other);
	w->now_ms += WORLD_HOUR;
	assert_int_equal(prune(w, w->now_ms, 1, false).n_texts, 1);
	assert_string_equal(result_of(w, newest).evidence, "newest");
	assert_string_equal(result_of(w, newest + 2).evidence, "second");
}

/* Runs of x in the file, whatever SQLite thinks of the page they are in. */
static bool has_remains(const char *path)
{
	static const char x[] = "xxxxxxxxxxxxxxxx";
	FILE *f = fopen(path, "rb");
	size_t n = 0;
	int c;

	assert_non_null(f);
	while (n < sizeof(x) - 1 && (c = fgetc(f)) != EOF)
		n = c == 'x' ? n + 1 : 0;
	assert_int_equal(fclose(f), 0);
	return n == sizeof(x) - 1;
}

static void test_prune_gives_room_back(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	char *large = arena_alloc(w->arena, 1000001);
	int64_t before, after;
	struct err e = {0};

	memset(large, 'x', 1000000);
	large[1000000] = '\0';
	(void)add(w, c, large, NULL, NULL);
	(void)add(w, c, "newest", NULL, NULL);
	assert_true(has_remains(w->path));
	assert_int_equal(prune(w, w->now_ms, 1, false).n_bytes, 1000000);
	assert_false(has_remains(w->path));
	assert_ok(record_compact(w->record, &before, &after, &e), e);
	assert_true(before > 1000000 && after < before - 900000);
	(void)holds(w);
	(void)add(w, c, "and on", NULL, NULL);
	(void)holds(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_prune_lets_go_of_what_is_old),
		TEST(test_prune_spares_what_is_needed),
		TEST(test_prune_is_not_undone_by_the_same_again),
		TEST(test_prune_refuses_what_does_not_hold),
		TEST(test_prune_cannot_be_made_up),
		TEST(test_prune_of_what_is_young_is_found),
		TEST(test_prune_is_told_where_it_is_merged),
		TEST(test_prune_spares_the_newest_by_time_and_by_number),
		TEST(test_prune_gives_room_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
