/* merge: what another record measured is here as it was there, once, and no newer than it was. */
#include "merge_world.h"

/* ---- what is taken ---- */

static void same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_true(a == b);
	else
		assert_string_equal(a, b);
}

static void same_real(double a, double b)
{
	assert_true((isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0);
}

static void same_result(const struct result *a, const struct result *b)
{
	same_text(a->check->name, b->check->name);
	assert_memory_equal(a->check->hash, b->check->hash, sizeof(a->check->hash));
	same_text(a->check->tags, b->check->tags);
	same_text(a->series, b->series);
	assert_int_equal(a->ordinal, b->ordinal);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->value.type, b->value.type);
	if (a->value.type == VALUE_REAL)
		same_real(a->value.real, b->value.real);
	if (a->value.type == VALUE_INT)
		assert_int_equal(a->value.integer, b->value.integer);
	if (a->value.type == VALUE_TEXT)
		same_text(a->value.text, b->value.text);
	same_text(a->bound, b->bound);
	same_real(a->limit, b->limit);
	same_real(a->room, b->room);
	same_real(a->share, b->share);
	same_text(a->reason, b->reason);
	same_text(a->evidence, b->evidence);
	same_text(a->query, b->query);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->n_total, b->n_total);
	assert_int_equal(a->measured_ms, b->measured_ms);
	assert_int_equal(a->duration_us, b->duration_us);
	assert_int_equal(a->n_samples, b->n_samples);
	for (size_t i = 0; i < a->n_samples; i++)
		same_real(a->samples[i], b->samples[i]);
}

static void same_run(struct world *w, struct record *from, int64_t source, int64_t id)
{
	struct run_info a, b;
	struct result *x, *y;
	struct restoration *p, *q;
	size_t n, m;
	struct err e = {0};

	assert_ok(record_run(from, w->arena, source, &a, &e), e);
	assert_ok(record_run(w->record, w->arena, id, &b, &e), e);
	assert_int_equal(b.source_id, source);
	assert_true(b.merge_id != 0);
	same_text(a.subject, b.subject);
	same_text(a.host, b.host);
	same_text(a.boot_id, b.boot_id);
	assert_int_equal(a.begin_ms, b.begin_ms);
	assert_int_equal(a.end_ms, b.end_ms);
	assert_int_equal(a.state, b.state);
	assert_int_equal(a.n_pass, b.n_pass);
	assert_memory_equal(&a.shard, &b.shard, sizeof(a.shard));
	assert_memory_equal(a.definition_digest, b.definition_digest, 32);
	assert_ok(record_run_results(from, w->arena, source, &x, &n, &e), e);
	assert_ok(record_run_results(w->record, w->arena, id, &y, &m, &e), e);
	assert_int_equal(n, m);
	assert_ok(record_run_samples(from, w->arena, source, x, n, &e), e);
	assert_ok(record_run_samples(w->record, w->arena, id, y, n, &e), e);
	for (size_t i = 0; i < n; i++)
		same_result(&x[i], &y[i]);
	assert_ok(record_run_restorations(from, w->arena, source, &p, &n, &e), e);
	assert_ok(record_run_restorations(w->record, w->arena, id, &q, &m, &e), e);
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++) {
		same_text(p[i].tag, q[i].tag);
		same_text(p[i].content, q[i].content);
		assert_int_equal(p[i].n_steps, q[i].n_steps);
		same_text(p[i].steps[1].remedy, q[i].steps[1].remedy);
	}
}

static void test_merge_takes_everything_as_it_was(void **state)
{
	struct world *w = *state;
	struct record *other;
	struct merged m;

	full_add_run(w, 5, "v1"); /* numbers here are others than there */
	full_add_many(w);
	other = full_other(w, "other.db", true);
	m = full_merge(w, other, false);
	assert_int_equal(m.n_runs, 4);
	assert_int_equal(m.n_results, 2 * 4 + 302);
	assert_int_equal(m.n_restorations, 2);
	assert_int_equal(m.n_externals, 2);
	assert_int_equal(m.from, 0);
	assert_int_equal(m.n_left, 0);
	for (int64_t i = 1; i <= 4; i++)
		same_run(w, other, i, 3 + i);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM decisions"), 1);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM keys"), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM cursor_moves WHERE run > 3"), 0);
	is_whole(w);
	m = full_merge(w, other, false);
	assert_int_equal(m.id, 0);
	assert_int_equal(m.n_runs + m.n_results + m.n_externals, 0);
	record_close(other);
}

static void test_merge_goes_on_where_it_ended(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *other = open_other(w, "other.db");
	struct result r[] = {
		world_result(w, world_check(w, "a/b"), "", OUTCOME_PASS, world_int(5)),
		world_result(w, world_check(w, "a/c"), "", OUTCOME_FAIL, world_int(50))};
	struct run_info run, found;
	struct evidence *evidence;
	size_t n;
	struct merged m;
	struct err e = {0};

	w->record = other;
	run = world_begin(w, "v1");
	world_add(w, &run, &r[0], 1);
	w->record = own;
	m = full_merge(w, other, true);
	assert_int_equal(m.n_runs, 1);
	assert_int_equal(m.n_results, 1);
	assert_ok(record_run(own, w->arena, 1, &found, &e), e);
	assert_int_equal(found.state, RUN_INCOMPLETE);
	w->record = other;
	world_add(w, &run, &r[1], 1);
	world_end(w, &run, OUTCOME_FAIL);
	w->record = own;
	m = full_merge(w, other, true);
	assert_int_equal(m.n_runs, 0);
	assert_int_equal(m.n_results, 1);
	same_run(w, other, 1, 1);
	assert_ok(record_evidence(own, w->arena, "a/c", "v1", &evidence, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(evidence[0].run_state, RUN_COMPLETE);
	is_whole(w);
	record_close(other);
}

/* What one record has from a third is taken from that one. */
static void test_merge_takes_nothing_twice_by_another_way(void **state)
{
	struct world *w = *state;
	struct record *own = w->record, *middle = open_other(w, "middle.db"),
		      *first = full_other(w, "first.db", false);
	struct merged m;

	w->record = middle;
	(void)full_merge(w, first, true);
	(void)run_at(w, middle, w->now_ms + WORLD_HOUR, "v9", OUTCOME_PASS);
	w->record = own;
	m = full_merge(w, middle, true);
	assert_int_equal(m.n_runs, 1);
	assert_int_equal(m.n_foreign, 4 + 2);
	assert_int_equal(m.n_externals, 0);
	m = full_merge(w, first, true);
	assert_int_equal(m.n_runs, 4);
	/* and back again */
	w->record = first;
	m = full_merge(w, own, true);
	assert_int_equal(m.n_runs, 0);
	assert_int_equal(m.n_foreign, 5 + 2);
	w->record = own;
	is_whole(w);
	record_close(middle);
	record_close(first);
}

static void test_merge_leaves_an_id_to_the_first(void **state)
{
	struct world *w = *state;
	struct record *other = open_other(w, "other.db");
	struct external x = {.name = "score",
			     .series = "",
			     .unit = "",
			     .id = "7",
			     .host = "h",
			     .user = "u",
			     .value = world_int(5),
			     .at_ms = 9,
			     .recorded_ms = 10};
	struct merged m;
	struct err e = {0};

	assert_int_equal(record_external(w->record, &x, &e), 0);
	x.recorded_ms = 11;
	assert_int_equal(record_external(other, &x, &e), 0);
	x.id = "8";
	assert_int_equal(record_external(other, &x, &e), 0);
	x.id = "9";
	assert_int_equal(record_external(w->record, &x, &e), 0);
	x.value = world_int(6);
	assert_int_equal(record_external(other, &x, &e), 0);
	m = full_merge(w, other, true);
	assert_int_equal(m.n_externals, 1);
	assert_int_equal(m.n_taken, 1);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM externals"), 3);
	record_close(other);
}

/* ---- order ---- */

static enum outcome newest(struct world *w, const char *subject)
{
	struct evidence *evidence;
	size_t n;
	struct err e = {0};

	assert_ok(record_evidence(w->record, w->arena, "a/b", subject, &evidence, &n, &e), e);
	assert_int_equal(n, 1);
	return evidence[0].result.outcome;
}

static void test_merge_comes_late_and_is_old(void **state)
{
	struct world *w = *state;
	struct record *other = open_other(w, "other.db"), *third = open_other(w, "third.db");
	struct past_query q = {.check = "a/b",
			       .hash = world_check(w, "a/b")->hash,
			       .subject = "v1",
			       .since_ms = INT64_MIN,
			       .limit = 3,
			       .before_seq = INT64_MAX};
	const int64_t order[] = {10, 8, 7};
	struct past_result *past;
	size_t n;
	struct err e = {0};

	(void)run_at(w, w->record, WORLD_T0 + 7 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)run_at(w, w->record, WORLD_T0 + 10 * WORLD_HOUR, "v1", OUTCOME_FAIL);
	(void)run_at(w, other, WORLD_T0 + 8 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)run_at(w, third, WORLD_T0 + 6 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)full_merge(w, other, true);
	(void)full_merge(w, third, true);
	assert_int_equal(newest(w, "v1"), OUTCOME_FAIL);
	assert_int_equal(newest(w, NULL), OUTCOME_FAIL);
	assert_ok(record_past(w->record, w->arena, &q, &past, &n, &e), e);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(past[i].measured_ms, WORLD_T0 + order[i] * WORLD_HOUR);
	/* one that was begun later is newer, when it comes */
	(void)run_at(w, other, WORLD_T0 + 11 * WORLD_HOUR, "v1", OUTCOME_WARN);
	(void)full_merge(w, other, true);
	assert_int_equal(newest(w, "v1"), OUTCOME_WARN);
	/* and what is measured here after that is newer, whatever clocks say */
	(void)run_at(w, w->record, WORLD_T0 + 10 * WORLD_HOUR + 1, "v1", OUTCOME_SKIP);
	assert_int_equal(newest(w, "v1"), OUTCOME_SKIP);
	is_whole(w);
	record_close(other);
	record_close(third);
}

/* The newest about a subject that is not the newest of all. */
static void test_merge_keeps_the_newest_of_each_subject(void **state)
{
	struct world *w = *state;
	struct record *other = open_other(w, "other.db");

	(void)run_at(w, w->record, WORLD_T0 + 7 * WORLD_HOUR, "v1", OUTCOME_FAIL);
	(void)run_at(w, w->record, WORLD_T0 + 9 * WORLD_HOUR, "v2", OUTCOME_PASS);
	(void)run_at(w, other, WORLD_T0 + 6 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)run_at(w, other, WORLD_T0 + 6 * WORLD_HOUR + 1, "v3", OUTCOME_WARN);
	(void)full_merge(w, other, true);
	assert_int_equal(newest(w, "v1"), OUTCOME_FAIL);
	assert_int_equal(newest(w, "v2"), OUTCOME_PASS);
	assert_int_equal(newest(w, "v3"), OUTCOME_WARN);
	(void)run_at(w, other, WORLD_T0 + 8 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)full_merge(w, other, true);
	assert_int_equal(newest(w, "v1"), OUTCOME_PASS);
	assert_int_equal(newest(w, NULL), OUTCOME_PASS);
	is_whole(w);
	record_close(other);
}

static void test_merge_of_restorations_is_ordered_too(void **state)
{
	struct world *w = *state;
	struct record *other = open_other(w, "other.db");
	struct restoration_row *rows;
	size_t n;
	struct err e = {0};

	restore(w, w->record, WORLD_T0 + 7 * WORLD_HOUR, OUTCOME_FAIL);
	restore(w, other, WORLD_T0 + 6 * WORLD_HOUR, OUTCOME_PASS);
	(void)full_merge(w, other, true);
	assert_ok(record_restorations(w->record, w->arena, "releases", &rows, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].restoration.outcome, OUTCOME_FAIL);
	restore(w, other, WORLD_T0 + 8 * WORLD_HOUR, OUTCOME_PASS);
	(void)full_merge(w, other, true);
	assert_ok(record_restorations(w->record, w->arena, "releases", &rows, &n, &e), e);
	assert_int_equal(rows[0].restoration.outcome, OUTCOME_PASS);
	is_whole(w);
	record_close(other);
}

/* Of a part that was run twice the newest run counts, if the first one was over. */
static void test_merge_of_a_part_that_two_have_run(void **state)
{
	const struct run_shard part = {1, 2, {7}};
	struct world *w = *state;
	struct record *own = w->record, *other = open_other(w, "other.db");
	struct shard_set set;
	struct run_info run[2];
	struct err e = {0};

	for (int i = 0; i < 2; i++, w->now_ms += WORLD_MIN) {
		run[i] = world_begin_part(w, "v1", part);
		world_end(w, &run[i], OUTCOME_PASS);
	}
	assert_ok(record_shard_set(own, w->arena, run[1].id, INT64_MAX, &set, &e), e);
	assert_int_equal(set.runs[0].run_id, run[1].id);
	assert_int_equal(set.duplicates[0].run_id, 0);
	for (int i = 0; i < 2; i++)
		run[i] = world_begin_part(w, "v1", part);
	for (int i = 0; i < 2; i++)
		world_end(w, &run[i], OUTCOME_PASS);
	assert_ok(record_shard_set(own, w->arena, run[1].id, INT64_MAX, &set, &e), e);
	assert_int_equal(set.runs[0].run_id, run[1].id);
	assert_int_equal(set.duplicates[0].run_id, run[0].id);
	w->record = other;
	w->now_ms += WORLD_HOUR;
	run[0] = world_begin_part(w, "v1", part);
	world_end(w, &run[0], OUTCOME_PASS);
	w->record = own;
	w->now_ms += WORLD_HOUR;
	(void)full_merge(w, other, true);
	assert_ok(record_shard_set(own, w->arena, run[1].id, INT64_MAX, &set, &e), e);
	assert_int_equal(set.runs[0].begin_ms, run[0].begin_ms);
	assert_int_equal(set.duplicates[0].run_id, run[1].id);
	record_close(other);
}

/* Runs that were merged stand between those made here, and hide nothing of them. */
static void test_merge_hides_no_clock_that_was_set_back(void **state)
{
	struct world *w = *state;
	struct record *other = open_other(w, "other.db");

	(void)run_at(w, other, WORLD_T0 + 1 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)run_at(w, w->record, WORLD_T0 + 9 * WORLD_HOUR, "v1", OUTCOME_PASS);
	(void)full_merge(w, other, true);
	assert_int_equal(tells(w, LEDGER_DOUBT, "the clock was set back"), 0);
	(void)run_at(w, w->record, WORLD_T0 + 8 * WORLD_HOUR, "v1", OUTCOME_PASS);
	assert_int_equal(tells(w, LEDGER_DOUBT,
			       "the clock was set back by 1 h between run 1 and "
			       "run 3"),
			 1);
	record_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_merge_takes_everything_as_it_was),
		TEST(test_merge_goes_on_where_it_ended),
		TEST(test_merge_takes_nothing_twice_by_another_way),
		TEST(test_merge_leaves_an_id_to_the_first),
		TEST(test_merge_comes_late_and_is_old),
		TEST(test_merge_keeps_the_newest_of_each_subject),
		TEST(test_merge_of_restorations_is_ordered_too),
		TEST(test_merge_of_a_part_that_two_have_run),
		TEST(test_merge_hides_no_clock_that_was_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
