/*
 * The one function that judges. Everything that is not a measurement the bound can speak about is
 * undecided, whatever the operator: "!= 5" does not hold for a value nobody has.
 *
 * Room used is the share of what the bound allows that the value has taken: 0 = as far from the
 * bound as the scale goes (zero for an upper bound, 100 % for a lower bound on a share), 1 = at the
 * bound.
 */
#include "runner/model/expect.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/model/expect_term.h"
#include "runner/model/pattern.h"
#include "runner/model/unit.h"

/* A term's answer, before the terms are joined. */
struct answer {
	enum outcome outcome;
	const char *reason;
	double room;
	bool has_limit;
	double limit;
};

struct judging {
	struct arena *arena;
	const struct measurement *m;
	const struct baseline *baseline;
};

/* The measured number a bound in `unit` speaks about. */
struct number {
	bool is_integer;
	bool is_rounded; /* see measurement.h */
	int64_t integer;
	double real;
	const char *unit;
};

static struct answer undecided(const char *reason)
{
	return (struct answer){OUTCOME_UNDECIDED, reason, NAN, false, 0};
}

static bool pick_number(const struct measurement *m, const char *unit, struct number *out,
			const char **why)
{
	bool wants_share = strcmp(unit, "%") == 0 && strcmp(m->unit, "%") != 0;

	if (m->value.type == VALUE_TEXT) {
		*why = "the value is text, the bound is a number";
		return false;
	}
	if (wants_share) {
		*out = (struct number){.real = m->share, .unit = "%"};
		*why = "there is no total to take a share of";
		return !isnan(m->share);
	}
	if (!unit_converts(unit, m->unit)) {
		*why = "the unit of the bound does not convert into the unit of the value";
		return false;
	}
	out->unit = m->unit;
	out->is_integer = m->value.type == VALUE_INT;
	out->is_rounded = m->is_rounded;
	out->integer = out->is_integer ? m->value.integer : 0;
	out->real = out->is_integer ? (double)m->value.integer : m->value.real;
	return true;
}

/* -1, 0, 1, exactly: a conversion to real would make equals of neighbours beyond 2^53. */
static int order_mixed(int64_t integer, double real)
{
	int64_t whole;

	if (real >= 9223372036854775808.0) /* 2^63 */
		return -1;
	if (real < -9223372036854775808.0)
		return 1;
	whole = (int64_t)real; /* towards zero; the check is above */
	if (integer != whole)
		return integer < whole ? -1 : 1;
	return real > (double)whole ? -1 : real < (double)whole;
}

/* -1, 0, 1 */
static int order(const struct number *v, const struct operand *o)
{
	if (v->is_integer && o->is_integer)
		return v->integer < o->integer ? -1 : v->integer > o->integer;
	if (v->is_integer)
		return order_mixed(v->integer, o->number);
	if (o->is_integer)
		return -order_mixed(o->integer, v->real);
	return v->real < o->number ? -1 : v->real > o->number;
}

/*
 * The measured number lies at the operand or beside it, nobody knows where. Where neighbours are
 * integers, reckoning may have moved it by a few of them.
 */
static bool is_uncertain(const struct number *v, const struct operand *o)
{
	double size = fabs(v->real), off = fabs(v->real - o->number);

	if (!v->is_rounded)
		return false;
	return order(v, o) == 0 ||
	       (size >= 0x1p53 && size < 0x1p63 && off <= size * (2 * DBL_EPSILON));
}

static struct answer undecided_by_rounding(void)
{
	return undecided(EXPECT_TOO_CLOSE);
}

static double room_below(double v, double limit)
{
	if (v <= 0 && limit >= 0)
		return 0;
	if (limit <= 0)
		return v <= limit ? NAN : INFINITY;
	return v / limit;
}

static double room_above(const struct number *v, double limit)
{
	if (strcmp(v->unit, "%") == 0 && limit < 1)
		return (1 - v->real) / (1 - limit);
	if (limit <= 0 || v->real <= 0)
		return v->real < limit ? INFINITY : NAN;
	return limit / v->real;
}

static bool holds(enum term_op op, int c)
{
	switch (op) {
	case OP_LESS:
		return c < 0;
	case OP_LESS_EQUAL:
		return c <= 0;
	case OP_MORE:
		return c > 0;
	case OP_MORE_EQUAL:
		return c >= 0;
	case OP_EQUAL:
		return c == 0;
	case OP_NOT_EQUAL:
		return c != 0;
	}
	return false; /* a value from outside the enum holds for nothing */
}

static double room_of(enum term_op op, const struct number *v, double limit)
{
	double room = NAN;

	switch (op) {
	case OP_LESS:
	case OP_LESS_EQUAL:
		room = room_below(v->real, limit);
		break;
	case OP_MORE:
	case OP_MORE_EQUAL:
		room = room_above(v, limit);
		break;
	case OP_EQUAL:
	case OP_NOT_EQUAL:
		break; /* no distance to speak of */
	}
	return isinf(room) ? NAN : room;
}

static struct answer judge_text(const struct judging *j, const struct expect_term *t)
{
	bool is_equal;

	if (j->m->value.type != VALUE_TEXT)
		return undecided("the value is a number, the bound is text");
	is_equal = strcmp(j->m->value.text, t->operands[0].text) == 0;
	return (struct answer){(t->op == OP_EQUAL) == is_equal ? OUTCOME_PASS : OUTCOME_FAIL,
			       is_equal ? "the text is the one excluded" : "the text differs", NAN,
			       false, 0};
}

static struct answer judge_compare(const struct judging *j, const struct expect_term *t)
{
	const struct operand *o = &t->operands[0];
	struct number v = {.unit = ""};
	const char *why = "";

	if (o->is_text)
		return judge_text(j, t);
	if (!pick_number(j->m, o->unit, &v, &why))
		return undecided(why);
	if (is_uncertain(&v, o))
		return undecided_by_rounding();
	return (struct answer){holds(t->op, order(&v, o)) ? OUTCOME_PASS : OUTCOME_FAIL,
			       "outside the bound", room_of(t->op, &v, o->number), true, o->number};
}

static struct answer judge_between(const struct judging *j, const struct expect_term *t)
{
	const struct operand *low = &t->operands[0], *high = &t->operands[1];
	struct number v = {.unit = ""};
	const char *why = "";
	double half, centre;
	bool is_inside;

	if (!pick_number(j->m, low->unit, &v, &why))
		return undecided(why);
	if (is_uncertain(&v, low) || is_uncertain(&v, high))
		return undecided_by_rounding();
	is_inside = order(&v, low) >= 0 && order(&v, high) <= 0;
	half = (high->number - low->number) / 2;
	centre = low->number + half;
	return (struct answer){is_inside ? OUTCOME_PASS : OUTCOME_FAIL, "outside the bounds",
			       half > 0 ? fabs(v.real - centre) / half : NAN, true,
			       v.real < centre ? low->number : high->number};
}

static struct answer judge_in(const struct judging *j, const struct expect_term *t)
{
	const char *why = "none of the listed values is of the same type";
	bool is_comparable = false;

	for (size_t i = 0; i < t->n_operands; i++) {
		const struct operand *o = &t->operands[i];
		struct number v = {.unit = ""};
		bool is_equal;

		if (o->is_text != (j->m->value.type == VALUE_TEXT))
			continue;
		if (!o->is_text && !pick_number(j->m, o->unit, &v, &why))
			continue;
		if (!o->is_text && is_uncertain(&v, o))
			return undecided_by_rounding();
		is_comparable = true;
		is_equal = o->is_text ? strcmp(j->m->value.text, o->text) == 0 : order(&v, o) == 0;
		if (is_equal)
			return (struct answer){OUTCOME_PASS, NULL, NAN, false, 0};
	}
	if (!is_comparable)
		return undecided(why);
	return (struct answer){OUTCOME_FAIL, "not one of the listed values", NAN, false, 0};
}

static struct answer judge_matches(const struct judging *j, const struct expect_term *t)
{
	struct err e = {0};
	int rc;

	if (j->m->value.type != VALUE_TEXT)
		return undecided("the value is a number, the bound is a pattern");
	rc = pattern_search(t->pattern, j->m->value.text, strlen(j->m->value.text), &e);
	if (rc < 0)
		return undecided(arena_strdup(j->arena, e.message));
	return (struct answer){rc == 1 ? OUTCOME_PASS : OUTCOME_FAIL,
			       "the text does not match the pattern", NAN, false, 0};
}

static struct answer judge_within(const struct judging *j, const struct expect_term *t)
{
	struct number v = {.unit = ""};
	const char *why = "";
	double centre, allowed, distance;

	if (!pick_number(j->m, "", &v, &why))
		return undecided(why);
	if (j->baseline == NULL || j->baseline->n < EXPECT_MIN_BASELINE)
		return undecided(arena_printf(
			j->arena, "the baseline has %zu values, at least %d are needed",
			j->baseline == NULL ? 0 : j->baseline->n, EXPECT_MIN_BASELINE));
	centre = t->statistic == EXPECT_MEDIAN ? j->baseline->median : j->baseline->mean;
	allowed = t->is_sigma ? t->tolerance * j->baseline->sigma : t->tolerance * fabs(centre);
	if (!isfinite(centre) || !isfinite(allowed))
		return undecided("the baseline is not a finite number");
	distance = fabs(v.real - centre);
	return (struct answer){distance <= allowed ? OUTCOME_PASS : OUTCOME_FAIL,
			       arena_printf(j->arena, "too far from the %s of %zu values",
					    t->statistic == EXPECT_MEDIAN ? "median" : "mean",
					    j->baseline->n),
			       allowed > 0 ? distance / allowed : NAN, true,
			       v.real < centre ? centre - allowed : centre + allowed};
}

/* Worse is beyond the floor and not by chance; the lesser of the two tells how near it is. */
static double room_of_comparison(const struct comparison *c)
{
	double of_floor = c->floor > 0 ? fmax(c->change, 0) / c->floor : NAN;

	return c->p_value > 0 ? fmin(of_floor, c->level / c->p_value) : of_floor;
}

static struct answer judge_not_worse(const struct judging *j, const struct expect_term *t)
{
	const struct comparison *c = NULL;
	bool is_worse;

	if (j->baseline != NULL)
		c = t->is_of_control ? j->baseline->control : j->baseline->history;
	if (c == NULL)
		return undecided(t->is_of_control ? "there is no control beside the value"
						  : "the value was measured once, there is nothing "
						    "to compare");
	if (c->reason != NULL)
		return undecided(c->reason);
	if (!isfinite(c->change) || !isfinite(c->floor) || !isfinite(c->p_value))
		return undecided("the comparison is not a finite number");
	is_worse = c->change > c->floor && c->p_value <= c->level;
	return (struct answer){is_worse ? OUTCOME_FAIL : OUTCOME_PASS, c->words,
			       room_of_comparison(c), true, c->centre + c->floor};
}

static struct answer judge_term(const struct judging *j, const struct expect_term *t)
{
	switch (t->type) {
	case TERM_COMPARE:
		return judge_compare(j, t);
	case TERM_BETWEEN:
		return judge_between(j, t);
	case TERM_IN:
		return judge_in(j, t);
	case TERM_MATCHES:
		return judge_matches(j, t);
	case TERM_WITHIN:
		return judge_within(j, t);
	case TERM_NOT_WORSE:
		return judge_not_worse(j, t);
	}
	return undecided("the bound is of an unknown kind");
}

/* Of a number beyond 2^53 a double has not all digits: it is shown as it is written. */
static void put_large(struct buf *b, const struct operand *o, const char *unit)
{
	const char *suffix = o->suffix[0] != '\0' ? o->suffix : unit;

	if (o->is_integer)
		unit_format_integer(b, o->integer, suffix);
	else
		(void)buf_printf(b, "%s%s%s", o->digits, *suffix ? " " : "", suffix);
}

/* A bound in %, with as many digits as it takes to be that one. */
static void put_percent(struct buf *b, const struct operand *o)
{
	char text[32], share[40];
	double read;

	(void)snprintf(text, sizeof(text), "%.12g", o->number * 100); /* fits: 12 digits */
	(void)snprintf(share, sizeof(share), "%se-2", text);
	if (strchr(text, 'e') || num_parse_real(share, strlen(share), &read) != 0 ||
	    read != o->number)
		(void)buf_printf(b, "%s %%", o->digits);
	else
		(void)buf_printf(b, "%s %%", text);
}

static void put_operand(struct buf *b, const struct operand *o, const char *unit)
{
	if (o->is_text)
		(void)buf_printf(b, "\"%s\"", o->text); /* unbounded: cannot fail */
	else if (o->is_large && (o->suffix[0] != '\0' || strcmp(unit, "%") != 0))
		put_large(b, o, unit);
	else if (strcmp(o->unit, "%") == 0)
		put_percent(b, o);
	else
		unit_format_bound(b, o->number, o->unit[0] != '\0' ? o->unit : unit);
}

static void put_term(struct buf *b, const struct expect_term *t, const char *unit)
{
	static const char *const ops[] = {"<", "<=", ">", ">=", "==", "!="};
	char window[NUM_REAL_MAX];

	/* the buffer is unbounded: nothing here can fail */
	switch (t->type) {
	case TERM_COMPARE:
		(void)buf_printf(b, "%s ", ops[t->op]);
		put_operand(b, &t->operands[0], unit);
		return;
	case TERM_BETWEEN:
		(void)buf_puts(b, "between ");
		put_operand(b, &t->operands[0], unit);
		(void)buf_puts(b, " and ");
		put_operand(b, &t->operands[1], unit);
		return;
	case TERM_IN:
		for (size_t i = 0; i < t->n_operands; i++) {
			(void)buf_puts(b, i == 0 ? "in [" : ", ");
			put_operand(b, &t->operands[i], unit);
		}
		(void)buf_puts(b, "]");
		return;
	case TERM_MATCHES:
		(void)buf_printf(b, "matches /%s/", t->pattern_text);
		return;
	case TERM_WITHIN:
		(void)num_format_duration(t->window_ms, window);
		if (t->is_sigma)
			(void)buf_printf(b, "within %g sigma", t->tolerance);
		else
			(void)buf_printf(b, "within %g %%", t->tolerance * 100);
		(void)buf_printf(b, " of %s(%s)", t->statistic == EXPECT_MEDIAN ? "median" : "mean",
				 window);
		return;
	case TERM_NOT_WORSE:
		(void)buf_printf(b, "not worse than %s", t->is_of_control ? "control" : "history");
		return;
	}
}

static const char *bound_text(struct arena *a, const struct expectation *x,
			      const struct measurement *m)
{
	struct buf b;
	const char *text;

	buf_init(&b, BUF_UNBOUNDED);
	for (size_t i = 0; i < x->n_terms; i++) {
		if (i > 0)
			(void)buf_puts(&b, ", "); /* unbounded: cannot fail */
		put_term(&b, &x->terms[i], m->unit);
	}
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* All terms must hold; the term with the least room left speaks for them. */
static struct answer judge_all(const struct judging *j, const struct expectation *x,
			       struct pos *pos)
{
	struct answer joined = {OUTCOME_PASS, NULL, NAN, false, 0};

	for (size_t i = 0; i < x->n_terms; i++) {
		struct answer one = judge_term(j, &x->terms[i]);
		enum outcome both = outcome_join(joined.outcome, one.outcome);
		bool is_tighter = one.has_limit && (!joined.has_limit || isnan(joined.room) ||
						    one.room > joined.room);

		if (both != joined.outcome) {
			joined.reason = one.reason;
			*pos = x->terms[i].pos;
		}
		if (is_tighter) {
			joined.room = one.room;
			joined.limit = one.limit;
			joined.has_limit = true;
		}
		joined.outcome = both;
	}
	return joined;
}

void expect_judge(struct arena *a, const struct expectation *expect, const struct expectation *warn,
		  const struct measurement *m, const struct baseline *baseline, struct verdict *out)
{
	struct judging j = {a, m, baseline};
	struct answer hard;

	*out = (struct verdict){.room = NAN, .bound = bound_text(a, expect, m), .pos = expect->pos};
	if (m->value.type == VALUE_NONE) {
		out->is_no_measurement = true;
		out->reason = m->reason != NULL ? m->reason : "no measurement";
		return;
	}
	hard = judge_all(&j, expect, &out->pos);
	out->outcome = hard.outcome;
	out->room = hard.room;
	out->has_limit = hard.has_limit;
	out->limit = hard.limit;
	out->reason = hard.outcome == OUTCOME_PASS ? NULL : hard.reason;
	if (hard.outcome == OUTCOME_PASS && warn != NULL) {
		struct answer soft = judge_all(&j, warn, &out->pos);

		/* a warning bound that cannot be judged is not a pass either */
		out->outcome = soft.outcome == OUTCOME_FAIL ? OUTCOME_WARN : soft.outcome;
		if (soft.outcome != OUTCOME_PASS)
			out->reason = arena_printf(a, "%s (warning bound %s)", soft.reason,
						   bound_text(a, warn, m));
	}
}
