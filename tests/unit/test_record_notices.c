/* record: what is told of runs and decisions, to whom, and once. */
#include "record_world.h"

#include "runner/model/definition.h"
#include "runner/model/notify.h"

static struct notify_sink sink_ops = {.name = "ops", .on = TRANSITION_ALL};
static struct notify_sink *const sinks[] = {&sink_ops};

struct told_world {
	struct definition d;
	struct notify_sink *sinks[1];
	struct check check, *checks[1];
};

static void tell(struct world *w, const struct transition *early, size_t n)
{
	struct told_world *t = arena_alloc(w->arena, sizeof(*t));

	sink_ops.repeat_ms = 0;
	t->sinks[0] = sinks[0];
	t->check = (struct check){.name = "a/b"};
	memcpy(t->check.hash, world_check(w, "a/b")->hash, sizeof(t->check.hash));
	t->checks[0] = &t->check;
	t->d = (struct definition){.arena = w->arena,
				   .sinks = t->sinks,
				   .n_sinks = 1,
				   .checks = t->checks,
				   .n_checks = 1};
	record_tell(w->record, w->arena, &t->d, early, n);
}

/* What waits, taken, as "kind check{series} ..."; delivered afterwards. */
static const char *told(struct world *w)
{
	struct notice *items;
	const char *text = "";
	struct err e = {0};
	size_t n;

	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	for (size_t i = 0; i < n; i++) {
		text = arena_printf(w->arena, "%s[", text);
		for (size_t k = 0; k < items[i].n; k++) {
			const struct transition *t = &items[i].items[k];

			text = arena_printf(w->arena, "%s%s%s%s %s%s%s", text, k > 0 ? ", " : "",
					    transition_name(t->kind), t->is_repeat ? " again" : "",
					    t->check, t->series[0] != '\0' ? " " : "", t->series);
		}
		text = arena_printf(w->arena, "%s]", text);
		assert_ok(record_notice_end(w->record, &items[i], w->now_ms, true, &e), e);
	}
	return text;
}

static int64_t run(struct world *w, const char *series, enum outcome outcome)
{
	struct check_info *c = world_check(w, "a/b");

	return world_run(w, "", world_result(w, c, series, outcome, world_int(1)));
}

static void test_notices_tell_changes_and_not_states(void **state)
{
	struct world *w = *state;

	tell(w, NULL, 0);
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "");
	(void)run(w, "", OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	(void)run(w, "", OUTCOME_FAIL);
	(void)run(w, "", OUTCOME_SKIP);
	assert_string_equal(told(w), "");
	(void)run(w, "", OUTCOME_UNDECIDED);
	assert_string_equal(told(w), "[undecided a/b]");
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b]");
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "");
	assert_int_equal(ask(w->path, "SELECT count(*) FROM told"), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM locks"), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM notice_ends WHERE is_delivered"), 3);
}

static void test_notices_say_what_there_is_to_say(void **state)
{
	struct world *w = *state;
	struct notice *items;
	const struct transition *t;
	struct err e = {0};
	int64_t id, failed_ms;
	size_t n;

	tell(w, NULL, 0);
	id = run(w, "{x=\"1\"}", OUTCOME_FAIL);
	failed_ms = w->now_ms;
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(items[0].n, 1);
	assert_int_equal(items[0].run_id, id);
	assert_int_equal(items[0].attempts, 0);
	t = &items[0].items[0];
	assert_string_equal(t->series, "{x=\"1\"}");
	assert_string_equal(t->value, "1");
	assert_true(t->number == 1);
	assert_string_equal(t->bound, "<= 10");
	assert_string_equal(t->title, "A title");
	assert_null(t->owner);
	assert_string_equal(t->file, "assize.yaml");
	assert_int_equal(t->line, 7);
	assert_int_equal(t->severity, 5);
	assert_int_equal(t->run_id, id);
	assert_int_equal(t->since_ms, failed_ms);
	assert_ok(record_notice_end(w->record, &items[0], w->now_ms, true, &e), e);
	(void)run(w, "{x=\"1\"}", OUTCOME_PASS);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(items[0].items[0].since_ms, failed_ms); /* since when it had failed */
	assert_int_equal(items[0].items[0].at_ms, w->now_ms);
}

/* A run that died after its results leaves its news to the next one. */
static void test_notices_survive_a_run_without_an_end(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b");
	struct result r = world_result(w, c, "", OUTCOME_FAIL, world_int(1));
	struct run_info dead;

	tell(w, NULL, 0);
	dead = world_begin(w, "");
	world_add(w, &dead, &r, 1);
	assert_string_equal(told(w), "");
	(void)run(w, "", OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
}

/* Two runs at once see the same failure: one of them tells it. An older one tells nothing. */
static void test_notices_of_concurrent_runs_are_told_once(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b");
	struct result bad = world_result(w, c, "", OUTCOME_FAIL, world_int(1));
	struct result good = world_result(w, c, "", OUTCOME_PASS, world_int(1));
	struct run_info one, two;

	tell(w, NULL, 0);
	one = world_begin(w, "");
	two = world_begin(w, "");
	world_add(w, &one, &bad, 1);
	world_add(w, &two, &bad, 1);
	world_end(w, &one, OUTCOME_FAIL);
	world_end(w, &two, OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	w->now_ms += WORLD_HOUR;
	one = world_begin(w, "");
	two = world_begin(w, "");
	good.measured_ms = w->now_ms;
	bad.measured_ms = w->now_ms - WORLD_MIN;
	world_add(w, &two, &good, 1);
	world_end(w, &two, OUTCOME_PASS);
	world_add(w, &one, &bad, 1);
	world_end(w, &one, OUTCOME_FAIL);
	assert_string_equal(told(w), "[recovery a/b]");
}

/* The result of a run under way, measured so many minutes from now. */
static void see(struct world *w, const struct run_info *run, const char *series,
		enum outcome outcome, int64_t minutes)
{
	struct result r =
		world_result(w, world_check(w, "a/b"), series, outcome, world_int(minutes));

	r.measured_ms = w->now_ms + minutes * WORLD_MIN;
	world_add(w, run, &r, 1);
}

/* What keeps a gate shut is told, whichever of two runs saw it, recorded it, or ended first. */
static void test_notices_a_later_failure_of_an_older_run_is_told(void **state)
{
	struct world *w = *state;
	struct run_info one, two;

	tell(w, NULL, 0);
	one = world_begin(w, "");
	two = world_begin(w, "");
	see(w, &two, "", OUTCOME_PASS, 1);
	world_end(w, &two, OUTCOME_PASS);
	assert_string_equal(told(w), "");
	see(w, &one, "", OUTCOME_FAIL, 2);
	world_end(w, &one, OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b]");

	/* recorded before the newer one has its end */
	one = world_begin(w, "");
	two = world_begin(w, "");
	see(w, &two, "", OUTCOME_PASS, 1);
	see(w, &one, "", OUTCOME_FAIL, 2);
	world_end(w, &one, OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	world_end(w, &two, OUTCOME_PASS);
	assert_string_equal(told(w), ""); /* no recovery: the gate is shut */
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b]");

	/* recorded and told before the newer one has anything */
	one = world_begin(w, "");
	two = world_begin(w, "");
	see(w, &one, "", OUTCOME_FAIL, 2);
	world_end(w, &one, OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	see(w, &two, "", OUTCOME_PASS, 1);
	world_end(w, &two, OUTCOME_PASS);
	assert_string_equal(told(w), "");
}

/* What a newer run saw afterwards is known last, though it tells it only at its end. */
static void test_notices_an_earlier_failure_of_an_older_run_is_none(void **state)
{
	struct world *w = *state;
	struct run_info one, two;

	tell(w, NULL, 0);
	one = world_begin(w, "");
	two = world_begin(w, "");
	see(w, &two, "", OUTCOME_FAIL, 2);
	see(w, &one, "", OUTCOME_FAIL, 1);
	world_end(w, &one, OUTCOME_FAIL);
	assert_string_equal(told(w), "");
	world_end(w, &two, OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	w->now_ms += WORLD_HOUR;
	one = world_begin(w, "");
	two = world_begin(w, "");
	see(w, &two, "", OUTCOME_PASS, 2);
	see(w, &one, "", OUTCOME_FAIL, 1);
	world_end(w, &two, OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b]");
	world_end(w, &one, OUTCOME_FAIL);
	assert_string_equal(told(w), "");
}

/* Series of the run that is not what is known last are neither gone nor back. */
static void test_notices_are_of_the_series_known_last(void **state)
{
	struct world *w = *state;
	struct run_info one, two;

	tell(w, NULL, 0);
	(void)run(w, "{x=\"1\"}", OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b {x=\"1\"}]");
	one = world_begin(w, "");
	two = world_begin(w, "");
	see(w, &two, "{x=\"2\"}", OUTCOME_PASS, 1);
	see(w, &one, "{x=\"1\"}", OUTCOME_FAIL, 2);
	world_end(w, &one, OUTCOME_FAIL);
	world_end(w, &two, OUTCOME_PASS);
	assert_string_equal(told(w), "");
	(void)run(w, "{x=\"2\"}", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b {x=\"1\"}]");
}

static void test_notices_a_series_that_is_gone_has_recovered(void **state)
{
	struct world *w = *state;

	tell(w, NULL, 0);
	(void)run(w, "x", OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b x]");
	(void)run(w, "",
		  OUTCOME_UNDECIDED); /* the check could not be measured: x may be as it was */
	assert_string_equal(told(w), "[undecided a/b]");
	(void)run(w, "y", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b, recovery a/b x]");
	assert_int_equal(ask(w->path, "SELECT count(*) FROM told"), 0);
}

static void test_notices_an_interrupt_is_no_news(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b");
	struct result r = world_result(w, c, "", OUTCOME_UNDECIDED, world_int(1));
	struct run_info run_info;
	struct err e = {0};

	tell(w, NULL, 0);
	run_info = world_begin(w, "");
	world_add(w, &run_info, &r, 1);
	run_info.end_ms = w->now_ms;
	run_info.state = RUN_INTERRUPTED;
	assert_ok(record_end(w->record, &run_info, &e), e);
	assert_string_equal(told(w), "");
}

static void test_notices_repeat_what_stands(void **state)
{
	struct world *w = *state;

	tell(w, NULL, 0);
	sink_ops.repeat_ms = 2 * WORLD_HOUR; /* runs are an hour apart */
	(void)run(w, "", OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure a/b]");
	(void)run(w, "", OUTCOME_FAIL);
	assert_string_equal(told(w), "");
	(void)run(w, "", OUTCOME_FAIL);
	assert_string_equal(told(w), "[failure again a/b]");
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b]");
	sink_ops.repeat_ms = 0;
}

static void test_notices_are_one_process_at_a_time(void **state)
{
	struct world *w = *state;
	struct notice *items, *others;
	struct err e = {0};
	size_t n, n_others;

	tell(w, NULL, 0);
	(void)run(w, "", OUTCOME_FAIL);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &others, &n_others, &e),
		  e);
	assert_int_equal(n_others, 0);
	items[0].attempts = 3;
	items[0].tried_ms = w->now_ms;
	items[0].why = "refused";
	assert_ok(record_notice_wait(w->record, &items[0], w->now_ms + 5, &e), e);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &others, &n_others, &e),
		  e);
	assert_int_equal(n_others, 0); /* not yet */
	assert_ok(
		record_notices_take(w->record, w->arena, w->now_ms + 5, 0, &others, &n_others, &e),
		e);
	assert_int_equal(n_others, 1);
	assert_int_equal(others[0].attempts, 3);
	assert_string_equal(others[0].why, "refused");
	assert_string_equal(others[0].key, items[0].key);
}

/* The turn of the newest is that of all before it; twenty at once. */
static void test_notices_of_a_sink_are_taken_in_order(void **state)
{
	struct world *w = *state;
	struct notice *items, *others;
	struct err e = {0};
	size_t n, n_others;
	int64_t first;

	tell(w, NULL, 0);
	(void)run(w, "", OUTCOME_FAIL);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	first = items[0].id;
	(void)run(w, "", OUTCOME_PASS);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &others, &n_others, &e),
		  e);
	assert_int_equal(n_others, 0); /* somebody is at work on the older one */
	items[0].tried_ms = w->now_ms;
	assert_ok(record_notice_wait(w->record, &items[0], w->now_ms + INT64_C(1000000000000), &e),
		  e);
	for (int i = 0; i < 11; i++) {
		(void)run(w, "", OUTCOME_FAIL);
		(void)run(w, "", OUTCOME_PASS);
	}
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, NOTICE_MAX_TAKEN);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(items[i].id, first + (int64_t)i);
	assert_true(items[0].next_ms > w->now_ms);
	for (size_t i = 0; i < n; i++)
		assert_ok(record_notice_end(w->record, &items[i], w->now_ms, true, &e), e);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 24 - NOTICE_MAX_TAKEN);
}

static void test_notices_undelivered_are_shown(void **state)
{
	struct world *w = *state;
	struct undelivered *items;
	struct notice *taken;
	struct notice lost = {.sink = "hc", .at_ms = WORLD_T0, .attempts = 2, .why = "late"};
	struct err e = {0};
	size_t n;

	tell(w, NULL, 0);
	(void)run(w, "", OUTCOME_FAIL);
	assert_ok(record_notice_lost(w->record, &lost, &e), e);
	assert_ok(record_undelivered(w->record, w->arena, 0, 10, &items, &n, &e), e);
	assert_int_equal(n, 2);
	assert_string_equal(items[0].notice.sink, "hc");
	assert_false(items[0].is_waiting);
	assert_string_equal(items[0].notice.why, "late");
	assert_true(items[1].is_waiting);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &taken, &n, &e), e);
	assert_int_equal(n, 1); /* what is lost waits for nothing */
	taken[0].why = "too old";
	assert_ok(record_notice_end(w->record, &taken[0], w->now_ms, false, &e), e);
	assert_ok(record_undelivered(w->record, w->arena, w->now_ms + 1, 10, &items, &n, &e), e);
	assert_int_equal(n, 0);
}

static struct transition overdue(int64_t due_ms, int64_t measured_ms)
{
	return (struct transition){.kind = TRANSITION_OVERDUE,
				   .check = "a/b",
				   .series = "",
				   .subject = "",
				   .value = "",
				   .unit = "",
				   .bound = "",
				   .number = NAN,
				   .since_ms = due_ms,
				   .at_ms = measured_ms};
}

static void test_notices_a_gap_is_told_once(void **state)
{
	struct world *w = *state;
	struct transition gap = overdue(WORLD_T0, WORLD_T0 - 5);
	struct err e = {0};

	(void)run(w, "", OUTCOME_PASS);
	tell(w, &gap, 1);
	assert_ok(record_tell_early(w->record, w->now_ms, &e), e);
	assert_ok(record_tell_early(w->record, w->now_ms, &e), e);
	assert_string_equal(told(w), "[overdue a/b]");
	tell(w, NULL, 0);
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "[recovery a/b]");
	/* One that the run itself ends is over with it. */
	gap.since_ms = w->now_ms;
	tell(w, &gap, 1);
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "[overdue a/b]");
	tell(w, NULL, 0);
	(void)run(w, "", OUTCOME_PASS);
	assert_string_equal(told(w), "");
}

static void test_notices_a_new_check_is_not_late(void **state)
{
	struct world *w = *state;
	struct transition gap = overdue(WORLD_T0, -1);
	struct err e = {0};

	tell(w, &gap, 1);
	assert_ok(record_tell_early(w->record, w->now_ms, &e), e);
	assert_string_equal(told(w), "");
	gap.since_ms += WORLD_HOUR; /* a moment passed since it was first seen */
	assert_ok(record_tell_early(w->record, w->now_ms, &e), e);
	assert_string_equal(told(w), "[overdue a/b]");
	gap.since_ms += WORLD_HOUR; /* still late: known */
	assert_ok(record_tell_early(w->record, w->now_ms, &e), e);
	assert_string_equal(told(w), "");
}

static void decide(struct world *w, bool is_open)
{
	struct decision d = {.gate = "release",
			     .subject = "v1",
			     .at_ms = w->now_ms,
			     .is_open = is_open,
			     .outcome = is_open ? OUTCOME_PASS : OUTCOME_FAIL,
			     .oldest_ms = -1};
	struct err e = {0};

	assert_ok(record_decision(w->record, &d, &e), e);
}

static void test_notices_of_gates_are_told_with_their_run(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b");
	struct result r = world_result(w, c, "", OUTCOME_FAIL, world_int(1));
	struct run_info run_info;

	tell(w, NULL, 0);
	decide(w, true);
	assert_string_equal(told(w), "");
	run_info = world_begin(w, "v1");
	run_info.command = "gate";
	world_add(w, &run_info, &r, 1);
	world_end(w, &run_info, OUTCOME_FAIL);
	assert_string_equal(told(w), ""); /* it waits for the decision */
	decide(w, false);
	assert_string_equal(told(w), "[failure a/b, gate_shut release]");
	decide(w, false);
	assert_string_equal(told(w), "");
	decide(w, true);
	assert_string_equal(told(w), "[gate_open release]");
}

static void test_notices_keep_the_gravest(void **state)
{
	struct world *w = *state;
	struct check_info *c = world_check(w, "a/b");
	size_t many = NOTICE_MAX_LINES + 100;
	struct result *r = arena_array(w->arena, many, sizeof(*r));
	struct run_info run_info;
	struct notice *items;
	struct err e = {0};
	size_t n;

	tell(w, NULL, 0);
	for (size_t i = 0; i < many; i++)
		r[i] = world_result(w, c, arena_printf(w->arena, "s%zu", i),
				    i < 50 ? OUTCOME_UNDECIDED : OUTCOME_FAIL, world_int(1));
	run_info = world_begin(w, "");
	world_add(w, &run_info, r, many);
	world_end(w, &run_info, OUTCOME_FAIL);
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms + 1, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(items[0].n, NOTICE_MAX_LINES);
	assert_int_equal(items[0].n_total, many);
	for (size_t i = 0; i < items[0].n; i++)
		assert_int_equal(items[0].items[i].kind, TRANSITION_FAILURE);
}

static void test_notices_without_anybody_to_tell_leave_no_trace(void **state)
{
	struct world *w = *state;

	(void)run(w, "", OUTCOME_FAIL);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM told"), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM notices"), 0);
	assert_int_equal(ask(w->path, "SELECT count(*) FROM locks"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_notices_tell_changes_and_not_states),
		TEST(test_notices_say_what_there_is_to_say),
		TEST(test_notices_survive_a_run_without_an_end),
		TEST(test_notices_of_concurrent_runs_are_told_once),
		TEST(test_notices_a_later_failure_of_an_older_run_is_told),
		TEST(test_notices_an_earlier_failure_of_an_older_run_is_none),
		TEST(test_notices_are_of_the_series_known_last),
		TEST(test_notices_a_series_that_is_gone_has_recovered),
		TEST(test_notices_an_interrupt_is_no_news),
		TEST(test_notices_repeat_what_stands),
		TEST(test_notices_are_one_process_at_a_time),
		TEST(test_notices_of_a_sink_are_taken_in_order),
		TEST(test_notices_undelivered_are_shown),
		TEST(test_notices_a_gap_is_told_once),
		TEST(test_notices_a_new_check_is_not_late),
		TEST(test_notices_of_gates_are_told_with_their_run),
		TEST(test_notices_keep_the_gravest),
		TEST(test_notices_without_anybody_to_tell_leave_no_trace),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
