/*
 * What to write where an expectation is missing or cannot be read: the bound its author most likely
 * meant, else one that people write for such a value.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/load_parts.h"
#include "runner/model/expect.h"
#include "runner/model/kind.h"

const char *load_bound_usual(struct loader *l, const struct value_row *row)
{
	const char *text = row->usual ? row->usual : row->implied;
	size_t n;

	if (!text && row->type == VALUE_TEXT)
		text = "== \"text\"";
	else if (!text)
		text = row->unit && strcmp(row->unit, "s") == 0 ? "< 1s" : ">= 1";
	n = strlen(text);
	if (row->given_unit && isdigit((unsigned char)text[n - 1]))
		text = arena_printf(l->arena, "%s%s", text, row->given_unit);
	return expect_quoted(l->arena, text);
}

/* 1 for a word of yes, 0 for one of no, -1 for another. */
static int truth_of(const struct node *node)
{
	static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};

	for (int i = 0; node->is_plain && i < 6; i++)
		if (strcasecmp(node->text, words[i]) == 0)
			return i / 3;
	return -1;
}

/* Does it begin as an expectation does? Then it is not the bare text a value is to be equal to. */
static bool has_operator(const char *text)
{
	static const char *const words[] = {"between ", "in ",	"in[", "matches ",
					    "within ",	"not ", "\xE2"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_starts(text, words[i]))
			return true;
	return *text == '\0' || strchr("<>=!\"'", *text) != NULL;
}

const char *load_bound_meant(struct loader *l, const struct value_row *row, const struct node *node)
{
	const char *text = node->text, *meant;

	text += strspn(text, " \t");
	if (row->type == VALUE_TEXT && *text == '/')
		meant = arena_printf(l->arena, "matches %s", text);
	else if (row->type == VALUE_TEXT && !has_operator(text))
		meant = arena_printf(l->arena, "== \"%s\"", text);
	else if (row->type != VALUE_TEXT && truth_of(node) >= 0)
		meant = truth_of(node) ? "== 1" : "== 0";
	else
		return NULL;
	return arena_printf(l->arena, "write %s", expect_quoted(l->arena, meant));
}

/* How others write bounds as keys. */
static const struct {
	const char *key, *op;
} bound_keys[] = {
	{"min", ">="},	  {"minimum", ">="}, {"gte", ">="},   {"ge", ">="},   {"at_least", ">="},
	{"max", "<="},	  {"maximum", "<="}, {"lte", "<="},   {"le", "<="},   {"at_most", "<="},
	{"gt", ">"},	  {"above", ">"},    {"lt", "<"},     {"below", "<"}, {"eq", "=="},
	{"equals", "=="}, {"equal", "=="},   {"value", "=="}, {"ne", "!="},
};

const char *load_bound_operator(const char *key)
{
	for (size_t i = 0; i < sizeof(bound_keys) / sizeof(*bound_keys); i++)
		if (strcmp(key, bound_keys[i].key) == 0)
			return bound_keys[i].op;
	return NULL;
}

const char *load_bound_of_mapping(struct loader *l, const struct node *map)
{
	const char *low = NULL, *high = NULL, *text = NULL;

	for (size_t i = 0; i < map->n; i++) {
		const char *op = load_bound_operator(map->keys[i]->text);
		const char *value = map->items[i]->text, *term;

		if (!op || map->items[i]->type != NODE_SCALAR || map->items[i]->has_secret)
			return NULL;
		low = strcmp(op, ">=") == 0 ? value : low;
		high = strcmp(op, "<=") == 0 ? value : high;
		term = expect_quoted(l->arena, arena_printf(l->arena, "%s %s", op, value));
		text = text ? arena_printf(l->arena, "%s, %s", text, term) : term;
	}
	if (low && high && map->n == 2)
		return arena_printf(l->arena, "\"between %s and %s\"", low, high);
	return text && map->n > 1 ? arena_printf(l->arena, "[%s]", text) : text;
}
