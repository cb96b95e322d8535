/* Terms as they are written: the record's bounds are for people, and rounded where that reads well.
 */
#include "runner/expects.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/io/json.h"
#include "runner/model/definition.h"

static void put_terms(struct json_writer *w, const char *name, bool has,
		      const struct expectation *x)
{
	if (!has) {
		json_put_null(w, name);
		return;
	}
	json_open(w, name, '[');
	for (size_t i = 0; i < x->n_terms; i++)
		json_put_text(w, NULL, x->texts[i]);
	json_close(w, ']');
}

const char *expects_write(struct arena *a, const struct check *c)
{
	struct json_writer w;
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	json_writer_init(&w, &b, false);
	json_open(&w, NULL, '[');
	for (size_t i = 0; i < c->n_expects; i++) {
		const struct named_expectation *x = &c->expects[i];

		json_open(&w, NULL, '{');
		json_put_text(&w, "name", x->name);
		put_terms(&w, "expect", x->has_expect, &x->expect);
		put_terms(&w, "warn", x->has_warn, &x->warn);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	text = arena_strndup(a, b.data, b.len);
	buf_release(&b);
	return text;
}

/* null is none. */
static int read_terms(struct arena *a, const struct json_doc *doc, const struct json_t *list,
		      bool *has, struct expectation *out, struct err *e)
{
	struct json_value v;
	const char **texts;
	struct pos *positions;

	json_read(doc, list, &v);
	if (v.type == JSON_IS_NULL)
		return 0;
	if (v.type != JSON_IS_ARRAY || v.n == 0 || v.n > EXPECT_MAX_SET)
		return err_set(e, ERR_RECORD, "the expectations that were recorded are damaged");
	texts = arena_array(a, v.n, sizeof(*texts));
	positions = arena_array(a, v.n, sizeof(*positions));
	for (size_t i = 0; i < v.n; i++) {
		struct json_value term;

		json_read(doc, json_item(list, i), &term);
		texts[i] = term.type == JSON_IS_TEXT ? arena_strdup(a, term.text) : "";
	}
	*has = true;
	return expect_parse(a, texts, positions, v.n, out, e);
}

static int read_all(struct arena *a, const struct json_doc *doc, struct named_expectation **out,
		    size_t *n, struct err *e)
{
	const struct json_t *root = json_root(doc);
	struct named_expectation *items;
	struct json_value v;

	json_read(doc, root, &v);
	if (v.type != JSON_IS_ARRAY)
		return err_set(e, ERR_RECORD, "the expectations that were recorded are damaged");
	items = arena_array(a, v.n, sizeof(*items));
	for (size_t i = 0; i < v.n; i++) {
		const struct json_t *x = json_item(root, i);
		struct json_value name;

		json_read(doc, json_member(x, "name"), &name);
		items[i].name = name.type == JSON_IS_TEXT ? arena_strdup(a, name.text) : "";
		if (read_terms(a, doc, json_member(x, "expect"), &items[i].has_expect,
			       &items[i].expect, e) != 0 ||
		    read_terms(a, doc, json_member(x, "warn"), &items[i].has_warn, &items[i].warn,
			       e) != 0)
			return -1;
	}
	*out = items;
	*n = v.n;
	return 0;
}

int expects_read(struct arena *a, const char *text, struct named_expectation **out, size_t *n,
		 struct err *e)
{
	struct json_doc *doc;
	int rc;

	if (json_parse(text, strlen(text), &doc, e) != 0)
		return -1;
	rc = read_all(a, doc, out, n, e);
	json_free(doc);
	return rc;
}
