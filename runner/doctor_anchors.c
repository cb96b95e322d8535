/*
 * Those who keep checkpoints: do they answer, and can what they keep be taken back?
 *
 * A repository is believed when it refuses to go back, not because it is configured to: both ways
 * of taking something back are tried, on a branch of ours that holds nothing. Where deleting it is
 * refused it stays, and grows by one commit with every look. The branch with the checkpoints is
 * never touched.
 */
#include "runner/doctor.h"

#include <inttypes.h>
#include <string.h>

#include "runner/anchors.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/io/git_branch.h"
#include "runner/io/http_fetch.h"
#include "runner/io/note.h"
#include "runner/io/timestamp.h"
#include "runner/model/definition.h"

#define TRIAL_BRANCH "assize-doctor"
#define MAX_ANSWER   1048576
#define DAY_MS	     INT64_C(86400000)
#define SOON_MS	     (30 * DAY_MS)

static const struct ledger_settings *settings(const struct doctor *d)
{
	return d->definition != NULL ? d->definition->ledger : NULL;
}

static const char *about(struct doctor *d, const struct anchor *x)
{
	return arena_printf(d->arena, "%s %s", anchor_kind(x), anchor_place(d->app, x));
}

static const char *said(const struct doctor *d, const struct err *e)
{
	return arena_strdup(d->arena, e->message);
}

/* ---- how much they hold ---- */

static void look_at_newest(struct doctor *d, const struct anchor *x, size_t n_anchors)
{
	struct ledger_anchor *newest;
	struct err e = {0};
	uint64_t since;
	size_t n;

	if (ledger_anchors(d->record, d->arena, anchor_kind(x), anchor_place(d->app, x), 1, &newest,
			   &n, &e) != 0) {
		doctor_find(d, DOCTOR_BROKEN, about(d, x), NULL, "%s", said(d, &e));
		return;
	}
	if (n == 0) {
		doctor_find(d, DOCTOR_DOUBT, about(d, x), "assize ledger anchor",
			    "nothing was put there yet");
		return;
	}
	since = d->head.size > newest[0].size ? d->head.size - newest[0].size : 0;
	/* That a checkpoint was put somewhere is a record as well. */
	doctor_find(d, since <= n_anchors ? DOCTOR_OK : DOCTOR_NOTE, about(d, x),
		    since <= n_anchors ? NULL : "assize ledger anchor",
		    "%" PRIu64 " records were put there %s, %" PRIu64 " came since", newest[0].size,
		    doctor_age(d, newest[0].at_ms), since);
}

void doctor_look_anchors(struct doctor *d)
{
	const struct ledger_settings *s = settings(d);

	if (d->definition == NULL)
		return;
	if (s == NULL || s->n_anchors == 0) {
		doctor_find(d, DOCTOR_NOTE, NULL, "ledger: { anchors: [ ... ] }, assize-ledger(7)",
			    "there is none: everything in the record can be made up unnoticed");
		return;
	}
	for (size_t i = 0; d->record != NULL && i < s->n_anchors; i++)
		look_at_newest(d, &s->anchors[i], s->n_anchors);
}

/* ---- can it be taken back ---- */

/* A path, or file://. With host:path a colon comes before the first slash. */
static bool is_on_this_machine(const char *url)
{
	size_t n = strcspn(url, ":/");

	return str_starts(url, "file://") || url[n] != ':';
}

/* Two commits at least, so that there is one to go back to. */
static int extend(struct doctor *d, struct branch *b, struct err *e)
{
	const char *host, *user, *commit;
	struct branch_change change = {
		.file = TRIAL_BRANCH ".txt",
		.message = "assize doctor: to be taken back\n",
		.at_ms = d->now_ms,
	};
	int n = branch_tip(b) == NULL ? 2 : 1;

	identity_who(d->app, &host, &user);
	change.name = user[0] != '\0' ? user : "assize";
	change.mail =
		arena_printf(d->arena, "%s@%s", change.name, host[0] != '\0' ? host : "localhost");
	for (int i = 0; i < n; i++) {
		change.p = arena_printf(
			d->arena,
			"assize doctor tries whether this branch can be rewritten or deleted.\n"
			"Nothing is kept on it. %lld.%d\n",
			(long long)d->now_ms, i);
		change.n = strlen(change.p);
		if (branch_add(b, &change, &commit, e) != 0)
			return -1;
	}
	return 0;
}

static void tell_trial(struct doctor *d, const struct anchor *x, const char *force,
		       const char *deletion)
{
	static const char help[] =
		"there: git config receive.denyNonFastForwards true, and receive.denyDeletes true; "
		"a hosting service protects the branch";

	if (force == NULL)
		doctor_find(d, DOCTOR_BROKEN, about(d, x), help,
			    "it accepts a forced push: what is kept there can be rewritten");
	if (deletion == NULL)
		doctor_find(
			d, DOCTOR_BROKEN, about(d, x), help,
			"it accepts the deletion of a branch, and with it of what is kept there");
	if (force != NULL && deletion != NULL)
		doctor_find(d, DOCTOR_OK, about(d, x), NULL,
			    "refuses a forced push (%s) and deletion (%s), tried on branch "
			    "\"" TRIAL_BRANCH
			    "\"; rules for single branches may treat \"%s\" otherwise",
			    force, deletion, x->branch);
}

static void try_rewriting(struct doctor *d, const struct anchor *x)
{
	const char *force = NULL, *deletion = NULL;
	bool is_force_refused, is_deletion_refused;
	struct branch *b = NULL;
	struct err e = {0};

	if (branch_open(d->arena, app_temporary(d->app), x->url, TRIAL_BRANCH, x->timeout_ms, &b,
			&e) != 0) {
		doctor_find(d, DOCTOR_DOUBT, about(d, x), "what it keeps cannot be compared with",
			    "it cannot be reached: %s", said(d, &e));
		return;
	}
	if (extend(d, b, &e) != 0 ||
	    branch_try(b, BRANCH_FORCE, &is_force_refused, &force, &e) != 0 ||
	    branch_try(b, BRANCH_DELETE, &is_deletion_refused, &deletion, &e) != 0)
		doctor_find(d, DOCTOR_DOUBT, about(d, x),
			    "let branch \"" TRIAL_BRANCH "\" be pushed there, or look yourself",
			    "whether it can be rewritten could not be tried: %s", said(d, &e));
	else
		tell_trial(d, x, is_force_refused ? force : NULL,
			   is_deletion_refused ? deletion : NULL);
	branch_close(b);
}

void doctor_look_rewriting(struct doctor *d)
{
	const struct ledger_settings *s = settings(d);

	for (size_t i = 0; s != NULL && i < s->n_anchors; i++) {
		const struct anchor *x = &s->anchors[i];

		if (x->type != ANCHOR_GIT)
			continue;
		if (is_on_this_machine(x->url))
			doctor_find(
				d, DOCTOR_DOUBT, about(d, x),
				"keep it where others write: a repository of a reviewer",
				"it is on this machine: whoever can write there can rewrite it");
		else if (strcmp(x->branch, TRIAL_BRANCH) == 0)
			doctor_find(d, DOCTOR_DOUBT, about(d, x), "anchors: branch: another name",
				    "nothing is tried on the branch checkpoints are on");
		else
			try_rewriting(d, x);
	}
}

/* ---- do they answer ---- */

static void look_at_authorities(struct doctor *d, const struct anchor *x)
{
	struct err e = {0};
	int64_t end_ms;
	size_t n;

	if (timestamp_authorities(x->ca_file, &n, &end_ms, &e) != 0)
		doctor_find(d, DOCTOR_DOUBT, about(d, x), NULL, "%s", said(d, &e));
	else if (end_ms <= d->now_ms + SOON_MS)
		doctor_find(d, end_ms <= d->now_ms ? DOCTOR_DOUBT : DOCTOR_NOTE, about(d, x),
			    "add the authority's new certificate to ca_file, and keep the old one",
			    "a certificate of \"%s\" %s %s", x->ca_file,
			    end_ms <= d->now_ms ? "ended" : "ends", doctor_age(d, end_ms));
	else
		doctor_find(d, DOCTOR_OK, about(d, x), NULL,
			    "%zu certificate%s of \"%s\", the first ends %s", n, n == 1 ? "" : "s",
			    x->ca_file, doctor_age(d, end_ms));
}

static void look_at_witness_key(struct doctor *d, const struct anchor *x)
{
	struct note_key key;
	struct err e = {0};

	if (note_key_parse(d->arena, x->key, &key, &e) != 0)
		doctor_find(d, DOCTOR_BROKEN, about(d, x), NULL, "%s", said(d, &e));
	else
		doctor_find(d, DOCTOR_OK, about(d, x), NULL, "its key is that of %s", key.name);
}

/* Any answer is one: what is asked for is not known there. */
static int ask(struct doctor *d, const struct anchor *x, struct doctor_date *date, long *status,
	       struct err *e)
{
	const struct http_request req = {
		.url = branch_shown(d->arena, x->url),
		.deadline_ms = clock_monotonic_ms(&d->app->clock) + x->timeout_ms,
		.max_body_bytes = MAX_ANSWER,
	};
	struct http_session *session =
		http_session_new(&(struct http_session_options){.clock = &d->app->clock});
	struct http_response res;
	int rc = http_fetch(session, &req, NULL, &res, e);

	if (rc == 0) {
		*status = res.status;
		*date = (struct doctor_date){.who = about(d, x),
					     .said_ms = http_date_ms(&res),
					     .ours_ms = clock_wall_ms(&d->app->clock)};
	}
	http_session_free(session);
	return rc;
}

static void look_at_answer(struct doctor *d, const struct anchor *x)
{
	struct doctor_date date;
	struct err e = {0};
	long status;

	if (ask(d, x, &date, &status, &e) != 0) {
		doctor_find(d, DOCTOR_DOUBT, about(d, x), NULL, "it does not answer: %s",
			    said(d, &e));
		return;
	}
	doctor_find(d, DOCTOR_OK, about(d, x), NULL, "it answers, with status %ld", status);
	if (date.said_ms >= 0)
		d->dates[d->n_dates++] = date;
}

void doctor_look_answers(struct doctor *d)
{
	const struct ledger_settings *s = settings(d);

	if (s == NULL)
		return;
	d->dates = arena_array(d->arena, s->n_anchors + 1, sizeof(*d->dates));
	for (size_t i = 0; i < s->n_anchors; i++) {
		const struct anchor *x = &s->anchors[i];

		if (x->type == ANCHOR_TIMESTAMP)
			look_at_authorities(d, x);
		else if (x->type == ANCHOR_WITNESS)
			look_at_witness_key(d, x);
		if (str_starts(x->url, "http://") || str_starts(x->url, "https://"))
			look_at_answer(d, x);
	}
}
