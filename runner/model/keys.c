/*
 * Key rows read mappings. Every value has one reader; ranges, secrets and requirements are checked
 * in one place each, so that no kind has to.
 */
#include "runner/model/keys.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/base/str.h"
#include "runner/model/pattern.h"

static const char *node_words(const struct node *node)
{
	switch (node->type) {
	case NODE_SCALAR:
		return "a text";
	case NODE_SEQUENCE:
		return "a list";
	case NODE_MAPPING:
		return "a mapping";
	}
	return "nothing";
}

/*
 * May come from the environment or a file: no secret is a number, a choice or a name, and what
 * decides whether something passes is not read from where no digest of the definition sees it.
 */
static bool may_be_secret(const struct key_row *row)
{
	bool is_text = row->type == KEY_TEXT || row->type == KEY_TEXTS || row->type == KEY_PAIRS ||
		       row->type == KEY_PATH || row->type == KEY_PATTERN;

	return is_text && (row->flags & KEY_NO_SECRET) == 0;
}

/* The text of a scalar that is there, is no null and no forbidden secret; else NULL and a report.
 */
static const char *scalar(struct keys_context *ctx, const struct key_row *row,
			  const struct node *node)
{
	static const char *const nulls[] = {"~", "null", "Null", "NULL"};

	if (node->type != NODE_SCALAR) {
		(void)diags_at(ctx->diags, node->pos, keys_example(ctx->arena, row),
			       "\"%s\" must be a text, not %s", row->name, node_words(node));
		return NULL;
	}
	if (node->is_plain && node->len == 0) {
		(void)diags_at(ctx->diags, node->pos, "write a value, or leave the key out",
			       "\"%s\" has no value", row->name);
		return NULL;
	}
	for (size_t i = 0; node->is_plain && i < sizeof(nulls) / sizeof(*nulls); i++) {
		if (strcmp(node->text, nulls[i]) != 0)
			continue;
		(void)diags_at(ctx->diags, node->pos,
			       "leave the key out, or quote the word if it is meant as text",
			       "\"%s\" is null", row->name);
		return NULL;
	}
	if (node->has_secret && !may_be_secret(row)) {
		(void)diags_at(ctx->diags, node->pos,
			       (row->flags & KEY_NO_SECRET)
				       ? "it would be visible to others; use vars: for what is not "
					 "secret"
				       : "nobody could see what it is; use vars: and --var",
			       "\"%s\" cannot hold a value from ${env:} or ${file:}", row->name);
		return NULL;
	}
	return node->text;
}

static void bad_value(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		      const char *wanted)
{
	const char *shown = node->has_secret ? "a secret" : str_escaped(ctx->arena, node->text);

	(void)diags_at(ctx->diags, node->pos, keys_example(ctx->arena, row),
		       "\"%s\" must be %s, not \"%s\"", row->name, wanted, shown);
}

static void format_limit(const struct key_row *row, int64_t v, char out[static NUM_REAL_MAX])
{
	if (row->type == KEY_DURATION)
		(void)num_format_duration(v, out);
	else if (row->type == KEY_SIZE)
		(void)num_format_size(v, out);
	else
		(void)num_format_real((double)v, out);
}

static void out_of_range(struct keys_context *ctx, const struct key_row *row,
			 const struct node *node)
{
	char low[NUM_REAL_MAX], high[NUM_REAL_MAX];

	format_limit(row, row->min, low);
	format_limit(row, row->max, high);
	bad_value(ctx, row, node,
		  row->max == INT64_MAX ? arena_printf(ctx->arena, "at least %s", low)
					: arena_printf(ctx->arena, "between %s and %s", low, high));
}

static void read_number(struct keys_context *ctx, const struct key_row *row,
			const struct node *node, const char *text, void *field)
{
	bool has_range = row->min != 0 || row->max != 0;
	int64_t value = 0;
	double real = 0;
	int failed;

	if (row->type == KEY_REAL) {
		if (num_parse_real(text, node->len, &real))
			bad_value(ctx, row, node, "a number");
		else if (has_range && !(real >= (double)row->min && real <= (double)row->max))
			out_of_range(ctx, row, node);
		else
			*(double *)field = real;
		return;
	}
	if (row->type == KEY_DURATION)
		failed = num_parse_duration_ms(text, node->len, &value);
	else if (row->type == KEY_SIZE)
		failed = num_parse_size_bytes(text, node->len, &value);
	else
		failed = num_parse_int(text, node->len, &value);
	if (failed)
		bad_value(ctx, row, node,
			  row->type == KEY_DURATION ? "a duration such as 30s or 1h30m"
			  : row->type == KEY_SIZE   ? "a size such as 64KiB or 10MB"
						    : "an integer");
	else if (has_range && (value < row->min || value > row->max))
		out_of_range(ctx, row, node);
	else
		*(int64_t *)field = value;
}

static void read_bool(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		      const char *text, void *field)
{
	if (strcmp(text, "true") == 0)
		*(bool *)field = true;
	else if (strcmp(text, "false") == 0)
		*(bool *)field = false;
	else
		bad_value(ctx, row, node, "true or false");
}

static void read_enum(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		      const char *text, void *field)
{
	struct buf words;
	size_t n = 0;
	int closest;

	for (; row->choices[n]; n++) {
		if (strcmp(row->choices[n], text) == 0) {
			*(int *)field = (int)n;
			return;
		}
	}
	buf_init(&words, 512);
	for (size_t i = 0; i < n; i++)
		(void)buf_printf(&words, "%s%s",
				 i == 0	      ? ""
				 : i == n - 1 ? " or "
					      : ", ",
				 row->choices[i]);
	closest = str_closest(text, row->choices, n);
	(void)diags_at(ctx->diags, node->pos,
		       closest < 0 ? NULL
				   : arena_printf(ctx->arena, "did you mean \"%s\"?",
						  row->choices[closest]),
		       "\"%s\" must be %s, not \"%s\"", row->name, words.data,
		       node->has_secret ? "a secret" : str_escaped(ctx->arena, text));
	buf_release(&words);
}

static void read_pattern(struct keys_context *ctx, const struct key_row *row,
			 const struct node *node, const char *text, void *field)
{
	struct err e = {0};

	if (pattern_compile(ctx->arena, text, node->len, false, field, &e) == 0)
		return;
	(void)err_context(&e, "\"%s\"", row->name);
	e.class = ERR_DEFINITION;
	if (e.pos.line == 0)
		e.pos = node->pos;
	diags_add(ctx->diags, &e);
}

static void read_path(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		      const char *text, void *field)
{
	if (node->len == 0) {
		bad_value(ctx, row, node, "a path");
		return;
	}
	if (*text != '/' && ctx->root_dir)
		text = arena_printf(ctx->arena, "%s/%s", ctx->root_dir, text);
	if ((row->flags & KEY_POLICY) && ctx->policy)
		text = ctx->policy(ctx->policy_ctx, row, node, text);
	*(const char **)field = text;
}

static void read_texts(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		       void *field)
{
	struct texts *texts = field;
	size_t n = node->type == NODE_SEQUENCE ? node->n : 1;

	if (node->type == NODE_MAPPING) {
		(void)diags_at(ctx->diags, node->pos, keys_example(ctx->arena, row),
			       "\"%s\" must be a text or a list of texts, not a mapping",
			       row->name);
		return;
	}
	if (n == 0) {
		(void)diags_at(ctx->diags, node->pos, "leave the key out", "\"%s\" is empty",
			       row->name);
		return;
	}
	texts->items = arena_array(ctx->arena, n, sizeof(*texts->items));
	texts->positions = arena_array(ctx->arena, n, sizeof(*texts->positions));
	texts->n = 0;
	for (size_t i = 0; i < n && !diags_is_full(ctx->diags); i++) {
		const struct node *item = node->type == NODE_SEQUENCE ? node->items[i] : node;
		const char *text = scalar(ctx, row, item);

		if (!text)
			continue;
		texts->items[texts->n] = text;
		texts->positions[texts->n++] = item->pos;
	}
}

/* name: of the entry that is looked at, where the row is about several. */
static bool is_mapping(struct keys_context *ctx, const struct key_row *row, const char *name,
		       const struct node *node)
{
	if (node->type == NODE_MAPPING)
		return true;
	(void)diags_at(ctx->diags, node->pos, keys_example(ctx->arena, row),
		       "\"%s\" must be a mapping, not %s", str_escaped(ctx->arena, name),
		       node->type == NODE_SCALAR && node->len == 0 ? "nothing" : node_words(node));
	return false;
}

static void read_pairs(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		       void *field)
{
	struct pairs *pairs = field;

	if (!is_mapping(ctx, row, row->name, node))
		return;
	pairs->items = arena_array(ctx->arena, node->n, sizeof(*pairs->items));
	pairs->n = 0;
	for (size_t i = 0; i < node->n && !diags_is_full(ctx->diags); i++) {
		struct key_row named = *row;
		const char *text;

		named.name = str_escaped(ctx->arena, node->keys[i]->text);
		text = scalar(ctx, &named, node->items[i]);
		if (!text)
			continue;
		pairs->items[pairs->n++] = (struct pair){
			.name = node->keys[i]->text,
			.value = text,
			.pos = node->items[i]->pos,
			.has_secret = node->items[i]->has_secret,
		};
	}
}

/* `"restore"` for a group, `target "shop"` for an entry of `targets`. */
static const char *group_words(struct keys_context *ctx, const struct key_row *row,
			       const char *name)
{
	size_t n = strlen(row->name);

	if (row->type != KEY_GROUPS && row->type != KEY_NAMED)
		return arena_printf(ctx->arena, "\"%s\"", name);
	n -= str_ends(row->name, "s") ? 1 : 0;
	return arena_printf(ctx->arena, "%.*s \"%s\"", (int)n, row->name, name);
}

static void read_group(struct keys_context *ctx, const struct key_row *row, const char *name,
		       const struct node *node, void *out)
{
	struct keys_context inner = *ctx;

	if (!is_mapping(ctx, row, name, node))
		return;
	inner.meant = NULL;
	inner.what = group_words(ctx, row, str_escaped(ctx->arena, name));
	(void)keys_read(&inner, row->sub, node, out);
}

static void read_groups(struct keys_context *ctx, const struct key_row *row,
			const struct node *node, void *field)
{
	struct groups *groups = field;
	bool is_list = row->type == KEY_LIST && node->type == NODE_SEQUENCE;
	size_t n = is_list || row->type == KEY_GROUPS ? node->n : 1;

	if ((row->flags & KEY_MAY_BE_EMPTY) && node->type == NODE_SCALAR && node->len == 0) {
		(void)diags_at(
			ctx->diags, node->pos,
			arena_printf(ctx->arena, "write %s: [] when there are none", row->name),
			"\"%s\" must be a mapping, not nothing", row->name);
		return;
	}
	if (!is_list && !is_mapping(ctx, row, row->name, node))
		return;
	if (is_list && n == 0 && !(row->flags & KEY_MAY_BE_EMPTY))
		(void)diags_at(ctx->diags, node->pos, "leave the key out", "\"%s\" is empty",
			       row->name);
	groups->items = arena_array(ctx->arena, n, sizeof(*groups->items));
	groups->n = 0;
	for (size_t i = 0; i < n && !diags_is_full(ctx->diags); i++) {
		const struct node *item = row->type == KEY_LIST && !is_list ? node : node->items[i];
		struct group *g = &groups->items[i];

		g->value = arena_alloc(ctx->arena, row->sub_size);
		g->pos = item->pos;
		g->node = item;
		if (row->type == KEY_GROUPS) {
			g->name = node->keys[i]->text;
			g->pos = node->keys[i]->pos;
		}
		groups->n = i + 1;
		read_group(ctx, row, g->name ? g->name : row->name, item, g->value);
	}
}

static void read_value(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		       char *out);
static void read_defaults(struct keys_context *ctx, const struct key_row *rows, char *out);

/* `id: integer` is short for `id: { type: integer }`, `id:` for what only has to be there. */
static void read_named_value(struct keys_context *ctx, const struct key_row *row,
			     const struct node *node, struct group *g)
{
	struct key_row first = row->sub[0];

	if (node->type == NODE_MAPPING) {
		read_group(ctx, row, g->name, node, g->value);
		return;
	}
	read_defaults(ctx, row->sub, g->value);
	if (node->type == NODE_SCALAR && node->is_plain && node->len == 0)
		return;
	first.name = str_escaped(ctx->arena, g->name);
	read_value(ctx, &first, node, g->value);
}

static void read_named(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		       void *field)
{
	struct groups *groups = field;
	struct texts names = {.n = 0};

	if (node->type != NODE_MAPPING) {
		read_texts(ctx, row, node, &names);
		groups->items = arena_array(ctx->arena, names.n, sizeof(*groups->items));
		groups->n = names.n;
		for (size_t i = 0; i < names.n; i++) {
			void *value = arena_alloc(ctx->arena, row->sub_size);

			read_defaults(ctx, row->sub, value);
			groups->items[i] = (struct group){
				.name = names.items[i], .pos = names.positions[i], .value = value};
		}
		return;
	}
	groups->items = arena_array(ctx->arena, node->n, sizeof(*groups->items));
	groups->n = 0;
	for (size_t i = 0; i < node->n && !diags_is_full(ctx->diags); i++) {
		struct group *g = &groups->items[groups->n++];

		*g = (struct group){
			.name = node->keys[i]->text,
			.pos = node->keys[i]->pos,
			.value = arena_alloc(ctx->arena, row->sub_size),
			.node = node->items[i],
		};
		read_named_value(ctx, row, node->items[i], g);
	}
}

static void read_value(struct keys_context *ctx, const struct key_row *row, const struct node *node,
		       char *out)
{
	void *field = out + row->offset;
	const char *text = NULL;

	switch (row->type) {
	case KEY_TEXTS:
		read_texts(ctx, row, node, field);
		return;
	case KEY_PAIRS:
		read_pairs(ctx, row, node, field);
		return;
	case KEY_GROUP:
		read_group(ctx, row, row->name, node, field);
		return;
	case KEY_GROUPS:
	case KEY_LIST:
		read_groups(ctx, row, node, field);
		return;
	case KEY_NAMED:
		read_named(ctx, row, node, field);
		return;
	case KEY_NODE:
		*(const struct node **)field = node;
		return;
	case KEY_TEXT:
	case KEY_NAME:
	case KEY_PATH:
	case KEY_BOOL:
	case KEY_INT:
	case KEY_REAL:
	case KEY_DURATION:
	case KEY_SIZE:
	case KEY_ENUM:
	case KEY_PATTERN:
		text = scalar(ctx, row, node);
		break;
	}
	if (!text)
		return;
	if (row->type == KEY_TEXT)
		*(const char **)field = text;
	else if (row->type == KEY_NAME && str_is_name(text))
		*(const char **)field = text;
	else if (row->type == KEY_NAME)
		bad_value(ctx, row, node, "a name (a letter, then letters, digits, _ . -)");
	else if (row->type == KEY_PATH)
		read_path(ctx, row, node, text, field);
	else if (row->type == KEY_BOOL)
		read_bool(ctx, row, node, text, field);
	else if (row->type == KEY_ENUM)
		read_enum(ctx, row, node, text, field);
	else if (row->type == KEY_PATTERN)
		read_pattern(ctx, row, node, text, field);
	else
		read_number(ctx, row, node, text, field);
}

/* Defaults go through the same readers as what a user writes, so they cannot mean something else.
 */
static void read_defaults(struct keys_context *ctx, const struct key_row *rows, char *out)
{
	for (const struct key_row *row = rows; row->name; row++) {
		struct node node = {.type = NODE_SCALAR, .text = row->def};

		if (row->type == KEY_GROUP)
			read_defaults(ctx, row->sub, out + row->offset);
		if (!row->def)
			continue;
		node.len = strlen(row->def);
		read_value(ctx, row, &node, out);
	}
}

const struct key_row *keys_row(const struct key_row *rows, const char *name)
{
	for (const struct key_row *row = rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static void report_unknown(struct keys_context *ctx, const struct key_row *rows,
			   const struct node *key, const struct node *value)
{
	const char **known, *meant = NULL, *help = NULL;
	size_t n = 0;

	while (rows[n].name)
		n++;
	known = arena_array(ctx->arena, n, sizeof(*known));
	for (size_t i = 0; i < n; i++)
		known[i] = rows[i].name;
	if (ctx->meant)
		meant = ctx->meant(ctx->meant_ctx, key, value, &help);
	keys_unknown(ctx, key, known, n, meant, help);
}

bool keys_has_unknown(const struct key_row *rows, const struct node *map)
{
	for (size_t i = 0; map->type == NODE_MAPPING && i < map->n; i++)
		if (!keys_row(rows, map->keys[i]->text))
			return true;
	return false;
}

/* Is one of the unknown keys probably meant to be this one? Then one error is enough. */
static bool is_misspelt(const struct keys_context *ctx, const struct key_row *rows,
			const struct key_row *row, const struct node *map)
{
	for (size_t i = 0; i < map->n && !diags_is_full(ctx->diags); i++) {
		const struct node *key = map->keys[i];
		const char *help, *meant = NULL;

		if (keys_row(rows, key->text))
			continue;
		if (ctx->meant)
			meant = ctx->meant(ctx->meant_ctx, key, map->items[i], &help);
		if (meant ? strcmp(meant, row->name) == 0
			  : str_closest(key->text, &row->name, 1) == 0)
			return true;
	}
	return false;
}

int keys_read(struct keys_context *ctx, const struct key_row *rows, const struct node *map,
	      void *out)
{
	size_t before = ctx->diags->n_total;

	read_defaults(ctx, rows, out);
	assert(ctx->diags->n_total == before);
	if (map->type != NODE_MAPPING)
		return diags_at(ctx->diags, map->pos, keys_example_of_all(ctx->arena, rows),
				"%s must be a mapping, not %s", ctx->what, node_words(map));
	for (size_t i = 0; i < map->n && !diags_is_full(ctx->diags); i++) {
		const struct key_row *row = keys_row(rows, map->keys[i]->text);

		if (row)
			read_value(ctx, row, map->items[i], out);
		else
			report_unknown(ctx, rows, map->keys[i], map->items[i]);
	}
	for (const struct key_row *row = rows; row->name; row++) {
		if (!(row->flags & KEY_REQUIRED) || node_get(map, row->name) ||
		    is_misspelt(ctx, rows, row, map))
			continue;
		(void)diags_at(ctx->diags, map->pos,
			       arena_printf(ctx->arena, "add %s: %s", row->name,
					    row->example ? row->example : row->help),
			       "%s needs the key \"%s\"", ctx->what, row->name);
	}
	return ctx->diags->n_total == before && !diags_is_full(ctx->diags) ? 0 : -1;
}

bool keys_has(const struct group *g, const char *key)
{
	return g->node && g->node->type == NODE_MAPPING && node_get(g->node, key);
}

struct pos keys_pos(const struct node *map, const char *key)
{
	const struct node *value = map->type == NODE_MAPPING ? node_get(map, key) : NULL;

	return value ? value->pos : map->pos;
}
