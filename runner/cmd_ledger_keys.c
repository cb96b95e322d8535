/* assize ledger init, rotate and checkpoint: keys, and what is signed with them. */
#include "runner/cmd_ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger.h"
#include "runner/identity.h"
#include "runner/io/file.h"
#include "runner/io/sign.h"
#include "runner/model/definition.h"
#include "runner/vouch.h"

#define DEFAULT_NAME "assize"

/* ---- keys ---- */

static int add_key(struct ledger_command *c, const struct sign_key *key,
		   const struct sign_key *former, struct err *e)
{
	const struct ledger_settings *s = ledger_settings_of(c);
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
	return ledger_settings_of(c) != NULL && ledger_settings_of(c)->key_pem != NULL;
}

static int no_place(struct err *e)
{
	(void)err_set(e, ERR_USAGE, "a record on a server has no key beside it: name one");
	return err_help(e, "--key FILE, or -f with a definition whose ledger: has key: or "
			   "key_pem:");
}

/* Whoever asks again has lost what was printed, or was sent here for it. */
static int refuse_second(struct ledger_command *c, const char *origin, struct err *e)
{
	struct ledger_key *keys;
	size_t n;

	if (ledger_keys(c->record, c->app->arena, &keys, &n, e) != 0)
		return -1;
	if (n == 0)
		return err_set(e, ERR_RECORD, "the ledger has an origin, %s, and no key", origin);
	(void)err_set(e, ERR_USAGE, "the ledger has a key already: its origin is %s, its key %s",
		      origin, note_key_line(c->app->arena, &keys[n - 1].key));
	return err_help(e, "give both to whoever is to verify (trust: and origin: of ledger: in "
			   "the definition); assize ledger rotate makes another key known");
}

int ledger_do_init(struct ledger_command *c, struct err *e)
{
	const char *path = key_path(c), *note;
	struct ledger_head head;
	struct sign_key *key;
	int rc;

	if (ledger_head(c->record, c->app->arena, &head, e) != 0)
		return -1;
	if (head.origin != NULL)
		return refuse_second(c, head.origin, e);
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

/* Behind the path, the id of the key as its line has it: "ledger.key.4ee3e1c7". */
static int former_path(struct ledger_command *c, const char *path, const struct sign_key *former,
		       const char **out, struct err *e)
{
	unsigned char public[SIGN_PUBLIC_BYTES];
	struct ledger_key *keys;
	size_t n;

	if (ledger_keys(c->record, c->app->arena, &keys, &n, e) != 0)
		return -1;
	sign_key_public(former, public);
	for (size_t i = 0; i < n; i++) {
		if (memcmp(keys[i].key.public, public, sizeof(public)) != 0)
			continue;
		*out = arena_printf(c->app->arena, "%s.%08" PRIx32, path, keys[i].key.id);
		return 0;
	}
	return err_set(e, ERR_RECORD, "the record does not know key \"%s\"", path);
}

/* A record that has a key gets no first one. -1 */
static int help_get_key(struct ledger_command *c, struct err *e)
{
	struct err ignored = {0};
	struct ledger_head head;

	if (ledger_head(c->record, c->app->arena, &head, &ignored) != 0 || head.origin == NULL)
		return err_help(e, "assize ledger init makes one");
	return err_help(e, VOUCH_LOST_KEY_HELP);
}

/* The new key takes the place of the old one, which is kept. */
static int exchange_files(struct ledger_command *c, const char *path, const char *fresh,
			  const struct sign_key *former, struct err *e)
{
	const char *kept = NULL;

	if (former_path(c, path, former, &kept, e) != 0)
		return -1;
	if (rename(path, kept) != 0 || rename(fresh, path) != 0)
		return err_set(
			e, ERR_USAGE,
			"the new key is known, but could not be moved from \"%s\" to \"%s\": %s",
			fresh, path, strerror(errno));
	if (!c->o.is_quiet)
		(void)fprintf(
			c->app->out,
			"former  %s\n\nThe former key is kept there: a copy of the record "
			"from before the rotation knows no\nother. Remove it if it was leaked "
			"or no such copy is to be added to any more.\n\n",
			file_shown(c->app->arena, c->app->cwd, kept));
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
	/* The old one ends with a checkpoint: where it must not sign, no other is made known. */
	rc = ledger_checkpoint_make(c->record, c->app->arena, former, &note, e);
	if (rc == 0)
		rc = add_key(c, key, former, e);
	if (rc == 0)
		rc = ledger_checkpoint_make(c->record, c->app->arena, key, &note, e);
	sign_key_free(key);
	return rc == 0 ? exchange_files(c, path, fresh, former, e) : -1;
}

int ledger_do_rotate(struct ledger_command *c, struct err *e)
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
	if (rc == 1) {
		(void)err_set(e, ERR_USAGE, "there is no key \"%s\" to rotate from", path);
		return help_get_key(c, e);
	}
	if (rc != 0)
		return -1;
	rc = rotate(c, path,
		    c->o.key != NULL ? key_path(c) : arena_printf(c->app->arena, "%s.new", path),
		    former, e);
	sign_key_free(former);
	return rc == 0 ? tell_key(c, e) : -1;
}

/* ---- checkpoints ---- */

int ledger_load_key(struct ledger_command *c, struct sign_key **out, struct err *e)
{
	int rc = c->o.key != NULL ? sign_key_load(key_path(c), out, e)
				  : vouch_key(c->app, c->definition, c->path, out, e);

	if (rc != 1)
		return rc;
	(void)err_set(e, ERR_USAGE, "there is no key to sign with"); /* -1 */
	return help_get_key(c, e);
}

int ledger_do_checkpoint(struct ledger_command *c, struct err *e)
{
	struct sign_key *key;
	const char *note;
	int rc;

	if (ledger_load_key(c, &key, e) != 0)
		return -1;
	rc = ledger_checkpoint_make(c->record, c->app->arena, key, &note, e);
	sign_key_free(key);
	return rc == 0 ? ledger_put(c, note, strlen(note), e) : -1;
}
