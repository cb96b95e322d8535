/*
 * jsonpath_check: what does a query select? For suites that live elsewhere.
 *
 *	jsonpath_check QUERY-FILE [DOCUMENT-FILE]
 *
 * Prints the selected values as a JSON array. Exit status 0; 1 when the query is not valid, 2 when
 * it could not be evaluated or the document not read, and then the reason on standard output; 3
 * when used wrongly. The query is a file because it may hold NUL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audits/jsonpath.h"
#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"

static void put(struct json_writer *w, const char *key, const struct json_doc *d,
		struct json_t *node)
{
	struct json_value v;
	struct json_t *child;
	const char *name;
	void *at = NULL;

	json_read(d, node, &v);
	switch (v.type) {
	case JSON_ABSENT:
	case JSON_IS_NULL:
		json_put_null(w, key);
		break;
	case JSON_IS_BOOL:
		json_put_bool(w, key, v.boolean);
		break;
	case JSON_IS_INT:
		json_put_int(w, key, v.integer);
		break;
	case JSON_IS_REAL:
		json_put_real(w, key, v.real);
		break;
	case JSON_IS_TEXT:
		json_put_text_n(w, key, v.text, v.n);
		break;
	case JSON_IS_ARRAY:
		json_open(w, key, '[');
		for (size_t i = 0; i < v.n; i++)
			put(w, NULL, d, json_item(node, i));
		json_close(w, ']');
		break;
	case JSON_IS_OBJECT:
		json_open(w, key, '{');
		while (json_member_next(node, &at, &name, &child))
			put(w, name, d, child);
		json_close(w, '}');
		break;
	}
}

static bool read_file(const char *path, struct buf *out)
{
	char piece[4096];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		(void)buf_add(out, piece, n); /* looked at below */
	(void)fclose(f);
	return !out->is_full;
}

static int select_and_print(const struct jsonpath *p, const struct buf *document, struct err *e)
{
	struct json_doc *d = NULL;
	struct json_nodes nodes = {.items = NULL};
	struct json_writer w;
	struct buf out;
	int code = json_parse(document->data, document->len, &d, e);

	if (code == 0)
		code = jsonpath_select(p, d, &nodes, e);
	if (code == 0) {
		buf_init(&out, BUF_UNBOUNDED);
		json_writer_init(&w, &out, false);
		json_open(&w, NULL, '[');
		for (size_t i = 0; i < nodes.n; i++)
			put(&w, NULL, d, nodes.items[i]);
		json_close(&w, ']');
		printf("%s\n", out.data);
		buf_release(&out);
	}
	json_nodes_release(&nodes);
	json_free(d);
	return code;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct jsonpath *p = NULL;
	struct buf query, document;
	struct err e = {0};
	int status = 0;

	buf_init(&query, JSONPATH_MAX_BYTES * 2);
	buf_init(&document, (size_t)64 << 20);
	if (argc < 2 || argc > 3 || !read_file(argv[1], &query) ||
	    (argc == 3 && !read_file(argv[2], &document)))
		status = 3;
	else if (jsonpath_parse(a, query.data, query.len, &p, &e) != 0)
		status = 1;
	else if (argc == 3 && select_and_print(p, &document, &e) != 0)
		status = 2;
	if (status == 1 || status == 2)
		printf("%s\n", e.message);
	buf_release(&query);
	buf_release(&document);
	arena_free(a);
	return status;
}
