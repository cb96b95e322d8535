/*
 * What every command begins and ends with, so that usage errors, help and colours look the same
 * everywhere.
 */
#include "runner/app.h"

#include <string.h>
#include <sys/stat.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/github.h"
#include "runner/history/record.h"
#include "runner/io/file.h"
#include "runner/io/shared_log.h"
#include "runner/io/sign.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/names.h"
#include "runner/options.h"
#include "runner/subject.h"
#include "runner/vouch.h"

#define RECORD_FILE ".assize/record.db"

int app_no_words(const struct command *self, const struct options *o, struct err *e)
{
	if (o->n_words == 0)
		return 0;
	return err_set(e, ERR_USAGE, "assize %s takes no words: \"%s\"", self->name, o->words[0]);
}

int app_fail(struct app *app, const struct err *e)
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	(void)buf_puts(&b, e->pos.file == NULL ? "assize: " : ""); /* unbounded: cannot fail */
	err_render(&b, e, NULL, 0);
	(void)fflush(app->out); /* keep the order of the two streams; errors show at exit */
	(void)fwrite(b.data, 1, b.len, app->err); /* nothing is left to tell it to */
	buf_release(&b);
	return err_exit_status(e->class);
}

int app_fail_beside(struct app *app, int status, const struct err *e)
{
	int failed = app_fail(app, e);

	return failed == EXIT_UNDECIDED && status == EXIT_DISPROVED ? status : failed;
}

static void print_help(struct app *app, const struct command *self)
{
	(void)fprintf(app->out, "usage: assize %s%s%s [options]\n\n%s\n\noptions:\n", self->name,
		      self->words[0] != '\0' ? " " : "", self->words, self->summary);
	options_help(app, self->accepts, self->meanings);
	(void)fprintf(app->out,
		      "\nEach option has an environment twin: --record is ASSIZE_RECORD.\n"
		      "The manual: man assize, man assize.yaml%s%s\n",
		      self->manual != NULL ? ", man " : "",
		      self->manual != NULL ? self->manual : "");
}

static void guard_output(struct app *app, const char *file)
{
	if (file != NULL)
		file_guard_output(file_absolute(app->arena, app->cwd, file));
}

int app_guard_definition(struct app *app, const struct definition *d, const char *file,
			 struct err *e)
{
	guard_output(app, file);
	for (size_t i = 0; d != NULL && i < d->n_sources; i++)
		file_note_read(file_absolute(app->arena, app->cwd, d->sources[i].file));
	return file_check_guarded(e);
}

static void guard_outputs(struct app *app, const struct texts *outputs)
{
	for (size_t i = 0; i < outputs->n; i++) {
		const char *eq = strchr(outputs->items[i], '=');

		guard_output(app, eq != NULL ? eq + 1 : NULL);
	}
}

struct output {
	const char *option, *text, *path; /* NULL = no file */
};

static size_t list_outputs(struct app *app, const char *option, const struct texts *texts,
			   struct output *out)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *eq = strchr(texts->items[i], '=');
		bool is_file = eq != NULL && eq[1] != '\0' && strcmp(eq, "=-") != 0;

		out[i] = (struct output){option, texts->items[i],
					 is_file ? file_absolute(app->arena, app->cwd, eq + 1)
						 : NULL};
	}
	return texts->n;
}

/* Of two that are written into one file the first would be gone. */
static int refuse_one_file(struct app *app, const struct options *o, struct err *e)
{
	struct output *all = arena_array(app->arena, o->reports.n + o->attests.n, sizeof(*all));
	size_t n = list_outputs(app, "--report", &o->reports, all);

	n += list_outputs(app, "--attest", &o->attests, all + n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (all[i].path != NULL && all[k].path != NULL &&
			    file_is_one(all[i].path, all[k].path))
				return err_set(e, ERR_USAGE, "%s %s and %s %s name one file",
					       all[k].option, all[k].text, all[i].option,
					       all[i].text);
	return 0;
}

struct said {
	const char *option, *text;
};

#define N_SAID 8

/* What is recorded and shown as the command line has it, labels apart; MAY be NULL. */
static void list_said(const struct options *o, struct said out[N_SAID])
{
	const struct said all[N_SAID] = {
		{"--subject", o->subject}, {"--owner", o->owner},   {"--by", o->by},
		{"--reason", o->reason},   {"--ticket", o->ticket}, {"--id", o->id},
		{"--series", o->series},   {"--unit", o->unit},
	};

	memcpy(out, all, sizeof(all));
}

static bool is_text(const char *s)
{
	return s == NULL || str_is_utf8(s, strlen(s));
}

/* Two texts that are shown alike would be two, and a report holds only text. */
static int refuse_bytes(const struct options *o, struct err *e)
{
	const char *option = NULL;
	struct said said[N_SAID];

	list_said(o, said);
	for (size_t i = 0; i < N_SAID && option == NULL; i++)
		option = is_text(said[i].text) ? NULL : said[i].option;
	for (size_t i = 0; i < o->labels.n && option == NULL; i++)
		option = is_text(o->labels.items[i].value) ? NULL : "--label";
	for (size_t i = 0; i < o->vars.n && option == NULL; i++)
		option = is_text(o->vars.items[i].value) ? NULL : "--var";
	for (size_t i = 0; i < o->gates.n && option == NULL; i++)
		option = is_text(o->gates.items[i]) ? NULL : "--gate";
	if (option == NULL)
		return 0;
	(void)err_set(e, ERR_USAGE, "%s is not UTF-8 text", option);
	return err_help(e, "it is recorded and shown: give it in UTF-8");
}

static const char *repeated_options(const struct app *app, const struct options *o)
{
	struct buf out;
	const char *text, *record = NULL;

	buf_init(&out, BUF_UNBOUNDED); /* words of the command line */
	if (o->file != NULL) {
		(void)buf_puts(&out, " -f ");
		str_word(&out, o->file);
	}
	if (o->record != NULL)
		record = shared_url_is(o->record) ? shared_url_again(app->arena, o->record)
						  : o->record;
	if (record != NULL) {
		(void)buf_puts(&out, " --record ");
		str_word(&out, record);
	}
	text = arena_strndup(app->arena, out.data, out.len);
	buf_release(&out);
	return text;
}

/* What is written at the end, or removed where it is of an earlier run. */
static void expect_outputs(struct app *app, const struct options *o)
{
	if (!o->is_due) /* nothing may be due, or another run is at it */
		app->reports = o->reports;
	app->attests = o->attests;
	guard_outputs(app, &o->reports);
	guard_outputs(app, &o->attests);
}

bool app_begin(struct app *app, const struct command *self, int argc, char **argv,
	       struct options *o, int *status)
{
	struct err e = {0};

	if (options_parse(app, self->accepts, argc, argv, o, &e) != 0) {
		options_outputs(app, self->accepts, argc, argv, o);
		expect_outputs(app, o);
		(void)err_help(&e, "assize %s --help lists the options", self->name);
		*status = app_fail(app, &e);
		return false;
	}
	if (o->is_help) {
		print_help(app, self);
		*status = EXIT_PASS;
		return false;
	}
	expect_outputs(app, o);
	app->repeated = repeated_options(app, o);
	if (refuse_bytes(o, &e) != 0 || refuse_one_file(app, o, &e) != 0 ||
	    (github_is_wanted(&o->reports) && github_begin(app, &e) != 0)) {
		*status = app_fail(app, &e);
		return false;
	}
	return true;
}

static struct load_options load_of(const struct app *app, const struct options *o)
{
	return (struct load_options){
		.path = o->file,
		.cwd = app->cwd,
		.env = app->env,
		.env_ctx = app->env_ctx,
		.pinned = o->pinned,
		.vars = o->vars.items,
		.n_vars = o->vars.n,
	};
}

/* Libraries read keys by their paths, and the record's key is read when all has been written. */
static void note_keys(struct app *app, const struct options *o, const struct definition *d)
{
	const char *key = vouch_key_path(app, d, app_record_path(app, o, d));

	if (key != NULL)
		file_note_read(key);
	for (size_t i = 0; i < d->n_targets; i++) {
		const struct route *r = &d->targets[i]->route;

		if (r->cert_file != NULL)
			file_note_read(r->cert_file);
		if (r->key_file != NULL)
			file_note_read(r->key_file);
	}
}

void app_guard_output(struct app *app, const struct options *o)
{
	struct load_options load = load_of(app, o);
	struct definition *d = NULL;
	struct diags ignored;
	struct stat st;

	if (o->output == NULL || stat(file_absolute(app->arena, app->cwd, o->output), &st) != 0)
		return;
	guard_output(app, o->output);
	/* Wrong or not there: what it was read from is noted by the file door all the same. */
	diags_init(&ignored, app->arena);
	(void)definition_load(app->arena, &load, &d, &ignored);
	if (d != NULL)
		note_keys(app, o, d);
}

static int refuse_outputs(struct app *app, const struct options *o, const struct definition *d)
{
	struct err e = {0};

	note_keys(app, o, d);
	if (file_check_guarded(&e) == 0)
		return 0;
	(void)app_fail(app, &e);
	return -1;
}

/*
 * What the command line says is recorded and shown as it is: subjects that are masked would all be
 * one. A secret of the definition does not get that far.
 */
static int refuse_secrets(struct app *app, const struct options *o, const struct definition *d)
{
	const char *option = NULL;
	struct said said[N_SAID];
	struct err e = {0};

	list_said(o, said);
	for (size_t i = 0; i < N_SAID && option == NULL; i++)
		if (redact_text(d->redactor, app->arena, said[i].text) != said[i].text)
			option = said[i].option;
	for (size_t i = 0; i < o->labels.n && option == NULL; i++)
		if (redact_text(d->redactor, app->arena, o->labels.items[i].value) !=
		    o->labels.items[i].value)
			option = "--label";
	if (option == NULL)
		return 0;
	(void)err_set(&e, ERR_USAGE, "%s holds a secret of the definition, and would be recorded",
		      option);
	(void)err_help(&e,
		       "every ${env:} and ${file:} of a definition is a secret; what is none is "
		       "given to it with --var");
	(void)app_fail(app, &e);
	return -1;
}

static int load(struct app *app, const struct options *o, const struct load_options *how,
		struct definition **out)
{
	const struct load_instead *instead = how->instead;
	struct diags diags;
	struct definition *d = NULL;
	struct err e = {0};

	diags_init(&diags, app->arena);
	if (definition_load(app->arena, how, &d, &diags) != 0) {
		(void)fflush(app->out);
		if (instead != NULL && instead->reword != NULL)
			instead->reword(instead->reword_ctx, &diags);
		definition_print_diags(app->err, d, &diags);
		return -1;
	}
	if (d->ledger != NULL && d->ledger->key_pem != NULL && d->ledger->key_pem[0] != '\0')
		sign_guard_process();
	if (refuse_outputs(app, o, d) != 0 || refuse_secrets(app, o, d) != 0)
		return -1;
	if (o->subject != NULL && subject_check_word(app->arena, o->subject, &e) != 0) {
		(void)app_fail(app, &e);
		return -1;
	}
	*out = d;
	app->definition = d;
	return 0;
}

int app_load(struct app *app, const struct options *o, struct definition **out)
{
	struct load_options how = load_of(app, o);

	return load(app, o, &how, out);
}

int app_load_instead(struct app *app, const struct options *o, const struct load_instead *instead,
		     struct definition **out)
{
	struct load_options how = load_of(app, o);

	how.instead = instead;
	return load(app, o, &how, out);
}

int app_load_keyless(struct app *app, const struct options *o, struct definition **out)
{
	struct load_options how = load_of(app, o);

	how.is_keyless = true;
	return load(app, o, &how, out);
}

const char *app_record_path(struct app *app, const struct options *o, const struct definition *d)
{
	if (o->record != NULL)
		return shared_url_is(o->record) ? o->record
						: file_absolute(app->arena, app->cwd, o->record);
	return arena_printf(app->arena, "%s/" RECORD_FILE, d->root_dir);
}

/* The directory of the root definition, by text alone; NULL, e says why, for one in a commit. */
static const char *definition_dir(struct app *app, const struct options *o, struct err *e)
{
	struct stat st;
	const char *path, *slash;

	if (o->file == NULL)
		return app->cwd;
	if (str_starts(o->file, LOAD_REF))
		return load_ref_dir(app->arena, app->cwd, o->file, &path, e) == 0 ? path : NULL;
	path = file_absolute(app->arena, app->cwd, o->file);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return path;
	slash = strrchr(path, '/');
	return slash == NULL || slash == path
		       ? "/"
		       : arena_strndup(app->arena, path, (size_t)(slash - path));
}

/* It says where the record is, though nothing in it is read. */
static void note_definition(struct app *app, const struct options *o, const char *dir)
{
	if (o->file != NULL && !str_starts(o->file, LOAD_REF))
		file_note_read(file_absolute(app->arena, app->cwd, o->file));
	file_note_read(arena_printf(app->arena, "%s/" LOAD_FILE, dir));
}

const char *app_record_beside(struct app *app, const struct options *o, struct err *e)
{
	const char *dir;

	if (o->record != NULL)
		return app_record_path(app, o, NULL);
	dir = definition_dir(app, o, e);
	if (dir != NULL)
		note_definition(app, o, dir);
	return dir == NULL ? NULL : arena_printf(app->arena, "%s/" RECORD_FILE, dir);
}

void app_tell_standby(struct app *app, const struct record *r)
{
	const char *standby = record_standby(r);
	struct err e = {0};

	if (standby == NULL)
		return;
	(void)err_set(&e, ERR_RECORD, "record \"%s\" is read from a standby: it %s", record_path(r),
		      standby);
	(void)err_help(&e, "target_session_attrs=primary in its URL, with the hosts of both, finds "
			   "the server that is written to");
	(void)app_fail(app, &e); /* told, and gone on */
}

int app_open_record(struct app *app, const struct options *o, struct record **out, int *status)
{
	struct err e = {0};
	const char *path = app_record_beside(app, o, &e);

	if (path != NULL && record_open(path, RECORD_READ, out, &e) == 0) {
		app_tell_standby(app, *out);
		return 0;
	}
	*status = app_fail(app, &e);
	return -1;
}

int app_help_gates(struct app *app, const struct definition *d, const char *word, struct err *e)
{
	const char **names = arena_array(app->arena, d->n_gates, sizeof(*names));

	if (d->n_gates == 0)
		return err_help(e, "the definition has no gates; man assize.yaml shows one");
	for (size_t i = 0; i < d->n_gates; i++)
		names[i] = d->gates[i]->name;
	return names_help("gates", names, d->n_gates, word, e);
}

const struct gate *app_gate(struct app *app, const struct definition *d, const char *name,
			    struct err *e)
{
	const struct gate *gate = definition_gate(d, name);

	if (gate != NULL)
		return gate;
	(void)err_set(e, ERR_USAGE, "no such gate: %s", name); /* NULL says so */
	(void)app_help_gates(app, d, name, e);
	return NULL;
}

bool app_has_color(const struct app *app, const struct options *o)
{
	const char *no_color = app->env(app->env_ctx, "NO_COLOR");
	const char *term = app->env(app->env_ctx, "TERM");

	if (o->color != COLOR_AUTO)
		return o->color == COLOR_ALWAYS;
	if (no_color != NULL && no_color[0] != '\0') /* no-color.org */
		return false;
	return app->out_is_terminal && (term == NULL || strcmp(term, "dumb") != 0);
}

const char *app_temporary(const struct app *app)
{
	const char *dir = app->env(app->env_ctx, "TMPDIR");

	return dir && dir[0] == '/' ? dir : "/tmp";
}
