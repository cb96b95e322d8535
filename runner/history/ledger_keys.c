/*
 * Keys and checkpoints. A key becomes known by a record of its own, so the tree says from which
 * leaf on it may sign; a later one is endorsed by the one before it, so that who trusts the first
 * can follow.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/base64.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/ledger_parts.h"

int ledger_read_head(struct record *r, struct arena *a, struct ledger_head *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT next_seq, root, lower(hex(origin)), (SELECT (SELECT body FROM texts "
		"WHERE id = k.name) FROM keys k ORDER BY k.id LIMIT 1) FROM head",
		e);
	struct ledger_head head = {0};
	const char *name;
	int rc;

	if (s == NULL)
		return -1;
	rc = store_step(r, s, e);
	if (rc != 1)
		return rc < 0 ? -1
			      : err_set(e, ERR_RECORD, "cannot trust record \"%s\": it has no head",
					r->path);
	head.size = (uint64_t)sqlite3_column_int64(s, 0);
	store_digest(s, 1, head.root.bytes, SHA256_BYTES);
	head.identity = store_text_or(s, 2, a, "");
	name = store_text(s, 3, a);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (name != NULL)
		head.origin = arena_printf(a, "%s/%s", name, head.identity);
	*out = head;
	return 0;
}

int ledger_head(struct record *r, struct arena *a, struct ledger_head *out, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, ledger_read_head(r, a, out, e), e);
}

/* ---- keys ---- */

int ledger_read_keys(struct record *r, struct arena *a, struct ledger_key **out, size_t *n,
		     struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT id, seq, at_ms, (SELECT body FROM texts WHERE id = name), public, "
		"endorsement, (SELECT body FROM texts WHERE id = host), (SELECT body FROM "
		"texts WHERE id = user) FROM keys ORDER BY id",
		e);
	struct ledger_key *items = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		unsigned char public[SIGN_PUBLIC_BYTES];
		struct ledger_key *k;

		items = store_grow(a, items, sizeof(*items), count, &cap);
		k = &items[count++];
		store_digest(s, 4, public, sizeof(public));
		*k = (struct ledger_key){
			.id = sqlite3_column_int64(s, 0),
			.seq = sqlite3_column_int64(s, 1),
			.at_ms = sqlite3_column_int64(s, 2),
			.key = note_key_of(store_text_or(s, 3, a, ""), public),
			.host = store_text_or(s, 6, a, ""),
			.user = store_text_or(s, 7, a, ""),
		};
		if (sqlite3_column_bytes(s, 5) == SIGN_SIGNATURE_BYTES) {
			unsigned char *copy = arena_alloc(a, SIGN_SIGNATURE_BYTES);

			memcpy(copy, sqlite3_column_blob(s, 5), SIGN_SIGNATURE_BYTES);
			k->endorsement = copy;
		}
	}
	*out = items;
	*n = count;
	return rc;
}

int ledger_keys(struct record *r, struct arena *a, struct ledger_key **out, size_t *n,
		struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, ledger_read_keys(r, a, out, n, e), e);
}

const char *ledger_endorsed(struct arena *a, const char *identity, const struct note_key *key)
{
	return arena_printf(a, "assize ledger key\n%s\n%s\n", identity, note_key_line(a, key));
}

static int insert_key(struct record *r, const struct ledger_new_key *k,
		      const unsigned char *endorsement, struct err *e)
{
	unsigned char public[SIGN_PUBLIC_BYTES];
	int64_t name, host, user;
	sqlite3_stmt *s;

	sign_key_public(k->key, public);
	if (intern_text(r, k->name, &name, e) != 0 || intern_text(r, k->host, &host, e) != 0 ||
	    intern_text(r, k->user, &user, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO keys(seq, name, public, endorsement, at_ms, host, user) VALUES "
		      "(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, name);
	store_bind_digest(s, 3, public, sizeof(public));
	if (endorsement != NULL)
		store_bind_digest(s, 4, endorsement, SIGN_SIGNATURE_BYTES);
	store_bind_int(s, 5, k->at_ms);
	store_bind_int(s, 6, host);
	store_bind_int(s, 7, user);
	return store_run(r, s, e);
}

static bool is_key(const struct note_key *known, const struct sign_key *key)
{
	unsigned char public[SIGN_PUBLIC_BYTES];

	sign_key_public(key, public);
	return memcmp(public, known->public, sizeof(public)) == 0;
}

static int add_key(struct record *r, struct arena *a, const struct ledger_new_key *given,
		   struct err *e)
{
	struct ledger_new_key k = *given;
	unsigned char public[SIGN_PUBLIC_BYTES], endorsement[SIGN_SIGNATURE_BYTES];
	struct ledger_head head;
	struct ledger_key *keys;
	struct note_key key;
	const char *text;
	size_t n;

	if (ledger_read_head(r, a, &head, e) != 0 || ledger_read_keys(r, a, &keys, &n, e) != 0)
		return -1;
	if (n == 0)
		return insert_key(r, &k, NULL, e);
	if (k.former == NULL || !is_key(&keys[n - 1].key, k.former)) {
		(void)err_set(
			e, ERR_USAGE,
			"record \"%s\" has a key, and this is not it: only the present key can "
			"make another known",
			r->path);
		return err_help(e, "its id is %08" PRIx32, keys[n - 1].key.id);
	}
	for (size_t i = 0; i < n; i++)
		if (is_key(&keys[i].key, k.key))
			return err_set(e, ERR_USAGE, "the record has that key already");
	k.name = keys[0].key.name;
	sign_key_public(k.key, public);
	key = note_key_of(k.name, public);
	text = ledger_endorsed(a, head.identity, &key);
	if (sign_message(k.former, text, strlen(text), endorsement, e) != 0)
		return -1;
	return insert_key(r, &k, endorsement, e);
}

int ledger_add_key(struct record *r, struct arena *a, const struct ledger_new_key *k, struct err *e)
{
	if (!note_is_name(k->name))
		return err_set(e, ERR_USAGE,
			       "\"%s\" cannot be the name of a ledger: no spaces and no +, for "
			       "example shop.example.com/audits",
			       k->name);
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, add_key(r, a, k, e), e);
}

/* ---- checkpoints ---- */

static int not_checkpoint(struct err *e, const char *why)
{
	return err_set(e, ERR_MEASURE, "not a checkpoint: %s", why);
}

static const char *line_at(struct arena *a, const char **at)
{
	const char *end = strchr(*at, '\n');
	const char *line;

	if (end == NULL)
		return NULL;
	line = arena_strndup(a, *at, (size_t)(end - *at));
	*at = end + 1;
	return line;
}

int ledger_checkpoint_parse(struct arena *a, const char *text, size_t n,
			    struct ledger_checkpoint *out, struct err *e)
{
	struct ledger_checkpoint c = {0};
	const char *at, *size, *root;
	const unsigned char *bytes;
	struct note note;
	int64_t leaves;
	size_t n_bytes;

	if (note_parse(a, text, n, &note, e) != 0)
		return -1;
	at = note.text;
	c.origin = line_at(a, &at);
	size = line_at(a, &at);
	root = line_at(a, &at);
	if (c.origin == NULL || c.origin[0] == '\0' || size == NULL || root == NULL)
		return not_checkpoint(e, "it has no three lines");
	if (num_parse_int(size, strlen(size), &leaves) != 0 || leaves < 0 ||
	    (size[0] == '0' && size[1] != '\0'))
		return not_checkpoint(e, "its second line is no size");
	bytes = base64_decode(a, root, strlen(root), &n_bytes);
	if (bytes == NULL || n_bytes != SHA256_BYTES)
		return not_checkpoint(e, "its third line is no SHA-256 in base64");
	memcpy(c.root.bytes, bytes, SHA256_BYTES);
	c.size = (uint64_t)leaves;
	c.note = arena_strndup(a, text, n);
	*out = c;
	return 0;
}

/* 1 = there is one of this size. */
static int find_checkpoint(struct record *r, struct arena *a, uint64_t size, const char **note,
			   struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT note FROM checkpoints WHERE size = ?1", e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, (int64_t)size);
	rc = store_step(r, s, e);
	if (rc == 1) {
		*note = store_text_or(s, 0, a, "");
		(void)sqlite3_reset(s); /* after a row: nothing to tell */
	}
	return rc;
}

static int read_checkpoints(struct record *r, struct arena *a, size_t limit,
			    struct ledger_checkpoint **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "SELECT note FROM checkpoints ORDER BY size DESC LIMIT ?1", e);
	struct ledger_checkpoint *items = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, (int64_t)limit);
	while ((rc = store_step(r, s, e)) == 1) {
		const char *note = store_text_or(s, 0, a, "");

		items = store_grow(a, items, sizeof(*items), count, &cap);
		if (ledger_checkpoint_parse(a, note, strlen(note), &items[count++], e) != 0)
			return err_context(e, "record \"%s\"", r->path);
	}
	*out = items;
	*n = count;
	return rc;
}

static int keep_checkpoint(struct record *r, uint64_t size, const char *note, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "REPLACE INTO checkpoints VALUES (?1, ?2)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, (int64_t)size);
	store_bind_text(s, 2, note);
	return store_run(r, s, e);
}

/* Is the root of the first `size` leaves what is said, as far as nodes that are kept tell? */
static int check_root(struct record *r, uint64_t size, const struct merkle_hash *said,
		      struct err *e)
{
	struct merkle_hash is;

	if (ledger_root_at(r, size, &is, e) != 0)
		return -1;
	if (memcmp(&is, said, sizeof(is)) == 0)
		return 0;
	(void)err_set(e, ERR_RECORD,
		      "cannot trust record \"%s\": its first %" PRIu64
		      " records are not those that were recorded",
		      r->path, size);
	return err_help(e, "assize ledger verify says more; put the file aside and restore a copy");
}

/*
 * Nothing is signed for that denies what was signed last. The rows of the newest 256 leaves of
 * either are hashed again, what is older is taken from the nodes that are kept: that costs the
 * same for every record, and an edit of older rows is for a verification to find.
 */
static int check_before(struct record *r, struct arena *a, const struct ledger_head *head,
			struct err *e)
{
	struct ledger_checkpoint *last;
	size_t n;

	if (read_checkpoints(r, a, 1, &last, &n, e) != 0)
		return -1;
	if (n > 0 && last[0].size > head->size) {
		(void)err_set(e, ERR_RECORD,
			      "cannot trust record \"%s\": %" PRIu64
			      " records were signed for, %" PRIu64 " are left",
			      r->path, last[0].size, head->size);
		return err_help(e, "assize ledger verify says more");
	}
	if (n > 0 && check_root(r, last[0].size, &last[0].root, e) != 0)
		return -1;
	return check_root(r, head->size, &head->root, e);
}

static int make_checkpoint(struct record *r, struct arena *a, const struct sign_key *key,
			   const char **note, struct err *e)
{
	struct ledger_head head;
	struct ledger_key *keys;
	const char *text;
	size_t n;
	int rc;

	if (ledger_read_head(r, a, &head, e) != 0 || ledger_read_keys(r, a, &keys, &n, e) != 0)
		return -1;
	if (n == 0) {
		(void)err_set(e, ERR_USAGE, "the ledger of record \"%s\" has no key", r->path);
		return err_help(e, "assize ledger init makes one");
	}
	if (!is_key(&keys[n - 1].key, key))
		return err_set(e, ERR_USAGE,
			       "cannot sign for record \"%s\": its key is %08" PRIx32
			       ", this is another",
			       r->path, keys[n - 1].key.id);
	if (check_before(r, a, &head, e) != 0)
		return -1;
	rc = find_checkpoint(r, a, head.size, note, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	text = arena_printf(a, "%s\n%" PRIu64 "\n%s\n", head.origin, head.size,
			    base64_encode(a, head.root.bytes, SHA256_BYTES));
	if (note_sign(a, text, keys[n - 1].key.name, key, note, e) != 0)
		return -1;
	return keep_checkpoint(r, head.size, *note, e);
}

int ledger_checkpoint_make(struct record *r, struct arena *a, const struct sign_key *key,
			   const char **note, struct err *e)
{
	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	return store_leave(r, make_checkpoint(r, a, key, note, e), e);
}

int ledger_checkpoint_at(struct record *r, struct arena *a, uint64_t size,
			 struct ledger_checkpoint *out, struct err *e)
{
	const char *note = NULL;
	int rc;

	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	rc = find_checkpoint(r, a, size, &note, e);
	if (store_leave(r, rc < 0 ? -1 : 0, e) != 0)
		return -1;
	return rc == 0 ? 1 : ledger_checkpoint_parse(a, note, strlen(note), out, e);
}

int ledger_checkpoints(struct record *r, struct arena *a, size_t limit,
		       struct ledger_checkpoint **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_checkpoints(r, a, limit, out, n, e), e);
}
