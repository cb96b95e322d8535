/*
 * What would have noticed an attack. A bound is proposed half way between what the check measured
 * and what it measured of the damaged world, and only when judging both says that it tells them
 * apart. Where the damage is none of the kind's business (a count of faults does not say how many
 * rows there are), the kind is named whose business it is.
 */
#include "runner/model/challenge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/num.h"
#include "runner/model/definition.h"
#include "runner/model/expect.h"
#include "runner/model/kind.h"

/* The first kind of an operator that is not the check's own is the one to add. */
static const struct {
	const char *family, *operator, * kind;
} others[] = {
	/* clang-format off */
	{"database", "table-empty", "rows"},
	{"database", "rows-lost", "rows"},
	{"database", "newest-lost", "freshness"},
	{"database", "newest-lost", "rows"},
	{"database", "group-lost", "distribution"},
	{"database", "rows-dup", "duplicates"},
	{"database", "rows-dup", "rows"},
	{"database", "column-dropped", "schema"},
	{"database", "nulled", "missing"},
	{"database", "emptied", "invalid"},
	{"database", "unknown", "invalid"},
	{"database", "case-space", "invalid"},
	{"database", "constant", "distribution"},
	{"database", "zeroed", "aggregate"},
	{"database", "scaled-up", "aggregate"},
	{"database", "scaled-down", "aggregate"},
	{"database", "negated", "invalid"},
	{"database", "orphaned", "orphans"},
	{"database", "stale", "freshness"},
	{"database", "ahead", "freshness"},
	{"artifact", "bit-flipped", "digests"},
	{"artifact", "bit-flipped", "signature"},
	{"artifact", "byte-appended", "digests"},
	{"artifact", "byte-appended", "signature"},
	{"artifact", "torn-half", "digests"},
	{"artifact", "torn-byte", "digests"},
	{"artifact", "list-forged", "signature"},
	{"artifact", "member-changed", "signature"},
	{"http", "expiring", "tls"},
	/* clang-format on */
};

bool attack_advice_row(size_t i, const char **family, const char **operator, const char ** kind)
{
	if (i >= sizeof(others) / sizeof(others[0]))
		return false;
	*family = others[i].family;
	*operator= others[i].operator;
	*kind = others[i].kind;
	return true;
}

static const char *other_kind(struct arena *a, const struct attack_sides *s,
			      const struct attack_result *of)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strcmp(others[i].family, s->check->kind->family) != 0 ||
		    strcmp(others[i].operator, of->name) != 0 ||
		    strcmp(others[i].kind, s->check->kind->name) == 0)
			continue;
		/* What is damaged of a file is a place in it, and the other check is of the file.
		 */
		if (of->object[0] == '\0' || strcmp(others[i].family, "database") != 0)
			return arena_printf(a, "a check of kind %s", others[i].kind);
		return arena_printf(a, "a check of kind %s on %s", others[i].kind, of->object);
	}
	return NULL;
}

/* ---- a bound ---- */

struct scale {
	const char *suffix;
	double factor;
};

/* As people would write a number of that size. */
static struct scale scale_of(const char *unit, double v)
{
	static const struct scale times[] = {
		{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}, {"ms", 1e-3}};
	static const struct scale sizes[] = {
		{"GiB", 1073741824}, {"MiB", 1048576}, {"KiB", 1024}, {"B", 1}};
	bool is_time = strcmp(unit, "s") == 0;
	const struct scale *rows = is_time ? times : sizes;
	size_t n = is_time ? sizeof(times) / sizeof(times[0]) : sizeof(sizes) / sizeof(sizes[0]);
	size_t i = 0;

	if (strcmp(unit, "%") == 0)
		return (struct scale){"%", 0.01};
	if (!is_time && strcmp(unit, "B") != 0)
		return (struct scale){"", 1};
	while (i + 1 < n && fabs(v) < 2 * rows[i].factor)
		i++;
	return rows[i];
}

struct proposal {
	const struct result *before, *after;
	double from, to; /* the numbers that are judged, base unit */
	const char *unit;
	enum expect_side side;
};

/* The number to so many significant digits; false: it is none of the language. */
static bool round_to(double v, int digits, double *out)
{
	char text[40];
	int n = snprintf(text, sizeof(text), "%.*e", digits - 1, v);

	return n > 0 && (size_t)n < sizeof(text) && num_parse_real(text, (size_t)n, out) == 0;
}

/* "<= 1800": the fewest digits, two at least, that lie between the two. */
static const char *half_way(struct arena *a, const struct proposal *p)
{
	double middle = p->from + (p->to - p->from) / 2;
	struct scale scale = scale_of(p->unit, middle);
	/* an average may be whole by chance */
	bool is_whole = p->before->value.type == VALUE_INT && p->after->value.type == VALUE_INT &&
			scale.suffix[0] == '\0';
	bool is_ceiling = p->side == EXPECT_CEILING;
	double at = middle / scale.factor;

	if (is_whole)
		at = is_ceiling ? floor(at) : ceil(at);
	for (int digits = 2; digits <= 15; digits++) {
		char text[NUM_REAL_MAX];
		double v;

		if (!round_to(at, digits, &v))
			return NULL;
		if (is_whole ? v != floor(v) : v * scale.factor == p->from)
			continue;
		if (is_ceiling ? v * scale.factor < p->from || v * scale.factor >= p->to
			       : v * scale.factor > p->from || v * scale.factor <= p->to)
			continue;
		(void)num_format_real(v, text); /* its length */
		return arena_printf(a, "%s %s%s", is_ceiling ? "<=" : ">=", text,
				    v != 0 ? scale.suffix : "");
	}
	return NULL;
}

static enum outcome judged(struct arena *a, const struct expectation *x, const struct result *r)
{
	struct measurement m = measurement_none("", NULL);
	struct verdict v;

	m.value = r->value;
	m.unit = r->unit;
	m.n = r->n;
	m.n_total = r->n_total;
	m.share = r->share;
	expect_judge(a, x, NULL, &m, NULL, &v);
	return v.outcome;
}

static size_t name_length(const char *series)
{
	return strcspn(series, "{");
}

static bool has_name(const struct result *r, const char *series, size_t n)
{
	return name_length(r->series) == n && strncmp(r->series, series, n) == 0;
}

/* Does it tell the two apart, and hold for all series that it would be about? */
static bool is_telling(struct arena *a, const struct attack_sides *s, const struct proposal *p,
		       const char *text)
{
	struct pos nowhere = {0};
	struct expectation x;
	size_t n = name_length(p->after->series);

	if (expect_parse(a, &text, &nowhere, 1, &x, NULL) != 0)
		return false;
	for (size_t i = 0; i < s->n_before; i++)
		if (has_name(&s->before[i], p->after->series, n) &&
		    judged(a, &x, &s->before[i]) != OUTCOME_PASS)
			return false;
	return judged(a, &x, p->after) == OUTCOME_FAIL;
}

static const struct named_expectation *expected_of(const struct check *c, const char *series)
{
	size_t n = name_length(series);

	for (size_t i = 0; i < c->n_expects; i++)
		if (strlen(c->expects[i].name) == n && strncmp(c->expects[i].name, series, n) == 0)
			return &c->expects[i];
	return NULL;
}

static bool propose(const struct result *before, const struct result *after, struct proposal *out)
{
	*out = (struct proposal){.before = before, .after = after};
	if (before == NULL || after == NULL || !result_number(before, &out->from) ||
	    !result_number(after, &out->to) || !isfinite(out->from) || !isfinite(out->to) ||
	    out->from == out->to)
		return false;
	out->unit = result_is_share(before) ? "%" : before->unit;
	out->side = out->to > out->from ? EXPECT_CEILING : EXPECT_FLOOR;
	return true;
}

static const struct result *result_of(const struct result *items, size_t n, const char *series)
{
	for (size_t i = 0; series != NULL && i < n; i++)
		if (strcmp(items[i].series, series) == 0)
			return &items[i];
	return NULL;
}

/* No status lies half way between two others. */
static const char *status_advice(struct arena *a, const struct attack_sides *s,
				 const struct proposal *p)
{
	const char *text;

	if (p->before->value.type != VALUE_INT)
		return NULL;
	text = arena_printf(a, "== %" PRId64, p->before->value.integer);
	return is_telling(a, s, p, text) ? arena_printf(a, "expect: { status: \"%s\" }", text)
					 : NULL;
}

static const char *bound_advice(struct arena *a, const struct attack_sides *s,
				const struct proposal *p)
{
	const char *series = p->after->series;
	const struct named_expectation *x = expected_of(s->check, series);
	const char *text;
	int n = (int)name_length(series);

	if (strcmp(series, "status") == 0 && strcmp(s->check->kind->family, "database") != 0)
		return status_advice(a, s, p);
	text = half_way(a, p);
	if (text == NULL || !is_telling(a, s, p, text))
		return NULL;
	text = expect_with(a, x != NULL && x->has_expect ? &x->expect : NULL, p->side, text);
	return n == 0 ? arena_printf(a, "expect: %s", text)
		      : arena_printf(a, "expect: { %.*s: %s }", n, series, text);
}

const char *attack_advice(struct arena *a, const struct attack_sides *s,
			  const struct attack_result *of, const char *series)
{
	const struct result *after = result_of(s->after, s->n_after, series);
	struct proposal p;
	const char *advice = NULL;

	if (!propose(result_of(s->before, s->n_before, series), after, &p))
		return other_kind(a, s, of);
	if (after->outcome == OUTCOME_WARN && p.before->outcome != OUTCOME_WARN)
		return "say in expect: what is said in warn:, a warning is a pass";
	/* that there are fewer faults than before is no fault */
	if ((of->outcome != ATTACK_WRONG_WAY || after->n_total < 0) &&
	    !attack_is_timed(s->check, series))
		advice = bound_advice(a, s, &p);
	return advice != NULL ? advice : other_kind(a, s, of);
}
