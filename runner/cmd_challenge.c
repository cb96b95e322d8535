/*
 * assize challenge: damages the world that checks look at, and says which of them noticed.
 *
 * It exits with 0 when every attack that counts was noticed, with 1 when one survived or a harmless
 * change was not borne, and with 2 when a check could not be challenged.
 */
#include <stdio.h>

#include "reports/challenge.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/challenge.h"
#include "runner/challenge_keep.h"
#include "runner/challenge_self.h"
#include "runner/history/record.h"
#include "runner/io/proc.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/selection.h"
#include "runner/vouch.h"

static int run_challenge(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",  "policy-sha256", "record", "var",
				      "color", "self",		NULL};

const struct command command_challenge = {
	.name = "challenge",
	.group = "audit",
	.words = "[SELECT..]",
	.summary = "damage what checks look at, and say which of them notice",
	.accepts = accepts,
	.run = run_challenge,
};

static int status_of(const struct challenged *items, size_t n)
{
	int status = EXIT_PASS;

	for (size_t i = 0; i < n; i++) {
		if (items[i].n_survived > 0 || items[i].n_false_alarms > 0)
			return EXIT_DISPROVED;
		if (challenged_score(&items[i]) < 0)
			status = EXIT_UNDECIDED;
	}
	return status;
}

static int challenge_all(const struct challenger_request *req, const struct options *o,
			 const struct selection *s, struct challenger *c, struct err *e)
{
	struct app *app = req->app;
	struct challenged *items = arena_array(app->arena, s->n_checks, sizeof(*items));
	struct buf b;
	int rc = 0;

	buf_init(&b, BUF_UNBOUNDED); /* of one check */
	for (size_t i = 0; i < s->n_checks; i++) {
		rc = challenger_check(c, s->checks[i], &items[i], e);
		if (rc == 0)
			rc = challenge_keep(app, req->definition, req->record, c, &items[i], e);
		if (rc != 0)
			break;
		challenge_text(&b, &items[i], app_has_color(app, o));
		if (i + 1 == s->n_checks)
			challenge_summary(&b, items, s->n_checks);
		(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
		buf_reset(&b);
	}
	buf_release(&b);
	return rc != 0 ? -1 : status_of(items, s->n_checks);
}

static int run_self(struct app *app, const struct options *o)
{
	struct self_request req = {.app = app};
	struct challenged item;
	struct err e = {0};
	struct buf b;
	int rc;

	if (challenge_self_program(app, &req.program, &e) != 0 || proc_start_helper(&e) != 0)
		return app_fail(app, &e);
	rc = challenge_self(&req, &item, &e);
	proc_stop_helper();
	if (rc != 0)
		return app_fail(app, &e);
	buf_init(&b, BUF_UNBOUNDED); /* as many lines as there are sabotages */
	challenge_text(&b, &item, app_has_color(app, o));
	(void)fwrite(b.data, 1, b.len, app->out); /* main looks at the stream */
	buf_release(&b);
	return status_of(&item, 1);
}

static int run_challenge(struct app *app, const struct command *self, int argc, char **argv)
{
	struct challenger_request req = {.app = app};
	struct challenger *challenger;
	struct selection selection;
	struct definition *d;
	struct record *record = NULL;
	struct options o;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (o.is_self)
		return run_self(app, &o);
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (selection_make(app, d, &o, &selection, &e) != 0)
		return app_fail(app, &e);
	if (record_open(app_record_path(app, &o, d), RECORD_WRITE, &record, &e) != 0)
		return app_fail(app, &e);
	req.definition = d;
	req.record = record;
	req.checks = selection.checks;
	req.n_checks = selection.n_checks;
	if (challenger_new(&req, &challenger, &e) != 0)
		return app_fail(app, &e);
	status = challenge_all(&req, &o, &selection, challenger, &e);
	challenger_free(challenger);
	status = vouch_close(app, d, record, status, &e);
	return status < 0 ? app_fail(app, &e) : status;
}
