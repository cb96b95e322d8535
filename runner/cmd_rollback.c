/*
 * assize rollback: the releases one would go back to.
 *
 * `list` compares the tags as they stand now with what the record knows about them and verifies
 * nothing. `verify` proves them, as a run like any other: recorded, printed and judged by the same
 * code.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "audits/rollback.h"
#include "reports/terminal.h"
#include "rollback/rollback.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"
#include "runner/options.h"
#include "runner/output.h"
#include "runner/session.h"
#include "runner/show.h"

static int run_rollback(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var",	 "subject", "report",
				      "json", "quiet",	"color", NULL};

const struct command command_rollback = {
	.name = "rollback",
	.group = "roll back",
	.words = "list|verify [TAG]",
	.summary = "list rollback targets, or prove that they can be restored right now",
	.accepts = accepts,
	.run = run_rollback,
};

struct rollback_command {
	struct app *app;
	struct options o;
	struct definition *definition;
	struct record *record;
};

static const struct restoration_row *find_row(const struct restoration_row *rows, size_t n,
					      const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].restoration.tag, tag) == 0)
			return &rows[i];
	return NULL;
}

static const char *formatted(struct arena *a, double v, const char *unit)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	unit_format(&b, v, unit);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static const char *state_word(const struct restoration_row *row)
{
	if (row == NULL)
		return "never verified";
	switch (row->restoration.outcome) {
	case OUTCOME_PASS:
	case OUTCOME_WARN:
		return "proven";
	case OUTCOME_FAIL:
		return "DISPROVED";
	case OUTCOME_UNDECIDED:
	case OUTCOME_SKIP:
		return "unproven";
	}
	return "unproven";
}

/* The first step that is not passing, with what fixes it. */
static const char *finding(struct arena *a, const struct restoration_row *row)
{
	for (size_t i = 0; row != NULL && i < row->restoration.n_steps; i++) {
		const struct restoration_step *s = &row->restoration.steps[i];

		if (outcome_is_passing(s->outcome) || s->finding == NULL)
			continue;
		return s->remedy != NULL
			       ? arena_printf(a, "%s: %s; fix: %s", s->name, s->finding, s->remedy)
			       : arena_printf(a, "%s: %s", s->name, s->finding);
	}
	return "";
}

static void add_row(struct arena *a, struct table *t, const char *tag,
		    const struct restoration_row *row, int64_t now)
{
	const struct restoration *r = row != NULL ? &row->restoration : NULL;

	table_row(t, tag, r != NULL && r->commit != NULL ? arena_strndup(a, r->commit, 12) : "",
		  r != NULL && r->tag_time_ms >= 0 ? show_ago(a, r->tag_time_ms, now) : "",
		  state_word(row), row != NULL ? show_ago(a, row->at_ms, now) : "",
		  r != NULL ? formatted(a, (double)r->n_objects, "") : "",
		  r != NULL ? formatted(a, (double)r->n_bytes, "B") : "",
		  r != NULL && r->restore_us >= 0 ? formatted(a, (double)r->restore_us / 1e6, "s")
						  : "",
		  finding(a, row));
}

static void put_json_row(struct json_writer *w, const char *tag, const struct restoration_row *row)
{
	json_open(w, NULL, '{');
	json_put_text(w, "tag", tag);
	json_put_text(w, "state", state_word(row));
	if (row != NULL) {
		json_put_text(w, "commit", row->restoration.commit);
		json_put_text(w, "tree", row->restoration.tree);
		json_put_int(w, "verified_ms", row->at_ms);
		json_put_int(w, "objects", row->restoration.n_objects);
		json_put_int(w, "bytes", row->restoration.n_bytes);
		json_put_int(w, "restore_us", row->restoration.restore_us);
		json_put_int(w, "run", row->run_id);
	}
	json_close(w, '}');
}

static int list_set(struct rollback_command *c, const struct rollback_set *set,
		    struct json_writer *w, struct err *e)
{
	static const char *const headers[] = {"tag",   "commit",      "age",
					      "state", "verified",    "objects",
					      "size",  "restores in", "finding"};
	struct arena *a = c->app->arena;
	int64_t now = clock_wall_ms(&c->app->clock);
	const char *const *tags;
	struct restoration_row *rows = NULL;
	size_t n_tags, n_rows = 0;
	struct table t;

	if (rollback_tags(a, set, &tags, &n_tags, e) != 0)
		return err_context(e, "rollback set \"%s\"", set->name);
	if (c->record != NULL &&
	    record_restorations(c->record, a, set->name, &rows, &n_rows, e) != 0)
		return -1;
	table_init(&t, a, headers, 9, "llllrrrrl");
	for (size_t i = 0; i < n_tags; i++) {
		const struct restoration_row *row = find_row(rows, n_rows, tags[i]);

		if (w != NULL)
			put_json_row(w, tags[i], row);
		else
			add_row(a, &t, tags[i], row, now);
	}
	if (w != NULL)
		return 0;
	(void)fprintf(c->app->out, "%s  %s, tags %s, newest %" PRId64 "\n", set->name,
		      set->repo->name, set->tags, set->keep);
	table_print(&t, c->app->out);
	if (n_tags == 0)
		(void)fprintf(c->app->out, "no tag matches\n");
	return 0;
}

static int list_all(struct rollback_command *c, struct err *e)
{
	const struct definition *d = c->definition;
	struct json_writer w;
	struct buf b;
	int rc = 0;

	buf_init(&b, BUF_UNBOUNDED);
	json_writer_init(&w, &b, true);
	json_open(&w, NULL, '{');
	json_put_text(&w, "assize", "rollback/1");
	for (size_t i = 0; i < d->n_rollbacks && rc == 0; i++) {
		json_open(&w, d->rollbacks[i]->name, '[');
		rc = list_set(c, d->rollbacks[i], c->o.is_json ? &w : NULL, e);
		json_close(&w, ']');
	}
	json_close(&w, '}');
	if (rc == 0 && c->o.is_json)
		(void)fwrite(b.data, 1, b.len, c->app->out); /* main looks at the stream */
	buf_release(&b);
	return rc;
}

/* The set's hidden check, narrowed to one tag where the user named one that the set has. */
static int add_tag(struct rollback_command *c, const struct check *hidden, const char *tag,
		   const struct check **out, size_t *n, struct err *e)
{
	struct arena *a = c->app->arena;
	const struct rollback_spec *spec = hidden->spec;
	const struct rollback_set *set = definition_rollback(c->definition, spec->set);
	struct rollback_spec *narrowed;
	struct check *copy;
	const char *const *tags;
	size_t n_tags;

	if (rollback_tags(a, set, &tags, &n_tags, e) != 0)
		return err_context(e, "rollback set \"%s\"", set->name);
	for (size_t i = 0; i < n_tags; i++) {
		if (strcmp(tags[i], tag) != 0)
			continue;
		narrowed = arena_alloc(a, sizeof(*narrowed));
		*narrowed = *spec;
		narrowed->only = tag;
		copy = arena_alloc(a, sizeof(*copy));
		*copy = *hidden;
		copy->spec = narrowed;
		out[(*n)++] = copy;
	}
	return 0;
}

static int choose(struct rollback_command *c, const struct check **out, size_t *n, struct err *e)
{
	const struct definition *d = c->definition;
	const char *tag = c->o.n_words > 1 ? c->o.words[1] : NULL;

	for (size_t i = 0; i < d->n_checks; i++) {
		if (!d->checks[i]->is_hidden)
			continue;
		if (tag == NULL)
			out[(*n)++] = d->checks[i];
		else if (add_tag(c, d->checks[i], tag, out, n, e) != 0)
			return -1;
	}
	if (*n > 0)
		return 0;
	(void)err_set(e, ERR_USAGE, "no rollback set has a target \"%s\"", tag); /* below */
	return err_help(e, "assize rollback list shows the targets; a set's `keep` and `tags` "
			   "decide which they are");
}

static int verify(struct rollback_command *c, struct err *e)
{
	const struct check **checks =
		arena_array(c->app->arena, c->definition->n_checks, sizeof(*checks));
	struct terminal t;
	struct run_info run;
	struct session_request req = {
		.app = c->app,
		.definition = c->definition,
		.record = c->record,
		.checks = checks,
		.command = "rollback",
		.subject = c->o.subject != NULL ? c->o.subject : "any",
		.selection = c->o.n_words > 1 ? c->o.words[1] : "",
		.terminal = c->o.is_json ? NULL : &t,
	};

	if (choose(c, checks, &req.n_checks, e) != 0)
		return -1;
	show_terminal(c->app, &c->o, &t);
	if (session_run(&req, &run, e) != 0)
		return -1;
	if (show_run_end(c->app, &c->o, c->record, run.id, &t, e) != 0)
		return -1;
	return run.exit_status;
}

static int check_words(const struct rollback_command *c, struct err *e)
{
	static const char *const verbs[] = {"list", "verify"};
	const char *verb = c->o.n_words > 0 ? c->o.words[0] : "";
	int best;

	if (strcmp(verb, "list") == 0 && c->o.n_words == 1)
		return 0;
	if (strcmp(verb, "verify") == 0 && c->o.n_words <= 2)
		return 0;
	(void)err_set(e, ERR_USAGE, "assize rollback takes list, or verify and a tag, not \"%s\"",
		      verb); /* -1 below */
	best = str_closest(verb, verbs, 2);
	return best >= 0 ? err_help(e, "did you mean %s?", verbs[best]) : -1;
}

/* `list` looks at the record if there is one and makes none. */
static int open_record(struct rollback_command *c, bool is_list, struct err *e)
{
	const char *path = app_record_path(c->app, &c->o, c->definition);

	if (is_list && access(path, F_OK) != 0)
		return 0;
	return record_open(path, is_list ? RECORD_READ : RECORD_WRITE, &c->record, e);
}

static int run_rollback(struct app *app, const struct command *self, int argc, char **argv)
{
	struct rollback_command c = {.app = app};
	bool is_list;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &c.o, &status))
		return status;
	if (check_words(&c, &e) != 0 || output_check(&c.o.reports, &e) != 0)
		return app_fail(app, &e);
	if (app_load(app, &c.o, &c.definition) != 0)
		return EXIT_USAGE;
	if (c.definition->n_rollbacks == 0) {
		(void)err_set(&e, ERR_USAGE, "the definition has no rollback sets");
		(void)err_help(&e, "add `rollback:` with a set; man assize.yaml shows one");
		return app_fail(app, &e);
	}
	is_list = strcmp(c.o.words[0], "list") == 0;
	if (open_record(&c, is_list, &e) != 0)
		return app_fail(app, &e);
	status = is_list ? list_all(&c, &e) : verify(&c, &e);
	if (c.record != NULL)
		record_close(c.record);
	return status < 0 ? app_fail(app, &e) : status;
}
