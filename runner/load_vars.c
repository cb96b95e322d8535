/*
 * Variables: ${name} from vars: or --var, ${env:NAME}, ${env:NAME:-default}, ${file:path}; $${ is a
 * literal ${. Substitution works on parsed scalars, never on YAML text, so a value cannot become
 * structure, and never on keys. Variables may use variables; what they expand to is bounded,
 * because doubling thirty times is a short file.
 */
#include <stdlib.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/node.h"
#include "runner/base/redact.h"
#include "runner/base/str.h"
#include "runner/io/digest.h"
#include "runner/io/file.h"
#include "runner/io/yaml.h"
#include "runner/load_parts.h"

#define MAX_EXPANDED_BYTES (8u * 1024 * 1024) /* all scalars of a definition together */
#define MIN_SECRET_BYTES   4		      /* shorter ones cannot be masked */
#define MAX_SECRET_BYTES   (64u * 1024)	      /* one ${file:} */
#define MAX_VARS	   10000
#define MAX_CHAIN	   64  /* variables that use variables that use ... */
#define POSITION_ERRORS	   100 /* from here on only the scalar is pointed at */

enum state { UNRESOLVED = 0, RESOLVING, RESOLVED };

struct var {
	struct node *node; /* value; text and written are final once RESOLVED */
	enum state state;
	bool is_given; /* on the command line, and not what the definition says anyway */
};

static int substitute(struct loader *l, struct node *node);

/* What a reference stands for. */
struct reference {
	const char *name; /* without ${ } */
	const struct node *node;
	size_t offset;	     /* of it in the text of node */
	const char *value;   /* result */
	const char *written; /* result: as it may be shown */
	bool has_secret;
	bool is_external; /* from outside the definition */
};

/* Where it stands in the file, when that can be told: at the same offset in the scalar's line. */
static struct pos reference_pos(const struct loader *l, const struct reference *r)
{
	const struct source *s = definition_source(l->definition, r->node->pos.file);
	struct pos pos = r->node->pos;
	const char *line;

	if (!s || l->diags->n_total > POSITION_ERRORS)
		return pos;
	line = s->text;
	for (uint32_t i = 1; i < pos.line && line; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	pos.col += (uint32_t)r->offset + (r->node->is_plain ? 0 : 1);
	if (!line || (size_t)(s->text + s->len - line) < pos.col || memchr(line, '\n', pos.col) ||
	    strncmp(line + pos.col - 1, "${", 2) != 0)
		return r->node->pos;
	return pos;
}

static void remember_unresolved(struct loader *l, struct node *node)
{
	l->unresolved = load_grow(l->arena, l->unresolved, l->n_unresolved, sizeof(struct node *));
	l->unresolved[l->n_unresolved++] = node;
}

/*
 * A secret of one or two letters would mask half of every text; shown it would be none. Nothing at
 * all is no secret.
 */
static int mask(struct loader *l, const struct reference *r, const char *secret,
		const char *variable)
{
	if (secret[0] != '\0' && strlen(secret) < MIN_SECRET_BYTES)
		return diags_at(l->diags, reference_pos(l, r),
				"what is no secret is given by --var and a variable of vars:",
				"the value of ${%s} is secret and has fewer than %d bytes, which "
				"cannot be masked",
				str_escaped(l->arena, r->name), MIN_SECRET_BYTES);
	/* A variable that is set: what stands for its value in a line for a shell. */
	redactor_add_variable(l->definition->redactor, secret, variable);
	return 0;
}

static int resolve_env(struct loader *l, struct reference *r)
{
	const char *name = r->name + strlen("env:");
	const char *fallback = strstr(name, ":-");
	const char *value;

	if (fallback)
		name = arena_strndup(l->arena, name, (size_t)(fallback - name));
	r->is_external = true;
	if (*name == '\0' || strpbrk(name, ": =") != NULL)
		return diags_at(l->diags, reference_pos(l, r),
				"write ${env:NAME} or ${env:NAME:-default}",
				"\"%s\" cannot be the name of an environment variable",
				str_escaped(l->arena, name));
	value = l->options->env ? l->options->env(l->options->env_ctx, name) : NULL;
	if (value) {
		r->value = arena_strdup(l->arena, value);
		r->has_secret = true;
		if (!str_is_utf8(value, strlen(value)))
			return diags_at(l->diags, reference_pos(l, r), NULL,
					"environment variable %s is not UTF-8", name);
		return mask(l, r, r->value, arena_strdup(l->arena, name));
	}
	if (fallback) {
		r->value = fallback + 2;
		return 0;
	}
	return diags_at(
		l->diags, reference_pos(l, r),
		arena_printf(l->arena, "set it, or give a default: ${env:%s:-default}", name),
		"environment variable %s is not set", str_escaped(l->arena, name));
}

static int resolve_file(struct loader *l, struct reference *r)
{
	const char *path = r->name + strlen("file:");
	const char *absolute = file_absolute(l->arena, l->definition->root_dir, path);
	struct err e = {0};
	struct buf text;

	r->is_external = true;
	r->has_secret = true;
	r->value = map_get(&l->files, path);
	if (r->value)
		return 0;
	buf_init(&text, MAX_SECRET_BYTES);
	if (*path == '\0') {
		(void)err_at(&e, ERR_DEFINITION, reference_pos(l, r), "${file:} names no file");
	} else if (load_policy_read(l, absolute, &text, &e)) {
		e.class = ERR_DEFINITION;
		e.pos = reference_pos(l, r);
	} else if (memchr(text.data, '\0', text.len) || !str_is_utf8(text.data, text.len)) {
		(void)err_at(&e, ERR_DEFINITION, reference_pos(l, r), "\"%s\" does not hold text",
			     str_escaped(l->arena, path));
	} else if (str_starts(text.data, "\xEF\xBB\xBF")) {
		(void)err_at(&e, ERR_DEFINITION, reference_pos(l, r),
			     "\"%s\" begins with a byte order mark, which no secret holds",
			     str_escaped(l->arena, path));
		(void)err_help(&e, "write it again as UTF-8 without the mark");
	} else {
		size_t n = text.len;

		if (n > 0 && text.data[n - 1] == '\n')
			n--;
		if (n > 0 && text.data[n - 1] == '\r')
			n--;
		r->value = arena_strndup(l->arena, text.data, n);
		/* No secret to whoever has the repository: it counts as what it is. */
		if (load_policy_is_in_tree(l, absolute))
			(void)load_policy_add(l, absolute, r->written, &text);
	}
	buf_release(&text);
	if (!r->value) {
		diags_add(l->diags, &e);
		return -1;
	}
	(void)map_put(&l->files, path, arena_strdup(l->arena, r->value)); /* was absent */
	return mask(l, r, r->value, NULL);
}

static int resolve_var(struct loader *l, struct reference *r)
{
	struct var *v = map_get(&l->vars, r->name);
	const char *help;

	if (!v) {
		help = load_closest(l, r->name, &l->vars);
		return diags_at(l->diags, reference_pos(l, r),
				help ? help : "define it in vars:, or write $${ for a literal ${",
				"no variable \"%s\"", str_escaped(l->arena, r->name));
	}
	if (v->state == RESOLVING)
		return diags_at(l->diags, reference_pos(l, r), NULL,
				"variable \"%s\" refers to itself", str_escaped(l->arena, r->name));
	if (v->state == UNRESOLVED) {
		if (l->n_resolving == MAX_CHAIN)
			return diags_at(l->diags, reference_pos(l, r), NULL,
					"variables refer to one another more than %d deep",
					MAX_CHAIN);
		l->n_resolving++;
		v->state = RESOLVING;
		(void)substitute(l, v->node); /* reported at the variable */
		v->state = RESOLVED;
		l->n_resolving--;
	}
	r->value = v->node->text;
	r->has_secret = v->node->has_secret;
	r->is_external = v->node->written != NULL;
	if (r->is_external)
		r->written = v->node->written;
	return 0;
}

static int resolve(struct loader *l, struct reference *r)
{
	r->written = arena_printf(l->arena, "${%s}", r->name);
	if (str_starts(r->name, "env:"))
		return resolve_env(l, r);
	if (str_starts(r->name, "file:"))
		return resolve_file(l, r);
	return resolve_var(l, r);
}

/* Appends the text of node to value with all references replaced, and to written with some. */
static int expand(struct loader *l, struct node *node, struct buf *value, struct buf *written,
		  bool *is_external)
{
	const char *s = node->text;
	int status = 0;

	while (*s && !diags_is_full(l->diags)) {
		struct reference r = {0};
		const char *end;

		if (strncmp(s, "$${", 3) == 0) {
			(void)buf_puts(value, "${");
			(void)buf_puts(written, "$${");
			s += 3;
			continue;
		}
		if (strncmp(s, "${", 2) != 0) {
			size_t run = *s == '$' ? 1 : strcspn(s, "$");

			(void)buf_add(value, s, run);
			(void)buf_add(written, s, run);
			s += run;
			continue;
		}
		r.node = node;
		r.offset = (size_t)(s - node->text);
		end = strchr(s, '}');
		if (!end)
			return diags_at(l->diags, reference_pos(l, &r),
					"close it with }, or write $${ for a ${",
					"a reference without }");
		r.name = arena_strndup(l->arena, s + 2, (size_t)(end - s) - 2);
		s = end + 1;
		if (resolve(l, &r)) {
			status = -1;
			continue;
		}
		(void)buf_puts(value, r.value);
		(void)buf_puts(written, r.is_external ? r.written : r.value);
		node->has_secret = node->has_secret || r.has_secret;
		*is_external = *is_external || r.is_external;
	}
	return *s ? -1 : status;
}

static int substitute(struct loader *l, struct node *node)
{
	bool is_external = false;
	struct buf value, written;
	int status;

	if (!strstr(node->text, "${"))
		return 0;
	if (l->n_expanded > MAX_EXPANDED_BYTES)
		return -1; /* reported when the bound was passed */
	buf_init(&value, YAML_MAX_BYTES);
	buf_init(&written, YAML_MAX_BYTES);
	status = expand(l, node, &value, &written, &is_external);
	l->n_expanded += value.len + written.len;
	if (status == 0 && (value.is_full || written.is_full || l->n_expanded > MAX_EXPANDED_BYTES))
		status = diags_at(l->diags, node->pos, NULL, "variables expand to more than %s",
				  value.is_full || written.is_full ? "1 MiB here" : "8 MiB in all");
	if (status == 0) {
		node->text = arena_strndup(l->arena, value.data, value.len);
		node->len = value.len;
		if (is_external)
			node->written = arena_strndup(l->arena, written.data, written.len);
	} else {
		remember_unresolved(l, node);
	}
	buf_release(&value);
	buf_release(&written);
	return status;
}

/* Depth is bounded by the YAML door. */
static void substitute_all(struct loader *l, struct node *node)
{
	if (node->type == NODE_SCALAR) {
		(void)substitute(l, node); /* reports itself */
		return;
	}
	for (size_t i = 0; i < node->n && !diags_is_full(l->diags); i++)
		substitute_all(l, node->items[i]);
}

static void collect(struct loader *l, const struct node *vars)
{
	for (size_t i = 0; i < vars->n && !diags_is_full(l->diags); i++) {
		struct group g = {.name = vars->keys[i]->text, .pos = vars->keys[i]->pos};
		struct var *v;

		if (vars->items[i]->type != NODE_SCALAR)
			continue; /* reported when the rows are read */
		if (strcmp(g.name, "env") == 0 || strcmp(g.name, "file") == 0) {
			(void)diags_at(l->diags, g.pos, "give it another name",
				       "the variable name \"%s\" is reserved", g.name);
			continue;
		}
		if (l->vars.n == MAX_VARS) {
			(void)diags_at(l->diags, g.pos, NULL, "more than 10,000 variables");
			return;
		}
		v = arena_alloc(l->arena, sizeof(*v));
		v->node = vars->items[i];
		(void)load_name(l, &l->vars, "variable", &g, v); /* reports itself */
	}
}

static void override(struct loader *l, const struct pair *given)
{
	struct var *v = map_get(&l->vars, given->name);
	const char *help;

	if (!v) {
		help = load_closest(l, given->name, &l->vars);
		(void)diags_at(l->diags, given->pos,
			       help ? help : "--var sets what vars: of the definition declares",
			       "--var: no variable \"%s\" in the definition",
			       str_escaped(l->arena, given->name));
		return;
	}
	v->is_given = !str_equal(v->node->text, given->value);
	v->node->text = given->value;
	v->node->len = strlen(given->value);
	v->node->is_plain = false;
	v->state = RESOLVED; /* a command line is taken literally */
}

void load_vars(struct loader *l)
{
	for (size_t i = 0; i < l->n_documents; i++) {
		const struct node *root = l->documents[i].root;
		const struct node *vars =
			root->type == NODE_MAPPING ? node_get(root, "vars") : NULL;

		if (vars && vars->type == NODE_MAPPING)
			collect(l, vars);
	}
	for (size_t i = 0; i < l->options->n_vars; i++)
		override(l, &l->options->vars[i]);
	for (size_t i = 0; i < l->vars.n && !diags_is_full(l->diags); i++) {
		const struct var *v = l->vars.entries[i].value;
		struct reference r = {.name = l->vars.entries[i].key, .node = v->node};

		(void)resolve_var(l, &r); /* reports itself */
	}
	for (size_t i = 0; i < l->n_documents; i++) {
		const struct node *root = l->documents[i].root;

		for (size_t k = 0; root->type == NODE_MAPPING && k < root->n; k++)
			if (strcmp(root->keys[k]->text, "vars") != 0 &&
			    strcmp(root->keys[k]->text, "include") != 0)
				substitute_all(l, root->items[k]);
	}
	l->n_early_diags = l->diags->n;
}

/* Was it said about the text of this scalar? */
static bool is_about(const struct err *e, const struct node *node)
{
	return e->pos.line == node->pos.line && e->pos.col >= node->pos.col &&
	       e->pos.col <= node->pos.col + node->len + 2 &&
	       str_equal(e->pos.file, node->pos.file);
}

static bool is_same_place(const struct err *a, const struct err *b)
{
	return a->pos.line != 0 && a->pos.line == b->pos.line && a->pos.col == b->pos.col &&
	       str_equal(a->pos.file, b->pos.file);
}

void load_drop_consequences(struct loader *l)
{
	struct diags *diags = l->diags;
	size_t kept = l->n_early_diags;

	for (size_t i = l->n_early_diags; i < diags->n; i++) {
		bool is_consequence = false;

		for (size_t k = 0; k < l->n_unresolved && !is_consequence; k++)
			is_consequence = is_about(&diags->items[i], l->unresolved[k]);
		for (size_t k = 0; k < l->n_early_diags && !is_consequence; k++)
			is_consequence = is_same_place(&diags->items[i], &diags->items[k]);
		if (is_consequence)
			diags->n_total--;
		else
			diags->items[kept++] = diags->items[i];
	}
	diags->n = kept;
}

static int compare_names(const void *a, const void *b)
{
	const struct map_entry *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

void load_vars_digest(const struct loader *l, struct sha256 *hash)
{
	const struct map_entry **given = arena_array(l->arena, l->vars.n, sizeof(*given));
	size_t n = 0;

	for (size_t i = 0; i < l->vars.n; i++)
		if (((const struct var *)l->vars.entries[i].value)->is_given)
			given[n++] = &l->vars.entries[i];
	if (n > 0)
		qsort(given, n, sizeof(*given), compare_names);
	for (size_t i = 0; i < n; i++) {
		const struct var *v = given[i]->value;

		sha256_add(hash, "variable ", 9);
		sha256_add(hash, given[i]->key, strlen(given[i]->key) + 1);
		sha256_add(hash, v->node->text, strlen(v->node->text) + 1);
	}
}
