/*
 * assize record NAME VALUE: a measurement that somebody else made, for checks of kind `recorded`.
 *
 * Durable when the command returns 0. Beside a definition the name must be one that a check reads,
 * so that a misspelt one is told at once instead of being missed a week later; --record names a
 * record without a definition and takes any.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/text.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/base/utf8.h"
#include "runner/history/record.h"
#include "runner/identity.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/past.h"
#include "runner/options.h"
#include "runner/vouch.h"

static int run_record(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var",	 "label", "unit",
				      "at",   "id",	"quiet", NULL};

const struct command command_record = {
	.name = "record",
	.group = "audit",
	.words = "NAME VALUE",
	.summary = "add a measurement made elsewhere, for checks of kind recorded",
	.accepts = accepts,
	.run = run_record,
};

#define MAX_TEXT_BYTES 256
/* Clocks of two machines differ by less. */
#define MAX_AHEAD_MS (5 * 60 * 1000)

static int read_value(const char *word, struct value *out, struct err *e)
{
	size_t n = strlen(word);

	if (num_parse_int(word, n, &out->integer) == 0) {
		out->type = VALUE_INT;
		return 0;
	}
	if (num_parse_real(word, n, &out->real) == 0 && isfinite(out->real)) {
		if (num_is_mistaken(word, n)) {
			(void)err_set(e, ERR_USAGE,
				      "cannot record %s: it has more digits than are kept, and "
				      "would be another number",
				      word);
			return err_help(e, "round it to 15 digits");
		}
		out->type = VALUE_REAL;
		return 0;
	}
	(void)err_set(e, ERR_USAGE, "cannot read the value \"%s\": it is no number", word);
	return err_help(e, "write 12, -0.5 or 1e3; its unit goes into --unit");
}

static int read_time(const char *text, int64_t now_ms, int64_t *out, struct err *e)
{
	int has_zone = 1;

	*out = now_ms;
	if (text == NULL)
		return 0;
	if (utc_parse(text, strlen(text), out, &has_zone) != 0 || !has_zone) {
		(void)err_set(e, ERR_USAGE, "cannot read --at %s: it is no time with a zone", text);
		return err_help(e, "write 2026-11-25T06:00:00Z or 2026-11-25T07:00:00+01:00");
	}
	if (*out < 0)
		return err_set(e, ERR_USAGE, "cannot record --at %s: that is before 1970", text);
	if (*out > now_ms + MAX_AHEAD_MS)
		return err_set(e, ERR_USAGE, "cannot record --at %s: that is in the future", text);
	return 0;
}

static int check_text(const char *what, const char *text, struct err *e)
{
	if (strlen(text) > MAX_TEXT_BYTES)
		return err_set(e, ERR_USAGE, "%s is longer than %d bytes", what, MAX_TEXT_BYTES);
	return 0;
}

/*
 * An empty one is a variable that was not set: whatever is measured would be the same measurement,
 * and is recorded no more.
 */
static int check_id(const char *id, struct err *e)
{
	if (id == NULL)
		return 0;
	if (utf8_is_blank(id)) {
		(void)err_set(e, ERR_USAGE, "--id is empty");
		return err_help(e, "an id stands for one measurement: say which, or leave it out");
	}
	return check_text("--id", id, e);
}

static int by_name(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_labels(struct arena *a, const struct pairs *pairs, struct external *x,
		       struct err *e)
{
	struct label *labels = arena_array(a, pairs->n + 1, sizeof(*labels));
	struct measurement m = measurement_none("", "");

	for (size_t i = 0; i < pairs->n; i++) {
		labels[i] = (struct label){pairs->items[i].name, pairs->items[i].value};
		if (!str_is_name(labels[i].name))
			return err_set(e, ERR_USAGE, "\"%s\" is no name of a label",
				       str_escaped(a, labels[i].name));
		if (check_text("a label", labels[i].value, e) != 0)
			return -1;
	}
	if (pairs->n > 1)
		qsort(labels, pairs->n, sizeof(*labels), by_name);
	m.labels = x->labels = labels;
	m.n_labels = x->n_labels = pairs->n;
	x->series = measurement_series(a, &m);
	return 0;
}

static int read_words(struct app *app, const struct options *o, struct external *x, struct err *e)
{
	int64_t now_ms = clock_wall_ms(&app->clock);

	if (o->n_words != 2) {
		(void)err_set(e, ERR_USAGE, "assize record takes a name and a value");
		return err_help(e, "assize record satisfaction 4.2 --label shop=paris");
	}
	*x = (struct external){
		.name = o->words[0],
		.unit = o->unit != NULL ? o->unit : "",
		.id = o->id,
		.is_now = o->at == NULL,
		.recorded_ms = now_ms,
	};
	if (!str_is_name(x->name))
		return err_set(e, ERR_USAGE, "\"%s\" is no name", str_escaped(app->arena, x->name));
	if (read_value(o->words[1], &x->value, e) != 0 ||
	    read_time(o->at, now_ms, &x->at_ms, e) != 0 || check_text("--unit", x->unit, e) != 0 ||
	    check_id(x->id, e) != 0)
		return -1;
	identity_who(app, &x->host, &x->user);
	return read_labels(app->arena, &o->labels, x, e);
}

/* Does a check read what is recorded under this name? */
static int check_name(struct app *app, const struct definition *d, const char *name, struct err *e)
{
	const char **names = arena_array(app->arena, d->n_checks + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < d->n_checks; i++) {
		struct wish w = {.external = NULL};

		if (d->checks[i]->kind->wish != NULL)
			d->checks[i]->kind->wish(app->arena, d->checks[i], &w);
		if (w.external != NULL && strcmp(w.external, name) == 0)
			return 0;
		if (w.external != NULL)
			names[n++] = w.external;
	}
	int best = str_closest(name, names, n);

	(void)err_set(e, ERR_USAGE, "no check of %s reads what is recorded as \"%s\"", d->root_file,
		      name);
	if (best >= 0)
		return err_help(e,
				"did you mean \"%s\"? Else add a check: recorded: { name: %s, "
				"max_age: 7d }",
				names[best], name);
	return err_help(e, "add a check: recorded: { name: %s, max_age: 7d }", name);
}

static int find_record(struct app *app, const struct options *o, const struct external *x,
		       struct definition **definition, const char **path, int *status)
{
	struct definition *d = NULL;
	struct err e = {0};

	if (o->record == NULL && app_load(app, o, &d) != 0) {
		*status = EXIT_USAGE;
		return -1;
	}
	if (d != NULL && check_name(app, d, x->name, &e) != 0) {
		*status = app_fail(app, &e);
		return -1;
	}
	*path = app_record_path(app, o, d);
	*definition = d;
	return 0;
}

static void tell(struct app *app, const struct external *x, const char *word, bool was_there)
{
	char at[UTC_MAX];
	struct buf b;

	(void)utc_format(x->at_ms, 0, at); /* its length */
	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, was_there ? "was recorded before: " : "recorded "); /* unbounded */
	text_put(&b, x->name);
	text_put(&b, x->series);
	(void)buf_printf(&b, " = %s%s", word, x->unit[0] != '\0' ? " " : "");
	text_put(&b, x->unit);
	(void)fputs(b.data, app->out); /* main looks at the stream */
	if (!was_there || !x->is_now)
		(void)fprintf(app->out, " at %s", at);
	(void)fputc('\n', app->out);
	buf_release(&b);
}

static int run_record(struct app *app, const struct command *self, int argc, char **argv)
{
	struct definition *d = NULL;
	struct record *record;
	struct options o;
	struct external x;
	const char *path;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (read_words(app, &o, &x, &e) != 0)
		return app_fail(app, &e);
	if (find_record(app, &o, &x, &d, &path, &status) != 0)
		return status;
	if (record_open(path, RECORD_WRITE, &record, &e) != 0)
		return app_fail(app, &e);
	int rc = record_external(record, &x, &e);

	status = vouch_close(app, d, record, rc, &e);
	if (status < 0)
		return app_fail(app, &e);
	if (!o.is_quiet)
		tell(app, &x, o.words[1], rc == 1);
	return EXIT_PASS;
}
