/*
 * challenge: the loop that makes attacks, on an arsenal of the test's own whose check flips where
 * the test says; and the arsenals there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "audits/kinds.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/redact.h"
#include "runner/challenge.h"
#include "runner/model/kind.h"
#include "tests/unit/challenge_world.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* The check measures 1000; an attack takes dose * 1000 away; what it says is the test's business.
 */
struct trial {
	double flip;	/* doses from here on are noticed */
	double spot;	/* so is this one, to a tenth; 0 = none */
	double refused; /* doses below cannot be made */
	bool is_proof_wrong, is_proof_refused, is_late, is_slow, is_secret;
	struct challenger *challenger; /* set: the strike interrupts it */
	int n_strikes;
	double doses[64];
	bool is_closed;
};

static const struct attack_row rows[] = {
	{.name = "identity", .help = "nothing is done", .is_control = true, .is_proof = true},
	{.name = "taken", .help = "a share is gone"},
	{.name = "hung", .help = "no answer comes in time", .is_late = true},
	{.name = "same", .help = "nothing is done"},
	{.name = NULL},
};

static struct trial *trial_of(const struct check *c)
{
	return c->spec;
}

static void wait_out(const struct probe *p)
{
	while (clock_monotonic_ms(p->world->clock) < p->deadline_ms)
		;
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	struct trial *t = trial_of(c->check);
	struct measurement m = measurement_real("", 1000, "");
	bool is_proof = a != NULL && a->row->is_proof;

	t->doses[t->n_strikes++ % 64] = a != NULL && a->most > 0 ? dose : 0;
	if (t->challenger != NULL && a != NULL)
		atomic_store(challenger_interrupt(t->challenger), true);
	if (is_proof && t->is_proof_refused) {
		(void)err_set(e, ERR_MEASURE, "rowid cannot be seen");
		return 1;
	}
	if (a != NULL && a->most > 0 && dose < t->refused) {
		(void)err_set(e, ERR_MEASURE, "less than a row");
		return 1;
	}
	if (a != NULL && (a->row->is_late || (t->is_slow && !is_proof))) {
		wait_out(p);
		return err_set(e, ERR_MEASURE, "timeout");
	}
	if (is_proof && t->is_proof_wrong)
		m.value.real = 1;
	if (a != NULL && a->most > 0)
		m.value.real = dose >= t->flip || fabs(dose / t->spot - 1) < 0.1 ? 100 : 900;
	probe_emit(p, 0, &m);
	return 0;
}

static int survey(struct challenge *c, struct err *e)
{
	struct trial *t = trial_of(c->check);
	struct attack *a;

	(void)e;
	(void)challenge_add(c, &rows[0], "");
	a = challenge_add(c, &rows[1], t->is_secret ? "hunter22" : "orders");
	a->dose = 0.5;
	a->least = 1e-6;
	a->most = 1;
	if (t->is_late)
		(void)challenge_add(c, &rows[2], "");
	a = challenge_add(c, &rows[3], "");
	a->settled = ATTACK_GUARDED;
	a->reason = "it cannot be";
	return 0;
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	return arena_printf(c->arena, "%g of %s is gone", dose, a->object);
}

static void close_trial(struct challenge *c)
{
	trial_of(c->check)->is_closed = true;
}

static const struct arsenal arsenal = {
	.rows = rows, .survey = survey, .strike = strike, .words = words, .close = close_trial};

static const struct audit_kind kind = {.name = "trial", .family = "x", .arsenal = &arsenal};

static const char *no_env(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

struct world {
	struct app app;
	struct definition definition;
	struct named_expectation expected;
	struct check check;
	const struct check *list[1];
	struct challenger_request request;
	struct trial trial;
	struct challenged out;
};

static void begin(struct world *w, const char *bound)
{
	*w = (struct world){.app = {.arena = arena_new(), .clock = clock_system(), .env = no_env}};
	w->definition.redactor = redactor_new(w->app.arena);
	w->expected = named(w->app.arena, "", bound, NULL, NULL);
	w->check = (struct check){
		.name = "a/b",
		.kind = &kind,
		.spec = &w->trial,
		.timeout_ms = 60000,
		.expects = &w->expected,
		.n_expects = 1,
	};
	w->list[0] = &w->check;
	w->request = (struct challenger_request){
		.app = &w->app,
		.arena = w->app.arena,
		.definition = &w->definition,
		.checks = w->list,
		.n_checks = 1,
	};
}

static void challenge(struct world *w)
{
	struct challenger *c;
	struct err e = {0};

	if (challenger_new(&w->request, &c, &e) != 0)
		fail_msg("%s", e.message);
	if (w->trial.challenger != NULL)
		w->trial.challenger = c;
	if (challenger_check(c, &w->check, &w->out, &e) != 0)
		fail_msg("%s", e.message);
	challenger_free(c);
}

static void end(struct world *w)
{
	arena_free(w->app.arena);
}

static void test_challenge_finds_the_smallest_dose(void **state)
{
	static const double flips[] = {1e-6, 3.3e-5, 0.004, 0.07, 0.3, 0.49, 0.5, 0.51, 0.8, 1};

	(void)state;
	for (size_t i = 0; i < N(flips); i++) {
		const struct attack_result *r;
		struct world w;

		begin(&w, ">= 500");
		w.trial.flip = flips[i];
		challenge(&w);
		assert_null(w.out.reason);
		assert_true(w.trial.is_closed);
		assert_int_equal(w.out.n_attacks, 3);
		r = &w.out.attacks[1];
		assert_int_equal(r->outcome, flips[i] <= 0.5 ? ATTACK_FAILED : ATTACK_TOLERATED);
		if (r->turns_red < flips[i] || r->turns_red > flips[i] * 1.05)
			fail_msg("%g instead of %g", r->turns_red, flips[i]);
		assert_false(r->is_erratic);
		assert_string_equal(
			r->turns_red_words,
			arena_printf(w.app.arena, "%g of orders is gone", r->turns_red));
		/* the baseline, the proof and the attack itself come on top */
		assert_in_range(w.trial.n_strikes, 4, CHALLENGE_MAX_STEPS + 3);
		assert_int_equal(w.out.attacks[2].outcome, ATTACK_GUARDED);
		end(&w);
	}
}

static void test_challenge_tells_of_a_dose_that_is_never_noticed(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.trial.flip = 2;
	challenge(&w);
	assert_int_equal(w.out.attacks[1].outcome, ATTACK_TOLERATED);
	assert_true(w.out.attacks[1].turns_red == 0);
	assert_null(w.out.attacks[1].turns_red_words);
	assert_true(challenged_score(&w.out) == 0);
	end(&w);
}

static void test_challenge_tells_no_dose_that_it_did_not_close_in_on(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.trial.flip = 0.001;
	w.trial.refused = 0.01; /* of 0.05 it is known that it is noticed, of less nothing */
	challenge(&w);
	assert_int_equal(w.out.attacks[1].outcome, ATTACK_FAILED);
	assert_true(w.out.attacks[1].turns_red == 0);
	assert_null(w.out.attacks[1].turns_red_words);
	end(&w);
}

static void test_challenge_detects_what_is_erratic(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.trial.flip = 0.4;
	challenge(&w);
	assert_false(w.out.attacks[1].is_erratic);
	end(&w);
	begin(&w, ">= 500");
	w.trial.flip = 0.4;
	w.trial.spot = 0.4 * 0.3; /* less is noticed, more is not */
	challenge(&w);
	assert_true(w.out.attacks[1].is_erratic);
	assert_true(fabs(w.out.attacks[1].turns_red / 0.4 - 1) < 0.05);
	end(&w);
}

static void test_challenge_believes_no_attack_without_its_proof(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.trial.is_proof_wrong = true;
	challenge(&w);
	assert_string_equal(w.out.reason,
			    "it answers otherwise when it is asked as attacks ask it: "
			    "outside the bound");
	assert_int_equal(w.trial.n_strikes, 2);
	end(&w);
	begin(&w, ">= 500");
	w.trial.is_proof_refused = true;
	challenge(&w);
	assert_string_equal(w.out.reason,
			    "it cannot be asked as attacks ask it: rowid cannot be seen");
	assert_int_equal(w.out.n_noticed, 0);
	end(&w);
}

static void test_challenge_needs_a_baseline_that_passes(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 5000");
	challenge(&w);
	assert_string_equal(w.out.reason, "it does not pass as it is: outside the bound");
	assert_int_equal(w.out.n_attacks, 0);
	assert_true(w.trial.is_closed);
	end(&w);
	begin(&w, "within 10 % of median(28d)"); /* without a record there is no history */
	challenge(&w);
	assert_string_equal(w.out.reason, "it does not pass as it is: the baseline has 0 values, "
					  "at least 7 are needed");
	end(&w);
}

static void test_challenge_interrupted_is_inconclusive(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.trial.flip = 0.1;
	w.trial.challenger = (struct challenger *)&w; /* any: set by challenge() */
	challenge(&w);
	assert_string_equal(w.out.reason, "the challenge was interrupted");
	assert_int_equal(w.out.n_noticed, 0);
	assert_int_equal(w.trial.n_strikes, 2);
	assert_true(challenged_score(&w.out) < 0);
	end(&w);
}

static void test_challenge_out_of_time_is_inconclusive(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.check.timeout_ms = 60;
	w.trial.is_slow = true;
	w.trial.is_late = true;
	challenge(&w);
	assert_null(w.out.reason);
	assert_int_equal(w.out.attacks[1].outcome, ATTACK_INCONCLUSIVE);
	assert_string_equal(w.out.attacks[1].reason,
			    "the check's time was over before it came to an answer");
	/* unless that is the damage */
	assert_int_equal(w.out.attacks[2].outcome, ATTACK_ERROR);
	end(&w);
}

static void test_challenge_waits_not_long_for_what_never_comes(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500"); /* its timeout is a minute */
	w.trial.is_late = true;
	challenge(&w);
	assert_int_equal(w.out.attacks[2].outcome, ATTACK_ERROR);
	assert_true(w.out.attacks[2].duration_us < 30000000);
	end(&w);
}

static void test_challenge_a_statement_may_have_less_time_than_the_check(void **state)
{
	const struct target target = {.name = "db", .statement_timeout_ms = 1};
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.check.timeout_ms = 60;
	w.check.target = &target;
	w.trial.is_slow = true;
	challenge(&w);
	assert_int_equal(w.out.attacks[1].outcome, ATTACK_INCONCLUSIVE);
	end(&w);
}

static void test_challenge_counts_only_what_is_claimed(void **state)
{
	static const char *const claims[] = {"hung"};
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.check.claims.items = (const char **)(uintptr_t)claims;
	w.check.claims.n = 1;
	challenge(&w);
	assert_int_equal(w.out.attacks[0].outcome, ATTACK_STEADY); /* harmless: it always counts */
	assert_int_equal(w.out.attacks[1].outcome, ATTACK_OUT_OF_CLAIM);
	assert_int_equal(w.out.attacks[2].outcome, ATTACK_GUARDED); /* that is known already */
	assert_true(challenged_score(&w.out) < 0);
	end(&w);
}

static void test_challenge_survey_makes_no_attack(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	w.request.is_survey = true;
	challenge(&w);
	assert_int_equal(w.trial.n_strikes, 1); /* the baseline */
	assert_true(w.out.attacks[1].is_planned);
	assert_string_equal(w.out.attacks[1].words, "0.5 of orders is gone");
	assert_false(w.out.attacks[2].is_planned);
	end(&w);
}

static void test_challenge_keeps_no_secret(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ">= 500");
	redactor_add(w.definition.redactor, "hunter22");
	w.trial.is_secret = true;
	w.trial.flip = 0.2;
	challenge(&w);
	assert_string_equal(w.out.attacks[1].object, REDACT_MASK);
	assert_string_equal(w.out.attacks[1].words, "0.5 of " REDACT_MASK " is gone");
	assert_non_null(strstr(w.out.attacks[1].turns_red_words, REDACT_MASK));
	end(&w);
}

/* ---- the arsenals there are ---- */

static bool is_operator_name(const char *s)
{
	return s[0] >= 'a' && s[0] <= 'z' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static void test_challenge_operators_are_named_once(void **state)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);
	size_t n_arsenals = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct attack_row *all =
			kinds[i]->arsenal != NULL ? kinds[i]->arsenal->rows : NULL;

		n_arsenals += all != NULL ? 1 : 0;
		for (const struct attack_row *row = all; row != NULL && row->name != NULL; row++) {
			if (!is_operator_name(row->name))
				fail_msg("%s: \"%s\" is no name", kinds[i]->name, row->name);
			if (row->help == NULL || row->help[0] == '\0')
				fail_msg("%s: %s has no help", kinds[i]->name, row->name);
			if (row->is_proof && !row->is_control)
				fail_msg("%s: %s is a proof and no control", kinds[i]->name,
					 row->name);
			for (const struct attack_row *other = all; other != row; other++)
				if (strcmp(other->name, row->name) == 0)
					fail_msg("%s: %s is there twice", kinds[i]->name,
						 row->name);
		}
	}
	assert_true(n_arsenals > 0);
}

/* Does an arsenal of the family have the operator? */
static bool is_operator(const char *family, const char *name)
{
	size_t n;
	const struct audit_kind *const *kinds = audit_kinds(&n);

	for (size_t i = 0; i < n; i++)
		for (const struct attack_row *row = kinds[i]->arsenal != NULL
							    ? kinds[i]->arsenal->rows
							    : rows + N(rows) - 1;
		     row->name != NULL; row++)
			if (strcmp(kinds[i]->family, family) == 0 && strcmp(row->name, name) == 0)
				return true;
	return false;
}

static void test_challenge_advice_knows_what_there_is(void **state)
{
	const char *family, *operator, * name;

	(void)state;
	for (size_t i = 0; attack_advice_row(i, &family, &operator, & name); i++) {
		if (audit_kind_find(name) == NULL)
			fail_msg("there is no kind %s", name);
		if (!is_operator(family, operator))
			fail_msg("there is no attack %s on kinds of family %s", operator, family);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_challenge_finds_the_smallest_dose),
		cmocka_unit_test(test_challenge_tells_of_a_dose_that_is_never_noticed),
		cmocka_unit_test(test_challenge_tells_no_dose_that_it_did_not_close_in_on),
		cmocka_unit_test(test_challenge_detects_what_is_erratic),
		cmocka_unit_test(test_challenge_believes_no_attack_without_its_proof),
		cmocka_unit_test(test_challenge_needs_a_baseline_that_passes),
		cmocka_unit_test(test_challenge_interrupted_is_inconclusive),
		cmocka_unit_test(test_challenge_out_of_time_is_inconclusive),
		cmocka_unit_test(test_challenge_waits_not_long_for_what_never_comes),
		cmocka_unit_test(test_challenge_a_statement_may_have_less_time_than_the_check),
		cmocka_unit_test(test_challenge_counts_only_what_is_claimed),
		cmocka_unit_test(test_challenge_survey_makes_no_attack),
		cmocka_unit_test(test_challenge_keeps_no_secret),
		cmocka_unit_test(test_challenge_operators_are_named_once),
		cmocka_unit_test(test_challenge_advice_knows_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
