/*
 * Who vouches for what: the record's keys, the checkpoints it keeps, and those kept elsewhere,
 * which alone can tell that a whole history was made anew.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger_parts.h"
#include "runner/io/digest_verify.h"

#define SHOWN_COMMIT 12

/* A root that a place holds. */
struct ledger_version {
	size_t place;
	uint64_t size;
	struct merkle_hash root;
};

/* ---- which roots are wanted ---- */

int ledger_root_order(const void *a, const void *b)
{
	const struct ledger_root *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

static int read_own(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(c->r, "SELECT size, note FROM checkpoints ORDER BY size", e);
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1) {
		const char *note = store_text_or(s, 1, c->a, "");
		int64_t size = sqlite3_column_int64(s, 0);
		struct ledger_checkpoint *x;
		struct err why = {0};

		c->own = store_grow(c->a, c->own, sizeof(*c->own), c->n_own, &cap);
		x = &c->own[c->n_own];
		if (ledger_checkpoint_parse(c->a, note, strlen(note), x, &why) != 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "the checkpoint at %lld records cannot be read: %s",
					  (long long)size, why.message);
		else if (x->size != (uint64_t)size)
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "the checkpoint at %lld records is one of %" PRIu64,
					  (long long)size, x->size);
		else
			c->n_own++;
	}
	c->out->n_checkpoints = c->n_own;
	return rc;
}

/* Others write there too: what they do is no doubt about the record. */
static bool is_of_branch(const struct ledger_trust *t, const struct ledger_kept *x)
{
	return x->place > 0 && t->places[x->place - 1].is_branch;
}

static void read_kept(struct ledger_check *c)
{
	const struct ledger_trust *t = c->trust;

	c->kept_checkpoints = arena_array(c->a, t->n_kept + 1, sizeof(*c->kept_checkpoints));
	c->places = arena_array(c->a, t->n_places + 1, sizeof(*c->places));
	memset(c->places, 0, (t->n_places + 1) * sizeof(*c->places));
	for (size_t i = 0; i < t->n_kept; i++) {
		struct err why = {0};

		if (t->kept[i].why != NULL)
			(void)err_set(&why, ERR_MEASURE, "%s", t->kept[i].why);
		else if (ledger_checkpoint_parse(c->a, t->kept[i].note, t->kept[i].n,
						 &c->kept_checkpoints[i], &why) == 0)
			continue;
		c->kept_checkpoints[i].origin = NULL; /* told here, and never again */
		if (t->kept[i].why == NULL && is_of_branch(t, &t->kept[i]))
			c->places[t->kept[i].place].n_unsigned++;
		else
			(void)LEDGER_FIND(c, LEDGER_DOUBT, "%s: %s", t->kept[i].from, why.message);
	}
}

int ledger_gather_signed(struct ledger_check *c, struct err *e)
{
	size_t n = 0, kept = 0;

	if (read_own(c, e) != 0 || ledger_read_anchors(c->r, c->a, NULL, NULL, SIZE_MAX / 2,
						       &c->anchors, &c->n_anchors, e) != 0)
		return -1;
	read_kept(c);
	c->roots = arena_array(c->a, c->n_own + c->n_anchors + c->trust->n_kept + 2,
			       sizeof(*c->roots));
	for (size_t i = 0; i < c->n_anchors; i++)
		c->roots[n++].size = c->anchors[i].size;
	if (c->trust->root_at > 0)
		c->roots[n++].size = c->trust->root_at;
	for (size_t i = 0; i < c->n_own; i++)
		c->roots[n++].size = c->own[i].size;
	for (size_t i = 0; i < c->trust->n_kept; i++)
		if (c->kept_checkpoints[i].origin != NULL)
			c->roots[n++].size = c->kept_checkpoints[i].size;
	if (n > 1)
		qsort(c->roots, n, sizeof(*c->roots), ledger_root_order);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || c->roots[kept - 1].size != c->roots[i].size)
			c->roots[kept++] = c->roots[i];
	c->n_roots = kept;
	return 0;
}

/* ---- keys ---- */

struct keys {
	struct ledger_key *items;
	bool *is_trusted;
	size_t n;
};

static bool is_given(const struct ledger_trust *t, const struct note_key *k)
{
	for (size_t i = 0; i < t->n_keys; i++)
		if (memcmp(t->keys[i].public, k->public, SIGN_PUBLIC_BYTES) == 0 &&
		    strcmp(t->keys[i].name, k->name) == 0)
			return true;
	return false;
}

static bool is_endorsed(struct ledger_check *c, const struct ledger_key *by,
			const struct ledger_key *k)
{
	const char *text = ledger_endorsed(c->a, c->out->head.identity, &k->key);

	return k->endorsement != NULL &&
	       verify_ed25519((struct bytes){by->key.public, SIGN_PUBLIC_BYTES},
			      (struct bytes){k->endorsement, SIGN_SIGNATURE_BYTES},
			      (struct bytes){(const unsigned char *)text, strlen(text)});
}

static int check_keys(struct ledger_check *c, struct keys *k, struct err *e)
{
	const struct ledger_trust *t = c->trust;
	bool has_trusted = false;

	if (ledger_read_keys(c->r, c->a, &k->items, &k->n, e) != 0)
		return -1;
	k->is_trusted = arena_array(c->a, k->n + 1, sizeof(*k->is_trusted));
	for (size_t i = 0; i < k->n; i++) {
		const struct ledger_key *x = &k->items[i];
		bool follows = i > 0 && is_endorsed(c, &k->items[i - 1], x);

		if (i > 0 && !follows)
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "key %08" PRIx32 " is not endorsed by the key before it",
					  x->key.id);
		k->is_trusted[i] = is_given(t, &x->key) || (follows && k->is_trusted[i - 1]) ||
				   (t->n_keys == 0 && i == 0);
		has_trusted = has_trusted || k->is_trusted[i];
	}
	if (k->n > 0)
		c->out->key = note_key_line(c->a, &k->items[k->n - 1].key);
	c->out->is_key_trusted = t->n_keys > 0 && k->n > 0 && k->is_trusted[k->n - 1];
	if (t->n_keys > 0 && !has_trusted)
		(void)ledger_find(
			c, LEDGER_BROKEN,
			"if the key was replaced, the new one must be endorsed by the old: "
			"assize ledger rotate",
			k->n == 0 ? "the ledger has no key, though you trust one"
				  : "the ledger is signed with another key than those you trust");
	return 0;
}

/* ---- checkpoints ---- */

/* Signed by a key the record knew when the checkpoint was made? *is_trusted: by one to be trusted.
 */
static bool is_signed(struct ledger_check *c, const struct keys *k,
		      const struct ledger_checkpoint *x, bool *is_trusted)
{
	struct note note;
	bool is_any = false;

	*is_trusted = false;
	if (note_parse(c->a, x->note, strlen(x->note), &note, NULL) != 0)
		return false;
	for (size_t i = 0; i < k->n; i++) {
		if ((uint64_t)k->items[i].seq >= x->size ||
		    !note_is_signed(&note, &k->items[i].key, NULL))
			continue;
		is_any = true;
		*is_trusted = *is_trusted || k->is_trusted[i];
	}
	return is_any;
}

static bool is_root(const struct ledger_check *c, const struct ledger_checkpoint *x)
{
	const struct merkle_hash *root = ledger_root_of(c, x->size);

	return root != NULL && memcmp(root->bytes, x->root.bytes, SHA256_BYTES) == 0;
}

static void check_own(struct ledger_check *c, const struct keys *k)
{
	struct ledger_verification *v = c->out;
	uint64_t good = 0;

	for (size_t i = 0; i < c->n_own; i++) {
		const struct ledger_checkpoint *x = &c->own[i];
		bool is_trusted;

		if (!is_signed(c, k, x, &is_trusted)) {
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "the checkpoint at %" PRIu64
					  " records is signed by no key the record had then",
					  x->size);
			continue;
		}
		if (v->head.origin == NULL || strcmp(x->origin, v->head.origin) != 0) {
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "the checkpoint at %" PRIu64 " records is of another "
					  "record, \"%s\"",
					  x->size, x->origin);
			continue;
		}
		if (!is_root(c, x)) {
			(void)LEDGER_FIND(
				c, LEDGER_BROKEN,
				"the first %" PRIu64 " records are not those that were "
				"signed for; the last checkpoint that holds is at %" PRIu64,
				x->size, good);
			continue;
		}
		good = x->size;
		v->n_signed += is_trusted;
		if (!is_trusted)
			continue;
		v->signed_size = x->size;
		v->signed_note = x->note;
		v->signed_root = x->root;
	}
}

/* Kept elsewhere: by whom it must be signed to count is for the reader's keys to say. */
static bool is_kept_signed(struct ledger_check *c, const struct keys *k, const char *note_text,
			   size_t n)
{
	const struct ledger_trust *t = c->trust;
	struct note note;

	if (note_parse(c->a, note_text, n, &note, NULL) != 0)
		return false;
	for (size_t i = 0; i < t->n_keys; i++)
		if (note_is_signed(&note, &t->keys[i], NULL))
			return true;
	for (size_t i = 0; i < k->n; i++)
		if (k->is_trusted[i] && note_is_signed(&note, &k->items[i].key, NULL))
			return true;
	return false;
}

/* It holds: how far, since when, and does its place still say so? */
static void take_kept(struct ledger_check *c, const struct ledger_kept *kept, uint64_t size)
{
	struct ledger_verification *v = c->out;
	struct ledger_place_found *place = &c->places[kept->place];

	v->n_kept_good++;
	if (size > v->kept_size)
		v->kept_size = size;
	if (place->newest == 0)
		place->newest = size;
	place->goes_back = place->goes_back || size > place->newest;
	if (kept->is_misdated)
		(void)LEDGER_FIND(c, LEDGER_NOTE,
				  "%s is dated as it cannot be: it does not say since when",
				  kept->from);
	if (kept->is_misdated || kept->is_time_only || kept->at_ms <= 0 || size < v->anchored_size)
		return;
	if (size > v->anchored_size || kept->at_ms < v->anchored_ms)
		v->anchored_ms = kept->at_ms;
	v->anchored_size = size;
}

static void check_kept(struct ledger_check *c, const struct keys *k)
{
	const struct ledger_verification *v = c->out;

	for (size_t i = 0; i < c->trust->n_kept; i++) {
		const struct ledger_checkpoint *x = &c->kept_checkpoints[i];
		const struct ledger_kept *kept = &c->trust->kept[i];

		if (x->origin == NULL)
			continue;
		if (!is_kept_signed(c, k, kept->note, kept->n)) {
			if (is_of_branch(c->trust, kept))
				c->places[kept->place].n_unsigned++;
			else
				(void)LEDGER_FIND(c, LEDGER_DOUBT,
						  "%s is signed by no key that is trusted: it says "
						  "nothing",
						  kept->from);
		} else if (v->head.origin == NULL || strcmp(x->origin, v->head.origin) != 0) {
			(void)LEDGER_FIND(
				c, LEDGER_BROKEN,
				"this is another record: %s is of \"%s\", this one is \"%s\"",
				kept->from, x->origin,
				v->head.origin != NULL ? v->head.origin : v->head.identity);
		} else if (x->size > v->head.size) {
			(void)LEDGER_FIND(
				c, LEDGER_BROKEN,
				"the record is shorter than it was: %s vouches for %" PRIu64
				" records, %" PRIu64 " are left",
				kept->from, x->size, v->head.size);
		} else if (!is_root(c, x)) {
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "history was rewritten: the first %" PRIu64
					  " records are not those that %s vouches for",
					  x->size, kept->from);
		} else {
			take_kept(c, kept, x->size);
		}
	}
}

static int by_version(const void *a, const void *b)
{
	const struct ledger_version *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return memcmp(x->root.bytes, y->root.bytes, SHA256_BYTES);
}

/* What branches hold, to be searched. */
static struct ledger_version *sort_versions(const struct ledger_check *c, size_t *n)
{
	struct ledger_version *out = arena_array(c->a, c->trust->n_kept + 1, sizeof(*out));

	*n = 0;
	for (size_t i = 0; i < c->trust->n_kept; i++)
		if (c->kept_checkpoints[i].origin != NULL)
			out[(*n)++] = (struct ledger_version){.place = c->trust->kept[i].place,
							      .size = c->kept_checkpoints[i].size,
							      .root = c->kept_checkpoints[i].root};
	if (*n > 1)
		qsort(out, *n, sizeof(*out), by_version);
	return out;
}

/* 1 + its index; 0 = nobody looks there. */
static size_t place_of(const struct ledger_trust *t, const struct ledger_anchor *x)
{
	for (size_t i = 0; i < t->n_places; i++)
		if (strcmp(t->places[i].kind, x->kind) == 0 &&
		    strcmp(t->places[i].name, x->place) == 0)
			return i + 1;
	return 0;
}

/* A branch only grows: what was once put there is there. */
static void look_for(struct ledger_check *c, const struct ledger_anchor *x,
		     const struct ledger_version *versions, size_t n)
{
	size_t place = place_of(c->trust, x);
	struct ledger_place_found *found = &c->places[place];
	const struct ledger_version wanted = {.place = place, .size = x->size, .root = x->root};

	if (place == 0 && c->n_elsewhere++ == 0)
		c->elsewhere = x;
	if (place == 0 || !c->trust->places[place - 1].is_branch ||
	    !c->trust->places[place - 1].is_read ||
	    (n > 0 && bsearch(&wanted, versions, n, sizeof(wanted), by_version) != NULL))
		return;
	if (found->n_missing++ == 0)
		found->missing = x;
}

/*
 * The record's own word that a root was put elsewhere: it cannot be another than its own, and has
 * to be there.
 */
static void check_anchors(struct ledger_check *c)
{
	size_t n_versions;
	const struct ledger_version *versions = sort_versions(c, &n_versions);

	for (size_t i = 0; i < c->n_anchors; i++) {
		const struct ledger_anchor *x = &c->anchors[i];
		const struct merkle_hash *root = ledger_root_of(c, x->size);

		if (root == NULL || memcmp(root->bytes, x->root.bytes, SHA256_BYTES) != 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "record %lld says that %s vouches for the first %" PRIu64
					  " records, and they are others",
					  (long long)x->seq, x->place, x->size);
		look_for(c, x, versions, n_versions);
	}
}

static void tell_missing(struct ledger_check *c, const struct ledger_place *place,
			 const struct ledger_place_found *x)
{
	const struct ledger_anchor *row = x->missing;

	(void)ledger_find(
		c, LEDGER_DOUBT,
		"the branch was emptied, set back or made anew, or a commit of it was taken away: "
		"ask those who keep it",
		"the record says that commit %.*s of %s holds its first %" PRIu64
		" records, and the branch does not%s",
		(int)(row->n_receipt < SHOWN_COMMIT ? row->n_receipt : SHOWN_COMMIT),
		(const char *)row->receipt, place->name, row->size,
		x->n_missing == 1
			? ""
			: arena_printf(c->a, ", nor %zu more that it says", x->n_missing - 1));
}

static void tell_places(struct ledger_check *c)
{
	const struct ledger_anchor *elsewhere = c->elsewhere;

	if (c->trust->n_places > 0 && elsewhere != NULL)
		(void)LEDGER_FIND(
			c, LEDGER_NOTE,
			"%zu checkpoint%s put where nobody looks now, the newest of %" PRIu64
			" records to %s %s",
			c->n_elsewhere, c->n_elsewhere == 1 ? " was" : "s were", elsewhere->size,
			elsewhere->kind, elsewhere->place);
	for (size_t i = 0; i < c->trust->n_places; i++) {
		const struct ledger_place *place = &c->trust->places[i];
		const struct ledger_place_found *x = &c->places[i + 1];

		if (place->is_branch && x->goes_back)
			(void)ledger_find(c, LEDGER_DOUBT,
					  "somebody put an old one there; assize ledger anchor "
					  "puts the present one on top",
					  "%s goes back: its newest checkpoint is of %" PRIu64
					  " records, an older one of more",
					  place->name, x->newest);
		if (x->n_missing > 0)
			tell_missing(c, place, x);
		if (x->n_unsigned > 0)
			(void)LEDGER_FIND(
				c, LEDGER_NOTE,
				"%zu version%s on %s %s signed by no key that is trusted: "
				"%s nothing",
				x->n_unsigned, x->n_unsigned == 1 ? "" : "s", place->name,
				x->n_unsigned == 1 ? "is" : "are",
				x->n_unsigned == 1 ? "it says" : "they say");
	}
}

/* ---- what was merged ---- */

/* Signed by a key that is given; what the other record's keys said of each other is not here. */
static bool is_given_signed(struct ledger_check *c, const char *text)
{
	const struct ledger_trust *t = c->trust;
	struct note note;

	if (note_parse(c->a, text, strlen(text), &note, NULL) != 0)
		return false;
	for (size_t i = 0; i < t->n_keys; i++)
		if (note_is_signed(&note, &t->keys[i], NULL))
			return true;
	return false;
}

/* id, origin, size, root, vouched, note */
static void check_merge(struct ledger_check *c, sqlite3_stmt *s)
{
	long long id = (long long)sqlite3_column_int64(s, 0);
	const char *origin = store_text_or(s, 1, c->a, "a record without a key");
	const char *note = store_text_or(s, 5, c->a, "");
	unsigned char root[SHA256_BYTES];
	struct ledger_checkpoint x;

	store_digest(s, 3, root, sizeof(root));
	if (sqlite3_column_int64(s, 4) == 0)
		(void)ledger_find(c, LEDGER_DOUBT, "it was merged with --unsigned",
				  "nobody vouched for merge %lld of %s", id, origin);
	else if (ledger_checkpoint_parse(c->a, note, strlen(note), &x, NULL) != 0 ||
		 x.size != (uint64_t)sqlite3_column_int64(s, 2) || strcmp(x.origin, origin) != 0 ||
		 memcmp(x.root.bytes, root, sizeof(root)) != 0)
		(void)LEDGER_FIND(c, LEDGER_BROKEN,
				  "merge %lld of %s is not what its checkpoint vouches for", id,
				  origin);
	else if (c->trust->n_keys > 0 && !is_given_signed(c, note))
		(void)ledger_find(c, LEDGER_DOUBT,
				  "if you know the key it is signed with, give it with --trust or "
				  "the definition's ledger: trust",
				  "merge %lld of %s is signed by none of the keys you trust", id,
				  origin);
}

static int check_merges(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		c->r,
		"SELECT id, (SELECT body FROM texts WHERE id = origin), size, root, "
		"vouched, (SELECT body FROM texts WHERE id = note) FROM merges ORDER BY id",
		e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1)
		check_merge(c, s);
	return rc;
}

static void check_origin(struct ledger_check *c)
{
	const char *wanted = c->trust->origin, *is = c->out->head.origin;

	if (wanted == NULL || (is != NULL && strcmp(wanted, is) == 0) ||
	    strcmp(wanted, c->out->head.identity) == 0)
		return;
	(void)LEDGER_FIND(c, LEDGER_BROKEN,
			  "this is another record: wanted is \"%s\", this one is \"%s\"", wanted,
			  is != NULL ? is : c->out->head.identity);
}

int ledger_check_signed(struct ledger_check *c, struct err *e)
{
	struct keys k = {0};

	if (check_keys(c, &k, e) != 0 || check_merges(c, e) != 0)
		return -1;
	check_origin(c);
	check_own(c, &k);
	check_kept(c, &k);
	check_anchors(c);
	tell_places(c);
	/* a key is known to all, its row can be put into any record: a signature cannot */
	if (c->trust->n_keys > 0 && k.n > 0 && c->out->n_signed == 0 && c->out->n_broken == 0)
		(void)ledger_find(c, LEDGER_DOUBT, "assize ledger checkpoint, there, signs for it",
				  "none of the keys you trust has signed for it");
	if (k.n == 0 && c->trust->key_here != NULL)
		(void)ledger_find(c, LEDGER_DOUBT, c->trust->key_here_help,
				  "nobody vouches for the record, which does not know the key "
				  "\"%s\": was a record removed?",
				  c->trust->key_here);
	else if (k.n == 0)
		(void)ledger_find(c, LEDGER_NOTE, "assize ledger init makes one",
				  "nobody vouches for the record: it has no key");
	else if (c->trust->n_keys == 0)
		(void)ledger_find(c, LEDGER_NOTE, "give the key you know with --trust",
				  "the key is vouched for by the record alone");
	return 0;
}
