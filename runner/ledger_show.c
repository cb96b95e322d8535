#include "runner/ledger_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/str.h"
#include "runner/history/ledger.h"
#include "runner/io/json.h"

static const char *const grades[] = {
	[LEDGER_BROKEN] = "broken",
	[LEDGER_DOUBT] = "doubt",
	[LEDGER_NOTE] = "note",
};

static const char *outcome(const struct ledger_verification *v)
{
	return v->n_broken > 0 ? "broken" : v->n_doubts > 0 ? "doubtful" : "whole";
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void show_findings(struct app *app, const struct ledger_verification *v)
{
	for (size_t i = 0; i < v->n_findings; i++) {
		const struct ledger_finding *f = &v->findings[i];

		(void)fprintf(app->out, "  %-6s  %s\n",
			      f->grade == LEDGER_BROKEN ? "BROKEN" : grades[f->grade],
			      str_escaped(app->arena, f->text));
		if (f->help != NULL)
			(void)fprintf(app->out, "          help: %s\n", f->help);
	}
	if (v->is_cut)
		(void)fprintf(app->out, "          no more is looked for\n");
}

void ledger_show_verification(struct app *app, const struct ledger_verification *v, bool is_quiet)
{
	const struct ledger_head *h = &v->head;
	char root[SHA256_HEX];

	if (is_quiet && v->n_broken + v->n_doubts == 0)
		return;
	sha256_hex(h->root.bytes, root);
	(void)fprintf(app->out,
		      "ledger %s\n  %-12s %" PRIu64 ": %" PRIu64 " result%s of %" PRIu64
		      " run%s, %" PRIu64 " decision%s\n  %-12s %s\n",
		      h->origin != NULL ? h->origin : h->identity, "records", h->size, v->n_results,
		      plural(v->n_results), v->n_runs, plural(v->n_runs), v->n_decisions,
		      plural(v->n_decisions), "root", root);
	if (v->n_prunings > 0)
		(void)fprintf(app->out, "  %-12s %" PRIu64 " bod%s, in %" PRIu64 " pruning%s\n",
			      "pruned", v->n_pruned, v->n_pruned == 1 ? "y" : "ies", v->n_prunings,
			      plural(v->n_prunings));
	if (v->n_changes > 0)
		(void)fprintf(app->out,
			      "  %-12s %" PRId64 " on the server, replayed from the first\n",
			      "changes", v->n_changes);
	if (v->n_checkpoints > 0)
		(void)fprintf(app->out,
			      "  %-12s %zu, of which %zu hold%s; they cover %" PRIu64 " records\n",
			      "checkpoints", v->n_checkpoints, v->n_signed,
			      v->n_signed == 1 ? "s" : "", v->signed_size);
	if (v->n_kept_good > 0)
		(void)fprintf(app->out, "  %-12s %zu hold%s; %" PRIu64 " record%s since\n",
			      "elsewhere", v->n_kept_good, v->n_kept_good == 1 ? "s" : "",
			      h->size - v->kept_size, plural(h->size - v->kept_size));
	if (v->key != NULL)
		(void)fprintf(app->out, "  %-12s %s%s\n", "key", v->key,
			      v->is_key_trusted ? " (trusted)" : "");
	show_findings(app, v);
	(void)fprintf(app->out, "the record is %s\n", outcome(v));
}

void ledger_json_verification(struct buf *out, const struct ledger_verification *v)
{
	struct json_writer w;
	char root[SHA256_HEX];

	sha256_hex(v->head.root.bytes, root);
	json_writer_init(&w, out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "ledger/1");
	json_put_text(&w, "outcome", outcome(v));
	json_put_text(&w, "origin", v->head.origin);
	json_put_text(&w, "identity", v->head.identity);
	json_put_int(&w, "size", (int64_t)v->head.size);
	json_put_text(&w, "root", root);
	json_put_int(&w, "results", (int64_t)v->n_results);
	json_put_int(&w, "runs", (int64_t)v->n_runs);
	json_put_int(&w, "decisions", (int64_t)v->n_decisions);
	json_put_int(&w, "pruned", (int64_t)v->n_pruned);
	json_put_int(&w, "prunings", (int64_t)v->n_prunings);
	if (v->n_changes > 0)
		json_put_int(&w, "changes", v->n_changes);
	json_put_text(&w, "key", v->key);
	json_put_bool(&w, "is_key_trusted", v->is_key_trusted);
	json_open(&w, "checkpoints", '{');
	json_put_int(&w, "all", (int64_t)v->n_checkpoints);
	json_put_int(&w, "signed", (int64_t)v->n_signed);
	json_put_int(&w, "covered", (int64_t)v->signed_size);
	json_close(&w, '}');
	json_open(&w, "kept", '{');
	json_put_int(&w, "good", (int64_t)v->n_kept_good);
	json_put_int(&w, "covered", (int64_t)v->kept_size);
	json_close(&w, '}');
	json_open(&w, "findings", '[');
	for (size_t i = 0; i < v->n_findings; i++) {
		json_open(&w, NULL, '{');
		json_put_text(&w, "grade", grades[v->findings[i].grade]);
		json_put_text(&w, "text", v->findings[i].text);
		json_put_text(&w, "help", v->findings[i].help);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
}

void ledger_show_proof(struct app *app, const struct ledger_proof *p)
{
	char hash[SHA256_HEX], root[SHA256_HEX];

	sha256_hex(p->leaf_hash.bytes, hash);
	sha256_hex(p->root.bytes, root);
	(void)fprintf(app->out, "record %" PRIu64 " of %" PRIu64 "\n%s\n", p->index, p->size,
		      p->leaf);
	if (p->facts != NULL)
		(void)fprintf(app->out, "its facts\n%s\n", p->facts);
	if (p->definition != NULL)
		(void)fprintf(app->out, "its definition\n%s\n", p->definition);
	(void)fprintf(app->out, "leaf hash  %s\nroot       %s\n", hash, root);
	for (size_t i = 0; i < p->proof.n; i++) {
		sha256_hex(p->proof.items[i].bytes, hash);
		(void)fprintf(app->out, "%-10s %s\n", i == 0 ? "path" : "", hash);
	}
}

static void put_hashes(struct app *app, struct buf *out, const struct merkle_proof *p)
{
	for (size_t i = 0; i < p->n; i++) /* the buffer is unbounded: cannot fail */
		(void)buf_printf(out, "%s\n",
				 base64_encode(app->arena, p->items[i].bytes, SHA256_BYTES));
}

void ledger_put_proof(struct app *app, struct buf *out, const struct ledger_proof *p,
		      const struct ledger_checkpoint *c)
{
	(void)buf_printf(out, "c2sp.org/tlog-proof@v1\nextra %s\nindex %" PRIu64 "\n",
			 base64_encode(app->arena, p->leaf, strlen(p->leaf)), p->index);
	put_hashes(app, out, &p->proof);
	(void)buf_printf(out, "\n%s", c->note);
}

void ledger_put_extension(struct app *app, struct buf *out, unsigned long long old,
			  const struct merkle_proof *p, const struct ledger_checkpoint *c)
{
	(void)buf_printf(out, "old %llu\n", old);
	put_hashes(app, out, p);
	(void)buf_printf(out, "\n%s", c->note);
}
