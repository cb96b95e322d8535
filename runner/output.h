/*
 * output: the formats a run can be rendered in, by name, and where they go.
 *
 * Names: html, json, junit (Jenkins' schema), junit-gitlab, tap, ctrf, sarif, gitlab-codequality,
 * github, markdown, openmetrics. A file is written beside its place and renamed, so a reader never
 * sees half a report.
 */
#ifndef ASSIZE_RUNNER_OUTPUT_H
#define ASSIZE_RUNNER_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

struct app;
struct err;
struct options;
struct record;
struct texts;

/*
 * Usage errors of --report FORMAT=FILE, before anything runs. "github" without a file makes a step
 * of GitHub Actions of the command (github.h), which standard output belongs to.
 */
int output_check(const struct options *o, struct err *e);
/* Files that cannot be written, for who may not find that out when all else is done. */
int output_check_files(struct app *app, const struct texts *reports, struct err *e);

/* Writes every --report of a run. The first that fails is the error; the others are still written.
 */
int output_write(struct app *app, struct record *record, int64_t run_id,
		 const struct texts *reports, struct err *e);

/*
 * Does the format tell how all checks of a definition stand? It does where one is loaded; else it
 * is of the run alone.
 */
bool output_is_of_all(const char *format);
/* Renders one format to standard output, or to file when that is not NULL. */
int output_render(struct app *app, struct record *record, int64_t run_id, const char *format,
		  const char *file, struct err *e);

/*
 * At the end of a command: reports and statements it should have written, and did not, as one that
 * could not start does not. Those of an earlier run are removed, for nobody is to take them for
 * this one's; what no report begins with is left alone.
 */
void output_end(struct app *app, int status);

#endif
