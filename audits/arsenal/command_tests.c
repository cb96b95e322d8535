/*
 * Reports of tests. What a runner of tests does wrong is done to the report: a test fails and the
 * exit status says nothing of it, a test is lost on the way, half of the suite is not collected any
 * more, all of it is skipped. The report is written again for that, as short as its format allows;
 * one that would not count the same when nothing is changed is left alone.
 */
#include <math.h>
#include <string.h>

#include "audits/arsenal/command.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"

/* Of a share, so that rounding adds none. */
#define ALMOST_NONE 1e-9

/* What there is to attack. */
struct suite {
	const struct test_format *format;
	const struct test_report *report;
	size_t n_passed;
};

static const struct suite *suite_of(const struct attack *a)
{
	const struct command_plan *plan = a->state;

	return plan->of;
}

/* How many tests a share is: one at least. */
static size_t count_of(const struct suite *suite, double share)
{
	double n = ceil(share * (double)suite->n_passed - ALMOST_NONE);

	if (n < 1)
		return 1;
	return n < (double)suite->n_passed ? (size_t)n : suite->n_passed;
}

static int end_tests(const struct saying *s, size_t n, enum test_ending ending,
		     struct command_ran *ran)
{
	const struct suite *suite = suite_of(s->attack);

	suite->format->write(suite->report, s, n, ending, NULL, ran);
	return 0;
}

static int say_failed(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_tests(s, count_of(suite_of(s->attack), s->dose), TEST_FAILED, ran);
}

static int say_lost(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_tests(s, 1, TEST_UNREPORTED, ran);
}

static int say_gone(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_tests(s, count_of(suite_of(s->attack), s->dose), TEST_GONE, ran);
}

static int say_skipped(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_tests(s, count_of(suite_of(s->attack), s->dose), TEST_SKIPPED, ran);
}

static int say_empty(const struct saying *s, struct command_ran *ran, struct err *e)
{
	(void)e;
	return end_tests(s, SIZE_MAX, TEST_GONE, ran);
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	const struct suite *suite = suite_of(a);
	size_t n = count_of(suite, dose);
	const char *what =
		a->row == &arsenal_command_rows[COMMAND_TEST_FAILED] ? (n == 1 ? "fails" : "fail")
		: a->row == &arsenal_command_rows[COMMAND_TESTS_SKIPPED]
			? (n == 1 ? "is skipped" : "are skipped")
			: (n == 1 ? "is gone from the report" : "are gone from the report");

	return arena_printf(c->arena, "%zu of %zu tests that passed %s", n, suite->n_passed, what);
}

static void add_share(struct challenge *c, enum command_attack which, say_fn *say,
		      const struct suite *suite, double share)
{
	struct attack *a = command_attack_add(
		c, which, "", &(struct command_plan){.say = say, .words = words, .of = suite});

	a->least = 1.0 / (double)suite->n_passed;
	a->dose = share > a->least ? share : a->least;
	a->most = 1;
}

/* ---- the time a report tells ---- */

static int put_time(const struct saying *s, const struct command_value *v, const char *token,
		    struct command_ran *ran, struct err *e)
{
	const struct suite *suite = v->place;

	(void)e;
	suite->format->write(suite->report, s, 0, TEST_PASSED, token != NULL ? token : "", ran);
	return 0;
}

static const char *no_number(struct arena *a, const char *text)
{
	(void)a;
	(void)text;
	return "n/a";
}

static void attack_time(struct challenge *c, const struct suite *suite)
{
	struct command_value *v = arena_alloc(c->arena, sizeof(*v));

	if (!command_expects(c->check, "time"))
		return;
	for (size_t i = 0; i < c->n_baseline; i++) {
		const struct result *r = &c->baseline[i];

		if (strcmp(r->series, "time") != 0 || r->value.type != VALUE_REAL)
			continue;
		*v = (struct command_value){
			.name = "time",
			.type = VALUE_REAL,
			.has_point = r->value.real != floor(r->value.real),
			.number = r->value.real,
			.text = arena_printf(c->arena, "%g s", r->value.real),
			.put = put_time,
			.quoted = no_number,
			.place = suite,
		};
		command_attack_value(c, v);
		return;
	}
}

static bool is_any_expected(const struct check *c)
{
	static const char *const counts[] = {"tests",	"passed",      "failed",
					     "skipped", "suite_tests", "suite_failed"};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if (command_expects(c, counts[i]))
			return true;
	return false;
}

void command_survey_tests(struct challenge *c)
{
	const struct command_spec *spec = c->check->spec;
	struct suite *suite = arena_alloc(c->arena, sizeof(*suite));
	struct attack *a;

	suite->format = spec->format == COMMAND_TAP ? &test_format_tap : &test_format_junit;
	suite->report = suite->format->read(c);
	if (suite->report == NULL) {
		a = command_attack_add(c, COMMAND_TEST_FAILED, "", &(struct command_plan){0});
		a->settled = ATTACK_INCONCLUSIVE;
		a->reason = "the report is of a form that is not written again";
		return;
	}
	suite->n_passed = suite->format->n_passed(suite->report);
	if (is_any_expected(c->check) && suite->n_passed > 0) {
		add_share(c, COMMAND_TEST_FAILED, say_failed, suite, 0);
		if (suite->format->has_plan(suite->report))
			(void)command_attack_add(
				c, COMMAND_TEST_LOST, "",
				&(struct command_plan){.say = say_lost, .of = suite});
		add_share(c, COMMAND_TESTS_GONE, say_gone, suite, 0.5);
		add_share(c, COMMAND_TESTS_SKIPPED, say_skipped, suite, 1);
		(void)command_attack_add(c, COMMAND_SUITE_EMPTY, "",
					 &(struct command_plan){.say = say_empty, .of = suite});
	}
	attack_time(c, suite);
}
