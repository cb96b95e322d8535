/*
 * One table of formats serves `run --report`, `gate --report` and `report --format`.
 */
#include "runner/output.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "reports/report.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/io/file.h"
#include "runner/model/keys.h"

/* Points of history a chart shows; formats without charts read none. */
#define TRAIL_POINTS 1000

static void junit_jenkins(struct buf *out, const struct report *r)
{
	report_junit(out, r, JUNIT_JENKINS);
}

static void junit_gitlab(struct buf *out, const struct report *r)
{
	report_junit(out, r, JUNIT_GITLAB);
}

static const struct format {
	const char *name;
	size_t trail_points;
	void (*render)(struct buf *out, const struct report *r);
} formats[] = {
	{"html", TRAIL_POINTS, report_html},
	{"json", 0, report_json},
	{"junit", 0, junit_jenkins},
	{"junit-gitlab", 0, junit_gitlab},
	{"tap", 0, report_tap},
	{"ctrf", 0, report_ctrf},
	{"sarif", 0, report_sarif},
	{"gitlab-codequality", 0, report_codequality},
	{"github", 0, report_github},
	{"markdown", 0, report_markdown},
	{"openmetrics", 0, report_openmetrics},
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

/* "html, json, ...", in out. */
static const char *format_names(char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < N_FORMATS; i++) {
		int n = snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", formats[i].name);

		assert(n > 0 && (size_t)n < size - len);
		len += (size_t)n;
	}
	return out;
}

static const struct format *find(const char *name, size_t n, struct err *e)
{
	const char *names[N_FORMATS];
	char word[32], list[200];
	int best;

	for (size_t i = 0; i < N_FORMATS; i++) {
		if (strlen(formats[i].name) == n && memcmp(formats[i].name, name, n) == 0)
			return &formats[i];
		names[i] = formats[i].name;
	}
	(void)err_set(e, ERR_USAGE, "no such report format: %.*s", (int)(n < 200 ? n : 200), name);
	n = n < sizeof(word) - 1 ? n : sizeof(word) - 1;
	memcpy(word, name, n);
	word[n] = '\0';
	best = str_closest(word, names, N_FORMATS);
	if (best >= 0)
		(void)err_help(e, "did you mean %s?", names[best]);
	(void)err_help(e, "formats are %s", format_names(list, sizeof(list)));
	return NULL;
}

int output_check(const struct texts *reports, struct err *e)
{
	for (size_t i = 0; i < reports->n; i++) {
		const char *eq = strchr(reports->items[i], '=');

		if (eq == NULL || eq[1] == '\0')
			return err_set(e, ERR_USAGE, "cannot read --report %s: it is FORMAT=FILE",
				       reports->items[i]);
		if (find(reports->items[i], (size_t)(eq - reports->items[i]), e) == NULL)
			return -1;
	}
	return 0;
}

static int render(struct app *app, struct record *record, int64_t run_id, const struct format *f,
		  const char *file, struct err *e)
{
	struct arena *a = arena_new();
	struct report report;
	struct buf out;
	int rc = -1;

	buf_init(&out, BUF_UNBOUNDED);
	if (report_load(record, a, run_id, f->trail_points, &report, e) != 0)
		goto done;
	report.record_path = file_shown(a, app->cwd, record_path(record));
	f->render(&out, &report);
	if (file != NULL)
		rc = file_write_atomic(file_absolute(a, app->cwd, file), out.data, out.len, e);
	else
		rc = fwrite(out.data, 1, out.len, app->out) == out.len
			     ? 0
			     : err_set(e, ERR_INTERNAL, "could not write the report");
done:
	buf_release(&out);
	arena_free(a);
	return rc;
}

int output_write(struct app *app, struct record *record, int64_t run_id,
		 const struct texts *reports, struct err *e)
{
	struct err first = {0};

	for (size_t i = 0; i < reports->n; i++) {
		const char *eq = strchr(reports->items[i], '=');
		struct err one = {0};
		const struct format *f =
			find(reports->items[i], (size_t)(eq - reports->items[i]), &one);

		if (f != NULL && render(app, record, run_id, f, eq + 1, &one) == 0)
			continue;
		(void)err_context(&one, "report \"%s\"", reports->items[i]);
		if (first.class == ERR_NONE)
			first = one;
	}
	if (first.class == ERR_NONE)
		return 0;
	*e = first;
	return -1;
}

int output_render(struct app *app, struct record *record, int64_t run_id, const char *format,
		  const char *file, struct err *e)
{
	const struct format *f = find(format, strlen(format), e);

	return f != NULL ? render(app, record, run_id, f, file, e) : -1;
}
