/*
 * What may go is gathered in temporary tables, first by what has it, then less what anything else
 * has. That the list of columns below names all that hold the id of a text is not taken on trust:
 * the verification before the commit finds any that was missed.
 */
#include "runner/history/prune.h"

#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/history/ledger_parts.h"
#include "runner/io/file.h"

#define ROOM_BESIDE INT64_C(16777216) /* for whoever records meanwhile */
#define IN_MEMORY   INT64_C(67108864) /* a file of this size is compacted there */

struct pruning {
	struct record *r;
	const struct prune_options *o;
	struct pruned *out;
	int64_t id;
};

static int execute(struct record *r, const char *sql, struct err *e)
{
	return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(r, e);
}

/* ---- what may go ---- */

static const char tables[] =
	"CREATE TEMP TABLE IF NOT EXISTS prune_runs(run INTEGER PRIMARY KEY) STRICT;"
	"CREATE TEMP TABLE IF NOT EXISTS prune_newest(result INTEGER PRIMARY KEY) STRICT;"
	"CREATE TEMP TABLE IF NOT EXISTS prune_kept(facts INTEGER PRIMARY KEY) STRICT;"
	"CREATE TEMP TABLE IF NOT EXISTS prune_texts(text INTEGER PRIMARY KEY) STRICT;"
	"CREATE TEMP TABLE IF NOT EXISTS prune_samples(result INTEGER PRIMARY KEY) STRICT;"
	"DELETE FROM prune_runs; DELETE FROM prune_newest; DELETE FROM prune_kept;"
	"DELETE FROM prune_texts; DELETE FROM prune_samples;";

/* ?1 = before_ms, ?2 = keep_runs, ?3 and ?4 = outcomes that are no history (samples.c) */
static const char *const gathering[] = {
	"INSERT OR IGNORE INTO prune_runs SELECT run FROM decisions WHERE at_ms >= ?1 UNION SELECT "
	"l.run FROM decision_lines l JOIN decisions d ON d.id = l.decision WHERE d.at_ms >= ?1",
	/* by number, and by time: merged runs have later numbers than their time */
	"INSERT OR IGNORE INTO prune_newest SELECT max(id) FROM results GROUP BY id & 16777215 "
	"UNION SELECT id FROM (SELECT x.id AS id, max(r.begin_ms + x.at_ms) FROM results x JOIN "
	"runs r ON r.id = x.run GROUP BY x.id & 16777215)",
	"INSERT OR IGNORE INTO prune_kept SELECT x.facts_id FROM results x JOIN runs r ON r.id = "
	"x.run WHERE r.begin_ms + x.at_ms >= ?1 OR x.run IN (SELECT run FROM prune_runs) UNION "
	"SELECT facts_id FROM results WHERE id IN (SELECT result FROM prune_newest)",
	"INSERT INTO prune_texts SELECT evidence FROM facts WHERE evidence IS NOT NULL AND id NOT "
	"IN (SELECT facts FROM prune_kept) UNION SELECT query FROM facts WHERE query IS NOT NULL "
	"AND id NOT IN (SELECT facts FROM prune_kept)",
	"DELETE FROM prune_texts WHERE text IN (SELECT evidence FROM facts WHERE id IN (SELECT "
	"facts FROM prune_kept) UNION ALL SELECT query FROM facts WHERE id IN (SELECT facts FROM "
	"prune_kept)) OR text IN (SELECT text FROM pruned_texts) OR text IN (SELECT id FROM texts "
	"WHERE body = '')",
	"INSERT INTO prune_samples SELECT m.result FROM samples m JOIN results x ON x.id = "
	"m.result JOIN runs r ON r.id = x.run WHERE r.begin_ms + x.at_ms < ?1 AND x.run NOT IN "
	"(SELECT run FROM prune_runs) AND x.id NOT IN (SELECT result FROM prune_newest)",
	"DELETE FROM prune_samples WHERE result IN (SELECT result FROM (SELECT m.result AS result, "
	"row_number() OVER (PARTITION BY m.result & 16777215, d.hash, r.host ORDER BY r.begin_ms "
	"DESC) AS place FROM samples m JOIN results x ON x.id = m.result JOIN runs r ON r.id = "
	"x.run JOIN facts f ON f.id = x.facts_id JOIN definitions d ON d.id = f.definition_id "
	"WHERE f.outcome NOT IN (?3, ?4) AND x.value IS NOT NULL) WHERE place <= ?2)",
};

/* Columns that hold the id of a text, but for evidence and query of facts. */
static const struct {
	const char *table, *columns;
} holders[] = {
	{"runs", "subject selection command definition_file commit_id host user version job_url "
		 "boot_id subject_commit"},
	{"definitions", "kind title why owner target file tags expects"},
	{"facts", "unit bound reason"},
	{"states", "subject"},
	{"latest", "subject"},
	{"restorations", "set_name tag commit_id tree content"},
	{"steps", "name finding remedy note"},
	{"pins", "set_name tag"},
	{"artifacts", "set_name tag name digest"},
	{"decisions", "gate subject policy basis"},
	{"decision_lines", "check_name series text remedy file"},
	{"decision_waivers", "waiver owner reason ticket"},
	{"externals", "name series given_id unit host user"},
	{"external_labels", "series name value"},
	{"notices", "sink"},
	{"notice_lines", "check_name series_name bound file owner reason subject title unit value"},
	{"overrides",
	 "gate subject actor reason host user subject_commit definition definition_file"},
	{"challenges", "subject reason help definition_file commit_id host user version"},
	{"attacks",
	 "name object words outcome reason series was became bound advice turns_red_words"},
	{"keys", "name host user"},
	{"anchors", "place host user"},
	{"merges", "origin note host user"},
	{"prunings", "host user"},
};

static int spare_held(struct record *r, struct err *e)
{
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++) {
		const char *at = holders[i].columns;

		while (*at != '\0') {
			size_t n = strcspn(at, " ");
			char sql[160];

			(void)sqlite3_snprintf(sizeof(sql), sql,
					       "DELETE FROM prune_texts WHERE text IN (SELECT "
					       "\"%.*s\" FROM \"%s\")",
					       (int)n, at, holders[i].table);
			if (execute(r, sql, e) != 0)
				return -1;
			at += n + strspn(at + n, " ");
		}
	}
	return 0;
}

static int gather(struct pruning *p, struct err *e)
{
	if (execute(p->r, tables, e) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(gathering) / sizeof(gathering[0]); i++) {
		sqlite3_stmt *s = store_sql(p->r, gathering[i], e);
		const int64_t values[] = {p->o->before_ms, p->o->keep_runs, OUTCOME_FAIL,
					  OUTCOME_SKIP};

		if (s == NULL)
			return -1;
		for (int k = 0; k < sqlite3_bind_parameter_count(s); k++)
			store_bind_int(s, k + 1, values[k]);
		if (store_run(p->r, s, e) != 0)
			return -1;
	}
	return spare_held(p->r, e);
}

static int count(struct pruning *p, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		p->r,
		"SELECT (SELECT count(*) FROM prune_texts), (SELECT count(*) FROM "
		"prune_samples), (SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM "
		"texts WHERE id IN (SELECT text FROM prune_texts)) + (SELECT "
		"coalesce(sum(length(body)), 0) FROM samples WHERE result IN (SELECT result "
		"FROM prune_samples))",
		e);

	if (s == NULL || store_step(p->r, s, e) < 0)
		return -1;
	p->out->n_texts = sqlite3_column_int64(s, 0);
	p->out->n_samples = sqlite3_column_int64(s, 1);
	p->out->n_bytes = sqlite3_column_int64(s, 2);
	(void)sqlite3_reset(s); /* after a row: nothing to tell */
	return 0;
}

/* ---- letting go ---- */

static int begin(struct pruning *p, struct err *e)
{
	const char *const texts[] = {p->o->host, p->o->user};
	int64_t ids[2];
	sqlite3_stmt *s;

	for (size_t i = 0; i < 2; i++)
		if (intern_text(p->r, texts[i] != NULL ? texts[i] : "", &ids[i], e) != 0)
			return -1;
	s = store_sql(p->r,
		      "INSERT INTO prunings(seq, at_ms, before_ms, host, user) VALUES (?1, ?2, ?3, "
		      "?4, ?5)",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(p->r, 1));
	store_bind_int(s, 2, p->o->at_ms);
	store_bind_int(s, 3, p->o->before_ms);
	store_bind_int(s, 4, ids[0]);
	store_bind_int(s, 5, ids[1]);
	if (store_run(p->r, s, e) != 0)
		return -1;
	p->id = sqlite3_last_insert_rowid(p->r->db);
	return 0;
}

/* A row of pruned_texts or pruned_samples for the body that `from` stands on: id, body. */
static int keep_digest(struct pruning *p, const char *sql, sqlite3_stmt *from, struct err *e)
{
	sqlite3_stmt *s = store_sql(p->r, sql, e);
	unsigned char digest[SHA256_BYTES];
	const void *body = sqlite3_column_blob(from, 1);
	int n = sqlite3_column_bytes(from, 1);

	if (s == NULL)
		return -1;
	sha256_of(body != NULL ? body : "", (size_t)n, digest);
	store_bind_int(s, 1, sqlite3_column_int64(from, 0));
	store_bind_int(s, 2, p->id);
	store_bind_digest(s, 3, digest, sizeof(digest));
	store_bind_int(s, 4, n);
	return store_run(p->r, s, e);
}

static int keep_digests(struct pruning *p, const char *bodies, const char *sql, struct err *e)
{
	sqlite3_stmt *from = store_sql(p->r, bodies, e);
	int rc;

	if (from == NULL)
		return -1;
	while ((rc = store_step(p->r, from, e)) == 1)
		if (keep_digest(p, sql, from, e) != 0) {
			(void)sqlite3_reset(from); /* the cause is told */
			return -1;
		}
	return rc;
}

/* Facts by the digest of those that lost a body. */
static int rename_facts(struct pruning *p, struct err *e)
{
	sqlite3_stmt *from = store_sql(
		p->r,
		"SELECT id, leaf FROM facts WHERE evidence IN (SELECT text FROM prune_texts) OR "
		"query IN (SELECT text FROM prune_texts)",
		e);
	int rc;

	if (from == NULL)
		return -1;
	while ((rc = store_step(p->r, from, e)) == 1) {
		sqlite3_stmt *s = store_sql(p->r, "UPDATE facts SET digest = ?1 WHERE id = ?2", e);
		unsigned char leaf[SHA256_BYTES], digest[SHA256_BYTES];

		store_digest(from, 1, leaf, sizeof(leaf));
		intern_digest_of_pruned(sqlite3_column_int64(from, 0), leaf, digest);
		if (s == NULL)
			return -1;
		store_bind_digest(s, 1, digest, INTERN_DIGEST_BYTES);
		store_bind_int(s, 2, sqlite3_column_int64(from, 0));
		if (store_run(p->r, s, e) != 0) {
			(void)sqlite3_reset(from); /* the cause is told */
			return -1;
		}
	}
	return rc;
}

static int let_go(struct pruning *p, struct err *e)
{
	if (begin(p, e) != 0 ||
	    keep_digests(
		    p, "SELECT id, body FROM prune_texts CROSS JOIN texts ON id = prune_texts.text",
		    "INSERT INTO pruned_texts(text, pruning, sha256, size) VALUES (?1, ?2, ?3, "
		    "?4)",
		    e) != 0 ||
	    keep_digests(
		    p,
		    "SELECT m.result, m.body FROM prune_samples x CROSS JOIN samples m ON "
		    "m.result = x.result",
		    "INSERT INTO pruned_samples(result, pruning, sha256, size) VALUES (?1, ?2, "
		    "?3, ?4)",
		    e) != 0 ||
	    rename_facts(p, e) != 0)
		return -1;
	return execute(p->r,
		       "UPDATE texts SET body = '' WHERE id IN (SELECT text FROM prune_texts);"
		       "DELETE FROM samples WHERE result IN (SELECT result FROM prune_samples)",
		       e);
}

/* ---- and is it the same record? ---- */

static int verify(struct pruning *p, struct arena *a, struct err *e)
{
	const struct ledger_trust trust = {.progress = p->o->progress,
					   .progress_ctx = p->o->progress_ctx};
	struct ledger_verification v;

	if (ledger_extend(p->r, e) != 0 || ledger_verify_entered(p->r, a, &trust, &v, e) != 0)
		return -1;
	p->out->n_verified = v.head.size;
	if (v.n_broken == 0)
		return 0;
	(void)err_set(e, ERR_RECORD, "cannot prune record \"%s\", it is broken: %s", p->r->path,
		      v.findings[0].text);
	return err_help(e, "assize ledger verify says all; nothing was pruned");
}

static int prune(struct pruning *p, struct arena *a, struct err *e)
{
	if (gather(p, e) != 0 || count(p, e) != 0)
		return -1;
	if (p->o->is_dry || p->out->n_texts + p->out->n_samples == 0)
		return 1; /* nothing is to be committed */
	if (let_go(p, e) != 0 || verify(p, a, e) != 0)
		return -1;
	p->out->id = p->id;
	return 0;
}

int record_prune(struct record *r, struct arena *a, const struct prune_options *o,
		 struct pruned *out, struct err *e)
{
	struct pruned done = {.id = 0};
	struct pruning p = {.r = r, .o = o, .out = &done};
	int rc;

	if (r->shared != NULL) {
		(void)err_set(
			e, ERR_USAGE,
			"cannot prune record \"%s\": history on a server is only ever added to",
			r->path);
		return err_help(e,
				"assize ledger export FILE makes a file of it that can be pruned");
	}
	/* Room that comes free is cleared: what is gone is not to be found in the file. */
	if (execute(r, "PRAGMA secure_delete = ON", e) != 0 ||
	    store_enter(r, STORE_WRITING, e) != 0)
		return -1;
	rc = prune(&p, a, e);
	if (store_leave(r, rc, e) < 0)
		return -1;
	*out = done;
	return 0;
}

/* ---- room ---- */

static int ask(struct record *r, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, sql, e);

	return s == NULL || store_integer(r, s, out, e) < 0 ? -1 : 0;
}

int record_size(struct record *r, int64_t *out, struct err *e)
{
	int64_t pages = 0, bytes = 0;

	if (ask(r, "PRAGMA page_count", &pages, e) != 0 ||
	    ask(r, "PRAGMA page_size", &bytes, e) != 0)
		return -1;
	*out = pages * bytes;
	return 0;
}

static int check_room(struct record *r, int64_t needed, struct err *e)
{
	char has[NUM_REAL_MAX], wants[NUM_REAL_MAX];
	int64_t bytes, inodes;

	if (file_free_space(r->path, &bytes, &inodes, e) != 0)
		return -1;
	if (bytes >= needed)
		return 0;
	(void)num_format_size(bytes, has);    /* its length */
	(void)num_format_size(needed, wants); /* same */
	return err_set(e, ERR_MEASURE,
		       "making \"%s\" smaller takes %s while it is done, and there are %s", r->path,
		       wants, has);
}

int record_compact(struct record *r, int64_t *before, int64_t *after, struct err *e)
{
	int64_t size, now;

	if (record_size(r, &size, e) != 0 || check_room(r, 2 * size + ROOM_BESIDE, e) != 0)
		return -1;
	if (execute(r, size > IN_MEMORY ? "PRAGMA temp_store = FILE" : "PRAGMA temp_store = MEMORY",
		    e) != 0 ||
	    execute(r, "VACUUM", e) != 0 || record_size(r, &now, e) != 0)
		return -1;
	*before = size;
	*after = now;
	return 0;
}
