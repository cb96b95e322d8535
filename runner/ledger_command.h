/*
 * ledger_command: what the verbs of assize ledger share: cmd_ledger.c has the table of them and
 * those about one record, ledger_copies.c those about several. Private to these.
 */
#ifndef ASSIZE_RUNNER_LEDGER_COMMAND_H
#define ASSIZE_RUNNER_LEDGER_COMMAND_H

#include <stdint.h>

#include "runner/history/ledger.h"
#include "runner/options.h"

struct app;
struct definition;
struct err;
struct ledger_settings;
struct record;

struct ledger_command {
	struct app *app;
	struct options o;
	struct definition *definition; /* NULL = --record names a record alone */
	const char *path;
	struct record *record; /* NULL for a verb that opens it itself */
	const char *counted;   /* what progress is told of; NULL = records */
};

/* NULL = there is no definition, or it says nothing of the ledger. */
const struct ledger_settings *ledger_settings_of(const struct ledger_command *c);

/* Whose word counts: --trust and the definition, --against, --origin. */
struct ledger_trusted {
	struct ledger_trust t;
	struct note_key *keys;
	struct ledger_kept *kept;
};
int ledger_read_trust(struct ledger_command *c, struct ledger_trusted *t, struct err *e);

/* Shows how far something is, on a terminal that somebody looks at; NULL = nobody does. */
typedef void ledger_progress_fn(void *ctx, uint64_t done, uint64_t n);
ledger_progress_fn *ledger_progress(const struct ledger_command *c);
/* Takes the line away. */
void ledger_progress_end(struct ledger_command *c);

/* Verbs: an exit status, or -1. */
int ledger_do_merge(struct ledger_command *c, struct err *e);
int ledger_do_export(struct ledger_command *c, struct err *e);
int ledger_do_import(struct ledger_command *c, struct err *e);

#endif
