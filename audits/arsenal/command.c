/*
 * What a check does not look at is not damaged: one that expects an exit status alone is not
 * attacked on what the program prints, and time is an attack only where a time is expected.
 */
#include "audits/arsenal/command.h"
#include "audits/kind_rows.h"

#include <signal.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/io/clock.h"

const struct attack_row arsenal_command_rows[] = {
	[COMMAND_IDENTITY] = {.name = "identity",
			      .help = "the program says what it said",
			      .is_control = true,
			      .is_proof = true},
	[COMMAND_MORE_ERRORS] = {.name = "more-errors",
				 .help = "a line more on standard error, of which nothing is "
					 "expected",
				 .is_control = true},
	[COMMAND_MORE_NEWLINE] = {.name = "more-newline",
				  .help = "a newline more at the end of what it wrote",
				  .is_control = true},
	[COMMAND_SILENT] = {.name = "silent",
			    .help = "it says nothing and exits with 0, as if it were true(1)"},
	[COMMAND_EXIT_1] = {.name = "exit-1", .help = "it exits with 1"},
	[COMMAND_EXIT_2] = {.name = "exit-2", .help = "the plugin exits with 2, critical"},
	[COMMAND_EXIT_127] = {.name = "exit-127",
			      .help = "a shell does not find what it was to run, and exits with "
				      "127"},
	[COMMAND_KILLED] = {.name = "killed", .help = "it is killed by a signal"},
	[COMMAND_HANGS] = {.name = "hangs", .help = "it does not end", .is_late = true},
	[COMMAND_FLOOD] = {.name = "flood", .help = "its output does not end"},
	[COMMAND_CWD_MISSING] = {.name = "cwd-missing", .help = "its directory is gone"},
	[COMMAND_TO_STDERR] = {.name = "to-stderr", .help = "its output goes to standard error"},
	[COMMAND_LAST_LINE] = {.name = "last-line-only",
			       .help = "only the last line of what it wrote is there"},
	[COMMAND_HALF_OUTPUT] = {.name = "half-output",
				 .help = "what it wrote breaks off in the middle"},
	[COMMAND_NUL_BYTE] = {.name = "nul-byte", .help = "a NUL byte is in what it wrote"},
	[COMMAND_COMPLAINS] = {.name = "complains", .help = "a line more on standard error"},
	[COMMAND_STATUS_LOST] = {.name = "status-lost",
				 .help = "the plugin says CRITICAL, and its exit status is lost"},
	[COMMAND_ZEROED] = {.name = "zeroed", .help = "a number is 0"},
	[COMMAND_DOUBLED] = {.name = "doubled", .help = "a number is twice as large"},
	[COMMAND_TEN_TIMES] = {.name = "ten-times", .help = "a number is ten times as large"},
	[COMMAND_TENTH] = {.name = "tenth", .help = "a number is a tenth of what it was"},
	[COMMAND_NEGATED] = {.name = "negated",
			     .help = "a number has the other sign, what was true is false"},
	[COMMAND_NONZERO] = {.name = "nonzero", .help = "a number that was 0 is 10"},
	[COMMAND_REMOVED] = {.name = "removed", .help = "a value is not there any more"},
	[COMMAND_NULLED] = {.name = "nulled",
			    .help = "a value is null, or U where a plugin cannot tell it"},
	[COMMAND_AS_TEXT] = {.name = "as-text", .help = "a text is where a number was"},
	[COMMAND_OTHER_LOCALE] = {.name = "other-locale",
				  .help = "a number is written with a decimal comma"},
	[COMMAND_EMPTIED] = {.name = "emptied", .help = "a text is empty"},
	[COMMAND_UNKNOWN] = {.name = "unknown", .help = "a text is one that was never there"},
	[COMMAND_ITEMS_LOST] = {.name = "items-lost", .help = "a share of what is counted is gone"},
	[COMMAND_TEST_FAILED] = {.name = "test-failed", .help = "a test fails that passed"},
	[COMMAND_TEST_LOST] = {.name = "test-lost",
			       .help = "a test is not in the report that is said to be there"},
	[COMMAND_TESTS_GONE] =
		{.name = "tests-gone",
		 .help = "half of the tests are gone, as if there had never been more"},
	[COMMAND_TESTS_SKIPPED] = {.name = "tests-skipped",
				   .help = "tests that passed are skipped, all of them"},
	[COMMAND_SUITE_EMPTY] = {.name = "suite-empty",
				 .help = "no test is left, and the report says so"},
	[COMMAND_SLOW] = {.name = "slow", .help = "it takes as long as its timeout allows"},
	[COMMAND_BUSY] = {.name = "busy", .help = "it is busy for as long as its timeout allows"},
	[COMMAND_LARGE] = {.name = "large", .help = "it takes 64 GiB of memory"},
	[N_COMMAND_ATTACKS] = {.name = NULL},
};

#define LEAST_FACTOR 1.01
#define MOST_BYTES   68719476736.0 /* 64 GiB */

/* How long one waits for what never ends, at most: however long the timeout is, it would be over.
 */
#define HANG_MS 1000

/* Builtins alone: PATH is the check's own, and the sandbox may allow a single process. */
static const char script_killed[] = "kill -KILL $$";
static const char script_hangs[] = "kill -STOP $$";
static const char script_flood[] = "l=0123456789abcdef0123456789abcdef; l=$l$l$l$l$l$l$l$l; "
				   "while :; do echo \"$l$l$l$l$l$l$l$l\"; done";
static const char script_nothing[] = ":";

struct state {
	bool has_run, is_unseen;
	struct command_ran ran;
	struct err failure; /* of a run of which nothing was seen */
};

const struct command_ran *command_said(const struct challenge *c)
{
	const struct state *s = c->state;

	return &s->ran;
}

/* The one run of the program, on whose words everything else rests. */
static int strike_baseline(struct challenge *c, struct probe *p, struct err *e)
{
	struct state *s = c->state;
	struct probe kept = *p;

	if (!s->has_run) {
		kept.arena = c->arena;
		s->is_unseen = command_run_once(&kept, &c->world->is_interrupted, &s->ran,
						&s->failure) < 0;
		s->has_run = true;
	}
	if (s->is_unseen) {
		*e = s->failure;
		return -1;
	}
	command_tell(p, &s->ran);
	return 0;
}

/* ---- stand-ins ---- */

static int not_made(struct err *e, const struct err *why)
{
	(void)err_set(e, ERR_MEASURE, "the stand-in did not do what it was to do%s%s",
		      *why->message ? ": " : "", why->message);
	return 1;
}

/* p's check is from now on one that runs the stand-in. */
static void put_stand_in(struct challenge *c, const struct attack *a, struct probe *p)
{
	const struct command_plan *plan = a->state;
	struct check *check = arena_alloc(p->arena, sizeof(*check));
	struct command_spec *spec = arena_alloc(p->arena, sizeof(*spec));
	const struct check **checks = arena_alloc(p->arena, sizeof(*checks));
	const char **words = arena_array(p->arena, 3, sizeof(*words));

	memcpy(check, c->check, sizeof(*check));
	memcpy(spec, c->check->spec, sizeof(*spec));
	words[0] = "/bin/sh";
	words[1] = "-c";
	words[2] = plan->script;
	spec->run = (struct texts){.items = words, .n = 3};
	spec->report = NULL; /* it does not come to write one */
	if (plan->of != NULL)
		spec->cwd = plan->of;
	check->spec = spec;
	if (plan->script == script_hangs && check->timeout_ms > HANG_MS) {
		check->timeout_ms = HANG_MS;
		p->deadline_ms = clock_monotonic_ms(c->world->clock) + HANG_MS;
	}
	checks[0] = check;
	p->checks = checks;
}

/* That it did what was meant is looked at: a shell that cannot start has damaged nothing. */
static int strike_stand_in(struct challenge *c, const struct attack *a, struct probe *p,
			   struct err *e)
{
	const struct command_plan *plan = a->state;
	struct command_ran ran;
	struct err why = {0};
	bool is_made = false;
	int rc;

	put_stand_in(c, a, p);
	rc = command_run_once(p, &c->world->is_interrupted, &ran, &why);
	if (plan->script == script_killed)
		is_made = rc == 0 && ran.result.signal == SIGKILL;
	else if (plan->script == script_flood)
		is_made = rc == 0 && ran.reason != NULL && strstr(ran.reason, "wrote more") != NULL;
	else if (plan->script == script_hangs)
		is_made = rc < 0 && clock_monotonic_ms(c->world->clock) >= p->deadline_ms;
	else
		is_made = rc < 0 && strstr(why.message, plan->of) != NULL;
	if (!is_made)
		return not_made(e, &why);
	if (rc < 0)
		*e = why;
	else
		command_tell(p, &ran);
	return rc;
}

static int strike(struct challenge *c, const struct attack *a, double dose, struct probe *p,
		  struct err *e)
{
	const struct command_plan *plan;
	struct saying s = {.challenge = c,
			   .attack = a,
			   .spec = c->check->spec,
			   .dose = dose,
			   .arena = p->arena};
	struct command_ran ran;

	if (a == NULL)
		return strike_baseline(c, p, e);
	plan = a->state;
	if (plan->say == NULL)
		return strike_stand_in(c, a, p, e);
	ran = *command_said(c);
	if (plan->say(&s, &ran, e) != 0)
		return 1;
	command_tell(p, &ran);
	return 0;
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	const struct command_plan *plan = a->state;

	return plan->words != NULL ? plan->words(c, a, dose) : a->row->help;
}

/* ---- documents ---- */

size_t command_n_documents(const struct command_spec *spec, const struct command_ran *ran)
{
	return spec->report ? ran->n_documents : 1;
}

struct command_document command_document_at(const struct command_spec *spec,
					    const struct command_ran *ran, size_t i)
{
	return spec->report ? ran->documents[i]
			    : (struct command_document){.text = ran->result.out,
							.n = ran->result.out_len};
}

void command_put_document(const struct saying *s, struct command_ran *ran, size_t i,
			  const char *text, size_t n)
{
	struct command_document *copy;

	if (!s->spec->report) {
		ran->result.out = text;
		ran->result.out_len = n;
		return;
	}
	copy = arena_array(s->arena, ran->n_documents, sizeof(*copy));
	memcpy(copy, ran->documents, ran->n_documents * sizeof(*copy));
	copy[i].text = text;
	copy[i].n = n;
	ran->documents = copy;
}

/* ---- survey ---- */

/* But for newlines at its end, of which more are harmless. */
static bool is_same_text(const char *a, size_t n_a, const char *b, size_t n_b)
{
	while (n_a > 0 && a[n_a - 1] == '\n')
		n_a--;
	while (n_b > 0 && b[n_b - 1] == '\n')
		n_b--;
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a) == 0);
}

static bool is_same(const struct command_ran *a, const struct command_ran *b)
{
	const struct proc_result *x = &a->result, *y = &b->result;
	bool is_equal = x->exit_status == y->exit_status && x->duration_us == y->duration_us &&
			x->cpu_us == y->cpu_us && x->peak_bytes == y->peak_bytes &&
			is_same_text(x->out, x->out_len, y->out, y->out_len) &&
			is_same_text(x->err, x->err_len, y->err, y->err_len) &&
			a->n_documents == b->n_documents &&
			(a->documents_problem == NULL) == (b->documents_problem == NULL);

	for (size_t i = 0; is_equal && i < a->n_documents; i++)
		is_equal = is_same_text(a->documents[i].text, a->documents[i].n,
					b->documents[i].text, b->documents[i].n);
	return is_equal;
}

/* Said for a try: what says the same as before damages nothing. */
static bool is_harmless(const struct challenge *c, const struct attack *a)
{
	const struct command_plan *plan = a->state;
	struct arena *arena = arena_new(); /* an output is large, and attacks are many */
	struct saying s = {c, a, c->check->spec, a->dose, arena};
	struct command_ran ran = *command_said(c);
	struct err why = {0};
	bool is = plan->say(&s, &ran, &why) == 0 && is_same(&ran, command_said(c));

	arena_free(arena);
	return is;
}

static void settle(struct challenge *c)
{
	for (size_t i = 0; i < c->n_attacks; i++) {
		struct attack *a = &c->attacks[i];
		const struct command_plan *plan = a->state;

		if (a->reason != NULL || a->row->is_control || plan->say == NULL ||
		    !is_harmless(c, a))
			continue;
		a->settled = ATTACK_NO_EFFECT;
		a->reason = "that is what it is already";
	}
}

struct attack *command_attack_add(struct challenge *c, enum command_attack which,
				  const char *object, const struct command_plan *plan)
{
	struct attack *a = challenge_add(c, &arsenal_command_rows[which], object);
	struct command_plan *kept = arena_alloc(c->arena, sizeof(*kept));

	*kept = *plan;
	a->state = kept;
	return a;
}

static void add_saying(struct challenge *c, enum command_attack which, say_fn *say)
{
	(void)command_attack_add(c, which, "", &(struct command_plan){.say = say});
}

static void add_stand_in(struct challenge *c, enum command_attack which, const char *script,
			 const char *cwd)
{
	(void)command_attack_add(c, which, "", &(struct command_plan){.script = script, .of = cwd});
}

/* Is anything expected of what the format reads? Of a plugin its text is read in any case. */
static bool is_read(const struct check *c)
{
	static const char *const of_tests[] = {"tests",	       "passed",    "failed", "skipped",
					       "todo",	       "flaky",	    "time",   "suite_tests",
					       "suite_failed", "suite_time"};
	const struct command_spec *spec = c->spec;
	bool is = command_expects(c, "output");

	for (size_t i = 0; i < sizeof(of_tests) / sizeof(*of_tests); i++)
		is = is || ((spec->format == COMMAND_TAP || spec->format == COMMAND_JUNIT) &&
			    command_expects(c, of_tests[i]));
	for (size_t i = 0; i < spec->json.n; i++)
		is = is || command_expects(c, spec->json.items[i].name);
	for (size_t i = 0; i < spec->perfdata.n; i++)
		is = is || command_expects(c, spec->perfdata.items[i].name);
	return is || (spec->format == COMMAND_NAGIOS && command_expects(c, "perfdata"));
}

static void survey_ending(struct challenge *c)
{
	const struct command_spec *spec = c->check->spec;
	bool is_plugin = spec->format == COMMAND_NAGIOS, is_heard = is_read(c->check) || is_plugin;

	if (is_heard || command_said(c)->result.exit_status != 0)
		add_saying(c, COMMAND_SILENT, say_nothing);
	add_saying(c, is_plugin ? COMMAND_EXIT_2 : COMMAND_EXIT_1,
		   is_plugin ? say_status_2 : say_status_1);
	add_saying(c, COMMAND_EXIT_127, say_status_127);
	add_stand_in(c, COMMAND_KILLED, script_killed, NULL);
	add_stand_in(c, COMMAND_HANGS, script_hangs, NULL);
	if (is_heard)
		add_stand_in(c, COMMAND_FLOOD, script_flood, NULL);
	if (spec->cwd)
		add_stand_in(c, COMMAND_CWD_MISSING, script_nothing,
			     arena_printf(c->arena, "%s/assize-gone", spec->cwd));
}

static void survey_output(struct challenge *c)
{
	const struct command_spec *spec = c->check->spec;
	bool is_report = spec->report != NULL, is_plugin = spec->format == COMMAND_NAGIOS;
	bool is = is_read(c->check);

	if ((is || is_plugin) && !is_report)
		add_saying(c, COMMAND_TO_STDERR, say_to_stderr);
	/* The last line of XML may be all of it but the declaration. */
	if (is && !is_report && spec->format != COMMAND_JUNIT)
		add_saying(c, COMMAND_LAST_LINE, say_last_line);
	if (is)
		add_saying(c, COMMAND_HALF_OUTPUT, say_half);
	/* Beside the words that TAP and plugins are read for, it changes none of them. */
	if (is && spec->format != COMMAND_TAP && !is_plugin)
		add_saying(c, COMMAND_NUL_BYTE, say_nul);
	if (command_expects(c->check, "errors"))
		add_saying(c, COMMAND_COMPLAINS, say_more_errors);
}

/* As much as can be: what it costs then is more than anybody would allow who allows something. */
static void add_cost(struct challenge *c, enum command_attack which, const char *value,
		     const struct command_plan *plan, double most)
{
	struct attack *a;

	if (!command_expects(c->check, value) || !(most > LEAST_FACTOR))
		return;
	a = command_attack_add(c, which, value, plan);
	a->dose = a->most = most;
	a->least = LEAST_FACTOR;
}

/* Longer than its timeout is no longer slow: it hangs. */
static void survey_cost(struct challenge *c)
{
	const struct command_plan slow = {.say = say_slow, .words = words_of_time};
	const struct command_plan busy = {.say = say_busy, .words = words_of_time};
	const struct command_plan large = {.say = say_large, .words = words_of_memory};
	const struct proc_result *r = &command_said(c)->result;
	double most_us = (double)c->check->timeout_ms * 1000.0;

	add_cost(c, COMMAND_SLOW, "duration", &slow,
		 most_us / (double)(r->duration_us > 0 ? r->duration_us : 1));
	add_cost(c, COMMAND_BUSY, "cpu", &busy, r->cpu_us > 0 ? most_us / (double)r->cpu_us : 0);
	add_cost(c, COMMAND_LARGE, "memory", &large,
		 r->peak_bytes > 0 ? MOST_BYTES / (double)r->peak_bytes : 0);
}

static int survey(struct challenge *c, struct err *e)
{
	const struct command_spec *spec = c->check->spec;

	(void)e;
	add_saying(c, COMMAND_IDENTITY, say_same);
	if (!command_expects(c->check, "errors"))
		add_saying(c, COMMAND_MORE_ERRORS, say_more_errors);
	add_saying(c, COMMAND_MORE_NEWLINE, say_more_newline);
	survey_ending(c);
	survey_output(c);
	switch ((enum command_format)spec->format) {
	case COMMAND_PLAIN:
		break;
	case COMMAND_NAGIOS:
		command_survey_nagios(c);
		break;
	case COMMAND_TAP:
	case COMMAND_JUNIT:
		command_survey_tests(c);
		break;
	case COMMAND_JSON:
		command_survey_json(c);
		break;
	}
	survey_cost(c);
	settle(c);
	return 0;
}

static int open_challenge(struct challenge *c, struct err *e)
{
	(void)e;
	c->state = arena_alloc(c->arena, sizeof(struct state));
	*(struct state *)c->state = (struct state){.has_run = false};
	return 0;
}

const struct arsenal arsenal_command = {
	.rows = arsenal_command_rows,
	.open = open_challenge,
	.survey = survey,
	.strike = strike,
	.words = words,
};
