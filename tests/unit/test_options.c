/* options: one table for all commands, with environment twins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/options.h"

static const char *const accepts[] = {"file", "var",  "report", "jobs",	  "color",
				      "due",  "json", "quiet",	"record", NULL};

struct environment {
	const char *name, *value;
};

static const char *lookup(void *ctx, const char *name)
{
	const struct environment *env = ctx;

	return env != NULL && strcmp(env->name, name) == 0 ? env->value : NULL;
}

static int parse(struct arena *a, struct environment *env, const char *line, struct options *o,
		 struct err *e)
{
	struct app app = {.arena = a, .env = lookup, .env_ctx = env};
	char *words = arena_strdup(a, line);
	char *argv[32];
	int argc = 0;

	for (char *w = strtok(words, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	return options_parse(&app, accepts, argc, argv, o, e);
}

static void test_options_reads_all_forms(void **state)
{
	struct arena *a = arena_new();
	struct options o;
	struct err e = {0};

	(void)state;
	assert_int_equal(parse(a, NULL,
			       "run a/b -f x.yaml --var v=1 --var w=a=b --jobs=4 --due "
			       "--report html=o.html tag:x --color never -- --not-an-option",
			       &o, &e),
			 0);
	assert_string_equal(o.file, "x.yaml");
	assert_int_equal(o.vars.n, 2);
	assert_string_equal(o.vars.items[1].name, "w");
	assert_string_equal(o.vars.items[1].value, "a=b");
	assert_int_equal(o.jobs, 4);
	assert_true(o.is_due);
	assert_false(o.is_json);
	assert_int_equal(o.color, COLOR_NEVER);
	assert_int_equal(o.reports.n, 1);
	assert_int_equal(o.n_words, 3);
	assert_string_equal(o.words[2], "--not-an-option");
	arena_free(a);
}

static void test_options_takes_the_environment_last(void **state)
{
	struct arena *a = arena_new();
	struct environment env = {"ASSIZE_RECORD", "/r.db"};
	struct options o;
	struct err e = {0};

	(void)state;
	assert_int_equal(parse(a, &env, "run", &o, &e), 0);
	assert_string_equal(o.record, "/r.db");
	assert_int_equal(parse(a, &env, "run --record x", &o, &e), 0);
	assert_string_equal(o.record, "x");
	env = (struct environment){"ASSIZE_JOBS", "many"};
	assert_int_equal(parse(a, &env, "run", &o, &e), -1);
	assert_non_null(strstr(e.message, "ASSIZE_JOBS"));
	env = (struct environment){"ASSIZE_QUIET", "1"};
	assert_int_equal(parse(a, &env, "run", &o, &e), 0);
	assert_true(o.is_quiet);
	env = (struct environment){"ASSIZE_QUIET", "0"};
	assert_int_equal(parse(a, &env, "run", &o, &e), 0);
	assert_false(o.is_quiet);
	arena_free(a);
}

static void test_options_refuses_with_help(void **state)
{
	static const struct {
		const char *line, *says, *help;
	} cases[] = {
		{"run --recrod x", "no such option here: --recrod", "--record"},
		{"run --subject x", "no such option here: --subject", ""}, /* not accepted */
		{"run -x", "no such option here: -x", ""},
		{"run --file", "needs FILE", ""},
		{"run --due=1", "takes no value", ""},
		{"run --jobs 0", "from 1 to 64", ""},
		{"run --jobs 65", "from 1 to 64", ""},
		{"run --var x", "NAME=VALUE", ""},
		{"run --file a --file b", "--file is given twice", "say it once"},
		{"run --jobs=1 -j 2", "--jobs is given twice", "say it once"},
		{"run --var a=1 --var ab=1 --var a=2", "--var a is given twice", ""},
		{"run --color pink", "auto, always or never", ""},
	};
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options o;
		struct err e = {0};

		if (parse(a, NULL, cases[i].line, &o, &e) == 0)
			fail_msg("accepted: %s", cases[i].line);
		assert_int_equal(e.class, ERR_USAGE);
		if (strstr(e.message, cases[i].says) == NULL ||
		    strstr(e.help, cases[i].help) == NULL)
			fail_msg("%s: %s / %s", cases[i].line, e.message, e.help);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_reads_all_forms),
		cmocka_unit_test(test_options_takes_the_environment_last),
		cmocka_unit_test(test_options_refuses_with_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
