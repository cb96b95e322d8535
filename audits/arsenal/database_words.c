/* arsenal_database_words: damages as sentences. Shares have two digits, which is what they are
 * known to. */
#include <math.h>
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/base/arena.h"
#include "runner/base/num.h"

/* Of p in (0, 1]: "half", "3.2 %", "0.01 %". */
static const char *share(struct arena *a, double p)
{
	double percent = p * 100;

	if (p == 0.5)
		return "half";
	return percent >= 9.95 ? arena_printf(a, "%.0f %%", percent)
			       : arena_printf(a, "%.2g %%", percent);
}

/* "in half of the rows": the column is so. */
static const char *column_in(struct arena *a, const char *object, const char *is, double p)
{
	if (p >= 1)
		return arena_printf(a, "every %s %s", object, is);
	return arena_printf(a, "%s %s in %s of the rows", object, is, share(a, p));
}

/* "1.35", "12": to three digits, and never 1, which would change nothing. */
static const char *factor_of(struct arena *a, double factor)
{
	if (factor < 1.01)
		return arena_printf(a, "%.4g", factor);
	return factor < 10 ? arena_printf(a, "%.3g", factor) : arena_printf(a, "%.0f", factor);
}

/* "ten times as large", "1.35 times as large" */
static const char *times(struct arena *a, double factor)
{
	return factor == 10 ? "ten times" : arena_printf(a, "%s times", factor_of(a, factor));
}

static const char *rows_words(struct arena *a, const struct damage *d, const char *object,
			      double dose)
{
	const char *column = d->column == NO_COLUMN ? "" : d->table->facts->columns[d->column].name;

	if (d->op == DAMAGE_EMPTY)
		return d->table->scope != NULL
			       ? arena_printf(a, "the rows of %s that are tested are gone", object)
			       : arena_printf(a, "%s has no rows", object);
	if (d->op == DAMAGE_GROUP_LOST && d->told == NULL)
		return arena_printf(a, "the rows of %s with one value of %s are gone",
				    d->table->shown, column);
	if (d->op == DAMAGE_GROUP_LOST)
		return arena_printf(a, "the rows of %s whose %s is \"%s\" are gone",
				    d->table->shown, column, d->told);
	if (d->op == DAMAGE_DUP)
		return dose >= 1 ? arena_printf(a, "every row of %s is there twice", object)
				 : arena_printf(a, "%s of the rows of %s are there twice",
						share(a, dose), object);
	if (d->op == DAMAGE_NEWEST_LOST)
		return dose >= 1
			       ? arena_printf(a, "all rows of %s that have a time in %s are gone",
					      d->table->shown, column)
			       : arena_printf(a, "the newest %s of the rows of %s (by %s) are gone",
					      share(a, dose), d->table->shown, column);
	return dose >= 1 ? arena_printf(a, "all rows of %s are gone", object)
			 : arena_printf(a, "%s of the rows of %s are gone", share(a, dose), object);
}

static const char *control_words(const struct damage *d)
{
	if (d->op == DAMAGE_ORDER)
		return "the rows come in another order";
	return d->op == DAMAGE_EXTRA ? "there is one more column" : "the rows are as they are";
}

static const char *column_words(struct arena *a, const struct damage *d, const char *object,
				double dose)
{
	char duration[NUM_REAL_MAX];

	switch (d->op) {
	case DAMAGE_DROPPED:
		return arena_printf(a, "%s is not there", object);
	case DAMAGE_NULLED:
		return column_in(a, object, "is NULL", dose);
	case DAMAGE_EMPTIED:
		return column_in(a, object, "is empty", dose);
	case DAMAGE_UNKNOWN:
		return column_in(a, object, arena_printf(a, "is %s", d->literal), dose);
	case DAMAGE_CASE_SPACE:
		return column_in(a, object, "is in capitals behind a space", dose);
	case DAMAGE_CONSTANT:
		return arena_printf(a, "every %s is the same", object);
	case DAMAGE_ZEROED:
		return column_in(a, object, "is 0", dose);
	case DAMAGE_NEGATED:
		return column_in(a, object, "has the other sign", dose);
	case DAMAGE_ORPHANED:
		return column_in(a, object, "points to no row", dose);
	case DAMAGE_SCALED_UP:
		return arena_printf(a, "%s is %s as large", object, times(a, 1 + dose));
	case DAMAGE_SCALED_DOWN:
		return dose == 9 ? arena_printf(a, "%s is a tenth of what it is", object)
				 : arena_printf(a, "%s is divided by %s", object,
						factor_of(a, 1 + dose));
	case DAMAGE_STALE:
	case DAMAGE_AHEAD:
		(void)num_format_duration((int64_t)(dose * 1000), duration);
		return arena_printf(a, "every %s is %s %s", object, duration,
				    d->op == DAMAGE_STALE ? "older" : "later");
	case DAMAGE_NONE:
	case DAMAGE_ORDER:
	case DAMAGE_EXTRA:
	case DAMAGE_EMPTY:
	case DAMAGE_LOST:
	case DAMAGE_NEWEST_LOST:
	case DAMAGE_GROUP_LOST:
	case DAMAGE_DUP:
	case DAMAGE_OPS:
		break;
	}
	return object;
}

const char *siege_words(const struct challenge *c, const struct attack *a, double dose)
{
	const struct damage *d = a->state;

	if (a->row->is_control)
		return control_words(d);
	if (d->op <= DAMAGE_DUP)
		return rows_words(c->arena, d, a->object, dose);
	return column_words(c->arena, d, a->object, dose);
}
