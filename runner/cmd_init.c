/*
 * assize init: a definition to begin with, from what is there: databases, metrics, web services,
 * artifacts, images.
 *
 * Sources (init.h) draft checks, the checks measure (into a record that is thrown away), and what
 * they measured becomes their bounds: the definition passes when it is run, and each of its checks
 * can fail. Nothing that exists is replaced.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/base/utc.h"
#include "runner/history/record.h"
#include "runner/init.h"
#include "runner/io/file.h"
#include "runner/load.h"
#include "runner/options.h"
#include "runner/session.h"

/* From the first round to the last, so that a clock which ticks in seconds is seen to move. */
#define ROUNDS_MS 1100
/* For a check of a source whose checks may be long; and what is near the usual 30 seconds. */
#define LONG_MINUTES 15
#define LONG_US	     (INT64_C(8) * 1000000)

static int run_init(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"sqlite",	 "postgres", "mysql",  "odbc",	  "http",
				      "metrics", "artifact", "oci",    "git",	  "user",
				      "key",	 "manifest", "header", "ca-file", "password-env",
				      "output",	 NULL};

static const struct option_meaning meanings[] = {
	{"key", "who must have signed: a minisign key, allowed signers, a GPG keyring"},
	{"output", "write there (default: assize.yaml); - is standard output"},
	{NULL, NULL},
};

const struct command command_init = {
	.name = "init",
	.group = "define",
	.words = "",
	.summary = "write a definition to begin with: what is true now, as checks",
	.accepts = accepts,
	.meanings = meanings,
	.run = run_init,
};

static const struct init_source *const sources[] = {
	&init_sqlite,  &init_postgres, &init_mysql, &init_odbc, &init_http,
	&init_metrics, &init_artifact, &init_oci,   &init_git,
};

#define N_SOURCES (sizeof(sources) / sizeof(*sources))

/* ---- what is to be audited ---- */

static int add_subject(struct init *in, const struct init_source *source, const char *given,
		       struct err *e)
{
	struct init_subject *s = &in->subjects[in->n];

	if (in->n == INIT_MAX_SUBJECTS)
		return err_set(e, ERR_USAGE, "more than %d things at once", INIT_MAX_SUBJECTS);
	*s = (struct init_subject){.source = source, .given = given, .arena = in->app->arena};
	if (source->begin(in, s, e) != 0)
		return -1;
	in->n++;
	return 0;
}

/* Without a word: the SQLite databases here and one directory down. */
static int look_around(struct init *in, struct err *e)
{
	static const char *const globs[] = {"*.db",   "*.sqlite",   "*.sqlite3",
					    "*/*.db", "*/*.sqlite", "*/*.sqlite3"};
	struct arena *a = in->app->arena;

	for (size_t i = 0; i < sizeof(globs) / sizeof(*globs); i++) {
		const char **found;
		size_t n;

		if (file_glob(a, arena_printf(a, "%s/%s", in->app->cwd, globs[i]), &found, &n, e) !=
		    0)
			return -1;
		for (size_t k = 0; k < n; k++)
			if (add_subject(in, &init_sqlite, file_shown(a, in->app->cwd, found[k]),
					e) != 0)
				return -1;
	}
	if (in->n > 0)
		return 0;
	(void)err_set(e, ERR_USAGE,
		      "there is nothing to begin with: nothing was named, and no database is here "
		      "(*.db, *.sqlite)"); /* -1 below */
	return err_help(e, "assize init --sqlite data/shop.db, --postgres \"host=db dbname=shop "
			   "user=audit\", --http URL, --metrics URL, --artifact PATH, --oci IMAGE "
			   "or --git PATH");
}

static int find_subjects(struct init *in, struct err *e)
{
	map_init(&in->names, in->app->arena);
	in->subjects = arena_array(in->app->arena, INIT_MAX_SUBJECTS, sizeof(*in->subjects));
	for (size_t i = 0; i < N_SOURCES; i++) {
		const struct texts *given =
			(const struct texts *)(const void *)((const char *)&in->o +
							     sources[i]->offset);

		for (size_t k = 0; k < given->n; k++)
			if (add_subject(in, sources[i], given->items[k], e) != 0)
				return -1;
	}
	return in->n > 0 ? 0 : look_around(in, e);
}

/* ---- measuring ---- */

/* The lines of targets; returns how many. */
static size_t put_targets(const struct init *in, struct buf *out, bool is_draft)
{
	size_t before = out->len, n = 0;

	(void)buf_puts(out, "targets:\n");
	for (size_t i = 0; i < in->n; i++) {
		const struct init_subject *s = &in->subjects[i];
		size_t len = out->len;

		if (s->source->put_target)
			s->source->put_target(s, out, is_draft);
		n += out->len > len;
	}
	if (n == 0) /* a key without a value is an error */
		out->len = before;
	return n;
}

static void put_sets(const struct init *in, struct buf *out, bool is_draft)
{
	size_t before = out->len, begun;

	(void)buf_puts(out, "rollback:\n");
	begun = out->len;
	for (size_t i = 0; i < in->n; i++)
		if (in->subjects[i].source->put_set)
			in->subjects[i].source->put_set(&in->subjects[i], out, is_draft);
	if (out->len == begun)
		out->len = before;
}

static void put_audit_head(const struct init_subject *s, struct buf *out)
{
	(void)buf_printf(out, "  %s:\n", s->name);
	if (s->target)
		(void)buf_printf(out, "    target: %s\n", s->name);
	if (s->source->is_long)
		(void)buf_printf(out, "    defaults: { timeout: %dm }\n", LONG_MINUTES);
}

/* Writes a definition into the scratch directory and loads it: it must be one of ours. */
static int load_text(struct init *in, const struct buf *text, size_t n_targets,
		     struct definition **out, struct err *e)
{
	const char *path = arena_printf(in->app->arena, "%s/assize.yaml", in->scratch);
	struct load_options load = {
		.path = path,
		.cwd = in->app->cwd,
		.env = in->app->env,
		.env_ctx = in->app->env_ctx,
		.is_draft = true,
	};
	struct diags diags;

	if (file_write_atomic(path, text->data, text->len, e) != 0)
		return -1;
	diags_init(&diags, in->app->arena);
	if (definition_load(in->app->arena, &load, out, &diags) == 0)
		return 0;
	*e = diags.items[0];
	if (e->pos.line <= n_targets + 2) { /* a target: what the user wrote */
		e->pos = (struct pos){.file = NULL};
		e->class = ERR_USAGE;
		return -1;
	}
	e->class = ERR_INTERNAL;
	return err_context(e, "the definition that was made does not load (line %u)",
			   (unsigned)e->pos.line);
}

static int load_targets(struct init *in, struct buf *text, struct err *e)
{
	struct definition *d;
	size_t n;

	text->len = 0;
	(void)buf_puts(text, "assize: 1\n");
	n = put_targets(in, text, true);
	if (n == 0)
		return 0;
	if (load_text(in, text, n, &d, e) != 0)
		return -1;
	for (size_t i = 0; i < in->n; i++)
		in->subjects[i].target = definition_target(d, in->subjects[i].name);
	return 0;
}

static int load_draft(struct init *in, struct buf *text, struct definition **d, struct err *e)
{
	size_t n_targets, n_audits = 0;

	text->len = 0;
	(void)buf_puts(text, "assize: 1\n");
	n_targets = put_targets(in, text, true);
	(void)buf_puts(text, "audits:\n");
	for (size_t i = 0; i < in->n; i++) {
		const struct init_subject *s = &in->subjects[i];
		size_t before = text->len, begun;

		put_audit_head(s, text);
		(void)buf_puts(text, "    checks:\n");
		begun = text->len;
		s->source->put_draft(s, text);
		if (text->len > begun)
			n_audits++;
		else
			text->len = before;
	}
	put_sets(in, text, true);
	if (n_audits == 0) /* only databases can be that empty */
		return err_set(e, ERR_USAGE, "there is no table in %s",
			       in->n == 1 ? in->subjects[0].given : "any of the databases");
	return load_text(in, text, n_targets, d, e);
}

static bool is_of(const char *check, const char *audit)
{
	size_t n = strlen(audit);

	return strncmp(check, audit, n) == 0 && check[n] == '/';
}

/* Gives each subject of this round what is its own of the results. */
static void share_out(struct init *in, size_t round, const struct result *results, size_t n)
{
	for (size_t i = 0; i < in->n; i++) {
		struct init_subject *s = &in->subjects[i];
		struct result *own = arena_array(in->app->arena, n, sizeof(*own));
		size_t n_own = 0;

		if (round >= s->source->n_rounds)
			continue;
		for (size_t k = 0; k < n; k++)
			if (is_of(results[k].check->name, s->name))
				own[n_own++] = results[k];
		s->rounds[round] = (struct init_round){.items = own, .n = n_own};
		s->n_rounds = round + 1;
	}
}

/* The checks of subjects that still want a round; 0 when none does. */
static size_t wanted(const struct init *in, const struct definition *d, size_t round,
		     const struct check **out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_checks; i++)
		for (size_t k = 0; k < in->n; k++)
			if (round < in->subjects[k].source->n_rounds &&
			    strcmp(d->checks[i]->audit, in->subjects[k].name) == 0)
				out[n++] = d->checks[i];
	return n;
}

static int measure_round(struct init *in, const struct definition *d, struct record *record,
			 size_t round, struct err *e)
{
	const struct check **checks = arena_array(in->app->arena, d->n_checks, sizeof(*checks));
	struct session_request req = {
		.app = in->app,
		.definition = d,
		.record = record,
		.checks = checks,
		.n_checks = wanted(in, d, round, checks),
		.command = "run",
		.subject = "",
		.selection = "",
	};
	struct result *results;
	struct run_info run;
	size_t n;

	if (req.n_checks == 0)
		return 0;
	if (session_run(&req, &run, e) != 0)
		return -1;
	if (run.state != RUN_COMPLETE)
		return err_set(e, ERR_MEASURE, "interrupted: nothing was written");
	if (record_run_results(record, in->app->arena, run.id, &results, &n, e) != 0)
		return -1;
	share_out(in, round, results, n);
	return 0;
}

static void await_last_round(const struct init *in, const struct definition *d, int64_t begun_ms)
{
	const struct check **checks = arena_array(in->app->arena, d->n_checks, sizeof(*checks));
	int64_t left_ms = begun_ms + ROUNDS_MS - clock_monotonic_ms(&in->app->clock);
	struct timespec pause = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};

	if (left_ms > 0 && wanted(in, d, INIT_MAX_ROUNDS - 1, checks) > 0)
		(void)nanosleep(&pause, NULL); /* an interrupt ends the program */
}

static int measure(struct init *in, const struct definition *d, struct err *e)
{
	const char *path = arena_printf(in->app->arena, "%s/record.db", in->scratch);
	int64_t begun_ms = clock_monotonic_ms(&in->app->clock);
	struct record *record;
	int rc = 0;

	if (record_open(path, RECORD_WRITE, &record, e) != 0)
		return -1;
	for (size_t round = 0; round < INIT_MAX_ROUNDS && rc == 0; round++) {
		if (round + 1 == INIT_MAX_ROUNDS)
			await_last_round(in, d, begun_ms);
		rc = measure_round(in, d, record, round, e);
	}
	record_close(record);
	return rc;
}

/* ---- the definition ---- */

/* More time than usual where a check took so long that the usual could be too short tomorrow. */
static void put_timeout(const struct init_subject *s, struct buf *out)
{
	int64_t longest_us = 0;

	for (size_t i = 0; s->source->is_long && i < s->rounds[0].n; i++)
		if (s->rounds[0].items[i].duration_us > longest_us)
			longest_us = s->rounds[0].items[i].duration_us;
	if (longest_us > LONG_US)
		(void)buf_printf(out, "    defaults: { timeout: %llds } # a check took %lld s\n",
				 (long long)longest_us * 4 / 1000000,
				 (long long)longest_us / 1000000);
}

static int put_audit(struct init_writer *w, struct init_subject *s, struct err *e)
{
	size_t before = w->out->len, begun;

	map_init(&w->ids, w->arena);
	(void)buf_printf(w->out, "  %s:\n    title: ", s->name);
	init_put_text(w->out, arena_printf(w->arena, "%s as assize init found it",
					   s->title ? s->title : s->name));
	(void)buf_putc(w->out, '\n');
	if (s->target)
		(void)buf_printf(w->out, "    target: %s\n", s->name);
	put_timeout(s, w->out);
	(void)buf_puts(w->out, "    severity: 5\n    tags: [release]\n    checks:\n");
	begun = w->out->len;
	if (s->source->put(w, s, e) != 0)
		return -1;
	if (w->out->len == begun)
		w->out->len = before;
	return 0;
}

/* One gate for all of it; of sets it can have one. */
static void put_gate(const struct init *in, struct buf *out, bool has_audits)
{
	bool has_rule = false;

	(void)buf_puts(out, "\ngates:\n  release:\n");
	if (has_audits)
		(void)buf_puts(out, "    require: [ { tag: release, max_age: 1h } ]\n");
	for (size_t i = 0; i < in->n; i++) {
		if (!in->subjects[i].source->put_gate || has_rule)
			continue;
		in->subjects[i].source->put_gate(&in->subjects[i], out);
		has_rule = true;
	}
}

static int put_definition(struct init *in, struct buf *text, size_t *n_checks, struct err *e)
{
	struct init_writer w = {.arena = in->app->arena, .out = text};
	size_t before, begun;
	bool has_audits;
	char day[UTC_MAX];

	(void)utc_format(clock_wall_ms(&in->app->clock), 0, day); /* its length */
	day[10] = '\0';
	text->len = 0;
	(void)buf_printf(
		text,
		"# Written by assize init: what was true on %s, as checks. The bounds are\n"
		"# measured baselines with a little room. Tighten them, and say why with why:\n"
		"assize: 1\n\n",
		day);
	if (put_targets(in, text, false) > 0)
		(void)buf_putc(text, '\n');
	before = text->len;
	(void)buf_puts(text, "audits:\n");
	begun = text->len;
	for (size_t i = 0; i < in->n; i++)
		if (put_audit(&w, &in->subjects[i], e) != 0)
			return -1;
	has_audits = text->len > begun;
	if (!has_audits)
		text->len = before;
	put_sets(in, text, false);
	put_gate(in, text, has_audits);
	*n_checks = w.n_checks;
	return 0;
}

static int make(struct init *in, struct buf *text, size_t *n_checks, struct err *e)
{
	struct definition *d;

	if (load_targets(in, text, e) != 0)
		return -1;
	for (size_t i = 0; i < in->n; i++)
		if (in->subjects[i].source->look(in, &in->subjects[i], e) != 0)
			return -1;
	if (load_draft(in, text, &d, e) != 0 || measure(in, d, e) != 0)
		return -1;
	return put_definition(in, text, n_checks, e);
}

/* To standard output, or to a file, but never over something that is there. */
static int write_definition(struct init *in, const struct buf *text, struct err *e)
{
	bool is_file = !in->o.is_to_stdout;
	struct stat st;

	if (is_file && lstat(in->path, &st) == 0) {
		(void)err_set(e, ERR_USAGE, "\"%s\" is there already",
			      file_shown(in->app->arena, in->app->cwd, in->path)); /* -1 below */
		return err_help(e, "write elsewhere with -o FILE, and take over what you like");
	}
	if (!text)
		return 0;
	for (size_t i = 0; i < in->n; i++)
		if (in->subjects[i].source->finish &&
		    in->subjects[i].source->finish(in, &in->subjects[i], e) != 0)
			return -1;
	if (is_file)
		return file_write_atomic(in->path, text->data, text->len, e);
	/* A full device is told when all is flushed. */
	(void)fwrite(text->data, 1, text->len, in->app->out);
	return 0;
}

/* Are there checks beside those that sets bring along? */
static bool has_other_checks(const struct init *in)
{
	for (size_t i = 0; i < in->n; i++)
		if (!in->subjects[i].source->put_set)
			return true;
	return false;
}

static void print_done(struct init *in, size_t n_checks)
{
	const char *shown = file_shown(in->app->arena, in->app->cwd, in->path);
	bool is_usual = strcmp(shown, LOAD_FILE) == 0;

	for (size_t i = 0; i < in->n; i++)
		for (size_t k = 0; k < in->subjects[i].n_notes; k++)
			(void)fprintf(in->app->err, "assize: %s\n", in->subjects[i].notes[k]);
	if (in->o.is_to_stdout)
		return; /* it is the definition alone */
	(void)fprintf(in->app->out, "%s: %zu check%s that hold%s now\n", shown, n_checks,
		      n_checks == 1 ? "" : "s", n_checks == 1 ? "s" : "");
	(void)fprintf(in->app->out, "next: read it, then assize %s%s%s\n",
		      has_other_checks(in) ? "run" : "rollback verify", is_usual ? "" : " -f ",
		      is_usual ? "" : shown);
}

/* "init shop.db": which option was meant? */
static const char *meant_option(const char *word)
{
	if (str_starts(word, "http://") || str_starts(word, "https://"))
		return str_ends(word, "/metrics") ? "metrics" : "http";
	return "sqlite";
}

/* An option that is about something nobody named was meant for something else. */
static int check_options(const struct options *o, struct err *e)
{
	size_t n_urls = o->http.n + o->metrics.n;
	const struct {
		bool is_given;
		size_t n; /* of what it is about */
		const char *option, *about;
	} rules[] = {
		{o->headers.n > 0, n_urls, "header", "--http and --metrics"},
		{o->ca_file != NULL, n_urls + o->oci.n, "ca-file", "--http, --metrics and --oci"},
		{o->key != NULL, o->artifact.n, "key", "--artifact"},
		{o->is_manifest, o->artifact.n, "manifest", "--artifact"},
		{o->user != NULL, o->oci.n, "user", "--oci"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].is_given && rules[i].n == 0)
			return err_set(e, ERR_USAGE, "--%s is about %s, and there is none",
				       rules[i].option, rules[i].about);
	return 0;
}

/* What is said about a target is about options here: no file has one yet. */
static void help_as_options(const struct options *o, struct err *e)
{
	static const char unset[] = "environment variable ", end[] = " of the target";
	const char *name = str_starts(e->message, unset) ? e->message + strlen(unset) : "";
	size_t n = o->password_env ? strlen(o->password_env) : 0;
	char *at;

	if (n > 0 && strncmp(name, o->password_env, n) == 0 && name[n] == ' ') {
		*e->help = '\0';
		(void)err_help(e, "set it to the password, or name another: --password-env NAME");
	} else if (strstr(e->help, "password") && !strstr(e->help, "proxy_password") &&
		   (strstr(e->help, "target") || str_starts(e->help, "use password:"))) {
		*e->help = '\0';
		if (n > 0)
			(void)err_help(e, "look at the user, and at what is in %s",
				       o->password_env);
		else
			(void)err_help(e, "name the environment variable that has the password: "
					  "--password-env NAME");
	} else if (strstr(e->help, "max_connections")) {
		*e->help = '\0';
		(void)err_help(e, "try again when others have ended");
	} else if ((at = strstr(e->help, end)) != NULL) {
		memmove(at, at + strlen(end), strlen(at + strlen(end)) + 1);
	}
}

static int run_init(struct app *app, const struct command *self, int argc, char **argv)
{
	struct init in = {.app = app};
	struct err e = {0}, cleanup = {0};
	struct buf text;
	size_t n_checks = 0;
	int status;

	if (!app_begin(app, self, argc, argv, &in.o, &status))
		return status;
	if (app_no_words(self, &in.o, &e) != 0) {
		(void)err_help(&e, "assize init --%s %s", meant_option(in.o.words[0]),
			       in.o.words[0]);
		return app_fail(app, &e);
	}
	in.path = file_absolute(app->arena, app->cwd, in.o.output ? in.o.output : LOAD_FILE);
	in.root = file_absolute(app->arena, in.path, "..");
	if (check_options(&in.o, &e) != 0 || find_subjects(&in, &e) != 0 ||
	    write_definition(&in, NULL, &e) != 0 ||
	    scratch_create(app->arena, app_temporary(app), &in.scratch, &e) != 0)
		return app_fail(app, &e);
	buf_init(&text, BUF_UNBOUNDED); /* what sources write is limited */
	if (make(&in, &text, &n_checks, &e) == 0 && write_definition(&in, &text, &e) == 0)
		print_done(&in, n_checks);
	buf_release(&text);
	if (scratch_remove(in.scratch, &cleanup) != 0 && e.class == ERR_NONE)
		e = cleanup;
	if (e.class == ERR_NONE)
		return EXIT_PASS;
	help_as_options(&in.o, &e);
	return app_fail(app, &e);
}
