/*
 * Values are damaged as exporters damage them: a unit that changed in an update, a counter that
 * stopped, a number printed in somebody's locale.
 */
#include "audits/arsenal/metrics.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"

#define MOST	   1e6
#define THOUSAND   1000
#define STALE_MOST (366.0 * 86400)

#define ROW_DOUBLED                                                                                \
	{                                                                                          \
		.name = "doubled", .help = "the value is twice as large"                           \
	}
#define ROW_TEN_TIMES                                                                              \
	{                                                                                          \
		.name = "ten-times", .help = "the value is ten times as large"                     \
	}
#define ROW_TENTH                                                                                  \
	{                                                                                          \
		.name = "tenth", .help = "the value is a tenth of what it was"                     \
	}
#define ROW_ZEROED                                                                                 \
	{                                                                                          \
		.name = "zeroed", .help = "the value is 0"                                         \
	}
#define ROW_NONZERO                                                                                \
	{                                                                                          \
		.name = "nonzero", .help = "the value was 0 and is 10"                             \
	}
#define ROW_NAN                                                                                    \
	{                                                                                          \
		.name = "nan", .help = "the value is not a number"                                 \
	}
#define ROW_INFINITE                                                                               \
	{                                                                                          \
		.name = "infinite", .help = "the value is infinite"                                \
	}
#define ROW_NEGATED                                                                                \
	{                                                                                          \
		.name = "negated", .help = "the value has the other sign"                          \
	}
#define ROW_UNIT_SMALLER                                                                           \
	{                                                                                          \
		.name = "unit-smaller",                                                            \
		.help = "the value comes in a unit a thousand times smaller"                       \
	}
#define ROW_UNIT_LARGER                                                                            \
	{                                                                                          \
		.name = "unit-larger", .help = "the value comes in a unit a thousand times larger" \
	}
#define ROW_LOCALE                                                                                 \
	{                                                                                          \
		.name = "locale-number", .help = "the value has a comma before its decimals"       \
	}
#define ROW_FROZEN                                                                                 \
	{                                                                                          \
		.name = "frozen", .help = "the counter stands still"                               \
	}
#define ROW_RESET                                                                                  \
	{                                                                                          \
		.name = "counter-reset", .help = "the counter begins anew"                         \
	}
#define ROW_MISSING                                                                                \
	{                                                                                          \
		.name = "series-missing", .help = "the series is gone"                             \
	}
#define ROW_LOST                                                                                   \
	{                                                                                          \
		.name = "series-lost", .help = "a share of the series is gone"                     \
	}
#define ROW_LABEL_MISSING                                                                          \
	{                                                                                          \
		.name = "label-missing", .help = "the series with one value of a label are gone"   \
	}
#define ROW_DUPLICATE                                                                              \
	{                                                                                          \
		.name = "series-duplicate", .help = "a series is there twice"                      \
	}
#define ROW_RENAMED                                                                                \
	{                                                                                          \
		.name = "metric-renamed", .help = "the metric has another name"                    \
	}
#define ROW_OTHER_TARGET                                                                           \
	{                                                                                          \
		.name = "other-target", .help = "the series are those of another instance"         \
	}
#define ROW_STALE                                                                                  \
	{                                                                                          \
		.name = "stale", .help = "the samples are older"                                   \
	}
#define ROW_NEWEST_LOST                                                                            \
	{                                                                                          \
		.name = "newest-lost", .help = "the newest points of a range are missing"          \
	}
#define ROW_UNRELATED                                                                              \
	{                                                                                          \
		.name = "unrelated-series", .help = "a series more, of another name",              \
		.is_control = true                                                                 \
	}
#define ROW_REORDERED                                                                              \
	{                                                                                          \
		.name = "reordered", .help = "the series come in another order",                   \
		.is_control = true                                                                 \
	}
#define ROW_COMMENT                                                                                \
	{                                                                                          \
		.name = "comment", .help = "a comment more", .is_control = true                    \
	}
#define ROW_MEMBER_ADDED                                                                           \
	{                                                                                          \
		.name = "member-added", .help = "the JSON of the answer has a member more",        \
		.is_control = true                                                                 \
	}

const struct attack_row metric_rows[] = {
	REPLAY_ROWS,
	[METRIC_DOUBLED] = ROW_DOUBLED,
	[METRIC_TEN_TIMES] = ROW_TEN_TIMES,
	[METRIC_TENTH] = ROW_TENTH,
	[METRIC_ZEROED] = ROW_ZEROED,
	[METRIC_NONZERO] = ROW_NONZERO,
	[METRIC_NAN] = ROW_NAN,
	[METRIC_INFINITE] = ROW_INFINITE,
	[METRIC_NEGATED] = ROW_NEGATED,
	[METRIC_UNIT_SMALLER] = ROW_UNIT_SMALLER,
	[METRIC_UNIT_LARGER] = ROW_UNIT_LARGER,
	[METRIC_LOCALE] = ROW_LOCALE,
	[METRIC_FROZEN] = ROW_FROZEN,
	[METRIC_RESET] = ROW_RESET,
	[METRIC_MISSING] = ROW_MISSING,
	[METRIC_LOST] = ROW_LOST,
	[METRIC_LABEL_MISSING] = ROW_LABEL_MISSING,
	[METRIC_DUPLICATE] = ROW_DUPLICATE,
	[METRIC_RENAMED] = ROW_RENAMED,
	[METRIC_OTHER_TARGET] = ROW_OTHER_TARGET,
	[METRIC_STALE] = ROW_STALE,
	[METRIC_NEWEST_LOST] = ROW_NEWEST_LOST,
	[METRIC_UNRELATED] = ROW_UNRELATED,
	[METRIC_REORDERED] = ROW_REORDERED,
	[METRIC_COMMENT] = ROW_COMMENT,
	[METRIC_MEMBER_ADDED] = ROW_MEMBER_ADDED,
	[METRIC_N_ROWS] = {.name = NULL},
};

const struct attack_row metric_rows_of_pages[] = {
	REPLAY_ROWS,	 ROW_DOUBLED,	    ROW_TEN_TIMES, ROW_TENTH,	ROW_ZEROED,
	ROW_NONZERO,	 ROW_NAN,	    ROW_INFINITE,  ROW_NEGATED, ROW_UNIT_SMALLER,
	ROW_UNIT_LARGER, ROW_LOCALE,	    ROW_FROZEN,	   ROW_RESET,	ROW_MISSING,
	ROW_LOST,	 ROW_LABEL_MISSING, ROW_DUPLICATE, ROW_RENAMED, ROW_OTHER_TARGET,
	ROW_STALE,	 ROW_UNRELATED,	    ROW_REORDERED, ROW_COMMENT, {.name = NULL},
};

const struct attack_row metric_rows_of_queries[] = {
	REPLAY_ROWS,	  ROW_DOUBLED,	    ROW_TEN_TIMES, ROW_TENTH,	    ROW_ZEROED,
	ROW_NONZERO,	  ROW_NAN,	    ROW_INFINITE,  ROW_NEGATED,	    ROW_UNIT_SMALLER,
	ROW_UNIT_LARGER,  ROW_LOCALE,	    ROW_MISSING,   ROW_LOST,	    ROW_LABEL_MISSING,
	ROW_DUPLICATE,	  ROW_OTHER_TARGET, ROW_STALE,	   ROW_NEWEST_LOST, ROW_REORDERED,
	ROW_MEMBER_ADDED, {.name = NULL},
};

size_t metric_row(const struct attack *a)
{
	return (size_t)(a->row - metric_rows);
}

struct attack *metric_add(struct challenge *c, size_t row, const char *object,
			  const struct metric_object *x)
{
	struct attack *a = challenge_add(c, &metric_rows[row], object);
	struct metric_object *state = arena_alloc(c->arena, sizeof(*state));

	if (x != NULL)
		*state = *x;
	a->state = state;
	return a;
}

void metric_survey_values(struct challenge *c, const char *object, unsigned wanted)
{
	for (size_t row = METRIC_DOUBLED; row <= METRIC_LAST_VALUE; row++) {
		struct attack *a;

		if ((wanted & 1u << (row - METRIC_DOUBLED)) == 0)
			continue;
		a = metric_add(c, row, object, NULL);
		if (row != METRIC_DOUBLED && row != METRIC_TENTH && row != METRIC_NONZERO)
			continue;
		a->dose = row == METRIC_DOUBLED ? 1 : row == METRIC_TENTH ? 9 : 10;
		a->least = 0.001;
		a->most = MOST;
	}
}

void metric_survey_lost(struct challenge *c, size_t row, const char *object, size_t n)
{
	const struct metric_object x = {.n = n};
	struct attack *a = metric_add(c, row, object, &x);

	a->dose = 0.5;
	a->least = 1 / (double)n;
	a->most = 1;
}

struct attack *metric_survey_stale(struct challenge *c, const char *object, double s)
{
	struct attack *a = metric_add(c, METRIC_STALE, object, NULL);

	a->dose = s;
	a->least = 1;
	a->most = STALE_MOST;
	return a;
}

static const char *number(struct arena *a, double v)
{
	char text[NUM_REAL_MAX];

	(void)num_format_real(v, text); /* length is known */
	return arena_strdup(a, text);
}

static const char *with_comma(struct arena *a, double v)
{
	char text[NUM_REAL_MAX], *point;

	(void)num_format_real(v, text); /* same */
	point = strchr(text, '.');
	if (point == NULL)
		return arena_printf(a, "%s,0", text);
	*point = ',';
	return arena_strdup(a, text);
}

double metric_factor(size_t row, double dose)
{
	switch (row) {
	case METRIC_DOUBLED:
		return 1 + dose;
	case METRIC_TEN_TIMES:
		return 10;
	case METRIC_TENTH:
		return 1 / (1 + dose);
	case METRIC_UNIT_SMALLER:
		return THOUSAND;
	case METRIC_UNIT_LARGER:
		return 1.0 / THOUSAND;
	default: /* those that put something else there */
		return NAN;
	}
}

const char *metric_value(struct arena *a, size_t row, double dose, double v)
{
	double factor = metric_factor(row, dose);

	if (!isnan(factor))
		return number(a, v * factor);
	switch (row) {
	case METRIC_NONZERO:
		return number(a, v == 0 ? dose : v);
	case METRIC_NAN:
		return "NaN";
	case METRIC_INFINITE:
		return "+Inf";
	case METRIC_NEGATED:
		return number(a, v > 0 || v < 0 ? -v : v);
	case METRIC_LOCALE:
		return with_comma(a, v);
	default: /* METRIC_ZEROED */
		return "0";
	}
}

size_t metric_kept(size_t n, double dose)
{
	size_t lost = (size_t)llround(dose * (double)n);

	return lost < n ? n - lost : 0;
}

static const char *age(const struct challenge *c, double s)
{
	char text[NUM_REAL_MAX];

	(void)num_format_duration((int64_t)(s * 1000), text); /* length is known */
	return arena_strdup(c->arena, text);
}

static const char *value_words(const struct challenge *c, size_t row, const char *name, double dose)
{
	switch (row) {
	case METRIC_DOUBLED:
		return replay_printf(c, "%s is %.4g times as large", name, 1 + dose);
	case METRIC_TEN_TIMES:
		return replay_printf(c, "%s is 10 times as large", name);
	case METRIC_TENTH:
		return replay_printf(c, "%s is 1/%.4g of what it was", name, 1 + dose);
	case METRIC_NONZERO:
		return replay_printf(c, "%s is %.4g in place of 0", name, dose);
	case METRIC_NAN:
		return replay_printf(c, "%s is NaN", name);
	case METRIC_INFINITE:
		return replay_printf(c, "%s is infinite", name);
	case METRIC_NEGATED:
		return replay_printf(c, "%s has the other sign", name);
	case METRIC_UNIT_SMALLER:
		return replay_printf(c, "%s comes in thousandths of its unit", name);
	case METRIC_UNIT_LARGER:
		return replay_printf(c, "%s comes in thousands of its unit", name);
	case METRIC_LOCALE:
		return replay_printf(c, "%s has a comma before its decimals", name);
	default: /* METRIC_ZEROED */
		return replay_printf(c, "%s is 0", name);
	}
}

static const char *control_words(size_t row)
{
	switch (row) {
	case METRIC_UNRELATED:
		return "there is a series more, of another name";
	case METRIC_REORDERED:
		return "the series come in another order";
	case METRIC_COMMENT:
		return "there is a comment more";
	default: /* METRIC_MEMBER_ADDED */
		return "the JSON of the answer has a member more";
	}
}

const char *metric_words(const struct challenge *c, const struct attack *a, double dose)
{
	const struct metric_object *x = a->state;
	size_t row = metric_row(a);
	const char *common = replay_words(c, row, dose), *name = a->object;
	size_t n_lost;

	if (common != NULL)
		return common;
	if (row <= METRIC_LAST_VALUE)
		return value_words(c, row, name, dose);
	switch (row) {
	case METRIC_FROZEN:
		return replay_printf(c, "%s stands still", name);
	case METRIC_RESET:
		return replay_printf(c, "%s begins anew between the two looks", name);
	case METRIC_MISSING:
		return replay_printf(c, "%s is gone", name);
	case METRIC_LOST:
		n_lost = x->n - metric_kept(x->n, dose);
		return replay_printf(c, "%zu of the %zu series of %s %s gone", n_lost, x->n, name,
				     n_lost == 1 ? "is" : "are");
	case METRIC_LABEL_MISSING:
		return replay_printf(c, "the series with %s=\"%s\" are gone", x->label, x->value);
	case METRIC_DUPLICATE:
		return replay_printf(c, "a series of %s is there twice", name);
	case METRIC_RENAMED:
		return replay_printf(c, "%s has another name", name);
	case METRIC_OTHER_TARGET:
		return replay_printf(c, "the series have another %s", x->label);
	case METRIC_STALE:
		return replay_printf(c, "%s is %s older", name, age(c, dose));
	case METRIC_NEWEST_LOST:
		return replay_printf(c, "the newest %zu of %zu points are missing",
				     x->n - metric_kept(x->n, dose), x->n);
	default: /* the harmless ones */
		return control_words(row);
	}
}

/* ---- what has no effect ---- */

static bool is_untouched(const struct challenge *c, const struct replay *r, const struct attack *a,
			 damage_fn *damage)
{
	struct damage d = {.challenge = c, .attack = a, .dose = a->dose, .replay = r};
	bool is_same = true;

	d.arena = arena_new();
	for (size_t i = 0; i < r->tape.n && is_same; i++) {
		const struct http_taped *x = &r->tape.items[i];
		struct http_taped copy = *x;

		d.i = i;
		d.answer = &copy;
		damage(&d);
		is_same = copy.n_body == x->n_body && memcmp(copy.body, x->body, x->n_body) == 0;
	}
	arena_free(d.arena);
	return is_same;
}

/* Where something can be scaled that is damage enough, and more is told by it. */
static void drop_nonzero(struct challenge *c)
{
	bool is_scaled = false;
	size_t n = 0;

	for (size_t i = 0; i < c->n_attacks; i++)
		is_scaled = is_scaled || (metric_row(&c->attacks[i]) == METRIC_DOUBLED &&
					  c->attacks[i].reason == NULL);
	for (size_t i = 0; i < c->n_attacks; i++)
		if (!is_scaled || metric_row(&c->attacks[i]) != METRIC_NONZERO)
			c->attacks[n++] = c->attacks[i];
	c->n_attacks = n;
}

void metric_settle(struct challenge *c, const struct replay *r, damage_fn *damage)
{
	for (size_t i = 0; i < c->n_attacks; i++) {
		struct attack *a = &c->attacks[i];

		if (metric_row(a) < REPLAY_N_ROWS || a->reason != NULL ||
		    !is_untouched(c, r, a, damage))
			continue;
		a->settled = ATTACK_NO_EFFECT;
		a->reason = "the answer is the same with it";
	}
	drop_nonzero(c);
}
