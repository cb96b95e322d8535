/*
 * assize prune: the record keeps what it says, and lets go of what is only there to be read: old
 * evidence, queries and repetitions. history/prune.h says which, and why nothing else changes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audits/benchmark.h"
#include "reports/text.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/utc.h"
#include "runner/history/prune.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/options.h"
#include "runner/vouch.h"

/* Less than a share of this of the file is not worth writing all of it anew. */
#define COMPACT_SHARE 8

static int run_prune(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var", "older", "dry-run", "quiet", NULL};

const struct command command_prune = {
	.name = "prune",
	.group = "ask the record",
	.words = "--older DURATION",
	.summary = "let go of old evidence, queries and repetitions; every record stays provable",
	.accepts = accepts,
	.run = run_prune,
};

static int read_options(struct app *app, const struct options *o, struct prune_options *out,
			struct err *e)
{
	int64_t older_ms;

	if (app_no_words(&command_prune, o, e) != 0)
		return -1;
	if (o->older == NULL) {
		(void)err_set(e, ERR_USAGE, "assize prune needs --older DURATION");
		return err_help(e, "e.g. --older 180d; --dry-run says what would go");
	}
	if (num_parse_duration_ms(o->older, strlen(o->older), &older_ms) != 0 || older_ms < 1)
		return err_set(e, ERR_USAGE, "cannot read --older %s: write e.g. 180d", o->older);
	*out = (struct prune_options){
		.at_ms = clock_wall_ms(&app->clock),
		.keep_runs = BENCHMARK_MAX_RUNS,
		.is_dry = o->is_dry_run,
	};
	if (older_ms > out->at_ms)
		return err_set(e, ERR_USAGE, "--older %s is before all time", o->older);
	out->before_ms = out->at_ms - older_ms;
	identity_who(app, &out->host, &out->user);
	return 0;
}

/* None is made, or brought up to date, only to be pruned. */
static int open_there(const char *path, struct record **out, struct err *e)
{
	if (record_open(path, RECORD_READ, out, e) != 0)
		return -1;
	record_close(*out);
	return record_open(path, RECORD_WRITE, out, e);
}

static void show_progress(void *ctx, uint64_t done, uint64_t size)
{
	struct app *app = ctx;

	(void)fprintf(app->err, "\rverifying, %3.0f %% of %" PRIu64 " records",
		      100.0 * (double)done / (double)size, size);
	(void)fflush(app->err); /* to look at; nothing depends on it */
}

static void tell(struct app *app, const struct prune_options *p, const struct pruned *done)
{
	char size[NUM_REAL_MAX], before[UTC_MAX];
	struct buf b;

	(void)num_format_size(done->n_bytes, size); /* its length */
	(void)utc_format(p->before_ms, 0, before);  /* same */
	if (done->n_texts + done->n_samples == 0) {
		(void)fprintf(app->out, "nothing of before %s is left to prune\n", before);
		return;
	}
	buf_init(&b, BUF_UNBOUNDED);
	text_count(&b, done->n_texts, "text");
	(void)buf_puts(&b, " of evidence and queries, "); /* unbounded: cannot fail */
	text_count(&b, done->n_samples, "list");
	(void)fprintf(app->out, "%s %s of repetitions, %s, of before %s\n",
		      p->is_dry ? "would prune" : "pruned", b.data, size, before);
	if (!p->is_dry)
		(void)fprintf(app->out,
			      "pruning %" PRId64 " of the record; all %" PRIu64
			      " records hold, as before\n",
			      done->id, done->n_verified);
	buf_release(&b);
}

/* That the file stays as large as it is is no failure: its room is used again. */
static void compact(struct app *app, const struct options *o, struct record *record,
		    const struct pruned *done)
{
	char was[NUM_REAL_MAX], is[NUM_REAL_MAX];
	int64_t before, after, size = 0;
	struct err e = {0};

	if (record_size(record, &size, &e) == 0 && done->n_bytes < size / COMPACT_SHARE) {
		if (!o->is_quiet)
			(void)fprintf(app->out,
				      "the file keeps its size: its room is used again\n");
		return;
	}
	if (record_compact(record, &before, &after, &e) != 0) {
		(void)fprintf(app->err, "the file keeps its size, its room is used again: %s\n",
			      e.message);
		return;
	}
	(void)num_format_size(before, was); /* its length */
	(void)num_format_size(after, is);   /* same */
	if (!o->is_quiet)
		(void)fprintf(app->out, "the file has %s, it had %s\n", is, was);
}

static int run_prune(struct app *app, const struct command *self, int argc, char **argv)
{
	struct definition *d = NULL;
	struct prune_options p;
	struct pruned done = {.id = 0};
	struct record *record;
	struct options o;
	struct err e = {0};
	bool is_live;
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (read_options(app, &o, &p, &e) != 0)
		return app_fail(app, &e);
	if ((o.record == NULL || o.file != NULL) && app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (open_there(app_record_path(app, &o, d), &record, &e) != 0)
		return app_fail(app, &e);
	is_live = isatty(STDERR_FILENO) == 1 && !o.is_quiet;
	p.progress = is_live ? show_progress : NULL;
	p.progress_ctx = app;
	status = record_prune(record, app->arena, &p, &done, &e) == 0 ? EXIT_PASS : -1;
	if (is_live)
		(void)fprintf(app->err, "\r\033[K"); /* takes the line away */
	if (status == EXIT_PASS && !o.is_quiet)
		tell(app, &p, &done);
	if (status == EXIT_PASS && done.id != 0)
		compact(app, &o, record, &done);
	if (done.id == 0 || status < 0)
		record_close(record);
	else
		status = vouch_close(app, d, record, status, &e);
	return status < 0 ? app_fail(app, &e) : status;
}
