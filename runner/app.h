/*
 * app: what a command may use of the outside, and the table of commands.
 *
 * main() fills it once; nothing below reads the clock, the environment or standard streams behind a
 * caller's back. A command gets its own words in argv[0..argc-1] (argv[0] is the command's name),
 * prints to out, reports errors to err, and returns the exit status; only main() exits.
 */
#ifndef ASSIZE_RUNNER_APP_H
#define ASSIZE_RUNNER_APP_H

#include <stdbool.h>
#include <stdio.h>

#include "runner/io/clock.h"
#include "runner/model/keys.h"

struct arena;
struct definition;
struct diags;
struct err;
struct option_meaning;
struct options;
struct record;

struct app {
	struct arena *arena; /* lives as long as the program */
	struct clock clock;
	FILE *out, *err;
	const char *cwd; /* absolute */
	const char *(*env)(void *ctx, const char *name);
	void *env_ctx;
	const struct definition *definition; /* what app_load() loaded last; NULL = nothing */
	bool out_is_terminal;
	/* --report and --attest, of a command that writes them whenever it gets so far */
	struct texts reports, attests;
	/* " -f other.yaml": options that printed commands are to be run with; "" = none */
	const char *repeated;
	const char *step_token; /* of a step of GitHub Actions (github.h); NULL = this is none */
	bool is_abandoning;	/* set by a command: work hangs in threads or is nobody's: end */
};

enum exit_status {
	EXIT_PASS = 0,
	EXIT_DISPROVED = 1,
	EXIT_UNDECIDED = 2,
	EXIT_USAGE = 3,
	EXIT_RECORD = 4,
	EXIT_BUG = 70,
};

struct command {
	const char *name;
	const char *group;		       /* heading in --help */
	const char *words;		       /* "[SELECT..]" */
	const char *summary;		       /* one line */
	const char *const *accepts;	       /* long options, NULL terminated; --help always */
	const struct option_meaning *meanings; /* of some of them here; NULL = as usual */
	const char *manual;		       /* a page of its own; NULL = assize(1) alone */
	int (*run)(struct app *app, const struct command *self, int argc, char **argv);
};

extern const struct command command_check, command_plan, command_kinds, command_run, command_gate,
	command_attest, command_replay, command_rollback, command_status, command_history,
	command_explain, command_report, command_schema, command_baseline, command_init,
	command_record, command_waive, command_override, command_ledger, command_notify,
	command_doctor, command_prune, command_challenge;

/*
 * Start of every command: parses options, answers --help. Returns true when the command should go
 * on, else *status is what it returns.
 */
bool app_begin(struct app *app, const struct command *self, int argc, char **argv,
	       struct options *o, int *status);

/*
 * The file of -o, where it is not to take the place of what the command reads, or of a definition
 * and what that reads, whether or not the command loads it. Those of --report and --attest are seen
 * to by app_begin().
 */
void app_guard_output(struct app *app, const struct options *o);

/*
 * The same for what may take the place of a policy file that was read (a snapshot that is taken
 * again), but not of the definition, if there is one.
 */
int app_guard_definition(struct app *app, const struct definition *d, const char *file,
			 struct err *e);

/* 0, or -1 with ERR_USAGE: the command takes none, and one was given. */
int app_no_words(const struct command *self, const struct options *o, struct err *e);

/* Prints an error the one way and gives its exit status. */
int app_fail(struct app *app, const struct err *e);
/* The same after what came to `status`: what was disproved stays so, whatever failed behind it. */
int app_fail_beside(struct app *app, int status, const struct err *e);

/* Loads the definition of -f; on errors prints all of them and returns -1 (exit status 3). */
int app_load(struct app *app, const struct options *o, struct definition **out);

/* The same with one file as it would be. */
struct load_instead;
int app_load_instead(struct app *app, const struct options *o, const struct load_instead *instead,
		     struct definition **out);
/* The same for who is to print the key and the origin that it may lack yet. */
int app_load_keyless(struct app *app, const struct options *o, struct definition **out);

/*
 * The record: --record, which may be a URL (with a secret: record_path() is for showing), or
 * .assize/record.db beside the root definition.
 */
const char *app_record_path(struct app *app, const struct options *o, const struct definition *d);

/* The same by text alone, without loading one; NULL: there is no such commit, e says why. */
const char *app_record_beside(struct app *app, const struct options *o, struct err *e);

/*
 * Opens the record for reading without loading a definition: a report needs the record, nothing
 * else. On failure prints why and sets *status.
 */
int app_open_record(struct app *app, const struct options *o, struct record **out, int *status);
/* On stderr, where a record that was opened for reading may be an old one. */
void app_tell_standby(struct app *app, const struct record *r);

/* Says which gates there are, or which one was meant; word NULL = none was given. -1. */
int app_help_gates(struct app *app, const struct definition *d, const char *word, struct err *e);

/* The gate of a command line's word; NULL = there is none, e says which was meant. */
const struct gate *app_gate(struct app *app, const struct definition *d, const char *name,
			    struct err *e);

bool app_has_color(const struct app *app, const struct options *o);

/* Where what is not kept may lie: $TMPDIR, else /tmp. */
const char *app_temporary(const struct app *app);

#endif
