/*
 * Performance data is found first, by lines and bars, then split into items, then each item is
 * read. Plugins of all ages are lenient writers, so what one item does wrong stays with it.
 */
#include "audits/nagios_read.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/map.h"
#include "runner/base/num.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/model/unit.h"

#define MAX_LABEL_BYTES	 256
#define MAX_UNIT_BYTES	 16
#define MAX_RANGE_BYTES	 200
#define MAX_STATUS_WORDS 3
#define SHOWN_BYTES	 80

/* A piece of the output. */
struct span {
	const char *s;
	size_t n;
};

struct reader {
	struct arena *arena;
	const struct redactor *redactor; /* NULL = no secrets */
	struct nagios_output *out;
	const char *text; /* all of it */
	size_t cap;
	struct map labels; /* -> struct nagios_value */
};

static const char *shown(const struct reader *r, struct span piece)
{
	return str_escaped(r->arena,
			   redact_head(r->redactor, r->arena, piece.s, piece.n, SHOWN_BYTES));
}

/* ".5" is how bc writes a half, and the guidelines' class [-0-9.] holds it. */
static int parse_number(struct span text, double *out)
{
	char copy[64];
	size_t sign = text.n > 0 && text.s[0] == '-';

	if (num_parse_real(text.s, text.n, out) == 0)
		return 0;
	if (text.n + 1 >= sizeof(copy) || text.n <= sign || text.s[sign] != '.')
		return -1;
	memcpy(copy, text.s, sign);
	copy[sign] = '0';
	memcpy(copy + sign + 1, text.s + sign, text.n - sign);
	return num_parse_real(copy, text.n + 1, out);
}

int nagios_range_parse(const char *s, size_t n, struct nagios_range *out)
{
	struct nagios_range r = {.start = 0, .end = INFINITY};
	struct span start = {s, 0}, end;
	const char *colon;

	if (n > 0 && *s == '@') {
		r.is_inside = true;
		s++;
		n--;
	}
	colon = n > 0 ? memchr(s, ':', n) : NULL;
	if (colon)
		start = (struct span){s, (size_t)(colon - s)};
	end = colon ? (struct span){colon + 1, n - start.n - 1} : (struct span){s, n};
	if (!colon && end.n == 0)
		return -1;
	if (start.n == 1 && *start.s == '~')
		r.start = -INFINITY;
	else if (start.n > 0 && parse_number(start, &r.start) < 0)
		return -1;
	if (end.n > 0 && parse_number(end, &r.end) < 0)
		return -1;
	if (r.start > r.end)
		return -1;
	*out = r;
	return 0;
}

bool nagios_range_alerts(const struct nagios_range *r, double value)
{
	bool is_within = value >= r->start && value <= r->end;

	return is_within == r->is_inside;
}

/* How much of s is the number; the unit follows without a space. */
static size_t number_length(struct span text)
{
	size_t i = 0;

	while (i < text.n && strchr("-+0123456789.,", text.s[i]) && text.s[i])
		i++;
	/* An exponent only when digits follow, or the unit begins with an e. */
	if (i > 0 && i + 1 < text.n && (text.s[i] == 'e' || text.s[i] == 'E')) {
		size_t sign = text.s[i + 1] == '-' || text.s[i + 1] == '+';

		if (i + 1 + sign < text.n && isdigit((unsigned char)text.s[i + 1 + sign])) {
			i += 1 + sign;
			while (i < text.n && isdigit((unsigned char)text.s[i]))
				i++;
		}
	}
	return i;
}

/* The factor to the base unit; that is the unit itself where nothing is known of it. */
static double to_base(const char *unit, const char **base)
{
	static const char *const converted[] = {"us", "ms", "s",   "%",	  "B",	 "kB", "MB",
						"GB", "TB", "KiB", "MiB", "GiB", "TiB"};

	if (strcmp(unit, "KB") == 0)
		unit = "kB";
	*base = unit;
	for (size_t i = 0; i < sizeof(converted) / sizeof(*converted); i++)
		if (strcmp(unit, converted[i]) == 0)
			return unit_to_base(unit, base);
	return 1;
}

/* The unit's base and factor. -1: no unit. */
static int take_unit(struct arena *a, struct span text, struct nagios_value *v)
{
	v->factor = 1;
	v->unit = "";
	if (text.n == 0 || (text.n == 1 && *text.s == 'c'))
		return 0;
	if (text.n > MAX_UNIT_BYTES || !str_is_utf8(text.s, text.n))
		return -1;
	for (size_t i = 0; i < text.n; i++)
		if (isdigit((unsigned char)text.s[i]))
			return -1; /* 0x10 is no 0 of the unit x10 */
	v->given_unit = text.n == 2 && memcmp(text.s, "KB", 2) == 0
				? "kB" /* as bounds are written */
				: str_escaped(a, arena_strndup(a, text.s, text.n));
	v->factor = to_base(arena_strndup(a, text.s, text.n), &v->unit);
	v->unit = str_escaped(a, v->unit);
	return 0;
}

static const char *take_value(const struct reader *r, struct span text, struct nagios_value *v)
{
	struct arena *a = r->arena;
	struct span number = {text.s, number_length(text)};
	struct span unit = {text.s + number.n, text.n - number.n};
	int64_t whole;

	if (text.n == 1 && *text.s == 'U')
		return "the plugin could not tell it (U)";
	if (text.n == 0)
		return "the plugin gave it no value";
	if (number.n > 0 && memchr(number.s, ',', number.n))
		return arena_printf(a,
				    "\"%s\" has a comma, which is a point in one place and "
				    "nothing in another",
				    shown(r, text));
	if (number.n == 0 || parse_number(number, &v->number) < 0)
		return arena_printf(a, "\"%s\" is no number", shown(r, text));
	if (take_unit(a, unit, v) < 0)
		return arena_printf(a, "\"%s\" has no unit that can be read", shown(r, text));
	if (v->factor == 1 && num_parse_int(number.s, number.n, &whole) == 0)
		v->value = (struct value){.type = VALUE_INT, .integer = whole};
	else
		v->value = (struct value){.type = VALUE_REAL, .real = v->number * v->factor};
	v->is_rounded = v->value.type == VALUE_REAL && num_is_mistaken(number.s, number.n);
	return NULL;
}

/* Field i of those that semicolons part; empty when it is not there. */
static struct span field(struct span text, size_t i)
{
	for (;; i--) {
		const char *end = text.n > 0 ? memchr(text.s, ';', text.n) : NULL;
		size_t n = end ? (size_t)(end - text.s) : text.n;

		if (i == 0)
			return (struct span){text.s, n};
		if (!end)
			return (struct span){text.s + text.n, 0};
		text = (struct span){end + 1, text.n - n - 1};
	}
}

/*
 * A bound of a threshold may carry a unit, which newer plugins add: the value's own, or another of
 * its kind ("1.2s;800ms;1000ms"). Cuts the unit off and returns by what to multiply the number; 0 =
 * its unit and the value's have nothing in common.
 */
static double take_bound(struct arena *a, struct span text, const struct nagios_value *v,
			 struct span *number)
{
	const char *base;
	double factor;
	size_t n = text.n;

	while (n > 0 && (isalpha((unsigned char)text.s[n - 1]) || text.s[n - 1] == '%'))
		n--;
	*number = (struct span){text.s, n};
	if (n == text.n || (n + 1 == text.n && text.s[n] == 'c'))
		return 1; /* c, a counter, is no unit */
	factor = to_base(arena_strndup(a, text.s + n, text.n - n), &base);
	return strcmp(base, v->unit) == 0 ? factor / v->factor : 0;
}

/* The range in the unit of the value. -1: none, or not to be held against it. */
static int take_range(struct arena *a, struct span text, const struct nagios_value *v,
		      struct nagios_range *out)
{
	const char *colon = text.n > 0 ? memchr(text.s, ':', text.n) : NULL;
	size_t n_start = colon ? (size_t)(colon - text.s) : 0, behind = colon ? n_start + 1 : 0;
	struct span start, end;
	double by_start, by_end;
	const char *bare;

	if (text.n == 0 || text.n > MAX_RANGE_BYTES)
		return -1;
	by_start = take_bound(a, (struct span){text.s, n_start}, v, &start);
	by_end = take_bound(a, (struct span){text.s + behind, text.n - behind}, v, &end);
	bare = arena_printf(a, "%.*s%s%.*s", (int)start.n, start.s, colon ? ":" : "", (int)end.n,
			    end.s);
	if (by_start == 0 || by_end == 0 || nagios_range_parse(bare, strlen(bare), out) < 0)
		return -1;
	/* A bound that is not written is 0 or infinite, in any unit. */
	out->start *= by_start;
	out->end *= by_end;
	return out->start <= out->end ? 0 : -1;
}

/*
 * Kept only as far as it surely means what the guidelines say. By one bound many plugins mean the
 * size (check_ntp_time: -0.2 is within 120), so it is none for what is below zero; and one below
 * that of the warning means the least that should be left (check_swap: 409;204).
 */
static void take_critical(const struct reader *r, struct span warning, struct span text,
			  struct nagios_value *v)
{
	struct arena *a = r->arena;
	struct nagios_range critical, before;

	if (take_range(a, text, v, &critical) < 0)
		return;
	if (!critical.is_inside && !memchr(text.s, ':', text.n))
		critical.start = -INFINITY;
	if (take_range(a, warning, v, &before) == 0 && !before.is_inside && !critical.is_inside &&
	    before.end > critical.end)
		return;
	v->critical = critical;
	v->critical_text = shown(r, text);
}

/*
 * 'it''s a label' or label: its end is where the = is. Returns the label, NULL when there is none;
 * *text moves behind the =.
 */
static const char *take_label(struct arena *a, struct span *text)
{
	bool is_quoted = text->n > 0 && *text->s == '\'';
	char label[MAX_LABEL_BYTES + 1];
	size_t i = is_quoted, n = 0;

	for (; i < text->n; i++) {
		char c = text->s[i];

		if (is_quoted && c == '\'') {
			if (i + 1 >= text->n || text->s[i + 1] != '\'') {
				i++;
				break;
			}
			i++;
		} else if (!is_quoted && (c == '=' || isspace((unsigned char)c))) {
			break;
		}
		if (n == MAX_LABEL_BYTES)
			return NULL;
		label[n++] = c;
	}
	if (n == 0 || i >= text->n || text->s[i] != '=' || memchr(label, '\0', n) ||
	    !str_is_utf8(label, n))
		return NULL;
	*text = (struct span){text->s + i + 1, text->n - i - 1};
	return arena_strndup(a, label, n);
}

/* NULL when the label was there before: then nobody knows which of the two is meant. */
static struct nagios_value *add_value(struct reader *r, const char *label)
{
	struct nagios_output *o = r->out;
	struct nagios_value *v = map_get(&r->labels, label);

	if (v) {
		v->problem = "the plugin reported it more than once";
		v->critical_text = NULL;
		return NULL;
	}
	if (o->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 8;
		struct nagios_value **grown = arena_array(r->arena, cap, sizeof(*grown));

		if (o->n > 0)
			memcpy(grown, o->values, o->n * sizeof(*grown));
		o->values = grown;
		r->cap = cap;
	}
	v = arena_alloc(r->arena, sizeof(*v));
	*v = (struct nagios_value){.label = label, .unit = ""};
	(void)map_put(&r->labels, label, v); /* it was not there */
	return o->values[o->n++] = v;
}

static void note_problem(struct reader *r, const char *what, struct span item)
{
	if (!r->out->problem)
		r->out->problem = arena_printf(r->arena, "%s: \"%s\"", what, shown(r, item));
}

static void take_item(struct reader *r, struct span item)
{
	struct span rest = item;
	const char *label = take_label(r->arena, &rest);
	struct nagios_value *v;

	if (!label) {
		note_problem(r, "no performance data", item);
		return;
	}
	if (r->out->n == NAGIOS_MAX_VALUES) {
		note_problem(r, "more performance data than is read", item);
		return;
	}
	v = add_value(r, label);
	if (!v)
		return;
	v->at = (size_t)(item.s - r->text);
	v->n = item.n;
	v->number_at = (size_t)(rest.s - r->text);
	v->n_number = number_length(field(rest, 0));
	v->problem = take_value(r, field(rest, 0), v);
	if (!v->problem)
		take_critical(r, field(rest, 1), field(rest, 2), v);
}

/* To the next space that is not inside a label's quotes. */
static size_t item_length(struct span text)
{
	size_t i = 0;

	if (*text.s == '\'') {
		for (i = 1; i < text.n; i++) {
			if (text.s[i] != '\'')
				continue;
			if (i + 1 >= text.n || text.s[i + 1] != '\'')
				break;
			i++;
		}
	}
	while (i < text.n && !isspace((unsigned char)text.s[i]))
		i++;
	return i;
}

static void take_items(struct reader *r, struct span text)
{
	while (text.n > 0) {
		size_t n;

		if (isspace((unsigned char)*text.s)) {
			text = (struct span){text.s + 1, text.n - 1};
			continue;
		}
		n = item_length(text);
		take_item(r, (struct span){text.s, n});
		text = (struct span){text.s + n, text.n - n};
	}
}

static struct span take_line(struct span *text)
{
	const char *newline = memchr(text->s, '\n', text->n);
	struct span line = {text->s, newline ? (size_t)(newline - text->s) : text->n};
	size_t used = line.n + (newline != NULL);

	*text = (struct span){text->s + used, text->n - used};
	return line;
}

/* Is it what stands behind a status: ":", " -", a dash of another kind, or nothing? */
static bool ends_status(struct span rest)
{
	size_t n = 0;

	while (n < rest.n && rest.s[n] == ' ')
		n++;
	return n == rest.n || rest.s[n] == ':' ||
	       (n > 0 && (rest.s[n] == '-' || (unsigned char)rest.s[n] >= 0x80));
}

/* The first status the text names, when it stands among the first words. */
static int said_status(struct span text)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	for (size_t word = 0; word < MAX_STATUS_WORDS && text.n > 0; word++) {
		size_t n = 0;

		while (n < text.n && (isalnum((unsigned char)text.s[n]) || text.s[n] == '_'))
			n++;
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (strlen(names[i]) == n && memcmp(names[i], text.s, n) == 0)
				return ends_status((struct span){text.s + n, text.n - n}) ? (int)i
											  : -1;
		while (n < text.n && text.s[n] != ' ')
			n++;
		while (n < text.n && text.s[n] == ' ')
			n++;
		text = (struct span){text.s + n, text.n - n};
	}
	return -1;
}

void nagios_read(struct arena *a, const struct redactor *redactor, const char *s, size_t n,
		 struct nagios_output *out)
{
	struct reader r = {.arena = a, .redactor = redactor, .out = out, .text = s};
	struct span rest = {s, n};
	bool is_first = true, is_data = false;

	*out = (struct nagios_output){.text = "", .says = -1};
	map_init(&r.labels, a);
	while (rest.n > 0) {
		struct span line = take_line(&rest);
		const char *bar = is_data ? NULL : memchr(line.s, '|', line.n);
		size_t n_text = bar ? (size_t)(bar - line.s) : line.n;

		if (is_first) {
			while (n_text > 0 && isspace((unsigned char)line.s[n_text - 1]))
				n_text--;
			out->text = str_escaped(a, arena_strndup(a, line.s, n_text));
			out->says = said_status((struct span){line.s, n_text});
		}
		if (bar)
			take_items(&r, (struct span){bar + 1, line.n - (size_t)(bar + 1 - line.s)});
		else if (is_data)
			take_items(&r, line);
		/* A bar on the first line speaks for that line; a later one for all that follows.
		 */
		is_data = is_data || (bar && !is_first);
		is_first = false;
	}
}
