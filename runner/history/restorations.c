/*
 * What the rollback room found out: restorations with their steps, and pins.
 *
 * A pin is the first restoration of a tag that knew both commit and tree, whatever its outcome: a
 * tag that was broken when first seen still has an identity it must keep.
 */
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/store.h"

static int write_step(struct record *r, int64_t restoration, size_t place,
		      const struct restoration_step *step, struct err *e)
{
	const char *const texts[] = {step->name, step->finding, step->remedy, step->note};
	int64_t ids[4];
	sqlite3_stmt *s;

	for (size_t i = 0; i < 4; i++)
		if (intern_text(r, texts[i], &ids[i], e) != 0)
			return -1;
	s = store_sql(r, "INSERT INTO steps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, restoration);
	store_bind_int(s, 2, (int64_t)place);
	store_bind_id(s, 3, ids[0]);
	store_bind_int(s, 4, step->outcome);
	store_bind_int(s, 5, step->duration_us);
	store_bind_id(s, 6, ids[1]);
	store_bind_id(s, 7, ids[2]);
	store_bind_id(s, 8, ids[3]);
	return store_run(r, s, e);
}

static int pin(struct record *r, int64_t set, int64_t tag, int64_t restoration, struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "INSERT OR IGNORE INTO pins VALUES (?1, ?2, ?3)", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, set);
	store_bind_int(s, 2, tag);
	store_bind_int(s, 3, restoration);
	return store_run(r, s, e);
}

/* The first digest stays. */
static int pin_artifact(struct record *r, const int64_t ids[static 2], int64_t restoration,
			const struct artifact_digest *artifact, struct err *e)
{
	sqlite3_stmt *s;
	int64_t name, digest;

	if (intern_text(r, artifact->name, &name, e) != 0 ||
	    intern_text(r, artifact->digest, &digest, e) != 0)
		return -1;
	s = store_sql(r, "INSERT OR IGNORE INTO artifacts VALUES (?1, ?2, ?3, ?4, ?5)", e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, ids[0]);
	store_bind_int(s, 2, ids[1]);
	store_bind_int(s, 3, name);
	store_bind_int(s, 4, digest);
	store_bind_int(s, 5, restoration);
	return store_run(r, s, e);
}

static int write_restoration(struct record *r, int64_t run_id, int64_t at_ms,
			     const struct restoration *x, struct err *e)
{
	const char *const texts[] = {x->set, x->tag, x->commit, x->tree, x->content};
	int64_t ids[5], id;
	sqlite3_stmt *s;

	for (size_t i = 0; i < 5; i++)
		if (intern_text(r, texts[i], &ids[i], e) != 0)
			return -1;
	s = store_sql(
		r,
		"INSERT INTO restorations(seq, run, at_ms, set_name, tag, commit_id, tree, "
		"outcome, tag_time_ms, n_objects, n_files, n_bytes, restore_us, content) VALUES "
		"(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
		e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, store_take_seq(r, 1));
	store_bind_int(s, 2, run_id);
	store_bind_int(s, 3, at_ms);
	for (int i = 0; i < 4; i++)
		store_bind_id(s, 4 + i, ids[i]);
	store_bind_int(s, 8, x->outcome);
	store_bind_int(s, 9, x->tag_time_ms);
	store_bind_int(s, 10, x->n_objects);
	store_bind_int(s, 11, x->n_files);
	store_bind_int(s, 12, x->n_bytes);
	store_bind_int(s, 13, x->restore_us);
	store_bind_id(s, 14, ids[4]);
	if (store_run(r, s, e) != 0)
		return -1;
	id = sqlite3_last_insert_rowid(r->db);
	for (size_t i = 0; i < x->n_steps; i++)
		if (write_step(r, id, i, &x->steps[i], e) != 0)
			return -1;
	for (size_t i = 0; i < x->n_artifacts; i++)
		if (pin_artifact(r, ids, id, &x->artifacts[i], e) != 0)
			return -1;
	return x->commit != NULL && x->tree != NULL ? pin(r, ids[0], ids[1], id, e) : 0;
}

int store_restorations(struct record *r, int64_t run_id, int64_t at_ms,
		       const struct restoration *items, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (write_restoration(r, run_id, at_ms, &items[i], e) != 0)
			return -1;
	return 0;
}

static int read_steps(struct record *r, struct arena *a, int64_t id, struct restoration *out,
		      struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT count(*) FROM steps WHERE restoration = ?1", e);
	int64_t n = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	if (store_integer(r, s, &n, e) < 0)
		return -1;
	out->steps = arena_array(a, (size_t)n, sizeof(*out->steps));
	s = store_sql(r,
		      "SELECT (SELECT body FROM texts WHERE id = name), outcome, "
		      "duration_us, (SELECT body FROM texts WHERE id = finding), (SELECT "
		      "body FROM texts WHERE id = remedy), (SELECT body FROM texts WHERE id = "
		      "note) FROM steps WHERE restoration = "
		      "?1 ORDER BY place",
		      e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	while ((rc = store_step(r, s, e)) == 1 && out->n_steps < (size_t)n) {
		out->steps[out->n_steps++] = (struct restoration_step){
			.name = store_text_or(s, 0, a, ""),
			.outcome = store_outcome(s, 1),
			.duration_us = sqlite3_column_int64(s, 2),
			.finding = store_text(s, 3, a),
			.remedy = store_text(s, 4, a),
			.note = store_text(s, 5, a),
		};
	}
	return rc < 0 ? -1 : 0;
}

/* Both queries give these columns and are bound by their caller; steps follow in a second pass. */
#define COLUMNS                                                                                    \
	"x.id, x.run, x.at_ms, e.state, (SELECT body FROM texts WHERE id = "                       \
	"x.set_name), (SELECT body FROM texts WHERE id = x.tag), (SELECT "                         \
	"body FROM texts WHERE id = x.commit_id), (SELECT body FROM texts "                        \
	"WHERE id = x.tree), x.outcome, x.tag_time_ms, x.n_objects, "                              \
	"x.n_files, x.n_bytes, x.restore_us, (SELECT body FROM texts WHERE id = x.content), "      \
	"(SELECT "                                                                                 \
	"definition_digest FROM runs WHERE id = x.run), (SELECT (SELECT body FROM texts "          \
	"WHERE id = definition_file) FROM runs WHERE id = x.run), "                                \
	"(SELECT (SELECT body FROM texts WHERE id = f.commit_id) FROM pins p JOIN restorations "   \
	"f ON f.id = p.restoration WHERE p.set_name = x.set_name AND p.tag = x.tag)"
#define SOURCE "restorations x LEFT JOIN run_ends e ON e.run = x.run"

static struct restoration_row read_row(sqlite3_stmt *s, struct arena *a)
{
	struct restoration_row row = {
		.run_id = sqlite3_column_int64(s, 1),
		.at_ms = sqlite3_column_int64(s, 2),
		.run_state = store_run_state(s, 3),
		.restoration =
			{
				.set = store_text_or(s, 4, a, ""),
				.tag = store_text_or(s, 5, a, ""),
				.commit = store_text(s, 6, a),
				.tree = store_text(s, 7, a),
				.outcome = store_outcome(s, 8),
				.tag_time_ms = sqlite3_column_int64(s, 9),
				.n_objects = sqlite3_column_int64(s, 10),
				.n_files = sqlite3_column_int64(s, 11),
				.n_bytes = sqlite3_column_int64(s, 12),
				.restore_us = sqlite3_column_int64(s, 13),
				.content = store_text(s, 14, a),
			},
	};

	store_digest(s, 15, row.definition_digest, sizeof(row.definition_digest));
	row.definition_file = store_text_or(s, 16, a, "");
	row.pinned = store_text(s, 17, a);
	return row;
}

static int read_rows(struct record *r, struct arena *a, sqlite3_stmt *s,
		     struct restoration_row **out, size_t *n, struct err *e)
{
	struct restoration_row *rows = NULL;
	int64_t *ids = NULL;
	size_t count = 0, cap = 0, cap_ids = 0;
	int rc;

	while ((rc = store_step(r, s, e)) == 1) {
		rows = store_grow(a, rows, sizeof(*rows), count, &cap);
		ids = store_grow(a, ids, sizeof(*ids), count, &cap_ids);
		ids[count] = sqlite3_column_int64(s, 0);
		rows[count++] = read_row(s, a);
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = read_steps(r, a, ids[i], &rows[i].restoration, e);
	if (rc != 0)
		return -1;
	*out = rows;
	*n = count;
	return 0;
}

static int read_run(struct record *r, struct arena *a, int64_t run_id,
		    struct restoration_row **rows, size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r, "SELECT " COLUMNS " FROM " SOURCE " WHERE x.run = ?1 ORDER BY x.id", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, run_id);
	return read_rows(r, a, s, rows, n, e);
}

int record_run_restorations(struct record *r, struct arena *a, int64_t run_id,
			    struct restoration **out, size_t *n, struct err *e)
{
	struct restoration_row *rows;
	struct restoration *items;
	size_t count;

	if (store_enter(r, STORE_READING, e) != 0 ||
	    store_leave(r, read_run(r, a, run_id, &rows, &count, e), e) != 0)
		return -1;
	items = arena_array(a, count, sizeof(*items));
	for (size_t i = 0; i < count; i++)
		items[i] = rows[i].restoration;
	*out = items;
	*n = count;
	return 0;
}

/* Those it was the first to find good. */
static int read_found(struct record *r, struct arena *a, int64_t id, struct restoration *out,
		      struct err *e)
{
	sqlite3_stmt *s = store_sql(r,
				    "SELECT (SELECT body FROM texts WHERE id = name), (SELECT body "
				    "FROM texts WHERE id = digest) FROM artifacts WHERE "
				    "restoration = ?1",
				    e);
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	while ((rc = store_step(r, s, e)) == 1) {
		out->artifacts = store_grow(a, out->artifacts, sizeof(*out->artifacts),
					    out->n_artifacts, &cap);
		out->artifacts[out->n_artifacts++] = (struct artifact_digest){
			store_text_or(s, 0, a, ""), store_text_or(s, 1, a, "")};
	}
	return rc;
}

int store_restoration_of(struct record *r, struct arena *a, int64_t id, struct restoration_row *out,
			 struct err *e)
{
	sqlite3_stmt *s = store_sql(r, "SELECT " COLUMNS " FROM " SOURCE " WHERE x.id = ?1", e);
	struct restoration_row *rows;
	size_t n = 0;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	if (read_rows(r, a, s, &rows, &n, e) != 0)
		return -1;
	if (n != 1)
		return err_set(e, ERR_RECORD,
			       "cannot trust record \"%s\": restoration %lld is missing", r->path,
			       (long long)id);
	*out = rows[0];
	return read_found(r, a, id, &out->restoration, e);
}

/* By the order of runs, which is not that of numbers once something was merged (store.h). */
#define NEWEST_BY_PLACE                                                                            \
	"SELECT id FROM (SELECT y.id, row_number() OVER (PARTITION BY y.tag ORDER "                \
	"BY " STORE_NEWEST_FIRST                                                                   \
	", y.id DESC) AS place FROM restorations y JOIN runs r ON r.id = "                         \
	"y.run WHERE y.set_name = ?1) WHERE place = 1"

static int read_newest(struct record *r, struct arena *a, const char *set,
		       struct restoration_row **rows, size_t *n, struct err *e)
{
	bool has_merges;
	int64_t set_id;
	sqlite3_stmt *s;

	if (lookup_text(r, set, &set_id, e) != 0 || store_has_merges(r, &has_merges, e) != 0)
		return -1;
	s = has_merges ? store_sql(r,
				   "SELECT " COLUMNS " FROM " SOURCE
				   " WHERE x.id IN (" NEWEST_BY_PLACE ") ORDER BY x.id",
				   e)
		       : store_sql(r,
				   "SELECT " COLUMNS " FROM " SOURCE
				   " WHERE x.id IN (SELECT max(id) FROM restorations WHERE "
				   "set_name = ?1 GROUP BY tag) ORDER BY x.id",
				   e);
	if (s == NULL)
		return -1;
	store_bind_int(s, 1, set_id);
	return read_rows(r, a, s, rows, n, e);
}

int record_restorations(struct record *r, struct arena *a, const char *set,
			struct restoration_row **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_newest(r, a, set, out, n, e), e);
}

static int read_pins(struct record *r, struct arena *a, struct pin **out, size_t *n, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r,
			  "SELECT (SELECT body FROM texts WHERE id = p.set_name), (SELECT "
			  "body FROM texts WHERE id = p.tag), (SELECT body FROM texts WHERE "
			  "id = x.commit_id), (SELECT body FROM texts WHERE id = x.tree), "
			  "x.at_ms, (SELECT (SELECT body FROM texts WHERE id = y.content) FROM "
			  "restorations y WHERE y.set_name = p.set_name AND y.tag = p.tag AND "
			  "y.tree = x.tree AND y.content IS NOT NULL ORDER BY y.id DESC LIMIT 1) "
			  "FROM pins p JOIN restorations x ON x.id = p.restoration "
			  "ORDER BY x.id",
			  e);
	struct pin *pins = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		pins = store_grow(a, pins, sizeof(*pins), count, &cap);
		pins[count++] = (struct pin){
			.set = store_text_or(s, 0, a, ""),
			.tag = store_text_or(s, 1, a, ""),
			.commit = store_text(s, 2, a),
			.tree = store_text(s, 3, a),
			.first_seen_ms = sqlite3_column_int64(s, 4),
			.content = store_text(s, 5, a),
		};
	}
	if (rc != 0)
		return -1;
	*out = pins;
	*n = count;
	return 0;
}

static struct pin *pin_of(struct pin *pins, size_t n, const char *set, const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(pins[i].tag, tag) == 0 && strcmp(pins[i].set, set) == 0)
			return &pins[i];
	return NULL;
}

/* Rows of one tag come together: its pin is looked up once, its array grows at the end. */
static int read_artifacts(struct record *r, struct arena *a, struct pin *pins, size_t n,
			  struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT (SELECT body FROM texts WHERE id = set_name), (SELECT body FROM "
		"texts WHERE id = tag), (SELECT body FROM texts WHERE id = name), (SELECT "
		"body FROM texts WHERE id = digest) FROM artifacts ORDER BY set_name, tag, "
		"restoration",
		e);
	struct pin *pin = NULL;
	size_t cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	while ((rc = store_step(r, s, e)) == 1) {
		const char *set = store_text_or(s, 0, a, ""), *tag = store_text_or(s, 1, a, "");

		if (pin == NULL || strcmp(pin->tag, tag) != 0 || strcmp(pin->set, set) != 0) {
			pin = pin_of(pins, n, set, tag);
			cap = 0;
		}
		if (pin == NULL)
			continue;
		pin->artifacts = store_grow(a, pin->artifacts, sizeof(*pin->artifacts),
					    pin->n_artifacts, &cap);
		pin->artifacts[pin->n_artifacts++] = (struct artifact_digest){
			.name = store_text_or(s, 2, a, ""),
			.digest = store_text_or(s, 3, a, ""),
		};
	}
	return rc;
}

int record_pins(struct record *r, struct arena *a, struct pin **out, size_t *n, struct err *e)
{
	struct pin *pins;
	size_t count;

	if (read_pins(r, a, &pins, &count, e) != 0 || read_artifacts(r, a, pins, count, e) != 0)
		return -1;
	*out = pins;
	*n = count;
	return 0;
}
