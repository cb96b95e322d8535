/*
 * What must hold: expect and warn of a check, matched with the values its kind yields. A bound that
 * could never be compared with its value is refused here, so that no run ends undecided for it.
 */
#include <math.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/kind.h"
#include "runner/model/unit.h"

/* The key without which the check does not yield this value; NULL when there is no such need. */
static const char *missing_key(const struct check *c, const struct value_row *row)
{
	return row->needs_key && !node_get(c->spec_node, row->needs_key) ? row->needs_key : NULL;
}

#define MAX_TERMS 100 /* of one value */

/*
 * The value's row. After a mistake in the spec a kind that looks at it cannot be asked: then any
 * name may be a value, of which nothing is known.
 */
static bool find_value(const struct check *c, const char *name, struct value_row *out)
{
	if (c->kind->has_value && !c->spec) {
		*out = (struct value_row){.name = name};
		return true;
	}
	if (c->kind->has_value && c->kind->has_value(c, name, out))
		return true;
	for (const struct value_row *row = c->kind->values; row && row->name; row++) {
		if (strcmp(row->name, name) != 0)
			continue;
		*out = *row;
		return true;
	}
	return false;
}

/* Names of the kind's values for did-you-mean and help; "" stands for the only one. */
static size_t value_names(const struct check *c, const char ***names, struct arena *a)
{
	size_t n = 0;

	for (const struct value_row *row = c->kind->values; row && row->name; row++)
		n++;
	*names = arena_array(a, n, sizeof(**names));
	for (size_t i = 0; i < n; i++)
		(*names)[i] = c->kind->values[i].name;
	return n;
}

static const char *list_words(struct arena *a, const char *before, const char *const *names,
			      size_t n)
{
	struct buf b;
	const char *text;

	buf_init(&b, 600);
	(void)buf_puts(&b, before);
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

static struct named_expectation *expectation_of(struct loader *l, struct check *c, const char *name)
{
	for (size_t i = 0; i < c->n_expects; i++)
		if (strcmp(c->expects[i].name, name) == 0)
			return &c->expects[i];
	c->expects = load_grow(l->arena, c->expects, c->n_expects, sizeof(*c->expects));
	c->expects[c->n_expects].name = name;
	return &c->expects[c->n_expects++];
}

/* Is this bound of a kind the value can be held against? */
static int check_bound(struct loader *l, const struct value_row *value, const struct expectation *e)
{
	bool is_number = value->type == VALUE_INT || value->type == VALUE_REAL;
	const char *unit = value->unit ? value->unit : "";

	if (!value->help && !value->unit)
		return 0; /* made up by find_value(): nothing is known of it */
	if (e->has_history && !value->has_samples)
		return diags_at(l->diags, e->pos, "write a bound, for example \"< 300ms\"",
				"the value is measured once in a run, \"%s\" is about repetitions",
				e->text);
	if (e->has_control && !value->has_control)
		return diags_at(l->diags, e->pos, "\"not worse than control\" is for ratio",
				"the value has no control beside it");
	if (is_number && e->has_text)
		return diags_at(l->diags, e->pos,
				arena_printf(l->arena, "write a number, for example %s",
					     load_bound_usual(l, value)),
				"the value is a number, \"%s\" is about text", e->text);
	if (value->type == VALUE_TEXT && !e->has_text)
		return diags_at(l->diags, e->pos,
				"write == \"text\", in [\"a\", \"b\"] or matches /re/",
				"the value is a text, \"%s\" is about numbers", e->text);
	if (e->has_share && !value->counts_of_total && strcmp(unit, "%") != 0)
		return diags_at(l->diags, e->pos, "write the bound without %",
				"the value is no share, it cannot be held against %%");
	if (*e->unit && strcmp(e->unit, "%") != 0 && !unit_converts(e->unit, unit))
		return diags_at(l->diags, e->pos, *unit ? NULL : "write the bound without a unit",
				"a bound in %s cannot be held against a value %s%s", e->unit,
				*unit ? "in " : "without a unit", unit);
	if (value->given_unit && e->plain)
		return diags_at(
			l->diags, e->pos,
			arena_printf(l->arena, "write the unit: %s%s", e->plain, value->given_unit),
			"the check says that the value is in %s, and the bound %s has no "
			"unit",
			value->given_unit, e->plain);
	return 0;
}

static int parse_texts(struct loader *l, const struct value_row *value, const struct texts *texts,
		       const struct node *first, struct expectation *out)
{
	const struct source *s;
	const char *meant;
	struct err e = {0};

	if (expect_parse(l->arena, texts->items, texts->positions, texts->n, out, &e) == 0)
		return 0;
	/* Columns were counted from the scalar's start, which may be a quote. */
	s = definition_source(l->definition, e.pos.file);
	if (s && !first->is_plain && e.pos.line == first->pos.line && e.pos.col > first->pos.col)
		e.pos.col++;
	meant = load_bound_meant(l, value, first);
	if (meant) {
		*e.help = '\0';
		(void)err_help(&e, "%s", meant);
	}
	diags_add(l->diags, &e);
	return -1;
}

/* The scalars of one expectation; -1 with diagnostics. */
static int read_texts(struct loader *l, const char *key, const struct value_row *value,
		      const struct node *node, struct texts *out)
{
	size_t n = node->type == NODE_SEQUENCE ? node->n : 1;
	const char *example = arena_printf(l->arena, "for example %s", load_bound_usual(l, value));

	if (n == 0)
		return diags_at(l->diags, node->pos, example, "\"%s\" is empty", key);
	if (n > MAX_TERMS)
		return diags_at(l->diags, node->pos, NULL, "\"%s\" has more than %d bounds", key,
				MAX_TERMS);
	out->items = arena_array(l->arena, n, sizeof(*out->items));
	out->positions = arena_array(l->arena, n, sizeof(*out->positions));
	for (out->n = 0; out->n < n; out->n++) {
		const struct node *item = node->type == NODE_SEQUENCE ? node->items[out->n] : node;

		if (item->type != NODE_SCALAR) {
			const char *meant =
				item->type == NODE_MAPPING ? load_bound_of_mapping(l, item) : NULL;

			return diags_at(l->diags, item->pos,
					meant ? arena_printf(l->arena, "write %s", meant) : example,
					"\"%s\" must be a text or a list of texts", key);
		}
		if (item->len == 0)
			return diags_at(l->diags, item->pos, example, "\"%s\" has no value", key);
		if (item->has_secret)
			return diags_at(l->diags, item->pos,
					"bounds are shown; use vars: for what is not secret",
					"\"%s\" cannot hold a value from ${env:} or ${file:}", key);
		out->items[out->n] = item->text;
		out->positions[out->n] = item->pos;
	}
	return 0;
}

/* One value's expectation: each term is checked against the value, then all are parsed as one. */
static int read_one(struct loader *l, const char *key, const struct value_row *value,
		    const struct node *node, struct expectation *out)
{
	struct texts texts = {0};
	int status = 0;

	if (read_texts(l, key, value, node, &texts))
		return -1;
	for (size_t i = 0; i < texts.n; i++) {
		struct texts term = {&texts.items[i], &texts.positions[i], 1};
		const struct node *item = node->type == NODE_SEQUENCE ? node->items[i] : node;

		if (parse_texts(l, value, &term, item, out) || check_bound(l, value, out))
			status = -1;
	}
	return status || texts.n == 1 ? status : parse_texts(l, value, &texts, node, out);
}

static void read_value(struct loader *l, struct check *c, bool is_warn, const char *name,
		       const struct node *node, struct pos name_pos)
{
	const char *key = is_warn ? "warn" : "expect";
	struct value_row value = {0};
	struct expectation parsed = {0};
	struct named_expectation *e;
	const char **names;
	size_t n;
	int closest;

	if (find_value(c, name, &value) && missing_key(c, &value)) {
		(void)diags_at(l->diags, name_pos,
			       arena_printf(l->arena, "give the check a %s:", value.needs_key),
			       "kind \"%s\" yields \"%s\" only with \"%s\"", c->kind->name, name,
			       value.needs_key);
		return;
	}
	if (!find_value(c, name, &value)) {
		(void)find_value(c, "", &value); /* else as of any number */
		n = value_names(c, &names, l->arena);
		closest = str_closest(name, names, n);
		(void)diags_at(l->diags, name_pos,
			       closest >= 0	    ? arena_printf(l->arena, "did you mean \"%s\"?",
								   names[closest])
			       : n > 0 && *names[0] ? list_words(l->arena, "it yields ", names, n)
						    : arena_printf(l->arena, "write %s: %s", key,
								   load_bound_usual(l, &value)),
			       "kind \"%s\" yields no value \"%s\"", c->kind->name,
			       str_escaped(l->arena, name));
		return;
	}
	e = expectation_of(l, c, name);
	if (read_one(l, key, &value, node, &parsed)) {
		e->has_expect = true; /* written, though wrong: do not also ask for it */
		return;
	}
	if (is_warn) {
		e->has_warn = true;
		e->warn = parsed;
	} else {
		e->has_expect = true;
		e->expect = parsed;
	}
}

/* `expect: { min: 5, max: 10 }`: bounds, where names of values stand. */
static bool is_bounds(struct loader *l, const struct check *c, const char *key,
		      const struct node *map)
{
	struct value_row value;
	const char *meant = load_bound_of_mapping(l, map);

	if (!meant || !find_value(c, "", &value) || find_value(c, map->keys[0]->text, &value))
		return false;
	(void)diags_at(l->diags, map->keys[0]->pos,
		       arena_printf(l->arena, "write %s: %s", key, meant),
		       "a bound is written as a text, \"%s\" is no value of kind \"%s\"",
		       map->keys[0]->text, c->kind->name);
	return true;
}

static void read_side(struct loader *l, struct check *c, bool is_warn, const struct node *node)
{
	struct value_row value;
	const char **names;
	size_t n;

	if (!node)
		return;
	if (node->type == NODE_MAPPING) {
		if (is_bounds(l, c, is_warn ? "warn" : "expect", node))
			return;
		for (size_t i = 0; i < node->n; i++)
			read_value(l, c, is_warn, node->keys[i]->text, node->items[i],
				   node->keys[i]->pos);
		return;
	}
	if (find_value(c, "", &value)) {
		read_value(l, c, is_warn, "", node, node->pos);
		return;
	}
	n = value_names(c, &names, l->arena);
	(void)diags_at(l->diags, node->pos,
		       n > 0 ? list_words(l->arena, "write a mapping of them: ", names, n)
			     : "write a mapping of value names",
		       "kind \"%s\" yields several values", c->kind->name);
}

static int parse_implied(struct loader *l, const struct check *c, const char *text,
			 struct expectation *out)
{
	struct err problem = {0};

	if (expect_parse(l->arena, &text, &c->kind_pos, 1, out, &problem) == 0)
		return 0;
	diags_add(l->diags, &problem); /* a kind's row is wrong: found by tests */
	return -1;
}

static void add_implied(struct loader *l, struct check *c)
{
	for (const struct value_row *row = c->kind->values; row && row->name; row++) {
		struct value_row value = *row;
		struct named_expectation *e;

		if (c->kind->has_value && c->spec)
			(void)c->kind->has_value(c, row->name, &value); /* else as it is listed */
		if (!value.implied || missing_key(c, &value))
			continue;
		e = expectation_of(l, c, row->name);
		if (e->has_expect || parse_implied(l, c, value.implied, &e->expect) < 0)
			continue;
		e->has_expect = true;
		e->is_implied = true;
		e->is_optional = value.is_optional;
		if (value.implied_warn)
			e->has_warn = parse_implied(l, c, value.implied_warn, &e->warn) == 0;
	}
}

/* false: the value may be below 0, or no number. */
static bool find_range(const struct value_row *row, struct expect_range *out)
{
	bool is_count = row->type == VALUE_INT;

	*out = (struct expect_range){
		.most = row->is_share ? 1
			: is_count    ? 0x1p63
				      : INFINITY,
		.is_whole = is_count,
		.has_total = row->counts_of_total,
	};
	if (row->most > 0)
		out->most = (double)row->most;
	return is_count || row->is_share || row->is_at_least_0;
}

/* What its values are called in an error, and a bound that can be missed. */
static const char *word_for(const struct value_row *row, const struct expectation *never,
			    const char **help)
{
	*help = "write a bound that can be missed, for example \"<= 1%\"";
	if (row->is_share || never->has_share)
		return "share";
	*help = "write a bound that can be missed, for example \"< 1h\"";
	if (row->is_at_least_0 && strcmp(row->unit, "s") == 0)
		return "time";
	*help = "write a bound that can be missed, for example \"< 0.5\"";
	if (row->is_at_least_0)
		return "value";
	*help = "write a bound that can be missed, for example \">= 1\" or \"== 0\"";
	return row->most > 0 ? "value" : "count";
}

/*
 * A value of many may be asked for without a bound, ">= 0", beside one that has some. What was
 * released with such a check has to be run as it is, and `init` looks before it knows a bound.
 */
static void check_can_fail(struct loader *l, const struct check *c)
{
	const struct expectation *never = NULL;
	const char *what = "", *help = "";

	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *e = &c->expects[i];
		struct value_row row = {0};
		struct expect_range range;

		if (!e->has_expect || !find_value(c, e->name, &row) || !find_range(&row, &range) ||
		    !expect_holds_always(&e->expect, &range))
			return;
		if (never != NULL)
			continue;
		never = &e->expect;
		what = word_for(&row, never, &help);
	}
	if (never != NULL && l->options->today == NULL && !l->options->is_draft)
		(void)diags_at(l->diags, never->pos, help,
			       "\"%s\" holds for every %s: the check could never fail", never->text,
			       what);
}

/* An expect: for a check that has none, with a bound of the kind. */
static const char *example_of(struct loader *l, const struct check *c)
{
	struct value_row value = {0};

	for (const struct value_row *row = c->kind->values; row && row->name; row++) {
		if (!row->usual || missing_key(c, row))
			continue;
		if (!find_value(c, row->name, &value) || !value.usual)
			value = *row; /* as it is listed */
		return *row->name
			       ? arena_printf(l->arena, "expect: { %s: %s }", row->name,
					      load_bound_usual(l, &value))
			       : arena_printf(l->arena, "expect: %s", load_bound_usual(l, &value));
	}
	return "expect: \">= 1\"";
}

void load_expectations(struct loader *l, struct check *c, const struct node *expect,
		       const struct node *warn, bool may_be_absent)
{
	size_t before = l->diags->n_total;
	bool has_any = false;

	read_side(l, c, false, expect);
	add_implied(l, c);
	read_side(l, c, true, warn);
	for (size_t i = 0; i < c->n_expects; i++) {
		has_any = has_any || c->expects[i].has_expect;
		if (!c->expects[i].has_expect)
			(void)diags_at(l->diags, c->expects[i].warn.pos, "add it to expect: too",
				       "\"warn\" alone: the check could never fail");
	}
	if (!has_any && !may_be_absent && l->diags->n_total == before)
		(void)diags_at(
			l->diags, c->kind_pos,
			arena_printf(l->arena, "add expect:, for example %s", example_of(l, c)),
			"check \"%s\" measures, but expects nothing", c->name);
	if (l->diags->n_total == before)
		check_can_fail(l, c);
	if (c->kind->check_bounds && c->spec && l->diags->n_total == before) {
		struct keys_context keys = l->keys;

		c->kind->check_bounds(&keys, c);
	}
}
