/*
 * ledger_show: what the ledger's commands print: the outcome of a verification, a proof, for
 * people, for programs, and in the forms other programs read.
 */
#ifndef ASSIZE_RUNNER_LEDGER_SHOW_H
#define ASSIZE_RUNNER_LEDGER_SHOW_H

#include <stdbool.h>

struct app;
struct buf;
struct ledger_checkpoint;
struct ledger_proof;
struct ledger_verification;
struct merkle_proof;

void ledger_show_verification(struct app *app, const struct ledger_verification *v, bool is_quiet);
/*
 * "assize": "ledger/1": outcome (whole | doubtful | broken), origin, identity, size, root, results,
 * runs, decisions, pruned, prunings, key, is_key_trusted, checkpoints {all, signed, covered}, kept
 * {good, covered}, findings [] {grade, text, help}.
 */
void ledger_json_verification(struct buf *out, const struct ledger_verification *v);

void ledger_show_proof(struct app *app, const struct ledger_proof *p);
/* c2sp.org/tlog-proof@v1, the leaf as its extra data. */
void ledger_put_proof(struct app *app, struct buf *out, const struct ledger_proof *p,
		      const struct ledger_checkpoint *c);
/* The body of a witness's add-checkpoint (C2SP tlog-witness). */
void ledger_put_extension(struct app *app, struct buf *out, unsigned long long old,
			  const struct merkle_proof *p, const struct ledger_checkpoint *c);

#endif
