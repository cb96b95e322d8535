/* record: decisions, and what they let through: waivers, overrides. */
#include "record_world.h"

#include "runner/history/leaf.h"

static void keeps_waived(const struct decision *d)
{
	const struct waived *by = d->lines[0].waived;

	assert_null(d->lines[1].waived);
	assert_non_null(by);
	assert_string_equal(by->id, "W-12");
	assert_string_equal(by->owner, "platform");
	assert_string_equal(by->reason, "a reason");
	assert_string_equal(by->ticket, "OPS-1");
	assert_int_equal(by->granted_ms, WORLD_T0);
	assert_int_equal(by->expires_ms, WORLD_T0 + 9);
}

/* Of what is hashed: leaves of a type that hold a text. */
static size_t leaves_with(struct world *w, const char *type, const char *text)
{
	struct leaf_walk *walk;
	struct err e = {0};
	struct leaf leaf;
	size_t n = 0;

	assert_ok(leaf_walk_begin(w->record, w->arena, 0, INT64_MAX, &walk, &e), e);
	while (leaf_walk_next(walk, &leaf, &e) == 1)
		n += strcmp(leaf.type, type) == 0 &&
		     strstr(arena_strndup(w->arena, (const char *)leaf.bytes + 1, leaf.n - 1),
			    text) != NULL;
	leaf_walk_end(walk);
	return n;
}

static void finds_waived(struct world *w)
{
	struct waived_line *lines;
	struct err e = {0};
	size_t n;

	assert_ok(record_run_waived(w->record, w->arena, 1, &lines, &n, &e), e);
	assert_int_equal(n, 1);
	assert_string_equal(lines[0].gate, "release");
	assert_string_equal(lines[0].check, "a/b");
	assert_string_equal(lines[0].series, "x");
	assert_string_equal(lines[0].by.ticket, "OPS-1");
	assert_ok(record_run_waived(w->record, w->arena, 2, &lines, &n, &e), e);
	assert_int_equal(n, 0);
	assert_int_equal(leaves_with(w, "assize/decision/1", "\"waivers\":{\"n\":1,"), 1);
	assert_int_equal(leaves_with(w, "assize/decision/1", "\"waivers\""), 1);
}

static void test_record_keeps_decisions(void **state)
{
	struct world *w = *state;
	struct waived waived = {"W-12", "platform", "a reason", "OPS-1", WORLD_T0, WORLD_T0 + 9};
	struct decision_line lines[] = {
		{.check = "a/b",
		 .series = "x",
		 .outcome = OUTCOME_FAIL,
		 .is_hard = true,
		 .text = "11, bound <= 10",
		 .remedy = "assize explain 1 a/b",
		 .file = "assize.yaml",
		 .line = 7,
		 .col = 9,
		 .run_id = 1,
		 .measured_ms = WORLD_T0,
		 .waived = &waived},
		{.check = "",
		 .series = "",
		 .outcome = OUTCOME_UNDECIDED,
		 .text = "no subject",
		 .measured_ms = -1},
	};
	struct decision d = {.gate = "release",
			     .subject = "v1",
			     .at_ms = WORLD_T0,
			     .run_id = 1,
			     .outcome = OUTCOME_FAIL,
			     .lines = lines,
			     .n_lines = 2,
			     .oldest_ms = -1};
	struct decision *out;
	struct err e = {0};
	size_t n;

	assert_ok(record_decision(w->record, &d, &e), e);
	d.gate = "nightly";
	d.is_open = true;
	d.outcome = OUTCOME_PASS;
	d.n_lines = 0;
	assert_ok(record_decision(w->record, &d, &e), e);
	assert_int_equal(d.id, 2);
	assert_ok(record_decisions(w->record, w->arena, NULL, 10, &out, &n, &e), e);
	assert_int_equal(n, 2);
	assert_string_equal(out[0].gate, "nightly");
	assert_true(out[0].is_open);
	assert_ok(record_decisions(w->record, w->arena, "release", 10, &out, &n, &e), e);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].n_lines, 2);
	assert_string_equal(out[0].lines[0].text, "11, bound <= 10");
	assert_string_equal(out[0].lines[0].remedy, "assize explain 1 a/b");
	assert_int_equal(out[0].lines[0].measured_ms, WORLD_T0);
	keeps_waived(&out[0]);
	assert_null(out[0].lines[1].remedy);
	assert_int_equal(out[0].lines[1].outcome, OUTCOME_UNDECIDED);
	assert_int_equal(out[0].oldest_ms, -1);
	finds_waived(w);
	assert_ok(record_decisions(w->record, w->arena, "unknown", 10, &out, &n, &e), e);
	assert_int_equal(n, 0);
	assert_ok(record_run_decisions(w->record, w->arena, 1, &out, &n, &e), e);
	assert_int_equal(n, 2);
	assert_string_equal(out[1].gate, "nightly"); /* the newest is the last */
}

static size_t overrides_of(struct world *w, const char *gate, const char *subject, int64_t after)
{
	const struct override_query q = {
		.gate = gate, .subject = subject, .until_after_ms = after, .limit = 10};
	struct override *out;
	struct err e = {0};
	size_t n;

	assert_ok(record_overrides(w->record, w->arena, &q, &out, &n, &e), e);
	for (size_t i = 1; i < n; i++)
		assert_true(out[i].id < out[i - 1].id);
	return n;
}

static void test_record_keeps_overrides(void **state)
{
	struct world *w = *state;
	struct override o = {.gate = "release",
			     .subject = "v1",
			     .actor = "jane",
			     .reason = "the shop is down",
			     .host = "ci-3",
			     .user = "deploy",
			     .at_ms = WORLD_T0,
			     .until_ms = WORLD_T0 + 1000};
	struct decision d = {.gate = "release", .subject = "v1", .is_open = true, .override = &o};
	struct decision last;
	struct err e = {0};

	assert_ok(record_override(w->record, &o, &e), e);
	assert_int_equal(o.id, 1);
	assert_ok(record_decision(w->record, &d, &e), e);
	assert_ok(record_last_decision(w->record, w->arena, "release", "v1", INT64_MAX, &last, &e),
		  e);
	assert_int_equal(last.id, d.id);
	assert_non_null(last.override);
	assert_string_equal(last.override->actor, "jane");
	assert_string_equal(last.override->reason, "the shop is down");
	assert_string_equal(last.override->host, "ci-3");
	assert_string_equal(last.override->user, "deploy");
	assert_int_equal(last.override->until_ms, WORLD_T0 + 1000);
	d.override = NULL;
	assert_ok(record_decision(w->record, &d, &e), e);
	assert_ok(record_last_decision(w->record, w->arena, "release", "v1", INT64_MAX, &last, &e),
		  e);
	assert_null(last.override); /* the newest */
	assert_int_equal(
		record_last_decision(w->record, w->arena, "release", "v2", INT64_MAX, &last, &e),
		1);
	assert_int_equal(record_last_decision(w->record, w->arena, "release", "v1", 1, &last, &e),
			 1);
	o.subject = "v2";
	o.subject_commit = "5ca1ab1e";
	o.definition = "00ff";
	o.definition_file = "shop/assize.yaml";
	assert_ok(record_override(w->record, &o, &e), e);
	d = (struct decision){.gate = "release", .subject = "v2", .override = &o};
	assert_ok(record_decision(w->record, &d, &e), e);
	assert_ok(record_last_decision(w->record, w->arena, "release", "v2", INT64_MAX, &last, &e),
		  e);
	assert_string_equal(last.override->subject_commit, "5ca1ab1e");
	assert_string_equal(last.override->definition, "00ff");
	assert_string_equal(last.override->definition_file, "shop/assize.yaml");
	assert_int_equal(leaves_with(w, "assize/override/1", "\"subject_commit\":\"5ca1ab1e\""), 1);
	assert_int_equal(
		leaves_with(w, "assize/override/1",
			    "\"definition\":\"00ff\",\"definition_file\":\"shop/assize.yaml\""),
		1);
	assert_int_equal(overrides_of(w, "release", "v1", 0), 1);
	assert_int_equal(overrides_of(w, "release", "v3", 0), 0);
	assert_int_equal(overrides_of(w, "other", "v1", 0), 0);
	assert_int_equal(overrides_of(w, NULL, NULL, 0), 2);
	assert_int_equal(overrides_of(w, NULL, NULL, WORLD_T0 + 1000), 0);
	assert_int_equal(leaves_with(w, "assize/override/1", "\"actor\":\"jane\""), 2);
	assert_int_equal(leaves_with(w, "assize/decision/1", "\"override\":1"), 1);
	assert_int_equal(leaves_with(w, "assize/decision/1", "override"), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_record_keeps_decisions),
		TEST(test_record_keeps_overrides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
