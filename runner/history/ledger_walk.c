/*
 * Every leaf, hashed again from its rows. What goes wrong is told by where it shows: a number that
 * is missing or there twice, a subtree of 256 leaves whose root is not the one that was kept, a
 * root somebody vouched for.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/ledger_parts.h"

#define PROGRESS_LEAVES 65536

struct walk {
	struct ledger_check *c;
	struct merkle tree;
	sqlite3_stmt *nodes; /* of the lowest kept level, in order */
	bool has_node;
	size_t next_root;
	/* the present batch, whose results are told to `standings` together */
	int64_t run, batch, subject;
	bool has_batch;
	struct id_map news;   /* check -> struct standing_news */
	struct id_map places; /* run -> struct run_place */
	int64_t *touched;
	size_t n_touched, cap_touched;
};

/* ---- where checks stand ---- */

/* Of a run that had results before: what stands somewhere was put there by some. */
static const struct run_place *place_of_run(const struct walk *w, int64_t run)
{
	static const struct run_place none = {.behind = -1};
	const struct run_place *found = id_map_get(&w->places, run);

	return found != NULL ? found : &none;
}

static void apply(struct walk *w, int64_t check_id)
{
	struct ledger_check *c = w->c;
	struct standing *x = id_map_get(&c->standings, check_id);
	struct standing_news *news = id_map_get(&w->news, check_id);
	struct standing_about about;

	if (x == NULL) {
		x = arena_alloc(c->a, sizeof(*x));
		*x = (struct standing){.check_id = check_id, .finished_ms = -1};
		id_map_put(&c->standings, check_id, x);
	}
	*x = standing_advance(x, place_of_run(w, w->run), place_of_run(w, x->run), w->subject, news,
			      &about);
	*news = standing_news_begin();
	if (about.run == 0)
		return;

	int64_t key = about.subject << 32 | check_id;
	int64_t *run = id_map_get(&c->latest, key);

	if (run == NULL) {
		run = arena_alloc(c->a, sizeof(*run));
		id_map_put(&c->latest, key, run);
	}
	if (*run == 0 || run_place_is_before(place_of_run(w, *run), place_of_run(w, about.run)))
		*run = about.run;
}

static void end_batch(struct walk *w)
{
	for (size_t i = 0; i < w->n_touched; i++)
		apply(w, w->touched[i]);
	w->n_touched = 0;
	w->has_batch = false;
}

static void keep_place(struct walk *w, const struct leaf *leaf)
{
	struct run_place *place;

	if (id_map_get(&w->places, leaf->run) != NULL)
		return;
	place = arena_alloc(w->c->a, sizeof(*place));
	*place = (struct run_place){leaf->run, leaf->behind, leaf->begin_ms};
	id_map_put(&w->places, leaf->run, place);
}

static void add_standing(struct walk *w, const struct leaf *leaf)
{
	struct standing_news *news;

	if (w->has_batch && (w->run != leaf->run || w->batch != leaf->batch))
		end_batch(w);
	if (!w->has_batch)
		keep_place(w, leaf);
	w->has_batch = true;
	w->run = leaf->run;
	w->batch = leaf->batch;
	w->subject = leaf->subject;
	if (leaf->check_id <= 0) /* told as a leaf that is not what it was */
		return;
	news = id_map_get(&w->news, leaf->check_id);
	if (news == NULL) {
		news = arena_alloc(w->c->a, sizeof(*news));
		*news = standing_news_begin();
		id_map_put(&w->news, leaf->check_id, news);
	}
	if (!news->has_any) {
		w->touched = store_grow(w->c->a, w->touched, sizeof(*w->touched), w->n_touched,
					&w->cap_touched);
		w->touched[w->n_touched++] = leaf->check_id;
	}
	standing_news_add(news, leaf->outcome, leaf->measured_ms);
}

/* ---- the tree ---- */

/* What a person can look up of leaves first to last: the first record among them. */
static const char *place_of(struct walk *w, uint64_t first, uint64_t last, struct err *e)
{
	struct ledger_check *c = w->c;
	sqlite3_stmt *s =
		store_sql(c->r,
			  "SELECT min(run), max(run) FROM (SELECT id AS run FROM runs WHERE seq "
			  "BETWEEN ?1 AND "
			  "?2 UNION ALL SELECT run FROM run_ends WHERE seq BETWEEN ?1 AND ?2 UNION "
			  "ALL SELECT "
			  "run FROM batches WHERE first_seq <= ?2 AND first_seq + n_results > ?1)",
			  e);
	const char *text = "";

	if (s == NULL)
		return text;
	store_bind_int(s, 1, (int64_t)first);
	store_bind_int(s, 2, (int64_t)last);
	if (store_step(c->r, s, e) == 1 && sqlite3_column_type(s, 0) != SQLITE_NULL)
		text = sqlite3_column_int64(s, 0) == sqlite3_column_int64(s, 1)
			       ? arena_printf(c->a, ", of run %lld",
					      (long long)sqlite3_column_int64(s, 0))
			       : arena_printf(c->a, ", of runs %lld to %lld",
					      (long long)sqlite3_column_int64(s, 0),
					      (long long)sqlite3_column_int64(s, 1));
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return text;
}

static int step_nodes(struct walk *w, struct err *e)
{
	int rc = store_step(w->c->r, w->nodes, e);

	w->has_node = rc == 1;
	return rc < 0 ? -1 : 0;
}

/* A subtree of the lowest kept level is complete: was it so when it was recorded? */
static int check_node(struct walk *w, uint64_t at, const struct merkle_hash *hash, struct err *e)
{
	uint64_t first = at << LEDGER_KEPT_LEVELS;
	uint64_t last = first + (UINT64_C(1) << LEDGER_KEPT_LEVELS) - 1;
	bool is_there = w->has_node && (uint64_t)sqlite3_column_int64(w->nodes, 0) == at;

	if (is_there && sqlite3_column_bytes(w->nodes, 1) == SHA256_BYTES &&
	    memcmp(sqlite3_column_blob(w->nodes, 1), hash->bytes, SHA256_BYTES) == 0)
		return step_nodes(w, e);
	(void)ledger_find(w->c, LEDGER_BROKEN, "assize ledger prove shows what a record is now",
			  "records %" PRIu64 " to %" PRIu64 "%s are not what was recorded", first,
			  last, place_of(w, first, last, e));
	return is_there ? step_nodes(w, e) : 0;
}

/* Nodes of higher levels follow from the lowest: they are held against what was computed. */
static int check_upper(struct walk *w, unsigned level, uint64_t at, const struct merkle_hash *hash,
		       struct err *e)
{
	sqlite3_stmt *s =
		store_sql(w->c->r, "SELECT hash FROM nodes WHERE level = ?1 AND at = ?2", e);
	bool is_same;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, level);
	store_bind_int(s, 2, (int64_t)at);
	rc = store_step(w->c->r, s, e);
	if (rc < 0)
		return -1;
	is_same = rc == 1 && sqlite3_column_bytes(s, 0) == SHA256_BYTES &&
		  memcmp(sqlite3_column_blob(s, 0), hash->bytes, SHA256_BYTES) == 0;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (is_same)
		return 0;
	return LEDGER_FIND(w->c, LEDGER_BROKEN,
			   "node %" PRIu64 " of level %u of the tree is not what its leaves say",
			   at, level);
}

static void note_roots(struct walk *w)
{
	struct ledger_check *c = w->c;

	while (w->next_root < c->n_roots && c->roots[w->next_root].size <= w->tree.size) {
		struct ledger_root *x = &c->roots[w->next_root++];

		x->is_known = x->size == w->tree.size;
		if (x->is_known)
			merkle_root(&w->tree, &x->root);
	}
}

static int add_hash(struct walk *w, const struct merkle_hash *hash, struct err *e)
{
	struct merkle_hash path[MERKLE_LEVELS];
	uint64_t index = w->tree.size;
	unsigned reached = merkle_add(&w->tree, hash, path);

	if (reached >= LEDGER_KEPT_LEVELS &&
	    check_node(w, index >> LEDGER_KEPT_LEVELS, &path[LEDGER_KEPT_LEVELS], e) != 0)
		return -1;
	for (unsigned level = 2 * LEDGER_KEPT_LEVELS; level <= reached; level += LEDGER_KEPT_LEVELS)
		if (check_upper(w, level, index >> level, &path[level], e) != 0)
			return -1;
	if (w->next_root < w->c->n_roots)
		note_roots(w);
	return 0;
}

/* ---- leaves ---- */

/* Results apart, which are by far the most. */
static void count(struct walk *w, const struct leaf *leaf)
{
	struct ledger_check *c = w->c;

	for (size_t i = 0; leaf_kinds[i].type != NULL; i++)
		c->n_rows[i] += leaf_kinds[i].type == leaf->type;
}

static void check_result(struct walk *w, const struct leaf *leaf)
{
	struct ledger_check *c = w->c;

	c->out->n_results++;
	c->n_samples += leaf->has_samples;
	c->n_pruned_samples += leaf->is_pruned;
	c->n_places += leaf->has_place;
	days_add(&c->days, days_id(leaf->measured_ms, leaf->series_id), leaf->outcome, 1);
	if (leaf->check_id != leaf->facts_check_id)
		(void)LEDGER_FIND(
			c, LEDGER_BROKEN,
			"record %lld, a result of run %lld: its series belongs to another "
			"check than its definition",
			(long long)leaf->seq, (long long)leaf->run);
	if (leaf->pruned_ms != INT64_MAX && leaf->measured_ms >= leaf->pruned_ms)
		(void)LEDGER_FIND(
			c, LEDGER_BROKEN,
			"record %lld, a result of run %lld: it lost what was behind it, and is not "
			"as old as what was pruned",
			(long long)leaf->seq, (long long)leaf->run);
	add_standing(w, leaf);
}

/* Stands for a leaf that is not there, so that all behind it keep their places. */
static int add_absent(struct walk *w, struct err *e)
{
	struct merkle_hash nothing = {{0}};

	return add_hash(w, &nothing, e);
}

/* Doubts end no walk: what was not walked to would look broken. */
static bool is_enough(const struct ledger_check *c)
{
	return c->out->n_broken >= LEDGER_MAX_FINDINGS;
}

static int take(struct walk *w, const struct leaf *leaf, struct err *e)
{
	struct ledger_check *c = w->c;
	uint64_t expected = w->tree.size;
	struct merkle_hash hash;

	if (leaf->seq < (int64_t)expected)
		return LEDGER_FIND(c, LEDGER_BROKEN,
				   "two records have the number %lld: one is a %s",
				   (long long)leaf->seq, leaf->type);
	if (leaf->seq > (int64_t)expected)
		(void)LEDGER_FIND(c, LEDGER_BROKEN, "records %" PRIu64 " to %lld are gone",
				  expected, (long long)leaf->seq - 1);
	/* A number far beyond all others must not be walked to: the findings are cut long before.
	 */
	while (w->tree.size < (uint64_t)leaf->seq && !is_enough(c))
		if (add_absent(w, e) != 0)
			return -1;
	if (is_enough(c))
		return 0;
	if (leaf->is_missing) {
		(void)LEDGER_FIND(c, LEDGER_BROKEN, "record %lld, a result of run %lld, is gone",
				  (long long)leaf->seq, (long long)leaf->run);
		return add_absent(w, e);
	}
	if (leaf->is_result)
		check_result(w, leaf);
	else
		count(w, leaf);
	merkle_hash_leaf(leaf->bytes, leaf->n, &hash);
	return add_hash(w, &hash, e);
}

static int walk_all(struct walk *w, struct leaf_walk *leaves, struct err *e)
{
	const struct ledger_trust *trust = w->c->trust;
	struct ledger_check *c = w->c;
	struct leaf leaf;
	int rc;

	while ((rc = leaf_walk_next(leaves, &leaf, e)) == 1 && !is_enough(c)) {
		if (take(w, &leaf, e) != 0)
			return -1;
		if (trust->progress != NULL && w->tree.size % PROGRESS_LEAVES == 0)
			trust->progress(trust->progress_ctx, w->tree.size, c->out->head.size);
	}
	end_batch(w);
	if (w->tree.size < c->out->head.size && !is_enough(c))
		(void)LEDGER_FIND(c, LEDGER_BROKEN, "records %" PRIu64 " to %" PRIu64 " are gone",
				  w->tree.size, c->out->head.size - 1);
	return rc < 0 ? -1 : 0;
}

static int check_head(struct walk *w, struct err *e)
{
	unsigned char frontier[MERKLE_LEVELS * SHA256_BYTES];
	size_t n = merkle_save(&w->tree, frontier);
	struct merkle_hash root;
	bool is_same;
	sqlite3_stmt *s = store_sql(w->c->r, "SELECT frontier FROM head", e);

	if (s == NULL || store_step(w->c->r, s, e) < 0)
		return -1;
	merkle_root(&w->tree, &root);
	is_same = (size_t)sqlite3_column_bytes(s, 0) == n && sqlite3_column_blob(s, 0) != NULL &&
		  memcmp(sqlite3_column_blob(s, 0), frontier, n) == 0 &&
		  memcmp(root.bytes, w->c->out->head.root.bytes, SHA256_BYTES) == 0;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	if (is_same)
		return 0;
	return LEDGER_FIND(w->c, LEDGER_BROKEN,
			   "the head of the ledger is not the root of its %" PRIu64 " records",
			   w->tree.size);
}

static int walk_tree(struct walk *w, struct err *e)
{
	struct ledger_check *c = w->c;
	struct leaf_walk *leaves;
	int rc;

	w->nodes = store_sql(c->r, "SELECT at, hash FROM nodes WHERE level = ?1 ORDER BY at", e);
	if (w->nodes == NULL)
		return -1;
	store_bind_int(w->nodes, 1, LEDGER_KEPT_LEVELS);
	if (step_nodes(w, e) != 0 ||
	    leaf_walk_begin(c->r, c->a, 0, (int64_t)c->out->head.size, &leaves, e) != 0)
		return -1;
	rc = walk_all(w, leaves, e);
	leaf_walk_end(leaves);
	if (rc == 0 && w->has_node)
		(void)LEDGER_FIND(c, LEDGER_BROKEN, "the tree has nodes beyond its leaves");
	(void)sqlite3_reset(w->nodes); /* its failure was told by the step */
	return rc == 0 ? check_head(w, e) : -1;
}

/* Nodes that no leaf stands under, or of levels nobody keeps. */
static int check_nodes(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(c->r,
			  "SELECT count(*) FROM nodes WHERE level % 8 <> 0 OR level < 8 OR "
			  "level > 56 OR at < 0 OR at >= ?1 >> level",
			  e);
	int64_t n = 0;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, (int64_t)c->out->head.size);
	if (store_integer(c->r, s, &n, e) < 0)
		return -1;
	return n == 0 ? 0
		      : LEDGER_FIND(c, LEDGER_BROKEN,
				    "the tree has nodes that no leaf is under (%lld)",
				    (long long)n);
}

int ledger_check_leaves(struct ledger_check *c, struct err *e)
{
	struct walk w = {.c = c, .news = {.arena = c->a}, .places = {.arena = c->a}};
	int rc;

	merkle_init(&w.tree);
	days_begin(&c->days);
	rc = walk_tree(&w, e);
	return rc == 0 ? check_nodes(c, e) : -1;
}
