/*
 * assize notify: does it arrive? One message to one of those who would be told.
 */
#include <stdio.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/model/definition.h"
#include "runner/model/notify.h"
#include "runner/notify.h"
#include "runner/options.h"

static int run_notify(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "var", "quiet", NULL};

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
	int best;

	if (o->n_words != 1)
		return err_set(e, ERR_USAGE, "assize notify takes the name of one of notify:");
	for (size_t i = 0; i < d->n_sinks; i++)
		names[i] = d->sinks[i]->name;
	*out = definition_sink(d, o->words[0]);
	if (*out != NULL)
		return 0;
	(void)err_set(e, ERR_USAGE, "notify: has no \"%s\"", str_escaped(app->arena, o->words[0]));
	best = str_closest(o->words[0], names, d->n_sinks);
	if (best >= 0)
		return err_help(e, "did you mean %s?", names[best]);
	return err_help(e, "the definition names %zu of them", d->n_sinks);
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
	if (app_load(app, &o, &d) != 0)
		return EXIT_USAGE;
	if (find(app, d, &o, &sink, &e) != 0 || notify_test(app, d, sink->name, &e) != 0)
		return app_fail(app, &e);
	if (!o.is_quiet)
		(void)fprintf(app->out, "delivered to %s (%s)\n", sink->name,
			      notify_type_name(sink->type));
	return EXIT_PASS;
}
