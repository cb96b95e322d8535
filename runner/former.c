/*
 * One tag's definition, loaded from its restored tree and held against today's targets.
 *
 * Only what the set names is looked at; the rest of an old definition may rely on targets and
 * secrets that are no more. A check by history (`within`, `not worse than`) has none here and is
 * undecided, and so is everything this assize cannot read in an older definition: not proven.
 */
#include "runner/former.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/io/clock.h"
#include "runner/judge.h"
#include "runner/load.h"
#include "runner/model/kind.h"
#include "runner/model/measurement.h"
#include "runner/plan.h"

struct asking {
	const struct former_asker *asker;
	const struct former_request *req;
	struct arena *arena;
	const char *file; /* of the tag's definition, below the root */
	struct former former;
	const struct target *searched; /* whose migrations were asked for last */
	struct former_result *results; /* in the set's order */
};

/* Where today's root file is below the repository; NULL = not in it. */
static const char *place_of_today(struct asking *k)
{
	const struct definition *d = k->former.today;
	const char *name = d->root_name;
	const char *top = k->req->set->repo->location;
	size_t n = strlen(top);

	if (strncmp(d->root_dir, top, n) != 0 || (d->root_dir[n] != '/' && d->root_dir[n] != '\0'))
		return NULL;
	return d->root_dir[n] == '\0' ? arena_strdup(k->arena, name)
				      : arena_printf(k->arena, "%s/%s", d->root_dir + n + 1, name);
}

/* The first error of a definition that cannot be read, for each of the checks. */
static void all_undecided(struct asking *k, struct diags *diags, const struct redactor *secrets)
{
	const struct texts *checks = &k->req->set->compatible;
	const struct err *e;
	const char *finding;

	diags_sort(diags);
	e = &diags->items[0];
	finding = arena_printf(
		k->arena, "the definition of %s cannot be used: %s%s%s", k->req->tag,
		e->pos.line > 0 ? arena_printf(k->arena, "line %u: ", (unsigned)e->pos.line) : "",
		e->message, *e->help ? arena_printf(k->arena, " (%s)", e->help) : "");
	for (size_t i = 0; i < checks->n; i++)
		k->results[i] = (struct former_result){
			.check = checks->items[i],
			.outcome = OUTCOME_UNDECIDED,
			.finding = redact_text(secrets, k->arena, finding),
		};
}

/* Loads what the tag says of these checks; -1 with a result for each when it cannot be used. */
static int load(struct asking *k)
{
	const struct app *app = k->asker->app;
	struct load_options o = {
		.path = arena_printf(k->arena, "%s/%s", k->req->root, k->file),
		.cwd = k->req->root,
		.env = app->env,
		.env_ctx = app->env_ctx,
		.today = k->former.today,
		.checks = &k->req->set->compatible,
	};
	struct definition *d = NULL;
	struct diags diags;

	diags_init(&diags, k->arena);
	if (definition_load(k->arena, &o, &d, &diags) == 0) {
		k->former.then = d;
		return 0;
	}
	all_undecided(k, &diags, d ? d->redactor : k->former.today->redactor);
	return -1;
}

/* ---- one check ---- */

static bool is_by_history(const struct expectation *x)
{
	return x->window_ms > 0 || x->has_history;
}

static bool needs_history(const struct check *c)
{
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];

		if ((x->has_expect && is_by_history(&x->expect)) ||
		    (x->has_warn && is_by_history(&x->warn)))
			return true;
	}
	return false;
}

/* What was found, in one line, and what was measured. */
static const char *told(struct asking *k, const struct result *r)
{
	const char *evidence = r->evidence ? r->evidence : "";
	/* The reason of a warning names its own bound, which is another one. */
	const char *bound = r->outcome == OUTCOME_WARN && *evidence
				    ? arena_printf(k->arena, ", %s", r->reason)
			    : r->bound[0] ? arena_printf(k->arena, ", bound %s", r->bound)
					  : "";
	const char *line;
	struct buf value;

	buf_init(&value, BUF_UNBOUNDED); /* a value is bounded */
	if (r->value.type != VALUE_NONE)
		value_format(&value, &r->value, r->unit);
	if (r->value.type == VALUE_NONE)
		line = arena_printf(k->arena, "%s%s%s", r->reason ? r->reason : "not measured",
				    *evidence ? ": " : "", evidence);
	else if (*evidence)
		line = arena_printf(k->arena, "%.*s (%s%s%s%s)", (int)strcspn(evidence, "\n"),
				    evidence, r->series, r->series[0] ? " " : "", value.data,
				    bound);
	else
		line = arena_printf(k->arena, "%s%s%s%s%s%s", r->series, r->series[0] ? " " : "",
				    value.data, bound, r->reason ? ": " : "",
				    r->reason ? r->reason : "");
	buf_release(&value);
	return line;
}

static const struct result *worst(const struct judged *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->results[i].outcome == j->outcome)
			return &j->results[i];
	return &j->results[0];
}

static void judge(struct asking *k, struct job *job, struct former_result *out)
{
	const struct check *c = job->checks[0];
	const struct definition *d = k->former.then ? k->former.then : k->former.today;
	const struct check_info *info = judge_check_info(k->arena, c, d->redactor);
	const struct judge judge = {.redactor = d->redactor, .infos = &info};
	struct judged judged;
	struct err e = {0};

	if (judge_job(&judge, job, 0, &judged, &e) != 0) { /* there is no record to fail */
		out->finding = arena_strdup(k->arena, e.message);
		return;
	}
	out->outcome = judged.outcome;
	for (size_t i = 0; i < judged.n; i++)
		if (strcmp(judged.results[i].series, "since") == 0)
			out->note = judged.results[i].evidence;
	if (judged.outcome == OUTCOME_PASS)
		return;
	out->finding = told(k, worst(&judged));
	out->detail = worst(&judged)->evidence ? worst(&judged)->evidence : out->finding;
}

static void ask(struct asking *k, const struct check *c, struct former_result *out)
{
	const struct clock *clock = k->asker->world->clock;
	int64_t now_ms = clock_monotonic_ms(clock);
	size_t slot = 0;
	struct job job = {
		.checks = &c,
		.slots = &slot,
		.n_checks = 1,
		.attempt = 1,
		.arena = k->arena,
		.measured_ms = clock_wall_ms(clock),
		.probe =
			{
				.world = k->asker->world,
				.arena = k->arena,
				.checks = &c,
				.n_checks = 1,
				.deadline_ms = now_ms + c->timeout_ms < k->req->deadline_ms
						       ? now_ms + c->timeout_ms
						       : k->req->deadline_ms,
				.former = &k->former,
			},
	};
	struct err e = {0};

	if (!(c->kind->targets & TARGET_DATABASES) || !c->kind->probe) {
		out->finding =
			arena_printf(k->arena, "at %s it is of kind %s, which asks no database",
				     k->req->tag, c->kind->name);
		return;
	}
	if (needs_history(c)) {
		out->finding = "it is judged by history, of which a tag's check has none";
		return;
	}
	if (c->kind->probe(&job.probe, &e) != 0)
		job.err = &e;
	job.duration_us = (clock_monotonic_ms(clock) - now_ms) * 1000;
	judge(k, &job, out);
}

/* ---- who changed it? ---- */

/* Words our own messages about schemas and queries are made of. */
static bool is_own_word(const char *word, size_t n)
{
	static const char words[] =
		" a an and as at be but by check checks column columns default "
		"defined differences does error expected for foreign from has "
		"have in index indexes is it key missing no not null of on only "
		"or primary query so such table tables text that the there to "
		"type unique value view was which with ";
	char padded[34];

	if (n + 2 >= sizeof(padded) || (word[0] >= '0' && word[0] <= '9'))
		return true;
	padded[0] = padded[n + 1] = ' ';
	for (size_t i = 0; i < n; i++)
		padded[i + 1] = word[i];
	padded[n + 2] = '\0';
	return strstr(words, padded) != NULL;
}

/* How many of the names in the finding the migration has, of at most two that are needed. */
static bool is_about(const struct former_migration *m, const char *finding)
{
	size_t n_names = 0, n_found = 0;

	for (const char *p = finding; *p;) {
		size_t n = former_word(p);

		if (n > 0 && !is_own_word(p, n)) {
			n_names++;
			n_found += former_names(m, p, n);
		}
		p += n > 0 ? n : 1;
	}
	return n_found >= 2 || (n_found == 1 && n_names == 1);
}

static bool is_of_migrations(const struct check *c)
{
	return strcmp(c->kind->name, "migrations") == 0;
}

/*
 * What today's books say was applied since, when no check of the set has asked yet: for naming the
 * one that broke what the release needs. That it cannot be told is no fault of the release.
 */
static void find_migrations(struct asking *k, const struct target *target)
{
	const struct definition *d = k->former.today;
	struct former_result unused = {0};

	if (k->former.n_migrations > 0 || k->searched == target)
		return;
	k->searched = target;
	for (size_t i = 0; i < d->n_checks && k->former.n_migrations == 0; i++)
		if (is_of_migrations(d->checks[i]) && d->checks[i]->target == target)
			ask(k, d->checks[i], &unused);
}

/* Adds the newest migration that names what is amiss. */
static void blame(struct asking *k, struct former_result *r)
{
	for (size_t i = k->former.n_migrations; i-- > 0;) {
		const struct former_migration *m = &k->former.migrations[i];

		if (!is_about(m, r->detail))
			continue;
		r->finding = arena_printf(k->arena, "%s; %s, applied since %s, is about it",
					  r->finding, m->shown, k->req->tag);
		r->remedy = m->has_down ? arena_printf(k->arena,
						       "undo %s before going back to %s: it has a "
						       "down step",
						       m->name, k->req->tag)
					: arena_printf(k->arena,
						       "bring back what %s took away, in a new "
						       "migration: it has no down step",
						       m->name);
		return;
	}
}

/* The check as the tag has it, or today's where that may stand for it; NULL = neither. */
static const struct check *find(const struct asking *k, const char *name)
{
	const struct check *c = k->former.then ? definition_check(k->former.then, name) : NULL;

	return !c && k->req->set->missing == MISSING_CURRENT
		       ? definition_check(k->former.today, name)
		       : c;
}

static void ask_by_name(struct asking *k, const char *name, struct former_result *out)
{
	const struct check *c = find(k, name);

	*out = (struct former_result){.check = name, .outcome = OUTCOME_UNDECIDED};
	if (!c) {
		out->finding = arena_printf(k->arena, "\"%s\" of %s has no such check", k->file,
					    k->req->tag);
		out->remedy = "set missing: current to hold the tag to today's check";
		return;
	}
	if (!is_of_migrations(c))
		find_migrations(k, c->target);
	ask(k, c, out);
	if (out->outcome == OUTCOME_FAIL && !is_of_migrations(c))
		blame(k, out);
}

/* Books of migrations first: what they tell is used to name who broke the others. */
static void ask_all(struct asking *k)
{
	const struct texts *names = &k->req->set->compatible;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < names->n; i++) {
			const struct check *c = find(k, names->items[i]);

			if ((c && is_of_migrations(c)) == (pass == 0))
				ask_by_name(k, names->items[i], &k->results[i]);
		}
	}
}

int former_run(void *ctx, struct arena *a, const struct former_request *req,
	       struct former_result **out, size_t *n, struct err *e)
{
	const struct former_asker *asker = ctx;
	struct asking k = {.asker = asker, .req = req, .arena = a};
	const char *path;

	k.former = (struct former){.arena = a, .tag = req->tag, .today = asker->world->definition};
	k.file = req->set->definition ? req->set->definition : place_of_today(&k);
	if (!k.file) {
		(void)err_set(
			e, ERR_MEASURE,
			"this definition is not in the repository \"%s\", so it does not tell "
			"where that of %s is",
			req->set->repo->location, req->tag);
		return err_help(e, "set definition: to its path within the tag's tree");
	}
	path = arena_printf(a, "%s/%s", req->root, k.file);
	k.former.dir = arena_strndup(a, path, (size_t)(strrchr(path, '/') - path));
	if (access(path, F_OK) != 0 && req->set->missing == MISSING_UNDECIDED) {
		(void)err_set(e, ERR_MEASURE, "%s has no definition \"%s\"", req->tag, k.file);
		return err_help(e, "set definition: to its path within the tag's tree, or missing: "
				   "current to hold the tag to today's checks");
	}
	k.results = arena_array(a, req->set->compatible.n, sizeof(*k.results));
	if (access(path, F_OK) != 0 || load(&k) == 0)
		ask_all(&k);
	*out = k.results;
	*n = req->set->compatible.n;
	return 0;
}
