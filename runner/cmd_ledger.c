/*
 * assize ledger: the record as something others can check.
 *
 * `init` gives it a key, `checkpoint` signs for what is there, `anchor` puts that elsewhere,
 * `verify` holds everything against everything, `prove` shows that one record is among those signed
 * for, `leaves` prints what is hashed, for verifiers that are not ours. All work on --record alone;
 * with a definition its `ledger:` section says what is not on the command line.
 */
#include "runner/cmd_ledger.h"

#include <stdio.h>
#include <string.h>

#include "runner/app.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/record.h"
#include "runner/io/file.h"
#include "runner/model/definition.h"

static int run_ledger(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",	 "record", "var",   "key",  "name",   "trust",
				      "against", "origin", "from",  "size", "strict", "offline",
				      "output",	 "json",   "quiet", NULL};

const struct command command_ledger = {
	.name = "ledger",
	.group = "ask the record",
	.words = "init|rotate|checkpoint|anchor|verify|prove|leaves",
	.summary = "sign for the record, verify that nobody changed it, prove what is in it",
	.accepts = accepts,
	.run = run_ledger,
};

const struct ledger_settings *ledger_settings_of(const struct ledger_command *c)
{
	return c->definition != NULL ? c->definition->ledger : NULL;
}

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
} verbs[] = {
	{"init", RECORD_WRITE, ledger_do_init},
	{"rotate", RECORD_WRITE, ledger_do_rotate},
	{"checkpoint", RECORD_WRITE, ledger_do_checkpoint},
	{"anchor", RECORD_WRITE, ledger_do_anchor},
	{"verify", RECORD_READ, ledger_do_verify},
	{"prove", RECORD_READ, ledger_do_prove},
	{"leaves", RECORD_READ, ledger_do_leaves},
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
		{"--trust", "verify", o->trust.n > 0},
		{"--against", "verify", o->against.n > 0},
		{"--origin", "verify", o->origin != NULL},
		{"--strict", "verify", o->is_strict},
		{"--offline", "verify", o->is_offline},
		{"--json", "verify", o->is_json},
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
	if (c->o.n_words == 1 || (c->o.n_words == 2 && strcmp(v->name, "prove") == 0))
		return 0;
	return err_set(e, ERR_USAGE, "assize ledger %s takes no further words: \"%s\"", v->name,
		       c->o.words[1]);
}

static int run_ledger(struct app *app, const struct command *self, int argc, char **argv)
{
	struct ledger_command c = {.app = app};
	const struct verb *verb;
	struct err e = {0};
	int status;

	if (!app_begin(app, self, argc, argv, &c.o, &status))
		return status;
	verb = find_verb(&c, &e);
	if (verb == NULL || check_words(&c, verb, &e) != 0)
		return app_fail(app, &e);
	if (c.o.record == NULL && app_load(app, &c.o, &c.definition) != 0)
		return EXIT_USAGE;
	c.path = app_record_path(app, &c.o, c.definition);
	if (record_open(c.path, verb->mode, &c.record, &e) != 0)
		return app_fail(app, &e);
	status = verb->run(&c, &e);
	record_close(c.record);
	return status < 0 ? app_fail(app, &e) : status;
}
