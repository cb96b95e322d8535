/*
 * Outcomes by day: counting, asking, and holding the counts against the results.
 */
#include "runner/history/days.h"

#include <stdint.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/history/id_map.h"
#include "runner/history/record.h"
#include "runner/history/store.h"
#include "runner/stats/random.h"

#define DAY_MS	INT64_C(86400000)
#define MAX_DAY (INT64_MAX / DAY_MS)

/* More than any day, or all of them, can have: what is beyond was not counted. */
#define MAX_COUNT (INT64_C(1) << 36)
#define MAX_SUM	  (INT64_C(1) << 48)

/* Of 1969 there is none. */
static int64_t day_of(int64_t ms)
{
	return ms < 0 ? 0 : ms / DAY_MS;
}

int64_t days_id(int64_t measured_ms, int64_t series)
{
	return day_of(measured_ms) << STORE_SERIES_BITS | (series & STORE_MAX_SERIES);
}

int days_count(struct record *r, int64_t id, enum outcome outcome, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"INSERT INTO days VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET "
		"n_undecided = n_undecided + ?2, n_pass = n_pass + ?3, n_warn = n_warn + ?4, "
		"n_fail = n_fail + ?5, n_skip = n_skip + ?6",
		e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, id);
	for (int i = 0; i < OUTCOME_COUNT; i++)
		store_bind_int(s, 2 + i, i == (int)outcome);
	return store_run(r, s, e);
}

/* ---- asking ---- */

/*
 * Was something expected of the series of number `series` when it was last measured, of runs that
 * began up to the end of that day? What was only noted passes whatever it is: no rate counts it.
 */
#define IS_JUDGED(series, day)                                                                     \
	"coalesce((SELECT f.outcome <> 1 OR b.body <> '' FROM runs r CROSS JOIN results y ON "     \
	"y.id = (r.id << 24 | " series ") CROSS JOIN facts f ON f.id = y.facts_id CROSS JOIN "     \
	"texts b ON b.id = f.bound WHERE r.begin_ms < (" day " + 1) * 86400000 ORDER BY "          \
	"r.begin_ms DESC, r.id DESC LIMIT 1), 1)"

/* Columns from `at` on, in the order of enum outcome; none of them is beyond most. */
static int add_counts(struct record *r, struct outcome_counts *to, sqlite3_stmt *s, int at,
		      int64_t most, struct err *e)
{
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		int64_t n = sqlite3_column_int64(s, at + i);

		if (n < 0 || n > most || to->n[i] + n > MAX_SUM) {
			(void)err_set(e, ERR_RECORD,
				      "cannot trust record \"%s\": its outcomes by day are damaged",
				      r->path);
			return err_help(e, "assize ledger verify says more"), -1;
		}
		to->n[i] += n;
	}
	return 0;
}

static int read_rates(struct record *r, struct arena *a, int64_t since_ms, struct check_rate **out,
		      size_t *n, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"WITH d AS (SELECT id & 16777215 AS series, max(id >> 24) AS day, sum(n_undecided) "
		"AS u, sum(n_pass) AS p, sum(n_warn) AS w, sum(n_fail) AS f, sum(n_skip) AS s FROM "
		"days WHERE id >= ?1 GROUP BY 1), j AS MATERIALIZED (SELECT d.*, " IS_JUDGED(
			"d.series", "d.day") " AS is_judged FROM d) SELECT c.name, sum(j.u * "
					     "is_judged), sum(j.p * is_judged), sum(j.w * "
					     "is_judged), sum(j.f * is_judged), sum(j.s * "
					     "is_judged) FROM j JOIN series x ON x.id = j.series "
					     "JOIN checks c ON c.id = x.check_id GROUP BY c.name "
					     "ORDER BY c.name",
		e);
	struct check_rate *rates = NULL;
	size_t count = 0, cap = 0;
	int rc;

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, day_of(since_ms) << STORE_SERIES_BITS);
	while ((rc = store_step(r, s, e)) == 1) {
		rates = store_grow(a, rates, sizeof(*rates), count, &cap);
		rates[count] = (struct check_rate){.check = store_text_or(s, 0, a, "")};
		if (add_counts(r, &rates[count++].outcomes, s, 1, MAX_SUM, e) != 0)
			return -1;
	}
	*out = rates;
	*n = count;
	return rc;
}

int record_rates(struct record *r, struct arena *a, int64_t since_ms, struct check_rate **out,
		 size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_rates(r, a, since_ms, out, n, e), e);
}

/* The newest before *day with results of whatever series; 1 = found, 0 = none, -1. */
static int previous_day(struct record *r, int64_t *day, struct err *e)
{
	sqlite3_stmt *s =
		store_sql(r, "SELECT id >> 24 FROM days WHERE id < ?1 ORDER BY id DESC LIMIT 1", e);

	if (s == NULL)
		return -1;
	store_bind_int(s, 1, *day << STORE_SERIES_BITS);
	return store_integer(r, s, day, e);
}

/* Was it judged when it was measured last? Days come newest first, and each series is asked once.
 */
static int is_judged(struct record *r, struct id_map *known, int64_t series, int64_t day, bool *out,
		     struct err *e)
{
	static const int64_t yes = 1, no = 0;
	const int64_t *is = id_map_get(known, series);
	int64_t found = 1;
	sqlite3_stmt *s;

	if (is == NULL) {
		s = store_sql(r, "SELECT " IS_JUDGED("?1", "?2"), e);
		if (s == NULL)
			return -1;
		store_bind_int(s, 1, series);
		store_bind_int(s, 2, day);
		if (store_integer(r, s, &found, e) < 0)
			return -1;
		is = found != 0 ? &yes : &no;
		id_map_put(known, series, (void *)(uintptr_t)is);
	}
	*out = *is != 0;
	return 0;
}

/* One seek for each series of the check: rows of a day lie by series. */
static int read_day(struct record *r, const char *check, const char *series, int64_t day,
		    struct id_map *known, struct outcome_counts *out, struct err *e)
{
	sqlite3_stmt *s = store_sql(
		r,
		"SELECT d.n_undecided, d.n_pass, d.n_warn, d.n_fail, d.n_skip, x.id FROM checks "
		"c CROSS JOIN series x ON x.check_id = c.id CROSS JOIN days d ON d.id = (?3 "
		"<< 24 | x.id) WHERE c.name = ?1 AND (?2 IS NULL OR x.name = ?2)",
		e);
	int rc;

	if (s == NULL)
		return -1;
	store_bind_text(s, 1, check);
	if (series != NULL)
		store_bind_text(s, 2, series); /* unbound is NULL */
	store_bind_int(s, 3, day);
	while ((rc = store_step(r, s, e)) == 1) {
		bool is_counted;

		if (is_judged(r, known, sqlite3_column_int64(s, OUTCOME_COUNT), day, &is_counted,
			      e) != 0 ||
		    (is_counted && add_counts(r, out, s, 0, MAX_COUNT, e) != 0))
			return -1;
	}
	return rc;
}

static int64_t total(const struct outcome_counts *c)
{
	int64_t n = 0;

	for (int i = 0; i < OUTCOME_COUNT; i++)
		n += c->n[i];
	return n;
}

static int read_days(struct record *r, struct arena *a, const char *check, const char *series,
		     int64_t since_ms, struct day_rate **out, size_t *n, struct err *e)
{
	struct id_map known = {.arena = a};
	struct day_rate *days = NULL;
	int64_t day = MAX_DAY + 1;
	size_t count = 0, cap = 0;
	int rc;

	while ((rc = previous_day(r, &day, e)) == 1 && day >= day_of(since_ms)) {
		struct day_rate x = {.begin_ms = day * DAY_MS};

		if (read_day(r, check, series, day, &known, &x.outcomes, e) != 0)
			return -1;
		if (total(&x.outcomes) == 0)
			continue;
		days = store_grow(a, days, sizeof(*days), count, &cap);
		days[count++] = x;
	}
	for (size_t i = 0; i < count / 2; i++) { /* oldest first */
		struct day_rate x = days[i];

		days[i] = days[count - 1 - i];
		days[count - 1 - i] = x;
	}
	*out = days;
	*n = count;
	return rc < 0 ? -1 : 0;
}

int record_days(struct record *r, struct arena *a, const char *check, const char *series,
		int64_t since_ms, struct day_rate **out, size_t *n, struct err *e)
{
	if (store_enter(r, STORE_READING, e) != 0)
		return -1;
	return store_leave(r, read_days(r, a, check, series, since_ms, out, n, e), e);
}

/* ---- verifying ---- */

void days_begin(struct days_sum *s)
{
	*s = (struct days_sum){.key = 0};
	sqlite3_randomness(sizeof(s->key), &s->key);
}

/* Ids of days have 61 bits, so no two pairs of id and outcome are hashed as one. */
void days_add(struct days_sum *s, int64_t id, enum outcome outcome, int64_t n)
{
	struct stats_random hash = {s->key + ((uint64_t)id << 3 | (uint64_t)outcome)};

	for (int i = 0; i < 2; i++)
		s->sum[i] += stats_random_next(&hash) * (uint64_t)n;
	s->n += n;
}

static bool is_id(int64_t id)
{
	return id > 0 && id >> STORE_SERIES_BITS <= MAX_DAY && (id & STORE_MAX_SERIES) != 0;
}

/* A count beyond that of all results could be chosen so that it adds next to nothing. */
static bool add_row(struct days_sum *to, sqlite3_stmt *s, int64_t most)
{
	int64_t id = sqlite3_column_int64(s, 0), before = to->n;

	if (!is_id(id))
		return false;
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		int64_t n = sqlite3_column_int64(s, 1 + i);

		if (n < 0 || n > most - to->n)
			return false;
		days_add(to, id, (enum outcome)i, n);
	}
	return to->n > before; /* a row of nothing was written by nobody */
}

int days_agree(struct record *r, const struct days_sum *s, bool *is_so, struct err *e)
{
	sqlite3_stmt *rows =
		store_sql(r, "SELECT id, n_undecided, n_pass, n_warn, n_fail, n_skip FROM days", e);
	struct days_sum now = {.key = s->key};
	int rc;

	if (rows == NULL)
		return -1;
	*is_so = true;
	while (*is_so && (rc = store_step(r, rows, e)) == 1)
		*is_so = add_row(&now, rows, s->n);
	if (!*is_so) {
		(void)sqlite3_reset(rows); /* after a row: nothing to tell */
		return 0;
	}
	*is_so = now.n == s->n && now.sum[0] == s->sum[0] && now.sum[1] == s->sum[1];
	return rc;
}
