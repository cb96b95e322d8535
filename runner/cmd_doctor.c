/*
 * assize doctor: a table of questions, asked one after the other, and what they found.
 *
 * The order matters: the definition says where the record is, the record says what its key and its
 * anchors are, the anchors say what time it is elsewhere.
 */
#include "runner/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/options.h"

static int run_doctor(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var", "json", "quiet", "color", NULL};

const struct command command_doctor = {
	.name = "doctor",
	.group = "ask the record",
	.words = "",
	.summary = "is this machine, and the record on it, as it must be to be believed?",
	.accepts = accepts,
	.run = run_doctor,
};

static const struct row {
	const char *name;
	void (*look)(struct doctor *d);
} rows[] = {
	{"definition", doctor_look_definition},
	{"commit", doctor_look_commit},
	{"policy", doctor_look_policy},
	{"record", doctor_look_record},
	{"file system", doctor_look_file_system},
	{"permissions", doctor_look_permissions},
	{"journal", doctor_look_journal},
	{"free space", doctor_look_space},
	{"pages", doctor_look_pages},
	{"runs", doctor_look_runs},
	{"ledger", doctor_look_ledger},
	{"key", doctor_look_key},
	{"checkpoint", doctor_look_checkpoint},
	{"anchor", doctor_look_anchors},
	{"rewriting", doctor_look_rewriting},
	{"answers", doctor_look_answers},
	{"clock", doctor_look_clock},
	{"clock, record", doctor_look_past},
	{"clock, boot", doctor_look_boot},
	{"clock, others", doctor_look_dates},
	{"library", doctor_look_libraries},
	{"sandbox", doctor_look_sandbox},
	{"limits", doctor_look_limits},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *const grades[DOCTOR_GRADES] = {"ok", "note", "doubt", "broken"};

void doctor_find(struct doctor *d, enum doctor_grade grade, const char *about, const char *help,
		 const char *fmt, ...)
{
	va_list ap;

	if (d->n == d->cap) {
		size_t cap = d->cap == 0 ? 32 : d->cap * 2;
		struct doctor_finding *more = arena_array(d->arena, cap, sizeof(*more));

		if (d->n > 0)
			memcpy(more, d->findings, d->n * sizeof(*more));
		d->findings = more;
		d->cap = cap;
	}
	va_start(ap, fmt);
	d->findings[d->n++] = (struct doctor_finding){
		.grade = grade,
		.row = d->row,
		.about = about,
		.found = arena_vprintf(d->arena, fmt, ap),
		.help = help,
	};
	va_end(ap);
	d->n_of[grade]++;
}

const char *doctor_age(const struct doctor *d, int64_t at_ms)
{
	char text[NUM_REAL_MAX];
	int64_t ago = d->now_ms - at_ms;

	(void)num_format_duration(ago < 0 ? -ago : ago, text); /* its length */
	return ago < 0 ? arena_printf(d->arena, "in %s", text)
		       : arena_printf(d->arena, "%s ago", text);
}

/* ---- telling ---- */

static const char *outcome(const struct doctor *d)
{
	return d->n_of[DOCTOR_BROKEN] > 0  ? "broken"
	       : d->n_of[DOCTOR_DOUBT] > 0 ? "doubtful"
					   : "sound";
}

static const char *color_of(enum doctor_grade grade)
{
	switch (grade) {
	case DOCTOR_BROKEN:
		return "\033[1;31m";
	case DOCTOR_DOUBT:
		return "\033[33m";
	case DOCTOR_OK:
	case DOCTOR_NOTE:
		return "";
	}
	return "";
}

static void show(const struct doctor *d)
{
	bool has_color = app_has_color(d->app, d->o);
	FILE *out = d->app->out;

	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->findings[i];
		const char *color = has_color ? color_of(f->grade) : "";

		if (d->o->is_quiet && f->grade < DOCTOR_DOUBT)
			continue;
		(void)fprintf(out, "%s%-6s%s  %-13s  %s%s%s\n", color, grades[f->grade],
			      color[0] != '\0' ? "\033[0m" : "", f->row,
			      f->about != NULL ? str_escaped(d->arena, f->about) : "",
			      f->about != NULL ? ": " : "", str_escaped(d->arena, f->found));
		if (f->help != NULL)
			(void)fprintf(out, "%23shelp: %s\n", "", str_escaped(d->arena, f->help));
	}
	if (!d->o->is_quiet || d->n_of[DOCTOR_DOUBT] + d->n_of[DOCTOR_BROKEN] > 0)
		(void)fprintf(out, "%s: %zu ok, %zu to be known, %zu doubtful, %zu broken\n",
			      outcome(d), d->n_of[DOCTOR_OK], d->n_of[DOCTOR_NOTE],
			      d->n_of[DOCTOR_DOUBT], d->n_of[DOCTOR_BROKEN]);
}

/* doctor/1, which assize(1) describes. */
static void show_json(const struct doctor *d)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, BUF_UNBOUNDED);
	json_writer_init(&w, &out, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "doctor/1");
	json_put_text(&w, "outcome", outcome(d));
	json_put_text(&w, "record", d->path);
	json_put_int(&w, "at_ms", d->now_ms);
	for (size_t i = 0; i < DOCTOR_GRADES; i++)
		json_put_int(&w, grades[i], (int64_t)d->n_of[i]);
	json_open(&w, "findings", '[');
	for (size_t i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->findings[i];

		json_open(&w, NULL, '{');
		json_put_text(&w, "grade", grades[f->grade]);
		json_put_text(&w, "row", f->row);
		json_put_text(&w, "about", f->about);
		json_put_text(&w, "found", f->found);
		json_put_text(&w, "help", f->help);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	(void)fwrite(out.data, 1, out.len, d->app->out); /* main looks at the stream */
	buf_release(&out);
}

static int run_doctor(struct app *app, const struct command *self, int argc, char **argv)
{
	struct options o;
	struct doctor d = {.app = app, .arena = app->arena, .o = &o};
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &o, &status))
		return status;
	if (app_no_words(self, &o, &e) != 0)
		return app_fail(app, &e);
	for (size_t i = 0; i < N_ROWS; i++) {
		d.now_ms =
			clock_wall_ms(&app->clock); /* rows before it may have waited for others */
		d.row = rows[i].name;
		rows[i].look(&d);
	}
	record_close(d.record);
	if (o.is_json)
		show_json(&d);
	else
		show(&d);
	return d.n_of[DOCTOR_BROKEN] > 0  ? EXIT_RECORD
	       : d.n_of[DOCTOR_DOUBT] > 0 ? EXIT_UNDECIDED
					  : EXIT_PASS;
}
