/*
 * The same damages for one value of any format. A whole number stays one, so that nothing but its
 * size is noticed; it is rounded away from what it was, or a small damage would be none.
 */
#include "audits/arsenal/command.h"

#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/num.h"

#define FOREIGN	   "assize-unknown"
#define LEAST_MORE 0.001
#define MOST_MORE  1e6
#define MOST_WHOLE 1e15

static const struct command_value *value_of(const struct attack *a)
{
	const struct command_plan *plan = a->state;

	return plan->of;
}

static bool is_row(const struct attack *a, enum command_attack which)
{
	return a->row == &arsenal_command_rows[which];
}

static const char *number_token(struct arena *a, const struct command_value *v, double number)
{
	char text[NUM_REAL_MAX];

	if (v->type == VALUE_INT && fabs(number) < MOST_WHOLE)
		return arena_printf(a, "%.0f", number);
	(void)num_format_real(number, text); /* its length */
	return arena_strdup(a, text);
}

/* For people. */
static const char *number_words(struct arena *a, const struct command_value *v, double number)
{
	if (v->type == VALUE_INT && fabs(number) < MOST_WHOLE)
		return arena_printf(a, "%.0f", number);
	return arena_printf(a, "%.4g", number);
}

static double damaged_number(const struct command_value *v, const struct attack *a, double dose)
{
	double size = fabs(v->number);
	bool is_less = is_row(a, COMMAND_TENTH), is_whole;

	if (is_row(a, COMMAND_ZEROED))
		return 0;
	if (is_row(a, COMMAND_NEGATED))
		return -v->number;
	if (is_row(a, COMMAND_NONZERO))
		size = dose;
	else if (is_row(a, COMMAND_TEN_TIMES))
		size *= 10;
	else
		size = is_less ? size / (1 + dose) : size * (1 + dose);
	is_whole = v->type == VALUE_INT && size < MOST_WHOLE;
	if (is_whole)
		size = is_less ? floor(size) : ceil(size);
	return copysign(size, v->number);
}

/* The number with a comma where its point is. */
static const char *with_comma(struct arena *a, const struct command_value *v)
{
	char *text = arena_strdup(a, number_token(a, v, v->number));
	char *point = strchr(text, '.');

	if (point != NULL)
		*point = ',';
	return text;
}

/* What is written in its place; NULL = nothing. */
static const char *token(struct arena *a, const struct attack *attack, double dose)
{
	const struct command_value *v = value_of(attack);
	enum command_attack which = (enum command_attack)(attack->row - arsenal_command_rows);

	if (which == COMMAND_REMOVED)
		return NULL;
	if (which == COMMAND_NULLED)
		return v->unknown;
	if (which == COMMAND_AS_TEXT)
		return v->quoted(a, number_token(a, v, v->number));
	if (which == COMMAND_OTHER_LOCALE)
		return with_comma(a, v);
	if (which == COMMAND_EMPTIED)
		return v->quoted(a, "");
	if (which == COMMAND_UNKNOWN)
		return v->quoted(a, FOREIGN);
	if (v->is_bool)
		return strcmp(v->text, "true") == 0 ? "false" : "true";
	return number_token(a, v, damaged_number(v, attack, dose));
}

static int say_value(const struct saying *s, struct command_ran *ran, struct err *e)
{
	const struct command_value *v = value_of(s->attack);

	return v->put(s, v, token(s->arena, s->attack, s->dose), ran, e);
}

static const char *words(const struct challenge *c, const struct attack *a, double dose)
{
	static const struct {
		enum command_attack which;
		const char *is;
	} rows[] = {
		{COMMAND_REMOVED, "not there"}, {COMMAND_NULLED, "not known"},
		{COMMAND_AS_TEXT, "a text"},	{COMMAND_OTHER_LOCALE, "written with a comma"},
		{COMMAND_EMPTIED, "empty"},	{COMMAND_UNKNOWN, "\"" FOREIGN "\""},
	};
	const struct command_value *v = value_of(a);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (is_row(a, rows[i].which))
			return arena_printf(c->arena, "%s is %s", v->name, rows[i].is);
	return arena_printf(c->arena, "%s is %s in place of %s", v->name,
			    v->is_bool ? token(c->arena, a, dose)
				       : number_words(c->arena, v, damaged_number(v, a, dose)),
			    v->text);
}

/* ---- survey ---- */

static struct attack *add(struct challenge *c, const struct command_value *v,
			  enum command_attack which)
{
	return command_attack_add(
		c, which, v->name,
		&(struct command_plan){.say = say_value, .words = words, .of = v});
}

struct attack *command_attack_number(struct challenge *c, const struct command_value *v,
				     enum command_attack which)
{
	struct attack *a = add(c, v, which);

	if (which == COMMAND_DOUBLED || which == COMMAND_TENTH) {
		a->dose = which == COMMAND_DOUBLED ? 1 : 9;
		a->least = LEAST_MORE;
		a->most = MOST_MORE;
	} else if (which == COMMAND_NONZERO) {
		a->dose = 10;
		a->least = v->type == VALUE_INT ? 1 : LEAST_MORE;
		a->most = MOST_MORE;
	}
	return a;
}

/* A tenth of a few things is none, which is another attack: half of them then; of one nothing. */
static bool is_few(const struct command_value *v)
{
	return v->type == VALUE_INT && fabs(v->number) < 10;
}

static void attack_number(struct challenge *c, const struct command_value *v)
{
	static const enum command_attack rows[] = {
		COMMAND_ZEROED, COMMAND_DOUBLED, COMMAND_TEN_TIMES, COMMAND_TENTH, COMMAND_NEGATED};

	if (v->number == 0)
		(void)command_attack_number(c, v, COMMAND_NONZERO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && v->number != 0; i++) {
		struct attack *a;

		if (rows[i] == COMMAND_TENTH && is_few(v) && fabs(v->number) < 2)
			continue;
		a = command_attack_number(c, v, rows[i]);
		if (rows[i] == COMMAND_TENTH && is_few(v))
			a->dose = 1;
	}
	(void)add(c, v, COMMAND_AS_TEXT);
	if (v->has_point && strchr(number_token(c->arena, v, v->number), '.') != NULL)
		(void)add(c, v, COMMAND_OTHER_LOCALE);
}

void command_attack_value(struct challenge *c, const struct command_value *v)
{
	if (v->type != VALUE_TEXT) {
		attack_number(c, v);
	} else if (v->is_bool) {
		(void)add(c, v, COMMAND_NEGATED);
	} else {
		if (*v->text != '\0')
			(void)add(c, v, COMMAND_EMPTIED);
		(void)add(c, v, COMMAND_UNKNOWN);
	}
	if (v->unknown != NULL)
		(void)add(c, v, COMMAND_NULLED);
	(void)add(c, v, COMMAND_REMOVED);
}

void command_attack_settled(struct challenge *c, const struct command_value *v,
			    enum attack_outcome outcome, const char *reason)
{
	struct attack *a = add(c, v, COMMAND_REMOVED);

	a->settled = outcome;
	a->reason = reason;
}
