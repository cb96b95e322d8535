/*
 * A table of at most a hundred columns for usual names, and below it what was found about those
 * that are not proven and what the others were warned of, each with the command that fixes it. JSON
 * has all of it and more.
 *
 * Where a warm copy stands is looked up now; what it is worth comes from the newest verification.
 */
#include "runner/rollback_list.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/terminal.h"
#include "reports/view.h"
#include "rollback/rollback.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/json.h"
#include "runner/io/place.h"
#include "runner/model/definition.h"
#include "runner/rollback_show.h"
#include "runner/show.h"

struct listing {
	struct arena *a;
	const struct rollback_set *set;
	int64_t now_ms;
	size_t n_good; /* newer tags that are good as far as the record knows */
};

/* One release. */
struct release {
	const char *tag;
	const struct restoration_row *row; /* NULL = never verified */
	const char *warm, *swap;	   /* words; "" = not of this one */
	const char *commit;		   /* where it leads now; NULL = nobody knows */
	bool is_gone;			   /* verified once, and no tag of the repository now */
};

/* Was what the record knows of it another commit? */
static bool is_moved(const struct release *r)
{
	return r->row != NULL && r->commit != NULL && r->row->restoration.commit != NULL &&
	       strcmp(r->commit, r->row->restoration.commit) != 0;
}

static const char *state_word(const struct release *r)
{
	const struct restoration_row *row = r->row;

	if (r->is_gone)
		return "gone, verified";
	if (row == NULL)
		return "never verified";
	if (is_moved(r))
		return "moved, verified";
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

static const struct restoration_step *find_step(const struct release *r, const char *name)
{
	return r->row != NULL ? rollback_show_step(&r->row->restoration, name) : NULL;
}

/* What the newest verification said of the copy. */
static const char *verified_warm(const struct release *r)
{
	const struct restoration_step *step = find_step(r, ROLLBACK_STEP_WARM);

	if (step == NULL || step->outcome == OUTCOME_UNDECIDED)
		return "unknown";
	if (!outcome_is_passing(step->outcome))
		return "wrong";
	return step->note != NULL && str_starts(step->note, "cached") ? "cached" : "proven";
}

/* Can it be renamed to where something else stands in its directory? */
static bool is_swappable(struct listing *l, const struct stat *st, const char *path)
{
	const char *parent = arena_strndup(l->a, path, (size_t)(strrchr(path, '/') - path));
	struct stat directory;

	return S_ISDIR(st->st_mode) && !place_is_fixed(path) && !place_is_fixed(parent) &&
	       !place_is_read_only(path) && stat(*parent != '\0' ? parent : "/", &directory) == 0 &&
	       directory.st_dev == st->st_dev;
}

static void look_at_copy(struct listing *l, struct release *r)
{
	bool is_wanted = l->set->warm_path != NULL && l->n_good < (size_t)l->set->warm_keep;
	const char *path;
	struct stat st;

	r->warm = r->swap = "";
	if (l->set->warm_path == NULL)
		return;
	path = rollback_warm_path(l->a, l->set, r->tag);
	if (lstat(path, &st) == 0)
		r->warm = verified_warm(r);
	else if (is_wanted)
		r->warm = errno == ENOENT || errno == ENOTDIR ? "missing" : "unknown";
	else
		return;
	r->swap = (strcmp(r->warm, "proven") == 0 || strcmp(r->warm, "cached") == 0) &&
				  is_swappable(l, &st, path)
			  ? "yes"
			  : "no";
}

/* "" where it was not reached: what a set does not ask for has no column. */
static const char *step_word(const struct release *r, const char *name)
{
	const struct restoration_step *step = find_step(r, name);

	if (step == NULL)
		return "";
	return step->outcome == OUTCOME_FAIL ? "FAIL" : outcome_name(step->outcome);
}

static void put_row(struct listing *l, struct table *t, const struct release *r)
{
	const struct restoration *x = r->row != NULL ? &r->row->restoration : NULL;
	const char *state = state_word(r);

	if (x != NULL)
		state = arena_printf(l->a, "%s %s", state,
				     show_ago(l->a, r->row->at_ms, l->now_ms));
	table_row(
		t, r->tag, x != NULL && x->commit != NULL ? arena_strndup(l->a, x->commit, 9) : "",
		x != NULL && x->tag_time_ms >= 0 ? show_ago(l->a, x->tag_time_ms, l->now_ms) : "",
		state,
		x != NULL && x->restore_us >= 0 ? show_value(l->a, (double)x->restore_us / 1e6, "s")
						: "",
		step_word(r, "artifacts"), step_word(r, "smoke"), step_word(r, "compatible"),
		r->warm, r->swap);
}

static void put_fix(FILE *out, const char *tag, const char *command)
{
	if (command != NULL)
		(void)fprintf(out, "  %*s  fix: %s\n", (int)str_width(tag), "", command);
}

static void put_finding(FILE *out, const char *tag, const struct restoration_step *s)
{
	(void)fprintf(out, "  %s  %s%s: %s\n", tag, s->name,
		      s->outcome == OUTCOME_WARN ? " warns" : "", s->finding);
	put_fix(out, tag, s->remedy);
}

/* The first thing that keeps a release from being proven; of one that is proven every warning. */
static void put_findings(struct listing *l, FILE *out, const struct release *r)
{
	const struct restoration *x = r->row != NULL ? &r->row->restoration : NULL;

	if (r->is_gone) {
		(void)fprintf(out, "  %s  is no tag of the repository now\n", r->tag);
		put_fix(out, r->tag,
			rollback_bring_back(l->a, x, l->set->is_pinned ? r->row->pinned : NULL));
		return;
	}
	if (is_moved(r)) {
		(void)fprintf(out, "  %s  leads to commit %.9s now\n", r->tag, r->commit);
		put_fix(out, r->tag,
			arena_printf(l->a, "assize rollback verify %s%s",
				     r->tag[0] == '-' ? "-- " : "", str_as_word(l->a, r->tag)));
		return;
	}
	for (size_t i = 0; x != NULL && i < x->n_steps; i++) {
		const struct restoration_step *s = &x->steps[i];

		if (restoration_step_warns(x, s))
			put_finding(out, x->tag, s);
		if (outcome_is_passing(s->outcome) || s->finding == NULL)
			continue;
		put_finding(out, x->tag, s);
		return;
	}
}

static void put_json(struct json_writer *w, const struct release *r)
{
	json_open(w, NULL, '{');
	json_put_text(w, "tag", r->tag);
	json_put_text(w, "state", r->is_gone ? "gone" : is_moved(r) ? "moved" : state_word(r));
	json_put_text(w, "warm", *r->warm != '\0' ? r->warm : NULL);
	json_put_bool(w, "swap_ready", strcmp(r->swap, "yes") == 0);
	if (r->row != NULL) {
		const struct restoration *x = &r->row->restoration;

		json_put_text(w, "commit", x->commit);
		json_put_text(w, "tree", x->tree);
		json_put_int(w, "verified_ms", r->row->at_ms);
		json_put_int(w, "objects", x->n_objects);
		json_put_int(w, "bytes", x->n_bytes);
		json_put_int(w, "restore_us", x->restore_us);
		json_put_int(w, "run", r->row->run_id);
		json_open(w, "steps", '{');
		for (size_t i = 0; i < x->n_steps; i++)
			json_put_text(w, x->steps[i].name, outcome_name(x->steps[i].outcome));
		json_close(w, '}');
	}
	json_close(w, '}');
}

static void put_table(struct listing *l, FILE *out, const struct release *releases, size_t n)
{
	static const char *const headers[] = {"tag",	 "commit",    "age",   "state",
					      "restore", "artifacts", "smoke", "compatible",
					      "warm",	 "swap"};
	struct table t;

	(void)fprintf(out, "%s  %s, tags %s", l->set->name, l->set->repo->name, l->set->tags);
	for (size_t i = 0; i < l->set->except.n; i++)
		(void)fprintf(out, "%s%s", i == 0 ? " except " : ", ", l->set->except.items[i]);
	(void)fprintf(out, ", newest %" PRId64 "\n", l->set->keep);
	table_init(&t, l->a, headers, 10, "llllrlllll");
	t.hides_empty = true;
	for (size_t i = 0; i < n; i++)
		put_row(l, &t, &releases[i]);
	table_print(&t, out);
	for (size_t i = 0; i < n; i++)
		put_findings(l, out, &releases[i]);
	if (n == 0 || releases[0].is_gone) /* those come last */
		(void)fprintf(out, "no tag matches\n  help: %s\n",
			      rollback_tags_help(l->a, l->set));
}

int rollback_list(struct app *app, const struct rollback_set *set, struct record *record,
		  struct json_writer *w, struct err *e)
{
	struct listing l = {.a = app->arena, .set = set, .now_ms = clock_wall_ms(&app->clock)};
	struct restoration_row *rows = NULL;
	struct release *releases;
	const char *const *tags, *const *gone = NULL, *const * commits;
	const char **verified;
	size_t n, n_gone = 0, n_rows = 0;

	if (rollback_tags(app->arena, set, &tags, &n, e) != 0 ||
	    rollback_commits(app->arena, set, tags, n, &commits, e) != 0)
		return err_context(e, "rollback set \"%s\"", set->name);
	if (record != NULL &&
	    record_restorations(record, app->arena, set->name, &rows, &n_rows, e) != 0)
		return -1;
	verified = arena_array(app->arena, n_rows, sizeof(*verified));
	for (size_t i = 0; i < n_rows; i++)
		verified[i] = rows[i].restoration.tag;
	if (rollback_gone(app->arena, set, verified, n_rows, &gone, &n_gone, e) != 0)
		return err_context(e, "rollback set \"%s\"", set->name);
	releases = arena_array(app->arena, n + n_gone, sizeof(*releases));
	for (size_t i = 0; i < n; i++) {
		struct release *r = &releases[i];

		*r = (struct release){.tag = tags[i],
				      .commit = commits[i],
				      .row = rollback_show_row(rows, n_rows, tags[i])};
		look_at_copy(&l, r);
		l.n_good += r->row == NULL || rollback_is_good(&r->row->restoration) ? 1 : 0;
	}
	for (size_t i = 0; i < n_gone; i++)
		releases[n++] = (struct release){
			.tag = gone[i],
			.row = rollback_show_row(rows, n_rows, gone[i]),
			.warm = "",
			.swap = "",
			.is_gone = true,
		};
	for (size_t i = 0; i < n && w != NULL; i++)
		put_json(w, &releases[i]);
	if (w == NULL)
		put_table(&l, app->out, releases, n);
	return 0;
}
