/*
 * What does not need the order of the leaves: the schema, the structure of the file, rows that are
 * named by their content, caches that follow from the rest, and rows that belong to nothing.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/leaf.h"
#include "runner/history/ledger_parts.h"
#include "runner/history/row.h"

/* ---- the file ---- */

static const char schema_sql[] = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name "
				 "NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY type, name";

static const char *column_or(sqlite3_stmt *s, int at)
{
	const char *text = (const char *)sqlite3_column_text(s, at);

	return text != NULL ? text : "";
}

static int compare_names(sqlite3_stmt *a, bool has_a, sqlite3_stmt *b, bool has_b)
{
	int order;

	if (!has_a || !has_b)
		return has_a ? -1 : 1;
	order = strcmp(column_or(a, 0), column_or(b, 0));
	return order != 0 ? order : strcmp(column_or(a, 1), column_or(b, 1));
}

static int compare_objects(struct ledger_check *c, sqlite3_stmt *is, sqlite3_stmt *should,
			   struct err *e)
{
	int a = store_step(c->r, is, e), b = store_step(c->r, should, e);

	while (a == 1 || b == 1) {
		int order = compare_names(is, a == 1, should, b == 1);

		if (order < 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "the file has a %s \"%s\" that no record has",
					  column_or(is, 0), column_or(is, 1));
		else if (order > 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN, "the %s \"%s\" of the record is gone",
					  column_or(should, 0), column_or(should, 1));
		else if (strcmp(column_or(is, 2), column_or(should, 2)) != 0 ||
			 strcmp(column_or(is, 3), column_or(should, 3)) != 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "the %s \"%s\" is defined otherwise than in every record",
					  column_or(is, 0), column_or(is, 1));
		a = order <= 0 ? store_step(c->r, is, e) : a;
		b = order >= 0 ? store_step(c->r, should, e) : b;
		if (a < 0 || b < 0)
			return -1;
	}
	return a < 0 || b < 0 ? -1 : 0;
}

/* A file of this version as it is made, in memory, is what the schema is held against. */
static int check_schema(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *is = store_sql(c->r, schema_sql, e), *should = NULL;
	sqlite3 *pattern;
	int rc;

	if (is == NULL || store_pattern(&pattern, e) != 0)
		return -1;
	rc = sqlite3_prepare_v2(pattern, schema_sql, -1, &should, NULL) == SQLITE_OK
		     ? compare_objects(c, is, should, e)
		     : err_set(e, ERR_INTERNAL, "%s", sqlite3_errmsg(pattern));
	(void)sqlite3_finalize(should); /* its failure was told by the step */
	(void)sqlite3_close(pattern);	/* nothing is open: cannot fail */
	return rc;
}

static int check_table(struct ledger_check *c, const char *table)
{
	char sql[128];
	sqlite3_stmt *s = NULL;
	int rc;

	(void)sqlite3_snprintf(sizeof(sql), sql, "PRAGMA integrity_check(%Q)", table);
	if (sqlite3_prepare_v2(c->r->db, sql, -1, &s, NULL) != SQLITE_OK)
		return LEDGER_FIND(c, LEDGER_BROKEN, "table \"%s\" cannot be looked at: %s", table,
				   sqlite3_errmsg(c->r->db));
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		if (strcmp(column_or(s, 0), "ok") != 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN, "table \"%s\": %s", table,
					  column_or(s, 0));
	if (rc != SQLITE_DONE)
		(void)LEDGER_FIND(c, LEDGER_BROKEN, "table \"%s\": %s", table,
				  sqlite3_errmsg(c->r->db));
	(void)sqlite3_finalize(s); /* its failure was told above */
	return 0;
}

/*
 * Tables with indexes, which later steps read by. `results` has none: every row of it is read and
 * hashed, which a structure that is wrong does not survive.
 */
int ledger_check_file(struct ledger_check *c, struct err *e)
{
	const char **tables = NULL;
	size_t n = 0, cap = 0;
	sqlite3_stmt *s;
	int rc;

	if (check_schema(c, e) != 0)
		return -1;
	s = store_sql(c->r,
		      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'results' "
		      "ORDER BY name",
		      e);
	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1) {
		tables = store_grow(c->a, tables, sizeof(*tables), n, &cap);
		tables[n++] = store_text_or(s, 0, c->a, "");
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = check_table(c, tables[i]);
	return rc;
}

/* ---- rows named by their content ---- */

/* Of one that was pruned the hash is the beginning of the digest that was kept, and nothing is
 * left.
 */
static bool is_its_hash(sqlite3_stmt *s)
{
	unsigned char digest[SHA256_BYTES];

	if (sqlite3_column_type(s, 3) == SQLITE_NULL)
		return sqlite3_column_int64(s, 1) == intern_text_hash(column_or(s, 2));
	store_digest(s, 3, digest, sizeof(digest));
	return sqlite3_column_int64(s, 1) == intern_hash_of(digest) &&
	       sqlite3_column_bytes(s, 2) == 0;
}

static int check_texts(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(c->r,
				    "SELECT id, hash, body, (SELECT sha256 FROM pruned_texts WHERE "
				    "text = id) FROM texts",
				    e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1)
		if (!is_its_hash(s))
			(void)LEDGER_FIND(c, LEDGER_BROKEN, "text %lld is not what its hash says",
					  (long long)sqlite3_column_int64(s, 0));
	return rc;
}

struct content {
	const char *what, *sql;
	int (*leaf)(struct record *r, int64_t id, unsigned char *out, struct err *e);
	int (*digest)(struct facts_cache *cache, int64_t id, unsigned char *out, struct err *e);
};

static int check_row(struct ledger_check *c, const struct content *x, struct facts_cache *cache,
		     sqlite3_stmt *s, struct err *e)
{
	unsigned char leaf[SHA256_BYTES], digest[SHA256_BYTES];
	int64_t id = sqlite3_column_int64(s, 0);

	if (x->leaf(c->r, id, leaf, e) != 0 ||
	    (sqlite3_column_int(s, 3) == 0 && x->digest(cache, id, digest, e) != 0)) {
		(void)LEDGER_FIND(c, LEDGER_BROKEN, "row %lld of %s cannot be read: %s",
				  (long long)id, x->what, e->message);
		*e = (struct err){0};
		return 0;
	}
	if (sqlite3_column_int(s, 3) != 0)
		intern_digest_of_pruned(id, leaf, digest);
	if (sqlite3_column_bytes(s, 1) == SHA256_BYTES &&
	    memcmp(sqlite3_column_blob(s, 1), leaf, SHA256_BYTES) == 0 &&
	    sqlite3_column_bytes(s, 2) == INTERN_DIGEST_BYTES &&
	    memcmp(sqlite3_column_blob(s, 2), digest, INTERN_DIGEST_BYTES) == 0)
		return 0;
	return LEDGER_FIND(c, LEDGER_BROKEN, "row %lld of %s is not what its digest says",
			   (long long)id, x->what);
}

static int check_content(struct ledger_check *c, const struct content *x, struct err *e)
{
	sqlite3_stmt *s = store_sql(c->r, x->sql, e);
	struct arena *scratch = arena_new();
	struct facts_cache *cache = facts_cache_new(c->r, scratch);
	int rc;

	while ((rc = s == NULL ? -1 : store_step(c->r, s, e)) == 1) {
		if (check_row(c, x, cache, s, e) != 0) {
			rc = -1;
			break;
		}
		if (arena_size(scratch) > 16 * 1024 * 1024) {
			arena_free(scratch);
			scratch = arena_new();
			cache = facts_cache_new(c->r, scratch);
		}
	}
	arena_free(scratch);
	return rc;
}

static int check_working(struct ledger_check *c, struct err *e)
{
	bool is_sealed;

	if (ledger_is_working_sealed(c->r, &is_sealed, e) != 0)
		return -1;
	return is_sealed ? 0
			 : LEDGER_FIND(c, LEDGER_BROKEN,
				       "locks, or what was told and waits to be told, were changed "
				       "by somebody else");
}

int ledger_check_contents(struct ledger_check *c, struct err *e)
{
	static const struct content contents[] = {
		{"definitions", "SELECT id, leaf, digest, 0 FROM definitions", leaf_of_definition,
		 intern_digest_of_definition},
		{"facts",
		 "SELECT id, leaf, digest, EXISTS (SELECT 1 FROM pruned_texts WHERE text IN "
		 "(evidence, query)) FROM facts",
		 leaf_of_facts, intern_digest_of_facts},
	};

	if (check_texts(c, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		if (check_content(c, &contents[i], e) != 0)
			return -1;
	return check_working(c, e);
}

/* ---- caches, and rows that belong to nothing ---- */

/* Each counts what should not be there. */
static const struct {
	const char *sql, *what;
} strays[] = {
	{"SELECT count(*) FROM steps WHERE restoration NOT IN (SELECT id FROM restorations)",
	 "steps of no restoration"},
	{"SELECT count(*) FROM artifacts WHERE restoration NOT IN (SELECT id FROM restorations)",
	 "artifacts of no restoration"},
	{"SELECT count(*) FROM artifacts a JOIN restorations x ON x.id = a.restoration WHERE "
	 "a.set_name <> x.set_name OR a.tag <> x.tag",
	 "artifacts of another tag than their restoration"},
	{"SELECT count(*) FROM decision_lines WHERE decision NOT IN (SELECT id FROM decisions)",
	 "lines of no decision"},
	{"SELECT count(*) FROM decision_waivers WHERE (decision, place) NOT IN (SELECT decision, "
	 "place "
	 "FROM decision_lines)",
	 "waivers of no line of a decision"},
	{"SELECT count(*) FROM notice_lines WHERE notice NOT IN (SELECT id FROM notices)",
	 "lines of no notice"},
	{"SELECT count(*) FROM external_labels WHERE series NOT IN (SELECT series FROM externals)",
	 "labels of nothing that was recorded"},
	{"SELECT count(*) FROM attacks WHERE challenge NOT IN (SELECT id FROM challenges)",
	 "attacks of no challenge"},
	{"SELECT count(*) FROM challenges x WHERE NOT " STORE_CHALLENGE_AGREES,
	 "challenges that do not say what their attacks do"},
	{"SELECT count(*) FROM series WHERE check_id NOT IN (SELECT id FROM checks)",
	 "series of no check"},
	{"SELECT count(*) FROM facts WHERE definition_id NOT IN (SELECT id FROM definitions)",
	 "facts of no definition"},
	{"SELECT count(*) FROM run_ends WHERE run NOT IN (SELECT id FROM runs)", "ends of no run"},
	{"SELECT count(*) FROM batches WHERE run NOT IN (SELECT id FROM runs)",
	 "batches of no run"},
	{"SELECT count(*) FROM batches WHERE n_results < 1", "batches of no result"},
	{"SELECT count(*) FROM restorations WHERE run NOT IN (SELECT id FROM runs)",
	 "restorations of no run"},
	{"SELECT count(*) FROM head WHERE one <> 1", "heads too many"},
	{"SELECT (SELECT count(*) FROM pruned_texts WHERE pruning NOT IN (SELECT id FROM "
	 "prunings) OR text NOT IN (SELECT id FROM texts)) + (SELECT count(*) FROM "
	 "pruned_samples WHERE pruning NOT IN (SELECT id FROM prunings))",
	 "bodies that nobody pruned"},
	{"SELECT count(*) FROM prunings WHERE before_ms > at_ms", "prunings of what was not old"},
	{"SELECT (SELECT count(*) FROM runs WHERE merge IS NOT NULL AND merge NOT IN (SELECT id "
	 "FROM "
	 "merges)) + (SELECT count(*) FROM externals WHERE merge IS NOT NULL AND merge NOT IN "
	 "(SELECT "
	 "id FROM merges)) + (SELECT count(*) FROM challenges WHERE merge IS NOT NULL AND merge "
	 "NOT IN (SELECT id FROM merges))",
	 "runs, measurements or challenges of no merge"},
	/* a pin is the first restoration that knew commit and tree */
	{"SELECT (SELECT count(*) FROM (SELECT set_name, tag, restoration FROM pins EXCEPT SELECT "
	 "set_name, tag, min(id) FROM restorations WHERE commit_id IS NOT NULL AND tree IS NOT "
	 "NULL "
	 "GROUP BY set_name, tag)) + (SELECT count(*) FROM (SELECT set_name, tag, min(id) FROM "
	 "restorations WHERE commit_id IS NOT NULL AND tree IS NOT NULL GROUP BY set_name, tag "
	 "EXCEPT "
	 "SELECT set_name, tag, restoration FROM pins))",
	 "pins that are not the first restoration of their tag"},
};

/* A manifest is a digest of these, among others: what has one of them has all. */
static int check_manifests(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		c->r,
		"SELECT min(id), max(id), substr(lower(hex(manifest)), 1, 12) FROM runs WHERE "
		"manifest IS NOT NULL GROUP BY manifest HAVING min(subject) <> max(subject) OR "
		"min(selection) <> max(selection) OR min(shards) <> max(shards) OR "
		"min(definition_digest) <> max(definition_digest) ORDER BY 1",
		e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1)
		(void)LEDGER_FIND(c, LEDGER_BROKEN,
				  "runs %lld to %lld of manifest %s are not of one subject, "
				  "selection, number of shards and definition",
				  (long long)sqlite3_column_int64(s, 0),
				  (long long)sqlite3_column_int64(s, 1), column_or(s, 2));
	return rc;
}

static int count_of(struct ledger_check *c, const char *sql, int64_t *n, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(c->r->db, sql, -1, &s, NULL) == SQLITE_OK)
		rc = store_integer(c->r, s, n, e);
	else
		(void)store_fail(c->r, e); /* -1 */
	(void)sqlite3_finalize(s);	   /* its failure was told by the step */
	return rc < 0 ? -1 : 0;
}

static int check_strays(struct ledger_check *c, struct err *e)
{
	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		int64_t n = 0;

		if (count_of(c, strays[i].sql, &n, e) != 0)
			return -1;
		if (n > 0)
			(void)LEDGER_FIND(c, LEDGER_BROKEN, "there are %s (%lld)", strays[i].what,
					  (long long)n);
	}
	return 0;
}

/* Rows that no leaf was made of: whoever adds some must not be able to hide them. */
static int check_total(struct ledger_check *c, const char *table, uint64_t seen, struct err *e)
{
	char sql[128];
	int64_t n = 0;

	(void)sqlite3_snprintf(sizeof(sql), sql, "SELECT count(*) FROM \"%w\"", table);
	if (count_of(c, sql, &n, e) != 0)
		return -1;
	if ((uint64_t)n == seen)
		return 0;
	return LEDGER_FIND(c, LEDGER_BROKEN,
			   "table \"%s\" has %lld rows, %" PRIu64 " are in the ledger", table,
			   (long long)n, seen);
}

static int check_totals(struct ledger_check *c, struct err *e)
{
	for (size_t i = 0; leaf_kinds[i].type != NULL; i++)
		if (check_total(c, leaf_kinds[i].table, c->n_rows[i], e) != 0)
			return -1;
	if (check_total(c, "results", c->out->n_results, e) != 0 ||
	    check_total(c, "samples", c->n_samples, e) != 0 ||
	    check_total(c, "pruned_samples", c->n_pruned_samples, e) != 0 ||
	    check_total(c, "places", c->n_places, e) != 0)
		return -1;
	return check_total(c, "states", c->standings.n, e) != 0 ||
			       check_total(c, "latest", c->latest.n, e) != 0
		       ? -1
		       : 0;
}

static bool is_standing(const struct standing *x, sqlite3_stmt *s)
{
	return x != NULL && x->run == sqlite3_column_int64(s, 1) &&
	       x->subject == sqlite3_column_int64(s, 2) &&
	       (int64_t)x->outcome == sqlite3_column_int64(s, 3) &&
	       x->measured_ms == sqlite3_column_int64(s, 4) &&
	       x->since_ms == sqlite3_column_int64(s, 5) &&
	       x->finished_ms == sqlite3_column_int64(s, 6);
}

static int check_states(struct ledger_check *c, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(c->r,
			  "SELECT check_id, run, subject, outcome, measured_ms, since_ms, "
			  "finished_ms, (SELECT name FROM checks WHERE id = check_id) FROM "
			  "states",
			  e);
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1)
		if (!is_standing(id_map_get(&c->standings, sqlite3_column_int64(s, 0)), s))
			(void)LEDGER_FIND(c, LEDGER_BROKEN,
					  "where check \"%s\" stands is not what its results say",
					  column_or(s, 7));
	if (rc != 0)
		return -1;
	s = store_sql(c->r, "SELECT subject, check_id, run FROM latest", e);
	if (s == NULL)
		return -1;
	while ((rc = store_step(c->r, s, e)) == 1) {
		const int64_t *run = id_map_get(&c->latest, sqlite3_column_int64(s, 0) << 32 |
								    sqlite3_column_int64(s, 1));

		if (run == NULL || *run != sqlite3_column_int64(s, 2))
			(void)LEDGER_FIND(
				c, LEDGER_BROKEN,
				"the newest run of check %lld about subject %lld is not what "
				"its results say",
				(long long)sqlite3_column_int64(s, 1),
				(long long)sqlite3_column_int64(s, 0));
	}
	return rc;
}

/* Nothing says which of them it is: what is compared is the sum of all. */
static int check_days(struct ledger_check *c, struct err *e)
{
	bool is_so;

	if (days_agree(c->r, &c->days, &is_so, e) != 0)
		return -1;
	return is_so ? 0
		     : LEDGER_FIND(c, LEDGER_BROKEN,
				   "the outcomes by day are not what the results say");
}

int ledger_check_caches(struct ledger_check *c, struct err *e)
{
	return check_strays(c, e) != 0 || check_manifests(c, e) != 0 || check_totals(c, e) != 0 ||
			       check_states(c, e) != 0 || check_days(c, e) != 0
		       ? -1
		       : 0;
}
