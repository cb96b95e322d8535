/*
 * assize ledger merge, export, import: what is recorded in several places comes together.
 *
 * What merge takes over it tells for each file; the first one that is refused ends it, with what
 * came before it taken.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/copies.h"
#include "runner/history/merge.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/io/file.h"
#include "runner/io/shared_log.h"
#include "runner/cmd_ledger.h"
#include "runner/ledger_left.h"
#include "runner/model/definition.h"
#include "runner/vouch.h"

static const char *file_of(struct ledger_command *c, size_t word)
{
	return file_absolute(c->app->arena, c->app->cwd, c->o.words[word]);
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- merge ---- */

/* Most records have none. */
static const char *challenges_of(struct ledger_command *c, const struct merged *m)
{
	if (m->n_challenges == 0)
		return "";
	return arena_printf(c->app->arena, ", %" PRId64 " challenge%s", m->n_challenges,
			    plural(m->n_challenges));
}

static void tell_taken(struct ledger_command *c, const char *file, const struct merged *m)
{
	static const char *const vouched[] = {", UNSIGNED", ", vouched for by its own key only",
					      ""};
	FILE *out = c->app->out;

	if (m->id == 0) {
		(void)fprintf(out, "%s: nothing new\n", file);
		return;
	}
	(void)fprintf(out,
		      "%s: %" PRId64 " run%s, %" PRId64 " result%s, %" PRId64 " restoration%s, "
		      "%" PRId64 " measurement%s%s (records %" PRIu64 " to %" PRIu64 " of %s)%s\n",
		      file, m->n_runs, plural(m->n_runs), m->n_results, plural(m->n_results),
		      m->n_restorations, plural(m->n_restorations), m->n_externals,
		      plural(m->n_externals), challenges_of(c, m), m->from, m->size - 1, m->origin,
		      vouched[m->vouched]);
}

/* Said whether or not something was taken. */
static void tell_left(struct ledger_command *c, const char *file, const struct merged *m)
{
	FILE *out = c->app->out;

	if (m->n_left > 0)
		(void)fprintf(
			out, "%s: left for later: %" PRIu64 " record%s nobody has signed for yet\n",
			file, m->n_left, plural((int64_t)m->n_left));
	if (m->n_foreign > 0)
		(void)fprintf(out,
			      "%s: left out: %" PRId64
			      " run%s, measurements or challenges it has from "
			      "other records; merge those\n",
			      file, m->n_foreign, plural(m->n_foreign));
	if (m->n_taken > 0)
		(void)fprintf(out,
			      "%s: left out: %" PRId64 " measurement%s whose id stands for another "
			      "value here\n",
			      file, m->n_taken, plural(m->n_taken));
}

/* What it says is not shown: a password may be in it. */
static int refuse_url(struct ledger_command *c, size_t word, struct err *e)
{
	if (shared_url_check(c->o.words[word], e) != 0)
		return -1;
	if (!shared_url_is(c->o.words[word]))
		return 0;
	(void)err_set(e, ERR_USAGE, "cannot take a record on a server where a file is named");
	return err_help(e, "assize ledger export FILE --record URL makes a file of it");
}

/* Of the record itself it would be said that a run makes one. */
static int check_given(struct ledger_command *c, size_t word, struct err *e)
{
	const char *file = file_of(c, word);

	if (refuse_url(c, word, e) != 0)
		return -1;
	if (access(file, F_OK) == 0 || errno != ENOENT)
		return 0;
	(void)err_set(e, ERR_RECORD, "could not read record \"%s\": it does not exist", file);
	return err_help(e, "name the record that is to be taken from");
}

static int merge_file(struct ledger_command *c, size_t word, const struct merge_options *o,
		      struct err *e)
{
	struct arena *a;
	struct record *from;
	struct merged m;
	int rc;

	if (check_given(c, word, e) != 0 ||
	    record_open(file_of(c, word), RECORD_READ, &from, e) != 0)
		return -1;
	a = arena_new(); /* of a large record it is large */
	rc = record_merge(c->record, from, a, o, &m, e);
	ledger_progress_end(c);
	record_close(from);
	if (rc == 0 && !c->o.is_quiet)
		tell_taken(c, c->o.words[word], &m);
	if (rc == 0 && (!c->o.is_quiet || m.id != 0))
		tell_left(c, c->o.words[word], &m);
	arena_free(a);
	return rc;
}

int ledger_do_merge(struct ledger_command *c, struct err *e)
{
	struct ledger_trusted t = {.keys = NULL};
	struct merge_options o = {
		.is_unsigned = c->o.is_unsigned,
		.at_ms = clock_wall_ms(&c->app->clock),
		.progress = ledger_progress(c),
		.progress_ctx = c,
	};

	if (ledger_read_trust(c, &t, e) != 0 ||
	    (c->definition != NULL && vouch_origin(c->app, c->definition, c->record, e) != 0))
		return -1;
	/* the origin of the definition is this record's; the others have their own */
	o.trust = (struct ledger_trust){
		.keys = t.t.keys,
		.n_keys = t.t.n_keys,
		.progress = ledger_progress(c),
		.progress_ctx = c,
	};
	identity_who(c->app, &o.host, &o.user);
	for (size_t i = 1; i < c->o.n_words; i++)
		if (merge_file(c, i, &o, e) != 0)
			return -1;
	return EXIT_PASS;
}

/* ---- export and import ---- */

static int copy_options(struct ledger_command *c, struct copy_options *out, struct err *e)
{
	struct ledger_trusted t = {.keys = NULL};

	if (ledger_read_trust(c, &t, e) != 0)
		return -1;
	*out = (struct copy_options){
		.trust = t.t,
		.is_unsigned = c->o.is_unsigned,
		.progress = ledger_progress(c),
		.progress_ctx = c,
	};
	c->counted = "pages";
	return 0;
}

int ledger_do_export(struct ledger_command *c, struct err *e)
{
	struct ledger_head head;
	struct copy_options o;
	int rc, held;

	if (refuse_url(c, 1, e) != 0 || copy_options(c, &o, e) != 0)
		return -1;
	held = ledger_left_clear(c, file_of(c, 1));
	rc = record_export(c->record, c->app->arena, file_of(c, 1), &o, &head, e);
	ledger_progress_end(c);
	if (held >= 0)
		(void)close(held);
	if (rc != 0)
		return -1;
	if (!c->o.is_quiet)
		(void)fprintf(c->app->out, "%s: %" PRIu64 " records of %s, verified\n",
			      c->o.words[1], head.size,
			      head.origin != NULL ? head.origin : head.identity);
	return EXIT_PASS;
}

int ledger_do_import(struct ledger_command *c, struct err *e)
{
	struct copy_options o;
	struct imported x;
	int rc, held;

	if (shared_url_is(c->path)) {
		(void)err_set(e, ERR_USAGE, "cannot import into a record on a server");
		return err_help(e, "assize ledger merge takes over what another record has "
				   "measured; a server's tables are restored by its own means");
	}
	if (check_given(c, 1, e) != 0 || copy_options(c, &o, e) != 0)
		return -1;
	held = ledger_left_clear(c, c->path);
	rc = record_import(c->path, file_of(c, 1), c->app->arena, &o, &x, e);
	ledger_progress_end(c);
	if (held >= 0)
		(void)close(held);
	if (rc != 0)
		return -1;
	if (c->o.is_quiet)
		return EXIT_PASS;
	if (x.is_same)
		(void)fprintf(c->app->out, "%s: nothing new\n", c->o.words[1]);
	else
		(void)fprintf(c->app->out, "%s: %" PRIu64 " %srecords of %s, verified%s\n",
			      c->o.words[1], x.n_more, x.is_new ? "" : "more ",
			      x.head.origin != NULL ? x.head.origin : x.head.identity,
			      c->o.is_unsigned ? ", UNSIGNED" : "");
	return EXIT_PASS;
}
