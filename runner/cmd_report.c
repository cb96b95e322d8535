/*
 * assize report: render a recorded run; needs the record, nothing else. How all checks stand is
 * told of the newest run, when none is named, by the definition: which checks there are is not in a
 * record, which has those that are gone as well.
 */
#include <stdio.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/record.h"
#include "runner/io/file.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/output.h"
#include "runner/show.h"

static int run_report(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var", "format", "output", NULL};

const struct command command_report = {
	.name = "report",
	.group = "ask the record",
	.words = "[RUN]",
	.summary = "render a recorded run for reviewers or for a CI system",
	.accepts = accepts,
	.run = run_report,
};

static int run_report(struct app *app, const struct command *self, int argc, char **argv)
{
	const char *format;
	struct definition *d;
	struct record *record;
	struct options o;
	struct err e = {0};
	int64_t run_id;
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	app_guard_output(app, &o);
	if (o.n_words > 1) {
		(void)err_set(&e, ERR_USAGE, "assize report takes one run"); /* printed below */
		return app_fail(app, &e);
	}
	format = o.format != NULL ? o.format : "html";
	if (o.n_words == 0 && output_is_of_all(format) && app_load(app, &o, &d) != 0) {
		(void)fprintf(app->err,
			      "assize: format %s tells how all checks of the definition stand; a "
			      "run that is named, such as latest, is told alone\n",
			      format);
		return EXIT_USAGE;
	}
	if (app_open_record(app, &o, &record, &status) != 0)
		return status;
	status = EXIT_PASS;
	if (show_run_id(app, record, o.n_words > 0 ? o.words[0] : "latest", &run_id, &e) != 0 ||
	    output_render(app, record, run_id, format, o.output, &e) != 0)
		status = app_fail(app, &e);
	record_close(record);
	return status;
}
