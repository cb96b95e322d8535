/*
 * Placeholders. Only {name} and {+name} with a name of letters is one, so that JSON in a body stays
 * what it is. What goes into a path or a form is percent-encoded: a captured value is data, and one
 * that holds "/../" or "&admin=1" must not become more than that.
 */
#include "audits/journey.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/buf.h"
#include "runner/base/err.h"
#include "runner/base/node.h"
#include "runner/base/num.h"
#include "runner/io/json.h"

static const char first_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";

const char *placeholder_next(const char *s, const char **name, size_t *n_name, const char **rest)
{
	for (const char *open = strchr(s, '{'); open != NULL; open = strchr(open + 1, '{')) {
		const char *at = open + 1 + (open[1] == '+');
		size_t n = strspn(at, letters);

		if (n == 0 || strchr(first_letters, at[0]) == NULL || at[n] != '}')
			continue;
		*name = at;
		*n_name = n;
		*rest = at + n + 1;
		return open;
	}
	return NULL;
}

const struct captured *captures_find(const struct captures *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->items[i].name) == n && memcmp(c->items[i].name, name, n) == 0)
			return &c->items[i];
	return NULL;
}

/* RFC 3986: unreserved characters as they are; a full buffer is noticed at the end. */
static void put_encoded(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr(letters, *s) != NULL || *s == '~')
			(void)buf_putc(out, *s);
		else
			(void)buf_printf(out, "%%%02X", (unsigned)(unsigned char)*s);
	}
}

/*
 * Has what was placed at the end of out made a whole segment of the path "." or "..", or left it
 * empty? Encoding does not make those names: the request would go elsewhere. rest comes behind it.
 */
static bool is_dot_segment(const struct buf *out, const char *rest)
{
	size_t n_rest = strcspn(rest, "/?#{"), from = out->len;

	while (from > 0 && out->data[from - 1] == '.')
		from--;
	return (from == 0 || out->data[from - 1] == '/') && out->len - from + n_rest <= 2 &&
	       strspn(rest, ".") == n_rest && rest[n_rest] != '{' &&
	       strpbrk(out->data, "?#") == NULL;
}

int captures_place(const struct captures *c, const char *s, enum placing how, struct buf *out,
		   struct err *e)
{
	const char *open, *name, *rest;
	size_t n;

	while ((open = placeholder_next(s, &name, &n, &rest)) != NULL) {
		const struct captured *value = captures_find(c, name, n);

		(void)buf_add(out, s, (size_t)(open - s)); /* looked at below */
		s = rest;
		if (how == PLACE_SHOWN && (value == NULL || value->is_secret))
			(void)buf_add(out, open, (size_t)(rest - open));
		else if (value == NULL)
			return err_set(e, ERR_MEASURE, "\"%.*s\" was not captured", (int)n, name);
		else if (how != PLACE_SHOWN && value->is_rounded && !value->is_hex)
			return err_set(e, ERR_MEASURE,
				       "\"%.*s\" cannot be sent on: it is an integer beyond 2^63, "
				       "whose last digits are not kept",
				       (int)n, name);
		else if (how == PLACE_RAW || open[1] == '+')
			(void)buf_puts(out, value->text);
		else
			put_encoded(out, value->text);
		if (how == PLACE_ENCODED && open[1] != '+' && is_dot_segment(out, rest))
			return err_set(e, ERR_MEASURE,
				       "\"%.*s\" is \"%s\", which in a path leads elsewhere",
				       (int)n, name, value->text);
	}
	(void)buf_puts(out, s);
	return out->is_full ? err_set(e, ERR_MEASURE, "the request is larger than %zu MiB",
				      JOURNEY_MAX_SENT >> 20)
			    : 0;
}

/* ---- bodies ---- */

const char *journey_encoded(struct arena *a, const char *s)
{
	const char *text;
	struct buf b;

	buf_init(&b, BUF_UNBOUNDED); /* the definition is bounded */
	put_encoded(&b, s);
	text = arena_strdup(a, b.data);
	buf_release(&b);
	return text;
}

static int put_form(const struct pairs *form, const struct captures *c, struct buf *out,
		    struct err *e)
{
	for (size_t i = 0; i < form->n; i++) {
		struct buf value;
		int rc;

		if (i > 0)
			(void)buf_putc(out, '&');
		put_encoded(out, form->items[i].name);
		(void)buf_putc(out, '=');
		buf_init(&value, JOURNEY_MAX_SENT);
		rc = captures_place(c, form->items[i].value, PLACE_RAW, &value, e);
		if (rc == 0)
			put_encoded(out, value.data);
		buf_release(&value);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* A value that was captured, in the place of a whole text: a number stays one. */
static bool put_number(struct json_writer *w, const char *key, const struct captures *c,
		       const char *text)
{
	const char *name, *rest;
	size_t n;
	const struct captured *v;

	if (placeholder_next(text, &name, &n, &rest) != text || *rest != '\0')
		return false;
	v = captures_find(c, name, n);
	if (v == NULL || v->is_rounded || v->is_hex)
		return false;
	if (v->value.type == VALUE_INT)
		json_put_int(w, key, v->value.integer);
	else if (v->value.type == VALUE_REAL)
		json_put_real(w, key, v->value.real);
	else
		return false;
	return true;
}

/* As YAML 1.2's JSON schema reads it: only what is unquoted can be more than a text. */
static bool put_plain(struct json_writer *w, const char *key, const struct node *node)
{
	int64_t integer;
	double real;

	if (!node->is_plain || node->has_secret)
		return false;
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
		json_put_bool(w, key, node->text[0] == 't');
	else if (strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0)
		json_put_null(w, key);
	else if (num_parse_int(node->text, node->len, &integer) == 0)
		json_put_int(w, key, integer);
	else if (num_parse_real(node->text, node->len, &real) == 0)
		json_put_real(w, key, real);
	else
		return false;
	return true;
}

static int put_json(struct json_writer *w, const char *key, const struct node *node,
		    const struct captures *c, struct err *e)
{
	struct buf text;
	int rc = 0;

	if (node->type != NODE_SCALAR) {
		bool is_map = node->type == NODE_MAPPING;

		json_open(w, key, is_map ? '{' : '[');
		for (size_t i = 0; i < node->n && rc == 0; i++)
			rc = put_json(w, is_map ? node->keys[i]->text : NULL, node->items[i], c, e);
		json_close(w, is_map ? '}' : ']');
		return rc;
	}
	if (put_plain(w, key, node) || put_number(w, key, c, node->text))
		return 0;
	buf_init(&text, JOURNEY_MAX_SENT);
	rc = captures_place(c, node->text, PLACE_RAW, &text, e);
	if (rc == 0)
		json_put_text_n(w, key, text.data, text.len);
	buf_release(&text);
	return rc;
}

static int put_rpc(struct json_writer *w, const struct node *rpc, const struct captures *c,
		   struct err *e)
{
	const struct node *params = node_get(rpc, "params");
	int rc;

	json_open(w, NULL, '{');
	json_put_text(w, "jsonrpc", "2.0");
	json_put_int(w, "id", 1);
	rc = put_json(w, "method", node_get(rpc, "method"), c, e);
	if (rc == 0 && params != NULL)
		rc = put_json(w, "params", params, c, e);
	json_close(w, '}');
	return rc;
}

int journey_body(const struct group *g, const struct captures *c, struct arena *a,
		 const char **body, const char **type, struct err *e)
{
	const struct journey_step *step = g->value;
	struct json_writer w;
	struct buf out;
	int rc = 0;

	*body = *type = NULL;
	if (step->form.n == 0 && step->json == NULL && step->rpc == NULL && step->body == NULL)
		return 0;
	buf_init(&out, JOURNEY_MAX_SENT);
	json_writer_init(&w, &out, false);
	if (step->body != NULL) {
		rc = captures_place(c, step->body, PLACE_RAW, &out, e);
	} else if (step->form.n > 0) {
		*type = "application/x-www-form-urlencoded";
		rc = put_form(&step->form, c, &out, e);
	} else {
		*type = "application/json";
		rc = step->json != NULL ? put_json(&w, NULL, step->json, c, e)
					: put_rpc(&w, step->rpc, c, e);
	}
	if (rc == 0 && out.is_full)
		rc = err_set(e, ERR_MEASURE, "the request is larger than %zu MiB",
			     JOURNEY_MAX_SENT >> 20);
	if (rc == 0)
		*body = arena_strndup(a, out.data, out.len);
	buf_release(&out);
	return rc;
}
