/*
 * arsenal_database_claims: which damages a check of a kind fairly claims to notice.
 *
 * What a kind measures is what it can be blamed for: a mean says nothing of how many rows there
 * are, the newest time nothing of the others, a rule nothing of what it does not mention. What is
 * no part of that is not attacked at all. Where what is expected decides, it is looked at: only a
 * sum minds half of the NULLs, but every aggregate minds nothing but NULLs.
 */
#include <string.h>

#include "audits/arsenal/database.h"
#include "audits/invalid_rules.h"
#include "runner/model/kind.h"

#define BIT(op)	 DAMAGE_BIT(DAMAGE_##op)
#define ROW_BITS (BIT(EMPTY) | BIT(LOST) | BIT(DUP))
#define ALL_BITS (~0u)
/* ---- what each kind claims ---- */

static bool expects(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return true;
	return false;
}

static void claim_columns(const struct seen_table *t, const struct texts *names, unsigned bits)
{
	for (size_t i = 0; i < names->n; i++) {
		size_t column = siege_find_column(t, names->items[i]);

		if (column != NO_COLUMN && t->columns[column].use == COLUMN_SUBJECT)
			t->columns[column].claimed |= bits;
	}
}

static void claim_subjects(const struct seen_table *t, unsigned bits)
{
	for (size_t i = 0; i < t->facts->n_columns; i++)
		if (t->columns[i].use == COLUMN_SUBJECT)
			t->columns[i].claimed |= bits;
}

static void claim_rows(const struct siege *s, struct seen_table *t)
{
	(void)s;
	t->claimed = ROW_BITS;
}

static void claim_missing(const struct siege *s, struct seen_table *t)
{
	t->claimed = BIT(EMPTY);
	claim_columns(t, siege_texts(s->challenge->check, NULL, "columns"),
		      BIT(DROPPED) | BIT(NULLED));
}

static void claim_duplicates(const struct siege *s, struct seen_table *t)
{
	t->claimed = BIT(EMPTY) | BIT(DUP);
	claim_columns(t, siege_texts(s->challenge->check, NULL, "columns"),
		      BIT(DROPPED) | BIT(CONSTANT));
}

static unsigned of_rules(const struct rules *r)
{
	unsigned bits = BIT(DROPPED);

	if (invalid_has_rule(r, RULE_SET) || invalid_has_rule(r, RULE_MATCHES) ||
	    invalid_has_rule(r, RULE_FORMAT))
		bits |= TEXT_BITS;
	if (r->min_length > 0)
		bits |= BIT(EMPTIED);
	if (invalid_has_rule(r, RULE_SET))
		bits |= BIT(NEGATED);
	if (r->min != NULL)
		bits |= BIT(NEGATED) | BIT(STALE);
	if (r->max != NULL)
		bits |= BIT(SCALED_UP) | BIT(AHEAD);
	return bits;
}

static void claim_invalid(const struct siege *s, struct seen_table *t)
{
	const struct groups *columns = siege_groups(s->challenge->check, "columns");

	t->claimed = BIT(EMPTY);
	for (size_t i = 0; i < columns->n; i++) {
		size_t column = siege_find_column(t, columns->items[i].name);

		if (column != NO_COLUMN && t->columns[column].use == COLUMN_SUBJECT)
			t->columns[column].claimed |= of_rules(columns->items[i].value);
	}
}

static void claim_aggregate(const struct siege *s, struct seen_table *t)
{
	static const struct {
		const char *value;
		unsigned rows, column;
	} claims[] = {
		{"sum", BIT(LOST) | BIT(DUP),
		 BIT(NULLED) | BIT(ZEROED) | SCALE_BITS | BIT(NEGATED)},
		{"avg", 0, BIT(ZEROED) | SCALE_BITS | BIT(NEGATED)},
		{"stddev", 0, BIT(ZEROED) | SCALE_BITS | BIT(CONSTANT)},
		/* Half of the rows hold the smallest or the largest as it happens: what they become
		 * has to be the smallest of all. */
		{"min", 0, BIT(ZEROED) | SCALE_BITS | BIT(NEGATED)},
		{"max", 0, SCALE_BITS},
		{"distinct", 0, BIT(CONSTANT)},
	};
	const struct check *c = s->challenge->check;
	unsigned bits = BIT(DROPPED) | WHOLE_NULL;

	t->claimed = BIT(EMPTY);
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		if (!expects(c, claims[i].value))
			continue;
		t->claimed |= claims[i].rows;
		bits |= claims[i].column;
	}
	for (size_t i = 0; i < c->n_expects; i++)
		if (c->expects[i].name[0] == 'p') /* a percentile */
			bits |= BIT(ZEROED) | SCALE_BITS | BIT(NEGATED);
	claim_subjects(t, bits);
}

static void claim_freshness(const struct siege *s, struct seen_table *t)
{
	const struct check *c = s->challenge->check;
	const char *format = siege_choice(c, "format");
	size_t column = siege_find_column(t, siege_text(c, NULL, "column"));

	t->claimed = BIT(EMPTY);
	if (column == NO_COLUMN || t->columns[column].use != COLUMN_SUBJECT)
		return;
	t->columns[column].claimed = BIT(DROPPED) | WHOLE_NULL | TIME_BITS;
	if (format != NULL && strcmp(format, "iso") != 0)
		t->columns[column].time_scale = strcmp(format, "unix_ms") == 0 ? 1000 : 1;
}

static void claim_orphans(const struct siege *s, struct seen_table *t)
{
	const struct check *c = s->challenge->check;
	const char *parent = siege_text(c, "references", "table");

	if (siege_is_table(s, t, siege_text(c, NULL, "table"))) {
		t->claimed = BIT(EMPTY);
		claim_columns(t, siege_texts(c, NULL, "columns"), BIT(DROPPED) | BIT(ORPHANED));
	}
	if (siege_is_table(s, t, parent)) {
		t->claimed |= BIT(EMPTY) | BIT(LOST);
		claim_columns(t, siege_texts(c, "references", "columns"), BIT(DROPPED));
	}
}

static void claim_distribution(const struct siege *s, struct seen_table *t)
{
	const struct check *c = s->challenge->check;
	bool is_of_shares =
		expects(c, "psi") || expects(c, "p_value") || expects(c, "max_share_change");
	unsigned bits = BIT(DROPPED) | WHOLE_NULL;

	t->claimed = BIT(EMPTY);
	if (is_of_shares)
		bits |= BIT(GROUP_LOST) | BIT(CONSTANT) | BIT(UNKNOWN) | BIT(NULLED) | BIT(ZEROED) |
			BIT(SCALED_UP);
	if (expects(c, "new"))
		bits |= BIT(UNKNOWN);
	if (expects(c, "gone"))
		bits |= BIT(GROUP_LOST) | BIT(CONSTANT);
	claim_subjects(t, bits);
}

static void claim_reconcile(const struct siege *s, struct seen_table *t)
{
	static const char *const sides[] = {"left", "right"};
	const struct check *c = s->challenge->check;

	t->claimed = ROW_BITS;
	for (size_t i = 0; i < 2; i++) {
		if (!siege_is_table(s, t, siege_text(c, sides[i], "table"))) {
			claim_subjects(t, BIT(DROPPED)); /* a query reads it */
			continue;
		}
		const struct texts *values = siege_texts(c, sides[i], "values");

		claim_columns(t, siege_texts(c, sides[i], "key"), BIT(DROPPED));
		claim_columns(t, values, BIT(DROPPED) | BIT(NULLED) | BIT(ZEROED));
	}
}

static void claim_sql(const struct siege *s, struct seen_table *t)
{
	(void)s;
	t->claimed = ROW_BITS;
	claim_subjects(t, ALL_BITS & ~WHOLE_NULL);
	for (size_t i = 0; i < t->facts->n_columns; i++)
		if (t->facts->columns[i].key > 0) /* a key is no quantity and no category */
			t->columns[i].claimed &= BIT(DROPPED) | BIT(NULLED) | BIT(ORPHANED);
}

static const struct nature {
	const char *kind;
	void (*claim)(const struct siege *s, struct seen_table *t);
	bool is_of_columns; /* columns that it does not read are told */
} natures[] = {
	{"rows", claim_rows, false},
	{"missing", claim_missing, true},
	{"duplicates", claim_duplicates, true},
	{"invalid", claim_invalid, true},
	{"aggregate", claim_aggregate, true},
	{"freshness", claim_freshness, true},
	{"orphans", claim_orphans, true},
	{"distribution", claim_distribution, true},
	{"reconcile", claim_reconcile, true},
	{"sql", claim_sql, true},
};

static const struct nature *nature_of(const struct siege *s)
{
	const struct nature *n = natures;

	while (strcmp(n->kind, s->challenge->check->kind->name) != 0)
		n++; /* the kinds whose arsenal this is are all in it */
	return n;
}

void siege_claim(const struct siege *s, struct seen_table *t)
{
	nature_of(s)->claim(s, t);
	for (size_t i = 0; i < t->facts->n_columns; i++)
		if (t->columns[i].use == COLUMN_SEGMENT)
			t->columns[i].claimed = BIT(DROPPED) | BIT(GROUP_LOST);
}

bool siege_is_of_columns(const struct siege *s)
{
	return nature_of(s)->is_of_columns;
}
