/*
 * One table of formats serves `run --report`, `gate --report` and `report --format`.
 */
#include "runner/output.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gates/refuse.h"
#include "reports/report.h"
#include "runner/app.h"
#include "runner/attest.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/str.h"
#include "runner/github.h"
#include "runner/history/newest.h"
#include "runner/history/record.h"
#include "runner/io/file.h"
#include "runner/judge.h"
#include "runner/model/definition.h"
#include "runner/model/keys.h"
#include "runner/options.h"

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

#define JUNIT_BEGINS "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assize\" "
#define MAX_BEGINS   100

static const struct format {
	const char *name;
	size_t trail_points;
	bool has_others; /* it tells how all checks stand, and not those of the run alone */
	void (*render)(struct buf *out, const struct report *r);
	const char
		*begins; /* so does every one; NULL = it stays, whoever reads it looks at its age */
} formats[] = {
	{"html", TRAIL_POINTS, false, report_html, "<!doctype html>\n"},
	{"json", 0, false, report_json, "{\n  \"assize\": \"run/1\","},
	{"junit", 0, false, junit_jenkins, JUNIT_BEGINS},
	{"junit-gitlab", 0, false, junit_gitlab, JUNIT_BEGINS},
	{"tap", 0, false, report_tap, "TAP version 1"},
	{"ctrf", 0, false, report_ctrf, "{\n  \"reportFormat\": \"CTRF\","},
	{"sarif", 0, false, report_sarif, "{\n  \"$schema\": \"https://docs.oasis-open.org/sarif/"},
	{"gitlab-codequality", 0, false, report_codequality, "["},
	{"github", 0, false, report_github, NULL},
	{"markdown", 0, false, report_markdown, "## assize: "},
	{"openmetrics", 0, true, report_openmetrics, NULL},
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

int output_check(const struct options *o, struct err *e)
{
	const struct texts *reports = &o->reports;

	if (o->is_json && github_is_wanted(reports)) {
		(void)err_set(
			e, ERR_USAGE,
			"--json and --report github both need standard output"); /* -1 below */
		return err_help(e, "write the document to a file: --report json=FILE");
	}
	for (size_t i = 0; i < reports->n; i++) {
		const char *eq = strchr(reports->items[i], '=');

		if (strcmp(reports->items[i], "github") == 0)
			continue;
		if (eq == NULL || eq[1] == '\0')
			return err_set(e, ERR_USAGE,
				       "cannot read --report %s: it is FORMAT=FILE, or github",
				       reports->items[i]);
		if (strcmp(eq, "=-") == 0) {
			(void)err_set(e, ERR_USAGE,
				      "cannot write --report %s: what the command says goes to "
				      "standard output",
				      reports->items[i]);
			return err_help(e,
					"write it to a file, or ask for it afterwards: assize "
					"report --format %.*s",
					(int)(eq - reports->items[i]), reports->items[i]);
		}
		if (find(reports->items[i], (size_t)(eq - reports->items[i]), e) == NULL)
			return -1;
	}
	return 0;
}

int output_check_files(struct app *app, const struct texts *reports, struct err *e)
{
	for (size_t i = 0; i < reports->n; i++) {
		const char *eq = strchr(reports->items[i], '=');

		if (eq != NULL &&
		    file_check_writable(file_absolute(app->arena, app->cwd, eq + 1), e) != 0)
			return err_context(e, "report \"%s\"", reports->items[i]);
	}
	return 0;
}

/* Where the working directory is in the repository a CI system checked out: "sub/dir/", "" = top.
 */
static const char *place_in_checkout(struct app *app, struct arena *a)
{
	static const char *const variables[] = {"GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *top = app->env(app->env_ctx, variables[i]);
		size_t n;

		if (top == NULL || top[0] != '/')
			continue;
		top = file_absolute(a, "/", top);
		n = strlen(top);
		if (strncmp(app->cwd, top, n) == 0 && app->cwd[n] == '/')
			return arena_printf(a, "%s/", app->cwd + n + 1);
	}
	return "";
}

/* One that has no result yet is undecided: a reader must not take what is missing for good. */
static struct result never_measured(struct arena *a, const struct definition *d,
				    const struct check *c)
{
	return (struct result){
		.check = judge_check_info(a, c, d->redactor),
		.series = "",
		.outcome = OUTCOME_UNDECIDED,
		.unit = "",
		.bound = "",
		.room = NAN,
		.share = NAN,
		.reason = "it was never measured",
		.n = -1,
		.n_total = -1,
		.measured_ms = -1,
	};
}

static struct result *add_other(struct arena *a, struct report *r, size_t *cap)
{
	if (r->n_others == *cap) {
		size_t n = *cap > 0 ? 2 * *cap : 64;
		struct result *grown = arena_array(a, n, sizeof(*grown));

		if (r->n_others > 0)
			memcpy(grown, r->others, r->n_others * sizeof(*grown));
		r->others = grown;
		*cap = n;
	}
	return &r->others[r->n_others++];
}

static bool is_passing(const struct result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!outcome_is_passing(results[i].outcome))
			return false;
	return true;
}

/* What passed then, and no gate would take for a pass now, is undecided. */
static struct result known_now(struct arena *a, const struct check *c, const struct evidence *x,
			       int64_t now_ms)
{
	struct result r = x->result;
	const char *why = refuse_known(a, c, x, now_ms);

	if (why != NULL && outcome_is_passing(r.outcome)) {
		r.outcome = OUTCOME_UNDECIDED;
		r.reason = why;
	}
	return r;
}

static bool is_known(struct arena *a, const struct check *c, const struct evidence *x, size_t n,
		     int64_t now_ms)
{
	for (size_t i = 0; i < n; i++)
		if (refuse_known(a, c, &x[i], now_ms) != NULL)
			return false;
	return true;
}

/*
 * Of the checks the run did not measure, the newest results, whatever run they are of. They are
 * there of others as well which do not pass any more: a run that began before another one and ends
 * after it tells how things were, and so does one under another definition.
 */
static int load_others(struct app *app, struct arena *a, struct record *record, struct report *r,
		       struct err *e)
{
	const struct definition *d = app->definition;
	int64_t now_ms = clock_wall_ms(&app->clock);
	struct newest newest;
	struct map measured;
	size_t cap = 0;

	r->has_others = true;
	newest_init(&newest, a, record);
	map_init(&measured, a);
	for (size_t i = 0; i < r->n_results; i++)
		(void)map_put(&measured, r->results[i].check->name,
			      &r->results[i]); /* once a check */
	for (size_t i = 0; i < d->n_checks; i++) {
		const struct check *c = d->checks[i];
		bool is_measured = map_get(&measured, c->name) != NULL;
		size_t first = r->n_others, n;
		struct evidence *evidence;

		if (newest_evidence(&newest, c, NULL, &evidence, &n, e) != 0)
			return -1;
		if (is_measured && (n == 0 || (evidence[0].run_id == r->run.id &&
					       is_known(a, c, evidence, n, now_ms))))
			continue;
		for (size_t k = 0; k < n; k++)
			*add_other(a, r, &cap) = known_now(a, c, &evidence[k], now_ms);
		if (n == 0)
			*add_other(a, r, &cap) = never_measured(a, d, c);
		if (is_measured && is_passing(r->others + first, n))
			r->n_others = first;
	}
	return 0;
}

static int load(struct app *app, struct arena *a, struct record *record, int64_t run_id,
		size_t trail_points, struct report *report, struct err *e)
{
	if (report_load(record, a, run_id, trail_points, report, e) != 0)
		return -1;
	report->record_path = file_shown(a, app->cwd, record_path(record));
	report->file_prefix = place_in_checkout(app, a);
	report->repeated = app->repeated;
	return 0;
}

/* The run, and how all stands: of one moment, which takes no longer than to read the newest. */
static int load_all(struct app *app, struct arena *a, struct record *record, int64_t run_id,
		    const struct format *f, struct report *report, struct err *e)
{
	int rc;

	if (!f->has_others || app->definition == NULL)
		return load(app, a, record, run_id, f->trail_points, report, e);
	if (record_hold(record, e) != 0)
		return -1;
	rc = load(app, a, record, run_id, f->trail_points, report, e);
	if (rc == 0)
		rc = load_others(app, a, record, report, e);
	return record_let_go(record, rc, e);
}

static int render(struct app *app, struct record *record, int64_t run_id, const struct format *f,
		  const char *file, struct err *e)
{
	struct arena *a = arena_new();
	struct report report;
	struct buf out;
	int rc = -1;

	buf_init(&out, BUF_UNBOUNDED);
	if (load_all(app, a, record, run_id, f, &report, e) != 0)
		goto done;
	f->render(&out, &report);
	rc = 0;
	if (file != NULL)
		rc = file_write_atomic(file_absolute(a, app->cwd, file), out.data, out.len, e);
	else
		(void)fwrite(out.data, 1, out.len, app->out); /* main looks at the stream */
done:
	buf_release(&out);
	arena_free(a);
	return rc;
}

/* One entry of --report. */
static int write_one(struct app *app, struct record *record, int64_t run_id, size_t i,
		     const struct texts *reports, struct err *e)
{
	const char *entry = reports->items[i], *eq = strchr(entry, '=');
	const struct format *f;
	struct report report;
	struct arena *a;
	int rc = -1;

	if (eq != NULL) {
		f = find(entry, (size_t)(eq - entry), e);
		return f != NULL ? render(app, record, run_id, f, eq + 1, e) : -1;
	}
	a = arena_new();
	if (load(app, a, record, run_id, 0, &report, e) == 0)
		rc = github_report(app, &report, reports, e);
	arena_free(a);
	return rc;
}

int output_write(struct app *app, struct record *record, int64_t run_id,
		 const struct texts *reports, struct err *e)
{
	struct err first = {0};

	for (size_t i = 0; i < reports->n; i++) {
		struct err one = {0};

		if (write_one(app, record, run_id, i, reports, &one) == 0)
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

bool output_is_of_all(const char *format)
{
	struct err ignored = {0};
	const struct format *f = find(format, strlen(format), &ignored);

	return f != NULL && f->has_others;
}

int output_render(struct app *app, struct record *record, int64_t run_id, const char *format,
		  const char *file, struct err *e)
{
	const struct format *f = find(format, strlen(format), e);

	return f != NULL ? render(app, record, run_id, f, file, e) : -1;
}

static bool begins_so(const char *path, const char *begins)
{
	char head[MAX_BEGINS];
	struct err ignored = {0};
	struct stat st;
	int fd = file_open(path, &st, &ignored);
	ssize_t n = fd < 0 ? -1 : read(fd, head, strlen(begins));

	if (fd >= 0)
		(void)close(fd); /* only read from */
	return n == (ssize_t)strlen(begins) && memcmp(head, begins, strlen(begins)) == 0;
}

static void remove_left(struct app *app, const char *what, const char *entry, const char *file,
			const char *begins)
{
	const char *path = file_absolute(app->arena, app->cwd, file);

	if (!file_is_left(path) || !begins_so(path, begins))
		return;
	if (unlink(path) == 0)
		(void)fprintf(app->err, "assize: removed %s \"%s\": it was of an earlier run\n",
			      what, entry);
	else
		(void)fprintf(
			app->err,
			"assize: %s \"%s\" is of an earlier run, and could not be removed: %s\n",
			what, entry, strerror(errno));
}

void output_end(struct app *app, int status)
{
	if (status == EXIT_PASS)
		return;
	for (size_t i = 0; i < app->reports.n; i++) {
		const char *entry = app->reports.items[i], *eq = strchr(entry, '=');
		struct err ignored = {0};
		const struct format *f =
			eq != NULL ? find(entry, (size_t)(eq - entry), &ignored) : NULL;

		if (f != NULL && f->begins != NULL)
			remove_left(app, "report", entry, eq + 1, f->begins);
	}
	for (size_t i = 0; i < app->attests.n; i++) {
		const char *file, *begins = attest_begins(app->attests.items[i], &file);

		if (begins != NULL)
			remove_left(app, "statement", app->attests.items[i], file, begins);
	}
}
