/*
 * assize override: break-glass, for one gate and one subject, until a moment.
 *
 * It is written into the record and nowhere else: whoever reads the record sees who opened what,
 * why, and, in the decision that rests on it, what it let through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gates/gate.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/grant.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/io/digest.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/subject.h"
#include "runner/vouch.h"

static int run_override(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var",	 "subject", "reason",
				      "by",   "until",	"quiet", NULL};

const struct command command_override = {
	.name = "override",
	.group = "decide",
	.words = "GATE --subject ID --reason TEXT --by WHO [--until TIME]",
	.summary = "open a gate for one subject against what it says, for 24 hours at most",
	.accepts = accepts,
	.run = run_override,
};

#define DEFAULT_MS INT64_C(3600000)

static int read_until(const struct options *o, struct override *out, struct err *e)
{
	out->until_ms = out->at_ms + DEFAULT_MS;
	if (o->until != NULL && grant_until(o->until, out->at_ms, &out->until_ms, e) != 0)
		return -1;
	if (out->until_ms - out->at_ms <= GATE_MAX_OVERRIDE_MS)
		return 0;
	(void)err_set(e, ERR_USAGE, "cannot override until %s: that is more than 24 h", o->until);
	return err_help(e, "a failure that stays known for longer is waived: assize waive");
}

static int read_words(struct app *app, const struct options *o, struct override *out, struct err *e)
{
	const struct grant_text texts[] = {
		{"subject", o->subject}, {"reason", o->reason}, {"by", o->by}, {NULL, NULL}};

	if (o->n_words != 1) {
		(void)err_set(e, ERR_USAGE, "assize override takes the name of one gate");
		return err_help(e, "assize override release --subject v2.31.0 --by jane "
				   "--reason \"...\"");
	}
	*out = (struct override){
		.gate = o->words[0],
		.subject = o->subject,
		.actor = o->by,
		.reason = o->reason,
		.at_ms = clock_wall_ms(&app->clock),
	};
	if (grant_texts("override", texts,
			arena_printf(app->arena,
				     "assize override %s --subject v2.31.0 --by jane "
				     "--reason \"...\"",
				     str_as_word(app->arena, o->words[0])),
			e) != 0)
		return -1;
	if (strcmp(o->subject, "any") == 0) {
		(void)err_set(e, ERR_USAGE, "cannot override a gate for \"any\"");
		return err_help(e, "name what is to be released: an override is about one subject");
	}
	identity_who(app, &out->host, &out->user);
	return read_until(o, out, e);
}

static void tell(struct app *app, const struct override *o)
{
	char until[UTC_MAX];

	(void)utc_format(o->until_ms, 0, until); /* its length */
	(void)fprintf(app->out,
		      "override %" PRId64 ": gate %s opens for %s until %s, by %s: %s\n"
		      "what shuts it stays visible, and absolute checks still shut it\n"
		      "it counts at assize gate %s --subject %s with this record\n",
		      o->id, o->gate, str_escaped(app->arena, o->subject), until,
		      str_escaped(app->arena, o->actor), str_escaped(app->arena, o->reason),
		      o->gate, str_as_word(app->arena, o->subject));
}

static int run_override(struct app *app, const struct command *self, int argc, char **argv)
{
	char digest[SHA256_HEX];
	struct definition *d;
	struct record *record;
	struct override x;
	struct options o;
	struct err e = {0};
	int status, rc;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (read_words(app, &o, &x, &e) != 0)
		return app_fail(app, &e);
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (app_gate(app, d, x.gate, &e) == NULL ||
	    subject_check_branch(app->arena, d, x.subject, &e) != 0 ||
	    subject_commit(app->arena, d, x.subject, &x.subject_commit, &e) != 0 ||
	    record_open(app_record_path(app, &o, d), RECORD_WRITE, &record, &e) != 0)
		return app_fail(app, &e);
	sha256_hex(d->digest, digest);
	x.definition = digest;
	x.definition_file = identity_place(app->arena, d);
	rc = vouch_close(app, d, record, record_override(record, &x, &e), &e);
	if (rc != 0)
		return app_fail(app, &e);
	if (!o.is_quiet)
		tell(app, &x);
	return EXIT_PASS;
}
