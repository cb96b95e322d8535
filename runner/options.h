/*
 * options: the command line, read by one table.
 *
 * Every option is a row here: its long name, an optional letter, what it takes, where it goes and
 * its help. A command names the rows it accepts; anything else is a usage error with did-you-mean,
 * and so is a second value for an option that does not say "may repeat".
 * Each long option has an environment twin (ASSIZE_RECORD for --record) that counts where the
 * command accepts the option and the command line does not give it. `--` ends options; options and
 * words may mix.
 */
#ifndef ASSIZE_RUNNER_OPTIONS_H
#define ASSIZE_RUNNER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/model/keys.h"

struct app;
struct err;

enum color_when { COLOR_AUTO = 0, COLOR_ALWAYS, COLOR_NEVER };

struct options {
	const char *file;     /* -f FILE|DIR|git:REF:PATH; NULL = assize.yaml */
	const char *pinned;   /* --policy-sha256 HEX; NULL = none */
	const char *record;   /* --record; NULL = .assize/record.db beside the definition */
	struct pairs vars;    /* --var NAME=VALUE, may repeat */
	const char *subject;  /* --subject; NULL = none given */
	const char *format;   /* --format */
	const char *output;   /* -o FILE; NULL = standard output */
	bool is_to_stdout;    /* -o -, which leaves output NULL */
	const char *shard;    /* --shard I/N; NULL = all of it */
	const char *since;    /* --since DURATION */
	const char *older;    /* --older DURATION, of prune */
	struct pairs labels;  /* --label NAME=VALUE, may repeat */
	const char *unit;     /* --unit */
	const char *at;	      /* --at TIME */
	const char *id;	      /* --id */
	struct texts attests; /* --attest FORMAT=FILE, may repeat */
	const char *sign_key; /* --sign-key FILE or env:NAME; NULL = none */
	const char *decision; /* --decision ID */
	struct texts gates;   /* --gate NAME, may repeat */
	const char *series, *until, *owner, *reason, *ticket, *by; /* of waive and override */
	struct texts reports;			    /* --report FORMAT=FILE, may repeat */
	struct texts sqlite, postgres, mysql, odbc; /* of init; each may repeat, as below */
	struct texts http, metrics, artifact, oci, git, headers;
	const char *ca_file;	     /* --ca-file PATH; NULL = the system's */
	const char *user;	     /* --user NAME; NULL = none */
	const char *key;	     /* --key FILE; NULL = none */
	const char *name, *origin;   /* of ledger */
	struct texts trust, against; /* of ledger; each may repeat */
	int64_t from, size;	     /* of ledger; 0 = not given */
	const char *at_least;	     /* --at-least SHARE; NULL = all */
	const char *password_env;    /* --password-env NAME; NULL = none */
	int color;		     /* enum color_when */
	int64_t jobs;		     /* --jobs; 0 = by the machine */
	int64_t limit;		     /* --limit; 0 = the command's default */
	bool is_due, is_quiet, is_json, is_help, is_json_schema, is_mdoc, is_curl, is_manifest,
		is_cold, is_end, is_strict, is_offline, is_dry_run, is_unsigned, is_rates,
		is_recorded, is_self, is_challenges;
	/* words that are not options */
	const char **words;
	size_t n_words;
};

/* What an option means to a command that is no other's meaning; a list ends with NULL. */
struct option_meaning {
	const char *option, *help;
};

/* accepts: long names ended by NULL. 0, or -1 with ERR_USAGE. Text is borrowed from argv and a. */
int options_parse(struct app *app, const char *const *accepts, int argc, char **argv,
		  struct options *out, struct err *e);

/* After an error of that: what can be told of --report, --attest and --due; all else is unset. */
void options_outputs(struct app *app, const char *const *accepts, int argc, char **argv,
		     struct options *out);

/*
 * "  -f, --file FILE    ..." one line per accepted option, for --help; here (MAY be NULL): what
 * some of them mean to this command.
 */
void options_help(struct app *app, const char *const *accepts, const struct option_meaning *here);

#endif
