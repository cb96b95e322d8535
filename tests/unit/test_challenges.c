/*
 * challenges: read back as they were given, of older records as well; nothing of them can be
 * changed unnoticed, and nothing that asks for results ever sees them.
 */
#include "merge_world.h"

#include "runner/history/newest.h"

static void same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void same_attack(const struct attack_result *a, const struct attack_result *b)
{
	same_text(a->name, b->name);
	same_text(a->object, b->object);
	same_text(a->words, b->words);
	assert_int_equal(a->outcome, b->outcome);
	same_text(a->reason, b->reason);
	same_text(a->series, b->series);
	same_text(a->before, b->before);
	same_text(a->after, b->after);
	same_text(a->bound, b->bound);
	same_text(a->advice, b->advice);
	assert_int_equal(a->is_control, b->is_control);
	assert_true(a->turns_red == b->turns_red);
	same_text(a->turns_red_words, b->turns_red_words);
	assert_int_equal(a->is_erratic, b->is_erratic);
	assert_int_equal(a->duration_us, b->duration_us);
}

static void same_challenge(const struct challenged *a, const struct challenged *b)
{
	same_text(a->check->name, b->check->name);
	same_text(a->check->kind, b->check->kind);
	assert_memory_equal(a->check->hash, b->check->hash, 32);
	assert_int_equal(a->at_ms, b->at_ms);
	assert_int_equal(a->duration_us, b->duration_us);
	same_text(a->reason, b->reason);
	same_text(a->help, b->help);
	same_text(a->subject, b->subject);
	assert_int_equal(a->n_noticed, b->n_noticed);
	assert_int_equal(a->n_survived, b->n_survived);
	assert_int_equal(a->n_uncounted, b->n_uncounted);
	assert_int_equal(a->n_steady, b->n_steady);
	assert_int_equal(a->n_false_alarms, b->n_false_alarms);
	assert_true(challenged_score(a) == challenged_score(b));
}

static void same_origin(const struct challenge_origin *a, const struct challenge_origin *b)
{
	same_text(a->definition_file, b->definition_file);
	same_text(a->commit, b->commit);
	assert_memory_equal(a->definition_digest, b->definition_digest, 32);
	assert_int_equal(a->is_dirty, b->is_dirty);
	same_text(a->host, b->host);
	same_text(a->user, b->user);
	same_text(a->version, b->version);
	assert_int_equal(a->recorded_ms, b->recorded_ms);
}

static struct recorded_challenge read_one(struct world *w, int64_t id)
{
	struct recorded_challenge x;
	struct err e = {0};

	assert_ok(record_challenge(w->record, w->arena, id, &x, &e), e);
	return x;
}

static size_t list(struct world *w, const struct challenge_query *q,
		   struct recorded_challenge **out)
{
	struct err e = {0};
	size_t n;

	assert_ok(record_challenges_of(w->record, w->arena, q, out, &n, &e), e);
	return n;
}

static size_t newest(struct world *w, struct recorded_challenge **out)
{
	struct err e = {0};
	size_t n;

	assert_ok(record_challenges_newest(w->record, w->arena, out, &n, &e), e);
	return n;
}

static void test_challenge_is_read_back_as_it_was(void **state)
{
	struct world *w = *state;
	const struct challenged given = full_challenged(w, "a/b");
	const struct challenge_origin origin = full_origin(w);
	struct recorded_challenge x = read_one(w, full_add_challenge(w, &given));
	struct err e = {0};

	assert_int_equal(given.n_noticed, 3);
	assert_int_equal(given.n_survived, 3);
	same_challenge(&given, &x.challenged);
	same_origin(&origin, &x.origin);
	assert_int_equal(x.merge_id, 0);
	assert_int_equal(x.challenged.n_attacks, given.n_attacks);
	for (size_t i = 0; i < given.n_attacks; i++)
		same_attack(&given.attacks[i], &x.challenged.attacks[i]);
	assert_int_equal(record_challenge(w->record, w->arena, 99, &x, &e), -1);
	assert_int_equal(e.class, ERR_RECORD);
	is_whole(w);
}

static void test_unchallenged_has_a_reason_and_no_score(void **state)
{
	struct world *w = *state;
	const struct challenged given = {.check = world_check(w, "a/b"),
					 .at_ms = w->now_ms,
					 .subject = "",
					 .reason = "it does not pass as it is: 4",
					 .help = "repair it"};
	struct recorded_challenge x = read_one(w, full_add_challenge(w, &given));

	same_challenge(&given, &x.challenged);
	assert_true(challenged_score(&x.challenged) == -1);
	is_whole(w);
}

/* Of a/b twice, of c/d once; then of a/b with another definition. */
static void test_newest_is_of_each_check_and_definition(void **state)
{
	struct world *w = *state;
	struct challenged c = full_challenged(w, "a/b");
	struct check_info changed = *c.check;
	struct recorded_challenge *x;
	struct challenge_query q = {.check = "a/b", .limit = 10};
	size_t n;
	int64_t first = full_add_challenge(w, &c), last;

	last = full_add_challenge(w, &c);
	c = full_challenged(w, "c/d");
	(void)full_add_challenge(w, &c);
	assert_int_equal(newest(w, &x), 2);
	assert_string_equal(x[0].challenged.check->name, "a/b");
	assert_int_equal(x[0].id, last);
	assert_int_equal(x[0].challenged.n_attacks, 0);
	assert_string_equal(x[1].challenged.check->name, "c/d");
	memset(changed.hash, 7, sizeof(changed.hash));
	c = full_challenged(w, "a/b");
	c.check = &changed;
	n = newest(w, &x);
	assert_null(challenge_find(x, n, "a/b", changed.hash));
	(void)full_add_challenge(w, &c);
	n = newest(w, &x);
	assert_int_equal(n, 3);
	assert_true(challenge_find(x, n, "a/b", changed.hash)->id > last);
	assert_ptr_equal(challenge_find(x, n, "a/b", NULL), &x[0]);
	assert_true(x[0].id > last);
	assert_int_equal(x[1].id, last);
	assert_int_equal(challenge_find(x, n, "a/b", world_check(w, "a/b")->hash)->id, last);
	assert_int_equal(list(w, &q, &x), 3);
	assert_true(x[0].id > last);
	assert_int_equal(x[1].id, last);
	assert_int_equal(x[2].id, first);
	q.hash = changed.hash;
	assert_int_equal(list(w, &q, &x), 1);
	q = (struct challenge_query){.limit = 2};
	assert_int_equal(list(w, &q, &x), 2);
	q.check = "nobody/knows";
	assert_int_equal(list(w, &q, &x), 0);
	q = (struct challenge_query){.limit = 9, .since_ms = w->now_ms + 1};
	assert_int_equal(list(w, &q, &x), 0);
}

/* Whoever asks for results, states or evidence has the same answer as before. */
static void test_challenge_is_no_evidence(void **state)
{
	struct world *w = *state;
	const struct check_info *c = world_check(w, "a/b");
	const struct challenged of_known = full_challenged(w, "a/b");
	const struct challenged of_new = full_challenged(w, "new/check");
	struct record_latest latest;
	struct evidence *evidence;
	struct check_state *states;
	struct check_rate *rates;
	struct recorded_since since;
	struct run_info *runs;
	struct point *points;
	struct err e = {0};
	int64_t at, seq;
	size_t n;

	(void)world_run(w, "v2", world_result(w, c, "", OUTCOME_PASS, world_int(1)));
	assert_ok(record_next_seq(w->record, &seq, &e), e);
	w->now_ms += WORLD_HOUR;
	(void)full_add_challenge(w, &of_known);
	(void)full_add_challenge(w, &of_new);
	assert_ok(record_evidence(w->record, w->arena, "a/b", "v2", &evidence, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(evidence[0].result.outcome, OUTCOME_PASS);
	assert_ok(record_evidence(w->record, w->arena, "new/check", NULL, &evidence, &n, &e), e);
	assert_int_equal(n, 0);
	assert_ok(record_check_states(w->record, w->arena, &states, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(states[0].outcome, OUTCOME_PASS);
	assert_ok(record_rates(w->record, w->arena, 0, &rates, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(rates[0].outcomes.n[OUTCOME_PASS], 1);
	assert_int_equal(rates[0].outcomes.n[OUTCOME_FAIL], 0);
	assert_ok(record_series(w->record, w->arena, "a/b", "", 0, 0, &points, &n, &e), e);
	assert_int_equal(n, 1);
	assert_ok(record_runs(w->record, w->arena, 0, 9, &runs, &n, &e), e);
	assert_int_equal(n, 1);
	assert_ok(record_last_measured(w->record, "new/check", w->now_ms, &at, &e), e);
	assert_int_equal(at, -1);
	assert_ok(record_last_verdict(w->record, of_known.check, w->now_ms, &at, &e), e);
	assert_true(at < w->now_ms);
	assert_ok(record_since(w->record, w->arena, seq, INT64_MAX, &since, &e), e);
	assert_int_equal(since.n_runs, 0);
	assert_ok(record_latest(w->record, w->arena, INT64_MAX, &latest, &e), e);
	assert_string_equal(latest.what, "run");
	assert_int_equal(ask(w->path, "SELECT count(*) FROM outbox"), 0);
}

/* ---- the ledger ---- */

static void test_tampering_with_attacks_is_found(void **state)
{
	static const char *const tampers[] = {
		"UPDATE attacks SET outcome = (SELECT outcome FROM attacks WHERE challenge = 2 AND "
		"place = 5) WHERE challenge = 2 AND place = 8",
		"UPDATE attacks SET words = name WHERE challenge = 2 AND place = 3",
		"UPDATE attacks SET turns_red = 0.66 WHERE turns_red IS NOT NULL",
		"DELETE FROM attacks WHERE challenge = 2 AND place = 8",
		"DELETE FROM attacks WHERE challenge = 2 AND place = 12",
		"UPDATE attacks SET place = 100 WHERE challenge = 2 AND place = 1; UPDATE attacks "
		"SET place = 1 WHERE challenge = 2 AND place = 2; UPDATE attacks SET place = 2 "
		"WHERE challenge = 2 AND place = 100",
		"UPDATE attacks SET place = 100 WHERE challenge = 2 AND place = 12",
		"UPDATE challenges SET n_noticed = n_noticed + 1 WHERE id = 2",
		"UPDATE challenges SET n_survived = 0 WHERE id = 2",
		"UPDATE challenges SET reason = NULL",
		"UPDATE challenges SET definition_id = 1 WHERE id = 3",
		"UPDATE challenges SET seq = seq + 1000 WHERE id = 3",
		"DELETE FROM challenges WHERE id = 2; DELETE FROM attacks WHERE challenge = 2",
		"DELETE FROM challenges WHERE id = 3; DELETE FROM attacks WHERE challenge = 3",
		"DELETE FROM attacks",
		"INSERT INTO challenges SELECT 9, seq + 1000, definition_id, at_ms, recorded_ms, "
		"duration_us, subject, reason, help, 0, 0, 0, 0, 0, definition_file, "
		"definition_digest, commit_id, is_dirty, host, user, version, merge, behind FROM "
		"challenges WHERE id = 2",
		"INSERT INTO attacks SELECT 77, place, name, object, words, outcome, reason, "
		"series, "
		"was, became, bound, advice, turns_red, turns_red_words, is_control, is_erratic, "
		"duration_us FROM attacks WHERE challenge = 2",
	};
	struct world *w = *state;
	char copy[600];

	needs_file("rows are changed behind its back");
	(void)world_run(w, "v2",
			world_result(w, world_check(w, "x/y"), "", OUTCOME_PASS, world_int(1)));
	full_add_challenges(w);
	is_whole(w);
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", w->dir);
	for (size_t i = 0; i < sizeof(tampers) / sizeof(tampers[0]); i++) {
		struct ledger_verification v;

		full_sql(w->path, arena_printf(w->arena, "VACUUM INTO '%s'", copy));
		full_sql(copy, tampers[i]);
		v = full_verify(w, copy, NULL);
		if (v.n_broken == 0)
			fail_msg("not noticed: %s", tampers[i]);
		assert_int_equal(unlink(copy), 0);
	}
}

/* Whoever writes the record can make the leaves anew, but not counts that attacks do not have. */
static void test_counts_are_those_of_the_attacks(void **state)
{
	struct world *w = *state;
	struct challenged c = full_challenged(w, "a/b");
	struct ledger_verification v;

	needs_file("nothing of it is taken from a server");
	c.n_noticed++;
	c.n_survived--;
	(void)full_add_challenge(w, &c);
	v = full_verify(w, w->path, NULL);
	assert_int_equal(v.n_broken, 1);
	assert_string_equal(v.findings[0].text,
			    "there are challenges that do not say what their attacks do (1)");
}

struct seen {
	uint64_t seq;
	char text[4096];
};

static int see(void *ctx, uint64_t seq, const char *json, size_t n)
{
	struct seen *s = ctx;

	if (n >= sizeof(s->text) || strstr(json, "\"t\":\"assize/challenge/1\"") == NULL)
		return 0;
	s->seq = seq;
	memcpy(s->text, json, n);
	s->text[n] = '\0';
	return 0;
}

static void test_challenge_is_proven(void **state)
{
	struct world *w = *state;
	const struct challenged c = full_challenged(w, "a/b");
	struct ledger_proof p;
	struct ledger_head head;
	struct seen s = {0};
	struct err e = {0};

	(void)full_add_challenge(w, &c);
	(void)full_add_challenge(w, &c);
	assert_ok(ledger_leaves(w->record, 0, INT64_MAX, see, &s, &e), e);
	assert_non_null(strstr(s.text, "\"attacks\":{\"n\":13,\"sha256\":\""));
	assert_non_null(
		strstr(s.text, "\"challenge\":2,\"check\":\"a/b\",\"check_definition\":\""));
	assert_ok(ledger_head(w->record, w->arena, &head, &e), e);
	assert_ok(ledger_prove(w->record, w->arena, s.seq, 0, &p, &e), e);
	assert_true(merkle_includes(&p.leaf_hash, s.seq, head.size, &p.proof, &head.root));
}

static void test_record_of_version_18_takes_challenges(void **state)
{
	struct world *w = *state;
	const struct challenged c = full_challenged(w, "a/b");
	struct recorded_challenge *x;
	struct err e = {0};

	needs_file("tables are dropped behind its back");
	full_add_run(w, 1, "v1");
	record_close(w->record);
	w->record = NULL;
	full_sql(w->path, "DROP TABLE challenges; DROP TABLE attacks; PRAGMA user_version = 18");
	assert_ok(record_open(w->path, RECORD_WRITE, &w->record, &e), e);
	assert_int_equal(newest(w, &x), 0);
	is_whole(w);
	(void)full_add_challenge(w, &c);
	assert_int_equal(newest(w, &x), 1);
	same_challenge(&c, &x[0].challenged);
	is_whole(w);
}

/* ---- merging ---- */

/* There one that is older than ours, and one that is newer than the first of ours only. */
static void test_challenges_are_merged_to_their_place(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *other = open_other(w, "other.db");
	const struct challenge_query q = {.check = "a/b", .limit = 9};
	struct challenged c = full_challenged(w, "a/b");
	struct recorded_challenge *x, merged;
	struct merged m;

	c.at_ms = w->now_ms + WORLD_HOUR;
	w->now_ms = c.at_ms;
	(void)full_add_challenge(w, &c);
	c.at_ms = w->now_ms += 2 * WORLD_HOUR;
	(void)full_add_challenge(w, &c);
	w->record = other;
	w->now_ms = WORLD_T0;
	c = full_challenged(w, "a/b");
	c.subject = "oldest";
	(void)full_add_challenge(w, &c);
	c.at_ms = w->now_ms += 2 * WORLD_HOUR;
	c.subject = "between";
	(void)full_add_challenge(w, &c);
	w->record = own;
	w->now_ms = LATER;
	m = full_merge(w, other, true);
	assert_int_equal(m.n_challenges, 2);
	assert_int_equal(list(w, &q, &x), 4);
	assert_int_equal(x[0].id, 2);
	assert_string_equal(x[1].challenged.subject, "between");
	assert_int_equal(x[1].merge_id, m.id);
	assert_int_equal(x[2].id, 1);
	assert_string_equal(x[3].challenged.subject, "oldest");
	assert_int_equal(newest(w, &x), 1);
	assert_int_equal(x[0].id, 2);
	merged = read_one(w, 4);
	same_challenge(&c, &merged.challenged);
	assert_int_equal(merged.challenged.n_attacks, c.n_attacks);
	for (size_t i = 0; i < c.n_attacks; i++)
		same_attack(&c.attacks[i], &merged.challenged.attacks[i]);
	is_whole(w);
	m = full_merge(w, other, true);
	assert_int_equal(m.id, 0);
	record_close(other);
}

/* What one record has from a third is taken from that one. */
static void test_merged_challenges_are_not_merged_again(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *middle = open_other(w, "middle.db"),
		      *first = open_other(w, "first.db");
	const struct challenged c = full_challenged(w, "a/b");
	struct merged m;

	w->record = first;
	(void)full_add_challenge(w, &c);
	w->now_ms = LATER;
	w->record = middle;
	m = full_merge(w, first, true);
	assert_int_equal(m.n_challenges, 1);
	(void)full_add_challenge(w, &c);
	w->record = own;
	m = full_merge(w, middle, true);
	assert_int_equal(m.n_challenges, 1);
	assert_int_equal(m.n_foreign, 1);
	record_close(middle);
	record_close(first);
}

static void test_challenge_of_the_future_is_not_merged(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *other = open_other(w, "other.db");
	const struct merge_options o = {
		.is_unsigned = true, .at_ms = w->now_ms, .host = "h", .user = "u"};
	struct challenged c = full_challenged(w, "a/b");

	c.at_ms += WORLD_HOUR;
	w->record = other;
	(void)full_add_challenge(w, &c);
	w->record = own;
	refuses(w, other, &o, "challenge 1 was made in the future");
	record_close(other);
}

static void test_unsigned_challenges_are_not_left_behind(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *other = full_other(w, "other.db", true);
	const struct merge_options o = {.at_ms = w->now_ms, .host = "h", .user = "u"};
	const struct challenged c = full_challenged(w, "a/b");

	w->record = other;
	(void)full_add_challenge(w, &c);
	w->record = own;
	refuses(w, other, &o, "1 of its runs that ended, measurements or challenges, is behind");
	record_close(other);
}

/* One that says it was recorded before what stands before it. */
static void test_challenge_that_was_recorded_later_is_doubted(void **state)
{
	struct world *w = *state;
	const struct check_info *check = world_check(w, "a/b");
	const struct challenged c = full_challenged(w, "a/b");
	struct ledger_verification v;

	(void)world_run(w, "v2", world_result(w, check, "", OUTCOME_PASS, world_int(1)));
	w->now_ms -= WORLD_HOUR;
	(void)full_add_challenge(w, &c);
	v = full_verify(w, w->path, NULL);
	assert_int_equal(v.n_doubts, 1);
	assert_non_null(strstr(v.findings[0].text, "challenge 1 was recorded at"));
}

/* Times are compared by when it was over. */
static void test_challenge_that_took_hours_is_no_doubt(void **state)
{
	struct world *w = *state;
	const struct check_info *check = world_check(w, "a/b");
	struct challenged c = full_challenged(w, "a/b");
	struct ledger_verification v;

	(void)world_run(w, "v2", world_result(w, check, "", OUTCOME_PASS, world_int(1)));
	c.at_ms = w->now_ms - 5 * WORLD_HOUR;
	(void)full_add_challenge(w, &c);
	v = full_verify(w, w->path, NULL);
	full_show(&v);
	assert_int_equal(v.n_doubts + v.n_broken, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_challenge_is_read_back_as_it_was),
		TEST(test_unchallenged_has_a_reason_and_no_score),
		TEST(test_newest_is_of_each_check_and_definition),
		TEST(test_challenge_is_no_evidence),
		TEST(test_tampering_with_attacks_is_found),
		TEST(test_counts_are_those_of_the_attacks),
		TEST(test_challenge_is_proven),
		TEST(test_record_of_version_18_takes_challenges),
		TEST(test_challenges_are_merged_to_their_place),
		TEST(test_merged_challenges_are_not_merged_again),
		TEST(test_challenge_of_the_future_is_not_merged),
		TEST(test_unsigned_challenges_are_not_left_behind),
		TEST(test_challenge_that_was_recorded_later_is_doubted),
		TEST(test_challenge_that_took_hours_is_no_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
