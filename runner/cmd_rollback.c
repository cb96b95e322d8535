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
#include "runner/io/digest.h"
#include "runner/io/json.h"
#include "runner/io/shared_log.h"
#include "runner/model/definition.h"
#include "runner/model/kind.h"
#include "runner/options.h"
#include "runner/output.h"
#include "runner/rollback_list.h"
#include "runner/rollback_show.h"
#include "runner/session.h"
#include "runner/show.h"
#include "runner/vouch.h"

static int run_rollback(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file", "record", "var",	"subject", "report",
				      "json", "quiet",	"cold", "color",   NULL};

const struct command command_rollback = {
	.name = "rollback",
	.group = "roll back",
	.words = "list|verify|warm|drill [TAG]",
	.summary = "list rollback targets, prove them, keep copies ready, rehearse",
	.accepts = accepts,
	.manual = "assize-rollback",
	.run = run_rollback,
};

enum verb { VERB_LIST, VERB_VERIFY, VERB_WARM, VERB_DRILL, N_VERBS };

static const char *const verb_names[N_VERBS] = {
	[VERB_LIST] = "list",
	[VERB_VERIFY] = "verify",
	[VERB_WARM] = "warm",
	[VERB_DRILL] = "drill",
};

struct rollback_command {
	struct app *app;
	struct options o;
	enum verb verb;
	struct definition *definition;
	struct record *record;
};

/* What a run of the command is about. */
struct chosen {
	const struct check **checks;
	size_t n, n_sets;
	const char *tag;		    /* as the user named it; NULL = all */
	const struct rollback_set *too_old; /* has the tag, and no warm copy for it */
};

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
		rc = rollback_list(c->app, d->rollbacks[i], c->record, c->o.is_json ? &w : NULL, e);
		json_close(&w, ']');
	}
	json_close(&w, '}');
	if (rc == 0 && c->o.is_json)
		(void)fwrite(b.data, 1, b.len, c->app->out); /* main looks at the stream */
	buf_release(&b);
	return rc;
}

/*
 * Of the tags before i, which are newer, so many are good as far as the record knows. One it does
 * not know of counts: the verification of all of them would begin with it.
 */
static int count_newer(struct rollback_command *c, const struct rollback_set *set,
		       const char *const *tags, size_t i, size_t *n, struct err *e)
{
	struct restoration_row *rows;
	size_t n_rows;

	if (record_restorations(c->record, c->app->arena, set->name, &rows, &n_rows, e) != 0)
		return -1;
	*n = 0;
	for (size_t k = 0; k < i; k++) {
		const struct restoration_row *row = rollback_show_row(rows, n_rows, tags[k]);

		*n += row == NULL || rollback_is_good(&row->restoration) ? 1 : 0;
	}
	return 0;
}

/* What is measured of one tag has an identity of its own: no gate takes it for one of the set. */
static void hash_of_part(struct check *part, const char *tag)
{
	struct sha256 hash;

	sha256_init(&hash);
	sha256_add(&hash, part->hash, sizeof(part->hash));
	sha256_add(&hash, tag, strlen(tag));
	sha256_final(&hash, part->hash);
}

static const struct check *narrowed(struct rollback_command *c, const struct check *hidden,
				    const char *tag, size_t n_newer, const char *previous)
{
	static const enum rollback_verb verbs[N_VERBS] = {
		[VERB_WARM] = ROLLBACK_WARM,
		[VERB_DRILL] = ROLLBACK_DRILL,
	};
	struct rollback_spec *spec = arena_alloc(c->app->arena, sizeof(*spec));
	struct check *copy = arena_alloc(c->app->arena, sizeof(*copy));

	*spec = *(const struct rollback_spec *)hidden->spec;
	spec->only = tag;
	spec->n_newer = n_newer;
	spec->previous = previous;
	spec->verb = verbs[c->verb];
	spec->is_cold = c->o.is_cold;
	*copy = *hidden;
	copy->spec = spec;
	if (tag != NULL)
		hash_of_part(copy, tag);
	return copy;
}

/* The set's hidden check for one tag, when it is one of the set's. */
static int add_tag(struct rollback_command *c, const struct check *hidden,
		   const struct rollback_set *set, struct chosen *out, struct err *e)
{
	struct rollback_set all = *set;
	const char *const *tags;
	size_t n_tags, n_newer;

	if (c->verb == VERB_VERIFY) { /* also one that is too old: it may have been disproved */
		all.keep = INT64_MAX;
		all.is_reachable_only = false;
	}
	if (rollback_tags(c->app->arena, &all, &tags, &n_tags, e) != 0)
		return err_context(e, "rollback set \"%s\"", set->name);
	for (size_t i = 0; i < n_tags; i++) {
		if (strcmp(tags[i], out->tag) != 0)
			continue;
		if (count_newer(c, set, tags, i, &n_newer, e) != 0)
			return -1;
		if (c->verb == VERB_WARM && n_newer >= (size_t)set->warm_keep)
			out->too_old = set;
		else
			out->checks[out->n++] = narrowed(c, hidden, out->tag, n_newer,
							 i + 1 < n_tags ? tags[i + 1] : NULL);
	}
	return 0;
}

static int nothing_chosen(const struct rollback_command *c, const struct chosen *chosen,
			  struct err *e)
{
	if (c->verb == VERB_WARM && chosen->n_sets == 0) {
		(void)err_set(e, ERR_USAGE, "no rollback set has warm copies"); /* below */
		return err_help(e, "add warm: { path: \"/srv/rollback/{tag}\" } to the set");
	}
	if (chosen->too_old != NULL) {
		(void)err_set(e, ERR_USAGE, /* below */
			      "\"%s\" gets no warm copy: set \"%s\" keeps those of the newest "
			      "%" PRId64 " proven tags",
			      chosen->tag, chosen->too_old->name, chosen->too_old->warm_keep);
		return err_help(e, "raise warm: { keep: } of the set, or let assize rollback warm "
				   "choose the tags");
	}
	(void)err_set(e, ERR_USAGE, "no rollback set has a target \"%s\"", chosen->tag); /* below */
	return err_help(e, "assize rollback list shows the targets; a set's `keep` and `tags` "
			   "decide which they are");
}

static int choose(struct rollback_command *c, struct chosen *out, struct err *e)
{
	const struct definition *d = c->definition;

	for (size_t i = 0; i < d->n_checks; i++) {
		const struct check *hidden = d->checks[i];
		const struct rollback_spec *spec = hidden->spec;
		const struct rollback_set *set;

		if (!hidden->is_hidden)
			continue;
		set = definition_rollback(d, spec->set);
		if (c->verb == VERB_WARM && set->warm_path == NULL)
			continue;
		out->n_sets++;
		if (out->tag == NULL)
			out->checks[out->n++] = narrowed(c, hidden, NULL, 0, NULL);
		else if (add_tag(c, hidden, set, out, e) != 0)
			return -1;
	}
	return out->n > 0 ? 0 : nothing_chosen(c, out, e);
}

/* What the verb did, as it was recorded. */
static int show_done(struct rollback_command *c, int64_t run_id, struct err *e)
{
	struct arena *a = c->app->arena;
	struct restoration *items;
	size_t n;

	if (c->verb == VERB_VERIFY || c->o.is_json || c->o.is_quiet)
		return 0;
	if (record_run_restorations(c->record, a, run_id, &items, &n, e) != 0)
		return -1;
	if (c->verb == VERB_WARM)
		rollback_show_warm(a, c->app->out, items, n);
	for (size_t i = 0; i < n && c->verb == VERB_DRILL; i++)
		rollback_show_drill(a, c->app->out, &items[i],
				    definition_rollback(c->definition, items[i].set));
	return 0;
}

static int verify(struct rollback_command *c, struct err *e)
{
	struct arena *a = c->app->arena;
	struct chosen chosen = {
		.checks = arena_array(a, c->definition->n_checks, sizeof(*chosen.checks)),
		.tag = c->o.n_words > 1 ? c->o.words[1] : NULL,
	};
	struct terminal t;
	struct run_info run;
	struct session_request req = {
		.app = c->app,
		.definition = c->definition,
		.record = c->record,
		.checks = chosen.checks,
		.command = "rollback",
		.subject = c->o.subject != NULL ? c->o.subject : "any",
		.selection = chosen.tag != NULL ? chosen.tag : "",
		.terminal = c->o.is_json ? NULL : &t,
	};

	if (choose(c, &chosen, e) != 0)
		return -1;
	req.n_checks = chosen.n;
	show_terminal(c->app, &c->o, &t);
	if (session_run(&req, &run, e) != 0)
		return -1;
	if (show_run_end(c->app, &c->o, c->record, run.id, &t, e) != 0 ||
	    show_done(c, run.id, e) != 0)
		return app_fail_beside(c->app, run.exit_status, e);
	return run.exit_status;
}

static int check_words(struct rollback_command *c, struct err *e)
{
	const char *verb = c->o.n_words > 0 ? c->o.words[0] : "";
	size_t i = 0, n = c->o.n_words;
	int best;

	while (i < N_VERBS && strcmp(verb, verb_names[i]) != 0)
		i++;
	c->verb = (enum verb)i;
	if (c->o.is_cold && c->verb != VERB_DRILL)
		return err_set(e, ERR_USAGE, "--cold is for assize rollback drill");
	if (c->verb == VERB_DRILL && n == 1) {
		(void)err_set(e, ERR_USAGE, "assize rollback drill takes a tag"); /* below */
		return err_help(e, "assize rollback list shows them");
	}
	if (i < N_VERBS && n <= (c->verb == VERB_LIST ? 1 : 2))
		return 0;
	(void)err_set(e, ERR_USAGE,
		      "assize rollback takes list, or verify, warm or drill and a tag, not \"%s\"",
		      i < N_VERBS ? c->o.words[n - 1] : verb); /* -1 below */
	best = str_closest(verb, verb_names, N_VERBS);
	return i == N_VERBS && best >= 0 ? err_help(e, "did you mean %s?", verb_names[best]) : -1;
}

/* `list` looks at the record if there is one and makes none. */
static int open_record(struct rollback_command *c, bool is_list, struct err *e)
{
	const char *path = app_record_path(c->app, &c->o, c->definition);

	if (is_list && !shared_url_is(path) && access(path, F_OK) != 0)
		return 0;
	if (record_open(path, is_list ? RECORD_READ : RECORD_WRITE, &c->record, e) != 0)
		return -1;
	if (is_list)
		app_tell_standby(c->app, c->record);
	return 0;
}

static int run_rollback(struct app *app, const struct command *self, int argc, char **argv)
{
	struct rollback_command c = {.app = app};
	struct err e = {0};
	bool is_list;
	int status;

	if (!app_begin(app, self, argc, argv, &c.o, &status))
		return status;
	if (check_words(&c, &e) != 0 || output_check(&c.o, &e) != 0)
		return app_fail(app, &e);
	if (app_load(app, &c.o, &c.definition) != 0)
		return EXIT_USAGE;
	if (c.definition->n_rollbacks == 0) {
		(void)err_set(&e, ERR_USAGE, "the definition has no rollback sets");
		(void)err_help(&e, "add `rollback:` with a set; man assize.yaml shows one");
		return app_fail(app, &e);
	}
	is_list = c.verb == VERB_LIST;
	if (open_record(&c, is_list, &e) != 0)
		return app_fail(app, &e);
	status = is_list ? list_all(&c, &e) : verify(&c, &e);
	if (c.record != NULL && is_list)
		record_close(c.record);
	else if (c.record != NULL)
		status = vouch_close(app, c.definition, c.record, status, &e);
	return status < 0 ? app_fail(app, &e) : status;
}
