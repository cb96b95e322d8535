/*
 * scan_sample: a part of the rows that says something of all of them.
 *
 * Each engine's cheapest honest way, which reads little more than it takes:
 * - PostgreSQL: TABLESAMPLE SYSTEM, whole pages, REPEATABLE with a seed.
 * - SQLite and MySQL: of the rowid, or of an integer primary key, 32 equally wide strata are made
 *   and a run of keys is read of each; it begins at the same random place in every stratum and goes
 *   round at its end, so that every key is as likely as any other.
 * - MySQL without such a key: RAND(seed) < share, which reads the table.
 *
 * Rows that lie together are often alike, so pages and runs tell less than as many single rows
 * would. The seed is the time; it stands in the query that is recorded, which repeats the sample as
 * long as the rows are the same. Nothing is scaled up: a check on a sample expects a share, or a
 * mean, and its n is the number of rows that were read.
 */
#include <math.h>
#include <string.h>

#include "audits/database.h"
#include "audits/scan_internal.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/io/clock.h"
#include "runner/model/kind.h"

#define N_STRATA 32

/* "10%" or "100000": a share, or a number of rows with share 0. */
static bool parse(const char *text, double *share, int64_t *n_rows)
{
	size_t len = strlen(text);

	*share = 0;
	*n_rows = 0;
	if (len > 1 && text[len - 1] == '%') {
		if (num_parse_real(text, len - 1, share) != 0)
			return false;
		*share /= 100;
		return *share > 0 && *share < 1;
	}
	return num_parse_int(text, len, n_rows) == 0 && *n_rows > 0;
}

bool scan_is_sample(const char *text)
{
	double share;
	int64_t n_rows;

	return parse(text, &share, &n_rows);
}

/* Condition: the runs of all strata. */
static const char *runs_of(struct scan *s, const struct scan_key *key, double share, uint32_t seed)
{
	uint64_t span = (uint64_t)key->max - (uint64_t)key->min;
	uint64_t width = span / N_STRATA + 1;
	uint64_t run = (uint64_t)ceil((double)width * share);
	/* Of 2^32 places, which is finer than any stratum of keys that are in use. */
	uint64_t start = (uint64_t)((double)width * (seed / 4294967296.0));
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* 64 ranges */
	for (uint64_t i = 0; i < N_STRATA; i++) {
		int64_t from = (int64_t)((uint64_t)key->min + i * width);
		uint64_t over = start + run > width ? start + run - width : 0;

		(void)buf_printf(&b, "%s%s BETWEEN %lld AND %lld", i > 0 ? " OR " : "(", key->sql,
				 (long long)(from + (int64_t)start),
				 (long long)(from + (int64_t)(start + run - over - 1)));
		if (over > 0)
			(void)buf_printf(&b, " OR %s BETWEEN %lld AND %lld", key->sql,
					 (long long)from, (long long)(from + (int64_t)over - 1));
	}
	(void)buf_putc(&b, ')');
	const char *text = arena_strndup(s->probe->arena, b.data, b.len);

	buf_release(&b);
	return text;
}

static int take_integer(void *ctx, const struct db_row *row, struct err *e)
{
	int64_t *out = ctx;

	(void)e;
	if (row->values[0].type == DB_INT)
		*out = row->values[0].integer;
	return 0;
}

/* How many rows PostgreSQL believes there are. */
static int believed_rows(struct scan *s, struct db *db, int64_t *out, struct err *e)
{
	struct buf name;

	buf_init(&name, BUF_UNBOUNDED); /* the definition is bounded */
	db_quote_table(s->engine, &name, s->spec->table);
	const char *params[] = {name.data};

	*out = -1;
	int rc = db_query(db,
			  "SELECT CAST(reltuples AS bigint) FROM pg_catalog.pg_class WHERE oid = "
			  "CAST(CAST(?1 AS text) AS regclass)",
			  params, 1, s->probe->deadline_ms, take_integer, out, e);

	buf_release(&name);
	if (rc != 0 || *out >= 0)
		return rc;
	(void)err_set(e, ERR_MEASURE, "nobody knows how many rows there are to take %s of",
		      s->spec->sample);
	return err_help(e, "run ANALYZE, or write a share: sample: 10%%");
}

static int sample_postgres(struct scan *s, struct db *db, double share, int64_t n_rows,
			   uint32_t seed, struct err *e)
{
	int64_t believed;

	if (share <= 0) {
		if (believed_rows(s, db, &believed, e) != 0)
			return -1;
		share = believed > n_rows ? (double)n_rows / (double)believed : 1;
	}
	s->sample_source =
		arena_printf(s->probe->arena, " TABLESAMPLE SYSTEM (%.6g) REPEATABLE (%lu)",
			     share * 100, (unsigned long)seed);
	return 0;
}

static int sample_keys(struct scan *s, struct db *db, double share, int64_t n_rows, uint32_t seed,
		       struct err *e)
{
	struct scan_key key;

	if (s->spec->where && !database_is_closed(s->spec->where))
		return err_set(e, ERR_MEASURE,
			       "cannot take a sample: the filter cannot be "
			       "told from what would stand beside it");
	if (scan_key_of(s, db, &key)) {
		double span = (double)key.max - (double)key.min + 1;

		if (share <= 0)
			share = (double)n_rows / span;
		if (share < 1)
			s->sample_condition = runs_of(s, &key, share, seed);
		return 0;
	}
	if (s->engine == DB_MYSQL && share > 0) {
		s->sample_condition = arena_printf(s->probe->arena, "RAND(%lu) < %.9g",
						   (unsigned long)seed, share);
		return 0;
	}
	(void)err_set(e, ERR_MEASURE, "cannot take a sample: it has no integer key to choose by");
	return err_help(e, "leave sample: out");
}

int scan_find_sample(struct scan *s, struct db *db, struct err *e)
{
	uint32_t seed = (uint32_t)clock_wall_ms(s->probe->world->clock) * UINT32_C(2654435761);
	double share;
	int64_t n_rows;

	if (!s->spec->sample || !parse(s->spec->sample, &share, &n_rows))
		return 0;
	switch (s->engine) {
	case DB_POSTGRES:
		return sample_postgres(s, db, share, n_rows, seed, e);
	case DB_SQLITE:
	case DB_MYSQL:
		return sample_keys(s, db, share, n_rows, seed, e);
	case DB_ODBC:
		break;
	}
	return err_set(e, ERR_MEASURE, "cannot take a sample over ODBC");
}

/* ---- the definition ---- */

void scan_check_sample(struct keys_context *ctx, const struct check *c)
{
	const struct scan_spec *spec = c->spec;
	struct pos pos = keys_pos(c->spec_node, "sample");

	if (!spec->sample)
		return;
	if (!spec->part->can_sample)
		diags_at(ctx->diags, pos, "remove it",
			 "check \"%s\": kind \"%s\" asks of all rows, not of a sample", c->name,
			 c->kind->name);
	else if (!scan_is_sample(spec->sample))
		diags_at(ctx->diags, pos, "for example \"10%\", or 100000 rows",
			 "check \"%s\": a sample is a share between 0%% and 100%%, or a number of "
			 "rows",
			 c->name);
}

static const struct value_row *row_of(const struct check *c, const char *name)
{
	for (const struct value_row *row = c->kind->values; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static void check_bound(struct keys_context *ctx, const struct check *c,
			const struct named_expectation *x, const struct expectation *bound)
{
	const struct value_row *row = row_of(c, x->name);

	if (!row || row->is_of_sample || (row->counts_of_total && bound->has_share))
		return;
	if (row->counts_of_total)
		diags_at(ctx->diags, bound->pos, "write the bound with %, or leave sample: out",
			 "check \"%s\": the count in a sample is not that of the table", c->name);
	else
		diags_at(ctx->diags, bound->pos, "expect avg, stddev or percentiles of a sample",
			 "check \"%s\": \"%s\" of a sample is not that of the table", c->name,
			 x->name);
}

void scan_check_bounds(struct keys_context *ctx, const struct check *c)
{
	const struct scan_spec *spec = c->spec;

	if (!spec->sample)
		return;
	for (size_t i = 0; i < c->n_expects; i++) {
		if (c->expects[i].has_expect)
			check_bound(ctx, c, &c->expects[i], &c->expects[i].expect);
		if (c->expects[i].has_warn)
			check_bound(ctx, c, &c->expects[i], &c->expects[i].warn);
	}
}
