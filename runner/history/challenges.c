/* Challenges and their attacks: only ever added, and read back as they were. */
#include "runner/history/challenges.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/row.h"

/* ---- writing ---- */

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static int intern_all(struct record *r, const char *const *texts, int64_t *ids, size_t n,
		      struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (intern_text(r, texts[i], &ids[i], e) != 0)
			return -1;
	return 0;
}

static int write_attack(struct record *r, int64_t challenge, size_t place,
			const struct attack_result *x, struct err *e)
{
	const char *const texts[] = {or_empty(x->name),	 or_empty(x->object),
				     or_empty(x->words), attack_outcome_name(x->outcome),
				     x->reason,		 x->series,
				     x->before,		 x->after,
				     x->bound,		 x->advice,
				     x->turns_red_words};
	int64_t ids[11];
	sqlite3_stmt *s;

	if (intern_all(r, texts, ids, 11, e) != 0)
		return -1;
	s = store_sql(r,
		      "INSERT INTO attacks(challenge, place, name, object, words, outcome, reason, "
		      "series, was, became, bound, advice, turns_red_words, turns_red, is_control, "
		      "is_erratic, duration_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		      "?11, ?12, ?13, ?14, ?15, ?16, ?17)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, challenge);
	store_bind_int(s, 2, (int64_t)place);
	for (int i = 0; i < 11; i++)
		store_bind_id(s, 3 + i, ids[i]);
	if (x->turns_red != 0)
		store_bind_real(s, 14, x->turns_red);
	store_bind_int(s, 15, x->is_control);
	store_bind_int(s, 16, x->is_erratic);
	store_bind_int(s, 17, x->duration_us);
	return store_run(r, s, e);
}

/* Those that are merged stand behind the newest one made here that had begun before. */
static int read_behind(struct record *r, int64_t at_ms, int64_t *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT coalesce(max(id), 0) FROM challenges WHERE merge IS "
				    "NULL AND at_ms <= ?1",
				    e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, at_ms);
	return store_integer(r, s, out, e) < 0 ? -1 : 0;
}

static void bind_counts(sqlite3_stmt *s, int at, const struct challenged *c)
{
	store_bind_int(s, at, c->n_noticed);
	store_bind_int(s, at + 1, c->n_survived);
	store_bind_int(s, at + 2, c->n_uncounted);
	store_bind_int(s, at + 3, c->n_steady);
	store_bind_int(s, at + 4, c->n_false_alarms);
}

static int write_challenge(struct record *r, const struct challenged *c,
			   const struct challenge_origin *o, int64_t merge_id, int64_t *id,
			   struct err *e)
{
	const char *const texts[] = {or_empty(c->subject),
				     c->reason,
				     c->help,
				     or_empty(o->host),
				     or_empty(o->user),
				     or_empty(o->version),
				     or_empty(o->commit),
				     or_empty(o->definition_file)};
	int64_t ids[8], check_id, definition_id, behind = 0;
	sqlite3_stmt *s;

	if (intern_check(r, c->check->name, &check_id, e) != 0 ||
	    intern_definition(r, check_id, c->check, &definition_id, e) != 0 ||
	    intern_all(r, texts, ids, 8, e) != 0 ||
	    (merge_id != 0 && read_behind(r, c->at_ms, &behind, e) != 0))
		return -1;
	s = store_sql(r,
		      "INSERT INTO challenges(seq, definition_id, at_ms, recorded_ms, duration_us, "
		      "subject, reason, help, host, user, version, commit_id, definition_file, "
		      "n_noticed, n_survived, n_uncounted, n_steady, n_false_alarms, "
		      "definition_digest, is_dirty, merge, behind) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
		      "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, "
		      "?22)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, definition_id);
	store_bind_int(s, 3, c->at_ms);
	store_bind_int(s, 4, o->recorded_ms);
	store_bind_int(s, 5, c->duration_us);
	for (int i = 0; i < 8; i++)
		store_bind_id(s, 6 + i, ids[i]);
	bind_counts(s, 14, c);
	store_bind_digest(s, 19, o->definition_digest, sizeof(o->definition_digest));
	store_bind_int(s, 20, o->is_dirty);
	if (merge_id != 0) {
		store_bind_int(s, 21, merge_id);
		store_bind_int(s, 22, behind);
	}
	if (store_run(r, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return 0;
}

int store_challenge(struct record *r, const struct challenged *c,
		    const struct challenge_origin *origin, int64_t merge_id, int64_t *id,
		    struct err *e)
{
	if (write_challenge(r, c, origin, merge_id, id, e) != 0)
		return -1;
	for (size_t i = 0; i < c->n_attacks; i++)
		if (write_attack(r, *id, i, &c->attacks[i], e) != 0)
			return -1;
	return 0;
}

int record_challenge_add(struct record *r, const struct challenged *c,
			 const struct challenge_origin *origin, int64_t *id, struct err *e)
{
	int64_t added = 0;

	if (store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	if (store_leave(r, store_challenge(r, c, origin, 0, &added, e), e) != 0)
		return -1;
	if (id != NULL)
		*id = added;
	return 0;
}

/* ---- reading ---- */

#define COLUMNS                                                                                    \
	"c.id, c.seq, c.definition_id, c.at_ms, c.recorded_ms, c.duration_us, (SELECT body FROM "  \
	"texts WHERE id = c.subject), (SELECT body FROM texts WHERE id = c.reason), (SELECT body " \
	"FROM texts WHERE id = c.help), (SELECT body FROM texts WHERE id = c.host), (SELECT body " \
	"FROM texts WHERE id = c.user), (SELECT body FROM texts WHERE id = c.version), (SELECT "   \
	"body FROM texts WHERE id = c.commit_id), (SELECT body FROM texts WHERE id = "             \
	"c.definition_file), c.n_noticed, c.n_survived, c.n_uncounted, c.n_steady, "               \
	"c.n_false_alarms, c.definition_digest, c.is_dirty, coalesce(c.merge, 0)"
#define NEWEST_FIRST(c)                                                                            \
	"coalesce(" c ".behind, " c ".id) DESC, " c ".behind IS NOT NULL DESC, " c                 \
	".at_ms DESC, " c ".id DESC"

static int challenge_at(struct facts_cache *cache, sqlite3_stmt *s, struct arena *a,
			struct recorded_challenge *out, struct err *e)
{
	const struct check_info *check = row_definition(cache, sqlite3_column_int64(s, 2), e);

	if (check == NULL)
		return -1;
	*out = (struct recorded_challenge){
		.id = sqlite3_column_int64(s, 0),
		.seq = sqlite3_column_int64(s, 1),
		.challenged = {.check = check,
			       .at_ms = sqlite3_column_int64(s, 3),
			       .duration_us = sqlite3_column_int64(s, 5),
			       .subject = store_text_or(s, 6, a, ""),
			       .reason = store_text(s, 7, a),
			       .help = store_text(s, 8, a),
			       .n_noticed = sqlite3_column_int64(s, 14),
			       .n_survived = sqlite3_column_int64(s, 15),
			       .n_uncounted = sqlite3_column_int64(s, 16),
			       .n_steady = sqlite3_column_int64(s, 17),
			       .n_false_alarms = sqlite3_column_int64(s, 18)},
		.origin = {.recorded_ms = sqlite3_column_int64(s, 4),
			   .host = store_text_or(s, 9, a, ""),
			   .user = store_text_or(s, 10, a, ""),
			   .version = store_text_or(s, 11, a, ""),
			   .commit = store_text_or(s, 12, a, ""),
			   .definition_file = store_text_or(s, 13, a, ""),
			   .is_dirty = sqlite3_column_int64(s, 20) != 0},
		.merge_id = sqlite3_column_int64(s, 21),
	};
	store_digest(s, 19, out->origin.definition_digest, sizeof(out->origin.definition_digest));
	return 0;
}

/* Every row of s, which is bound. */
static int read_rows(struct record *r, sqlite3_stmt *s, struct arena *a,
		     struct recorded_challenge **out, size_t *n, struct err *e)
{
	struct facts_cache *cache = facts_cache_new(r, a);
	struct recorded_challenge *items = NULL;
	size_t count = 0, cap = 0;
	int rc;

	while ((rc = store_step(r, s, e)) == 1) {
		items = store_grow(a, items, sizeof(*items), count, &cap);
		if (challenge_at(cache, s, a, &items[count++], e) != 0) {
			(void)sqlite3_reset(s); /* the cause is told */
			return -1;
		}
	}
	*out = items;
	*n = count;
	return rc;
}

static int read_of(struct record *r, struct arena *a, const struct challenge_query *q,
		   struct recorded_challenge **out, size_t *n, struct err *e)
{
	int64_t check = 0;
	sqlite3_stmt *s;

	if (q->check != NULL && lookup_check(r, q->check, &check, e) != 0)
		return -1;
	s = store_sql(r,
		      "SELECT " COLUMNS
		      " FROM challenges c LEFT JOIN definitions d ON d.id = c.definition_id WHERE "
		      "(?1 OR d.check_id = ?2) AND (?3 IS NULL OR d.hash = ?3) AND c.at_ms >= ?4 "
		      "ORDER BY " NEWEST_FIRST("c") " LIMIT ?5",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, q->check == NULL);
	store_bind_int(s, 2, check);
	if (q->hash != NULL)
		store_bind_digest(s, 3, q->hash, 32);
	store_bind_int(s, 4, q->since_ms);
	store_bind_int(s, 5, (int64_t)q->limit);
	return read_rows(r, s, a, out, n, e);
}

int record_challenges_of(struct record *r, struct arena *a, const struct challenge_query *q,
			 struct recorded_challenge **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_of(r, a, q, out, n, e), e);
}

static int read_newest(struct record *r, struct arena *a, struct recorded_challenge **out,
		       size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT " COLUMNS
				    " FROM (SELECT x.*, d.check_id AS check_id, row_number() OVER "
				    "(PARTITION BY d.check_id, d.hash ORDER BY " NEWEST_FIRST(
					    "x") ") AS place FROM "
						 "challenges x LEFT JOIN definitions d ON d.id = "
						 "x.definition_id) c WHERE c.place = 1 "
						 "ORDER BY (SELECT name FROM checks WHERE id = "
						 "c.check_id), " NEWEST_FIRST("c"),
				    e);

	return s == NULL ? -1 : read_rows(r, s, a, out, n, e);
}

int record_challenges_newest(struct record *r, struct arena *a, struct recorded_challenge **out,
			     size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_newest(r, a, out, n, e), e);
}

const struct recorded_challenge *challenge_find(const struct recorded_challenge *items, size_t n,
						const char *check, const unsigned char *hash)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].challenged.check->name, check) == 0 &&
		    (hash == NULL || memcmp(items[i].challenged.check->hash, hash, 32) == 0))
			return &items[i];
	return NULL;
}

static struct attack_result attack_at(sqlite3_stmt *s, struct arena *a)
{
	double turns_red = store_real(s, 11);
	struct attack_result x = {
		.name = store_text_or(s, 0, a, ""),
		.object = store_text_or(s, 1, a, ""),
		.words = store_text_or(s, 2, a, ""),
		.reason = store_text(s, 4, a),
		.series = store_text(s, 5, a),
		.before = store_text(s, 6, a),
		.after = store_text(s, 7, a),
		.bound = store_text(s, 8, a),
		.advice = store_text(s, 9, a),
		.turns_red_words = store_text(s, 10, a),
		.turns_red = isnan(turns_red) ? 0 : turns_red,
		.is_control = sqlite3_column_int64(s, 12) != 0,
		.is_erratic = sqlite3_column_int64(s, 13) != 0,
		.duration_us = sqlite3_column_int64(s, 14),
	};

	if (!attack_outcome_from_name(store_text_or(s, 3, a, ""), &x.outcome))
		x.outcome = ATTACK_INCONCLUSIVE;
	return x;
}

static int read_attacks(struct record *r, struct arena *a, struct recorded_challenge *out,
			struct err *e)
{
	struct challenged *c = &out->challenged;
	size_t cap = 0;
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT (SELECT body FROM texts WHERE id = name), (SELECT body FROM texts WHERE "
		"id = object), (SELECT body FROM texts WHERE id = words), (SELECT body FROM "
		"texts WHERE id = outcome), (SELECT body FROM texts WHERE id = reason), (SELECT "
		"body FROM texts WHERE id = series), (SELECT body FROM texts WHERE id = was), "
		"(SELECT body FROM texts WHERE id = became), (SELECT body FROM texts WHERE id = "
		"bound), (SELECT body FROM texts WHERE id = advice), (SELECT body FROM texts "
		"WHERE id = turns_red_words), turns_red, is_control, is_erratic, duration_us "
		"FROM attacks WHERE challenge = ?1 ORDER BY place",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, out->id);
	while ((rc = store_step(r, s, e)) == 1) {
		c->attacks = store_grow(a, c->attacks, sizeof(*c->attacks), c->n_attacks, &cap);
		c->attacks[c->n_attacks++] = attack_at(s, a);
	}
	return rc;
}

int store_challenge_of(struct record *r, struct arena *a, int64_t id,
		       struct recorded_challenge *out, struct err *e)
{
	struct recorded_challenge found;
	sqlite3_stmt *s = store_row(r, "SELECT " COLUMNS " FROM challenges c WHERE c.id = ?1",
				    "challenge", id, e);
	int rc;

	if (s == NULL)
		return -1;
	rc = challenge_at(facts_cache_new(r, a), s, a, &found, e);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (rc != 0 || read_attacks(r, a, &found, e) != 0)
		return -1;
	*out = found;
	return 0;
}

int record_challenge(struct record *r, struct arena *a, int64_t id, struct recorded_challenge *out,
		     struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, store_challenge_of(r, a, id, out, e), e);
}
