/* Every row of a change by the rule of its table. */
#include "runner/history/shared_rows.h"

#define SQLITE_ENABLE_SESSION	     /* declares them */
#define SQLITE_ENABLE_PREUPDATE_HOOK /* same */
#include <sqlite3.h>

#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/row.h"

#pragma weak sqlite3changeset_start
#pragma weak sqlite3changeset_next
#pragma weak sqlite3changeset_op
#pragma weak sqlite3changeset_old
#pragma weak sqlite3changeset_new
#pragma weak sqlite3changeset_finalize

struct rows {
	const struct shared_leaves *leaves;
	struct record *r;
	struct facts_cache *facts;
	int64_t from, to;
	int64_t *inserted; /* results */
	size_t n_inserted, cap_inserted;
	/* the present change */
	sqlite3_changeset_iter *at;
	const struct rule *rule;
	int op, n_columns;
};

struct rule {
	const char *table;
	int (*check)(struct rows *x, bool *is_so, struct err *e);
	const char *sql;
	int column; /* by which sql asks, or that is looked at */
};

/* ---- values ---- */

static sqlite3_value *value_at(struct rows *x, int column, bool is_old)
{
	sqlite3_value *v = NULL;
	int rc = column >= x->n_columns ? SQLITE_RANGE
		 : is_old		? sqlite3changeset_old(x->at, column, &v)
					: sqlite3changeset_new(x->at, column, &v);

	return rc == SQLITE_OK ? v : NULL;
}

/* Of a row that was inserted; not an integer: INT64_MIN. */
static int64_t integer_at(struct rows *x, int column)
{
	sqlite3_value *v = value_at(x, column, false);

	return v != NULL && sqlite3_value_type(v) == SQLITE_INTEGER ? sqlite3_value_int64(v)
								    : INT64_MIN;
}

/* Caches have integers and blobs. */
static bool is_same_value(sqlite3_value *a, sqlite3_stmt *s, int column)
{
	int type = sqlite3_value_type(a), n;

	if (type != sqlite3_column_type(s, column))
		return false;
	if (type == SQLITE_INTEGER)
		return sqlite3_value_int64(a) == sqlite3_column_int64(s, column);
	n = sqlite3_value_bytes(a);
	return n == sqlite3_column_bytes(s, column) &&
	       (n == 0 ||
		memcmp(sqlite3_value_blob(a), sqlite3_column_blob(s, column), (size_t)n) == 0);
}

/* ---- rules ---- */

static int check_anything(struct rows *x, bool *is_so, struct err *e)
{
	(void)x;
	(void)e;
	*is_so = true;
	return 0;
}

static int check_nothing(struct rows *x, bool *is_so, struct err *e)
{
	(void)x;
	(void)e;
	*is_so = false;
	return 0;
}

/* Which record it is stays; the rest of it was held against the leaves. */
static int check_head(struct rows *x, bool *is_so, struct err *e)
{
	(void)e;
	*is_so = x->op == SQLITE_UPDATE && value_at(x, 1, false) == NULL;
	return 0;
}

/* Its number is unique and in the range that was walked, so one of the leaves is it. */
static int check_numbered(struct rows *x, bool *is_so, struct err *e)
{
	int64_t seq = integer_at(x, x->rule->column);

	(void)e;
	*is_so = seq >= x->from && seq < x->to;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x > *y ? -1 : *x < *y;
}

static bool has_leaf(const struct rows *x, int64_t result)
{
	const struct shared_leaves *l = x->leaves;

	return l->n_results > 0 &&
	       bsearch(&result, l->results, l->n_results, sizeof(result), compare_ids) != NULL;
}

static int check_result(struct rows *x, bool *is_so, struct err *e)
{
	int64_t id = integer_at(x, 0);

	(void)e;
	x->inserted = store_grow(x->leaves->arena, x->inserted, sizeof(*x->inserted), x->n_inserted,
				 &x->cap_inserted);
	x->inserted[x->n_inserted++] = id;
	*is_so = has_leaf(x, id);
	return 0;
}

static int check_beside(struct rows *x, bool *is_so, struct err *e)
{
	(void)e;
	*is_so = has_leaf(x, integer_at(x, 0));
	return 0;
}

/* Its parent is a leaf of this change: sql gives that one's number. */
static int check_child(struct rows *x, bool *is_so, struct err *e)
{
	sqlite3_stmt *s = store_sql(x->r, x->rule->sql, e);
	int64_t seq = -1;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, integer_at(x, x->rule->column));
	if (store_integer(x->r, s, &seq, e) < 0)
		return -1;
	*is_so = seq >= x->from;
	return 0;
}

/* A score is believed by its counts alone: they are those of its attacks. */
static int check_challenge(struct rows *x, bool *is_so, struct err *e)
{
	sqlite3_stmt *s = store_sql(x->r, x->rule->sql, e);
	int64_t n = 0;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, integer_at(x, 0));
	if (store_integer(x->r, s, &n, e) < 0)
		return -1;
	*is_so = n == 1;
	return *is_so ? check_numbered(x, is_so, e) : 0;
}

/* Labels of what this change measures, and nothing before: what names them is new mostly. */
static int check_label(struct rows *x, bool *is_so, struct err *e)
{
	int64_t labels = integer_at(x, 0), n = 0;
	sqlite3_stmt *s = store_sql(
		x->r, "SELECT count(*) FROM externals WHERE seq >= ?1 AND series = ?2", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, x->from);
	store_bind_int(s, 2, labels);
	if (store_integer(x->r, s, &n, e) < 0)
		return -1;
	*is_so = n > 0;
	return *is_so && labels <= x->leaves->last_text ? check_child(x, is_so, e) : 0;
}

static int check_text(struct rows *x, bool *is_so, struct err *e)
{
	sqlite3_value *body = value_at(x, 2, false);
	const char *text = body == NULL ? NULL : (const char *)sqlite3_value_text(body);

	(void)e;
	*is_so = text != NULL && integer_at(x, 1) == intern_text_hash(text);
	return 0;
}

/* A row that is named by its content, and found by that name: is it the content's? */
static int check_content(struct rows *x, bool *is_so, struct err *e)
{
	bool is_definition = strcmp(x->rule->table, "definitions") == 0;
	unsigned char leaf[SHA256_BYTES], digest[SHA256_BYTES];
	int64_t id = integer_at(x, 0);
	sqlite3_stmt *s;
	int rc;

	rc = is_definition ? leaf_of_definition(x->r, id, leaf, e)
			   : leaf_of_facts(x->r, id, leaf, e);
	if (rc == 0)
		rc = is_definition ? intern_digest_of_definition(x->facts, id, digest, e)
				   : intern_digest_of_facts(x->facts, id, digest, e);
	s = rc == 0 ? store_row(x->r, x->rule->sql, x->rule->table, id, e) : NULL;
	if (s == NULL)
		return -1;
	*is_so = sqlite3_column_bytes(s, 0) == SHA256_BYTES &&
		 memcmp(sqlite3_column_blob(s, 0), leaf, SHA256_BYTES) == 0 &&
		 sqlite3_column_bytes(s, 1) == INTERN_DIGEST_BYTES &&
		 memcmp(sqlite3_column_blob(s, 1), digest, INTERN_DIGEST_BYTES) == 0;
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return *is_so && is_definition ? check_numbered(x, is_so, e) : 0;
}

/* sql gives the row as it was computed, asked for by its leading columns, `column` of them. */
static int check_cache(struct rows *x, bool *is_so, struct err *e)
{
	bool is_update = x->op == SQLITE_UPDATE;
	sqlite3_stmt *s = store_sql(x->r, x->rule->sql, e);
	int rc;

	*is_so = false;
	if (s == NULL)
		return -1;
	if (x->op == SQLITE_DELETE || x->n_columns != sqlite3_column_count(s))
		return 0;
	for (int i = 0; i < x->rule->column; i++) {
		sqlite3_value *key = value_at(x, i, is_update);

		if (key == NULL)
			return 0;
		if (sqlite3_bind_value(s, i + 1, key) != SQLITE_OK)
			return store_fail(x->r, e);
	}
	rc = store_step(x->r, s, e);
	if (rc != 1)
		return rc;
	*is_so = true;
	for (int i = x->rule->column; i < x->n_columns; i++) {
		sqlite3_value *said = value_at(x, i, false);

		/* What an update does not say it left as it was. */
		if (said != NULL ? !is_same_value(said, s, i) : !is_update)
			*is_so = false;
	}
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

#define PARENT(table) "SELECT seq FROM " table " WHERE id = ?1"

static const struct rule rules[] = {
	{"head", check_head, NULL, 0},
	{"states", check_cache, "SELECT * FROM states WHERE check_id = ?1", 1},
	{"latest", check_cache, "SELECT * FROM latest WHERE subject = ?1 AND check_id = ?2", 2},
	{"days", check_cache, "SELECT * FROM days WHERE id = ?1", 1},
	{"pins", check_cache, "SELECT * FROM pins WHERE set_name = ?1 AND tag = ?2", 2},
	{"nodes", check_cache, "SELECT * FROM nodes WHERE level = ?1 AND at = ?2", 2},
	{"locks", check_anything, NULL, 0},
	{"told", check_anything, NULL, 0},
	{"gaps", check_anything, NULL, 0},
	{"outbox", check_anything, NULL, 0},
	{"checkpoints", check_anything, NULL, 0},
	{"results", check_result, NULL, 0},
	{"samples", check_beside, NULL, 0},
	{"places", check_beside, NULL, 0},
	{"texts", check_text, NULL, 0},
	{"checks", check_anything, NULL, 0},
	{"series", check_anything, NULL, 0},
	{"definitions", check_content, "SELECT leaf, digest FROM definitions WHERE id = ?1", 1},
	{"facts", check_content, "SELECT leaf, digest FROM facts WHERE id = ?1", 0},
	{"runs", check_numbered, NULL, 1},
	{"run_ends", check_numbered, NULL, 1},
	{"batches", check_numbered, NULL, 2},
	{"restorations", check_numbered, NULL, 1},
	{"decisions", check_numbered, NULL, 1},
	{"overrides", check_numbered, NULL, 1},
	{"externals", check_numbered, NULL, 1},
	{"cursor_moves", check_numbered, NULL, 1},
	{"challenges", check_challenge,
	 "SELECT count(*) FROM challenges x WHERE x.id = ?1 AND " STORE_CHALLENGE_AGREES, 1},
	{"keys", check_numbered, NULL, 1},
	{"anchors", check_numbered, NULL, 1},
	{"merges", check_numbered, NULL, 1},
	{"notices", check_numbered, NULL, 1},
	{"notice_ends", check_numbered, NULL, 1},
	{"steps", check_child, PARENT("restorations"), 0},
	{"artifacts", check_child, PARENT("restorations"), 4},
	{"decision_lines", check_child, PARENT("decisions"), 0},
	{"decision_waivers", check_child, PARENT("decisions"), 0},
	{"attacks", check_child, PARENT("challenges"), 0},
	{"notice_lines", check_child, PARENT("notices"), 0},
	{"external_labels", check_label, "SELECT min(seq) FROM externals WHERE series = ?1", 0},
	/* of no change: only a base is made by a newer version, and nothing on a server is pruned
	 */
	{"migrations", check_nothing, NULL, 0},
	{"prunings", check_nothing, NULL, 0},
	{"pruned_texts", check_nothing, NULL, 0},
	{"pruned_samples", check_nothing, NULL, 0},
};

static const struct rule *rule_of(const char *table)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].table, table) == 0)
			return &rules[i];
	return NULL;
}

bool shared_is_cache(const char *table)
{
	const struct rule *rule = rule_of(table);

	return rule != NULL && rule->check == check_cache;
}

/* ---- all of them ---- */

static int check_rows(struct rows *x, bool *is_so, struct err *e)
{
	const char *table;
	int indirect, rc;

	while (*is_so && (rc = sqlite3changeset_next(x->at)) == SQLITE_ROW) {
		if (sqlite3changeset_op(x->at, &table, &x->n_columns, &x->op, &indirect) !=
		    SQLITE_OK)
			return err_set(e, ERR_RECORD, "a change cannot be read");
		if (x->rule == NULL || strcmp(x->rule->table, table) != 0)
			x->rule = rule_of(table);
		*is_so = x->rule != NULL;
		if (*is_so && x->rule->check(x, is_so, e) != 0)
			return -1;
	}
	return 0;
}

/* Each result has one leaf, and each leaf a result of its own. */
static bool has_every_result(struct rows *x)
{
	if (x->n_inserted != x->leaves->n_results)
		return false;
	if (x->n_inserted == 0)
		return true;
	qsort(x->inserted, x->n_inserted, sizeof(*x->inserted), compare_ids);
	return memcmp(x->inserted, x->leaves->results, x->n_inserted * sizeof(*x->inserted)) == 0;
}

int shared_rows_agree(const struct shared_leaves *leaves, const void *bytes, size_t n, int64_t from,
		      int64_t to, bool *is_so, struct err *e)
{
	struct rows x = {.leaves = leaves, .r = leaves->r, .from = from, .to = to};
	void *theirs = xmalloc(n + 1); /* SQLite reads through pointers that are not const */
	int rc;

	if (leaves->n_results > 1)
		qsort(leaves->results, leaves->n_results, sizeof(*leaves->results), compare_ids);
	x.facts = facts_cache_new(x.r, leaves->arena);
	memcpy(theirs, bytes, n);
	*is_so = sqlite3changeset_start(&x.at, (int)n, theirs) == SQLITE_OK;
	rc = 0;
	if (*is_so) {
		rc = check_rows(&x, is_so, e);
		(void)sqlite3changeset_finalize(x.at); /* a failure was seen when it was applied */
	}
	free(theirs);
	*is_so = *is_so && has_every_result(&x);
	return rc;
}
