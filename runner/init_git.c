/*
 * Repositories as a source: the newest release tags become a rollback set. Each was just restored
 * and compared; how long that took, with room, is the budget. A tag that cannot be restored now is
 * an error and not left out: one would not learn of it before it is needed.
 */
#include <math.h>
#include <string.h>

#include "rollback/rollback.h"
#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/init.h"
#include "runner/io/file.h"
#include "runner/model/result.h"

#define KEEP	    3
#define ROOM	    10 /* the budget is so often what was measured: disks are shared */
#define LEAST_S	    10
#define DRAFT_CHECK "releases"

struct releases {
	const char *absolute, *path; /* path: as the definition has it */
	const char *tags;	     /* glob */
	const char *except[3];	     /* globs of tags that are pre-releases */
	size_t n_except;
	size_t n; /* of the tags that match */
};

static int git_begin(struct init *in, struct init_subject *s, struct err *e)
{
	struct arena *a = in->app->arena;
	struct releases *x = arena_alloc(a, sizeof(*x));
	const char *name;

	x->absolute = file_absolute(a, in->app->cwd, s->given);
	x->path = strcmp(x->absolute, in->root) == 0 ? "." : init_path(in, x->absolute);
	name = strrchr(x->absolute, '/') + 1;
	if (!*name)
		return err_set(e, ERR_USAGE, "\"%s\" is no repository", s->given);
	init_name(in, s, name, strlen(name) - (str_ends(name, ".git") ? strlen(".git") : 0),
		  "repo");
	s->state = x;
	return 0;
}

static void git_put_target(const struct init_subject *s, struct buf *out, bool is_draft)
{
	const struct releases *x = s->state;

	(void)buf_printf(out, "  %s: { git: ", s->name);
	init_put_text(out, is_draft ? x->absolute : x->path);
	(void)buf_puts(out, " }\n");
}

static bool is_match_among(const char *glob, const char *const *tags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_glob(glob, tags[i]))
			return true;
	return false;
}

/* The newest releases of those that set.tags stands for: without pre-releases, if others are. */
static int look_for(struct arena *a, struct rollback_set set, struct releases *x, struct err *e)
{
	static const char *const marks[] = {"*-rc*", "*-beta*", "*-alpha*"};
	const char *const *tags;
	size_t n;

	set.keep = INT64_MAX;
	if (rollback_tags(a, &set, &tags, &n, e) != 0)
		return -1;
	x->n_except = 0;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (is_match_among(marks[i], tags, n))
			x->except[x->n_except++] = marks[i];
	set.except = (struct texts){.items = x->except, .n = x->n_except};
	set.keep = KEEP;
	if (rollback_tags(a, &set, &tags, &x->n, e) != 0)
		return -1;
	if (x->n > 0)
		return 0;
	x->n_except = 0;
	x->n = n < KEEP ? n : KEEP;
	return 0;
}

/* Tags that begin as releases usually do; else all. */
static int git_look(struct init *in, struct init_subject *s, struct err *e)
{
	static const char *const globs[] = {"v*", "release-*", "*"};
	struct releases *x = s->state;
	const struct target *repo = s->target;

	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]) && x->n == 0; i++) {
		const struct rollback_set set = {.repo = s->target, .tags = globs[i]};

		if (look_for(in->app->arena, set, x, e) != 0)
			return -1;
		x->tags = globs[i];
	}
	s->target = NULL; /* its check takes none: the set has it */
	if (x->n > 0)
		return 0;
	(void)err_set(e, ERR_USAGE, "there is no tag in \"%s\"", s->given); /* -1 below */
	return err_help(e, "%s",
			rollback_tags_help(in->app->arena,
					   &(struct rollback_set){.repo = repo, .tags = "*"}));
}

static double restore_s(const struct init_subject *s)
{
	double longest = 0;

	for (size_t i = 0; i < s->rounds[0].n; i++)
		if (str_starts(s->rounds[0].items[i].series, "restore{"))
			longest = fmax(longest, init_number(&s->rounds[0].items[i]));
	return longest;
}

static void git_put_set(const struct init_subject *s, struct buf *out, bool is_draft)
{
	const struct releases *x = s->state;
	double longest = is_draft ? 0 : restore_s(s);

	(void)buf_printf(out, "  %s:\n    repo: %s\n    tags: \"%s\"\n", s->name, s->name, x->tags);
	for (size_t i = 0; i < x->n_except; i++)
		(void)buf_printf(out, "%s\"%s\"%s", i == 0 ? "    except: [" : ", ", x->except[i],
				 i + 1 == x->n_except ? "] # no releases\n" : "");
	/* also where there are fewer as yet: the next release has these to go back to */
	(void)buf_printf(out, "    keep: %d\n", KEEP);
	if (is_draft)
		return;
	(void)buf_puts(out, "    restore: { budget: ");
	init_put_duration(out, fmax(longest * ROOM, LEAST_S), true);
	(void)buf_puts(out, " } # the longest took ");
	init_put_duration(out, longest, true);
	(void)buf_putc(out, '\n');
}

static void git_put_draft(const struct init_subject *s, struct buf *out)
{
	(void)buf_printf(out, "      - { id: " DRAFT_CHECK ", rollback: %s }\n", s->name);
}

/* What the first line of evidence below its head says: the finding. */
static const char *finding(const struct init_subject *s, const struct result *r)
{
	const char *text = r->evidence ? r->evidence : r->reason ? r->reason : "not proven";
	const char *line = strstr(text, "\n  ");

	if (line)
		text = line + strlen("\n  ");
	return arena_strndup(s->arena, text, strcspn(text, "\n"));
}

static int git_put(struct init_writer *w, struct init_subject *s, struct err *e)
{
	const char *reason = "";

	for (size_t i = 0; i < s->rounds[0].n; i++) {
		const struct result *r = &s->rounds[0].items[i];

		if (outcome_is_passing(r->outcome))
			continue;
		(void)err_set(e, ERR_MEASURE, "%s: %s", s->given, finding(s, r)); /* -1 below */
		return err_help(e, "a release that cannot be restored is no baseline: mend it, "
				   "then begin again");
	}
	if (!init_value(s, 0, DRAFT_CHECK, "proven", &reason))
		return err_set(e, ERR_MEASURE, "%s: %s", s->given, reason);
	w->n_checks++; /* that of the set, which every set has: nothing is to be written */
	return 0;
}

/* Proof is renewed weekly, by the line for cron that the note is about. */
static void git_put_gate(const struct init_subject *s, struct buf *out)
{
	(void)buf_printf(out,
			 "    rollback: { set: %s, tags: any, verified_within: 8d } # weekly, from "
			 "cron: assize rollback verify\n",
			 s->name);
}

const struct init_source init_git = {
	.option = "git",
	.offset = offsetof(struct options, git),
	.type = TARGET_GIT,
	.n_rounds = 1,
	.is_long = true,
	.begin = git_begin,
	.put_target = git_put_target,
	.put_set = git_put_set,
	.look = git_look,
	.put_draft = git_put_draft,
	.put = git_put,
	.put_gate = git_put_gate,
};
