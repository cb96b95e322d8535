/*
 * assize ledger: the record as something others can check.
 *
 * `init` gives it a key, `checkpoint` signs for what is there, `verify` holds everything against
 * everything, `prove` shows that one record is among those signed for, `leaves` prints what is
 * hashed, for verifiers that are not ours. All work on --record alone; with a definition its
 * `ledger:` section says what is not on the command line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/history/ledger.h"
#include "runner/identity.h"
#include "runner/io/file.h"
#include "runner/io/shared_log.h"
#include "runner/io/sign.h"
#include "runner/ledger_show.h"
#include "runner/model/definition.h"
#include "runner/options.h"
#include "runner/vouch.h"

static int run_ledger(struct app *app, const struct command *self, int argc, char **argv);

static const char *const accepts[] = {"file",	"record",  "var",    "key",   "name",
				      "trust",	"against", "origin", "from",  "size",
				      "strict", "output",  "json",   "quiet", NULL};

const struct command command_ledger = {
	.name = "ledger",
	.group = "ask the record",
	.words = "init|rotate|checkpoint|verify|prove|leaves",
	.summary = "sign for the record, verify that nobody changed it, prove what is in it",
	.accepts = accepts,
	.run = run_ledger,
};

#define DEFAULT_NAME   "assize"
#define MAX_TRUST_FILE 65536

struct ledger_command {
	struct app *app;
	struct options o;
	struct definition *definition; /* NULL = --record names a record alone */
	const char *path;
	struct record *record;
};

static const struct ledger_settings *settings(const struct ledger_command *c)
{
	return c->definition != NULL ? c->definition->ledger : NULL;
}

/* To -o FILE, or standard output. */
static int put(struct ledger_command *c, const char *text, size_t n, struct err *e)
{
	if (c->o.output == NULL) {
		(void)fwrite(text, 1, n, c->app->out); /* main looks at the stream */
		return 0;
	}
	return file_write_atomic(file_absolute(c->app->arena, c->app->cwd, c->o.output), text, n,
				 e);
}

/* ---- keys ---- */

static int add_key(struct ledger_command *c, const struct sign_key *key,
		   const struct sign_key *former, struct err *e)
{
	const struct ledger_settings *s = settings(c);
	struct ledger_new_key k = {
		.name = c->o.name != NULL	       ? c->o.name
			: s != NULL && s->name != NULL ? s->name
						       : DEFAULT_NAME,
		.key = key,
		.former = former,
		.at_ms = clock_wall_ms(&c->app->clock),
	};

	identity_who(c->app, &k.host, &k.user);
	return ledger_add_key(c->record, c->app->arena, &k, e);
}

/* The line others need, and what to do with it. */
static int tell_key(struct ledger_command *c, struct err *e)
{
	struct ledger_head head;
	struct ledger_key *keys;
	size_t n;

	if (ledger_head(c->record, c->app->arena, &head, e) != 0 ||
	    ledger_keys(c->record, c->app->arena, &keys, &n, e) != 0)
		return -1;
	if (c->o.is_quiet) {
		(void)fprintf(c->app->out, "%s\n", note_key_line(c->app->arena, &keys[n - 1].key));
		return 0;
	}
	(void)fprintf(
		c->app->out,
		"origin  %s\nkey     %s\n\n"
		"Give both to whoever is to verify: assize ledger verify --trust KEY, or trust: in "
		"the\ndefinition. Whoever can read the private key and write the record can make "
		"up "
		"anything\nsince the last checkpoint that was kept elsewhere: assize ledger "
		"checkpoint -o FILE\n",
		head.origin, note_key_line(c->app->arena, &keys[n - 1].key));
	return 0;
}

static const char *key_path(struct ledger_command *c)
{
	return c->o.key != NULL ? file_absolute(c->app->arena, c->app->cwd, c->o.key)
				: vouch_key_path(c->app, c->definition, c->path);
}

static bool has_secret_key(const struct ledger_command *c)
{
	return settings(c) != NULL && settings(c)->key_pem != NULL;
}

static int no_place(struct err *e)
{
	(void)err_set(e, ERR_USAGE, "a record on a server has no key beside it: name one");
	return err_help(e, "--key FILE, or -f with a definition whose ledger: has key: or "
			   "key_pem:");
}

static int do_init(struct ledger_command *c, struct err *e)
{
	const char *path = key_path(c), *note;
	struct ledger_head head;
	struct sign_key *key;
	int rc;

	if (ledger_head(c->record, c->app->arena, &head, e) != 0)
		return -1;
	if (head.origin != NULL) {
		(void)err_set(e, ERR_USAGE, "the ledger has a key already: its origin is %s",
			      head.origin);
		return err_help(e, "assize ledger rotate makes another one known");
	}
	if (path == NULL && !has_secret_key(c))
		return no_place(e);
	if (path == NULL)
		rc = vouch_key(c->app, c->definition, c->path, &key, e);
	else if (access(path, F_OK) == 0 || sign_key_make(path, e) == 0)
		rc = sign_key_load(path, &key, e);
	else
		rc = -1;
	if (rc == 1)
		return err_set(e, ERR_USAGE, "the definition's key_pem is empty: there is no key");
	if (rc != 0)
		return -1;
	rc = add_key(c, key, NULL, e);
	if (rc == 0)
		rc = ledger_checkpoint_make(c->record, c->app->arena, key, &note, e);
	sign_key_free(key);
	return rc == 0 ? tell_key(c, e) : -1;
}

/* The new key takes the place of the old one, which is kept under the first bytes of its public
 * key. */
static int exchange_files(struct ledger_command *c, const char *path, const char *fresh,
			  const struct sign_key *former, struct err *e)
{
	unsigned char public[SIGN_PUBLIC_BYTES];
	const char *kept;

	sign_key_public(former, public);
	kept = arena_printf(c->app->arena, "%s.%02x%02x%02x%02x", path, public[0], public[1],
			    public[2], public[3]);
	if (rename(path, kept) != 0 || rename(fresh, path) != 0)
		return err_set(
			e, ERR_USAGE,
			"the new key is known, but could not be moved from \"%s\" to \"%s\": %s",
			fresh, path, strerror(errno));
	return 0;
}

static int rotate(struct ledger_command *c, const char *path, const char *fresh,
		  const struct sign_key *former, struct err *e)
{
	struct sign_key *key;
	const char *note;
	int rc;

	if (access(fresh, F_OK) != 0 && sign_key_make(fresh, e) != 0)
		return -1;
	if (sign_key_load(fresh, &key, e) != 0)
		return -1;
	rc = add_key(c, key, former, e);
	if (rc == 0)
		rc = ledger_checkpoint_make(c->record, c->app->arena, key, &note, e);
	sign_key_free(key);
	return rc == 0 ? exchange_files(c, path, fresh, former, e) : -1;
}

static int do_rotate(struct ledger_command *c, struct err *e)
{
	const char *path = vouch_key_path(c->app, c->definition, c->path);
	struct sign_key *former;
	int rc;

	if (path == NULL && !has_secret_key(c))
		return no_place(e);
	if (path == NULL) {
		(void)err_set(
			e, ERR_USAGE,
			"the key comes from key_pem: a new one cannot be put there from here");
		return err_help(e,
				"write the present key into a file, rotate with key: FILE, and put "
				"the new one into the secret");
	}
	rc = vouch_key(c->app, c->definition, c->path, &former, e);
	if (rc == 1)
		rc = err_set(e, ERR_USAGE, "there is no key \"%s\" to rotate from", path);
	if (rc != 0)
		return -1;
	rc = rotate(c, path,
		    c->o.key != NULL ? key_path(c) : arena_printf(c->app->arena, "%s.new", path),
		    former, e);
	sign_key_free(former);
	return rc == 0 ? tell_key(c, e) : -1;
}

/* ---- checkpoints ---- */

static int do_checkpoint(struct ledger_command *c, struct err *e)
{
	struct sign_key *key;
	const char *note;
	int rc;

	rc = c->o.key != NULL ? sign_key_load(key_path(c), &key, e)
			      : vouch_key(c->app, c->definition, c->path, &key, e);
	if (rc == 1) {
		(void)err_set(e, ERR_USAGE, "there is no key to sign with"); /* -1 */
		return err_help(e, "assize ledger init makes one");
	}
	if (rc != 0)
		return -1;
	rc = ledger_checkpoint_make(c->record, c->app->arena, key, &note, e);
	sign_key_free(key);
	return rc == 0 ? put(c, note, strlen(note), e) : -1;
}

/* ---- verification ---- */

struct trust {
	struct ledger_trust t;
	struct note_key *keys;
	struct ledger_kept *kept;
};

/* A key, or a file with one on each line. */
static int add_trust(struct ledger_command *c, struct trust *t, const char *word, struct err *e)
{
	struct arena *a = c->app->arena;
	struct note_key key;
	struct buf text;
	struct note_key *more;
	int rc = 0;

	buf_init(&text, MAX_TRUST_FILE);
	if (note_key_parse(a, word, &key, NULL) == 0)
		rc = buf_puts(&text, word);
	else if (strchr(word, '+') != NULL && access(word, F_OK) != 0)
		rc = note_key_parse(a, word, &key, e);
	else
		rc = file_read(file_absolute(a, c->app->cwd, word), &text, e);
	for (const char *at = text.data, *end; rc == 0 && *at != '\0'; at = end + (*end == '\n')) {
		end = at + strcspn(at, "\n");
		if (end == at || *at == '#')
			continue;
		rc = note_key_parse(a, arena_strndup(a, at, (size_t)(end - at)), &key, e);
		more = arena_array(a, t->t.n_keys + 1, sizeof(*more));
		if (t->t.n_keys > 0)
			memcpy(more, t->keys, t->t.n_keys * sizeof(*more));
		more[t->t.n_keys] = key;
		t->keys = more;
		t->t.n_keys += rc == 0 ? 1 : 0;
	}
	buf_release(&text);
	return rc == 0 ? 0 : err_context(e, "--trust");
}

static int read_kept(struct ledger_command *c, const char *file, struct ledger_kept *out,
		     struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, NOTE_MAX_BYTES);
	rc = file_read(file_absolute(c->app->arena, c->app->cwd, file), &text, e);
	*out = (struct ledger_kept){file, arena_strndup(c->app->arena, text.data, text.len),
				    text.len};
	buf_release(&text);
	return rc;
}

static int read_trust(struct ledger_command *c, struct trust *t, struct err *e)
{
	const struct ledger_settings *s = settings(c);

	t->kept = arena_array(c->app->arena, c->o.against.n + 1, sizeof(*t->kept));
	for (size_t i = 0; i < c->o.trust.n; i++)
		if (add_trust(c, t, c->o.trust.items[i], e) != 0)
			return -1;
	for (size_t i = 0; s != NULL && i < s->trust.n; i++)
		if (add_trust(c, t, s->trust.items[i], e) != 0)
			return -1;
	for (size_t i = 0; i < c->o.against.n; i++)
		if (read_kept(c, c->o.against.items[i], &t->kept[i], e) != 0)
			return -1;
	t->t.keys = t->keys;
	t->t.kept = t->kept;
	t->t.n_kept = c->o.against.n;
	t->t.origin = c->o.origin != NULL ? c->o.origin : s != NULL ? s->origin : NULL;
	return 0;
}

static void show_progress(void *ctx, uint64_t done, uint64_t size)
{
	struct ledger_command *c = ctx;

	(void)fprintf(c->app->err, "\r%3.0f %% of %" PRIu64 " records",
		      100.0 * (double)done / (double)size, size);
	(void)fflush(c->app->err); /* to look at; nothing depends on it */
}

static int do_verify(struct ledger_command *c, struct err *e)
{
	struct trust t = {.keys = NULL};
	struct ledger_verification v;
	bool is_live = isatty(STDERR_FILENO) == 1 && !c->o.is_quiet;
	struct buf json;
	int rc;

	if (read_trust(c, &t, e) != 0)
		return -1;
	t.t.progress = is_live ? show_progress : NULL;
	t.t.progress_ctx = c;
	rc = ledger_verify(c->record, c->app->arena, &t.t, &v, e);
	if (is_live)
		(void)fprintf(c->app->err, "\r\033[K"); /* takes the line away */
	if (rc != 0)
		return -1;
	if (c->o.is_json) {
		buf_init(&json, BUF_UNBOUNDED);
		ledger_json_verification(&json, &v);
		rc = put(c, json.data, json.len, e);
		buf_release(&json);
	} else {
		ledger_show_verification(c->app, &v, c->o.is_quiet);
	}
	if (rc != 0)
		return -1;
	if (v.n_broken > 0)
		return EXIT_RECORD;
	return v.n_doubts > 0 || (c->o.is_strict && v.n_findings > 0) ? EXIT_UNDECIDED : EXIT_PASS;
}

/* ---- proofs ---- */

/* The checkpoint a proof leads to: the newest of at least `size` records, or of exactly so many. */
static int find_checkpoint(struct ledger_command *c, uint64_t size, bool is_exact,
			   struct ledger_checkpoint *out, struct err *e)
{
	struct ledger_checkpoint *all;
	size_t n;

	if (ledger_checkpoints(c->record, c->app->arena, is_exact ? SIZE_MAX / 2 : 1, &all, &n,
			       e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (is_exact ? all[i].size == size : all[i].size >= size) {
			*out = all[i];
			return 0;
		}
	}
	(void)err_set(e, ERR_USAGE, "nobody has signed for %" PRIu64 " records%s", size,
		      is_exact ? "" : " yet");
	return err_help(e, "assize ledger checkpoint signs for what there is");
}

static int prove_extension(struct ledger_command *c, struct err *e)
{
	struct ledger_checkpoint checkpoint;
	struct merkle_proof proof;
	struct buf text;
	int rc;

	if (find_checkpoint(c, c->o.size > 0 ? (uint64_t)c->o.size : (uint64_t)c->o.from,
			    c->o.size > 0, &checkpoint, e) != 0 ||
	    ledger_prove_extension(c->record, c->app->arena, (uint64_t)c->o.from, checkpoint.size,
				   &proof, e) != 0)
		return -1;
	buf_init(&text, BUF_UNBOUNDED);
	ledger_put_extension(c->app, &text, (unsigned long long)c->o.from, &proof, &checkpoint);
	rc = put(c, text.data, text.len, e);
	buf_release(&text);
	return rc;
}

static int do_prove(struct ledger_command *c, struct err *e)
{
	struct ledger_checkpoint checkpoint;
	struct ledger_proof proof;
	struct buf text;
	int64_t seq;
	int rc;

	if (c->o.n_words == 1 && c->o.from > 0)
		return prove_extension(c, e);
	if (c->o.n_words != 2 || num_parse_int(c->o.words[1], strlen(c->o.words[1]), &seq) != 0 ||
	    seq < 0) {
		(void)err_set(e, ERR_USAGE, "assize ledger prove takes the number of a record");
		return err_help(e,
				"assize ledger leaves lists them; --from N proves that the record "
				"extends its first N");
	}
	if (c->o.output == NULL) {
		if (ledger_prove(c->record, c->app->arena, (uint64_t)seq, (uint64_t)c->o.size,
				 &proof, e) != 0)
			return -1;
		ledger_show_proof(c->app, &proof);
		return 0;
	}
	if (find_checkpoint(c, c->o.size > 0 ? (uint64_t)c->o.size : (uint64_t)seq + 1,
			    c->o.size > 0, &checkpoint, e) != 0 ||
	    ledger_prove(c->record, c->app->arena, (uint64_t)seq, checkpoint.size, &proof, e) != 0)
		return -1;
	buf_init(&text, BUF_UNBOUNDED);
	ledger_put_proof(c->app, &text, &proof, &checkpoint);
	rc = put(c, text.data, text.len, e);
	buf_release(&text);
	return rc;
}

static int put_leaf(void *ctx, uint64_t seq, const char *json, size_t n)
{
	FILE *out = ctx;

	(void)seq;
	return fwrite(json, 1, n, out) == n && fputc('\n', out) == '\n' ? 0 : -1;
}

static int do_leaves(struct ledger_command *c, struct err *e)
{
	uint64_t to = c->o.size > 0 ? (uint64_t)c->o.size : INT64_MAX;

	return ledger_leaves(c->record, (uint64_t)c->o.from, to, put_leaf, c->app->out, e);
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	enum record_mode mode;
	int (*run)(struct ledger_command *c, struct err *e); /* an exit status, or -1 */
} verbs[] = {
	{"init", RECORD_WRITE, do_init},
	{"rotate", RECORD_WRITE, do_rotate},
	{"checkpoint", RECORD_WRITE, do_checkpoint},
	{"verify", RECORD_READ, do_verify},
	{"prove", RECORD_READ, do_prove},
	{"leaves", RECORD_READ, do_leaves},
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
		{"--key", "init rotate checkpoint", o->key != NULL},
		{"--name", "init", o->name != NULL},
		{"--trust", "verify", o->trust.n > 0},
		{"--against", "verify", o->against.n > 0},
		{"--origin", "verify", o->origin != NULL},
		{"--strict", "verify", o->is_strict},
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

/* A record that is named stands alone; one on a server has no key beside it, so -f may say more. */
static bool needs_definition(const struct options *o)
{
	return o->record == NULL || (shared_url_is(o->record) && o->file != NULL);
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
	if (needs_definition(&c.o) && app_load(app, &c.o, &c.definition) != 0)
		return EXIT_USAGE;
	c.path = app_record_path(app, &c.o, c.definition);
	if (record_open(c.path, verb->mode, &c.record, &e) != 0)
		return app_fail(app, &e);
	status = verb->run(&c, &e);
	record_close(c.record);
	return status < 0 ? app_fail(app, &e) : status;
}
