/*
 * vouch: the key that signs for a record, and when it does.
 *
 * The key is that of the definition's `ledger:` section, else a file "ledger.key" beside the
 * record; a record on a server has nothing beside it. Where there is one, every command that has
 * added to the record signs a checkpoint before it ends; where there is none, nobody vouches and
 * nothing is said.
 */
#ifndef ASSIZE_RUNNER_VOUCH_H
#define ASSIZE_RUNNER_VOUCH_H

struct app;
struct definition;
struct err;
struct record;
struct sign_key;

/*
 * Where the key is, or would be; NULL = it comes from a secret of the definition, or the record is
 * on a server and no key is named.
 */
const char *vouch_key_path(struct app *app, const struct definition *d, const char *record_path);

/*
 * 1 = there is none: no file is named and none is beside the record, or the secret is empty. One
 * that is named and cannot be read is an error. Owned by the caller.
 */
int vouch_key(struct app *app, const struct definition *d, const char *record_path,
	      struct sign_key **out, struct err *e);

/*
 * Where that key is, if there is one that can be read: the file, or "key_pem"; NULL = none. A
 * record that has no key of its own and lies beside one has come to the place of another, maybe.
 */
const char *vouch_key_here(struct app *app, const struct definition *d, const char *record_path);
#define VOUCH_UNKNOWN_KEY_HELP                                                                     \
	"put the record back; if there was none, assize ledger init makes the key known"
/* The record has a key, and the file is not there. */
#define VOUCH_LOST_KEY_HELP "put the key back that was made for this record, or name it with key:"

/* Is this the record the definition means (ledger: origin)? Another one decides nothing. */
int vouch_origin(struct app *app, const struct definition *d, struct record *record, struct err *e);

/* Signs for all the record has. 1 = nobody does: it has no key, or the key is not here. */
int vouch_sign(struct app *app, const struct definition *d, struct record *record, struct err *e);

/*
 * The end of a command that wrote: signs if there is a key, closes the record, and gives the
 * command's exit status, which a signature that was due and could not be made turns to that of the
 * record. status < 0 is passed on. A key that the record does not know is told.
 */
int vouch_close(struct app *app, const struct definition *d, struct record *record, int status,
		struct err *e);

#endif
