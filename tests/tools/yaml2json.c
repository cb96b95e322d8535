/*
 * yaml2json FILE: a definition as JSON on standard output, as an editor's YAML reader sees it:
 * plain scalars by the core schema of YAML 1.2, everything else a text.
 */
#include <stdio.h>
#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/io/json.h"
#include "runner/io/yaml.h"

static void write_scalar(struct json_writer *w, const char *key, const struct node *node)
{
	int64_t integer;
	double real;

	if (!node->is_plain)
		json_put_text(w, key, node->text);
	else if (node->len == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0)
		json_put_null(w, key);
	else if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
		json_put_bool(w, key, *node->text == 't');
	else if (num_parse_int(node->text, node->len, &integer) == 0)
		json_put_int(w, key, integer);
	else if (num_parse_real(node->text, node->len, &real) == 0)
		json_put_real(w, key, real);
	else
		json_put_text(w, key, node->text);
}

static void write_node(struct json_writer *w, const char *key, const struct node *node)
{
	if (node->type == NODE_SCALAR) {
		write_scalar(w, key, node);
		return;
	}
	json_open(w, key, node->type == NODE_MAPPING ? '{' : '[');
	for (size_t i = 0; i < node->n; i++)
		write_node(w, node->keys ? node->keys[i]->text : NULL, node->items[i]);
	json_close(w, node->type == NODE_MAPPING ? '}' : ']');
}

int main(int argc, char **argv)
{
	static char text[YAML_MAX_BYTES + 1];
	struct arena *a = arena_new();
	struct json_writer w;
	struct diags diags;
	struct node *root;
	struct buf out;
	size_t n;
	FILE *f;

	f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	if (!f) {
		fputs("usage: yaml2json FILE\n", stderr);
		return 2;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	diags_init(&diags, a);
	if (yaml_parse(a, argv[1], text, n, &root, &diags)) {
		fprintf(stderr, "%s: %s\n", argv[1], diags.items[0].message);
		arena_free(a);
		return 1;
	}
	buf_init(&out, BUF_UNBOUNDED);
	json_writer_init(&w, &out, false);
	write_node(&w, NULL, root);
	puts(out.data);
	buf_release(&out);
	arena_free(a);
	return 0;
}
