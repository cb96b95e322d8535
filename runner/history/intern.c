/*
 * What repeats is stored once and found by its content. Texts are found by 64 bits of SHA-256 and
 * then compared, so equal hashes do no harm. Definitions and facts are found by their digest alone
 * (16 bytes of SHA-256 over every field, each text with its length before it): rows that anybody
 * could make collide would have to be found by 2^64 work first.
 */
#include <math.h>
#include <string.h>

#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/row.h"
#include "runner/history/store.h"
#include "runner/io/digest.h"

int64_t intern_hash_of(const unsigned char digest[static SHA256_BYTES])
{
	uint64_t bits = 0;
	int64_t hash;

	for (size_t i = 0; i < 8; i++)
		bits = bits << 8 | digest[i];
	memcpy(&hash, &bits, sizeof(hash)); /* the same bits, signed as SQLite wants them */
	return hash;
}

int64_t intern_text_hash(const char *text)
{
	unsigned char digest[SHA256_BYTES];

	sha256_of(text, strlen(text), digest);
	return intern_hash_of(digest);
}

int lookup_body(struct record *r, struct arena *a, int64_t id, struct last_text *last,
		struct err *e)
{
	sqlite3_stmt *s;
	int rc;

	if (last->id == id)
		return 0;
	s = store_sql(r, "SELECT body FROM texts WHERE id = ?1", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	rc = store_step(r, s, e);
	if (rc < 0)
		return -1;
	*last = (struct last_text){id, rc == 1 ? store_text_or(s, 0, a, "") : ""};
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

int lookup_text(struct record *r, const char *text, int64_t *id, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT id FROM texts WHERE hash = ?1 AND body = ?2", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, intern_text_hash(text));
	store_bind_text(s, 2, text);
	*id = 0;
	return store_integer(r, s, id, e) < 0 ? -1 : 0;
}

int intern_text(struct record *r, const char *text, int64_t *id, struct err *e)
{
	sqlite3_stmt *s;

	*id = 0;
	if (text == NULL)
		return 0;
	if (lookup_text(r, text, id, e) != 0)
		return -1;
	if (*id != 0)
		return 0;
	s = store_sql(r, "INSERT INTO texts(hash, body) VALUES (?1, ?2)", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, intern_text_hash(text));
	store_bind_text(s, 2, text);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return 0;
}

int lookup_check(struct record *r, const char *name, int64_t *id, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT id FROM checks WHERE name = ?1", e);

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, name);
	*id = 0;
	return store_integer(r, s, id, e) < 0 ? -1 : 0;
}

int intern_check(struct record *r, const char *name, int64_t *id, struct err *e)
{
	sqlite3_stmt *s;

	if (lookup_check(r, name, id, e) != 0)
		return -1;
	if (*id != 0)
		return 0;
	s = store_sql(r, "INSERT INTO checks(name) VALUES (?1)", e);
	if (s == NULL)
		return -1;
	store_bind_text(s, 1, name);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return 0;
}

int lookup_series(struct record *r, int64_t check_id, const char *name, int64_t *id, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "SELECT id FROM series WHERE check_id = ?1 AND name = ?2", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_text(s, 2, name);
	*id = 0;
	return store_integer(r, s, id, e) < 0 ? -1 : 0;
}

int intern_series(struct record *r, int64_t check_id, const char *name, int64_t *id, struct err *e)
{
	sqlite3_stmt *s;

	if (lookup_series(r, check_id, name, id, e) != 0)
		return -1;
	if (*id != 0)
		return 0;
	s = store_sql(r, "INSERT INTO series(check_id, name) VALUES (?1, ?2)", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, check_id);
	store_bind_text(s, 2, name);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	if (*id > STORE_MAX_SERIES)
		return err_set(e, ERR_RECORD,
			       "could not write record \"%s\": it has %lld series, as many as it "
			       "can hold",
			       r->path, (long long)STORE_MAX_SERIES);
	return 0;
}

static void add_int(struct buf *b, int64_t v)
{
	(void)buf_add(b, &v, sizeof(v)); /* unbounded: cannot fail */
}

/* Absent and empty differ. */
static void add_text(struct buf *b, const char *text)
{
	size_t n = text != NULL ? strlen(text) : 0;

	add_int(b, text != NULL ? (int64_t)n : -1);
	if (n > 0)
		(void)buf_add(b, text, n); /* unbounded: cannot fail */
}

static void add_info(struct buf *b, const struct check_info *c)
{
	(void)buf_add(b, c->hash, sizeof(c->hash)); /* unbounded: cannot fail */
	add_text(b, c->name);
	add_text(b, c->kind);
	add_text(b, c->title);
	add_text(b, c->why);
	add_text(b, c->owner);
	add_text(b, c->target);
	add_text(b, c->file);
	add_int(b, c->line);
	add_int(b, c->col);
	add_int(b, c->severity);
	add_text(b, c->tags);
	add_text(b, c->expects);
}

static void finish(struct buf *b, unsigned char out[static SHA256_BYTES])
{
	sha256_of(b->data, b->len, out);
	buf_release(b);
}

static void digest_of_info(const struct check_info *c, unsigned char out[static SHA256_BYTES])
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	add_info(&b, c);
	finish(&b, out);
}

/* has_share: one of its own, be it no number; else it follows from value and n_total. */
static void digest_of_facts(const struct result *x, bool has_share,
			    unsigned char out[static SHA256_BYTES])
{
	double share = has_share ? x->share : 0;
	struct buf b;

	if (isnan(share))
		share = NAN; /* one NaN, one digest */
	buf_init(&b, BUF_UNBOUNDED);
	add_info(&b, x->check);
	add_int(&b, x->ordinal);
	add_int(&b, x->outcome);
	add_text(&b, x->unit);
	add_text(&b, x->bound);
	add_int(&b, x->has_limit);
	add_int(&b, x->bound_line);
	add_int(&b, x->bound_col);
	add_text(&b, x->reason);
	add_text(&b, x->evidence);
	add_text(&b, x->query);
	add_int(&b, x->attempts);
	add_int(&b, x->is_flaky);
	add_int(&b, row_is_whole(x));
	add_int(&b, !has_share);
	(void)buf_add(&b, &share, sizeof(share)); /* unbounded: cannot fail */
	finish(&b, out);
}

int intern_digest_of_definition(struct facts_cache *c, int64_t id,
				unsigned char out[static SHA256_BYTES], struct err *e)
{
	const struct check_info *info = row_definition(c, id, e);

	if (info == NULL)
		return -1;
	digest_of_info(info, out);
	return 0;
}

int intern_digest_of_facts(struct facts_cache *c, int64_t id,
			   unsigned char out[static SHA256_BYTES], struct err *e)
{
	struct result x;
	bool has_share;

	if (row_facts(c, id, &x, &has_share, e) != 0)
		return -1;
	digest_of_facts(&x, has_share, out);
	return 0;
}

void intern_digest_of_pruned(int64_t id, const unsigned char leaf[static SHA256_BYTES],
			     unsigned char out[static SHA256_BYTES])
{
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED);
	add_text(&b, "assize/pruned-facts/1");
	add_int(&b, id);
	(void)buf_add(&b, leaf, SHA256_BYTES); /* unbounded: cannot fail */
	finish(&b, out);
}

static int set_leaf(struct record *r, sqlite3_stmt *s, int64_t id,
		    const unsigned char digest[static SHA256_BYTES], struct err *e)
{
	if (s == NULL)
		return -1;
	store_bind_digest(s, 1, digest, SHA256_BYTES);
	store_bind_int(s, 2, id);
	return store_run(r, s, e);
}

int intern_name_definition(struct record *r, int64_t id, struct err *e)
{
	unsigned char digest[SHA256_BYTES];

	if (leaf_of_definition(r, id, digest, e) != 0)
		return -1;
	return set_leaf(r, store_sql(r, "UPDATE definitions SET leaf = ?1 WHERE id = ?2", e), id,
			digest, e);
}

int intern_name_facts(struct record *r, int64_t id, struct err *e)
{
	unsigned char digest[SHA256_BYTES];

	if (leaf_of_facts(r, id, digest, e) != 0)
		return -1;
	return set_leaf(r, store_sql(r, "UPDATE facts SET leaf = ?1 WHERE id = ?2", e), id, digest,
			e);
}

static int intern_texts(struct record *r, const char *const *texts, int64_t *ids, size_t n,
			struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (intern_text(r, texts[i], &ids[i], e) != 0)
			return -1;
	return 0;
}

int intern_definition(struct record *r, int64_t check_id, const struct check_info *c, int64_t *id,
		      struct err *e)
{
	const char *const texts[] = {c->kind,  c->title,  c->why,
				     c->owner, c->target, c->file != NULL ? c->file : "",
				     c->tags,  c->expects};
	int64_t ids[8] = {0};
	unsigned char digest[SHA256_BYTES];
	sqlite3_stmt *s = store_sql(r, "SELECT id FROM definitions WHERE digest = ?1", e);
	int rc;

	if (s == NULL)
		return -1;
	digest_of_info(c, digest);
	store_bind_digest(s, 1, digest, INTERN_DIGEST_BYTES);
	rc = store_integer(r, s, id, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (intern_texts(r, texts, ids, 8, e) != 0)
		return -1;
	s = store_sql(
		r,
		"INSERT INTO definitions(seq, digest, check_id, hash, kind, title, why, owner, "
		"target, file, tags, expects, line, col, severity) VALUES (?1, ?2, ?3, ?4, ?5, "
		"?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_digest(s, 2, digest, INTERN_DIGEST_BYTES);
	store_bind_int(s, 3, check_id);
	store_bind_digest(s, 4, c->hash, sizeof(c->hash));
	for (int i = 0; i < 8; i++)
		store_bind_id(s, 5 + i, ids[i]);
	store_bind_int(s, 13, c->line);
	store_bind_int(s, 14, c->col);
	store_bind_int(s, 15, c->severity);
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return intern_name_definition(r, *id, e);
}

static int add_facts(struct record *r, int64_t check_id, const struct result *x,
		     const unsigned char *digest, int64_t *id, struct err *e)
{
	const char *const texts[] = {x->unit, x->bound, x->reason, x->evidence, x->query};
	int64_t ids[5] = {0}, definition_id = 0;
	sqlite3_stmt *s;

	if (intern_definition(r, check_id, x->check, &definition_id, e) != 0 ||
	    intern_texts(r, texts, ids, 5, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO facts(digest, definition_id, ordinal, outcome, unit, bound, "
		      "reason, evidence, query, usual_limit, bound_line, bound_col, attempts, "
		      "is_flaky, share, is_whole) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
		      "?10, ?11, ?12, ?13, ?14, ?15, ?16)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_digest(s, 1, digest, INTERN_DIGEST_BYTES);
	store_bind_int(s, 2, definition_id);
	store_bind_int(s, 3, x->ordinal);
	store_bind_int(s, 4, x->outcome);
	for (int i = 0; i < 5; i++)
		store_bind_id(s, 5 + i, ids[i]);
	if (x->has_limit)
		store_bind_real(s, 10, x->limit);
	store_bind_int(s, 11, x->bound_line);
	store_bind_int(s, 12, x->bound_col);
	store_bind_int(s, 13, x->attempts);
	store_bind_int(s, 14, x->is_flaky);
	if (!row_has_derived_share(x))
		store_bind_real(s, 15, x->share);
	store_bind_int(s, 16, row_is_whole(x));
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return intern_name_facts(r, *id, e);
}

/* sql asks for a row of facts by digest ?1, and by ?2 where it has that: 1 found, 0 none, -1. */
static int find_facts(struct record *r, const char *sql, const unsigned char *digest,
		      int64_t last_id, enum outcome outcome, int64_t *id, double *usual_limit,
		      struct err *e)
{
	sqlite3_stmt *s = store_sql(r, sql, e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_digest(s, 1, digest, INTERN_DIGEST_BYTES);
	if (sqlite3_bind_parameter_count(s) > 1)
		store_bind_int(s, 2, last_id);
	rc = store_step(r, s, e);
	if (rc != 1)
		return rc;
	*id = sqlite3_column_int64(s, 0);
	*usual_limit = store_real(s, 1);
	if (sqlite3_column_bytes(s, 2) == SHA256_BYTES)
		leaf_remember_facts(r, *id, sqlite3_column_blob(s, 2), outcome);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 1;
}

#define FACTS_BY_DIGEST "SELECT id, usual_limit, leaf FROM facts WHERE digest = ?1"

/*
 * Mostly they are those of the series' last result. Looked at first, because digests lie in no
 * order: in a record of a year, the index over them costs a page for each result of a run.
 */
int intern_facts(struct record *r, int64_t check_id, const struct result *x, int64_t last_id,
		 int64_t *id, double *usual_limit, struct err *e)
{
	unsigned char digest[SHA256_BYTES];
	int rc;

	digest_of_facts(x, !row_has_derived_share(x), digest);
	rc = find_facts(r,
			"SELECT f.id, f.usual_limit, f.leaf FROM results x CROSS JOIN facts f ON "
			"f.id = x.facts_id WHERE x.id = ?2 AND f.digest = ?1",
			digest, last_id, x->outcome, id, usual_limit, e);
	if (rc == 0)
		rc = find_facts(r, FACTS_BY_DIGEST, digest, 0, x->outcome, id, usual_limit, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	*usual_limit = x->limit;
	return add_facts(r, check_id, x, digest, id, e);
}
