/* Whether a record is taken over, how much of it, and the row that says so. */
#include "runner/history/merge.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/ledger_parts.h"
#include "runner/history/merge_parts.h"

/* What the last merge of the same record came to. */
struct last {
	uint64_t size; /* 0 = there was none */
	struct merkle_hash root;
};

static int refuse(const struct merging *m, struct err *e, const char *why)
{
	return err_set(e, ERR_RECORD, "cannot merge \"%s\": %s", m->from->path, why);
}

static int read_identity(struct record *r, unsigned char out[static MERGE_IDENTITY_BYTES],
			 struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT origin FROM head", e);

	if (s == NULL || store_step(r, s, e) < 0)
		return -1;
	store_digest(s, 0, out, MERGE_IDENTITY_BYTES);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

static int check_identity(struct merging *m, struct err *e)
{
	unsigned char own[MERGE_IDENTITY_BYTES];

	if (read_identity(m->into, own, e) != 0 || read_identity(m->from, m->identity, e) != 0)
		return -1;
	if (memcmp(own, m->identity, sizeof(own)) != 0)
		return 0;
	(void)err_set(e, ERR_USAGE, "\"%s\" is this record, or a copy of it", m->from->path);
	return err_help(e, "a record is not merged with itself; assize ledger import takes a copy "
			   "that has grown");
}

static int read_last(struct merging *m, struct last *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(m->into,
				    "SELECT size, root FROM merges WHERE identity = ?1 ORDER BY id "
				    "DESC LIMIT 1",
				    e);
	int rc;

	*out = (struct last){.size = 0};
	if (s == NULL)
		return -1;
	store_bind_digest(s, 1, m->identity, sizeof(m->identity));
	rc = store_step(m->into, s, e);
	if (rc != 1)
		return rc;
	out->size = (uint64_t)sqlite3_column_int64(s, 0);
	store_digest(s, 1, out->root.bytes, SHA256_BYTES);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* ---- may it be taken? ---- */

static int refuse_broken(const struct merging *m, const struct ledger_verification *v,
			 struct err *e)
{
	(void)err_set(
		e, ERR_RECORD, "cannot merge \"%s\": %s%s", m->from->path, v->findings[0].text,
		v->n_broken > 1 ? arena_printf(m->arena, ", and %zu more", v->n_broken - 1) : "");
	return err_help(e, "nothing of it was taken; assize ledger verify --record %s says more",
			m->from->path);
}

/* Times are held against those of its own record; here nobody could tell any more. */
static int refuse_doubtful(const struct merging *m, const struct ledger_verification *v,
			   struct err *e)
{
	(void)err_set(e, ERR_RECORD, "cannot merge \"%s\": its times are in doubt: %s",
		      m->from->path, v->time_doubt);
	return err_help(e, "nothing of it was taken; measure again into a new record, with a clock "
			   "that is right");
}

static int refuse_unsigned(const struct merging *m, struct err *e)
{
	(void)refuse(m, e,
		     m->o->trust.n_keys > 0 ? "none of the keys that are trusted has signed for it"
					    : "nobody has signed for it");
	return err_help(e, "assize ledger init, there, makes a key; --unsigned takes it all the "
			   "same, and the ledger will say so");
}

/* The part that counts: up to the newest checkpoint, or all of it. */
static uint64_t size_of(const struct merging *m, const struct ledger_verification *v)
{
	return m->o->is_unsigned ? v->head.size : v->signed_size;
}

static int check_last(const struct merging *m, const struct ledger_verification *v,
		      const struct last *last, struct err *e)
{
	uint64_t size = size_of(m, v);

	if (last->size == 0)
		return 0;
	if (size < last->size)
		return refuse(m, e,
			      arena_printf(m->arena,
					   "it is shorter than when it was merged last: %" PRIu64
					   " of its records were taken then, %" PRIu64 " are %s",
					   last->size, size,
					   m->o->is_unsigned ? "left" : "signed for"));
	if (v->has_root_at && memcmp(v->root_at.bytes, last->root.bytes, SHA256_BYTES) == 0)
		return 0;
	return refuse(m, e,
		      arena_printf(m->arena,
				   "its history was rewritten: its first %" PRIu64
				   " records are not those that were taken before",
				   last->size));
}

/*
 * A run under way is signed for when it ends, and taken then. One that has ended, a measurement, or
 * a challenge, is signed for by the command that recorded it: if it is not, the key was away, or a
 * checkpoint was taken out, and what would be left for later is what somebody did not want to be
 * seen.
 */
static int check_left(const struct merging *m, const struct ledger_verification *v, struct err *e)
{
	sqlite3_stmt *s = store_sql(m->from,
				    "SELECT (SELECT count(*) FROM run_ends WHERE seq >= ?1) + "
				    "(SELECT count(*) FROM externals WHERE seq >= ?1) + (SELECT "
				    "count(*) FROM challenges WHERE seq >= ?1)",
				    e);
	int64_t n = 0;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, (int64_t)size_of(m, v));
	if (store_integer(m->from, s, &n, e) < 0)
		return -1;
	if (n == 0)
		return 0;
	(void)refuse(m, e,
		     arena_printf(m->arena,
				  "%" PRId64
				  " of its runs that ended, measurements or challenges, %s behind "
				  "its newest checkpoint%s: they would not be seen",
				  n, n == 1 ? "is" : "are",
				  m->o->trust.n_keys > 0 ? " by a key that is trusted" : ""));
	return err_help(e, "assize ledger checkpoint, there, signs for them; --unsigned takes them "
			   "all the same, and the ledger will say so");
}

static int verify(struct merging *m, const struct last *last, struct ledger_verification *v,
		  struct err *e)
{
	struct ledger_trust trust = m->o->trust;

	trust.root_at = last->size;
	if (m->o->is_unsigned) {
		trust.keys = NULL; /* whoever it was */
		trust.n_keys = 0;
	}
	if (ledger_verify_entered(m->from, m->arena, &trust, v, e) != 0)
		return -1;
	m->out->origin = v->head.origin != NULL ? v->head.origin : v->head.identity;
	if (!m->o->is_unsigned && v->n_broken == 0 && v->n_signed == 0)
		return refuse_unsigned(m, e);
	if (v->n_broken > 0)
		return refuse_broken(m, v, e);
	if (v->time_doubt != NULL)
		return refuse_doubtful(m, v, e);
	return check_last(m, v, last, e) != 0 ? -1 : check_left(m, v, e);
}

/* ---- taking it ---- */

static int vouched(const struct merging *m)
{
	if (m->o->is_unsigned)
		return 0;
	return m->o->trust.n_keys > 0 ? 2 : 1;
}

static int insert_merge(struct merging *m, const struct ledger_verification *v, uint64_t from,
			struct err *e)
{
	bool is_signed = !m->o->is_unsigned;
	const char *const texts[] = {v->head.origin, is_signed ? v->signed_note : NULL, m->o->host,
				     m->o->user};
	int64_t ids[4];
	sqlite3_stmt *s;

	for (size_t i = 0; i < 4; i++)
		if (intern_text(m->into, texts[i], &ids[i], e) != 0)
			return -1;
	s = store_sql(m->into,
		      "INSERT INTO merges(seq, identity, first, size, root, vouched, at_ms, "
		      "origin, note, host, user) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		      "?11)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(m->into, 1));
	store_bind_digest(s, 2, m->identity, sizeof(m->identity));
	store_bind_int(s, 3, (int64_t)from);
	store_bind_int(s, 4, (int64_t)size_of(m, v));
	store_bind_digest(s, 5, (is_signed ? v->signed_root : v->head.root).bytes, SHA256_BYTES);
	store_bind_int(s, 6, vouched(m));
	store_bind_int(s, 7, m->o->at_ms);
	for (int i = 0; i < 4; i++)
		store_bind_id(s, 8 + i, ids[i]);
	if (store_run(m->into, s, e) != 0)
		return -1;
	m->out->id = sqlite3_last_insert_rowid(m->into->db);
	return 0;
}

static int write_all(struct merging *m, const struct ledger_verification *v,
		     const struct last *last, struct err *e)
{
	struct last now;

	if (read_last(m, &now, e) != 0)
		return -1;
	if (now.size != last->size)
		return refuse(m, e, "somebody else is merging it: try again");
	if (insert_merge(m, v, last->size, e) != 0)
		return -1;
	return merge_take(m, (int64_t)last->size, (int64_t)size_of(m, v), e);
}

static int take(struct merging *m, const struct ledger_verification *v, const struct last *last,
		struct err *e)
{
	int rc;

	m->out->from = last->size;
	m->out->vouched = vouched(m);
	m->out->size = size_of(m, v);
	m->out->n_left = v->head.size - m->out->size;
	if (m->out->size == last->size)
		return 0;
	if (store_enter(m->into, STORE_WRITING, e) != 0)
		return -1;
	m->scratch = arena_new();
	m->facts = facts_cache_new(m->from, m->scratch);
	rc = write_all(m, v, last, e);
	arena_free(m->scratch);
	return store_leave(m->into, rc, e);
}

static int merge(struct merging *m, struct err *e)
{
	struct ledger_verification v;
	struct last last;

	if (check_identity(m, e) != 0 || read_last(m, &last, e) != 0 ||
	    verify(m, &last, &v, e) != 0)
		return -1;
	return take(m, &v, &last, e);
}

int record_merge(struct record *into, struct record *from, struct arena *a,
		 const struct merge_options *o, struct merged *out, struct err *e)
{
	struct merged merged = {.id = 0};
	struct merging m = {
		.into = into,
		.from = from,
		.arena = a,
		.o = o,
		.out = &merged,
		.runs = {.arena = a},
	};

	if (store_enter(from, STORE_READING, e) != 0 || store_leave(from, merge(&m, e), e) != 0)
		return -1;
	*out = merged;
	return 0;
}
