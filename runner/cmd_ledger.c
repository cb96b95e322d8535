/*
 * assize ledger: the record as something others can check.
 *
 * `init` gives it a key, `checkpoint` signs for what is there, `anchor` puts that elsewhere,
 * `verify` holds everything against everything, `prove` shows that one record is among those signed
 * for, `leaves` prints what is hashed, for verifiers that are not ours; `merge`, `export` and
 * `import` are about other records. All work on --record alone; with a definition its `ledger:`
 * section says what is not on the command line.
 */
#include "runner/cmd_ledger.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/file.h"
#include "runner/load.h"
#include "runner/model/definition.h"
#include "runner/vouch.h"

static int run_ledger(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",	  "record", "var",  "key",   "name",   "trust",
				      "against",  "origin", "from", "size",  "strict", "offline",
				      "unsigned", "output", "json", "quiet", NULL};

const struct command command_ledger = {
	.name = "ledger",
	.group = "ask the record",
	.words = "init|rotate|checkpoint|anchor|verify|prove|leaves|merge|export|import",
	.summary = "sign for the record, verify that nobody changed it, prove what is in it",
	.accepts = accepts,
	.manual = "assize-ledger",
	.run = run_ledger,
};

int ledger_put(struct ledger_command *c, const char *text, size_t n, struct err *e)
{
	if (c->o.output == NULL) {
		(void)fwrite(text, 1, n, c->app->out); /* main looks at the stream */
		return 0;
	}
	return file_write_atomic(file_absolute(c->app->arena, c->app->cwd, c->o.output), text, n,
				 e);
}

static const struct verb {
	const char *name;
	enum record_mode mode;
	int (*run)(struct ledger_command *c, struct err *e); /* an exit status, or -1 */
	/* Words behind the verb. */
	size_t min_words, max_words;
	bool opens_itself; /* the record is not opened for it */
	bool makes;	   /* a record that is not there */
	bool signs;	   /* it adds to the record: its key signs for that */
} verbs[] = {
	{"init", RECORD_WRITE, ledger_do_init, 0, 0, false, true, false},
	{"rotate", RECORD_WRITE, ledger_do_rotate, 0, 0, false, false, false},
	{"checkpoint", RECORD_WRITE, ledger_do_checkpoint, 0, 0, false, false, false},
	{"anchor", RECORD_WRITE, ledger_do_anchor, 0, 0, false, false, false},
	{"verify", RECORD_READ, ledger_do_verify, 0, 0, false, false, false},
	{"prove", RECORD_READ, ledger_do_prove, 0, 1, false, false, false},
	{"leaves", RECORD_READ, ledger_do_leaves, 0, 0, false, false, false},
	{"merge", RECORD_WRITE, ledger_do_merge, 1, SIZE_MAX, false, true, true},
	{"export", RECORD_READ, ledger_do_export, 1, 1, false, false, false},
	{"import", RECORD_READ, ledger_do_import, 1, 1, true, false, false},
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *find_verb(struct ledger_command *c, struct err *e)
{
	const char *word = c->o.n_words > 0 ? c->o.words[0] : "";
	const char *names[N_VERBS];
	int best;

	for (size_t i = 0; i < N_VERBS; i++) {
		names[i] = verbs[i].name;
		if (strcmp(word, names[i]) == 0)
			return &verbs[i];
	}
	best = str_closest(word, names, N_VERBS);
	(void)err_set(e, ERR_USAGE, "assize ledger takes %s, not \"%s\"", command_ledger.words,
		      word);
	if (best >= 0)
		(void)err_help(e, "did you mean %s?", names[best]); /* told with the error */
	return NULL;
}

/* Options that say nothing to a verb are a mistake: nothing is accepted and ignored. */
static int refuse_others(const struct ledger_command *c, const struct verb *v, struct err *e)
{
	const struct options *o = &c->o;
	const struct {
		const char *option, *verbs;
		bool is_given;
	} given[] = {
		{"--key", "init rotate checkpoint anchor", o->key != NULL},
		{"--name", "init", o->name != NULL},
		{"--trust", "verify merge export import", o->trust.n > 0},
		{"--against", "verify export import", o->against.n > 0},
		{"--origin", "verify export import", o->origin != NULL},
		{"--strict", "verify", o->is_strict},
		{"--offline", "verify", o->is_offline},
		{"--json", "verify", o->is_json},
		{"--unsigned", "merge import", o->is_unsigned},
		{"--from", "prove leaves", o->from > 0},
		{"--size", "prove leaves", o->size > 0},
		{"--output", "checkpoint verify prove", o->output != NULL},
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		if (!given[i].is_given || strstr(given[i].verbs, v->name) != NULL)
			continue;
		(void)err_set(e, ERR_USAGE, "%s says nothing to assize ledger %s", given[i].option,
			      v->name);
		return err_help(e, "it is for: %s", given[i].verbs);
	}
	if (o->output != NULL && strcmp(v->name, "verify") == 0 && !o->is_json)
		return err_set(e, ERR_USAGE, "assize ledger verify -o writes JSON: add --json");
	return 0;
}

static int check_words(const struct ledger_command *c, const struct verb *v, struct err *e)
{
	if (refuse_others(c, v, e) != 0)
		return -1;
	if (c->o.n_words - 1 < v->min_words)
		return err_set(e, ERR_USAGE, "assize ledger %s takes the name of a file", v->name);
	if (c->o.n_words - 1 > v->max_words)
		return err_set(e, ERR_USAGE, "assize ledger %s takes no further words: \"%s\"",
			       v->name, c->o.words[1 + v->max_words]);
	return 0;
}

/*
 * Whose signature counts is for the definition to say, and a record named by --record does not make
 * it silent where other records are to be believed.
 */
static bool wants_definition(const struct ledger_command *c, const struct verb *v)
{
	bool takes_others = v->min_words > 0 && v->run != ledger_do_export;
	const char *here = file_absolute(c->app->arena, c->app->cwd, LOAD_FILE);

	return c->o.record == NULL || c->o.file != NULL ||
	       (takes_others && access(here, F_OK) == 0);
}

/* What a file with a gate that asks for the ledger is to name, init prints. */
static int load(struct ledger_command *c, const struct verb *v)
{
	return v->run == ledger_do_init ? app_load_keyless(c->app, &c->o, &c->definition)
					: app_load(c->app, &c->o, &c->definition);
}

static int open_record(struct ledger_command *c, const struct verb *v, struct err *e)
{
	if (v->mode == RECORD_WRITE && !v->makes)
		return record_open_there(c->path, &c->record, e);
	if (record_open(c->path, v->mode, &c->record, e) != 0)
		return -1;
	app_tell_standby(c->app, c->record);
	return 0;
}

static int run_ledger(struct app *app, const struct command *self, int argc, char **argv)
{
	struct ledger_command c = {.app = app};
	const struct verb *verb;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &c.o, &status))
		return status;
	app_guard_output(app, &c.o);
	verb = find_verb(&c, &e);
	if (verb == NULL || check_words(&c, verb, &e) != 0)
		return app_fail(app, &e);
	if (wants_definition(&c, verb) && load(&c, verb) != 0)
		return EXIT_USAGE;
	c.path = app_record_path(app, &c.o, c.definition);
	if (!verb->opens_itself && open_record(&c, verb, &e) != 0)
		return app_fail(app, &e);
	status = verb->run(&c, &e);
	if (verb->signs)
		status = vouch_close(app, c.definition, c.record, status, &e);
	else
		record_close(c.record);
	return status < 0 ? app_fail(app, &e) : status;
}
