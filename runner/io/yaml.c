/*
 * libyaml's events become a tree.
 *
 * libyaml is asked for events, not for its document: the document has no limits. The loop is not
 * recursive, so depth costs no stack, and stops at the first event that is too deep: the scanner
 * looks at most one line and 1,024 characters ahead, which bounds its quadratic behaviour on nested
 * flow collections. Aliases are copied, so that the tree can be changed in place (variables), and
 * copies count as nodes, so that a file which laughs a billion times is refused early.
 */
#include "runner/io/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "runner/base/arena.h"
#include "runner/base/err.h"
#include "runner/base/map.h"
#include "runner/base/node.h"
#include "runner/base/str.h"
#include "runner/io/yaml_text.h"

#define MAX_ERRORS	100 /* a file; more is noise */
#define MAX_STRAYS	10  /* the same; each is another reading */
#define LINEAR_KEYS	12  /* mappings up to here are searched without a hash */
#define COMMENT_MESSAGE "a comment without a blank before it"
#define COMMENT_HELP	"write a blank before the #, or quote the text it belongs to"
#define TOO_MANY_HELP	"split it into several files and name them in include:"

/* A collection whose end has not been seen. */
struct frame {
	struct node *node;
	size_t first;	  /* of its children in builder.pending */
	struct node *key; /* mapping: the key that waits for its value */
	size_t key_end;	  /* byte after that key */
	bool is_flow;
	bool is_key_bad; /* already reported: drop key and value */
	bool has_hash;
	struct map hash; /* keys, once there are many */
};

struct child {
	struct node *key, *value;
};

struct builder {
	struct arena *arena;
	struct arena *scratch; /* freed when parsing ends */
	struct diags *diags;
	struct yaml_text text;
	struct node *root;
	struct frame frames[YAML_MAX_DEPTH];
	size_t depth, flow_depth;
	struct child *pending;
	size_t n_pending, cap_pending;
	struct map anchors;
	size_t n_aliases, n_nodes, n_errors;
	size_t last_end; /* characters up to here were part of events */
	size_t stray;	 /* the byte it broke off for, see yaml_text_stray(); text.n = none */
};

static int refuse(struct builder *b, struct pos pos, const char *help, const char *message)
{
	b->n_errors++;
	return diags_at(b->diags, pos, help, "%s", message);
}

/* extra: bytes of room behind the node, for its text. */
static struct node *node_new(struct builder *b, enum node_type type, struct pos pos, size_t extra)
{
	struct node *node;

	if (++b->n_nodes > YAML_MAX_NODES) {
		(void)refuse(b, pos, TOO_MANY_HELP, "more than 150,000 values in one file");
		return NULL;
	}
	node = arena_alloc(b->arena, sizeof(*node) + extra);
	node->type = type;
	node->pos = pos;
	return node;
}

static struct node *copy(struct builder *b, const struct node *from, size_t depth)
{
	struct node *to;

	if (depth > YAML_MAX_DEPTH) {
		(void)refuse(b, from->pos, NULL, "aliases nest deeper than 64 levels");
		return NULL;
	}
	to = node_new(b, from->type, from->pos, 0);
	if (!to)
		return NULL;
	to->text = from->text;
	to->len = from->len;
	to->is_plain = from->is_plain;
	if (from->n == 0)
		return to;
	to->items = arena_array(b->arena, from->n, sizeof(struct node *));
	if (from->keys)
		to->keys = arena_array(b->arena, from->n, sizeof(struct node *));
	for (size_t i = 0; i < from->n; i++) {
		to->items[i] = copy(b, from->items[i], depth + 1);
		if (!to->items[i])
			return NULL;
		if (from->keys)
			to->keys[i] = from->keys[i];
		to->n = i + 1;
	}
	return to;
}

static void push_child(struct builder *b, struct node *key, struct node *value)
{
	if (b->n_pending == b->cap_pending) {
		struct child *more;

		b->cap_pending = b->cap_pending ? b->cap_pending * 2 : 256;
		more = arena_array(b->scratch, b->cap_pending, sizeof(*more));
		if (b->n_pending > 0)
			memcpy(more, b->pending, b->n_pending * sizeof(*more));
		b->pending = more;
	}
	b->pending[b->n_pending++] = (struct child){.key = key, .value = value};
}

/* The earlier key of this name in the mapping, or NULL; notes the new one. */
static const struct node *find_duplicate(struct builder *b, struct frame *f, struct node *key)
{
	size_t n = b->n_pending - f->first;

	if (n < LINEAR_KEYS) {
		for (size_t i = f->first; i < b->n_pending; i++)
			if (b->pending[i].key->len == key->len &&
			    memcmp(b->pending[i].key->text, key->text, key->len) == 0)
				return b->pending[i].key;
		return NULL;
	}
	if (!f->has_hash) {
		map_init(&f->hash, b->scratch);
		for (size_t i = f->first; i < b->n_pending; i++)
			(void)map_put(&f->hash, b->pending[i].key->text, b->pending[i].key);
		f->has_hash = true;
	}
	return map_put(&f->hash, key->text, key) ? NULL : map_get(&f->hash, key->text);
}

static void take_key(struct builder *b, struct frame *f, struct node *key, size_t end)
{
	const struct node *earlier;

	f->key = key;
	f->key_end = yaml_text_offset(&b->text, end);
	f->is_key_bad = true;
	if (key->type != NODE_SCALAR) {
		(void)refuse(b, key->pos, "quote it if it is meant as text",
			     "a key must be a plain name");
		return;
	}
	if (key->len == 0) {
		(void)refuse(b, key->pos, NULL, "empty key");
		return;
	}
	if (key->is_plain && strcmp(key->text, "<<") == 0) {
		(void)refuse(b, key->pos, "write the keys out, or use defaults:",
			     "merge key << is not supported");
		return;
	}
	earlier = find_duplicate(b, f, key);
	if (earlier) {
		b->n_errors++;
		(void)diags_at(b->diags, key->pos,
			       arena_printf(b->scratch, "it was first written in line %u",
					    (unsigned)earlier->pos.line),
			       "duplicate key \"%s\"", str_escaped(b->scratch, key->text));
		return;
	}
	f->is_key_bad = false;
}

/* `{name}` reads as a mapping of name to nothing: almost always a text that wanted quotes. */
static bool is_unquoted_braces(struct builder *b, const struct frame *f, const struct node *value,
			       size_t value_index)
{
	size_t from = f->key_end, to;

	if (!f->is_flow || value->type != NODE_SCALAR || value->len > 0 || !value->is_plain)
		return false;
	to = yaml_text_offset(&b->text, value_index);
	return to < from || !memchr(b->text.text + from, ':', to - from);
}

/*
 * Puts a scalar or an opening collection where it belongs; start, end: characters it covers. A
 * collection is placed before its children, which go above it in pending and are taken off at its
 * end, so what lies between frame.first and the end is always children of the innermost frame
 * alone.
 */
static void place(struct builder *b, struct node *node, size_t start, size_t end)
{
	struct frame *f;

	if (b->depth == 0) {
		b->root = node;
		return;
	}
	f = &b->frames[b->depth - 1];
	if (f->node->type == NODE_SEQUENCE) {
		push_child(b, NULL, node);
		return;
	}
	if (!f->key) {
		take_key(b, f, node, end);
		return;
	}
	if (!f->is_key_bad && is_unquoted_braces(b, f, node, start)) {
		b->n_errors++;
		(void)diags_at(b->diags, f->node->pos,
			       arena_printf(b->scratch, "quote it: \"{%s}\", or write %s: value",
					    f->key->text, f->key->text),
			       "unquoted {%s} is a mapping without a value",
			       str_escaped(b->scratch, f->key->text));
		f->is_key_bad = true;
	}
	if (!f->is_key_bad)
		push_child(b, f->key, node);
	f->key = NULL;
	f->is_key_bad = false;
}

static int open_collection(struct builder *b, enum node_type type, bool is_flow,
			   const yaml_event_t *event)
{
	struct pos pos = yaml_text_pos(&b->text, event->start_mark.index);
	struct node *node;

	if (b->depth == YAML_MAX_DEPTH)
		return refuse(b, pos, NULL, "collections nest deeper than 64 levels");
	node = node_new(b, type, pos, 0);
	if (!node)
		return -1;
	place(b, node, event->start_mark.index, event->end_mark.index);
	b->frames[b->depth++] =
		(struct frame){.node = node, .first = b->n_pending, .is_flow = is_flow};
	b->flow_depth += is_flow;
	return 0;
}

static void close_collection(struct builder *b)
{
	struct frame *f = &b->frames[--b->depth];
	struct node *node = f->node;
	size_t n = b->n_pending - f->first;

	b->flow_depth -= f->is_flow;
	node->n = n;
	node->items = arena_array(b->arena, n, sizeof(struct node *));
	if (node->type == NODE_MAPPING)
		node->keys = arena_array(b->arena, n, sizeof(struct node *));
	for (size_t i = 0; i < n; i++) {
		node->items[i] = b->pending[f->first + i].value;
		if (node->keys)
			node->keys[i] = b->pending[f->first + i].key;
	}
	b->n_pending = f->first;
}

static int note_anchor(struct builder *b, const yaml_char_t *anchor, struct node *node)
{
	const char *name;

	if (!anchor)
		return 0;
	if (b->anchors.n == YAML_MAX_ANCHORS)
		return refuse(b, node->pos, "write the values out", "more than 10,000 anchors");
	name = arena_strdup(b->scratch, (const char *)anchor);
	if (map_put(&b->anchors, name, node))
		return 0;
	b->n_errors++;
	(void)diags_at(b->diags, node->pos, "give it another name",
		       "anchor \"%s\" is defined twice", str_escaped(b->scratch, name));
	return 0;
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct pos pos = yaml_text_pos(&b->text, event->start_mark.index);
	struct node *target = map_get(&b->anchors, name);

	if (++b->n_aliases > YAML_MAX_ALIASES)
		return refuse(b, pos, "write the values out", "more than 10,000 aliases");
	if (!target) {
		b->n_errors++;
		return diags_at(b->diags, pos, "quote it if it is meant as text",
				"an unquoted * starts an alias, and there is no anchor \"%s\"",
				str_escaped(b->scratch, name));
	}
	for (size_t i = 0; i < b->depth; i++)
		if (b->frames[i].node == target)
			return refuse(b, pos, NULL, "an alias cannot stand inside its own anchor");
	target = copy(b, target, b->depth + 1);
	if (!target)
		return -1;
	if (b->depth > 0 && b->frames[b->depth - 1].node->type == NODE_MAPPING &&
	    !b->frames[b->depth - 1].key)
		return refuse(b, pos, "write the key out", "a key cannot be an alias");
	place(b, target, event->start_mark.index, event->end_mark.index);
	return 0;
}

/*
 * The header of a block scalar. `>5` has an indentation indicator, which nobody means in a
 * definition;
 * `>#` a comment without its blank.
 */
static void check_block_header(struct builder *b, size_t index, struct pos pos)
{
	const char *text = b->text.text;
	size_t start = yaml_text_offset(&b->text, index), i = start;
	char quoted[YAML_QUOTE_MAX];

	while (i < b->text.n && text[i] != '>' && text[i] != '|')
		i++; /* an anchor */
	for (; i < b->text.n && !strchr(" \t\r\n", text[i]); i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			(void)refuse(b, pos,
				     yaml_text_quote(&b->text, start, b->flow_depth > 0, quoted),
				     "an unquoted > or | starts a folded text");
			return;
		}
		if (text[i] == '#') {
			(void)refuse(b, yaml_text_pos_at(&b->text, i), COMMENT_HELP,
				     COMMENT_MESSAGE);
			return;
		}
	}
}

/*
 * `"text"#comment` and `[a,#b`: a comment needs a blank before it, which libyaml does not ask for.
 * Between two events there are only blanks, indicators and comments.
 */
static void check_comments(struct builder *b, size_t start)
{
	const char *text = b->text.text;
	size_t from, to;

	if (start <= b->last_end)
		return;
	from = yaml_text_offset(&b->text, b->last_end);
	to = yaml_text_offset(&b->text, start);
	for (size_t i = from; i < to; i++) {
		if (text[i] != '#')
			continue;
		if (i > 0 && !strchr(" \t\r\n", text[i - 1]))
			(void)refuse(b, yaml_text_pos_at(&b->text, i), COMMENT_HELP,
				     COMMENT_MESSAGE);
		while (i < to && text[i] != '\n')
			i++;
	}
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;
	yaml_scalar_style_t style = event->data.scalar.style;
	size_t start = event->start_mark.index;
	struct pos pos = yaml_text_pos(&b->text, start);
	struct node *node;

	if (style == YAML_FOLDED_SCALAR_STYLE || style == YAML_LITERAL_SCALAR_STYLE)
		check_block_header(b, start, pos);
	if (style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "-") == 0)
		(void)refuse(b, pos, "quote it: \"-\"", "an unquoted - is no text");
	if (memchr(text, '\0', n))
		return refuse(b, pos, NULL, "text holds a NUL");
	node = node_new(b, NODE_SCALAR, pos, n + 1);
	if (!node)
		return -1;
	node->text = memcpy(node + 1, text, n); /* the arena gives zeros: it is terminated */
	node->len = n;
	node->is_plain = style == YAML_PLAIN_SCALAR_STYLE;
	place(b, node, start, event->end_mark.index);
	return note_anchor(b, event->data.scalar.anchor, node);
}

static void check_tag(struct builder *b, const yaml_event_t *event, const yaml_char_t *tag)
{
	struct pos pos = yaml_text_pos(&b->text, event->start_mark.index);
	const char *shown = (const char *)tag;
	char quoted[YAML_QUOTE_MAX];

	if (!tag)
		return;
	b->n_errors++;
	if (str_starts(shown, "!="))
		(void)diags_at(b->diags, pos,
			       yaml_text_quote(&b->text,
					       yaml_text_offset(&b->text, event->start_mark.index),
					       b->flow_depth > 0, quoted),
			       "an unquoted != is a YAML tag, not an expectation");
	else
		(void)diags_at(b->diags, pos,
			       "remove the tag, or quote the text if the ! is part of it",
			       "tags are not supported: \"%s\"", str_escaped(b->scratch, shown));
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	struct pos where;
	const yaml_char_t *anchor = NULL;
	enum node_type type = NODE_SEQUENCE;
	bool is_flow = false;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return on_alias(b, event);
	case YAML_SCALAR_EVENT:
		check_tag(b, event, event->data.scalar.tag);
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		check_tag(b, event, event->data.sequence_start.tag);
		anchor = event->data.sequence_start.anchor;
		is_flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		break;
	case YAML_MAPPING_START_EVENT:
		check_tag(b, event, event->data.mapping_start.tag);
		anchor = event->data.mapping_start.anchor;
		is_flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		type = NODE_MAPPING;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_collection(b);
		return 0;
	case YAML_DOCUMENT_END_EVENT:
		if (!yaml_text_has_more(&b->text, yaml_text_offset(&b->text, event->end_mark.index),
					&where))
			return 0;
		return refuse(b, where, "one file holds one definition: use include:",
			      "text after the end of the definition");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		return 0;
	}
	if (open_collection(b, type, is_flow, event))
		return -1;
	return note_anchor(b, anchor, b->frames[b->depth - 1].node);
}

/* Was something in the line where the parser gave up reported already (`{tag} and more`)? */
static bool is_consequence(struct builder *b, size_t index)
{
	struct pos pos = yaml_text_pos(&b->text, index);

	return b->n_errors > 0 && b->diags->n > 0 &&
	       b->diags->items[b->diags->n - 1].pos.line == pos.line;
}

/* 0 when the document was read to its end (with or without errors), -1 when it broke off. */
static int read_events(struct builder *b, yaml_parser_t *parser)
{
	for (;;) {
		yaml_event_t event;
		int failed;
		bool is_end;

		if (!yaml_parser_parse(parser, &event)) {
			struct yaml_problem problem = {
				.problem = parser->problem,
				.context = parser->context,
				.problem_index = parser->problem_mark.index,
				.context_index = parser->context_mark.index,
				.flow_depth = b->flow_depth,
			};

			if (parser->error == YAML_MEMORY_ERROR)
				oom();
			if (is_consequence(b, problem.problem_index))
				return -1;
			b->stray = yaml_text_stray(&b->text, &problem);
			yaml_text_explain(&b->text, &problem, b->diags);
			return -1;
		}
		check_comments(b, event.start_mark.index);
		failed = on_event(b, &event);
		if (event.end_mark.index > b->last_end)
			b->last_end = event.end_mark.index;
		is_end = event.type == YAML_DOCUMENT_END_EVENT ||
			 event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (failed || b->n_errors > MAX_ERRORS)
			return -1;
		if (is_end)
			return 0;
	}
}

/* One reading of the text; *stray is the byte it broke off for, n = none. */
static int read_once(struct arena *a, const char *file, const char *text, size_t n,
		     struct node **root, struct diags *diags, size_t *stray)
{
	struct builder *b;
	yaml_parser_t parser;
	struct arena *scratch;
	int status = -1;

	*root = NULL;
	*stray = n;
	scratch = arena_new();
	b = arena_alloc(scratch, sizeof(*b));
	b->arena = a;
	b->scratch = scratch;
	b->diags = diags;
	map_init(&b->anchors, scratch);
	if (yaml_text_init(&b->text, file, text, n, diags)) {
		arena_free(scratch);
		return -1;
	}
	b->stray = b->text.n;
	if (!yaml_parser_initialize(&parser))
		oom();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)b->text.text, b->text.n);
	if (read_events(b, &parser) == 0) {
		struct pos start = {.file = file, .line = 1, .col = 1};

		if (b->root)
			*root = b->root;
		else
			(void)refuse(b, start, "begin with \"assize: 1\"", "the file is empty");
		status = b->n_errors > 0 ? -1 : 0;
	}
	*stray = b->stray + (size_t)(b->text.text - text);
	yaml_parser_delete(&parser);
	arena_free(scratch);
	return status;
}

/* Is the last complaint, with which a reading ended, about a line that has a stray byte? */
static bool is_of_line(const struct diags *diags, const struct err *strays, size_t n)
{
	for (size_t i = 0; i < n && diags->n > 0; i++)
		if (diags->items[diags->n - 1].pos.line == strays[i].pos.line)
			return true;
	return false;
}

/*
 * `expect: > 5` ends libyaml's reading, though nothing else need be wrong in that file: it is read
 * again with another byte in place of the >, for the mistakes behind it. What is said of that value
 * then is the caller's to drop: it has the position of what was said before.
 */
int yaml_parse(struct arena *a, const char *file, const char *text, size_t n, struct node **root,
	       struct diags *diags)
{
	struct err strays[MAX_STRAYS];
	size_t n_strays = 0, stray;
	int status;

	for (;;) {
		size_t before = diags->n, total = diags->n_total;
		char *patched;

		status = read_once(a, file, text, n, root, diags, &stray);
		if (!*root && diags->n > before && is_of_line(diags, strays, n_strays)) {
			diags->n--;
			diags->n_total--;
			break;
		}
		if (stray == n || n_strays == MAX_STRAYS || diags_is_full(diags))
			break;
		strays[n_strays++] = diags->items[diags->n - 1];
		diags->n = before;
		diags->n_total = total;
		patched = arena_strndup(a, text, n);
		patched[stray] = '_';
		text = patched;
	}
	for (size_t i = 0; i < n_strays; i++)
		diags_add(diags, &strays[i]);
	return n_strays > 0 ? -1 : status;
}
