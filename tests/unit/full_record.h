/*
 * full_record: a record with one of everything a record can have, on top of record_world.h.
 * Included once by each test program, hence static functions.
 */
#ifndef ASSIZE_TESTS_FULL_RECORD_H
#define ASSIZE_TESTS_FULL_RECORD_H

#include "record_world.h"

#include "runner/history/challenges.h"
#include "runner/history/ledger.h"
#include "runner/history/merge.h"
#include "runner/history/prune.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"

static struct restoration_step full_steps[] = {
	{"identity", OUTCOME_PASS, 11, NULL, NULL, "a note"},
	{"objects", OUTCOME_FAIL, 12, "one is gone", "git fetch", NULL}};
static struct artifact_digest full_artifacts[] = {{"app.tar.gz", "aa11"}, {"image", "bb22"}};
static const struct waived full_waived = {"W-1", "ann", "known", "T-7", 5, 6};
static const double full_samples[] = {1.5, -0.0, 2.25};

static inline void full_add_run(struct world *w, int64_t number, const char *subject)
{
	const struct check_info *c[] = {world_check(w, "a/b"), world_check(w, "a/c"),
					world_check(w, "d/e")};
	struct value reals[] = {
		{.type = VALUE_REAL, .real = -0.0},	  {.type = VALUE_REAL, .real = NAN},
		{.type = VALUE_REAL, .real = INFINITY},	  {.type = VALUE_REAL, .real = 0.1},
		{.type = VALUE_TEXT, .text = "degraded"}, {.type = VALUE_NONE},
	};
	struct result r[] = {
		world_result(w, c[0], "z", OUTCOME_PASS, world_int(number)),
		world_result(w, c[0], "y", OUTCOME_WARN, reals[number % 6]),
		world_result(w, c[1], "", number % 3 == 0 ? OUTCOME_FAIL : OUTCOME_PASS,
			     reals[(number + 1) % 6]),
		world_result(w, c[2], "", OUTCOME_SKIP, reals[5]),
	};
	struct restoration restoration = {.set = "releases",
					  .tag = "v1",
					  .commit = "c0ffee",
					  .tree = "7ee",
					  .content = "beef",
					  .outcome = OUTCOME_FAIL,
					  .steps = full_steps,
					  .n_steps = 2,
					  .artifacts = full_artifacts,
					  .n_artifacts = 2};
	struct decision_line lines[] = {
		{"a/b", "y", OUTCOME_PASS, true, "3", "run", "f", 1, 2, 3, 4, NULL, false},
		{"a/c", "", OUTCOME_FAIL, true, "4", NULL, "f", 5, 6, 7, 8, &full_waived, false}};
	struct decision d = {.gate = "release", .subject = subject, .lines = lines, .n_lines = 2};
	struct label label = {"shop", "paris"};
	struct external x = {.name = "score",
			     .labels = &label,
			     .n_labels = 1,
			     .series = "{shop=\"paris\"}",
			     .value = reals[3],
			     .unit = "",
			     .host = "h",
			     .user = "u"};
	struct run_info run = world_begin(w, subject);
	struct err e = {0};

	r[0].samples = full_samples;
	r[0].n_samples = 3;
	r[0].has_limit = true;
	r[0].limit = 5.5;
	r[0].room = 0.3;
	r[1].n = 7;
	r[1].n_total = 9;
	r[1].reason = "a reason that is not short";
	r[1].evidence = "row 8\nrow 9";
	r[2].n = r[2].n_total = 12;
	r[2].query = "SELECT 1";
	r[2].cursor = arena_printf(w->arena, "at %lld", (long long)number);
	world_add(w, &run, r, 3);
	assert_ok(record_results(w->record, run.id, &r[3], 1, &restoration, 1, &e), e);
	world_end(w, &run, OUTCOME_PASS);
	d.run_id = run.id;
	d.at_ms = d.oldest_ms = w->now_ms;
	assert_ok(record_decision(w->record, &d, &e), e);
	x.at_ms = x.recorded_ms = w->now_ms;
	assert_ok(record_external(w->record, &x, &e), e);
}

/* Past the first node that is kept; the series of one check not in the order of their ids. */
static inline void full_add_many(struct world *w)
{
	const struct check_info *c = world_check(w, "bulk/many");
	struct run_info run = world_begin(w, "v2");
	struct result r[300];

	for (size_t i = 0; i < 300; i++)
		r[i] = world_result(w, c, arena_printf(w->arena, "{n=\"%zu\"}", i), OUTCOME_PASS,
				    world_int((int64_t)i));
	world_add(w, &run, r, 300);
	r[0] = r[299];
	world_end(w, &run, OUTCOME_PASS);
	run = world_begin_part(w, "v2", (struct run_shard){2, 4, {0xab, 0xcd}});
	r[0].series = "{n=\"9\"}";
	r[1].series = "{n=\"8\"}";
	world_add(w, &run, r, 2);
	world_end(w, &run, OUTCOME_PASS);
}

static inline struct sign_key *full_make_key(struct world *w, const char *name)
{
	const char *path = arena_printf(w->arena, "%s/%s", w->dir, name);
	struct sign_key *key;
	struct err e = {0};

	assert_ok(sign_key_make(path, &e), e);
	assert_ok(sign_key_load(path, &key, &e), e);
	return key;
}

/* Somebody to be told: one notice is delivered, one waits. */
static inline void full_add_notices(struct world *w)
{
	static struct notify_sink ops = {.name = "ops", .on = TRANSITION_ALL};
	static struct notify_sink *const sinks[] = {&ops};
	struct notify_sink **list = arena_array(w->arena, 1, sizeof(*list));
	struct definition *d = arena_alloc(w->arena, sizeof(*d));
	struct check_info *c = world_check(w, "told/late");
	struct transition *late = arena_alloc(w->arena, sizeof(*late));
	struct override o = {.gate = "release",
			     .subject = "v2",
			     .subject_commit = "5ca1ab1e",
			     .actor = "ann",
			     .reason = "fire",
			     .host = "h",
			     .user = "u"};
	struct notice *items;
	struct err e = {0};
	size_t n;

	list[0] = sinks[0];
	*d = (struct definition){.arena = w->arena, .sinks = list, .n_sinks = 1};
	(void)world_run(w, "v2", world_result(w, c, "", OUTCOME_PASS, world_int(1)));
	*late = (struct transition){.kind = TRANSITION_OVERDUE,
				    .check = "told/late",
				    .series = "",
				    .subject = "v2",
				    .value = "",
				    .unit = "",
				    .bound = "",
				    .since_ms = w->now_ms,
				    .at_ms = w->now_ms};
	record_tell(w->record, w->arena, d, late, 1);
	(void)world_run(w, "v2", world_result(w, c, "x", OUTCOME_FAIL, world_int(1)));
	assert_ok(record_notices_take(w->record, w->arena, w->now_ms, 0, &items, &n, &e), e);
	assert_int_equal(n, 1);
	items[0].why = "refused";
	assert_ok(record_notice_end(w->record, &items[0], w->now_ms, true, &e), e);
	(void)world_run(w, "v2", world_result(w, c, "y", OUTCOME_FAIL, world_int(1)));
	o.at_ms = w->now_ms;
	o.until_ms = w->now_ms + WORLD_HOUR;
	assert_ok(record_override(w->record, &o, &e), e);
	record_tell(w->record, w->arena, NULL, NULL, 0);
}

static inline struct challenge_origin full_origin(const struct world *w)
{
	struct challenge_origin o = {.definition_file = "assize.yaml",
				     .commit = "c0ffee",
				     .is_dirty = true,
				     .host = "alpha",
				     .user = "audit",
				     .version = "0.1.0",
				     .recorded_ms = w->now_ms + 5};

	memset(o.definition_digest, 0xab, sizeof(o.definition_digest));
	return o;
}

/* One attack of every outcome, the first with everything an attack can have. */
static inline struct challenged full_challenged(struct world *w, const char *check)
{
	struct challenged c = {.check = world_check(w, check),
			       .at_ms = w->now_ms,
			       .duration_us = 4321,
			       .subject = "v2",
			       .n_attacks = ATTACK_LAST + 1};

	c.attacks = arena_array(w->arena, c.n_attacks, sizeof(*c.attacks));
	for (size_t i = 0; i < c.n_attacks; i++)
		c.attacks[i] = (struct attack_result){
			.name = arena_printf(w->arena, "operator-%zu", i),
			.object = i % 2 == 0 ? "orders" : "",
			.words = arena_printf(w->arena, "damage %zu", i),
			.outcome = (enum attack_outcome)i,
			.reason = i % 3 == 0 ? "a reason" : NULL,
			.duration_us = (int64_t)i,
		};
	c.attacks[0].series = "{shop=\"paris\"}";
	c.attacks[0].before = "4";
	c.attacks[0].after = "5";
	c.attacks[0].bound = "<= 10";
	c.attacks[0].advice = "<= 4";
	c.attacks[ATTACK_STEADY].is_control = true;
	c.attacks[0].turns_red = 0.65;
	c.attacks[0].turns_red_words = "65 % of the rows of orders are gone";
	c.attacks[0].is_erratic = true;
	challenged_count(&c);
	return c;
}

static inline int64_t full_add_challenge(struct world *w, const struct challenged *c)
{
	const struct challenge_origin origin = full_origin(w);
	struct err e = {0};
	int64_t id = 0;

	assert_ok(record_challenge_add(w->record, c, &origin, &id, &e), e);
	return id;
}

/* One that could not be challenged, and two that were. */
static inline void full_add_challenges(struct world *w)
{
	const struct challenged refused = {.check = world_check(w, "a/c"),
					   .at_ms = w->now_ms,
					   .subject = "",
					   .reason = "it does not pass as it is: 4",
					   .help = "repair it first"};
	const struct challenged known = full_challenged(w, "a/b");
	const struct challenged new = full_challenged(w, "never/run");

	(void)full_add_challenge(w, &refused);
	(void)full_add_challenge(w, &known);
	(void)full_add_challenge(w, &new);
}

/* The same in a record of its own, which is left open. */
static inline struct record *full_other(struct world *w, const char *name, bool is_signed)
{
	struct record *own = w->record, *other;
	struct ledger_new_key k = {
		.name = "other.example", .at_ms = w->now_ms, .host = "h", .user = "u"};
	struct sign_key *key = full_make_key(w, arena_printf(w->arena, "%s.key", name));
	const char *note;
	struct err e = {0};

	assert_ok(record_open(arena_printf(w->arena, "%s/%s", w->dir, name), RECORD_WRITE, &other,
			      &e),
		  e);
	w->record = other;
	full_add_run(w, 1, "v1");
	k.key = key;
	if (is_signed)
		assert_ok(ledger_add_key(other, w->arena, &k, &e), e);
	full_add_run(w, 2, "v3");
	full_add_many(w);
	if (is_signed)
		assert_ok(ledger_checkpoint_make(other, w->arena, key, &note, &e), e);
	sign_key_free(key);
	w->record = own;
	return other;
}

static inline struct merged full_merge(struct world *w, struct record *from, bool is_unsigned)
{
	struct merge_options o = {
		.is_unsigned = is_unsigned, .at_ms = w->now_ms, .host = "h", .user = "u"};
	struct merged m = {.id = 0};
	struct err e = {0};

	assert_ok(record_merge(w->record, from, w->arena, &o, &m, &e), e);
	return m;
}

static inline void full_add_merges(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		struct record *other = full_other(w, i == 0 ? "one.db" : "two.db", i == 0);

		assert_true(full_merge(w, other, i == 1).id != 0);
		record_close(other);
	}
}

/* Three runs, two keys, a checkpoint of each, a lock that is held. */
/* Of the checkpoint there is. */
static inline void full_add_anchor(struct world *w)
{
	struct ledger_anchor x = {.kind = "git",
				  .place = "git@reviewers.example:anchors.git",
				  .receipt = (const unsigned char *)"c0ffee",
				  .n_receipt = 6,
				  .at_ms = w->now_ms,
				  .host = "h",
				  .user = "u"};
	struct ledger_checkpoint *c;
	struct err e = {0};
	size_t n;

	assert_ok(ledger_checkpoints(w->record, w->arena, 1, &c, &n, &e), e);
	assert_int_equal(n, 1);
	x.size = c->size;
	x.root = c->root;
	assert_ok(ledger_add_anchor(w->record, &x, &e), e);
}

/* Two runs of evidence, queries and repetitions of their own; those of the first are let go of. */
static inline struct pruned full_add_pruning(struct world *w)
{
	const struct check_info *c = world_check(w, "pruned/old");
	struct prune_options o = {.keep_runs = 1, .host = "h", .user = "u"};
	struct pruned done;
	struct err e = {0};

	for (int i = 0; i < 2; i++) {
		struct result x = world_result(w, c, "", OUTCOME_PASS, world_int(i));

		x.evidence = arena_printf(w->arena, "evidence %d", i);
		x.query = arena_printf(w->arena, "SELECT %d", i);
		x.samples = full_samples;
		x.n_samples = 3;
		(void)world_run(w, "v2", x);
	}
	o.at_ms = o.before_ms = w->now_ms + 1;
	assert_ok(record_prune(w->record, w->arena, &o, &done, &e), e);
	return done;
}

static inline void full_fill(struct world *w)
{
	struct sign_key *first = full_make_key(w, "first"), *second = full_make_key(w, "second");
	struct ledger_new_key k = {
		.name = "shop.example", .key = first, .at_ms = w->now_ms, .host = "h", .user = "u"};
	const char *note, *holder;
	struct err e = {0};

	full_add_run(w, 1, "v1");
	assert_ok(ledger_add_key(w->record, w->arena, &k, &e), e);
	assert_ok(ledger_checkpoint_make(w->record, w->arena, k.key, &note, &e), e);
	full_add_run(w, 2, "v2");
	k.former = first;
	k.key = second;
	assert_ok(ledger_add_key(w->record, w->arena, &k, &e), e);
	full_add_run(w, 3, "v1"); /* a subject that was not the newest */
	full_add_many(w);
	full_add_notices(w);
	full_add_challenges(w);
	full_add_anchor(w);
	full_add_merges(w);
	if (world_server() == NULL) /* nothing on a server is pruned */
		assert_true(full_add_pruning(w).id != 0);
	assert_ok(ledger_checkpoint_make(w->record, w->arena, second, &note, &e), e);
	assert_int_equal(record_lock(w->record, "nightly", w->arena, &holder, &e), 0);
	sign_key_free(first);
	sign_key_free(second);
}

static inline struct ledger_verification full_verify(struct world *w, const char *path,
						     const struct ledger_trust *trust)
{
	static const struct ledger_trust nothing = {.keys = NULL};
	struct ledger_verification v = {.n_broken = 0};
	struct record *r;
	struct err e = {0};

	assert_ok(record_open(path, RECORD_READ, &r, &e), e);
	assert_ok(ledger_verify(r, w->arena, trust != NULL ? trust : &nothing, &v, &e), e);
	record_close(r);
	return v;
}

static inline void full_show(const struct ledger_verification *v)
{
	for (size_t i = 0; i < v->n_findings; i++)
		print_message("%d %s\n", (int)v->findings[i].grade, v->findings[i].text);
}

static inline void full_sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#endif
