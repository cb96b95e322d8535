/*
 * arsenal_database_rows: the attacks there are, and for each kind those that it may claim to
 * notice.
 *
 * A list of a kind is what `claims:` may name. Which of it a check is attacked with depends on the
 * check: see database_claims.c. Segments (by:) are of every kind that has them.
 */
#include <assert.h>
#include <string.h>

#include "audits/arsenal/database.h"
#include "runner/model/kind.h"

#define ROW(n, h)                                                                                  \
	{                                                                                          \
		.name = (n), .help = (h)                                                           \
	}
#define CONTROL(n, h)                                                                              \
	{                                                                                          \
		.name = (n), .help = (h), .is_control = true                                       \
	}
#define PROOF(n, h)                                                                                \
	{                                                                                          \
		.name = (n), .help = (h), .is_control = true, .is_proof = true                     \
	}
#define NONE	    PROOF("identity", "the tables are read in the way of an attack, undamaged")
#define ORDER	    CONTROL("other-order", "the rows come in another order")
#define EXTRA	    CONTROL("extra-column", "the tables have one more column")
#define EMPTY	    ROW("table-empty", "a table has no rows")
#define LOST	    ROW("rows-lost", "a share of the rows is gone")
#define NEWEST_LOST ROW("newest-lost", "the newest rows by a time are gone")
#define GROUP_LOST  ROW("group-lost", "all rows with a frequent value of a column are gone")
#define DUP	    ROW("rows-dup", "a share of the rows is there twice")
#define DROPPED	    ROW("column-dropped", "a column is not there")
#define NULLED	    ROW("nulled", "a column is NULL in a share of the rows")
#define EMPTIED	    ROW("emptied", "a text is empty in a share of the rows")
#define UNKNOWN	    ROW("unknown", "a text is one that no row has, in a share of the rows")
#define CASE_SPACE  ROW("case-space", "a text is in capitals behind a space, in a share of the rows")
#define CONSTANT    ROW("constant", "a column has its smallest value in every row")
#define ZEROED	    ROW("zeroed", "a number is 0 in a share of the rows")
#define SCALED_UP   ROW("scaled-up", "a number is too large by a factor")
#define SCALED_DOWN ROW("scaled-down", "a number is too small by a factor")
#define NEGATED	    ROW("negated", "a number has the other sign, in a share of the rows")
#define ORPHANED    ROW("orphaned", "a reference points to no row, in a share of the rows")
#define STALE	    ROW("stale", "a time is older in every row")
#define AHEAD	    ROW("ahead", "a time is later in every row")
#define CONTROLS    NONE, ORDER, EXTRA
#define END                                                                                        \
	{                                                                                          \
		.name = NULL                                                                       \
	}

static const struct attack_row rows_attacks[] = {CONTROLS, EMPTY,   LOST, GROUP_LOST,
						 DUP,	   DROPPED, END};
static const struct attack_row missing_attacks[] = {CONTROLS, EMPTY,  GROUP_LOST,
						    DROPPED,  NULLED, END};
static const struct attack_row duplicates_attacks[] = {CONTROLS, EMPTY,	   GROUP_LOST, DUP,
						       DROPPED,	 CONSTANT, END};
static const struct attack_row invalid_attacks[] = {CONTROLS, EMPTY,   GROUP_LOST, DROPPED,
						    EMPTIED,  UNKNOWN, CASE_SPACE, SCALED_UP,
						    NEGATED,  STALE,   AHEAD,	   END};
static const struct attack_row aggregate_attacks[] = {
	CONTROLS, EMPTY,  LOST,	     GROUP_LOST,  DUP,	   DROPPED, NULLED,
	CONSTANT, ZEROED, SCALED_UP, SCALED_DOWN, NEGATED, END};
static const struct attack_row orphans_attacks[] = {CONTROLS, EMPTY,	LOST, GROUP_LOST,
						    DROPPED,  ORPHANED, END};
static const struct attack_row freshness_attacks[] = {
	CONTROLS, EMPTY, NEWEST_LOST, GROUP_LOST, DROPPED, NULLED, STALE, AHEAD, END};
static const struct attack_row distribution_attacks[] = {
	CONTROLS, EMPTY, GROUP_LOST, DROPPED, NULLED, UNKNOWN, CONSTANT, ZEROED, SCALED_UP, END};
static const struct attack_row reconcile_attacks[] = {CONTROLS, EMPTY,	LOST,	DUP,
						      DROPPED,	NULLED, ZEROED, END};
static const struct attack_row sql_attacks[] = {
	CONTROLS,    EMPTY,   LOST,	NEWEST_LOST, GROUP_LOST, DUP,	 DROPPED,
	NULLED,	     EMPTIED, UNKNOWN,	CASE_SPACE,  CONSTANT,	 ZEROED, SCALED_UP,
	SCALED_DOWN, NEGATED, ORPHANED, STALE,	     AHEAD,	 END};

/* By enum damage_op. */
static const char *const names[] = {
	[DAMAGE_NONE] = "identity",
	[DAMAGE_ORDER] = "other-order",
	[DAMAGE_EXTRA] = "extra-column",
	[DAMAGE_EMPTY] = "table-empty",
	[DAMAGE_LOST] = "rows-lost",
	[DAMAGE_NEWEST_LOST] = "newest-lost",
	[DAMAGE_GROUP_LOST] = "group-lost",
	[DAMAGE_DUP] = "rows-dup",
	[DAMAGE_DROPPED] = "column-dropped",
	[DAMAGE_NULLED] = "nulled",
	[DAMAGE_EMPTIED] = "emptied",
	[DAMAGE_UNKNOWN] = "unknown",
	[DAMAGE_CASE_SPACE] = "case-space",
	[DAMAGE_CONSTANT] = "constant",
	[DAMAGE_ZEROED] = "zeroed",
	[DAMAGE_SCALED_UP] = "scaled-up",
	[DAMAGE_SCALED_DOWN] = "scaled-down",
	[DAMAGE_NEGATED] = "negated",
	[DAMAGE_ORPHANED] = "orphaned",
	[DAMAGE_STALE] = "stale",
	[DAMAGE_AHEAD] = "ahead",
};

const struct attack_row *siege_row(const struct check *c, enum damage_op op)
{
	const struct attack_row *row = c->kind->arsenal->rows;

	while (row->name != NULL && strcmp(row->name, names[op]) != 0)
		row++;
	assert(row->name != NULL); /* claims and lists agree */
	return row;
}

#define ARSENAL(kind)                                                                              \
	const struct arsenal arsenal_##kind = {                                                    \
		.rows = kind##_attacks,                                                            \
		.open = siege_open,                                                                \
		.survey = siege_lead,                                                              \
		.strike = siege_attack,                                                            \
		.words = siege_words,                                                              \
		.close = siege_close,                                                              \
	}

ARSENAL(rows);
ARSENAL(missing);
ARSENAL(duplicates);
ARSENAL(invalid);
ARSENAL(aggregate);
ARSENAL(orphans);
ARSENAL(freshness);
ARSENAL(distribution);
ARSENAL(reconcile);
ARSENAL(sql);
