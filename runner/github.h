/*
 * github: a step of GitHub Actions, switched on by --report github (without a file).
 *
 * The step's log gets annotations (report_github()), the file $GITHUB_STEP_SUMMARY the summary
 * (report_markdown()), and $GITHUB_OUTPUT the outputs of the step; a variable that is not set is
 * passed over. Outputs: outcome (pass, warn, fail, undecided, skip, waived), decision (open, shut,
 * or empty where no gate was asked), run (its number), exit (the status), reports (FORMAT=FILE, one
 * a line).
 *
 * The runner reads commands out of whatever a step prints, the older ones ("##[...]") anywhere in a
 * line. From the first line on commands are therefore stopped, by a token that nobody can guess,
 * and on only around the annotations and after the last line.
 */
#ifndef ASSIZE_RUNNER_GITHUB_H
#define ASSIZE_RUNNER_GITHUB_H

#include <stdbool.h>

struct app;
struct err;
struct report;
struct texts;

bool github_is_wanted(const struct texts *reports);

/* Stops commands. Before anything else is printed, on either stream. */
int github_begin(struct app *app, struct err *e);
int github_report(struct app *app, const struct report *r, const struct texts *reports,
		  struct err *e);
/* Commands work again, for what the step prints next. Nothing where github_begin() was not called.
 */
void github_end(struct app *app);

#endif
