#include "runner/vouch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/app.h"
#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/str.h"
#include "runner/history/ledger.h"
#include "runner/io/shared_log.h"
#include "runner/io/sign.h"
#include "runner/model/definition.h"

#define KEY_FILE "ledger.key"

const char *vouch_key_path(struct app *app, const struct definition *d, const char *record_path)
{
	const char *slash = strrchr(record_path, '/');

	if (d != NULL && d->ledger != NULL && d->ledger->key_pem != NULL)
		return NULL;
	if (d != NULL && d->ledger != NULL && d->ledger->key != NULL)
		return d->ledger->key;
	if (shared_url_is(record_path)) /* nothing is beside it */
		return NULL;
	return slash == NULL ? KEY_FILE
			     : arena_printf(app->arena, "%.*s/" KEY_FILE,
					    (int)(slash - record_path), record_path);
}

int vouch_key(struct app *app, const struct definition *d, const char *record_path,
	      struct sign_key **out, struct err *e)
{
	const char *path = vouch_key_path(app, d, record_path);
	const char *pem =
		path == NULL && d != NULL && d->ledger != NULL ? d->ledger->key_pem : NULL;
	bool is_named = d != NULL && d->ledger != NULL && d->ledger->key != NULL;
	struct stat st;

	if (path == NULL && pem == NULL)
		return 1;
	if (pem != NULL)
		return pem[0] == '\0' ? 1 : sign_key_parse(pem, strlen(pem), out, e);
	/* Only a name that nothing has is no key: what cannot be read may be one. */
	if (!is_named && lstat(path, &st) != 0 && errno == ENOENT)
		return 1;
	return sign_key_load(path, out, e);
}

const char *vouch_key_here(struct app *app, const struct definition *d, const char *record_path)
{
	const char *path = vouch_key_path(app, d, record_path);
	struct sign_key *key;
	struct err ignored = {0};

	if (vouch_key(app, d, record_path, &key, &ignored) != 0)
		return NULL;
	sign_key_free(key);
	return path != NULL ? path : "key_pem";
}

int vouch_origin(struct app *app, const struct definition *d, struct record *record, struct err *e)
{
	struct ledger_head head;

	if (d->ledger == NULL || d->ledger->origin == NULL)
		return 0;
	if (ledger_head(record, app->arena, &head, e) != 0)
		return -1;
	if (head.origin != NULL && strcmp(head.origin, d->ledger->origin) == 0)
		return 0;
	(void)err_at(e, ERR_RECORD, d->ledger->pos,
		     "record \"%s\" is not the one that is meant: its origin is \"%s\"",
		     record_path(record), head.origin != NULL ? head.origin : head.identity);
	return err_help(e, "the definition asks for \"%s\"; name that record with --record",
			d->ledger->origin);
}

int vouch_sign(struct app *app, const struct definition *d, struct record *record, struct err *e)
{
	struct ledger_head head;
	struct sign_key *key;
	const char *note;
	int rc;

	if (ledger_head(record, app->arena, &head, e) != 0)
		return -1;
	if (head.origin == NULL) /* no key was ever made known: assize ledger init */
		return 1;
	rc = vouch_key(app, d, record_path(record), &key, e);
	if (rc == 0) {
		rc = ledger_checkpoint_make(record, app->arena, key, &note, e);
		sign_key_free(key);
	}
	if (rc >= 0)
		return rc;
	(void)err_context(e, "could not sign for what was recorded");
	e->class = ERR_RECORD;
	return -1;
}

/* Nobody signs though there is a key: the record is another than the key was made for, or new. */
static void tell_unknown_key(struct app *app, const struct definition *d,
			     const struct record *record)
{
	const char *key = vouch_key_here(app, d, record_path(record));

	if (key != NULL)
		(void)fprintf(app->err,
			      "assize: nobody signs for record \"%s\", which does not know the key "
			      "\"%s\": was a record removed?\nhelp: %s\n",
			      str_escaped(app->arena, record_path(record)),
			      str_escaped(app->arena, key), VOUCH_UNKNOWN_KEY_HELP);
}

int vouch_close(struct app *app, const struct definition *d, struct record *record, int status,
		struct err *e)
{
	struct err why = {0};
	int rc = status < 0 ? 0 : vouch_sign(app, d, record, &why);

	if (rc < 0) {
		*e = why;
		status = -1;
	} else if (rc == 1) {
		tell_unknown_key(app, d, record);
	}
	record_close(record);
	return status;
}
