/*
 * assize: an adversarial audit and gate runner. This file knows the commands and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/github.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/db.h"
#include "runner/io/proc.h"
#include "runner/io/sign.h"
#include "runner/output.h"
#include "runner/version.h"

static const struct command *const commands[] = {
	&command_init,	   &command_check,   &command_plan,	 &command_kinds,  &command_schema,
	&command_baseline, &command_run,     &command_challenge, &command_record, &command_notify,
	&command_gate,	   &command_waive,   &command_override,	 &command_attest, &command_rollback,
	&command_status,   &command_history, &command_explain,	 &command_report, &command_replay,
	&command_ledger,   &command_doctor,  &command_prune,
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
		    "  assize help COMMAND       its manual, where man has it\n"
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
	if (word[0] == '-') {
		(void)err_set(&e, ERR_USAGE, "options stand behind the command: %s", word);
		(void)err_help(&e, "for example `assize check -f assize.yaml`");
		return app_fail(app, &e);
	}
	(void)err_set(&e, ERR_USAGE, "no such command: %s", word); /* printed below */
	best = str_closest(word, names, N_COMMANDS);
	if (best >= 0)
		(void)err_help(&e, "did you mean `assize %s`?", names[best]);
	else
		(void)err_help(&e, "`assize --help` lists the commands");
	return app_fail(app, &e);
}

static const char *const pages[] = {"assize",	     "assize.yaml",	"assize-record",
				    "assize-ledger", "assize-rollback", "assize-challenge"};

/* A command has the page of its own, or the program's; NULL = there is no such command or page. */
static const char *page_of(const char *word)
{
	const struct command *c = find(word);

	if (c != NULL)
		return c->manual != NULL ? c->manual : pages[0];
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(pages[i], word) == 0)
			return pages[i];
	return NULL;
}

/* Does man know the page? It is asked in a process of its own, which says nothing. */
static bool is_installed(const char *page)
{
	pid_t child = fork();
	int status, nothing;

	if (child == 0) {
		nothing = open("/dev/null", O_RDWR);
		if (nothing < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
		    dup2(nothing, STDERR_FILENO) < 0)
			_exit(1);
		(void)execlp("man", "man", "-w", page, (char *)NULL);
		_exit(1); /* there is no man */
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* `assize help WORD`: the manual, else that it is not here and the command's --help. */
static int help(struct app *app, int argc, char **argv)
{
	static char flag[] = "--help";
	const struct command *c;
	struct err e = {0};
	const char *page;

	if (argc < 2) {
		print_usage(app->out);
		return EXIT_PASS;
	}
	page = page_of(argv[1]);
	if (page == NULL)
		return unknown(app, argv[1]);
	if (is_installed(page))
		(void)execlp("man", "man", page, (char *)NULL); /* comes back when it is gone */
	c = find(argv[1]);
	if (c == NULL) {
		(void)err_set(&e, ERR_USAGE, "the manual page %s is not installed here", page);
		(void)err_help(&e, "it is in runner/man of the sources, for man -l; `assize kinds` "
				   "and `assize COMMAND --help` need no manual");
		return app_fail(app, &e);
	}
	(void)fprintf(app->err, "assize: the manual page %s is not installed here; the options:\n",
		      page);
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
	sign_ask_nobody();

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
