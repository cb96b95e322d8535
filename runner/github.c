/*
 * What differs between a report and a step: the files a step is given, and that its log is read by
 * a machine that obeys it.
 */
#include "runner/github.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/report.h"
#include "reports/view.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/file.h"
#include "runner/io/random.h"
#include "runner/model/keys.h"

/* Buffers here are unbounded and never refuse, hence the (void) before every append. */

#define TOKEN_BYTES 16
/* GitHub drops the whole summary of a step that is larger. */
#define MAX_SUMMARY ((size_t)1024 * 1024)

bool github_is_wanted(const struct texts *reports)
{
	for (size_t i = 0; i < reports->n; i++)
		if (strcmp(reports->items[i], "github") == 0)
			return true;
	return false;
}

/* The stream is looked at when the program ends; both streams must keep their order. */
static void say(struct app *app, const char *before, const char *token, const char *after)
{
	(void)fprintf(app->out, "%s%s%s\n", before, token, after);
	(void)fflush(app->out);
}

int github_begin(struct app *app, struct err *e)
{
	const char *token;

	if (random_hex(app->arena, TOKEN_BYTES, &token, e) != 0)
		return -1;
	app->step_token = token;
	say(app, "::stop-commands::", token, "");
	return 0;
}

void github_end(struct app *app)
{
	if (app->step_token != NULL)
		say(app, "::", app->step_token, "::");
}

static int append(struct app *app, const char *variable, const struct buf *text, struct err *e)
{
	const char *path = app->env(app->env_ctx, variable);

	if (path == NULL || path[0] == '\0')
		return 0;
	if (file_append(path, text->data, text->len, e) == 0)
		return 0;
	return err_context(e, "$%s", variable);
}

/* name<<TOKEN, the value, TOKEN: a value may be several lines, and none of them can be the token.
 */
static void put_output(struct buf *out, const char *token, const char *name, const char *value)
{
	(void)buf_printf(out, "%s<<%s\n%s\n%s\n", name, token, value, token);
}

static int write_outputs(struct app *app, const struct report *r, const struct texts *reports,
			 struct err *e)
{
	const struct decision *d = report_decision(r);
	struct arena *a = app->arena;
	struct buf out, lines;
	const char *outcome, *token;
	int rc;

	if (random_hex(a, TOKEN_BYTES, &token, e) != 0)
		return -1;
	outcome = d != NULL			 ? decision_state(d)
		  : report_problem(a, r) != NULL ? outcome_name(OUTCOME_UNDECIDED)
						 : outcome_name(r->run.outcome);
	buf_init(&out, BUF_UNBOUNDED);
	buf_init(&lines, BUF_UNBOUNDED);
	for (size_t i = 0; i < reports->n; i++)
		if (strcmp(reports->items[i], "github") != 0)
			(void)buf_printf(&lines, "%s%s", lines.len > 0 ? "\n" : "",
					 reports->items[i]);
	put_output(&out, token, "outcome", outcome);
	put_output(&out, token, "decision", d == NULL ? "" : d->is_open ? "open" : "shut");
	put_output(&out, token, "run", arena_printf(a, "%" PRId64, r->run.id));
	put_output(&out, token, "exit", arena_printf(a, "%d", report_exit_status(r)));
	put_output(&out, token, "reports", lines.data);
	rc = append(app, "GITHUB_OUTPUT", &out, e);
	buf_release(&lines);
	buf_release(&out);
	return rc;
}

/*
 * The verdict alone where all of it, with what the step wrote before, would be too much; nothing
 * where that would be, for of a summary that is too long nothing is shown.
 */
static int write_summary(struct app *app, const struct report *r, struct err *e)
{
	const char *path = app->env(app->env_ctx, "GITHUB_STEP_SUMMARY");
	struct stat st;
	struct buf out;
	size_t size = 0;
	int rc;

	if (path == NULL || path[0] == '\0')
		return 0;
	if (stat(path, &st) == 0 && st.st_size > 0)
		size = (size_t)st.st_size;
	buf_init(&out, BUF_UNBOUNDED);
	(void)buf_puts(&out, size > 0 ? "\n" : "");
	report_markdown(&out, r);
	if (size + out.len > MAX_SUMMARY) {
		buf_reset(&out);
		(void)buf_putc(&out, '\n');
		report_markdown_verdict(&out, r);
	}
	if (size + out.len > MAX_SUMMARY) {
		(void)fprintf(app->err, "assize: $GITHUB_STEP_SUMMARY is full: the verdict is not "
					"in it\n");
		buf_reset(&out);
	}
	rc = append(app, "GITHUB_STEP_SUMMARY", &out, e);
	buf_release(&out);
	return rc;
}

int github_report(struct app *app, const struct report *r, const struct texts *reports,
		  struct err *e)
{
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED);
	report_github(&out, r);
	say(app, "::", app->step_token, "::");
	(void)fwrite(out.data, 1, out.len, app->out); /* main looks at the stream */
	say(app, "::stop-commands::", app->step_token, "");
	buf_release(&out);
	if (write_outputs(app, r, reports, e) != 0)
		return -1;
	return write_summary(app, r, e);
}
