/*
 * cmd_ledger: what the verbs of assize ledger share. Private to runner/cmd_ledger*.c and
 * runner/ledger_{copies,trust}.c.
 *
 * A verb gives an exit status, or -1 with the error set; the record is open in the mode its row in
 * cmd_ledger.c names.
 */
#ifndef ASSIZE_CMD_LEDGER_H
#define ASSIZE_CMD_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "runner/history/ledger.h"
#include "runner/options.h"

struct app;
struct definition;
struct err;
struct ledger_settings;
struct record;
struct sign_key;

struct ledger_command {
	struct app *app;
	struct options o;
	struct definition *definition; /* NULL = --record names a record alone */
	const char *path;
	struct record *record; /* NULL for a verb that opens it itself */
	const char *counted;   /* what progress is told of; NULL = records */
};

/* The `ledger:` section; NULL = there is none. */
const struct ledger_settings *ledger_settings_of(const struct ledger_command *c);
/* Whose word counts: --trust and the definition, --against, --origin. */
struct ledger_trusted {
	struct ledger_trust t;
	struct note_key *keys;
	struct ledger_kept *kept;
};
int ledger_read_trust(struct ledger_command *c, struct ledger_trusted *t, struct err *e);
/* And what the anchors of this very record hold. */
int ledger_trust_anchors(struct ledger_command *c, struct ledger_trusted *t, struct err *e);

/* Shows how far something is, on a terminal that somebody looks at; NULL = nobody does. */
typedef void ledger_progress_fn(void *ctx, uint64_t done, uint64_t n);
ledger_progress_fn *ledger_progress(const struct ledger_command *c);
/* Takes the line away. */
void ledger_progress_end(struct ledger_command *c);

/* To -o FILE, or standard output. */
int ledger_put(struct ledger_command *c, const char *text, size_t n, struct err *e);

/* The key that signs; owned by the caller. */
int ledger_load_key(struct ledger_command *c, struct sign_key **out, struct err *e);

int ledger_do_init(struct ledger_command *c, struct err *e);
int ledger_do_rotate(struct ledger_command *c, struct err *e);
int ledger_do_checkpoint(struct ledger_command *c, struct err *e);
int ledger_do_verify(struct ledger_command *c, struct err *e);
int ledger_do_anchor(struct ledger_command *c, struct err *e);
int ledger_do_prove(struct ledger_command *c, struct err *e);
int ledger_do_leaves(struct ledger_command *c, struct err *e);
int ledger_do_merge(struct ledger_command *c, struct err *e);
int ledger_do_export(struct ledger_command *c, struct err *e);
int ledger_do_import(struct ledger_command *c, struct err *e);

#endif
