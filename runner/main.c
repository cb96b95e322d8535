/*
 * assize: an adversarial audit and gate runner. This file knows the commands and nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/github.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/io/proc.h"
#include "runner/output.h"
#include "runner/version.h"

static const struct command *const commands[] = {
	&command_init,	   &command_check,    &command_plan,   &command_kinds,	  &command_schema,
	&command_baseline, &command_run,      &command_record, &command_notify,	  &command_gate,
	&command_waive,	   &command_override, &command_attest, &command_rollback, &command_status,
	&command_history,  &command_explain,  &command_report, &command_replay,	  &command_ledger,
	&command_doctor,   &command_prune,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char *environment(void *ctx, const char *name)
{
	(void)ctx; /* the process has one environment */
	return getenv(name);
}

static void print_usage(FILE *out)
{
	const char *group = "";

	(void)fputs(
		"usage: assize COMMAND [words] [options]\n\n"
		"Audits databases, metrics, artifacts and rollbacks; records every measurement;\n"
		"opens a release gate only for an explicit, fresh, recorded pass.\n",
		out);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(group, commands[i]->group) != 0) {
			group = commands[i]->group;
			(void)fprintf(out, "\n%s\n", group);
		}
		(void)fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	}
	(void)fputs("\n  assize COMMAND --help     options of a command\n"
		    "  assize help COMMAND       its manual\n"
		    "  assize --version\n\n"
		    "exit status: 0 passed, gate open   1 disproved   2 could not measure\n"
		    "             3 usage, definition   4 record      70 internal error\n",
		    out);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown(struct app *app, const char *word)
{
	const char *names[N_COMMANDS];
	struct err e = {0};
	int best;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	(void)err_set(&e, ERR_USAGE, "no such command: %s", word); /* printed below */
	best = str_closest(word, names, N_COMMANDS);
	if (best >= 0)
		(void)err_help(&e, "did you mean `assize %s`?", names[best]);
	else
		(void)err_help(&e, "`assize --help` lists the commands");
	return app_fail(app, &e);
}

/* `assize help` and `assize help CMD`: the manual where man is at hand, else the command's --help.
 */
static int help(struct app *app, int argc, char **argv)
{
	static char flag[] = "--help";
	const struct command *c;

	if (argc < 2) {
		print_usage(app->out);
		return EXIT_PASS;
	}
	c = find(argv[1]);
	if (c == NULL)
		return unknown(app, argv[1]);
	if (app->out_is_terminal)
		(void)execlp("man", "man", "assize", (char *)NULL); /* falls through without man */
	return c->run(app, c, 2, (char *[]){argv[1], flag, NULL});
}

static int dispatch(struct app *app, int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_usage(app->err);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		(void)fprintf(app->out, "assize %s\n", ASSIZE_VERSION);
		return EXIT_PASS;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(app->out);
		return EXIT_PASS;
	}
	if (strcmp(argv[1], "help") == 0)
		return help(app, argc - 1, argv + 1);
	c = find(argv[1]);
	if (c == NULL)
		return unknown(app, argv[1]);
	return c->run(app, c, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	proc_become_helper(argc, argv);
	db_begin_process();

	struct arena *arena = arena_new();
	struct app app = {
		.arena = arena,
		.clock = clock_system(),
		.out = stdout,
		.err = stderr,
		.env = environment,
		.out_is_terminal = isatty(STDOUT_FILENO) == 1,
	};
	char *cwd = getcwd(NULL, 0);
	int status;

	if (cwd == NULL) {
		(void)fprintf(stderr, "assize: could not tell the working directory: %s\n",
			      strerror(errno));
		return EXIT_BUG;
	}
	app.cwd = arena_strdup(arena, cwd);
	free(cwd);
	/* A reader that left shows as a write error below, a file that may not grow where it is
	 * written. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	status = dispatch(&app, argc, argv);
	output_end(&app, status);
	github_end(&app);
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "assize: could not write standard output%s%s\n",
			      errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
		if (status == EXIT_PASS) /* nobody saw the pass, so there is none */
			status = EXIT_UNDECIDED;
	}
	if (app.is_abandoning) /* threads may still wait for the world: end without their farewell
				*/
		_Exit(status);
	arena_free(arena);
	return status;
}
