/* assize ledger prove and leaves: what is in the record, shown to somebody else. */
#include "runner/cmd_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/ledger.h"
#include "runner/ledger_show.h"

/* The checkpoint a proof leads to: the newest of at least `size` records, or of exactly so many. */
static int find_checkpoint(struct ledger_command *c, uint64_t size, bool is_exact,
			   struct ledger_checkpoint *out, struct err *e)
{
	struct ledger_checkpoint *all;
	size_t n;

	if (ledger_checkpoints(c->record, c->app->arena, is_exact ? SIZE_MAX / 2 : 1, &all, &n,
			       e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (is_exact ? all[i].size == size : all[i].size >= size) {
			*out = all[i];
			return 0;
		}
	}
	(void)err_set(e, ERR_USAGE, "nobody has signed for %" PRIu64 " records%s", size,
		      is_exact ? "" : " yet");
	return err_help(e, "assize ledger checkpoint signs for what there is");
}

static int prove_extension(struct ledger_command *c, struct err *e)
{
	struct ledger_checkpoint checkpoint;
	struct merkle_proof proof;
	struct buf text;
	int rc;

	if (find_checkpoint(c, c->o.size > 0 ? (uint64_t)c->o.size : (uint64_t)c->o.from,
			    c->o.size > 0, &checkpoint, e) != 0 ||
	    ledger_prove_extension(c->record, c->app->arena, (uint64_t)c->o.from, checkpoint.size,
				   &proof, e) != 0)
		return -1;
	buf_init(&text, BUF_UNBOUNDED);
	ledger_put_extension(c->app, &text, (unsigned long long)c->o.from, &proof, &checkpoint);
	rc = ledger_put(c, text.data, text.len, e);
	buf_release(&text);
	return rc;
}

int ledger_do_prove(struct ledger_command *c, struct err *e)
{
	struct ledger_checkpoint checkpoint;
	struct ledger_proof proof;
	struct buf text;
	int64_t seq;
	int rc;

	if (c->o.n_words == 1 && c->o.from > 0)
		return prove_extension(c, e);
	if (c->o.n_words != 2 || num_parse_int(c->o.words[1], strlen(c->o.words[1]), &seq) != 0 ||
	    seq < 0) {
		(void)err_set(e, ERR_USAGE, "assize ledger prove takes the number of a record");
		return err_help(e,
				"assize ledger leaves lists them; --from N proves that the record "
				"extends its first N");
	}
	if (c->o.output == NULL) {
		if (ledger_prove(c->record, c->app->arena, (uint64_t)seq, (uint64_t)c->o.size,
				 &proof, e) != 0)
			return -1;
		ledger_show_proof(c->app, &proof);
		return 0;
	}
	if (find_checkpoint(c, c->o.size > 0 ? (uint64_t)c->o.size : (uint64_t)seq + 1,
			    c->o.size > 0, &checkpoint, e) != 0 ||
	    ledger_prove(c->record, c->app->arena, (uint64_t)seq, checkpoint.size, &proof, e) != 0)
		return -1;
	buf_init(&text, BUF_UNBOUNDED);
	ledger_put_proof(c->app, &text, &proof, &checkpoint);
	rc = ledger_put(c, text.data, text.len, e);
	buf_release(&text);
	return rc;
}

static int put_leaf(void *ctx, uint64_t seq, const char *json, size_t n)
{
	FILE *out = ctx;

	(void)seq;
	return fwrite(json, 1, n, out) == n && fputc('\n', out) == '\n' ? 0 : -1;
}

int ledger_do_leaves(struct ledger_command *c, struct err *e)
{
	uint64_t to = c->o.size > 0 ? (uint64_t)c->o.size : INT64_MAX;

	return ledger_leaves(c->record, (uint64_t)c->o.from, to, put_leaf, c->app->out, e);
}
