/*
 * The expectation language, read by hand with one cursor: it is small, and every error should point
 * at the character that is wrong and say what would be right.
 *
 *   term     = op operand | "between" operand "and" operand | "in" "[" operand {"," operand} "]"
 *            | "matches" "/" re "/" ["i"]
 *            | "within" number ("%" | "sigma") "of" stat "(" duration ")"
 *            | "not" "worse" "than" ("history" | "control")
 *
 *   op       = "<" | "<=" | ">" | ">=" | "==" | "!="
 *
 *   operand  = number [unit] | quoted text
 *
 *   stat     = "median" | "mean"
 */
#include "runner/model/expect.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/base/utf8.h"
#include "runner/model/expect_term.h"
#include "runner/model/pattern.h"
#include "runner/model/unit.h"

#define NO_SEPARATORS "a number has no thousands separators"
#define MAX_QUOTED    200 /* bytes of an expectation in a message */

struct cursor {
	struct arena *arena;
	const char *start, *at;
	struct pos pos; /* of start */
	struct err *err;
};

static struct pos here(const struct cursor *c)
{
	struct pos p = c->pos;

	p.col += (uint32_t)(c->at - c->start);
	return p;
}

/* A number with a unit or a fraction is a bound more often than what a value is to be equal to. */
static int help_meant(struct cursor *c, const char *meant)
{
	const char *number = c->start + strspn(c->start, " \t");

	if (!isdigit((unsigned char)*number) || strspn(number, "0123456789,_' ") == strlen(number))
		return err_help(c->err, "write %s", expect_quoted(c->arena, meant));
	return err_help(c->err, "write \"<%s\" for at most, \">%s\" for at least, or \"%s\"",
			meant + 1, meant + 1, meant);
}

/* A long expectation is quoted by its beginning, so that what is wrong with it is not cut off. */
static int wrong(struct cursor *c, const char *what)
{
	size_t n = strlen(c->start), shown = utf8_fit(c->start, n, MAX_QUOTED);
	const char *meant = c->err && n <= MAX_QUOTED ? expect_suggest(c->arena, c->start) : NULL;

	(void)err_at(c->err, ERR_DEFINITION, here(c), "cannot read expectation \"%.*s%s\": %s",
		     (int)shown, c->start, shown < n ? "\xE2\x80\xA6" : "",
		     what); /* the caller returns -1 */
	if (meant)
		return help_meant(c, meant);
	(void)err_help(c->err, "write e.g. \"<= 0.1%%\", \"between 1 and 5\", \"in [1, 2]\", "
			       "\"matches /re/\", \"within 10%% of median(28d)\""); /* same */
	return -1;
}

static void skip_space(struct cursor *c)
{
	while (*c->at == ' ' || *c->at == '\t')
		c->at++;
}

static bool take(struct cursor *c, const char *token)
{
	size_t n = strlen(token);

	skip_space(c);
	if (strncmp(c->at, token, n) != 0)
		return false;
	if (isalpha((unsigned char)token[n - 1]) && isalnum((unsigned char)c->at[n]))
		return false;
	c->at += n;
	return true;
}

static size_t number_length(const char *s)
{
	size_t n = s[0] == '-' ? 1 : 0;

	while (isdigit((unsigned char)s[n]) || s[n] == '.')
		n++;
	if ((s[n] == 'e' || s[n] == 'E') &&
	    (isdigit((unsigned char)s[n + 1]) ||
	     ((s[n + 1] == '-' || s[n + 1] == '+') && isdigit((unsigned char)s[n + 2])))) {
		n += 2;
		while (isdigit((unsigned char)s[n]))
			n++;
	}
	return n;
}

/*
 * "99.9%" must be the double nearest to 0.999, as 999 / 1000 is; 99.9 / 100 is its neighbour. So
 * units that are a power of ten shift the decimal point before the text becomes a number.
 */
static int scale(struct cursor *c, struct operand *o, const char *digits, size_t n, double factor)
{
	static const struct {
		double factor;
		const char *exponent;
	} shifts[] = {{0.01, "e-2"}, {1e-3, "e-3"}, {1e-6, "e-6"}};
	const char *text;

	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		if (factor != shifts[i].factor || memchr(digits, 'e', n) || memchr(digits, 'E', n))
			continue;
		text = arena_printf(c->arena, "%.*s%s", (int)n, digits, shifts[i].exponent);
		if (num_parse_real(text, strlen(text), &o->number) != 0)
			return wrong(c, "not a number");
		return 0;
	}
	o->number *= factor;
	return 0;
}

static int parse_unit(struct cursor *c, struct operand *o, const char *digits, size_t n_digits)
{
	size_t n = 0;
	double factor;
	const char *start;

	skip_space(c);
	start = c->at;
	while (start[n] == '%' || isalpha((unsigned char)start[n]))
		n++;
	o->unit = o->suffix = "";
	o->is_large = fabs(o->number) > 9007199254740991; /* 2^53 - 1 */
	if (n == 0 || (n == 3 && strncmp(start, "and", 3) == 0))
		return 0;
	if (!unit_is_suffix(start, n))
		return wrong(c,
			     "no such unit; known are % us ms s m min h d w B kB MB GB TB KiB MiB "
			     "GiB TiB");
	o->suffix = arena_strndup(c->arena, start, n);
	factor = unit_to_base(o->suffix, &o->unit);
	if (factor != 1 && scale(c, o, digits, n_digits, factor) != 0)
		return -1;
	o->is_large = o->is_large || fabs(o->number) > 9007199254740991;
	o->is_integer = o->is_integer && factor == 1;
	c->at += n;
	return 0;
}

static int parse_text(struct cursor *c, struct operand *o)
{
	char quote = *c->at++;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition file is bounded already */
	while (*c->at != quote) {
		if (*c->at == '\0') {
			buf_release(&b);
			return wrong(c, "the quoted text has no end");
		}
		if (*c->at == '\\' && (c->at[1] == quote || c->at[1] == '\\'))
			c->at++;
		(void)buf_putc(&b, *c->at++); /* unbounded: cannot fail */
	}
	c->at++;
	o->is_text = true;
	o->unit = "";
	o->text = arena_strndup(c->arena, b.data, b.len);
	buf_release(&b);
	return 0;
}

/* 1,000: what follows the 1 is no unit, no second bound and no end. */
static bool has_separator(const struct cursor *c)
{
	size_t i = (size_t)(c->at - c->start);

	return expect_is_separator(c->start, i > 0 && c->at[-1] == ' ' ? i - 1 : i);
}

static int parse_operand(struct cursor *c, struct operand *o)
{
	size_t n;

	skip_space(c);
	*o = (struct operand){.unit = ""};
	if (*c->at == '"' || *c->at == '\'')
		return parse_text(c, o);
	n = number_length(c->at);
	if (n == 0)
		return wrong(c, *c->at == '\0' ? "a number or a quoted text is missing here"
					       : "neither a number nor a quoted text");
	if (num_parse_real(c->at, n, &o->number) != 0)
		return wrong(c, "not a number");
	o->is_integer = num_parse_int(c->at, n, &o->integer) == 0;
	o->digits = arena_strndup(c->arena, c->at, n);
	/* Of digits alone the judge knows how near a value may come. */
	if (strspn(c->at, "-0123456789") < n && num_is_mistaken(c->at, n))
		return wrong(c, "it has more digits than are kept, and would be another number");
	c->at += n;
	return parse_unit(c, o, c->at - n, n);
}

static struct operand *add_operand(struct cursor *c, struct expect_term *t, size_t *cap)
{
	if (t->n_operands == *cap) {
		size_t grown = *cap == 0 ? 2 : *cap * 2;
		struct operand *more = arena_array(c->arena, grown, sizeof(*more));

		if (t->n_operands > 0)
			memcpy(more, t->operands, t->n_operands * sizeof(*more));
		t->operands = more;
		*cap = grown;
	}
	return &t->operands[t->n_operands++];
}

static int parse_compare(struct cursor *c, struct expect_term *t, enum term_op op)
{
	size_t cap = 0;
	struct operand *o = add_operand(c, t, &cap);

	t->type = TERM_COMPARE;
	t->op = op;
	if (parse_operand(c, o) != 0)
		return -1;
	if (has_separator(c))
		return wrong(c, NO_SEPARATORS);
	if (o->is_text && op != OP_EQUAL && op != OP_NOT_EQUAL)
		return wrong(c, "text can be compared with == and != only");
	return 0;
}

static int parse_between(struct cursor *c, struct expect_term *t)
{
	size_t cap = 0;
	struct operand *low, *high;

	t->type = TERM_BETWEEN;
	if (parse_operand(c, add_operand(c, t, &cap)) != 0)
		return -1;
	if (has_separator(c))
		return wrong(c, NO_SEPARATORS);
	if (!take(c, "and"))
		return wrong(c, "\"and\" is missing here");
	if (parse_operand(c, add_operand(c, t, &cap)) != 0)
		return -1;
	if (has_separator(c))
		return wrong(c, NO_SEPARATORS);
	low = &t->operands[0];
	high = &t->operands[1];
	if (low->is_text || high->is_text)
		return wrong(c, "\"between\" needs two numbers");
	if (low->unit[0] == '\0' && high->unit[0] != '\0' && low->number != 0)
		return wrong(c, "both ends need the unit");
	if (high->unit[0] != '\0' && low->unit[0] == '\0')
		low->unit = high->unit;
	if (strcmp(low->unit, high->unit) != 0)
		return wrong(c, "the two ends have units that do not convert");
	if (low->number > high->number)
		return wrong(c, "the lower end is above the upper end");
	return 0;
}

static int parse_in(struct cursor *c, struct expect_term *t)
{
	size_t cap = 0;

	t->type = TERM_IN;
	if (!take(c, "["))
		return wrong(c, "\"[\" is missing here");
	do {
		if (t->n_operands == EXPECT_MAX_SET)
			return wrong(c, "more than 1,000 values in one set");
		if (parse_operand(c, add_operand(c, t, &cap)) != 0)
			return -1;
	} while (take(c, ","));
	if (!take(c, "]"))
		return wrong(c, "\"]\" or \",\" is missing here");
	return 0;
}

static int parse_matches(struct cursor *c, struct expect_term *t)
{
	struct buf b;
	const char *start;
	bool is_caseless;
	int rc;

	t->type = TERM_MATCHES;
	if (!take(c, "/"))
		return wrong(c, "\"/\" is missing here");
	start = c->at;
	buf_init(&b, BUF_UNBOUNDED);
	while (*c->at != '/' && *c->at != '\0') {
		if (c->at[0] == '\\' && c->at[1] == '/')
			c->at++;
		else if (c->at[0] == '\\' && c->at[1] != '\0')
			(void)buf_putc(&b, *c->at++); /* unbounded: cannot fail */
		(void)buf_putc(&b, *c->at++);	      /* same */
	}
	t->pattern_text = arena_strndup(c->arena, b.data, b.len);
	buf_release(&b);
	if (*c->at != '/')
		return wrong(c, "the pattern has no closing \"/\"");
	c->at++;
	is_caseless = *c->at == 'i';
	if (is_caseless)
		c->at++;
	rc = pattern_compile(c->arena, t->pattern_text, strlen(t->pattern_text), is_caseless,
			     &t->pattern, c->err);
	if (rc != 0 && c->err != NULL) {
		c->at = start;
		c->err->pos = here(c);
	}
	return rc;
}

static int parse_window(struct cursor *c, struct expect_term *t)
{
	size_t n = 0;

	if (take(c, "median"))
		t->statistic = EXPECT_MEDIAN;
	else if (take(c, "mean"))
		t->statistic = EXPECT_MEAN;
	else
		return wrong(c, "\"median(..)\" or \"mean(..)\" is missing here");
	if (!take(c, "("))
		return wrong(c, "\"(\" and a window such as 28d are missing here");
	skip_space(c);
	while (isalnum((unsigned char)c->at[n]) || c->at[n] == '.')
		n++;
	if (num_parse_duration_ms(c->at, n, &t->window_ms) != 0 || t->window_ms <= 0)
		return wrong(c, "not a window; write e.g. 28d or 12h");
	c->at += n;
	if (!take(c, ")"))
		return wrong(c, "\")\" is missing here");
	return 0;
}

static int parse_within(struct cursor *c, struct expect_term *t)
{
	size_t n;

	t->type = TERM_WITHIN;
	skip_space(c);
	n = number_length(c->at);
	if (n == 0 || num_parse_real(c->at, n, &t->tolerance) != 0 || t->tolerance < 0)
		return wrong(c, "\"within\" needs a tolerance such as 10% or 3 sigma");
	c->at += n;
	if (take(c, "%"))
		t->tolerance /= 100;
	else if (take(c, "sigma"))
		t->is_sigma = true;
	else
		return wrong(c, "\"%\" or \"sigma\" is missing here");
	if (!take(c, "of"))
		return wrong(c, "\"of\" is missing here");
	return parse_window(c, t);
}

static int parse_not_worse(struct cursor *c, struct expect_term *t)
{
	t->type = TERM_NOT_WORSE;
	if (!take(c, "worse") || !take(c, "than"))
		return wrong(c, "\"not\" begins \"not worse than history\" only");
	if (take(c, "control"))
		t->is_of_control = true;
	else if (!take(c, "history"))
		return wrong(c, "\"history\" or \"control\" is missing here");
	return 0;
}

static int parse_term(struct cursor *c, struct expect_term *t)
{
	static const struct {
		const char *token;
		enum term_op op;
	} ops[] = {
		/* longer tokens first */
		{"<=", OP_LESS_EQUAL}, {">=", OP_MORE_EQUAL}, {"==", OP_EQUAL},
		{"!=", OP_NOT_EQUAL},  {"<", OP_LESS},	      {">", OP_MORE},
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (take(c, ops[i].token))
			return parse_compare(c, t, ops[i].op);
	if (take(c, "between"))
		return parse_between(c, t);
	if (take(c, "in"))
		return parse_in(c, t);
	if (take(c, "matches"))
		return parse_matches(c, t);
	if (take(c, "within"))
		return parse_within(c, t);
	if (take(c, "not"))
		return parse_not_worse(c, t);
	if (*c->at == '\0')
		return wrong(c, "it is empty");
	if (c->at[0] == '=' && c->at[1] == '>')
		return wrong(c, "at least is written >=");
	if (c->at[0] == '=' && c->at[1] == '<')
		return wrong(c, "at most is written <=");
	if (*c->at == '=')
		return wrong(c, "a comparison is written ==");
	return wrong(c, "it must begin with < <= > >= == !=, between, in, matches, within or not "
			"worse than");
}

/* What the definition checker and the judge need to know about all terms together. */
static int summarise(struct arena *a, struct expectation *x, const struct expect_term *t,
		     struct err *e)
{
	if (t->type == TERM_MATCHES)
		x->has_text = true;
	if (t->window_ms > x->window_ms)
		x->window_ms = t->window_ms;
	if (t->type == TERM_NOT_WORSE && t->is_of_control)
		x->has_control = true;
	else if (t->type == TERM_NOT_WORSE)
		x->has_history = true;
	for (size_t i = 0; i < t->n_operands; i++) {
		const struct operand *o = &t->operands[i];

		x->has_text = x->has_text || o->is_text;
		x->has_share = x->has_share || strcmp(o->unit, "%") == 0;
		if (o->unit[0] == '\0' && !o->is_text && o->number != 0 && x->plain == NULL)
			x->plain = arena_printf(a, "%.12g", o->number);
		if (o->unit[0] == '\0')
			continue;
		if (x->unit[0] != '\0' && strcmp(x->unit, o->unit) != 0)
			return err_at(e, ERR_DEFINITION, t->pos,
				      "cannot read expectation \"%s\": units \"%s\" and \"%s\" do "
				      "not convert",
				      x->text, x->unit, o->unit);
		x->unit = o->unit;
	}
	return 0;
}

int expect_parse(struct arena *a, const char *const *texts, const struct pos *positions, size_t n,
		 struct expectation *out, struct err *e)
{
	struct expectation x = {.text = "", .unit = ""};
	const char **kept;

	if (n == 0)
		return err_set(e, ERR_DEFINITION, "an expectation without terms says nothing");
	x.pos = positions[0];
	x.n_terms = n;
	x.terms = arena_array(a, n, sizeof(*x.terms));
	kept = arena_array(a, n, sizeof(*kept));
	x.texts = kept;
	for (size_t i = 0; i < n; i++) {
		struct cursor c = {a, texts[i], texts[i], positions[i], e};

		x.text = i == 0 ? texts[0] : arena_printf(a, "%s, %s", x.text, texts[i]);
		kept[i] = texts[i];
		x.terms[i].pos = positions[i];
		if (parse_term(&c, &x.terms[i]) != 0)
			return -1;
		skip_space(&c);
		if (*c.at != '\0')
			return wrong(&c, "something follows that does not belong here; several "
					 "terms are written as a list");
		if (summarise(a, &x, &x.terms[i], e) != 0)
			return -1;
	}
	*out = x;
	return 0;
}

/*
 * ">= 0", "> -1", "!= -1"; of what has a largest value "<= 255"; of shares "<= 100%"; of whole
 * numbers "!= 1.5".
 */
static bool term_holds_always(const struct expect_term *t, const struct expect_range *range)
{
	const struct operand *low = t->operands, *high;

	if ((t->type != TERM_COMPARE && t->type != TERM_BETWEEN) || low->is_text)
		return false;
	high = &t->operands[t->n_operands - 1];
	bool is_part = range->has_total && strcmp(high->unit, "%") == 0;
	double most = is_part ? 1 : range->most;

	if (t->type == TERM_BETWEEN)
		return low->number <= 0 && high->number >= most;
	switch (t->op) {
	case OP_LESS:
		return low->number > most;
	case OP_LESS_EQUAL:
		return low->number >= most;
	case OP_MORE:
		return low->number < 0;
	case OP_MORE_EQUAL:
		return low->number <= 0;
	case OP_EQUAL:
		return false;
	case OP_NOT_EQUAL:
		return low->number < 0 || low->number > most ||
		       (range->is_whole && !is_part && low->number != floor(low->number));
	}
	return false; /* a value from outside the enum */
}

bool expect_holds_always(const struct expectation *x, const struct expect_range *range)
{
	for (size_t i = 0; i < x->n_terms; i++)
		if (!term_holds_always(&x->terms[i], range))
			return false;
	return x->n_terms > 0;
}
