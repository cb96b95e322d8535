/*
 * assize notify: does it arrive? One message to one of those who would be told. Or, with --end: an
 * end to what was told of a check or gate that is in the definition no more.
 */
#include <inttypes.h>
#include <stdio.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"
#include "runner/notify.h"
#include "runner/names.h"
#include "runner/options.h"
#include "runner/vouch.h"

static int run_notify(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var", "end", "quiet", NULL};

const struct command command_notify = {
	.name = "notify",
	.group = "audit",
	.words = "NAME",
	.summary = "send a test message to one of those who are told, and say whether it arrived",
	.accepts = accepts,
	.run = run_notify,
};

static int find(struct app *app, const struct definition *d, const struct options *o,
		const struct notify_sink **out, struct err *e)
{
	const char **names = arena_array(app->arena, d->n_sinks, sizeof(*names));

	if (d->n_sinks == 0) {
		(void)err_set(e, ERR_USAGE, "there is nobody to be told");
		return err_help(e, "the definition has no notify:; man assize.yaml shows one");
	}
	for (size_t i = 0; i < d->n_sinks; i++)
		names[i] = d->sinks[i]->name;
	if (o->n_words != 1) {
		(void)err_set(e, ERR_USAGE, "assize notify takes the name of one of notify:");
		return names_help("names", names, d->n_sinks, NULL, e);
	}
	*out = definition_sink(d, o->words[0]);
	if (*out != NULL)
		return 0;
	(void)err_set(e, ERR_USAGE, "notify: has no \"%s\"", str_escaped(app->arena, o->words[0]));
	return names_help("names", names, d->n_sinks, o->words[0], e);
}

/* ---- an end ---- */

static int refuse_present(struct app *app, const struct definition *d, const struct options *o,
			  struct err *e)
{
	const char *name = o->n_words == 1 ? o->words[0] : NULL;

	if (name == NULL) {
		(void)err_set(e, ERR_USAGE,
			      "assize notify --end takes the name of a check or gate");
		return err_help(e, "assize status shows what stands of those that are gone");
	}
	if (definition_check(d, name) == NULL && definition_gate(d, name) == NULL)
		return 0;
	(void)err_set(e, ERR_USAGE, "cannot end what was told of \"%s\": the definition has it",
		      str_escaped(app->arena, name));
	return err_help(e, "it ends when it passes: assize %s %s",
			definition_check(d, name) != NULL ? "run" : "gate",
			str_as_word(app->arena, name));
}

static int end_told(struct app *app, const struct definition *d, const struct options *o,
		    struct record *record, struct err *e)
{
	const char *name = o->words[0], *host, *user;
	struct notifier *n;
	size_t count;

	if (notify_begin(app, o, d, record, false, &n, e) != 0)
		return -1;
	if (n == NULL)
		return err_set(e, ERR_USAGE, "the definition tells nobody: it has no notify:");
	identity_who(app, &host, &user);
	if (record_end_told(
		    record, name,
		    arena_printf(app->arena, "ended by %s: the definition has it no more", user),
		    clock_wall_ms(&app->clock), &count, e) != 0)
		return -1;
	if (count == 0) {
		(void)err_set(e, ERR_USAGE, "nothing that was told of \"%s\" stands",
			      str_escaped(app->arena, name));
		return err_help(e, "assize status shows what does");
	}
	if (!o->is_quiet)
		(void)fprintf(app->out, "%s: ended, %zu in all\n", str_escaped(app->arena, name),
			      count);
	notify_end(n, EXIT_PASS);
	return 0;
}

static int run_end(struct app *app, const struct options *o)
{
	struct record *record;
	struct definition *d;
	struct err e = {0};

	if (app_load(app, o, &d) != 0)
		return EXIT_USAGE;
	if (refuse_present(app, d, o, &e) != 0 ||
	    record_open(app_record_path(app, o, d), RECORD_WRITE, &record, &e) != 0)
		return app_fail(app, &e);
	if (vouch_close(app, d, record, end_told(app, d, o, record, &e), &e) != 0)
		return app_fail(app, &e);
	return EXIT_PASS;
}

static int run_notify(struct app *app, const struct command *self, int argc, char **argv)
{
	const struct notify_sink *sink;
	struct definition *d;
	struct options o;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (o.is_end)
		return run_end(app, &o);
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (find(app, d, &o, &sink, &e) != 0 || notify_test(app, d, sink->name, &e) != 0)
		return app_fail(app, &e);
	if (!o.is_quiet)
		(void)fprintf(app->out, "delivered to %s (%s)\n", sink->name,
			      notify_type_name(sink->type));
	return EXIT_PASS;
}
