/*
 * gate: never green. The matrix of what is no measurement over every operator of the expectation
 * language, then 20,000 generated evidence sets against an oracle that was written the other way
 * round.
 */
#include "gate_scene.h"

#include "runner/model/expect.h"

static const char *const operators[] = {
	"< 5",
	"<= 5",
	"> 5",
	">= 5",
	"== 5",
	"!= 5",
	"!= 0",
	"between 0 and 10",
	"in [0, 5, \"a\"]",
	"matches /./",
	"== \"a\"",
	"!= \"a\"",
	"within 10% of median(28d)",
	"within 3 sigma of mean(28d)",
	">= 0%",
	"<= 100%",
	">= -1",
};

static const struct {
	const char *name;
	struct measurement m;
} nothings[] = {
	{"error", {.name = "", .reason = "connection refused", .unit = "", .n = -1, .n_total = -1}},
	{"timeout", {.name = "", .reason = "no answer within 30 s", .unit = "", .n = -1}},
	{"killed", {.name = "", .reason = "the probe was killed", .unit = ""}},
	{"empty", {.name = "", .reason = "no rows", .unit = "", .n = 0, .n_total = 0}},
	{"no reason", {.name = "", .unit = ""}},
};

/* What the emitter makes of a value that is none; the judge must refuse it on its own as well. */
static const double odd_numbers[] = {NAN, INFINITY, -INFINITY};

static void judged_stays_shut(struct scene *s, const char *text, const struct measurement *m,
			      const struct baseline *b)
{
	static const struct pos pos = {"assize.yaml", 7, 11};
	struct expectation x;
	struct err e = {0};
	struct verdict v;
	struct decision d;

	if (expect_parse(s->arena, &text, &pos, 1, &x, &e) != 0)
		fail_msg("%s: %s", text, e.message);
	expect_judge(s->arena, &x, NULL, m, b, &v);
	s->evidence[0].result.outcome = v.outcome;
	s->evidence[0].result.value = m->value;
	s->evidence[0].result.reason = v.reason;
	gate_decide(s->arena, &s->in, &d);
	if (d.is_open || outcome_is_passing(d.outcome))
		fail_msg("%s: opened without a measurement", text);
}

static void test_gate_is_never_green_without_a_measurement(void **state)
{
	struct scene *s = *state;
	struct baseline full = {.n = 100, .median = 5, .mean = 5, .sigma = 1},
			few = {.n = 6, .median = 5, .mean = 5, .sigma = 1},
			no_number = {.n = 100, .median = NAN, .mean = NAN, .sigma = NAN};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		for (size_t k = 0; k < sizeof(nothings) / sizeof(nothings[0]); k++)
			judged_stays_shut(s, operators[i], &nothings[k].m, &full);
		for (size_t k = 0; k < 3; k++) {
			struct measurement m = measurement_real("", odd_numbers[k], "");

			judged_stays_shut(s, operators[i], &m, &full);
		}
	}
	for (size_t i = 12; i < 14; i++) { /* `within` without enough history */
		struct measurement m = measurement_real("", 5, "");

		judged_stays_shut(s, operators[i], &m, NULL);
		judged_stays_shut(s, operators[i], &m, &few);
		judged_stays_shut(s, operators[i], &m, &no_number);
	}
}

/* Every operator with a value that passes: what is wrong with the evidence keeps the gate shut. */
static void test_gate_is_never_green_on_refused_evidence(void **state)
{
	struct scene *s = *state;

	for (int k = 0; k < 9; k++) {
		scene_init(s, s->arena);
		switch (k) {
		case 0:
			s->in.gate = NULL;
			break;
		case 1:
			s->in.n_items = 0;
			break;
		case 2:
			s->evidence[0].result.outcome = OUTCOME_SKIP;
			break;
		case 3:
			s->evidence[0].result.measured_ms = NOW - 2 * HOUR;
			break;
		case 4:
			s->evidence[0].result.measured_ms = NOW + HOUR;
			break;
		case 5:
			s->evidence[0].subject = "v1";
			break;
		case 6:
			s->evidence[0].run_state = RUN_INCOMPLETE;
			break;
		case 7:
			s->check.hash[0] ^= 1;
			break;
		default:
			s->item.n_evidence = 0;
			break;
		}
		comes_to(s, OUTCOME_UNDECIDED, NULL);
	}
}

/* --- generated evidence against an oracle ------------------------------------------------ */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static bool chance(uint64_t *seed, unsigned percent)
{
	return next_random(seed) % 100 < percent;
}

#define MAX_ITEMS  4
#define MAX_SERIES 3

struct generated {
	struct scene scene;
	struct check checks[MAX_ITEMS];
	struct check_info infos[MAX_ITEMS][MAX_SERIES];
	struct evidence evidence[MAX_ITEMS][MAX_SERIES];
	struct gate_item items[MAX_ITEMS];
};

static void spoil(struct evidence *e, struct check_info *info, uint64_t *seed)
{
	static const int64_t times[] = {NOW - HOUR,
					NOW - HOUR - 1,
					NOW,
					NOW + GATE_MAX_CLOCK_SKEW_MS,
					NOW + GATE_MAX_CLOCK_SKEW_MS + 1,
					0,
					-1,
					INT64_MIN,
					INT64_MAX};
	static const char *const subjects[] = {"v1", "any", "", "v2"};

	switch (next_random(seed) % 8) {
	case 0:
		e->subject = subjects[next_random(seed) % 4];
		return;
	case 1:
		info->hash[next_random(seed) % 32] ^= 0x80;
		return;
	case 2:
		e->run_state = (enum run_state)(next_random(seed) % 3);
		return;
	case 3:
		e->result.measured_ms = times[next_random(seed) % 9];
		return;
	case 4:
		e->result.outcome = (enum outcome)(next_random(seed) % 5);
		return;
	case 5:
		e->result.value =
			(struct value){.type = VALUE_REAL, .real = chance(seed, 50) ? NAN : 2.5};
		return;
	case 6:
		e->result.outcome = OUTCOME_FAIL;
		return;
	default:
		e->result.value = (struct value){.type = VALUE_NONE};
		return;
	}
}

static void generate(struct generated *g, struct arena *a, uint64_t *seed)
{
	struct scene *s = &g->scene;

	scene_init(s, a);
	s->in.items = g->items;
	s->in.n_items = next_random(seed) % (MAX_ITEMS + 1);
	s->gate.is_any_subject = chance(seed, 15);
	if (chance(seed, 5))
		s->in.subject = chance(seed, 50) ? "" : "any";
	for (size_t i = 0; i < MAX_ITEMS; i++) {
		g->checks[i] = s->check;
		g->items[i] = s->item;
		g->items[i].check = &g->checks[i];
		g->items[i].is_hard = chance(seed, 75);
		g->items[i].evidence = g->evidence[i];
		g->items[i].n_evidence = chance(seed, 8) ? 0 : 1 + next_random(seed) % MAX_SERIES;
		for (size_t k = 0; k < MAX_SERIES; k++) {
			g->infos[i][k] = s->info;
			g->evidence[i][k] = s->evidence[k];
			g->evidence[i][k].result.check = &g->infos[i][k];
			while (chance(seed, 12))
				spoil(&g->evidence[i][k], &g->infos[i][k], seed);
		}
	}
	if (!chance(seed, 30))
		return;
	scene_add_rollback(s, chance(seed, 50));
	s->in.n_rollback_tags = next_random(seed) % 4;
	s->in.n_restorations = next_random(seed) % 4;
	s->gate.n_require = chance(seed, 30) ? 0 : 1;
	for (size_t i = 0; i < 3; i++) {
		s->rows[i].restoration.outcome =
			chance(seed, 60) ? OUTCOME_PASS : (enum outcome)(next_random(seed) % 5);
		if (chance(seed, 8))
			s->commits[i] = chance(seed, 50) ? NULL : "decaf";
		s->rows[i].run_state = chance(seed, 90) ? RUN_COMPLETE : RUN_INCOMPLETE;
		s->rows[i].at_ms = chance(seed, 85) ? NOW - HOUR : NOW - 25 * HOUR;
	}
}

/* The oracle: what may be said in favour is collected; whatever is not in favour is against. */
enum { FAVOUR = 1, MARKED = 2, DISPROVED = 4, DOUBT = 8 };

static unsigned oracle_series(const struct generated *g, size_t i, size_t k)
{
	const struct evidence *e = &g->evidence[i][k];
	const struct gate_input *in = &g->scene.in;
	const struct result *r = &e->result;
	bool is_right_subject = g->scene.gate.is_any_subject || strcmp(e->subject, "any") == 0 ||
				(in->subject[0] != 0 && strcmp(e->subject, in->subject) == 0);
	bool is_in_time = r->measured_ms >= 0 && r->measured_ms <= NOW + GATE_MAX_CLOCK_SKEW_MS &&
			  r->measured_ms >= NOW - HOUR;
	bool counts = is_right_subject && is_in_time && e->run_state == RUN_COMPLETE &&
		      memcmp(r->check->hash, g->checks[i].hash, 32) == 0;
	bool is_number = r->value.type == VALUE_INT ||
			 (r->value.type == VALUE_REAL && !isnan(r->value.real));

	if (counts && r->outcome == OUTCOME_FAIL)
		return DISPROVED;
	if (counts && is_number && r->outcome == OUTCOME_PASS)
		return FAVOUR;
	if (counts && is_number && r->outcome == OUTCOME_WARN)
		return FAVOUR | MARKED;
	return DOUBT;
}

static unsigned oracle_target(const struct scene *s, size_t i)
{
	const struct restoration_row *row = &s->rows[i]; /* tags and rows go together */
	bool counts = i < s->in.n_restorations && row->run_state == RUN_COMPLETE &&
		      row->at_ms >= NOW - 24 * HOUR && row->at_ms <= NOW;

	if (counts && row->restoration.outcome == OUTCOME_FAIL)
		return DISPROVED;
	counts = counts && s->commits[i] != NULL && strcmp(s->commits[i], "c0ffee") == 0;
	if (counts && row->restoration.outcome == OUTCOME_PASS)
		return FAVOUR;
	if (counts && row->restoration.outcome == OUTCOME_WARN)
		return FAVOUR | MARKED;
	return DOUBT;
}

static unsigned oracle_rollback(const struct scene *s)
{
	unsigned all = 0, proven = 0, others = 0;

	if (s->in.n_rollback_tags == 0)
		return DOUBT;
	for (size_t i = 0; i < s->in.n_rollback_tags; i++) {
		unsigned one = oracle_target(s, i);

		all |= one;
		if (one & FAVOUR)
			proven |= one;
		else
			others |= one;
	}
	if (s->gate.is_rollback_all)
		return all;
	if (proven != 0)
		return proven | (others != 0 ? MARKED : 0);
	return (others & DOUBT) != 0 ? DOUBT : DISPROVED;
}

static enum outcome oracle(const struct generated *g)
{
	const struct scene *s = &g->scene;
	unsigned hard = 0, soft = 0;
	size_t n_hard = 0;

	for (size_t i = 0; i < s->in.n_items; i++) {
		unsigned item = g->items[i].n_evidence == 0 ? DOUBT : 0;

		for (size_t k = 0; k < g->items[i].n_evidence; k++)
			item |= oracle_series(g, i, k);
		if (g->items[i].is_hard) {
			hard |= item;
			n_hard++;
		} else {
			soft |= item;
		}
	}
	if (s->gate.rollback != NULL)
		hard |= oracle_rollback(s);
	if (n_hard == 0 && (s->gate.rollback == NULL || s->gate.n_require > 0))
		hard |= DOUBT;
	if (s->in.subject[0] == 0 && !s->gate.is_any_subject)
		hard |= DOUBT;
	if (hard & DISPROVED)
		return OUTCOME_FAIL;
	if (hard & DOUBT)
		return OUTCOME_UNDECIDED;
	return (hard & MARKED) != 0 || (soft & ~(unsigned)FAVOUR) != 0 ? OUTCOME_WARN
								       : OUTCOME_PASS;
}

static void test_gate_agrees_with_an_oracle(void **state)
{
	uint64_t seed = 20261122;
	size_t count[5] = {0};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct arena *a = arena_new();
		struct generated *g = arena_alloc(a, sizeof(*g));
		enum outcome want;
		struct decision d;

		generate(g, a, &seed);
		want = oracle(g);
		gate_decide(a, &g->scene.in, &d);
		if (d.outcome != want || d.is_open != outcome_is_passing(want)) {
			for (size_t k = 0; k < d.n_lines; k++)
				print_message("%s %s %d: %s\n", outcome_name(d.lines[k].outcome),
					      d.lines[k].check, d.lines[k].is_hard,
					      d.lines[k].text);
			fail_msg("case %d: %s, the oracle says %s", i, outcome_name(d.outcome),
				 outcome_name(want));
		}
		count[want]++;
		arena_free(a);
	}
	for (size_t i = 0; i < OUTCOME_SKIP; i++)
		if (count[i] < 500) /* the generator must reach every answer often */
			fail_msg("only %zu of %s", count[i], outcome_name((enum outcome)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_gate_is_never_green_without_a_measurement),
		SCENE_TEST(test_gate_is_never_green_on_refused_evidence),
		cmocka_unit_test(test_gate_agrees_with_an_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
