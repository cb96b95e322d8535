/* merge: nothing that cannot be believed is taken. */
#include "merge_world.h"

static void test_merge_refuses_what_nobody_signed(void **state)
{
	struct world *w = *state;
	const struct merge_options o = {.at_ms = LATER, .host = "h", .user = "u"};
	struct record *other = full_other(w, "other.db", false);

	refuses(w, other, &o, "nobody has signed for it");
	assert_true(full_merge(w, other, true).id != 0);
	assert_int_equal(ask(w->path, "SELECT vouched FROM merges"), 0);
	record_close(other);
}

static void test_merge_refuses_another_key(void **state)
{
	struct world *w = *state;
	struct record *other = full_other(w, "other.db", true),
		      *third = full_other(w, "third.db", true);
	struct merge_options o = {.at_ms = LATER, .host = "h", .user = "u"};
	struct ledger_key *keys;
	size_t n;
	struct merged m;
	struct err e = {0};

	assert_ok(ledger_keys(third, w->arena, &keys, &n, &e), e);
	o.trust.keys = &keys[0].key;
	o.trust.n_keys = 1;
	refuses(w, other, &o, "signed with another key than those you trust");
	assert_ok(record_merge(w->record, third, w->arena, &o, &m, &e), e);
	assert_int_equal(ask(w->path, "SELECT vouched FROM merges"), 2);
	assert_int_equal(m.n_runs, 4);
	record_close(other);
	record_close(third);
}

/* A pass is of the tag that is known here, or it is none; that a tag was moved is to be known. */
static void test_merge_refuses_another_tag_of_the_name(void **state)
{
	static const char *const others[][3] = {
		{"bad", "7ee", "aa11"}, {"c0ffee", "bad", "aa11"}, {"c0ffee", "7ee", "bad"}};
	static const char *const texts[] = {
		("tag \"v1\" of set \"releases\" passed with commit bad, here it is pinned to "
		 "c0ffee"),
		"passed with tree bad, here it is pinned to 7ee",
		"passed with artifact \"app.tar.gz\" bad, here it is pinned to aa11"};
	struct world *w = *state;
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = LATER, .host = "h", .user = "u"};

	restore(w, w->record, WORLD_T0 + 7 * WORLD_HOUR, OUTCOME_PASS);
	for (size_t i = 0; i < 3; i++) {
		struct record *other = open_other(w, arena_printf(w->arena, "%zu.db", i));

		restore_as(w, other, WORLD_T0 + 6 * WORLD_HOUR, others[i], OUTCOME_PASS);
		refuses(w, other, &o, texts[i]);
		record_close(other);
		other = open_other(w, arena_printf(w->arena, "moved %zu.db", i));
		restore_as(w, other, WORLD_T0 + 6 * WORLD_HOUR, others[i], OUTCOME_FAIL);
		assert_int_equal(full_merge(w, other, true).n_restorations, 1);
		record_close(other);
	}
	is_whole(w);
}

/* Whoever copies a manifest has not measured a part of what it stands for. */
static void test_merge_refuses_parts_that_are_not_of_one_whole(void **state)
{
	const struct run_shard parts[] = {{1, 2, {7}}, {2, 2, {7}}};
	struct world *w = *state;
	struct record *own = w->record, *other = open_other(w, "other.db");
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = LATER, .host = "h", .user = "u"};
	struct run_info run[2];
	struct shard_set set;
	struct err e = {0};

	w->record = other;
	for (int i = 0; i < 2; i++) {
		run[i] = world_begin_part(w, i == 0 ? "v1" : "v2", parts[i]);
		world_end(w, &run[i], OUTCOME_PASS);
	}
	w->record = own;
	assert_ok(record_shard_set(other, w->arena, run[0].id, INT64_MAX, &set, &e), e);
	assert_int_equal(set.runs[0].run_id, run[0].id);
	assert_int_equal(set.runs[1].run_id, 0);
	refuses(w, other, &o, "runs 1 to 2 of manifest 070000000000 are not of one subject");
	record_close(other);
}

/* What tells there that a clock was set back is not here. */
static void test_merge_refuses_doubtful_times(void **state)
{
	struct world *w = *state;
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = LATER, .host = "h", .user = "u"};
	struct record *other = open_other(w, "other.db");

	(void)run_at(w, other, WORLD_T0 + 9 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)run_at(w, other, WORLD_T0 + 8 * WORLD_HOUR, "v1", OUTCOME_PASS);
	refuses(w, other, &o,
		"its times are in doubt: run 2 began at 2026-11-23T05:40:03Z, 1 h "
		"before run 1 ended");
	record_close(other);
}

/* It would be the newest evidence of some day that is to come. */
static void test_merge_refuses_the_future(void **state)
{
	struct world *w = *state;
	struct merge_options o = {.is_unsigned = true, .host = "h", .user = "u"};
	struct record *other = full_other(w, "other.db", false);
	struct merged m;
	struct err e = {0};

	(void)run_at(w, other, WORLD_T0 + 9 * WORLD_HOUR, "v8", OUTCOME_PASS);
	o.at_ms = WORLD_T0 + 9 * WORLD_HOUR - 60001;
	refuses(w, other, &o, "run 5 began in the future, at 2026-11-23T06:40:03Z: a clock is");
	o.at_ms++;
	refuses(w, other, &o, "run 5 ended in the future");
	o.at_ms++;
	assert_ok(record_merge(w->record, other, w->arena, &o, &m, &e), e);
	record_close(other);
	record_close(w->record);
	assert_true(tells(w, LEDGER_DOUBT, "brought it") == 0);
	full_sql(w->path, "UPDATE merges SET at_ms = at_ms - 300000");
	assert_ok(record_open(w->path, RECORD_WRITE, &w->record, &e), e);
	assert_true(tells(w, LEDGER_DOUBT, "after merge 1, at") > 0);
}

/* Everybody has the public half of a key, and can have a key of his own vouch for it. */
static void test_merge_refuses_a_key_that_signed_nothing(void **state)
{
	struct world *w = *state;
	struct record *other = full_other(w, "other.db", true);
	struct sign_key *first, *known = full_make_key(w, "known");
	struct merge_options o = {.at_ms = LATER, .host = "h", .user = "u"};
	struct ledger_new_key k = {
		.name = "known", .at_ms = w->now_ms, .key = known, .host = "h", .user = "u"};
	struct ledger_verification v;
	struct ledger_key *keys;
	bool is_told = false;
	size_t n;
	struct err e = {0};

	assert_ok(sign_key_load(path_of(w, "other.db.key"), &first, &e), e);
	k.former = first;
	assert_ok(ledger_add_key(other, w->arena, &k, &e), e);
	assert_ok(ledger_keys(other, w->arena, &keys, &n, &e), e);
	assert_int_equal(n, 2);
	o.trust.keys = &keys[1].key;
	o.trust.n_keys = 1;
	refuses(w, other, &o, "none of the keys that are trusted has signed for it");
	v = full_verify(w, path_of(w, "other.db"), &o.trust);
	for (size_t i = 0; i < v.n_findings; i++)
		is_told = is_told || (v.findings[i].grade == LEDGER_DOUBT &&
				      strstr(v.findings[i].text, "none of the keys you trust"));
	assert_true(is_told);
	sign_key_free(first);
	sign_key_free(known);
	record_close(other);
}

/* Nobody has signed for what came after the checkpoint: it is left for the next time. */
static void test_merge_takes_what_is_signed_for(void **state)
{
	struct world *w = *state;
	struct record *other = full_other(w, "other.db", true);
	struct sign_key *key;
	const char *note;
	struct merged m;
	struct err e = {0};
	const struct merge_options o = {.at_ms = LATER, .host = "h", .user = "u"};

	(void)run_at(w, other, w->now_ms + WORLD_HOUR, "v8", OUTCOME_PASS);
	refuses(w, other, &o, "1 of its runs that ended, measurements or challenges, is behind");
	assert_ok(sign_key_load(path_of(w, "other.db.key"), &key, &e), e);
	assert_ok(ledger_checkpoint_make(other, w->arena, key, &note, &e), e);
	sign_key_free(key);
	m = full_merge(w, other, false);
	assert_int_equal(m.n_runs, 5);
	assert_int_equal(m.n_left, 0);
	record_close(other);
}

static void test_merge_refuses_what_was_changed(void **state)
{
	static const char *const changes[] = {
		"UPDATE results SET value = 7 WHERE id = (SELECT min(id) FROM results)",
		"UPDATE facts SET outcome = 1 - outcome WHERE id = 1",
		"DELETE FROM run_ends WHERE run = 1",
		"UPDATE runs SET subject = subject + 1 WHERE id = 1",
		"UPDATE head SET root = zeroblob(32)",
		"CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END",
	};
	struct world *w = *state;
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = LATER, .host = "h", .user = "u"};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *name = arena_printf(w->arena, "%zu.db", i);
		struct record *other = full_other(w, name, true);

		record_close(other);
		full_sql(path_of(w, name), changes[i]);
		other = open_other(w, name);
		refuses(w, other, &o, "cannot merge");
		record_close(other);
	}
	assert_int_equal(ask(w->path, "SELECT count(*) FROM runs"), 0);
}

static void test_merge_refuses_another_history(void **state)
{
	struct world *w = *state;
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = LATER, .host = "h", .user = "u"};
	struct record *other = full_other(w, "other.db", false), *copy;
	char block[4096];
	FILE *in, *out;
	size_t n;

	record_close(other);
	in = fopen(path_of(w, "other.db"), "rb");
	out = fopen(path_of(w, "copy.db"), "wb");
	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(block, 1, sizeof(block), in)) > 0)
		assert_int_equal(fwrite(block, 1, n, out), n);
	assert_int_equal(fclose(in) + fclose(out), 0);
	other = open_other(w, "other.db");
	copy = open_other(w, "copy.db");
	(void)run_at(w, other, w->now_ms + WORLD_HOUR, "v8", OUTCOME_FAIL);
	(void)full_merge(w, other, true);
	refuses(w, copy, &o, "it is shorter than when it was merged last");
	(void)run_at(w, copy, w->now_ms + WORLD_HOUR, "v8", OUTCOME_PASS);
	(void)run_at(w, copy, w->now_ms + 2 * WORLD_HOUR, "v8", OUTCOME_PASS);
	refuses(w, copy, &o, "its history was rewritten: its first");
	(void)run_at(w, other, w->now_ms + 2 * WORLD_HOUR, "v8", OUTCOME_PASS);
	assert_int_equal(full_merge(w, other, true).n_runs, 1);
	record_close(other);
	record_close(copy);
}

static void test_merge_refuses_itself(void **state)
{
	struct world *w = *state;
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = LATER, .host = "h", .user = "u"};
	struct record *same;
	struct err e = {0};

	full_add_run(w, 1, "v1");
	assert_ok(record_open(w->path, RECORD_READ, &same, &e), e);
	refuses(w, same, &o, "is this record, or a copy of it");
	record_close(same);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_merge_refuses_what_nobody_signed),
		TEST(test_merge_refuses_another_key),
		TEST(test_merge_refuses_another_tag_of_the_name),
		TEST(test_merge_refuses_parts_that_are_not_of_one_whole),
		TEST(test_merge_refuses_doubtful_times),
		TEST(test_merge_refuses_the_future),
		TEST(test_merge_refuses_a_key_that_signed_nothing),
		TEST(test_merge_takes_what_is_signed_for),
		TEST(test_merge_refuses_what_was_changed),
		TEST(test_merge_refuses_another_history),
		TEST(test_merge_refuses_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
