/*
 * Whether the server's tables have what they were given, and nothing else: others may write to them
 * as well, and a trigger may do so with every row.
 */
#include "runner/history/shared.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

/* But for the body. */
static bool is_same_change(const struct shared_change *a, const struct shared_change *b)
{
	return a->number == b->number && a->kind == b->kind && a->version == b->version &&
	       a->size == b->size && memcmp(a->root, b->root, SHA256_BYTES) == 0 &&
	       memcmp(a->digest, b->digest, SHA256_BYTES) == 0;
}

/* ---- before COMMIT ---- */

struct wanted {
	const struct shared_change *change;
	bool is_there;
};

static int take_written(void *ctx, const struct shared_change *c, struct err *e)
{
	struct wanted *x = ctx;

	(void)e;
	if (is_same_change(c, x->change))
		x->is_there = c->n == x->change->n && c->body != NULL &&
			      memcmp(c->body, x->change->body, c->n) == 0;
	return 0;
}

int shared_read_back(struct shared *s, const struct shared_head *head, struct err *e)
{
	const struct shared_log_driver *d = s->log->driver;
	const struct shared_change *c = &head->newest;
	struct wanted x = {.change = c};
	struct shared_head now;

	if (d->changes(s->log, c->number - 1, c->number, take_written, &x, e) != 0 ||
	    d->head(s->log, &now, e) != 0)
		return -1;
	if (x.is_there && is_same_change(&now.newest, c) && now.base == head->base)
		return 0;
	(void)err_set(e, ERR_RECORD,
		      "could not write record \"%s\": the server does not keep what it is given",
		      s->url.shown);
	return err_help(e, "a trigger or a rule on %s drops or changes rows: remove it",
			x.is_there ? "assize_record" : "assize_record_change");
}

/* ---- the head ---- */

int shared_check_head(struct record *r, struct err *e)
{
	const struct shared_change *newest = &r->shared->head.newest;
	unsigned char root[SHA256_BYTES] = {0};
	int64_t version = -1, size = -1;
	sqlite3_stmt *s = store_sql(r, "PRAGMA user_version", e);

	if (newest->number == 0)
		return 0;
	if (s == NULL || store_integer(r, s, &version, e) < 0)
		return -1;
	if (version == newest->version && version != STORE_VERSION)
		return 0; /* in the columns of that version */
	s = store_sql(r, "SELECT next_seq, root FROM head", e);
	if (s == NULL || store_step(r, s, e) != 1)
		return -1;
	size = sqlite3_column_int64(s, 0);
	store_digest(s, 1, root, sizeof(root));
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (version == newest->version && size == newest->size &&
	    memcmp(root, newest->root, sizeof(root)) == 0)
		return 0;
	(void)err_set(e, ERR_RECORD,
		      "cannot trust record \"%s\": its head on the server says %" PRId64
		      " records of version %" PRId64 " with another root than change %" PRId64
		      ", which has %" PRId64 " of version %" PRId64,
		      r->path, newest->size, newest->version, newest->number, size, version);
	return err_help(e, "somebody changed its row in assize_record: set size, root and version "
			   "to those of its newest row in assize_record_change");
}

/* ---- behind the head ---- */

struct behind {
	int64_t head, first; /* 0 = none */
};

static int take_behind(void *ctx, const struct shared_change *c, struct err *e)
{
	struct behind *x = ctx;

	(void)e;
	if (c->number <= x->head)
		return 0;
	x->first = c->number;
	return 1;
}

int record_find_behind(struct record *r, int64_t *first, struct err *e)
{
	*first = 0;
	return r->shared != NULL ? shared_find_behind(r->shared, first, e) : 0;
}

/* A runner that is writing adds change and head at once: who sees its change sees its head. */
int shared_find_behind(struct shared *s, int64_t *first, struct err *e)
{
	const struct shared_log_driver *d = s->log->driver;
	struct behind x = {.head = s->head.newest.number};
	struct shared_head now;

	*first = 0;
	if (d->changes(s->log, x.head, INT64_MAX, take_behind, &x, e) != 0 ||
	    d->head(s->log, &now, e) != 0)
		return -1;
	if (x.first > now.newest.number)
		*first = x.first;
	return 0;
}
